#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/changed.h"
#include "dataplane/cmd/cmd_docs.h"
#include "dataplane/cmd/held.h"
#include "dataplane/cmd/tracking_priv.h"

enum {
    READERS_FIRST = 4,
    GIVE_UP_PER_TURN = 256, // after tracking-table-max-keys was lowered
    FREE_PER_TURN = 512,
};

struct readers { // of one key: ids, open addressing, at most three quarters full; 0 is no id
    struct list_node in_name;
    uint32_t count, room;
    uint64_t *ids;
};
struct dying_keys {
    struct list_node link;
    struct names keys;
    uint32_t position; // of names_next
    struct name *next;
};

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

static void give_key(struct server *s, struct names *keys, struct name *name)
{
    struct readers *r = readers_of(name);
    list_remove(&name->members, &r->in_name);
    heap_give(s->heap, r->ids, r->room * sizeof *r->ids, HEAP_SESSION);
    heap_give(s->heap, r, sizeof *r, HEAP_SESSION);
    names_give(keys, name);
}

void tracking_tell_reader(struct server *s, uint64_t id, uint64_t by, struct invalidation *i)
{
    struct client *c = client_table_find(&s->clients, id);
    if (!c || !c->tracker || (c->tracker->mode & TRACKING_BCAST)) return;
    if (id == by && (c->tracker->mode & TRACKING_NOLOOP)) return;
    tracking_tell(s, c, i);
}

// Keys change, flush and vanish in the name of nobody too: by is NULL then.
static void tell_readers(struct server *s, const struct name *name, const struct client *by)
{
    const struct readers *r = readers_of(name);
    uint64_t by_id = by ? by->id : 0;
    struct invalidation told = { .kind = INVALIDATE_KEY, .text = name_text(name) };
    for (uint32_t i = 0; i < r->room; i++)
        if (r->ids[i]) tracking_tell_reader(s, r->ids[i], by_id, &told);
    invalidation_close(&told);
    if (server_is_one_of_many(s)) elsewhere_tell_readers(s, told.text, r->ids, r->room, by_id);
}

// Other shards count these, too.
static inline void count_keys(struct server *s)
{
    if (LIKELY(!server_is_one_of_many(s))) return;
    __atomic_store_n(&s->node->levels[s->shard_index].tracked_keys, s->tracking.keys.count,
                     __ATOMIC_RELAXED);
}

static void tell_and_forget(struct server *s, struct name *name, const struct client *by)
{
    tell_readers(s, name, by);
    s->tracking.items -= readers_of(name)->count;
    give_key(s, &s->tracking.keys, name);
    count_keys(s);
}

void tracking_key_changed(struct server *s, struct bytes key, const struct client *by)
{
    if (s->tracking.prefixes.count) prefixes_key_changed(s, key, by);
    struct name *name = names_find(&s->tracking.keys, 0, key);
    if (name) tell_and_forget(s, name, by);
}

void tracking_forget_those(struct server *s, bool (*concerns)(void *context, struct bytes name),
                           void *context)
{
    uint32_t position = 0;
    struct name *next, *name = names_next(&s->tracking.keys, &position, NULL);
    for (; name; name = next) {
        next = names_next(&s->tracking.keys, &position, name);
        if (concerns(context, name_text(name))) tell_and_forget(s, name, NULL);
    }
}

// ---- giving keys up

static bool is_over(const struct server *s)
{
    uint64_t most = (uint64_t)s->settings->tracking_table_max_keys, own = s->tracking.keys.count;
    if (!most || !own) return false;
    return (server_is_one_of_many(s) ? elsewhere_key_count(s) : own) > most;
}

static void give_up_some(struct server *s, uint64_t budget)
{
    struct tracking *t = &s->tracking;
    for (; budget && is_over(s); budget--) {
        struct name *name = names_next(&t->keys, &t->evict_cursor, NULL);
        if (!name) t->evict_cursor = 0;
        if (!name) name = names_next(&t->keys, &t->evict_cursor, NULL);
        tell_and_forget(s, name, NULL);
    }
}

// ---- what was read

static void remember_key(void *context, uint32_t index, uint32_t flags)
{
    const struct call *call = context;
    struct server *home = call_home(call, call->argv[index]);
    (void)flags;
    add_reader(home, call->argv[index], call->server->executing->id);
    if (UNLIKELY(server_is_one_of_many(home))) count_keys(home);
    if (UNLIKELY(home != call->server) && is_over(home)) give_up_some(home, 2);
}

// Scripts that only read are remembered by what they call.
static bool is_read(const struct command *row)
{
    return (row->flags & CMD_READONLY) && !(row->acl_categories & ACL_SCRIPTING);
}

static bool is_cached(const struct tracker *t)
{
    bool said = t->mode & TRACKING_CACHING;
    if (t->mode & TRACKING_BCAST) return false;
    if (t->mode & TRACKING_OPTIN) return said;
    return !((t->mode & TRACKING_OPTOUT) && said);
}

void tracking_after(const struct call *call)
{
    struct server *s = call->server;
    const struct client *c = s->executing; // a script's commands have a client of their own
    if (!c || !c->tracker) return;
    if (is_read(call->command) && is_cached(c->tracker)) {
        uint64_t before = s->tracking.keys.count;
        command_find_keys(call->command, call->argv, call->argc, remember_key,
                          (void *)(uintptr_t)call);
        // As many go as come, and a little more.
        if (UNLIKELY(is_over(s))) give_up_some(s, 2 * (s->tracking.keys.count - before));
    }
    tracking_caching_used(call);
}

