#include "dataplane/cmd/effect_draft.h"
#include "dataplane/base/check.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/effect_split.h"

enum {
    COMMAND_TEXTS = 1024,
    FRAME_BYTES = 15,   // "$1234567890\r\n" and "\r\n" around a text
    RESERVE_BYTES = 256 // DEL, EXEC
};

void effect_draft_begin(struct effect_draft *d, struct call *call, const char *verb,
                        struct bytes key, uint64_t text_count, uint64_t text_bytes, bool replaces)
{
    *d = (struct effect_draft){ .verb = verb, .key = key, .left = text_count };
    if (!effects_are_on(&call->server->effects)) return;
    uint64_t commands = text_count / COMMAND_TEXTS + 2;
    effects_init(&d->out, call->server->heap);
    effects_draft_open(&d->out, text_bytes + text_count * FRAME_BYTES +
                                    commands * (key.size + 4 * FRAME_BYTES) + RESERVE_BYTES);
    if (!replaces) return;
    effects_put_head(&d->out, 2);
    effects_put_text(&d->out, BYTES_LITERAL("DEL"));
    effects_put_text(&d->out, key);
}

void effect_draft_begin_set(struct effect_draft *d, struct call *call, struct bytes key,
                            uint64_t text_bytes)
{
    uint8_t head[RESP_HEAD_MAX];
    *d = (struct effect_draft){ .key = key, .left = text_bytes };
    if (!effects_are_on(&call->server->effects)) return;
    effects_init(&d->out, call->server->heap);
    effects_draft_open(&d->out, text_bytes + key.size + RESERVE_BYTES);
    effects_put_head(&d->out, 3);
    effects_put_text(&d->out, BYTES_LITERAL("SET"));
    effects_put_text(&d->out, key);
    effects_put_bytes(&d->out, bytes_make(head, resp_put_head(head, '$', text_bytes)));
}

void effect_draft_add_piece(struct effect_draft *d, struct bytes piece)
{
    if (!effect_draft_is_on(d)) return;
    CHECK(piece.size <= d->left);
    effects_put_bytes(&d->out, piece);
    d->left -= piece.size;
    if (d->left == 0) effects_put_bytes(&d->out, BYTES_LITERAL("\r\n"));
}

void effect_draft_add(struct effect_draft *d, struct bytes text)
{
    if (!effect_draft_is_on(d)) return;
    CHECK(d->left > 0);
    if (d->command_left == 0) {
        d->command_left = d->left < COMMAND_TEXTS ? (uint32_t)d->left : COMMAND_TEXTS;
        effects_put_head(&d->out, 2 + d->command_left);
        effects_put_text(&d->out, bytes_text(d->verb));
        effects_put_text(&d->out, d->key);
    }
    effects_put_text(&d->out, text);
    d->command_left--;
    d->left--;
}

void effect_draft_put(struct effect_draft *d, struct call *call)
{
    call_no_effect(call); // but this one
    if (!effect_draft_is_on(d)) {
        effect_put_value(call, call->client->db, d->key);
        return;
    }
    CHECK(d->left == 0);
    effects_add_draft(&call_home(call, d->key)->effects, call->client->db, &d->out);
    effect_draft_drop(d);
}

void effect_draft_drop(struct effect_draft *d)
{
    if (effect_draft_is_on(d)) effects_close(&d->out);
}
