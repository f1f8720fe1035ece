// Several shards at one port in memory, turned by hand one after the other; a single stack with all
// clients at the wire's other end.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "dataplane/net/flow.h"
#include "dataplane/net/ip_priv.h"
#include "dataplane/shard/ferry.h"
#include "dataplane/shard/mesh.h"
#include "tests/unit/shard/fixture.h"

enum { SHARDS_MAX = 4, POOL_FRAMES = 8192 };
#define DIRECTIVES FIXTURE_NIC_DIRECTIVES "protected-mode no\n"

static const struct nic_mem_impairment clean = { .delay_ns = 1000 };
static struct fixture *f;
static struct hub *hub;
static struct shard *shards[SHARDS_MAX];
static uint32_t shard_count;
static bool stands_still[SHARDS_MAX];

static void turn_others(struct fixture *fixture)
{
    for (uint32_t i = 1; i < shard_count; i++)
        if (!stands_still[i]) shard_turn(shards[i]);
}

static void open_member(uint32_t index)
{
    char error[512];
    struct shard_config config = { .settings = fixture_settings(f, DIRECTIVES),
                                   .region = &f->region,
                                   .bell = &f->bell,
                                   .clock = &f->clock,
                                   .nic = nic_mem_queue(f->wire, 0),
                                   .hub = hub,
                                   .index = index,
                                   .count = shard_count };
    cr_assert(eq(int, shard_open(&shards[index], &config, error, sizeof error), OK), "%s", error);
}

static void open_hurt(uint32_t count, uint32_t queues, bool keeps_flows,
                      const struct nic_mem_impairment *hurt)
{
    shard_count = count;
    cr_assert(eq(int, hub_open(&hub, count), OK));
    f = fixture_new_of(count);
    f->hub = hub;
    fixture_add_wire(f, hurt, 7, POOL_FRAMES);
    nic_mem_set_queues(f->wire, 0, queues, keeps_flows);
    cr_assert(eq(int, fixture_try_open(f, DIRECTIVES), OK), "%s", f->error);
    shards[0] = f->shard;
    for (uint32_t i = 1; i < count; i++) open_member(i);
    for (uint32_t i = 0; i < count; i++) cr_assert(eq(int, shard_join(shards[i]), OK));
    f->turn_others = turn_others;
}
static void open_port(uint32_t count, uint32_t queues, bool keeps_flows)
{
    open_hurt(count, queues, keeps_flows, &clean);
}

// nic_mem_close, in the end, fails when a frame was lost on its way.
static void close_all(void)
{
    for (uint32_t i = 1; i < shard_count; i++) shard_close(shards[i]);
    fixture_close(f);
    hub_close(hub);
}
TestSuite(ferry, .fini = close_all, .timeout = 60);

static uint64_t clients_of(uint32_t index) { return shards[index]->server.clients.all.count; }
static struct net_tally *net_of(uint32_t index) { return &shards[index]->server.tally->net; }

// A peer whose connection shard index has.
static struct peer *connect_to(uint32_t index)
{
    for (;;) {
        uint64_t before = clients_of(index);
        struct peer *p = peer_connect_served(f);
        if (clients_of(index) > before) return p;
    }
}

static void serve_many(uint32_t count)
{
    struct peer *peers[64];
    for (uint32_t i = 0; i < count; i++) peers[i] = peer_connect_served(f);
    for (uint32_t i = 0; i < count; i++) {
        char request[64], reply[64];
        snprintf(request, sizeof request, "SET key:%u value:%u", i, i);
        cr_expect(peer_ask(peers[i], request, "+OK\r\n"));
        snprintf(request, sizeof request, "GET key:%u", i);
        snprintf(reply, sizeof reply, "$%d\r\nvalue:%u\r\n", i < 10 ? 7 : 8, i);
        cr_expect(peer_ask(peers[count - 1 - i], request, reply));
    }
}

static void expect_spread_without_strays(void)
{
    for (uint32_t i = 0; i < shard_count; i++) {
        cr_expect(gt(u64, clients_of(i), 0), "shard %u has no client", i);
        cr_expect(eq(u64, net_of(i)->drop_tcp_no_connection, 0));
        cr_expect(eq(u64, net_of(i)->tcp_resets_out, 0));
    }
}

Test(ferry, serves_on_all_shards_by_one_queue_pair)
{
    open_port(3, 1, false);
    cr_expect(shards[0]->nic && !shards[1]->nic && !shards[2]->nic);
    serve_many(60);
    expect_spread_without_strays();
    cr_expect(gt(u32, shards[0]->ferry.given[2].in, 0));
    cr_expect(gt(u32, shards[2]->ferry.given[0].out, 0));
}