// Whatever else CLIENT is asked meanwhile, it holds for the next other command, or for the whole of
// the next transaction.
void tracking_caching_over(const struct call *call)
{
    const struct client *c = call->client;
    if (!c->tracker || (c->flags & (CLIENT_IN_MULTI | CLIENT_BLOCKED))) return;
    if (call->command && strncmp(call->command->full_name, "client", 6) == 0) return;
    c->tracker->mode &= ~(uint32_t)TRACKING_CACHING;
}

void tracking_caching_used(const struct call *call)
{
    if (!call->no_suspend) tracking_caching_over(call);
}

// ---- all keys at once

static void forget_all_keys(struct server *s)
{
    struct tracking *t = &s->tracking;
    if (!t->keys.count) return;
    struct dying_keys *d = heap_take_zeroed(s->heap, sizeof *d, HEAP_SESSION);
    d->keys = t->keys;
    d->next = names_next(&d->keys, &d->position, NULL);
    list_append(&t->dying, &d->link);
    names_open_like(&t->keys, &d->keys);
    t->items = 0;
    t->evict_cursor = 0;
    count_keys(s);
}

// True: there are more.
static bool free_some(struct server *s, uint32_t budget)
{
    struct list *dying = &s->tracking.dying;
    struct dying_keys *d = LIST_OWNER(list_first(dying), struct dying_keys, link);
    for (; budget && d->next; budget--) {
        struct name *name = d->next;
        d->next = names_next(&d->keys, &d->position, name);
        give_key(s, &d->keys, name);
    }
    if (d->next) return true;
    list_remove(dying, &d->link);
    names_close(&d->keys);
    heap_give(s->heap, d, sizeof *d, HEAP_SESSION);
    return dying->count != 0;
}

void tracking_tell_flush(struct server *s)
{
    struct invalidation told = { .kind = INVALIDATE_ALL };
    const struct list *all = &s->clients.all;
    for (struct list_node *n = list_first(all); n; n = list_next(all, n)) {
        struct client *c = LIST_OWNER(n, struct client, all);
        if (c->tracker) tracking_tell(s, c, &told);
    }
    invalidation_close(&told);
}

void tracking_flushed(struct server *s)
{
    tracking_tell_flush(s);
    forget_all_keys(s);
}

void tracking_end_held(struct server *s)
{
    for (shard_set left = held_shards(s); left;) {
        struct server *one = held_next(s, &left);
        if (one->tracking.fresh.count) prefixes_broadcast(one);
    }
}

bool tracking_turn(struct server *s)
{
    if (s->tracking.fresh.count) prefixes_broadcast(s);
    give_up_some(s, GIVE_UP_PER_TURN);
    bool more = s->tracking.dying.count && free_some(s, FREE_PER_TURN);
    return more || is_over(s);
}

// ---- clients

void tracking_steer(struct server *s)
{
    struct tracking *t = &s->tracking;
    bool is_on = t->clients || (s->node && posted_others(s, &s->node->tracking));
    if (is_on == t->is_on) return;
    t->is_on = is_on;
    if (!is_on) forget_all_keys(s);
    changed_steer(s);
}

static void count_client(struct server *s, int change)
{
    bool was = s->tracking.clients != 0;
    s->tracking.clients += (uint64_t)(int64_t)change;
    bool is = s->tracking.clients != 0;
    if (is == was) return;
    if (server_is_one_of_many(s)) posted_mark(s, &s->node->tracking, is);
    tracking_steer(s);
    if (server_is_one_of_many(s)) elsewhere_steer(s);
}

void tracking_start(struct call *call, uint32_t mode, uint64_t redirect)
{
    struct server *s = call->server;
    struct client *c = call->client;
    if (!c->tracker) {
        c->tracker = heap_take_zeroed(s->heap, sizeof *c->tracker, HEAP_SESSION);
        list_init(&c->tracker->prefixes);
        count_client(s, 1);
    }
    c->tracker->mode = mode | (c->tracker->mode & TRACKING_CACHING);
    c->tracker->redirect = redirect;
}

// The keys it has read stay: its id stands for nobody then.
void tracking_forget_client(struct server *s, struct client *c)
{
    if (!c->tracker) return;
    prefixes_forget_client(s, c);
    heap_give(s->heap, c->tracker, sizeof *c->tracker, HEAP_SESSION);
    c->tracker = NULL;
    count_client(s, -1);
}

uint64_t tracking_memory(const struct client *c)
{
    if (!c->tracker) return 0;
    return sizeof *c->tracker + c->tracker->prefixes.count * sizeof(struct prefix_client);
}

void tracking_open(struct server *s)
{
    names_open(&s->tracking.keys, s->heap);
    list_init(&s->tracking.dying);
    prefixes_open(s);
}

void tracking_close(struct server *s)
{
    forget_all_keys(s);
    while (s->tracking.dying.count) (void)free_some(s, UINT32_MAX);
    names_close(&s->tracking.keys);
    prefixes_close(s);
}
