#include "dataplane/cmd/block.h"
#include "dataplane/cmd/job.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/wait.h>
#include "tests/unit/shard/fixture.h"

static const struct nic_mem_impairment good_wire = { .delay_ns = 10000 };

static bool event_of(struct fixture *f, enum lane_kind kind, struct lane_msg *out)
{
    while (lane_receive(&f->shard->server.region_shard->events, out))
        if (out->kind == kind) return true;
    return false;
}

static void order(struct fixture *f, uint16_t kind, uint64_t a)
{
    struct lane_msg m = { .kind = kind, .a = a };
    cr_assert(eq(int, lane_send(&f->shard->server.region_shard->orders, &m), OK));
}

static bool was_logged(struct fixture *f, const char *words)
{
    char text[1100];
    int level;
    uint64_t wall_us;
    bool found = false;
    while (region_log_read(f->shard->server.region_shard, &level, &wall_us, text, sizeof text))
        found |= strstr(text, words) != NULL;
    return found;
}

// ---- opening

Test(shard, that_cannot_listen_says_why_and_leaves_nothing)
{
    struct fixture *f = fixture_open(""), *g = fixture_new();
    g->port = f->port;
    snprintf(g->address, sizeof g->address, "%s", f->address);
    cr_assert(eq(int, fixture_try_open(g, ""), ERR_IO));
    cr_expect(strstr(g->error, "Failed listening on port") != NULL, "%s", g->error);
    cr_expect(strstr(g->error, "in use") != NULL, "%s", g->error);
    cr_expect(eq(ptr, g->shard, NULL));
    fixture_close(g);
    cr_assert(peer_ask(peer_connect(f), "PING", "+PONG\r\n"));
    fixture_close(f);
}

Test(shard, forgives_an_absent_address_that_is_optional)
{
    struct fixture *f = fixture_new();
    cr_assert(eq(int, fixture_try_open(f, "bind 192.0.2.1"), ERR_IO));
    fixture_close(f);
    f = fixture_new();
    char directives[64];
    snprintf(directives, sizeof directives, "bind -192.0.2.1 %s", f->address);
    cr_assert(eq(int, fixture_try_open(f, directives), OK));
    fixture_steps(f, 3);
    cr_assert(peer_ask(peer_connect(f), "PING", "+PONG\r\n"));
    cr_expect(was_logged(f, "192.0.2.1"));
    fixture_close(f);
}

Test(shard, that_cannot_have_its_unix_socket_says_why)
{
    struct fixture *f = fixture_new();
    cr_assert(eq(int, fixture_try_open(f, "unixsocket /no/such/folder/socket"), ERR_IO));
    cr_expect(strstr(f->error, "Failed opening Unix socket") != NULL, "%s", f->error);
    fixture_close(f);
}

Test(shard, says_what_is_wrong_with_its_nic_addresses)
{
    static const char *const bad[] = {
        "nic-address 10.0.0.1/33", "nic-address 10.0.0/24",    "nic-address ::1/129",
        "nic-address 10.0.0.1/",   "nic-address 10.0.0.1/24x", "nic-address 10.0.0.1/-1",
        "nic-address 1.1.1.1/1/1", "nic-gateway nowhere",      "nic-gateway6 10.0.0.1.1",
    };
    for (uint32_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fixture *f = fixture_new();
        char directives[256];
        fixture_add_wire(f, &good_wire, 1, FIXTURE_FRAMES);
        const char *address = i < 7 ? "" : "nic-address 10.0.0.1/24\n";
        snprintf(directives, sizeof directives, "transport nic\nnic-devargs memory\n%s%s", address,
                 bad[i]);
        cr_expect(eq(int, fixture_try_open(f, directives), ERR_IO), "%s", bad[i]);
        cr_expect(strncmp(f->error, "nic-", 4) == 0, "%s: %s", bad[i], f->error);
        fixture_close(f);
    }
}

// ---- orders

Test(shard, answers_a_ping_of_the_control_plane_with_its_number)
{
    struct fixture *f = fixture_open("");
    struct lane_msg m;
    order(f, LANE_PING, 77);
    order(f, LANE_PING, 78);
    fixture_step(f);
    cr_assert(event_of(f, LANE_PONG, &m));
    cr_expect(eq(u64, m.a, 77));
    cr_assert(event_of(f, LANE_PONG, &m));
    cr_expect(eq(u64, m.a, 78));
    fixture_close(f);
}

