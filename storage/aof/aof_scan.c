#include "storage/aof/aof_scan.h"

#include "dataplane/base/check.h"
#include "dataplane/base/num.h"

enum { ARGV_ROOM_FIRST = 16 };
// A number's value must not run over while its digits are read.
#define ARGUMENT_BYTES_MAX ((uint64_t)1 << 56)
#define ARGUMENTS_MAX ((uint64_t)INT32_MAX)

void aof_scan_init(struct aof_scan *s, struct heap *heap, uint64_t file_bytes,
                   uint64_t start_offset)
{
    CHECK(start_offset <= file_bytes);
    *s = (struct aof_scan){ .heap = heap,
                            .file_bytes = file_bytes,
                            .offset = start_offset,
                            .whole_offset = start_offset,
                            .line = 1,
                            .whole_line = 1 };
}

void aof_scan_close(struct aof_scan *s)
{
    if (s->argv) heap_give(s->heap, s->argv, s->argv_room * sizeof *s->argv, HEAP_LOG);
    s->argv = NULL;
    s->argv_room = 0;
}

// ---- ways out ----------------------------------------------------------------------------------

// Lines of the command under way that are read: its number of arguments, and two per argument.
static uint64_t lines_read(const struct aof_scan *s) { return s->at ? 1 + 2 * s->argc : 0; }

static enum aof_scan_result broken(struct aof_scan *s, size_t at, uint64_t line, const char *error)
{
    s->error = error;
    s->error_offset = s->offset + at;
    s->error_line = line;
    return AOF_SCAN_BROKEN;
}

static enum aof_scan_result torn(struct aof_scan *s, uint64_t line, const char *error)
{
    s->error = error;
    s->error_offset = s->file_bytes;
    s->error_line = line;
    return AOF_SCAN_TORN;
}

// At least so many bytes from offset on; when the file has them.
static enum aof_scan_result want(struct aof_scan *s, uint64_t bytes, uint64_t line,
                                 const char *error)
{
    if (bytes > s->file_bytes - s->offset) return torn(s, line, error);
    s->wanted_bytes = bytes;
    return AOF_SCAN_MORE;
}

static enum aof_scan_result eat(struct aof_scan *s, size_t bytes, uint64_t lines,
                                enum aof_scan_result result)
{
    s->offset += bytes;
    s->line += lines;
    s->at = 0;
    if (!s->in_unit && !s->awaits_multi) {
        s->whole_offset = s->offset;
        s->whole_line = s->line;
    }
    return result;
}

// ---- lines that begin with '#' -----------------------------------------------------------------

static bool starts_with(struct bytes text, struct bytes start)
{
    return text.size >= start.size && memcmp(text.data, start.data, start.size) == 0;
}

static bool read_transaction(struct aof_scan *s, struct bytes text)
{
    const uint8_t *blank = memchr(text.data, ' ', text.size);
    uint64_t count;
    if (!blank) return false;
    size_t digits = (size_t)(blank - text.data);
    if (!num_parse_uint(bytes_make(text.data, digits), &s->transaction) ||
        !num_parse_uint(bytes_make(blank + 1, text.size - digits - 1), &count) || count == 0 ||
        count > UINT32_MAX)
        return false;
    s->shard_count = (uint32_t)count;
    return true;
}

static enum aof_scan_result scan_annotation(struct aof_scan *s, size_t size, bool has_cr)
{
    const struct bytes stamp = BYTES_LITERAL("#TS:"), mark = BYTES_LITERAL("#TX:");
    struct bytes text = s->remark;
    if (starts_with(text, stamp)) {
        bytes_skip(&text, stamp.size);
        if (has_cr && num_parse_int(text, &s->timestamp_s))
            return eat(s, size, 1, AOF_SCAN_TIMESTAMP);
    } else if (starts_with(text, mark)) {
        bytes_skip(&text, mark.size);
        // Read past, it would leave the unit behind it without the rest of its transaction.
        if (!has_cr || !read_transaction(s, text))
            return broken(s, 0, s->line, "a #TX line says no number and count of shards");
        if (s->in_unit) return broken(s, 0, s->line, "a #TX line stands inside of MULTI");
        s->awaits_multi = true;
        return eat(s, size, 1, AOF_SCAN_TRANSACTION);
    }
    return eat(s, size, 1, AOF_SCAN_REMARK);
}

