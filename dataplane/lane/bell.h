// bell.h: wakes the other process: one datagram on an abstract Unix socket named after the region.
// Losing one is fine as long as a later one comes: a bell carries no data, only "look at your
// rings".
//
// Thread:  ring from any thread; each side listens on its own
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/status.h"
#include "dataplane/lane/region.h"

struct bell {
    int fd;         // ours: to listen on (readable when rung), and to ring from
    char peer[108]; // the other side's abstract name, without the leading NUL
    uint32_t peer_bytes;
};
enum status bell_open(struct bell *b, const char *region_name, enum region_role role) MUST_USE;
void bell_close(struct bell *b);
// Whether somebody still holds that side's name. A process's last requests in io_uring may outlive
// it for some milliseconds and keep its sockets with them, the listening ones too.
bool bell_is_taken(const char *region_name, enum region_role role);
void bell_ring(struct bell *b);  // never blocks; nobody listening is no error
bool bell_drain(struct bell *b); // reads all that is pending; true when there was any
