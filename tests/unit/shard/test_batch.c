#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "tests/unit/shard/fixture.h"

static const struct nic_mem_impairment good_wire = { .delay_ns = 10000 };

static void send_and_expect(struct peer *p, struct wire_text *requests, struct wire_text *replies)
{
    peer_send(p, requests->data, requests->size);
    cr_assert(peer_got_bytes(p, replies->data, replies->size));
    cr_assert(peer_is_quiet(p));
    wire_free(requests);
    wire_free(replies);
}

Test(batch, answers_any_number_of_commands_in_one_piece_in_their_order)
{
    static const uint32_t counts[] = { 1,
                                       BATCH_CALLS_MAX - 1,
                                       BATCH_CALLS_MAX,
                                       BATCH_CALLS_MAX + 1,
                                       2 * BATCH_CALLS_MAX,
                                       2 * BATCH_CALLS_MAX + 1,
                                       500 };
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    for (uint32_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        struct wire_text requests = { 0 }, replies = { 0 };
        uint64_t before = fixture_tally(f)->commands_processed;
        wire_add_request(&requests, "DEL n");
        wire_add(&replies, c ? ":1\r\n" : ":0\r\n");
        for (uint32_t i = 1; i <= counts[c]; i++) {
            wire_add_request(&requests, "INCR n");
            wire_add(&replies, ":%u\r\n", i);
        }
        send_and_expect(p, &requests, &replies);
        cr_expect(eq(u64, fixture_tally(f)->commands_processed - before, counts[c] + 1));
    }
    fixture_close(f);
}

// MGET with its keys: as many arguments as stay in the batch.
static void add_mget(struct wire_text *requests, struct wire_text *replies, uint32_t key_count)
{
    wire_add(requests, "*%u\r\n$4\r\nMGET\r\n", key_count + 1);
    wire_add(replies, "*%u\r\n", key_count);
    for (uint32_t i = 0; i < key_count; i++) {
        wire_add(requests, "$1\r\nn\r\n");
        wire_add(replies, "$1\r\n7\r\n");
    }
}

Test(batch, answers_requests_whose_arguments_together_are_more_than_it_holds)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    cr_assert(peer_ask(p, "SET n 7", "+OK\r\n"));
    enum { FULL = BATCH_ARGS_MAX / RESP_ARGS_INLINE };
    for (uint32_t count = FULL - 1; count <= FULL + 1; count++) {
        for (uint32_t last = 1; last <= RESP_ARGS_INLINE; last++) {
            struct wire_text requests = { 0 }, replies = { 0 };
            for (uint32_t i = 0; i < count; i++)
                add_mget(&requests, &replies, RESP_ARGS_INLINE - 1);
            add_mget(&requests, &replies, last);
            send_and_expect(p, &requests, &replies);
        }
    }
    fixture_close(f);
}

Test(batch, answers_one_request_with_more_arguments_than_it_holds)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    cr_assert(peer_ask(p, "SET n 7", "+OK\r\n"));
    for (uint32_t more = 0; more < 3; more++) {
        struct wire_text requests = { 0 }, replies = { 0 };
        add_mget(&requests, &replies, 2);
        add_mget(&requests, &replies, BATCH_ARGS_MAX - 2 + more);
        add_mget(&requests, &replies, 3);
        send_and_expect(p, &requests, &replies);
    }
    fixture_close(f);
}

Test(batch, runs_what_came_before_a_request_that_lives_in_the_reader)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    struct wire_text requests = { 0 }, replies = { 0 };
    for (uint32_t i = 0; i < 10; i++) {
        wire_add_request(&requests, "SET k before");
        // 33 arguments: the reader keeps the array; an inline one is copied as a whole.
        wire_add(&requests, "*33\r\n$4\r\nMSET\r\n");
        for (uint32_t j = 0; j < 16; j++) wire_add(&requests, "$1\r\nk\r\n$2\r\n%02u\r\n", j);
        wire_add_request(&requests, "GET k");
        wire_add(&requests, "APPEND k inline\r\n");
        wire_add_request(&requests, "APPEND k !");
        wire_add_request(&requests, "GET k");
        wire_add(&replies, "+OK\r\n+OK\r\n$2\r\n15\r\n:8\r\n:9\r\n$9\r\n15inline!\r\n");
    }
    send_and_expect(p, &requests, &replies);
    fixture_close(f);
}

Test(batch, keeps_the_order_of_arrival_between_clients_when_one_request_lives_in_a_reader)
{
    struct fixture *f = fixture_open_nic("protected-mode no", &good_wire, 1);
    struct peer *a = peer_connect(f), *b = peer_connect(f);
    peer_say(b, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\n1");
    fixture_steps(f, 20);
    // One burst: a's request waits in the batch when b's is complete.
    peer_say_requests(a, "SET k 5\nAPPEND k 6\n");
    peer_say(b, "00\r\n*2\r\n$4\r\nINCR\r\n$1\r\nk\r\n");
    cr_assert(peer_got(a, "+OK\r\n:2\r\n"));
    cr_assert(peer_got(b, "+OK\r\n:101\r\n"));
    fixture_close(f);
}

Test(batch, sees_the_writes_of_its_own_earlier_commands)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    struct wire_text requests = { 0 }, replies = { 0 };
    for (uint32_t i = 0; i < 40; i++) { // what was found ahead of time may be gone by then
        wire_add_request(&requests, "SET k%u 1", i % 3);
        wire_add_request(&requests, "DEL k%u", i % 3);
        wire_add_request(&requests, "GET k%u", i % 3);
        wire_add_request(&requests, "SET k%u x", i % 3);
        wire_add_request(&requests, "RENAME k%u other", i % 3);
        wire_add_request(&requests, "GET k%u", i % 3);
        wire_add_request(&requests, "APPEND other 0123456789012345678901234567890123456789");
        wire_add_request(&requests, "FLUSHALL");
        wire_add_request(&requests, "GET other");
        wire_add(&replies, "+OK\r\n:1\r\n$-1\r\n+OK\r\n+OK\r\n$-1\r\n:41\r\n+OK\r\n$-1\r\n");
    }
    send_and_expect(p, &requests, &replies);
    fixture_close(f);
}

