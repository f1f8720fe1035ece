#include "tests/unit/net/ip_fixture.h"

TestSuite(ip6, .init = fixture_open, .fini = fixture_close);

static const uint8_t segment[20] = { 0x12, 0x34, [12] = 0x50 };

// Extension headers in front of a segment.
static void receive_chain(uint8_t first, const uint8_t *chain, size_t chain_bytes)
{
    uint8_t payload[512];
    if (chain_bytes) memcpy(payload, chain, chain_bytes);
    memcpy(payload + chain_bytes, segment, sizeof segment);
    receive_ip6(MAC_US, IP6_PEER, IP6_US, first, 64, payload, chain_bytes + sizeof segment);
}

Test(ip6, hands_tcp_the_payload_without_padding)
{
    uint8_t packet[80] = { 0 }, frame[96];
    uint32_t size = build_ip6(packet, IP6_PEER, IP6_US, 6, 64, segment, sizeof segment);
    packet[1] = 0x10;
    fixture_receive(frame, build_eth(frame, MAC_US, ETHERTYPE_IP6, packet, size + 6));
    cr_assert(eq(u32, fx.tcp_count, 1));
    cr_expect(eq(u32, fx.tcp_size, sizeof segment));
    cr_expect(eq(u8, fx.tcp_packet.ecn, 1));
    cr_expect(fx.tcp_packet.is_ipv6);
    cr_expect(ip_equal(fx.tcp_source, IP6_PEER) && ip_equal(fx.tcp_destination, IP6_US));
}
Test(ip6, drops_every_prefix_of_a_packet)
{
    uint8_t packet[80], frame[96];
    uint32_t size = build_ip6(packet, IP6_PEER, IP6_US, 6, 64, segment, sizeof segment);
    for (uint32_t i = 0; i < size; i++)
        fixture_receive(frame, build_eth(frame, MAC_US, ETHERTYPE_IP6, packet, i));
    cr_expect(eq(u64, fx.tally.drop_short, 40));
    cr_expect(eq(u64, fx.tally.drop_ip_header, size - 40));
}
Test(ip6, walks_extension_headers)
{
    const uint8_t chain[] = { 60, 0, 1, 4, 0, 0, 0, 0,   // hop by hop, PadN
                              43, 0, 0, 0, 0, 0, 0, 0,   // destination options, Pad1
                              44, 0, 0, 0, 0, 0, 0, 0,   // routing, none left
                              6,  0, 0, 0, 1, 2, 3, 4 }; // atomic fragment (RFC 6946)
    receive_chain(0, chain, sizeof chain);
    cr_expect(eq(u32, fx.tcp_count, 1));
    cr_expect(eq(u32, fx.tcp_size, sizeof segment));
}
Test(ip6, drops_real_fragments)
{
    const uint8_t more[] = { 6, 0, 0, 1, 1, 2, 3, 4 }, later[] = { 6, 0, 0, 8, 1, 2, 3, 4 };
    receive_chain(44, more, 8);
    receive_chain(44, later, 8);
    cr_expect(eq(u64, fx.tally.drop_ip_fragment, 2));
}
Test(ip6, refuses_bad_extension_headers)
{
    const uint8_t bad[][8] = {
        { 6, 9, 0, 0, 0, 0, 0, 0 },    // longer than the packet
        { 6, 0, 0xc2, 4, 0, 0, 0, 0 }, // an option that asks to be refused
        { 6, 0, 1, 5, 0, 0, 0, 0 },    // an option longer than its header
        { 6, 0, 1, 3, 0, 0, 0, 1 },    // an option without its length
    };
    for (size_t i = 0; i < 4; i++) receive_chain(60, bad[i], 8);
    const uint8_t source_route[8] = { 6, 0, 0, 1, 0, 0, 0, 0 };
    receive_chain(43, source_route, 8);
    cr_expect(eq(u64, fx.tally.drop_ip_header, 5));
    const uint8_t not_first[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 6, 0 };
    receive_chain(60, not_first, 16); // hop by hop behind another (RFC 8200 4.1)
    cr_expect(eq(u64, fx.tally.drop_ip_protocol, 1));
    cr_expect(eq(u32, fx.tcp_count, 0));
}
Test(ip6, skips_unknown_options_that_may_be_skipped)
{
    const uint8_t options[8] = { 6, 0, 0x1e, 4, 0, 0, 0, 0 };
    receive_chain(60, options, 8);
    cr_expect(eq(u32, fx.tcp_count, 1));
}
Test(ip6, walks_a_bounded_number_of_headers)
{
    uint8_t chain[8 * 9] = { 0 };
    for (int count = 8; count <= 9; count++) {
        for (int i = 0; i < count; i++) chain[8 * i] = i == count - 1 ? 6 : 60;
        receive_chain(60, chain, (size_t)(8 * count));
    }
    cr_expect(eq(u32, fx.tcp_count, 1));
    cr_expect(eq(u64, fx.tally.drop_ip_header, 1));
}
Test(ip6, drops_every_prefix_of_a_chain)
{
    const uint8_t chain[] = { 60, 0, 1, 4, 0, 0, 0, 0, 60, 1, 1, 12,
                              0,  0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0 };
    for (size_t i = 1; i < sizeof chain; i++)
        receive_ip6(MAC_US, IP6_PEER, IP6_US, 0, 64, chain, i);
    cr_expect(eq(u32, fx.tcp_count, 0));
    cr_expect(eq(u64, fx.tally.drop_ip_header + fx.tally.drop_ip_protocol, sizeof chain - 1));
}
Test(ip6, refuses_sources_that_no_host_has)
{
    uint8_t multicast[16] = { 0xff, 2, [15] = 1 }, loopback[16] = { [15] = 1 }, none[16] = { 0 };
    uint8_t mapped[16];
    fixture_v4(mapped, IP4_PEER);
    const uint8_t *wrong[] = { multicast, loopback, none, mapped, IP6_US };
    for (size_t i = 0; i < 5; i++)
        receive_ip6(MAC_US, wrong[i], IP6_US, 6, 64, segment, sizeof segment);
    cr_expect(eq(u64, fx.tally.drop_ip_header, 5));
    receive_ip6(MAC_US, IP6_PEER, mapped, 6, 64, segment, sizeof segment);
    cr_expect(eq(u64, fx.tally.drop_ip_header, 6));
}
Test(ip6, drops_packets_for_others_and_foreign_groups)
{
    const uint8_t group[16] = { 0xff, 2, [11] = 1, 0xff, 0, 0, 2 };
    receive_ip6(MAC_US, IP6_PEER, IP6_PEER, 6, 64, segment, sizeof segment); // not ours
    receive_ip6(MAC_ALL, IP6_PEER, group, 6, 64, segment, sizeof segment);
    cr_expect(eq(u64, fx.tally.drop_not_for_us, 2));
}
Test(ip6, has_a_link_local_address_made_from_its_mac)
{
    const uint8_t want[16] = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 1 };
    cr_expect(ip_is_local(&fx.net, want));
    const uint8_t peer[16] = { 0xfe, 0x80, [15] = 9 };
    struct ip_route r = fixture_route(peer);
    cr_expect(ip_equal(r.local, want));
}
Test(ip6, has_no_link_local_address_without_ipv6)
{
    fixture_close();
    struct net_config c = fixture_config();
    c.address_count = 1;
    cr_assert(eq(int, fixture_open_with(&c), OK));
    cr_expect(eq(u32, fx.net.ip->local_count, 1));
}
Test(ip6, prepends_headers_with_good_checksums)
{
    struct ip_route r = fixture_route(IP6_PEER);
    neighbour_heard(&fx.net, IP6_PEER, MAC_PEER);
    struct frame *f = fixture_segment(3);
    f->body = fixture_slice("xyz", 3);
    ip_output(&fx.net, f, &r, 6, 2);
    f = fixture_sent();
    cr_assert(f != NULL);
    const uint8_t *p = f->data;
    cr_expect(eq(u16, load_be16(p + 12), 0x86dd));
    cr_expect(eq(u32, load_be32(p + 14), 0x60200000));
    cr_expect(eq(u16, load_be16(p + 18), 26));
    cr_expect(eq(u8, p[20], 6));
    cr_expect(eq(u8, p[21], 64));
    uint8_t l4[26];
    memcpy(l4, p + 54, 23);
    memcpy(l4 + 23, "xyz", 3);
    uint32_t sum = checksum_pseudo(r.local, r.remote, 6, 26, true);
    cr_expect(eq(u16, checksum_fold(checksum_add(sum, l4, 26)), 0));
    cr_expect(eq(u32, f->flags, FRAME_IS_IPV6));
    cr_expect(eq(u16, f->l3_bytes, 40));
    fixture_give(&fx.pool, f);
}
Test(ip6, speaks_through_a_link_local_gateway_with_a_routable_source)
{
    fixture_close();
    struct net_config c = fixture_config();
    const uint8_t gateway[16] = { 0xfe, 0x80, [15] = 0xfe }, far[16] = { 0x20, 1, [15] = 5 };
    memcpy(c.gateway6, gateway, 16);
    cr_assert(eq(int, fixture_open_with(&c), OK));
    struct ip_route r = fixture_route(far);
    cr_expect(ip_equal(r.local, IP6_US));
    cr_expect(ip_equal(r.next_hop, gateway));
}
