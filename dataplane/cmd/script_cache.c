#include "dataplane/cmd/script_cache.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/cmd/held.h"
#include "dataplane/cmd/script_call.h"
#include "dataplane/cmd/script_shards.h"

struct dying_host {
    struct list_node link;
    struct script_host *host;
};

struct script_host *scripts_host(struct scripts *s, enum script_kind kind)
{
    struct script_host **host = &s->hosts[kind];
    if (UNLIKELY(!*host)) *host = script_host_open(s->server->heap, kind, &script_call_ops, s);
    return *host;
}

struct script *scripts_add(struct scripts *s, struct bytes body, struct bytes *error)
{
    return script_add(scripts_host(s, SCRIPT_KIND_EVAL), body, error);
}

// ---- several shards

// One that has no room for it says NOSCRIPT, and gets it with its next EVAL there.
void scripts_add_to_peers(struct server *server, struct bytes body)
{
    struct bytes error;
    if (!server_is_one_of_many(server) || !held_are_all(server)) return;
    for (uint32_t i = 0; i < server_peer_count(server); i++) {
        struct server *peer = server_peer(server, i);
        if (peer != server) (void)scripts_add(peer->scripts, body, &error);
    }
}

bool script_concerns_all(const struct call *call)
{
    const struct script *script;
    const struct script_function *function;
    uint16_t id = call->command->id;
    script_find_declared(call, &script, &function);
    if (!script && !function) return id == CMD_ID_EVAL || id == CMD_ID_EVAL_RO;
    return script_needs_all(script, function);
}

// ---- flushing

static void close_later(struct scripts *s, struct script_host *host)
{
    struct dying_host *d = heap_take(s->server->heap, sizeof *d, HEAP_SCRIPTS);
    *d = (struct dying_host){ .host = host };
    list_append(&s->dying, &d->link);
}

void scripts_flush(struct scripts *s, enum script_kind kind, bool at_once)
{
    struct script_host *host = s->hosts[kind];
    if (kind == SCRIPT_KIND_FUNCTIONS) function_store_clear(&s->functions, NULL);
    s->hosts[kind] = NULL;
    if (!host) return;
    if (at_once)
        script_host_close(host);
    else
        close_later(s, host);
}

bool scripts_are_shrinking(const struct server *server) { return server->scripts->dying.count > 0; }

bool scripts_shrink(struct server *server)
{
    struct scripts *s = server->scripts;
    struct list_node *node = list_first(&s->dying);
    if (!node) return false;
    struct dying_host *d = LIST_OWNER(node, struct dying_host, link);
    if (!script_host_shrink(d->host)) return true;
    script_host_close(d->host);
    list_remove(&s->dying, node);
    heap_give(server->heap, d, sizeof *d, HEAP_SCRIPTS);
    return s->dying.count > 0;
}

bool script_flush_mode(const struct call *call, bool *at_once)
{
    *at_once = false;
    if (call->argc == 2) return true;
    *at_once = bytes_is_option(call->argv[2], "sync");
    return *at_once || bytes_is_option(call->argv[2], "async");
}

void scripts_measure(const struct server *server, struct scripts_memory *out)
{
    const struct scripts *s = server->scripts;
    *out = (struct scripts_memory){ 0 };
    if (s->hosts[SCRIPT_KIND_EVAL]) script_host_memory(s->hosts[SCRIPT_KIND_EVAL], &out->eval);
    if (s->hosts[SCRIPT_KIND_FUNCTIONS])
        script_host_memory(s->hosts[SCRIPT_KIND_FUNCTIONS], &out->functions);
    out->functions.cached_bytes += s->functions.bytes;
    out->library_count = s->functions.libraries.count;
    out->function_count = s->functions.function_count;
}

static uint64_t greater(uint64_t a, uint64_t b) { return a > b ? a : b; }

static void add_memory(struct script_memory *sum, const struct script_memory *m)
{
    sum->vm_bytes += m->vm_bytes;
    sum->cached_bytes += m->cached_bytes;
    sum->count = greater(sum->count, m->count);
}

void scripts_measure_all(struct server *server, struct scripts_memory *out)
{
    *out = (struct scripts_memory){ 0 };
    for (uint32_t i = 0; i < server_peer_count(server); i++) {
        struct scripts_memory m;
        scripts_measure(server_peer(server, i), &m);
        add_memory(&out->eval, &m.eval);
        add_memory(&out->functions, &m.functions);
        out->library_count = greater(out->library_count, m.library_count);
        out->function_count = greater(out->function_count, m.function_count);
    }
}
