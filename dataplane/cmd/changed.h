// changed.h: a key changed: WATCH, client-side caching and keyspace notifications hear of it.
//
// Source:  Redis 7.2: signalModifiedKey and notifyKeyspaceEvent
// Thread:  the shard
//
// Commands say it with call_changed (cmd.h), what the keyspace does by itself goes through
// server->on_changed (memory.c, hash_expiry.c). That pointer is NULL while nobody listens, so that
// a write then costs one branch.
#pragma once
#include <stdint.h>

struct server;

// Somebody began or ceased to listen (the first watched key, the last tracking client, CONFIG SET
// notify-keyspace-events): on_changed is set accordingly.
void changed_steer(struct server *server);
// All keys of a database went (FLUSHDB) or came in others' place (SWAPDB); db UINT32_MAX: of all.
// Before it happens, so that it can be told who had the keys they watch.
enum { CHANGED_ALL_DATABASES = UINT32_MAX };
void changed_flush(struct server *server, uint32_t db);
void changed_swap(struct server *server, uint32_t a, uint32_t b);
