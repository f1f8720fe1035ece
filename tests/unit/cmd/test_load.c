// Expected values: spec/rdb.md for the bytes; lines and counts as redis-server 7.0.15 gives them
// for files made by hand in the same way.
#include "dataplane/cmd/load.h"
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/cmd/script_run.h"
#include "dataplane/keyspace/index.h"
#include "storage/rdb/rdb_format.h"
#include "storage/rdb/rdb_lzf.h"
#include "storage/rdb/rdb_write.h"
#include "tests/unit/cmd/node_harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(load, .init = open_harness, .fini = close_harness);

// ---- files

enum { FILE_BYTES_MAX = 4 << 20 };
struct file {
    size_t size;
    uint8_t data[FILE_BYTES_MAX];
};
static char log_text[4096];

static void put(struct file *f, const void *data, size_t size)
{
    cr_assert(le(sz, f->size + size, FILE_BYTES_MAX));
    memcpy(f->data + f->size, data, size);
    f->size += size;
}
static void put_byte(struct file *f, uint8_t byte) { put(f, &byte, 1); }
static void put_size(struct file *f, uint32_t size)
{
    uint8_t head[] = { 0x80, (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8),
                       (uint8_t)size };
    if (size < 64)
        put_byte(f, (uint8_t)size);
    else
        put(f, head, sizeof head);
}
static void put_text(struct file *f, const char *text)
{
    put_size(f, (uint32_t)strlen(text));
    put(f, text, strlen(text));
}
static struct file *file_begin(void)
{
    struct file *f = calloc(1, sizeof *f);
    put(f, "REDIS0010", 9);
    return f;
}
static void put_database(struct file *f, uint8_t db)
{
    put_byte(f, RDB_OPCODE_DATABASE);
    put_byte(f, db);
}
static void put_string(struct file *f, const char *name, const char *value)
{
    put_byte(f, RDB_STRING);
    put_text(f, name);
    put_text(f, value);
}
static void put_deadline(struct file *f, uint64_t ms)
{
    uint8_t le[8];
    store_le64(le, ms);
    put_byte(f, RDB_OPCODE_DEADLINE_MS);
    put(f, le, sizeof le);
}
static void put_aux(struct file *f, const char *name, const char *value)
{
    put_byte(f, RDB_OPCODE_AUX);
    put_text(f, name);
    put_text(f, value);
}
static struct file *file_end(struct file *f)
{
    uint8_t sum[8];
    put_byte(f, RDB_OPCODE_END);
    store_le64(sum, crc64(0, f->data, f->size));
    put(f, sum, sizeof sum);
    return f;
}
// What DUMP says of key, as an item of the file.
static void put_dump(struct file *f, struct harness *from, const char *key)
{
    struct bytes args[] = { BYTES_LITERAL("DUMP"), bytes_text(key) };
    char *end;
    harness_run_args(from, args, 2);
    size_t size = strtoull(from->wire + 1, &end, 10);
    put_byte(f, (uint8_t)end[2]);
    put_text(f, key);
    put(f, end + 3, size - 1 - RDB_FOOTER_BYTES);
}

// ---- loading

static void note_line(struct server *s, int level, const char *line)
{
    size_t at = strlen(log_text);
    (void)s;
    cr_expect(eq(int, level, LOG_NOTICE));
    snprintf(log_text + at, sizeof log_text - at, "%s;", line);
}

struct outcome {
    enum load_result result;
    struct load_error error;
    uint64_t loaded, expired, empty, behind, slices;
};

