#include "dataplane/resp/resp_read.h"
#include <limits.h>
#include <stdio.h>
#include "dataplane/base/words.h"
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"

enum {
    BLOCK_MIN_BYTES = 256,
    BLOCK_MAX_BYTES = 64 * 1024, // of a block that holds several arguments
    BLOB_START_BYTES = 16 * 1024,
    MOVE_MIN_BYTES = 64 * 1024, // moved from an outgrown blob per call, or as much as arrived
    ARGUMENT_MIN_BYTES = 6,     // "$0\r\n\r\n"
};

struct resp_block {
    struct resp_block *next;
    size_t capacity, used;
    uint8_t data[];
};

enum line_result { LINE_READY, LINE_MORE, LINE_TOO_BIG };

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }
static size_t max_size(size_t a, size_t b) { return a > b ? a : b; }

// Memory of the request being read.

void resp_reader_init(struct resp_reader *r, struct heap *heap)
{
    memset(r, 0, sizeof *r);
    r->heap = heap;
    r->args = r->args_inline;
    r->args_capacity = RESP_ARGS_INLINE;
}

static void args_give(struct resp_reader *r)
{
    size_t capacity = r->args_capacity;
    if (r->blobs && r->blobs != r->blobs_inline)
        heap_give(r->heap, r->blobs, capacity * sizeof *r->blobs, HEAP_CLIENT_IN);
    if (r->args != r->args_inline)
        heap_give(r->heap, r->args, capacity * sizeof *r->args, HEAP_CLIENT_IN);
    r->blobs = NULL;
    r->args = r->args_inline;
    r->args_capacity = RESP_ARGS_INLINE;
}

static void blobs_give(struct resp_reader *r)
{
    if (r->big) blob_release(r->big);
    if (r->big_old) blob_release(r->big_old);
    r->big = r->big_old = NULL;
    if (!r->blobs) return;
    for (uint32_t i = 0; i < r->argc; i++)
        if (r->blobs[i]) blob_release(r->blobs[i]);
}

static void block_give(struct resp_reader *r, struct resp_block *block)
{
    r->blocks_bytes -= sizeof *block + block->capacity;
    heap_give(r->heap, block, sizeof *block + block->capacity, HEAP_CLIENT_IN);
}

static void blocks_give(struct resp_reader *r)
{
    while (r->blocks) {
        struct resp_block *block = r->blocks;
        r->blocks = block->next;
        block_give(r, block);
    }
}

// Ready for another request; what had to grow is not kept for an idle client.
static void request_reset(struct resp_reader *r)
{
    blobs_give(r);
    args_give(r);
    if (r->blocks && !r->blocks->next && r->blocks->capacity <= RESP_HELD_KEEP_BYTES)
        r->blocks->used = 0;
    else
        blocks_give(r);
    r->argc = 0;
    r->args_left = 0;
    r->part_size = 0;
    r->line_has_cr = false;
    r->line_is_dead = false;
    r->wire_bytes = 0;
    r->phase = RESP_PHASE_START;
}

void resp_reader_close(struct resp_reader *r)
{
    request_reset(r);
    blocks_give(r);
}

void resp_reader_release(struct resp_reader *r)
{
    if (r->phase == RESP_PHASE_DELIVERED) request_reset(r);
}

static void blobs_start(struct resp_reader *r)
{
    size_t size = r->args_capacity * sizeof *r->blobs;
    if (r->args_capacity <= RESP_ARGS_INLINE)
        r->blobs = memset(r->blobs_inline, 0, sizeof r->blobs_inline);
    else
        r->blobs = heap_take_zeroed(r->heap, size, HEAP_CLIENT_IN);
}

static void blobs_grow(struct resp_reader *r, uint32_t capacity)
{
    struct blob **grown = heap_take_zeroed(r->heap, capacity * sizeof *grown, HEAP_CLIENT_IN);
    memcpy(grown, r->blobs, r->argc * sizeof *grown);
    if (r->blobs != r->blobs_inline)
        heap_give(r->heap, r->blobs, r->args_capacity * sizeof *grown, HEAP_CLIENT_IN);
    r->blobs = grown;
}

static void args_grow(struct resp_reader *r, uint32_t capacity)
{
    if (r->blobs) blobs_grow(r, capacity);
    struct bytes *grown = heap_take(r->heap, capacity * sizeof *grown, HEAP_CLIENT_IN);
    memcpy(grown, r->args, r->argc * sizeof *grown);
    if (r->args != r->args_inline)
        heap_give(r->heap, r->args, r->args_capacity * sizeof *grown, HEAP_CLIENT_IN);
    r->args = grown;
    r->args_capacity = capacity;
}

