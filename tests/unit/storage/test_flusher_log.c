#include "flusher_fixture.h"
#include <errno.h>

// Logs on a disk in memory: policies of syncing, and disks that refuse.

static const struct disk_memory_config plain_disk = { .seed = 1, .delay_turns_max = 2 };

static struct flush_file log_file(enum flush_sync sync)
{
    return (struct flush_file){ .kind = FLUSH_LOG, .path = "aof/1.incr.aof", .sync = sync };
}

static void open_log(struct flusher_bench *b, struct flush_file *file, enum flush_sync sync)
{
    bench_open(b, 1, &plain_disk);
    *file = log_file(sync);
    cr_assert(eq(int, bench_create(b, 0, file), 0));
}

static void until_idle(struct flusher_bench *b, const struct flush_file *file)
{
    for (uint32_t i = 0; file->durable < file->written || bench_under_way(b) > 0; i++) {
        CHECK(i < TURNS_MAX);
        bench_turn(b);
    }
}

Test(flusher_log, appends_in_order)
{
    struct flusher_bench b;
    struct flush_file file;
    char expected[4000] = "", text[16];
    open_log(&b, &file, FLUSH_SYNC_ALWAYS);
    for (uint32_t i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "set %u\n", i);
        strcat(expected, text);
        bench_text(&b, 0, &file, text);
        if (i % 7 == 0) bench_turn(&b);
    }
    until_idle(&b, &file);
    cr_expect(bench_holds(&b, file.path, expected));
    cr_expect(eq(u64, file.durable, strlen(expected)));
    cr_expect(eq(int, bench_finish(&b, 0, &file), 0));
    bench_close(&b);
}

Test(flusher_log, goes_on_behind_what_is_good_of_a_file)
{
    struct flusher_bench b;
    struct flush_file file = log_file(FLUSH_SYNC_ALWAYS);
    file.must_append = true;
    file.start_size = 4;
    bench_open(&b, 1, &plain_disk);
    disk_memory_put(b.disk.inner, file.path, "goodbad", 7);
    cr_assert(eq(int, bench_create(&b, 0, &file), 0));
    cr_expect(eq(u64, file.durable, 4));
    bench_text(&b, 0, &file, "+new");
    until_idle(&b, &file);
    cr_expect(eq(u64, file.durable, 8));
    cr_expect(bench_holds(&b, file.path, "good+new"));
    bench_close(&b);
}

Test(flusher_log, cuts_what_is_there_when_it_does_not_append)
{
    struct flusher_bench b;
    struct flush_file file = log_file(FLUSH_SYNC_NO);
    bench_open(&b, 1, &plain_disk);
    disk_memory_put(b.disk.inner, file.path, "before", 6);
    cr_assert(eq(int, bench_create(&b, 0, &file), 0));
    cr_expect(bench_holds(&b, file.path, ""));
    bench_close(&b);
}

Test(flusher_log, refuses_a_file_that_is_shorter_than_what_is_good)
{
    struct flusher_bench b;
    struct flush_file file = log_file(FLUSH_SYNC_ALWAYS);
    file.must_append = true;
    file.start_size = 7;
    bench_open(&b, 1, &plain_disk);
    disk_memory_put(b.disk.inner, file.path, "before", 6);
    cr_expect(eq(int, bench_create(&b, 0, &file), EINVAL));
    cr_expect(eq(int, file.error, EINVAL));
    cr_expect(bench_holds(&b, file.path, "before"));
    bench_close(&b);
}

// Policies

Test(flusher_log, always_keeps_chunks_until_they_are_durable)
{
    struct flusher_bench b;
    struct flush_file file;
    open_log(&b, &file, FLUSH_SYNC_ALWAYS);
    b.disk.holds_syncs = true;
    bench_text(&b, 0, &file, "one");
    bench_turns(&b, 5);
    bench_text(&b, 0, &file, "two");
    bench_turns(&b, 20);
    cr_expect(eq(u64, file.written, 0), "the second waits: it is synced by itself");
    cr_expect(eq(u64, file.durable, 0));
    cr_expect(eq(u32, bench_under_way(&b), 2));
    cr_expect(not(flush_has_input(bench_port(&b, 0))));
    b.disk.holds_syncs = false;
    while (file.durable < 6) {
        (void)flusher_turn(b.flusher, b.now_ns, 0);
        if (file.durable) cr_expect(flush_has_input(bench_port(&b, 0)));
    }
    bench_turn(&b);
    cr_expect(eq(u32, bench_under_way(&b), 0));
    cr_expect(not(flush_has_input(bench_port(&b, 0))));
    bench_close(&b);
}

