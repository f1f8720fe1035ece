#include "dataplane/shard/session.h"
#include <stdlib.h>
#include "dataplane/cmd/acl_call.h"
#include "dataplane/cmd/log_wait.h"
#include "dataplane/shard/far.h"
#include "dataplane/shard/late.h"
#include "dataplane/shard/meeting.h"
#include "dataplane/shard/shard.h"
#include "dataplane/shard/spread.h"

static bool address_is_loopback(const struct stream *stream)
{
    static const uint8_t mapped_127[13] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127 };
    static const uint8_t loopback6[16] = { [15] = 1 };
    if (stream->kind == STREAM_SOCK_UNIX) return true;
    return memcmp(stream->remote.ip, mapped_127, sizeof mapped_127) == 0 ||
           memcmp(stream->remote.ip, loopback6, sizeof loopback6) == 0;
}

// A refusal is said, then the connection is closed; no session is made, so further calls about the
// stream find no user.
static bool session_refuse(struct shard *shard, struct stream *stream, const char *text)
{
    shard->server.tally->connections_rejected++;
    stream->user = NULL;
    outq_append(&stream->out, bytes_text(text));
    stream->ops->flush(stream);
    stream->ops->close(stream);
    return true;
}

static const char protected_mode_text[] =
    "-DENIED Penstock runs in protected mode: no password is set for the default user, so only "
    "connections from the loopback interface and the Unix socket are served. To serve other hosts, "
    "either 1) set a password (CONFIG SET requirepass, or the requirepass directive), 2) run "
    "CONFIG "
    "SET protected-mode no from the loopback interface, if the network is trusted, or 3) start "
    "with "
    "--protected-mode no. One of these is enough.\r\n";

// Places above maxclients are kept for the Unix socket, so that an operator on the machine gets in
// when all are taken.
static bool session_admit(struct shard *shard, const struct stream *stream, bool *reserved)
{
    const struct settings *settings = shard->settings;
    *reserved = false;
    uint64_t ordinary = spread_client_count(shard) - shard->admin_client_count;
    if (ordinary < (uint64_t)settings->maxclients) return true;
    if (stream->kind != STREAM_SOCK_UNIX) return false;
    *reserved = shard->admin_client_count < (uint64_t)settings->admin_reserved_clients;
    return *reserved;
}

bool session_on_open(void *app, struct stream *stream)
{
    struct shard *shard = app;
    const struct settings *settings = shard->settings;
    const struct acl_user *default_user = shard->server.acl->users.default_user;
    bool reserved, has_password = !default_user->needs_no_password;
    shard->server.tally->connections_received++;
    if (!session_admit(shard, stream, &reserved))
        return session_refuse(shard, stream, "-ERR max number of clients reached\r\n");
    if (settings->protected_mode && !has_password && !address_is_loopback(stream))
        return session_refuse(shard, stream, protected_mode_text);

    struct session *session = heap_take_zeroed(&shard->heap, sizeof *session, HEAP_SESSION);
    struct client *c = &session->client;
    resp_reader_init(&session->reader, &shard->heap);
    c->reply = (struct reply){ .out = &stream->out,
                               .heap = shard->mesh.hub ? &shard->heap : NULL,
                               .version = 2 };
    c->stream = stream;
    list_init(&session->far);
    acl_greet(&shard->server, c);
    c->created_ms = c->last_command_ms = shard->server.now_ms;
    c->last_command_id = UINT16_MAX;
    if (stream->kind == STREAM_SOCK_UNIX) c->flags |= CLIENT_UNIX_SOCKET;
    if (reserved) {
        c->flags |= CLIENT_ADMIN_RESERVED;
        shard->admin_client_count++;
    }
    client_table_add(&shard->server.clients, c);
    spread_count_client(shard, 1);
    list_append(&shard->rotation, &session->rotation);
    stream->user = session;
    return true;
}

void session_on_data(void *app, struct stream *stream, struct bytes data)
{
    struct shard *shard = app;
    struct session *session = stream->user;
    shard->server.tally->net_input_bytes += data.size;
    shard->server.tally->reads_processed++;
    if (!session || session->closing) return;
    // What is deferred comes first, also when the session waits no more.
    if (UNLIKELY(session->deferral.is_heavy || session->deferral.head ||
                 session_must_wait(session))) {
        defer_keep(shard, session, data, stream->arrival_tsc);
        return;
    }
    if (shard->readable_count == SHARD_READABLE_MAX) shard_run_readable(shard);
    shard->readable[shard->readable_count++] =
        (struct readable){ session, data, stream->arrival_tsc };
}

void session_protocol_error(struct shard *shard, struct session *session)
{
    struct client *c = &session->client;
    batch_run(shard); // replies to what came before go first
    if (session_must_wait(session)) {
        session->has_protocol_error = true;
        return;
    }
    if (c->flags & (CLIENT_CLOSE_AFTER_REPLY | CLIENT_CLOSE_NOW)) return; // QUIT was among it
    shard->server.tally->protocol_errors++;
    reply_errorf(&c->reply, "ERR %s", session->reader.error);
    shard_log(shard, LOG_VERBOSE, "Protocol error from client id=%lu: %s", (unsigned long)c->id,
              session->reader.error);
    c->flags |= CLIENT_CLOSE_AFTER_REPLY;
    session_mark_dirty(shard, session);
}

