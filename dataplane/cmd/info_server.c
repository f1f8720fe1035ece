// info_server.c: INFO's sections about the process: server, cpu, replication, cluster.
#include <stdio.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/node.h"

static const char *supervision_name(int64_t supervised)
{
    static const char *const names[] = { "no", "upstart", "systemd", "unknown" };
    return supervised >= 0 && supervised < 4 ? names[supervised] : "no";
}

static void add_build(struct text *t, const struct clock *clock)
{
    struct utsname name;
    uint64_t ticks_per_us = clock ? clock->tsc_hz / 1000000 : 0;
    uname(&name);
    text_add(t, "redis_version:%s\r\npenstock_version:%s\r\n", SERVER_REDIS_VERSION,
             PENSTOCK_VERSION);
    text_add(t, "redis_git_sha1:00000000\r\nredis_git_dirty:0\r\nredis_build_id:0\r\n");
    text_add(t, "redis_mode:standalone\r\nos:%s %s %s\r\narch_bits:%u\r\n", name.sysname,
             name.release, name.machine, (unsigned)(8 * sizeof(void *)));
    text_add(t,
             "monotonic_clock:X86 TSC @ %lu ticks/us\r\nmultiplexing_api:io_uring\r\n"
             "atomicvar_api:c11-builtin\r\ngcc_version:%d.%d.%d\r\n",
             (unsigned long)ticks_per_us, __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
}

// The process that runs commands is what Redis's pid is; the control process is shown beside it.
static void add_process(struct text *t, const struct server *s)
{
    const struct region_control *control = s->region ? s->region->control : NULL;
    uint64_t up_s = (s->now_ms - s->started_wall_ms) / 1000;
    text_add(t, "process_id:%d\r\npenstock_control_process_id:%u\r\n", (int)getpid(),
             control ? control->pid : 0);
    text_add(t, "penstock_dataplane_restarts:%u\r\nprocess_supervised:%s\r\nrun_id:%s\r\n",
             control ? control->dataplane_restarts : 0, supervision_name(s->settings->supervised),
             control && control->run_id[0] ? control->run_id
                                           : "0000000000000000000000000000000000000000");
    text_add(t, "tcp_port:%ld\r\nserver_time_usec:%lu\r\n",
             (long)(s->tcp_port ? s->tcp_port : s->tls_port), (unsigned long)clock_wall_us());
    text_add(t, "uptime_in_seconds:%lu\r\nuptime_in_days:%lu\r\n", (unsigned long)up_s,
             (unsigned long)(up_s / 86400));
}

static void add_listener(struct text *t, uint32_t index, const char *name, int64_t port,
                         const struct settings *settings)
{
    if (port == 0) return;
    text_add(t, "listener%u:name=%s", index, name);
    for (uint32_t i = 0; i < settings->bind.count; i++)
        text_add(t, ",bind=%s", settings->bind.words[i]);
    text_add(t, ",port=%ld\r\n", (long)port);
}

// Each kind has a number of its own, as in Redis.
static void add_listeners(struct text *t, const struct settings *settings)
{
    add_listener(t, 0, "tcp", settings->port, settings);
    if (settings->unixsocket[0])
        text_add(t, "listener1:name=unix,bind=%s\r\n", settings->unixsocket);
    add_listener(t, 2, "tls", settings->tls_port, settings);
}

void info_server(struct text *t, const struct info *info)
{
    const struct server *s = info->server;
    const struct region_control *control = s->region ? s->region->control : NULL;
    add_build(t, s->clock);
    add_process(t, s);
    text_add(t, "hz:%ld\r\nconfigured_hz:%ld\r\nlru_clock:%lu\r\n", (long)s->settings->hz,
             (long)s->settings->hz, (unsigned long)(s->now_ms / 1000 & 0xffffff));
    text_add(t, "executable:%s\r\nconfig_file:%s\r\nio_threads_active:0\r\n",
             control ? control->executable : "", control ? control->config_file : "");
    add_listeners(t, s->settings);
}

void info_cpu(struct text *t, const struct info *info)
{
    struct rusage self, thread;
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_THREAD, &thread);
    text_add(t, "used_cpu_sys:%ld.%06ld\r\nused_cpu_user:%ld.%06ld\r\n", self.ru_stime.tv_sec,
             self.ru_stime.tv_usec, self.ru_utime.tv_sec, self.ru_utime.tv_usec);
    text_add(t, "used_cpu_sys_children:0.000000\r\nused_cpu_user_children:0.000000\r\n"); // no fork
    text_add(t, "used_cpu_sys_main_thread:%ld.%06ld\r\nused_cpu_user_main_thread:%ld.%06ld\r\n",
             thread.ru_stime.tv_sec, thread.ru_stime.tv_usec, thread.ru_utime.tv_sec,
             thread.ru_utime.tv_usec);
}

// A primary that nobody copies from yet. Its replication id is made with replication.
void info_replication(struct text *t, const struct info *info)
{
    static const char none[] = "0000000000000000000000000000000000000000";
    text_add(t,
             "role:master\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\n"
             "master_replid:%s\r\nmaster_replid2:%s\r\n",
             none, none);
    text_add(t, "master_repl_offset:0\r\nsecond_repl_offset:-1\r\nrepl_backlog_active:0\r\n");
    char size[64];
    const struct setting_row *row = setting_find(BYTES_LITERAL("repl-backlog-size"));
    size_t digits = setting_text(info->server->settings, row, size, sizeof size);
    text_add(t,
             "repl_backlog_size:%.*s\r\nrepl_backlog_first_byte_offset:0\r\n"
             "repl_backlog_histlen:0\r\n",
             (int)digits, size);
}

void info_cluster(struct text *t, const struct info *info) { text_add(t, "cluster_enabled:0\r\n"); }

struct database_sums {
    uint64_t keys, expires, ttl_ms; // of each key with a deadline
};

static void sum_database(struct server *s, uint32_t db, struct database_sums *out)
{
    *out = (struct database_sums){ 0 };
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        const struct keyspace *k = server_peer(s, i)->keyspace;
        uint64_t expires = keyspace_deadline_count(k, db);
        out->keys += keyspace_size(k, db);
        out->expires += expires;
        out->ttl_ms += expires * keyspace_average_ttl_ms(k, db, s->now_ms);
    }
}

void info_keyspace(struct text *t, const struct info *info)
{
    for (int64_t i = 0; i < info->server->settings->databases; i++) {
        struct database_sums sum;
        sum_database(info->server, (uint32_t)i, &sum);
        if (sum.keys == 0 && sum.expires == 0) continue;
        text_add(t, "db%u:keys=%lu,expires=%lu,avg_ttl=%lu\r\n", (uint32_t)i,
                 (unsigned long)sum.keys, (unsigned long)sum.expires,
                 (unsigned long)(sum.expires ? sum.ttl_ms / sum.expires : 0));
    }
}
