#include "dataplane/base/tally.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(tally, every_account_and_owner_has_a_name)
{
    for (int i = 0; i < CYCLE_ACCOUNT_COUNT; i++) cr_assert(cycle_account_names[i]);
    for (int i = 0; i < HEAP_OWNER_COUNT; i++) cr_assert(heap_owner_names[i]);
    cr_assert_str_eq(cycle_account_names[CYCLES_IDLE], "idle");
    cr_assert_str_eq(heap_owner_names[HEAP_OTHER], "other");
}

static const struct tally_row *row_find(const char *name, uint32_t kind)
{
    for (uint32_t i = 0; i < tally_row_count; i++)
        if (strcmp(tally_rows[i].name, name) == 0 && tally_rows[i].kind == kind)
            return &tally_rows[i];
    return NULL;
}

Test(tally, rows_point_at_their_fields)
{
    struct shard_tally *t = calloc(1, sizeof(*t));
    t->keyspace_hits = 11;
    t->connected_clients = 12;
    t->net.drop_tcp_paws = 13;
    const char *base = (const char *)t;
    cr_assert_eq(
        *(const uint64_t *)(base + row_find("keyspace_hits", TALLY_ROW_RESETTABLE)->offset), 11);
    cr_assert_eq(*(const uint64_t *)(base + row_find("connected_clients", TALLY_ROW_LEVEL)->offset),
                 12);
    cr_assert_eq(*(const uint64_t *)(base + row_find("drop_tcp_paws", TALLY_ROW_NET)->offset), 13);
    free(t);
}

Test(tally, rows_are_distinct_aligned_words_inside_the_struct)
{
    cr_assert_gt(tally_row_count, 20);
    for (uint32_t i = 0; i < tally_row_count; i++) {
        cr_assert_eq(tally_rows[i].offset % 8, 0);
        cr_assert_leq(tally_rows[i].offset + 8, sizeof(struct shard_tally));
        for (uint32_t k = 0; k < i; k++) {
            cr_assert_neq(tally_rows[i].offset, tally_rows[k].offset);
            cr_assert_str_neq(tally_rows[i].name, tally_rows[k].name);
        }
    }
}

Test(tally, reset_clears_what_redis_resets_and_nothing_else)
{
    struct shard_tally *t = malloc(sizeof(*t));
    memset(t, 0xff, sizeof(*t));
    tally_reset(t);
    for (uint32_t i = 0; i < tally_row_count; i++) {
        uint64_t value = *(const uint64_t *)((const char *)t + tally_rows[i].offset);
        cr_assert_eq(value, tally_rows[i].kind == TALLY_ROW_RESETTABLE ? 0 : UINT64_MAX, "%s",
                     tally_rows[i].name);
    }
    cr_assert_eq(t->commands[COMMAND_TALLY_MAX - 1].execute_cycles_max, 0);
    cr_assert_eq(t->turn_cycles_max + t->execute_cycles_max, 0);
    cr_assert_eq(t->rendezvous_all_stand.count + t->rendezvous_all_stand.max, 0);
    cr_assert_eq(t->rendezvous_first_stands.buckets[HISTOGRAM_BUCKETS - 1], 0);
    cr_assert_eq(t->turns, UINT64_MAX);
    cr_assert_eq(t->cycles[0], UINT64_MAX);
    free(t);
}

Test(tally, the_meter_charges_each_cycle_to_one_account)
{
    struct shard_tally *t = calloc(1, sizeof(*t));
    struct cycle_meter m = { .cycles = t->cycles, .since = clock_tsc(), .open = CYCLES_LOOP };
    uint64_t start = m.since;
    cycle_meter_switch(&m, CYCLES_PARSE);
    cycle_meter_switch(&m, CYCLES_EXECUTE);
    uint64_t end = cycle_meter_switch(&m, CYCLES_LOOP);
    cr_assert_eq(t->cycles[CYCLES_LOOP] + t->cycles[CYCLES_PARSE] + t->cycles[CYCLES_EXECUTE],
                 end - start);
    cr_assert_gt(t->cycles[CYCLES_PARSE], 0);
    free(t);
}
