// compare.h: the same work on redis-server and on penstock, one server core each, alternating.
//
// Thread:  main
#pragma once
#include "tools/bench/run.h"

enum { COMPARE_ROUNDS_MAX = 1000 };

// Middle of count values (the mean of both middles when even); 0 when there are none. Sorts values.
double compare_median(double *values, uint32_t count);
// Runs it and prints; the process's exit code. json: as report_open_json gave it.
int compare_run(const struct options *o, FILE *json, const volatile sig_atomic_t *stop);
