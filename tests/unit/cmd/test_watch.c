// A node of three servers in one thread: what another shard would do between two commands of this
// one is done by calling it.
#include "dataplane/cmd/watch.h"
#include "dataplane/cmd/changed.h"
#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/text.h"
#include "dataplane/cmd/transaction.h"
#include "tests/unit/cmd/harness.h"

enum { SHARDS = 3, ALL = (1 << SHARDS) - 1, MESSAGES = 16 };

static struct harness *shard[SHARDS];
static struct node *node;
static struct harness_client *client; // of shard 0
static struct message {
    uint64_t client_id, generation, homes;
} messages[MESSAGES];
static uint32_t message_count;

static void send_message(struct server *s, uint64_t client_id, uint64_t generation, uint64_t homes)
{
    (void)s;
    cr_assert(lt(u32, message_count, MESSAGES));
    messages[message_count++] = (struct message){ client_id, generation, homes };
}
static enum routed run_here(struct call *call)
{
    (void)call;
    return ROUTED_HERE;
}
static const struct server_ops node_ops = { .resume_client = harness_note_client,
                                            .client_wrote = harness_note_client,
                                            .route = run_here,
                                            .forget_watches = send_message };

static void deliver(uint32_t index)
{
    const struct message *m = &messages[index];
    for (uint32_t i = 0; i < SHARDS; i++)
        if (m->homes >> i & 1)
            transaction_forget_watcher(&shard[i]->server, m->client_id, m->generation);
}

static void open_node(void)
{
    message_count = 0;
    node = calloc(1, sizeof *node);
    node->shard_count = SHARDS;
    placement_init(&node->placement, SHARDS);
    for (uint32_t i = 0; i < SHARDS; i++) {
        shard[i] = harness_open();
        struct server *s = node->servers[i] = &shard[i]->server;
        s->node = node;
        s->shard_index = i;
        s->shard_count = SHARDS;
        s->ops = &node_ops;
        client_table_remove(&s->clients, &shard[i]->client);
        client_table_number(&s->clients, i, SHARDS);
        client_table_add(&s->clients, &shard[i]->client);
    }
    client = harness_client_open(shard[0]);
}

static void close_node(void)
{
    harness_client_close(client);
    for (uint32_t i = 0; i < message_count; i++) deliver(i);
    for (uint32_t i = 0; i < SHARDS; i++) {
        cr_expect(eq(u64, shard[i]->server.far_watchers.count, 0));
        cr_expect(eq(u64, shard[i]->server.watched_keys.count, 0));
        cr_expect(eq(u64, shard[i]->server.watching_clients, 0));
        cr_expect(shard[i]->server.on_changed == NULL);
        harness_close(shard[i]);
    }
    free(node);
}

TestSuite(watch_of_shards, .init = open_node, .fini = close_node);

// A key of that shard.
static const char *key_of(uint32_t index)
{
    static char names[SHARDS][16];
    for (int i = 0;; i++) {
        snprintf(names[index], sizeof names[index], "key%d", i);
        if (placement_shard(&node->placement, bytes_text(names[index])) == index)
            return names[index];
    }
}
// command, with %0 %1 %2 for a key of each shard.
static const char *with_keys(const char *command)
{
    static char line[256];
    char *at = line;
    for (const char *in = command; *in; in++) {
        if (*in == '%')
            at += sprintf(at, "%s", key_of((uint32_t)(*++in - '0')));
        else
            *at++ = *in;
    }
    *at = 0;
    return line;
}

static const char *run_held(struct harness_client *c, const char *command)
{
    struct server *s = &c->harness->server;
    s->held = ALL & ~(1ull << s->shard_index);
    const char *reply = harness_client_run(c, with_keys(command));
    s->held = 0;
    return reply;
}
#define EXPECT_HELD(command, expected)                                                             \
    cr_expect(eq(str, (char *)run_held(client, (command)), (char *)(expected)), "%s", (command))
#define EXPECT_ALONE(command, expected)                                                            \
    cr_expect(eq(str, (char *)harness_client_run(client, with_keys(command)), (char *)(expected)), \
              "%s", (command))

