#include <openssl/err.h>
#include "dataplane/tls/tls_priv.h"

enum { READ_BYTES_MIN = 1024, KEPT_BYTES_MIN = 1024 };

// ---- input kept for later

void tls_kept_clear(struct tls_conn *c)
{
    heap_give(c->tls->config.heap, c->kept, c->kept_room, HEAP_CLIENT_IN);
    c->kept = NULL;
    c->kept_size = c->kept_room = 0;
}

static void lower_pause(struct tls_conn *c, bool paused)
{
    if (c->lower_paused == paused) return;
    c->lower_paused = paused;
    c->lower->ops->pause(c->lower, paused);
}

void tls_keep(struct tls_conn *c, struct bytes data)
{
    struct heap *heap = c->tls->config.heap;
    size_t size = c->kept_size + data.size;
    if (size > c->kept_room) {
        size_t room = size < KEPT_BYTES_MIN ? KEPT_BYTES_MIN : 2 * size;
        CHECK(room <= UINT32_MAX);
        if (c->kept)
            c->kept = heap_resize(heap, c->kept, c->kept_room, room, HEAP_CLIENT_IN);
        else
            c->kept = heap_take(heap, room, HEAP_CLIENT_IN);
        c->kept_room = (uint32_t)room;
    }
    if (data.size) memcpy(c->kept + c->kept_size, data.data, data.size);
    c->kept_size = (uint32_t)size;
    if (size >= TLS_KEPT_BYTES) lower_pause(c, true);
}

// ---- decrypting

static uint32_t arena_room(const struct tls *t) { return TLS_ARENA_BYTES - t->arena_used; }

static bool is_reading(const struct tls_conn *c)
{
    return c->state == TLS_OPEN && !c->is_paused && !c->end_told;
}

// Hands over what lies in the arena from start on. The app may pause or close in this call.
static void deliver(struct tls_conn *c, uint32_t start)
{
    struct tls *t = c->tls;
    const struct stream_app *app = t->config.app;
    uint32_t size = t->arena_used - start;
    if (size == 0 || c->state != TLS_OPEN) return;
    c->up.rx_bytes += size;
    app->on_data(app->app, &c->up, bytes_make(t->arena + start, size));
}

enum reading { READ_ALL, READ_FULL, READ_END, READ_FAILED };

// Decrypts into the arena until the input, or the arena, is used up.
static enum reading decrypt(struct tls_conn *c)
{
    struct tls *t = c->tls;
    for (;;) {
        size_t got = 0;
        if (arena_room(t) < READ_BYTES_MIN) return READ_FULL;
        if (SSL_read_ex(c->ssl, t->arena + t->arena_used, arena_room(t), &got)) {
            t->arena_used += (uint32_t)got;
            if (c->wire.in.size == 0 && !SSL_has_pending(c->ssl) && !c->has_ended) return READ_ALL;
            continue;
        }
        switch (SSL_get_error(c->ssl, 0)) {
        case SSL_ERROR_WANT_READ:
            return READ_ALL;
        case SSL_ERROR_ZERO_RETURN: // close_notify, or the lower stream's end
            return READ_END;
        default:
            return READ_FAILED;
        }
    }
}

static void tell_end(struct tls_conn *c)
{
    const struct stream_app *app = c->tls->config.app;
    if (c->end_told || c->state != TLS_OPEN) return;
    c->end_told = true;
    app->on_end(app->app, &c->up);
}

// Decrypts data and hands it over, piece by piece when the arena is small for it. What is left when
// the app pauses is kept, and the end told when it goes on: OpenSSL says it again then.
static void read_bytes(struct tls_conn *c, struct bytes data)
{
    struct tls *t = c->tls;
    enum reading result = READ_FULL;
    c->wire.in = data;
    c->wire.has_ended = c->has_ended;
    c->up.arrival_tsc = c->lower->arrival_tsc;
    while (result == READ_FULL && is_reading(c)) {
        uint32_t start = t->arena_used;
        enum cycle_account before = tls_meter(t, CYCLES_TLS);
        ERR_clear_error();
        result = decrypt(c);
        tls_meter(t, before);
        deliver(c, start);
        if (result != READ_FULL) break;
        t->config.read_all(t->config.app->app);
        t->arena_used = 0;
    }
    data = c->wire.in;
    c->wire.in = bytes_make(NULL, 0);
    if (c->state == TLS_CLOSED) return;
    bool sent = tls_lower_flush(c); // key updates, alerts
    if (result == READ_FAILED || !sent)
        tls_fail(c, STREAM_RESET);
    else if (result == READ_END && !c->is_paused)
        tell_end(c);
    else if (data.size && c->state == TLS_OPEN)
        tls_keep(c, data);
}

void tls_read_kept(struct tls_conn *c)
{
    uint8_t *kept = c->kept;
    uint32_t size = c->kept_size, room = c->kept_room;
    if (c->state != TLS_OPEN || c->is_paused) return;
    c->kept = NULL; // what is still not read goes into a new one
    c->kept_size = c->kept_room = 0;
    read_bytes(c, bytes_make(kept, size));
    heap_give(c->tls->config.heap, kept, room, HEAP_CLIENT_IN);
    if (c->state == TLS_OPEN && !c->is_paused && c->kept_size == 0) lower_pause(c, false);
}

// ---- what the transport tells

void tls_lower_data(void *app, struct stream *lower, struct bytes data)
{
    struct tls_conn *c = lower->user;
    switch (c->state) {
    case TLS_OPENING:
        tls_keep(c, data);
        tls_step_later(c);
        break;
    case TLS_OPEN:
        if (c->end_told) break; // after close_notify
        if (c->is_paused || c->kept_size)
            tls_keep(c, data);
        else
            read_bytes(c, data);
        break;
    case TLS_CLOSING:
    case TLS_CLOSED:
        break;
    }
}

void tls_lower_end(void *app, struct stream *lower)
{
    struct tls_conn *c = lower->user;
    c->has_ended = true;
    if (c->state == TLS_OPENING)
        tls_step_later(c);
    else if (c->state == TLS_OPEN && !c->is_paused && !c->kept_size)
        tell_end(c);
}
