#include "dataplane/cmd/node.h"
#include "dataplane/cmd/push.h"
#include "dataplane/cmd/tracking_priv.h"

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
    struct blob *wire = message_begin(s, version, 2 * RESP_HEAD_MAX + key.size + 2);
    wire->size += resp_put_head(wire->data + wire->size, '*', 1);
    wire->size += resp_put_bulk(wire->data + wire->size, key);
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

// The first of packed, which is taken off it.
static bool next_packed(struct bytes *packed, struct packed_key *head, struct bytes *key)
{
    if (!packed->size) return false;
    memcpy(head, packed->data, sizeof *head);
    *key = bytes_make(packed->data + sizeof *head, head->size);
    *packed = bytes_make(packed->data + sizeof *head + head->size,
                         packed->size - sizeof *head - head->size);
    return true;
}

// NULL: none are left.
static struct blob *message_of_packed(struct server *s, uint8_t version, struct bytes packed,
                                      uint64_t without)
{
    struct packed_key head;
    struct bytes key, left = packed;
    uint64_t count = 0, bytes = RESP_HEAD_MAX;
    while (next_packed(&left, &head, &key)) {
        if (without && head.writer == without) continue;
        count++;
        bytes += RESP_HEAD_MAX + head.size + 2;
    }
    if (!count) return NULL;
    struct blob *wire = message_begin(s, version, bytes);
    wire->size += resp_put_head(wire->data + wire->size, '*', count);
    for (left = packed; next_packed(&left, &head, &key);)
        if (!without || head.writer != without)
            wire->size += resp_put_bulk(wire->data + wire->size, key);
    return wire;
}

struct blob *pack_keys(struct server *s, const struct names *keys)
{
    uint32_t position = 0;
    size_t bytes = 0;
    for (struct name *n = NULL; (n = names_next(keys, &position, n)) != NULL;)
        bytes += sizeof(struct packed_key) + n->size;
    struct blob *packed = blob_new(s->heap, bytes, HEAP_CLIENT_OUT);
    position = 0;
    for (struct name *n = NULL; (n = names_next(keys, &position, n)) != NULL;) {
        struct packed_key head = { n->tag, n->size };
        memcpy(packed->data + packed->size, &head, sizeof head);
        memcpy(packed->data + packed->size + sizeof head, n->text, n->size);
        packed->size += sizeof head + n->size;
    }
    return packed;
}

static struct blob *make_message(struct server *s, uint8_t version, const struct invalidation *i)
{
    switch (i->kind) {
    case INVALIDATE_KEY:
        return message_of_key(s, version, i->text);
    case INVALIDATE_PACKED:
        return message_of_packed(s, version, i->text, i->without);
    case INVALIDATE_ALL:
        break;
    }
    return message_of_flush(s, version);
}

// ---- to whom

void tracking_tell_broken(struct server *s, struct client *c)
{
    static const char head[] = ">2\r\n$21\r\ntracking-redir-broken\r\n";
    c->tracker->mode |= TRACKING_BROKEN_REDIRECT;
    if (c->reply.version != 3) return;
    struct blob *wire = blob_new(s->heap, sizeof head + RESP_HEAD_MAX, HEAP_CLIENT_OUT);
    wire->size = sizeof head - 1;
    memcpy(wire->data, head, wire->size);
    wire->size += resp_put_head(wire->data + wire->size, ':', c->tracker->redirect);
    client_push(s, c, wire);
    blob_release(wire);
}

static void tell(struct server *s, struct client *to, struct invalidation *i)
{
    struct blob **wire = &i->wire[to->reply.version == 3];
    if (!*wire) *wire = make_message(s, to->reply.version, i);
    if (*wire) client_push(s, to, *wire);
}

static bool can_be_told(const struct client *to)
{
    return to->reply.version == 3 || (to->flags & CLIENT_SUBSCRIBED);
}

void tracking_tell(struct server *s, struct client *c, struct invalidation *i)
{
    uint64_t redirect = c->tracker->redirect;
    if (!redirect) {
        if (c->reply.version == 3) tell(s, c, i);
    } else if (UNLIKELY(client_home_index(s, redirect) != s->shard_index)) {
        elsewhere_tell_redirected(s, c, i);
    } else {
        struct client *to = client_table_find(&s->clients, redirect);
        if (!to)
            tracking_tell_broken(s, c);
        else if (can_be_told(to))
            tell(s, to, i);
    }
}

void tracking_tell_redirected(struct server *s, uint64_t to, uint64_t from, struct invalidation *i)
{
    struct client *c = client_table_find(&s->clients, to);
    if (!c)
        elsewhere_tell_gone(s, to, from);
    else if (can_be_told(c))
        tell(s, c, i);
}

void invalidation_close(struct invalidation *i)
{
    for (uint32_t version = 0; version < 2; version++) {
        if (i->wire[version]) blob_release(i->wire[version]);
        i->wire[version] = NULL;
    }
}
