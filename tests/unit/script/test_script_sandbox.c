// Expected replies are those of a real server.
#include "tests/unit/script/script_bench.h"

Test(script_sandbox, tables_of_the_world_cannot_be_changed)
{
    static const struct bench_row rows[] = {
        { "x=1", "-ERR user_script:1: Attempt to modify a readonly table @1\r\n" },
        { "redis.x=1", "-ERR user_script:1: Attempt to modify a readonly table @1\r\n" },
        { "_G.x=1", "-ERR user_script:1: Attempt to modify a readonly table @1\r\n" },
        { "rawset(redis,'a',1)", "-ERR Attempt to modify a readonly table @1\r\n" },
        { "rawset(_G,'a',1)", "-ERR Attempt to modify a readonly table @1\r\n" },
        { "table.insert(redis,1)", "-ERR Attempt to modify a readonly table @1\r\n" },
        { "table.insert(redis,1,2)", "-ERR Attempt to modify a readonly table @1\r\n" },
        { "setmetatable(redis,nil)", "-ERR Attempt to modify a readonly table @1\r\n" },
        { "setmetatable(_G,{})", "-ERR Attempt to modify a readonly table @1\r\n" },
        { "getmetatable(_G).__index=nil",
          "-ERR user_script:1: Attempt to modify a readonly table @1\r\n" },
        { "getmetatable('').__index=nil",
          "-ERR user_script:1: Attempt to modify a readonly table @1\r\n" },
        { "getmetatable('').x=nil",
          "-ERR user_script:1: Attempt to modify a readonly table @1\r\n" },
        { "for k in pairs(redis) do redis[k]=nil end",
          "-ERR user_script:1: Attempt to modify a readonly table @1\r\n" },
        { "local f,s,c=pairs(redis) s.x=1",
          "-ERR user_script:1: Attempt to modify a readonly table @1\r\n" },
        { "local co=coroutine.wrap(function() redis.x=1 end) co()",
          "-ERR user_script:1: user_script:1: Attempt to modify a readonly table @1\r\n" },
        { "local co=coroutine.create(function() redis.x=1 end) return {coroutine.resume(co)}",
          "*2\r\n$-1\r\n$49\r\nuser_script:1: Attempt to modify a readonly table\r\n" },
        { "string.upper=1", "-ERR user_script:1: Attempt to modify a readonly table @1\r\n" },
        { "string.x=1", "-ERR user_script:1: Attempt to modify a readonly table @1\r\n" },
        { "math.pi=3", "-ERR user_script:1: Attempt to modify a readonly table @1\r\n" },
        { "KEYS=1", "-ERR user_script:1: Attempt to modify a readonly table @1\r\n" },
    };
    BENCH_ROWS(rows, 2);
}