// In slices as small as there are. The bytes end where their allocation does.
static struct outcome load_into(struct server *s, const struct file *f, size_t size, uint32_t flags)
{
    struct outcome o = { .result = LOAD_FAILED };
    uint8_t *copy = malloc(size ? size : 1);
    struct load l;
    memcpy(copy, f->data, size);
    struct load_config config = { s, bytes_make(copy, size), flags, note_line };
    log_text[0] = 0;
    if (load_open(&l, &config)) {
        o.result = LOAD_MORE;
        while (o.result == LOAD_MORE) {
            o.result = load_step(&l, 0);
            o.slices++;
        }
        load_close(&l);
    }
    o.error = l.error;
    o.loaded = l.keys_loaded;
    o.expired = l.keys_expired;
    o.empty = l.keys_empty;
    o.behind = l.behind_end;
    free(copy);
    return o;
}
static struct outcome load_file(struct file *f)
{
    struct outcome o = load_into(&h->server, f, f->size, 0);
    free(f);
    return o;
}
static void expect_done(struct outcome o, uint64_t loaded, uint64_t expired)
{
    cr_expect(eq(int, o.result, LOAD_DONE), "%s", o.error.line);
    cr_expect(eq(u64, o.loaded, loaded));
    cr_expect(eq(u64, o.expired, expired));
}
static void expect_error(struct file *f, const char *line, const char *reason, uint64_t offset)
{
    struct outcome o = load_file(f);
    cr_expect(eq(int, o.result, LOAD_FAILED));
    cr_expect(eq(str, o.error.line, (char *)(uintptr_t)line));
    cr_expect(eq(str, o.error.reason, (char *)(uintptr_t)reason));
    cr_expect(eq(u64, o.error.offset, offset), "%s", line);
}

Test(load, puts_keys_with_their_deadlines_into_their_databases)
{
    struct file *f = file_begin();
    put_database(f, 0);
    put_string(f, "a", "b");
    put_deadline(f, HARNESS_START_MS + 5000);
    put_string(f, "c", "1234");
    put_database(f, 9);
    put_string(f, "a", "other");
    expect_done(load_file(file_end(f)), 3, 0);
    cr_expect(eq(sz, h->effects_size, 0), "nothing is told");
    EXPECT_REPLY(h, "get a", "$1\r\nb\r\n");
    EXPECT_REPLY(h, "pttl a", ":-1\r\n");
    EXPECT_REPLY(h, "pttl c", ":5000\r\n");
    EXPECT_REPLY(h, "object encoding c", "$3\r\nint\r\n");
    harness_run(h, "select 9");
    EXPECT_REPLY(h, "get a", "$5\r\nother\r\n");
    EXPECT_REPLY(h, "dbsize", ":1\r\n");
}

Test(load, builds_values_of_every_type)
{
    static const char *const commands[] = {
        "rpush l a b 1",    "sadd i 1 2 3",   "sadd s x y",
        "zadd z 1.5 a 2 b", "hset h f v g 7", "xadd x 1-1 f v"
    };
    static const char *const keys[] = { "l", "i", "s", "z", "h", "x" };
    char before[6][64];
    struct file *f = file_begin();
    for (int i = 0; i < 6; i++) {
        char command[64];
        harness_run(h, commands[i]);
        put_dump(f, h, keys[i]);
        snprintf(command, sizeof command, "debug digest-value %s", keys[i]);
        h->settings.enable_debug_command = LOCAL_YES;
        snprintf(before[i], sizeof before[i], "%s", harness_run(h, command));
        cr_assert_neq(before[i][0], '-');
    }
    harness_run(h, "flushall");
    expect_done(load_file(file_end(f)), 6, 0);
    for (int i = 0; i < 6; i++) {
        char command[64];
        snprintf(command, sizeof command, "debug digest-value %s", keys[i]);
        EXPECT_REPLY(h, command, before[i]);
    }
}

// rdbLoadRio: a deadline before the load's beginning, and not at it.
Test(load, drops_what_has_expired)
{
    struct file *f = file_begin();
    put_deadline(f, HARNESS_START_MS - 1);
    put_string(f, "past", "b");
    put_deadline(f, HARNESS_START_MS);
    put_string(f, "now", "b");
    put_string(f, "stays", "b");
    expect_done(load_file(file_end(f)), 2, 1);
    EXPECT_REPLY(h, "dbsize", ":2\r\n");
    EXPECT_REPLY(h, "get stays", "$1\r\nb\r\n");
}

