#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/base/hash.h"
#include "dataplane/resp/resp_read.h"

enum { LOG_BYTES = 1 << 20 };

static const struct resp_limits usual = { .bulk_bytes_max = 512 << 20,
                                          .buffer_bytes_max = 1 << 30,
                                          .authenticated = true };
static const struct resp_limits stranger = { .bulk_bytes_max = 512 << 20,
                                             .buffer_bytes_max = 1 << 30,
                                             .authenticated = false };

// A reader and the requests that it gave, written down as "<argc> <size>:<bytes> ... ;".
struct bench {
    struct heap heap;
    struct resp_reader reader;
    struct resp_limits limits;
    enum resp_result last;
    uint64_t wire_bytes;
    size_t log_size;
    char *log;
};

static void bench_open(struct bench *b, const struct resp_limits *limits)
{
    memset(b, 0, sizeof *b);
    cr_assert(eq(int, heap_open(&b->heap), OK));
    resp_reader_init(&b->reader, &b->heap);
    b->limits = *limits;
    b->log = malloc(LOG_BYTES);
}

static void bench_close(struct bench *b)
{
    resp_reader_close(&b->reader);
    cr_assert(eq(u64, b->heap.bytes_total, 0), "the reader gave everything back");
    heap_close(&b->heap);
    free(b->log);
}

static void log_put(struct bench *b, const void *data, size_t size)
{
    cr_assert(lt(sz, b->log_size + size + 1, LOG_BYTES));
    memcpy(b->log + b->log_size, data, size);
    b->log_size += size;
    b->log[b->log_size] = '\0';
}

static void log_request(struct bench *b, const struct resp_request *request)
{
    char text[32];
    b->wire_bytes += request->bytes;
    if (request->argc == 0) return;
    log_put(b, text, (size_t)snprintf(text, sizeof text, "%u", request->argc));
    for (uint32_t i = 0; i < request->argc; i++) {
        struct bytes arg = request->argv[i];
        log_put(b, text, (size_t)snprintf(text, sizeof text, " %zu:", arg.size));
        log_put(b, arg.data, arg.size);
    }
    log_put(b, ";", 1);
}

// The bytes are on the heap in a piece of their exact size, and gone afterwards.
static enum resp_result feed(struct bench *b, const void *data, size_t size)
{
    uint8_t *copy = calloc(1, size ? size : 1);
    struct bytes in = bytes_make(copy, size);
    struct resp_request request;
    if (size) memcpy(copy, data, size);
    while ((b->last = resp_read(&b->reader, &in, &b->limits, &request)) == RESP_REQUEST)
        log_request(b, &request);
    if (b->last == RESP_MORE) cr_assert(eq(sz, in.size, 0), "everything is consumed");
    resp_reader_release(&b->reader);
    free(copy);
    return b->last;
}

static enum resp_result feed_text(struct bench *b, const char *text)
{
    return feed(b, text, strlen(text));
}

static void expect_log(const struct bench *b, const char *expected, size_t size, const char *why)
{
    cr_assert(eq(sz, b->log_size, size), "%s: %s", why, b->log);
    cr_assert(memcmp(b->log, expected, size) == 0, "%s: %s", why, b->log);
}

static const char mixed[] =
    "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n"
    "\r\n\n*0\r\n*-1\r\n  \r\n"
    "PING\r\n"
    "*1\r\n$0\r\n\r\n"
    "set 'a\\'b' \"\\x41\\n c\"  \r\n"
    "*12\r\n$4\r\nMSET\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n"
    "$1\r\n6\r\n$1\r\n7\r\n$1\r\n8\r\n$1\r\n9\r\n$2\r\n10\r\n$2\r\n11\r\n"
    "echo x\n"
    "*18\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n$1\r\ne\r\n$1\r\nf\r\n"
    "$1\r\ng\r\n$1\r\nh\r\n$1\r\ni\r\n$1\r\nj\r\n$1\r\nk\r\n$1\r\nl\r\n$1\r\nm\r\n"
    "$1\r\nn\r\n$1\r\no\r\n$1\r\np\r\n$0\r\n\r\n$2\r\n\r\n\r\n"
    "*1\r\n$4\r\n$1\r\n\r\n";
