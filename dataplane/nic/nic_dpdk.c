#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <rte_ether.h>
#include <rte_lcore.h>
#include "dataplane/base/check.h"
#include "dataplane/nic/nic_dpdk_priv.h"

enum {
    FRAME_BYTES_MIN = 2048, // what drivers expect of a buffer at least
    L2_BYTES_MAX = 18,
    VIRTIO_COPIED_BYTES_MAX = 256,
    XDP_HEADROOM_BYTES = 256,     // the kernel keeps before a packet, beyond our own headroom
    XDP_ELEMENT_BYTES_MAX = 4096, // a page
    XDP_PLAIN_COUNT = 5120, // beyond the descriptors: its fill and completion rings hold 2048 each
    SLOT_OVERHEAD_BYTES = 64 + L2_BYTES_MAX,   // of a slot in af_packet's rings
    HEADER_BYTES_MAX = L2_BYTES_MAX + 40 + 60, // of one packet
    TX_FRAMES_MIN = 64,                        // beyond what the rings can hold
    COPIES_BEYOND_RING = 512,                  // those in mempool caches, and a burst under way
    PORT_MEMORY_MB = 8,                        // a driver's own: rings, tables
    EAL_MEMORY_MB = 8,
    BYTES_PER_MB = 1 << 20,
    ORDINARY_PAGE_BYTES = 4096,
    HUGE_PAGE_BYTES = 2 << 20,
};

struct nic_dpdk {
    struct dpdk_queue queues[NIC_DPDK_QUEUES_MAX];
    uint32_t queue_count;
    void *eal_words; // EAL may point into its arguments
};

// Where a failing call says what went wrong.
struct complaint {
    char *text;
    uint32_t text_bytes;
    const char *device;
};

static enum status complain(const struct complaint *c, const char *what, int error)
{
    snprintf(c->text, c->text_bytes, "%s: %s%s%s", c->device, what, error ? ": " : "",
             error ? rte_strerror(error < 0 ? -error : error) : "");
    return ERR_IO;
}

// EAL names a port after the devarg's first word; PCI devices with their domain.
static bool find_port(const char *devarg, uint16_t *port)
{
    char name[RTE_ETH_NAME_MAX_LEN], full[RTE_ETH_NAME_MAX_LEN + 8];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(devarg, ","), devarg);
    snprintf(full, sizeof full, "0000:%s", name);
    return rte_eth_dev_get_port_by_name(name, port) == 0 ||
           rte_eth_dev_get_port_by_name(full, port) == 0;
}

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

// Frames that TCP still holds are lent to the driver, but not to all. A ring hands the very buffer
// to its receiver. virtio puts its header before the packet if nobody else has the buffer, else it
// needs another descriptor: dearer than copying a small packet.
static uint32_t copied_bytes_max(const struct dpdk_queue *q)
{
    if (strcmp(q->driver, "net_ring") == 0) return UINT32_MAX;
    return strncmp(q->driver, "net_virtio", strlen("net_virtio")) == 0 ? VIRTIO_COPIED_BYTES_MAX
                                                                       : 0;
}

// For plain checksum offload these need nothing but the pseudo-header sum, which is there already.
static bool prepares_plain(const char *driver)
{
    static const char *const names[] = { "net_virtio", "net_virtio_user", "net_vhost", "net_tap" };
    return !is_one_of(driver, names, sizeof names / sizeof names[0]);
}

static uint64_t rx_offloads(const struct rte_eth_dev_info *info, bool software_checksum)
{
    uint64_t wanted = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
    return software_checksum ? 0 : info->rx_offload_capa & wanted;
}

// TSO takes segments: a packet of 60 KB is never in one buffer.
static uint64_t tx_offloads(const struct rte_eth_dev_info *info, bool software_checksum)
{
    uint64_t wanted = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
    if (!software_checksum)
        wanted |= RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
                  RTE_ETH_TX_OFFLOAD_TCP_TSO;
    uint64_t got = info->tx_offload_capa & wanted;
    bool can_tso = (got & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) && (got & RTE_ETH_TX_OFFLOAD_TCP_CKSUM);
    return can_tso ? got : got & ~RTE_ETH_TX_OFFLOAD_TCP_TSO;
}

