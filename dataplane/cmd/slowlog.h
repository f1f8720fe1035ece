// slowlog.h: the commands that took long or waited long, newest first.
//
// Source:  Redis 7.2 SLOWLOG: what an entry keeps, how long arguments are cut
// Thread:  the shard
// Memory:  entries on the shard's heap (HEAP_OTHER), at most slowlog-max-len of them
// Units:   microseconds; unix seconds
//
// slowlog-log-slower-than compares the time of execution, as in Redis. Who waits in a queue while
// others execute is logged too, by slowlog-log-wait-slower-than, under two rules that keep the log
// readable when everything waits: of the requests that waited at the same time the first is
// logged, and such entries take up half of the log at most, so that the command they waited for
// stays in it.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/list.h"
#include "dataplane/keyspace/placement.h"

struct server;
struct call;

enum { SLOWLOG_ARGUMENTS_MAX = 32, SLOWLOG_ARGUMENT_BYTES_MAX = 128 };

struct slowlog_entry {
    struct list_node link;   // on slowlog.all
    struct list_node waited; // on slowlog.waited: it is here for its wait alone
    uint64_t id, time_s, execute_us, wait_us;
    uint64_t proxy_of;    // a client of another shard: who that is, is asked when it is shown
    uint32_t bytes, argc; // of this allocation
    struct bytes address, name;
    struct bytes argv[];
};

struct slowlog {             // of one shard
    struct list all, waited; // newest first
    uint64_t next_id;
    uint64_t wait_logged_ns; // when the last entry for its wait was made
};

void slowlog_open(struct server *server);
void slowlog_close(struct server *server);
// Whether call is to be logged, by the settings, and if so logs it.
void slowlog_note(struct call *call, uint64_t wait_us, uint64_t execute_us);
void slowlog_reset(struct server *server);
void slowlog_shrink(struct server *server); // to slowlog-max-len

// Of all shards, newest first. Their ids are counted together (node.h), so who remembers the last
// one that it saw misses none. Each keeps slowlog-max-len, so that the newest so many of all are
// among them; the walk is over no more than those.
struct slowlog_walk {
    struct slowlog_entry *next[PLACEMENT_SHARDS_MAX];
};
uint64_t slowlog_walk_begin(struct server *server, struct slowlog_walk *w); // how many there are
const struct slowlog_entry *slowlog_walk_next(struct server *server, struct slowlog_walk *w);
