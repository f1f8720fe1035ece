#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "tests/unit/shard/crowd.h"

// Keys by DEBUG POPULATE, more than a shard goes through at once.
#define DEBUG_ON "enable-debug-command yes"
enum { MANY = 9000, FILLERS = 7000, ROUNDS = 40, MOVES = 20 };

static bool is_asked_for(struct peer *p, const char *line) // and what follows is its reply
{
    struct wire_text t = { 0 };
    cr_expect(peer_is_quiet(p));
    wire_add(&t, "%s\r\n", line);
    peer_send_text(p, &t);
    return FIXTURE_WAIT(p->fixture, p->size > p->taken);
}

// The names in a reply to KEYS, whole; -1: it is none.
static int32_t take_names(struct peer *p, void (*see)(void *context, const char *name),
                          void *context)
{
    unsigned count, size;
    int head = 0;
    if (!FIXTURE_WAIT(p->fixture, memchr(p->data + p->taken, '\n', p->size - p->taken))) return -1;
    if (sscanf((char *)p->data + p->taken, "*%u%n", &count, &head) != 1) return -1;
    p->taken += (size_t)head + 2;
    for (unsigned i = 0; i < count; i++) {
        char name[CROWD_KEY_BYTES + 1] = "";
        if (!FIXTURE_WAIT(p->fixture, p->size - p->taken >= 5 &&
                                          memchr(p->data + p->taken, '\n', p->size - p->taken)))
            return -1;
        if (sscanf((char *)p->data + p->taken, "$%u%n", &size, &head) != 1) return -1;
        if (size > CROWD_KEY_BYTES) return -1;
        p->taken += (size_t)head + 2;
        if (!FIXTURE_WAIT(p->fixture, p->size - p->taken >= size + 2)) return -1;
        memcpy(name, p->data + p->taken, size);
        p->taken += size + 2;
        see(context, name);
    }
    return (int32_t)count;
}

static void add_number(void *context, const char *name)
{
    uint64_t *sum = context;
    if (strncmp(name, "key:", 4) == 0) *sum += strtoull(name + 4, NULL, 10);
}

// Of all shards; what else INFO says is passed over.
static bool info_says(struct peer *p, const char *section, const char *text)
{
    char line[100];
    snprintf(line, sizeof line, "INFO %s", section);
    if (!is_asked_for(p, line)) return false;
    bool says = FIXTURE_WAIT(
        p->fixture, memmem(p->data + p->taken, p->size - p->taken, text, strlen(text)) != NULL);
    fixture_steps(p->fixture, 3);
    p->taken = p->size;
    return says;
}

Test(scatter, puts_the_replies_of_all_shards_below_one_head)
{
    struct crowd *c = crowd_open(3, true, "");
    struct peer *peers[3];
    char keys[3][CROWD_KEY_BYTES], line[100], expected[200] = "*3\r\n";
    for (uint32_t i = 0; i < 3; i++) peers[i] = peer_connect_served(c->f);
    cr_expect(peer_ask(peers[1], "KEYS *", "*0\r\n"));
    for (uint32_t i = 0; i < 3; i++) {
        snprintf(line, sizeof line, "SET %s v", crowd_key(c, i, 0, keys[i]));
        cr_expect(peer_ask(peers[0], line, "+OK\r\n"));
        sprintf(expected + strlen(expected), "$%zu\r\n%s\r\n", strlen(keys[i]), keys[i]);
    }
    for (uint32_t i = 0; i < 3; i++) cr_expect(peer_ask(peers[i], "KEYS k*", expected));
    snprintf(line, sizeof line, "KEYS %s", keys[1]);
    snprintf(expected, sizeof expected, "*1\r\n$%zu\r\n%s\r\n", strlen(keys[1]), keys[1]);
    for (uint32_t i = 0; i < 3; i++) cr_expect(peer_ask(peers[i], line, expected));
    cr_expect(info_says(peers[0], "commandstats", "cmdstat_keys:calls=7,")); // not their parts
    crowd_close(c);
}