Test(load, sets_idle_times)
{
    struct file *f = file_begin();
    put_byte(f, RDB_OPCODE_IDLE);
    put_byte(f, 60);
    put_string(f, "a", "b");
    put_string(f, "fresh", "b");
    expect_done(load_file(file_end(f)), 2, 0);
    EXPECT_REPLY(h, "object idletime a", ":60\r\n");
    EXPECT_REPLY(h, "object idletime fresh", ":0\r\n");
}

Test(load, leaves_empty_collections_out)
{
    struct file *f = file_begin();
    put(f,
        "\x02\x01"
        "e\x00",
        4);
    put_string(f, "a", "b");
    struct outcome o = load_file(file_end(f));
    expect_done(o, 1, 0);
    cr_expect(eq(u64, o.empty, 1));
    cr_expect(eq(str, log_text, (char *)"rdbLoadObject skipping empty key: e;"));
}

Test(load, says_what_the_file_says_of_itself_once)
{
    struct file *f = file_begin();
    put_aux(f, "redis-ver", "7.0.15");
    put_aux(f, "redis-bits", "64");
    put_aux(f, "ctime", "1699999990");
    put_aux(f, "used-mem", "2746696");
    put_aux(f, "%note", "x");
    file_end(f);
    expect_done(load_into(&h->server, f, f->size, LOAD_QUIET), 0, 0);
    cr_expect(eq(str, log_text, (char *)""));
    expect_done(load_file(f), 0, 0);
    cr_expect(eq(str, log_text,
                 (char *)"Loading RDB produced by version 7.0.15;RDB age 10 seconds;"
                         "RDB memory usage when created 2.62 Mb;RDB '%note': x;"));
}

static void put_giant(struct file *f)
{
    put_byte(f, RDB_SET);
    put_text(f, "giant");
    put_size(f, 50000);
    for (int i = 0; i < 50000; i++) {
        char member[16];
        sprintf(member, "member %d", i);
        put_text(f, member);
    }
}

Test(load, works_in_slices)
{
    struct file *f = file_begin();
    put_giant(f);
    struct outcome o = load_file(file_end(f));
    expect_done(o, 1, 0);
    cr_expect(gt(u64, o.slices, 30)); // of 16 steps of 64 members
    EXPECT_REPLY(h, "scard giant", ":50000\r\n");
    EXPECT_REPLY(h, "sismember giant \"member 49999\"", ":1\r\n");
}

// For key-load-delay: whosever the keys are, and with all the time there is.
Test(load, reads_no_more_keys_than_it_may)
{
    char name[16];
    struct load l;
    struct file *f = file_begin();
    enum { KEYS = 40 };
    for (int i = 0; i < KEYS; i++) {
        snprintf(name, sizeof name, "%d", i);
        if (i % 2) put_deadline(f, 1); // is passed over
        put_string(f, name, "value");
    }
    file_end(f);
    struct load_config config = { &h->server, bytes_make(f->data, f->size), 0, note_line };
    cr_assert(load_open(&l, &config));
    l.keys_left = 0;
    uint64_t before = l.file.offset;
    cr_expect(eq(int, load_step(&l, UINT64_MAX), LOAD_MORE));
    cr_expect(eq(u64, l.file.offset, before), "none");
    for (int i = 0; i < KEYS; i++) {
        before = l.file.offset;
        l.keys_left = 1;
        cr_assert(eq(int, load_step(&l, UINT64_MAX), LOAD_MORE));
        cr_expect(l.file.offset > before && l.file.offset < before + 30, "%d", i);
    }
    l.keys_left = 2;
    cr_expect(eq(int, load_step(&l, UINT64_MAX), LOAD_DONE));
    cr_expect(eq(u64, l.keys_loaded, KEYS / 2));
    load_close(&l);
    free(f);
}

