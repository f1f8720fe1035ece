// string_edit.h: what the commands that edit strings in place have in common: positions of bits,
// and the string to be written to.
//
// Source:  Redis 7.2's behaviour: positions below 8 * proto-max-bulk-len
// Thread:  the shard
#pragma once
#include "dataplane/cmd/cmd.h"

// argv[index] as a position; with width > 0 also as "#n", the n-th field of that width. False after
// replying Redis's error.
bool call_bit_offset(struct call *call, uint32_t index, uint32_t width, uint64_t *offset);
// The string's bytes for editing, at least size of them. Counts one change; *grew when it was
// shorter or not there at all. Good until the keyspace is touched again.
uint8_t *call_edit_bits(struct call *call, const struct key *key, struct entry *e, size_t *size,
                        bool *grew);
// What Redis shows of a string that was looked at for writing and left as it was: raw.
void call_make_raw(struct call *call, const struct key *key, struct entry *e);