static enum aof_scan_result scan_line(struct aof_scan *s, struct bytes window)
{
    size_t within = window.size < AOF_LINE_BYTES_MAX ? window.size : AOF_LINE_BYTES_MAX;
    const uint8_t *end = memchr(window.data, '\n', within);
    if (s->awaits_multi) return broken(s, 0, s->line, "a #TX line stands before no MULTI");
    if (!end && within == AOF_LINE_BYTES_MAX)
        return broken(s, within, s->line, "a '#' line is longer than 1023 bytes");
    if (!end) return want(s, window.size + 1, s->line, "ends inside a '#' line");
    size_t size = (size_t)(end - window.data);
    bool has_cr = window.data[size - 1] == '\r'; // size >= 1: there is '#'
    s->remark = bytes_make(window.data, size - has_cr);
    return scan_annotation(s, size + 1, has_cr);
}

// ---- commands ----------------------------------------------------------------------------------

struct number {
    uint64_t value, max;
    size_t bytes;      // of its line, with its end; or where it is wrong
    const char *error; // NULL: nothing wrong
    bool is_whole;
};

// "*3\r\n", "$5\r\n". The first wrong byte is named, however many follow.
static inline void read_number(struct bytes in, uint8_t kind, uint64_t max, struct number *n)
{
    size_t i = 1;
    *n = (struct number){ .max = max };
    if (in.data[0] != kind) {
        n->error = kind == '$' ? "not a '$', where an argument's size is due"
                               : "not a '*', where a command is due";
        return;
    }
    for (; i < in.size && in.data[i] >= '0' && in.data[i] <= '9'; i++) {
        n->value = n->value * 10 + (in.data[i] - '0');
        n->bytes = i;
        if (n->value > max) n->error = "a number is too large";
        if (i == 2 && in.data[1] == '0') n->error = "a number begins with 0";
        if (n->error) return;
    }
    n->bytes = i;
    if (i < in.size && (i == 1 || in.data[i] != '\r'))
        n->error = "not a digit, nor a CR behind one";
    else if (i + 1 < in.size && in.data[i + 1] != '\n')
        n->bytes = i + 1, n->error = "not an LF behind a CR";
    else
        n->bytes = i + 2, n->is_whole = i + 1 < in.size;
}

static void put_argument(struct aof_scan *s, size_t at, size_t size)
{
    if (s->argc == s->argv_room) {
        uint32_t room = s->argv_room ? 2 * s->argv_room : ARGV_ROOM_FIRST;
        s->argv = heap_resize(s->heap, s->argv, s->argv_room * sizeof *s->argv,
                              room * sizeof *s->argv, HEAP_LOG);
        s->argv_room = room;
    }
    // The window may move until the command is whole: an offset in it, till then.
    s->argv[s->argc++] = bytes_make((const void *)(uintptr_t)at, size);
}

static enum aof_scan_result scan_head(struct aof_scan *s, struct bytes window)
{
    struct number n;
    read_number(window, '*', ARGUMENTS_MAX, &n);
    if (n.error) return broken(s, n.bytes, s->line, n.error);
    if (!n.is_whole)
        return want(s, window.size + 1, s->line, "ends inside a command's number of arguments");
    if (n.value == 0) return broken(s, 1, s->line, "a command has no arguments");
    s->argc = 0;
    s->args_announced = n.value;
    s->at = n.bytes;
    return AOF_SCAN_COMMAND;
}

