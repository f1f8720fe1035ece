#include "dataplane/cmd/effect_restore.h"
#include "dataplane/base/check.h"
#include "dataplane/base/hash.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/job.h"

enum { STEP_ELEMENTS = 64 };

// ---- the command around the payload

// Its front is known only now, when the payload's size is.
static void put_around(struct effect_restore *r, struct bytes key)
{
    struct effects_ahead whole;
    char digits[NUM_INT_MAX];
    struct bytes deadline = bytes_make(digits, num_format_uint(digits, r->deadline_ms));
    effects_ahead_open(&whole, r->out.bytes.heap);
    effects_ahead_put_head(&whole, 6);
    effects_ahead_put_text(&whole, BYTES_LITERAL("RESTORE"));
    effects_ahead_put_text(&whole, key);
    effects_ahead_put_text(&whole, deadline);
    effects_ahead_put_size(&whole, r->out.bytes.size);
    byte_queue_take_over(&whole.bytes, &r->out.bytes);
    effects_ahead_end_text(&whole);
    effects_ahead_put_text(&whole, BYTES_LITERAL("REPLACE"));
    effects_ahead_put_text(&whole, BYTES_LITERAL("ABSTTL"));
    r->out = whole;
}

// ---- the payload

static void put_payload(struct effect_restore *r, struct bytes bytes)
{
    r->crc = crc64(r->crc, bytes.data, bytes.size);
    effects_ahead_put_bytes(&r->out, bytes);
}

static void take_piece(struct effect_restore *r)
{
    put_payload(r, rdb_buffer_bytes(&r->piece));
    rdb_buffer_clear(&r->piece);
}

static void put_footer(struct effect_restore *r)
{
    uint8_t footer[8];
    store_le16(footer, r->value.rdb_version);
    put_payload(r, bytes_make(footer, 2));
    store_le64(footer, r->crc);
    effects_ahead_put_bytes(&r->out, bytes_make(footer, sizeof footer));
}

static void end_value(struct effect_restore *r)
{
    if (r->is_open) value_dump_end(&r->value);
    r->is_open = false;
    rdb_buffer_close(&r->piece);
}

// ---- its way

void effect_restore_begin(struct effect_restore *r, struct call *call, struct keyspace *home,
                          const struct entry *e, struct bytes key)
{
    struct value_dump_options options = { .may_compress = false }; // others stand still meanwhile
    *r = (struct effect_restore){ .deadline_ms = entry_deadline_ms(e) };
    if (!effects_are_on(&call->server->effects)) return;
    rdb_buffer_init(&r->piece, call->server->heap, HEAP_LOG);
    effects_ahead_open(&r->out, call_home(call, key)->heap);
    r->is_open = value_dump_begin(&r->value, home, e, &r->piece, options, call->now_ms);
    if (r->is_open) rdb_put_u8(&r->piece, (uint8_t)r->value.rdb_type);
}

bool effect_restore_step(struct effect_restore *r, struct bytes key, uint64_t until_tsc)
{
    if (!effect_restore_is_on(r) || r->is_complete) return true;
    // All that is left of it are fields whose time has passed: what is put is gone as soon as it is
    // there.
    if (!r->is_open) {
        effects_ahead_put_removal(&r->out, key);
        r->is_complete = true;
        return true;
    }
    do {
        bool is_done = value_dump_step(&r->value, STEP_ELEMENTS);
        take_piece(r);
        if (!is_done) continue;
        put_footer(r);
        put_around(r, key);
        end_value(r);
        r->is_complete = true;
        return true;
    } while (job_may_go_on(until_tsc));
    return false;
}

void effect_restore_put(struct effect_restore *r, struct call *call, uint32_t db, struct bytes key)
{
    if (!effect_restore_is_on(r)) return;
    effects_add_ahead(&call_home(call, key)->effects, db, &r->out);
    effect_restore_drop(r);
}

void effect_restore_drop(struct effect_restore *r)
{
    end_value(r);
    effects_ahead_close(&r->out);
}
