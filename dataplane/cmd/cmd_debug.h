// cmd_debug.h: the subcommands of DEBUG that have files of their own; cmd_debug.c finds them.
//
// Source:  DEBUG of Redis 7.2, as far as it means something here (spec/driving.md)
// Thread:  the shard
// Memory:  none kept
#pragma once
#include "dataplane/cmd/cmd.h"

typedef void debug_body(struct call *call); // argv[1] is the subcommand, the count has been checked

debug_body debug_protocol;                                   // cmd_debug_samples.c
debug_body debug_populate;                                   // cmd_debug_populate.c
debug_body debug_reload, debug_load_log;                     // cmd_debug_reload.c
debug_body debug_digest, debug_digest_value;                 // cmd_debug_digest.c
debug_body debug_htstats, debug_htstats_key, debug_listpack, // cmd_debug_values.c
    debug_object, debug_quicklist;                           //
debug_body debug_client_eviction, debug_jmap, debug_mallctl, // cmd_debug_memory.c
    debug_mallctl_str;                                       //
void debug_unknown(struct call *call); // its reply: no such subcommand, or not with so many words
