// A whole shard at one end of a wire that hurts, clients at the other, simulated time. One seed is
// one run: each connection sends a random stream of commands over keys of its own, in pieces cut
// anywhere, and every byte of the replies is compared with a model.
//
//   test_shard_sim [first_seed [count]]   a failing seed is printed with the command that replays
//   it
#include "dataplane/base/hash.h"
#include "tests/sim/replay.h"
#include "tests/unit/shard/fixture.h"

enum { CONNS_MAX = 6, KEYS = 6, NUMBERS = 2, BIG_BYTES = 1 << 20 };
#define MS 1000000ull
#define PATIENCE_NS (3000 * 1000 * MS) // simulated; heavy loss makes long back-offs

struct value {
    uint8_t *data; // NULL: there is none
    size_t size;
};

struct conn {
    struct peer *peer;
    uint32_t number;
    struct value values[KEYS];
    bool has_number[NUMBERS];
    int64_t numbers[NUMBERS];
    struct wire_text requests, replies;
    size_t sent, checked;
    bool is_quitting;
    char key[32]; // the last that key_of made
};

struct sim {
    uint64_t seed, start_ns;
    struct rng rng;
    struct fixture *fixture;
    struct conn conns[CONNS_MAX];
    uint32_t conn_count;
    bool has_big;
    size_t budget_bytes; // of requests and replies of a connection
};

static struct net_tally totals[2];
static uint64_t commands_total, bytes_total;

static void sim_show(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->conn_count; i++) {
        const struct conn *c = &sim->conns[i];
        fprintf(stderr, "  conn %u: sent %zu of %zu, right %zu of %zu, ended %d reset %d\n", i,
                c->sent, c->requests.size, c->checked, c->replies.size, c->peer->is_ended,
                c->peer->is_reset);
    }
}

static uint64_t pick(struct sim *sim, uint64_t below) { return rng_below(&sim->rng, below); }
static bool once_in(struct sim *sim, uint64_t n) { return pick(sim, n) == 0; }

// ---- the model: a request and the reply it must have

static const char *key_of(struct conn *c, uint64_t index)
{
    snprintf(c->key, sizeof c->key, "conn:%u:key:%u", c->number, (unsigned)index);
    return c->key;
}

static void add_head(struct conn *c, uint32_t argc, const char *name)
{
    wire_add(&c->requests, "*%u\r\n", argc);
    wire_add_bulk(&c->requests, name, strlen(name));
}
static void add_word(struct conn *c, const char *word)
{
    wire_add_bulk(&c->requests, word, strlen(word));
}
static void expect_value(struct conn *c, const struct value *v)
{
    if (v->data)
        wire_add_bulk(&c->replies, v->data, v->size);
    else
        wire_add(&c->replies, "$-1\r\n");
}

static size_t pick_size(struct sim *sim)
{
    if (sim->has_big && once_in(sim, 25)) return pick(sim, BIG_BYTES + 1);
    switch (pick(sim, 8)) {
    case 0:
        return 0;
    case 1:
        return pick(sim, 40000);
    case 2:
        return pick(sim, 3000);
    default:
        return pick(sim, 60);
    }
}

static struct value make_value(struct sim *sim)
{
    struct value v = { .size = pick_size(sim) };
    v.data = malloc(v.size + 1);
    uint64_t x = rng_next(&sim->rng);
    for (size_t i = 0; i < v.size; i++) {
        x = x * 6364136223846793005ull + 1442695040888963407ull;
        v.data[i] = (uint8_t)(x >> 56);
    }
    return v;
}

static void put(struct value *to, struct value v)
{
    free(to->data);
    *to = v;
}
static void drop(struct value *v) { put(v, (struct value){ 0 }); }

static void run_set(struct sim *sim, struct conn *c)
{
    uint64_t key = pick(sim, KEYS), how = pick(sim, 6);
    struct value *old = &c->values[key], v = make_value(sim);
    static const char *const options[] = { "NX", "XX", "GET" };
    add_head(c, how < 3 ? 4 : 3, "SET");
    add_word(c, key_of(c, key));
    wire_add_bulk(&c->requests, v.data, v.size);
    if (how < 3) add_word(c, options[how]);
    bool writes = how >= 2 || (how == 0) == !old->data;
    if (how == 2)
        expect_value(c, old);
    else
        wire_add(&c->replies, writes ? "+OK\r\n" : "$-1\r\n");
    put(writes ? old : &v, writes ? v : (struct value){ 0 });
}