Test(batch, selects_the_database_for_the_commands_behind_it)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    peer_say_requests(p, "SET k 0\nSELECT 3\nSET k 3\nSELECT 0\nGET k\nSWAPDB 0 3\nGET k\n"
                         "MOVE k 5\nGET k\nSELECT 5\nGET k\n");
    cr_assert(peer_got(p, "+OK\r\n+OK\r\n+OK\r\n+OK\r\n$1\r\n0\r\n+OK\r\n$1\r\n3\r\n"
                          ":1\r\n$-1\r\n+OK\r\n$1\r\n3\r\n"));
    fixture_close(f);
}

Test(batch, changes_the_protocol_for_the_replies_behind_it)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    peer_say_requests(p, "CLIENT REPLY SKIP\nPING\nGET k\nCLIENT REPLY OFF\nGET k\nPING\n"
                         "CLIENT REPLY ON\nGET k\n");
    cr_assert(peer_got(p, "$-1\r\n+OK\r\n$-1\r\n"));
    peer_say_requests(p, "HELLO 3\nGET k\n");
    cr_assert(peer_got(p, "%7\r\n"));
    cr_assert(FIXTURE_WAIT(f, p->size > 3 && memcmp(p->data + p->size - 3, "_\r\n", 3) == 0));
    fixture_close(f);
}

Test(batch, hands_a_big_argument_over_as_the_value_and_keeps_nothing)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    static const size_t sizes[] = { RESP_BIG_BYTES - 1, RESP_BIG_BYTES, RESP_BIG_BYTES + 1, 300000,
                                    5000000 };
    for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct wire_text requests = { 0 }, replies = { 0 };
        char *value = malloc(sizes[i]);
        for (size_t j = 0; j < sizes[i]; j++) value[j] = (char)('a' + (j * 7 + i) % 26);
        wire_add_request(&requests, "GET none");
        wire_add(&requests, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n");
        wire_add_bulk(&requests, value, sizes[i]);
        wire_add_request(&requests, "STRLEN k");
        wire_add_request(&requests, "GET k");
        wire_add(&replies, "$-1\r\n+OK\r\n:%zu\r\n", sizes[i]);
        wire_add_bulk(&replies, value, sizes[i]);
        send_and_expect(p, &requests, &replies);
        cr_expect(le(u64, f->shard->heap.bytes[HEAP_CLIENT_IN], 2048));
        free(value);
    }
    fixture_close(f);
}

Test(batch, answers_more_pieces_of_input_in_a_turn_than_are_kept)
{
    enum { COUNT = SHARD_READABLE_MAX + 50 };
    struct fixture *f = fixture_open_nic("protected-mode no", &good_wire, 1);
    struct peer *peers[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) peers[i] = peer_connect(f);
    for (uint32_t i = 0; i < COUNT; i++) peer_say_requests(peers[i], "INCR n\nPING\n");
    for (uint32_t i = 0; i < COUNT; i++) {
        char reply[32];
        snprintf(reply, sizeof reply, ":%u\r\n+PONG\r\n", i + 1);
        cr_assert(peer_got(peers[i], reply));
    }
    fixture_close(f);
}

Test(batch, sleeps_with_the_whole_shard_when_debug_says_so)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f), *q = peer_connect(f);
    cr_assert(peer_ask(q, "PING", "+PONG\r\n"));
    uint64_t before = clock_monotonic_ns();
    peer_say_requests(p, "PING\nDEBUG SLEEP 0.15\nPING\n");
    peer_say_requests(q, "PING\n");
    cr_assert(peer_got(p, "+PONG\r\n+OK\r\n+PONG\r\n"));
    cr_assert(peer_got(q, "+PONG\r\n"));
    uint64_t took_ns = clock_monotonic_ns() - before;
    cr_expect(took_ns >= 150000000 && took_ns < 2000000000);
    cr_assert(peer_ask(p, "PING", "+PONG\r\n"));
    fixture_close(f);
}

Test(batch, is_later_after_a_sleep)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    peer_say_requests(p, "SET k v PX 200\nGET k\nDEBUG SLEEP 0.25\nGET k\nSET k 2\nGET k\n");
    cr_assert(peer_got(p, "+OK\r\n$1\r\nv\r\n+OK\r\n$-1\r\n+OK\r\n$1\r\n2\r\n"));
    fixture_close(f);
}

Test(batch, tells_waiting_and_executing_apart)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    const struct command *ping = command_find(BYTES_LITERAL("ping"));
    cr_assert(peer_ask(p, "PING", "+PONG\r\n"));
    peer_say_requests(p, "DEBUG SLEEP 0.2\nPING\n");
    cr_assert(peer_got(p, "+OK\r\n+PONG\r\n"));
    const struct command_tally *t = &fixture_tally(f)->commands[ping->id];
    uint64_t wait_ns = clock_tsc_to_ns(&f->clock, t->wait_cycles_max);
    uint64_t execute_ns = clock_tsc_to_ns(&f->clock, t->execute_cycles_max);
    cr_expect(eq(u64, t->calls, 2));
    cr_expect(ge(u64, wait_ns, 200000000), "the second waited for the sleep");
    cr_expect(lt(u64, execute_ns, 150000000), "which is not its own work");
    fixture_close(f);
}
