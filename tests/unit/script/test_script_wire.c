// What commands reply becomes Lua's: shown by a script that takes it apart.
#include "tests/unit/script/script_bench.h"

// A value as text: type(value), tables sorted by key.
static const char show[] =
    "local function s(v) if type(v) ~= 'table' then return type(v):sub(1, 3) .. ':' .. tostring(v) "
    "end local o = {} for k, x in pairs(v) do o[#o + 1] = tostring(k) .. '=' .. s(x) end "
    "table.sort(o) return '{' .. table.concat(o, ',') .. '}' end ";

struct wire_row {
    const char *wire, *value;
};

static void expect_values(const struct wire_row *rows, size_t count)
{
    struct bench b;
    char script[1024], expected[256];
    bench_open(&b, SCRIPT_KIND_EVAL);
    snprintf(script, sizeof script, "%s return s(redis.pcall('raw', ARGV[1]))", show);
    for (size_t i = 0; i < count; i++) {
        struct bytes arg = bytes_text(rows[i].wire);
        char *wire = bench_eval_with(&b, script, NULL, 0, &arg, 1);
        snprintf(expected, sizeof expected, "$%zu\r\n%s\r\n", strlen(rows[i].value), rows[i].value);
        cr_expect(eq(str, wire, expected), "%s", rows[i].wire);
    }
    bench_close(&b);
}

Test(script_wire, takes_every_type)
{
    static const struct wire_row rows[] = {
        { ":42\r\n", "num:42" },
        { ":-9223372036854775808\r\n", "num:-9.2233720368548e+18" },
        { "$5\r\nhello\r\n", "str:hello" },
        { "$0\r\n\r\n", "str:" },
        { "$-1\r\n", "boo:false" },
        { "*-1\r\n", "boo:false" },
        { "+OK\r\n", "{ok=str:OK}" },
        { "-ERR it\r\n", "{err=str:ERR it,ignore_error_stats_update=boo:true}" },
        { "-WORD\r\n", "{err=str:ERR WORD,ignore_error_stats_update=boo:true}" },
        { "*0\r\n", "{}" },
        { "*3\r\n:1\r\n$-1\r\n*1\r\n+x\r\n", "{1=num:1,2=boo:false,3={1={ok=str:x}}}" },
        { "*1\r\n-ERR in\r\n", "{1={err=str:ERR in,ignore_error_stats_update=boo:true}}" },
        { "_\r\n", "nil:nil" },
        { "#t\r\n", "boo:true" },
        { "#f\r\n", "boo:false" },
        { ",1.5\r\n", "{double=num:1.5}" },
        { ",inf\r\n", "{double=num:inf}" },
        { "(123456789012345678901234567890\r\n",
          "{big_number=str:123456789012345678901234567890}" },
        { "=7\r\ntxt:abc\r\n", "{verbatim_string={format=str:txt,string=str:abc}}" },
        { "%2\r\n$1\r\na\r\n:1\r\n:2\r\n_\r\n", "{map={a=num:1}}" },
        { "%1\r\n_\r\n:1\r\n", "{map={}}" },
        { "~2\r\n:5\r\n$1\r\nx\r\n", "{set={5=boo:true,x=boo:true}}" },
        { ">1\r\n:5\r\n", "{1=num:5}" },
        { "|1\r\n+ttl\r\n:5\r\n:7\r\n", "num:7" },
    };
    expect_values(rows, sizeof rows / sizeof *rows);
}

Test(script_wire, refuses_what_is_no_reply)
{
    static const char *const wires[] = {
        "",
        ":",
        ":\r\n",
        ":1",
        ":1x\r\n",
        ":1\n",
        "$",
        "$5\r\nab",
        "$5\r\nabcdefgh",
        "$-2\r\n",
        "$99999999999999999999\r\n",
        "*2\r\n:1\r\n",
        "*-2\r\n",
        "*99999999\r\n",
        "%1\r\n:1\r\n",
        "%-1\r\n",
        "~-1\r\n",
        "#x\r\n",
        "_x\r\n",
        "=2\r\nab\r\n",
        "=5\r\nab\r\n",
        "+OK",
        "-ERR",
        "?\r\n",
        ":1\r\n:2\r\n",
        "|1\r\n+a\r\n:1\r\n",
        "!5\r\nERR a\r\n",
    };
    struct bench b;
    bench_open(&b, SCRIPT_KIND_EVAL);
    for (size_t i = 0; i < sizeof wires / sizeof *wires; i++) {
        struct bytes arg = bytes_text(wires[i]);
        char *wire = bench_eval_with(&b, "return redis.pcall('raw', ARGV[1])", NULL, 0, &arg, 1);
        cr_expect(eq(str, wire, "-ERR the command's reply cannot be read\r\n"), "%s", wires[i]);
    }
    char deep[4 * 200 + 8] = "";
    for (int i = 0; i < 200; i++) strcat(deep, "*1\r\n");
    strcat(deep, ":1\r\n");
    struct bytes arg = bytes_text(deep);
    char *wire = bench_eval_with(&b, "return redis.pcall('raw', ARGV[1])", NULL, 0, &arg, 1);
    cr_expect(eq(str, wire, "-ERR the command's reply cannot be read\r\n"));
    bench_close(&b);
}

Test(script_wire, takes_replies_of_many_pieces_and_by_reference)
{
    struct bench b;
    bench_open(&b, SCRIPT_KIND_EVAL);
    cr_expect(eq(str, bench_eval(&b, "local t = redis.call('many') return {#t, t[1], t[10000]}"),
                 "*3\r\n:10000\r\n$1\r\n0\r\n$4\r\n9999\r\n"));
    cr_expect(
        eq(str, bench_eval(&b, "return redis.call('ref')"), "$20\r\na value by reference\r\n"));
    cr_expect(eq(u32, b.released, 1));
    bench_close(&b);
}

Test(script_wire, a_script_hands_on_what_it_got)
{
    static const struct bench_row rows[] = {
        { "redis.setresp(3) return redis.call('raw', '%1\\r\\n+a\\r\\n:1\\r\\n')",
          "%1\r\n+a\r\n:1\r\n" },
        { "redis.setresp(3) return redis.call('raw', '~1\\r\\n:7\\r\\n')", "~1\r\n:7\r\n" },
        { "redis.setresp(3) return redis.call('raw', ',1.25\\r\\n')", ",1.25\r\n" },
        { "redis.setresp(3) return redis.call('raw', '#t\\r\\n')", "#t\r\n" },
        { "return redis.call('raw', '#t\\r\\n')", ":1\r\n" },
        { "redis.setresp(3) return redis.call('raw', '_\\r\\n')", "_\r\n" },
        { "redis.setresp(3) return redis.call('raw', '(12\\r\\n')", "(12\r\n" },
        { "redis.setresp(3) return redis.call('raw', '=5\\r\\ntxt:a\\r\\n')", "=5\r\ntxt:a\r\n" },
        { "return redis.call('raw', '+a b\\r\\n')", "+a b\r\n" },
        { "return redis.pcall('raw', '-CODE b\\r\\n')", "-CODE b\r\n" },
    };
    BENCH_ROWS(rows, 3);
}
