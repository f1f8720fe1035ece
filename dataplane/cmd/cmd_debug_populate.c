// cmd_debug_populate.c: DEBUG POPULATE <count> [<prefix>] [<size>]: keys for tests. Millions are
// made in slices; they are there one after the other. Of several shards each makes its own.
#include <stdio.h>
#include "dataplane/base/num.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/cmd_debug.h"
#include "dataplane/cmd/job.h"

enum { KEYS_PER_LOOK = 16, NAME_BYTES_MAX = 256, PREFIX_BYTES_MAX = 200 };

struct population {
    struct job job;
    int64_t next, count, size; // size 0: as long as the text
    char prefix[PREFIX_BYTES_MAX + 1];
    uint8_t *value; // of size bytes
};

// Keys that exist are left alone. A value longer than its text is filled up with zero bytes.
static void add_key(struct population *p, struct call *call)
{
    char name[NAME_BYTES_MAX], text[32];
    int name_size = snprintf(name, sizeof name, "%s:%ld", p->prefix, (long)p->next);
    int text_size = snprintf(text, sizeof text, "value:%ld", (long)p->next);
    struct key key = key_make(call->keyspace, bytes_make(name, (size_t)name_size));
    p->next++;
    if (!call_is_joint(call) && server_home(call->server, key.name) != call->server) return;
    if (keyspace_find(call->keyspace, call->client->db, &key, FIND_QUIET, call->now_ms)) return;
    struct bytes bytes = bytes_make(text, (size_t)text_size);
    if (p->value) {
        memcpy(p->value, text, p->size < text_size ? (size_t)p->size : (size_t)text_size);
        bytes = bytes_make(p->value, (size_t)p->size);
    }
    string_set(call->keyspace, call->client->db, &key, bytes, NULL, KEYSPACE_NO_DEADLINE, 0,
               call->now_ms);
}

static bool populate_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct population *p = LIST_OWNER(job, struct population, job);
    do
        for (int i = 0; i < KEYS_PER_LOOK && p->next < p->count; i++) add_key(p, call);
    while (p->next < p->count && job_may_go_on(until_tsc));
    if (p->next < p->count) return false;
    reply_ok(call->reply);
    return true;
}

static void populate_close(struct job *job, struct server *server)
{
    struct population *p = LIST_OWNER(job, struct population, job);
    heap_give(server->heap, p->value, (size_t)p->size, HEAP_OTHER);
    heap_give(server->heap, p, sizeof *p, HEAP_OTHER);
}

static const struct job_ops populate_ops = { populate_step, populate_close };

static bool parse_positive(struct call *call, uint32_t index, int64_t *value)
{
    if (num_parse_int(call->argv[index], value) && *value >= 0) return true;
    reply_error(call->reply, "ERR value is out of range, must be positive");
    return false;
}

void debug_populate(struct call *call)
{
    int64_t count, size = 0;
    struct heap *heap = call->server->heap;
    if (!parse_positive(call, 2, &count)) return;
    if (call->argc == 5 && !parse_positive(call, 4, &size)) return;
    if ((uint64_t)size > call->server->settings->proto_max_bulk_len) {
        reply_error(call->reply, "ERR value is out of range, must be positive");
        return;
    }
    struct population *p = heap_take(heap, sizeof *p, HEAP_OTHER);
    *p = (struct population){ .job.ops = &populate_ops, .count = count, .size = size };
    struct bytes prefix = call->argc >= 4 ? call->argv[3] : BYTES_LITERAL("key");
    int chars = text_chars(prefix);
    snprintf(p->prefix, sizeof p->prefix, "%.*s",
             chars > PREFIX_BYTES_MAX ? PREFIX_BYTES_MAX : chars, (const char *)prefix.data);
    if (size) p->value = heap_take_zeroed(heap, (size_t)size, HEAP_OTHER);
    if (count < JOB_ELEMENTS_MIN)
        call_run_job(call, &p->job);
    else
        call_start_job(call, &p->job);
}