static void on_shard(uint32_t index, const char *command)
{
    harness_run(shard[index], with_keys(command));
    cr_expect(ne(int, shard[index]->wire[0], '-'), "%s", command);
}
static void expect_exec(bool is_stale)
{
    EXPECT_ALONE("MULTI", "+OK\r\n");
    EXPECT_ALONE("PING", "+QUEUED\r\n");
    EXPECT_HELD("EXEC", is_stale ? "*-1\r\n" : "*1\r\n+PONG\r\n");
    cr_expect(client->client.transaction == NULL);
    for (uint32_t i = 0; i < SHARDS; i++) {
        cr_expect(eq(u64, shard[i]->server.far_watchers.count, 0));
        cr_expect(eq(u64, shard[i]->server.watched_keys.count, 0));
        cr_expect(shard[i]->server.on_changed == NULL);
    }
    cr_expect(eq(u32, message_count, 0), "nobody needs to be told");
}

Test(watch_of_shards, a_key_that_changed_on_another_shard_makes_exec_answer_null)
{
    for (uint32_t i = 0; i < SHARDS; i++) {
        static const char *const changes[] = { "SET %0 1", "SET %1 1", "SET %2 1" };
        EXPECT_HELD("WATCH %0 %1 %2", "+OK\r\n");
        on_shard(i, changes[i]);
        expect_exec(true);
    }
}

Test(watch_of_shards, what_nobody_changed_lets_exec_run)
{
    on_shard(1, "SET %1 1");
    EXPECT_HELD("WATCH %0 %1 %2", "+OK\r\n");
    on_shard(1, "GET %1");
    on_shard(1, "SET other 1");
    expect_exec(false);
    EXPECT_HELD("WATCH %2", "+OK\r\n");
    on_shard(1, "SET %1 2");
    expect_exec(false);
}

Test(watch_of_shards, a_flushed_database_has_changed_what_was_there)
{
    on_shard(1, "SET %1 1");
    EXPECT_HELD("WATCH %1 %2", "+OK\r\n");
    changed_flush(&shard[2]->server, CHANGED_ALL_DATABASES);
    expect_exec(false);
    EXPECT_HELD("WATCH %1 %2", "+OK\r\n");
    changed_flush(&shard[1]->server, CHANGED_ALL_DATABASES);
    expect_exec(true);
}

Test(watch_of_shards, an_expired_key_of_another_shard_has_changed_unless_it_had_before)
{
    on_shard(1, "SET %1 1 PX 100");
    EXPECT_HELD("WATCH %1", "+OK\r\n");
    harness_set_time(shard[0], shard[0]->now_ms + 101);
    expect_exec(true);
    on_shard(2, "SET %2 1 PX 100");
    harness_set_time(shard[0], shard[0]->now_ms + 101);
    EXPECT_HELD("WATCH %2", "+OK\r\n");
    harness_set_time(shard[2], shard[0]->now_ms);
    on_shard(2, "GET %2");
    expect_exec(false);
}

Test(watch_of_shards, a_change_writes_nothing_of_a_client_elsewhere)
{
    EXPECT_HELD("WATCH %1 %2", "+OK\r\n");
    unsigned char before[sizeof(struct client)], transaction[sizeof(struct transaction)];
    memcpy(before, &client->client, sizeof before);
    memcpy(transaction, client->client.transaction, sizeof transaction);
    on_shard(1, "SET %1 1");
    cr_expect(eq(int, memcmp(&client->client, before, sizeof before), 0));
    cr_expect(eq(int, memcmp(client->client.transaction, transaction, sizeof transaction), 0));
    expect_exec(true);
}

Test(watch_of_shards, says_which_shards_to_hold)
{
    cr_expect(eq(u64, transaction_watched_shards(&client->client), 0));
    EXPECT_HELD("WATCH %1", "+OK\r\n");
    cr_expect(eq(u64, transaction_watched_shards(&client->client), 1 << 1));
    EXPECT_HELD("WATCH %0 %2 %1", "+OK\r\n");
    cr_expect(eq(u64, transaction_watched_shards(&client->client), ALL));
    cr_expect(eq(u32, transaction_watch_count(&client->client), 3));
    EXPECT_HELD("UNWATCH", "+OK\r\n");
    cr_expect(eq(u64, transaction_watched_shards(&client->client), 0));
    cr_expect(eq(u32, message_count, 0));
}

Test(watch_of_shards, counts_a_client_once)
{
    EXPECT_HELD("WATCH %1 %2", "+OK\r\n");
    EXPECT_HELD("WATCH %0 %1", "+OK\r\n");
    uint64_t clients = 0, keys = 0;
    for (uint32_t i = 0; i < SHARDS; i++) {
        clients += shard[i]->server.watching_clients;
        keys += shard[i]->server.watched_keys.count;
    }
    cr_expect(eq(u64, clients, 1));
    cr_expect(eq(u64, keys, 3));
}

