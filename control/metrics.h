// metrics.h: the page for Prometheus: a small HTTP server inside control's loop.
//
//   /metrics   Redis's figures under redis_exporter's names, the ledger under penstock_...
//   /          a page for people that leads there
//
// Source:  DESIGN "The ledger"; HTTP/1.1 by libmicrohttpd, driven from outside: no thread of its
// own Thread:  control's own; no call blocks Memory:  embedded; owns sockets, the library's daemon
// and the last page Everything a stranger can spend is bounded: connections, bytes of a request,
// the time from connecting (or from the last answer) to a whole answer, pages made per second.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "control/log.h"
#include "control/metrics_listen.h"
#include "control/metrics_view.h"
#include "control/supervisor.h"
#include "dataplane/conf/settings.h"

struct MHD_Connection;
struct MHD_Daemon;
struct MHD_Response;

enum {
    METRICS_CONNECTIONS_MAX = 32,
    METRICS_CONNECTIONS_PER_ADDRESS = 24, // one address cannot take every place
    METRICS_REQUEST_BYTES_MAX = 16 * 1024,
    METRICS_PATIENCE_S = 20, // for a request and the taking of its answer, idle time included
    METRICS_RETRY_S = 5,     // until listening is tried again
    METRICS_PAGE_REUSE_MS = 50,
    METRICS_PAGE_BYTES_MAX = 8 * 1024 * 1024,
};

struct metrics_connection {
    struct MHD_Connection *connection; // NULL: free
    uint64_t since_ns;                 // connected, or answered last
};

struct metrics {
    struct log *log;
    const struct supervisor *supervisor;
    const struct settings *settings; // what the dataplane runs with
    int epoll_fd;                    // for the caller's loop: readable when there is work
    struct metrics_listeners listeners;
    struct MHD_Daemon *daemon; // NULL: not listening
    struct MHD_Response *page; // the last one
    uint64_t page_ns, now_ns;
    uint64_t retry_ns; // 0: nothing to try again
    uint64_t scrapes, refusals;
    int64_t port;    // as asked for
    char bind[1024]; // as asked for
    bool complained; // that it cannot listen
    struct metrics_connection connections[METRICS_CONNECTIONS_MAX];
};

// log, supervisor and settings are borrowed and outlive m. ERR_IO: no epoll descriptor.
enum status metrics_open(struct metrics *m, struct log *log, const struct supervisor *supervisor,
                         const struct settings *settings) MUST_USE;
void metrics_close(struct metrics *m);
// At start, and whenever *settings changed: opens, moves or closes the page. A port that cannot be
// had is complained of once and tried again; the cache goes on without.
void metrics_apply(struct metrics *m, uint64_t now_ns);
// After every wait of the loop.
void metrics_poll(struct metrics *m, uint64_t now_ns);
// How long the loop may wait at most; -1: as long as it likes.
int metrics_timeout_ms(const struct metrics *m, uint64_t now_ns);
