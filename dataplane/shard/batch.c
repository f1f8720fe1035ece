#include "dataplane/shard/batch.h"
#include <time.h>
#include "dataplane/shard/far.h"
#include "dataplane/shard/meeting.h"
#include "dataplane/shard/shard.h"

static void batch_fill(struct call *call, struct shard *shard, struct session *session,
                       struct resp_request *request, uint64_t arrival_tsc)
{
    *call = (struct call){
        .server = &shard->server,
        .client = &session->client,
        .reply = &session->client.reply,
        .keyspace = shard->keyspace,
        .argv = request->argv,
        .argc = request->argc,
        .request = request,
        .arrival_tsc = arrival_tsc,
    };
}

// DEBUG SLEEP: the core serves nobody for that long, which is what its users want to see.
static void shard_stall(struct shard *shard)
{
    uint64_t until_ns = shard->server.busy_until_ns;
    struct timespec until = { .tv_sec = (time_t)(until_ns / 1000000000u),
                              .tv_nsec = (long)(until_ns % 1000000000u) };
    shard->server.busy_until_ns = 0;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    // What follows in this batch is later than its turn, and the sleep is not its own work.
    shard_read_clocks(shard);
    cycle_meter_switch(&shard->server.meter, CYCLES_EXECUTE);
}

static void batch_execute(struct shard *shard, struct call *call)
{
    struct session *session = session_of(call->client);
    // What it lets others do may concern this client.
    if (UNLIKELY(meeting_is_wanted(shard))) meeting_stand(shard);
    if (call->client->flags & (CLIENT_CLOSE_AFTER_REPLY | CLIENT_CLOSE_NOW)) return;
    if (UNLIKELY(session_must_wait(session))) {
        resume_keep(shard, session, call);
        return;
    }
    if (UNLIKELY(session->far.count != 0)) far_slot_begin(shard, session);
    call->now_ms = shard->server.now_ms;
    command_execute(call);
    if (UNLIKELY(session->slot != NULL)) far_slot_end(shard, session);
    // After each command, not at the end of the turn: a pipeline of small requests for large
    // replies would pass its limit by far. Without a limit 0 - 1 is never passed.
    const struct client *c = call->client;
    uint64_t hard_bytes = shard->settings->output_limits[client_output_class(c)].hard_bytes;
    if (UNLIKELY(c->stream->out.bytes > hard_bytes - 1))
        session_enforce_output_limit(shard, session);
    if (UNLIKELY(shard->server.busy_until_ns)) shard_stall(shard);
    session_mark_dirty(shard, session);
}

void batch_run(struct shard *shard)
{
    struct batch *b = &shard->batch;
    uint32_t count = b->call_count;
    if (count == 0) return;
    for (uint32_t i = 0; i < count; i++) command_prefetch(&b->calls[i]);
    enum cycle_account before = shard->server.meter.open;
    cycle_meter_switch(&shard->server.meter, CYCLES_EXECUTE);
    for (uint32_t i = 0; i < count; i++) batch_execute(shard, &b->calls[i]);
    cycle_meter_switch(&shard->server.meter, before);
    b->call_count = b->arg_count = 0;
}

// The reader owns this request's arguments and frees or moves them when it is asked again.
static void batch_run_held(struct shard *shard, struct session *session,
                           const struct resp_request *request, uint64_t arrival_tsc)
{
    struct call call;
    struct resp_request own = *request;
    batch_run(shard);
    batch_fill(&call, shard, session, &own, arrival_tsc);
    command_prepare(&call);
    enum cycle_account before = shard->server.meter.open;
    cycle_meter_switch(&shard->server.meter, CYCLES_EXECUTE);
    batch_execute(shard, &call);
    resp_reader_release(&session->reader);
    cycle_meter_switch(&shard->server.meter, before);
}

void batch_add(struct shard *shard, struct session *session, const struct resp_request *request,
               uint64_t arrival_tsc, bool held)
{
    struct batch *b = &shard->batch;
    if (held || request->argc > BATCH_ARGS_MAX) {
        batch_run_held(shard, session, request, arrival_tsc);
        return;
    }
    if (b->call_count == BATCH_CALLS_MAX || b->arg_count + request->argc > BATCH_ARGS_MAX)
        batch_run(shard);
    struct resp_request *own = &b->requests[b->call_count];
    *own = *request;
    own->argv = &b->args[b->arg_count];
    memcpy(own->argv, request->argv, request->argc * sizeof *request->argv);
    b->arg_count += request->argc;
    struct call *call = &b->calls[b->call_count++];
    batch_fill(call, shard, session, own, arrival_tsc);
    command_prepare(call);
}