static uint32_t tso_bytes_max(const struct rte_eth_dev_info *info, uint32_t payload_bytes)
{
    uint32_t max = UINT16_MAX - HEADER_BYTES_MAX, segments = info->tx_desc_lim.nb_seg_max;
    if (segments > 2 && (segments - 2) * payload_bytes < max) // headers, and a slice begun midway
        max = (segments - 2) * payload_bytes;
    return max;
}

static void fill_caps(struct dpdk_queue *q, const struct rte_eth_dev_info *info, uint64_t rx,
                      uint64_t tx, uint16_t mtu)
{
    struct nic_caps *caps = &q->queue.caps;
    struct rte_ether_addr mac = { 0 };
    rte_eth_macaddr_get(q->port, &mac);
    if (rte_is_zero_ether_addr(&mac)) rte_eth_random_addr(mac.addr_bytes); // net_ring has none
    memcpy(caps->mac, mac.addr_bytes, 6);
    caps->mtu = mtu;
    caps->rx_checksum = rx & RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
    caps->tx_ip_checksum = tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
    caps->tx_l4_checksum = tx & RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
    caps->multi_segment = tx & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
    if (!(tx & RTE_ETH_TX_OFFLOAD_TCP_TSO)) return;
    // net_tap holds a segment with its Ethernet header against the MTU, and refuses it for ever.
    if (strcmp(q->driver, "net_tap") == 0) caps->mtu = (uint16_t)(mtu - RTE_ETHER_HDR_LEN);
    caps->tso_bytes_max = tso_bytes_max(info, q->pool.pool.payload_bytes);
}

// af_packet fills a buffer from a slot of its own ring and wants them alike.
static uint32_t ring_slot_bytes(const char *devarg)
{
    const char *size = strstr(devarg, "framesz=");
    return size ? (uint32_t)strtoul(size + strlen("framesz="), NULL, 10) & UINT16_MAX : 0;
}

static uint32_t buffer_bytes(const char *devarg, uint16_t mtu)
{
    uint32_t bytes = RTE_ALIGN((uint32_t)mtu + L2_BYTES_MAX, 64u);
    if (bytes < ring_slot_bytes(devarg)) bytes = ring_slot_bytes(devarg);
    return bytes < FRAME_BYTES_MIN ? FRAME_BYTES_MIN : bytes;
}

static bool is_af_xdp(const struct dpdk_queue *q) { return strcmp(q->driver, "net_af_xdp") == 0; }

// AF_XDP gets buffers of its own: they must lie within a page with all headers, which a struct
// frame would not leave room for at an MTU of 3500, and it returns them late and in disorder: lent
// frames were seen to stall the port. It copies what it sends from other buffers, and a received
// packet is copied out; beside its system calls that costs little.
static uint32_t xdp_element_bytes(uint16_t mtu)
{
    uint32_t bytes = RTE_CACHE_LINE_SIZE + (uint32_t)sizeof(struct rte_mbuf) + FRAME_HEADROOM +
                     XDP_HEADROOM_BYTES + mtu + L2_BYTES_MAX;
    bytes = RTE_ALIGN(bytes, (uint32_t)RTE_CACHE_LINE_SIZE);
    return bytes < XDP_ELEMENT_BYTES_MAX ? bytes : XDP_ELEMENT_BYTES_MAX;
}

static struct dpdk_pool_sizes pool_sizes(const struct nic_dpdk_config *c, const char *devarg,
                                         uint16_t mtu, uint16_t rx_count, uint16_t tx_count,
                                         bool is_xdp)
{
    return (struct dpdk_pool_sizes){
        .frame_count = c->frame_count,
        .copy_count = (uint32_t)tx_count + COPIES_BEYOND_RING,
        .payload_bytes = buffer_bytes(devarg, mtu),
        .plain_count = is_xdp ? XDP_PLAIN_COUNT + (uint32_t)rx_count : 0,
        .plain_bytes = xdp_element_bytes(mtu),
    };
}

