#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <string.h>
#include "dataplane/nic/nic_mem.h"

enum { FRAMES = 64, PAYLOAD = 1900 };

static struct nic_mem *mem;
static struct nic_queue *left, *right;

static void open_with(struct nic_mem_impairment hurt, uint64_t seed)
{
    cr_assert(eq(int, nic_mem_open(&mem, FRAMES, PAYLOAD, 1500, seed, &hurt), OK));
    left = nic_mem_queue(mem, 0);
    right = nic_mem_queue(mem, 1);
}

static void open_clean(void) { open_with((struct nic_mem_impairment){ 0 }, 1); }
static void close_mem(void) { nic_mem_close(mem); }
TestSuite(nic_mem, .init = open_clean, .fini = close_mem);

static struct frame *make(const char *text)
{
    struct frame *f = left->pool->take(left->pool);
    cr_assert(ne(ptr, f, NULL));
    f->size = (uint32_t)strlen(text);
    memcpy(f->data, text, f->size);
    return f;
}

static void send_text(const char *text)
{
    struct frame *f = make(text);
    cr_assert(eq(u32, nic_tx(left, &f, 1), 1));
}

static bool arrived(const char *text)
{
    struct frame *f;
    if (nic_rx(right, &f, 1) == 0) return false;
    bool is_same = f->size == strlen(text) && memcmp(f->data, text, f->size) == 0;
    right->pool->give(right->pool, f);
    return is_same;
}

Test(nic_mem, carries_frames_in_order)
{
    send_text("one");
    send_text("two");
    cr_expect(arrived("one"));
    cr_expect(arrived("two"));
    cr_expect(not(arrived("")));
}

Test(nic_mem, gives_an_empty_frame_with_headroom)
{
    struct frame *f = left->pool->take(left->pool);
    cr_expect(eq(u32, f->size, 0));
    cr_expect(eq(u64, (uint64_t)(f->data - f->buffer), FRAME_HEADROOM));
    cr_expect(frame_push(f, FRAME_HEADROOM));
    cr_expect(not(frame_push(f, 1)));
    left->pool->give(left->pool, f);
}

Test(nic_mem, has_no_more_frames_than_it_was_given)
{
    struct frame *frames[FRAMES];
    for (uint32_t i = 0; i < FRAMES; i++) frames[i] = left->pool->take(left->pool);
    cr_expect(eq(ptr, left->pool->take(left->pool), NULL));
    cr_expect(eq(u32, left->pool->available(left->pool), 0));
    for (uint32_t i = 0; i < FRAMES; i++) left->pool->give(left->pool, frames[i]);
    cr_expect(eq(u32, nic_mem_free_frames(mem, 0), FRAMES));
}

Test(nic_mem, joins_a_chain_and_holds_the_body_of_a_slice)
{
    struct frame *body = make("0123456789"), *head = make("head:");
    head->body = left->pool->slice(left->pool, body, body->data + 3, 4);
    cr_assert(ne(ptr, head->body, NULL));
    cr_expect(frame_is_busy(body));
    cr_assert(eq(u32, nic_tx(left, &head, 1), 1));
    cr_expect(arrived("head:3456"));
    nic_mem_advance(mem, 1); // the port is done
    cr_expect(not(frame_is_busy(body)));
    left->pool->give(left->pool, body);
}

Test(nic_mem, keeps_a_frame_until_it_is_sent)
{
    struct nic_mem_impairment hurt = { .delay_ns = 100 };
    nic_mem_set_impairment(mem, &hurt);
    struct frame *f = make("x");
    frame_hold(f);
    cr_assert(eq(u32, nic_tx(left, &f, 1), 1));
    nic_mem_advance(mem, 99);
    cr_expect(frame_is_busy(f));
    cr_expect(not(arrived("x")));
    cr_expect(eq(u64, nic_mem_next_ns(mem), 100));
    nic_mem_advance(mem, 100);
    cr_expect(not(frame_is_busy(f)));
    cr_expect(arrived("x"));
    left->pool->give(left->pool, f);
}

Test(nic_mem, notices_bytes_that_change_under_the_port, .signal = SIGABRT)
{
    struct frame *f = make("x");
    frame_hold(f);
    nic_tx(left, &f, 1);
    f->data[0] = 'y';
    nic_mem_advance(mem, 1);
}

