#include "dataplane/shard/mesh.h"
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/shard/far.h"
#include "dataplane/shard/ferry.h"
#include "dataplane/shard/late.h"
#include "dataplane/shard/meeting.h"
#include "dataplane/shard/shard.h"

enum {
    KIND_BITS = 4, // pointers are aligned to 16 bytes
    OUTBOX_WORDS_MIN = 64,
    POLL_WORDS = 64,
};
_Static_assert(MESH_KIND_COUNT <= 1 << KIND_BITS, "a kind fits below an aligned pointer");

void mesh_open(struct shard *s, struct hub *hub)
{
    s->mesh.hub = hub;
    s->mesh.index = s->server.shard_index;
    list_init(&s->mesh.late);
}

static void *pointer_of(uint64_t word)
{
    return (void *)(uintptr_t)(word >> KIND_BITS << KIND_BITS);
}
static enum mesh_kind kind_of(uint64_t word)
{
    return (enum mesh_kind)(word & ((1 << KIND_BITS) - 1));
}

// What nobody will act upon; notes are nobody's.
static void drop(const uint64_t *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (kind_of(words[i]) == MESH_NOTE) free(pointer_of(words[i]));
}

void mesh_close(struct shard *s)
{
    const struct hub *hub = s->mesh.hub;
    uint64_t words[POLL_WORDS];
    for (uint32_t i = 0; hub && i < hub->shard_count; i++) {
        struct word_ring *ring = hub->rings[i][s->mesh.index];
        uint32_t count;
        while (ring && (count = word_ring_take(ring, words, POLL_WORDS)) > 0) drop(words, count);
    }
    for (uint32_t i = 0; i < PLACEMENT_SHARDS_MAX; i++) {
        struct mesh_outbox *b = &s->mesh.outboxes[i];
        if (b->words) drop(b->words + b->first, b->count - b->first);
        heap_give(&s->heap, b->words, b->room * sizeof *b->words, HEAP_OTHER);
    }
}

static void make_room(struct shard *s, struct mesh_outbox *b)
{
    uint32_t room = b->room ? b->room * 2 : OUTBOX_WORDS_MIN;
    if (b->first) {
        memmove(b->words, b->words + b->first, (b->count - b->first) * sizeof *b->words);
        b->count -= b->first;
        b->first = 0;
        if (b->count < b->room) return;
    }
    uint64_t *words = heap_take(&s->heap, room * sizeof *words, HEAP_OTHER);
    if (b->words) memcpy(words, b->words, b->count * sizeof *words);
    heap_give(&s->heap, b->words, b->room * sizeof *words, HEAP_OTHER);
    b->words = words;
    b->room = room;
}

void mesh_send(struct shard *s, uint32_t to, enum mesh_kind kind, void *pointer)
{
    struct mesh_outbox *b = &s->mesh.outboxes[to];
    uint64_t word = (uint64_t)(uintptr_t)pointer | kind;
    CHECK_SLOW(((uintptr_t)pointer & ((1 << KIND_BITS) - 1)) == 0 && to != s->mesh.index);
    if (UNLIKELY(b->count == b->room)) make_room(s, b);
    b->words[b->count++] = word;
    s->mesh.waiting |= shard_set_of(to);
}

void *mesh_note_new(size_t bytes, void (*run)(struct shard *s, struct mesh_note *note))
{
    struct mesh_note *note = malloc(bytes);
    CHECK(note);
    note->run = run;
    return note;
}

void mesh_send_note(struct shard *s, uint32_t to, struct mesh_note *note)
{
    mesh_send(s, to, MESH_NOTE, note);
}

static void flush_to(struct shard *s, uint32_t to)
{
    struct mesh *m = &s->mesh;
    struct mesh_outbox *b = &m->outboxes[to];
    b->first +=
        word_ring_put(m->hub->rings[m->index][to], b->words + b->first, b->count - b->first);
    if (b->first == b->count) {
        b->first = b->count = 0;
        m->waiting &= ~shard_set_of(to);
    }
    waker_wake(&m->hub->wakers[to]);
}

void mesh_flush(struct shard *s)
{
    shard_set waiting = s->mesh.waiting;
    while (UNLIKELY(waiting)) {
        flush_to(s, shard_set_first(waiting));
        waiting = shard_set_rest(waiting);
    }
}

static void run_note(struct shard *s, struct mesh_note *note)
{
    note->run(s, note);
    free(note);
}

static void receive(struct shard *s, uint32_t from, uint64_t word)
{
    void *pointer = pointer_of(word);
    switch (kind_of(word)) {
    case MESH_CALL:
        far_run(s, from, pointer);
        break;
    case MESH_REPLY:
        far_replied(s, pointer);
        break;
    case MESH_RELEASE:
        far_release(s, pointer);
        break;
    case MESH_CANCEL:
        far_cancelled(s, pointer);
        break;
    case MESH_ASK:
        meeting_asked(s, from, pointer);
        break;
    case MESH_READY:
        meeting_ready(s, from, pointer);
        break;
    case MESH_NOTE:
        run_note(s, pointer);
        break;
    default:
        check_failed(__FILE__, __LINE__, "a message of a known kind");
    }
}

// In stages, as a burst of the shard's own commands is (batch.h): each asks for what the next
// reads.
static void prefetch_batch(const struct shard *s, const uint64_t *words, uint32_t count)
{
    const struct far_call *calls[POLL_WORDS];
    uint32_t call_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct far_call *f = pointer_of(words[i]);
        if (kind_of(words[i]) == MESH_REPLY) far_prefetch_reply(f);
        if (kind_of(words[i]) != MESH_CALL) continue;
        far_prefetch(f);
        calls[call_count++] = f;
    }
    for (uint32_t i = 0; i < call_count; i++) far_prefetch_bucket(s, calls[i]);
    for (uint32_t i = 0; i < call_count; i++) far_prefetch_entry(s, calls[i]);
}

uint32_t mesh_poll(struct shard *s, uint32_t budget)
{
    struct mesh *m = &s->mesh;
    uint64_t words[POLL_WORDS];
    uint32_t total = 0;
    if (LIKELY(!m->hub)) return 0;
    for (uint32_t from = 0; from < m->hub->shard_count; from++) {
        struct word_ring *ring = m->hub->rings[from][m->index];
        uint32_t done = 0, count;
        if (!ring) continue;
        while (done < budget && (count = word_ring_take(ring, words, POLL_WORDS)) > 0) {
            prefetch_batch(s, words, count);
            for (uint32_t i = 0; i < count; i++) receive(s, from, words[i]);
            done += count;
        }
        total += done;
    }
    if (m->late.count) late_end_overdue(s);
    return total;
}

bool mesh_has_input(const struct shard *s)
{
    const struct mesh *m = &s->mesh;
    for (uint32_t from = 0; m->hub && from < m->hub->shard_count; from++)
        if (m->hub->rings[from][m->index] && !word_ring_is_empty(m->hub->rings[from][m->index]))
            return true;
    return m->hub && ferry_has_input(s);
}
