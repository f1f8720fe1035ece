#include "dataplane/types/set_value.h"
#include "dataplane/base/check.h"
#include "dataplane/keyspace/relocate.h"
#include "dataplane/types/set_priv.h"

// ---- the large form

const struct tree_shape set_shape = {
    .order = TREE_BY_HASH,
    .elements = 1,
    .leaf_bytes = TREE_LEAF_BYTES,
};

static void close_object(struct object *object, struct keyspace *k)
{
    set_object_drop(k, (struct set_object *)object);
}

static struct object *copy_object(const struct object *object, struct keyspace *k)
{
    struct set_object *o = set_object_new(k);
    tree_cut(&o->tree, &((const struct set_object *)object)->tree);
    return &o->object;
}

static uint64_t object_memory_bytes(const struct object *object)
{
    const struct set_object *o = (const struct set_object *)object;
    return heap_usable(sizeof *o) + tree_memory_bytes(&o->tree);
}

static uint64_t object_count(const struct object *object)
{
    return ((const struct set_object *)object)->tree.count;
}

static struct object *relocate(struct object *object, struct relocate_pass *p, uint64_t *position,
                               uint64_t until_tsc)
{
    struct set_object *o = (struct set_object *)object;
    if (*position == 0) o = relocate_block(p, o, sizeof *o);
    struct tree *trees[] = { &o->tree };
    *position = relocate_trees(p, trees, 1, *position, until_tsc);
    return &o->object;
}

static struct tree *next_tree(struct object *object, struct object_place *place)
{
    return place->member++ == 0 ? &((struct set_object *)object)->tree : NULL;
}

static const struct object_ops set_object_ops = {
    .close = close_object,
    .copy = copy_object,
    .memory_bytes = object_memory_bytes,
    .count = object_count,
    .relocate = relocate,
    .next_tree = next_tree,
};

struct set_object *set_object_new(struct keyspace *k)
{
    struct set_object *o = heap_take(keyspace_space(k)->heap, sizeof *o, HEAP_DATASET);
    o->object.ops = &set_object_ops;
    tree_init(&o->tree, &set_shape);
    return o;
}

void set_object_drop(struct keyspace *k, struct set_object *o)
{
    struct tree_space *space = keyspace_space(k);
    tree_drop(space, &o->tree);
    heap_give(space->heap, o, sizeof *o, HEAP_DATASET);
}

bool set_object_add(struct keyspace *k, struct set_object *o, struct bytes member)
{
    struct tree_space *space = keyspace_space(k);
    struct packed_needle n;
    struct tree_cursor c;
    packed_needle_init(&n, member);
    uint64_t hash = tree_hash(space, &n);
    if (tree_find(&o->tree, hash, &n, &c)) return false;
    packed_put(tree_insert(space, &o->tree, &c, hash, n.size), &n);
    return true;
}

bool set_object_remove(struct keyspace *k, struct set_object *o, struct bytes member)
{
    struct tree_space *space = keyspace_space(k);
    struct packed_needle n;
    struct tree_cursor c;
    packed_needle_init(&n, member);
    if (!tree_find(&o->tree, tree_hash(space, &n), &n, &c)) return false;
    tree_remove(space, &o->tree, &c);
    return true;
}

// ---- a key's value as a body

static void follow_entry(struct set_place_body *b)
{
    const struct entry *e = b->place->entry;
    b->body.encoding = e ? entry_encoding(e) : ENCODING_INT;
    b->body.bytes = (struct bytes){ 0 };
    b->body.object = NULL;
    if (!e) return;
    if (b->body.encoding == ENCODING_HASHTABLE)
        b->body.object = set_object_of(e);
    else
        b->body.bytes = value_bytes(e);
}

static uint8_t *resize_entry(struct set_body *body, enum value_encoding encoding, size_t size)
{
    struct set_place_body *b = (struct set_place_body *)body;
    struct set_place *p = b->place;
    uint8_t *bytes;
    p->entry = value_edit(p->keyspace, p->db, p->key, p->entry, TYPE_SET, encoding, size, &bytes);
    *body = (struct set_body){ .keyspace = body->keyspace,
                               .thresholds = body->thresholds,
                               .encoding = encoding,
                               .bytes = bytes_make(bytes, size),
                               .resize = body->resize,
                               .become = body->become };
    return bytes;
}

static void set_entry_object(struct set_body *body, struct set_object *object)
{
    struct set_place_body *b = (struct set_place_body *)body;
    struct set_place *p = b->place;
    p->entry = value_set_object(p->keyspace, p->db, p->key, p->entry, TYPE_SET, ENCODING_HASHTABLE,
                                &object->object);
    follow_entry(b);
}

void set_place_body_init(struct set_place_body *b, struct set_place *p)
{
    b->place = p;
    b->body.keyspace = p->keyspace;
    b->body.thresholds = p->thresholds;
    b->body.resize = resize_entry;
    b->body.become = set_entry_object;
    follow_entry(b);
}

// ---- changes of a key

void set_expect(struct set_place *p, struct bytes first, uint64_t n)
{
    const struct thresholds *t = p->thresholds;
    p->first_encoding = set_first_encoding(t, first, n);
    if (!p->entry) return;
    enum value_encoding encoding = entry_encoding(p->entry);
    int64_t limit = encoding == ENCODING_INTSET ? t->set_intset_entries : t->set_entries;
    if (encoding == ENCODING_HASHTABLE || n <= (uint64_t)limit) return;
    struct set_place_body b;
    set_place_body_init(&b, p);
    set_body_become_tree(&b.body);
}

