#include "storage/rdb/rdb_lzf.h"
#include <lzf.h>
#include "dataplane/base/check.h"

enum { LITERAL_MAX = 32, LONG_REFERENCE = 7 };

size_t lzf_pack(struct bytes in, uint8_t *out, size_t out_size)
{
    CHECK(in.size <= LZF_PIECE_BYTES);
    return lzf_compress(in.data, (unsigned)in.size, out, (unsigned)out_size);
}

size_t lzf_pack_literally(struct bytes in, uint8_t *out)
{
    uint8_t *at = out;
    while (in.size) {
        struct bytes run;
        CHECK(bytes_take(&in, in.size < LITERAL_MAX ? in.size : LITERAL_MAX, &run));
        *at++ = (uint8_t)(run.size - 1);
        memcpy(at, run.data, run.size);
        at += run.size;
    }
    return (size_t)(at - out);
}

static bool literal(struct lzf_expander *x, size_t size)
{
    struct bytes run;
    if (size > x->size - x->at || !bytes_take(&x->in, size, &run)) return false;
    memcpy(x->out + x->at, run.data, size);
    x->at += size;
    return true;
}

// The bytes referred to may overlap those that are made: then they repeat.
static bool reference(struct lzf_expander *x, uint8_t control)
{
    size_t size = control >> 5;
    uint8_t more = 0, low;
    if (size == LONG_REFERENCE && !bytes_u8(&x->in, &more)) return false;
    if (!bytes_u8(&x->in, &low)) return false;
    size += (size_t)more + 2;
    size_t distance = ((control & 31u) << 8 | low) + 1u;
    if (distance > x->at || size > x->size - x->at) return false;
    uint8_t *to = x->out + x->at;
    const uint8_t *from = to - distance;
    if (distance >= size)
        memcpy(to, from, size);
    else
        for (size_t i = 0; i < size; i++) to[i] = from[i];
    x->at += size;
    return true;
}

enum lzf_result lzf_expand(struct lzf_expander *x, size_t budget)
{
    size_t from = x->at;
    uint8_t control;
    while (bytes_u8(&x->in, &control)) {
        bool fits = control < LITERAL_MAX ? literal(x, control + 1u) : reference(x, control);
        if (!fits) return LZF_BROKEN;
        if (x->at - from >= budget && x->in.size) return LZF_MORE;
    }
    return x->at == x->size ? LZF_DONE : LZF_BROKEN;
}
