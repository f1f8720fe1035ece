#include "dataplane/shard/late.h"
#include "dataplane/shard/shard.h"

enum {
    LATE_BYTES_MAX = 16 * 1024, // so much leaves without waiting for more
    LATE_NS_MAX = 1000 * 1000,  // far longer than a shard takes that only has other commands to run
};

// Who waits for a key, a job or a rendezvous may do so for long.
bool late_begin(struct shard *s, struct session *session)
{
    const struct client *c = &session->client;
    if (session->is_due || (c->flags & CLIENT_SUSPENDED)) return false;
    if (c->stream->out.bytes == 0 || c->stream->out.bytes >= LATE_BYTES_MAX) return false;
    session->is_late = true;
    session->late_since_ns = s->server.now_ns;
    session->late_until = session->far.root.prev;
    list_append(&s->mesh.late, &session->dirty);
    return true;
}

static void end(struct shard *s, struct session *session)
{
    list_remove(&s->mesh.late, &session->dirty);
    list_append(&s->dirty, &session->dirty);
    session->is_late = false;
    session->is_due = true;
}

void late_got_reply(struct shard *s, struct session *session, const struct list_node *got)
{
    if (!session->is_late) {
        session_mark_dirty(s, session);
        return;
    }
    if (got == session->late_until || session->far.count == 0 ||
        session->client.stream->out.bytes >= LATE_BYTES_MAX)
        end(s, session);
}

void late_end_overdue(struct shard *s)
{
    while (UNLIKELY(late_next_ns(s) <= s->server.now_ns))
        end(s, LIST_OWNER(list_first(&s->mesh.late), struct session, dirty));
}

uint64_t late_next_ns(const struct shard *s)
{
    struct list_node *node = list_first(&s->mesh.late);
    if (LIKELY(!node)) return UINT64_MAX;
    return LIST_OWNER(node, struct session, dirty)->late_since_ns + LATE_NS_MAX;
}
