// heap_upkeep.c: what an operator or a spare moment asks of a heap: to give pages back, to tell its
// statistics, to say which allocations lie in sparse pages and to move them.
#include <jemalloc/jemalloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "dataplane/base/heap_store.h"

// ---- giving back. The kernel takes 0.18 ms for each MiB: a thread beside the heap's owner does
// it.

struct heap_purger {
    pthread_t thread;
    unsigned arena;
    bool is_done;
};

// The new thread would run on the core that its maker is pinned to.
static void leave_core(int core)
{
    cpu_set_t cores;
    long count = sysconf(_SC_NPROCESSORS_CONF);
    CPU_ZERO(&cores);
    for (long i = 0; i < count && i < CPU_SETSIZE; i++)
        if (i != core) CPU_SET((size_t)i, &cores);
    (void)sched_setaffinity(0, sizeof cores, &cores); // refused when there is no other core
}

static void *purge(void *context)
{
    struct heap_purger *p = context;
    char name[64];
    leave_core(sched_getcpu());
    snprintf(name, sizeof name, "arena.%u.purge", p->arena);
    (void)mallctl(name, NULL, NULL, NULL, 0);
    __atomic_store_n(&p->is_done, true, __ATOMIC_RELEASE);
    return NULL;
}

void heap_store_end_purge(struct heap *h)
{
    if (!h->purger) return;
    CHECK(pthread_join(h->purger->thread, NULL) == 0);
    free(h->purger);
    h->purger = NULL;
}

void heap_store_purge(struct heap *h)
{
    unsigned tcache = h->tcache;
    (void)mallctl("tcache.flush", NULL, NULL, &tcache, sizeof tcache);
    if (h->purger && !__atomic_load_n(&h->purger->is_done, __ATOMIC_ACQUIRE)) return;
    heap_store_end_purge(h);
    struct heap_purger *p = malloc(sizeof *p);
    if (!p) return;
    *p = (struct heap_purger){ .arena = h->arena };
    if (pthread_create(&p->thread, NULL, purge, p) == 0)
        h->purger = p;
    else
        free(p);
}

// ---- telling. Without mutexes and with all arenas together it takes 0.2 ms, however much there
// is.

struct statistics {
    heap_statistics_part *part;
    void *context;
};

static void pass_on(void *context, const char *part)
{
    const struct statistics *s = context;
    s->part(s->context, part);
}

void heap_statistics(heap_statistics_part *part, void *context)
{
    struct statistics s = { part, context };
    malloc_stats_print(pass_on, &s, "xa");
}

// ---- moving

struct utilization {                  // as jemalloc 5.3 answers
    void *current;                    // the slab that new allocations of this size go to
    size_t free_count, count, bytes;  // places of p's slab
    size_t all_free_count, all_count; // of all slabs of this size
};

bool heap_can_relocate(void) { return true; }

bool heap_is_sparse(const struct heap *h, const void *p)
{
    struct utilization u;
    size_t size = sizeof u, names = 3;
    if (mallctlbymib(h->utilization, names, &u, &size, &p, sizeof p) != 0) return false;
    if (u.count <= 1 || u.free_count == 0) return false;   // not in a slab, or in a full one
    if (u.all_free_count * 16 < u.all_count) return false; // all are full: nothing is to be won
    size_t offset = (size_t)((uintptr_t)p - (uintptr_t)u.current);
    if (u.current && offset < u.bytes) return false;
    // An eighth short of the average counts too: else those at the average would never go.
    return u.free_count * u.all_count > u.all_free_count * u.count / 8 * 7;
}

// Past the thread cache on both ways: it would hand out what was just freed, in the sparse page.
void *heap_relocate(struct heap *h, void *p, size_t size)
{
    int flags = (int)MALLOCX_ARENA(h->arena) | (int)MALLOCX_TCACHE_NONE;
    void *moved = mallocx(size, flags);
    if (!moved) return p;
    memcpy(moved, p, size);
    sdallocx(p, size, flags);
    return moved;
}
