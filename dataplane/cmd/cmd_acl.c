#include <stdio.h>
#include "dataplane/acl/acl_password.h"
#include "dataplane/cmd/acl_call.h"
#include "dataplane/cmd/acl_change.h"
#include "dataplane/cmd/acl_load.h"
#include "dataplane/cmd/acl_log.h"
#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/rename.h"

static command_body acl_cat, acl_deluser, acl_dryrun, acl_genpass, acl_getuser, acl_help, acl_list,
    acl_log, acl_setuser, acl_users, acl_whoami;

enum {
    ACL_ANY = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL,
    ACL_OPERATOR = ACL_ANY | CMD_ADMIN,
};

// clang-format off
const struct command cmd_acl_subs[] = {
    // id, container, name, body, arity, first, last, step, flags, categories
    SUBCOMMAND(ACL_CAT, "acl", "cat", acl_cat, -2, 0, 0, 0, ACL_ANY, 0),
    SUBCOMMAND(ACL_DELUSER, "acl", "deluser", acl_deluser, -3, 0, 0, 0, ACL_OPERATOR, 0),
    SUBCOMMAND(ACL_DRYRUN, "acl", "dryrun", acl_dryrun, -4, 0, 0, 0, ACL_OPERATOR, 0),
    SUBCOMMAND(ACL_GENPASS, "acl", "genpass", acl_genpass, -2, 0, 0, 0, ACL_ANY, 0),
    SUBCOMMAND(ACL_GETUSER, "acl", "getuser", acl_getuser, 3, 0, 0, 0, ACL_OPERATOR, 0),
    SUBCOMMAND(ACL_HELP, "acl", "help", acl_help, 2, 0, 0, 0, CMD_LOADING | CMD_STALE | CMD_SENTINEL, 0),
    SUBCOMMAND(ACL_LIST, "acl", "list", acl_list, 2, 0, 0, 0, ACL_OPERATOR, 0),
    SUBCOMMAND(ACL_LOAD, "acl", "load", acl_load, 2, 0, 0, 0, ACL_OPERATOR, 0),
    SUBCOMMAND(ACL_LOG, "acl", "log", acl_log, -2, 0, 0, 0, ACL_OPERATOR, 0),
    SUBCOMMAND(ACL_SAVE, "acl", "save", acl_save, 2, 0, 0, 0, ACL_OPERATOR, 0),
    SUBCOMMAND(ACL_SETUSER, "acl", "setuser", acl_setuser, -3, 0, 0, 0, ACL_OPERATOR, 0),
    SUBCOMMAND(ACL_USERS, "acl", "users", acl_users, 2, 0, 0, 0, ACL_OPERATOR, 0),
    SUBCOMMAND(ACL_WHOAMI, "acl", "whoami", acl_whoami, 2, 0, 0, 0, ACL_ANY, 0),
};
const struct command cmd_acl[] = {
    // id, name, body, arity, flags, categories, subcommands
    CONTAINER(ACL, "acl", NULL, -2, CMD_SENTINEL, 0, cmd_acl_subs),
};
// clang-format on

static struct acl_users *users_of(const struct call *call) { return &call->server->acl->users; }

static void refuse_arguments(struct call *call)
{
    reply_errorf(call->reply,
                 "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try ACL HELP.",
                 text_chars(call->argv[1]), (const char *)call->argv[1].data);
}

// ---- changing users

static void reply_fault(struct call *call, const struct acl_fault *f)
{
    if (f->result == ACL_UNMATCHED)
        reply_errorf(call->reply, "ERR Unmatched parenthesis in acl selector starting at '%.*s'.",
                     (int)f->size, f->rule);
    else
        reply_errorf(call->reply, "ERR Error in ACL SETUSER modifier '%.*s': %s", (int)f->size,
                     f->rule, acl_result_text(f->result));
}

// On a copy first: all rules count, or none.
static void acl_setuser(struct call *call)
{
    struct acl_users *users = users_of(call);
    struct bytes name = call->argv[2];
    struct acl_user trial, before, *u = acl_users_find(users, name);
    struct acl_fault fault;
    if (acl_text_has_spaces(name)) {
        reply_error(call->reply, "ERR Usernames can't contain spaces or null characters");
        return;
    }
    acl_user_init(&trial, &users->context, name);
    if (u) acl_user_copy(&trial, u);
    if (acl_user_apply(&trial, call->argv + 3, call->argc - 3, &fault) != ACL_DONE) {
        reply_fault(call, &fault);
        acl_user_close(&trial);
        return;
    }
    if (!u) u = acl_users_add(users, name);
    acl_user_init(&before, &users->context, name);
    acl_user_copy(&before, u);
    acl_user_copy(u, &trial);
    acl_user_changed(call->server, u, &before, call->client);
    acl_user_close(&before);
    acl_user_close(&trial);
    reply_ok(call->reply);
}

