#include "dataplane/cmd/slowlog.h"
#include <stdio.h>
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/redact.h"

enum { CUT_TEXT_MAX = 64 };

void slowlog_open(struct server *s)
{
    list_init(&s->slowlog.all);
    list_init(&s->slowlog.waited);
}

void slowlog_close(struct server *s) { slowlog_reset(s); }

static void drop(struct server *s, struct slowlog_entry *e)
{
    list_remove(&s->slowlog.all, &e->link);
    if (list_node_is_linked(&e->waited)) list_remove(&s->slowlog.waited, &e->waited);
    heap_give(s->heap, e, e->bytes, HEAP_OTHER);
}

static struct list_node *last_of(struct list *l) { return l->count ? l->root.prev : NULL; }

static void shrink_to(struct server *s, uint64_t count, uint64_t waited_count)
{
    struct slowlog *log = &s->slowlog;
    while (log->waited.count > waited_count)
        drop(s, LIST_OWNER(last_of(&log->waited), struct slowlog_entry, waited));
    while (log->all.count > count)
        drop(s, LIST_OWNER(last_of(&log->all), struct slowlog_entry, link));
}

void slowlog_reset(struct server *s) { shrink_to(s, 0, 0); }

void slowlog_shrink(struct server *s)
{
    uint64_t count = (uint64_t)s->settings->slowlog_max_len;
    shrink_to(s, count, (count + 1) / 2);
}

// ---- one entry

// What is kept of a request: texts that are cut end with what is missing.
struct excerpt {
    uint32_t argc;
    size_t bytes;
    struct {
        struct bytes kept;
        int cut_size;
        char cut[CUT_TEXT_MAX];
    } argv[SLOWLOG_ARGUMENTS_MAX];
};

static void excerpt_add(struct excerpt *x, struct bytes kept, const char *format, size_t missing)
{
    x->argv[x->argc].kept = kept;
    x->argv[x->argc].cut_size =
        missing ? snprintf(x->argv[x->argc].cut, CUT_TEXT_MAX, format, missing) : 0;
    x->bytes += kept.size + (size_t)x->argv[x->argc].cut_size;
    x->argc++;
}

static void excerpt_make(struct excerpt *x, const struct call *call)
{
    uint32_t whole = call->argc;
    if (whole > SLOWLOG_ARGUMENTS_MAX) whole = SLOWLOG_ARGUMENTS_MAX - 1;
    x->argc = 0;
    x->bytes = 0;
    for (uint32_t i = 0; i < whole; i++) {
        struct bytes a = redact_argument(call->command, call->argv, call->argc, i);
        size_t size = a.size > SLOWLOG_ARGUMENT_BYTES_MAX ? SLOWLOG_ARGUMENT_BYTES_MAX : a.size;
        excerpt_add(x, bytes_make(a.data, size), "... (%zu more bytes)", a.size - size);
    }
    if (whole < call->argc)
        excerpt_add(x, bytes_make(NULL, 0), "... (%zu more arguments)", call->argc - whole);
}

static uint8_t *put(uint8_t *to, const void *from, size_t size)
{
    if (size) memcpy(to, from, size);
    return to + size;
}

static struct bytes put_text(uint8_t **at, const void *from, size_t size)
{
    struct bytes text = bytes_make(*at, size);
    *at = put(*at, from, size);
    return text;
}

// Who asked: a script's commands have a client of their own, which nobody could find.
static const struct client *caller_of(const struct call *call)
{
    return call->server->executing ? call->server->executing : call->client;
}

