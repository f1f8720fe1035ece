#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "control/metrics_view.h"
#include "dataplane/base/clock.h"

// A region of two shards as control sees it, with a dataplane that this process plays: the role's
// lock belongs to a second descriptor.
static char name[96], *page;
static struct region control, dataplane;
static struct settings settings;
static struct metrics_view *view;

static void open_region(void)
{
    char folder[64];
    snprintf(folder, sizeof folder, "/metrics/%d", (int)getpid());
    region_name(name, 0, 1, "", folder);
    control.fd = dataplane.fd = -1;
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 2), REGION_CREATED));
    cr_assert(eq(int, region_open(&dataplane, name, REGION_DATAPLANE, 0), REGION_FOUND));
    control.header->tsc_hz = 1000000; // a cycle is a microsecond
    settings_init(&settings);
    for (uint32_t i = 0; i < 2; i++)
        region_shard(&dataplane, i)->tally.refreshed_wall_us = clock_wall_us();
    snprintf(dataplane.dataplane->command_names[7], REGION_COMMAND_NAME_BYTES, "config|get");
    snprintf(dataplane.dataplane->event_names[2], REGION_EVENT_NAME_BYTES, "expire-cycle");
    view = malloc(sizeof *view);
}

static void close_region(void)
{
    free(page);
    free(view);
    settings_close(&settings);
    region_close(&dataplane, false);
    region_close(&control, true);
}
TestSuite(metrics_view, .init = open_region, .fini = close_region);

static struct shard_tally *tally(uint32_t shard) { return &region_shard(&dataplane, shard)->tally; }

static void read_view(bool is_ready)
{
    const struct metrics_source source = { .region = &control,
                                           .settings = &settings,
                                           .dataplane_pid = (uint32_t)getpid(),
                                           .is_ready = is_ready };
    metrics_view_read(view, &source);
}

static const char *make_page(void)
{
    struct metrics_text text;
    metrics_text_init(&text, 1 << 22);
    metrics_write_redis(&text, view);
    metrics_write_persist(&text, view);
    metrics_write_ledger(&text, view);
    size_t size = text.size;
    free(page);
    char *data = metrics_text_take(&text);
    cr_assert(ne(ptr, data, NULL));
    page = strndup(data, size);
    free(data);
    return page;
}

static void expect_line(const char *line)
{
    char whole[256];
    snprintf(whole, sizeof whole, "\n%s\n", line);
    cr_expect(ne(ptr, strstr(page, whole), NULL), "no line %s", line);
}

Test(metrics_view, adds_the_shards_up)
{
    tally(0)->commands_processed = 5;
    tally(1)->commands_processed = 6;
    tally(0)->databases[3] = (struct database_tally){ 10, 1, 3000 };
    tally(1)->databases[3] = (struct database_tally){ 20, 3, 1000 };
    tally(1)->commands[7] = (struct command_tally){ .calls = 2, .execute_cycles = 500000 };
    read_view(true);
    make_page();
    expect_line("redis_up 1");
    expect_line("redis_commands_processed_total 11");
    expect_line("redis_db_keys{db=\"db3\"} 30");
    expect_line("redis_db_keys_expiring{db=\"db3\"} 4");
    expect_line("redis_db_avg_ttl_seconds{db=\"db3\"} 1.5");
    expect_line("redis_commands_total{cmd=\"config|get\"} 2");
    expect_line("redis_commands_duration_seconds_total{cmd=\"config|get\"} 0.5");
}

Test(metrics_view, takes_the_larger_of_maxima)
{
    tally(0)->commands[7] = (struct command_tally){ .calls = 1, .wait_cycles_max = 3 };
    tally(1)->commands[7] = (struct command_tally){ .calls = 1, .wait_cycles_max = 2000000 };
    tally(1)->turn_cycles_max = 250000;
    read_view(true);
    make_page();
    expect_line("penstock_command_wait_seconds_max{cmd=\"config|get\"} 2");
    expect_line("penstock_shard_turn_seconds_max{shard=\"0\"} 0");
    expect_line("penstock_shard_turn_seconds_max{shard=\"1\"} 0.25");
}

