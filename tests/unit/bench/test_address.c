#include "tools/bench/address.h"
#include <criterion/criterion.h>
#include <string.h>

Test(address, reads_an_own_address_with_its_length)
{
    struct net_address a;
    cr_assert(address_parse_own("10.1.2.3/24", &a));
    cr_expect_eq(a.prefix_bits, 24);
    cr_expect_eq(memcmp(a.ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\x01\x02\x03", 16), 0);
    cr_assert(address_parse_own("10.1.2.3", &a));
    cr_expect_eq(a.prefix_bits, 32);
    cr_assert(address_parse_own("fd00::1/64", &a));
    cr_expect_eq(a.prefix_bits, 64);
    cr_expect_eq(a.ip[0], 0xfd);
    cr_assert(address_parse_own("fd00::1", &a));
    cr_expect_eq(a.prefix_bits, 128);
}

Test(address, refuses_what_is_no_own_address)
{
    static const char *const wrong[] = { "",           "10.1.2",     "10.1.2.3/33", "10.1.2.3/",
                                         "10.1.2.3/x", "fd00::/129", "10.1.2.3/-1", "a/8" };
    struct net_address a;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_not(address_parse_own(wrong[i], &a), "%s", wrong[i]);
}

Test(address, reads_a_target_with_or_without_a_port)
{
    static const struct {
        const char *text;
        uint16_t port;
        uint8_t first;
    } cases[] = {
        { "10.0.0.1", 6379, 0 },          { "10.0.0.1:80", 80, 0 },    { "fd00::1", 6379, 0xfd },
        { "[fd00::1]:7000", 7000, 0xfd }, { "[fd00::1]", 6379, 0xfd },
    };
    struct net_addr a;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert(address_parse_target(cases[i].text, 6379, &a), "%s", cases[i].text);
        cr_expect_eq(a.port, cases[i].port, "%s", cases[i].text);
        cr_expect_eq(a.ip[0], cases[i].first, "%s", cases[i].text);
    }
}

Test(address, refuses_what_is_no_target)
{
    static const char *const wrong[] = { "",         "10.0.0.1:",  "10.0.0.1:0", "10.0.0.1:65536",
                                         "[fd00::1", "[fd00::1]x", "host",       "10.0.0.1:8a" };
    struct net_addr a;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_not(address_parse_target(wrong[i], 6379, &a), "%s", wrong[i]);
}
