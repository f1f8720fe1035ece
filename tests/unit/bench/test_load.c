#include "tools/bench/load.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A server in the test's hands: requests gather as text, replies go in when the test says so, at a
// time that the test chooses.
enum { CONNECTIONS_MAX = 8, SENT_MAX = 1 << 20, MS = 1000000 };

struct line {
    uint32_t sends;             // calls of send
    uint32_t sets, gets, auths; // requests not yet answered, in order of kind
    uint32_t order_count;
    uint8_t order[SENT_MAX / 64]; // 'g', 's', 'a'
    uint32_t keys[SENT_MAX / 64];
    uint32_t answered;
    uint8_t scratch[4096];
};

struct bed {
    struct load load;
    struct workload workload;
    struct load_result *result;
    struct line *lines;
    uint64_t now_ns;
};

static uint8_t *fake_reserve(struct load_conn *c, uint32_t size)
{
    struct line *line = c->carrier;
    cr_assert_lt(size, sizeof line->scratch);
    return line->scratch;
}

static void fake_commit(struct load_conn *c, uint32_t size)
{
    struct line *line = c->carrier;
    const char *text = (const char *)line->scratch;
    uint8_t kind = memcmp(text + 8, "GET", 3) == 0   ? 'g'
                   : memcmp(text + 8, "SET", 3) == 0 ? 's'
                                                     : 'a';
    cr_assert_lt(line->order_count, sizeof line->order);
    if (kind != 'a') {
        const char *key = memmem(text, size, "key:", 4);
        cr_assert(key != NULL);
        line->keys[line->order_count] = (uint32_t)strtoul(key + 4, NULL, 10);
    }
    line->order[line->order_count++] = kind;
}

static void fake_send(struct load_conn *c) { ((struct line *)c->carrier)->sends++; }

static const struct load_carrier fake = { fake_reserve, fake_commit, fake_send };

static struct load_config config_of(uint32_t connections, uint32_t pipeline)
{
    return (struct load_config){ .connection_count = connections,
                                 .pipeline = pipeline,
                                 .duration_ns = 100 * MS,
                                 .drain_ns = 1000 * (uint64_t)MS };
}

static struct bed *bed_open_steered(const struct load_config *config, uint64_t keys, double reads,
                                    uint32_t shards)
{
    struct bed *b = calloc(1, sizeof *b);
    struct workload_config w = {
        .key_count = keys, .key_bytes = 16, .read_ratio = reads, .seed = 5, .steer_shards = shards
    };
    cr_assert_eq(sizes_parse(&w.sizes, "8"), OK);
    cr_assert_eq(workload_open(&b->workload, &w), OK);
    b->result = calloc(1, sizeof *b->result);
    b->lines = calloc(config->connection_count, sizeof *b->lines);
    b->now_ns = 1000 * (uint64_t)MS;
    cr_assert_eq(load_open(&b->load, config, &b->workload, b->result), OK);
    b->load.carrier = &fake;
    for (uint32_t i = 0; i < config->connection_count; i++) {
        b->load.conns[i].carrier = &b->lines[i];
        load_conn_opened(&b->load, &b->load.conns[i], b->now_ns);
    }
    load_begin(&b->load, b->now_ns);
    return b;
}

static struct bed *bed_open(const struct load_config *config, uint64_t keys, double reads)
{
    return bed_open_steered(config, keys, reads, 0);
}

static void bed_close(struct bed *b)
{
    load_close(&b->load);
    workload_close(&b->workload);
    free(b->result);
    free(b->lines);
    free(b);
}

static bool give(struct bed *b, uint32_t conn, const char *text)
{
    return load_input(&b->load, &b->load.conns[conn], bytes_text(text), b->now_ns);
}

// The right reply to the oldest unanswered request of a connection; false: there is none.
static bool answer(struct bed *b, uint32_t conn)
{
    char reply[64] = "+OK\r\n";
    uint8_t request[256];
    struct line *line = &b->lines[conn];
    if (line->answered == line->order_count) return false;
    if (line->order[line->answered] == 'g') {
        struct request set = { .op = OP_SET, .key = line->keys[line->answered], .value_bytes = 8 };
        uint32_t size = workload_encode(&b->workload, &set, request);
        snprintf(reply, sizeof reply, "$8\r\n%.8s\r\n", (const char *)request + size - 10);
    }
    line->answered++;
    cr_assert(give(b, conn, reply));
    return true;
}

