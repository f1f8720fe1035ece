#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#include "dataplane/base/waker.h"
#include "dataplane/base/word_ring.h"

enum { FOREVER_MS = 20000 }; // a wake that is lost shows as this

static bool is_readable(const struct waker *w, int wait_ms)
{
    struct pollfd p = { .fd = waker_fd(w), .events = POLLIN };
    return poll(&p, 1, wait_ms) == 1;
}

static bool has_none(void *context) { return false; }
static bool has_some(void *context) { return true; }

Test(waker, writes_nothing_while_the_other_is_awake)
{
    struct waker w;
    cr_assert(eq(int, waker_open(&w), OK));
    for (int i = 0; i < 100; i++) waker_wake(&w);
    cr_expect(not(is_readable(&w, 0)));
    cr_expect(eq(u64, waker_wakes(&w), 0));
    waker_close(&w);
}

Test(waker, writes_once_per_sleep_however_many_wake)
{
    struct waker w;
    uint64_t count = 0;
    cr_assert(eq(int, waker_open(&w), OK));
    for (uint64_t sleep = 1; sleep <= 3; sleep++) {
        cr_assert(waker_prepare_sleep(&w, has_none, NULL));
        for (int i = 0; i < 5; i++) waker_wake(&w);
        cr_expect(is_readable(&w, 0));
        waker_end_sleep(&w);
        cr_assert(eq(int, (int)read(waker_fd(&w), &count, sizeof count), sizeof count));
        cr_expect(eq(u64, count, 1));
        cr_expect(eq(u64, waker_wakes(&w), sleep));
    }
    waker_close(&w);
}

Test(waker, does_not_sleep_when_there_is_work_already)
{
    struct waker w;
    cr_assert(eq(int, waker_open(&w), OK));
    cr_expect(not(waker_prepare_sleep(&w, has_some, NULL)));
    waker_wake(&w);
    cr_expect(not(is_readable(&w, 0)), "awake again: no write");
    waker_close(&w);
}

Test(waker, writes_nothing_after_the_sleep_ended_by_itself)
{
    struct waker w;
    cr_assert(eq(int, waker_open(&w), OK));
    cr_assert(waker_prepare_sleep(&w, has_none, NULL));
    waker_end_sleep(&w);
    waker_wake(&w);
    cr_expect(not(is_readable(&w, 0)));
    waker_close(&w);
}

static bool wakes_and_has_none(void *context)
{
    waker_wake(context);
    return false;
}

Test(waker, is_woken_by_who_comes_while_work_is_being_looked_for)
{
    struct waker w;
    cr_assert(eq(int, waker_open(&w), OK));
    cr_expect(waker_prepare_sleep(&w, wakes_and_has_none, &w));
    cr_expect(is_readable(&w, 0));
    waker_close(&w);
}

Test(waker, reads_its_descriptor_empty)
{
    struct waker w;
    cr_assert(eq(int, waker_open(&w), OK));
    waker_drain(&w); // nothing there: no wait
    cr_assert(waker_prepare_sleep(&w, has_none, NULL));
    waker_wake(&w);
    waker_end_sleep(&w);
    waker_drain(&w);
    cr_expect(not(is_readable(&w, 0)));
    waker_close(&w);
    waker_close(&w); // twice is fine
}

// Threads: every side sleeps whenever it finds nothing, so one lost wake stops all.

enum { SENDERS_MAX = 3 };

struct side {
    struct waker waker;
    struct word_ring *in[SENDERS_MAX];
    uint32_t in_count;
    uint64_t tries, lost; // to sleep; sleeps that nobody ended
};

static void side_open(struct side *s, uint32_t in_count, uint32_t capacity)
{
    *s = (struct side){ .in_count = in_count };
    cr_assert(eq(int, waker_open(&s->waker), OK));
    for (uint32_t i = 0; i < in_count; i++)
        cr_assert(eq(int, word_ring_open(&s->in[i], capacity), OK));
}

static void side_close(struct side *s)
{
    for (uint32_t i = 0; i < s->in_count; i++) word_ring_close(s->in[i]);
    waker_close(&s->waker);
}

static bool side_has_work(void *context)
{
    struct side *s = context;
    for (uint32_t i = 0; i < s->in_count; i++)
        if (!word_ring_is_empty(s->in[i])) return true;
    return false;
}

static void side_sleep(struct side *s)
{
    s->tries++;
    if (!waker_prepare_sleep(&s->waker, side_has_work, s)) return;
    s->lost += !is_readable(&s->waker, FOREVER_MS);
    waker_end_sleep(&s->waker);
    waker_drain(&s->waker);
}

static uint64_t side_take(struct side *s, uint32_t from)
{
    uint64_t word = 0;
    while (word_ring_take(s->in[from], &word, 1) == 0 && s->lost == 0) side_sleep(s);
    return s->lost ? 0 : word;
}

static void side_give(struct side *to, uint32_t as, uint64_t word)
{
    while (word_ring_put(to->in[as], &word, 1) == 0) sched_yield();
    waker_wake(&to->waker);
}

enum { ROUNDS = 30000 };

