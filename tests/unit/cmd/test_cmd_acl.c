#include "dataplane/cmd/acl_call.h"
#include "dataplane/cmd/acl_change.h"
#include "tests/unit/cmd/admin.h"

static struct harness *h;
static struct admin admin;
static void open_harness(void) { h = admin_open(&admin); }
static void close_harness(void) { admin_close(h); }
TestSuite(cmd_acl, .init = open_harness, .fini = close_harness);

#define OK_REPLY "+OK\r\n"
#define NO_KEY "-NOPERM No permissions to access a key\r\n"
#define NO_CHANNEL "-NOPERM No permissions to access a channel\r\n"
#define DENIED(user, command)                                                                      \
    "-NOPERM User " user " has no permissions to run the '" command "' command\r\n"
#define WRONG_PASS "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
#define EXPECT(condition, ...) cr_expect(eq(int, !!(condition), 1), "%s", #condition)

// What arrives at the client that asks; every other one is an administrator.
static const char *as(struct harness_client *c, const char *command)
{
    return harness_client_run(c, command);
}
#define EXPECT_AS(c, command, expected)                                                            \
    cr_expect(eq(str, (char *)as((c), (command)), (char *)(expected)), "%s", (command))

static struct harness_client *log_in(const char *rules)
{
    char line[512];
    struct harness_client *c = harness_client_open(h);
    snprintf(line, sizeof line, "acl setuser u reset on nopass %s", rules);
    EXPECT_REPLY(h, line, OK_REPLY);
    EXPECT_AS(c, "auth u x", OK_REPLY);
    return c;
}

// ---- users

Test(cmd_acl, makes_shows_and_removes_users)
{
    EXPECT_REPLY(h, "acl whoami", "$7\r\ndefault\r\n");
    EXPECT_REPLY(h, "acl setuser bob on >p ~a* %R~b +@read -get &c (+set ~z)", OK_REPLY);
    EXPECT_REPLY(h, "acl users", "*2\r\n$3\r\nbob\r\n$7\r\ndefault\r\n");
    EXPECT_REPLY(
        h, "acl getuser bob",
        "*12\r\n$5\r\nflags\r\n*2\r\n$2\r\non\r\n$16\r\nsanitize-payload\r\n$9\r\npasswords\r\n"
        "*1\r\n$64\r\n148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940\r\n"
        "$8\r\ncommands\r\n$17\r\n-@all +@read -get\r\n$4\r\nkeys\r\n$8\r\n~a* %R~b\r\n"
        "$8\r\nchannels\r\n$2\r\n&c\r\n$9\r\nselectors\r\n*1\r\n*6\r\n$8\r\ncommands\r\n"
        "$10\r\n-@all +set\r\n$4\r\nkeys\r\n$2\r\n~z\r\n$8\r\nchannels\r\n$0\r\n\r\n");
    EXPECT_REPLY(h, "acl getuser nobody", "$-1\r\n");
    EXPECT_REPLY(h, "acl deluser bob nobody bob", ":1\r\n");
    EXPECT_REPLY(h, "acl list",
                 "*1\r\n$51\r\nuser default on nopass sanitize-payload ~* &* +@all\r\n");
    EXPECT_REPLY(h, "acl deluser x default", "-ERR The 'default' user cannot be removed\r\n");
    h->client.reply.version = 3;
    harness_run(h, "acl getuser default");
    cr_expect(eq(int, strncmp(h->wire, "%6\r\n$5\r\nflags\r\n~3\r\n$2\r\non\r\n", 27), 0));
}

