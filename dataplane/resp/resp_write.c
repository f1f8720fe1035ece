#include "dataplane/resp/resp_write.h"
#include <stdio.h>
#include "dataplane/base/num.h"

enum {
    REPLY_REF_BYTES = 16 * 1024, // from here on a blob's bytes are referred to, not copied
    SMALL_BULK_BYTES = 480,      // with header and CRLF in one reservation
    ERROR_CHUNK_BYTES = 256,
    ERROR_TEXT_BYTES = 4096,
    UNKNOWN_PART_CHARS = 128, // of a name or the arguments, in an unknown command's error
};
_Static_assert((int)SMALL_BULK_BYTES + (int)RESP_HEAD_MAX + 2 <= (int)OUTQ_RESERVE_MAX,
               "one reservation");
_Static_assert((int)RESP_HEAD_MAX <= (int)OUTQ_GAP_MAX, "a gap holds any header");

const char *const reply_text_wrong_type =
    "WRONGTYPE Operation against a key holding the wrong kind of value";
const char *const reply_text_syntax = "ERR syntax error";
const char *const reply_text_not_integer = "ERR value is not an integer or out of range";
const char *const reply_text_not_float = "ERR value is not a valid float";
const char *const reply_text_no_key = "ERR no such key";
const char *const reply_text_out_of_range = "ERR index out of range";
const char *const reply_text_oom = "OOM command not allowed when used memory > 'maxmemory'.";
const char *const reply_text_no_auth = "NOAUTH Authentication required.";
const char *const reply_text_wrong_pass =
    "WRONGPASS invalid username-password pair or user is disabled.";

// Room for kind, number and CRLF at out; returns the length.
static inline uint32_t header_write(uint8_t *out, char kind, uint64_t number)
{
    uint32_t size = 2;
    out[0] = (uint8_t)kind;
    if (LIKELY(number < 10))
        out[1] = (uint8_t)('0' + number);
    else
        size = 1 + num_format_uint((char *)out + 1, number);
    out[size] = '\r';
    out[size + 1] = '\n';
    return size + 2;
}

// A head, text and CRLF at out; returns the length.
static inline size_t bulk_write(uint8_t *out, struct bytes text)
{
    size_t size = header_write(out, '$', text.size);
    if (text.size) memcpy(out + size, text.data, text.size);
    size += text.size;
    memcpy(out + size, "\r\n", 2);
    return size + 2;
}

size_t resp_put_head(uint8_t *to, char kind, uint64_t number)
{
    return header_write(to, kind, number);
}

size_t resp_put_bulk(uint8_t *to, struct bytes text) { return bulk_write(to, text); }

static inline void put_header(struct reply *r, char kind, uint64_t number)
{
    if (r->muted) return;
    uint8_t *out = outq_reserve(r->out, RESP_HEAD_MAX);
    outq_commit(r->out, header_write(out, kind, number));
}

static inline void put_wire(struct reply *r, const char *wire, uint32_t size)
{
    if (r->muted) return;
    memcpy(outq_reserve(r->out, size), wire, size);
    outq_commit(r->out, size);
}
#define PUT_LITERAL(reply, literal) put_wire((reply), (literal), sizeof(literal) - 1)

// kind text CRLF, on one line.
static void put_line(struct reply *r, char kind, struct bytes text)
{
    if (r->muted) return;
    if (UNLIKELY(text.size > SMALL_BULK_BYTES)) {
        put_wire(r, &kind, 1);
        outq_append(r->out, text);
        PUT_LITERAL(r, "\r\n");
        return;
    }
    uint8_t *out = outq_reserve(r->out, (uint32_t)text.size + 3);
    out[0] = (uint8_t)kind;
    if (text.size) memcpy(out + 1, text.data, text.size);
    memcpy(out + 1 + text.size, "\r\n", 2);
    outq_commit(r->out, (uint32_t)text.size + 3);
}

void reply_status(struct reply *r, const char *text) { put_line(r, '+', bytes_text(text)); }

void reply_ok(struct reply *r) { PUT_LITERAL(r, "+OK\r\n"); }

void reply_int(struct reply *r, int64_t value)
{
    if (LIKELY(value >= 0)) {
        put_header(r, ':', (uint64_t)value);
        return;
    }
    char digits[NUM_INT_MAX];
    put_line(r, ':', bytes_make(digits, num_format_int(digits, value)));
}

