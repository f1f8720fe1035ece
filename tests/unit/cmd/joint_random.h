// joint_random.h: random commands over keys of all types, on several shards and on one alike.
//
// Memory:  none
#pragma once
#include "tests/unit/cmd/joint_pair.h"

enum { KEYS_OF_TYPE = 6, BIG = 3000 };

// ---- random commands

static const char types[] = "sbpqlSzgxh"; // b: bitmap; p: hyperloglog; q: short list

static inline char *key_of(struct pair *p, char type, char to[32])
{
    snprintf(to, 32, "%c:%u", type, below(p, KEYS_OF_TYPE));
    return to;
}
static inline char *any_key(struct pair *p, char to[32])
{
    return key_of(p, types[below(p, sizeof types - 1)], to);
}
// Mostly of the type; sometimes of another.
static inline char *some_key(struct pair *p, char type, char to[32])
{
    return below(p, 25) ? key_of(p, type, to) : any_key(p, to);
}

static inline char *text(struct pair *p, char to[6100])
{
    static const uint32_t sizes[] = { 1, 3, 10, 60, 200, 1100, 6000 };
    if (below(p, 3) == 0) {
        sprintf(to, "%u", below(p, 50));
        return to;
    }
    uint32_t size = sizes[below(p, below(p, 10) ? 4 : 7)];
    memset(to, 'a' + (int)below(p, 4), size);
    to[size] = 0;
    return to;
}

static inline char *member(struct pair *p, char to[32])
{
    snprintf(to, 32, below(p, 2) ? "%u" : "m%u", below(p, 60));
    return to;
}

// A list of keys of a type, "a b c".
static inline char *keys(struct pair *p, char type, uint32_t count, char to[512])
{
    char key[32], *at = to;
    for (uint32_t i = 0; i < count; i++)
        at += sprintf(at, "%s%s", i ? " " : "", some_key(p, type, key));
    return to;
}

static inline void make_single(struct pair *p)
{
    char a[32], m[32], t[6100];
    switch (below(p, 14)) {
    case 0:
        run(p, false, "SET %s %s", key_of(p, 's', a), text(p, t));
        break;
    case 1:
        run(p, false, "SETRANGE %s %u x", key_of(p, 's', a), below(p, 20) ? 10 : 30000);
        break;
    case 2:
        run(p, false, "SETBIT %s %u 1", key_of(p, 'b', a), below(p, 20) ? below(p, 500) : 20000);
        break;
    case 3:
        run(p, false, "PFADD %s %s %u", key_of(p, 'p', a), member(p, m), below(p, 1000));
        break;
    case 4:
    case 5:
        run(p, false, "%s %s %s", below(p, 2) ? "LPUSH" : "RPUSH",
            key_of(p, below(p, 2) ? 'l' : 'q', a), text(p, t));
        break;
    case 6:
    case 7:
        run(p, false, "SADD %s %s %u", key_of(p, 'S', a), member(p, m), below(p, 40));
        break;
    case 8:
    case 9:
        run(p, false, "ZADD %s %u.5 %s", key_of(p, 'z', a), below(p, 20), member(p, m));
        break;
    case 10:
        run(p, false, "GEOADD %s %u.%u %u.5 %s", key_of(p, 'g', a), below(p, 20), below(p, 10),
            below(p, 20), member(p, m));
        break;
    case 11:
        run(p, false, "XADD %s %lu-1 f %s", key_of(p, 'x', a), (unsigned long)p->next_id++,
            text(p, t));
        break;
    case 12:
        run(p, false, "HSET %s %s %s", key_of(p, 'h', a), member(p, m), text(p, t));
        break;
    default:
        run(p, false, "XGROUP CREATE %s grp 0 MKSTREAM", key_of(p, 'x', a));
        break;
    }
}

static inline void run_keys(struct pair *p)
{
    char a[32], b[32], k[512], t[6100];
    uint32_t count = 1 + below(p, 4);
    switch (below(p, 13)) {
    case 0:
        run(p, true, "DEL %s", keys(p, 's', count, k));
        break;
    case 1:
        run(p, true, "UNLINK %s %s", any_key(p, a), any_key(p, b));
        break;
    case 2:
        run(p, true, "EXISTS %s %s %s", any_key(p, a), any_key(p, b), a);
        break;
    case 3:
        run(p, true, "TOUCH %s %s", any_key(p, a), any_key(p, b));
        break;
    case 4:
    case 5:
        run(p, true, "RENAME %s %s", any_key(p, a), any_key(p, b));
        break;
    case 6:
        run(p, true, "RENAMENX %s %s", any_key(p, a), any_key(p, b));
        break;
    case 7:
    case 8:
        run(p, true, "COPY %s %s DB %u%s", any_key(p, a), any_key(p, b), below(p, 2),
            below(p, 2) ? " REPLACE" : "");
        break;
    case 9:
        run(p, true, "MOVE %s 1", any_key(p, a));
        break;
    case 10:
        run(p, true, "MSET %s %s %s 2", any_key(p, a), text(p, t), any_key(p, b));
        break;
    case 11:
        run(p, true, "MSETNX %s %s %s 2", key_of(p, 's', a), text(p, t), key_of(p, 's', b));
        break;
    default:
        run(p, true, "MGET %s %s", keys(p, 's', count, k), any_key(p, a));
        break;
    }
}

