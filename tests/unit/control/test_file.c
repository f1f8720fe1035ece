#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "control/file.h"

static char folder[64], path[96];
static char *text;
static size_t size;

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/penstock-test-file-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(folder), NULL));
    snprintf(path, sizeof path, "%s/a.conf", folder);
}

static uint32_t files(void)
{
    uint32_t count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir));) count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void remove_folder(void)
{
    free(text);
    text = NULL;
    chmod(folder, 0700);
    unlink(path);
    rmdir(folder);
}
TestSuite(file, .init = make_folder, .fini = remove_folder);

static mode_t mode_of(const char *name)
{
    struct stat st;
    cr_assert(eq(int, stat(name, &st), 0));
    return st.st_mode & 07777;
}

Test(file, replaces_a_file_as_a_whole)
{
    cr_assert(eq(int, file_replace(path, bytes_text("first\n"), 0600), OK));
    cr_expect(eq(u32, mode_of(path), 0600));
    cr_assert(eq(int, file_read(path, 100, &text, &size), OK));
    cr_expect(eq(str, text, "first\n"));
    free(text);
    chmod(path, 0644);
    cr_assert(eq(int, file_replace(path, bytes_text(""), 0600), OK));
    cr_expect(eq(u32, mode_of(path), 0644), "who may read it does not change");
    cr_assert(eq(int, file_read(path, 0, &text, &size), OK));
    cr_expect(zero(sz, size));
    cr_expect(eq(u32, files(), 1), "no temporary file is left");
}

Test(file, leaves_the_old_file_when_it_cannot_write)
{
    char missing[128], long_name[8192];
    snprintf(missing, sizeof missing, "%s/none/a.conf", folder);
    cr_expect(eq(int, file_replace(missing, bytes_text("x"), 0600), ERR_IO));
    cr_expect(eq(int, errno, ENOENT));
    memset(long_name, 'x', sizeof long_name);
    long_name[sizeof long_name - 1] = 0;
    cr_expect(eq(int, file_replace(long_name, bytes_text("x"), 0600), ERR_IO));
    cr_expect(eq(int, errno, ENAMETOOLONG));
    cr_expect(eq(int, file_replace(folder, bytes_text("x"), 0600), ERR_IO));
    cr_expect(eq(int, errno, EISDIR));
    char leftover[128];
    snprintf(leftover, sizeof leftover, "%s.%d.tmp", folder, (int)getpid());
    cr_expect(ne(int, access(leftover, F_OK), 0));
}

Test(file, is_not_led_astray_by_a_link)
{
    char fresh[128], victim[128];
    snprintf(victim, sizeof victim, "%s/.victim", folder);
    snprintf(fresh, sizeof fresh, "%s.%d.tmp", path, (int)getpid());
    cr_assert(eq(int, symlink(victim, fresh), 0));
    cr_assert(eq(int, file_replace(path, bytes_text("x"), 0600), OK));
    cr_expect(ne(int, access(victim, F_OK), 0));
}

Test(file, reads_files_up_to_a_size)
{
    cr_assert(eq(int, file_replace(path, bytes_text("12345"), 0600), OK));
    cr_assert(eq(int, file_read(path, 5, &text, &size), OK));
    cr_expect(eq(sz, size, 5));
    free(text);
    cr_expect(eq(int, file_read(path, 4, &text, &size), ERR_IO));
    cr_expect(eq(int, errno, EFBIG));
    cr_expect(eq(ptr, text, NULL));
    cr_expect(eq(int, file_read(folder, 4, &text, &size), ERR_IO));
    cr_expect(eq(int, errno, EISDIR));
    cr_expect(eq(int, file_read("/dev/null", 4, &text, &size), ERR_IO));
    unlink(path);
    cr_assert(eq(int, mkfifo(path, 0600), 0));
    cr_expect(eq(int, file_read(path, 4, &text, &size), ERR_IO), "a pipe does not hold us");
}
