#include "tools/bench/compare.h"
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/bench/child.h"

enum { REDIS, PENSTOCK, SERVER_COUNT };

static const char *const server_names[SERVER_COUNT] = { "redis-server", "penstock" };

// One row of the result, a value per server and round.
enum measure {
    RATE,
    CPU_US,
    SYSTEM_SHARE,
    SERVER_SHARE,
    P50_US,
    P99_US,
    P999_US,
    GENERATOR_SHARE,
    GENERATOR_SWITCHES,
    MEASURE_COUNT
};

static const struct {
    const char *text, *json;
    bool has_ratio;
} measures[MEASURE_COUNT] = {
    { "requests per second", "rate", true },
    { "server CPU us per request", "cpu_us_per_request", true },
    { "  system share of it", "server_system_share", false },
    { "server's share of its core", "server_cpu_share", false },
    { "p50 us", "p50_us", true },
    { "p99 us", "p99_us", true },
    { "p99.9 us", "p999_us", true },
    { "generator's share of its core", "generator_cpu_share", false },
    { "generator's involuntary switches", "generator_involuntary_switches", false },
};

struct compare {
    struct options options; // of one run
    struct child servers[SERVER_COUNT];
    uint32_t rounds;
    uint64_t errors;
    double *values[MEASURE_COUNT][SERVER_COUNT];
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double compare_median(double *values, uint32_t count)
{
    if (count == 0) return 0;
    qsort(values, count, sizeof *values, by_value);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

// ---- servers

static void penstock_path(const struct options *o, char *out, size_t size)
{
    char self[PATH_MAX];
    ssize_t got = readlink("/proc/self/exe", self, sizeof self - 1);
    self[got > 0 ? got : 0] = 0;
    if (o->penstock_path)
        snprintf(out, size, "%s", o->penstock_path);
    else
        snprintf(out, size, "%s/penstock", dirname(self));
}

static void add_common(struct child *c)
{
    char port[8];
    snprintf(port, sizeof port, "%u", c->port);
    child_add_words(c, "--bind 127.0.0.1 --save '' --appendonly no --port");
    child_add(c, port);
    child_add(c, "--dir");
    child_add(c, c->directory);
}

static bool start_servers(struct compare *k, const struct options *o,
                          const volatile sig_atomic_t *stop)
{
    char path[PATH_MAX + 16], core[16];
    struct child *redis = &k->servers[REDIS], *penstock = &k->servers[PENSTOCK];
    if (!child_init(redis) || !child_init(penstock)) return false;
    child_add(redis, o->redis_path);
    add_common(redis);
    child_add_words(redis, "--io-threads 1");
    child_add_words(redis, o->redis_args);
    penstock_path(o, path, sizeof path);
    child_add(penstock, path);
    add_common(penstock);
    snprintf(core, sizeof core, "%ld", (long)o->server_core);
    child_add(penstock, "--core");
    child_add(penstock, core);
    child_add_words(penstock, o->penstock_args);
    for (uint32_t i = 0; i < SERVER_COUNT; i++) {
        if (child_start(&k->servers[i], o->server_core) && child_wait_ready(&k->servers[i], stop))
            continue;
        fprintf(stderr, "penstock-bench: %s (%s) did not start; it said:\n", server_names[i],
                k->servers[i].words[0]);
        char command_output[128], line[512];
        snprintf(command_output, sizeof command_output, "%s/output", k->servers[i].directory);
        FILE *f = fopen(command_output, "re");
        while (f && fgets(line, sizeof line, f)) fputs(line, stderr);
        if (f) fclose(f);
        return false;
    }
    return true;
}

// ---- rounds

static void keep(struct compare *k, uint32_t server, uint32_t round, const struct run_report *r)
{
    const struct usage *u = &r->server;
    const double row[MEASURE_COUNT] = {
        [RATE] = report_rate(&r->load),
        [CPU_US] = report_server_us(r),
        [SYSTEM_SHARE] = u->cpu_ns ? (double)u->system_ns / (double)u->cpu_ns : 0,
        [SERVER_SHARE] = usage_share(u),
        [P50_US] = (double)histogram_quantile(&r->load.latency, 0.5) / 1e3,
        [P99_US] = (double)histogram_quantile(&r->load.latency, 0.99) / 1e3,
        [P999_US] = (double)histogram_quantile(&r->load.latency, 0.999) / 1e3,
        [GENERATOR_SHARE] = usage_share(&r->generator),
        [GENERATOR_SWITCHES] = (double)r->generator.involuntary_switches,
    };
    for (uint32_t m = 0; m < MEASURE_COUNT; m++) k->values[m][server][round] = row[m];
}

static bool run_one(struct compare *k, uint32_t server, bool fill_only, uint32_t round,
                    const volatile sig_atomic_t *stop)
{
    char error[256];
    struct run_report *r = calloc(1, sizeof *r);
    struct options o = k->options;
    if (!r) return false;
    o.port = k->servers[server].port;
    o.server_pid = (uint64_t)k->servers[server].pid;
    o.fill_only = fill_only;
    bool done = run_load(&o, r, stop, error, sizeof error);
    if (!done) fprintf(stderr, "penstock-bench: %s: %s\n", server_names[server], error);
    k->errors += r->load.errors;
    if (r->load.errors)
        fprintf(stderr, "penstock-bench: %s: %lu errors, the first: %s\n", server_names[server],
                (unsigned long)r->load.errors, r->load.first_error);
    if (done && !fill_only && !*stop) {
        keep(k, server, round, r);
        if (!o.quiet)
            fprintf(stderr, "round %u  %-13s %10.0f req/s  %7.3f CPU us per request\n", round + 1,
                    server_names[server], k->values[RATE][server][round],
                    k->values[CPU_US][server][round]);
    }
    free(r);
    return done && !*stop;
}

static bool run_rounds(struct compare *k, const volatile sig_atomic_t *stop)
{
    for (uint32_t server = 0; server < SERVER_COUNT; server++)
        if (!run_one(k, server, true, 0, stop)) return false;
    for (uint32_t round = 0; round < k->rounds; round++)
        for (uint32_t i = 0; i < SERVER_COUNT; i++) // A B, B A, ...: neither is always the first
            if (!run_one(k, (i + round) % SERVER_COUNT, false, round, stop)) return false;
    return true;
}

// ---- results

static void print_text(const struct compare *k, double medians[MEASURE_COUNT][SERVER_COUNT])
{
    const struct options *o = &k->options;
    printf(
        "%lu connections, pipeline %lu, %lu keys of %lu B, values of %s B, %.0f %% GET; medians of "
        "%u alternating runs of %.1f s\n",
        (unsigned long)o->connections, (unsigned long)o->pipeline, (unsigned long)o->keys,
        (unsigned long)o->key_bytes, o->sizes_text, o->read_ratio * 100, k->rounds, o->duration_s);
    printf("%-34s %14s %14s %10s\n", "", server_names[REDIS], server_names[PENSTOCK], "ratio");
    for (uint32_t m = 0; m < MEASURE_COUNT; m++) {
        printf("%-34s %14.3f %14.3f", measures[m].text, medians[m][REDIS], medians[m][PENSTOCK]);
        if (measures[m].has_ratio && medians[m][REDIS] > 0)
            printf(" %9.3fx", medians[m][PENSTOCK] / medians[m][REDIS]);
        printf("\n");
    }
    if (k->errors) printf("%lu ERRORS\n", (unsigned long)k->errors);
}

static void print_json(FILE *out, const struct compare *k,
                       double medians[MEASURE_COUNT][SERVER_COUNT])
{
    fprintf(out, "{\n  \"rounds\": %u, \"errors\": %lu", k->rounds, (unsigned long)k->errors);
    for (uint32_t m = 0; m < MEASURE_COUNT; m++) {
        fprintf(out, ",\n  \"%s\": {", measures[m].json);
        for (uint32_t server = 0; server < SERVER_COUNT; server++) {
            fprintf(out, "\"%s\": {\"median\": %.4f, \"runs\": [", server_names[server],
                    medians[m][server]);
            for (uint32_t i = 0; i < k->rounds; i++) // sorted by now
                fprintf(out, "%s%.4f", i ? ", " : "", k->values[m][server][i]);
            fprintf(out, "]}, ");
        }
        double base = medians[m][REDIS];
        fprintf(out, "\"ratio\": %.4f}", base > 0 ? medians[m][PENSTOCK] / base : 0);
    }
    fprintf(out, "\n}\n");
}

static void print_results(struct compare *k, FILE *json)
{
    double medians[MEASURE_COUNT][SERVER_COUNT];
    for (uint32_t m = 0; m < MEASURE_COUNT; m++)
        for (uint32_t server = 0; server < SERVER_COUNT; server++)
            medians[m][server] = compare_median(k->values[m][server], k->rounds);
    if (json) print_json(json, k, medians);
    if (json != stdout) print_text(k, medians);
}

static bool open_values(struct compare *k)
{
    for (uint32_t m = 0; m < MEASURE_COUNT; m++)
        for (uint32_t server = 0; server < SERVER_COUNT; server++) {
            k->values[m][server] = calloc(k->rounds, sizeof(double));
            if (!k->values[m][server]) return false;
        }
    return true;
}

static void close_compare(struct compare *k)
{
    for (uint32_t server = 0; server < SERVER_COUNT; server++) {
        child_stop(&k->servers[server]);
        for (uint32_t m = 0; m < MEASURE_COUNT; m++) free(k->values[m][server]);
    }
    free(k);
}

int compare_run(const struct options *o, FILE *json, const volatile sig_atomic_t *stop)
{
    int code = EXIT_NOT_STARTED;
    struct compare *k = calloc(1, sizeof *k);
    if (!k) return code;
    k->options = *o;
    k->rounds = (uint32_t)o->rounds;
    k->options.host = "127.0.0.1";
    k->options.socket_path = NULL;
    k->options.devargs = NULL;
    if (open_values(k) && start_servers(k, o, stop) && run_rounds(k, stop)) {
        print_results(k, json);
        code = k->errors ? EXIT_ERRORS : EXIT_GOOD;
    }
    close_compare(k);
    return code;
}
