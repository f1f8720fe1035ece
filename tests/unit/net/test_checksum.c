#include "tests/unit/net/ip_fixture.h"

// The plain sum of RFC 1071 section 4.1, byte by byte, in network order.
static uint16_t slow_sum(const uint8_t *p, size_t size)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < size; i++) sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

Test(checksum, gives_the_sum_of_rfc_1071_section_3)
{
    const uint8_t in[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
    uint16_t field = checksum_fold(checksum_add(0, in, sizeof in));
    cr_expect(eq(u16, __builtin_bswap16(field), (uint16_t)~0xddf2));
}

Test(checksum, agrees_with_the_plain_sum_at_every_size_and_alignment)
{
    uint8_t in[400];
    struct rng r;
    rng_seed(&r, 7);
    for (size_t i = 0; i < sizeof in; i++) in[i] = (uint8_t)rng_next(&r);
    for (size_t start = 0; start < 17; start++)
        for (size_t size = 0; size + start < sizeof in; size++) {
            uint16_t field = checksum_fold(checksum_add(0, in + start, size));
            cr_assert(eq(u16, __builtin_bswap16(field), slow_sum(in + start, size)),
                      "start %zu size %zu", start, size);
        }
}

Test(checksum, survives_the_largest_words)
{
    static uint8_t in[65536];
    memset(in, 0xff, sizeof in);
    uint32_t partial = checksum_add(UINT32_MAX, in, sizeof in);
    cr_expect(eq(u16, checksum_fold(partial), 0));
    cr_expect(eq(u16, checksum_fold(checksum_add(partial, in, 63)), __builtin_bswap16(0x00ff)));
}

Test(checksum, can_be_added_in_even_parts)
{
    uint8_t in[301];
    for (size_t i = 0; i < sizeof in; i++) in[i] = (uint8_t)(i * 37);
    uint16_t whole = checksum_fold(checksum_add(0, in, sizeof in));
    for (size_t cut = 0; cut < sizeof in; cut += 2) {
        uint32_t partial = checksum_add(0, in, cut);
        cr_assert(eq(u16, checksum_fold(checksum_add(partial, in + cut, sizeof in - cut)), whole));
    }
}

Test(checksum, of_a_frame_with_bodies_is_that_of_their_bytes_in_a_row)
{
    fixture_open();
    uint8_t in[300];
    for (size_t i = 0; i < sizeof in; i++) in[i] = (uint8_t)(i * 91 + 5);
    uint16_t whole = checksum_fold(checksum_add(0, in, sizeof in));
    for (uint32_t a = 0; a < 20; a++)
        for (uint32_t b = a; b < 100; b += 7) { // odd sizes in the middle, too
            struct frame *f = fixture_slice(in, a);
            f->body = fixture_slice(in + a, b - a);
            f->body->body = fixture_slice(in + b, 300 - b);
            cr_assert(eq(u16, checksum_fold(checksum_frame(0, f)), whole), "cuts %u %u", a, b);
            fixture_give(&fx.pool, f);
        }
    fixture_close();
}

// RFC 9293 3.1 and RFC 8200 8.1, against the pseudo-headers written out.
Test(checksum, of_the_pseudo_header_counts_addresses_protocol_and_length)
{
    uint8_t a[16], b[16];
    fixture_v4(a, IP4_PEER);
    fixture_v4(b, IP4_US);
    const uint8_t wire4[] = { 10, 0, 0, 9, 10, 0, 0, 1, 0, 6, 0x12, 0x34 };
    cr_expect(eq(u16, checksum_fold(checksum_pseudo(a, b, 6, 0x1234, false)),
                 checksum_fold(checksum_add(0, wire4, sizeof wire4))));
    uint8_t wire6[40] = { 0 };
    memcpy(wire6, IP6_PEER, 16);
    memcpy(wire6 + 16, IP6_US, 16);
    store_be32(wire6 + 32, 0x12345);
    wire6[39] = 58;
    cr_expect(eq(u16, checksum_fold(checksum_pseudo(IP6_PEER, IP6_US, 58, 0x12345, true)),
                 checksum_fold(checksum_add(0, wire6, sizeof wire6))));
}
