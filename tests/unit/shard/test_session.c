#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "tests/unit/shard/fixture.h"

static const struct nic_mem_impairment good_wire = { .delay_ns = 10000 };

// ---- who gets in

static bool is_turned_away(struct peer *p)
{
    return peer_got_last(p, "-ERR max number of clients reached\r\n");
}

Test(session, tells_who_comes_beyond_maxclients_and_closes)
{
    struct fixture *f = fixture_open("maxclients 2");
    struct peer *a = peer_connect(f), *b = peer_connect(f);
    cr_assert(peer_is_served(a) && peer_is_served(b));
    struct peer *c = peer_connect(f);
    cr_assert(is_turned_away(c));
    cr_expect(eq(u64, fixture_tally(f)->connections_rejected, 1));
    cr_expect(eq(u64, fixture_tally(f)->connections_received, 3));
    cr_expect(eq(u64, fixture_client_count(f), 2));
    peer_close(b);
    cr_assert(FIXTURE_WAIT(f, fixture_client_count(f) == 1));
    cr_assert(peer_is_served(peer_connect(f)));
    cr_expect(eq(u64, fixture_tally(f)->connections_rejected, 1));
    fixture_close(f);
}

Test(session, keeps_places_above_maxclients_for_the_unix_socket_alone)
{
    struct fixture *f = fixture_open_unix("maxclients 1\nadmin-reserved-clients 1");
    (void)peer_connect_served(f);
    cr_assert(is_turned_away(peer_connect(f)));
    struct peer *admin = peer_connect_unix(f);
    cr_assert(peer_is_served(admin));
    struct peer *second = peer_connect_unix(f);
    cr_assert(is_turned_away(second));
    // The place is given back, and the one that is left is not an ordinary one.
    peer_close(admin);
    cr_assert(FIXTURE_WAIT(f, fixture_client_count(f) == 1));
    cr_assert(is_turned_away(peer_connect(f)));
    cr_assert(peer_is_served(peer_connect_unix(f)));
    cr_expect(eq(u64, fixture_tally(f)->connections_rejected, 3));
    fixture_close(f);
}

Test(session, lets_the_unix_socket_take_ordinary_places_first)
{
    struct fixture *f = fixture_open_unix("maxclients 2\nadmin-reserved-clients 1");
    struct peer *u = peer_connect_unix(f);
    cr_assert(peer_is_served(u));
    cr_expect(eq(u32, f->shard->admin_client_count, 0));
    cr_assert(peer_is_served(peer_connect(f)));
    cr_assert(is_turned_away(peer_connect(f)));
    cr_assert(peer_is_served(peer_connect_unix(f)));
    cr_expect(eq(u32, f->shard->admin_client_count, 1));
    fixture_close(f);
}

Test(session, in_protected_mode_serves_only_this_machine_until_told_otherwise)
{
    struct fixture *f = fixture_open_nic("", &good_wire, 1);
    struct peer *p = peer_connect(f);
    cr_assert(peer_got(p, "-DENIED Penstock runs in protected mode"));
    cr_assert(FIXTURE_WAIT(f, p->is_ended));
    cr_expect(eq(u64, fixture_tally(f)->connections_rejected, 1));
    cr_expect(eq(u64, fixture_client_count(f), 0));
    f->shard->settings->protected_mode = false;
    cr_assert(peer_is_served(peer_connect(f)));
    fixture_close(f);
}

Test(session, in_protected_mode_serves_everybody_once_there_is_a_password)
{
    struct fixture *f = fixture_open_nic("requirepass secret", &good_wire, 1);
    struct peer *p = peer_connect(f);
    cr_assert(peer_ask(p, "GET k", "-NOAUTH Authentication required.\r\n"));
    cr_assert(peer_ask(p, "AUTH secret", "+OK\r\n"));
    cr_assert(peer_ask(p, "GET k", "$-1\r\n"));
    fixture_close(f);
}

Test(session, in_protected_mode_serves_loopback_and_the_unix_socket)
{
    struct fixture *f = fixture_open_unix("protected-mode yes");
    cr_assert(peer_is_served(peer_connect(f)));
    cr_assert(peer_is_served(peer_connect_unix(f)));
    cr_expect(zero(u64, fixture_tally(f)->connections_rejected));
    fixture_close(f);
}

