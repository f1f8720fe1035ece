// mesh.h: messages between shards: words in rings, sent in batches, each with a meaning and a
// pointer.
//
// Source:  DESIGN "Shards"
// Thread:  the shard's
// Memory:  what does not fit into a ring waits in a list of the sender's (HEAP_OTHER). Whose the
//          memory behind a pointer is, is said with each kind
//
// Words from one shard to another arrive in order. They leave with mesh_flush, once per turn and
// after each portion of input, so that many commands for one shard travel as one batch; a shard
// that sleeps is woken then, one that runs looks at its rings on every turn.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/list.h"
#include "dataplane/shard/hub.h"

struct shard;

enum mesh_kind {
    MESH_CALL,    // struct far_call: run it. The sender's, lent until MESH_REPLY
    MESH_REPLY,   // struct far_call: its reply is there
    MESH_RELEASE, // struct proxy: its output has been read. The receiver's
    MESH_CANCEL,  // struct far_call: its client is gone. A reply follows nevertheless
    MESH_ASK,     // struct rendezvous: say so when you are not in the midst of a command
    MESH_READY,   // struct rendezvous: the answer
    MESH_NOTE,    // struct mesh_note: run it, then free it
    MESH_KIND_COUNT
};

// For what happens now and then: the head of mesh_note_new's memory, freed by the receiver.
struct mesh_note {
    void (*run)(struct shard *s, struct mesh_note *note);
};

struct mesh_outbox {
    uint64_t *words;
    uint32_t first, count, room;
};
struct far_kept { // free far calls or slots, by their link.next
    struct list_node *first;
    uint32_t count;
};
struct mesh {
    struct hub *hub; // borrowed; NULL: there is one shard only
    uint32_t index;
    shard_set waiting;                    // those with words in their outbox
    struct far_kept far_calls, far_slots; // far.h
    struct list late;                     // late.h: of struct session.dirty
    struct mesh_outbox outboxes[PLACEMENT_SHARDS_MAX];
};

void mesh_open(struct shard *s, struct hub *hub);
void mesh_close(struct shard *s);
void mesh_send(struct shard *s, uint32_t to, enum mesh_kind kind, void *pointer);
// bytes of memory that begin with a struct mesh_note; the rest is not set.
void *mesh_note_new(size_t bytes, void (*run)(struct shard *s, struct mesh_note *note));
void mesh_send_note(struct shard *s, uint32_t to, struct mesh_note *note);
void mesh_flush(struct shard *s);
// Acts on what has arrived, at most budget words of each shard. Returns how many.
uint32_t mesh_poll(struct shard *s, uint32_t budget);
bool mesh_has_input(const struct shard *s); // words, or frames (ferry.h)
