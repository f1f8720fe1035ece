// Where logs end, and what is refused: aof_plan.h; the words of errors, spec/aof.md chapter 7.
#include "tests/unit/storage/aof_log.h"

#define PATH(seq) FOLDER "/" PREFIX "." seq ".incr.aof"
#define NOT_WHOLE "a transaction over several shards is not whole in all logs"

static struct world w;
static void setup(void)
{
    w = (struct world){ .folder.d.lock_fd = -1 };
    world_make(&w);
}
static void teardown(void) { world_close(&w); }
TestSuite(aof_plan, .init = setup, .fini = teardown);

static void expect_made(void) { cr_assert_eq(make_plan(&w, true), OK, "%s", w.error.line); }
static void expect_end(uint32_t log, uint64_t end, const char *why)
{
    const struct aof_plan_log *l = &w.plan.logs[log];
    cr_expect_eq(l->end, end, "log %u ends at %lu, not at %lu", log, l->end, end);
    if (why && l->why)
        cr_expect_str_eq(l->why, why, "log %u: %s", log, l->why);
    else
        cr_expect(why == NULL && l->why == NULL, "log %u", log);
}
static void expect_refused(bool may_cut, bool is_torn, const char *line)
{
    cr_expect_eq(make_plan(&w, may_cut), ERR_IO, "%s", line);
    cr_expect_str_eq(w.error.line, line, "%s", w.error.line);
    cr_expect_eq(w.error.is_torn, is_torn);
}
// Whether one may cut or not.
static void expect_damage(const char *line)
{
    expect_refused(true, false, line);
    expect_refused(false, false, line);
}
static void expect_bad(const char *path, size_t offset, const char *what)
{
    char line[AOF_PLAN_ERROR_MAX];
    snprintf(line, sizeof line, "Bad file format reading the append only file %s at offset %zu: %s",
             path, offset, what);
    expect_damage(line);
}

Test(aof_plan, plans_nothing_for_a_log_that_is_new)
{
    list_file(&w, "# nothing\n");
    expect_made();
    cr_expect_eq(w.plan.log_count, 0);
    cr_expect_not(w.plan.has_base);
    cr_expect_eq(w.plan.total_bytes, 0);
    aof_plan_close(&w.plan);
}

Test(aof_plan, does_not_read_a_generation_of_one_log)
{
    list_file(&w, "file base seq 1 type b\nfile gone seq 1 type h\n");
    put_text(FOLDER "/base", "12345");
    add_incr(&w, -1, "garbage");
    add_incr(&w, -1, "");
    add_incr(&w, -1, "");
    expect_made();
    cr_expect(w.plan.has_base);
    cr_assert_eq(w.plan.log_count, 3);
    cr_expect_eq(w.plan.generation_count, 3);
    cr_expect_eq(w.plan.total_bytes, 12);
    expect_end(0, 7, NULL);
    cr_expect_eq(w.plan.logs[0].file, 2);
    for (uint32_t i = 0; i < 3; i++) cr_expect(aof_plan_may_be_torn(&w.plan, i));
    aof_plan_close(&w.plan);
    put_text(PATH("2"), "x");
    expect_made();
    cr_expect_not(aof_plan_may_be_torn(&w.plan, 0));
    cr_expect(aof_plan_may_be_torn(&w.plan, 1));
    aof_plan_close(&w.plan);
}

Test(aof_plan, names_a_listed_file_that_is_missing)
{
    add_incr(&w, 0, SET);
    add_incr(&w, 1, NULL);
    expect_damage("The manifest lists the append only file " PATH(
        "2") ", which can't be read: No such file or directory");
    CHECK(mkdir(PATH("2"), 0755) == 0);
    expect_damage("The manifest lists the append only file " PATH(
        "2") ", which can't be read: Invalid argument");
    list_file(&w, "file base seq 1 type b\n");
    expect_damage("The manifest lists the append only file " FOLDER
                  "/base, which can't be read: No such file or directory");
}

Test(aof_plan, takes_ascending_shards_for_a_generation)
{
    const int shards[] = { -1, 0, 1, 2, 0, 1, -1, -1, 1, 1, 0, 2, -1 };
    const uint32_t counts[] = { 1, 3, 2, 1, 1, 1, 1, 2, 1 };
    uint32_t first = 0;
    for (size_t i = 0; i < sizeof shards / sizeof *shards; i++) add_incr(&w, shards[i], SET);
    expect_made();
    cr_assert_eq(w.plan.generation_count, 9);
    for (uint32_t i = 0; i < 9; first += counts[i++]) {
        cr_expect_eq(w.plan.generations[i].first, first);
        cr_expect_eq(w.plan.generations[i].count, counts[i], "generation %u", i);
    }
    aof_plan_close(&w.plan);
}

