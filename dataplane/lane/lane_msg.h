// lane_msg.h: the catalogue of messages between control and the shards.
#pragma once
#include "dataplane/lane/lane.h"

enum lane_kind {
    // control -> shard
    LANE_STOP = 1,     // stop in order: a = enum lane_stop_flags
    LANE_LOG_REOPENED, // (reserved for the operator: control reopened its log file)
    LANE_PING,         // a = number; answered with LANE_PONG
    LANE_STATS_RESET,  // CONFIG RESETSTAT from the console
    LANE_ERRAND_DONE,  // a = number: the answer is in the region's errand slot
    // To shard 0 alone: slots a = first to b = last, 0..REGION_SLOTS - 1, are to belong to shard c.
    // Done with all shards held, so that it is one moment for clients; it shows in the region's
    // slots. What makes no sense is logged and left alone.
    LANE_MOVE_SLOTS,
    // shard -> control
    LANE_READY = 64, // listening and serving: a = tcp port (0: none)
    LANE_STOPPING,   // SHUTDOWN was accepted: a = enum lane_stop_flags, b = client id. Control must
                     // not restart it
    LANE_STOPPED,    // last message: everything is closed; a = exit code
    LANE_SETTINGS,   // CONFIG SET changed something: region's live settings hold the new text
    LANE_PONG,
    LANE_STOP_REFUSED, // what LANE_STOP asked for failed (it could not save): the server goes on
    LANE_ERRAND,       // a = number: a request is in the region's errand slot
};
enum lane_stop_flags {
    LANE_STOP_SAVE = 1,
    LANE_STOP_NOSAVE = 2,
    LANE_STOP_NOW = 4,
    LANE_STOP_FORCE = 8
};
