#include "dataplane/cmd/pubsub.h"
#include "dataplane/cmd/job.h"
#include "tests/unit/cmd/harness.h"

#define EXPECT_WIRE(client, expected)                                                              \
    cr_expect(eq(str, (char *)harness_client_wire(client), (char *)(expected)))
#define EXPECT_CLIENT(client, command, expected)                                                   \
    cr_expect(eq(str, (char *)harness_client_run(client, command), (char *)(expected)))

static const char subscribed_a[] = "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n";
static const char message_a[] = "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n";

static struct harness_client *open_client(struct harness *h, uint8_t version)
{
    struct harness_client *c = harness_client_open(h);
    c->client.reply.version = version;
    return c;
}

Test(pubsub, brings_a_message_to_each_subscriber_in_its_protocol)
{
    struct harness *h = harness_open();
    struct harness_client *two = open_client(h, 2), *three = open_client(h, 3);
    EXPECT_CLIENT(two, "SUBSCRIBE a", subscribed_a);
    EXPECT_CLIENT(three, "SUBSCRIBE a", ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    EXPECT_REPLY(h, "PUBLISH a hi", ":2\r\n");
    EXPECT_WIRE(two, message_a);
    EXPECT_WIRE(three, ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n");
    EXPECT_REPLY(h, "PUBLISH b hi", ":0\r\n");
    EXPECT_WIRE(two, "");
    cr_expect(gt(u64, h->tally.sent_pubsub_bytes, 0));
    harness_client_close(two);
    harness_client_close(three);
    EXPECT_REPLY(h, "PUBLISH a hi", ":0\r\n");
    harness_close(h);
}

Test(pubsub, patterns_get_messages_of_channels_that_match)
{
    struct harness *h = harness_open();
    struct harness_client *c = open_client(h, 2);
    EXPECT_CLIENT(c, "PSUBSCRIBE n* [ab]",
                  "*3\r\n$10\r\npsubscribe\r\n$2\r\nn*\r\n:1\r\n"
                  "*3\r\n$10\r\npsubscribe\r\n$4\r\n[ab]\r\n:2\r\n");
    EXPECT_CLIENT(c, "SUBSCRIBE news", "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:3\r\n");
    EXPECT_REPLY(h, "PUBLISH news x", ":2\r\n");
    EXPECT_WIRE(c, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\nx\r\n"
                   "*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$1\r\nx\r\n");
    EXPECT_REPLY(h, "PUBLISH b x", ":1\r\n");
    EXPECT_REPLY(h, "PUBLISH c x", ":0\r\n");
    harness_client_close(c);
    harness_close(h);
}

Test(pubsub, shard_channels_are_apart)
{
    struct harness *h = harness_open();
    struct harness_client *c = open_client(h, 2);
    EXPECT_CLIENT(c, "SSUBSCRIBE a", "*3\r\n$10\r\nssubscribe\r\n$1\r\na\r\n:1\r\n");
    EXPECT_CLIENT(c, "PSUBSCRIBE *", "*3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:1\r\n");
    EXPECT_REPLY(h, "SPUBLISH a x", ":1\r\n");
    EXPECT_WIRE(c, "*3\r\n$8\r\nsmessage\r\n$1\r\na\r\n$1\r\nx\r\n");
    EXPECT_REPLY(h, "PUBLISH a x", ":1\r\n");
    EXPECT_WIRE(c, "*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\na\r\n$1\r\nx\r\n");
    EXPECT_REPLY(h, "PUBSUB SHARDCHANNELS", "*1\r\n$1\r\na\r\n");
    EXPECT_REPLY(h, "PUBSUB SHARDNUMSUB a b", "*4\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n:0\r\n");
    EXPECT_CLIENT(c, "SUNSUBSCRIBE", "*3\r\n$12\r\nsunsubscribe\r\n$1\r\na\r\n:0\r\n");
    harness_client_close(c);
    harness_close(h);
}

Test(pubsub, unsubscribes_by_name_or_from_all)
{
    struct harness *h = harness_open();
    struct harness_client *c = open_client(h, 2);
    EXPECT_CLIENT(c, "UNSUBSCRIBE", "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n");
    EXPECT_CLIENT(c, "PUNSUBSCRIBE x", "*3\r\n$12\r\npunsubscribe\r\n$1\r\nx\r\n:0\r\n");
    harness_client_run(c, "SUBSCRIBE a b c b");
    cr_expect(eq(u64, pubsub_count(&c->client, PUBSUB_CHANNEL), 3), "twice is once");
    EXPECT_CLIENT(c, "UNSUBSCRIBE b", "*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:2\r\n");
    EXPECT_CLIENT(c, "UNSUBSCRIBE",
                  "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n"
                  "*3\r\n$11\r\nunsubscribe\r\n$1\r\nc\r\n:0\r\n");
    cr_expect(c->client.subscriber == NULL);
    cr_expect(eq(u32, c->client.flags & CLIENT_SUBSCRIBED, 0));
    cr_expect(eq(u64, h->server.pubsub.clients, 0));
    harness_client_close(c);
    harness_close(h);
}

Test(pubsub, a_resp2_subscriber_may_say_little_else)
{
    struct harness *h = harness_open();
    struct harness_client *c = open_client(h, 2);
    harness_client_run(c, "SUBSCRIBE a");
    EXPECT_CLIENT(c, "GET x",
                  "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT "
                  "/ RESET are allowed in this context\r\n");
    EXPECT_CLIENT(c, "PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    EXPECT_CLIENT(c, "PING hello", "*2\r\n$4\r\npong\r\n$5\r\nhello\r\n");
    EXPECT_CLIENT(c, "RESET", "+RESET\r\n");
    EXPECT_CLIENT(c, "GET x", "$-1\r\n");
    EXPECT_REPLY(h, "PUBLISH a x", ":0\r\n");
    harness_client_close(c);
    harness_close(h);
}

Test(pubsub, a_resp3_subscriber_goes_on_as_before)
{
    struct harness *h = harness_open();
    struct harness_client *c = open_client(h, 3);
    harness_client_run(c, "SUBSCRIBE a");
    EXPECT_CLIENT(c, "GET x", "_\r\n");
    EXPECT_CLIENT(c, "PING", "+PONG\r\n");
    harness_client_close(c);
    harness_close(h);
}

Test(pubsub, its_own_message_follows_the_reply_of_the_publisher)
{
    struct harness *h = harness_open();
    struct harness_client *c = open_client(h, 3);
    harness_client_run(c, "SUBSCRIBE a");
    EXPECT_CLIENT(c, "PUBLISH a hi", ":1\r\n>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n");
    harness_client_run(c, "MULTI");
    harness_client_run(c, "PUBLISH a 1");
    harness_client_run(c, "PING");
    EXPECT_CLIENT(c, "EXEC", "*2\r\n:1\r\n+PONG\r\n>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n1\r\n");
    harness_client_close(c);
    harness_close(h);
}

Test(pubsub, a_message_does_not_fall_into_a_long_reply)
{
    struct harness *h = harness_open();
    struct harness_client *c = open_client(h, 3);
    char line[64];
    for (int i = 0; i < 3000; i++) {
        snprintf(line, sizeof line, "RPUSH l element:%d", i);
        harness_run(h, line);
    }
    harness_client_run(c, "SUBSCRIBE a");
    h->no_slices = true;
    harness_client_run(c, "LRANGE l 0 -1");
    harness_run(h, "PUBLISH a hi");
    h->no_slices = false;
    while (jobs_run(&h->server, 1)) continue;
    const char *wire = harness_client_wire(c), *message = strstr(wire, ">3\r\n");
    cr_assert(message != NULL);
    cr_expect(eq(str, (char *)message, (char *)">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"),
              "it comes behind the whole reply");
    cr_expect(strstr(wire, "element:2999") != NULL);
    cr_expect(eq(u64, c->client.pushes_bytes, 0));
    harness_client_close(c);
    harness_close(h);
}

Test(pubsub, messages_come_also_to_those_who_want_no_replies)
{
    struct harness *h = harness_open();
    struct harness_client *c = open_client(h, 2);
    harness_client_run(c, "CLIENT REPLY OFF");
    EXPECT_CLIENT(c, "SUBSCRIBE a", subscribed_a);
    harness_run(h, "PUBLISH a hi");
    EXPECT_WIRE(c, message_a);
    harness_client_close(c);
    harness_close(h);
}

Test(pubsub, ten_thousand_subscribers_share_one_copy)
{
    enum { CLIENTS = 10000, BYTES = 4096 };
    struct harness *h = harness_open();
    struct harness_client **clients = calloc(CLIENTS, sizeof *clients);
    char *body = calloc(1, BYTES);
    memset(body, 'x', BYTES);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = open_client(h, 3);
        harness_client_run(clients[i], "SUBSCRIBE a");
    }
    struct bytes publish[] = { BYTES_LITERAL("PUBLISH"), BYTES_LITERAL("a"),
                               bytes_make(body, BYTES) };
    uint64_t before = h->heap.bytes[HEAP_CLIENT_OUT];
    cr_expect(eq(str, (char *)harness_run_args(h, publish, 3), (char *)":10000\r\n"));
    uint64_t grown = h->heap.bytes[HEAP_CLIENT_OUT] - before;
    cr_expect(lt(u64, grown, (uint64_t)CLIENTS * 128 + 2 * BYTES), "%lu bytes for 40 MB of output",
              (unsigned long)grown);
    for (int i = 0; i < CLIENTS; i++) {
        cr_assert(gt(u64, clients[i]->stream.out.bytes, BYTES));
        harness_client_close(clients[i]);
    }
    free(clients);
    free(body);
    harness_close(h);
}

Test(pubsub, tells_who_listens)
{
    struct harness *h = harness_open();
    struct harness_client *c = open_client(h, 3);
    harness_client_run(c, "SUBSCRIBE news sport");
    harness_client_run(c, "PSUBSCRIBE x* y*");
    EXPECT_REPLY(h, "PUBSUB CHANNELS n*", "*1\r\n$4\r\nnews\r\n");
    EXPECT_REPLY(h, "PUBSUB NUMSUB news none", "*4\r\n$4\r\nnews\r\n:1\r\n$4\r\nnone\r\n:0\r\n");
    EXPECT_REPLY(h, "PUBSUB NUMSUB", "*0\r\n");
    EXPECT_REPLY(h, "PUBSUB NUMPAT", ":2\r\n");
    EXPECT_REPLY(h, "PUBSUB CHANNELS a b",
                 "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB "
                 "HELP.\r\n");
    harness_client_close(c);
    harness_close(h);
}

// ---- keyspace notifications

static struct harness *open_notified(const char *classes, struct harness_client **listener)
{
    struct harness *h = harness_open();
    free(h->settings.notify_keyspace_events);
    h->settings.notify_keyspace_events = strdup(classes);
    server_settings_changed(&h->server);
    *listener = open_client(h, 3);
    harness_client_run(*listener, "PSUBSCRIBE __key*");
    return h;
}

// "keyspace@0:k=set keyevent@0:set=k " of what the listener was sent.
static const char *told(struct harness_client *c)
{
    static char out[8192];
    const char *at = harness_client_wire(c);
    size_t size = 0;
    out[0] = 0;
    while ((at = strstr(at, "__:")) != NULL) {
        const char *begin = at, *end = strchr(at, '\r');
        while (strncmp(begin, "__key", 5) != 0) begin--;
        const char *body = strchr(end + 3, '\n') + 1;
        size += (size_t)snprintf(out + size, sizeof out - size, "%.*s%.*s=%.*s ",
                                 (int)(at - begin - 2), begin + 2, (int)(end - at - 2), at + 2,
                                 (int)strcspn(body, "\r"), body);
        at = body;
    }
    return out;
}

Test(notify, tells_the_classes_that_were_chosen)
{
    struct harness_client *c;
    struct harness *h = open_notified("KEA", &c);
    harness_run(h, "SET k 1 EX 10");
    cr_expect(eq(str, (char *)told(c),
                 (char *)"keyspace@0:k=set keyevent@0:set=k keyspace@0:k=expire "
                         "keyevent@0:expire=k "));
    harness_run(h, "GET none");
    cr_expect(eq(str, (char *)told(c), (char *)""), "A holds neither m nor n");
    harness_client_close(c);
    harness_close(h);
}

Test(notify, needs_a_channel_and_a_class)
{
    static const char *const silent[] = { "", "K", "E", "KE", "g$", "Kl", "Eg" };
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
        struct harness_client *c;
        struct harness *h = open_notified(silent[i], &c);
        harness_run(h, "SET k 1");
        cr_expect(eq(str, (char *)told(c), (char *)""), "%s", silent[i]);
        harness_client_close(c);
        harness_close(h);
    }
}

Test(notify, tells_of_expiry_misses_and_new_keys)
{
    struct harness_client *c;
    struct harness *h = open_notified("Exmn", &c);
    harness_run(h, "SET k 1 PX 5");
    cr_expect(eq(str, (char *)told(c), (char *)"keyevent@0:new=k "));
    harness_set_time(h, h->now_ms + 6);
    harness_run(h, "GET k");
    cr_expect(eq(str, (char *)told(c), (char *)"keyevent@0:expired=k keyevent@0:keymiss=k "));
    harness_client_close(c);
    harness_close(h);
}

Test(notify, names_the_database)
{
    struct harness_client *c;
    struct harness *h = open_notified("KEg", &c);
    harness_run(h, "SET k 1");
    harness_run(h, "MOVE k 3");
    cr_expect(eq(str, (char *)told(c),
                 (char *)"keyspace@0:k=move_from keyevent@0:move_from=k keyspace@3:k=move_to "
                         "keyevent@3:move_to=k "));
    harness_client_close(c);
    harness_close(h);
}

Test(notify, ends_when_it_is_switched_off)
{
    struct harness_client *c;
    struct harness *h = open_notified("KEA", &c);
    free(h->settings.notify_keyspace_events);
    h->settings.notify_keyspace_events = strdup("");
    server_settings_changed(&h->server);
    harness_run(h, "SET k 1");
    cr_expect(eq(str, (char *)told(c), (char *)""));
    cr_expect(h->server.on_changed == NULL);
    harness_client_close(c);
    harness_close(h);
}

Test(pubsub, helps_with_every_subcommand)
{
    static const char *const names[] = { "CHANNELS", "NUMPAT", "NUMSUB", "SHARDCHANNELS",
                                         "SHARDNUMSUB" };
    struct harness *h = harness_open();
    harness_run(h, "PUBSUB HELP");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_expect(strstr(h->wire, names[i]) != NULL, "%s", names[i]);
    harness_close(h);
}
