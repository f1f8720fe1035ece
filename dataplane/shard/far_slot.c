#include "dataplane/shard/far_priv.h"
#include "dataplane/shard/shard.h"

// ---- output whose first block is in the far call

static void release_nothing(struct piece *p) { (void)p; }

static struct piece *source_take(struct piece_source *source, const struct outq *q, uint32_t want)
{
    struct far_source *f = (struct far_source *)source;
    if (f->is_used) return f->beyond->take(f->beyond, q, want);
    f->is_used = true;
    f->first =
        (struct piece){ .data = f->bytes, .room = FAR_REPLY_BYTES, .release = release_nothing };
    return &f->first;
}

static struct piece *source_take_ref(struct piece_source *source, struct bytes bytes,
                                     void (*release_value)(void *value), void *value)
{
    struct far_source *f = (struct far_source *)source;
    return f->beyond->take_ref(f->beyond, bytes, release_value, value);
}

void far_source_init(struct far_source *f, struct piece_source *beyond, uint8_t *bytes)
{
    f->source.take = source_take;
    f->source.take_ref = source_take_ref;
    f->beyond = beyond;
    f->bytes = bytes;
    f->is_used = false;
}

static struct far_slot *new_slot(struct shard *s, struct session *session)
{
    struct far_slot *slot = far_take_slot(s);
    slot->call.session = session;
    slot->pushed_bytes = 0;
    far_source_init(&slot->source, &s->overflow.source, slot->bytes);
    outq_init(&slot->out, &slot->source.source);
    return slot;
}

void far_slot_begin(struct shard *s, struct session *session)
{
    if (LIKELY(session->far.count == 0) || session->slot) return;
    session->slot = new_slot(s, session);
    session->client.reply.out = &session->slot->out;
}

// Behind the last reply that does not have to be waited for long. NULL: there is none.
static struct list_node *last_reply(const struct session *session)
{
    struct list_node *n = session->far.root.prev;
    for (; n != &session->far.root; n = n->prev) {
        const struct far_call *f = LIST_OWNER(n, struct far_call, link);
        if (f->is_done || (!f->may_block && !f->is_slot)) return n;
    }
    return NULL;
}

struct outq *far_push_output(struct server *server, struct client *c, size_t bytes)
{
    struct shard *s = server->shard;
    if (c->flags & CLIENT_PROXY) return c->reply.out;
    struct session *session = session_of(c);
    struct far_slot *own = session->slot;
    // What its own command brought about, or the reply to it has begun.
    if (own && (!list_node_is_linked(&own->call.link) || own->out.bytes)) return c->reply.out;
    struct list_node *after = last_reply(session);
    if (LIKELY(!after)) return &c->stream->out;
    struct far_call *f = LIST_OWNER(after, struct far_call, link);
    struct far_slot *slot = (struct far_slot *)f;
    if (!f->is_slot) {
        slot = new_slot(s, session);
        slot->call.is_done = true;
        list_insert_between(&session->far, after, after->next, &slot->call.link);
    }
    slot->pushed_bytes += bytes;
    c->pushes_bytes += bytes;
    return &slot->out;
}

// A command that was suspended goes on writing to its slot: far_slot_end comes again when the
// client goes on (resume.c).
void far_slot_end(struct shard *s, struct session *session)
{
    struct far_slot *slot = session->slot;
    struct client *c = &session->client;
    if (LIKELY(!slot)) return;
    bool is_linked = list_node_is_linked(&slot->call.link);
    if ((c->flags & CLIENT_SUSPENDED & ~(uint32_t)CLIENT_ELSEWHERE)) {
        if (!is_linked) list_append(&session->far, &slot->call.link);
        return;
    }
    session->slot = NULL;
    c->reply.out = &c->stream->out;
    slot->call.is_done = true;
    if (is_linked) {
        far_deliver_ready(s, session);
    } else if (slot->out.bytes == 0 || session->far.count == 0) {
        far_deliver(s, session, &slot->call); // it said nothing, or all before it has left
    } else {
        list_append(&session->far, &slot->call.link);
    }
}
