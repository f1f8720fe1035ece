#include "tools/bench/nic_port.h"
#include <stdio.h>
#include <unistd.h>

enum status nic_port_open(struct nic_port *p, const struct options *o, char *error,
                          uint32_t error_bytes)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, "penstock-bench-%d", (int)getpid());
    struct nic_dpdk_config config = {
        .devargs = &o->devargs,
        .devarg_count = 1,
        .eal_args = o->eal_args,
        .no_huge = o->no_huge,
        .memory_mb = (uint32_t)o->memory_mb,
        .file_prefix = prefix,
        .frame_count = (uint32_t)o->frames,
        .rx_descriptors = (uint16_t)o->descriptors,
        .tx_descriptors = (uint16_t)o->descriptors,
        .mtu = (uint16_t)o->mtu,
        .core = (int)o->core,
        .software_checksum = o->software_checksum,
    };
    *p = (struct nic_port){ 0 };
    enum status s = nic_dpdk_open(&p->dpdk, &config, error, error_bytes);
    if (s != OK) return s;
    p->queue = nic_dpdk_queue(p->dpdk, 0);
    p->driver = nic_dpdk_driver_name(p->dpdk, 0);
    return OK;
}

void nic_port_close(struct nic_port *p)
{
    nic_dpdk_close(p->dpdk);
    p->dpdk = NULL;
}
