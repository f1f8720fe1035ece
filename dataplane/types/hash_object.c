// The tree form of a hash: its fields by hash, and those with deadlines sorted by time.
#include "dataplane/keyspace/relocate.h"
#include "dataplane/types/hash_priv.h"

enum {
    DEADLINE_PREFIX = 8,
    COPY_ON_STACK = 512,
    // Of 1 million small fields, at random: with leaves of 1024 bytes a get takes a tenth longer,
    // with 512 a field takes a byte more.
    FIELDS_LEAF_BYTES = 768,
    DEADLINES_LEAF_BYTES = 512,
};

static uint64_t deadline_mark(const uint8_t *record) { return load_le64(record); }

static const struct tree_shape fields_shape = { .order = TREE_BY_HASH,
                                                .elements = 2,
                                                .leaf_bytes = FIELDS_LEAF_BYTES };
static const struct tree_shape deadlines_shape = { .order = TREE_SORTED,
                                                   .prefix_bytes = DEADLINE_PREFIX,
                                                   .elements = 1,
                                                   .leaf_bytes = DEADLINES_LEAF_BYTES,
                                                   .mark = deadline_mark };

// ---- struct object_ops

static void object_close(struct object *object, struct keyspace *k)
{
    struct hash_object *o = (struct hash_object *)(void *)object;
    struct tree_space *s = keyspace_space(k);
    hash_timer_cancel(keyspace_hash_deadlines(k), &o->timer); // also of one half made anew
    tree_drop(s, &o->fields);
    tree_drop(s, &o->deadlines);
    heap_give(s->heap, o, sizeof *o, HEAP_DATASET);
}

static struct object *object_copy(const struct object *object, struct keyspace *k)
{
    const struct hash_object *o = (const struct hash_object *)(const void *)object;
    struct hash_object *copy = hash_object_new(k);
    tree_cut(&copy->fields, &o->fields);
    tree_cut(&copy->deadlines, &o->deadlines);
    hash_object_arm(k, copy);
    return &copy->object;
}

static uint64_t object_memory_bytes(const struct object *object)
{
    const struct hash_object *o = (const struct hash_object *)(const void *)object;
    return heap_usable(sizeof *o) + tree_memory_bytes(&o->fields) +
           tree_memory_bytes(&o->deadlines);
}

static uint64_t object_count(const struct object *object)
{
    return ((const struct hash_object *)(const void *)object)->fields.count;
}

static struct object *object_relocate(struct object *object, struct relocate_pass *p,
                                      uint64_t *position, uint64_t until_tsc)
{
    struct hash_object *o = (struct hash_object *)(void *)object;
    if (*position == 0) {
        o = relocate_block(p, o, sizeof *o);
        hash_timer_moved(&o->timer);
    }
    struct tree *trees[] = { &o->fields, &o->deadlines };
    *position = relocate_trees(p, trees, 2, *position, until_tsc);
    return &o->object;
}

static struct tree *object_next_tree(struct object *object, struct object_place *place)
{
    struct hash_object *o = (struct hash_object *)(void *)object;
    struct tree *trees[] = { &o->fields, &o->deadlines };
    return place->member < 2 ? trees[place->member++] : NULL;
}

// Its timer may have fired while nobody had it as a key.
static void object_settle(struct object *object, struct keyspace *k)
{
    hash_object_arm(k, (struct hash_object *)(void *)object);
}

static const struct object_ops hash_ops = { .close = object_close,
                                            .copy = object_copy,
                                            .memory_bytes = object_memory_bytes,
                                            .count = object_count,
                                            .relocate = object_relocate,
                                            .next_tree = object_next_tree,
                                            .settle = object_settle };

struct hash_object *hash_object_new(struct keyspace *k)
{
    struct hash_object *o = heap_take_zeroed(keyspace_space(k)->heap, sizeof *o, HEAP_DATASET);
    o->object.ops = &hash_ops;
    tree_init(&o->fields, &fields_shape);
    tree_init(&o->deadlines, &deadlines_shape);
    return o;
}

