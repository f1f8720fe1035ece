// notify.h: tells a service manager how the appliance is doing (systemd's readiness protocol).
//
// Source:  sd_notify(3); redis-server's `supervised` directive: no, upstart, systemd, auto
// Thread:  control's own
#pragma once
#include <stdbool.h>

struct notify {
    bool systemd; // messages are wanted
};

// supervised: the directive's word. upstart is accepted and does nothing: nobody runs it any more.
struct notify notify_open(const char *supervised);
void notify_ready(const struct notify *n, const char *status);
void notify_status(const struct notify *n, const char *status);
void notify_stopping(const struct notify *n);
// True when something supervises us, so that daemonize is refused, as redis-server does.
bool notify_is_supervised(const struct notify *n);
