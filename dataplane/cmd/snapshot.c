#include "dataplane/cmd/snapshot.h"
#include "dataplane/base/check.h"
#include "dataplane/cmd/server.h"
#include "dataplane/cmd/snapshot_form.h"
#include "dataplane/keyspace/walk.h"

enum { STEP_ELEMENTS = 64, STEP_NAMES = 256, OUT_ROOM_BYTES = 128 * 1024 };

struct snapshot_walk {
    struct keyspace_walk walk;
    struct snapshot *snapshot;
};

void snapshot_open(struct snapshot *s, struct server *server)
{
    *s = (struct snapshot){ .server = server };
    list_init(&s->pieces);
    list_init(&s->large);
}

// ---- pieces

static void open_out(struct snapshot *s, struct snapshot_out *out)
{
    rdb_buffer_init(&out->buffer, s->server->heap, HEAP_LOG);
    out->db = SNAPSHOT_NO_DATABASE;
}

static void add_piece(struct snapshot *s, struct blob *blob, bool ends_group)
{
    struct snapshot_piece *p = heap_take(s->server->heap, sizeof *p, HEAP_LOG);
    *p = (struct snapshot_piece){ .blob = blob, .ends_group = ends_group };
    s->pieces_bytes += blob->capacity;
    list_append(&s->pieces, &p->link);
}

static void end_piece(struct snapshot *s, struct snapshot_out *out, bool ends_group)
{
    struct blob *blob = rdb_buffer_take(&out->buffer);
    if (ends_group) out->db = SNAPSHOT_NO_DATABASE;
    if (blob) add_piece(s, blob, ends_group);
}

bool snapshot_add_file_head(struct snapshot *s, bool is_aof_base)
{
    struct rdb_buffer head;
    rdb_buffer_init(&head, s->server->heap, HEAP_LOG);
    s->form->put_file_head(&head, s->server, is_aof_base);
    struct blob *blob = rdb_buffer_take(&head);
    if (blob) add_piece(s, blob, true);
    return blob != NULL;
}

void snapshot_drop_piece(struct snapshot *s)
{
    struct snapshot_piece *p = LIST_OWNER(list_take_first(&s->pieces), struct snapshot_piece, link);
    s->pieces_bytes -= p->blob->capacity;
    blob_release(p->blob);
    heap_give(s->server->heap, p, sizeof *p, HEAP_LOG);
}

// ---- keys

static struct snapshot_key key_of(const struct snapshot *s, uint32_t db, const struct entry *e)
{
    const struct keyspace *k = s->server->keyspace;
    return (struct snapshot_key){ .name = entry_key(e),
                                  .db = db,
                                  .deadline_ms = entry_deadline_ms(e),
                                  .idle_s = entry_idle_s(k, e, s->now_ms),
                                  .frequency = entry_frequency(k, e, s->now_ms) };
}

static void give_large(struct snapshot *s, struct snapshot_large *l)
{
    heap_give(s->server->heap, l, sizeof *l + l->key.name.size, HEAP_LOG);
}

static void keep_large(struct snapshot *s, const struct snapshot_key *key, const struct entry *e)
{
    struct bytes name = key->name;
    struct snapshot_large *l = heap_take(s->server->heap, sizeof *l + name.size, HEAP_LOG);
    if (name.size) memcpy(l->name, name.data, name.size);
    l->key = *key;
    l->key.name = bytes_make(l->name, name.size);
    l->has_begun = false;
    l->link = (struct list_node){ 0 };
    if (s->form->cut(s, l, e))
        list_append(&s->large, &l->link);
    else
        give_large(s, l);
}

static bool is_large_half_written(const struct snapshot *s)
{
    const struct list_node *n = list_first(&s->large);
    return n && LIST_OWNER(n, struct snapshot_large, link)->has_begun;
}

static void show(void *context, const struct entry *e)
{
    const struct snapshot_walk *w = context;
    struct snapshot *s = w->snapshot;
    struct snapshot_key key = key_of(s, w->walk.db, e);
    struct snapshot_out *out = is_large_half_written(s) ? &s->aside : &s->out;
    s->keys_done++;
    if (entry_memory_bytes(e) > SNAPSHOT_ONCE_BYTES) {
        keep_large(s, &key, e);
        return;
    }
    if (rdb_buffer_size(&out->buffer) == 0) rdb_buffer_reserve(&out->buffer, OUT_ROOM_BYTES);
    s->form->put(s, out, &key, e);
    if (out == &s->out && rdb_buffer_size(&out->buffer) >= SNAPSHOT_PIECE_BYTES)
        end_piece(s, out, true);
}

static void drop_large(struct snapshot *s, struct snapshot_large *l)
{
    list_remove(&s->large, &l->link);
    s->form->drop(l);
    give_large(s, l);
}

