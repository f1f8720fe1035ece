// script_call.h: what a script may reach: redis.call and the other operations of script_host.h.
//
// Source:  Redis 7.2's scriptCall behaviour and its error texts
// Thread:  the shard, on the scripts' stack
// Memory:  the context is the server's struct scripts
#pragma once
#include "dataplane/script/script_host.h"

extern const struct script_host_ops script_call_ops;
