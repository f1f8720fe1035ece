#include "dataplane/cmd/push.h"
#include "dataplane/cmd/node.h"

enum { COPY_BYTES_MAX = 256 }; // a piece that refers costs an allocation and a step of a list

struct kept_push {
    struct kept_push *next;
    struct blob *wire;
};

static struct outq *output_of(struct server *s, struct client *c, size_t bytes)
{
    if (LIKELY(!server_is_one_of_many(s)) || !s->ops->push_output) return c->reply.out;
    return s->ops->push_output(s, c, bytes);
}

static void send_now(struct server *s, struct client *c, struct blob *wire)
{
    struct outq *out = output_of(s, c, wire->size);
    if (wire->size <= COPY_BYTES_MAX)
        outq_append(out, blob_bytes(wire));
    else
        outq_append_ref(out, blob_bytes(wire), blob_release_value, blob_hold(wire));
    s->ops->client_wrote(s, c);
}

// A reply of c has begun and is not complete.
static bool must_wait(const struct server *s, const struct client *c)
{
    return s->executing == c || (c->flags & CLIENT_IN_JOB);
}

void client_push(struct server *s, struct client *c, struct blob *wire)
{
    if (!c->stream || (c->flags & (CLIENT_CLOSE_NOW | CLIENT_CLOSE_AFTER_REPLY))) return;
    if (LIKELY(!must_wait(s, c) && !c->pushes_first)) {
        send_now(s, c, wire);
        return;
    }
    struct kept_push *p = heap_take(s->heap, sizeof *p, HEAP_CLIENT_OUT);
    *p = (struct kept_push){ .wire = blob_hold(wire) };
    if (c->pushes_last)
        c->pushes_last->next = p;
    else
        c->pushes_first = p;
    c->pushes_last = p;
    c->pushes_bytes += wire->size + sizeof *p;
    s->ops->client_wrote(s, c); // its limit counts these, too
}

static struct kept_push *take_first(struct client *c)
{
    struct kept_push *p = c->pushes_first;
    c->pushes_first = p->next;
    if (!p->next) c->pushes_last = NULL;
    c->pushes_bytes -= p->wire->size + sizeof *p;
    return p;
}

void client_send_pushes(struct server *s, struct client *c)
{
    while (c->pushes_first && !must_wait(s, c)) {
        struct kept_push *p = take_first(c);
        send_now(s, c, p->wire);
        blob_release(p->wire);
        heap_give(s->heap, p, sizeof *p, HEAP_CLIENT_OUT);
    }
}

void client_forget_pushes(struct server *s, struct client *c)
{
    while (c->pushes_first) {
        struct kept_push *p = take_first(c);
        blob_release(p->wire);
        heap_give(s->heap, p, sizeof *p, HEAP_CLIENT_OUT);
    }
}
