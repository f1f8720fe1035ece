#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <sched.h>
#include "dataplane/lane/lane.h"
#include "dataplane/lane/lane_msg.h"

static struct lane lane;

static struct lane_msg numbered(uint64_t n)
{
    return (struct lane_msg){ .kind = LANE_PING, .a = n, .b = ~n };
}

Test(lane, gives_records_back_in_order)
{
    struct lane_msg m;
    for (uint64_t i = 0; i < 10; i++) {
        struct lane_msg sent = numbered(i);
        cr_assert(eq(int, lane_send(&lane, &sent), OK));
    }
    for (uint64_t i = 0; i < 10; i++) {
        cr_assert(lane_receive(&lane, &m));
        cr_expect(eq(u64, m.a, i));
        cr_expect(eq(u64, m.b, ~i));
    }
    cr_expect(not(lane_receive(&lane, &m)));
}

Test(lane, refuses_one_more_than_its_capacity_and_goes_on_after_one_was_read)
{
    struct lane_msg m = numbered(7);
    for (int i = 0; i < LANE_RECORDS; i++) cr_assert(eq(int, lane_send(&lane, &m), OK));
    cr_expect(eq(int, lane_send(&lane, &m), ERR_AGAIN));
    cr_assert(lane_receive(&lane, &m));
    cr_expect(eq(int, lane_send(&lane, &m), OK));
    cr_expect(eq(int, lane_send(&lane, &m), ERR_AGAIN));
}

Test(lane, keeps_working_where_its_positions_wrap_around)
{
    struct lane_msg m;
    lane.head = lane.tail = UINT64_MAX - 3;
    for (uint64_t i = 0; i < 8; i++) {
        struct lane_msg sent = numbered(i);
        cr_assert(eq(int, lane_send(&lane, &sent), OK));
    }
    for (uint64_t i = 0; i < 8; i++) {
        cr_assert(lane_receive(&lane, &m));
        cr_expect(eq(u64, m.a, i));
    }
    cr_expect(not(lane_receive(&lane, &m)));
}

Test(lane, counts_as_empty_when_a_position_is_nonsense_and_then_recovers)
{
    struct lane_msg m = numbered(1);
    lane.head = 1000000;
    lane.tail = 3;
    cr_expect(not(lane_receive(&lane, &m)));
    cr_assert(eq(int, lane_send(&lane, &m), OK));
    cr_expect(lane_receive(&lane, &m));
}

static void *sender(void *context)
{
    for (uint64_t i = 0; i < *(uint64_t *)context;) {
        struct lane_msg m = numbered(i);
        if (lane_send(&lane, &m) == OK)
            i++;
        else
            sched_yield();
    }
    return NULL;
}

Test(lane, carries_records_whole_between_two_threads)
{
    uint64_t count = 200000, wrong = 0;
    pthread_t thread;
    struct lane_msg m;
    cr_assert(zero(int, pthread_create(&thread, NULL, sender, &count)));
    for (uint64_t i = 0; i < count;) {
        if (!lane_receive(&lane, &m)) {
            sched_yield();
            continue;
        }
        wrong += m.a != i || m.b != ~i;
        i++;
    }
    pthread_join(thread, NULL);
    cr_expect(zero(u64, wrong));
}