Test(nic_mem, notices_a_frame_given_twice, .signal = SIGABRT)
{
    struct frame *f = make("x");
    left->pool->give(left->pool, f);
    left->pool->give(left->pool, f);
}

Test(nic_mem, takes_time_for_bits)
{
    struct nic_mem_impairment hurt = { .bits_per_s = 8000000 }; // a byte a microsecond
    nic_mem_set_impairment(mem, &hurt);
    send_text("0123456789");
    send_text("0123456789");
    nic_mem_advance(mem, 10000);
    cr_expect(arrived("0123456789"));
    cr_expect(not(arrived("0123456789")));
    nic_mem_advance(mem, 20000);
    cr_expect(arrived("0123456789"));
}

Test(nic_mem, loses_duplicates_and_corrupts_at_the_rate_asked_for)
{
    struct nic_mem_impairment hurt = { .loss_ppm = 200000,
                                       .duplicate_ppm = 100000,
                                       .corrupt_ppm = 50000 };
    uint32_t whole = 0, broken = 0;
    nic_mem_set_impairment(mem, &hurt);
    for (uint32_t i = 0; i < 10000; i++) {
        struct frame *f;
        send_text("a frame of some length");
        nic_mem_advance(mem, i);
        while (nic_rx(right, &f, 1) == 1) {
            if (memcmp(f->data, "a frame of some length", 22) == 0)
                whole++;
            else
                broken++;
            right->pool->give(right->pool, f);
        }
    }
    cr_expect(whole > 8000 && whole < 8750, "%u", whole); // 11000 x 0.8 x 0.95
    cr_expect(broken > 350 && broken < 530, "%u", broken);
}

Test(nic_mem, reorders)
{
    struct nic_mem_impairment hurt = { .reorder_ppm = 1000000, .reorder_extra_ns = 50 };
    nic_mem_set_impairment(mem, &hurt);
    send_text("late");
    nic_mem_set_impairment(mem, &(struct nic_mem_impairment){ 0 });
    send_text("early");
    nic_mem_advance(mem, 50);
    cr_expect(arrived("early"));
    cr_expect(arrived("late"));
}

Test(nic_mem, replays_from_its_seed)
{
    uint8_t seen[2][64];
    struct nic_mem_impairment hurt = { .loss_ppm = 500000 };
    for (uint32_t run = 0; run < 2; run++) {
        nic_mem_close(mem);
        open_with(hurt, 99);
        for (uint32_t i = 0; i < 64; i++) {
            send_text("x");
            nic_mem_advance(mem, i + 1);
            seen[run][i] = arrived("x");
        }
    }
    cr_expect(eq(int, memcmp(seen[0], seen[1], 64), 0));
}

Test(nic_mem, drops_what_the_receiver_has_no_frame_for)
{
    for (uint32_t i = 0; i < FRAMES; i++) send_text("x");
    nic_mem_advance(mem, 1);
    send_text("y");
    struct frame *frames[FRAMES], *f;
    for (uint32_t i = 0; i < FRAMES; i++) cr_assert(eq(u32, nic_rx(right, &frames[i], 1), 1));
    cr_expect(eq(u32, nic_rx(right, &f, 1), 0));
    for (uint32_t i = 0; i < FRAMES; i++) right->pool->give(right->pool, frames[i]);
    cr_expect(eq(u32, nic_rx(right, &f, 1), 0), "gone");
}