// A new block for at least size bytes; the item under way moves to it.
static void block_add(struct resp_reader *r, size_t size)
{
    struct resp_block *old = r->blocks;
    size_t capacity = max_size(size, old ? min_size(2 * old->capacity, BLOCK_MAX_BYTES) : 0);
    capacity = max_size(capacity, BLOCK_MIN_BYTES);
    struct resp_block *block = heap_take(r->heap, sizeof *block + capacity, HEAP_CLIENT_IN);
    *block = (struct resp_block){ .next = old, .capacity = capacity };
    r->blocks_bytes += sizeof *block + capacity;
    r->blocks = block;
    if (!old) return;
    memcpy(block->data, old->data + old->used, r->part_size);
    if (old->used > 0) return;
    block->next = old->next;
    block_give(r, old);
}

static void part_append(struct resp_reader *r, struct bytes more)
{
    if (more.size == 0) return;
    size_t size = r->part_size + more.size;
    if (!r->blocks || r->blocks->capacity - r->blocks->used < size) block_add(r, size);
    memcpy(r->blocks->data + r->blocks->used + r->part_size, more.data, more.size);
    r->part_size = size;
}

// Ends the item under way. Its bytes stay where they are until the next part_append.
static struct bytes part_end(struct resp_reader *r)
{
    struct bytes part = BYTES_LITERAL("");
    if (r->part_size > 0) part = bytes_make(r->blocks->data + r->blocks->used, r->part_size);
    r->part_size = 0;
    return part;
}

// Ends it and keeps its bytes as long as the request.
static struct bytes part_keep(struct resp_reader *r)
{
    struct bytes part = part_end(r);
    if (part.size > 0) r->blocks->used += part.size;
    return part;
}

static void args_push(struct resp_reader *r, struct bytes arg)
{
    if (r->argc == r->args_capacity) args_grow(r, 2 * r->args_capacity);
    r->args[r->argc++] = arg;
}

// A big argument. Its blob grows with what arrives: at most to four times that. A blob that is
// outgrown is less than half of the announced size, or small, so that moving as much as arrives
// empties it in time.

static void big_move(struct resp_reader *r, size_t size_max)
{
    struct blob *old = r->big_old;
    if (!old) return;
    size_t size = min_size(size_max, old->size - r->big_moved);
    memcpy(r->big->data + r->big_moved, old->data + r->big_moved, size);
    r->big_moved += size;
    if (r->big_moved < old->size) return;
    blob_release(old);
    r->big_old = NULL;
}

static void big_grow(struct resp_reader *r, size_t need)
{
    size_t limit = (size_t)r->bulk_size, base = max_size(need, BLOB_START_BYTES);
    big_move(r, SIZE_MAX);
    if (r->big) base = max_size(base, r->big->capacity);
    struct blob *blob = blob_new(r->heap, limit / 4 <= base ? limit : 2 * base, HEAP_CLIENT_IN);
    if (r->big) blob->size = r->big->size;
    r->big_old = r->big;
    r->big_moved = 0;
    r->big = blob;
}

static void big_append(struct resp_reader *r, struct bytes more)
{
    size_t need = more.size + (r->big ? r->big->size : 0);
    if (!r->big || need > r->big->capacity) big_grow(r, need);
    memcpy(r->big->data + r->big->size, more.data, more.size);
    r->big->size = need;
    big_move(r, max_size(more.size, MOVE_MIN_BYTES));
}

static void big_end(struct resp_reader *r)
{
    big_move(r, SIZE_MAX);
    args_push(r, blob_bytes(r->big));
    if (!r->blobs) blobs_start(r);
    r->blobs[r->argc - 1] = r->big;
    r->big = NULL;
}

// Outcomes.

static enum resp_result fail(struct resp_reader *r, const char *text)
{
    snprintf(r->error, sizeof r->error, "Protocol error: %s", text);
    request_reset(r);
    r->phase = RESP_PHASE_FAILED;
    return r->failure = RESP_ERROR;
}

static enum resp_result fail_limit(struct resp_reader *r)
{
    fail(r, "query buffer limit reached");
    return r->failure = RESP_LIMIT;
}

static enum resp_result deliver_nothing(struct resp_reader *r, struct resp_request *request)
{
    *request = (struct resp_request){ .argv = r->args_inline, .bytes = r->wire_bytes };
    request_reset(r);
    return RESP_REQUEST;
}

static enum resp_result deliver_held(struct resp_reader *r, struct resp_request *request)
{
    *request = (struct resp_request){
        .argv = r->args, .blobs = r->blobs, .argc = r->argc, .bytes = r->wire_bytes
    };
    r->phase = RESP_PHASE_DELIVERED;
    return RESP_REQUEST;
}

