#include "tests/unit/net/ip_fixture.h"

TestSuite(icmp, .init = fixture_open, .fini = fixture_close);

static void receive_icmp4(uint8_t *message, size_t size)
{
    store_le16(message + 2, 0);
    store_le16(message + 2, checksum_fold(checksum_add(0, message, size)));
    receive_ip4(IP4_PEER, IP4_US, 1, message, size);
}
static void know_peer(void)
{
    receive_arp(1, MAC_ALL, MAC_PEER, IP4_PEER, IP4_US);
    fixture_give(&fx.pool, fixture_sent());
}
// An error about a segment of ours, port 6379 to port 40000, sequence number 0x01020304.
static size_t build_error4(uint8_t *out, uint8_t type, uint8_t code, uint16_t mtu,
                           uint16_t quoted_bytes)
{
    const uint8_t tcp[8] = { 0x18, 0xeb, 0x9c, 0x40, 1, 2, 3, 4 };
    memset(out, 0, 8);
    out[0] = type;
    out[1] = code;
    store_be16(out + 6, mtu);
    build_ip4(out + 8, IP4_US, IP4_PEER, 6, tcp, 8);
    store_be16(out + 10, quoted_bytes);
    return 8 + 20 + 8;
}

Test(icmp, echoes_what_it_was_sent)
{
    uint8_t ping[8 + 33] = { 8, 0, 0, 0, 0x12, 0x34, 0, 1, 'p', 'i', 'n', 'g' };
    know_peer();
    receive_icmp4(ping, sizeof ping);
    struct frame *f = fixture_sent();
    cr_assert(f != NULL);
    cr_expect(eq(u64, fx.tally.icmp_echo, 1));
    cr_expect(eq(u32, f->size, 34 + sizeof ping));
    cr_expect(mac_equal(f->data, MAC_PEER));
    cr_expect(eq(int, memcmp(f->data + 26, IP4_US, 4), 0));
    cr_expect(eq(int, memcmp(f->data + 30, IP4_PEER, 4), 0));
    cr_expect(eq(u8, f->data[34], 0));
    cr_expect(eq(int, memcmp(f->data + 38, ping + 4, sizeof ping - 4), 0));
    cr_expect(eq(u16, checksum_fold(checksum_add(0, f->data + 34, sizeof ping)), 0));
    cr_expect(eq(u16, checksum_fold(checksum_add(0, f->data + 14, 20)), 0));
    fixture_give(&fx.pool, f);
}
Test(icmp, keeps_the_reply_until_the_neighbour_is_known)
{
    uint8_t ping[8] = { 8 };
    receive_icmp4(ping, sizeof ping);
    cr_expect(eq(u32, fx.net.frames_held, 1));
    fixture_give(&fx.pool, fixture_sent()); // the question
    receive_arp(2, MAC_US, MAC_PEER, IP4_PEER, IP4_US);
    struct frame *f = fixture_sent();
    cr_assert(f != NULL);
    cr_expect(mac_equal(f->data, MAC_PEER));
    cr_expect(eq(u32, fx.net.frames_held, 0));
    fixture_give(&fx.pool, f);
}
Test(icmp, drops_bad_checksums_and_short_messages)
{
    uint8_t ping[9] = { 8, 0, 0xf7, 0xfe };
    receive_ip4(IP4_PEER, IP4_US, 1, ping, 8);
    cr_expect(eq(u64, fx.tally.drop_l4_checksum, 1));
    for (size_t i = 0; i < 8; i++) receive_ip4(IP4_PEER, IP4_US, 1, ping, i);
    cr_expect(eq(u64, fx.tally.drop_icmp, 8));
    cr_expect(eq(u64, fx.tally.icmp_echo, 0));
}
Test(icmp, bounds_the_echoes_of_one_burst)
{
    uint8_t ping[8] = { 8 };
    know_peer();
    for (int i = 0; i < ICMP_ECHO_BURST_MAX + 5; i++) {
        receive_icmp4(ping, sizeof ping);
        struct frame *f = fixture_sent();
        if (f) fixture_give(&fx.pool, f);
    }
    cr_expect(eq(u64, fx.tally.icmp_echo, ICMP_ECHO_BURST_MAX));
    cr_expect(eq(u64, fx.tally.drop_icmp, 5));
    fx.net.now_ns++;
    receive_icmp4(ping, sizeof ping);
    cr_expect(eq(u64, fx.tally.icmp_echo, ICMP_ECHO_BURST_MAX + 1));
}
Test(icmp, reports_the_mtu_of_the_path)
{
    uint8_t error[64];
    receive_icmp4(error, build_error4(error, 3, 4, 1400, 1500));
    cr_assert(eq(u32, fx.path_mtu_count, 1));
    cr_expect(eq(u16, fx.mtu, 1400));
    cr_expect(eq(u16, fx.local_port, 6379));
    cr_expect(eq(u16, fx.remote_port, 40000));
    cr_expect(eq(u32, fx.seq, 0x01020304));
    uint8_t peer[16];
    fixture_v4(peer, IP4_PEER);
    cr_expect(ip_equal(fx.icmp_remote, peer));
}
// RFC 1191 section 5 and 7; RFC 5927 7.2, 7.3
Test(icmp, takes_strange_mtus_with_care)
{
    uint8_t error[64];
    receive_icmp4(error, build_error4(error, 3, 4, 0, 1500)); // an old router: next plateau
    cr_expect(eq(u16, fx.mtu, 1492));
    receive_icmp4(error, build_error4(error, 3, 4, 68, 1500));
    cr_expect(eq(u16, fx.mtu, 576));
    cr_expect(eq(u32, fx.path_mtu_count, 2));
    receive_icmp4(error, build_error4(error, 3, 4, 1500, 1500)); // no less than ours
    receive_icmp4(error, build_error4(error, 3, 4, 1400, 1400)); // it would have fitted
    cr_expect(eq(u32, fx.path_mtu_count, 2));
    cr_expect(eq(u64, fx.tally.drop_icmp, 2));
}
Test(icmp, tells_hard_errors_from_soft_ones)
{
    const struct {
        uint8_t code;
        bool hard;
    } cases[] = {
        { 0, false }, { 1, false }, { 2, true }, { 3, true }, { 5, false }, { 13, true }
    };
    for (size_t i = 0; i < 6; i++) {
        uint8_t error[64];
        receive_icmp4(error, build_error4(error, 3, cases[i].code, 0, 60));
        cr_expect(eq(u32, fx.unreachable_count, i + 1));
        cr_expect(eq(int, fx.hard_error, cases[i].hard), "code %u", cases[i].code);
    }
}
Test(icmp, ignores_errors_about_packets_that_are_not_ours)
{
    uint8_t error[64];
    size_t size = build_error4(error, 3, 4, 1400, 1500);
    for (size_t i = 8; i < size; i++) receive_icmp4(error, i); // every prefix of the quote
    build_error4(error, 3, 4, 1400, 1500);
    error[8 + 15] = 77; // source
    receive_icmp4(error, size);
    build_error4(error, 3, 4, 1400, 1500);
    error[8 + 9] = 17; // UDP
    receive_icmp4(error, size);
    build_error4(error, 3, 4, 1400, 1500);
    error[8 + 7] = 1; // not the first fragment
    receive_icmp4(error, size);
    cr_expect(eq(u32, fx.path_mtu_count, 0));
    cr_expect(eq(u64, fx.tally.drop_icmp, size - 8 + 3));
}

