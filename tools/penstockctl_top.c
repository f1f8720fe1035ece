// top: the ledger, live: where cycles, memory and bytes go between two looks at the region.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "dataplane/base/clock.h"
#include "tools/penstockctl_instance.h"
#include "tools/penstockctl_print.h"

struct view {
    const struct instance *instance;
    const struct sample *from, *to;
    double seconds; // between the two
    double hz;
};

static double per_second(const struct view *v, uint64_t from, uint64_t to)
{
    return to < from ? 0 : (double)(to - from) / v->seconds; // less: CONFIG RESETSTAT in between
}
#define RATE(v, field) per_second(v, (v)->from->tally.field, (v)->to->tally.field)

// Shares of the cycles that passed on all shards together. What no account explains is shown: an
// account is closed when the next opens, so a shard that slept all the while shows it here.
static void print_cycles(struct print *p, const struct view *v)
{
    double passed = (double)(v->to->tsc - v->from->tsc) * v->instance->region.shard_count;
    double explained = 0;
    char line[64];
    print_group(p, p->json ? "cycles_percent" : "cycles");
    for (int a = 0; a <= CYCLE_ACCOUNT_COUNT; a++) {
        bool rest = a == CYCLE_ACCOUNT_COUNT;
        // Signed: what idle was booked too much goes back from it.
        int64_t spent = rest ? 0 : (int64_t)(v->to->tally.cycles[a] - v->from->tally.cycles[a]);
        explained += (double)spent;
        double percent = 100 * (rest ? passed - explained : (double)spent) / passed;
        const char *name = rest ? "unexplained" : cycle_account_names[a];
        if (p->json)
            print_number(p, name, percent, 3);
        else if (fabs(percent) >= 0.005) {
            snprintf(line, sizeof line, "%7.2f %%", percent);
            print_text(p, name, line);
        }
    }
    print_group_end(p);
}

static void print_requests(struct print *p, const struct view *v)
{
    uint64_t calls = 0, wait = 0, execute = 0;
    for (int c = 0; c < COMMAND_TALLY_MAX; c++) {
        const struct command_tally *a = &v->from->tally.commands[c];
        const struct command_tally *b = &v->to->tally.commands[c];
        if (b->calls < a->calls) continue; // reset in between
        calls += b->calls - a->calls;
        wait += b->wait_cycles - a->wait_cycles;
        execute += b->execute_cycles - a->execute_cycles;
    }
    double us = calls ? 1e6 / v->hz / (double)calls : 0;
    print_group(p, "requests");
    print_number(p, "requests_per_s", RATE(v, commands_processed), 1);
    print_number(p, "wait_us_mean", (double)wait * us, 3);
    print_number(p, "execute_us_mean", (double)execute * us, 3);
    print_number(p, "execute_us_max", (double)v->to->tally.execute_cycles_max * 1e6 / v->hz, 1);
    print_number(p, "turn_us_max", (double)v->to->tally.turn_cycles_max * 1e6 / v->hz, 1);
    print_number(p, "turns_per_s", RATE(v, turns), 1);
    print_number(p, "errors_per_s", RATE(v, error_replies), 1);
    print_number(p, "hits_per_s", RATE(v, keyspace_hits), 1);
    print_number(p, "misses_per_s", RATE(v, keyspace_misses), 1);
    print_number(p, "expired_per_s", RATE(v, expired_keys), 1);
    print_number(p, "evicted_per_s", RATE(v, evicted_keys), 1);
    print_count(p, "connected_clients", v->to->tally.connected_clients);
    print_count(p, "keys", v->to->tally.keys);
    print_group_end(p);
}

static void print_amount(struct print *p, const char *name, double bytes)
{
    char size[32];
    if (p->json)
        print_number(p, name, bytes, 0);
    else if (bytes > 0)
        print_text(p, name, print_size(size, bytes));
}

