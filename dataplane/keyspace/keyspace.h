// keyspace.h: the keys of one shard: find, put, drop, expire. 16 databases (configurable) of one
// shard's heap.
//
// Source:  DESIGN "Keyspace"; Redis 7.2 for what a command can see (lazy expiry, encodings, LRU and
//          LFU clocks)
// Thread:  the shard that owns it
// Memory:  entries and values on the shard's heap (HEAP_DATASET); segments, directories and the
//          deadline wheel HEAP_TABLES
// Units:   deadlines in ms since 1970 (wall clock); now_ms is passed by the caller, one value per
//          command
//
// A database is a segmented extendible hash table (index.h) of entries. An entry is one allocation:
// header, optional deadline and wheel links, key, and the value when it is small. Positions in hash
// space order the table, so a SCAN cursor stays valid across splits.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/blob.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/hash.h"
#include "dataplane/base/heap.h"
#include "dataplane/base/status.h"
#include "dataplane/base/tally.h"

enum value_type { // Redis's RDB and TYPE order
    TYPE_STRING = 0,
    TYPE_LIST = 1,
    TYPE_SET = 2,
    TYPE_ZSET = 3,
    TYPE_HASH = 4,
    TYPE_STREAM = 6,
};
enum value_encoding {
    ENCODING_INT,
    ENCODING_EMBSTR,
    ENCODING_RAW,
    ENCODING_LISTPACK,
    ENCODING_QUICKLIST,
    ENCODING_INTSET,
    ENCODING_HASHTABLE, // from here on objects
    ENCODING_SKIPLIST,
    ENCODING_STREAM,
    ENCODING_LISTPACK_TREE, // a list that Redis would still call a listpack, already in pieces
    ENCODING_LISTPACKEX,    // a small hash with field deadlines
};
// True for those whose value is an object (object.h); the others are bytes in the entry or a blob.
static inline bool encoding_is_object(enum value_encoding encoding)
{
    return encoding == ENCODING_QUICKLIST || encoding >= ENCODING_HASHTABLE;
}
const char *value_type_name(enum value_type type);             // "string", "list", ...
const char *value_encoding_name(enum value_encoding encoding); // as OBJECT ENCODING says it

enum {
    KEYSPACE_NO_DEADLINE = 0,
    STRING_EMBED_MAX = 44
}; // ms; bytes up to which OBJECT ENCODING says embstr

struct entry; // entry.h, internal to keyspace/
struct keyspace;
struct object;
struct tree_space;

// A key's name with its hash, computed once per command (and ahead of time, to prefetch).
struct key {
    struct bytes name;
    uint64_t hash;
};

struct keyspace_config {
    uint32_t database_count; // 1..16384
    struct hash_key hash_key;
    bool lfu; // access clock holds an LFU counter, else an LRU clock
};
enum status keyspace_open(struct keyspace **out, struct heap *heap,
                          const struct keyspace_config *config, struct shard_tally *tally,
                          uint64_t now_ms) MUST_USE;
void keyspace_close(struct keyspace *k);

struct key key_make(const struct keyspace *k, struct bytes name);
// Two stages, some commands ahead: the bucket's line, then the entry that the bucket's fingerprint
// points at.
void keyspace_prefetch_bucket(const struct keyspace *k, uint32_t db, const struct key *key);
void keyspace_prefetch_entry(const struct keyspace *k, uint32_t db, const struct key *key);
// Ahead of putting a key that is probably new.
void keyspace_prefetch_put(const struct keyspace *k, uint32_t db, const struct key *key);

// Ahead of so many new keys: index_reserve_step.
bool keyspace_reserve_step(struct keyspace *k, uint32_t db, uint64_t keys, uint64_t *position);

// ---- finding. An entry pointer is valid until the next call that may write (put, set, edit,
// delete, expire, step).
enum find_flags {
    FIND_READ = 0,  // a command's read: counts hit or miss, touches the access clock
    FIND_QUIET = 1, // neither
    FIND_WRITE = 2, // a lookup for writing: no hit or miss counted, touches
    FIND_PEEK = 3,  // counts hit or miss, does not touch: TYPE, TTL, EXISTS, OBJECT in Redis 7.2
};
// NULL when absent. An expired key counts as absent and is removed here (expired_keys is counted; a
// removal of that kind also goes to on_expired).
struct entry *keyspace_find(struct keyspace *k, uint32_t db, const struct key *key,
                            enum find_flags flags, uint64_t now_ms);
