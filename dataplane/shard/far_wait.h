// far_wait.h: messages about clients that wait for keys of several shards (cmd/block_far.h): struct
// server_ops' part.
//
// Thread:  of the shard whose server it is, or who holds it
#pragma once
#include <stdint.h>

struct server;
struct client;

void far_wait_tell(struct server *home, uint64_t client_id, uint64_t ticket);
void far_wait_forget(struct server *server, uint64_t client_id, uint64_t ticket, uint64_t homes);
void far_wait_drop_retry(struct server *server, struct client *c);
