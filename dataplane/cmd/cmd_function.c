#include "dataplane/base/glob.h"
#include "dataplane/base/hash.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/script_cache.h"
#include "storage/rdb/rdb_format.h"
#include "storage/rdb/rdb_write.h"

static command_body cmd_fcall, function_delete, function_dump, function_flush, function_help,
    function_kill, function_list, function_load, function_restore, function_stats;

enum {
    FCALL_FLAGS =
        CMD_NOSCRIPT | CMD_SKIP_MONITOR | CMD_NO_MANDATORY_KEYS | CMD_STALE | CMD_MOVABLEKEYS,
    LOAD_MS = 500, // that a library may take
    CRC_BYTES = 8,
};

// clang-format off
const struct command cmd_function_subs[] = {
    // id, of, name, body, arity, first, last, step, flags, categories
    SUBCOMMAND(FUNCTION_DELETE, "function", "delete", function_delete, 3, 0, 0, 0, CMD_NOSCRIPT | CMD_WRITE, ACL_SCRIPTING),
    SUBCOMMAND(FUNCTION_DUMP, "function", "dump", function_dump, 2, 0, 0, 0, CMD_NOSCRIPT, ACL_SCRIPTING),
    SUBCOMMAND(FUNCTION_FLUSH, "function", "flush", function_flush, -2, 0, 0, 0, CMD_NOSCRIPT | CMD_WRITE, ACL_SCRIPTING),
    SUBCOMMAND(FUNCTION_HELP, "function", "help", function_help, 2, 0, 0, 0, CMD_LOADING | CMD_STALE, ACL_SCRIPTING),
    // Redis takes no further argument; ours may be UNDO.
    SUBCOMMAND(FUNCTION_KILL, "function", "kill", function_kill, -2, 0, 0, 0, CMD_NOSCRIPT | CMD_ALLOW_BUSY, ACL_SCRIPTING),
    SUBCOMMAND(FUNCTION_LIST, "function", "list", function_list, -2, 0, 0, 0, CMD_NOSCRIPT, ACL_SCRIPTING),
    SUBCOMMAND(FUNCTION_LOAD, "function", "load", function_load, -3, 0, 0, 0, CMD_NOSCRIPT | CMD_WRITE | CMD_DENYOOM, ACL_SCRIPTING),
    SUBCOMMAND(FUNCTION_RESTORE, "function", "restore", function_restore, -3, 0, 0, 0, CMD_NOSCRIPT | CMD_WRITE | CMD_DENYOOM, ACL_SCRIPTING),
    SUBCOMMAND(FUNCTION_STATS, "function", "stats", function_stats, 2, 0, 0, 0, CMD_NOSCRIPT | CMD_ALLOW_BUSY, ACL_SCRIPTING),
};
const struct command cmd_functions[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(FCALL, "fcall", cmd_fcall, -3, 0, 0, 0, FCALL_FLAGS | CMD_MAY_REPLICATE, ACL_SCRIPTING),
    COMMAND(FCALL_RO, "fcall_ro", cmd_fcall, -3, 0, 0, 0, FCALL_FLAGS | CMD_READONLY, ACL_SCRIPTING),
    CONTAINER(FUNCTION, "function", NULL, -2, 0, 0, cmd_function_subs),
};
// clang-format on

static struct function_store *store_of(const struct call *call)
{
    return &call->server->scripts->functions;
}

static struct script_host *host_of(const struct call *call)
{
    return scripts_host(call->server->scripts, SCRIPT_KIND_FUNCTIONS);
}

// ---- FCALL

static void run_function(struct call *call, void *context)
{
    const struct script_function *function = context;
    int64_t key_count = -1;
    const char *error = NULL;
    if (!num_parse_int(call->argv[2], &key_count))
        error = "ERR Bad number of keys provided";
    else if (key_count > (int64_t)call->argc - 3)
        error = "ERR Number of keys can't be greater than number of args";
    else if (key_count < 0)
        error = "ERR Number of keys can't be negative";
    if (error)
        reply_error(call->reply, error);
    else
        script_start(call, NULL, function, (uint32_t)key_count);
}

static void cmd_fcall(struct call *call)
{
    const struct script_function *function = function_find(store_of(call), call->argv[1]);
    if (function)
        script_on_stack(call, run_function, (void *)(uintptr_t)function);
    else
        reply_error(call->reply, "ERR Function not found");
}

// ---- what changes the store. It is part of the dataset: that it changed is counted, and the
// command is its own effect.

static void allow_load(struct call *call)
{
    struct scripts *s = call->server->scripts;
    s->load_until_ns = clock_now_ns(call->server->clock) + LOAD_MS * 1000000ull;
}

