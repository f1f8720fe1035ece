// index.h: segmented extendible hash table of item pointers: the keys of a database, later the
// members of large collections.
//
// Source:  Fagin et al., "Extendible Hashing" (1979); bucket and stash layout after Lu et al.,
//          "Dash" (2020)
// Thread:  its owner's
// Memory:  segments and directory on the heap, booked to HEAP_TABLES; items belong to the caller
// Units:   hashes are positions in hash space, 0..2^64-1; depths are counts of leading hash bits
//
//   root             page, 2^bits words         segment, 80 cache lines (one jemalloc class)
//   [ page | its  ]->[ segment | its depth ]-->[ header | 64 home buckets | 15 stash buckets ]
//   [ base, bits  ]
//
//   hash  [ base: page | bits: word in the page ]
//         [ the segment's depth      | home 6 bits | .......... | fingerprint 16 bits ]
//
// A home bucket is a contiguous interval of hash space, and splitting a segment halves each of its
// buckets' intervals: so the table is ordered by hash, and a position stays meaningful whatever
// splits or merges. The segment's depth rides in the low bits of its 64-byte aligned address, so a
// lookup reads the directory word and then one bucket line, not the segment's header.
//
// An item whose home is full goes to a stash bucket, which notes its home. The home keeps a mask of
// the stash buckets it uses and a 16-bit filter of the fingerprints there, so that an absent key
// rarely costs a second line. A full stash splits the segment: at about 500 items, never all at
// once with others. Two sparse halves merge again.
//
// The directory has two levels so that no step is long: a page grows from one word to 512 by
// doubling and then splits alone, and the root has one word for some hundred segments (1 KB at 10
// million items). A flat directory would have to be copied whole, half a megabyte at 10 million
// items, and where page faults are dear that is a millisecond.
#pragma once
#include <emmintrin.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dataplane/base/hash.h"
#include "dataplane/base/heap.h"
#include "dataplane/base/prefetch.h"

enum {
    INDEX_HOME_BITS = 6,
    INDEX_HOMES = 1 << INDEX_HOME_BITS,
    INDEX_STASHES = 15,
    INDEX_SLOTS = 7, // of a bucket
    INDEX_SEGMENT_SLOTS = (INDEX_HOMES + INDEX_STASHES) * INDEX_SLOTS,
    INDEX_MERGE_BELOW = 100, // items: two siblings with fewer each, a fifth of what splits, merge
    INDEX_PAGE_BITS = 9,     // 2^9 words at most in a page of the directory
    INDEX_DEPTH_MAX = 32,    // 2^32 segments; a keyed hash gets nowhere near
    INDEX_CURSOR_BITS = 48,  // a cursor is the upper part of a hash position: room for a shard's
                             // number above
};

// A slot is 0 when empty, else the item's address (48 bits) under the hash's low 16 bits.
struct index_home {
    uint32_t version;      // of the last change, kept for walks; 0 while there are none
    uint16_t stash_mask;   // stash buckets that hold items of this home
    uint16_t stash_filter; // bit (fingerprint & 15) of each of those items
    uint64_t slots[INDEX_SLOTS];
};
struct index_stash {
    uint8_t home[INDEX_SLOTS + 1]; // of the item in the slot of that number; the last is unused
    uint64_t slots[INDEX_SLOTS];
};
struct index_segment {
    alignas(64) uint64_t start; // first position of its interval
    uint16_t count;             // items
    uint16_t stash_count;       // of them in stash buckets
    uint16_t stash_full;        // mask of stash buckets without a free slot
    uint8_t depth;
    alignas(64) struct index_home homes[INDEX_HOMES];
    struct index_stash stashes[INDEX_STASHES];
};
_Static_assert(sizeof(struct index_home) == 64 && sizeof(struct index_stash) == 64,
               "a bucket is one cache line");
_Static_assert(sizeof(struct index_segment) == 5120, "a segment is one jemalloc size class");
_Static_assert(INDEX_DEPTH_MAX + INDEX_HOME_BITS <= INDEX_CURSOR_BITS,
               "a cursor tells every bucket");

