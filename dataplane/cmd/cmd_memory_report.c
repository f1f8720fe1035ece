#include <stdio.h>
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/memory_report.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/text.h"

static command_body memory_doctor, memory_help, memory_malloc_stats, memory_purge, memory_stats,
    memory_usage;

// clang-format off
const struct command cmd_memory_subs[] = {
    // id, container, name, body, arity, first, last, step, flags, categories
    SUBCOMMAND(MEMORY_DOCTOR, "memory", "doctor", memory_doctor, 2, 0, 0, 0, 0, 0),
    SUBCOMMAND(MEMORY_HELP, "memory", "help", memory_help, 2, 0, 0, 0, CMD_LOADING | CMD_STALE, 0),
    SUBCOMMAND(MEMORY_MALLOC_STATS, "memory", "malloc-stats", memory_malloc_stats, 2, 0, 0, 0, 0, 0),
    SUBCOMMAND(MEMORY_PURGE, "memory", "purge", memory_purge, 2, 0, 0, 0, 0, 0),
    SUBCOMMAND(MEMORY_STATS, "memory", "stats", memory_stats, 2, 0, 0, 0, 0, 0),
    SUBCOMMAND(MEMORY_USAGE, "memory", "usage", memory_usage, -3, 2, 2, 1, CMD_READONLY, 0),
};
const struct command cmd_memory[] = {
    // id, name, body, arity, flags, categories, subcommands
    CONTAINER(MEMORY, "memory", NULL, -2, 0, 0, cmd_memory_subs),
};
// clang-format on

// ---- USAGE

// SAMPLES is taken and checked, but nothing has to be sampled: every collection knows its bytes.
static bool read_samples(struct call *call)
{
    for (uint32_t i = 3; i < call->argc; i += 2) {
        int64_t samples;
        if (!bytes_is_option(call->argv[i], "samples") || i + 1 == call->argc) {
            reply_error(call->reply, reply_text_syntax);
            return false;
        }
        if (!call_int(call, i + 1, &samples, NULL)) return false;
        if (samples < 0) {
            reply_error(call->reply, reply_text_syntax);
            return false;
        }
    }
    return true;
}

static void memory_usage(struct call *call)
{
    struct key key = call_key(call, 2);
    if (!read_samples(call)) return;
    const struct entry *e = call_find(call, &key, FIND_QUIET);
    if (e)
        reply_int(call->reply, (int64_t)entry_memory_bytes(e));
    else
        reply_null(call->reply);
}

// ---- STATS

struct stats {
    struct reply *reply;
    uint64_t count;
};

static void add(struct stats *s, const char *name, uint64_t value)
{
    reply_bulk_text(s->reply, name);
    reply_int(s->reply, (int64_t)value);
    s->count++;
}

