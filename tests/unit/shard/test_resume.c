#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "tests/unit/shard/fixture.h"

static const struct nic_mem_impairment good_wire = { .delay_ns = 10000 };

static bool is_blocked(struct fixture *f, uint64_t count)
{
    return FIXTURE_WAIT(f, fixture_tally(f)->blocked_clients == count);
}

// What a blocked client sent in the same packet, and after it, waits and keeps its order.
static void check_order(struct fixture *f)
{
    struct peer *a = peer_connect_served(f), *b = peer_connect_served(f);
    peer_say_requests(a, "SET k 1\nWAIT 1 40\nINCR k\nWAIT 1 20\nINCR k\n");
    cr_assert(is_blocked(f, 1));
    peer_say_requests(a, "INCR k\nGET k\n");
    peer_say(b, "INCR k\r\n"); // others are served meanwhile
    cr_assert(peer_got(b, ":2\r\n"));
    cr_assert(peer_got(a, "+OK\r\n:0\r\n:3\r\n:0\r\n:4\r\n:5\r\n$1\r\n5\r\n"));
    cr_expect(zero(u64, fixture_tally(f)->blocked_clients));
    fixture_close(f);
}

Test(resume, keeps_the_order_of_what_came_behind_a_blocking_command)
{
    check_order(fixture_open(""));
}

Test(resume, keeps_the_order_of_what_came_behind_a_blocking_command_on_a_nic)
{
    check_order(fixture_open_nic("protected-mode no", &good_wire, 1));
}

// What arrives when the client goes on is behind what was kept of it before.
Test(resume, keeps_the_order_over_many_suspensions)
{
    struct fixture *f = fixture_open("");
    struct peer *a = peer_connect_served(f);
    char expected[64];
    for (uint32_t i = 0; i < 300; i++) {
        peer_say_requests(a, i % 3 ? "INCR k\n" : "WAIT 1 1\nINCR k\n");
        if (i % 5 == 0) fixture_step(f);
    }
    for (uint32_t i = 0; i < 300; i++) {
        snprintf(expected, sizeof expected, "%s:%u\r\n", i % 3 ? "" : ":0\r\n", i + 1);
        cr_assert(peer_got(a, expected));
    }
    fixture_close(f);
}

Test(resume, lets_a_client_that_hangs_up_wait_no_more)
{
    struct fixture *f = fixture_open("");
    struct peer *a = peer_connect_served(f);
    peer_say_requests(a, "WAIT 1 0\nSET k never\n");
    cr_assert(is_blocked(f, 1));
    peer_close(a);
    cr_assert(FIXTURE_WAIT(f, fixture_client_count(f) == 0));
    cr_expect(zero(u64, fixture_tally(f)->blocked_clients));
    cr_expect(zero(u64, fixture_tally(f)->keys));
    fixture_close(f);
}

Test(resume, lets_a_client_that_sends_no_more_wait_no_more)
{
    struct fixture *f = fixture_open("");
    struct peer *a = peer_connect_served(f);
    peer_say_requests(a, "WAIT 1 0\n");
    cr_assert(is_blocked(f, 1));
    peer_shut(a);
    cr_assert(FIXTURE_WAIT(f, fixture_client_count(f) == 0));
    fixture_close(f);
}

Test(resume, ends_with_a_kill)
{
    struct fixture *f = fixture_open("");
    struct peer *a = peer_connect_served(f), *b = peer_connect_served(f);
    peer_say_requests(a, "WAIT 1 0\nPING\n");
    cr_assert(is_blocked(f, 1));
    peer_say(b, "CLIENT KILL TYPE normal SKIPME yes\r\n");
    cr_assert(peer_got(b, ":1\r\n"));
    cr_assert(FIXTURE_WAIT(f, fixture_client_count(f) == 1));
    cr_expect(zero(u64, fixture_tally(f)->blocked_clients));
    fixture_close(f);
}

Test(resume, spares_blocked_clients_from_the_idle_timeout)
{
    struct fixture *f = fixture_open("timeout 1");
    struct peer *a = peer_connect_served(f);
    peer_say_requests(a, "WAIT 1 2500\n");
    cr_assert(is_blocked(f, 1));
    cr_assert(peer_got(a, ":0\r\n"));
    fixture_close(f);
}

// A protocol error is said after the replies that are due before it.
Test(resume, says_a_protocol_error_in_its_place)
{
    struct fixture *f = fixture_open("");
    struct peer *a = peer_connect_served(f);
    peer_say(a, "*3\r\n$4\r\nWAIT\r\n$1\r\n1\r\n$2\r\n30\r\n*1\r\nx\r\n");
    cr_assert(peer_got_last(a, ":0\r\n-ERR Protocol error: expected '$', got 'x'\r\n"));
    fixture_close(f);
}

static void check_long_command(struct fixture *f)
{
    struct peer *a = peer_connect_served(f), *b = peer_connect_served(f);
    peer_say(b, "DEBUG POPULATE 20000\r\n");
    cr_assert(peer_got(b, "+OK\r\n"));
    size_t before = a->size;
    peer_say_requests(a, "KEYS key:19*\nPING\n");
    peer_say(b, "PING\r\n");
    cr_assert(peer_got(b, "+PONG\r\n"));
    peer_say(b, "FLUSHALL\r\n");
    cr_assert(FIXTURE_WAIT(f, a->size > before + 7 &&
                                  memcmp(a->data + a->size - 7, "+PONG\r\n", 7) == 0));
    cr_expect(eq(int, memcmp(a->data + before, "*1111\r\n", 7), 0));
    fixture_close(f);
}