Test(cmd_acl, changes_a_user_as_a_whole_or_not_at_all)
{
    EXPECT_REPLY(h, "acl setuser bob +get foo",
                 "-ERR Error in ACL SETUSER modifier 'foo': Syntax error\r\n");
    EXPECT_REPLY(h, "acl getuser bob", "$-1\r\n");
    EXPECT_REPLY(h, "acl setuser bob +get", OK_REPLY);
    EXPECT_REPLY(h, "acl setuser bob +set (~a",
                 "-ERR Unmatched parenthesis in acl selector starting at '(~a'.\r\n");
    EXPECT_REPLY(h, "acl setuser bob +set '(~a' '+x)'",
                 "-ERR Error in ACL SETUSER modifier '(~a +x)': Unknown command or category name "
                 "in ACL\r\n");
    harness_run(h, "acl getuser bob");
    cr_expect(strstr(h->wire, "\r\n-@all +get\r\n") != NULL);
    EXPECT_REPLY(h, "acl setuser 'a b'",
                 "-ERR Usernames can't contain spaces or null characters\r\n");
    EXPECT_REPLY(h, "acl setuser \"a\\x00b\"",
                 "-ERR Usernames can't contain spaces or null characters\r\n");
}

Test(cmd_acl, gives_new_users_channels_as_configured)
{
    EXPECT_REPLY(h, "config set acl-pubsub-default allchannels", OK_REPLY);
    EXPECT_REPLY(h, "acl setuser a", OK_REPLY);
    EXPECT_REPLY(h, "config set acl-pubsub-default resetchannels", OK_REPLY);
    EXPECT_REPLY(h, "acl setuser b", OK_REPLY);
    harness_run(h, "acl list");
    cr_expect(strstr(h->wire, "user a off sanitize-payload &* -@all\r\n") != NULL);
    cr_expect(strstr(h->wire, "user b off sanitize-payload resetchannels -@all\r\n") != NULL);
}

Test(cmd_acl, names_categories_and_their_commands)
{
    cr_expect(
        eq(int, strncmp(harness_run(h, "acl cat"), "*21\r\n$8\r\nkeyspace\r\n$4\r\nread", 26), 0));
    EXPECT_REPLY(
        h, "acl cat transaction",
        "*5\r\n$5\r\nmulti\r\n$4\r\nexec\r\n$7\r\ndiscard\r\n$5\r\nwatch\r\n$7\r\nunwatch\r\n");
    cr_expect(strstr(harness_run(h, "acl cat DANGEROUS"), "\r\nconfig|set\r\n") != NULL);
    EXPECT_REPLY(h, "acl cat nosuch", "-ERR Unknown category 'nosuch'\r\n");
    EXPECT_REPLY(
        h, "acl cat a b",
        "-ERR unknown subcommand or wrong number of arguments for 'cat'. Try ACL HELP.\r\n");
}

Test(cmd_acl, makes_up_passwords_of_any_length)
{
    char first[128];
    snprintf(first, sizeof first, "%s", harness_run(h, "acl genpass"));
    cr_expect(eq(int, strncmp(first, "$64\r\n", 5), 0));
    cr_expect(ne(str, (char *)harness_run(h, "acl genpass"), first));
    cr_expect(eq(int, strncmp(harness_run(h, "acl genpass 1"), "$1\r\n", 4), 0));
    cr_expect(eq(int, strncmp(harness_run(h, "acl genpass 5"), "$2\r\n", 4), 0));
    cr_expect(eq(int, strncmp(harness_run(h, "acl genpass 4096"), "$1024\r\n", 7), 0));
    static const char *const wrong[] = { "0", "-1", "4097" };
    for (uint32_t i = 0; i < 3; i++) {
        char line[32];
        snprintf(line, sizeof line, "acl genpass %s", wrong[i]);
        EXPECT_REPLY(h, line,
                     "-ERR ACL GENPASS argument must be the number of bits for the output "
                     "password, a positive number up to 4096\r\n");
    }
    EXPECT_REPLY(h, "acl genpass x", "-ERR value is not an integer or out of range\r\n");
}

// ---- who a client is

