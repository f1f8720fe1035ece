#include <openssl/err.h>
#include "dataplane/tls/tls_priv.h"

enum { DIRECT_BYTES_MIN = 8192 }; // pieces from here on are encrypted where they lie

bool tls_lower_flush(struct tls_conn *c)
{
    if (!c->wire.has_written) return true;
    if (c->lower->out.broken) return false;
    c->wire.has_written = false;
    c->lower->ops->flush(c->lower);
    return true;
}

static uint64_t lower_bytes(const struct tls_conn *c)
{
    return c->lower->out.bytes + c->lower->ops->pending(c->lower);
}

// ---- encrypting

static uint64_t flushed_bytes(const struct tls_conn *c)
{
    const struct outq *out = &c->up.out;
    uint64_t head = out->bytes_total - out->bytes;
    return c->flushed_total > head ? c->flushed_total - head : 0;
}

// The bytes of the next record: a piece's own, or several short pieces gathered.
static struct bytes next_record(struct tls_conn *c, uint64_t limit)
{
    uint8_t *record = c->tls->record;
    const struct piece *p = c->up.out.head;
    size_t size = 0;
    if (limit > TLS_RECORD_BYTES) limit = TLS_RECORD_BYTES;
    while (p->used == 0) p = p->next;
    if (p->used >= limit) return bytes_make(p->data, limit);
    if (p->used >= DIRECT_BYTES_MIN) return bytes_make(p->data, p->used);
    for (; p && size < limit; p = p->next) {
        size_t part = p->used < limit - size ? p->used : limit - size;
        if (part) memcpy(record + size, p->data, part);
        size += part;
    }
    return bytes_make(record, size);
}

static bool encrypt(struct tls_conn *c)
{
    uint64_t limit = flushed_bytes(c);
    uint64_t held = limit ? lower_bytes(c) : 0;
    ERR_clear_error();
    while (limit > 0 && held < TLS_AHEAD_BYTES) {
        struct bytes record = next_record(c, limit);
        size_t done = 0;
        if (!SSL_write_ex(c->ssl, record.data, record.size, &done)) return false;
        outq_drop(&c->up.out, done);
        c->up.tx_bytes += done;
        limit -= done;
        held += done;
    }
    return true;
}

static void wait_for_transport(struct tls_conn *c)
{
    if (!list_node_is_linked(&c->waiting)) list_append(&c->tls->waiting, &c->waiting);
}

static void finish_closing(struct tls_conn *c)
{
    ERR_clear_error();
    (void)SSL_shutdown(c->ssl); // close_notify; the peer's is not waited for
    c->state = TLS_CLOSED;
    (void)tls_lower_flush(c);
    c->lower->ops->close(c->lower);
}

void tls_pump(struct tls_conn *c)
{
    if ((c->state != TLS_OPEN && c->state != TLS_CLOSING) || c->is_failed) return;
    enum cycle_account before = tls_meter(c->tls, CYCLES_TLS);
    bool good = encrypt(c);
    tls_meter(c->tls, before);
    if (!tls_lower_flush(c) || !good)
        tls_fail(c, STREAM_RESET);
    else if (flushed_bytes(c) > 0)
        wait_for_transport(c);
    else if (c->state == TLS_CLOSING)
        finish_closing(c);
}

// Goes on when half of what may be ahead has left.
void tls_waiting_run(struct tls *t)
{
    for (size_t n = t->waiting.count; n > 0; n--) {
        struct list_node *node = list_take_first(&t->waiting);
        struct tls_conn *c = LIST_OWNER(node, struct tls_conn, waiting);
        if (lower_bytes(c) > TLS_AHEAD_BYTES / 2)
            list_append(&t->waiting, node);
        else
            tls_pump(c);
    }
}

// ---- what the app may ask of an upper stream

static void up_flush(struct stream *up)
{
    struct tls_conn *c = tls_conn_of(up);
    if (c->state != TLS_OPEN) return;
    c->flushed_total = up->out.bytes_total;
    tls_pump(c);
}

static void up_close(struct stream *up)
{
    struct tls_conn *c = tls_conn_of(up);
    if (c->state != TLS_OPEN || c->is_failed) return;
    c->state = TLS_CLOSING;
    up->is_closing = true;
    c->flushed_total = up->out.bytes_total;
    tls_pump(c);
}

static void up_abort(struct stream *up)
{
    struct tls_conn *c = tls_conn_of(up);
    up->is_closing = true;
    outq_clear(&up->out);
    c->flushed_total = 0;
    if (c->is_failed) return; // on_closed is due already
    c->state = TLS_CLOSED;
    c->lower->ops->abort(c->lower);
}

static void up_pause(struct stream *up, bool paused)
{
    struct tls_conn *c = tls_conn_of(up);
    if (c->state != TLS_OPEN || c->is_paused == paused) return;
    c->is_paused = paused;
    if (!paused) {
        tls_due_later(c); // what was kept, and the end
    } else if (!c->lower_paused) {
        c->lower_paused = true;
        c->lower->ops->pause(c->lower, true);
    }
}

static uint64_t up_pending(const struct stream *up)
{
    return lower_bytes((const struct tls_conn *)up);
}

const struct stream_ops tls_ops = {
    .flush = up_flush,
    .close = up_close,
    .abort = up_abort,
    .pause = up_pause,
    .pending = up_pending,
};
