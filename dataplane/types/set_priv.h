// set_priv.h: what the files of set_*.c share.
//
// Thread:  the shard
// Memory:  struct set_object belongs to an entry or a builder
#pragma once
#include "dataplane/keyspace/object.h"
#include "dataplane/types/intset.h"
#include "dataplane/types/set_value.h"

struct set_object {
    struct object object;
    struct tree tree;
};
extern const struct tree_shape set_shape;
struct set_object *set_object_new(struct keyspace *k);
static inline struct set_object *set_object_of(const struct entry *e)
{
    return (struct set_object *)entry_object(e);
}
void set_object_drop(struct keyspace *k, struct set_object *o);
bool set_object_add(struct keyspace *k, struct set_object *o, struct bytes member);
bool set_object_remove(struct keyspace *k, struct set_object *o, struct bytes member);

// A set as it is changed, wherever it lies: the rules of encodings know no more than this.
struct set_body {
    struct keyspace *keyspace;
    const struct thresholds *thresholds;
    enum value_encoding encoding; // ENCODING_INT: there is nothing yet
    struct bytes bytes;           // intset or pack, or
    struct set_object *object;
    // The buffer made exactly so long: it begins with what it held, as far as that goes. A new one,
    // or one instead of an object, is zeros.
    uint8_t *(*resize)(struct set_body *b, enum value_encoding encoding, size_t size);
    void (*become)(struct set_body *b, struct set_object *object); // instead of the buffer
};
// As setTypeCreate of 7.2 decides for a first member, when hint members are to come.
enum value_encoding set_first_encoding(const struct thresholds *t, struct bytes member,
                                       uint64_t hint);
void set_body_start(struct set_body *b, enum value_encoding encoding); // empty, in an encoding
void set_body_become_tree(struct set_body *b);
void set_body_become_pack(struct set_body *b);
bool set_body_add(struct set_body *b, struct bytes member);
bool set_body_remove(struct set_body *b, struct bytes member);
// From a buffer, the number of that index or the element at that byte.
void set_body_take(struct set_body *b, size_t at);
uint64_t set_body_count(const struct set_body *b);
void set_body_look(const struct set_body *b, struct set_cut *look);

// The body of a place. The entry follows what is done to the body.
struct set_place_body {
    struct set_body body;
    struct set_place *place;
};
void set_place_body_init(struct set_place_body *b, struct set_place *p);
// The same for a builder.
struct set_build_body {
    struct set_body body;
    struct set_builder *builder;
};
void set_build_body_init(struct set_build_body *b, struct set_builder *builder);
