// shard.h: what one core owns, and its loop.
//
// Source:  DESIGN "A request's way"; STYLE section 1
// Thread:  one, pinned; nothing here is shared but the region's part of this shard
// Memory:  owned unless it says borrowed
#pragma once
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/clock.h"
#include "dataplane/base/log_limit.h"
#include "dataplane/cmd/server.h"
#include "dataplane/lane/bell.h"
#include "dataplane/lane/region.h"
#include "dataplane/net/net.h"
#include "dataplane/nic/nic.h"
#include "dataplane/shard/appender.h"
#include "dataplane/shard/batch.h"
#include "dataplane/shard/ferry.h"
#include "dataplane/shard/hub.h"
#include "dataplane/shard/loader.h"
#include "dataplane/shard/mesh.h"
#include "dataplane/shard/saver.h"
#include "dataplane/shard/session.h"
#include "dataplane/sock/sock.h"
#include "dataplane/tls/tls.h"

enum {
    SHARD_READABLE_MAX = 256, // pieces of input kept before they are parsed
    SHARD_RX_BURSTS = 4,      // bursts per turn while the queue has more
    SHARD_SOCK_BUDGET = 512,  // completions per turn, taken in portions
    SHARD_SOCK_PORTION = 8,
    SHARD_COMMAND_BUDGET = 512, // commands after which a turn takes no further portion or burst
    SHARD_TIMER_BUDGET = 256,
    SHARD_EXPIRE_BUDGET = 512, // keys freed per turn
    SHARD_REAP_BUDGET = 512,
    SHARD_RESUME_BUDGET = 256, // kept requests per turn
    SHARD_LANE_BUDGET = 16,
    SHARD_MESH_BUDGET = 256, // messages of each shard, and rendezvous, per turn
    SHARD_CRON_MS = 100,
    SHARD_CLIENT_PLACES_MIN = 65536, // maxclients may be raised while it runs; a place that was
                                     // never used costs address space only
    SHARD_DESCRIPTORS_BEYOND_CLIENTS = 128, // files and devices
    SHARD_REFUSAL_PLACES = 1024,            // for those who are told that maxclients is reached
    SHARD_RATE_SAMPLES = 16,                // of instantaneous_ops_per_sec, as Redis's
};

struct readable { // bytes that arrived and are not parsed yet
    struct session *session;
    struct bytes data;
    uint64_t arrival_tsc;
};

struct rate { // one instantaneous_* figure
    uint64_t samples[SHARD_RATE_SAMPLES];
    uint64_t last_value;
};

struct shard_config {
    struct settings *settings; // given: the shard owns and changes it
    struct region *region;     // borrowed, as are the rest
    struct bell *bell;
    const struct clock *clock;
    struct nic_queue *nic;   // the port's first queue pair; NULL: socket transport only
    struct hub *hub;         // NULL: this is the only shard
    struct persist *persist; // NULL: nothing is saved or loaded
    struct saving *saving;   // NULL likewise
    struct keeper *keeper;   // NULL likewise
    struct waker *waker;     // of an only shard's thread; NULL: nobody wakes it. Else the hub's
    uint32_t index, count;
};

struct shard {
    // Touched on every turn.
    struct server server;
    struct nic_queue *nic; // what it polls; borrowed
    struct net *net;       // NULL without nic
    struct sock *sock;
    struct tls *tls;
    struct keyspace *keyspace;
    struct list dirty;   // sessions with output or to be closed
    struct list resting; // sessions with deferred input
    struct list resumed; // sessions that go on after a suspension
    uint32_t readable_count;
    struct readable readable[SHARD_READABLE_MAX];
    struct batch batch;
    struct mesh mesh; // the other shards
    struct ferry ferry;

    // Of several shards.
    struct list rendezvous;   // of struct rendezvous, in the order in which they came
    struct list proxies_idle; // of struct proxy
    struct list proxies_waiting, proxies_resumed;
    struct list far_behind;  // of struct far_call.behind, in the order of their coming
    uint64_t far_calls_open; // sent, not answered
    uint64_t asked_tsc;      // when it last said that it would stand
    uint32_t last_holder;    // whom it stood for last
    uint64_t mover_next_ns;  // mover.h
    struct loader loader;
    struct appender appender;

    // Now and then.
    struct heap heap;
    struct list rotation;   // every session, in the order shard_cron looks at them
    int64_t maxclients_max; // what CONFIG SET maxclients may go up to
    uint64_t next_cron_ns, last_rate_ns, idle_since_ns;
    uint64_t wall_us, wall_read_ns;   // the wall clock, and when it was looked at
    uint64_t expired_ms, timers_tick; // everything due by then is done
    uint64_t job_slice_cycles, others_until_ns;
    bool job_ran;                                              // in this turn: there is more to do
    uint64_t settled_tsc, settled_cpu_ns, settled_idle_cycles; // at the last shard_cron
    uint32_t rate_index;
    struct rate rate_ops, rate_input, rate_output, rate_turns, rate_busy;
    struct heap_piece_source
        overflow; // NIC connections that hold much output: blocks that are not packets
    uint64_t pass_input_max, pass_output_max; // of the clients seen in this pass of shard_cron
    uint32_t pass_crons;
    uint32_t admin_client_count; // in reserved places
    struct stream_app app;       // of the transports
    struct stream_app tls_app;   // of the streams within TLS
    bool tls_is_watched;         // its bell, by sock
    struct log_limit tls_failures;
    struct settings *settings;
    struct bell *bell;
    bool stopping, stop_announced, running;
    bool is_busy; // asleep less than half of the time, by shard_cron
    uint64_t commands_at_sleep, commands_at_tls;
    uint32_t stop_flags;
    uint64_t stop_deadline_ns;
    struct saver saver;
    struct keeper *keeper; // borrowed; NULL: there is no disk
    struct waker *waker;   // likewise; NULL: nobody wakes it
};

// error: one line for the operator. The thread that calls open is the one that turns it.
enum status shard_open(struct shard **out, const struct shard_config *config, char *error,
                       uint32_t error_bytes) MUST_USE;
// Of several shards: all are open, so that each can be reached. Before any of them turns.
enum status shard_join(struct shard *s) MUST_USE;
// All have stopped and none has closed: scripts that concern several shards end, each on its own
// thread.
void shard_end_scripts(struct shard *s);
void shard_close(struct shard *s);
void shard_run(struct shard *s); // until stopped
// One iteration: receive, parse, execute, reply. May sleep at its end. Returns how much was done.
uint32_t shard_turn(struct shard *s);

void shard_log(struct shard *s, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void shard_run_readable(struct shard *s); // parse and run everything that has arrived
void shard_flush(struct shard *s);        // hand the sessions' output to their streams
// A turn that had done so many commands takes no further portion or burst beyond its budget.
static inline bool shard_has_budget(const struct shard *s, uint64_t commands_before)
{
    return s->server.tally->commands_processed - commands_before < SHARD_COMMAND_BUDGET;
}
void shard_stop(struct shard *s, uint32_t flags);
void shard_read_clocks(struct shard *s); // the one time of this turn

// shard_ops.c
extern const struct server_ops shard_server_ops;
void shard_apply_thresholds(struct shard *s); // of the settings, to the commands
enum status shard_listen(struct shard *s, char *error, uint32_t error_bytes) MUST_USE;
void shard_stop_listening(struct shard *s);
// shard_cron.c
void shard_cron(struct shard *s); // every SHARD_CRON_MS
void shard_read_wall_clock(struct shard *s);
// shard_publish.c
void shard_refresh_tally(struct shard *s);
