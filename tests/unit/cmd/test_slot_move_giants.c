// Giants in slots that go to another shard: in slices, and at each moment there once.
#include "dataplane/cmd/slot_move.h"
#include "dataplane/cmd/snapshot_form.h"
#include "dataplane/types/hash_deadlines.h"
#include "tests/unit/cmd/giant_kinds.h"

static struct rng rng;

static void open_all(void)
{
    open_node();
    uint64_t seed = clock_tsc();
    rng_seed(&rng, seed);
    printf("# seed %lu\n", (unsigned long)seed);
    giant = name('g', 0);
}
static void close_all(void)
{
    while (node->node.move.is_running) slot_move_step(&node->node, 0);
    close_node();
}
TestSuite(slot_move_giants, .init = open_all, .fini = close_all);

enum { SLICES_MIN = 5 };

static void order(uint32_t to)
{
    uint32_t slot = key_slot(bytes_text(giant));
    cr_assert(slot_move_order(&node->node, slot, slot, to) == NULL);
}

static bool is_at_in(uint32_t index, uint32_t db, const char *key)
{
    struct keyspace *k = server(index)->keyspace;
    struct key named = key_make(k, bytes_text(key));
    return keyspace_peek(k, db, &named) != NULL;
}
static bool is_at(uint32_t index, const char *key) { return is_at_in(index, 0, key); }

// A portion as short as can be; false: all is done.
static bool step(void)
{
    bool is_over = slot_move_step(&node->node, 0);
    cr_expect(is_at(0, giant) + is_at(1, giant) == 1);
    return !is_over;
}

static bool is_being_made(void) { return node->node.move.takeover.giant != NULL; }

// Up to where some of it has been made anew.
static void begin_move(void)
{
    order(1);
    while (!is_being_made()) cr_assert(step());
    cr_assert(step() && is_being_made() && is_at(0, giant));
}

static uint32_t finish_move(void)
{
    uint32_t count = 0;
    while (!slot_move_step(&node->node, 0)) count++;
    return count;
}

static void fail_when_told(struct server *s, uint32_t db, struct bytes key, uint32_t class,
                           const char *event)
{
    (void)s, (void)db, (void)key, (void)class;
    cr_assert(false, "%s was told", event);
}

static uint64_t dataset(uint32_t index) { return node->shard[index]->heap.bytes[HEAP_DATASET]; }

static void move_one(const struct kind *kind)
{
    char encoding[64];
    uint32_t slices = 0;
    uint64_t nothing = dataset(0);
    kind->make();
    run_at(0, "PEXPIREAT %s %llu", giant, HARNESS_START_MS + 5000ull);
    const char *before = digest_of(0, giant);
    strcpy(encoding, run_at(0, "OBJECT ENCODING %s", giant));
    uint64_t dirty = keyspace_dirty(server(0)->joint);
    forget_effects();
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) server(i)->on_changed = fail_when_told;
    for (order(1); step();) slices += is_being_made();
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) {
        server(i)->on_changed = NULL;
        // Points of order, which hold no command.
        const struct harness *h = node->shard[i];
        cr_expect(eq(sz, h->effects_size, strspn(h->effects, ";")));
    }
    cr_expect(gt(u32, slices, SLICES_MIN), "%s", kind->name);
    cr_expect(eq(u64, keyspace_dirty(server(0)->joint), dirty));
    cr_expect(is_at(1, giant));
    cr_expect_str_eq(digest_of(1, giant), before, "%s", kind->name);
    EXPECT(run_at(1, "OBJECT ENCODING %s", giant), encoding);
    EXPECT(run_at(1, "PTTL %s", giant), ":5000\r\n");
    reap();
    cr_expect(eq(u64, dataset(0), nothing), "%s", kind->name);
    run_at(1, "DEL %s", giant);
    reap();
}

Test(slot_move_giants, go_in_slices_and_are_the_same)
{
    for (uint32_t i = 0; i < KINDS; i++) {
        move_one(&kinds[i]);
        order(0); // for the next one
        finish_move();
    }
}

Test(slot_move_giants, keep_their_clock)
{
    kinds[1].make();
    joint_set_time(node, HARNESS_START_MS + 100000);
    order(1);
    finish_move();
    EXPECT(run_at(1, "OBJECT IDLETIME %s", giant), ":100\r\n");
}