Test(shard, takes_a_bounded_number_of_orders_in_a_turn_and_all_of_them_in_some)
{
    struct fixture *f = fixture_open("");
    struct lane_msg m;
    for (uint32_t i = 0; i < LANE_RECORDS; i++) order(f, LANE_PING, i);
    fixture_step(f);
    uint64_t answered = 0;
    while (event_of(f, LANE_PONG, &m)) cr_expect(eq(u64, m.a, answered++));
    cr_expect(eq(u64, answered, SHARD_LANE_BUDGET));
    fixture_steps(f, LANE_RECORDS / SHARD_LANE_BUDGET);
    while (event_of(f, LANE_PONG, &m)) cr_expect(eq(u64, m.a, answered++));
    cr_expect(eq(u64, answered, LANE_RECORDS));
    fixture_close(f);
}

Test(shard, resets_its_counters_when_told)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    cr_assert(peer_ask(p, "PING", "+PONG\r\n"));
    order(f, LANE_STATS_RESET, 0);
    fixture_step(f);
    cr_expect(zero(u64, fixture_tally(f)->commands_processed));
    cr_expect(zero(u64, fixture_tally(f)->connections_received));
    fixture_close(f);
}

Test(shard, logs_an_order_that_it_does_not_know_and_goes_on)
{
    struct fixture *f = fixture_open("");
    order(f, 999, 0);
    order(f, LANE_READY, 0);
    fixture_step(f);
    cr_expect(was_logged(f, "Unknown order 999"));
    cr_assert(peer_ask(peer_connect(f), "PING", "+PONG\r\n"));
    fixture_close(f);
}

// ---- stopping

Test(shard, stops_when_told_after_its_replies_have_left)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    cr_assert(peer_ask(p, "PING", "+PONG\r\n"));
    struct wire_text requests = { 0 }, replies = { 0 };
    for (uint32_t i = 0; i < 3000; i++) {
        wire_add_request(&requests, "ECHO 0123456789");
        wire_add(&replies, "$10\r\n0123456789\r\n");
    }
    cr_assert(eq(sz, peer_push(p, requests.data, requests.size), requests.size));
    order(f, LANE_STOP, LANE_STOP_NOSAVE);
    shard_run(f->shard);
    cr_expect(eq(u32, f->shard->stop_flags, LANE_STOP_NOSAVE));
    cr_expect(eq(u32, f->region.dataplane->state, DATAPLANE_STOPPING));
    cr_expect(eq(ptr, peer_connect_to(f, f->address, f->port), NULL), "nobody listens");
    fixture_close_shard(f);
    peer_read(p);
    cr_assert(eq(sz, p->size - p->taken, replies.size));
    cr_assert(peer_got_bytes(p, replies.data, replies.size));
    cr_expect(p->is_ended && !p->is_reset);
    wire_free(&requests);
    wire_free(&replies);
    fixture_close(f);
}

Test(shard, stops_in_a_second_when_a_peer_does_not_read)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    struct wire_text t = { 0 };
    char *value = calloc(1, 20 << 20);
    wire_add(&t, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n");
    wire_add_bulk(&t, value, 20 << 20);
    peer_send(p, t.data, t.size);
    cr_assert(peer_got(p, "+OK\r\n"));
    p->is_deaf = true;
    peer_say(p, "GET k\r\n");
    fixture_steps(f, 5);
    order(f, LANE_STOP, 0);
    uint64_t before = clock_monotonic_ns();
    shard_run(f->shard);
    uint64_t took_ns = clock_monotonic_ns() - before;
    cr_expect(took_ns > 900000000 && took_ns < 3000000000, "%lu ns", (unsigned long)took_ns);
    wire_free(&t);
    free(value);
    fixture_close(f);
}

