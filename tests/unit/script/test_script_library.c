#include "tests/unit/script/script_bench.h"

static struct script_library *load(struct bench *b, const char *code)
{
    struct bytes error;
    struct script_library *library = script_library_load(b->host, bytes_text(code), &error);
    if (library) return library;
    memcpy(b->wire, error.data, error.size);
    b->wire[error.size] = '\0';
    return NULL;
}

static char *call(struct bench *b, const struct script_library *library, const char *name)
{
    struct bytes key = BYTES_LITERAL("k"), arg = BYTES_LITERAL("a");
    struct script_call call = {
        .keys = &key, .key_count = 1, .args = &arg, .arg_count = 1, .reply = &b->reply
    };
    for (uint32_t i = 0; i < library->function_count; i++)
        if (bytes_equal(library->functions[i].name, bytes_text(name)))
            b->end = script_function_run(b->host, &library->functions[i], &call);
    return bench_wire(b);
}

Test(script_library, registers_functions_in_both_ways)
{
    struct bench b;
    bench_open(&b, SCRIPT_KIND_FUNCTIONS);
    struct script_library *l = load(
        &b, "\nredis.register_function('f', function(keys, args) return {keys[1], args[1]} end)"
            "\nredis.register_function{function_name = 'g', callback = function() return 2 end, "
            "description = 'two', flags = {'no-writes', 'allow-oom'}}");
    cr_assert(l != NULL);
    cr_assert(eq(u32, l->function_count, 2));
    cr_expect(bytes_equal(l->functions[0].name, BYTES_LITERAL("f")));
    cr_expect(l->functions[0].description.data == NULL);
    cr_expect(eq(u32, l->functions[0].flags, 0));
    cr_expect(bytes_equal(l->functions[1].description, BYTES_LITERAL("two")));
    cr_expect(eq(u32, l->functions[1].flags, SCRIPT_NO_WRITES | SCRIPT_ALLOW_OOM));
    cr_expect(l->functions[1].library == l);
    cr_expect(eq(str, call(&b, l, "f"), "*2\r\n$1\r\nk\r\n$1\r\na\r\n"));
    cr_expect(eq(str, call(&b, l, "g"), ":2\r\n"));
    script_library_drop(b.host, l);
    bench_close(&b);
}

struct error_row {
    const char *code, *error;
};

#define REGISTERING "ERR Error registering functions: ERR "

Test(script_library, says_what_is_wrong_with_a_registration)
{
    static const struct error_row rows[] = {
        { "redis.register_function('f', 1)",
          REGISTERING "second argument to redis.register_function must be a function" },
        { "redis.register_function('f')", REGISTERING
          "calling redis.register_function with a single argument is only applicable to "
          "Lua table (representing named arguments)." },
        { "redis.register_function()",
          REGISTERING "wrong number of arguments to redis.register_function" },
        { "redis.register_function('f', function() end, 1)",
          REGISTERING "wrong number of arguments to redis.register_function" },
        { "redis.register_function({}, function() end)",
          REGISTERING "first argument to redis.register_function must be a string" },
        { "redis.register_function{}",
          REGISTERING "redis.register_function must get a function name argument" },
        { "redis.register_function{function_name = 'f'}",
          REGISTERING "redis.register_function must get a callback argument" },
        { "redis.register_function{function_name = 'f', callback = 1}",
          REGISTERING "callback argument given to redis.register_function must be a function" },
        { "redis.register_function{function_name = {}}",
          REGISTERING "function_name argument given to redis.register_function must be a string" },
        { "redis.register_function{description = {}}",
          REGISTERING "description argument given to redis.register_function must be a string" },
        { "redis.register_function{flags = 1}",
          REGISTERING "flags argument to redis.register_function must be a table representing "
                      "function flags" },
        { "redis.register_function{flags = {'x'}}", REGISTERING "unknown flag given" },
        { "redis.register_function{flags = {1}}", REGISTERING "unknown flag given" },
        { "redis.register_function{x = 1}",
          REGISTERING "unknown argument given to redis.register_function" },
        { "redis.register_function{1}",
          REGISTERING "unknown argument given to redis.register_function" },
        { "redis.register_function{[{}] = 1}",
          REGISTERING "named argument key given to redis.register_function is not a string" },
        { "redis.register_function('f-', function() end)",
          REGISTERING "Library names can only contain letters, numbers, or underscores(_) and must "
                      "be at least one character long" },
        { "local f = function() end redis.register_function('f', f) "
          "redis.register_function('f', f)",
          REGISTERING "Function already exists in the library" },
    };
    struct bench b;
    bench_open(&b, SCRIPT_KIND_FUNCTIONS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect(load(&b, rows[i].code) == NULL);
        cr_expect(eq(str, b.wire, (char *)rows[i].error), "%s", rows[i].code);
    }
    bench_close(&b);
}

Test(script_library, knows_little_while_it_is_loaded)
{
    static const struct error_row rows[] = {
        { "\nreturn (",
          "ERR Error compiling function: user_function:2: unexpected symbol near '<eof>'" },
        { "\nredis.call('ping')", REGISTERING "user_function:2: Script attempted to access "
                                              "nonexistent global variable 'call'" },
        { "\nx = 1", REGISTERING "user_function:2: Attempt to modify a readonly table" },
        { "\nredis.x = 1", REGISTERING "user_function:2: Attempt to modify a readonly table" },
        { "\nlocal m = math", REGISTERING "user_function:2: Script attempted to access nonexistent "
                                          "global variable 'math'" },
        { "return 1", "ERR No functions registered" },
        { "redis.log(1)", REGISTERING "redis.log() requires two arguments or more." },
        { "while true do end", REGISTERING "Script killed by user with SCRIPT KILL..." },
    };
    struct bench b;
    bench_open(&b, SCRIPT_KIND_FUNCTIONS);
    b.polls_allowed = 20;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        b.polls = 0;
        cr_expect(load(&b, rows[i].code) == NULL);
        cr_expect(eq(str, b.wire, (char *)rows[i].error), "%s", rows[i].code);
    }
    b.polls = 0;
    struct script_library *l = load(&b, "redis.log(redis.LOG_NOTICE, redis.REDIS_VERSION) "
                                        "redis.register_function('f', function() return 1 end)");
    cr_assert(l != NULL);
    cr_expect(eq(str, b.log, "2:7.2.4;"));
    bench_close(&b);
}

