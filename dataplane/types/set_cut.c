// Reading: looks, cuts, lookups, iteration.
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"
#include "dataplane/types/set_priv.h"

// What a lookup in a tree costs, as elements of a pack passed over.
enum { PACK_STEPS = 64 };

uint64_t set_count(const struct entry *e)
{
    switch (entry_encoding(e)) {
    case ENCODING_INTSET:
        return intset_count(value_bytes(e));
    case ENCODING_LISTPACK:
        return pack_count(value_bytes(e));
    default:
        return set_object_of(e)->tree.count;
    }
}

bool set_has(struct keyspace *k, const struct entry *e, struct bytes member)
{
    struct set_cut look;
    set_look(e, &look);
    return set_cut_has(k, &look, member);
}

void set_look(const struct entry *e, struct set_cut *look)
{
    look->bytes = (struct bytes){ 0 };
    look->blob = NULL;
    look->count = 0;
    look->encoding = ENCODING_LISTPACK;
    if (!e) return;
    look->encoding = entry_encoding(e);
    look->count = set_count(e);
    if (look->encoding == ENCODING_HASHTABLE)
        look->tree = set_object_of(e)->tree;
    else
        look->bytes = value_bytes(e);
}

void set_cut(struct keyspace *k, const struct entry *e, struct set_cut *cut)
{
    set_look(e, cut);
    if (!e) return;
    if (cut->encoding == ENCODING_HASHTABLE) {
        tree_cut(&cut->tree, &set_object_of(e)->tree);
    } else {
        cut->blob = value_hold_bytes(k, e);
        cut->bytes = blob_bytes(cut->blob);
    }
}

void set_cut_drop(struct keyspace *k, struct set_cut *cut)
{
    if (cut->encoding == ENCODING_HASHTABLE)
        tree_drop(keyspace_space(k), &cut->tree);
    else if (cut->blob)
        blob_release(cut->blob);
    set_look(NULL, cut);
}

bool set_cut_is_current(const struct set_cut *cut, const struct entry *e)
{
    if (!e || entry_type(e) != TYPE_SET) return !e && cut->count == 0;
    if (entry_encoding(e) != cut->encoding) return false;
    if (cut->encoding == ENCODING_HASHTABLE) return set_object_of(e)->tree.root == cut->tree.root;
    return bytes_equal(value_bytes(e), cut->bytes);
}

// ---- looking for members

void set_needle_init(struct set_needle *n, struct bytes member)
{
    n->is_int = num_parse_int(member, &n->number);
    n->is_hashed = false;
    packed_needle_init(&n->packed, member);
}

bool set_cut_has_needle(struct keyspace *k, const struct set_cut *cut, struct set_needle *n)
{
    struct tree_cursor c;
    uint32_t index;
    if (cut->count == 0) return false;
    switch (cut->encoding) {
    case ENCODING_INTSET:
        return n->is_int && intset_find(cut->bytes, n->number, &index);
    case ENCODING_LISTPACK:
        return pack_find(cut->bytes, pack_first(cut->bytes), 1, &n->packed) != NULL;
    default:
        break;
    }
    if (!n->is_hashed) {
        n->hash = tree_hash(keyspace_space(k), &n->packed);
        n->is_hashed = true;
    }
    return tree_find(&cut->tree, n->hash, &n->packed, &c);
}

bool set_cut_has(struct keyspace *k, const struct set_cut *cut, struct bytes member)
{
    struct set_needle n;
    set_needle_init(&n, member);
    return set_cut_has_needle(k, cut, &n);
}

uint64_t set_cut_find_cost(const struct set_cut *cut)
{
    return cut->encoding == ENCODING_LISTPACK ? 1 + cut->count / PACK_STEPS : 1;
}

static struct bytes number_text(struct bytes set, uint64_t index, char scratch[24])
{
    return bytes_make(scratch, num_format_int(scratch, intset_at(set, (uint32_t)index)));
}

struct bytes set_cut_at(const struct set_cut *cut, uint64_t rank, char scratch[24])
{
    struct tree_cursor c;
    CHECK(rank < cut->count);
    switch (cut->encoding) {
    case ENCODING_INTSET:
        return number_text(cut->bytes, rank, scratch);
    case ENCODING_LISTPACK:
        return packed_text(pack_at(cut->bytes, (uint32_t)rank), scratch);
    default:
        break;
    }
    tree_at(&cut->tree, rank, &c);
    return packed_text(c.record, scratch);
}

// ---- iteration

void set_iter_init(struct set_iter *i, const struct set_cut *cut)
{
    i->cut = cut;
    i->left = cut->count;
    i->at = cut->encoding == ENCODING_LISTPACK ? PACK_HEAD : 0;
    if (i->left > 0 && cut->encoding == ENCODING_HASHTABLE) tree_first(&cut->tree, &i->cursor);
}

bool set_iter_next(struct set_iter *i, struct bytes *member)
{
    const struct set_cut *cut = i->cut;
    if (i->left == 0) return false;
    i->left--;
    if (cut->encoding == ENCODING_HASHTABLE) {
        *member = packed_text(i->cursor.record, i->scratch);
        tree_next(&i->cursor);
    } else if (cut->encoding == ENCODING_INTSET) {
        *member = number_text(cut->bytes, i->at++, i->scratch);
    } else {
        const uint8_t *at = cut->bytes.data + i->at;
        *member = packed_text(at, i->scratch);
        i->at += packed_size(at);
    }
    return true;
}

bool set_iter_skip(struct set_iter *i)
{
    if (i->left == 0) return false;
    i->left--;
    if (i->cut->encoding == ENCODING_HASHTABLE)
        tree_next(&i->cursor);
    else if (i->cut->encoding == ENCODING_INTSET)
        i->at++;
    else
        i->at += packed_size(i->cut->bytes.data + i->at);
    return true;
}

void set_iter_seek(struct set_iter *i, uint64_t rank)
{
    const struct set_cut *cut = i->cut;
    set_iter_init(i, cut);
    if (rank >= cut->count) {
        i->left = 0;
        return;
    }
    i->left -= rank;
    if (cut->encoding == ENCODING_HASHTABLE)
        tree_at(&cut->tree, rank, &i->cursor);
    else if (cut->encoding == ENCODING_INTSET)
        i->at = rank;
    else
        i->at = (uint64_t)(pack_at(cut->bytes, (uint32_t)rank) - cut->bytes.data);
}

// ---- scanning

struct scan {
    set_take *visit;
    void *context;
};

static void visit_record(void *context, const uint8_t *record)
{
    const struct scan *s = context;
    char scratch[24];
    s->visit(s->context, packed_text(record, scratch));
}

static uint64_t scan_whole(const struct set_cut *cut, set_take *visit, void *context)
{
    struct set_iter i;
    struct bytes member;
    set_iter_init(&i, cut);
    while (set_iter_next(&i, &member)) visit(context, member);
    return 0;
}

// A place in hash space has 64 bits, and clients may keep a cursor in a signed number. Half the
// place, rounded up, still lies in the leaf that begins there: no leaf is one mark wide but by a
// collision of two keyed hashes in 63 bits.
uint64_t set_scan(const struct set_cut *cut, uint64_t cursor, uint64_t least, set_take *visit,
                  void *context)
{
    struct scan s = { visit, context };
    if (cut->encoding != ENCODING_HASHTABLE) return scan_whole(cut, visit, context);
    uint64_t next = tree_scan(&cut->tree, cursor << 1, least, visit_record, &s);
    uint64_t half = next / 2 + (next & 1);
    return half <= INT64_MAX ? half : INT64_MAX;
}
