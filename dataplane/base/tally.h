// tally.h: what one shard counts: the ledger's accounts and Redis's INFO counters. One writer, many
// readers.
//
// Source:  DESIGN "The ledger"
// Thread:  written by its shard with plain stores; read by anyone, field by field (each is one
// aligned 8-byte word) Memory:  lives in the shared region, so penstockctl and the control plane
// read it without disturbing the shard Units:   cycles in TSC, bytes, counts since start (or since
// CONFIG RESETSTAT for those that Redis resets)
#pragma once
#include <stdint.h>
#include "dataplane/base/clock.h"
#include "dataplane/base/heap.h"
#include "dataplane/base/histogram.h"

// Where a shard's cycles go. Exactly one account is open at any time; what no stage claims is
// CYCLES_LOOP.
enum cycle_account {
    CYCLES_LOOP,
    CYCLES_RX,
    CYCLES_TCP,
    CYCLES_PARSE,
    CYCLES_EXECUTE,
    CYCLES_EXPIRY,
    CYCLES_EVICTION,
    CYCLES_DEFRAG,
    CYCLES_SNAPSHOT,
    CYCLES_LOG,
    CYCLES_REPLICATION,
    CYCLES_REPLY,
    CYCLES_TLS, // handshakes, decrypting and encrypting
    CYCLES_TX,
    CYCLES_TIMERS,
    CYCLES_CONTROL,
    CYCLES_PARKED, // standing at a rendezvous while another shard runs a command
    CYCLES_IDLE,
    CYCLE_ACCOUNT_COUNT
};

// X(field): counters that CONFIG RESETSTAT clears.
#define TALLY_RESETTABLE(X)                                                                        \
    X(connections_received)                                                                        \
    X(connections_rejected)                                                                        \
    X(connections_rejected_auth)                                                                   \
    X(commands_processed)                                                                          \
    X(keyspace_hits)                                                                               \
    X(keyspace_misses)                                                                             \
    X(expired_keys)                                                                                \
    X(expired_subkeys)                                                                             \
    X(expired_stale_slices)                                                                        \
    X(lazyfreed_objects)                                                                           \
    X(evicted_keys) X(evicted_clients) X(error_replies) X(net_input_bytes) X(net_output_bytes)     \
        X(reads_processed) X(writes_processed) X(output_limit_disconnections)                      \
            X(query_limit_disconnections) X(protocol_errors) X(timeout_disconnections)             \
                X(acl_denied_auth) X(acl_denied_command) X(acl_denied_key)                         \
                    X(acl_denied_channel) X(tls_handshakes) X(tls_resumed) X(tls_failures)         \
                        X(tls_timeouts) X(tls_refusals) X(far_calls) X(rendezvous_held)        \
                            X(rendezvous_stood) X(rendezvous_given_up)
// X(field): levels, set to their present value. Of the log's bytes, buffered: the kernel has not
// taken them; unsynced: it has, and the disk perhaps not; lag: both, what a power loss would cost.
#define TALLY_LEVELS(X)                                                                            \
    X(connected_clients)                                                                           \
    X(blocked_clients)                                                                             \
    X(keys)                                                                                        \
    X(keys_with_deadline) X(lazyfree_pending) X(dirty) X(client_input_max) X(client_output_max)    \
        X(pubsub_channels) X(pubsub_patterns) X(pubsub_shard_channels)                             \
            X(timeout_clients) X(tracking_clients)                                                 \
            X(tracking_keys) X(tracking_items) X(tracking_prefixes)                                \
            X(slowlog_entries) X(cached_scripts) X(functions) X(libraries)                         \
            X(script_vm_bytes) X(script_bytes) X(defrag_percent)                                   \
            X(defrag_hits) X(defrag_misses) X(defrag_key_hits)                                     \
            X(defrag_key_misses) X(snapshot_extra_bytes)                                           \
            X(log_appended_bytes) X(log_file_bytes) X(log_buffered_bytes)                          \
            X(log_unsynced_bytes) X(log_lag_bytes) X(log_delayed_syncs)
// X(field): frames on the NIC transport that were not ours, by reason; and TCP's own counters.
#define TALLY_NET(X)                                                                               \
    X(rx_frames)                                                                                   \
    X(rx_bytes)                                                                                    \
    X(tx_frames)                                                                                   \
    X(tx_bytes)                                                                                    \
    X(tx_refused)                                                                                  \
    X(drop_short)                                                                                  \
    X(drop_ethertype)                                                                              \
    X(drop_vlan)                                                                                   \
    X(drop_not_for_us) X(drop_ip_header) X(drop_ip_checksum) X(drop_ip_fragment)                   \
        X(drop_ip_protocol) X(drop_l4_checksum) X(drop_tcp_header) X(drop_tcp_option)              \
            X(drop_tcp_no_connection) X(drop_tcp_window) X(drop_tcp_paws) X(drop_tcp_memory)       \
                X(drop_arp) X(drop_icmp) X(drop_nd) X(drop_no_route) X(drop_no_buffer)             \
                    X(tcp_accepted) X(tcp_opened) X(tcp_closed) X(tcp_resets_in) X(tcp_resets_out) \
                        X(tcp_syn_cookies_sent) X(tcp_syn_cookies_ok) X(tcp_retransmits)           \
                            X(tcp_fast_retransmits) X(tcp_timeouts) X(tcp_out_of_order)            \
                                X(tcp_duplicates) X(tcp_challenge_acks) X(tcp_zero_window_probes)  \
                                    X(tcp_keepalives) X(icmp_echo) X(arp_replies)

