// How many commands a second N shards of one process answer: each on a core of its own, which makes
// its load itself (line.h), so that no core is a generator's. What the shard does is all there but
// the transport: parsing, routing, executing, the mesh, replies.
//
//   shard_rate [--shards N] [--random] [--command get|set] [--pipeline P] [--clients C]
//              [--keys K] [--value BYTES] [--seconds S] [--core FIRST]
//
// Clients are C for each shard, keys K in all, whatever the number of shards. Each asks for keys of
// its own shard; with --random for any, so that of N shards (N-1)/N of the commands are another's.
// The result is one line of JSON. generator_share: of the threads' time, what the clients took.
#include <getopt.h>
#include <pthread.h>
#include "dataplane/shard/crew.h"
#include "tests/rate/line.h"
#include "tests/unit/shard/fixture.h"
#include "tools/bench/workload.h"

enum { BATCHES = 2048, FILL_PIPELINE = 16, WARM_UP_MS = 500, SHARDS_MAX = 16 };

enum phase { RATE_RUN, RATE_DRAIN };

struct options {
    uint32_t shards, pipeline, clients, keys, value_bytes;
    double seconds;
    int64_t core; // -1: not pinned
    bool is_random, is_set;
};

struct trial;
struct member { // a shard and its load
    struct trial *trial;
    uint32_t index;
    pthread_t thread;
    struct settings *settings;
    struct shard *shard;
    struct workload workload;
    struct line *lines;
    struct line_batch *batches;
    uint8_t *bytes; // of all batches
    uint32_t next_batch;
    alignas(64) uint64_t answered; // read by the main thread, as are the next
    uint64_t line_cycles, far_calls;
};

struct trial {
    struct options options;
    struct fixture *f;
    struct hub *hub; // NULL: one shard
    pthread_barrier_t together;
    enum phase phase;
    uint32_t drained;
    struct member members[SHARDS_MAX];
};

// ---- requests

static uint64_t reply_bytes_of(const struct member *m, const struct request *r)
{
    char text[32];
    if (r->op == OP_SET) return sizeof "+OK\r\n" - 1;
    uint32_t size = m->trial->options.value_bytes;
    return (uint64_t)snprintf(text, sizeof text, "$%u\r\n", size) + size + 2;
}

static void add_request(struct member *m, struct line_batch *b, const struct request *r)
{
    uint8_t *end = (uint8_t *)(uintptr_t)b->requests.data + b->requests.size;
    b->requests.size += workload_encode(&m->workload, r, end);
    b->reply_bytes += reply_bytes_of(m, r);
    b->count++;
}

static uint32_t request_bytes_max(const struct member *m)
{
    return WORKLOAD_HEAD_MAX + m->trial->options.value_bytes + 32;
}

static void open_workload(struct member *m)
{
    const struct options *o = &m->trial->options;
    char sizes[16];
    struct workload_config c = { .key_count = o->keys,
                                 .key_bytes = 16,
                                 .read_ratio = o->is_set ? 0 : 1,
                                 .seed = 1 + m->index,
                                 .steer_shards = o->shards };
    snprintf(sizes, sizeof sizes, "%u", o->value_bytes);
    CHECK(sizes_parse(&c.sizes, sizes) == OK && workload_open(&m->workload, &c) == OK);
}

static void make_batches(struct member *m)
{
    const struct options *o = &m->trial->options;
    size_t room = (size_t)request_bytes_max(m) * o->pipeline, at = 0;
    m->batches = calloc(BATCHES, sizeof *m->batches);
    m->bytes = malloc(room * BATCHES);
    CHECK(m->batches && m->bytes);
    for (uint32_t i = 0; i < BATCHES; i++) {
        struct line_batch *b = &m->batches[i];
        b->requests = bytes_make(m->bytes + at, 0);
        for (uint32_t n = 0; n < o->pipeline; n++) {
            struct request r;
            uint64_t any = rng_below(&m->workload.rng, o->shards);
            workload_next(&m->workload, o->is_random ? (uint32_t)any : m->index, &r);
            add_request(m, b, &r);
        }
        at += b->requests.size;
    }
}

// ---- a shard's thread

static void send_and_wait(struct member *m, const struct line_batch *b)
{
    line_send(&m->lines[0], b);
    while (m->lines[0].waits_for) shard_turn(m->shard);
}

