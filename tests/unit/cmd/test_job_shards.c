// Long commands with keys on several shards: their slices, the shards that stand for them, the keys
// that are closed on other shards.
#include "tests/unit/cmd/job_shards.h"

TestSuite(job_shards, .init = open_node, .fini = close_node);

static uint64_t made[JOINT_SHARDS]; // bytes of each heap, before
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
    // And is given back a little in each slice.
    for (uint64_t kept = node->shard[2]->heap.bytes[HEAP_OTHER], now; is_under_way(); kept = now) {
        cr_assert(jobs_run(server(0), 1));
        now = node->shard[2]->heap.bytes[HEAP_OTHER];
        cr_expect(lt(u64, kept - now, 16 * 1024));
    }
    EXPECT(harness_client_wire(caller), line);
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

// ---- digests

static void spread_keys(uint32_t count)
{
    char key[32];
    for (uint32_t i = 0; i < count; i++) {
        sprintf(key, "k%u", i);
        run_at(joint_home_of(node, key), "SET %s %u", key, i);
    }
}

static void digest(char *to, const char *keys)
{
    begin("DEBUG DIGEST%s", keys);
    strcpy(to, finish());
}

// Each in its own way: what it has shown already, what is still to come, small and large.
static void change_some(uint32_t at, const char *set, const char *list)
{
    char key[32];
    sprintf(key, "k%u", at);
    run_at(joint_home_of(node, key), at % 2 ? "DEL %s" : "SET %s changed", key);
    sprintf(key, "new%u", at);
    run_at(joint_home_of(node, key), "SET %s 1", key);
    run_at(0, at % 3 ? "SADD %s x%u" : "SREM %s %u", set, at);
    run_at(2, at == 50 ? "DEL %s" : "RPUSH %s x", list);
}

Test(job_shards, digests_what_one_moment_had)
{
    const char *set = name('s', 0), *list = name('l', 2);
    char before[64], after[64];
    fill(0, "SADD", set, 0, BIG);
    fill(2, "RPUSH", list, 0, BIG);
    run_at(1, "SELECT 3");
    run_at(1, "SET other database");
    run_at(1, "SELECT 0");
    spread_keys(1000);
    digest(before, "");
    begin("DEBUG DIGEST");
    cr_assert(is_under_way());
    for (uint32_t i = 0; i < JOINT_SHARDS; i++)
        cr_expect(eq(u64, server(i)->jobs.watchers.count, 1));
    for (uint32_t i = 0; i < 100; i++) {
        cr_assert(jobs_run(server(0), 1) && is_under_way());
        change_some(i * 7 % 1000, set, list);
    }
    EXPECT(finish(), before);
    digest(after, "");
    cr_expect(strcmp(before, after) != 0);
}

Test(job_shards, digests_values_of_one_moment)
{
    const char *set = name('s', 0), *list = name('l', 2);
    char keys[64], before[256];
    fill(0, "SADD", set, 0, BIG);
    fill(2, "RPUSH", list, 0, BIG);
    sprintf(keys, "-VALUE %s none %s", list, set);
    digest(before, keys);
    begin("DEBUG DIGEST%s", keys);
    cr_assert(is_under_way());
    for (uint32_t i = 0; i < 60; i++) {
        cr_assert(jobs_run(server(0), 1) && is_under_way());
        change_some(i, set, list);
    }
    EXPECT(finish(), before);
    digest(keys, "-VALUE none");
    EXPECT(keys, "*1\r\n+0000000000000000000000000000000000000000\r\n");
}

// A reader that goes: its walks and cuts go with it.
Test(job_shards, forgets_a_digest_that_nobody_wants)
{
    const char *set = name('s', 0), *list = name('l', 2);
    fill(0, "SADD", set, 0, BIG);
    fill(2, "RPUSH", list, 0, BIG);
    spread_keys(500);
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) made[i] = node->shard[i]->heap.bytes[HEAP_OTHER];
    begin("DEBUG DIGEST");
    for (uint32_t i = 0; i < 20; i++) cr_assert(jobs_run(server(0), 1));
    run_at(0, "SADD %s more", set);
    run_at(2, "RPUSH %s more", list);
    harness_client_close(caller);
    caller = NULL;
    cr_expect(jobs_run(server(0), 1));
    cr_expect(zero(u64, server(0)->jobs.list.count));
    reap();
    for (uint32_t i = 1; i < JOINT_SHARDS; i++)
        cr_expect(le(u64, node->shard[i]->heap.bytes[HEAP_OTHER], made[i]));
}
