#include "tests/unit/net/ip_fixture.h"

TestSuite(arp, .init = fixture_open, .fini = fixture_close);

Test(arp, answers_a_request_for_our_address)
{
    receive_arp(1, MAC_ALL, MAC_PEER, IP4_PEER, IP4_US);
    struct frame *f = fixture_sent();
    cr_assert(f != NULL);
    cr_expect(eq(u64, fx.tally.arp_replies, 1));
    cr_expect(eq(u32, f->size, 60));
    cr_expect(mac_equal(f->data, MAC_PEER) && mac_equal(f->data + 6, MAC_US));
    const uint8_t want[] = { 0,  1, 8, 0, 6, 4, 0, 2, 2, 0, 0,  0, 0, 1,
                             10, 0, 0, 1, 2, 0, 0, 0, 0, 9, 10, 0, 0, 9 };
    cr_expect(eq(int, memcmp(f->data + 14, want, sizeof want), 0));
    fixture_give(&fx.pool, f);
    cr_expect(eq(u8, fixture_neighbour4(IP4_PEER)->state, NEIGHBOUR_STALE)); // RFC 826: it asked us
}
Test(arp, learns_from_a_copy_of_a_request_without_answering_it)
{
    fx.receive_flags = FRAME_IS_COPY;
    receive_arp(1, MAC_ALL, MAC_PEER, IP4_PEER, IP4_US);
    cr_expect(fixture_sent() == NULL);
    cr_expect(eq(u64, fx.tally.arp_replies, 0));
    cr_assert(fixture_neighbour4(IP4_PEER) != NULL);
    cr_expect(mac_equal(fixture_neighbour4(IP4_PEER)->mac, MAC_PEER));
}
Test(arp, does_not_answer_for_others_nor_learn_from_it)
{
    receive_arp(1, MAC_ALL, MAC_PEER, IP4_PEER, IP4_GATEWAY);
    cr_expect(fixture_sent() == NULL);
    cr_expect(fixture_neighbour4(IP4_PEER) == NULL);
}
// RFC 5227 2.1.1: sender address zero.
Test(arp, answers_a_probe_without_learning)
{
    const uint8_t zero[4] = { 0 };
    receive_arp(1, MAC_ALL, MAC_PEER, zero, IP4_US);
    cr_expect(eq(u64, fx.tally.arp_replies, 1));
    cr_expect(eq(sz, fx.net.ip->used.count, 0));
}
// RFC 826: a pair that is known is updated from any packet; an unknown one is not added.
Test(arp, takes_a_gratuitous_announcement_for_known_neighbours_only)
{
    receive_arp(2, MAC_ALL, MAC_PEER, IP4_PEER, IP4_PEER);
    cr_expect(fixture_neighbour4(IP4_PEER) == NULL);
    receive_arp(1, MAC_ALL, MAC_PEER, IP4_PEER, IP4_US);
    receive_arp(1, MAC_ALL, MAC_OTHER, IP4_PEER, IP4_PEER);
    struct neighbour *nb = fixture_neighbour4(IP4_PEER);
    cr_assert(nb != NULL);
    cr_expect(mac_equal(nb->mac, MAC_OTHER));
    cr_expect(eq(u8, nb->state, NEIGHBOUR_STALE));
}
Test(arp, counts_a_conflict_and_keeps_its_address)
{
    receive_arp(2, MAC_ALL, MAC_PEER, IP4_US, IP4_US);
    cr_expect(eq(u64, fx.tally.drop_arp, 1));
    cr_expect(eq(sz, fx.net.ip->used.count, 0));
}
Test(arp, drops_malformed_messages)
{
    uint8_t good[46] = { 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 10, 0, 0, 9 };
    memcpy(good + 24, IP4_US, 4);
    uint8_t frame[64];
    for (uint32_t size = 0; size < 28; size++)
        fixture_receive(frame, build_eth(frame, MAC_US, ETHERTYPE_ARP, good, size));
    const struct {
        int at;
        uint8_t value;
    } wrong[] = { { 1, 6 }, { 2, 0x86 }, { 4, 8 }, { 5, 16 },
                  { 7, 0 }, { 7, 3 },    { 8, 3 }, { 14, 224 } };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint8_t bad[46];
        memcpy(bad, good, 46);
        bad[wrong[i].at] = wrong[i].value;
        fixture_receive(frame, build_eth(frame, MAC_US, ETHERTYPE_ARP, bad, sizeof bad));
    }
    cr_expect(eq(u64, fx.tally.drop_arp, 28 + 8));
    cr_expect(eq(u64, fx.tally.arp_replies, 0));
    fixture_receive(frame, build_eth(frame, MAC_US, ETHERTYPE_ARP, good, sizeof good));
    cr_expect(eq(u64, fx.tally.arp_replies, 1));
}
Test(arp, ignores_an_echo_of_its_own_frames)
{
    receive_arp(1, MAC_ALL, MAC_US, IP4_US, IP4_PEER);
    cr_expect(eq(u64, fx.tally.drop_arp, 1));
    cr_expect(fixture_sent() == NULL);
}
// The kernel's end of a tap port.
Test(arp, answers_a_neighbour_with_the_same_mac)
{
    receive_arp(1, MAC_ALL, MAC_US, IP4_PEER, IP4_US);
    cr_expect(eq(u64, fx.tally.arp_replies, 1));
}
