// set_algebra.h: unions, intersections and differences of any number of sets.
//
// Source:  Redis 7.2's SINTER, SINTERCARD, SUNION, SDIFF and their STORE forms: results, the
//          encoding a stored result gets, effects
// Thread:  the shard
// An intersection goes over the smallest set and looks the others up; a difference goes over the
// first, or takes the others' members out of it, whichever is less; a union is built. Results whose
// number has to be told first are marked in one bit per member and shown in a second pass.
#pragma once
#include "dataplane/cmd/cmd.h"

enum set_operation { SET_INTER, SET_UNION, SET_DIFF };
enum set_goal { SET_SHOW, SET_STORE, SET_COUNT };
struct set_algebra_args {
    enum set_operation operation;
    enum set_goal goal;
    uint32_t first_key, key_count; // of argv; SET_STORE: argv[1] is the destination
    uint64_t limit;                // SET_COUNT: no more; 0: no limit
    const char *event;             // SET_STORE
};
void set_algebra(struct call *call, const struct set_algebra_args *args);
