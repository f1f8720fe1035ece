// giant_kinds.h: a giant of every kind at a key of shard 0, and what tells whether it is the same.
//
// Memory:  as job_shards.h
#pragma once
#include "tests/unit/cmd/job_shards.h"

enum { MANY = 8 * BIG };

static const char *giant; // whose value is made

static inline void make_string(void) { run_at(0, "SETRANGE %s 3000000 end", giant); }
static inline void make_list(void) { fill(0, "RPUSH", giant, 0, MANY); }
static inline void make_set(void) { fill(0, "SADD", giant, 0, MANY); }
static inline void make_zset(void)
{
    for (uint32_t i = 0; i < BIG; i++) run_at(0, "ZADD %s %u.5 member:%u", giant, i % 100, i);
}
static inline void make_hash(void)
{
    for (uint32_t i = 0; i < BIG; i++) run_at(0, "HSET %s field:%u value:%u", giant, i, i);
}
static inline void make_dated_hash(void)
{
    make_hash();
    for (uint32_t i = 0; i < BIG; i += 3)
        run_at(0, "HPEXPIREAT %s %llu FIELDS 1 field:%u", giant, HARNESS_START_MS + 1000ull + i, i);
}
static inline void make_stream(void)
{
    for (uint32_t i = 1; i <= BIG; i++) run_at(0, "XADD %s %u-1 field value:%u", giant, i, i);
    run_at(0, "XGROUP CREATE %s g 0", giant);
    run_at(0, "XGROUP CREATE %s h 17-0", giant);
    run_at(0, "XREADGROUP GROUP g anna COUNT 200 STREAMS %s >", giant);
    run_at(0, "XREADGROUP GROUP g bert COUNT 50 STREAMS %s >", giant);
}

static const struct kind {
    const char *name;
    void (*make)(void);
} kinds[] = {
    { "string", make_string },
    { "list", make_list },
    { "set", make_set },
    { "zset", make_zset },
    { "hash", make_hash },
    { "hash with deadlines", make_dated_hash },
    { "stream with groups", make_stream },
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

// The same for the same value.
static inline const char *digest_of(uint32_t index, const char *key)
{
    static char digests[2][64];
    static uint32_t next;
    char *to = digests[next++ % 2];
    char line[256];
    strcpy(line, run_at(index, "DEBUG DIGEST-VALUE %s", key));
    while (clients[index]->client.flags & CLIENT_IN_JOB) jobs_run(server(index), UINT32_MAX);
    strcat(line, harness_client_wire(clients[index]));
    const char *wire = strrchr(line, '+');
    cr_assert(wire && strlen(wire) == 43, "no digest of %s: %s", key, line);
    return strcpy(to, wire);
}