// A TCP segment over IPv4, headers 14 + 20 + 20, cut in three; sums as RFC 1071 has them.
Test(nic_mem, cuts_an_oversized_segment_and_finishes_its_checksums)
{
    struct frame *f = left->pool->take(left->pool), *out;
    uint8_t *ip, *tcp;
    memset(f->data, 0, 54);
    f->size = 54 + 250;
    store_be16(f->data + 12, 0x0800);
    ip = f->data + 14;
    tcp = ip + 20;
    ip[0] = 0x45;
    ip[9] = 6;
    ip[15] = 1;
    ip[19] = 2;
    tcp[12] = 0x50;
    tcp[13] = 0x19; // FIN, PSH, ACK
    store_be32(tcp + 4, 0xffffffd0);
    store_be16(tcp + 16, 1 + 2 + 6); // pseudo-header without the length
    for (uint32_t i = 0; i < 250; i++) tcp[20 + i] = (uint8_t)i;
    f->flags = FRAME_TX_TSO | FRAME_TX_IP_CSUM | FRAME_TX_L4_CSUM;
    f->tso_mss_bytes = 100;
    f->l2_bytes = 14;
    f->l3_bytes = f->l4_bytes = 20;
    cr_assert(eq(u32, nic_tx(left, &f, 1), 1));
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t size = i < 2 ? 100 : 50, sum = 6 + 20 + size;
        cr_assert(eq(u32, nic_rx(right, &out, 1), 1));
        cr_expect(eq(u32, out->size, 54 + size));
        cr_expect(eq(u32, load_be16(out->data + 16), 40 + size));
        cr_expect(eq(u32, load_be32(out->data + 38), 0xffffffd0 + 100 * i));
        cr_expect(eq(u32, out->data[47], i < 2 ? 0x10 : 0x19));
        cr_expect(eq(u32, out->data[54], 100 * i));
        for (uint32_t at = 26; at < out->size; at += 2) sum += load_be16(out->data + at);
        cr_expect(eq(u32, (sum & 0xffff) + (sum >> 16), 0xffff));
        right->pool->give(right->pool, out);
    }
}

// ---- several queues

// A frame of TCP over IPv4 whose remote port is port.
static uint32_t build_tcp(uint8_t frame[64], uint16_t port)
{
    memset(frame, 0, 64);
    frame[12] = 8;
    frame[14] = 0x45;
    frame[23] = 6;
    frame[34] = (uint8_t)(port >> 8);
    frame[35] = (uint8_t)port;
    return 64;
}

// The queue of the right side that the frame with this port comes in on.
static uint32_t queue_of_port(uint32_t count, uint16_t port)
{
    uint8_t bytes[64];
    struct frame *f;
    cr_assert(nic_mem_inject(mem, 1, bytes_make(bytes, build_tcp(bytes, port))));
    for (uint32_t i = 0; i < count; i++) {
        struct nic_queue *q = nic_sibling(right, i);
        if (nic_rx(q, &f, 1) == 0) continue;
        q->pool->give(q->pool, f);
        return i;
    }
    cr_assert(false, "the frame came in on no queue");
    return 0;
}

Test(nic_mem, has_one_queue_unless_asked_for_more)
{
    cr_expect(eq(u32, right->count, 1));
    cr_expect(eq(u32, right->index, 0));
    nic_mem_set_queues(mem, 1, 3, true);
    cr_expect(eq(u32, right->count, 3));
    cr_expect(eq(u32, nic_sibling(right, 2)->index, 2));
    cr_expect(eq(ptr, nic_sibling(nic_sibling(right, 2), 0), right));
    cr_expect(eq(u32, left->count, 1));
}

Test(nic_mem, keeps_connections_on_their_queue_when_it_says_so)
{
    uint32_t counts[3] = { 0 };
    nic_mem_set_queues(mem, 1, 3, true);
    cr_expect(right->caps.keeps_flows);
    for (uint16_t port = 1; port < 200; port++) {
        uint32_t first = queue_of_port(3, port);
        cr_expect(eq(u32, queue_of_port(3, port), first));
        counts[first]++;
    }
    for (uint32_t i = 0; i < 3; i++) cr_expect(gt(u32, counts[i], 30));
}

Test(nic_mem, draws_the_queue_of_each_frame_when_it_promises_nothing)
{
    uint32_t counts[2] = { 0 };
    nic_mem_set_queues(mem, 1, 2, false);
    cr_expect(not(right->caps.keeps_flows));
    for (uint32_t i = 0; i < 200; i++) counts[queue_of_port(2, 1)]++;
    cr_expect(gt(u32, counts[0], 50));
    cr_expect(gt(u32, counts[1], 50));
}

Test(nic_mem, sends_by_each_of_its_queues)
{
    nic_mem_set_queues(mem, 0, 2, false);
    struct frame *f = make("by the second");
    cr_expect(eq(u32, nic_tx(nic_sibling(left, 1), &f, 1), 1));
    cr_expect(arrived("by the second"));
}
