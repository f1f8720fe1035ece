// LCS: replies, and the sizes that are refused.
//
// Redis's table of 4 bytes a cell must fit proto-max-bulk-len; the same sizes are refused here, so
// by default it is 2^27 cells at most: some milliseconds, in slices.
#include <string.h>
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/lcs.h"

static command_body cmd_lcs_body;

const struct command cmd_lcs[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(LCS, "lcs", cmd_lcs_body, -3, 1, 2, 1, CMD_READONLY, ACL_STRING),
};

#define LCS_CELLS_MAX (1ull << 32) // whatever proto-max-bulk-len says: about a tenth of a second
enum {
    DIRECT_CELLS = 1 << 21, // done at once: some 30 microseconds
    WALK_STEPS = 512,       // between two looks at the clock
};

struct lcs_options {
    bool len, idx, with_match_len;
    int64_t min_match_len;
};

struct lcs_text { // one of the two, as it was at the beginning
    struct bytes bytes;
    struct blob *blob; // held: who writes to the string meanwhile changes a copy
    uint8_t *copy;     // of what lies in no blob, which is little
};

// A run of matches: bytes a_end - size .. a_end - 1 of a, and likewise of b.
struct run {
    size_t a_end, b_end, size;
};

struct lcs_job {
    struct job job;
    struct lcs lcs;
    struct lcs_options options;
    struct lcs_text a, b;
    bool is_walking;
    uint8_t *text; // the answer, made from its end; and where that is
    size_t text_at, text_bytes;
    struct reply_later matches;
    uint64_t match_count;
    struct run run; // under way
};

// ---- the answer itself

static void begin_text(struct lcs_job *j)
{
    j->text_at = j->lcs.length;
    j->text_bytes = j->lcs.length + 1;
    j->text = heap_take(j->lcs.heap, j->text_bytes, HEAP_OTHER);
}

static bool has_text(struct lcs_job *j, struct call *call)
{
    if (j->text_at > 0) {
        if (lcs_walk(&j->lcs)) j->text[--j->text_at] = j->lcs.a.data[j->lcs.i];
        return false;
    }
    reply_bulk(call->reply, bytes_make(j->text, j->lcs.length));
    return true;
}

// ---- the runs of matches, from the last to the first

static void reply_range(struct call *call, size_t end, size_t size)
{
    reply_array(call->reply, 2);
    reply_int(call->reply, (int64_t)(end - size));
    reply_int(call->reply, (int64_t)(end - 1));
}

static void end_run(struct lcs_job *j, struct call *call)
{
    struct run run = j->run;
    j->run.size = 0;
    if (run.size == 0 || (int64_t)run.size < j->options.min_match_len) return;
    reply_array(call->reply, j->options.with_match_len ? 3 : 2);
    reply_range(call, run.a_end, run.size);
    reply_range(call, run.b_end, run.size);
    if (j->options.with_match_len) reply_int(call->reply, (int64_t)run.size);
    j->match_count++;
}

static void begin_matches(struct lcs_job *j, struct call *call)
{
    reply_map(call->reply, 2);
    reply_bulk_text(call->reply, "matches");
    j->matches = reply_later_begin(call->reply);
}

static bool has_matches(struct lcs_job *j, struct call *call)
{
    struct lcs *l = &j->lcs;
    if (!lcs_is_at_front(l)) {
        if (!lcs_walk(l))
            end_run(j, call);
        else if (j->run.size++ == 0)
            j->run = (struct run){ l->i + 1, l->j + 1, 1 };
        return false;
    }
    end_run(j, call);
    reply_later_array(call->reply, j->matches, j->match_count);
    reply_bulk_text(call->reply, "len");
    reply_int(call->reply, (int64_t)l->length);
    return true;
}

// ---- its way

static bool lcs_job_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct lcs_job *j = (struct lcs_job *)(void *)job;
    while (lcs_step(&j->lcs))
        if (!job_may_go_on(until_tsc)) return false;
    if (j->options.len) {
        reply_int(call->reply, (int64_t)j->lcs.length);
        return true;
    }
    if (!j->is_walking && j->options.idx)
        begin_matches(j, call);
    else if (!j->is_walking)
        begin_text(j);
    j->is_walking = true;
    do {
        for (uint32_t n = 0; n < WALK_STEPS; n++)
            if (j->options.idx ? has_matches(j, call) : has_text(j, call)) return true;
    } while (job_may_go_on(until_tsc));
    return false;
}