static inline void run_strings(struct pair *p)
{
    static const char *const operations[] = { "AND", "OR", "XOR" };
    char a[32], k[512];
    switch (below(p, 6)) {
    case 0:
        run(p, true, "BITOP %s %s %s", operations[below(p, 3)], some_key(p, 'b', a),
            keys(p, below(p, 2) ? 'b' : 's', 1 + below(p, 3), k));
        break;
    case 1:
        run(p, true, "BITOP NOT %s %s", key_of(p, 'b', a), keys(p, 'b', 1, k));
        break;
    case 2:
        run(p, true, "PFCOUNT %s", keys(p, 'p', 1 + below(p, 3), k));
        break;
    case 3:
        run(p, true, "PFMERGE %s", keys(p, 'p', 1 + below(p, 4), k));
        break;
    case 4:
        run(p, true, "LCS %s%s", keys(p, 's', 2, k), below(p, 2) ? " LEN" : " IDX WITHMATCHLEN");
        break;
    default:
        run(p, true, "MGET %s", keys(p, 'b', 3, k));
        break;
    }
}

static inline void run_lists(struct pair *p)
{
    static const char *const sides[] = { "LEFT", "RIGHT" };
    char k[512], a[32];
    const char *one = sides[below(p, 2)], *other = sides[below(p, 2)];
    char type = below(p, 2) ? 'l' : 'q';
    uint32_t count = 1 + below(p, 4);
    switch (below(p, 9)) {
    case 0:
        run(p, true, "LMOVE %s %s %s", keys(p, type, 2, k), one, other);
        break;
    case 1:
        run(p, true, "RPOPLPUSH %s", keys(p, type, 2, k));
        break;
    case 2:
        run(p, true, "BLMOVE %s %s %s 0", keys(p, type, 2, k), one, other);
        break;
    case 3:
        run(p, true, "BRPOPLPUSH %s 0", keys(p, type, 2, k));
        break;
    case 4:
        run(p, true, "LMPOP %u %s %s COUNT %u", count, keys(p, type, count, k), one,
            below(p, 30) ? 1 + below(p, 3) : BIG);
        break;
    case 5:
        run(p, true, "BLMPOP 0 %u %s %s", count, keys(p, type, count, k), one);
        break;
    case 6:
        run(p, true, "%s %s 0", below(p, 2) ? "BLPOP" : "BRPOP", keys(p, type, count, k));
        break;
    case 7:
        run(p, true, "SORT %s ALPHA STORE %s", keys(p, type, 1, k), some_key(p, 'q', a));
        break;
    default:
        run(p, true, "SORT %s BY s:* GET # GET s:* GET h:*->m1 ALPHA%s", keys(p, type, 1, k),
            below(p, 2) ? "" : " DESC STORE l:1");
        break;
    }
}

static inline void run_sets(struct pair *p)
{
    static const char *const verbs[] = { "SUNION", "SINTER", "SDIFF" };
    char k[512], a[32], m[32];
    const char *verb = verbs[below(p, 3)];
    uint32_t count = 1 + below(p, 10);
    switch (below(p, 6)) {
    case 0:
        run(p, true, "%s %s", verb, keys(p, 'S', count, k));
        break;
    case 1:
    case 2:
        run(p, true, "%sSTORE %s %s", verb, some_key(p, 'S', a), keys(p, 'S', count, k));
        break;
    case 3:
        run(p, true, "SINTERCARD %u %s LIMIT %u", count, keys(p, 'S', count, k), below(p, 5));
        break;
    case 4:
        run(p, true, "SORT %s ALPHA DESC STORE %s", keys(p, 'S', 1, k), some_key(p, 'l', a));
        break;
    default:
        run(p, true, "SMOVE %s %s", keys(p, 'S', 2, k), member(p, m));
        break;
    }
}

