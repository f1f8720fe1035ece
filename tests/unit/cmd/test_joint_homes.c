// What belongs to a key beside its value: who waits for it, who is told of changes. With keys of
// several shards, each at its own. (Effects: test_effect_split.c.)
#include "tests/unit/cmd/joint_harness.h"

enum { TOLD_MAX = 16 };
static struct told {
    uint32_t count;
    uint32_t shard[TOLD_MAX];
    char key[TOLD_MAX][16], event[TOLD_MAX][16];
    bool has_executing;
} told;

static void note_changed(struct server *s, uint32_t db, struct bytes key, uint32_t class,
                         const char *event)
{
    (void)db;
    (void)class;
    cr_assert(lt(u32, told.count, TOLD_MAX));
    told.shard[told.count] = s->shard_index;
    snprintf(told.key[told.count], 16, "%.*s", (int)key.size, (const char *)key.data);
    snprintf(told.event[told.count++], 16, "%s", event);
    told.has_executing = s->executing != NULL;
}

static struct joint_node *open_listening(void)
{
    struct joint_node *n = joint_open();
    memset(&told, 0, sizeof told);
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) n->shard[i]->server.on_changed = note_changed;
    return n;
}

Test(joint_homes, tell_the_shard_of_each_key_that_it_changed)
{
    struct joint_node *n = open_listening();
    joint_run(n, "MSET a 1 b 2 c 3 d 4");
    cr_expect(eq(u32, told.count, 4));
    for (uint32_t i = 0; i < told.count; i++)
        cr_expect(eq(u32, told.shard[i], joint_home_of(n, told.key[i])), "%s", told.key[i]);
    cr_expect(told.has_executing);
    cr_expect(n->node.servers[1]->executing == NULL);
    told.count = 0;
    joint_run(n, "RENAME a c");
    joint_run(n, "SUNIONSTORE c none1 none2");
    joint_run(n, "DEL b d");
    cr_expect(eq(u32, told.count, 5));
    for (uint32_t i = 0; i < told.count; i++)
        cr_expect(eq(u32, told.shard[i], joint_home_of(n, told.key[i])), "%s", told.key[i]);
    cr_expect(eq(str, told.event[0], (char *)"rename_from"));
    cr_expect(eq(str, told.event[1], (char *)"rename_to"));
    cr_expect(eq(str, told.event[2], (char *)"del"));
    joint_close(n);
}

// A key of that shard; as many as are asked for.
static const char *named(const struct joint_node *n, uint32_t shard, uint32_t which)
{
    static char names[JOINT_SHARDS][2][16];
    char *name = names[shard][which];
    for (uint32_t i = 0;; i++) {
        snprintf(name, 16, "key%u", i);
        if (joint_home_of(n, name) == shard && which-- == 0) return name;
    }
}

Test(joint_homes, wake_who_waits_at_the_shard_of_the_key)
{
    static const char *const moves[] = { "LMOVE %s %s LEFT LEFT", "RENAME %s %s", "COPY %s %s" };
    for (uint32_t i = 0; i < 3; i++) {
        struct joint_node *n = joint_open();
        struct harness_client *c = harness_client_open(n->shard[1]);
        char line[64], expected[64];
        snprintf(line, sizeof line, "BLPOP %s 0", named(n, 1, 0));
        cr_expect(eq(str, (char *)(uintptr_t)harness_client_run(c, line), (char *)""));
        snprintf(line, sizeof line, "RPUSH %s x", named(n, 2, 0));
        joint_run_routed(n, line);
        snprintf(line, sizeof line, moves[i], named(n, 2, 0), named(n, 1, 0));
        joint_run(n, line);
        snprintf(expected, sizeof expected, "*2\r\n$4\r\n%s\r\n$1\r\nx\r\n", named(n, 1, 0));
        cr_expect(eq(str, (char *)(uintptr_t)harness_client_wire(c), expected));
        harness_client_close(c);
        joint_close(n);
    }
}

Test(joint_homes, wake_those_who_wait_for_another_database)
{
    struct joint_node *n = joint_open();
    struct harness_client *c = harness_client_open(n->shard[2]);
    char line[64];
    snprintf(line, sizeof line, "BLPOP %s 0", named(n, 2, 0));
    cr_expect(eq(str, (char *)(uintptr_t)harness_client_run(c, line), (char *)""));
    n->shard[0]->client.db = 1;
    snprintf(line, sizeof line, "RPUSH %s x", named(n, 2, 0));
    joint_run_routed(n, line);
    joint_run(n, "SWAPDB 0 1");
    cr_expect(ne(str, (char *)(uintptr_t)harness_client_wire(c), (char *)""));
    harness_client_close(c);
    joint_close(n);
}

Test(joint_homes, copy_large_values_of_other_shards_into_the_reply)
{
    struct joint_node *n = joint_open();
    char line[128];
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) {
        snprintf(line, sizeof line, "SETRANGE %s 99999 x", named(n, i, 0));
        joint_run_routed(n, line);
    }
    struct harness *h = n->shard[0];
    snprintf(line, sizeof line, "MGET %s %s %s\r\n", named(n, 0, 0), named(n, 1, 0),
             named(n, 2, 0));
    struct resp_limits limits = { 512 << 20, 1 << 30, true };
    struct bytes in = bytes_make(line, strlen(line));
    struct resp_request request;
    struct route route = { ROUTE_ALL, JOINT_ALL };
    cr_assert(eq(int, resp_read(&h->reader, &in, &limits, &request), RESP_REQUEST));
    struct kept_request *kept = kept_new(&h->heap, request.argv, request.argc, 0);
    command_execute_held(&h->server, &h->client, kept, &route, false);
    kept_free(&h->heap, kept);
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) { // the reply is not sent yet
        struct key key = key_make(h->server.keyspace, bytes_text(named(n, i, 0)));
        struct string_view view;
        string_read(keyspace_peek(n->node.servers[i]->keyspace, 0, &key), &view);
        cr_expect(eq(u32, view.blob->refs, i == 0 ? 2 : 1));
    }
    harness_drain(h);
    cr_expect(gt(sz, h->wire_size, 300000));
    joint_close(n);
}

// SORT's BY and GET, scripts: they hear of a key before it changes.
static uint32_t told_by[JOINT_SHARDS];

static void note_write(struct job_watch *w, struct server *s, struct bytes key)
{
    (void)w;
    (void)key;
    told_by[s->shard_index]++;
}

Test(joint_homes, tell_jobs_under_way_at_the_shard_of_each_key_before)
{
    struct joint_node *n = joint_open();
    struct job_watch watches[JOINT_SHARDS];
    char line[64];
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) {
        watches[i] = (struct job_watch){ .before_write = note_write };
        jobs_watch(n->node.servers[i], &watches[i]);
    }
    snprintf(line, sizeof line, "MSET %s 1 %s 2 %s 3", named(n, 1, 0), named(n, 2, 0),
             named(n, 1, 1));
    joint_run(n, line);
    cr_expect(eq(u32, told_by[0], 0));
    cr_expect(eq(u32, told_by[1], 2));
    cr_expect(eq(u32, told_by[2], 1));
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) jobs_unwatch(n->node.servers[i], &watches[i]);
    joint_close(n);
}
