// sort_texts.h: texts that outlive where SORT read them.
//
// Thread:  the shard
// Memory:  blocks of 16 KiB, or of one larger text (HEAP_OTHER)
#pragma once
#include <stdbool.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/heap.h"

struct sort_text_block;
struct sort_texts {    // zeros but for the heap: none
    struct heap *heap; // borrowed
    struct sort_text_block *blocks;
};
const uint8_t *sort_texts_keep(struct sort_texts *t, struct bytes text);
const uint8_t *sort_texts_keep_sized(struct sort_texts *t, struct bytes text); // le32 size, text
bool sort_texts_drop_some(struct sort_texts *t); // a block; false: there is none
