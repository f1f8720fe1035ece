#include <stdio.h>
#include <sys/resource.h>
#include "dataplane/base/num.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/pause.h"
#include "dataplane/shard/far.h"
#include "dataplane/shard/far_again.h"
#include "dataplane/shard/far_wait.h"
#include "dataplane/shard/keeper.h"
#include "dataplane/shard/meeting.h"
#include "dataplane/shard/post.h"
#include "dataplane/shard/router.h"
#include "dataplane/shard/scatter.h"
#include "dataplane/shard/shard_tls.h"
#include "dataplane/shard/spread.h"

static void op_kill_client(struct server *server, struct client *c)
{
    struct shard *s = server->shard;
    c->flags |= CLIENT_CLOSE_NOW;
    if (c->flags & CLIENT_PROXY) return;
    block_forget_client(server, c); // nothing is taken from a key for one who will not get it
    pause_forget_client(server, c);
    session_mark_dirty(s, session_of(c));
}

static void op_resume_client(struct server *server, struct client *c)
{
    if (c->flags & CLIENT_PROXY)
        far_resume(server->shard, c);
    else
        resume_later(server->shard, session_of(c));
}

// A stand-in for a client that has gone has no session: its reply goes nowhere.
static void op_client_wrote(struct server *server, struct client *c)
{
    if (!c->stream || (c->flags & CLIENT_PROXY)) return;
    session_enforce_output_limit(server->shard, session_of(c));
    session_mark_dirty(server->shard, session_of(c));
}

void shard_apply_thresholds(struct shard *s)
{
    const struct settings *f = s->settings;
    s->server.thresholds = (struct thresholds){
        .hash_entries = f->hash_max_listpack_entries,
        .hash_value_bytes = f->hash_max_listpack_value,
        .list_size = f->list_max_listpack_size,
        .set_intset_entries = f->set_max_intset_entries,
        .set_entries = f->set_max_listpack_entries,
        .set_value_bytes = f->set_max_listpack_value,
        .zset_entries = f->zset_max_listpack_entries,
        .zset_value_bytes = f->zset_max_listpack_value,
        .stream_node_bytes = f->stream_node_max_bytes,
        .stream_node_entries = f->stream_node_max_entries,
    };
}

static void op_stop(struct server *server, uint32_t flags)
{
    struct shard *s = server->shard;
    struct lane_msg m = { .kind = LANE_STOPPING, .a = flags };
    if (lane_send(&server->region_shard->events, &m) == OK) bell_ring(s->bell);
    shard_stop(s, flags);
}

static void op_refresh_tally(struct server *server) { shard_refresh_tally(server->shard); }

// ---- listeners

// A leading '-' means that the address may be absent on this machine. "*" and "::*" are every
// address of a family.
static enum status listen_address(struct shard *s, enum stream_listener kind, const char *address,
                                  char *error, uint32_t error_bytes)
{
    const struct settings *settings = s->settings;
    int64_t port = kind == STREAM_TLS ? settings->tls_port : settings->port;
    bool optional = address[0] == '-';
    if (optional) address++;
    const char *ip = strcmp(address, "*") == 0     ? "0.0.0.0"
                     : strcmp(address, "::*") == 0 ? "::"
                                                   : address;
    enum status status = sock_listen_tcp_as(s->sock, kind, ip, (uint16_t)port,
                                            (int)settings->tcp_backlog, error, error_bytes);
    if (status == OK) return OK;
    shard_log(s, optional ? LOG_VERBOSE : LOG_WARNING,
              "Warning: Could not create server TCP listening socket %s:%ld: %s", address,
              (long)port, error);
    // Only an address that does not exist here is forgiven; one that is taken is not.
    if (optional && !strstr(error, "in use")) return OK;
    return status;
}

static enum status listen_tcp(struct shard *s, enum stream_listener kind, int64_t port, char *error,
                              uint32_t error_bytes)
{
    const struct setting_words *bind = &s->settings->bind;
    char cause[256];
    for (uint32_t i = 0; port && i < bind->count; i++) {
        if (listen_address(s, kind, bind->words[i], cause, sizeof cause) == OK) continue;
        snprintf(error, error_bytes, "Failed listening on port %ld (%s), aborting. %s", (long)port,
                 kind == STREAM_TLS ? "tls" : "tcp", cause);
        return ERR_IO;
    }
    return OK;
}

