#include <string.h>
#include "dataplane/net/tcp_priv.h"

// How many frames are left decides who still gets some. Below a quarter, reply blocks come from
// overflow_source; below an eighth nothing is kept for later; the last sixteenth is for receiving,
// headers and ACKs, which set frames free again.
bool tcp_pool_is_low(const struct net *n)
{
    return n->pool->available(n->pool) < n->pool->total / 8;
}

static bool pool_is_reserved(const struct net *n)
{
    return n->pool->available(n->pool) < n->pool->total / 16;
}

// ---- blocks for stream.out

static struct net *source_net(struct piece_source *source)
{
    return LIST_OWNER(source, struct tcp_table, source)->net;
}

// The connection that q is the output of; NULL when it belongs to a layer in between.
static const struct tcp_pcb *pcb_of_queue(const struct tcp_table *t, const struct outq *q)
{
    const char *first = t->pcbs.memory, *at = (const char *)q;
    if (at < first || at >= first + t->pcbs.object_size * t->pcbs.count) return NULL;
    return LIST_OWNER(q, struct tcp_pcb, stream.out);
}

void tcp_piece_release(struct piece *piece)
{
    struct net *n = piece->owner;
    n->tcp->blocks_out--;
    net_give(n, tcp_piece_frame(piece));
}

static bool should_overflow(const struct net *n, const struct outq *q, const struct tcp_pcb *p)
{
    uint64_t held = q->bytes + (p ? p->queue_end - p->snd_una : 0);
    return held > TCP_OVERFLOW_BYTES || n->pool->available(n->pool) < n->pool->total / 4;
}

static struct piece *frame_block(struct net *n, uint32_t room)
{
    struct frame *f = n->pool->take(n->pool);
    if (!f) return NULL;
    if (room > n->pool->payload_bytes) room = n->pool->payload_bytes;
    n->tcp->blocks_out++;
    f->body = NULL;
    f->piece =
        (struct piece){ .data = f->data, .room = room, .release = tcp_piece_release, .owner = n };
    return &f->piece;
}

static struct piece *source_take(struct piece_source *source, const struct outq *q, uint32_t want)
{
    struct net *n = source_net(source);
    struct piece_source *overflow = n->config.overflow_source;
    const struct tcp_pcb *p = pcb_of_queue(n->tcp, q);
    if (overflow && should_overflow(n, q, p)) return overflow->take(overflow, q, want);
    if (pool_is_reserved(n)) return NULL;
    uint32_t room = p ? p->mss : n->config.mtu - 60u - TCP_TS_BYTES;
    return frame_block(n, room > OUTQ_RESERVE_MAX ? room : OUTQ_RESERVE_MAX);
}

struct tcp_ref { // a borrowed piece when there is no overflow_source
    struct piece piece;
    void (*release_value)(void *value);
    void *value;
};
_Static_assert(sizeof(struct tcp_ref) <= 64, "what tcp_open carves");

static void ref_release(struct piece *piece)
{
    struct tcp_ref *r = (struct tcp_ref *)piece;
    struct net *n = piece->owner;
    r->release_value(r->value);
    pool_give(&n->tcp->refs, r);
}

static struct piece *source_take_ref(struct piece_source *source, struct bytes bytes,
                                     void (*release_value)(void *value), void *value)
{
    struct net *n = source_net(source);
    struct piece_source *overflow = n->config.overflow_source;
    if (overflow) return overflow->take_ref(overflow, bytes, release_value, value);
    struct tcp_ref *r = pool_take(&n->tcp->refs);
    if (!r) return NULL;
    r->piece = (struct piece){ .data = (uint8_t *)(uintptr_t)bytes.data, // never written through
                               .used = (uint32_t)bytes.size,
                               .release = ref_release,
                               .owner = n };
    r->release_value = release_value;
    r->value = value;
    return &r->piece;
}

void tcp_source_init(struct tcp_table *t, struct net *n)
{
    t->source.take = source_take;
    t->source.take_ref = source_take_ref;
}

// ---- stream.out into the send queue

static void queue_append(struct tcp_pcb *p, struct piece *piece)
{
    tcp_piece_frame(piece)->seq = p->queue_end;
    piece->next = NULL;
    if (p->queue_tail)
        p->queue_tail->next = piece;
    else
        p->queue = piece;
    p->queue_tail = piece;
    p->queue_end += piece->used;
    p->flags |= TCP_F_DRAIN_DUE;
}

// Bytes behind the last queued frame, when nothing of that frame has been sent yet.
static bool queue_coalesce(struct tcp_pcb *p, const struct piece *piece)
{
    struct piece *tail = p->queue_tail;
    if (!tail || piece->used > TCP_COALESCE_BYTES || tail->room < piece->used) return false;
    if (seq_lt(tcp_piece_frame(tail)->seq, p->snd_max)) return false;
    memcpy(tail->data + tail->used, piece->data, piece->used);
    tail->used += piece->used;
    tail->room -= piece->used;
    p->queue_end += piece->used;
    return true;
}

