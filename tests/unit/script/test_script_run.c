// Expected replies are those of a real server.
#include "tests/unit/script/script_bench.h"

Test(script_run, says_what_went_wrong_and_where)
{
    static const struct bench_row rows[] = {
        { "return {err='hi'}", "-hi\r\n" },
        { "return {err='hi',source='a',line='1'}", "-hi\r\n" },
        { "return error('x',0)", "-ERR x @1\r\n" },
        { "return error('x',2)", "-ERR x @1\r\n" },
        { "return error(1)", "-ERR user_script:1: 1 @1\r\n" },
        { "return error(nil)", "-ERR nil @1\r\n" },
        { "return error(true)", "-ERR true @1\r\n" },
        { "return error(cjson.null)", "-ERR userdata: (nil) @1\r\n" },
        { "return error({err='x'})", "-x @1\r\n" },
        { "return error({err='MY x'})", "-MY x @1\r\n" },
        { "return error({err=1})", "-1 @1\r\n" },
        { "local t=nil; return t.x",
          "-ERR user_script:1: attempt to index local 't' (a nil value) @1\r\n" },
        { "table.insert({},1,2,3)",
          "-ERR user_script:1: wrong number of arguments to 'insert' @1\r\n" },
        { "table.insert({})", "-ERR user_script:1: wrong number of arguments to 'insert' @1\r\n" },
        { "table.insert(1,2)",
          "-ERR user_script:1: bad argument #1 to 'insert' (table expected, got number) @1\r\n" },
        { "table.insert({},'x',2)",
          "-ERR user_script:1: bad argument #2 to 'insert' (number expected, got string) @1\r\n" },
        { "table.insert()",
          "-ERR user_script:1: bad argument #1 to 'insert' (table expected, got no value) @1\r\n" },
        { "setmetatable(1,5)", "-ERR user_script:1: bad argument #1 to 'setmetatable' (table "
                               "expected, got number) @1\r\n" },
        { "setmetatable({})",
          "-ERR user_script:1: bad argument #2 to 'setmetatable' (nil or table expected) @1\r\n" },
        { "setmetatable(setmetatable({},{__metatable=1}),{})",
          "-ERR user_script:1: cannot change a protected metatable @1\r\n" },
        { "return rawset(1,2,3)",
          "-ERR user_script:1: bad argument #1 to 'rawset' (table expected, got number) @1\r\n" },
        { "return rawset({},nil,3)", "-ERR table index is nil @1\r\n" },
        { "return rawset({},0/0,3)", "-ERR table index is NaN @1\r\n" },
        { "return rawget(1,2)",
          "-ERR user_script:1: bad argument #1 to 'rawget' (table expected, got number) @1\r\n" },
        { "return rawget({})",
          "-ERR user_script:1: bad argument #2 to 'rawget' (value expected) @1\r\n" },
        { "return pairs()",
          "-ERR user_script:1: bad argument #1 to 'pairs' (table expected, got no value) @1\r\n" },
        { "return next({},1)", "-ERR invalid key to 'next' @1\r\n" },
        { "return next(1)",
          "-ERR user_script:1: bad argument #1 to 'next' (table expected, got number) @1\r\n" },
        { "return next()",
          "-ERR user_script:1: bad argument #1 to 'next' (table expected, got no value) @1\r\n" },
        { "return unpack({1,2,3},-1e9,1e9)",
          "-ERR user_script:1: too many results to unpack @1\r\n" },
        { "return unpack({},1,1e8)", "-ERR user_script:1: too many results to unpack @1\r\n" },
        { "return unpack({},1,8000)", "-ERR user_script:1: too many results to unpack @1\r\n" },
        { "return unpack(1)",
          "-ERR user_script:1: bad argument #1 to 'unpack' (table expected, got number) @1\r\n" },
        { "return unpack({},0,2^31-1)", "-ERR user_script:1: too many results to unpack @1\r\n" },
        { "return unpack({1,2},-2147483648,2147483647)",
          "-ERR user_script:1: too many results to unpack @1\r\n" },
        { "return pcall()",
          "-ERR user_script:1: bad argument #1 to 'pcall' (value expected) @1\r\n" },
        { "local function f() return 1+f() end return f()",
          "-ERR user_script:1: stack overflow @1\r\n" },
        { "return string.gsub('hello',1)",
          "-ERR user_script:1: bad argument #3 to 'gsub' (string/function/table expected) @1\r\n" },
        { "return string.find()",
          "-ERR user_script:1: bad argument #1 to 'find' (string expected, got no value) @1\r\n" },
        { "return string.find('x')",
          "-ERR user_script:1: bad argument #2 to 'find' (string expected, got no value) @1\r\n" },
        { "return string.match({})",
          "-ERR user_script:1: bad argument #1 to 'match' (string expected, got table) @1\r\n" },
        { "return string.gmatch()", "-ERR user_script:1: bad argument #1 to 'gmatch' (string "
                                    "expected, got no value) @1\r\n" },
        { "return bit.tohex('x')",
          "-ERR user_script:1: bad argument #1 to 'tohex' (number expected, got string) @1\r\n" },
        { "return bit.tohex()",
          "-ERR user_script:1: bad argument #1 to 'tohex' (number expected, got no value) @1\r\n" },
        { "local a={} a[nil]=1", "-ERR user_script:1: table index is nil @1\r\n" },
        { "return 1 .. {}", "-ERR user_script:1: attempt to concatenate a table value @1\r\n" },
        { "return {} < {}", "-ERR user_script:1: attempt to compare two table values @1\r\n" },
        { "return #5", "-ERR user_script:1: attempt to get length of a number value @1\r\n" },
        { "return ('x')()", "-ERR user_script:1: attempt to call a string value @1\r\n" },
        { "error(setmetatable({},{__tostring=function() return 'boo' end}))",
          "-ERR unknown error @1\r\n" },
        { "return select(0)",
          "-ERR user_script:1: bad argument #1 to 'select' (index out of range) @1\r\n" },
        { "assert(false)", "-ERR user_script:1: assertion failed! @1\r\n" },
        { "assert(nil,'msg')", "-ERR user_script:1: msg @1\r\n" },
        { "assert(false,{err='TBL x'})",
          "-ERR user_script:1: bad argument #2 to 'assert' (string expected, got table) @1\r\n" },
    };
    BENCH_ROWS(rows, 2);
}