Test(flusher_log, always_syncs_once_for_what_came_together)
{
    struct flusher_bench b;
    struct flush_file file;
    open_log(&b, &file, FLUSH_SYNC_ALWAYS);
    uint32_t writes = b.disk.writes, syncs = b.disk.syncs;
    for (uint32_t i = 0; i < FLUSH_CHUNKS_PER_PORT; i++) bench_text(&b, 0, &file, "command");
    until_idle(&b, &file);
    cr_expect(eq(u32, b.disk.writes - writes, 1));
    cr_expect(eq(u32, b.disk.syncs - syncs, 1));
    bench_close(&b);
}

Test(flusher_log, everysec_gives_chunks_back_when_written_and_syncs_once_a_second)
{
    struct flusher_bench b;
    struct flush_file file;
    open_log(&b, &file, FLUSH_SYNC_EVERYSEC);
    uint32_t syncs = b.disk.syncs;
    uint64_t start_ns = b.now_ns;
    b.step_ns = 5 * MS;
    while (b.now_ns < start_ns + 5000ull * MS) {
        bench_text(&b, 0, &file, "c");
        bench_turn(&b);
        cr_assert(le(u64, b.disk.syncs - syncs, 1 + (b.now_ns - start_ns) / (1000ull * MS)));
    }
    cr_expect(ge(u32, b.disk.syncs - syncs, 5));
    bench_turns(&b, 300); // idle: the rest within a second, and no more
    cr_expect(eq(u64, file.durable, file.written));
    cr_expect(eq(u32, bench_under_way(&b), 0));
    syncs = b.disk.syncs;
    bench_turns(&b, 600);
    cr_expect(eq(u32, b.disk.syncs, syncs), "nothing to sync");
    cr_expect(eq(u64, file.delayed, 0));
    bench_close(&b);
}

Test(flusher_log, everysec_postpones_a_write_behind_a_slow_sync_for_two_seconds)
{
    struct flusher_bench b;
    struct flush_file file;
    open_log(&b, &file, FLUSH_SYNC_EVERYSEC);
    b.disk.holds_syncs = true;
    bench_text(&b, 0, &file, "one");
    bench_turns(&b, 10);
    uint64_t asked_ns = b.now_ns;
    bench_text(&b, 0, &file, "two");
    while (b.now_ns <= asked_ns + 1999ull * MS) bench_turn(&b);
    cr_expect(eq(u64, file.written, 3));
    cr_expect(eq(u64, file.delayed, 0));
    bench_turns(&b, 10);
    cr_expect(eq(u64, file.written, 6));
    cr_expect(eq(u64, file.delayed, 1));
    cr_expect(eq(u64, file.durable, 0));
    b.disk.holds_syncs = false;
    until_idle(&b, &file);
    bench_close(&b);
}

Test(flusher_log, everysec_writes_when_a_slow_sync_ends)
{
    struct flusher_bench b;
    struct flush_file file;
    open_log(&b, &file, FLUSH_SYNC_EVERYSEC);
    b.disk.holds_syncs = true;
    bench_text(&b, 0, &file, "one");
    bench_turns(&b, 10);
    bench_text(&b, 0, &file, "two");
    bench_turns(&b, 500);
    b.disk.holds_syncs = false;
    bench_turns(&b, 10);
    cr_expect(eq(u64, file.written, 6));
    cr_expect(eq(u64, file.delayed, 0));
    bench_close(&b);
}

Test(flusher_log, no_syncs_when_it_finishes_only)
{
    struct flusher_bench b;
    struct flush_file file;
    open_log(&b, &file, FLUSH_SYNC_NO);
    uint32_t syncs = b.disk.syncs;
    b.step_ns = 100 * MS;
    bench_text(&b, 0, &file, "text");
    bench_turns(&b, 100);
    cr_expect(eq(u64, file.written, 4));
    cr_expect(eq(u64, file.durable, 0));
    cr_expect(eq(u32, b.disk.syncs, syncs));
    cr_expect(eq(int, bench_finish(&b, 0, &file), 0));
    cr_expect(eq(u64, file.durable, 4));
    cr_expect(eq(u32, b.disk.syncs, syncs + 1));
    bench_close(&b);
}

