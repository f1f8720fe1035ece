// info_memory.c: INFO's section about memory, all of it from the ledgers of the shards' heaps.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "dataplane/base/num.h"
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/info_priv.h"
#include "dataplane/cmd/script_cache.h"

// Second number of /proc/self/statm: pages the kernel backs.
uint64_t info_rss_bytes(void)
{
    char line[128];
    unsigned long total, resident;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t size = read(fd, line, sizeof line - 1);
    close(fd);
    if (size <= 0) return 0;
    line[size] = 0;
    if (sscanf(line, "%lu %lu", &total, &resident) != 2) return 0;
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void add_human(struct text *t, const char *name, uint64_t bytes)
{
    char human[64];
    uint32_t size = num_format_memory(human, bytes);
    text_add(t, "%s:%lu\r\n%s_human:%.*s\r\n", name, (unsigned long)bytes, name, (int)size, human);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static void add_used(struct text *t, const struct server_sums *y, uint64_t rss)
{
    uint64_t used = y->used_bytes, dataset = y->heap_bytes[HEAP_DATASET];
    uint64_t peak = y->peak_bytes > used ? y->peak_bytes : used;
    add_human(t, "used_memory", used);
    add_human(t, "used_memory_rss", rss);
    add_human(t, "used_memory_peak", peak);
    text_add(t, "used_memory_peak_perc:%.2f%%\r\n", percent(used, peak));
    text_add(t, "used_memory_overhead:%lu\r\nused_memory_startup:%lu\r\n",
             (unsigned long)(used - dataset), (unsigned long)y->startup_bytes);
    text_add(t, "used_memory_dataset:%lu\r\nused_memory_dataset_perc:%.2f%%\r\n",
             (unsigned long)dataset,
             percent(dataset, used > y->startup_bytes ? used - y->startup_bytes : 1));
}

static void add_scripts(struct text *t, struct server *s)
{
    struct scripts_memory m;
    scripts_measure_all(s, &m);
    uint64_t vm = m.eval.vm_bytes, functions = m.functions.vm_bytes;
    uint64_t kept = m.eval.cached_bytes + m.functions.cached_bytes;
    add_human(t, "used_memory_lua", vm);
    text_add(t, "used_memory_vm_eval:%lu\r\nused_memory_scripts_eval:%lu\r\n", (unsigned long)vm,
             (unsigned long)m.eval.cached_bytes);
    text_add(t, "number_of_cached_scripts:%lu\r\nnumber_of_functions:%lu\r\n",
             (unsigned long)m.eval.count, (unsigned long)m.function_count);
    text_add(t, "number_of_libraries:%lu\r\nused_memory_vm_functions:%lu\r\n",
             (unsigned long)m.library_count, (unsigned long)functions);
    add_human(t, "used_memory_vm_total", vm + functions);
    text_add(t, "used_memory_functions:%lu\r\n", (unsigned long)m.functions.cached_bytes);
    add_human(t, "used_memory_scripts", kept);
}

static void add_limits(struct text *t, const struct settings *settings)
{
    char policy[64];
    const struct setting_row *row = setting_find(BYTES_LITERAL("maxmemory-policy"));
    size_t size = setting_text(settings, row, policy, sizeof policy);
    add_human(t, "maxmemory", settings->maxmemory);
    text_add(t, "maxmemory_policy:%.*s\r\n", (int)size, policy);
}

static void add_fragmentation(struct text *t, const struct server_sums *y, uint64_t rss)
{
    uint64_t allocated = y->heap_allocated, active = y->heap_active;
    uint64_t resident = y->heap_resident, used = y->used_bytes;
    text_add(t, "allocator_frag_ratio:%.2f\r\nallocator_frag_bytes:%ld\r\n",
             ratio(active, allocated), (long)(active - allocated));
    text_add(t, "allocator_rss_ratio:%.2f\r\nallocator_rss_bytes:%ld\r\n", ratio(resident, active),
             (long)(resident - active));
    text_add(t, "rss_overhead_ratio:%.2f\r\nrss_overhead_bytes:%ld\r\n", ratio(rss, resident),
             (long)(rss - resident));
    text_add(t, "mem_fragmentation_ratio:%.2f\r\nmem_fragmentation_bytes:%ld\r\n", ratio(rss, used),
             (long)(rss - used));
}

static void add_owners(struct text *t, const struct server_sums *y)
{
    const uint64_t *bytes = y->heap_bytes;
    uint64_t clients = bytes[HEAP_CLIENT_IN] + bytes[HEAP_CLIENT_OUT] + bytes[HEAP_SESSION];
    text_add(t,
             "mem_not_counted_for_evict:%lu\r\nmem_overhead_db_hashtable_rehashing:0\r\n"
             "mem_replication_backlog:%lu\r\n"
             "mem_total_replication_buffers:%lu\r\nmem_clients_slaves:0\r\n",
             (unsigned long)(bytes[HEAP_BACKLOG] + bytes[HEAP_LOG]),
             (unsigned long)bytes[HEAP_BACKLOG], (unsigned long)bytes[HEAP_BACKLOG]);
    text_add(t, "mem_clients_normal:%lu\r\nmem_cluster_links:0\r\nmem_aof_buffer:%lu\r\n",
             (unsigned long)clients, (unsigned long)bytes[HEAP_LOG]);
    text_add(t, "mem_allocator:%s\r\nactive_defrag_running:%lu\r\n", heap_allocator(),
             (unsigned long)y->defrag_percent);
    text_add(t, "lazyfree_pending_objects:%lu\r\nlazyfreed_objects:%lu\r\n",
             (unsigned long)y->lazyfree_pending, (unsigned long)y->lazyfreed_objects);
}

void info_memory(struct text *t, const struct info *info)
{
    const struct server_sums *y = &info->sums;
    uint64_t rss = info_rss_bytes();
    uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    add_used(t, y, rss);
    text_add(t, "allocator_allocated:%lu\r\nallocator_active:%lu\r\nallocator_resident:%lu\r\n",
             (unsigned long)y->heap_allocated, (unsigned long)y->heap_active,
             (unsigned long)y->heap_resident);
    add_human(t, "total_system_memory", machine);
    add_scripts(t, info->server);
    add_limits(t, info->server->settings);
    add_fragmentation(t, y, rss);
    add_owners(t, y);
}
