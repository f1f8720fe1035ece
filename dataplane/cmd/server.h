// server.h: what the commands of one shard share: settings, keyspace, clients, counters, and what
// they may ask of the shard around them.
//
// Thread:  the shard
// Memory:  owned by the shard; everything it points to is borrowed
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/clock.h"
#include "dataplane/base/hash.h"
#include "dataplane/base/heap.h"
#include "dataplane/base/tally.h"
#include "dataplane/cmd/client.h"
#include "dataplane/cmd/command_latency.h"
#include "dataplane/cmd/defrag.h"
#include "dataplane/cmd/effects.h"
#include "dataplane/cmd/latency.h"
#include "dataplane/cmd/names.h"
#include "dataplane/cmd/posted.h"
#include "dataplane/cmd/pubsub.h"
#include "dataplane/cmd/slow.h"
#include "dataplane/cmd/slowlog.h"
#include "dataplane/cmd/suspend.h"
#include "dataplane/cmd/tracking_state.h"
#include "dataplane/conf/settings.h"
#include "dataplane/keyspace/keyspace.h"
#include "dataplane/lane/region.h"
#include "dataplane/types/hash_deadlines.h"
#include "dataplane/types/thresholds.h"

struct server;
struct bell;
struct command_renames;
struct acl;
struct scripts;
struct script_run;
struct kept_changes;
struct node;
struct call;
struct kept_request;
struct persist;

// What a command asks of the shard. Each is carried out at the end of the turn unless it says
// otherwise.
enum routed {
    ROUTED_HERE,    // run now
    ROUTED_AWAY,    // sent to another shard; its reply comes from there
    ROUTED_LATER,   // kept: it is executed again, or at a rendezvous
    ROUTED_REFUSED, // the refusal is written
};
struct server_ops {
    void (*kill_client)(struct server *s,
                        struct client *c); // c may be the caller: its reply is still sent then
    void (*stop)(struct server *s, uint32_t flags); // SHUTDOWN: enum lane_stop_flags
    // CONFIG SET took effect in *settings for these rows; the shard applies what needs more than
    // the field (limits, listeners, maxmemory-policy, busy-poll) and tells control. May refuse with
    // a text: then nothing has changed.
    // A suspended client goes on (block.c, job.c): what it sent meanwhile is executed after what is
    // under way now.
    void (*resume_client)(struct server *s, struct client *c);
    void (*client_wrote)(struct server *s, struct client *c); // a job added to its reply
    enum status (*apply_settings)(struct server *s, const struct settings *next,
                                  const struct setting_row *const *rows, uint32_t row_count,
                                  char error[SETTING_ERROR_MAX]);
    void (*refresh_tally)(struct server *s); // at once: heap figures and levels, for INFO
    // All shards are held, or this is the only one: a snapshot's moment is now (persist.h). NULL,
    // or an error.
    const char *(*save)(struct server *s);
    // CONFIG SET appendonly yes, of a log that is off: its directory is opened, and the log is
    // begun (shard/keeper.h). s: the first shard, which runs or stands still. False: it cannot be
    // opened; the log says why.
    bool (*log_on)(struct server *s);
    // All shards held: everything goes and the snapshot is loaded anew, by the turns to come, while
    // persist_is_loading. flags: enum persist_reload. False: there is none (shard/loader.h).
    bool (*reload)(struct server *s, uint32_t flags);
    // Of one of many (node.h): what a command that passed its checks is to do.
    enum routed (*route)(struct call *call);
    // Of one of many: call, of a script, is executed anew with all shards held; suspended until
    // then.
    void (*begin_again)(struct call *call);
    // Of one of many: these others (shard_set) stand still from here to let_go. False: they cannot
    // be had now. Not from within a command.
    bool (*hold)(struct server *s, uint64_t shards);
    void (*let_go)(struct server *s, uint64_t shards);
    // Of one of many, all held: begins call, which is of ROUTE_SCATTER, on each. NULL: it is run
    // once, over the joint keyspace.
    void (*scatter)(struct call *call);
    // Of one of many: what c waited with goes through route once more, as its next command. Of a
    // proxy the client's own shard does it.
    void (*run_again)(struct server *s, struct client *c, const struct kept_request *request);
    // Of one of many: each of these homes (shard_set) is told by a message, which it carries out
    // with transaction_forget_watcher. It may come late.
    void (*forget_watches)(struct server *s, uint64_t client_id, uint64_t generation,
                           uint64_t homes);
    // Of one of many, for clients that wait for keys of several shards (block_far.h). A home tells
    // the client's shard, which carries it out with block_try.
    void (*tell_try)(struct server *home, uint64_t client_id, uint64_t ticket);
    // These homes are told, and carry it out with far_waiter_forget. It may come late.
    void (*forget_waits)(struct server *s, uint64_t client_id, uint64_t ticket, uint64_t homes);
    // The request is executed again with these shards held (command_execute_held). It stays the
    // caller's, who says with drop_retry that it is not to be any more.
    void (*retry_together)(struct server *s, struct client *c, const struct kept_request *request,
                           uint64_t shards);
    void (*drop_retry)(struct server *s, struct client *c);
    // Of one of many: carries *p, copied, to another shard, where posted_arrived gets it.
    void (*post)(struct server *s, uint32_t to, posted_action *action, const struct posted *p);
    // Of one of many: where so many bytes that are pushed to c belong among its replies, some of
    // which may be on their way from other shards. NULL: c->reply.out, always.
    struct outq *(*push_output)(struct server *s, struct client *c, size_t bytes);
};

