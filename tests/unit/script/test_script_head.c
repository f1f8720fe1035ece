#include "tests/unit/script/script_bench.h"

struct shebang_row {
    const char *body;
    uint32_t flags;
    size_t skip;
    const char *error;
};

Test(script_head, reads_a_scripts_flags)
{
    static const struct shebang_row rows[] = {
        { "return 1", SCRIPT_COMPATIBLE, 0, NULL },
        { "", SCRIPT_COMPATIBLE, 0, NULL },
        { "#!lua\nreturn 1", 0, 5, NULL },
        { "#!lua flags=\nreturn 1", 0, 12, NULL },
        { "#!lua flags=no-writes,allow-oom\nx", SCRIPT_NO_WRITES | SCRIPT_ALLOW_OOM, 31, NULL },
        { "#!lua flags=no-writes flags=allow-stale\nx", SCRIPT_NO_WRITES | SCRIPT_ALLOW_STALE, 39,
          NULL },
        { "#!lua flags=no-cluster,allow-cross-slot-keys\nx",
          SCRIPT_NO_CLUSTER | SCRIPT_ALLOW_CROSS_SLOT_KEYS, 44, NULL },
        { "#!lua \"flags=no-writes\"\r\nx", SCRIPT_NO_WRITES, 24, NULL },
        { "#!lua", 0, 0, "ERR Invalid script shebang" },
        { "#!", 0, 0, "ERR Invalid script shebang" },
        { "#!\nx", 0, 0, "ERR Unexpected engine in script shebang: #!" },
        { "#! lua\nx", 0, 0, "ERR Unexpected engine in script shebang: #!" },
        { "#!foo\nx", 0, 0, "ERR Unexpected engine in script shebang: #!foo" },
        { "#!LUA\nx", 0, 0, "ERR Unexpected engine in script shebang: #!LUA" },
        { "#!lua \"flags=no-writes\nx", 0, 0, "ERR Invalid engine in script shebang" },
        { "#!lua flags=no-writes,foo\nx", 0, 0, "ERR Unexpected flag in script shebang: foo" },
        { "#!lua flags=no-writes,\nx", 0, 0, "ERR Unexpected flag in script shebang: " },
        { "#!lua FLAGS=no-writes\nx", 0, 0, "ERR Unknown lua shebang option: FLAGS=no-writes" },
        { "#!lua name=a\nx", 0, 0, "ERR Unknown lua shebang option: name=a" },
    };
    struct bench b;
    bench_open(&b, SCRIPT_KIND_EVAL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct script_head head;
        struct bytes error = { 0 };
        bool is_fine = script_parse_shebang(b.host, bytes_text(rows[i].body), &head, &error);
        cr_expect(is_fine == (rows[i].error == NULL), "%s", rows[i].body);
        if (rows[i].error) {
            cr_expect(bytes_equal(error, bytes_text(rows[i].error)), "%s", rows[i].body);
        } else {
            cr_expect(eq(u32, head.flags, rows[i].flags), "%s", rows[i].body);
            cr_expect(eq(sz, head.skip, rows[i].skip), "%s", rows[i].body);
        }
    }
    bench_close(&b);
}

struct library_row {
    const char *body, *engine, *name, *code, *error;
};

Test(script_head, reads_a_librarys_name)
{
    static const struct library_row rows[] = {
        { "#!lua name=a\nx", "lua", "a", "\nx", NULL },
        { "#!foo NAME=b_1\n", "foo", "b_1", "\n", NULL },
        { "#!lua \"name=a b\"\nx", "lua", "a b", "\nx", NULL },
        { "#!lua name=\nx", "lua", "", "\nx", NULL },
        { "name=a\nx", NULL, NULL, NULL, "ERR Missing library metadata" },
        { "", NULL, NULL, NULL, "ERR Missing library metadata" },
        { "#!lua name=a", NULL, NULL, NULL, "ERR Invalid library metadata" },
        { "#!lua \"name=a b\nx", NULL, NULL, NULL, "ERR Invalid library metadata" },
        { "#!lua\nx", NULL, NULL, NULL, "ERR Library name was not given" },
        { "#!\nx", NULL, NULL, NULL, "ERR Library name was not given" },
        { "#!lua foo\nx", NULL, NULL, NULL, "ERR Invalid metadata value given: foo" },
        { "#!lua name=a name=b\nx", NULL, NULL, NULL,
          "ERR Invalid metadata value, name argument was given multiple times" },
    };
    struct bench b;
    bench_open(&b, SCRIPT_KIND_FUNCTIONS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct script_library_head head;
        struct bytes error = { 0 };
        const struct library_row *row = &rows[i];
        bool is_fine = script_parse_library(b.host, bytes_text(row->body), &head, &error);
        cr_expect(is_fine == (row->error == NULL), "%s", row->body);
        if (row->error) {
            cr_expect(bytes_equal(error, bytes_text(row->error)), "%s", row->body);
        } else {
            cr_expect(bytes_equal(head.engine, bytes_text(row->engine)), "%s", row->body);
            cr_expect(bytes_equal(head.name, bytes_text(row->name)), "%s", row->body);
            cr_expect(bytes_equal(head.code, bytes_text(row->code)), "%s", row->body);
        }
    }
    bench_close(&b);
}

Test(script_head, knows_which_names_are_valid)
{
    cr_expect(script_name_is_valid(BYTES_LITERAL("aZ_09")));
    cr_expect(not(script_name_is_valid(BYTES_LITERAL(""))));
    cr_expect(not(script_name_is_valid(BYTES_LITERAL("a-b"))));
    cr_expect(not(script_name_is_valid(BYTES_LITERAL("a\0b"))));
}