Test(script_run, speaks_lua)
{
    static const struct bench_row rows[] = {
        { "return setmetatable({}, {__index=function(t,k) if type(k)=='number' and k<3 then return "
          "k end end})",
          "*0\r\n" },
        { "return coroutine.create(function() end)", "$-1\r\n" },
        { "local t={1,2,3} table.insert(t,2,9) table.insert(t,4) table.insert(t,10,5) "
          "table.insert(t,-1,7) return t",
          "*0\r\n" },
        { "return next({})", "$-1\r\n" },
        { "return select('#',next({}))", ":1\r\n" },
        { "return type(gcinfo())", "$6\r\nnumber\r\n" },
        { "return select('#',pcall(error,{e='x'}))", ":3\r\n" },
        { "return select('#',pcall(error,{err={}}))", ":3\r\n" },
        { "return ('x'):upper()..('%d'):format(5)", "$2\r\nX5\r\n" },
        { "local r={} for w in string.gmatch('one two','%a+') do r[#r+1]=w end return r",
          "*2\r\n$3\r\none\r\n$3\r\ntwo\r\n" },
        { "local r={} for w in string.gfind('one two','%a+') do r[#r+1]=w end return r",
          "*2\r\n$3\r\none\r\n$3\r\ntwo\r\n" },
        { "return string.format('%5.1f|%q|%s|%d','3.14159','a\\nb','x',3)",
          "$16\r\n  3.1|\"a\\\nb\"|x|3\r\n" },
        { "return bit.tohex(255)", "$8\r\n000000ff\r\n" },
        { "return bit.tohex(-1,-4)", "$4\r\nFFFF\r\n" },
        { "return bit.tohex(255,2147483647)", "$8\r\n000000ff\r\n" },
        { "return bit.tohex(1,-2147483648)", "$8\r\n00000001\r\n" },
        { "return bit.tohex(1,0)", "$0\r\n\r\n" },
        { "return bit.tohex(1e10,8)", "$8\r\n540be400\r\n" },
        { "return _VERSION", "$7\r\nLua 5.1\r\n" },
        { "local r={} for k,v in pairs(string) do r[#r+1]=k end table.sort(r) return r",
          "*15\r\n$4\r\nbyte\r\n$4\r\nchar\r\n$4\r\ndump\r\n$4\r\nfind\r\n$6\r\nformat\r\n$"
          "5\r\ngfind\r\n$6\r\ngmatch\r\n$4\r\ngsub\r\n$3\r\nlen\r\n$5\r\nlower\r\n$5\r\nmatch\r\n$"
          "3\r\nrep\r\n$7\r\nreverse\r\n$3\r\nsub\r\n$5\r\nupper\r\n" },
        { "local r={} for k,v in pairs(math) do r[#r+1]=k..type(v) end table.sort(r) return r",
          "*31\r\n$11\r\nabsfunction\r\n$12\r\nacosfunction\r\n$12\r\nasinfunction\r\n$"
          "13\r\natan2function\r\n$12\r\natanfunction\r\n$12\r\nceilfunction\r\n$"
          "11\r\ncosfunction\r\n$12\r\ncoshfunction\r\n$11\r\ndegfunction\r\n$"
          "11\r\nexpfunction\r\n$13\r\nfloorfunction\r\n$12\r\nfmodfunction\r\n$"
          "13\r\nfrexpfunction\r\n$10\r\nhugenumber\r\n$13\r\nldexpfunction\r\n$"
          "13\r\nlog10function\r\n$11\r\nlogfunction\r\n$11\r\nmaxfunction\r\n$"
          "11\r\nminfunction\r\n$12\r\nmodffunction\r\n$11\r\nmodfunction\r\n$8\r\npinumber\r\n$"
          "11\r\npowfunction\r\n$11\r\nradfunction\r\n$14\r\nrandomfunction\r\n$"
          "18\r\nrandomseedfunction\r\n$11\r\nsinfunction\r\n$12\r\nsinhfunction\r\n$"
          "12\r\nsqrtfunction\r\n$11\r\ntanfunction\r\n$12\r\ntanhfunction\r\n" },
        { "local r={} for k,v in pairs(table) do r[#r+1]=k end table.sort(r) return r",
          "*9\r\n$6\r\nconcat\r\n$7\r\nforeach\r\n$8\r\nforeachi\r\n$4\r\ngetn\r\n$6\r\ninsert\r\n$"
          "4\r\nmaxn\r\n$6\r\nremove\r\n$4\r\nsetn\r\n$4\r\nsort\r\n" },
        { "local r={} for k,v in pairs(bit) do r[#r+1]=k end table.sort(r) return r",
          "*12\r\n$7\r\narshift\r\n$4\r\nband\r\n$4\r\nbnot\r\n$3\r\nbor\r\n$5\r\nbswap\r\n$"
          "4\r\nbxor\r\n$6\r\nlshift\r\n$3\r\nrol\r\n$3\r\nror\r\n$6\r\nrshift\r\n$5\r\ntobit\r\n$"
          "5\r\ntohex\r\n" },
        { "local r={} for k,v in pairs(coroutine) do r[#r+1]=k end table.sort(r) return r",
          "*6\r\n$6\r\ncreate\r\n$6\r\nresume\r\n$7\r\nrunning\r\n$6\r\nstatus\r\n$4\r\nwrap\r\n$"
          "5\r\nyield\r\n" },
        { "return table.foreach({a=1},function(k,v) return k..v end)", "$2\r\na1\r\n" },
        { "KEYS[1]=1 return KEYS", "*1\r\n:1\r\n" },
        { "ARGV.x=1 return ARGV.x", ":1\r\n" },
        { "return #KEYS+#ARGV", ":0\r\n" },
        { "return 0x10", ":16\r\n" },
        { "return '\\0abc'", "$4\r\n0abc\r\n" },
        { "return '\\x41'", "$3\r\nx41\r\n" },
        { "return [[abc]]", "$3\r\nabc\r\n" },
        { "return [==[a]]b]==]", "$4\r\na]]b\r\n" },
        { "return tostring(setmetatable({},{__tostring=function() return 'boo' end}))",
          "$3\r\nboo\r\n" },
        { "return select(-1,1,2,3)", ":3\r\n" },
        { "return tonumber('0x1F')..tonumber('10',2)..tostring(tonumber('z'))",
          "$6\r\n312nil\r\n" },
        { "return tostring(nil)..tostring(1.5)..tostring(1e15)..tostring(1e16)..tostring(-0.0)",
          "$18\r\nnil1.51e+151e+16-0\r\n" },
    };
    BENCH_ROWS(rows, 2);
}

