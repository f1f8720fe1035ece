// cmd_index.h: the index of names that command_index.py makes at build time; only cmd_table.c and
// its test include it.
//
// Thread:  any
// Memory:  const
#pragma once
#include <stdint.h>
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/command_ids.h"

// A name as two words: bytes 0..7 (zero beyond its end) and, of longer names, its last 8 bytes.
struct command_words {
    uint64_t head, tail;
    uint64_t size;
};
extern const struct command *const command_rows[COMMAND_COUNT]; // by id: top level first
extern const struct command_words command_words[COMMAND_TOP_COUNT];
// Open-addressed: id of the name that hashes here or up to COMMAND_PROBE_MAX - 1 slots before;
// 0xffff: none.
extern const uint16_t command_slots[1 << COMMAND_SLOT_BITS];