Test(aof_plan, reads_whole_logs_to_their_ends)
{
    const char *both = SET TX("7 2") "#TS:5\r\n" MULTI EXEC TX("9 2");
    add_incr(&w, 0, both);
    add_incr(&w, 1, TX("7 2") TX("8 1") SET TX("9 2") SET);
    add_incr(&w, 2, "");
    add_incr(&w, 0, TX("7 2")); // numbers begin again with each generation
    add_incr(&w, 1, TX("7 2"));
    cr_assert_eq(make_plan(&w, false), OK, "%s", w.error.line);
    for (uint32_t i = 0; i < 5; i++) {
        expect_end(i, w.plan.logs[i].bytes, NULL);
        cr_expect_eq(aof_plan_may_be_torn(&w.plan, i), i >= 2, "log %u", i);
    }
    cr_expect_eq(w.plan.logs[0].bytes, strlen(both));
    cr_expect_eq(w.plan.total_bytes, w.plan.logs[0].bytes + w.plan.logs[1].bytes +
                                         w.plan.logs[3].bytes + w.plan.logs[4].bytes);
    aof_plan_close(&w.plan);
}

// ---- cutting -----------------------------------------------------------------------------------

Test(aof_plan, ends_a_torn_log_behind_what_is_whole)
{
    add_incr(&w, 0, SET "*1\r\n$4\r\nPI");
    add_incr(&w, 1, SET SET);
    expect_made();
    expect_end(0, strlen(SET), "ends inside an argument");
    expect_end(1, 2 * strlen(SET), NULL);
    cr_expect_eq(w.plan.total_bytes, 3 * strlen(SET));
    aof_plan_close(&w.plan);
    expect_refused(false, true,
                   "Unexpected end of file reading the append only file " PATH(
                       "1") ": whole up to offset 27 only (ends inside an argument)");
}

Test(aof_plan, ends_logs_before_a_transaction_with_a_part_missing)
{
    add_incr(&w, 0, TX("1 2") SET TX("2 2") SET);
    add_incr(&w, 1, TX("1 2") "#TX:2 2\r\n" MULTI SET);
    expect_made();
    expect_end(0, strlen(TX("1 2") SET), NOT_WHOLE);
    expect_end(1, strlen(TX("1 2")), "ends between MULTI and EXEC");
    aof_plan_close(&w.plan);
    put_text(PATH("2"), TX("1 2"));
    expect_refused(false, true,
                   "Unexpected end of file reading the append only file " PATH(
                       "1") ": whole up to offset 92 only (" NOT_WHOLE ")");
}

// 3 is not whole in log 2; so 0 lacks 4, which cuts 5 and with it what 1 did alone.
Test(aof_plan, follows_what_a_cut_cuts)
{
    add_incr(&w, 0, SET TX("3 2") TX("4 2"));
    add_incr(&w, 1, TX("4 2") SET TX("5 2") SET);
    add_incr(&w, 2, SET SET);
    add_incr(&w, 3, SET TX("6 1") TX("5 2"));
    expect_made();
    expect_end(0, strlen(SET), NOT_WHOLE);
    expect_end(1, 0, NOT_WHOLE);
    expect_end(2, 2 * strlen(SET), NULL);
    expect_end(3, strlen(SET TX("6 1")), NOT_WHOLE);
    aof_plan_close(&w.plan);
}

Test(aof_plan, cuts_only_what_nothing_was_written_behind)
{
    const char *why = "Bad file format reading the append only file " PATH(
        "1") ": whole up to offset 27 only (ends inside an argument), but " PREFIX
             ".5.incr.aof was written behind it";
    add_incr(&w, 0, SET "*1\r\n$4\r\nPI");
    add_incr(&w, 1, SET);
    add_incr(&w, 0, "");
    add_incr(&w, 1, SET);
    expect_made();
    expect_end(0, strlen(SET), "ends inside an argument");
    aof_plan_close(&w.plan);
    add_incr(&w, 0, SET);
    expect_damage(why);
    put_text(PATH("1"), SET TX("1 2"));
    cr_expect_eq(make_plan(&w, true), ERR_IO, "what lacks a part is cut, too");
    cr_expect(strstr(w.error.line, NOT_WHOLE "), but") != NULL, "%s", w.error.line);
}

// Cutting the other one would mend nothing.
Test(aof_plan, says_what_is_damaged_before_what_is_torn)
{
    add_incr(&w, 0, SET "*1\r\n$4\r\nPI");
    add_incr(&w, 1, "*1");
    add_incr(&w, 0, "");
    add_incr(&w, 1, SET);
    expect_damage("Bad file format reading the append only file " PATH(
        "2") ": whole up to offset 0 only (ends inside a command's number of arguments), "
             "but " PREFIX ".4.incr.aof was written behind it");
}