static enum status open_pool(struct dpdk_queue *q, const struct nic_dpdk_config *c, uint32_t index,
                             uint16_t mtu, uint16_t rx_count, uint16_t tx_count,
                             const struct complaint *complaint)
{
    char text[128];
    struct dpdk_pool_sizes sizes =
        pool_sizes(c, c->devargs[index], mtu, rx_count, tx_count, is_af_xdp(q));
    uint32_t least = (uint32_t)rx_count + tx_count + TX_FRAMES_MIN + DPDK_RX_RESERVE;
    if (!sizes.plain_count && sizes.frame_count < least) {
        snprintf(text, sizeof text, "%u frames are too few for %u + %u descriptors, at least %u",
                 sizes.frame_count, rx_count, tx_count, least);
        return complain(complaint, text, 0);
    }
    if (dpdk_pool_open(&q->pool, index, &sizes, rte_eth_dev_socket_id(q->port)) != OK) {
        snprintf(text, sizeof text, "packet buffers, out of %u MB", c->memory_mb);
        return complain(complaint, text, rte_errno);
    }
    q->queue.pool = &q->pool.pool;
    return OK;
}

// Drivers over a kernel interface pass it on. af_packet would take more than it admits to ethdev:
// if its slots hold such packets, the interface's own MTU decides.
static enum status set_mtu(const struct dpdk_queue *q, const struct nic_dpdk_config *c,
                           const char *devarg, const struct complaint *complaint)
{
    if (c->mtu == 0 || ring_slot_bytes(devarg) >= (uint32_t)c->mtu + SLOT_OVERHEAD_BYTES) return OK;
    int error = rte_eth_dev_set_mtu(q->port, c->mtu);
    if (error && error != -ENOTSUP) return complain(complaint, "MTU", error);
    return OK;
}

static enum status set_up_rings(struct dpdk_queue *q, const struct rte_eth_dev_info *info,
                                const struct rte_eth_conf *conf, uint16_t rx_count,
                                uint16_t tx_count, const struct complaint *complaint)
{
    struct rte_eth_rxconf rx = info->default_rxconf;
    struct rte_eth_txconf tx = info->default_txconf;
    unsigned socket = (unsigned)rte_eth_dev_socket_id(q->port);
    rx.offloads = conf->rxmode.offloads;
    tx.offloads = conf->txmode.offloads;
    struct rte_mempool *mbufs = q->pool.plain ? q->pool.plain : q->pool.mbufs;
    int error = rte_eth_rx_queue_setup(q->port, 0, rx_count, socket, &rx, mbufs);
    if (error) return complain(complaint, "receive queue", error);
    error = rte_eth_tx_queue_setup(q->port, 0, tx_count, socket, &tx);
    if (error) return complain(complaint, "transmit queue", error);
    return OK;
}

static enum status start_port(struct dpdk_queue *q, const struct complaint *complaint)
{
    int error = rte_eth_dev_start(q->port);
    if (error) return complain(complaint, "start", error);
    q->is_started = true;
    (void)rte_eth_promiscuous_disable(q->port);
    (void)rte_eth_allmulticast_enable(q->port); // IPv6 neighbour discovery; not all can, or need it
    q->can_clean_up = rte_eth_tx_done_cleanup(q->port, 0, 0) >= 0;
    q->copied_bytes_max = copied_bytes_max(q);
    q->prepares_plain = prepares_plain(q->driver);
    return OK;
}

static enum status configure(struct dpdk_queue *q, const struct nic_dpdk_config *c, uint32_t index,
                             const struct rte_eth_dev_info *info, const char *devarg,
                             const struct complaint *complaint)
{
    struct rte_eth_conf conf = { .rxmode = { .mq_mode = RTE_ETH_MQ_RX_NONE } };
    uint16_t rx_count = c->rx_descriptors, tx_count = c->tx_descriptors, mtu = c->mtu;
    if (mtu == 0 && rte_eth_dev_get_mtu(q->port, &mtu) != 0) mtu = RTE_ETHER_MTU;
    if ((uint32_t)mtu + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN <= info->max_rx_pktlen)
        conf.rxmode.mtu = mtu;
    conf.rxmode.offloads = rx_offloads(info, c->software_checksum);
    conf.txmode.offloads = tx_offloads(info, c->software_checksum);
    int error = rte_eth_dev_configure(q->port, 1, 1, &conf);
    if (error) return complain(complaint, "configure", error);
    q->is_configured = true;
    error = rte_eth_dev_adjust_nb_rx_tx_desc(q->port, &rx_count, &tx_count);
    if (error) return complain(complaint, "descriptors", error);
    enum status s = open_pool(q, c, index, mtu, rx_count, tx_count, complaint);
    if (s != OK) return s;
    s = set_up_rings(q, info, &conf, rx_count, tx_count, complaint);
    if (s != OK) return s;
    s = set_mtu(q, c, devarg, complaint);
    if (s != OK) return s;
    s = start_port(q, complaint);
    if (s == OK) fill_caps(q, info, conf.rxmode.offloads, conf.txmode.offloads, mtu);
    return s;
}

