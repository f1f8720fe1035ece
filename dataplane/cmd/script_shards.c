#include "dataplane/cmd/script_shards.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/held.h"
#include "dataplane/cmd/job.h"

// In script->user and function->user.
enum {
    NEEDS_ALL = 1,
    IS_KNOWN_TO_ALL = 2, // on every shard
};

static const char cannot_begin_again[] =
    "ERR Script accessed a key on another shard that it did not declare, and cannot begin anew "
    "with all shards, for what it wrote before is too much to be undone (a string of more than 32 "
    "KiB, or more than script-undo-memory). Next time it has all shards from its start";

static shard_set all_of(const struct server *s) { return shard_set_all(server_peer_count(s)); }

static shard_set others_of(const struct server *s, shard_set shards)
{
    return shards & ~shard_set_of(s->shard_index);
}

// ---- what is known of it

static uint64_t known_of(const struct script *script, const struct script_function *function)
{
    return script ? script->user : function->user;
}

bool script_needs_all(const struct script *script, const struct script_function *function)
{
    return known_of(script, function) & NEEDS_ALL;
}

bool script_lacks_shards(const struct scripts *s, const struct call *call,
                         const struct script *script, const struct script_function *function)
{
    return server_is_one_of_many(s->server) && call == &s->call && !held_are_all(s->server) &&
           script_needs_all(script, function);
}

static void note_at(struct server *s, const struct script_run *run, uint64_t what)
{
    struct script_host *host = s->scripts->hosts[run->kind];
    if (!host) return;
    if (run->kind == SCRIPT_KIND_EVAL) {
        struct script *script = script_find_sha(host, run->name);
        if (script) script->user |= what;
    } else {
        const struct script_function *f = function_find(&s->scripts->functions, run->name);
        if (f) ((struct script_function *)(uintptr_t)f)->user |= what;
    }
}

// Others hear of it as soon as they stand still.
static void note_needs_all(struct server *s, const struct script_run *run)
{
    if (!held_are_all(s)) {
        note_at(s, run, NEEDS_ALL);
        return;
    }
    for (uint32_t i = 0; i < server_peer_count(s); i++)
        note_at(server_peer(s, i), run, NEEDS_ALL | IS_KNOWN_TO_ALL);
}

shard_set script_shards(const struct call *call, const struct script *script,
                        const struct script_function *function, uint32_t key_count)
{
    const struct server *s = call->server;
    if (LIKELY(!server_is_one_of_many(s))) return 0;
    shard_set held = held_shards(s);
    if (script_needs_all(script, function)) return held;
    return held & route_script_keys(call, key_count);
}

// ---- beginning anew

// Part of an EXEC: that has all shards.
static bool is_on_its_own(const struct scripts *s, const struct script_run *run)
{
    return run->call == &s->call;
}

void script_shards_begin(struct scripts *s, struct script_run *run)
{
    struct server *server = s->server;
    run->may_begin_again = false;
    if (LIKELY(!server_is_one_of_many(server))) return;
    run->may_begin_again = is_on_its_own(s, run) && run->shards != all_of(server);
    if (run->may_begin_again)
        changes_begin(&run->changes, server, (uint64_t)server->settings->script_undo_memory);
    else if (run->needs_all && held_are_all(server))
        note_needs_all(server, run);
}

void script_shards_end(struct scripts *s, struct script_run *run)
{
    (void)s;
    if (LIKELY(!run->may_begin_again)) return;
    bool is_again = run->kill == SCRIPT_AGAIN;
    if (run->kill == SCRIPT_STOP || (is_again && run->undo.is_on))
        changes_forget(&run->changes);
    else if (!is_again)
        changes_tell(&run->changes);
    else
        changes_tell_expired(&run->changes);
}

bool script_reaches_out(struct scripts *s, struct script_run *run, const struct route *route,
                        const char **refusal)
{
    struct server *server = s->server;
    *refusal = NULL;
    if (route->kind == ROUTE_REFUSED) {
        *refusal = "ERR This command does not work with several shards yet";
        return false;
    }
    note_needs_all(server, run);
    if (held_are_all(server)) {
        if (run->may_begin_again) changes_tell(&run->changes);
        run->may_begin_again = false;
        run->shards = all_of(server);
        return true;
    }
    if (run->may_begin_again && !run->changes.was_told && (!run->has_written || run->undo.is_on)) {
        run->kill = SCRIPT_AGAIN;
        run->reply.muted = true;
    } else {
        *refusal = cannot_begin_again;
    }
    return false;
}

void script_begin_again(struct scripts *s, struct call *call)
{
    if (s->job && s->job->is_orphan) {
        script_log(s->server, LOG_NOTICE,
                   "Script of a client that has gone needs a key of another shard, which it did "
                   "not declare: its writes undone.");
        return;
    }
    call->suspended = true;
    s->server->ops->begin_again(call);
}

// ---- shards held for long

// New scripts have all shards, for each is to know them; to go on they need those of their keys.
static void let_the_rest_go(struct scripts *s, struct script_run *run)
{
    struct server *server = s->server;
    shard_set rest = others_of(server, server->held & ~run->shards);
    for (shard_set left = rest; left; left = shard_set_rest(left)) {
        uint32_t index = shard_set_first(left); // a part of what ends as one
        if (server_peer(server, index)->effects.is_ordered) rest &= ~shard_set_of(index);
    }
    if (!rest || !is_on_its_own(s, run)) return;
    script_undo_drop(&run->undo, rest);
    if (run->may_begin_again) changes_drop(&run->changes, rest);
    held_drop(server, rest);
}

void script_set_busy(struct scripts *s, struct script_run *run)
{
    struct server *server = s->server;
    if (held_are_others(server)) let_the_rest_go(s, run);
    s->shards = others_of(server, server->held);
    for (shard_set left = held_shards(server); left;) held_next(server, &left)->busy_script = run;
}

// Its own shard tells who waits at the end of the job (job.c).
void script_end_busy(struct scripts *s)
{
    for (shard_set left = held_shards(s->server); left;) {
        struct server *one = held_next(s->server, &left);
        bool was_busy = one->busy_script != NULL;
        one->busy_script = NULL;
        if (was_busy && one != s->server) blocks_keys_opened(one);
    }
}

bool scripts_take_shards(struct server *server)
{
    shard_set shards = server->scripts->shards;
    if (LIKELY(!shards)) return true;
    if (!server->ops->hold(server, shards)) return false;
    server->held = shards;
    return true;
}

void scripts_give_shards(struct server *server)
{
    shard_set shards = server->held;
    if (LIKELY(!shards)) return;
    server->held = 0;
    server->ops->let_go(server, shards);
}

struct script_run *script_busy_among(struct server *server, shard_set shards)
{
    while (shards) {
        struct script_run *run = held_next(server, &shards)->busy_script;
        if (UNLIKELY(run != NULL)) return run;
    }
    return NULL;
}
