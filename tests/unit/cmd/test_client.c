#include "tests/unit/cmd/harness.h"

enum { CLIENT_COUNT = 3 * CLIENT_TABLE_BUCKETS };

Test(client, finds_clients_by_id_until_they_are_removed)
{
    struct client_table *t = malloc(sizeof *t);
    struct client *clients = calloc(CLIENT_COUNT, sizeof *clients);
    client_table_init(t);
    for (uint32_t i = 0; i < CLIENT_COUNT; i++) client_table_add(t, &clients[i]);
    cr_expect(eq(u64, clients[0].id, 1));
    for (uint32_t i = 0; i < CLIENT_COUNT; i += 2) client_table_remove(t, &clients[i]);
    for (uint32_t i = 0; i < CLIENT_COUNT; i++) {
        struct client *expected = i % 2 ? &clients[i] : NULL;
        cr_expect(eq(ptr, client_table_find(t, i + 1), expected));
    }
    cr_expect(eq(ptr, client_table_find(t, CLIENT_COUNT + 1), NULL));
    cr_expect(eq(sz, t->all.count, CLIENT_COUNT / 2));
    client_table_add(t, &clients[0]);
    cr_expect(eq(u64, clients[0].id, CLIENT_COUNT + 1)); // an id is never given twice
    free(clients);
    free(t);
}

Test(client, walks_over_all_clients_while_some_go)
{
    struct client_table *t = malloc(sizeof *t);
    struct client *clients = calloc(5, sizeof *clients), late = { 0 };
    struct client_walk walk, idle;
    client_table_init(t);
    for (uint32_t i = 0; i < 5; i++) client_table_add(t, &clients[i]);
    client_walk_begin(t, &walk);
    client_walk_begin(t, &idle);
    cr_expect(eq(ptr, client_walk_next(t, &walk), &clients[0]));
    client_table_remove(t, &clients[0]); // behind it, and the next one of the other walk
    client_table_remove(t, &clients[1]); // the next one of both
    cr_expect(eq(ptr, client_walk_next(t, &walk), &clients[2]));
    client_table_remove(t, &clients[4]);
    client_table_add(t, &late);
    cr_expect(eq(ptr, client_walk_next(t, &walk), &clients[3]));
    client_table_remove(t, &late);
    cr_expect(eq(ptr, client_walk_next(t, &walk), NULL));
    cr_expect(eq(ptr, client_walk_next(t, &idle), &clients[2]));
    client_walk_end(t, &walk);
    client_walk_end(t, &idle);
    free(clients);
    free(t);
}

Test(client, counts_ids_apart_for_each_of_several_shards)
{
    struct client_table *t = malloc(sizeof *t);
    struct client *clients = calloc(CLIENT_COUNT, sizeof *clients);
    for (uint32_t index = 0; index < 3; index++) {
        uint64_t most = 0;
        client_table_init(t);
        client_table_number(t, index, 3);
        for (uint32_t i = 0; i < CLIENT_COUNT; i++) {
            client_table_add(t, &clients[i]);
            cr_expect(eq(u64, clients[i].id % 3, index));
            cr_expect(gt(u64, clients[i].id, i ? clients[i - 1].id : 0));
        }
        cr_expect(eq(u64, clients[0].id, index ? index : 3));
        for (uint32_t i = 0; i < CLIENT_COUNT; i++)
            cr_expect(eq(ptr, client_table_find(t, clients[i].id), &clients[i]));
        cr_expect(eq(ptr, client_table_find(t, clients[0].id + 1), NULL));
        // Steps leave no bucket out.
        for (uint32_t i = 0; i < CLIENT_TABLE_BUCKETS; i++)
            if (t->buckets[i].count > most) most = t->buckets[i].count;
        cr_expect(le(u64, most, CLIENT_COUNT / CLIENT_TABLE_BUCKETS + 1));
        for (uint32_t i = 0; i < CLIENT_COUNT; i++) client_table_remove(t, &clients[i]);
    }
    free(clients);
    free(t);
}

static void expect_address(enum stream_kind kind, struct net_addr remote, const char *text,
                           bool local)
{
    struct stream stream = { .kind = kind, .remote = remote, .local = { .ip = { 9 }, .port = 7 } };
    struct client c = { .stream = &stream };
    char out[128];
    uint32_t size = client_address_text(&c, false, "/tmp/penstock.sock", out);
    cr_expect(eq(str, out, (char *)text));
    cr_expect(eq(u32, size, (uint32_t)strlen(text)));
    cr_expect(eq(int, client_is_local(&c), local), "%s", text);
}

Test(client, writes_addresses_as_redis_shows_them)
{
    struct net_addr four = { { [10] = 0xff, 0xff, 127, 0, 0, 1 }, 6379 };
    struct net_addr far = { { [10] = 0xff, 0xff, 10, 1, 2, 3 }, 65535 };
    struct net_addr six = { { [15] = 1 }, 6379 };
    struct net_addr far_six = { { 0xfd, [15] = 2 }, 1 };
    expect_address(STREAM_SOCK_TCP, four, "127.0.0.1:6379", true);
    expect_address(STREAM_NIC_TCP, far, "10.1.2.3:65535", false);
    expect_address(STREAM_SOCK_TCP, six, "[::1]:6379", true);
    expect_address(STREAM_SOCK_TCP, far_six, "[fd00::2]:1", false);
    expect_address(STREAM_SOCK_UNIX, six, "/tmp/penstock.sock:0", true);
}
