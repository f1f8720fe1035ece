// disk_memory_priv.h: the insides of the disk in memory: files, names, operations under way.
//
// Thread:  as disk.h
// Memory:  all the disk's. A file lives until the disk is closed, or crashes without its name
#pragma once
#include "dataplane/base/hash.h"
#include "storage/disk.h"

struct memory_bytes {
    uint8_t *data;
    size_t size, room;
};
struct memory_file {
    struct memory_bytes now, durable;
    size_t dirty_start, dirty_end;     // what the next sync makes durable; equal: only the size
    size_t dropped_start, dropped_end; // by a sync that failed, and not written again; equal: none
    bool is_kept;                      // scratch of a crash
    struct list_node link;
};
struct memory_name {
    char *path;
    struct memory_file *now, *durable;
};
// A change of names that no sync of its directory covers yet.
struct memory_change {
    uint64_t number; // in the order in which they happened
    bool has_gone, has_given;
    uint32_t gone, given;     // indices of names
    struct memory_file *file; // what given names from then on
};
struct memory_pending {
    struct disk_op *op;
    uint32_t turns;
    size_t dirty_start, dirty_end, size; // a sync: of the file when it was submitted
    uint64_t changes;                    // a directory's sync: made before it
    struct list_node link;
};
struct disk_memory {
    struct disk disk;
    struct disk_memory_config config;
    struct rng rng;
    int write_error, sync_error;
    struct list files, pending;
    struct memory_file *handles[DISK_FILES_MAX];
    struct memory_name *names;
    uint32_t name_count, name_room;
    struct memory_change *changes;
    uint32_t change_count, change_room;
    uint64_t change_number;
};

void memory_bytes_resize(struct memory_bytes *b, size_t size);               // what is new is zero
struct memory_name *memory_name_of(struct disk_memory *m, const char *path); // made when missing
struct memory_file *memory_file_make(struct disk_memory *m);
void memory_file_write(struct memory_file *file, const struct disk_op *op, size_t size);
void memory_file_cut(struct memory_file *file, size_t size);
// Opens, renames, removes: what becomes of the names. Returns as an operation's result does.
int64_t memory_names_change(struct disk_memory *m, const struct disk_op *op);
void memory_change_apply(struct disk_memory *m, const struct memory_change *c);
