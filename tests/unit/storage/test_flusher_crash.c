#include "flusher_fixture.h"
#include <errno.h>

// A log over thousands of crashes: what was told durable is there in full; of the rest, what is
// there is what was handed over, in its place.

enum { SEEDS = 3000, ROUNDS = 3, CHUNK_MAX = 1500 };

struct story {
    struct flusher_bench b;
    struct flush_file file;
    struct rng rng;
    uint64_t seed;
    uint64_t handed; // bytes that went to flush_write
    uint64_t told;   // the most that durable said
};

static struct totals {
    uint64_t told, kept, errors, lost, torn;
} totals;

// What stands at each position, no zero.
static uint8_t expected[4 << 20];

static void make_expected(void)
{
    struct rng rng;
    rng_seed(&rng, 6);
    for (size_t i = 0; i < sizeof expected; i++) expected[i] = (uint8_t)(1 + rng_below(&rng, 255));
}

static void hand_over(struct story *s)
{
    struct flush_chunk *c = flush_take_chunk(bench_port(&s->b, 0));
    if (!c) return;
    c->size = (uint32_t)rng_below(&s->rng, CHUNK_MAX);
    CHECK(s->handed + c->size <= sizeof expected);
    memcpy(c->data, expected + s->handed, c->size);
    s->handed += c->size;
    flush_write(bench_port(&s->b, 0), &s->file, c, rng_below(&s->rng, 2));
}

static void meddle(struct story *s)
{
    struct disk *disk = s->b.disk.inner;
    switch (rng_below(&s->rng, 60)) {
    case 0:
        disk_memory_set_refusing(disk, rng_below(&s->rng, 2) ? EIO : 0);
        break;
    case 1:
        disk_memory_set_sync_refusing(disk, rng_below(&s->rng, 2) ? EIO : 0);
        break;
    case 2:
        disk_memory_set_capacity(disk, rng_below(&s->rng, 2) ? s->handed : 0);
        break;
    case 3:
        flush_set_sync(bench_port(&s->b, 0), &s->file, (enum flush_sync)rng_below(&s->rng, 3));
        break;
    }
}

static void watch(struct story *s)
{
    uint64_t durable = __atomic_load_n(&s->file.durable, __ATOMIC_ACQUIRE);
    cr_assert(ge(u64, durable, s->told), "seed %lu: durable went back", s->seed);
    cr_assert(le(u64, durable, s->file.written), "seed %lu", s->seed);
    cr_assert(le(u64, s->file.written, s->handed), "seed %lu", s->seed);
    s->told = durable;
    totals.errors += s->file.error != 0;
}

// Zeros stand where a sector was never written.
static void check_rest(const struct story *s, struct bytes file)
{
    uint64_t end = s->handed < file.size ? s->handed : file.size;
    cr_assert(le(sz, file.size, s->handed), "seed %lu: more than was handed over", s->seed);
    for (uint64_t i = s->told; i < end; i++) {
        if (file.data[i] == expected[i]) continue;
        cr_assert(zero(u8, file.data[i]), "seed %lu: something else at %lu", s->seed, i);
        totals.torn++;
        return;
    }
}

static void check_file(const struct story *s)
{
    struct bytes file = bench_bytes(&s->b, s->file.path);
    cr_assert(ge(sz, file.size, s->told), "seed %lu: was told %lu", s->seed, s->told);
    cr_assert(memcmp(file.data, expected, s->told) == 0, "seed %lu: told %lu", s->seed, s->told);
    check_rest(s, file);
    totals.told += s->told;
    totals.kept += file.size;
    totals.lost += s->file.has_lost;
}

// Recovery knows what is good; here that is what was told.
static void begin_round(struct story *s)
{
    s->file = (struct flush_file){ .kind = FLUSH_LOG,
                                   .path = "aof/incr",
                                   .must_append = s->told > 0,
                                   .start_size = s->told,
                                   .sync = FLUSH_SYNC_ALWAYS };
    s->handed = s->told;
    disk_memory_set_refusing(s->b.disk.inner, 0);
    disk_memory_set_sync_refusing(s->b.disk.inner, 0);
    disk_memory_set_capacity(s->b.disk.inner, 0);
    if (bench_create(&s->b, 0, &s->file) == 0) return;
    while (bench_create(&s->b, 0, &s->file) != 0) { // the disk had bad luck
    }
}

static void play_round(struct story *s, bool meddles)
{
    begin_round(s);
    for (uint64_t turns = rng_below(&s->rng, 200); turns > 0; turns--) {
        if (rng_below(&s->rng, 3) > 0) hand_over(s);
        if (meddles) meddle(s);
        s->b.step_ns = (1 + rng_below(&s->rng, 300)) * MS;
        bench_turn(&s->b);
        watch(s);
    }
    bench_crash(&s->b);
    check_file(s);
}

static void play(uint64_t seed, bool meddles)
{
    struct story s = { .seed = seed };
    struct disk_memory_config disk = { .seed = seed,
                                       .delay_turns_max = (uint32_t)(seed % 5),
                                       .eio_per_million = meddles ? 3000 : 0 };
    rng_seed(&s.rng, seed);
    bench_open(&s.b, 1, &disk);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        if (round > 0) bench_open_flusher(&s.b);
        play_round(&s, meddles);
    }
    bench_close(&s.b);
}

Test(flusher_crash, keeps_what_always_told_durable)
{
    totals = (struct totals){ 0 };
    make_expected();
    for (uint64_t seed = 1; seed <= SEEDS; seed++) play(seed, false);
    cr_expect(gt(u64, totals.told, 0));
    cr_expect(gt(u64, totals.kept, totals.told));
    cr_expect(gt(u64, totals.torn, 100));
    cr_expect(zero(u64, totals.errors));
    printf("# told %lu kept %lu torn %lu\n", totals.told, totals.kept, totals.torn);
}

Test(flusher_crash, keeps_what_was_told_durable_on_disks_that_refuse_and_policies_that_change)
{
    totals = (struct totals){ 0 };
    make_expected();
    for (uint64_t seed = 1; seed <= SEEDS; seed++) play(seed, true);
    cr_expect(gt(u64, totals.told, 0));
    cr_expect(gt(u64, totals.errors, 1000));
    cr_expect(gt(u64, totals.lost, 10));
    printf("# told %lu kept %lu torn %lu errors %lu lost %lu\n", totals.told, totals.kept,
           totals.torn, totals.errors, totals.lost);
}
