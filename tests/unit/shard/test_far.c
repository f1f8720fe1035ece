#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "tests/unit/shard/crowd.h"

// All by hand: the client is the first one, so it is at home on shard 0.

// What far calls and what they say take; the transport keeps blocks of output (shard 0's).
static uint64_t far_bytes(struct crowd *c)
{
    uint64_t bytes = crowd_shard(c, 0)->heap.bytes[HEAP_CLIENT_IN];
    for (uint32_t i = 1; i < c->count; i++)
        bytes += crowd_shard(c, i)->heap.bytes[HEAP_CLIENT_IN] +
                 crowd_shard(c, i)->heap.bytes[HEAP_CLIENT_OUT];
    return bytes;
}
static bool becomes_quiet(struct crowd *c) { return FIXTURE_WAIT(c->f, crowd_is_quiet(c)); }

static char *filled(size_t size, char with)
{
    char *text = malloc(size + 1);
    CHECK(text != NULL);
    memset(text, with, size);
    text[size] = 0;
    return text;
}

Test(far, replies_keep_their_place_among_those_from_here)
{
    struct crowd *c = crowd_open(3, false, "");
    struct peer *p = peer_connect_served(c->f);
    struct wire_text t = { 0 }, expected = { 0 };
    char key[CROWD_KEY_BYTES];
    for (uint32_t i = 0; i < 200; i++) {
        crowd_key(c, i % 3, i, key);
        wire_add_request(&t, "SET %s %u", key, i);
        wire_add_request(&t, "PING %u", i);
        wire_add_request(&t, "GET %s", key);
        wire_add_request(&t, "STRLEN %s extra", key);
        wire_add(&expected, "+OK\r\n$%d\r\n%u\r\n$%d\r\n%u\r\n", snprintf(NULL, 0, "%u", i), i,
                 snprintf(NULL, 0, "%u", i), i);
        wire_add(&expected, "-ERR wrong number of arguments for 'strlen' command\r\n");
    }
    peer_send_text(p, &t);
    cr_expect(peer_got_bytes(p, expected.data, expected.size));
    cr_expect(peer_is_quiet(p));
    cr_expect(ge(u64, fixture_tally(c->f)->far_calls, 200));
    cr_expect(becomes_quiet(c));
    wire_free(&expected);
    crowd_close(c);
}

Test(far, replies_leave_in_order_though_a_later_shard_is_faster)
{
    struct crowd *c = crowd_open(3, false, "");
    struct peer *p = peer_connect_served(c->f);
    char key1[CROWD_KEY_BYTES], key2[CROWD_KEY_BYTES], key0[CROWD_KEY_BYTES];
    char lines[200];
    snprintf(lines, sizeof lines, "INCR %s\nINCRBY %s 5\nINCRBY %s 9\nPING\n",
             crowd_key(c, 1, 0, key1), crowd_key(c, 2, 0, key2), crowd_key(c, 0, 0, key0));
    c->holds_still[1] = true;
    peer_say_requests(p, lines);
    cr_expect(FIXTURE_WAIT(c->f, crowd_shard(c, 0)->far_calls_open == 1)); // 2 has answered
    fixture_steps(c->f, 20);
    cr_expect(peer_is_quiet(p));
    c->holds_still[1] = false;
    cr_expect(peer_got(p, ":1\r\n:5\r\n:9\r\n+PONG\r\n"));
    crowd_close(c);
}

// Not each time: when this process stands still meanwhile, the first part has waited long enough.
Test(far, replies_of_a_pipeline_leave_together)
{
    enum { PIPELINES = 50 };
    struct crowd *c = crowd_open(2, false, "");
    struct peer *p = peer_connect_served(c->f);
    char here[CROWD_KEY_BYTES], there[CROWD_KEY_BYTES], lines[200], expected[100];
    crowd_key(c, 0, 0, here);
    crowd_key(c, 1, 0, there);
    uint64_t before = fixture_tally(c->f)->writes_processed;
    for (uint32_t i = 1; i <= PIPELINES; i++) {
        snprintf(lines, sizeof lines, "INCR %s\nINCR %s\nPING\n", here, there);
        snprintf(expected, sizeof expected, ":%u\r\n:%u\r\n+PONG\r\n", i, i);
        peer_say_requests(p, lines);
        cr_assert(peer_got(p, expected));
    }
    uint64_t writes = fixture_tally(c->f)->writes_processed - before;
    cr_expect(ge(u64, writes, PIPELINES));
    cr_expect(lt(u64, writes, PIPELINES * 3 / 2));
    crowd_close(c);
}