static void session_query_limit(struct shard *shard, struct session *session)
{
    struct client *c = &session->client;
    batch_run(shard);
    shard->server.tally->query_limit_disconnections++;
    shard_log(shard, LOG_WARNING,
              "Closing client that reached max query buffer length: id=%lu qbuf=%lu",
              (unsigned long)c->id, (unsigned long)resp_reader_memory(&session->reader));
    c->flags |= CLIENT_CLOSE_NOW;
    session_mark_dirty(shard, session);
}

static struct resp_limits session_limits(const struct shard *shard, const struct session *session)
{
    return (struct resp_limits){
        .bulk_bytes_max = shard->settings->proto_max_bulk_len,
        .buffer_bytes_max = shard->settings->query_buffer_limit,
        .authenticated = session->client.authenticated,
    };
}

void session_parse(struct shard *shard, struct session *session, struct bytes data,
                   uint64_t arrival_tsc)
{
    struct client *c = &session->client;
    struct resp_limits limits = session_limits(shard, session);
    struct resp_request request;
    uint32_t commands = 0;
    c->input_bytes += data.size;
    while (data.size > 0 && !(c->flags & (CLIENT_CLOSE_AFTER_REPLY | CLIENT_CLOSE_NOW))) {
        switch (resp_read(&session->reader, &data, &limits, &request)) {
        case RESP_REQUEST:
            if (request.argc == 0) break;
            commands++;
            batch_add(shard, session, &request, arrival_tsc, resp_reader_holds(&session->reader));
            // What may be sent changes with AUTH: until then one request is read at a time.
            if (UNLIKELY(!limits.authenticated)) {
                batch_run(shard);
                limits = session_limits(shard, session);
            }
            break;
        case RESP_MORE:
            break;
        case RESP_ERROR:
            session_protocol_error(shard, session);
            return;
        case RESP_LIMIT:
            session_query_limit(shard, session);
            return;
        }
    }
    if (UNLIKELY(commands > DEFER_COMMANDS_MIN)) session->deferral.is_heavy = true;
}

void session_end(struct shard *shard, struct session *session)
{
    session->client.flags |= CLIENT_CLOSE_AFTER_REPLY;
    session_mark_dirty(shard, session);
}

void session_on_end(void *app, struct stream *stream)
{
    struct shard *shard = app;
    struct session *session = stream->user;
    if (!session) return;
    shard_run_readable(shard);
    // As in Redis: who hangs up waits no more.
    if ((session->client.flags & (CLIENT_BLOCKED | CLIENT_PAUSED)) || far_has_blocked(session)) {
        far_forget_session(shard, session);
        session->client.flags &= ~(uint32_t)CLIENT_ELSEWHERE;
        resume_drop(shard, session);
        defer_drop(shard, session);
    }
    if (session->deferral.head || session_must_wait(session))
        session->deferral.has_ended = true;
    else
        session_end(shard, session);
}

// The client is gone for everybody; what its connection still does is the transport's alone.
static void session_forget(struct shard *shard, struct session *session)
{
    struct stream *stream = session->client.stream;
    if (list_node_is_linked(&session->dirty))
        list_remove(session->is_late ? &shard->mesh.late : &shard->dirty, &session->dirty);
    defer_drop(shard, session);
    resume_drop(shard, session);
    far_forget_session(shard, session);
    meeting_forget_client(shard, &session->client);
    list_remove(&shard->rotation, &session->rotation);
    client_table_remove(&shard->server.clients, &session->client);
    spread_count_client(shard, -1);
    if (session->client.flags & CLIENT_ADMIN_RESERVED) shard->admin_client_count--;
    server_forget_client(&shard->server, &session->client);
    client_drop_texts(&session->client, &shard->heap);
    resp_reader_close(&session->reader);
    stream->user = NULL;
    heap_give(&shard->heap, session, sizeof *session, HEAP_SESSION);
}

// A peer that never closes its side keeps a TCP connection of ours for a minute, but no place among
// the clients: the session ends when its last reply has arrived.
void session_on_drained(void *app, struct stream *stream)
{
    struct shard *shard = app;
    struct session *session = stream->user;
    if (!session || !session->closing) return;
    shard_run_readable(shard);
    session_forget(shard, session);
}

void session_on_closed(void *app, struct stream *stream, enum stream_close why)
{
    struct shard *shard = app;
    struct session *session = stream->user;
    if (!session) return;
    shard_run_readable(shard); // its commands may be among those that have arrived
    defer_run_all(shard, session);
    session_forget(shard, session);
}

void session_wait_for_far(struct session *session)
{
    session->waits_for_far = true;
    session->client.flags |= CLIENT_ELSEWHERE;
}

