#include "tests/unit/cmd/admin.h"

static struct harness *h;
static struct admin admin;
static struct client other;
static struct stream other_stream;
static const struct net_addr ours = { { [10] = 0xff, 0xff, 127, 0, 0, 1 }, 6379 };
static const struct net_addr peer = { { [10] = 0xff, 0xff, 127, 0, 0, 1 }, 50001 };
static const struct net_addr peer2 = { { [10] = 0xff, 0xff, 10, 0, 0, 9 }, 50002 };

static void open_harness(void)
{
    h = admin_open(&admin);
    h->stream.kind = other_stream.kind = STREAM_SOCK_TCP;
    h->stream.local = other_stream.local = ours;
    h->stream.remote = peer;
    h->stream.fd = 8;
    other_stream.remote = peer2;
    outq_init(&other_stream.out, &h->source.source);
    other_stream.ops = &harness_stream_ops;
    other = (struct client){ .stream = &other_stream, .last_command_id = UINT16_MAX };
    other.reply.version = 3;
    client_table_add(&h->server.clients, &other);
    h->client.created_ms = h->client.last_command_ms = other.created_ms = other.last_command_ms =
        HARNESS_START_MS;
}
static void close_harness(void) { admin_close(h); }
TestSuite(cmd_client, .init = open_harness, .fini = close_harness);

Test(cmd_client, names_connections_and_libraries)
{
    EXPECT_REPLY(h, "client getname", "$-1\r\n");
    EXPECT_REPLY(h, "client setname bob", "+OK\r\n");
    EXPECT_REPLY(h, "client getname", "$3\r\nbob\r\n");
    EXPECT_REPLY(h, "client setname \"\"", "+OK\r\n");
    EXPECT_REPLY(h, "client getname", "$-1\r\n");
    EXPECT_REPLY(h, "client setinfo LIB-NAME lib", "+OK\r\n");
    EXPECT_REPLY(h, "client setinfo lib-ver 1.2", "+OK\r\n");
    EXPECT_REPLY(h, "client setinfo foo x", "-ERR Unrecognized option 'foo'\r\n");
    cr_expect(eq(str, h->client.lib_name, (char *)"lib"));
    cr_expect(eq(str, h->client.lib_version, (char *)"1.2"));
}

