#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dataplane/base/fiber.h"
#include "dataplane/lane/crash.h"

struct shared { // by parent and crashing child
    uint32_t signal, bytes;
    char text[4096];
    char guard[64];
};
static struct shared *shared;
static int report[2];

static void share(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pipe(report) < 0) abort();
}
TestSuite(crash, .init = share);

// Runs die in a child that has the handler installed; the wait status comes back.
static int crash_child(void (*die)(void), size_t capacity)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        static struct crash_options options;
        options = (struct crash_options){ .program = "Test 1.0",
                                          .fd = report[1],
                                          .text = shared->text,
                                          .text_capacity = capacity,
                                          .signal = &shared->signal,
                                          .bytes = &shared->bytes };
        if (crash_install(&options) != OK) _exit(99);
        die();
        _exit(98);
    }
    waitpid(child, &status, 0);
    return status;
}

static void die_by_kill(void) { raise(SIGSEGV); }
static void die_by_abort(void) { abort(); }
static void die_by_store(void)
{
    volatile uintptr_t address = 8; // volatile: the compiler must not see where it leads
    *(volatile int *)address = 1;
}
static volatile int bottom = -1; // never reached
static int deeper(int n)
{
    volatile char frame[512] = { 0 };
    frame[n & 511] = 1;
    return n == bottom ? 0 : deeper(n + 1) + frame[7];
}
static void die_by_overflow(void) { deeper(0); }

static void store_work(void *argument) { die_by_store(); }
static void overflow_work(void *argument) { deeper(0); }
static void die_on_fiber(void (*work)(void *argument))
{
    struct fiber *fiber;
    if (fiber_open(&fiber, 64 * 1024) != OK) _exit(97);
    fiber_start(fiber, work, NULL);
}
static void die_by_store_on_a_fiber(void) { die_on_fiber(store_work); }
static void die_by_overflow_of_a_fiber(void) { die_on_fiber(overflow_work); }

Test(crash, reports_signal_and_stack_to_file_and_memory_and_dies_of_the_signal)
{
    char text[4096] = { 0 };
    int status = crash_child(die_by_kill, sizeof shared->text);
    bool signaled = WIFSIGNALED(status);
    cr_assert(signaled);
    cr_expect(eq(int, WTERMSIG(status), SIGSEGV));
    cr_expect(eq(u32, shared->signal, SIGSEGV));
    cr_expect(strstr(shared->text, "Test 1.0 crashed by signal: 11") != NULL);
    cr_expect(strstr(shared->text, "STACK TRACE") != NULL);
    cr_expect(strstr(shared->text, "Killed by PID: ") != NULL);
    cr_expect(eq(sz, strlen(shared->text), shared->bytes));
    cr_assert(gt(int, (int)read(report[0], text, sizeof text - 1), 0));
    cr_expect(zero(int, strncmp(text, shared->text, shared->bytes)));
}

static void *store_in_thread(void *context)
{
    if (crash_thread_open() != OK || pthread_setname_np(pthread_self(), "shard 7") != 0) _exit(96);
    die_by_store();
    return context;
}
static void die_in_a_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, store_in_thread, NULL) != 0) _exit(97);
    pthread_join(thread, NULL);
}

Test(crash, names_the_thread)
{
    int status = crash_child(die_in_a_thread, sizeof shared->text);
    cr_expect(eq(int, WTERMSIG(status), SIGSEGV));
    cr_expect(strstr(shared->text, ", thread ") != NULL);
    cr_expect(strstr(shared->text, " (shard 7)\n") != NULL);
}

Test(crash, names_the_address_of_a_bad_access)
{
    cr_expect(eq(int, WTERMSIG(crash_child(die_by_store, sizeof shared->text)), SIGSEGV));
    cr_expect(strstr(shared->text, "Accessing address: 0x8\n") != NULL);
}

Test(crash, reports_an_abort)
{
    cr_expect(eq(int, WTERMSIG(crash_child(die_by_abort, sizeof shared->text)), SIGABRT));
    cr_expect(strstr(shared->text, "crashed by signal: 6 (SIGABRT)") != NULL);
}

Test(crash, reports_a_stack_overflow_from_the_stack_of_its_own)
{
    cr_expect(eq(int, WTERMSIG(crash_child(die_by_overflow, sizeof shared->text)), SIGSEGV));
    cr_expect(strstr(shared->text, "STACK TRACE") != NULL);
    cr_expect(gt(u32, shared->bytes, 0));
}

Test(crash, reports_a_crash_on_a_fibers_stack)
{
    cr_expect(
        eq(int, WTERMSIG(crash_child(die_by_store_on_a_fiber, sizeof shared->text)), SIGSEGV));
    cr_expect(strstr(shared->text, "Accessing address: 0x8\n") != NULL);
    cr_expect(strstr(shared->text, "REPORT END") != NULL);
    memset(shared->text, 0, sizeof shared->text);
    int status = crash_child(die_by_overflow_of_a_fiber, sizeof shared->text);
    cr_expect(eq(int, WTERMSIG(status), SIGSEGV));
    cr_expect(strstr(shared->text, "STACK TRACE") != NULL);
}

Test(crash, never_writes_past_the_buffer)
{
    for (size_t capacity = 1; capacity < 200; capacity += 33) {
        memset(shared->text, '#', sizeof shared->text);
        shared->bytes = 0;
        crash_child(die_by_kill, capacity);
        cr_expect(eq(u32, shared->bytes, capacity - 1));
        cr_expect(eq(chr, shared->text[capacity - 1], capacity == 1 ? '#' : '\0'));
        cr_expect(eq(chr, shared->text[capacity], '#'));
    }
}

Test(crash, knows_the_names_of_signals)
{
    cr_expect(eq(str, (char *)crash_signal_name(SIGBUS), "SIGBUS"));
    cr_expect(eq(str, (char *)crash_signal_name(12345), "?"));
}