static void acl_deluser(struct call *call)
{
    int64_t count = 0;
    for (uint32_t i = 2; i < call->argc; i++) {
        if (!bytes_equal(call->argv[i], ACL_DEFAULT_NAME)) continue;
        reply_error(call->reply, "ERR The 'default' user cannot be removed");
        return;
    }
    for (uint32_t i = 2; i < call->argc; i++) {
        struct acl_user *u = acl_users_find(users_of(call), call->argv[i]);
        if (!u) continue;
        acl_remove_user(call->server, u, call->client);
        count++;
    }
    reply_int(call->reply, count);
}

// ---- showing users

typedef void put_part(const struct acl_selector *s, struct acl_out *out);

static void reply_part(struct call *call, const struct acl_selector *s, const char *name,
                       put_part *put)
{
    struct acl_out out = { 0 };
    put(s, &out);
    size_t size = out.size;
    char *text = heap_take(call->server->heap, size + 1, HEAP_OTHER);
    out = (struct acl_out){ .at = text, .capacity = size };
    put(s, &out);
    reply_bulk_text(call->reply, name);
    reply_bulk(call->reply, bytes_make(text, size));
    heap_give(call->server->heap, text, size + 1, HEAP_OTHER);
}

static void reply_selector(struct call *call, const struct acl_selector *s)
{
    reply_part(call, s, "commands", acl_selector_put_commands);
    reply_part(call, s, "keys", acl_selector_put_keys);
    reply_part(call, s, "channels", acl_selector_put_channels);
}

static void reply_flag(void *context, const char *flag) { reply_bulk_text(context, flag); }

static void reply_passwords(struct reply *r, const struct acl_user *u)
{
    char hash[ACL_HASH_CHARS];
    reply_array(r, u->passwords.count);
    for (uint32_t i = 0; i < u->passwords.count; i++) {
        acl_hash_write(u->passwords.items[i].text.data, hash);
        reply_bulk(r, bytes_make(hash, sizeof hash));
    }
}

static void acl_getuser(struct call *call)
{
    struct reply *r = call->reply;
    const struct acl_user *u = acl_users_find(users_of(call), call->argv[2]);
    if (!u) {
        reply_null(r);
        return;
    }
    reply_map(r, 6);
    reply_bulk_text(r, "flags");
    reply_set(r, acl_user_flags(u, NULL, NULL));
    acl_user_flags(u, reply_flag, r);
    reply_bulk_text(r, "passwords");
    reply_passwords(r, u);
    reply_selector(call, &u->first);
    reply_bulk_text(r, "selectors");
    reply_array(r, u->more_count);
    for (uint32_t i = 0; i < u->more_count; i++) {
        reply_map(r, 3);
        reply_selector(call, &u->more[i]);
    }
}

static void acl_list(struct call *call)
{
    struct text t;
    text_open(&t, call->server->heap);
    acl_add_lines(&t, call->server);
    struct bytes rest = text_bytes(&t);
    reply_array(call->reply, users_of(call)->count);
    while (rest.size) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        struct bytes line = bytes_make(rest.data, (size_t)(end - rest.data));
        reply_bulk(call->reply, line);
        bytes_skip(&rest, line.size + 1);
    }
    text_close(&t);
}

static void acl_users(struct call *call)
{
    const struct acl_users *users = users_of(call);
    reply_array(call->reply, users->count);
    for (uint32_t i = 0; i < users->count; i++) reply_bulk(call->reply, users->users[i]->name);
}

static void acl_whoami(struct call *call)
{
    reply_bulk(call->reply, acl_client_name(call->server, call->client));
}

// ---- the rest

static void reply_category(struct call *call, uint64_t category)
{
    struct reply_later array = reply_later_begin(call->reply);
    uint64_t count = 0;
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *row = command_by_id((uint16_t)id);
        if (!(row->acl_categories & category)) continue;
        reply_bulk_text(call->reply, row->full_name);
        count++;
    }
    reply_later_array(call->reply, array, count);
}

static void acl_cat(struct call *call)
{
    if (call->argc > 3) {
        refuse_arguments(call);
    } else if (call->argc == 3) {
        struct bytes name = call->argv[2];
        uint64_t category = acl_catalog_category(&call->server->acl->catalog, name);
        if (category)
            reply_category(call, category);
        else
            reply_errorf(call->reply, "ERR Unknown category '%.*s'", text_chars(name),
                         (const char *)name.data);
    } else {
        reply_array(call->reply, ACL_CATEGORY_COUNT);
        for (uint32_t i = 0; i < ACL_CATEGORY_COUNT; i++)
            reply_bulk_text(call->reply, acl_category_names[i]);
    }
}

