// nic_port.h: the DPDK port that the command line names.
//
// Thread:  main
#pragma once
#include "dataplane/nic/nic_dpdk.h"
#include "tools/bench/options.h"

struct nic_port {
    struct nic_dpdk *dpdk;
    struct nic_queue *queue;
    const char *driver;
};

enum status nic_port_open(struct nic_port *p, const struct options *o, char *error,
                          uint32_t error_bytes) MUST_USE;
void nic_port_close(struct nic_port *p);
