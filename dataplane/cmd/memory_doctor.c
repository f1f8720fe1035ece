// memory_doctor.c: what MEMORY DOCTOR has to say: what is unusual about the use of memory, and what
// an operator of this server may do about it.
#include "dataplane/base/num.h"
#include "dataplane/cmd/memory_report.h"
#include "dataplane/cmd/server.h"

enum {
    SMALL_BYTES = 5 << 20,  // below, ratios say nothing
    WASTE_BYTES = 10 << 20, // below, a ratio is no trouble
    CLIENT_BYTES = 200 << 10,
    SCRIPTS_MANY = 1000,
};

struct finding {
    struct text *out;
    uint32_t count;
};

static void add_bytes(struct text *out, uint64_t bytes)
{
    char human[64];
    uint32_t size = num_format_memory(human, bytes);
    text_add(out, "%.*s", (int)size, human);
}

// "* <title>: <bytes><rest>"
static void find(struct finding *f, const char *title, uint64_t bytes, const char *rest)
{
    f->count++;
    text_add(f->out, "* %s: ", title);
    add_bytes(f->out, bytes);
    text_add(f->out, "%s\n", rest);
}

static bool is_waste(uint64_t whole, uint64_t part, double ratio)
{
    return part && whole > part && whole - part > WASTE_BYTES &&
           (double)whole / (double)part > ratio;
}

static void look_at_allocator(struct finding *f, const struct memory_report *r)
{
    if (r->peak / 3 * 2 > r->used)
        find(f, "Peak", r->peak,
             " were in use once, more than one and a half times of now. Pages that were full then "
             "may be sparse today; what is wholly free goes back to the kernel within seconds, or "
             "with MEMORY PURGE.");
    if (is_waste(r->active, r->allocated, 1.1))
        find(f, "Fragmentation", r->active - r->allocated,
             " of the allocator's pages are holes between values: values of one size were deleted "
             "or replaced by others. CONFIG SET activedefrag yes moves the rest together while the "
             "server runs.");
    if (is_waste(r->resident, r->active, 1.1))
        find(f, "Free pages", r->resident - r->active,
             " are kept by the allocator for later and decay by themselves. MEMORY PURGE gives "
             "them back at once.");
    if (is_waste(r->rss, r->resident, 1.1))
        find(f, "Outside the heap", r->rss - r->resident,
             " of the process are not the heap: packet buffers, rings, the counters shared with "
             "the control process, code. With transport nic the packet buffers are the most of "
             "it, and nic-frames sets their number.");
}

static void look_at_use(struct finding *f, const struct server *s, const struct memory_report *r)
{
    uint64_t clients = r->client_count, limit = s->settings->maxmemory;
    if (clients && r->clients / clients > CLIENT_BYTES)
        find(f, "Clients", r->clients / clients,
             " on average are held by each client. CLIENT LIST shows whose omem or qbuf is large; "
             "client-output-buffer-limit and maxmemory-clients bound it.");
    if (r->owners[HEAP_CLIENT_OUT] > WASTE_BYTES && r->owners[HEAP_CLIENT_OUT] > r->used / 10)
        find(f, "Replies", r->owners[HEAP_CLIENT_OUT],
             " wait to be read by clients that are slower than the server.");
    if (r->script_count > SCRIPTS_MANY)
        find(f, "Scripts", r->scripts,
             " are scripts kept for EVALSHA, more than a thousand of them: scripts that differ in "
             "their text are made where arguments (KEYS, ARGV) would do.");
    if (limit && r->used > limit / 10 * 9 && s->settings->maxmemory_policy == EVICT_NOEVICTION)
        find(f, "Limit", limit,
             " is maxmemory, more than nine tenths of it are used, and maxmemory-policy is "
             "noeviction: writes will soon be refused.");
    if (r->owners[HEAP_TABLES] > WASTE_BYTES && r->owners[HEAP_TABLES] > r->dataset)
        find(f, "Tables", r->owners[HEAP_TABLES],
             " are tables, more than the keys and values in them. They shrink as they empty; many "
             "keys with tiny values do better as fields of hashes.");
}

void memory_advise(struct text *out, const struct server *s, const struct memory_report *r)
{
    struct finding f = { out, 0 };
    if (memory_report_beyond_startup(r) < SMALL_BYTES) {
        text_add(out, "There is too little data to judge: less than 5 MB are in use beyond what "
                      "the empty server takes.\n");
        return;
    }
    look_at_allocator(&f, r);
    look_at_use(&f, s, r);
    if (f.count)
        text_add(out, "\nINFO ledger books every byte to its owner; MEMORY STATS has the figures "
                      "behind these lines.\n");
    else
        text_add(out, "Nothing is unusual about the use of memory.\n");
}
