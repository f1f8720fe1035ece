// post.h: carries what shards post to each other (cmd/posted.h) over the mesh.
//
// Thread:  post_send: who runs a command of the sender, or holds it
// Memory:  a copy, malloc'ed; freed by the receiver
#pragma once
#include "dataplane/cmd/server.h"

// struct server_ops.post
void post_send(struct server *server, uint32_t to, posted_action *action, const struct posted *p);
