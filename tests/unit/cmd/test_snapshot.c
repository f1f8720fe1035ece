// A snapshot is compared with what was there at its moment by loading it into a second server: the
// digests of both. In each of its forms.
#include "dataplane/cmd/snapshot_form.h"
#include "dataplane/cmd/load.h"
#include "storage/rdb/rdb_write.h"
#include "tests/unit/cmd/command_file.h"

static struct harness *h;
static const struct snapshot_form *form;
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

#define FORMS_TEST(name)                                                                           \
    static void snapshot_##name(void);                                                             \
    Test(snapshot, name##_as_rdb)                                                                  \
    {                                                                                              \
        form = &snapshot_rdb;                                                                      \
        snapshot_##name();                                                                         \
    }                                                                                              \
    Test(snapshot, name##_as_commands)                                                             \
    {                                                                                              \
        form = &snapshot_commands;                                                                 \
        snapshot_##name();                                                                         \
    }                                                                                              \
    static void snapshot_##name(void)

static void run(const char *command)
{
    cr_expect(harness_run(h, command)[0] != '-', "%s", command);
}

static char *digest_of(struct harness *of) { return strdup(harness_run(of, "DEBUG DIGEST")); }

static void begin(void)
{
    snapshot_begin(snapshot, form);
    snapshot_add_file_head(snapshot, false);
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
    rdb_buffer_append(&file, form->file_end);
    if (form->has_trailer) rdb_put_le64(&file, 0);
}

static void keep_quiet(struct server *server, int level, const char *line)
{
    (void)server;
    (void)level;
    (void)line;
}

static void load_rdb(struct harness *other)
{
    struct load_config config = { .server = &other->server,
                                  .file = rdb_buffer_bytes(&file),
                                  .log = keep_quiet };
    struct load *load = malloc(sizeof *load);
    cr_assert(load_open(load, &config));
    enum load_result result;
    while ((result = load_step(load, UINT64_MAX)) == LOAD_MORE) {
    }
    cr_expect(eq(int, result, LOAD_DONE), "%s at %lu", load->error.reason,
              (unsigned long)load->error.offset);
    load_close(load);
    free(load);
}

// The file holds what had this digest.
static void expect_digest(const char *digest)
{
    struct harness *other = harness_open();
    other->settings.enable_debug_command = LOCAL_YES;
    if (form == &snapshot_rdb)
        load_rdb(other);
    else
        command_file_run(other, rdb_buffer_bytes(&file));
    char *loaded = digest_of(other);
    cr_expect(eq(str, loaded, (char *)(uintptr_t)digest));
    free(loaded);
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

FORMS_TEST(of_nothing)
{
    char *digest = digest_of(h);
    begin();
    run("SET new key");
    finish();
    expect_digest(digest);
    free(digest);
}

FORMS_TEST(of_what_stays)
{
    fill();
    char *digest = digest_of(h);
    begin();
    finish();
    expect_digest(digest);
    free(digest);
}

// Every change comes when some keys were shown and others are still to come.
FORMS_TEST(is_of_its_moment)
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

FORMS_TEST(outlives_flushes_and_swaps)
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

FORMS_TEST(writes_large_values_as_they_were)
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

FORMS_TEST(is_dropped_in_the_midst)
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

// ---- commands

// Groups follow one another in any order: each says its database.
Test(snapshot, begins_each_group_of_commands_with_its_database)
{
    char command[160];
    uint32_t groups = 0;
    struct bytes select = BYTES_LITERAL("*2\r\n$6\r\nSELECT\r\n$1\r\n7\r\n");
    form = &snapshot_commands;
    run("SELECT 7");
    for (int i = 0; i < 4000; i++) {
        snprintf(command, sizeof command, "SET key%d %0100d", i, i);
        run(command);
        snprintf(command, sizeof command, "RPUSH large%d %0100d", i % 3, i);
        run(command);
    }
    run("SELECT 0");
    begin();
    for (bool is_over = false, is_first = true; !is_over;) {
        is_over = snapshot_step(snapshot, clock_tsc() + 1);
        for (; snapshot->pieces.count; snapshot_drop_piece(snapshot)) {
            struct snapshot_piece *p =
                LIST_OWNER(list_first(&snapshot->pieces), struct snapshot_piece, link);
            struct bytes bytes = blob_bytes(p->blob);
            if (is_first && bytes.size) {
                cr_assert(gt(sz, bytes.size, select.size));
                cr_expect(memcmp(bytes.data, select.data, select.size) == 0);
                groups++;
            }
            is_first = p->ends_group;
        }
    }
    cr_expect(gt(u32, groups, 5u));
}

// spec/aof.md chapter 6: "#TS" first, then functions.
Test(snapshot, puts_the_time_and_functions_before_commands)
{
    form = &snapshot_commands;
    begin();
    cr_expect(eq(sz, snapshot->pieces.count, 0u), "no head");
    snapshot_end(snapshot);
    h->settings.aof_timestamp_enabled = true;
    run("FUNCTION LOAD \"#!lua name=lib\\nredis.register_function('f', function() return 1 end)\"");
    run("SET k v");
    begin();
    finish();
    struct bytes all = rdb_buffer_bytes(&file), line = BYTES_LITERAL("#TS:1700000000\r\n");
    cr_expect(all.size > line.size && memcmp(all.data, line.data, line.size) == 0);
    cr_expect(eq(str, command_file_text(h, all),
                 "FUNCTION LOAD #!lua\\x20name=lib\\x0aredis.register_function('f',"
                 "\\x20function()\\x20return\\x201\\x20end)\nSELECT 0\nSET k v\n"));
}