// ---- requests in pieces

static const char pipeline[] = "PING\r\n"
                               "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$10\r\n01234\r\n789\r\n"
                               "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
                               "\r\n*0\r\n"
                               "*3\r\n$6\r\nAPPEND\r\n$1\r\nk\r\n$0\r\n\r\n"
                               "NOSUCH a\r\n"
                               "STRLEN k\r\n"
                               "*4\r\n$4\r\nMGET\r\n$1\r\nk\r\n$1\r\nx\r\n$1\r\nk\r\n"
                               "ECHO \"a b\"\r\n";
static const char pipeline_replies[] =
    "+PONG\r\n+OK\r\n$10\r\n01234\r\n789\r\n:10\r\n"
    "-ERR unknown command 'NOSUCH', with args beginning with: 'a' \r\n:10\r\n"
    "*3\r\n$10\r\n01234\r\n789\r\n$-1\r\n$10\r\n01234\r\n789\r\n$3\r\na b\r\n";

Test(session, replies_in_order_wherever_a_pipeline_is_split)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    size_t size = sizeof pipeline - 1;
    for (size_t cut = 0; cut <= size; cut++) {
        peer_send(p, pipeline, cut);
        fixture_steps(f, 2);
        peer_send(p, pipeline + cut, size - cut);
        cr_assert(peer_got(p, pipeline_replies), "split at %zu", cut);
        cr_assert(peer_is_quiet(p));
    }
    fixture_close(f);
}

Test(session, replies_in_order_to_single_bytes)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    for (size_t i = 0; i < sizeof pipeline - 1; i++) {
        peer_send(p, pipeline + i, 1);
        fixture_steps(f, 2);
    }
    cr_assert(peer_got(p, pipeline_replies));
    cr_assert(peer_is_quiet(p));
    cr_expect(ge(u64, fixture_tally(f)->reads_processed, (uint64_t)sizeof pipeline / 2));
    fixture_close(f);
}

Test(session, replies_in_order_to_single_bytes_in_packets)
{
    struct fixture *f = fixture_open_nic("protected-mode no", &good_wire, 1);
    struct peer *p = peer_connect(f);
    for (uint32_t round = 1; round < 5; round++) {
        for (size_t i = 0; i < sizeof pipeline - 1; i += round) {
            size_t left = sizeof pipeline - 1 - i;
            peer_send(p, pipeline + i, left < round ? left : round);
            fixture_step(f);
        }
        cr_assert(peer_got(p, pipeline_replies));
    }
    cr_assert(peer_is_quiet(p));
    fixture_close(f);
}

Test(session, counts_bytes_both_ways)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect_served(f);
    cr_expect(eq(u64, fixture_tally(f)->net_input_bytes, 6));
    cr_expect(eq(u64, fixture_tally(f)->net_output_bytes, 7));
    cr_expect(eq(u64, fixture_tally(f)->sent_client_bytes, 7));
    cr_assert(peer_ask(p, "ECHO 1234", "$4\r\n1234\r\n"));
    cr_expect(eq(u64, fixture_tally(f)->net_input_bytes, 17));
    cr_expect(eq(u64, fixture_tally(f)->net_output_bytes, 17));
    cr_expect(eq(u64, fixture_last_session(f)->client.input_bytes, 17));
    cr_expect(eq(u64, fixture_last_session(f)->client.output_bytes, 17));
    fixture_close(f);
}

// ---- what ends a connection

Test(session, answers_what_came_before_a_protocol_error_then_the_error_then_nothing)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f), *q = peer_connect(f);
    struct wire_text t = { 0 };
    wire_add_request(&t, "PING");
    wire_add_request(&t, "SET a 1");
    wire_add(&t, "*1\r\n!4\r\n");
    wire_add_request(&t, "SET b 1");
    peer_send_text(p, &t);
    cr_assert(peer_got_last(p, "+PONG\r\n+OK\r\n-ERR Protocol error: expected '$', got '!'\r\n"));
    cr_assert(peer_ask(q, "EXISTS a b", ":1\r\n"));
    cr_expect(eq(u64, fixture_tally(f)->protocol_errors, 1));
    cr_expect(eq(u64, fixture_client_count(f), 1));
    fixture_close(f);
}

