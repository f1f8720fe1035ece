// Replies and error texts as recorded from redis-server 7.0.15, where nothing else is said.
#include "dataplane/cmd/script_cache.h"
#include "tests/unit/cmd/harness.h"

#define RETURN_1 "e0e1f9fabfc9d4800c877a703b823ac0578ff8db" // SHA-1 of "return 1"

static uint64_t failed(struct harness *h, const char *name)
{
    return h->tally.commands[command_find(bytes_text(name))->id].failed;
}
static uint64_t rejected(struct harness *h, const char *name)
{
    return h->tally.commands[command_find(bytes_text(name))->id].rejected;
}
static uint64_t errors_of(struct harness *h, const char *code)
{
    for (uint32_t i = 0; i < h->server.error_stat_count; i++)
        if (strcmp(h->server.error_stats[i].code, code) == 0) return h->server.error_stats[i].count;
    return 0;
}
static void expect_effects(struct harness *h, const char *expected)
{
    cr_expect(eq(str, h->effects, (char *)expected));
}

Test(cmd_script, runs_a_script_with_its_keys_and_arguments)
{
    struct harness *h = harness_open();
    EXPECT_REPLY(h, "EVAL \"return {KEYS[1],KEYS[2],ARGV[1],#ARGV}\" 2 a b c",
                 "*4\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n:1\r\n");
    EXPECT_REPLY(h, "EVAL \"return redis.call('set',KEYS[1],ARGV[1])\" 1 k v", "+OK\r\n");
    expect_effects(h, "set k v;");
    EXPECT_REPLY(h, "EVAL \"return redis.call('get',KEYS[1])\" 1 k", "$1\r\nv\r\n");
    expect_effects(h, "");
    harness_close(h);
}

Test(cmd_script, refuses_counts_of_keys_that_cannot_be)
{
    struct harness *h = harness_open();
    EXPECT_REPLY(h, "EVAL \"return 1\" x", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "EVAL \"return 1\" 1",
                 "-ERR Number of keys can't be greater than number of args\r\n");
    EXPECT_REPLY(h, "EVAL \"return 1\" -1", "-ERR Number of keys can't be negative\r\n");
    EXPECT_REPLY(h, "EVALSHA " RETURN_1 " x", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "EVAL", "-ERR wrong number of arguments for 'eval' command\r\n");
    harness_close(h);
}

Test(cmd_script, finds_scripts_by_their_sha1)
{
    static const char unknown[] = "-NOSCRIPT No matching script. Please use EVAL.\r\n";
    struct harness *h = harness_open();
    EXPECT_REPLY(h, "EVALSHA " RETURN_1 " 0", unknown);
    EXPECT_REPLY(h, "EVALSHA short x", unknown);
    EXPECT_REPLY(h, "SCRIPT EXISTS " RETURN_1 " nosuch", "*2\r\n:0\r\n:0\r\n");
    EXPECT_REPLY(h, "SCRIPT LOAD \"return 1\"", "$40\r\n" RETURN_1 "\r\n");
    EXPECT_REPLY(h, "EVALSHA " RETURN_1 " 0", ":1\r\n");
    EXPECT_REPLY(h, "EVALSHA_RO E0E1F9FABFC9D4800C877A703B823AC0578FF8DB 0", ":1\r\n");
    EXPECT_REPLY(h, "SCRIPT EXISTS " RETURN_1 " nosuch", "*2\r\n:1\r\n:0\r\n");
    EXPECT_REPLY(h, "SCRIPT FLUSH", "+OK\r\n");
    EXPECT_REPLY(h, "EVALSHA " RETURN_1 " 0", unknown);
    EXPECT_REPLY(h, "EVAL \"return 1\" 0", ":1\r\n");
    EXPECT_REPLY(h, "SCRIPT FLUSH SYNC", "+OK\r\n");
    EXPECT_REPLY(h, "EVALSHA " RETURN_1 " 0", unknown);
    EXPECT_REPLY(h, "SCRIPT FLUSH nosuch", "-ERR SCRIPT FLUSH only support SYNC|ASYNC option\r\n");
    EXPECT_REPLY(h, "SCRIPT FLUSH sync more",
                 "-ERR SCRIPT FLUSH only support SYNC|ASYNC option\r\n");
    harness_close(h);
}

