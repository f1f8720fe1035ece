// RESTORE: what DUMP gave, as a value again.
//
// Source:  spec/rdb.md section 10, spec/aof.md chapter 4 (what is propagated)
#include "dataplane/base/hash.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/types/value_restore.h"

static command_body cmd_restore;

// clang-format off
const struct command cmd_restores[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(RESTORE, "restore", cmd_restore, -4, 1, 1, 1, CMD_WRITE | CMD_DENYOOM, ACL_KEYSPACE | ACL_DANGEROUS),
    COMMAND(RESTORE_ASKING, "restore-asking", cmd_restore, -4, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_ASKING, ACL_KEYSPACE | ACL_DANGEROUS),
};
// clang-format on

enum {
    CRC_BYTES = 8,
    RESTORE_DIRECT_BYTES = 16 * 1024, // of the payload, which may expand to many times as much
    CRC_PIECE_BYTES = 64 * 1024,
    STEP_ELEMENTS = 64,
};

// ---- arguments

struct restore_options {
    bool replace, is_absolute;
    int64_t idle_s, frequency; // -1: not said
    int64_t ttl_ms;            // as given; 0: none
};

// IDLETIME and FREQ at argv[index].
static bool parse_number(struct call *call, uint32_t index, int64_t max, const char *error,
                         int64_t *out)
{
    int64_t value;
    if (!call_int(call, index, &value, NULL)) return false;
    if (value < 0 || value > max) {
        reply_error(call->reply, error);
        return false;
    }
    *out = value;
    return true;
}

static bool parse_options(struct call *call, struct restore_options *o)
{
    *o = (struct restore_options){ .idle_s = -1, .frequency = -1 };
    for (uint32_t i = 4; i < call->argc; i++) {
        struct bytes word = call->argv[i];
        bool has_value = i + 1 < call->argc;
        bool fits = true;
        if (bytes_is_option(word, "replace")) {
            o->replace = true;
        } else if (bytes_is_option(word, "absttl")) {
            o->is_absolute = true;
        } else if (bytes_is_option(word, "idletime") && has_value && o->frequency == -1) {
            fits = parse_number(call, ++i, INT64_MAX, "ERR Invalid IDLETIME value, must be >= 0",
                                &o->idle_s);
        } else if (bytes_is_option(word, "freq") && has_value && o->idle_s == -1) {
            fits = parse_number(call, ++i, UINT8_MAX,
                                "ERR Invalid FREQ value, must be >= 0 and <= 255", &o->frequency);
        } else {
            reply_error(call->reply, reply_text_syntax);
            return false;
        }
        if (!fits) return false;
    }
    return true;
}

static bool parse_ttl(struct call *call, struct restore_options *o)
{
    int64_t at;
    if (!call_int(call, 2, &o->ttl_ms, NULL)) return false;
    bool fits = o->ttl_ms >= 0;
    if (!o->is_absolute && __builtin_add_overflow(o->ttl_ms, (int64_t)call->now_ms, &at))
        fits = false; // Redis lets it wrap around
    if (!fits) reply_error(call->reply, "ERR Invalid TTL value, must be >= 0");
    return fits;
}

// ---- the work

struct restore {
    struct job job;
    struct restore_options options;
    uint64_t deadline_ms; // 0: none
    struct bytes payload;
    struct blob *blob; // that holds the payload; NULL: it is an argument
    size_t summed;     // of the payload
    uint64_t crc;
    struct value_restore value;
    bool is_open; // value
};

static void refuse_payload(struct call *call)
{
    reply_error(call->reply, "ERR DUMP payload version or checksum are wrong");
}

static void refuse_format(struct call *call) { reply_error(call->reply, "ERR Bad data format"); }

static bool footer_fits(struct bytes payload)
{
    if (payload.size < RDB_FOOTER_BYTES) return false;
    return load_le16(payload.data + payload.size - RDB_FOOTER_BYTES) <= RDB_VERSION_READ_MAX;
}

static bool is_summed(const struct restore *r) { return r->summed == r->payload.size - CRC_BYTES; }

static void sum_piece(struct restore *r)
{
    size_t size = r->payload.size - CRC_BYTES - r->summed;
    if (size > CRC_PIECE_BYTES) size = CRC_PIECE_BYTES;
    r->crc = crc64(r->crc, r->payload.data + r->summed, size);
    r->summed += size;
}

static bool crc_fits(const struct restore *r)
{
    return r->crc == load_le64(r->payload.data + r->payload.size - CRC_BYTES);
}

// A payload of nothing but the footer has no type.
static bool open_value(struct call *call, struct restore *r)
{
    struct bytes in = bytes_make(r->payload.data, r->payload.size - RDB_FOOTER_BYTES);
    uint8_t type;
    r->is_open = bytes_u8(&in, &type) &&
                 value_restore_begin(&r->value, call->keyspace, &call->server->thresholds, type, in,
                                     call->server->settings->proto_max_bulk_len);
    return r->is_open;
}

