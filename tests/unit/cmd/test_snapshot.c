// A snapshot is compared with what was there at its moment by loading it into a second server: the
// digests of both.
#include "dataplane/cmd/snapshot.h"
#include "dataplane/cmd/load.h"
#include "storage/rdb/rdb_write.h"
#include "tests/unit/cmd/harness.h"

static struct harness *h;
static struct snapshot *snapshot;
static struct rdb_buffer file;

static void open_all(void)
{
    h = harness_open();
    h->settings.enable_debug_command = LOCAL_YES;
    snapshot = calloc(1, sizeof *snapshot);
    snapshot_open(snapshot, &h->server);
    rdb_buffer_init(&file, &h->heap, HEAP_OTHER);
}
static void close_all(void)
{
    rdb_buffer_close(&file);
    snapshot_end(snapshot);
    free(snapshot);
    harness_close(h);
}
TestSuite(snapshot, .init = open_all, .fini = close_all);

static void run(const char *command)
{
    cr_expect(harness_run(h, command)[0] != '-', "%s", command);
}

static char *digest_of(struct harness *of) { return strdup(harness_run(of, "DEBUG DIGEST")); }

static void begin(void)
{
    struct snapshot_facts facts = { .now_s = 1, .used_memory = 2 };
    snapshot_put_head(&file, &facts);
    snapshot_put_functions(&file, &h->server);
    snapshot_begin(snapshot);
}

// Takes what is complete; returns how many pieces.
static uint32_t take_pieces(void)
{
    uint32_t count = 0;
    for (; snapshot->pieces.count; count++) {
        struct snapshot_piece *p =
            LIST_OWNER(list_first(&snapshot->pieces), struct snapshot_piece, link);
        rdb_buffer_append(&file, blob_bytes(p->blob));
        snapshot_drop_piece(snapshot);
    }
    return count;
}

static void finish(void)
{
    while (!snapshot_step(snapshot, clock_tsc() + 1)) take_pieces();
    take_pieces();
    cr_expect(eq(u64, snapshot->keys_done, snapshot->keys_total));
    snapshot_end(snapshot);
    snapshot_put_end(&file);
    rdb_put_le64(&file, 0);
}

static void keep_quiet(struct server *server, int level, const char *line)
{
    (void)server;
    (void)level;
    (void)line;
}

// The file holds what had this digest.
static void expect_digest(const char *digest)
{
    struct harness *other = harness_open();
    struct load_config config = { .server = &other->server,
                                  .file = rdb_buffer_bytes(&file),
                                  .log = keep_quiet };
    struct load *load = malloc(sizeof *load);
    other->settings.enable_debug_command = LOCAL_YES;
    cr_assert(load_open(load, &config));
    enum load_result result;
    while ((result = load_step(load, UINT64_MAX)) == LOAD_MORE) {
    }
    cr_expect(eq(int, result, LOAD_DONE), "%s at %lu", load->error.reason,
              (unsigned long)load->error.offset);
    load_close(load);
    char *loaded = digest_of(other);
    cr_expect(eq(str, loaded, (char *)(uintptr_t)digest));
    free(loaded);
    free(load);
    harness_close(other);
}

static void fill(void)
{
    char command[128];
    for (int i = 0; i < 400; i++) {
        snprintf(command, sizeof command, "SET text%d %d", i, i * 7);
        run(command);
        snprintf(command, sizeof command, "RPUSH list%d a b %d", i % 40, i);
        run(command);
        snprintf(command, sizeof command, "HSET hash%d field%d value%d", i % 40, i, i);
        run(command);
        snprintf(command, sizeof command, "ZADD zset%d %d member%d", i % 40, i % 7, i);
        run(command);
        snprintf(command, sizeof command, "SADD set%d %d x%d", i % 40, i, i);
        run(command);
        snprintf(command, sizeof command, "XADD stream%d %d-1 f v", i % 40, i + 1);
        run(command);
    }
    run("SELECT 5");
    run("SET elsewhere here");
    run("SELECT 0");
    run("PEXPIREAT text7 4102444800000");
}

Test(snapshot, of_nothing)
{
    char *digest = digest_of(h);
    begin();
    run("SET new key");
    finish();
    expect_digest(digest);
    free(digest);
}

Test(snapshot, of_what_stays)
{
    fill();
    char *digest = digest_of(h);
    begin();
    finish();
    expect_digest(digest);
    free(digest);
}

// Every change comes when some keys were shown and others are still to come.
Test(snapshot, is_of_its_moment)
{
    static const char *const changes[] = {
        "SET text%d changed",
        "APPEND text%d more",
        "DEL text%d",
        "PERSIST text%d",
        "EXPIRE text%d 100",
        "RPUSH list%d new",
        "LPOP list%d",
        "HDEL hash%d field3",
        "HSET hash%d f g",
        "ZADD zset%d 5 new",
        "DEL zset%d",
        "SADD set%d new",
        "SPOP set%d",
        "XADD stream%d * a b",
        "RENAME list%d moved",
        "SET new%d value",
        "COPY hash%d copied REPLACE",
        "UNLINK stream%d",
    };
    enum { CHANGES = sizeof changes / sizeof *changes };
    char command[128];
    fill();
    char *digest = digest_of(h);
    begin();
    for (int i = 0; !snapshot_step(snapshot, clock_tsc() + 1); i++) {
        snprintf(command, sizeof command, changes[i % CHANGES], i % 40);
        harness_run(h, command);
        snprintf(command, sizeof command, changes[(i + 5) % CHANGES], 399 - i % 400);
        harness_run(h, command);
    }
    finish();
    expect_digest(digest);
    free(digest);
}

Test(snapshot, outlives_flushes_and_swaps)
{
    fill();
    char *digest = digest_of(h);
    begin();
    for (int i = 0; i < 5; i++) cr_assert(not(snapshot_step(snapshot, clock_tsc() + 1)));
    run("SWAPDB 0 5");
    run("SET text1 in-database-5");
    run("FLUSHDB");
    run("SET text2 after");
    run("FLUSHALL");
    run("SET text3 after");
    finish();
    expect_digest(digest);
    free(digest);
}

Test(snapshot, writes_large_values_as_they_were)
{
    char command[512];
    h->settings.rdbcompression = false;
    for (int i = 0; i < 3000; i++) {
        snprintf(command, sizeof command, "RPUSH large %d-%0100d", i, i);
        run(command);
    }
    run("SET small 1");
    char *digest = digest_of(h);
    begin();
    uint32_t pieces = 0;
    for (int i = 0; !snapshot_step(snapshot, clock_tsc() + 1); i++) {
        pieces += take_pieces();
        run(i % 2 ? "LPOP large" : "RPUSH large new");
        run("INCR small");
        if (i == 10) run("DEL large");
    }
    pieces += take_pieces();
    cr_expect(gt(u32, pieces, 2u), "a large value is not one piece");
    finish();
    expect_digest(digest);
    free(digest);
}

Test(snapshot, is_dropped_in_the_midst)
{
    fill();
    uint64_t before = h->heap.bytes[HEAP_LOG];
    begin();
    snapshot_step(snapshot, clock_tsc() + 1);
    run("FLUSHALL");
    cr_expect(gt(u64, snapshot_extra_bytes(snapshot), (uint64_t)0));
    snapshot_end(snapshot);
    snapshot_end(snapshot);
    cr_expect(eq(u64, snapshot_extra_bytes(snapshot), (uint64_t)0));
    run("SET text1 goes-on");
    rdb_buffer_close(&file);
    cr_expect(le(u64, h->heap.bytes[HEAP_LOG], before));
}
