#include "tests/unit/cmd/node_harness.h"

enum { VALUE_BYTES = 900 };

static const char *set_big(struct harness *h, uint32_t n, const char *options)
{
    char command[2048];
    int size = snprintf(command, sizeof command, "SET k%u %0*d %s", n, VALUE_BYTES, 7, options);
    cr_assert(lt(int, size, (int)sizeof command));
    return harness_run(h, command);
}

static void fill(struct harness *h, uint32_t count, const char *options)
{
    for (uint32_t i = 0; i < count; i++)
        cr_assert(eq(str, (char *)set_big(h, i, options), "+OK\r\n"));
}

static void set_limit(struct harness *h, int64_t policy)
{
    h->settings.maxmemory = memory_counted_bytes(&h->server) - 5000;
    h->settings.maxmemory_policy = policy;
    h->settings.maxmemory_samples = 5;
}

#define OOM "-OOM command not allowed when used memory > 'maxmemory'.\r\n"

Test(memory, refuses_what_adds_when_nothing_may_be_evicted)
{
    struct harness *h = harness_open();
    fill(h, 100, "");
    set_limit(h, EVICT_NOEVICTION);
    cr_expect(eq(str, (char *)set_big(h, 1000, ""), OOM));
    EXPECT_REPLY(h, "STRLEN k1", ":900\r\n");
    EXPECT_REPLY(h, "DEL k1", ":1\r\n"); // takes, and may
    set_limit(h, EVICT_VOLATILE_LRU);    // no key has a deadline
    cr_expect(eq(str, (char *)set_big(h, 1000, ""), OOM));
    EXPECT_REPLY(h, "DBSIZE", ":99\r\n");
    cr_expect(zero(u64, h->tally.evicted_keys));
    harness_close(h);
}

Test(memory, makes_room_by_every_policy)
{
    for (int64_t policy = EVICT_VOLATILE_LRU; policy < EVICT_NOEVICTION; policy++) {
        struct harness *h = harness_open();
        fill(h, 100, "PX 100000");
        keyspace_set_access_clock(h->server.keyspace,
                                  policy == EVICT_ALLKEYS_LFU || policy == EVICT_VOLATILE_LFU);
        set_limit(h, policy);
        cr_expect(eq(str, (char *)set_big(h, 1000, ""), "+OK\r\n"), "policy %ld", (long)policy);
        cr_expect(ge(u64, h->tally.evicted_keys, 4));
        cr_expect(le(u64, h->tally.evicted_keys, 8));
        cr_expect(eq(int, strncmp(h->effects, "DEL k", 5), 0)); // ahead of the command, alone
        cr_expect(ne(ptr, strstr(h->effects, ";SET k1000"), NULL), "%s", h->effects);
        harness_close(h);
    }
}

Test(memory, spares_keys_without_deadline_under_volatile_policies)
{
    struct harness *h = harness_open();
    fill(h, 50, "");
    for (uint32_t i = 100; i < 150; i++) set_big(h, i, "PX 100000");
    set_limit(h, EVICT_VOLATILE_RANDOM);
    for (uint32_t i = 200; i < 240; i++) set_big(h, i, "");
    for (uint32_t i = 0; i < 50; i++) {
        char command[32];
        snprintf(command, sizeof command, "EXISTS k%u", i);
        EXPECT_REPLY(h, command, ":1\r\n");
    }
    harness_close(h);
}

static void count_kill(struct server *s, struct client *c)
{
    s->shard = c; // whom
    c->flags |= CLIENT_CLOSE_NOW;
}
static uint64_t no_output(const struct stream *s) { return 0; }

