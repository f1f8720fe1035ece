// prefetch.h: asks for a cache line before it is needed.
//
// Thread:  any
// An asm statement, not __builtin_prefetch: GCC 12 takes a function whose only effect is that one
// for one without effect and drops its calls (measured: lookups as slow as without prefetch).
#pragma once
#include <stdint.h>

static inline void prefetch(const void *line)
{
    __asm__ volatile("prefetcht0 %0" : : "m"(*(const char *)line));
}

// An object that may lie across the end of a line, or whose next line is read too. May be NULL.
static inline void prefetch_two(const void *object)
{
    prefetch(object);
    prefetch((const void *)((uintptr_t)object + 64));
}