Test(script_run, gets_its_keys_and_arguments)
{
    struct bench b;
    struct bytes keys[] = { BYTES_LITERAL("k1"), BYTES_LITERAL("") };
    struct bytes args[] = { BYTES_LITERAL("a\0b") };
    bench_open(&b, SCRIPT_KIND_EVAL);
    char *wire =
        bench_eval_with(&b, "return {#KEYS, KEYS[1], KEYS[2], #ARGV, #ARGV[1]}", keys, 2, args, 1);
    cr_expect(eq(str, wire, "*5\r\n:2\r\n$2\r\nk1\r\n$0\r\n\r\n:1\r\n:3\r\n"));
    wire = bench_eval(&b, "return {#KEYS, #ARGV}");
    cr_expect(eq(str, wire, "*2\r\n:0\r\n:0\r\n"));
    cr_expect(eq(int, b.end, SCRIPT_RETURNED));
    bench_close(&b);
}

static const char killed[] = "-ERR Script killed by user with SCRIPT KILL... @1\r\n";

Test(script_run, ends_when_poll_says_so_whatever_it_does)
{
    static const char *const scripts[] = {
        "while true do end",
        "pcall(function() while true do end end) return 1",
        "while true do pcall(function() while true do end end) end",
        "while true do xpcall(function() while true do end end, function() while true do end end) "
        "end",
        "local function f() local co = coroutine.wrap(function() while true do end end) "
        "pcall(co) return f() end f()",
        "local co = coroutine.create(function() while true do coroutine.yield() end end) "
        "while true do pcall(coroutine.resume, co) end",
        "while true do string.gsub('aaa', 'a', function() pcall(function() error('x') end) end) "
        "end",
        "table.sort({3, 2, 1, 5, 4}, function(a, b) while true do pcall(error) end end)",
        "while true do load(function() while true do end end) end",
        "setmetatable({}, {__index = function() while true do pcall(error) end end})[1] = nil "
        "return setmetatable({}, {__index = function() while true do pcall(error) end end})[1]",
        "local t = {1} while true do table.insert(t, -2147483647, 1) end",
    };
    struct bench b;
    bench_open(&b, SCRIPT_KIND_EVAL);
    b.polls_allowed = 20;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        b.polls = 0;
        char *wire = bench_eval(&b, scripts[i]);
        cr_expect(strncmp(wire, killed, 46) == 0, "%s: %s", scripts[i], wire);
        cr_expect(eq(int, b.end, SCRIPT_KILLED), "%s", scripts[i]);
        // The host goes on as if nothing had been.
        b.polls = 0;
        cr_expect(eq(str, bench_eval(&b, "return 1"), ":1\r\n"));
        cr_expect(eq(int, b.end, SCRIPT_RETURNED));
        cr_expect(eq(u32, b.polls, 0));
    }
    bench_close(&b);
}

