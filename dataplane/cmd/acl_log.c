#include "dataplane/cmd/acl_log.h"
#include "dataplane/cmd/cmd_client.h"

struct entry_text { // owned
    uint8_t *data;
    size_t size;
};
struct acl_log_entry {
    struct list_node link;
    enum acl_denial denial;
    enum acl_place place;
    uint64_t id, count, created_ms, updated_ms;
    struct entry_text object, user, client;
};

// How many of the newest are looked at for one that this is the same as.
enum { LOOK_BACK = 10 };

static struct acl_log_entry *entry_of(struct list_node *n)
{
    return LIST_OWNER(n, struct acl_log_entry, link);
}

static struct entry_text keep(struct server *s, struct bytes text)
{
    size_t size = text.size < ACL_LOG_TEXT_MAX ? text.size : ACL_LOG_TEXT_MAX;
    struct entry_text kept = { NULL, size };
    if (size == 0) return kept;
    kept.data = heap_take(s->heap, size, HEAP_OTHER);
    memcpy(kept.data, text.data, size);
    return kept;
}

static void give(struct server *s, struct entry_text text)
{
    if (text.size) heap_give(s->heap, text.data, text.size, HEAP_OTHER);
}

static bool is_same(struct entry_text kept, struct bytes text)
{
    if (text.size > ACL_LOG_TEXT_MAX) text.size = ACL_LOG_TEXT_MAX;
    return bytes_equal(bytes_make(kept.data, kept.size), text);
}

static void drop(struct server *s, struct acl_log_entry *e)
{
    list_remove(&s->acl->log, &e->link);
    give(s, e->object);
    give(s, e->user);
    give(s, e->client);
    heap_give(s->heap, e, sizeof *e, HEAP_OTHER);
}

void acl_log_clear(struct server *s)
{
    struct list_node *n;
    while ((n = list_first(&s->acl->log)) != NULL) drop(s, entry_of(n));
}

static void count_denial(struct shard_tally *t, enum acl_denial denial)
{
    t->acl_denied_auth += denial == ACL_DENIED_AUTH;
    t->acl_denied_command += denial == ACL_DENIED_COMMAND;
    t->acl_denied_key += denial == ACL_DENIED_KEY;
    t->acl_denied_channel += denial == ACL_DENIED_CHANNEL;
}

static struct acl_log_entry *find_same(struct server *s, const struct acl_log_entry *like,
                                       struct bytes object, struct bytes user)
{
    const struct list *log = &s->acl->log;
    uint32_t left = LOOK_BACK;
    for (struct list_node *n = list_first(log); n && left--; n = list_next(log, n)) {
        struct acl_log_entry *e = entry_of(n);
        if (e->denial == like->denial && e->place == like->place &&
            like->updated_ms - e->updated_ms <= ACL_LOG_GROUP_MS && is_same(e->object, object) &&
            is_same(e->user, user))
            return e;
    }
    return NULL;
}

static struct entry_text client_line(struct server *s, const struct client *c)
{
    struct text t;
    text_open(&t, s->heap);
    client_add_line(&t, s, c);
    struct entry_text line = keep(s, text_bytes(&t));
    text_close(&t);
    return line;
}

static void add_new(struct server *s, const struct client *c, const struct acl_log_entry *like,
                    struct bytes object, struct bytes user)
{
    struct list *log = &s->acl->log;
    struct acl_log_entry *e = heap_take(s->heap, sizeof *e, HEAP_OTHER);
    *e = *like;
    e->id = s->acl->log_next_id++;
    e->object = keep(s, object);
    e->user = keep(s, user);
    e->client = client_line(s, c);
    list_prepend(log, &e->link);
    while (log->count > (uint64_t)s->settings->acllog_max_len) drop(s, entry_of(log->root.prev));
}

void acl_log_add(struct server *s, const struct client *c, enum acl_denial denial,
                 enum acl_place place, struct bytes object, struct bytes user)
{
    struct acl_log_entry like = { .denial = denial,
                                  .place = place,
                                  .count = 1,
                                  .created_ms = s->now_ms,
                                  .updated_ms = s->now_ms };
    count_denial(s->tally, denial);
    struct acl_log_entry *same = find_same(s, &like, object, user);
    if (!same) {
        add_new(s, c, &like, object, user);
        return;
    }
    same->count++;
    same->updated_ms = s->now_ms;
    give(s, same->client);
    same->client = client_line(s, c);
    list_remove(&s->acl->log, &same->link);
    list_prepend(&s->acl->log, &same->link);
}

// ---- ACL LOG

static void reply_pair(struct reply *r, const char *name, struct bytes value)
{
    reply_bulk_text(r, name);
    reply_bulk(r, value);
}

static void reply_number(struct reply *r, const char *name, uint64_t value)
{
    reply_bulk_text(r, name);
    reply_int(r, (int64_t)value);
}

static struct bytes shown(struct entry_text text) { return bytes_make(text.data, text.size); }

static void reply_entry(struct call *call, const struct acl_log_entry *e)
{
    static const char *const reasons[] = { [ACL_DENIED_COMMAND] = "command",
                                           [ACL_DENIED_KEY] = "key",
                                           [ACL_DENIED_AUTH] = "auth",
                                           [ACL_DENIED_CHANNEL] = "channel" };
    static const char *const places[] = {
        [ACL_AT_TOP] = "toplevel", [ACL_IN_MULTI] = "multi", [ACL_IN_SCRIPT] = "lua"
    };
    struct reply *r = call->reply;
    uint64_t now_ms = call->now_ms;
    uint64_t age_ms = now_ms > e->updated_ms ? now_ms - e->updated_ms : 0;
    reply_map(r, 10);
    reply_number(r, "count", e->count);
    reply_pair(r, "reason", bytes_text(reasons[e->denial]));
    reply_pair(r, "context", bytes_text(places[e->place]));
    reply_pair(r, "object", shown(e->object));
    reply_pair(r, "username", shown(e->user));
    reply_bulk_text(r, "age-seconds");
    reply_double(r, (double)age_ms / 1000);
    reply_pair(r, "client-info", shown(e->client));
    reply_number(r, "entry-id", e->id);
    reply_number(r, "timestamp-created", e->created_ms);
    reply_number(r, "timestamp-last-updated", e->updated_ms);
}

void acl_log_reply(struct call *call, uint64_t count_max)
{
    const struct list *log = &call->server->acl->log;
    uint64_t count = log->count < count_max ? log->count : count_max;
    struct list_node *n = list_first(log);
    reply_array(call->reply, count);
    for (uint64_t i = 0; i < count; i++, n = list_next(log, n)) reply_entry(call, entry_of(n));
}
