#include "dataplane/base/wheel.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include "dataplane/base/hash.h"
#include "tests/unit/seed.h"

enum { TIMERS = 600, FIRED_MAX = 4096 };

struct log {
    struct wheel_timer *fired[FIRED_MAX];
    uint64_t at[FIRED_MAX];
    uint32_t count;
    struct wheel *wheel;
};

static void record(void *context, struct wheel_timer *t)
{
    struct log *l = context;
    cr_assert(!wheel_is_armed(t));
    cr_assert_lt(l->count, FIRED_MAX);
    l->at[l->count] = l->wheel->now;
    l->fired[l->count++] = t;
}

static struct wheel *wheel_make(uint64_t now)
{
    struct wheel *w = malloc(sizeof(*w));
    wheel_init(w, now);
    return w;
}

Test(wheel, fires_at_its_tick_and_not_before)
{
    static const uint64_t distances[] = { 1,
                                          2,
                                          254,
                                          255,
                                          256,
                                          257,
                                          511,
                                          512,
                                          65535,
                                          65536,
                                          65537,
                                          (1 << 24) - 1,
                                          1 << 24,
                                          1ULL << 32,
                                          (1ULL << 40) - 1,
                                          1ULL << 40,
                                          (1ULL << 40) + 1,
                                          3ULL << 41,
                                          1ULL << 60 };
    static const uint64_t starts[] = {
        0, 1, 255, 256, 65535, 1700000000000, (1ULL << 40) - 1, 1ULL << 40
    };
    for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
        for (size_t i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
            struct wheel *w = wheel_make(starts[s]);
            struct log l = { .wheel = w };
            struct wheel_timer t = { 0 };
            uint64_t deadline = starts[s] + distances[i];
            wheel_arm(w, &t, deadline);
            cr_assert_leq(wheel_next(w), deadline);
            wheel_advance(w, deadline - 1, UINT32_MAX, record, &l);
            cr_assert_eq(l.count, 0);
            cr_assert_eq(w->now, deadline - 1);
            cr_assert_eq(wheel_next(w), deadline);
            wheel_advance(w, deadline, UINT32_MAX, record, &l);
            cr_assert_eq(l.count, 1);
            cr_assert_eq(w->armed_count, 0);
            cr_assert_eq(wheel_next(w), UINT64_MAX);
            free(w);
        }
    }
}

Test(wheel, deadline_in_the_past_fires_at_the_next_advance)
{
    struct wheel *w = wheel_make(1000);
    struct log l = { .wheel = w };
    struct wheel_timer past = { 0 }, now = { 0 };
    wheel_arm(w, &past, 0);
    wheel_arm(w, &now, 1000);
    cr_assert_eq(wheel_next(w), 1000);
    wheel_advance(w, 1000, 10, record, &l);
    cr_assert_eq(l.count, 2);
    cr_assert_eq(l.fired[0], &past);
    free(w);
}

Test(wheel, time_never_goes_backwards)
{
    struct wheel *w = wheel_make(1000);
    struct log l = { .wheel = w };
    wheel_advance(w, 10, 10, record, &l);
    cr_assert_eq(w->now, 1000);
    free(w);
}

Test(wheel, the_last_tick_of_all_can_be_armed)
{
    struct wheel *w = wheel_make(UINT64_MAX - (3ULL << 40));
    struct log l = { .wheel = w };
    struct wheel_timer t = { 0 };
    wheel_arm(w, &t, UINT64_MAX);
    wheel_advance(w, UINT64_MAX - 1, 10, record, &l);
    cr_assert_eq(l.count, 0);
    wheel_advance(w, UINT64_MAX, 10, record, &l);
    cr_assert_eq(l.count, 1);
    free(w);
}

Test(wheel, cancel_of_an_unarmed_timer_does_nothing)
{
    struct wheel *w = wheel_make(0);
    struct wheel_timer t = { 0 };
    wheel_cancel(w, &t);
    wheel_arm(w, &t, 7);
    wheel_cancel(w, &t);
    wheel_cancel(w, &t);
    cr_assert_eq(w->armed_count, 0);
    cr_assert_eq(wheel_next(w), UINT64_MAX);
    free(w);
}

// Empty time is skipped: a jump over years costs no more than one over a tick.
Test(wheel, a_huge_jump_is_cheap)
{
    struct wheel *w = wheel_make(0);
    struct log l = { .wheel = w };
    struct wheel_timer t = { 0 };
    wheel_arm(w, &t, 1ULL << 50);
    uint32_t work = wheel_advance(w, (1ULL << 50) + 5, 4000, record, &l);
    cr_assert_eq(l.count, 1);
    cr_assert_lt(work, 1100); // looked at once per 2^40 ticks
    wheel_arm(w, &t, w->now + 1000000000);
    work = wheel_advance(w, w->now + 2000000000, 4000, record, &l);
    cr_assert_eq(l.count, 2);
    cr_assert_lt(work, 10);
    free(w);
}

