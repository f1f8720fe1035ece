#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/node.h"

static command_body cmd_info_body;

// clang-format off
const struct command cmd_info[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(INFO, "info", cmd_info_body, -1, 0, 0, 0, CMD_LOADING | CMD_STALE | CMD_SENTINEL, ACL_DANGEROUS),
};
// clang-format on

// There are no modules, so nothing stands below their head line.
static void info_modules(struct text *t, const struct info *info) {}

static const struct section {
    const char *name, *title;
    info_section *write;
    bool is_default; // shown when no section is named
} sections[] = {
    { "server", "Server", info_server, true },
    { "clients", "Clients", info_clients, true },
    { "memory", "Memory", info_memory, true },
    { "persistence", "Persistence", info_persistence, true },
    { "stats", "Stats", info_stats, true },
    { "replication", "Replication", info_replication, true },
    { "cpu", "CPU", info_cpu, true },
    { "modules", "Modules", info_modules, true },
    { "commandstats", "Commandstats", info_commandstats, false },
    { "errorstats", "Errorstats", info_errorstats, true },
    { "latencystats", "Latencystats", info_latencystats, false },
    { "cluster", "Cluster", info_cluster, true },
    { "keyspace", "Keyspace", info_keyspace, true },
    { "ledger", "Ledger", info_ledger, true },
};
enum { SECTION_COUNT = sizeof sections / sizeof *sections };
_Static_assert(SECTION_COUNT <= 32, "a bit each");

static uint32_t sections_named(struct bytes word)
{
    uint32_t set = 0;
    bool is_all = bytes_is_option(word, "all") || bytes_is_option(word, "everything");
    bool is_default = bytes_is_option(word, "default");
    for (uint32_t i = 0; i < SECTION_COUNT; i++)
        if (is_all || (is_default && sections[i].is_default) ||
            bytes_is_option(word, sections[i].name))
            set |= 1u << i;
    return set;
}

static uint32_t sections_asked_for(const struct call *call)
{
    uint32_t set = 0;
    if (call->argc == 1) return sections_named(BYTES_LITERAL("default"));
    for (uint32_t i = 1; i < call->argc; i++) set |= sections_named(call->argv[i]);
    return set;
}

static void refresh_tallies(struct server *s)
{
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        struct server *peer = server_peer(s, i);
        if (peer->ops) peer->ops->refresh_tally(peer);
    }
}

static void cmd_info_body(struct call *call)
{
    struct text t;
    struct info info = { .server = call->server, .call = call };
    uint32_t set = sections_asked_for(call);
    refresh_tallies(call->server);
    server_sums_make(call->server, &info.sums);
    text_open(&t, call->server->heap);
    for (uint32_t i = 0; i < SECTION_COUNT; i++) {
        if (!(set & 1u << i)) continue;
        text_add(&t, "%s# %s\r\n", t.size ? "\r\n" : "", sections[i].title);
        sections[i].write(&t, &info);
    }
    reply_verbatim(call->reply, "txt", text_bytes(&t));
    text_close(&t);
}