Test(far, replies_wait_for_others_for_a_moment_only)
{
    struct crowd *c = crowd_open(2, false, "");
    struct peer *p = peer_connect_served(c->f);
    char key[CROWD_KEY_BYTES], lines[100];
    snprintf(lines, sizeof lines, "PING first\nINCR %s\nPING last\n", crowd_key(c, 1, 0, key));
    c->holds_still[1] = true;
    peer_say_requests(p, lines);
    cr_expect(peer_got(p, "$5\r\nfirst\r\n"));
    cr_expect(peer_is_quiet(p));
    c->holds_still[1] = false;
    cr_expect(peer_got(p, ":1\r\n$4\r\nlast\r\n"));
    crowd_close(c);
}

// What it says is more than a call has room for, and so is what it is told.
Test(far, calls_of_any_size_are_run)
{
    static const size_t sizes[] = { 1, 200, 300, 310, 320, 330, 340, 350, 384, 400, 2000, 100000 };
    struct crowd *c = crowd_open(2, false, "");
    uint64_t before = far_bytes(c);
    struct peer *p = peer_connect_served(c->f);
    char key[CROWD_KEY_BYTES];
    crowd_key(c, 1, 0, key);
    for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct wire_text t = { 0 }, expected = { 0 };
        char *value = filled(sizes[i], (char)('a' + i));
        for (uint32_t n = 0; n < 3; n++) {
            wire_add(&t, "*3\r\n$6\r\nGETSET\r\n");
            wire_add_bulk(&t, key, strlen(key));
            wire_add_bulk(&t, value, sizes[i]);
            if (n) wire_add_bulk(&expected, value, sizes[i]);
        }
        wire_add_request(&t, "GETDEL %s", key);
        wire_add_bulk(&expected, value, sizes[i]);
        peer_send_text(p, &t);
        cr_assert(peer_got(p, "$-1\r\n"));
        cr_expect(peer_got_bytes(p, expected.data, expected.size), "%zu", sizes[i]);
        wire_free(&expected);
        free(value);
    }
    cr_expect(becomes_quiet(c));
    peer_reset(p);
    cr_expect(FIXTURE_WAIT(c->f, crowd_shard(c, 0)->server.clients.all.count == 0));
    cr_expect(FIXTURE_WAIT(c->f, far_bytes(c) == before));
    crowd_close(c);
}

Test(far, replies_of_any_size_arrive_whole)
{
    static const size_t sizes[] = { 0,   1,   600, 630,  631,   632,   633,
                                    634, 640, 641, 5000, 20000, 300000 };
    struct crowd *c = crowd_open(2, false, "");
    uint64_t before = far_bytes(c);
    struct peer *p = peer_connect_served(c->f);
    char key[CROWD_KEY_BYTES], here[CROWD_KEY_BYTES];
    crowd_key(c, 1, 0, key);
    crowd_key(c, 0, 0, here);
    for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct wire_text t = { 0 }, expected = { 0 };
        char *value = filled(sizes[i], (char)('a' + i));
        for (uint32_t where = 0; where < 2; where++) {
            wire_add(&t, "*3\r\n$3\r\nSET\r\n");
            wire_add_bulk(&t, where ? here : key, strlen(where ? here : key));
            wire_add_bulk(&t, value, sizes[i]);
            wire_add(&expected, "+OK\r\n");
        }
        for (uint32_t n = 0; n < 3; n++) { // one there, and one here that waits for it
            wire_add_request(&t, "GET %s", key);
            wire_add_request(&t, "GET %s", here);
            wire_add_bulk(&expected, value, sizes[i]);
            wire_add_bulk(&expected, value, sizes[i]);
        }
        peer_send_text(p, &t);
        cr_expect(peer_got_bytes(p, expected.data, expected.size), "%zu", sizes[i]);
        wire_free(&expected);
        free(value);
    }
    cr_expect(becomes_quiet(c));
    peer_reset(p);
    cr_expect(FIXTURE_WAIT(c->f, crowd_shard(c, 0)->server.clients.all.count == 0));
    cr_expect(FIXTURE_WAIT(c->f, far_bytes(c) == before));
    crowd_close(c);
}

