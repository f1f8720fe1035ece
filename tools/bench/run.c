#include "tools/bench/run.h"
#include <errno.h>
#include <sched.h>
#include <string.h>
#include "tools/bench/nic_load.h"
#include "tools/bench/sock_load.h"

enum { DRAIN_MS = 3000 };

bool run_pin(int64_t core)
{
    cpu_set_t set;
    if (core < 0) return true;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

// What is read at both edges of the measured time.
struct edges {
    pid_t server; // 0: none
    struct usage server_begin, server_end, begin, end;
    bool server_was_there;
};

static void edge_begin(void *context)
{
    struct edges *e = context;
    e->server_was_there = e->server && usage_of_tree(e->server, &e->server_begin) == OK;
    usage_of_this_thread(&e->begin);
}

static void edge_end(void *context)
{
    struct edges *e = context;
    usage_of_this_thread(&e->end);
    if (e->server_was_there) e->server_was_there = usage_of_tree(e->server, &e->server_end) == OK;
}

static struct workload_config workload_config_of(const struct options *o)
{
    return (struct workload_config){ .key_count = o->keys,
                                     .key_bytes = (uint32_t)o->key_bytes,
                                     .zipf_theta = o->theta,
                                     .sizes = o->sizes,
                                     .read_ratio = o->read_ratio,
                                     .command = o->command,
                                     .seed = o->seed,
                                     .expire_at_ms = o->expire_at_ms,
                                     .expire_spread_ms = (uint32_t)o->expire_spread_ms,
                                     .steer_shards = (uint32_t)o->steer };
}

static struct load_config load_config_of(const struct options *o)
{
    return (struct load_config){ .connection_count = (uint32_t)o->connections,
                                 .pipeline = (uint32_t)o->pipeline,
                                 .rate = o->rate,
                                 .is_poisson = o->is_poisson,
                                 .tick_ns = o->tick_us * 1000,
                                 .warm_up_ns = (uint64_t)(o->warm_up_s * 1e9),
                                 .duration_ns = (uint64_t)(o->duration_s * 1e9),
                                 .request_count = o->requests,
                                 .fill = o->fill,
                                 .fill_only = o->fill_only,
                                 .verify = o->verify,
                                 .require_hits = o->require_hits,
                                 .user = o->user,
                                 .password = o->password,
                                 .drain_ns = DRAIN_MS * 1000000ull };
}

static bool carry(const struct options *o, struct load *l, struct run_report *report,
                  const volatile sig_atomic_t *stop, char *error, uint32_t error_bytes)
{
    struct progress progress;
    progress_init(&progress, o->quiet, o->progress);
    if (o->devargs) return nic_load_run(l, o, &progress, stop, report, error, error_bytes);
    struct sock_target target = { o->host, (uint16_t)o->port, o->socket_path, o->ca_file };
    snprintf(report->transport, sizeof report->transport, "%s",
             o->socket_path ? "unix socket" : "socket");
    return sock_load_run(l, &target, &progress, stop, error, error_bytes);
}

bool run_load(const struct options *o, struct run_report *report, const volatile sig_atomic_t *stop,
              char *error, uint32_t error_bytes)
{
    struct load load;
    struct workload workload;
    struct edges edges = { .server = (pid_t)o->server_pid };
    struct workload_config workload_config = workload_config_of(o);
    struct load_config load_config = load_config_of(o);
    bool done = false;
    snprintf(error, error_bytes,
             o->steer ? "out of memory, or a shard without keys" : "out of memory");
    if (workload_open(&workload, &workload_config) != OK) return false;
    if (load_open(&load, &load_config, &workload, &report->load) == OK) {
        load.hooks = (struct load_hooks){ edge_begin, edge_end, &edges };
        done = carry(o, &load, report, stop, error, error_bytes);
        load_close(&load);
    }
    workload_close(&workload);
    report->generator = usage_between(&edges.begin, &edges.end);
    report->has_server = edges.server_was_there;
    report->server = usage_between(&edges.server_begin, &edges.server_end);
    if (done && edges.server && report->load.measured_ns && !edges.server_was_there) {
        snprintf(error, error_bytes, "--server-pid: that process is not there, or ended");
        return false;
    }
    return done;
}
