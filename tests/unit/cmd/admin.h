// admin.h: what the tests of the administration commands add to the harness: what the shard does
// for commands, and the texts of a client, which the session frees in real life.
//
// Memory:  admin_close frees the client's texts before the harness counts bytes
#pragma once
#include "dataplane/cmd/cmd_client.h"
#include "tests/unit/cmd/harness.h"

struct admin {
    uint64_t killed[8]; // ids
    uint32_t killed_count, stop_count, stop_flags, apply_count, refresh_count, row_count;
    const char *refuse; // not NULL: apply_settings answers this
    const struct setting_row *first_row;
};

static inline void admin_kill(struct server *s, struct client *c)
{
    struct admin *a = s->shard;
    c->flags |= CLIENT_CLOSE_NOW;
    cr_assert(lt(u32, a->killed_count, 8));
    a->killed[a->killed_count++] = c->id;
}
static inline void admin_stop(struct server *s, uint32_t flags)
{
    struct admin *a = s->shard;
    a->stop_count++;
    a->stop_flags = flags;
}
static inline enum status admin_apply(struct server *s, const struct settings *next,
                                      const struct setting_row *const *rows, uint32_t row_count,
                                      char error[SETTING_ERROR_MAX])
{
    struct admin *a = s->shard;
    a->apply_count++;
    a->row_count = row_count;
    a->first_row = rows[0];
    if (a->refuse) {
        snprintf(error, SETTING_ERROR_MAX, "%s", a->refuse);
        return ERR_IO;
    }
    settings_close(s->settings);
    settings_copy(s->settings, next);
    server_settings_changed(s);
    return OK;
}
static inline void admin_refresh(struct server *s) { ((struct admin *)s->shard)->refresh_count++; }

static const struct server_ops admin_ops = { .kill_client = admin_kill,
                                             .stop = admin_stop,
                                             .apply_settings = admin_apply,
                                             .refresh_tally = admin_refresh,
                                             .resume_client = harness_note_client,
                                             .client_wrote = harness_note_client };

static inline struct harness *admin_open(struct admin *a)
{
    struct harness *h = harness_open();
    memset(a, 0, sizeof *a);
    h->server.shard = a;
    h->server.ops = &admin_ops;
    return h;
}
static inline void admin_close(struct harness *h)
{
    char **texts[] = { &h->client.name, &h->client.lib_name, &h->client.lib_version };
    for (uint32_t i = 0; i < 3; i++) client_set_text(&h->server, texts[i], bytes_make("", 0));
    harness_close(h);
}
