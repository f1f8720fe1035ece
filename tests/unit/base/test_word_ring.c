#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include "dataplane/base/word_ring.h"

static struct word_ring *ring_of(uint32_t capacity)
{
    struct word_ring *r = NULL;
    cr_assert(eq(int, word_ring_open(&r, capacity), OK));
    return r;
}

static uint32_t put_range(struct word_ring *r, uint64_t first, uint32_t count)
{
    uint64_t words[64];
    for (uint32_t i = 0; i < count; i++) words[i] = first + i;
    return word_ring_put(r, words, count);
}

// Takes up to max and expects them to be first, first + 1, ...
static uint32_t take_range(struct word_ring *r, uint64_t first, uint32_t max)
{
    uint64_t words[64];
    uint32_t count = word_ring_take(r, words, max);
    for (uint32_t i = 0; i < count; i++) cr_expect(eq(u64, words[i], first + i));
    return count;
}

Test(word_ring, is_empty_when_opened)
{
    struct word_ring *r = ring_of(8);
    uint64_t word;
    cr_expect(word_ring_is_empty(r));
    cr_expect(eq(u32, word_ring_take(r, &word, 1), 0));
    cr_expect(eq(u32, word_ring_room(r), 8));
    word_ring_close(r);
}

Test(word_ring, gives_a_batch_back_in_order)
{
    struct word_ring *r = ring_of(16);
    cr_assert(eq(u32, put_range(r, 100, 10), 10));
    cr_expect(not(word_ring_is_empty(r)));
    cr_expect(eq(u32, take_range(r, 100, 64), 10));
    cr_expect(word_ring_is_empty(r));
    word_ring_close(r);
}

Test(word_ring, takes_no_more_than_asked_for_and_keeps_the_rest)
{
    struct word_ring *r = ring_of(16);
    cr_assert(eq(u32, put_range(r, 0, 10), 10));
    cr_expect(eq(u32, take_range(r, 0, 4), 4));
    cr_expect(eq(u32, take_range(r, 4, 0), 0));
    cr_expect(eq(u32, take_range(r, 4, 64), 6));
    word_ring_close(r);
}

Test(word_ring, puts_as_many_as_fit_and_says_how_many)
{
    struct word_ring *r = ring_of(8);
    cr_expect(eq(u32, put_range(r, 0, 5), 5));
    cr_expect(eq(u32, put_range(r, 5, 5), 3));
    cr_expect(eq(u32, put_range(r, 8, 1), 0));
    cr_expect(eq(u32, word_ring_room(r), 0));
    cr_expect(eq(u32, take_range(r, 0, 2), 2));
    cr_expect(eq(u32, put_range(r, 8, 5), 2));
    cr_expect(eq(u32, take_range(r, 2, 64), 6));
    cr_expect(eq(u32, take_range(r, 8, 64), 2), "what one look at the producer did not show");
    word_ring_close(r);
}

Test(word_ring, accepts_more_words_than_its_capacity_only_in_part)
{
    struct word_ring *r = ring_of(4);
    cr_expect(eq(u32, put_range(r, 0, 64), 4));
    cr_expect(eq(u32, take_range(r, 0, 64), 4));
    word_ring_close(r);
}

Test(word_ring, puts_nothing_when_there_is_nothing)
{
    struct word_ring *r = ring_of(4);
    cr_expect(eq(u32, word_ring_put(r, NULL, 0), 0));
    cr_expect(word_ring_is_empty(r));
    word_ring_close(r);
}

Test(word_ring, tells_whether_a_message_of_several_words_fits_whole)
{
    struct word_ring *r = ring_of(8);
    cr_expect(word_ring_has_room(r, 8));
    cr_expect(not(word_ring_has_room(r, 9)));
    cr_assert(eq(u32, put_range(r, 0, 6), 6));
    cr_expect(word_ring_has_room(r, 2));
    cr_expect(not(word_ring_has_room(r, 3)));
    cr_assert(eq(u32, take_range(r, 0, 1), 1));
    cr_expect(word_ring_has_room(r, 3), "the consumer's progress is looked at");
    cr_expect(not(word_ring_has_room(r, 4)));
    word_ring_close(r);
}

