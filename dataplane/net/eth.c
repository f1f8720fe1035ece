#include "dataplane/net/ip_priv.h"

// Ethernet II: destination, source, type; an 802.1Q tag puts 0x8100 and the tag before the type.
uint32_t eth_header(const struct net *n, uint8_t *out, const uint8_t destination[6],
                    uint16_t ethertype)
{
    memcpy(out, destination, 6);
    memcpy(out + 6, n->config.mac, 6);
    if (!n->config.vlan) {
        store_be16(out + 12, ethertype);
        return ETH_BYTES;
    }
    store_be16(out + 12, ETHERTYPE_VLAN);
    store_be16(out + 14, n->config.vlan);
    store_be16(out + 16, ethertype);
    return ETH_BYTES + VLAN_BYTES;
}

void frame_restart(struct frame *f)
{
    f->data = f->buffer + FRAME_HEADROOM;
    f->size = 0;
    f->flags = 0;
}

// A tag of VLAN 0 carries only a priority and counts as no tag (IEEE 802.1Q 9.6).
static bool tag_accept(struct net *n, struct frame *f, uint16_t *ethertype)
{
    uint16_t vlan = 0;
    if (*ethertype == ETHERTYPE_VLAN) {
        if (f->size < VLAN_BYTES) return false;
        vlan = load_be16(f->data) & 0x0fff;
        *ethertype = load_be16(f->data + 2);
        frame_pull(f, VLAN_BYTES);
    }
    return vlan == n->config.vlan;
}

void eth_input(struct net *n, struct frame *f)
{
    const uint8_t *eth = f->data;
    if (UNLIKELY(f->size < ETH_BYTES)) {
        net_drop(n, f, &n->tally->drop_short);
        return;
    }
    if (UNLIKELY(!mac_equal(eth, n->config.mac) && !(eth[0] & 1))) {
        net_drop(n, f, &n->tally->drop_not_for_us);
        return;
    }
    uint16_t ethertype = load_be16(eth + 12);
    frame_pull(f, ETH_BYTES);
    if (UNLIKELY(ethertype == ETHERTYPE_VLAN || n->config.vlan) && !tag_accept(n, f, &ethertype)) {
        net_drop(n, f, &n->tally->drop_vlan);
        return;
    }
    switch (ethertype) {
    case ETHERTYPE_IP4:
        ip4_input(n, f, eth);
        return;
    case ETHERTYPE_IP6:
        ip6_input(n, f, eth);
        return;
    case ETHERTYPE_ARP:
        arp_input(n, f);
        return;
    default:
        net_drop(n, f, &n->tally->drop_ethertype);
        return;
    }
}