void hash_object_fill(struct keyspace *k, struct hash_object *o, struct bytes pack)
{
    char scratch[24];
    struct tree_space *s = keyspace_space(k);
    const uint8_t *end = pack_end(pack);
    for (const uint8_t *at = pack_first(pack); at < end;) {
        struct packed_needle field;
        struct tree_cursor c;
        packed_needle_init(&field, packed_text(at, scratch));
        uint64_t hash = tree_hash(s, &field);
        uint32_t size = field.size + packed_size(at + field.size);
        CHECK(!tree_find(&o->fields, hash, &field, &c));
        memcpy(tree_insert(s, &o->fields, &c, hash, size), at, size);
        at += size;
    }
}

// ---- the deadlines' tree

struct deadline_target {
    uint64_t at_ms;
    const struct packed_needle *field; // NULL: ahead of all of this time
};

static int compare_deadline(const void *context, const uint8_t *record)
{
    const struct deadline_target *t = context;
    uint64_t at_ms = load_le64(record);
    if (at_ms != t->at_ms) return at_ms < t->at_ms ? -1 : 1;
    if (!t->field) return 1;
    const uint8_t *field = record + DEADLINE_PREFIX;
    uint32_t size = packed_size(field);
    if (size != t->field->size) return size < t->field->size ? -1 : 1;
    int order = memcmp(field, t->field->head, t->field->head_bytes);
    if (order == 0 && t->field->body.size)
        order = memcmp(field + t->field->head_bytes, t->field->body.data, t->field->body.size);
    return order;
}

static bool seek_deadline(const struct hash_object *o, uint64_t at_ms,
                          const struct packed_needle *field, struct tree_cursor *c)
{
    struct deadline_target t = { at_ms, field };
    return tree_seek(&o->deadlines, at_ms, compare_deadline, &t, c);
}

static void add_deadline(struct keyspace *k, struct hash_object *o,
                         const struct packed_needle *field, uint64_t at_ms)
{
    struct tree_cursor c;
    CHECK(!seek_deadline(o, at_ms, field, &c));
    uint8_t *to =
        tree_insert(keyspace_space(k), &o->deadlines, &c, at_ms, DEADLINE_PREFIX + field->size);
    store_le64(to, at_ms);
    packed_put(to + DEADLINE_PREFIX, field);
}

// The timer stays as it is when others are left: it fires for nothing at worst.
static void drop_deadline(struct keyspace *k, struct hash_object *o,
                          const struct packed_needle *field, uint64_t at_ms)
{
    struct tree_cursor c;
    CHECK(seek_deadline(o, at_ms, field, &c));
    tree_remove(keyspace_space(k), &o->deadlines, &c);
    if (!o->deadlines.count) hash_timer_cancel(keyspace_hash_deadlines(k), &o->timer);
}

uint64_t hash_object_expired(const struct hash_object *o, uint64_t now_ms)
{
    struct tree_cursor c;
    if (!o->deadlines.count) return 0;
    seek_deadline(o, now_ms + 1, NULL, &c);
    return tree_index(&c);
}

bool hash_object_next(const struct hash_object *o, uint64_t *deadline_ms, char scratch[24],
                      struct bytes *field)
{
    struct tree_cursor c;
    if (!tree_first(&o->deadlines, &c)) return false;
    *deadline_ms = load_le64(c.record);
    *field = packed_text(c.record + DEADLINE_PREFIX, scratch);
    return true;
}

void hash_object_arm(struct keyspace *k, struct hash_object *o)
{
    struct tree_cursor c;
    if (tree_first(&o->deadlines, &c))
        hash_timer_arm(keyspace_hash_deadlines(k), &o->timer, load_le64(c.record));
}

// ---- fields

const uint8_t *hash_object_find(struct keyspace *k, const struct hash_object *o,
                                const struct packed_needle *field, struct tree_cursor *c)
{
    uint64_t hash = tree_hash(keyspace_space(k), field);
    return tree_find(&o->fields, hash, field, c) ? c->record + field->size : NULL;
}

