// Random histories of several shards, each log cut at a random byte as a crash may: the plan keeps
// the largest prefixes in which every transaction is whole, and says nothing is wrong then.
// PENSTOCK_SEED names a first seed.
#include "dataplane/base/hash.h"
#include "tests/unit/storage/aof_log.h"

enum {
    SHARDS_MAX = 5,
    UNITS_MAX = 64,
    LOG_BYTES_MAX = UNITS_MAX * 256,
    SMALL_UNITS = 6, // of a shard, where all prefixes are tried
    SMALL_SEEDS = 1200,
    LARGE_SEEDS = 600,
};

struct unit {
    uint64_t begin, end;
    uint64_t number; // of a transaction; 0: the shard's own
};
struct shard_log {
    char text[LOG_BYTES_MAX];
    uint64_t bytes, cut;
    struct unit units[UNITS_MAX];
    uint32_t unit_count;
    uint32_t whole; // units that the cut leaves
};
struct history {
    struct rng rng;
    uint64_t number;
    uint32_t shard_count;
    struct shard_log shards[SHARDS_MAX];
};

static struct world w;
static struct history h; // large

static uint32_t pick(uint64_t bound) { return (uint32_t)rng_below(&h.rng, bound); }

// ---- histories ---------------------------------------------------------------------------------

static void put(struct shard_log *l, const char *text)
{
    size_t size = strlen(text);
    CHECK(l->bytes + size <= LOG_BYTES_MAX);
    memcpy(l->text + l->bytes, text, size);
    l->bytes += size;
}
static struct unit *begin_unit(struct shard_log *l, uint64_t number)
{
    struct unit *u = &l->units[l->unit_count++];
    *u = (struct unit){ .begin = l->bytes, .number = number };
    return u;
}
static void put_part(struct shard_log *l, uint64_t number, uint32_t count)
{
    char line[AOF_TRANSACTION_BYTES_MAX + 1];
    struct unit *u = begin_unit(l, number);
    line[aof_put_transaction(line, number, count)] = '\0';
    put(l, line);
    put(l, MULTI);
    for (uint32_t i = pick(3); i > 0; i--) put(l, SET); // none: a point of order
    put(l, EXEC);
    u->end = l->bytes;
}
static void put_own(struct shard_log *l)
{
    static const char *const texts[] = { SET, MULTI SET SET EXEC, "#TS:1795353190\r\n",
                                         MULTI EXEC };
    struct unit *u = begin_unit(l, 0);
    put(l, texts[pick(4)]);
    u->end = l->bytes;
}
static void put_transaction(void)
{
    uint32_t set = 1 + pick((1u << h.shard_count) - 1), count = __builtin_popcount(set);
    h.number += 1 + pick(8) / 7; // some numbers are not used
    for (uint32_t i = 0; i < h.shard_count; i++)
        if (set >> i & 1) put_part(&h.shards[i], h.number, count);
}
static bool has_room(uint32_t units_max)
{
    for (uint32_t i = 0; i < h.shard_count; i++)
        if (h.shards[i].unit_count == units_max) return false;
    return true;
}

static void make_history(uint64_t seed, uint32_t shards_max, uint32_t units_max)
{
    memset(&h, 0, sizeof h);
    rng_seed(&h.rng, seed);
    h.shard_count = 2 + pick(shards_max - 1);
    uint32_t joint_percent = 10 + pick(80);
    for (uint32_t i = 1 + pick(units_max * h.shard_count); i > 0 && has_room(units_max); i--)
        if (pick(100) < joint_percent)
            put_transaction();
        else
            put_own(&h.shards[pick(h.shard_count)]);
}

// Most cuts are near the end, as after a crash.
static void cut_history(void)
{
    for (uint32_t i = 0; i < h.shard_count; i++) {
        struct shard_log *l = &h.shards[i];
        uint64_t most = pick(2) ? l->bytes : l->bytes < 200 ? l->bytes : 200;
        l->cut = pick(3) ? l->bytes - rng_below(&h.rng, most + 1) : l->bytes;
        for (l->whole = 0; l->whole < l->unit_count; l->whole++)
            if (l->units[l->whole].end > l->cut) break;
    }
}

static void put_history(void)
{
    char path[AOF_PATH_MAX];
    for (uint32_t i = 0; i < h.shard_count; i++) {
        add_incr(&w, (int)i, NULL);
        put_bytes(incr_path(path, w.incr_count), h.shards[i].text, h.shards[i].cut);
    }
}

// ---- what is consistent ------------------------------------------------------------------------

static uint32_t place_in(const struct shard_log *l, uint64_t number)
{
    uint32_t i = 0;
    while (i < l->unit_count && l->units[i].number != number) i++;
    return i; // unit_count: it has no part
}

static bool is_consistent(const uint32_t *kept)
{
    for (uint32_t i = 0; i < h.shard_count; i++)
        for (uint32_t at = 0; at < kept[i]; at++)
            for (uint32_t j = 0; h.shards[i].units[at].number && j < h.shard_count; j++) {
                uint32_t place = place_in(&h.shards[j], h.shards[i].units[at].number);
                if (place < h.shards[j].unit_count && place >= kept[j]) return false;
            }
    return true;
}

