// rdb_file.h: a whole snapshot file as a row of items: what it says of itself, functions,
// databases, keys, its end.
//
// Source:  spec/rdb.md sections 1, 2 and 8 (layout), 12 (what a reader refuses); versions 1 to 12
// Thread:  one at a time
// Memory:  the file is borrowed from open to close; texts that were compressed are expanded on the
//          heap. Texts in an item are good until the next call of rdb_file_next, or close
// Units:   offsets in bytes from the file's start
//
// The file comes from outside. What is wrong with it ends the row with RDB_ITEM_BROKEN, and from
// then on every call says the same. The value of a key is the caller's to go through: with
// dataplane/types/value_restore.h, which builds it, or with rdb_file_skip_*, which only finds its
// end.
//
//     for (rdb_file_next(f, &item); item.kind == RDB_ITEM_KEY; rdb_file_next(f, &item))
//         rdb_file_skip_value(f);
#pragma once
#include "storage/rdb/rdb_skip.h"

enum { RDB_FILE_HEAD_BYTES = 9 }; // "REDIS0011"

struct rdb_key {
    uint64_t deadline_ms; // since 1970; 0: none. What lies before 1970 is told as 1
    int64_t idle_s;       // -1: not said
    int64_t frequency;    // 0..255; -1: not said
    uint8_t rdb_type;     // one that value_restore_begin knows
    struct bytes name;
    struct bytes value; // from its first byte to the end of the file
};

enum rdb_item_kind {
    RDB_ITEM_AUX,
    RDB_ITEM_FUNCTION,
    RDB_ITEM_DATABASE,
    RDB_ITEM_RESIZE,
    RDB_ITEM_SLOT_INFO,
    RDB_ITEM_MODULE_AUX, // was skipped; a server without the module refuses the file
    RDB_ITEM_KEY,
    RDB_ITEM_END,
    RDB_ITEM_BROKEN,
};
struct rdb_item {
    enum rdb_item_kind kind;
    uint64_t offset; // of its first byte; of a key: its type; broken: where it went wrong
    union {
        struct {
            struct bytes name, value;
        } aux;
        struct bytes function; // a library's source
        uint64_t database;     // any number: how many there may be is the caller's to know
        struct {
            uint64_t keys, deadlines; // hints, any numbers
        } resize;
        struct {
            uint64_t slot, keys, deadlines; // so too
        } slot_info;
        uint64_t module_id;
        struct rdb_key key;
        struct {
            bool has_checksum;      // false: an old version, or 0 was stored
            bool checksum_is_right; // also when there is none, or it was not to be checked
            uint64_t stored, computed;
        } end;
        const char *broken; // a literal that says what: "a key that is no text"
    };
};

struct rdb_file {
    // What a caller may look at. Offset: all before it was read; after RDB_ITEM_END what is behind
    // the snapshot (the commands of an old append-only file). A key's value begins at it.
    uint64_t offset;
    uint32_t version;
    // For rdb_file.c:
    struct bytes file;
    struct rdb_text text[2]; // a name, a value
    struct rdb_key next;     // what was said already of the next key
    struct rdb_skip skip;
    bool in_value; // a key's comes next
    bool sums, has_ended;
    uint64_t crc, summed; // of the file's first `summed` bytes
    const char *broken;   // NULL: nothing is, so far
};

enum rdb_file_result {
    RDB_FILE_OPEN,
    RDB_FILE_SHORT,      // not even a head
    RDB_FILE_UNKNOWN,    // no snapshot
    RDB_FILE_UNREADABLE, // a version that is not read: f->version, 0 when it is no number
};
// RDB_FILE_OPEN, or nothing has to be closed.
enum rdb_file_result rdb_file_open(struct rdb_file *f, struct heap *heap, struct bytes file);
void rdb_file_close(struct rdb_file *f);
// Right after open: the checksum is not computed. A byte of it costs about as much as one of a
// value that is restored, and much more than one that is skipped.
void rdb_file_ignore_checksum(struct rdb_file *f);

// The next item. After a RDB_ITEM_KEY its value must have been restored or skipped first, else the
// process stops. After RDB_ITEM_END not to be called again.
void rdb_file_next(struct rdb_file *f, struct rdb_item *out);
// After a RDB_ITEM_KEY. The value was read by other means, which left so many bytes of key.value:
// value_restore_rest(r).size.
void rdb_file_after_value(struct rdb_file *f, size_t bytes_left);
// After a RDB_ITEM_KEY. Goes through the value's lengths without looking into its texts, which are
// checked as far as that needs. Reads about budget of them; RDB_MORE: call again.
enum rdb_result rdb_file_skip_step(struct rdb_file *f, uint64_t budget);
// All of it, in one go. False: it is broken, as rdb_file_next will say.
bool rdb_file_skip_value(struct rdb_file *f);
// Computes the checksum of up to size more bytes of those that were read; true: of all of them.
// Only for callers that work in slices: rdb_file_next does what is left.
bool rdb_file_sum_step(struct rdb_file *f, size_t size);
// An offset, from what a reader of the value left over.
static inline uint64_t rdb_file_offset(const struct rdb_file *f, size_t bytes_left)
{
    return f->file.size - bytes_left;
}