// As it stands, also when its time has passed and it was not removed yet; nothing else happens.
struct entry *keyspace_peek(const struct keyspace *k, uint32_t db, const struct key *key);
struct bytes entry_key(const struct entry *e);
enum value_type entry_type(const struct entry *e);
enum value_encoding entry_encoding(const struct entry *e);
uint64_t entry_deadline_ms(const struct entry *e);  // KEYSPACE_NO_DEADLINE = none
uint64_t entry_memory_bytes(const struct entry *e); // MEMORY USAGE, DEBUG OBJECT
uint32_t entry_idle_s(const struct keyspace *k, const struct entry *e, uint64_t now_ms);
uint32_t entry_lru_clock(const struct entry *e); // the 24-bit field as stored
uint32_t entry_frequency(const struct keyspace *k, const struct entry *e,
                         uint64_t now_ms); // OBJECT FREQ: the LFU counter, decayed to now
// RESTORE's IDLETIME and FREQ: the one that the policy's clock can hold, when it is not negative.
void entry_set_access(const struct keyspace *k, struct entry *e, int64_t idle_s, int64_t frequency,
                      uint64_t now_ms);

// ---- strings. Every write counts one change (keyspace_dirty) unless it says it changed nothing.
// The bytes of a string value. An int encoding is formatted into scratch. blob: non-NULL when the
// bytes lie in a blob that a reply may hold a reference to.
struct string_view {
    struct bytes bytes;
    struct blob *blob;
    char scratch[24];
};
void string_read(const struct entry *e, struct string_view *view);
bool string_read_int(const struct entry *e,
                     int64_t *value); // by encoding or by text; false: not an integer
enum {
    SET_KEEP_DEADLINE = 1,
    SET_TEXT = 2, // never ENCODING_INT: INCRBYFLOAT's result
};
// Creates or overwrites (any type) with value; deadline_ms KEYSPACE_NO_DEADLINE clears it unless
// SET_KEEP_DEADLINE. given: when not NULL its bytes are the value and the reference is taken over
// (value is ignored). Integers in canonical form get ENCODING_INT. Returns the entry.
struct entry *string_set(struct keyspace *k, uint32_t db, const struct key *key, struct bytes value,
                         struct blob *given, uint64_t deadline_ms, uint32_t flags, uint64_t now_ms);
// Keeps the deadline. existing NULL: a new value without one, whatever may be there (so too below).
struct entry *string_set_int(struct keyspace *k, uint32_t db, const struct key *key,
                             struct entry *existing, int64_t value);
// A string (existing or new when NULL) made exactly size bytes long for editing in place: new bytes
// are zero, encoding is raw afterwards, shared blobs are copied first. *bytes is where they are.
// Keeps the deadline.
struct entry *string_edit(struct keyspace *k, uint32_t db, const struct key *key,
                          struct entry *existing, size_t size, uint8_t **bytes);

// ---- collections. One buffer (packed.h; intset) or an object (object.h). These count no change:
// commands do, by keyspace_add_dirty, as many as Redis counts. All keep the deadline.
struct tree_space *keyspace_space(struct keyspace *k);
struct bytes value_bytes(const struct entry *e); // of a value in one buffer, strings but int too
// Such a value (existing, or new when NULL) made exactly size bytes long, for editing: as
// string_edit. existing may be an object: it is closed, and what is edited starts empty (zeros).
struct entry *value_edit(struct keyspace *k, uint32_t db, const struct key *key,
                         struct entry *existing, enum value_type type, enum value_encoding encoding,
                         size_t size, uint8_t **bytes);
struct object *entry_object(const struct entry *e); // encoding_is_object
// Takes object over. existing NULL: a new key. What was the value before is freed, unless it is the
// same object (to change the encoding's name).
struct entry *value_set_object(struct keyspace *k, uint32_t db, const struct key *key,
                               struct entry *existing, enum value_type type,
                               enum value_encoding encoding, struct object *object);
// Where e is, however it got there (SWAPDB); false: in a database that was flushed.
bool entry_db(const struct keyspace *k, const struct entry *e, uint32_t *db);
// What hashes with field deadlines register with (types/hash_deadlines.h); borrowed, NULL: none.
struct hash_deadlines;
void keyspace_set_hash_deadlines(struct keyspace *k, struct hash_deadlines *d);
struct hash_deadlines *keyspace_hash_deadlines(const struct keyspace *k);
// A reference to the bytes of a value in one buffer, as they are now: for cuts. Small ones are
// copied.
struct blob *value_hold_bytes(struct keyspace *k, const struct entry *e);
// As keyspace_delete_entry, without counting a change: a collection became empty.
void keyspace_drop_entry(struct keyspace *k, uint32_t db, struct entry *e);
// Called after a key was created at a place where none was (block.h). May be NULL.
void keyspace_on_created(struct keyspace *k,
                         void (*hook)(void *context, uint32_t db, const struct entry *e),
                         void *context);
