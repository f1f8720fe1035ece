#include "dataplane/types/list_value.h"
#include "dataplane/types/set_value.h"
#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_sort, .init = open_harness, .fini = close_harness);

#define SYNTAX_ERROR "-ERR syntax error\r\n"
#define NO_DOUBLE "-ERR One or more scores can't be converted into double\r\n"

// The elements of a reply, a space behind each; "(nil)" for none.
static const char *words(const char *wire)
{
    static char text[1 << 17];
    size_t at = 0;
    text[0] = 0;
    cr_assert(eq(chr, wire[0], '*'));
    for (const char *in = strchr(wire, '\n') + 1; *in;) {
        char *end;
        long size = in[0] == '_' ? -1 : strtol(in + 1, &end, 10);
        if (size < 0) {
            at += (size_t)sprintf(text + at, "(nil) ");
            in = strchr(in, '\n') + 1;
            continue;
        }
        memcpy(text + at, end + 2, (size_t)size);
        at += (size_t)size;
        text[at++] = ' ';
        text[at] = 0;
        in = end + 2 + size + 2;
        cr_assert(lt(sz, at + 100, sizeof text));
    }
    return text;
}
#define EXPECT_WORDS(command, expected)                                                            \
    cr_expect(eq(str, (char *)words(harness_run(h, (command))), (char *)(expected)), "%s",         \
              (command))

static void fill_list(const char *name, int64_t first, int64_t step, uint32_t count)
{
    struct list_builder b;
    char text[32];
    struct key key = key_make(h->server.keyspace, bytes_text(name));
    list_build_begin(&b, h->server.keyspace);
    for (uint32_t i = 0; i < count; i++) {
        int size = snprintf(text, sizeof text, "%ld", (long)(first + step * i));
        list_build_add(&b, bytes_make(text, (size_t)size));
    }
    list_build_put(&b, &h->server.thresholds, 0, &key, h->now_ms);
}

static void fill_strings(const char *prefix, uint32_t count, uint32_t modulus)
{
    char command[128];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(command, sizeof command, "set %s%u %u", prefix, i, i * 7919 % modulus);
        harness_run(h, command);
    }
}

// ---- order

Test(cmd_sort, sorts_numbers)
{
    harness_run(h, "rpush l 10 9 -1 2.5 1e1 0x10");
    EXPECT_WORDS("sort l", "-1 2.5 9 10 1e1 0x10 ");
    EXPECT_WORDS("sort l desc", "0x10 1e1 10 9 2.5 -1 ");
    EXPECT_WORDS("sort l asc desc asc", "-1 2.5 9 10 1e1 0x10 ");
    EXPECT_WORDS("sort_ro l limit 1 2", "2.5 9 ");
    harness_run(h, "rpush m \" 7\" \"\" inf -inf 3");
    EXPECT_WORDS("sort m", "-inf  3  7 inf "); // as strtod: blanks, and nothing is 0
}

Test(cmd_sort, refuses_what_is_no_number)
{
    static const char *const bad[] = { "x", "1x", "nan", "1e400", "4e-320", "\" \"", "\"1 \"" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char command[64];
        harness_run(h, "del l");
        snprintf(command, sizeof command, "rpush l 1 %s 2", bad[i]);
        harness_run(h, command);
        EXPECT_REPLY(h, "sort l", NO_DOUBLE);
        EXPECT_REPLY(h, "sort l store d", NO_DOUBLE);
        EXPECT_REPLY(h, "exists d", ":0\r\n");
    }
}

Test(cmd_sort, sorts_texts)
{
    harness_run(h, "rpush l b a 10 9 B ab \"\"");
    EXPECT_WORDS("sort l alpha", " 10 9 B a ab b ");
    EXPECT_WORDS("sort l alpha desc limit 0 3", "b ab a ");
    // strcoll stops at a NUL, so these two are equal and stay as they came; stored, all bytes count
    harness_run(h, "rpush n \"a\\x00c\" \"a\\x00b\"");
    harness_run(h, "sort n alpha");
    cr_expect(eq(int, memcmp(h->wire, "*2\r\n$3\r\na\0c\r\n$3\r\na\0b\r\n", 22), 0));
    harness_run(h, "sort n alpha store d");
    harness_run(h, "lrange d 0 -1");
    cr_expect(eq(int, memcmp(h->wire, "*2\r\n$3\r\na\0b\r\n$3\r\na\0c\r\n", 22), 0));
}

