// An incr that is history is what a rewrite left, or damage: manifest.h.
#include <stdio.h>
#include "tests/unit/storage/manifest_fixture.h"

#define BASE(n) "file a." n ".base.rdb seq " n " type b\n"
#define OLD_BASE(n) "file a." n ".base.rdb seq " n " type h\n"
#define INCR(n) "file a." n ".incr.aof seq " n " type i\n"
#define OLD_INCR(n) "file a." n ".incr.aof seq " n " type h\n"
#define SEEMS_HISTORY                                                                              \
    "Found an incr file listed as history, but no base file behind it: if it has to be loaded, "   \
    "its type is i"

static enum status parses(const char *text)
{
    struct fixture f;
    open(&f);
    enum status status = parse(&f, bytes_text(text));
    close(&f);
    return status;
}

// As redis-server 7.0.15 wrote them, with aof-disable-auto-gc: what else it removes right away.
static const char *const lists_of_redis[] = {
    BASE("2") OLD_INCR("1") OLD_BASE("1") INCR("2"), // a rewrite
    BASE("3") OLD_INCR("2") OLD_BASE("2") OLD_INCR("1") OLD_BASE("1") INCR("3"),
    BASE("2") OLD_INCR("1") OLD_INCR("2") OLD_BASE("1") INCR("3"), // one that failed before
    BASE("2") OLD_INCR("1") OLD_INCR("2") OLD_BASE("1") INCR("3") INCR("4"), // and one behind
    BASE("2") OLD_INCR("1") OLD_BASE("1"),               // while the log was off
    BASE("3") OLD_BASE("2") OLD_INCR("1") OLD_BASE("1"), // twice
    // Then turned on; or started with it on, where it counts from 1 again.
    BASE("4") OLD_BASE("3") OLD_BASE("2") OLD_INCR("1") OLD_BASE("1") INCR("2"),
    BASE("7") OLD_INCR("4") OLD_BASE("6") INCR("1"),
    BASE("8") OLD_INCR("1") OLD_BASE("7") OLD_INCR("4") OLD_BASE("6") INCR("2"),
    // A log from before 7.0.
    "file a seq 1 type b\n" INCR("1"),
    "file a.2.base.rdb seq 2 type b\n" OLD_INCR("1") "file a seq 1 type h\n" INCR("2"),
};

Test(manifest_history, takes_every_list_of_redis)
{
    for (size_t i = 0; i < sizeof lists_of_redis / sizeof *lists_of_redis; i++)
        cr_expect_eq(parses(lists_of_redis[i]), OK, "%s", lists_of_redis[i]);
}

// A server that started without an incr in use has counted from 1 again: the file is the new one.
Test(manifest_history, does_not_have_a_file_that_is_in_use)
{
    expect_reads_as(BASE("7") OLD_INCR("1") OLD_INCR("2") OLD_BASE("6") INCR("1"),
                    BASE("7") OLD_INCR("2") OLD_BASE("6") INCR("1"));
    expect_reads_as(BASE("7") OLD_INCR("1") OLD_INCR("3") OLD_BASE("6") INCR("1") INCR("2")
                        INCR("3"),
                    BASE("7") OLD_BASE("6") INCR("1") INCR("2") INCR("3"));
    expect_reads_as(BASE("7") OLD_INCR("1") OLD_BASE("6") "file b.1.incr.aof seq 1 type i\n",
                    BASE("7") OLD_INCR("1") OLD_BASE("6") "file b.1.incr.aof seq 1 type i\n");
}

// In each line that has a log in use.
static void expect_each_flip_refused(const char *text)
{
    char *copy = strdup(text);
    uint32_t line = 1;
    for (char *at = copy; *at; at++) {
        struct fixture f;
        line += *at == '\n';
        if (strncmp(at, " type i", 7) != 0) continue;
        at[6] = 'h';
        open(&f);
        cr_expect_eq(parse(&f, bytes_text(copy)), ERR_PEER, "%s", copy);
        cr_expect_str_eq(f.error.why, SEEMS_HISTORY);
        cr_expect_eq(f.error.line, line);
        close(&f);
        at[6] = 'i';
    }
    free(copy);
}

Test(manifest_history, refuses_history_that_no_rewrite_left)
{
    for (size_t i = 0; i < sizeof lists_of_redis / sizeof *lists_of_redis; i++)
        expect_each_flip_refused(lists_of_redis[i]);
    expect_each_flip_refused(INCR("1"));
    expect_each_flip_refused(BASE("1") INCR("1") INCR("2") INCR("3"));
    expect_error(OLD_INCR("1"), strlen(OLD_INCR("1")), 1, SEEMS_HISTORY);
}

static void expect_sound(const struct manifest *m)
{
    char *text = calloc(1, manifest_text_max(m) + 1);
    manifest_format(m, text);
    cr_expect_eq(parses(text), OK, "%s", text);
    expect_each_flip_refused(text);
    free(text);
}

static void rewrite(struct manifest *m, uint32_t shard_count, bool is_on)
{
    if (is_on) manifest_begin_rewrite(m, "a", shard_count);
    if (is_on) expect_sound(m);
    if (is_on) manifest_begin_rewrite(m, "a", shard_count); // the first one failed
    struct manifest_file base = manifest_next_base(m, "a", true);
    manifest_end_rewrite(m, &base, is_on ? shard_count : 0);
    expect_sound(m);
}

// With a base before them, or one that was taken over, or none; history stays, or goes.
Test(manifest_history, takes_its_own_lists_of_every_step)
{
    static const char *const first[] = { INCR("1"), BASE("1") INCR("1"),
                                         "file a seq 1 type b\n" INCR("1"), BASE("1"),
                                         BASE("2") OLD_INCR("1") OLD_BASE("1") };
    static const uint32_t shards[] = { 1, 3, 2, 1 };
    for (uint32_t i = 0; i < 2 * sizeof first / sizeof *first; i++) {
        struct fixture f;
        open(&f);
        cr_assert_eq(parse(&f, bytes_text(first[i / 2])), OK);
        for (uint32_t k = 0; k < 16; k++) {
            rewrite(&f.m, shards[k / 4], k % 4 != 2); // the third one while the log is off
            if (i % 2) manifest_drop_history(&f.m);
        }
        close(&f);
    }
}
