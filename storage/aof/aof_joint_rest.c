// Why do logs wait in the end? The parts from where they wait on are listed and cut to a fixed
// point: a transaction with a part missing ends each log that has one of it, and so on. When
// anything is left then, it has all its parts and nothing missing before it, and still was not met
// everywhere: so it stands in different orders. And a part can be missing only from a log that
// ended before it: not from one that has a part of what stands behind it elsewhere.
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "storage/aof/aof_joint.h"

enum { ROOM_FIRST = 64 };

struct rest_part {
    struct joint_part part;
    size_t group; // where its transaction begins in by_number; is_cut of the group: its first part
    bool is_cut;
};

struct rest {
    struct joint *joint;
    struct heap *heap;
    struct rest_part *parts; // log by log, in each log's order
    size_t count, room;
    size_t *begins;    // of each log in parts; one more at the end
    size_t *kept;      // of each log: parts up to here are not cut
    size_t *by_number; // indices of parts, by their number and then by log
    bool *is_past;     // of each log: it has what stands behind the part that is looked at
    size_t *cut;       // groups that are to be taken out of the logs
    size_t cut_count;
};

// ---- the list ----------------------------------------------------------------------------------

static void add(struct rest *r, const struct joint_part *part)
{
    if (r->count == r->room) {
        size_t room = r->room ? 2 * r->room : ROOM_FIRST;
        r->parts = heap_resize(r->heap, r->parts, r->room * sizeof *r->parts,
                               room * sizeof *r->parts, HEAP_LOG);
        r->room = room;
    }
    r->parts[r->count++] = (struct rest_part){ .part = *part };
}

static enum status list_parts(struct rest *r)
{
    for (uint32_t i = 0; i < r->joint->count; i++) {
        struct joint_log *l = &r->joint->logs[i];
        enum joint_result result = JOINT_OVER;
        r->begins[i] = r->count;
        if (l->is_waiting) {
            add(r, &l->part);
            while ((result = joint_step(r->joint, i)) == JOINT_PART) add(r, &l->part);
        }
        if (result == JOINT_FAILED) return ERR_IO;
        r->kept[i] = r->count;
    }
    r->begins[r->joint->count] = r->count;
    return OK;
}

static int compare(const void *a, const void *b, void *context)
{
    const struct rest *r = context;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    uint64_t first = r->parts[x].part.number, second = r->parts[y].part.number;
    if (first != second) return first < second ? -1 : 1;
    return x < y ? -1 : x > y; // by log, then by place in it
}

// ---- transactions ------------------------------------------------------------------------------

static const struct joint_part *part_at(const struct rest *r, size_t at)
{
    return &r->parts[r->by_number[at]].part;
}

static size_t group_end(const struct rest *r, size_t begin)
{
    size_t end = begin + 1;
    while (end < r->count && part_at(r, end)->number == part_at(r, begin)->number) end++;
    return end;
}

static void cut_group(struct rest *r, size_t group)
{
    struct rest_part *first = &r->parts[r->by_number[group]];
    if (first->is_cut) return;
    first->is_cut = true;
    r->cut[r->cut_count++] = group;
}

static enum status refuse(const struct rest *r, const struct joint_part *p, const char *what)
{
    return joint_refuse(r->joint, p->log, p->offset, "transaction %llu %s",
                        (unsigned long long)p->number, what);
}

static enum status check_group(struct rest *r, size_t begin, size_t end)
{
    const struct joint_part *first = part_at(r, begin);
    if (number_runs_has(&r->joint->whole, first->number) || end - begin > first->count)
        return refuse(r, first, "has more parts than it says, or stands twice");
    for (size_t i = begin + 1; i < end; i++) {
        const struct joint_part *p = part_at(r, i);
        if (p->log == part_at(r, i - 1)->log) return refuse(r, p, "stands twice in this log");
        if (p->count != first->count)
            return refuse(r, p, "has another count of parts than elsewhere");
    }
    return OK;
}

