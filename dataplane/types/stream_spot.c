#include "dataplane/types/stream_priv.h"

static bool load_record(struct stream_spot *spot)
{
    char scratch[24];
    const uint8_t *record = spot->cursor.record;
    struct bytes body = packed_text(record + STREAM_ID_BYTES, scratch);
    spot->in_tail = false;
    spot->chunk = (struct stream_chunk){ stream_id_load(record), body.data, body.size };
    return true;
}

static bool load_tail(const struct stream_cut *cut, struct stream_spot *spot)
{
    if (!cut->tail) return false;
    const uint8_t *data = cut->tail->data;
    spot->in_tail = true;
    spot->chunk = (struct stream_chunk){ stream_id_load(data), data + STREAM_ID_BYTES,
                                         cut->tail->size - STREAM_ID_BYTES };
    return true;
}

bool stream_spot_first(const struct stream_cut *cut, struct stream_spot *spot)
{
    return tree_first(&cut->chunks, &spot->cursor) ? load_record(spot) : load_tail(cut, spot);
}

bool stream_spot_last(const struct stream_cut *cut, struct stream_spot *spot)
{
    if (load_tail(cut, spot)) return true;
    return tree_last(&cut->chunks, &spot->cursor) && load_record(spot);
}

bool stream_spot_at(const struct stream_cut *cut, uint64_t index, struct stream_spot *spot)
{
    if (tree_at(&cut->chunks, index, &spot->cursor)) return load_record(spot);
    return index == cut->chunks.count && load_tail(cut, spot);
}

bool stream_spot_next(const struct stream_cut *cut, struct stream_spot *spot)
{
    if (spot->in_tail) return false;
    return tree_next(&spot->cursor) ? load_record(spot) : load_tail(cut, spot);
}

bool stream_spot_prev(const struct stream_cut *cut, struct stream_spot *spot)
{
    bool is_there =
        spot->in_tail ? tree_last(&cut->chunks, &spot->cursor) : tree_prev(&spot->cursor);
    return is_there && load_record(spot);
}

// All that begins up to the target is before it.
static int compare_behind(const void *target, const uint8_t *record)
{
    const struct stream_id *id = target;
    return stream_id_compare(stream_id_load(record), *id) <= 0 ? -1 : 1;
}

bool stream_spot_of(const struct stream_cut *cut, struct stream_id id, struct stream_spot *spot)
{
    if (load_tail(cut, spot) && stream_id_compare(spot->chunk.base, id) <= 0) return true;
    tree_seek(&cut->chunks, id.ms, compare_behind, &id, &spot->cursor);
    return tree_prev(&spot->cursor) && load_record(spot);
}

uint64_t stream_spot_index(const struct stream_cut *cut, const struct stream_spot *spot)
{
    return spot->in_tail ? cut->chunks.count : tree_index(&spot->cursor);
}
