#include "tests/unit/cmd/admin.h"

static struct harness *h;
static struct admin admin;
static void open_harness(void) { h = admin_open(&admin); }
static void close_harness(void) { admin_close(h); }
TestSuite(cmd_connection, .init = open_harness, .fini = close_harness);

static void set_password(const char *password)
{
    free(h->settings.requirepass);
    h->settings.requirepass = strdup(password);
    server_settings_changed(&h->server);
    h->client.authenticated = password[0] == 0;
}

#define WRONG_PASS "-WRONGPASS invalid username-password pair or user is disabled.\r\n"

Test(cmd_connection, says_hello_in_both_versions)
{
    EXPECT_REPLY(h, "hello",
                 "*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n"
                 "$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"
                 "$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n");
    harness_run(h, "hello 3");
    cr_expect(eq(int, strncmp(h->wire, "%7\r\n", 4), 0));
    EXPECT_REPLY(h, "get nokey", "_\r\n");
    harness_run(h, "hello"); // keeps the version
    cr_expect(eq(int, strncmp(h->wire, "%7\r\n", 4), 0));
    harness_run(h, "hello 2");
    EXPECT_REPLY(h, "get nokey", "$-1\r\n");
}

Test(cmd_connection, refuses_other_versions_and_leaves_the_one_it_speaks)
{
    EXPECT_REPLY(h, "hello 1", "-NOPROTO unsupported protocol version\r\n");
    EXPECT_REPLY(h, "hello 4", "-NOPROTO unsupported protocol version\r\n");
    EXPECT_REPLY(h, "hello x", "-ERR Protocol version is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "hello 3 foo", "-ERR Syntax error in HELLO option 'foo'\r\n");
    EXPECT_REPLY(h, "hello 3 auth a", "-ERR Syntax error in HELLO option 'auth'\r\n");
    EXPECT_REPLY(h, "hello 3 setname", "-ERR Syntax error in HELLO option 'setname'\r\n");
    EXPECT_REPLY(h, "get nokey", "$-1\r\n");
}

Test(cmd_connection, does_all_of_a_hello_or_nothing)
{
    set_password("secret");
    harness_run(h, "hello 3 setname bob auth default wrong");
    cr_expect(eq(str, h->wire, (char *)WRONG_PASS));
    cr_expect(eq(int, !h->client.authenticated && !h->client.name, 1));
    cr_expect(eq(u8, h->client.reply.version, 2));
    harness_run(h, "hello 3 setname \"a b\" auth default secret");
    cr_expect(eq(int, !h->client.authenticated && !h->client.name, 1));
    harness_run(h, "hello 3 setname bob auth default secret");
    cr_expect(h->client.authenticated);
    cr_expect(eq(str, h->client.name, (char *)"bob"));
    cr_expect(eq(u8, h->client.reply.version, 3));
}

Test(cmd_connection, wants_a_password_before_hello)
{
    set_password("secret");
    EXPECT_REPLY(
        h, "hello 3",
        "-NOAUTH HELLO must be called with the client already authenticated, otherwise the "
        "HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and "
        "select the RESP protocol version at the same time\r\n");
}

Test(cmd_connection, authenticates_by_password_and_by_user)
{
    set_password("secret");
    EXPECT_REPLY(h, "ping", "-NOAUTH Authentication required.\r\n");
    EXPECT_REPLY(h, "auth a b c", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "auth other secret", WRONG_PASS);
    EXPECT_REPLY(h, "auth default wrong", WRONG_PASS);
    cr_expect(eq(int, !h->client.authenticated, 1));
    EXPECT_REPLY(h, "auth default secret", "+OK\r\n");
    cr_expect(h->client.authenticated);
    cr_expect(eq(u64, h->tally.acl_denied_auth, 2));
    EXPECT_REPLY(h, "auth wrong", WRONG_PASS);
    EXPECT_REPLY(h, "ping", "+PONG\r\n"); // a failure later takes nothing away
    EXPECT_REPLY(h, "auth secret", "+OK\r\n");
}

Test(cmd_connection, takes_no_part_of_a_password_for_the_whole)
{
    static const char *const wrong[] = { "\"\"",   "s",       "secre",        "secretx",
                                         "Secret", "xsecret", "secretsecret", "\"secret\\x00\"" };
    set_password("secret");
    for (uint32_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char command[64];
        snprintf(command, sizeof command, "auth %s", wrong[i]);
        EXPECT_REPLY(h, command, WRONG_PASS);
    }
    cr_expect(eq(int, !h->client.authenticated, 1));
}

Test(cmd_connection, knows_the_default_user_without_a_password)
{
    EXPECT_REPLY(
        h, "auth x",
        "-ERR AUTH <password> called without any password configured for the default user. "
        "Are you sure your configuration is correct?\r\n");
    EXPECT_REPLY(h, "auth default anything", "+OK\r\n");
    EXPECT_REPLY(h, "auth other anything", WRONG_PASS);
}

Test(cmd_connection, resets_the_connection)
{
    harness_run(h, "hello 3 setname bob");
    harness_run(h, "select 3");
    harness_run(h, "client no-evict on");
    harness_run(h, "client no-touch on");
    harness_run(h, "client setinfo lib-name lib");
    EXPECT_REPLY(h, "reset", "+RESET\r\n");
    cr_expect(eq(u32, h->client.db, 0));
    cr_expect(eq(u8, h->client.reply.version, 2));
    cr_expect(eq(ptr, h->client.name, NULL));
    cr_expect(eq(str, h->client.lib_name, (char *)"lib"));
    cr_expect(eq(u32, h->client.flags, 0));
    harness_run(h, "client reply off");
    EXPECT_REPLY(h, "ping", "");
    EXPECT_REPLY(h, "reset", "+RESET\r\n");
    EXPECT_REPLY(h, "ping", "+PONG\r\n");
    set_password("secret");
    h->client.authenticated = true;
    EXPECT_REPLY(h, "reset", "+RESET\r\n");
    cr_expect(eq(int, !h->client.authenticated, 1));
}

Test(cmd_connection, quits_after_its_reply)
{
    EXPECT_REPLY(h, "quit now", "+OK\r\n");
    cr_expect(eq(u32, h->client.flags, CLIENT_CLOSE_AFTER_REPLY));
}