bool set_add(struct set_place *p, struct bytes member)
{
    if (p->entry && entry_encoding(p->entry) == ENCODING_HASHTABLE)
        return set_object_add(p->keyspace, set_object_of(p->entry), member);
    struct set_place_body b;
    set_place_body_init(&b, p);
    if (!p->entry) {
        enum value_encoding encoding = p->first_encoding;
        if (!encoding) encoding = set_first_encoding(p->thresholds, member, 1);
        set_body_start(&b.body, encoding);
    }
    return set_body_add(&b.body, member);
}

static void drop_if_empty(struct set_place *p)
{
    if (set_count(p->entry) > 0) return;
    keyspace_drop_entry(p->keyspace, p->db, p->entry);
    p->entry = NULL;
}

bool set_remove(struct set_place *p, struct bytes member)
{
    struct set_place_body b;
    if (!p->entry) return false;
    set_place_body_init(&b, p);
    if (!set_body_remove(&b.body, member)) return false;
    drop_if_empty(p);
    return true;
}

// ---- taking at random

void set_pop(struct set_place *p, uint64_t rank, set_take *take, void *context)
{
    struct set_place_body b;
    char scratch[24];
    set_place_body_init(&b, p);
    if (b.body.encoding == ENCODING_HASHTABLE) {
        struct tree *tree = &b.body.object->tree;
        struct tree_cursor c;
        CHECK(tree_at(tree, rank, &c));
        take(context, packed_text(c.record, scratch));
        tree_remove(keyspace_space(p->keyspace), tree, &c);
    } else if (b.body.encoding == ENCODING_INTSET) {
        struct set_cut look;
        set_body_look(&b.body, &look);
        take(context, set_cut_at(&look, rank, scratch));
        set_body_take(&b.body, rank);
    } else {
        const uint8_t *at = pack_at(b.body.bytes, (uint32_t)rank);
        take(context, packed_text(at, scratch));
        set_body_take(&b.body, (size_t)(at - b.body.bytes.data));
    }
    drop_if_empty(p);
}

// A buffer's members are gone over once (Knuth's algorithm S): those that stay move up.
struct sieve {
    uint64_t left, wanted; // members not yet looked at, and how many of them go
    struct rng *rng;
    set_take *take;
    void *context;
};

static bool sieve_takes(struct sieve *s)
{
    bool takes = rng_below(s->rng, s->left) < s->wanted;
    s->left--;
    if (takes) s->wanted--;
    return takes;
}

static void sieve_intset(struct set_body *b, struct sieve *s)
{
    size_t size = b->bytes.size, width = intset_width(b->bytes);
    uint8_t *set = b->resize(b, ENCODING_INTSET, size), *to = set + INTSET_HEAD;
    uint32_t count = intset_count(b->bytes);
    char scratch[24];
    struct set_cut look;
    set_body_look(b, &look);
    for (uint32_t i = 0; i < count; i++) {
        if (sieve_takes(s)) {
            s->take(s->context, set_cut_at(&look, i, scratch));
        } else {
            memmove(to, set + INTSET_HEAD + width * i, width);
            to += width;
        }
    }
    size_t kept = (size_t)(to - set);
    store_le32(set + 4, (uint32_t)((kept - INTSET_HEAD) / width));
    b->resize(b, ENCODING_INTSET, kept);
}

static void sieve_pack(struct set_body *b, struct sieve *s)
{
    size_t size = b->bytes.size;
    uint8_t *pack = b->resize(b, ENCODING_LISTPACK, size), *to = pack + PACK_HEAD;
    uint32_t kept = 0;
    char scratch[24];
    for (uint8_t *at = to, *end = pack + size; at < end;) {
        uint32_t bytes = packed_size(at);
        if (sieve_takes(s)) {
            s->take(s->context, packed_text(at, scratch));
        } else {
            memmove(to, at, bytes);
            to += bytes;
            kept++;
        }
        at += bytes;
    }
    store_le32(pack, kept);
    b->resize(b, ENCODING_LISTPACK, (size_t)(to - pack));
}

void set_pop_some(struct set_place *p, uint64_t count, struct rng *rng, set_take *take,
                  void *context)
{
    struct sieve s = { set_count(p->entry), count, rng, take, context };
    struct set_place_body b;
    CHECK(count < s.left);
    set_place_body_init(&b, p);
    if (b.body.encoding == ENCODING_INTSET)
        sieve_intset(&b.body, &s);
    else if (b.body.encoding == ENCODING_LISTPACK)
        sieve_pack(&b.body, &s);
    else
        for (; count > 0; count--) set_pop(p, rng_below(rng, s.left--), take, context);
}

// A new intset has the narrowest numbers; a hashtable's members start again as a pack. A pack has
// nothing to gain.
void set_repack(struct set_place *p)
{
    struct set_cut look;
    struct set_iter i;
    struct bytes member;
    struct set_builder b;
    set_look(p->entry, &look);
    if (look.encoding == ENCODING_LISTPACK) return;
    if (look.encoding == ENCODING_INTSET) {
        set_build_begin(&b, p->keyspace, p->thresholds);
    } else {
        if (look.count > (uint64_t)p->thresholds->set_entries) return;
        set_build_begin_pack(&b, p->keyspace, p->thresholds);
    }
    set_iter_init(&i, &look);
    while (set_iter_next(&i, &member)) set_build_add(&b, member);
    p->entry = set_build_replace(&b, p->db, p->key, p->entry);
}
