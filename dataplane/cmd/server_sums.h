// server_sums.h: what the shards of a server have counted, together: for INFO.
//
// Thread:  the shard that runs the command, with all others held
// Memory:  the caller's
// Units:   as in tally.h
#pragma once
#include "dataplane/base/tally.h"

struct server;

struct server_sums {
    TALLY_RESETTABLE(TALLY_FIELD)
    struct net_tally net;
    uint64_t turns, turns_busy, slices, slice_lengths[SLICE_LENGTHS];
    uint64_t cycles[CYCLE_ACCOUNT_COUNT]; // with what has passed of the account that is open
    uint64_t log_bytes, snapshot_bytes, sent_client_bytes, sent_pubsub_bytes, sent_replica_bytes;
    uint64_t heap_bytes[HEAP_OWNER_COUNT], heap_allocated, heap_active, heap_resident;
    // peak: of each shard at its own time, so of all together it was this at most.
    uint64_t used_bytes, peak_bytes, startup_bytes;
    uint64_t clients, blocked_clients, timeout_clients, tracking_clients, pubsub_clients,
        watching_clients;
    uint64_t watched_keys, blocking_keys, loss_keys, tracking_keys, tracking_items;
    uint64_t dirty, lazyfree_pending;
    uint64_t defrag_hits, defrag_misses, defrag_key_hits, defrag_key_misses;
    uint64_t defrag_now_ns, defrag_total_ns;
    uint64_t ops, input_bps, output_bps, turns_per_s, busy_cycles_per_s; // rates
    // The greatest of any.
    uint64_t turn_cycles_max, execute_cycles_max, slice_cycles_max, parked_cycles_max,
        client_input_max, client_output_max, defrag_percent, over_now_ns, over_total_ns;
};

void server_sums_make(struct server *s, struct server_sums *out);
void server_sum_command(struct server *s, uint16_t id, struct command_tally *out);
