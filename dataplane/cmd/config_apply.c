#include "dataplane/cmd/config_apply.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include "dataplane/base/oom_score.h"
#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/persist.h"

void config_refuse(struct call *call, struct bytes name, const char *why)
{
    reply_errorf(call->reply, "ERR CONFIG SET failed (possibly related to argument '%.*s') - %s",
                 text_chars(name), (const char *)name.data, why);
}

static bool row_is(const struct setting_row *row, const char *name)
{
    return strcmp(row->name, name) == 0;
}

// The pair of the directive, as it was spelled; NULL: it is not in the change.
static const struct bytes *find_pair(const struct call *call, const struct config_change *change,
                                     const char *name)
{
    for (uint32_t i = 0; i < change->count; i++)
        if (row_is(change->rows[i], name)) return &call->argv[2 + 2 * i];
    return NULL;
}

// ---- the working directory: relative paths of files count from there at once

static bool change_directory(struct call *call, const struct config_change *change,
                             struct settings *next)
{
    char path[PATH_MAX], error[SETTING_ERROR_MAX];
    const struct bytes *pair = find_pair(call, change, "dir");
    if (!pair) return true;
    if (chdir(next->dir) != 0 || !getcwd(path, sizeof path)) {
        config_refuse(call, *pair, strerror(errno));
        return false;
    }
    return setting_assign_text(next, setting_find(BYTES_LITERAL("dir")), bytes_text(path), error) ==
           OK;
}

static void restore_directory(struct call *call, const struct config_change *change)
{
    const char *dir = call->server->settings->dir;
    if (find_pair(call, change, "dir") && chdir(dir) != 0)
        call_log(call, LOG_WARNING, "Can't chdir to '%s': %s", dir, strerror(errno));
}

// ---- the kernel's score of our two processes

static bool write_oom_scores(struct call *call, const struct settings *s)
{
    const struct region *region = call->server->region;
    if (!region) return true;
    int64_t score = settings_oom_score(s, region->control->oom_score_base);
    bool ok = oom_score_write((uint32_t)getpid(), score);
    if (ok && region->control->pid) ok = oom_score_write(region->control->pid, score);
    if (!ok) call_log(call, LOG_WARNING, "Unable to write oom_score_adj: %s", strerror(errno));
    return ok || errno == ENOENT; // control is away: its successor writes its own
}

static bool change_oom_score(struct call *call, const struct config_change *change,
                             const struct settings *next)
{
    const struct bytes *pair = find_pair(call, change, "oom-score-adj");
    if (!pair) pair = find_pair(call, change, "oom-score-adj-values");
    if (!pair || write_oom_scores(call, next)) return true;
    config_refuse(call, *pair,
                  "Failed to apply new oom_score_adj configuration, check server logs.");
    return false;
}

static void restore_oom_score(struct call *call, const struct config_change *change)
{
    if (find_pair(call, change, "oom-score-adj") || find_pair(call, change, "oom-score-adj-values"))
        (void)write_oom_scores(call, call->server->settings);
}

// ---- the log

static bool log_is_to_begin(const struct server *s)
{
    const struct aof *a = &s->persist->aof;
    return s->ops->log_on && aof_state(a) == AOF_OFF && !persist_is_loading(s->persist);
}

static void ask_log(struct server *s, bool is_on)
{
    __atomic_store_n(&s->persist->aof.is_asked_on, is_on, __ATOMIC_RELEASE);
}

// All shards get here: the first of them has the log opened. Turned off, and on while something is
// loaded, it is by the first shard's cron.
static bool change_log(struct call *call, const struct config_change *change,
                       const struct settings *next)
{
    struct server *s = call->server;
    const struct bytes *pair = s->persist ? find_pair(call, change, "appendonly") : NULL;
    if (!pair) return true;
    bool is_asked_on = __atomic_load_n(&s->persist->aof.is_asked_on, __ATOMIC_ACQUIRE) != 0;
    if (next->appendonly && !is_asked_on && log_is_to_begin(s) &&
        !s->ops->log_on(server_peer(s, 0))) {
        config_refuse(call, *pair, "Unable to turn on AOF. Check server logs.");
        return false;
    }
    ask_log(s, next->appendonly);
    return true;
}

static void restore_log(struct call *call, const struct config_change *change)
{
    struct server *s = call->server;
    if (s->persist && find_pair(call, change, "appendonly")) ask_log(s, s->settings->appendonly);
}

// ---- all of these

static bool change_process(struct call *call, const struct config_change *change,
                           struct settings *next)
{
    return change_directory(call, change, next) && change_oom_score(call, change, next) &&
           change_log(call, change, next);
}

static void restore_process(struct call *call, const struct config_change *change)
{
    restore_directory(call, change);
    restore_oom_score(call, change);
    restore_log(call, change);
}

// ---- the shard

// The parameter to name when the whole did not take effect: the first that can fail by itself.
static struct bytes suspect(const struct call *call, const struct config_change *change)
{
    for (uint32_t i = 0; i < change->count; i++) {
        const struct setting_row *row = change->rows[i];
        if (row_is(row, "maxclients") || row_is(row, "port") || row_is(row, "bind") ||
            strncmp(row->name, "tls-", 4) == 0)
            return call->argv[2 + 2 * i];
    }
    return call->argv[2];
}

// What the kernel said is for the log; Redis's clients know two texts.
static void refuse_listening(struct call *call, struct bytes name, const char *why)
{
    bool is_listening = strncmp(why, "Failed listening", strlen("Failed listening")) == 0;
    if (is_listening) call_log(call, LOG_WARNING, "%s", why);
    if (is_listening && bytes_is_option(name, "bind"))
        why = "Failed to bind to specified addresses.";
    else if (is_listening)
        why = "Unable to listen on this port. Check server logs.";
    config_refuse(call, name, why);
}

void config_apply(struct call *call, const struct config_change *change, struct settings *next)
{
    char error[SETTING_ERROR_MAX] = "";
    struct server *s = call->server;
    if (!change_process(call, change, next)) {
        restore_process(call, change);
        return;
    }
    if (s->ops->apply_settings(s, next, change->rows, change->count, error) == OK) {
        reply_ok(call->reply);
        return;
    }
    restore_process(call, change);
    refuse_listening(call, suspect(call, change), error);
}
