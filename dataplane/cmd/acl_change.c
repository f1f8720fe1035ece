#include "dataplane/cmd/acl_change.h"
#include "dataplane/acl/acl_password.h"
#include "dataplane/base/check.h"
#include "dataplane/cmd/acl_call.h"
#include "dataplane/cmd/acl_log.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/cmd/pubsub.h"

// ---- opening and closing

static void make_catalog(struct acl *acl)
{
    CHECK(command_count() <= ACL_COMMANDS_MAX);
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *row = command_by_id((uint16_t)id);
        acl->commands[id].full_name = row->full_name;
        acl->commands[id].categories = row->acl_categories;
        acl->commands[id].parent = ACL_NO_PARENT;
    }
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *row = command_by_id((uint16_t)id);
        acl->commands[id].is_container = row->subcommand_count != 0;
        for (uint32_t i = 0; i < row->subcommand_count; i++)
            acl->commands[row->subcommands[i].id].parent = (uint16_t)id;
    }
    acl->catalog = (struct acl_catalog){ .command_count = command_count(),
                                         .category_count = ACL_CATEGORY_COUNT,
                                         .commands = acl->commands,
                                         .category_names = acl_category_names };
}

static bool new_have_channels(const struct server *s)
{
    return s->settings->acl_pubsub_default == CHANNELS_ALL;
}

static void require_password(struct server *s)
{
    struct acl *acl = s->acl;
    struct bytes password = bytes_text(s->settings->requirepass);
    acl_users_require(&acl->users, password);
    (void)acl_password_digest(password, acl->required);
}

void acl_open(struct server *s)
{
    struct acl *acl = s->acl = heap_take_zeroed(s->heap, sizeof *s->acl, HEAP_OTHER);
    list_init(&acl->log);
    list_init(&acl->stand_ins);
    make_catalog(acl);
    acl_users_open(&acl->users, s->heap, &acl->catalog, new_have_channels(s));
    acl_user_init(&acl->nobody, &acl->users.context, BYTES_LITERAL("(deleted)"));
    acl_selector_reset(&acl->nobody.first, s->heap, false);
    require_password(s);
}

void acl_close(struct server *s)
{
    acl_log_clear(s);
    acl_user_close(&s->acl->nobody);
    acl_users_close(&s->acl->users);
    heap_give(s->heap, s->acl, sizeof *s->acl, HEAP_OTHER);
    s->acl = NULL;
}

// ---- clients follow their users

struct change {
    struct acl_user *user; // that changed or goes
    const struct acl_user *before;
    const struct acl_users *old; // of all
    struct client *caller;
};

static void close_client(struct server *s, struct client *c, const struct change *change)
{
    if (c == change->caller)
        c->flags |= CLIENT_CLOSE_AFTER_REPLY;
    else if (!(c->flags & CLIENT_CLOSE_NOW))
        s->ops->kill_client(s, c);
}

static bool allows_channel(const struct acl_user *u, struct bytes name, bool is_pattern)
{
    for (uint32_t i = 0; i < acl_user_selector_count(u); i++)
        if (acl_selector_allows_channel(acl_user_selector(u, i), name, is_pattern)) return true;
    return false;
}

struct loss {
    const struct acl_user *before, *now;
    bool lost;
};

static bool look_for_loss(void *context, struct bytes name, enum pubsub_kind kind)
{
    struct loss *loss = context;
    bool is_pattern = kind == PUBSUB_PATTERN;
    loss->lost = allows_channel(loss->before, name, is_pattern) &&
                 !allows_channel(loss->now, name, is_pattern);
    return !loss->lost;
}

// It listens to what its user was granted, and is granted no more.
static bool lost_a_channel(const struct client *c, const struct acl_user *before,
                           const struct acl_user *now)
{
    struct loss loss = { before, now, false };
    if (c->subscriber) pubsub_each(c, look_for_loss, &loss);
    return loss.lost;
}

// Stand-ins have no connection that could be closed.
typedef void look_at(struct server *s, struct client *c, bool is_stand_in,
                     const struct change *change);

static void each_in(struct server *s, const struct list *clients, bool is_stand_in, look_at *look,
                    const struct change *change)
{
    for (struct list_node *n = list_first(clients), *next; n; n = next) {
        next = list_next(clients, n);
        look(s, LIST_OWNER(n, struct client, all), is_stand_in, change);
    }
}

static void each_client(struct server *s, look_at *look, const struct change *change)
{
    each_in(s, &s->clients.all, false, look, change);
    each_in(s, &s->acl->stand_ins, true, look, change);
}

static void follow_change(struct server *s, struct client *c, bool is_stand_in,
                          const struct change *change)
{
    if (acl_client_user(s, c) != change->user) return;
    acl_set_user(c, change->user);
    if (!is_stand_in && change->before && lost_a_channel(c, change->before, change->user))
        close_client(s, c, change);
}

void acl_user_changed(struct server *s, struct acl_user *u, const struct acl_user *before,
                      struct client *caller)
{
    struct change change = { .user = u, .before = before, .caller = caller };
    each_client(s, follow_change, &change);
}

// What still runs in its name, a long script, may do nothing from now on.
static void expel(struct server *s, struct client *c, bool is_stand_in, const struct change *change)
{
    acl_set_user(c, &s->acl->nobody);
    c->authenticated = false;
    if (!is_stand_in) close_client(s, c, change);
}

static void follow_removal(struct server *s, struct client *c, bool is_stand_in,
                           const struct change *change)
{
    if (acl_client_user(s, c) == change->user) expel(s, c, is_stand_in, change);
}

void acl_remove_user(struct server *s, struct acl_user *u, struct client *caller)
{
    struct change change = { .user = u, .caller = caller };
    each_client(s, follow_removal, &change);
    acl_users_remove(&s->acl->users, u);
}

static void follow_name(struct server *s, struct client *c, bool is_stand_in,
                        const struct change *change)
{
    const struct acl_user *before = c->user ? c->user : change->old->default_user;
    if (before == &s->acl->nobody) return;
    struct acl_user *now = acl_users_find(&s->acl->users, before->name);
    if (!now) {
        expel(s, c, is_stand_in, change);
        return;
    }
    acl_set_user(c, now);
    if (!is_stand_in && lost_a_channel(c, before, now)) close_client(s, c, change);
}

void acl_replace_users(struct server *s, struct acl_users *by, struct client *caller)
{
    struct change change = { .old = by, .caller = caller };
    acl_users_swap(&s->acl->users, by);
    each_client(s, follow_name, &change);
    acl_users_close(by);
}

// ---- settings

void acl_settings_changed(struct server *s)
{
    struct acl *acl = s->acl;
    uint8_t digest[ACL_DIGEST_BYTES];
    acl->users.context.new_have_channels = new_have_channels(s);
    (void)acl_password_digest(bytes_text(s->settings->requirepass), digest);
    if (memcmp(digest, acl->required, sizeof digest) == 0) return;
    require_password(s);
    acl_user_changed(s, acl->users.default_user, NULL, NULL);
}
