// latency_doctor.c: what LATENCY DOCTOR has to say: which events were seen, and what an operator of
// this server may do about each kind.
#include "dataplane/cmd/info_priv.h"
#include "dataplane/cmd/latency.h"
#include "dataplane/cmd/node.h"

static void add_event(struct text *out, uint32_t number, const char *name,
                      const struct latency_series *series, uint32_t now_s)
{
    struct latency_summary s;
    latency_summarize(series, now_s, &s);
    text_add(out,
             "%u. %s: seen in %u seconds, average %u ms, mean deviation %u ms, one every %.2f s. "
             "The worst so far: %u ms.\n",
             number, name, s.samples, s.average_ms, s.deviation_ms, s.period_s, s.all_time_ms);
}

static bool was_seen(struct server *s, enum latency_event event)
{
    for (uint32_t i = 0; i < server_peer_count(s); i++)
        if (server_peer(s, i)->latency.series[event]) return true;
    return false;
}

// Of any shard.
static uint32_t worst_ms(struct server *s, enum latency_event event)
{
    struct latency_series series;
    return latency_merge(s, event, &series) ? series.max_ms : 0;
}

static void advise_on_commands(struct text *out, struct server *s)
{
    const struct settings *f = s->settings;
    int64_t worst_us = 0;
    for (uint32_t i = LATENCY_COMMAND; i <= LATENCY_FAST_COMMAND; i++)
        if (worst_ms(s, (enum latency_event)i) * 1000ll > worst_us)
            worst_us = worst_ms(s, (enum latency_event)i) * 1000ll;
    if (f->slowlog_log_slower_than < 0 || f->slowlog_max_len == 0)
        text_add(out, "- SLOWLOG is switched off. Switch it on to see which commands they were: "
                      "CONFIG SET slowlog-log-slower-than 1000 slowlog-max-len 128.\n");
    else if (f->slowlog_log_slower_than > worst_us)
        text_add(out,
                 "- SLOWLOG has not seen them: its threshold is %ld us, and the worst of these "
                 "commands took %ld us. CONFIG SET slowlog-log-slower-than lower.\n",
                 (long)f->slowlog_log_slower_than, (long)worst_us);
    else
        text_add(out, "- Look into SLOWLOG GET for the commands. Its field 7 tells how long each "
                      "had waited and field 8 how long it ran, in microseconds.\n");
    text_add(out, "- KEYS, SMEMBERS, SORT, DEL, FLUSHALL and their like are cut into slices here "
                  "and hold nobody up, however large the value: their time is the sum of their "
                  "slices. What does hold the core is one script, one transaction, or one command "
                  "with very many arguments: cut those up.\n");
}

static void advise_on_waits(struct text *out, const struct server *s)
{
    text_add(out, "- Requests waited before they ran. If SLOWLOG shows a command of that time with "
                  "a long execution, they waited for that one; if not, the core had more to do "
                  "than it can, or was taken away: compare time_idle and time_execute in INFO "
                  "ledger.\n");
    if (s->settings->core < 0)
        text_add(out, "- The shard has no core of its own: the directive core pins it, and the "
                      "kernel can be kept off that core (isolcpus, nohz_full).\n");
    if (!s->settings->busy_poll)
        text_add(out, "- The shard sleeps when it is idle. busy-poll yes spares requests the time "
                      "it takes the kernel to wake it.\n");
}

static void advise_on_turns(struct text *out, struct server *s)
{
    uint64_t slice = 0, execute = 0;
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        const struct shard_tally *t = server_peer(s, i)->tally;
        if (t->slice_cycles_max > slice) slice = t->slice_cycles_max;
        if (t->execute_cycles_max > execute) execute = t->execute_cycles_max;
    }
    text_add(out,
             "- A turn of the loop took long. The longest slice of shared work so far was %lu us, "
             "the longest command %lu us: what is above both was time in which the kernel or a "
             "hypervisor let something else run. Look for steal time and for other processes on "
             "this core.\n",
             (unsigned long)info_cycles_us(s, slice), (unsigned long)info_cycles_us(s, execute));
}

static void advise_on_keyspace(struct text *out, struct server *s)
{
    if (was_seen(s, LATENCY_EVICTION_CYCLE) || was_seen(s, LATENCY_EVICTION_DEL))
        text_add(out, "- Keys had to be evicted to keep to maxmemory. Room is made in slices of "
                      "250 us; if it took longer, something took the core away, or those who "
                      "listen for evicted events are many. More memory, or deadlines on the keys, "
                      "spare the evictions.\n");
    if (was_seen(s, LATENCY_EXPIRE_CYCLE) || was_seen(s, LATENCY_EXPIRE_DEL))
        text_add(out, "- Many keys end at the same moment. Spread their deadlines by a random "
                      "part, and see whether all who listen for expired events need to.\n");
    if (was_seen(s, LATENCY_DEFRAG))
        text_add(out, "- Active defragmentation held the core for longer than its slice of 250 us. "
                      "CONFIG SET active-defrag-cycle-max lower gives it less time.\n");
}

void latency_report(struct text *out, struct server *s)
{
    uint32_t seen = 0;
    if (s->settings->latency_monitor_threshold == 0) {
        text_add(out, "The latency monitor is off, so there is nothing to look at. CONFIG SET "
                      "latency-monitor-threshold <milliseconds> switches it on; take the time that "
                      "your clients would notice.\n");
        return;
    }
    for (uint32_t i = 0; i < LATENCY_EVENT_COUNT; i++) {
        struct latency_series series;
        if (!latency_merge(s, (enum latency_event)i, &series)) continue;
        if (!seen) text_add(out, "Events above the threshold were seen:\n\n");
        add_event(out, ++seen, latency_event_names[i], &series, (uint32_t)(s->now_ms / 1000));
    }
    if (!seen) {
        text_add(out,
                 "Nothing took %ld ms or longer since the monitor was switched on or reset. "
                 "All is well.\n",
                 (long)s->settings->latency_monitor_threshold);
        return;
    }
    text_add(out, "\nWhat may help:\n\n");
    if (was_seen(s, LATENCY_COMMAND) || was_seen(s, LATENCY_FAST_COMMAND))
        advise_on_commands(out, s);
    if (was_seen(s, LATENCY_QUEUE_WAIT)) advise_on_waits(out, s);
    if (was_seen(s, LATENCY_TURN) || was_seen(s, LATENCY_SLICE)) advise_on_turns(out, s);
    advise_on_keyspace(out, s);
    text_add(out, "- Not to be looked for: this server never forks, so neither fork() nor "
                  "copy-on-write nor transparent huge pages explain any of it.\n");
}
