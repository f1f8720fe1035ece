#include "tests/unit/script/script_bench.h"

static struct script *add(struct bench *b, const char *text)
{
    struct bytes error;
    struct script *script = script_add(b->host, bytes_text(text), &error);
    cr_assert(script != NULL);
    return script;
}

Test(script_cache, finds_by_text_and_by_sha)
{
    struct bench b;
    bench_open(&b, SCRIPT_KIND_EVAL);
    cr_expect(script_find_body(b.host, BYTES_LITERAL("return 1")) == NULL);
    struct script *one = add(&b, "return 1"), *two = add(&b, "#!lua flags=no-writes\nreturn 2");
    cr_expect(one != two);
    cr_expect(add(&b, "return 1") == one);
    cr_expect(script_find_body(b.host, BYTES_LITERAL("return 1")) == one);
    cr_expect(script_find_sha(b.host, bytes_make(two->sha, SCRIPT_SHA_CHARS)) == two);
    cr_expect(script_find_sha(b.host, bytes_make(two->sha, 39)) == NULL);
    cr_expect(script_find_sha(b.host, bytes_make(two->sha, 0)) == NULL);
    cr_expect(eq(u32, one->flags, SCRIPT_COMPATIBLE));
    cr_expect(eq(u32, two->flags, SCRIPT_NO_WRITES));
    cr_expect(eq(u64, one->user, 0));
    cr_expect(eq(sz, one->body.size, 8));
    bench_close(&b);
}

Test(script_cache, finds_a_sha_in_any_case)
{
    struct bench b;
    char upper[SCRIPT_SHA_CHARS];
    bench_open(&b, SCRIPT_KIND_EVAL);
    struct script *script = add(&b, "return 'some text, for letters in its sum'");
    for (int i = 0; i < SCRIPT_SHA_CHARS; i++) {
        char c = script->sha[i];
        upper[i] = (char)(c >= 'a' && c <= 'f' ? c - 32 : c);
    }
    cr_expect(memcmp(upper, script->sha, SCRIPT_SHA_CHARS) != 0);
    cr_expect(script_find_sha(b.host, bytes_make(upper, SCRIPT_SHA_CHARS)) == script);
    bench_close(&b);
}

Test(script_cache, forgets_what_is_dropped)
{
    struct bench b;
    struct script_memory before, after;
    bench_open(&b, SCRIPT_KIND_EVAL);
    add(&b, "return 0");
    script_host_memory(b.host, &before);
    struct script *script = add(&b, "return 1");
    cr_expect(eq(str, bench_eval(&b, "return 1"), ":1\r\n"));
    script_drop(b.host, script);
    cr_expect(script_find_body(b.host, BYTES_LITERAL("return 1")) == NULL);
    script_host_memory(b.host, &after);
    cr_expect(eq(u64, after.cached_bytes, before.cached_bytes));
    cr_expect(eq(u64, after.count, 1));
    cr_expect(eq(str, bench_eval(&b, "return 1"), ":1\r\n"));
    bench_close(&b);
}

Test(script_cache, holds_thousands_and_shrinks_by_slices)
{
    enum { COUNT = 3000 };
    struct bench b;
    struct script_memory memory;
    char text[64];
    bench_open(&b, SCRIPT_KIND_EVAL);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "return %d + #KEYS", i);
        add(&b, text);
    }
    for (int i = 0; i < COUNT; i += 7) {
        snprintf(text, sizeof text, "return %d + #KEYS", i);
        struct script *script = script_find_body(b.host, bytes_text(text));
        cr_assert(script != NULL);
        cr_assert(script_find_sha(b.host, bytes_make(script->sha, SCRIPT_SHA_CHARS)) == script);
    }
    script_host_memory(b.host, &memory);
    cr_expect(eq(u64, memory.count, COUNT));
    uint64_t full = memory.vm_bytes;
    int slices = 1;
    while (!script_host_shrink(b.host)) slices++;
    cr_expect(gt(int, slices, COUNT / 128));
    script_host_memory(b.host, &memory);
    cr_expect(eq(u64, memory.count, 0));
    cr_expect(lt(u64, memory.vm_bytes, full / 2));
    bench_close(&b);
}

Test(script_cache, says_why_a_script_does_not_compile)
{
    struct bench b;
    bench_open(&b, SCRIPT_KIND_EVAL);
    cr_expect(eq(str, bench_eval(&b, "return ("),
                 "-ERR Error compiling script (new function): user_script:1: unexpected symbol "
                 "near '<eof>'\r\n"));
    cr_expect(eq(str, bench_eval(&b, "#!lua\n\nx x"),
                 "-ERR Error compiling script (new function): user_script:3: '=' expected near "
                 "'x'\r\n"));
    cr_expect(eq(str, bench_eval(&b, "\033Lua"),
                 "-ERR Error compiling script (new function): user_script:1: unexpected symbol "
                 "near 'char(27)'\r\n"));
    cr_expect(eq(str, bench_eval(&b, "#!lua flags=no-writes,foo\nreturn 1"),
                 "-ERR Unexpected flag in script shebang: foo\r\n"));
    bench_close(&b);
}
