// A ring port that loops to itself, without hugepages. Each test is a process of its own, as EAL
// starts once per process.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "tests/unit/nic/ring_config.h"

static struct nic_dpdk *nic;
static struct nic_queue *queue;

static enum status open_device(const char *devarg, char *error, uint32_t error_bytes)
{
    char prefix[32];
    const char *devargs[] = { devarg };
    snprintf(prefix, sizeof prefix, "test-nic-%d", (int)getpid());
    struct nic_dpdk_config c = ring_config(devargs, prefix);
    return nic_dpdk_open(&nic, &c, error, error_bytes);
}

static void open_ring(void)
{
    char error[256] = "";
    cr_assert(eq(int, open_device("net_ring0", error, sizeof error), OK), "%s", error);
    queue = nic_dpdk_queue(nic, 0);
}
static void close_ring(void) { nic_dpdk_close(nic); }

TestSuite(nic_dpdk, .init = open_ring, .fini = close_ring, .timeout = 30);

static struct frame *make(const char *text)
{
    struct frame *f = queue->pool->take(queue->pool);
    cr_assert(f != NULL);
    f->size = (uint32_t)strlen(text);
    memcpy(f->data, text, f->size);
    return f;
}
static void give(struct frame *f) { queue->pool->give(queue->pool, f); }

Test(nic_dpdk, says_what_the_port_can_do)
{
    cr_expect(eq(str, (char *)nic_dpdk_driver_name(nic, 0), "net_ring"));
    cr_expect(eq(u32, nic_dpdk_port_count(nic), 1));
    cr_expect(eq(u16, queue->caps.mtu, 1500));
    cr_expect(eq(int, queue->caps.tx_l4_checksum, false));
    cr_expect(eq(u32, queue->caps.tso_bytes_max, 0));
    cr_expect(eq(int, queue->caps.mac[0] & 3, 2)); // a local address, since a ring has none
    cr_expect(ge(u32, queue->pool->payload_bytes, 2048));
    cr_expect(queue->ops->link_is_up(queue));
}

Test(nic_dpdk, hands_out_empty_frames_with_headroom)
{
    struct frame *f = queue->pool->take(queue->pool);
    cr_assert(f != NULL);
    cr_expect(eq(ptr, f->data, f->buffer + FRAME_HEADROOM));
    cr_expect(eq(u32, f->size, 0));
    cr_expect(eq(u32, f->buffer_size, FRAME_HEADROOM + queue->pool->payload_bytes));
    cr_expect(eq(u16, *f->refs, 1));
    cr_expect(frame_push(f, FRAME_HEADROOM));
    cr_expect(eq(int, frame_push(f, 1), false));
    give(f);
}

Test(nic_dpdk, pool_is_bounded_and_gets_everything_back)
{
    struct frame *taken[600];
    uint32_t count = 0, before = queue->pool->available(queue->pool);
    while (count < 600 && (taken[count] = queue->pool->take(queue->pool))) count++;
    cr_expect(le(u32, count, 512));
    cr_expect(ge(u32, count, before));
    cr_expect(eq(u32, queue->pool->available(queue->pool), 0));
    for (uint32_t i = 0; i < count; i++) give(taken[i]);
    cr_expect(ge(u32, queue->pool->available(queue->pool), before));
}

Test(nic_dpdk, slice_holds_the_buffer_it_points_into)
{
    struct frame *body = make("0123456789");
    struct frame *s = queue->pool->slice(queue->pool, body, body->data + 3, 4);
    cr_assert(s != NULL);
    cr_expect(eq(u32, s->size, 4));
    cr_expect(eq(int, memcmp(s->data, "3456", 4), 0));
    cr_expect(eq(int, frame_push(s, 1), false)); // no headroom: those bytes are another's
    cr_expect(eq(u16, *body->refs, 2));
    cr_expect(eq(u16, *s->refs, 1));
    uint16_t *refs = body->refs;
    give(body);
    cr_expect(eq(u16, *refs, 1));
    cr_expect(eq(int, memcmp(s->data, "3456", 4), 0));
    uint32_t before = queue->pool->available(queue->pool);
    give(s);
    cr_expect(eq(u32, queue->pool->available(queue->pool), before + 1));
}

