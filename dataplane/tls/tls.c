#include "dataplane/tls/tls.h"
#include <openssl/err.h>
#include <stdlib.h>
#include "dataplane/tls/tls_priv.h"

enum { ALERT_BYTES_MAX = 16384 }; // what may be left to send when a connection fails

// ---- a connection's end

static void drop_link(struct list *l, struct list_node *node)
{
    if (list_node_is_linked(node)) list_remove(l, node);
}

void tls_due_later(struct tls_conn *c)
{
    if (!list_node_is_linked(&c->due)) list_append(&c->tls->due, &c->due);
}

static void ssl_close(struct tls_conn *c)
{
    SSL_free(c->ssl);
    c->ssl = NULL;
}

// The upper stream is no more. What a lower stream still has to send is the transport's.
static void upper_forget(struct tls_conn *c, enum stream_close why)
{
    const struct stream_app *app = c->tls->config.app;
    if (!c->is_told) return;
    c->is_told = false;
    app->on_closed(app->app, &c->up, why);
    outq_clear(&c->up.out);
}

void tls_fail(struct tls_conn *c, enum stream_close why)
{
    struct tls *t = c->tls;
    if (c->state == TLS_CLOSED) return;
    if (c->state == TLS_OPENING) t->opening_count--;
    c->state = TLS_CLOSED;
    c->is_failed = true;
    c->why = why;
    c->up.is_closing = true;
    if (c->is_told) outq_clear(&c->up.out);
    c->flushed_total = 0;
    tls_step_drop(c);
    drop_link(&t->waiting, &c->waiting);
    tls_kept_clear(c);
    tls_due_later(c);
    tls_timed_start(c, TLS_LEAVE_NS);
    uint64_t left = c->lower->out.bytes + c->lower->ops->pending(c->lower);
    if (left > ALERT_BYTES_MAX || c->lower->out.broken)
        c->lower->ops->abort(c->lower);
    else
        c->lower->ops->close(c->lower);
}

static void leave_lists(struct tls_conn *c)
{
    struct tls *t = c->tls;
    if (c->is_orphan) return;
    if (c->state == TLS_OPENING) t->opening_count--;
    drop_link(&t->timed, &c->timed);
    tls_step_drop(c);
    drop_link(&t->due, &c->due);
    drop_link(&t->waiting, &c->waiting);
    list_remove(&t->all, &c->all);
}

// What the worker has of it goes when it comes back.
void tls_conn_free(struct tls_conn *c)
{
    struct tls *t = c->tls;
    leave_lists(c);
    tls_kept_clear(c);
    c->is_orphan = true;
    if (c->step.is_running) return;
    ssl_close(c);
    SSL_CTX_free(c->step.context);
    free(c->wire.held);
    heap_give(t->config.heap, c, sizeof *c, HEAP_SESSION);
}

// ---- what the transport tells (data and end: tls_read.c)

static bool lower_open(void *app, struct stream *lower) { return false; } // never: it is open

static void lower_drained(void *app, struct stream *lower)
{
    struct tls_conn *c = lower->user;
    const struct stream_app *up = c->tls->config.app;
    if (list_node_is_linked(&c->waiting)) {
        list_remove(&c->tls->waiting, &c->waiting);
        tls_pump(c);
    } else if (c->is_told && !c->is_failed && c->up.out.bytes == 0) {
        up->on_drained(up->app, &c->up);
    }
}

static void lower_closed(void *app, struct stream *lower, enum stream_close why)
{
    struct tls_conn *c = lower->user;
    struct tls *t = c->tls;
    if (c->state == TLS_OPENING) {
        t->config.tally->tls_failures++;
        t->config.on_failed(t->config.app->app, lower,
                            why == STREAM_TIMED_OUT ? "Connection timed out"
                                                    : "Connection reset by peer");
    }
    upper_forget(c, c->is_failed ? c->why : why);
    lower->user = NULL;
    tls_conn_free(c);
}

// Of streams that tls_close leaves behind.
static void nobody_data(void *app, struct stream *s, struct bytes data) {}
static void nobody_end(void *app, struct stream *s) {}
static void nobody_closed(void *app, struct stream *s, enum stream_close why) {}
static const struct stream_app nobody = { NULL,       lower_open, nobody_data,
                                          nobody_end, nobody_end, nobody_closed };

// ---- the whole

static enum status worker_open(struct tls *t)
{
    const struct tls_worker_config config = { .run = tls_step_run,
                                              .own_core = t->config.worker_core,
                                              .avoid_core = t->config.own_core };
    return tls_worker_open(&t->worker, &config);
}

