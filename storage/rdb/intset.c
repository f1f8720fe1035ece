// Intsets: sets of integers of one width, in order, each once.
#include "storage/rdb/compact.h"

bool rdb_intset_open(struct compact *c, struct bytes buffer)
{
    struct bytes in = buffer;
    if (!bytes_le32(&in, &c->width) || !bytes_le32(&in, &c->announced)) return false;
    if (c->width != 2 && c->width != 4 && c->width != 8) return false;
    if (c->announced == 0 || in.size != (uint64_t)c->width * c->announced) return false;
    c->left = in;
    return true;
}

static int64_t read_number(struct compact *c)
{
    struct bytes raw = c->left;
    bytes_skip(&c->left, c->width); // open saw that all are there
    return c->width == 2   ? (int16_t)load_le16(raw.data)
           : c->width == 4 ? (int32_t)load_le32(raw.data)
                           : (int64_t)load_le64(raw.data);
}

enum compact_result rdb_intset_next(struct compact *c, struct compact_element *out)
{
    if (!c->left.size) return COMPACT_END;
    int64_t value = read_number(c);
    if (c->seen > 0 && value <= c->last) return COMPACT_BROKEN;
    c->last = value;
    c->seen++;
    *out = (struct compact_element){ .is_int = true, .value = value };
    return COMPACT_ELEMENT;
}
