// The worked example of spec/aof.md chapter 10, cut at every byte (a real server was started on
// each cut), and what redis-check-aof 7.0 says of damaged files. Whatever is scanned is scanned in
// pieces of every size, too.
#include "tests/unit/storage/aof_story.h"

#define SELECT "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
#define SET(k, v) "*3\r\n$3\r\nSET\r\n$1\r\n" k "\r\n$1\r\n" v "\r\n"
#define MULTI "*1\r\n$5\r\nMULTI\r\n"
#define TRANSACTION "#TX:1 2\r\n" MULTI
#define EXEC "*1\r\n$4\r\nEXEC\r\n"
static const char example[] = SELECT SET("a", "1") MULTI SET("b", "2") SET("c", "3") EXEC;

static void expect_whole(const char *text, const char *events)
{
    struct story t;
    scan_all_ways(&t, bytes_text(text), false);
    cr_expect_eq(t.end, AOF_SCAN_END, "%s: %s", text, t.error);
    cr_expect_str_eq(t.events, events, "%s", t.events);
    cr_expect_eq(t.whole_offset, strlen(text));
}

static void expect_broken(const char *before, const char *text, size_t at, const char *error)
{
    struct story t;
    char file[4096];
    snprintf(file, sizeof file, "%s%s", before, text);
    scan_all_ways(&t, bytes_text(file), false);
    cr_expect_eq(t.end, AOF_SCAN_BROKEN, "%s", text);
    if (t.end != AOF_SCAN_BROKEN) return;
    cr_expect_str_eq(t.error, error, "%s: %s", text, t.error);
    cr_expect_eq(t.error_offset, strlen(before) + at, "%s: at %llu", text,
                 (unsigned long long)t.error_offset);
    cr_expect_eq(t.whole_offset, strlen(before), "%s", text);
}

static void expect_torn(const char *before, const char *text, const char *error)
{
    struct story t;
    char file[4096];
    snprintf(file, sizeof file, "%s%s", before, text);
    scan_all_ways(&t, bytes_text(file), false);
    cr_expect_eq(t.end, AOF_SCAN_TORN, "%s", text);
    if (t.end != AOF_SCAN_TORN) return;
    cr_expect_str_eq(t.error, error, "%s: %s", text, t.error);
    cr_expect_eq(t.error_offset, strlen(file));
    cr_expect_eq(t.whole_offset, strlen(before), "%s", text);
}

Test(aof_scan, yields_commands_and_units)
{
    expect_whole("", "");
    expect_whole(example, "[SELECT 0][SET a 1]{(SET b 2)(SET c 3)}");
    expect_whole("*2\r\n$3\r\nGET\r\n$0\r\n\r\n*1\r\n$2\r\n\r\n\r\n", "[GET ][\r\n]");
    expect_whole("*1\r\n$5\r\nmulti\r\n*1\r\n$4\r\neXeC\r\n", "{}");
    expect_whole("*1\r\n$6\r\nMULTIS\r\n*1\r\n$3\r\nEXE\r\n", "[MULTIS][EXE]");
}

// The table of spec/aof.md, the column of what ours should do.
Test(aof_scan, cuts_the_example_where_the_last_unit_ends)
{
    const size_t size = sizeof example - 1;
    cr_assert_eq(size, 133);
    for (size_t cut = 0; cut <= size; cut++) {
        struct story t;
        size_t whole = cut < 23 ? 0 : cut < 50 ? 23 : cut < 133 ? 50 : 133;
        uint64_t line = cut < 23 ? 1 : cut < 50 ? 6 : cut < 133 ? 13 : 33;
        scan_all_ways(&t, bytes_make(example, cut), false);
        cr_expect_eq(t.whole_offset, whole, "cut to %zu: %llu", cut,
                     (unsigned long long)t.whole_offset);
        cr_expect_eq(t.whole_line, line, "cut to %zu: line %llu", cut,
                     (unsigned long long)t.whole_line);
        cr_expect_eq(t.end, cut == whole ? AOF_SCAN_END : AOF_SCAN_TORN, "cut to %zu: %s", cut,
                     t.error);
    }
}

Test(aof_scan, says_what_is_torn)
{
    expect_torn(SELECT, "*", "ends inside a command's number of arguments");
    expect_torn(SELECT, "*12", "ends inside a command's number of arguments");
    expect_torn(SELECT, "*1\r", "ends inside a command's number of arguments");
    expect_torn(SELECT, "*1\r\n", "ends between two arguments");
    expect_torn(SELECT, "*1\r\n$3", "ends inside an argument's size");
    expect_torn(SELECT, "*1\r\n$3\r\nGE", "ends inside an argument");
    expect_torn(SELECT, "*1\r\n$3\r\nGET", "ends inside an argument");
    expect_torn(SELECT, "*1\r\n$3\r\nGET\r", "ends inside an argument");
    expect_torn(SELECT, MULTI, "ends between MULTI and EXEC");
    expect_torn(SELECT, "#TS:12", "ends inside a '#' line");
    expect_torn(SELECT, "#TX:1 2\r\n", "ends behind a #TX line");
    expect_torn(SELECT, "#TX:1 2\r\n*1\r\n$5\r\nMU", "ends inside an argument");
    expect_torn(SELECT, "*2147483647\r\n$1\r\na\r\n", "ends between two arguments");
}

