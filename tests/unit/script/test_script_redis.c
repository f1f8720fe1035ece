#include "tests/unit/script/script_bench.h"

Test(script_redis, passes_numbers_as_redis_7_2_does)
{
    static const struct bench_row rows[] = {
        { "return redis.call('echo', 3)", "$1\r\n3\r\n" },
        { "return redis.call('echo', -3)", "$2\r\n-3\r\n" },
        { "return redis.call('echo', 3.5)", "$3\r\n3.5\r\n" },
        { "return redis.call('echo', 0.1)", "$3\r\n0.1\r\n" },
        { "return redis.call('echo', 123456789012)", "$12\r\n123456789012\r\n" },
        { "return redis.call('echo', 1e17)", "$18\r\n100000000000000000\r\n" },
        { "return redis.call('echo', 2^62)", "$19\r\n4611686018427387904\r\n" },
        { "return redis.call('echo', 1e100)", "$6\r\n1e+100\r\n" },
        { "return redis.call('echo', 1/0)", "$3\r\ninf\r\n" },
        { "return redis.call('echo', -1/0)", "$4\r\n-inf\r\n" },
        { "local z = 0 return redis.call('echo', z/z)", "$4\r\n-nan\r\n" },
        { "local z = 0 return redis.call('echo', -(z/z))", "$3\r\nnan\r\n" },
        { "return redis.call('echo', 'a\\0b')", "$3\r\na0b\r\n" },
        { "return redis.call('ECHO', '')", "$0\r\n\r\n" },
    };
    BENCH_ROWS(rows, 2);
}

Test(script_redis, refuses_arguments_that_are_no_text)
{
    static const struct bench_row rows[] = {
        { "redis.call()",
          "-ERR Please specify at least one argument for this redis lib call @1\r\n" },
        { "return redis.pcall()",
          "-ERR Please specify at least one argument for this redis lib call\r\n" },
        { "redis.call({})",
          "-ERR Lua redis lib command arguments must be strings or integers @1\r\n" },
        { "redis.call('set', nil)",
          "-ERR Lua redis lib command arguments must be strings or integers @1\r\n" },
        { "redis.call('set', true)",
          "-ERR Lua redis lib command arguments must be strings or integers @1\r\n" },
        { "return redis.pcall('set', redis)",
          "-ERR Lua redis lib command arguments must be strings or integers\r\n" },
    };
    BENCH_ROWS(rows, 2);
}

Test(script_redis, raises_from_call_and_returns_from_pcall)
{
    static const struct bench_row rows[] = {
        { "redis.call('bad') return 1", "-WRONGTYPE no such fake @1\r\n" },
        { "redis.pcall('bad') return 1", ":1\r\n" },
        { "return redis.pcall('bad').err", "$22\r\nWRONGTYPE no such fake\r\n" },
        { "local ok, e = pcall(redis.call, 'bad') return {type(e), e}",
          "*2\r\n$6\r\nstring\r\n$22\r\nWRONGTYPE no such fake\r\n" },
        { "return {xpcall(function() redis.call('bad') end, function(e) return type(e) end)}",
          "*2\r\n$-1\r\n$5\r\ntable\r\n" },
        { "local co = coroutine.wrap(function() return redis.call('echo', 'in') end) return co()",
          "$2\r\nin\r\n" },
        { "\n\nredis.call('bad')", "-WRONGTYPE no such fake @3\r\n" },
        { "#!lua\nredis.call('bad')", "-WRONGTYPE no such fake @2\r\n" },
    };
    BENCH_ROWS(rows, 2);
}

Test(script_redis, setresp_holds_for_one_script)
{
    static const struct bench_row rows[] = {
        { "return redis.call('version')", ":2\r\n" },
        { "redis.setresp(3) return redis.call('version')", ":3\r\n" },
        { "return redis.call('version')", ":2\r\n" },
        { "redis.setresp(4)", "-ERR RESP version must be 2 or 3. @1\r\n" },
        { "redis.setresp('x')", "-ERR RESP version must be 2 or 3. @1\r\n" },
        { "redis.setresp()", "-ERR redis.setresp() requires one argument. @1\r\n" },
    };
    BENCH_ROWS(rows, 2);
}