static void print_memory(struct print *p, const struct view *v)
{
    const struct shard_tally *t = &v->to->tally;
    uint64_t owned = 0;
    print_group(p, p->json ? "memory_bytes" : "memory");
    for (int o = 0; o < HEAP_OWNER_COUNT; o++) {
        owned += t->heap_bytes[o];
        print_amount(p, heap_owner_names[o], (double)t->heap_bytes[o]);
    }
    print_amount(p, "allocator_slack",
                 t->heap_resident > owned ? (double)(t->heap_resident - owned) : 0);
    print_amount(p, "resident", (double)t->heap_resident);
    print_amount(p, "peak", (double)t->heap_peak);
    print_group_end(p);
}

static void print_traffic(struct print *p, const struct view *v)
{
    print_group(p, p->json ? "traffic_bytes_per_s" : "traffic per second");
    print_amount(p, "received", RATE(v, net_input_bytes));
    print_amount(p, "sent", RATE(v, net_output_bytes));
    print_amount(p, "sent_clients", RATE(v, sent_client_bytes));
    print_amount(p, "sent_pubsub", RATE(v, sent_pubsub_bytes));
    print_amount(p, "sent_replicas", RATE(v, sent_replica_bytes));
    print_amount(p, "disk_log", RATE(v, log_bytes));
    print_amount(p, "disk_snapshot", RATE(v, snapshot_bytes));
    print_group_end(p);
}

// With one shard the sums say it all.
static void print_shards(struct print *p, const struct view *v)
{
    struct shard_row rows[REGION_SHARDS_MAX];
    uint32_t count = v->instance->region.shard_count;
    if (count == 1 && !p->json) return;
    instance_rows(v->instance, v->from, v->to, rows);
    shard_rows_print(p, rows, count, NULL);
}

static void print_view(const struct view *v, bool json)
{
    struct print p;
    const struct instance *i = v->instance;
    print_open(&p, stdout, json);
    print_text(&p, "instance", i->region.name);
    print_text(&p, "state", instance_state_name(i));
    print_count(&p, "dataplane_restarts", i->region.control->dataplane_restarts);
    print_number(&p, "interval_s", v->seconds, 2);
    print_shards(&p, v);
    print_cycles(&p, v);
    print_requests(&p, v);
    print_memory(&p, v);
    print_traffic(&p, v);
    print_close(&p);
    fflush(stdout);
}

static bool look_again(struct instance *i)
{
    i->control_alive = region_role_is_alive(&i->region, REGION_CONTROL);
    i->dataplane_alive = region_role_is_alive(&i->region, REGION_DATAPLANE);
    return i->control_alive || i->dataplane_alive;
}

static enum ctl_exit watch(struct instance *i, const struct ctl_options *o, struct sample *samples)
{
    bool screen = !o->once && !o->json && isatty(STDOUT_FILENO);
    struct view v = { .instance = i, .hz = instance_tsc_hz(i) };
    instance_sample(i, &samples[0]);
    for (int turn = 1;; turn++) {
        instance_pause(o->interval_s);
        if (!look_again(i)) {
            ctl_complain("the instance has stopped");
            return CTL_NOT_RUNNING;
        }
        v.from = &samples[(turn + 1) & 1];
        v.to = &samples[turn & 1];
        instance_sample(i, &samples[turn & 1]);
        v.seconds = (double)(v.to->tsc - v.from->tsc) / v.hz;
        if (screen) fputs("\033[H\033[2J", stdout);
        if (!screen && turn > 1 && !o->json) putchar('\n');
        print_view(&v, o->json);
        if (o->once || ferror(stdout)) return CTL_OK;
    }
}

enum ctl_exit ctl_top(const struct ctl_options *o, int argc, char **argv)
{
    struct instance i;
    (void)argv;
    if (argc != 0) {
        ctl_complain("top takes no arguments");
        return CTL_USAGE;
    }
    enum ctl_exit result = instance_open(&i, o);
    if (result != CTL_OK) return result;
    struct sample *samples = calloc(2, sizeof *samples);
    result = samples ? watch(&i, o, samples) : CTL_BROKEN;
    free(samples);
    instance_close(&i);
    return result;
}
