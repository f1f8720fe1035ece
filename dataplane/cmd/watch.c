#include "dataplane/cmd/watch.h"
#include "dataplane/base/check.h"
#include "dataplane/cmd/changed.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/pause.h"

struct watch { // one client's of one key
    struct list_node in_key, in_watcher;
    struct name *key;
    struct watcher *watcher;
    bool was_over; // its key's time was, when it was watched, and it was still there (pause.h)
};
struct far_watcher { // of a client of another shard
    struct list_node in_name;
    struct name *name; // the client's id, in home->far_watchers
    // Of the client's shard, when it began to watch here: a message that it sent before, to forget
    // it, may still be under way.
    uint64_t generation;
    struct watcher watcher;
};

static shard_set bit_of(const struct server *s) { return shard_set_of(s->shard_index); }

static struct server *first_of(struct server *s, shard_set shards)
{
    return s->node->servers[shard_set_first(shards)];
}

// ---- what a home keeps

void watches_open(struct server *s)
{
    names_open(&s->watched_keys, s->heap);
    names_open(&s->far_watchers, s->heap);
}

static void drop_watch(struct server *home, struct watch *w)
{
    struct watcher *watcher = w->watcher;
    list_remove(&w->key->members, &w->in_key);
    list_remove(&watcher->watches, &w->in_watcher);
    home->watching_clients -= watcher->is_counted && watcher->watches.count == 0;
    if (w->key->members.count == 0) names_give(&home->watched_keys, w->key);
    heap_give(home->heap, w, sizeof *w, HEAP_SESSION);
}

static void drop_all(struct server *home, struct watcher *watcher)
{
    struct list_node *node;
    if (watcher->watches.count == 0) return;
    while ((node = list_first(&watcher->watches)) != NULL)
        drop_watch(home, LIST_OWNER(node, struct watch, in_watcher));
    changed_steer(home);
}

static void watcher_init(struct watcher *watcher)
{
    *watcher = (struct watcher){ 0 };
    list_init(&watcher->watches);
}

static struct far_watcher *owner_of(const struct name *name)
{
    return LIST_OWNER(list_first(&name->members), struct far_watcher, in_name);
}

static struct far_watcher *far_find(const struct server *home, uint64_t client_id)
{
    struct name *name =
        names_find(&home->far_watchers, 0, bytes_make(&client_id, sizeof client_id));
    return name ? owner_of(name) : NULL;
}

static struct far_watcher *far_add(struct server *home, uint64_t client_id, uint64_t generation)
{
    struct far_watcher *f = heap_take_zeroed(home->heap, sizeof *f, HEAP_SESSION);
    f->name = names_take(&home->far_watchers, 0, bytes_make(&client_id, sizeof client_id));
    f->generation = generation;
    watcher_init(&f->watcher);
    list_append(&f->name->members, &f->in_name);
    return f;
}

static void far_forget(struct server *home, struct far_watcher *f)
{
    drop_all(home, &f->watcher);
    list_remove(&f->name->members, &f->in_name);
    names_give(&home->far_watchers, f->name);
    heap_give(home->heap, f, sizeof *f, HEAP_SESSION);
}

void watches_forget_client(struct server *home, uint64_t client_id, uint64_t generation)
{
    struct far_watcher *f = far_find(home, client_id);
    if (f && f->generation <= generation) far_forget(home, f);
}

// The clients of this shard are gone; those of others may not have come to say it.
void watches_close(struct server *s)
{
    uint32_t position = 0;
    struct name *name = names_next(&s->far_watchers, &position, NULL);
    while (name) {
        struct name *next = names_next(&s->far_watchers, &position, name);
        far_forget(s, owner_of(name));
        name = next;
    }
    names_close(&s->far_watchers);
    names_close(&s->watched_keys);
}

// ---- a client's

void watches_init(struct watches *w)
{
    *w = (struct watches){ 0 };
    watcher_init(&w->own);
}

static struct watcher *far_watcher_at(struct server *s, struct server *home, uint64_t client_id,
                                      const struct watches *w)
{
    struct far_watcher *f = far_find(home, client_id);
    CHECK(s->held & bit_of(home));
    if (f && !(w->shards & bit_of(home))) { // told to go, and has not heard of it
        far_forget(home, f);
        f = NULL;
    }
    if (!f) f = far_add(home, client_id, s->watch_generation);
    return &f->watcher;
}

static bool is_watching(const struct watcher *watcher, const struct name *key)
{
    const struct list *all = &watcher->watches;
    for (struct list_node *n = list_first(all); n; n = list_next(all, n))
        if (LIST_OWNER(n, struct watch, in_watcher)->key == key) return true;
    return false;
}

// Looks key up, so that it goes when its time is over. True: it is, and it stays for now.
static bool is_over(struct server *home, uint32_t db, const struct key *key, uint64_t now_ms)
{
    if (keyspace_find(home->keyspace, db, key, FIND_QUIET, now_ms)) return false;
    return pause_is_on(home) && keyspace_peek(home->keyspace, db, key);
}