static void run_append(struct sim *sim, struct conn *c)
{
    uint64_t key = pick(sim, KEYS);
    struct value *old = &c->values[key], v = make_value(sim);
    if (old->size + v.size > 2 * BIG_BYTES) v.size = 0;
    add_head(c, 3, "APPEND");
    add_word(c, key_of(c, key));
    wire_add_bulk(&c->requests, v.data, v.size);
    // A value that is made by APPEND of nothing exists all the same.
    old->data = realloc(old->data, old->size + v.size + 1);
    memcpy(old->data + old->size, v.data, v.size);
    old->size += v.size;
    wire_add(&c->replies, ":%zu\r\n", old->size);
    free(v.data);
}

static void run_setrange(struct sim *sim, struct conn *c)
{
    uint64_t key = pick(sim, KEYS), offset = pick(sim, 50000);
    struct value *old = &c->values[key], v = make_value(sim);
    char text[24];
    add_head(c, 4, "SETRANGE");
    add_word(c, key_of(c, key));
    snprintf(text, sizeof text, "%llu", (unsigned long long)offset);
    add_word(c, text);
    wire_add_bulk(&c->requests, v.data, v.size);
    if (v.size) {
        size_t size = offset + v.size > old->size ? offset + v.size : old->size;
        old->data = realloc(old->data, size + 1);
        memset(old->data + old->size, 0, size - old->size);
        memcpy(old->data + offset, v.data, v.size);
        old->size = size;
    }
    wire_add(&c->replies, ":%zu\r\n", old->size);
    free(v.data);
}

static void run_get(struct sim *sim, struct conn *c)
{
    static const char *const names[] = { "GET", "GETDEL", "STRLEN" };
    uint64_t key = pick(sim, KEYS), how = once_in(sim, 3) ? pick(sim, 3) : 0;
    struct value *v = &c->values[key];
    if (once_in(sim, 10)) { // inline, as by telnet
        wire_add(&c->requests, "%s \"%s\"\r\n", names[how], key_of(c, key));
    } else {
        add_head(c, 2, names[how]);
        add_word(c, key_of(c, key));
    }
    if (how == 2)
        wire_add(&c->replies, ":%zu\r\n", v->size);
    else
        expect_value(c, v);
    if (how == 1) drop(v);
}

static void run_getrange(struct sim *sim, struct conn *c)
{
    uint64_t key = pick(sim, KEYS), from = pick(sim, 3000), size = 1 + pick(sim, 3000);
    const struct value *v = &c->values[key];
    char text[24];
    add_head(c, 4, "GETRANGE");
    add_word(c, key_of(c, key));
    snprintf(text, sizeof text, "%llu", (unsigned long long)from);
    add_word(c, text);
    snprintf(text, sizeof text, "%llu", (unsigned long long)(from + size - 1));
    add_word(c, text);
    size_t left = from < v->size ? v->size - from : 0;
    wire_add_bulk(&c->replies, left ? v->data + from : (uint8_t *)"", left < size ? left : size);
}

static void run_number(struct sim *sim, struct conn *c)
{
    uint64_t n = pick(sim, NUMBERS);
    int64_t by = once_in(sim, 2) ? 1 : (int64_t)pick(sim, 2000000) - 1000000;
    char text[24];
    add_head(c, by == 1 ? 2 : 3, by == 1 ? "INCR" : "INCRBY");
    add_word(c, key_of(c, KEYS + n));
    snprintf(text, sizeof text, "%lld", (long long)by);
    if (by != 1) add_word(c, text);
    c->numbers[n] = (c->has_number[n] ? c->numbers[n] : 0) + by;
    c->has_number[n] = true;
    wire_add(&c->replies, ":%lld\r\n", (long long)c->numbers[n]);
}