// ---- who wants them

Test(slot_move_giants, come_for_those_who_wait_for_them)
{
    kinds[0].make(); // takes many slices
    begin_move();
    cr_expect(must_wait("STRLEN %s", giant));
    cr_expect(not(must_wait("GET {%s}small", giant)), "of the same slot");
    cr_expect(not(must_wait("SCAN 0%s", "")));
    cr_expect(not(must_wait("FLUSHALL%s", "")));
    uint64_t before = node->shard[0]->joint_number;
    uint32_t looks = 0;
    for (; must_wait("APPEND %s late", giant); looks++)
        cr_assert(is_at(0, giant) && !is_at(1, giant));
    cr_expect(gt(u32, looks, 0));
    cr_expect(is_at(1, giant) && !is_at(0, giant));
    cr_expect(eq(u64, node->node.move.keys_fetched, 1));
    // What its old shard's log says of it comes before what the new one's will.
    cr_expect(node->shard[0]->joint_number > before);
    cr_expect(eq(u64, node->shard[1]->joint_number, node->shard[0]->joint_number));
    begin("APPEND %s late", giant);
    EXPECT(harness_client_wire(caller), ":3000007\r\n");
    EXPECT(run_at(1, "STRLEN %s", giant), ":3000007\r\n");
}

Test(slot_move_giants, come_before_those_that_the_mover_has_begun)
{
    char second[32], line[128];
    kinds[1].make();
    const char *first = giant;
    sprintf(second, "{%s}second", giant);
    giant = second;
    kinds[2].make();
    giant = first;
    begin_move();
    sprintf(line, "SUNIONSTORE {%s}third %s %%s", first, first);
    while (must_wait(line, second)) continue;
    cr_expect(is_at(1, first) && is_at(1, second));
    cr_expect(eq(u64, node->node.move.keys_fetched, 2));
}

Test(slot_move_giants, come_though_the_mover_waits_for_a_long_command)
{
    const char *first = giant, *other = name('o', 0), *copy = name('c', 1);
    kinds[1].make();
    giant = other;
    kinds[2].make();
    giant = first;
    begin_move();
    begin("COPY %s %s", other, copy);
    cr_assert(is_under_way() && !slot_move_may_step(&node->node));
    while (must_wait("LLEN %s", giant)) continue;
    cr_expect(is_at(1, giant));
    cr_assert(is_under_way());
    EXPECT(finish(), ":1\r\n");
}

Test(slot_move_giants, are_waited_for_by_a_transaction)
{
    char line[64];
    kinds[0].make();
    order(1);
    slot_move_step(&node->node, 0);
    harness_client_run(caller, "MULTI");
    snprintf(line, sizeof line, "APPEND %s late", giant);
    EXPECT(harness_client_run(caller, line), "+QUEUED\r\n");
    cr_expect(must_wait("EXEC%s", ""));
    while (must_wait("EXEC%s", "")) continue;
    begin("EXEC");
    EXPECT(harness_client_wire(caller), "*1\r\n:3000007\r\n");
    EXPECT(run_at(1, "STRLEN %s", giant), ":3000007\r\n");
}

Test(slot_move_giants, are_waited_for_by_a_script_that_names_them)
{
    kinds[2].make();
    begin_move();
    cr_expect(not(must_wait("EVAL \"return 1\" 1 {%s}small", giant)));
    while (must_wait("EVAL \"return 1\" 1 %s", giant)) continue;
    cr_expect(is_at(1, giant));
}

// Whoever did not say so before.
Test(slot_move_giants, are_fetched_in_one_go_by_who_does_not_wait)
{
    kinds[2].make();
    begin_move();
    begin("SREM %s 17", giant);
    EXPECT(harness_client_wire(caller), ":1\r\n");
    cr_expect(is_at(1, giant) && !is_at(0, giant));
    finish_move();
    EXPECT(run_at(1, "SCARD %s", giant), ":39999\r\n");
}

// ---- what happens to them meanwhile

