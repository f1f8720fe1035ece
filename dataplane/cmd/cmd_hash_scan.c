// HSCAN, with NOVALUES of Redis 7.4.
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include "dataplane/base/glob.h"
#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/hash_job.h"

static command_body cmd_hscan;

// clang-format off
const struct command cmd_hashes_scan[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(HSCAN, "hscan", cmd_hscan, -3, 1, 1, 1, CMD_READONLY, ACL_HASH),
};
// clang-format on

enum { SCAN_STRIDE = 32 }; // fields between two looks at the clock

// The reply says how many fields it has before it shows them, so a version of the hash is gone over
// twice: first they are counted.
struct scan_job {
    struct job job;
    struct hash_cut cut;
    uint64_t first, cursor; // where it began, where it is
    uint64_t count, left;   // fields asked for; still to be visited
    uint64_t matches;
    uint32_t pattern; // index of the argument; 0: every field
    bool no_values, is_counted;
};

struct visit {
    struct scan_job *job;
    struct reply *reply; // NULL: count
    struct bytes pattern;
};

static void visit_field(void *context, const struct hash_field *field)
{
    struct visit *v = context;
    if (v->job->pattern && !glob_match(v->pattern, field->field, false)) return;
    if (!v->reply) {
        v->job->matches++;
        return;
    }
    reply_bulk(v->reply, field->field);
    if (!v->job->no_values) reply_bulk(v->reply, field->value);
}

static void begin_pass(struct scan_job *j)
{
    j->cursor = j->first;
    j->left = j->count;
}

// True: the pass is over.
static bool pass(struct scan_job *j, struct visit *v, uint64_t until_tsc)
{
    do {
        uint64_t stride = j->left < SCAN_STRIDE ? j->left : SCAN_STRIDE;
        j->cursor = hash_cut_scan(&j->cut, j->cursor, stride, visit_field, v);
        j->left -= stride;
        if (!j->cursor || !j->left) return true;
    } while (job_may_go_on(until_tsc));
    return false;
}

static void reply_header(struct reply *r, const struct scan_job *j)
{
    char digits[NUM_INT_MAX];
    reply_array(r, 2);
    reply_bulk(r, bytes_make(digits, num_format_uint(digits, j->cursor)));
    reply_array(r, j->no_values ? j->matches : 2 * j->matches);
}

static bool scan_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct scan_job *j = (struct scan_job *)(void *)job;
    struct visit v = { .job = j };
    if (j->pattern) v.pattern = call->argv[j->pattern];
    if (!j->is_counted) {
        if (!pass(j, &v, until_tsc)) return false;
        reply_header(call->reply, j);
        begin_pass(j);
        j->is_counted = true;
    }
    v.reply = call->reply;
    return pass(j, &v, until_tsc);
}

static void scan_close(struct job *job, struct server *server)
{
    struct scan_job *j = (struct scan_job *)(void *)job;
    hash_cut_drop(server->keyspace, &j->cut);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops scan_ops = { .step = scan_step, .close = scan_close };

// As Redis reads it, with strtoul: a sign is allowed, leading blanks are not, and "" is 0.
static bool cursor_parse(struct call *call, struct bytes in, uint64_t *cursor)
{
    char text[32];
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

static bool parse_options(struct call *call, struct scan_job *j)
{
    int64_t count = 10;
    uint32_t i = 3;
    while (i < call->argc) {
        struct bytes word = call->argv[i++];
        if (bytes_is_option(word, "novalues")) {
            j->no_values = true;
            continue;
        }
        bool is_count = bytes_is_option(word, "count"), is_match = bytes_is_option(word, "match");
        if (i == call->argc || (!is_count && !is_match)) goto refuse;
        if (is_match)
            j->pattern = i;
        else if (!call_int(call, i, &count, NULL))
            return false;
        if (count < 1) goto refuse;
        i++;
    }
    if (j->pattern && bytes_equal(call->argv[j->pattern], BYTES_LITERAL("*"))) j->pattern = 0;
    j->count = (uint64_t)count;
    return true;
refuse:
    reply_error(call->reply, reply_text_syntax);
    return false;
}

static void scan_hash(struct call *call, const struct entry *e, struct scan_job *options)
{
    if (entry_encoding(e) != ENCODING_HASHTABLE) options->count = UINT64_MAX; // at once
    begin_pass(options);
    uint64_t total = hash_count(e);
    if (!hash_wants_job(e, total < options->count ? total : options->count)) {
        hash_view(e, call->now_ms, &options->cut);
        scan_step(&options->job, call, UINT64_MAX);
        return;
    }
    struct scan_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    *j = *options;
    j->job.ops = &scan_ops;
    hash_cut(call->keyspace, e, call->now_ms, &j->cut);
    call_start_job(call, &j->job);
}

static void cmd_hscan(struct call *call)
{
    struct scan_job options = { .first = 0 };
    if (!cursor_parse(call, call->argv[2], &options.first)) return;
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_READ);
    if (!call_check_type(call, e, TYPE_HASH)) return;
    if (!e) // before the options are looked at
        reply_header(call->reply, &options);
    else if (parse_options(call, &options))
        scan_hash(call, e, &options);
}
