#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "tests/unit/shard/fixture.h"

static const struct nic_mem_impairment good_wire = { .delay_ns = 10000 };

// ---- rates; with a wire the shard's clock is the test's

static void pass(struct fixture *f, uint32_t cron_count)
{
    for (uint32_t i = 0; i < cron_count; i++) {
        f->now_ns = f->clock.ns_start += SHARD_CRON_MS * 1000000ull;
        nic_mem_advance(f->wire, f->now_ns);
        host_turn(f);
        shard_turn(f->shard);
    }
}

Test(shard_cron, samples_rates_over_sixteen_intervals)
{
    struct fixture *f = fixture_open_nic("protected-mode no", &good_wire, 1);
    struct peer *p = peer_connect(f);
    struct server *server = &f->shard->server;
    pass(f, SHARD_RATE_SAMPLES + 1);
    cr_expect(zero(u64, server->instantaneous_ops));
    struct shard_tally *tally = fixture_tally(f);
    for (uint32_t i = 1; i <= SHARD_RATE_SAMPLES; i++) { // 1000 commands in each tenth of a second
        tally->commands_processed += 1000;
        tally->net_input_bytes += 50000;
        tally->net_output_bytes += 70000;
        pass(f, 1);
        cr_expect(eq(u64, server->instantaneous_ops, 10000 * i / SHARD_RATE_SAMPLES));
    }
    cr_expect(eq(u64, server->instantaneous_input_bps, 500000));
    cr_expect(eq(u64, server->instantaneous_output_bps, 700000));
    pass(f, SHARD_RATE_SAMPLES / 2);
    cr_expect(eq(u64, server->instantaneous_ops, 5000));
    pass(f, SHARD_RATE_SAMPLES / 2);
    cr_expect(zero(u64, server->instantaneous_ops));
    cr_assert(peer_ask(p, "PING", "+PONG\r\n"));
    fixture_close(f);
}

Test(shard_cron, shows_no_absurd_rate_after_the_counters_were_reset)
{
    struct fixture *f = fixture_open_nic("protected-mode no", &good_wire, 1);
    struct peer *p = peer_connect(f);
    for (uint32_t i = 0; i < 50; i++) cr_assert(peer_ask(p, "PING", "+PONG\r\n"));
    pass(f, 1);
    cr_assert(peer_ask(p, "CONFIG RESETSTAT", "+OK\r\n"));
    for (uint32_t i = 0; i < SHARD_RATE_SAMPLES + 2; i++) {
        pass(f, 1);
        cr_expect(lt(u64, f->shard->server.instantaneous_ops, 100000));
        cr_expect(lt(u64, f->shard->server.instantaneous_input_bps, 10000000));
    }
    fixture_close(f);
}

Test(shard_cron, comes_every_hundred_milliseconds)
{
    struct fixture *f = fixture_open_nic("protected-mode no", &good_wire, 1);
    pass(f, 1);
    uint32_t before = f->shard->rate_index;
    for (uint32_t i = 0; i < 1000; i++) { // a second of turns
        f->clock.ns_start += 1000000;
        shard_turn(f->shard);
    }
    cr_expect(eq(u32, f->shard->rate_index - before, 10));
    fixture_close(f);
}

// ---- clients

Test(shard_cron, looks_at_every_client_within_a_second)
{
    enum { COUNT = 300 };
    struct fixture *f = fixture_open("timeout 100");
    struct peer *peers[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        peers[i] = peer_connect(f);
        cr_assert(peer_ask(peers[i], "PING", "+PONG\r\n"));
    }
    struct list *all = &f->shard->rotation;
    for (struct list_node *n = list_first(all); n; n = list_next(all, n))
        LIST_OWNER(n, struct session, rotation)->client.last_command_ms -= 200000;
    f->shard->next_cron_ns = UINT64_MAX; // no further ones by the clock
    for (uint32_t i = 0; i < 10; i++) {
        uint64_t before = fixture_tally(f)->timeout_disconnections;
        shard_cron(f->shard);
        shard_turn(f->shard);
        cr_expect(le(u64, fixture_tally(f)->timeout_disconnections - before, COUNT / 10 + 16));
    }
    for (uint32_t i = 0; i < COUNT; i++) cr_assert(peer_got_end(peers[i]));
    cr_expect(eq(u64, fixture_tally(f)->timeout_disconnections, COUNT));
    fixture_close(f);
}

