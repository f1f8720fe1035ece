// replay.h: a run of a simulation that fails, in whatever way, names the command that replays it.
//
// Thread:  one
// Memory:  nothing to free
// The file that includes it says what stood where, in sim_show. State at file scope: a signal
// handler needs it.
#pragma once
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct sim; // of the including file

// Lines on stderr, each after two spaces.
static void sim_show(const struct sim *sim);

static const char *replay_program; // under tests/sim
static uint64_t replay_seed;       // of the run under way

static inline void replay_say(void)
{
    char line[128];
    int size = snprintf(line, sizeof line, "replay: tests/sim/%s %llu 1\n", replay_program,
                        (unsigned long long)replay_seed);
    if (write(2, line, (size_t)size) < 0) _exit(2);
}

static inline void replay_on_crash(int signal_number)
{
    replay_say();
    _exit(1);
}

// CHECK aborts.
static inline void replay_watch(const char *program)
{
    replay_program = program;
    signal(SIGABRT, replay_on_crash);
    signal(SIGSEGV, replay_on_crash);
}

__attribute__((format(printf, 2, 3), noreturn)) static inline void fail(const struct sim *sim,
                                                                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "seed %llu failed: ", (unsigned long long)replay_seed);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    sim_show(sim);
    replay_say();
    exit(1);
}
