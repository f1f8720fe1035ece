#include "dataplane/base/bits.h"
#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/string_edit.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"

static command_body cmd_bitcount, cmd_bitpos, cmd_getbit, cmd_setbit;

// clang-format off
const struct command cmd_bitmaps[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(BITCOUNT, "bitcount", cmd_bitcount, -2, 1, 1, 1, CMD_READONLY, ACL_BITMAP),
    COMMAND(BITPOS, "bitpos", cmd_bitpos, -3, 1, 1, 1, CMD_READONLY, ACL_BITMAP),
    COMMAND(GETBIT, "getbit", cmd_getbit, 3, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_BITMAP),
    COMMAND(SETBIT, "setbit", cmd_setbit, 4, 1, 1, 1, CMD_WRITE | CMD_DENYOOM, ACL_BITMAP),
};
// clang-format on

// ---- positions

bool call_bit_offset(struct call *call, uint32_t index, uint32_t width, uint64_t *offset)
{
    struct bytes text = call->argv[index];
    bool counts_fields = width > 0 && text.size && text.data[0] == '#';
    int64_t value;
    if (counts_fields) bytes_skip(&text, 1);
    if (num_parse_int(text, &value) && value >= 0 &&
        (!counts_fields || !__builtin_mul_overflow(value, (int64_t)width, &value)) &&
        (uint64_t)value / 8 < call->server->settings->proto_max_bulk_len) {
        *offset = (uint64_t)value;
        return true;
    }
    reply_error(call->reply, "ERR bit offset is not an integer or out of range");
    return false;
}

// ---- single bits

static struct bytes text_of(const struct entry *e, struct string_view *view)
{
    *view = (struct string_view){ .blob = NULL };
    if (e) string_read(e, view);
    return view->bytes;
}

static void cmd_getbit(struct call *call)
{
    uint64_t offset;
    struct string_view view;
    if (!call_bit_offset(call, 2, 0, &offset)) return;
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_READ);
    if (!call_check_type(call, e, TYPE_STRING)) return;
    reply_int(call->reply, (int64_t)bits_load(text_of(e, &view), offset, 1));
}

uint8_t *call_edit_bits(struct call *call, const struct key *key, struct entry *e, size_t *size,
                        bool *grew)
{
    struct string_view view;
    uint8_t *bytes;
    size_t old_size = text_of(e, &view).size;
    *grew = !e || old_size < *size;
    if (old_size > *size) *size = old_size;
    string_edit(call->keyspace, call->client->db, key, e, *size, &bytes);
    return bytes;
}

void call_make_raw(struct call *call, const struct key *key, struct entry *e)
{
    size_t size = 0;
    bool grew;
    if (entry_encoding(e) == ENCODING_RAW) return;
    call_edit_bits(call, key, e, &size, &grew);
    keyspace_add_dirty(call->keyspace, UINT64_MAX); // nothing changed: takes back what edit counted
}

static void cmd_setbit(struct call *call)
{
    static const char *const no_bit = "ERR bit is not an integer or out of range";
    uint64_t offset;
    int64_t on;
    bool grew;
    struct string_view view;
    if (!call_bit_offset(call, 2, 0, &offset) || !call_int(call, 3, &on, no_bit)) return;
    if (on & ~1) {
        reply_error(call->reply, no_bit);
        return;
    }
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_WRITE);
    if (!call_check_type(call, e, TYPE_STRING)) return;
    struct bytes text = text_of(e, &view);
    size_t size = offset / 8 + 1;
    int64_t old = (int64_t)bits_load(text, offset, 1);
    if (e && text.size >= size && old == on) {
        call_make_raw(call, &key, e);
    } else {
        uint8_t *bytes = call_edit_bits(call, &key, e, &size, &grew);
        bits_store(bytes, size, offset, 1, (uint64_t)on);
        call_changed(call, &key, EVENT_STRING, "setbit");
    }
    reply_int(call->reply, old);
}

// ---- ranges: BITCOUNT and BITPOS

enum {
    SCAN_DIRECT_BYTES = 512 * 1024, // up to here at once: some 50 microseconds
    SCAN_PIECE_BITS = 64 * 1024 * 8,
};

struct scan {
    struct bytes text;
    bool finds, value;   // looks for the first bit that is value; else counts
    uint64_t next, last; // bits, next <= last
    uint64_t count;
    int64_t missing; // reply when there is none
};

// False: there is more to do.
static bool scan_piece(struct scan *s, int64_t *result)
{
    uint64_t first = s->next, last = s->last;
    if (last - first >= SCAN_PIECE_BITS) last = first + SCAN_PIECE_BITS - 1 - first % 8;
    s->next = last + 1;
    if (s->finds) {
        uint64_t at = bits_find_range(s->text, first, last, s->value);
        *result = at <= last ? (int64_t)at : s->missing;
        return at <= last || last == s->last;
    }
    s->count += bits_count_range(s->text, first, last);
    *result = (int64_t)s->count;
    return last == s->last;
}