// Every shard sets its own keys.
static void fill(struct member *m)
{
    uint8_t *bytes = malloc((size_t)request_bytes_max(m) * FILL_PIPELINE);
    struct line_batch b = { .requests = bytes_make(bytes, 0) };
    CHECK(bytes != NULL);
    for (uint32_t key = 0; key < m->trial->options.keys; key++) {
        struct request r;
        if (!homes_is_at(&m->workload.homes, key, m->index)) continue;
        workload_fill(&m->workload, key, &r);
        add_request(m, &b, &r);
        if (b.count < FILL_PIPELINE) continue;
        send_and_wait(m, &b);
        b = (struct line_batch){ .requests = bytes_make(bytes, 0) };
    }
    if (b.count) send_and_wait(m, &b);
    free(bytes);
}

static void open_all(struct member *m)
{
    struct trial *r = m->trial;
    char error[512];
    struct shard_config config = { .settings = m->settings,
                                   .region = &r->f->region,
                                   .bell = &r->f->bell,
                                   .clock = &r->f->clock,
                                   .hub = r->hub,
                                   .index = m->index,
                                   .count = r->options.shards };
    CHECK(crew_pin(r->options.core, m->index) == OK);
    if (shard_open(&m->shard, &config, error, sizeof error) != OK) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
    pthread_barrier_wait(&r->together); // all are open
    if (r->hub) CHECK(shard_join(m->shard) == OK);
    m->lines = calloc(r->options.clients, sizeof *m->lines);
    CHECK(m->lines != NULL);
    for (uint32_t i = 0; i < r->options.clients; i++)
        line_open(&m->lines[i], m->shard, &m->answered, &m->line_cycles);
    open_workload(m);
    make_batches(m);
    pthread_barrier_wait(&r->together); // and joined
}

static void feed(struct member *m)
{
    uint64_t start = clock_tsc();
    for (uint32_t i = 0; i < m->trial->options.clients; i++) {
        if (m->lines[i].waits_for) continue;
        line_send(&m->lines[i], &m->batches[m->next_batch++ % BATCHES]);
    }
    __atomic_store_n(&m->line_cycles, m->line_cycles + clock_tsc() - start, __ATOMIC_RELAXED);
}

static bool is_drained(const struct member *m)
{
    for (uint32_t i = 0; i < m->trial->options.clients; i++)
        if (m->lines[i].waits_for) return false;
    return true;
}

// Other shards may still want something of it when its own clients have all they asked for.
static void drain(struct member *m)
{
    struct trial *r = m->trial;
    while (!is_drained(m)) shard_turn(m->shard);
    __atomic_fetch_add(&r->drained, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&r->drained, __ATOMIC_ACQUIRE) < r->options.shards) shard_turn(m->shard);
    CHECK(m->shard->server.tally->error_replies == 0);
    CHECK(m->shard->server.tally->keyspace_misses == 0);
    for (uint32_t i = 0; i < r->options.clients; i++) line_hang_up(&m->lines[i]);
}

static void *live(void *context)
{
    struct member *m = context;
    struct trial *r = m->trial;
    open_all(m);
    fill(m);
    pthread_barrier_wait(&r->together); // filled
    while (__atomic_load_n(&r->phase, __ATOMIC_ACQUIRE) == RATE_RUN) {
        feed(m);
        shard_turn(m->shard);
        __atomic_store_n(&m->far_calls, m->shard->server.tally->far_calls, __ATOMIC_RELAXED);
    }
    drain(m);
    pthread_barrier_wait(&r->together); // nobody turns any more
    shard_close(m->shard);
    workload_close(&m->workload);
    free(m->lines);
    free(m->batches);
    free(m->bytes);
    return NULL;
}

// ---- the main thread: it sleeps, and reads what the others count

struct sample {
    uint64_t ns, tsc, answered, line_cycles, far_calls;
};

static struct sample take_sample(struct trial *r)
{
    struct sample s = { .ns = clock_monotonic_ns(), .tsc = clock_tsc() };
    for (uint32_t i = 0; i < r->options.shards; i++) {
        const struct member *m = &r->members[i];
        s.answered += __atomic_load_n(&m->answered, __ATOMIC_RELAXED);
        s.line_cycles += __atomic_load_n(&m->line_cycles, __ATOMIC_RELAXED);
        s.far_calls += __atomic_load_n(&m->far_calls, __ATOMIC_RELAXED);
    }
    return s;
}