typedef uint64_t index_hash(const void *context, const void *item);
typedef bool index_equal(const void *item, const void *key);
typedef void index_visit(void *context, void *item);

struct index {
    uint64_t *root; // 2^root_depth words, NULL until the first item; see index_page_at
    uint64_t count; // items
    uint32_t root_depth;
    uint32_t depth; // of the deepest segment
    uint32_t segment_count;
    uint64_t stash_count;
    uint64_t directory_bytes;
    struct heap *heap;   // borrowed
    index_hash *hash;    // the hash an item was inserted with; splits ask for it
    const void *context; // of hash, borrowed
    uint64_t drain_at;   // index_drain's position
    uint32_t segments_at[INDEX_DEPTH_MAX + 1]; // segments of each depth
};

void index_init(struct index *x, struct heap *heap, index_hash *hash, const void *context);
// item must not be in the table yet and lie below 2^48. At times splits one segment.
void index_insert(struct index *x, uint64_t hash, void *item);
// Ahead of items that are to come: one step towards having no segment left that has to split for
// them, where the last step got to (first: 0). True: done. It takes items/448 to items/224 segments
// and twice as many steps, a few us each. What has split by then stays so until items are removed.
bool index_reserve_step(struct index *x, uint64_t items, uint64_t *position);
// false: not there. At times merges segments.
bool index_remove(struct index *x, uint64_t hash, const void *item);
// The item moved in memory; its hash is the same. It must be there.
void index_replace(struct index *x, uint64_t hash, const void *item, void *moved);

// Visits the items of the bucket at cursor (0: the first one) and returns the next bucket's cursor;
// 0 = that was the last. Items that are in the table from the first to the last call are visited at
// least once, whatever is inserted and removed between calls. visit may not change the table.
uint64_t index_scan(const struct index *x, uint64_t cursor, index_visit *visit, void *context);
// That next cursor alone, without a visit.
uint64_t index_scan_next(const struct index *x, uint64_t cursor);
// Every item with the same probability. NULL: empty.
void *index_random(const struct index *x, struct rng *rng);

// Hands items to give and forgets them, at most budget; frees segments that are empty, and the
// directory last. Returns how much was done; once called, nothing but more of it may follow until
// root is NULL.
uint32_t index_drain(struct index *x, uint32_t budget, index_visit *give, void *context);
uint64_t index_memory_bytes(const struct index *x);
// Walks everything and stops the process at the first contradiction. For tests and debugging.
void index_check(const struct index *x);