static void run_mget(struct sim *sim, struct conn *c)
{
    uint32_t count = 1 + (uint32_t)pick(sim, once_in(sim, 4) ? 20 : 4);
    add_head(c, count + 1, "MGET");
    wire_add(&c->replies, "*%u\r\n", count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t key = pick(sim, KEYS + NUMBERS);
        char text[24];
        if (key < KEYS && c->values[key].size > 50000) key = KEYS; // once is enough
        add_word(c, key_of(c, key));
        if (key < KEYS) {
            expect_value(c, &c->values[key]);
        } else {
            struct value v = { (uint8_t *)text, 0 };
            v.size = (size_t)snprintf(text, sizeof text, "%lld", (long long)c->numbers[key - KEYS]);
            if (!c->has_number[key - KEYS]) v.data = NULL;
            expect_value(c, &v);
        }
    }
}

static void run_mset(struct sim *sim, struct conn *c)
{
    uint32_t count = 1 + (uint32_t)pick(sim, once_in(sim, 4) ? 20 : 3);
    add_head(c, 2 * count + 1, "MSET");
    for (uint32_t i = 0; i < count; i++) {
        uint64_t key = pick(sim, KEYS);
        struct value v = make_value(sim);
        add_word(c, key_of(c, key));
        wire_add_bulk(&c->requests, v.data, v.size);
        put(&c->values[key], v);
    }
    wire_add(&c->replies, "+OK\r\n");
}

static void run_del(struct sim *sim, struct conn *c)
{
    uint32_t count = 1 + (uint32_t)pick(sim, 3), gone = 0;
    bool is_exists = once_in(sim, 3);
    add_head(c, count + 1, is_exists ? "EXISTS" : once_in(sim, 2) ? "DEL" : "UNLINK");
    for (uint32_t i = 0; i < count; i++) {
        uint64_t key = pick(sim, KEYS);
        add_word(c, key_of(c, key));
        gone += c->values[key].data != NULL;
        if (!is_exists) drop(&c->values[key]);
    }
    wire_add(&c->replies, ":%u\r\n", gone);
}

static void run_rename(struct sim *sim, struct conn *c)
{
    uint64_t from = pick(sim, KEYS), to = (from + 1 + pick(sim, KEYS - 1)) % KEYS;
    add_head(c, 3, "RENAME");
    add_word(c, key_of(c, from));
    add_word(c, key_of(c, to));
    if (!c->values[from].data) {
        wire_add(&c->replies, "-ERR no such key\r\n");
        return;
    }
    put(&c->values[to], c->values[from]);
    c->values[from] = (struct value){ 0 };
    wire_add(&c->replies, "+OK\r\n");
}

static void run_small(struct sim *sim, struct conn *c)
{
    switch (pick(sim, 4)) {
    case 0:
        wire_add(&c->requests, "PING\r\n");
        wire_add(&c->replies, "+PONG\r\n");
        break;
    case 1: {
        struct value v = make_value(sim);
        add_head(c, 2, "ECHO");
        wire_add_bulk(&c->requests, v.data, v.size);
        expect_value(c, &v);
        free(v.data);
        break;
    }
    case 2:
        wire_add(&c->requests, "\r\n*0\r\n"); // nothing, and no reply
        break;
    default:
        add_head(c, 2, "STRLEN"), add_word(c, "none");
        wire_add(&c->replies, ":0\r\n");
    }
}

static void add_command(struct sim *sim, struct conn *c)
{
    static void (*const runs[])(struct sim *, struct conn *) = {
        run_set,    run_set,  run_append, run_setrange, run_get,   run_get,    run_getrange,
        run_number, run_mget, run_mset,   run_del,      run_small, run_rename,
    };
    runs[pick(sim, sizeof runs / sizeof *runs)](sim, c);
}

// ---- a run

