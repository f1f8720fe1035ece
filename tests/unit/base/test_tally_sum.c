#include "dataplane/base/tally_sum.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

static struct shard_tally *sum, *a, *b;

static void open_tallies(void)
{
    sum = calloc(1, sizeof *sum);
    a = calloc(1, sizeof *a);
    b = calloc(1, sizeof *b);
}

static void close_tallies(void)
{
    free(sum);
    free(a);
    free(b);
}
TestSuite(tally_sum, .init = open_tallies, .fini = close_tallies);

static void add_both(void)
{
    tally_sum_add(sum, a);
    tally_sum_add(sum, b);
}

Test(tally_sum, adds_counters_levels_and_rows)
{
    a->commands_processed = 5;
    b->commands_processed = 6;
    a->net.rx_frames = 7;
    b->net.rx_frames = 8;
    a->cycles[CYCLES_PARKED] = 1;
    b->cycles[CYCLES_PARKED] = 2;
    b->heap_bytes[HEAP_OTHER] = 9;
    a->commands[COMMAND_TALLY_MAX - 1].calls = 3;
    b->commands[COMMAND_TALLY_MAX - 1].calls = 4;
    b->databases[DATABASE_TALLY_MAX - 1].keys = 10;
    add_both();
    cr_expect(eq(u64, sum->commands_processed, 11));
    cr_expect(eq(u64, sum->net.rx_frames, 15));
    cr_expect(eq(u64, sum->cycles[CYCLES_PARKED], 3));
    cr_expect(eq(u64, sum->heap_bytes[HEAP_OTHER], 9));
    cr_expect(eq(u64, sum->commands[COMMAND_TALLY_MAX - 1].calls, 7));
    cr_expect(eq(u64, sum->databases[DATABASE_TALLY_MAX - 1].keys, 10));
}

Test(tally_sum, takes_the_greatest_of_maxima_and_of_what_each_shard_has_a_copy_of)
{
    a->turn_cycles_max = b->execute_cycles_max = b->slice_cycles_max = 9;
    b->turn_cycles_max = a->execute_cycles_max = a->slice_cycles_max = 8;
    a->client_input_max = 100;
    b->client_input_max = 200;
    a->functions = b->functions = 3;
    a->defrag_percent = 25;
    b->defrag_percent = 1;
    a->commands[1].wait_cycles_max = 5;
    b->commands[1].execute_cycles_max = 6;
    add_both();
    cr_expect(eq(u64, sum->turn_cycles_max, 9));
    cr_expect(eq(u64, sum->execute_cycles_max, 9));
    cr_expect(eq(u64, sum->slice_cycles_max, 9));
    cr_expect(eq(u64, sum->client_input_max, 200));
    cr_expect(eq(u64, sum->functions, 3));
    cr_expect(eq(u64, sum->defrag_percent, 25));
    cr_expect(eq(u64, sum->commands[1].wait_cycles_max, 5));
    cr_expect(eq(u64, sum->commands[1].execute_cycles_max, 6));
}

Test(tally_sum, puts_the_lengths_of_rendezvous_together)
{
    histogram_record(&a->rendezvous_all_stand, 100);
    histogram_record_n(&b->rendezvous_all_stand, 5000, 3);
    histogram_record(&b->rendezvous_first_stands, 7000);
    add_both();
    cr_expect(eq(u64, sum->rendezvous_all_stand.count, 4));
    cr_expect(eq(u64, sum->rendezvous_all_stand.max, 5000));
    cr_expect(eq(u64, sum->rendezvous_first_stands.max, 7000));
    cr_expect(lt(u64, histogram_quantile(&sum->rendezvous_all_stand, 0.25), 110));
    cr_expect(eq(u64, histogram_quantile(&sum->rendezvous_all_stand, 0.5), 5000));
}

Test(tally_sum, takes_the_newest_of_what_was_slow_and_the_oldest_renewal)
{
    a->slowlog_last = (struct slowlog_tally){ 1000, 7, 250 };
    b->slowlog_last = (struct slowlog_tally){ 900, 8, 10 };
    b->latencies[LATENCY_TALLY_MAX - 1] = (struct latency_tally){ 5, 6 };
    a->refreshed_wall_us = 20;
    b->refreshed_wall_us = 10;
    add_both();
    cr_expect(eq(u64, sum->slowlog_last.id, 7));
    cr_expect(eq(u64, sum->slowlog_last.execute_us, 250));
    cr_expect(eq(u64, sum->latencies[LATENCY_TALLY_MAX - 1].latency_ms, 6));
    cr_expect(eq(u64, sum->refreshed_wall_us, 10));
}

Test(tally_sum, weighs_times_to_live_by_their_keys)
{
    a->databases[3] = (struct database_tally){ 10, 1, 3000 };
    b->databases[3] = (struct database_tally){ 20, 3, 1000 };
    add_both();
    cr_expect(eq(u64, sum->databases[3].keys, 30));
    cr_expect(eq(u64, sum->databases[3].keys_with_deadline, 4));
    cr_expect(eq(u64, sum->databases[3].ttl_ms_average, 1500));
    cr_expect(zero(u64, sum->databases[4].ttl_ms_average));
}

Test(tally_sum, of_one_shard_is_its_tally)
{
    memset(a, 0x11, sizeof *a);
    tally_sum_add(sum, a);
    for (uint32_t i = 0; i < DATABASE_TALLY_MAX; i++) // a mean goes through a double
        sum->databases[i].ttl_ms_average = a->databases[i].ttl_ms_average;
    cr_expect(zero(int, memcmp(sum, a, sizeof *a)));
}
