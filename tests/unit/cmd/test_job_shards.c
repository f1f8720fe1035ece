// Long commands with keys on several shards: their slices, the shards that stand for them, the keys
// that are closed on other shards. The shards are servers in one thread, nobody else runs
// meanwhile.
#include "dataplane/cmd/script_run.h"
#include "tests/unit/cmd/joint_harness.h"

enum { BIG = 5000 };

static struct joint_node *node;
static struct harness_client *caller;                // of shard 0
static struct harness_client *clients[JOINT_SHARDS]; // one of each
static uint64_t held_now;
static uint32_t holds;
static bool refuses_hold;
static uint64_t made[JOINT_SHARDS]; // bytes of each heap, before

static bool hold(struct server *s, uint64_t shards)
{
    cr_assert(held_now == 0 && s->held == 0 && s->shard_index == 0);
    cr_assert(not(shards & 1));
    if (refuses_hold) return false;
    held_now = shards;
    holds++;
    return true;
}
static void let_go(struct server *s, uint64_t shards)
{
    cr_assert(s->held == 0 && held_now == shards);
    for (uint32_t i = 0; i < JOINT_SHARDS; i++)
        cr_assert(node->node.servers[i]->holder == NULL &&
                  node->node.servers[i]->executing == NULL);
    held_now = 0;
}
static struct server_ops ops;

static struct server *server(uint32_t index) { return &node->shard[index]->server; }

// Of that shard, by its name: "a0", "a1", ...
static const char *name(char letter, uint32_t index)
{
    static char names[8][16];
    static uint32_t next;
    char *to = names[next++ % 8];
    for (int i = 0;; i++) {
        sprintf(to, "%c%d", letter, i);
        if (joint_home_of(node, to) == index) return to;
    }
}

static void open_node(void)
{
    node = joint_open();
    ops = joint_ops;
    ops.hold = hold;
    ops.let_go = let_go;
    held_now = holds = 0;
    refuses_hold = false;
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) {
        server(i)->ops = &ops;
        node->shard[i]->no_slices = true;
        clients[i] = harness_client_open(node->shard[i]);
    }
    caller = harness_client_open(node->shard[0]);
}

static void close_node(void)
{
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) {
        struct server *s = server(i);
        cr_expect(s->effects.held == 0 && !s->in_command && !s->held && !s->jobs.closed);
        cr_expect(s->jobs.list.count == 0 && s->jobs.held.count == 0);
        cr_expect(eq(u64, s->jobs.watchers.count, 0));
        harness_client_close(clients[i]);
    }
    if (caller) harness_client_close(caller);
    joint_close(node);
}

TestSuite(job_shards, .init = open_node, .fini = close_node);

// On the shard alone, as its client's.
static const char *run_at(uint32_t index, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static const char *run_at(uint32_t index, const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return harness_client_run(clients[index], line);
}

static void fill(uint32_t index, const char *verb, const char *key, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) run_at(index, "%s %s %u", verb, key, i);
}

static struct kept_request *request_of(const char *line, struct route *route)
{
    struct harness *h = node->shard[0];
    struct resp_limits limits = { 512 << 20, 1 << 30, true };
    struct bytes in = bytes_text(line);
    struct resp_request request;
    cr_assert(eq(int, resp_read(&h->reader, &in, &limits, &request), RESP_REQUEST));
    struct call call = { .server = &h->server,
                         .client = &caller->client,
                         .reply = &caller->client.reply,
                         .keyspace = h->server.keyspace,
                         .argv = request.argv,
                         .argc = request.argc };
    command_prepare(&call);
    *route = route_of(&call);
    return kept_new(&h->heap, request.argv, request.argc, clock_tsc());
}

static void forget_effects(void)
{
    for (uint32_t i = 0; i < JOINT_SHARDS; i++)
        node->shard[i]->effects_size = node->shard[i]->effects[0] = 0;
}

