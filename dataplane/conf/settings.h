// settings.h: every directive of the server: one row each, one typed field each.
//
// Source:  redis.conf of Redis 7.2 (names, units, ranges, defaults, error texts)
// Thread:  a struct settings has one owner; the table is const
// Memory:  text fields are heap copies owned by the struct (settings_close frees them)
// Both processes use this: control reads files and arguments, the dataplane reads the text that
// control publishes and answers CONFIG GET/SET. So the folder lies below both and knows neither.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/status.h"

enum setting_kind {
    SETTING_BOOL,          // bool            yes | no
    SETTING_COUNT,         // int64_t         plain integer, min..max; words[0], if any, names 0
    SETTING_BYTES,         // uint64_t        memory units (1gb), min..max
    SETTING_BYTES_PERCENT, // int64_t         memory units, or a percentage kept as a negative
                           // number (maxmemory-clients)
    SETTING_OCTAL,         // int64_t         unixsocketperm
    SETTING_ENUM,          // int64_t         one of row->words
    SETTING_FLAGS,         // int64_t         several of row->words (shutdown-on-sigterm)
    SETTING_TEXT,          // char *          one word, may be empty
    SETTING_WORDS,         // struct setting_words   a list in one line (bind), replaced as a whole
    SETTING_LINES,         // struct setting_words   a line each, repeated directives add (user,
                           // rename-command,
    //                 nic-address, nic-devargs); "" clears where Redis lets it
    SETTING_SAVE,          // struct setting_save    save <seconds> <changes> ...
    SETTING_OUTPUT_LIMITS, // struct setting_output_limit[3]   client-output-buffer-limit
    SETTING_EVENTS,        // char *          notify-keyspace-events, canonical letters
};
enum setting_flags {
    SETTING_AT_START = 1,    // CONFIG SET answers "can't set immutable config"
    SETTING_NOT_YET = 2,     // accepted, no effect yet: said at start
    SETTING_SECRET = 4,      // not written to logs
    SETTING_PROTECTED = 8,   // CONFIG SET only with enable-protected-configs
    SETTING_HIDDEN = 16,     // CONFIG GET shows it only when named exactly
    SETTING_MANY_WORDS = 32, // a text of several words (oom-score-adj-values); max: exactly so
                             // many, 0: any number
    SETTING_QUOTED = 64,     // a line's words are kept in quotes where they need them (user)
};

struct setting_words {
    char **words;
    uint32_t count;
};
struct setting_save_point {
    int64_t seconds, changes;
};
struct setting_save {
    struct setting_save_point points[16];
    uint32_t count;
    bool given;
};
struct setting_output_limit {
    uint64_t hard_bytes, soft_bytes;
    int64_t soft_seconds;
};
enum output_limit {
    OUTPUT_LIMIT_NORMAL,
    OUTPUT_LIMIT_REPLICA,
    OUTPUT_LIMIT_PUBSUB,
    OUTPUT_LIMIT_COUNT
};

enum { LOG_DEBUG, LOG_VERBOSE, LOG_NOTICE, LOG_WARNING, LOG_NOTHING }; // loglevel
enum { TRANSPORT_SOCKET, TRANSPORT_NIC };
enum { APPENDFSYNC_EVERYSEC, APPENDFSYNC_ALWAYS, APPENDFSYNC_NO }; // appendfsync
enum {                                                             // maxmemory-policy
    EVICT_VOLATILE_LRU,
    EVICT_VOLATILE_LFU,
    EVICT_VOLATILE_RANDOM,
    EVICT_VOLATILE_TTL,
    EVICT_ALLKEYS_LRU,
    EVICT_ALLKEYS_LFU,
    EVICT_ALLKEYS_RANDOM,
    EVICT_NOEVICTION,
};
enum { CHANNELS_ALL, CHANNELS_NONE };                 // acl-pubsub-default
enum { OOM_NO, OOM_YES, OOM_RELATIVE, OOM_ABSOLUTE }; // oom-score-adj
enum { LOCAL_NO, LOCAL_YES, LOCAL_ONLY };             // enable-debug-command and the like

