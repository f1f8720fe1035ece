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
void scripts_measure(const struct server *server, struct scripts_memory *out); // INFO