Test(script_run, polls_while_it_runs)
{
    struct bench b;
    bench_open(&b, SCRIPT_KIND_EVAL);
    bench_eval(&b, "for i = 1, 1000000 do end");
    cr_expect(ge(u32, b.polls, 1000000 / SCRIPT_POLL_INSTRUCTIONS - 1));
    cr_expect(le(u32, b.polls, 1000000 / SCRIPT_POLL_INSTRUCTIONS + 2));
    bench_close(&b);
}

Test(script_run, tells_errors_of_commands_from_its_own)
{
    struct bench b;
    bench_open(&b, SCRIPT_KIND_EVAL);
    cr_expect(eq(str, bench_eval(&b, "redis.call('bad')"), "-WRONGTYPE no such fake @1\r\n"));
    cr_expect(eq(int, b.end, SCRIPT_FAILED_COUNTED));
    cr_expect(eq(u32, b.reply.error_count, 0));
    bench_eval(&b, "return redis.pcall('bad')");
    cr_expect(eq(int, b.end, SCRIPT_RETURNED));
    cr_expect(eq(u32, b.reply.error_count, 0));
    bench_eval(&b, "return redis.error_reply('MY own')");
    cr_expect(eq(int, b.end, SCRIPT_RETURNED));
    cr_expect(eq(u32, b.reply.error_count, 1));
    bench_eval(&b, "error('mine')");
    cr_expect(eq(int, b.end, SCRIPT_FAILED));
    cr_expect(eq(u32, b.reply.error_count, 2));
    bench_close(&b);
}

