#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "tests/unit/shard/crowd.h"

// A note that tells in which order it came. One counter for each receiver; its thread's.
struct numbered {
    struct mesh_note note;
    uint64_t number;
    uint64_t *next, *wrong;
};

static void run_numbered(struct shard *s, struct mesh_note *note)
{
    struct numbered *n = (struct numbered *)note;
    *n->wrong += n->number != *n->next;
    ++*n->next;
}

static void send_numbered(struct shard *s, uint32_t to, uint64_t number, uint64_t *next,
                          uint64_t *wrong)
{
    struct numbered *n = mesh_note_new(sizeof *n, run_numbered);
    *n = (struct numbered){ n->note, number, next, wrong };
    mesh_send_note(s, to, &n->note);
}

Test(mesh, sends_nothing_before_it_is_flushed)
{
    struct crowd *c = crowd_open(2, false, "");
    struct shard *a = crowd_shard(c, 0), *b = crowd_shard(c, 1);
    uint64_t next = 0, wrong = 0;
    while (mesh_poll(b, SHARD_MESH_BUDGET) || mesh_poll(a, SHARD_MESH_BUDGET)) continue;
    send_numbered(a, 1, 0, &next, &wrong);
    cr_expect(eq(u64, a->mesh.waiting, 2));
    cr_expect(not(mesh_has_input(b)));
    mesh_flush(a);
    cr_expect(zero(u64, a->mesh.waiting));
    cr_expect(mesh_has_input(b));
    cr_expect(eq(u32, mesh_poll(b, SHARD_MESH_BUDGET), 1));
    cr_expect(eq(u64, next, 1));
    cr_expect(not(mesh_has_input(b)));
    crowd_close(c);
}

Test(mesh, keeps_what_exceeds_a_full_ring_and_its_order)
{
    enum { COUNT = 5 * HUB_RING_WORDS + 77 };
    struct crowd *c = crowd_open(2, false, "");
    struct shard *a = crowd_shard(c, 0), *b = crowd_shard(c, 1);
    uint64_t next = 0, wrong = 0, sent = 0, rounds = 0;
    while (sent < COUNT / 2) send_numbered(a, 1, sent++, &next, &wrong);
    mesh_flush(a);
    cr_expect(eq(u64, a->mesh.waiting, 2), "more than a ring holds");
    mesh_flush(a);
    cr_expect(eq(u64, word_ring_room(c->hub->rings[0][1]), 0));
    while (next < COUNT && rounds++ < COUNT) { // what follows comes behind what waits
        for (uint32_t i = 0; i < 300 && sent < COUNT; i++)
            send_numbered(a, 1, sent++, &next, &wrong);
        mesh_flush(a);
        mesh_poll(b, SHARD_MESH_BUDGET);
    }
    cr_expect(eq(u64, next, COUNT));
    cr_expect(zero(u64, wrong));
    cr_expect(zero(u64, a->mesh.waiting));
    crowd_close(c);
}

Test(mesh, takes_a_bounded_number_of_each_shard_in_a_turn)
{
    struct crowd *c = crowd_open(3, false, "");
    uint64_t next[2] = { 0 }, wrong = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        send_numbered(crowd_shard(c, 0), 2, i, &next[0], &wrong);
        send_numbered(crowd_shard(c, 1), 2, i, &next[1], &wrong);
    }
    mesh_flush(crowd_shard(c, 0));
    mesh_flush(crowd_shard(c, 1));
    cr_expect(eq(u32, mesh_poll(crowd_shard(c, 2), 128), 256));
    cr_expect(eq(u64, next[0], 128));
    cr_expect(eq(u64, next[1], 128));
    while (mesh_poll(crowd_shard(c, 2), 128)) continue;
    cr_expect(eq(u64, next[0], 1000));
    cr_expect(eq(u64, next[1], 1000));
    cr_expect(zero(u64, wrong));
    crowd_close(c);
}

// ---- threads

enum { ROUND_TRIPS = 20000 };

static uint64_t there_next, there_wrong, back_next, back_wrong;

static void run_and_answer(struct shard *s, struct mesh_note *note)
{
    run_numbered(s, note);
    struct numbered *n = (struct numbered *)note;
    send_numbered(s, 0, n->number, &back_next, &back_wrong);
}

// The other shard sleeps whenever it has nothing to do, so wakes are among what is tried.
Test(mesh, loses_nothing_between_two_threads, .timeout = 100)
{
    struct crowd *c = crowd_open(2, true, "");
    uint64_t sent = 0, burst = 1;
    cr_expect(
        FIXTURE_WAIT(c->f, ({
                         uint64_t until = sent + burst;
                         for (; sent < until && sent < ROUND_TRIPS; sent++) {
                             struct numbered *n = mesh_note_new(sizeof *n, run_and_answer);
                             *n = (struct numbered){ n->note, sent, &there_next, &there_wrong };
                             mesh_send_note(crowd_shard(c, 0), 1, &n->note);
                         }
                         burst = burst * 7 % 1009;
                         back_next == ROUND_TRIPS;
                     })));
    crowd_close(c);
    cr_expect(eq(u64, there_next, ROUND_TRIPS));
    cr_expect(eq(u64, back_next, ROUND_TRIPS));
    cr_expect(zero(u64, there_wrong + back_wrong));
}

// In the outbox and in the ring. The leak checker of the sanitized build is who notices.
Test(mesh, frees_notes_that_nobody_has_taken)
{
    struct crowd *c = crowd_open(2, false, "");
    struct shard *a = crowd_shard(c, 0);
    uint64_t next = 0, wrong = 0;
    send_numbered(a, 1, 0, &next, &wrong);
    mesh_flush(a);
    send_numbered(a, 1, 1, &next, &wrong);
    c->holds_still[1] = true;
    crowd_close(c);
    cr_expect(zero(u64, next));
}

// Two processes, one after the other: what the second numbers comes after.
Test(mesh, numbers_transactions_after_those_of_an_earlier_run)
{
    struct hub *first, *later;
    uint64_t before_us = clock_wall_us();
    cr_assert(eq(int, hub_open(&first, 2), OK));
    cr_expect(ge(u64, first->node.joint_last, before_us));
    uint64_t number = node_next_joint(&first->node);
    cr_expect(eq(u64, node_next_joint(&first->node), number + 1));
    while (clock_wall_us() <= number + 1) continue;
    cr_assert(eq(int, hub_open(&later, 2), OK));
    cr_expect(gt(u64, node_next_joint(&later->node), number + 1));
    hub_close(later);
    hub_close(first);
}
