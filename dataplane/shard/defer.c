#include "dataplane/shard/defer.h"
#include "dataplane/shard/shard.h"

struct deferred_piece {
    struct deferred_piece *next;
    uint64_t arrival_tsc;
    size_t size;
    uint8_t data[];
};

static void set_paused(struct session *session, bool paused)
{
    struct stream *stream = session->client.stream;
    if (session->deferral.is_paused == paused) return;
    session->deferral.is_paused = paused;
    stream->ops->pause(stream, paused);
}

void defer_keep(struct shard *shard, struct session *session, struct bytes data,
                uint64_t arrival_tsc)
{
    struct deferral *d = &session->deferral;
    struct deferred_piece *p = heap_take(&shard->heap, sizeof *p + data.size, HEAP_CLIENT_IN);
    *p = (struct deferred_piece){ .arrival_tsc = arrival_tsc, .size = data.size };
    memcpy(p->data, data.data, data.size);
    if (d->tail)
        d->tail->next = p;
    else
        d->head = p;
    d->tail = p;
    d->bytes += data.size;
    if (d->bytes > DEFER_BYTES_MAX) set_paused(session, true);
    if (!session_must_wait(session)) defer_rest(shard, session);
}

void defer_rest(struct shard *shard, struct session *session)
{
    if (!list_node_is_linked(&session->resting)) list_append(&shard->resting, &session->resting);
}

static struct deferred_piece *take_first(struct deferral *d)
{
    struct deferred_piece *p = d->head;
    d->head = p->next;
    if (!d->head) d->tail = NULL;
    d->bytes -= p->size;
    return p;
}

static void give_piece(struct shard *shard, struct deferred_piece *p)
{
    heap_give(&shard->heap, p, sizeof *p + p->size, HEAP_CLIENT_IN);
}

// The batch must be run before the piece goes: its arguments may lie in it.
static void run_first(struct shard *shard, struct session *session)
{
    struct deferred_piece *p = take_first(&session->deferral);
    session_parse(shard, session, bytes_make(p->data, p->size), p->arrival_tsc);
    batch_run(shard);
    give_piece(shard, p);
}

uint32_t defer_run(struct shard *shard)
{
    uint32_t count = 0;
    for (size_t left = shard->resting.count; left > 0; left--, count++) {
        struct list_node *node = list_take_first(&shard->resting);
        struct session *session = LIST_OWNER(node, struct session, resting);
        run_first(shard, session);
        if (!session->deferral.head) set_paused(session, false);
        if (session_must_wait(session)) continue; // resume.c goes on with it
        if (session->deferral.head)
            list_append(&shard->resting, node);
        else if (session->deferral.has_ended)
            session_end(shard, session);
    }
    return count;
}

void defer_run_all(struct shard *shard, struct session *session)
{
    while (session->deferral.head && !session_must_wait(session)) run_first(shard, session);
    if (list_node_is_linked(&session->resting)) list_remove(&shard->resting, &session->resting);
}

void defer_drop(struct shard *shard, struct session *session)
{
    while (session->deferral.head) give_piece(shard, take_first(&session->deferral));
    if (list_node_is_linked(&session->resting)) list_remove(&shard->resting, &session->resting);
}
