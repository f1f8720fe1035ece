// Expected names: spec/aof.md chapter 2; temporary.h.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "storage/aof/temporary.h"

static char folder[64];

static void setup(void)
{
    strcpy(folder, "/tmp/penstock-temporary-XXXXXX");
    CHECK(mkdtemp(folder) && chdir(folder) == 0);
}
static void teardown(void)
{
    if (chdir("/") == 0) (void)rmdir(folder);
}
TestSuite(temporary, .init = setup, .fini = teardown, .timeout = 60);

static void put(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0 && close(fd) == 0);
}
static const char *put_of(const char *format, int process)
{
    static char name[64];
    snprintf(name, sizeof name, format, process);
    put(name);
    return name;
}

static bool is_there(const char *name) { return access(name, F_OK) == 0; }

static int process_that_is_gone(void)
{
    pid_t child = fork();
    if (child == 0) _exit(0);
    CHECK(waitpid(child, NULL, 0) == child);
    return child;
}

static void remove_all(void)
{
    temporary_remove_snapshots();
    temporary_remove_rewrites();
}

Test(temporary, names_a_snapshot_of_this_process)
{
    char name[TEMPORARY_NAME_MAX], expected[64];
    snprintf(expected, sizeof expected, "temp-%d.rdb", (int)getpid());
    cr_expect_str_eq(temporary_snapshot_name(name), expected);
}

Test(temporary, removes_what_processes_left_that_are_gone)
{
    static const struct {
        const char *format;
        bool is_snapshot;
    } cases[] = { { "temp-%d.rdb", true },
                  { "temp-rewriteaof-%d.aof", false },
                  { "temp-rewriteaof-bg-%d.aof", false } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *name = put_of(cases[i].format, process_that_is_gone());
        (cases[i].is_snapshot ? temporary_remove_rewrites : temporary_remove_snapshots)();
        cr_expect(is_there(name), "the other kind removed %s", name);
        remove_all();
        cr_expect_not(is_there(name), "%s", name);
    }
}

static void expect_kept(const char *name)
{
    remove_all();
    cr_expect(is_there(name), "%s", name);
    unlink(name);
}

Test(temporary, keeps_what_processes_write_that_are_there)
{
    static const char *const formats[] = { "temp-%d.rdb", "temp-rewriteaof-%d.aof",
                                           "temp-rewriteaof-bg-%d.aof" };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        expect_kept(put_of(formats[i], (int)getpid()));
}

Test(temporary, keeps_what_is_named_otherwise)
{
    static const char *const formats[] = { "temp-%d.aof",  "temp-%d.rdb.bak", "temp-x%d.rdb",
                                           "temp--%d.rdb", "xtemp-%d.rdb",    "temp-bg-%d.aof",
                                           "dump.rdb" };
    static const char *const names[] = { "temp-.rdb", "temp-0.rdb", "temp-99999999999999999999.rdb",
                                         "temp-rewriteaof-.aof" };
    int gone = process_that_is_gone();
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        expect_kept(put_of(formats[i], gone));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        put(names[i]);
        expect_kept(names[i]);
    }
}
