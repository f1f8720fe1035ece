#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <rte_ether.h>
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
static uint32_t copied_bytes_max(const char *driver)
{
    if (strcmp(driver, "net_ring") == 0) return UINT32_MAX;
    return strncmp(driver, "net_virtio", strlen("net_virtio")) == 0 ? VIRTIO_COPIED_BYTES_MAX : 0;
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

// A port that is a chip hashes addresses and ports of TCP in both families, if it says so. What
// virtual ports say is not to be trusted: net_tap offers hashing that the kernel does not do, and
// behind a veth the sender's core chooses the queue.
static const uint64_t rss_wanted = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;

static bool offers_rss(const struct rte_eth_dev_info *info, const char *devarg)
{
    return dpdk_is_pci_address(devarg) && (info->flow_type_rss_offloads & rss_wanted) == rss_wanted;
}

static bool spreads_flows(uint16_t port)
{
    struct rte_eth_rss_conf conf = { 0 };
    return rte_eth_dev_rss_hash_conf_get(port, &conf) == 0 &&
           (conf.rss_hf & rss_wanted) == rss_wanted;
}

static uint32_t tso_bytes_max(const struct rte_eth_dev_info *info, uint32_t payload_bytes)
{
    uint32_t max = UINT16_MAX - HEADER_BYTES_MAX, segments = info->tx_desc_lim.nb_seg_max;
    if (segments > 2 && (segments - 2) * payload_bytes < max) // headers, and a slice begun midway
        max = (segments - 2) * payload_bytes;
    return max;
}

static struct nic_caps port_caps(const struct dpdk_port *p, const struct rte_eth_dev_info *info,
                                 const struct rte_eth_conf *conf, uint16_t mtu)
{
    uint64_t rx = conf->rxmode.offloads, tx = conf->txmode.offloads;
    struct nic_caps caps = { .mtu = mtu };
    struct rte_ether_addr mac = { 0 };
    rte_eth_macaddr_get(p->id, &mac);
    if (rte_is_zero_ether_addr(&mac)) rte_eth_random_addr(mac.addr_bytes); // net_ring has none
    memcpy(caps.mac, mac.addr_bytes, 6);
    caps.rx_checksum = rx & RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
    caps.tx_ip_checksum = tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
    caps.tx_l4_checksum = tx & RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
    caps.multi_segment = tx & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
    caps.keeps_flows = conf->rxmode.mq_mode == RTE_ETH_MQ_RX_RSS && spreads_flows(p->id);
    if (!(tx & RTE_ETH_TX_OFFLOAD_TCP_TSO)) return caps;
    // net_tap holds a segment with its Ethernet header against the MTU, and refuses it for ever.
    if (strcmp(p->driver, "net_tap") == 0) caps.mtu = (uint16_t)(mtu - RTE_ETHER_HDR_LEN);
    caps.tso_bytes_max = tso_bytes_max(info, p->queues[0].pool.pool.payload_bytes);
    return caps;
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

static bool is_af_xdp(const struct dpdk_port *p) { return strcmp(p->driver, "net_af_xdp") == 0; }

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

struct dpdk_pool_sizes dpdk_port_pool_sizes(const struct nic_dpdk_config *c, const char *devarg,
                                            uint32_t queue_count, uint16_t mtu, uint16_t rx_count,
                                            uint16_t tx_count, bool is_xdp)
{
    uint32_t threads = c->sharer_count ? c->sharer_count : 1;
    uint64_t frames = (uint64_t)c->frame_count * threads;
    return (struct dpdk_pool_sizes){
        .frame_count = (uint32_t)((frames + queue_count - 1) / queue_count),
        .copy_count = (uint32_t)tx_count + COPIES_BEYOND_RING,
        .user_count = (threads + queue_count - 1) / queue_count,
        .payload_bytes = buffer_bytes(devarg, mtu),
        .plain_count = is_xdp ? XDP_PLAIN_COUNT + (uint32_t)rx_count : 0,
        .plain_bytes = xdp_element_bytes(mtu),
    };
}

// What is being opened.
struct opening {
    const struct nic_dpdk_config *config;
    const char *devarg;
    uint32_t index; // of devarg
    struct rte_eth_dev_info info;
    struct rte_eth_conf conf;
    uint16_t mtu, rx_count, tx_count;
    struct complaint complaint;
};

static enum status open_pool(const struct dpdk_port *p, struct dpdk_queue *q,
                             const struct opening *o)
{
    char text[128];
    struct dpdk_pool_sizes sizes = dpdk_port_pool_sizes(
        o->config, o->devarg, p->queue_count, o->mtu, o->rx_count, o->tx_count, is_af_xdp(p));
    uint32_t reserve = dpdk_pool_reserve(sizes.user_count);
    uint32_t least = (uint32_t)o->rx_count + o->tx_count + TX_FRAMES_MIN + reserve;
    if (!sizes.plain_count && sizes.frame_count < least) {
        snprintf(text, sizeof text, "%u frames are too few for %u + %u descriptors, at least %u",
                 sizes.frame_count, o->rx_count, o->tx_count, least);
        return complain(&o->complaint, text, 0);
    }
    uint32_t number = o->index * NIC_DPDK_QUEUES_MAX + q->id;
    if (dpdk_pool_open(&q->pool, number, &sizes, rte_eth_dev_socket_id(p->id)) != OK) {
        snprintf(text, sizeof text, "packet buffers, out of %u MB", o->config->memory_mb);
        return complain(&o->complaint, text, rte_errno);
    }
    q->queue.pool = &q->pool.pool;
    return OK;
}

// Drivers over a kernel interface pass it on. af_packet would take more than it admits to ethdev:
// if its slots hold such packets, the interface's own MTU decides.
static enum status set_mtu(const struct dpdk_port *p, const struct opening *o)
{
    uint16_t mtu = o->config->mtu;
    if (mtu == 0 || ring_slot_bytes(o->devarg) >= (uint32_t)mtu + SLOT_OVERHEAD_BYTES) return OK;
    int error = rte_eth_dev_set_mtu(p->id, mtu);
    if (error && error != -ENOTSUP) return complain(&o->complaint, "MTU", error);
    return OK;
}

static enum status set_up_rings(const struct dpdk_port *p, const struct dpdk_queue *q,
                                const struct opening *o)
{
    struct rte_eth_rxconf rx = o->info.default_rxconf;
    struct rte_eth_txconf tx = o->info.default_txconf;
    unsigned socket = (unsigned)rte_eth_dev_socket_id(p->id);
    rx.offloads = o->conf.rxmode.offloads;
    tx.offloads = o->conf.txmode.offloads;
    struct rte_mempool *mbufs = q->pool.plain ? q->pool.plain : q->pool.mbufs;
    int error = rte_eth_rx_queue_setup(p->id, q->id, o->rx_count, socket, &rx, mbufs);
    if (error) return complain(&o->complaint, "receive queue", error);
    error = rte_eth_tx_queue_setup(p->id, q->id, o->tx_count, socket, &tx);
    if (error) return complain(&o->complaint, "transmit queue", error);
    return OK;
}

static enum status start_port(struct dpdk_port *p, const struct opening *o)
{
    int error = rte_eth_dev_start(p->id);
    if (error) return complain(&o->complaint, "start", error);
    p->is_started = true;
    (void)rte_eth_promiscuous_disable(p->id);
    (void)rte_eth_allmulticast_enable(p->id); // IPv6 neighbour discovery; not all can, or need it
    struct nic_caps caps = port_caps(p, &o->info, &o->conf, o->mtu);
    for (uint32_t i = 0; i < p->queue_count; i++) {
        struct dpdk_queue *q = &p->queues[i];
        q->queue.caps = caps;
        q->can_clean_up = rte_eth_tx_done_cleanup(p->id, q->id, 0) >= 0;
        q->copied_bytes_max = copied_bytes_max(p->driver);
        q->prepares_plain = prepares_plain(p->driver);
    }
    return OK;
}

// The kernel hands frames to each queue that the devargs name, whether it is polled or not.
static bool shares_over_all(const struct dpdk_port *p)
{
    static const char *const names[] = { "net_af_packet", "net_af_xdp" };
    return is_one_of(p->driver, names, sizeof names / sizeof names[0]);
}

// As many as there are threads, or as the port has.
static enum status make_queues(struct dpdk_port *p, const struct opening *o)
{
    uint32_t count = o->config->sharer_count ? o->config->sharer_count : 1;
    if (count > NIC_DPDK_QUEUES_MAX) count = NIC_DPDK_QUEUES_MAX;
    if (count > o->info.max_rx_queues) count = o->info.max_rx_queues;
    if (count > o->info.max_tx_queues) count = o->info.max_tx_queues;
    if (count == 0) count = 1;
    if (shares_over_all(p) && count < o->info.max_rx_queues) {
        char text[128];
        snprintf(text, sizeof text, "%u queues for %u shards: frames would be lost on the others",
                 o->info.max_rx_queues, count);
        return complain(&o->complaint, text, 0);
    }
    p->queues = calloc(count, sizeof *p->queues);
    if (!p->queues) return complain(&o->complaint, "queues", ENOMEM);
    p->queue_count = count;
    for (uint32_t i = 0; i < count; i++)
        p->queues[i] = (struct dpdk_queue){
            .queue = { .ops = &dpdk_queue_ops, .index = i, .count = count },
            .owner = p,
            .port = p->id,
            .id = (uint16_t)i,
        };
    return OK;
}

static enum status configure(struct dpdk_port *p, struct opening *o)
{
    struct rte_eth_conf *conf = &o->conf;
    if (o->mtu == 0 && rte_eth_dev_get_mtu(p->id, &o->mtu) != 0) o->mtu = RTE_ETHER_MTU;
    if ((uint32_t)o->mtu + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN <= o->info.max_rx_pktlen)
        conf->rxmode.mtu = o->mtu;
    conf->rxmode.offloads = rx_offloads(&o->info, o->config->software_checksum);
    conf->txmode.offloads = tx_offloads(&o->info, o->config->software_checksum);
    if (p->queue_count > 1 && offers_rss(&o->info, o->devarg)) {
        conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf->rx_adv_conf.rss_conf.rss_hf = rss_wanted;
    }
    uint16_t count = (uint16_t)p->queue_count;
    int error = rte_eth_dev_configure(p->id, count, count, conf);
    if (error) return complain(&o->complaint, "configure", error);
    p->is_configured = true;
    error = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &o->rx_count, &o->tx_count);
    return error ? complain(&o->complaint, "descriptors", error) : OK;
}

static enum status open_queues(struct dpdk_port *p, struct opening *o)
{
    enum status s = make_queues(p, o);
    if (s == OK) s = configure(p, o);
    for (uint32_t i = 0; s == OK && i < p->queue_count; i++) {
        s = open_pool(p, &p->queues[i], o);
        if (s == OK) s = set_up_rings(p, &p->queues[i], o);
    }
    if (s == OK) s = set_mtu(p, o);
    return s == OK ? start_port(p, o) : s;
}

enum status dpdk_port_open(struct dpdk_port *p, const struct nic_dpdk_config *c, uint32_t index,
                           char *error_text, uint32_t error_bytes)
{
    struct opening o = { .config = c,
                         .devarg = c->devargs[index],
                         .index = index,
                         .conf = { .rxmode = { .mq_mode = RTE_ETH_MQ_RX_NONE } },
                         .mtu = c->mtu,
                         .rx_count = c->rx_descriptors,
                         .tx_count = c->tx_descriptors,
                         .complaint = { error_text, error_bytes, c->devargs[index] } };
    if (!find_port(o.devarg, &p->id)) return complain(&o.complaint, "no such port", ENODEV);
    int error = rte_eth_dev_info_get(p->id, &o.info);
    if (error) return complain(&o.complaint, "information", error);
    snprintf(p->driver, sizeof p->driver, "%s", o.info.driver_name);
    return open_queues(p, &o);
}

void dpdk_port_close(struct dpdk_port *p)
{
    for (uint32_t i = 0; i < p->queue_count; i++) {
        struct dpdk_queue *q = &p->queues[i];
        while (q->backlog) {
            struct frame *f = q->backlog;
            q->backlog = f->next;
            q->pool.pool.give(&q->pool.pool, f);
        }
    }
    if (p->is_started) (void)rte_eth_dev_stop(p->id);
    if (p->is_configured) (void)rte_eth_dev_close(p->id); // drivers detach and unlink here
    free(p->queues);
}
