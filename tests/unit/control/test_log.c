#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "control/log.h"

static char folder[64], path[96], moved[96], socket_path[96];
static struct log l;

static void make_folder(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    snprintf(folder, sizeof folder, "/tmp/test-log-XXXXXX");
    if (!mkdtemp(folder)) abort();
    snprintf(path, sizeof path, "%s/log", folder);
    snprintf(moved, sizeof moved, "%s/log.1", folder);
    snprintf(socket_path, sizeof socket_path, "%s/socket", folder);
    log_init(&l);
}
static void remove_folder(void)
{
    log_close(&l);
    unlink(path);
    unlink(moved);
    unlink(socket_path);
    rmdir(folder);
}
TestSuite(log, .init = make_folder, .fini = remove_folder);

static const char *content(const char *file)
{
    static char text[8192];
    memset(text, 0, sizeof text);
    FILE *in = fopen(file, "r");
    if (in) {
        (void)!fread(text, 1, sizeof text - 1, in);
        fclose(in);
    }
    return text;
}

// The form of redis-server 7.
Test(log, line_has_pid_role_time_level_and_text)
{
    char line[LOG_LINE_MAX];
    const char *want[] = { "1234:M 22 Nov 2026 15:04:05.678 . x",
                           "1234:M 22 Nov 2026 15:04:05.678 - x",
                           "1234:M 22 Nov 2026 15:04:05.678 * x",
                           "1234:M 22 Nov 2026 15:04:05.678 # x" };
    for (int level = LEVEL_DEBUG; level <= LEVEL_WARNING; level++) {
        cr_expect(eq(sz, log_format(line, 1234, level, 1795359845678901ull, "x"), strlen(want[0])));
        cr_expect(eq(str, line, (char *)want[level]));
    }
    log_format(line, 0, 99, 0, "");
    cr_expect(eq(str, line, "0:M 01 Jan 1970 00:00:00.000 # "), "an unknown level is a warning");
}

Test(log, line_is_cut_where_it_does_not_fit)
{
    static char text[3 * LOG_LINE_MAX];
    char line[LOG_LINE_MAX];
    memset(text, 'x', sizeof text - 1);
    cr_expect(eq(sz, log_format(line, 1, 1, 0, text), LOG_LINE_MAX - 1));
    cr_expect(eq(sz, strlen(line), LOG_LINE_MAX - 1));
}

Test(log, appends_to_its_file_and_leaves_out_lesser_levels)
{
    cr_assert(eq(int, log_open(&l, path), OK));
    log_write(&l, LEVEL_VERBOSE, "hidden");
    log_write(&l, LEVEL_NOTICE, "shown %d", 7);
    l.level = LEVEL_DEBUG;
    log_write(&l, LEVEL_DEBUG, "detail");
    cr_expect(strstr(content(path), "hidden") == NULL);
    cr_expect(strstr(content(path), " * shown 7\n") != NULL);
    cr_expect(strstr(content(path), " . detail\n") != NULL);
    log_close(&l);
    cr_assert(eq(int, log_open(&l, path), OK));
    log_write(&l, LEVEL_NOTICE, "later");
    cr_expect(strstr(content(path), "shown 7\n") < strstr(content(path), "later\n"));
}

Test(log, makes_its_file_anew_when_it_was_moved_or_removed)
{
    cr_assert(eq(int, log_open(&l, path), OK));
    log_write(&l, LEVEL_NOTICE, "first");
    cr_assert(zero(int, rename(path, moved)));
    log_write(&l, LEVEL_NOTICE, "second");
    cr_expect(strstr(content(path), "second") != NULL);
    cr_expect(strstr(content(path), "first") == NULL);
    cr_expect(strstr(content(moved), "second") == NULL);
    unlink(path);
    log_reopen(&l);
    cr_expect(zero(int, access(path, F_OK)));
}