Test(load, passes_over_what_is_not_wanted_in_slices)
{
    struct file *f = file_begin();
    put_deadline(f, 1);
    put_giant(f);
    put_string(f, "a", "b");
    struct outcome o = load_file(file_end(f));
    expect_done(o, 1, 1);
    cr_expect(gt(u64, o.slices, 1)); // of 16 steps of 2048 members, and the checksum's
}

// ---- keys that wait for others

// Text as Redis writes it when it compresses, or is a number of 16 bits.
static void put_packed(struct file *f, const char *text)
{
    uint8_t packed[LZF_BOUND(512)];
    size_t size = lzf_pack_literally(bytes_text(text), packed);
    put_byte(f, 0xc3);
    put_size(f, (uint32_t)size);
    put_size(f, (uint32_t)strlen(text));
    put(f, packed, size);
}
static void put_number(struct file *f, uint16_t number)
{
    uint8_t form[] = { 0xc1, (uint8_t)number, (uint8_t)(number >> 8) };
    put(f, form, sizeof form);
}
// Of key i: plain, a number, a compressed one, and one too long to be set aside.
static void name_of(int i, char name[512])
{
    if (i % 4 == 1)
        sprintf(name, "%d", 1000 + i);
    else
        sprintf(name, "%0*d",
                i % 4 == 0   ? 5
                : i % 4 == 2 ? LOAD_NAME_BYTES
                             : 2 * LOAD_NAME_BYTES,
                i);
}

Test(load, puts_every_key_under_its_own_name)
{
    enum { COUNT = 10 * LOAD_KEYS + 3 };
    struct file *f = file_begin();
    char name[512], text[600];
    for (int i = 0; i < COUNT; i++) {
        put_byte(f, RDB_STRING);
        name_of(i, name);
        if (i % 4 == 0) put_text(f, name);
        if (i % 4 == 1) put_number(f, (uint16_t)(1000 + i));
        if (i % 4 >= 2) put_packed(f, name);
        sprintf(text, "value %d", i);
        put_text(f, text);
    }
    expect_done(load_file(file_end(f)), COUNT, 0);
    for (int i = 0; i < COUNT; i++) {
        char wanted[64];
        name_of(i, name);
        sprintf(text, "get %s", name);
        sprintf(wanted, "$%d\r\nvalue %d\r\n", snprintf(NULL, 0, "value %d", i), i);
        EXPECT_REPLY(h, text, wanted);
    }
}

// Whatever comes behind it, and is read before it is put.
Test(load, tells_what_is_wrong_first)
{
    static const char *const behind[] = { "\x63\x01xyz", "\x0b\x03xyz\x03xyz", "\xfe\x3f" };
    static const size_t sizes[] = { 5, 9, 2 };
    for (int i = 0; i < 3; i++) {
        struct file *f = file_begin();
        harness_run(h, "flushall");
        put_string(f, "a", "b");
        put_string(f, "a", "c");
        put(f, behind[i], sizes[i]);
        expect_error(file_end(f), "RDB has duplicated key 'a' in DB 0",
                     "a key that was there already", 14);
    }
    harness_run(h, "flushall");
    struct file *f = file_begin();
    put_string(f, "a", "b");
    put_string(f, "a", "c");
    put(f, "\x02\x01\x65\x00", 4); // an empty set
    expect_error(file_end(f), "RDB has duplicated key 'a' in DB 0", "a key that was there already",
                 14);
    cr_expect(eq(str, log_text, (char *)""));
}

Test(load, lets_the_last_of_a_name_win_when_it_merges)
{
    struct file *f = file_begin();
    put_string(f, "a", "first");
    put_string(f, "a", "last");
    file_end(f);
    expect_done(load_into(&h->server, f, f->size, LOAD_MERGE), 2, 0);
    EXPECT_REPLY(h, "get a", "$4\r\nlast\r\n");
    free(f);
}

