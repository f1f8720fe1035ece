#include <signal.h>
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/base/glob.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/cmd_debug.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/config_rewrite.h"
#include "dataplane/cmd/node.h"

static command_body cmd_debug_body;

// clang-format off
const struct command cmd_debug[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(DEBUG, "debug", cmd_debug_body, -2, 0, 0, 0, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_PROTECTED, 0),
};
// clang-format on

static void debug_error(struct call *call) { reply_error_bytes(call->reply, call->argv[2]); }

static void debug_log(struct call *call)
{
    call_log(call, LOG_WARNING, "DEBUG LOG: %.*s", text_chars(call->argv[2]),
             (const char *)call->argv[2].data);
    reply_ok(call->reply);
}

// No shard serves anybody until then, as a blocked Redis would. What is not a number counts as 0.
static void debug_sleep(struct call *call)
{
    double seconds;
    struct server *s = call->server;
    if (!num_parse_double(call->argv[2], &seconds) || seconds < 0) seconds = 0;
    if (seconds > 1e6) seconds = 1e6;
    uint64_t now_ns = s->clock ? clock_now_ns(s->clock) : s->now_ns;
    for (uint32_t i = 0; i < server_peer_count(s); i++)
        server_peer(s, i)->busy_until_ns = now_ns + (uint64_t)(seconds * 1e9);
    if (s->clock) call->pause_cycles = (uint64_t)(seconds * (double)s->clock->tsc_hz);
    reply_ok(call->reply);
}

// How long matching takes is what its users measure; the answer is whether it matched.
static void debug_stringmatch_len(struct call *call)
{
    reply_int(call->reply, glob_match(call->argv[2], call->argv[3], false));
}

// ---- switches for tests: <name> <0|1>

static bool is_on(const struct call *call)
{
    int64_t on;
    return num_parse_int(call->argv[2], &on) && on != 0;
}

static void debug_set_active_expire(struct call *call)
{
    for (uint32_t i = 0; i < server_peer_count(call->server); i++)
        keyspace_set_active_expire(server_peer(call->server, i)->keyspace, is_on(call));
    reply_ok(call->reply);
}

static void debug_skip_checksums(struct call *call)
{
    for (uint32_t i = 0; i < server_peer_count(call->server); i++)
        server_peer(call->server, i)->skips_checksums = is_on(call);
    reply_ok(call->reply);
}

static void debug_disable_deny_scripts(struct call *call)
{
    for (uint32_t i = 0; i < server_peer_count(call->server); i++)
        server_peer(call->server, i)->scripts_may_do_all = is_on(call);
    reply_ok(call->reply);
}

static void debug_pause_cron(struct call *call)
{
    for (uint32_t i = 0; i < server_peer_count(call->server); i++)
        server_peer(call->server, i)->cron_is_paused = is_on(call);
    reply_ok(call->reply);
}

// What Redis switches off here is not there: tables grow by segments, reply buffers are chains of
// blocks.
static void debug_nothing_to_switch(struct call *call) { reply_ok(call->reply); }

// Large elements of a list are nodes of their own at any size.
static void debug_packed_threshold(struct call *call)
{
    uint64_t bytes;
    if (num_parse_memory(call->argv[2], &bytes) && bytes < 1ull << 32)
        reply_ok(call->reply);
    else
        reply_error(call->reply,
                    "ERR argument must be a memory value bigger than 1 and smaller than 4gb");
}

static void debug_replybuffer(struct call *call)
{
    int64_t ms;
    struct bytes what = call->argv[2], value = call->argv[3];
    if (bytes_is_option(what, "peak-reset-time")) {
        if (!bytes_is_option(value, "never") && !bytes_is_option(value, "reset") &&
            !call_int(call, 3, &ms, NULL))
            return;
    } else if (!bytes_is_option(what, "resizing")) {
        debug_unknown(call);
        return;
    }
    reply_ok(call->reply);
}

static void debug_rewrite_all(struct call *call) { config_rewrite(call, true); }

// ---- crashes on purpose: what the control process reports and survives

static void debug_segfault(struct call *call) { raise(SIGSEGV); }

static void debug_panic(struct call *call)
{
    call_log(call, LOG_WARNING, "Guru Meditation: called by DEBUG PANIC");
    abort();
}

static void debug_assert(struct call *call)
{
    call_log(call, LOG_WARNING, "=== ASSERTION FAILED ===");
    CHECK(call->argc == 0);
}

