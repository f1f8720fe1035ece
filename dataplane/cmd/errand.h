// errand.h: what a command lets the control process do with a file, while its client waits.
//
// Source:  DESIGN "Processes": a shard never waits for a disk
// Thread:  the shard
// Memory:  payloads are copied (HEAP_OTHER); an answer lies in the region, borrowed for the time of
//          the callback
//
// A body says what it wants and returns: errand_start(call, ...). The client is suspended as a job
// that does not turn; others are served. When control's answer has come (or will not: 5 s until it
// begins, 60 s until it is done), done is called once with the call made again (its argv, client,
// reply and keyspace), writes the reply, and the client goes on. The client may have gone
// meanwhile: done is called all the same, with a stand-in whose reply goes nowhere, so that what it
// takes over from a file (ACL LOAD) takes effect.
//
// One errand is under way at a time, ERRANDS_MAX wait, in their order.
//
// In a transaction or a script (call->no_suspend) nobody can wait. What writes a file is sent off
// and answered at once, done(call, ERRAND_UNWAITED, ""): Sentinel sends CONFIG REWRITE within
// MULTI, and it has to happen. The text is that of the moment of the call; a failure is logged as a
// warning. What reads a file has no use without its answer: done(call, ERRAND_FAILED, text) at
// once.
#pragma once
#include "dataplane/cmd/cmd.h"
#include "dataplane/lane/errand_slot.h"

enum { ERRANDS_MAX = 64, ERRAND_BEGIN_MS = 5000, ERRAND_FINISH_MS = 60000 };

// text: with ERRAND_DONE the answer; with ERRAND_FAILED, AWAY and TOO_LARGE one line without "ERR",
// for an error reply, such as "Can't open the file: Permission denied".
typedef void errand_done(struct call *call, enum errand_outcome outcome, struct bytes text);
// payload: by kind, see errand_slot.h. Nothing of call may be used afterwards but what done gets.
void errand_start(struct call *call, enum errand_kind kind, struct bytes payload,
                  errand_done *done);

// ---- for the shard (errand.c)
void errands_open(struct server *server);
void errands_close(struct server *server); // before jobs_close
// LANE_ERRAND_DONE came. Both: true when a job may go on that could not before.
bool errands_poll(struct server *server);
bool errands_check(struct server *server); // deadlines, several times a second
