#include "tools/penstockctl_rows.h"

#include <stdlib.h>

static uint64_t load(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_RELAXED); }

void shard_look_take(struct shard_look *look, const struct shard_tally *t)
{
    *look = (struct shard_look){ .commands = load(&t->commands_processed),
                                 .clients = load(&t->connected_clients),
                                 .keys = load(&t->keys),
                                 .refreshed_wall_us = load(&t->refreshed_wall_us) };
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++) look->memory_bytes += load(&t->heap_bytes[i]);
    look->tsc = load(&t->settled_tsc);
    for (uint32_t i = 0; i < CYCLE_ACCOUNT_COUNT; i++)
        look->cycles[i] = load(&t->settled_cycles[i]);
}

static double percent(uint64_t part, uint64_t whole)
{
    if (whole == 0) return 0;
    return part < whole ? 100 * (double)part / (double)whole : 100;
}

void shard_row_make(struct shard_row *row, const struct shard_look *from,
                    const struct shard_look *to, double seconds, uint64_t wall_us)
{
    uint64_t passed = to->tsc - from->tsc;
    uint64_t busy = 0, parked = to->cycles[CYCLES_PARKED] - from->cycles[CYCLES_PARKED];
    uint64_t done = to->commands < from->commands ? 0 : to->commands - from->commands; // reset
    uint64_t still_ms =
        wall_us > to->refreshed_wall_us ? (wall_us - to->refreshed_wall_us) / 1000 : 0;
    for (uint32_t i = 0; i < CYCLE_ACCOUNT_COUNT; i++)
        if (i != CYCLES_IDLE && i != CYCLES_PARKED) busy += to->cycles[i] - from->cycles[i];
    // One that never renewed anything is just starting.
    if (to->refreshed_wall_us == 0 || still_ms < SHARD_STILL_MS) still_ms = 0;
    *row = (struct shard_row){ .clients = to->clients,
                               .keys = to->keys,
                               .memory_bytes = to->memory_bytes,
                               .ops_per_s = seconds > 0 ? (double)done / seconds : 0,
                               .busy_percent = percent(busy, passed),
                               .parked_percent = percent(parked, passed),
                               .still_ms = still_ms };
}

void shard_row_all(struct shard_row *all, const struct shard_row *rows, uint32_t count)
{
    *all = (struct shard_row){ 0 };
    for (uint32_t i = 0; i < count; i++) {
        all->clients += rows[i].clients;
        all->keys += rows[i].keys;
        all->memory_bytes += rows[i].memory_bytes;
        all->ops_per_s += rows[i].ops_per_s;
        all->busy_percent += rows[i].busy_percent / count;
        all->parked_percent += rows[i].parked_percent / count;
        if (rows[i].still_ms > all->still_ms) all->still_ms = rows[i].still_ms;
    }
}

uint32_t slot_ranges(char *out, const uint8_t shard_of_slot[REGION_SLOTS], uint32_t shard)
{
    uint32_t count = 0, slot = 0;
    size_t at = 0;
    out[0] = '\0';
    while (slot < REGION_SLOTS) {
        uint32_t end = slot;
        while (end < REGION_SLOTS && shard_of_slot[end] == shard) end++;
        const char *between = count ? " " : "";
        if (end - slot == 1)
            at += (size_t)snprintf(out + at, SLOT_RANGES_BYTES - at, "%s%u", between, slot);
        else if (end > slot)
            at += (size_t)snprintf(out + at, SLOT_RANGES_BYTES - at, "%s%u-%u", between, slot,
                                   end - 1);
        count += end - slot;
        slot = end + 1;
    }
    return count;
}

// ---- printing ----------------------------------------------------------------------------------

static void print_figures(struct print *p, const struct shard_row *row)
{
    print_number(p, "requests_per_s", row->ops_per_s, 1);
    print_count(p, "clients", row->clients);
    print_count(p, "keys", row->keys);
    print_count(p, "memory_bytes", row->memory_bytes);
    print_number(p, "busy_percent", row->busy_percent, 2);
    print_number(p, "parked_percent", row->parked_percent, 2);
    print_number(p, "still_s", (double)row->still_ms / 1000, 1);
}

static void print_objects(struct print *p, const struct shard_row *all,
                          const struct shard_row *rows, uint32_t count,
                          const uint8_t *shard_of_slot, char *ranges)
{
    print_group(p, "total");
    print_figures(p, all);
    print_group_end(p);
    print_list(p, "shards");
    for (uint32_t i = 0; i < count; i++) {
        print_item(p);
        print_count(p, "shard", i);
        print_figures(p, &rows[i]);
        if (shard_of_slot) {
            print_count(p, "slot_count", slot_ranges(ranges, shard_of_slot, i));
            print_text(p, "slots", ranges);
        }
        print_item_end(p);
    }
    print_list_end(p);
}

static void print_line(struct print *p, const char *name, const struct shard_row *row)
{
    char memory[32], still[32];
    fprintf(p->to, "%-5s %11.0f %8llu %12llu %11s %7.2f %% %7.2f %%", name, row->ops_per_s,
            (unsigned long long)row->clients, (unsigned long long)row->keys,
            print_size(memory, (double)row->memory_bytes), row->busy_percent, row->parked_percent);
    if (row->still_ms)
        fprintf(p->to, "  stands still for %s",
                print_duration(still, (double)row->still_ms / 1000));
}

static void print_lines(struct print *p, const struct shard_row *all, const struct shard_row *rows,
                        uint32_t count, const uint8_t *shard_of_slot, char *ranges)
{
    char name[16];
    fprintf(p->to, "%-5s %11s %8s %12s %11s %9s %9s%s\n", "shard", "requests/s", "clients", "keys",
            "memory", "busy", "parked", shard_of_slot ? "  slots" : "");
    print_line(p, "all", all);
    fputc('\n', p->to);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%u", i);
        print_line(p, name, &rows[i]);
        if (shard_of_slot) {
            uint32_t slots = slot_ranges(ranges, shard_of_slot, i);
            fprintf(p->to, "  %u: %s", slots, ranges);
        }
        fputc('\n', p->to);
    }
}

void shard_rows_print(struct print *p, const struct shard_row *rows, uint32_t count,
                      const uint8_t *shard_of_slot)
{
    struct shard_row all;
    char *ranges = malloc(SLOT_RANGES_BYTES);
    if (!ranges) return;
    shard_row_all(&all, rows, count);
    (p->json ? print_objects : print_lines)(p, &all, rows, count, shard_of_slot, ranges);
    free(ranges);
}
