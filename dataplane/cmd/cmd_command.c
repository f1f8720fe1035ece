#include <stdio.h>
#include "dataplane/base/glob.h"
#include "dataplane/cmd/cmd_docs.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/rename.h"

static command_body command_all, command_count_body, command_docs_body, command_getkeys,
    command_getkeysandflags, command_help, command_info, command_list;

enum { COMMAND_ANY = CMD_LOADING | CMD_STALE | CMD_SENTINEL };

// clang-format off
const struct command cmd_command_subs[] = {
    // id, container, name, body, arity, first, last, step, flags, categories
    SUBCOMMAND(COMMAND_COUNT, "command", "count", command_count_body, 2, 0, 0, 0, COMMAND_ANY, ACL_CONNECTION),
    SUBCOMMAND(COMMAND_DOCS, "command", "docs", command_docs_body, -2, 0, 0, 0, COMMAND_ANY, ACL_CONNECTION),
    SUBCOMMAND(COMMAND_GETKEYS, "command", "getkeys", command_getkeys, -3, 0, 0, 0, COMMAND_ANY, ACL_CONNECTION),
    SUBCOMMAND(COMMAND_GETKEYSANDFLAGS, "command", "getkeysandflags", command_getkeysandflags, -3, 0, 0, 0, COMMAND_ANY, ACL_CONNECTION),
    SUBCOMMAND(COMMAND_HELP, "command", "help", command_help, 2, 0, 0, 0, COMMAND_ANY, ACL_CONNECTION),
    SUBCOMMAND(COMMAND_INFO, "command", "info", command_info, -2, 0, 0, 0, COMMAND_ANY, ACL_CONNECTION),
    SUBCOMMAND(COMMAND_LIST, "command", "list", command_list, -2, 0, 0, 0, COMMAND_ANY, ACL_CONNECTION),
};
const struct command cmd_command[] = {
    // id, name, body, arity, flags, categories, subcommands
    CONTAINER(COMMAND, "command", command_all, -1, COMMAND_ANY, ACL_CONNECTION, cmd_command_subs),
};
// clang-format on

// "get", or "client|kill" for a subcommand.
static const struct command *find_by_full_name(const struct server *s, struct bytes name)
{
    const uint8_t *bar = name.size ? memchr(name.data, '|', name.size) : NULL;
    if (!bar) return server_find_command(s, name);
    size_t size = (size_t)(bar - name.data);
    const struct command *container = server_find_command(s, bytes_make(name.data, size));
    return container ? command_find_sub(container, bytes_make(bar + 1, name.size - size - 1))
                     : NULL;
}

// ---- one command as COMMAND and COMMAND INFO show it

static void reply_names(struct reply *r, uint64_t bits, const char *const *names, uint32_t count,
                        const char *prefix)
{
    char text[64];
    reply_set(r, (uint64_t)__builtin_popcountll(bits));
    for (uint32_t i = 0; i < count; i++) {
        if (!(bits >> i & 1)) continue;
        snprintf(text, sizeof text, "%s%s", prefix, names[i]);
        reply_status(r, text);
    }
}

static void reply_named_int(struct reply *r, const char *name, int64_t value)
{
    reply_bulk_text(r, name);
    reply_int(r, value);
}

static void reply_named_text(struct reply *r, const char *name, const char *value)
{
    reply_bulk_text(r, name);
    reply_bulk_text(r, value);
}

static void reply_key_begin(struct reply *r, const struct command_key_spec *spec)
{
    static const char *const names[] = { "unknown", "index", "keyword" };
    reply_bulk_text(r, "begin_search");
    reply_map(r, 2);
    reply_named_text(r, "type", names[spec->begin]);
    reply_bulk_text(r, "spec");
    if (spec->begin == KEY_BEGIN_INDEX) {
        reply_map(r, 1);
        reply_named_int(r, "index", spec->start);
    } else if (spec->begin == KEY_BEGIN_KEYWORD) {
        reply_map(r, 2);
        reply_named_text(r, "keyword", spec->keyword);
        reply_named_int(r, "startfrom", spec->start);
    } else {
        reply_map(r, 0);
    }
}