Test(scatter, speaks_as_its_client_does)
{
    struct crowd *c = crowd_open(2, true, "");
    struct peer *p = peer_connect_served(c->f);
    cr_expect(is_asked_for(p, "HELLO 3"));
    cr_expect(FIXTURE_WAIT(c->f, p->size - p->taken > 7 &&
                                     memcmp(p->data + p->size - 4, "*0\r\n", 4) == 0));
    p->taken = p->size;
    cr_expect(peer_ask(p, "KEYS *", "*0\r\n"));
    cr_expect(peer_ask(p, "CLIENT REPLY OFF\r\nKEYS *\r\nCLIENT REPLY ON", "+OK\r\n"));
    cr_expect(peer_ask(p, "CLIENT REPLY SKIP\r\nKEYS *\r\nPING", "+PONG\r\n"));
    cr_expect(peer_ask(p, "PING\r\nKEYS *\r\nPING", "+PONG\r\n*0\r\n+PONG\r\n"));
    crowd_close(c);
}

Test(scatter, an_error_of_the_parts_is_said_and_counted_once)
{
    struct crowd *c = crowd_open(3, true, DEBUG_ON);
    struct peer *p = peer_connect_served(c->f);
    cr_expect(peer_ask(p, "DEBUG POPULATE no", "-ERR value is out of range, must be positive\r\n"));
    cr_expect(info_says(p, "stats", "total_error_replies:1\r"));
    crowd_close(c);
}

Test(scatter, each_of_many_keys_is_there_once)
{
    struct crowd *c = crowd_open(3, true, DEBUG_ON);
    struct peer *peers[3];
    for (uint32_t i = 0; i < 3; i++) peers[i] = peer_connect_served(c->f);
    cr_expect(peer_ask(peers[2], "DEBUG POPULATE 9000", "+OK\r\n")); // what all say is said once
    cr_expect(peer_ask(peers[0], "DBSIZE", ":9000\r\n"));
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 3; i++) peer_say(peers[i], "KEYS key:*\r\n");
        for (uint32_t i = 0; i < 3; i++) {
            uint64_t sum = 0;
            cr_expect(eq(i32, take_names(peers[i], add_number, &sum), MANY));
            cr_expect(eq(u64, sum, MANY * (MANY - 1ull) / 2));
        }
    }
    crowd_close(c);
}

// ---- one moment

struct sighting {
    const char *names[3];
    uint32_t times;
};
static void look_for(void *context, const char *name)
{
    struct sighting *s = context;
    for (uint32_t i = 0; i < 3; i++) s->times += strcmp(name, s->names[i]) == 0;
}

Test(scatter, a_key_that_moves_between_shards_is_there_once)
{
    struct crowd *c = crowd_open(3, true, DEBUG_ON);
    struct peer *peers[3];
    char names[3][CROWD_KEY_BYTES], line[100];
    uint32_t at = 0, wrong = 0;
    for (uint32_t i = 0; i < 3; i++) {
        peers[i] = peer_connect_served(c->f);
        crowd_key(c, i, 0, names[i]);
    }
    cr_expect(peer_ask(peers[0], "DEBUG POPULATE 7000", "+OK\r\n"));
    snprintf(line, sizeof line, "SET %s v", names[0]);
    cr_expect(peer_ask(peers[0], line, "+OK\r\n"));
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct wire_text t = { 0 }, all = { 0 }, replies = { 0 };
        struct sighting s = { { names[0], names[1], names[2] }, 0 };
        for (uint32_t i = 0; i < MOVES; i++) {
            uint32_t to = (at + 1 + (i + round) % 2) % 3;
            wire_add_request(&t, "RENAME %s %s", names[at], names[to]);
            wire_add(&replies, "+OK\r\n");
            at = to;
        }
        wire_add_request(&all, "KEYS *");
        peer_send_text(peers[round % 3], &t);
        peer_send_text(peers[(round + 1) % 3], &all);
        wrong += take_names(peers[(round + 1) % 3], look_for, &s) != FILLERS + 1 || s.times != 1;
        cr_assert(peer_got_bytes(peers[round % 3], replies.data, replies.size));
        wire_free(&replies);
    }
    cr_expect(zero(u32, wrong));
    crowd_close(c);
}

// ---- clients that go, by hand

static uint64_t bytes_of_all(struct crowd *c)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        const struct heap *h = &crowd_shard(c, i)->heap;
        bytes += h->bytes[HEAP_OTHER] + h->bytes[HEAP_CLIENT_IN];
        if (i) bytes += h->bytes[HEAP_CLIENT_OUT]; // shard 0's transport keeps blocks
    }
    return bytes;
}