// Lines that may come in parts.

static void consume(struct resp_reader *r, struct bytes *in, size_t size)
{
    in->data += size;
    in->size -= size;
    r->wire_bytes += size;
}

// The index of the first byte that is last_byte or NUL; in.size when there is none.
static size_t line_scan(struct bytes in, uint8_t last_byte)
{
    size_t i = 0;
    while (i < in.size && in.data[i] != last_byte && in.data[i] != 0) i++;
    return i;
}

// A line is over: its bytes are the held beginning, if there is one, and rest.
static struct bytes line_join(struct resp_reader *r, struct bytes rest)
{
    if (r->part_size == 0) return rest;
    part_append(r, rest);
    return part_end(r);
}

// Keeps part of a line whose end has not come.
static enum line_result line_keep(struct resp_reader *r, struct bytes *in, size_t size)
{
    if (r->line_is_dead)
        r->part_size += size; // nobody will read it
    else
        part_append(r, bytes_make(in->data, size));
    consume(r, in, size);
    return r->part_size > RESP_INLINE_MAX ? LINE_TOO_BIG : LINE_MORE;
}

// Takes what belongs to the line; *line is without its end and valid until the next part_append.
// last_byte is LF, or CR: then the byte behind it is dropped unseen, as Redis does.
static enum line_result line_take(struct resp_reader *r, struct bytes *in, uint8_t last_byte,
                                  struct bytes *line)
{
    if (in->size == 0) return LINE_MORE;
    if (r->line_has_cr) {
        consume(r, in, 1);
        r->line_has_cr = false;
        *line = line_join(r, bytes_make(NULL, 0));
        return LINE_READY;
    }
    struct bytes window =
        bytes_make(in->data, min_size(in->size, RESP_INLINE_MAX + 1 - r->part_size));
    if (r->line_is_dead) return line_keep(r, in, window.size);
    size_t found = line_scan(window, last_byte);
    if (found == window.size) return line_keep(r, in, found);
    if (window.data[found] == 0) {
        r->line_is_dead = true;
        return line_keep(r, in, window.size);
    }
    if (last_byte == '\r' && found + 1 == in->size) {
        line_keep(r, in, found);
        consume(r, in, 1);
        r->line_has_cr = true;
        return LINE_MORE;
    }
    *line = line_join(r, bytes_make(in->data, found));
    consume(r, in, last_byte == '\r' ? found + 2 : found + 1);
    return LINE_READY;
}

// Inline requests.

// The line in the reader's own memory, where it may be changed.
static uint8_t *line_own(struct resp_reader *r, struct bytes line)
{
    if (!r->blocks || line.data != r->blocks->data + r->blocks->used) part_append(r, line);
    uint8_t *text = r->blocks->data + r->blocks->used;
    r->part_size = line.size;
    part_keep(r);
    return text;
}

// Arguments are views of text, which is changed. False when its quotes are not balanced.
static bool split_line(struct resp_reader *r, uint8_t *text, size_t size)
{
    struct words words = { .text = text, .size = size };
    struct bytes word;
    enum words_result result;
    while ((result = words_next(&words, &word)) == WORDS_ONE) args_push(r, word);
    return result == WORDS_END;
}

static enum resp_result read_inline(struct resp_reader *r, struct bytes *in,
                                    struct resp_request *request)
{
    struct bytes line;
    switch (line_take(r, in, '\n', &line)) {
    case LINE_MORE:
        return RESP_MORE;
    case LINE_TOO_BIG:
        return fail(r, "too big inline request");
    case LINE_READY:
        break;
    }
    if (line.size > 0 && line.data[line.size - 1] == '\r') line.size--;
    if (line.size == 0) return deliver_nothing(r, request);
    uint8_t *text = line_own(r, line);
    if (!split_line(r, text, line.size)) return fail(r, "unbalanced quotes in request");
    return r->argc ? deliver_held(r, request) : deliver_nothing(r, request);
}

// Requests that came in parts, and all that is not as it should be.

static enum resp_result read_count(struct resp_reader *r, struct bytes *in,
                                   const struct resp_limits *limits, struct resp_request *request)
{
    struct bytes line;
    int64_t count;
    switch (line_take(r, in, '\r', &line)) {
    case LINE_MORE:
        return RESP_MORE;
    case LINE_TOO_BIG:
        return fail(r, "too big mbulk count string");
    case LINE_READY:
        break;
    }
    if (!bytes_skip(&line, 1) || !num_parse_int(line, &count) || count > INT_MAX)
        return fail(r, "invalid multibulk length");
    if (count > RESP_UNAUTH_ARGS_MAX && !limits->authenticated)
        return fail(r, "unauthenticated multibulk length");
    if (count <= 0) return deliver_nothing(r, request);
    r->args_left = (uint32_t)count;
    r->phase = RESP_PHASE_SIZE;
    return RESP_REQUEST;
}

