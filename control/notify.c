#include "control/notify.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

struct notify notify_open(const char *supervised)
{
    struct notify n = { false };
    bool wanted = strcmp(supervised, "systemd") == 0 || strcmp(supervised, "auto") == 0;
    n.systemd = wanted && getenv("NOTIFY_SOCKET");
    return n;
}

void notify_ready(const struct notify *n, const char *status)
{
    if (n->systemd) sd_notifyf(0, "STATUS=%s\nREADY=1\n", status);
}

void notify_status(const struct notify *n, const char *status)
{
    if (n->systemd) sd_notifyf(0, "STATUS=%s\n", status);
}

void notify_stopping(const struct notify *n)
{
    if (n->systemd) sd_notify(0, "STATUS=Shutting down\nSTOPPING=1\n");
}

bool notify_is_supervised(const struct notify *n) { return n->systemd; }
