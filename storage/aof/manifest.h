// manifest.h: the list of an append-only log's files: its text, and the states that it passes
// through when the log is opened and rewritten.
//
// Source:  spec/aof.md chapters 2 (names, syntax, errors) and 6 (states), checked against
//          redis-server 7.0
// Thread:  any; state is what is passed
// Memory:  an array on a heap (HEAP_LOG); names are copied in
//
// Here nothing is written: whoever changes a manifest writes it to manifest_temporary_name, syncs
// it, renames it to manifest_name and syncs the directory. The rename is what counts.
//
//   manifest_begin_rewrite   base 1, incr 1         -> base 1, incr 1, incr 2, the one to append to
//   manifest_end_rewrite     base 1, incr 1, incr 2 -> base 2, history: base 1, incr 1; incr 2
//   manifest_drop_history                           -> base 2, incr 2
//
// History is removed, so a bit that makes "type h" of "type i" would lose a log without a word. But
// the text that a rewrite leaves proves it by its order: a base follows every incr that is history,
// and the incrs in use come last. In Redis, and here, it is the base before the rewrite ("base 2,
// history: incr 1, base 1; incr 2": nothing else could prove it when the log is off, as then no
// incr is left). Where there was none before, the new one follows: "history: incr 1; base 2; incr
// 2". An incr is known by its name, PREFIX.N.incr.aof. Only one list of Redis's is refused for that
// though it is right: that of a log that somebody made without a base, between its first rewrite
// and the removal.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/heap.h"
#include "dataplane/base/status.h"

enum {
    MANIFEST_LINE_MAX = 1024,      // bytes of a line, with its end
    MANIFEST_NAME_MAX = 255,       // bytes of a file's name: any but NUL, slash and backslash
    MANIFEST_SHARDS_MAX = 1 << 16, // of the pair "shard N"
};

enum manifest_type {
    MANIFEST_BASE = 'b',    // a snapshot; at most one
    MANIFEST_HISTORY = 'h', // needed no more: not loaded, removed
    MANIFEST_INCR = 'i',    // a log
};

struct manifest_file {
    char name[MANIFEST_NAME_MAX + 1]; // within the directory
    int64_t seq;                      // >= 1; bases and incrs count each for themselves
    enum manifest_type type;
    int32_t shard; // whose log: our own pair "shard N", which Redis reads past; -1: not said
};

struct manifest {
    struct heap *heap;           // borrowed
    struct manifest_file *files; // in the order in which they are loaded: the base, history, incrs
    uint32_t count, room;
    int64_t base_seq, incr_seq; // the last ones given out; 0: none
};

struct manifest_error {
    const char *why;   // a literal; Redis's words for what it refuses, too
    uint32_t line;     // from 1
    struct bytes text; // of the line, without its end; in the text that was parsed
};

void manifest_init(struct manifest *m, struct heap *heap); // lists nothing
void manifest_close(struct manifest *m);
void manifest_copy(struct manifest *to, const struct manifest *from); // to: not initialised before

// ERR_PEER: *error is filled; m lists nothing. A text of remarks alone lists nothing, too.
enum status manifest_parse(struct manifest *m, struct bytes text,
                           struct manifest_error *error) MUST_USE;
// What manifest_format writes at most.
size_t manifest_text_max(const struct manifest *m);
size_t manifest_format(const struct manifest *m, char *out); // returns the size; no terminator

// ---- what is listed
const struct manifest_file *manifest_base(const struct manifest *m); // NULL: none
uint32_t manifest_incr_count(const struct manifest *m);
uint32_t manifest_history_count(const struct manifest *m);
// The last incr of that shard (-1: of those that say none): the one to append to. NULL: none.
const struct manifest_file *manifest_last_incr(const struct manifest *m, int32_t shard);
// Index in files of a file that may end in the middle of something, as a server that was killed
// leaves it: the last of its shard's, or of those that say no shard the last of all.
bool manifest_may_be_torn(const struct manifest *m, uint32_t index);

// ---- what is changed. prefix: appendfilename, at most MANIFEST_PREFIX_MAX bytes.
enum { MANIFEST_PREFIX_MAX = MANIFEST_NAME_MAX - 64 };
// The next name and number of their kind, given out: they are not given out again, listed or not.
// is_rdb: the base is a snapshot, else commands. Not in the list until manifest_add.
struct manifest_file manifest_next_base(struct manifest *m, const char *prefix, bool is_rdb);
struct manifest_file manifest_next_incr(struct manifest *m, const char *prefix, int32_t shard);
// At its type's place. A base takes the place of the one before, which becomes history.
void manifest_add(struct manifest *m, const struct manifest_file *file);
// Step 3 of a rewrite, and how a log is opened: an incr for every shard (shard_count 1: one that
// says none), behind those there are.
void manifest_begin_rewrite(struct manifest *m, const char *prefix, uint32_t shard_count);
// Step 6: base is it from now on; all incrs are history but those of the last begin_rewrite
// (shard_count of them).
void manifest_end_rewrite(struct manifest *m, const struct manifest_file *base,
                          uint32_t shard_count);
void manifest_drop_history(struct manifest *m); // step 7, once its files are removed
// A log of one file, from before Redis 7: it is the base, under the name it has.
void manifest_take_over(struct manifest *m, const char *name);

// ---- names; out has MANIFEST_NAME_MAX + 1 bytes, and is returned
char *manifest_name(char *out, const char *prefix);
char *manifest_temporary_name(char *out, const char *prefix);
// While a log is turned on: what is written before its first snapshot is done.
char *manifest_temporary_incr_name(char *out, const char *prefix);
// A base while it is written.
char *manifest_temporary_base_name(char *out, const char *prefix);
// An empty file that is there from before a new log's files get their names until the manifest
// lists them: files that have no manifest beside it never counted.
char *manifest_begin_marker_name(char *out, const char *prefix);
// Does it begin as all temporary names of this log do?
bool manifest_is_temporary_name(const char *name, const char *prefix);
// Is it one of the names of a log with this prefix, whatever its number? (A directory that has
// such a file but no manifest holds a log that lost its list.)
bool manifest_is_log_name(const char *name, const char *prefix);
