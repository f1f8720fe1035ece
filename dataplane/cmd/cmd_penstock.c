// cmd_penstock.c: PENSTOCK: what only this server has. Its shards, and slots that move between
// them.
#include "dataplane/base/num.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/node.h"

static command_body penstock_help, penstock_move_slots, penstock_move_status, penstock_shards;

enum { PENSTOCK_ADMIN = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE };

// clang-format off
const struct command cmd_penstock_subs[] = {
    // id, container, name, body, arity, first, last, step, flags, categories
    SUBCOMMAND(PENSTOCK_HELP, "penstock", "help", penstock_help, 2, 0, 0, 0, CMD_LOADING | CMD_STALE, 0),
    SUBCOMMAND(PENSTOCK_MOVE_SLOTS, "penstock", "move-slots", penstock_move_slots, 5, 0, 0, 0, PENSTOCK_ADMIN | CMD_NO_MULTI, 0),
    SUBCOMMAND(PENSTOCK_MOVE_STATUS, "penstock", "move-status", penstock_move_status, 2, 0, 0, 0, PENSTOCK_ADMIN, 0),
    SUBCOMMAND(PENSTOCK_SHARDS, "penstock", "shards", penstock_shards, 2, 0, 0, 0, PENSTOCK_ADMIN, 0),
};
const struct command cmd_penstock[] = {
    // id, name, body, arity, flags, categories, subcommands
    CONTAINER(PENSTOCK, "penstock", NULL, -2, 0, 0, cmd_penstock_subs),
};
// clang-format on

static bool parse_number(struct call *call, uint32_t index, const char *error, uint32_t *out)
{
    int64_t value;
    bool fits = num_parse_int(call->argv[index], &value) && value >= 0 && value < SLOT_COUNT;
    if (fits)
        *out = (uint32_t)value;
    else
        reply_error(call->reply, error);
    return fits;
}

// Begins; the answer does not wait for the end (MOVE-STATUS tells).
static void penstock_move_slots(struct call *call)
{
    uint32_t first, last, to;
    if (!parse_number(call, 2, "ERR Invalid slot", &first) ||
        !parse_number(call, 3, "ERR Invalid slot", &last) ||
        !parse_number(call, 4, "ERR No such shard", &to))
        return;
    const char *refusal = "ERR This server has one shard only";
    if (call->server->node)
        refusal = slot_move_order(call->server->node, first, last, to);
    if (refusal)
        reply_error(call->reply, refusal);
    else
        reply_ok(call->reply);
}

static void reply_pair(struct reply *r, const char *name, uint64_t value)
{
    reply_bulk_text(r, name);
    reply_int(r, (int64_t)value);
}

static void penstock_move_status(struct call *call)
{
    static const struct slot_move none;
    const struct node *node = call->server->node;
    const struct slot_move *m = node ? &node->move : &none;
    reply_map(call->reply, 7);
    reply_pair(call->reply, "running", m->is_running);
    reply_pair(call->reply, "first", m->first);
    reply_pair(call->reply, "last", m->last);
    reply_pair(call->reply, "to", m->to);
    reply_pair(call->reply, "keys_taken", m->keys_taken);
    reply_pair(call->reply, "keys_fetched", m->keys_fetched);
    reply_pair(call->reply, "portions", m->portions);
}

static uint32_t owner_of(const struct server *s, uint32_t slot)
{
    return s->node ? s->node->placement.shard_of_slot[slot] : 0;
}

// The last slot of the range that begins at slot, all of one shard.
static uint32_t range_end(const struct server *s, uint32_t slot)
{
    uint32_t end = slot;
    while (end + 1 < SLOT_COUNT && owner_of(s, end + 1) == owner_of(s, slot)) end++;
    return end;
}

static void reply_ranges(struct call *call, uint32_t shard)
{
    const struct server *s = call->server;
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot = range_end(s, slot) + 1)
        count += owner_of(s, slot) == shard;
    reply_array(call->reply, count);
    for (uint32_t slot = 0, end; slot < SLOT_COUNT; slot = end + 1) {
        end = range_end(s, slot);
        if (owner_of(s, slot) != shard) continue;
        reply_array(call->reply, 2);
        reply_int(call->reply, slot);
        reply_int(call->reply, end);
    }
}

static void penstock_shards(struct call *call)
{
    uint32_t count = server_peer_count(call->server);
    reply_array(call->reply, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct server *peer = server_peer(call->server, i);
        uint64_t keys = 0;
        for (uint32_t db = 0; db < (uint32_t)peer->settings->databases; db++)
            keys += keyspace_size(peer->keyspace, db);
        reply_map(call->reply, 3);
        reply_pair(call->reply, "shard", i);
        reply_bulk_text(call->reply, "slots");
        reply_ranges(call, i);
        reply_pair(call->reply, "keys", keys);
    }
}

static void penstock_help(struct call *call)
{
    static const char *const lines[] = {
        "MOVE-SLOTS <first> <last> <shard>",
        "    Begin to give this range of slots, with its keys, to that shard.",
        "MOVE-STATUS",
        "    Tell how far that is.",
        "SHARDS",
        "    Return the shards of this server, with their slots and how many keys they have.",
        NULL,
    };
    call_reply_help(call, lines);
}