Test(cmd_acl, logs_in_by_name_and_says_who_one_is)
{
    struct harness_client *c = harness_client_open(h);
    EXPECT_REPLY(h, "acl setuser bob >p +acl|whoami", OK_REPLY);
    EXPECT_AS(c, "auth bob p", WRONG_PASS); // off
    EXPECT_REPLY(h, "acl setuser bob on", OK_REPLY);
    EXPECT_AS(c, "auth bob q", WRONG_PASS);
    EXPECT_AS(c, "auth nobody p", WRONG_PASS);
    EXPECT_AS(c, "auth bob p", OK_REPLY);
    EXPECT_AS(c, "acl whoami", "$3\r\nbob\r\n");
    EXPECT_AS(c, "ping", DENIED("bob", "ping"));
    EXPECT_AS(c, "reset", "+RESET\r\n");
    EXPECT_AS(c, "ping", "+PONG\r\n");
    cr_expect(strstr(as(c, "hello 3 auth bob p"), "$5\r\nproto\r\n:3\r\n") != NULL);
    EXPECT_AS(c, "acl whoami", "$3\r\nbob\r\n");
    harness_client_close(c);
}

Test(cmd_acl, asks_for_a_login_as_the_default_user_is_now)
{
    struct harness_client *c = harness_client_open(h);
    acl_greet(&h->server, &c->client);
    EXPECT_REPLY(h, "acl setuser default resetpass >p", OK_REPLY);
    EXPECT_AS(c, "ping", "+PONG\r\n"); // who is in stays in
    acl_greet(&h->server, &c->client);
    EXPECT_AS(c, "ping", "-NOAUTH Authentication required.\r\n");
    EXPECT_REPLY(h, "acl setuser default nopass", OK_REPLY);
    EXPECT_AS(c, "ping", "+PONG\r\n"); // and nobody is asked any more
    EXPECT_REPLY(h, "acl setuser default off", OK_REPLY);
    EXPECT_AS(c, "ping", "-NOAUTH Authentication required.\r\n");
    EXPECT_AS(c, "auth x",
              "-ERR AUTH <password> called without any password configured for the default user. "
              "Are you sure your configuration is correct?\r\n");
    EXPECT_AS(c, "auth default x", WRONG_PASS);
    harness_client_close(c);
}

Test(cmd_acl, requirepass_is_the_default_users_password)
{
    EXPECT_REPLY(h, "config set requirepass secret", OK_REPLY);
    EXPECT(acl_requires_login(&h->server));
    EXPECT_REPLY(h, "auth secret", OK_REPLY);
    EXPECT_REPLY(h, "acl setuser default >other", OK_REPLY);
    EXPECT_REPLY(h, "config set maxmemory 0", OK_REPLY); // another setting leaves it alone
    EXPECT_REPLY(h, "auth other", OK_REPLY);
    EXPECT_REPLY(h, "config get requirepass", "*2\r\n$11\r\nrequirepass\r\n$6\r\nsecret\r\n");
    EXPECT_REPLY(h, "config set requirepass ''", OK_REPLY);
    EXPECT(!acl_requires_login(&h->server));
}

Test(cmd_acl, shows_and_kills_clients_by_user)
{
    struct harness_client *c = log_in("+@all");
    c->stream.kind = STREAM_SOCK_UNIX;
    harness_run(h, "client list");
    cr_expect(strstr(h->wire, " user=u ") != NULL);
    cr_expect(strstr(h->wire, " user=default ") != NULL);
    EXPECT_REPLY(h, "client kill user nobody", "-ERR No such user 'nobody'\r\n");
    EXPECT_REPLY(h, "client kill user u", ":1\r\n");
    cr_expect(eq(u64, admin.killed[0], c->client.id));
    harness_client_close(c);
}

// ---- what it may do

Test(cmd_acl, denies_commands_keys_and_channels)
{
    struct harness_client *c = log_in("+set +mget +config|get +publish +psubscribe ~a* &c*");
    EXPECT_AS(c, "set a1 v", OK_REPLY);
    EXPECT_AS(c, "set b v", NO_KEY);
    EXPECT_AS(c, "mget a1 b", NO_KEY);
    EXPECT_AS(c, "get a1", DENIED("u", "get"));
    EXPECT_AS(c, "config set maxmemory 0", DENIED("u", "config|set"));
    EXPECT_AS(c, "config nosuch", "-ERR unknown subcommand 'nosuch'. Try CONFIG HELP.\r\n");
    EXPECT_AS(c, "get", "-ERR wrong number of arguments for 'get' command\r\n");
    EXPECT_AS(c, "publish c1 m", ":0\r\n");
    EXPECT_AS(c, "publish d m", NO_CHANNEL);
    EXPECT_AS(c, "psubscribe c1", NO_CHANNEL);
    EXPECT_REPLY(h, "acl setuser u -set", OK_REPLY); // at once
    EXPECT_AS(c, "set a1 v", DENIED("u", "set"));
    cr_expect(eq(u64, h->tally.acl_denied_key, 2));
    cr_expect(eq(u64, h->tally.acl_denied_command, 3));
    cr_expect(eq(u64, h->tally.acl_denied_channel, 2));
    harness_run(h, "info stats");
    cr_expect(strstr(h->wire, "acl_access_denied_cmd:3\r\nacl_access_denied_key:2\r\n"
                              "acl_access_denied_channel:2\r\n") != NULL);
    harness_client_close(c);
}

