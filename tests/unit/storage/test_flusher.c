#include "flusher_fixture.h"
#include <errno.h>
#include <signal.h>

// Snapshots, small files and the ports, on a disk in memory.

static const struct disk_memory_config plain_disk = { .seed = 1, .delay_turns_max = 2 };

static struct flush_file snapshot(void)
{
    return (struct flush_file){
        .kind = FLUSH_SNAPSHOT, .path = "dir/temp.rdb", .has_trailer = true, .has_checksum = true
    };
}

static void expect_trailer(struct bytes file, bool has_checksum)
{
    cr_assert(ge(sz, file.size, 8));
    uint64_t expected = has_checksum ? crc64(0, file.data, file.size - 8) : 0;
    cr_expect(eq(u64, load_le64(file.data + file.size - 8), expected));
}

Test(flusher, commits_a_snapshot_with_the_checksum_of_all_before)
{
    struct flusher_bench b;
    struct flush_file file = snapshot();
    bench_open(&b, 1, &plain_disk);
    cr_assert(eq(int, bench_create(&b, 0, &file), 0));
    bench_text(&b, 0, &file, "REDIS0010");
    bench_text(&b, 0, &file, "keys");
    cr_assert(eq(int, bench_commit(&b, &file, "dir/dump.rdb", NULL), 0));
    struct bytes out = bench_bytes(&b, "dir/dump.rdb");
    cr_expect(eq(sz, out.size, 13 + 8));
    cr_expect(memcmp(out.data, "REDIS0010keys", 13) == 0);
    expect_trailer(out, true);
    cr_expect(eq(u64, file.written, 21));
    cr_expect(eq(u64, file.durable, 21));
    cr_expect(not(bench_has(&b, "dir/temp.rdb")));
    cr_expect(zero(ptr, file.work));
    bench_close(&b);
}

Test(flusher, puts_zeros_where_no_checksum_is_wanted)
{
    struct flusher_bench b;
    struct flush_file file = snapshot();
    file.has_checksum = false;
    bench_open(&b, 1, &plain_disk);
    cr_assert(eq(int, bench_create(&b, 0, &file), 0));
    bench_text(&b, 0, &file, "some");
    cr_assert(eq(int, bench_commit(&b, &file, "dir/dump.rdb", NULL), 0));
    expect_trailer(bench_bytes(&b, "dir/dump.rdb"), false);
    bench_close(&b);
}

Test(flusher, puts_nothing_behind_a_file_without_a_trailer)
{
    struct flusher_bench b;
    struct flush_file file = { .kind = FLUSH_SNAPSHOT, .path = "dir/temp.aof" };
    bench_open(&b, 1, &plain_disk);
    for (uint32_t texts = 0; texts < 2; texts++) { // an empty one is synced and named, too
        cr_assert(eq(int, bench_create(&b, 0, &file), 0));
        if (texts) bench_text(&b, 0, &file, "some");
        cr_assert(eq(int, bench_commit(&b, &file, "dir/base.aof", NULL), 0));
        struct bytes out = bench_bytes(&b, "dir/base.aof");
        cr_expect(bytes_equal(out, texts ? BYTES_LITERAL("some") : bytes_make(NULL, 0)));
        cr_expect(eq(u64, file.written, out.size));
        cr_expect(eq(u64, file.durable, out.size));
        cr_expect(not(bench_has(&b, "dir/temp.aof")));
    }
    bench_close(&b);
}

Test(flusher, takes_what_is_written_before_the_file_is_created)
{
    struct flusher_bench b;
    struct bench_request create;
    struct flush_file file = snapshot();
    bench_open(&b, 1, &plain_disk);
    bench_ask(&b, 0, &create, (struct flush_request){ .op = FLUSH_CREATE, .file = &file });
    bench_text(&b, 0, &file, "early");
    cr_assert(eq(int, bench_commit(&b, &file, "dir/dump.rdb", NULL), 0));
    cr_expect(eq(u32, create.done, 1));
    cr_expect(eq(sz, bench_bytes(&b, "dir/dump.rdb").size, 5 + 8));
    bench_close(&b);
}

// Groups of several ports: each group is 'A'+port, a number, and repeats of it in pieces.
enum { PORTS = 5, GROUPS = 40, PIECE = 700 };

