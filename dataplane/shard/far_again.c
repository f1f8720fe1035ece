#include "dataplane/shard/far_again.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/route.h"
#include "dataplane/shard/far.h"
#include "dataplane/shard/mesh.h"
#include "dataplane/shard/shard.h"

static uint32_t generation_of(const struct shard *s)
{
    return s->mesh.hub->node.placement.generation;
}

void far_came_back(struct session *session, struct far_call *f)
{
    f->is_done = false;
    f->is_back = true;
    session->returned_count++;
    session_wait_for_far(session);
}

bool far_again_must_wait(const struct shard *s, const struct session *session)
{
    return session->far.count && session->far_generation != generation_of(s);
}

static shard_set shards_of(struct shard *s, struct session *session, struct far_call *f)
{
    struct call call = { .server = &s->server,
                         .client = &session->client,
                         .reply = &session->client.reply,
                         .keyspace = s->keyspace,
                         .command = f->command,
                         .argv = f->argv,
                         .argc = f->argc,
                         .key = f->key,
                         .has_key = f->has_key,
                         .now_ms = s->server.now_ms };
    return route_of(&call).shards;
}

static void prepare_again(struct shard *s, struct session *session, struct far_call *f, uint32_t to)
{
    f->is_returned = f->is_back = f->is_alone = false;
    f->to = to;
    f->generation = session->far_generation = generation_of(s);
    session->returned_count--;
}

// The session's next command, as if it had just been read: the list is empty then.
static void give_to_session(struct shard *s, struct session *session, struct far_call *f)
{
    struct client *c = &session->client;
    struct call call = { .argv = f->argv, .argc = f->argc, .arrival_tsc = f->arrival_tsc };
    list_remove(&session->far, &f->link);
    session->returned_count--;
    client_keep_deadline(c, f->kept_deadline_ms);
    resume_keep_first(s, session, &call);
    far_free(s, f);
}

static void run_alone(struct shard *s, struct session *session, struct far_call *f)
{
    if (session->far.count == 1) {
        give_to_session(s, session, f);
        return;
    }
    prepare_again(s, session, f, s->mesh.index);
    f->is_alone = true;
    s->far_calls_open++;
    far_run(s, s->mesh.index, f);
}

static bool send_next(struct shard *s, struct session *session)
{
    bool is_busy = false;
    for (struct list_node *n = list_first(&session->far); n; n = list_next(&session->far, n)) {
        struct far_call *f = LIST_OWNER(n, struct far_call, link);
        if (f->is_done || f->is_slot) continue;
        if (!f->is_back) {
            if (f->is_alone || f->generation != generation_of(s)) return false;
            is_busy = true;
            continue;
        }
        shard_set shards = shards_of(s, session, f);
        bool is_there = shard_set_is_one(shards) && shards != shard_set_of(s->mesh.index);
        if (is_there) {
            prepare_again(s, session, f, shard_set_first(shards));
            s->far_calls_open++;
            mesh_send(s, f->to, MESH_CALL, f);
            return true;
        }
        if (is_busy || (f->may_block && session->far.count > 1)) return false;
        run_alone(s, session, f);
        return true;
    }
    return false;
}

void far_send_again(struct shard *s, struct session *session)
{
    if (session->is_sending_again || session->closing) return;
    session->is_sending_again = true;
    while (session->returned_count && send_next(s, session)) continue;
    session->is_sending_again = false;
}

void far_run_again(struct server *server, struct client *c, const struct kept_request *request)
{
    struct shard *s = server->shard;
    if (c->flags & CLIENT_PROXY) {
        far_return(s, c, request);
        return;
    }
    struct call call = { .argv = (struct bytes *)(uintptr_t)request->argv,
                         .argc = request->argc,
                         .arrival_tsc = request->arrival_tsc };
    resume_keep_first(s, session_of(c), &call);
    resume_later(s, session_of(c));
}