// The command as it was sent, but with its deadline as a moment.
static void put_effect(struct call *call, const struct restore *r)
{
    struct heap *heap = call->server->heap;
    bool is_moved = r->deadline_ms && !r->options.is_absolute;
    if (!effects_are_on(&call->server->effects)) return;
    size_t bytes = (call->argc + 1) * sizeof(struct bytes);
    struct bytes *argv = heap_take(heap, bytes, HEAP_OTHER);
    char digits[NUM_INT_MAX];
    memcpy(argv, call->argv, call->argc * sizeof argv[0]);
    argv[3] = r->payload;
    if (is_moved) {
        argv[2] = bytes_make(digits, num_format_uint(digits, r->deadline_ms));
        argv[call->argc] = BYTES_LITERAL("ABSTTL");
    }
    call_effect(call, argv, call->argc + is_moved);
    heap_give(heap, argv, bytes, HEAP_OTHER);
}

// Whatever was there goes first: what waits for a key of the new type is to be woken.
static bool make_room(struct call *call, const struct restore *r, const struct key *key)
{
    struct entry *e = call_find(call, key, FIND_QUIET);
    if (!e || !r->options.replace) return false;
    keyspace_drop_entry(call->keyspace, call->client->db, e);
    return true;
}

// The moment has passed: nothing is stored.
static void finish_late(struct call *call, const struct key *key, bool was_there)
{
    if (was_there) {
        keyspace_add_dirty(call->keyspace, 1);
        call_changed(call, key, EVENT_GENERIC, "del");
        call_effectf(call, "sb", "DEL", key->name);
    }
    reply_ok(call->reply);
}

static void put_value(struct call *call, struct restore *r, const struct key *key)
{
    uint32_t db = call->client->db;
    struct entry *e = value_restore_put(&r->value, db, key, call->now_ms);
    if (e)
        entry_set_access(call->keyspace, e, r->options.idle_s, r->options.frequency, call->now_ms);
    if (e && r->deadline_ms) keyspace_set_deadline(call->keyspace, db, e, r->deadline_ms);
    if (r->value.type != TYPE_STRING) keyspace_add_dirty(call->keyspace, 1);
    call_changed(call, key, EVENT_GENERIC, "restore");
    put_effect(call, r);
    reply_ok(call->reply);
}

static void finish(struct call *call, struct restore *r)
{
    struct key key = call_key(call, 1);
    bool was_there = make_room(call, r, &key);
    if (r->deadline_ms && r->deadline_ms <= call_passed_ms(call))
        finish_late(call, &key, was_there);
    else
        put_value(call, r, &key);
}

// True: an answer was given.
static bool restore_piece(struct call *call, struct restore *r)
{
    if (!is_summed(r)) {
        sum_piece(r);
        if (!is_summed(r) || crc_fits(r) || call->server->skips_checksums) return false;
        refuse_payload(call);
        return true;
    }
    if (!r->is_open && !open_value(call, r)) {
        refuse_format(call);
        return true;
    }
    enum value_restore_result result = value_restore_step(&r->value, STEP_ELEMENTS);
    if (result == VALUE_RESTORE_MORE) return false;
    if (result == VALUE_RESTORE_DONE)
        finish(call, r);
    else
        refuse_format(call);
    return true;
}

static bool restore_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    do {
        if (restore_piece(call, (struct restore *)job)) return true;
    } while (job_may_go_on(until_tsc));
    return false;
}

static void restore_close(struct job *job, struct server *server)
{
    struct restore *r = (struct restore *)job;
    if (r->is_open) value_restore_end(&r->value);
    if (r->blob) blob_release(r->blob);
    heap_give(server->heap, r, sizeof *r, HEAP_OTHER);
}

static const struct job_ops restore_ops = { restore_step, restore_close };

// The payload becomes the job's: what keeps the arguments for it is not to copy it.
static void take_payload(struct call *call, struct restore *r)
{
    if (call->request) r->blob = resp_request_take_blob(call->request, 3);
    if (!r->blob) {
        r->blob = blob_new(call->server->heap, r->payload.size, HEAP_OTHER);
        memcpy(r->blob->data, r->payload.data, r->payload.size);
        r->payload.data = r->blob->data;
    }
    call->argv[3] = bytes_make(NULL, 0);
}

static void restore_run(struct call *call, const struct restore_options *o, const struct key *key)
{
    struct restore *r = heap_take(call->server->heap, sizeof *r, HEAP_OTHER);
    r->job = (struct job){ .ops = &restore_ops };
    r->options = *o;
    r->deadline_ms = 0;
    if (o->ttl_ms) r->deadline_ms = (uint64_t)o->ttl_ms + (o->is_absolute ? 0 : call->now_ms);
    r->payload = call->argv[3];
    r->blob = NULL;
    r->summed = 0;
    r->crc = 0;
    r->is_open = false;
    if (r->payload.size > RESTORE_DIRECT_BYTES) {
        take_payload(call, r);
        call_start_write_job(call, &r->job, key);
        return;
    }
    while (!restore_step(&r->job, call, UINT64_MAX)) {
    }
    restore_close(&r->job, call->server);
}

static void cmd_restore(struct call *call)
{
    struct restore_options o;
    struct key key = call_key(call, 1);
    if (!parse_options(call, &o)) return;
    if (!o.replace && call_find(call, &key, FIND_WRITE)) {
        reply_error(call->reply, "BUSYKEY Target key name already exists.");
        return;
    }
    if (!parse_ttl(call, &o)) return;
    if (footer_fits(call->argv[3]))
        restore_run(call, &o, &key);
    else
        refuse_payload(call);
}
