// load.h: the load itself, whatever carries it: when the next request is due, on which connection
// it goes, and what its reply says. Transports feed it bytes and send what it writes.
//
// Thread:  the generator
// Memory:  connections and their request rings are carved at load_open
// Units:   ns of one monotonic clock, handed in
//
// Closed loop: a connection sends a batch of `pipeline` requests when its last batch is answered.
// Open loop: requests are due at a fixed rate (or at random intervals of that mean), whether or not
// earlier ones were answered; the latency counts from the moment a request was due, so a stall of
// the server is paid by all that should have been sent meanwhile. With a tick the requests leave in
// batches: what was due within a tick is sent at its end, and still counts from its own moment; so
// a transport can sleep from tick to tick.
// Either sends nothing after the measured time: what follows is the wait for replies.
#pragma once
#include "dataplane/base/histogram.h"
#include "tools/bench/reply.h"
#include "tools/bench/workload.h"

enum { LOAD_CONNECTIONS_MAX = 65000, LOAD_PIPELINE_MAX = 4096, LOAD_FILL_PIPELINE = 64 };
enum { LOAD_STALL_S = 30 }; // no reply for so long: the server is given up

enum load_phase { LOAD_CONNECT, LOAD_FILL, LOAD_WARM_UP, LOAD_MEASURE, LOAD_DRAIN, LOAD_DONE };

struct load_config {
    uint32_t connection_count;
    uint32_t pipeline; // requests of a batch; open loop: most unanswered ones of a connection
    double rate;       // requests per second; 0: closed loop
    bool is_poisson;   // open loop: random intervals
    uint64_t tick_ns;  // open loop: sends happen at multiples of it; 0: as soon as they are due
    uint64_t warm_up_ns, duration_ns;
    uint64_t request_count;      // 0: until duration_ns is over
    bool fill, fill_only;        // set every key once before the measured part, or only that
    bool verify;                 // values that come back must be those that were set
    bool require_hits;           // a GET without a value is an error
    const char *user, *password; // NULL: no AUTH
    uint64_t drain_ns;           // how long answers may take after the end
};

struct load_result {
    uint64_t requests, gets, sets, hits, misses; // answered within the measured time
    uint64_t errors; // error replies, wrong values, lost connections, missing replies
    uint64_t unsent; // open loop: due within the measured time; no connection had room by its end
    uint64_t filled; // keys that the fill has set
    uint64_t fill_ns, measured_ns;
    uint64_t sent_bytes, received_bytes; // in all
    char first_error[REPLY_LINE_MAX];
    struct histogram latency, get_latency, set_latency;
    // Open loop: from when a request was due until it was sent, where a connection had room: the
    // generator's own share of the latency (its tick, and how late it woke).
    struct histogram send_delay;
};

struct load_pending {
    uint64_t due_ns;
    uint32_t key;
    uint8_t op;
    bool is_measured;
};

struct load_conn {
    struct reply_reader reader;
    uint32_t head, tail;               // of pending: tail - head requests wait for their replies
    bool is_open, is_listed, is_wrong; // is_wrong: the value under way differs
    bool has_home;                     // steered: its shard is known
    uint32_t home;
    void *carrier; // the transport's
    struct load_pending *pending;
};

// What a transport offers. reserve: size writable bytes; commit: they were written. send: let them
// go, once a batch.
struct load_carrier {
    uint8_t *(*reserve)(struct load_conn *c, uint32_t size);
    void (*commit)(struct load_conn *c, uint32_t size);
    void (*send)(struct load_conn *c);
};

// Told at the edges of the measured time; may be NULL.
struct load_hooks {
    void (*begin)(void *context);
    void (*end)(void *context);
    void *context;
};

struct load {
    struct load_config config;
    struct load_hooks hooks;
    const struct load_carrier *carrier; // set by the transport before load_begin
    struct workload *workload;
    struct load_result *result;
    enum load_phase phase;
    uint64_t phase_start_ns, drain_until_ns;
    uint64_t measure_start_ns, measure_end_ns; // the end is UINT64_MAX until known
    uint64_t next_due_ns;                      // open loop
    double interval_ns, due_offset_ns;         // mean; of next_due_ns from schedule_start_ns
    uint64_t schedule_start_ns, last_reply_ns;
    uint64_t fill_next, unanswered;
    uint64_t left_to_send;    // of request_count
    uint32_t ring_mask, turn; // open loop: whose turn it is
    bool is_behind;           // open loop: no connection had room for what was due
    uint32_t open_count;
    struct load_conn *conns;
    struct load_pending *pendings;
    struct load_conn **ready; // closed loop: answered in full; open loop: written to
    uint32_t ready_count;
};

enum status load_open(struct load *l, const struct load_config *config, struct workload *workload,
                      struct load_result *result) MUST_USE;
void load_close(struct load *l);
// All connections are there (or come soon): the clock starts.
void load_begin(struct load *l, uint64_t now_ns);
void load_conn_opened(struct load *l, struct load_conn *c, uint64_t now_ns);
// Counted as an error unless the load is done.
void load_conn_lost(struct load *l, struct load_conn *c, const char *why);
// Bytes from the server. False: they are not RESP, or nobody asked; the connection must be given
// up.
bool load_input(struct load *l, struct load_conn *c, struct bytes in, uint64_t now_ns);
// Writes and sends what is due, and moves from phase to phase. False when the load is done.
bool load_pump(struct load *l, uint64_t now_ns);
// When load_pump has to run even if nothing arrives. An open loop with a tick that only waits for
// room names no time: replies wake it.
uint64_t load_next_ns(const struct load *l);
