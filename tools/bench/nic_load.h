// nic_load.h: carries the load over a DPDK port and this project's own TCP, no kernel between.
//
// Thread:  the generator; EAL starts once in a process
// Memory:  EAL's, and the stack's
#pragma once
#include <signal.h>
#include "tools/bench/load.h"
#include "tools/bench/options.h"
#include "tools/bench/progress.h"

struct run_report;
// As sock_load_run; report->transport is filled.
bool nic_load_run(struct load *l, const struct options *o, struct progress *progress,
                  const volatile sig_atomic_t *stop, struct run_report *report, char *error,
                  uint32_t error_bytes);
