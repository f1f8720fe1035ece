// notify.h: keyspace notifications: a key's event as a message to __keyspace@<db>__:<key> and
// __keyevent@<db>__:<event>.
//
// Source:  Redis 7.2, notify-keyspace-events and its letters
// Thread:  the shard
#pragma once
#include <stdint.h>
#include "dataplane/base/bytes.h"

struct server;

enum notify_channel {          // which of the two; bits above enum event_class
    NOTIFY_KEYSPACE = 1 << 16, // K
    NOTIFY_KEYEVENT = 1 << 17, // E
};
// server->notify_classes of settings->notify_keyspace_events: at start, and when it is set anew.
void notify_configure(struct server *server);
void notify_event(struct server *server, uint32_t db, struct bytes key, uint32_t class,
                  const char *event);
