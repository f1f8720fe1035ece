#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_dump, .init = open_harness, .fini = close_harness);

static const char *const bad_payload = "-ERR DUMP payload version or checksum are wrong\r\n";
static const char *const bad_format = "-ERR Bad data format\r\n";

struct dump {
    uint8_t *data;
    size_t size;
};

static struct dump dump(const char *key)
{
    struct dump d = { NULL, 0 };
    struct bytes args[] = { BYTES_LITERAL("DUMP"), bytes_text(key) };
    char *end;
    harness_run_args(h, args, 2);
    cr_assert_eq(h->wire[0], '$');
    d.size = strtoull(h->wire + 1, &end, 10);
    d.data = malloc(d.size);
    memcpy(d.data, end + 2, d.size);
    cr_assert_eq(h->wire_size, (size_t)(end + 2 - h->wire) + d.size + 2);
    return d;
}

// RESTORE key ttl payload options...; options by spaces.
static const char *restore(const char *key, const char *ttl, const struct dump *d,
                           const char *options)
{
    struct bytes args[12] = { BYTES_LITERAL("RESTORE"), bytes_text(key), bytes_text(ttl),
                              bytes_make(d->data, d->size) };
    uint32_t count = 4;
    while (*options) {
        size_t size = strcspn(options, " ");
        args[count++] = bytes_make(options, size);
        options += size + (options[size] == ' ');
    }
    return harness_run_args(h, args, count);
}

static void expect_restore(const char *key, const char *ttl, const struct dump *d,
                           const char *options, const char *expected)
{
    cr_expect_str_eq(restore(key, ttl, d, options), expected);
}

