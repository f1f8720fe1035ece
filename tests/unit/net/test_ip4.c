#include "tests/unit/net/ip_fixture.h"

TestSuite(ip4, .init = fixture_open, .fini = fixture_close);

static const uint8_t payload[24] = { 0x12, 0x34, [12] = 0x50, [20] = 'd', 'a', 't', 'a' };

// Receives a good packet after one byte of its header was changed; sum: the checksum is made good.
static void receive_changed(int at, uint8_t value, bool sum)
{
    uint8_t packet[64], frame[96];
    uint32_t size = build_ip4(packet, IP4_PEER, IP4_US, 6, payload, sizeof payload);
    packet[at] = value;
    if (sum) {
        store_le16(packet + 10, 0);
        store_le16(packet + 10, checksum_fold(checksum_add(0, packet, 20)));
    }
    fixture_receive(frame, build_eth(frame, MAC_US, ETHERTYPE_IP4, packet, size));
}

Test(ip4, hands_tcp_the_payload_without_padding)
{
    uint8_t packet[64] = { 0 }, frame[96];
    build_ip4(packet, IP4_PEER, IP4_US, 6, payload, sizeof payload);
    packet[1] = 0x03; // congestion experienced
    store_le16(packet + 10, 0);
    store_le16(packet + 10, checksum_fold(checksum_add(0, packet, 20)));
    fixture_receive(frame, build_eth(frame, MAC_US, ETHERTYPE_IP4, packet, 46));
    cr_assert(eq(u32, fx.tcp_count, 1));
    cr_expect(eq(u32, fx.tcp_size, sizeof payload));
    cr_expect(eq(int, memcmp(fx.tcp_bytes, payload, sizeof payload), 0));
    cr_expect(eq(u8, fx.tcp_packet.ecn, 3));
    cr_expect(eq(int, fx.tcp_packet.is_ipv6, false));
    cr_expect(eq(int, fx.tcp_packet.to_multicast, false));
    uint8_t peer[16];
    fixture_v4(peer, IP4_PEER);
    cr_expect(ip_equal(fx.tcp_source, peer));
}
Test(ip4, skips_options)
{
    uint8_t packet[64] = { 0 }, frame[96];
    build_ip4(packet, IP4_PEER, IP4_US, 6, NULL, 0);
    packet[0] = 0x47; // two words of options
    store_be16(packet + 2, 28 + sizeof payload);
    memcpy(packet + 28, payload, sizeof payload);
    store_le16(packet + 10, 0);
    store_le16(packet + 10, checksum_fold(checksum_add(0, packet, 28)));
    fixture_receive(frame, build_eth(frame, MAC_US, ETHERTYPE_IP4, packet, 28 + sizeof payload));
    cr_assert(eq(u32, fx.tcp_count, 1));
    cr_expect(eq(u32, fx.tcp_size, sizeof payload));
}
Test(ip4, drops_every_prefix_of_a_packet)
{
    uint8_t packet[64], frame[96];
    uint32_t size = build_ip4(packet, IP4_PEER, IP4_US, 6, payload, sizeof payload);
    for (uint32_t i = 0; i < size; i++)
        fixture_receive(frame, build_eth(frame, MAC_US, ETHERTYPE_IP4, packet, i));
    cr_expect(eq(u64, fx.tally.drop_short, 20));
    cr_expect(eq(u64, fx.tally.drop_ip_header, size - 20));
    cr_expect(eq(u32, fx.tcp_count, 0));
}
Test(ip4, refuses_bad_header_fields)
{
    receive_changed(0, 0x65, true); // version
    receive_changed(0, 0x44, true); // header of 16 bytes
    receive_changed(0, 0x4f, true); // header longer than the packet
    receive_changed(3, 19, true);   // total length below the header's
    receive_changed(3, 45, true);   // one byte more than came
    cr_expect(eq(u64, fx.tally.drop_ip_header, 5));
    receive_changed(3, 44, true);
    cr_expect(eq(u32, fx.tcp_count, 1));
}
Test(ip4, verifies_the_header_checksum_unless_the_port_did)
{
    receive_changed(8, 63, false);
    cr_expect(eq(u64, fx.tally.drop_ip_checksum, 1));
    uint8_t packet[64];
    uint32_t size = build_ip4(packet, IP4_PEER, IP4_US, 6, payload, sizeof payload);
    for (int bad = 0; bad < 2; bad++) {
        struct frame *f = fixture_take(&fx.pool);
        f->size = build_eth(f->data, MAC_US, ETHERTYPE_IP4, packet, size);
        if (!bad) f->data[14 + 10] ^= 1;
        f->flags = bad ? FRAME_RX_IP_BAD : FRAME_RX_IP_GOOD;
        eth_input(&fx.net, f);
    }
    cr_expect(eq(u32, fx.tcp_count, 1));
    cr_expect(eq(u64, fx.tally.drop_ip_checksum, 2));
}
// RFC 1122 3.2.1.7
Test(ip4, takes_a_ttl_of_one)
{
    receive_changed(8, 1, true);
    cr_expect(eq(u32, fx.tcp_count, 1));
}
Test(ip4, refuses_sources_that_no_host_has)
{
    const uint8_t wrong[][4] = { { 0, 0, 0, 0 },  { 127, 0, 0, 1 },       { 224, 0, 0, 1 },
                                 { 10, 0, 0, 1 }, { 255, 255, 255, 255 }, { 10, 0, 0, 255 } };
    for (size_t i = 0; i < 6; i++) receive_ip4(wrong[i], IP4_US, 6, payload, sizeof payload);
    cr_expect(eq(u64, fx.tally.drop_ip_header, 6));
}
Test(ip4, drops_packets_for_others)
{
    const uint8_t others[][4] = { { 10, 0, 0, 2 },
                                  { 10, 0, 0, 255 },
                                  { 255, 255, 255, 255 },
                                  { 224, 0, 0, 1 },
                                  { 127, 0, 0, 1 } };
    for (size_t i = 0; i < 5; i++) receive_ip4(IP4_PEER, others[i], 6, payload, sizeof payload);
    cr_expect(eq(u64, fx.tally.drop_not_for_us, 5));
}
Test(ip4, drops_fragments)
{
    receive_changed(6, 0x20, true); // more to come
    receive_changed(7, 1, true);    // the second
    cr_expect(eq(u64, fx.tally.drop_ip_fragment, 2));
    receive_changed(6, 0x40, true); // DF alone is none
    cr_expect(eq(u32, fx.tcp_count, 1));
}
Test(ip4, drops_protocols_that_are_not_spoken)
{
    receive_ip4(IP4_PEER, IP4_US, 17, payload, sizeof payload);
    cr_expect(eq(u64, fx.tally.drop_ip_protocol, 1));
}
Test(ip4, marks_packets_that_came_by_broadcast)
{
    uint8_t packet[64], frame[96];
    uint32_t size = build_ip4(packet, IP4_PEER, IP4_US, 6, payload, sizeof payload);
    fixture_receive(frame, build_eth(frame, MAC_ALL, ETHERTYPE_IP4, packet, size));
    cr_expect(fx.tcp_packet.to_multicast);
}