static const char mixed_log[] =
    "2 3:GET 3:key;1 4:PING;1 0:;3 3:set 3:a'b 4:A\n c;"
    "12 4:MSET 1:1 1:2 1:3 1:4 1:5 1:6 1:7 1:8 1:9 2:10 2:11;2 4:echo 1:x;"
    "18 1:a 1:b 1:c 1:d 1:e 1:f 1:g 1:h 1:i 1:j 1:k 1:l 1:m 1:n 1:o 1:p 0: "
    "2:\r\n;1 4:$1\r\n;";

static void expect_mixed(struct bench *b, const char *why)
{
    cr_assert(eq(int, b->last, RESP_MORE), "%s", why);
    expect_log(b, mixed_log, sizeof mixed_log - 1, why);
    cr_assert(eq(u64, b->wire_bytes, sizeof mixed - 1), "%s", why);
}

Test(resp_read, reads_requests_that_lie_in_the_input)
{
    struct bench b;
    bench_open(&b, &usual);
    feed(&b, mixed, sizeof mixed - 1);
    expect_mixed(&b, "whole");
    bench_close(&b);
}

Test(resp_read, gives_the_same_requests_split_at_any_byte)
{
    char why[64];
    size_t size = sizeof mixed - 1;
    for (size_t i = 0; i <= size; i++) {
        struct bench b;
        bench_open(&b, &usual);
        feed(&b, mixed, i);
        feed(&b, mixed + i, size - i);
        snprintf(why, sizeof why, "split at %zu", i);
        expect_mixed(&b, why);
        bench_close(&b);
    }
}

Test(resp_read, gives_the_same_requests_in_pieces_of_any_size)
{
    char why[64];
    size_t size = sizeof mixed - 1;
    for (size_t step = 1; step < 40; step++) {
        struct bench b;
        bench_open(&b, &usual);
        for (size_t i = 0; i < size; i += step)
            feed(&b, mixed + i, size - i < step ? size - i : step);
        snprintf(why, sizeof why, "steps of %zu", step);
        expect_mixed(&b, why);
        bench_close(&b);
    }
}

// Requests, and how each is cut, from a seed; sizes around the limits of the fast reader and of
// blobs.
static size_t random_request(struct rng *rng, char *wire, struct bench *expected)
{
    static const uint32_t sizes[] = { 0, 1, 9, 10, 16, 99, 100, 1000, 32767, 32768, 40000 };
    size_t at = 0, count = 1 + rng_below(rng, 8) * (rng_below(rng, 10) ? 1 : 5);
    at += (size_t)sprintf(wire + at, "*%zu\r\n", count);
    char text[32];
    log_put(expected, text, (size_t)sprintf(text, "%zu", count));
    for (size_t i = 0; i < count; i++) {
        size_t size = sizes[rng_below(rng, rng_below(rng, 8) ? 7 : 11)];
        at += (size_t)sprintf(wire + at, "$%zu\r\n", size);
        for (size_t k = 0; k < size; k++) wire[at + k] = (char)rng_below(rng, 256);
        log_put(expected, text, (size_t)sprintf(text, " %zu:", size));
        log_put(expected, wire + at, size);
        at += size;
        at += (size_t)sprintf(wire + at, "\r\n");
    }
    log_put(expected, ";", 1);
    return at;
}

