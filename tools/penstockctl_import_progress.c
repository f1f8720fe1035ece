#include "tools/penstockctl_import_progress.h"
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include "tools/penstockctl_print.h"

enum { BAR_CELLS = 24 };
static const double terminal_interval_s = 0.1, line_interval_s = 5;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void progress_begin(struct progress *p, const char *what, const char *items_name,
                    uint64_t total_bytes)
{
    *p = (struct progress){ .what = what,
                            .items_name = items_name,
                            .total_bytes = total_bytes,
                            .is_terminal = isatty(STDERR_FILENO) };
    p->began_s = p->told_s = now_s();
}

double progress_seconds(const struct progress *p) { return now_s() - p->began_s; }

static double share(const struct progress *p)
{
    double done = p->total_bytes ? (double)p->done_bytes / (double)p->total_bytes : 0;
    return done > 1 ? 1 : done;
}

static void put_bar(double done)
{
    char bar[BAR_CELLS + 1];
    for (int i = 0; i < BAR_CELLS; i++) bar[i] = i < (int)(done * BAR_CELLS) ? '#' : '.';
    bar[BAR_CELLS] = '\0';
    fprintf(stderr, "\r[%s] ", bar);
}

static void put_facts(const struct progress *p, double seconds)
{
    char done[32], total[32], left[32];
    print_size(done, (double)p->done_bytes);
    if (p->total_bytes)
        fprintf(stderr, "%3.0f%%, %s of %s", share(p) * 100, done,
                print_size(total, (double)p->total_bytes));
    else
        fputs(done, stderr);
    if (p->items_name && seconds > 0)
        fprintf(stderr, ", %llu %s, %.0f/s", (unsigned long long)p->items, p->items_name,
                (double)p->items / seconds);
    if (share(p) > 0)
        fprintf(stderr, ", %s left", print_duration(left, seconds * (1 / share(p) - 1)));
}

static void tell(struct progress *p, double now)
{
    p->told_s = now;
    if (p->is_terminal && p->total_bytes)
        put_bar(share(p));
    else if (p->is_terminal)
        fputc('\r', stderr);
    else
        fprintf(stderr, "penstockctl: %s: ", p->what);
    put_facts(p, now - p->began_s);
    fputs(p->is_terminal ? "\033[K" : "\n", stderr);
    p->is_shown = p->is_terminal;
}

void progress_step(struct progress *p)
{
    double now = now_s();
    if (now - p->told_s >= (p->is_terminal ? terminal_interval_s : line_interval_s)) tell(p, now);
}

void progress_hide(struct progress *p)
{
    if (p->is_shown) fputs("\r\033[K", stderr);
    p->is_shown = false;
}

void progress_end(struct progress *p)
{
    if (!p->is_terminal) return;
    tell(p, now_s());
    fputc('\n', stderr);
    p->is_shown = false;
}
