#include "dataplane/base/glob.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include "dataplane/base/hash.h"

struct sample {
    const char *pattern, *text;
    bool matches;
};

static void expect(const struct sample *samples, size_t count, bool ignore_case)
{
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(
            glob_match(bytes_text(samples[i].pattern), bytes_text(samples[i].text), ignore_case),
            samples[i].matches, "%s on %s", samples[i].pattern, samples[i].text);
}
#define EXPECT(samples, ignore_case)                                                               \
    expect(samples, sizeof(samples) / sizeof(samples[0]), ignore_case)

Test(glob, stars_and_question_marks)
{
    static const struct sample samples[] = {
        { "*", "a", true },        { "**", "abc", true },         { "a*", "a", true },
        { "a*", "abc", true },     { "a*", "ba", false },         { "*a", "ba", true },
        { "*a", "ab", false },     { "a*c", "abbbc", true },      { "a*c", "ac", true },
        { "a*c", "abcd", false },  { "a*b*c", "axbxc", true },    { "a*b*c", "axcxb", false },
        { "?", "a", true },        { "?", "ab", false },          { "a?c", "abc", true },
        { "a?c", "ac", false },    { "??*", "a", false },         { "??*", "ab", true },
        { "*?", "a", true },       { "*ab*ab", "abab", true },    { "*ab*ab", "ababa", false },
        { "*aab", "aaaab", true }, { "h*llo", "heeeello", true }, { "abc", "abc", true },
        { "abc", "abd", false },   { "abc", "ab", false },        { "ab", "abc", false },
        { "", "a", false },        { "a**", "a", true },          { "*[ab]*c", "xbxc", true },
    };
    EXPECT(samples, false);
}

// A server keeps a key of no bytes out of KEYS ** too.
Test(glob, the_empty_text_matches_the_empty_pattern_alone)
{
    static const struct sample samples[] = {
        { "", "", true },   { "*", "", false },   { "**", "", false },
        { "?", "", false }, { "[^a", "", false },
    };
    EXPECT(samples, false);
}

Test(glob, classes)
{
    static const struct sample samples[] = {
        { "h[ae]llo", "hallo", true },  { "h[ae]llo", "hillo", false },
        { "h[^e]llo", "hallo", true },  { "h[^e]llo", "hello", false },
        { "h[a-b]llo", "hbllo", true }, { "h[a-b]llo", "hcllo", false },
        { "[z-a]", "m", true },         { "[a-]", "-", false },
        { "[a-]]", "^", true },         { "[-a]", "-", true },
        { "[]a", "a", false },          { "[^]a", "xa", true },
        { "[\\]]", "]", true },         { "[\\-]", "-", true },
        { "[a\\-z]", "m", false },      { "[a\\-z]", "-", true },
        { "[*]", "*", true },           { "[*]", "a", false },
        { "[?]x", "?x", true },         { "[a^]", "^", true },
    };
    EXPECT(samples, false);
}

Test(glob, an_unclosed_class_ends_with_the_pattern)
{
    static const struct sample samples[] = {
        { "[", "a", false },   { "[", "[", false },   { "[a", "a", true },   { "[ab", "b", true },
        { "[ab", "c", false }, { "[^", "a", true },   { "[^a", "b", true },  { "[^a", "a", false },
        { "[a-", "-", true },  { "[a-", "b", false }, { "[\\", "\\", true }, { "[a-c", "b", true },
    };
    EXPECT(samples, false);
}

Test(glob, backslash_takes_the_next_byte_as_it_is)
{
    static const struct sample samples[] = {
        { "\\*", "*", true },     { "\\*", "a", false },  { "\\?", "?", true },
        { "\\[a]", "[a]", true }, { "\\a", "a", true },   { "\\", "\\", true },
        { "a\\", "a\\", true },   { "\\\\", "\\", true },
    };
    EXPECT(samples, false);
}