// A size that the file cannot hold is not waited for: nobody shall make room for it.
Test(aof_scan, asks_for_no_more_than_the_file_has)
{
    struct heap heap;
    struct aof_scan s;
    struct bytes text = BYTES_LITERAL("*2\r\n$3\r\nSET\r\n$99999999999\r\nab");
    cr_assert_eq(heap_open(&heap), OK);
    aof_scan_init(&s, &heap, 1000, 0);
    cr_expect_eq(aof_scan_step(&s, text), AOF_SCAN_TORN);
    aof_scan_close(&s);
    aof_scan_init(&s, &heap, UINT64_MAX, 0);
    cr_expect_eq(aof_scan_step(&s, text), AOF_SCAN_MORE);
    cr_expect_eq(s.wanted_bytes, text.size - 2 + 99999999999 + 2);
    cr_expect_leq(heap.bytes_total, 1024);
    aof_scan_close(&s);
    heap_close(&heap);
}

Test(aof_scan, names_the_first_byte_that_is_wrong)
{
    const char *due = "neither a '*' nor a '#', where a command is due";
    const char *digit = "not a digit, nor a CR behind one";
    expect_broken(SELECT, "x", 0, due);
    expect_broken(SELECT, "\r\n", 0, due);
    expect_broken(SELECT, "*\r\n", 1, digit);
    expect_broken(SELECT, "*x", 1, digit);
    expect_broken(SELECT, "*-1\r\n", 1, digit);
    expect_broken(SELECT, "*1x", 2, digit);
    expect_broken(SELECT, "*1\n", 2, digit);
    expect_broken(SELECT, "*1\rx", 3, "not an LF behind a CR");
    expect_broken(SELECT, "*01\r\n", 2, "a number begins with 0");
    expect_broken(SELECT, "*0\r\n", 1, "a command has no arguments");
    expect_broken(SELECT, "*2147483648\r\n", 10, "a number is too large");
    expect_broken(SELECT, "*1\r\n*3\r\n", 4, "not a '$', where an argument's size is due");
    expect_broken(SELECT, "*1\r\n$ 3\r\n", 5, digit);
    expect_broken(SELECT, "*1\r\n$99999999999999999999\r\n", 21, "a number is too large");
    expect_broken(SELECT, "*1\r\n$3\r\nGETx", 11, "not a CR behind an argument");
    expect_broken(SELECT, "*1\r\n$3\r\nGET\r\r", 12, "not an LF behind an argument's CR");
    expect_broken(SELECT, EXEC, 0, "EXEC without MULTI");
    expect_broken(SELECT, MULTI "x", 15, due);
    expect_broken(SELECT, MULTI MULTI EXEC, 15, "MULTI inside of MULTI");
}

Test(aof_scan, takes_a_tail_of_zeros_for_damage)
{
    struct story t;
    char file[sizeof example + 100] = { 0 };
    for (size_t cut = 0; cut < sizeof example; cut++) {
        memset(file, 0, sizeof file);
        memcpy(file, example, cut);
        scan_all_ways(&t, bytes_make(file, sizeof file), false);
        cr_expect_eq(t.end, AOF_SCAN_BROKEN, "cut to %zu", cut);
        cr_expect_geq(t.error_offset, cut);
    }
}

Test(aof_scan, reads_annotations)
{
    expect_whole("#TS:1795353190\r\n" SELECT "#TS:-5\r\n", "@1795353190[SELECT 0]@-5");
    expect_whole("#TS:x\r\n#TS:1\n# hello\r\n#\n", "##TS:x##TS:1## hello##");
    expect_whole(MULTI "#TS:7\r\n" SET("a", "1") EXEC, "{@7(SET a 1)}");
    expect_whole("#TX:17 3\r\n" MULTI SET("a", "1") EXEC MULTI EXEC, "!{17/3:(SET a 1)}{}");
    expect_whole("#TX:18446744073709551615 4294967295\r\n" MULTI EXEC,
                 "!{18446744073709551615/4294967295:}");
}

Test(aof_scan, insists_on_its_own_annotations)
{
    const char *says = "a #TX line says no number and count of shards";
    const char *before = "a #TX line stands before no MULTI";
    expect_broken(SELECT, "#TX:1\r\n", 0, says);
    expect_broken(SELECT, "#TX:1 \r\n", 0, says);
    expect_broken(SELECT, "#TX:1 0\r\n", 0, says);
    expect_broken(SELECT, "#TX:1 4294967296\r\n", 0, says);
    expect_broken(SELECT, "#TX:-1 2\r\n", 0, says);
    expect_broken(SELECT, "#TX:1 2 3\r\n", 0, says);
    expect_broken(SELECT, "#TX:1 2\n", 0, says);
    expect_broken(SELECT, "#TX:1 2\r\n" SELECT, 9, before);
    expect_broken(SELECT, "#TX:1 2\r\n#TS:1\r\n", 9, before);
    expect_broken(SELECT, MULTI "#TX:1 2\r\n", 15, "a #TX line stands inside of MULTI");
}

