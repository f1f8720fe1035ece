#include "dataplane/base/glob.h"
#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/config_apply.h"
#include "dataplane/cmd/config_rewrite.h"

static command_body config_get, config_help, config_resetstat, config_rewrite_body, config_set;

enum { CONFIG_OPERATOR = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE };

// clang-format off
const struct command cmd_config_subs[] = {
    // id, container, name, body, arity, first, last, step, flags, categories
    SUBCOMMAND(CONFIG_GET, "config", "get", config_get, -3, 0, 0, 0, CONFIG_OPERATOR, 0),
    SUBCOMMAND(CONFIG_HELP, "config", "help", config_help, 2, 0, 0, 0, CMD_LOADING | CMD_STALE, 0),
    SUBCOMMAND(CONFIG_RESETSTAT, "config", "resetstat", config_resetstat, 2, 0, 0, 0, CONFIG_OPERATOR, 0),
    SUBCOMMAND(CONFIG_REWRITE, "config", "rewrite", config_rewrite_body, 2, 0, 0, 0, CONFIG_OPERATOR, 0),
    SUBCOMMAND(CONFIG_SET, "config", "set", config_set, -4, 0, 0, 0, CONFIG_OPERATOR, 0),
};
const struct command cmd_config[] = {
    // id, name, body, arity, flags, categories, subcommands
    CONTAINER(CONFIG, "config", NULL, -2, 0, 0, cmd_config_subs),
};
// clang-format on

// user, rename-command, loadmodule: lines of a file, unknown to CONFIG.
static bool is_for_files_only(const struct setting_row *row)
{
    return row->kind == SETTING_LINES && (row->flags & SETTING_HIDDEN);
}

// ---- CONFIG GET

static bool is_pattern(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '*' || text.data[i] == '?' || text.data[i] == '[') return true;
    return false;
}

// A directive under one of its names is shown once, however many patterns it matches. Whoever asked
// for it by name sees the name as it was spelled. False: nobody asked.
static bool find_asked(const struct call *call, const struct setting_row *row, const char *name,
                       struct bytes *shown)
{
    bool found = false;
    *shown = bytes_text(name);
    for (uint32_t i = 2; i < call->argc; i++) {
        struct bytes pattern = call->argv[i];
        if (bytes_is_option(pattern, name)) {
            *shown = pattern;
            return true;
        }
        found |= is_pattern(pattern) && !(row->flags & SETTING_HIDDEN) &&
                 glob_match(pattern, *shown, true);
    }
    return found;
}

static uint32_t show(struct call *call, const struct setting_row *row, const char *name,
                     char *value)
{
    struct bytes shown;
    if (!name || is_for_files_only(row) || !find_asked(call, row, name, &shown)) return 0;
    size_t size = setting_text(call->server->settings, row, value, SETTING_TEXT_MAX);
    reply_bulk(call->reply, shown);
    reply_bulk(call->reply, bytes_make(value, size));
    return 1;
}

static void config_get(struct call *call)
{
    char *value = heap_take(call->server->heap, SETTING_TEXT_MAX, HEAP_OTHER);
    struct reply_later map = reply_later_begin(call->reply);
    uint32_t count = 0;
    for (uint32_t i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        count += show(call, row, row->name, value);
        count += show(call, row, row->alias, value);
    }
    reply_later_map(call->reply, map, count);
    heap_give(call->server->heap, value, SETTING_TEXT_MAX, HEAP_OTHER);
}

// ---- CONFIG SET

static bool protected_is_open(const struct call *call)
{
    int64_t open_to = call->server->settings->enable_protected_configs;
    return open_to == LOCAL_YES || (open_to == LOCAL_ONLY && client_is_local(call->client));
}

// NULL: the directive may be set now.
static const char *why_not(const struct call *call, const struct config_change *change,
                           uint32_t index)
{
    const struct setting_row *row = change->rows[index];
    if (row->flags & SETTING_AT_START) return "can't set immutable config";
    if ((row->flags & SETTING_PROTECTED) && !protected_is_open(call))
        return "can't set protected config";
    for (uint32_t i = 0; i < index; i++) // a name and its alias are two parameters
        if (bytes_equal_nocase(call->argv[2 + 2 * i], call->argv[2 + 2 * index]))
            return "duplicate parameter";
    return NULL;
}

static bool find_rows(struct call *call, struct config_change *change)
{
    for (uint32_t i = 0; i < change->count; i++) {
        struct bytes name = call->argv[2 + 2 * i];
        const struct setting_row *row = change->rows[i] = setting_find(name);
        if (!row || is_for_files_only(row)) {
            reply_errorf(call->reply,
                         "ERR Unknown option or number of arguments for CONFIG SET - '%.*s'",
                         text_chars(name), (const char *)name.data);
            return false;
        }
        const char *why = why_not(call, change, i);
        if (!why) continue;
        config_refuse(call, name, why);
        return false;
    }
    return true;
}

static bool assign(struct call *call, const struct config_change *change, struct settings *next)
{
    char error[SETTING_ERROR_MAX];
    for (uint32_t i = 0; i < change->count; i++) {
        struct bytes name = call->argv[2 + 2 * i], value = call->argv[3 + 2 * i];
        if (setting_assign_text(next, change->rows[i], value, error) == OK) continue;
        config_refuse(call, name, error);
        return false;
    }
    if (settings_check(next, error) == OK) return true;
    config_refuse(call, call->argv[2], error);
    return false;
}

// All or nothing: the pairs go into a copy, which takes effect as a whole.
static void apply(struct call *call, const struct config_change *change)
{
    struct settings next;
    settings_copy(&next, call->server->settings);
    if (assign(call, change, &next)) config_apply(call, change, &next);
    settings_close(&next);
}

static void config_set(struct call *call)
{
    struct config_change change = { .count = (call->argc - 2) / 2 };
    if (call->argc % 2) {
        reply_error(call->reply, reply_text_syntax);
        return;
    }
    change.rows = heap_take(call->server->heap, change.count * sizeof(void *), HEAP_OTHER);
    if (find_rows(call, &change)) apply(call, &change);
    heap_give(call->server->heap, change.rows, change.count * sizeof(void *), HEAP_OTHER);
}

static void config_resetstat(struct call *call)
{
    struct server *s = call->server;
    tally_reset(s->tally);
    command_latency_reset(s);
    defrag_reset_stats(s);
    s->error_stat_count = 0;
    s->error_stats_overflow = 0;
    reply_ok(call->reply);
}

static void config_rewrite_body(struct call *call) { config_rewrite(call, false); }

static void config_help(struct call *call)
{
    static const char *const lines[] = {
        "GET <pattern>",
        "    Return parameters matching the glob-like <pattern> and their values.",
        "SET <directive> <value>",
        "    Set the configuration <directive> to <value>.",
        "RESETSTAT",
        "    Reset statistics reported by the INFO command.",
        "REWRITE",
        "    Rewrite the configuration file.",
        NULL,
    };
    call_reply_help(call, lines);
}