// ---- ICMPv6
Test(icmp, echoes_over_ipv6)
{
    uint8_t ping[12] = { 128, 0, 0, 0, 0, 7, 0, 1, 'p', 'i', 'n', 'g' };
    neighbour_heard(&fx.net, IP6_PEER, MAC_PEER);
    receive_icmp6(MAC_US, IP6_PEER, IP6_US, 64, ping, sizeof ping);
    struct frame *f = fixture_sent();
    cr_assert(f != NULL);
    cr_expect(eq(u8, f->data[54], 129));
    uint32_t sum = checksum_pseudo(IP6_US, IP6_PEER, 58, 12, true);
    cr_expect(eq(u16, checksum_fold(checksum_add(sum, f->data + 54, 12)), 0));
    fixture_give(&fx.pool, f);
}
Test(icmp, does_not_echo_to_a_group)
{
    const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
    uint8_t ping[8] = { 128 };
    receive_icmp6(MAC_ALL, IP6_PEER, all_nodes, 64, ping, sizeof ping);
    cr_expect(eq(u64, fx.tally.drop_icmp, 1));
}
Test(icmp, verifies_the_checksum_over_the_pseudo_header)
{
    uint8_t ping[8] = { 128 };
    store_le16(ping + 2, checksum_fold(checksum_add(0, ping, 8)));
    receive_ip6(MAC_US, IP6_PEER, IP6_US, 58, 64, ping, sizeof ping);
    cr_expect(eq(u64, fx.tally.drop_l4_checksum, 1));
}
Test(icmp, reports_packets_too_big_over_ipv6)
{
    uint8_t error[8 + 40 + 8] = { 2 };
    const uint8_t tcp[8] = { 0x18, 0xeb, 0x9c, 0x40, 1, 2, 3, 4 };
    build_ip6(error + 8, IP6_US, IP6_PEER, 6, 64, tcp, 8);
    store_be16(error + 12, 1460);
    store_be32(error + 4, 1400);
    receive_icmp6(MAC_US, IP6_PEER, IP6_US, 64, error, sizeof error);
    cr_expect(eq(u16, fx.mtu, 1400));
    store_be32(error + 4, 1279); // RFC 8201 section 4: never below 1280
    receive_icmp6(MAC_US, IP6_PEER, IP6_US, 64, error, sizeof error);
    cr_expect(eq(u16, fx.mtu, 1280));
    store_be32(error + 4, 65536 + 1280);
    receive_icmp6(MAC_US, IP6_PEER, IP6_US, 64, error, sizeof error);
    cr_expect(eq(u32, fx.path_mtu_count, 2));
    error[0] = 1;
    error[1] = 4;
    receive_icmp6(MAC_US, IP6_PEER, IP6_US, 64, error, sizeof error);
    cr_expect(eq(u32, fx.unreachable_count, 1));
    cr_expect(fx.hard_error);
    for (size_t i = 8; i < sizeof error; i++) receive_icmp6(MAC_US, IP6_PEER, IP6_US, 64, error, i);
    cr_expect(eq(u32, fx.unreachable_count, 1));
}
