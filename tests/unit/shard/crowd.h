// crowd.h: several shards in one process, clients and all: turned by hand one after the other, or
// the first by hand and each other one by a thread of its own.
//
// Thread:  the test's turns the first shard (a fixture's), and by hand the others too
// Memory:  crowd_close frees all of it
// By hand everything happens in an order that the test says, but nobody stands for anybody: who
// wants to hold another shard gives it up. crowd_lend has a thread that stands for it.
// Connections go to the shard that has the fewest: the first peer to shard 0, the next to 1, ...
#pragma once
#include <pthread.h>
#include "dataplane/shard/far.h"
#include "dataplane/shard/meeting.h"
#include "dataplane/shard/spread.h"
#include "tests/unit/shard/fixture.h"

enum { CROWD_MAX = 4, CROWD_KEY_BYTES = 32 };

struct crowd;
struct crowd_member { // shard 0 is the fixture's
    struct crowd *crowd;
    struct settings *settings;
    struct shard *shard;
    pthread_t thread;
    bool stops; // tells a thread that lends it
};
struct crowd {
    struct fixture *f;
    struct hub *hub;
    uint32_t count;
    bool has_threads, stops;
    bool holds_still[CROWD_MAX]; // by hand: does not turn
    pthread_barrier_t together;
    struct crowd_member members[CROWD_MAX];
};

static inline struct shard *crowd_shard(struct crowd *c, uint32_t index)
{
    return c->members[index].shard;
}

static inline void crowd_open_member(struct crowd *c, uint32_t index)
{
    struct crowd_member *m = &c->members[index];
    char error[512];
    struct shard_config config = { .settings = m->settings,
                                   .region = &c->f->region,
                                   .bell = &c->f->bell,
                                   .clock = &c->f->clock,
                                   .hub = c->hub,
                                   .persist = c->f->persist,
                                   .index = index,
                                   .count = c->count };
    if (shard_open(&m->shard, &config, error, sizeof error) != OK) {
        fprintf(stderr, "%s\n", error);
        CHECK(!"shard_open");
    }
}

static inline void *crowd_live(void *context)
{
    struct crowd_member *m = context;
    struct crowd *c = m->crowd;
    crowd_open_member(c, (uint32_t)(m - c->members));
    pthread_barrier_wait(&c->together); // all are open
    CHECK(shard_join(m->shard) == OK);
    pthread_barrier_wait(&c->together); // and joined
    while (!__atomic_load_n(&c->stops, __ATOMIC_ACQUIRE)) shard_turn(m->shard);
    pthread_barrier_wait(&c->together); // nobody turns any more
    shard_close(m->shard);
    return NULL;
}

static inline void crowd_turn_others(struct fixture *f)
{
    struct crowd *c = f->others;
    for (uint32_t i = 1; i < c->count; i++)
        if (!c->holds_still[i]) shard_turn(c->members[i].shard);
}

// Threads sleep when there is nothing to do, unless directives say busy-poll yes; the test's own
// shard never does. f: of fixture_new_of(count), taken over.
static inline struct crowd *crowd_open_with(struct fixture *f, uint32_t count, bool has_threads,
                                            const char *directives)
{
    struct crowd *c = calloc(1, sizeof *c);
    char others[1024];
    CHECK(c && count <= CROWD_MAX);
    c->count = count;
    c->has_threads = has_threads;
    CHECK(hub_open(&c->hub, count) == OK);
    c->f = f;
    c->f->hub = c->hub;
    c->f->others = c;
    CHECK(fixture_try_open(c->f, directives) == OK);
    c->members[0].shard = c->f->shard;
    pthread_barrier_init(&c->together, NULL, count);
    snprintf(others, sizeof others, "busy-poll %s\n%s", has_threads ? "no" : "yes", directives);
    for (uint32_t i = 1; i < count; i++) {
        c->members[i].crowd = c;
        c->members[i].settings = fixture_settings(c->f, others);
        if (has_threads)
            CHECK(pthread_create(&c->members[i].thread, NULL, crowd_live, &c->members[i]) == 0);
        else
            crowd_open_member(c, i);
    }
    if (has_threads) pthread_barrier_wait(&c->together);
    for (uint32_t i = 0; i < (has_threads ? 1 : count); i++)
        CHECK(shard_join(c->members[i].shard) == OK);
    if (has_threads)
        pthread_barrier_wait(&c->together);
    else
        c->f->turn_others = crowd_turn_others;
    fixture_steps(c->f, 3); // the listeners are armed
    return c;
}
static inline struct crowd *crowd_open(uint32_t count, bool has_threads, const char *directives)
{
    return crowd_open_with(fixture_new_of(count), count, has_threads, directives);
}

static inline void crowd_close(struct crowd *c)
{
    __atomic_store_n(&c->stops, true, __ATOMIC_RELEASE);
    if (c->has_threads) {
        for (uint32_t i = 1; i < c->count; i++) waker_wake(&c->hub->wakers[i]);
        pthread_barrier_wait(&c->together);
        for (uint32_t i = 1; i < c->count; i++) pthread_join(c->members[i].thread, NULL);
    } else {
        for (uint32_t i = 1; i < c->count; i++) shard_close(c->members[i].shard);
    }
    fixture_close(c->f);
    hub_close(c->hub);
    pthread_barrier_destroy(&c->together);
    free(c);
}

// ---- a shard turned by hand that stands

static inline void *crowd_stand(void *context)
{
    struct crowd_member *m = context;
    while (!__atomic_load_n(&m->stops, __ATOMIC_ACQUIRE)) {
        mesh_poll(m->shard, SHARD_MESH_BUDGET);
        if (meeting_is_wanted(m->shard)) meeting_stand(m->shard);
        mesh_flush(m->shard);
    }
    return NULL;
}
// Until crowd_take_back the shard belongs to a thread that answers and stands, and does no more.
static inline void crowd_lend(struct crowd *c, uint32_t index)
{
    struct crowd_member *m = &c->members[index];
    c->holds_still[index] = true;
    m->stops = false;
    CHECK(pthread_create(&m->thread, NULL, crowd_stand, m) == 0);
}
static inline void crowd_take_back(struct crowd *c, uint32_t index)
{
    __atomic_store_n(&c->members[index].stops, true, __ATOMIC_RELEASE);
    pthread_join(c->members[index].thread, NULL);
    c->holds_still[index] = false;
}

// ---- keys

// The number-th key of shard's: "k" and digits.
static inline const char *crowd_key(struct crowd *c, uint32_t shard, uint32_t number,
                                    char key[CROWD_KEY_BYTES])
{
    for (uint32_t i = number * 1000;; i++) {
        snprintf(key, CROWD_KEY_BYTES, "k%u", i);
        if (placement_shard(&c->hub->node.placement, bytes_text(key)) == shard) return key;
    }
}

// Nothing is under way between the shards any more. By hand only.
static inline bool crowd_is_quiet(struct crowd *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        struct shard *s = c->members[i].shard;
        if (s->far_calls_open || s->rendezvous.count || s->proxies_waiting.count ||
            s->proxies_resumed.count || s->mesh.waiting || mesh_has_input(s))
            return false;
    }
    return true;
}

// The connection is reset, which ends the session at once; who only ends its side still gets what
// it asked for.
static inline void peer_reset(struct peer *p)
{
    struct linger now = { 1, 0 };
    CHECK(setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
    peer_close(p);
}