static struct nic_mem_impairment make_wire(struct sim *sim)
{
    struct nic_mem_impairment w = { .delay_ns = 1000 + pick(sim, 5 * MS) };
    if (once_in(sim, 3)) w.delay_ns = 10000;
    if (!once_in(sim, 4)) w.loss_ppm = (uint32_t)pick(sim, once_in(sim, 3) ? 60000 : 10000);
    if (once_in(sim, 2)) w.duplicate_ppm = (uint32_t)pick(sim, 50000);
    if (once_in(sim, 2)) w.reorder_ppm = (uint32_t)pick(sim, 200000);
    if (once_in(sim, 2)) w.corrupt_ppm = (uint32_t)pick(sim, 20000);
    if (once_in(sim, 2)) w.jitter_ns = pick(sim, 2 * MS);
    if (once_in(sim, 4)) w.bits_per_s = 20000000 + pick(sim, 1000000000);
    w.reorder_extra_ns = 1 + pick(sim, 5 * MS);
    return w;
}

static void open_sim(struct sim *sim)
{
    char directives[512];
    struct nic_mem_impairment wire = make_wire(sim);
    snprintf(directives, sizeof directives,
             "protected-mode no\nnic-connections 64\nnic-send-buffer %llu\n"
             "nic-receive-buffer %llu\nnic-congestion %s",
             once_in(sim, 3) ? 16384 + (unsigned long long)pick(sim, 30000) : 1048576,
             once_in(sim, 3) ? 16384 + (unsigned long long)pick(sim, 30000) : 1048576,
             once_in(sim, 3) ? "reno" : "cubic");
    static const uint32_t frames[] = { 256, 768, 4096 }; // few: the pool runs dry now and then
    sim->fixture = fixture_open_wire(directives, &wire, sim->seed, frames[pick(sim, 3)]);
    sim->start_ns = sim->fixture->now_ns;
    sim->has_big = once_in(sim, 5);
    sim->budget_bytes = sim->has_big ? 4 << 20 : 300000;
    sim->conn_count = 1 + (uint32_t)pick(sim, CONNS_MAX);
    for (uint32_t i = 0; i < sim->conn_count; i++) {
        struct conn *c = &sim->conns[i];
        c->number = i;
        c->peer = peer_connect(sim->fixture);
        c->is_quitting = once_in(sim, 2);
        uint32_t count = 1 + (uint32_t)pick(sim, 400);
        for (uint32_t n = 0; n < count; n++) {
            if (c->requests.size + c->replies.size > sim->budget_bytes) break;
            add_command(sim, c);
            commands_total++;
        }
        if (!c->is_quitting) continue;
        wire_add_request(&c->requests, "QUIT");
        wire_add(&c->replies, "+OK\r\n");
        wire_add(&c->requests, "*1\r\n!"); // is not looked at any more
    }
}

static void send_some(struct sim *sim, struct conn *c)
{
    size_t left = c->requests.size - c->sent;
    struct peer *p = c->peer;
    if (left == 0 || !p->stream || p->stream->out.bytes > 60000 || once_in(sim, 3)) return;
    size_t size = 1 + pick(sim, once_in(sim, 3) ? 30000 : once_in(sim, 2) ? 1500 : 20);
    if (size > left) size = left;
    c->sent += peer_push(p, c->requests.data + c->sent, size);
}

static void check_some(struct sim *sim, struct conn *c)
{
    const struct peer *p = c->peer;
    if (p->size > c->replies.size) fail(sim, "conn %u: more replies than requests", c->number);
    for (; c->checked < p->size; c->checked++)
        if (p->data[c->checked] != (uint8_t)c->replies.data[c->checked])
            fail(sim, "conn %u: wrong byte at %zu of the replies", c->number, c->checked);
    if (p->is_reset) fail(sim, "conn %u was reset", c->number);
    if (p->is_ended && (!c->is_quitting || c->checked < c->replies.size))
        fail(sim, "conn %u ended early", c->number);
}

static bool is_done(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->conn_count; i++) {
        const struct conn *c = &sim->conns[i];
        if (c->checked < c->replies.size || (c->is_quitting && !c->peer->is_ended)) return false;
    }
    return true;
}

