// hiredis_types.c: everyday calls of all types against hiredis (Debian's, which knows RESP2).
//
// usage: hiredis_types HOST PORT      exit status 0: all as expected
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_BYTES = 4096 };

// The reply as text: "[a b]", "3", "(nil)".
static void show(const redisReply *r, char *out)
{
    size_t at = strlen(out);
    switch (r->type) {
    case REDIS_REPLY_INTEGER:
        snprintf(out + at, SHOWN_BYTES - at, "%lld", r->integer);
        return;
    case REDIS_REPLY_NIL:
        snprintf(out + at, SHOWN_BYTES - at, "(nil)");
        return;
    case REDIS_REPLY_ARRAY:
        snprintf(out + at, SHOWN_BYTES - at, "[");
        for (size_t i = 0; i < r->elements; i++) {
            if (i) strncat(out, " ", SHOWN_BYTES - strlen(out) - 1);
            show(r->element[i], out);
        }
        strncat(out, "]", SHOWN_BYTES - strlen(out) - 1);
        return;
    default:
        snprintf(out + at, SHOWN_BYTES - at, "%s", r->str);
    }
}

// One command, and what its reply has to look like.
static void expect(redisContext *c, const char *command, const char *wanted)
{
    char text[SHOWN_BYTES] = "";
    redisReply *r = redisCommand(c, command);
    if (!r) {
        fprintf(stderr, "FAILED: %s: %s\n", command, c->errstr);
        exit(1);
    }
    show(r, text);
    if (strcmp(text, wanted) != 0) {
        fprintf(stderr, "FAILED: %s: %s instead of %s\n", command, text, wanted);
        exit(1);
    }
    freeReplyObject(r);
}

static void test_collections(redisContext *c)
{
    expect(c, "RPUSH list a b c d", "4");
    expect(c, "LRANGE list 1 -2", "[b c]");
    expect(c, "LPOP list 2", "[a b]");
    expect(c, "BLPOP none list 1", "[list c]");
    expect(c, "BLPOP none 0.01", "(nil)");
    expect(c, "HSET hash a 1 b two", "2");
    expect(c, "HGETALL hash", "[a 1 b two]");
    expect(c, "HINCRBY hash a 41", "42");
    expect(c, "HMGET hash a z", "[42 (nil)]");
    expect(c, "SADD set 3 1 2", "3");
    expect(c, "SMEMBERS set", "[1 2 3]");
    expect(c, "SISMEMBER set 9", "0");
    expect(c, "SORT set DESC LIMIT 0 2", "[3 2]");
    expect(c, "ZADD board 1 ann 2.5 bob", "2");
    expect(c, "ZRANGE board 0 -1 WITHSCORES", "[ann 1 bob 2.5]");
    expect(c, "ZSCORE board bob", "2.5");
    expect(c, "ZPOPMIN board", "[ann 1]");
}

static void test_the_rest(redisContext *c)
{
    expect(c, "XADD log 1-1 n 1", "1-1");
    expect(c, "XGROUP CREATE log workers 0", "OK");
    expect(c, "XREADGROUP GROUP workers me STREAMS log >", "[[log [[1-1 [n 1]]]]]");
    expect(c, "XACK log workers 1-1", "1");
    expect(c, "XREAD BLOCK 5 STREAMS log $", "(nil)");
    expect(c, "SETBIT bits 7 1", "0");
    expect(c, "BITFIELD bits GET u8 0 OVERFLOW FAIL INCRBY u8 0 255", "[1 (nil)]");
    expect(c, "PFADD seen a b a", "1");
    expect(c, "PFCOUNT seen", "2");
    expect(c, "GEOADD places 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", "2");
    expect(c, "GEODIST places Palermo Catania km", "166.2742");
    expect(c, "OBJECT ENCODING places", "listpack");
    expect(c, "COPY places again", "1");
    expect(c, "LPUSH places x",
           "WRONGTYPE Operation against a key holding the wrong kind of value");
    redisReply *payload = redisCommand(c, "DUMP places");
    if (!payload || payload->type != REDIS_REPLY_STRING) exit(1);
    freeReplyObject(redisCommand(c, "RESTORE moved 0 %b", payload->str, payload->len));
    freeReplyObject(payload);
    expect(c, "ZCARD moved", "2");
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: hiredis_types HOST PORT\n");
        return 2;
    }
    redisContext *c = redisConnect(argv[1], atoi(argv[2]));
    if (!c || c->err) {
        fprintf(stderr, "FAILED: connect\n");
        return 1;
    }
    expect(c, "FLUSHALL", "OK");
    test_collections(c);
    test_the_rest(c);
    redisFree(c);
    puts("ok");
    return 0;
}