// The fields that code reads. Directives without an effect yet keep only their text (in other[]).
struct settings {
    // network
    struct setting_words bind; // bind 127.0.0.1 -::1; a leading '-' tolerates absence
    int64_t port, tcp_backlog, timeout, tcp_keepalive, maxclients, unixsocketperm;
    char *unixsocket;
    bool protected_mode;
    struct setting_output_limit output_limits[OUTPUT_LIMIT_COUNT];
    uint64_t query_buffer_limit, proto_max_bulk_len;
    // general
    bool daemonize, syslog_enabled, always_show_logo;
    int64_t supervised, loglevel, databases, hz, syslog_facility, shutdown_on_sigterm,
        shutdown_on_sigint;
    char *pidfile, *logfile, *syslog_ident, *dir, *dbfilename, *requirepass, *proc_title_template;
    struct setting_save save;
    int64_t oom_score_adj;
    int64_t enable_debug_command, enable_module_command, enable_protected_configs;
    // users
    char *aclfile;
    struct setting_words users; // lines, without "user"; words in quotes where they need them
    int64_t acl_pubsub_default, acllog_max_len;
    // memory
    uint64_t maxmemory;
    int64_t maxmemory_clients; // bytes, or percent of maxmemory as a negative
    int64_t maxmemory_policy, maxmemory_samples, lfu_log_factor, lfu_decay_time;
    int64_t hash_max_listpack_entries, hash_max_listpack_value, list_max_listpack_size,
        set_max_intset_entries, set_max_listpack_entries, set_max_listpack_value,
        zset_max_listpack_entries, zset_max_listpack_value, stream_node_max_bytes,
        stream_node_max_entries, hll_sparse_max_bytes;
    bool rdbcompression, rdbchecksum, stop_writes_on_bgsave_error;
    uint64_t snapshot_max_extra_memory; // bytes, of all shards together
    // Microseconds; below 0: keys per microsecond.
    int64_t rdb_key_save_delay, key_load_delay;
    bool activedefrag;
    uint64_t active_defrag_ignore_bytes;
    int64_t active_defrag_threshold_lower, active_defrag_threshold_upper, active_defrag_cycle_min,
        active_defrag_cycle_max;
    // the append-only log
    bool appendonly, no_appendfsync_on_rewrite, aof_load_truncated, aof_use_rdb_preamble,
        aof_timestamp_enabled, aof_disable_auto_gc;
    int64_t appendfsync, auto_aof_rewrite_percentage;
    uint64_t auto_aof_rewrite_min_size; // bytes
    char *appendfilename, *appenddirname;
    // scripting
    int64_t busy_reply_threshold;
    uint64_t script_undo_memory;
    // tls
    int64_t tls_port, tls_auth_clients, tls_session_cache_size, tls_session_cache_timeout;
    bool tls_session_caching, tls_prefer_server_ciphers, tls_replication, tls_cluster;
    char *tls_cert_file, *tls_key_file, *tls_key_file_pass, *tls_client_cert_file,
        *tls_client_key_file, *tls_client_key_file_pass, *tls_dh_params_file, *tls_ca_cert_file,
        *tls_ca_cert_dir, *tls_protocols, *tls_ciphers, *tls_ciphersuites;
    // operators
    char *notify_keyspace_events;
    int64_t tracking_table_max_keys;
    int64_t slowlog_log_slower_than, slowlog_log_wait_slower_than, slowlog_max_len,
        latency_monitor_threshold;
    bool latency_tracking;
    char *latency_percentiles; // in canonical form
    // ours. shards: 0 (auto) as asked for; what runs has its number
    int64_t transport, shards, core, housekeeping_core, nic_memory_mb, nic_rx_descriptors,
        nic_tx_descriptors, nic_frames, nic_mtu, nic_vlan, nic_congestion, admin_reserved_clients,
        socket_gather_us, metrics_port;
    bool busy_poll, nic_no_huge, nic_software_checksum;
    struct setting_words nic_devargs, nic_address; // lines
    struct setting_words metrics_bind;
    char *nic_eal_args, *nic_gateway, *nic_gateway6;
    int64_t nic_connections, nic_syn_backlog;
    uint64_t nic_send_buffer, nic_receive_buffer;
    char **other; // text of the rows that have no typed field, by row index
};

struct setting_row {
    const char *name;
    const char *alias; // slave-... names, or NULL
    enum setting_kind kind;
    uint32_t offset; // of the field in struct settings; UINT32_MAX: kept as text in other[]
    int64_t min, max;
    const char *normal;       // default, as text
    uint32_t flags;           // enum setting_flags
    const char *const *words; // SETTING_ENUM, SETTING_FLAGS: NULL-ended, the value is the index (or
                              // bit); SETTING_COUNT: another name of 0, or NULL
    const char *help;         // one line
};
extern const struct setting_row setting_rows[];
extern const uint32_t setting_row_count;

enum { SETTING_ERROR_MAX = 256, SETTING_TEXT_MAX = 64 * 1024, SETTING_CORES_MAX = 1024 };

void settings_init(struct settings *s); // every default
void settings_close(struct settings *s);
void settings_copy(struct settings *to,
                   const struct settings *from); // deep; to is not closed first
const struct setting_row *
setting_find(struct bytes name); // case folded, aliases too; NULL: unknown
// One directive's arguments (without its name). error gets Redis's text ("argument must be 'yes' or
// 'no'", ...). repeat: for SETTING_LINES and save, whether this is a further line of the same
// source (adds) or the first (replaces).
enum status setting_assign(struct settings *s, const struct setting_row *row,
                           const struct bytes *words, uint32_t count, bool repeat,
                           char error[SETTING_ERROR_MAX]) MUST_USE;
// CONFIG SET form: the whole value as one text (split into words by the kind's rules).
enum status setting_assign_text(struct settings *s, const struct setting_row *row,
                                struct bytes text, char error[SETTING_ERROR_MAX]) MUST_USE;
// CONFIG GET form. Returns the length, at most capacity (never truncates a value shorter than
// SETTING_TEXT_MAX).
size_t setting_text(const struct settings *s, const struct setting_row *row, char *out,
                    size_t capacity);
// Rules that span directives (output: error). Called after a file, an argument list or a CONFIG
// SET.
enum status settings_check(const struct settings *s, char error[SETTING_ERROR_MAX]) MUST_USE;

// The score that oom-score-adj and oom-score-adj-values ask for, of a primary. base: what the
// process was started with.
int64_t settings_oom_score(const struct settings *s, int64_t base);

// All of it as configuration text, and back: how control hands settings to the dataplane. Lossless.
size_t settings_write(const struct settings *s, char *out, size_t capacity); // 0: does not fit