Test(metrics_view, shows_what_each_shard_has)
{
    uint8_t slots[REGION_SLOTS] = { 0 };
    tally(0)->connected_clients = 3;
    tally(1)->connected_clients = 4;
    tally(0)->client_input_max = 200;
    tally(1)->client_input_max = 100;
    tally(0)->functions = tally(1)->functions = 2;
    tally(1)->parked_cycles_max = 500000;
    tally(1)->settled_cycles[CYCLES_PARKED] = 2000000;
    read_view(true);
    make_page();
    cr_expect(eq(ptr, strstr(page, "penstock_shard_slots"), NULL), "nobody said whose they are");
    memset(slots, 1, 100);
    region_slots_write(&dataplane.dataplane->slots, slots);
    read_view(true);
    make_page();
    expect_line("penstock_shards 2");
    expect_line("penstock_shard_slots{shard=\"0\"} 16284");
    expect_line("penstock_shard_slots{shard=\"1\"} 100");
    expect_line("redis_connected_clients 7");
    expect_line("penstock_shard_clients{shard=\"1\"} 4");
    expect_line("redis_client_recent_max_input_buffer_bytes 200");
    expect_line("redis_number_of_functions 2");
    expect_line("penstock_shard_parked_seconds_max{shard=\"1\"} 0.5");
    expect_line("penstock_shard_time_seconds_total{shard=\"1\",account=\"parked\"} 2");
}

Test(metrics_view, takes_the_youngest_of_slow_commands_and_samples)
{
    tally(0)->slowlog_entries = 3;
    tally(1)->slowlog_entries = 4;
    tally(0)->slowlog_last = (struct slowlog_tally){ 1000, 7, 250000 };
    tally(1)->slowlog_last = (struct slowlog_tally){ 900, 8, 10 };
    tally(0)->latencies[2] = (struct latency_tally){ 1000, 5 };
    tally(1)->latencies[2] = (struct latency_tally){ 1001, 1500 };
    read_view(true);
    make_page();
    expect_line("redis_slowlog_length 7");
    expect_line("redis_slowlog_last_id 7");
    expect_line("redis_last_slow_execution_duration_seconds 0.25");
    expect_line("redis_latency_spike_last{event_name=\"expire-cycle\"} 1001");
    expect_line("redis_latency_spike_duration_seconds{event_name=\"expire-cycle\"} 1.5");
}

Test(metrics_view, shows_no_spikes_where_none_was_sampled)
{
    read_view(true);
    make_page();
    expect_line("redis_slowlog_last_id 0");
    expect_line("redis_last_slow_execution_duration_seconds 0");
    cr_expect(eq(ptr, strstr(page, "redis_latency_spike"), NULL));
}

// Who adds a counter gives it a name on the page.
Test(metrics_view, shows_every_counter_and_level_of_the_tally)
{
    static const char *const unused[] = { "connections_rejected_auth" }; // nobody sets it
    for (uint32_t i = 0; i < tally_row_count; i++) {
        uint64_t value = 1000003 + i;
        memcpy((char *)tally(0) + tally_rows[i].offset, &value, sizeof value);
    }
    settings.transport = TRANSPORT_NIC;
    read_view(true);
    make_page();
    for (uint32_t i = 0; i < tally_row_count; i++) {
        char value[32];
        if (strcmp(tally_rows[i].name, unused[0]) == 0) continue;
        snprintf(value, sizeof value, " %u\n", 1000003 + i);
        cr_expect(ne(ptr, strstr(page, value), NULL),
                  "%s has no row in control/metrics_redis.c or metrics_ledger.c",
                  tally_rows[i].name);
    }
}

Test(metrics_view, merges_error_codes_of_shards)
{
    struct region_errors *a = &region_shard(&dataplane, 0)->errors;
    struct region_errors *b = &region_shard(&dataplane, 1)->errors;
    a->count = b->count = 1;
    snprintf(a->rows[0].code, sizeof a->rows[0].code, "ERR");
    snprintf(b->rows[0].code, sizeof b->rows[0].code, "ERR");
    a->rows[0].count = 2;
    b->rows[0].count = 3;
    b->others = 4;
    read_view(true);
    make_page();
    expect_line("redis_errors_total{err=\"ERR\"} 5");
    expect_line("redis_errors_total{err=\"OTHER\"} 4");
}

