// ring_config.h: a port of DPDK's that loops to itself, without hugepages.
#pragma once
#include "dataplane/nic/nic_dpdk.h"

static inline struct nic_dpdk_config ring_config(const char *const *devargs, const char *prefix)
{
    return (struct nic_dpdk_config){ .devargs = devargs,
                                     .devarg_count = 1,
                                     .eal_args = "",
                                     .no_huge = true,
                                     .memory_mb = 64,
                                     .file_prefix = prefix,
                                     .frame_count = 512,
                                     .rx_descriptors = 64,
                                     .tx_descriptors = 64,
                                     .core = -1 };
}