static enum resp_result fail_not_bulk(struct resp_reader *r, uint8_t got)
{
    char text[] = "expected '$', got '?'";
    text[sizeof text - 3] = (char)got;
    return fail(r, text);
}

static enum resp_result read_size(struct resp_reader *r, struct bytes *in,
                                  const struct resp_limits *limits)
{
    struct bytes line;
    int64_t size;
    switch (line_take(r, in, '\r', &line)) {
    case LINE_MORE:
        return RESP_MORE;
    case LINE_TOO_BIG:
        return fail(r, "too big bulk count string");
    case LINE_READY:
        break;
    }
    if (line.size == 0) return fail_not_bulk(r, '\r');
    if (line.data[0] != '$') return fail_not_bulk(r, line.data[0]);
    bytes_skip(&line, 1);
    if (!num_parse_int(line, &size) || size < 0 || (uint64_t)size > limits->bulk_bytes_max)
        return fail(r, "invalid bulk length");
    if (size > RESP_UNAUTH_BULK_MAX && !limits->authenticated)
        return fail(r, "unauthenticated bulk length");
    r->bulk_size = (uint64_t)size;
    r->bulk_got = 0;
    r->phase = RESP_PHASE_BULK;
    return RESP_REQUEST;
}

static void bulk_end(struct resp_reader *r)
{
    if (r->big)
        big_end(r);
    else
        args_push(r, part_keep(r));
    r->args_left--;
    r->phase = RESP_PHASE_SIZE;
}

static enum resp_result read_bulk(struct resp_reader *r, struct bytes *in,
                                  const struct resp_limits *limits)
{
    if (in->size == 0) return RESP_MORE;
    if (r->bulk_got < r->bulk_size) {
        struct bytes part =
            bytes_make(in->data, min_size(in->size, (size_t)(r->bulk_size - r->bulk_got)));
        if (r->bulk_got + part.size > limits->buffer_bytes_max) return fail_limit(r);
        if (r->bulk_size >= RESP_BIG_BYTES)
            big_append(r, part);
        else
            part_append(r, part);
        consume(r, in, part.size);
        r->bulk_got += part.size;
    }
    size_t rest = min_size(in->size, (size_t)(r->bulk_size + 2 - r->bulk_got));
    consume(r, in, rest); // its CRLF, whatever it is, as Redis does
    r->bulk_got += rest;
    if (r->bulk_got > limits->buffer_bytes_max) return fail_limit(r);
    if (r->bulk_got < r->bulk_size + 2) return RESP_MORE;
    bulk_end(r);
    return RESP_REQUEST;
}

// Each turn eats bytes or returns.
static enum resp_result read_in_parts(struct resp_reader *r, struct bytes *in,
                                      const struct resp_limits *limits,
                                      struct resp_request *request)
{
    if (r->phase == RESP_PHASE_INLINE) return read_inline(r, in, request);
    if (r->phase == RESP_PHASE_COUNT) {
        enum resp_result result = read_count(r, in, limits, request);
        if (result != RESP_REQUEST || r->phase == RESP_PHASE_START) return result;
    }
    while (r->args_left > 0) {
        enum resp_result result =
            r->phase == RESP_PHASE_SIZE ? read_size(r, in, limits) : read_bulk(r, in, limits);
        if (result != RESP_REQUEST) return result;
    }
    return deliver_held(r, request);
}

// Requests that lie in the input.

// Digits, CR and one more byte: the common form of a length. NULL when it is anything else or not
// all there; the slow reader then says which.
static inline const uint8_t *length_read(const uint8_t *p, const uint8_t *end, uint32_t *out)
{
    if (end - p < 3) return NULL;
    const uint8_t *first = p;
    uint32_t value = (uint32_t)*p++ - '0';
    if (value > 9) return NULL;
    if (LIKELY(*p == '\r')) goto done;
    if (value == 0) return NULL;
    do {
        uint32_t digit = (uint32_t)*p++ - '0';
        if (digit > 9 || end - p < 2 || p - first > 9) return NULL;
        value = value * 10 + digit;
    } while (*p != '\r');
done:
    *out = value;
    return p + 2;
}

