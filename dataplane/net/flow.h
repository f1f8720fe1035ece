// flow.h: which connection a frame belongs to, told from its bytes before any stack has seen it: so
// that stacks with the same addresses, one per thread, can share a port.
//
// Source:  RFC 793, 791, 8200, 826, 4443
// Thread:  any; no state but what is passed
//
// Looks as the layers do that will read the frame later, and judges nothing: what is malformed is
// told from where it happens to lead, and dropped there.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/hash.h"
#include "dataplane/nic/frame.h"

enum flow_kind {
    FLOW_OTHER,   // one stack, whichever, reads it
    FLOW_TCP,     // the stack that has the connection
    FLOW_TEACHES, // about neighbours and paths: one stack answers, the others hear of it
                  // (net_learn)
};

struct flow {
    enum flow_kind kind;
    // Of FLOW_TCP, within the frame:
    const uint8_t *remote_ip, *ports; // remote port, then local port
    uint32_t ip_bytes;                // 4 or 16
};

struct flow flow_of(const struct frame *f);
// 0..count-1: the same for all frames of a connection, and so spread that peers who do not know key
// cannot choose it. By the remote address and both ports: the local address is the same to all.
uint32_t flow_choose(const struct flow *flow, const struct hash_key *key, uint32_t count);