static void hold_text(struct lcs_text *t, struct heap *heap, const struct string_view *view)
{
    *t = (struct lcs_text){ .bytes = view->bytes };
    if (view->blob) {
        t->blob = blob_hold(view->blob);
    } else if (t->bytes.size) {
        t->copy = heap_take(heap, t->bytes.size, HEAP_OTHER);
        memcpy(t->copy, t->bytes.data, t->bytes.size);
        t->bytes.data = t->copy;
    }
}

static void give_text(const struct lcs_text *t, struct heap *heap)
{
    if (t->blob) blob_release(t->blob);
    if (t->copy) heap_give(heap, t->copy, t->bytes.size, HEAP_OTHER);
}

static void lcs_job_close(struct job *job, struct server *server)
{
    struct lcs_job *j = (struct lcs_job *)(void *)job;
    struct heap *heap = server->heap;
    lcs_close(&j->lcs);
    give_text(&j->a, heap);
    give_text(&j->b, heap);
    if (j->text) heap_give(heap, j->text, j->text_bytes, HEAP_OTHER);
    heap_give(heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops lcs_job_ops = { lcs_job_step, lcs_job_close };

// ---- the command

static bool lcs_options_parse(struct call *call, struct lcs_options *o)
{
    *o = (struct lcs_options){ 0 };
    for (uint32_t i = 3; i < call->argc; i++) {
        struct bytes word = call->argv[i];
        if (bytes_is_option(word, "idx"))
            o->idx = true;
        else if (bytes_is_option(word, "len"))
            o->len = true;
        else if (bytes_is_option(word, "withmatchlen"))
            o->with_match_len = true;
        else if (bytes_is_option(word, "minmatchlen") && i + 1 < call->argc) {
            if (!call_int(call, ++i, &o->min_match_len, NULL)) return false;
        } else {
            reply_error(call->reply, reply_text_syntax);
            return false;
        }
    }
    if (!o->len || !o->idx) return true;
    reply_error(call->reply, "ERR If you want both the length and indexes, please just use IDX.");
    return false;
}

// A key's value for the comparison; a missing key is an empty string. Formatted integers lie in
// view.
static bool lcs_value(struct call *call, uint32_t index, struct string_view *view)
{
    struct key key = call_key(call, index);
    struct entry *e = call_find(call, &key, FIND_READ);
    *view = (struct string_view){ .bytes = BYTES_LITERAL("") };
    if (!e) return true;
    if (entry_type(e) != TYPE_STRING) return false;
    string_read(e, view);
    return true;
}

// Looking up the second key may remove it, when it has expired, but never moves the first.
static bool lcs_values(struct call *call, struct string_view *a, struct string_view *b)
{
    bool first = lcs_value(call, 1, a);
    if (lcs_value(call, 2, b) && first) return true;
    reply_error(call->reply, "ERR The specified keys must contain string values");
    return false;
}

static bool lcs_fits(struct call *call, uint64_t a_size, uint64_t b_size)
{
    uint64_t cells = (a_size + 1) * (b_size + 1);
    if (a_size >= UINT32_MAX - 1 || b_size >= UINT32_MAX - 1)
        reply_error(call->reply, "ERR String too long for LCS");
    else if (cells > call->server->settings->proto_max_bulk_len / sizeof(uint32_t))
        reply_error(call->reply, "ERR Insufficient memory, transient memory for LCS exceeds "
                                 "proto-max-bulk-len");
    else if (cells > LCS_CELLS_MAX)
        reply_error(call->reply,
                    "ERR Insufficient memory, failed allocating transient memory for LCS");
    else
        return true;
    return false;
}

static void cmd_lcs_body(struct call *call)
{
    struct string_view a, b;
    struct lcs_options options;
    struct heap *heap = call->server->heap;
    if (!lcs_values(call, &a, &b) || !lcs_options_parse(call, &options)) return;
    uint64_t a_size = a.bytes.size, b_size = b.bytes.size;
    if (!lcs_fits(call, a_size, b_size)) return;
    struct lcs_job *j = heap_take_zeroed(heap, sizeof *j, HEAP_OTHER);
    j->job.ops = &lcs_job_ops;
    j->options = options;
    hold_text(&j->a, heap, &a);
    hold_text(&j->b, heap, &b);
    lcs_open(&j->lcs, heap, j->a.bytes, j->b.bytes, !options.len);
    if ((a_size + 64) * (b_size + 64) <= DIRECT_CELLS)
        call_run_job(call, &j->job);
    else
        call_start_job(call, &j->job);
}