Test(shard, that_a_client_shuts_down_tells_the_control_plane)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    struct lane_msg m;
    peer_say(p, "SHUTDOWN NOSAVE\r\n");
    cr_assert(FIXTURE_WAIT(f, f->shard->stopping));
    cr_assert(event_of(f, LANE_STOPPING, &m));
    cr_expect(eq(u64, m.a, LANE_STOP_NOSAVE));
    shard_run(f->shard);
    fixture_close_shard(f);
    peer_read(p);
    cr_expect(peer_is_quiet(p) && p->is_ended);
    fixture_close(f);
}

// ---- time

Test(shard, frees_an_expired_key_without_traffic)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    cr_assert(peer_ask(p, "SET k vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv PX 40", "+OK\r\n"));
    cr_assert(peer_ask(p, "SET stays v", "+OK\r\n"));
    uint64_t with_key = f->shard->heap.bytes[HEAP_DATASET];
    uint64_t before = clock_monotonic_ns();
    cr_assert(FIXTURE_WAIT(f, fixture_tally(f)->expired_keys == 1));
    cr_expect(lt(u64, clock_monotonic_ns() - before, 1000000000));
    cr_expect(lt(u64, f->shard->heap.bytes[HEAP_DATASET], with_key));
    cr_expect(eq(u64, fixture_tally(f)->keys, 1));
    cr_expect(zero(u64, fixture_tally(f)->keyspace_misses), "nobody asked for it");
    cr_assert(peer_ask(p, "EXISTS k stays", ":1\r\n"));
    fixture_close(f);
}

static void add_keys(struct peer *p, uint32_t count, const char *more)
{
    struct wire_text t = { 0 }, replies = { 0 };
    for (uint32_t i = 0; i < count; i++) {
        wire_add_request(&t, "SET key:%u value:%u%s", i, i, more);
        wire_add(&replies, "+OK\r\n");
    }
    peer_send(p, t.data, t.size);
    cr_assert(peer_got_bytes(p, replies.data, replies.size));
    wire_free(&t);
    wire_free(&replies);
}

Test(shard, frees_many_keys_that_expire_together_in_slices)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    char more[64];
    // A deadline in the wall clock that all of them share.
    snprintf(more, sizeof more, " PXAT %lu", (unsigned long)(clock_wall_us() / 1000 + 1500));
    add_keys(p, 5000, more);
    cr_assert(eq(u64, fixture_tally(f)->keys, 5000));
    uint64_t most = 0;
    for (uint64_t keys = 5000; keys > 0; keys = fixture_tally(f)->keys) {
        fixture_step(f);
        uint64_t gone = keys - fixture_tally(f)->keys;
        if (gone > most) most = gone;
    }
    cr_expect(le(u64, most, SHARD_EXPIRE_BUDGET));
    cr_expect(eq(u64, fixture_tally(f)->expired_keys, 5000));
    cr_expect(zero(u64, f->shard->heap.bytes[HEAP_DATASET]));
    fixture_close(f);
}

Test(shard, reaps_flushed_tables_in_slices_while_it_serves)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    add_keys(p, 20000, "");
    uint64_t before = f->shard->heap.bytes[HEAP_DATASET];
    cr_assert(peer_ask(p, "FLUSHALL ASYNC", "+OK\r\n"));
    cr_assert(peer_ask(p, "DBSIZE", ":0\r\n"));
    cr_expect(gt(u64, keyspace_reap_pending(f->shard->keyspace), 0));
    cr_expect(gt(u64, f->shard->heap.bytes[HEAP_DATASET], before / 2));
    cr_assert(peer_ask(p, "SET fresh v", "+OK\r\n"));
    cr_assert(FIXTURE_WAIT(f, keyspace_reap_pending(f->shard->keyspace) == 0));
    cr_expect(lt(u64, f->shard->heap.bytes[HEAP_DATASET], 200), "one key is left");
    cr_assert(peer_ask(p, "GET fresh", "$1\r\nv\r\n"));
    fixture_close(f);
}

Test(shard, sleeps_when_idle)
{
    struct fixture *f = fixture_open("busy-poll no");
    struct peer *p = peer_connect(f);
    cr_assert(peer_ask(p, "PING", "+PONG\r\n"));
    uint64_t cpu = clock_thread_cpu_ns(), before = clock_monotonic_ns();
    uint32_t turns = 0;
    for (; clock_monotonic_ns() - before < 300000000; turns++) shard_turn(f->shard);
    cr_expect(lt(u64, clock_thread_cpu_ns() - cpu, 60000000), "sleeping costs no CPU time");
    cr_expect(lt(u32, turns, 50));
    fixture_close(f);
}

