// script_shards.h: a script of one of several shards: keys that it did not declare, and shards that
// it holds for long.
//
// Source:  DESIGN "Shards"
// Thread:  the shard that runs the script, with those that it holds standing still
// Memory:  none
//
// A script runs where the keys are that it declares. When it wants more (another shard's key, or
// KEYS, PUBLISH, ...) and not all shards are held anyway, it is ended, what it wrote is undone, and
// it begins anew with all of them held; nobody hears of the first try, but that its commands are
// counted and logged twice, and seen twice by MONITOR. From then on it is known to need all shards,
// on each of them, until it is flushed. When what it wrote cannot be undone (script_undo.h) it
// fails, once.
//
// One that has become slow (script_run.h) lets the shards that it holds go between its slices. They
// are as busy as its own meanwhile: BUSY to all but what may be asked of a busy server.
#pragma once
#include <stdbool.h>
#include "dataplane/cmd/route.h"
#include "dataplane/cmd/script_run.h"

// Whether it has to have all shards, by what is known of it.
bool script_needs_all(const struct script *script, const struct script_function *function);
// It is known here to need all, and was sent here by who did not know.
bool script_lacks_shards(const struct scripts *s, const struct call *call,
                         const struct script *script, const struct script_function *function);
// What it may touch.
shard_set script_shards(const struct call *call, const struct script *script,
                        const struct script_function *function, uint32_t key_count);
// Before it runs, and at its end, when what it wrote is undone or not: what changes is kept.
void script_shards_begin(struct scripts *s, struct script_run *run);
void script_shards_end(struct scripts *s, struct script_run *run);
// A command of it goes beyond run->shards. True: now it may. Otherwise the run is to begin anew
// (SCRIPT_AGAIN), or *refusal says why it cannot.
bool script_reaches_out(struct scripts *s, struct script_run *run, const struct route *route,
                        const char **refusal);
// After its end: call is executed once more.
void script_begin_again(struct scripts *s, struct call *call);

// It is slow, or is not any more.
void script_set_busy(struct scripts *s, struct script_run *run);
void script_end_busy(struct scripts *s);
// Around a slice of what is suspended. False: its shards cannot be had now.
bool scripts_take_shards(struct server *server);
void scripts_give_shards(struct server *server);
// Of those shards that stand still together: a slow one; NULL: none.
struct script_run *script_busy_among(struct server *server, shard_set shards);
