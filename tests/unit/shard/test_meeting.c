#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "tests/unit/shard/crowd.h"

static const struct meeting_point *point(struct crowd *c, uint32_t index)
{
    return &c->hub->points[index];
}
static bool is_free(struct crowd *c, uint32_t index)
{
    const struct meeting_point *p = point(c, index);
    for (uint32_t i = 0; i < c->count; i++)
        if (__atomic_load_n(&p->grants[i], __ATOMIC_ACQUIRE) != GRANT_NONE) return false;
    return __atomic_load_n(&p->wanted, __ATOMIC_ACQUIRE) == 0;
}

// One key on each shard: "k1 k2 k3".
static const char *keys_of(struct crowd *c, uint32_t number, char text[CROWD_MAX * CROWD_KEY_BYTES])
{
    char key[CROWD_KEY_BYTES];
    text[0] = 0;
    for (uint32_t i = 0; i < c->count; i++)
        sprintf(text + strlen(text), "%s%s", i ? " " : "", crowd_key(c, i, number, key));
    return text;
}
// "MSET k1 value k2 value ...".
static void add_mset(struct wire_text *t, struct crowd *c, uint32_t number, uint32_t value)
{
    char line[512] = "MSET", key[CROWD_KEY_BYTES];
    for (uint32_t i = 0; i < c->count; i++)
        sprintf(line + strlen(line), " %s %u", crowd_key(c, i, number, key), value);
    wire_add_request(t, "%s", line);
}

// ---- by hand: nobody stands unless a thread is lent

Test(meeting, gives_up_who_does_not_stand_and_asks_again)
{
    struct crowd *c = crowd_open(2, false, "");
    struct peer *p = peer_connect_served(c->f);
    struct shard_tally *tally = fixture_tally(c->f);
    char keys[CROWD_MAX * CROWD_KEY_BYTES], line[400];
    struct wire_text t = { 0 };
    add_mset(&t, c, 0, 7);
    peer_send_text(p, &t);
    cr_assert(FIXTURE_WAIT(c->f, tally->rendezvous_given_up >= 2)); // answered both times
    cr_expect(is_free(c, 1));
    cr_expect(eq(u64, crowd_shard(c, 0)->rendezvous.count, 1));
    cr_expect(zero(u64, tally->rendezvous_held));
    cr_expect(peer_is_quiet(p));
    crowd_lend(c, 1);
    cr_expect(peer_got(p, "+OK\r\n"));
    crowd_take_back(c, 1);
    cr_expect(is_free(c, 1));
    cr_expect(eq(u64, tally->rendezvous_held, 1));
    cr_expect(ge(u64, crowd_shard(c, 1)->server.tally->rendezvous_stood, 1));
    cr_expect(eq(u64, tally->rendezvous_all_stand.count, 1));
    cr_expect(eq(u64, tally->rendezvous_first_stands.count, 1)); // those given up are none
    cr_expect(gt(u64, tally->rendezvous_all_stand.sum, 0));
    cr_expect(ge(u64, tally->rendezvous_first_stands.sum, tally->rendezvous_all_stand.sum));
    snprintf(line, sizeof line, "GET %s", strchr(keys_of(c, 0, keys), ' ') + 1);
    cr_expect(peer_ask(p, line, "$1\r\n7\r\n"));
    crowd_close(c);
}

Test(meeting, lets_those_run_on_that_were_taken_before_one_that_does_not_stand)
{
    struct crowd *c = crowd_open(3, false, "");
    struct peer *p = peer_connect_served(c->f);
    struct shard_tally *tally = fixture_tally(c->f);
    struct wire_text t = { 0 };
    add_mset(&t, c, 0, 7);
    crowd_lend(c, 1);
    peer_send_text(p, &t);
    cr_assert(FIXTURE_WAIT(c->f, tally->rendezvous_given_up >= 3));
    crowd_take_back(c, 1); // it is not standing, or this would not end
    cr_expect(is_free(c, 1) && is_free(c, 2));
    crowd_lend(c, 1);
    crowd_lend(c, 2);
    cr_expect(peer_got(p, "+OK\r\n"));
    crowd_take_back(c, 1);
    crowd_take_back(c, 2);
    cr_expect(eq(u64, tally->rendezvous_held, 1));
    crowd_close(c);
}

