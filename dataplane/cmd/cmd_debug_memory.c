// cmd_debug_memory.c: DEBUG on memory: JMAP, MALLCTL, CLIENT-EVICTION.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "dataplane/cmd/cmd_debug.h"
#include "dataplane/cmd/memory.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/text.h"

static void add_heap(struct heap *sum, struct heap_pages *pages, struct heap *heap)
{
    struct heap_pages own;
    heap_measure(heap, &own);
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++) sum->bytes[i] += heap->bytes[i];
    sum->bytes_total += heap->bytes_total;
    sum->bytes_peak += heap->bytes_peak;
    sum->allocation_count += heap->allocation_count;
    pages->allocated_bytes += own.allocated_bytes;
    pages->active_bytes += own.active_bytes;
    pages->resident_bytes += own.resident_bytes;
}

// What the shards' heaps hold, by owner and by what the allocator did with it.
void debug_jmap(struct call *call)
{
    struct server *s = call->server;
    struct heap sum = { 0 };
    struct heap_pages pages = { 0 };
    struct text t;
    for (uint32_t i = 0; i < server_peer_count(s); i++)
        add_heap(&sum, &pages, server_peer(s, i)->heap);
    text_open(&t, s->heap);
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++)
        text_add(&t, "%s:%lu\n", heap_owner_names[i], (unsigned long)sum.bytes[i]);
    text_add(&t, "total:%lu\npeak:%lu\nallocations:%lu\n", (unsigned long)sum.bytes_total,
             (unsigned long)sum.bytes_peak, (unsigned long)sum.allocation_count);
    text_add(&t, "allocator_allocated:%lu\nallocator_active:%lu\nallocator_resident:%lu\n",
             (unsigned long)pages.allocated_bytes, (unsigned long)pages.active_bytes,
             (unsigned long)pages.resident_bytes);
    reply_verbatim(call->reply, "txt", text_bytes(&t));
    text_close(&t);
}

// ---- DEBUG MALLCTL <name> [<number>], DEBUG MALLCTL-STR <name> [<text>]

static void reply_errno(struct call *call, int error)
{
    reply_errorf(call->reply, "ERR %s", strerror(error));
}

static void copy_name(struct bytes name, char out[128])
{
    snprintf(out, 128, "%.*s", (int)(name.size < 127 ? name.size : 127), (const char *)name.data);
}

// Names have values of 8, 4 or 1 bytes, and some can only be written: tried in turn.
void debug_mallctl(struct call *call)
{
    char name[128];
    int64_t value = 0;
    bool writes = call->argc == 4;
    int error = EINVAL;
    copy_name(call->argv[2], name);
    if (writes && !call_int(call, 3, &value, NULL)) return;
    for (size_t size = sizeof value; size && error == EINVAL; size /= 2) {
        int64_t old = 0;
        size_t old_size = size;
        error = heap_mallctl(name, &old, &old_size, writes ? &value : NULL, writes ? size : 0);
        if (error == 0) {
            reply_int(call->reply, old);
            return;
        }
        if (error == EPERM && writes && heap_mallctl(name, NULL, NULL, &value, size) == 0) {
            reply_ok(call->reply);
            return;
        }
    }
    reply_errno(call, error);
}

// jemalloc cannot tell a text from a number, and a number taken for the address of a text is a
// crash: only names that are known to have texts.
static bool name_has_text(const char *name)
{
    static const char *const names[] = { "version",
                                         "config.malloc_conf",
                                         "opt.dss",
                                         "opt.metadata_thp",
                                         "opt.percpu_arena",
                                         "opt.junk",
                                         "opt.thp",
                                         "opt.prof_prefix",
                                         "opt.stats_print_opts",
                                         "opt.stats_interval_opts",
                                         "opt.zero_realloc" };
    unsigned arena;
    int end = 0;
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return sscanf(name, "arena.%u.dss%n", &arena, &end) == 1 && end && name[end] == '\0';
}

void debug_mallctl_str(struct call *call)
{
    static const char *const dss[] = { "disabled", "primary", "secondary" };
    char name[128];
    const char *old = NULL, *value = NULL;
    size_t size = sizeof old;
    copy_name(call->argv[2], name);
    if (call->argc == 4)
        for (uint32_t i = 0; i < 3; i++) // a text that outlives the call
            if (bytes_is_option(call->argv[3], dss[i])) value = dss[i];
    if (call->argc == 4 && !value) {
        reply_errno(call, EINVAL);
        return;
    }
    int error = heap_mallctl(name, NULL, NULL, NULL, 0); // does it exist?
    if (error != ENOENT)
        error = name_has_text(name) ? heap_mallctl(name, &old, &size, value ? &value : NULL,
                                                   value ? sizeof value : 0)
                                    : EINVAL;
    if (error)
        reply_errno(call, error);
    else
        reply_bulk_text(call->reply, old ? old : "");
}

// ---- DEBUG CLIENT-EVICTION: how many clients cost how much

enum { FIRST_BITS = 15, BUCKETS = 19 }; // up to 32 KB, doubling to 8 GB and more

static void sort_clients(const struct server *s, uint64_t clients[BUCKETS], uint64_t bytes[BUCKETS])
{
    const struct list *all = &s->clients.all;
    for (struct list_node *n = list_first(all); n; n = list_next(all, n)) {
        uint64_t size = memory_of_client(LIST_OWNER(n, struct client, all));
        uint32_t i = 0;
        while (i < BUCKETS - 1 && size >> (FIRST_BITS + i)) i++;
        clients[i]++;
        bytes[i] += size;
    }
}

void debug_client_eviction(struct call *call)
{
    uint64_t clients[BUCKETS] = { 0 }, bytes[BUCKETS] = { 0 };
    struct text t;
    if (call->server->settings->maxmemory_clients == 0) {
        reply_error(call->reply, "ERR maxmemory-clients is disabled.");
        return;
    }
    for (uint32_t i = 0; i < server_peer_count(call->server); i++)
        sort_clients(server_peer(call->server, i), clients, bytes);
    text_open(&t, call->server->heap);
    text_add(&t, "Bucket         Tot Mem       Clients\n");
    for (uint32_t i = 0; i < BUCKETS; i++)
        text_add(&t, "<%8luK %13lu %13lu\n", 1ul << (FIRST_BITS + i - 10), (unsigned long)bytes[i],
                 (unsigned long)clients[i]);
    reply_verbatim(call->reply, "txt", text_bytes(&t));
    text_close(&t);
}
