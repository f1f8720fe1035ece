// cmd_debug_digest.c: DEBUG DIGEST and DIGEST-VALUE, of one moment, in slices.
//
// Source:  types/digest.h; DESIGN "Walks"
//
// DIGEST is a walk over each database of each shard. What is about to change ahead of a walk is
// shown to it before (job.h), by the thread of its shard: a small value is added to the database's
// sum at once, of another one a cut is kept. The sum is the same in any order.
#include <stdio.h>
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/cmd_debug.h"
#include "dataplane/cmd/job.h"
#include "dataplane/keyspace/walk.h"
#include "dataplane/types/value_digest.h"

enum {
    STEP_ELEMENTS = 16,
    STEP_NAMES = 256,
    // Of a value. A bucket of the largest that are read at once takes some 100 us.
    TEXT_AT_ONCE_BYTES = 8192,
    ELEMENTS_AT_ONCE_BYTES = 256,
};

static void reply_digest(struct call *call, const uint8_t digest[DIGEST_BYTES])
{
    char text[2 * DIGEST_BYTES + 1];
    for (uint32_t i = 0; i < DIGEST_BYTES; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
    reply_status(call->reply, text);
}

static bool is_small(const struct entry *e)
{
    bool is_text = entry_type(e) == TYPE_STRING;
    return entry_memory_bytes(e) <= (is_text ? TEXT_AT_ONCE_BYTES : ELEMENTS_AT_ONCE_BYTES);
}

// ---- DEBUG DIGEST

struct digest_home;  // a shard
struct digest_walk { // a database of it that had keys
    struct keyspace_walk walk;
    struct digest_home *home;
    uint8_t keys[DIGEST_BYTES]; // the sum so far
};
struct digest_large {
    struct digest_large *next;
    struct digest_walk *walk;
    struct value_digest value;
};
struct digest_home {
    struct job_watch watch;
    struct server *server;
    struct digest_walk *walks;
    uint32_t walk_count, walk_at; // walks before walk_at have ended
    struct digest_large *large;
};
struct digest_job {
    struct job job;
    struct digest_home *homes;
    uint32_t home_count, home_at;
    bool watches;
};

static void keep_large(struct digest_walk *w, const struct entry *e)
{
    struct digest_home *home = w->home;
    struct digest_large *l = heap_take(home->server->heap, sizeof *l, HEAP_OTHER);
    l->next = home->large;
    l->walk = w;
    digest_key(l->value.digest, entry_key(e));
    value_digest_begin(&l->value, home->server->keyspace, e, w->walk.now_ms);
    home->large = l;
}

static void show(void *context, const struct entry *e)
{
    struct digest_walk *w = context;
    uint8_t one[DIGEST_BYTES];
    if (!is_small(e)) {
        keep_large(w, e);
        return;
    }
    digest_key(one, entry_key(e));
    digest_value(w->home->server->keyspace, e, w->walk.now_ms, one);
    digest_add_key(w->keys, one);
}

// By the thread of server, or of who holds it.
static void before_write(struct job_watch *watch, struct server *server, struct bytes name)
{
    struct digest_home *home = LIST_OWNER(watch, struct digest_home, watch);
    struct key key = key_make(server->keyspace, name);
    for (uint32_t i = home->walk_at; i < home->walk_count; i++)
        keyspace_walk_show_now(&home->walks[i].walk, &key);
}

static void drop_large(struct digest_home *home)
{
    struct digest_large *l = home->large;
    home->large = l->next;
    value_digest_end(&l->value);
    heap_give(home->server->heap, l, sizeof *l, HEAP_OTHER);
}

static void step_large(struct digest_home *home)
{
    struct digest_large *l = home->large;
    if (!value_digest_step(&l->value, STEP_ELEMENTS)) return;
    digest_add_key(l->walk->keys, l->value.digest);
    drop_large(home);
}

// A bucket of keys, some of a large value, or some of what a walk remembers. False: all is done.
static bool step_home(struct digest_home *home)
{
    if (home->large) {
        step_large(home);
        return true;
    }
    if (home->walk_at == home->walk_count) return false;
    struct keyspace_walk *w = &home->walks[home->walk_at].walk;
    if (keyspace_walk_step(w) && keyspace_walk_end_step(w, STEP_NAMES)) home->walk_at++;
    return true;
}

static bool has_database(const struct digest_home *home, uint32_t db, uint8_t keys[DIGEST_BYTES])
{
    for (uint32_t i = 0; i < home->walk_count; i++) {
        if (home->walks[i].walk.db != db) continue;
        for (uint32_t n = 0; n < DIGEST_BYTES; n++) keys[n] ^= home->walks[i].keys[n];
        return true;
    }
    return false;
}

static void reply_sum(const struct digest_job *j, struct call *call)
{
    uint8_t digest[DIGEST_BYTES] = { 0 };
    uint32_t databases = (uint32_t)call->server->settings->databases;
    for (uint32_t db = 0; db < databases; db++) {
        uint8_t keys[DIGEST_BYTES] = { 0 };
        bool has_any = false;
        for (uint32_t i = 0; i < j->home_count; i++)
            has_any |= has_database(&j->homes[i], db, keys);
        if (has_any) digest_add_database(digest, db, keys);
    }
    reply_digest(call, digest);
}

static bool digest_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct digest_job *j = LIST_OWNER(job, struct digest_job, job);
    while (j->home_at < j->home_count) {
        if (!step_home(&j->homes[j->home_at])) j->home_at++;
        if (!job_may_go_on(until_tsc)) return false;
    }
    reply_sum(j, call);
    return true;
}

