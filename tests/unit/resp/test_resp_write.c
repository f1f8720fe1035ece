#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/resp/resp_write.h"

enum { WIRE_BYTES = 1 << 20 };

struct bench {
    struct heap heap;
    struct heap_piece_source source;
    struct outq out;
    struct reply reply;
    uint8_t *wire;
    size_t size;
};

static void bench_open(struct bench *b, uint8_t version)
{
    memset(b, 0, sizeof *b);
    cr_assert(eq(int, heap_open(&b->heap), OK));
    heap_piece_source_init(&b->source, &b->heap, 2048);
    outq_init(&b->out, &b->source.source);
    b->reply = (struct reply){ .out = &b->out, .version = version };
    b->wire = malloc(WIRE_BYTES);
}

static void bench_close(struct bench *b)
{
    outq_clear(&b->out);
    cr_assert(eq(u64, b->heap.bytes_total, 0));
    heap_close(&b->heap);
    free(b->wire);
}

// Moves what was written into wire; returns how many pieces it was.
static uint32_t drain(struct bench *b)
{
    uint32_t count = 0;
    struct piece *p;
    b->size = 0;
    while ((p = outq_take(&b->out))) {
        cr_assert(le(sz, b->size + p->used, WIRE_BYTES));
        memcpy(b->wire + b->size, p->data, p->used);
        b->size += p->used;
        p->release(p);
        count++;
    }
    cr_assert(eq(u64, b->out.bytes, 0));
    return count;
}

static void expect_wire(struct bench *b, const char *expected)
{
    drain(b);
    b->wire[b->size] = '\0';
    cr_expect(eq(str, (char *)b->wire, (char *)expected));
}

static void bench_close_expecting(struct bench *b, const char *expected)
{
    expect_wire(b, expected);
    bench_close(b);
}

static void write_one_of_each(struct reply *r)
{
    reply_null(r);
    reply_null_array(r);
    reply_map(r, 2);
    reply_set(r, 3);
    reply_push(r, 2);
    reply_array(r, 12);
    reply_bool(r, true);
    reply_bool(r, false);
    reply_double(r, 1.5);
    reply_double(r, -INFINITY);
    reply_verbatim(r, "txt", BYTES_LITERAL("hello"));
    reply_big_number(r, BYTES_LITERAL("123456789012345678901234567890"));
    reply_long_double_text(r, 10.5L);
    reply_status(r, "QUEUED");
    reply_ok(r);
    reply_bulk_text(r, "a");
    reply_bulk_int(r, -12);
    reply_raw(r, BYTES_LITERAL(":7\r\n"));
}

Test(resp_write, writes_resp2)
{
    struct bench b;
    bench_open(&b, 2);
    write_one_of_each(&b.reply);
    bench_close_expecting(&b, "$-1\r\n*-1\r\n*4\r\n*3\r\n*2\r\n*12\r\n:1\r\n:0\r\n"
                              "$3\r\n1.5\r\n$4\r\n-inf\r\n$5\r\nhello\r\n"
                              "$30\r\n123456789012345678901234567890\r\n$4\r\n10.5\r\n"
                              "+QUEUED\r\n+OK\r\n$1\r\na\r\n$3\r\n-12\r\n:7\r\n");
}

Test(resp_write, writes_resp3)
{
    struct bench b;
    bench_open(&b, 3);
    write_one_of_each(&b.reply);
    reply_attribute(&b.reply, 1);
    bench_close_expecting(&b, "_\r\n_\r\n%2\r\n~3\r\n>2\r\n*12\r\n#t\r\n#f\r\n"
                              ",1.5\r\n,-inf\r\n=9\r\ntxt:hello\r\n"
                              "(123456789012345678901234567890\r\n$4\r\n10.5\r\n"
                              "+QUEUED\r\n+OK\r\n$1\r\na\r\n$3\r\n-12\r\n:7\r\n|1\r\n");
}

Test(resp_write, writes_integers_of_any_size)
{
    static const struct {
        int64_t value;
        const char *wire;
    } cases[] = {
        { 0, ":0\r\n" },
        { 9, ":9\r\n" },
        { 10, ":10\r\n" },
        { -1, ":-1\r\n" },
        { 99999, ":99999\r\n" },
        { INT64_MAX, ":9223372036854775807\r\n" },
        { INT64_MIN, ":-9223372036854775808\r\n" },
    };
    struct bench b;
    bench_open(&b, 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reply_int(&b.reply, cases[i].value);
        expect_wire(&b, cases[i].wire);
    }
    reply_array(&b.reply, UINT64_MAX);
    bench_close_expecting(&b, "*18446744073709551615\r\n");
}

Test(resp_write, writes_bulk_strings_of_any_size)
{
    struct bench b;
    char header[32];
    uint8_t value[6000];
    memset(value, 'v', sizeof value);
    bench_open(&b, 2);
    for (size_t size = 0; size <= sizeof value; size += size < 600 ? 1 : 97) {
        reply_bulk(&b.reply, bytes_make(value, size));
        drain(&b);
        size_t at = (size_t)sprintf(header, "$%zu\r\n", size);
        cr_assert(eq(sz, b.size, at + size + 2));
        cr_assert(memcmp(b.wire, header, at) == 0 && memcmp(b.wire + at, value, size) == 0);
        cr_assert(memcmp(b.wire + at + size, "\r\n", 2) == 0);
    }
    bench_close(&b);
}