static uint8_t *put_deadline(uint8_t *to, uint64_t at_ms)
{
    if (!at_ms) return to;
    to[0] = PACKED_DEADLINE;
    store_le64(to + 1, at_ms);
    return to + PACKED_DEADLINE_BYTES;
}

// Room for c's record in another size; its bytes are written by the caller.
static uint8_t *resize(struct keyspace *k, struct hash_object *o, struct tree_cursor *c,
                       uint32_t size)
{
    struct tree_space *s = keyspace_space(k);
    return size == c->size ? tree_write(s, &o->fields, c) : tree_replace(s, &o->fields, c, size);
}

static void write_record(uint8_t *to, const struct packed_needle *field, uint64_t deadline_ms,
                         const struct packed_needle *value)
{
    packed_put(to, field);
    packed_put(put_deadline(to + field->size, deadline_ms), value);
}

bool hash_object_put(struct keyspace *k, struct hash_object *o, const struct packed_needle *field,
                     const struct packed_needle *value, bool keep_deadline, uint64_t now_ms)
{
    struct tree_space *s = keyspace_space(k);
    struct tree_cursor c;
    uint64_t hash = tree_hash(s, field);
    uint32_t size = field->size + value->size;
    if (!tree_find(&o->fields, hash, field, &c)) {
        write_record(tree_insert(s, &o->fields, &c, hash, size), field, 0, value);
        return true;
    }
    uint64_t deadline_ms = packed_deadline_ms(c.record + field->size);
    bool was_past = hash_is_past(deadline_ms, now_ms);
    if (deadline_ms && (was_past || !keep_deadline)) {
        drop_deadline(k, o, field, deadline_ms);
        deadline_ms = 0;
    }
    if (deadline_ms) size += PACKED_DEADLINE_BYTES;
    write_record(resize(k, o, &c, size), field, deadline_ms, value);
    return was_past;
}

void hash_object_remove(struct keyspace *k, struct hash_object *o, struct tree_cursor *c,
                        const struct packed_needle *field)
{
    uint64_t deadline_ms = packed_deadline_ms(c->record + field->size);
    if (deadline_ms) drop_deadline(k, o, field, deadline_ms);
    tree_remove(keyspace_space(k), &o->fields, c);
}

// A record with or without a deadline; the value's bytes have to be set aside, as the leaf may
// split or move.
static void rewrite(struct keyspace *k, struct hash_object *o, struct tree_cursor *c,
                    const struct packed_needle *field, uint64_t deadline_ms)
{
    struct heap *heap = keyspace_space(k)->heap;
    const uint8_t *value = c->record + field->size;
    if (value[0] == PACKED_DEADLINE) value += PACKED_DEADLINE_BYTES;
    uint32_t size = (uint32_t)(c->record + c->size - value);
    uint8_t on_stack[COPY_ON_STACK];
    uint8_t *copy = size <= sizeof on_stack ? on_stack : heap_take(heap, size, HEAP_OTHER);
    memcpy(copy, value, size);
    uint32_t prefix = deadline_ms ? PACKED_DEADLINE_BYTES : 0;
    uint8_t *to = resize(k, o, c, field->size + prefix + size);
    packed_put(to, field);
    memcpy(put_deadline(to + field->size, deadline_ms), copy, size);
    if (copy != on_stack) heap_give(heap, copy, size, HEAP_OTHER);
}

void hash_object_set_deadline(struct keyspace *k, struct hash_object *o, struct tree_cursor *c,
                              const struct packed_needle *field, uint64_t deadline_ms)
{
    uint64_t old_ms = packed_deadline_ms(c->record + field->size);
    if (old_ms == deadline_ms) return;
    if (old_ms) drop_deadline(k, o, field, old_ms);
    if (old_ms && deadline_ms)
        put_deadline(tree_write(keyspace_space(k), &o->fields, c) + field->size, deadline_ms);
    else
        rewrite(k, o, c, field, deadline_ms);
    if (!deadline_ms) return;
    add_deadline(k, o, field, deadline_ms);
    hash_object_arm(k, o);
}