// Its moment is over, its parts are not.
static void begin_keys(struct crowd *c, struct peer *p)
{
    uint64_t held = fixture_tally(c->f)->rendezvous_held;
    struct wire_text t = { 0 };
    wire_add_request(&t, "KEYS *");
    crowd_lend(c, 1);
    peer_send_text(p, &t);
    cr_assert(FIXTURE_WAIT(c->f, fixture_tally(c->f)->rendezvous_held > held));
    crowd_take_back(c, 1);
    c->holds_still[1] = true;
    cr_assert(eq(u64, crowd_shard(c, 1)->server.jobs.list.count, 1));
}

static struct crowd *crowd_with_keys(void)
{
    struct crowd *c = crowd_open(2, false, "");
    char name[CROWD_KEY_BYTES];
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t size = (uint32_t)snprintf(name, sizeof name, "key:%u", i);
        struct bytes text = bytes_make(name, size);
        struct keyspace *k =
            crowd_shard(c, placement_shard(&c->hub->node.placement, text))->keyspace;
        struct key key = key_make(k, text);
        string_set(k, 0, &key, text, NULL, KEYSPACE_NO_DEADLINE, 0, 1);
    }
    return c;
}

Test(scatter, others_are_served_while_the_parts_go_on)
{
    struct crowd *c = crowd_with_keys();
    struct peer *p = peer_connect_served(c->f);
    struct peer *other = peer_connect_to(c->f, c->f->address, c->f->port);
    cr_assert(peer_is_served(other)); // shard 1's
    struct peer *q = peer_connect_served(c->f);
    uint64_t sum = 0;
    begin_keys(c, p);
    cr_expect(peer_is_served(q));
    for (uint32_t i = 0; i < MANY; i++) {
        char name[CROWD_KEY_BYTES], line[100];
        snprintf(name, sizeof name, "key:%u", i);
        if (placement_shard(&c->hub->node.placement, bytes_text(name)) != 0) continue;
        snprintf(line, sizeof line, "SET {%s}new v\r\nDEL %s", name, name);
        cr_expect(peer_ask(q, line, "+OK\r\n:1\r\n"));
        if (i > 100) break;
    }
    fixture_steps(c->f, 100);
    cr_expect(peer_is_quiet(p)); // shard 1 has not answered
    c->holds_still[1] = false;
    cr_expect(eq(i32, take_names(p, add_number, &sum), MANY));
    cr_expect(eq(u64, sum, MANY * (MANY - 1ull) / 2));
    cr_expect(FIXTURE_WAIT(c->f, crowd_is_quiet(c)));
    crowd_close(c);
}

Test(scatter, of_a_client_that_goes_nothing_is_left)
{
    struct crowd *c = crowd_with_keys();
    struct peer *p = peer_connect_served(c->f);
    uint64_t before = 0;
    for (uint32_t steps = 0; steps < 80; steps += 5) {
        begin_keys(c, p);
        c->holds_still[1] = steps % 2;
        fixture_steps(c->f, steps);
        peer_reset(p);
        cr_assert(FIXTURE_WAIT(c->f, crowd_shard(c, 0)->server.clients.all.count == 0));
        c->holds_still[1] = false;
        cr_expect(FIXTURE_WAIT(c->f, crowd_is_quiet(c)));
        for (uint32_t i = 0; i < 2; i++) {
            cr_expect(zero(u64, crowd_shard(c, i)->server.jobs.list.count));
            cr_expect(zero(u64, crowd_shard(c, i)->proxies_waiting.count));
        }
        p = peer_connect(c->f);
        while (!peer_is_served(p)) p = peer_connect(c->f);
        if (steps == 20) before = bytes_of_all(c); // what is kept is kept once
    }
    cr_expect(le(u64, bytes_of_all(c), before + 1000));
    crowd_close(c);
}

Test(scatter, the_server_may_stop_in_the_midst_of_it)
{
    struct crowd *c = crowd_with_keys();
    struct peer *p = peer_connect_served(c->f);
    begin_keys(c, p);
    fixture_steps(c->f, 3);
    crowd_close(c);
}