Test(cmd_script, counts_what_it_keeps_and_frees_what_was_flushed)
{
    struct harness *h = harness_open();
    struct scripts_memory m;
    char command[64];
    for (int i = 0; i < 50; i++) {
        snprintf(command, sizeof command, "EVAL \"return %d\" 0", i);
        harness_run(h, command);
    }
    scripts_measure(&h->server, &m);
    cr_expect(eq(u64, m.eval.count, 50));
    cr_expect(gt(u64, m.eval.vm_bytes, 10000));
    cr_expect(gt(u64, m.eval.cached_bytes, 50 * 48));
    uint64_t full = h->heap.bytes[HEAP_SCRIPTS];
    cr_expect(ge(u64, full, m.eval.vm_bytes + m.eval.cached_bytes));
    harness_run(h, "SCRIPT FLUSH ASYNC");
    scripts_measure(&h->server, &m);
    cr_expect(eq(u64, m.eval.count, 0));
    cr_expect(scripts_are_shrinking(&h->server));
    while (scripts_shrink(&h->server)) continue;
    cr_expect(not(scripts_are_shrinking(&h->server)));
    cr_expect(lt(u64, h->heap.bytes[HEAP_SCRIPTS], full / 4));
    harness_close(h);
}

Test(cmd_script, says_what_is_wrong_with_a_command_and_where)
{
    static const struct {
        const char *body, *expected;
    } cases[] = {
        { "return redis.call('foo')",
          "-ERR Unknown Redis command called from script script: "
          "cc78c5a793d041f28ab0f6b117a82d1428ccfd13, on @user_script:1.\r\n" },
        { "return redis.call('get')",
          "-ERR Wrong number of args calling Redis command from script script: "
          "f187dee77f607f7cff00bbabc9df38507582c78d, on @user_script:1.\r\n" },
        { "return redis.call('client')",
          "-ERR Wrong number of args calling Redis command from script script: "
          "195ac672ec9fc61e1e5507d624ce0462a9c83c0a, on @user_script:1.\r\n" },
        { "return redis.call('client','foo')",
          "-ERR Unknown Redis command called from script script: "
          "90a0d32af73e251b5a27dcdfc4efa1b741a52f1b, on @user_script:1.\r\n" },
        { "return redis.call('client','id')",
          "-ERR This Redis command is not allowed from script script: "
          "6b57691688c1a59f07a7665ec9d907a922123bf8, on @user_script:1.\r\n" },
        { "return redis.call('multi')",
          "-ERR This Redis command is not allowed from script script: "
          "c329a1a294be6bf95b44144f7502610661ae925a, on @user_script:1.\r\n" },
        { "return redis.pcall('foo')", "-ERR Unknown Redis command called from script\r\n" },
    };
    struct harness *h = harness_open();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char command[256];
        snprintf(command, sizeof command, "EVAL \"%s\" 0", cases[i].body);
        EXPECT_REPLY(h, command, cases[i].expected);
    }
    harness_close(h);
}

// Each error once, where it happened; the script has failed too.
Test(cmd_script, counts_errors_once)
{
    struct harness *h = harness_open();
    harness_run(h, "SET s abc");
    harness_run(h, "EVAL \"return redis.call('incr','foo','bar')\" 0");
    cr_expect(eq(u64, rejected(h, "incr"), 1));
    harness_run(h, "EVAL \"return redis.call('incr','s')\" 0");
    harness_run(h, "EVAL \"return redis.pcall('incr','s')\" 0");
    harness_run(h, "EVAL \"return {err='ERR x'}\" 0");
    harness_run(h, "EVAL \"return {err='MYCODE x'}\" 0");
    harness_run(h, "EVAL \"error({err='MYCODE x'})\" 0");
    cr_expect(eq(u64, failed(h, "incr"), 2));
    cr_expect(eq(u64, failed(h, "eval"), 6));
    cr_expect(eq(u64, errors_of(h, "ERR"), 4));
    cr_expect(eq(u64, errors_of(h, "MYCODE"), 2));
    cr_expect(eq(u64, h->tally.error_replies, 6));
    harness_close(h);
}