Test(word_ring, holds_one_word_when_that_is_its_capacity)
{
    struct word_ring *r = ring_of(1);
    for (uint64_t i = 0; i < 5; i++) {
        cr_expect(eq(u32, put_range(r, i, 2), 1));
        cr_expect(eq(u32, word_ring_room(r), 0));
        cr_expect(eq(u32, take_range(r, i, 64), 1));
    }
    word_ring_close(r);
}

Test(word_ring, keeps_the_order_around_its_end_at_every_offset)
{
    struct word_ring *r = ring_of(8);
    uint64_t next = 0;
    for (uint32_t count = 1; count <= 8; count++) {
        for (int round = 0; round < 9; round++) {
            cr_assert(eq(u32, put_range(r, next, count), count));
            cr_assert(eq(u32, take_range(r, next, 64), count));
            next += count;
        }
    }
    word_ring_close(r);
}

Test(word_ring, goes_on_where_its_positions_wrap_around)
{
    struct word_ring *r = ring_of(8);
    r->head = r->tail = r->head_seen = r->tail_seen = UINT64_MAX - 3;
    cr_expect(word_ring_is_empty(r));
    cr_expect(eq(u32, put_range(r, 0, 9), 8));
    cr_expect(eq(u32, word_ring_room(r), 0));
    cr_expect(eq(u32, take_range(r, 0, 64), 8));
    cr_expect(word_ring_is_empty(r));
    cr_expect(eq(u32, word_ring_room(r), 8));
    word_ring_close(r);
}

Test(word_ring, keeps_what_the_two_sides_write_on_lines_of_their_own)
{
    struct word_ring *r = ring_of(2);
    const uintptr_t line = 64;
    uintptr_t head = (uintptr_t)&r->head / line, tail = (uintptr_t)&r->tail / line;
    uintptr_t fixed = (uintptr_t)&r->capacity / line, words = (uintptr_t)r->words / line;
    cr_expect(head != tail && head != fixed && tail != fixed && words != head && words != tail);
    cr_expect(eq(uptr, (uintptr_t)r->words % line, 0));
    word_ring_close(r);
}

Test(word_ring, refuses_a_capacity_that_is_no_power_of_two, .signal = SIGABRT)
{
    (void)ring_of(12);
}
Test(word_ring, refuses_a_capacity_of_zero, .signal = SIGABRT) { (void)ring_of(0); }
Test(word_ring, tolerates_closing_none) { word_ring_close(NULL); }

// Two threads

enum { WORDS = 1000000 };

// Every word points to what was written before it was put.
struct load {
    struct word_ring *ring;
    uint64_t cells[4096];
};

static void *producer(void *context)
{
    struct load *l = context;
    uint64_t batch[17], next = 0;
    while (next < WORDS) {
        uint32_t count = (uint32_t)(next % 17) + 1;
        if (count > WORDS - next) count = (uint32_t)(WORDS - next);
        // A cell is written again only when the consumer is done with its word: the ring is a
        // quarter as long, and a full ring's room comes after the words were looked at.
        if (!word_ring_has_room(l->ring, count)) {
            sched_yield();
            continue;
        }
        for (uint32_t i = 0; i < count; i++) {
            l->cells[(next + i) % 4096] = ~(next + i);
            batch[i] = next + i;
        }
        next += word_ring_put(l->ring, batch, count);
    }
    return NULL;
}

Test(word_ring, carries_words_and_what_they_point_to_between_two_threads)
{
    static struct load l;
    pthread_t thread;
    uint64_t words[23], next = 0, wrong = 0;
    l.ring = ring_of(1024);
    cr_assert(eq(int, pthread_create(&thread, NULL, producer, &l), 0));
    while (next < WORDS) {
        uint32_t count = word_ring_take(l.ring, words, 1 + (uint32_t)(next % 23));
        if (count == 0) sched_yield();
        for (uint32_t i = 0; i < count; i++, next++)
            wrong += words[i] != next || l.cells[next % 4096] != ~next;
    }
    pthread_join(thread, NULL);
    cr_expect(eq(u64, wrong, 0));
    cr_expect(word_ring_is_empty(l.ring));
    word_ring_close(l.ring);
}
