// Replies and error texts as recorded from redis-server 7.0.15, where nothing else is said.
#include "dataplane/cmd/script_cache.h"
#include "tests/unit/cmd/harness.h"

#define LIB                                                                                        \
    "#!lua name=lib\\n"                                                                            \
    "redis.register_function('f', function(k,a) return redis.call('set',k[1],a[1]) end)\\n"        \
    "redis.register_function{function_name='g', callback=function(k,a) return "                    \
    "redis.call('get',k[1]) end, flags={'no-writes'}, description='ddd'}"

static void load(struct harness *h, const char *code)
{
    char command[2048];
    snprintf(command, sizeof command, "FUNCTION LOAD \"%s\"", code);
    cr_assert(eq(int, harness_run(h, command)[0], '$'), "%s", h->wire);
}

Test(cmd_function, calls_functions_of_a_library)
{
    struct harness *h = harness_open();
    EXPECT_REPLY(h, "FCALL f 1 k v", "-ERR Function not found\r\n");
    EXPECT_REPLY(h, "FUNCTION LOAD \"" LIB "\"", "$3\r\nlib\r\n");
    cr_expect(eq(int, strncmp(h->effects, "FUNCTION LOAD #!lua name=lib", 28), 0));
    EXPECT_REPLY(h, "FCALL f 1 k v", "+OK\r\n");
    cr_expect(eq(str, h->effects, "set k v;"));
    EXPECT_REPLY(h, "FCALL F 1 k w", "+OK\r\n");
    EXPECT_REPLY(h, "FCALL g 1 k", "$1\r\nw\r\n");
    EXPECT_REPLY(h, "FCALL_RO g 1 k", "$1\r\nw\r\n");
    EXPECT_REPLY(h, "FCALL_RO f 1 k v",
                 "-ERR Can not execute a script with write flag using *_ro command.\r\n");
    EXPECT_REPLY(h, "FCALL f x", "-ERR Bad number of keys provided\r\n");
    EXPECT_REPLY(h, "FCALL f 3 a", "-ERR Number of keys can't be greater than number of args\r\n");
    EXPECT_REPLY(h, "FCALL f -1", "-ERR Number of keys can't be negative\r\n");
    EXPECT_REPLY(h, "FUNCTION DELETE nosuch", "-ERR Library not found\r\n");
    EXPECT_REPLY(h, "FUNCTION DELETE LIB", "-ERR Library not found\r\n");
    EXPECT_REPLY(h, "FUNCTION DELETE lib", "+OK\r\n");
    cr_expect(eq(str, h->effects, "FUNCTION DELETE lib;"));
    EXPECT_REPLY(h, "FCALL f 1 k v", "-ERR Function not found\r\n");
    harness_close(h);
}

Test(cmd_function, refuses_libraries_that_make_no_sense)
{
    static const struct {
        const char *code, *expected;
    } cases[] = {
        { "x", "-ERR Missing library metadata\r\n" },
        { "#!lua nme=lib2\\nx", "-ERR Invalid metadata value given: nme=lib2\r\n" },
        { "#!foo name=lib2\\nx", "-ERR Engine 'foo' not found\r\n" },
        { "#!lua name=a-b\\nx",
          "-ERR Library names can only contain letters, numbers, or underscores(_) and must be at "
          "least one character long\r\n" },
        { "#!lua name=lib3\\nx",
          "-ERR Error compiling function: user_function:2: '=' expected near '<eof>'\r\n" },
        { "#!lua name=lib3\\nreturn 1", "-ERR No functions registered\r\n" },
        { "#!lua name=lib\\nredis.register_function('n', function() end)",
          "-ERR Library 'lib' already exists\r\n" },
        { "#!lua name=lib2\\nredis.register_function('F', function() end)",
          "-ERR Function F already exists\r\n" },
    };
    struct harness *h = harness_open();
    load(h, LIB);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char command[512];
        snprintf(command, sizeof command, "FUNCTION LOAD \"%s\"", cases[i].code);
        EXPECT_REPLY(h, command, cases[i].expected);
        cr_expect(eq(str, h->effects, ""));
    }
    EXPECT_REPLY(h, "FUNCTION LOAD foo x", "-ERR Unknown option given: foo\r\n");
    EXPECT_REPLY(h, "FUNCTION LOAD replace", "-ERR Missing library metadata\r\n");
    EXPECT_REPLY(h, "FUNCTION STATS",
                 "*4\r\n$14\r\nrunning_script\r\n$-1\r\n$7\r\nengines\r\n*2\r\n$3\r\nLUA\r\n"
                 "*4\r\n$15\r\nlibraries_count\r\n:1\r\n$15\r\nfunctions_count\r\n:2\r\n");
    harness_close(h);
}