static void load_library(struct call *call, void *context)
{
    char error[FUNCTION_ERROR_MAX];
    const bool *replaces = context;
    allow_load(call);
    struct library *library =
        library_load(store_of(call), host_of(call), call->argv[call->argc - 1], *replaces, error);
    if (!library) {
        reply_error(call->reply, error);
        return;
    }
    keyspace_add_dirty(call->keyspace, 1);
    reply_bulk(call->reply, library->name);
}

static void function_load(struct call *call)
{
    bool replaces = false;
    uint32_t last = call->argc - 1;
    for (uint32_t i = 2; i < last; i++) {
        struct bytes word = call->argv[i];
        if (!bytes_is_option(word, "replace")) {
            reply_errorf(call->reply, "ERR Unknown option given: %.*s", (int)word.size,
                         (const char *)word.data);
            return;
        }
        replaces = true;
    }
    script_on_stack(call, load_library, &replaces);
}

static void function_delete(struct call *call)
{
    struct library *library = library_find(store_of(call), call->argv[2]);
    if (!library) {
        reply_error(call->reply, "ERR Library not found");
        return;
    }
    library_drop(library, host_of(call));
    keyspace_add_dirty(call->keyspace, 1);
    reply_ok(call->reply);
}

static void refuse_count(struct call *call)
{
    struct bytes word = call->argv[1];
    reply_errorf(call->reply,
                 "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try FUNCTION "
                 "HELP.",
                 (int)(word.size < 128 ? word.size : 128), (const char *)word.data);
}

