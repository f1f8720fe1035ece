#include "tools/bench/usage.h"
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "dataplane/base/clock.h"

enum { TREE_MAX = 64, NS_PER_S = 1000000000 };

static uint64_t timeval_ns(const struct timeval *t)
{
    return (uint64_t)t->tv_sec * NS_PER_S + (uint64_t)t->tv_usec * 1000;
}

// A small file of /proc, terminated; false when it cannot be read.
static bool read_text(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "re");
    if (!f) return false;
    size_t got = fread(out, 1, size - 1, f);
    fclose(f);
    out[got] = 0;
    return got > 0;
}

static void add_schedule(const char *path, uint64_t *cpu_ns, uint64_t *wait_ns)
{
    char text[128];
    unsigned long long cpu, wait;
    if (!read_text(path, text, sizeof text) || sscanf(text, "%llu %llu", &cpu, &wait) != 2) return;
    *cpu_ns += cpu;
    *wait_ns += wait;
}

void usage_of_this_thread(struct usage *out)
{
    uint64_t unused = 0;
    struct rusage r = { 0 };
    struct timespec cpu = { 0 }; // finer than rusage's ticks
    (void)getrusage(RUSAGE_THREAD, &r);
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    *out = (struct usage){ .cpu_ns = (uint64_t)cpu.tv_sec * NS_PER_S + (uint64_t)cpu.tv_nsec,
                           .system_ns = timeval_ns(&r.ru_stime),
                           .wall_ns = clock_monotonic_ns(),
                           .involuntary_switches = (uint64_t)r.ru_nivcsw };
    add_schedule("/proc/thread-self/schedstat", &unused, &out->wait_ns);
}

struct usage usage_between(const struct usage *before, const struct usage *after)
{
    return (struct usage){ after->cpu_ns - before->cpu_ns, after->system_ns - before->system_ns,
                           after->wall_ns - before->wall_ns,
                           after->involuntary_switches - before->involuntary_switches,
                           after->wait_ns - before->wait_ns };
}

struct process_stat {
    pid_t parent;
    unsigned long long system_ticks;
};

// Fields 4 and 15 of stat, behind a name that may hold anything.
static bool read_stat(pid_t pid, struct process_stat *out)
{
    char path[64], text[1024];
    unsigned long long user;
    int parent;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (!read_text(path, text, sizeof text)) return false;
    const char *behind = strrchr(text, ')');
    if (!behind || sscanf(behind + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
                          &parent, &user, &out->system_ticks) != 3)
        return false;
    out->parent = parent;
    return true;
}

static void add_thread(struct usage *u, pid_t pid, const char *thread)
{
    char path[320], text[2048];
    unsigned long long switches = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid, thread);
    add_schedule(path, &u->cpu_ns, &u->wait_ns);
    snprintf(path, sizeof path, "/proc/%d/task/%s/status", (int)pid, thread);
    if (!read_text(path, text, sizeof text)) return;
    const char *line = strstr(text, "nonvoluntary_ctxt_switches:");
    if (line && sscanf(line, "%*s %llu", &switches) == 1) u->involuntary_switches += switches;
}

static bool add_process(struct usage *u, pid_t pid)
{
    char path[64];
    struct dirent *entry;
    struct process_stat stat;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    if (!threads) return false;
    while ((entry = readdir(threads)) != NULL)
        if (isdigit((unsigned char)entry->d_name[0])) add_thread(u, pid, entry->d_name);
    closedir(threads);
    if (read_stat(pid, &stat))
        u->system_ns += stat.system_ticks * (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
    return true;
}

static bool holds(const pid_t *pids, uint32_t count, pid_t pid)
{
    for (uint32_t i = 0; i < count; i++)
        if (pids[i] == pid) return true;
    return false;
}

// Children of those in pids that are not among them yet; their new count.
static uint32_t add_children(pid_t *pids, uint32_t count, uint32_t max)
{
    struct dirent *entry;
    struct process_stat stat;
    DIR *proc = opendir("/proc");
    if (!proc) return count;
    while (count < max && (entry = readdir(proc)) != NULL) {
        pid_t pid = (pid_t)atoi(entry->d_name);
        if (pid > 0 && !holds(pids, count, pid) && read_stat(pid, &stat) &&
            holds(pids, count, stat.parent))
            pids[count++] = pid;
    }
    closedir(proc);
    return count;
}

uint32_t usage_tree(pid_t root, pid_t *pids, uint32_t max)
{
    uint32_t count = 1, known = 0;
    pids[0] = root;
    while (count > known) { // once more after the last find: /proc is in no useful order
        known = count;
        count = add_children(pids, known, max);
    }
    return count;
}

enum status usage_of_tree(pid_t root, struct usage *out)
{
    pid_t pids[TREE_MAX];
    uint32_t count = usage_tree(root, pids, TREE_MAX);
    *out = (struct usage){ .wall_ns = clock_monotonic_ns() };
    for (uint32_t i = 0; i < count; i++)
        if (!add_process(out, pids[i]) && i == 0) return ERR_IO;
    return OK;
}