// As at a rendezvous of the shards of its keys.
static void begin(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void begin(const char *format, ...)
{
    char line[256];
    va_list args;
    struct route route;
    va_start(args, format);
    size_t size = (size_t)vsnprintf(line, sizeof line - 2, format, args);
    va_end(args);
    memcpy(line + size, "\r\n", 3);
    forget_effects();
    struct kept_request *kept = request_of(line, &route);
    command_execute_held(server(0), &caller->client, kept, &route, false);
    kept_free(&node->shard[0]->heap, kept);
}

static bool is_under_way(void) { return caller->client.flags & CLIENT_IN_JOB; }

static const char *finish(void)
{
    for (uint32_t i = 0; is_under_way(); i++) {
        cr_assert(jobs_run(server(0), 1) && i < 100 * BIG);
        cr_assert(eq(u64, held_now, 0));
    }
    return harness_client_wire(caller);
}

static bool must_wait(const char *format, const char *key)
{
    char line[256];
    struct route route;
    sprintf(line, format, key);
    strcat(line, "\r\n");
    struct kept_request *kept = request_of(line, &route);
    bool waits = jobs_must_wait(server(0), &caller->client, kept, route.shards);
    kept_free(&node->shard[0]->heap, kept);
    return waits;
}

#define EXPECT(text, expected) cr_expect(eq(str, (char *)(uintptr_t)(text), (char *)(expected)))

static bool was_in_its_name;

static void note_changed(struct server *s, uint32_t db, struct bytes key, uint32_t class,
                         const char *event)
{
    (void)db, (void)key, (void)class, (void)event;
    was_in_its_name = s->holder == server(0) && s->executing == &caller->client && s->in_command;
}

Test(job_shards, stores_what_one_moment_had)
{
    const char *a = name('a', 0), *b = name('b', 2), *to = name('t', 1);
    char said[32];
    fill(0, "SADD", a, 0, BIG);
    fill(2, "SADD", b, BIG, BIG);
    begin("SUNIONSTORE %s %s %s", to, a, b);
    cr_assert(is_under_way());
    uint32_t before = holds;
    for (uint32_t i = 0; i < 50; i++) {
        cr_assert(jobs_run(server(0), 1));
        run_at(0, "SREM %s %u", a, i);
        run_at(2, "SADD %s x%u", b, i);
    }
    cr_expect(eq(u32, holds, before + 50));
    sprintf(said, ":%d\r\n", 2 * BIG);
    server(1)->on_changed = note_changed;
    EXPECT(finish(), said);
    server(1)->on_changed = NULL;
    cr_expect(was_in_its_name);
    cr_expect(gt(u32, holds, before + 100));
    EXPECT(run_at(1, "SCARD %s", to), said);
    EXPECT(run_at(1, "SISMEMBER %s 0", to), ":1\r\n");
    EXPECT(run_at(1, "SISMEMBER %s x0", to), ":0\r\n");
}

Test(job_shards, closes_what_it_puts_at_its_home)
{
    const char *a = name('a', 0), *b = name('b', 2), *to = name('t', 1), *other = name('o', 1);
    char said[32];
    fill(0, "SADD", a, 0, BIG);
    fill(2, "SADD", b, 0, BIG);
    fill(1, "SADD", to, 0, 3);
    begin("SINTERSTORE %s %s %s", to, a, b);
    cr_assert(is_under_way());
    cr_expect(server(1)->jobs.closed != NULL && server(0)->jobs.closed == NULL);
    EXPECT(run_at(1, "SCARD %s", to), ""); // it waits
    cr_expect(ne(u32, clients[1]->client.flags & CLIENT_HELD_BACK, 0));
    EXPECT(run_at(0, "SCARD %s", a), ":5000\r\n"); // these do not
    EXPECT(run_at(2, "SADD %s x", b), ":1\r\n");
    cr_expect(must_wait("SUNION s %s", to)); // nor does every command with keys on its shard
    cr_expect(not(must_wait("SUNION s %s", other)));
    cr_expect(must_wait("FLUSHALL%s", ""));
    sprintf(said, ":%d\r\n", BIG);
    EXPECT(finish(), said);
    // By the thread of its shard, when that comes to it.
    EXPECT(harness_client_wire(clients[1]), "");
    jobs_serve_opened(server(1));
    EXPECT(harness_client_wire(clients[1]), said);
    cr_expect(not(must_wait("SUNION s %s", to)));
}

Test(job_shards, tells_what_it_puts_where_it_puts_it)
{
    const char *a = name('a', 0), *b = name('b', 2), *to = name('t', 1);
    fill(0, "SADD", a, 0, BIG);
    fill(2, "SADD", b, 10, 2);
    begin("SUNIONSTORE %s %s %s", to, a, b);
    cr_assert(is_under_way());
    finish();
    cr_expect(strstr(node->shard[1]->effects, "DEL t") != NULL);
    cr_expect(strstr(node->shard[1]->effects, "SADD t") != NULL);
    EXPECT(node->shard[0]->effects, "");
    EXPECT(node->shard[2]->effects, "");
    begin("SDIFFSTORE %s %s %s", to, a, name('d', 2));
    cr_assert(is_under_way());
    for (uint32_t i = 3; i < BIG; i++) run_at(0, "SREM %s %u", a, i); // so it tells what it puts
    forget_effects();
    finish();
    cr_expect(strstr(node->shard[1]->effects, "DEL t") != NULL);
    cr_expect(strstr(node->shard[1]->effects, "SADD t") != NULL);
    EXPECT(node->shard[0]->effects, "");
}

Test(job_shards, does_nothing_while_its_shards_cannot_be_had)
{
    const char *a = name('a', 0), *b = name('b', 2);
    struct script_run run = { 0 };
    fill(0, "SADD", a, 0, BIG);
    fill(2, "SADD", b, 0, BIG);
    begin("SINTERCARD 2 %s %s", a, b);
    cr_assert(is_under_way());
    refuses_hold = true;
    for (int i = 0; i < 10; i++) cr_expect(jobs_run(server(0), UINT32_MAX));
    refuses_hold = false;
    server(2)->busy_script = &run; // somebody's who held it, and will hold it again
    for (int i = 0; i < 10; i++) cr_expect(jobs_run(server(0), UINT32_MAX));
    cr_expect(is_under_way() && held_now == 0);
    server(2)->busy_script = NULL;
    EXPECT(finish(), ":5000\r\n");
}

// In a transaction it answers at once, as ever.
Test(job_shards, is_done_at_once_as_part_of_a_whole)
{
    const char *a = name('a', 0), *b = name('b', 2);
    fill(0, "SADD", a, 0, BIG);
    fill(2, "SADD", b, 0, BIG);
    harness_client_run(caller, "MULTI");
    char line[64];
    snprintf(line, sizeof line, "SINTERCARD 2 %s %s", a, b);
    EXPECT(harness_client_run(caller, line), "+QUEUED\r\n");
    begin("EXEC");
    cr_expect(not(is_under_way()));
    EXPECT(harness_client_wire(caller), "*1\r\n:5000\r\n");
    cr_expect(zero(u32, holds));
}

static void reap(void)
{
    for (uint32_t i = 0; i < JOINT_SHARDS; i++)
        while (keyspace_reap_step(server(i)->keyspace, 1000)) continue;
}

// Its cuts are other shards': they are dropped when those stand once more.
Test(job_shards, of_a_reader_that_goes_is_dropped_with_its_shards)
{
    const char *a = name('a', 0), *b = name('b', 2);
    fill(0, "SADD", a, 0, BIG);
    fill(2, "SADD", b, 0, BIG);
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) made[i] = node->shard[i]->heap.bytes_total;
    begin("SUNION %s %s", a, b);
    cr_assert(is_under_way());
    for (uint32_t i = 0; i < 50; i++) cr_assert(jobs_run(server(0), 1));
    harness_client_close(caller);
    caller = NULL;
    cr_expect(eq(u64, server(0)->jobs.list.count, 1));
    refuses_hold = true;
    cr_expect(jobs_run(server(0), 1));
    cr_expect(eq(u64, server(0)->jobs.list.count, 1));
    refuses_hold = false;
    cr_expect(jobs_run(server(0), 1));
    cr_expect(zero(u64, server(0)->jobs.list.count));
    reap();
    for (uint32_t i = 1; i < JOINT_SHARDS; i++)
        cr_expect(le(u64, node->shard[i]->heap.bytes_total, made[i]));
}

