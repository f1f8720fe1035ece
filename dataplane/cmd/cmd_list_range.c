// Many elements of a list in one reply.
#include "dataplane/cmd/cmd_list.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"

static command_body cmd_lrange;

// clang-format off
const struct command cmd_list_ranges[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(LRANGE, "lrange", cmd_lrange, 4, 1, 1, 1, CMD_READONLY, ACL_LIST),
};
// clang-format on

enum {
    STEP_ELEMENTS = 64, // between two looks at the clock: so many elements, or bytes
    STEP_BYTES = 32 * 1024,
    DIRECT_BYTES = 512 * 1024, // a reply of about this size is written in one go
};

struct range_job {
    struct job job;
    struct list_cut cut;
    struct list_iter iter;
};

// True: all of it.
static bool emit(struct reply *reply, struct list_iter *i, uint64_t until_tsc)
{
    struct bytes text;
    do {
        size_t bytes = 0;
        for (uint32_t n = 0; n < STEP_ELEMENTS && bytes < STEP_BYTES; n++) {
            if (!list_iter_next(i, &text)) return true;
            reply_bulk(reply, text);
            bytes += text.size;
        }
    } while (job_may_go_on(until_tsc));
    return i->left == 0;
}

static void begin(struct list_iter *i, const struct list_cut *list, uint64_t start, uint64_t count,
                  bool backwards)
{
    list_iter_init(i, list, start, backwards);
    i->left = count;
}

static bool range_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    return emit(call->reply, &((struct range_job *)job)->iter, until_tsc);
}

static void range_close(struct job *job, struct server *server)
{
    struct range_job *r = (struct range_job *)job;
    list_cut_drop(server->keyspace, &r->cut);
    heap_give(server->heap, r, sizeof *r, HEAP_OTHER);
}

static const struct job_ops range_ops = { range_step, range_close };

// By the number of elements, or by their size on average.
static bool is_long(const struct list_cut *view, uint64_t count)
{
    if (count > JOB_ELEMENTS_MIN) return true;
    if (view->bytes.data) return false;
    return view->tree.bytes / view->count * count > DIRECT_BYTES;
}

void call_reply_list(struct call *call, const struct entry *e, uint64_t start, uint64_t count,
                     bool backwards)
{
    reply_array(call->reply, count);
    if (count == 0) return;
    struct list_cut view;
    list_view(e, &view);
    if (LIKELY(!is_long(&view, count))) {
        struct list_iter i;
        begin(&i, &view, start, count, backwards);
        emit(call->reply, &i, UINT64_MAX);
        return;
    }
    struct range_job *r = heap_take(call->server->heap, sizeof *r, HEAP_OTHER);
    r->job.ops = &range_ops;
    list_cut(call->keyspace, e, &r->cut);
    begin(&r->iter, &r->cut, start, count, backwards);
    call_start_job(call, &r->job);
}

static void cmd_lrange(struct call *call)
{
    int64_t first, last;
    uint64_t start, count;
    if (!call_int(call, 2, &first, NULL) || !call_int(call, 3, &last, NULL)) return;
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_READ);
    if (!call_check_type(call, e, TYPE_LIST)) return;
    list_range(e ? list_value_count(e) : 0, first, last, &start, &count);
    call_reply_list(call, e, start, count, false);
}
