#include "control/metrics.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/metrics_text.h"

enum { ACCEPT_BUDGET = 16, RUN_BUDGET = 16, EVENTS_MAX = METRICS_LISTENERS_MAX + 1 };
#define SECOND_NS 1000000000ull
#define EVENT_HTTP METRICS_LISTENERS_MAX // data.u32 of libmicrohttpd's descriptor; less: a listener

// ---- pages -------------------------------------------------------------------------------------

static const char front_page[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Penstock</title>"
    "</head>\n<body><h1>Penstock</h1>\n<p><a href=\"/metrics\">Metrics</a> for Prometheus: Redis's "
    "figures under the names of redis_exporter, the ledger under penstock_...</p></body></html>\n";

static struct MHD_Response *constant(const char *text, const char *type)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);
    if (r) MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    return r;
}

static void drop_page(struct metrics *m)
{
    if (m->page) MHD_destroy_response(m->page); // connections that still send it keep it
    m->page = NULL;
}

// NULL: memory is short.
static struct MHD_Response *make_page(struct metrics *m)
{
    const struct supervisor *s = m->supervisor;
    struct metrics_source source = {
        .region = &s->region,
        .settings = m->settings,
        .dataplane_pid = (uint32_t)s->child.pid,
        .is_ready = s->phase == SUPERVISOR_READY || s->phase == SUPERVISOR_STOPPING,
        .scrapes = m->scrapes,
        .refusals = m->refusals,
    };
    struct metrics_view *view = malloc(sizeof *view);
    struct metrics_text text;
    if (!view) return NULL;
    metrics_text_init(&text, METRICS_PAGE_BYTES_MAX);
    metrics_view_read(view, &source);
    metrics_write_redis(&text, view);
    metrics_write_persist(&text, view);
    metrics_write_ledger(&text, view);
    free(view);
    size_t size = text.size;
    char *data = metrics_text_take(&text);
    struct MHD_Response *page =
        data ? MHD_create_response_from_buffer(size, data, MHD_RESPMEM_MUST_FREE) : NULL;
    if (!page) free(data);
    metrics_text_close(&text);
    if (page)
        MHD_add_response_header(page, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; version=0.0.4");
    return page;
}

// Who asks in a tight loop gets the same page for a while: the levels are renewed ten times a
// second anyway.
static struct MHD_Response *current_page(struct metrics *m)
{
    m->scrapes++;
    if (m->page && m->now_ns - m->page_ns < METRICS_PAGE_REUSE_MS * 1000000ull) return m->page;
    drop_page(m);
    m->page = make_page(m);
    m->page_ns = m->now_ns;
    return m->page;
}

// ---- answers -----------------------------------------------------------------------------------

static enum MHD_Result answer_text(struct MHD_Connection *c, unsigned status, const char *text,
                                   const char *type)
{
    struct MHD_Response *r = constant(text, type);
    if (!r) return MHD_NO;
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
        MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    enum MHD_Result result = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result answer_metrics(struct metrics *m, struct MHD_Connection *c)
{
    struct MHD_Response *page = current_page(m);
    if (page) return MHD_queue_response(c, MHD_HTTP_OK, page);
    return answer_text(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n", "text/plain");
}

// Called with the request's head, then with pieces of its body, then with nothing: then it is
// whole.
static enum MHD_Result on_request(void *context, struct MHD_Connection *c, const char *path,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_bytes, void **request)
{
    struct metrics *m = context;
    bool is_read =
        strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    if (!is_read) return answer_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET or HEAD\n", "text/plain");
    if (*body_bytes > 0) return MHD_NO; // nobody asks for figures with a body: closed
    if (!*request) {
        *request = m;
        return MHD_YES;
    }
    if (strcmp(path, "/metrics") == 0) return answer_metrics(m, c);
    if (strcmp(path, "/") == 0)
        return answer_text(c, MHD_HTTP_OK, front_page, "text/html; charset=utf-8");
    return answer_text(c, MHD_HTTP_NOT_FOUND, "not found; there is /metrics\n", "text/plain");
}

// ---- connections -------------------------------------------------------------------------------

static void on_connection(void *context, struct MHD_Connection *c, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct metrics *m = context;
    struct metrics_connection *slot = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (slot) slot->connection = NULL;
        return;
    }
    for (uint32_t i = 0; i < METRICS_CONNECTIONS_MAX && !slot; i++)
        if (!m->connections[i].connection) slot = &m->connections[i];
    if (!slot) return; // cannot be: the library's limit is ours
    *slot = (struct metrics_connection){ .connection = c, .since_ns = m->now_ns };
    *socket_context = slot;
}

static void on_answered(void *context, struct MHD_Connection *c, void **request,
                        enum MHD_RequestTerminationCode code)
{
    struct metrics *m = context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct metrics_connection *slot = info ? info->socket_context : NULL;
    if (slot && code == MHD_REQUEST_TERMINATED_COMPLETED_OK) slot->since_ns = m->now_ns;
}

// The library would close a connection that says nothing; one that says a byte a second costs as
// much. The next run of the daemon finds the end of what was shut down here.
static void close_late_connections(struct metrics *m)
{
    for (uint32_t i = 0; i < METRICS_CONNECTIONS_MAX; i++) {
        struct metrics_connection *slot = &m->connections[i];
        if (!slot->connection || m->now_ns - slot->since_ns < METRICS_PATIENCE_S * SECOND_NS)
            continue;
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(slot->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (info) shutdown(info->connect_fd, SHUT_RDWR);
        slot->since_ns = m->now_ns;
    }
}

// ---- listening ---------------------------------------------------------------------------------

static bool watch(struct metrics *m, int fd, uint32_t number)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u32 = number };
    return epoll_ctl(m->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool start_daemon(struct metrics *m)
{
    m->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_request, m,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)METRICS_CONNECTIONS_MAX,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)METRICS_CONNECTIONS_PER_ADDRESS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)METRICS_REQUEST_BYTES_MAX,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION, on_connection, m,
        MHD_OPTION_NOTIFY_COMPLETED, on_answered, m, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        m->daemon ? MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    return info && watch(m, info->epoll_fd, EVENT_HTTP);
}