// In a process of its own, as the shard's call that sends a reply also sleeps. 0: some reply came
// well before the next periodic wake-up.
static int ping_sleeping_shard(const struct fixture *f)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(f->port) };
    char reply[16];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, f->address, &at.sin_addr);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) return 2;
    for (uint32_t i = 0; i < 10; i++) {
        usleep(30000);
        uint64_t before = clock_monotonic_ns();
        if (send(fd, "PING\r\n", 6, MSG_NOSIGNAL) != 6) return 3;
        if (recv(fd, reply, sizeof reply, 0) != 7) return 4;
        if (clock_monotonic_ns() - before < 20000000) return 0;
    }
    return 1;
}

Test(shard, wakes_for_a_request)
{
    struct fixture *f = fixture_open("busy-poll no");
    int status = -1;
    pid_t child = fork();
    if (child == 0) _exit(ping_sleeping_shard(f));
    while (waitpid(child, &status, WNOHANG) == 0) shard_turn(f->shard);
    cr_expect(zero(int, status));
    fixture_close(f);
}

// On a machine that is busy with other things a single try may come late.
Test(shard, wakes_for_the_deadline_of_a_key)
{
    struct fixture *f = fixture_open("busy-poll no");
    struct peer *p = peer_connect(f);
    bool is_early = false;
    for (uint64_t i = 0; i < 10 && !is_early; i++) {
        cr_assert(peer_ask(p, "SET k v PX 30", "+OK\r\n"));
        uint64_t before = clock_monotonic_ns(), woke = before;
        while (fixture_tally(f)->expired_keys == i) {
            woke = clock_monotonic_ns(); // the turn that frees it ends with the next sleep
            shard_turn(f->shard);
        }
        is_early = woke - before < 60000000;
    }
    cr_expect(is_early, "before the next periodic wake-up");
    fixture_close(f);
}

// ---- the ledger

static uint64_t cycles_of(const struct fixture *f)
{
    const struct shard_tally *t = f->shard->server.tally;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < CYCLE_ACCOUNT_COUNT; i++) sum += t->cycles[i];
    return sum;
}

static void check_cycles(const char *directives)
{
    struct fixture *f = fixture_open(directives);
    struct peer *p = peer_connect(f);
    uint64_t tsc = f->shard->server.meter.since, booked = cycles_of(f), start = clock_tsc();
    for (uint32_t i = 0; i < 3; i++) {
        add_keys(p, 1000, " PX 60");
        cr_assert(peer_ask(p, "DEBUG SLEEP 0.05", "+OK\r\n"));
        cr_assert(FIXTURE_WAIT(f, fixture_tally(f)->keys == 0));
        fixture_steps(f, 2);
    }
    // To the cycle between two switches of the meter; and by the clock but for the test's own time.
    cr_expect(eq(u64, cycles_of(f) - booked, f->shard->server.meter.since - tsc));
    cr_expect(le(u64, f->shard->server.meter.since, clock_tsc()));
    cr_expect(ge(u64, f->shard->server.meter.since - tsc, (clock_tsc() - start) / 2));
    const uint64_t *cycles = fixture_tally(f)->cycles;
    cr_expect(cycles[CYCLES_EXECUTE] > 0 && cycles[CYCLES_PARSE] > 0);
    cr_expect(cycles[CYCLES_RX] > 0 && cycles[CYCLES_REPLY] > 0 && cycles[CYCLES_TX] > 0);
    cr_expect(cycles[CYCLES_EXPIRY] > 0 && cycles[CYCLES_CONTROL] > 0);
    fixture_close(f);
}

Test(shard, books_every_cycle_to_an_account) { check_cycles(""); }
Test(shard, books_every_cycle_to_an_account_when_it_sleeps) { check_cycles("busy-poll no"); }

