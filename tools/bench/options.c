#include "tools/bench/options.h"
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/bench/load.h"

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_COUNT, OPTION_CORE, OPTION_REAL };

struct option_row {
    const char *name, *letter;
    enum option_kind kind;
    uint32_t offset;
    double min, max;
    const char *argument, *help;
};

#define AT(field) offsetof(struct options, field)

static const struct option_row option_rows[] = {
    { "host", "-h", OPTION_TEXT, AT(host), 0, 0, "HOST", "server (127.0.0.1)" },
    { "port", "-p", OPTION_COUNT, AT(port), 1, 65535, "PORT", "its port (6379)" },
    { "socket", "-s", OPTION_TEXT, AT(socket_path), 0, 0, "PATH", "Unix socket in place of both" },
    { "cacert", NULL, OPTION_TEXT, AT(ca_file), 0, 0, "FILE",
      "TLS; the server's certificate is signed by one of these" },
    { "user", NULL, OPTION_TEXT, AT(user), 0, 0, "NAME", "user for AUTH" },
    { "password", "-a", OPTION_TEXT, AT(password), 0, 0, "WORD", "password for AUTH" },
    { "connections", "-c", OPTION_COUNT, AT(connections), 1, LOAD_CONNECTIONS_MAX, "N",
      "connections (50)" },
    { "pipeline", "-P", OPTION_COUNT, AT(pipeline), 1, LOAD_PIPELINE_MAX, "N",
      "requests of a batch (1); open loop: most unanswered ones of a connection" },
    { "keys", "-k", OPTION_COUNT, AT(keys), 1, KEYS_COUNT_MAX, "N", "keys (100000)" },
    { "key-size", NULL, OPTION_COUNT, AT(key_bytes), 1, KEY_BYTES_MAX, "BYTES", "of a key (16)" },
    { "values", "-v", OPTION_TEXT, AT(sizes_text), 0, 0, "SIZES",
      "value sizes: 64, 16:1024, or 64*70,1024*25,65536*5 with weights (64)" },
    { "distribution", NULL, OPTION_TEXT, AT(keys_text), 0, 0, "KIND",
      "of keys: uniform or zipf:THETA (uniform)" },
    { "reads", NULL, OPTION_REAL, AT(read_ratio), 0, 1, "RATIO", "share of GETs (0.5)" },
    { "type", "-t", OPTION_TEXT, AT(type), 0, 0, "get|set", "only this command" },
    { "command", NULL, OPTION_TEXT, AT(command), 0, 0, "WORDS",
      "this command in place of GET and SET; __rand_int__ and __data__ as redis-benchmark's" },
    { "steer", NULL, OPTION_COUNT, AT(steer), 1, HOMES_SHARDS_MAX, "N",
      "the server has N shards: a connection asks only for keys of the one it is on" },
    { "rate", "-r", OPTION_REAL, AT(rate), 0, 1e9, "N",
      "open loop: requests per second, latency from when they were due" },
    { "arrivals", NULL, OPTION_TEXT, AT(arrivals), 0, 0, "KIND",
      "open loop: fixed or poisson intervals (fixed)" },
    { "tick", NULL, OPTION_COUNT, AT(tick_us), 1, 1000000, "US",
      "open loop: sleep, do not spin; what is due within US leaves together at its end\n"
      "noise: how late a thread wakes that sleeps from tick to tick" },
    { "duration", "-d", OPTION_REAL, AT(duration_s), 0.001, 1e6, "SECONDS",
      "measured time (5; echo: until it is stopped)" },
    { "requests", "-n", OPTION_COUNT, AT(requests), 1, 1e15, "N", "in place of a duration" },
    { "warm-up", "-w", OPTION_REAL, AT(warm_up_s), 0, 1e6, "SECONDS",
      "before it (1; none with --requests)" },
    { "fill", NULL, OPTION_FLAG, AT(fill), 0, 0, NULL, "set every key once before" },
    { "fill-only", NULL, OPTION_FLAG, AT(fill_only), 0, 0, NULL, "set every key once, and end" },
    { "verify", NULL, OPTION_FLAG, AT(verify), 0, 0, NULL,
      "values that come back must be those that were set" },
    { "require-hits", NULL, OPTION_FLAG, AT(require_hits), 0, 0, NULL,
      "a missing key is an error" },
    { "expire-at", NULL, OPTION_TEXT, AT(expire_at), 0, 0, "MS[:SPREAD]",
      "SET with PXAT MS plus the key's index modulo SPREAD" },
    { "seed", NULL, OPTION_COUNT, AT(seed), 0, 1e18, "N", "of the requests' order (1)" },
    { "core", NULL, OPTION_CORE, AT(core), 0, 1023, "N", "pin the generator to this core" },
    { "server-pid", NULL, OPTION_COUNT, AT(server_pid), 1, 4194304, "PID",
      "tell the processor time that it and its descendants take per request" },
    { "json", NULL, OPTION_TEXT, AT(json_path), 0, 0, "FILE", "result as JSON; - for stdout" },
    { "quiet", "-q", OPTION_FLAG, AT(quiet), 0, 0, NULL, "no progress line" },
    { "progress", NULL, OPTION_FLAG, AT(progress), 0, 0, NULL,
      "progress lines off a terminal too" },
    { "devargs", NULL, OPTION_TEXT, AT(devargs), 0, 0, "DEVARGS",
      "load over this DPDK port and our own TCP" },
    { "eal-args", NULL, OPTION_TEXT, AT(eal_args), 0, 0, "WORDS", "further EAL arguments" },
    { "no-huge", NULL, OPTION_FLAG, AT(no_huge), 0, 0, NULL, "without hugepages" },
    { "memory", NULL, OPTION_COUNT, AT(memory_mb), 16, 65536, "MB", "of the EAL (256)" },
    { "frames", NULL, OPTION_COUNT, AT(frames), 512, 1e7, "N", "packet buffers (16384)" },
    { "descriptors", NULL, OPTION_COUNT, AT(descriptors), 64, 4096, "N", "of each queue (1024)" },
    { "mtu", NULL, OPTION_COUNT, AT(mtu), 576, 9698, "BYTES", "in place of the port's own" },
    { "software-checksum", NULL, OPTION_FLAG, AT(software_checksum), 0, 0, NULL,
      "ignore the port's offloads" },
    { "address", NULL, OPTION_TEXT, AT(address), 0, 0, "IP/LEN", "own address on that port" },
    { "target", NULL, OPTION_TEXT, AT(target), 0, 0, "IP[:PORT]", "the server's, seen from it" },
    { "gateway", NULL, OPTION_TEXT, AT(gateway), 0, 0, "IP", "next hop outside its network" },
    { "window", "-W", OPTION_COUNT, AT(window), 1, 4096, "N", "frames: frames in flight (64)" },
    { "frame-size", NULL, OPTION_COUNT, AT(frame_bytes), 60, 1514, "BYTES",
      "frames: of one frame (60)" },
    { "penstock", NULL, OPTION_TEXT, AT(penstock_path), 0, 0, "PATH",
      "compare: the penstock to start (beside penstock-bench)" },
    { "penstock-args", NULL, OPTION_TEXT, AT(penstock_args), 0, 0, "WORDS",
      "compare: further directives, \"--name value ...\"" },
    { "redis", NULL, OPTION_TEXT, AT(redis_path), 0, 0, "PATH", "compare: redis-server" },
    { "redis-args", NULL, OPTION_TEXT, AT(redis_args), 0, 0, "WORDS",
      "compare: further directives for it" },
    { "rounds", NULL, OPTION_COUNT, AT(rounds), 1, 1000, "N",
      "compare: alternating runs of each server (5)" },
    { "server-core", NULL, OPTION_CORE, AT(server_core), 0, 1023, "N",
      "compare: the servers' core (0; the generator takes 1)" },
};
enum { OPTION_ROW_COUNT = sizeof option_rows / sizeof *option_rows };

