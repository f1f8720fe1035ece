#include <openssl/err.h>
#include <stdlib.h>
#include "dataplane/base/clock.h"
#include "dataplane/tls/tls_priv.h"

// ---- deadlines: all get the same span, so the list is in order by itself

void tls_timed_start(struct tls_conn *c, uint64_t span_ns)
{
    _Static_assert(TLS_HANDSHAKE_NS == TLS_LEAVE_NS, "the list would not be in order");
    if (list_node_is_linked(&c->timed)) list_remove(&c->tls->timed, &c->timed);
    c->deadline_ns = c->tls->now_ns + span_ns;
    list_append(&c->tls->timed, &c->timed);
}

static bool is_our_turn(const struct tls_conn *c)
{
    return c->step.is_running || list_node_is_linked(&c->stepping);
}

void tls_timed_run(struct tls *t)
{
    struct list_node *node;
    while ((node = list_first(&t->timed))) {
        struct tls_conn *c = LIST_OWNER(node, struct tls_conn, timed);
        if (c->deadline_ns > t->now_ns) return;
        if (c->state == TLS_CLOSED) { // its last alert is not read
            list_remove(&t->timed, node);
            c->lower->ops->abort(c->lower);
        } else if (is_our_turn(c)) { // it waits for us, not we for it
            tls_timed_start(c, TLS_HANDSHAKE_NS);
        } else {
            t->config.tally->tls_timeouts++;
            tls_handshake_failed(c, "the handshake took too long");
        }
    }
}

// ---- steps

static struct list *step_list(struct tls_conn *c)
{
    return c->has_begun ? &c->tls->begun : &c->tls->fresh;
}

void tls_step_later(struct tls_conn *c)
{
    if (!is_our_turn(c)) list_append(step_list(c), &c->stepping);
}

void tls_step_drop(struct tls_conn *c)
{
    if (list_node_is_linked(&c->stepping)) list_remove(step_list(c), &c->stepping);
}

bool tls_steps_wait(const struct tls *t) { return t->begun.count + t->fresh.count > 0; }

// Who has begun need not wait behind a storm of newcomers, nor do they behind many who send their
// handshake byte by byte.
static struct tls_conn *step_take(struct tls *t)
{
    t->begun_next = !t->begun_next;
    struct list_node *node = list_take_first(t->begun_next ? &t->begun : &t->fresh);
    if (!node) node = list_take_first(t->begun_next ? &t->fresh : &t->begun);
    return LIST_OWNER(node, struct tls_conn, stepping);
}

void tls_handshake_failed(struct tls_conn *c, const char *reason)
{
    struct tls *t = c->tls;
    t->config.tally->tls_failures++;
    t->config.on_failed(t->config.app->app, c->lower, reason);
    tls_fail(c, STREAM_RESET);
}

static void fill_upper(struct tls_conn *c)
{
    const struct stream *lower = c->lower;
    c->up = (struct stream){
        .ops = &tls_ops,
        .app = c->tls->config.app,
        .local = lower->local,
        .remote = lower->remote,
        .kind = lower->kind,
        .listener = STREAM_TLS,
        .fd = lower->fd,
        .arrival_tsc = lower->arrival_tsc,
    };
    outq_init(&c->up.out, &c->tls->source.source);
}

static void handshake_done(struct tls_conn *c)
{
    struct tls *t = c->tls;
    const struct stream_app *app = t->config.app;
    t->opening_count--;
    list_remove(&t->timed, &c->timed);
    c->state = TLS_OPEN;
    c->wire.out = &c->lower->out;
    t->config.tally->tls_handshakes++;
    if (SSL_session_reused(c->ssl)) t->config.tally->tls_resumed++;
    fill_upper(c);
    c->is_told = true;
    if (!app->on_open(app->app, &c->up)) {
        c->is_told = false;
        tls_fail(c, STREAM_CLOSED_LOCALLY);
        return;
    }
    tls_read_kept(c);
}