Test(shard, books_every_cycle_to_an_account_on_a_nic)
{
    struct fixture *f = fixture_open_nic("protected-mode no", &good_wire, 1);
    struct peer *p = peer_connect(f);
    uint64_t tsc = f->shard->server.meter.since, booked = cycles_of(f);
    add_keys(p, 2000, "");
    cr_expect(eq(u64, cycles_of(f) - booked, f->shard->server.meter.since - tsc));
    const uint64_t *cycles = fixture_tally(f)->cycles;
    cr_expect(cycles[CYCLES_RX] > 0 && cycles[CYCLES_TCP] > 0 && cycles[CYCLES_TX] > 0);
    cr_expect(cycles[CYCLES_EXECUTE] > 0 && cycles[CYCLES_CONTROL] > 0);
    fixture_close(f);
}

// What a shard holds when nobody is there, and nothing at all once its parts are closed.
static void check_memory(struct fixture *f)
{
    struct heap *heap = &f->shard->heap;
    // A command's first call opens its histogram, which stays.
    struct peer *first = peer_connect(f);
    add_keys(first, 1, "");
    peer_say_requests(first, "SET big 1\nGETRANGE big 0 -1\nHELLO 3\n");
    fixture_steps(f, 20);
    peer_close(first);
    first = peer_connect(f);
    cr_assert(peer_ask(first, "FLUSHALL SYNC", "+OK\r\n"));
    peer_close(first);
    cr_assert(FIXTURE_WAIT(f, fixture_client_count(f) == 0));
    fixture_steps(f, 200);
    uint64_t start[HEAP_OWNER_COUNT];
    memcpy(start, heap->bytes, sizeof start);
    struct peer *peers[20];
    for (uint32_t i = 0; i < 20; i++) {
        peers[i] = peer_connect(f);
        add_keys(peers[i], 200, "");
        peer_say_requests(peers[i], "SET big 12345678901234567890123456789012345678901234567890\n"
                                    "GETRANGE big 0 -1\nHELLO 3\n");
        peer_say(peers[i], "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100\r\nunfinished");
    }
    fixture_steps(f, 20);
    cr_expect(gt(u64, heap->bytes[HEAP_DATASET], start[HEAP_DATASET]));
    cr_expect(gt(u64, heap->bytes[HEAP_SESSION], start[HEAP_SESSION]));
    struct peer *last = peer_connect(f);
    cr_assert(peer_ask(last, "FLUSHALL SYNC", "+OK\r\n"));
    for (uint32_t i = 0; i < 20; i++) peer_close(peers[i]);
    peer_close(last);
    cr_assert(FIXTURE_WAIT(f, fixture_client_count(f) == 0));
    fixture_steps(f, 200);
    cr_expect(eq(u64, heap->bytes[HEAP_DATASET], start[HEAP_DATASET]));
    cr_expect(eq(u64, heap->bytes[HEAP_SESSION], start[HEAP_SESSION]));
    cr_expect(eq(u64, heap->bytes[HEAP_CLIENT_IN], start[HEAP_CLIENT_IN]));
    cr_expect(eq(u64, heap->bytes[HEAP_OTHER], start[HEAP_OTHER]));
    if (f->shard->net) net_close(f->shard->net);
    sock_close(f->shard->sock);
    server_close_parts(&f->shard->server);
    keyspace_close(f->shard->keyspace);
    f->shard->net = NULL;
    f->shard->sock = NULL;
    f->shard->keyspace = NULL;
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++)
        cr_expect(zero(u64, heap->bytes[i]), "%s", heap_owner_names[i]);
    cr_expect(zero(u64, heap->bytes_total));
    cr_expect(zero(u64, heap->allocation_count));
    fixture_close(f);
}

Test(shard, holds_no_memory_of_clients_and_keys_that_are_gone) { check_memory(fixture_open("")); }

Test(shard, holds_no_memory_of_clients_and_keys_that_are_gone_on_a_nic)
{
    check_memory(fixture_open_nic("protected-mode no", &good_wire, 1));
}

Test(shard, may_be_closed_with_clients_and_replies_under_way)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    add_keys(p, 100, "");
    peer_say(p, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100\r\nunfinished");
    fixture_steps(f, 3);
    peer_say(p, "PING\r\n");
    fixture_close(f);
}