static enum status wrong(char *error, const char *name, const char *what)
{
    snprintf(error, OPTIONS_ERROR_BYTES, "%s: %s", name, what);
    return ERR_PEER;
}

static const struct option_row *find_row(const char *word)
{
    for (uint32_t i = 0; i < OPTION_ROW_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
        if (row->letter && strcmp(word, row->letter) == 0) return row;
        if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, row->name) == 0) return row;
    }
    return NULL;
}

static bool parse_real(const char *text, double min, double max, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == 0 && isfinite(*out) && *out >= min && *out <= max;
}

static enum status store(struct options *o, const struct option_row *row, const char *text,
                         char *error)
{
    double real;
    void *field = (char *)o + row->offset;
    if (row->kind == OPTION_TEXT) {
        memcpy(field, &text, sizeof text);
        return OK;
    }
    if (!parse_real(text, row->min, row->max, &real))
        return wrong(error, row->name, "not a number, or out of range");
    if (row->kind == OPTION_REAL) {
        memcpy(field, &real, sizeof real);
        return OK;
    }
    if (real != floor(real)) return wrong(error, row->name, "not a whole number");
    int64_t whole = (int64_t)real; // the same bits for counts
    memcpy(field, &whole, sizeof whole);
    return OK;
}

static enum status parse_words(struct options *o, int argc, char **argv, int at, char *error)
{
    for (; at < argc; at++) {
        const struct option_row *row = find_row(argv[at]);
        if (strcmp(argv[at], "--help") == 0) {
            o->wants_help = true;
            return OK;
        }
        if (!row) return wrong(error, argv[at], "no such option (--help lists them)");
        if (row->kind == OPTION_FLAG) {
            *((bool *)((char *)o + row->offset)) = true;
            continue;
        }
        if (++at == argc) return wrong(error, row->name, "needs a value");
        if (store(o, row, argv[at], error) != OK) return ERR_PEER;
    }
    return OK;
}

