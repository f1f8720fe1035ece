// penstockctl.h: what the verbs of penstockctl share: options, exit codes, the list of verbs.
//
// Thread:  one
// Memory:  option texts are borrowed from argv or the environment
#pragma once
#include <stdbool.h>
#include <stdint.h>

// Documented in --help; scripts rely on them.
enum ctl_exit {
    CTL_OK = 0,
    CTL_ANSWERED_ERROR = 1, // the server said no; status: not fully serving; a file is broken
    CTL_USAGE = 2,
    CTL_NOT_RUNNING = 3, // no connection, no such instance
    CTL_BROKEN = 4,      // connection lost or no sense in the answer
};

struct ctl_options {
    const char *host, *socket, *password, *user, *instance;
    int port;
    bool port_given, json, once;
    double interval_s;
    struct {
        int64_t database;  // -1: all
        uint32_t pipeline; // 0: not said
        bool replaces, keeps_going;
    } import;
};

// argc counts the words behind the verb.
enum ctl_exit ctl_ping(const struct ctl_options *o, int argc, char **argv);
enum ctl_exit ctl_config(const struct ctl_options *o, int argc, char **argv);
enum ctl_exit ctl_status(const struct ctl_options *o, int argc, char **argv);
enum ctl_exit ctl_shards(const struct ctl_options *o, int argc, char **argv);
enum ctl_exit ctl_shards_move(const struct ctl_options *o, int argc, char **argv);
enum ctl_exit ctl_top(const struct ctl_options *o, int argc, char **argv);
enum ctl_exit ctl_check_aof(const struct ctl_options *o, int argc, char **argv);
enum ctl_exit ctl_check_rdb(const struct ctl_options *o, int argc, char **argv);
enum ctl_exit ctl_dump_rdb(const struct ctl_options *o, int argc, char **argv);
enum ctl_exit ctl_import(const struct ctl_options *o, int argc, char **argv);

__attribute__((format(printf, 1, 2))) void ctl_complain(const char *format, ...); // on stderr
