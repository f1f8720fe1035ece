#include "tests/unit/net/ip_fixture.h"

TestSuite(eth, .init = fixture_open, .fini = fixture_close);

static void receive_type(const uint8_t *to, uint16_t type)
{
    uint8_t frame[64], zero[46] = { 0 };
    fixture_receive(frame, build_eth(frame, to, type, zero, sizeof zero));
}

// An ARP request for us with a tag in front of its type.
static void receive_tagged(uint16_t tag)
{
    uint8_t frame[64] = { 0 }, *p = frame;
    memcpy(p, MAC_ALL, 6);
    memcpy(p + 6, MAC_PEER, 6);
    store_be16(p + 12, 0x8100);
    store_be16(p + 14, tag);
    store_be16(p + 16, ETHERTYPE_ARP);
    const uint8_t arp[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };
    memcpy(p + 18, arp, 8);
    memcpy(p + 26, MAC_PEER, 6);
    memcpy(p + 32, IP4_PEER, 4);
    memcpy(p + 42, IP4_US, 4);
    fixture_receive(frame, sizeof frame);
}

Test(eth, drops_every_prefix_of_a_header)
{
    uint8_t frame[64] = { 0 };
    for (uint32_t size = 0; size < 14; size++) {
        build_eth(frame, MAC_US, ETHERTYPE_ARP, "", 0);
        fixture_receive(frame, size);
        cr_assert(eq(u64, fx.tally.drop_short, size + 1));
    }
}
Test(eth, drops_frames_for_others)
{
    receive_type(MAC_OTHER, ETHERTYPE_IP4);
    cr_expect(eq(u64, fx.tally.drop_not_for_us, 1));
}
Test(eth, drops_unknown_types_by_name)
{
    receive_type(MAC_US, 0x88cc);
    receive_type(MAC_ALL, 0x88a8); // a service tag is none of ours
    receive_type(MAC_ALL, 60);     // IEEE 802.3 length
    cr_expect(eq(u64, fx.tally.drop_ethertype, 3));
}
Test(eth, takes_a_priority_tag_for_none)
{
    receive_tagged(0xe000);
    cr_expect(eq(u64, fx.tally.arp_replies, 1));
}
Test(eth, drops_a_tag_of_a_vlan_that_is_not_spoken)
{
    receive_tagged(5);
    cr_expect(eq(u64, fx.tally.drop_vlan, 1));
}
Test(eth, drops_a_tag_cut_short)
{
    uint8_t frame[32];
    for (uint32_t size = 0; size < 4; size++)
        fixture_receive(frame, build_eth(frame, MAC_US, 0x8100, "\0\0\0", size));
    cr_expect(eq(u64, fx.tally.drop_vlan, 4));
}

static void open_on_vlan_5(void)
{
    struct net_config c = fixture_config();
    c.vlan = 5;
    cr_assert(eq(int, fixture_open_with(&c), OK));
}
Test(eth_vlan, speaks_only_its_own_tag, .init = open_on_vlan_5, .fini = fixture_close)
{
    receive_tagged(0x6005);
    cr_assert(eq(u64, fx.tally.arp_replies, 1));
    struct frame *f = fixture_sent();
    cr_assert(f != NULL);
    cr_expect(eq(u16, load_be16(f->data + 12), 0x8100));
    cr_expect(eq(u16, load_be16(f->data + 14), 5));
    cr_expect(eq(u16, load_be16(f->data + 16), ETHERTYPE_ARP));
    fixture_give(&fx.pool, f);
    receive_tagged(6);
    receive_tagged(0);
    receive_type(MAC_US, ETHERTYPE_ARP);
    cr_expect(eq(u64, fx.tally.drop_vlan, 3));
}
Test(eth_vlan, tags_packets, .init = open_on_vlan_5, .fini = fixture_close)
{
    struct ip_route r = fixture_route4(IP4_PEER);
    receive_tagged(5); // teaches the peer's address
    fixture_give(&fx.pool, fixture_sent());
    ip_output(&fx.net, fixture_segment(0), &r, 6, 0);
    struct frame *f = fixture_sent();
    cr_assert(f != NULL);
    cr_expect(eq(u32, f->size, 18 + 20 + 20));
    cr_expect(eq(u16, load_be16(f->data + 16), ETHERTYPE_IP4));
    cr_expect(eq(u16, f->l2_bytes, 18));
    cr_expect(eq(u16, checksum_fold(checksum_add(0, f->data + 18, 20)), 0));
    fixture_give(&fx.pool, f);
}
