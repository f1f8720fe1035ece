#include "dataplane/cmd/tracking.h"
#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/changed.h"
#include "dataplane/cmd/cmd_docs.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/cmd/push.h"

enum { READERS_FIRST = 4, GIVE_UP_PER_CALL = 64 };

struct readers { // of one key: ids, open addressing, at most three quarters full; 0 is no id
    struct list_node in_name;
    uint32_t count, room;
    uint64_t *ids;
};
struct prefix {
    struct list_node in_all;
    struct list clients; // of struct prefix_client.in_prefix
    struct names fresh;  // keys changed since the last broadcast; tag: the writer's id, 0: several
    size_t size;
    uint8_t text[];
};
struct prefix_client {
    struct list_node in_prefix, in_client;
    struct prefix *prefix;
    struct client *client;
};

// ---- telling

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

// Who is told on behalf of c; NULL: nobody can be.
static struct client *receiver_of(struct server *s, struct client *c)
{
    if (!c->tracker->redirect) return c->reply.version == 3 ? c : NULL;
    struct client *to = client_table_find(&s->clients, c->tracker->redirect);
    if (!to) {
        tell_broken_redirect(s, c);
        return NULL;
    }
    return to->reply.version == 3 || (to->flags & CLIENT_SUBSCRIBED) ? to : NULL;
}

// ---- the readers of a key

static uint32_t slot_of(const struct readers *r, uint64_t id)
{
    uint32_t at = (uint32_t)(id * 0x9e3779b97f4a7c15ull >> 32) & (r->room - 1);
    while (r->ids[at] && r->ids[at] != id) at = (at + 1) & (r->room - 1);
    return at;
}

static void grow(struct server *s, struct readers *r)
{
    struct readers old = *r;
    r->room = old.room ? 2 * old.room : READERS_FIRST;
    r->ids = heap_take_zeroed(s->heap, r->room * sizeof *r->ids, HEAP_SESSION);
    for (uint32_t i = 0; i < old.room; i++)
        if (old.ids[i]) r->ids[slot_of(r, old.ids[i])] = old.ids[i];
    heap_give(s->heap, old.ids, old.room * sizeof *old.ids, HEAP_SESSION);
}

static struct readers *readers_of(const struct name *name)
{
    return LIST_OWNER(list_first(&name->members), struct readers, in_name);
}

static void add_reader(struct server *s, struct bytes key, uint64_t id)
{
    struct name *name = names_take(&s->tracking.keys, 0, key);
    if (!name->members.count) {
        struct readers *fresh = heap_take_zeroed(s->heap, sizeof *fresh, HEAP_SESSION);
        list_append(&name->members, &fresh->in_name);
    }
    struct readers *r = readers_of(name);
    if (r->count * 4 >= r->room * 3) grow(s, r);
    uint32_t at = slot_of(r, id);
    if (r->ids[at]) return;
    r->ids[at] = id;
    r->count++;
    s->tracking.items++;
}

static void forget_key(struct server *s, struct name *name)
{
    struct readers *r = readers_of(name);
    s->tracking.items -= r->count;
    list_remove(&name->members, &r->in_name);
    heap_give(s->heap, r->ids, r->room * sizeof *r->ids, HEAP_SESSION);
    heap_give(s->heap, r, sizeof *r, HEAP_SESSION);
    names_give(&s->tracking.keys, name);
}

static void remember_key(void *context, uint32_t index, uint32_t flags)
{
    const struct call *call = context;
    (void)flags;
    add_reader(call->server, call->argv[index], call->client->id);
}

// Scripts that only read are remembered by what they call.
static bool is_read(const struct command *row)
{
    return (row->flags & CMD_READONLY) && !(row->acl_categories & ACL_SCRIPTING);
}

static void remember(const struct call *call)
{
    const struct tracker *t = call->client->tracker;
    if (!t || (t->mode & TRACKING_BCAST)) return;
    bool said = t->mode & TRACKING_CACHING;
    if ((t->mode & TRACKING_OPTIN) && !said) return;
    if ((t->mode & TRACKING_OPTOUT) && said) return;
    command_find_keys(call->command, call->argv, call->argc, remember_key,
                      (void *)(uintptr_t)call);
}