Test(session, runs_nothing_that_comes_after_a_protocol_error)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f), *q = peer_connect(f);
    peer_say(p, "*-x\r\n");
    cr_assert(peer_got(p, "-ERR Protocol error: invalid multibulk length\r\n"));
    (void)peer_push(p, "SET b 1\r\n", 9);
    cr_assert(peer_got_cut(p));
    cr_assert(peer_ask(q, "EXISTS b", ":0\r\n"));
    fixture_close(f);
}

Test(session, runs_nothing_after_quit)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f), *q = peer_connect(f);
    peer_say_requests(p, "PING\nQUIT\nSET b 1\nPING\n");
    cr_assert(peer_got_last(p, "+PONG\r\n+OK\r\n"));
    cr_assert(peer_ask(q, "EXISTS b", ":0\r\n"));
    cr_expect(eq(u64, fixture_client_count(f), 1));
    fixture_close(f);
}

Test(session, says_nothing_of_broken_bytes_after_quit)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    peer_say(p, "*1\r\n$4\r\nQUIT\r\n*1\r\n!4\r\n");
    cr_assert(peer_got_last(p, "+OK\r\n"));
    cr_expect(zero(u64, fixture_tally(f)->protocol_errors));
    fixture_close(f);
}

Test(session, answers_all_of_a_pipeline_when_the_peer_has_ended_its_side)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    struct wire_text requests = { 0 }, replies = { 0 };
    char value[2000];
    memset(value, 'v', sizeof value);
    for (uint32_t i = 0; i < 3000; i++) {
        wire_add(&requests, "*2\r\n$4\r\nECHO\r\n");
        wire_add_bulk(&requests, value, sizeof value);
        wire_add_bulk(&replies, value, sizeof value);
    }
    peer_send_text(p, &requests);
    peer_say(p, "*2\r\n$4\r\nECHO\r\n$10\r\nunfinis");
    peer_shut(p);
    cr_assert(peer_got_bytes(p, replies.data, replies.size));
    cr_assert(peer_got_end(p));
    cr_assert(FIXTURE_WAIT(f, fixture_client_count(f) == 0));
    wire_free(&replies);
    fixture_close(f);
}

Test(session, answers_all_of_a_pipeline_when_the_end_comes_over_a_nic)
{
    struct fixture *f = fixture_open_nic("protected-mode no", &good_wire, 3);
    struct peer *p = peer_connect(f);
    struct wire_text requests = { 0 }, replies = { 0 };
    for (uint32_t i = 0; i < 1000; i++) {
        wire_add_request(&requests, "SET k value-%u", i);
        wire_add_request(&requests, "GET k");
        wire_add(&replies, "+OK\r\n$%d\r\nvalue-%u\r\n", 7 + (i > 9) + (i > 99), i);
    }
    peer_send_text(p, &requests);
    peer_shut(p);
    cr_assert(peer_got_bytes(p, replies.data, replies.size));
    cr_assert(peer_got_end(p));
    cr_assert(FIXTURE_WAIT(f, fixture_client_count(f) == 0));
    wire_free(&replies);
    fixture_close(f);
}

Test(session, runs_what_a_peer_sent_before_it_reset_the_connection)
{
    struct fixture *f = fixture_open_nic("protected-mode no", &good_wire, 3);
    struct peer *p = peer_connect(f), *q = peer_connect(f);
    peer_say(p, "SET a 1\r\nSET b 1\r\n*3\r\n$3\r\nSET\r\n$5\r\nab");
    fixture_steps(f, 3);
    p->stream->ops->abort(p->stream);
    cr_assert(FIXTURE_WAIT(f, fixture_client_count(f) == 1));
    cr_assert(peer_ask(q, "EXISTS a b", ":2\r\n"));
    fixture_close(f);
}

// ---- authentication

static void add_mset(struct wire_text *t, uint32_t pairs)
{
    wire_add(t, "*%u\r\n$4\r\nMSET\r\n", 1 + 2 * pairs);
    for (uint32_t i = 0; i < pairs; i++) wire_add(t, "$4\r\nk%03u\r\n$1\r\nv\r\n", i);
}

