#include "dataplane/keyspace/index.h"
#include "dataplane/base/check.h"
#include <string.h>

enum {
    PREFETCH_AHEAD = 12,       // items: enough to cover a memory access with hashes of short keys
    RANDOM_TRIES_MAX = 8192,   // a try fails seldom; in a segment with one item 552 times of 553
    MERGE_EVERY = 8,           // removals from a sparse segment between looks at its sibling
    PAGE_MERGE_BITS = 6,       // of two pages that merge: far below those of one that splits
    LINES = INDEX_HOMES + INDEX_STASHES,
};
#define INDEX_CURSOR_MASK ((1ull << INDEX_CURSOR_BITS) - 1)

void index_init(struct index *x, struct heap *heap, index_hash *hash, const void *context)
{
    *x = (struct index){ .heap = heap, .hash = hash, .context = context };
}

// ---- one segment

static struct index_segment *segment_new(struct index *x, uint64_t start, uint32_t depth)
{
    struct index_segment *s = heap_take_aligned(x->heap, sizeof *s, 64, HEAP_TABLES);
    memset(s, 0, sizeof *s);
    s->start = start;
    s->depth = (uint8_t)depth;
    x->segment_count++;
    x->segments_at[depth]++;
    if (depth > x->depth) x->depth = depth;
    return s;
}

static void segment_free(struct index *x, struct index_segment *s)
{
    x->segment_count--;
    x->segments_at[s->depth]--;
    heap_give(x->heap, s, sizeof *s, HEAP_TABLES);
}

static uint64_t *find_empty(uint64_t *slots)
{
    for (uint32_t i = 0; i < INDEX_SLOTS; i++)
        if (!slots[i]) return &slots[i];
    return NULL;
}

// A stash bucket with room: one that the home uses already, else the first one from a place that
// differs by home.
static uint32_t stash_choose(uint32_t room, const struct index_home *home, uint32_t home_index)
{
    if (room & home->stash_mask) return (uint32_t)__builtin_ctz(room & home->stash_mask);
    uint32_t first = home_index % INDEX_STASHES;
    uint32_t above = room >> first << first;
    return (uint32_t)__builtin_ctz(above ? above : room);
}

// false: neither the home nor the stash has room.
static bool segment_put(struct index_segment *s, uint32_t home_index, uint64_t packed)
{
    struct index_home *home = &s->homes[home_index];
    uint64_t *slot = find_empty(home->slots);
    if (!slot) {
        uint32_t room = ~(uint32_t)s->stash_full & ((1u << INDEX_STASHES) - 1);
        if (!room) return false;
        uint32_t stash_index = stash_choose(room, home, home_index);
        struct index_stash *stash = &s->stashes[stash_index];
        slot = find_empty(stash->slots);
        stash->home[slot - stash->slots] = (uint8_t)home_index;
        home->stash_mask |= (uint16_t)(1u << stash_index);
        home->stash_filter |= index_filter_bit(packed >> 48);
        s->stash_count++;
        *slot = packed;
        if (!find_empty(stash->slots)) s->stash_full |= (uint16_t)(1u << stash_index);
    }
    *slot = packed;
    s->count++;
    return true;
}

// What the stash holds of a home, counted anew: a filter cannot forget.
static void home_refresh(struct index_segment *s, uint32_t home_index)
{
    struct index_home *home = &s->homes[home_index];
    uint32_t old_mask = home->stash_mask;
    home->stash_mask = home->stash_filter = 0;
    for (uint32_t mask = old_mask; mask; mask &= mask - 1) {
        uint32_t stash_index = (uint32_t)__builtin_ctz(mask);
        const struct index_stash *stash = &s->stashes[stash_index];
        for (uint32_t i = 0; i < INDEX_SLOTS; i++) {
            if (!stash->slots[i] || stash->home[i] != home_index) continue;
            home->stash_mask |= (uint16_t)(1u << stash_index);
            home->stash_filter |= index_filter_bit(stash->slots[i] >> 48);
        }
    }
}

static void stash_clear(struct index_segment *s, uint32_t stash_index, uint32_t slot_index)
{
    struct index_stash *stash = &s->stashes[stash_index];
    uint32_t home_index = stash->home[slot_index];
    stash->slots[slot_index] = 0;
    s->stash_full &= (uint16_t) ~(1u << stash_index);
    s->stash_count--;
    home_refresh(s, home_index);
}

