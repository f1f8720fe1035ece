#include "tests/unit/net/ip_fixture.h"

TestSuite(neighbour, .init = fixture_open, .fini = fixture_close);

static uint32_t drain(void)
{
    uint32_t count = 0;
    for (struct frame *f; (f = fixture_sent()); count++) fixture_give(&fx.pool, f);
    return count;
}
static void send_to(struct ip_route *r) { ip_output(&fx.net, fixture_segment(0), r, 6, 0); }

Test(neighbour, is_asked_for_and_frames_wait_for_the_answer)
{
    struct ip_route r = fixture_route4(IP4_PEER);
    send_to(&r);
    struct frame *f = fixture_sent();
    cr_assert(f != NULL);
    cr_expect(mac_equal(f->data, MAC_ALL));
    const uint8_t want[] = { 0,  1, 8, 0, 6, 4, 0, 1, 2, 0, 0,  0, 0, 1,
                             10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 9 };
    cr_expect(eq(int, memcmp(f->data + 14, want, sizeof want), 0));
    fixture_give(&fx.pool, f);
    cr_expect(eq(u32, drain(), 0));
    cr_expect(eq(u32, fx.net.frames_held, 1));
    receive_arp(2, MAC_US, MAC_PEER, IP4_PEER, IP4_US);
    f = fixture_sent();
    cr_assert(f != NULL);
    cr_expect(mac_equal(f->data, MAC_PEER));
    fixture_give(&fx.pool, f);
    cr_expect(eq(u8, fixture_neighbour4(IP4_PEER)->state, NEIGHBOUR_REACHABLE));
    send_to(&r);
    f = fixture_sent();
    cr_expect(mac_equal(f->data, MAC_PEER));
    fixture_give(&fx.pool, f);
}
Test(neighbour, queue_drops_the_oldest)
{
    struct ip_route r = fixture_route4(IP4_PEER);
    uint16_t first = fx.net.ip->next_ip_id;
    for (int i = 0; i < NEIGHBOUR_QUEUE_MAX + 3; i++) send_to(&r);
    cr_expect(eq(u32, fx.net.frames_held, NEIGHBOUR_QUEUE_MAX));
    cr_expect(eq(u64, fx.tally.drop_no_route, 3));
    cr_expect(eq(u32, drain(), 1)); // one question
    receive_arp(2, MAC_US, MAC_PEER, IP4_PEER, IP4_US);
    for (uint16_t i = 3; i < NEIGHBOUR_QUEUE_MAX + 3; i++) {
        struct frame *f = fixture_sent();
        cr_assert(f != NULL);
        cr_expect(eq(u16, load_le16(f->data + 18), (uint16_t)(first + i))); // in order
        fixture_give(&fx.pool, f);
    }
}
Test(neighbour, queues_hold_a_bounded_share_of_the_pool)
{
    uint8_t ip4[4] = { 10, 0, 0, 20 };
    for (int i = 0; i < 5; i++, ip4[3]++) {
        struct ip_route r = fixture_route4(ip4);
        for (int j = 0; j < 4; j++) send_to(&r);
        drain();
    }
    cr_expect(eq(u32, fx.net.frames_held, FIXTURE_FRAMES / 8 + 1));
    cr_expect(eq(u64, fx.tally.drop_no_buffer, 20 - (FIXTURE_FRAMES / 8 + 1)));
}
Test(neighbour, that_never_answers_is_asked_three_times_then_given_up)
{
    struct ip_route r = fixture_route4(IP4_PEER);
    send_to(&r);
    cr_expect(eq(u32, drain(), 1));
    fixture_wait_ms(NEIGHBOUR_RETRY_MS - 1);
    cr_expect(eq(u32, drain(), 0));
    fixture_wait_ms(2 * NEIGHBOUR_RETRY_MS);
    cr_expect(eq(u32, drain(), 2));
    cr_expect(eq(u32, fx.net.frames_held, 1));
    fixture_wait_ms(NEIGHBOUR_RETRY_MS);
    cr_expect(eq(u32, fx.net.frames_held, 0));
    cr_expect(eq(u64, fx.tally.drop_no_route, 1));
    cr_expect(fixture_neighbour4(IP4_PEER) == NULL);
    send_to(&r); // the route finds its way back
    cr_expect(eq(u32, drain(), 1));
    cr_expect(eq(u32, fx.net.frames_held, 1));
}
Test(neighbour, goes_stale_and_is_probed_when_used_again)
{
    struct ip_route r = fixture_route4(IP4_PEER);
    send_to(&r);
    receive_arp(2, MAC_US, MAC_PEER, IP4_PEER, IP4_US);
    drain();
    struct neighbour *nb = fixture_neighbour4(IP4_PEER);
    fixture_wait_ms(NEIGHBOUR_REACHABLE_MS + 1);
    cr_expect(eq(u8, nb->state, NEIGHBOUR_STALE));
    fixture_wait_ms(100000); // unused entries ask nothing
    cr_expect(eq(u32, drain(), 0));
    send_to(&r);
    cr_expect(eq(u32, drain(), 1)); // sent at once
    cr_expect(eq(u8, nb->state, NEIGHBOUR_DELAY));
    fixture_wait_ms(NEIGHBOUR_DELAY_MS);
    cr_expect(eq(u8, nb->state, NEIGHBOUR_PROBE));
    struct frame *f = fixture_sent();
    cr_assert(f != NULL);
    cr_expect(mac_equal(f->data, MAC_PEER)); // unicast
    fixture_give(&fx.pool, f);
    receive_arp(2, MAC_US, MAC_PEER, IP4_PEER, IP4_US);
    cr_expect(eq(u8, nb->state, NEIGHBOUR_REACHABLE));
}
Test(neighbour, that_fails_its_probes_is_asked_for_anew)
{
    struct ip_route r = fixture_route4(IP4_PEER);
    receive_arp(1, MAC_ALL, MAC_PEER, IP4_PEER, IP4_US);
    send_to(&r);
    drain();
    fixture_wait_ms(NEIGHBOUR_DELAY_MS + 3 * NEIGHBOUR_RETRY_MS);
    cr_expect(eq(u32, drain(), 3));
    cr_expect(fixture_neighbour4(IP4_PEER) == NULL);
    send_to(&r);
    struct frame *f = fixture_sent();
    cr_assert(f != NULL);
    cr_expect(mac_equal(f->data, MAC_ALL));
    fixture_give(&fx.pool, f);
}
Test(neighbour, stays_reachable_while_upper_layers_confirm)
{
    struct ip_route r = fixture_route4(IP4_PEER);
    send_to(&r);
    receive_arp(2, MAC_US, MAC_PEER, IP4_PEER, IP4_US);
    drain();
    send_to(&r); // the route learns the new generation
    drain();
    for (int i = 0; i < 10; i++) {
        fixture_wait_ms(20000);
        ip_confirm_neighbour(&fx.net, &r);
    }
    cr_expect(eq(u8, fixture_neighbour4(IP4_PEER)->state, NEIGHBOUR_REACHABLE));
    cr_expect(eq(u32, drain(), 0));
    fixture_wait_ms(NEIGHBOUR_REACHABLE_MS + 1);
    cr_expect(eq(u8, fixture_neighbour4(IP4_PEER)->state, NEIGHBOUR_STALE));
    ip_confirm_neighbour(&fx.net, &r);
    cr_expect(eq(u8, fixture_neighbour4(IP4_PEER)->state, NEIGHBOUR_REACHABLE));
}
Test(neighbour, that_moves_to_another_mac_takes_its_routes_along)
{
    struct ip_route r = fixture_route4(IP4_PEER);
    receive_arp(1, MAC_ALL, MAC_PEER, IP4_PEER, IP4_US);
    send_to(&r);
    drain();
    receive_arp(2, MAC_ALL, MAC_OTHER, IP4_PEER, IP4_PEER);
    send_to(&r);
    struct frame *f = fixture_sent();
    cr_expect(mac_equal(f->data, MAC_OTHER));
    fixture_give(&fx.pool, f);
}
Test(neighbour, table_when_full_forgets_the_unused_first_and_never_the_gateway)
{
    struct ip_route far = fixture_route4(IP4_FAR);
    send_to(&far);
    receive_arp(2, MAC_US, MAC_OTHER, IP4_GATEWAY, IP4_US);
    drain();
    uint8_t ip4[4] = { 10, 0, 0, 20 };
    for (int i = 0; i < 50; i++, ip4[3]++) { // askers fill the table
        receive_arp(1, MAC_ALL, MAC_PEER, ip4, IP4_US);
        drain();
    }
    cr_expect(eq(sz, fx.net.ip->used.count, 8));
    cr_expect(fixture_neighbour4(IP4_GATEWAY) != NULL);
    for (int i = 0; i < 20; i++, ip4[3]++) { // unanswered questions may take all but the gateway
        struct ip_route r = fixture_route4(ip4);
        send_to(&r);
        drain();
    }
    cr_expect(eq(sz, fx.net.ip->used.count, 8));
    cr_expect(fixture_neighbour4(IP4_GATEWAY) != NULL);
    cr_expect(eq(u32, fx.net.frames_held, 7));
}
Test(neighbour, askers_cannot_push_out_entries_in_use)
{
    uint8_t ip4[4] = { 10, 0, 0, 20 };
    for (int i = 0; i < 8; i++, ip4[3]++) {
        struct ip_route r = fixture_route4(ip4);
        send_to(&r);
    }
    drain();
    receive_arp(1, MAC_ALL, MAC_PEER, IP4_PEER, IP4_US);
    cr_expect(eq(u64, fx.tally.arp_replies, 1)); // answered all the same
    cr_expect(fixture_neighbour4(IP4_PEER) == NULL);
}
Test(neighbour, asking_without_a_buffer_is_tried_again)
{
    struct ip_route r = fixture_route4(IP4_PEER);
    struct frame *taken[FIXTURE_FRAMES], *last = fixture_segment(0);
    uint32_t count = 0;
    while ((taken[count] = fixture_take(&fx.pool))) count++;
    ip_output(&fx.net, last, &r, 6, 0);
    cr_expect(eq(u64, fx.tally.drop_no_buffer, 1));
    for (uint32_t i = 0; i < count; i++) fixture_give(&fx.pool, taken[i]);
    fixture_wait_ms(NEIGHBOUR_RETRY_MS);
    cr_expect(eq(u32, drain(), 1));
}

