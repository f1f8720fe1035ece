// The directory of two levels: which segment a position in hash space lies in.
#include "dataplane/keyspace/index_priv.h"
#include <string.h>
#include "dataplane/base/check.h"

enum { PAGE_MERGE_BITS = 6 }; // of two pages that merge: far below those of one that splits

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

void index_directory_deepen(struct index *x, uint64_t position, uint32_t depth)
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

void index_directory_set(struct index *x, const struct index_segment *s)
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

void index_directory_shrink(struct index *x, uint64_t position)
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

void index_directory_first(struct index *x)
{
    x->root = words_take(x, 0);
    page_set(x, 0, (struct index_page){ words_take(x, 0), 0, 0 });
    index_directory_set(x, index_segment_new(x, 0, 0));
}

void index_directory_free(struct index *x)
{
    for (uint64_t i = 0; i < 1ull << x->root_depth;) {
        struct index_page page = index_page_at(x, i << 1 << (63 - x->root_depth));
        i += 1ull << (x->root_depth - page.base);
        words_give(x, page.words, page.bits);
    }
    words_give(x, x->root, x->root_depth);
    x->root = NULL;
}