Test(wheel, the_budget_bounds_moves_down_too)
{
    struct wheel *w = wheel_make(0);
    struct log l = { .wheel = w };
    static struct wheel_timer timers[1000];
    for (int i = 0; i < 1000; i++) wheel_arm(w, &timers[i], 70000);
    uint32_t calls = 0;
    while (l.count < 1000) {
        uint32_t before = l.count;
        cr_assert_eq(wheel_advance(w, 70000, 10, record, &l), 10);
        cr_assert_leq(l.count - before, 10);
        cr_assert_lt(++calls, 1000);
    }
    cr_assert_eq(wheel_advance(w, 70000, 10, record, &l), 0);
    cr_assert_eq(w->now, 70000);
    free(w);
}

Test(wheel, a_moved_timer_still_fires_and_cancels)
{
    struct wheel *w = wheel_make(0);
    struct log l = { .wheel = w };
    struct wheel_timer first = { 0 }, second = { 0 }, third = { 0 }, elsewhere;
    wheel_arm(w, &first, 10);
    wheel_arm(w, &second, 10);
    wheel_arm(w, &third, 10);
    elsewhere = second;
    memset(&second, 0xee, sizeof(second));
    wheel_moved(&elsewhere);
    struct wheel_timer again = first;
    memset(&first, 0xee, sizeof(first));
    wheel_moved(&again);
    wheel_cancel(w, &again);
    wheel_advance(w, 10, 10, record, &l);
    cr_assert_eq(l.count, 2);
    cr_assert_eq(l.fired[0], &elsewhere);
    cr_assert_eq(l.fired[1], &third);
    free(w);
}

struct rearm {
    struct wheel *wheel;
    struct wheel_timer *victim;
    uint32_t fired;
    uint64_t delay;
};

static void fire_and_rearm(void *context, struct wheel_timer *t)
{
    struct rearm *r = context;
    r->fired++;
    if (r->victim) wheel_cancel(r->wheel, r->victim);
    wheel_arm(r->wheel, t, r->wheel->now + r->delay);
}

Test(wheel, fire_may_arm_itself_again)
{
    struct wheel *w = wheel_make(0);
    struct wheel_timer t = { 0 };
    struct rearm r = { .wheel = w, .delay = 10 };
    wheel_arm(w, &t, 10);
    wheel_advance(w, 1000, UINT32_MAX, fire_and_rearm, &r);
    cr_assert_eq(r.fired, 100);
    free(w);
}

Test(wheel, a_timer_that_arms_itself_for_now_fires_once_per_advance)
{
    struct wheel *w = wheel_make(0);
    struct wheel_timer t = { 0 };
    struct rearm r = { .wheel = w, .delay = 0 };
    wheel_arm(w, &t, 1);
    for (uint32_t i = 1; i <= 5; i++) {
        wheel_advance(w, 1, 100, fire_and_rearm, &r);
        cr_assert_eq(r.fired, i);
    }
    free(w);
}

Test(wheel, fire_may_cancel_its_neighbour_of_the_same_tick)
{
    struct wheel *w = wheel_make(0);
    struct wheel_timer a = { 0 }, b = { 0 };
    wheel_arm(w, &a, 300);
    wheel_arm(w, &b, 300);
    struct rearm r = { .wheel = w, .victim = &b, .delay = 1000 };
    wheel_advance(w, 300, 100, fire_and_rearm, &r);
    cr_assert_eq(r.fired, 1);
    cr_assert(!wheel_is_armed(&b));
    cr_assert_eq(w->armed_count, 1);
    free(w);
}

// The model: a plain list of what is armed, searched from end to end.
struct model_timer {
    struct wheel_timer timer;
    bool armed, late;
    uint64_t deadline;
};

struct model {
    struct wheel *wheel;
    struct rng rng;
    struct model_timer timers[TIMERS];
    uint64_t armed_count, target, last_tick, seed;
    uint32_t fired;
    bool last_late; // the last one fired was armed for the past
};

static uint64_t random_deadline(struct model *m)
{
    uint64_t span = 1ULL << rng_below(&m->rng, 44);
    uint64_t distance = rng_below(&m->rng, span);
    if (rng_below(&m->rng, 10) == 0 && distance <= m->wheel->now) return m->wheel->now - distance;
    return m->wheel->now + distance;
}