static void stop(struct metrics *m)
{
    metrics_listen_close(&m->listeners);
    if (m->daemon) MHD_stop_daemon(m->daemon);
    m->daemon = NULL;
    drop_page(m);
    memset(m->connections, 0, sizeof m->connections);
}

static void fail(struct metrics *m, const char *why)
{
    stop(m);
    m->retry_ns = m->now_ns + METRICS_RETRY_S * SECOND_NS;
    if (!m->complained)
        log_write(m->log, LEVEL_WARNING,
                  "The metrics page cannot be served: %s. Trying again every %d s", why,
                  METRICS_RETRY_S);
    m->complained = true;
}

static void start(struct metrics *m)
{
    char error[METRICS_ERROR_BYTES];
    m->retry_ns = 0;
    if (m->port == 0) return;
    if (metrics_listen(&m->listeners, &m->settings->metrics_bind, (uint16_t)m->port, error) != OK) {
        fail(m, error);
        return;
    }
    bool ok = start_daemon(m);
    for (uint32_t i = 0; ok && i < m->listeners.count; i++) ok = watch(m, m->listeners.fds[i], i);
    if (!ok) {
        fail(m, strerror(errno));
        return;
    }
    m->complained = false;
    log_write(m->log, LEVEL_NOTICE, "Metrics for Prometheus on port %lld", (long long)m->port);
}

// A client that finds no place is told by the connection's end; more than one round of them waits
// for the next turn. Without descriptors left, listening stops for a while instead of spinning.
static void accept_some(struct metrics *m, int listener)
{
    for (int i = 0; i < ACCEPT_BUDGET; i++) {
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        int fd =
            accept4(listener, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                fail(m, strerror(errno));
            return;
        }
        if (MHD_add_connection(m->daemon, fd, (struct sockaddr *)&address, size) != MHD_YES)
            m->refusals++; // the library closed it
    }
}

// ---- for the loop ------------------------------------------------------------------------------

enum status metrics_open(struct metrics *m, struct log *log, const struct supervisor *supervisor,
                         const struct settings *settings)
{
    *m = (struct metrics){ .log = log, .supervisor = supervisor, .settings = settings };
    m->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return m->epoll_fd >= 0 ? OK : ERR_IO;
}

void metrics_close(struct metrics *m)
{
    if (!m->log) return; // never opened
    stop(m);
    if (m->epoll_fd >= 0) close(m->epoll_fd);
    m->epoll_fd = -1;
}

static void bind_text(char *out, size_t capacity, const struct setting_words *bind)
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < bind->count; i++) {
        size_t size = strlen(bind->words[i]);
        if (used + size + 2 > capacity) return;
        memcpy(out + used, bind->words[i], size);
        out[used + size] = ' ';
        used += size + 1;
        out[used] = '\0';
    }
}

void metrics_apply(struct metrics *m, uint64_t now_ns)
{
    char bind[sizeof m->bind];
    bind_text(bind, sizeof bind, &m->settings->metrics_bind);
    if (m->settings->metrics_port == m->port && strcmp(bind, m->bind) == 0) return;
    m->now_ns = now_ns;
    m->port = m->settings->metrics_port;
    memcpy(m->bind, bind, sizeof bind);
    m->complained = false;
    stop(m);
    start(m);
}

void metrics_poll(struct metrics *m, uint64_t now_ns)
{
    struct epoll_event events[EVENTS_MAX];
    m->now_ns = now_ns;
    if (m->retry_ns && now_ns >= m->retry_ns) start(m);
    if (!m->daemon) return;
    int count = epoll_wait(m->epoll_fd, events, EVENTS_MAX, 0);
    for (int i = 0; i < count && m->daemon; i++)
        if (events[i].data.u32 < m->listeners.count)
            accept_some(m, m->listeners.fds[events[i].data.u32]);
    if (!m->daemon) return;
    close_late_connections(m);
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    for (int i = 0; i < RUN_BUDGET; i++) {
        MHD_run(m->daemon);
        if (MHD_get_timeout(m->daemon, &wait_ms) != MHD_YES || wait_ms > 0) break;
    }
}

int metrics_timeout_ms(const struct metrics *m, uint64_t now_ns)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    if (m->retry_ns)
        return m->retry_ns <= now_ns ? 0 : (int)((m->retry_ns - now_ns + 999999) / 1000000);
    if (!m->daemon || MHD_get_timeout(m->daemon, &wait_ms) != MHD_YES) return -1;
    return wait_ms > 1000 ? 1000 : (int)wait_ms;
}