Test(job_shards, of_a_writer_that_goes_is_done)
{
    const char *a = name('a', 0), *b = name('b', 2), *to = name('t', 1);
    fill(0, "SADD", a, 0, BIG);
    fill(2, "SADD", b, 0, BIG);
    begin("SINTERSTORE %s %s %s", to, a, b);
    cr_assert(jobs_run(server(0), 1));
    harness_client_close(caller);
    caller = NULL;
    while (server(0)->jobs.list.count) cr_assert(jobs_run(server(0), 1));
    EXPECT(run_at(1, "SCARD %s", to), ":5000\r\n");
}

// What the patterns name is the moment's, though its homes change it on their own.
Test(job_shards, sorts_by_values_of_one_moment)
{
    const char *list = name('l', 0), *to = name('t', 1);
    char key[32], line[64];
    for (uint32_t i = 0; i < BIG; i++) {
        run_at(0, "RPUSH %s %u", list, i);
        sprintf(key, "w%u", i);
        run_at(joint_home_of(node, key), "SET %s %u", key, BIG - i);
    }
    begin("SORT %s BY w* GET w* STORE %s", list, to);
    cr_assert(is_under_way());
    uint64_t others = node->shard[2]->heap.bytes[HEAP_OTHER];
    for (uint32_t i = 0; i < BIG; i++) {
        sprintf(key, "w%u", i);
        if (i % 16 == 0) cr_assert(jobs_run(server(0), 1));
        run_at(joint_home_of(node, key), i % 2 ? "DEL %s" : "SET %s 0", key);
    }
    // What was kept lies with the home that kept it.
    cr_expect(gt(u64, node->shard[2]->heap.bytes[HEAP_OTHER], others + BIG / 2 * 16));
    sprintf(line, ":%d\r\n", BIG);
    EXPECT(finish(), line);
    for (uint32_t i = 0; i < BIG; i += 7) {
        char text[16];
        sprintf(text, "%u", i + 1);
        sprintf(line, "$%zu\r\n%s\r\n", strlen(text), text);
        EXPECT(run_at(1, "LINDEX %s %u", to, i), line);
    }
    for (uint32_t i = 0; i < JOINT_SHARDS; i++)
        cr_expect(zero(u64, server(i)->jobs.watchers.count));
}

Test(job_shards, adds_scores_of_one_moment)
{
    const char *a = name('a', 0), *b = name('b', 2), *to = name('t', 1);
    for (uint32_t i = 0; i < BIG; i++) {
        run_at(0, "ZADD %s %u m%u", a, i, i);
        run_at(2, "ZADD %s %u m%u", b, i, i);
    }
    begin("ZUNIONSTORE %s 2 %s %s WEIGHTS 1 2", to, a, b);
    cr_assert(is_under_way());
    for (uint32_t i = 0; i < 50; i++) {
        cr_assert(jobs_run(server(0), 1));
        run_at(0, "ZREM %s m%u", a, i);
        run_at(2, "ZADD %s 1000000 m%u", b, i);
    }
    EXPECT(finish(), ":5000\r\n");
    EXPECT(run_at(1, "ZSCORE %s m7", to), "$2\r\n21\r\n");
    EXPECT(run_at(1, "ZSCORE %s m4999", to), "$5\r\n14997\r\n");
}
