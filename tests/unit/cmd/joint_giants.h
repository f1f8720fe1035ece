// joint_giants.h: values of many nodes, so that random commands become jobs, cut and adopt.
//
// Memory:  none
#pragma once
#include "tests/unit/cmd/joint_random.h"

static inline int put_number(char *to, uint32_t i) { return sprintf(to, "%u", i * 7); }
static inline int put_member(char *to, uint32_t i) { return sprintf(to, "m%u", i); }
static inline int put_scored(char *to, uint32_t i)
{
    return i % 2 ? sprintf(to, "m%u", i / 2) : sprintf(to, "%u.25", i / 2);
}
static inline int put_place(char *to, uint32_t i)
{
    return i % 3 == 2 ? sprintf(to, "m%u", i / 3) : sprintf(to, "%u.%u", i % 20, i % 7);
}

static inline void make_giants(struct pair *p)
{
    char a[32];
    run_many(p, "RPUSH", key_of(p, 'l', a), BIG, put_number);
    run_many(p, "SADD", key_of(p, 'S', a), BIG, put_member);
    run_many(p, "SADD", key_of(p, 'S', a), BIG, put_number);
    run_many(p, "ZADD", key_of(p, 'z', a), 2 * BIG, put_scored);
    run_many(p, "GEOADD", key_of(p, 'g', a), 3 * BIG, put_place);
    run_many(p, "HSET", key_of(p, 'h', a), 2 * BIG, put_scored);
    run_many(p, "PFADD", key_of(p, 'p', a), BIG, put_member);
    for (uint32_t i = 0; i < 2300; i++)
        run(p, false, "XADD x:%u %lu-1 f %u", i % 2, (unsigned long)p->next_id++, i);
}