static void expect_gone(uint64_t nothing)
{
    cr_expect(is_at(0, giant) + is_at(1, giant) == 0);
    uint32_t steps = finish_move();
    cr_expect(lt(u32, steps, 10), "nothing is made of it any more");
    cr_expect(is_at(0, giant) + is_at(1, giant) == 0);
    reap();
    cr_expect(eq(u64, dataset(0) + dataset(1), nothing));
}

Test(slot_move_giants, that_are_flushed_do_not_come)
{
    uint64_t nothing = dataset(0) + dataset(1);
    kinds[0].make();
    begin_move();
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) run_at(i, "FLUSHALL");
    expect_gone(nothing);
}

Test(slot_move_giants, whose_time_passes_do_not_come)
{
    uint64_t nothing = dataset(0) + dataset(1);
    kinds[1].make();
    run_at(0, "PEXPIREAT %s %llu", giant, HARNESS_START_MS + 500ull);
    begin_move();
    joint_set_time(node, HARNESS_START_MS + 1000);
    while (keyspace_expire_step(server(0)->keyspace, HARNESS_START_MS + 1000, 100)) continue;
    expect_gone(nothing);
}

static void expire_fields(uint64_t now_ms)
{
    joint_set_time(node, now_ms);
    for (uint32_t i = 0; i < JOINT_SHARDS; i++)
        while (hash_deadlines_step(&server(i)->hash_deadlines, now_ms, 1000)) continue;
}

Test(slot_move_giants, lose_fields_on_the_way)
{
    kinds[5].make();
    begin_move();
    expire_fields(HARNESS_START_MS + 1500);
    finish_move();
    expire_fields(HARNESS_START_MS + 2000);
    EXPECT(run_at(1, "HLEN %s", giant), ":4666\r\n");
    expire_fields(HARNESS_START_MS + 100000);
    EXPECT(run_at(1, "HLEN %s", giant), ":3333\r\n");
}

// The same name in two databases, which are exchanged.
Test(slot_move_giants, go_with_all_of_their_name_to_where_it_is)
{
    char set[64], list[64];
    kinds[1].make();
    strcpy(list, digest_of(0, giant));
    run_at(0, "SELECT 3");
    kinds[2].make();
    strcpy(set, digest_of(0, giant));
    run_at(0, "SELECT 5");
    run_at(0, "SET %s small", giant);
    order(1);
    uint64_t swap_after = 1 + rng_below(&rng, 24); // some 28 until they are there
    for (uint64_t i = 1; step(); i++) {
        cr_assert(eq(int, is_at_in(0, 0, giant), is_at_in(0, 3, giant)));
        cr_assert(eq(int, is_at_in(0, 0, giant), is_at_in(0, 5, giant)));
        for (uint32_t s = 0; s < JOINT_SHARDS && i == swap_after; s++) run_at(s, "SWAPDB 0 3");
    }
    EXPECT(digest_of(1, giant), set);
    run_at(1, "SELECT 3");
    EXPECT(digest_of(1, giant), list);
    run_at(1, "SELECT 5");
    EXPECT(run_at(1, "GET %s", giant), "$5\r\nsmall\r\n");
    cr_expect(eq(u64, node->node.move.keys_taken, 3));
}

// Each key is in the files once, in the one or the other.
Test(slot_move_giants, are_in_a_snapshot_that_is_taken_meanwhile)
{
    static struct snapshot snapshots[2];
    uint64_t written[2] = { 0, 0 };
    kinds[1].make();
    begin_move();
    for (uint32_t i = 0; i < 2; i++) {
        snapshot_open(&snapshots[i], server(i));
        snapshot_begin(&snapshots[i], &snapshot_rdb);
    }
    cr_expect(snapshots[0].keys_total == 1 && snapshots[1].keys_total == 0);
    finish_move();
    run_at(1, "DEL %s", giant);
    for (uint32_t i = 0; i < 2; i++) {
        while (!snapshot_step(&snapshots[i], UINT64_MAX)) continue;
        cr_expect(eq(u64, snapshots[i].keys_done, snapshots[i].keys_total));
        for (; snapshots[i].pieces.count; snapshot_drop_piece(&snapshots[i]))
            written[i] += LIST_OWNER(list_first(&snapshots[i].pieces), struct snapshot_piece, link)
                              ->blob->size;
        snapshot_end(&snapshots[i]);
    }
    cr_expect(written[0] > 2 * MANY && written[1] == 0);
}
