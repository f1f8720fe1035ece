// cmd_info.h: the sections of INFO. Each writes its lines, without the head line. They speak for
// all shards: INFO runs with all of them held.
//
// Source:  Redis 7.2 INFO (names, order and units of fields); DESIGN "The ledger"
// Thread:  the shard
// Memory:  none of its own. A field that cannot be meant yet is an honest zero
#pragma once
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/server_sums.h"
#include "dataplane/cmd/text.h"

// The version whose commands and replies these are: what clients and collectors look at.
#define SERVER_REDIS_VERSION "7.2.4"

struct info {
    struct server *server; // whose settings and clock count; its peers are the others
    struct call *call;
    struct server_sums sums; // over all peers
};
typedef void info_section(struct text *t, const struct info *info);
info_section info_server, info_clients, info_memory, info_persistence, info_stats, info_replication,
    info_cpu, info_commandstats, info_errorstats, info_latencystats, info_cluster, info_keyspace,
    info_ledger;
