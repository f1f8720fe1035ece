// run.h: one load run from options to report, whichever transport.
//
// Thread:  main
#pragma once
#include <signal.h>
#include "tools/bench/report.h"

enum { EXIT_GOOD = 0, EXIT_ERRORS = 1, EXIT_USAGE = 2, EXIT_NOT_STARTED = 3 };

// False with *error filled when it did not start, or when o->server_pid, whose processor time is
// taken at the edges of the measured time, was not there. stop: set by a signal handler, ends the
// run early.
bool run_load(const struct options *o, struct run_report *report, const volatile sig_atomic_t *stop,
              char *error, uint32_t error_bytes);
bool run_pin(int64_t core); // this thread; -1: leaves it; false: not possible