Test(meeting, waits_for_an_answer_before_it_takes_anybody)
{
    struct crowd *c = crowd_open(2, false, "");
    struct peer *p = peer_connect_served(c->f);
    struct wire_text t = { 0 };
    c->holds_still[1] = true; // a long command
    add_mset(&t, c, 0, 7);
    peer_send_text(p, &t);
    cr_assert(FIXTURE_WAIT(c->f, crowd_shard(c, 0)->rendezvous.count == 1));
    fixture_steps(c->f, 100);
    cr_expect(zero(u64, fixture_tally(c->f)->rendezvous_given_up));
    cr_expect(is_free(c, 1));
    struct peer *other = peer_connect_to(c->f, c->f->address, c->f->port); // goes on to shard 1
    cr_expect(peer_is_quiet(p));
    c->holds_still[1] = false;
    cr_expect(peer_is_served(other));
    crowd_lend(c, 1);
    cr_expect(peer_got(p, "+OK\r\n"));
    crowd_take_back(c, 1);
    crowd_close(c);
}

Test(meeting, serves_a_client_that_goes_while_it_waits_no_more)
{
    struct crowd *c = crowd_open(2, false, "");
    struct peer *p = peer_connect_served(c->f);
    struct shard *s = crowd_shard(c, 0);
    struct wire_text t = { 0 };
    char keys[CROWD_MAX * CROWD_KEY_BYTES], line[400];
    c->holds_still[1] = true;
    add_mset(&t, c, 0, 7);
    add_mset(&t, c, 1, 8);
    peer_send_text(p, &t);
    cr_assert(FIXTURE_WAIT(c->f, s->rendezvous.count == 1));
    peer_reset(p);
    cr_assert(FIXTURE_WAIT(c->f, s->server.clients.all.count == 0));
    c->holds_still[1] = false;
    cr_expect(FIXTURE_WAIT(c->f, crowd_is_quiet(c)));
    cr_expect(zero(u64, fixture_tally(c->f)->rendezvous_held));
    cr_expect(is_free(c, 1));
    struct peer *q = peer_connect_served(c->f);
    snprintf(line, sizeof line, "GET %s", strchr(keys_of(c, 0, keys), ' ') + 1);
    cr_expect(peer_ask(q, line, "$-1\r\n"));
    crowd_close(c);
}

Test(meeting, runs_commands_that_wait_for_the_same_shards_together)
{
    enum { CLIENTS = 12 };
    struct crowd *c = crowd_open(2, false, "");
    struct peer *peers[CLIENTS];
    uint32_t here = 0;
    for (uint32_t i = 0; i < CLIENTS; i++) peers[i] = peer_connect_served(c->f);
    c->holds_still[1] = true;
    for (uint32_t i = 0; i < CLIENTS; i += 2) { // every other one is shard 0's
        struct wire_text t = { 0 };
        add_mset(&t, c, i, i);
        peer_send_text(peers[i], &t);
        here++;
    }
    cr_assert(FIXTURE_WAIT(c->f, crowd_shard(c, 0)->rendezvous.count == here));
    uint64_t stood = crowd_shard(c, 1)->server.tally->rendezvous_stood;
    crowd_lend(c, 1);
    for (uint32_t i = 0; i < CLIENTS; i += 2) cr_expect(peer_got(peers[i], "+OK\r\n"));
    crowd_take_back(c, 1);
    cr_expect(eq(u64, fixture_tally(c->f)->rendezvous_held, here));
    cr_expect(le(u64, crowd_shard(c, 1)->server.tally->rendezvous_stood - stood, here));
    crowd_close(c);
}

// ---- with a thread for each

enum { PEERS = 9, ROUNDS = 60 };

// "*3\r\n$1\r\n7\r\n$1\r\n7\r\n..." with one value throughout, or nulls.
static bool is_of_one_moment(const char *reply, uint32_t count)
{
    char first[32] = "", value[32];
    if (*reply != '*') return false;
    for (uint32_t i = 0; i < count; i++) {
        reply = strchr(reply, '$') + 1;
        snprintf(value, sizeof value, "%.*s", (int)strcspn(reply, "$"), reply);
        if (i == 0) memcpy(first, value, sizeof first);
        if (i + 1 == count) value[strcspn(value, "*+:")] = 0; // what follows in the pipeline
        if (strcmp(first, value) != 0) return false;
    }
    return true;
}