Test(cmd_function, replaces_a_library_or_keeps_it)
{
    struct harness *h = harness_open();
    load(h, LIB);
    load(h, "#!lua name=other\\nredis.register_function('o', function() return 'o' end)");
    EXPECT_REPLY(h,
                 "FUNCTION LOAD REPLACE \"#!lua name=lib\\nredis.register_function('o', "
                 "function() end)\"",
                 "-ERR Function o already exists\r\n");
    EXPECT_REPLY(h, "FCALL f 1 k v", "+OK\r\n");
    EXPECT_REPLY(h,
                 "FUNCTION LOAD replace REPLACE \"#!LUA name=lib\\nredis.register_function('f', "
                 "function() return 'new' end)\"",
                 "$3\r\nlib\r\n");
    EXPECT_REPLY(h, "FCALL f 0", "$3\r\nnew\r\n");
    EXPECT_REPLY(h, "FCALL g 1 k", "-ERR Function not found\r\n");
    harness_close(h);
}

#define FUNCTION_F                                                                                 \
    "*6\r\n$4\r\nname\r\n$1\r\nf\r\n$11\r\ndescription\r\n$-1\r\n$5\r\nflags\r\n*0\r\n"
#define FUNCTION_G                                                                                 \
    "*6\r\n$4\r\nname\r\n$1\r\ng\r\n$11\r\ndescription\r\n$3\r\nddd\r\n$5\r\nflags\r\n"            \
    "*1\r\n+no-writes\r\n"
#define LIB_HEAD                                                                                   \
    "$12\r\nlibrary_name\r\n$3\r\nlib\r\n$6\r\nengine\r\n$3\r\nLUA\r\n$9\r\nfunctions\r\n*2\r\n"

Test(cmd_function, lists_libraries)
{
    struct harness *h = harness_open();
    EXPECT_REPLY(h, "FUNCTION LIST", "*0\r\n");
    load(h, LIB);
    EXPECT_REPLY(h, "FUNCTION LIST", "*1\r\n*6\r\n" LIB_HEAD FUNCTION_F FUNCTION_G);
    EXPECT_REPLY(h, "FUNCTION LIST LIBRARYNAME L?B", "*1\r\n*6\r\n" LIB_HEAD FUNCTION_F FUNCTION_G);
    EXPECT_REPLY(h, "FUNCTION LIST LIBRARYNAME no*", "*0\r\n");
    harness_run(h, "FUNCTION LIST WITHCODE LIBRARYNAME l*");
    cr_expect(eq(int, strncmp(h->wire, "*1\r\n*8\r\n" LIB_HEAD, 20), 0));
    cr_expect(ne(ptr, strstr(h->wire, "library_code\r\n$"), NULL));
    EXPECT_REPLY(h, "FUNCTION LIST LIBRARYNAME", "-ERR library name argument was not given\r\n");
    EXPECT_REPLY(h, "FUNCTION LIST foo", "-ERR Unknown argument foo\r\n");
    EXPECT_REPLY(h, "FUNCTION LIST withcode withcode", "-ERR Unknown argument withcode\r\n");
    harness_run(h, "HELLO 3");
    cr_expect(eq(int, strncmp(harness_run(h, "FUNCTION LIST"), "*1\r\n%3\r\n", 8), 0));
    cr_expect(ne(ptr, strstr(h->wire, "~1\r\n+no-writes"), NULL));
    harness_close(h);
}

