// penstockctl_client.h: a small RESP client: connect, send one command, read one reply.
//
// Source:  RESP2 (the five reply types; CONFIG and PING answer nothing else)
// Thread:  one; blocking, with a time limit on every step
// Memory:  replies are heap trees (reply_free). What arrives is bounded: size, count and depth
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "tools/penstockctl.h"

enum {
    CLIENT_TIMEOUT_S = 5,
    CLIENT_BULK_BYTES_MAX = 64 << 20,
    CLIENT_ITEMS_MAX = 1 << 16,
    CLIENT_DEPTH_MAX = 4,
    CLIENT_LINE_BYTES_MAX = 64 * 1024
};

struct client {
    int fd;
    char buffer[16 * 1024]; // received, not yet read
    size_t at, end;
};
struct reply {
    char type; // '+', '-', ':', '$', '*'; '_' for nil
    int64_t integer;
    char *text; // '+', '-', '$': NUL-ended
    size_t size;
    struct reply *items; // '*'
    size_t count;
};

// Connects and authenticates as the options say; complains by itself. CTL_OK or the exit code.
enum ctl_exit client_open(struct client *c, const struct ctl_options *o);
void client_close(struct client *c);
// CTL_OK: *reply is filled (an error reply too); CTL_BROKEN otherwise, said on stderr.
enum ctl_exit client_call(struct client *c, int argc, const char *const *argv, struct reply *reply);
void reply_free(struct reply *r);