Test(metrics_view, trusts_nothing_that_the_region_says_of_errors)
{
    struct region_errors *a = &region_shard(&dataplane, 0)->errors;
    a->count = 1ull << 40;
    memset(a->rows, '"', sizeof a->rows);
    memset(dataplane.dataplane->command_names, '\\', sizeof dataplane.dataplane->command_names);
    tally(0)->commands[COMMAND_TALLY_MAX - 1].calls = 1;
    read_view(true);
    make_page();
    cr_expect(eq(u64, view->errors.count, 1), "all rows have one name");
    region_shard(&dataplane, 1)->errors.sequence = 1; // its writer died half-way
    read_view(true);
    cr_expect(eq(u64, view->errors.count, 1));
}

Test(metrics_view, says_down_and_shows_no_figures_without_a_dataplane)
{
    tally(0)->commands_processed = 5;
    read_view(false);
    cr_expect(not(view->is_up));
    make_page();
    cr_expect(eq(ptr, strstr(page, "redis_commands_processed_total"), NULL));
    expect_line("redis_up 0");
    region_close(&dataplane, false); // its lock goes before anybody is told
    dataplane.fd = -1;
    read_view(true);
    cr_expect(not(view->is_alive));
    make_page();
    expect_line("redis_up 0");
    expect_line("penstock_dataplane_state{state=\"none\"} 1");
}

Test(metrics_view, says_down_when_a_shard_stands_still_and_still_shows_its_figures)
{
    tally(1)->refreshed_wall_us -= (METRICS_STALE_MS + 500) * 1000ull;
    tally(1)->keys = 3;
    read_view(true);
    cr_expect(view->is_alive);
    cr_expect(not(view->is_up));
    make_page();
    expect_line("redis_up 0");
    expect_line("penstock_shard_keys{shard=\"1\"} 3");
}

Test(metrics_view, counts_slices_in_buckets_that_agree_with_their_count)
{
    struct shard_tally *t = tally(0);
    t->slice_step_cycles = SLICE_STEP_US;
    tally_slice(t, 10);
    tally_slice(t, 260);
    tally_slice(t, 5000);
    t->slices += 100; // counted elsewhere meanwhile
    read_view(true);
    make_page();
    expect_line("penstock_shard_slice_seconds_bucket{shard=\"0\",le=\"5e-05\"} 1");
    expect_line("penstock_shard_slice_seconds_bucket{shard=\"0\",le=\"0.00025\"} 1");
    expect_line("penstock_shard_slice_seconds_bucket{shard=\"0\",le=\"0.0003\"} 2");
    expect_line("penstock_shard_slice_seconds_bucket{shard=\"0\",le=\"0.002\"} 2");
    expect_line("penstock_shard_slice_seconds_bucket{shard=\"0\",le=\"+Inf\"} 3");
    expect_line("penstock_shard_slice_seconds_count{shard=\"0\"} 3");
    expect_line("penstock_shard_slice_seconds_sum{shard=\"0\"} 0.00527");
}

Test(metrics_view, shows_what_the_time_accounts_do_not_explain)
{
    dataplane.dataplane->start_tsc = 1000000;
    tally(0)->settled_tsc = 5000000;
    tally(0)->settled_cycles[CYCLES_EXECUTE] = 2500000;
    tally(0)->settled_cycles[CYCLES_IDLE] = 1000000;
    read_view(true);
    make_page();
    expect_line("penstock_shard_time_seconds_total{shard=\"0\",account=\"execute\"} 2.5");
    expect_line("penstock_shard_time_unexplained_seconds{shard=\"0\"} 0.5");
}

Test(metrics_view, shows_the_nics_frames_when_there_is_one)
{
    tally(0)->net.rx_frames = 9;
    read_view(true);
    make_page();
    cr_expect(eq(ptr, strstr(page, "penstock_net_"), NULL));
    settings.transport = TRANSPORT_NIC;
    read_view(true);
    make_page();
    expect_line("penstock_net_rx_frames_total{shard=\"0\"} 9");
    expect_line("# TYPE penstock_net_rx_frames_total counter");
}

Test(metrics_view, reads_cpu_time_whatever_the_process_is_called)
{
    uint64_t user, system;
    cr_expect(metrics_parse_stat("1 (a) b) c) S 1 2 3 4 -1 6 7 8 9 10 123 456 13", &user, &system));
    cr_expect(eq(u64, user, 123));
    cr_expect(eq(u64, system, 456));
    cr_expect(not(metrics_parse_stat("", &user, &system)));
    cr_expect(not(metrics_parse_stat("1 (a) S 1 2", &user, &system)));
}

// ---- persistence