static void function_flush(struct call *call)
{
    bool at_once;
    if (call->argc > 3) {
        refuse_count(call);
    } else if (!script_flush_mode(call, &at_once)) {
        reply_error(call->reply, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
    } else {
        scripts_flush(call->server->scripts, SCRIPT_KIND_FUNCTIONS, at_once);
        keyspace_add_dirty(call->keyspace, 1);
        reply_ok(call->reply);
    }
}

// ---- DUMP and RESTORE

static void function_dump(struct call *call)
{
    struct rdb_buffer out;
    rdb_buffer_init(&out, call->server->heap, HEAP_CLIENT_OUT);
    function_store_dump(store_of(call), &out, call->server->settings->rdbcompression);
    store_le16(rdb_buffer_reserve(&out, RDB_FOOTER_BYTES), RDB_VERSION_WRITTEN);
    rdb_buffer_commit(&out, 2);
    struct bytes all = rdb_buffer_bytes(&out);
    rdb_put_le64(&out, crc64(0, all.data, all.size));
    reply_blob(call->reply, out.blob, rdb_buffer_bytes(&out));
    rdb_buffer_close(&out);
}

enum restore_how { RESTORE_APPEND, RESTORE_FLUSH, RESTORE_REPLACE };

static bool parse_how(struct call *call, enum restore_how *how)
{
    *how = RESTORE_APPEND;
    if (call->argc == 3 || bytes_is_option(call->argv[3], "append")) return true;
    if (bytes_is_option(call->argv[3], "flush"))
        *how = RESTORE_FLUSH;
    else if (bytes_is_option(call->argv[3], "replace"))
        *how = RESTORE_REPLACE;
    else
        reply_error(call->reply, "ERR Wrong restore policy given, value should be either FLUSH, "
                                 "APPEND or REPLACE.");
    return *how != RESTORE_APPEND;
}

static bool footer_fits(struct bytes payload)
{
    if (payload.size < RDB_FOOTER_BYTES) return false;
    size_t summed = payload.size - CRC_BYTES;
    return load_le16(payload.data + summed - 2) <= RDB_VERSION_READ_MAX &&
           load_le64(payload.data + summed) == crc64(0, payload.data, summed);
}

// The payload's libraries are loaded beside those that are there; only when all are do they meet.
static void restore_libraries(struct call *call, void *context)
{
    const enum restore_how *how = context;
    char error[FUNCTION_ERROR_MAX];
    struct function_store *store = store_of(call), loaded;
    struct script_host *host = host_of(call);
    struct bytes payload = call->argv[2];
    payload.size -= RDB_FOOTER_BYTES;
    allow_load(call);
    function_store_open(&loaded, call->server->heap);
    bool fits = function_store_restore(&loaded, host, payload, error);
    if (fits && *how == RESTORE_FLUSH) function_store_clear(store, host);
    if (fits) fits = function_store_join(store, &loaded, host, *how == RESTORE_REPLACE, error);
    function_store_clear(&loaded, host);
    if (fits) {
        keyspace_add_dirty(call->keyspace, 1);
        reply_ok(call->reply);
    } else {
        reply_error(call->reply, error);
    }
}

static void function_restore(struct call *call)
{
    enum restore_how how;
    if (call->argc > 4) {
        refuse_count(call);
        return;
    }
    if (!parse_how(call, &how)) return;
    if (footer_fits(call->argv[2]))
        script_on_stack(call, restore_libraries, &how);
    else
        reply_error(call->reply, "ERR DUMP payload version or checksum are wrong");
}

// ---- LIST

struct list_options {
    struct bytes pattern;
    bool has_pattern, with_code;
};

static bool parse_list(struct call *call, struct list_options *o)
{
    *o = (struct list_options){ 0 };
    for (uint32_t i = 2; i < call->argc; i++) {
        struct bytes word = call->argv[i];
        if (!o->with_code && bytes_is_option(word, "withcode")) {
            o->with_code = true;
        } else if (!o->has_pattern && bytes_is_option(word, "libraryname")) {
            if (i + 1 == call->argc) {
                reply_error(call->reply, "ERR library name argument was not given");
                return false;
            }
            o->pattern = call->argv[++i];
            o->has_pattern = true;
        } else {
            reply_errorf(call->reply, "ERR Unknown argument %.*s", (int)word.size,
                         (const char *)word.data);
            return false;
        }
    }
    return true;
}

static void reply_function(struct reply *r, const struct script_function *f)
{
    reply_map(r, 3);
    reply_bulk_text(r, "name");
    reply_bulk(r, f->name);
    reply_bulk_text(r, "description");
    if (f->description.data)
        reply_bulk(r, f->description);
    else
        reply_null(r);
    reply_bulk_text(r, "flags");
    uint32_t flags = f->flags & ((1u << SCRIPT_FLAG_COUNT) - 1);
    reply_set(r, (uint64_t)__builtin_popcount(flags));
    for (uint32_t i = 0; i < SCRIPT_FLAG_COUNT; i++)
        if (flags >> i & 1) reply_status(r, script_flag_names[i]);
}

static void reply_library(struct reply *r, const struct library *l, bool with_code)
{
    reply_map(r, with_code ? 4 : 3);
    reply_bulk_text(r, "library_name");
    reply_bulk(r, l->name);
    reply_bulk_text(r, "engine");
    reply_bulk_text(r, "LUA");
    reply_bulk_text(r, "functions");
    reply_array(r, l->loaded->function_count);
    for (uint32_t i = 0; i < l->loaded->function_count; i++)
        reply_function(r, &l->loaded->functions[i]);
    if (!with_code) return;
    reply_bulk_text(r, "library_code");
    reply_bulk(r, l->code);
}

static void function_list(struct call *call)
{
    struct list_options o;
    uint64_t count = 0;
    if (!parse_list(call, &o)) return;
    struct reply_later length = reply_later_begin(call->reply);
    const struct list *all = &store_of(call)->libraries;
    for (struct list_node *n = list_first(all); n; n = list_next(all, n)) {
        const struct library *l = LIST_OWNER(n, struct library, link);
        if (o.has_pattern && !glob_match(o.pattern, l->name, true)) continue;
        reply_library(call->reply, l, o.with_code);
        count++;
    }
    reply_later_array(call->reply, length, count);
}

// ---- the rest

static void function_stats(struct call *call)
{
    const struct script_run *busy = script_find_busy(call->server);
    struct reply *r = call->reply;
    if (busy && busy->kind == SCRIPT_KIND_EVAL) {
        reply_error(r, script_kind_busy_text(SCRIPT_KIND_EVAL));
        return;
    }
    reply_map(r, 2);
    reply_bulk_text(r, "running_script");
    reply_running_script(call);
    reply_bulk_text(r, "engines");
    reply_map(r, 1);
    reply_bulk_text(r, "LUA");
    reply_map(r, 2);
    reply_bulk_text(r, "libraries_count");
    reply_int(r, (int64_t)store_of(call)->libraries.count);
    reply_bulk_text(r, "functions_count");
    reply_int(r, store_of(call)->function_count);
}

static void function_kill(struct call *call) { call_script_kill(call, SCRIPT_KIND_FUNCTIONS); }

static void function_help(struct call *call)
{
    static const char *const lines[] = {
        "LOAD [REPLACE] <FUNCTION CODE>",
        "    Load a library from its code.",
        "DELETE <LIBRARY NAME>",
        "    Drop the library with its functions.",
        "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
        "    Describe the libraries, or those whose name matches, and their functions.",
        "STATS",
        "    Describe the function that runs for too long, if there is one, and the engines.",
        "KILL [UNDO]",
        "    End the function that runs for too long, if it has not written. UNDO: also if it has,",
        "    and undo its writes.",
        "FLUSH [ASYNC|SYNC]",
        "    Drop all libraries: SYNC frees their memory at once, else in the background.",
        "DUMP",
        "    Return all libraries as a payload for FUNCTION RESTORE.",
        "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
        "    Load the libraries of a payload: in place of all that are there, beside them (unless",
        "    one of that name is there, the default), or in place of those of the same name.",
        NULL,
    };
    call_reply_help(call, lines);
}