static void answer_all(struct bed *b)
{
    for (uint32_t i = 0; i < b->load.config.connection_count; i++)
        while (answer(b, i)) {
        }
}

// Time goes on by step until the load is done; everything is answered at once while not stalled.
static void run(struct bed *b, uint64_t step_ns, uint64_t stall_from_ns, uint64_t stall_to_ns)
{
    for (uint32_t turns = 0; load_pump(&b->load, b->now_ns); turns++) {
        cr_assert_lt(turns, 1000000);
        b->now_ns += step_ns;
        if (b->now_ns < stall_from_ns || b->now_ns >= stall_to_ns) answer_all(b);
    }
}

Test(load, a_closed_loop_sends_a_batch_and_waits)
{
    struct load_config c = config_of(2, 4);
    struct bed *b = bed_open(&c, 100, 0.5);
    cr_assert(load_pump(&b->load, b->now_ns));
    cr_assert(
        load_pump(&b->load, b->now_ns)); // the first starts the measured time, the second sends
    for (int i = 0; i < 3; i++) cr_assert(load_pump(&b->load, b->now_ns));
    cr_expect_eq(b->lines[0].order_count, 4);
    cr_expect_eq(b->lines[0].sends, 1);
    cr_expect_eq(b->lines[1].order_count, 4);
    for (int i = 0; i < 3; i++) answer(b, 0);
    cr_assert(load_pump(&b->load, b->now_ns));
    cr_expect_eq(b->lines[0].order_count, 4); // one is open
    answer(b, 0);
    cr_assert(load_pump(&b->load, b->now_ns));
    cr_expect_eq(b->lines[0].order_count, 8);
    cr_expect_eq(b->lines[0].sends, 2);
    cr_expect_eq(b->lines[1].order_count, 4);
    bed_close(b);
}

Test(load, counts_within_the_measured_time_only)
{
    struct load_config c = config_of(1, 1);
    c.warm_up_ns = 50 * MS;
    struct bed *b = bed_open(&c, 100, 0.5);
    run(b, MS, 0, 0);
    cr_expect_eq(b->result->errors, 0);
    cr_expect(b->result->requests >= 98 && b->result->requests <= 101, "%lu",
              (unsigned long)b->result->requests);
    cr_expect_eq(b->result->measured_ns, 100 * MS);
    cr_expect_eq(b->result->requests, b->result->gets + b->result->sets);
    cr_expect_eq(b->result->gets, b->result->hits);
    cr_expect_eq(b->result->latency.max, MS);
    cr_expect_eq(b->result->latency.count,
                 b->result->get_latency.count + b->result->set_latency.count);
    bed_close(b);
}

Test(load, a_number_of_requests_is_sent_exactly)
{
    struct load_config c = config_of(3, 4);
    c.request_count = 1001;
    struct bed *b = bed_open(&c, 100, 0.5);
    run(b, MS, 0, 0);
    cr_expect_eq(b->result->requests, 1001);
    cr_expect_eq(b->lines[0].order_count + b->lines[1].order_count + b->lines[2].order_count, 1001);
    bed_close(b);
}

Test(load, a_fill_sets_every_key_once)
{
    struct load_config c = config_of(3, 1);
    c.fill_only = true;
    struct bed *b = bed_open(&c, 1000, 1);
    uint8_t seen[1000] = { 0 };
    run(b, MS, 0, 0);
    cr_expect_eq(b->result->filled, 1000);
    for (uint32_t i = 0; i < 3; i++)
        for (uint32_t n = 0; n < b->lines[i].order_count; n++) {
            cr_expect_eq(b->lines[i].order[n], 's');
            seen[b->lines[i].keys[n]]++;
        }
    for (uint32_t i = 0; i < 1000; i++) cr_expect_eq(seen[i], 1);
    cr_expect_eq(b->result->requests, 0);
    bed_close(b);
}