Test(far, mutes_what_client_reply_mutes)
{
    struct crowd *c = crowd_open(2, false, "");
    struct peer *p = peer_connect_served(c->f);
    char key[CROWD_KEY_BYTES], here[CROWD_KEY_BYTES], lines[400];
    crowd_key(c, 1, 0, key);
    crowd_key(c, 0, 0, here);
    snprintf(lines, sizeof lines,
             "SET %s 1\nCLIENT REPLY SKIP\nINCR %s\nINCR %s\nCLIENT REPLY SKIP\nINCR %s\nINCR %s\n",
             key, key, key, here, here);
    peer_say_requests(p, lines);
    cr_expect(peer_got(p, "+OK\r\n:3\r\n:2\r\n"));
    snprintf(lines, sizeof lines,
             "CLIENT REPLY OFF\nINCR %s\nINCR %s\nINCR %s\nCLIENT REPLY ON\nGET %s\nGET %s\n", key,
             here, key, key, here);
    peer_say_requests(p, lines);
    cr_expect(peer_got(p, "+OK\r\n$1\r\n5\r\n$1\r\n3\r\n"));
    cr_expect(peer_is_quiet(p));
    crowd_close(c);
}

// ---- blocking commands

Test(far, command_that_waits_for_a_key_there_is_served_when_it_comes)
{
    struct crowd *c = crowd_open(2, false, "");
    struct peer *p = peer_connect_served(c->f), *q = peer_connect_served(c->f);
    char key[CROWD_KEY_BYTES], lines[200], expected[200];
    crowd_key(c, 1, 0, key);
    snprintf(lines, sizeof lines, "INCR n{%s}\nBLPOP %s 0\nINCR n{%s}\nPING\n", key, key, key);
    peer_say_requests(p, lines);
    cr_assert(peer_got(p, ":1\r\n"));
    cr_assert(FIXTURE_WAIT(c->f, crowd_shard(c, 1)->proxies_waiting.count == 1));
    fixture_steps(c->f, 20);
    cr_expect(peer_is_quiet(p)); // what follows waits, too
    snprintf(lines, sizeof lines, "GET n{%s}", key);
    cr_expect(peer_ask(q, lines, "$1\r\n1\r\n"));
    snprintf(lines, sizeof lines, "RPUSH %s x", key);
    cr_expect(peer_ask(q, lines, ":1\r\n"));
    snprintf(expected, sizeof expected, "*2\r\n$%zu\r\n%s\r\n$1\r\nx\r\n:2\r\n+PONG\r\n",
             strlen(key), key);
    cr_expect(peer_got(p, expected));
    cr_expect(becomes_quiet(c));
    crowd_close(c);
}

Test(far, command_that_waits_there_ends_at_its_timeout)
{
    struct crowd *c = crowd_open(2, false, "");
    struct peer *p = peer_connect_served(c->f);
    char key[CROWD_KEY_BYTES], line[100];
    snprintf(line, sizeof line, "BLPOP %s 0.02", crowd_key(c, 1, 0, key));
    cr_expect(peer_ask(p, line, "*-1\r\n"));
    cr_expect(becomes_quiet(c));
    cr_expect(peer_is_served(p));
    crowd_close(c);
}

