#include "storage/rdb/compact.h"
#include "dataplane/base/num.h"

struct bytes compact_text(const struct compact_element *e, char digits[24])
{
    if (!e->is_int) return e->text;
    return bytes_make(digits, num_format_int(digits, e->value));
}

bool compact_open(struct compact *c, enum compact_form form, struct bytes buffer)
{
    *c = (struct compact){ .form = form };
    switch (form) {
    case COMPACT_LISTPACK:
        return listpack_open(c, buffer);
    case COMPACT_ZIPLIST:
        return ziplist_open(c, buffer);
    case COMPACT_INTSET:
        return rdb_intset_open(c, buffer);
    case COMPACT_ZIPMAP:
        return zipmap_open(c, buffer);
    }
    return false;
}

enum compact_result compact_next(struct compact *c, struct compact_element *out)
{
    switch (c->form) {
    case COMPACT_LISTPACK:
        return listpack_next(c, out);
    case COMPACT_ZIPLIST:
        return ziplist_next(c, out);
    case COMPACT_INTSET:
        return rdb_intset_next(c, out);
    case COMPACT_ZIPMAP:
        return zipmap_next(c, out);
    }
    return COMPACT_BROKEN;
}