Test(cmd_script, that_may_not_write_does_not)
{
    struct harness *h = harness_open();
    static const char text[] =
        "-ERR Write commands are not allowed from read-only scripts. script:";
    static const char *const scripts[] = {
        "EVAL_RO \"return redis.call('set','a','b')\" 0",
        "EVAL \"#!lua flags=no-writes\\nreturn redis.call('set','a','b')\" 0",
        "EVAL_RO \"#!lua flags=no-writes\\nreturn redis.call('pfcount','a','b')\" 0",
    };
    for (size_t i = 0; i < 3; i++)
        cr_expect(eq(int, strncmp(harness_run(h, scripts[i]), text, strlen(text)), 0), "%s",
                  h->wire);
    EXPECT_REPLY(h, "EVAL_RO \"#!lua\\nreturn redis.call('set','a','b')\" 0",
                 "-ERR Can not execute a script with write flag using *_ro command.\r\n");
    EXPECT_REPLY(h, "DBSIZE", ":0\r\n");
    harness_close(h);
}

Test(cmd_script, selects_a_database_for_itself_alone)
{
    struct harness *h = harness_open();
    EXPECT_REPLY(h, "EVAL \"redis.call('select',3) redis.call('set','x',1)\" 0", "$-1\r\n");
    expect_effects(h, "SELECT 3 | set x 1;");
    EXPECT_REPLY(h, "GET x", "$-1\r\n");
    harness_run(h, "SELECT 3");
    EXPECT_REPLY(h, "EVAL \"return redis.call('get','x')\" 0", "$1\r\n1\r\n");
    harness_close(h);
}

Test(cmd_script, is_one_unit_for_the_log_whatever_it_writes)
{
    struct harness *h = harness_open();
    harness_run(h, "EVAL \"redis.call('set','a',1) redis.call('incr','a') redis.call('get','a') "
                   "redis.call('spop','nosuch') return redis.call('expire','a',100)\" 0");
    expect_effects(h, "MULTI | set a 1 | incr a | PEXPIREAT a 1700000100000 | EXEC;");
    harness_run(h, "EVAL \"redis.call('set','b',1) error('x')\" 0");
    expect_effects(h, "set b 1;");
    harness_run(h, "EVAL \"redis.set_repl(redis.REPL_NONE) redis.call('set','c',1) "
                   "redis.set_repl(redis.REPL_ALL) redis.call('set','d',1)\" 0");
    expect_effects(h, "set d 1;");
    harness_run(h, "EVAL \"redis.set_repl(redis.REPL_NONE) redis.call('set','c',1)\" 0");
    expect_effects(h, "");
    harness_run(h, "SET e 1");
    expect_effects(h, "SET e 1;");
    harness_close(h);
}

Test(cmd_script, works_within_a_transaction)
{
    struct harness *h = harness_open();
    harness_run(h, "MULTI");
    EXPECT_REPLY(h, "SET a 1", "+QUEUED\r\n");
    EXPECT_REPLY(h, "EVAL \"return redis.call('incr','a')\" 0", "+QUEUED\r\n");
    EXPECT_REPLY(h, "EVAL \"return redis.call('lpush','a',1)\" 0", "+QUEUED\r\n");
    EXPECT_REPLY(h, "INCR a", "+QUEUED\r\n");
    harness_run(h, "EXEC");
    cr_expect(eq(int, strncmp(h->wire, "*4\r\n+OK\r\n:2\r\n-WRONGTYPE", 23), 0));
    cr_expect(eq(str, h->wire + h->wire_size - 4, ":3\r\n"));
    expect_effects(h, "MULTI | SET a 1 | incr a | INCR a | EXEC;");
    harness_close(h);
}

