// COPY and RENAME of giants between shards.
#include "dataplane/keyspace/remake.h"
#include "tests/unit/cmd/giant_kinds.h"

TestSuite(transfer, .init = open_node, .fini = close_node);

static const char *from, *to; // of shards 0 and 1

enum {
    PAYLOAD_MAX = 1 << 22,
    SLACK_BYTES = 16 * 1024, // of tables of what commands took
};

static void forget_keys(void)
{
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) run_at(i, "FLUSHALL");
    reap();
}

static void open_keys(const struct kind *kind)
{
    giant = from = name('f', 0);
    to = name('t', 1);
    kind->make();
}

static const char *const verbs[] = { "COPY", "RENAME", "RENAMENX" };

Test(transfer, brings_a_giant_of_any_kind_to_another_shard)
{
    for (uint32_t i = 0; i < KINDS * 3; i++) {
        const struct kind *kind = &kinds[i / 3];
        const char *verb = verbs[i % 3];
        char encoding[64];
        open_keys(kind);
        const char *before = digest_of(0, from);
        strcpy(encoding, run_at(0, "OBJECT ENCODING %s", from));
        uint32_t holds_before = holds;
        begin("%s %s %s", verb, from, to);
        cr_assert(is_under_way(), "%s %s", verb, kind->name);
        cr_expect(zero(u64, keyspace_size(server(1)->keyspace, 0)));
        EXPECT(finish(), i % 3 == 1 ? "+OK\r\n" : ":1\r\n");
        cr_expect(gt(u32, holds, holds_before + 5), "%s %s", verb, kind->name);
        cr_expect_str_eq(digest_of(1, to), before, "%s %s", verb, kind->name);
        EXPECT(run_at(1, "OBJECT ENCODING %s", to), encoding);
        EXPECT(run_at(0, "EXISTS %s", from), i % 3 == 0 ? ":1\r\n" : ":0\r\n");
        forget_keys();
    }
}

// Both shards' heaps have what is theirs, and no more.
Test(transfer, leaves_nothing_behind_where_it_was)
{
    for (uint32_t i = 0; i < KINDS; i++) {
        const struct heap *here = &node->shard[0]->heap, *there = &node->shard[1]->heap;
        uint64_t nothing = here->bytes[HEAP_DATASET];
        open_keys(&kinds[i]);
        run_at(1, "SET %s overwritten", to);
        uint64_t other = here->bytes[HEAP_OTHER];
        begin("RENAME %s %s", from, to);
        finish();
        reap();
        cr_expect(eq(u64, here->bytes[HEAP_DATASET], nothing), "%s", kinds[i].name);
        cr_expect(lt(u64, here->bytes[HEAP_OTHER], other + SLACK_BYTES), "%s", kinds[i].name);
        run_at(1, "DEL %s", to);
        reap();
        cr_expect(eq(u64, there->bytes[HEAP_DATASET], nothing), "%s", kinds[i].name);
    }
}

Test(transfer, copies_what_one_moment_had)
{
    open_keys(&kinds[1]);
    begin("COPY %s %s", from, to);
    for (uint32_t i = 0; i < 30; i++) {
        cr_assert(jobs_run(server(0), 1));
        run_at(0, "LPOP %s", from);
        run_at(0, "RPUSH %s more", from);
    }
    EXPECT(finish(), ":1\r\n");
    EXPECT(run_at(1, "LLEN %s", to), ":40000\r\n");
    EXPECT(run_at(1, "LINDEX %s 0", to), "$1\r\n0\r\n");
    EXPECT(run_at(1, "LINDEX %s -1", to), "$5\r\n39999\r\n");
    EXPECT(run_at(0, "LINDEX %s 0", from), "$2\r\n30\r\n");
}

