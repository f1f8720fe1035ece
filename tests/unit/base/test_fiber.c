#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dataplane/base/fiber.h"

enum { STACK_BYTES = 256 * 1024 };

struct walk {
    struct fiber *fiber;
    int steps, at;
    uint64_t sum;
};

static void walk_work(void *argument)
{
    struct walk *w = argument;
    uint64_t local[16] = { 0 };
    for (w->at = 0; w->at < w->steps; w->at++) {
        local[w->at % 16] += (uint64_t)w->at;
        fiber_yield(w->fiber);
    }
    for (int i = 0; i < 16; i++) w->sum += local[i];
}

static struct fiber *open_fiber(size_t bytes)
{
    struct fiber *f = NULL;
    cr_assert(eq(int, fiber_open(&f, bytes), OK));
    return f;
}

Test(fiber, runs_work_to_its_end_without_a_yield)
{
    struct walk w = { .fiber = open_fiber(STACK_BYTES), .steps = 0 };
    cr_expect(not(fiber_is_busy(w.fiber)));
    cr_expect(fiber_start(w.fiber, walk_work, &w));
    cr_expect(not(fiber_is_busy(w.fiber)));
    fiber_close(w.fiber);
}

Test(fiber, goes_on_where_it_yielded)
{
    struct walk w = { .fiber = open_fiber(STACK_BYTES), .steps = 3 };
    cr_expect(not(fiber_start(w.fiber, walk_work, &w)));
    cr_expect(fiber_is_busy(w.fiber));
    cr_expect(not(fiber_is_running(w.fiber)));
    cr_expect(eq(int, w.at, 0));
    cr_expect(not(fiber_enter(w.fiber)));
    cr_expect(eq(int, w.at, 1));
    cr_expect(not(fiber_enter(w.fiber)));
    cr_expect(fiber_enter(w.fiber));
    cr_expect(eq(u64, w.sum, 3));
    fiber_close(w.fiber);
}

Test(fiber, switches_a_million_times_and_is_used_again)
{
    enum { TIMES = 100, STEPS = 5000 };
    struct walk w = { .fiber = open_fiber(STACK_BYTES), .steps = STEPS };
    for (int i = 0; i < TIMES; i++) {
        w.sum = 0;
        bool is_done = fiber_start(w.fiber, walk_work, &w);
        while (!is_done) is_done = fiber_enter(w.fiber);
        cr_assert(eq(u64, w.sum, (uint64_t)STEPS * (STEPS - 1) / 2));
    }
    fiber_trim(w.fiber);
    cr_expect(not(fiber_start(w.fiber, walk_work, &w)));
    while (!fiber_enter(w.fiber)) {
    }
    fiber_close(w.fiber);
}

Test(fiber, several_take_turns)
{
    enum { COUNT = 8, STEPS = 100 };
    struct walk w[COUNT];
    int done = 0;
    for (int i = 0; i < COUNT; i++) {
        w[i] = (struct walk){ .fiber = open_fiber(STACK_BYTES), .steps = STEPS + i };
        fiber_start(w[i].fiber, walk_work, &w[i]);
    }
    while (done < COUNT)
        for (int i = 0; i < COUNT; i++)
            if (fiber_is_busy(w[i].fiber)) done += fiber_enter(w[i].fiber);
    for (int i = 0; i < COUNT; i++) {
        cr_expect(eq(int, w[i].at, STEPS + i));
        fiber_close(w[i].fiber);
    }
}

struct depth {
    struct fiber *fiber;
    size_t bytes, reached;
};

static size_t go_deep(struct depth *d, size_t bytes)
{
    volatile char block[4096];
    memset((char *)block, (int)bytes, sizeof block);
    if (bytes <= sizeof block) {
        fiber_yield(d->fiber);
        return sizeof block;
    }
    return go_deep(d, bytes - sizeof block) + (block[7] == (char)bytes ? sizeof block : 0);
}

static void depth_work(void *argument)
{
    struct depth *d = argument;
    d->reached = go_deep(d, d->bytes);
}

Test(fiber, uses_its_stack_nearly_to_the_end)
{
    enum { DEEP = 1024 * 1024 };
    // A sanitizer's frames are larger than their variables.
    struct depth d = { .fiber = open_fiber(4 * DEEP), .bytes = DEEP };
    cr_expect(not(fiber_start(d.fiber, depth_work, &d)));
    cr_expect(fiber_enter(d.fiber));
    cr_expect(eq(sz, d.reached, DEEP));
    fiber_close(d.fiber);
}

static jmp_buf *inner_jump(struct fiber *f)
{
    static _Thread_local jmp_buf jump;
    return &jump;
}

static void error_work(void *argument)
{
    struct walk *w = argument;
    for (int i = 0; i < 1000; i++) {
        if (!_setjmp(*inner_jump(w->fiber))) {
            fiber_yield(w->fiber);
            _longjmp(*inner_jump(w->fiber), 1);
        }
        w->at++;
    }
}

Test(fiber, jumps_within_its_own_stack_as_lua_does)
{
    struct walk w = { .fiber = open_fiber(STACK_BYTES) };
    bool is_done = fiber_start(w.fiber, error_work, &w);
    while (!is_done) is_done = fiber_enter(w.fiber);
    cr_expect(eq(int, w.at, 1000));
    fiber_close(w.fiber);
}

#ifndef PENSTOCK_SLOW_CHECKS // AddressSanitizer reports it in its own way
static void overflow_work(void *argument)
{
    struct depth *d = argument;
    d->reached = go_deep(d, d->bytes);
}

Test(fiber, an_overflow_hits_the_guard_page)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        struct depth d = { .fiber = open_fiber(STACK_BYTES), .bytes = 16 * STACK_BYTES };
        fiber_start(d.fiber, overflow_work, &d);
        _exit(0);
    }
    int state = 0;
    waitpid(child, &state, 0);
    int signal_number = WIFSIGNALED(state) ? WTERMSIG(state) : 0;
    cr_expect(eq(int, signal_number, SIGSEGV));
}
#endif