Test(session, may_send_more_arguments_in_the_packet_that_authenticates)
{
    struct fixture *f = fixture_open("requirepass secret");
    struct peer *p = peer_connect(f);
    struct wire_text t = { 0 };
    wire_add_request(&t, "GET k");
    wire_add_request(&t, "AUTH secret");
    add_mset(&t, 6);
    add_mset(&t, 300);
    wire_add_request(&t, "GET k299");
    peer_send_text(p, &t);
    cr_assert(peer_got(p, "-NOAUTH Authentication required.\r\n+OK\r\n+OK\r\n+OK\r\n$1\r\nv\r\n"));
    fixture_close(f);
}

Test(session, may_not_send_many_or_big_arguments_before_it_is_authenticated)
{
    struct fixture *f = fixture_open("requirepass secret");
    struct peer *p = peer_connect(f), *q = peer_connect(f);
    struct wire_text t = { 0 };
    wire_add_request(&t, "AUTH wrong");
    add_mset(&t, 5);
    peer_send_text(p, &t);
    cr_assert(peer_got_last(p, "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
                               "-ERR Protocol error: unauthenticated multibulk length\r\n"));
    peer_say(q, "*2\r\n$4\r\nECHO\r\n$16385\r\n");
    cr_assert(peer_got_last(q, "-ERR Protocol error: unauthenticated bulk length\r\n"));
    fixture_close(f);
}

// ---- CLIENT KILL

Test(session, killed_by_another_runs_nothing_more_of_the_same_batch)
{
    struct fixture *f = fixture_open_nic("protected-mode no", &good_wire, 5);
    struct peer *a = peer_connect(f), *b = peer_connect(f);
    char line[64];
    cr_assert(peer_is_served(b));
    uint64_t b_id = fixture_last_session(f)->client.id;
    // Both packets are in one burst, so both requests are in one batch.
    snprintf(line, sizeof line, "CLIENT KILL ID %lu\n", (unsigned long)b_id);
    peer_say_requests(a, line);
    peer_say_requests(b, "SET x 1\nPING\n");
    cr_assert(peer_got(a, ":1\r\n"));
    cr_assert(peer_got_cut(b));
    cr_expect(peer_is_quiet(b));
    cr_assert(peer_ask(a, "EXISTS x", ":0\r\n"));
    cr_expect(eq(u64, fixture_client_count(f), 1));
    fixture_close(f);
}

Test(session, killed_while_idle_is_closed_in_order)
{
    struct fixture *f = fixture_open("");
    struct peer *a = peer_connect(f), *b;
    cr_assert(peer_is_served(a));
    b = peer_connect(f);
    cr_assert(peer_ask(b, "CLIENT ID", ":2\r\n"));
    cr_assert(peer_ask(a, "CLIENT KILL ID 2", ":1\r\n"));
    cr_assert(peer_got_end(b));
    cr_assert(peer_ask(a, "CLIENT KILL ID 2", ":0\r\n"));
    fixture_close(f);
}

Test(session, killing_itself_gets_its_reply_and_runs_nothing_more)
{
    struct fixture *f = fixture_open("");
    struct peer *a = peer_connect(f), *b = peer_connect(f);
    peer_say_requests(a, "CLIENT KILL ID 1 SKIPME no\nSET x 1\n");
    cr_assert(peer_got_last(a, ":1\r\n"));
    cr_assert(peer_ask(b, "EXISTS x", ":0\r\n"));
    fixture_close(f);
}

// ---- limits

static void set_value(struct peer *p, const char *key, size_t size)
{
    struct wire_text t = { 0 };
    char *value = malloc(size);
    memset(value, 'x', size);
    wire_add(&t, "*3\r\n$3\r\nSET\r\n");
    wire_add_bulk(&t, key, strlen(key));
    wire_add_bulk(&t, value, size);
    peer_send_text(p, &t);
    cr_assert(peer_got(p, "+OK\r\n"));
    free(value);
}

