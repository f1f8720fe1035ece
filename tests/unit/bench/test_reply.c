#include "tools/bench/reply.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

// Feeds text in pieces of at most step bytes; returns how many replies came, the last one in *last,
// and the bulk bytes in body.
static int feed(const char *text, size_t size, size_t step, struct reply_reader *r,
                enum reply_event *last, char *body)
{
    int done = 0;
    size_t filled = 0;
    *last = REPLY_MORE;
    for (size_t at = 0; at < size; at += step) {
        struct bytes in = bytes_make(text + at, size - at < step ? size - at : step), piece;
        while (in.size) {
            *last = reply_next(r, &in, &piece);
            if (*last == REPLY_BODY) {
                cr_assert_eq(r->body_offset, filled + piece.size);
                memcpy(body + filled, piece.data, piece.size);
                filled += piece.size;
            }
            if (*last == REPLY_BROKEN) return done;
            done += *last == REPLY_DONE;
        }
    }
    body[filled] = 0;
    return done;
}

Test(reply, finds_the_end_of_every_kind_however_the_bytes_are_cut)
{
    static const struct {
        const char *text, *body;
        uint8_t kind;
        int64_t size;
    } cases[] = {
        { "+OK\r\n", "", '+', 0 },
        { "-ERR no\r\n", "", '-', 0 },
        { ":-12\r\n", "", ':', -12 },
        { "$5\r\nhello\r\n", "hello", '$', 5 },
        { "$0\r\n\r\n", "", '$', 0 },
        { "$-1\r\n", "", '$', -1 },
        { "$4\r\n\r\n\r\n\r\n", "\r\n\r\n", '$', 4 },
        { "_\r\n", "", '_', -1 },
        { "#t\r\n", "", '#', 0 },
        { ",1.5\r\n", "", ',', 0 },
        { "*-1\r\n", "", '*', -1 },
        { "*0\r\n", "", '*', 0 },
        { "*2\r\n$1\r\na\r\n*1\r\n:5\r\n", "", '*', 2 },
        { "*3\r\n$1\r\na\r\n$0\r\n\r\n$11\r\n$3\r\nabc\r\n+k\r\n", "", '*', 3 },
        { "*3\r\n$-1\r\n*2\r\n$2\r\nxx\r\n$1\r\ny\r\n$1\r\nz\r\n", "", '*', 3 },
        { "%1\r\n+k\r\n$2\r\nvv\r\n", "", '%', 1 },
        { "=7\r\ntxt:abc\r\n", "txt:abc", '=', 7 },
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        size_t size = strlen(cases[c].text);
        for (size_t step = 1; step <= size; step++) {
            struct reply_reader r;
            enum reply_event last;
            char body[64];
            reply_reader_init(&r);
            cr_expect_eq(feed(cases[c].text, size, step, &r, &last, body), 1, "%zu by %zu", c,
                         step);
            cr_expect_eq(last, REPLY_DONE, "%zu by %zu", c, step);
            cr_expect_eq(r.reply.kind, cases[c].kind, "%zu by %zu", c, step);
            cr_expect_eq(r.reply.size, cases[c].size, "%zu by %zu", c, step);
            cr_expect_str_eq(body, cases[c].body, "%zu by %zu", c, step);
        }
    }
}

Test(reply, no_prefix_is_a_reply)
{
    static const char *const texts[] = { "+OK\r\n", "$3\r\nabc\r\n", "*2\r\n:1\r\n$1\r\nx\r\n" };
    for (size_t t = 0; t < 3; t++)
        for (size_t size = 0; size < strlen(texts[t]); size++) {
            struct reply_reader r;
            enum reply_event last;
            char body[64];
            reply_reader_init(&r);
            cr_expect_eq(feed(texts[t], size, 100, &r, &last, body), 0, "%zu bytes of %zu", size,
                         t);
        }
}

Test(reply, replies_follow_one_another)
{
    static const char text[] = "+OK\r\n$1\r\na\r\n+OK\r\n:1\r\n-ERR x\r\n+OK\r\n";
    for (size_t step = 1; step < sizeof text; step++) {
        struct reply_reader r;
        enum reply_event last;
        char body[64];
        reply_reader_init(&r);
        cr_expect_eq(feed(text, sizeof text - 1, step, &r, &last, body), 6, "by %zu", step);
    }
}

Test(reply, keeps_an_errors_text)
{
    struct reply_reader r;
    struct bytes in = BYTES_LITERAL("-ERR value is not an integer\r\n"), piece;
    reply_reader_init(&r);
    cr_assert_eq(reply_next(&r, &in, &piece), REPLY_DONE);
    cr_expect_str_eq(r.line, "-ERR value is not an integer");
}

Test(reply, a_long_text_is_cut_not_overrun)
{
    char text[1024];
    struct reply_reader r;
    struct bytes piece;
    memset(text, 'x', sizeof text);
    text[0] = '-';
    memcpy(text + sizeof text - 2, "\r\n", 2);
    struct bytes in = bytes_make(text, sizeof text);
    reply_reader_init(&r);
    cr_assert_eq(reply_next(&r, &in, &piece), REPLY_DONE);
    cr_expect_eq(strlen(r.line), REPLY_LINE_MAX - 1);
}

Test(reply, says_so_when_it_is_no_reply)
{
    static const char *const texts[] = { "\r\n",
                                         "GET x\r\n",
                                         "$x\r\n",
                                         "$-2\r\n",
                                         "*x\r\n",
                                         "$\r\n",
                                         "$1\r\nabc\r\n",
                                         "$1\r\na\rx",
                                         "*99999999999\r\n",
                                         "$9999999999999999999\r\n",
                                         "*2\r\n$1\r\nab\r\n",
                                         "*2\r\n$1x\r\na\r\n",
                                         "*2\r\n$1\r\na\r\r$1\r\nb\r\n" };
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
        for (size_t step = 1; step < 20; step += 3) {
            struct reply_reader r;
            enum reply_event last;
            char body[64];
            reply_reader_init(&r);
            cr_expect_eq(feed(texts[t], strlen(texts[t]), step, &r, &last, body), 0);
            cr_expect_eq(last, REPLY_BROKEN, "%zu by %zu", t, step);
        }
}