// What CLIENT CACHING says holds for the next command, or for the whole of the next transaction.
void tracking_after(const struct call *call)
{
    struct client *c = call->client;
    if (!c->tracker) return;
    if (is_read(call->command)) remember(call);
    if (call->command->id != CMD_ID_CLIENT_CACHING && !(c->flags & CLIENT_IN_MULTI) &&
        !call->no_suspend)
        c->tracker->mode &= ~(uint32_t)TRACKING_CACHING;
}

static void tell_readers(struct server *s, const struct name *name, const struct client *by)
{
    const struct readers *r = readers_of(name);
    struct blob *wire[2] = { NULL, NULL };
    for (uint32_t i = 0; i < r->room; i++) {
        struct client *c = r->ids[i] ? client_table_find(&s->clients, r->ids[i]) : NULL;
        if (!c || !c->tracker || (c->tracker->mode & TRACKING_BCAST)) continue;
        if (c == by && (c->tracker->mode & TRACKING_NOLOOP)) continue;
        struct client *to = receiver_of(s, c);
        if (!to) continue;
        struct blob **w = &wire[to->reply.version == 3];
        if (!*w) *w = message_of_key(s, to->reply.version, name_text(name));
        client_push(s, to, *w);
    }
    for (uint32_t i = 0; i < 2; i++)
        if (wire[i]) blob_release(wire[i]);
}

// ---- prefixes

static bool begins_with(struct bytes text, const struct prefix *p)
{
    return text.size >= p->size && (p->size == 0 || memcmp(text.data, p->text, p->size) == 0);
}

// A key written by two clients before the broadcast is told as nobody's: to everyone.
static void note_fresh(struct server *s, struct bytes key, const struct client *by)
{
    for (struct list_node *n = list_first(&s->tracking.prefixes); n;
         n = list_next(&s->tracking.prefixes, n)) {
        struct prefix *p = LIST_OWNER(n, struct prefix, in_all);
        if (!begins_with(key, p)) continue;
        uint64_t before = p->fresh.count;
        struct name *name = names_take(&p->fresh, 0, key);
        if (p->fresh.count > before) {
            s->tracking.fresh_keys++;
            name->tag = by ? by->id : 0;
        } else if (!by || name->tag != by->id) {
            name->tag = 0;
        }
    }
}