Test(resume, runs_what_came_behind_a_long_command_after_it)
{
    check_long_command(fixture_open(""));
}

Test(resume, runs_what_came_behind_a_long_command_after_it_on_a_nic)
{
    check_long_command(fixture_open_nic("protected-mode no", &good_wire, 2));
}

Test(resume, drops_a_long_command_with_its_client)
{
    struct fixture *f =
        fixture_open_nic("protected-mode no", &good_wire, 3); // slices are as short as can be
    struct peer *a = peer_connect_served(f), *b = peer_connect_served(f);
    peer_say(b, "DEBUG POPULATE 20000\r\n");
    cr_assert(peer_got(b, "+OK\r\n"));
    peer_say_requests(a, "KEYS nosuch\n");
    cr_assert(FIXTURE_WAIT(f, f->shard->server.jobs.list.count == 1));
    peer_close(a);
    cr_assert(FIXTURE_WAIT(f, fixture_client_count(f) == 1));
    cr_expect(zero(u64, f->shard->server.jobs.list.count));
    peer_say(b, "FLUSHALL\r\n");
    cr_assert(FIXTURE_WAIT(f, keyspace_reap_pending(f->shard->keyspace) == 0));
    fixture_close(f);
}

// ---- CLIENT PAUSE

static void check_pause(struct fixture *f)
{
    struct peer *a = peer_connect_served(f), *b = peer_connect_served(f);
    cr_assert(peer_ask(b, "CLIENT PAUSE 60 WRITE", "+OK\r\n"));
    peer_say_requests(a, "GET k\nINCR k\nGET k\nINCR k\n"); // what reads waits, too, behind a write
    cr_assert(is_blocked(f, 1));
    cr_assert(peer_ask(b, "GET k", "$-1\r\n"));
    cr_assert(peer_got(a, "$-1\r\n:1\r\n$1\r\n1\r\n:2\r\n"));
    cr_expect(zero(u64, fixture_tally(f)->blocked_clients));
    fixture_close(f);
}

Test(resume, goes_on_in_order_after_a_pause) { check_pause(fixture_open("")); }

Test(resume, goes_on_in_order_after_a_pause_on_a_nic)
{
    check_pause(fixture_open_nic("protected-mode no", &good_wire, 4));
}

Test(resume, goes_on_at_once_when_a_pause_is_ended)
{
    struct fixture *f = fixture_open("");
    struct peer *a = peer_connect_served(f), *b = peer_connect_served(f);
    cr_assert(peer_ask(b, "CLIENT PAUSE 1000000 WRITE", "+OK\r\n"));
    peer_say_requests(a, "INCR k\nINCR k\n");
    cr_assert(is_blocked(f, 1));
    cr_assert(peer_ask(b, "CLIENT UNPAUSE", "+OK\r\n"));
    cr_assert(peer_got(a, ":1\r\n:2\r\n"));
    fixture_close(f);
}

// As in Redis: neither who hangs up nor who is killed has its command executed later.
Test(resume, drops_what_a_pause_holds_with_its_client)
{
    struct fixture *f = fixture_open("");
    struct peer *a = peer_connect_served(f), *b = peer_connect_served(f),
                *c = peer_connect_served(f);
    cr_assert(peer_ask(c, "CLIENT PAUSE 1000000 WRITE", "+OK\r\n"));
    peer_say_requests(a, "INCR k\nINCR k\n");
    peer_say_requests(b, "INCR k\n");
    cr_assert(is_blocked(f, 2));
    peer_close(a);
    cr_assert(is_blocked(f, 1));
    peer_say(c, "CLIENT KILL TYPE normal\r\n");
    cr_assert(peer_got(c, ":1\r\n"));
    cr_assert(is_blocked(f, 0));
    cr_assert(peer_ask(c, "CLIENT UNPAUSE", "+OK\r\n"));
    cr_assert(peer_ask(c, "GET k", "$-1\r\n"));
    fixture_close(f);
}

// Its memory has a bound: the peer waits.
Test(resume, keeps_the_input_behind_a_pause_within_bounds)
{
    enum { VALUE = 64 * 1024, COUNT = 100 };
    struct fixture *f = fixture_open("");
    struct peer *a = peer_connect_served(f), *b = peer_connect_served(f);
    struct wire_text sent = { 0 }, expected = { 0 };
    char *value = malloc(VALUE);
    memset(value, 'v', VALUE);
    for (uint32_t i = 1; i <= COUNT; i++) {
        wire_add(&sent, "*3\r\n$6\r\nAPPEND\r\n$1\r\nk\r\n");
        wire_add_bulk(&sent, value, VALUE);
        wire_add(&expected, ":%u\r\n", i * VALUE);
    }
    free(value);
    cr_assert(peer_ask(b, "CLIENT PAUSE 1000000 WRITE", "+OK\r\n"));
    uint64_t before = f->shard->heap.bytes[HEAP_CLIENT_IN];
    size_t done = 0;
    for (uint32_t idle = 0; idle < 100 && done < sent.size; fixture_step(f)) {
        size_t now = peer_push(a, sent.data + done, sent.size - done);
        idle = now ? 0 : idle + 1;
        done += now;
    }
    cr_expect(lt(u64, f->shard->heap.bytes[HEAP_CLIENT_IN] - before, 3 * DEFER_BYTES_MAX));
    cr_assert(peer_ask(b, "CLIENT UNPAUSE", "+OK\r\n"));
    peer_send(a, sent.data + done, sent.size - done);
    cr_assert(peer_got(a, expected.data));
    wire_free(&sent);
    wire_free(&expected);
    fixture_close(f);
}