Test(script_sandbox, shows_what_redis_shows_and_no_more)
{
    static const struct bench_row rows[] = {
        { "return redis.setresp(4)", "-ERR RESP version must be 2 or 3. @1\r\n" },
        { "return redis.setresp(1)", "-ERR RESP version must be 2 or 3. @1\r\n" },
        { "return redis.setresp('x')", "-ERR RESP version must be 2 or 3. @1\r\n" },
        { "return redis.setresp()", "-ERR redis.setresp() requires one argument. @1\r\n" },
        { "return redis.setresp(2)", "$-1\r\n" },
        { "return {tostring(redis.replicate_commands()),tostring(redis.breakpoint())}",
          "*2\r\n$4\r\ntrue\r\n$5\r\nfalse\r\n" },
        { "return select('#',redis.debug('x'))", ":0\r\n" },
        { "return _G", "*0\r\n" },
        { "return redis", "*0\r\n" },
        { "return getmetatable(_G)", "*0\r\n" },
        { "return x",
          "-ERR user_script:1: Script attempted to access nonexistent global variable 'x' @1\r\n" },
        { "return redis.x", "$-1\r\n" },
        { "return tostring(redis.x)", "$3\r\nnil\r\n" },
        { "table.insert(redis)",
          "-ERR user_script:1: wrong number of arguments to 'insert' @1\r\n" },
        { "table.remove(redis,1) return 1", ":1\r\n" },
        { "table.sort(redis) return 1", ":1\r\n" },
        { "table.setn(redis,1) return 1", "-ERR user_script:1: 'setn' is obsolete @1\r\n" },
        { "setmetatable(redis,5)",
          "-ERR user_script:1: bad argument #2 to 'setmetatable' (nil or table expected) @1\r\n" },
        { "return getmetatable(setmetatable({},{__metatable=1}))", ":1\r\n" },
        { "local r={} for k,v in pairs(getmetatable(_G)) do r[#r+1]=k..'='..type(v) end return r",
          "*1\r\n$16\r\n__index=function\r\n" },
        { "local r={} for k,v in pairs(getmetatable('')) do r[#r+1]=k..'='..type(v) end return r",
          "*1\r\n$13\r\n__index=table\r\n" },
        { "return tostring(getmetatable(redis))", "$3\r\nnil\r\n" },
        { "return tostring(getmetatable(1))..tostring(getmetatable(print))",
          "-ERR user_script:1: Script attempted to access nonexistent global variable 'print' "
          "@1\r\n" },
        { "return tostring(getmetatable(nil))", "$3\r\nnil\r\n" },
        { "return getmetatable()",
          "-ERR user_script:1: bad argument #1 to 'getmetatable' (value expected) @1\r\n" },
        { "return {getmetatable(_G).__index(1,'x')}",
          "-ERR user_script:1: Script attempted to access nonexistent global variable 'x' @1\r\n" },
        { "return {getmetatable(_G).__index()}",
          "-ERR user_script:1: Wrong number of arguments to luaProtectedTableError @1\r\n" },
        { "return rawget(redis,'LOG_DEBUG')", ":0\r\n" },
        { "return rawget(_G,'LOG_DEBUG')", "$-1\r\n" },
        { "return tostring(rawequal(_G,_G._G))..tostring(_G==_G._G)", "$8\r\ntruetrue\r\n" },
        { "return tostring(rawequal(string,_G.string))..tostring(string==getmetatable('').__index)",
          "$8\r\ntruetrue\r\n" },
        { "return next(redis,'nosuch')", "-ERR invalid key to 'next' @1\r\n" },
        { "local r={} for k,v in pairs(_G) do if k~='os' then r[#r+1]=k end end table.sort(r) "
          "return r",
          "*35\r\n$4\r\nARGV\r\n$4\r\nKEYS\r\n$2\r\n_G\r\n$8\r\n_VERSION\r\n$21\r\n__redis__err__"
          "handler\r\n$6\r\nassert\r\n$3\r\nbit\r\n$5\r\ncjson\r\n$8\r\ncmsgpack\r\n$"
          "14\r\ncollectgarbage\r\n$9\r\ncoroutine\r\n$5\r\nerror\r\n$6\r\ngcinfo\r\n$"
          "12\r\ngetmetatable\r\n$6\r\nipairs\r\n$4\r\nload\r\n$10\r\nloadstring\r\n$4\r\nmath\r\n$"
          "4\r\nnext\r\n$5\r\npairs\r\n$5\r\npcall\r\n$8\r\nrawequal\r\n$6\r\nrawget\r\n$"
          "6\r\nrawset\r\n$5\r\nredis\r\n$6\r\nselect\r\n$12\r\nsetmetatable\r\n$6\r\nstring\r\n$"
          "6\r\nstruct\r\n$5\r\ntable\r\n$8\r\ntonumber\r\n$8\r\ntostring\r\n$4\r\ntype\r\n$"
          "6\r\nunpack\r\n$6\r\nxpcall\r\n" },
        { "local r={} for k,v in pairs(redis) do r[#r+1]=k end table.sort(r) return r",
          "*23\r\n$9\r\nLOG_DEBUG\r\n$10\r\nLOG_NOTICE\r\n$11\r\nLOG_VERBOSE\r\n$11\r\nLOG_"
          "WARNING\r\n$13\r\nREDIS_VERSION\r\n$17\r\nREDIS_VERSION_NUM\r\n$8\r\nREPL_ALL\r\n$"
          "8\r\nREPL_AOF\r\n$9\r\nREPL_NONE\r\n$12\r\nREPL_REPLICA\r\n$10\r\nREPL_SLAVE\r\n$"
          "13\r\nacl_check_cmd\r\n$10\r\nbreakpoint\r\n$4\r\ncall\r\n$5\r\ndebug\r\n$11\r\nerror_"
          "reply\r\n$3\r\nlog\r\n$5\r\npcall\r\n$18\r\nreplicate_commands\r\n$8\r\nset_repl\r\n$"
          "7\r\nsetresp\r\n$7\r\nsha1hex\r\n$12\r\nstatus_reply\r\n" },
        { "local r={} table.foreach(redis,function(k,v) r[#r+1]=k end) table.sort(r) return r",
          "*23\r\n$9\r\nLOG_DEBUG\r\n$10\r\nLOG_NOTICE\r\n$11\r\nLOG_VERBOSE\r\n$11\r\nLOG_"
          "WARNING\r\n$13\r\nREDIS_VERSION\r\n$17\r\nREDIS_VERSION_NUM\r\n$8\r\nREPL_ALL\r\n$"
          "8\r\nREPL_AOF\r\n$9\r\nREPL_NONE\r\n$12\r\nREPL_REPLICA\r\n$10\r\nREPL_SLAVE\r\n$"
          "13\r\nacl_check_cmd\r\n$10\r\nbreakpoint\r\n$4\r\ncall\r\n$5\r\ndebug\r\n$11\r\nerror_"
          "reply\r\n$3\r\nlog\r\n$5\r\npcall\r\n$18\r\nreplicate_commands\r\n$8\r\nset_repl\r\n$"
          "7\r\nsetresp\r\n$7\r\nsha1hex\r\n$12\r\nstatus_reply\r\n" },
        { "table.foreach(redis,1)", "-ERR user_script:1: bad argument #2 to 'foreach' (function "
                                    "expected, got number) @1\r\n" },
        { "return {table.getn(redis),#redis,table.maxn(redis),table.concat(redis),unpack(redis)}",
          "*4\r\n:0\r\n:0\r\n:0\r\n$0\r\n\r\n" },
        { "for i,v in ipairs(redis) do return 1 end return 2", ":2\r\n" },
        { "local f,s,c=pairs(redis) return tostring(s==redis)", "$4\r\ntrue\r\n" },
        { "local k,v=next(_G,'redis') return type(k)", "$6\r\nstring\r\n" },
    };
    BENCH_ROWS(rows, 2);
}

