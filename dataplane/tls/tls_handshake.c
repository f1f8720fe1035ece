#include <openssl/err.h>
#include <string.h>
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

void tls_timed_run(struct tls *t)
{
    struct list_node *node;
    while ((node = list_first(&t->timed))) {
        struct tls_conn *c = LIST_OWNER(node, struct tls_conn, timed);
        if (c->deadline_ns > t->now_ns) return;
        if (c->state == TLS_CLOSED) { // its last alert is not read
            list_remove(&t->timed, node);
            c->lower->ops->abort(c->lower);
        } else if (list_node_is_linked(&c->step)) { // it waits for us, not we for it
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
    if (!list_node_is_linked(&c->step)) list_append(step_list(c), &c->step);
}

void tls_step_drop(struct tls_conn *c)
{
    if (list_node_is_linked(&c->step)) list_remove(step_list(c), &c->step);
}

bool tls_steps_wait(const struct tls *t) { return t->begun.count + t->fresh.count > 0; }

// Who has begun need not wait behind a storm of newcomers, nor do they behind many who send their
// handshake byte by byte.
static struct tls_conn *step_take(struct tls *t)
{
    t->begun_next = !t->begun_next;
    struct list_node *node = list_take_first(t->begun_next ? &t->begun : &t->fresh);
    if (!node) node = list_take_first(t->begun_next ? &t->fresh : &t->begun);
    return LIST_OWNER(node, struct tls_conn, step);
}

void tls_handshake_failed(struct tls_conn *c, const char *reason)
{
    struct tls *t = c->tls;
    t->config.tally->tls_failures++;
    t->config.on_failed(t->config.app->app, c->lower, reason);
    tls_fail(c, STREAM_RESET);
}

// A session of one way of asking for certificates is none in another: else a client could bring
// back one from before certificates were asked for.
static bool ssl_open(struct tls_conn *c)
{
    static const int modes[] = {
        [TLS_AUTH_NO] = SSL_VERIFY_NONE,
        [TLS_AUTH_YES] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
        [TLS_AUTH_OPTIONAL] = SSL_VERIFY_PEER,
    };
    const struct tls *t = c->tls;
    uint8_t kind[] = { 'p', 's', (uint8_t)t->auth };
    if (!t->context) return false;
    c->ssl = SSL_new(t->context->server);
    if (!c->ssl || !tls_bio_attach(c)) return false;
    if (!SSL_set_session_id_context(c->ssl, kind, sizeof kind)) return false;
    SSL_set_verify(c->ssl, modes[t->auth], NULL);
    SSL_set_accept_state(c->ssl);
    return true;
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

static const char *failure_text(int error, char text[256])
{
    unsigned long code = ERR_peek_last_error();
    if (error == SSL_ERROR_SSL && code) {
        ERR_error_string_n(ERR_get_error(), text, 256);
        return text;
    }
    return "Connection closed by peer";
}

static void step_run(struct tls_conn *c)
{
    char text[256];
    ERR_clear_error();
    if (!c->has_begun) {
        c->has_begun = true;
        tls_timed_start(c, TLS_HANDSHAKE_NS); // what it waited for us does not count
        if (!ssl_open(c)) {
            tls_handshake_failed(c, "no TLS context, or no memory");
            return;
        }
    }
    c->in = bytes_make(c->kept, c->kept_size);
    int result = SSL_do_handshake(c->ssl);
    int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(c->ssl, result);
    if (c->in.size) memmove(c->kept, c->in.data, c->in.size);
    c->kept_size = (uint32_t)c->in.size;
    c->in = bytes_make(NULL, 0);
    if (!tls_lower_flush(c)) {
        tls_handshake_failed(c, "no memory for output");
    } else if (error == SSL_ERROR_NONE) {
        handshake_done(c);
    } else if (error != SSL_ERROR_WANT_READ || c->has_ended) {
        tls_handshake_failed(c, failure_text(error, text));
    } else {
        tls_kept_clear(c);
        if (c->lower_paused) c->lower->ops->pause(c->lower, c->lower_paused = false);
    }
}

static uint64_t spent_ns(const struct tls *t, uint64_t since_tsc)
{
    return clock_tsc_to_ns(t->config.clock, clock_tsc() - since_tsc);
}

uint32_t tls_steps_run(struct tls *t, bool is_serving)
{
    uint32_t count = 0;
    uint64_t ns = 0;
    t->was_serving = is_serving;
    if (!tls_steps_wait(t) || (is_serving && t->now_ns < t->rest_until_ns)) return 0;
    uint64_t began_tsc = clock_tsc();
    enum cycle_account before = tls_meter(t, CYCLES_TLS);
    do {
        step_run(step_take(t));
        count++;
        ns = spent_ns(t, began_tsc);
    } while (tls_steps_wait(t) && ns < t->config.budget_ns);
    t->rest_until_ns = t->now_ns + ns + ns * TLS_REST_FACTOR;
    tls_meter(t, before);
    return count;
}
