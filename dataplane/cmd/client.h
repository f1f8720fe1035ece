// client.h: one client as commands see it. The session (shard/) embeds it; commands never see
// sockets or packets.
//
// Thread:  the shard that owns the connection
// Memory:  texts are heap allocations of the shard (HEAP_SESSION), owned by the client
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/list.h"
#include "dataplane/base/stream.h"
#include "dataplane/cmd/effects.h"
#include "dataplane/conf/settings.h"
#include "dataplane/resp/resp_write.h"

struct blocked;
struct job;
struct heap;
struct held_back;
struct kept_push;
struct transaction;
struct acl_user;
struct subscriber;
struct tracker;
struct monitor;
struct paused;

enum client_flags {
    CLIENT_CLOSE_AFTER_REPLY = 1 << 0, // QUIT, protocol errors: send what is queued, then close
    CLIENT_CLOSE_NOW = 1 << 1,         // killed: nothing more is sent
    CLIENT_NO_EVICT = 1 << 2,
    CLIENT_NO_TOUCH = 1 << 3,
    CLIENT_REPLY_OFF = 1 << 4,
    CLIENT_REPLY_SKIP_NEXT = 1 << 5,
    CLIENT_REPLY_SKIP = 1 << 6, // this command's reply is dropped
    CLIENT_UNIX_SOCKET = 1 << 7,
    CLIENT_ADMIN_RESERVED = 1 << 8, // sits in one of the places kept for local administration
    // Nothing of a suspended client is executed: it waits for a key (block.h), for its own long
    // command, or for a key that another's long command will put (job.h).
    CLIENT_BLOCKED = 1 << 9,
    CLIENT_IN_JOB = 1 << 10,
    CLIENT_HELD_BACK = 1 << 11,
    CLIENT_PAUSED = 1 << 17, // pause.h
    // Its command waits for a rendezvous, or for what runs on other shards (shard/router.h).
    CLIENT_ELSEWHERE = 1 << 18,
    CLIENT_LOGGED = 1 << 22,    // what it wrote is not durable yet: log_wait.h
    CLIENT_SUSPENDED = CLIENT_BLOCKED | CLIENT_IN_JOB | CLIENT_HELD_BACK | CLIENT_PAUSED |
                       CLIENT_ELSEWHERE | CLIENT_LOGGED,
    // Stands here for a client of another shard, for one command (shard/far.h). It has no session.
    CLIENT_PROXY = 1 << 19,
    CLIENT_IN_MULTI = 1 << 12,     // transaction.h
    CLIENT_BROKEN_MULTI = 1 << 13, // a command was refused: EXEC aborts
    CLIENT_SUBSCRIBED = 1 << 15,   // to a channel or pattern: its own output limit
    CLIENT_MONITOR = 1 << 16,
    // While clients are listed: it waits for a key of another shard.
    CLIENT_WAITS_THERE = 1 << 20,
    // A proxy with a part of a command that runs on all shards, which is counted as one command
    // where its client is (shard/scatter.h).
    CLIENT_PART = 1 << 21,
};

struct client {
    uint64_t id;            // ascending, never reused while the server runs
    struct reply reply;     // version 2 or 3; writes into stream->out
    struct stream *stream;  // borrowed: addresses, fd, byte counts
    struct list_node all;   // on server->clients.all, oldest first
    struct list_node by_id; // on its bucket's chain (client_table)
    uint32_t flags;         // enum client_flags
    uint32_t db;
    bool authenticated;                   // it has logged in, or need not
    bool is_restricted;                   // its user may not do everything (acl_call.h)
    struct acl_user *user;                // borrowed; NULL: the default user
    char *name, *lib_name, *lib_version;  // NULL = none
    uint64_t created_ms, last_command_ms; // wall clock
    uint16_t last_command_id;             // row of the command table; UINT16_MAX: none yet
    uint64_t arguments_bytes;             // of the command under way: argv-mem
    uint64_t command_count, input_bytes, output_bytes;
    uint64_t query_buffer_bytes; // kept current by the session: qbuf
    uint64_t output_peak_bytes;
    uint64_t part_cycles;                         // CLIENT_PART: what it took
    struct transaction *transaction;              // NULL: neither MULTI nor WATCH
    struct subscriber *subscriber;                // pubsub.h; NULL: to nothing
    struct tracker *tracker;                      // tracking.h; NULL: off
    struct monitor *monitor;                      // monitor.h; NULL: no
    struct kept_push *pushes_first, *pushes_last; // push.h: they follow the reply under way
    uint64_t pushes_bytes;
    uint64_t kept_deadline_ms, kept_for; // client_keep_deadline; kept_for: its command_count
    // log_wait.h: where its last write ends in its shard's log, and what it had part in elsewhere.
    uint64_t log_position;
    struct effects_joint log_joint;
    struct list_node log_link;
    // By the flags of CLIENT_SUSPENDED. One who waited and is served by a job is both, for a
    // moment.
    struct blocked *blocked;
    union {
        struct job *job;
        struct held_back *held_back;
        struct paused *paused;
    };
};

// Its blocking command is executed anew: it waits no longer for that. command_count is what it will
// be at that execution.
static inline void client_keep_deadline(struct client *c, uint64_t deadline_ms)
{
    c->kept_deadline_ms = deadline_ms;
    c->kept_for = c->command_count;
}
static inline uint64_t client_deadline(const struct client *c, uint64_t otherwise)
{
    bool is_kept = __builtin_expect(c->kept_deadline_ms != 0, 0) && c->kept_for == c->command_count;
    return is_kept ? c->kept_deadline_ms : otherwise;
}

enum { CLIENT_TABLE_BUCKETS = 1024 };
struct client_table {
    struct list all; // of client->all, oldest first
    struct list buckets[CLIENT_TABLE_BUCKETS];
    struct list walks; // of struct client_walk.link
    uint64_t next_id;  // starts at 1
    uint32_t id_step;  // 1; with several shards their number
};
void client_table_init(struct client_table *t);
// Of one of many shards, while it is empty: its ids are index modulo shard_count (node.h).
void client_table_number(struct client_table *t, uint32_t index, uint32_t shard_count);
void client_table_add(struct client_table *t, struct client *c); // gives it its id
void client_table_remove(struct client_table *t, struct client *c);
struct client *client_table_find(const struct client_table *t, uint64_t id);
// Every client, oldest first, by one who lets others run in between: who goes meanwhile is left
// out. begin and end belong together.
struct client_walk {
    struct list_node link;
    struct list_node *next; // of client->all; NULL: no more
};
void client_walk_begin(struct client_table *t, struct client_walk *w);
struct client *client_walk_next(struct client_table *t, struct client_walk *w); // NULL: no more
struct client *client_walk_peek(const struct client_walk *w); // the one that is next
void client_walk_end(struct client_table *t, struct client_walk *w);
// "127.0.0.1:6379", "[::1]:6379", or the socket's path with ":0". Returns length.
uint32_t client_address_text(const struct client *c, bool local, const char *unix_path,
                             char out[128]);
// Which client-output-buffer-limit is its own: subscribers and MONITORs have the one of pubsub, for
// both are sent what others do.
enum output_limit client_output_class(const struct client *c);
void client_drop_texts(struct client *c, struct heap *heap); // name, library
bool client_is_local(const struct client *c); // Unix socket, or the peer is 127.0.0.0/8 or ::1