// ---- output
static struct frame *send_segment(struct ip_route *r, struct frame *f, uint8_t ecn)
{
    receive_arp(1, MAC_ALL, MAC_PEER, IP4_PEER, IP4_US);
    fixture_give(&fx.pool, fixture_sent());
    ip_output(&fx.net, f, r, 6, ecn);
    struct frame *out = fixture_sent();
    cr_assert(out != NULL);
    return out;
}
Test(ip4, prepends_headers_with_good_checksums)
{
    struct ip_route r = fixture_route4(IP4_PEER);
    struct frame *f = fixture_segment(6);
    f->body = fixture_slice("abc", 3);
    f->body->body = fixture_slice("defgh", 5);
    f = send_segment(&r, f, 2);
    const uint8_t *p = f->data;
    cr_expect(mac_equal(p, MAC_PEER) && mac_equal(p + 6, MAC_US));
    cr_expect(eq(u16, load_be16(p + 12), 0x0800));
    cr_expect(eq(u16, load_be16(p + 16), 20 + 20 + 6 + 8));
    cr_expect(eq(u8, p[15], 2));
    cr_expect(eq(u8, p[20], 0x40)); // DF
    cr_expect(eq(u8, p[22], 64));
    cr_expect(eq(u8, p[23], 6));
    cr_expect(eq(u16, checksum_fold(checksum_add(0, p + 14, 20)), 0));
    uint8_t l4[34];
    memcpy(l4, p + 34, 26);
    memcpy(l4 + 26, "abcdefgh", 8);
    uint32_t sum = checksum_pseudo(r.local, r.remote, 6, 34, false);
    cr_expect(eq(u16, checksum_fold(checksum_add(sum, l4, 34)), 0));
    cr_expect(eq(u32, f->flags, 0));
    fixture_give(&fx.pool, f);
}
Test(ip4, gives_every_packet_another_id_and_a_good_header_checksum)
{
    struct ip_route r = fixture_route4(IP4_PEER);
    uint16_t last = 0;
    fx.net.ip->next_ip_id = 65530;
    for (uint32_t i = 0; i < 12; i++) { // across the wrap
        struct frame *f = send_segment(&r, fixture_segment(i), 0);
        cr_expect(eq(u16, checksum_fold(checksum_add(0, f->data + 14, 20)), 0));
        if (i) cr_expect(eq(u16, load_le16(f->data + 18), (uint16_t)(last + 1)));
        last = load_le16(f->data + 18);
        fixture_give(&fx.pool, f);
    }
}
Test(ip4, leaves_the_tcp_checksum_to_a_port_that_does_it)
{
    fx.net.config.tx_l4_checksum = true;
    struct ip_route r = fixture_route4(IP4_PEER);
    struct frame *f = send_segment(&r, fixture_segment(10), 0);
    cr_expect(eq(u32, f->flags, FRAME_TX_L4_CSUM));
    uint32_t sum = checksum_pseudo(r.local, r.remote, 6, 30, false);
    cr_expect(eq(u16, load_le16(f->data + 34 + 16), (uint16_t)~checksum_fold(sum)));
    cr_expect(eq(u16, f->l2_bytes, 14));
    cr_expect(eq(u16, f->l3_bytes, 20));
    fixture_give(&fx.pool, f);
}
Test(ip4, leaves_segments_that_the_port_cuts_whole)
{
    fx.net.config.tx_l4_checksum = fx.net.config.tx_ip_checksum = true;
    struct ip_route r = fixture_route4(IP4_PEER);
    struct frame *f = fixture_segment(1900);
    f->flags = FRAME_TX_TSO;
    f = send_segment(&r, f, 0);
    cr_expect(eq(u32, f->flags, FRAME_TX_TSO | FRAME_TX_L4_CSUM | FRAME_TX_IP_CSUM));
    cr_expect(eq(u16, load_le16(f->data + 14 + 10), 0));
    uint32_t sum =
        checksum_pseudo(r.local, r.remote, 6, 0, false); // DPDK's way: without the length
    cr_expect(eq(u16, load_le16(f->data + 34 + 16), (uint16_t)~checksum_fold(sum)));
    fixture_give(&fx.pool, f);
}
Test(ip4, never_sends_more_than_the_mtu)
{
    struct ip_route r = fixture_route4(IP4_PEER);
    fixture_give(&fx.pool, send_segment(&r, fixture_segment(1460), 0));
    ip_output(&fx.net, fixture_segment(1461), &r, 6, 0);
    cr_expect(fixture_sent() == NULL);
    cr_expect(eq(u64, fx.tally.drop_no_route, 1));
}