// The argument's text ends at end; CR and LF follow. One that the file cannot hold is not read
// first; but where the file has a byte behind it, that byte shall be seen.
static enum aof_scan_result want_text(struct aof_scan *s, size_t have, size_t end, uint64_t line)
{
    uint64_t left = s->file_bytes - s->offset;
    if (end >= left || have == left) return torn(s, line, "ends inside an argument");
    s->wanted_bytes = end + 2 < left ? end + 2 : left;
    return AOF_SCAN_MORE;
}

static enum aof_scan_result scan_argument(struct aof_scan *s, struct bytes window)
{
    struct number n;
    uint64_t line = s->line + lines_read(s);
    if (window.size <= s->at) return want(s, s->at + 1, line, "ends between two arguments");
    read_number(bytes_make(window.data + s->at, window.size - s->at), '$', ARGUMENT_BYTES_MAX, &n);
    if (n.error) return broken(s, s->at + n.bytes, line, n.error);
    if (!n.is_whole) return want(s, window.size + 1, line, "ends inside an argument's size");
    size_t text = s->at + n.bytes, end = text + n.value;
    if (window.size > end && window.data[end] != '\r')
        return broken(s, end, line + 1, "not a CR behind an argument");
    if (window.size > end + 1 && window.data[end + 1] != '\n')
        return broken(s, end + 1, line + 1, "not an LF behind an argument's CR");
    if (window.size < end + 2) return want_text(s, window.size, end, line + 1);
    put_argument(s, text, n.value);
    s->at = end + 2;
    return AOF_SCAN_COMMAND;
}

static enum aof_scan_result begin_unit(struct aof_scan *s, uint64_t lines)
{
    if (s->in_unit && !s->forgives_nested) return broken(s, 0, s->line, "MULTI inside of MULTI");
    if (s->in_unit) return eat(s, s->at, lines, AOF_SCAN_MULTI_NESTED);
    if (!s->awaits_multi) s->shard_count = 0;
    s->in_unit = true;
    s->awaits_multi = false;
    return eat(s, s->at, lines, AOF_SCAN_MULTI);
}

static enum aof_scan_result finish_command(struct aof_scan *s, struct bytes window)
{
    uint64_t lines = lines_read(s);
    for (uint32_t i = 0; i < s->argc; i++)
        s->argv[i].data = window.data + (uintptr_t)s->argv[i].data;
    struct bytes name = s->argv[0];
    if (name.size == 5 && bytes_is_word(name, "MULTI")) return begin_unit(s, lines);
    if (s->awaits_multi) return broken(s, 0, s->line, "a #TX line stands before no MULTI");
    if (name.size != 4 || !bytes_is_word(name, "EXEC"))
        return eat(s, s->at, lines, AOF_SCAN_COMMAND);
    if (!s->in_unit) return broken(s, 0, s->line, "EXEC without MULTI");
    s->in_unit = false;
    return eat(s, s->at, lines, AOF_SCAN_EXEC);
}

static enum aof_scan_result scan_command(struct aof_scan *s, struct bytes window)
{
    if (s->at == 0) {
        enum aof_scan_result result = scan_head(s, window);
        if (result != AOF_SCAN_COMMAND) return result;
    }
    while (s->argc < s->args_announced) { // each turn eats at least six bytes
        enum aof_scan_result result = scan_argument(s, window);
        if (result != AOF_SCAN_COMMAND) return result;
    }
    return finish_command(s, window);
}

static enum aof_scan_result at_end(struct aof_scan *s)
{
    if (s->in_unit) return torn(s, s->line, "ends between MULTI and EXEC");
    if (s->awaits_multi) return torn(s, s->line, "ends behind a #TX line");
    return AOF_SCAN_END;
}

enum aof_scan_result aof_scan_step(struct aof_scan *s, struct bytes window)
{
    CHECK(window.size <= s->file_bytes - s->offset);
    if (s->offset == s->file_bytes) return at_end(s);
    if (window.size == 0) return want(s, 1, s->line, "");
    if (window.data[0] == '#') return scan_line(s, window);
    if (window.data[0] == '*') return scan_command(s, window);
    return broken(s, 0, s->line, "neither a '*' nor a '#', where a command is due");
}
