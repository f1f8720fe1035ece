// Expected replies are those of a real server.
#include "tests/unit/script/script_bench.h"

Test(script_text, compiles_text_and_never_bytecode)
{
    static const struct bench_row rows[] = {
        { "return (", "-ERR Error compiling script (new function): user_script:1: unexpected "
                      "symbol near '<eof>'\r\n" },
        { "return {tostring(loadstring(string.dump(function() return 1 end))), "
          "select(2,loadstring(string.dump(function() return 1 end)))}",
          "*2\r\n$3\r\nnil\r\n$53\r\n[string \"\033LuaQ\"]:1: unexpected symbol near "
          "'char(27)'\r\n" },
        { "return {select(2,loadstring(string.dump(function() return 1 end),'zz'))}",
          "*1\r\n$50\r\n[string \"zz\"]:1: unexpected symbol near 'char(27)'\r\n" },
        { "return {select(2,loadstring('\\27Lua'))}",
          "*1\r\n$52\r\n[string \"\033Lua\"]:1: unexpected symbol near 'char(27)'\r\n" },
        { "return {select(2,loadstring('\\27Lua','=x'))}",
          "*1\r\n$38\r\nx:1: unexpected symbol near 'char(27)'\r\n" },
        { "return {select(2,load(function() return {} end))}",
          "*1\r\n$51\r\nuser_script:1: reader function must return a string\r\n" },
        { "return {select(2,load(function() error('boo') end))}",
          "*1\r\n$18\r\nuser_script:1: boo\r\n" },
        { "return {select(2,load('x'))}",
          "-ERR user_script:1: bad argument #1 to 'load' (function expected, got string) @1\r\n" },
        { "return {select(2,load(function() return nil end,'=foo'))==nil and 1 or 2}",
          "*1\r\n:1\r\n" },
        { "local i=0 return {select(2,load(function() i=i+1 return ({'\\27','Lua'})[i] end))}",
          "*1\r\n$43\r\n(load):1: unexpected symbol near 'char(27)'\r\n" },
        { "local i=0 return {load(function() i=i+1 return ({'return ','1','+41','','x'})[i] "
          "end)()}",
          "*1\r\n:42\r\n" },
        { "return {loadstring('return 5')()}", "*1\r\n:5\r\n" },
        { "return {select(2,loadstring('return ('))}",
          "*1\r\n$53\r\n[string \"return (\"]:1: unexpected symbol near '<eof>'\r\n" },
        { "return {select(2,loadstring('x=','=name'))}",
          "*1\r\n$38\r\nname:1: unexpected symbol near '<eof>'\r\n" },
        { "return loadstring()", "-ERR user_script:1: bad argument #1 to 'loadstring' (string "
                                 "expected, got no value) @1\r\n" },
        { "local x <const> = 5", "-ERR Error compiling script (new function): user_script:1: "
                                 "unexpected symbol near '<'\r\n" },
        { "goto x",
          "-ERR Error compiling script (new function): user_script:1: '=' expected near 'x'\r\n" },
    };
    BENCH_ROWS(rows, 2);
}
