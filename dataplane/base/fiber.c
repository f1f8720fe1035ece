// Jumps between stacks are what _FORTIFY_SOURCE's longjmp takes for an error.
#undef _FORTIFY_SOURCE
#include "dataplane/base/fiber.h"
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "dataplane/base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define FIBER_TSAN 1
#endif

enum { TRIM_KEEP_BYTES = 64 * 1024 };

struct fiber {
    uint8_t *map; // the guard page, then the stack
    size_t map_bytes, guard_bytes;
    void (*work)(void *argument); // NULL: none is under way
    void *argument;
    bool is_running;
    jmp_buf outside, inside;
#ifdef FIBER_ASAN
    const void *outside_stack; // bounds of the stack that entered last
    size_t outside_bytes;
    void *outside_fake, *inside_fake;
#endif
    void *outside_thread, *inside_thread; // ThreadSanitizer's; NULL without it
};

static uint8_t *stack_of(const struct fiber *f) { return f->map + f->guard_bytes; }
static size_t stack_bytes(const struct fiber *f) { return f->map_bytes - f->guard_bytes; }

// AddressSanitizer is told of every change of stacks: before it, and first thing after it.
#ifdef FIBER_ASAN
void __sanitizer_start_switch_fiber(void **fake_stack, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake_stack, const void **bottom, size_t *size);

static void leave_outside(struct fiber *f)
{
    __sanitizer_start_switch_fiber(&f->outside_fake, stack_of(f), stack_bytes(f));
}
static void arrive_outside(struct fiber *f)
{
    __sanitizer_finish_switch_fiber(f->outside_fake, NULL, NULL);
}
static void leave_inside(struct fiber *f)
{
    __sanitizer_start_switch_fiber(&f->inside_fake, f->outside_stack, f->outside_bytes);
}
static void arrive_inside(struct fiber *f)
{
    __sanitizer_finish_switch_fiber(f->inside_fake, &f->outside_stack, &f->outside_bytes);
}
#else
static void leave_outside(struct fiber *f) {}
static void arrive_outside(struct fiber *f) {}
static void leave_inside(struct fiber *f) {}
static void arrive_inside(struct fiber *f) {}
#endif

// ThreadSanitizer takes each side for a thread of its own, one ordered after the other: it is told
// between setjmp, which belongs to the one, and longjmp, which belongs to the other.
#ifdef FIBER_TSAN
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);

static void thread_open(struct fiber *f) { f->inside_thread = __tsan_create_fiber(0); }
static void thread_close(struct fiber *f)
{
    if (f->inside_thread) __tsan_destroy_fiber(f->inside_thread);
}
static void thread_inside(struct fiber *f)
{
    f->outside_thread = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(f->inside_thread, 0);
}
static void thread_outside(struct fiber *f) { __tsan_switch_to_fiber(f->outside_thread, 0); }
#else
static void thread_open(struct fiber *f) {}
static void thread_close(struct fiber *f) {}
static void thread_inside(struct fiber *f) {}
static void thread_outside(struct fiber *f) {}
#endif

static void switch_to_outside(struct fiber *f)
{
    leave_inside(f);
    if (!_setjmp(f->inside)) {
        thread_outside(f);
        _longjmp(f->outside, 1);
    }
    arrive_inside(f);
}

static void switch_to_inside(struct fiber *f)
{
    leave_outside(f);
    f->is_running = true;
    if (!_setjmp(f->outside)) {
        thread_inside(f);
        _longjmp(f->inside, 1);
    }
    f->is_running = false;
    arrive_outside(f);
}

// The fiber's life: one piece of work after the other. It never returns.
static void live(unsigned high, unsigned low)
{
    struct fiber *f = (struct fiber *)(uintptr_t)((uint64_t)high << 32 | low);
    arrive_inside(f);
    switch_to_outside(f);
    for (;;) {
        f->work(f->argument);
        f->work = NULL;
        switch_to_outside(f);
    }
}

// Runs live() up to its first switch, so that from then on there is something to jump to.
static bool begin_life(struct fiber *f)
{
    ucontext_t inside;
    if (getcontext(&inside) != 0) return false;
    inside.uc_stack.ss_sp = stack_of(f);
    inside.uc_stack.ss_size = stack_bytes(f);
    inside.uc_link = NULL;
    uint64_t address = (uint64_t)(uintptr_t)f;
    makecontext(&inside, (void (*)(void))(uintptr_t)live, 2, (unsigned)(address >> 32),
                (unsigned)address);
    leave_outside(f);
    if (!_setjmp(f->outside)) {
        thread_inside(f);
        setcontext(&inside);
    }
    arrive_outside(f);
    return true;
}

enum status fiber_open(struct fiber **out, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct fiber *f = calloc(1, sizeof *f);
    if (!f) return ERR_NO_SPACE;
    f->guard_bytes = page;
    f->map_bytes = page + (bytes + page - 1) / page * page;
    void *map = mmap(NULL, f->map_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (map == MAP_FAILED) {
        free(f);
        return ERR_NO_SPACE;
    }
    f->map = map;
    thread_open(f);
    // A huge page at the first touch would cost more than all that most work ever touches.
    (void)madvise(map, f->map_bytes, MADV_NOHUGEPAGE);
    if (mprotect(map, page, PROT_NONE) != 0 || !begin_life(f)) {
        fiber_close(f);
        return ERR_NO_SPACE;
    }
    *out = f;
    return OK;
}

void fiber_close(struct fiber *f)
{
    if (!f) return;
    CHECK(!f->work);
    thread_close(f);
    munmap(f->map, f->map_bytes);
    free(f);
}

bool fiber_start(struct fiber *f, void (*work)(void *argument), void *argument)
{
    CHECK(!f->work && !f->is_running);
    f->work = work;
    f->argument = argument;
    switch_to_inside(f);
    return !f->work;
}

bool fiber_enter(struct fiber *f)
{
    CHECK(f->work && !f->is_running);
    switch_to_inside(f);
    return !f->work;
}

void fiber_yield(struct fiber *f)
{
    CHECK(f->work && f->is_running);
    switch_to_outside(f);
}

bool fiber_is_busy(const struct fiber *f) { return f->work; }
bool fiber_is_running(const struct fiber *f) { return f->is_running; }

void fiber_trim(struct fiber *f)
{
    CHECK(!f->work);
    if (stack_bytes(f) > TRIM_KEEP_BYTES)
        madvise(stack_of(f), stack_bytes(f) - TRIM_KEEP_BYTES, MADV_DONTNEED);
}