Test(cmd_function, flush_drops_all)
{
    struct harness *h = harness_open();
    static const char *const modes[] = { "FUNCTION FLUSH", "FUNCTION FLUSH SYNC",
                                         "FUNCTION FLUSH async" };
    for (size_t i = 0; i < 3; i++) {
        load(h, LIB);
        EXPECT_REPLY(h, modes[i], "+OK\r\n");
        cr_expect(eq(int, strncmp(h->effects, "FUNCTION FLUSH", 14), 0));
        EXPECT_REPLY(h, "FUNCTION LIST", "*0\r\n");
        EXPECT_REPLY(h, "FCALL f 1 k v", "-ERR Function not found\r\n");
    }
    EXPECT_REPLY(h, "FUNCTION FLUSH foo",
                 "-ERR FUNCTION FLUSH only supports SYNC|ASYNC option\r\n");
    EXPECT_REPLY(h, "FUNCTION flush sync x",
                 "-ERR unknown subcommand or wrong number of arguments for 'flush'. Try FUNCTION "
                 "HELP.\r\n");
    harness_close(h);
}

// ---- DUMP and RESTORE

static struct bytes dump(struct harness *h)
{
    harness_run(h, "FUNCTION DUMP");
    cr_assert(eq(int, h->wire[0], '$'));
    char *at;
    size_t size = (size_t)strtol(h->wire + 1, &at, 10);
    uint8_t *copy = malloc(size);
    memcpy(copy, at + 2, size);
    return bytes_make(copy, size);
}

static const char *restore(struct harness *h, struct bytes payload, const char *how)
{
    const struct bytes words[] = { BYTES_LITERAL("FUNCTION"), BYTES_LITERAL("RESTORE"), payload,
                                   bytes_text(how) };
    return harness_run_args(h, words, *how ? 4 : 3);
}
#define EXPECT_RESTORE(h, payload, how, expected)                                                  \
    cr_expect(eq(str, (char *)restore((h), (payload), (how)), (char *)(expected)))

Test(cmd_function, dump_is_restored)
{
    struct harness *h = harness_open();
    load(h, LIB);
    load(h, "#!lua name=other\\nredis.register_function('o', function() return 'o' end)");
    struct bytes payload = dump(h);
    EXPECT_RESTORE(h, payload, "", "-ERR Library lib already exists\r\n");
    EXPECT_RESTORE(h, payload, "append", "-ERR Library lib already exists\r\n");
    cr_expect(eq(str, h->effects, ""));
    EXPECT_RESTORE(h, payload, "REPLACE", "+OK\r\n");
    EXPECT_RESTORE(h, payload, "flush", "+OK\r\n");
    harness_run(h, "FUNCTION FLUSH");
    EXPECT_RESTORE(h, payload, "", "+OK\r\n");
    cr_expect(eq(int, strncmp(h->effects, "FUNCTION RESTORE ", 17), 0));
    EXPECT_REPLY(h, "FCALL o 0", "$1\r\no\r\n");
    EXPECT_REPLY(h, "FCALL f 1 k v", "+OK\r\n");
    struct bytes again = dump(h);
    cr_expect(bytes_equal(payload, again));
    free((void *)(uintptr_t)again.data);
    free((void *)(uintptr_t)payload.data);
    harness_close(h);
}

Test(cmd_function, restore_changes_nothing_when_functions_collide)
{
    struct harness *h = harness_open();
    load(h, LIB);
    struct bytes payload = dump(h);
    harness_run(h, "FUNCTION FLUSH");
    load(h, "#!lua name=other\\nredis.register_function('G', function() return 'other' end)");
    EXPECT_RESTORE(h, payload, "replace", "-ERR Function g already exists\r\n");
    EXPECT_REPLY(h, "FCALL g 0", "$5\r\nother\r\n");
    EXPECT_REPLY(h, "FCALL f 1 k v", "-ERR Function not found\r\n");
    EXPECT_RESTORE(h, payload, "flush", "+OK\r\n");
    EXPECT_REPLY(h, "FCALL g 1 nosuch", "$-1\r\n");
    free((void *)(uintptr_t)payload.data);
    harness_close(h);
}