Test(far, client_that_hangs_up_takes_nothing_from_a_key_there)
{
    for (uint32_t shut = 0; shut < 2; shut++) {
        struct crowd *c = crowd_open(2, false, "");
        struct peer *p = peer_connect_served(c->f), *q = peer_connect_served(c->f);
        char key[CROWD_KEY_BYTES], line[100];
        uint64_t before = far_bytes(c);
        snprintf(line, sizeof line, "BLPOP %s 0\nPING\n", crowd_key(c, 1, 0, key));
        peer_say_requests(p, line);
        cr_assert(FIXTURE_WAIT(c->f, crowd_shard(c, 1)->proxies_waiting.count == 1));
        if (shut)
            peer_shut(p);
        else
            peer_close(p);
        cr_expect(FIXTURE_WAIT(c->f, crowd_shard(c, 0)->server.clients.all.count == 0));
        cr_expect(becomes_quiet(c));
        cr_expect(eq(u64, crowd_shard(c, 1)->server.blocks.all.count, 0));
        snprintf(line, sizeof line, "RPUSH %s x", key);
        cr_expect(peer_ask(q, line, ":1\r\n"));
        snprintf(line, sizeof line, "LLEN %s", key);
        cr_expect(peer_ask(q, line, ":1\r\n"));
        fixture_steps(c->f, 20);
        cr_expect(le(u64, far_bytes(c), before));
        crowd_close(c);
    }
}

// ---- sessions that go, and limits

Test(far, session_may_go_while_its_calls_are_under_way)
{
    struct crowd *c = crowd_open(3, false, "");
    uint64_t before = far_bytes(c);
    char key[CROWD_KEY_BYTES], big[CROWD_KEY_BYTES];
    for (uint32_t round = 0; round < 3; round++) {
        struct peer *p = peer_connect_served(c->f);
        struct wire_text t = { 0 };
        crowd_key(c, 1, 9, big);
        wire_add_request(&t, "SETRANGE %s 20000 x", big);
        for (uint32_t i = 0; i < 200; i++) {
            wire_add_request(&t, "SET %s %u", crowd_key(c, i % 3, i, key), i);
            wire_add_request(&t, "GET %s", big);
        }
        c->holds_still[1] = c->holds_still[2] = true;
        peer_send_text(p, &t);
        cr_assert(FIXTURE_WAIT(c->f, crowd_shard(c, 0)->far_calls_open > 100));
        c->holds_still[1] = round == 1; // some have answered when it goes, or none
        fixture_steps(c->f, round == 0 ? 0 : 2);
        peer_reset(p);
        cr_expect(FIXTURE_WAIT(c->f, crowd_shard(c, 0)->server.clients.all.count == 0));
        c->holds_still[1] = c->holds_still[2] = false;
        cr_expect(becomes_quiet(c));
    }
    fixture_steps(c->f, 20);
    cr_expect(FIXTURE_WAIT(c->f, far_bytes(c) <= before));
    crowd_close(c);
}

Test(far, calls_of_a_session_are_limited_and_all_are_answered)
{
    enum { COUNT = 3 * FAR_CALLS_MAX + 100 };
    struct crowd *c = crowd_open(2, false, "");
    struct peer *p = peer_connect_served(c->f);
    struct session *session = fixture_last_session(c->f);
    struct wire_text t = { 0 }, expected = { 0 };
    char key[CROWD_KEY_BYTES];
    crowd_key(c, 1, 0, key);
    for (uint32_t i = 1; i <= COUNT; i++) {
        wire_add_request(&t, "INCR %s", key);
        wire_add(&expected, ":%u\r\n", i);
    }
    c->holds_still[1] = true;
    peer_send_text(p, &t);
    cr_expect(FIXTURE_WAIT(c->f, session->far.count == FAR_CALLS_MAX));
    fixture_steps(c->f, 50);
    cr_expect(eq(u64, session->far.count, FAR_CALLS_MAX));
    cr_expect(eq(u64, crowd_shard(c, 0)->far_calls_open, FAR_CALLS_MAX));
    c->holds_still[1] = false;
    cr_expect(peer_got_bytes(p, expected.data, expected.size));
    cr_expect(becomes_quiet(c));
    wire_free(&expected);
    crowd_close(c);
}

Test(far, command_that_closes_the_client_closes_it_after_what_came_before)
{
    struct crowd *c = crowd_open(2, false, "");
    struct peer *p = peer_connect_served(c->f);
    char key[CROWD_KEY_BYTES], lines[100];
    snprintf(lines, sizeof lines, "INCR %s\nQUIT\nINCR %s\n", crowd_key(c, 1, 0, key), key);
    c->holds_still[1] = true;
    peer_say_requests(p, lines);
    fixture_steps(c->f, 20);
    cr_expect(peer_is_quiet(p) && !p->is_ended);
    c->holds_still[1] = false;
    cr_expect(peer_got_last(p, ":1\r\n+OK\r\n"));
    crowd_close(c);
}

