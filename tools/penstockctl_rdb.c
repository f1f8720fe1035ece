#include "tools/penstockctl_rdb.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataplane/base/check.h"

enum {
    BEFORE_ALL_DEADLINES = 0,   // ms: nothing expires while it is looked at
    TEXT_BYTES_MAX = 512 << 20, // what a server takes unless it is told otherwise
    STEP_ELEMENTS = 10000,
    REAP_BUDGET = 10000,
};

static const struct thresholds limits = THRESHOLDS_NORMAL;

// ---- the file

static const char *map_file(struct rdb_reading *r, int file)
{
    struct stat facts;
    if (fstat(file, &facts) != 0) return strerror(errno);
    if (!S_ISREG(facts.st_mode)) return "it is not a file";
    if (facts.st_size == 0) return "it is empty";
    void *map = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (map == MAP_FAILED) return strerror(errno);
    madvise(map, (size_t)facts.st_size, MADV_SEQUENTIAL);
    r->map = bytes_make(map, (size_t)facts.st_size);
    return NULL;
}

static void unmap(struct rdb_reading *r) { munmap((void *)(uintptr_t)r->map.data, r->map.size); }

static const char *open_map(struct rdb_reading *r, const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return strerror(errno);
    const char *error = map_file(r, file);
    close(file);
    return error;
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

const char *rdb_reading_open(struct rdb_reading *r, const char *path, uint64_t *offset)
{
    memset(r, 0, sizeof *r);
    *offset = 0;
    const char *error = open_map(r, path);
    if (error) return error;
    CHECK(heap_open(&r->heap) == OK);
    error = error_of(rdb_file_open(&r->file, &r->heap, r->map));
    *offset = r->file.offset;
    if (!error) {
        open_keyspace(r);
        return NULL;
    }
    heap_close(&r->heap);
    unmap(r);
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

static void set_broken(struct rdb_reading *r, size_t bytes_left, const char *what)
{
    r->item = (struct rdb_item){ .kind = RDB_ITEM_BROKEN,
                                 .offset = rdb_file_offset(&r->file, bytes_left),
                                 .broken = what };
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
        set_broken(r, bytes_left, "a value that is cut off, or contradicts itself");
    else
        rdb_file_after_value(&r->file, bytes_left);
}

bool rdb_reading_next(struct rdb_reading *r)
{
    forget_key(r);
    rdb_file_next(&r->file, &r->item);
    if (r->item.kind == RDB_ITEM_DATABASE) r->database = r->item.database;
    if (r->item.kind == RDB_ITEM_KEY) restore_key(r);
    return r->item.kind != RDB_ITEM_END && r->item.kind != RDB_ITEM_BROKEN;
}

void rdb_reading_close(struct rdb_reading *r)
{
    forget_key(r);
    rdb_file_close(&r->file);
    keyspace_close(r->keyspace);
    heap_close(&r->heap);
    unmap(r);
}