// ---- IPv6: RFC 4861
static const uint8_t SOLICITED_US[16] = { 0xff, 2, [11] = 1, 0xff, 0, 0, 1 };
static const uint8_t GROUP_US[6] = { 0x33, 0x33, 0xff, 0, 0, 1 };

static size_t build_nd(uint8_t out[32], uint8_t type, uint8_t flags, const uint8_t target[16],
                       const uint8_t *mac)
{
    memset(out, 0, 32);
    out[0] = type;
    out[4] = flags;
    memcpy(out + 8, target, 16);
    if (!mac) return 24;
    out[24] = type == 135 ? 1 : 2;
    out[25] = 1;
    memcpy(out + 26, mac, 6);
    return 32;
}

Test(neighbour, solicitation_for_us_is_answered_and_learned)
{
    uint8_t ns[32];
    size_t size = build_nd(ns, 135, 0, IP6_US, MAC_PEER);
    receive_icmp6(GROUP_US, IP6_PEER, SOLICITED_US, 255, ns, size);
    struct frame *f = fixture_sent();
    cr_assert(f != NULL);
    const uint8_t *p = f->data + 54;
    cr_expect(mac_equal(f->data, MAC_PEER));
    cr_expect(ip_equal(f->data + 22, IP6_US) && ip_equal(f->data + 38, IP6_PEER));
    cr_expect(eq(u8, f->data[21], 255));
    cr_expect(eq(u8, p[0], 136));
    cr_expect(eq(u8, p[4], 0x60));
    cr_expect(ip_equal(p + 8, IP6_US));
    cr_expect(p[24] == 2 && p[25] == 1 && mac_equal(p + 26, MAC_US));
    uint32_t sum = checksum_pseudo(IP6_US, IP6_PEER, 58, 32, true);
    cr_expect(eq(u16, checksum_fold(checksum_add(sum, p, 32)), 0));
    fixture_give(&fx.pool, f);
    cr_expect(eq(u8, neighbour_find(&fx.net, IP6_PEER)->state, NEIGHBOUR_STALE));
}
Test(neighbour, copy_of_a_solicitation_is_learned_and_not_answered)
{
    uint8_t ns[32];
    size_t size = build_nd(ns, 135, 0, IP6_US, MAC_PEER);
    fx.receive_flags = FRAME_IS_COPY;
    receive_icmp6(GROUP_US, IP6_PEER, SOLICITED_US, 255, ns, size);
    cr_expect(fixture_sent() == NULL);
    cr_assert(neighbour_find(&fx.net, IP6_PEER) != NULL);
    cr_expect(mac_equal(neighbour_find(&fx.net, IP6_PEER)->mac, MAC_PEER));
}
Test(neighbour, duplicate_probe_is_answered_to_all_nodes)
{
    const uint8_t none[16] = { 0 };
    uint8_t ns[32];
    receive_icmp6(GROUP_US, none, SOLICITED_US, 255, ns, build_nd(ns, 135, 0, IP6_US, NULL));
    struct frame *f = fixture_sent();
    cr_assert(f != NULL);
    cr_expect(eq(u8, f->data[54 + 4], 0x20));
    cr_expect(eq(u8, f->data[38], 0xff));
    cr_expect(eq(u32, load_be32(f->data), 0x33330000));
    fixture_give(&fx.pool, f);
    cr_expect(eq(sz, fx.net.ip->used.count, 0));
}
// RFC 4861 7.1.1, 7.1.2
Test(neighbour, messages_that_fail_validation_are_dropped)
{
    const uint8_t none[16] = { 0 }, group[16] = { 0xff, 2, [15] = 1 };
    uint8_t m[32];
    receive_icmp6(MAC_US, IP6_PEER, IP6_US, 254, m, build_nd(m, 135, 0, IP6_US, MAC_PEER));
    build_nd(m, 135, 0, IP6_US, MAC_PEER);
    m[1] = 1;
    receive_icmp6(MAC_US, IP6_PEER, IP6_US, 255, m, 32);
    build_nd(m, 135, 0, IP6_US, MAC_PEER);
    m[25] = 0; // an option that would not advance
    receive_icmp6(MAC_US, IP6_PEER, IP6_US, 255, m, 32);
    receive_icmp6(MAC_US, IP6_PEER, IP6_US, 255, m, build_nd(m, 135, 0, group, NULL));
    receive_icmp6(MAC_US, IP6_PEER, IP6_US, 255, m,
                  build_nd(m, 135, 0, IP6_PEER, NULL)); // not ours
    receive_icmp6(MAC_US, none, SOLICITED_US, 255, m, build_nd(m, 135, 0, IP6_US, MAC_PEER));
    receive_icmp6(MAC_US, none, IP6_US, 255, m, build_nd(m, 135, 0, IP6_US, NULL));
    receive_icmp6(MAC_ALL, IP6_PEER, group, 255, m, build_nd(m, 136, 0x40, IP6_PEER, MAC_PEER));
    receive_icmp6(MAC_ALL, IP6_PEER, group, 255, m, build_nd(m, 136, 0x20, IP6_US, MAC_PEER));
    m[0] = 134; // router advertisement
    receive_icmp6(MAC_ALL, IP6_PEER, group, 255, m, 16);
    cr_expect(eq(u64, fx.tally.drop_nd, 10));
    for (size_t i = 8; i < 32; i++)
        if (i != 24) {
            build_nd(m, 135, 0, IP6_US, MAC_PEER);
            receive_icmp6(MAC_US, IP6_PEER, IP6_US, 255, m, i);
        }
    cr_expect(eq(u64, fx.tally.drop_nd, 10 + 23));
    cr_expect(fixture_sent() == NULL);
    cr_expect(eq(sz, fx.net.ip->used.count, 0));
}
Test(neighbour, is_asked_for_by_its_solicited_node_group)
{
    struct ip_route r = fixture_route(IP6_PEER);
    send_to(&r);
    struct frame *f = fixture_sent();
    cr_assert(f != NULL);
    const uint8_t mac[6] = { 0x33, 0x33, 0xff, 0, 0, 9 };
    cr_expect(mac_equal(f->data, mac));
    cr_expect(eq(u8, f->data[54], 135));
    cr_expect(ip_equal(f->data + 62, IP6_PEER));
    cr_expect(mac_equal(f->data + 54 + 26, MAC_US));
    fixture_give(&fx.pool, f);
    uint8_t na[32];
    receive_icmp6(MAC_US, IP6_PEER, IP6_US, 255, na, build_nd(na, 136, 0x60, IP6_PEER, MAC_PEER));
    cr_expect(eq(u8, neighbour_find(&fx.net, IP6_PEER)->state, NEIGHBOUR_REACHABLE));
    f = fixture_sent();
    cr_assert(f != NULL);
    cr_expect(mac_equal(f->data, MAC_PEER));
    fixture_give(&fx.pool, f);
}
// RFC 4861 7.2.5
Test(neighbour, advertisement_without_override_does_not_change_the_address)
{
    uint8_t na[32];
    struct ip_route r = fixture_route(IP6_PEER);
    send_to(&r);
    receive_icmp6(MAC_US, IP6_PEER, IP6_US, 255, na, build_nd(na, 136, 0x60, IP6_PEER, MAC_PEER));
    struct neighbour *nb = neighbour_find(&fx.net, IP6_PEER);
    receive_icmp6(MAC_US, IP6_PEER, IP6_US, 255, na, build_nd(na, 136, 0x40, IP6_PEER, MAC_OTHER));
    cr_expect(mac_equal(nb->mac, MAC_PEER));
    cr_expect(eq(u8, nb->state, NEIGHBOUR_STALE));
    receive_icmp6(MAC_US, IP6_PEER, IP6_US, 255, na, build_nd(na, 136, 0x20, IP6_PEER, MAC_OTHER));
    cr_expect(mac_equal(nb->mac, MAC_OTHER));
    cr_expect(eq(u8, nb->state, NEIGHBOUR_STALE));
    receive_icmp6(MAC_US, IP6_PEER, IP6_US, 255, na, build_nd(na, 136, 0x40, IP6_PEER, NULL));
    cr_expect(eq(u8, nb->state, NEIGHBOUR_REACHABLE));
}
Test(neighbour, advertisement_of_a_stranger_is_ignored)
{
    uint8_t na[32];
    receive_icmp6(MAC_US, IP6_PEER, IP6_US, 255, na, build_nd(na, 136, 0x60, IP6_PEER, MAC_PEER));
    cr_expect(eq(sz, fx.net.ip->used.count, 0));
}