// Called when a key was removed, by whatever, or when another value took its place; not for whole
// databases. key is good during the call. May be NULL.
void keyspace_on_gone(struct keyspace *k,
                      void (*hook)(void *context, uint32_t db, struct bytes key), void *context);
// Called for each lookup that counts as a miss. May be NULL.
void keyspace_on_missed(struct keyspace *k,
                        void (*hook)(void *context, uint32_t db, struct bytes key), void *context);

// ---- keys of every type
bool keyspace_delete(struct keyspace *k, uint32_t db, const struct key *key,
                     uint64_t now_ms); // false: was not there
void keyspace_delete_entry(struct keyspace *k, uint32_t db, struct entry *e);
// DEL and UNLINK cost the same: a string's bytes are one allocation, or a reference.
// KEYSPACE_NO_DEADLINE clears it. The entry moves when it had none or has none afterwards.
struct entry *keyspace_set_deadline(struct keyspace *k, uint32_t db, struct entry *e,
                                    uint64_t deadline_ms);
// Moves the value with its deadline to another key and database, replacing what is there. Entry
// must exist.
struct entry *keyspace_rename(struct keyspace *k, uint32_t from_db, struct entry *e, uint32_t to_db,
                              const struct key *to, uint64_t now_ms);
// Deep copy (or shared blob) with deadline; what was at the destination is replaced.
struct entry *keyspace_copy(struct keyspace *k, uint32_t from_db, struct entry *e, uint32_t to_db,
                            const struct key *to, uint64_t now_ms);
struct entry *keyspace_random(struct keyspace *k, uint32_t db, struct rng *rng,
                              uint64_t now_ms); // NULL: empty
uint64_t keyspace_size(const struct keyspace *k, uint32_t db);
uint64_t keyspace_table_bytes(const struct keyspace *k, uint32_t db); // segments and directory
uint64_t keyspace_deadline_count(const struct keyspace *k, uint32_t db);
uint64_t keyspace_average_ttl_ms(const struct keyspace *k, uint32_t db,
                                 uint64_t now_ms); // INFO keyspace avg_ttl
// Detaches the table at once (freed in slices by keyspace_reap_step). Returns how many keys it
// held.
uint64_t keyspace_flush(struct keyspace *k, uint32_t db);
void keyspace_swap(struct keyspace *k, uint32_t db_a, uint32_t db_b);
// Visits the keys of whole buckets from cursor on, at least one bucket, until count keys were
// visited, but over no more than ten buckets per count. visit may not write. Expired keys are not
// shown. Returns the next cursor, below 2^48 and larger than cursor; 0 = done. Any cursor is
// accepted. Guarantees as Redis's SCAN.
uint64_t keyspace_scan(struct keyspace *k, uint32_t db, uint64_t cursor, uint64_t count,
                       uint64_t now_ms, void (*visit)(void *context, const struct entry *e),
                       void *context);
uint64_t keyspace_dirty(const struct keyspace *k); // changes since start
// Of a joint one, those of these homes (shard_set) alone: the others may not stand still.
uint64_t keyspace_dirty_among(const struct keyspace *k, uint64_t homes);
void keyspace_add_dirty(struct keyspace *k, uint64_t n);

// ---- work between commands, bounded: active expiry by the deadline wheel (in both directions of
// time: at most budget entries), freeing of detached tables and values. Returns how much was done;
// budget = there may be more.
uint32_t keyspace_expire_step(struct keyspace *k, uint64_t now_ms, uint32_t budget);
uint32_t keyspace_reap_step(struct keyspace *k, uint32_t budget);
uint64_t keyspace_next_deadline_ms(const struct keyspace *k); // UINT64_MAX: none
uint64_t keyspace_reap_pending(const struct keyspace *k);     // objects detached, not yet freed
void keyspace_set_active_expire(struct keyspace *k, bool on); // DEBUG SET-ACTIVE-EXPIRE
bool keyspace_active_expire(const struct keyspace *k);
// CLIENT PAUSE: meanwhile keys whose time is over are shown to nobody, and stay.
void keyspace_pause_expiry(struct keyspace *k, bool on);
// A log is loaded: meanwhile keys whose time is over are found as if it were not.
void keyspace_ignore_expiry(struct keyspace *k, bool on);
void keyspace_set_access_clock(struct keyspace *k, bool lfu); // maxmemory-policy changed
void keyspace_set_lfu(struct keyspace *k, uint32_t log_factor,
                      uint32_t decay_min); // lfu-log-factor, lfu-decay-time
void keyspace_stats(const struct keyspace *k, uint32_t db, char *text,
                    uint32_t text_bytes); // DEBUG HTSTATS
// Called for each key that expiry removed, before it goes (notifications, effects). May be NULL.
void keyspace_on_expired(struct keyspace *k,
                         void (*hook)(void *context, uint32_t db, struct bytes key), void *context);
