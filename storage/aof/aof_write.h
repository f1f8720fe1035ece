// aof_write.h: the lines that stand between a log's commands. (The commands themselves come encoded
// from dataplane/cmd/effects.h.)
//
// Source:  spec/aof.md chapter 3 (#TS); DESIGN "Storage" (#TX): Redis reads past lines that begin
//          with '#'
// Thread:  any
#pragma once
#include <stdint.h>

enum { AOF_TIMESTAMP_BYTES_MAX = 32, AOF_TRANSACTION_BYTES_MAX = 48 };

// "#TS:1795353190\r\n" before a command (before its SELECT or MULTI), whenever the second is
// another than at the last one. No terminator; returns the size, as does the other.
uint32_t aof_put_timestamp(char *out, int64_t unix_s);
// "#TX:17 3\r\n" right before the MULTI of this shard's part of transaction 17, in which 3 shards
// have part (this one included, at least 1): loaded only when all of them hold theirs. A part of a
// single command needs MULTI and EXEC around it, too.
uint32_t aof_put_transaction(char *out, uint64_t number, uint32_t shard_count);