Test(nic_dpdk, slice_of_a_slice_holds_the_same_buffer)
{
    struct frame *body = make("0123456789");
    struct frame *a = queue->pool->slice(queue->pool, body, body->data + 2, 6);
    struct frame *b = queue->pool->slice(queue->pool, a, a->data + 1, 2);
    cr_expect(eq(u16, *body->refs, 3));
    give(a);
    cr_expect(eq(u16, *body->refs, 2));
    cr_expect(eq(int, memcmp(b->data, "34", 2), 0));
    give(b);
    cr_expect(eq(u16, *body->refs, 1));
    give(body);
}

// Sends one frame and returns what comes back.
static struct frame *loop(struct frame *f)
{
    struct frame *got[NIC_BURST];
    cr_assert(eq(u32, nic_tx(queue, &f, 1), 1));
    cr_assert(eq(u32, nic_rx(queue, got, NIC_BURST), 1));
    return got[0];
}

Test(nic_dpdk, delivers_bytes_and_stamps_them)
{
    struct frame *f = make("hello");
    frame_push(f, 2);
    memcpy(f->data, ">>", 2);
    f = loop(f);
    cr_expect(eq(u32, f->size, 7));
    cr_expect(eq(int, memcmp(f->data, ">>hello", 7), 0));
    cr_expect(ne(u64, f->arrival_tsc, 0));
    cr_expect(eq(u32, f->flags, 0)); // nobody verified its checksum, nobody called it bad
    give(f);
    struct frame *none[NIC_BURST];
    cr_expect(eq(u32, nic_rx(queue, none, NIC_BURST), 0));
}

Test(nic_dpdk, delivers_a_chain_as_one_frame)
{
    struct frame *head = make("head "), *body = make("0123456789");
    head->body = queue->pool->slice(queue->pool, body, body->data + 3, 4);
    head->body->body = queue->pool->slice(queue->pool, body, body->data, 2);
    struct frame *f = loop(head);
    cr_expect(eq(u32, f->size, 11));
    cr_expect(eq(int, memcmp(f->data, "head 345601", 11), 0));
    cr_expect(eq(u16, *body->refs, 1)); // both slices were given back
    give(f);
    give(body);
}

// A ring passes pointers: without a copy the receiver would change what the sender still holds.
Test(nic_dpdk, never_lends_a_held_frame_to_a_driver_that_keeps_it)
{
    struct frame *head = make("keep "), *body = make("0123456789");
    head->body = queue->pool->slice(queue->pool, body, body->data, 10);
    frame_hold(head);
    struct frame *got = loop(head);
    cr_expect(got != head);
    cr_expect(eq(int, memcmp(got->data, "keep 0123456789", 15), 0));
    cr_expect(eq(int, frame_is_busy(head), false));
    cr_expect(eq(u16, *head->body->refs, 1));
    frame_hold(head); // it can be sent again
    give(loop(head));
    give(head);
    cr_expect(eq(u16, *body->refs, 1));
    give(got);
    give(body);
}

// When TCP has every frame it waits for ACKs: what it sends and what arrives must not need one of
// its frames.
Test(nic_dpdk, sends_and_receives_when_the_pool_is_spent)
{
    struct frame *taken[512], *head = make("head "), *body = make("0123456789");
    uint32_t count = 0;
    head->body = queue->pool->slice(queue->pool, body, body->data, 10);
    while (count < 512 && (taken[count] = queue->pool->take(queue->pool))) count++;
    cr_assert(eq(u32, queue->pool->available(queue->pool), 0));
    for (uint32_t i = 0; i < 2000; i++) {
        frame_hold(head); // so that the port gets a copy
        struct frame *got = loop(head);
        cr_assert(eq(int, memcmp(got->data, "head 0123456789", 15), 0));
        give(got);
    }
    cr_expect(eq(ptr, queue->pool->take(queue->pool), NULL));
    while (count) give(taken[--count]);
    give(head);
    give(body);
}