static struct persist_tally *persist(void) { return &dataplane.dataplane->persist; }

Test(metrics_view, shows_snapshots_and_the_log)
{
    *persist() = (struct persist_tally){ .is_saving = 1,
                                         .save_s = 7,
                                         .last_save = { .unix_s = 1700000000,
                                                        .is_ok = 1,
                                                        .took_s = -1,
                                                        .count = 3,
                                                        .bytes = 12345,
                                                        .dirty = 5 },
                                         .has_log = 1,
                                         .rewrite_s = -1,
                                         .last_rewrite_s = 2,
                                         .last_rewrite_ok = 1,
                                         .log_bytes = 900,
                                         .log_base_bytes = 500,
                                         .rewrite_failures = 4,
                                         .lost_logs = 1 };
    tally(0)->dirty = 10;
    tally(1)->dirty = 11;
    read_view(true);
    make_page();
    expect_line("redis_loading_dump_file 0");
    expect_line("redis_rdb_changes_since_last_save 16");
    expect_line("redis_rdb_bgsave_in_progress 1");
    expect_line("redis_rdb_current_bgsave_duration_sec 7");
    expect_line("redis_rdb_last_save_timestamp_seconds 1700000000");
    expect_line("redis_rdb_last_bgsave_status 1");
    expect_line("redis_rdb_last_bgsave_duration_sec -1");
    expect_line("redis_rdb_saves_total 3");
    expect_line("redis_aof_enabled 1");
    expect_line("redis_aof_rewrite_in_progress 0");
    expect_line("redis_aof_current_rewrite_duration_sec -1");
    expect_line("redis_aof_last_rewrite_duration_sec 2");
    expect_line("redis_aof_last_bgrewrite_status 1");
    expect_line("redis_aof_last_write_status 0");
    expect_line("redis_aof_current_size_bytes 900");
    expect_line("redis_aof_base_size_bytes 500");
    expect_line("penstock_snapshot_last_bytes 12345");
    expect_line("penstock_log_rewrite_failures 4");
    expect_line("penstock_log_lost 1");
}

Test(metrics_view, shows_what_the_log_of_each_shard_costs)
{
    tally(0)->log_buffered_bytes = 100;
    tally(1)->log_buffered_bytes = 20;
    tally(1)->log_lag_bytes = 70;
    tally(1)->log_delayed_syncs = 5;
    tally(0)->log_delayed_syncs = 1;
    tally(1)->snapshot_slice_cycles_max = 250000;
    tally(0)->snapshot_extra_bytes = 4096;
    read_view(true);
    make_page();
    expect_line("redis_aof_buffer_length 120");
    expect_line("redis_aof_pending_bio_fsync 0");
    expect_line("redis_aof_delayed_fsync 6");
    expect_line("penstock_shard_log_lag_bytes{shard=\"0\"} 0");
    expect_line("penstock_shard_log_lag_bytes{shard=\"1\"} 70");
    expect_line("penstock_shard_log_buffered_bytes{shard=\"0\"} 100");
    expect_line("penstock_shard_log_delayed_syncs_total{shard=\"1\"} 5");
    expect_line("penstock_shard_snapshot_slice_seconds_max{shard=\"1\"} 0.25");
    expect_line("penstock_shard_snapshot_extra_bytes{shard=\"0\"} 4096");
    tally(0)->log_unsynced_bytes = 1;
    read_view(true);
    make_page();
    expect_line("redis_aof_pending_bio_fsync 1");
}

// Who watches a start sees how far it is, and nothing of what is not served yet.
Test(metrics_view, shows_how_far_a_start_is)
{
    *persist() =
        (struct persist_tally){ .is_loading = 1, .load_bytes = 1000, .load_done_bytes = 10 };
    read_view(false);
    make_page();
    cr_expect(eq(int, strncmp(page, "# HELP redis_up", 15), 0));
    expect_line("redis_up 0");
    expect_line("redis_loading_dump_file 1");
    expect_line("penstock_load_bytes 1000");
    expect_line("penstock_load_done_bytes 10");
    cr_expect(eq(ptr, strstr(page, "redis_rdb_"), NULL));
}

Test(metrics_view, says_nothing_of_a_load_before_the_first_shard_does)
{
    tally(0)->refreshed_wall_us = 0;
    read_view(false);
    make_page();
    cr_expect(eq(ptr, strstr(page, "redis_loading_dump_file"), NULL));
}
