#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ctype.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include "dataplane/nic/nic_dpdk_priv.h"

enum { EAL_ARGUMENTS_MAX = 64, EAL_TEXT_BYTES = 8192 };

// The argument vector under construction; EAL keeps pointers into it, so it lives on.
struct arguments {
    char *words[EAL_ARGUMENTS_MAX + 1];
    int count;
    uint32_t used;
    bool is_full;
    char text[EAL_TEXT_BYTES];
};

__attribute__((format(printf, 2, 3))) static void add(struct arguments *a, const char *format, ...)
{
    va_list list;
    size_t room = sizeof a->text - a->used;
    va_start(list, format);
    int size = vsnprintf(a->text + a->used, room, format, list);
    va_end(list);
    if (size < 0 || (size_t)size >= room || a->count == EAL_ARGUMENTS_MAX) {
        a->is_full = true;
        return;
    }
    a->words[a->count++] = a->text + a->used;
    a->used += (uint32_t)size + 1;
}

static void add_words(struct arguments *a, const char *words)
{
    while (words && *words) {
        words += strspn(words, " \t");
        size_t size = strcspn(words, " \t");
        if (size) add(a, "%.*s", (int)size, words);
        words += size;
    }
}

static bool hex_then(const char **p, int digits_max, char end)
{
    int digits = 0;
    for (; digits < digits_max && isxdigit((unsigned char)(*p)[digits]); digits++) {
    }
    if (digits == 0 || (*p)[digits] != end) return false;
    *p += digits + 1;
    return true;
}

bool dpdk_is_pci_address(const char *devarg)
{
    const char *p = devarg, *after_domain = devarg;
    if (!hex_then(&p, 4, ':')) return false;
    after_domain = p;
    if (!hex_then(&p, 2, ':')) p = after_domain; // no domain: what we read was the bus
    if (!hex_then(&p, 2, '.')) return false;
    return *p >= '0' && *p <= '7' && (p[1] == 0 || p[1] == ',');
}

// Nothing of ours shall stay in hugetlbfs or /var/run after the end, however it comes: --in-memory,
// or with --no-huge (which does not go with it) --no-shconf.
// --single-file-segments: virtio-user tells its peer about few descriptors only.
static void collect(struct arguments *a, const struct nic_dpdk_config *c, int core)
{
    bool has_pci = false;
    add(a, "penstock");
    add(a, "-l");
    add(a, "%d", core);
    add(a, "--no-telemetry");
    add(a, "--log-level=warning");
    add(a, "--file-prefix=%s", c->file_prefix);
    add(a, "-m");
    add(a, "%u", c->memory_mb);
    add(a, c->no_huge ? "--no-huge" : "--in-memory");
    add(a, c->no_huge ? "--no-shconf" : "--single-file-segments");
    for (uint32_t i = 0; i < c->devarg_count; i++) {
        bool is_pci = dpdk_is_pci_address(c->devargs[i]);
        has_pci |= is_pci;
        if (is_pci) add(a, "-a");
        add(a, is_pci ? "%s" : "--vdev=%s", c->devargs[i]);
    }
    if (!has_pci) add(a, "--no-pci");
    add_words(a, c->eal_args);
}

static int first_allowed_core(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET((size_t)i, &set)) return i;
    return 0;
}

enum status dpdk_eal_start(const struct nic_dpdk_config *c, void **words, char *error,
                           uint32_t error_bytes)
{
    cpu_set_t affinity;
    struct arguments *a = *words = calloc(1, sizeof *a);
    if (!a) {
        snprintf(error, error_bytes, "out of memory");
        return ERR_NO_SPACE;
    }
    collect(a, c, c->core >= 0 ? c->core : first_allowed_core());
    if (a->is_full) {
        snprintf(error, error_bytes, "EAL arguments are too many or too long");
        return ERR_NO_SPACE;
    }
    // EAL pins the calling thread; where it runs is its own affair.
    bool had_affinity = pthread_getaffinity_np(pthread_self(), sizeof affinity, &affinity) == 0;
    int got = rte_eal_init(a->count, a->words);
    if (had_affinity) pthread_setaffinity_np(pthread_self(), sizeof affinity, &affinity);
    (void)rmdir(rte_eal_get_runtime_dir()); // made even when nothing will be kept there
    if (got >= 0) return OK;
    snprintf(error, error_bytes, "DPDK's EAL did not start (%s); its own lines above say why",
             rte_strerror(rte_errno));
    return ERR_IO;
}