Test(memory, disconnects_the_client_that_holds_most)
{
    static const struct server_ops ops = { .kill_client = count_kill,
                                           .resume_client = harness_note_client,
                                           .client_wrote = harness_note_client };
    static const struct stream_ops stream_ops = { .pending = no_output };
    struct harness *h = harness_open();
    struct harness_client *a = harness_client_open(h), *b = harness_client_open(h);
    h->server.ops = &ops;
    h->stream.ops = a->stream.ops = b->stream.ops = &stream_ops;
    a->client.query_buffer_bytes = 100000;
    b->client.query_buffer_bytes = 300000;
    memory_check_clients(&h->server); // no limit
    h->settings.maxmemory_clients = 500000;
    memory_check_clients(&h->server);
    cr_expect(eq(ptr, h->server.shard, NULL));
    h->settings.maxmemory_clients = 200000;
    memory_check_clients(&h->server);
    cr_expect(eq(ptr, h->server.shard, (void *)&b->client));
    cr_expect(eq(u64, h->tally.evicted_clients, 1));
    b->client.query_buffer_bytes = 0; // gone
    a->client.query_buffer_bytes = 450000;
    a->client.flags |= CLIENT_NO_EVICT;
    h->server.shard = NULL;
    h->client.query_buffer_bytes = 10;
    memory_check_clients(&h->server);
    cr_expect(ne(ptr, h->server.shard, (void *)&a->client));
    // A share of maxmemory.
    a->client.flags &= ~(uint32_t)CLIENT_NO_EVICT;
    h->settings.maxmemory = 10000000;
    h->settings.maxmemory_clients = -5;
    h->server.shard = NULL;
    memory_check_clients(&h->server);
    cr_expect(eq(ptr, h->server.shard, NULL)); // 450,000 are within 5 %
    h->settings.maxmemory_clients = -4;
    memory_check_clients(&h->server);
    cr_expect(eq(ptr, h->server.shard, (void *)&a->client));
    harness_client_close(a);
    harness_client_close(b);
    harness_close(h);
}

// ---- one budget over all shards

// counts: keys of each.
static struct node_harness *node_filled(const uint32_t counts[NODE_SHARDS], const char *options)
{
    struct node_harness *n = node_open();
    for (uint32_t i = 0; i < NODE_SHARDS; i++) fill(n->shard[i], counts[i], options);
    for (uint32_t i = 0; i < NODE_SHARDS; i++) memory_note_level(&n->shard[i]->server);
    return n;
}

static uint64_t node_bytes(const struct node_harness *n)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < NODE_SHARDS; i++) sum += memory_counted_bytes(&n->shard[i]->server);
    return sum;
}

static void node_limit(struct node_harness *n, uint64_t bytes, int64_t policy)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        n->shard[i]->settings.maxmemory = bytes;
        n->shard[i]->settings.maxmemory_policy = policy;
    }
}

static uint64_t keys_of(const struct node_harness *n, uint32_t i)
{
    return keyspace_size(n->shard[i]->server.keyspace, 0);
}

Test(memory, counts_all_shards_against_one_limit)
{
    struct node_harness *n = node_filled((uint32_t[]){ 10, 10, 400 }, "");
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        uint64_t of_all = memory_counted_of_all(&n->shard[i]->server);
        cr_expect(eq(u64, of_all, node_bytes(n)));
    }
    node_limit(n, node_bytes(n) - 1000, EVICT_NOEVICTION);
    cr_expect(lt(u64, memory_counted_bytes(&n->shard[0]->server), n->shard[0]->settings.maxmemory));
    cr_expect(eq(str, (char *)set_big(n->shard[0], 1000, ""), OOM)); // it has little itself
    node_limit(n, node_bytes(n) + 100000, EVICT_NOEVICTION);
    cr_expect(eq(str, (char *)set_big(n->shard[0], 1000, ""), "+OK\r\n"));
    node_close(n);
}

// What others have done since they told it last is at most 16 KiB each.
Test(memory, hears_of_what_another_shard_took)
{
    struct node_harness *n = node_filled((uint32_t[]){ 10, 10, 10 }, "");
    node_limit(n, node_bytes(n) + 60000, EVICT_NOEVICTION);
    uint64_t before = memory_counted_of_all(&n->shard[0]->server);
    fill(n->shard[2], 50, "");
    uint64_t now = memory_counted_of_all(&n->shard[0]->server);
    cr_expect(gt(u64, now, before));
    cr_expect(le(u64, node_bytes(n) - now, 16384));
    node_close(n);
}

