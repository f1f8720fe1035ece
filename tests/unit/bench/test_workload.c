#include "tools/bench/workload.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct workload_config config_of(uint64_t keys, uint32_t key_bytes, const char *sizes)
{
    struct workload_config c = {
        .key_count = keys, .key_bytes = key_bytes, .read_ratio = 0.5, .seed = 3
    };
    cr_assert_eq(sizes_parse(&c.sizes, sizes), OK);
    return c;
}

Test(workload, writes_a_get_as_the_protocol_wants_it)
{
    struct workload w;
    struct workload_config c = config_of(1000, 16, "64");
    uint8_t out[128];
    struct request r = { .op = OP_GET, .key = 42 };
    cr_assert_eq(workload_open(&w, &c), OK);
    uint32_t size = workload_encode(&w, &r, out);
    static const char wanted[] = "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000042\r\n";
    cr_expect_eq(size, sizeof wanted - 1);
    cr_expect_eq(workload_request_bytes(&w, &r), size);
    cr_expect_eq(memcmp(out, wanted, size), 0);
    workload_close(&w);
}

Test(workload, writes_a_set_with_a_value_that_it_knows_again)
{
    struct workload w;
    struct workload_config c = config_of(1000, 16, "0:200");
    cr_assert_eq(workload_open(&w, &c), OK);
    for (uint32_t bytes = 0; bytes <= 200; bytes++) {
        uint8_t out[512];
        char head[64];
        struct request r = { .op = OP_SET, .key = 7, .value_bytes = bytes };
        uint32_t size = workload_encode(&w, &r, out);
        int head_size = snprintf(head, sizeof head,
                                 "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000007\r\n$%u\r\n", bytes);
        cr_assert_eq(size, (uint32_t)head_size + bytes + 2);
        cr_expect_eq(workload_request_bytes(&w, &r), size);
        cr_expect_eq(memcmp(out, head, (size_t)head_size), 0);
        cr_expect_eq(memcmp(out + size - 2, "\r\n", 2), 0);
        cr_expect(workload_matches(&w, 7, 0, bytes_make(out + head_size, bytes)));
        if (bytes == 0) continue;
        cr_expect(workload_matches(&w, 7, 1, bytes_make(out + head_size + 1, bytes - 1)));
        out[head_size + (int)bytes - 1] ^= 1;
        cr_expect_not(workload_matches(&w, 7, 0, bytes_make(out + head_size, bytes)));
    }
    workload_close(&w);
}

Test(workload, another_keys_value_does_not_match)
{
    struct workload w;
    struct workload_config c = config_of(1000, 16, "64");
    uint8_t out[256];
    struct request r = { .op = OP_SET, .key = 7, .value_bytes = 64 };
    cr_assert_eq(workload_open(&w, &c), OK);
    uint32_t size = workload_encode(&w, &r, out);
    cr_expect_not(workload_matches(&w, 8, 0, bytes_make(out + size - 66, 64)));
    workload_close(&w);
}

Test(workload, a_value_longer_than_any_never_matches)
{
    struct workload w;
    struct workload_config c = config_of(1000, 16, "64");
    static uint8_t bytes[65];
    cr_assert_eq(workload_open(&w, &c), OK);
    cr_expect_not(workload_matches(&w, 7, 0, bytes_make(bytes, 65)));
    cr_expect_not(workload_matches(&w, 7, 64, bytes_make(bytes, 1)));
    cr_expect_not(workload_matches(&w, 7, UINT64_MAX, bytes_make(bytes, 1)));
    cr_expect(workload_matches(&w, 7, 64, bytes_make(bytes, 0)));
    workload_close(&w);
}

Test(workload, two_runs_agree_about_values)
{
    struct workload a, b;
    struct workload_config c = config_of(1000, 16, "64"), d = config_of(1000, 16, "10:5000");
    uint8_t out[256];
    struct request r = { .op = OP_SET, .key = 999, .value_bytes = 64 };
    d.seed = 99;
    cr_assert_eq(workload_open(&a, &c), OK);
    cr_assert_eq(workload_open(&b, &d), OK);
    uint32_t size = workload_encode(&a, &r, out);
    cr_expect(workload_matches(&b, 999, 0, bytes_make(out + size - 66, 64)));
    workload_close(&a);
    workload_close(&b);
}