static void close_home(struct digest_home *home, bool watches)
{
    struct heap *heap = home->server->heap;
    if (watches) jobs_unwatch(home->server, &home->watch);
    while (home->large) drop_large(home);
    for (; home->walk_at < home->walk_count; home->walk_at++)
        keyspace_walk_end(&home->walks[home->walk_at].walk);
    if (home->walks)
        heap_give(heap, home->walks, home->walk_count * sizeof home->walks[0], HEAP_OTHER);
}

static void digest_close(struct job *job, struct server *server)
{
    struct digest_job *j = LIST_OWNER(job, struct digest_job, job);
    for (uint32_t i = 0; i < j->home_count; i++) close_home(&j->homes[i], j->watches);
    heap_give(server->heap, j->homes, j->home_count * sizeof j->homes[0], HEAP_OTHER);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops digest_ops = { digest_step, digest_close };

static void begin_home(struct digest_home *home, struct server *server, uint64_t now_ms)
{
    struct keyspace *k = server->keyspace;
    uint32_t databases = (uint32_t)server->settings->databases, count = 0;
    *home = (struct digest_home){ { .before_write = before_write }, .server = server };
    for (uint32_t db = 0; db < databases; db++) count += keyspace_size(k, db) != 0;
    if (!count) return;
    home->walks = heap_take_zeroed(server->heap, count * sizeof home->walks[0], HEAP_OTHER);
    for (uint32_t db = 0; db < databases; db++) {
        if (keyspace_size(k, db) == 0) continue;
        struct digest_walk *w = &home->walks[home->walk_count++];
        w->home = home;
        keyspace_walk_begin(&w->walk, k, db, now_ms, show, w);
    }
}

void debug_digest(struct call *call)
{
    struct server *s = call->server;
    struct digest_job *j = heap_take_zeroed(s->heap, sizeof *j, HEAP_OTHER);
    j->job.ops = &digest_ops;
    j->home_count = server_peer_count(s);
    j->homes = heap_take(s->heap, j->home_count * sizeof j->homes[0], HEAP_OTHER);
    for (uint32_t i = 0; i < j->home_count; i++)
        begin_home(&j->homes[i], server_peer(s, i), call->now_ms);
    call_start_job(call, &j->job);
    if (!call->suspended) return;
    j->watches = true;
    for (uint32_t i = 0; i < j->home_count; i++) jobs_watch(j->homes[i].server, &j->homes[i].watch);
}

// ---- DEBUG DIGEST-VALUE [<key> ...]

struct value_slot {
    struct value_digest *large;   // of one that is not read yet; NULL: it is
    uint8_t digest[DIGEST_BYTES]; // zeros: there is no such key
};
struct values_job {
    struct job job;
    uint32_t count, at; // slots
    struct value_slot slots[];
};

static size_t values_bytes(uint32_t count)
{
    return sizeof(struct values_job) + count * sizeof(struct value_slot);
}

static void give_large(struct value_slot *slot, struct heap *heap)
{
    value_digest_end(slot->large);
    heap_give(heap, slot->large, sizeof *slot->large, HEAP_OTHER);
    slot->large = NULL;
}

static bool values_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct values_job *j = LIST_OWNER(job, struct values_job, job);
    while (j->at < j->count) {
        struct value_slot *slot = &j->slots[j->at];
        if (slot->large && value_digest_step(slot->large, STEP_ELEMENTS)) {
            memcpy(slot->digest, slot->large->digest, DIGEST_BYTES);
            give_large(slot, call->server->heap);
        }
        if (!slot->large) {
            reply_digest(call, slot->digest);
            j->at++;
        }
        if (!job_may_go_on(until_tsc)) break;
    }
    return j->at == j->count;
}

static void values_close(struct job *job, struct server *server)
{
    struct values_job *j = LIST_OWNER(job, struct values_job, job);
    for (; j->at < j->count; j->at++)
        if (j->slots[j->at].large) give_large(&j->slots[j->at], server->heap);
    heap_give(server->heap, j, values_bytes(j->count), HEAP_OTHER);
}

static const struct job_ops values_ops = { values_step, values_close };

// True: it is to be read in slices.
static bool look_at(struct call *call, uint32_t argument, struct value_slot *slot)
{
    struct key key = call_key(call, argument);
    const struct entry *e = call_find(call, &key, FIND_QUIET);
    if (!e) return false;
    struct keyspace *home = call_keyspace(call, key.name);
    if (is_small(e)) {
        digest_value(home, e, call->now_ms, slot->digest);
        return false;
    }
    slot->large = heap_take(call->server->heap, sizeof *slot->large, HEAP_OTHER);
    memset(slot->large->digest, 0, DIGEST_BYTES);
    value_digest_begin(slot->large, home, e, call->now_ms);
    return true;
}

void debug_digest_value(struct call *call)
{
    uint32_t count = call->argc - 2, large = 0;
    struct values_job *j = heap_take_zeroed(call->server->heap, values_bytes(count), HEAP_OTHER);
    j->job.ops = &values_ops;
    j->count = count;
    for (uint32_t i = 0; i < count; i++) large += look_at(call, 2 + i, &j->slots[i]);
    reply_array(call->reply, count);
    if (large)
        call_start_job(call, &j->job);
    else
        call_run_job(call, &j->job);
}
