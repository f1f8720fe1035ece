// cmd_debug_values.c: DEBUG on what keys hold: OBJECT, HTSTATS, LISTPACK and their like.
#include <stdio.h>
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/cmd_debug.h"
#include "dataplane/cmd/job.h"
#include "dataplane/types/value_dump.h"

static struct entry *find_quietly(struct call *call)
{
    struct key key = call_key(call, 2);
    struct entry *e =
        keyspace_find(call->keyspace, call->client->db, &key, FIND_QUIET, call->now_ms);
    if (!e) reply_error(call->reply, reply_text_no_key);
    return e;
}

// ---- DEBUG OBJECT <key> [FAST]

// How many bytes the value takes in a snapshot is found by writing it, in slices, to nowhere. What
// else is shown was known when it began.
struct weighing {
    struct job job;
    struct value_dump dump;
    struct rdb_buffer out;
    uint64_t bytes;
    char head[128], tail[256];
};

static void reply_object(struct call *call, const struct weighing *w)
{
    char text[512];
    snprintf(text, sizeof text, "%sserializedlength:%lu %s", w->head, (unsigned long)w->bytes,
             w->tail);
    reply_status(call->reply, text);
}

static bool weigh_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    enum { STEP_ELEMENTS = 64 };
    struct weighing *w = LIST_OWNER(job, struct weighing, job);
    bool is_done;
    do {
        is_done = value_dump_step(&w->dump, STEP_ELEMENTS);
        w->bytes += rdb_buffer_size(&w->out);
        struct blob *written = rdb_buffer_take(&w->out);
        if (written) blob_release(written);
    } while (!is_done && job_may_go_on(until_tsc));
    if (is_done) reply_object(call, w);
    return is_done;
}

static void weigh_close(struct job *job, struct server *server)
{
    struct weighing *w = LIST_OWNER(job, struct weighing, job);
    value_dump_end(&w->dump);
    rdb_buffer_close(&w->out);
    heap_give(server->heap, w, sizeof *w, HEAP_OTHER);
}

static const struct job_ops weigh_ops = { weigh_step, weigh_close };

// Redis's figures of a quicklist, of our nodes.
static void describe_list(const struct call *call, const struct entry *e, char *out, size_t room)
{
    struct list_cut view;
    list_view(e, &view);
    uint64_t nodes = view.bytes.data ? 1 : view.tree.leaf_count;
    snprintf(out, room,
             " ql_nodes:%lu ql_avg_node:%.2f ql_listpack_max:%ld ql_compressed:0 "
             "ql_uncompressed_size:%lu",
             (unsigned long)nodes, (double)view.count / (double)nodes,
             (long)call->server->settings->list_max_listpack_size,
             (unsigned long)(view.bytes.data ? view.bytes.size : view.tree.bytes));
}

static void describe(struct call *call, const struct entry *e, struct weighing *w)
{
    char list[160] = "";
    if (entry_encoding(e) == ENCODING_QUICKLIST) describe_list(call, e, list, sizeof list);
    snprintf(w->head, sizeof w->head, "Value at:%p refcount:1 encoding:%s ", (const void *)e,
             value_encoding_name(entry_encoding(e)));
    snprintf(w->tail, sizeof w->tail, "lru:%u lru_seconds_idle:%u%s", entry_lru_clock(e),
             entry_idle_s(call_keyspace(call, entry_key(e)), e, call->now_ms), list);
}

void debug_object(struct call *call)
{
    struct heap *heap = call->server->heap;
    struct value_dump_options options = { .may_compress = call->server->settings->rdbcompression };
    bool is_fast = call->argc == 4 && bytes_is_option(call->argv[3], "fast");
    struct entry *e = find_quietly(call);
    if (!e) return;
    if (call->argc == 4 && !is_fast) {
        reply_error(call->reply, reply_text_syntax);
        return;
    }
    struct weighing *w = heap_take_zeroed(heap, sizeof *w, HEAP_OTHER);
    w->job.ops = &weigh_ops;
    describe(call, e, w);
    rdb_buffer_init(&w->out, heap, HEAP_OTHER);
    if (is_fast || !value_dump_begin(&w->dump, call_keyspace(call, entry_key(e)), e, &w->out,
                                     options, call->now_ms)) {
        char text[512];
        snprintf(text, sizeof text, "%s%s", w->head, w->tail);
        reply_status(call->reply, text);
        rdb_buffer_close(&w->out);
        heap_give(heap, w, sizeof *w, HEAP_OTHER);
    } else if (entry_memory_bytes(e) > 64 * 1024) {
        call_start_job(call, &w->job);
    } else {
        call_run_job(call, &w->job);
    }
}

