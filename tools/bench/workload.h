// workload.h: the requests: which command, key and value come next, their bytes, and whether a
// value that comes back is the one that was set.
//
// Thread:  the generator
// Memory:  one pattern buffer of value_max + 4 KiB, the command's bytes, and with steering a byte
// for
//          each key
// A value's bytes follow from its key alone, whatever its length: so a GET can be checked without
// remembering what was set.
#pragma once
#include "dataplane/base/bytes.h"
#include "tools/bench/homes.h"
#include "tools/bench/keys.h"
#include "tools/bench/sizes.h"

// From OP_AUTH on: what a connection begins with.
enum workload_op { OP_GET, OP_SET, OP_COMMAND, OP_AUTH, OP_CLIENT_ID, OP_COUNT };

struct request {
    uint32_t key;
    uint32_t value_bytes; // OP_SET
    uint8_t op;           // enum workload_op
};

struct workload_config {
    uint64_t key_count;
    uint32_t key_bytes; // "key:" and the index in decimal, zeros between
    double zipf_theta;  // 0: uniform
    struct sizes sizes;
    double read_ratio; // 1: GET only
    uint64_t seed;
    // Words of a command in place of GET and SET, NULL: none. __rand_int__ becomes a 12-digit
    // number below key_count, __data__ a value of sizes.max bytes (as redis-benchmark's).
    const char *command;
    uint64_t expire_at_ms;     // SET ... PXAT; 0: without
    uint32_t expire_spread_ms; // the deadlines lie this far apart at most, by key
    uint32_t steer_shards;     // of the server, when keys are drawn of one shard; 0: of any
};

enum { WORKLOAD_HEAD_MAX = KEY_BYTES_MAX + 64, WORKLOAD_RANDOM_MAX = 64 };

struct workload {
    struct workload_config config;
    struct keys keys;
    struct homes homes;
    struct rng rng;
    uint32_t digits;
    uint64_t read_below; // of a 32-bit random number
    uint32_t get_bytes, set_bytes;
    uint32_t get_digits_at, set_digits_at; // where the index goes
    uint8_t get[WORKLOAD_HEAD_MAX];        // a whole GET
    uint8_t set[WORKLOAD_HEAD_MAX];        // a SET up to and with its key's line end
    uint8_t *pattern;
    uint8_t *command; // OP_COMMAND, encoded; owned
    uint32_t command_bytes, random_count;
    uint32_t random_at[WORKLOAD_RANDOM_MAX]; // where in it numbers go
};

// ERR_NO_SPACE: a value out of range, key_bytes too short for key_count, a command without words or
// with too many random ones, a shard without keys, or no memory.
enum status workload_open(struct workload *w, const struct workload_config *config) MUST_USE;
void workload_close(struct workload *w);

// home: the shard whose keys are drawn, when steered; each as often as without steering among them.
void workload_next(struct workload *w, uint32_t home, struct request *out);
// The SET that fills in key.
void workload_fill(struct workload *w, uint32_t key, struct request *out);
uint32_t workload_request_bytes(const struct workload *w, const struct request *r);
// Writes OP_GET or OP_SET; returns its length, workload_request_bytes.
uint32_t workload_encode(const struct workload *w, const struct request *r, uint8_t *out);
// Bytes [offset, offset + piece.size) of a value of key?
bool workload_matches(const struct workload *w, uint32_t key, uint64_t offset, struct bytes piece);
