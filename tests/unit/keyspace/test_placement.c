#include "dataplane/keyspace/placement.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include "dataplane/base/hash.h"

// What CLUSTER KEYSLOT answers on a Redis server.
Test(placement, agrees_with_redis_about_slots)
{
    static const struct {
        const char *key;
        uint32_t slot;
    } known[] = {
        { "foo", 12182 },
        { "bar", 5061 },
        { "hello", 866 },
        { "", 0 },
        { "123456789", 12739 },
        { "{foo}bar", 12182 },
        { "a{foo}", 12182 },
        { "foo{}{bar}", 8363 },
        { "foo{{bar}}zap", 4015 },
        { "foo{bar}{zap}", 5061 },
        { "{user1000}.following", 3443 },
        { "{user1000}.followers", 3443 },
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        cr_expect(eq(u32, key_slot(bytes_text(known[i].key)), known[i].slot), "%s", known[i].key);
}

Test(placement, takes_an_unclosed_or_empty_tag_for_part_of_the_name)
{
    uint32_t open = key_slot(BYTES_LITERAL("{foo"));
    cr_expect(eq(u32, open, crc16("{foo", 4) % SLOT_COUNT));
    cr_expect(eq(u32, key_slot(BYTES_LITERAL("}{foo")), crc16("}{foo", 5) % SLOT_COUNT));
    cr_expect(eq(u32, key_slot(BYTES_LITERAL("{}foo")), crc16("{}foo", 5) % SLOT_COUNT));
    cr_expect(eq(u32, key_slot(BYTES_LITERAL("{\0}x")), crc16("\0", 1) % SLOT_COUNT));
}

Test(placement, gives_shards_equal_ranges_in_their_order)
{
    static struct placement p;
    for (uint32_t count = 1; count <= PLACEMENT_SHARDS_MAX; count++) {
        uint32_t sizes[PLACEMENT_SHARDS_MAX] = { 0 };
        placement_init(&p, count);
        cr_expect(eq(u32, p.shard_of_slot[0], 0));
        cr_expect(eq(u32, p.shard_of_slot[SLOT_COUNT - 1], count - 1));
        for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
            if (slot) cr_assert(le(u32, p.shard_of_slot[slot] - p.shard_of_slot[slot - 1], 1));
            sizes[p.shard_of_slot[slot]]++;
        }
        for (uint32_t i = 0; i < count; i++) {
            cr_expect(ge(u32, sizes[i], SLOT_COUNT / count));
            cr_expect(le(u32, sizes[i], SLOT_COUNT / count + 1));
        }
    }
}

Test(placement, finds_the_shard_of_a_key_by_its_slot)
{
    static struct placement p;
    char name[32];
    placement_init(&p, 1);
    cr_expect(eq(u32, placement_shard(&p, BYTES_LITERAL("foo")), 0));
    placement_init(&p, 4);
    for (uint32_t i = 0; i < 1000; i++) {
        struct bytes key = bytes_make(name, (size_t)snprintf(name, sizeof name, "key:%u", i));
        cr_expect(eq(u32, placement_shard(&p, key), key_slot(key) / (SLOT_COUNT / 4)));
    }
}

Test(placement, makes_sets_of_all_shards)
{
    cr_expect(eq(u64, shard_set_all(1), 1));
    cr_expect(eq(u64, shard_set_all(3), 7));
    cr_expect(eq(u64, shard_set_all(PLACEMENT_SHARDS_MAX), UINT64_MAX));
}
