#include "dataplane/shard/resume.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/log_wait.h"
#include "dataplane/cmd/pause.h"
#include "dataplane/shard/far.h"
#include "dataplane/shard/shard.h"

bool session_must_wait(const struct session *session)
{
    return (session->client.flags & CLIENT_SUSPENDED) || session->kept_first;
}

void resume_keep(struct shard *shard, struct session *session, const struct call *call)
{
    struct kept_request *r = kept_new(&shard->heap, call->argv, call->argc, call->arrival_tsc);
    if (session->kept_last)
        session->kept_last->next = r;
    else
        session->kept_first = r;
    session->kept_last = r;
}

void resume_keep_first(struct shard *shard, struct session *session, const struct call *call)
{
    struct kept_request *r = kept_new(&shard->heap, call->argv, call->argc, call->arrival_tsc);
    r->next = session->kept_first;
    session->kept_first = r;
    if (!session->kept_last) session->kept_last = r;
    session->client.command_count--;
}

void resume_later(struct shard *shard, struct session *session)
{
    session_mark_dirty(shard, session);
    if (!list_node_is_linked(&session->resumed)) list_append(&shard->resumed, &session->resumed);
}

static struct kept_request *take_first(struct session *session)
{
    struct kept_request *r = session->kept_first;
    session->kept_first = r->next;
    if (!r->next) session->kept_last = NULL;
    return r;
}

// The peer is gone for good: nobody waits any more.
static void end_waiting(struct shard *shard, struct session *session)
{
    resume_drop(shard, session);
    defer_drop(shard, session);
    session_end(shard, session);
}

// Everything that was kept has run: the rest of its input, and its end, have their turn.
static void go_on(struct shard *shard, struct session *session)
{
    struct client *c = &session->client;
    if (session->has_protocol_error) {
        session->has_protocol_error = false;
        session_protocol_error(shard, session);
        return;
    }
    if (session->deferral.head)
        defer_rest(shard, session);
    else if (session->deferral.has_ended && !(c->flags & CLIENT_CLOSE_AFTER_REPLY))
        session_end(shard, session);
}

static uint32_t run_some(struct shard *shard, struct session *session, uint32_t budget)
{
    struct client *c = &session->client;
    uint32_t count = 0;
    while (session->kept_first && count < budget && !(c->flags & CLIENT_SUSPENDED)) {
        struct kept_request *r = take_first(session);
        count++;
        if (!(c->flags & (CLIENT_CLOSE_AFTER_REPLY | CLIENT_CLOSE_NOW))) {
            far_slot_begin(shard, session);
            (void)command_execute_kept(&shard->server, c, r, false);
            far_slot_end(shard, session);
            session_enforce_output_limit(shard, session);
            session_mark_dirty(shard, session);
        }
        kept_free(&shard->heap, r);
    }
    return count;
}

uint32_t resume_run(struct shard *shard, uint32_t budget)
{
    uint32_t count = 0;
    for (size_t left = shard->resumed.count; left > 0 && count < budget; left--) {
        struct list_node *node = list_take_first(&shard->resumed);
        struct session *session = LIST_OWNER(node, struct session, resumed);
        far_slot_end(shard, session); // of the command that was suspended
        count += 1 + run_some(shard, session, budget - count);
        if (session->client.flags & CLIENT_SUSPENDED) {
            bool waits = session->client.flags & (CLIENT_BLOCKED | CLIENT_PAUSED);
            if (waits && session->deferral.has_ended) end_waiting(shard, session);
        } else if (session->kept_first) {
            resume_later(shard, session);
        } else {
            go_on(shard, session);
        }
    }
    return count;
}

void resume_drop(struct shard *shard, struct session *session)
{
    block_forget_client(&shard->server, &session->client);
    jobs_forget_client(&shard->server, &session->client);
    pause_forget_client(&shard->server, &session->client);
    log_wait_forget_client(&shard->server, &session->client);
    while (session->kept_first) kept_free(&shard->heap, take_first(session));
    if (list_node_is_linked(&session->resumed)) list_remove(&shard->resumed, &session->resumed);
}