Test(workload, a_deadline_follows_the_key)
{
    struct workload w;
    struct workload_config c = config_of(1000, 3, "1");
    uint8_t out[256];
    struct request r = { .op = OP_SET, .key = 123, .value_bytes = 1 };
    c.expire_at_ms = 1700000000000;
    c.expire_spread_ms = 100;
    cr_assert_eq(workload_open(&w, &c), OK);
    uint32_t size = workload_encode(&w, &r, out);
    static const char head[] = "*5\r\n$3\r\nSET\r\n$3\r\n123\r\n$1\r\n";
    static const char tail[] = "\r\n$4\r\nPXAT\r\n$13\r\n1700000000023\r\n";
    cr_expect_eq(size, sizeof head - 1 + 1 + sizeof tail - 1);
    cr_expect_eq(workload_request_bytes(&w, &r), size);
    cr_expect_eq(memcmp(out, head, sizeof head - 1), 0);
    cr_expect_eq(memcmp(out + sizeof head, tail, sizeof tail - 1), 0);
    workload_close(&w);
}

Test(workload, keys_keep_their_length)
{
    for (uint32_t bytes = 4; bytes <= KEY_BYTES_MAX; bytes++) {
        struct workload w;
        struct workload_config c = config_of(10000, bytes, "1");
        uint8_t out[WORKLOAD_HEAD_MAX];
        struct request r = { .op = OP_GET, .key = 9876 };
        cr_assert_eq(workload_open(&w, &c), OK);
        uint32_t size = workload_encode(&w, &r, out);
        cr_expect_eq(memcmp(out + size - 6, "9876\r\n", 6), 0, "%u", bytes);
        cr_expect_eq(out[size - 2 - bytes - 1], '\n', "%u", bytes);
        workload_close(&w);
    }
}

Test(workload, refuses_a_key_too_short_for_its_count)
{
    struct workload w;
    struct workload_config c = config_of(1001, 3, "1");
    cr_expect_eq(workload_open(&w, &c), ERR_NO_SPACE);
    c = config_of(1000, 3, "1");
    cr_assert_eq(workload_open(&w, &c), OK);
    workload_close(&w);
    c = config_of(1000, KEY_BYTES_MAX + 1, "1");
    cr_expect_eq(workload_open(&w, &c), ERR_NO_SPACE);
}

Test(workload, the_share_of_reads_is_kept)
{
    static const double ratios[] = { 0, 0.1, 0.5, 0.9, 1 };
    for (size_t i = 0; i < 5; i++) {
        struct workload w;
        struct workload_config c = config_of(1000, 16, "64");
        uint32_t gets = 0;
        c.read_ratio = ratios[i];
        cr_assert_eq(workload_open(&w, &c), OK);
        for (uint32_t n = 0; n < 10000; n++) {
            struct request r;
            workload_next(&w, 0, &r);
            cr_assert_lt(r.key, 1000);
            gets += r.op == OP_GET;
        }
        cr_expect(gets >= 10000 * ratios[i] - 200 && gets <= 10000 * ratios[i] + 200);
        if (ratios[i] == 0 || ratios[i] == 1) cr_expect_eq(gets, 10000 * ratios[i]);
        workload_close(&w);
    }
}

Test(workload, a_steered_request_asks_for_a_key_of_its_shard)
{
    static const double thetas[] = { 0, 0.99 };
    for (size_t i = 0; i < 2; i++) {
        struct workload w;
        struct workload_config c = config_of(1000, 16, "64");
        uint32_t seen[3] = { 0 };
        c.zipf_theta = thetas[i];
        c.steer_shards = 3;
        cr_assert_eq(workload_open(&w, &c), OK);
        for (uint32_t n = 0; n < 3000; n++) {
            struct request r;
            char name[32];
            workload_next(&w, n % 3, &r);
            sprintf(name, "key:%012u", r.key);
            cr_assert_eq(homes_shard_of_name(bytes_text(name), 3), n % 3);
            seen[n % 3] |= 1u << r.key % 32;
        }
        for (uint32_t shard = 0; shard < 3; shard++) // many of them, not one again and again
            cr_expect_gt(__builtin_popcount(seen[shard]), 20);
        workload_close(&w);
    }
}

Test(workload, the_head_is_as_it_was_after_the_keys_homes_are_known)
{
    struct workload w;
    struct workload_config c = config_of(1000, 16, "64");
    uint8_t out[128];
    struct request r = { .op = OP_GET, .key = 42 };
    c.steer_shards = 2;
    cr_assert_eq(workload_open(&w, &c), OK);
    uint32_t size = workload_encode(&w, &r, out);
    static const char wanted[] = "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000042\r\n";
    cr_assert_eq(size, sizeof wanted - 1);
    cr_expect_eq(memcmp(out, wanted, size), 0);
    workload_close(&w);
}

Test(workload, a_shard_without_keys_is_refused)
{
    struct workload w;
    struct workload_config c = config_of(2, 16, "64");
    c.steer_shards = 64;
    cr_expect_eq(workload_open(&w, &c), ERR_NO_SPACE);
    workload_close(&w);
}
