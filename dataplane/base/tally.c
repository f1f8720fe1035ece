#include "dataplane/base/tally.h"
#include <stddef.h>
#include <string.h>

const char *const cycle_account_names[CYCLE_ACCOUNT_COUNT] = {
    [CYCLES_LOOP] = "loop",         [CYCLES_RX] = "rx",
    [CYCLES_TCP] = "tcp",           [CYCLES_PARSE] = "parse",
    [CYCLES_EXECUTE] = "execute",   [CYCLES_EXPIRY] = "expiry",
    [CYCLES_EVICTION] = "eviction", [CYCLES_SNAPSHOT] = "snapshot",
    [CYCLES_LOG] = "log",           [CYCLES_REPLICATION] = "replication",
    [CYCLES_REPLY] = "reply",       [CYCLES_TX] = "tx",
    [CYCLES_TIMERS] = "timers",     [CYCLES_CONTROL] = "control",
    [CYCLES_TLS] = "tls",           [CYCLES_IDLE] = "idle",
    [CYCLES_DEFRAG] = "defrag",     [CYCLES_PARKED] = "parked",
};

const char *const heap_owner_names[HEAP_OWNER_COUNT] = {
    [HEAP_DATASET] = "dataset",       [HEAP_TABLES] = "tables",   [HEAP_CLIENT_IN] = "client_in",
    [HEAP_CLIENT_OUT] = "client_out", [HEAP_SESSION] = "session", [HEAP_SCRIPTS] = "scripts",
    [HEAP_BACKLOG] = "backlog",       [HEAP_LOG] = "log",         [HEAP_OTHER] = "other",
};

#define RESETTABLE_ROW(field) { #field, offsetof(struct shard_tally, field), TALLY_ROW_RESETTABLE },
#define LEVEL_ROW(field) { #field, offsetof(struct shard_tally, field), TALLY_ROW_LEVEL },
#define NET_ROW(field) { #field, offsetof(struct shard_tally, net.field), TALLY_ROW_NET },
const struct tally_row tally_rows[] = { TALLY_RESETTABLE(RESETTABLE_ROW) TALLY_LEVELS(LEVEL_ROW)
                                            TALLY_NET(NET_ROW) };
const uint32_t tally_row_count = sizeof(tally_rows) / sizeof(tally_rows[0]);

void tally_reset(struct shard_tally *t)
{
#define CLEAR_FIELD(field) t->field = 0;
    TALLY_RESETTABLE(CLEAR_FIELD)
#undef CLEAR_FIELD
    t->turn_cycles_max = 0;
    t->execute_cycles_max = t->parked_cycles_max = 0;
    t->slices = t->slice_cycles = t->slice_cycles_max = 0;
    memset(t->slice_lengths, 0, sizeof(t->slice_lengths));
    histogram_reset(&t->rendezvous_all_stand);
    histogram_reset(&t->rendezvous_first_stands);
    memset(t->commands, 0, sizeof(t->commands));
}