Test(load, a_fill_goes_before_the_measured_part)
{
    struct load_config c = config_of(2, 1);
    c.fill = true;
    c.request_count = 10;
    struct bed *b = bed_open(&c, 100, 1);
    run(b, MS, 0, 0);
    cr_expect_eq(b->result->filled, 100);
    cr_expect_eq(b->result->requests, 10);
    cr_expect_eq(b->result->gets, 10);
    cr_expect_eq(b->lines[0].order_count + b->lines[1].order_count, 110);
    bed_close(b);
}

Test(load, an_open_loop_keeps_its_rate)
{
    struct load_config c = config_of(4, 8);
    c.rate = 10000;
    struct bed *b = bed_open(&c, 100, 0.5);
    run(b, MS / 10, 0, 0);
    cr_expect_eq(b->result->latency.count, 1000); // 100 ms at 10 per ms
    cr_expect_eq(b->result->unsent, 0);
    cr_expect_leq(b->result->latency.max, MS / 5);
    bed_close(b);
}

Test(load, random_intervals_have_the_same_mean)
{
    struct load_config c = config_of(8, 64);
    c.rate = 50000;
    c.is_poisson = true;
    struct bed *b = bed_open(&c, 100, 0.5);
    run(b, MS / 100, 0, 0);
    cr_expect(b->result->latency.count > 4600 && b->result->latency.count < 5400, "%lu",
              (unsigned long)b->result->latency.count);
    bed_close(b);
}

// The heart of the open loop: what was due while the server stood still has waited, sent or not.
Test(load, a_stall_is_paid_by_all_that_were_due)
{
    struct load_config c = config_of(2, 2); // 4 at a time: most of what is due cannot even be sent
    c.rate = 1000;
    struct bed *b = bed_open(&c, 100, 0.5);
    uint64_t start = b->now_ns;
    run(b, MS / 10, start + 20 * MS, start + 70 * MS);
    cr_expect_eq(b->result->latency.count, 100);
    cr_expect_geq(b->result->latency.max, 49 * MS);
    cr_expect_geq(histogram_quantile(&b->result->latency, 0.99), 45 * MS);
    // Half of the time was a stall: a quarter of all requests waited more than half of it.
    cr_expect_geq(histogram_quantile(&b->result->latency, 0.80), 24 * MS);
    cr_expect_eq(b->result->unsent, 0); // sent late, but sent
    bed_close(b);
}

Test(load, what_is_never_sent_is_told)
{
    struct load_config c = config_of(1, 1);
    c.rate = 1000;
    c.drain_ns = 10 * MS;
    struct bed *b = bed_open(&c, 100, 0.5);
    run(b, MS / 10, b->now_ns + 50 * MS, UINT64_MAX);
    cr_expect_eq(b->result->unsent, 49); // due at 51 ... 99 ms
    cr_expect_eq(b->result->errors, 1);  // the one that was sent and has no reply
    cr_expect_eq(b->lines[0].order_count, 51);
    cr_expect_eq(b->result->latency.max, 49 * MS); // unsent ones have waited until the end
    bed_close(b);
}

// A server that takes 1 in a ms of the 10 that are due.
Test(load, an_overloaded_open_loop_sends_nothing_after_the_measured_time)
{
    struct load_config c = config_of(1, 1);
    c.rate = 10000;
    struct bed *b = bed_open(&c, 100, 0.5);
    uint64_t start = b->now_ns;
    run(b, MS, 0, 0);
    cr_expect_eq(b->lines[0].order_count, 101); // at 0 ... 100 ms
    cr_expect_eq(b->result->unsent, 1000 - 101);
    cr_expect_eq(b->result->errors, 0);
    cr_expect_eq(b->result->latency.count, 1000);
    cr_expect_eq(b->now_ns, start + 101 * MS); // the last reply, not the end of the patience
    bed_close(b);
}