static void worker_close(struct tls *t)
{
    struct tls_conn *c;
    if (!t->worker) return;
    tls_worker_stop(t->worker);
    while ((c = tls_worker_take(t->worker))) {
        c->step.error = SSL_ERROR_WANT_READ; // done or not, it goes no further
        tls_step_finish(c);
    }
    tls_worker_close(t->worker);
}

enum status tls_open(struct tls **out, const struct tls_config *config)
{
    struct tls *t = calloc(1, sizeof *t);
    *out = NULL;
    if (!t) return ERR_NO_SPACE;
    t->config = *config;
    if (t->config.budget_ns == 0) t->config.budget_ns = TLS_BUDGET_NS;
    t->lower_app =
        (struct stream_app){ t,           lower_open, tls_lower_data, tls_lower_end, lower_drained,
                             lower_closed };
    list_init(&t->all);
    list_init(&t->timed);
    list_init(&t->begun);
    list_init(&t->fresh);
    list_init(&t->due);
    list_init(&t->waiting);
    heap_piece_source_init(&t->source, config->heap, TLS_BLOCK_BYTES);
    t->method = tls_bio_method();
    t->arena = malloc(TLS_ARENA_BYTES);
    t->record = malloc(TLS_RECORD_BYTES);
    if (!t->method || !t->arena || !t->record) {
        tls_close(t);
        return ERR_NO_SPACE;
    }
    *out = t;
    return OK;
}

void tls_close(struct tls *t)
{
    struct list_node *node;
    if (!t) return;
    worker_close(t);
    while ((node = list_first(&t->all))) {
        struct tls_conn *c = LIST_OWNER(node, struct tls_conn, all);
        upper_forget(c, STREAM_CLOSED_LOCALLY);
        c->lower->user = NULL;
        c->lower->app = &nobody;
        tls_conn_free(c);
    }
    tls_context_close(t->context);
    BIO_meth_free(t->method);
    free(t->arena);
    free(t->record);
    free(t);
}

void tls_set_context(struct tls *t, struct tls_context *context)
{
    tls_context_close(t->context);
    t->context = context;
    // The thread starts with the first context: who does not use TLS has none. Where it cannot be
    // had, steps run on the shard's.
    if (context && t->config.has_worker && !t->worker) (void)worker_open(t);
}

bool tls_has_context(const struct tls *t) { return t->context != NULL; }
void tls_set_auth(struct tls *t, enum tls_auth auth) { t->auth = auth; }
int tls_bell_fd(const struct tls *t) { return t->worker ? tls_worker_bell(t->worker) : -1; }
uint32_t tls_opening_count(const struct tls *t) { return t->opening_count; }

bool tls_accept(struct tls *t, struct stream *lower, uint64_t now_ns)
{
    if (!t->context || t->opening_count >= TLS_OPENING_MAX) {
        t->config.tally->tls_refusals++;
        return false;
    }
    struct tls_conn *c = heap_take_zeroed(t->config.heap, sizeof *c, HEAP_SESSION);
    t->now_ns = now_ns;
    c->tls = t;
    c->lower = lower;
    lower->app = &t->lower_app;
    lower->user = c;
    list_append(&t->all, &c->all);
    t->opening_count++;
    tls_timed_start(c, TLS_HANDSHAKE_NS);
    return true;
}

static uint32_t run_due(struct tls *t)
{
    uint32_t count = 0;
    struct list_node *node;
    for (; (node = list_take_first(&t->due)); count++) {
        struct tls_conn *c = LIST_OWNER(node, struct tls_conn, due);
        if (c->is_failed) {
            upper_forget(c, c->why);
            ssl_close(c);
        } else {
            tls_read_kept(c);
        }
    }
    return count;
}

uint32_t tls_turn(struct tls *t, uint64_t now_ns, bool is_serving)
{
    t->now_ns = now_ns;
    uint32_t count = run_due(t);
    if (t->waiting.count) tls_waiting_run(t);
    if (t->timed.count) tls_timed_run(t);
    count += tls_steps_run(t, is_serving);
    return count + run_due(t);
}

void tls_release(struct tls *t) { t->arena_used = 0; }

uint64_t tls_next_ns(const struct tls *t)
{
    uint64_t next = UINT64_MAX;
    if (t->due.count) return 0;
    if (t->timed.count)
        next = LIST_OWNER(list_first(&t->timed), struct tls_conn, timed)->deadline_ns;
    if (t->worker) {
        bool has_more = tls_steps_wait(t) && tls_worker_has_room(t->worker);
        return has_more || tls_worker_has_done(t->worker) ? 0 : next;
    }
    if (!tls_steps_wait(t)) return next;
    if (!t->was_serving) return 0;
    return t->rest_until_ns < next ? t->rest_until_ns : next;
}