static enum status listen_sockets(struct shard *s, char *error, uint32_t error_bytes)
{
    const struct settings *settings = s->settings;
    char cause[256];
    if (settings->unixsocket[0] &&
        sock_listen_unix(s->sock, settings->unixsocket, (uint32_t)settings->unixsocketperm,
                         (int)settings->tcp_backlog, cause, sizeof cause) != OK) {
        snprintf(error, error_bytes, "Failed opening Unix socket: %s", cause);
        return ERR_IO;
    }
    if (s->net) return OK;
    if (listen_tcp(s, STREAM_PLAIN, settings->port, error, error_bytes) != OK) return ERR_IO;
    return listen_tcp(s, STREAM_TLS, settings->tls_port, error, error_bytes);
}

static enum status listen_nic(struct shard *s, enum stream_listener kind, int64_t port, char *error,
                              uint32_t error_bytes)
{
    if (!s->net || port == 0) return OK;
    if (net_listen_as(s->net, kind, (uint16_t)port) == OK) return OK;
    snprintf(error, error_bytes, "Failed listening on port %ld (nic), aborting.", (long)port);
    return ERR_IO;
}

enum status shard_listen(struct shard *s, char *error, uint32_t error_bytes)
{
    const struct settings *f = s->settings;
    s->server.tcp_port = f->port;
    s->server.tls_port = f->tls_port;
    // Of sockets the first one hands connections over (spread.h); each stack has its own.
    if ((s->server.shard_index == 0 && listen_sockets(s, error, error_bytes) != OK) ||
        listen_nic(s, STREAM_PLAIN, f->port, error, error_bytes) != OK ||
        listen_nic(s, STREAM_TLS, f->tls_port, error, error_bytes) != OK)
        return ERR_IO;
    return OK;
}

void shard_stop_listening(struct shard *s)
{
    sock_stop_listening(s->sock);
    if (!s->net) return;
    net_unlisten(s->net, (uint16_t)s->server.tcp_port);
    net_unlisten(s->net, (uint16_t)s->server.tls_port);
}

// ---- CONFIG SET

static bool row_is(const struct setting_row *row, const char *name)
{
    return strcmp(row->name, name) == 0;
}

static bool row_moves_listeners(const struct setting_row *row)
{
    static const char *const names[] = { "port",       "tls-port",       "bind",
                                         "unixsocket", "unixsocketperm", "tcp-backlog" };
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
        if (row_is(row, names[i])) return true;
    return false;
}

// Listens anew with the settings already in place; on failure the caller puts the old ones back and
// calls again.
static enum status listen_anew(struct shard *s, char error[SETTING_ERROR_MAX])
{
    shard_stop_listening(s);
    return shard_listen(s, error, SETTING_ERROR_MAX);
}

// A place and a descriptor for each client; the limit of descriptors is raised where that is
// allowed. Redis's error text.
static bool clients_fit(const struct shard *s, const struct settings *next,
                        char error[SETTING_ERROR_MAX])
{
    int64_t beyond = next->admin_reserved_clients + SHARD_DESCRIPTORS_BEYOND_CLIENTS;
    int64_t most = s->maxclients_max;
    rlim_t want = (rlim_t)(next->maxclients + beyond);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < want) {
        struct rlimit raised = { want, limit.rlim_max < want ? want : limit.rlim_max };
        if (setrlimit(RLIMIT_NOFILE, &raised) != 0) {
            limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
            (void)setrlimit(RLIMIT_NOFILE, &limit);
            if ((int64_t)limit.rlim_cur - beyond < most) most = (int64_t)limit.rlim_cur - beyond;
        }
    }
    if (next->maxclients <= most) return true;
    snprintf(error, SETTING_ERROR_MAX,
             "The operating system is not able to handle the specified number of clients, try "
             "with %ld",
             (long)most);
    return false;
}