#define TALLY_FIELD(name) uint64_t name;
struct net_tally {
    TALLY_NET(TALLY_FIELD)
};

enum { COMMAND_TALLY_MAX = 512 };
struct command_tally { // indexed by command id (cmd_table)
    uint64_t calls, rejected, failed;
    uint64_t wait_cycles; // arrival (rx burst, receive completion) to start of execution
    uint64_t execute_cycles;
    uint64_t wait_cycles_max, execute_cycles_max;
};

enum { SLICE_STEP_US = 50, SLICE_LENGTHS = 42 };

enum { DATABASE_TALLY_MAX = 256 }; // databases beyond are in the totals only
struct database_tally {            // levels, copied from the keyspace a few times a second
    uint64_t keys, keys_with_deadline;
    uint64_t ttl_ms_average; // of keys_with_deadline
};

// Copied a few times a second too; of several shards the youngest counts.
struct slowlog_tally { // the newest entry; all zero: there is none
    uint64_t time_s, id, execute_us;
};
enum { LATENCY_TALLY_MAX = 16 };
struct latency_tally { // indexed by kind of event; the newest sample; all zero: there is none
    uint64_t time_s, latency_ms;
};

struct shard_tally {
    uint64_t turns, turns_busy;  // loop iterations; those that did work
    uint64_t turn_cycles_max;    // longest turn, without the kernel call (send, sleep) that ends it
    uint64_t execute_cycles_max; // longest single command
    uint64_t parked_cycles_max;  // longest time at a rendezvous
    uint64_t snapshot_slice_cycles_max; // of the snapshot under way, or the last one
    // Slices of work that shares the core with commands: long commands, expiry, frees, eviction.
    uint64_t slices, slice_cycles, slice_cycles_max;
    uint64_t slice_lengths[SLICE_LENGTHS]; // by SLICE_STEP_US; the last one: longer
    uint64_t slice_step_cycles;            // of one SLICE_STEP_US; the shard sets it
    // Of each rendezvous that this shard held, in cycles: from when the last shard stood until all
    // were let go, and from when the first did, which is the holder itself.
    struct histogram rendezvous_all_stand, rendezvous_first_stands;
    uint64_t cycles[CYCLE_ACCOUNT_COUNT];
    // The same as of settled_tsc, when idle time was last parted into sleep and work: never less
    // than before, and no account is open.
    uint64_t settled_cycles[CYCLE_ACCOUNT_COUNT], settled_tsc;
    TALLY_RESETTABLE(TALLY_FIELD)
    TALLY_LEVELS(TALLY_FIELD)
    uint64_t
        heap_bytes[HEAP_OWNER_COUNT]; // levels, copied from the shard's heap a few times a second
    uint64_t heap_allocated, heap_active, heap_resident, heap_peak;
    uint64_t heap_startup;      // booked when the shard was open and empty
    uint64_t refreshed_wall_us; // when these levels were copied; stands still when the shard does
    uint64_t log_bytes, snapshot_bytes; // disk writes by class
    uint64_t sent_client_bytes, sent_pubsub_bytes, sent_replica_bytes;
    struct net_tally net;
    struct slowlog_tally slowlog_last;
    struct latency_tally latencies[LATENCY_TALLY_MAX];
    struct database_tally databases[DATABASE_TALLY_MAX];
    struct command_tally commands[COMMAND_TALLY_MAX];
};

// The stopwatch of a loop: closes the open account and opens another. One rdtsc.
struct cycle_meter {
    uint64_t *cycles; // shard_tally.cycles
    uint64_t since;
    enum cycle_account open;
};
static inline uint64_t cycle_meter_switch(struct cycle_meter *m, enum cycle_account to)
{
    uint64_t now = clock_tsc();
    m->cycles[m->open] += now - m->since;
    m->since = now;
    m->open = to;
    return now;
}

// Names for INFO, metrics and penstockctl; the order is the enum's or the struct's.
extern const char *const cycle_account_names[CYCLE_ACCOUNT_COUNT];
extern const char *const heap_owner_names[HEAP_OWNER_COUNT];
struct tally_row {
    const char *name;
    uint32_t offset; // into shard_tally (net rows too)
    uint32_t kind;   // TALLY_ROW_*
};
enum { TALLY_ROW_RESETTABLE, TALLY_ROW_LEVEL, TALLY_ROW_NET };
extern const struct tally_row tally_rows[];
extern const uint32_t tally_row_count;
static inline void tally_slice(struct shard_tally *t, uint64_t cycles)
{
    uint64_t step = t->slice_step_cycles ? cycles / t->slice_step_cycles : 0;
    t->slices++;
    t->slice_cycles += cycles;
    if (cycles > t->slice_cycles_max) t->slice_cycles_max = cycles;
    t->slice_lengths[step < SLICE_LENGTHS ? step : SLICE_LENGTHS - 1]++;
}
// All but idle time: what Redis calls the duration of its event loop.
static inline uint64_t tally_busy_cycles(const struct shard_tally *t)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < CYCLE_ACCOUNT_COUNT; i++)
        if (i != CYCLES_IDLE) sum += t->cycles[i];
    return sum;
}
void tally_reset(
    struct shard_tally *t); // CONFIG RESETSTAT: resettable rows, command tallies and maxima
