// text.h: a text that grows: INFO, CLIENT LIST and other replies that are made of formatted lines.
//
// Thread:  the shard
// Memory:  on the shard's heap (HEAP_OTHER), owned; text_close gives it back. Not for the hot path
#pragma once
#include <stdarg.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/heap.h"

struct text {
    struct heap *heap; // borrowed
    char *data;        // NUL-ended once anything was added
    size_t size, capacity;
};

void text_open(struct text *t, struct heap *heap);
void text_close(struct text *t);
void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline struct bytes text_bytes(const struct text *t) { return bytes_make(t->data, t->size); }
