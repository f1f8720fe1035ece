#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/base/glob.h"
#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/keyspace/walk.h"

static command_body cmd_keys_body, cmd_randomkey, cmd_scan_body;

// clang-format off
const struct command cmd_scans[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(KEYS, "keys", cmd_keys_body, 2, 0, 0, 0, CMD_READONLY, ACL_KEYSPACE | ACL_DANGEROUS),
    COMMAND(RANDOMKEY, "randomkey", cmd_randomkey, 1, 0, 0, 0, CMD_READONLY | CMD_TOUCHES_ARBITRARY_KEYS,
            ACL_KEYSPACE),
    COMMAND(SCAN, "scan", cmd_scan_body, -2, 0, 0, 0, CMD_READONLY | CMD_TOUCHES_ARBITRARY_KEYS,
            ACL_KEYSPACE),
};
// clang-format on

// What is shown of the keys, and where.
struct visit {
    struct reply *reply;
    struct bytes pattern; // data NULL: every key
    struct bytes type;    // data NULL: every type
    int64_t count;
};

static void visit_entry(void *context, const struct entry *e)
{
    struct visit *w = context;
    struct bytes name = entry_key(e);
    if (w->pattern.data && !glob_match(w->pattern, name, false)) return;
    if (w->type.data && !bytes_is_option(w->type, value_type_name(entry_type(e)))) return;
    reply_bulk(w->reply, name);
    w->count++;
}

static struct bytes pattern_or_all(struct bytes pattern)
{
    return bytes_equal(pattern, BYTES_LITERAL("*")) ? (struct bytes){ 0 } : pattern;
}

// ---- KEYS: the names at one moment, in slices when there are many

enum { BUCKETS_PER_LOOK = 4 }; // some 60 keys between two looks at the clock

struct keys_job {
    struct job job;
    struct keyspace_walk walk;
    struct visit visit;
    struct reply_later later;
};

static void keys_show(void *context, const struct entry *e)
{
    struct keys_job *k = context;
    visit_entry(&k->visit, e);
}

static bool keys_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct keys_job *k = (struct keys_job *)job;
    do {
        for (uint32_t i = 0; i < BUCKETS_PER_LOOK; i++) keyspace_walk_step(&k->walk);
    } while (!k->walk.is_done && job_may_go_on(until_tsc));
    if (!k->walk.is_done) return false;
    reply_later_array(call->reply, k->later, (uint64_t)k->visit.count);
    return true;
}

static void keys_close(struct job *job, struct server *server)
{
    struct keys_job *k = (struct keys_job *)job;
    keyspace_walk_end(&k->walk);
    if (k->visit.pattern.data)
        heap_give(server->heap, (void *)(uintptr_t)k->visit.pattern.data, k->visit.pattern.size + 1,
                  HEAP_OTHER);
    heap_give(server->heap, k, sizeof *k, HEAP_OTHER);
}

// The walk shows keys also when other clients remove them, so the pattern has to outlive the
// packet.
static struct bytes own_pattern(struct heap *heap, struct bytes pattern)
{
    if (!pattern.data) return pattern;
    uint8_t *copy = heap_take(heap, pattern.size + 1, HEAP_OTHER);
    memcpy(copy, pattern.data, pattern.size);
    return bytes_make(copy, pattern.size);
}

static const struct job_ops keys_ops = { keys_step, keys_close };

static void cmd_keys_body(struct call *call)
{
    struct server *s = call->server;
    struct keys_job *k = heap_take_zeroed(s->heap, sizeof *k, HEAP_OTHER);
    k->job.ops = &keys_ops;
    k->visit = (struct visit){ .reply = call->reply,
                               .pattern = own_pattern(s->heap, pattern_or_all(call->argv[1])) };
    k->later = reply_later_begin(call->reply);
    keyspace_walk_begin(&k->walk, call->keyspace, call->client->db, call->now_ms, keys_show, k);
    if (keyspace_size(call->keyspace, call->client->db) <= JOB_ELEMENTS_MIN)
        call_run_job(call, &k->job);
    else
        call_start_job(call, &k->job);
}

static void cmd_randomkey(struct call *call)
{
    struct entry *e =
        keyspace_random(call->keyspace, call->client->db, &call->server->rng, call->now_ms);
    if (e)
        reply_bulk(call->reply, entry_key(e));
    else
        reply_null(call->reply);
}

// As Redis reads it, with strtoul: a sign is allowed, leading blanks are not, and "" is 0.
static bool cursor_parse(struct call *call, uint64_t *cursor)
{
    char text[32];
    struct bytes in = call->argv[1];
    size_t size = in.size < sizeof text - 1 ? in.size : sizeof text - 1;
    memcpy(text, in.data, size);
    text[size] = 0;
    char *end;
    errno = 0;
    *cursor = strtoul(text, &end, 10);
    if (size == in.size && !isspace((unsigned char)text[0]) && *end == 0 && errno != ERANGE)
        return true;
    reply_error(call->reply, "ERR invalid cursor");
    return false;
}

static bool scan_options(struct call *call, struct visit *w, int64_t *count)
{
    for (uint32_t i = 2; i < call->argc; i += 2) {
        struct bytes word = call->argv[i];
        bool has_value = i + 1 < call->argc;
        if (has_value && bytes_is_option(word, "count")) {
            if (!call_int(call, i + 1, count, NULL)) return false;
            if (*count >= 1) continue;
        } else if (has_value && bytes_is_option(word, "match")) {
            w->pattern = pattern_or_all(call->argv[i + 1]);
            continue;
        } else if (has_value && bytes_is_option(word, "type")) {
            w->type = call->argv[i + 1]; // of an unknown name there are no keys
            continue;
        }
        reply_error(call->reply, reply_text_syntax);
        return false;
    }
    return true;
}

static void fill_cursor(struct reply *r, struct reply_later gap, uint64_t cursor)
{
    char digits[NUM_INT_MAX], wire[OUTQ_GAP_MAX + 1];
    uint32_t size = num_format_uint(digits, cursor);
    int wire_size = snprintf(wire, sizeof wire, "$%u\r\n%.*s\r\n", size, (int)size, digits);
    if (gap.gap) outq_gap_fill(r->out, gap.gap, bytes_make(wire, (size_t)wire_size));
}

static void cmd_scan_body(struct call *call)
{
    struct visit w = { .reply = call->reply };
    uint64_t cursor;
    int64_t count = 10;
    if (!cursor_parse(call, &cursor) || !scan_options(call, &w, &count)) return;
    reply_array(call->reply, 2);
    // The cursor comes before the keys, but is known after them.
    struct reply_later cursor_gap = reply_later_begin(call->reply);
    struct reply_later later = reply_later_begin(call->reply);
    cursor = keyspace_scan(call->keyspace, call->client->db, cursor, (uint64_t)count, call->now_ms,
                           visit_entry, &w);
    reply_later_array(call->reply, later, (uint64_t)w.count);
    fill_cursor(call->reply, cursor_gap, cursor);
}
