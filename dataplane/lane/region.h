// region.h: the shared-memory segment of one appliance: what control and dataplane tell each other.
//
// Source:  DESIGN "Processes"
// Thread:  each part names its writer; everything else reads
// Memory:  a file in /dev/shm named after the instance (region_name), mapped by both processes, by
// penstockctl read-only It outlives either process: a new control finds a running dataplane through
// it and the other way round. Liveness is a lock (open file description lock) on a byte of the
// file, not a pid: locks die with their process.
//
//   header | control part | dataplane part | errand slot | shard part 0 | shard part 1 | ...
#pragma once
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/status.h"
#include "dataplane/base/tally.h"
#include "dataplane/lane/errand_slot.h"
#include "dataplane/lane/lane_msg.h"
#include "dataplane/lane/persist_tally.h"
#include "dataplane/lane/region_slots.h"

enum {
    REGION_VERSION = 8,
    REGION_SETTINGS_BYTES = 128 * 1024,
    REGION_LOG_BYTES = 64 * 1024, // power of two
    REGION_CRASH_BYTES = 16 * 1024,
    REGION_SHARDS_MAX = 64,
    REGION_COMMAND_NAME_BYTES = 40,
    REGION_EVENT_NAME_BYTES = 24,
    REGION_ERROR_CODES = 128,
    REGION_ERROR_CODE_BYTES = 24,
};
#define REGION_MAGIC 0x4b434f54534e4550ull // "PENSTOCK"

struct region_header {
    uint64_t magic;
    uint32_t version, header_bytes;
    uint64_t total_bytes;
    uint32_t shard_count, shard_bytes;
    uint64_t control_offset, dataplane_offset, errand_offset, shard_offset;
    uint64_t tsc_hz;   // so that readers can show cycles as time
    char instance[64]; // region_name's argument
};

// Text with a sequence number: odd while it is being written.
struct region_text {
    uint64_t sequence;
    uint32_t size;
    char text[REGION_SETTINGS_BYTES];
};

struct region_control { // written by control
    uint32_t pid;
    uint32_t dataplane_restarts; // crashes survived
    uint64_t started_wall_us, heartbeat_wall_us;
    char config_file[512], executable[512], run_id[41];
    char version[32];
    uint16_t bell_generation;
    int64_t oom_score_base; // what control was started with: oom-score-adj adds to it
    struct region_text settings; // what the dataplane starts with
};

enum dataplane_state {
    DATAPLANE_NONE,
    DATAPLANE_STARTING,
    DATAPLANE_READY,
    DATAPLANE_STOPPING,
    DATAPLANE_GONE,
    DATAPLANE_SAVING, // before it stops
};
struct region_dataplane { // written by the dataplane (shard 0, and the crash handler)
    uint32_t pid, state;
    uint64_t started_wall_us, start_tsc;
    // Names of the rows of shard_tally.commands and .latencies, for readers; "" beyond the last.
    char command_names[COMMAND_TALLY_MAX][REGION_COMMAND_NAME_BYTES];
    char event_names[LATENCY_TALLY_MAX][REGION_EVENT_NAME_BYTES];
    char start_error[512];              // why it could not start, or load: control prints it
    uint32_t is_final;                  // it ends for that reason, and is not to be started again
    uint32_t crash_signal, crash_bytes; // crash_bytes != 0: crash_text is whole
    char crash_text[REGION_CRASH_BYTES];
    struct region_slots slots;
    struct persist_tally persist;
    struct region_text live_settings; // after the last CONFIG SET; sequence 0: none
};

// Log lines of one shard on their way to control: u16 size, u8 level, u8 0, u64 wall_us, text;
// wraps.
struct region_log {
    alignas(64) uint64_t head; // bytes ever written; the shard's
    uint64_t dropped;          // lines that did not fit
    alignas(64) uint64_t tail; // bytes ever read; control's
    uint8_t bytes[REGION_LOG_BYTES];
};

// Error replies by their first word, copied a few times a second. sequence is odd meanwhile.
struct region_errors {
    uint64_t sequence;
    uint64_t count, others; // rows; replies with codes beyond them
    struct {
        char code[REGION_ERROR_CODE_BYTES];
        uint64_t count;
    } rows[REGION_ERROR_CODES];
};

struct region_shard {
    alignas(64) struct lane orders; // control -> shard
    alignas(64) struct lane events; // shard -> control
    alignas(64) struct region_log log;
    alignas(64) struct shard_tally tally; // written by the shard
    alignas(64) struct region_errors errors;
};

struct region {
    int fd;
    struct region_header *header;
    struct region_control *control;
    struct region_dataplane *dataplane;
    struct errand_slot *errand; // shard 0 asks, control answers
    char name[96];
    bool read_only;
    uint32_t role;        // enum region_role this side opened it as
    uint32_t shard_count; // as checked when it was opened: the header in shared memory may change
    uint32_t shard_bytes;
    uint64_t total_bytes;
};
struct region_shard *region_shard(const struct region *r, uint32_t index);

// Name of the instance's file under /dev/shm, from what makes an instance unique: uid, port, unix
// socket path, dir.
void region_name(char out[96], uint32_t uid, int64_t port, const char *unixsocket, const char *dir);
enum region_role { REGION_CONTROL, REGION_DATAPLANE, REGION_READER };
enum region_open_result {
    REGION_CREATED,
    REGION_FOUND,   // FOUND: valid and already used by the other side
    REGION_BUSY,    // the role is taken by a living process
    REGION_INVALID, // magic, version or sizes are wrong (a reader or the dataplane sees this)
    REGION_FAILED,  // errno tells
};
// Control creates or finds; the dataplane and readers only find. Takes the role's lock (not for
// readers).
enum region_open_result region_open(struct region *r, const char *name, enum region_role role,
                                    uint32_t shard_count);
void region_close(struct region *r, bool unlink_it);
// Control, while no dataplane lives: forgets the last one's state, lanes, tallies, crash report and
// (unless keep_live) live settings, so that a new one starts from a clean page.
void region_reset_dataplane(struct region *r, bool keep_live);
bool region_role_is_alive(const struct region *r, enum region_role role); // by the lock
// Readers: instances present in /dev/shm; calls found(name) for each.
void region_list(void (*found)(void *context, const char *name), void *context);

void region_text_write(struct region_text *t, const char *text,
                       size_t size); // size <= REGION_SETTINGS_BYTES
size_t region_text_read(const struct region_text *t, char *out,
                        size_t capacity); // retries while being written

// A copy as of one moment, codes ended with NUL whatever the writer did; false: always being
// written (the writer died half-way).
bool region_errors_read(const struct region_errors *e, struct region_errors *out);

// A shard's log line: formatted here, cut at 1024 bytes, counted as dropped when the ring is full.
// Rings the bell.
struct bell;
void region_log_write(struct region_shard *s, struct bell *bell, int level, uint64_t wall_us,
                      const char *format, ...) __attribute__((format(printf, 5, 6)));
bool region_log_read(struct region_shard *s, int *level, uint64_t *wall_us, char *text,
                     size_t text_bytes);