void watch_key(struct call *call, struct watches *w, const struct key *key)
{
    const struct client *c = call->client;
    struct server *s = server_of_client(call->server, c->id), *home = server_home(s, key->name);
    bool is_far = home != s;
    struct watcher *watcher = UNLIKELY(is_far) ? far_watcher_at(s, home, c->id, w) : &w->own;
    bool is_elsewhere_too = (w->shards & ~bit_of(home)) != 0;
    w->shards |= bit_of(home);
    if (watcher->is_stale) return; // it cannot become more so
    // A key whose time is over goes now: from here on its going would be a change.
    bool was_over = is_over(home, c->db, key, call->now_ms);
    struct name *name = names_take(&home->watched_keys, c->db, key->name);
    if (is_watching(watcher, name)) return;
    struct watch *watch = heap_take(home->heap, sizeof *watch, HEAP_SESSION);
    *watch = (struct watch){ .key = name, .watcher = watcher, .was_over = was_over };
    if (watcher->watches.count == 0) {
        watcher->is_counted = !is_elsewhere_too;
        home->watching_clients += watcher->is_counted;
    }
    list_append(&name->members, &watch->in_key);
    list_append(&watcher->watches, &watch->in_watcher);
    w->far_count += is_far;
    if (!home->on_changed) changed_steer(home);
}

static void drop_far(struct server *s, uint64_t client_id, shard_set homes)
{
    for (shard_set left = homes & s->held; left; left = shard_set_rest(left)) {
        struct server *home = first_of(s, left);
        struct far_watcher *f = far_find(home, client_id);
        CHECK(f);
        far_forget(home, f);
    }
    shard_set told = homes & ~s->held;
    if (told) s->ops->forget_watches(s, client_id, s->watch_generation++, told);
}

void watches_drop(struct server *s, uint64_t client_id, struct watches *w)
{
    if (!w->shards) return;
    drop_all(s, &w->own);
    w->own.is_stale = false;
    shard_set others = w->shards & ~bit_of(s);
    w->shards = 0;
    w->far_count = 0;
    if (UNLIKELY(others)) drop_far(s, client_id, others);
}

static bool is_stale(struct server *home, struct watcher *watcher, uint64_t now_ms)
{
    struct list_node *n = list_first(&watcher->watches);
    while (n && !watcher->is_stale) {
        const struct watch *w = LIST_OWNER(n, struct watch, in_watcher);
        struct key key = key_make(home->keyspace, name_text(w->key));
        bool was_over = w->was_over;
        n = list_next(&watcher->watches, n); // finding it may drop the watch, and no other of these
        if (is_over(home, w->key->db, &key, now_ms) && !was_over) watcher->is_stale = true;
    }
    return watcher->is_stale;
}

bool watches_are_stale(struct call *call, struct watches *w)
{
    struct server *s = server_of_client(call->server, call->client->id);
    if (is_stale(s, &w->own, call->now_ms)) return true;
    shard_set others = w->shards & ~bit_of(s);
    if (LIKELY(!others)) return false;
    CHECK((others & ~s->held) == 0);
    for (shard_set left = others; left; left = shard_set_rest(left)) {
        struct server *home = first_of(s, left);
        struct far_watcher *f = far_find(home, call->client->id);
        CHECK(f);
        if (is_stale(home, &f->watcher, call->now_ms)) return true;
    }
    return false;
}

bool watches_seem_stale(const struct server *s, uint64_t client_id, const struct watches *w)
{
    if (w->own.is_stale) return true;
    if (!s->node) return false;
    // The client may be of another shard than s: on its own there is nothing by its id.
    for (shard_set left = w->shards & (s->held | bit_of(s)); left; left = shard_set_rest(left)) {
        const struct far_watcher *f = far_find(s->node->servers[shard_set_first(left)], client_id);
        if (f && f->watcher.is_stale) return true;
    }
    return false;
}

uint32_t watches_count(const struct watches *w)
{
    return (uint32_t)w->own.watches.count + w->far_count;
}

uint64_t watches_bytes(const struct watches *w) { return watches_count(w) * sizeof(struct watch); }

// ---- changes

// Once stale, always stale: what else changes is of no interest to those clients.
static void touch(struct server *s, struct name *name)
{
    struct list *members = &name->members;
    for (size_t left = members->count; left > 0; left--) {
        struct watch *w = LIST_OWNER(list_first(members), struct watch, in_key);
        bool is_last = left == 1;
        w->watcher->is_stale = true;
        drop_watch(s, w);
        if (is_last) break; // and the name is gone
    }
    if (s->watched_keys.count == 0) changed_steer(s);
}

void watch_touch(struct server *s, uint32_t db, struct bytes key)
{
    struct name *name = names_find(&s->watched_keys, db, key);
    if (name) touch(s, name);
}

void watch_touch_those(struct server *s, bool (*concerns)(void *context, struct bytes name),
                       void *context)
{
    uint32_t position = 0;
    struct name *next, *name = names_next(&s->watched_keys, &position, NULL);
    for (; name; name = next) {
        next = names_next(&s->watched_keys, &position, name);
        if (concerns(context, name_text(name))) touch(s, name);
    }
}

static bool key_is_there(struct server *s, uint32_t db, const struct name *name)
{
    struct key key = key_make(s->keyspace, name_text(name));
    return keyspace_peek(s->keyspace, db, &key) != NULL;
}

void watch_touch_database(struct server *s, uint32_t db, uint32_t other_db)
{
    uint32_t position = 0;
    struct name *name = names_next(&s->watched_keys, &position, NULL);
    while (name) {
        struct name *next = names_next(&s->watched_keys, &position, name);
        bool concerned = db == CHANGED_ALL_DATABASES || name->db == db;
        if (concerned && (key_is_there(s, name->db, name) ||
                          (other_db != CHANGED_ALL_DATABASES && key_is_there(s, other_db, name))))
            touch(s, name);
        name = next;
    }
}