// Errors. They are counted when muted too, as Redis counts them for clients that asked for no
// replies.

static void error_note(struct reply *r, struct bytes text)
{
    size_t size = 0;
    while (size < text.size && size < sizeof r->error_code - 1 && text.data[size] != ' ') size++;
    if (size) memcpy(r->error_code, text.data, size);
    r->error_code[size] = '\0';
    r->error_count++;
    if (LIKELY(!r->error_text)) return;
    size = text.size < REPLY_ERROR_TEXT_MAX ? text.size : REPLY_ERROR_TEXT_MAX - 1;
    if (size) memcpy(r->error_text, text.data, size);
    r->error_text[size] = '\0';
}

static void put_on_one_line(struct reply *r, struct bytes text)
{
    while (text.size > 0) {
        uint32_t size = text.size < ERROR_CHUNK_BYTES ? (uint32_t)text.size : ERROR_CHUNK_BYTES;
        uint8_t *out = outq_reserve(r->out, size);
        for (uint32_t i = 0; i < size; i++) {
            uint8_t c = text.data[i];
            out[i] = c == '\r' || c == '\n' ? ' ' : c;
        }
        outq_commit(r->out, size);
        bytes_skip(&text, size);
    }
}

void reply_error_bytes(struct reply *r, struct bytes text)
{
    while (text.size > 0 && (text.data[text.size - 1] == '\n' || text.data[text.size - 1] == '\r'))
        text.size--;
    error_note(r, text);
    if (r->muted) return;
    PUT_LITERAL(r, "-");
    put_on_one_line(r, text);
    PUT_LITERAL(r, "\r\n");
}

void reply_error(struct reply *r, const char *text) { reply_error_bytes(r, bytes_text(text)); }

void reply_errorf(struct reply *r, const char *format, ...)
{
    char text[ERROR_TEXT_BYTES];
    va_list values;
    va_start(values, format);
    int size = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (size < 0) size = 0;
    if (size >= ERROR_TEXT_BYTES) size = ERROR_TEXT_BYTES - 1;
    reply_error_bytes(r, bytes_make(text, (size_t)size));
}

void reply_error_arity(struct reply *r, const char *full_command_name)
{
    reply_errorf(r, "ERR wrong number of arguments for '%s' command", full_command_name);
}

// At most max bytes of text, ended by a NUL as Redis's %.*s ends it.
static int shown_chars(struct bytes text, size_t max)
{
    if (text.size > max) text.size = max;
    const uint8_t *nul = text.size ? memchr(text.data, 0, text.size) : NULL;
    return (int)(nul ? nul - text.data : (ptrdiff_t)text.size);
}

void reply_error_unknown_command(struct reply *r, const struct bytes *argv, uint32_t argc)
{
    char args[UNKNOWN_PART_CHARS + sizeof "'' "];
    size_t size = 0;
    args[0] = '\0';
    for (uint32_t i = 1; i < argc && size < UNKNOWN_PART_CHARS; i++)
        size += (size_t)snprintf(args + size, sizeof args - size, "'%.*s' ",
                                 shown_chars(argv[i], UNKNOWN_PART_CHARS - size),
                                 (const char *)argv[i].data);
    reply_errorf(r, "ERR unknown command '%.*s', with args beginning with: %s",
                 shown_chars(argv[0], UNKNOWN_PART_CHARS), (const char *)argv[0].data, args);
}

void reply_error_unknown_subcommand(struct reply *r, struct bytes command, struct bytes subcommand)
{
    char upper[UNKNOWN_PART_CHARS];
    int size = shown_chars(command, sizeof upper);
    for (int i = 0; i < size; i++) {
        uint8_t c = command.data[i];
        upper[i] = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
    }
    reply_errorf(r, "ERR unknown subcommand '%.*s'. Try %.*s HELP.",
                 shown_chars(subcommand, UNKNOWN_PART_CHARS), (const char *)subcommand.data, size,
                 upper);
}

// Strings.

void reply_bulk(struct reply *r, struct bytes value)
{
    if (r->muted) return;
    if (UNLIKELY(value.size > SMALL_BULK_BYTES)) {
        put_header(r, '$', value.size);
        outq_append(r->out, value);
        PUT_LITERAL(r, "\r\n");
        return;
    }
    uint8_t *out = outq_reserve(r->out, (uint32_t)value.size + RESP_HEAD_MAX + 2);
    outq_commit(r->out, (uint32_t)bulk_write(out, value));
}