void session_mark_dirty(struct shard *shard, struct session *session)
{
    if (!list_node_is_linked(&session->dirty)) list_append(&shard->dirty, &session->dirty);
}

static uint64_t session_output_bytes(const struct session *session)
{
    const struct stream *stream = session->client.stream;
    return stream->out.bytes + stream->ops->pending(stream) + session->client.pushes_bytes;
}

// client-output-buffer-limit: hard at once, soft after soft_seconds above it. Returns true when it
// must go.
static bool session_is_over_limit(struct shard *shard, struct session *session)
{
    const struct setting_output_limit *limit =
        &shard->settings->output_limits[client_output_class(&session->client)];
    uint64_t bytes = session_output_bytes(session);
    uint64_t now_ms = shard->server.now_ms;
    if (bytes > session->client.output_peak_bytes) session->client.output_peak_bytes = bytes;
    if (limit->hard_bytes && bytes >= limit->hard_bytes) return true;
    if (!limit->soft_bytes || bytes < limit->soft_bytes) {
        session->soft_limit_since_ms = 0;
        return false;
    }
    if (!session->soft_limit_since_ms) session->soft_limit_since_ms = now_ms;
    return now_ms - session->soft_limit_since_ms > (uint64_t)limit->soft_seconds * 1000;
}

void session_enforce_output_limit(struct shard *shard, struct session *session)
{
    struct client *c = &session->client;
    if ((c->flags & CLIENT_CLOSE_NOW) || !session_is_over_limit(shard, session)) return;
    shard->server.tally->output_limit_disconnections++;
    shard_log(shard, LOG_WARNING,
              "Client id=%lu scheduled to be closed ASAP for overcoming of output buffer limits "
              "(omem=%lu).",
              (unsigned long)c->id, (unsigned long)session_output_bytes(session));
    c->flags |= CLIENT_CLOSE_NOW;
}

// What was not handed over yet is dropped. With nothing under way the peer sees an orderly end, as
// redis-server's close() gives it; else waiting for a peer that does not read would keep the
// memory.
static void session_cut(struct shard *shard, struct session *session)
{
    struct stream *stream = session->client.stream;
    session->closing = true;
    resume_drop(shard, session);
    far_forget_session(shard, session);
    outq_clear(&stream->out);
    if (stream->ops->pending(stream) == 0) {
        stream->ops->close(stream);
        session_forget(shard, session);
    } else {
        stream->ops->abort(stream);
    }
}

static bool session_waits_for_log(struct shard *shard, struct client *c)
{
    return (c->flags & CLIENT_LOGGED) || log_wait_begin(&shard->server, c);
}

void session_flush(struct shard *shard, struct session *session)
{
    struct client *c = &session->client;
    struct stream *stream = c->stream;
    if (session->closing) return;
    session_enforce_output_limit(shard, session);
    if (stream->out.broken || (c->flags & CLIENT_CLOSE_NOW)) {
        session_cut(shard, session);
        return;
    }
    if (UNLIKELY(stream->out.is_held) && session_waits_for_log(shard, c)) return;
    if (UNLIKELY(stream->out.open_gaps)) return; // a long command's: its reply begins when it ends
    if (UNLIKELY(session->far.count != 0) && late_begin(shard, session)) return;
    session->is_due = false;
    if (stream->out.bytes) {
        uint64_t fresh = stream->out.bytes_total - c->output_bytes;
        c->output_bytes = stream->out.bytes_total;
        shard->server.tally->net_output_bytes += fresh;
        shard->server.tally->sent_client_bytes += fresh;
        shard->server.tally->writes_processed++;
        stream->ops->flush(stream);
    }
    if ((c->flags & CLIENT_CLOSE_AFTER_REPLY) && session->far.count == 0) {
        session->closing = true;
        stream->ops->close(stream);
    }
}

void session_check(struct shard *shard, struct session *session)
{
    struct client *c = &session->client;
    const struct settings *settings = shard->settings;
    uint64_t now_ms = shard->server.now_ms;
    uint64_t output_bytes = session_output_bytes(session);
    c->query_buffer_bytes = resp_reader_memory(&session->reader) + session->deferral.bytes;
    if (!session->deferral.head) session->deferral.is_heavy = false;
    if (c->query_buffer_bytes > shard->pass_input_max)
        shard->pass_input_max = c->query_buffer_bytes;
    if (output_bytes > shard->pass_output_max) shard->pass_output_max = output_bytes;
    if (session->closing) return;
    session_enforce_output_limit(shard, session);
    if (settings->timeout && !(c->flags & CLIENT_SUSPENDED) && now_ms > c->last_command_ms &&
        now_ms - c->last_command_ms > (uint64_t)settings->timeout * 1000) {
        shard->server.tally->timeout_disconnections++;
        shard_log(shard, LOG_VERBOSE, "Closing idle client id=%lu", (unsigned long)c->id);
        c->flags |= CLIENT_CLOSE_AFTER_REPLY;
    }
    if (c->flags & (CLIENT_CLOSE_NOW | CLIENT_CLOSE_AFTER_REPLY))
        session_mark_dirty(shard, session);
}
