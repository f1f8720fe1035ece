// tls_priv.h: what the files of tls/ share: one connection, and the lists it can be on.
//
// Thread:  the shard's; a connection's ssl, wire and step are the worker's while step.is_running
//
//   OPENING -handshake-> OPEN -close-> CLOSING -all encrypted-> CLOSED -lower closed-> freed
//      '------ failed -----'------- failed, aborted ----------------^
// The app knows an upper stream from OPEN on, until it was told that it is closed (is_told).
#pragma once
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include "dataplane/base/check.h"
#include "dataplane/base/list.h"
#include "dataplane/tls/tls.h"
#include "dataplane/tls/tls_worker.h"

enum tls_state { TLS_OPENING, TLS_OPEN, TLS_CLOSING, TLS_CLOSED };

enum {
    TLS_RECORD_BYTES = 16384, // most that one record carries (RFC 8446 5.1)
    TLS_BLOCK_BYTES = 4096,   // of unencrypted output
};

// What OpenSSL reads from and writes to.
struct tls_wire {
    struct bytes in;
    bool has_ended;   // the peer sends no more than that
    bool has_written; // into out, since it was flushed last
    struct outq *out; // NULL during the handshake: output is held, for the shard to send
    uint8_t *held;    // malloc, held_room bytes
    uint32_t held_size, held_room;
};

// A handshake step: what it is given and what came of it.
struct tls_step {
    struct ssl_ctx_st *context; // of the first one: counted, NULL afterwards
    enum tls_auth auth;
    uint8_t *input; // wire.in points into it; on the heap, input_room bytes
    uint32_t input_room;
    int error;          // SSL_ERROR_NONE: the handshake is done
    unsigned long code; // OpenSSL's own of what went wrong; 0: none
    bool is_running;
};

struct tls_conn {
    struct stream up; // first: an upper stream's pointer is a connection's pointer
    struct stream *lower;
    struct tls *tls;
    SSL *ssl; // NULL until the first handshake step
    struct tls_wire wire;
    struct tls_step step;
    uint8_t *kept; // encrypted bytes for later: heap, kept_room bytes
    uint32_t kept_size, kept_room;
    uint64_t flushed_total;    // up.out may leave up to this position (of bytes_total)
    uint64_t deadline_ns;      // while on tls.timed
    struct list_node all;      // on tls.all
    struct list_node timed;    // on tls.timed: OPENING, or CLOSED and not the app's
    struct list_node stepping; // on tls.begun or tls.fresh: a handshake step is due
    struct list_node due;      // on tls.due: a callback is
    struct list_node waiting;  // on tls.waiting: output waits for the transport
    enum tls_state state;
    enum stream_close why; // for on_closed, when is_failed
    bool is_told;          // the app knows the upper stream
    bool is_failed;        // on_closed is due
    bool is_paused;        // by the app
    bool lower_paused;
    bool is_orphan;           // the lower stream has gone while a step runs
    bool has_begun;           // a handshake step ran, or runs
    bool has_ended, end_told; // the peer sends no more; the app knows
};

struct tls {
    struct tls_config config;
    struct stream_app lower_app;
    struct heap_piece_source source; // of upper output
    BIO_METHOD *method;
    struct tls_worker *worker;   // NULL: steps run in tls_turn
    struct tls_context *context; // owned; NULL: none
    enum tls_auth auth;
    struct list all, timed, due, waiting;
    struct list begun, fresh; // handshake steps: of those whose first one ran, and of newcomers
    bool begun_next;          // they take turns
    uint32_t opening_count;
    uint64_t now_ns;        // of the last turn
    uint64_t rest_until_ns; // no steps until then, while clients are served
    bool was_serving;
    uint8_t *arena; // TLS_ARENA_BYTES
    uint32_t arena_used;
    uint8_t *record; // TLS_RECORD_BYTES: short pieces of output gathered
};

static inline struct tls_conn *tls_conn_of(struct stream *up) { return (struct tls_conn *)up; }

// Books the time of OpenSSL's work; gives back what was open before.
static inline enum cycle_account tls_meter(struct tls *t, enum cycle_account to)
{
    struct cycle_meter *m = t->config.meter;
    if (!m) return to;
    enum cycle_account before = m->open;
    cycle_meter_switch(m, to);
    return before;
}

BIO_METHOD *tls_bio_method(void);                                 // NULL: no memory
bool tls_bio_attach(BIO_METHOD *m, SSL *ssl, struct tls_wire *w); // false: no memory

void tls_step_run(void *conn); // tls_step.c: on any thread

// tls_handshake.c
void tls_step_later(struct tls_conn *c); // it has bytes for a handshake step, or its end
void tls_step_drop(struct tls_conn *c);
bool tls_steps_wait(const struct tls *t);
uint32_t tls_steps_run(struct tls *t, bool is_serving);
void tls_timed_start(struct tls_conn *c, uint64_t span_ns);
void tls_timed_run(struct tls *t);
void tls_handshake_failed(struct tls_conn *c, const char *reason);
void tls_step_finish(struct tls_conn *c); // on the shard's, after tls_step_run

// tls_read.c
void tls_keep(struct tls_conn *c, struct bytes data);
void tls_kept_clear(struct tls_conn *c);
// Decrypts c->kept and what OpenSSL holds, then tells the end if that is due.
void tls_read_kept(struct tls_conn *c);
void tls_lower_data(void *app, struct stream *lower, struct bytes data);
void tls_lower_end(void *app, struct stream *lower);

// tls_write.c
extern const struct stream_ops tls_ops;
// Hands over what OpenSSL wrote. False: memory for it was lacking, the connection must go.
bool tls_lower_flush(struct tls_conn *c);
void tls_pump(struct tls_conn *c); // encrypts what may leave; goes on closing
void tls_waiting_run(struct tls *t);

// tls.c
// The connection is over: on_closed for the app is due, the lower stream closes in order when
// little is left to be sent (an alert), else it is reset.
void tls_fail(struct tls_conn *c, enum stream_close why);
void tls_conn_free(struct tls_conn *c);
void tls_due_later(struct tls_conn *c);