// As in 7.2; 7.0 refuses such commands.
Test(cmd_script, answers_at_once_where_a_client_would_wait)
{
    struct harness *h = harness_open();
    EXPECT_REPLY(h, "EVAL \"return redis.call('xread','block',0,'streams','s','$')\" 0", "$-1\r\n");
    EXPECT_REPLY(h, "EVAL \"return redis.call('blpop','list',0)\" 0", "$-1\r\n");
    EXPECT_REPLY(h, "EVAL \"return redis.call('wait',1,0)\" 0", ":0\r\n");
    harness_close(h);
}

Test(cmd_script, wakes_who_waits_for_what_it_pushed)
{
    struct harness *h = harness_open();
    struct harness_client *waiting = harness_client_open(h);
    harness_client_run(waiting, "BLPOP list 0");
    harness_run(h, "EVAL \"redis.call('lpush','list','a') return redis.call('llen','list')\" 0");
    cr_expect(eq(str, h->wire, ":1\r\n"));
    cr_expect(eq(str, (char *)harness_client_wire(waiting), "*2\r\n$4\r\nlist\r\n$1\r\na\r\n"));
    harness_client_close(waiting);
    harness_close(h);
}

Test(cmd_script, stands_still_in_time)
{
    struct harness *h = harness_open();
    EXPECT_REPLY(h,
                 "EVAL \"local a = redis.call('time') for i = 1,100000 do end "
                 "local b = redis.call('time') return a[1] == b[1] and a[2] == b[2]\" 0",
                 ":1\r\n");
    harness_close(h);
}

// ---- memory

static void fill_memory(struct harness *h)
{
    harness_run(h, "SET x 123");
    h->settings.maxmemory = 1;
}

Test(cmd_script, meets_the_memory_limit_as_its_flags_say)
{
    static const char oom[] = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
    struct harness *h = harness_open();
    fill_memory(h);
    harness_run(h, "EVAL \"return redis.call('set','x',1)\" 0");
    cr_expect(eq(int, strncmp(h->wire, oom, sizeof oom - 3), 0));
    cr_expect(eq(u64, rejected(h, "set"), 1));
    cr_expect(eq(u64, failed(h, "eval"), 1));
    cr_expect(eq(u64, errors_of(h, "OOM"), 1));
    EXPECT_REPLY(h, "EVAL \"return redis.call('get','x')\" 0", "$3\r\n123\r\n");
    // What has begun to write may go on.
    EXPECT_REPLY(h, "EVAL \"redis.call('del','x') return redis.call('set','x',1)\" 0", "+OK\r\n");
    EXPECT_REPLY(h, "EVAL \"#!lua flags=allow-oom\\nreturn redis.call('set','x',2)\" 0", "+OK\r\n");
    EXPECT_REPLY(h, "EVAL \"#!lua flags=no-writes\\nreturn redis.call('get','x')\" 0",
                 "$1\r\n2\r\n");
    EXPECT_REPLY(h, "EVAL \"#!lua\\nreturn 1\" 0", oom);
    EXPECT_REPLY(h, "EVAL \"#!lua flags=\\nreturn 1\" 0", oom);
    harness_close(h);
}

Test(cmd_script, with_flags_breaks_a_transaction_when_memory_is_short)
{
    struct harness *h = harness_open();
    harness_run(h, "MULTI");
    EXPECT_REPLY(h, "EVAL \"#!lua\\nreturn 1\" 0", "+QUEUED\r\n");
    h->settings.maxmemory = 1;
    EXPECT_REPLY(h, "EXEC",
                 "-EXECABORT Transaction discarded because of: OOM command not allowed when used "
                 "memory > 'maxmemory'.\r\n");
    harness_close(h);
}

// ---- users

