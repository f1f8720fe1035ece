// acl_out.h: text into a buffer of the caller's: what does not fit is counted only, so that a first
// call tells the size and a second writes.
//
// Thread:  any
// Memory:  borrowed
#pragma once
#include "dataplane/base/bytes.h"

struct acl_out {
    char *at; // may be NULL with capacity 0
    size_t capacity;
    size_t size; // of all that was put, whether it fit or not
};

static inline void acl_put(struct acl_out *out, struct bytes text)
{
    if (text.size && out->size + text.size <= out->capacity)
        memcpy(out->at + out->size, text.data, text.size);
    out->size += text.size;
}
static inline void acl_put_text(struct acl_out *out, const char *text)
{
    acl_put(out, bytes_text(text));
}