// Each gives what it found, or its error; nothing may be found.
Test(script_sandbox, known_ways_out_are_closed)
{
    static const char *const names[] = {
        "io",      "package",   "require",  "module",    "dofile",        "loadfile",
        "print",   "debug",     "newproxy", "getfenv",   "setfenv",       "jit",
        "ffi",     "_ENV",      "KEYS_",    "loadlib",   "os.execute",    "os.getenv",
        "os.exit", "os.remove", "os.time",  "os.rename", "string.buffer", "coroutine.close",
    };
    struct bench b;
    char script[256];
    bench_open(&b, SCRIPT_KIND_EVAL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(script, sizeof script,
                 "local ok, v = pcall(function() return %s end) return ok and v ~= nil", names[i]);
        cr_expect(eq(str, bench_eval(&b, script), "$-1\r\n"), "%s", names[i]);
    }
    cr_expect(eq(str,
                 bench_eval(&b, "local n = 0 for k in pairs(os) do n = n + 1 end "
                                "return {n, type(os.clock())}"),
                 "*2\r\n:1\r\n$6\r\nnumber\r\n"));
    bench_close(&b);
}

// Whatever a script does to the world, the next one finds it as it was.
Test(script_sandbox, nothing_survives_a_script)
{
    static const char *const attempts[] = {
        "rawset(_G, 'hole', 1)",
        "rawset(redis, 'hole', 1)",
        "table.insert(redis, 1)",
        "table.insert(redis, 1, 1)",
        "table.insert(_G, 1)",
        "setmetatable(_G, nil)",
        "setmetatable(redis, {__index = {hole = 1}})",
        "setmetatable(string, {__index = {hole = 1}})",
        "getmetatable('').__index = {hole = 1}",
        "getmetatable('').hole = 1",
        "rawset(getmetatable(''), '__index', {hole = 1})",
        "getmetatable(_G).__index = {hole = 1}",
        "rawset(getmetatable(_G), '__index', {hole = 1})",
        "getmetatable(_G).__newindex = rawset",
        "setmetatable(getmetatable(_G), {})",
        "setmetatable(getmetatable(''), {})",
        "local f, s = pairs(redis) s.hole = 1",
        "local f, s = pairs(redis) rawset(s, 'hole', 1)",
        "local f, s = ipairs(redis) rawset(s, 'hole', 1)",
        "table.foreach(_G, function(k, v) if type(v) == 'table' then rawset(v, 'hole', 1) end end)",
        "for k, v in pairs(_G) do if type(v) == 'table' then pcall(rawset, v, 'hole', 1) end end",
        "string.gsub('x', 'x', setmetatable({}, {__index = redis})) redis.hole = 1",
        "table.sort(redis, function() end) table.remove(redis, 1) table.setn(redis, 1)",
        "hole = 1",
        "_G.hole = 1",
        "_G._G = {}",
        "redis.call = nil",
        "loadstring('hole = 1')()",
        "coroutine.wrap(function() hole = 1 end)()",
        "string = nil",
        "string.rep = nil",
        "cjson.null = 1",
        "local mt = getmetatable(redis) mt.__index = nil",
        "xpcall(function() return hole end, function(e) _G.hole = 1 end)",
        "select(2, next(_G)).hole = 1",
    };
    static const char check[] =
        "local n = 0 for _, t in pairs({_G, redis, string, math, table, cjson, cmsgpack, struct, "
        "bit, coroutine, os}) do if rawget(t, 'hole') or rawget(t, 1) then n = n + 1 end end "
        "if pcall(function() return hole end) then n = n + 10 end "
        "if ('x').hole or redis.hole then n = n + 100 end "
        "if type(redis.call) ~= 'function' or ('x'):rep(2) ~= 'xx' then n = n + 1000 end "
        "if type(cjson.null) ~= 'userdata' then n = n + 10000 end return n";
    struct bench b;
    bench_open(&b, SCRIPT_KIND_EVAL);
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        bench_eval(&b, attempts[i]);
        cr_expect(eq(str, bench_eval(&b, check), ":0\r\n"), "%s", attempts[i]);
    }
    bench_close(&b);
}