// ---- routes
Test(ip4, routes_by_prefix_and_then_by_gateway)
{
    uint8_t mapped[16];
    struct ip_route r = fixture_route4(IP4_PEER);
    fixture_v4(mapped, IP4_PEER);
    cr_expect(ip_equal(r.next_hop, mapped));
    fixture_v4(mapped, IP4_US);
    cr_expect(ip_equal(r.local, mapped));
    r = fixture_route4(IP4_FAR);
    fixture_v4(mapped, IP4_GATEWAY);
    cr_expect(ip_equal(r.next_hop, mapped));
    cr_expect(eq(u16, r.mtu, 1500));
}
Test(ip4, has_no_route_to_what_is_no_host)
{
    const uint8_t wrong[][4] = {
        { 0, 0, 0, 0 }, { 127, 0, 0, 1 }, { 224, 0, 0, 5 }, { 10, 0, 0, 1 }
    };
    for (size_t i = 0; i < 4; i++) {
        uint8_t mapped[16];
        struct ip_route r = { 0 };
        fixture_v4(mapped, wrong[i]);
        cr_expect(eq(int, ip_route_find(&fx.net, mapped, &r), ERR_IO));
    }
}
Test(ip4, has_no_route_off_link_without_a_gateway)
{
    fixture_close();
    struct net_config c = fixture_config();
    memset(c.gateway4, 0, 16);
    cr_assert(eq(int, fixture_open_with(&c), OK));
    uint8_t mapped[16];
    struct ip_route r = { 0 };
    fixture_v4(mapped, IP4_FAR);
    cr_expect(eq(int, ip_route_find(&fx.net, mapped, &r), ERR_IO));
}

Test(ip4_open, refuses_a_wrong_configuration)
{
    struct net_config c = fixture_config();
    c.addresses[0].prefix_bits = 33;
    cr_expect(eq(int, fixture_open_with(&c), ERR_PEER));
    c = fixture_config();
    c.mtu = 575;
    cr_expect(eq(int, fixture_open_with(&c), ERR_PEER));
    c = fixture_config();
    c.mtu = 1279; // with IPv6
    cr_expect(eq(int, fixture_open_with(&c), ERR_PEER));
    c = fixture_config();
    memcpy(c.gateway4, IP6_PEER, 16);
    cr_expect(eq(int, fixture_open_with(&c), ERR_PEER));
    c = fixture_config();
    c.addresses[0].ip[12] = 224;
    cr_expect(eq(int, fixture_open_with(&c), ERR_PEER));
    c = fixture_config();
    c.neighbour_count_max = 0;
    cr_expect(eq(int, fixture_open_with(&c), ERR_PEER));
    cr_expect(fx.net.ip == NULL);
}
