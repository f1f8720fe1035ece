#include "tools/penstockctl_rdb.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include "dataplane/base/check.h"

enum {
    BEFORE_ALL_DEADLINES = 0,   // ms: nothing expires while it is looked at
    TEXT_BYTES_MAX = 512 << 20, // what a server takes unless it is told otherwise
    STEP_ELEMENTS = 10000,
    REAP_BUDGET = 10000,
};

static const struct thresholds limits = THRESHOLDS_NORMAL;

// ---- the file

static const char *open_view(struct file_view *v, const char *path)
{
    if (!file_view_open(v, AT_FDCWD, path)) return file_view_refusal(errno);
    if (v->file_bytes == 0) return "it is empty";
    return file_view_map_all(v) ? NULL : strerror(errno);
}

// What seems wrong in the file may not have been there.
static const char *find_trouble(struct rdb_reading *r, uint64_t *offset)
{
    if (!file_view_find_trouble(&r->view, &r->trouble)) return NULL;
    *offset = r->trouble.offset;
    return r->trouble.why;
}

static const char *error_of(enum rdb_file_result result)
{
    switch (result) {
    case RDB_FILE_OPEN:
        return NULL;
    case RDB_FILE_SHORT:
        return "it is too short for a snapshot";
    case RDB_FILE_UNKNOWN:
        return "it is no snapshot: it does not begin with REDIS";
    case RDB_FILE_UNREADABLE:
        return "its version is none of those that can be read: 1 to 12";
    }
    return NULL;
}

static void open_keyspace(struct rdb_reading *r)
{
    struct keyspace_config config = { .database_count = 1 };
    rng_entropy(&config.hash_key, sizeof config.hash_key);
    CHECK(keyspace_open(&r->keyspace, &r->heap, &config, &r->tally, BEFORE_ALL_DEADLINES) == OK);
    hash_deadlines_open(&r->deadlines, r->keyspace, BEFORE_ALL_DEADLINES);
}

static const char *open_file(struct rdb_reading *r, uint64_t *offset)
{
    const char *error = error_of(rdb_file_open(&r->file, &r->heap, file_view_at(&r->view, 0)));
    *offset = r->file.offset;
    if (!error) return NULL;
    const char *trouble = find_trouble(r, offset);
    return trouble ? trouble : error;
}

const char *rdb_reading_open(struct rdb_reading *r, const char *path, uint64_t *offset)
{
    memset(r, 0, sizeof *r);
    *offset = 0;
    const char *error = open_view(&r->view, path);
    if (!error) {
        CHECK(heap_open(&r->heap) == OK);
        error = open_file(r, offset);
        if (error) heap_close(&r->heap);
    }
    if (error)
        file_view_close(&r->view);
    else
        open_keyspace(r);
    return error;
}

// ---- keys

static void forget_key(struct rdb_reading *r)
{
    struct keyspace *k = r->keyspace;
    if (r->entry) keyspace_delete_entry(k, 0, keyspace_peek(k, 0, &r->name));
    r->entry = NULL;
    r->key = bytes_make(NULL, 0);
    while (keyspace_reap_pending(k) > 0) keyspace_reap_step(k, REAP_BUDGET);
}

static void set_broken(struct rdb_reading *r, uint64_t offset, const char *what)
{
    r->item = (struct rdb_item){ .kind = RDB_ITEM_BROKEN, .offset = offset, .broken = what };
}

static enum value_restore_result restore_value(struct rdb_reading *r, size_t *bytes_left)
{
    const struct rdb_key *key = &r->item.key;
    enum value_restore_result result;
    CHECK(value_restore_begin(&r->value, r->keyspace, &limits, key->rdb_type, key->value,
                              TEXT_BYTES_MAX));
    do {
        result = value_restore_step(&r->value, STEP_ELEMENTS);
    } while (result == VALUE_RESTORE_MORE);
    *bytes_left = value_restore_rest(&r->value).size;
    if (result == VALUE_RESTORE_DONE)
        r->entry = value_restore_put(&r->value, 0, &r->name, BEFORE_ALL_DEADLINES);
    value_restore_end(&r->value);
    return result;
}

static void restore_key(struct rdb_reading *r)
{
    size_t bytes_left;
    r->key = r->item.key.name;
    r->name = key_make(r->keyspace, r->key);
    if (restore_value(r, &bytes_left) == VALUE_RESTORE_BROKEN)
        set_broken(r, rdb_file_offset(&r->file, bytes_left),
                   "a value that is cut off, or contradicts itself");
    else
        rdb_file_after_value(&r->file, bytes_left);
}

static bool is_last(const struct rdb_item *item)
{
    return item->kind == RDB_ITEM_END || item->kind == RDB_ITEM_BROKEN;
}

// A look costs system calls: at the end, and when a byte was missed.
static void tell_trouble(struct rdb_reading *r)
{
    uint64_t offset;
    const char *trouble = find_trouble(r, &offset);
    if (!trouble) return;
    forget_key(r);
    set_broken(r, offset, trouble);
}

bool rdb_reading_next(struct rdb_reading *r)
{
    forget_key(r);
    rdb_file_next(&r->file, &r->item);
    if (r->item.kind == RDB_ITEM_DATABASE) r->database = r->item.database;
    if (r->item.kind == RDB_ITEM_KEY) restore_key(r);
    if (is_last(&r->item) || file_view_has_failed(&r->view)) tell_trouble(r);
    return !is_last(&r->item);
}

void rdb_reading_close(struct rdb_reading *r)
{
    forget_key(r);
    rdb_file_close(&r->file);
    keyspace_close(r->keyspace);
    heap_close(&r->heap);
    file_view_close(&r->view);
}
