#include "storage/rdb/rdb_read.h"
#include <math.h>
#include "dataplane/base/num.h"

enum { EXPAND_STEP_BYTES = 64 * 1024 };

// What the first byte of a length says when it is none: a special form of a text.
enum { NO_FORM = -1, FORM_INT8, FORM_INT16, FORM_INT32, FORM_LZF };

static bool read_length_or_form(struct bytes *in, uint64_t *value, int *form)
{
    struct bytes rest = *in;
    uint8_t first, low;
    uint32_t length32;
    bool fits = bytes_u8(&rest, &first);
    *form = NO_FORM;
    if (!fits) return false;
    if (first < 0x40) {
        *value = first;
    } else if (first < 0x80) {
        fits = bytes_u8(&rest, &low);
        if (fits) *value = (first & 0x3fu) << 8 | low;
    } else if (first == 0x80) {
        fits = bytes_be32(&rest, &length32);
        if (fits) *value = length32;
    } else if (first == 0x81) {
        fits = bytes_be64(&rest, value);
    } else {
        *form = first - 0xc0;
        fits = first >= 0xc0 && *form <= FORM_LZF;
    }
    if (fits) *in = rest;
    return fits;
}

bool rdb_read_length(struct bytes *in, uint64_t *value)
{
    struct bytes rest = *in;
    int form;
    if (!read_length_or_form(&rest, value, &form) || form != NO_FORM) return false;
    *in = rest;
    return true;
}

bool rdb_read_f64(struct bytes *in, double *value)
{
    uint64_t bits;
    if (!bytes_le64(in, &bits)) return false;
    memcpy(value, &bits, sizeof bits);
    return true;
}

bool rdb_read_double_text(struct bytes *in, double *value)
{
    struct bytes rest = *in, text;
    uint8_t size;
    if (!bytes_u8(&rest, &size)) return false;
    if (size >= 253) {
        *value = size == 253 ? NAN : size == 254 ? INFINITY : -INFINITY;
    } else if (!bytes_take(&rest, size, &text) || !num_parse_double(text, value)) {
        return false;
    }
    *in = rest;
    return true;
}

bool rdb_read_id(struct bytes *in, uint64_t id[2])
{
    struct bytes rest = *in;
    if (!rdb_read_length(&rest, &id[0]) || !rdb_read_length(&rest, &id[1])) return false;
    *in = rest;
    return true;
}

// ---- texts

static bool read_int(struct bytes *in, int form, int64_t *value)
{
    uint8_t v8;
    uint16_t v16;
    uint32_t v32;
    bool fits;
    if (form == FORM_INT8) {
        fits = bytes_u8(in, &v8);
        if (fits) *value = (int8_t)v8;
    } else if (form == FORM_INT16) {
        fits = bytes_le16(in, &v16);
        if (fits) *value = (int16_t)v16;
    } else {
        fits = bytes_le32(in, &v32);
        if (fits) *value = (int32_t)v32;
    }
    return fits;
}

// A stream cannot expand to more than LZF_RATIO_MAX times its size: more is not even tried.
static bool read_packed(struct bytes *in, struct rdb_raw_text *out)
{
    uint64_t packed;
    out->form = RDB_TEXT_PACKED;
    return rdb_read_length(in, &packed) && rdb_read_length(in, &out->size) && packed <= in->size &&
           out->size / LZF_RATIO_MAX <= packed && bytes_take(in, (size_t)packed, &out->raw);
}

bool rdb_read_text(struct bytes *in, struct rdb_raw_text *out)
{
    struct bytes rest = *in;
    int form;
    bool fits;
    *out = (struct rdb_raw_text){ .form = RDB_TEXT_PLAIN };
    if (!read_length_or_form(&rest, &out->size, &form)) return false;
    if (form == NO_FORM) {
        fits = out->size <= rest.size && bytes_take(&rest, (size_t)out->size, &out->raw);
    } else if (form == FORM_LZF) {
        fits = read_packed(&rest, out);
    } else {
        out->form = RDB_TEXT_INT;
        fits = read_int(&rest, form, &out->value);
        if (fits) out->size = num_int_digits(out->value);
    }
    if (fits) *in = rest;
    return fits;
}

void rdb_text_init(struct rdb_text *t, struct heap *heap, uint64_t size_max)
{
    *t = (struct rdb_text){ .heap = heap, .size_max = size_max };
}

void rdb_text_close(struct rdb_text *t)
{
    heap_give(t->heap, t->room, t->room_bytes, HEAP_OTHER);
    t->room = NULL;
}

static enum rdb_result expand(struct rdb_text *t)
{
    enum lzf_result result = lzf_expand(&t->lzf, EXPAND_STEP_BYTES);
    if (result == LZF_MORE) return RDB_MORE;
    t->is_expanding = false;
    if (result == LZF_BROKEN) return RDB_BROKEN;
    t->bytes = bytes_make(t->room, t->lzf.size);
    return RDB_DONE;
}

static enum rdb_result expand_begin(struct rdb_text *t, const struct rdb_raw_text *raw)
{
    size_t size = (size_t)raw->size;
    if (!size) return RDB_BROKEN; // nobody compresses nothing
    if (size > t->room_bytes) {
        rdb_text_close(t);
        t->room = heap_take(t->heap, size, HEAP_OTHER);
        t->room_bytes = size;
    }
    t->lzf = (struct lzf_expander){ .in = raw->raw, .out = t->room, .size = size };
    t->is_expanding = true;
    return expand(t);
}

enum rdb_result rdb_text_step(struct rdb_text *t, struct bytes *in)
{
    struct rdb_raw_text raw;
    if (t->is_expanding) return expand(t);
    if (!rdb_read_text(in, &raw) || raw.size > t->size_max) return RDB_BROKEN;
    if (raw.form == RDB_TEXT_PACKED) return expand_begin(t, &raw);
    t->bytes = raw.raw;
    if (raw.form == RDB_TEXT_INT)
        t->bytes = bytes_make(t->digits, num_format_int(t->digits, raw.value));
    return RDB_DONE;
}