static void apply_row(struct shard *s, const struct setting_row *row)
{
    const struct settings *settings = s->settings;
    if (row_is(row, "tcp-keepalive"))
        sock_set_keepalive(s->sock, (uint32_t)settings->tcp_keepalive);
    if (row_is(row, "lfu-log-factor") || row_is(row, "lfu-decay-time"))
        keyspace_set_lfu(s->keyspace, (uint32_t)settings->lfu_log_factor,
                         (uint32_t)settings->lfu_decay_time);
    if (row_is(row, "maxmemory-policy")) {
        int64_t policy = settings->maxmemory_policy;
        keyspace_set_access_clock(s->keyspace,
                                  policy == EVICT_ALLKEYS_LFU || policy == EVICT_VOLATILE_LFU);
    }
}

// What control starts the dataplane with after a crash: the settings as they are now.
static void publish_settings(struct shard *s)
{
    struct region_dataplane *part = s->server.region->dataplane;
    char *text = heap_take(&s->heap, REGION_SETTINGS_BYTES, HEAP_OTHER);
    size_t size = settings_write(s->settings, text, REGION_SETTINGS_BYTES);
    if (size) {
        struct lane_msg m = { .kind = LANE_SETTINGS };
        region_text_write(&part->live_settings, text, size);
        if (lane_send(&s->server.region_shard->events, &m) == OK) bell_ring(s->bell);
    } else {
        shard_log(s, LOG_WARNING, "The settings are too long to be kept over a restart");
    }
    heap_give(&s->heap, text, REGION_SETTINGS_BYTES, HEAP_OTHER);
}

static enum status op_apply_settings(struct server *server, const struct settings *next,
                                     const struct setting_row *const *rows, uint32_t row_count,
                                     char error[SETTING_ERROR_MAX])
{
    struct shard *s = server->shard;
    struct settings old = *s->settings;
    struct tls_context *context;
    bool moves_listeners = false, has_context;
    if (next->maxclients > old.maxclients && !clients_fit(s, next, error)) return ERR_NO_SPACE;
    if (shard_tls_prepare(s, next, rows, row_count, &context, &has_context, error) != OK)
        return ERR_IO;
    for (uint32_t i = 0; i < row_count; i++) moves_listeners |= row_moves_listeners(rows[i]);
    settings_copy(s->settings, next);
    if (moves_listeners && listen_anew(s, error) != OK) {
        char ignored[SETTING_ERROR_MAX];
        tls_context_close(context);
        settings_close(s->settings);
        *s->settings = old;
        if (listen_anew(s, ignored) != OK)
            shard_log(s, LOG_WARNING, "The former listeners could not be restored: %s", ignored);
        return ERR_IO;
    }
    settings_close(&old);
    if (has_context) shard_tls_use(s, context);
    tls_set_auth(s->tls, (enum tls_auth)s->settings->tls_auth_clients);
    for (uint32_t i = 0; i < row_count; i++) apply_row(s, rows[i]);
    shard_apply_thresholds(s);
    server_settings_changed(&s->server);
    publish_settings(s);
    return OK;
}

// ---- several shards

static bool op_hold(struct server *server, uint64_t shards)
{
    return meeting_hold(server->shard, shards);
}

static void op_let_go(struct server *server, uint64_t shards)
{
    meeting_let_go(server->shard, shards);
}

const struct server_ops shard_server_ops = {
    .kill_client = op_kill_client,
    .stop = op_stop,
    .resume_client = op_resume_client,
    .client_wrote = op_client_wrote,
    .apply_settings = op_apply_settings,
    .refresh_tally = op_refresh_tally,
    .save = saver_begin,
    .log_on = keeper_turn_on,
    .reload = loader_reload,
    .route = shard_route,
    .begin_again = shard_begin_again,
    .hold = op_hold,
    .let_go = op_let_go,
    .scatter = scatter_begin,
    .forget_watches = spread_forget_watches,
    .tell_try = far_wait_tell,
    .forget_waits = far_wait_forget,
    .retry_together = meeting_arrange_retry,
    .drop_retry = far_wait_drop_retry,
    .run_again = far_run_again,
    .post = post_send,
    .push_output = far_push_output,
};