Test(resp_write, refers_to_a_large_value_and_copies_a_small_one)
{
    struct bench b;
    bench_open(&b, 2);
    struct blob *blob = blob_new(&b.heap, 20000, HEAP_DATASET);
    memset(blob->data, 'v', 20000);
    blob->size = 20000;
    reply_blob(&b.reply, blob, bytes_make(blob->data, 16383));
    cr_expect(eq(u32, blob->refs, 1));
    reply_blob(&b.reply, blob, bytes_make(blob->data + 1, 16384));
    cr_expect(eq(u32, blob->refs, 2));
    reply_int(&b.reply, 1);
    blob_release(blob);
    drain(&b);
    cr_expect(eq(sz, b.size, 8 + 16383 + 2 + 8 + 16384 + 2 + 4));
    cr_expect(memcmp(b.wire + 16393, "$16384\r\nvvv", 11) == 0);
    cr_expect(memcmp(b.wire + b.size - 7, "v\r\n:1\r\n", 7) == 0);
    bench_close(&b);
}

Test(resp_write, puts_an_error_on_one_line_and_counts_it)
{
    struct bench b;
    bench_open(&b, 2);
    reply_error(&b.reply, reply_text_wrong_type);
    cr_expect(eq(str, b.reply.error_code, "WRONGTYPE"));
    reply_errorf(&b.reply, "ERR a%cb\r\nc%s\r\n", '\n', "d");
    reply_error_bytes(&b.reply, BYTES_LITERAL("NOSPACE"));
    cr_expect(eq(str, b.reply.error_code, "NOSPACE"));
    reply_error(&b.reply, "ACODETHATISLONGERTHANITSPLACE x");
    cr_expect(eq(str, b.reply.error_code, "ACODETHATISLONGERTHANIT"));
    cr_expect(eq(u32, b.reply.error_count, 4));
    bench_close_expecting(&b,
                          "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
                          "-ERR a b  cd\r\n-NOSPACE\r\n-ACODETHATISLONGERTHANITSPLACE x\r\n");
}

Test(resp_write, cuts_a_formatted_error_that_is_very_long)
{
    struct bench b;
    char text[10001] = { 0 };
    memset(text, 'x', sizeof text - 1);
    bench_open(&b, 2);
    reply_errorf(&b.reply, "ERR %s", text);
    drain(&b);
    cr_expect(eq(sz, b.size, 1 + 4095 + 2));
    cr_expect(memcmp(b.wire + b.size - 3, "x\r\n", 3) == 0);
    bench_close(&b);
}

Test(resp_write, drops_everything_while_muted_but_counts_errors)
{
    struct bench b;
    bench_open(&b, 3);
    struct blob *blob = blob_new(&b.heap, 20000, HEAP_DATASET);
    blob->size = 20000;
    b.reply.muted = true;
    write_one_of_each(&b.reply);
    reply_blob(&b.reply, blob, bytes_make(blob->data, 20000));
    cr_expect(eq(u32, blob->refs, 1));
    blob_release(blob);
    reply_error(&b.reply, reply_text_syntax);
    struct reply_later l = reply_later_begin(&b.reply);
    reply_later_array(&b.reply, l, 1);
    reply_attribute(&b.reply, 1);
    cr_expect(eq(u32, b.reply.error_count, 1));
    cr_expect(eq(u64, b.out.bytes_total, 0));
    bench_close(&b);
}

static void write_nested(struct reply *r)
{
    struct reply_later outer = reply_later_begin(r);
    reply_int(r, 1);
    struct reply_later inner = reply_later_begin(r);
    reply_bulk_text(r, "a");
    reply_bulk_text(r, "b");
    reply_later_map(r, inner, 1);
    struct reply_later empty = reply_later_begin(r);
    reply_later_set(r, empty, 0);
    reply_later_array(r, outer, 3);
}

Test(resp_write, writes_lengths_that_are_known_later)
{
    struct bench b;
    bench_open(&b, 2);
    write_nested(&b.reply);
    bench_close_expecting(&b, "*3\r\n:1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n*0\r\n");
    bench_open(&b, 3);
    write_nested(&b.reply);
    bench_close_expecting(&b, "*3\r\n:1\r\n%1\r\n$1\r\na\r\n$1\r\nb\r\n~0\r\n");
}

static struct piece *refuse_piece(struct piece_source *source, const struct outq *q, uint32_t want)
{
    return NULL;
}

static struct piece *refuse_ref(struct piece_source *source, struct bytes bytes,
                                void (*release_value)(void *value), void *value)
{
    return NULL;
}