static const struct command *find_whole(const struct call *call, const struct bytes *argv,
                                        uint32_t argc)
{
    const struct command *row = server_find_command(call->server, argv[0]);
    if (!row || !row->subcommand_count || argc < 2) return row;
    return command_find_sub(row, argv[1]);
}

static void acl_dryrun(struct call *call)
{
    const struct bytes *argv = call->argv + 3;
    uint32_t argc = call->argc - 3;
    struct bytes name = call->argv[2];
    const struct acl_user *u = acl_users_find(users_of(call), name);
    if (!u) {
        reply_errorf(call->reply, "ERR User '%.*s' not found", text_chars(name),
                     (const char *)name.data);
        return;
    }
    const struct command *row = find_whole(call, argv, argc);
    if (!row) {
        reply_errorf(call->reply, "ERR Command '%.*s' not found", text_chars(argv[0]),
                     (const char *)argv[0].data);
        return;
    }
    if (row->arity >= 0 ? argc != (uint32_t)row->arity : argc < (uint32_t)-row->arity) {
        reply_error_arity(call->reply, row->full_name);
        return;
    }
    struct acl_verdict verdict = acl_judge(u, row, argv, argc);
    char text[ACL_REFUSAL_MAX];
    if (verdict.denial == ACL_ALLOWED) {
        reply_ok(call->reply);
        return;
    }
    acl_refusal_text(text, u, row, argv, verdict, true);
    reply_bulk_text(call->reply, text);
}

enum { GENPASS_BITS = 256, GENPASS_BITS_MAX = 4096 };

static void acl_genpass(struct call *call)
{
    uint8_t random[GENPASS_BITS_MAX / 8];
    char text[GENPASS_BITS_MAX / 4];
    int64_t bits = GENPASS_BITS;
    if (call->argc > 3) {
        refuse_arguments(call);
        return;
    }
    if (call->argc == 3 && !call_int(call, 2, &bits, NULL)) return;
    if (bits < 1 || bits > GENPASS_BITS_MAX) {
        reply_error(call->reply, "ERR ACL GENPASS argument must be the number of bits for the "
                                 "output password, a positive number up to 4096");
        return;
    }
    size_t size = (size_t)(bits + 3) / 4;
    rng_entropy(random, (size + 1) / 2);
    for (size_t i = 0; i < size; i++)
        text[i] = "0123456789abcdef"[random[i / 2] >> (i % 2 ? 0 : 4) & 15];
    reply_bulk(call->reply, bytes_make(text, size));
    explicit_bzero(random, sizeof random);
    explicit_bzero(text, sizeof text);
}

static void acl_log(struct call *call)
{
    int64_t count = 10;
    if (call->argc > 3) {
        refuse_arguments(call);
        return;
    }
    if (call->argc == 3 && bytes_is_option(call->argv[2], "RESET")) {
        for (uint32_t i = 0; i < server_peer_count(call->server); i++)
            acl_log_clear(server_peer(call->server, i));
        reply_ok(call->reply);
        return;
    }
    if (call->argc == 3 && !call_int(call, 2, &count, NULL)) return;
    acl_log_reply(call, count < 0 ? 0 : (uint64_t)count);
}

static void acl_help(struct call *call)
{
    static const char *const lines[] = {
        "CAT [<category>]",
        "    List all commands that belong to <category>, or all command categories",
        "    when no category is specified.",
        "DELUSER <username> [<username> ...]",
        "    Delete a list of users.",
        "DRYRUN <username> <command> [<arg> ...]",
        "    Returns whether the user can execute the given command without executing the command.",
        "GETUSER <username>",
        "    Get the user's details.",
        "GENPASS [<bits>]",
        "    Generate a secure 256-bit user password. The optional `bits` argument can",
        "    be used to specify a different size.",
        "LIST",
        "    Show users details in config file format.",
        "LOAD",
        "    Reload users from the ACL file.",
        "LOG [<count> | RESET]",
        "    Show the ACL log entries.",
        "SAVE",
        "    Save the current config to the ACL file.",
        "SETUSER <username> <attribute> [<attribute> ...]",
        "    Create or modify a user with the specified attributes.",
        "USERS",
        "    List all the registered usernames.",
        "WHOAMI",
        "    Return the current connection username.",
        NULL,
    };
    call_reply_help(call, lines);
}