Test(cmd_acl, needs_all_of_a_call_within_one_selector)
{
    struct harness_client *c = log_in("+get ~g (+set ~s) (+mget %R~*)");
    EXPECT_AS(c, "get g", "$-1\r\n");
    EXPECT_AS(c, "set s 1", OK_REPLY);
    EXPECT_AS(c, "set g 1", NO_KEY);
    EXPECT_AS(c, "get s", NO_KEY);
    EXPECT_AS(c, "mget g s", "*2\r\n$-1\r\n$1\r\n1\r\n");
    EXPECT_AS(c, "del s", DENIED("u", "del"));
    harness_client_close(c);
}

Test(cmd_acl, tells_reading_from_writing)
{
    struct harness_client *c = log_in("+@all %R~r %W~w ~b");
    EXPECT_AS(c, "set w 1", OK_REPLY);
    EXPECT_AS(c, "set w 1 get", NO_KEY);
    EXPECT_AS(c, "set r 1", NO_KEY);
    EXPECT_AS(c, "get r", "$-1\r\n");
    EXPECT_AS(c, "get w", NO_KEY);
    EXPECT_AS(c, "exists r w", ":1\r\n"); // any right will do
    EXPECT_AS(c, "exists x", NO_KEY);
    EXPECT_AS(c, "copy b w", ":0\r\n");
    EXPECT_AS(c, "copy w b", NO_KEY);
    EXPECT_AS(c, "bitfield r get u8 0", "*1\r\n:0\r\n");
    EXPECT_AS(c, "bitfield r set u8 0 1", NO_KEY);
    EXPECT_AS(c, "sort r store w", ":0\r\n");
    EXPECT_AS(c, "sort r store r", NO_KEY);
    EXPECT_AS(c, "sort r by x* store w",
              "-ERR BY option of SORT denied due to insufficient ACL permissions.\r\n");
    EXPECT_AS(c, "sort r by nosort", "*0\r\n");
    EXPECT_AS(c, "sort_ro r get #",
              "-ERR GET option of SORT denied due to insufficient ACL permissions.\r\n");
    EXPECT_REPLY(h, "acl setuser u %R~*", OK_REPLY);
    EXPECT_AS(c, "sort r by x* get y*", "*0\r\n");
    harness_client_close(c);
}

// Where 7.0 looks at another argument than the command does.
Test(cmd_acl, finds_keys_where_the_command_does)
{
    struct harness_client *c = log_in("+@all ~a ~STREAMS ~STORE ~STOREDIST");
    EXPECT_AS(c, "xreadgroup count 1 group STREAMS a STREAMS secret >", NO_KEY);
    EXPECT_AS(c, "xread block 0 streams a secret 0 0", NO_KEY);
    EXPECT_AS(c, "georadius a 0 0 1 m store a store secret", NO_KEY);
    EXPECT_AS(c, "georadius a 0 0 1 m store STOREDIST storedist secret", NO_KEY);
    EXPECT_AS(c, "georadius a 0 0 1 m store STORE store secret", NO_KEY);
    EXPECT_AS(c, "georadiusbymember a m 1 m storedist secret", NO_KEY);
    EXPECT_AS(c, "sort a store a store secret", NO_KEY);
    EXPECT_AS(c, "eval 'return 1' 1 secret", NO_KEY);
    EXPECT_AS(c, "zunionstore a 2 a secret", NO_KEY);
    harness_client_close(c);
}