Test(cmd_sort, sorts_sets_and_sorted_sets)
{
    harness_run(h, "sadd s 3 1 2");
    harness_run(h, "zadd z 1 c 2 b 3 a");
    EXPECT_WORDS("sort s desc", "3 2 1 ");
    EXPECT_WORDS("sort z alpha", "a b c ");
    EXPECT_WORDS("sort z by nosort", "c b a ");
    EXPECT_WORDS("sort z by nosort desc", "a b c ");
    EXPECT_WORDS("sort z by nosort desc limit 1 1", "b ");
    harness_run(h, "set k v");
    EXPECT_REPLY(h, "sort k",
                 "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
    harness_run(h, "hset hash f v");
    EXPECT_REPLY(h, "sort_ro hash",
                 "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
}

Test(cmd_sort, cuts_the_result_as_limit_says)
{
    static const struct {
        const char *limit, *want;
    } cases[] = {
        { "0 0", "" },
        { "0 -1", "1 2 3 4 " },
        { "1 2", "2 3 " },
        { "3 9", "4 " },
        { "4 1", "" },
        { "9 9", "" },
        { "-5 2", "1 2 " },
        { "2 -7", "3 4 " },
        { "-1 0", "" },
        { "0 4", "1 2 3 4 " },
        { "1 9223372036854775807", "2 3 4 " },
        { "9223372036854775807 1", "" },
    };
    harness_run(h, "rpush l 1 2 3 4");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char command[128];
        snprintf(command, sizeof command, "sort l limit %s", cases[i].limit);
        EXPECT_WORDS(command, cases[i].want);
        snprintf(command, sizeof command, "sort l by nosort limit %s", cases[i].limit);
        EXPECT_WORDS(command, cases[i].want);
    }
    EXPECT_WORDS("sort l by nosort desc limit 1 2", "3 2 ");
}

Test(cmd_sort, refuses_bad_options)
{
    static const char *const bad[] = { "sort l foo",   "sort l limit 1", "sort l by",
                                       "sort l get",   "sort l store",   "sort_ro l store d",
                                       "sort l limit", "sort k foo",     "sort l by x y" };
    harness_run(h, "rpush l 1");
    harness_run(h, "set k v");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) EXPECT_REPLY(h, bad[i], SYNTAX_ERROR);
    EXPECT_REPLY(h, "sort l limit x 1", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "sort l get # get a get b get c get d limit 1 x",
                 "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "sort none", "*0\r\n");
    EXPECT_REPLY(h, "sort none get # get #", "*0\r\n");
}

// ---- BY and GET

Test(cmd_sort, sorts_by_what_other_keys_hold)
{
    harness_run(h, "rpush l 1 2 3 4");
    harness_run(h, "mset w1 40 w2 30 w3 20");
    EXPECT_WORDS("sort l by w*", "4 3 2 1 "); // without a weight: 0
    EXPECT_WORDS("sort l by w* desc limit 0 2", "1 2 ");
    harness_run(h, "set w4 x");
    EXPECT_REPLY(h, "sort l by w*", NO_DOUBLE);
    EXPECT_WORDS("sort l by w* alpha", "3 2 1 4 ");
    harness_run(h, "del w4 w1");
    EXPECT_WORDS("sort l by w* alpha", "1 4 3 2 "); // those without one first, as they came
    harness_run(h, "sadd w4 5");
    EXPECT_WORDS("sort l by w* alpha desc", "2 3 1 4 "); // another type is none
    EXPECT_WORDS("sort l by constant", "1 2 3 4 ");
    EXPECT_WORDS("sort l by #", "1 2 3 4 ");
    EXPECT_WORDS("sort l by constant by w*", "1 2 3 4 "); // a constant is for good
}

Test(cmd_sort, sorts_by_fields)
{
    harness_run(h, "rpush l 1 2 3");
    harness_run(h, "hset h1 f 9 g one");
    harness_run(h, "hset h2 f 8 g two");
    harness_run(h, "hset h3 f 7");
    EXPECT_WORDS("sort l by h*->f", "3 2 1 ");
    EXPECT_WORDS("sort l by h*->f get h*->g get #", "(nil) 3 two 2 one 1 ");
    EXPECT_WORDS("sort l get h*->", "(nil) (nil) (nil) "); // no field's name: a key's
    harness_run(h, "set h1-> x");
    EXPECT_WORDS("sort l get h*->", "x (nil) (nil) ");
    harness_run(h, "set h2x y");
    EXPECT_WORDS("sort l get h*x get *h get constant",
                 "(nil) (nil) (nil) y (nil) (nil) (nil) (nil) (nil) ");
    harness_run(h, "hset h2x f-> z");
    EXPECT_WORDS("sort l get h*x->f->", "(nil) (nil) (nil) ");
    harness_run(h, "del h2x");
    harness_run(h, "hset h2x f-> z");
    EXPECT_WORDS("sort l get h*x->f->", "(nil) z (nil) ");
    EXPECT_WORDS("sort l get h1->f*", "(nil) (nil) (nil) "); // the arrow comes before the star
}

Test(cmd_sort, replaces_only_the_first_star)
{
    harness_run(h, "rpush l 1");
    harness_run(h, "set a1b* v");
    EXPECT_WORDS("sort l get a*b*", "v ");
    harness_run(h, "rpush long "
                   "0123456789012345678901234567890123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789012345678901234567890123456789");
    EXPECT_WORDS("sort long alpha get x*y", "(nil) ");
}

Test(cmd_sort, shows_none_as_null)
{
    harness_run(h, "rpush l 1");
    EXPECT_REPLY(h, "sort l get w*", "*1\r\n$-1\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "sort l get w*", "*1\r\n_\r\n");
}

// ---- STORE

Test(cmd_sort, stores_a_list)
{
    uint64_t dirty = keyspace_dirty(h->server.keyspace);
    harness_run(h, "rpush l 3 1 2");             // 3
    harness_run(h, "set d v ex 100");            // 1
    EXPECT_REPLY(h, "sort l store d", ":3\r\n"); // 3
    cr_expect(eq(str, h->effects, "sort l store d;"));
    EXPECT_WORDS("lrange d 0 -1", "1 2 3 ");
    EXPECT_REPLY(h, "ttl d", ":-1\r\n");
    EXPECT_REPLY(h, "sort l get # get w* store d", ":6\r\n"); // 6
    EXPECT_WORDS("lrange d 0 -1", "1  2  3  ");               // none is stored as nothing
    EXPECT_REPLY(h, "sort none store d", ":0\r\n");           // 1
    cr_expect(eq(str, h->effects, "sort none store d;"));
    EXPECT_REPLY(h, "exists d", ":0\r\n");
    EXPECT_REPLY(h, "sort none store d", ":0\r\n");
    cr_expect(eq(str, h->effects, ""));
    EXPECT_REPLY(h, "sort l store l", ":3\r\n"); // 3
    EXPECT_WORDS("lrange l 0 -1", "1 2 3 ");
    cr_expect(eq(u64, keyspace_dirty(h->server.keyspace) - dirty, 17));
}

// sortCommandGeneric: the order of a set must not show in what is stored.
Test(cmd_sort, sorts_a_set_that_is_stored_unsorted)
{
    harness_run(h, "sadd s c a 10 9 b");
    EXPECT_WORDS("sort s by nosort", "c a 10 9 b ");
    harness_run(h, "sort s by nosort store d");
    EXPECT_WORDS("lrange d 0 -1", "10 9 a b c ");
}

Test(cmd_sort, tells_its_keys)
{
    EXPECT_REPLY(h, "command getkeys sort l by w* get x*", "*1\r\n$1\r\nl\r\n");
    EXPECT_REPLY(h, "command getkeys sort_ro l limit 0 1", "*1\r\n$1\r\nl\r\n");
    EXPECT_REPLY(
        h, "command getkeysandflags sort l get store by store store a limit store store store d",
        "*2\r\n*2\r\n$1\r\nl\r\n*2\r\n+RO\r\n+access\r\n"
        "*2\r\n$1\r\nd\r\n*2\r\n+OW\r\n+update\r\n");
}

// ---- thousands

Test(cmd_sort, sorts_thousands_in_slices)
{
    fill_list("l", 5000, -1, 5000);
    const char *got = words(harness_run(h, "sort l"));
    cr_expect(gt(u32, h->slices, 500));
    for (long i = 1; i <= 5000; i++) cr_assert(eq(long, strtol(got, (char **)&got, 10), i));
    EXPECT_WORDS("sort l alpha limit 4995 5", "995 996 997 998 999 ");
    EXPECT_WORDS("sort l by nosort limit 2 2", "4998 4997 ");
    cr_expect(zero(u32, h->slices)); // only what is shown is gone over
    words(harness_run(h, "sort l by nosort"));
    cr_expect(gt(u32, h->slices, 100));
}

Test(cmd_sort, refuses_among_thousands_what_is_no_number)
{
    fill_list("l", 1, 1, 5000);
    harness_run(h, "rpush l x");
    EXPECT_REPLY(h, "sort l", NO_DOUBLE);
    EXPECT_REPLY(h, "sort l store d", NO_DOUBLE);
    fill_list("m", 1, 1, 2500);
    harness_run(h, "set w7 x");
    EXPECT_REPLY(h, "sort m by w*", NO_DOUBLE); // before the first slice
    EXPECT_REPLY(h, "sort m by w* store d", NO_DOUBLE);
    EXPECT_REPLY(h, "exists d", ":0\r\n");
}

static struct bytes words_of(const char *text) { return bytes_text(text); }

struct started {
    struct call call;
    struct bytes argv[12];
    struct resp_request request;
};
static void start(struct started *s, const char *command)
{
    static char copy[256];
    uint32_t argc = 0;
    snprintf(copy, sizeof copy, "%s", command);
    for (char *at = strtok(copy, " "); at; at = strtok(NULL, " ")) s->argv[argc++] = words_of(at);
    s->request = (struct resp_request){ .argv = s->argv, .argc = argc };
    s->call = (struct call){ .server = &h->server,
                             .client = &h->client,
                             .reply = &h->client.reply,
                             .keyspace = h->server.keyspace,
                             .argv = s->argv,
                             .argc = argc,
                             .request = &s->request,
                             .now_ms = h->now_ms };
    h->effects_size = 0;
    command_prepare(&s->call);
    command_execute(&s->call);
    cr_assert(s->call.suspended);
    memset(s->argv, 0, sizeof s->argv); // the job has its own
    memset(copy, 'x', sizeof copy - 1);
}
static void finish(void)
{
    while (jobs_run(&h->server, 1)) continue;
    harness_drain(h);
}
static void put(const char *name, const char *value)
{
    struct key key = key_make(h->server.keyspace, bytes_text(name));
    string_set(h->server.keyspace, 0, &key, bytes_text(value), NULL, 0, 0, h->now_ms);
}

// 2100 elements with a weight and no more than one value: 4096 lookups at most are done at once.
Test(cmd_sort, values_of_a_few_thousand_are_of_the_moment_of_the_command)
{
    struct started s;
    fill_list("l", 0, 1, 2040);
    fill_strings("w", 2040, 100000);
    fill_strings("v", 2040, 10);
    start(&s, "sort l by w* get # get v*");
    struct key key = key_make(h->server.keyspace, BYTES_LITERAL("l"));
    cr_expect(keyspace_delete(h->server.keyspace, 0, &key, h->now_ms));
    for (int i = 0; i < 2040; i++) {
        char name[32];
        snprintf(name, sizeof name, "v%d", i);
        put(name, "changed");
        name[0] = 'w';
        put(name, "no number");
    }
    finish();
    const char *got = words(h->wire);
    long last = -1;
    for (int i = 0; i < 2040; i++) {
        long element = strtol(got, (char **)&got, 10), value = strtol(got, (char **)&got, 10);
        cr_assert(eq(long, value, element * 7919 % 10));
        cr_assert(lt(long, last, element * 7919 % 100000));
        last = element * 7919 % 100000;
    }
}

Test(cmd_sort, elements_are_of_one_moment_however_many)
{
    struct started s;
    struct key key = key_make(h->server.keyspace, BYTES_LITERAL("l"));
    fill_list("l", 0, 1, 5000);
    start(&s, "sort l desc");
    jobs_run(&h->server, 1);
    cr_expect(keyspace_delete(h->server.keyspace, 0, &key, h->now_ms));
    fill_list("l", 100000, 1, 100);
    finish();
    const char *got = words(h->wire);
    for (long i = 4999; i >= 0; i--) cr_assert(eq(long, strtol(got, (char **)&got, 10), i));
}

Test(cmd_sort, stores_thousands_and_tells_what)
{
    struct started s;
    struct harness_client *other = harness_client_open(h);
    struct set_builder b;
    struct key key = key_make(h->server.keyspace, BYTES_LITERAL("s"));
    set_build_begin(&b, h->server.keyspace, &h->server.thresholds);
    for (int i = 0; i < 3000; i++) {
        char text[24];
        set_build_add(&b, bytes_make(text, (size_t)snprintf(text, sizeof text, "%d", i)));
    }
    set_build_put(&b, 0, &key, h->now_ms);
    start(&s, "sort s limit 0 3 store d");
    finish();
    cr_expect(eq(str, h->wire, ":3\r\n"));
    cr_expect(eq(str, h->effects, "MULTI | DEL d | RPUSH d 0 1 2 | EXEC;"));
    EXPECT_WORDS("lrange d 0 -1", "0 1 2 ");
    start(&s, "sort s limit 0 0 store d");
    finish();
    cr_expect(eq(str, h->effects, "DEL d;"));
    harness_run(h, "sort s alpha store d");
    EXPECT_REPLY(h, "llen d", ":3000\r\n");
    EXPECT_WORDS("lrange d 0 2", "0 1 10 ");
    harness_client_close(other);
}

Test(cmd_sort, a_sort_is_dropped_with_its_client)
{
    struct harness_client *other = harness_client_open(h);
    struct bytes argv[] = { BYTES_LITERAL("sort"),  BYTES_LITERAL("l"),   BYTES_LITERAL("by"),
                            BYTES_LITERAL("w*"),    BYTES_LITERAL("get"), BYTES_LITERAL("v*"),
                            BYTES_LITERAL("store"), BYTES_LITERAL("d") };
    for (uint32_t argc = 6; argc <= 8; argc += 2) {
        for (int slices = 0; slices < 3000; slices += 700) {
            struct resp_request request = { .argv = argv, .argc = argc };
            struct call call = { .server = &h->server,
                                 .client = &other->client,
                                 .reply = &other->client.reply,
                                 .keyspace = h->server.keyspace,
                                 .argv = argv,
                                 .argc = argc,
                                 .request = &request,
                                 .now_ms = h->now_ms };
            fill_list("l", 0, 1, 5000);
            command_prepare(&call);
            command_execute(&call);
            cr_assert(call.suspended);
            for (int i = 0; i < slices; i++) jobs_run(&h->server, 1);
            jobs_forget_client(&h->server, &other->client);
            while (jobs_run(&h->server, 1)) continue;
            EXPECT_REPLY(h, "llen d", argc == 8 ? ":5000\r\n" : ":0\r\n");
            harness_run(h, "del d");
        }
    }
    harness_client_close(other);
}

// ---- one moment

static void fill_weights(struct harness *h, uint32_t count)
{
    char command[128];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(command, sizeof command, "RPUSH many %u", i);
        harness_run(h, command);
        snprintf(command, sizeof command, "SET w_%u %u", i, count - i);
        harness_run(h, command);
        snprintf(command, sizeof command, "HSET h_%u name n%u", i, i);
        harness_run(h, command);
    }
}

static void start_long_sort(struct harness *h, const char *line)
{
    static struct bytes argv[16];
    static char words[256];
    uint32_t argc = 0;
    snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        argv[argc++] = bytes_text(word);
    struct resp_request request = { .argv = argv, .argc = argc };
    struct call call = { .server = &h->server,
                         .client = &h->client,
                         .reply = &h->client.reply,
                         .keyspace = h->server.keyspace,
                         .argv = argv,
                         .argc = argc,
                         .request = &request,
                         .now_ms = h->now_ms };
    command_prepare(&call);
    command_execute(&call);
    cr_assert(call.suspended);
}

// Executed by another client while the sort is under way: harness_client_run would run it to its
// end.
static void meanwhile(struct harness_client *c, const char *line)
{
    struct harness *h = c->harness;
    char words[256];
    struct bytes argv[16];
    uint32_t argc = 0;
    snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        argv[argc++] = bytes_text(word);
    struct resp_request request = { .argv = argv, .argc = argc };
    struct call call = { .server = &h->server,
                         .client = &c->client,
                         .reply = &c->client.reply,
                         .keyspace = h->server.keyspace,
                         .argv = argv,
                         .argc = argc,
                         .request = &request,
                         .now_ms = h->now_ms };
    h->effects_size = 0;
    command_prepare(&call);
    command_execute(&call);
}

// Weights and values that change, go and come between the slices are seen as they were.
Test(cmd_sort, looks_keys_up_as_they_were_at_its_moment)
{
    enum { COUNT = 6000 };
    struct harness *h = harness_open();
    struct harness_client *c = harness_client_open(h);
    char line[128], expected[128];
    fill_weights(h, COUNT);
    start_long_sort(h, "SORT many BY w_* GET # GET h_*->name");
    cr_expect(eq(u64, h->server.jobs.watchers.count, 1));
    h->wire_size = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        if (i % 3 == 0) {
            jobs_run(&h->server, 1);
            harness_collect(h);
        }
        uint32_t n = COUNT - 1 - i; // behind what the sort has loaded, mostly
        snprintf(line, sizeof line, i % 2 ? "SET w_%u 0" : "DEL w_%u", n);
        meanwhile(c, line);
        snprintf(line, sizeof line, i % 2 ? "HSET h_%u name other" : "DEL h_%u", n);
        meanwhile(c, line);
    }
    meanwhile(c, "SET w_x 1");
    while (h->server.jobs.list.count) jobs_run(&h->server, 1);
    cr_expect(zero(u64, h->server.jobs.watchers.count));
    harness_collect(h);
    harness_client_close(c);
    // From the last element to the first: weights were COUNT - i.
    const char *at = h->wire + strlen("*12000\r\n");
    cr_expect(eq(int, strncmp(h->wire, "*12000\r\n", 8), 0));
    for (int i = COUNT - 1; i >= 0; i--) {
        char number[12], name[12];
        snprintf(number, sizeof number, "%d", i);
        snprintf(name, sizeof name, "n%d", i);
        snprintf(expected, sizeof expected, "$%zu\r\n%s\r\n$%zu\r\n%s\r\n", strlen(number), number,
                 strlen(name), name);
        cr_assert(eq(int, strncmp(at, expected, strlen(expected)), 0), "%s in place of %s",
                  (strndup)(at, 40), expected);
        at += strlen(expected);
    }
    harness_close(h);
}

// A flush would take all of them: it waits.
Test(cmd_sort, lets_a_flush_wait_until_its_lookups_are_done)
{
    struct harness *h = harness_open();
    struct harness_client *c = harness_client_open(h);
    fill_weights(h, 5000);
    start_long_sort(h, "SORT many BY w_*");
    meanwhile(c, "FLUSHALL");
    cr_expect(ne(u32, c->client.flags & CLIENT_HELD_BACK, 0));
    while (h->server.jobs.list.count) jobs_run(&h->server, 1);
    cr_expect(eq(str, (char *)harness_client_wire(c), "+OK\r\n"));
    harness_drain(h);
    cr_expect(eq(int, strncmp(h->wire, "*5000\r\n$4\r\n4999\r\n", 17), 0));
    harness_client_close(c);
    harness_close(h);
}
