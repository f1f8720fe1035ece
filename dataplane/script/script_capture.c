#include "dataplane/base/check.h"
#include "dataplane/script/script_priv.h"

enum { CAPTURE_BLOCK_BYTES = 32 * 1024 };

struct capture_block {
    struct piece piece;
    struct script_capture *capture;
    uint8_t data[CAPTURE_BLOCK_BYTES];
};

struct capture_ref {
    struct piece piece;
    struct script_capture *capture;
    void (*release_value)(void *value);
    void *value;
};

static void first_release(struct piece *p)
{
    struct script_capture *c = p->owner;
    c->first_is_taken = false;
}

static void block_release(struct piece *p)
{
    struct capture_block *b = p->owner;
    heap_give(b->capture->heap, b, sizeof *b, HEAP_SCRIPTS);
}

static void ref_release(struct piece *p)
{
    struct capture_ref *r = p->owner;
    r->release_value(r->value);
    heap_give(r->capture->heap, r, sizeof *r, HEAP_SCRIPTS);
}

static struct piece *capture_take(struct piece_source *source, const struct outq *q, uint32_t want)
{
    struct script_capture *c = (struct script_capture *)source; // source comes first
    if (!c->first_is_taken) {
        c->first_is_taken = true;
        c->first = (struct piece){
            .data = c->block, .room = SCRIPT_CAPTURE_BYTES, .release = first_release, .owner = c
        };
        return &c->first;
    }
    struct capture_block *b = heap_take(c->heap, sizeof *b, HEAP_SCRIPTS);
    b->capture = c;
    b->piece = (struct piece){
        .data = b->data, .room = CAPTURE_BLOCK_BYTES, .release = block_release, .owner = b
    };
    return &b->piece;
}

static struct piece *capture_take_ref(struct piece_source *source, struct bytes bytes,
                                      void (*release_value)(void *value), void *value)
{
    struct script_capture *c = (struct script_capture *)source;
    struct capture_ref *r = heap_take(c->heap, sizeof *r, HEAP_SCRIPTS);
    *r = (struct capture_ref){
        .piece = { .data = (uint8_t *)(uintptr_t)bytes.data,
                   .used = (uint32_t)bytes.size,
                   .release = ref_release,
                   .owner = r },
        .capture = c,
        .release_value = release_value,
        .value = value,
    };
    return &r->piece;
}

_Static_assert(offsetof(struct script_capture, source) == 0, "the source finds its capture");

void script_capture_init(struct script_capture *c, struct heap *heap)
{
    c->source.take = capture_take;
    c->source.take_ref = capture_take_ref;
    c->heap = heap;
    c->first_is_taken = false;
    c->flat = (struct script_buffer){ 0 };
    outq_init(&c->out, &c->source);
}

void script_capture_free(struct script_capture *c)
{
    outq_clear(&c->out);
    script_buffer_free(c->heap, &c->flat);
}

struct reply *script_capture_begin(struct script_capture *c, uint8_t version)
{
    outq_clear(&c->out);
    c->reply = (struct reply){ .out = &c->out, .version = version };
    return &c->reply;
}

struct bytes script_capture_end(struct script_capture *c)
{
    const struct piece *p = c->out.head;
    CHECK(!c->out.broken && c->out.open_gaps == 0);
    if (p && !p->next) return bytes_make(p->data, p->used);
    c->flat.size = 0;
    for (; p; p = p->next) script_buffer_append(c->heap, &c->flat, bytes_make(p->data, p->used));
    return bytes_make(c->flat.data, c->flat.size);
}

void script_capture_clear(struct script_capture *c)
{
    outq_clear(&c->out);
    script_buffer_trim(c->heap, &c->flat);
}
