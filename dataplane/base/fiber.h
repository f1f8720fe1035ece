// fiber.h: a second C stack on the same thread, for work that has to stop in the middle and go on
// later: a script inside a command of its own.
//
// Source:  makecontext(3) once per fiber; a switch is _setjmp and _longjmp, no system call
// Thread:  the one that opened it
// Memory:  its stack is mapped (pages are touched as they are needed, and stay), with a page below
//          that may not be touched: too deep a recursion is a crash with a report, never a write
//          into something else
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "dataplane/base/status.h"

struct fiber;

// stack_bytes is rounded up to pages. ERR_NO_SPACE: the kernel refuses the memory.
enum status fiber_open(struct fiber **out, size_t stack_bytes) MUST_USE;
void fiber_close(struct fiber *f); // no work is under way; NULL is fine
// Begins a piece of work and runs it on the fiber's stack until it returns (true) or yields
// (false). None is under way. Not from within a fiber.
bool fiber_start(struct fiber *f, void (*work)(void *argument), void *argument);
// Goes on with work that has yielded; likewise.
bool fiber_enter(struct fiber *f);
// From within the work: back to who called fiber_start or fiber_enter; returns when it is entered
// again.
void fiber_yield(struct fiber *f);
bool fiber_is_busy(const struct fiber *f);    // work is under way, be it yielded or running
bool fiber_is_running(const struct fiber *f); // the caller is on its stack
// Gives the pages back that deep work has touched; a system call. No work is under way.
void fiber_trim(struct fiber *f);
