// Effects are all that a replica or a log gets: what they say, executed elsewhere, must give the
// same data. Random commands of every type, few keys, tiny thresholds; their effects are executed
// by a second server, and the digests of both are compared. PENSTOCK_TEST_SEED=N: that seed alone.
//
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "dataplane/types/digest.h"
#include "tests/sim/commands.h"

enum { COMMANDS = 5000, COMMANDS_PER_LOOK = 100, RUNS = 30 };

struct pair {
    struct harness *ours, *theirs;
    uint8_t *units; // RESP, not executed there yet
    size_t size, room;
};

static void keep_unit(void *context, struct bytes front, struct byte_queue *rest,
                      uint32_t command_count)
{
    struct pair *p = context;
    struct bytes unit = harness_whole_unit(front, rest);
    if (p->size + unit.size > p->room) {
        p->room = 2 * (p->size + unit.size);
        p->units = realloc(p->units, p->room);
        cr_assert(ne(ptr, p->units, NULL));
    }
    memcpy(p->units + p->size, unit.data, unit.size);
    p->size += unit.size;
    free((void *)(uintptr_t)unit.data);
}

static bool is_transaction_word(struct bytes name)
{
    return bytes_is_word(name, "multi") || bytes_is_word(name, "exec");
}

// As a replica: no expiry of its own, every command has to succeed.
static void execute_units(struct pair *p, uint64_t seed)
{
    struct resp_limits limits = { 512 << 20, 1 << 30, true };
    struct bytes in = bytes_make(p->units, p->size);
    struct resp_request request;
    while (in.size) {
        cr_assert(eq(int, resp_read(&p->theirs->reader, &in, &limits, &request), RESP_REQUEST));
        if (is_transaction_word(request.argv[0])) continue;
        char text[256];
        int shown = 0;
        for (uint32_t i = 0; i < request.argc && shown < 200; i++)
            shown += snprintf(text + shown, sizeof text - (size_t)shown, "%.*s ",
                              (int)(request.argv[i].size < 40 ? request.argv[i].size : 40),
                              (const char *)request.argv[i].data);
        harness_execute(p->theirs, &request);
        harness_drain(p->theirs);
        cr_assert(ne(chr, p->theirs->wire[0], '-'), "seed %lu: effect %s: %s", (unsigned long)seed,
                  text, p->theirs->wire);
    }
    p->size = 0;
}

static void expect_equal(struct pair *p, uint64_t seed, uint32_t at, const char *line)
{
    uint8_t ours[DIGEST_BYTES], theirs[DIGEST_BYTES];
    struct harness *h = p->ours;
    execute_units(p, seed);
    digest_dataset(h->server.keyspace, 16, h->now_ms, ours);
    digest_dataset(p->theirs->server.keyspace, 16, h->now_ms, theirs);
    cr_assert(memcmp(ours, theirs, DIGEST_BYTES) == 0, "seed %lu: after command %u: %s",
              (unsigned long)seed, at, line);
}

// effects_of: by template, how often it had an effect.
static void run(uint64_t seed, uint32_t look_every, uint32_t effects_of[TEMPLATES])
{
    struct pair p = { .ours = harness_open(), .theirs = harness_open() };
    struct harness_client *c = harness_client_open(p.ours);
    struct rng rng;
    char line[LINE_MAX] = "";
    rng_seed(&rng, seed);
    set_tiny_thresholds(p.ours);
    set_tiny_thresholds(p.theirs);
    effects_set_sink(&p.theirs->server.effects, NULL, NULL);
    effects_set_sink(&p.ours->server.effects, keep_unit, &p);
    keyspace_set_active_expire(p.theirs->server.keyspace, false);
    for (uint32_t i = 1; i <= COMMANDS; i++) {
        uint32_t number = make_line(&rng, p.ours, line);
        uint64_t before = p.ours->server.effects.commands_total;
        harness_client_run(c, line);
        effects_of[number] += p.ours->server.effects.commands_total != before;
        if (rng_below(&rng, 15) == 0)
            harness_set_time(p.ours, p.ours->now_ms + 50 * rng_below(&rng, 3));
        keyspace_expire_step(p.ours->server.keyspace, p.ours->now_ms, 1000);
        hash_expiry_step(&p.ours->server, p.ours->now_ms, 1000);
        blocks_expire(&p.ours->server);
        harness_client_wire(c);
        if (i % look_every == 0) expect_equal(&p, seed, i, line);
    }
    harness_client_close(c);
    harness_close(p.ours);
    harness_close(p.theirs);
    free(p.units);
}

// PENSTOCK_TEST_SEED=N runs one seed alone, looking after every command.
Test(effects_sim, give_the_same_data_elsewhere)
{
    const char *one = getenv("PENSTOCK_TEST_SEED");
    uint32_t effects_of[TEMPLATES] = { 0 };
    if (one) {
        run(strtoull(one, NULL, 10), 1, effects_of);
        return;
    }
    for (uint64_t seed = 1; seed <= RUNS; seed++) run(seed, COMMANDS_PER_LOOK, effects_of);
    for (uint32_t i = 0; i < TEMPLATES; i++)
        cr_expect(ne(u32, effects_of[i], 0), "no effect of: %s", templates[i]);
}
