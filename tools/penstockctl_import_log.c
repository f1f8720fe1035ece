// Commands of append-only logs: sent as they are, units whole. Logs of several shards are of one
// time: what several of them have part in (#TX) is sent when each has come to it, as one unit, and
// so stands between the same commands as it did.
//
// Source:  spec/aof.md chapter 7; aof_write.h (#TX)
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"
#include "storage/aof/aof_scan.h"
#include "tools/penstockctl_import.h"

enum log_state {
    LOG_READY,
    LOG_WAITS,  // at the begin of a shared unit
    LOG_SHARES, // inside of it
    LOG_MEETS,  // so too, at a command that others have too; it is not yet sent
    LOG_ENDED,
};
struct log {
    const struct import_part *part;
    struct aof_scan scan;
    uint64_t database;
    enum log_state state;
    uint64_t command_offset; // of the latest
};

struct logs {
    struct import *im;
    struct log *logs;
    uint32_t count;
    bool has_begun_unit; // MULTI was sent
    bool drops;          // nothing of this unit is sent
};

// ---- commands

static bool is_one_of(struct bytes word, const char *const *words)
{
    for (; *words; words++)
        if (bytes_is_word(word, *words)) return true;
    return false;
}

// Of the whole server, or a database: with several shards each one's log has it.
static bool is_for_all(struct bytes name)
{
    static const char *const names[] = {
        "FLUSHALL", "FLUSHDB", "SWAPDB", "FUNCTION", "SCRIPT", NULL
    };
    return is_one_of(name, names);
}

static bool is_about_several_databases(const struct aof_scan *s)
{
    static const char *const names[] = { "SWAPDB", "MOVE", "FLUSHALL", NULL };
    return is_one_of(s->argv[0], names) || (bytes_is_word(s->argv[0], "COPY") && s->argc >= 5);
}

static struct target_request about(const struct log *log, struct bytes verb)
{
    struct target_request r = { .kind = TARGET_COMMAND,
                                .source = log->part->name,
                                .offset = log->scan.offset,
                                .database = log->database };
    target_request_verb(&r, verb);
    return r;
}

static void send_word(struct logs *l, const struct log *log, const char *word)
{
    struct target_request r = about(log, bytes_text(word));
    r.kind = TARGET_OTHER;
    if (target_begin(&l->im->target, &r, 1)) target_put(&l->im->target, bytes_text(word));
}

// A library that the target has would refuse what the log was not refused.
static bool wants_replace(const struct import *im, const struct aof_scan *s)
{
    return im->replaces && s->argc == 3 && bytes_is_word(s->argv[0], "FUNCTION") &&
           bytes_is_word(s->argv[1], "LOAD");
}

static void put_words(struct target *t, const struct bytes *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) target_put(t, words[i]);
}

static void send_command(struct logs *l, const struct log *log)
{
    const struct aof_scan *s = &log->scan;
    struct target *t = &l->im->target;
    struct target_request r = about(log, s->argv[0]);
    r.offset = log->command_offset;
    if (!target_select(t, log->database)) {
        if (target_may_go_on(t)) t->refused++; // its database is not there: told once
        return;
    }
    if (s->in_unit && !l->has_begun_unit) {
        send_word(l, log, "MULTI");
        l->has_begun_unit = true;
    }
    if (s->argc > 1) target_request_name(&r, s->argv[1]);
    bool adds_replace = wants_replace(l->im, s);
    if (!target_begin(t, &r, s->argc + adds_replace)) return;
    put_words(t, s->argv, adds_replace ? 2 : s->argc);
    if (adds_replace) {
        target_put(t, BYTES_LITERAL("REPLACE"));
        target_put(t, s->argv[2]);
    }
    l->im->progress.items++;
}

static void send_if_wanted(struct logs *l, const struct log *log)
{
    if (import_wants(l->im, log->database) || bytes_is_word(log->scan.argv[0], "FUNCTION"))
        send_command(l, log);
}

static void take_select(struct logs *l, struct log *log)
{
    const struct aof_scan *s = &log->scan;
    if (s->argc != 2 || !num_parse_uint(s->argv[1], &log->database))
        target_refuse(&l->im->target, "%s, byte %llu: SELECT of no database", log->part->name,
                      (unsigned long long)log->command_offset);
}

static void take_command(struct logs *l, struct log *log)
{
    const struct aof_scan *s = &log->scan;
    struct bytes name = s->argv[0];
    if (bytes_is_word(name, "SELECT"))
        take_select(l, log);
    else if (l->drops)
        return;
    else if (l->im->database >= 0 && is_about_several_databases(s))
        target_refuse(
            &l->im->target,
            "%s, byte %llu: %.*s is about several databases: this log is brought in whole "
            "or not at all, without --db",
            log->part->name, (unsigned long long)log->command_offset, (int)name.size, name.data);
    else if (log->state == LOG_SHARES && is_for_all(name))
        log->state = LOG_MEETS;
    else
        send_if_wanted(l, log);
}

static void end_unit(struct logs *l, const struct log *log)
{
    if (l->has_begun_unit) send_word(l, log, "EXEC");
    l->has_begun_unit = false;
}

// ---- logs

static enum aof_scan_result step(struct logs *l, struct log *log)
{
    struct aof_scan *s = &log->scan;
    uint64_t offset = log->command_offset = s->offset;
    enum aof_scan_result result =
        aof_scan_step(s, bytes_make(log->part->map.data + offset, log->part->log_end - offset));
    if (result == AOF_SCAN_COMMAND) take_command(l, log);
    l->im->progress.done_bytes += s->offset - offset;
    progress_step(&l->im->progress);
    return result;
}