Test(script_redis, logs_and_hashes_and_asks)
{
    struct bench b;
    bench_open(&b, SCRIPT_KIND_EVAL);
    bench_eval(&b, "redis.log(redis.LOG_WARNING, 'a', 1, {}, 'b') redis.log(0, 'c')");
    cr_expect(eq(str, b.log, "3:a 1 b;0:c;"));
    cr_expect(eq(str, bench_eval(&b, "return redis.sha1hex('')"),
                 "$40\r\n0000000000000000000000000000000000000000\r\n"));
    cr_expect(eq(str, bench_eval(&b, "return redis.sha1hex(1)"),
                 "$40\r\n0000000000000000000000000000000000000050\r\n"));
    cr_expect(eq(str, bench_eval(&b, "redis.sha1hex()"), "-ERR wrong number of arguments @1\r\n"));
    cr_expect(eq(str,
                 bench_eval(&b, "return {redis.acl_check_cmd('yes'), "
                                "redis.acl_check_cmd('no', 'x')}"),
                 "*2\r\n:1\r\n$-1\r\n"));
    cr_expect(eq(str, bench_eval(&b, "redis.acl_check_cmd('other')"),
                 "-ERR Invalid command passed to redis.acl_check_cmd() @1\r\n"));
    bench_eval(&b, "redis.set_repl(redis.REPL_AOF)");
    cr_expect(eq(u32, b.repl, SCRIPT_REPL_AOF));
    bench_eval(&b, "redis.set_repl(redis.REPL_ALL)");
    cr_expect(eq(u32, b.repl, SCRIPT_REPL_ALL));
    cr_expect(eq(str, bench_eval(&b, "redis.set_repl(9)"),
                 "-ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or "
                 "REPL_NONE. @1\r\n"));
    cr_expect(eq(str, bench_eval(&b, "redis.log(9, 'x')"), "-ERR Invalid log level. @1\r\n"));
    cr_expect(eq(str, bench_eval(&b, "redis.log(1)"),
                 "-ERR redis.log() requires two arguments or more. @1\r\n"));
    cr_expect(eq(str, bench_eval(&b, "redis.log('x', 'y')"),
                 "-ERR First argument must be a number (log level). @1\r\n"));
    cr_expect(eq(str,
                 bench_eval(&b, "return {redis.replicate_commands(), redis.breakpoint(), "
                                "select('#', redis.debug('x'))}"),
                 "*3\r\n:1\r\n$-1\r\n:0\r\n"));
    bench_close(&b);
}

Test(script_redis, has_the_names_of_redis)
{
    static const struct bench_row rows[] = {
        { "local r = {} for k in pairs(redis) do r[#r + 1] = k end table.sort(r) "
          "return table.concat(r, ' ')",
          "$243\r\nLOG_DEBUG LOG_NOTICE LOG_VERBOSE LOG_WARNING REDIS_VERSION REDIS_VERSION_NUM "
          "REPL_ALL REPL_AOF REPL_NONE REPL_REPLICA REPL_SLAVE acl_check_cmd breakpoint call debug "
          "error_reply log pcall replicate_commands set_repl setresp sha1hex status_reply\r\n" },
        { "return {redis.REDIS_VERSION, redis.REDIS_VERSION_NUM}",
          "*2\r\n$5\r\n7.2.4\r\n:459268\r\n" },
        { "local r = {} for k in pairs(_G) do r[#r + 1] = k end table.sort(r) "
          "return table.concat(r, ' ')",
          "$274\r\nARGV KEYS _G _VERSION __redis__err__handler assert bit cjson cmsgpack "
          "collectgarbage coroutine error gcinfo getmetatable ipairs load loadstring math next os "
          "pairs pcall rawequal rawget rawset redis select setmetatable string struct table "
          "tonumber tostring type unpack xpcall\r\n" },
    };
    BENCH_ROWS(rows, 2);
}
