// push.h: what a client is told without having asked just now: messages, invalidations, MONITOR's
// lines.
//
// Source:  Redis 7.2: what a command pushes to its own client comes behind that command's reply
// Thread:  the shard
// Memory:  the wire bytes are one blob (HEAP_CLIENT_OUT) however many clients get them
#pragma once
#include <stdbool.h>
#include "dataplane/base/blob.h"
#include "dataplane/cmd/client.h"

struct server;

// To c's output, behind what is there: large ones by reference, small ones copied, for a reference
// costs more than they do. While c's command runs, or a long one of c is in the midst of its reply,
// it is kept, and follows the reply. Also when c has switched replies off (CLIENT REPLY). The
// caller keeps its own reference to wire. Clients that are to be closed get nothing.
void client_push(struct server *server, struct client *c, struct blob *wire);
static inline bool client_has_pushes(const struct client *c) { return c->pushes_first != NULL; }
void client_send_pushes(struct server *server, struct client *c);   // those kept, now
void client_forget_pushes(struct server *server, struct client *c); // its connection is going