// The old name and the new one: nobody sees it twice, or not at all.
Test(transfer, closes_what_it_renames)
{
    open_keys(&kinds[2]);
    begin("RENAME %s %s", from, to);
    cr_expect(must_wait("SUNION s %s", to));
    cr_expect(must_wait("SUNION s %s", from));
    cr_expect(must_wait("FLUSHALL%s", ""));
    EXPECT(run_at(1, "SCARD %s", to), "");
    EXPECT(run_at(0, "SADD %s late", from), "");
    EXPECT(finish(), "+OK\r\n");
    jobs_serve_opened(server(1));
    EXPECT(harness_client_wire(clients[1]), ":40000\r\n");
    EXPECT(harness_client_wire(clients[0]), ":1\r\n"); // a key of its own, made behind it
    EXPECT(run_at(0, "SCARD %s", from), ":1\r\n");
}

Test(transfer, does_not_close_what_it_copies)
{
    open_keys(&kinds[2]);
    begin("COPY %s %s", from, to);
    cr_expect(must_wait("SUNION s %s", to));
    cr_expect(not(must_wait("SUNION s %s", from)));
    EXPECT(run_at(0, "SADD %s late", from), ":1\r\n");
    finish();
    EXPECT(run_at(1, "SISMEMBER %s late", to), ":0\r\n");
}

Test(transfer, tells_both_shards_as_one_transaction)
{
    for (uint32_t i = 0; i < KINDS; i++) {
        open_keys(&kinds[i]);
        begin("RENAME %s %s", from, to);
        finish();
        char removal[64];
        sprintf(removal, "DEL %s;", from);
        EXPECT(node->shard[0]->effects, removal);
        cr_expect(eq(int, strncmp(node->shard[1]->effects, "RESTORE ", 8), 0));
        cr_expect(gt(u64, node->shard[0]->joint_number, 0));
        cr_expect(eq(u64, node->shard[0]->joint_number, node->shard[1]->joint_number));
        cr_expect(node->shard[0]->joint_count == 2 && node->shard[1]->joint_count == 2);
        begin("COPY %s %s", to, from);
        finish();
        EXPECT(node->shard[1]->effects, "");
        cr_expect(eq(int, strncmp(node->shard[0]->effects, "RESTORE ", 8), 0));
        cr_expect(zero(u64, node->shard[0]->joint_number));
        forget_keys();
    }
}

// ---- what its effect makes where it is replayed

static uint8_t unit[PAYLOAD_MAX];
static size_t unit_size;

static void keep_unit(void *context, struct bytes front, struct byte_queue *rest,
                      uint32_t command_count)
{
    struct bytes bytes = harness_whole_unit(front, rest);
    (void)context;
    cr_assert(eq(u32, command_count, 1));
    cr_assert(lt(sz, bytes.size, sizeof unit));
    memcpy(unit, bytes.data, bytes.size);
    unit_size = bytes.size;
    free((void *)(uintptr_t)bytes.data);
}

Test(transfer, tells_the_value_with_its_deadline)
{
    for (uint32_t i = 0; i < KINDS; i++) {
        open_keys(&kinds[i]);
        run_at(0, "PEXPIREAT %s %llu", from, HARNESS_START_MS + 100000ull);
        const char *sum = digest_of(0, from);
        effects_set_sink(&server(1)->effects, keep_unit, NULL);
        begin("COPY %s %s", from, to);
        finish();
        effects_set_sink(&server(1)->effects, NULL, NULL);
        run_at(1, "DEL %s", to);
        struct bytes command = bytes_make(unit, unit_size);
        size_t select = sizeof "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n" - 1;
        cr_assert(bytes_skip(&command, select));
        harness_send(node->shard[1], command.data, command.size);
        node->shard[1]->no_slices = false;
        harness_send(node->shard[1], "PING\r\n", 6);
        node->shard[1]->no_slices = true;
        cr_expect_str_eq(digest_of(1, to), sum, "%s", kinds[i].name);
        char line[64];
        sprintf(line, ":%llu\r\n", HARNESS_START_MS + 100000ull);
        EXPECT(run_at(1, "PEXPIRETIME %s", to), line);
        forget_keys();
    }
}

Test(transfer, of_a_client_that_goes_is_done)
{
    open_keys(&kinds[4]);
    const char *sum = digest_of(0, from);
    begin("RENAME %s %s", from, to);
    cr_assert(jobs_run(server(0), 1));
    harness_client_close(caller);
    caller = NULL;
    while (server(0)->jobs.list.count) cr_assert(jobs_run(server(0), 1));
    EXPECT(digest_of(1, to), sum);
    EXPECT(run_at(0, "EXISTS %s", from), ":0\r\n");
}