Test(load, what_fell_due_since_the_last_turn_is_sent_at_the_end)
{
    struct load_config c = config_of(2, 512);
    c.rate = 10000;
    struct bed *b = bed_open(&c, 100, 0.5);
    run(b, 70 * MS, 0, 0); // turns at 0, 70 and 140 ms: more than a turn's budget is due
    cr_expect_eq(b->lines[0].order_count + b->lines[1].order_count, 1000);
    cr_expect_eq(b->result->unsent, 0);
    cr_expect_eq(b->result->errors, 0);
    cr_expect_eq(b->result->latency.count, 1000);
    bed_close(b);
}

Test(load, with_a_tick_what_was_due_leaves_together_and_counts_from_its_own_moment)
{
    struct load_config c = config_of(4, 8);
    c.rate = 10000;
    c.tick_ns = MS;
    struct bed *b = bed_open(&c, 100, 0.5);
    run(b, MS / 10, 0, 0); // answered a tenth of a millisecond after it was sent
    cr_expect_eq(b->result->latency.count, 1000);
    cr_expect_eq(b->result->unsent, 0);
    cr_expect_eq(b->lines[0].order_count + b->lines[1].order_count + b->lines[2].order_count +
                     b->lines[3].order_count,
                 1000);
    cr_expect_leq(b->lines[0].sends, 101);    // once a tick at most, with the batch's share
    cr_expect_eq(b->result->latency.max, MS); // due right behind a tick
    cr_expect_eq(b->result->send_delay.count, 1000);
    cr_expect_eq(b->result->send_delay.max, MS - MS / 10);
    bed_close(b);
}

Test(load, what_a_stall_held_back_with_a_tick_leaves_as_soon_as_there_is_room)
{
    struct load_config c = config_of(1, 2);
    c.rate = 1000;
    c.tick_ns = 10 * MS;
    struct bed *b = bed_open(&c, 100, 0.5);
    uint64_t start = b->now_ns;
    cr_assert(load_pump(&b->load, start));
    cr_expect_eq(b->lines[0].order_count, 1);
    cr_expect_eq(load_next_ns(&b->load), start + 10 * MS);
    cr_assert(load_pump(&b->load, start + 10 * MS)); // ten are due, one has room
    cr_expect_eq(b->lines[0].order_count, 2);
    cr_expect_eq(load_next_ns(&b->load), start + 100 * MS); // only replies or the end can help
    b->now_ns = start + 12 * MS;
    answer_all(b);
    cr_assert(load_pump(&b->load, b->now_ns));
    cr_expect_eq(b->lines[0].order_count, 4);
    // The first two left on time; the others waited for the server.
    cr_expect_eq(b->result->send_delay.count, 2);
    bed_close(b);
}

Test(load, a_number_of_requests_counts_the_unsent_ones_too)
{
    struct load_config c = config_of(1, 1);
    c.rate = 1000;
    c.request_count = 200;
    struct bed *b = bed_open(&c, 100, 0.5);
    run(b, MS, b->now_ns + 100 * MS, UINT64_MAX); // falls silent, and is given up much later
    cr_expect_eq(b->lines[0].order_count + b->result->unsent, 200);
    cr_expect_eq(b->result->errors, 1);
    bed_close(b);
}

Test(load, missing_replies_are_errors)
{
    struct load_config c = config_of(2, 3);
    struct bed *b = bed_open(&c, 100, 0.5);
    run(b, MS, b->now_ns + 10 * MS, UINT64_MAX);
    cr_expect_eq(b->result->errors, 6);
    cr_expect_str_eq(b->result->first_error, "replies missing at the end");
    bed_close(b);
}

Test(load, a_server_that_falls_silent_is_given_up)
{
    struct load_config c = config_of(1, 1);
    c.request_count = 1000;
    struct bed *b = bed_open(&c, 100, 0.5);
    run(b, 10 * MS, b->now_ns + 100 * MS, UINT64_MAX);
    cr_expect_eq(b->result->errors, 1);
    cr_expect_str_eq(b->result->first_error, "the server has stopped answering");
    bed_close(b);
}