// A slot of the home came free: an item of this home comes back from the stash.
static void home_refill(struct index_segment *s, uint32_t home_index, uint64_t *slot)
{
    struct index_home *home = &s->homes[home_index];
    if (LIKELY(!home->stash_mask)) return;
    uint32_t stash_index = (uint32_t)__builtin_ctz(home->stash_mask);
    struct index_stash *stash = &s->stashes[stash_index];
    for (uint32_t i = 0; i < INDEX_SLOTS; i++) {
        if (!stash->slots[i] || stash->home[i] != home_index) continue;
        *slot = stash->slots[i];
        stash_clear(s, stash_index, i);
        return;
    }
}

// The line a slot number of 0..LINES-1 names: homes first, then stashes.
static uint64_t *segment_line(struct index_segment *s, uint32_t line)
{
    return line < INDEX_HOMES ? s->homes[line].slots : s->stashes[line - INDEX_HOMES].slots;
}

// ---- the directory

static uint64_t *words_take(struct index *x, uint32_t bits)
{
    x->directory_bytes += sizeof(uint64_t) << bits;
    return heap_take(x->heap, sizeof(uint64_t) << bits, HEAP_TABLES);
}

static void words_give(struct index *x, uint64_t *words, uint32_t bits)
{
    x->directory_bytes -= sizeof(uint64_t) << bits;
    heap_give(x->heap, words, sizeof(uint64_t) << bits, HEAP_TABLES);
}

static void words_fill(uint64_t *words, uint64_t count, uint64_t word)
{
    for (uint64_t i = 0; i < count; i++) words[i] = word;
}

// Twice as many words over the same interval; the old ones are given back.
static uint64_t *words_double(struct index *x, uint64_t *words, uint32_t bits)
{
    uint64_t *wide = words_take(x, bits + 1);
    for (uint64_t i = 0; i < 1ull << bits; i++) words_fill(wide + 2 * i, 2, words[i]);
    words_give(x, words, bits);
    return wide;
}

static uint64_t *words_halve(struct index *x, uint64_t *words, uint32_t bits)
{
    uint64_t *narrow = words_take(x, bits - 1);
    for (uint64_t i = 0; i < 1ull << (bits - 1); i++) narrow[i] = words[2 * i];
    words_give(x, words, bits);
    return narrow;
}

static bool words_are_paired(const uint64_t *words, uint32_t bits)
{
    if (!bits) return false;
    for (uint64_t i = 0; i < 1ull << bits; i += 2)
        if (words[i] != words[i + 1]) return false;
    return true;
}

// position: any within the page's interval.
static void page_set(struct index *x, uint64_t position, struct index_page page)
{
    uint32_t spare_bits = x->root_depth - page.base;
    uint64_t first = index_leading(position, page.base) << spare_bits;
    uint64_t word = (uint64_t)page.words | (uint64_t)page.base << 48 | (uint64_t)page.bits << 56;
    words_fill(x->root + first, 1ull << spare_bits, word);
}

static void page_split(struct index *x, uint64_t position, struct index_page page)
{
    if (page.base == x->root_depth) {
        x->root = words_double(x, x->root, x->root_depth);
        x->root_depth++;
    }
    uint64_t middle = 1ull << (63 - page.base), half = 1ull << (page.bits - 1);
    for (uint32_t side = 0; side < 2; side++) {
        struct index_page part = { words_take(x, page.bits - 1), page.base + 1, page.bits - 1 };
        memcpy(part.words, page.words + side * half, half * sizeof(uint64_t));
        page_set(x, side ? position | middle : position & ~middle, part);
    }
    words_give(x, page.words, page.bits);
}

// Until the page at position can tell segments of this depth apart: at most a split and a doubling.
static void directory_deepen(struct index *x, uint64_t position, uint32_t depth)
{
    for (;;) {
        struct index_page page = index_page_at(x, position);
        if (page.base + page.bits >= depth) return;
        if (page.bits == INDEX_PAGE_BITS) {
            page_split(x, position, page);
        } else {
            page.words = words_double(x, page.words, page.bits);
            page.bits++;
            page_set(x, position, page);
        }
    }
}