Test(transfer, is_done_at_once_as_part_of_a_whole)
{
    char line[64];
    open_keys(&kinds[3]);
    const char *sum = digest_of(0, from);
    harness_client_run(caller, "MULTI");
    snprintf(line, sizeof line, "RENAME %s %s", from, to);
    EXPECT(harness_client_run(caller, line), "+QUEUED\r\n");
    begin("EXEC");
    cr_expect(not(is_under_way()));
    EXPECT(harness_client_wire(caller), "*1\r\n+OK\r\n");
    EXPECT(digest_of(1, to), sum);
    cr_expect(eq(u64, node->shard[0]->joint_number, node->shard[1]->joint_number));
}

// Its time passes while it is on its way: it comes, and is gone.
Test(transfer, of_a_key_whose_time_passes_is_over)
{
    open_keys(&kinds[1]);
    run_at(0, "PEXPIREAT %s %llu", from, HARNESS_START_MS + 500ull);
    begin("RENAME %s %s", from, to);
    cr_assert(jobs_run(server(0), 1));
    joint_set_time(node, HARNESS_START_MS + 1000);
    EXPECT(finish(), "+OK\r\n");
    EXPECT(run_at(0, "EXISTS %s", from), ":0\r\n");
    EXPECT(run_at(1, "EXISTS %s", to), ":0\r\n");
}

static void expire_fields(uint64_t now_ms)
{
    joint_set_time(node, now_ms);
    for (uint32_t i = 0; i < JOINT_SHARDS; i++)
        while (hash_deadlines_step(&server(i)->hash_deadlines, now_ms, 1000)) continue;
}

// Its timer goes with it, and it does not matter that it fires on the way.
Test(transfer, of_a_hash_expires_fields_where_it_came_to)
{
    open_keys(&kinds[5]);
    begin("RENAME %s %s", from, to);
    cr_assert(jobs_run(server(0), 1) && is_under_way());
    expire_fields(HARNESS_START_MS + 1500);
    EXPECT(finish(), "+OK\r\n");
    expire_fields(HARNESS_START_MS + 2000);
    EXPECT(run_at(1, "HLEN %s", to), ":4666\r\n");
    expire_fields(HARNESS_START_MS + 100000);
    EXPECT(run_at(1, "HLEN %s", to), ":3333\r\n");
}

// A copy is a new key to the clock of accesses; what was renamed is the old one.
Test(transfer, keeps_the_clock_of_what_it_renames)
{
    harness_client_run(caller, "CLIENT NO-TOUCH on");
    open_keys(&kinds[1]);
    joint_set_time(node, HARNESS_START_MS + 100000);
    begin("RENAME %s %s", from, to);
    finish();
    EXPECT(run_at(1, "OBJECT IDLETIME %s", to), ":100\r\n");
    begin("COPY %s %s", to, from);
    finish();
    EXPECT(run_at(0, "OBJECT IDLETIME %s", from), ":0\r\n");
}

Test(transfer, can_be_given_up_at_any_time)
{
    for (uint32_t i = 0; i < KINDS; i++) {
        open_keys(&kinds[i]);
        struct key key = key_make(server(0)->keyspace, bytes_text(from));
        const struct entry *e = keyspace_peek(server(0)->keyspace, 0, &key);
        uint64_t here = node->shard[0]->heap.bytes_total, there = node->shard[1]->heap.bytes_total;
        for (uint32_t steps = 0; steps < 40; steps += 3) {
            struct remake *r = remake_begin(server(0)->keyspace, e, server(1)->keyspace);
            for (uint32_t n = 0; n < steps && !remake_step(r, 0); n++) continue;
            remake_end(r);
            reap();
            cr_expect(eq(u64, node->shard[0]->heap.bytes_total, here), "%s", kinds[i].name);
            cr_expect(eq(u64, node->shard[1]->heap.bytes_total, there), "%s", kinds[i].name);
            cr_expect(zero(u64, server(1)->hash_deadlines.wheel.armed_count));
        }
        forget_keys();
    }
}
