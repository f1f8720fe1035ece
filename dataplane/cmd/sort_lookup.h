// sort_lookup.h: the values that SORT's BY and GET patterns name.
//
// Source:  Redis 7.2: "#" is the element itself; the first * of a pattern stands for the element; a
//          name behind -> is a field of a hash. Patterns end at a NUL when they are searched for
//          these, as C strings do
// Thread:  the shard
// Memory:  a name longer than SORT_NAME_FEW is built on the heap (HEAP_OTHER); so are the values of
//          keys that changed since the command's moment, which are kept as they were: with keys on
//          several shards by the home that changes them, in its heap, as it does so on its own
#pragma once
#include "dataplane/cmd/cmd.h"
#include "dataplane/keyspace/index.h"

enum sort_pattern_kind {
    SORT_NOTHING, // no *: no key is meant
    SORT_ELEMENT,
    SORT_STRING,
    SORT_FIELD,
};
struct sort_pattern { // places in an argument, which a job has elsewhere than the command had
    uint32_t argument;
    enum sort_pattern_kind kind;
    uint32_t star, name_end; // of the key's name: prefix, *, postfix
};
void sort_pattern_init(struct sort_pattern *p, const struct call *call, uint32_t argument);
static inline bool sort_pattern_looks_up(const struct sort_pattern *p)
{
    return p->kind == SORT_STRING || p->kind == SORT_FIELD;
}

enum { SORT_NAME_FEW = 256 };
struct sort_home { // a shard's part: its thread's, while it does not stand
    struct heap *heap;
    struct index kept; // of struct sort_kept, by argument and name
};
struct sort_lookup {
    uint32_t db;
    uint64_t moment_ms;      // fields whose time had passed then are not there
    struct sort_home *homes; // of all shards by their indices; of one: &one
    uint32_t home_count;
    struct sort_home one;
    uint8_t few[SORT_NAME_FEW];
    uint8_t *name; // when it is too long for few
    size_t room;
    struct string_view value; // of the last find
};
void sort_lookup_open(struct sort_lookup *l, const struct call *call);
// key, of server, is about to change: what p would find there is kept, the first time. patterns:
// the command's arguments.
void sort_lookup_keep(struct sort_lookup *l, struct server *server, const struct sort_pattern *p,
                      const struct bytes *patterns, struct bytes key);
// False: there is no such value. Else l->value is set: good until the next find or change.
bool sort_lookup_find(struct sort_lookup *l, struct call *call, const struct sort_pattern *p,
                      struct bytes element);
// When nothing is looked up any more: at most so many of the values that were kept are given back.
// True: there are no more. All homes stand.
bool sort_lookup_forget(struct sort_lookup *l, uint32_t budget);
void sort_lookup_close(struct sort_lookup *l, struct heap *heap); // all homes stand
