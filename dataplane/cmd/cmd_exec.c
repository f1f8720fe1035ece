#include <stdio.h>
#include <string.h>
#include "dataplane/base/status.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/monitor.h"
#include "dataplane/cmd/pause.h"
#include "dataplane/cmd/push.h"
#include "dataplane/cmd/rename.h"
#include "dataplane/cmd/tracking.h"
#include "dataplane/cmd/transaction.h"

// The row, down to the subcommand. A container without a subcommand stays the container (its arity
// refuses it, or its own body runs); one with an unknown subcommand is NULL.
static const struct command *find_row(const struct server *s, const struct bytes *argv,
                                      uint32_t argc)
{
    const struct command *row = server_find_command(s, argv[0]);
    if (LIKELY(!row || !row->subcommand_count || argc < 2)) return row;
    return command_find_sub(row, argv[1]);
}

void command_prepare(struct call *call)
{
    const struct command *row = find_row(call->server, call->argv, call->argc);
    call->command = row;
    call->has_key = row && row->first_key > 0 && (uint32_t)row->first_key < call->argc;
    if (!call->has_key) {
        call->key = (struct key){ 0 };
        return;
    }
    call->key = key_make(call->keyspace, call->argv[row->first_key]);
    keyspace_prefetch_bucket(call->keyspace, call->client->db, &call->key);
}

void command_prefetch(const struct call *call)
{
    if (call->has_key) keyspace_prefetch_entry(call->keyspace, call->client->db, &call->key);
}

// ---- counting

// Somebody makes codes up, as a script can: they would push out all that INFO tells.
static void stop_error_stats(struct call *call)
{
    enum { SHOWN = 32 };
    struct server *s = call->server;
    char codes[SHOWN * 26];
    size_t size = 0;
    for (uint32_t i = 0; i < SHOWN; i++)
        size += (size_t)snprintf(codes + size, sizeof codes - size, "%s%s", i ? ", " : "",
                                 s->error_stats[i].code);
    call_log(call, LOG_WARNING,
             "Errorstats stopped adding new errors because the number of errors reached the limit "
             "(suggested action: reset with 'CONFIG RESETSTAT').");
    call_log(call, LOG_WARNING, "Current errors code list: %s, ...", codes);
    s->error_stats[0] = (struct error_stat){ "ERRORSTATS_DISABLED", 1 };
    s->error_stat_count = 1;
    s->error_stats_overflow = call->reply->error_count;
}

void command_book_errors(struct call *call)
{
    struct server *s = call->server;
    struct reply *r = call->reply;
    s->tally->error_replies += r->error_count;
    if (UNLIKELY(s->error_stats_overflow)) {
        s->error_stats_overflow += r->error_count;
        return;
    }
    for (uint32_t i = 0; i < s->error_stat_count; i++) {
        if (strcmp(s->error_stats[i].code, r->error_code) != 0) continue;
        s->error_stats[i].count += r->error_count;
        return;
    }
    if (s->error_stat_count == sizeof s->error_stats / sizeof s->error_stats[0]) {
        stop_error_stats(call);
        return;
    }
    struct error_stat *stat = &s->error_stats[s->error_stat_count++];
    snprintf(stat->code, sizeof stat->code, "%s", r->error_code);
    stat->count = r->error_count;
}

static inline void book_latency(struct server *s, uint16_t id, uint64_t cycles)
{
    struct command_latency *h = s->command_latencies.by_id[id];
    if (UNLIKELY(!h)) h = command_latency_start(s, id);
    h->counts[command_latency_bucket(cycles)]++;
}

static void book_call(struct call *call, uint64_t start, uint64_t end)
{
    struct shard_tally *t = call->server->tally;
    struct command_tally *row = &t->commands[call->command->id];
    uint64_t wait = start > call->arrival_tsc ? start - call->arrival_tsc : 0;
    uint64_t execute = end - start + call->pause_cycles;
    row->calls++;
    row->failed += call->reply->error_count != 0;
    row->wait_cycles += wait;
    row->execute_cycles += execute;
    if (wait > row->wait_cycles_max) row->wait_cycles_max = wait;
    if (execute > row->execute_cycles_max) row->execute_cycles_max = execute;
    if (execute > t->execute_cycles_max) t->execute_cycles_max = execute;
    t->commands_processed++;
    struct server *s = call->server;
    if (LIKELY(s->command_latencies.is_on)) book_latency(s, call->command->id, execute);
    if (UNLIKELY(execute >= s->slow.execute_cycles) || UNLIKELY(wait >= s->slow.wait_cycles))
        slow_note(call, wait, execute);
}

// CLIENT REPLY SKIP silences the one command that follows it.
static void step_reply_mode(struct client *c)
{
    c->flags &= ~(uint32_t)CLIENT_REPLY_SKIP;
    if (c->flags & CLIENT_REPLY_SKIP_NEXT)
        c->flags = (c->flags | CLIENT_REPLY_SKIP) & ~(uint32_t)CLIENT_REPLY_SKIP_NEXT;
    c->reply.muted = (c->flags & (CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP)) != 0;
}