// ---- DEBUG LISTPACK <key>, DEBUG QUICKLIST <key> [<0|1>]

// Redis prints the structure; here its measures go to the log.
void debug_listpack(struct call *call)
{
    struct entry *e = find_quietly(call);
    if (!e) return;
    enum value_encoding encoding = entry_encoding(e);
    if (encoding != ENCODING_LISTPACK && encoding != ENCODING_LISTPACKEX &&
        encoding != ENCODING_LISTPACK_TREE) {
        reply_error(call->reply, "ERR Not a listpack encoded object.");
        return;
    }
    call_log(call, LOG_NOTICE, "DEBUG LISTPACK %.*s: encoding %s, %lu bytes in memory",
             text_chars(call->argv[2]), (const char *)call->argv[2].data,
             value_encoding_name(encoding), (unsigned long)entry_memory_bytes(e));
    reply_status(call->reply, "Listpack structure printed on stdout");
}

void debug_quicklist(struct call *call)
{
    char text[160];
    struct entry *e = find_quietly(call);
    if (!e) return;
    if (entry_encoding(e) != ENCODING_QUICKLIST) {
        reply_error(call->reply, "ERR Not a quicklist encoded object.");
        return;
    }
    describe_list(call, e, text, sizeof text);
    call_log(call, LOG_NOTICE, "DEBUG QUICKLIST %.*s:%s", text_chars(call->argv[2]),
             (const char *)call->argv[2].data, text);
    reply_status(call->reply, "Quicklist structure printed on stdout");
}

// ---- DEBUG HTSTATS <dbid> [full], DEBUG HTSTATS-KEY <key> [full]

void debug_htstats(struct call *call)
{
    int64_t db;
    char text[8192];
    if (!call_int(call, 2, &db, NULL)) return;
    if (db < 0 || db >= call->server->settings->databases) {
        reply_error(call->reply, "ERR Out of range database");
        return;
    }
    struct server *s = call->server;
    struct text all;
    text_open(&all, s->heap);
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        keyspace_stats(server_peer(s, i)->keyspace, (uint32_t)db, text, sizeof text);
        text_add(&all, "%s", text);
    }
    reply_verbatim(call->reply, "txt", text_bytes(&all));
    text_close(&all);
}

// NULL: the value has no tree by hash.
static const struct tree *find_tree(const struct entry *e, uint64_t now_ms, struct tree *out)
{
    struct set_cut set;
    struct hash_cut hash;
    struct zset_cut zset;
    enum value_encoding encoding = entry_encoding(e);
    switch (entry_type(e)) {
    case TYPE_SET:
        if (encoding != ENCODING_HASHTABLE) return NULL;
        set_look(e, &set);
        *out = set.tree;
        return out;
    case TYPE_HASH:
        if (encoding != ENCODING_HASHTABLE) return NULL;
        hash_view(e, now_ms, &hash);
        *out = hash.tree;
        return out;
    case TYPE_ZSET:
        if (encoding != ENCODING_SKIPLIST) return NULL;
        zset_look(e, &zset);
        *out = zset.by_hash;
        return out;
    default:
        return NULL;
    }
}

void debug_htstats_key(struct call *call)
{
    struct tree view;
    char text[256];
    struct entry *e = find_quietly(call);
    if (!e) return;
    const struct tree *t = find_tree(e, call->now_ms, &view);
    if (!t) {
        reply_error(call->reply, "ERR The value stored at the specified key is not represented "
                                 "using an hash table");
        return;
    }
    uint64_t leaves = t->leaf_count ? t->leaf_count : 1;
    snprintf(text, sizeof text,
             "Tree by hash stats:\n number of elements: %lu\n leaves: %lu\n bytes in leaves: %lu\n"
             " avg elements in a leaf: %.2f\n bytes of nodes: %lu\n",
             (unsigned long)t->count, (unsigned long)t->leaf_count, (unsigned long)t->bytes,
             (double)t->count / (double)leaves, (unsigned long)tree_memory_bytes(t));
    reply_verbatim(call->reply, "txt", bytes_text(text));
}