// What a step was given and has not read comes before what arrived meanwhile.
static void input_give_back(struct tls_conn *c)
{
    struct heap *heap = c->tls->config.heap;
    uint8_t *later = c->kept;
    uint32_t size = c->kept_size, room = c->kept_room;
    struct bytes rest = c->wire.in;
    c->wire.in = bytes_make(NULL, 0);
    if (rest.size && !c->is_orphan) {
        c->kept = NULL;
        c->kept_size = c->kept_room = 0;
        tls_keep(c, rest);
        tls_keep(c, bytes_make(later, size));
        heap_give(heap, later, room, HEAP_CLIENT_IN);
    }
    heap_give(heap, c->step.input, c->step.input_room, HEAP_CLIENT_IN);
    c->step.input = NULL;
}

// False: no memory for it.
static bool send_held(struct tls_conn *c)
{
    struct tls_wire *w = &c->wire;
    outq_append(&c->lower->out, bytes_make(w->held, w->held_size));
    free(w->held);
    w->held = NULL;
    w->held_size = w->held_room = 0;
    return tls_lower_flush(c);
}

static void handshake_goes_on(struct tls_conn *c)
{
    if (c->kept_size || c->has_ended != c->wire.has_ended) {
        tls_step_later(c);
        return;
    }
    tls_kept_clear(c);
    if (c->lower_paused) c->lower->ops->pause(c->lower, c->lower_paused = false);
}

void tls_step_finish(struct tls_conn *c)
{
    char text[256] = "Connection closed by peer";
    c->step.is_running = false;
    input_give_back(c);
    if (c->is_orphan) {
        tls_conn_free(c);
        return;
    }
    bool sent = send_held(c);
    if (c->step.code) ERR_error_string_n(c->step.code, text, sizeof text);
    if (!sent)
        tls_handshake_failed(c, "no memory for output");
    else if (c->step.error == SSL_ERROR_NONE)
        handshake_done(c);
    else if (c->step.error == SSL_ERROR_WANT_READ)
        handshake_goes_on(c);
    else
        tls_handshake_failed(c, text);
}

// False: it came to nothing.
static bool step_prepare(struct tls_conn *c)
{
    struct tls *t = c->tls;
    if (!c->has_begun) {
        c->has_begun = true;
        tls_timed_start(c, TLS_HANDSHAKE_NS); // what it waited for us does not count
        if (!t->context) {
            tls_handshake_failed(c, "TLS is not configured");
            return false;
        }
        SSL_CTX_up_ref(t->context->server);
        c->step.context = t->context->server;
        c->step.auth = t->auth;
    }
    c->step.input = c->kept;
    c->step.input_room = c->kept_room;
    c->wire.in = bytes_make(c->kept, c->kept_size);
    c->wire.has_ended = c->has_ended;
    c->kept = NULL;
    c->kept_size = c->kept_room = 0;
    c->step.is_running = true;
    return true;
}

static uint64_t spent_ns(const struct tls *t, uint64_t since_tsc)
{
    return clock_tsc_to_ns(t->config.clock, clock_tsc() - since_tsc);
}

// Without a worker.
static uint32_t steps_run_here(struct tls *t, bool is_serving)
{
    uint32_t count = 0;
    uint64_t ns = 0, began_tsc = clock_tsc();
    if (!tls_steps_wait(t) || (is_serving && t->now_ns < t->rest_until_ns)) return 0;
    do {
        struct tls_conn *c = step_take(t);
        if (step_prepare(c)) {
            tls_step_run(c);
            tls_step_finish(c);
        }
        count++;
        ns = spent_ns(t, began_tsc);
    } while (tls_steps_wait(t) && ns < t->config.budget_ns);
    t->rest_until_ns = t->now_ns + ns + ns * TLS_REST_FACTOR;
    return count;
}

static uint32_t steps_run_there(struct tls *t)
{
    uint32_t count = 0;
    uint64_t began_tsc = clock_tsc();
    struct tls_conn *c;
    while ((c = tls_worker_take(t->worker))) {
        tls_step_finish(c);
        count++;
        if (spent_ns(t, began_tsc) >= t->config.budget_ns) break;
    }
    while (tls_steps_wait(t) && tls_worker_has_room(t->worker)) {
        c = step_take(t);
        if (step_prepare(c)) tls_worker_give(t->worker, c);
        count++;
    }
    return count;
}

uint32_t tls_steps_run(struct tls *t, bool is_serving)
{
    enum cycle_account before = tls_meter(t, CYCLES_TLS);
    t->was_serving = is_serving;
    uint32_t count = t->worker ? steps_run_there(t) : steps_run_here(t, is_serving);
    tls_meter(t, before);
    return count;
}
