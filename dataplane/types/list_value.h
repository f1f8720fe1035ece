// list_value.h: lists.
//
// Source:  Redis 7.2 (listpack up to list-max-listpack-size, then quicklist, and back when it
//          shrinks to half of it)
// Thread:  the shard
// Memory:  an entry's value: a pack (packed.h) up to LIST_PACK_BYTES, else struct list_object with
//          one tree by position
// Units:   indices from the head, 0..count-1
//
// What OBJECT ENCODING says follows Redis's rule, whatever the form: a list that Redis would still
// call a listpack but that is in a tree already has ENCODING_LISTPACK_TREE. The rule asks for the
// size of a listpack with these elements; it is worked out exactly. One thing differs: Redis turns
// a quicklist back when a single node of it is left, which depends on where its nodes were filled;
// here the whole list counts.
#pragma once
#include "dataplane/keyspace/keyspace.h"
#include "dataplane/keyspace/tree.h"
#include "dataplane/types/thresholds.h"

enum { LIST_PACK_BYTES = 1024 };

struct list_object;

// Where a list is changed; entry follows the value as it moves, NULL when the key is gone or not
// there yet.
struct list_place {
    struct keyspace *keyspace;
    const struct thresholds *thresholds;
    uint32_t db;
    const struct key *key;
    struct entry *entry;
};

// ---- reading
uint64_t list_value_count(const struct entry *e);
// Element number index, below count. Good until the list is changed or scratch is used again.
struct bytes list_value_at(const struct entry *e, uint64_t index, char scratch[24]);

// ---- changes. A value may lie in the list itself only when it is a copy.
// Before elements are added: becomes a quicklist when they make it too large for a listpack. Redis
// looks once per command, at all values together, also when it then adds none of them.
void list_value_expect(struct list_place *p, const struct bytes *values, uint32_t count);
// One after the other, so that with at_head the last one is first. Creates the key when there is
// none. Expects them.
void list_value_push_all(struct list_place *p, bool at_head, const struct bytes *values,
                         uint32_t count);
static inline void list_value_push(struct list_place *p, bool at_head, struct bytes value)
{
    list_value_push_all(p, at_head, &value, 1);
}
// Before element index, or at the tail for index == count; the key is there. Expect it first.
void list_value_insert(struct list_place *p, uint64_t index, struct bytes value);
void list_value_set(struct list_place *p, uint64_t index, struct bytes value); // expect it first
// Takes the first or last element; the list becomes empty: the key goes. out: bytes copied into a
// reply by the caller's function, before the element goes. take may be NULL.
void list_value_pop(struct list_place *p, bool at_head,
                    void (*take)(void *context, struct bytes value), void *context);
// Elements first..first+count-1, all there; the key goes with the last one. O(log) in a tree.
void list_value_remove_range(struct list_place *p, uint64_t first, uint64_t count);
// A list in a tree, changed in steps that nobody sees: tree_remove_range and the like on a second
// version, which then takes the place of the first (or goes, by tree_drop). Every list of more than
// LIST_PACK_BYTES elements is in a tree.
void list_draft_open(const struct entry *e, struct tree *draft);
void list_draft_put(struct list_place *p, struct tree *draft);

// ---- LRANGE, SORT, DUMP, DIGEST: a version of the list that stays as it is
struct list_cut {
    struct bytes bytes; // of a pack; data NULL: it is the tree
    struct blob *pack;  // held; NULL in a view
    struct tree tree;
    uint64_t count;
};
void list_cut(struct keyspace *k, const struct entry *e, struct list_cut *cut);
void list_cut_drop(struct keyspace *k, struct list_cut *cut);
// The same without holding anything: good until the list is changed, nothing to drop.
void list_view(const struct entry *e, struct list_cut *view);

// Elements from number start on: to the tail, or backwards to the head. The text is good until the
// next call.
struct list_iter {
    const struct list_cut *cut;
    uint64_t left; // elements still to come
    bool is_backwards;
    char scratch[24];
    // Of the leaf or pack under way: forwards the bytes left, backwards where its elements are.
    const uint8_t *at, *end;
    uint32_t offset_count;
    struct tree_cursor cursor;
    uint16_t offsets[TREE_LEAF_BYTES];
};
void list_iter_init(struct list_iter *i, const struct list_cut *cut, uint64_t start,
                    bool backwards);
const uint8_t *list_iter_next_packed(struct list_iter *i); // NULL: no more
bool list_iter_next(struct list_iter *i, struct bytes *text);

// Looks for elements equal to a needle, a few at a time.
struct list_search {
    struct list_iter iter; // iter.left may be lowered, to look at fewer
    uint64_t index;        // of the element that comes next
};
void list_search_init(struct list_search *s, const struct list_cut *cut, bool backwards);
// Looks at up to *budget elements and counts it down by those. True: *index is one's. False: the
// budget is spent, or with iter.left == 0 there are no more.
bool list_search_next(struct list_search *s, const struct packed_needle *n, uint32_t *budget,
                      uint64_t *index);

// ---- A list made elsewhere (RESTORE, SORT STORE, ...): add at the tail, then put it at a key in
// place of what is there (deadline dropped). An empty one deletes the key. Returns the entry or
// NULL.
struct list_builder {
    struct keyspace *keyspace;
    struct tree tree;
};
void list_build_begin(struct list_builder *b, struct keyspace *k);
void list_build_add(struct list_builder *b, struct bytes text);
void list_build_look(const struct list_builder *b, struct list_cut *look);
struct entry *list_build_put(struct list_builder *b, const struct thresholds *t, uint32_t db,
                             const struct key *key, uint64_t now_ms);
void list_build_drop(struct list_builder *b); // instead of put
