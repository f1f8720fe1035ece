#include "dataplane/cmd/script_undo.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/cmd_docs.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/cmd/held.h"
#include "dataplane/keyspace/key_image.h"

// Editing a value in one buffer of which an image was taken means copying it first: up to here
// that costs less than a µs or two.
enum { BUFFER_BYTES_MAX = 32 * 1024 };

// ---- the table

static bool has_image(const struct script_undo *u, uint32_t db, const struct key *key)
{
    const struct key_image *i = u->buckets[(key->hash + db) % u->bucket_count];
    for (; i; i = i->next)
        if (i->hash == key->hash && i->db == db && bytes_equal(key_image_name(i), key->name))
            return true;
    return false;
}

static void put_image(struct script_undo *u, struct key_image *i)
{
    struct key_image **at = &u->buckets[(i->hash + i->db) % u->bucket_count];
    i->next = *at;
    *at = i;
}

static size_t table_bytes(const struct script_undo *u)
{
    return u->bucket_count * sizeof u->buckets[0];
}

static void free_table(struct script_undo *u)
{
    if (u->buckets != u->first)
        heap_give(u->server->heap, u->buckets, table_bytes(u), HEAP_SCRIPTS);
}

static void grow(struct script_undo *u)
{
    struct key_image **old = u->buckets;
    uint32_t old_count = u->bucket_count;
    size_t old_bytes = table_bytes(u);
    u->bucket_count *= 8;
    u->buckets = heap_take_zeroed(u->server->heap, table_bytes(u), HEAP_SCRIPTS);
    for (uint32_t b = 0; b < old_count; b++)
        for (struct key_image *i = old[b], *next; i; i = next) {
            next = i->next;
            put_image(u, i);
        }
    if (old != u->first) heap_give(u->server->heap, old, old_bytes, HEAP_SCRIPTS);
}

static struct keyspace *keyspace_of(const struct script_undo *u, const struct key_image *i)
{
    return server_home(u->server, key_image_name(i))->keyspace;
}

static void drop_all(struct script_undo *u)
{
    for (uint32_t b = 0; u->count && b < u->bucket_count; b++)
        for (struct key_image *i = u->buckets[b], *next; i; i = next) {
            next = i->next;
            key_image_drop(keyspace_of(u, i), i);
        }
    free_table(u);
    u->count = 0;
}

// ---- taking

void script_undo_drop(struct script_undo *u, shard_set shards)
{
    if (!u->is_on) return;
    for (shard_set left = shards & u->shards; left;) {
        struct server *home = held_next(u->server, &left);
        jobs_unwatch(home, &u->homes[home->shard_index].watch);
    }
    u->shards &= ~shards;
}

static void end(struct script_undo *u)
{
    script_undo_drop(u, u->shards);
    u->is_on = false;
}

static void give_up(struct script_undo *u)
{
    drop_all(u);
    end(u);
}

static void take_image(struct script_undo *u, struct server *home, uint32_t db,
                       const struct key *key)
{
    if (!u->is_on || has_image(u, db, key)) return;
    struct key_image *i = key_image_take(home->keyspace, db, key, BUFFER_BYTES_MAX);
    if (!i) {
        give_up(u);
        return;
    }
    if (u->count == 2 * u->bucket_count) grow(u);
    put_image(u, i);
    u->count++;
    u->bytes += i->bytes;
}

static void before_write(struct job_watch *w, struct server *home, struct bytes name)
{
    struct script_undo *u = LIST_OWNER(w, struct script_undo_home, watch)->undo;
    struct key key = key_make(home->keyspace, name);
    take_image(u, home, u->client->db, &key);
    if (u->other_db != u->client->db) take_image(u, home, u->other_db, &key);
}

void script_undo_begin(struct script_undo *u, struct server *s, const struct client *client)
{
    u->is_on = s->settings->script_undo_memory > 0;
    u->count = 0;
    if (!u->is_on) return;
    u->server = s;
    u->shards = held_shards(s);
    u->client = client;
    u->other_db = client->db;
    u->buckets = u->first;
    u->bucket_count = SCRIPT_UNDO_BUCKETS;
    u->bytes = 0;
    u->bytes_max = s->settings->script_undo_memory;
    memset(u->first, 0, sizeof u->first);
    for (shard_set left = u->shards; left;) {
        struct server *home = held_next(s, &left);
        struct script_undo_home *h = &u->homes[home->shard_index];
        *h = (struct script_undo_home){ { .before_write = before_write }, u };
        jobs_watch(home, &h->watch);
    }
}

// MOVE key db, COPY from to ... DB db; nonsense is the command's to refuse.
static uint32_t find_other_db(const struct call *call)
{
    const struct command *row = call->command;
    int64_t db, count = call->server->settings->databases;
    uint32_t at = row->id == CMD_ID_MOVE ? 2 : 0;
    for (uint32_t i = 3; row->id == CMD_ID_COPY && i + 1 < call->argc; i++)
        if (bytes_is_option(call->argv[i], "db")) at = i + 1;
    bool is_there = at && num_parse_int(call->argv[at], &db) && db >= 0 && db < count;
    return is_there ? (uint32_t)db : call->client->db;
}

void script_undo_prepare(struct script_undo *u, const struct call *call)
{
    if (!u->is_on) return;
    if (u->bytes > u->bytes_max || !command_has_keys(call->command)) // FLUSHALL, SWAPDB
        give_up(u);
    else
        u->other_db = find_other_db(call);
}

// ---- ending

void script_undo_end(struct script_undo *u)
{
    if (u->is_on) give_up(u);
}

static void tell(struct call *call, uint32_t db, const struct key *key, bool existed)
{
    struct call home = *call;
    home.server = server_home(call->server, key->name);
    home.keyspace = home.server->keyspace;
    call_changed_in(&home, db, key, EVENT_GENERIC, existed ? "restore" : "del");
}

static void restore(struct key_image *i, struct call *call, bool is_told)
{
    struct server *home = server_home(call->server, key_image_name(i));
    bool existed = i->existed;
    uint32_t db = i->db;
    size_t size = i->key_size;
    uint8_t small[256],
        *copy = size <= sizeof small ? small : heap_take(home->heap, size, HEAP_OTHER);
    struct key key = { bytes_make(copy, size), i->hash };
    if (size) memcpy(copy, i->text, size);
    key_image_restore(home->keyspace, i);
    if (is_told) tell(call, db, &key, existed);
    block_signal(home, db, key.name); // of another type than the script made it
    if (copy != small) heap_give(home->heap, copy, size, HEAP_OTHER);
}

void script_undo_all(struct script_undo *u, struct call *call, bool is_told)
{
    end(u);
    for (uint32_t b = 0; b < u->bucket_count; b++)
        for (struct key_image *i = u->buckets[b], *next; i; i = next) {
            next = i->next;
            restore(i, call, is_told);
        }
    free_table(u);
}