static void directory_set(struct index *x, const struct index_segment *s)
{
    struct index_page page = index_page_at(x, s->start);
    CHECK(s->depth >= page.base && s->depth <= page.base + page.bits);
    uint64_t first = index_leading(s->start << page.base, page.bits);
    words_fill(page.words + first, 1ull << (page.base + page.bits - s->depth),
               (uint64_t)s | s->depth);
}

// Merges the page with its sibling when both are small; false: not done.
static bool page_merge(struct index *x, uint64_t position)
{
    struct index_page page = index_page_at(x, position);
    if (!page.base || page.bits > PAGE_MERGE_BITS) return false;
    uint64_t middle = 1ull << (64 - page.base), lower = position & ~middle;
    struct index_page part[2] = { index_page_at(x, lower), index_page_at(x, lower | middle) };
    if (part[0].base != part[1].base) return false;
    if (part[0].bits > PAGE_MERGE_BITS || part[1].bits > PAGE_MERGE_BITS) return false;

    uint32_t bits = part[0].bits > part[1].bits ? part[0].bits : part[1].bits;
    struct index_page wide = { words_take(x, bits + 1), page.base - 1, bits + 1 };
    uint64_t *to = wide.words;
    for (uint32_t side = 0; side < 2; side++) {
        uint64_t copies = 1ull << (bits - part[side].bits);
        for (uint64_t i = 0; i < 1ull << part[side].bits; i++, to += copies)
            words_fill(to, copies, part[side].words[i]);
        words_give(x, part[side].words, part[side].bits);
    }
    page_set(x, lower, wide);
    return true;
}

// After segments merged at position: words that tell nothing apart any more go.
static void directory_shrink(struct index *x, uint64_t position)
{
    struct index_page page;
    do {
        page = index_page_at(x, position);
        for (; words_are_paired(page.words, page.bits); page.bits--)
            page.words = words_halve(x, page.words, page.bits);
        page_set(x, position, page);
    } while (page_merge(x, position));
    for (; words_are_paired(x->root, x->root_depth); x->root_depth--)
        x->root = words_halve(x, x->root, x->root_depth);
}

static void index_first(struct index *x)
{
    x->root = words_take(x, 0);
    page_set(x, 0, (struct index_page){ words_take(x, 0), 0, 0 });
    directory_set(x, segment_new(x, 0, 0));
}

// ---- split and merge

static uint32_t segment_items(struct index_segment *s, uint64_t *packed)
{
    uint32_t n = 0;
    for (uint32_t line = 0; line < LINES; line++) {
        const uint64_t *slots = segment_line(s, line);
        for (uint32_t i = 0; i < INDEX_SLOTS; i++)
            if (slots[i]) packed[n++] = slots[i];
    }
    return n;
}

// Halves the interval of s: the upper half gets a segment of its own. Which half of its bucket an
// item falls into is the one hash bit that its place does not tell, so each item is hashed again,
// with the items fetched ahead.
static void index_split(struct index *x, struct index_segment *s)
{
    uint64_t packed[INDEX_SEGMENT_SLOTS];
    uint32_t count = segment_items(s, packed), depth = s->depth + 1u;
    CHECK(depth <= INDEX_DEPTH_MAX);
    directory_deepen(x, s->start, depth);

    uint64_t start = s->start, middle = 1ull << (64 - depth);
    x->stash_count -= s->stash_count;
    x->segments_at[s->depth]--;
    x->segments_at[depth]++;
    memset(s, 0, sizeof *s);
    s->start = start;
    s->depth = (uint8_t)depth;
    struct index_segment *upper = segment_new(x, start | middle, depth);
    for (uint32_t i = 0; i < count && i < PREFETCH_AHEAD; i++)
        __builtin_prefetch(index_item(packed[i]));
    for (uint32_t i = 0; i < count; i++) {
        if (i + PREFETCH_AHEAD < count) __builtin_prefetch(index_item(packed[i + PREFETCH_AHEAD]));
        uint64_t hash = x->hash(x->context, index_item(packed[i]));
        struct index_segment *half = hash & middle ? upper : s;
        CHECK(segment_put(half, index_home_of(hash, depth), packed[i]));
    }
    x->stash_count += (uint64_t)s->stash_count + upper->stash_count;
    directory_set(x, s);
    directory_set(x, upper);
}