struct writer {
    uint32_t group, piece, pieces;
};

static void write_piece(struct flusher_bench *b, uint32_t port, struct flush_file *file,
                        struct writer *w, struct rng *rng)
{
    struct flush_chunk *c = flush_take_chunk(bench_port(b, port));
    if (!c) return;
    if (w->piece == 0) w->pieces = 1 + (uint32_t)rng_below(rng, 20); // more than a port has chunks
    c->size = w->pieces > 1 && rng_below(rng, 8) == 0 ? 0 : 1 + (uint32_t)rng_below(rng, PIECE);
    for (uint32_t i = 0; i < c->size; i++) c->data[i] = (uint8_t)(port * GROUPS + w->group);
    w->piece++;
    bool ends = w->piece == w->pieces;
    flush_write(bench_port(b, port), file, c, ends);
    if (ends) *w = (struct writer){ .group = w->group + 1 };
}

// Every group stands in one place, and those of a port in their order.
static void expect_groups(struct bytes file)
{
    uint32_t next[PORTS] = { 0 };
    size_t at = 0;
    while (at < file.size - 8) {
        uint8_t mark = file.data[at];
        uint32_t port = mark / GROUPS, group = mark % GROUPS;
        cr_assert(lt(u32, port, PORTS));
        cr_assert(ge(u32, group, next[port]), "port %u: group %u at %zu", port, group, at);
        next[port] = group + 1;
        while (at < file.size - 8 && file.data[at] == mark) at++;
    }
}

Test(flusher, keeps_groups_of_several_ports_together)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct flusher_bench b;
        struct rng rng;
        struct flush_file file = snapshot();
        struct writer writers[PORTS] = { 0 };
        rng_seed(&rng, seed);
        bench_open(&b, PORTS, &(struct disk_memory_config){ .seed = seed, .delay_turns_max = 3 });
        cr_assert(eq(int, bench_create(&b, 0, &file), 0));
        for (uint32_t left = PORTS; left > 0;) {
            uint32_t port = (uint32_t)rng_below(&rng, PORTS);
            if (writers[port].group < GROUPS) {
                write_piece(&b, port, &file, &writers[port], &rng);
                if (writers[port].group == GROUPS) left--;
            }
            if (rng_below(&rng, 4) == 0) bench_turn(&b);
        }
        while (bench_under_way(&b) > 0) bench_turn(&b);
        cr_assert(eq(int, bench_commit(&b, &file, "dir/dump.rdb", NULL), 0), "seed %lu", seed);
        expect_groups(bench_bytes(&b, "dir/dump.rdb"));
        expect_trailer(bench_bytes(&b, "dir/dump.rdb"), true);
        bench_close(&b);
    }
}

Test(flusher, syncs_a_long_snapshot_on_the_way)
{
    struct flusher_bench b;
    struct flush_file file = snapshot();
    uint8_t *bytes = calloc(1, FLUSH_CHUNK_BYTES);
    bench_open(&b, 1, &plain_disk);
    cr_assert(eq(int, bench_create(&b, 0, &file), 0));
    for (uint32_t i = 0; i < 100; i++) bench_write(&b, 0, &file, bytes, FLUSH_CHUNK_BYTES, true);
    while (bench_under_way(&b) > 0) bench_turn(&b);
    bench_turns(&b, 10);
    cr_expect(ge(u64, file.durable, 2 * FLUSH_SNAPSHOT_SYNC_BYTES));
    cr_expect(ge(u32, b.disk.syncs, 2));
    cr_expect(le(u32, b.disk.syncs, 3)); // 12.5 MiB
    free(bytes);
    bench_close(&b);
}

// Whatever fails: chunks come back, COMMIT says it, and nothing is left but what was there.
struct trouble {
    const char *why, *step;
    int write_error, sync_error;
    uint64_t capacity_bytes;
    int expected;
};

