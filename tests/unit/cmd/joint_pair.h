// joint_pair.h: a server of three shards and one of one shard, side by side: each command runs on
// both, and replies and contents have to be the same.
//
// Memory:  close_pair checks that every byte of each heap was given back
#pragma once
#include "tests/unit/cmd/joint_harness.h"

enum { PAIR_LINE = 8192 };

struct pair {
    struct joint_node *joint;
    struct harness *single;
    struct rng rng;
    uint64_t now_ms, next_id;
    bool moves; // slots go from shard to shard between the commands
    uint64_t moves_done;
    char what[PAIR_LINE]; // the command under way
};

// Giants have larger effects than a harness keeps.
static inline void forget_effects(void *context, struct bytes front, struct byte_queue *rest,
                                  uint32_t command_count)
{
    (void)context, (void)front, (void)rest, (void)command_count;
}

static inline struct server *server_at(const struct pair *p,
                                       uint32_t i) // the single one is the last
{
    return i < JOINT_SHARDS ? p->joint->node.servers[i] : &p->single->server;
}

static inline void open_pair(struct pair *p, uint64_t seed)
{
    p->joint = joint_open();
    p->single = harness_open();
    p->single->settings.enable_debug_command = LOCAL_YES;
    for (uint32_t i = 0; i <= JOINT_SHARDS; i++)
        effects_set_sink(&server_at(p, i)->effects, forget_effects, NULL);
    p->now_ms = HARNESS_START_MS;
    p->next_id = 1;
    p->moves = false;
    p->moves_done = 0;
    rng_seed(&p->rng, seed);
}

static inline void close_pair(struct pair *p)
{
    struct node *n = &p->joint->node;
    while (n->move.is_running) slot_move_step(n, 0); // which may have a giant on its way
    joint_close(p->joint);
    harness_close(p->single);
}

static inline uint32_t below(struct pair *p, uint32_t n) { return (uint32_t)rng_below(&p->rng, n); }

static inline const char *run_single(struct harness *h, const void *wire, size_t size)
{
    struct resp_limits limits = { 512 << 20, 1 << 30, true };
    struct bytes in = bytes_make(wire, size);
    struct resp_request request;
    cr_assert(eq(int, resp_read(&h->reader, &in, &limits, &request), RESP_REQUEST));
    struct call call = { .server = &h->server,
                         .client = &h->client,
                         .reply = &h->client.reply,
                         .keyspace = h->server.keyspace,
                         .argv = request.argv,
                         .argc = request.argc,
                         .request = &request,
                         .arrival_tsc = clock_tsc(),
                         .now_ms = h->now_ms,
                         .no_suspend = true }; // it answers at once, as in a rendezvous
    h->effects_size = 0;
    command_prepare(&call);
    command_execute(&call);
    harness_drain(h);
    return h->wire;
}

static inline int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// The reply with its lines sorted: for those of which no order is promised.
static inline char *sorted(const char *wire)
{
    size_t size = strlen(wire), count = 0;
    char *copy = strdup(wire), *out = malloc(size + 1), *to = out;
    char **lines = malloc((size + 1) * sizeof *lines);
    for (char *at = strtok(copy, "\r\n"); at; at = strtok(NULL, "\r\n")) lines[count++] = at;
    qsort(lines, count, sizeof *lines, compare_lines);
    for (size_t i = 0; i < count; i++) to += sprintf(to, "%s\n", lines[i]);
    *to = 0;
    free(lines);
    free(copy);
    return out;
}

static inline bool begins(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0 && strchr(" \r", text[strlen(word)]);
}

