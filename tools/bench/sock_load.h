// sock_load.h: carries the load over kernel sockets: one thread, epoll.
//
// Thread:  the generator
// Memory:  a buffer per connection, grown to its largest batch
#pragma once
#include <signal.h>
#include "tools/bench/load.h"
#include "tools/bench/progress.h"

struct sock_target {
    const char *host; // name or address
    uint16_t port;
    const char *path;    // Unix socket in place of both; NULL: TCP
    const char *ca_file; // TLS, with these authorities; NULL: plain
};

// Connects and drives l to its end. False with *error filled when a connection could not be made;
// whatever goes wrong later is counted in the result. *stop ends it early.
bool sock_load_run(struct load *l, const struct sock_target *target, struct progress *progress,
                   const volatile sig_atomic_t *stop, char *error, uint32_t error_bytes);