static inline void run_zsets(struct pair *p)
{
    static const char *const verbs[] = { "ZUNION", "ZINTER", "ZDIFF" };
    static const char *const ends[] = { "MIN", "MAX" };
    char k[512], a[32];
    uint32_t which = below(p, 3), count = 1 + below(p, 4);
    const char *end = ends[below(p, 2)];
    char type = below(p, 5) ? 'z' : 'S';
    switch (below(p, 9)) {
    case 0:
        run(p, true, "%s %u %s%s WITHSCORES", verbs[which], count, keys(p, type, count, k),
            which < 2 && below(p, 2) ? " AGGREGATE MAX" : "");
        break;
    case 1:
    case 2:
        run(p, true, "%sSTORE %s %u %s", verbs[which], some_key(p, 'z', a), count,
            keys(p, type, count, k));
        break;
    case 3:
        run(p, true, "ZINTERCARD %u %s", count, keys(p, type, count, k));
        break;
    case 4:
        run(p, true, "ZRANGESTORE %s 0 %u%s", keys(p, 'z', 2, k), below(p, 3) ? below(p, 20) : BIG,
            below(p, 2) ? " REV" : "");
        break;
    case 5:
        run(p, true, "ZMPOP %u %s %s COUNT %u", count, keys(p, 'z', count, k), end,
            below(p, 30)  ? 1 + below(p, 3)
            : below(p, 2) ? BIG
                          : BIG - 200);
        break;
    case 6:
        run(p, true, "BZMPOP 0 %u %s %s", count, keys(p, 'z', count, k), end);
        break;
    case 7:
        run(p, true, "BZPOP%s %s 0", end, keys(p, 'z', count, k));
        break;
    default:
        run(p, true, "SORT %s STORE %s", keys(p, 'z', 1, k), some_key(p, 'q', a));
        break;
    }
}

static inline void run_geo_and_streams(struct pair *p)
{
    char k[512], a[32], b[32];
    switch (below(p, 7)) {
    case 0:
        run(p, true, "GEOSEARCHSTORE %s FROMLONLAT 10 10 BYRADIUS 900 km ASC%s", keys(p, 'g', 2, k),
            below(p, 2) ? " STOREDIST" : "");
        break;
    case 1:
        run(p, true, "GEORADIUS %s 10 10 2000 km %s %s", some_key(p, 'g', a),
            below(p, 2) ? "STORE" : "STOREDIST", some_key(p, 'g', b));
        break;
    case 2:
        run(p, true, "GEORADIUSBYMEMBER %s m1 1000 km STORE %s", some_key(p, 'g', a),
            some_key(p, 'g', b));
        break;
    case 3:
        run(p, true, "XREAD COUNT %u STREAMS %s 0 %u", below(p, 5) ? 1 + below(p, 4) : BIG,
            keys(p, 'x', 2, k), below(p, 30));
        break;
    case 4:
        run(p, true, "XREADGROUP GROUP grp c%u COUNT %u STREAMS %s > >", below(p, 3),
            below(p, 5) ? 1 + below(p, 3) : BIG, keys(p, 'x', 2, k));
        break;
    case 5:
        run(p, true, "XREADGROUP GROUP grp c%u %sSTREAMS %s %s 0", below(p, 3),
            below(p, 2) ? "NOACK " : "", keys(p, 'x', 2, k), below(p, 2) ? ">" : "0");
        break;
    default:
        run(p, true, "XREAD BLOCK 0 STREAMS %s $ $", keys(p, 'x', 2, k));
        break;
    }
}

static inline void run_databases(struct pair *p)
{
    char a[32];
    switch (below(p, 9)) {
    case 0:
        run(p, true, "DBSIZE");
        break;
    case 1:
        run(p, true, "KEYS %c*", types[below(p, sizeof types - 1)]);
        break;
    case 2:
        run(p, true, "SWAPDB 0 1");
        break;
    case 3:
        if (below(p, 15) == 0) run(p, true, below(p, 2) ? "FLUSHDB" : "FLUSHALL");
        break;
    case 4:
        select_db(p, below(p, 4) == 0);
        break;
    case 5: {
        const char *wire = joint_run(p->joint, "RANDOMKEY");
        bool is_empty = keyspace_size(p->single->server.keyspace, p->single->client.db) == 0;
        cr_assert(eq(int, wire[1] == '-', is_empty));
        break;
    }
    case 6:
        move_time(p, below(p, 60));
        break;
    case 7:
        run(p, false, "HPEXPIRE %s %u FIELDS 2 m1 m2", key_of(p, 'h', a), 1 + below(p, 200));
        break;
    default:
        run(p, false, "PEXPIRE %s %u", any_key(p, a), 1 + below(p, 300));
        break;
    }
}

// Of keys of one or of several shards, by chance.
static inline void run_any(struct pair *p)
{
    static void (*const kinds[])(struct pair *) = { make_single,  make_single, make_single,
                                                    run_keys,     run_strings, run_lists,
                                                    run_sets,     run_zsets,   run_geo_and_streams,
                                                    run_databases };
    kinds[below(p, sizeof kinds / sizeof kinds[0])](p);
}

static inline uint64_t seed_now(uint64_t fixed)
{
    const char *text = getenv("PENSTOCK_SEED");
    return text ? strtoull(text, NULL, 0) + fixed : fixed;
}