static struct slowlog_entry *entry_new(const struct call *call)
{
    struct server *s = call->server;
    const struct client *c = caller_of(call);
    struct excerpt x;
    char address[128];
    size_t address_size = 3, name_size = c->name ? strlen(c->name) : 0;
    excerpt_make(&x, call);
    if (c->stream)
        address_size = client_address_text(c, false, s->settings->unixsocket, address);
    else
        memcpy(address, "?:0", address_size); // gone, or it never was
    size_t bytes = sizeof(struct slowlog_entry) + x.argc * sizeof(struct bytes) + x.bytes +
                   address_size + name_size;
    struct slowlog_entry *e = heap_take(s->heap, bytes, HEAP_OTHER);
    *e = (struct slowlog_entry){ .bytes = (uint32_t)bytes,
                                 .argc = x.argc,
                                 .proxy_of = c->flags & CLIENT_PROXY ? c->id : 0 };
    uint8_t *at = (uint8_t *)&e->argv[x.argc];
    e->address = put_text(&at, address, address_size);
    e->name = put_text(&at, c->name, name_size);
    for (uint32_t i = 0; i < x.argc; i++) {
        size_t cut = (size_t)x.argv[i].cut_size;
        e->argv[i] = put_text(&at, x.argv[i].kept.data, x.argv[i].kept.size);
        e->argv[i].size += cut;
        at = put(at, x.argv[i].cut, cut);
    }
    return e;
}

// Requests that wait at the same time tell the same story: one of them is enough.
static bool tells_something_new(const struct server *s, uint64_t now_ns)
{
    uint64_t spacing_ns = (uint64_t)s->settings->slowlog_log_wait_slower_than * 1000;
    return !s->slowlog.wait_logged_ns || now_ns - s->slowlog.wait_logged_ns >= spacing_ns;
}

static bool waited_long(struct server *s, uint64_t wait_us)
{
    int64_t threshold_us = s->settings->slowlog_log_wait_slower_than;
    if (threshold_us < 0 || wait_us < (uint64_t)threshold_us) return false;
    uint64_t now_ns = clock_now_ns(s->clock);
    if (!tells_something_new(s, now_ns)) return false;
    s->slowlog.wait_logged_ns = now_ns;
    return true;
}

static uint64_t next_id(struct server *s)
{
    if (!s->node) return s->slowlog.next_id++;
    return __atomic_fetch_add(&s->node->slowlog_next_id, 1, __ATOMIC_RELAXED);
}

void slowlog_note(struct call *call, uint64_t wait_us, uint64_t execute_us)
{
    struct server *s = call->server;
    int64_t threshold_us = s->settings->slowlog_log_slower_than;
    if (threshold_us < 0 || s->settings->slowlog_max_len == 0) return;
    // EXEC is not logged for its time, because what it runs is; but nothing else waited for it.
    bool is_slow =
        execute_us >= (uint64_t)threshold_us && !(call->command->flags & CMD_SKIP_SLOWLOG);
    if (!is_slow && !waited_long(s, wait_us)) return;
    struct slowlog_entry *e = entry_new(call);
    e->id = next_id(s);
    e->time_s = clock_wall_us() / 1000000;
    e->execute_us = execute_us;
    e->wait_us = wait_us;
    list_prepend(&s->slowlog.all, &e->link);
    if (!is_slow) list_prepend(&s->slowlog.waited, &e->waited);
    slowlog_shrink(s);
}

// ---- of all shards

static struct slowlog_entry *entry_of(struct list_node *n)
{
    return n ? LIST_OWNER(n, struct slowlog_entry, link) : NULL;
}

uint64_t slowlog_walk_begin(struct server *s, struct slowlog_walk *w)
{
    uint64_t count = 0, most = (uint64_t)s->settings->slowlog_max_len;
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        const struct list *all = &server_peer(s, i)->slowlog.all;
        w->next[i] = entry_of(list_first(all));
        count += all->count;
    }
    return count < most ? count : most;
}

const struct slowlog_entry *slowlog_walk_next(struct server *s, struct slowlog_walk *w)
{
    struct slowlog_entry *newest = NULL;
    uint32_t from = 0;
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        if (!w->next[i] || (newest && w->next[i]->id < newest->id)) continue;
        newest = w->next[i];
        from = i;
    }
    if (newest)
        w->next[from] = entry_of(list_next(&server_peer(s, from)->slowlog.all, &newest->link));
    return newest;
}
