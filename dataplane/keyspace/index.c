#include "dataplane/keyspace/index_priv.h"
#include <string.h>
#include "dataplane/base/check.h"
#include "dataplane/base/prefetch.h"

enum {
    PREFETCH_AHEAD = 12, // items: enough to cover a memory access with hashes of short keys
    MERGE_EVERY = 8,     // removals from a sparse segment between looks at its sibling
    RESERVE_ITEMS = INDEX_HOMES * INDEX_SLOTS, // on average: few have a tenth more, and split
};

void index_init(struct index *x, struct heap *heap, index_hash *hash, const void *context)
{
    *x = (struct index){ .heap = heap, .hash = hash, .context = context };
}

// ---- split and merge

static uint32_t segment_items(struct index_segment *s, uint64_t *packed)
{
    uint32_t n = 0;
    for (uint32_t line = 0; line < INDEX_LINES; line++) {
        const uint64_t *slots = index_segment_line(s, line);
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
    index_directory_deepen(x, s->start, depth);

    uint64_t start = s->start, middle = 1ull << (64 - depth);
    x->stash_count -= s->stash_count;
    x->segments_at[s->depth]--;
    x->segments_at[depth]++;
    memset(s, 0, sizeof *s);
    s->start = start;
    s->depth = (uint8_t)depth;
    struct index_segment *upper = index_segment_new(x, start | middle, depth);
    for (uint32_t i = 0; i < count && i < PREFETCH_AHEAD; i++) prefetch(index_item(packed[i]));
    for (uint32_t i = 0; i < count; i++) {
        if (i + PREFETCH_AHEAD < count) prefetch(index_item(packed[i + PREFETCH_AHEAD]));
        uint64_t hash = x->hash(x->context, index_item(packed[i]));
        struct index_segment *half = hash & middle ? upper : s;
        CHECK(index_segment_put(half, index_home_of(hash, depth), packed[i]));
    }
    x->stash_count += (uint64_t)s->stash_count + upper->stash_count;
    index_directory_set(x, s);
    index_directory_set(x, upper);
}

// Puts the items of half (side 0: lower, 1: upper) where they belong in a segment twice as wide.
// Places are enough: two neighbouring buckets become one.
static bool merge_half(struct index_segment *wide, const struct index_segment *half, uint32_t side)
{
    uint32_t base = side << (INDEX_HOME_BITS - 1);
    for (uint32_t home = 0; home < INDEX_HOMES; home++)
        for (uint32_t i = 0; i < INDEX_SLOTS; i++)
            if (half->homes[home].slots[i] &&
                !index_segment_put(wide, base | home >> 1, half->homes[home].slots[i]))
                return false;
    for (uint32_t stash = 0; half->stash_count && stash < INDEX_STASHES; stash++) {
        const struct index_stash *from = &half->stashes[stash];
        for (uint32_t i = 0; i < INDEX_SLOTS; i++)
            if (from->slots[i] &&
                !index_segment_put(wide, base | (uint32_t)from->home[i] >> 1, from->slots[i]))
                return false;
    }
    return true;
}

static bool segment_is_finest(const struct index *x, const struct index_segment *s)
{
    struct index_page page = index_page_at(x, s->start);
    return s->depth == page.base + page.bits;
}

// A segment that is all of its page can only merge after its page did.
static bool merge_within_page(struct index *x, const struct index_segment *s)
{
    if (index_page_at(x, s->start).base < s->depth) return true;
    index_directory_shrink(x, s->start ^ 1ull << (64 - s->depth));
    index_directory_shrink(x, s->start);
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
    bool was_finest = segment_is_finest(x, lower);
    index_segment_free(x, upper);
    *lower = wide;
    index_directory_set(x, lower);
    if (was_finest) index_directory_shrink(x, lower->start);
    while (!x->segments_at[x->depth]) x->depth--;
    return lower;
}

// ---- items

void index_insert(struct index *x, uint64_t hash, void *item)
{
    CHECK((uint64_t)item >> 48 == 0);
    if (UNLIKELY(!x->root)) index_directory_first(x);
    uint64_t packed = (uint64_t)item | hash << 48;
    for (;;) { // at most INDEX_DEPTH_MAX splits
        uint64_t word = index_word(x, hash);
        struct index_segment *s = index_segment_of(word);
        uint32_t stash_count = s->stash_count;
        if (LIKELY(index_segment_put(s, index_home_of(hash, index_depth_of(word)), packed))) {
            x->stash_count += (uint32_t)(s->stash_count - stash_count);
            break;
        }
        index_split(x, s);
    }
    x->count++;
}

bool index_reserve_step(struct index *x, uint64_t items, uint64_t *position)
{
    uint32_t depth = 0;
    while (depth < INDEX_DEPTH_MAX && items >> depth > RESERVE_ITEMS) depth++;
    if (!depth) return true;
    if (!x->root) index_directory_first(x);
    struct index_segment *s = index_segment_of(index_word(x, *position));
    if (s->depth < depth) {
        index_split(x, s);
        return false;
    }
    *position = s->start + (1ull << 1 << (63 - s->depth)); // behind the last one: 0
    return !*position;
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
        index_home_refill(s, home_index, slot);
    } else {
        slot = index_find_stashed(s, home, hash, is_same_item, item);
        if (!slot) return false;
        size_t at = (size_t)((uint8_t *)slot - (uint8_t *)s->stashes);
        uint32_t stash_index = (uint32_t)(at / sizeof(struct index_stash));
        index_stash_clear(s, stash_index, (uint32_t)(slot - s->stashes[stash_index].slots));
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
