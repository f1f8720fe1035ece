#include "dataplane/base/num.h"
#include "dataplane/cmd/push.h"
#include "dataplane/cmd/tracking_priv.h"

static size_t put_head(uint8_t *to, char kind, uint64_t number)
{
    to[0] = (uint8_t)kind;
    size_t size = 1 + num_format_uint((char *)to + 1, number);
    to[size++] = '\r';
    to[size++] = '\n';
    return size;
}

static size_t put_bulk(uint8_t *to, struct bytes text)
{
    size_t size = put_head(to, '$', text.size);
    if (text.size) memcpy(to + size, text.data, text.size);
    size += text.size;
    to[size++] = '\r';
    to[size++] = '\n';
    return size;
}

// The message's beginning: a push in RESP3, in RESP2 a message of the channel of invalidations.
static struct blob *message_begin(struct server *s, uint8_t version, size_t body_bytes)
{
    static const char push[] = ">2\r\n$10\r\ninvalidate\r\n";
    static const char message[] = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n";
    const char *head = version == 3 ? push : message;
    struct blob *wire = blob_new(s->heap, strlen(head) + body_bytes, HEAP_CLIENT_OUT);
    wire->size = strlen(head);
    memcpy(wire->data, head, wire->size);
    return wire;
}

static struct blob *message_of_key(struct server *s, uint8_t version, struct bytes key)
{
    struct blob *wire = message_begin(s, version, key.size + 2 * NUM_INT_MAX + 8);
    wire->size += put_head(wire->data + wire->size, '*', 1);
    wire->size += put_bulk(wire->data + wire->size, key);
    return wire;
}

static struct blob *message_of_flush(struct server *s, uint8_t version)
{
    const char *null = version == 3 ? "_\r\n" : "$-1\r\n";
    struct blob *wire = message_begin(s, version, strlen(null));
    memcpy(wire->data + wire->size, null, strlen(null));
    wire->size += strlen(null);
    return wire;
}

struct blob *message_of_fresh(struct server *s, const struct prefix *p, uint8_t version,
                              uint64_t without)
{
    uint32_t position = 0;
    uint64_t count = 0, bytes = NUM_INT_MAX + 3;
    for (struct name *n = NULL; (n = names_next(&p->fresh, &position, n)) != NULL;) {
        if (without && n->tag == without) continue;
        count++;
        bytes += n->size + NUM_INT_MAX + 5;
    }
    if (!count) return NULL;
    struct blob *wire = message_begin(s, version, bytes);
    wire->size += put_head(wire->data + wire->size, '*', count);
    position = 0;
    for (struct name *n = NULL; (n = names_next(&p->fresh, &position, n)) != NULL;)
        if (!without || n->tag != without)
            wire->size += put_bulk(wire->data + wire->size, name_text(n));
    return wire;
}

// ---- to whom

static void tell_broken_redirect(struct server *s, struct client *c)
{
    static const char head[] = ">2\r\n$21\r\ntracking-redir-broken\r\n";
    c->tracker->mode |= TRACKING_BROKEN_REDIRECT;
    if (c->reply.version != 3) return;
    struct blob *wire = blob_new(s->heap, sizeof head + NUM_INT_MAX + 3, HEAP_CLIENT_OUT);
    wire->size = sizeof head - 1;
    memcpy(wire->data, head, wire->size);
    wire->size += put_head(wire->data + wire->size, ':', c->tracker->redirect);
    client_push(s, c, wire);
    blob_release(wire);
}

struct client *tracking_receiver(struct server *s, struct client *c)
{
    if (!c->tracker->redirect) return c->reply.version == 3 ? c : NULL;
    struct client *to = client_table_find(&s->clients, c->tracker->redirect);
    if (!to) {
        tell_broken_redirect(s, c);
        return NULL;
    }
    return to->reply.version == 3 || (to->flags & CLIENT_SUBSCRIBED) ? to : NULL;
}

void tell_key(struct server *s, struct client *to, struct bytes key, struct invalidation *i)
{
    struct blob **wire = &i->wire[to->reply.version == 3];
    if (!*wire) *wire = message_of_key(s, to->reply.version, key);
    client_push(s, to, *wire);
}

void tell_flush(struct server *s, struct client *to, struct invalidation *i)
{
    struct blob **wire = &i->wire[to->reply.version == 3];
    if (!*wire) *wire = message_of_flush(s, to->reply.version);
    client_push(s, to, *wire);
}

void invalidation_close(struct invalidation *i)
{
    for (uint32_t version = 0; version < 2; version++)
        if (i->wire[version]) blob_release(i->wire[version]);
}
