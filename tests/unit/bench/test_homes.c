#include "tools/bench/homes.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

static uint32_t shard_of(const char *name, uint32_t shard_count)
{
    return homes_shard_of_name(bytes_text(name), shard_count);
}

// Slots as CLUSTER KEYSLOT gives them: foo 12182, bar 5061, hello 866, 123456789 12739.
Test(homes, shards_own_ranges_of_slots)
{
    cr_expect(eq(u32, shard_of("foo", 2), 1));
    cr_expect(eq(u32, shard_of("bar", 2), 0));
    cr_expect(eq(u32, shard_of("hello", 2), 0));
    cr_expect(eq(u32, shard_of("123456789", 4), 3));
    cr_expect(eq(u32, shard_of("foo", 4), 2));
    cr_expect(eq(u32, shard_of("bar", 4), 1));
    cr_expect(eq(u32, shard_of("foo", HOMES_SHARDS_MAX), 12182 / (16384 / 64)));
    cr_expect(zero(u32, shard_of("foo", 1)));
}

Test(homes, a_connection_is_at_the_shard_that_its_number_names)
{
    cr_expect(eq(u32, homes_shard_of_client(7, 2), 1));
    cr_expect(eq(u32, homes_shard_of_client(8, 2), 0));
    cr_expect(eq(u32, homes_shard_of_client(UINT64_C(3) << 40, 3), 0));
}

Test(homes, each_key_is_at_one_shard)
{
    struct homes h;
    cr_assert_eq(homes_open(&h, 3, 1000), OK);
    for (uint32_t key = 0; key < 1000; key++) {
        char name[16];
        sprintf(name, "key:%u", key);
        homes_add(&h, key, bytes_text(name));
        uint32_t places = 0;
        for (uint32_t shard = 0; shard < 3; shard++) places += homes_is_at(&h, key, shard);
        cr_assert(eq(u32, places, 1));
        cr_assert(homes_is_at(&h, key, shard_of(name, 3)));
    }
    cr_expect(homes_are_all_used(&h));
    cr_expect(eq(u32, h.key_counts[0] + h.key_counts[1] + h.key_counts[2], 1000));
    homes_close(&h);
}

Test(homes, a_shard_without_keys_is_seen)
{
    struct homes h;
    cr_assert_eq(homes_open(&h, 2, 1), OK);
    homes_add(&h, 0, bytes_text("foo"));
    cr_expect(not(homes_are_all_used(&h)));
    homes_close(&h);
}

Test(homes, as_many_shards_as_a_server_can_have)
{
    struct homes h;
    cr_assert_eq(homes_open(&h, HOMES_SHARDS_MAX, 1), OK);
    homes_close(&h);
    cr_expect_eq(homes_open(&h, HOMES_SHARDS_MAX + 1, 1), ERR_NO_SPACE);
    cr_expect_eq(homes_open(&h, 0, 1), ERR_NO_SPACE);
}