// ---- room ahead

static uint64_t table_bytes_after(uint32_t said)
{
    struct file *f = file_begin();
    harness_run(h, "flushall");
    put_database(f, 0);
    put_byte(f, RDB_OPCODE_RESIZE);
    put_byte(f, 0x80);
    put_byte(f, (uint8_t)(said >> 24));
    put_byte(f, (uint8_t)(said >> 16));
    put_byte(f, (uint8_t)(said >> 8));
    put_byte(f, (uint8_t)said);
    put_byte(f, 0);
    for (int i = 0; i < 1000; i++) {
        char name[16];
        sprintf(name, "%d", i);
        put_string(f, name, "a value of two and sixty bytes, of which the name has up to 3");
    }
    expect_done(load_file(file_end(f)), 1000, 0);
    return keyspace_table_bytes(h->server.keyspace, 0);
}

Test(load, makes_room_for_as_many_keys_as_the_file_says_and_has_room_for)
{
    uint64_t segment = sizeof(struct index_segment);
    uint64_t few = table_bytes_after(0), said = table_bytes_after(3000);
    uint64_t lied = table_bytes_after(UINT32_MAX);
    cr_expect(lt(u64, few, 5 * segment));
    cr_expect(ge(u64, said, 8 * segment)); // of up to 448 keys on average
    cr_expect(lt(u64, said, 9 * segment));
    cr_expect(lt(u64, lied, 17 * segment)); // 66 KB: some 4100 keys
}

// ---- several shards

Test(load, gives_each_shard_its_keys)
{
    struct node_harness *n = node_open();
    struct file *f = file_begin();
    uint64_t loaded = 0, expired = 0;
    for (int i = 0; i < 300; i++) {
        char name[16];
        sprintf(name, "key:%d", i);
        if (i % 10 == 0) put_deadline(f, 1);
        put_string(f, name, "v");
    }
    put(f,
        "\x02\x05"
        "other\x02\x01x\x01y",
        12);
    file_end(f);
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        struct server *s = &n->shard[i]->server;
        struct outcome o = load_into(s, f, f->size, i ? LOAD_UNCHECKED : 0);
        cr_expect(eq(int, o.result, LOAD_DONE));
        cr_expect(eq(u64, keyspace_size(s->keyspace, 0), o.loaded));
        cr_expect(gt(u64, o.loaded, 50));
        loaded += o.loaded;
        expired += o.expired;
    }
    cr_expect(eq(u64, loaded, 271));
    cr_expect(eq(u64, expired, 30));
    for (int i = 1; i < 300; i += 10) { // where commands look for it
        char name[16];
        sprintf(name, "key:%d", i);
        struct server *home = server_home(n->node.servers[0], bytes_text(name));
        struct key key = key_make(home->keyspace, bytes_text(name));
        cr_expect(keyspace_peek(home->keyspace, 0, &key) != NULL);
    }
    free(f);
    node_close(n);
}

// ---- functions

#define LIBRARY "#!lua name=l\nredis.register_function('f', function() return 42 end)"

static struct file *file_of_library(const char *code)
{
    struct file *f = file_begin();
    put_byte(f, RDB_OPCODE_FUNCTION);
    put_text(f, code);
    return file_end(f);
}

Test(load, loads_libraries)
{
    expect_done(load_file(file_of_library(LIBRARY)), 0, 0);
    EXPECT_REPLY(h, "fcall f 0", ":42\r\n");
}

Test(load, refuses_libraries_that_are_there_or_wrong)
{
    expect_done(load_file(file_of_library(LIBRARY)), 0, 0);
    expect_error(file_of_library(LIBRARY), "Failed loading library, Library 'l' already exists",
                 "a library of functions is refused: Library 'l' already exists", 9);
    expect_error(file_of_library("#!lua name=m\nx = "),
                 "Failed loading library, Error compiling function: user_function:2: unexpected "
                 "symbol near '<eof>'",
                 "a library of functions is refused: Error compiling function: user_function:2: "
                 "unexpected symbol near '<eof>'",
                 9);
    struct file *f = file_of_library(LIBRARY);
    expect_done(load_into(&h->server, f, f->size, LOAD_MERGE), 0, 0);
    free(f);
}

