#include <limits.h>
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"

static command_body object_encoding, object_freq, object_help, object_idletime, object_refcount;

// clang-format off
const struct command cmd_object_subs[] = {
    // id, container, name, body, arity, first, last, step, flags, categories
    SUBCOMMAND(OBJECT_ENCODING, "object", "encoding", object_encoding, 3, 2, 2, 1, CMD_READONLY, ACL_KEYSPACE),
    SUBCOMMAND(OBJECT_FREQ, "object", "freq", object_freq, 3, 2, 2, 1, CMD_READONLY, ACL_KEYSPACE),
    SUBCOMMAND(OBJECT_HELP, "object", "help", object_help, 2, 0, 0, 0, CMD_LOADING | CMD_STALE, ACL_KEYSPACE),
    SUBCOMMAND(OBJECT_IDLETIME, "object", "idletime", object_idletime, 3, 2, 2, 1, CMD_READONLY, ACL_KEYSPACE),
    SUBCOMMAND(OBJECT_REFCOUNT, "object", "refcount", object_refcount, 3, 2, 2, 1, CMD_READONLY, ACL_KEYSPACE),
};
const struct command cmd_object[] = {
    // id, name, body, arity, flags, categories, subcommands
    CONTAINER(OBJECT, "object", NULL, -2, 0, 0, cmd_object_subs),
};
// clang-format on

// NULL after replying null.
static struct entry *find(struct call *call)
{
    struct key key = call_key(call, 2);
    struct entry *e = call_find(call, &key, FIND_PEEK);
    if (!e) reply_null(call->reply);
    return e;
}

static bool policy_is_lfu(const struct call *call)
{
    int64_t policy = call->server->settings->maxmemory_policy;
    return policy == EVICT_ALLKEYS_LFU || policy == EVICT_VOLATILE_LFU;
}

static bool policy_is_lru(const struct call *call)
{
    int64_t policy = call->server->settings->maxmemory_policy;
    return policy == EVICT_ALLKEYS_LRU || policy == EVICT_VOLATILE_LRU;
}

static void object_encoding(struct call *call)
{
    struct entry *e = find(call);
    if (e) reply_bulk_text(call->reply, value_encoding_name(entry_encoding(e)));
}

static void object_freq(struct call *call)
{
    struct entry *e = find(call);
    if (!e) return;
    if (policy_is_lfu(call)) {
        reply_int(call->reply, entry_frequency(call->keyspace, e, call->now_ms));
        return;
    }
    reply_error(call->reply,
                "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please "
                "note that when switching between policies at runtime LRU and LFU data will take "
                "some time to adjust.");
}

static void object_idletime(struct call *call)
{
    struct entry *e = find(call);
    if (!e) return;
    if (!policy_is_lfu(call)) {
        reply_int(call->reply, entry_idle_s(call->keyspace, e, call->now_ms));
        return;
    }
    reply_error(
        call->reply,
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that "
        "when switching between policies at runtime LRU and LFU data will take some time to "
        "adjust.");
}

// Values are not shared here, so the honest count is 1; but Redis shows its shared integers 0..9999
// with INT_MAX (unless an LRU or LFU limit forbids sharing), and programs test for that.
static void object_refcount(struct call *call)
{
    struct entry *e = find(call);
    if (!e) return;
    int64_t value;
    bool may_share =
        call->server->settings->maxmemory == 0 || (!policy_is_lru(call) && !policy_is_lfu(call));
    bool is_shared = may_share && entry_type(e) == TYPE_STRING &&
                     entry_encoding(e) == ENCODING_INT && string_read_int(e, &value) &&
                     value >= 0 && value < 10000;
    reply_int(call->reply, is_shared ? INT_MAX : 1);
}

static void object_help(struct call *call)
{
    static const char *const lines[] = {
        "ENCODING <key>",
        "    Return the kind of internal representation used in order to store the value",
        "    associated with a <key>.",
        "FREQ <key>",
        "    Return the access frequency index of the <key>. The returned integer is",
        "    proportional to the logarithm of the recent access frequency of the key.",
        "IDLETIME <key>",
        "    Return the idle time of the <key>, that is the approximated number of",
        "    seconds elapsed since the last access to the key.",
        "REFCOUNT <key>",
        "    Return the number of references of the value associated with the specified",
        "    <key>.",
        NULL,
    };
    call_reply_help(call, lines);
}