static void reply_key_find(struct reply *r, const struct command_key_spec *spec)
{
    static const char *const types[] = { "unknown", "range", "keynum" };
    static const char *const fields[][3] = { { NULL, NULL, NULL },
                                             { "lastkey", "keystep", "limit" },
                                             { "keynumidx", "firstkey", "keystep" } };
    reply_bulk_text(r, "find_keys");
    reply_map(r, 2);
    reply_named_text(r, "type", types[spec->find]);
    reply_bulk_text(r, "spec");
    reply_map(r, spec->find == KEY_FIND_UNKNOWN ? 0 : 3);
    for (uint32_t i = 0; i < 3 && spec->find != KEY_FIND_UNKNOWN; i++)
        reply_named_int(r, fields[spec->find][i], spec->find_values[i]);
}

static void reply_key_spec(struct reply *r, const struct command_key_spec *spec)
{
    reply_map(r, spec->notes ? 4 : 3);
    if (spec->notes) reply_named_text(r, "notes", spec->notes);
    reply_bulk_text(r, "flags");
    reply_names(r, spec->flags, key_flag_names, KEY_FLAG_COUNT, "");
    reply_key_begin(r, spec);
    reply_key_find(r, spec);
}

// As Redis, which keeps these to itself.
enum {
    HIDDEN_FLAGS =
        CMD_SENTINEL | CMD_PROTECTED | CMD_TOUCHES_ARBITRARY_KEYS | CMD_MAY_REPLICATE
};

static void reply_command(struct reply *r, const struct command *row)
{
    const struct command_docs *docs = &command_docs[row->id];
    reply_array(r, 10);
    reply_bulk_text(r, row->full_name);
    reply_int(r, row->arity);
    reply_names(r, row->flags & ~(uint32_t)HIDDEN_FLAGS, command_flag_names, COMMAND_FLAG_COUNT,
                "");
    reply_int(r, row->first_key);
    reply_int(r, row->last_key);
    reply_int(r, row->key_step);
    reply_names(r, row->acl_categories, acl_category_names, ACL_CATEGORY_COUNT, "@");
    reply_set(r, docs->tip_count);
    for (uint32_t i = 0; i < docs->tip_count; i++) reply_bulk_text(r, docs->tips[i]);
    reply_set(r, docs->key_spec_count);
    for (uint32_t i = 0; i < docs->key_spec_count; i++) reply_key_spec(r, &docs->key_specs[i]);
    if (row->subcommand_count)
        reply_array(r, row->subcommand_count);
    else
        reply_set(r, 0);
    for (uint32_t i = 0; i < row->subcommand_count; i++) reply_command(r, &row->subcommands[i]);
}

static void command_all(struct call *call)
{
    const struct command_renames *renames = call->server->renames;
    reply_array(call->reply, renames_visible_count(renames));
    for (uint32_t id = 0; id < command_top_count(); id++) {
        const struct command *row = command_by_id((uint16_t)id);
        if (!renames_hide(renames, row)) reply_command(call->reply, row);
    }
}

static void command_count_body(struct call *call)
{
    reply_int(call->reply, renames_visible_count(call->server->renames));
}

static void command_info(struct call *call)
{
    if (call->argc == 2) {
        command_all(call);
        return;
    }
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++) {
        const struct command *row = find_by_full_name(call->server, call->argv[i]);
        if (row)
            reply_command(call->reply, row);
        else
            reply_null(call->reply);
    }
}

// ---- COMMAND DOCS

static void reply_arguments(struct reply *r, const struct command_argument *arguments,
                            uint32_t count);

static void reply_argument(struct reply *r, const struct command_argument *a)
{
    static const char *const flag_names[] = { "optional", "multiple", "multiple_token" };
    bool is_group = a->argument_count != 0; // groups have arguments, the others a text to display
    reply_map(r, 3u + (a->key_spec >= 0) + (a->token != NULL) + (a->flags != 0));
    reply_named_text(r, "name", a->name);
    reply_named_text(r, "type", a->type);
    if (!is_group) reply_named_text(r, "display_text", a->name);
    if (a->key_spec >= 0) reply_named_int(r, "key_spec_index", a->key_spec);
    if (a->token) reply_named_text(r, "token", a->token);
    if (a->flags) {
        reply_bulk_text(r, "flags");
        reply_names(r, a->flags, flag_names, 3, "");
    }
    if (!is_group) return;
    reply_bulk_text(r, "arguments");
    reply_arguments(r, a->arguments, a->argument_count);
}

