#include "dataplane/cmd/effect_batch.h"

enum { TEXTS_FIRST = 1024 };

void effect_batch_begin(struct effect_batch *b, struct call *call, const char *verb,
                        struct bytes key)
{
    b->call = call;
    b->count = 0;
    b->size = b->room = 0;
    b->texts = NULL;
    b->argv[0] = bytes_text(verb);
    b->argv[1] = key;
    call_no_effect(call); // but those that are added
}

static void flush(struct effect_batch *b)
{
    size_t at = 0;
    if (b->count == 0) return;
    for (uint32_t i = 0; i < b->count; at += b->argv[2 + i++].size)
        b->argv[2 + i].data = b->texts + at;
    call_effect(b->call, b->argv, 2 + b->count);
    b->count = 0;
    b->size = 0;
}

void effect_batch_add(struct effect_batch *b, struct bytes text)
{
    struct server *server = b->call->server;
    if (!effects_are_on(&server->effects)) return;
    size_t room = b->room ? b->room : TEXTS_FIRST;
    while (room - b->size < text.size) room *= 2;
    if (room != b->room) {
        b->texts = heap_resize(server->heap, b->texts, b->room, room, HEAP_LOG);
        b->room = room;
    }
    if (text.size) memcpy(b->texts + b->size, text.data, text.size);
    b->size += text.size;
    b->argv[2 + b->count++].size = text.size;
    if (b->count == EFFECT_BATCH_TEXTS) flush(b);
}

void effect_batch_end(struct effect_batch *b)
{
    flush(b);
    if (b->texts) heap_give(b->call->server->heap, b->texts, b->room, HEAP_LOG);
}