// ---- what is wrong

Test(load, refuses_a_key_that_is_there)
{
    struct file *f = file_begin();
    put_database(f, 3);
    put_string(f, "a", "b");
    put_string(f, "a", "c");
    expect_error(file_end(f), "RDB has duplicated key 'a' in DB 3", "a key that was there already",
                 16);
}

Test(load, merges_when_asked_to)
{
    struct file *f = file_begin();
    put_string(f, "a", "new");
    harness_run(h, "rpush a 1 2");
    file_end(f);
    expect_done(load_into(&h->server, f, f->size, LOAD_MERGE), 1, 0);
    EXPECT_REPLY(h, "get a", "$3\r\nnew\r\n");
    free(f);
}

Test(load, refuses_heads)
{
    struct file *f = file_end(file_begin());
    memcpy(f->data, "HELLO", 5);
    expect_error(f, "Wrong signature trying to load DB from file",
                 "it does not begin with REDIS, as a snapshot does", 0);
    f = file_end(file_begin());
    memcpy(f->data + 5, "0099", 4);
    expect_error(f, "Can't handle RDB format version 99",
                 "versions 1 to 12 of the format can be read", 5);
}

Test(load, refuses_what_needs_more_databases)
{
    struct file *f = file_begin();
    put_database(f, 16);
    expect_error(file_end(f),
                 "FATAL: Data file was created with a Redis server configured to handle more than "
                 "16 databases. Exiting",
                 "it has keys of database 16", 9);
}

// The module's name is that which redis-server says of the same bytes.
Test(load, refuses_data_of_modules)
{
    struct file *f = file_begin();
    put(f, "\xf7\x81\x12\x12\x12\x12\x12\x12\x12\x12\x02\x01\x00", 13);
    expect_error(file_end(f),
                 "The RDB file contains AUX module data I can't load: no matching module "
                 "'EhISEhISE'",
                 "it has data of a module", 9);
}

Test(load, refuses_unknown_types)
{
    struct file *f = file_begin();
    put_database(f, 0);
    put(f,
        "\x63\x01"
        "a\x01"
        "b",
        5);
    struct outcome o = load_file(file_end(f));
    cr_expect(eq(int, o.result, LOAD_FAILED));
    cr_expect(eq(u64, o.error.offset, 11));
    cr_expect(not(o.error.is_short));
    cr_expect(strncmp(o.error.reason, "Unknown RDB encoding type 99: ", 30) == 0, "%s",
              o.error.reason);
    cr_expect(strncmp(o.error.line,
                      "Internal error in RDB reading offset 11, function at load_step "
                      "-> Unknown RDB encoding type 99",
                      93) == 0,
              "%s", o.error.line);
}

Test(load, refuses_damaged_values)
{
    struct file *f = file_begin();
    put(f,
        "\x0b\x03"
        "abc\x03xyz",
        9); // an intset of three bytes
    struct outcome o = load_file(file_end(f));
    cr_expect(eq(int, o.result, LOAD_FAILED));
    cr_expect(not(o.error.is_short));
    cr_expect(ge(u64, o.error.offset, 14));
    cr_expect(eq(str, o.error.reason,
                 (char *)"the value of key 'abc' in database 0, of type 11, is damaged"));
}

