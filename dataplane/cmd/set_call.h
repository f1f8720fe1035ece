// set_call.h: what the commands of sets share.
//
// Source:  Redis 7.2; spec/aof.md chapter 4
// Thread:  the shard
#pragma once
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/types/set_value.h"

// The entry at the key, NULL when there is none. False after replying WRONGTYPE.
bool set_find(struct call *call, const struct key *key, enum find_flags flags, struct entry **e);
struct set_place set_place_of(struct call *call, const struct key *key, struct entry *e);
// Members left the set at p: counts them, tells of it and of the key that went with the last.
void set_note_removed(struct call *call, const struct set_place *p, uint64_t count,
                      const char *event);

// ---- members as a reply, behind a header that was written already
// Of a set that stays where it is: at once, or as a job over a cut.
void set_reply_members(struct call *call, const struct entry *e);
// As a job; the cut is taken over, its set may be gone.
void set_reply_cut(struct call *call, struct set_cut *cut);