static void report(const struct trial *r, const struct sample *a, const struct sample *b)
{
    const struct options *o = &r->options;
    double answered = (double)(b->answered - a->answered);
    double cycles = (double)(b->tsc - a->tsc) * o->shards;
    printf("{\"shards\": %u, \"command\": \"%s\", \"random\": %s, \"rate\": %.0f, "
           "\"generator_share\": %.4f, \"far_share\": %.4f}\n",
           o->shards, o->is_set ? "set" : "get", o->is_random ? "true" : "false",
           answered * 1e9 / (double)(b->ns - a->ns),
           (double)(b->line_cycles - a->line_cycles) / cycles,
           answered > 0 ? (double)(b->far_calls - a->far_calls) / answered : 0);
}

static void open_members(struct trial *r)
{
    uint32_t shards = r->options.shards;
    r->f = fixture_new_of(shards);
    CHECK(clock_init(&r->f->clock) == OK);
    if (shards > 1) CHECK(hub_open(&r->hub, shards) == OK);
    pthread_barrier_init(&r->together, NULL, shards + 1);
    for (uint32_t i = 0; i < shards; i++) {
        struct member *m = &r->members[i];
        m->trial = r;
        m->index = i;
        m->settings = fixture_settings(r->f, "loglevel warning");
        CHECK(pthread_create(&m->thread, NULL, live, m) == 0);
    }
    for (int i = 0; i < 3; i++) pthread_barrier_wait(&r->together); // open, joined, filled
}

static void close_members(struct trial *r)
{
    __atomic_store_n(&r->phase, RATE_DRAIN, __ATOMIC_RELEASE);
    pthread_barrier_wait(&r->together);
    for (uint32_t i = 0; i < r->options.shards; i++) pthread_join(r->members[i].thread, NULL);
    fixture_close(r->f);
    hub_close(r->hub);
    pthread_barrier_destroy(&r->together);
}

static void wait_ms(double ms) { usleep((useconds_t)(ms * 1000)); }

static uint32_t whole(const char *text, uint32_t min, uint32_t max)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (end != text && *end == 0 && value >= min && value <= max) return (uint32_t)value;
    fprintf(stderr, "shard_rate: %s: %u to %u\n", text, min, max);
    exit(2);
}

static void read_options(struct options *o, int argc, char **argv)
{
    static const struct option rows[] = { { "shards", 1, NULL, 's' },  { "random", 0, NULL, 'r' },
                                          { "command", 1, NULL, 't' }, { "pipeline", 1, NULL, 'P' },
                                          { "clients", 1, NULL, 'c' }, { "keys", 1, NULL, 'k' },
                                          { "value", 1, NULL, 'v' },   { "seconds", 1, NULL, 'd' },
                                          { "core", 1, NULL, 'n' },    { 0 } };
    int letter;
    while ((letter = getopt_long(argc, argv, "", rows, NULL)) != -1) {
        if (letter == 's')
            o->shards = whole(optarg, 1, SHARDS_MAX);
        else if (letter == 'r')
            o->is_random = true;
        else if (letter == 't' && strcmp(optarg, "set") == 0)
            o->is_set = true;
        else if (letter == 't' && strcmp(optarg, "get") == 0)
            o->is_set = false;
        else if (letter == 'P')
            o->pipeline = whole(optarg, 1, 64);
        else if (letter == 'c')
            o->clients = whole(optarg, 1, 1000);
        else if (letter == 'k')
            o->keys = whole(optarg, 1000, 100000000);
        else if (letter == 'v')
            o->value_bytes = whole(optarg, 1, 4096);
        else if (letter == 'd')
            o->seconds = strtod(optarg, NULL);
        else if (letter == 'n')
            o->core = whole(optarg, 0, 1023);
        else
            exit(2);
    }
}

int main(int argc, char **argv)
{
    static struct trial trial = { .options = { .shards = 1,
                                               .pipeline = 16,
                                               .clients = 32,
                                               .keys = 100000,
                                               .value_bytes = 64,
                                               .seconds = 2,
                                               .core = -1 } };
    read_options(&trial.options, argc, argv);
    open_members(&trial);
    wait_ms(WARM_UP_MS);
    struct sample begin = take_sample(&trial);
    wait_ms(trial.options.seconds * 1000);
    struct sample end = take_sample(&trial);
    close_members(&trial);
    report(&trial, &begin, &end);
    return end.answered > begin.answered ? 0 : 1;
}
