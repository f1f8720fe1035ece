// keeper.h: the files of the append-only log: opening it at the start, rewriting it, turning it on
// and off, each as steps between which the server serves.
//
// Source:  spec/aof.md chapters 6 (what is committed in which order), 7 (opening) and 10
// Thread:  the first shard's, or who holds it; keeper_is_opening: any
// Memory:  one for the process; files that shards append to, and names, are in it
//
//   purpose          steps
//   OPEN     start   incrs are opened or created; listed when they are new; all shards turn to them
//   BEGIN    turned  incrs are created under temporary names; at one moment of all shards these
//            on      begin to be written and the base's snapshot begins; the base is whole; the
//                    incrs get their names; the manifest is committed: from here on it counts
//   REWRITE          incrs are created and listed behind those there are; at one moment the shards
//                    turn to them and the base's snapshot begins; the base is whole; the manifest
//                    without the older ones is committed; these are removed
//   BASE     off     BGREWRITEAOF of a log that is off: a base alone, as Redis makes one
//   END      turned  the shards write no more, their files are finished, the folder is let go
//            off
//
// The manifest on the disk is at any time one that recovery can use. What fails is undone as far as
// it went, and said; a rewrite that fails leaves the new incrs in use, behind the others.
#pragma once
#include "dataplane/base/heap.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/shard/appender.h"
#include "storage/flusher.h"

struct settings;

enum keeper_purpose { KEEPER_OPEN, KEEPER_BEGIN, KEEPER_REWRITE, KEEPER_BASE, KEEPER_END };
enum keeper_step {
    KEEPER_IDLE,
    KEEPER_LOADING,    // at the start: what is there is being loaded
    KEEPER_CREATING,   // incrs
    KEEPER_LISTING,    // the manifest that names them
    KEEPER_MOMENT,     // all shards are to be held
    KEEPER_SAVING,     // the base
    KEEPER_NAMING,     // incrs that had temporary names
    KEEPER_COMMITTING, // the manifest that counts
    KEEPER_REMOVING,   // what it does not list any more
    KEEPER_TIDYING,    // the manifest that does not list it as history either
    KEEPER_ENDING,     // until no shard has a file, or an older one
    KEEPER_UNDOING,    // behind an error: files that nobody writes to are closed
    KEEPER_UNMAKING,   // and removed
};

enum {
    KEEPER_RETRY_MS = 1000, // behind an error
    KEEPER_MOMENT_US = 100, // between two looks whether all shards can turn
    KEEPER_POLL_US = 2000,  // while files are finished by others
};

struct keeper {
    struct persist *persist;
    struct aof *aof; // the one in persist
    struct heap heap;
    bool has_heap;
    enum keeper_purpose purpose;
    enum keeper_step step;
    // By shard; those in use and those that will be take turns.
    struct appender_file files[PLACEMENT_SHARDS_MAX][2];
    uint32_t slot;             // of the files in use
    uint64_t moment_ns;        // not before this
    struct manifest next;      // what the disk's is to become; open while not idle
    struct manifest_file base; // being made
    char base_path[AOF_PATH_MAX];
    struct flush_request requests[PLACEMENT_SHARDS_MAX + 1];
    uint32_t outstanding; // of these
    bool is_in_doubt;     // the manifest can be seen, but may be lost: to be committed once more
    int error;            // of the first that failed; 0
    const char *error_step;
    uint8_t *text; // of the manifest under way
    size_t text_room;
    char path[AOF_PATH_MAX], target[AOF_PATH_MAX];
    char paths[PLACEMENT_SHARDS_MAX][AOF_PATH_MAX];
    uint32_t history_at;   // index in the manifest
    bool must_unmake;      // KEEPER_END: the files are those of a log that was never whole
    bool must_remove_base; // it is there, and no manifest says so
    uint64_t retry_ms;     // wall clock, after an error
    // Called once by the first shard, when the log is open. NULL: nobody waits.
    void (*on_open)(void *context);
    void *context;
};

enum { KEEPER_ERROR_MAX = 800 };
// At the start, before any shard turns: with `appendonly yes` the folder is opened, and what it
// lists is going to be loaded (replay.h). ERR_IO: error says why it cannot be.
enum status keeper_open(struct keeper *k, struct persist *p, const struct settings *settings,
                        char error[KEEPER_ERROR_MAX]) MUST_USE;
void keeper_close(struct keeper *k); // shards and flusher are closed
static inline bool keeper_is_opening(const struct keeper *k)
{
    return k && __atomic_load_n(&k->persist->opens_log, __ATOMIC_ACQUIRE);
}
// By the first shard; the others have nothing to do with it.
static inline bool keeper_is_idle(const struct keeper *k) { return !k || k->step == KEEPER_IDLE; }
// The first shard's: goes on with what it is at; and looks, several times a second, whether there
// is something to begin. Returns how much was done.
uint32_t keeper_turn(struct shard *s);
uint64_t keeper_next_ns(const struct shard *s); // when it wants a turn; UINT64_MAX: it does not
void keeper_cron(struct shard *s);
bool keeper_turn_on(struct server *first); // struct server_ops.log_on

// ---- between keeper*.c
void keeper_begin(struct shard *s, enum keeper_purpose purpose);
void keeper_take_moment(struct shard *s); // if it can be had; else the next turn tries
void keeper_fail(struct shard *s);        // k->error: undoes, says so
void keeper_clean_up(struct shard *s);    // history goes
void keeper_end_opening(struct keeper *k);
bool keeper_are_closed(const struct shard *s, uint32_t slot);
static inline void keeper_set_state(struct keeper *k, enum aof_state state)
{
    __atomic_store_n(&k->aof->state, state, __ATOMIC_RELEASE);
}

// ---- keeper_files.c
// Incrs for next, which is a copy of the disk's manifest: their requests are under way.
void keeper_create_incrs(struct shard *s);
// The last incrs there are can be appended to: they are being opened.
bool keeper_reopen_incrs(struct shard *s);
void keeper_commit_next(struct shard *s); // asks for it; keeper_adopt_next when it is there
void keeper_adopt_next(struct keeper *k);
void keeper_name_incrs(struct shard *s);
bool keeper_remove_history(struct shard *s); // asks for the next one; false: there is none
void keeper_close_incrs(struct shard *s);    // that nobody appends to yet
void keeper_remove_incrs(struct shard *s);   // the same; or, must_unmake, any more
void keeper_remove_base(struct shard *s);
void keeper_remove_marker(struct shard *s);
