// Over all items of a table: in order, at random, to the end, and to check it.
#include "dataplane/keyspace/index_priv.h"
#include "dataplane/base/check.h"
#include "dataplane/base/prefetch.h"

// A try fails seldom; in a segment with one item 552 times of 553.
enum { RANDOM_TRIES_MAX = 8192 };
#define INDEX_CURSOR_MASK ((1ull << INDEX_CURSOR_BITS) - 1)

// ---- walks

static void visit_home(const struct index_segment *s, uint32_t home_index, index_visit *visit,
                       void *context)
{
    const struct index_home *home = &s->homes[home_index];
    for (uint32_t i = 0; i < INDEX_SLOTS; i++)
        if (home->slots[i]) visit(context, index_item(home->slots[i]));
    for (uint32_t mask = home->stash_mask; mask; mask &= mask - 1) {
        const struct index_stash *stash = &s->stashes[__builtin_ctz(mask)];
        for (uint32_t i = 0; i < INDEX_SLOTS; i++)
            if (stash->slots[i] && stash->home[i] == home_index)
                visit(context, index_item(stash->slots[i]));
    }
}

static uint64_t cursor_behind(uint64_t position, uint32_t depth)
{
    uint32_t bucket_bits = 64 - depth - INDEX_HOME_BITS;
    // Past the last bucket the sum wraps to 0, which is the end.
    uint64_t next = ((position >> bucket_bits) + 1) << bucket_bits;
    return next >> (64 - INDEX_CURSOR_BITS);
}

static uint64_t position_of(uint64_t cursor)
{
    return (cursor & INDEX_CURSOR_MASK) << (64 - INDEX_CURSOR_BITS);
}

uint64_t index_scan(const struct index *x, uint64_t cursor, index_visit *visit, void *context)
{
    if (!x->root) return 0;
    uint64_t position = position_of(cursor), word = index_word(x, position);
    uint32_t depth = index_depth_of(word);
    visit_home(index_segment_of(word), index_home_of(position, depth), visit, context);
    return cursor_behind(position, depth);
}

uint64_t index_scan_next(const struct index *x, uint64_t cursor)
{
    if (!x->root) return 0;
    uint64_t position = position_of(cursor);
    return cursor_behind(position, index_depth_of(index_word(x, position)));
}

static void keep_first(void *context, void *item)
{
    void **first = context;
    if (!*first) *first = item;
}

// The first item at or after a random position: what is left when no try hit one.
static void *random_nearby(const struct index *x, struct rng *rng)
{
    void *first = NULL;
    uint64_t cursor = rng_next(rng) >> (64 - INDEX_CURSOR_BITS);
    uint64_t buckets = (uint64_t)x->segment_count * INDEX_HOMES + 1;
    for (uint64_t i = 0; i < buckets && !first; i++)
        cursor = index_scan(x, cursor, keep_first, &first);
    return first;
}

// Each try draws a slot so that every slot of the table is equally likely: a segment of
// twice another's interval is taken only that fraction of the times it is drawn.
void *index_random(const struct index *x, struct rng *rng)
{
    if (!x->count) return NULL;
    for (uint32_t try = 0; try < RANDOM_TRIES_MAX; try++) {
        uint64_t draw = rng_next(rng);
        uint64_t word = index_word(x, draw);
        uint32_t spare_bits = x->depth - index_depth_of(word);
        if (draw & ((1ull << spare_bits) - 1)) continue; // low bits: the place took the top
        uint32_t at = (uint32_t)rng_below(rng, INDEX_SEGMENT_SLOTS);
        uint64_t slot =
            index_segment_line(index_segment_of(word), at / INDEX_SLOTS)[at % INDEX_SLOTS];
        if (slot) return index_item(slot);
    }
    return random_nearby(x, rng);
}

// ---- the end of a table

static uint32_t drain_line(struct index_segment *s, uint32_t line, uint32_t budget,
                           index_visit *give, void *context)
{
    uint64_t *slots = index_segment_line(s, line);
    const uint64_t *next = line + 1 < INDEX_LINES ? index_segment_line(s, line + 1) : slots;
    uint32_t n = 0;
    for (uint32_t i = 0; i < INDEX_SLOTS; i++)
        if (next[i]) prefetch(index_item(next[i]));
    for (uint32_t i = 0; i < INDEX_SLOTS && n < budget; i++) {
        if (!slots[i]) continue;
        void *item = index_item(slots[i]);
        slots[i] = 0;
        n++;
        give(context, item);
    }
    return n;
}

static uint32_t drain_segment(struct index_segment *s, uint32_t budget, index_visit *give,
                              void *context)
{
    uint32_t done = 0;
    for (uint32_t line = 0; line < INDEX_LINES && s->count > done && done < budget; line++)
        done += drain_line(s, line, budget - done, give, context);
    s->count = (uint16_t)(s->count - done);
    return done;
}