Test(script_run, is_refused_memory_beyond_its_limits_and_goes_on)
{
    struct bench b;
    struct script_memory memory;
    bench_open(&b, SCRIPT_KIND_EVAL);
    script_host_memory(b.host, &memory);
    script_host_set_limit(b.host, memory.vm_bytes + (8 << 20));
    char *wire = bench_eval(&b, "local t = {} for i = 1, 1e9 do t[i] = {} end");
    cr_expect(strstr(wire, "not enough memory") != NULL, "%s", wire);
    wire = bench_eval(&b, "local ok, e = pcall(string.rep, 'x', 16 * 1024 * 1024) return e");
    cr_expect(strstr(wire, "not enough memory") != NULL, "%s", wire);
    wire = bench_eval(&b, "return select(2, pcall(string.rep, 'xx', 512 * 1024 * 1024))");
    cr_expect(strstr(wire, "resulting string too large") != NULL, "%s", wire);
    script_host_set_limit(b.host, 0);
    wire = bench_eval(&b, "return #string.rep('x', 16 * 1024 * 1024)");
    cr_expect(eq(str, wire, ":16777216\r\n"));
    script_host_memory(b.host, &memory);
    cr_expect(gt(u64, memory.vm_bytes, 0));
    bench_close(&b);
}

Test(script_run, collects_what_scripts_leave_though_they_switch_it_off)
{
    struct bench b;
    struct script_memory memory;
    bench_open(&b, SCRIPT_KIND_EVAL);
    for (int i = 0; i < 2000; i++)
        bench_eval(&b, "collectgarbage('stop') collectgarbage('setpause', 100000) "
                       "local t = {} for i = 1, 100 do t[i] = {i} end return #t");
    script_host_memory(b.host, &memory);
    cr_expect(lt(u64, memory.vm_bytes, 1 << 20));
    bench_close(&b);
}

Test(script_run, random_numbers_are_those_of_redis)
{
    struct bench b;
    bench_open(&b, SCRIPT_KIND_EVAL);
    cr_expect(
        eq(str, bench_eval(&b, "return tostring(math.random())"), "$16\r\n0.39646477363839\r\n"));
    cr_expect(eq(str, bench_eval(&b, "math.randomseed(0) return tostring(math.random())"),
                 "$16\r\n0.17082803611217\r\n"));
    cr_expect(eq(str,
                 bench_eval(&b, "math.randomseed(17) return {math.random(5, 9), "
                                "math.random(10), math.random(2147483647)}"),
                 "*3\r\n:9\r\n:8\r\n:1395748878\r\n"));
    cr_expect(eq(str, bench_eval(&b, "return math.random(0)"),
                 "-ERR user_script:1: bad argument #1 to 'random' (interval is empty) @1\r\n"));
    cr_expect(eq(str, bench_eval(&b, "return math.random(1, 2, 3)"),
                 "-ERR user_script:1: wrong number of arguments @1\r\n"));
    bench_close(&b);
}

