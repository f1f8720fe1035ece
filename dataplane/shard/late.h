// late.h: output that waits for replies of other shards, to leave together with them.
//
// Source:  DESIGN "Shards"
// Thread:  the shard of the connection
// Memory:  none; a session that waits has its place among the dirty ones on mesh.late
//
// Half of a pipeline may be answered here at once and the rest a moment later, by other shards: to
// send the first half alone would be one more system call and one more packet. So it waits, but
// not for long: for the replies that are under way when it begins, never for those of commands that
// come meanwhile; until there is much to send; and never longer than a given time, so that little
// waits for a shard that is slow.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct list_node;
struct session;
struct shard;

// At the end of a turn, for a session that has far calls. False: its output leaves now.
bool late_begin(struct shard *s, struct session *session);
// A reply to it was appended to its output; got: the node on session->far that it had.
void late_got_reply(struct shard *s, struct session *session, const struct list_node *got);
// Those that have waited long enough are dirty again.
void late_end_overdue(struct shard *s);
uint64_t
late_next_ns(const struct shard *s); // when the first one will have; UINT64_MAX: nobody waits
