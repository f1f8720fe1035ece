#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/net/flow.h"
#include "dataplane/net/ip_priv.h"

static const struct hash_key key = { 11, 22 };
static uint8_t bytes[256];
static struct frame frame;

// What a test builds, layer by layer: each adds its header at the end.
static void add(const void *data, uint32_t size)
{
    memcpy(bytes + frame.size, data, size);
    frame.size += size;
}
static void add_eth(uint16_t type)
{
    uint8_t header[14] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };
    store_be16(header + 12, type);
    frame = (struct frame){ .buffer = bytes, .data = bytes, .buffer_size = sizeof bytes };
    add(header, sizeof header);
}
static void add_tag(uint16_t type)
{
    uint8_t tag[4] = { 0, 7 };
    store_be16(tag + 2, type);
    add(tag, sizeof tag);
}
static void add_ip4(uint8_t protocol, uint8_t words)
{
    uint8_t header[60] = {
        (uint8_t)(0x40 | words), [9] = protocol, [12] = 10, [15] = 2, [16] = 10, [19] = 1
    };
    add(header, words * 4u);
}
static void add_ip6(uint8_t next)
{
    uint8_t header[40] = { 0x60, [6] = next, [8] = 0xfd, [23] = 2, [24] = 0xfd, [39] = 1 };
    add(header, sizeof header);
}
static void add_ports(uint16_t remote, uint16_t local)
{
    uint8_t header[20] = { 0 };
    store_be16(header, remote);
    store_be16(header + 2, local);
    add(header, sizeof header);
}
static void add_byte(uint8_t byte) { add(&byte, 1); }

static enum flow_kind kind(void) { return flow_of(&frame).kind; }
static uint32_t choose(uint32_t count)
{
    struct flow flow = flow_of(&frame);
    cr_assert(eq(int, flow.kind, FLOW_TCP));
    return flow_choose(&flow, &key, count);
}
static uint32_t choose4(uint16_t remote_port, uint16_t local_port, uint32_t count)
{
    add_eth(ETHERTYPE_IP4);
    add_ip4(6, 5);
    add_ports(remote_port, local_port);
    return choose(count);
}

Test(flow, is_the_same_for_all_frames_of_a_connection)
{
    for (uint16_t port = 1000; port < 1200; port++) {
        uint32_t plain = choose4(port, 6379, 7);
        add_eth(ETHERTYPE_VLAN);
        add_tag(ETHERTYPE_IP4);
        add_ip4(6, 5);
        add_ports(port, 6379);
        cr_expect(eq(u32, choose(7), plain));
        add_eth(ETHERTYPE_IP4);
        add_ip4(6, 8); // options
        add_ports(port, 6379);
        bytes[sizeof bytes - 1] = (uint8_t)port;
        cr_expect(eq(u32, choose(7), plain));
    }
}

Test(flow, of_ipv6_is_found_behind_extension_headers)
{
    const uint8_t hop[8] = { 60 }, destination[16] = { 6, 1 };
    for (uint16_t port = 1000; port < 1200; port++) {
        add_eth(ETHERTYPE_IP6);
        add_ip6(6);
        add_ports(port, 6379);
        uint32_t plain = choose(5);
        add_eth(ETHERTYPE_IP6);
        add_ip6(0);
        add(hop, sizeof hop);
        add(destination, sizeof destination);
        add_ports(port, 6379);
        cr_expect(eq(u32, choose(5), plain));
    }
}

Test(flow, spreads_connections_evenly)
{
    enum { SHARDS = 4, CONNECTIONS = 20000 };
    uint32_t counts[SHARDS] = { 0 };
    for (uint16_t port = 0; port < CONNECTIONS; port++) counts[choose4(port, 6379, SHARDS)]++;
    for (uint32_t i = 0; i < SHARDS; i++) { // within six standard deviations
        cr_expect(gt(u32, counts[i], CONNECTIONS / SHARDS - 370));
        cr_expect(lt(u32, counts[i], CONNECTIONS / SHARDS + 370));
    }
}

Test(flow, depends_on_each_port_and_on_the_address)
{
    uint32_t differ[3] = { 0 };
    for (uint16_t i = 0; i < 64; i++) {
        uint32_t base = choose4((uint16_t)(1000 + i), 6379, 64);
        differ[0] += choose4((uint16_t)(2000 + i), 6379, 64) != base;
        differ[1] += choose4((uint16_t)(1000 + i), 6380, 64) != base;
        choose4((uint16_t)(1000 + i), 6379, 64);
        bytes[14 + 15] = 99;
        differ[2] += choose(64) != base;
    }
    for (uint32_t i = 0; i < 3; i++) cr_expect(gt(u32, differ[i], 48));
}

Test(flow, teaches_what_every_stack_must_hear)
{
    add_eth(ETHERTYPE_ARP);
    cr_expect(eq(int, kind(), FLOW_TEACHES));
    const uint8_t six[] = { 1, 2, 135, 136 };
    for (uint32_t i = 0; i < sizeof six; i++) {
        add_eth(ETHERTYPE_IP6);
        add_ip6(58);
        add_byte(six[i]);
        cr_expect(eq(int, kind(), FLOW_TEACHES), "type %u", six[i]);
    }
    add_eth(ETHERTYPE_IP4);
    add_ip4(1, 5);
    add_byte(3);
    cr_expect(eq(int, kind(), FLOW_TEACHES));
}

Test(flow, leaves_the_rest_to_one_stack)
{
    add_eth(0x88cc);
    cr_expect(eq(int, kind(), FLOW_OTHER));
    add_eth(ETHERTYPE_IP4);
    add_ip4(1, 5);
    add_byte(8); // an echo
    cr_expect(eq(int, kind(), FLOW_OTHER));
    add_eth(ETHERTYPE_IP6);
    add_ip6(58);
    add_byte(128);
    cr_expect(eq(int, kind(), FLOW_OTHER));
    add_eth(ETHERTYPE_IP4);
    add_ip4(17, 5);
    add_ports(53, 53);
    cr_expect(eq(int, kind(), FLOW_OTHER));
}

// A buffer that ends where the frame does: the sanitizer sees a byte read beyond.
Test(flow, reads_no_byte_beyond_a_short_frame)
{
    const uint8_t extension[8] = { 43, 0 };
    add_eth(ETHERTYPE_IP6);
    add_ip6(0);
    add(extension, sizeof extension);
    add(extension, sizeof extension);
    add_ports(1, 2);
    for (int is_six = 0; is_six < 2; is_six++) {
        uint32_t whole = frame.size;
        for (uint32_t size = 0; size < whole; size++) {
            uint8_t *part = malloc(size ? size : 1);
            memcpy(part, bytes, size);
            struct frame cut = { .buffer = part, .data = part, .size = size, .buffer_size = size };
            struct flow flow = flow_of(&cut);
            if (flow.kind == FLOW_TCP) (void)flow_choose(&flow, &key, 3);
            free(part);
        }
        add_eth(ETHERTYPE_VLAN);
        add_tag(ETHERTYPE_IP4);
        add_ip4(6, 15);
        add_ports(1, 2);
    }
}
