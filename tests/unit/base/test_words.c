// Expected words are what redis-cli and redis-server 7.0 make of the same lines (sdssplitargs).
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "dataplane/base/words.h"

struct split {
    uint8_t text[64];
    struct words words;
};

static void split_open(struct split *s, const char *line, size_t size)
{
    memcpy(s->text, line, size);
    s->words = (struct words){ .text = s->text, .size = size };
}

static bool next_is(struct split *s, const char *expected, size_t size)
{
    struct bytes word;
    return words_next(&s->words, &word) == WORDS_ONE &&
           bytes_equal(word, bytes_make(expected, size));
}

static bool ends(struct split *s)
{
    struct bytes word;
    return words_next(&s->words, &word) == WORDS_END;
}

static bool is_unbalanced(const char *line)
{
    struct split s;
    struct bytes word;
    enum words_result result;
    split_open(&s, line, strlen(line));
    while ((result = words_next(&s.words, &word)) == WORDS_ONE) {
    }
    return result == WORDS_UNBALANCED;
}

Test(words, splits_at_blanks_of_every_kind)
{
    struct split s;
    split_open(&s, " \tset  key\r\nvalue ", 17);
    cr_expect(next_is(&s, "set", 3));
    cr_expect(next_is(&s, "key", 3));
    cr_expect(next_is(&s, "value", 5));
    cr_expect(ends(&s));
}

Test(words, unescapes_double_quotes)
{
    struct split s;
    const char line[] = "\"a\\n\\x41\\\"\\q\" \"\"";
    split_open(&s, line, sizeof line - 1);
    cr_expect(next_is(&s, "a\nA\"q", 5));
    cr_expect(next_is(&s, "", 0));
    cr_expect(ends(&s));
}

Test(words, keeps_backslashes_in_single_quotes_but_for_the_quote)
{
    struct split s;
    const char line[] = "'a\\n\\'b'";
    split_open(&s, line, sizeof line - 1);
    cr_expect(next_is(&s, "a\\n'b", 5));
    cr_expect(ends(&s));
}

Test(words, ends_a_word_at_its_closing_quote)
{
    struct split s;
    split_open(&s, "ab\"cd\" e", 8);
    cr_expect(next_is(&s, "abcd", 4));
    cr_expect(next_is(&s, "e", 1));
}

Test(words, refuses_quotes_that_do_not_close_or_are_followed_by_text)
{
    cr_expect(is_unbalanced("\"abc"));
    cr_expect(is_unbalanced("'abc"));
    cr_expect(is_unbalanced("\"abc\"d"));
    cr_expect(is_unbalanced("'abc'd"));
    cr_expect(is_unbalanced("a \"\\"));
    cr_expect(is_unbalanced("a \"\\x4"));
}

Test(words, stays_inside_the_line_for_every_prefix)
{
    const char line[] = "a \"b\\x41c\\\"\" 'd\\'e' \\x";
    for (size_t size = 0; size < sizeof line; size++) {
        uint8_t *exact = malloc(size + 1);
        struct words w = { .text = exact, .size = size };
        struct bytes word;
        uint32_t count = 0;
        memcpy(exact, line, size);
        exact[size] = 0xee;
        while (words_next(&w, &word) == WORDS_ONE) count++;
        cr_expect(le(u32, count, 4));
        cr_expect(eq(int, exact[size], 0xee));
        free(exact);
    }
}
