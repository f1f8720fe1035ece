// stream_lag.c: how far groups have read, where that can be told from a few numbers.
#include "dataplane/types/stream_value.h"

bool stream_has_holes_from(const struct stream_facts *f, struct stream_id id)
{
    if (f->count == 0 || stream_id_is_zero(f->max_deleted)) return false;
    if (stream_id_compare(f->first, f->max_deleted) > 0) return false; // all of them are before it
    return stream_id_compare(id, f->max_deleted) <= 0;
}

int64_t stream_position(const struct stream_facts *f, struct stream_id id)
{
    int64_t added = (int64_t)f->entries_added;
    int to_last = stream_id_compare(id, f->last);
    if (added == 0) return 0;
    if (f->count == 0 && to_last <= 0) return added;
    if (to_last >= 0) return to_last == 0 ? added : STREAM_READ_UNKNOWN;
    bool has_holes =
        !stream_id_is_zero(f->max_deleted) && stream_id_compare(f->max_deleted, f->first) >= 0;
    int to_first = stream_id_compare(id, f->first);
    if (has_holes || to_first > 0) return STREAM_READ_UNKNOWN;
    return added - (int64_t)f->count + (to_first == 0);
}

bool stream_group_lag(const struct stream_facts *f, const struct stream_group *g, int64_t *lag)
{
    int64_t read = g->entries_read;
    *lag = 0;
    if (f->entries_added == 0) return true;
    if (read == STREAM_READ_UNKNOWN || stream_has_holes_from(f, g->last))
        read = stream_position(f, g->last);
    if (read == STREAM_READ_UNKNOWN) return false;
    *lag = (int64_t)f->entries_added - read;
    return true;
}

void stream_group_advance(const struct stream_facts *f, struct stream_group *g, struct stream_id id)
{
    if (g->entries_read != STREAM_READ_UNKNOWN && !stream_has_holes_from(f, id))
        g->entries_read++;
    else if (f->entries_added > 0)
        g->entries_read = stream_position(f, id);
    g->last = id;
}