Test(ferry, gathers_connections_whose_frames_come_in_on_any_queue)
{
    open_port(3, 3, false);
    serve_many(60);
    expect_spread_without_strays();
    cr_expect(gt(u32, shards[2]->ferry.given[1].in, 0));
    for (uint32_t i = 0; i < 3; i++) cr_expect(eq(u32, shards[i]->ferry.given[0].out, 0));
}

Test(ferry, shares_queue_pairs_that_are_fewer_than_shards)
{
    open_port(4, 2, false);
    serve_many(64);
    expect_spread_without_strays();
    cr_expect(gt(u32, shards[2]->ferry.given[0].out, 0));
    cr_expect(gt(u32, shards[3]->ferry.given[1].out, 0));
    cr_expect(eq(u32, shards[3]->ferry.given[0].out, 0));
}

Test(ferry, leaves_connections_where_a_port_that_keeps_them_together_brings_them)
{
    open_port(3, 3, true);
    serve_many(60);
    expect_spread_without_strays();
    struct ferry_given all = { 0 };
    for (uint32_t i = 0; i < 9; i++) {
        all.in += shards[i / 3]->ferry.given[i % 3].in;
        all.out += shards[i / 3]->ferry.given[i % 3].out;
    }
    cr_expect(eq(u32, all.out, 0));
    cr_expect(le(u32, all.in, 8)); // copies of what ARP said
}

Test(ferry, carries_large_values_both_ways_over_a_wire_that_hurts)
{
    enum { BYTES = 300000 };
    static uint8_t value[BYTES];
    struct nic_mem_impairment hurt = { .loss_ppm = 20000,
                                       .duplicate_ppm = 5000,
                                       .reorder_ppm = 20000,
                                       .reorder_extra_ns = 300000,
                                       .delay_ns = 50000 };
    open_hurt(3, 2, false, &hurt);
    for (uint32_t i = 0; i < BYTES; i++) value[i] = (uint8_t)(i * 2654435761u >> 24);
    for (uint32_t i = 0; i < 3; i++) {
        struct peer *p = connect_to(i);
        for (uint32_t key = 0; key < 4; key++) {
            struct wire_text t = { 0 }, reply = { 0 };
            wire_add(&t, "*3\r\n$3\r\nSET\r\n$2\r\nk%u\r\n", key);
            wire_add_bulk(&t, value, BYTES);
            wire_add(&t, "*2\r\n$3\r\nGET\r\n$2\r\nk%u\r\n", key);
            wire_add(&reply, "+OK\r\n");
            wire_add_bulk(&reply, value, BYTES);
            peer_send_text(p, &t);
            cr_expect(peer_got_bytes(p, reply.data, reply.size));
            wire_free(&reply);
        }
    }
    expect_spread_without_strays();
}

// ---- what every stack must hear

static const uint8_t asker[4] = { 10, 0, 0, 77 };

static void ask_by_arp(void)
{
    uint8_t frame[60] = { 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 77, 8, 6,
                          0,   1,   8,   0,   6,   4,   0, 1, 2, 0, 0, 0,  0, 77 };
    memcpy(frame + 28, asker, 4);
    memcpy(frame + 38, (const uint8_t[4]){ 10, 0, 0, 1 }, 4);
    cr_assert(nic_mem_inject(f->wire, 0, bytes_make(frame, sizeof frame)));
}

Test(ferry, lets_every_stack_learn_a_neighbour_and_one_answer_it)
{
    for (uint32_t queues = 1; queues <= 3; queues += 2) {
        uint64_t answers = 0;
        uint8_t ip[16];
        open_port(3, queues, queues == 3);
        ask_by_arp();
        fixture_steps(f, 4);
        ip_map_v4(ip, asker);
        for (uint32_t i = 0; i < 3; i++) {
            cr_expect(neighbour_find(shards[i]->net, ip) != NULL, "shard %u", i);
            answers += net_of(i)->arp_replies;
        }
        cr_expect(eq(u64, answers, 1));
        if (queues == 1) close_all();
    }
}

// ---- bounds

// Segments of connections that nobody has, all for shard index.
static void inject_segments(uint32_t index, uint32_t count)
{
    uint8_t bytes[60] = { 2, 0, 0,  0,    0,         1,         2,        0,           0,   0,  0,
                          2, 8, 0,  0x45, [17] = 40, [22] = 64, [23] = 6, 10,          0,   10, 0,
                          0, 2, 10, 0,    0,         1,         [36] = 9, [46] = 0x50, 0x04 };
    for (uint16_t port = 1; count; port++) {
        struct frame frame = { .buffer = bytes, .data = bytes, .size = sizeof bytes };
        bytes[24] = bytes[25] = 0;
        store_be16(bytes + 34, port);
        struct flow flow = flow_of(&frame);
        cr_assert(eq(int, flow.kind, FLOW_TCP));
        if (flow_choose(&flow, &hub->node.hash_key, shard_count) != index) continue;
        cr_assert(nic_mem_inject(f->wire, 0, bytes_make(bytes, sizeof bytes)));
        count--;
    }
}