Test(nic_dpdk, leaves_what_the_port_refuses_to_the_caller)
{
    struct frame *frames[NIC_BURST], *got[NIC_BURST];
    uint32_t sent = 0, accepted = NIC_BURST, received = 0;
    uint32_t before = queue->pool->available(queue->pool);
    while (accepted == NIC_BURST && sent < 4096) { // until the ring is full, or the pool is spent
        uint32_t count = 0;
        for (; count < NIC_BURST; count++)
            if (!(frames[count] = queue->pool->take(queue->pool))) break;
        for (uint32_t i = 0; i < count; i++) frames[i]->size = 60;
        accepted = nic_tx(queue, frames, count);
        for (uint32_t i = accepted; i < count; i++) give(frames[i]);
        sent += accepted;
    }
    for (uint32_t count; (count = nic_rx(queue, got, NIC_BURST)); received += count)
        for (uint32_t i = 0; i < count; i++) give(got[i]);
    cr_expect(eq(u32, received, sent));
    cr_expect(ge(u32, queue->pool->available(queue->pool), before));
}

Test(nic_dpdk_open, names_the_device_it_cannot_open, .timeout = 30)
{
    char error[256] = "";
    cr_expect(eq(int, open_device("net_af_packet0,iface=no-such-if", error, sizeof error), ERR_IO));
    cr_expect(gt(sz, strlen(error), 0));
    cr_expect(nic == NULL);
}

Test(nic_dpdk_open, refuses_fewer_frames_than_descriptors, .timeout = 30)
{
    char error[256] = "", prefix[32];
    const char *devargs[] = { "net_ring0" };
    snprintf(prefix, sizeof prefix, "test-nic-%d", (int)getpid());
    struct nic_dpdk_config c = ring_config(devargs, prefix);
    c.frame_count = 128;
    cr_expect(eq(int, nic_dpdk_open(&nic, &c, error, sizeof error), ERR_IO));
    cr_expect(strstr(error, "net_ring0") != NULL);
    cr_expect(strstr(error, "64 + 64 descriptors") != NULL, "%s", error);
    cr_expect(strstr(error, "at least 256") != NULL, "%s", error);
}

Test(nic_dpdk_open, takes_as_much_memory_as_the_frames_need, .timeout = 30)
{
    char error[256] = "", prefix[32];
    const char *devargs[] = { "net_ring0" };
    snprintf(prefix, sizeof prefix, "test-nic-%d", (int)getpid());
    struct nic_dpdk_config c = ring_config(devargs, prefix);
    c.memory_mb = 0;
    c.frame_count = 50000;
    c.mtu = 9000;
    cr_expect(eq(int, nic_dpdk_open(&nic, &c, error, sizeof error), OK), "%s", error);
    cr_expect(gt(u32, nic_dpdk_queue(nic, 0)->pool->payload_bytes, 9000));
    nic_dpdk_close(nic);
}

Test(nic_dpdk_open, says_how_much_memory_was_too_little, .timeout = 30)
{
    char error[256] = "", prefix[32];
    const char *devargs[] = { "net_ring0" };
    snprintf(prefix, sizeof prefix, "test-nic-%d", (int)getpid());
    struct nic_dpdk_config c = ring_config(devargs, prefix);
    c.memory_mb = 16;
    c.frame_count = 50000;
    cr_expect(eq(int, nic_dpdk_open(&nic, &c, error, sizeof error), ERR_IO));
    cr_expect(strstr(error, "16 MB") != NULL, "%s", error);
}

Test(nic_dpdk_open, rejects_eal_arguments_it_does_not_know, .timeout = 30)
{
    char error[256] = "", prefix[32];
    const char *devargs[] = { "net_ring0" };
    snprintf(prefix, sizeof prefix, "test-nic-%d", (int)getpid());
    struct nic_dpdk_config c = ring_config(devargs, prefix);
    c.eal_args = "  --no-such-option ";
    cr_expect(eq(int, nic_dpdk_open(&nic, &c, error, sizeof error), ERR_IO));
    cr_expect(gt(sz, strlen(error), 0));
}

// ---- several queue pairs

