#include "tools/bench/reply.h"
#include <string.h>

enum { PARTS_MAX = 1 << 24, SHORT_DIGITS = 3 };

static bool line_number(const struct reply_reader *r, int64_t *out)
{
    int64_t value = 0;
    uint32_t i = 1;
    bool is_negative = r->line_bytes > 1 && r->line[1] == '-';
    if (is_negative) i++;
    if (i >= r->line_bytes || r->line_bytes - i > 18) return false;
    for (; i < r->line_bytes; i++) {
        if (r->line[i] < '0' || r->line[i] > '9') return false;
        value = value * 10 + (r->line[i] - '0');
    }
    *out = is_negative ? -value : value;
    return true;
}

// Moves bytes up to a line end into the line; true when it is complete. What does not fit is
// dropped: only texts are that long.
static bool take_line(struct reply_reader *r, struct bytes *in)
{
    const uint8_t *end = memchr(in->data, '\n', in->size);
    size_t size = end ? (size_t)(end - in->data) : in->size;
    size_t room = REPLY_LINE_MAX - 1 - r->line_bytes;
    size_t kept = size < room ? size : room;
    memcpy(r->line + r->line_bytes, in->data, kept);
    r->line_bytes += (uint32_t)kept;
    bytes_skip(in, end ? size + 1 : size);
    if (!end) return false;
    if (r->line_bytes && r->line[r->line_bytes - 1] == '\r') r->line_bytes--;
    r->line[r->line_bytes] = 0;
    return true;
}

static enum reply_event part_done(struct reply_reader *r)
{
    return --r->parts_left == 0 ? REPLY_DONE : REPLY_MORE;
}

static enum reply_event begin_bulk(struct reply_reader *r, int64_t size, bool is_outer)
{
    if (size < -1 || size > INT64_C(1) << 40) return REPLY_BROKEN;
    if (size == -1) return part_done(r);
    r->body_left = (uint64_t)size + 2;
    r->body_offset = 0;
    r->is_outer = is_outer;
    return REPLY_MORE;
}

static enum reply_event begin_parts(struct reply_reader *r, int64_t count, uint32_t each)
{
    if (count < -1 || count > PARTS_MAX || r->parts_left > PARTS_MAX) return REPLY_BROKEN;
    if (count > 0) r->parts_left += (uint64_t)count * each;
    return part_done(r);
}

static enum reply_event line_done(struct reply_reader *r)
{
    int64_t number = 0;
    uint8_t kind = (uint8_t)r->line[0];
    bool is_outer = r->parts_left == 0, has_number = line_number(r, &number);
    if (is_outer) {
        r->parts_left = 1;
        r->reply = (struct reply){ kind, number };
    }
    switch (kind) {
    case '+':
    case '-':
    case ':':
    case ',':
    case '#':
    case '(':
        return part_done(r);
    case '_':
        if (is_outer) r->reply.size = -1;
        return part_done(r);
    case '$':
    case '=':
    case '!':
        return has_number ? begin_bulk(r, number, is_outer) : REPLY_BROKEN;
    case '*':
    case '~':
    case '>':
        return has_number ? begin_parts(r, number, 1) : REPLY_BROKEN;
    case '%':
        return has_number ? begin_parts(r, number, 2) : REPLY_BROKEN;
    default:
        return REPLY_BROKEN;
    }
}

// The line end behind a bulk's bytes.
static enum reply_event take_bulk_end(struct reply_reader *r, struct bytes *in)
{
    while (r->body_left && in->size) {
        uint8_t byte = 0;
        (void)bytes_u8(in, &byte);
        if (byte != (r->body_left == 2 ? '\r' : '\n')) return REPLY_BROKEN;
        r->body_left--;
    }
    return r->body_left ? REPLY_MORE : part_done(r);
}

static enum reply_event take_bulk(struct reply_reader *r, struct bytes *in, struct bytes *piece)
{
    if (r->body_left <= 2) return take_bulk_end(r, in);
    uint64_t size = r->body_left - 2;
    if (size > in->size) size = in->size;
    (void)bytes_take(in, size, piece);
    r->body_left -= size;
    if (!r->is_outer) return REPLY_MORE;
    r->body_offset += size;
    return REPLY_BODY;
}

// Bytes of the short bulk string that starts here, if all of it is here; 0: another way reads it.
static size_t short_bulk_bytes(struct bytes in)
{
    size_t size = 0, at = 1;
    if (in.size < 4 || in.data[0] != '$') return 0;
    for (; at < in.size && at <= SHORT_DIGITS; at++) {
        uint8_t digit = (uint8_t)(in.data[at] - '0');
        if (digit > 9) break;
        size = size * 10 + digit;
    }
    size_t end = at + 2 + size;
    if (at == 1 || end + 2 > in.size) return 0;
    if (in.data[at] != '\r' || in.data[at + 1] != '\n') return 0;
    return in.data[end] == '\r' && in.data[end + 1] == '\n' ? end + 2 : 0;
}

// Elements of a long array, or the generator is what limits a server that sends them. The last one
// ends the reply and goes the common way.
static void skip_short_bulks(struct reply_reader *r, struct bytes *in)
{
    size_t size;
    if (r->line_bytes || r->body_left) return;
    while (r->parts_left > 1 && (size = short_bulk_bytes(*in)) != 0) {
        bytes_skip(in, size);
        r->parts_left--;
    }
}

enum reply_event reply_next(struct reply_reader *r, struct bytes *in, struct bytes *piece)
{
    // What most replies to SET are, whole.
    if (r->parts_left == 0 && r->line_bytes == 0 && in->size >= 5 &&
        memcmp(in->data, "+OK\r\n", 5) == 0) {
        bytes_skip(in, 5);
        r->reply = (struct reply){ '+', 0 };
        return REPLY_DONE;
    }
    while (in->size) {
        enum reply_event event = REPLY_MORE;
        skip_short_bulks(r, in);
        if (in->size == 0) break;
        if (r->body_left) {
            event = take_bulk(r, in, piece);
        } else {
            if (!take_line(r, in)) return REPLY_MORE;
            event = line_done(r);
            r->line_bytes = 0; // the text stays, terminated
        }
        if (event != REPLY_MORE) return event;
    }
    return REPLY_MORE;
}