static enum status parse_distribution(struct options *o, char *error)
{
    o->theta = 0;
    if (strcmp(o->keys_text, "uniform") == 0) return OK;
    if (strncmp(o->keys_text, "zipf:", 5) == 0 &&
        parse_real(o->keys_text + 5, 0.01, 0.9999, &o->theta))
        return OK;
    return wrong(error, "distribution", "uniform, or zipf:THETA with 0.01 <= THETA < 1");
}

static enum status parse_expire_at(struct options *o, char *error)
{
    unsigned long long at, spread = 0;
    char rest;
    if (!o->expire_at) return OK;
    int got = sscanf(o->expire_at, "%llu:%llu%c", &at, &spread, &rest);
    bool is_whole = got == 2 || (got == 1 && !strchr(o->expire_at, ':'));
    if (!is_whole || at < 1000000000000ull || at > 9999999999999ull || spread > UINT32_MAX)
        return wrong(error, "expire-at", "Unix time in ms, and a spread in ms behind a colon");
    o->expire_at_ms = at;
    o->expire_spread_ms = spread;
    return OK;
}

static enum status parse_words_of_choice(struct options *o, char *error)
{
    if (o->type && strcmp(o->type, "get") == 0)
        o->read_ratio = 1;
    else if (o->type && strcmp(o->type, "set") == 0)
        o->read_ratio = 0;
    else if (o->type)
        return wrong(error, "type", "get or set");
    o->is_poisson = strcmp(o->arrivals, "poisson") == 0;
    if (!o->is_poisson && strcmp(o->arrivals, "fixed") != 0)
        return wrong(error, "arrivals", "fixed or poisson");
    if (o->user && !o->password) return wrong(error, "user", "needs --password");
    if (o->steer && o->command) return wrong(error, "steer", "for GET and SET only");
    if (o->steer > o->keys) return wrong(error, "steer", "more shards than keys");
    return OK;
}