Test(session, above_the_hard_output_limit_is_closed_before_its_pipeline_has_run)
{
    struct fixture *f = fixture_open("client-output-buffer-limit normal 1mb 0 0");
    struct peer *p = peer_connect(f), *q = peer_connect(f);
    set_value(q, "k", 100000);
    struct wire_text t = { 0 };
    for (uint32_t i = 0; i < 200; i++) wire_add_request(&t, "GET k");
    wire_add_request(&t, "SET after 1");
    p->is_deaf = true;
    peer_send_text(p, &t);
    cr_assert(FIXTURE_WAIT(f, fixture_client_count(f) == 1));
    cr_expect(eq(u64, fixture_tally(f)->output_limit_disconnections, 1));
    cr_assert(peer_ask(q, "EXISTS after", ":0\r\n"));
    // 11 replies of 100 kB pass 1 MB; the other 189 GETs were not run.
    const struct command *get = command_find(BYTES_LITERAL("get"));
    cr_expect(le(u64, fixture_tally(f)->commands[get->id].calls, 12));
    p->is_deaf = false;
    cr_assert(peer_got_cut(p));
    fixture_close(f);
}

Test(session, above_the_hard_output_limit_by_replies_of_many_turns_is_closed)
{
    struct fixture *f = fixture_open_nic("protected-mode no\n"
                                         "nic-send-buffer 16384\n"
                                         "client-output-buffer-limit normal 300kb 0 0",
                                         &good_wire, 5);
    struct peer *p = peer_connect(f), *q = peer_connect(f);
    set_value(q, "k", 50000);
    p->stream->ops->pause(p->stream, true);
    for (uint32_t i = 0; i < 40 && fixture_client_count(f) == 2; i++) {
        peer_say(p, "GET k\r\n");
        fixture_steps(f, 5);
    }
    cr_expect(eq(u64, fixture_client_count(f), 1));
    cr_expect(eq(u64, fixture_tally(f)->output_limit_disconnections, 1));
    cr_assert(peer_is_served(q));
    fixture_close(f);
}

// 20 MB that the peer does not read are more than the kernel takes.
static struct session *owe_much(struct fixture *f, struct peer *p, struct peer *q)
{
    struct session *session;
    set_value(q, "k", 20 << 20);
    session = fixture_last_session(f);
    p->is_deaf = true;
    peer_say(p, "GET k\r\n");
    fixture_steps(f, 50);
    return session;
}

// What others do is sent to it: that limit is the one of pub/sub, and meets nobody else.
Test(session, a_monitor_that_does_not_read_is_closed_alone)
{
    struct fixture *f = fixture_open_nic("protected-mode no\n"
                                         "nic-send-buffer 16384\n"
                                         "client-output-buffer-limit pubsub 300kb 0 0",
                                         &good_wire, 6);
    struct peer *p = peer_connect(f), *q = peer_connect(f), *r = peer_connect_served(f);
    cr_assert(peer_ask(p, "MONITOR", "+OK\r\n"));
    cr_assert(peer_ask(r, "MONITOR", "+OK\r\n"));
    p->stream->ops->pause(p->stream, true);
    for (uint32_t i = 0; i < 40 && fixture_client_count(f) == 3; i++) {
        set_value(q, "k", 20000);
        fixture_steps(f, 5);
    }
    cr_expect(eq(u64, fixture_client_count(f), 2));
    cr_expect(eq(u64, fixture_tally(f)->output_limit_disconnections, 1));
    cr_assert(peer_is_served(q));
    cr_expect(gt(sz, r->size, 300000));
    fixture_close(f);
}

Test(session, above_the_soft_output_limit_is_closed_after_its_seconds)
{
    struct fixture *f = fixture_open("client-output-buffer-limit normal 0 1mb 2");
    struct peer *q = peer_connect_served(f);
    struct peer *p = peer_connect_served(f);
    struct session *session = owe_much(f, p, q);
    cr_assert(eq(u64, fixture_client_count(f), 2));
    cr_assert(session->soft_limit_since_ms != 0);
    session->soft_limit_since_ms -= 1500; // rather than waiting
    for (uint32_t i = 0; i < 3; i++) shard_cron(f->shard);
    fixture_step(f);
    cr_assert(eq(u64, fixture_client_count(f), 2));
    session->soft_limit_since_ms -= 600;
    shard_cron(f->shard);
    cr_assert(FIXTURE_WAIT(f, fixture_client_count(f) == 1));
    cr_expect(eq(u64, fixture_tally(f)->output_limit_disconnections, 1));
    fixture_close(f);
}

