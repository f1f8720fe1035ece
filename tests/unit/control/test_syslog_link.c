#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include "control/syslog_link.h"

// 22 Nov 2026 15:04:05 UTC, and what stands before the text then.
#define WALL_US 1795359845678901ull
#define DATE "Nov 22 15:04:05"

static char folder[64], path[96];
static struct syslog_link s;
static int daemon_fd = -1;

static int listen_as(int type)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) abort();
    if (type == SOCK_STREAM && listen(fd, 4) < 0) abort();
    return fd;
}

static void end_daemon(void)
{
    if (daemon_fd >= 0) close(daemon_fd);
    daemon_fd = -1;
    unlink(path);
}

static void make_folder(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    snprintf(folder, sizeof folder, "/tmp/test-syslog-XXXXXX");
    if (!mkdtemp(folder)) abort();
    snprintf(path, sizeof path, "%s/log", folder);
    s.fd = -1;
}
static void remove_folder(void)
{
    syslog_link_close(&s);
    end_daemon();
    rmdir(folder);
}
TestSuite(syslog_link, .init = make_folder, .fini = remove_folder, .timeout = 10);

static bool send_line(const char *text)
{
    return syslog_link_send(&s, LOG_INFO, WALL_US, text, false);
}

static const char *received(int fd)
{
    static char text[8192];
    memset(text, 0, sizeof text);
    ssize_t size = recv(fd, text, sizeof text - 1, 0);
    return size < 0 ? "nothing" : text;
}

// What the daemon gets of a line: priority is facility + severity.
static const char *line_of(int priority, const char *ident, const char *text)
{
    static char line[8192];
    snprintf(line, sizeof line, "<%d>" DATE " %s[%d]: %s", priority, ident, (int)getpid(), text);
    return line;
}

static void fill_queue(void)
{
    for (uint32_t i = 0; send_line("fill"); i++) cr_assert(lt(u32, i, 1000000));
}

Test(syslog_link, a_line_has_priority_date_ident_pid_and_text)
{
    static const struct {
        const char *facility;
        int severity, priority;
    } cases[] = {
        { "user", LOG_DEBUG, 8 + 7 },         { "local0", LOG_INFO, 16 * 8 + 6 },
        { "local1", LOG_NOTICE, 17 * 8 + 5 }, { "LOCAL7", LOG_WARNING, 23 * 8 + 4 },
        { "no such", LOG_INFO, 16 * 8 + 6 },
    };
    daemon_fd = listen_as(SOCK_DGRAM);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        syslog_link_open(&s, path, "cache-7", cases[i].facility);
        cr_expect(syslog_link_send(&s, cases[i].severity, WALL_US, "100 %s", true));
        cr_expect(eq(str, (char *)received(daemon_fd),
                     (char *)line_of(cases[i].priority, "cache-7", "100 %s")));
        syslog_link_close(&s);
    }
}

Test(syslog_link, a_day_of_one_digit_has_a_space_before_it)
{
    char want[64];
    daemon_fd = listen_as(SOCK_DGRAM);
    syslog_link_open(&s, path, "", "user");
    cr_expect(syslog_link_send(&s, LOG_INFO, 0, "x", true));
    snprintf(want, sizeof want, "<14>Jan  1 00:00:00 [%d]: x", (int)getpid());
    cr_expect(eq(str, (char *)received(daemon_fd), want));
}

Test(syslog_link, long_names_and_texts_are_not_cut)
{
    static char ident[600], text[5000];
    memset(ident, 'i', sizeof ident - 1);
    memset(text, 't', sizeof text - 1);
    daemon_fd = listen_as(SOCK_DGRAM);
    syslog_link_open(&s, path, ident, "local0");
    cr_expect(send_line(text));
    cr_expect(eq(str, (char *)received(daemon_fd), (char *)line_of(134, ident, text)));
}

Test(syslog_link, a_full_queue_takes_nothing_until_there_is_room)
{
    daemon_fd = listen_as(SOCK_DGRAM);
    syslog_link_open(&s, path, "p", "local0");
    fill_queue();
    cr_expect(not(send_line("lost")));
    cr_expect(eq(str, (char *)received(daemon_fd), (char *)line_of(134, "p", "fill")));
    cr_expect(send_line("again"));
    uint32_t again = 0, lost = 0;
    for (const char *line; strcmp(line = received(daemon_fd), "nothing") != 0;) {
        again += strstr(line, ": again") != NULL;
        lost += strstr(line, ": lost") != NULL;
    }
    cr_expect(eq(u32, again, 1));
    cr_expect(zero(u32, lost));
}

Test(syslog_link, a_full_queue_is_waited_for_a_bounded_time_only)
{
    daemon_fd = listen_as(SOCK_DGRAM);
    syslog_link_open(&s, path, "p", "local0");
    fill_queue();
    // Without the bound on all waits of a second: 100 s.
    for (int i = 0; i < 1000; i++) cr_assert(not(syslog_link_send(&s, LOG_INFO, 0, "x", true)));
}

Test(syslog_link, a_daemon_that_was_restarted_misses_nothing)
{
    daemon_fd = listen_as(SOCK_DGRAM);
    syslog_link_open(&s, path, "p", "local0");
    for (int i = 0; i < 3; i++) {
        end_daemon();
        daemon_fd = listen_as(SOCK_DGRAM);
        cr_expect(send_line("first"));
        cr_expect(eq(str, (char *)received(daemon_fd), (char *)line_of(134, "p", "first")));
    }
}

Test(syslog_link, a_daemon_may_come_and_go)
{
    syslog_link_open(&s, path, "p", "local0");
    for (int i = 0; i < 3; i++) {
        cr_expect(not(send_line("lost")));
        daemon_fd = listen_as(SOCK_DGRAM);
        cr_expect(send_line("here"));
        cr_expect(eq(str, (char *)received(daemon_fd), (char *)line_of(134, "p", "here")));
        end_daemon();
    }
}

Test(syslog_link, a_daemon_that_listens_for_connections_gets_lines_that_end_with_zero)
{
    char both[256], *second;
    daemon_fd = listen_as(SOCK_STREAM);
    syslog_link_open(&s, path, "p", "local0");
    cr_expect(send_line("one"));
    cr_expect(send_line("two"));
    int fd = accept(daemon_fd, NULL, NULL);
    cr_assert(ge(int, fd, 0));
    ssize_t size = recv(fd, both, sizeof both, 0);
    cr_expect(eq(str, both, (char *)line_of(134, "p", "one")));
    second = both + strlen(both) + 1;
    cr_expect(eq(str, second, (char *)line_of(134, "p", "two")));
    cr_expect(eq(sz, (size_t)size, 2 * (strlen(second) + 1)));
    close(fd); // ends, and is there again
    end_daemon();
    daemon_fd = listen_as(SOCK_STREAM);
    cr_expect(send_line("three"));
    fd = accept(daemon_fd, NULL, NULL);
    cr_expect(eq(str, (char *)received(fd), (char *)line_of(134, "p", "three")));
    fill_queue(); // nobody reads: it takes nothing in the end, and does not wait
    close(fd);
}

Test(syslog_link, the_socket_is_not_for_children)
{
    daemon_fd = listen_as(SOCK_DGRAM);
    syslog_link_open(&s, path, "p", "local0");
    cr_expect(ne(int, fcntl(s.fd, F_GETFD) & FD_CLOEXEC, 0));
}
