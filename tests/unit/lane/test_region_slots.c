#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include "dataplane/lane/region_slots.h"

static struct region_slots slots;
static uint8_t table[REGION_SLOTS], copy[REGION_SLOTS];

Test(region_slots, gives_back_what_was_written)
{
    for (uint32_t i = 0; i < REGION_SLOTS; i++) table[i] = (uint8_t)(i % 3);
    region_slots_write(&slots, table);
    cr_expect(region_slots_read(&slots, 3, copy));
    cr_expect(zero(int, memcmp(copy, table, sizeof copy)));
    cr_expect(eq(u64, slots.sequence, 2));
}

Test(region_slots, of_one_shard_need_not_be_written)
{
    memset(copy, 7, sizeof copy);
    cr_expect(region_slots_read(&slots, 1, copy));
    cr_expect(zero(int, memcmp(copy, table, sizeof copy)));
    cr_expect(not(region_slots_read(&slots, 2, copy)), "of two they must be");
}

Test(region_slots, of_a_shard_that_is_not_there_are_refused)
{
    table[REGION_SLOTS - 1] = 2;
    region_slots_write(&slots, table);
    cr_expect(not(region_slots_read(&slots, 2, copy)));
    cr_expect(region_slots_read(&slots, 3, copy));
}

Test(region_slots, of_a_writer_that_died_are_refused_until_the_next_one_writes)
{
    region_slots_write(&slots, table);
    slots.sequence++;
    cr_expect(not(region_slots_read(&slots, 2, copy)));
    table[5] = 1;
    region_slots_write(&slots, table);
    cr_expect(region_slots_read(&slots, 2, copy));
    cr_expect(eq(u8, copy[5], 1));
}

static bool stop;
static void *write_on(void *context)
{
    static uint8_t next[REGION_SLOTS];
    for (uint8_t shard = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); shard = (shard + 1) % 64) {
        memset(next, shard, sizeof next);
        region_slots_write(&slots, next);
        usleep(20);
    }
    return NULL;
}

Test(region_slots, never_show_a_mix_of_two_writes)
{
    pthread_t thread;
    uint32_t wrong = 0, read = 0;
    region_slots_write(&slots, table);
    cr_assert(zero(int, pthread_create(&thread, NULL, write_on, NULL)));
    for (int i = 0; i < 5000; i++) {
        if (!region_slots_read(&slots, 64, copy)) continue;
        read++;
        for (uint32_t at = 1; at < REGION_SLOTS; at += 61) wrong += copy[at] != copy[0];
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    cr_expect(zero(u32, wrong));
    cr_expect(gt(u32, read, 0));
}
