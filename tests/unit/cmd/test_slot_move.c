// Slots that go to another shard: what goes along, what stays behind, who is told.
// (Commands between the portions of moves: test_joint_commands.c.)
#include "dataplane/cmd/slot_move.h"
#include "dataplane/cmd/block.h"
#include "tests/unit/cmd/joint_harness.h"

static void move(struct joint_node *n, uint32_t first, uint32_t last, uint32_t to)
{
    cr_assert(slot_move_order(&n->node, first, last, to) == NULL);
    while (!slot_move_step(&n->node, 0)) continue;
}

// Up to where keys are in transit and none has been taken over.
static void begin(struct joint_node *n, uint32_t to)
{
    cr_assert(slot_move_order(&n->node, 0, SLOT_COUNT - 1, to) == NULL);
    struct placement_move m = { .from = to == 0, .to = (uint8_t)to, .last = SLOT_COUNT - 1 };
    placement_begin_move(&n->node.placement, &m);
}

static uint64_t count_at(struct joint_node *n, uint32_t shard)
{
    return keyspace_size(n->node.servers[shard]->keyspace, n->shard[0]->client.db);
}

static const char *key_at(const struct joint_node *n, uint32_t shard)
{
    static char name[16];
    for (uint32_t i = 0;; i++) {
        snprintf(name, sizeof name, "key%u", i);
        if (joint_home_of(n, name) == shard) return name;
    }
}

Test(slot_move, takes_all_keys_of_the_range_and_no_other)
{
    struct joint_node *n = joint_open();
    char line[64];
    for (uint32_t i = 0; i < 500; i++) {
        snprintf(line, sizeof line, "SET k%u %u", i, i);
        joint_run_routed(n, line);
    }
    move(n, 1000, 9000, 2);
    for (uint32_t i = 0; i < 500; i++) {
        snprintf(line, sizeof line, "k%u", i);
        uint32_t slot = key_slot(bytes_text(line)), home = n->node.placement.shard_of_slot[slot];
        bool concerns = slot >= 1000 && slot <= 9000;
        cr_expect(eq(u32, home, concerns ? 2 : slot * JOINT_SHARDS / SLOT_COUNT));
        struct key key = key_make(n->node.servers[home]->keyspace, bytes_text(line));
        cr_expect(keyspace_peek(n->node.servers[home]->keyspace, 0, &key) != NULL);
    }
    cr_expect(eq(u64, count_at(n, 0) + count_at(n, 1) + count_at(n, 2), 500));
    joint_close(n);
}

static void fail_when_told(struct server *s, uint32_t db, struct bytes key, uint32_t class,
                           const char *event)
{
    (void)s, (void)db, (void)key, (void)class;
    cr_assert(false, "%s was told", event);
}

Test(slot_move, counts_and_tells_nothing)
{
    struct joint_node *n = joint_open();
    joint_run_routed(n, "SET a 1");
    joint_run_routed(n, "RPUSH b 1 2 3");
    struct keyspace *joint = n->node.servers[0]->joint;
    uint64_t dirty = keyspace_dirty(joint);
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) {
        n->node.servers[i]->on_changed = fail_when_told;
        n->shard[i]->effects_size = 0;
    }
    for (uint32_t to = 0; to < JOINT_SHARDS; to++) move(n, 0, SLOT_COUNT - 1, to);
    cr_expect(eq(u64, keyspace_dirty(joint), dirty));
    cr_expect(eq(u64, count_at(n, 2), 2));
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) {
        cr_expect(eq(u64, n->node.servers[i]->tally->expired_keys, 0));
        // Points of order, which hold no command.
        cr_expect(eq(sz, n->shard[i]->effects_size, strspn(n->shard[i]->effects, ";")));
        n->node.servers[i]->on_changed = NULL;
    }
    joint_close(n);
}

Test(slot_move, keeps_deadlines)
{
    struct joint_node *n = joint_open();
    joint_run_routed(n, "SET a 1 PX 5000");
    joint_run_routed(n, "SET b 1");
    for (uint32_t to = 0; to < JOINT_SHARDS; to++) move(n, 0, SLOT_COUNT - 1, to);
    cr_expect(eq(str, (char *)(uintptr_t)joint_run_routed(n, "PTTL a"), (char *)":5000\r\n"));
    joint_set_time(n, HARNESS_START_MS + 5001);
    for (uint32_t i = 0; i < JOINT_SHARDS; i++)
        while (keyspace_expire_step(n->node.servers[i]->keyspace, HARNESS_START_MS + 5001, 100))
            continue;
    cr_expect(eq(u64, count_at(n, 2), 1), "its deadline came along in the wheel, too");
    joint_close(n);
}

Test(slot_move, fetches_a_name_from_all_databases_for_a_command_that_wants_it)
{
    struct joint_node *n = joint_open();
    char line[64];
    const char *key = key_at(n, 0);
    snprintf(line, sizeof line, "SET %s 1", key);
    joint_run_routed(n, line);
    n->shard[0]->client.db = 3;
    joint_run_routed(n, line);
    begin(n, 1);
    cr_expect(eq(u64, count_at(n, 0), 1));
    snprintf(line, sizeof line, "INCR %s", key);
    cr_expect(eq(str, (char *)(uintptr_t)joint_run_routed(n, line), (char *)":2\r\n"));
    cr_expect(eq(u64, count_at(n, 0), 0));
    cr_expect(eq(u64, count_at(n, 1), 1));
    n->shard[0]->client.db = 0;
    cr_expect(eq(u64, count_at(n, 1), 1));
    cr_expect(eq(u64, n->node.move.keys_fetched, 2));
    placement_end_move(&n->node.placement);
    joint_close(n);
}

