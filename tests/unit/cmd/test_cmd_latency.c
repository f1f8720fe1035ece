#include "dataplane/cmd/slow.h"
#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void)
{
    h = harness_open();
    h->settings.slowlog_log_slower_than = 10000;
    h->settings.latency_monitor_threshold = 1;
    slow_configure(&h->server);
}
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_latency, .init = open_harness, .fini = close_harness);

#define EXPECT_START(text) cr_expect(eq(int, strncmp(h->wire, text, sizeof text - 1), 0))

// A turn of so long at a second from the start. A tick of 1/2 ms keeps clear of the clock's
// rounding.
static void turn(uint32_t at_s, uint32_t ms)
{
    harness_set_time(h, HARNESS_START_MS + at_s * 1000ull);
    latency_note(&h->server, LATENCY_TURN, h->clock.tsc_hz / 2000 * (2 * ms + 1));
}

Test(cmd_latency, keeps_the_longest_of_a_second)
{
    turn(0, 20);
    turn(0, 50);
    turn(0, 30);
    turn(2, 5);
    EXPECT_REPLY(h, "latency history turn",
                 "*2\r\n*2\r\n:1700000000\r\n:50\r\n*2\r\n:1700000002\r\n:5\r\n");
    EXPECT_REPLY(h, "latency latest", "*1\r\n*4\r\n$4\r\nturn\r\n:1700000002\r\n:5\r\n:50\r\n");
    EXPECT_REPLY(h, "latency history command", "*0\r\n");
    EXPECT_REPLY(h, "latency history nosuch", "*0\r\n");
}

Test(cmd_latency, ignores_what_is_below_the_threshold)
{
    h->settings.latency_monitor_threshold = 100;
    slow_configure(&h->server);
    turn(0, 99);
    EXPECT_REPLY(h, "latency latest", "*0\r\n");
    turn(0, 100);
    EXPECT_REPLY(h, "latency latest", "*1\r\n*4\r\n$4\r\nturn\r\n:1700000000\r\n:100\r\n:100\r\n");
    h->settings.latency_monitor_threshold = 0; // off
    slow_configure(&h->server);
    turn(1, 1000);
    EXPECT_REPLY(h, "latency latest", "*1\r\n*4\r\n$4\r\nturn\r\n:1700000000\r\n:100\r\n:100\r\n");
}

Test(cmd_latency, keeps_160_samples)
{
    for (uint32_t i = 0; i < 200; i++) turn(i, 10 + i);
    harness_run(h, "latency history turn");
    EXPECT_START("*160\r\n*2\r\n:1700000040\r\n:50\r\n");
    cr_expect(strstr(h->wire, "*2\r\n:1700000199\r\n:209\r\n") != NULL);
}

Test(cmd_latency, resets_what_is_named)
{
    turn(0, 10);
    latency_note(&h->server, LATENCY_SLICE, h->clock.tsc_hz);
    EXPECT_REPLY(h, "latency reset nosuch slice slice", ":1\r\n");
    EXPECT_REPLY(h, "latency reset", ":1\r\n");
    EXPECT_REPLY(h, "latency reset", ":0\r\n");
}

Test(cmd_latency, tells_fast_commands_from_others)
{
    h->settings.enable_debug_command = LOCAL_YES;
    harness_run(h, "debug sleep 2");
    harness_run(h, "latency latest");
    EXPECT_START("*1\r\n*4\r\n$7\r\ncommand\r\n");
    cr_expect(strstr(h->wire, "\r\n:2000\r\n:2000\r\n") != NULL);
    struct bytes argv[] = { BYTES_LITERAL("get") };
    struct call call = { .server = &h->server, .client = &h->client, .argv = argv, .argc = 1 };
    call.command = command_find(argv[0]);
    slow_note(&call, 0, h->clock.tsc_hz);
    harness_run(h, "latency history fast-command");
    EXPECT_START("*1\r\n*2\r\n");
    slow_note(&call, h->clock.tsc_hz, 0);
    harness_run(h, "latency history queue-wait");
    EXPECT_START("*1\r\n*2\r\n");
}

