// sock_block.h: where replies on kernel sockets are written: heap blocks of two sizes, reused.
//
// Source:  outq.h, struct piece_source
// Thread:  the shard's
// Memory:  blocks come from the shard's heap (HEAP_CLIENT_OUT); up to SOCK_BLOCKS_KEPT_BYTES of
//          each size wait for reuse, so a reply costs no allocation. All must have come back before
//          sock_blocks_close
#pragma once
#include <stdint.h>
#include "dataplane/base/heap.h"
#include "dataplane/base/outq.h"

enum sock_block_kind { SOCK_BLOCK_SMALL, SOCK_BLOCK_LARGE, SOCK_BLOCK_REF, SOCK_BLOCK_KINDS };

struct sock_block; // one allocation: a piece and its room

struct sock_blocks {
    struct piece_source source; // first: the queue's source pointer is ours
    struct heap *heap;          // borrowed
    struct sock_block *kept[SOCK_BLOCK_KINDS];
    uint32_t kept_count[SOCK_BLOCK_KINDS];
    uint32_t out_count; // blocks that queues hold now
};

void sock_blocks_open(struct sock_blocks *b, struct heap *heap);
void sock_blocks_close(struct sock_blocks *b);
