// hll_call.h: what the commands over HyperLogLogs have in common.
//
// Source:  error texts of Redis 7.2
// Thread:  the shard
#pragma once
#include <stdbool.h>
#include "dataplane/cmd/cmd.h"
#include "dataplane/types/hll.h"

void hll_reply_corrupt(struct call *call);
// False after the error was replied.
bool hll_check(struct call *call, struct bytes value);
bool hll_read(struct call *call, const struct entry *e, struct string_view *view);
// h becomes the value of key; counts one change. e: what is there, or NULL.
void hll_put(struct call *call, const struct key *key, struct entry *e, const struct hll *h);