Test(cmd_dump, gives_the_bytes_of_a_real_server)
{
    static const uint8_t expected[] = { 0x00, 0x01, 0x76, 0x0a, 0x00 }; // and 8 of CRC
    harness_run(h, "set k v");
    struct dump d = dump("k");
    cr_expect_eq(d.size, 13);
    cr_expect_arr_eq(d.data, expected, sizeof expected);
    free(d.data);
    EXPECT_REPLY(h, "dump none", "$-1\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "dump none", "_\r\n");
}

Test(cmd_dump, restores_what_it_dumped)
{
    static const char *const commands[] = { "set s hello",   "rpush l a b c",    "sadd i 1 2 3",
                                            "sadd t a b",    "zadd z 1 a 2.5 b", "hset m f v g w",
                                            "xadd x 1-1 f v" };
    static const char *const keys[] = { "s", "l", "i", "t", "z", "m", "x" };
    for (int i = 0; i < 7; i++) {
        char command[64], digest[64];
        harness_run(h, commands[i]);
        struct dump d = dump(keys[i]);
        expect_restore("copy", "0", &d, "replace", "+OK\r\n");
        snprintf(command, sizeof command, "debug digest-value %s", keys[i]);
        h->settings.enable_debug_command = LOCAL_YES;
        snprintf(digest, sizeof digest, "%s", harness_run(h, command));
        EXPECT_REPLY(h, "debug digest-value copy", digest);
        free(d.data);
    }
}

Test(cmd_dump, propagates_a_moment_instead_of_a_time)
{
    harness_run(h, "set k v");
    struct dump d = dump("k");
    expect_restore("a", "0", &d, "", "+OK\r\n");
    cr_expect(strncmp(h->effects, "RESTORE a 0 ", 12) == 0, "%s", h->effects);
    cr_expect_null(strstr(h->effects, "ABSTTL"));
    expect_restore("b", "1000", &d, "replace idletime 5", "+OK\r\n");
    cr_expect(strncmp(h->effects, "RESTORE b 1700000001000 ", 24) == 0, "%s", h->effects);
    cr_expect(strstr(h->effects, " replace idletime 5 ABSTTL;") != NULL);
    EXPECT_REPLY(h, "pttl b", ":1000\r\n");
    expect_restore("c", "1700000005000", &d, "absttl", "+OK\r\n");
    cr_expect(strstr(h->effects, " absttl;") != NULL);
    EXPECT_REPLY(h, "pttl c", ":5000\r\n");
    free(d.data);
}

Test(cmd_dump, stores_nothing_whose_time_has_passed)
{
    harness_run(h, "set k v");
    struct dump d = dump("k");
    uint64_t dirty = keyspace_dirty(h->server.keyspace);
    expect_restore("none", "1", &d, "absttl", "+OK\r\n");
    cr_expect_str_eq(h->effects, "");
    cr_expect_eq(keyspace_dirty(h->server.keyspace), dirty);
    expect_restore("k", "1", &d, "absttl replace", "+OK\r\n");
    cr_expect_str_eq(h->effects, "DEL k;");
    cr_expect_eq(keyspace_dirty(h->server.keyspace), dirty + 1);
    EXPECT_REPLY(h, "exists k none", ":0\r\n");
    free(d.data);
}

Test(cmd_dump, counts_one_change_for_each_type)
{
    static const char *const commands[] = { "set k v",    "rpush k a b", "sadd k 1 2",
                                            "zadd k 1 a", "hset k f v",  "xadd k 1-1 f v" };
    for (int i = 0; i < 6; i++) {
        harness_run(h, "del k");
        harness_run(h, commands[i]);
        struct dump d = dump("k");
        uint64_t dirty = keyspace_dirty(h->server.keyspace);
        expect_restore("k", "0", &d, "replace", "+OK\r\n");
        cr_expect_eq(keyspace_dirty(h->server.keyspace), dirty + 1, "%s", commands[i]);
        free(d.data);
    }
}

Test(cmd_dump, sets_the_access_clock)
{
    harness_run(h, "set k v");
    struct dump d = dump("k");
    expect_restore("a", "0", &d, "idletime 1000", "+OK\r\n");
    EXPECT_REPLY(h, "object idletime a", ":1000\r\n");
    expect_restore("a", "0", &d, "idletime 9223372036854775807 replace", "+OK\r\n");
    EXPECT_REPLY(h, "object idletime a", ":8388608\r\n");
    keyspace_set_access_clock(h->server.keyspace, true);
    h->settings.maxmemory_policy = 2;
    expect_restore("b", "0", &d, "freq 255", "+OK\r\n");
    free(d.data);
}

Test(cmd_dump, refuses_in_the_order_of_redis)
{
    harness_run(h, "set k v");
    struct dump d = dump("k"), broken = { malloc(d.size), d.size };
    memcpy(broken.data, d.data, d.size);
    broken.data[d.size - 1] ^= 1;
    expect_restore("k", "-1", &broken, "foo", "-ERR syntax error\r\n");
    expect_restore("k", "-1", &broken, "idletime -1",
                   "-ERR Invalid IDLETIME value, must be >= 0\r\n");
    expect_restore("k", "-1", &broken, "freq 256",
                   "-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n");
    expect_restore("k", "-1", &broken, "idletime 1 freq 1", "-ERR syntax error\r\n");
    expect_restore("k", "-1", &broken, "", "-BUSYKEY Target key name already exists.\r\n");
    expect_restore("n", "-1", &broken, "", "-ERR Invalid TTL value, must be >= 0\r\n");
    expect_restore("n", "x", &broken, "", "-ERR value is not an integer or out of range\r\n");
    expect_restore("n", "9223372036854775807", &d, "", "-ERR Invalid TTL value, must be >= 0\r\n");
    expect_restore("n", "0", &broken, "", bad_payload);
    broken.size = 9;
    expect_restore("n", "0", &broken, "", bad_payload);
    EXPECT_REPLY(h, "exists n", ":0\r\n");
    free(d.data);
    free(broken.data);
}

// Makes the footer right again, so that only the object is wrong.
static void sign(struct dump *d)
{
    store_le64(d->data + d->size - 8, crc64(0, d->data, d->size - 8));
}

Test(cmd_dump, refuses_objects_that_are_wrong_and_versions_it_does_not_know)
{
    harness_run(h, "rpush k a b c");
    struct dump d = dump("k");
    d.data[8] ^= 0x40;
    expect_restore("n", "0", &d, "", bad_payload);
    sign(&d);
    expect_restore("n", "0", &d, "", bad_format);
    d.data[8] ^= 0x40;
    d.data[d.size - 10] = 12;
    sign(&d);
    expect_restore("n", "0", &d, "", "+OK\r\n");
    d.data[d.size - 10] = 13;
    sign(&d);
    expect_restore("n", "0", &d, "replace", bad_payload);
    d.data[0] = 6;
    d.data[d.size - 10] = 10;
    sign(&d);
    expect_restore("n", "0", &d, "replace", bad_format);
    EXPECT_REPLY(h, "lrange n 0 -1", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"); // still there
    d.size = 10;
    d.data[0] = 10;
    d.data[1] = 0;
    sign(&d);
    expect_restore("n", "0", &d, "replace", bad_format); // nothing but a footer
    free(d.data);
}

// ---- in slices

static void fill(const char *command, int count)
{
    for (int i = 0; i < count; i += 50) {
        char line[4096];
        int at = snprintf(line, sizeof line, "%s", command);
        for (int j = i; j < i + 50; j++)
            at += snprintf(line + at, sizeof line - (size_t)at, " %d element%d", j, j);
        harness_run(h, line);
    }
}

Test(cmd_dump, dumps_and_restores_giants_in_slices)
{
    static const char *const types[] = { "rpush k", "sadd k", "zadd k", "hset k" };
    h->settings.enable_debug_command = LOCAL_YES;
    for (int i = 0; i < 4; i++) {
        char digest[64];
        harness_run(h, "del k copy");
        fill(types[i], 20000);
        snprintf(digest, sizeof digest, "%s", harness_run(h, "debug digest-value k"));
        struct dump d = dump("k");
        cr_expect_gt(h->slices, 10, "%s: %u", types[i], h->slices);
        expect_restore("copy", "0", &d, "", "+OK\r\n");
        cr_expect_gt(h->slices, 100, "%s: %u", types[i], h->slices);
        EXPECT_REPLY(h, "debug digest-value copy", digest);
        expect_restore("copy", "1000", &d, "replace", "+OK\r\n");
        EXPECT_REPLY(h, "pttl copy", ":1000\r\n");
        d.data[d.size - 1] ^= 1;
        expect_restore("other", "0", &d, "", bad_payload);
        d.data[d.size / 2] ^= 0xff;
        memset(d.data + d.size / 2, 0xff, 100);
        sign(&d);
        expect_restore("other", "0", &d, "", bad_format);
        EXPECT_REPLY(h, "exists other", ":0\r\n");
        free(d.data);
    }
}

Test(cmd_dump, dumps_and_restores_long_strings_in_slices)
{
    harness_run(h, "setrange k 5000000 x");
    struct dump d = dump("k");
    cr_expect_gt(h->slices, 50);
    cr_expect_lt(d.size, 500000);
    expect_restore("copy", "0", &d, "", "+OK\r\n");
    cr_expect_gt(h->slices, 50);
    EXPECT_REPLY(h, "strlen copy", ":5000001\r\n");
    EXPECT_REPLY(h, "getrange copy 4999999 -1", "$2\r\n\0x\r\n");
    free(d.data);
    h->settings.rdbcompression = false;
    d = dump("k");
    cr_expect_gt(d.size, 5000000);
    free(d.data);
}

static void begin(const struct bytes *args, uint32_t count)
{
    struct resp_request request = { .argv = (struct bytes *)(uintptr_t)args, .argc = count };
    struct call call = { .server = &h->server,
                         .client = &h->client,
                         .reply = &h->client.reply,
                         .keyspace = h->server.keyspace,
                         .argv = request.argv,
                         .argc = count,
                         .request = &request,
                         .arrival_tsc = clock_tsc(),
                         .now_ms = h->now_ms };
    command_prepare(&call);
    command_execute(&call);
    cr_expect(call.suspended);
}

Test(cmd_dump, wakes_who_waits_for_the_key)
{
    static const char *const first = "*2\r\n$4\r\ncopy\r\n$1\r\n0\r\n";
    struct harness_client *other = harness_client_open(h);
    harness_run(h, "rpush k 0 b");
    struct dump d = dump("k");
    cr_expect_str_eq(harness_client_run(other, "blpop copy 0"), "");
    expect_restore("copy", "0", &d, "", "+OK\r\n");
    cr_expect_str_eq(harness_client_wire(other), first);
    free(d.data);
    harness_run(h, "del k copy");
    fill("rpush k", 20000);
    d = dump("k");
    cr_expect_str_eq(harness_client_run(other, "blpop copy 0"), "");
    harness_run(h, "set copy x");
    expect_restore("copy", "0", &d, "replace", "+OK\r\n"); // a string before, in slices
    cr_expect_str_eq(harness_client_wire(other), first);
    free(d.data);
    harness_client_close(other);
}

Test(cmd_dump, gives_everything_back_when_the_client_goes)
{
    fill("rpush k", 20000);
    struct dump d = dump("k");
    struct bytes dump_args[] = { BYTES_LITERAL("DUMP"), BYTES_LITERAL("k") };
    struct bytes restore_args[] = { BYTES_LITERAL("RESTORE"), BYTES_LITERAL("copy"),
                                    BYTES_LITERAL("0"), bytes_make(d.data, d.size) };
    begin(dump_args, 2);
    jobs_run(&h->server, 1);
    jobs_forget_client(&h->server, &h->client);
    begin(restore_args, 4);
    jobs_run(&h->server, 1);
    jobs_forget_client(&h->server, &h->client); // it is a write: it goes on
    while (jobs_run(&h->server, 1)) continue;
    EXPECT_REPLY(h, "llen copy", ":40000\r\n");
    free(d.data);
}
