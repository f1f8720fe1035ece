#include "dataplane/base/check.h"
#include "dataplane/types/stream_priv.h"

// ---- chunks

static void enter_chunk(struct stream_iter *i)
{
    stream_chunk_open(&i->reader, &i->spot.chunk);
    i->in_node = i->in_node && !stream_chunk_starts_node(i->spot.chunk.body);
}

// Where in the chunk the entries of the range are, to be shown from the last one on.
static void enter_chunk_backwards(struct stream_iter *i)
{
    struct stream_chunk_reader *r = &i->reader;
    stream_chunk_open(r, &i->spot.chunk);
    i->left = 0;
    while (stream_chunk_next(r) && stream_id_compare(r->id, i->to) <= 0) {
        if (r->is_ghost || stream_id_compare(r->id, i->from) < 0) continue;
        CHECK(i->left < STREAM_CHUNK_ENTRIES_MAX);
        i->offsets[i->left] = (uint32_t)(r->begin - r->body);
        i->before[i->left++] = r->before;
    }
}

void stream_iter_init(struct stream_iter *i, const struct stream_cut *cut, struct stream_id from,
                      struct stream_id to, bool backwards)
{
    i->cut = cut;
    i->from = from;
    i->to = to;
    i->is_backwards = backwards;
    i->in_node = false;
    i->left = 0;
    bool is_there = stream_spot_of(cut, backwards ? to : from, &i->spot);
    if (!is_there && !backwards) is_there = stream_spot_first(cut, &i->spot);
    i->is_over = !is_there || stream_id_compare(from, to) > 0;
    if (i->is_over) return;
    if (backwards)
        enter_chunk_backwards(i);
    else
        enter_chunk(i);
}

// ---- entries

static bool next_forwards(struct stream_iter *i)
{
    struct stream_chunk_reader *r = &i->reader;
    for (;;) {
        while (!stream_chunk_next(r)) {
            if (!stream_spot_next(i->cut, &i->spot)) return false;
            enter_chunk(i);
        }
        if (r->is_ghost || stream_id_compare(r->id, i->from) < 0) continue;
        return stream_id_compare(r->id, i->to) <= 0;
    }
}

static bool next_backwards(struct stream_iter *i)
{
    while (i->left == 0) {
        if (stream_id_compare(i->spot.chunk.base, i->from) < 0) return false;
        if (!stream_spot_prev(i->cut, &i->spot)) return false;
        enter_chunk_backwards(i);
    }
    i->left--;
    stream_chunk_reopen(&i->reader, i->offsets[i->left], i->before[i->left]);
    return stream_chunk_next(&i->reader);
}

bool stream_iter_next(struct stream_iter *i, struct stream_item *out)
{
    if (i->is_over) return false;
    i->is_over = i->is_backwards ? !next_backwards(i) : !next_forwards(i);
    if (i->is_over) return false;
    *out = (struct stream_item){ i->reader.id, i->reader.pair_count, !i->in_node };
    i->in_node = true;
    return true;
}

bool stream_iter_pair(struct stream_iter *i, struct bytes *field, struct bytes *value)
{
    return !i->is_over && stream_chunk_pair(&i->reader, field, value);
}

// ---- single ones

bool stream_has(const struct stream_cut *cut, struct stream_id id)
{
    struct stream_spot spot;
    return stream_spot_of(cut, id, &spot) && stream_chunk_has(&spot.chunk, id);
}

uint64_t stream_guess_count(const struct stream_cut *cut, struct stream_id from,
                            struct stream_id to)
{
    struct stream_spot spot;
    uint64_t all = stream_spot_count(cut), first = 0;
    if (all == 0 || !stream_spot_of(cut, to, &spot)) return 0;
    uint64_t last = stream_spot_index(cut, &spot);
    if (stream_spot_of(cut, from, &spot)) first = stream_spot_index(cut, &spot);
    if (last < first) return 0;
    uint64_t guess = (last - first + 1) * (cut->facts.count / all + 1) * 2;
    return guess < cut->facts.count ? guess : cut->facts.count;
}

static bool edge_of_chunk(const struct stream_chunk *c, bool last, struct stream_id *id)
{
    struct stream_chunk_reader r;
    bool found = false;
    if (stream_chunk_live(c->body) == 0) return false;
    stream_chunk_open(&r, c);
    while ((last || !found) && stream_chunk_next(&r)) {
        if (r.is_ghost) continue;
        *id = r.id;
        found = true;
    }
    return found;
}

struct stream_id stream_edge(const struct stream_cut *cut, bool last)
{
    struct stream_spot spot;
    struct stream_id id = STREAM_ID_ZERO;
    bool is_there = last ? stream_spot_last(cut, &spot) : stream_spot_first(cut, &spot);
    while (is_there && !edge_of_chunk(&spot.chunk, last, &id))
        is_there = last ? stream_spot_prev(cut, &spot) : stream_spot_next(cut, &spot);
    return id;
}