Test(cmd_function, restore_refuses_broken_payloads)
{
    static const char wrong[] = "-ERR DUMP payload version or checksum are wrong\r\n";
    struct harness *h = harness_open();
    load(h, LIB);
    struct bytes payload = dump(h);
    uint8_t *bytes = (uint8_t *)(uintptr_t)payload.data;
    harness_run(h, "FUNCTION FLUSH");
    for (size_t size = 0; size < payload.size; size++)
        EXPECT_RESTORE(h, bytes_make(bytes, size), "", wrong);
    for (size_t i = 0; i < payload.size; i++) {
        bytes[i] ^= 1;
        EXPECT_RESTORE(h, payload, "", wrong);
        bytes[i] ^= 1;
    }
    EXPECT_RESTORE(h, payload, "foo",
                   "-ERR Wrong restore policy given, value should be either FLUSH, APPEND or "
                   "REPLACE.\r\n");
    EXPECT_REPLY(h, "FUNCTION restore a b c",
                 "-ERR unknown subcommand or wrong number of arguments for 'restore'. Try FUNCTION "
                 "HELP.\r\n");
    // Whole, but of something else.
    bytes[0] = 0;
    store_le64(bytes + payload.size - 8, crc64(0, bytes, payload.size - 8));
    EXPECT_RESTORE(h, payload, "", "-ERR given type is not a function\r\n");
    bytes[0] = 246;
    store_le64(bytes + payload.size - 8, crc64(0, bytes, payload.size - 8));
    EXPECT_RESTORE(h, payload, "", "-ERR Pre-GA function format not supported\r\n");
    EXPECT_REPLY(h, "FUNCTION LIST", "*0\r\n");
    free(bytes);
    harness_close(h);
}

// Made by redis-server 7.0.15: FUNCTION DUMP of LIB and another library.
Test(cmd_function, restores_what_redis_dumped)
{
    static const uint8_t payload[] = {
        0xf5, 0xc3, 0x40, 0xa7, 0x40, 0xee, 0x1f, 0x23, 0x21, 0x6c, 0x75, 0x61, 0x20, 0x6e, 0x61,
        0x6d, 0x65, 0x3d, 0x6c, 0x69, 0x62, 0x0a, 0x72, 0x65, 0x64, 0x69, 0x73, 0x2e, 0x72, 0x65,
        0x67, 0x69, 0x73, 0x74, 0x65, 0x72, 0x5f, 0x66, 0x75, 0x0b, 0x6e, 0x63, 0x74, 0x69, 0x6f,
        0x6e, 0x28, 0x27, 0x66, 0x27, 0x2c, 0x20, 0xe0, 0x00, 0x0d, 0x0a, 0x6b, 0x2c, 0x61, 0x29,
        0x20, 0x72, 0x65, 0x74, 0x75, 0x72, 0x6e, 0x20, 0x06, 0x40, 0x31, 0x10, 0x63, 0x61, 0x6c,
        0x6c, 0x28, 0x27, 0x73, 0x65, 0x74, 0x27, 0x2c, 0x6b, 0x5b, 0x31, 0x5d, 0x2c, 0x61, 0x20,
        0x04, 0x05, 0x29, 0x20, 0x65, 0x6e, 0x64, 0x29, 0xe0, 0x0f, 0x52, 0x00, 0x7b, 0xc0, 0x4d,
        0x00, 0x5f, 0x60, 0x7c, 0x01, 0x27, 0x67, 0x20, 0x60, 0x40, 0x45, 0x04, 0x62, 0x61, 0x63,
        0x6b, 0x3d, 0xc0, 0x1b, 0xe0, 0x10, 0x69, 0x00, 0x67, 0xc0, 0x69, 0x60, 0x64, 0x20, 0x9a,
        0x1a, 0x6c, 0x61, 0x67, 0x73, 0x3d, 0x7b, 0x27, 0x6e, 0x6f, 0x2d, 0x77, 0x72, 0x69, 0x74,
        0x65, 0x73, 0x27, 0x7d, 0x2c, 0x20, 0x64, 0x65, 0x73, 0x63, 0x72, 0x69, 0x70, 0x40, 0xc0,
        0x06, 0x3d, 0x27, 0x64, 0x64, 0x64, 0x27, 0x7d, 0xf5, 0x40, 0x48, 0x23, 0x21, 0x6c, 0x75,
        0x61, 0x20, 0x6e, 0x61, 0x6d, 0x65, 0x3d, 0x6c, 0x69, 0x62, 0x32, 0x0a, 0x72, 0x65, 0x64,
        0x69, 0x73, 0x2e, 0x72, 0x65, 0x67, 0x69, 0x73, 0x74, 0x65, 0x72, 0x5f, 0x66, 0x75, 0x6e,
        0x63, 0x74, 0x69, 0x6f, 0x6e, 0x28, 0x27, 0x68, 0x27, 0x2c, 0x20, 0x66, 0x75, 0x6e, 0x63,
        0x74, 0x69, 0x6f, 0x6e, 0x28, 0x6b, 0x2c, 0x61, 0x29, 0x20, 0x72, 0x65, 0x74, 0x75, 0x72,
        0x6e, 0x20, 0x31, 0x20, 0x65, 0x6e, 0x64, 0x29, 0x0a, 0x00, 0x35, 0x3f, 0xbd, 0xcb, 0x43,
        0x3b, 0xb0, 0xde,
    };
    struct harness *h = harness_open();
    EXPECT_RESTORE(h, bytes_make(payload, sizeof payload), "", "+OK\r\n");
    EXPECT_REPLY(h, "FCALL f 1 k v", "+OK\r\n");
    EXPECT_REPLY(h, "FCALL g 1 k", "$1\r\nv\r\n");
    EXPECT_REPLY(h, "FCALL h 0", ":1\r\n");
    harness_close(h);
}