Test(resp_read, gives_random_requests_back_whatever_their_pieces)
{
    char *wire = malloc(LOG_BYTES * 2), why[64];
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct bench b, expected;
        struct rng rng;
        size_t size = 0;
        rng_seed(&rng, seed);
        bench_open(&b, &usual);
        bench_open(&expected, &usual);
        while (size < 300 * 1000 && rng_below(&rng, 20))
            size += random_request(&rng, wire + size, &expected);
        uint64_t step_max = seed % 3 ? 20000 : 100;
        for (size_t at = 0; at < size;) {
            size_t step = 1 + rng_below(&rng, step_max);
            if (step > size - at) step = size - at;
            cr_assert(eq(int, feed(&b, wire + at, step), RESP_MORE));
            at += step;
        }
        snprintf(why, sizeof why, "seed %lu", seed);
        cr_assert(eq(sz, b.log_size, expected.log_size), "%s", why);
        cr_assert(memcmp(b.log, expected.log, b.log_size) == 0, "%s", why);
        bench_close(&expected);
        bench_close(&b);
    }
    free(wire);
}

Test(resp_read, leaves_pipelined_arguments_in_the_packet)
{
    const char wire[] =
        "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n*1\r\n$4\r\nPI";
    struct bench b;
    struct bytes in = bytes_make(wire, sizeof wire - 1);
    struct resp_request request;
    bench_open(&b, &usual);
    for (int i = 0; i < 2; i++) {
        cr_assert(eq(int, resp_read(&b.reader, &in, &usual, &request), RESP_REQUEST));
        cr_expect(not(resp_reader_holds(&b.reader)));
        cr_expect(eq(u64, b.heap.bytes_total, 0));
        cr_expect(eq(u64, request.bytes, 20));
        cr_expect(eq(ptr, (void *)request.blobs, NULL));
        cr_expect(eq(ptr, (void *)request.argv[1].data, (void *)(wire + 20 * i + 17)));
    }
    cr_assert(eq(int, resp_read(&b.reader, &in, &usual, &request), RESP_MORE));
    bench_close(&b);
}

Test(resp_read, goes_back_to_the_packet_after_a_request_that_was_held)
{
    const char second[] = "y\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n";
    struct bench b;
    struct bytes in = BYTES_LITERAL("*2\r\n$3\r\nGET\r\n$3\r\nke");
    struct resp_request request;
    bench_open(&b, &usual);
    cr_assert(eq(int, resp_read(&b.reader, &in, &usual, &request), RESP_MORE));
    in = bytes_make(second, sizeof second - 1);
    cr_assert(eq(int, resp_read(&b.reader, &in, &usual, &request), RESP_REQUEST));
    cr_expect(resp_reader_holds(&b.reader));
    cr_expect(bytes_equal(request.argv[1], BYTES_LITERAL("key")));
    cr_expect(eq(ptr, (void *)in.data, (void *)(second + 3)), "took no more than it needed");
    cr_assert(eq(int, resp_read(&b.reader, &in, &usual, &request), RESP_REQUEST));
    cr_expect(not(resp_reader_holds(&b.reader)));
    cr_expect(eq(ptr, (void *)request.argv[1].data, (void *)(second + 20)));
    bench_close(&b);
}

Test(resp_read, holds_the_argument_array_of_a_long_request)
{
    struct bench b;
    struct resp_request request;
    char wire[400] = "*17\r\n";
    for (int i = 0; i < 17; i++) strcat(wire, "$1\r\nx\r\n");
    struct bytes in = bytes_text(wire);
    bench_open(&b, &usual);
    cr_assert(eq(int, resp_read(&b.reader, &in, &usual, &request), RESP_REQUEST));
    cr_expect(eq(u32, request.argc, 17));
    cr_expect(resp_reader_holds(&b.reader));
    resp_reader_release(&b.reader);
    cr_expect(eq(u64, b.heap.bytes_total, 0));
    bench_close(&b);
}

// What redis-server answers to each of these (7.0.15, raw socket); NULL: it waits for more.
struct outcome {
    const char *wire;
    size_t size;
    const char *error;
    const char *log; // of the requests before
};
#define CASE(wire, error, log)                                                                     \
    {                                                                                              \
        (wire), sizeof(wire) - 1, (error), (log)                                                   \
    }