Test(script_library, has_the_world_while_it_runs)
{
    static const struct error_row rows[] = {
        { "return math.floor(2.5) + #redis.call('echo', 'xy')", ":4\r\n" },
        { "return redis.call('bad')", "-WRONGTYPE no such fake @f:1\r\n" },
        { "return KEYS", "-ERR user_function:1: Script attempted to access nonexistent global "
                         "variable 'KEYS' @f:1\r\n" },
        { "x = 1", "-ERR user_function:1: Attempt to modify a readonly table @f:1\r\n" },
        { "redis.register_function('g', function() end)",
          "-ERR user_function:1: attempt to call field 'register_function' (a nil value) "
          "@f:1\r\n" },
        { "return loadstring('return redis.call(\"echo\", \"z\")')()", "$1\r\nz\r\n" },
        { "return tostring(redis.breakpoint) .. tostring(redis.replicate_commands)",
          "$6\r\nnilnil\r\n" },
        { "local r = {} for k in pairs(_G) do r[#r + 1] = k end table.sort(r) "
          "return table.concat(r, ' ')",
          "$242\r\n_G _VERSION assert bit cjson cmsgpack collectgarbage coroutine error gcinfo "
          "getmetatable ipairs load loadstring math next os pairs pcall rawequal rawget rawset "
          "redis select setmetatable string struct table tonumber tostring type unpack "
          "xpcall\r\n" },
        { "while true do pcall(error) end",
          "-ERR Script killed by user with SCRIPT KILL... @f:1\r\n" },
    };
    struct bench b;
    char code[1024];
    bench_open(&b, SCRIPT_KIND_FUNCTIONS);
    b.polls_allowed = 20;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(code, sizeof code, "redis.register_function('f', function() %s end)",
                 rows[i].code);
        b.polls = 0;
        struct script_library *l = load(&b, code);
        cr_assert(l != NULL, "%s", b.wire);
        cr_expect(eq(str, call(&b, l, "f"), (char *)rows[i].error), "%s", rows[i].code);
        script_library_drop(b.host, l);
    }
    bench_close(&b);
}

Test(script_library, keeps_its_own_state_from_call_to_call)
{
    struct bench b;
    bench_open(&b, SCRIPT_KIND_FUNCTIONS);
    struct script_library *l =
        load(&b, "local n = 0 local api = redis "
                 "redis.register_function('up', function() n = n + 1 return n end) "
                 "redis.register_function('late', function() "
                 "return api.register_function('x', function() end) end)");
    struct script_library *other = load(&b, "local n = 10 redis.register_function('up', function() "
                                            "n = n + 1 return n end)");
    cr_assert(l != NULL && other != NULL);
    cr_expect(eq(str, call(&b, l, "up"), ":1\r\n"));
    cr_expect(eq(str, call(&b, l, "up"), ":2\r\n"));
    cr_expect(eq(str, call(&b, other, "up"), ":11\r\n"));
    cr_expect(eq(str, call(&b, l, "late"),
                 "-ERR redis.register_function can only be called on FUNCTION LOAD command "
                 "@late:1\r\n"));
    script_library_drop(b.host, l);
    cr_expect(eq(str, call(&b, other, "up"), ":12\r\n"));
    bench_close(&b);
}

Test(script_library, a_coroutine_of_an_ended_run_does_no_harm_to_the_next)
{
    struct bench b;
    bench_open(&b, SCRIPT_KIND_FUNCTIONS);
    struct script_library *l =
        load(&b, "local kept = {} "
                 "redis.register_function('hang', function() while true do pcall(function() "
                 "kept[1] = coroutine.create(function() for i = 1, 1e6 do end "
                 "coroutine.yield(7) return 8 end) coroutine.resume(kept[1]) end) end end) "
                 "redis.register_function('go', function() "
                 "local co = coroutine.wrap(function() for i = 1, 1e5 do end return 5 end) "
                 "if kept[1] then pcall(coroutine.resume, kept[1]) end return co() end)");
    cr_assert(l != NULL, "%s", b.wire);
    for (int i = 0; i < 5; i++) {
        b.polls = 0;
        b.polls_allowed = 150;
        call(&b, l, "hang");
        cr_expect(eq(int, b.end, SCRIPT_KILLED));
        b.polls_allowed = 1000000;
        cr_expect(eq(str, call(&b, l, "go"), ":5\r\n"));
        cr_expect(eq(int, b.end, SCRIPT_RETURNED));
    }
    bench_close(&b);
}

Test(script_library, counts_libraries_and_shrinks)
{
    struct bench b;
    struct script_memory memory;
    bench_open(&b, SCRIPT_KIND_FUNCTIONS);
    for (int i = 0; i < 50; i++) load(&b, "redis.register_function('f', function() return 1 end)");
    script_host_memory(b.host, &memory);
    cr_expect(eq(u64, memory.count, 50));
    while (!script_host_shrink(b.host)) {
    }
    script_host_memory(b.host, &memory);
    cr_expect(eq(u64, memory.count, 0));
    bench_close(&b);
}