Test(load, error_replies_are_counted_with_the_first_text)
{
    struct load_config c = config_of(1, 1);
    struct bed *b = bed_open(&c, 100, 0);
    load_pump(&b->load, b->now_ns);
    load_pump(&b->load, b->now_ns);
    cr_expect(give(b, 0, "-OOM command not allowed\r\n"));
    load_pump(&b->load, b->now_ns);
    cr_expect(give(b, 0, "-ERR second\r\n"));
    cr_expect_eq(b->result->errors, 2);
    cr_expect_str_eq(b->result->first_error, "-OOM command not allowed");
    bed_close(b);
}

Test(load, wrong_values_and_missing_keys_are_errors_when_asked)
{
    static const struct {
        const char *reply;
        bool verify, require_hits;
        uint64_t errors;
    } cases[] = {
        { "$8\r\nnotthere\r\n", true, false, 1 },
        { "$8\r\nnotthere\r\n", false, false, 0 },
        { "$9\r\nAAAAAAAAA\r\n", true, false, 1 },
        { "$0\r\n\r\n", true, false, 1 },
        { "$-1\r\n", true, true, 1 },
        { "$-1\r\n", true, false, 0 },
        { "_\r\n", false, true, 1 },
        { "+OK\r\n", false, false, 1 },
        { ":5\r\n", false, false, 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct load_config c = config_of(1, 1);
        c.verify = cases[i].verify;
        c.require_hits = cases[i].require_hits;
        struct bed *b = bed_open(&c, 100, 1);
        load_pump(&b->load, b->now_ns);
        load_pump(&b->load, b->now_ns);
        cr_expect(give(b, 0, cases[i].reply));
        cr_expect_eq(b->result->errors, cases[i].errors, "%s", cases[i].reply);
        bed_close(b);
    }
}

Test(load, right_values_are_none_however_they_are_cut)
{
    struct load_config c = config_of(1, 1);
    c.verify = c.require_hits = true;
    struct bed *b = bed_open(&c, 100, 1);
    run(b, MS, 0, 0);
    cr_expect_eq(b->result->errors, 0);
    cr_expect_gt(b->result->hits, 50);
    bed_close(b);
}

Test(load, bytes_that_nobody_asked_for_end_a_connection)
{
    struct load_config c = config_of(2, 1);
    struct bed *b = bed_open(&c, 100, 1);
    cr_expect_not(give(b, 0, "-DENIED not you\r\n"));
    cr_expect_eq(b->result->errors, 1);
    cr_expect_str_eq(b->result->first_error, "-DENIED not you");
    bed_close(b);
}

Test(load, what_is_no_reply_ends_a_connection)
{
    struct load_config c = config_of(1, 1);
    struct bed *b = bed_open(&c, 100, 1);
    load_pump(&b->load, b->now_ns);
    load_pump(&b->load, b->now_ns);
    cr_expect_not(give(b, 0, "HTTP/1.1 400\r\n"));
    bed_close(b);
}

Test(load, a_lost_connection_is_an_error_and_the_rest_goes_on)
{
    struct load_config c = config_of(2, 2);
    struct bed *b = bed_open(&c, 100, 0.5);
    load_pump(&b->load, b->now_ns);
    load_pump(&b->load, b->now_ns);
    load_conn_lost(&b->load, &b->load.conns[0], "gone");
    b->lines[0].answered = b->lines[0].order_count;
    run(b, MS, 0, 0);
    cr_expect_eq(b->result->errors, 1);
    cr_expect_str_eq(b->result->first_error, "gone");
    cr_expect_gt(b->result->requests, 100);
    cr_expect_eq(b->lines[0].order_count, 2);
    bed_close(b);
}

Test(load, without_connections_it_is_done)
{
    struct load_config c = config_of(1, 2);
    struct bed *b = bed_open(&c, 100, 0.5);
    load_pump(&b->load, b->now_ns);
    load_conn_lost(&b->load, &b->load.conns[0], "gone");
    cr_expect_not(load_pump(&b->load, b->now_ns));
    bed_close(b);
}

Test(load, a_password_goes_first)
{
    struct load_config c = config_of(1, 2);
    c.password = "secret";
    struct bed *b = bed_open(&c, 100, 0.5);
    load_pump(&b->load, b->now_ns);
    load_pump(&b->load, b->now_ns);
    cr_expect_eq(b->lines[0].order_count, 1);
    cr_expect_eq(b->lines[0].order[0], 'a');
    answer(b, 0);
    load_pump(&b->load, b->now_ns);
    cr_expect_eq(b->lines[0].order_count, 3);
    cr_expect_eq(b->result->requests, 0);
    cr_expect_eq(b->result->errors, 0);
    bed_close(b);
}

static bool asks_at(const struct line *line, uint32_t from, uint32_t shard)
{
    for (uint32_t i = from; i < line->order_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "key:%012u", line->keys[i]);
        if (homes_shard_of_name(bytes_text(name), 2) != shard) return false;
    }
    return true;
}

