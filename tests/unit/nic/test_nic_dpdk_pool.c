// What one thread leaves of a pool for others. Pools beside those of a ring port, which is there
// because EAL starts with one; each test is a process of its own.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>
#include "dataplane/nic/nic_dpdk_priv.h"
#include "tests/unit/nic/ring_config.h"

enum { TOTAL = 2048, CACHE_FULL = 48, ROUNDS = 1000 };

static struct nic_dpdk *nic;
static struct dpdk_pool pool;
static struct frame *taken[TOTAL];
static uint32_t taken_count;
static struct rte_mbuf *received[NIC_BURST];

// A thread that does one thing after the other, when it is told to.
static struct {
    pthread_t thread;
    sem_t begin, end;
    void (*run)(void); // NULL: no more
} other;

static void *other_main(void *context)
{
    (void)context;
    nic_attach(nic_dpdk_queue(nic, 0));
    cr_assert(rte_lcore_id() != LCORE_ID_ANY);
    while (sem_wait(&other.begin) == 0 && other.run) {
        other.run();
        sem_post(&other.end);
    }
    return NULL;
}

static void elsewhere(void (*run)(void))
{
    other.run = run;
    sem_post(&other.begin);
    if (run) sem_wait(&other.end);
}

static void open_pool(struct dpdk_pool *p, uint32_t index, uint32_t user_count)
{
    struct dpdk_pool_sizes sizes = {
        .frame_count = TOTAL, .copy_count = 64, .user_count = user_count, .payload_bytes = 2048
    };
    cr_assert(eq(int, dpdk_pool_open(p, NIC_DPDK_QUEUES_MAX + index, &sizes, SOCKET_ID_ANY), OK));
}

static void start(void)
{
    char error[256] = "", prefix[32];
    const char *devargs[] = { "net_ring0" };
    snprintf(prefix, sizeof prefix, "test-pool-%d", (int)getpid());
    struct nic_dpdk_config c = ring_config(devargs, prefix);
    cr_assert(eq(int, nic_dpdk_open(&nic, &c, error, sizeof error), OK), "%s", error);
    sem_init(&other.begin, 0, 0);
    sem_init(&other.end, 0, 0);
    cr_assert(eq(int, pthread_create(&other.thread, NULL, other_main, NULL), 0));
}

static void stop(void)
{
    elsewhere(NULL);
    pthread_join(other.thread, NULL);
    nic_dpdk_close(nic);
}

TestSuite(nic_dpdk_pool, .init = start, .fini = stop, .timeout = 60);

static void take_all(void)
{
    struct frame *f;
    while ((f = pool.pool.take(&pool.pool)) != NULL) taken[taken_count++] = f;
}

static void give_all(void)
{
    while (taken_count) pool.pool.give(&pool.pool, taken[--taken_count]);
}

static void give_some(void)
{
    for (uint32_t i = 0; i < NIC_BURST && taken_count; i++)
        pool.pool.give(&pool.pool, taken[--taken_count]);
}

static void give_received(void)
{
    for (uint32_t i = 0; i < NIC_BURST; i++) pool.pool.give(&pool.pool, mbuf_frame(received[i]));
}

// A stack with nothing to send, but a full cache, starved another in vain.
Test(nic_dpdk_pool, what_one_thread_gave_back_another_can_take)
{
    open_pool(&pool, 0, 2);
    cr_expect(le(u32, pool.reserve, DPDK_RX_RESERVE + CACHE_FULL));
    elsewhere(take_all);
    cr_expect(ge(u32, taken_count, TOTAL - pool.reserve - CACHE_FULL));
    while (taken_count) {
        elsewhere(give_some);
        uint32_t free_count = TOTAL - taken_count, seen = pool.pool.available(&pool.pool);
        cr_assert(le(u32, free_count, seen + pool.reserve + CACHE_FULL));
    }
    take_all();
    cr_expect(ge(u32, taken_count, TOTAL - pool.reserve - CACHE_FULL));
    cr_expect(eq(u32, pool.pool.available(&pool.pool), 0));
    give_all();
}

// As a driver does, with frames that go to the other thread and are given back there.
Test(nic_dpdk_pool, frames_to_receive_into_are_left_whoever_has_taken_the_others)
{
    open_pool(&pool, 0, 2);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        if (i % 2)
            take_all();
        else
            elsewhere(take_all);
        cr_assert(eq(int, rte_pktmbuf_alloc_bulk(pool.mbufs, received, NIC_BURST), 0), "%u", i);
        elsewhere(give_received);
    }
    give_all();
}

Test(nic_dpdk_pool, frames_of_a_pool_that_a_thread_does_not_use_come_back_at_once)
{
    static struct dpdk_pool first;
    open_pool(&first, 0, 1);
    open_pool(&pool, 1, 1);
    uint32_t before = first.pool.available(&first.pool);
    while (taken_count < 100) taken[taken_count++] = first.pool.take(&first.pool);
    elsewhere(give_all); // by its own pool
    cr_expect(eq(u32, first.pool.available(&first.pool), before));
}
