#include "dataplane/types/stream_chunk.h"
#include "dataplane/base/check.h"

enum {
    FORM_SEQ = 0,
    FORM_MS = 1,
    FORM_MS_SEQ = 2,
    FORM_MASK = 3,
    ITEM_SAME = 4,
    ITEM_GHOST = 8,
    NUMBER_SHIFT = 4,
    NUMBER_LONG = 15,
    VARINT_MAX = 10,
    MARK_MAX = 1 + 2 * VARINT_MAX, // flags and ID
};
_Static_assert((int)MARK_MAX < (int)STREAM_CHUNK_SLACK, "a mark written anew fits the slack");

uint8_t *stream_put_varint(uint8_t *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) *to++ = (uint8_t)(value | 0x80);
    *to++ = (uint8_t)value;
    return to;
}

const uint8_t *stream_get_varint(const uint8_t *at, uint64_t *value)
{
    *value = 0;
    for (uint32_t shift = 0;; shift += 7) {
        CHECK(shift < 64);
        *value |= (uint64_t)(*at & 0x7f) << shift;
        if (*at++ < 0x80) return at;
    }
}

uint32_t stream_varint_size(uint64_t value)
{
    uint32_t size = 1;
    for (; value >= 0x80; value >>= 7) size++;
    return size;
}

// ---- an entry's first bytes

static uint8_t *put_mark(uint8_t *to, struct stream_id id, struct stream_id before, uint32_t flags)
{
    bool is_same_ms = id.ms == before.ms;
    uint64_t n = is_same_ms ? id.seq - before.seq : id.ms - before.ms;
    uint32_t form = is_same_ms ? FORM_SEQ : id.seq == 0 ? FORM_MS : FORM_MS_SEQ;
    uint64_t written = n < NUMBER_LONG ? n : NUMBER_LONG;
    *to++ = (uint8_t)(form | flags | written << NUMBER_SHIFT);
    if (n >= NUMBER_LONG) to = stream_put_varint(to, n - NUMBER_LONG);
    return form == FORM_MS_SEQ ? stream_put_varint(to, id.seq) : to;
}

// id: of the one before, becomes the entry's.
static const uint8_t *get_mark(const uint8_t *at, struct stream_id *id)
{
    uint32_t form = *at & FORM_MASK;
    uint64_t n = *at++ >> NUMBER_SHIFT;
    if (n == NUMBER_LONG) {
        at = stream_get_varint(at, &n);
        n += NUMBER_LONG;
    }
    if (form == FORM_SEQ) {
        id->seq += n;
        return at;
    }
    id->ms += n;
    id->seq = 0;
    return form == FORM_MS_SEQ ? stream_get_varint(at, &id->seq) : at;
}

// ---- reading

void stream_chunk_open(struct stream_chunk_reader *r, const struct stream_chunk *c)
{
    struct bytes fields = stream_chunk_fields(c->body);
    uint64_t count;
    r->body = c->body;
    r->head = stream_get_varint(fields.data, &count);
    r->head_count = (uint32_t)count;
    r->at = r->begin = fields.data + fields.size;
    r->end = c->body + c->size;
    r->id = r->before = c->base;
    r->pairs_left = r->pair_count = 0;
    r->is_ghost = false;
}

void stream_chunk_reopen(struct stream_chunk_reader *r, uint32_t offset, struct stream_id before)
{
    r->at = r->body + offset;
    r->id = before;
    r->pairs_left = 0;
}

static void skip_pairs(struct stream_chunk_reader *r)
{
    uint64_t elements = r->field ? r->pairs_left : (uint64_t)r->pairs_left * 2;
    for (; elements > 0; elements--) r->at += packed_size(r->at);
}

bool stream_chunk_next(struct stream_chunk_reader *r)
{
    if (r->pairs_left > 0) skip_pairs(r);
    r->pairs_left = 0;
    if (r->at >= r->end) return false;
    uint32_t flags = *r->at;
    r->begin = r->at;
    r->before = r->id;
    r->at = get_mark(r->at, &r->id);
    r->is_ghost = flags & ITEM_GHOST;
    r->field = flags & ITEM_SAME ? r->head : NULL;
    uint64_t count = r->head_count;
    if (r->is_ghost)
        count = 0;
    else if (!r->field)
        r->at = stream_get_varint(r->at, &count);
    r->pair_count = r->pairs_left = (uint32_t)count;
    return true;
}

bool stream_chunk_pair(struct stream_chunk_reader *r, struct bytes *field, struct bytes *value)
{
    if (r->pairs_left == 0) return false;
    r->pairs_left--;
    const uint8_t **name = r->field ? &r->field : &r->at;
    *field = packed_text(*name, r->scratch[0]);
    *name += packed_size(*name);
    *value = packed_text(r->at, r->scratch[1]);
    r->at += packed_size(r->at);
    return true;
}

bool stream_chunk_has(const struct stream_chunk *c, struct stream_id id)
{
    struct stream_chunk_reader r;
    stream_chunk_open(&r, c);
    while (stream_chunk_next(&r)) {
        int order = stream_id_compare(r.id, id);
        if (order >= 0) return order == 0 && !r.is_ghost;
    }
    return false;
}

struct stream_id stream_chunk_last(const struct stream_chunk *c)
{
    struct stream_chunk_reader r;
    stream_chunk_open(&r, c);
    while (stream_chunk_next(&r)) continue;
    return r.id;
}

// ---- writing

static void put_head(uint8_t *body, bool starts_node, size_t fields_size)
{
    memset(body, 0, STREAM_CHUNK_HEAD);
    body[0] = starts_node ? STREAM_CHUNK_STARTS_NODE : 0;
    store_le32(body + 8, (uint32_t)fields_size);
}

