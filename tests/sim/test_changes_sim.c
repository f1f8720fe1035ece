// No write forgets its listeners: WATCH, client-side caching and keyspace notifications hear of a
// change by on_changed alone. Random commands of every type, few keys; after each command, every
// key whose value or deadline is another one was told of. PENSTOCK_TEST_SEED=N: that seed alone.
//
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "dataplane/types/digest.h"
#include "tests/sim/commands.h"

enum { COMMANDS = 5000, RUNS = 20, DATABASES = 3, NAMES = 12, TOLD_MAX = 64 };

static const char *const names[NAMES] = { "x0", "x1", "h0", "h1", "z0", "z1",
                                          "l0", "l1", "s0", "s1", "k0", "k1" };

struct state { // of one key
    uint8_t digest[DIGEST_BYTES];
    uint64_t deadline_ms;
    bool is_there;
};
struct told {
    bool keys[DATABASES][NAMES];
    char events[TOLD_MAX * 32];
    size_t size;
};
static struct told told; // on_changed has no context of the listener's

static void note_change(struct server *s, uint32_t db, struct bytes key, uint32_t class,
                        const char *event)
{
    (void)class;
    for (uint32_t i = 0; i < NAMES; i++)
        if (bytes_is_word(key, names[i]) && db < DATABASES) told.keys[db][i] = true;
    int size = snprintf(told.events + told.size, sizeof told.events - told.size, " %u:%.*s:%s", db,
                        (int)key.size, (const char *)key.data, event);
    if (told.size + (size_t)size < sizeof told.events) told.size += (size_t)size;
}

static void look(const struct harness *h, struct state all[DATABASES][NAMES])
{
    memset(all, 0, sizeof(struct state) * DATABASES * NAMES);
    for (uint32_t db = 0; db < DATABASES; db++)
        for (uint32_t i = 0; i < NAMES; i++) {
            struct key key = key_make(h->server.keyspace, bytes_text(names[i]));
            const struct entry *e = keyspace_peek(h->server.keyspace, db, &key);
            if (!e) continue;
            all[db][i].is_there = true;
            all[db][i].deadline_ms = entry_deadline_ms(e);
            digest_value(h->server.keyspace, e, h->now_ms, all[db][i].digest);
        }
}

static void expect_told(const struct state before[DATABASES][NAMES],
                        const struct state after[DATABASES][NAMES], uint64_t seed, uint32_t at,
                        const char *line)
{
    for (uint32_t db = 0; db < DATABASES; db++)
        for (uint32_t i = 0; i < NAMES; i++)
            cr_assert(told.keys[db][i] ||
                          memcmp(&before[db][i], &after[db][i], sizeof before[db][i]) == 0,
                      "seed %lu, command %u: nobody was told of %s in database %u: %s\n  told:%s",
                      (unsigned long)seed, at, names[i], db, line, told.events);
}

static void run(uint64_t seed)
{
    struct harness *h = harness_open();
    struct harness_client *c = harness_client_open(h);
    struct state before[DATABASES][NAMES], after[DATABASES][NAMES];
    struct rng rng;
    char line[LINE_MAX] = "";
    rng_seed(&rng, seed);
    set_tiny_thresholds(h);
    h->server.on_changed = note_change;
    look(h, before);
    for (uint32_t i = 1; i <= COMMANDS; i++) {
        memset(&told, 0, sizeof told);
        (void)make_line(&rng, h, line);
        harness_client_run(c, line);
        if (rng_below(&rng, 15) == 0) harness_set_time(h, h->now_ms + 50 * rng_below(&rng, 3));
        keyspace_expire_step(h->server.keyspace, h->now_ms, 1000);
        hash_expiry_step(&h->server, h->now_ms, 1000);
        blocks_expire(&h->server);
        harness_client_wire(c);
        look(h, after);
        expect_told(before, after, seed, i, line);
        memcpy(before, after, sizeof before);
    }
    h->server.on_changed = NULL;
    harness_client_close(c);
    harness_close(h);
}

Test(changes_sim, no_write_forgets_its_listeners)
{
    const char *one = getenv("PENSTOCK_TEST_SEED");
    if (one) {
        run(strtoull(one, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= RUNS; seed++) run(seed);
}
