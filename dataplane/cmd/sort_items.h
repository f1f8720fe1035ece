// sort_items.h: what SORT puts in order, and the sort itself, a bit at a time.
//
// Source:  Redis 7.2: by number and then by bytes; by text, where a NUL ends it unless the result
//          is stored (strcoll in the C locale); by the weights' text, where none comes first
// Thread:  any
// Memory:  texts, weights and both arrays are the caller's
// A merge sort from the bottom up: stable, its steps need no stack, and the arrays are read and
// written from one end to the other.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"

struct sort_item {
    union {
        double score;
        const uint8_t *weight; // le32 size, text; NULL: none
    };
    const uint8_t *data; // the element
    uint32_t size;
    uint32_t number; // as loaded
};
enum sort_by { SORT_BY_SCORE, SORT_BY_TEXT, SORT_BY_WEIGHT };
struct sort_order {
    enum sort_by by;
    bool descends;
    bool ends_at_nul; // texts are compared as C strings
};
static inline struct bytes sort_item_text(const struct sort_item *i)
{
    return bytes_make(i->data, i->size);
}
int sort_compare(const struct sort_order *order, const struct sort_item *a,
                 const struct sort_item *b);

struct sort_merge {
    struct sort_order order;
    struct sort_item *items, *other; // items: where the runs are
    uint64_t count, run;             // run: items in one; 0: there are none yet
    uint64_t at;                     // of the pass: items written
    uint64_t left, left_end, right, right_end;
};
// items are count long, and so is other.
void sort_merge_begin(struct sort_merge *m, const struct sort_order *order, struct sort_item *items,
                      struct sort_item *other, uint64_t count);
// A few dozen comparisons. True: m->items (which may be the other array) is in order.
bool sort_merge_step(struct sort_merge *m);
