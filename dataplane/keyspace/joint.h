// joint.h: the keyspaces of several shards as one, for a command that runs with all of them.
//
// Source:  DESIGN "Shards": "the command runs on the initiating core as if it owned them all"
// Thread:  whoever holds the shards whose keys it touches (shard/meeting.h); a shard has a joint
//          keyspace of its own to run such commands with
// Memory:  the homes are borrowed; everything of a key is allocated in its home
//
// A joint keyspace is a struct keyspace that has no tables: each call of keyspace.h about a key or
// an entry goes on to the home of that key (the slot's shard), each call about a database to all
// homes. A keyspace that is none pays one branch that is always the same.
//
//   keyspace_size, keyspace_flush, ...   the sum; the same done to each home
//   keyspace_random                      each key with the same chance
//   keyspace_scan                        the positions of a cursor mean the same place in every
//                                        home (they share the hash key): the next cursor is the
//                                        least of theirs, and keys beyond it are left for later, so
//                                        that a key which moves between shards is not missed
//   keyspace_rename, keyspace_copy       between homes: the value is made anew in the other one, in
//                                        one go (in slices: remake.h)
//   keyspace_walk_begin (walk.h)         home by home; to its end within the command
//   key_image_* (key_image.h)            in the home of the key
//   keys in transit (placement.h)        where they are; those that are nowhere, where they go
//   string_set                           an argument's blob of another heap than the home's is
//                                        copied
//   keyspace_space, keyspace_hash_deadlines   CHECK fails (use keyspace_space_for)
//   keyspace_dirty, keyspace_add_dirty   the sum of the homes' and its own; its own, which no home
//                                        knows of: who has the key at hand adds to its home's
//   work between commands, hooks, settings, eviction   CHECK fails
#pragma once
#include "dataplane/keyspace/keyspace.h"
#include "dataplane/keyspace/placement.h"

// homes: placement->shard_count of them, in the order of the shards.
enum status keyspace_open_joint(struct keyspace **out, struct heap *heap,
                                const struct placement *placement, struct keyspace *const *homes,
                                struct shard_tally *tally) MUST_USE;
// keyspace_close closes it, too; its homes stay.
bool keyspace_is_joint(const struct keyspace *k);
// Where key is or would be: k itself, unless k is joint.
struct keyspace *keyspace_home(struct keyspace *k, struct bytes key);
// What is allocated for key's value.
struct tree_space *keyspace_space_for(struct keyspace *k, struct bytes key);
