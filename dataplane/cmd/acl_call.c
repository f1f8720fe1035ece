#include "dataplane/cmd/acl_call.h"
#include <stdio.h>
#include "dataplane/base/check.h"
#include "dataplane/cmd/acl_log.h"
#include "dataplane/cmd/cmd_docs.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/cmd/pubsub.h"

_Static_assert((int)ACL_COMMANDS_MAX >= (int)COMMAND_TALLY_MAX, "a command without a bit");

// ---- who

struct acl_user *acl_client_user(const struct server *s, const struct client *c)
{
    return c->user ? c->user : s->acl->users.default_user;
}

struct bytes acl_client_name(const struct server *s, const struct client *c)
{
    return acl_client_user(s, c)->name;
}

void acl_set_user(struct client *c, struct acl_user *u)
{
    c->user = u;
    c->is_restricted = !u->is_unrestricted;
}

bool acl_requires_login(const struct server *s)
{
    const struct acl_user *u = s->acl->users.default_user;
    return !u->needs_no_password || !u->is_on;
}

void acl_greet(struct server *s, struct client *c)
{
    acl_set_user(c, s->acl->users.default_user);
    c->authenticated = !acl_requires_login(s);
}

bool acl_login(struct call *call, struct bytes name, struct bytes password)
{
    struct acl_user *u = acl_users_find(&call->server->acl->users, name);
    if (acl_user_lets_in(u, password)) {
        acl_set_user(call->client, u);
        call->client->authenticated = true;
        return true;
    }
    bool in_multi = call->client->flags & CLIENT_IN_MULTI;
    acl_log_add(call->server, call->client, ACL_DENIED_AUTH, in_multi ? ACL_IN_MULTI : ACL_AT_TOP,
                call->argv[0], name);
    reply_error(call->reply, reply_text_wrong_pass);
    return false;
}

void acl_add_stand_in(struct server *s, struct client *stand_in, const struct client *c)
{
    acl_set_user(stand_in, acl_client_user(s, c));
    list_append(&s->acl->stand_ins, &stand_in->all);
}

void acl_forget_stand_in(struct server *s, struct client *stand_in)
{
    list_remove(&s->acl->stand_ins, &stand_in->all);
}

// ---- keys

struct key_check {
    const struct acl_selector *selector;
    const struct bytes *argv;
    uint32_t denied; // index of the first; 0: none
};

static uint32_t access_of(uint32_t key_flags)
{
    uint32_t access = 0;
    if (key_flags & KEY_ACCESS) access |= ACL_MAY_READ;
    if (key_flags & (KEY_INSERT | KEY_DELETE | KEY_UPDATE)) access |= ACL_MAY_WRITE;
    return access;
}

static void check_key(void *context, uint32_t index, uint32_t flags)
{
    struct key_check *check = context;
    if (check->denied) return;
    if (!acl_selector_allows_key(check->selector, check->argv[index], access_of(flags)))
        check->denied = index;
}

// ---- channels

// The arguments that are channels which somebody speaks or listens to.
static void channel_range(const struct command *row, uint32_t argc, uint32_t *first, uint32_t *last,
                          bool *is_pattern)
{
    *first = 1;
    *last = 0;
    *is_pattern = row->id == CMD_ID_PSUBSCRIBE;
    switch (row->id) {
    case CMD_ID_PUBLISH:
    case CMD_ID_SPUBLISH:
        *last = 1;
        break;
    case CMD_ID_SUBSCRIBE:
    case CMD_ID_SSUBSCRIBE:
    case CMD_ID_PSUBSCRIBE:
        *last = argc - 1;
        break;
    default:
        break;
    }
}

// Index of the first that is denied; 0: none.
static uint32_t find_denied_channel(const struct acl_selector *selector, const struct command *row,
                                    const struct bytes *argv, uint32_t argc)
{
    uint32_t first, last;
    bool is_pattern;
    channel_range(row, argc, &first, &last, &is_pattern);
    for (uint32_t i = first; i <= last && i < argc; i++)
        if (!acl_selector_allows_channel(selector, argv[i], is_pattern)) return i;
    return 0;
}

// ---- the verdict

static struct acl_verdict judge_selector(const struct acl_selector *selector,
                                         const struct command *row, const struct bytes *argv,
                                         uint32_t argc)
{
    bool is_always = row->flags & CMD_NO_AUTH;
    struct bytes argument = argc > 1 ? argv[1] : bytes_make(NULL, 0);
    if (!is_always && !acl_selector_allows_command(selector, row->id, argument))
        return (struct acl_verdict){ ACL_DENIED_COMMAND, 0 };
    if (!selector->all_keys && command_docs[row->id].key_spec_count) {
        struct key_check check = { selector, argv, 0 };
        // What does not fit the specs is not executed: the body says what is wrong with it.
        (void)command_find_keys(row, argv, argc, check_key, &check);
        if (check.denied) return (struct acl_verdict){ ACL_DENIED_KEY, check.denied };
    }
    if (!selector->all_channels && (row->flags & CMD_PUBSUB)) {
        uint32_t denied = find_denied_channel(selector, row, argv, argc);
        if (denied) return (struct acl_verdict){ ACL_DENIED_CHANNEL, denied };
    }
    return (struct acl_verdict){ ACL_ALLOWED, 0 };
}