static void *echo(void *context)
{
    struct side *sides = context;
    for (uint64_t i = 0; i < ROUNDS && sides[1].lost == 0; i++)
        side_give(&sides[0], 0, side_take(&sides[1], 0) + 1);
    return NULL;
}

Test(waker, loses_no_wake_between_two_threads_that_wait_for_each_other, .timeout = 50)
{
    struct side sides[2];
    pthread_t thread;
    uint64_t wrong = 0;
    side_open(&sides[0], 1, 4);
    side_open(&sides[1], 1, 4);
    cr_assert(eq(int, pthread_create(&thread, NULL, echo, sides), 0));
    for (uint64_t i = 0; i < ROUNDS && sides[0].lost == 0; i++) {
        side_give(&sides[1], 0, i);
        wrong += side_take(&sides[0], 0) != i + 1;
    }
    pthread_join(thread, NULL);
    cr_expect(eq(u64, wrong, 0));
    cr_expect(eq(u64, sides[0].lost + sides[1].lost, 0));
    for (int i = 0; i < 2; i++) {
        cr_expect(le(u64, waker_wakes(&sides[i].waker), sides[i].tries));
        side_close(&sides[i]);
    }
}

struct sender {
    struct side *to;
    uint32_t as;
};

enum { SENT = 50000 };

static void *sender(void *context)
{
    const struct sender *s = context;
    for (uint64_t i = 1; i <= SENT; i++) {
        side_give(s->to, s->as, i);
        if (i % 64 == 0) sched_yield(); // lets the sleeper run dry now and then
    }
    return NULL;
}

Test(waker, loses_no_wake_of_several_threads_at_once, .timeout = 50)
{
    struct side to;
    struct sender senders[SENDERS_MAX];
    pthread_t threads[SENDERS_MAX];
    uint64_t last[SENDERS_MAX] = { 0 }, words[16], total = 0, wrong = 0;
    side_open(&to, SENDERS_MAX, 256);
    for (uint32_t i = 0; i < SENDERS_MAX; i++) {
        senders[i] = (struct sender){ .to = &to, .as = i };
        cr_assert(eq(int, pthread_create(&threads[i], NULL, sender, &senders[i]), 0));
    }
    while (total < SENDERS_MAX * SENT && to.lost == 0) {
        uint64_t before = total;
        for (uint32_t i = 0; i < SENDERS_MAX; i++) {
            uint32_t count = word_ring_take(to.in[i], words, 16);
            for (uint32_t k = 0; k < count; k++) wrong += words[k] != ++last[i];
            total += count;
        }
        if (total == before) side_sleep(&to);
    }
    cr_assert(eq(u64, to.lost, 0)); // the senders may hang on a full ring otherwise
    for (uint32_t i = 0; i < SENDERS_MAX; i++) pthread_join(threads[i], NULL);
    cr_expect(eq(u64, wrong, 0));
    cr_expect(le(u64, waker_wakes(&to.waker), to.tries));
    side_close(&to);
}

// The pair of stores and loads itself, without the kernel's long way between two tries: both sides
// meet, one goes to sleep while the other publishes one word and wakes.

enum { MEETINGS = 200000 };

struct meeting {
    struct waker waker;
    uint32_t sleeper_at, other_at; // meetings begun
    uint32_t other_done;
    alignas(128) uint32_t work; // number of the last meeting that has some
    uint32_t now;               // the sleeper's
};

static void wait_for(const uint32_t *word, uint32_t least)
{
    for (uint32_t spins = 1; __atomic_load_n(word, __ATOMIC_ACQUIRE) < least; spins++)
        if (spins % 1000 == 0) sched_yield();
}

static bool meeting_has_work(void *context)
{
    const struct meeting *m = context;
    return __atomic_load_n(&m->work, __ATOMIC_ACQUIRE) == m->now;
}

static void *meet(void *context)
{
    struct meeting *m = context;
    for (uint32_t i = 1; i <= MEETINGS; i++) {
        __atomic_store_n(&m->other_at, i, __ATOMIC_RELEASE);
        wait_for(&m->sleeper_at, i);
        __atomic_store_n(&m->work, i, __ATOMIC_RELEASE);
        waker_wake(&m->waker);
        __atomic_store_n(&m->other_done, i, __ATOMIC_RELEASE);
    }
    return NULL;
}

Test(waker, never_lets_a_sleep_begin_that_neither_side_noticed, .timeout = 50)
{
    static struct meeting m;
    pthread_t thread;
    uint64_t unnoticed = 0;
    cr_assert(eq(int, waker_open(&m.waker), OK));
    cr_assert(eq(int, pthread_create(&thread, NULL, meet, &m), 0));
    for (m.now = 1; m.now <= MEETINGS; m.now++) {
        uint64_t wakes = waker_wakes(&m.waker);
        __atomic_store_n(&m.sleeper_at, m.now, __ATOMIC_RELEASE);
        wait_for(&m.other_at, m.now);
        bool sleeps = waker_prepare_sleep(&m.waker, meeting_has_work, &m);
        wait_for(&m.other_done, m.now);
        unnoticed += sleeps && waker_wakes(&m.waker) == wakes;
        waker_end_sleep(&m.waker);
    }
    pthread_join(thread, NULL);
    cr_expect(eq(u64, unnoticed, 0));
    waker_close(&m.waker);
}
