// script_run.h: scripts and functions as they run: checks before, one unit of effects, the time
// they may take, and ending one before its end.
//
// Source:  Redis 7.2's behaviour; undoing is our own
// Thread:  the shard
// Memory:  struct scripts is the server's; the state of a run lies on the stack it runs on
//
// Scripts run on a C stack of their own (fiber.h). Up to busy-reply-threshold a script goes on to
// its end while all others wait, as in Redis. From then on it leaves that stack after each slice:
// its client, or the whole EXEC that it is part of, becomes a job (job.h), and between two slices
// other clients are served: with BUSY, but for what may be asked of a busy server
// (CMD_ALLOW_BUSY). Nothing else runs meanwhile: no other job, no expiry, no eviction, no client
// that waits for a key. So a script is still one moment for everybody.
//
//   SCRIPT KILL, FUNCTION KILL    end a script that has not written, as in Redis
//   SCRIPT KILL UNDO, ...         end one that has written: each key it touched is again what it
//                                 was before (script_undo.h), nothing of it goes to log and
//                                 replicas. Of an EXEC only the script is undone. Not possible
//                                 after FLUSHALL, FLUSHDB and SWAPDB, nor beyond
//                                 script-undo-memory; messages published are out
//   the client goes away          the script goes on, as in Redis
// With several shards those whose keys it may touch are busy, too, and stand still for its slices
// (script_shards.h); the others serve all the time.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/effects.h"
#include "dataplane/cmd/function_store.h"
#include "dataplane/cmd/held.h"
#include "dataplane/cmd/kept_changes.h"
#include "dataplane/cmd/script_undo.h"
#include "dataplane/keyspace/placement.h"
#include "dataplane/script/script_host.h"

struct fiber;

enum script_kill {
    SCRIPT_GOES_ON,
    SCRIPT_KILL,
    SCRIPT_KILL_UNDO,
    SCRIPT_STOP,  // the server closes
    SCRIPT_AGAIN, // to begin anew with all shards (script_shards.h)
};

struct script_run {
    struct call *call; // EVAL or FCALL; its client becomes a stand-in when it goes away
    struct bytes name; // SHA-1 or function
    enum script_kind kind;
    struct reply reply;  // into the caller's
    uint64_t started_ns; // monotonic
    uint64_t now_ms;     // wall clock at its start, which is its time throughout
    uint64_t now_us;     // what TIME said; 0: nothing yet
    shard_set shards;    // that its commands may touch, of a server that is one of many
    enum script_kill kill;
    bool is_read_only;
    bool may_exceed_memory;
    bool is_over_memory; // the server was, when it started
    bool has_written;
    bool is_slow;
    bool needs_all;       // by what was known of it when it started
    bool may_begin_again; // what changes is kept
    struct kept_changes changes;
    struct held_marks marks;
    struct script_undo undo;
};

struct scripts {
    struct server *server;        // borrowed
    struct script_host *hosts[2]; // by enum script_kind; NULL: not used yet
    struct list dying;            // of struct dying_host: flushed, freed from slice to slice
    struct function_store functions;
    struct client client; // as whom scripts run their commands

    // What runs, or is suspended, on the scripts' stack.
    struct fiber *fiber;
    struct call call; // the client's command
    void (*work)(struct call *call, void *context);
    void *context;
    struct script_run *running; // NULL: no script. On that stack
    struct job *job;            // of the client's command, suspended; NULL: it is not
    shard_set shards;           // others that it is suspended with, not held meanwhile
    bool is_inside;             // we are on it
    bool is_stopping;           // the server closes
    uint64_t until_tsc;         // of the slice, for a slow script
    uint64_t load_until_ns;     // of FUNCTION LOAD, monotonic
    struct stream nowhere;      // of a client that has gone
};

void scripts_open(struct server *server);
void scripts_close(struct server *server); // after jobs_close
// All shards have ceased to work and none has closed: ends what is suspended and concerns others.
void scripts_stop(struct server *server);

// work(call, context) on the scripts' stack: with a copy of call, on the way in or, when we are
// there already, at once. When it is suspended, call is, and its client gets its reply later;
// context has to be used up before the first script of it runs.
void script_on_stack(struct call *call, void (*work)(struct call *call, void *context),
                     void *context);
// On the scripts' stack: the script (or function, the other is NULL) with the keys and arguments of
// call, as EVAL and FCALL have them. Exactly one reply.
void script_start(struct call *call, const struct script *script,
                  const struct script_function *function, uint32_t key_count);
// The server closes: what is suspended must not run further commands.
bool scripts_must_stop(const struct server *server);

// Flags that a script declares take the place of its command's: for the checks before it runs and
// for EXEC. Other commands: their row's.
uint32_t script_command_flags(const struct call *call);
// The script or function that call would run; both NULL: none that is known.
void script_find_declared(const struct call *call, const struct script **script,
                          const struct script_function **function);
static inline bool command_runs_script(const struct command *row)
{
    return row->flags & CMD_NO_MANDATORY_KEYS; // all of which do
}

// TIME: within a script it stands still.
uint64_t script_wall_us(struct server *server);
// "BUSY Redis is busy running a script. ..."
const char *script_busy_text(const struct server *server);
const char *script_kind_busy_text(enum script_kind kind);
// SCRIPT KILL [UNDO], FUNCTION KILL [UNDO].
void call_script_kill(struct call *call, enum script_kind kind);
// FUNCTION STATS. Of any shard: a function's run before a script's. NULL: none is slow.
const struct script_run *script_find_busy(struct server *server);
void reply_running_script(struct call *call);
void script_log(struct server *server, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