// CVE-2024-31449, CVE-2020-14147, CVE-2015-8080, CVE-2018-11218, CVE-2018-11219, CVE-2025-46817,
// CVE-2022-24834 and their kin: numbers at the edges of int.
Test(script_sandbox, counts_at_the_edges_do_no_harm)
{
    static const struct bench_row rows[] = {
        { "return bit.tohex(65535, -2147483648)", "$8\r\n0000FFFF\r\n" },
        { "return bit.tohex(65535, 2147483647)", "$8\r\n0000ffff\r\n" },
        { "return struct.pack('>I2147483648', '10')",
          "-ERR user_script:1: integral size overflow @1\r\n" },
        { "return struct.unpack('c0', 'abc', -2147483648)",
          "-ERR user_script:1: bad argument #2 to 'unpack' (data string too short) @1\r\n" },
        { "return struct.unpack('I4294967295', 'abc')",
          "-ERR user_script:1: integral size overflow @1\r\n" },
        { "return struct.unpack('lc0', string.rep('\\255', 8) .. 'abc')",
          "-ERR user_script:1: bad argument #2 to 'unpack' (data string too short) @1\r\n" },
        { "return #struct.pack('!2147483648 i')",
          "-ERR user_script:1: integral size overflow @1\r\n" },
        { "return cmsgpack.unpack('\\222\\255\\255')",
          "-ERR user_script:1: Missing bytes in input. @1\r\n" },
        { "return cmsgpack.unpack('\\223\\255\\255\\255\\255')",
          "-ERR user_script:1: Missing bytes in input. @1\r\n" },
        { "return cmsgpack.unpack('\\219\\255\\255\\255\\255abc')",
          "-ERR user_script:1: Missing bytes in input. @1\r\n" },
        { "return cmsgpack.unpack_one('abc', 2147483647)",
          "-ERR user_script:1: Start offset 2147483647 greater than input length 3. @1\r\n" },
        { "return unpack({}, 0, 2147483647)",
          "-ERR user_script:1: too many results to unpack @1\r\n" },
        { "return unpack({}, -2147483648, 2147483647)",
          "-ERR user_script:1: too many results to unpack @1\r\n" },
        { "local c = cjson.new() c.encode_sparse_array(true, 0) "
          "return c.encode({[2147483647] = 1})",
          "-ERR user_script:1: Cannot serialise, result is too large @1\r\n" },
        { "local s = string.rep('\\0', 1024 * 1024) local t = {} for i = 1, 400 do t[i] = s end "
          "return cjson.encode(t)",
          "-ERR user_script:1: Cannot serialise, result is too large @1\r\n" },
        { "local s = string.rep('x', 1024 * 1024) local t = {} for i = 1, 600 do t[i] = s end "
          "return cmsgpack.pack(t)",
          "-ERR user_script:1: result is too large @1\r\n" },
        { "return string.rep('', 2147483647)", "$0\r\n\r\n" },
        { "return string.format('%1000d', 1)",
          "-ERR user_script:1: invalid format (width or precision too long) @1\r\n" },
    };
    BENCH_ROWS(rows, 2);
}

// The chunk's name is the parser's only, while it asks for memory again and again (CVE-2025-49844).
Test(script_sandbox, the_parser_is_not_collected_under_its_feet)
{
    struct bench b;
    bench_open(&b, SCRIPT_KIND_EVAL);
    for (int i = 0; i < 20; i++) {
        char *wire = bench_eval(
            &b, "collectgarbage('setpause', 1) local s = {} for i = 1, 300 do "
                "s[#s + 1] = 'local v' .. i % 150 .. ' = \"' .. string.rep('y', i) .. '\"' end "
                "local text = 'do ' .. table.concat(s, ' end do ') .. ' end return ('  "
                "local f, e = loadstring(text, '=' .. string.rep('n', 40) .. math.random(1000)) "
                "collectgarbage() return {tostring(f), e:sub(1, 3)}");
        cr_expect(eq(str, wire, "*2\r\n$3\r\nnil\r\n$3\r\nnnn\r\n"));
    }
    bench_close(&b);
}
