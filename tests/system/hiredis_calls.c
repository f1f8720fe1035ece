// hiredis_calls.c: a client written against hiredis, as applications are: its synchronous calls,
// pipelines, binary values, errors, reconnection.
//
// usage: hiredis_calls tcp HOST PORT | unix PATH      exit status 0: all as expected
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum { PIPELINE_COUNT = 10000, BIG_BYTES = 20 << 20 };

static void expect(bool condition, const char *what, const redisContext *c)
{
    if (condition) return;
    fprintf(stderr, "FAILED: %s (%s)\n", what,
            c && c->err ? c->errstr : "no error of the connection");
    exit(1);
}

static redisContext *open_context(char **argv)
{
    const struct timeval timeout = { 30, 0 };
    bool is_unix = strcmp(argv[1], "unix") == 0;
    redisContext *c = is_unix ? redisConnectUnixWithTimeout(argv[2], timeout)
                              : redisConnectWithTimeout(argv[2], atoi(argv[3]), timeout);
    expect(c && !c->err, "connect", c);
    expect(redisSetTimeout(c, timeout) == REDIS_OK, "set the timeout", c);
    return c;
}

static bool reply_is(const redisReply *r, int type, const char *text, size_t size)
{
    return r && r->type == type && r->len == size && memcmp(r->str, text, size) == 0;
}

static void expect_status(redisContext *c, redisReply *r, const char *text)
{
    expect(reply_is(r, REDIS_REPLY_STATUS, text, strlen(text)), text, c);
    freeReplyObject(r);
}

static void expect_integer(redisContext *c, redisReply *r, long long value)
{
    expect(r && r->type == REDIS_REPLY_INTEGER && r->integer == value, "an integer", c);
    freeReplyObject(r);
}

static void test_values(redisContext *c)
{
    char bytes[256];
    redisReply *r;
    for (int i = 0; i < 256; i++) bytes[i] = (char)i;
    expect_status(c, redisCommand(c, "PING"), "PONG");
    expect_status(c, redisCommand(c, "SET %s %b", "bytes", bytes, sizeof bytes), "OK");
    r = redisCommand(c, "GET %s", "bytes");
    expect(reply_is(r, REDIS_REPLY_STRING, bytes, sizeof bytes), "every byte comes back", c);
    freeReplyObject(r);
    expect_status(c, redisCommand(c, "SET %b %s", bytes, sizeof bytes, "under a binary key"), "OK");
    expect_integer(c, redisCommand(c, "EXISTS %b", bytes, sizeof bytes), 1);
    expect_status(c, redisCommand(c, "SET empty %b", "", (size_t)0), "OK");
    r = redisCommand(c, "MGET bytes absent empty");
    expect(r && r->type == REDIS_REPLY_ARRAY && r->elements == 3, "an array of three", c);
    expect(reply_is(r->element[0], REDIS_REPLY_STRING, bytes, sizeof bytes), "its first", c);
    expect(r->element[1]->type == REDIS_REPLY_NIL, "its second", c);
    expect(reply_is(r->element[2], REDIS_REPLY_STRING, "", 0), "its third", c);
    freeReplyObject(r);
}

static void test_big_value(redisContext *c)
{
    char *big = malloc(BIG_BYTES);
    expect(big != NULL, "memory", c);
    for (uint32_t i = 0; i < BIG_BYTES; i++) big[i] = (char)(i * 2654435761u >> 24);
    expect_status(c, redisCommand(c, "SET big %b", big, (size_t)BIG_BYTES), "OK");
    redisReply *r = redisCommand(c, "GET big");
    expect(reply_is(r, REDIS_REPLY_STRING, big, BIG_BYTES), "a big value comes back", c);
    freeReplyObject(r);
    free(big);
}

static void test_errors(redisContext *c)
{
    redisReply *r = redisCommand(c, "NOSUCHCOMMAND a b");
    expect(r && r->type == REDIS_REPLY_ERROR && strncmp(r->str, "ERR unknown command", 19) == 0,
           "an unknown command", c);
    freeReplyObject(r);
    expect_status(c, redisCommand(c, "SET text abc"), "OK");
    r = redisCommand(c, "INCR text");
    expect(r && r->type == REDIS_REPLY_ERROR, "an error", c);
    expect(strcmp(r->str, "ERR value is not an integer or out of range") == 0, "its text", c);
    freeReplyObject(r);
    expect_status(c, redisCommand(c, "PING"), "PONG");
}

static void test_pipeline(redisContext *c)
{
    redisReply *r;
    expect_integer(c, redisCommand(c, "DEL counter"), 0);
    for (int i = 0; i < PIPELINE_COUNT; i++) {
        expect(redisAppendCommand(c, "INCR counter") == REDIS_OK, "append", c);
        expect(redisAppendCommand(c, "SET key:%d %d", i, i) == REDIS_OK, "append", c);
    }
    for (int i = 0; i < PIPELINE_COUNT; i++) {
        expect(redisGetReply(c, (void **)&r) == REDIS_OK, "a reply", c);
        expect_integer(c, r, i + 1);
        expect(redisGetReply(c, (void **)&r) == REDIS_OK, "a reply", c);
        expect_status(c, r, "OK");
    }
    r = redisCommand(c, "GET key:%d", PIPELINE_COUNT - 1);
    expect(reply_is(r, REDIS_REPLY_STRING, "9999", 4), "the last key", c);
    freeReplyObject(r);
}

// The server closes the connection: the next call fails, and a reconnection finds the data.
static void test_reconnect(redisContext *c)
{
    expect_status(c, redisCommand(c, "SET kept yes"), "OK");
    expect_status(c, redisCommand(c, "SELECT 3"), "OK");
    expect_status(c, redisCommand(c, "QUIT"), "OK");
    expect(redisCommand(c, "PING") == NULL && c->err != 0, "the connection is closed", NULL);
    expect(redisReconnect(c) == REDIS_OK && !c->err, "reconnect", c);
    redisReply *r = redisCommand(c, "GET kept"); // in database 0 again
    expect(reply_is(r, REDIS_REPLY_STRING, "yes", 3), "the data are there", c);
    freeReplyObject(r);
}

int main(int argc, char **argv)
{
    // A connection that the server has closed is written to on purpose; the error is what is
    // tested.
    signal(SIGPIPE, SIG_IGN);
    bool fits =
        (argc == 4 && strcmp(argv[1], "tcp") == 0) || (argc == 3 && strcmp(argv[1], "unix") == 0);
    if (!fits) {
        fprintf(stderr, "usage: hiredis_calls tcp HOST PORT | unix PATH\n");
        return 2;
    }
    redisContext *c = open_context(argv);
    expect_status(c, redisCommand(c, "FLUSHALL"), "OK");
    test_values(c);
    test_big_value(c);
    test_errors(c);
    test_pipeline(c);
    test_reconnect(c);
    redisFree(c);
    puts("ok");
    return 0;
}