// Puts the items of half (side 0: lower, 1: upper) where they belong in a segment twice as wide.
// Places are enough: two neighbouring buckets become one.
static bool merge_half(struct index_segment *wide, const struct index_segment *half, uint32_t side)
{
    uint32_t base = side << (INDEX_HOME_BITS - 1);
    for (uint32_t home = 0; home < INDEX_HOMES; home++)
        for (uint32_t i = 0; i < INDEX_SLOTS; i++)
            if (half->homes[home].slots[i] &&
                !segment_put(wide, base | home >> 1, half->homes[home].slots[i]))
                return false;
    for (uint32_t stash = 0; half->stash_count && stash < INDEX_STASHES; stash++) {
        const struct index_stash *from = &half->stashes[stash];
        for (uint32_t i = 0; i < INDEX_SLOTS; i++)
            if (from->slots[i] &&
                !segment_put(wide, base | (uint32_t)from->home[i] >> 1, from->slots[i]))
                return false;
    }
    return true;
}

static bool index_is_finest(const struct index *x, const struct index_segment *s)
{
    struct index_page page = index_page_at(x, s->start);
    return s->depth == page.base + page.bits;
}

// A segment that is all of its page can only merge after its page did.
static bool merge_within_page(struct index *x, const struct index_segment *s)
{
    if (index_page_at(x, s->start).base < s->depth) return true;
    directory_shrink(x, s->start ^ 1ull << (64 - s->depth));
    directory_shrink(x, s->start);
    return index_page_at(x, s->start).base < s->depth;
}

// Merges s with its sibling when both are sparse; answers the merged segment, NULL when not done.
static struct index_segment *index_merge(struct index *x, struct index_segment *s)
{
    if (!s->depth || s->count >= INDEX_MERGE_BELOW) return NULL;
    uint64_t middle = 1ull << (64 - s->depth);
    uint64_t word = index_word(x, s->start ^ middle);
    struct index_segment *sibling = index_segment_of(word);
    if (index_depth_of(word) != s->depth || sibling->count >= INDEX_MERGE_BELOW) return NULL;
    if (!merge_within_page(x, s)) return NULL;

    struct index_segment *lower = s->start & middle ? sibling : s;
    struct index_segment *upper = s->start & middle ? s : sibling;
    struct index_segment wide = { .start = lower->start, .depth = (uint8_t)(s->depth - 1) };
    if (!merge_half(&wide, lower, 0) || !merge_half(&wide, upper, 1)) return NULL;
    x->stash_count += wide.stash_count;
    x->stash_count -= (uint64_t)lower->stash_count + upper->stash_count;
    x->segments_at[lower->depth]--;
    x->segments_at[wide.depth]++;
    bool was_finest = index_is_finest(x, lower);
    segment_free(x, upper);
    *lower = wide;
    directory_set(x, lower);
    if (was_finest) directory_shrink(x, lower->start);
    while (!x->segments_at[x->depth]) x->depth--;
    return lower;
}

// ---- items

void index_insert(struct index *x, uint64_t hash, void *item)
{
    CHECK((uint64_t)item >> 48 == 0);
    if (UNLIKELY(!x->root)) index_first(x);
    uint64_t packed = (uint64_t)item | hash << 48;
    for (;;) { // at most INDEX_DEPTH_MAX splits
        uint64_t word = index_word(x, hash);
        struct index_segment *s = index_segment_of(word);
        uint32_t stash_count = s->stash_count;
        if (LIKELY(segment_put(s, index_home_of(hash, index_depth_of(word)), packed))) {
            x->stash_count += (uint32_t)(s->stash_count - stash_count);
            break;
        }
        index_split(x, s);
    }
    x->count++;
}

static bool is_same_item(const void *item, const void *key) { return item == key; }

bool index_remove(struct index *x, uint64_t hash, const void *item)
{
    if (!x->root) return false;
    uint64_t word = index_word(x, hash);
    struct index_segment *s = index_segment_of(word);
    uint32_t home_index = index_home_of(hash, index_depth_of(word)), stash_count = s->stash_count;
    struct index_home *home = &s->homes[home_index];
    uint64_t *slot = index_find_in(home->slots, hash, is_same_item, item);
    if (slot) {
        *slot = 0;
        home_refill(s, home_index, slot);
    } else {
        slot = index_find_stashed(s, home, hash, is_same_item, item);
        if (!slot) return false;
        size_t at = (size_t)((uint8_t *)slot - (uint8_t *)s->stashes);
        uint32_t stash_index = (uint32_t)(at / sizeof(struct index_stash));
        stash_clear(s, stash_index, (uint32_t)(slot - s->stashes[stash_index].slots));
    }
    x->stash_count -= (uint32_t)(stash_count - s->stash_count);
    x->count--;
    s->count--;
    if (UNLIKELY(s->count < INDEX_MERGE_BELOW && s->count % MERGE_EVERY == 0))
        while (s) s = index_merge(x, s); // each turn is one level up: at most INDEX_DEPTH_MAX
    return true;
}

