// info_commands.c: INFO's sections with a line per command or kind of error: commandstats,
// latencystats, errorstats.
#include <stdlib.h>
#include <string.h>
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/info_priv.h"

static double per_call(uint64_t us, uint64_t calls)
{
    return calls ? (double)us / (double)calls : 0;
}

// Redis's fields first; how long requests had waited before they ran comes behind them.
static void add_command(struct text *t, const struct server *s, const struct command *row)
{
    const struct command_tally *c = &s->tally->commands[row->id];
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

void info_commandstats(struct text *t, struct call *call)
{
    for (uint32_t id = 0; id < command_count(); id++)
        add_command(t, call->server, command_by_id((uint16_t)id));
}

void info_errorstats(struct text *t, struct call *call)
{
    const struct server *s = call->server;
    for (uint32_t i = 0; i < s->error_stat_count; i++)
        text_add(t, "errorstat_%s:count=%lu\r\n", s->error_stats[i].code,
                 (unsigned long)s->error_stats[i].count);
}

// percentiles: "50 99 99.9", the numbers in the form that names them.
static void add_percentiles(struct text *t, const struct server *s, const struct command *row,
                            const char *percentiles)
{
    const struct command_latency *h = s->command_latencies.by_id[row->id];
    if (!h) return;
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

void info_latencystats(struct text *t, struct call *call)
{
    const struct server *s = call->server;
    if (!s->settings->latency_tracking || !s->clock) return;
    for (uint32_t id = 0; id < command_count(); id++)
        add_percentiles(t, s, command_by_id((uint16_t)id), s->settings->latency_percentiles);
}
