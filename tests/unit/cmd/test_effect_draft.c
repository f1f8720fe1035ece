#include "dataplane/cmd/effect_draft.h"
#include "tests/unit/cmd/harness.h"

static struct harness *h;
static struct call call;
static void open_harness(void)
{
    h = harness_open();
    call = (struct call){ .server = &h->server, .client = &h->client };
}
static void close_harness(void) { harness_close(h); }
TestSuite(effect_draft, .init = open_harness, .fini = close_harness);

static struct effect_draft draft_of(uint64_t count, bool replaces)
{
    struct effect_draft d;
    effect_draft_begin(&d, &call, "SADD", BYTES_LITERAL("k"), count, replaces);
    for (uint64_t i = 0; i < count; i++) effect_draft_add(&d, BYTES_LITERAL("m"));
    return d;
}

static uint32_t count_of(const char *word)
{
    uint32_t count = 0;
    for (const char *at = h->effects; (at = strstr(at, word)); at++) count++;
    return count;
}

Test(effect_draft, is_a_unit_of_its_own_behind_what_there_was)
{
    struct bytes del[] = { BYTES_LITERAL("DEL"), BYTES_LITERAL("old") };
    h->client.db = 3;
    struct effect_draft d = draft_of(2500, true);
    effects_add(&h->server.effects, 0, del, 2);
    effect_draft_put(&d, &call);
    cr_expect(call.has_effect);
    static const char begin[] = "DEL old;MULTI | SELECT 3 | DEL k | SADD k m m ";
    cr_expect(eq(int, strncmp(h->effects, begin, sizeof begin - 1), 0));
    cr_expect(eq(u32, count_of("SADD k"), 3));
    cr_expect(eq(u32, count_of(" m"), 2500));
    cr_expect(eq(str, h->effects + h->effects_size - 10, (char *)" m | EXEC;"));
    cr_expect(eq(u64, h->server.effects.commands_total, 5));
    h->effects_size = 0;
    effects_add(&h->server.effects, 3, del, 2); // the database is known since
    effects_end_unit(&h->server.effects);
    cr_expect(eq(str, h->effects, (char *)"DEL old;"));
}

Test(effect_draft, of_one_command_needs_no_frame)
{
    struct effect_draft d = draft_of(2, false);
    effect_draft_put(&d, &call);
    cr_expect(eq(str, h->effects, (char *)"SADD k m m;"));
    d = draft_of(0, true);
    effect_draft_put(&d, &call);
    cr_expect(eq(str, h->effects, (char *)"SADD k m m;DEL k;"));
    d = draft_of(0, false);
    effect_draft_put(&d, &call);
    cr_expect(eq(str, h->effects, (char *)"SADD k m m;DEL k;"));
}

Test(effect_draft, is_part_of_a_unit_that_is_held)
{
    struct bytes ping[] = { BYTES_LITERAL("INCR"), BYTES_LITERAL("n") };
    struct effects *e = &h->server.effects;
    effects_hold(e);
    struct effect_draft d = draft_of(1, true);
    effect_draft_put(&d, &call);
    effects_add(e, 0, ping, 2);
    d = draft_of(1, false);
    effect_draft_put(&d, &call);
    cr_expect(eq(str, h->effects, (char *)""));
    effects_release(e);
    cr_expect(eq(str, h->effects, (char *)"MULTI | DEL k | SADD k m | INCR n | SADD k m | EXEC;"));
}

Test(effect_draft, may_be_dropped_half_way)
{
    static char text[100000];
    struct effect_draft d = { 0 };
    effect_draft_drop(&d);
    effect_draft_begin(&d, &call, "RPUSH", BYTES_LITERAL("k"), 2, true);
    effect_draft_add(&d, bytes_make(text, sizeof text));
    effect_draft_drop(&d);
    cr_expect(eq(str, h->effects, (char *)""));
}

Test(effect_draft, takes_a_text_in_pieces)
{
    struct effect_draft d;
    effect_draft_begin_set(&d, &call, BYTES_LITERAL("k"), 7);
    effect_draft_add_piece(&d, BYTES_LITERAL("abc"));
    effect_draft_add_piece(&d, BYTES_LITERAL(""));
    effect_draft_add_piece(&d, BYTES_LITERAL("defg"));
    effect_draft_put(&d, &call);
    cr_expect(eq(str, h->effects, (char *)"SET k abcdefg;"));
}

// A log that is switched on while the job is under way has to have it all the same.
Test(effect_draft, tells_what_is_there_to_who_listens_since)
{
    effects_sink *sink = h->server.effects.sink;
    struct key key = key_make(h->server.keyspace, BYTES_LITERAL("k"));
    call.keyspace = h->server.keyspace;
    effects_set_sink(&h->server.effects, NULL, NULL);
    struct effect_draft d = draft_of(3, true);
    effects_set_sink(&h->server.effects, sink, h);
    string_set(h->server.keyspace, 0, &key, BYTES_LITERAL("value"), NULL, 0, 0, h->now_ms);
    effect_draft_put(&d, &call);
    effects_end_unit(&h->server.effects);
    cr_expect(eq(str, h->effects, (char *)"SET k value;"));
}

Test(effect_draft, is_nothing_when_nobody_listens)
{
    effects_set_sink(&h->server.effects, NULL, NULL);
    struct effect_draft d = draft_of(5000, true);
    cr_expect(not(effect_draft_is_on(&d)));
    effect_draft_put(&d, &call);
    cr_expect(zero(u64, h->server.effects.commands_total));
}