Test(flusher_log, syncs_what_was_written_when_the_policy_becomes_always)
{
    struct flusher_bench b;
    struct flush_file file;
    open_log(&b, &file, FLUSH_SYNC_NO);
    bench_text(&b, 0, &file, "text");
    bench_turns(&b, 10);
    cr_assert(eq(u64, file.durable, 0));
    flush_set_sync(bench_port(&b, 0), &file, FLUSH_SYNC_ALWAYS);
    flush_flush(bench_port(&b, 0));
    for (uint32_t i = 0; i < 10; i++) (void)flusher_turn(b.flusher, b.now_ns, 0);
    cr_expect(eq(u64, file.durable, 4));
    cr_expect(flush_has_input(bench_port(&b, 0)), "no chunk came back, but durable moved");
    (void)flush_poll(bench_port(&b, 0));
    cr_expect(not(flush_has_input(bench_port(&b, 0))));
    bench_close(&b);
}

// A disk that refuses

Test(flusher_log, keeps_what_a_full_disk_refuses_and_writes_it_when_there_is_room)
{
    struct flusher_bench b;
    struct flush_file file;
    open_log(&b, &file, FLUSH_SYNC_ALWAYS);
    disk_memory_set_capacity(b.disk.inner, 14);
    for (uint32_t i = 0; i < 4; i++) bench_text(&b, 0, &file, "12345");
    bench_turns(&b, 20);
    cr_expect(eq(int, file.error, ENOSPC));
    cr_expect(eq(u64, file.durable, 10));
    cr_expect(bench_holds(&b, file.path, "1234512345"), "cut behind the last whole chunk");
    cr_expect(eq(u32, bench_under_way(&b), 2));
    uint32_t writes = b.disk.writes;
    disk_memory_set_capacity(b.disk.inner, 0);
    bench_turns(&b, 900);
    cr_expect(eq(u32, b.disk.writes, writes), "tried again after a second, not before");
    bench_turns(&b, 200);
    cr_expect(eq(int, file.error, 0));
    cr_expect(eq(u64, file.durable, 20));
    cr_expect(bench_holds(&b, file.path, "12345123451234512345"));
    cr_expect(eq(u32, bench_under_way(&b), 0));
    bench_close(&b);
}

Test(flusher_log, tells_its_port_that_an_error_came_and_went)
{
    struct flusher_bench b;
    struct flush_file file;
    open_log(&b, &file, FLUSH_SYNC_EVERYSEC);
    disk_memory_set_refusing(b.disk.inner, EIO);
    bench_text(&b, 0, &file, "text");
    flush_flush(bench_port(&b, 0));
    for (uint32_t i = 0; i < 5; i++) (void)flusher_turn(b.flusher, b.now_ns, 0);
    cr_expect(eq(int, file.error, EIO));
    cr_expect(flush_has_input(bench_port(&b, 0)));
    disk_memory_set_refusing(b.disk.inner, 0);
    bench_turns(&b, 1100);
    cr_expect(eq(int, file.error, 0));
    bench_close(&b);
}

Test(flusher_log, always_writes_again_what_a_failed_sync_may_have_dropped)
{
    struct flusher_bench b;
    struct flush_file file;
    open_log(&b, &file, FLUSH_SYNC_ALWAYS);
    bench_text(&b, 0, &file, "good.");
    until_idle(&b, &file);
    disk_memory_set_sync_refusing(b.disk.inner, EIO);
    uint32_t writes = b.disk.writes;
    bench_text(&b, 0, &file, "lost?");
    bench_turns(&b, 20);
    cr_expect(eq(int, file.error, EIO));
    cr_expect(eq(u64, file.durable, 5));
    cr_expect(eq(u64, file.written, 5));
    cr_expect(eq(u32, bench_under_way(&b), 1));
    bench_text(&b, 0, &file, "more.");
    disk_memory_set_sync_refusing(b.disk.inner, 0);
    bench_turns(&b, 1100);
    cr_expect(eq(u32, b.disk.writes - writes, 2), "once before, once all of it again");
    cr_expect(eq(int, file.error, 0));
    cr_expect(eq(u64, file.durable, 15));
    cr_expect(not(file.has_lost));
    bench_crash(&b);
    cr_expect(bench_holds(&b, file.path, "good.lost?more."));
    bench_close(&b);
}