Test(log, finds_a_relative_file_again_from_another_folder)
{
    cr_assert(zero(int, chdir(folder)));
    cr_assert(eq(int, log_open(&l, "log"), OK));
    cr_assert(zero(int, chdir("/")));
    unlink(path);
    log_write(&l, LEVEL_NOTICE, "again");
    cr_expect(strstr(content(path), "again") != NULL);
}

Test(log, stays_what_it_was_when_a_file_cannot_be_opened)
{
    cr_expect(eq(int, log_open(&l, "/nonexistent/log"), ERR_IO));
    cr_expect(eq(int, l.fd, STDOUT_FILENO));
    cr_expect(eq(int, log_open(&l, ""), OK));
    cr_expect(eq(int, l.fd, STDOUT_FILENO));
}

Test(log, a_full_disk_does_not_stop_it, .timeout = 5)
{
    l.fd = open("/dev/full", O_WRONLY);
    log_write(&l, LEVEL_WARNING, "lost");
}

// ---- syslog

static int listen_for_lines(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) abort();
    return fd;
}

// The text of the next line, after its "ident[pid]: ".
static const char *syslog_text(int fd)
{
    static char line[2048];
    memset(line, 0, sizeof line);
    if (recv(fd, line, sizeof line - 1, 0) < 0) return "nothing";
    const char *text = strstr(line, "]: ");
    return text ? text + 3 : line;
}

Test(log, syslog_gets_the_lines_that_the_file_gets)
{
    int fd = listen_for_lines();
    cr_assert(eq(int, log_open(&l, path), OK));
    log_open_syslog(&l, socket_path, "p", "local0");
    log_write(&l, LEVEL_VERBOSE, "hidden");
    log_write(&l, LEVEL_NOTICE, "shown");
    cr_expect(eq(str, (char *)syslog_text(fd), "shown"));
    cr_expect(eq(str, (char *)syslog_text(fd), "nothing"));
    log_close(&l);
    cr_assert(eq(int, log_open(&l, path), OK));
    log_write(&l, LEVEL_NOTICE, "closed");
    cr_expect(eq(str, (char *)syslog_text(fd), "nothing"));
    close(fd);
}

Test(log, tells_how_many_lines_syslog_did_not_take_before_the_next_one)
{
    cr_assert(eq(int, log_open(&l, path), OK));
    log_open_syslog(&l, socket_path, "p", "local0");
    for (int i = 0; i < 3; i++) log_write(&l, LEVEL_NOTICE, "lost %d", i);
    int fd = listen_for_lines();
    log_write(&l, LEVEL_NOTICE, "taken");
    log_write(&l, LEVEL_NOTICE, "next");
    cr_expect(eq(str, (char *)syslog_text(fd), "3 lines were not taken by syslog"));
    cr_expect(eq(str, (char *)syslog_text(fd), "taken"));
    cr_expect(eq(str, (char *)syslog_text(fd), "next"));
    const char *told = strstr(content(path), " # 3 lines were not taken by syslog\n");
    cr_assert(told != NULL);
    cr_expect(strstr(content(path), "lost 2") < told);
    cr_expect(told < strstr(content(path), "taken\n"));
    close(fd);
}

Test(log, tells_it_too_when_no_line_follows_but_not_more_often_than_once_a_second)
{
    const uint64_t second_ns = 1000000000;
    cr_assert(eq(int, log_open(&l, path), OK));
    log_open_syslog(&l, socket_path, "p", "local0");
    log_write(&l, LEVEL_NOTICE, "lost");
    log_poll(&l, 5 * second_ns); // nobody is there
    int fd = listen_for_lines();
    log_poll(&l, 6 * second_ns - 1);
    cr_expect(eq(str, (char *)syslog_text(fd), "nothing"));
    log_poll(&l, 6 * second_ns);
    cr_expect(eq(str, (char *)syslog_text(fd), "1 line was not taken by syslog"));
    log_poll(&l, 8 * second_ns);
    cr_expect(eq(str, (char *)syslog_text(fd), "nothing"));
    close(fd);
}