size_t stream_chunk_begin(uint8_t *body, bool starts_node, struct bytes fields)
{
    memmove(body + STREAM_CHUNK_HEAD, fields.data, fields.size);
    put_head(body, starts_node, fields.size);
    return STREAM_CHUNK_HEAD + fields.size;
}

size_t stream_chunk_begin_of(uint8_t *body, bool starts_node, const struct packed_needle *needles,
                             uint32_t text_count)
{
    uint8_t *to = stream_put_varint(body + STREAM_CHUNK_HEAD, text_count / 2);
    for (uint32_t i = 0; i < text_count; to += needles[i].size, i += 2) packed_put(to, &needles[i]);
    size_t size = (size_t)(to - body);
    put_head(body, starts_node, size - STREAM_CHUNK_HEAD);
    return size;
}

bool stream_chunk_has_fields(struct bytes fields, const struct packed_needle *needles,
                             uint32_t text_count)
{
    uint64_t count;
    const uint8_t *at = stream_get_varint(fields.data, &count);
    if (count != text_count / 2) return false;
    for (uint32_t i = 0; i < text_count; i += 2) {
        if (!packed_is(at, &needles[i])) return false;
        at += needles[i].size;
    }
    return true;
}

size_t stream_chunk_entry_size(const struct stream_chunk_entry *e)
{
    uint8_t mark[MARK_MAX];
    size_t size = (size_t)(put_mark(mark, e->id, e->before, 0) - mark);
    if (!e->is_same) size += stream_varint_size(e->text_count / 2);
    for (uint32_t i = e->is_same ? 1 : 0; i < e->text_count; i += e->is_same ? 2 : 1)
        size += e->needles[i].size;
    return size;
}

size_t stream_chunk_append(uint8_t *body, size_t size, const struct stream_chunk_entry *e)
{
    uint8_t *to = put_mark(body + size, e->id, e->before, e->is_same ? ITEM_SAME : 0);
    if (!e->is_same) to = stream_put_varint(to, e->text_count / 2);
    for (uint32_t i = e->is_same ? 1 : 0; i < e->text_count; i += e->is_same ? 2 : 1) {
        packed_put(to, &e->needles[i]);
        to += e->needles[i].size;
    }
    CHECK(body[2] < STREAM_CHUNK_ENTRIES_MAX && body[3] < STREAM_CHUNK_ENTRIES_MAX);
    body[1]++;
    body[2]++;
    body[3]++;
    store_le32(body + 4, load_le32(body + 4) + e->listpack_bytes);
    return (size_t)(to - body);
}

// ---- deleting

struct span { // of entries behind one another
    const uint8_t *from, *to;
    struct stream_id before, last; // the ID before it, and its last one
    uint32_t live, written;
};

// What comes behind is told from what was before; at the end, the last ID stays as a ghost.
static void remove_span(uint8_t *body, size_t *size, const struct span *s)
{
    uint8_t mark[MARK_MAX], *mark_end;
    const uint8_t *rest = s->to, *end = body + *size;
    uint32_t written = stream_chunk_written(body) - s->written;
    if (s->to < end) {
        struct stream_id id = s->last;
        uint32_t flags = *rest & (ITEM_SAME | ITEM_GHOST);
        rest = get_mark(rest, &id);
        mark_end = put_mark(mark, id, s->before, flags);
    } else {
        mark_end = put_mark(mark, s->last, s->before, ITEM_GHOST);
        written++;
    }
    uint8_t *to = body + (s->from - body);
    size_t mark_size = (size_t)(mark_end - mark), rest_size = (size_t)(end - rest);
    memmove(to + mark_size, rest, rest_size);
    memcpy(to, mark, mark_size);
    *size = (size_t)(to - body) + mark_size + rest_size;
    body[1] = (uint8_t)(body[1] - s->live);
    body[3] = (uint8_t)written;
}

static void span_begin(struct span *s, const struct stream_chunk_reader *r)
{
    *s = (struct span){ .from = r->begin, .before = r->before };
}

// The entry at hand is in it; the reader goes on to the next one.
static bool span_take(struct span *s, struct stream_chunk_reader *r)
{
    s->last = r->id;
    s->live += !r->is_ghost;
    s->written++;
    bool is_more = stream_chunk_next(r);
    s->to = is_more ? r->begin : r->end;
    return is_more;
}

bool stream_chunk_remove(uint8_t *body, size_t *size, struct stream_id base, struct stream_id id)
{
    struct stream_chunk c = { base, body, *size };
    struct stream_chunk_reader r;
    struct span span;
    stream_chunk_open(&r, &c);
    do {
        if (!stream_chunk_next(&r)) return false;
    } while (stream_id_compare(r.id, id) < 0);
    if (r.is_ghost || stream_id_compare(r.id, id) != 0) return false;
    span_begin(&span, &r);
    span_take(&span, &r);
    remove_span(body, size, &span);
    return true;
}

uint32_t stream_chunk_trim(uint8_t *body, size_t *size, struct stream_id base, uint64_t count,
                           const struct stream_id *below)
{
    struct stream_chunk c = { base, body, *size };
    struct stream_chunk_reader r;
    struct span span;
    stream_chunk_open(&r, &c);
    bool is_more = stream_chunk_next(&r);
    span_begin(&span, &r);
    while (is_more && span.live < count && (!below || stream_id_compare(r.id, *below) < 0))
        is_more = span_take(&span, &r);
    if (span.live > 0) remove_span(body, size, &span);
    return span.live;
}
