#include <stdio.h>
#include <string.h>
#include "dataplane/base/status.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/cmd/held.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/monitor.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/pause.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/cmd/push.h"
#include "dataplane/cmd/rename.h"
#include "dataplane/cmd/route.h"
#include "dataplane/cmd/script_shards.h"
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

// What its next command starts from.
static inline void end_command(struct client *c)
{
    if (UNLIKELY(c->flags & (CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP | CLIENT_REPLY_SKIP_NEXT)) ||
        UNLIKELY(c->reply.muted))
        step_reply_mode(c);
    c->arguments_bytes = 0;
}

static void note_client(struct call *call)
{
    struct client *c = call->client;
    c->last_command_ms = call->now_ms;
    c->last_command_id = call->command ? call->command->id : UINT16_MAX;
    c->arguments_bytes = call->request ? call->request->bytes : 0;
    c->command_count++;
}

// Changes so far where the call may make some. Shards that are not held go on.
static uint64_t dirty_of(const struct call *call)
{
    uint64_t held = call->server->held;
    return keyspace_dirty_among(call->keyspace, held ? held : UINT64_MAX);
}

void command_add_effect(struct call *call, uint64_t dirty_before)
{
    if (call->has_effect || !(call->command->flags & CMD_WRITE)) return;
    if (dirty_of(call) == dirty_before) return;
    call_effect(call, call->argv, call->argc);
}

static void run_body(struct call *call)
{
    uint64_t dirty = dirty_of(call);
    if (UNLIKELY(jobs_are_watched(call->server)) || call_is_joint(call)) jobs_tell_call(call);
    bool in_command = call->server->in_command; // of EXEC or a script
    call->server->in_command = true;
    if (UNLIKELY(monitor_is_on(call->server))) monitor_before(call);
    call->command->body(call);
    call->server->in_command = in_command;
    if (UNLIKELY(monitor_is_on(call->server))) monitor_after(call);
    if (UNLIKELY(tracking_is_on(&call->server->tracking))) tracking_after(call);
    if (LIKELY(!effects_are_on(&call->server->effects))) return;
    if (!call->suspended) command_add_effect(call, dirty);
    call_end_effects(call);
}