uint32_t index_drain(struct index *x, uint32_t budget, index_visit *give, void *context)
{
    uint32_t done = 0;
    while (x->root && done < budget) {
        struct index_segment *s = index_segment_of(index_word(x, x->drain_at));
        uint32_t given = drain_segment(s, budget - done, give, context);
        x->count -= given;
        done += given ? given : 1; // an empty segment is work too
        if (s->count) break;       // the budget is spent
        uint64_t next = s->start + (s->depth ? 1ull << (64 - s->depth) : 0);
        index_segment_free(x, s);
        x->drain_at = next;
        if (next) continue;
        index_directory_free(x); // that was the last
        index_init(x, x->heap, x->hash, x->context);
    }
    return done;
}

uint64_t index_memory_bytes(const struct index *x)
{
    return x->segment_count * sizeof(struct index_segment) + x->directory_bytes;
}

// ---- self-check

static uint32_t check_home(const struct index *x, const struct index_segment *s, uint32_t home)
{
    const struct index_home *h = &s->homes[home];
    uint32_t n = 0;
    for (uint32_t i = 0; i < INDEX_SLOTS; i++) {
        if (!h->slots[i]) continue;
        uint64_t hash = x->hash(x->context, index_item(h->slots[i]));
        CHECK(hash >> 1 >> (63 - s->depth) == s->start >> 1 >> (63 - s->depth));
        CHECK(index_home_of(hash, s->depth) == home);
        CHECK(h->slots[i] >> 48 == index_fingerprint(hash));
        n++;
    }
    CHECK(n == INDEX_SLOTS || !h->stash_mask);
    return n;
}

static uint32_t check_stash(const struct index *x, const struct index_segment *s, uint32_t stash)
{
    const struct index_stash *t = &s->stashes[stash];
    uint32_t n = 0;
    for (uint32_t i = 0; i < INDEX_SLOTS; i++) {
        if (!t->slots[i]) continue;
        uint64_t hash = x->hash(x->context, index_item(t->slots[i]));
        const struct index_home *home = &s->homes[t->home[i]];
        CHECK(hash >> 1 >> (63 - s->depth) == s->start >> 1 >> (63 - s->depth));
        CHECK(index_home_of(hash, s->depth) == t->home[i]);
        CHECK(home->stash_mask >> stash & 1);
        CHECK(home->stash_filter & index_filter_bit(hash));
        n++;
    }
    CHECK((n == INDEX_SLOTS) == (s->stash_full >> stash & 1));
    return n;
}

static void check_segment(const struct index *x, const struct index_segment *s)
{
    uint32_t homes = 0, stashed = 0;
    for (uint32_t i = 0; i < INDEX_HOMES; i++) homes += check_home(x, s, i);
    for (uint32_t i = 0; i < INDEX_STASHES; i++) stashed += check_stash(x, s, i);
    CHECK(stashed == s->stash_count && homes + stashed == s->count);
}

// Each word of each page names the segment whose interval it lies in.
static uint64_t check_pages(const struct index *x)
{
    uint64_t bytes = sizeof(uint64_t) << x->root_depth;
    for (uint64_t i = 0; i < 1ull << x->root_depth;) {
        uint64_t start = i << 1 << (63 - x->root_depth);
        struct index_page page = index_page_at(x, start);
        CHECK(page.bits <= INDEX_PAGE_BITS && page.base <= x->root_depth);
        uint64_t copies = 1ull << (x->root_depth - page.base);
        CHECK(i % copies == 0);
        for (uint64_t copy = 1; copy < copies; copy++) CHECK(x->root[i] == x->root[i + copy]);
        for (uint64_t w = 0; w < 1ull << page.bits; w++) {
            const struct index_segment *s = index_segment_of(page.words[w]);
            uint64_t position = start | w << 1 << (63 - page.base - page.bits);
            CHECK(index_depth_of(page.words[w]) == s->depth && s->depth >= page.base);
            CHECK(index_leading(position, s->depth) == index_leading(s->start, s->depth));
        }
        bytes += sizeof(uint64_t) << page.bits;
        i += copies;
    }
    return bytes;
}

void index_check(const struct index *x)
{
    uint64_t count = 0, stash_count = 0, segment_count = 0, position = 0;
    if (x->root) {
        CHECK(check_pages(x) == x->directory_bytes);
        do {
            const struct index_segment *s = index_segment_of(index_word(x, position));
            CHECK(s->start == position && s->depth <= x->depth);
            check_segment(x, s);
            count += s->count;
            stash_count += s->stash_count;
            segment_count++;
            position += s->depth ? 1ull << (64 - s->depth) : 0;
        } while (position);
    }
    CHECK(count == x->count && stash_count == x->stash_count);
    CHECK(segment_count == x->segment_count);
}
