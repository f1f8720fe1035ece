// Expected messages and texts: spec/aof.md chapter 2, confirmed with redis-server 7.0.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/unit/storage/manifest_fixture.h"

#define FORMAT "Invalid AOF manifest file format"
#define FRESH                                                                                      \
    "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"

Test(manifest, reads_and_writes_what_a_fresh_server_has)
{
    struct fixture f;
    open(&f);
    cr_assert_eq(parse(&f, bytes_text(FRESH)), OK);
    cr_expect_eq(f.m.count, 2);
    cr_expect_str_eq(manifest_base(&f.m)->name, "appendonly.aof.1.base.rdb");
    cr_expect_str_eq(manifest_last_incr(&f.m, -1)->name, "appendonly.aof.1.incr.aof");
    cr_expect_null(manifest_last_incr(&f.m, 0));
    cr_expect_eq(strlen(FRESH), 88);
    expect_text(&f.m, FRESH);
    close(&f);
}

Test(manifest, forgives_what_redis_forgives)
{
    expect_reads_as("# nothing\n", "");
    expect_reads_as("# nothing", "");
    expect_reads_as("  \tTYPE b later x seq 3 FILE a \r\n# remark\n", "file a seq 3 type b\n");
    expect_reads_as("file a seq 3 type base\n", "file a seq 3 type b\n");
    expect_reads_as("file a seq 3 type b startoffset 7\n", "file a seq 3 type b\n");
    expect_reads_as("file a seq 3 type i\nfile h seq 1 type h\nfile b seq 2 type b\n",
                    "file b seq 2 type b\nfile h seq 1 type h\nfile a seq 3 type i\n");
    expect_reads_as("file \"a\" seq 3 type 'b'\n", "file a seq 3 type b\n");
    expect_reads_as("file a seq 3 type i shard 7\n", "file a seq 3 type i shard 7\n");
}