static enum status check(struct options *o, char *error)
{
    if (sizes_parse(&o->sizes, o->sizes_text) != OK)
        return wrong(error, "values", "a size, a:b, or sizes with weights a*1,b*3");
    if (parse_distribution(o, error) != OK || parse_expire_at(o, error) != OK ||
        parse_words_of_choice(o, error) != OK)
        return ERR_PEER;
    if (o->key_bytes < keys_digits(o->keys))
        return wrong(error, "key-size", "too short for that many keys");
    if (o->warm_up_s < 0) o->warm_up_s = o->requests ? 0 : 1;
    if (o->duration_s < 0 && o->mode != BENCH_ECHO) o->duration_s = 5;
    bool needs_port = o->mode == BENCH_ECHO || o->mode == BENCH_FRAMES;
    if (needs_port && !o->devargs) return wrong(error, "devargs", "needed");
    if (o->tick_us && o->mode != BENCH_NOISE && o->rate <= 0)
        return wrong(error, "tick", "needs --rate, or noise");
    if (o->tick_us && o->devargs) return wrong(error, "tick", "a DPDK port is always polled");
    if (o->mode == BENCH_LOAD && o->devargs && (!o->address || !o->target))
        return wrong(error, "devargs", "needs --address and --target");
    return OK;
}

static bool parse_mode(struct options *o, const char *word)
{
    static const char *const modes[] = { "load", "echo", "frames", "noise", "compare" };
    for (uint32_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(word, modes[i]) == 0) {
            o->mode = (enum bench_mode)i;
            return true;
        }
    return false;
}

enum status options_parse(struct options *o, int argc, char **argv, char *error)
{
    *o = (struct options){
        .host = "127.0.0.1",
        .port = 6379,
        .connections = 50,
        .pipeline = 1,
        .keys = 100000,
        .key_bytes = 16,
        .seed = 1,
        .sizes_text = "64",
        .keys_text = "uniform",
        .arrivals = "fixed",
        .read_ratio = 0.5,
        .duration_s = -1,
        .warm_up_s = -1,
        .eal_args = "",
        .memory_mb = 256,
        .frames = 16384,
        .descriptors = 1024,
        .window = 64,
        .frame_bytes = 60,
        .core = -1,
        .rounds = 5,
        .redis_path = "redis-server",
        .penstock_args = "",
        .redis_args = "",
    };
    int at = argc > 1 && parse_mode(o, argv[1]) ? 2 : 1;
    if (parse_words(o, argc, argv, at, error) != OK) return ERR_PEER;
    return o->wants_help ? OK : check(o, error);
}

void options_print_help(void)
{
    printf("penstock-bench [load] [options]     load over kernel sockets, or with --devargs over a "
           "DPDK port\n"
           "penstock-bench compare [options]    the same work on redis-server and penstock, "
           "alternating\n"
           "penstock-bench echo --devargs D     send every frame of a port back\n"
           "penstock-bench frames --devargs D   keep -W frames in flight against an echo\n"
           "penstock-bench noise --core N       the largest gaps that a spinning thread sees; with "
           "--tick, how "
           "late a sleeping one wakes\n\n");
    for (uint32_t i = 0; i < OPTION_ROW_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
        char left[64];
        snprintf(left, sizeof left, "%s%s--%s %s", row->letter ? row->letter : "",
                 row->letter ? ", " : "    ", row->name, row->argument ? row->argument : "");
        const char *line = row->help, *end;
        for (; (end = strchr(line, '\n')) != NULL; line = end + 1, left[0] = 0)
            printf("  %-30s %.*s\n", left, (int)(end - line), line);
        printf("  %-30s %s\n", left, line);
    }
    printf("\nExit code: 0 done, 1 errors were counted or the result could not be written, 2 wrong "
           "usage, 3 could not start.\n");
}