Test(cmd_acl, everybody_may_say_who_he_is_and_leave)
{
    struct harness_client *c = log_in("");
    EXPECT_AS(c, "ping", DENIED("u", "ping"));
    EXPECT_AS(c, "auth u x", OK_REPLY);
    cr_expect(ne(int, strncmp(as(c, "hello 2"), "*14", 3), 1));
    EXPECT_AS(c, "multi", DENIED("u", "multi"));
    EXPECT_AS(c, "exec",
              "-EXECABORT Transaction discarded because of: NOPERM User u has no permissions to "
              "run the 'exec' command\r\n");
    EXPECT_AS(c, "quit", OK_REPLY);
    harness_client_close(c);
}

Test(cmd_acl, checks_a_transaction_when_queued_and_when_run)
{
    struct harness_client *c = log_in("+@all -get ~a &c");
    EXPECT_AS(c, "multi", OK_REPLY);
    EXPECT_AS(c, "get a", DENIED("u", "get"));
    EXPECT_AS(c, "exec", "-EXECABORT Transaction discarded because of previous errors.\r\n");
    EXPECT_AS(c, "multi", OK_REPLY);
    EXPECT_AS(c, "set a 1", "+QUEUED\r\n");
    EXPECT_AS(c, "incr a", "+QUEUED\r\n");
    EXPECT_AS(c, "publish c m", "+QUEUED\r\n");
    EXPECT_AS(c, "ping", "+QUEUED\r\n");
    EXPECT_REPLY(h, "acl setuser u -incr resetkeys resetchannels", OK_REPLY);
#define CHANGED                                                                                    \
    "-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC "  \
    "call. This command is no longer allowed for the following reason: "
    EXPECT_AS(c, "exec",
              "*4\r\n" CHANGED "no permission to touch the specified keys\r\n" CHANGED
              "no permission to execute the command or subcommand\r\n" CHANGED
              "no permission to access one of the channels used as arguments to the command\r\n"
              "+PONG\r\n");
    harness_run(h, "acl log 1");
    cr_expect(strstr(h->wire, "$7\r\ncontext\r\n$5\r\nmulti\r\n$6\r\nobject\r\n$1\r\nc\r\n") !=
              NULL);
    harness_client_close(c);
}

Test(cmd_acl, lets_a_script_do_no_more_than_its_caller)
{
    struct harness_client *c = log_in("+@all -get ~a");
    cr_expect(
        strstr(as(c, "eval \"return redis.call('get','a')\" 0"),
               "ERR ACL failure in script: User u has no permissions to run the 'get' command") !=
        NULL);
    cr_expect(strstr(as(c, "eval \"return redis.call('set','b','1')\" 0"),
                     "ERR ACL failure in script: No permissions to access a key") != NULL);
    EXPECT_AS(c, "eval \"return redis.call('set','a','1')\" 0", OK_REPLY);
    EXPECT_AS(c,
              "eval \"return {redis.acl_check_cmd('set','b','1'), "
              "redis.acl_check_cmd('set','a','1')}\" 0",
              "*2\r\n$-1\r\n:1\r\n");
    harness_run(h, "acl log 1");
    cr_expect(strstr(h->wire, "$7\r\ncontext\r\n$3\r\nlua\r\n$6\r\nobject\r\n$1\r\nb\r\n") != NULL);
    cr_expect(strstr(h->wire, " cmd=eval ") != NULL);
    EXPECT_REPLY(h, "eval \"return redis.call('get','a')\" 0", "$1\r\n1\r\n");
    harness_client_close(c);
}

// ---- ACL DRYRUN