Test(cmd_function, tells_its_subcommands)
{
    struct harness *h = harness_open();
    static const char begin[] = "*21\r\n+FUNCTION <subcommand> [<arg> [value] [opt] ...]. Sub";
    cr_expect(eq(int, strncmp(harness_run(h, "FUNCTION HELP"), begin, strlen(begin)), 0), "%s",
              h->wire);
    EXPECT_REPLY(h, "FUNCTION nosuch", "-ERR unknown subcommand 'nosuch'. Try FUNCTION HELP.\r\n");
    harness_close(h);
}

Test(cmd_function, load_may_not_take_for_ever)
{
    struct harness *h = harness_open();
    harness_run(h, "FUNCTION LOAD \"#!lua name=slow\\nwhile true do end\"");
    cr_expect(ne(ptr, strstr(h->wire, "FUNCTION LOAD timeout"), NULL), "%s", h->wire);
    load(h, LIB);
    harness_close(h);
}

Test(cmd_function, are_found_among_many)
{
    struct harness *h = harness_open();
    char code[256], command[64], expected[32];
    for (int i = 0; i < 200; i++) {
        snprintf(code, sizeof code,
                 "#!lua name=lib%d\\nredis.register_function('f%d', function() return %d end)", i,
                 i, i);
        load(h, code);
    }
    for (int i = 0; i < 200; i += 2) {
        snprintf(command, sizeof command, "FUNCTION DELETE lib%d", i);
        EXPECT_REPLY(h, command, "+OK\r\n");
    }
    for (int i = 0; i < 200; i++) {
        snprintf(command, sizeof command, "FCALL F%d 0", i);
        snprintf(expected, sizeof expected, ":%d\r\n", i);
        EXPECT_REPLY(h, command, i % 2 ? expected : "-ERR Function not found\r\n");
    }
    struct scripts_memory m;
    scripts_measure(&h->server, &m);
    cr_expect(eq(u64, m.library_count, 100));
    cr_expect(eq(u64, m.function_count, 100));
    cr_expect(gt(u64, m.functions.cached_bytes, 100 * 100));
    harness_close(h);
}
