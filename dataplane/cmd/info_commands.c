// info_commands.c: INFO's sections with a line per command or kind of error: commandstats,
// latencystats, errorstats.
#include <stdlib.h>
#include <string.h>
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/info_priv.h"
#include "dataplane/cmd/node.h"

static double per_call(uint64_t us, uint64_t calls)
{
    return calls ? (double)us / (double)calls : 0;
}

// Redis's fields first; how long requests had waited before they ran comes behind them.
static void add_command(struct text *t, struct server *s, const struct command *row)
{
    struct command_tally sum, *c = &sum;
    server_sum_command(s, row->id, c);
    uint64_t execute_us = info_cycles_us(s, c->execute_cycles);
    uint64_t wait_us = info_cycles_us(s, c->wait_cycles);
    if (!c->calls && !c->rejected && !c->failed) return;
    text_add(t,
             "cmdstat_%s:calls=%lu,usec=%lu,usec_per_call=%.2f,rejected_calls=%lu,failed_calls=%lu",
             row->full_name, (unsigned long)c->calls, (unsigned long)execute_us,
             per_call(execute_us, c->calls), (unsigned long)c->rejected, (unsigned long)c->failed);
    text_add(t, ",wait_usec=%lu,wait_usec_per_call=%.2f,usec_max=%lu,wait_usec_max=%lu\r\n",
             (unsigned long)wait_us, per_call(wait_us, c->calls),
             (unsigned long)info_cycles_us(s, c->execute_cycles_max),
             (unsigned long)info_cycles_us(s, c->wait_cycles_max));
}

void info_commandstats(struct text *t, const struct info *info)
{
    for (uint32_t id = 0; id < command_count(); id++)
        add_command(t, info->server, command_by_id((uint16_t)id));
}

enum { ERROR_CODES = sizeof(((struct server *)0)->error_stats) / sizeof(struct error_stat) };

// As within one shard: codes beyond so many are left out.
static void add_error(struct error_stat *sum, uint32_t *count, const struct error_stat *e)
{
    uint32_t i = 0;
    while (i < *count && strcmp(sum[i].code, e->code) != 0) i++;
    if (i == ERROR_CODES) return;
    if (i == *count) {
        sum[i] = *e;
        ++*count;
    } else {
        sum[i].count += e->count;
    }
}

void info_errorstats(struct text *t, const struct info *info)
{
    struct error_stat sum[ERROR_CODES];
    uint32_t count = 0;
    for (uint32_t i = 0; i < server_peer_count(info->server); i++) {
        const struct server *peer = server_peer(info->server, i);
        for (uint32_t e = 0; e < peer->error_stat_count; e++)
            add_error(sum, &count, &peer->error_stats[e]);
    }
    for (uint32_t i = 0; i < count; i++)
        text_add(t, "errorstat_%s:count=%lu\r\n", sum[i].code, (unsigned long)sum[i].count);
}

// percentiles: "50 99 99.9", the numbers in the form that names them.
static void add_percentiles(struct text *t, struct server *s, const struct command *row,
                            const char *percentiles)
{
    struct command_latency sum, *h = &sum;
    if (!command_latency_sum(s, row->id, h)) return;
    text_add(t, "latency_percentiles_usec_%s:", row->full_name);
    for (const char *at = percentiles; *at;) {
        size_t size = strcspn(at, " ");
        uint64_t cycles = command_latency_percentile(h, strtod(at, NULL));
        double us = (double)clock_tsc_to_ns(s->clock, cycles) / 1000;
        text_add(t, "%sp%.*s=%.3f", at == percentiles ? "" : ",", (int)size, at, us);
        at += size + (at[size] == ' ');
    }
    text_add(t, "\r\n");
}

void info_latencystats(struct text *t, const struct info *info)
{
    struct server *s = info->server;
    if (!s->settings->latency_tracking || !s->clock) return;
    for (uint32_t id = 0; id < command_count(); id++)
        add_percentiles(t, s, command_by_id((uint16_t)id), s->settings->latency_percentiles);
}
