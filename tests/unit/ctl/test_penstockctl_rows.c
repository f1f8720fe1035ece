#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/penstockctl_rows.h"

enum { PASSED = 2000000 }; // cycles of two seconds
static struct shard_look from[2], to[2];
static struct shard_row rows[2], all;
static uint8_t slots[REGION_SLOTS];
static char *ranges, *printed;

static void make_rows(void)
{
    for (uint32_t i = 0; i < 2; i++) shard_row_make(&rows[i], &from[i], &to[i], 2, 10000000);
    shard_row_all(&all, rows, 2);
}

static void open_rows(void)
{
    ranges = malloc(SLOT_RANGES_BYTES);
    from[0] = (struct shard_look){ .commands = 1000, .cycles = { [CYCLES_EXECUTE] = 5 } };
    to[0] = (struct shard_look){ .commands = 5000,
                                 .clients = 3,
                                 .keys = 100,
                                 .memory_bytes = 1 << 20,
                                 .refreshed_wall_us = 9900000,
                                 .tsc = PASSED,
                                 .cycles = { [CYCLES_EXECUTE] = 500005,
                                             [CYCLES_LOOP] = 500000,
                                             [CYCLES_PARKED] = 200000,
                                             [CYCLES_IDLE] = 800000 } };
    to[1] = (struct shard_look){ .commands = 200,
                                 .clients = 4,
                                 .keys = 11,
                                 .memory_bytes = 1 << 20,
                                 .refreshed_wall_us = 10000000,
                                 .tsc = PASSED,
                                 .cycles = { [CYCLES_IDLE] = 2000000 } };
    make_rows();
}

static void close_rows(void)
{
    free(ranges);
    free(printed);
}
TestSuite(penstockctl_rows, .init = open_rows, .fini = close_rows);

Test(penstockctl_rows, are_what_happened_between_two_looks)
{
    cr_expect(epsilon_eq(dbl, rows[0].ops_per_s, 2000, 1e-9));
    cr_expect(epsilon_eq(dbl, rows[0].busy_percent, 50, 1e-9));
    cr_expect(epsilon_eq(dbl, rows[0].parked_percent, 10, 1e-9));
    cr_expect(epsilon_eq(dbl, rows[1].ops_per_s, 100, 1e-9));
    cr_expect(zero(dbl, rows[1].busy_percent));
    cr_expect(eq(u64, rows[1].clients, 4));
    cr_expect(eq(u64, rows[1].keys, 11));
}

Test(penstockctl_rows, add_up_in_the_line_of_all)
{
    cr_expect(epsilon_eq(dbl, all.ops_per_s, 2100, 1e-9));
    cr_expect(eq(u64, all.clients, 7));
    cr_expect(eq(u64, all.keys, 111));
    cr_expect(eq(u64, all.memory_bytes, 2 << 20));
    cr_expect(epsilon_eq(dbl, all.busy_percent, 25, 1e-9), "of both cores");
    cr_expect(epsilon_eq(dbl, all.parked_percent, 5, 1e-9));
}

Test(penstockctl_rows, of_a_reset_in_between_are_not_negative)
{
    to[0].commands = 7;
    make_rows();
    cr_expect(zero(dbl, rows[0].ops_per_s));
    shard_row_make(&rows[0], &from[0], &from[0], 0, 0);
    cr_expect(zero(dbl, rows[0].busy_percent));
}

Test(penstockctl_rows, show_a_shard_that_stands_still)
{
    cr_expect(zero(u64, rows[0].still_ms));
    to[1].refreshed_wall_us = 10000000 - SHARD_STILL_MS * 1000;
    make_rows();
    cr_expect(eq(u64, rows[1].still_ms, SHARD_STILL_MS));
    cr_expect(eq(u64, all.still_ms, SHARD_STILL_MS));
    to[1].refreshed_wall_us = 0;
    make_rows();
    cr_expect(zero(u64, rows[1].still_ms), "it is just starting");
}

