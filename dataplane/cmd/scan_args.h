// scan_args.h: what SCAN, HSCAN, SSCAN and ZSCAN have in common: the cursor, the options, and how
// the reply begins.
//
// Source:  Redis 7.2; NOVALUES from Redis 7.4, NOSCORES from Valkey 8
// Thread:  the shard
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/cmd/cmd.h"

struct scan_args {
    uint64_t count;   // COUNT, at least 1
    uint32_t pattern; // number of MATCH's argument; 0: everything
    uint32_t type;    // number of TYPE's argument; 0: every type
    bool names_only;  // the bare word was there
};
enum { SCAN_ARGS_TYPE = 1 << 0 }; // TYPE is an option of this command

// Both are false after an error was replied.
bool scan_cursor(struct call *call, uint32_t index, uint64_t *cursor);
// The options from argv[index] on. bare: the one that has no argument ("novalues"); NULL: none.
bool scan_options(struct call *call, uint32_t index, const char *bare, uint32_t flags,
                  struct scan_args *out);
void scan_reply_header(struct reply *r, uint64_t cursor, uint64_t count);
