// resume.h: clients of which nothing is executed for a while (block.h, job.h): what they sent
// meanwhile, and going on with it.
//
// Thread:  the shard
// Memory:  requests parsed already are kept whole (kept.h); bytes that come later are deferred
//          input (defer.h), bounded there
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/cmd/cmd.h"

struct shard;
struct session;

bool session_must_wait(const struct session *session); // its input is to be deferred
void resume_keep(struct shard *shard, struct session *session, const struct call *call);
// One that is to be executed once more, before all others; until then it is not counted
// (client.command_count).
void resume_keep_first(struct shard *shard, struct session *session, const struct call *call);
void resume_later(struct shard *shard, struct session *session); // it is suspended no more
// What was kept of sessions that go on; returns how many requests ran, at most budget.
uint32_t resume_run(struct shard *shard, uint32_t budget);
void resume_drop(struct shard *shard, struct session *session); // all that waits of it
