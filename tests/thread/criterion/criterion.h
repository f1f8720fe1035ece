// criterion.h: the part of Criterion that the tests of several threads use, for builds under
// ThreadSanitizer: Criterion's own runner needs addresses that the sanitizer keeps for itself.
//
// Thread:  the tests of a program run one after the other in one process; a false cr_assert ends it
// Output:  TAP. A name as the only argument runs that test alone
// One source file per program.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREAD_TESTS_MAX = 64 };

struct thread_test {
    const char *name;
    void (*run)(void);
};
static struct thread_test thread_tests[THREAD_TESTS_MAX];
static uint32_t thread_test_count;
static bool thread_test_failed;

static inline void thread_test_add(const char *name, void (*run)(void))
{
    if (thread_test_count == THREAD_TESTS_MAX) abort();
    thread_tests[thread_test_count++] = (struct thread_test){ name, run };
}

static inline bool thread_test_check(bool is_true, const char *text, const char *file, int line)
{
    if (is_true) return true;
    printf("# %s:%d: %s\n", file, line, text);
    thread_test_failed = true;
    return false;
}

#define Test(suite, name, ...)                                                                     \
    static void suite##_##name(void);                                                              \
    __attribute__((constructor)) static void suite##_##name##_add(void)                            \
    {                                                                                              \
        thread_test_add(#suite "/" #name, suite##_##name);                                         \
    }                                                                                              \
    static void suite##_##name(void)

#define cr_expect(condition, ...)                                                                  \
    ((void)thread_test_check((condition), #condition, __FILE__, __LINE__))
#define cr_assert(condition, ...)                                                                  \
    ((void)(thread_test_check((condition), #condition, __FILE__, __LINE__) || (exit(1), 0)))

int main(int argc, char **argv)
{
    bool any_failed = false;
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("1..%u\n", argc > 1 ? 1 : thread_test_count);
    for (uint32_t i = 0; i < thread_test_count; i++) {
        if (argc > 1 && strcmp(argv[1], thread_tests[i].name) != 0) continue;
        thread_test_failed = false;
        thread_tests[i].run();
        any_failed |= thread_test_failed;
        printf("%s %u - %s\n", thread_test_failed ? "not ok" : "ok", i + 1, thread_tests[i].name);
    }
    return any_failed;
}