// What was checked ends well; only a file that changes meanwhile comes here with anything else.
static void end_log(struct logs *l, struct log *log, enum aof_scan_result result)
{
    log->state = LOG_ENDED;
    if (result != AOF_SCAN_END && target_has_good_source(&l->im->target))
        target_refuse(&l->im->target, "%s, byte %llu: %s", log->part->name,
                      (unsigned long long)log->scan.error_offset, log->scan.error);
}

static void run_log(struct logs *l, struct log *log)
{
    while (log->state == LOG_READY && target_may_go_on(&l->im->target)) {
        enum aof_scan_result result = step(l, log);
        if (result == AOF_SCAN_EXEC) end_unit(l, log);
        if (result == AOF_SCAN_MULTI && log->scan.shard_count > 1) log->state = LOG_WAITS;
        if (result == AOF_SCAN_MORE || result >= AOF_SCAN_END) end_log(l, log, result);
    }
}

static bool waits_for(const struct log *log, uint64_t transaction)
{
    return log->state == LOG_WAITS && log->scan.transaction == transaction;
}

// Up to EXEC, or to a command that others have too.
static void run_part(struct logs *l, struct log *log)
{
    while (log->state == LOG_SHARES && target_may_go_on(&l->im->target)) {
        enum aof_scan_result result = step(l, log);
        if (result == AOF_SCAN_MORE || result >= AOF_SCAN_END) end_log(l, log, result);
        if (result == AOF_SCAN_EXEC) log->state = LOG_READY;
    }
}

static void run_parts(struct logs *l)
{
    for (uint32_t i = 0; i < l->count; i++) run_part(l, &l->logs[i]);
}

static bool is_same_command(const struct aof_scan *a, const struct aof_scan *b)
{
    bool same = a->argc == b->argc;
    for (uint32_t i = 0; same && i < a->argc; i++) same = bytes_equal(a->argv[i], b->argv[i]);
    return same;
}

// A command for all is sent once, when every part has come to it. False: there is none.
static bool meet(struct logs *l)
{
    struct log *first = NULL;
    for (uint32_t i = 0; i < l->count; i++) {
        struct log *log = &l->logs[i];
        if (log->state != LOG_MEETS) continue;
        if (!first) send_if_wanted(l, first = log);
        if (is_same_command(&log->scan, &first->scan)) log->state = LOG_SHARES;
    }
    return first != NULL;
}

static void enter(struct logs *l, uint64_t transaction)
{
    for (uint32_t i = 0; i < l->count; i++)
        if (waits_for(&l->logs[i], transaction)) l->logs[i].state = LOG_SHARES;
}

static void run_transaction(struct logs *l, const struct log *one)
{
    enter(l, one->scan.transaction);
    do run_parts(l);
    while (meet(l) && target_may_go_on(&l->im->target));
    end_unit(l, one);
}

static uint32_t count_waiting(const struct logs *l, uint64_t transaction)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < l->count; i++) count += waits_for(&l->logs[i], transaction);
    return count;
}

static struct log *find_waiting(struct logs *l, bool is_whole)
{
    for (uint32_t i = 0; i < l->count; i++) {
        struct log *log = &l->logs[i];
        if (log->state != LOG_WAITS) continue;
        uint32_t have = count_waiting(l, log->scan.transaction);
        if (!is_whole || have >= log->scan.shard_count) return log;
    }
    return NULL;
}

// Some of the logs ended before they had it: it never was acknowledged as durable.
static void drop_transaction(struct logs *l, struct log *log)
{
    uint32_t have = count_waiting(l, log->scan.transaction);
    progress_hide(&l->im->progress);
    ctl_complain("%s, byte %llu: transaction %llu is in %u of %u logs: it is left out",
                 log->part->name, (unsigned long long)log->scan.offset,
                 (unsigned long long)log->scan.transaction, have, log->scan.shard_count);
    if (!log->part->may_be_torn) l->im->target.refused++;
    l->drops = true;
    enter(l, log->scan.transaction);
    run_parts(l);
    l->drops = false;
}

static bool any_is_ready(const struct logs *l)
{
    for (uint32_t i = 0; i < l->count; i++)
        if (l->logs[i].state == LOG_READY) return true;
    return false;
}

static void run_all(struct logs *l)
{
    struct log *log;
    while (target_may_go_on(&l->im->target)) {
        for (uint32_t i = 0; i < l->count; i++) run_log(l, &l->logs[i]);
        if ((log = find_waiting(l, true)))
            run_transaction(l, log);
        else if ((log = find_waiting(l, false)))
            drop_transaction(l, log);
        else if (!any_is_ready(l))
            return;
    }
}

void import_logs_send(struct import *im, const struct import_part *parts, uint32_t count)
{
    struct logs l = { .im = im, .count = count, .logs = calloc(count, sizeof *l.logs) };
    CHECK(l.logs);
    for (uint32_t i = 0; i < count; i++) {
        struct log *log = &l.logs[i];
        log->part = &parts[i];
        aof_scan_init(&log->scan, &im->heap, parts[i].log_end, parts[i].log_begin);
    }
    run_all(&l);
    for (uint32_t i = 0; i < count; i++) aof_scan_close(&l.logs[i].scan);
    free(l.logs);
}
