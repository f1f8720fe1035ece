#include "dataplane/cmd/errand.h"
#include "dataplane/cmd/job.h"
#include "dataplane/lane/bell.h"

struct errand {
    struct job job;        // of the client that waits, unless nobody does
    struct list_node link; // on server->errands.list
    uint64_t number;       // 0: not asked for yet
    uint64_t deadline_ns;
    enum errand_kind kind;
    errand_done *done; // NULL: nobody waits
    enum errand_outcome outcome;
    struct bytes answer; // in the region, or a constant
    bool is_over, is_begun;
    size_t size;
    uint8_t payload[];
};

static const char away[] = "the control process does not answer";
static const char lost[] = "the control process did not finish in time: it may still do";

static struct errand *first_errand(const struct errands *all)
{
    struct list_node *node = list_first(&all->list);
    return node ? LIST_OWNER(node, struct errand, link) : NULL;
}

static bool is_of_reading(enum errand_kind kind) { return kind == ERRAND_ACL_LOAD; }

// ---- asking and forgetting

static void ask(struct server *s, struct errand *e)
{
    struct lane_msg m = { .kind = LANE_ERRAND };
    m.a = e->number = ++s->errands.number;
    errand_slot_ask(s->region->errand, e->number, e->kind, bytes_make(e->payload, e->size));
    if (lane_send(&s->region_shard->events, &m) == OK && s->bell) bell_ring(s->bell);
}

// Off the list, the memory too; the next one has its turn. Who waited behind one that control took
// has his full time from now on; behind one that it did not take, only the rest.
static void forget(struct server *s, struct errand *e)
{
    bool was_away = e->outcome == ERRAND_AWAY;
    list_remove(&s->errands.list, &e->link);
    heap_give(s->heap, e, sizeof *e + e->size, HEAP_OTHER);
    struct errand *next = first_errand(&s->errands);
    if (!next || next->number || s->errands.is_closing) return;
    if (!was_away) next->deadline_ns = s->now_ns + ERRAND_BEGIN_MS * 1000000ull;
    ask(s, next);
}

// ---- the job of the client that waits

static bool step_errand(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct errand *e = LIST_OWNER(job, struct errand, job);
    (void)until_tsc;
    if (!e->is_over) return false;
    e->done(call, e->outcome, e->answer);
    return true;
}

static void close_errand(struct job *job, struct server *s)
{
    forget(s, LIST_OWNER(job, struct errand, job));
}

static const struct job_ops errand_job = { step_errand, close_errand };

static void log_failure(struct server *s, const struct errand *e)
{
    static const char *const names[ERRAND_KIND_COUNT] = { "nothing", "CONFIG REWRITE",
                                                          "CONFIG REWRITE", "ACL LOAD",
                                                          "ACL SAVE" };
    if (e->outcome == ERRAND_DONE || s->settings->loglevel > LOG_WARNING) return;
    region_log_write(s->region_shard, s->bell, LOG_WARNING, clock_wall_us(),
                     "%s within a transaction failed: %.*s", names[e->kind], (int)e->answer.size,
                     (const char *)e->answer.data);
}

static void end_errand(struct server *s, struct errand *e, enum errand_outcome outcome,
                       struct bytes answer)
{
    e->outcome = outcome;
    e->answer = answer;
    e->is_over = true;
    if (e->done) {
        e->job.is_waiting = false;
        return;
    }
    log_failure(s, e);
    forget(s, e);
}

// ---- beginning

void errand_start(struct call *call, enum errand_kind kind, struct bytes payload, errand_done *done)
{
    struct server *s = call->server;
    if (call->no_suspend && is_of_reading(kind)) {
        done(call, ERRAND_FAILED, bytes_text("not possible within a transaction or a script"));
        return;
    }
    if (payload.size > ERRAND_TEXT_BYTES || s->errands.list.count >= ERRANDS_MAX) {
        done(call, ERRAND_TOO_LARGE,
             bytes_text(payload.size > ERRAND_TEXT_BYTES ? "the text is larger than 2 MB"
                                                         : "too many of these at a time"));
        return;
    }
    struct errand *e = heap_take(s->heap, sizeof *e + payload.size, HEAP_OTHER);
    *e = (struct errand){ .job.ops = &errand_job,
                          .deadline_ns = s->now_ns + ERRAND_BEGIN_MS * 1000000ull,
                          .kind = kind,
                          .done = call->no_suspend ? NULL : done,
                          .size = payload.size };
    if (payload.size) memcpy(e->payload, payload.data, payload.size);
    list_append(&s->errands.list, &e->link);
    if (call->no_suspend) {
        done(call, ERRAND_UNWAITED, bytes_make("", 0));
    } else {
        call_start_job(call, &e->job);
        e->job.is_waiting = e->job.must_end = true;
    }
    if (s->errands.list.count == 1) ask(s, e);
}

// ---- for the shard

void errands_open(struct server *s)
{
    list_init(&s->errands.list);
    s->errands.is_closing = false;
}

bool errands_poll(struct server *s)
{
    enum errand_outcome outcome;
    struct bytes answer;
    struct errand *e = first_errand(&s->errands);
    if (!e || e->is_over) return e != NULL;
    if (!errand_slot_answered(s->region->errand, e->number, &outcome, &answer)) return false;
    end_errand(s, e, outcome, answer);
    return true;
}

static void give_up(struct server *s, struct errand *e)
{
    if (!errand_slot_withdraw(s->region->errand, e->number)) return; // answered this very moment
    end_errand(s, e, ERRAND_AWAY, e->is_begun ? bytes_text(lost) : bytes_text(away));
}

bool errands_check(struct server *s)
{
    struct errand *e = first_errand(&s->errands);
    if (LIKELY(!e)) return false;
    if (errands_poll(s)) return true;
    if (!e->is_begun && errand_slot_is_taken(s->region->errand, e->number)) {
        e->is_begun = true;
        e->deadline_ns = s->now_ns + ERRAND_FINISH_MS * 1000000ull;
    }
    if (s->now_ns >= e->deadline_ns) give_up(s, e);
    e = first_errand(&s->errands);
    return e && e->is_over;
}

void errands_close(struct server *s)
{
    s->errands.is_closing = true;
    for (struct list_node *n = list_first(&s->errands.list), *next; n; n = next) {
        struct errand *e = LIST_OWNER(n, struct errand, link);
        next = list_next(&s->errands.list, n);
        if (!e->done) forget(s, e); // the others go with their jobs
    }
}