Test(load, refuses_a_wrong_checksum)
{
    struct file *f = file_begin();
    char line[128];
    put_string(f, "a", "b");
    file_end(f);
    uint64_t right = load_le64(f->data + f->size - 8);
    f->data[f->size - 1] ^= 1;
    snprintf(line, sizeof line, "Wrong RDB checksum expected: (%lx) but got (%lx). Aborting now.",
             (unsigned long)right, (unsigned long)(right ^ 1ul << 56));
    struct outcome o = load_into(&h->server, f, f->size, 0);
    cr_expect(eq(int, o.result, LOAD_FAILED));
    cr_expect(eq(str, o.error.line, line));
    cr_expect(eq(u64, o.error.offset, f->size - 9));
    harness_run(h, "flushall");
    expect_done(load_into(&h->server, f, f->size, LOAD_UNCHECKED), 1, 0);
    harness_run(h, "flushall");
    memset(f->data + f->size - 8, 0, 8); // none
    expect_done(load_into(&h->server, f, f->size, 0), 1, 0);
    cr_expect(eq(str, log_text,
                 (char *)"RDB file was saved with checksum disabled: no check performed.;"));
    free(f);
}

Test(load, tells_of_bytes_behind_the_end)
{
    struct file *f = file_begin();
    put_string(f, "a", "b");
    file_end(f);
    put(f, "xyz", 3);
    struct outcome o = load_file(f);
    expect_done(o, 1, 0);
    cr_expect(eq(u64, o.behind, 3));
}

// Some of everything.
static struct file *small_file(void)
{
    struct file *f = file_begin();
    put_aux(f, "redis-ver", "7.0.15");
    put_byte(f, RDB_OPCODE_FUNCTION);
    put_text(f, LIBRARY);
    put_database(f, 0);
    put_deadline(f, HARNESS_START_MS + 1000000);
    put_string(f, "text", "some text");
    harness_run(h, "rpush l a b 1");
    put_dump(f, h, "l");
    harness_run(h, "xadd x 1-1 f v");
    put_dump(f, h, "x");
    return file_end(f);
}

Test(load, refuses_every_file_that_is_cut_off)
{
    struct file *f = small_file();
    for (size_t size = 0; size < f->size; size++) {
        harness_run(h, "flushall");
        harness_run(h, "function flush");
        struct outcome o = load_into(&h->server, f, size, 0);
        cr_assert(eq(int, o.result, LOAD_FAILED), "%zu", size);
        cr_expect(o.error.is_short, "%zu: %s", size, o.error.line);
        cr_expect(le(u64, o.error.offset, size));
    }
    harness_run(h, "flushall");
    harness_run(h, "function flush");
    expect_done(load_into(&h->server, f, f->size, 0), 3, 0);
    free(f);
}

// No sum gives it away: it is taken or refused, and nothing worse.
Test(load, survives_every_flipped_bit)
{
    struct file *f = small_file();
    uint32_t refused = 0;
    memset(f->data + f->size - 8, 0, 8);
    for (size_t bit = 0; bit < 8 * (f->size - 8); bit++) {
        harness_run(h, "flushall");
        harness_run(h, "function flush");
        f->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct outcome o = load_into(&h->server, f, f->size, 0);
        f->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert(ne(int, o.result, LOAD_MORE));
        cr_expect(le(u64, o.error.offset, f->size));
        refused += o.result == LOAD_FAILED;
    }
    cr_expect(gt(u32, refused, 500)); // of some 1700
    free(f);
}

// ---- commands meanwhile. Redis 7.0.15, slowed down by key-load-delay, gave these.

#define LOADING "-LOADING Redis is loading the dataset in memory\r\n"

static struct persist persist;
static void set_loading(bool on)
{
    persist_open(&persist, 1, h->now_ms);
    persist.loading_left = on;
    h->server.persist = &persist;
}

