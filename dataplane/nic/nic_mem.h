// nic_mem.h: the contract of nic.h over memory: two ports joined by a wire that can hurt, in
// simulated time.
//
// Thread:  one
// Memory:  owns its frames and all queues
// Every impairment comes from the seed, so a run replays.
#pragma once
#include "dataplane/base/hash.h"
#include "dataplane/nic/nic.h"

enum { NIC_MEM_QUEUES_MAX = 8 };

struct nic_mem_impairment { // probabilities in parts per million, each direction alike
    uint32_t loss_ppm, duplicate_ppm, reorder_ppm, corrupt_ppm;
    uint64_t delay_ns, jitter_ns; // one way
    uint64_t reorder_extra_ns;    // how much later a reordered frame arrives
    uint64_t bits_per_s;          // 0 = unlimited
    uint32_t queue_frames_max;    // frames in flight per direction; more are lost
};

struct nic_mem;
enum status nic_mem_open(struct nic_mem **out, uint32_t frame_count, uint32_t payload_bytes,
                         uint16_t mtu, uint64_t seed,
                         const struct nic_mem_impairment *impairment) MUST_USE;
void nic_mem_close(struct nic_mem *m); // checks that every frame came back
// The first queue of side 0 or 1, each with its own pool.
struct nic_queue *nic_mem_queue(struct nic_mem *m, uint32_t side);
// side has count queues from here on (it begins with one). keeps_flows: a frame's queue follows
// from the connection it belongs to, and is the first for what is not TCP; else it is drawn anew
// for each frame.
void nic_mem_set_queues(struct nic_mem *m, uint32_t side, uint32_t count, bool keeps_flows);
void nic_mem_set_impairment(struct nic_mem *m, const struct nic_mem_impairment *impairment);
void nic_mem_advance(struct nic_mem *m, uint64_t now_ns); // what is due by now_ns can be received
uint64_t nic_mem_next_ns(const struct nic_mem *m); // next arrival; UINT64_MAX: nothing in flight
uint32_t nic_mem_free_frames(const struct nic_mem *m, uint32_t side);
// Puts a frame made by a test on the wire towards side, unimpaired. bytes: the whole Ethernet
// frame.
bool nic_mem_inject(struct nic_mem *m, uint32_t side, struct bytes bytes);
