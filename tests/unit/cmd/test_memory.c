#include "tests/unit/cmd/harness.h"

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