static void model_arm(struct model *m, struct model_timer *t)
{
    t->deadline = random_deadline(m);
    t->armed = true;
    t->late = t->deadline <= m->wheel->now;
    m->armed_count++;
    wheel_arm(m->wheel, &t->timer, t->deadline);
}

static void model_cancel(struct model *m, struct model_timer *t)
{
    t->armed = false;
    m->armed_count--;
    wheel_cancel(m->wheel, &t->timer);
}

static void model_poke(struct model *m)
{
    struct model_timer *t = &m->timers[rng_below(&m->rng, TIMERS)];
    if (t->armed)
        model_cancel(m, t);
    else
        model_arm(m, t);
}

static void model_fire(void *context, struct wheel_timer *timer)
{
    struct model *m = context;
    struct model_timer *t = (struct model_timer *)timer;
    cr_assert(t->armed, "seed %lu: fired what was not armed", m->seed);
    cr_assert_leq(t->deadline, m->target, "seed %lu: fired early", m->seed);
    if (!t->late) {
        cr_assert_eq(t->deadline, m->wheel->now, "seed %lu: fired off its tick", m->seed);
        cr_assert_geq(t->deadline, m->last_tick, "seed %lu: out of order", m->seed);
        m->last_tick = t->deadline;
    }
    t->armed = false;
    m->armed_count--;
    m->fired++;
    if (rng_below(&m->rng, 3) == 0) model_poke(m);
    if (rng_below(&m->rng, 4) == 0 && !t->armed) model_arm(m, t);
}

static void model_check(struct model *m, bool finished)
{
    uint64_t earliest = UINT64_MAX, now = m->wheel->now;
    for (int i = 0; i < TIMERS; i++) {
        struct model_timer *t = &m->timers[i];
        cr_assert_eq(wheel_is_armed(&t->timer), t->armed, "seed %lu", m->seed);
        if (!t->armed) continue;
        uint64_t effective = t->deadline < now ? now : t->deadline;
        if (effective < earliest) earliest = effective;
        if (finished && !t->late) cr_assert_gt(t->deadline, now, "seed %lu: missed", m->seed);
    }
    cr_assert_eq(m->wheel->armed_count, m->armed_count, "seed %lu", m->seed);
    uint64_t next = wheel_next(m->wheel);
    cr_assert_leq(next, earliest, "seed %lu: next is too late", m->seed);
    cr_assert_eq(next == UINT64_MAX, m->armed_count == 0, "seed %lu", m->seed);
    if (finished && earliest - now < WHEEL_SLOTS && earliest >> 8 == now >> 8)
        cr_assert_eq(next, earliest, "seed %lu: next is not exact", m->seed);
}

// One advance to a random target, cut into calls by a random budget, with pokes between them.
static void model_round(struct model *m)
{
    static const uint32_t budgets[] = { 1, 2, 7, 100, UINT32_MAX };
    uint32_t budget = budgets[rng_below(&m->rng, 5)];
    m->target = m->wheel->now + rng_below(&m->rng, 1ULL << rng_below(&m->rng, 43));
    m->last_tick = 0;
    for (uint32_t calls = 0;; calls++) {
        cr_assert_lt(calls, 200000, "seed %lu: does not end", m->seed);
        uint32_t before = m->fired;
        uint32_t work = wheel_advance(m->wheel, m->target, budget, model_fire, m);
        cr_assert_leq(work, budget, "seed %lu: over budget", m->seed);
        cr_assert_leq(m->fired - before, work, "seed %lu", m->seed);
        if (work < budget) break;
        if (rng_below(&m->rng, 20) == 0) model_poke(m);
    }
    cr_assert_eq(m->wheel->now, m->target, "seed %lu", m->seed);
    model_check(m, true);
}

Test(wheel, agrees_with_a_plain_list)
{
    uint64_t first = seed_from_environment();
    cr_log_info("seed %lu", first);
    for (uint64_t seed = first; seed < first + 40; seed++) {
        struct model *m = calloc(1, sizeof(*m));
        m->seed = seed;
        rng_seed(&m->rng, seed);
        static const uint64_t starts[] = { 0, 200, 1700000000000, (1ULL << 40) - 3 };
        m->wheel = wheel_make(starts[seed % 4]);
        for (int round = 0; round < 60; round++) {
            for (uint64_t n = rng_below(&m->rng, 200); n > 0; n--) model_poke(m);
            model_check(m, false);
            model_round(m);
        }
        free(m->wheel);
        free(m);
    }
}