Test(memory, the_shard_with_more_makes_room)
{
    struct node_harness *n = node_filled((uint32_t[]){ 100, 100, 2000 }, "");
    node_limit(n, node_bytes(n) - 20000, EVICT_ALLKEYS_RANDOM);
    cr_expect(memory_make_room(&n->shard[0]->server)); // and writes go on
    cr_expect(eq(u64, keys_of(n, 0), 100));
    for (int i = 0; i < 100 && memory_is_over(&n->shard[2]->server); i++)
        cr_expect(memory_make_room(&n->shard[2]->server));
    cr_expect(lt(u64, keys_of(n, 2), 2000));
    cr_expect(gt(u64, keys_of(n, 2), 1900));
    for (uint32_t i = 0; i < NODE_SHARDS; i++) memory_note_level(&n->shard[i]->server);
    cr_expect(le(u64, node_bytes(n), n->shard[0]->settings.maxmemory));
    for (uint32_t i = 0; i < NODE_SHARDS; i++) cr_expect(not(memory_is_over(&n->shard[i]->server)));
    node_close(n);
}

// Those who should may be asleep.
Test(memory, nobody_leans_on_others_for_more_than_the_slack)
{
    struct node_harness *n = node_filled((uint32_t[]){ 100, 100, 1000 }, "");
    node_limit(n, node_bytes(n) * 9 / 10, EVICT_ALLKEYS_RANDOM);
    struct server *s = &n->shard[0]->server;
    for (int i = 0; i < 100 && keys_of(n, 0); i++) memory_make_room(s);
    cr_expect(eq(u64, keys_of(n, 0), 0)); // not enough
    cr_expect(not(memory_make_room(s)));
    for (int i = 0; i < 100 && memory_is_over(&n->shard[2]->server); i++)
        cr_expect(memory_make_room(&n->shard[2]->server));
    cr_expect(memory_make_room(s));
    cr_expect(eq(u64, keys_of(n, 1), 100)); // never asked, below the mean
    node_close(n);
}

Test(memory, who_has_nothing_that_may_go_drops_out)
{
    struct node_harness *n = node_filled((uint32_t[]){ 0, 0, 1000 }, ""); // no deadlines
    fill(n->shard[1], 200, "PX 100000");
    memory_note_level(&n->shard[1]->server);
    node_limit(n, node_bytes(n) - 10000, EVICT_VOLATILE_LRU);
    struct server *few = &n->shard[1]->server, *most = &n->shard[2]->server;
    cr_expect(memory_make_room(few)); // most should
    cr_expect(eq(u64, keys_of(n, 1), 200));
    cr_expect(memory_make_room(most)); // it cannot, but others may
    cr_expect(eq(u64, keys_of(n, 2), 1000));
    for (int i = 0; i < 100 && memory_is_over(few); i++) cr_expect(memory_make_room(few));
    cr_expect(lt(u64, keys_of(n, 1), 200));
    cr_expect(not(memory_is_over(most)));
    // When nobody has anything left, all refuse.
    node_limit(n, node_bytes(n) - 200 * 1200, EVICT_VOLATILE_LRU);
    for (int i = 0; i < 100 && memory_make_room(few); i++) continue;
    cr_expect(eq(u64, keys_of(n, 1), 0));
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        cr_expect(not(memory_make_room(&n->shard[i]->server)));
    node_close(n);
}

Test(memory, disconnects_the_largest_client_of_all_shards)
{
    struct node_harness *n = node_open();
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        n->shard[i]->settings.maxmemory_clients = 500000;
        n->shard[i]->client.query_buffer_bytes = 100000 * (i + 1);
    }
    for (uint32_t i = 0; i < NODE_SHARDS; i++) memory_check_clients(&n->shard[i]->server);
    cr_expect(eq(u32, n->killed_count, 1)); // 600,000 in all
    cr_expect(eq(u32, n->killed[0].shard_index, 2));
    n->shard[2]->client.query_buffer_bytes = 0; // gone
    for (uint32_t i = 0; i < NODE_SHARDS; i++) memory_check_clients(&n->shard[2 - i]->server);
    cr_expect(eq(u32, n->killed_count, 1));
    node_close(n);
}