struct scan_job {
    struct job job;
    struct scan scan;
    struct blob *blob; // a reference: who writes to the string meanwhile changes a copy
};

static bool scan_job_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct scan_job *j = (struct scan_job *)job;
    int64_t result;
    do {
        if (!scan_piece(&j->scan, &result)) continue;
        reply_int(call->reply, result);
        return true;
    } while (job_may_go_on(until_tsc));
    return false;
}

static void scan_job_close(struct job *job, struct server *server)
{
    struct scan_job *j = (struct scan_job *)job;
    blob_release(j->blob);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops scan_job_ops = { scan_job_step, scan_job_close };

static void scan_run(struct call *call, struct scan *s, struct blob *blob)
{
    int64_t result;
    if (!blob || (s->last - s->next) / 8 < SCAN_DIRECT_BYTES) {
        while (!scan_piece(s, &result)) {
        }
        reply_int(call->reply, result);
        return;
    }
    struct scan_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    *j = (struct scan_job){ .job.ops = &scan_job_ops, .scan = *s, .blob = blob_hold(blob) };
    call_start_job(call, &j->job);
}

struct range {
    int64_t start, end; // as given
    bool in_bits;
    bool has_end;
};

// BYTE or BIT at argv[index].
static bool range_unit(struct call *call, uint32_t index, struct range *r)
{
    struct bytes word = call->argv[index];
    r->in_bits = bytes_is_option(word, "bit");
    if (r->in_bits || bytes_is_option(word, "byte")) return true;
    reply_error(call->reply, reply_text_syntax);
    return false;
}

// Redis's rules: negative counts from the end, what lies beyond either end is cut off. False: no
// bit is left.
static bool range_apply(const struct range *r, struct scan *s)
{
    int64_t size = (int64_t)s->text.size * (r->in_bits ? 8 : 1);
    int64_t start = r->start, end = r->has_end ? r->end : size - 1;
    if (start < 0) start += size;
    if (end < 0) end += size;
    if (start < 0) start = 0;
    if (end < 0) end = 0;
    if (end >= size) end = size - 1;
    if (start > end) return false;
    s->next = (uint64_t)start * (r->in_bits ? 1 : 8);
    s->last = (uint64_t)end * (r->in_bits ? 1 : 8) + (r->in_bits ? 0 : 7);
    return true;
}

// The key is looked at before the arguments are: a missing key answers whatever they say.
static void cmd_bitcount(struct call *call)
{
    struct range r = { 0 };
    struct scan s = { 0 };
    struct string_view view;
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_READ);
    if (!e) {
        reply_int(call->reply, 0);
        return;
    }
    if (!call_check_type(call, e, TYPE_STRING)) return;
    if (call->argc == 3 || call->argc > 5) {
        reply_error(call->reply, reply_text_syntax);
        return;
    }
    if (call->argc > 3) {
        r.has_end = true;
        if (!call_int(call, 2, &r.start, NULL) || !call_int(call, 3, &r.end, NULL)) return;
        bool is_backwards = r.start < 0 && r.end < 0 && r.start > r.end;
        if (is_backwards) { // nothing is asked of the unit then
            reply_int(call->reply, 0);
            return;
        }
        if (call->argc == 5 && !range_unit(call, 4, &r)) return;
    }
    s.text = text_of(e, &view);
    if (!range_apply(&r, &s))
        reply_int(call->reply, 0);
    else
        scan_run(call, &s, view.blob);
}

// argv[3..5], which are optional one by one. False after an error was replied.
static bool bitpos_range(struct call *call, struct range *r)
{
    if (call->argc > 6) {
        reply_error(call->reply, reply_text_syntax);
        return false;
    }
    r->has_end = call->argc >= 5;
    if (call->argc >= 4 && !call_int(call, 3, &r->start, NULL)) return false;
    if (call->argc == 6 && !range_unit(call, 5, r)) return false;
    return !r->has_end || call_int(call, 4, &r->end, NULL);
}

// A string goes on with zeros behind its end, unless the range has one.
static void cmd_bitpos(struct call *call)
{
    int64_t bit;
    struct range r = { 0 };
    struct scan s = { .finds = true };
    struct string_view view;
    if (!call_int(call, 2, &bit, NULL)) return;
    if (bit != 0 && bit != 1) {
        reply_error(call->reply, "ERR The bit argument must be 1 or 0.");
        return;
    }
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_READ);
    if (!e) {
        reply_int(call->reply, bit ? -1 : 0);
        return;
    }
    if (!call_check_type(call, e, TYPE_STRING) || !bitpos_range(call, &r)) return;
    s.value = bit == 1;
    s.text = text_of(e, &view);
    if (!range_apply(&r, &s)) {
        reply_int(call->reply, -1);
        return;
    }
    s.missing = r.has_end || s.value ? -1 : (int64_t)s.last + 1;
    scan_run(call, &s, view.blob);
}