Test(shard_cron, keeps_the_largest_buffers_of_the_last_pass)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f), *q = peer_connect(f);
    cr_assert(peer_ask(p, "PING", "+PONG\r\n") && peer_ask(q, "PING", "+PONG\r\n"));
    struct wire_text t = { 0 };
    char value[100000] = { 0 };
    wire_add(&t, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$200000\r\n");
    wire_add_bytes(&t, value, sizeof value);
    peer_send(p, t.data, t.size);
    fixture_steps(f, 20);
    for (uint32_t i = 0; i < 20; i++) shard_cron(f->shard);
    cr_expect(ge(u64, fixture_tally(f)->client_input_max, 100000));
    cr_expect(le(u64, fixture_tally(f)->client_input_max, 400000));
    peer_close(p);
    cr_assert(FIXTURE_WAIT(f, fixture_client_count(f) == 1));
    for (uint32_t i = 0; i < 20; i++) shard_cron(f->shard);
    cr_expect(lt(u64, fixture_tally(f)->client_input_max, 10000), "it has left");
    wire_free(&t);
    fixture_close(f);
}

Test(shard_cron, copies_the_levels)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    cr_assert(peer_ask(p, "SET k v", "+OK\r\n"));
    cr_assert(peer_ask(p, "SETRANGE big 99999 x", ":100000\r\n"));
    shard_cron(f->shard);
    const struct shard_tally *t = fixture_tally(f);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++) sum += t->heap_bytes[i];
    cr_expect(eq(u64, t->connected_clients, 1));
    cr_expect(eq(u64, t->keys, 2));
    cr_expect(eq(u64, t->dirty, 2));
    cr_expect(eq(u64, sum, f->shard->heap.bytes_total));
    cr_expect(ge(u64, t->heap_allocated, sum));
    cr_expect(ge(u64, t->heap_active, t->heap_allocated));
    cr_expect(ge(u64, t->heap_peak, sum));
    uint64_t peak = f->shard->server.peak_memory_bytes;
    cr_assert(peer_ask(p, "DEL big", ":1\r\n"));
    shard_cron(f->shard);
    cr_expect(eq(u64, f->shard->server.peak_memory_bytes, peak), "a peak stays");
    fixture_close(f);
}

Test(shard_cron, copies_what_clients_track_and_scripts_keep)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    cr_assert(peer_ask(p, "CLIENT TRACKING ON BCAST PREFIX a PREFIX b", "+OK\r\n"));
    cr_assert(peer_ask(p, "EVAL 'return 1' 0", ":1\r\n"));
    shard_cron(f->shard);
    const struct shard_tally *t = fixture_tally(f);
    cr_expect(eq(u64, t->tracking_clients, 1));
    cr_expect(eq(u64, t->tracking_prefixes, 2));
    cr_expect(eq(u64, t->cached_scripts, 1));
    cr_expect(gt(u64, t->script_vm_bytes, 0));
    fixture_close(f);
}

Test(shard_cron, copies_the_newest_of_the_slow_log_and_of_latency)
{
    struct fixture *f = fixture_open("slowlog-log-slower-than 0");
    struct peer *p = peer_connect(f);
    struct server *server = &f->shard->server;
    const struct shard_tally *t = fixture_tally(f);
    shard_cron(f->shard);
    cr_expect(zero(u64, t->slowlog_last.time_s));
    cr_expect(zero(u64, t->latencies[LATENCY_SLICE].time_s));
    for (uint32_t i = 0; i < 3; i++) cr_assert(peer_ask(p, "PING", "+PONG\r\n"));
    server->slow.latency_cycles = 0;
    latency_note(server, LATENCY_SLICE, server->clock->tsc_hz / 1000 * 2505 / 10);
    server->slow.latency_cycles = UINT64_MAX;
    shard_cron(f->shard);
    cr_expect(eq(u64, t->slowlog_entries, 3));
    cr_expect(eq(u64, t->slowlog_last.id, 2));
    cr_expect(gt(u64, t->slowlog_last.time_s, 0));
    cr_expect(eq(u64, t->latencies[LATENCY_SLICE].latency_ms, 250));
    cr_expect(eq(u64, t->latencies[LATENCY_SLICE].time_s, server->now_ms / 1000));
    cr_assert(peer_ask(p, "SLOWLOG RESET", "+OK\r\n"));
    cr_assert(peer_ask(p, "LATENCY RESET", ":1\r\n"));
    shard_cron(f->shard);
    cr_expect(zero(u64, t->latencies[LATENCY_SLICE].time_s));
    fixture_close(f);
}

// ---- idle time

Test(shard_cron, books_sleep_as_idle_and_work_in_the_kernel_as_sending)
{
    struct fixture *f = fixture_open("busy-poll no");
    struct peer *p = peer_connect(f);
    cr_assert(peer_ask(p, "PING", "+PONG\r\n"));
    uint64_t *cycles = fixture_tally(f)->cycles;
    shard_cron(f->shard);
    uint64_t idle = cycles[CYCLES_IDLE], start = clock_tsc();
    for (uint32_t i = 0; i < 4; i++) shard_turn(f->shard); // nothing to do: it sleeps
    shard_cron(f->shard);
    uint64_t elapsed = clock_tsc() - start;
    cr_expect(gt(u64, cycles[CYCLES_IDLE] - idle, elapsed / 2));
    cr_expect(le(u64, cycles[CYCLES_IDLE] - idle, elapsed));
    fixture_close(f);
}