static void meet_trouble(const struct trouble *t)
{
    struct flusher_bench b;
    struct flush_file file = snapshot();
    const char *step;
    bench_open(&b, 2, &plain_disk);
    disk_memory_put(b.disk.inner, "dir/dump.rdb", "before", 6);
    cr_assert(eq(int, bench_create(&b, 0, &file), 0));
    disk_memory_set_refusing(b.disk.inner, t->write_error);
    disk_memory_set_sync_refusing(b.disk.inner, t->sync_error);
    disk_memory_set_capacity(b.disk.inner, t->capacity_bytes);
    for (uint32_t i = 0; i < 50; i++) bench_text(&b, i % 2, &file, "0123456789");
    while (bench_under_way(&b) > 0) bench_turn(&b);
    bench_write(&b, 1, &file, "a group that is open", 20, false);
    if (!t->sync_error) cr_expect(eq(int, file.error, t->expected), "%s", t->why);
    if (t->sync_error) bench_text(&b, 1, &file, "its end");
    while (bench_under_way(&b) > 0) bench_turn(&b);
    cr_expect(eq(int, bench_commit(&b, &file, "dir/dump.rdb", &step), t->expected), "%s", t->why);
    cr_expect(eq(str, (char *)step, (char *)t->step), "%s", t->why);
    cr_expect(not(bench_has(&b, "dir/temp.rdb")), "%s", t->why);
    cr_expect(bench_holds(&b, "dir/dump.rdb", "before"), "%s", t->why);
    bench_close(&b);
}

Test(flusher, removes_a_snapshot_that_the_disk_refuses_and_gives_chunks_back)
{
    const struct trouble troubles[] = {
        { "full at once", "write", .capacity_bytes = 6, .expected = ENOSPC },
        { "full after some", "write", .capacity_bytes = 106, .expected = ENOSPC },
        { "broken", "write", .write_error = EIO, .expected = EIO },
        { "sync fails", "fdatasync", .sync_error = EIO, .expected = EIO },
    };
    for (size_t i = 0; i < sizeof troubles / sizeof *troubles; i++) meet_trouble(&troubles[i]);
}

Test(flusher, says_that_a_snapshot_could_not_be_opened)
{
    struct flusher_bench b;
    struct flush_file file = snapshot();
    const char *step;
    struct disk_memory_config broken = { .seed = 3, .eio_per_million = 1000000 };
    bench_open(&b, 1, &broken);
    struct bench_request create, commit;
    bench_ask(&b, 0, &create, (struct flush_request){ .op = FLUSH_CREATE, .file = &file });
    bench_text(&b, 0, &file, "early");
    bench_ask(&b, 0, &commit,
              (struct flush_request){ .op = FLUSH_COMMIT, .file = &file, .target = "dir/x" });
    bench_wait(&b, &commit);
    cr_expect(eq(int, create.request.error, EIO));
    cr_expect(eq(str, (char *)create.request.error_step, "open"));
    cr_expect(eq(int, commit.request.error, EIO));
    bench_text(&b, 0, &file, "late");
    bench_turns(&b, 3);
    cr_expect(eq(u32, bench_under_way(&b), 0));
    cr_expect(eq(int, bench_commit(&b, &file, "dir/x", &step), EIO));
    cr_expect(eq(str, (char *)step, "open"));
    cr_expect(
        eq(int, bench_do(&b, 0, (struct flush_request){ .op = FLUSH_DISCARD, .file = &file }, NULL),
           0));
    bench_close(&b);
}

Test(flusher, discards_what_was_handed_over_and_what_comes_behind)
{
    struct flusher_bench b;
    struct bench_request discard;
    struct flush_file file = snapshot();
    bench_open(&b, 2, &plain_disk);
    cr_assert(eq(int, bench_create(&b, 0, &file), 0));
    bench_write(&b, 1, &file, "open", 4, false);
    bench_turns(&b, 3);
    bench_text(&b, 0, &file, "waits behind it");
    bench_turns(&b, 3);
    bench_ask(&b, 0, &discard, (struct flush_request){ .op = FLUSH_DISCARD, .file = &file });
    bench_turn(&b);
    bench_text(&b, 1, &file, "late");
    bench_wait(&b, &discard);
    bench_turns(&b, 3);
    cr_expect(eq(int, discard.request.error, 0));
    cr_expect(eq(u32, bench_under_way(&b), 0));
    cr_expect(not(bench_has(&b, "dir/temp.rdb")));
    bench_close(&b);
}

