// status.h: the outcomes of a call that can fail, and the attribute that keeps a caller from
// ignoring one.
#pragma once

#define MUST_USE __attribute__((warn_unused_result))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

enum status {
    OK = 0,
    ERR_AGAIN,    // a ring, window or pool is full: keep the input, try next turn
    ERR_NO_SPACE, // a configured budget is spent: answer the client, count it
    ERR_PEER,     // bytes from outside broke a format: drop or close, count it
    ERR_IO,       // the kernel, a disk or a device refused: the caller decides what may go on
};
