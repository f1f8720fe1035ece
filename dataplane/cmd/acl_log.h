// acl_log.h: ACL LOG: what was denied to whom. The same denial within a minute is one entry.
//
// Source:  Redis 7.2's ACL LOG
// Thread:  the shard
// Memory:  entries are on the heap (HEAP_OTHER), at most acllog-max-len of them; their texts are
// cut
//          at ACL_LOG_TEXT_MAX bytes
#pragma once
#include "dataplane/cmd/acl_call.h"

enum { ACL_LOG_TEXT_MAX = 4096, ACL_LOG_GROUP_MS = 60000 };

// object: the command, key or channel; user: who was denied, or who was not let in. Counted in the
// tally, too.
void acl_log_add(struct server *server, const struct client *client, enum acl_denial denial,
                 enum acl_place place, struct bytes object, struct bytes user);
void acl_log_clear(struct server *server);
// Of all shards, newest first.
void acl_log_reply(struct call *call, uint64_t count_max);
