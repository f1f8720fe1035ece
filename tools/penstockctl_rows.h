// penstockctl_rows.h: one line per shard, and one for all, from two looks at them.
//
// Source:  tally.h: accounts, levels
// Thread:  one
// Memory:  the caller's
// Units:   cycles as the tallies have them; shares in percent of the time between the looks
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/tally.h"
#include "dataplane/lane/region_slots.h"
#include "tools/penstockctl_print.h"

enum {
    SHARD_STILL_MS = 3000,         // a shard that renewed nothing for so long stands still
    SLOT_RANGES_BYTES = 100 * 1024 // of their text, at most
};

// What one shard's tally says at one moment.
struct shard_look {
    uint64_t commands, clients, keys, memory_bytes, refreshed_wall_us;
    uint64_t cycles[CYCLE_ACCOUNT_COUNT], tsc; // settled: none ever goes back
};
void shard_look_take(struct shard_look *look, const struct shard_tally *t);

struct shard_row {
    uint64_t clients, keys, memory_bytes;
    double ops_per_s, busy_percent, parked_percent;
    uint64_t still_ms; // since it renewed its levels, when that is SHARD_STILL_MS or more; else 0
};
// seconds: between the looks. wall_us: of the second one.
void shard_row_make(struct shard_row *row, const struct shard_look *from,
                    const struct shard_look *to, double seconds, uint64_t wall_us);
// Sums; of shares the mean, of standing still the longest.
void shard_row_all(struct shard_row *all, const struct shard_row *rows, uint32_t count);

// Slots of one shard as "0-99 200 300-400"; the number of slots. out holds SLOT_RANGES_BYTES.
uint32_t slot_ranges(char *out, const uint8_t shard_of_slot[REGION_SLOTS], uint32_t shard);

// The table: the line of all, then a line each. JSON: "total" and the list "shards".
// shard_of_slot: NULL leaves slots out.
void shard_rows_print(struct print *p, const struct shard_row *rows, uint32_t count,
                      const uint8_t *shard_of_slot);