Test(slot_move, makes_new_keys_where_they_will_be)
{
    struct joint_node *n = joint_open();
    char line[64];
    snprintf(line, sizeof line, "SADD %s 1", key_at(n, 0));
    begin(n, 2);
    cr_expect(eq(str, (char *)(uintptr_t)joint_run_routed(n, line), (char *)":1\r\n"));
    cr_expect(eq(u64, count_at(n, 2), 1));
    placement_end_move(&n->node.placement);
    joint_close(n);
}

// Keys that no argument names.
Test(slot_move, lets_sort_find_what_its_patterns_make)
{
    struct joint_node *n = joint_open();
    char line[128];
    const char *key = key_at(n, 0);
    for (uint32_t i = 1; i <= 3; i++) {
        snprintf(line, sizeof line, "SET {%s}:%u %u", key, i, 10 - i);
        joint_run_routed(n, line);
    }
    snprintf(line, sizeof line, "RPUSH %s 1 2 3", key);
    joint_run_routed(n, line);
    begin(n, 1);
    snprintf(line, sizeof line, "GET {%s}:2", key); // this one is at the new shard now
    joint_run_routed(n, line);
    snprintf(line, sizeof line, "SORT %s BY {%s}:* GET {%s}:*", key, key, key);
    cr_expect(eq(str, (char *)(uintptr_t)joint_run_routed(n, line),
                 (char *)"*3\r\n$1\r\n7\r\n$1\r\n8\r\n$1\r\n9\r\n"));
    placement_end_move(&n->node.placement);
    joint_close(n);
}

// ---- who waits

static struct {
    uint32_t count;
    uint64_t deadline_ms;
    char word[16];
} again;

static void note_again(struct server *s, struct client *c, const struct kept_request *request)
{
    (void)s;
    again.count++;
    again.deadline_ms = client_deadline(c, 0);
    snprintf(again.word, sizeof again.word, "%.*s", (int)request->argv[0].size,
             (const char *)request->argv[0].data);
}

Test(slot_move, sends_those_who_wait_for_its_keys_through_the_router_with_their_deadline)
{
    static struct server_ops ops;
    struct joint_node *n = joint_open();
    ops = joint_ops;
    ops.run_again = note_again;
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) n->node.servers[i]->ops = &ops;
    struct harness_client *c = harness_client_open(n->shard[0]);
    struct harness_client *other = harness_client_open(n->shard[2]);
    char line[64];
    snprintf(line, sizeof line, "BLPOP %s 2", key_at(n, 0));
    harness_client_run(c, line);
    snprintf(line, sizeof line, "BLPOP %s 2", key_at(n, 2));
    harness_client_run(other, line);
    again.count = 0;
    move(n, 0, SLOT_COUNT / JOINT_SHARDS, 1);
    cr_expect(eq(u32, again.count, 1));
    cr_expect(eq(u64, again.deadline_ms, HARNESS_START_MS + 2000));
    cr_expect(eq(str, again.word, (char *)"BLPOP"));
    cr_expect(eq(u64, n->node.servers[0]->blocks.all.count, 0));
    cr_expect(eq(u64, n->node.servers[2]->blocks.all.count, 1));
    harness_client_close(c);
    harness_client_close(other);
    joint_close(n);
}

Test(slot_move, lets_watches_of_its_keys_fail)
{
    struct joint_node *n = joint_open();
    char line[64];
    struct harness *own = n->shard[1]; // its client's id says so
    cr_assert(eq(u64, own->client.id % JOINT_SHARDS, 1));
    snprintf(line, sizeof line, "WATCH %s", key_at(n, 1));
    EXPECT_REPLY(own, line, "+OK\r\n");
    move(n, 0, SLOT_COUNT - 1, 2);
    EXPECT_REPLY(own, "MULTI", "+OK\r\n");
    EXPECT_REPLY(own, "EXEC", "*-1\r\n");
    joint_close(n);
}

// ---- orders

Test(slot_move, refuses_what_makes_no_sense)
{
    static const struct {
        const char *command, *reply;
    } orders[] = {
        { "PENSTOCK MOVE-SLOTS 5 4 1", "-ERR Invalid range of slots\r\n" },
        { "PENSTOCK MOVE-SLOTS 0 16384 1", "-ERR Invalid slot\r\n" },
        { "PENSTOCK MOVE-SLOTS -1 5 1", "-ERR Invalid slot\r\n" },
        { "PENSTOCK MOVE-SLOTS 0 5 x", "-ERR No such shard\r\n" },
        { "PENSTOCK MOVE-SLOTS 0 5 3", "-ERR No such shard\r\n" },
        { "PENSTOCK MOVE-SLOTS 0 5 1", "+OK\r\n" },
        { "PENSTOCK MOVE-SLOTS 7 8 1", "-ERR Slots are being moved already\r\n" },
    };
    struct joint_node *n = joint_open();
    for (uint32_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        cr_expect(eq(str, (char *)(uintptr_t)joint_run(n, orders[i].command),
                     (char *)(uintptr_t)orders[i].reply));
    joint_close(n);
    struct harness *one = harness_open();
    EXPECT_REPLY(one, "PENSTOCK MOVE-SLOTS 0 5 0", "-ERR This server has one shard only\r\n");
    harness_close(one);
}
