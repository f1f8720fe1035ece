// cmd_list.h: what the files of list commands share.
//
// Source:  Redis 7.2
// Thread:  the shard
// Memory:  none of its own
#pragma once
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/types/list_value.h"

// e: the list at key, or NULL for one to be made. key has to live as long as the place.
struct list_place call_list_place(struct call *call, const struct key *key, struct entry *e);
// LEFT is the head, RIGHT the tail; false after a syntax error was replied.
bool call_list_side(struct call *call, uint32_t index, bool *at_head);
// An integer from min on; false after the error was replied, for whatever else it is.
bool call_count(struct call *call, uint32_t index, int64_t min, int64_t *out, const char *error);
// From first to last, negative ones from the end, cut to what is there: *count 0 when nothing is.
void list_range(uint64_t length, int64_t first, int64_t last, uint64_t *start, uint64_t *count);

// ---- cmd_list_range.c
// An array of count elements, from start on or backwards. Starts a job when they are many: the list
// may be changed at once, the call is suspended then.
void call_reply_list(struct call *call, const struct entry *e, uint64_t start, uint64_t count,
                     bool backwards);

// ---- cmd_list_pop.c
// One element, replied as a bulk string; count of them (as many as there are) as an array: returns
// how many. The caller says the effect where it is not the command itself.
void call_list_pop(struct call *call, struct list_place *p, bool at_head);
uint64_t call_list_pop_range(struct call *call, struct list_place *p, bool at_head, uint64_t count);
// Counts and tells what a removal means.
void call_list_removed(struct call *call, const struct list_place *p, const char *event,
                       uint64_t count);
// NUMKEYS KEY [KEY ...] LEFT|RIGHT [COUNT count] from argv[index] on; false after an error.
struct list_mpop {
    uint32_t first_key, key_count;
    bool at_head;
    uint64_t count;
};
bool call_list_mpop(struct call *call, uint32_t index, struct list_mpop *out);
// Pops from the first of the keys that is a list: [key, elements]. False: there is none, nothing
// was replied.
bool call_list_pop_first(struct call *call, const struct list_mpop *m);

// ---- cmd_list_move.c
// Moves one element, with the reply. False: an error was replied. source is there.
bool call_list_move(struct call *call, struct entry *source, bool from_head, bool to_head);
