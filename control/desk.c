#include "control/desk.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/file.h"
#include "dataplane/conf/conf_file.h"
#include "dataplane/conf/conf_rewrite.h"

enum { CONFIG_BYTES_MAX = 16 << 20 };

struct answer {
    enum errand_outcome outcome;
    char *text; // owned; NULL: none
    size_t size;
};

static void fail(struct answer *a, const char *text)
{
    a->outcome = ERRAND_FAILED;
    free(a->text);
    a->text = strdup(text);
    a->size = a->text ? strlen(text) : 0;
}

// ---- CONFIG REWRITE

// Settings as text; behind a NUL the lines of users, when the dataplane has them.
static bool read_payload(struct bytes payload, struct settings *s, struct conf_rewrite *rewrite)
{
    struct conf_error error = { .line = 0 };
    const uint8_t *nul = payload.size ? memchr(payload.data, 0, payload.size) : NULL;
    size_t size = nul ? (size_t)(nul - payload.data) : payload.size;
    if (conf_read_text(s, bytes_make(payload.data, size), "dataplane", &error) != OK) return false;
    rewrite->settings = s;
    rewrite->has_users = nul != NULL;
    if (nul) bytes_skip(&payload, size + 1);
    rewrite->users = nul ? payload : bytes_make(NULL, 0);
    return true;
}

static void write_config(struct desk *d, const struct conf_rewrite *rewrite, struct answer *a)
{
    size_t size;
    char *text = conf_rewrite(rewrite, &size);
    if (file_replace(d->config_file, bytes_make(text, size), 0644) != OK) fail(a, strerror(errno));
    free(text);
}

static void rewrite_config(struct desk *d, struct bytes payload, bool all, struct answer *a)
{
    struct settings s;
    struct conf_rewrite rewrite = { .writes_all = all };
    char directory[PATH_MAX], *old = NULL;
    size_t size = 0;
    settings_init(&s);
    if (getcwd(directory, sizeof directory)) rewrite.directory = directory;
    if (d->config_file[0] == '\0' || strcmp(d->config_file, "-") == 0)
        fail(a, "the server is running without a config file");
    else if (!read_payload(payload, &s, &rewrite))
        fail(a, "the settings cannot be read");
    else if (file_read(d->config_file, CONFIG_BYTES_MAX, &old, &size) != OK && errno != ENOENT)
        fail(a, strerror(errno));
    else {
        s.shards = d->shards_asked;
        rewrite.old = bytes_make(old, size);
        write_config(d, &rewrite, a);
    }
    if (a->outcome == ERRAND_DONE)
        log_write(d->log, LEVEL_WARNING, "CONFIG REWRITE executed with success.");
    else
        log_write(d->log, LEVEL_WARNING, "CONFIG REWRITE failed: %s", a->text ? a->text : "");
    free(old);
    settings_close(&s);
}

// ---- users

static void load_users(struct desk *d, struct answer *a)
{
    if (d->acl_file[0] == '\0')
        fail(a, "no aclfile is configured");
    else if (file_read(d->acl_file, ERRAND_TEXT_BYTES, &a->text, &a->size) != OK)
        fail(a, strerror(errno));
}

static void save_users(struct desk *d, struct bytes text, struct answer *a)
{
    if (d->acl_file[0] == '\0')
        fail(a, "no aclfile is configured");
    else if (file_replace(d->acl_file, text, 0600) != OK)
        fail(a, strerror(errno));
    if (a->outcome != ERRAND_DONE)
        log_write(d->log, LEVEL_WARNING, "Writing the ACL file %s: %s", d->acl_file,
                  a->text ? a->text : "");
}

// ------------------------------------------------------------------------------------------------

static void run(struct desk *d, enum errand_kind kind, struct bytes payload, struct answer *a)
{
    switch (kind) {
    case ERRAND_CONFIG_REWRITE:
    case ERRAND_CONFIG_WRITE_ALL:
        rewrite_config(d, payload, kind == ERRAND_CONFIG_WRITE_ALL, a);
        break;
    case ERRAND_ACL_LOAD:
        load_users(d, a);
        break;
    case ERRAND_ACL_SAVE:
        save_users(d, payload, a);
        break;
    default:
        fail(a, "the control process does not know this request");
    }
}

bool desk_poll(struct desk *d)
{
    enum errand_kind kind;
    struct bytes payload;
    struct answer a = { .outcome = ERRAND_DONE };
    struct errand_slot *slot = d->region->errand;
    uint64_t number = errand_slot_take(slot, d->restarted, &kind, &payload);
    d->restarted = false;
    if (number == 0) return false;
    run(d, kind, payload, &a);
    errand_slot_finish(slot, number, a.outcome, bytes_make(a.text, a.size));
    free(a.text);
    struct lane_msg done = { .kind = LANE_ERRAND_DONE, .a = number };
    // A full lane is no loss: the shard looks at the slot several times a second.
    if (lane_send(&region_shard(d->region, 0)->orders, &done) == OK) bell_ring(d->bell);
    return true;
}