static const struct outcome outcomes[] = {
    CASE("*\r\n", "invalid multibulk length", ""),
    CASE("*+1\r\n", "invalid multibulk length", ""),
    CASE("*01\r\n", "invalid multibulk length", ""),
    CASE("*-0\r\n", "invalid multibulk length", ""),
    CASE("* 1\r\n", "invalid multibulk length", ""),
    CASE("*1 \r\n", "invalid multibulk length", ""),
    CASE("*abc\r\n", "invalid multibulk length", ""),
    CASE("*2147483648\r\n", "invalid multibulk length", ""),
    CASE("*9223372036854775808\r\n", "invalid multibulk length", ""),
    CASE("*-9223372036854775809\r\n", "invalid multibulk length", ""),
    CASE("*2147483647\r\n", NULL, ""),
    CASE("*1048577\r\n", NULL, ""),
    CASE("*1\r\n\r\n", "expected '$', got '\r'", ""),
    CASE("*1\r\n\nx\r\n", "expected '$', got '\n'", ""),
    CASE("*1\r\nfoo\r\n", "expected '$', got 'f'", ""),
    CASE("*1\r\nfoo", NULL, ""),
    CASE("PING\r\n*1\r\n:4\r\nPING\r\n", "expected '$', got ':'", "1 4:PING;"),
    CASE("*1\r\n\x01\r\n", "expected '$', got '\x01'", ""),
    CASE("*2\r\n$1\r\na\r\n\xff\r\n", "expected '$', got '\xff'", ""),
    CASE("*1\r\n$-1\r\n", "invalid bulk length", ""),
    CASE("*1\r\n$\r\n", "invalid bulk length", ""),
    CASE("*1\r\n$abc\r\n", "invalid bulk length", ""),
    CASE("*1\r\n$04\r\nPING\r\n", "invalid bulk length", ""),
    CASE("*1\r\n$00\r\nPING\r\n", "invalid bulk length", ""),
    CASE("*1\r\n$4294967300\r\nPING\r\n", "invalid bulk length", ""),
    CASE("*1\r\n$536870913\r\n", "invalid bulk length", ""),
    CASE("*1\r\n$536870912\r\n", NULL, ""),
    CASE("*1\r\n$4\r\nPINGxx*1\r\n$1\r\na\r\n", NULL, "1 4:PING;1 1:a;"),
    CASE("*1\rX$4\rYPING\r\n", NULL, "1 4:PING;"),
    // A NUL hides the rest of a line for good.
    CASE("*1\r\n\x00\r\n", NULL, ""),
    CASE("*1\x00\r\nPING\r\n", NULL, ""),
    CASE("*1\r\n$4\x00\r\nPING\r\n", NULL, ""),
    CASE("PI\x00NG\r\n*1\r\n$4\r\nPING\r\n", NULL, ""),
    CASE("ECHO \"a\\x41\\n\\r\\t\\b\\a\\q\\\\ \\\" b\"\r\n", NULL,
         "2 4:ECHO 13:aA\n\r\t\b\aq\\ \" b;"),
    CASE("ECHO 'a\\'b\\n'\r\n", NULL, "2 4:ECHO 5:a'b\\n;"),
    CASE("ECHO \"\\xg1\" \"\\x4\" \"\\xAf\"\r\n", NULL, "4 4:ECHO 3:xg1 2:x4 1:\xaf;"),
    CASE("ECHO a\"b c\"\r\n", NULL, "2 4:ECHO 4:ab c;"),
    CASE("ECHO \"\" ''\r\n", NULL, "3 4:ECHO 0: 0:;"),
    CASE("''\r\n", NULL, "1 0:;"),
    CASE("ECHO \"a\"\v\"b\"\r\n", NULL, "3 4:ECHO 1:a 1:b;"),
    CASE("ECHO a\vb\f\r\n", NULL, "2 4:ECHO 4:a\vb\f;"),
    CASE("ECHO a\rb\r\n", NULL, "3 4:ECHO 1:a 1:b;"),
    CASE("ECHO \"a\" \r\r\n", NULL, "2 4:ECHO 1:a;"),
    CASE("\t  ECHO    a  \t \n", NULL, "2 4:ECHO 1:a;"),
    CASE("ECHO \"abc\r\n", "unbalanced quotes in request", ""),
    CASE("ECHO 'abc\r\n", "unbalanced quotes in request", ""),
    CASE("ECHO \"abc\"d\r\n", "unbalanced quotes in request", ""),
    CASE("ECHO 'abc'd\r\n", "unbalanced quotes in request", ""),
    CASE("ECHO \"\\\r\n", "unbalanced quotes in request", ""),
    CASE("ECHO \"\\\"\r\n", "unbalanced quotes in request", ""),
};

