#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "dataplane/nic/nic_dpdk_priv.h"

enum {
    PORT_MEMORY_MB = 8, // a driver's own, for each queue: rings, tables
    EAL_MEMORY_MB = 8,
    BYTES_PER_MB = 1 << 20,
    ORDINARY_PAGE_BYTES = 4096,
    HUGE_PAGE_BYTES = 2 << 20,
};

struct nic_dpdk {
    struct dpdk_port ports[NIC_DPDK_PORTS_MAX];
    uint32_t port_count;
    void *eal_words; // EAL may point into its arguments
};

// What EAL needs to know before it can be asked: the MTU that a device will have. Devices that are
// no kernel interface mostly have Ethernet's; on hugepages EAL takes more when it must.
static uint16_t expected_mtu(const struct nic_dpdk_config *c, const char *devarg)
{
    const char *name = strstr(devarg, "iface=");
    struct ifreq request = { 0 };
    if (c->mtu) return c->mtu;
    if (!name) return RTE_ETHER_MTU;
    name += strlen("iface=");
    size_t size = strcspn(name, ",");
    if (size >= sizeof request.ifr_name) return RTE_ETHER_MTU;
    memcpy(request.ifr_name, name, size);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return RTE_ETHER_MTU;
    bool is_known = ioctl(fd, SIOCGIFMTU, &request) == 0 && request.ifr_mtu >= RTE_ETHER_MIN_MTU &&
                    request.ifr_mtu <= UINT16_MAX;
    close(fd);
    return is_known ? (uint16_t)request.ifr_mtu : RTE_ETHER_MTU;
}

static uint32_t memory_mb(const struct nic_dpdk_config *c)
{
    uint32_t page_bytes = c->no_huge ? ORDINARY_PAGE_BYTES : HUGE_PAGE_BYTES;
    uint32_t queue_count = c->sharer_count ? c->sharer_count : 1; // fewer take no more
    uint64_t total_mb = EAL_MEMORY_MB;
    for (uint32_t i = 0; i < c->devarg_count; i++) {
        const char *devarg = c->devargs[i];
        bool is_xdp = strncmp(devarg, "net_af_xdp", strlen("net_af_xdp")) == 0;
        struct dpdk_pool_sizes sizes =
            dpdk_port_pool_sizes(c, devarg, queue_count, expected_mtu(c, devarg), c->rx_descriptors,
                                 c->tx_descriptors, is_xdp);
        total_mb +=
            queue_count * (dpdk_pool_bytes(&sizes, page_bytes) / BYTES_PER_MB + PORT_MEMORY_MB);
    }
    return (uint32_t)RTE_ALIGN(total_mb, 2);
}

enum status nic_dpdk_open(struct nic_dpdk **out, const struct nic_dpdk_config *config, char *error,
                          uint32_t error_bytes)
{
    *out = NULL;
    CHECK(config->devarg_count >= 1);
    CHECK(config->devarg_count <= NIC_DPDK_PORTS_MAX);
    struct nic_dpdk *d = calloc(1, sizeof *d);
    if (!d) {
        snprintf(error, error_bytes, "out of memory");
        return ERR_NO_SPACE;
    }
    struct nic_dpdk_config sized = *config;
    if (sized.memory_mb == 0) sized.memory_mb = memory_mb(config);
    enum status s = dpdk_eal_start(&sized, &d->eal_words, error, error_bytes);
    for (uint32_t i = 0; s == OK && i < config->devarg_count; i++) {
        s = dpdk_port_open(&d->ports[i], &sized, i, error, error_bytes);
        d->port_count++;
    }
    if (s == OK)
        *out = d;
    else
        nic_dpdk_close(d);
    return s;
}

void nic_dpdk_close(struct nic_dpdk *d)
{
    if (!d) return;
    for (uint32_t i = 0; i < d->port_count; i++) dpdk_port_close(&d->ports[i]);
    free(d->eal_words);
    free(d);
}

uint32_t nic_dpdk_port_count(const struct nic_dpdk *d) { return d->port_count; }

struct nic_queue *nic_dpdk_queue(struct nic_dpdk *d, uint32_t port)
{
    CHECK(port < d->port_count);
    return &d->ports[port].queues[0].queue;
}

const char *nic_dpdk_driver_name(const struct nic_dpdk *d, uint32_t port)
{
    CHECK(port < d->port_count);
    return d->ports[port].driver;
}

uint64_t nic_dpdk_rejected(const struct nic_dpdk *d, uint32_t port)
{
    CHECK(port < d->port_count);
    uint64_t count = 0;
    for (uint32_t i = 0; i < d->ports[port].queue_count; i++) {
        const struct dpdk_queue *q = &d->ports[port].queues[i];
        count += q->rx_rejected + q->tx_rejected;
    }
    return count;
}
