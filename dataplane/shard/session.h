// session.h: one client on one connection: what has been read, who it is, what it may still send.
//
// Thread:  the shard
// Memory:  allocated from the shard's heap (HEAP_SESSION) when a stream opens, freed in on_closed
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/list.h"
#include "dataplane/base/stream.h"
#include "dataplane/cmd/client.h"
#include "dataplane/resp/resp_read.h"
#include "dataplane/shard/defer.h"
#include "dataplane/shard/resume.h"

struct shard;
struct kept_request;
struct far_slot;

struct session {
    struct client client;
    struct resp_reader reader;
    struct list_node dirty;    // on shard->dirty: has output to flush, or is to be closed
    struct list_node rotation; // on shard->rotation: looked at in turn by shard_cron
    struct list_node resting;  // on shard->resting: has deferred input
    struct deferral deferral;
    struct list_node resumed;                    // on shard->resumed: may go on
    struct kept_request *kept_first, *kept_last; // requests read, not executed: it is suspended
    bool has_protocol_error;                     // to be said after them
    uint64_t soft_limit_since_ms;                // output above the soft limit since; 0 = it is not
    // Of several shards (far.h): commands whose replies are not all there, in their order.
    struct list far;
    struct far_slot *slot; // where the reply of a command that runs here goes meanwhile
    bool waits_for_far;    // nothing of it is executed until they are
    bool is_late;          // late.h, as the next three: dirty is on mesh.late
    bool is_due;           // it has waited: what is there leaves
    uint64_t late_since_ns;
    const struct list_node *late_until; // on far: the last of the replies that it waits for
    bool is_sending_again;              // far_again.h, as the next two
    uint32_t far_generation;            // of those that were sent
    uint32_t returned_count;            // that came back and wait to be sent again
    bool closing; // stream close or abort was called; nothing more is read or written
};

static inline struct session *session_of(struct client *c)
{
    return LIST_OWNER(c, struct session, client);
}

// stream_app's calls; app is the struct shard.
bool session_on_open(void *app, struct stream *stream);
void session_on_data(void *app, struct stream *stream, struct bytes data);
void session_on_end(void *app, struct stream *stream);
void session_on_drained(void *app, struct stream *stream);
void session_on_closed(void *app, struct stream *stream, enum stream_close why);

// Parses data (bytes of session's stream that arrived at arrival_tsc) into the shard's batch,
// running the batch when it fills up.
void session_parse(struct shard *shard, struct session *session, struct bytes data,
                   uint64_t arrival_tsc);
void session_protocol_error(struct shard *shard, struct session *session); // as its reader says
// The peer sends no more: what is queued leaves, then the connection is closed.
void session_end(struct shard *shard, struct session *session);
void session_wait_for_far(struct session *session);
void session_mark_dirty(struct shard *shard, struct session *session);
// End of turn for a session on the dirty list: output limits, flush, closing.
void session_flush(struct shard *shard, struct session *session);
// client-output-buffer-limit: who is above it is to be closed at the end of the turn, and runs no
// further command.
void session_enforce_output_limit(struct shard *shard, struct session *session);
// Now and then (shard_cron): idle timeout, soft output limit, buffer levels.
void session_check(struct shard *shard, struct session *session);
