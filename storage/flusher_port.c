#include <stdlib.h>
#include "dataplane/base/check.h"
#include "storage/flusher_priv.h"

// The thread sanitizer does not model fences, and GCC says so; see waker.c.
#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif

static uint64_t word_of(const void *pointer, enum port_word kind)
{
    CHECK(((uintptr_t)pointer & PORT_WORD_MASK) == 0);
    return (uintptr_t)pointer | kind;
}
static void *word_pointer(uint64_t word)
{
    return (void *)(uintptr_t)(word & ~(uint64_t)PORT_WORD_MASK);
}

enum status flusher_port_open(struct flusher_port **out, struct flusher *f, uint32_t index,
                              struct waker *waker)
{
    struct flusher_port *p = aligned_alloc(WORD_RING_APART_BYTES, sizeof *p);
    if (!p) return ERR_NO_SPACE;
    *p = (struct flusher_port){ .flusher = f, .index = index, .waker = waker };
    *out = p;
    list_init(&p->idle);
    for (uint32_t i = 0; i < FLUSH_CHUNKS_PER_PORT; i++) {
        size_t at = (size_t)index * FLUSH_CHUNKS_PER_PORT + i;
        p->chunks[i].data = f->memory + at * FLUSH_CHUNK_BYTES;
        p->chunks[i].port = index;
        list_append(&p->idle, &p->chunks[i].link);
    }
    if (word_ring_open(&p->to, PORT_RING_WORDS) != OK) return ERR_NO_SPACE;
    return word_ring_open(&p->back, PORT_RING_WORDS);
}

void flusher_port_close(struct flusher_port *p)
{
    if (!p) return;
    word_ring_close(p->to);
    word_ring_close(p->back);
    free(p);
}

// The port's thread

struct flush_chunk *flush_take_chunk(struct flusher_port *p)
{
    struct list_node *node = list_take_first(&p->idle);
    __atomic_store_n(&p->is_out_of_chunks, node == NULL, __ATOMIC_RELAXED);
    if (!node) return NULL;
    struct flush_chunk *c = LIST_OWNER(node, struct flush_chunk, link);
    c->size = 0;
    return c;
}

void flush_give_chunk(struct flusher_port *p, struct flush_chunk *c)
{
    CHECK(c->port == p->index && !list_node_is_linked(&c->link));
    list_prepend(&p->idle, &c->link);
}

uint32_t flush_chunks_under_way(const struct flusher_port *p)
{
    return FLUSH_CHUNKS_PER_PORT - (uint32_t)p->idle.count;
}

uint32_t flush_chunks_of(const struct flusher_port *p, enum flush_file_kind kind)
{
    return p->handed_over[kind];
}

static void stage(struct flusher_port *p, uint64_t word)
{
    if (p->staged_count == PORT_RING_WORDS) flush_flush(p);
    CHECK(p->staged_count < PORT_RING_WORDS);
    p->staged[p->staged_count++] = word;
}

void flush_write(struct flusher_port *p, struct flush_file *file, struct flush_chunk *chunk,
                 bool ends_group)
{
    CHECK(chunk->port == p->index && !list_node_is_linked(&chunk->link));
    CHECK(chunk->size <= FLUSH_CHUNK_BYTES);
    chunk->file = file;
    chunk->ends_group = ends_group;
    chunk->is_of_log = file->kind == FLUSH_LOG;
    p->handed_over[file->kind]++;
    stage(p, word_of(chunk, PORT_CHUNK));
}

void flush_ask(struct flusher_port *p, struct flush_request *r)
{
    CHECK(p->request_count < FLUSH_REQUESTS_PER_PORT);
    p->request_count++;
    r->port = p->index;
    stage(p, word_of(r, PORT_REQUEST));
}

void flush_set_sync(struct flusher_port *p, struct flush_file *file, enum flush_sync sync)
{
    stage(p, word_of(file, (enum port_word)((uint32_t)PORT_SYNC_NO + (uint32_t)sync)));
}

void flush_flush(struct flusher_port *p)
{
    if (p->staged_count == 0) return;
    uint32_t count = word_ring_put(p->to, p->staged, p->staged_count);
    p->staged_count -= count;
    memmove(p->staged, p->staged + count, p->staged_count * sizeof *p->staged);
    waker_wake(&p->flusher->waker);
}