Test(watch_of_shards, unwatch_alone_tells_the_others)
{
    EXPECT_HELD("WATCH %0 %1 %2", "+OK\r\n");
    EXPECT_ALONE("UNWATCH", "+OK\r\n");
    cr_expect(client->client.transaction == NULL);
    cr_expect(eq(u64, shard[0]->server.watched_keys.count, 0));
    cr_assert(eq(u32, message_count, 1));
    cr_expect(eq(u64, messages[0].client_id, client->client.id));
    cr_expect(eq(u64, messages[0].homes, 1 << 1 | 1 << 2));
    on_shard(1, "SET %1 1"); // before the message is there
    deliver(0);
    deliver(0);
    message_count = 0;
    expect_exec(false);
}

Test(watch_of_shards, a_late_message_leaves_what_is_watched_since)
{
    EXPECT_HELD("WATCH %1 %2", "+OK\r\n");
    on_shard(1, "SET %1 1");
    EXPECT_ALONE("MULTI", "+OK\r\n");
    EXPECT_ALONE("DISCARD", "+OK\r\n");
    EXPECT_HELD("WATCH %1", "+OK\r\n");
    deliver(0);
    cr_expect(eq(u64, shard[1]->server.far_watchers.count, 1));
    cr_expect(eq(u64, shard[2]->server.far_watchers.count, 0));
    message_count = 0;
    expect_exec(false);
    EXPECT_HELD("WATCH %1", "+OK\r\n");
    deliver(0);
    on_shard(1, "SET %1 1");
    expect_exec(true);
}

Test(watch_of_shards, many_late_messages_each_forget_their_own)
{
    for (uint32_t i = 0; i < 4; i++) {
        EXPECT_HELD("WATCH %1", "+OK\r\n");
        EXPECT_ALONE("RESET", "+RESET\r\n");
    }
    cr_expect(eq(u64, shard[1]->server.far_watchers.count, 1));
    EXPECT_HELD("WATCH %1", "+OK\r\n");
    for (uint32_t i = 0; i < 4; i++) deliver(i);
    message_count = 0;
    on_shard(1, "SET %1 1");
    expect_exec(true);
}

Test(watch_of_shards, a_client_that_goes_is_forgotten_everywhere)
{
    struct harness_client *other = harness_client_open(shard[1]);
    cr_expect(eq(str, (char *)run_held(other, "WATCH %0 %1 %2"), (char *)"+OK\r\n"));
    EXPECT_HELD("WATCH %1 %2", "+OK\r\n");
    struct server *s = &shard[1]->server;
    server_forget_client(s, &other->client);
    cr_assert(eq(u32, message_count, 1));
    cr_expect(eq(u64, messages[0].homes, 1 << 0 | 1 << 2));
    deliver(0);
    message_count = 0;
    cr_expect(eq(u64, shard[0]->server.far_watchers.count, 0));
    cr_expect(eq(u64, shard[2]->server.far_watchers.count, 1), "the other's");
    on_shard(2, "SET %2 1");
    expect_exec(true);
    harness_client_close(other);
}

Test(watch_of_shards, shards_that_close_give_back_what_others_watch)
{
    EXPECT_HELD("WATCH %1 %2", "+OK\r\n");
    EXPECT_ALONE("UNWATCH", "+OK\r\n");
    struct server *s = &shard[1]->server;
    cr_expect(eq(u64, s->far_watchers.count, 1));
    watches_close(s); // the message never came
    cr_expect(eq(u64, s->watched_keys.count, 0));
    cr_expect(eq(u64, s->watching_clients, 0));
    watches_open(s);
}

Test(watch_of_shards, a_list_of_clients_shows_who_is_stale)
{
    struct text t;
    EXPECT_HELD("WATCH %1", "+OK\r\n");
    on_shard(1, "SET %1 1");
    static const uint32_t viewers[] = { 0, 1, 2 };
    for (uint32_t i = 0; i < sizeof viewers / sizeof *viewers; i++) {
        struct server *s = &shard[viewers[i]]->server;
        s->held = ALL & ~(1ull << viewers[i]);
        text_open(&t, s->heap);
        client_add_line(&t, s, &client->client);
        cr_expect(strstr(t.data, " flags=d ") != NULL, "%s", t.data);
        text_close(&t);
        s->held = 0;
    }
    expect_exec(true);
}