Test(manifest, names_every_error_and_its_line)
{
    static const struct {
        const char *text;
        uint32_t line;
        const char *why;
    } cases[] = {
        { "", 0, "Found an empty AOF manifest" },
        { "\n", 1, FORMAT },
        { "file a seq 1 type b\n \t\n", 2, FORMAT },
        { "file a seq 1\n", 1, FORMAT },
        { "file a seq 1 type\n", 1, FORMAT },
        { "file a seq 1 type b x\n", 1, FORMAT },
        { "x a seq 1 type b\n", 1, FORMAT },
        { "file a x 1 type b\n", 1, FORMAT },
        { "file a seq 1 x b\n", 1, FORMAT },
        { "file a seq 0 type b\n", 1, FORMAT },
        { "file a seq -1 type b\n", 1, FORMAT },
        { "file a seq 1x type b\n", 1, FORMAT },
        { "file a seq 9223372036854775807 type b\n", 1, FORMAT },
        { "file a seq 1 type b shard x\n", 1, FORMAT },
        { "file a seq 1 type b shard 65536\n", 1, FORMAT },
        { "file \"a seq 1 type b\n", 1, FORMAT },
        { "file \"a\"b seq 1 type b\n", 1, FORMAT },
        { "file \"\" seq 1 type b\n", 1, FORMAT },
        { "file \"a\\x00\" seq 1 type b\n", 1, FORMAT },
        { "file a seq 1 type \"\"\n", 1, FORMAT },
        { "file a seq 1 type b", 1, "The AOF manifest file contains too long line" },
        { "# x\nfile a/b seq 1 type b\n", 2, "File can't be a path, just a filename" },
        { "file a\\b seq 1 type b\n", 1, "File can't be a path, just a filename" },
        { "file .. seq 1 type b\n", 1, "File can't be a path, just a filename" },
        { "file a seq 1 type b\nfile b seq 2 type b\n", 2,
          "Found duplicate base file information" },
        { "file a seq 2 type i\nfile b seq 2 type i\n", 2,
          "Found a non-monotonic sequence number" },
        { "file a seq 2 type i\nfile b seq 1 type i\n", 2,
          "Found a non-monotonic sequence number" },
        { "file a seq 1 type x\n", 1, "Unknown AOF file type" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_error(cases[i].text, strlen(cases[i].text), cases[i].line, cases[i].why);
    expect_error("file a seq 1 type b x \0\n", 24, 1, FORMAT);
}

Test(manifest, bounds_lines_and_names)
{
    char text[2048], name[1024];
    for (int length = 250; length < 260; length++) {
        struct fixture f;
        memset(name, 'n', sizeof name);
        snprintf(text, sizeof text, "file %.*s seq 1 type b\n", length, name);
        open(&f);
        cr_expect_eq(parse(&f, bytes_text(text)), length <= 255 ? OK : ERR_PEER);
        close(&f);
    }
    memset(name, '\1', sizeof name); // four letters each, once they are quoted
    snprintf(text, sizeof text, "file %.*s seq 1 type b\n", 225, name);
    expect_error(text, strlen(text), 1, "The file's name is too long");
    for (int length = 1000; length < 1003; length++) { // with its end 1023, 1024, 1025
        snprintf(text, sizeof text, "file a seq 1 type b%*s\n", length + 3, "");
        if (strlen(text) <= MANIFEST_LINE_MAX)
            expect_reads_as(text, "file a seq 1 type b\n");
        else
            expect_error(text, strlen(text), 1, "The AOF manifest file contains too long line");
    }
}

Test(manifest, quotes_names_that_need_it)
{
    struct fixture f;
    open(&f);
    manifest_take_over(&f.m, "a b\n\r\t\a\b\"\x01\xc3\xa9'");
    const char *text = "file \"a b\\n\\r\\t\\a\\b\\\"\\x01\\xc3\\xa9'\" seq 1 type b\n";
    expect_text(&f.m, text);
    close(&f);
    expect_reads_as(text, text);
}

// A text is taken or refused with a reason; what was taken reads back the same.
Test(manifest, survives_every_cut_and_every_flipped_bit)
{
    const char *text = "file \"a b\\x01.1.base.rdb\" seq 1 type b\n# c\nfile h seq 1 type h\n"
                       "file a.7.incr.aof seq 7 type i shard 0\nfile a.8 seq 8 type i shard 1\n";
    uint32_t taken = 0;
    for (size_t cut = 0; cut <= strlen(text); cut++)
        for (int bit = -1; bit < 8 && (bit < 0 || cut < strlen(text)); bit++) {
            struct fixture f;
            char *copy = strdup(text), *first, *second;
            struct bytes in = bytes_make(copy, bit < 0 ? cut : strlen(text));
            if (bit >= 0) copy[cut] = (char)(copy[cut] ^ 1 << bit);
            open(&f);
            if (parse(&f, in) == OK) {
                first = malloc(manifest_text_max(&f.m)), second = malloc(manifest_text_max(&f.m));
                struct bytes one = bytes_make(first, manifest_format(&f.m, first));
                bool lists_nothing = f.m.count == 0;
                manifest_close(&f.m);
                cr_expect_eq(manifest_parse(&f.m, one, &f.error), lists_nothing ? ERR_PEER : OK);
                cr_expect(bytes_equal(one, bytes_make(second, manifest_format(&f.m, second))));
                free(first);
                free(second);
                taken++;
            } else {
                cr_expect_not_null(f.error.why);
            }
            close(&f);
            free(copy);
        }
    cr_expect_geq(taken, 20);
}

// The states of spec/aof.md chapter 6, with its example's names.
Test(manifest, goes_through_a_rewrite)
{
    struct fixture f;
    open(&f);
    struct manifest_file base = manifest_next_base(&f.m, "appendonly.aof", true);
    manifest_add(&f.m, &base);
    manifest_begin_rewrite(&f.m, "appendonly.aof", 1);
    expect_text(&f.m, FRESH);
    manifest_begin_rewrite(&f.m, "appendonly.aof", 1);
    expect_text(&f.m, FRESH "file appendonly.aof.2.incr.aof seq 2 type i\n");
    manifest_begin_rewrite(&f.m, "appendonly.aof", 1); // the first one failed
    base = manifest_next_base(&f.m, "appendonly.aof", false);
    manifest_end_rewrite(&f.m, &base, 1);
    expect_text(&f.m, "file appendonly.aof.2.base.aof seq 2 type b\n"
                      "file appendonly.aof.1.incr.aof seq 1 type h\n"
                      "file appendonly.aof.2.incr.aof seq 2 type h\n"
                      "file appendonly.aof.1.base.rdb seq 1 type h\n"
                      "file appendonly.aof.3.incr.aof seq 3 type i\n");
    cr_expect_eq(manifest_history_count(&f.m), 3);
    manifest_drop_history(&f.m);
    expect_text(&f.m, "file appendonly.aof.2.base.aof seq 2 type b\n"
                      "file appendonly.aof.3.incr.aof seq 3 type i\n");
    close(&f);
}

Test(manifest, counts_on_after_it_was_read)
{
    struct fixture f;
    open(&f);
    cr_assert_eq(parse(&f, bytes_text("file x seq 7 type b\nfile y seq 41 type i\n")), OK);
    cr_expect_str_eq(manifest_next_incr(&f.m, "a", -1).name, "a.42.incr.aof");
    cr_expect_str_eq(manifest_next_incr(&f.m, "a", -1).name, "a.43.incr.aof");
    cr_expect_str_eq(manifest_next_base(&f.m, "a", true).name, "a.8.base.rdb");
    close(&f);
}

// What is history may be on the disk still, and is going to be removed.
Test(manifest, gives_no_number_of_history_out_again)
{
    struct fixture f;
    open(&f);
    cr_assert_eq(parse(&f, bytes_text("file a.7.incr.aof seq 7 type h\nfile x seq 2 type b\n")),
                 OK);
    cr_expect_str_eq(manifest_next_incr(&f.m, "a", -1).name, "a.8.incr.aof");
    close(&f);
}

Test(manifest, has_a_log_for_each_shard)
{
    struct fixture f;
    open(&f);
    manifest_begin_rewrite(&f.m, "a", 1);
    manifest_begin_rewrite(&f.m, "a", 2);
    expect_text(&f.m, "file a.1.incr.aof seq 1 type i\nfile a.2.incr.aof seq 2 type i shard 0\n"
                      "file a.3.incr.aof seq 3 type i shard 1\n");
    cr_expect_str_eq(manifest_last_incr(&f.m, 0)->name, "a.2.incr.aof");
    cr_expect_str_eq(manifest_last_incr(&f.m, 1)->name, "a.3.incr.aof");
    struct manifest_file base = manifest_next_base(&f.m, "a", true);
    manifest_end_rewrite(&f.m, &base, 2);
    manifest_drop_history(&f.m);
    expect_text(&f.m, "file a.1.base.rdb seq 1 type b\nfile a.2.incr.aof seq 2 type i shard 0\n"
                      "file a.3.incr.aof seq 3 type i shard 1\n");
    close(&f);
}

Test(manifest, knows_which_files_may_be_torn)
{
    static const struct {
        const char *text, *expected; // a letter per file
    } cases[] = {
        { "file b seq 1 type b\n", "y" },
        { "file b seq 1 type b\nfile h seq 1 type h\n", "yn" },
        { FRESH, "ny" },
        { "file a seq 1 type i\nfile b seq 2 type i\n", "ny" },
        { "file a seq 1 type i shard 0\nfile b seq 2 type i shard 1\n", "yy" },
        { "file a seq 1 type i shard 0\nfile b seq 2 type i shard 0\n", "ny" },
        { "file a seq 1 type i\nfile b seq 2 type i shard 0\n", "ny" },
        { "file a seq 1 type i shard 0\nfile b seq 2 type i\n", "ny" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        open(&f);
        cr_assert_eq(parse(&f, bytes_text(cases[i].text)), OK);
        cr_assert_eq(f.m.count, strlen(cases[i].expected));
        for (uint32_t k = 0; k < f.m.count; k++)
            cr_expect_eq(manifest_may_be_torn(&f.m, k), cases[i].expected[k] == 'y', "%s: %u",
                         cases[i].text, k);
        close(&f);
    }
}

Test(manifest, copies_are_of_their_own)
{
    struct fixture f;
    struct manifest copy;
    open(&f);
    manifest_copy(&copy, &f.m);
    manifest_close(&copy);
    cr_assert_eq(parse(&f, bytes_text(FRESH)), OK);
    manifest_copy(&copy, &f.m);
    manifest_begin_rewrite(&copy, "appendonly.aof", 1);
    expect_text(&f.m, FRESH);
    expect_text(&copy, FRESH "file appendonly.aof.2.incr.aof seq 2 type i\n");
    manifest_close(&copy);
    close(&f);
}

Test(manifest, knows_the_names_of_a_log)
{
    char out[MANIFEST_NAME_MAX + 1];
    cr_expect_str_eq(manifest_name(out, "a"), "a.manifest");
    cr_expect_str_eq(manifest_temporary_name(out, "a"), "temp-a.manifest");
    cr_expect_str_eq(manifest_temporary_incr_name(out, "a"), "temp-a.incr");
    cr_expect(manifest_is_log_name("a.aof.1.base.rdb", "a.aof"));
    cr_expect(manifest_is_log_name("a.aof.12.base.aof", "a.aof"));
    cr_expect(manifest_is_log_name("a.aof.12.incr.aof", "a.aof"));
    for (const char *const *name =
             (const char *const[]){ "a.aof.1.incr.rdb", "a.aof.incr.aof", "a.aof..incr.aof",
                                    "a.aof", "b.aof.1.incr.aof", "a.aof.1.incr.aof.bak",
                                    "a.aof.1x.incr.aof", "temp-a.aof.incr", NULL };
         *name; name++)
        cr_expect_not(manifest_is_log_name(*name, "a.aof"), "%s", *name);
}