static void reply_arguments(struct reply *r, const struct command_argument *arguments,
                            uint32_t count)
{
    reply_array(r, count);
    for (uint32_t i = 0; i < count; i++) reply_argument(r, &arguments[i]);
}

static uint32_t docs_field_count(const struct command *row, const struct command_docs *d)
{
    return 0u + (d->summary != NULL) + (d->since != NULL) + (d->group != NULL) +
           (d->complexity != NULL) + (d->is_syscmd || d->deprecated_since) +
           (d->deprecated_since != NULL) + (d->replaced_by != NULL) + (d->argument_count != 0) +
           (row->subcommand_count != 0);
}

static void reply_doc_flags(struct reply *r, const struct command_docs *d)
{
    static const char *const names[] = { "deprecated", "syscmd" };
    uint64_t flags = (d->deprecated_since != NULL) | (uint64_t)d->is_syscmd << 1;
    if (!flags) return;
    reply_bulk_text(r, "doc_flags");
    reply_names(r, flags, names, 2, "");
}

// The name, then what is known of the command.
static void reply_docs(struct reply *r, const struct command *row)
{
    const struct command_docs *d = &command_docs[row->id];
    reply_bulk_text(r, row->full_name);
    reply_map(r, docs_field_count(row, d));
    if (d->summary) reply_named_text(r, "summary", d->summary);
    if (d->since) reply_named_text(r, "since", d->since);
    if (d->group) reply_named_text(r, "group", d->group);
    if (d->complexity) reply_named_text(r, "complexity", d->complexity);
    reply_doc_flags(r, d);
    if (d->deprecated_since) reply_named_text(r, "deprecated_since", d->deprecated_since);
    if (d->replaced_by) reply_named_text(r, "replaced_by", d->replaced_by);
    if (d->argument_count) {
        reply_bulk_text(r, "arguments");
        reply_arguments(r, d->arguments, d->argument_count);
    }
    if (!row->subcommand_count) return;
    reply_bulk_text(r, "subcommands");
    reply_map(r, row->subcommand_count);
    for (uint32_t i = 0; i < row->subcommand_count; i++) reply_docs(r, &row->subcommands[i]);
}

static void command_docs_body(struct call *call)
{
    struct reply *r = call->reply;
    uint32_t count = 0;
    if (call->argc == 2) {
        const struct command_renames *renames = call->server->renames;
        reply_map(r, renames_visible_count(renames));
        for (uint32_t id = 0; id < command_top_count(); id++) {
            const struct command *row = command_by_id((uint16_t)id);
            if (!renames_hide(renames, row)) reply_docs(r, row);
        }
        return;
    }
    struct reply_later map = reply_later_begin(r);
    for (uint32_t i = 2; i < call->argc; i++) {
        const struct command *row = find_by_full_name(call->server, call->argv[i]);
        if (!row) continue;
        reply_docs(r, row);
        count++;
    }
    reply_later_map(r, map, count);
}

// ---- COMMAND LIST [FILTERBY MODULE|ACLCAT|PATTERN word]

enum filter_kind { FILTER_NONE, FILTER_MODULE, FILTER_CATEGORY, FILTER_PATTERN };
struct filter {
    enum filter_kind kind;
    uint64_t category; // 0: no such one
    struct bytes pattern;
};

static bool parse_filter(struct call *call, struct filter *f)
{
    *f = (struct filter){ 0 };
    if (call->argc == 2) return true;
    if (call->argc != 5 || !bytes_is_option(call->argv[2], "filterby")) return false;
    struct bytes kind = call->argv[3], word = call->argv[4];
    if (bytes_is_option(kind, "module"))
        f->kind = FILTER_MODULE;
    else if (bytes_is_option(kind, "aclcat"))
        f->kind = FILTER_CATEGORY;
    else if (bytes_is_option(kind, "pattern"))
        f->kind = FILTER_PATTERN;
    else
        return false;
    f->pattern = word;
    for (uint32_t i = 0; i < ACL_CATEGORY_COUNT; i++)
        if (bytes_is_option(word, acl_category_names[i])) f->category = 1ull << i;
    return true;
}