Test(load, refuses_commands_meanwhile)
{
    set_loading(true);
    EXPECT_REPLY(h, "ping", LOADING);
    EXPECT_REPLY(h, "set a b", LOADING);
    EXPECT_REPLY(h, "eval \"return 1\" 0", LOADING);
    EXPECT_REPLY(h, "function list", LOADING);
    EXPECT_REPLY(h, "set a", "-ERR wrong number of arguments for 'set' command\r\n");
    EXPECT_REPLY(h, "select 1", "+OK\r\n");
    EXPECT_REPLY(h, "echo x", "$1\r\nx\r\n");
    harness_run(h, "subscribe c");
    EXPECT_REPLY(h, "ping", LOADING);
    EXPECT_REPLY(h, "get a",
                 "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
                 "RESET are allowed in this context\r\n");
    harness_run(h, "unsubscribe");
    set_loading(false);
    EXPECT_REPLY(h, "ping", "+PONG\r\n");
}

Test(load, refuses_transactions_that_need_the_dataset)
{
    set_loading(true);
    EXPECT_REPLY(h, "multi", "+OK\r\n");
    EXPECT_REPLY(h, "set a b", LOADING);
    EXPECT_REPLY(h, "time", "+QUEUED\r\n");
    EXPECT_REPLY(h, "exec", "-EXECABORT Transaction discarded because of previous errors.\r\n");
    EXPECT_REPLY(h, "multi", "+OK\r\n");
    EXPECT_REPLY(h, "echo x", "+QUEUED\r\n");
    EXPECT_REPLY(h, "exec", "*1\r\n$1\r\nx\r\n");
    set_loading(false);
    EXPECT_REPLY(h, "multi", "+OK\r\n");
    EXPECT_REPLY(h, "set a b", "+QUEUED\r\n");
    set_loading(true);
    EXPECT_REPLY(
        h, "exec",
        "-EXECABORT Transaction discarded because of: LOADING Redis is loading the dataset "
        "in memory\r\n");
    EXPECT_REPLY(h, "multi", "+OK\r\n");
    EXPECT_REPLY(h, "exec", "*0\r\n");
}

Test(load, wakes_nobody_before_it_is_over)
{
    struct harness_client *c = harness_client_open(h);
    struct file *f = file_begin();
    put(f, "\x01\x01l\x01\x01x", 6);
    cr_expect(eq(str, (char *)(uintptr_t)harness_client_run(c, "blpop l 0"), (char *)""));
    set_loading(true);
    expect_done(load_file(file_end(f)), 1, 0);
    harness_run(h, "time");
    cr_expect(eq(str, (char *)(uintptr_t)harness_client_wire(c), (char *)""));
    set_loading(false);
    blocks_serve(&h->server);
    cr_expect(
        eq(str, (char *)(uintptr_t)harness_client_wire(c), (char *)"*2\r\n$1\r\nl\r\n$1\r\nx\r\n"));
    harness_client_close(c);
}

// ---- INFO

static void expect_persistence(const char *lines, bool expected)
{
    struct info info = { .server = &h->server };
    struct text t;
    text_open(&t, &h->heap);
    info_persistence(&t, &info);
    cr_expect(eq(int, strstr(t.data, lines) != NULL, expected), "%s in\n%s", lines, t.data);
    text_close(&t);
}

Test(load, shows_progress_in_info)
{
    set_loading(true);
    persist.shards[0] = (struct persist_shard){ .keys_loaded = 7, .loaded_bytes = 1000 };
    persist.load_file_bytes = 4000;
    persist.load_used_memory = 12345;
    persist.load_started_ms = h->now_ms - 2000;
    expect_persistence("loading:1\r\nasync_loading:0\r\n", true);
    expect_persistence("\r\nrdb_last_load_keys_loaded:7\r\n", true);
    expect_persistence("\r\nloading_start_time:1699999998\r\nloading_total_bytes:4000\r\n"
                       "loading_rdb_used_mem:12345\r\nloading_loaded_bytes:1000\r\n"
                       "loading_loaded_perc:25.00\r\nloading_eta_seconds:5\r\n",
                       true);
    set_loading(false);
    expect_persistence("loading:0\r\n", true);
    expect_persistence("loading_total_bytes", false);
}
