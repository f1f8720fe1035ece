// cmd.h: a command: its row in the table, and struct call: all that a command body may touch.
//
// Source:  spec/commands.tsv for the facts in the rows; Redis 7.2 for what bodies do
// Thread:  the shard
// Memory:  rows are const; a call borrows everything, for the time of its execution
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/cmd/client.h"
#include "dataplane/cmd/server.h"
#include "dataplane/keyspace/keyspace.h"
#include "dataplane/resp/resp_read.h"
#include "dataplane/resp/resp_write.h"

enum command_flags { // names as COMMAND INFO shows them
    CMD_WRITE = 1 << 0,
    CMD_READONLY = 1 << 1,
    CMD_DENYOOM = 1 << 2,
    CMD_ADMIN = 1 << 3,
    CMD_PUBSUB = 1 << 4,
    CMD_NOSCRIPT = 1 << 5,
    CMD_BLOCKING = 1 << 6,
    CMD_LOADING = 1 << 7,
    CMD_STALE = 1 << 8,
    CMD_SKIP_MONITOR = 1 << 9,
    CMD_SKIP_SLOWLOG = 1 << 10,
    CMD_ASKING = 1 << 11,
    CMD_FAST = 1 << 12,
    CMD_NO_AUTH = 1 << 13,
    CMD_MAY_REPLICATE = 1 << 14,
    CMD_NO_MANDATORY_KEYS = 1 << 15,
    CMD_PROTECTED = 1 << 16,
    CMD_NO_ASYNC_LOADING = 1 << 17,
    CMD_NO_MULTI = 1 << 18,
    CMD_ALLOW_BUSY = 1 << 19,
    CMD_MOVABLEKEYS = 1 << 20,
    CMD_TOUCHES_ARBITRARY_KEYS = 1 << 21,
    CMD_SENTINEL = 1 << 22,
};

struct call;
struct command {
    const char *name;                // lower case; "kill" for a subcommand
    const char *full_name;           // "client|kill"; same as name at the top level
    void (*body)(struct call *call); // NULL: a container that needs a subcommand
    int16_t arity;                   // with the name; negative: at least
    int16_t first_key, last_key,
        key_step;            // 0 0 0: none (spec/commands.tsv key_specs, legacy range form)
    uint32_t flags;          // enum command_flags
    uint64_t acl_categories; // bits by acl_category_names
    const struct command *subcommands; // NULL: none
    uint16_t subcommand_count;
    uint16_t id; // index into shard_tally.commands; unique over commands and subcommands
};

struct call {
    struct server *server;
    struct client *client;
    struct reply *reply;           // &client->reply
    struct keyspace *keyspace;     // server->keyspace
    const struct command *command; // NULL: unknown
    struct bytes *argv;
    uint32_t argc;
    struct resp_request *request; // for blobs of big arguments; its argv is this argv
    struct key key; // of the first key argument; hash computed ahead. name.size 0 and hash 0: none
    bool has_key;
    uint64_t arrival_tsc;
    uint64_t now_ms; // wall clock, one value for the whole command
    uint64_t pause_cycles; // DEBUG SLEEP: what its execution takes that follows the body
    // Blocking and long commands (block.h, job.h), effects (effects.h).
    bool is_retry;   // executed again, for a client that blocked
    bool no_suspend; // in a transaction or script: answer now
    bool may_wait_held; // at a rendezvous, by its keys: it may wait for them nevertheless
    bool suspended;  // the body called call_block or call_start_job: no reply yet
    bool has_effect; // the body said what its effect is
};

// ACL categories, in the order of Redis 7.2. A row names its own; those that follow from flags are
// added by the row macros (cmd_rows.h).
enum acl_category {
    ACL_KEYSPACE = 1 << 0,
    ACL_READ = 1 << 1,
    ACL_WRITE = 1 << 2,
    ACL_SET = 1 << 3,
    ACL_SORTEDSET = 1 << 4,
    ACL_LIST = 1 << 5,
    ACL_HASH = 1 << 6,
    ACL_STRING = 1 << 7,
    ACL_BITMAP = 1 << 8,
    ACL_HYPERLOGLOG = 1 << 9,
    ACL_GEO = 1 << 10,
    ACL_STREAM = 1 << 11,
    ACL_PUBSUB = 1 << 12,
    ACL_ADMIN = 1 << 13,
    ACL_FAST = 1 << 14,
    ACL_SLOW = 1 << 15,
    ACL_BLOCKING = 1 << 16,
    ACL_DANGEROUS = 1 << 17,
    ACL_CONNECTION = 1 << 18,
    ACL_TRANSACTION = 1 << 19,
    ACL_SCRIPTING = 1 << 20,
};
enum { ACL_CATEGORY_COUNT = 21, COMMAND_FLAG_COUNT = 23 };
extern const char *const acl_category_names[ACL_CATEGORY_COUNT]; // [i] names bit i
extern const char *const command_flag_names[COMMAND_FLAG_COUNT]; // as COMMAND INFO shows them

// ---- the table (cmd_table.c). Rows are written in the files of commands with cmd_rows.h's macros.
// Perfect-hash or open-addressed lookup, case folded; NULL: unknown. Containers are returned as
// such.
const struct command *command_find(struct bytes name);
const struct command *command_find_sub(const struct command *container, struct bytes name);
// Every command and subcommand; NULL past the last. Ids below command_top_count() are the top
// level.
const struct command *command_by_id(uint16_t id);
uint32_t command_count(void);     // of ids in use, <= COMMAND_TALLY_MAX
uint32_t command_top_count(void); // COMMAND COUNT

