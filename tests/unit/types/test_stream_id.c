#include "dataplane/types/stream_id.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

struct text_case {
    char text[48];
    bool is_good;
    uint64_t ms, seq;
};

// Redis 7.0.15: XRANGE s <text> + refuses or takes them so.
static struct text_case cases[] = {
    { "5", true, 5, 7 },
    { "5-3", true, 5, 3 },
    { "0-0", true, 0, 0 },
    { "18446744073709551615-18446744073709551615", true, UINT64_MAX, UINT64_MAX },
    { "01-1", true, 1, 1 },
    { "+1", true, 1, 7 },
    { " 1", true, 1, 7 },
    { "1--0", true, 1, 0 },
    { "1--1", false, 0, 0 },
    { "1 ", false, 0, 0 },
    { "", false, 0, 0 },
    { "-", false, 0, 0 },
    { "+", false, 0, 0 },
    { "-1", false, 0, 0 },
    { "1-", false, 0, 0 },
    { "1-x", false, 0, 0 },
    { "1-*", false, 0, 0 },
    { "1-1-1", false, 0, 0 },
    { "18446744073709551616", false, 0, 0 },
    { "1-18446744073709551616", false, 0, 0 },
};
ParameterizedTestParameters(stream_id, reads_what_redis_reads)
{
    return cr_make_param_array(struct text_case, cases, sizeof cases / sizeof cases[0]);
}
ParameterizedTest(struct text_case *c, stream_id, reads_what_redis_reads)
{
    struct stream_id id;
    bool is_good = stream_id_parse(bytes_text(c->text), 7, &id, NULL);
    cr_assert(is_good == c->is_good, "%s", c->text);
    if (is_good) cr_expect(id.ms == c->ms && id.seq == c->seq, "%s", c->text);
}

Test(stream_id, stops_reading_at_a_nul_and_refuses_long_texts)
{
    struct stream_id id;
    char nines[200];
    memset(nines, '0', sizeof nines);
    cr_expect(stream_id_parse(BYTES_LITERAL("1\0x"), 0, &id, NULL));
    cr_expect(eq(u64, id.ms, 1));
    cr_expect(stream_id_parse(bytes_make(nines, 127), 0, &id, NULL));
    cr_expect(not(stream_id_parse(bytes_make(nines, 128), 0, &id, NULL)));
}

Test(stream_id, tells_that_the_number_within_the_ms_may_be_any)
{
    struct stream_id id;
    bool any;
    cr_expect(stream_id_parse(BYTES_LITERAL("9-*"), 0, &id, &any) && any);
    cr_expect(id.ms == 9 && id.seq == 0);
    cr_expect(stream_id_parse(BYTES_LITERAL("9-1"), 0, &id, &any) && !any);
    cr_expect(not(stream_id_parse(BYTES_LITERAL("9-**"), 0, &id, &any)));
}

Test(stream_id, reads_the_ends_of_intervals)
{
    struct stream_id id;
    bool is_excluded;
    cr_expect(stream_id_parse_bound(BYTES_LITERAL("-"), 9, &id, &is_excluded) && !is_excluded);
    cr_expect(stream_id_is_zero(id));
    cr_expect(stream_id_parse_bound(BYTES_LITERAL("+"), 9, &id, &is_excluded) && !is_excluded);
    cr_expect(eq(int, stream_id_compare(id, STREAM_ID_MAX), 0));
    cr_expect(stream_id_parse_bound(BYTES_LITERAL("(5"), 9, &id, &is_excluded) && is_excluded);
    cr_expect(id.ms == 5 && id.seq == 9);
    cr_expect(not(stream_id_parse_bound(BYTES_LITERAL("("), 9, &id, &is_excluded)));
    cr_expect(not(stream_id_parse_bound(BYTES_LITERAL("(-"), 9, &id, &is_excluded)));
    cr_expect(not(stream_id_parse_bound(BYTES_LITERAL("((5"), 9, &id, &is_excluded)));
}

Test(stream_id, steps_over_the_ms_and_stops_at_both_ends)
{
    struct stream_id id = { 4, UINT64_MAX };
    cr_expect(stream_id_increment(&id) && id.ms == 5 && id.seq == 0);
    cr_expect(stream_id_decrement(&id) && id.ms == 4 && id.seq == UINT64_MAX);
    id = STREAM_ID_MAX;
    cr_expect(not(stream_id_increment(&id)));
    cr_expect(eq(int, stream_id_compare(id, STREAM_ID_MAX), 0));
    id = STREAM_ID_ZERO;
    cr_expect(not(stream_id_decrement(&id)));
    cr_expect(stream_id_is_zero(id));
}

Test(stream_id, is_stored_so_that_bytes_compare_as_ids)
{
    uint8_t a[STREAM_ID_BYTES], b[STREAM_ID_BYTES];
    char text[STREAM_ID_TEXT_MAX];
    stream_id_store(a, (struct stream_id){ 255, UINT64_MAX });
    stream_id_store(b, (struct stream_id){ 256, 0 });
    cr_expect(memcmp(a, b, sizeof a) < 0);
    cr_expect(eq(int, stream_id_compare(stream_id_load(b), (struct stream_id){ 256, 0 }), 0));
    cr_expect(eq(u32, stream_id_format(text, STREAM_ID_MAX), STREAM_ID_TEXT_MAX));
}
