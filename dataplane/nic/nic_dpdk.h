// nic_dpdk.h: the queue pairs of DPDK ports, as nic.h has them. The only module that sees DPDK.
//
// Source:  DPDK 22.11 ethdev, mbuf, mempool; spec/testbed.md for what each virtual port can do
// Thread:  open and close from the main thread, before and after the pollers
// Memory:  EAL and its mempools live until the process ends
#pragma once
#include "dataplane/nic/nic.h"

struct nic_dpdk_config {
    const char *const *devargs; // vdevs or PCI addresses; each one becomes a port, in order
    uint32_t devarg_count;      // 1..8
    // Threads that will use each port: it gets as many queue pairs, if it has them. 0 is 1.
    uint32_t sharer_count;
    const char *eal_args; // extra EAL arguments, space separated; may be empty
    bool no_huge;
    uint32_t memory_mb;      // EAL -m; 0: as much as the rest of this asks for
    const char *file_prefix; // unique per process
    uint32_t frame_count;    // mbufs for each sharer; those of one queue pair are in one pool
    uint16_t rx_descriptors, tx_descriptors;
    uint16_t mtu; // 0: the port's own
    int core;     // EAL's main lcore; -1: the first allowed. The calling thread's affinity is kept
    bool software_checksum; // ignore the port's checksum and TSO offloads (for tests)
};

struct nic_dpdk;
// error: filled with one line that says what failed and on which device.
enum status nic_dpdk_open(struct nic_dpdk **out, const struct nic_dpdk_config *config, char *error,
                          uint32_t error_bytes) MUST_USE;
void nic_dpdk_close(struct nic_dpdk *d);
uint32_t nic_dpdk_port_count(const struct nic_dpdk *d);
// The first queue pair of a port.
struct nic_queue *nic_dpdk_queue(struct nic_dpdk *d, uint32_t port);
const char *nic_dpdk_driver_name(const struct nic_dpdk *d, uint32_t port);
// Frames that came in more pieces than a buffer holds, and frames the driver called impossible to
// send.
uint64_t nic_dpdk_rejected(const struct nic_dpdk *d, uint32_t port);