void index_replace(struct index *x, uint64_t hash, const void *item, void *moved)
{
    CHECK(x->root && (uint64_t)moved >> 48 == 0);
    uint64_t word = index_word(x, hash);
    struct index_segment *s = index_segment_of(word);
    struct index_home *home = &s->homes[index_home_of(hash, index_depth_of(word))];
    uint64_t *slot = index_find_in(home->slots, hash, is_same_item, item);
    if (!slot) slot = index_find_stashed(s, home, hash, is_same_item, item);
    CHECK(slot);
    *slot = (uint64_t)moved | hash << 48;
}

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

uint64_t index_scan(const struct index *x, uint64_t cursor, index_visit *visit, void *context)
{
    if (!x->root) return 0;
    uint64_t position = (cursor & INDEX_CURSOR_MASK) << (64 - INDEX_CURSOR_BITS);
    uint64_t word = index_word(x, position);
    uint32_t depth = index_depth_of(word), bucket_bits = 64 - depth - INDEX_HOME_BITS;
    visit_home(index_segment_of(word), index_home_of(position, depth), visit, context);
    // Past the last bucket the sum wraps to 0, which is the end.
    uint64_t next = ((position >> bucket_bits) + 1) << bucket_bits;
    return next >> (64 - INDEX_CURSOR_BITS);
}

struct first_item {
    void *item;
};
static void keep_first(void *context, void *item)
{
    struct first_item *first = context;
    if (!first->item) first->item = item;
}

// The first item at or after a random position: what is left when no try hit one.
static void *random_nearby(const struct index *x, struct rng *rng)
{
    struct first_item first = { NULL };
    uint64_t cursor = rng_next(rng) >> (64 - INDEX_CURSOR_BITS);
    uint64_t buckets = (uint64_t)x->segment_count * INDEX_HOMES + 1;
    for (uint64_t i = 0; i < buckets && !first.item; i++)
        cursor = index_scan(x, cursor, keep_first, &first);
    return first.item;
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
        uint64_t slot = segment_line(index_segment_of(word), at / INDEX_SLOTS)[at % INDEX_SLOTS];
        if (slot) return index_item(slot);
    }
    return random_nearby(x, rng);
}

// ---- the end of a table

static uint32_t drain_line(struct index_segment *s, uint32_t line, uint32_t budget,
                           index_visit *give, void *context)
{
    uint64_t *slots = segment_line(s, line);
    const uint64_t *next = line + 1 < LINES ? segment_line(s, line + 1) : slots;
    uint32_t n = 0;
    for (uint32_t i = 0; i < INDEX_SLOTS; i++)
        if (next[i]) __builtin_prefetch(index_item(next[i]));
    for (uint32_t i = 0; i < INDEX_SLOTS && n < budget; i++) {
        if (!slots[i]) continue;
        void *item = index_item(slots[i]);
        slots[i] = 0;
        n++;
        give(context, item);
    }
    return n;
}

static void directory_free(struct index *x)
{
    for (uint64_t i = 0; i < 1ull << x->root_depth;) {
        struct index_page page = index_page_at(x, i << 1 << (63 - x->root_depth));
        i += 1ull << (x->root_depth - page.base);
        words_give(x, page.words, page.bits);
    }
    words_give(x, x->root, x->root_depth);
    index_init(x, x->heap, x->hash, x->context);
}

static uint32_t drain_segment(struct index_segment *s, uint32_t budget, index_visit *give,
                              void *context)
{
    uint32_t done = 0;
    for (uint32_t line = 0; line < LINES && s->count > done && done < budget; line++)
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
        segment_free(x, s);
        x->drain_at = next;
        if (!next) directory_free(x); // past the last
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
