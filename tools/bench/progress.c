#include "tools/bench/progress.h"
#include <stdio.h>
#include <unistd.h>

void progress_init(struct progress *p, bool quiet, bool wanted)
{
    *p = (struct progress){ .is_terminal = isatty(STDERR_FILENO) };
    p->is_on = !quiet && (wanted || p->is_terminal);
}

static const char *phase_name(enum load_phase phase)
{
    static const char *const names[] = { "connect", "fill", "warm-up", "measure", "drain", "done" };
    return names[phase];
}

void progress_show(struct progress *p, const struct load *l, uint64_t now_ns)
{
    const struct load_result *r = l->result;
    uint64_t answered = l->phase == LOAD_FILL ? r->filled : r->requests;
    if (p->last_ns && answered >= p->last_answered) {
        double rate = (double)(answered - p->last_answered) * 1e9 / (double)(now_ns - p->last_ns);
        fprintf(stderr, "%s%-8s %9.0f req/s  p50 %.1f  p99 %.1f  max %.1f us  %lu errors%s",
                p->is_terminal ? "\r" : "", phase_name(l->phase), rate,
                (double)histogram_quantile(&r->latency, 0.5) / 1e3,
                (double)histogram_quantile(&r->latency, 0.99) / 1e3, (double)r->latency.max / 1e3,
                (unsigned long)r->errors, p->is_terminal ? "\033[K" : "\n");
    }
    p->last_ns = now_ns;
    p->last_answered = answered;
    p->next_ns = now_ns + PROGRESS_INTERVAL_MS * 1000000ull;
}

void progress_end(struct progress *p)
{
    if (p->is_on && p->is_terminal) fprintf(stderr, "\r\033[K");
}