// The text is 7.2's.
Test(cmd_script, may_do_what_its_user_may)
{
    static const char denied[] = "-ERR ACL failure in script: User bob has no permissions to run "
                                 "the 'get' command script: ";
    static const char sorting[] = "EVAL \"return redis.pcall('sort','kl','by','w*') \" 0",
                      no_key[] = "EVAL \"return redis.pcall('set','other',1)\" 0";
    struct harness *h = harness_open();
    harness_run(h, "RPUSH kl 2 1");
    EXPECT_REPLY(h, "ACL SETUSER bob on nopass +@all -get ~k*", "+OK\r\n");
    EXPECT_REPLY(h, "AUTH bob x", "+OK\r\n");
    harness_run(h, "EVAL \"return redis.call('get','k')\" 0");
    cr_expect(eq(int, strncmp(h->wire, denied, strlen(denied)), 0), "%s", h->wire);
    cr_expect(eq(u64, rejected(h, "get"), 1));
    cr_expect(eq(int, strncmp(harness_run(h, no_key), "-ERR ACL failure in script: ", 28), 0));
    EXPECT_REPLY(h, "EVAL \"return redis.call('set','k',1)\" 0", "+OK\r\n");
    EXPECT_REPLY(h, "EVAL \"return redis.acl_check_cmd('get','k')\" 0", "$-1\r\n");
    EXPECT_REPLY(h, "EVAL \"return redis.acl_check_cmd('set','k','v')\" 0", ":1\r\n");
    cr_expect(eq(int, harness_run(h, sorting)[0], '-')); // it may not read all keys
    // The next one's user is another.
    EXPECT_REPLY(h, "AUTH default x", "+OK\r\n");
    EXPECT_REPLY(h, sorting, "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
    EXPECT_REPLY(h, no_key, "+OK\r\n");
    harness_close(h);
}

// ---- jobs of others

static void fill_set(struct harness *h, const char *key, uint32_t count)
{
    char command[64];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(command, sizeof command, "SADD %s member:%u", key, i);
        harness_run(h, command);
    }
}

Test(cmd_script, waits_while_a_key_is_closed)
{
    struct harness *h = harness_open();
    struct harness_client *other = harness_client_open(h);
    fill_set(h, "s", 5000);
    h->no_slices = true;
    harness_client_run(other, "SUNIONSTORE t s");
    cr_assert(ne(ptr, h->server.jobs.closed, NULL));
    EXPECT_REPLY(h, "EVAL \"return redis.call('scard','t')\" 0", "");
    cr_expect(ne(u32, h->client.flags & CLIENT_HELD_BACK, 0));
    while (jobs_run(&h->server, h->job_slice_cycles)) continue;
    harness_drain(h);
    cr_expect(eq(str, h->wire, ":5000\r\n"));
    harness_client_close(other);
    harness_close(h);
}

// ---- the rest

Test(cmd_script, has_no_debugger)
{
    struct harness *h = harness_open();
    EXPECT_REPLY(h, "SCRIPT DEBUG NO", "+OK\r\n");
    EXPECT_REPLY(h, "SCRIPT DEBUG nosuch", "-ERR Use SCRIPT DEBUG YES/SYNC/NO\r\n");
    cr_expect(eq(int, harness_run(h, "SCRIPT DEBUG YES")[0], '-')); // our own text
    EXPECT_REPLY(h, "SCRIPT nosuch", "-ERR unknown subcommand 'nosuch'. Try SCRIPT HELP.\r\n");
    cr_expect(eq(int, strncmp(harness_run(h, "SCRIPT HELP"), "*14\r\n+SCRIPT <subcommand>", 20), 0),
              "%s", h->wire);
    harness_close(h);
}

Test(cmd_script, refuses_a_shebang_it_does_not_know)
{
    struct harness *h = harness_open();
    EXPECT_REPLY(h, "EVAL \"#!lua flags=foo\\nreturn 1\" 0",
                 "-ERR Unexpected flag in script shebang: foo\r\n");
    EXPECT_REPLY(h, "EVAL \"#!foo\\nreturn 1\" 0",
                 "-ERR Unexpected engine in script shebang: #!foo\r\n");
    EXPECT_REPLY(h, "EVAL \"#!lua foo=bar\\nreturn 1\" 0",
                 "-ERR Unknown lua shebang option: foo=bar\r\n");
    harness_close(h);
}