Test(aof_plan, lets_nothing_stand_behind_a_cut_that_says_no_shard)
{
    add_incr(&w, 0, "*1\r\n$4\r\nPI");
    add_incr(&w, 1, SET);
    add_incr(&w, -1, "");
    expect_made();
    aof_plan_close(&w.plan);
    put_text(PATH("3"), SET);
    cr_expect_eq(make_plan(&w, true), ERR_IO);
}

// Of a Redis server whose torn MULTI was left in the file.
Test(aof_plan, forgives_a_multi_inside_of_another)
{
    add_incr(&w, 0, MULTI SET MULTI SET EXEC);
    add_incr(&w, 1, SET);
    expect_made();
    expect_end(0, w.plan.logs[0].bytes, NULL);
    aof_plan_close(&w.plan);
}

// ---- damage ------------------------------------------------------------------------------------

Test(aof_plan, refuses_garbage_and_zeros)
{
    char zeros[100] = SET;
    add_incr(&w, 0, SET);
    add_incr(&w, 1, NULL);
    put_bytes(PATH("2"), zeros, sizeof zeros);
    expect_bad(PATH("2"), 27,
               "neither a '*' nor a '#', where a command is due; the rest of the file is 73 zero "
               "bytes, likely from a power loss, which penstockctl check-aof --fix cuts off the "
               "end of a log");
    zeros[99] = 1;
    put_bytes(PATH("2"), zeros, sizeof zeros);
    expect_bad(PATH("2"), 27, "neither a '*' nor a '#', where a command is due");
    put_text(PATH("2"), SET "garbage");
    expect_bad(PATH("2"), 27, "neither a '*' nor a '#', where a command is due");
    put_text(PATH("1"), "*1\r\n$4\r\nPI"); // and torn besides
    expect_bad(PATH("2"), 27, "neither a '*' nor a '#', where a command is due");
}

Test(aof_plan, refuses_garbage_behind_what_would_be_cut)
{
    add_incr(&w, 0, TX("1 2") SET "garbage");
    add_incr(&w, 1, SET);
    expect_bad(PATH("1"), strlen(TX("1 2") SET), "neither a '*' nor a '#', where a command is due");
}

static void expect_contradiction(const char *first, const char *second, const char *third,
                                 const char *path, size_t offset, const char *what)
{
    const char *texts[] = { first, second, third };
    char file[AOF_PATH_MAX];
    for (int i = 0; i < 3; i++) {
        if (w.incr_count < 3) add_incr(&w, i, NULL);
        put_text(incr_path(file, i + 1), texts[i]);
    }
    expect_bad(path, offset, what);
}

Test(aof_plan, refuses_a_transaction_that_has_more_parts_than_it_says)
{
    const char *twice = "transaction 1 has more parts than it says, or stands twice";
    expect_contradiction(TX("1 2"), TX("1 2"), TX("1 2"), PATH("3"), 0, twice);
    expect_contradiction(TX("1 1"), TX("1 1"), SET, PATH("2"), 0, twice);
    expect_contradiction(TX("1 2"), TX("1 2") SET TX("1 2"), SET, PATH("2"), strlen(TX("1 2") SET),
                         twice);
    // Found behind what would be cut only.
    expect_contradiction(TX("1 2") TX("2 3") TX("1 2"), TX("1 2"), SET, PATH("1"),
                         strlen(TX("1 2") TX("2 3")), twice);
}

Test(aof_plan, refuses_a_transaction_with_two_counts)
{
    expect_contradiction(TX("1 3"), TX("1 2"), SET, PATH("2"), 0,
                         "transaction 1 has 2 parts here, and 3 elsewhere");
    expect_contradiction(TX("5 2") TX("1 3"), TX("6 2") TX("1 2"), SET, PATH("2"),
                         strlen(TX("6 2")),
                         "transaction 1 has another count of parts than elsewhere");
}

Test(aof_plan, refuses_a_transaction_that_stands_twice_in_a_log)
{
    expect_contradiction(TX("1 2") TX("1 2"), SET, SET, PATH("1"), strlen(TX("1 2")),
                         "transaction 1 stands twice in this log");
}

// A log is missing from the list: cutting would drop what is good.
Test(aof_plan, refuses_a_transaction_of_more_shards_than_there_are_logs)
{
    expect_contradiction(TX("1 4"), TX("1 4"), TX("1 4"), PATH("1"), 0,
                         "transaction 1 has 4 parts, in 3 logs");
}