// ---- running (cmd_exec.c): three stages, so that a burst's memory is asked for before it is
// needed. 1: finds the row and the subcommand's row, makes the first key and prefetches its bucket.
void command_prepare(struct call *call);
// 2: prefetches the entry.
void command_prefetch(const struct call *call);
// 3: checks (known, arity, authentication, arguments' limits, memory), runs the body, counts and
// times it, books the error if one was replied. Exactly one reply is written, unless the client
// asked for none.
// Charges CYCLES_EXECUTE: leaves that account open in server->meter, so that within a burst the end
// of one command is the start of the next (one rdtsc each). The caller closes it after the burst.
void command_execute(struct call *call);
// Its checks (cmd_check.c). False: the refusal is written.
bool command_may_run(struct call *call);
// Says why it does not run, text with its code; in a transaction with what follows from that.
// Returns false.
bool command_refuse(struct call *call, const char *text);
// A command of a transaction, at EXEC: what may have changed since it was queued.
bool command_may_run_queued(struct call *call);
// The body of a command that EXEC or a script runs (call->no_suspend), with its effects, counts and
// times. No checks.
void command_run(struct call *call);
// Behind a body: a write that changed something and did not say what its effect is, is its own
// effect. dirty_before: keyspace_dirty of its keyspace in front of the body.
void command_add_effect(struct call *call, uint64_t dirty_before);
// Counts the errors in its reply, for a command of a script that was refused.
void command_book_errors(struct call *call);

// A request that was kept (kept.h): made a call again and executed. False: the client is suspended
// once more. The request stays the caller's.
struct kept_request;
struct route;
// Of a client that waited for a rendezvous: the shards of route stand still for it (route.h).
// is_retry: it waits for keys of several of them (block.h).
void command_execute_held(struct server *server, struct client *client,
                          const struct kept_request *request, const struct route *route,
                          bool is_retry);
bool command_execute_kept(struct server *server, struct client *client,
                          const struct kept_request *request, bool is_retry);
// The part of command_execute after a body that was suspended: counts it, ends its effects.
void command_finish(struct call *call, uint64_t execute_cycles);

// ---- helpers for bodies (cmd_util.c)
struct key call_key(const struct call *call,
                    uint32_t index); // argv[index]; the first key's hash is reused
// Type check: false after replying WRONGTYPE. NULL entries pass.
bool call_check_type(struct call *call, const struct entry *e, enum value_type type);
bool call_int(struct call *call, uint32_t index, int64_t *out,
              const char *error); // error NULL: not-an-integer text
// Deadlines up to this moment have passed. None has while a log is loaded: what had expired when it
// was written, the log says itself.
static inline uint64_t call_passed_ms(const struct call *call)
{
    return UNLIKELY(call->server->replays_log) ? 0 : call->now_ms;
}
// EX/PX/EXAT/PXAT argument to an absolute deadline, with Redis's range checks; replies "invalid
// expire time in 'x'..."
bool call_deadline(struct call *call, struct bytes text, bool is_seconds, bool is_absolute,
                   uint64_t *deadline_ms);
// The value of key changed: for WATCH, tracking and keyspace events. class: enum event_class;
// event: Redis's name of it, as in its keyspace notifications ("lpush", "hset", "del", ...). Once
// per key and event, after the change.
enum event_class {          // Redis's letters
    EVENT_GENERIC = 1 << 0, // g
    EVENT_STRING = 1 << 1,  // $
    EVENT_LIST = 1 << 2,    // l
    EVENT_SET = 1 << 3,     // s
    EVENT_HASH = 1 << 4,    // h
    EVENT_ZSET = 1 << 5,    // z
    EVENT_STREAM = 1 << 6,  // t
    EVENT_EXPIRED = 1 << 7, // x
    EVENT_EVICTED = 1 << 8, // e
    EVENT_MODULE = 1 << 9,  // d
    EVENT_ALL = (1 << 10) - 1, // A: all but these two
    EVENT_MISSED = 1 << 10, // m
    EVENT_NEW = 1 << 11,    // n
    EVENT_EVERY = (1 << 12) - 1,
    // With one of the above: the key's value is as it was, so only notifications hear of it.
    EVENT_ONLY = 1 << 12,
};
void call_changed(struct call *call, const struct key *key, enum event_class class,
                  const char *event);
void call_changed_in(struct call *call, uint32_t db, const struct key *key, enum event_class class,
                     const char *event);
void call_log(struct call *call, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// What the helpers above have in common with bodies of other files.
bool call_db_index(struct call *call, uint32_t index, uint32_t *db); // replies Redis's two errors
// The keys at argv[index], argv[index + step], ..., at most CALL_KEYS_MAX of them, their buckets
// and then their entries asked for together. Returns how many.
enum { CALL_KEYS_MAX = 16 };
uint32_t call_keys(const struct call *call, uint32_t index, uint32_t step,
                   struct key keys[CALL_KEYS_MAX]);
// keyspace_find for a command: in database db, or in the client's; a client with CLIENT NO-TOUCH
// does not touch.
struct entry *call_find_in(struct call *call, uint32_t db, const struct key *key,
                           enum find_flags flags);
static inline struct entry *call_find(struct call *call, const struct key *key,
                                      enum find_flags flags)
{
    return call_find_in(call, call->client->db, key, flags);
}
bool bytes_is_option(struct bytes argument, const char *word); // case folded
void reply_value(struct call *call, const struct entry *e);    // a string entry as a bulk
// Container HELP: the head line, these lines (NULL-ended) and HELP's own, as status replies.
void call_reply_help(struct call *call, const char *const *lines);
