#include "dataplane/cmd/pause.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/script_run.h"
#include "dataplane/cmd/transaction.h"

enum { NS_PER_MS = 1000000 };

struct paused { // one client that is held
    struct list_node link;
    struct client *client;
    struct kept_request *request;
};

void pause_open(struct server *s) { list_init(&s->pause.held); }

static void end(struct server *s)
{
    if (s->pause.until_ns == 0) return;
    s->pause.until_ns = 0;
    s->pause.all = false;
    keyspace_pause_expiry(s->keyspace, false);
    blocks_keys_opened(s); // those whose turn came meanwhile
}

static void begin(struct server *s, uint64_t until_ns, bool all)
{
    struct pause *p = &s->pause;
    if (s->now_ns >= p->until_ns) end(s);
    // Of two pauses the longer and the stricter one holds.
    p->all = all || (p->until_ns && p->all);
    if (until_ns > p->until_ns) p->until_ns = until_ns;
    if (s->now_ns >= p->until_ns) // none was left, and this one is none
        end(s);
    else
        keyspace_pause_expiry(s->keyspace, true);
}

// ---- holding

static bool may_write(const struct call *call)
{
    enum { WRITES = CMD_WRITE | CMD_MAY_REPLICATE };
    const struct transaction *t = call->client->transaction;
    if (call->command->id == CMD_ID_EXEC) return t && (t->command_flags & WRITES);
    return script_command_flags(call) & WRITES;
}

static void hold(struct call *call)
{
    struct server *s = call->server;
    struct client *c = call->client;
    struct paused *p = heap_take_zeroed(s->heap, sizeof *p, HEAP_SESSION);
    p->client = c;
    p->request = kept_new(s->heap, call->argv, call->argc, call->arrival_tsc);
    list_append(&s->pause.held, &p->link);
    c->flags |= CLIENT_PAUSED;
    c->paused = p;
    blocks_count_clients(s);
}

bool pause_holds(struct call *call)
{
    struct server *s = call->server;
    if (s->now_ns >= s->pause.until_ns) end(s);
    if (!pause_is_on(s)) return false;
    // As in Redis, where a MONITOR is a kind of replica, and those are not paused.
    bool is_part = call->no_suspend && !call->is_retry;
    if (is_part || (call->client->flags & CLIENT_MONITOR)) return false;
    if (!s->pause.all && !may_write(call)) return false;
    call->suspended = true;
    if (call->is_retry) // it keeps its place among those who wait for the key
        block_met_closed(s, call->client);
    else
        hold(call);
    return true;
}

// The request is the caller's from here on.
static struct kept_request *release(struct server *s, struct paused *p)
{
    struct kept_request *request = p->request;
    list_remove(&s->pause.held, &p->link);
    p->client->flags &= ~(uint32_t)CLIENT_PAUSED;
    p->client->paused = NULL;
    heap_give(s->heap, p, sizeof *p, HEAP_SESSION);
    blocks_count_clients(s);
    return request;
}

void pause_forget_client(struct server *s, struct client *c)
{
    if (c->flags & CLIENT_PAUSED) kept_free(s->heap, release(s, c->paused));
}

static void run_first(struct server *s)
{
    struct paused *p = LIST_OWNER(list_first(&s->pause.held), struct paused, link);
    struct client *c = p->client;
    struct kept_request *request = release(s, p);
    bool done = command_execute_kept(s, c, request, false);
    kept_free(s->heap, request);
    if (done) s->ops->resume_client(s, c);
}

uint32_t pause_run(struct server *s, uint32_t budget)
{
    uint32_t count = 0;
    if (s->pause.until_ns) {
        if (s->now_ns < s->pause.until_ns) return 0;
        end(s);
        if (s->blocks.ready.count && !s->busy_script) blocks_serve(s);
    }
    // One of them may pause the others anew.
    for (uint64_t left = s->pause.held.count; left > 0 && count < budget && !pause_is_on(s);
         left--, count++)
        run_first(s);
    return count;
}

uint64_t pause_next_ns(const struct server *s)
{
    if (s->pause.until_ns) return s->pause.until_ns;
    return s->pause.held.count && !s->pause.writes_wait ? 0 : UINT64_MAX;
}

void pause_writes(struct server *s, bool wait)
{
    if (LIKELY(s->pause.writes_wait == wait)) return;
    s->pause.writes_wait = wait;
    if (!wait) blocks_keys_opened(s);
}

void pause_close(struct server *s)
{
    while (s->pause.held.count)
        kept_free(s->heap, release(s, LIST_OWNER(list_first(&s->pause.held), struct paused, link)));
}

// ---- CLIENT PAUSE, CLIENT UNPAUSE

static bool parse_timeout(struct call *call, uint64_t *until_ns)
{
    int64_t ms;
    if (!call_timeout_ms(call, 2, &ms)) return false;
    uint64_t now_ns = call->server->now_ns, most_ms = (UINT64_MAX - now_ns) / NS_PER_MS;
    *until_ns = (uint64_t)ms < most_ms ? now_ns + (uint64_t)ms * NS_PER_MS : UINT64_MAX;
    return true;
}

void client_pause(struct call *call)
{
    uint64_t until_ns;
    if (call->argc > 4) {
        client_reply_syntax(call);
        return;
    }
    bool writes = call->argc == 4 && bytes_is_option(call->argv[3], "write");
    if (call->argc == 4 && !writes && !bytes_is_option(call->argv[3], "all")) {
        reply_error(call->reply, "ERR CLIENT PAUSE mode must be WRITE or ALL");
        return;
    }
    if (!parse_timeout(call, &until_ns)) return;
    if (until_ns > call->server->now_ns || pause_is_on(call->server))
        begin(call->server, until_ns, !writes);
    reply_ok(call->reply);
}

void client_unpause(struct call *call)
{
    end(call->server);
    reply_ok(call->reply);
}
