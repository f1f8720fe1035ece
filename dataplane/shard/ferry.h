// ferry.h: frames between the shards of a server on the NIC transport.
//
// Source:  DESIGN "Shards"
// Thread:  the shard's; of struct ferry_ledger other shards write what is said there
// Memory:  frames are the port's. One that crosses has left its sender; every shard may give back
//          frames of each queue pair of the port (nic.h)
//
// Each shard has a TCP/IP stack with all addresses of the server. Shard i polls the port's queue
// pair i. Three ports:
//
//   as many queue pairs as shards, which keep connections together (nic_caps.keeps_flows)
//             a connection is the shard's whose queue its frames come in on
//   as many queue pairs as shards, no such promise
//             a frame goes to the shard that its connection's hash says (flow.h), whichever polled
//             it; each shard sends by its own queue pair
//   fewer     the same, and a shard without a queue pair sends through the one that has its index
//             modulo their number
//
// What teaches (ARP, neighbour discovery, ICMP errors) is read by the shard that polled it, and a
// copy by each of the others.
//   Frames have rings of their own, which are emptied once a turn. Among the mesh's words they came
// behind thousands of replies, too late for their connections and for the window below.
//   Bounds. A shard that is behind is handed no more than a window of frames: what comes in beyond
// is dropped, as a port drops what its descriptors do not hold; what shall go out stays with its
// stack, as when the port is full.
#pragma once
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/hash.h"
#include "dataplane/base/word_ring.h"
#include "dataplane/keyspace/placement.h"
#include "dataplane/nic/nic.h"

struct shard;

struct ferry_queue { // linked by frame->next
    struct frame *head, *tail;
};

// Counts for ever, modulo 2^32.
struct ferry_given {
    uint32_t in, out; // handed to a shard, so that it reads them, or sends them
};
struct ferry_ledger { // written by the shard it belongs to, read by those who hand frames to it
    alignas(64) struct ferry_given done[PLACEMENT_SHARDS_MAX]; // of what came from each
    uint32_t is_over; // it has nothing to say to its clients any more
};

struct ferry {
    struct nic_queue *port; // the queue pair that it polls, or else sends by; NULL: no NIC
    struct hash_key key;    // of what chooses a connection's shard
    uint32_t sender;        // of a shard without a queue pair: who sends for it
    uint32_t window;        // of frames under way from one shard to another, each way
    // Of frames by who hands them over: the struct frame, the receiver's from here on, and in the
    // lowest bit whether its stack shall read it or its queue pair send it. Room for both windows.
    struct word_ring *rings[PLACEMENT_SHARDS_MAX];
    shard_set told;        // those with new words in their rings, to be woken
    bool others_first;     // next time at the port
    uint32_t last_origin;  // whose frames were sent last
    struct ferry_queue in; // for its own stack
    struct ferry_queue out[PLACEMENT_SHARDS_MAX]; // to be sent for others
    shard_set out_waiting;                        // those with something in out
    struct ferry_given given[PLACEMENT_SHARDS_MAX];
    struct ferry_ledger ledger;
};

// first: queue pair 0 of the port; borrowed. Sets s->nic: what it polls itself, or NULL.
void ferry_open(struct shard *s, struct nic_queue *first);
void ferry_close(struct shard *s);
// Stacks that take frames from the pool of s->ferry.port.
uint32_t ferry_pool_sharers(const struct shard *s);

// Hands what was polled to the shards concerned. Returns how many are for its own stack, which are
// the first of frames now.
uint32_t ferry_sort(struct shard *s, struct frame **frames, uint32_t count);
// Looks what other shards have handed over: for ferry_take, and for ferry_send_others.
void ferry_poll(struct shard *s);
bool ferry_has_input(const struct shard *s); // for ferry_poll
// What of it is for this stack, at most max. Copies are read on the way.
uint32_t ferry_take(struct shard *s, struct frame **frames, uint32_t max);
// For a shard without a queue pair what nic_tx is for others: how many were taken, from the first.
uint32_t ferry_send(struct shard *s, struct frame **frames, uint32_t count);
// Sends what others handed over, as far as the port takes it.
void ferry_send_others(struct shard *s);

// All that this shard has to say has been said; true when that holds for the others too, who may
// need its queue pair until then.
bool ferry_is_over(struct shard *s);