Test(load, a_steered_connection_learns_its_shard_and_asks_there)
{
    struct load_config c = config_of(2, 16);
    struct bed *b = bed_open_steered(&c, 100, 0.5, 2);
    for (int i = 0; i < 3; i++) load_pump(&b->load, b->now_ns);
    cr_expect_eq(b->lines[0].order_count, 1); // CLIENT ID
    cr_expect_eq(b->lines[0].order[0], 'a');
    cr_assert(give(b, 0, ":1234567\r\n"));
    cr_assert(give(b, 1, ":20\r\n"));
    load_pump(&b->load, b->now_ns);
    cr_assert_eq(b->lines[0].order_count, 17);
    cr_assert_eq(b->lines[1].order_count, 17);
    cr_expect(asks_at(&b->lines[0], 1, 1));
    cr_expect(asks_at(&b->lines[1], 1, 0));
    cr_expect_eq(b->result->requests, 0);
    cr_expect_eq(b->result->errors, 0);
    bed_close(b);
}

Test(load, a_steered_open_loop_waits_for_the_shard_to_be_known)
{
    struct load_config c = config_of(1, 16);
    c.rate = 1000;
    c.password = "secret";
    struct bed *b = bed_open_steered(&c, 100, 0.5, 2);
    load_pump(&b->load, b->now_ns);
    b->now_ns += 10 * MS;
    load_pump(&b->load, b->now_ns);
    cr_expect_eq(b->lines[0].order_count, 2); // AUTH, CLIENT ID
    cr_assert(give(b, 0, "+OK\r\n:3\r\n"));
    load_pump(&b->load, b->now_ns);
    cr_expect_gt(b->lines[0].order_count, 2);
    cr_expect(asks_at(&b->lines[0], 2, 1));
    bed_close(b);
}

Test(load, a_steered_fill_sets_every_key)
{
    struct load_config c = config_of(1, 1);
    c.fill_only = true;
    struct bed *b = bed_open_steered(&c, 100, 0.5, 2);
    load_pump(&b->load, b->now_ns);
    cr_assert(give(b, 0, ":2\r\n"));
    b->lines[0].answered = 1;
    run(b, MS, 0, 0);
    cr_expect_eq(b->result->filled, 100);
    cr_expect_eq(b->result->errors, 0);
    bed_close(b);
}

Test(load, a_server_without_client_ids_cannot_be_steered)
{
    struct load_config c = config_of(1, 1);
    struct bed *b = bed_open_steered(&c, 100, 0.5, 2);
    load_pump(&b->load, b->now_ns);
    cr_assert(give(b, 0, "-NOPERM no\r\n"));
    cr_expect_eq(b->result->errors, 1);
    cr_expect_str_eq(b->result->first_error, "-NOPERM no");
    bed_close(b);
}

Test(load, tells_when_it_must_run_again)
{
    struct load_config c = config_of(1, 1);
    c.warm_up_ns = 10 * MS;
    struct bed *b = bed_open(&c, 100, 0.5);
    uint64_t start = b->now_ns;
    load_pump(&b->load, start);
    cr_expect_eq(load_next_ns(&b->load), start + 10 * MS);
    answer_all(b);
    load_pump(&b->load, start + 10 * MS);
    cr_expect_eq(load_next_ns(&b->load), start + 110 * MS);
    bed_close(b);
    c.rate = 1000;
    b = bed_open(&c, 100, 0.5);
    load_pump(&b->load, start);
    cr_expect_eq(load_next_ns(&b->load), start + MS);
    bed_close(b);
}