void command_finish(struct call *call, uint64_t execute_cycles)
{
    uint64_t end = clock_tsc();
    effects_end_unit(&call->server->effects);
    if (UNLIKELY(call->client->flags & CLIENT_PART)) {
        call->client->part_cycles += execute_cycles;
        return;
    }
    book_call(call, end - execute_cycles, end);
    if (call->reply->error_count) command_book_errors(call);
    end_command(call->client);
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
    if (UNLIKELY(call->server->node != NULL) && ran) {
        enum routed routed = call->server->ops->route(call);
        if (routed == ROUTED_LATER) return;
        if (routed == ROUTED_AWAY) {
            if (UNLIKELY(c->tracker)) tracking_caching_used(call); // it went along
            end_command(c);
            return;
        }
        ran = routed == ROUTED_HERE;
    }
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
    end_command(c);
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

// The shard whose keys these are, when it is only one, or the one that runs the command. Commands
// of a script are bound on their own; a long one goes on where its client is.
static void bind_held(struct call *call, const struct route *route)
{
    const struct node *node = call->server->node;
    shard_set shards = route->shards;
    // Since it was routed, slots may have begun to move, or have come to where they were going.
    // Keys in transit come along now.
    if (UNLIKELY(node->placement.generation) && route->kind == ROUTE_KEYS) {
        struct route now = route_of(call);
        if (!(now.shards & ~call->server->held)) shards = now.shards;
    }
    bool is_one = route->kind == ROUTE_KEYS && shard_set_is_one(shards);
    if (is_one && !command_runs_script(call->command)) {
        call->server = node->servers[shard_set_first(shards)];
        call->keyspace = call->server->keyspace;
    } else {
        call->keyspace = call->server->joint;
    }
}

// Each shard's copy is changed; what the first one says is the reply.
static void run_on_each(struct call *call)
{
    call->keyspace = call->server->keyspace;
    run_body(call);
    if (!call->reply->error_count) route_run_for_others(call);
}

// Checks were made before it was kept, but for what a wait for a key may have changed since, for
// keys of others that the user must not touch, and for shards that are busy.
static bool may_run_held(struct call *call, shard_set held)
{
    if (!call->command) { // renamed
        reply_error_unknown_command(call->reply, call->argv, call->argc);
        return false;
    }
    bool is_loading = persist_is_loading(call->server->persist); // since then
    if ((call->is_retry || call->client->is_restricted || is_loading) && !command_may_run(call))
        return false;
    const struct script_run *busy = script_busy_among(call->server, held);
    if (LIKELY(!busy) || (call->command->flags & CMD_ALLOW_BUSY)) return true;
    return command_refuse(call, script_kind_busy_text(busy->kind));
}

// The parts go on after the rendezvous; the client waits for them as for a job.
static void run_scattered(struct call *call)
{
    struct server *s = call->server;
    call->keyspace = s->keyspace;
    call->no_suspend = false;
    if (UNLIKELY(monitor_is_on(s))) monitor_before(call);
    s->in_command = true;
    s->ops->scatter(call);
    s->in_command = false;
    if (UNLIKELY(monitor_is_on(s))) monitor_after(call);
}

// server->held is set. A script may let some go of these.
static void run_held(struct call *call, const struct route *route)
{
    struct server *server = call->server;
    uint64_t start = clock_tsc(), held = server->held;
    server->executing = call->client;
    held_begin(server);
    bind_held(call, route);
    if (route->kind == ROUTE_EACH)
        run_on_each(call);
    else if (route->kind == ROUTE_SCATTER && server->ops->scatter)
        run_scattered(call);
    else
        run_body(call);
    if (UNLIKELY(tracking_is_on(&server->tracking))) tracking_end_held(server);
    server->held = held;
    held_end(server);
    held_leave(server);
    server->executing = NULL;
    call->server = server;
    if (UNLIKELY(client_has_pushes(call->client))) client_send_pushes(server, call->client);
    if (!call->suspended) book_call(call, start, clock_tsc());
    server->tally->rendezvous_held++;
}

// Scripts that take long are suspended, and the transactions that they are part of; SAVE, SHUTDOWN
// and DEBUG RELOAD wait. Others go on as jobs that hold their shards, or not at all.
static bool may_be_suspended(const struct command *row, const struct route *route)
{
    if (!row) return false;
    if (row->id == CMD_ID_DEBUG) return route->kind == ROUTE_ALL;
    return command_runs_script(row) || row->id == CMD_ID_EXEC || row->id == CMD_ID_SAVE ||
           row->id == CMD_ID_SHUTDOWN;
}

// A retry keeps its place among those who wait for its keys, when it cannot be made now.
static bool is_put_off(struct call *call)
{
    if (LIKELY(!call->is_retry)) return false;
    if (UNLIKELY(script_busy_among(call->server, call->server->held) != NULL) ||
        UNLIKELY(persist_is_loading(call->server->persist))) {
        block_put_off(call->server, call->client);
        call->suspended = true;
        return true;
    }
    return pause_is_on(call->server) && call->command && pause_holds(call);
}

void command_execute_held(struct server *server, struct client *client,
                          const struct kept_request *request, const struct route *route,
                          bool is_retry)
{
    struct resp_request again = { .argv = (struct bytes *)(uintptr_t)request->argv,
                                  .argc = request->argc,
                                  .bytes = request->bytes };
    struct call call = { .server = server,
                         .client = client,
                         .reply = &client->reply,
                         .keyspace = server->joint,
                         .argv = again.argv,
                         .argc = again.argc,
                         .request = &again,
                         .arrival_tsc = is_retry ? UINT64_MAX : request->arrival_tsc,
                         .now_ms = server->now_ms,
                         .is_retry = is_retry,
                         .may_wait_held = route->kind == ROUTE_KEYS };
    command_prepare(&call);
    call.no_suspend = !may_be_suspended(call.command, route);
    client->reply.error_count = 0;
    server->held = route->shards | shard_set_of(server->shard_index);
    if (!is_put_off(&call) && may_run_held(&call, server->held)) run_held(&call, route);
    if (!call.suspended) {
        if (client->reply.error_count) command_book_errors(&call);
        if (UNLIKELY(client->tracker)) tracking_caching_over(&call);
        end_command(client);
    }
    if (is_retry) block_tried(server, client, !call.suspended);
    server->held = 0;
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
