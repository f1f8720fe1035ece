// When a set is an intset, a pack or a hashtable: t_set.c's behaviour in Redis 7.2.
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"
#include "dataplane/types/set_priv.h"

// A listpack of Redis stays below this many bytes.
enum { PACK_BYTES_MAX = 1 << 30 };

static bool is_within(uint64_t n, int64_t limit) { return n <= (uint64_t)limit; }

static int64_t intset_entries(const struct thresholds *t)
{
    return t->set_intset_entries < INTSET_COUNT_MAX ? t->set_intset_entries : INTSET_COUNT_MAX;
}

enum value_encoding set_first_encoding(const struct thresholds *t, struct bytes member,
                                       uint64_t hint)
{
    int64_t number;
    if (is_within(hint, t->set_intset_entries) && num_parse_int(member, &number))
        return ENCODING_INTSET;
    return is_within(hint, t->set_entries) ? ENCODING_LISTPACK : ENCODING_HASHTABLE;
}

void set_body_start(struct set_body *b, enum value_encoding encoding)
{
    if (encoding == ENCODING_HASHTABLE)
        b->become(b, set_object_new(b->keyspace));
    else if (encoding == ENCODING_INTSET)
        intset_init(b->resize(b, ENCODING_INTSET, INTSET_HEAD), INTSET_WIDTH_MIN);
    else
        store_le32(b->resize(b, ENCODING_LISTPACK, PACK_HEAD), 0);
}

uint64_t set_body_count(const struct set_body *b)
{
    switch (b->encoding) {
    case ENCODING_INT:
        return 0;
    case ENCODING_INTSET:
        return intset_count(b->bytes);
    case ENCODING_LISTPACK:
        return pack_count(b->bytes);
    default:
        return b->object->tree.count;
    }
}

void set_body_look(const struct set_body *b, struct set_cut *look)
{
    set_look(NULL, look);
    if (b->encoding == ENCODING_INT) return;
    look->encoding = b->encoding;
    look->bytes = b->bytes;
    look->count = set_body_count(b);
    if (b->encoding == ENCODING_HASHTABLE) look->tree = b->object->tree;
}

// ---- from one to the next

void set_body_become_tree(struct set_body *b)
{
    struct set_object *o = set_object_new(b->keyspace);
    struct set_cut look;
    struct set_iter i;
    struct bytes member;
    set_body_look(b, &look);
    set_iter_init(&i, &look);
    while (set_iter_next(&i, &member)) set_object_add(b->keyspace, o, member);
    b->become(b, o);
}

// The numbers' elements are made beside the buffer that they are read from.
void set_body_become_pack(struct set_body *b)
{
    uint32_t count = intset_count(b->bytes);
    struct heap *heap = keyspace_space(b->keyspace)->heap;
    size_t room = PACK_HEAD + (size_t)count * PACKED_HEAD_MAX, size = PACK_HEAD;
    uint8_t *pack = heap_take(heap, room, HEAP_OTHER);
    store_le32(pack, count);
    for (uint32_t i = 0; i < count; i++) {
        struct packed_needle n;
        packed_needle_int(&n, intset_at(b->bytes, i));
        packed_put(pack + size, &n);
        size += n.size;
    }
    memcpy(b->resize(b, ENCODING_LISTPACK, size), pack, size);
    heap_give(heap, pack, room, HEAP_OTHER);
}

// ---- adding

static bool pack_fits(const struct set_body *b, uint64_t count, struct bytes member)
{
    return count < (uint64_t)b->thresholds->set_entries &&
           is_within(member.size, b->thresholds->set_value_bytes) &&
           b->bytes.size + member.size < PACK_BYTES_MAX;
}

static bool tree_add(struct set_body *b, struct bytes member)
{
    set_body_become_tree(b);
    return set_object_add(b->keyspace, b->object, member);
}