// Of several reasons the one that came furthest is told.
struct acl_verdict acl_judge(const struct acl_user *u, const struct command *row,
                             const struct bytes *argv, uint32_t argc)
{
    struct acl_verdict told = { ACL_DENIED_COMMAND, 0 };
    for (uint32_t i = 0; i < acl_user_selector_count(u); i++) {
        struct acl_verdict v = judge_selector(acl_user_selector(u, i), row, argv, argc);
        if (v.denial == ACL_ALLOWED) return v;
        if (v.denial > told.denial || (v.denial == told.denial && v.index > told.index)) told = v;
    }
    return told;
}

bool acl_may_read_all_keys(const struct call *call)
{
    if (LIKELY(!call->client->is_restricted)) return true;
    const struct acl_user *u = acl_client_user(call->server, call->client);
    for (uint32_t i = 0; i < acl_user_selector_count(u); i++) {
        const struct acl_selector *s = acl_user_selector(u, i);
        if (acl_selector_allows_all_keys(s, ACL_MAY_READ) &&
            judge_selector(s, call->command, call->argv, call->argc).denial == ACL_ALLOWED)
            return true;
    }
    return false;
}

// ---- what is said about it

static int shown(struct bytes text) { return (int)(text.size < 384 ? text.size : 384); }

void acl_refusal_text(char text[ACL_REFUSAL_MAX], const struct acl_user *u,
                      const struct command *row, const struct bytes *argv,
                      struct acl_verdict verdict, bool is_verbose)
{
    struct bytes object = argv[verdict.index];
    const char *kind = verdict.denial == ACL_DENIED_KEY ? "key" : "channel";
    if (verdict.denial == ACL_DENIED_COMMAND)
        snprintf(text, ACL_REFUSAL_MAX, "User %.*s has no permissions to run the '%s' command",
                 shown(u->name), (const char *)u->name.data, row->full_name);
    else if (is_verbose)
        snprintf(text, ACL_REFUSAL_MAX, "User %.*s has no permissions to access the '%.*s' %s",
                 shown(u->name), (const char *)u->name.data, shown(object),
                 (const char *)object.data, kind);
    else
        snprintf(text, ACL_REFUSAL_MAX, "No permissions to access a %s", kind);
}

static void log_denial(const struct call *call, const struct client *c, const struct acl_user *u,
                       struct acl_verdict verdict, enum acl_place place)
{
    struct bytes object = verdict.denial == ACL_DENIED_COMMAND
                              ? bytes_text(call->command->full_name)
                              : call->argv[verdict.index];
    acl_log_add(call->server, c, verdict.denial, place, object, u->name);
}

static bool judge_call(struct call *call, const struct acl_user *u, const struct client *logged,
                       enum acl_place place, struct acl_verdict *verdict)
{
    *verdict = acl_judge(u, call->command, call->argv, call->argc);
    if (verdict->denial == ACL_ALLOWED) return true;
    log_denial(call, logged, u, *verdict, place);
    return false;
}

bool acl_allows(struct call *call, enum acl_place place, char text[ACL_REFUSAL_MAX])
{
    const struct acl_user *u = acl_client_user(call->server, call->client);
    struct acl_verdict verdict;
    if (judge_call(call, u, call->client, place, &verdict)) return true;
    acl_refusal_text(text, u, call->command, call->argv, verdict, false);
    return false;
}

bool acl_allows_queued(struct call *call)
{
    const struct acl_user *u = acl_client_user(call->server, call->client);
    struct acl_verdict verdict;
    if (judge_call(call, u, call->client, ACL_IN_MULTI, &verdict)) return true;
    const char *why = "no permission to execute the command or subcommand";
    if (verdict.denial == ACL_DENIED_KEY) why = "no permission to touch the specified keys";
    if (verdict.denial == ACL_DENIED_CHANNEL)
        why = "no permission to access one of the channels used as arguments to the command";
    reply_errorf(call->reply,
                 "NOPERM ACLs rules changed between the moment the transaction was accumulated and "
                 "the EXEC call. This command is no longer allowed for the following reason: %s",
                 why);
    return false;
}

bool acl_allows_script(struct call *call, const struct client *caller, char text[ACL_REFUSAL_MAX])
{
    struct acl_user *u = acl_client_user(call->server, caller);
    struct acl_verdict verdict;
    acl_set_user(call->client, u);
    if (LIKELY(u->is_unrestricted)) return true;
    if (judge_call(call, u, caller, ACL_IN_SCRIPT, &verdict)) return true;
    acl_refusal_text(text, u, call->command, call->argv, verdict, false);
    return false;
}