static void expect_outcome(struct bench *b, const struct outcome *o)
{
    char expected[128];
    cr_expect(eq(str, b->log_size ? b->log : "", (char *)o->log), "%s", o->wire);
    cr_expect(eq(int, b->last, o->error ? RESP_ERROR : RESP_MORE), "%s", o->wire);
    if (!o->error) return;
    snprintf(expected, sizeof expected, "Protocol error: %s", o->error);
    cr_expect(eq(str, b->reader.error, expected), "%s", o->wire);
}

Test(resp_read, answers_what_redis_answers_to_odd_requests)
{
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        struct bench b;
        bench_open(&b, &usual);
        feed(&b, outcomes[i].wire, outcomes[i].size);
        expect_outcome(&b, &outcomes[i]);
        bench_close(&b);
    }
}

Test(resp_read, answers_the_same_when_they_come_byte_by_byte)
{
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        struct bench b;
        bench_open(&b, &usual);
        for (size_t k = 0; k < outcomes[i].size; k++)
            if (feed(&b, outcomes[i].wire + k, 1) != RESP_MORE) break;
        expect_outcome(&b, &outcomes[i]);
        bench_close(&b);
    }
}

Test(resp_read, keeps_strangers_to_small_requests)
{
    static const struct outcome cases[] = {
        CASE("*10\r\n", NULL, ""),
        CASE("*11\r\n", "unauthenticated multibulk length", ""),
        CASE("*1\r\n$16384\r\n", NULL, ""),
        CASE("*1\r\n$16385\r\n", "unauthenticated bulk length", ""),
        CASE("*1\r\n$536870913\r\n", "invalid bulk length", ""),
        CASE("*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n", NULL, "2 4:AUTH 1:x;"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench b;
        bench_open(&b, &stranger);
        feed(&b, cases[i].wire, cases[i].size);
        expect_outcome(&b, &cases[i]);
        bench_close(&b);
    }
}

Test(resp_read, keeps_strangers_to_small_requests_that_lie_in_the_input)
{
    struct bench b;
    char *wire = malloc(20000);
    int size = sprintf(wire, "*1\r\n$16385\r\n%016385d\r\n", 0);
    bench_open(&b, &stranger);
    cr_expect(eq(int, feed(&b, wire, (size_t)size), RESP_ERROR));
    cr_expect(eq(str, b.reader.error, "Protocol error: unauthenticated bulk length"));
    bench_close(&b);
    bench_open(&b, &stranger);
    size = sprintf(wire, "*1\r\n$16384\r\n%016384d\r\n", 0);
    cr_expect(eq(int, feed(&b, wire, (size_t)size), RESP_MORE));
    cr_expect(eq(sz, b.log_size, 8 + 16384 + 1));
    bench_close(&b);
    free(wire);
}

static void expect_line_limit(const char *before, const char *error, size_t step)
{
    struct bench b;
    char line[RESP_INLINE_MAX], full[128];
    memset(line, '1', sizeof line);
    size_t size = sizeof line - strlen(before);
    snprintf(full, sizeof full, "Protocol error: %s", error);
    bench_open(&b, &usual);
    feed_text(&b, *before == '$' ? "*1\r\n" : "");
    feed_text(&b, before);
    for (size_t at = 0; at < size; at += step)
        cr_assert(eq(int, feed(&b, line, size - at < step ? size - at : step), RESP_MORE));
    cr_assert(eq(int, feed_text(&b, "1"), RESP_ERROR));
    cr_expect(eq(str, b.reader.error, full));
    bench_close(&b);
}

Test(resp_read, bounds_a_line_without_an_end)
{
    for (size_t step = 1; step <= 65536; step *= 16) {
        expect_line_limit("*", "too big mbulk count string", step);
        expect_line_limit("$", "too big bulk count string", step);
        expect_line_limit("a", "too big inline request", step);
    }
}

Test(resp_read, bounds_a_line_with_a_nul_without_keeping_it)
{
    struct bench b;
    char zeros[RESP_INLINE_MAX] = { 0 };
    bench_open(&b, &usual);
    feed_text(&b, "PING");
    cr_expect(eq(int, feed(&b, zeros, sizeof zeros - 4), RESP_MORE));
    cr_expect(le(u64, resp_reader_memory(&b.reader), 1024));
    cr_expect(eq(int, feed(&b, zeros, 1), RESP_ERROR));
    bench_close(&b);
}

Test(resp_read, takes_an_inline_request_of_the_longest_size)
{
    struct bench b;
    char *line = malloc(RESP_INLINE_MAX + 1);
    memset(line, 'a', RESP_INLINE_MAX);
    line[RESP_INLINE_MAX] = '\n';
    bench_open(&b, &usual);
    cr_expect(eq(int, feed(&b, line, RESP_INLINE_MAX + 1), RESP_MORE));
    cr_expect(eq(sz, b.log_size, 8 + RESP_INLINE_MAX + 1));
    bench_close(&b);
    free(line);
}

Test(resp_read, says_an_error_again_and_takes_nothing_more)
{
    struct bench b;
    bench_open(&b, &usual);
    feed_text(&b, "*x\r\n");
    cr_expect(eq(int, feed_text(&b, "PING\r\n"), RESP_ERROR));
    cr_expect(eq(sz, b.log_size, 0));
    bench_close(&b);
}

Test(resp_read, takes_no_memory_for_what_is_only_announced)
{
    struct bench b;
    bench_open(&b, &usual);
    feed_text(&b, "*2147483647\r\n$536870912\r\nx");
    cr_expect(le(u64, b.heap.bytes_total, 100 * 1024));
    cr_expect(le(u64, resp_reader_memory(&b.reader), b.heap.bytes_total));
    cr_expect(ge(u64, resp_reader_memory(&b.reader), 32 * 1024));
    bench_close(&b);
    bench_open(&b, &usual);
    feed_text(&b, "*2147483647\r\n$1\r\na\r\n$30000\r\nx");
    cr_expect(le(u64, b.heap.bytes_total, 1024));
    bench_close(&b);
}

static void feed_bulk(struct bench *b, size_t size, size_t step)
{
    char *part = malloc(step);
    memset(part, 'v', step);
    while (size > 0 && b->last == RESP_MORE) {
        size_t now = size < step ? size : step;
        feed(b, part, now);
        size -= now;
    }
    free(part);
}

Test(resp_read, closes_a_client_whose_argument_outgrows_its_buffer)
{
    struct bench b;
    struct resp_limits limits = usual;
    limits.buffer_bytes_max = 1 << 20;
    bench_open(&b, &limits);
    feed_text(&b, "*1\r\n$1048574\r\n");
    feed_bulk(&b, 1048574, 100 * 1000);
    cr_expect(eq(int, b.last, RESP_MORE));
    bench_close(&b);
    bench_open(&b, &limits);
    feed_text(&b, "*1\r\n$2000000\r\n");
    feed_bulk(&b, 1 << 20, 1 << 14);
    cr_expect(eq(int, b.last, RESP_MORE));
    cr_expect(eq(int, feed_text(&b, "v"), RESP_LIMIT));
    cr_expect(eq(u64, b.heap.bytes[HEAP_CLIENT_IN], 0));
    cr_expect(eq(int, feed_text(&b, "v"), RESP_LIMIT));
    bench_close(&b);
}

// As in Redis the limit is of the argument under way, not of the request.
Test(resp_read, lets_many_arguments_be_larger_than_the_buffer_limit)
{
    struct bench b;
    struct resp_limits limits = usual;
    limits.buffer_bytes_max = 10 * 1024;
    bench_open(&b, &limits);
    feed_text(&b, "*20\r\n");
    for (int i = 0; i < 20; i++) {
        feed_text(&b, "$9000\r\n");
        feed_bulk(&b, 9000, 4000);
        cr_assert(eq(int, feed_text(&b, "\r\n"), RESP_MORE));
    }
    cr_expect(gt(sz, b.log_size, 180 * 1000));
    cr_expect(le(u64, resp_reader_memory(&b.reader), RESP_HELD_KEEP_BYTES), "nothing kept");
    bench_close(&b);
}

Test(resp_read, gathers_a_big_argument_in_a_blob_of_its_size_that_can_be_taken)
{
    enum { SIZE = 1000 * 1000 };
    struct bench b;
    struct resp_request request;
    char header[64];
    bench_open(&b, &usual);
    feed(&b, header, (size_t)sprintf(header, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n", SIZE));
    feed_bulk(&b, SIZE, 1460);
    struct bytes in = BYTES_LITERAL("\r\nPING\r\n");
    cr_assert(eq(int, resp_read(&b.reader, &in, &usual, &request), RESP_REQUEST));
    cr_assert(eq(u32, request.argc, 3));
    cr_expect(eq(ptr, resp_request_take_blob(&request, 1), NULL));
    struct blob *blob = resp_request_take_blob(&request, 2);
    cr_assert(ne(ptr, blob, NULL));
    cr_expect(eq(ptr, resp_request_take_blob(&request, 2), NULL), "only once");
    cr_expect(eq(sz, blob->size, SIZE));
    cr_expect(eq(sz, blob->capacity, SIZE));
    cr_expect(eq(u32, blob->refs, 1));
    cr_expect(bytes_equal(request.argv[2], blob_bytes(blob)));
    cr_expect(blob->data[0] == 'v' && memcmp(blob->data, blob->data + 1, SIZE - 1) == 0);
    resp_reader_release(&b.reader);
    cr_expect(eq(sz, blob->size, SIZE), "outlives the request");
    blob_release(blob);
    bench_close(&b);
}

Test(resp_read, gives_blobs_back_that_nobody_took)
{
    struct bench b;
    bench_open(&b, &usual);
    feed_text(&b, "*20\r\n");
    for (int i = 0; i < 20; i++) {
        feed_text(&b, "$40000\r\n");
        feed_bulk(&b, 40000, 7000);
        feed_text(&b, "\r\n");
    }
    cr_expect(eq(sz, b.log_size, 2 + 20 * (7 + 40000) + 1));
    bench_close(&b);
    bench_open(&b, &usual);
    feed_text(&b, "*30\r\n");
    for (int i = 0; i < 18; i++) {
        feed_text(&b, "$40000\r\n");
        feed_bulk(&b, 40000, 50000);
        feed_text(&b, "\r\n");
    }
    cr_expect(ge(u64, resp_reader_memory(&b.reader), 18 * 40000));
    cr_expect(le(u64, resp_reader_memory(&b.reader), b.heap.bytes_total));
    bench_close(&b);
}

Test(resp_read, puts_a_big_argument_of_an_unfinished_request_into_a_blob)
{
    struct bench b;
    struct resp_request request;
    char *wire = malloc(80 * 1000);
    bench_open(&b, &usual);
    struct bytes in = bytes_make(
        wire,
        (size_t)sprintf(wire, "*3\r\n$1\r\na\r\n$32768\r\n%032768d\r\n$32767\r\n%032000d", 1, 2));
    cr_assert(eq(int, resp_read(&b.reader, &in, &usual, &request), RESP_MORE));
    in = bytes_make(wire, (size_t)sprintf(wire, "%0767d\r\n", 3));
    cr_assert(eq(int, resp_read(&b.reader, &in, &usual, &request), RESP_REQUEST));
    free(wire);
    cr_assert(eq(u32, request.argc, 3));
    cr_expect(bytes_equal(request.argv[0], BYTES_LITERAL("a")));
    cr_assert(request.blobs && request.blobs[1]);
    cr_expect(eq(sz, request.blobs[1]->capacity, 32768));
    cr_expect(eq(ptr, request.blobs[2], NULL));
    cr_expect(eq(sz, request.argv[2].size, 32767));
    cr_expect(request.argv[2].data[31999] == '2');
    bench_close(&b);
}

Test(resp_read, is_closed_in_the_middle_of_anything)
{
    for (size_t i = 0; i < sizeof mixed; i++) {
        struct bench b;
        bench_open(&b, &usual);
        feed(&b, mixed, i);
        bench_close(&b);
    }
}

// Sizes around those where the blob grows, in pieces of any size.
static void expect_big(size_t size, uint64_t seed)
{
    struct bench b;
    struct rng rng;
    struct resp_request request;
    char header[64];
    uint8_t *value = malloc(size + 2);
    rng_seed(&rng, seed);
    for (size_t i = 0; i < size; i++) value[i] = (uint8_t)rng_next(&rng);
    memcpy(value + size, "\r\n", 2);
    bench_open(&b, &usual);
    feed(&b, header, (size_t)sprintf(header, "*1\r\n$%zu\r\n", size));
    enum resp_result result = RESP_MORE;
    uint64_t step_max = 1 + rng_below(&rng, 2) * 100000 + rng_below(&rng, 20000);
    for (size_t at = 0; at < size + 2;) {
        size_t step = 1 + rng_below(&rng, step_max);
        if (step > size + 2 - at) step = size + 2 - at;
        struct bytes in = bytes_make(value + at, step);
        result = resp_read(&b.reader, &in, &usual, &request);
        at += step;
        cr_assert(le(u64, resp_reader_memory(&b.reader), 6 * at + 70000), "follows what arrived");
    }
    cr_assert(eq(int, result, RESP_REQUEST));
    cr_assert(bytes_equal(request.argv[0], bytes_make(value, size)), "seed %lu", seed);
    cr_assert(eq(sz, request.blobs[0]->capacity, size));
    free(value);
    bench_close(&b);
}

Test(resp_read, keeps_every_byte_of_a_big_argument_that_grows)
{
    static const size_t sizes[] = { 32768, 65535, 65536, 65537, 131073, 262145, 1048577, 5000000 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint64_t seed = 1; seed <= 6; seed++) expect_big(sizes[i], seed);
}

Test(resp_read, keeps_every_argument_of_a_request_of_thousands)
{
    char text[64], *expected = malloc(LOG_BYTES);
    for (size_t count = 4095; count <= 4097; count++) {
        struct bench b;
        bench_open(&b, &usual);
        feed(&b, text, (size_t)sprintf(text, "*%zu\r\n", count));
        size_t at = (size_t)sprintf(expected, "%zu", count);
        for (size_t i = 0; i < count; i++) {
            feed(&b, text, (size_t)sprintf(text, "$50\r\n%050zu\r\n", i));
            at += (size_t)sprintf(expected + at, " 50:%050zu", i);
        }
        at += (size_t)sprintf(expected + at, ";");
        expect_log(&b, expected, at, "thousands");
        bench_close(&b);
    }
    free(expected);
}
