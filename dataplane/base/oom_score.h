// oom_score.h: how likely the kernel is to end a process when memory runs out.
//
// Source:  proc(5), /proc/PID/oom_score_adj: -1000 (never) .. 1000 (first)
// Thread:  any; opens a file in /proc
// Memory:  none kept
#pragma once
#include <stdbool.h>
#include <stdint.h>

bool oom_score_read(uint32_t pid, int64_t *score);
bool oom_score_write(uint32_t pid, int64_t score); // clamped; false: errno tells (EACCES: it may
                                                   // not be lowered without the right to)