Test(flusher_log, everysec_moves_durable_no_more_when_a_failed_sync_lost_bytes)
{
    struct flusher_bench b;
    struct flush_file file;
    open_log(&b, &file, FLUSH_SYNC_EVERYSEC);
    disk_memory_set_sync_refusing(b.disk.inner, EIO);
    bench_text(&b, 0, &file, "text");
    bench_turns(&b, 20);
    cr_expect(eq(int, file.error, EIO));
    cr_expect(file.has_lost);
    disk_memory_set_sync_refusing(b.disk.inner, 0);
    bench_turns(&b, 1100);
    cr_expect(eq(int, file.error, 0), "writes go on");
    cr_expect(eq(u64, file.written, 4));
    cr_expect(eq(u64, file.durable, 0));
    flush_set_sync(bench_port(&b, 0), &file, FLUSH_SYNC_ALWAYS);
    bench_turns(&b, 10);
    cr_expect(eq(int, file.error, EIO), "always cannot be kept here");
    cr_expect(eq(int, bench_finish(&b, 0, &file), EIO));
    bench_close(&b);
}

Test(flusher_log, finishes_when_the_disk_takes_the_rest)
{
    struct flusher_bench b;
    struct bench_request finish;
    struct flush_file file;
    open_log(&b, &file, FLUSH_SYNC_EVERYSEC);
    disk_memory_set_refusing(b.disk.inner, ENOSPC);
    bench_text(&b, 0, &file, "rest");
    bench_ask(&b, 0, &finish, (struct flush_request){ .op = FLUSH_FINISH, .file = &file });
    bench_turns(&b, 3000);
    cr_expect(eq(u32, finish.done, 0));
    cr_expect(eq(int, file.error, ENOSPC));
    disk_memory_set_refusing(b.disk.inner, 0);
    bench_wait(&b, &finish);
    cr_expect(eq(int, finish.request.error, 0));
    cr_expect(eq(u64, file.durable, 4));
    cr_expect(bench_holds(&b, file.path, "rest"));
    bench_close(&b);
}

Test(flusher_log, is_written_and_synced_when_the_flusher_closes)
{
    struct flusher_bench b;
    struct flush_file file;
    open_log(&b, &file, FLUSH_SYNC_NO);
    bench_text(&b, 0, &file, "not shown yet");
    flusher_close(b.flusher);
    b.flusher = NULL;
    cr_expect(eq(u64, file.durable, 13));
    cr_expect(bench_holds(&b, file.path, "not shown yet"));
    bench_close(&b);
}

Test(flusher_log, gives_up_on_a_disk_that_refuses_when_the_flusher_closes)
{
    struct flusher_bench b;
    struct bench_request finish;
    struct flush_file file, other = log_file(FLUSH_SYNC_ALWAYS);
    open_log(&b, &file, FLUSH_SYNC_ALWAYS);
    other.path = "aof/2.incr.aof";
    cr_assert(eq(int, bench_create(&b, 0, &other), 0));
    disk_memory_set_refusing(b.disk.inner, EIO);
    bench_text(&b, 0, &file, "text");
    bench_text(&b, 0, &other, "text");
    bench_ask(&b, 0, &finish, (struct flush_request){ .op = FLUSH_FINISH, .file = &other });
    bench_turns(&b, 10);
    flusher_close(b.flusher);
    b.flusher = NULL;
    cr_expect(eq(int, finish.request.error, EIO));
    cr_expect(eq(str, (char *)finish.request.error_step, "write"));
    cr_expect(eq(int, file.error, EIO));
    cr_expect(bench_holds(&b, file.path, ""));
    bench_close(&b);
}

Test(flusher_log, writes_what_was_kept_when_the_flusher_closes_on_a_disk_that_is_well_again)
{
    struct flusher_bench b;
    struct flush_file file;
    open_log(&b, &file, FLUSH_SYNC_ALWAYS);
    disk_memory_set_refusing(b.disk.inner, EIO);
    bench_text(&b, 0, &file, "text");
    bench_turns(&b, 10);
    disk_memory_set_refusing(b.disk.inner, 0);
    flusher_close(b.flusher);
    b.flusher = NULL;
    cr_expect(bench_holds(&b, file.path, "text"));
    cr_expect(eq(u64, file.durable, 4));
    bench_close(&b);
}