// Copies the arguments read so far out of the input and leaves the rest to the slow reader.
static enum resp_result hold(struct resp_reader *r, struct bytes *in, const uint8_t *rest,
                             uint32_t argc, const struct resp_limits *limits,
                             struct resp_request *request)
{
    for (uint32_t i = 0; i < argc; i++) {
        struct bytes arg = r->args[i]; // and this entry is written again
        r->bulk_size = arg.size;
        if (arg.size >= RESP_BIG_BYTES) {
            big_append(r, arg);
            big_end(r);
        } else {
            part_append(r, arg);
            args_push(r, part_keep(r));
        }
    }
    consume(r, in, (size_t)(rest - in->data));
    return read_in_parts(r, in, limits, request);
}

static inline uint32_t fast_bulk_max(const struct resp_limits *limits)
{
    uint64_t max = limits->authenticated ? UINT32_MAX : RESP_UNAUTH_BULK_MAX;
    if (limits->bulk_bytes_max < max) max = limits->bulk_bytes_max;
    if (limits->buffer_bytes_max < max + 2)
        max = limits->buffer_bytes_max < 2 ? 0 : limits->buffer_bytes_max - 2;
    return (uint32_t)max;
}

// As many as may lie in size bytes, so that a huge count takes no memory.
static void args_prepare(struct resp_reader *r, uint32_t count, size_t size)
{
    size_t possible = min_size(count, size / ARGUMENT_MIN_BYTES + 1);
    if (possible > RESP_ARGS_INLINE) args_grow(r, (uint32_t)possible);
}

static enum resp_result read_array(struct resp_reader *r, struct bytes *in,
                                   const struct resp_limits *limits, struct resp_request *request)
{
    const uint8_t *end = in->data + in->size;
    uint32_t count, size, argc = 0, bulk_max = fast_bulk_max(limits);
    const uint8_t *p = length_read(in->data + 1, end, &count);
    if (UNLIKELY(!p || count == 0 || (count > RESP_UNAUTH_ARGS_MAX && !limits->authenticated))) {
        r->phase = RESP_PHASE_COUNT;
        return read_in_parts(r, in, limits, request);
    }
    if (UNLIKELY(count > RESP_ARGS_INLINE)) args_prepare(r, count, (size_t)(end - p));
    struct bytes *args = r->args;
    while (argc < count && p < end && *p == '$') {
        const uint8_t *data = length_read(p + 1, end, &size);
        if (UNLIKELY(!data || size > bulk_max || (size_t)(end - data) < (size_t)size + 2)) break;
        args[argc++] = bytes_make(data, size);
        p = data + size + 2;
    }
    if (UNLIKELY(argc < count)) {
        r->args_left = count - argc;
        r->phase = RESP_PHASE_SIZE;
        return hold(r, in, p, argc, limits, request);
    }
    *request =
        (struct resp_request){ .argv = args, .argc = argc, .bytes = (uint64_t)(p - in->data) };
    *in = bytes_make(p, (size_t)(end - p));
    if (UNLIKELY(count > RESP_ARGS_INLINE)) r->phase = RESP_PHASE_DELIVERED;
    return RESP_REQUEST;
}

enum resp_result resp_read(struct resp_reader *r, struct bytes *in,
                           const struct resp_limits *limits, struct resp_request *request)
{
    if (UNLIKELY(r->phase == RESP_PHASE_DELIVERED)) request_reset(r);
    if (LIKELY(r->phase == RESP_PHASE_START)) {
        if (in->size == 0) return RESP_MORE;
        if (LIKELY(in->data[0] == '*')) return read_array(r, in, limits, request);
        r->phase = RESP_PHASE_INLINE;
    }
    if (UNLIKELY(r->phase == RESP_PHASE_FAILED)) {
        bytes_skip(in, in->size);
        return r->failure;
    }
    return read_in_parts(r, in, limits, request);
}

struct blob *resp_request_take_blob(struct resp_request *request, uint32_t index)
{
    CHECK(index < request->argc);
    if (!request->blobs) return NULL;
    struct blob *blob = request->blobs[index];
    request->blobs[index] = NULL;
    return blob;
}

static uint64_t blob_memory(const struct blob *b) { return b ? sizeof *b + b->capacity : 0; }

uint64_t resp_reader_memory(const struct resp_reader *r)
{
    uint64_t bytes = r->blocks_bytes + blob_memory(r->big) + blob_memory(r->big_old);
    if (r->args != r->args_inline) bytes += r->args_capacity * sizeof *r->args;
    if (!r->blobs) return bytes;
    if (r->blobs != r->blobs_inline) bytes += r->args_capacity * sizeof *r->blobs;
    for (uint32_t i = 0; i < r->argc; i++) bytes += blob_memory(r->blobs[i]);
    return bytes;
}
