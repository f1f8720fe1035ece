// script_cache.h: the two worlds of Lua that a server has, opened when they are first needed, and
// what becomes of them when they are flushed.
//
// Source:  Redis 7.2: scripts are kept until SCRIPT FLUSH, however many there are
// Thread:  the shard
// Memory:  HEAP_SCRIPTS, the hosts'
#pragma once
#include <stdbool.h>
#include "dataplane/cmd/script_run.h"

struct text;

struct script_host *scripts_host(struct scripts *s, enum script_kind kind);
// NULL: *error says why, as script_add's.
struct script *scripts_add(struct scripts *s, struct bytes body, struct bytes *error);
// Of one of many servers, which has added body, with all the others held: they get it too, so that
// EVALSHA finds it wherever it runs.
void scripts_add_to_peers(struct server *server, struct bytes body);
// call's script concerns all shards, whatever keys it declares: it is to be added everywhere, or it
// is known to need them (script_shards.h).
bool script_concerns_all(const struct call *call);
// All of it goes: at once, or from slice to slice.
void scripts_flush(struct scripts *s, enum script_kind kind, bool at_once);
// A slice of what was flushed. False: there is nothing left.
bool scripts_shrink(struct server *server);
bool scripts_are_shrinking(const struct server *server);
// call's ASYNC or SYNC at argv[2]; neither: later, which nobody can tell but by the memory. False:
// it is something else.
bool script_flush_mode(const struct call *call, bool *at_once);

struct scripts_memory {
    struct script_memory eval, functions;
    uint64_t library_count, function_count;
};
void scripts_measure(const struct server *server, struct scripts_memory *out);
// Of all shards: what they take together. Scripts and functions are the same ones in each, so of
// their numbers the greatest counts.
void scripts_measure_all(struct server *server, struct scripts_memory *out); // INFO