// A slice of the first large value. What was shown meanwhile comes behind it.
static void step_large(struct snapshot *s, uint64_t until_tsc)
{
    struct snapshot_large *l = LIST_OWNER(list_first(&s->large), struct snapshot_large, link);
    if (!l->has_begun) s->form->begin(s, l);
    l->has_begun = true;
    while (!s->form->step(l, STEP_ELEMENTS)) {
        if (rdb_buffer_size(&s->out.buffer) >= SNAPSHOT_PIECE_BYTES) {
            end_piece(s, &s->out, false);
            rdb_buffer_reserve(&s->out.buffer, OUT_ROOM_BYTES);
        }
        if (!job_may_go_on(until_tsc)) return;
    }
    drop_large(s, l);
    end_piece(s, &s->out, true);
    end_piece(s, &s->aside, true);
}

// ---- writes are heard of

static void before_write(struct job_watch *w, struct server *server, struct bytes name)
{
    struct snapshot *s = LIST_OWNER(w, struct snapshot, watch);
    struct key key = key_make(server->keyspace, name);
    for (uint32_t i = s->walk_at; i < s->walk_count; i++)
        keyspace_walk_show_now(&s->walks[i].walk, &key);
}

// ---- life

void snapshot_begin(struct snapshot *s, const struct snapshot_form *form)
{
    struct server *server = s->server;
    struct keyspace *k = server->keyspace;
    uint32_t databases = (uint32_t)server->settings->databases;
    CHECK(!s->is_on);
    s->is_on = true;
    s->form = form;
    s->now_ms = server->now_ms;
    s->keys_total = s->keys_done = s->deadlines_total = 0;
    s->walk_count = s->walk_at = 0;
    for (uint32_t db = 0; db < databases; db++) s->walk_count += keyspace_size(k, db) != 0;
    if (s->walk_count)
        s->walks = heap_take(server->heap, s->walk_count * sizeof s->walks[0], HEAP_LOG);
    open_out(s, &s->out);
    open_out(s, &s->aside);
    for (uint32_t db = 0, i = 0; db < databases; db++) {
        if (keyspace_size(k, db) == 0) continue;
        struct snapshot_walk *w = &s->walks[i++];
        w->snapshot = s;
        keyspace_walk_begin(&w->walk, k, db, s->now_ms, show, w);
        s->keys_total += keyspace_size(k, db);
        s->deadlines_total += keyspace_deadline_count(k, db);
    }
    s->watch.before_write = before_write;
    server->jobs.snapshot = &s->watch;
}

// A bucket of keys, or when all were shown some of what the walk remembers.
static void step_walk(struct snapshot *s)
{
    struct keyspace_walk *w = &s->walks[s->walk_at].walk;
    if (keyspace_walk_step(w) && keyspace_walk_end_step(w, STEP_NAMES)) s->walk_at++;
}

bool snapshot_step(struct snapshot *s, uint64_t until_tsc)
{
    do {
        if (s->large.count)
            step_large(s, until_tsc);
        else if (s->walk_at < s->walk_count)
            step_walk(s);
        if (!s->large.count && s->walk_at == s->walk_count) break;
    } while (job_may_go_on(until_tsc));
    if (s->large.count || s->walk_at < s->walk_count) return false;
    s->server->jobs.snapshot = NULL;
    end_piece(s, &s->out, true);
    return true;
}

void snapshot_end(struct snapshot *s)
{
    if (!s->is_on) return;
    s->is_on = false;
    s->server->jobs.snapshot = NULL;
    for (; s->walk_at < s->walk_count; s->walk_at++) keyspace_walk_end(&s->walks[s->walk_at].walk);
    while (s->large.count)
        drop_large(s, LIST_OWNER(list_first(&s->large), struct snapshot_large, link));
    while (s->pieces.count) snapshot_drop_piece(s);
    rdb_buffer_close(&s->out.buffer);
    rdb_buffer_close(&s->aside.buffer);
    heap_give(s->server->heap, s->walks, s->walk_count * sizeof s->walks[0], HEAP_LOG);
    s->walks = NULL;
}

static uint64_t room_of(const struct snapshot_out *out)
{
    return out->buffer.blob ? out->buffer.blob->capacity : 0;
}

uint64_t snapshot_extra_bytes(const struct snapshot *s)
{
    if (!s->is_on) return 0;
    uint64_t bytes = s->pieces_bytes + s->walk_count * sizeof s->walks[0];
    bytes += room_of(&s->out) + room_of(&s->aside);
    bytes += s->large.count * sizeof(struct snapshot_large);
    for (uint32_t i = s->walk_at; i < s->walk_count; i++)
        bytes += keyspace_walk_bytes(&s->walks[i].walk);
    return bytes;
}