static enum status open_queue(struct dpdk_queue *q, const struct nic_dpdk_config *c, uint32_t index,
                              char *error_text, uint32_t error_bytes)
{
    const char *devarg = c->devargs[index];
    struct complaint complaint = { error_text, error_bytes, devarg };
    struct rte_eth_dev_info info;
    q->queue.ops = &dpdk_queue_ops;
    if (!find_port(devarg, &q->port)) return complain(&complaint, "no such port", ENODEV);
    int error = rte_eth_dev_info_get(q->port, &info);
    if (error) return complain(&complaint, "information", error);
    snprintf(q->driver, sizeof q->driver, "%s", info.driver_name);
    return configure(q, c, index, &info, devarg, &complaint);
}

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
    uint64_t total_mb = EAL_MEMORY_MB;
    for (uint32_t i = 0; i < c->devarg_count; i++) {
        const char *devarg = c->devargs[i];
        bool is_xdp = strncmp(devarg, "net_af_xdp", strlen("net_af_xdp")) == 0;
        struct dpdk_pool_sizes sizes = pool_sizes(c, devarg, expected_mtu(c, devarg),
                                                  c->rx_descriptors, c->tx_descriptors, is_xdp);
        total_mb += dpdk_pool_bytes(&sizes, page_bytes) / BYTES_PER_MB + PORT_MEMORY_MB;
    }
    return (uint32_t)RTE_ALIGN(total_mb, 2);
}

enum status nic_dpdk_open(struct nic_dpdk **out, const struct nic_dpdk_config *config, char *error,
                          uint32_t error_bytes)
{
    *out = NULL;
    CHECK(config->devarg_count >= 1);
    CHECK(config->devarg_count <= NIC_DPDK_QUEUES_MAX);
    struct nic_dpdk *d = calloc(1, sizeof *d);
    if (!d) {
        snprintf(error, error_bytes, "out of memory");
        return ERR_NO_SPACE;
    }
    struct nic_dpdk_config sized = *config;
    if (sized.memory_mb == 0) sized.memory_mb = memory_mb(config);
    enum status s = dpdk_eal_start(&sized, &d->eal_words, error, error_bytes);
    for (uint32_t i = 0; s == OK && i < config->devarg_count; i++) {
        s = open_queue(&d->queues[i], &sized, i, error, error_bytes);
        d->queue_count++;
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
    for (uint32_t i = 0; i < d->queue_count; i++) {
        struct dpdk_queue *q = &d->queues[i];
        while (q->backlog) {
            struct frame *f = q->backlog;
            q->backlog = f->next;
            q->pool.pool.give(&q->pool.pool, f);
        }
        if (q->is_started) (void)rte_eth_dev_stop(q->port);
        if (q->is_configured) (void)rte_eth_dev_close(q->port); // drivers detach and unlink here
    }
    free(d->eal_words);
    free(d);
}

uint32_t nic_dpdk_queue_count(const struct nic_dpdk *d) { return d->queue_count; }

struct nic_queue *nic_dpdk_queue(struct nic_dpdk *d, uint32_t index)
{
    CHECK(index < d->queue_count);
    return &d->queues[index].queue;
}

const char *nic_dpdk_driver_name(const struct nic_dpdk *d, uint32_t index)
{
    CHECK(index < d->queue_count);
    return d->queues[index].driver;
}

uint64_t nic_dpdk_rejected(const struct nic_dpdk *d, uint32_t index)
{
    CHECK(index < d->queue_count);
    return d->queues[index].rx_rejected + d->queues[index].tx_rejected;
}
