// crash.h: what a process leaves behind when it dies of a bug: signal, registers, stack.
//
// Source:  redis-server's report: tools look for "crashed by signal" and "STACK TRACE"
// Thread:  install once from main; crash_thread_open from every further thread (own signal stack)
// Memory:  the report goes to a descriptor, to a caller's buffer (the region's crash_text), or
// both. Signal handlers cannot be handed an argument, so the module keeps one pointer at file
// scope.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "dataplane/base/status.h"

struct crash_options {
    const char *program; // "Penstock 0.1.0"; borrowed, as all below
    int fd;              // where the report is written; -1: nowhere
    char *text;          // NULL: not kept. NUL-ended, cut at text_capacity
    size_t text_capacity;
    uint32_t *signal; // NULL or set to the signal's number
    uint32_t *bytes;  // NULL or set to the text's length when the text is whole
};

// Handles SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT: writes the report, then dies of the same
// signal. o is borrowed for good. ERR_IO: no memory for it.
enum status crash_install(struct crash_options *o) MUST_USE;
enum status crash_thread_open(void) MUST_USE; // a signal stack for the calling thread

// One log line on the wire's side of a crash: the name of a signal, "?" when unknown.
const char *crash_signal_name(int signal);