Test(flusher, leaves_no_uncommitted_snapshot_when_it_closes)
{
    struct flusher_bench b;
    struct flush_file file = snapshot();
    bench_open(&b, 1, &plain_disk);
    cr_assert(eq(int, bench_create(&b, 0, &file), 0));
    bench_text(&b, 0, &file, "half");
    bench_turns(&b, 9);
    cr_expect(bench_has(&b, "dir/temp.rdb"));
    flusher_close(b.flusher);
    cr_expect(not(bench_has(&b, "dir/temp.rdb")));
    b.flusher = NULL;
    bench_close(&b);
}

Test(flusher, shows_a_committed_snapshot_whole_or_not_at_all_after_a_crash)
{
    uint32_t committed = 0, old = 0;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct flusher_bench b;
        struct bench_request commit = { 0 };
        struct flush_file file = snapshot();
        struct rng rng;
        rng_seed(&rng, seed);
        bench_open(&b, 1, &(struct disk_memory_config){ .seed = seed, .delay_turns_max = 3 });
        disk_memory_put(b.disk.inner, "dir/dump.rdb", "before", 6);
        cr_assert(eq(int, bench_create(&b, 0, &file), 0));
        for (uint32_t i = 0; i < 10; i++) bench_text(&b, 0, &file, "some keys and their values");
        bench_ask(
            &b, 0, &commit,
            (struct flush_request){ .op = FLUSH_COMMIT, .file = &file, .target = "dir/dump.rdb" });
        bench_turns(&b, (uint32_t)rng_below(&rng, 30));
        bench_crash(&b);
        struct bytes out = bench_bytes(&b, "dir/dump.rdb");
        bool is_old = bytes_equal(out, BYTES_LITERAL("before"));
        if (!is_old) cr_assert(eq(sz, out.size, 268), "seed %lu", seed);
        if (!is_old) expect_trailer(out, true);
        if (commit.done) cr_assert(not(is_old), "seed %lu", seed);
        committed += commit.done;
        old += is_old;
        bench_close(&b);
    }
    cr_expect(gt(u32, committed, 50));
    cr_expect(gt(u32, old, 50));
    cr_expect(lt(u32, old + committed, 1000), "some had happened although nobody was told");
}

// Small files

static struct flush_request manifest(const char *text)
{
    return (struct flush_request){ .op = FLUSH_REPLACE,
                                   .path = "dir/temp.manifest",
                                   .target = "dir/manifest",
                                   .text = bytes_text(text) };
}

Test(flusher, replaces_a_small_file)
{
    struct flusher_bench b;
    bench_open(&b, 1, &plain_disk);
    cr_expect(eq(int, bench_do(&b, 0, manifest("one"), NULL), 0));
    cr_expect(bench_holds(&b, "dir/manifest", "one"));
    cr_expect(eq(int, bench_do(&b, 0, manifest(""), NULL), 0));
    cr_expect(bench_holds(&b, "dir/manifest", ""));
    cr_expect(not(bench_has(&b, "dir/temp.manifest")));
    bench_close(&b);
}

Test(flusher, keeps_the_old_small_file_when_the_disk_refuses)
{
    struct flusher_bench b;
    const char *step;
    bench_open(&b, 1, &plain_disk);
    cr_assert(eq(int, bench_do(&b, 0, manifest("one"), NULL), 0));
    disk_memory_set_refusing(b.disk.inner, ENOSPC);
    cr_expect(eq(int, bench_do(&b, 0, manifest("two"), &step), ENOSPC));
    cr_expect(eq(str, (char *)step, "write"));
    disk_memory_set_refusing(b.disk.inner, 0);
    disk_memory_set_sync_refusing(b.disk.inner, EIO);
    cr_expect(eq(int, bench_do(&b, 0, manifest("two"), &step), EIO));
    cr_expect(eq(str, (char *)step, "fdatasync"));
    disk_memory_set_sync_refusing(b.disk.inner, 0);
    disk_memory_set_capacity(b.disk.inner, 4);
    cr_expect(eq(int, bench_do(&b, 0, manifest("two"), &step), ENOSPC), "one byte fits");
    cr_expect(bench_holds(&b, "dir/manifest", "one"));
    cr_expect(not(bench_has(&b, "dir/temp.manifest")));
    bench_close(&b);
}

