#include "dataplane/shard/router.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/cmd/route.h"
#include "dataplane/shard/far.h"
#include "dataplane/shard/far_again.h"
#include "dataplane/shard/meeting.h"
#include "dataplane/shard/shard.h"

// After the replies that are on their way.
static enum routed wait_for_far(struct shard *s, struct session *session, struct call *call)
{
    session_wait_for_far(session);
    resume_keep_first(s, session, call);
    return ROUTED_LATER;
}

static enum routed refuse(struct call *call)
{
    reply_errorf(call->reply, "ERR '%s' does not work with several shards yet",
                 call->command->full_name);
    return ROUTED_REFUSED;
}

static bool is_message(const struct command *row)
{
    return row->id == CMD_ID_PUBLISH || row->id == CMD_ID_SPUBLISH;
}

// A message goes to a shard that has nothing to do with the commands before and after it. They keep
// their order all the same, for their events are told there, too.
static bool would_overtake(const struct call *call, shard_set shards)
{
    if (call->client->flags & CLIENT_PROXY) return false;
    const struct list *far = &session_of(call->client)->far;
    if (LIKELY(far->count == 0)) return false;
    const struct far_call *last = LIST_OWNER(far->root.prev, struct far_call, link);
    while (UNLIKELY(last->is_slot) && last->link.prev != &far->root)
        last = LIST_OWNER(last->link.prev, struct far_call, link);
    if (UNLIKELY(last->is_slot)) return false;
    if (is_message(last->command)) return shards != shard_set_of(last->to);
    return is_message(call->command);
}

static enum routed send_away(struct shard *s, struct call *call, uint32_t to)
{
    struct session *session = session_of(call->client);
    if (UNLIKELY(session->far.count >= FAR_CALLS_MAX)) return wait_for_far(s, session, call);
    s->server.tally->far_calls++;
    far_send(s, session, call, to);
    return ROUTED_AWAY;
}

// To the shard that meets all: what was sent before comes first, and what follows waits for it.
static enum routed send_to_first(struct shard *s, struct call *call)
{
    struct session *session = session_of(call->client);
    if (session->far.count) return wait_for_far(s, session, call);
    enum routed routed = send_away(s, call, 0);
    session_wait_for_far(session);
    return routed;
}

// Who may not do everything is known here only: its command runs on this core, with the shard that
// has its keys held.
static bool must_stay(const struct call *call) { return call->client->is_restricted; }

static enum routed meet(struct shard *s, struct call *call, const struct route *route)
{
    struct client *c = call->client;
    if (!(c->flags & CLIENT_PROXY) && session_of(c)->far.count)
        return wait_for_far(s, session_of(c), call);
    meeting_arrange(s, call, route);
    return ROUTED_LATER;
}

static bool is_outdated(const struct shard *s, const struct call *call)
{
    return !(call->client->flags & CLIENT_PROXY) &&
           far_again_must_wait(s, session_of(call->client));
}

// Where its sender thinks that the keys are; or on the sender's own core, after it came back.
static enum routed route_proxy(struct shard *s, struct call *call, const struct route *route)
{
    if (UNLIKELY(far_is_outdated(s, call->client))) {
        far_mark_returned(call->client);
        return ROUTED_LATER;
    }
    shard_set others = route->shards & ~shard_set_of(s->server.shard_index);
    bool is_own = far_is_own(s, call->client);
    return UNLIKELY(is_own) && others ? meet(s, call, route) : ROUTED_HERE;
}

enum routed shard_route(struct call *call)
{
    struct shard *s = call->server->shard;
    uint32_t index = s->server.shard_index;
    if (call->no_suspend) return ROUTED_HERE; // part of something that was routed
    if (call->is_retry) return ROUTED_HERE;   // who waits for keys here is sent away when they move
    if (UNLIKELY(is_outdated(s, call))) return wait_for_far(s, session_of(call->client), call);
    struct route route = route_of(call);
    bool is_proxy = call->client->flags & CLIENT_PROXY;
    switch (route.kind) {
    case ROUTE_LOCAL:
        // What may be pushed to it afterwards shall not overtake the replies before.
        if (!is_proxy && !(call->command->flags & CMD_FAST) && session_of(call->client)->far.count)
            return wait_for_far(s, session_of(call->client), call);
        return ROUTED_HERE;
    case ROUTE_KEYS:
        if (is_proxy) return route_proxy(s, call, &route);
        if (route.shards == 0) return ROUTED_HERE;
        if (would_overtake(call, route.shards))
            return wait_for_far(s, session_of(call->client), call);
        if (route.shards == shard_set_of(index)) return ROUTED_HERE;
        if (shard_set_is_one(route.shards) && !must_stay(call))
            return send_away(s, call, shard_set_first(route.shards));
        return meet(s, call, &route);
    case ROUTE_SCATTER:
        return meet(s, call, &route);
    case ROUTE_ALL:
    case ROUTE_EACH:
        if (index != 0) return send_to_first(s, call);
        return meet(s, call, &route);
    case ROUTE_REFUSED:
        break;
    }
    return refuse(call);
}

void shard_begin_again(struct call *call)
{
    struct shard *s = call->server->shard;
    struct route all = { ROUTE_KEYS, shard_set_all(s->mesh.hub->shard_count) };
    (void)meet(s, call, &all);
}