static void fill_frame(struct tcp_pcb *p)
{
    struct piece *piece = outq_take(&p->stream.out);
    if (queue_coalesce(p, piece))
        piece->release(piece);
    else
        queue_append(p, piece);
}

// What the windows let out soon. More than that need not lie in frames: a reader who lags behind
// would hold frames that others could use.
static bool copied_enough(const struct tcp_pcb *p)
{
    uint32_t window = p->cc.cwnd_bytes;
    if (UNLIKELY(p->sack.count)) window += tcp_sack_bytes_below(&p->sack, p->snd_max);
    if (window > p->snd_wnd) window = p->snd_wnd;
    return p->queue_end - p->snd_una >= window + 2 * p->mss;
}

// Copies heap blocks and borrowed bytes into a frame. False when none could be had.
static bool fill_copy(struct tcp_pcb *p)
{
    struct outq *out = &p->stream.out;
    if (p->queue ? tcp_pool_is_low(p->net) : pool_is_reserved(p->net)) return false;
    struct piece *block = frame_block(p->net, p->mss);
    if (!block) return false;
    while (block->room && out->head && out->head->release != tcp_piece_release) {
        const struct piece *from = out->head;
        uint32_t part = from->used < block->room ? from->used : block->room;
        if (part == 0) break;
        memcpy(block->data + block->used, from->data, part);
        block->used += part;
        block->room -= part;
        outq_drop(out, part);
    }
    if (block->used)
        queue_append(p, block);
    else
        block->release(block);
    return true;
}

void tcp_fill(struct tcp_pcb *p)
{
    struct outq *out = &p->stream.out;
    uint32_t most = p->net->config.send_buffer_bytes_max;
    if (UNLIKELY(out->open_gaps || out->is_held)) return; // ACKs come here too, without a flush
    while (out->bytes && p->queue_end - p->snd_una < most) {
        while (out->head->used == 0) { // a reservation that was not used
            struct piece *empty = out->head;
            out->head = empty->next;
            empty->release(empty);
        }
        if (out->head->release == tcp_piece_release) {
            fill_frame(p);
        } else if (copied_enough(p)) {
            return;
        } else if (!fill_copy(p)) {
            if (!p->queue && !list_node_is_linked(&p->starved_link))
                list_append(&p->net->tcp->starved, &p->starved_link);
            return;
        }
    }
}

// ---- the calls of stream.h

static void stream_flush(struct stream *s)
{
    struct tcp_pcb *p = tcp_of(s);
    if (p->state != TCP_CLOSED) tcp_want_output(p);
}

static void resume_later(struct tcp_pcb *p)
{
    if (!list_node_is_linked(&p->resume_link)) list_append(&p->net->tcp->resumed, &p->resume_link);
}

static void stream_close(struct stream *s)
{
    struct tcp_pcb *p = tcp_of(s);
    s->is_closing = true;
    if (p->state == TCP_CLOSED || p->flags & TCP_F_RST_DUE) return;
    p->flags |= TCP_F_FIN_WANTED | TCP_F_DISCARD;
    p->flags &= ~(uint32_t)TCP_F_PAUSED;
    if (p->state == TCP_SYN_SENT) {
        tcp_pcb_die(p, STREAM_CLOSED_LOCALLY);
        return;
    }
    if (p->state == TCP_FIN_WAIT_2) {
        p->idle_at_ns = p->net->now_ns + TCP_FIN_WAIT_NS;
        tcp_timer_update(p);
    }
    resume_later(p); // paused bytes are nobody's now
    tcp_want_output(p);
}

static void stream_abort(struct stream *s)
{
    struct tcp_pcb *p = tcp_of(s);
    s->is_closing = true;
    outq_clear(&s->out);
    if (p->state == TCP_CLOSED) return;
    p->flags |= TCP_F_RST_DUE | TCP_F_DISCARD;
    tcp_want_output(p);
}

static void stream_pause(struct stream *s, bool paused)
{
    struct tcp_pcb *p = tcp_of(s);
    if (p->state == TCP_CLOSED || p->flags & TCP_F_DISCARD) return;
    if (paused) {
        p->flags |= TCP_F_PAUSED;
        return;
    }
    if (!(p->flags & TCP_F_PAUSED)) return;
    p->flags &= ~(uint32_t)TCP_F_PAUSED;
    resume_later(p);
}

static uint64_t stream_pending(const struct stream *s)
{
    const struct tcp_pcb *p = tcp_of(s);
    uint32_t first = p->snd_una == p->iss ? p->iss + 1 : p->snd_una;
    return seq_gt(p->queue_end, first) ? p->queue_end - first : 0;
}

const struct stream_ops tcp_stream_ops = {
    .flush = stream_flush,
    .close = stream_close,
    .abort = stream_abort,
    .pause = stream_pause,
    .pending = stream_pending,
};

void net_shutdown(struct stream *s)
{
    struct tcp_pcb *p = tcp_of(s);
    if (p->state == TCP_CLOSED || p->flags & TCP_F_RST_DUE) return;
    p->flags |= TCP_F_FIN_WANTED;
    tcp_want_output(p);
}