// What redis-server 7.0 drew of these samples, ten seconds after the first.
Test(cmd_latency, draws_as_redis_does)
{
    static const struct {
        uint32_t at_s, ms;
    } samples[] = { { 0, 12 }, { 1, 50 }, { 2, 30 }, { 3, 60 }, { 5, 90 },
                    { 6, 22 }, { 7, 41 }, { 8, 10 }, { 9, 77 }, { 10, 100 } };
    for (uint32_t i = 0; i < sizeof samples / sizeof *samples; i++)
        turn(samples[i].at_s, samples[i].ms);
    EXPECT_REPLY(h, "latency graph turn",
                 "$222\r\n"
                 "turn - high 100 ms, low 10 ms (all time high 100 ms)\n"
                 "----------------------------------------"
                 "----------------------------------------\n"
                 "    o    #\n"
                 "   _|   #|\n"
                 " # || o ||\n"
                 "_|#||o|_||\n"
                 "          \n"
                 "1987543210\n"
                 "0sssssssss\n"
                 "s         \n\r\n");
}

Test(cmd_latency, draws_one_sample)
{
    turn(0, 40);
    harness_set_time(h, HARNESS_START_MS + 3 * 3600 * 1000ull);
    harness_run(h, "latency graph turn");
    cr_expect(strstr(h->wire, "-\n \n \n \n_\n \n3\nh\n") != NULL);
    EXPECT_REPLY(h, "latency graph command", "-ERR No samples available for event 'command'\r\n");
    EXPECT_REPLY(h, "latency graph no", "-ERR No samples available for event 'no'\r\n");
}

Test(cmd_latency, draws_long_series_in_two_parts)
{
    for (uint32_t i = 0; i < 160; i++) turn(i, 10 + i);
    harness_run(h, "latency graph turn");
    cr_expect(strstr(h->wire, "\n\n") != NULL);
}

Test(cmd_latency, advises)
{
    h->settings.latency_monitor_threshold = 0;
    harness_run(h, "latency doctor");
    cr_expect(strstr(h->wire, "CONFIG SET latency-monitor-threshold <milliseconds>") != NULL);
    h->settings.latency_monitor_threshold = 1;
    harness_run(h, "latency doctor");
    cr_expect(strstr(h->wire, "All is well") != NULL);
    latency_note(&h->server, LATENCY_COMMAND, h->clock.tsc_hz);
    harness_run(h, "latency doctor");
    cr_expect(strstr(h->wire, "1. command: seen in 1 seconds, average 1000 ms") != NULL ||
              strstr(h->wire, "1. command: seen in 1 seconds, average 999 ms") != NULL);
    cr_expect(strstr(h->wire, "SLOWLOG GET") != NULL && strstr(h->wire, "never forks") != NULL);
    h->settings.slowlog_log_slower_than = 2000000;
    harness_run(h, "latency doctor");
    cr_expect(strstr(h->wire, "SLOWLOG has not seen them") != NULL);
    h->settings.slowlog_log_slower_than = -1;
    harness_run(h, "latency doctor");
    cr_expect(strstr(h->wire, "SLOWLOG is switched off") != NULL);
    for (uint32_t i = 0; i < LATENCY_EVENT_COUNT; i++)
        latency_note(&h->server, (enum latency_event)i, h->clock.tsc_hz);
    harness_run(h, "latency doctor");
    cr_expect(strstr(h->wire, "10. turn:") != NULL && strstr(h->wire, "deadlines") != NULL);
}

// ---- histograms

// Calls of a command that took so many nanoseconds.
static void call_took(const char *name, uint64_t ns)
{
    uint16_t id = command_find(bytes_text(name))->id;
    struct command_latency *l = h->server.command_latencies.by_id[id];
    if (!l) l = command_latency_start(&h->server, id);
    uint64_t cycles = (uint64_t)((unsigned __int128)ns * h->clock.tsc_hz / 1000000000u);
    l->counts[command_latency_bucket(cycles)]++;
}

