#include "dataplane/shard/scatter.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/job.h"
#include "dataplane/shard/far.h"
#include "dataplane/shard/lent.h"
#include "dataplane/shard/shard.h"

struct scatter {
    struct job job;
    struct shard *shard;
    uint32_t count, running;   // parts; of these, not answered
    uint32_t merging;          // the part whose reply is added next
    bool has_begun;            // to reply
    struct lent *lent;         // the part's output; NULL: none of it was added
    const struct piece *piece; // of it, the next one
    uint64_t skip;             // bytes of its head
    struct far_call *parts[];  // NULL: given back
};

static size_t scatter_bytes(uint32_t count)
{
    return sizeof(struct scatter) + count * sizeof(struct far_call *);
}

// ---- what the parts have said

struct head {     // of an aggregate
    uint8_t kind; // '*', '~', '%'; 0: it is none
    uint64_t count;
    size_t bytes;
};

// A head may lie in more than one piece.
static struct bytes copy_first_bytes(const struct far_call *part, uint8_t *to, size_t room)
{
    const struct outq *out = far_output(part);
    size_t size = 0;
    if (!out) return bytes_make(part->reply, part->reply_bytes);
    for (const struct piece *p = out->head; p && size < room; p = p->next) {
        size_t bytes = p->used < room - size ? p->used : room - size;
        memcpy(to + size, p->data, bytes);
        size += bytes;
    }
    return bytes_make(to, size);
}

static struct head head_of(const struct far_call *part)
{
    uint8_t room[RESP_HEAD_MAX];
    struct bytes text = copy_first_bytes(part, room, sizeof room);
    struct head head = { 0 };
    int64_t count;
    if (!text.size || !memchr("*~%", text.data[0], 3)) return head;
    const uint8_t *end = memchr(text.data, '\r', text.size);
    if (!end) return head;
    struct bytes digits = bytes_make(text.data + 1, (size_t)(end - text.data) - 1);
    if (!num_parse_int(digits, &count) || count < 0) return head; // a null array
    return (struct head){ text.data[0], (uint64_t)count, digits.size + 3 };
}

static bool is_error(const struct far_call *part)
{
    uint8_t first;
    struct bytes text = copy_first_bytes(part, &first, 1);
    return text.size && text.data[0] == '-';
}

// ---- replying

static void reply_error_of(struct call *call, const struct far_call *part)
{
    uint8_t room[OUTQ_RESERVE_MAX];
    struct bytes text = copy_first_bytes(part, room, sizeof room);
    size_t size = 1;
    while (size < text.size && text.data[size] != '\r') size++;
    reply_error_bytes(call->reply, bytes_make(text.data + 1, size - 1));
}

static void begin_merge(struct scatter *x, struct call *call)
{
    uint8_t wire[RESP_HEAD_MAX];
    struct head sum = head_of(x->parts[0]);
    x->has_begun = true;
    for (uint32_t i = 0; i < x->count; i++) {
        if (!is_error(x->parts[i])) continue;
        reply_error_of(call, x->parts[i]);
        x->merging = x->count;
        return;
    }
    if (!sum.kind) return;
    for (uint32_t i = 1; i < x->count; i++) sum.count += head_of(x->parts[i]).count;
    reply_raw(call->reply, bytes_make(wire, resp_put_head(wire, (char)sum.kind, sum.count)));
}

static void give_part(struct scatter *x, uint32_t index)
{
    struct far_call *part = x->parts[index];
    x->parts[index] = NULL;
    if (x->lent)
        lent_done(x->lent);
    else if (part->proxy)
        far_give_back(x->shard, part->to, part->proxy);
    x->lent = NULL;
    x->piece = NULL;
    far_free(x->shard, part);
}

// The rest of the part that is being merged. False: there is more of it.
static bool merge_part(struct scatter *x, struct call *call, uint64_t until_tsc)
{
    struct far_call *part = x->parts[x->merging];
    const struct outq *out = far_output(part);
    if (!out) {
        size_t skip = head_of(part).bytes;
        reply_raw(call->reply, bytes_make(part->reply + skip, part->reply_bytes - skip));
        return true;
    }
    if (!x->lent) {
        x->lent = lent_open(x->shard, part->to, part->proxy);
        x->piece = out->head;
        x->skip = head_of(part).bytes;
    }
    while (x->piece) {
        const struct piece *p = x->piece;
        size_t skip = x->skip < p->used ? x->skip : p->used;
        lent_add(x->lent, call->reply->out, bytes_make(p->data + skip, p->used - skip));
        x->skip -= skip;
        x->piece = p->next;
        if (!job_may_go_on(until_tsc)) return x->piece == NULL;
    }
    return true;
}

static bool scatter_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct scatter *x = LIST_OWNER(job, struct scatter, job);
    if (x->running) return false;
    if (!x->has_begun) begin_merge(x, call);
    while (x->merging < x->count && !call->reply->muted) {
        bool is_said_by_one = x->merging == 0 && !head_of(x->parts[0]).kind;
        if (!merge_part(x, call, until_tsc)) return false;
        give_part(x, x->merging++);
        if (is_said_by_one) break;
    }
    return true;
}

static void scatter_close(struct job *job, struct server *server)
{
    struct scatter *x = LIST_OWNER(job, struct scatter, job);
    for (uint32_t i = 0; i < x->count; i++) {
        struct far_call *part = x->parts[i];
        if (!part) continue;
        if (part->is_done) {
            give_part(x, i);
            continue;
        }
        part->scatter = NULL;
        far_cancel_part(x->shard, part);
    }
    heap_give(server->heap, x, scatter_bytes(x->count), HEAP_OTHER);
}

void scatter_part_is_done(struct shard *s, struct far_call *part)
{
    struct scatter *x = part->scatter;
    if (!x) {
        if (part->proxy) far_give_back(s, part->to, part->proxy);
        far_free(s, part);
        return;
    }
    x->job.cycles += part->cycles;
    if (--x->running > 0) return;
    x->job.is_waiting = false;
    s->job_ran = true; // does not sleep before it has replied
}

// ---- beginning

static const struct job_ops scatter_ops = { scatter_step, scatter_close };

void scatter_begin(struct call *call)
{
    struct shard *s = call->server->shard;
    const struct node *node = call->server->node;
    struct scatter *x = heap_take_zeroed(&s->heap, scatter_bytes(node->shard_count), HEAP_OTHER);
    x->job.ops = &scatter_ops;
    x->shard = s;
    x->count = x->running = node->shard_count;
    call_start_job(call, &x->job);
    x->job.is_waiting = true;
    for (uint32_t i = 0; i < x->count; i++) {
        x->parts[i] = far_new_part(s, call, i);
        x->parts[i]->scatter = x;
        far_run_part(node->servers[i]->shard, s->mesh.index, x->parts[i], call->now_ms);
    }
}
