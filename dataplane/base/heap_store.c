#include "dataplane/base/heap_store.h"
#include <jemalloc/jemalloc.h>
#include <stdio.h>
#include "dataplane/base/check.h"

static int arena_control(const struct heap *h, const char *verb)
{
    char name[64];
    snprintf(name, sizeof(name), "arena.%u.%s", h->arena, verb);
    return mallctl(name, NULL, NULL, NULL, 0);
}

static int tcache_control(const char *name, unsigned tcache)
{
    return mallctl(name, NULL, NULL, &tcache, sizeof(tcache));
}

// By default jemalloc gives extents of 8 MiB and more back to the kernel inside the free, at about
// 0.18 ms per MiB: a stall of the shard. Above this threshold nothing is oversize, so they decay
// like all others, on the background threads.
static void arena_keep_large_extents(const struct heap *h)
{
    char name[64];
    size_t threshold = (size_t)1 << 50;
    snprintf(name, sizeof(name), "arena.%u.oversize_threshold", h->arena);
    CHECK(mallctl(name, NULL, NULL, &threshold, sizeof(threshold)) == 0);
}

enum status heap_store_open(struct heap *h)
{
    enum { UTILIZATION_NAMES = sizeof h->utilization / sizeof *h->utilization };
    size_t size = sizeof(unsigned);
    if (mallctl("arenas.create", &h->arena, &size, NULL, 0) != 0) return ERR_NO_SPACE;
    if (mallctl("tcache.create", &h->tcache, &size, NULL, 0) != 0) {
        arena_control(h, "destroy");
        return ERR_NO_SPACE;
    }
    arena_keep_large_extents(h);
    size = UTILIZATION_NAMES;
    CHECK(mallctlnametomib("experimental.utilization.query", h->utilization, &size) == 0);
    h->flags = (int)(MALLOCX_ARENA(h->arena) | MALLOCX_TCACHE(h->tcache));
    return OK;
}

void heap_store_close(struct heap *h)
{
    tcache_control("tcache.destroy", h->tcache);
    arena_control(h, "destroy");
}

void *heap_store_take(struct heap *h, size_t size, size_t alignment, bool zeroed)
{
    int flags = h->flags;
    if (zeroed) flags |= MALLOCX_ZERO;
    if (alignment) {
        flags |= (int)MALLOCX_ALIGN(alignment);
        CHECK(nallocx(size, flags) == heap_usable(size));
    }
    return mallocx(size, flags);
}

void heap_store_give(struct heap *h, void *p, size_t size) { sdallocx(p, size, h->flags); }

void *heap_store_resize(struct heap *h, void *p, size_t old_size, size_t new_size)
{
    if (heap_usable(old_size) == heap_usable(new_size)) return p;
    return rallocx(p, new_size, h->flags);
}

static uint64_t arena_statistic(const struct heap *h, const char *field)
{
    char name[64];
    size_t value = 0, size = sizeof(value);
    snprintf(name, sizeof(name), "stats.arenas.%u.%s", h->arena, field);
    return mallctl(name, &value, &size, NULL, 0) == 0 ? value : 0;
}

void heap_store_measure(struct heap *h, struct heap_pages *out)
{
    uint64_t epoch = 1;
    size_t size = sizeof(epoch), page = 4096, page_size = sizeof(page);
    mallctl("epoch", &epoch, &size, &epoch, sizeof(epoch)); // refreshes the statistics
    mallctl("arenas.page", &page, &page_size, NULL, 0);
    out->allocated_bytes =
        arena_statistic(h, "small.allocated") + arena_statistic(h, "large.allocated");
    out->active_bytes = arena_statistic(h, "pactive") * page;
    out->resident_bytes = arena_statistic(h, "resident");
}

enum status heap_store_start_background(void)
{
    bool enabled = true;
    return mallctl("background_thread", NULL, NULL, &enabled, sizeof(enabled)) == 0 ? OK : ERR_IO;
}

int heap_mallctl(const char *name, void *old, size_t *old_size, void *fresh, size_t fresh_size)
{
    return mallctl(name, old, old_size, fresh, fresh_size);
}

#define NUMBER_TEXT(number) #number
#define VERSION_TEXT(a, b, c) NUMBER_TEXT(a) "." NUMBER_TEXT(b) "." NUMBER_TEXT(c)

const char *heap_allocator(void)
{
    return "jemalloc-" VERSION_TEXT(JEMALLOC_VERSION_MAJOR, JEMALLOC_VERSION_MINOR,
                                    JEMALLOC_VERSION_BUGFIX);
}
