// fibers.h: several shards in one thread, each on a stack of its own, so that one that waits for
// another (a rendezvous) lets it go on: whoever yields the processor gives it to the next.
//
// Source:  makecontext(3), sched_yield(2); shard/meeting.c yields while it waits
// Thread:  one
// Memory:  stacks are kept from life to life of the shards; fibers_free
#pragma once
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "dataplane/base/hash.h"
#include "dataplane/shard/shard.h"

enum { FIBERS_MAX = 4, FIBER_STACK_BYTES = 1 << 20 };

struct fiber {
    ucontext_t context;
    uint8_t *stack;
    struct shard *shard;
    bool is_mid_turn;
    void *sanitizer; // what it knows of the stack that is left
};
struct fibers {
    ucontext_t scheduler;
    void *sanitizer;
    const void *scheduler_stack;
    size_t scheduler_bytes;
    struct fiber all[FIBERS_MAX];
    struct fiber *running; // NULL: the scheduler
};
static struct fibers fibers; // a libc's function has to find it

// ---- the address sanitizer is told of every change of stacks

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBERS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define FIBERS_SANITIZED 1
#endif

#ifdef FIBERS_SANITIZED
#include <sanitizer/common_interface_defs.h>
#define FIBER_LEAVE(save, stack, size) __sanitizer_start_switch_fiber(save, stack, size)
#define FIBER_ENTER(save, stack, size) __sanitizer_finish_switch_fiber(save, stack, size)
#else
#define FIBER_LEAVE(save, stack, size) ((void)0)
#define FIBER_ENTER(save, stack, size) ((void)0)
#endif

static void fiber_pause(struct fiber *f)
{
    FIBER_LEAVE(&f->sanitizer, fibers.scheduler_stack, fibers.scheduler_bytes);
    fibers.running = NULL;
    CHECK(swapcontext(&f->context, &fibers.scheduler) == 0);
    FIBER_ENTER(f->sanitizer, &fibers.scheduler_stack, &fibers.scheduler_bytes);
}

static void fiber_resume(struct fiber *f)
{
    fibers.running = f;
    FIBER_LEAVE(&fibers.sanitizer, f->stack, FIBER_STACK_BYTES);
    CHECK(swapcontext(&fibers.scheduler, &f->context) == 0);
    FIBER_ENTER(fibers.sanitizer, NULL, NULL);
}

static void fiber_live(void)
{
    struct fiber *f = fibers.running;
    FIBER_ENTER(NULL, &fibers.scheduler_stack, &fibers.scheduler_bytes);
    for (;;) {
        shard_turn(f->shard);
        f->is_mid_turn = false;
        fiber_pause(f);
    }
}

int sched_yield(void)
{
    if (fibers.running) fiber_pause(fibers.running);
    return 0;
}

static void fibers_begin(struct shard **shards, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct fiber *f = &fibers.all[i];
        if (!f->stack) {
            f->stack = mmap(NULL, FIBER_STACK_BYTES, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            CHECK(f->stack != MAP_FAILED);
        }
        f->shard = shards[i];
        CHECK(getcontext(&f->context) == 0);
        f->context.uc_stack.ss_sp = f->stack;
        f->context.uc_stack.ss_size = FIBER_STACK_BYTES;
        makecontext(&f->context, fiber_live, 0);
    }
}

// A turn of each, in any order, and by pieces where one waits for another; whom it waits for may
// need more of them.
static void fibers_turn(uint32_t count, struct rng *rng)
{
    uint32_t waiting, first = (uint32_t)rng_below(rng, count);
    do {
        waiting = 0;
        for (uint32_t i = 0; i < count; i++) {
            struct fiber *f = &fibers.all[(first + i) % count];
            f->is_mid_turn = true;
            fiber_resume(f);
            waiting += f->is_mid_turn;
        }
    } while (waiting > 0);
}

static void fibers_free(void)
{
    for (uint32_t i = 0; i < FIBERS_MAX; i++)
        if (fibers.all[i].stack) munmap(fibers.all[i].stack, FIBER_STACK_BYTES);
}
