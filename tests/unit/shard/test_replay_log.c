// A log that goes away under who loads it: replay_log.h, base/file_view.h.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "dataplane/shard/replay_log.h"

#define SET "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
enum { COMMANDS = 4 * REPLAY_FILL, BYTES = COMMANDS * (sizeof SET - 1) };

static struct heap heap;
static struct replay_log l;
static struct replay_error error;
static char path[64];

static void setup(void)
{
    snprintf(path, sizeof path, "/tmp/penstock-log-%d", (int)getpid());
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && heap_open(&heap) == OK);
    for (int i = 0; i < COMMANDS; i++) CHECK(fputs(SET, file) >= 0);
    CHECK(fclose(file) == 0);
}
static void teardown(void)
{
    replay_log_close(&l);
    cr_expect(eq(u64, heap.bytes_total, 0));
    heap_close(&heap);
    unlink(path);
}
TestSuite(replay_log, .init = setup, .fini = teardown, .timeout = 60);

static void open_log(void)
{
    cr_assert(eq(int, replay_log_open(&l, &heap, path, 0, BYTES, &error), OK), "%s", error.why);
}
static void cut_file(off_t size) { CHECK(truncate(path, size) == 0); }
static enum status fill(void)
{
    enum status status = replay_log_fill(&l, UINT64_MAX, &error);
    l.queue.done = l.queue.count; // as if they ran
    return status;
}
static void expect_error(uint64_t offset, const char *why)
{
    cr_expect(eq(u64, error.offset, offset));
    cr_expect(eq(str, error.why, (char *)why));
    cr_expect(not(error.is_format));
}

Test(replay_log, reads_a_log_to_its_end)
{
    open_log();
    cr_assert(eq(int, replay_log_read_ahead(&l, &error), OK));
    while (l.state == REPLAY_LOG_READS) cr_assert(eq(int, fill(), OK));
    cr_expect(eq(int, l.state, REPLAY_LOG_ENDED));
    cr_expect(eq(u64, replay_log_done_bytes(&l), BYTES));
    cr_expect(not(replay_log_find_trouble(&l, &error)));
}

Test(replay_log, refuses_a_file_that_is_shorter_than_was_planned)
{
    cut_file(BYTES - 1);
    cr_assert(eq(int, replay_log_open(&l, &heap, path, 0, BYTES, &error), ERR_IO));
    expect_error(BYTES - 1, "open: it has become shorter meanwhile");
}

Test(replay_log, tells_a_file_that_was_cut_before_it_was_read_ahead)
{
    open_log();
    cut_file(1000);
    cr_assert(eq(int, replay_log_read_ahead(&l, &error), ERR_IO));
    expect_error(1000, "pread: it has become shorter meanwhile");
}

Test(replay_log, tells_a_file_that_was_cut_behind_what_was_read_ahead)
{
    open_log();
    cr_assert(eq(int, replay_log_read_ahead(&l, &error), OK));
    cr_assert(eq(int, fill(), OK));
    cut_file(0);
    (void)fill(); // of zeros: whatever it says of them
    cr_assert(file_view_has_failed(&l.view));
    cr_assert(replay_log_find_trouble(&l, &error));
    expect_error(l.scan.whole_offset, "pread: it has become shorter meanwhile");
}

Test(replay_log, tells_a_file_that_was_cut_within_a_page)
{
    open_log();
    cr_assert(eq(int, replay_log_read_ahead(&l, &error), OK));
    cut_file(BYTES - 4);
    while (l.state == REPLAY_LOG_READS && fill() == OK) continue;
    cr_assert(replay_log_find_trouble(&l, &error));
    expect_error(BYTES - 4, "pread: it has become shorter meanwhile");
}