Test(session, that_reads_in_time_stays_whatever_it_owed)
{
    struct fixture *f = fixture_open("client-output-buffer-limit normal 0 1mb 2");
    struct peer *q = peer_connect_served(f);
    struct peer *p = peer_connect_served(f);
    struct session *session = owe_much(f, p, q);
    cr_assert(session->soft_limit_since_ms != 0);
    p->is_deaf = false;
    cr_assert(FIXTURE_WAIT(f, p->size - p->taken == (20 << 20) + 13));
    p->taken = p->size;
    fixture_steps(f, 20);
    shard_cron(f->shard);
    cr_expect(zero(u64, session->soft_limit_since_ms));
    cr_assert(peer_is_served(p));
    cr_expect(ge(u64, session->client.output_peak_bytes, 15 << 20));
    cr_expect(zero(u64, fixture_tally(f)->output_limit_disconnections));
    fixture_close(f);
}

Test(session, above_the_query_buffer_limit_is_closed_without_a_word)
{
    struct fixture *f = fixture_open("client-query-buffer-limit 1mb");
    struct peer *p = peer_connect(f), *q = peer_connect(f);
    size_t size = 3 << 20;
    char *value = calloc(1, size);
    peer_say(p, "PING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3145728\r\n");
    cr_assert(peer_got(p, "+PONG\r\n"));
    peer_send(p, value, size);
    cr_assert(peer_got_cut(p));
    cr_expect(peer_is_quiet(p));
    cr_expect(eq(u64, fixture_tally(f)->query_limit_disconnections, 1));
    peer_say_requests(q, "EXISTS k\n");
    cr_assert(peer_got(q, ":0\r\n"));
    cr_assert(FIXTURE_WAIT(f, fixture_client_count(f) == 1));
    cr_expect(zero(u64, f->shard->heap.bytes[HEAP_CLIENT_IN]));
    free(value);
    fixture_close(f);
}

Test(session, that_is_idle_for_longer_than_timeout_is_closed)
{
    struct fixture *f = fixture_open("timeout 5");
    struct peer *p = peer_connect(f), *q;
    cr_assert(peer_is_served(p));
    struct session *idle = fixture_last_session(f);
    q = peer_connect_served(f);
    idle->client.last_command_ms -= 4500; // rather than waiting
    shard_cron(f->shard);
    fixture_step(f);
    cr_assert(eq(u64, fixture_client_count(f), 2));
    idle->client.last_command_ms -= 1000;
    shard_cron(f->shard);
    cr_assert(peer_got_end(p));
    cr_expect(eq(u64, fixture_tally(f)->timeout_disconnections, 1));
    cr_assert(peer_is_served(q));
    fixture_close(f);
}

Test(session, without_a_timeout_may_be_idle_for_ever)
{
    struct fixture *f = fixture_open("timeout 0");
    struct peer *p = peer_connect_served(f);
    fixture_last_session(f)->client.last_command_ms = 1;
    shard_cron(f->shard);
    cr_assert(peer_is_served(p));
    fixture_close(f);
}

// ---- memory

Test(session, gives_back_all_that_it_cost)
{
    struct fixture *f = fixture_open("");
    struct heap *heap = &f->shard->heap;
    (void)peer_connect_served(f);
    uint64_t in = heap->bytes[HEAP_CLIENT_IN], session = heap->bytes[HEAP_SESSION];
    uint64_t dataset = heap->bytes[HEAP_DATASET];
    struct peer *peers[40];
    for (uint32_t i = 0; i < 40; i++) {
        peers[i] = peer_connect(f);
        cr_assert(peer_ask(peers[i], "CLIENT SETNAME somebody", "+OK\r\n"));
        cr_assert(peer_ask(peers[i], "CLIENT SETINFO lib-name library", "+OK\r\n"));
        peer_say(peers[i], "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$200000\r\nbegins");
    }
    fixture_steps(f, 20);
    cr_expect(gt(u64, heap->bytes[HEAP_CLIENT_IN], in));
    cr_expect(ge(u64, heap->bytes[HEAP_SESSION], session + 40 * sizeof(struct session)));
    for (uint32_t i = 0; i < 40; i++) peer_close(peers[i]);
    cr_assert(FIXTURE_WAIT(f, fixture_client_count(f) == 1));
    cr_expect(eq(u64, heap->bytes[HEAP_CLIENT_IN], in));
    cr_expect(eq(u64, heap->bytes[HEAP_SESSION], session));
    cr_expect(eq(u64, heap->bytes[HEAP_DATASET], dataset));
    fixture_close(f);
}
