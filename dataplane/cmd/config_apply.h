// config_apply.h: CONFIG SET takes effect: what the process itself has to do, then the shard.
//
// Source:  Redis 7.2's error texts
// Thread:  the shard
// Memory:  borrowed for the time of the call
#pragma once
#include "dataplane/cmd/cmd.h"

struct config_change {
    const struct setting_row **rows; // of the pairs at argv[2], in their order
    uint32_t count;
};
void config_refuse(struct call *call, struct bytes name, const char *why);
// Replies. next: the settings with the change, which it may complete (an absolute dir).
void config_apply(struct call *call, const struct config_change *change, struct settings *next);
