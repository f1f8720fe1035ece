// The 24 bits that say how lately or how often a key was used. As LRU clock: seconds, wrapping
// after 194 days. As LFU: 16 bits of minutes when the counter last decayed, then the counter, 8
// bits that grow with the logarithm of the uses.
#include "dataplane/keyspace/keyspace_priv.h"
#include "dataplane/base/check.h"

enum { LRU_RESOLUTION_MS = 1000, LRU_CLOCK_MAX = (1 << 24) - 1, LFU_MAX = 255 };

static uint32_t lru_clock(uint64_t now_ms)
{
    return (uint32_t)(now_ms / LRU_RESOLUTION_MS) & LRU_CLOCK_MAX;
}
static uint32_t lfu_minutes(uint64_t now_ms) { return (uint32_t)(now_ms / 60000) & 0xffff; }

static uint32_t lfu_decayed(const struct keyspace *k, const struct entry *e, uint64_t now_ms)
{
    uint32_t counter = e->access & 0xff;
    uint32_t elapsed = (lfu_minutes(now_ms) - (e->access >> 8)) & 0xffff;
    uint32_t periods = k->lfu_decay_min ? elapsed / k->lfu_decay_min : 0;
    return periods > counter ? 0 : counter - periods;
}

static uint32_t lfu_grown(struct keyspace *k, uint32_t counter)
{
    if (counter == LFU_MAX) return counter;
    uint32_t base = counter > LFU_INIT ? counter - LFU_INIT : 0;
    double chance = 1.0 / ((double)base * k->lfu_log_factor + 1);
    return rng_unit(&k->rng) < chance ? counter + 1 : counter;
}

uint32_t entry_access_new(const struct keyspace *k)
{
    return k->lfu ? lfu_minutes(k->now_ms) << 8 | LFU_INIT : lru_clock(k->now_ms);
}

void entry_access_touch(struct keyspace *k, struct entry *e)
{
    uint32_t access = lru_clock(k->now_ms);
    if (k->lfu) access = lfu_minutes(k->now_ms) << 8 | lfu_grown(k, lfu_decayed(k, e, k->now_ms));
    // A store dirties the line: not for every read of a key that is read all the time.
    if (e->access != access) e->access = access & 0xffffff;
}

uint32_t entry_idle_s(const struct keyspace *k, const struct entry *e, uint64_t now_ms)
{
    uint32_t now = lru_clock(now_ms), then = e->access;
    uint32_t ticks = now >= then ? now - then : now + (LRU_CLOCK_MAX - then);
    return ticks / (1000 / LRU_RESOLUTION_MS);
}

uint32_t entry_frequency(const struct keyspace *k, const struct entry *e, uint64_t now_ms)
{
    return lfu_decayed(home_of_entry(k, e), e, now_ms);
}

// An idle time longer than the clock has run is as long as one can be told, half of its way round.
void entry_set_access(const struct keyspace *k, struct entry *e, int64_t idle_s, int64_t frequency,
                      uint64_t now_ms)
{
    uint32_t clock = lru_clock(now_ms), access = e->access;
    k = home_of_entry(k, e);
    if (k->lfu) {
        if (frequency >= 0) access = lfu_minutes(now_ms) << 8 | (uint32_t)(frequency & 0xff);
    } else if (idle_s >= 0) {
        bool fits = idle_s <= clock;
        access = fits ? clock - (uint32_t)idle_s : (clock + LRU_CLOCK_MAX / 2) % LRU_CLOCK_MAX;
    }
    e->access = access & 0xffffff;
}

void keyspace_set_access_clock(struct keyspace *k, bool lfu)
{
    CHECK(!k->joint);
    k->lfu = lfu;
}

void keyspace_set_lfu(struct keyspace *k, uint32_t log_factor, uint32_t decay_min)
{
    CHECK(!k->joint);
    k->lfu_log_factor = log_factor;
    k->lfu_decay_min = decay_min;
}