Test(aof_plan, refuses_transactions_that_stand_in_no_order)
{
    const char *order = "transaction %d stands in another order to others than elsewhere";
    char what[100];
    snprintf(what, sizeof what, order, 1);
    expect_contradiction(TX("1 2") TX("2 2"), TX("2 2") TX("1 2"), SET, PATH("1"), 0, what);
    expect_contradiction(TX("1 2") TX("2 2"), TX("2 2") TX("3 2"), TX("3 2") TX("1 2"), PATH("1"),
                         0, what);
    // 9 is cut, and the others still have no order.
    expect_contradiction(TX("1 2") TX("2 2"), TX("2 2") TX("1 2") TX("9 2"), TX("8 2"), PATH("1"),
                         0, what);
    // Cut, all that is in no order is gone.
    put_text(PATH("1"), TX("9 2") TX("1 2") TX("2 2"));
    put_text(PATH("2"), TX("2 2") TX("1 2"));
    expect_made();
    aof_plan_close(&w.plan);
}

// A crash takes the end of a log. What is gone from its middle was changed on the disk.
Test(aof_plan, refuses_a_log_that_goes_on_behind_a_part_that_it_lacks)
{
    const char *lacks = "transaction 2 has a part missing in a log that goes on behind it";
    size_t first = strlen(TX("1 2"));
    expect_contradiction(TX("1 2") TX("2 2") TX("3 3"), TX("1 2") TX("3 3"), TX("3 3"), PATH("1"),
                         first, lacks);
    expect_contradiction(TX("1 2") TX("2 2") TX("3 3"), TX("1 2") TX("7 2") TX("3 3"), TX("3 3"),
                         PATH("1"), first, lacks);
    // The third may have ended before it.
    put_text(PATH("1"), TX("1 2") TX("2 2") TX("3 2"));
    put_text(PATH("2"), TX("1 2") TX("3 2"));
    put_text(PATH("3"), SET);
    expect_made();
    aof_plan_close(&w.plan);
}

Test(aof_plan, refuses_a_remark_among_transactions)
{
    expect_contradiction(TX("1 2") "#TY:2 2\r\n" MULTI SET EXEC, TX("1 2") TX("2 2"), SET,
                         PATH("1"), strlen(TX("1 2")), "a '#' line that is neither #TS nor #TX");
}

// ---- large files -------------------------------------------------------------------------------

// An argument of a hole of 64 GiB: what is not looked at takes no memory. Then its size is wrong.
Test(aof_plan, holds_no_file_in_memory, .timeout = 20)
{
    const uint64_t hole = (uint64_t)64 << 30;
    char head[64];
    int size = snprintf(head, sizeof head, "*1\r\n$%llu\r\n", (unsigned long long)hole);
    add_incr(&w, 0, TX("1 2"));
    add_incr(&w, 1, head);
    int fd = open(PATH("2"), O_WRONLY);
    if (ftruncate(fd, (off_t)(size + hole)) != 0) cr_skip_test("no file can be that large here");
    CHECK(lseek(fd, 0, SEEK_END) == (off_t)(size + hole));
    CHECK(write(fd, "\r\n" TX("1 2"), 2 + strlen(TX("1 2"))) > 0);
    expect_made();
    expect_end(1, size + hole + 2 + strlen(TX("1 2")), NULL);
    aof_plan_close(&w.plan);
    CHECK(pwrite(fd, "x", 1, (off_t)(size + hole)) == 1 && close(fd) == 0);
    expect_bad(PATH("2"), size + hole, "not a CR behind an argument");
}

// Longer than a window in all ways: long arguments, many short ones, many commands.
Test(aof_plan, reads_through_many_windows)
{
    enum { SIZE = 11 << 20 };
    char *text = malloc(SIZE + 200), *at = text;
    at += sprintf(at, TX("1 2") "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n", SIZE / 2);
    memset(at, 'x', SIZE / 2);
    at += SIZE / 2;
    at += sprintf(at, "\r\n*%d\r\n", SIZE / 4 / 7);
    for (int i = 0; i < SIZE / 4 / 7; i++) at += sprintf(at, "$1\r\na\r\n");
    while (at < text + SIZE - 100) at += sprintf(at, SET);
    at += sprintf(at, TX("2 2"));
    add_incr(&w, 0, NULL);
    add_incr(&w, 1, TX("1 2") SET TX("2 2"));
    put_bytes(PATH("1"), text, (size_t)(at - text));
    expect_made();
    expect_end(0, (uint64_t)(at - text), NULL);
    aof_plan_close(&w.plan);
    put_bytes(PATH("1"), text, (size_t)(at - text - 1));
    expect_made();
    expect_end(0, (uint64_t)(at - text) - strlen(TX("2 2")), "ends inside an argument");
    expect_end(1, strlen(TX("1 2") SET), NOT_WHOLE);
    aof_plan_close(&w.plan);
    free(text);
}
