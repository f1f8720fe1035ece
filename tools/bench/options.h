// options.h: the command line of penstock-bench.
//
// Thread:  main, before anything starts
// Memory:  texts point into argv
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/status.h"
#include "tools/bench/sizes.h"

enum bench_mode { BENCH_LOAD, BENCH_ECHO, BENCH_FRAMES, BENCH_NOISE, BENCH_COMPARE };

enum { OPTIONS_ERROR_BYTES = 160 };

struct options {
    enum bench_mode mode;
    bool wants_help;
    // Where to
    const char *host, *socket_path, *ca_file, *user, *password;
    uint64_t port;
    // The load
    uint64_t connections, pipeline, keys, key_bytes, requests, seed, tick_us, steer;
    const char *sizes_text, *keys_text, *type, *arrivals, *expire_at, *command;
    struct sizes sizes;
    double theta, read_ratio, rate, duration_s, warm_up_s;
    bool is_poisson, fill, fill_only, verify, require_hits;
    uint64_t expire_at_ms, expire_spread_ms;
    // The port of the NIC transport
    const char *devargs, *eal_args, *address, *target, *gateway;
    bool no_huge, software_checksum;
    uint64_t memory_mb, frames, descriptors, mtu, window, frame_bytes;
    // The run
    int64_t core;
    uint64_t server_pid;
    const char *json_path; // "-": standard output in place of the text
    bool quiet, progress;
    // compare
    const char *penstock_path, *redis_path, *penstock_args, *redis_args;
    uint64_t rounds;
    int64_t server_core;
};

// ERR_PEER with *error filled when an argument is wrong.
enum status options_parse(struct options *o, int argc, char **argv, char *error) MUST_USE;
void options_print_help(void);
