// commands.h: random commands of every type on few keys, and thresholds so low that every value
// changes its form again and again.
//
// Thread:  one
// Memory:  lines are the caller's
#pragma once
#include "tests/unit/cmd/harness.h"

enum { LINE_MAX = 2048 };

// %k a key, %v a value, %f a field, %n a number, %x a float, %s a score, %d some ms from now,
// %i an ID, %g a group, %c a consumer
static const char *const templates[] = {
    // strings
    "SET %k %v",
    "SET %k %n PX %d",
    "SET %k %v KEEPTTL",
    "SET %k %v NX GET",
    "SETEX %k 100 %v",
    "GETSET %k %v",
    "GETDEL %k",
    "GETEX %k PX %d",
    "GETEX %k PERSIST",
    "APPEND %k %v",
    "SETRANGE %k 5 %v",
    "INCR %k",
    "INCRBYFLOAT %k %x",
    "MSET %k %v %k %n",
    "SETBIT %k %n 1",
    "BITOP OR %k %k %k",
    "BITFIELD %k SET u8 #1 7 INCRBY i5 3 1",
    "PFADD %k %v %v",
    "PFMERGE %k %k",
    "PFCOUNT %k",
    // keys
    "DEL %k",
    "UNLINK %k %k",
    "RENAME %k %k",
    "RENAMENX %k %k",
    "COPY %k %k REPLACE",
    "EXPIRE %k 100",
    "PEXPIRE %k %d",
    "PEXPIREAT %k 5",
    "EXPIRE %k 50 GT",
    "PERSIST %k",
    "MOVE %k 1",
    "SORT %k ALPHA STORE %k",
    "COPY %k %k DB 2 REPLACE",
    // lists
    "RPUSH %k %v %v",
    "LPUSH %k %v",
    "LPUSHX %k %n",
    "RPOP %k",
    "LPOP %k 2",
    "LREM %k 1 %v",
    "LSET %k 0 %v",
    "LINSERT %k BEFORE %v %n",
    "LTRIM %k 1 5",
    "LMOVE %k %k LEFT RIGHT",
    "RPOPLPUSH %k %k",
    "LMPOP 2 %k %k RIGHT COUNT 2",
    "BLPOP %k %k 0.001",
    "BLMOVE %k %k LEFT LEFT 0.001",
    // sets
    "SADD %k %v %v %n",
    "SADD %k %n %n",
    "SREM %k %v",
    "SPOP %k",
    "SPOP %k 2",
    "SMOVE %k %k %v",
    "SUNIONSTORE %k %k %k",
    "SINTERSTORE %k %k %k",
    "SDIFFSTORE %k %k %k",
    // hashes
    "HSET %k %f %v %f %n",
    "HSETNX %k %f %v",
    "HDEL %k %f",
    "HINCRBY %k %f %n",
    "HINCRBYFLOAT %k %f %x",
    "HPEXPIRE %k %d FIELDS 1 %f",
    "HPEXPIRE %k 0 FIELDS 1 %f",
    "HPERSIST %k FIELDS 1 %f",
    // sorted sets
    "ZADD %k %s %v %s %v",
    "ZADD %k NX CH %s %v",
    "ZADD %k GT %s %v",
    "ZINCRBY %k %s %v",
    "ZREM %k %v",
    "ZPOPMIN %k",
    "ZPOPMAX %k 2",
    "ZMPOP 2 %k %k MIN COUNT 2",
    "BZPOPMIN %k %k 0.001",
    "ZUNIONSTORE %k 2 %k %k WEIGHTS 2 3",
    "ZINTERSTORE %k 2 %k %k AGGREGATE MAX",
    "ZDIFFSTORE %k 2 %k %k",
    "ZRANGESTORE %k %k 0 3",
    "ZREMRANGEBYRANK %k 0 0",
    "ZREMRANGEBYSCORE %k 5 6",
    "ZREMRANGEBYLEX %k [a [b",
    "GEOADD %k 13.3 38.1 %v",
    "GEOSEARCHSTORE %k %k FROMLONLAT 13 38 BYRADIUS 90 km",
    // streams
    "XADD %k * %f %v",
    "XADD %k %i %f %v",
    "XADD %k MAXLEN ~ 5 * %f %v",
    "XADD %k MINID %i * %f %n",
    "XDEL %k %i",
    "XTRIM %k MAXLEN 4",
    "XTRIM %k MAXLEN ~ 3",
    "XSETID %k %i",
    "XGROUP CREATE %k %g 0 MKSTREAM",
    "XGROUP DESTROY %k %g",
    "XGROUP SETID %k %g $",
    "XGROUP CREATECONSUMER %k %g %c",
    "XGROUP DELCONSUMER %k %g %c",
    "XREADGROUP GROUP %g %c COUNT 2 STREAMS %k >",
    "XREADGROUP GROUP %g %c COUNT 2 NOACK STREAMS %k >",
    "XACK %k %g %i",
    "XCLAIM %k %g %c 0 %i",
    "XAUTOCLAIM %k %g %c 0 0 COUNT 2",
    // others of these
    "DECRBY %k %n",
    "SETNX %k %v",
    "PSETEX %k %d %v",
    "MSETNX %k %v %k %n",
    "EXPIREAT %k 2000000000",
    "RPUSHX %k %v",
    "LINSERT %k AFTER %v %n",
    "BRPOPLPUSH %k %k 0.001",
    "BLMPOP 0.001 2 %k %k LEFT",
    "HEXPIREAT %k 2000000000 FIELDS 1 %f",
    "HMSET %k %f %v",
    "ZADD %k INCR %s %v",
    "BZMPOP 0.001 2 %k %k MAX",
    "GEORADIUS %k 13 38 90 km STORE %k",
    "XADD %k NOMKSTREAM * %f %v",
    "EVAL \"return redis.call('set',KEYS[1],ARGV[1])\" 1 %k %v",
    "EVAL \"redis.call('append',KEYS[1],'x') return redis.call('del',KEYS[2])\" 2 %k %k",
};
enum { TEMPLATES = sizeof templates / sizeof templates[0] };