static void play(struct sim *sim)
{
    while (!is_done(sim)) {
        for (uint32_t i = 0; i < sim->conn_count; i++) send_some(sim, &sim->conns[i]);
        fixture_step(sim->fixture);
        for (uint32_t i = 0; i < sim->conn_count; i++) check_some(sim, &sim->conns[i]);
        if (sim->fixture->now_ns - sim->start_ns > PATIENCE_NS) fail(sim, "not done in time");
    }
}

// As many keys are left as the model has; then none, and no memory of clients or keys.
static void check_rest(struct sim *sim)
{
    struct fixture *f = sim->fixture;
    struct heap *heap = &f->shard->heap;
    uint32_t keys = 0;
    char reply[32];
    for (uint32_t i = 0; i < sim->conn_count; i++) {
        struct conn *c = &sim->conns[i];
        for (uint32_t k = 0; k < KEYS; k++) keys += c->values[k].data != NULL;
        for (uint32_t k = 0; k < NUMBERS; k++) keys += c->has_number[k];
        bytes_total += c->requests.size + c->replies.size;
        peer_close(c->peer);
    }
    struct peer *p = peer_connect(f);
    snprintf(reply, sizeof reply, ":%u\r\n", keys);
    if (!peer_ask(p, "DBSIZE", reply)) fail(sim, "DBSIZE is not what the model has");
    if (!peer_ask(p, "FLUSHALL SYNC", "+OK\r\n")) fail(sim, "FLUSHALL");
    peer_close(p);
    uint64_t until_ns = f->now_ns + 1000 * 1000 * MS; // with TIME_WAIT and lost FINs
    while (f->now_ns < until_ns &&
           (fixture_client_count(f) > 0 || net_connection_count(f->shard->net) > 0))
        fixture_step(f);
    if (fixture_client_count(f) > 0) fail(sim, "a client is left");
    static const enum heap_owner owners[] = { HEAP_DATASET, HEAP_CLIENT_IN, HEAP_CLIENT_OUT,
                                              HEAP_SESSION };
    for (uint32_t i = 0; i < 4; i++)
        if (heap->bytes[owners[i]] != 0)
            fail(sim, "%llu bytes of %s are left", (unsigned long long)heap->bytes[owners[i]],
                 heap_owner_names[owners[i]]);
}

static void add_tally(struct net_tally *sum, const struct net_tally *t)
{
#define ADD(name) sum->name += t->name;
    TALLY_NET(ADD)
#undef ADD
}

static void close_sim(struct sim *sim)
{
    add_tally(&totals[0], &fixture_tally(sim->fixture)->net);
    add_tally(&totals[1], &sim->fixture->host.tally);
    for (uint32_t i = 0; i < sim->conn_count; i++) {
        struct conn *c = &sim->conns[i];
        for (uint32_t k = 0; k < KEYS; k++) drop(&c->values[k]);
        wire_free(&c->requests);
        wire_free(&c->replies);
    }
    fixture_close(sim->fixture); // checks that every frame came back
    free(sim);
}

static void run(uint64_t seed)
{
    struct sim *sim = calloc(1, sizeof *sim);
    replay_seed = sim->seed = seed;
    rng_seed(&sim->rng, seed);
    open_sim(sim);
    play(sim);
    check_rest(sim);
    close_sim(sim);
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : argc > 1 ? 1 : 150;
    replay_watch("test_shard_sim");
    for (uint64_t seed = first; seed < first + count; seed++) run(seed);
    for (uint32_t i = 0; i < 2; i++)
        printf("# %s: segments %llu, retransmitted %llu, timeouts %llu, out of order %llu, "
               "duplicates %llu, bad checksums %llu\n",
               i ? "clients" : "shard", (unsigned long long)totals[i].tx_frames,
               (unsigned long long)totals[i].tcp_retransmits,
               (unsigned long long)totals[i].tcp_timeouts,
               (unsigned long long)totals[i].tcp_out_of_order,
               (unsigned long long)totals[i].tcp_duplicates,
               (unsigned long long)totals[i].drop_l4_checksum);
    printf("%llu seeds from %llu: %llu commands, %llu bytes, every reply was right\n",
           (unsigned long long)count, (unsigned long long)first, (unsigned long long)commands_total,
           (unsigned long long)bytes_total);
    return 0;
}