static void open_shared_ring(uint32_t sharers)
{
    char error[256] = "", prefix[32];
    const char *devargs[] = { "net_ring0" };
    snprintf(prefix, sizeof prefix, "test-nic-%d", (int)getpid());
    struct nic_dpdk_config c = ring_config(devargs, prefix);
    c.sharer_count = sharers;
    c.memory_mb = 0;
    cr_assert(eq(int, nic_dpdk_open(&nic, &c, error, sizeof error), OK), "%s", error);
    queue = nic_dpdk_queue(nic, 0);
}

Test(nic_dpdk_shared, has_a_queue_pair_for_each_sharer, .timeout = 30)
{
    open_shared_ring(3);
    cr_assert(eq(u32, queue->count, 3));
    for (uint32_t i = 0; i < 3; i++) {
        struct nic_queue *q = nic_sibling(queue, i);
        cr_expect(eq(u32, q->index, i));
        cr_expect(eq(int, memcmp(q->caps.mac, queue->caps.mac, 6), 0));
        cr_expect(eq(u32, q->pool->total, 512));
        cr_expect(eq(int, q->caps.keeps_flows, false)); // a virtual port's word is not enough
    }
    nic_dpdk_close(nic);
}

// Rings loop each queue pair to itself.
Test(nic_dpdk_shared, carries_frames_by_each_queue_pair, .timeout = 30)
{
    open_shared_ring(2);
    struct nic_queue *second = nic_sibling(queue, 1);
    struct frame *f = make("of the first pool"), *got[NIC_BURST];
    cr_expect(eq(u32, nic_tx(second, &f, 1), 1));
    cr_expect(eq(u32, nic_rx(queue, got, NIC_BURST), 0));
    cr_assert(eq(u32, nic_rx(second, got, NIC_BURST), 1));
    cr_expect(eq(u32, got[0]->size, strlen("of the first pool")));
    second->pool->give(second->pool, got[0]);
    nic_dpdk_close(nic);
}

Test(nic_dpdk_shared, takes_frames_back_by_any_pool_of_the_port, .timeout = 30)
{
    open_shared_ring(2);
    struct frame_pool *other = nic_sibling(queue, 1)->pool;
    uint32_t before = queue->pool->available(queue->pool);
    struct frame *body = make("0123456789");
    struct frame *slice = other->slice(other, body, body->data + 2, 3);
    cr_assert(slice != NULL);
    cr_expect(eq(int, memcmp(slice->data, "234", 3), 0));
    other->give(other, body);
    other->give(other, slice);
    cr_expect(eq(u32, queue->pool->available(queue->pool), before));
    nic_dpdk_close(nic);
}

// More than the pool's reserve and the threads' caches hold, back and forth between two threads.
enum { CROSSINGS = 20000 };
struct crossing {
    struct frame *slots[64];
    uint32_t put, taken;
};

static void *give_all(void *context)
{
    struct crossing *c = context;
    nic_attach(queue);
    for (uint32_t i = 0; i < CROSSINGS; i++) {
        while (__atomic_load_n(&c->put, __ATOMIC_ACQUIRE) == i) sched_yield();
        queue->pool->give(queue->pool, c->slots[i % 64]);
        __atomic_store_n(&c->taken, i + 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

Test(nic_dpdk_shared, gives_frames_back_in_another_thread_while_this_one_has_them, .timeout = 60)
{
    struct crossing c = { .put = 0 };
    pthread_t thread;
    open_shared_ring(1);
    cr_assert(eq(int, pthread_create(&thread, NULL, give_all, &c), 0));
    for (uint32_t i = 0; i < CROSSINGS; i++) {
        struct frame *f;
        while (i - __atomic_load_n(&c.taken, __ATOMIC_ACQUIRE) == 64) sched_yield();
        while ((f = queue->pool->take(queue->pool)) == NULL) sched_yield();
        frame_hold(f);
        c.slots[i % 64] = f;
        __atomic_store_n(&c.put, i + 1, __ATOMIC_RELEASE);
        if (i % 2)
            while (frame_is_busy(f)) sched_yield();
        queue->pool->give(queue->pool, f);
    }
    pthread_join(thread, NULL);
    cr_expect(gt(u32, queue->pool->available(queue->pool), 0));
    nic_dpdk_close(nic);
}