static void take_back(struct flusher_port *p, uint64_t word)
{
    if ((word & PORT_WORD_MASK) == PORT_CHUNK) {
        struct flush_chunk *c = word_pointer(word);
        p->handed_over[c->is_of_log ? FLUSH_LOG : FLUSH_SNAPSHOT]--;
        list_append(&p->idle, &c->link);
        return;
    }
    struct flush_request *r = word_pointer(word);
    p->request_count--;
    if (r->done) r->done(r->context, r);
}

uint32_t flush_poll(struct flusher_port *p)
{
    uint64_t words[32];
    uint32_t total = 0, count;
    p->moves_seen = __atomic_load_n(&p->moves, __ATOMIC_ACQUIRE);
    while ((count = word_ring_take(p->back, words, sizeof words / sizeof *words)) > 0) {
        for (uint32_t i = 0; i < count; i++) take_back(p, words[i]);
        total += count;
    }
    return total;
}

bool flush_has_input(struct flusher_port *p)
{
    return !word_ring_is_empty(p->back) ||
           __atomic_load_n(&p->moves, __ATOMIC_ACQUIRE) != p->moves_seen;
}

// The flusher

static void take_word(struct flusher *f, struct flusher_port *p, uint64_t word)
{
    struct flush_file *file = word_pointer(word);
    uint32_t kind = word & PORT_WORD_MASK;
    if (kind == PORT_CHUNK)
        flush_work_take(f, word_pointer(word));
    else if (kind == PORT_REQUEST)
        flush_job_take(f, p, word_pointer(word));
    else if (file->work)
        flush_log_set_sync(f, file->work, (enum flush_sync)(kind - PORT_SYNC_NO));
}

uint32_t flusher_port_take(struct flusher_port *p)
{
    uint64_t words[64];
    uint32_t count = word_ring_take(p->to, words, sizeof words / sizeof *words);
    for (uint32_t i = 0; i < count; i++) take_word(p->flusher, p, words[i]);
    return count;
}

// There is room for all chunks, and all requests that a port may have under way.
static void send_back(struct flusher_port *p, uint64_t word)
{
    CHECK(word_ring_put(p->back, &word, 1) == 1);
    p->has_sent = true;
}
_Static_assert(FLUSH_CHUNKS_PER_PORT + FLUSH_REQUESTS_PER_PORT <= PORT_RING_WORDS,
               "what is under way fits on its way back");

void flusher_give_back(struct flusher *f, struct flush_chunk *c)
{
    struct flusher_port *p = f->ports[c->port];
    if (c->file->kind == FLUSH_SNAPSHOT) p->must_wake = true;
    c->file = NULL;
    send_back(p, word_of(c, PORT_CHUNK));
}

void flusher_give_back_all(struct flusher *f, struct list *chunks)
{
    struct list_node *node;
    while ((node = list_take_first(chunks)))
        flusher_give_back(f, LIST_OWNER(node, struct flush_chunk, link));
}

void flusher_answer(struct flusher *f, struct flush_request *r, int error, const char *step)
{
    struct flusher_port *p = f->ports[r->port];
    r->error = error;
    r->error_step = error ? step : NULL;
    send_back(p, word_of(r, PORT_REQUEST));
    p->must_wake = true;
}

// A log's chunk alone wakes nobody but who has none left: it stored that before its fence and
// looked at the ring behind it (waker_prepare_sleep), here it is the other way round.
static bool should_wake(struct flusher_port *p)
{
    if (p->must_wake || !p->has_sent) return p->must_wake;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&p->is_out_of_chunks, __ATOMIC_RELAXED);
}

void flusher_wake_ports(struct flusher *f)
{
    for (uint32_t i = 0; i < f->port_count; i++) {
        struct flusher_port *p = f->ports[i];
        if (p->waker && should_wake(p)) waker_wake(p->waker);
        p->must_wake = p->has_sent = false;
    }
}

bool flusher_port_has_input(const struct flusher_port *p) { return !word_ring_is_empty(p->to); }
