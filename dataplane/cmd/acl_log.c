#include "dataplane/cmd/acl_log.h"
#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/node.h"

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

static uint64_t next_id(struct server *s)
{
    if (!s->node) return s->acl->log_next_id++;
    return __atomic_fetch_add(&s->node->acl_log_next_id, 1, __ATOMIC_RELAXED);
}

static void add_new(struct server *s, const struct client *c, const struct acl_log_entry *like,
                    struct bytes object, struct bytes user)
{
    struct list *log = &s->acl->log;
    struct acl_log_entry *e = heap_take(s->heap, sizeof *e, HEAP_OTHER);
    *e = *like;
    e->id = next_id(s);
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

// The entry that was updated last of those that are left. NULL: none.
static const struct acl_log_entry *take_newest(struct server *s,
                                               struct list_node *left[PLACEMENT_SHARDS_MAX])
{
    const struct acl_log_entry *newest = NULL;
    uint32_t from = 0;
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        if (!left[i]) continue;
        const struct acl_log_entry *e = entry_of(left[i]);
        if (newest && (e->updated_ms < newest->updated_ms ||
                       (e->updated_ms == newest->updated_ms && e->id < newest->id)))
            continue;
        newest = e;
        from = i;
    }
    if (newest) left[from] = list_next(&server_peer(s, from)->acl->log, left[from]);
    return newest;
}

static bool says_the_same(const struct acl_log_entry *a, const struct acl_log_entry *b)
{
    return a->denial == b->denial && a->place == b->place &&
           a->updated_ms - b->updated_ms <= ACL_LOG_GROUP_MS &&
           is_same(a->object, shown(b->object)) && is_same(a->user, shown(b->user));
}

// What several shards have denied within a minute is one entry, as if one had: the newest one's
// client, the oldest one's id and creation.
static void fold(struct acl_log_entry *newer, const struct acl_log_entry *older)
{
    newer->count += older->count;
    if (older->created_ms < newer->created_ms) newer->created_ms = older->created_ms;
    if (older->id < newer->id) newer->id = older->id;
}

// Newest first; returns how many. room: acllog-max-len, as of one shard.
static uint64_t gather(struct server *s, struct acl_log_entry *out, uint64_t room)
{
    struct list_node *left[PLACEMENT_SHARDS_MAX];
    const struct acl_log_entry *e;
    uint64_t count = 0;
    for (uint32_t i = 0; i < server_peer_count(s); i++)
        left[i] = list_first(&server_peer(s, i)->acl->log);
    while ((e = take_newest(s, left)) != NULL) {
        uint64_t same = count > LOOK_BACK ? count - LOOK_BACK : 0;
        while (same < count && !(s->node && says_the_same(&out[same], e))) same++;
        if (same < count)
            fold(&out[same], e);
        else if (count < room)
            out[count++] = *e;
    }
    return count;
}

void acl_log_reply(struct call *call, uint64_t count_max)
{
    struct server *s = call->server;
    uint64_t room = 0, most = (uint64_t)s->settings->acllog_max_len;
    for (uint32_t i = 0; i < server_peer_count(s); i++) room += server_peer(s, i)->acl->log.count;
    if (room > most) room = most;
    size_t bytes = (room + 1) * sizeof(struct acl_log_entry);
    struct acl_log_entry *all = heap_take(s->heap, bytes, HEAP_OTHER);
    uint64_t count = gather(s, all, room);
    if (count > count_max) count = count_max;
    reply_array(call->reply, count);
    for (uint64_t i = 0; i < count; i++) reply_entry(call, &all[i]);
    heap_give(s->heap, all, bytes, HEAP_OTHER);
}
