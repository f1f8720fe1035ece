// line.h: a shard's clients in its own memory, in place of a transport: whole batches of requests
// go in, replies are counted and given back.
//
// Thread:  the shard's
// Memory:  lines and their requests are owned by the caller until every session is closed
// The requests are encoded beforehand, so that in the measured time a client costs next to nothing:
// a pointer in, a sum of bytes out.
#pragma once
#include <arpa/inet.h>
#include "dataplane/base/check.h"
#include "dataplane/shard/shard.h"

struct line_batch {
    struct bytes requests;
    uint32_t count;
    uint64_t reply_bytes;
};

struct line {
    struct stream stream;
    uint64_t waits_for; // bytes of replies still to come; 0: it is ready for the next batch
    uint32_t count;     // requests under way
    uint64_t *answered; // requests, of all lines of this shard
    uint64_t *cycles;   // that the lines themselves took
};

static inline struct line *line_of(const struct stream *s)
{
    return (struct line *)((char *)(uintptr_t)s - offsetof(struct line, stream));
}

static inline void line_flush(struct stream *s)
{
    struct line *l = line_of(s);
    uint64_t start = clock_tsc(), bytes = 0;
    struct piece *p;
    while ((p = outq_take(&s->out)) != NULL) {
        bytes += p->used;
        CHECK(p->data[0] != '-'); // an error
        p->release(p);
    }
    s->out.bytes = 0;
    s->tx_bytes += bytes;
    CHECK(bytes <= l->waits_for);
    l->waits_for -= bytes;
    if (l->waits_for == 0) {
        __atomic_store_n(l->answered, *l->answered + l->count, __ATOMIC_RELAXED);
        l->count = 0;
    }
    __atomic_store_n(l->cycles, *l->cycles + clock_tsc() - start, __ATOMIC_RELAXED);
}
static inline void line_close(struct stream *s) { s->is_closing = true; }
static inline void line_pause(struct stream *s, bool paused) {}
static inline uint64_t line_pending(const struct stream *s) { return 0; }

static const struct stream_ops line_ops = { line_flush, line_close, line_close, line_pause,
                                            line_pending };

static inline void line_open(struct line *l, struct shard *s, uint64_t *answered, uint64_t *cycles)
{
    *l = (struct line){ .answered = answered, .cycles = cycles };
    l->stream = (struct stream){ .ops = &line_ops,
                                 .app = &s->app,
                                 .remote = { { [10] = 0xff, 0xff, 127, 0, 0, 1 }, 1 },
                                 .kind = STREAM_SOCK_TCP,
                                 .fd = -1 };
    outq_init(&l->stream.out, &s->overflow.source);
    CHECK(s->app.on_open(s->app.app, &l->stream) && l->stream.user);
}

static inline void line_send(struct line *l, const struct line_batch *b)
{
    struct stream *s = &l->stream;
    l->waits_for = b->reply_bytes;
    l->count = b->count;
    s->rx_bytes += b->requests.size;
    s->arrival_tsc = clock_tsc();
    s->app->on_data(s->app->app, s, b->requests);
}

static inline void line_hang_up(struct line *l)
{
    CHECK(!l->stream.is_closing && l->waits_for == 0);
    l->stream.app->on_closed(l->stream.app->app, &l->stream, STREAM_CLOSED_BY_PEER);
    outq_clear(&l->stream.out);
}
