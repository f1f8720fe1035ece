#include "dataplane/shard/shard_net.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

static bool parse_ip(const char *text, uint8_t ip[16], uint8_t *family_bits)
{
    struct in_addr v4;
    if (inet_pton(AF_INET, text, &v4) == 1) {
        memset(ip, 0, 10);
        ip[10] = ip[11] = 0xff;
        memcpy(ip + 12, &v4, 4);
        *family_bits = 32;
        return true;
    }
    *family_bits = 128;
    return inet_pton(AF_INET6, text, ip) == 1;
}

// "a.b.c.d/len" or "v6/len".
static bool parse_address(const char *text, struct net_address *out)
{
    char ip[64], *slash;
    uint8_t bits;
    snprintf(ip, sizeof ip, "%s", text);
    slash = strchr(ip, '/');
    if (slash) *slash++ = 0;
    if (slash && (*slash < '0' || *slash > '9')) return false;
    if (!parse_ip(ip, out->ip, &bits)) return false;
    long prefix = slash ? strtol(slash, &slash, 10) : bits;
    if ((slash && *slash) || prefix < 0 || prefix > bits) return false;
    out->prefix_bits = (uint8_t)prefix;
    return true;
}

static enum status config_addresses(const struct settings *settings, struct net_config *config,
                                    char *error, uint32_t error_bytes)
{
    uint8_t bits;
    for (uint32_t i = 0; i < settings->nic_address.count; i++) {
        const char *text = settings->nic_address.words[i];
        if (config->address_count == NET_ADDRESSES_MAX ||
            !parse_address(text, &config->addresses[config->address_count])) {
            snprintf(error, error_bytes,
                     "nic-address '%s' is not an address/length, or one too many", text);
            return ERR_PEER;
        }
        config->address_count++;
    }
    if (config->address_count == 0) {
        snprintf(error, error_bytes, "transport nic needs at least one nic-address");
        return ERR_PEER;
    }
    if ((settings->nic_gateway[0] && !parse_ip(settings->nic_gateway, config->gateway4, &bits)) ||
        (settings->nic_gateway6[0] && !parse_ip(settings->nic_gateway6, config->gateway6, &bits))) {
        snprintf(error, error_bytes, "nic-gateway is not an address");
        return ERR_PEER;
    }
    return OK;
}

enum status shard_net_open(struct shard *s, char *error, uint32_t error_bytes)
{
    const struct settings *settings = s->settings;
    const struct nic_caps *caps = &s->ferry.port->caps;
    struct frame_pool *pool = s->ferry.port->pool;
    struct net_config config;
    net_config_defaults(&config);
    memcpy(config.mac, caps->mac, sizeof config.mac);
    config.mtu = caps->mtu;
    config.vlan = (uint16_t)settings->nic_vlan;
    config.tx_ip_checksum = caps->tx_ip_checksum;
    config.tx_l4_checksum = caps->tx_l4_checksum;
    config.tso_bytes_max = caps->tso_bytes_max;
    config.connection_count_max = (uint32_t)settings->nic_connections;
    config.syn_backlog_max = (uint32_t)settings->nic_syn_backlog;
    config.send_buffer_bytes_max = (uint32_t)settings->nic_send_buffer;
    config.receive_buffer_bytes_max = (uint32_t)settings->nic_receive_buffer;
    config.keepalive_s = (uint32_t)settings->tcp_keepalive;
    config.congestion_reno = settings->nic_congestion == 1;
    config.overflow_source = &s->overflow.source;
    config.pool_sharers = ferry_pool_sharers(s);
    rng_entropy(&config.seed, sizeof config.seed);
    if (config_addresses(settings, &config, error, error_bytes) != OK) return ERR_PEER;
    snprintf(error, error_bytes, "the TCP/IP stack could not be opened: out of memory");
    return net_open(&s->net, &config, pool, &s->app, &s->server.tally->net, s->server.now_ns);
}

static bool send_own(struct shard *s)
{
    struct frame *frames[NIC_BURST];
    uint32_t count;
    while ((count = net_output(s->net, frames, NIC_BURST, s->server.now_ns)) > 0) {
        uint32_t sent =
            LIKELY(s->nic) ? nic_tx(s->nic, frames, count) : ferry_send(s, frames, count);
        if (sent == count) continue;
        net_output_return(s->net, &frames[sent], count - sent);
        return false; // the port is full: the rest leaves next turn
    }
    return true;
}

// At a full port our own frames and those of others are the first in turn.
static void send_all(struct shard *s)
{
    s->ferry.others_first = !s->ferry.others_first;
    if (s->ferry.others_first) ferry_send_others(s);
    if (send_own(s) && s->ferry.out_waiting) ferry_send_others(s);
}

void shard_tx_nic(struct shard *s)
{
    if (!s->net) return;
    cycle_meter_switch(&s->server.meter, CYCLES_TX);
    if (UNLIKELY(s->ferry.out_waiting))
        send_all(s);
    else
        (void)send_own(s);
    net_release(s->net);
    cycle_meter_switch(&s->server.meter, CYCLES_LOOP);
}

// Each burst's replies leave before the next burst is taken: the peers work on them meanwhile. With
// 64 clients without pipelining, sending once a turn made server and clients wait for each other.
static void take_burst(struct shard *s, struct frame **frames, uint32_t count)
{
    cycle_meter_switch(&s->server.meter, CYCLES_TCP);
    net_input(s->net, frames, count, s->server.now_ns);
    shard_run_readable(s);
    shard_flush(s);
    shard_tx_nic(s);
}

uint32_t shard_rx_nic(struct shard *s)
{
    struct frame *frames[NIC_BURST];
    uint64_t before = s->server.tally->commands_processed;
    uint32_t total = 0, count, own, bursts = 0;
    if (!s->nic) return 0;
    do {
        cycle_meter_switch(&s->server.meter, CYCLES_RX);
        own = count = nic_rx(s->nic, frames, NIC_BURST);
        if (count == 0) break;
        if (UNLIKELY(s->mesh.hub)) own = ferry_sort(s, frames, count);
        take_burst(s, frames, own);
        total += count;
    } while (count == NIC_BURST && ++bursts < SHARD_RX_BURSTS && shard_has_budget(s, before));
    cycle_meter_switch(&s->server.meter, CYCLES_LOOP);
    return total;
}

uint32_t shard_rx_ferry(struct shard *s)
{
    struct frame *frames[NIC_BURST];
    uint32_t total = 0, count;
    if (s->mesh.hub && s->net) ferry_poll(s);
    while (UNLIKELY(s->ferry.in.head)) {
        count = ferry_take(s, frames, NIC_BURST);
        take_burst(s, frames, count);
        total += count;
    }
    return total;
}
