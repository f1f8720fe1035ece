// Sets made beside the keyspace: unions, intersections, what RESTORE reads.
#include "dataplane/base/check.h"
#include "dataplane/types/set_priv.h"

// ---- a builder as a body

static void follow_builder(struct set_build_body *b)
{
    const struct set_builder *builder = b->builder;
    b->body.encoding = builder->encoding;
    b->body.object = builder->object;
    b->body.bytes = builder->blob ? blob_bytes(builder->blob) : (struct bytes){ 0 };
}

static struct blob *blob_for(struct set_builder *builder, size_t size)
{
    struct blob *blob = builder->blob;
    if (!blob) return blob_new(keyspace_space(builder->keyspace)->heap, size, HEAP_OTHER);
    return blob->capacity < size ? blob_resize(blob, 2 * size) : blob;
}

static void forget_object(struct set_builder *builder)
{
    if (builder->object) set_object_drop(builder->keyspace, builder->object);
    builder->object = NULL;
}

static void forget_blob(struct set_builder *builder)
{
    if (builder->blob) blob_release(builder->blob);
    builder->blob = NULL;
}

static uint8_t *resize_blob(struct set_body *body, enum value_encoding encoding, size_t size)
{
    struct set_build_body *b = (struct set_build_body *)body;
    struct set_builder *builder = b->builder;
    struct blob *blob = blob_for(builder, size);
    if (size > blob->size) memset(blob->data + blob->size, 0, size - blob->size);
    blob->size = size;
    forget_object(builder);
    builder->blob = blob;
    builder->encoding = encoding;
    follow_builder(b);
    return blob->data;
}

static void set_builder_object(struct set_body *body, struct set_object *object)
{
    struct set_build_body *b = (struct set_build_body *)body;
    forget_blob(b->builder);
    b->builder->object = object;
    b->builder->encoding = ENCODING_HASHTABLE;
    follow_builder(b);
}

void set_build_body_init(struct set_build_body *b, struct set_builder *builder)
{
    b->builder = builder;
    b->body.keyspace = builder->keyspace;
    b->body.thresholds = builder->thresholds;
    b->body.resize = resize_blob;
    b->body.become = set_builder_object;
    follow_builder(b);
}

// ---- beginning

static void begin(struct set_builder *b, struct keyspace *k, const struct thresholds *t,
                  enum value_encoding encoding)
{
    *b = (struct set_builder){ .keyspace = k, .thresholds = t };
    struct set_build_body body;
    set_build_body_init(&body, b);
    set_body_start(&body.body, encoding);
}

void set_build_begin(struct set_builder *b, struct keyspace *k, const struct thresholds *t)
{
    begin(b, k, t, ENCODING_INTSET);
}

void set_build_begin_pack(struct set_builder *b, struct keyspace *k, const struct thresholds *t)
{
    begin(b, k, t, ENCODING_LISTPACK);
}

void set_build_begin_cut(struct set_builder *b, struct keyspace *k, const struct thresholds *t,
                         const struct set_cut *cut)
{
    CHECK(cut->encoding == ENCODING_HASHTABLE);
    *b = (struct set_builder){ .keyspace = k, .thresholds = t, .encoding = ENCODING_HASHTABLE };
    b->object = set_object_new(k);
    tree_cut(&b->object->tree, &cut->tree);
}

// ---- changes

bool set_build_add(struct set_builder *b, struct bytes member)
{
    if (b->object) return set_object_add(b->keyspace, b->object, member);
    struct set_build_body body;
    set_build_body_init(&body, b);
    return set_body_add(&body.body, member);
}

bool set_build_remove(struct set_builder *b, struct bytes member)
{
    struct set_build_body body;
    set_build_body_init(&body, b);
    return set_body_remove(&body.body, member);
}

uint64_t set_build_count(const struct set_builder *b)
{
    struct set_cut look;
    set_build_look(b, &look);
    return look.count;
}

void set_build_look(const struct set_builder *b, struct set_cut *look)
{
    struct set_build_body body;
    set_build_body_init(&body, (struct set_builder *)b);
    set_body_look(&body.body, look);
}

void set_build_settle(struct set_builder *b)
{
    struct set_cut look;
    struct set_iter i;
    struct bytes member;
    struct set_needle n;
    set_build_look(b, &look);
    if (look.encoding == ENCODING_INTSET ||
        look.count > (uint64_t)b->thresholds->set_intset_entries)
        return;
    set_iter_init(&i, &look);
    while (set_iter_next(&i, &member)) {
        set_needle_init(&n, member);
        if (!n.is_int) return;
    }
    struct set_builder settled;
    set_build_begin(&settled, b->keyspace, b->thresholds);
    set_iter_init(&i, &look);
    while (set_iter_next(&i, &member)) set_build_add(&settled, member);
    set_build_drop(b);
    *b = settled;
}

// ---- ending

void set_build_drop(struct set_builder *b)
{
    forget_blob(b);
    forget_object(b);
}

struct entry *set_build_replace(struct set_builder *b, uint32_t db, const struct key *key,
                                struct entry *e)
{
    struct keyspace *k = b->keyspace;
    if (b->object) {
        e = value_set_object(k, db, key, e, TYPE_SET, ENCODING_HASHTABLE, &b->object->object);
        b->object = NULL;
        return e;
    }
    uint8_t *to;
    e = value_edit(k, db, key, e, TYPE_SET, b->encoding, b->blob->size, &to);
    memcpy(to, b->blob->data, b->blob->size);
    set_build_drop(b);
    return e;
}

struct entry *set_build_put(struct set_builder *b, uint32_t db, const struct key *key,
                            uint64_t now_ms)
{
    struct entry *e = keyspace_find(b->keyspace, db, key, FIND_QUIET, now_ms);
    if (set_build_count(b) > 0) return set_build_replace(b, db, key, NULL);
    if (e) keyspace_drop_entry(b->keyspace, db, e);
    set_build_drop(b);
    return NULL;
}
