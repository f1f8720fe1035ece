#include "dataplane/cmd/effect_draft.h"
#include "dataplane/base/check.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/effect_split.h"

enum { COMMAND_TEXTS = 1024 };

// Pieces of the stream that will take them over; it stands still for the job, too.
static bool is_wanted(struct effect_draft *d, struct call *call)
{
    if (!effects_are_on(&call->server->effects)) return false;
    effects_ahead_open(&d->out, call_home(call, d->key)->heap);
    return true;
}

void effect_draft_begin(struct effect_draft *d, struct call *call, const char *verb,
                        struct bytes key, uint64_t text_count, bool replaces)
{
    *d = (struct effect_draft){ .verb = verb, .key = key, .left = text_count };
    if (is_wanted(d, call) && replaces) effects_ahead_put_removal(&d->out, key);
}

void effect_draft_begin_set(struct effect_draft *d, struct call *call, struct bytes key,
                            uint64_t text_bytes)
{
    *d = (struct effect_draft){ .key = key, .left = text_bytes };
    if (!is_wanted(d, call)) return;
    effects_ahead_put_head(&d->out, 3);
    effects_ahead_put_text(&d->out, BYTES_LITERAL("SET"));
    effects_ahead_put_text(&d->out, key);
    effects_ahead_put_size(&d->out, text_bytes);
}

void effect_draft_add_piece(struct effect_draft *d, struct bytes piece)
{
    if (!effect_draft_is_on(d)) return;
    CHECK(piece.size <= d->left);
    effects_ahead_put_bytes(&d->out, piece);
    d->left -= piece.size;
    if (d->left == 0) effects_ahead_end_text(&d->out);
}

void effect_draft_add(struct effect_draft *d, struct bytes text)
{
    if (!effect_draft_is_on(d)) return;
    CHECK(d->left > 0);
    if (d->command_left == 0) {
        d->command_left = d->left < COMMAND_TEXTS ? (uint32_t)d->left : COMMAND_TEXTS;
        effects_ahead_put_head(&d->out, 2 + d->command_left);
        effects_ahead_put_text(&d->out, bytes_text(d->verb));
        effects_ahead_put_text(&d->out, d->key);
    }
    effects_ahead_put_text(&d->out, text);
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
    effects_add_ahead(&call_home(call, d->key)->effects, call->client->db, &d->out);
    effect_draft_drop(d);
}

void effect_draft_drop(struct effect_draft *d) { effects_ahead_close(&d->out); }