static enum status group_parts(struct rest *r)
{
    for (size_t begin = 0, end; begin < r->count; begin = end) {
        end = group_end(r, begin);
        if (check_group(r, begin, end) != OK) return ERR_IO;
        for (size_t i = begin; i < end; i++) r->parts[r->by_number[i]].group = begin;
        if (end - begin < part_at(r, begin)->count) cut_group(r, begin);
    }
    return OK;
}

// ---- parts that are missing ---------------------------------------------------------------------

static void note_logs_of(struct rest *r, size_t group)
{
    for (size_t i = group, end = group_end(r, group); i < end; i++)
        r->is_past[part_at(r, i)->log] = true;
}

// Of what the log waits at. Are there as many logs that may have ended before it as it lacks parts?
static enum status check_missing(struct rest *r, uint32_t log)
{
    size_t at = r->begins[log], group = r->parts[at].group;
    const struct joint_part *first = &r->parts[at].part;
    size_t missing = first->count - (group_end(r, group) - group), ended = 0;
    if (!missing) return OK;
    memset(r->is_past, 0, r->joint->count * sizeof *r->is_past);
    for (size_t i = at; i < r->begins[log + 1]; i++) note_logs_of(r, r->parts[i].group);
    for (uint32_t i = 0; i < r->joint->count; i++) ended += !r->is_past[i];
    if (ended >= missing) return OK;
    return refuse(r, first, "has a part missing in a log that goes on behind it");
}

static enum status check_all_missing(struct rest *r)
{
    for (uint32_t i = 0; i < r->joint->count; i++)
        if (r->begins[i] < r->begins[i + 1] && check_missing(r, i) != OK) return ERR_IO;
    return OK;
}

// ---- cutting -----------------------------------------------------------------------------------

static void cut_log(struct rest *r, size_t at)
{
    uint32_t log = r->parts[at].part.log;
    size_t end = r->kept[log];
    if (at >= end) return;
    r->kept[log] = at;
    for (size_t i = at; i < end; i++) cut_group(r, r->parts[i].group);
}

static void cut_all(struct rest *r)
{
    while (r->cut_count) { // a group comes here once
        size_t begin = r->cut[--r->cut_count], end = group_end(r, begin);
        for (size_t i = begin; i < end; i++) cut_log(r, r->by_number[i]);
    }
}

static enum status check_order(struct rest *r)
{
    cut_all(r);
    for (uint32_t i = 0; i < r->joint->count; i++)
        if (r->kept[i] > r->begins[i])
            return refuse(r, &r->parts[r->begins[i]].part,
                          "stands in another order to others than elsewhere");
    return OK;
}

static enum status check(struct rest *r)
{
    if (list_parts(r) != OK) return ERR_IO;
    size_t bytes = r->count * sizeof *r->by_number;
    r->by_number = heap_take(r->heap, bytes, HEAP_LOG);
    r->cut = heap_take(r->heap, bytes, HEAP_LOG);
    for (size_t i = 0; i < r->count; i++) r->by_number[i] = i;
    qsort_r(r->by_number, r->count, sizeof *r->by_number, compare, r);
    enum status status = group_parts(r);
    if (status == OK) status = check_all_missing(r);
    if (status == OK) status = check_order(r);
    heap_give(r->heap, r->by_number, bytes, HEAP_LOG);
    heap_give(r->heap, r->cut, bytes, HEAP_LOG);
    return status;
}

enum status joint_check_rest(struct joint *j)
{
    struct rest r = { .joint = j, .heap = j->plan->heap };
    size_t logs = (j->count + 1) * sizeof *r.begins;
    r.begins = heap_take(r.heap, logs, HEAP_LOG);
    r.kept = heap_take(r.heap, logs, HEAP_LOG);
    r.is_past = heap_take(r.heap, j->count * sizeof *r.is_past, HEAP_LOG);
    enum status status = check(&r);
    heap_give(r.heap, r.begins, logs, HEAP_LOG);
    heap_give(r.heap, r.kept, logs, HEAP_LOG);
    heap_give(r.heap, r.is_past, j->count * sizeof *r.is_past, HEAP_LOG);
    if (r.parts) heap_give(r.heap, r.parts, r.room * sizeof *r.parts, HEAP_LOG);
    return status;
}