// Steps and names as redis-server 7.0's: 1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1056, ...
Test(cmd_latency, shows_a_histogram_in_redis_steps)
{
    call_took("get", 300);
    call_took("get", 900);
    call_took("get", 30000);
    call_took("get", 1000000);
    call_took("get", 1000000000);
    EXPECT_REPLY(h, "latency histogram get",
                 "*2\r\n$3\r\nget\r\n*4\r\n$5\r\ncalls\r\n:5\r\n$14\r\nhistogram_usec\r\n"
                 "*8\r\n:1\r\n:2\r\n:33\r\n:3\r\n:1056\r\n:4\r\n:1082130\r\n:5\r\n");
    EXPECT_REPLY(h, "latency histogram nosuch set set|x", "*0\r\n");
}

Test(cmd_latency, shows_what_lasted_longer_than_redis_counts)
{
    call_took("get", 100ull * 1000000000u);
    harness_run(h, "latency histogram get");
    cr_expect(strstr(h->wire, "histogram_usec\r\n*2\r\n:69256347\r\n:1\r\n") != NULL ||
              strstr(h->wire, "histogram_usec\r\n*2\r\n:138512695\r\n:1\r\n") != NULL);
}

Test(cmd_latency, takes_a_container_for_its_subcommands)
{
    harness_run(h, "config get port");
    harness_run(h, "hello 3");
    harness_run(h, "latency histogram config CONFIG|Get");
    EXPECT_START("%2\r\n$10\r\nconfig|get\r\n%2\r\n");
    harness_run(h, "latency histogram");
    cr_expect(strstr(h->wire, "hello") && strstr(h->wire, "latency|histogram"));
}

Test(cmd_latency, tracks_only_when_told_to)
{
    uint16_t id = command_find(BYTES_LITERAL("get"))->id;
    h->settings.latency_tracking = false;
    slow_configure(&h->server);
    harness_run(h, "get a");
    cr_expect(eq(ptr, h->server.command_latencies.by_id[id], NULL));
    h->settings.latency_tracking = true;
    slow_configure(&h->server);
    harness_run(h, "get a");
    cr_assert(ne(ptr, h->server.command_latencies.by_id[id], NULL));
    cr_expect(eq(u64, command_latency_count(h->server.command_latencies.by_id[id]), 1));
    harness_run(h, "config resetstat");
    cr_expect(eq(ptr, h->server.command_latencies.by_id[id], NULL));
}

Test(cmd_latency, counts_within_a_32nd)
{
    static struct command_latency l;
    for (uint64_t cycles = 64; cycles < 1ull << 37; cycles += cycles / 7 + 1) {
        memset(&l, 0, sizeof l);
        l.counts[command_latency_bucket(cycles)] = 1;
        uint64_t edge = command_latency_percentile(&l, 50);
        cr_expect(edge >= cycles && edge - cycles <= cycles / 32, "%lu: %lu", (unsigned long)cycles,
                  (unsigned long)edge);
    }
    cr_expect(eq(u32, command_latency_bucket(0), 0));
    cr_expect(eq(u32, command_latency_bucket(UINT64_MAX), COMMAND_LATENCY_BUCKETS - 1));
}

Test(cmd_latency, finds_percentiles)
{
    static struct command_latency l;
    for (uint32_t i = 1; i <= 1000; i++) l.counts[command_latency_bucket(i * 1000)]++;
    uint64_t p50 = command_latency_percentile(&l, 50), p999 = command_latency_percentile(&l, 99.9);
    cr_expect(p50 >= 500000 && p50 < 500000 * 33 / 32);
    cr_expect(p999 >= 999000 && p999 < 999000 * 33 / 32);
    cr_expect(eq(u64, command_latency_percentile(&l, 0), command_latency_percentile(&l, 0.1)));
    cr_expect(ge(u64, command_latency_percentile(&l, 100), 1000000));
}