static void debug_help(struct call *call)
{
    static const char *const lines[] = {
        "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ASSERT",
        "    Crash the dataplane by a failed check.",
        "CLIENT-ENFORCE-REPLY-LIST <0|1>",
        "    No effect: replies always are chains of blocks.",
        "CLIENT-EVICTION",
        "    Show how many clients cost how much memory (maxmemory-clients).",
        "CONFIG-REWRITE-FORCE-ALL",
        "    Rewrite the configuration file with every directive, defaults too.",
        "DICT-RESIZING <0|1>",
        "    No effect: tables grow by segments.",
        "DIGEST",
        "    Output a hex signature representing the current DB content.",
        "DIGEST-VALUE <key> [<key> ...]",
        "    Output a hex signature of the values of all the specified keys.",
        "ERROR <string>",
        "    Return a Redis protocol error with <string> as message. Useful for clients",
        "    unit tests to simulate Redis errors.",
        "HTSTATS <dbid> [full]",
        "    Return hash table statistics of the specified database.",
        "HTSTATS-KEY <key> [full]",
        "    Like HTSTATS but for the tree by hash of the key's value.",
        "JMAP",
        "    Show what the heaps of all shards hold, by owner, and their pages.",
        "LISTPACK <key>",
        "    Write the measures of a value in listpack encoding to the log.",
        "LOADAOF",
        "    Flush everything and load the append only file.",
        "LOG <message>",
        "    Write <message> to the server log.",
        "MALLCTL <key> [<val>]",
        "    Get or set a malloc tuning integer.",
        "MALLCTL-STR <key> [<val>]",
        "    Get or set a malloc tuning string.",
        "OBJECT <key> [fast]",
        "    Show low level info about `key` and associated value; fast leaves out the",
        "    length it has in a snapshot.",
        "PANIC",
        "    Crash the dataplane by an abort.",
        "PAUSE-CRON <0|1>",
        "    Stop the periodic work of the shards.",
        "POPULATE <count> [<prefix>] [<size>]",
        "    Create <count> string keys named key:<num>. If <prefix> is specified then",
        "    it is used instead of the 'key' prefix.",
        "PROTOCOL <type>",
        "    Reply with a test value of the specified type. <type> can be: string,",
        "    integer, double, bignum, null, array, set, map, attrib, push, verbatim,",
        "    true, false.",
        "QUICKLIST <key> [<0|1>]",
        "    Write the measures of a value in quicklist encoding to the log.",
        "QUICKLIST-PACKED-THRESHOLD <size>",
        "    No effect: a large element of a list has a node of its own at any size.",
        "REPLYBUFFER PEAK-RESET-TIME <NEVER|RESET|ms>, REPLYBUFFER RESIZING <0|1>",
        "    No effect: reply buffers are chains of blocks.",
        "SEGFAULT",
        "    Crash the dataplane with sigsegv.",
        "SET-ACTIVE-EXPIRE <0|1>",
        "    Setting it to 0 disables expiring keys in background when they are not",
        "    accessed. Setting it to 1 enables it again.",
        "SET-DISABLE-DENY-SCRIPTS <0|1>",
        "    1 lets scripts call commands that scripts may not call.",
        "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
        "    1 lets RESTORE take payloads with a wrong checksum.",
        "SLEEP <seconds>",
        "    Stop the server for <seconds>. Decimals allowed.",
        "RELOAD [option ...]",
        "    Save the RDB on disk and reload it back to memory. Valid <option> values:",
        "    * MERGE: what is there gives way to keys of the file.",
        "    * NOFLUSH: what is there stays; a key of the file that is there is fatal.",
        "    * NOSAVE: the file is loaded as it is.",
        "STRINGMATCH-LEN <pattern> <string>",
        "    Match <string> against the glob-like <pattern>.",
        "HELP",
        "    Prints this help.",
    };
    uint32_t count = sizeof lines / sizeof *lines;
    reply_array(call->reply, count);
    for (uint32_t i = 0; i < count; i++) reply_status(call->reply, lines[i]);
}

static const struct debug_row {
    const char *name;
    uint32_t argc_min, argc_max;
    debug_body *body;
} debug_rows[] = {
    { "assert", 2, 2, debug_assert },
    { "client-enforce-reply-list", 3, 3, debug_nothing_to_switch },
    { "client-eviction", 2, 2, debug_client_eviction },
    { "config-rewrite-force-all", 2, 2, debug_rewrite_all },
    { "dict-resizing", 3, 3, debug_nothing_to_switch },
    { "digest", 2, 2, debug_digest },
    { "digest-value", 2, UINT32_MAX, debug_digest_value },
    { "error", 3, 3, debug_error },
    { "help", 2, 2, debug_help },
    { "htstats", 3, 4, debug_htstats },
    { "htstats-key", 3, 4, debug_htstats_key },
    { "jmap", 2, 2, debug_jmap },
    { "listpack", 3, 3, debug_listpack },
    { "loadaof", 2, 2, debug_load_log },
    { "log", 3, 3, debug_log },
    { "mallctl", 3, 4, debug_mallctl },
    { "mallctl-str", 3, 4, debug_mallctl_str },
    { "object", 3, 4, debug_object },
    { "panic", 2, 2, debug_panic },
    { "pause-cron", 3, 3, debug_pause_cron },
    { "populate", 3, 5, debug_populate },
    { "protocol", 3, 3, debug_protocol },
    { "quicklist", 3, 4, debug_quicklist },
    { "quicklist-packed-threshold", 3, 3, debug_packed_threshold },
    { "reload", 2, 5, debug_reload },
    { "replybuffer", 4, 4, debug_replybuffer },
    { "segfault", 2, 2, debug_segfault },
    { "set-active-expire", 3, 3, debug_set_active_expire },
    { "set-disable-deny-scripts", 3, 3, debug_disable_deny_scripts },
    { "set-skip-checksum-validation", 3, 3, debug_skip_checksums },
    { "sleep", 3, 3, debug_sleep },
    { "stringmatch-len", 4, 4, debug_stringmatch_len },
};

void debug_unknown(struct call *call)
{
    struct bytes name = call->argv[1];
    reply_errorf(call->reply,
                 "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try DEBUG HELP.",
                 text_chars(name), (const char *)name.data);
}

static void cmd_debug_body(struct call *call)
{
    for (uint32_t i = 0; i < sizeof debug_rows / sizeof *debug_rows; i++) {
        const struct debug_row *row = &debug_rows[i];
        if (!bytes_is_option(call->argv[1], row->name) || call->argc < row->argc_min ||
            call->argc > row->argc_max)
            continue;
        row->body(call);
        return;
    }
    debug_unknown(call);
}
