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
    const struct nic_caps *caps = &s->nic->caps;
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
    rng_entropy(&config.seed, sizeof config.seed);
    if (config_addresses(settings, &config, error, error_bytes) != OK) return ERR_PEER;
    snprintf(error, error_bytes, "the TCP/IP stack could not be opened: out of memory");
    return net_open(&s->net, &config, s->nic->pool, &s->app, &s->server.tally->net,
                    s->server.now_ns);
}