static void add_double(struct stats *s, const char *name, double value)
{
    reply_bulk_text(s->reply, name);
    reply_double(s->reply, value);
    s->count++;
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

// What is beyond an inner figure, as ratio and as bytes.
static void add_beyond(struct stats *s, const char *ratio_name, const char *bytes_name,
                       uint64_t outer, uint64_t inner)
{
    add_double(s, ratio_name, ratio(outer, inner));
    add(s, bytes_name, outer - inner);
}

// The tables of one database; a deadline costs its part of the entry.
static void add_database(struct stats *s, struct server *server, uint32_t db)
{
    enum { DEADLINE_BYTES = 32 };
    char name[32];
    uint64_t keys = 0, table_bytes = 0, deadlines = 0;
    for (uint32_t i = 0; i < server_peer_count(server); i++) {
        const struct keyspace *k = server_peer(server, i)->keyspace;
        keys += keyspace_size(k, db);
        table_bytes += keyspace_table_bytes(k, db);
        deadlines += keyspace_deadline_count(k, db);
    }
    if (keys == 0) return;
    snprintf(name, sizeof name, "db.%u", db);
    reply_bulk_text(s->reply, name);
    reply_map(s->reply, 3);
    reply_bulk_text(s->reply, "overhead.hashtable.main");
    reply_int(s->reply, (int64_t)table_bytes);
    reply_bulk_text(s->reply, "overhead.hashtable.expires");
    reply_int(s->reply, (int64_t)deadlines * DEADLINE_BYTES);
    reply_bulk_text(s->reply, "overhead.hashtable.slot-to-keys");
    reply_int(s->reply, 0);
    s->count++;
}

static void add_redis(struct stats *s, struct server *server, const struct memory_report *r)
{
    uint64_t net = memory_report_beyond_startup(r);
    add(s, "peak.allocated", r->peak);
    add(s, "total.allocated", r->used);
    add(s, "startup.allocated", r->startup);
    add(s, "replication.backlog", r->owners[HEAP_BACKLOG]);
    add(s, "clients.slaves", 0);
    add(s, "clients.normal", r->clients);
    add(s, "cluster.links", 0);
    add(s, "aof.buffer", r->owners[HEAP_LOG]);
    add(s, "lua.caches", r->scripts);
    add(s, "functions.caches", r->functions);
    for (int64_t db = 0; db < server->settings->databases; db++)
        add_database(s, server, (uint32_t)db);
    add(s, "overhead.total", r->overhead);
    add(s, "keys.count", r->keys);
    add(s, "keys.bytes-per-key", r->keys ? net / r->keys : 0);
    add(s, "dataset.bytes", r->dataset);
    add_double(s, "dataset.percentage", 100 * ratio(r->dataset, net));
    add_double(s, "peak.percentage", 100 * ratio(r->used, r->peak));
    add(s, "allocator.allocated", r->allocated);
    add(s, "allocator.active", r->active);
    add(s, "allocator.resident", r->resident);
    add_beyond(s, "allocator-fragmentation.ratio", "allocator-fragmentation.bytes", r->active,
               r->allocated);
    add_beyond(s, "allocator-rss.ratio", "allocator-rss.bytes", r->resident, r->active);
    add_beyond(s, "rss-overhead.ratio", "rss-overhead.bytes", r->rss, r->resident);
    add_beyond(s, "fragmentation", "fragmentation.bytes", r->rss, r->used);
}

// The ledger: who of the server holds what was allocated.
static void add_ledger(struct stats *s, const struct memory_report *r)
{
    uint64_t booked = 0;
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++) {
        char name[64];
        snprintf(name, sizeof name, "ledger.%s", heap_owner_names[i]);
        add(s, name, r->owners[i]);
        booked += r->owners[i];
    }
    add(s, "ledger.allocator_cached", r->allocated > booked ? r->allocated - booked : 0);
}

static void memory_stats(struct call *call)
{
    struct memory_report r;
    struct stats s = { call->reply, 0 };
    memory_report_make(call->server, &r);
    struct reply_later map = reply_later_begin(call->reply);
    add_redis(&s, call->server, &r);
    add_ledger(&s, &r);
    reply_later_map(call->reply, map, s.count);
}

// ---- the rest

static void memory_doctor(struct call *call)
{
    struct memory_report r;
    struct text t;
    memory_report_make(call->server, &r);
    text_open(&t, call->server->heap);
    memory_advise(&t, call->server, &r);
    reply_verbatim(call->reply, "txt", text_bytes(&t));
    text_close(&t);
}

static void add_statistics(void *context, const char *part) { text_add(context, "%s", part); }

static void memory_malloc_stats(struct call *call)
{
    struct text t;
    text_open(&t, call->server->heap);
    heap_statistics(add_statistics, &t);
    reply_verbatim(call->reply, "txt", text_bytes(&t));
    text_close(&t);
}

static void memory_purge(struct call *call)
{
    for (uint32_t i = 0; i < server_peer_count(call->server); i++)
        heap_purge(server_peer(call->server, i)->heap);
    reply_ok(call->reply);
}

static void memory_help(struct call *call)
{
    static const char *const lines[] = {
        "DOCTOR",
        "    Return memory problems reports.",
        "MALLOC-STATS",
        "    Return internal statistics report from the memory allocator.",
        "PURGE",
        "    Attempt to purge dirty pages for reclamation by the allocator.",
        "STATS",
        "    Return information about the memory usage of the server.",
        "USAGE <key> [SAMPLES <count>]",
        "    Return memory in bytes used by <key> and its value. Nested values are",
        "    sampled up to <count> times (default: 5, 0 means sample all).",
        NULL,
    };
    call_reply_help(call, lines);
}