// All prefixes are tried. The largest one is larger than any other in every shard.
static void find_best_of_all(uint32_t *best)
{
    uint32_t kept[SHARDS_MAX] = { 0 }, most = 0;
    memset(best, 0, SHARDS_MAX * sizeof *best);
    for (uint32_t i = 0; i < h.shard_count;) {
        uint32_t sum = 0;
        for (uint32_t j = 0; j < h.shard_count; j++) sum += kept[j];
        if (sum > most && is_consistent(kept)) {
            most = sum;
            memcpy(best, kept, sizeof kept);
        }
        for (i = 0; i < h.shard_count && ++kept[i] > h.shards[i].whole; i++) kept[i] = 0;
    }
}

// From all that is whole, down: where that is not consistent, the unit has to go.
static void find_best_by_cutting(uint32_t *kept)
{
    for (uint32_t i = 0; i < h.shard_count; i++) kept[i] = h.shards[i].whole;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 0; i < h.shard_count; i++)
            for (uint32_t at = 0; at < kept[i]; at++)
                for (uint32_t j = 0; h.shards[i].units[at].number && j < h.shard_count; j++) {
                    uint32_t place = place_in(&h.shards[j], h.shards[i].units[at].number);
                    if (place >= h.shards[j].unit_count || place < kept[j] || at >= kept[i])
                        continue;
                    kept[i] = at;
                    changed = true;
                }
    }
}

// ---- the plan ----------------------------------------------------------------------------------

static uint64_t end_of(const struct shard_log *l, uint32_t kept)
{
    return kept < l->unit_count ? l->units[kept].begin : l->bytes;
}

static bool is_cut(const uint32_t *kept)
{
    for (uint32_t i = 0; i < h.shard_count; i++)
        if (end_of(&h.shards[i], kept[i]) < h.shards[i].cut) return true;
    return false;
}

static void cut_files(uint32_t first)
{
    char path[AOF_PATH_MAX];
    for (uint32_t i = first; i < w.plan.log_count; i++)
        CHECK(truncate(incr_path(path, i + 1), (off_t)w.plan.logs[i].end) == 0);
}

static void expect_plan(uint64_t seed, uint32_t first, const uint32_t *kept)
{
    cr_assert_eq(make_plan(&w, true), OK, "seed %lu: %s", seed, w.error.line);
    for (uint32_t i = 0; i < first; i++) cr_assert_eq(w.plan.logs[i].end, w.plan.logs[i].bytes);
    for (uint32_t i = 0; i < h.shard_count; i++) {
        const struct aof_plan_log *l = &w.plan.logs[first + i];
        uint64_t end = end_of(&h.shards[i], kept[i]);
        cr_assert_eq(l->end, end, "seed %lu: shard %u ends at %lu, not at %lu", seed, i, l->end,
                     end);
        cr_assert_eq(l->why == NULL, l->end == l->bytes, "seed %lu: %s", seed, l->why);
    }
    cut_files(first);
    aof_plan_close(&w.plan);
    cr_assert_eq(make_plan(&w, false), OK, "seed %lu, cut: %s", seed, w.error.line);
    aof_plan_close(&w.plan);
}

static void run(uint64_t seed, uint32_t shards_max, uint32_t units_max,
                void (*find)(uint32_t *kept))
{
    uint32_t kept[SHARDS_MAX], first = 0;
    w = (struct world){ .folder.d.lock_fd = -1 };
    world_make(&w);
    make_history(seed, shards_max, units_max);
    for (uint32_t i = 0; i < h.shard_count; i++) h.shards[i].cut = h.shards[i].bytes;
    if (seed % 3 == 0) { // an earlier generation, whole; numbers begin again
        put_history();
        first = w.incr_count;
        make_history(seed + 1000000, shards_max, units_max);
    }
    cut_history();
    put_history();
    find(kept);
    if (is_cut(kept)) {
        cr_assert_eq(make_plan(&w, false), ERR_IO, "seed %lu", seed);
        cr_assert(w.error.is_torn, "seed %lu: %s", seed, w.error.line);
    }
    expect_plan(seed, first, kept);
    world_close(&w);
}

static uint64_t first_seed(void)
{
    const char *text = getenv("PENSTOCK_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : 1;
    fprintf(stderr, "first seed %lu\n", seed);
    return seed;
}

Test(aof_plan_seeded, keeps_the_best_of_all_prefixes)
{
    uint64_t seed = first_seed();
    for (uint64_t i = 0; i < SMALL_SEEDS; i++) run(seed + i, 3, SMALL_UNITS, find_best_of_all);
}

Test(aof_plan_seeded, keeps_what_cutting_leaves_of_long_histories)
{
    uint64_t seed = first_seed();
    for (uint64_t i = 0; i < LARGE_SEEDS; i++)
        run(seed + i, SHARDS_MAX, UNITS_MAX - 1, find_best_by_cutting);
}