Test(cmd_acl, tells_what_a_user_may_do_without_doing_it)
{
    EXPECT_REPLY(h, "acl setuser v +set ~a &c +publish", OK_REPLY);
    EXPECT_REPLY(h, "acl dryrun v set a 1", OK_REPLY);
    EXPECT_REPLY(h, "exists a", ":0\r\n");
    EXPECT_REPLY(h, "acl dryrun v set b 1",
                 "$47\r\nUser v has no permissions to access the 'b' key\r\n");
    EXPECT_REPLY(h, "acl dryrun v publish d 1",
                 "$51\r\nUser v has no permissions to access the 'd' channel\r\n");
    EXPECT_REPLY(h, "acl dryrun v get a",
                 "$50\r\nUser v has no permissions to run the 'get' command\r\n");
    EXPECT_REPLY(h, "acl dryrun w get a", "-ERR User 'w' not found\r\n");
    EXPECT_REPLY(h, "acl dryrun v gett a", "-ERR Command 'gett' not found\r\n");
    EXPECT_REPLY(h, "acl dryrun v config nosuch", "-ERR Command 'config' not found\r\n");
    EXPECT_REPLY(h, "acl dryrun v get", "-ERR wrong number of arguments for 'get' command\r\n");
    EXPECT_REPLY(h, "acl log", "*0\r\n");
}

// ---- ACL LOG

Test(cmd_acl, logs_a_denial_once_a_minute)
{
    struct harness_client *c = log_in("+acl");
    as(c, "get a");
    as(c, "get b"); // the command is what is denied
    harness_set_time(h, h->now_ms + 1500);
    harness_run(h, "acl log");
    cr_expect(strstr(h->wire, "*1\r\n*20\r\n$5\r\ncount\r\n:2\r\n$6\r\nreason\r\n$7\r\ncommand\r\n"
                              "$7\r\ncontext\r\n$8\r\ntoplevel\r\n$6\r\nobject\r\n$3\r\nget\r\n"
                              "$8\r\nusername\r\n$1\r\nu\r\n$11\r\nage-seconds\r\n$3\r\n1.5\r\n"
                              "$11\r\nclient-info\r\n$") == h->wire);
    cr_expect(strstr(h->wire, "$8\r\nentry-id\r\n:0\r\n$17\r\ntimestamp-created\r\n"
                              ":1700000000000\r\n$22\r\ntimestamp-last-updated\r\n"
                              ":1700000000000\r\n") != NULL);
    harness_set_time(h, h->now_ms + 60000);
    as(c, "get a");
    harness_run(h, "acl log");
    cr_expect(eq(int, strncmp(h->wire, "*2\r\n*20\r\n$5\r\ncount\r\n:1\r\n", 24), 0));
    harness_client_close(c);
}

Test(cmd_acl, logs_who_was_not_let_in)
{
    EXPECT_REPLY(h, "auth nobody x", WRONG_PASS);
    harness_run(h, "acl log");
    cr_expect(strstr(h->wire,
                     "$6\r\nreason\r\n$4\r\nauth\r\n$7\r\ncontext\r\n$8\r\ntoplevel\r\n"
                     "$6\r\nobject\r\n$4\r\nauth\r\n$8\r\nusername\r\n$6\r\nnobody\r\n") != NULL);
    cr_expect(eq(u64, h->tally.acl_denied_auth, 1));
    EXPECT_REPLY(h, "acl log reset", OK_REPLY);
    EXPECT_REPLY(h, "acl log", "*0\r\n");
    EXPECT_REPLY(h, "acl log x", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "acl log -1", "*0\r\n");
}

Test(cmd_acl, keeps_as_many_entries_as_configured)
{
    char line[64];
    EXPECT_REPLY(h, "config set acllog-max-len 3", OK_REPLY);
    for (uint32_t i = 0; i < 5; i++) {
        snprintf(line, sizeof line, "auth user%u x", i);
        harness_run(h, line);
    }
    cr_expect(eq(int, strncmp(harness_run(h, "acl log"), "*3\r\n", 4), 0));
    cr_expect(strstr(h->wire, "user4") && !strstr(h->wire, "user1"));
    cr_expect(eq(int, strncmp(harness_run(h, "acl log 2"), "*2\r\n", 4), 0));
    EXPECT_REPLY(h, "config set acllog-max-len 0", OK_REPLY);
    harness_run(h, "auth user9 x");
    EXPECT_REPLY(h, "acl log", "*0\r\n");
}

// ---- users change while clients are there