// As when the server is stopped: what is lent to another shard is not touched by who closes first.
Test(far, shards_may_close_while_calls_are_under_way)
{
    struct crowd *c = crowd_open(3, false, "");
    struct peer *p = peer_connect_served(c->f), *q = peer_connect_served(c->f);
    char key[CROWD_KEY_BYTES], other[CROWD_KEY_BYTES], lines[300];
    crowd_key(c, 1, 0, key);
    crowd_key(c, 2, 0, other);
    snprintf(lines, sizeof lines,
             "CLIENT SETNAME somebody\nSETRANGE %s 5000 x\nGET %s\nBLPOP %s 0\n", other, other,
             key);
    peer_say_requests(p, lines);
    cr_assert(FIXTURE_WAIT(c->f, crowd_shard(c, 1)->proxies_waiting.count == 1));
    snprintf(lines, sizeof lines, "MSET %s 1 n{%s} 1\nBLPOP l{%s} 0\n", key, other, key);
    peer_say_requests(q, lines);
    c->holds_still[2] = true;
    fixture_steps(c->f, 20);
    crowd_close(c);
}

// ---- what is said without being asked (client-side caching, Redis 7.2)

static const char *invalidated(const char *key)
{
    static char wire[256];
    snprintf(wire, sizeof wire, ">2\r\n$10\r\ninvalidate\r\n*1\r\n$%zu\r\n%.40s\r\n", strlen(key),
             key);
    return wire;
}

// p is the only client of shard 0.
static void track(struct crowd *c, struct peer *p)
{
    struct list_node *first = list_first(&crowd_shard(c, 0)->server.clients.all);
    cr_assert(first != NULL);
    struct client *client = LIST_OWNER(first, struct client, all);
    client->reply.version = 3;
    cr_assert(peer_ask(p, "CLIENT TRACKING ON", "+OK\r\n"));
    fixture_steps(c->f, 10);
}

// p is at home on shard 0, q on shard 1, r on shard 2.
Test(far, invalidation_comes_behind_the_reply_that_it_is_about)
{
    struct crowd *c = crowd_open(3, false, "");
    struct peer *p = peer_connect_served(c->f), *q = peer_connect_served(c->f);
    struct peer *r = peer_connect_served(c->f);
    char key1[CROWD_KEY_BYTES], key2[CROWD_KEY_BYTES], line[200], expected[512];
    crowd_key(c, 1, 0, key1);
    crowd_key(c, 2, 0, key2);
    track(c, p);
    c->holds_still[1] = true;
    snprintf(line, sizeof line, "INCR %s\nGET %s\n", key1, key2);
    peer_say_requests(p, line);
    cr_expect(FIXTURE_WAIT(c->f, crowd_shard(c, 0)->far_calls_open == 1)); // 2 has answered
    snprintf(line, sizeof line, "SET %s x", key2);
    cr_assert(peer_ask(r, line, "+OK\r\n"));
    fixture_steps(c->f, 20);
    cr_expect(peer_is_quiet(p));
    c->holds_still[1] = false;
    snprintf(expected, sizeof expected, ":1\r\n_\r\n%s", invalidated(key2));
    cr_expect(peer_got(p, expected));
    (void)q;
    crowd_close(c);
}

Test(far, invalidation_by_an_own_write_there_comes_behind_its_reply)
{
    struct crowd *c = crowd_open(2, false, "");
    struct peer *p = peer_connect_served(c->f);
    char key[CROWD_KEY_BYTES], line[200], expected[512];
    crowd_key(c, 1, 0, key);
    track(c, p);
    snprintf(line, sizeof line, "GET %s\nSET %s x\n", key, key);
    peer_say_requests(p, line);
    snprintf(expected, sizeof expected, "_\r\n+OK\r\n%s", invalidated(key));
    cr_expect(peer_got(p, expected));
    crowd_close(c);
}