Test(ferry, drops_what_a_shard_that_is_behind_has_no_room_for)
{
    open_port(2, 1, false);
    uint32_t window = shards[0]->ferry.window;
    stands_still[1] = true;
    inject_segments(1, window + 100);
    fixture_steps(f, 20);
    cr_expect(eq(u32, shards[0]->ferry.given[1].in, window));
    cr_expect(eq(u64, net_of(0)->drop_no_buffer, 100));
    cr_expect(mesh_has_input(shards[1])); // or it would sleep
    stands_still[1] = false;
    fixture_steps(f, 20);
    cr_expect(eq(u64, net_of(1)->rx_frames, window));
    cr_expect(eq(u32, shards[1]->ferry.ledger.done[0].in, window));
    inject_segments(1, 10); // there is room again
    fixture_steps(f, 4);
    cr_expect(eq(u64, net_of(1)->rx_frames, window + 10));
}

struct counted {
    struct mesh_note note;
    uint32_t *count;
};
static void run_counted(struct shard *s, struct mesh_note *note)
{
    (void)s;
    ++*((struct counted *)note)->count;
}

// A connection whose ACKs came after all replies to its shard lost them, or waited for seconds.
Test(ferry, brings_frames_before_the_words_of_the_mesh_that_a_turn_leaves)
{
    open_port(2, 1, false);
    stands_still[1] = true;
    uint32_t words = 3 * SHARD_MESH_BUDGET, done = 0;
    for (uint32_t i = 0; i < words; i++) {
        struct counted *n = mesh_note_new(sizeof *n, run_counted);
        n->count = &done;
        mesh_send_note(shards[0], 1, &n->note);
    }
    inject_segments(1, 5);
    fixture_steps(f, 4);
    shard_turn(shards[1]);
    cr_expect(eq(u64, net_of(1)->rx_frames, 5));
    cr_expect(all(gt(u32, done, 0), lt(u32, done, words)));
}

Test(ferry, keeps_output_with_its_stack_while_the_sender_is_behind)
{
    open_port(2, 1, false);
    struct peer *peers[40];
    for (uint32_t i = 0; i < 40; i++) peers[i] = connect_to(1);
    uint32_t before = shards[1]->ferry.given[0].out;
    // ACKs of the peers' stack arrive at shard 0, which stands still: each sends its window only.
    shards[1]->ferry.window = 8;
    for (uint32_t i = 0; i < 40; i++) peer_say(peers[i], "PING\r\n");
    host_turn(f);
    fixture_move_time(f, 2000);
    struct frame *frames[NIC_BURST];
    for (uint32_t count; (count = nic_rx(shards[0]->nic, frames, NIC_BURST)) > 0;)
        cr_assert(eq(u32, ferry_sort(shards[0], frames, count), 0));
    for (uint32_t i = 0; i < 20; i++) shard_turn(shards[1]);
    cr_expect(eq(u32, shards[1]->ferry.given[0].out - before, 8));
    cr_expect(gt(u64, net_of(1)->tx_refused, 0));
    for (uint32_t i = 0; i < 40; i++) cr_expect(peer_got(peers[i], "+PONG\r\n"));
    cr_expect(eq(u64, net_of(1)->tcp_retransmits, 0));
}

// ---- the end

Test(ferry, loses_no_frame_when_all_stop_with_some_under_way)
{
    open_port(3, 1, false);
    struct peer *p = connect_to(2);
    peer_say(p, "PING\r\n");
    host_turn(f);
    fixture_move_time(f, 2000);
    stands_still[1] = stands_still[2] = true;
    inject_segments(1, 20);
    fixture_steps(f, 2);
    shard_turn(shards[2]); // its answer waits for shard 0
    ferry_poll(shards[0]);
    inject_segments(2, 20);
    fixture_steps(f, 1);
}

Test(ferry, is_over_when_all_shards_have_said_everything)
{
    open_port(3, 1, false);
    cr_expect(not(ferry_is_over(shards[0])));
    cr_expect(not(ferry_is_over(shards[0])));
    cr_expect(not(ferry_is_over(shards[2])));
    cr_expect(ferry_is_over(shards[1]));
    cr_expect(ferry_is_over(shards[0]));
}