static bool is_killed(const struct harness_client *c) { return c->client.flags & CLIENT_CLOSE_NOW; }

Test(cmd_acl, closes_the_clients_of_a_user_that_is_removed)
{
    struct harness_client *c = log_in("+@all ~*"), *other = harness_client_open(h);
    EXPECT_REPLY(h, "acl deluser u", ":1\r\n");
    cr_expect(is_killed(c));
    EXPECT(!is_killed(other));
    EXPECT_AS(c, "get a", DENIED("(deleted)", "get")); // if it could still speak
    harness_client_close(c);
    harness_client_close(other);
}

Test(cmd_acl, closes_who_listens_to_what_was_taken_away)
{
    struct harness_client *c = log_in("+@all allchannels"), *d = harness_client_open(h);
    EXPECT_AS(d, "auth u x", OK_REPLY);
    as(c, "subscribe news");
    as(d, "psubscribe n*");
    EXPECT_REPLY(h, "acl setuser u resetchannels &n* &x", OK_REPLY);
    EXPECT(!is_killed(c) && !is_killed(d));
    EXPECT_REPLY(h, "acl setuser u resetchannels &news", OK_REPLY);
    EXPECT(!is_killed(c) && is_killed(d));
    EXPECT_REPLY(h, "acl setuser u resetchannels", OK_REPLY);
    EXPECT(is_killed(c));
    harness_client_close(c);
    harness_client_close(d);
}

Test(cmd_acl, pardons_who_was_granted_nothing_of_it_by_this_user)
{
    struct harness_client *c = harness_client_open(h);
    c->client.reply.version = 3;
    as(c, "subscribe news");
    EXPECT_REPLY(h, "acl setuser u on nopass +@all", OK_REPLY);
    as(c, "auth u x");
    EXPECT_REPLY(h, "acl setuser u +get", OK_REPLY);
    EXPECT(!is_killed(c));
    harness_client_close(c);
}

Test(cmd_acl, keeps_the_clients_of_users_that_a_file_has_again)
{
    struct harness_client *c = log_in("+@all ~*"), *gone = harness_client_open(h);
    struct acl_users fresh;
    struct acl_fault fault;
    struct bytes rules[] = { bytes_text("on"), bytes_text("+ping") };
    EXPECT_REPLY(h, "acl setuser v on nopass +@all", OK_REPLY);
    EXPECT_AS(gone, "auth v x", OK_REPLY);
    acl_users_open(&fresh, h->server.heap, &h->server.acl->catalog, false);
    struct acl_user *u = acl_users_add(&fresh, bytes_text("u"));
    cr_assert(eq(int, acl_user_apply(u, rules, 2, &fault), ACL_DONE));
    acl_replace_users(&h->server, &fresh, NULL);
    EXPECT(!is_killed(c) && is_killed(gone));
    EXPECT_AS(c, "ping", "+PONG\r\n");
    EXPECT_AS(c, "get a", DENIED("u", "get"));
    EXPECT_REPLY(h, "get a", "$-1\r\n");
    harness_client_close(c);
    harness_client_close(gone);
}

Test(cmd_acl, tells_a_stand_in_of_its_users_end)
{
    struct harness_client *c = log_in("+@all ~*");
    struct client stand_in = { 0 };
    acl_add_stand_in(&h->server, &stand_in, &c->client);
    harness_client_close(c);
    cr_expect(eq(int, stand_in.is_restricted, 1));
    EXPECT_REPLY(h, "acl deluser u", ":1\r\n");
    cr_expect(stand_in.user == &h->server.acl->nobody);
    acl_forget_stand_in(&h->server, &stand_in);
}

Test(cmd_acl, needs_an_aclfile_to_load_and_save)
{
    static const char *const commands[] = { "acl load", "acl save" };
    for (uint32_t i = 0; i < 2; i++)
        EXPECT_REPLY(h, commands[i],
                     "-ERR This Redis instance is not configured to use an ACL file. You may want "
                     "to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE "
                     "(assuming you have a Redis configuration file set) in order to store users "
                     "in the Redis configuration.\r\n");
}