static struct blob *message_of_fresh(struct server *s, const struct prefix *p, uint8_t version,
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

static void broadcast(struct server *s, struct prefix *p)
{
    struct blob *shared[2] = { NULL, NULL };
    for (struct list_node *n = list_first(&p->clients); n; n = list_next(&p->clients, n)) {
        struct client *c = LIST_OWNER(n, struct prefix_client, in_prefix)->client;
        struct client *to = receiver_of(s, c);
        if (!to) continue;
        uint8_t version = to->reply.version;
        bool own = c->tracker->mode & TRACKING_NOLOOP;
        struct blob **wire = &shared[version == 3], *apart = NULL;
        if (own)
            apart = message_of_fresh(s, p, version, c->id);
        else if (!*wire)
            *wire = message_of_fresh(s, p, version, 0);
        if (own ? apart : *wire) client_push(s, to, own ? apart : *wire);
        if (apart) blob_release(apart);
    }
    for (uint32_t i = 0; i < 2; i++)
        if (shared[i]) blob_release(shared[i]);
}

static void broadcast_all(struct server *s)
{
    struct tracking *t = &s->tracking;
    t->fresh_keys = 0;
    for (struct list_node *n = list_first(&t->prefixes); n; n = list_next(&t->prefixes, n)) {
        struct prefix *p = LIST_OWNER(n, struct prefix, in_all);
        if (!p->fresh.count) continue;
        broadcast(s, p);
        names_close(&p->fresh);
    }
}

// ---- what changes

void tracking_key_changed(struct server *s, struct bytes key, const struct client *by)
{
    if (s->tracking.prefixes.count) note_fresh(s, key, by);
    struct name *name = names_find(&s->tracking.keys, 0, key);
    if (!name) return;
    tell_readers(s, name, by);
    forget_key(s, name);
}

static void forget_all_keys(struct server *s)
{
    uint32_t position = 0;
    struct name *name = names_next(&s->tracking.keys, &position, NULL);
    while (name) {
        struct name *next = names_next(&s->tracking.keys, &position, name);
        forget_key(s, name);
        name = next;
    }
}

void tracking_flushed(struct server *s)
{
    struct blob *wire[2] = { NULL, NULL };
    const struct list *all = &s->clients.all;
    for (struct list_node *n = list_first(all); n; n = list_next(all, n)) {
        struct client *c = LIST_OWNER(n, struct client, all);
        struct client *to = c->tracker ? receiver_of(s, c) : NULL;
        if (!to) continue;
        struct blob **w = &wire[to->reply.version == 3];
        if (!*w) *w = message_of_flush(s, to->reply.version);
        client_push(s, to, *w);
    }
    for (uint32_t i = 0; i < 2; i++)
        if (wire[i]) blob_release(wire[i]);
    forget_all_keys(s);
}

static void give_up_some(struct server *s)
{
    struct tracking *t = &s->tracking;
    uint64_t most = (uint64_t)s->settings->tracking_table_max_keys;
    for (uint32_t i = 0; i < GIVE_UP_PER_CALL && most && t->keys.count > most; i++) {
        struct name *name = names_next(&t->keys, &t->evict_cursor, NULL);
        if (!name) t->evict_cursor = 0;
        if (!name) name = names_next(&t->keys, &t->evict_cursor, NULL);
        tell_readers(s, name, NULL);
        forget_key(s, name);
    }
}

void tracking_turn(struct server *s)
{
    if (s->tracking.fresh_keys) broadcast_all(s);
    give_up_some(s);
}

// ---- clients

static struct prefix *take_prefix(struct server *s, struct bytes text)
{
    struct tracking *t = &s->tracking;
    for (struct list_node *n = list_first(&t->prefixes); n; n = list_next(&t->prefixes, n)) {
        struct prefix *p = LIST_OWNER(n, struct prefix, in_all);
        if (bytes_equal(bytes_make(p->text, p->size), text)) return p;
    }
    struct prefix *p = heap_take_zeroed(s->heap, sizeof *p + text.size, HEAP_SESSION);
    list_init(&p->clients);
    names_open(&p->fresh, s->heap);
    p->size = text.size;
    if (text.size) memcpy(p->text, text.data, text.size);
    list_append(&t->prefixes, &p->in_all);
    return p;
}

static void drop_prefixes(struct server *s, struct tracker *t)
{
    struct list_node *node;
    while ((node = list_first(&t->prefixes)) != NULL) {
        struct prefix_client *pc = LIST_OWNER(node, struct prefix_client, in_client);
        struct prefix *p = pc->prefix;
        list_remove(&t->prefixes, &pc->in_client);
        list_remove(&p->clients, &pc->in_prefix);
        heap_give(s->heap, pc, sizeof *pc, HEAP_SESSION);
        if (p->clients.count) continue;
        s->tracking.fresh_keys -= p->fresh.count;
        names_close(&p->fresh);
        list_remove(&s->tracking.prefixes, &p->in_all);
        heap_give(s->heap, p, sizeof *p + p->size, HEAP_SESSION);
    }
}

// The keys it has read stay: its id stands for nobody then.
void tracking_forget_client(struct server *s, struct client *c)
{
    if (!c->tracker) return;
    drop_prefixes(s, c->tracker);
    heap_give(s->heap, c->tracker, sizeof *c->tracker, HEAP_SESSION);
    c->tracker = NULL;
    s->tracking.clients--;
    if (s->tracking.clients) return;
    forget_all_keys(s);
    changed_steer(s);
}

void tracking_open(struct server *s)
{
    names_open(&s->tracking.keys, s->heap);
    list_init(&s->tracking.prefixes);
}

void tracking_close(struct server *s)
{
    forget_all_keys(s);
    names_close(&s->tracking.keys);
}

static void start(struct call *call, uint32_t mode, uint64_t redirect)
{
    struct server *s = call->server;
    struct client *c = call->client;
    if (!c->tracker) {
        c->tracker = heap_take_zeroed(s->heap, sizeof *c->tracker, HEAP_SESSION);
        list_init(&c->tracker->prefixes);
        s->tracking.clients++;
        changed_steer(s);
    }
    c->tracker->mode = mode;
    c->tracker->redirect = redirect;
}

static bool has_prefix(const struct client *c, const struct prefix *p)
{
    const struct list *own = &c->tracker->prefixes;
    for (struct list_node *n = list_first(own); n; n = list_next(own, n))
        if (LIST_OWNER(n, struct prefix_client, in_client)->prefix == p) return true;
    return false;
}

static void add_prefix(struct call *call, struct bytes text)
{
    struct prefix *p = take_prefix(call->server, text);
    if (has_prefix(call->client, p)) return;
    struct prefix_client *pc = heap_take(call->server->heap, sizeof *pc, HEAP_SESSION);
    *pc = (struct prefix_client){ .prefix = p, .client = call->client };
    list_append(&p->clients, &pc->in_prefix);
    list_append(&call->client->tracker->prefixes, &pc->in_client);
}

// ---- CLIENT TRACKING

struct tracking_args {
    uint32_t mode;
    uint64_t redirect;
    bool has_prefix;
};

static bool parse_redirect(struct call *call, uint32_t index, struct tracking_args *a)
{
    int64_t id;
    if (a->redirect) {
        reply_error(call->reply, "ERR A client can only redirect to a single other client");
        return false;
    }
    if (!call_int(call, index, &id, NULL)) return false;
    // Redis looks at the moment of the call only; who goes later makes a broken redirection.
    if (!client_table_find(&call->server->clients, (uint64_t)id)) {
        reply_error(call->reply, "ERR The client ID you want redirect to does not exist");
        return false;
    }
    a->redirect = (uint64_t)id;
    return true;
}

static bool parse_tracking(struct call *call, struct tracking_args *a)
{
    for (uint32_t i = 3; i < call->argc; i++) {
        struct bytes word = call->argv[i];
        bool more = i + 1 < call->argc;
        if (bytes_is_option(word, "redirect") && more) {
            if (!parse_redirect(call, ++i, a)) return false;
        } else if (bytes_is_option(word, "bcast")) {
            a->mode |= TRACKING_BCAST;
        } else if (bytes_is_option(word, "optin")) {
            a->mode |= TRACKING_OPTIN;
        } else if (bytes_is_option(word, "optout")) {
            a->mode |= TRACKING_OPTOUT;
        } else if (bytes_is_option(word, "noloop")) {
            a->mode |= TRACKING_NOLOOP;
        } else if (bytes_is_option(word, "prefix") && more) {
            a->has_prefix = true;
            i++;
        } else {
            reply_error(call->reply, reply_text_syntax);
            return false;
        }
    }
    return true;
}

static const char *mode_conflict(const struct client *c, const struct tracking_args *a)
{
    uint32_t now = c->tracker ? c->tracker->mode : 0;
    bool in = a->mode & TRACKING_OPTIN, out = a->mode & TRACKING_OPTOUT;
    if (a->has_prefix && !(a->mode & TRACKING_BCAST))
        return "ERR PREFIX option requires BCAST mode to be enabled";
    if (c->tracker && ((now ^ a->mode) & TRACKING_BCAST))
        return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    if ((a->mode & TRACKING_BCAST) && (in || out))
        return "ERR OPTIN and OPTOUT are not compatible with BCAST";
    if (in && out) return "ERR You can't use both OPTIN mode and OPTOUT mode";
    if ((in && (now & TRACKING_OPTOUT)) || (out && (now & TRACKING_OPTIN)))
        return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    return NULL;
}

static bool overlap(struct bytes a, struct bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    return size == 0 || memcmp(a.data, b.data, size) == 0;
}

static bool refuse_overlap(struct call *call, struct bytes a, struct bytes b)
{
    reply_errorf(call->reply,
                 "ERR Prefix '%.*s' overlaps with an existing prefix '%.*s'. Prefixes for a single "
                 "client must not overlap.",
                 (int)a.size, (const char *)a.data, (int)b.size, (const char *)b.data);
    return false;
}

// Every prefix of the call with those before it and those that the client has; the same again is
// an overlap too.
static bool prefixes_fit(struct call *call)
{
    for (uint32_t i = 3; i + 1 < call->argc; i++) {
        if (bytes_is_option(call->argv[i], "redirect")) i++;
        if (!bytes_is_option(call->argv[i], "prefix")) continue;
        struct bytes text = call->argv[++i];
        const struct tracker *t = call->client->tracker;
        for (struct list_node *n = t ? list_first(&t->prefixes) : NULL; n;
             n = list_next(&t->prefixes, n)) {
            const struct prefix *p = LIST_OWNER(n, struct prefix_client, in_client)->prefix;
            struct bytes own = bytes_make(p->text, p->size);
            if (overlap(text, own)) return refuse_overlap(call, text, own);
        }
        for (uint32_t j = i + 1; j + 1 < call->argc; j++) {
            if (bytes_is_option(call->argv[j], "redirect")) j++;
            if (!bytes_is_option(call->argv[j], "prefix")) continue;
            struct bytes other = call->argv[++j];
            if (overlap(text, other)) return refuse_overlap(call, text, other);
        }
    }
    return true;
}

static void add_prefixes(struct call *call, const struct tracking_args *a)
{
    if (!(a->mode & TRACKING_BCAST)) return;
    for (uint32_t i = 3; i + 1 < call->argc; i++) {
        if (bytes_is_option(call->argv[i], "redirect"))
            i++;
        else if (bytes_is_option(call->argv[i], "prefix"))
            add_prefix(call, call->argv[++i]);
    }
    if (!a->has_prefix) add_prefix(call, bytes_make("", 0));
}

void client_tracking(struct call *call)
{
    struct tracking_args a = { 0 };
    if (!parse_tracking(call, &a)) return;
    if (bytes_is_option(call->argv[2], "off")) {
        tracking_forget_client(call->server, call->client);
        reply_ok(call->reply);
        return;
    }
    if (!bytes_is_option(call->argv[2], "on")) {
        reply_error(call->reply, reply_text_syntax);
        return;
    }
    const char *conflict = mode_conflict(call->client, &a);
    if (conflict) {
        reply_error(call->reply, conflict);
        return;
    }
    if ((a.mode & TRACKING_BCAST) && !prefixes_fit(call)) return;
    start(call, a.mode, a.redirect);
    add_prefixes(call, &a);
    reply_ok(call->reply);
}

void client_caching(struct call *call)
{
    struct tracker *t = call->client->tracker;
    bool yes = bytes_is_option(call->argv[2], "yes"), no = bytes_is_option(call->argv[2], "no");
    if (!t) {
        reply_error(call->reply,
                    "ERR CLIENT CACHING can be called only when the client is in tracking mode "
                    "with OPTIN or OPTOUT mode enabled");
    } else if (!yes && !no) {
        reply_error(call->reply, reply_text_syntax);
    } else if (yes && !(t->mode & TRACKING_OPTIN)) {
        reply_error(call->reply, "ERR CLIENT CACHING YES is only valid when tracking is enabled in "
                                 "OPTIN mode.");
    } else if (no && !(t->mode & TRACKING_OPTOUT)) {
        reply_error(call->reply, "ERR CLIENT CACHING NO is only valid when tracking is enabled in "
                                 "OPTOUT mode.");
    } else {
        t->mode |= TRACKING_CACHING;
        reply_ok(call->reply);
    }
}

void client_getredir(struct call *call)
{
    const struct tracker *t = call->client->tracker;
    reply_int(call->reply, t ? (int64_t)t->redirect : -1);
}

static uint32_t mode_words(const struct tracker *t, const char *words[8])
{
    uint32_t count = 0;
    words[count++] = t ? "on" : "off";
    if (!t) return count;
    bool said = t->mode & TRACKING_CACHING;
    if (t->mode & TRACKING_BCAST) words[count++] = "bcast";
    if (t->mode & TRACKING_OPTIN) words[count++] = "optin";
    if ((t->mode & TRACKING_OPTIN) && said) words[count++] = "caching-yes";
    if (t->mode & TRACKING_OPTOUT) words[count++] = "optout";
    if ((t->mode & TRACKING_OPTOUT) && said) words[count++] = "caching-no";
    if (t->mode & TRACKING_NOLOOP) words[count++] = "noloop";
    if (t->mode & TRACKING_BROKEN_REDIRECT) words[count++] = "broken_redirect";
    return count;
}

void client_trackinginfo(struct call *call)
{
    const struct tracker *t = call->client->tracker;
    const char *words[8];
    uint32_t count = mode_words(t, words);
    reply_map(call->reply, 3);
    reply_bulk_text(call->reply, "flags");
    reply_set(call->reply, count);
    for (uint32_t i = 0; i < count; i++) reply_bulk_text(call->reply, words[i]);
    reply_bulk_text(call->reply, "redirect");
    reply_int(call->reply, t ? (int64_t)t->redirect : -1);
    reply_bulk_text(call->reply, "prefixes");
    reply_array(call->reply, t ? t->prefixes.count : 0);
    for (struct list_node *n = t ? list_first(&t->prefixes) : NULL; n;
         n = list_next(&t->prefixes, n)) {
        const struct prefix *p = LIST_OWNER(n, struct prefix_client, in_client)->prefix;
        reply_bulk(call->reply, bytes_make(p->text, p->size));
    }
}