static void pack_append(struct set_body *b, const struct packed_needle *n)
{
    size_t size = b->bytes.size;
    uint32_t count = pack_count(b->bytes);
    uint8_t *pack = b->resize(b, ENCODING_LISTPACK, size + n->size);
    packed_put(pack + size, n);
    store_le32(pack, count + 1);
}

static bool pack_add(struct set_body *b, struct bytes member)
{
    struct packed_needle n;
    packed_needle_init(&n, member);
    if (pack_find(b->bytes, pack_first(b->bytes), 1, &n)) return false;
    if (!pack_fits(b, pack_count(b->bytes), member)) return tree_add(b, member);
    pack_append(b, &n);
    return true;
}

// Whether the numbers of an intset may stand in a pack: by the longest one's digits.
static bool numbers_fit(const struct set_body *b)
{
    uint32_t count = intset_count(b->bytes);
    if (count == 0) return true;
    uint32_t first = num_int_digits(intset_at(b->bytes, 0));
    uint32_t last = num_int_digits(intset_at(b->bytes, count - 1));
    return is_within(first > last ? first : last, b->thresholds->set_value_bytes);
}

static bool intset_add_text(struct set_body *b, struct bytes member)
{
    if (!pack_fits(b, intset_count(b->bytes), member) || !numbers_fit(b))
        return tree_add(b, member);
    struct packed_needle n;
    packed_needle_init(&n, member);
    set_body_become_pack(b);
    pack_append(b, &n);
    return true;
}

static bool intset_add(struct set_body *b, struct bytes member)
{
    int64_t number;
    uint32_t index;
    if (!num_parse_int(member, &number)) return intset_add_text(b, member);
    if (intset_find(b->bytes, number, &index)) return false;
    uint8_t *set = b->resize(b, ENCODING_INTSET, intset_bytes_with(b->bytes, number));
    intset_insert(set, index, number);
    if (!is_within(intset_count(b->bytes), intset_entries(b->thresholds))) set_body_become_tree(b);
    return true;
}

bool set_body_add(struct set_body *b, struct bytes member)
{
    switch (b->encoding) {
    case ENCODING_INTSET:
        return intset_add(b, member);
    case ENCODING_LISTPACK:
        return pack_add(b, member);
    default:
        return set_object_add(b->keyspace, b->object, member);
    }
}

// ---- removing

// Twice resized: first it has to be ours alone.
void set_body_take(struct set_body *b, size_t at)
{
    size_t size = b->bytes.size, gone;
    enum value_encoding encoding = b->encoding;
    uint8_t *bytes = b->resize(b, encoding, size);
    if (encoding == ENCODING_INTSET) {
        gone = intset_width(b->bytes);
        intset_remove(bytes, (uint32_t)at);
    } else {
        gone = packed_size(bytes + at);
        memmove(bytes + at, bytes + at + gone, size - at - gone);
        store_le32(bytes, load_le32(bytes) - 1);
    }
    b->resize(b, encoding, size - gone);
}

static bool intset_remove_member(struct set_body *b, struct bytes member)
{
    int64_t number;
    uint32_t index;
    if (!num_parse_int(member, &number) || !intset_find(b->bytes, number, &index)) return false;
    set_body_take(b, index);
    return true;
}

static bool pack_remove_member(struct set_body *b, struct bytes member)
{
    struct packed_needle n;
    packed_needle_init(&n, member);
    const uint8_t *found = pack_find(b->bytes, pack_first(b->bytes), 1, &n);
    if (!found) return false;
    set_body_take(b, (size_t)(found - b->bytes.data));
    return true;
}

bool set_body_remove(struct set_body *b, struct bytes member)
{
    switch (b->encoding) {
    case ENCODING_INT:
        return false;
    case ENCODING_INTSET:
        return intset_remove_member(b, member);
    case ENCODING_LISTPACK:
        return pack_remove_member(b, member);
    default:
        return set_object_remove(b->keyspace, b->object, member);
    }
}