Test(glob, case_is_ignored_when_asked)
{
    static const struct sample folded[] = {
        { "ABC", "abc", true }, { "a[B]c", "abc", true }, { "[A-C]", "b", true },
        { "[a-c]", "B", true }, { "\\A", "a", true },     { "[\\A]", "a", false },
    };
    static const struct sample exact[] = {
        { "ABC", "abc", false },
        { "[A-C]", "b", false },
        { "\\A", "a", false },
    };
    EXPECT(folded, true);
    EXPECT(exact, false);
}

Test(glob, bytes_above_127_and_zero_bytes_are_bytes)
{
    cr_assert(glob_match(BYTES_LITERAL("a\0*"), BYTES_LITERAL("a\0b"), false));
    cr_assert(!glob_match(BYTES_LITERAL("a\0b"), BYTES_LITERAL("a\0c"), false));
    cr_assert(glob_match(BYTES_LITERAL("[\x80-\xff]"), BYTES_LITERAL("\xa0"), false));
    cr_assert(!glob_match(BYTES_LITERAL("[\x80-\xff]"), BYTES_LITERAL("a"), false));
    // bytes are signed in a range: 'a' to 0xff is -1 to 'a'
    cr_assert(glob_match(BYTES_LITERAL("[a-\xff]"), BYTES_LITERAL("B"), false));
    cr_assert(!glob_match(BYTES_LITERAL("[a-\xff]"), BYTES_LITERAL("b"), false));
}

// Takes hours where stars are retried by stars to their left.
Test(glob, many_stars_cost_no_more_than_pattern_times_text, .timeout = 5)
{
    enum { SIZE = 20000 };
    char *text = malloc(SIZE), pattern[401];
    memset(text, 'a', SIZE);
    for (int i = 0; i < 400; i += 2) memcpy(pattern + i, "*a", 2);
    pattern[400] = 'b';
    cr_assert(!glob_match(bytes_make(pattern, 401), bytes_make(text, SIZE), false));
    cr_assert(glob_match(bytes_make(pattern, 400), bytes_make(text, SIZE), false));
    free(text);
}

// Patterns of stars, marks and letters against the plainest matcher there is.
static bool match_plainly(const char *pattern, const char *text)
{
    if (*pattern == '\0') return *text == '\0';
    if (*pattern == '*')
        return match_plainly(pattern + 1, text) || (*text && match_plainly(pattern, text + 1));
    return *text && (*pattern == '?' || *pattern == *text) && match_plainly(pattern + 1, text + 1);
}

Test(glob, agrees_with_plain_recursion)
{
    struct rng r;
    rng_seed(&r, 5);
    for (int i = 0; i < 50000; i++) {
        char pattern[9], text[9];
        size_t pattern_size = rng_below(&r, 9), text_size = 1 + rng_below(&r, 8);
        for (size_t k = 0; k < pattern_size; k++) pattern[k] = "**?abab"[rng_below(&r, 7)];
        for (size_t k = 0; k < text_size; k++) text[k] = "ab"[rng_below(&r, 2)];
        pattern[pattern_size] = text[text_size] = '\0';
        cr_assert_eq(glob_match(bytes_text(pattern), bytes_text(text), false),
                     match_plainly(pattern, text), "%s on %s", pattern, text);
    }
}

// Every prefix of every mix of special bytes: nothing may be read behind the pattern.
Test(glob, no_pattern_is_read_past_its_end)
{
    struct rng r;
    rng_seed(&r, 6);
    for (int i = 0; i < 20000; i++) {
        size_t size = rng_below(&r, 8);
        char *pattern = malloc(size + 1);
        char *exact = malloc(size ? size : 1);
        for (size_t k = 0; k < size; k++) pattern[k] = "[]^-\\*?a"[rng_below(&r, 8)];
        memcpy(exact, pattern, size);
        pattern[size] = 'a'; // must not matter
        for (int fold = 0; fold < 2; fold++)
            cr_assert_eq(glob_match(bytes_make(pattern, size), BYTES_LITERAL("a-]"), fold),
                         glob_match(bytes_make(exact, size), BYTES_LITERAL("a-]"), fold));
        free(pattern);
        free(exact);
    }
}
