// config_rewrite.h: CONFIG REWRITE, which control carries out (errand.h).
//
// Source:  Redis 7.2's replies
// Thread:  the shard
// Memory:  none kept
#pragma once
#include "dataplane/cmd/cmd.h"

// Replies, now or when control has answered. writes_all: with what has its default, too.
void config_rewrite(struct call *call, bool writes_all);