static void check_that_all_is_atomic(const char *directives)
{
    struct crowd *c = crowd_open(3, true, directives);
    struct peer *peers[PEERS];
    char keys[CROWD_MAX * CROWD_KEY_BYTES];
    uint32_t torn = 0;
    keys_of(c, 0, keys);
    for (uint32_t i = 0; i < PEERS; i++) peers[i] = peer_connect_served(c->f);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < PEERS; i++) {
            struct wire_text t = { 0 };
            add_mset(&t, c, 0, 10 + (round * PEERS + i) % 90);
            wire_add_request(&t, "MGET %s", keys);
            peer_send_text(peers[i], &t);
        }
        for (uint32_t i = 0; i < PEERS; i++) {
            struct peer *p = peers[i];
            static const char example[] = "*3\r\n$2\r\n10\r\n$2\r\n10\r\n$2\r\n10\r\n";
            cr_assert(peer_got(p, "+OK\r\n"));
            cr_assert(FIXTURE_WAIT(c->f, p->size - p->taken >= sizeof example - 1));
            char reply[sizeof example];
            memcpy(reply, p->data + p->taken, sizeof reply - 1);
            reply[sizeof reply - 1] = 0;
            torn += !is_of_one_moment(reply, 3);
            p->taken += sizeof reply - 1;
        }
    }
    cr_expect(zero(u32, torn));
    for (uint32_t i = 0; i < 3; i++) {
        cr_expect(is_free(c, i));
        cr_expect(ge(
            u64,
            __atomic_load_n(&c->members[i].shard->server.tally->rendezvous_held, __ATOMIC_RELAXED),
            ROUNDS));
    }
    crowd_close(c);
}

Test(meeting, commands_over_all_shards_from_all_shards_are_atomic, .timeout = 100)
{
    check_that_all_is_atomic("");
}

Test(meeting, shards_that_never_sleep_meet_as_well, .timeout = 100)
{
    check_that_all_is_atomic("busy-poll yes");
}

// Clients of shards 1 and 2 each hold up their shard; the others' rendezvous give up and are done
// when it is over.
Test(meeting, outlasts_a_shard_that_stalls, .timeout = 100)
{
    struct crowd *c = crowd_open(3, true, "");
    struct peer *peers[3];
    for (uint32_t i = 0; i < 3; i++) peers[i] = peer_connect_served(c->f);
    for (uint32_t round = 0; round < 5; round++) {
        for (uint32_t i = 1; i < 3; i++) {
            struct wire_text t = { 0 };
            wire_add_request(&t, "DEBUG SLEEP 0.02");
            peer_send_text(peers[i], &t);
        }
        for (uint32_t i = 0; i < 3; i++) {
            struct wire_text t = { 0 };
            for (uint32_t n = 0; n < 5; n++) add_mset(&t, c, n, 10 * i + n);
            peer_send_text(peers[i], &t);
        }
        for (uint32_t i = 0; i < 3; i++)
            cr_assert(peer_got(peers[i], i ? "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n"
                                           : "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n"));
    }
    for (uint32_t i = 0; i < 3; i++) cr_expect(is_free(c, i));
    crowd_close(c);
}

Test(meeting, clients_may_come_and_go_meanwhile, .timeout = 100)
{
    struct crowd *c = crowd_open(3, true, "");
    struct peer *steady = peer_connect_served(c->f);
    for (uint32_t i = 0; i < 60; i++) {
        struct peer *p = peer_connect(c->f);
        struct wire_text t = { 0 };
        add_mset(&t, c, 0, i);
        add_mset(&t, c, 1, i);
        peer_send_text(p, &t);
        fixture_steps(c->f, i % 7);
        peer_close(p);
        if (i % 10 == 0) {
            struct wire_text own = { 0 };
            add_mset(&own, c, 0, i);
            peer_send_text(steady, &own);
            cr_assert(peer_got(steady, "+OK\r\n"));
        }
    }
    cr_expect(FIXTURE_WAIT(c->f, spread_client_count(c->f->shard) == 1));
    cr_expect(peer_is_served(steady));
    crowd_close(c);
}