Test(aof_scan, bounds_a_line)
{
    char file[2000];
    memset(file, '#', sizeof file);
    struct story t;
    for (size_t size = 1020; size < 1026; size++) {
        file[size - 1] = '\n';
        scan_all_ways(&t, bytes_make(file, size), false);
        cr_expect_eq(t.end, size <= AOF_LINE_BYTES_MAX ? AOF_SCAN_END : AOF_SCAN_BROKEN, "%zu",
                     size);
        file[size - 1] = '#';
    }
}

// What a server left that was torn inside of MULTI and appended behind it (spec/aof.md chapter 7).
Test(aof_scan, can_forgive_a_multi_that_was_left_open)
{
    struct story t;
    scan_all_ways(&t, bytes_text(MULTI SET("a", "1") SELECT MULTI SET("b", "2") EXEC), true);
    cr_expect_eq(t.end, AOF_SCAN_END);
    cr_expect_str_eq(t.events, "{(SET a 1)(SELECT 0)?(SET b 2)}");
}

Test(aof_scan, begins_behind_a_preamble)
{
    struct heap heap;
    struct aof_scan s;
    cr_assert_eq(heap_open(&heap), OK);
    aof_scan_init(&s, &heap, 100 + sizeof example - 1, 100);
    cr_expect_eq(s.whole_offset, 100);
    cr_expect_eq(aof_scan_step(&s, bytes_make(example, sizeof example - 1)), AOF_SCAN_COMMAND);
    cr_expect_eq(s.whole_offset, 123);
    aof_scan_close(&s);
    heap_close(&heap);
}

// Random files, some bytes damaged: in pieces as at once, and never beyond the bytes there are.
Test(aof_scan, tells_the_same_whatever_the_pieces)
{
    const uint64_t seed = 20261123;
    static const char *const parts[] = { SELECT,
                                         SET("a", "1"),
                                         MULTI,
                                         EXEC,
                                         "#TS:12\r\n",
                                         TRANSACTION,
                                         "*2\r\n$3\r\nDEL\r\n$10\r\n*1\r\n$4\r\nEX\r\n" };
    struct rng rng;
    uint32_t ends[AOF_SCAN_BROKEN + 1] = { 0 };
    printf("# seed %llu\n", (unsigned long long)seed);
    rng_seed(&rng, seed);
    for (int round = 0; round < 800; round++) {
        char file[512] = "";
        struct story t;
        for (uint64_t n = rng_below(&rng, 10); n; n--) strcat(file, parts[rng_below(&rng, 7)]);
        size_t size = strlen(file);
        if (size && rng_below(&rng, 2)) file[rng_below(&rng, size)] = (char)rng_below(&rng, 256);
        if (rng_below(&rng, 2)) size = rng_below(&rng, size + 1);
        scan_all_ways(&t, bytes_make(file, size), rng_below(&rng, 2));
        ends[t.end]++;
    }
    cr_expect_gt(ends[AOF_SCAN_END], 50);
    cr_expect_gt(ends[AOF_SCAN_TORN], 50);
    cr_expect_gt(ends[AOF_SCAN_BROKEN], 50);
}

// Memory follows the arguments that came.
Test(aof_scan, holds_commands_of_many_arguments)
{
    enum { COUNT = 100000 };
    char *file = malloc(COUNT * 16 + 100);
    size_t size = (size_t)sprintf(file, "*%d\r\n", COUNT);
    for (int i = 0; i < COUNT; i++) size += (size_t)sprintf(file + size, "$5\r\n%05d\r\n", i);
    struct heap heap;
    struct aof_scan s;
    enum aof_scan_result result;
    cr_assert_eq(heap_open(&heap), OK);
    aof_scan_init(&s, &heap, size, 0);
    uint64_t steps = 0;
    for (size_t have = 0;; have = have + 100 < size ? have + 100 : size, steps++)
        if ((result = aof_scan_step(&s, bytes_make(file, have))) != AOF_SCAN_MORE) break;
    cr_assert_eq(result, AOF_SCAN_COMMAND);
    cr_expect_gt(steps, 10000);
    cr_assert_eq(s.argc, COUNT);
    cr_expect(bytes_equal(s.argv[4711], BYTES_LITERAL("04711")));
    cr_expect(bytes_equal(s.argv[COUNT - 1], BYTES_LITERAL("99999")));
    aof_scan_close(&s);
    heap_close(&heap);
    free(file);
}