Test(cmd_client, allows_printable_names_without_spaces)
{
    for (int c = 0; c < 256; c++) {
        char command[64];
        bool fine = c >= '!' && c <= '~';
        snprintf(command, sizeof command, "client setname \"a\\x%02x\"", c);
        harness_run(h, command);
        cr_expect(eq(int, h->wire[0] == '+', fine), "%d", c);
    }
    EXPECT_REPLY(h, "client setname \"a b\"",
                 "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
    EXPECT_REPLY(h, "client setinfo lib-name \"a b\"",
                 "-ERR lib-name cannot contain spaces, newlines or special characters.\r\n");
}

// Fields and their order: Redis 7.2.
Test(cmd_client, shows_a_client_in_one_line)
{
    harness_run(h, "client setname bob");
    harness_run(h, "select 3");
    h->now_ms += 61500;
    const char *line = harness_run(h, "client info");
    char head[256], tail[256];
    snprintf(
        head, sizeof head,
        "id=1 addr=127.0.0.1:50001 laddr=127.0.0.1:6379 fd=8 name=bob age=61 idle=0 flags=N db=3 "
        "sub=0 psub=0 ssub=0 multi=-1 qbuf=0 qbuf-free=0 argv-mem=");
    snprintf(tail, sizeof tail,
             " events=r cmd=client|info user=default redir=-1 resp=2 lib-name= lib-ver=\n\r\n");
    cr_expect(eq(int, strncmp(strchr(line, '\n') + 1, head, strlen(head)), 0), "%s", line);
    cr_expect(eq(str, (char *)line + strlen(line) - strlen(tail), tail));
    cr_expect(strstr(line, " multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=") != NULL, "%s",
              line);
}

Test(cmd_client, lists_all_some_or_a_type)
{
    harness_run(h, "client list");
    cr_expect(strstr(h->wire, "id=1 ") && strstr(h->wire, "id=2 addr=10.0.0.9:50002 "));
    cr_expect(strstr(h->wire, "cmd=NULL") != NULL);
    harness_run(h, "client list id 2 99");
    cr_expect(eq(int, !strstr(h->wire, "id=1 ") && strstr(h->wire, "id=2 "), 1));
    EXPECT_REPLY(h, "client list id 99", "$0\r\n\r\n");
    EXPECT_REPLY(h, "client list id 1 x", "-ERR Invalid client ID\r\n");
    EXPECT_REPLY(h, "client list id", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "client list foo bar", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "client list type pubsub", "$0\r\n\r\n");
    EXPECT_REPLY(h, "client list type foo", "-ERR Unknown client type 'foo'\r\n");
    harness_run(h, "client list type NORMAL");
    cr_expect(strstr(h->wire, "id=2 ") != NULL);
}

Test(cmd_client, shows_flags_by_letters)
{
    EXPECT_REPLY(h, "client no-evict on", "+OK\r\n");
    EXPECT_REPLY(h, "client no-touch on", "+OK\r\n");
    cr_expect(strstr(harness_run(h, "client info"), " flags=eT ") != NULL);
    EXPECT_REPLY(h, "client no-evict off", "+OK\r\n");
    cr_expect(strstr(harness_run(h, "client info"), " flags=T ") != NULL);
    EXPECT_REPLY(h, "client no-touch maybe", "-ERR syntax error\r\n");
    h->client.flags |= CLIENT_UNIX_SOCKET;
    cr_expect(strstr(harness_run(h, "client info"), " flags=UT ") != NULL);
}

Test(cmd_client, kills_by_address_in_the_old_form)
{
    EXPECT_REPLY(h, "client kill 10.0.0.9:1", "-ERR No such client\r\n");
    EXPECT_REPLY(h, "client kill 10.0.0.9:50002", "+OK\r\n");
    cr_expect(eq(u32, admin.killed_count, 1));
    cr_expect(eq(u64, admin.killed[0], 2));
    EXPECT_REPLY(h, "client kill 10.0.0.9:50002", "-ERR No such client\r\n"); // it is gone already
    EXPECT_REPLY(h, "client list id 2", "$0\r\n\r\n");
    EXPECT_REPLY(h, "client kill 127.0.0.1:50001", "+OK\r\n"); // oneself
    cr_expect(eq(u32, h->client.flags, CLIENT_CLOSE_AFTER_REPLY));
    cr_expect(eq(u32, admin.killed_count, 1));
}

Test(cmd_client, kills_what_all_filters_match)
{
    EXPECT_REPLY(h, "client kill id 2 addr 1.1.1.1:1", ":0\r\n");
    EXPECT_REPLY(h, "client kill type master", ":0\r\n");
    EXPECT_REPLY(h, "client kill maxage 10", ":0\r\n");
    h->now_ms += 10000;
    other.created_ms += 1;
    EXPECT_REPLY(h, "client kill maxage 10", ":0\r\n"); // oneself is spared, the other is younger
    other.created_ms -= 1;
    EXPECT_REPLY(h, "client kill maxage 10 user default type normal laddr 127.0.0.1:6379",
                 ":1\r\n");
    cr_expect(eq(u64, admin.killed[0], 2));
    cr_expect(eq(u32, h->client.flags, 0));
    EXPECT_REPLY(h, "client kill skipme no id 1", ":1\r\n");
    cr_expect(eq(u32, h->client.flags, CLIENT_CLOSE_AFTER_REPLY));
}

Test(cmd_client, refuses_filters_it_does_not_know)
{
    EXPECT_REPLY(h, "client kill id", "-ERR No such client\r\n"); // an address, in the old form
    EXPECT_REPLY(h, "client kill id 0", "-ERR client-id should be greater than 0\r\n");
    EXPECT_REPLY(h, "client kill id x", "-ERR client-id should be greater than 0\r\n");
    EXPECT_REPLY(h, "client kill id 1 addr", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "client kill foo 1", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "client kill skipme maybe", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "client kill type foo", "-ERR Unknown client type 'foo'\r\n");
    EXPECT_REPLY(h, "client kill user bob", "-ERR No such user 'bob'\r\n");
    EXPECT_REPLY(h, "client kill maxage x", "-ERR maxage is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "client kill maxage 0", "-ERR maxage should be greater than 0\r\n");
    cr_expect(eq(u32, admin.killed_count, 0));
}

Test(cmd_client, is_silent_when_asked_to_be)
{
    EXPECT_REPLY(h, "client reply off", "");
    EXPECT_REPLY(h, "ping", "");
    EXPECT_REPLY(h, "client reply skip", "");
    EXPECT_REPLY(h, "client reply maybe", "");
    EXPECT_REPLY(h, "client reply on", "+OK\r\n");
    EXPECT_REPLY(h, "client reply skip", "");
    EXPECT_REPLY(h, "ping", "");
    EXPECT_REPLY(h, "ping", "+PONG\r\n");
    EXPECT_REPLY(h, "client reply maybe", "-ERR syntax error\r\n");
}

Test(cmd_client, refuses_what_it_does_not_know)
{
    EXPECT_REPLY(h, "client foo", "-ERR unknown subcommand 'foo'. Try CLIENT HELP.\r\n");
    EXPECT_REPLY(h, "client", "-ERR wrong number of arguments for 'client' command\r\n");
    EXPECT_REPLY(h, "client id", ":1\r\n");
    EXPECT_REPLY(h, "client unblock 1 error x",
                 "-ERR unknown subcommand or wrong number of arguments for 'unblock'. Try CLIENT "
                 "HELP.\r\n");
    EXPECT_REPLY(h, "client unblock 1 x",
                 "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n");
    EXPECT_REPLY(h, "client unblock 1", ":0\r\n");
}

// Every subcommand that has a row is in the help.
Test(cmd_client, helps_with_every_subcommand)
{
    const struct command *container = command_find(bytes_text("client"));
    char wanted[64];
    harness_run(h, "client help");
    cr_expect(strstr(h->wire, "+CLIENT <subcommand>") != NULL);
    for (uint16_t i = 0; i < container->subcommand_count; i++) {
        uint32_t size =
            (uint32_t)snprintf(wanted, sizeof wanted, "\r\n+%s", container->subcommands[i].name);
        for (uint32_t j = 0; j < size; j++)
            if (wanted[j] >= 'a' && wanted[j] <= 'z') wanted[j] = (char)(wanted[j] - 32);
        cr_expect(strstr(h->wire, wanted) != NULL, "%s", container->subcommands[i].name);
    }
}

static bool lists(unsigned id)
{
    char text[32];
    snprintf(text, sizeof text, "id=%u addr=", id);
    return strstr(h->wire, text) != NULL;
}

// The letters' order is Redis's: O S M P x b t R B d c u A U r e T.
Test(cmd_client, shows_what_a_client_is_engaged_in)
{
    EXPECT_REPLY(h, "hello 3 setname x", h->wire);
    harness_run(h, "client tracking on redirect 2");
    harness_run(h, "subscribe a b");
    harness_run(h, "psubscribe p");
    harness_run(h, "ssubscribe s");
    harness_run(h, "watch k");
    harness_run(h, "multi");
    harness_run(h, "ping");
    harness_run(h, "get k");
    struct text t;
    text_open(&t, h->server.heap);
    client_add_line(&t, &h->server, &h->client);
    cr_expect(strstr(t.data, " flags=Pxt db=0 sub=2 psub=1 ssub=1 multi=2 ") != NULL, "%s", t.data);
    cr_expect(strstr(t.data, " redir=2 resp=3 ") != NULL, "%s", t.data);
    cr_expect(strstr(t.data, " multi-mem=0 ") == NULL, "%s", t.data);
    text_close(&t);
    EXPECT_REPLY(h, "discard", "+OK\r\n");
    harness_run(h, "client list type pubsub");
    cr_expect(lists(1), "%s", h->wire);
    cr_expect(not(lists(2)), "%s", h->wire);
    harness_run(h, "client list type normal");
    cr_expect(lists(2), "%s", h->wire);
    cr_expect(not(lists(1)), "%s", h->wire);
    EXPECT_REPLY(h, "client kill type pubsub skipme no", ":1\r\n");
}

// Of many clients in slices, during which some go and some come.
Test(cmd_client, lists_many_clients_in_slices)
{
    enum { MANY = 600 };
    struct client *many = calloc(MANY, sizeof *many);
    for (uint32_t i = 0; i < MANY; i++) {
        many[i] = (struct client){ .stream = &other_stream, .last_command_id = UINT16_MAX };
        client_table_add(&h->server.clients, &many[i]);
    }
    harness_run(h, "client list");
    cr_expect(gt(u32, h->slices, 10));
    uint32_t lines = 0;
    for (const char *at = h->wire; (at = strstr(at, "id=")) != NULL; at += 3)
        lines += at[-1] == '\n';
    cr_expect(eq(u32, lines, MANY + 2));
    for (uint32_t i = 0; i < MANY; i++) client_table_remove(&h->server.clients, &many[i]);
    free(many);
}
