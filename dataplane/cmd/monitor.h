// monitor.h: MONITOR: clients that are shown every command as it runs.
//
// Source:  Redis 7.2: a line when the command has run; EVAL and FCALL before what they call; what
//          an administrator does (CMD_ADMIN) is not shown, nor what was refused or is tried again
// Thread:  the shard
// Memory:  a line is one blob for all (push.h); who does not read meets the limit of its own
//          output. Secrets are left out (redact.h)
// Of several shards each sends its lines to shard 0, which hands them on to those that have
// monitors: so all monitors see one order, that in which the commands ran (posted.h, which also
// says what happens when these fall behind).
// Costs a branch per command while nobody looks.
#pragma once
#include <stdbool.h>
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/node.h"

void monitors_open(struct server *server);
void monitor_add(struct server *server, struct client *c); // which is none yet
void monitor_forget_client(struct server *server, struct client *c);
static inline bool monitor_is_on(const struct server *s)
{
    if (!server_is_one_of_many(s)) return s->monitors.count != 0;
    return __atomic_load_n(&s->node->monitoring, __ATOMIC_RELAXED) != 0;
}
// Both only while monitor_is_on.
void monitor_before(const struct call *call);
void monitor_after(const struct call *call);