// ---- the lookup, inline so that a constant equal costs no call
// A root word: the page's address (48 bits), base in bits 48..53, bits in bits 56..59.
struct index_page {
    uint64_t *words;
    uint32_t base; // leading hash bits that all its items share
    uint32_t bits; // the page has 2^bits words
};
// The first n bits of a hash as a number; n may be 0.
static inline uint64_t index_leading(uint64_t hash, uint32_t n) { return hash >> 1 >> (63 - n); }
static inline struct index_page index_page_at(const struct index *x, uint64_t hash)
{
    uint64_t word = x->root[index_leading(hash, x->root_depth)];
    return (struct index_page){ (uint64_t *)(word & 0xffffffffffffull), // NOLINT: tagged address
                                (uint32_t)(word >> 48) & 63, (uint32_t)(word >> 56) };
}
// The directory's word for a position: the segment's address and, below it, its depth.
static inline uint64_t index_word(const struct index *x, uint64_t hash)
{
    struct index_page page = index_page_at(x, hash);
    return page.words[index_leading(hash << page.base, page.bits)];
}
static inline uint32_t index_depth_of(uint64_t word) { return (uint32_t)(word & 63); }
static inline struct index_segment *index_segment_of(uint64_t word)
{
    return (struct index_segment *)(word & ~(uint64_t)63); // NOLINT: tagged address
}
static inline uint32_t index_home_of(uint64_t hash, uint32_t depth)
{
    return (uint32_t)(hash << depth >> (64 - INDEX_HOME_BITS));
}
static inline uint16_t index_fingerprint(uint64_t hash) { return (uint16_t)hash; }
static inline uint16_t index_filter_bit(uint64_t fingerprint)
{
    return (uint16_t)(1u << (fingerprint & 15));
}
static inline void *index_item(uint64_t slot)
{
    return (void *)(slot & 0xffffffffffffull); // NOLINT: tagged address
}
// Which slots of a line carry this fingerprint: bit 4 (i + 1) + 3 for slot i. One comparison of all
// eight words, the first of which is the line's header, so that a lookup has no branch per slot.
// With fingerprint 0 empty slots match too.
static inline uint32_t index_match(const uint64_t *slots, uint64_t hash)
{
    const __m128i *line = (const __m128i *)(const void *)(slots - 1);
    __m128i wanted = _mm_set1_epi16((short)index_fingerprint(hash));
    __m128i low = _mm_packs_epi16(_mm_cmpeq_epi16(_mm_load_si128(line), wanted),
                                  _mm_cmpeq_epi16(_mm_load_si128(line + 1), wanted));
    __m128i high = _mm_packs_epi16(_mm_cmpeq_epi16(_mm_load_si128(line + 2), wanted),
                                   _mm_cmpeq_epi16(_mm_load_si128(line + 3), wanted));
    uint32_t lanes = (uint32_t)_mm_movemask_epi8(low) | (uint32_t)_mm_movemask_epi8(high) << 16;
    return lanes & 0x88888880; // the top lane of each word but the first
}
static inline uint32_t index_match_slot(uint32_t match)
{
    return (uint32_t)__builtin_ctz(match) / 4 - 1;
}
static inline uint64_t *index_find_in(uint64_t *slots, uint64_t hash, index_equal *equal,
                                      const void *key)
{
    for (uint32_t match = index_match(slots, hash); match; match &= match - 1) {
        uint64_t *slot = &slots[index_match_slot(match)];
        if (LIKELY(*slot && equal(index_item(*slot), key))) return slot;
    }
    return NULL;
}
static inline uint64_t *index_find_stashed(struct index_segment *s, const struct index_home *home,
                                           uint64_t hash, index_equal *equal, const void *key)
{
    for (uint32_t mask = home->stash_mask; mask; mask &= mask - 1) {
        uint64_t *slots = s->stashes[__builtin_ctz(mask)].slots;
        uint64_t *slot = index_find_in(slots, hash, equal, key);
        if (slot) return slot;
    }
    return NULL;
}
// NULL: absent.
static inline void *index_find(const struct index *x, uint64_t hash, index_equal *equal,
                               const void *key)
{
    if (UNLIKELY(!x->root)) return NULL;
    uint64_t word = index_word(x, hash);
    struct index_segment *s = index_segment_of(word);
    struct index_home *home = &s->homes[index_home_of(hash, index_depth_of(word))];
    uint64_t *slot = index_find_in(home->slots, hash, equal, key);
    if (!slot && UNLIKELY(home->stash_filter & index_filter_bit(hash)))
        slot = index_find_stashed(s, home, hash, equal, key);
    return slot ? index_item(*slot) : NULL;
}
static inline const struct index_home *index_home_line(const struct index *x, uint64_t hash)
{
    uint64_t word = index_word(x, hash);
    return &index_segment_of(word)->homes[index_home_of(hash, index_depth_of(word))];
}
// Ahead of a lookup: first the bucket's line, some items later the item that its fingerprint names.
static inline void index_prefetch_bucket(const struct index *x, uint64_t hash)
{
    if (x->root) prefetch(index_home_line(x, hash));
}
// Ahead of an insertion: the segment's header, too.
static inline void index_prefetch_room(const struct index *x, uint64_t hash)
{
    if (!x->root) return;
    uint64_t word = index_word(x, hash);
    struct index_segment *s = index_segment_of(word);
    prefetch(s);
    prefetch(&s->homes[index_home_of(hash, index_depth_of(word))]);
}
static inline void index_prefetch_item(const struct index *x, uint64_t hash)
{
    if (!x->root) return;
    const uint64_t *slots = index_home_line(x, hash)->slots;
    for (uint32_t match = index_match(slots, hash); match; match &= match - 1)
        prefetch_two(index_item(slots[index_match_slot(match)]));
}