static void note_client(struct call *call)
{
    struct client *c = call->client;
    c->last_command_ms = call->now_ms;
    c->last_command_id = call->command ? call->command->id : UINT16_MAX;
    c->arguments_bytes = call->request ? call->request->bytes : 0;
    c->command_count++;
}

// A write that changed something and did not say what its effect is, is its own effect.
static void add_effect(struct call *call, uint64_t dirty_before)
{
    if (call->has_effect || !(call->command->flags & CMD_WRITE)) return;
    if (keyspace_dirty(call->keyspace) == dirty_before) return;
    call_effect(call, call->argv, call->argc);
}

static void run_body(struct call *call)
{
    struct effects *effects = &call->server->effects;
    uint64_t dirty = keyspace_dirty(call->keyspace);
    if (UNLIKELY(call->server->jobs.watchers.count)) jobs_tell_call(call);
    bool in_command = call->server->in_command; // of EXEC or a script
    call->server->in_command = true;
    if (UNLIKELY(monitor_is_on(call->server))) monitor_before(call);
    call->command->body(call);
    call->server->in_command = in_command;
    if (UNLIKELY(monitor_is_on(call->server))) monitor_after(call);
    if (UNLIKELY(tracking_is_on(&call->server->tracking))) tracking_after(call);
    if (LIKELY(!effects_are_on(effects))) return;
    if (!call->suspended) add_effect(call, dirty);
    effects_end_unit(effects);
}

void command_finish(struct call *call, uint64_t execute_cycles)
{
    uint64_t end = clock_tsc();
    effects_end_unit(&call->server->effects);
    book_call(call, end - execute_cycles, end);
    if (call->reply->error_count) command_book_errors(call);
}

static bool is_held_back(struct call *call)
{
    const struct jobs *jobs = &call->server->jobs;
    if (LIKELY(!jobs->closed && !jobs->watchers.count)) return false;
    return jobs_hold_back(call);
}

void command_execute(struct call *call)
{
    struct cycle_meter *meter = &call->server->meter;
    uint64_t start =
        meter->open == CYCLES_EXECUTE ? meter->since : cycle_meter_switch(meter, CYCLES_EXECUTE);
    struct client *c = call->client;
    call->reply->error_count = 0;
    note_client(call);
    bool ran = command_may_run(call);
    if (UNLIKELY(pause_is_on(call->server)) && ran && pause_holds(call)) return;
    if (UNLIKELY(c->flags & CLIENT_IN_MULTI) && ran && transaction_takes(call)) ran = false;
    if (ran && is_held_back(call)) return;
    if (LIKELY(ran)) {
        call->server->executing = c;
        run_body(call);
        call->server->executing = NULL;
        if (UNLIKELY(client_has_pushes(c))) client_send_pushes(call->server, c);
    } else if (UNLIKELY(c->tracker)) {
        tracking_caching_used(call);
    }
    uint64_t end = cycle_meter_switch(meter, CYCLES_EXECUTE);
    if (UNLIKELY(call->suspended)) return; // counted when it is done
    if (LIKELY(ran)) book_call(call, start, end);
    if (UNLIKELY(call->reply->error_count)) command_book_errors(call);
    if (UNLIKELY(c->flags & (CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP | CLIENT_REPLY_SKIP_NEXT)) ||
        UNLIKELY(c->reply.muted))
        step_reply_mode(c);
    c->arguments_bytes = 0;
    if (UNLIKELY(call->server->blocks.ready.count) && !call->is_retry && !call->no_suspend)
        blocks_serve(call->server);
}

void command_run(struct call *call)
{
    struct reply *r = call->reply;
    uint32_t errors_before = r->error_count;
    uint64_t start = clock_tsc();
    r->error_count = 0;
    call->arrival_tsc = start; // it did not wait on its own
    run_body(call);
    r = call->reply; // a script that took long may have lost its client
    book_call(call, start, clock_tsc());
    if (UNLIKELY(r->error_count)) command_book_errors(call);
    r->error_count = errors_before; // EXEC itself has not failed, as in Redis
}

bool command_execute_kept(struct server *server, struct client *client,
                          const struct kept_request *request, bool is_retry)
{
    struct resp_request again = { .argv = (struct bytes *)request->argv,
                                  .argc = request->argc,
                                  .bytes = request->bytes };
    struct call call = { .server = server,
                         .client = client,
                         .reply = &client->reply,
                         .keyspace = server->keyspace,
                         .argv = again.argv,
                         .argc = again.argc,
                         .request = &again,
                         // To wait for a key is what a blocking command is for.
                         .arrival_tsc = is_retry ? UINT64_MAX : request->arrival_tsc,
                         .now_ms = server->now_ms,
                         .is_retry = is_retry };
    command_prepare(&call);
    command_execute(&call);
    return !call.suspended;
}
