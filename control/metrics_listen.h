// metrics_listen.h: the listening sockets of the metrics page.
//
// Source:  redis.conf's bind: several addresses, '-' before one that may be absent, '*', '::*'
// Thread:  control's own
// Memory:  embedded; owns its descriptors (close-on-exec: the dataplane does not inherit them)
#pragma once
#include <stdint.h>
#include "dataplane/base/status.h"
#include "dataplane/conf/settings.h"

enum { METRICS_LISTENERS_MAX = 16, METRICS_ERROR_BYTES = 160 };

struct metrics_listeners {
    int fds[METRICS_LISTENERS_MAX];
    uint32_t count;
};

// Non-blocking. ERR_IO: nothing listens, and error says why in one line.
enum status metrics_listen(struct metrics_listeners *l, const struct setting_words *bind,
                           uint16_t port, char error[METRICS_ERROR_BYTES]) MUST_USE;
void metrics_listen_close(struct metrics_listeners *l);