Test(flusher, has_the_old_or_the_new_small_file_after_a_crash)
{
    uint32_t told = 0, old = 0;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct flusher_bench b;
        struct bench_request r;
        struct rng rng;
        rng_seed(&rng, seed);
        bench_open(&b, 1, &(struct disk_memory_config){ .seed = seed, .delay_turns_max = 3 });
        cr_assert(eq(int, bench_do(&b, 0, manifest("the first"), NULL), 0));
        bench_ask(&b, 0, &r, manifest("and the second"));
        bench_turns(&b, (uint32_t)rng_below(&rng, 24));
        bench_crash(&b);
        bool is_old = bench_holds(&b, "dir/manifest", "the first");
        cr_assert(is_old || bench_holds(&b, "dir/manifest", "and the second"), "seed %lu", seed);
        if (r.done) cr_assert(not(is_old), "seed %lu", seed);
        told += r.done;
        old += is_old;
        bench_close(&b);
    }
    cr_expect(gt(u32, told, 50));
    cr_expect(gt(u32, old, 50));
}

Test(flusher, removes_a_file_and_none)
{
    struct flusher_bench b;
    struct flush_request r = { .op = FLUSH_REMOVE, .path = "dir/old" };
    bench_open(&b, 1, &plain_disk);
    disk_memory_put(b.disk.inner, "dir/old", "x", 1);
    cr_expect(eq(int, bench_do(&b, 0, r, NULL), 0));
    cr_expect(not(bench_has(&b, "dir/old")));
    cr_expect(eq(int, bench_do(&b, 0, r, NULL), 0));
    bench_close(&b);
}

// Ports

Test(flusher, lends_a_port_its_chunks_and_no_more)
{
    struct flusher_bench b;
    struct flush_chunk *chunks[FLUSH_CHUNKS_PER_PORT];
    bench_open(&b, 2, &plain_disk);
    for (uint32_t i = 0; i < FLUSH_CHUNKS_PER_PORT; i++) {
        chunks[i] = flush_take_chunk(bench_port(&b, 1));
        cr_assert(ne(ptr, chunks[i], NULL));
        cr_expect(eq(u64, (uint64_t)(uintptr_t)chunks[i]->data % 4096, 0));
        memset(chunks[i]->data, 1, FLUSH_CHUNK_BYTES);
    }
    cr_expect(zero(ptr, flush_take_chunk(bench_port(&b, 1))));
    cr_expect(eq(u32, flush_chunks_under_way(bench_port(&b, 1)), FLUSH_CHUNKS_PER_PORT));
    cr_expect(eq(u32, flush_chunks_under_way(bench_port(&b, 0)), 0));
    flush_give_chunk(bench_port(&b, 1), chunks[3]);
    cr_expect(eq(ptr, flush_take_chunk(bench_port(&b, 1)), chunks[3]));
    for (uint32_t i = 0; i < FLUSH_CHUNKS_PER_PORT; i++)
        flush_give_chunk(bench_port(&b, 1), chunks[i]);
    bench_close(&b);
}

Test(flusher, shows_nothing_before_flush)
{
    struct flusher_bench b;
    struct bench_request r;
    bench_open(&b, 1, &plain_disk);
    bench_ask(&b, 0, &r, (struct flush_request){ .op = FLUSH_REMOVE, .path = "dir/none" });
    for (uint32_t i = 0; i < 9; i++) (void)flusher_turn(b.flusher, b.now_ns, 0);
    cr_expect(not(flush_has_input(bench_port(&b, 0))));
    flush_flush(bench_port(&b, 0));
    for (uint32_t i = 0; i < 9; i++) (void)flusher_turn(b.flusher, b.now_ns, 0);
    cr_expect(flush_has_input(bench_port(&b, 0)));
    cr_expect(eq(u32, r.done, 0));
    cr_expect(eq(u32, flush_poll(bench_port(&b, 0)), 1));
    cr_expect(eq(u32, r.done, 1));
    bench_close(&b);
}

Test(flusher, refuses_more_requests_than_a_port_may_have, .signal = SIGABRT)
{
    struct flusher_bench b;
    struct bench_request r;
    bench_open(&b, 1, &plain_disk);
    for (uint32_t i = 0; i <= FLUSH_REQUESTS_PER_PORT; i++)
        bench_ask(&b, 0, &r, (struct flush_request){ .op = FLUSH_REMOVE, .path = "dir/none" });
}