static inline bool is_unordered(const char *command)
{
    static const char *const words[] = {
        "SUNION", "SINTER", "SDIFF", "KEYS", "SMEMBERS", "HGETALL"
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (begins(command, words[i])) return true;
    return false;
}

static inline void expect_same(struct pair *p, const char *joint, const char *single)
{
    if (!is_unordered(p->what)) {
        cr_assert(strcmp(joint, single) == 0, "%.300s\njoint:  %.300s\nsingle: %.300s", p->what,
                  joint, single);
        return;
    }
    char *a = sorted(joint), *b = sorted(single);
    cr_assert(strcmp(a, b) == 0, "%.300s\njoint:  %.300s\nsingle: %.300s", p->what, a, b);
    free(a);
    free(b);
}

// A portion as small as can be, at most times.
static inline void move_slots(struct pair *p)
{
    struct node *n = &p->joint->node;
    if (!n->move.is_running) {
        uint32_t a = below(p, SLOT_COUNT), b = below(p, SLOT_COUNT);
        uint32_t to = below(p, JOINT_SHARDS);
        cr_assert(
            eq(ptr, (void *)(uintptr_t)slot_move_order(n, a < b ? a : b, a < b ? b : a, to), NULL));
    }
    for (uint32_t left = below(p, 3); left > 0 && n->move.is_running; left--)
        p->moves_done += slot_move_step(n, 0);
}

// Inline on both. is_joint: with all shards, wherever the keys are.
static inline void run(struct pair *p, bool is_joint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline void run(struct pair *p, bool is_joint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(p->what, sizeof p->what, format, args);
    va_end(args);
    cr_assert(lt(int, size, PAIR_LINE - 3));
    memcpy(p->what + size, "\r\n", 3);
    if (p->moves) move_slots(p);
    // While they move it has to be what the router says: it sees to keys in transit.
    const char *joint = joint_send(p->joint, p->what, (size_t)size + 2, is_joint && !p->moves);
    expect_same(p, joint, run_single(p->single, p->what, (size_t)size + 2));
}

// verb key text text ..., made by put.
static inline void run_many(struct pair *p, const char *verb, const char *key, uint32_t count,
                            int (*put)(char *to, uint32_t i))
{
    size_t room = (size_t)count * 96 + 128;
    char *wire = malloc(room), *at = wire, text[64];
    at += sprintf(at, "*%u\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n", count + 2, strlen(verb), verb,
                  strlen(key), key);
    for (uint32_t i = 0; i < count; i++) {
        int size = put(text, i);
        at += sprintf(at, "$%d\r\n%s\r\n", size, text);
    }
    snprintf(p->what, sizeof p->what, "%s %s ...\r\n", verb, key);
    const char *joint = joint_send(p->joint, wire, (size_t)(at - wire), false);
    expect_same(p, joint, run_single(p->single, wire, (size_t)(at - wire)));
    free(wire);
}

static inline void move_time(struct pair *p, uint64_t ms)
{
    p->now_ms += ms;
    joint_set_time(p->joint, p->now_ms);
    harness_set_time(p->single, p->now_ms);
    for (uint32_t i = 0; i <= JOINT_SHARDS; i++) {
        struct server *s = server_at(p, i);
        while (keyspace_expire_step(s->keyspace, p->now_ms, 1000)) continue;
        while (hash_expiry_step(s, p->now_ms, 1000)) continue;
    }
}

static inline void select_db(struct pair *p, uint32_t db)
{
    p->joint->shard[0]->client.db = p->single->client.db = db;
}

// ---- what is left

struct scanned_names {
    uint32_t count;
    char name[256][32];
};

static inline void note_name(struct scanned_names *all, const char *name, size_t size)
{
    for (uint32_t i = 0; i < all->count; i++)
        if (strlen(all->name[i]) == size && memcmp(all->name[i], name, size) == 0) return;
    cr_assert(all->count < 256 && size < 32);
    memcpy(all->name[all->count], name, size);
    all->name[all->count++][size] = 0;
}

// All that SCAN shows.
static inline void scan(struct pair *p, struct scanned_names *all)
{
    char command[64];
    unsigned long long cursor = 0;
    all->count = 0;
    do {
        snprintf(command, sizeof command, "SCAN %llu COUNT 3", cursor);
        const char *at = joint_run(p->joint, command);
        int bytes;
        cr_assert(sscanf(at, "*2\r\n$%d\r\n%llu\r\n", &bytes, &cursor) == 2);
        at = strchr(strchr(at, '$'), '\n') + 1 + bytes + 2;
        int count = atoi(at + 1);
        for (at = strchr(at, '\n') + 1; count > 0; count--) {
            int size = atoi(at + 1);
            at = strchr(at, '\n') + 1;
            note_name(all, at, (size_t)size);
            at += size + 2;
        }
    } while (cursor);
}

static inline void compare_key(struct pair *p, const char *key)
{
    run(p, false, "TYPE %s", key);
    bool is_stream = strstr(p->joint->shard[0]->wire, "stream") != NULL;
    run(p, false, "OBJECT ENCODING %s", key);
    run(p, false, "PTTL %s", key);
    run(p, false, "DEBUG DIGEST-VALUE %s", key);
    if (is_stream) run(p, false, "XINFO STREAM %s FULL COUNT 0", key);
}

static inline void compare_all(struct pair *p)
{
    static struct scanned_names all;
    for (uint32_t db = 0; db < 2; db++) {
        select_db(p, db);
        run(p, true, "DBSIZE");
        run(p, true, "KEYS *");
        scan(p, &all);
        cr_assert(eq(u64, all.count, keyspace_size(p->single->server.keyspace, db)));
        for (uint32_t i = 0; i < all.count; i++) compare_key(p, all.name[i]);
    }
    select_db(p, 0);
    run(p, true, "DEBUG DIGEST");
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) {
        struct server *s = server_at(p, i);
        cr_assert(s->effects.count == 0 && !s->effects.held && !s->in_command && !s->executing);
    }
    struct keyspace *joint = p->joint->node.servers[0]->joint;
    cr_assert(eq(u64, keyspace_dirty(joint), keyspace_dirty(p->single->server.keyspace)));
}