// Most commands find a key of their type; the rest meet others.
static inline char class_of(const char *t)
{
    static const struct {
        const char *begin;
        char class;
    } classes[] = { { "X", 'x' },  { "H", 'h' },  { "Z", 'z' },  { "BZ", 'z' }, { "GEO", 'z' },
                    { "L", 'l' },  { "BL", 'l' }, { "RP", 'l' }, { "SA", 's' }, { "SR", 's' },
                    { "SP", 's' }, { "SM", 's' }, { "SU", 's' }, { "SI", 's' }, { "SD", 's' } };
    for (uint32_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (strncmp(t, classes[i].begin, strlen(classes[i].begin)) == 0) return classes[i].class;
    return 'k';
}

static inline int put_word(struct rng *rng, char kind, char class, const struct harness *h,
                           char *to, size_t room)
{
    static const char *const floats[] = { "0.1", "1.5", "-3.25", "10", "1e10" };
    uint64_t draw = rng_below(rng, 1000);
    switch (kind) {
    case 'k':
        if (draw % 5) return snprintf(to, room, "%c%lu", class, (unsigned long)(draw % 2));
        return snprintf(to, room, "%c%lu", "xhzlsk"[draw % 6], (unsigned long)(draw % 2));
    case 'v':
        if (draw < 100) return snprintf(to, room, "%0*lu", 70, (unsigned long)draw);
        return snprintf(to, room, "%c%lu", 'a' + (int)(draw % 3), (unsigned long)(draw % 4));
    case 'f':
        return snprintf(to, room, "f%lu", (unsigned long)(draw % 12));
    case 'n':
        return snprintf(to, room, "%lu", (unsigned long)(draw % 40));
    case 'x':
        return snprintf(to, room, "%s", floats[draw % 5]);
    case 's':
        return snprintf(to, room, "%lu", (unsigned long)(draw % 10));
    case 'd':
        return snprintf(to, room, "%lu", (unsigned long)(draw + 1));
    case 'i':
        return snprintf(to, room, "%lu-0", (unsigned long)(h->now_ms / 50 * 50 - draw % 6 * 50));
    case 'g':
        return snprintf(to, room, "g%lu", (unsigned long)(draw % 2));
    default:
        return snprintf(to, room, "c%lu", (unsigned long)(draw % 3));
    }
}

static inline uint32_t make_line(struct rng *rng, const struct harness *h, char line[LINE_MAX])
{
    uint32_t number = (uint32_t)rng_below(rng, TEMPLATES);
    const char *t = templates[number];
    char class = class_of(t);
    size_t at = 0;
    for (; *t; t++) {
        if (*t == '%')
            at += (size_t)put_word(rng, *++t, class, h, line + at, LINE_MAX - at);
        else
            line[at++] = *t;
    }
    line[at] = 0;
    return number;
}

static inline void set_tiny_thresholds(struct harness *h)
{
    struct thresholds *t = &h->server.thresholds;
    *t = (struct thresholds){ .hash_entries = 6,
                              .hash_value_bytes = 30,
                              .list_size = 6,
                              .set_intset_entries = 4,
                              .set_entries = 6,
                              .set_value_bytes = 30,
                              .zset_entries = 6,
                              .zset_value_bytes = 30,
                              .stream_node_bytes = 4096,
                              .stream_node_entries = 3 };
}