void reply_bulk_text(struct reply *r, const char *text) { reply_bulk(r, bytes_text(text)); }

void reply_bulk_int(struct reply *r, int64_t value)
{
    char digits[NUM_INT_MAX];
    reply_bulk(r, bytes_make(digits, num_format_int(digits, value)));
}

void reply_blob(struct reply *r, struct blob *blob, struct bytes part)
{
    if (r->muted) return;
    bool is_foreign = r->heap && blob->heap != r->heap;
    if (part.size < REPLY_REF_BYTES || UNLIKELY(is_foreign)) {
        reply_bulk(r, part);
        return;
    }
    put_header(r, '$', part.size);
    outq_append_ref(r->out, part, blob_release_value, blob_hold(blob));
    PUT_LITERAL(r, "\r\n");
}

void reply_double(struct reply *r, double value)
{
    char text[NUM_DOUBLE_MAX];
    struct bytes digits = bytes_make(text, num_format_double(text, value));
    if (r->version >= 3)
        put_line(r, ',', digits);
    else
        reply_bulk(r, digits);
}

void reply_long_double_text(struct reply *r, long double value)
{
    char text[NUM_DOUBLE_MAX];
    reply_bulk(r, bytes_make(text, num_format_long_double(text, value)));
}

void reply_verbatim(struct reply *r, const char kind[3], struct bytes text)
{
    if (r->version < 3) {
        reply_bulk(r, text);
        return;
    }
    char prefix[4] = { kind[0], kind[1], kind[2], ':' };
    put_header(r, '=', text.size + sizeof prefix);
    put_wire(r, prefix, sizeof prefix);
    reply_raw(r, text);
    PUT_LITERAL(r, "\r\n");
}

void reply_big_number(struct reply *r, struct bytes digits)
{
    if (r->version >= 3)
        put_line(r, '(', digits);
    else
        reply_bulk(r, digits);
}

void reply_raw(struct reply *r, struct bytes wire)
{
    if (!r->muted && wire.size) outq_append(r->out, wire);
}

// What differs between the versions, and aggregates.

static bool is_resp3(const struct reply *r) { return r->version >= 3; }

void reply_null(struct reply *r)
{
    if (is_resp3(r))
        PUT_LITERAL(r, "_\r\n");
    else
        PUT_LITERAL(r, "$-1\r\n");
}

void reply_null_array(struct reply *r)
{
    if (is_resp3(r))
        PUT_LITERAL(r, "_\r\n");
    else
        PUT_LITERAL(r, "*-1\r\n");
}

void reply_bool(struct reply *r, bool value)
{
    if (is_resp3(r))
        put_wire(r, value ? "#t\r\n" : "#f\r\n", 4);
    else
        put_wire(r, value ? ":1\r\n" : ":0\r\n", 4);
}

void reply_array(struct reply *r, uint64_t count) { put_header(r, '*', count); }

void reply_map(struct reply *r, uint64_t pair_count)
{
    put_header(r, is_resp3(r) ? '%' : '*', is_resp3(r) ? pair_count : 2 * pair_count);
}

void reply_set(struct reply *r, uint64_t count) { put_header(r, is_resp3(r) ? '~' : '*', count); }

void reply_attribute(struct reply *r, uint64_t pair_count) { put_header(r, '|', pair_count); }

void reply_push(struct reply *r, uint64_t count) { put_header(r, is_resp3(r) ? '>' : '*', count); }

struct reply_later reply_later_begin(struct reply *r)
{
    return (struct reply_later){ r->muted ? NULL : outq_gap(r->out) };
}

static void later_fill(struct reply *r, struct reply_later l, char kind, uint64_t number)
{
    uint8_t header[RESP_HEAD_MAX];
    if (l.gap && !r->muted) // muted since: the client of a long command has gone, gap and all
        outq_gap_fill(r->out, l.gap, bytes_make(header, header_write(header, kind, number)));
}

void reply_later_array(struct reply *r, struct reply_later l, uint64_t count)
{
    later_fill(r, l, '*', count);
}

void reply_later_map(struct reply *r, struct reply_later l, uint64_t pair_count)
{
    later_fill(r, l, is_resp3(r) ? '%' : '*', is_resp3(r) ? pair_count : 2 * pair_count);
}

void reply_later_set(struct reply *r, struct reply_later l, uint64_t count)
{
    later_fill(r, l, is_resp3(r) ? '~' : '*', count);
}