struct server {
    const struct server_ops *ops;
    struct client *executing;  // whose command runs; NULL between commands
    void *shard;               // for ops
    struct settings *settings; // the shard's copy
    struct keyspace *keyspace;
    struct heap *heap;
    struct client_table clients;
    struct thresholds thresholds; // of settings
    struct effects effects;
    struct blocks blocks;
    struct jobs jobs;
    struct errands errands;
    struct pause pause;
    struct log_waits log_waits;
    struct aof_waits aof_waits;
    struct list monitors; // of struct monitor
    struct acl *acl;                      // acl_call.h
    struct command_renames *renames;      // rename.h; NULL: none
    struct hash_deadlines hash_deadlines; // hash_expiry.h
    struct names watched_keys;            // watch.h
    struct names far_watchers;            // watch.h: ids of clients of other shards
    struct scripts *scripts;              // script_run.h
    // One that has run for longer than busy-reply-threshold: nothing but it goes on. NULL: none.
    struct script_run *busy_script;
    struct pubsub pubsub;
    struct tracking tracking;
    struct posted_order posts;
    uint32_t notify_classes; // notify.h; 0: none
    // Who wants to know about changed keys (changed.h); NULL: nobody.
    void (*on_changed)(struct server *s, uint32_t db, struct bytes key, uint32_t class,
                       const char *event);
    struct kept_changes *kept_changes; // that is told later (kept_changes.h); NULL: at once
    struct slow_thresholds slow; // slow.h
    struct slowlog slowlog;
    struct latency latency;
    struct command_latencies command_latencies;
    struct defrag defrag;
    struct shard_tally *tally;
    struct region *region; // control's and dataplane's parts for INFO
    struct region_shard *region_shard;
    struct bell *bell;
    const struct clock *clock;
    struct persist *persist; // persist.h: of the process; NULL: there is no disk
    struct rng rng;
    uint64_t now_ns; // of this turn, monotonic
    uint64_t now_ms; // of this turn, wall clock: deadlines are compared with it
    uint64_t now_us; // wall clock, refreshed per command where it matters (TIME)
    uint64_t started_wall_ms;
    uint32_t shard_index, shard_count;
    struct node *node;      // node.h; NULL: this is the only shard
    struct keyspace *joint; // of the node, for commands that this shard runs; NULL likewise
    uint64_t held;          // shard_set: others that the command under way may touch
    struct server *holder;  // whose command touches this one, which stands; NULL: nobody's
    int64_t tcp_port, tls_port; // as bound; 0: none
    uint64_t
        busy_until_ns; // DEBUG SLEEP: the shard serves nobody until then (it does not call sleep)
    bool protected_refusal;
    bool in_command; // what expires belongs to the unit of effects under way
    bool replays_log; // aof_play.h: commands of a log run, for which no time has passed
    // Of DEBUG, for tests:
    bool skips_checksums;    // SET-SKIP-CHECKSUM-VALIDATION: RESTORE takes what fails its checksum
    bool scripts_may_do_all; // SET-DISABLE-DENY-SCRIPTS: "noscript" commands too
    bool cron_is_paused;     // PAUSE-CRON
    struct cycle_meter meter;
    // Rates, sampled by the shard 10 times a second over 16 samples, as Redis's instantaneous_*
    // fields.
    uint64_t instantaneous_ops, instantaneous_input_bps, instantaneous_output_bps;
    uint64_t instantaneous_turns, instantaneous_busy_cycles; // per second
    uint64_t over_since_ns, over_ns; // above maxmemory: since when, 0: not now; how long before
    uint64_t watching_clients;       // watch.h
    uint64_t watch_generation;       // watch.h: of this shard's clients
    uint64_t startup_memory_bytes; // booked when the shard was open and empty
    uint64_t peak_memory_bytes, peak_memory_ms;
    // As in Redis: beyond so many different codes none is counted any more, until CONFIG RESETSTAT.
    uint64_t error_stats_overflow; // replies since then
    struct error_stat {
        char code[24];
        uint64_t count;
    } error_stats[128];
    uint32_t error_stat_count;
};

// server.c: the parts that commands keep in struct server: opened once heap, keyspace, settings and
// clock are there, closed before the keyspace is.
void server_open_parts(struct server *server);
void server_settings_changed(struct server *server); // after CONFIG SET
void server_close_parts(struct server *server);
// What the parts hold of a client whose connection goes, or that says RESET.
void server_forget_client(struct server *server, struct client *c);