Test(script_run, gets_deep_without_running_out_of_its_stack)
{
    static const char *const scripts[] = {
        "local function f() return (string.gsub('a', 'a', function() return f() end)) end "
        "return f()",
        "local function f() table.sort({1, 2, 3}, function(a, b) f() return a < b end) end f()",
        "return loadstring('return ' .. string.rep('(', 5000) .. '1' .. string.rep(')', 5000))",
        "return loadstring('return ' .. string.rep('{', 5000) .. string.rep('}', 5000))",
        "return loadstring(string.rep('do ', 5000) .. string.rep('end ', 5000))",
        "return loadstring('return ' .. string.rep('function() return ', 5000))",
        "return loadstring('return ' .. string.rep('-', 5000) .. '1')",
        "return string.find(string.rep('a', 20000), string.rep('a?', 10000))",
        "return string.find('x', string.rep('a?', 10001))",
        "return #string.gsub('x', string.rep('(', 1000), '')",
        "local t = {} for i = 1, 100000 do t = {t} end return t",
        "local t = {} for i = 1, 100000 do t = {t} end return cmsgpack.pack(t)",
        "cjson.encode_max_depth(2147483647) local t = {} for i = 1, 100000 do t = {t} end "
        "return cjson.encode(t)",
        "cjson.decode_max_depth(2147483647) return cjson.decode(string.rep('[', 100000))",
        "return cmsgpack.unpack(string.rep('\\145', 100000))",
        "return unpack({}, 1, 100000000)",
        "local function f() return pcall(f) end return f()",
        "local function f() return 1 + f() end return f()",
        "local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x",
    };
    struct bench b;
    bench_open(&b, SCRIPT_KIND_EVAL);
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        bench_eval(&b, scripts[i]);
        cr_expect(eq(str, bench_eval(&b, "return 1"), ":1\r\n"));
    }
    bench_close(&b);
}

Test(script_run, tells_while_it_runs)
{
    struct bench b;
    bench_open(&b, SCRIPT_KIND_EVAL);
    cr_expect(not(script_host_is_running(b.host)));
    bench_eval(&b, "redis.call('set')");
    cr_expect(b.is_running_seen == true, "an operation sees its host run");
    cr_expect(not(script_host_is_running(b.host)));
    bench_close(&b);
}

static void fiber_work(void *context)
{
    struct bench *b = context;
    char *wire = bench_eval(b, "local n = 0 for i = 1, 200 do for j = 1, 1000 do n = n + 1 end "
                               "n = n + #redis.call('echo', i) pcall(redis.call, 'bad') end "
                               "local co = coroutine.wrap(function() for i = 1, 50000 do end "
                               "return redis.call('echo', 'end') end) return {n, co()}");
    cr_expect(eq(str, wire, "*2\r\n:200492\r\n$3\r\nend\r\n"));
    wire = bench_eval(b, "local function f() return (string.gsub('a', 'a', function() "
                         "return f() end)) end return f()");
    cr_expect(eq(str, wire, "-ERR C stack overflow @1\r\n"));
}

Test(script_run, leaves_its_stack_inside_operations_and_comes_back)
{
    struct bench b;
    int times = 1;
    bench_open(&b, SCRIPT_KIND_EVAL);
    cr_assert(eq(int, fiber_open(&b.fiber, SCRIPT_STACK_BYTES), OK));
    bool is_done = fiber_start(b.fiber, fiber_work, &b);
    for (; !is_done; times++) {
        cr_expect(script_host_is_running(b.host) == true, "between two slices");
        is_done = fiber_enter(b.fiber);
    }
    cr_expect(gt(int, times, 420));
    fiber_close(b.fiber);
    bench_close(&b);
}
