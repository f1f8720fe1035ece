// check.h: CHECK stops the process on a bug, in release builds too. Never for bad input from
// outside.
//
// CHECK_SLOW is for walks over whole structures: compiled in when PENSTOCK_SLOW_CHECKS is defined
// (sanitizer builds).
#pragma once

// Prints "file:line: check failed: text" to stderr and raises SIGABRT, so the crash report shows
// the stack.
__attribute__((noreturn, cold)) void check_failed(const char *file, int line, const char *text);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) check_failed(__FILE__, __LINE__, #condition);       \
    } while (0)

#ifdef PENSTOCK_SLOW_CHECKS
#define CHECK_SLOW(condition) CHECK(condition)
#else
#define CHECK_SLOW(condition) ((void)sizeof(condition))
#endif