static bool filter_passes(const struct filter *f, const struct command *row)
{
    switch (f->kind) {
    case FILTER_NONE:
        return true;
    case FILTER_MODULE: // there are no modules
        return false;
    case FILTER_CATEGORY:
        return (row->acl_categories & f->category) != 0;
    case FILTER_PATTERN:
        return glob_match(f->pattern, bytes_text(row->full_name), true);
    }
    return false;
}

static void command_list(struct call *call)
{
    struct filter filter;
    uint32_t count = 0;
    if (!parse_filter(call, &filter)) {
        reply_error(call->reply, reply_text_syntax);
        return;
    }
    struct reply_later array = reply_later_begin(call->reply);
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *row = command_by_id((uint16_t)id);
        if (!filter_passes(&filter, row) || renames_hide(call->server->renames, row)) continue;
        reply_bulk_text(call->reply, row->full_name);
        count++;
    }
    reply_later_array(call->reply, array, count);
}

// ---- COMMAND GETKEYS and GETKEYSANDFLAGS

struct key_reply {
    struct reply *reply;
    const struct bytes *argv;
    bool with_flags;
    uint32_t count;
};

static void count_key(void *context, uint32_t index, uint32_t flags)
{
    struct key_reply *k = context;
    k->count++;
}

static void show_key(void *context, uint32_t index, uint32_t flags)
{
    struct key_reply *k = context;
    if (k->with_flags) reply_array(k->reply, 2);
    reply_bulk(k->reply, k->argv[index]);
    if (k->with_flags) reply_names(k->reply, flags, key_flag_names, KEY_FLAG_COUNT, "");
}

static const struct command *find_whole(const struct server *s, const struct bytes *argv,
                                        uint32_t argc)
{
    const struct command *row = server_find_command(s, argv[0]);
    if (!row || !row->subcommand_count || argc < 2) return row;
    return command_find_sub(row, argv[1]);
}

static const char *keys_error(const struct command *row, uint32_t argc)
{
    if (!row) return "ERR Invalid command specified";
    if (!command_has_keys(row)) return "ERR The command has no key arguments";
    if (row->arity >= 0 ? argc != (uint32_t)row->arity : argc < (uint32_t)-row->arity)
        return "ERR Invalid number of arguments specified for command";
    return NULL;
}

static void get_keys(struct call *call, bool with_flags)
{
    const struct bytes *argv = call->argv + 2;
    uint32_t argc = call->argc - 2;
    const struct command *row = find_whole(call->server, argv, argc);
    struct key_reply k = { call->reply, argv, with_flags, 0 };
    const char *error = keys_error(row, argc);
    if (error) {
        reply_error(call->reply, error);
        return;
    }
    bool fits = command_find_keys(row, argv, argc, count_key, &k);
    if (!fits || (k.count == 0 && !(row->flags & CMD_NO_MANDATORY_KEYS))) {
        reply_error(call->reply, "ERR Invalid arguments specified for command");
        return;
    }
    reply_array(call->reply, k.count);
    command_find_keys(row, argv, argc, show_key, &k);
}

static void command_getkeys(struct call *call) { get_keys(call, false); }

static void command_getkeysandflags(struct call *call) { get_keys(call, true); }

static void command_help(struct call *call)
{
    static const char *const lines[] = {
        "(no subcommand)",
        "    Return details about all commands.",
        "COUNT",
        "    Return the total number of commands in this server.",
        "LIST",
        "    Return a list of all commands in this server.",
        "INFO [<command-name> ...]",
        "    Return details about multiple commands.",
        "    If no command names are given, details for all commands are returned.",
        "DOCS [<command-name> ...]",
        "    Return documentation details about multiple commands.",
        "    If no command names are given, documentation details for all",
        "    commands are returned.",
        "GETKEYS <full-command>",
        "    Return the keys from a full command.",
        "GETKEYSANDFLAGS <full-command>",
        "    Return the keys and the access flags from a full command.",
        NULL,
    };
    call_reply_help(call, lines);
}