Test(penstockctl_rows, take_a_look_at_a_tally)
{
    struct shard_tally *t = calloc(1, sizeof *t);
    struct shard_look look;
    t->commands_processed = 1;
    t->connected_clients = 2;
    t->keys = 3;
    t->heap_bytes[0] = 4;
    t->heap_bytes[HEAP_OWNER_COUNT - 1] = 5;
    t->settled_cycles[CYCLES_IDLE] = 6;
    t->settled_tsc = 8;
    t->refreshed_wall_us = 7;
    shard_look_take(&look, t);
    cr_expect(eq(u64, look.commands, 1));
    cr_expect(eq(u64, look.clients, 2));
    cr_expect(eq(u64, look.keys, 3));
    cr_expect(eq(u64, look.memory_bytes, 9));
    cr_expect(eq(u64, look.cycles[CYCLES_IDLE], 6));
    cr_expect(eq(u64, look.tsc, 8));
    cr_expect(eq(u64, look.refreshed_wall_us, 7));
    free(t);
}

Test(penstockctl_rows, show_slots_as_ranges)
{
    cr_expect(eq(u32, slot_ranges(ranges, slots, 0), REGION_SLOTS));
    cr_expect(eq(str, ranges, "0-16383"));
    cr_expect(zero(u32, slot_ranges(ranges, slots, 1)));
    cr_expect(eq(str, ranges, ""));
    slots[0] = slots[5] = slots[6] = slots[REGION_SLOTS - 1] = 1;
    cr_expect(eq(u32, slot_ranges(ranges, slots, 1), 4));
    cr_expect(eq(str, ranges, "0 5-6 16383"));
    cr_expect(eq(u32, slot_ranges(ranges, slots, 0), REGION_SLOTS - 4));
    cr_expect(eq(str, ranges, "1-4 7-16382"));
}

Test(penstockctl_rows, have_room_for_the_worst_of_ranges)
{
    for (uint32_t i = 0; i < REGION_SLOTS; i++) slots[i] = i % 2 ? 1 : 2;
    cr_expect(eq(u32, slot_ranges(ranges, slots, 1), REGION_SLOTS / 2));
    cr_expect(eq(str, strrchr(ranges, ' '), " 16383"));
    for (uint32_t i = 0; i < REGION_SLOTS; i++) slots[i] = i % 3 ? 1 : 2;
    slot_ranges(ranges, slots, 1);
    cr_expect(eq(str, strrchr(ranges, ' '), " 16381-16382"));
}

static const char *print_as(bool json, const uint8_t *shard_of_slot)
{
    struct print p;
    size_t size;
    free(printed);
    FILE *out = open_memstream(&printed, &size);
    print_open(&p, out, json);
    shard_rows_print(&p, rows, 2, shard_of_slot);
    print_close(&p);
    fclose(out);
    return printed;
}

Test(penstockctl_rows, stand_below_their_sum_in_a_table)
{
    memset(slots + 100, 1, 50);
    to[1].refreshed_wall_us = 5000000;
    make_rows();
    print_as(false, slots);
    cr_expect(
        eq(str, printed,
           "shard  requests/s  clients         keys      memory      busy    parked  slots\n"
           "all          2100        7          111     2.00 MB   25.00 %    5.00 %  stands still "
           "for 5s\n"
           "0            2000        3          100     1.00 MB   50.00 %   10.00 %  16334: 0-99 "
           "150-16383\n"
           "1             100        4           11     1.00 MB    0.00 %    0.00 %  stands still "
           "for 5s  50: 100-149\n"));
    print_as(false, NULL);
    cr_expect(eq(ptr, strstr(printed, "slots"), NULL));
}

Test(penstockctl_rows, are_a_list_in_json)
{
    memset(slots + 100, 1, 50);
    print_as(true, slots);
    cr_expect(
        eq(int, strncmp(printed, "{\n  \"total\": {\n    \"requests_per_s\": 2100.0,", 40), 0));
    cr_expect(ne(ptr, strstr(printed, "\n  \"shards\": [\n    {\n      \"shard\": 0,"), NULL));
    cr_expect(ne(ptr, strstr(printed, "\"slots\": \"100-149\"\n    }\n  ]\n}\n"), NULL));
    print_as(true, NULL);
    cr_expect(eq(ptr, strstr(printed, "slots"), NULL));
}
