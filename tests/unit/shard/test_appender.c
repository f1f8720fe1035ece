#include "dataplane/shard/appender.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/shard/shard.h"
#include "tests/unit/storage/flusher_fixture.h"

enum { LONG = 5000000 };
#define NAME "appendonly.aof.1.incr.aof"

// As much of a shard as an appender knows.
static struct flusher_bench bench;
static struct shard *s;
static struct persist persist;
static struct settings settings;
static struct appender_file file;
static uint8_t text[LONG];

static void note_created(void *context, struct flush_request *r)
{
    cr_assert(zero(int, r->error));
    *(bool *)context = true;
}

static void turn(void)
{
    s->server.now_ns = bench.now_ns += bench.step_ns;
    (void)flush_poll(s->saver.port);
    (void)appender_turn(s, false);
    flush_flush(s->saver.port);
    (void)flusher_turn(bench.flusher, bench.now_ns, 0);
}

static void open_appender(void)
{
    struct disk_memory_config disk = { .seed = 1 };
    bench_open(&bench, 1, &disk);
    s = calloc(1, sizeof *s);
    settings_init(&settings);
    cr_assert(eq(int, heap_open(&s->heap), OK));
    persist_open(&persist, 1, 1);
    s->settings = s->server.settings = &settings;
    s->server.heap = &s->heap;
    s->server.persist = &persist;
    s->saver.port = flusher_port_of(bench.flusher, 0);
    effects_init(&s->server.effects, &s->heap);
    appender_open(s);
    snprintf(file.path, sizeof file.path, "%s", NAME);
    file.file = (struct flush_file){ .kind = FLUSH_LOG, .path = file.path };
    struct flush_request create = {
        .op = FLUSH_CREATE, .file = &file.file, .done = note_created, .context = &file.is_open
    };
    flush_ask(s->saver.port, &create);
    for (int i = 0; i < 100 && !file.is_open; i++) turn();
    cr_assert(file.is_open);
    appender_turn_to(s, &file);
}

static void close_appender(void)
{
    bench_close(&bench);
    appender_close(s);
    effects_close(&s->server.effects);
    cr_expect(zero(u64, s->heap.bytes_total));
    heap_close(&s->heap);
    settings_close(&settings);
    free(s);
}
TestSuite(appender, .init = open_appender, .fini = close_appender);

static void add(const char *key, struct bytes value)
{
    struct bytes set[] = { BYTES_LITERAL("SET"), bytes_text(key), value };
    effects_add(&s->server.effects, 0, set, 3);
    effects_end_unit(&s->server.effects);
}

// The file from *at on, and *at behind what is there.
static void expect_set(struct bytes *left, const char *key, struct bytes value)
{
    char head[100];
    size_t size = (size_t)sprintf(head, "*3\r\n$3\r\nSET\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen(key),
                                  key, value.size);
    cr_assert(bytes_equal(bytes_make(left->data, size), bytes_make(head, size)), "SET %s", key);
    cr_assert(bytes_skip(left, size));
    cr_assert(zero(int, memcmp(left->data, value.data, value.size)));
    cr_assert(bytes_skip(left, value.size + 2));
}

Test(appender, copies_no_more_of_a_long_unit_in_a_turn_than_others_can_bear)
{
    struct bytes value = { text, LONG }, left;
    for (size_t i = 0; i < LONG; i++) text[i] = (uint8_t)(i ^ i >> 8 ^ i >> 16);
    add("first", BYTES_LITERAL("1"));
    add("long", value);
    add("last", BYTES_LITERAL("2"));
    uint64_t waiting = s->appender.backlog.size, turns = 0;
    cr_expect(gt(u64, waiting, LONG));
    cr_expect(lt(u64, s->heap.bytes[HEAP_LOG], LONG + 1000000), "it was copied");
    while (s->appender.backlog.size || !appender_is_quiet(&s->appender)) {
        turn();
        cr_assert(le(u64, waiting - s->appender.backlog.size,
                     APPENDER_SEND_BYTES + BYTE_QUEUE_PIECE_BYTES));
        waiting = s->appender.backlog.size;
        cr_assert(lt(u64, turns++, 1000));
    }
    while (file.file.written < s->appender.appended) turn();
    cr_assert(eq(int, disk_memory_read(bench.disk.inner, NAME, &left.data, &left.size), OK));
    static const char select[] = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n";
    cr_assert(bytes_skip(&left, sizeof select - 1));
    expect_set(&left, "first", BYTES_LITERAL("1"));
    expect_set(&left, "long", value);
    expect_set(&left, "last", BYTES_LITERAL("2"));
    cr_expect(zero(sz, left.size));
}

Test(appender, stops_writers_when_too_much_waits)
{
    struct bytes value = { text, LONG };
    for (uint64_t bytes = 0; bytes <= APPENDER_BACKLOG_MAX; bytes += LONG) {
        cr_expect(not(appender_is_full(&s->appender)));
        add("long", value);
    }
    cr_expect(appender_is_full(&s->appender));
    for (int i = 0; i < 1000 && appender_is_full(&s->appender); i++) turn();
    cr_expect(not(appender_is_full(&s->appender)));
}