Test(resp_write, survives_a_transport_without_buffers)
{
    struct bench b;
    struct piece_source spent = { .take = refuse_piece, .take_ref = refuse_ref };
    bench_open(&b, 3);
    outq_init(&b.out, &spent);
    struct blob *blob = blob_new(&b.heap, 20000, HEAP_DATASET);
    blob->size = 20000;
    write_one_of_each(&b.reply);
    write_nested(&b.reply);
    reply_blob(&b.reply, blob, bytes_make(blob->data, 20000));
    reply_error(&b.reply, reply_text_syntax);
    reply_bulk(&b.reply, blob_bytes(blob));
    cr_expect(eq(u32, blob->refs, 1));
    blob_release(blob);
    cr_expect(b.out.broken);
    bench_close(&b);
}

// Expected texts are redis-server's (7.0.15, raw socket).
static void expect_unknown(const char *expected, const struct bytes *argv, uint32_t argc)
{
    struct bench b;
    bench_open(&b, 2);
    reply_error_unknown_command(&b.reply, argv, argc);
    cr_expect(eq(str, b.reply.error_code, "ERR"));
    bench_close_expecting(&b, expected);
}

Test(resp_write, names_an_unknown_command_and_the_beginning_of_its_arguments)
{
    char x[128], f[201], expected[512];
    memset(x, 'x', sizeof x);
    memset(f, 'F', sizeof f);
    struct bytes argv[] = { BYTES_LITERAL("foo"), BYTES_LITERAL("a"), BYTES_LITERAL("b") };
    expect_unknown("-ERR unknown command 'foo', with args beginning with: 'a' 'b' \r\n", argv, 3);
    expect_unknown("-ERR unknown command 'foo', with args beginning with: \r\n", argv, 1);
    struct bytes lines[] = { BYTES_LITERAL("foo\nbar"), BYTES_LITERAL("a\r\nb"),
                             BYTES_LITERAL("c") };
    expect_unknown("-ERR unknown command 'foo bar', with args beginning with: 'a  b' 'c' \r\n",
                   lines, 3);
    struct bytes nuls[] = { BYTES_LITERAL("f\0o"), BYTES_LITERAL("a\0b"), BYTES_LITERAL("c") };
    expect_unknown("-ERR unknown command 'f', with args beginning with: 'a' 'c' \r\n", nuls, 3);
    struct bytes full[] = { BYTES_LITERAL("foo"), bytes_make(x, 127), BYTES_LITERAL("y") };
    sprintf(expected, "-ERR unknown command 'foo', with args beginning with: '%.127s' \r\n", x);
    expect_unknown(expected, full, 3);
    struct bytes cut[] = { BYTES_LITERAL("foo"), bytes_make(x, 122), BYTES_LITERAL("yyyyy") };
    sprintf(expected, "-ERR unknown command 'foo', with args beginning with: '%.122s' 'yyy' \r\n",
            x);
    expect_unknown(expected, cut, 3);
    struct bytes all[] = { bytes_make(f, 200), bytes_make(f, 200), bytes_make(f, 200) };
    sprintf(expected, "-ERR unknown command '%.128s', with args beginning with: '%.128s' \r\n", f,
            f);
    expect_unknown(expected, all, 3);
    struct bytes none = { NULL, 0 };
    expect_unknown("-ERR unknown command '', with args beginning with: \r\n", &none, 1);
}

Test(resp_write, names_the_command_of_a_wrong_arity_or_subcommand)
{
    struct bench b;
    bench_open(&b, 2);
    reply_error_arity(&b.reply, "client|kill");
    reply_error_unknown_subcommand(&b.reply, BYTES_LITERAL("cOnfig"), BYTES_LITERAL("fooo"));
    bench_close_expecting(&b, "-ERR wrong number of arguments for 'client|kill' command\r\n"
                              "-ERR unknown subcommand 'fooo'. Try CONFIG HELP.\r\n");
}

Test(resp_write, puts_heads_and_bulks_where_they_are_wanted)
{
    static const uint64_t numbers[] = { 0, 9, 10, 4294967296, UINT64_MAX };
    static const char *const heads[] = { "*0\r\n", "*9\r\n", "*10\r\n", "*4294967296\r\n",
                                         "*18446744073709551615\r\n" };
    uint8_t to[RESP_HEAD_MAX + 12 + 2 + 1];
    for (uint32_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        memset(to, '~', sizeof to);
        size_t size = resp_put_head(to, '*', numbers[i]);
        cr_expect(eq(sz, size, strlen(heads[i])));
        cr_expect(zero(int, memcmp(to, heads[i], size)));
        cr_expect(eq(chr, (char)to[RESP_HEAD_MAX], '~'), "no more than there must be room for");
    }
    memset(to, '~', sizeof to);
    cr_expect(eq(sz, resp_put_bulk(to, BYTES_LITERAL("ten\0\r\nbytes")), 5 + 11 + 2));
    cr_expect(zero(int, memcmp(to, "$11\r\nten\0\r\nbytes\r\n~", 19)));
    cr_expect(eq(sz, resp_put_bulk(to, bytes_make(NULL, 0)), 6));
    cr_expect(zero(int, memcmp(to, "$0\r\n\r\n", 6)));
}
