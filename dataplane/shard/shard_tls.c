#include "dataplane/shard/shard_tls.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/eventfd.h>

enum { FAILURES_LOGGED_PER_SECOND = 10 }; // anybody can make as many as he likes

void shard_tls_cron(struct shard *s)
{
    uint64_t count = log_limit_take_left_out(&s->tls_failures, s->server.now_ns);
    if (count)
        shard_log(s, LOG_WARNING, "Error accepting a client connection: %lu more failed handshakes",
                  (unsigned long)count);
}

static void on_failed(void *app, const struct stream *lower, const char *reason)
{
    struct shard *s = app;
    shard_tls_cron(s); // a line of its own comes before those of the next second
    if (!log_limit_admits(&s->tls_failures, s->server.now_ns, FAILURES_LOGGED_PER_SECOND)) return;
    const struct client client = { .stream = (struct stream *)(uintptr_t)lower }; // read only
    char remote[128], local[128];
    client_address_text(&client, false, NULL, remote);
    client_address_text(&client, true, NULL, local);
    shard_log(s, LOG_WARNING, "Error accepting a client connection: %s (addr=%s laddr=%s)", reason,
              remote, local);
}

static void read_all(void *app) { shard_run_readable(app); }

// ---- connections

// As in Redis, who is in its handshake has a place among the clients already, and is turned away
// without a word when there is none: what could be said is not encrypted yet.
static bool accept_tls(struct shard *s, struct stream *stream)
{
    uint64_t count = s->server.clients.all.count + tls_opening_count(s->tls);
    if (count < (uint64_t)s->settings->maxclients && tls_accept(s->tls, stream, s->server.now_ns))
        return true;
    s->server.tally->connections_rejected++;
    return false;
}

bool shard_on_open(void *app, struct stream *stream)
{
    if (stream->listener == STREAM_TLS) return accept_tls(app, stream);
    return session_on_open(app, stream);
}

// ---- contexts

static bool is_enabled(const struct settings *f)
{
    return f->tls_port || f->tls_replication || f->tls_cluster;
}

static enum status context_open(struct shard *s, const struct settings *f, struct tls_context **out)
{
    char reason[512];
    const struct tls_directives directives = {
        .cert_file = f->tls_cert_file,
        .key_file = f->tls_key_file,
        .key_file_pass = f->tls_key_file_pass,
        .client_cert_file = f->tls_client_cert_file,
        .client_key_file = f->tls_client_key_file,
        .client_key_file_pass = f->tls_client_key_file_pass,
        .dh_params_file = f->tls_dh_params_file,
        .ca_cert_file = f->tls_ca_cert_file,
        .ca_cert_dir = f->tls_ca_cert_dir,
        .protocols = f->tls_protocols,
        .ciphers = f->tls_ciphers,
        .ciphersuites = f->tls_ciphersuites,
        .prefer_server_ciphers = f->tls_prefer_server_ciphers,
        .session_caching = f->tls_session_caching,
        .session_cache_size = f->tls_session_cache_size,
        .session_cache_timeout_s = f->tls_session_cache_timeout,
        .needs_ca = f->tls_auth_clients != TLS_AUTH_NO || f->tls_replication || f->tls_cluster,
    };
    enum status status = tls_context_open(out, &directives, reason, sizeof reason);
    if (status != OK) shard_log(s, LOG_WARNING, "%s", reason);
    return status;
}

enum status shard_tls_open(struct shard *s, char *error, uint32_t error_bytes)
{
    struct tls_context *context = NULL;
    s->tls_app = (struct stream_app){
        s, session_on_open, session_on_data, session_on_end, session_on_drained, session_on_closed
    };
    const struct tls_config config = {
        .app = &s->tls_app,
        .heap = &s->heap,
        .clock = s->server.clock,
        .tally = s->server.tally,
        .meter = &s->server.meter,
        .read_all = read_all,
        .on_failed = on_failed,
        .has_worker = true,
        .worker_core = (int)s->settings->housekeeping_core,
        .own_core = (int)s->settings->core,
    };
    snprintf(error, error_bytes, "TLS could not be opened: out of memory");
    if (tls_open(&s->tls, &config) != OK) return ERR_NO_SPACE;
    tls_set_auth(s->tls, (enum tls_auth)s->settings->tls_auth_clients);
    if (!is_enabled(s->settings)) return OK;
    snprintf(error, error_bytes, "Failed to configure TLS. Check logs for more info.");
    if (context_open(s, s->settings, &context) != OK) return ERR_IO;
    tls_set_context(s->tls, context);
    return OK;
}

static void on_bell(void *context)
{
    eventfd_t count;
    (void)eventfd_read(tls_bell_fd(context), &count); // tls_turn looks on every turn
}

void shard_tls_watch(struct shard *s)
{
    int fd = tls_bell_fd(s->tls);
    if (fd < 0 || s->tls_is_watched) return;
    s->tls_is_watched = sock_watch(s->sock, fd, on_bell, s->tls) == OK;
}

void shard_tls_use(struct shard *s, struct tls_context *context)
{
    tls_set_context(s->tls, context);
    shard_tls_watch(s);
}

// tls-port alone makes a context only where there is none yet, and tls-auth-clients is looked at
// for each connection: as in Redis.
static bool rows_ask_for_context(const struct shard *s, const struct setting_row *const *rows,
                                 uint32_t row_count)
{
    for (uint32_t i = 0; i < row_count; i++) {
        const char *name = rows[i]->name;
        if (strncmp(name, "tls-", 4) != 0 || strcmp(name, "tls-auth-clients") == 0) continue;
        if (strcmp(name, "tls-port") != 0 || !tls_has_context(s->tls)) return true;
    }
    return false;
}

enum status shard_tls_prepare(struct shard *s, const struct settings *next,
                              const struct setting_row *const *rows, uint32_t row_count,
                              struct tls_context **out, bool *changed,
                              char error[SETTING_ERROR_MAX])
{
    *out = NULL;
    *changed = false;
    if (!is_enabled(next) || !rows_ask_for_context(s, rows, row_count)) return OK;
    if (context_open(s, next, out) == OK) {
        *changed = true;
        return OK;
    }
    snprintf(error, SETTING_ERROR_MAX, "Unable to update TLS configuration. Check server logs.");
    return ERR_IO;
}
