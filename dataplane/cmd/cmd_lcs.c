// LCS: the longest common subsequence, row by row over bit vectors.
//
// Source:  Hyyrö, "Bit-parallel LCS-length computation revisited" (2004). Replies, and which of
//          several equally long answers is given: Redis 7.2
// Cost:    a.size * b.size / 64 steps, and as many bits of transient memory for the path and again
//          for the masks. Redis's table of 4 bytes a cell must fit proto-max-bulk-len; the same
//          sizes are refused here, so by default it is 2^27 cells at most: some milliseconds.
//
// Let L(i,j) be the answer for the first i bytes of a and j of b. Row i keeps one bit per j: 0
// where L(i,j) = L(i,j-1) + 1. Walking back from the end at a mismatch, L(i-1,j) > L(i,j-1) exactly
// when that bit is 0 (then L(i,j) must come from above), so the rows are all that the walk needs.
#include <string.h>
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"

static command_body cmd_lcs_body;

const struct command cmd_lcs[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(LCS, "lcs", cmd_lcs_body, -3, 1, 2, 1, CMD_READONLY, ACL_STRING),
};

#define LCS_CELLS_MAX (1ull << 32) // whatever proto-max-bulk-len says: about a tenth of a second

struct lcs_options {
    bool len, idx, with_match_len;
    int64_t min_match_len;
};

struct lcs {
    struct heap *heap;
    struct bytes a, b;
    size_t word_count;    // of a row: bits of b
    uint64_t *masks;      // a row for each letter of a: where in b it is
    uint16_t letter[256]; // byte value to row of masks; NO_LETTER: not in a
    uint64_t *rows;       // a.size + 1 rows when the path is wanted, else one
    size_t masks_bytes;   // as taken
    size_t rows_bytes;
    uint64_t length;
};
enum { NO_LETTER = 256 };

// Numbers the bytes that a has; returns how many.
static uint32_t lcs_letters(struct lcs *l)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < 256; i++) l->letter[i] = NO_LETTER;
    for (size_t i = 0; i < l->a.size && count < 256; i++)
        if (l->letter[l->a.data[i]] == NO_LETTER) l->letter[l->a.data[i]] = (uint16_t)count++;
    return count;
}

static void lcs_mark(struct lcs *l)
{
    for (size_t j = 0; j < l->b.size; j++) {
        uint16_t letter = l->letter[l->b.data[j]];
        if (letter != NO_LETTER) l->masks[letter * l->word_count + j / 64] |= 1ull << (j % 64);
    }
}

static void lcs_open(struct lcs *l, struct heap *heap, struct bytes a, struct bytes b, bool path)
{
    *l = (struct lcs){ .heap = heap, .a = a, .b = b };
    if (!a.size || !b.size) l->a.size = l->b.size = 0; // no rows for nothing
    l->word_count = l->b.size / 64 + 1;
    l->masks_bytes = (lcs_letters(l) + 1u) * l->word_count * sizeof(uint64_t);
    l->rows_bytes = (path ? l->a.size + 1 : 1) * l->word_count * sizeof(uint64_t);
    l->masks = heap_take_zeroed(heap, l->masks_bytes, HEAP_OTHER);
    l->rows = heap_take(heap, l->rows_bytes, HEAP_OTHER);
    lcs_mark(l);
}

static void lcs_close(struct lcs *l)
{
    heap_give(l->heap, l->masks, l->masks_bytes, HEAP_OTHER);
    heap_give(l->heap, l->rows, l->rows_bytes, HEAP_OTHER);
}

// One byte of a: next = (row + (row & mask)) | (row & ~mask), over word_count words with the carry.
// row may be next.
static void lcs_row(const uint64_t *row, const uint64_t *mask, uint64_t *next, size_t word_count)
{
    unsigned long long carry = 0;
    for (size_t w = 0; w < word_count; w++) {
        uint64_t v = row[w], u = v & mask[w], sum;
        unsigned long long first = __builtin_add_overflow(v, u, &sum);
        unsigned long long second = __builtin_add_overflow(sum, carry, &sum);
        carry = first | second;
        next[w] = sum | (v & ~mask[w]);
    }
}

static void lcs_run(struct lcs *l, bool path)
{
    size_t n = l->word_count;
    uint64_t *row = l->rows;
    memset(row, 0xff, n * sizeof *row);
    for (size_t i = 0; i < l->a.size; i++) {
        uint64_t *next = path ? row + n : row;
        lcs_row(row, l->masks + l->letter[l->a.data[i]] * n, next, n);
        row = next;
    }
    for (size_t w = 0; w < n; w++) l->length += 64u - (unsigned)__builtin_popcountll(row[w]);
}

// Whether L(i-1,j) > L(i,j-1), for i, j >= 1 with differing bytes.
static inline bool lcs_is_from_above(const struct lcs *l, size_t i, size_t j)
{
    return !(l->rows[i * l->word_count + (j - 1) / 64] >> ((j - 1) % 64) & 1);
}

static void reply_common(struct call *call, const struct lcs *l)
{
    uint8_t *text = heap_take(l->heap, l->length + 1, HEAP_OTHER);
    size_t at = l->length;
    for (size_t i = l->a.size, j = l->b.size; at > 0;) {
        if (l->a.data[i - 1] == l->b.data[j - 1]) {
            text[--at] = l->a.data[--i];
            j--;
        } else if (lcs_is_from_above(l, i, j))
            i--;
        else
            j--;
    }
    reply_bulk(call->reply, bytes_make(text, l->length));
    heap_give(l->heap, text, l->length + 1, HEAP_OTHER);
}

// A run of matches: bytes a_end - size .. a_end - 1 of a, and likewise of b.
struct run {
    size_t a_end, b_end, size;
};

// The next run towards the front, from before *i and *j on; false: none is left.
static bool lcs_next_run(const struct lcs *l, size_t *i, size_t *j, struct run *run)
{
    while (*i > 0 && *j > 0 && l->a.data[*i - 1] != l->b.data[*j - 1]) {
        if (lcs_is_from_above(l, *i, *j))
            --*i;
        else
            --*j;
    }
    *run = (struct run){ *i, *j, 0 };
    while (*i > 0 && *j > 0 && l->a.data[*i - 1] == l->b.data[*j - 1]) {
        --*i;
        --*j;
        run->size++;
    }
    return run->size > 0;
}

static void reply_range(struct call *call, size_t end, size_t size)
{
    reply_array(call->reply, 2);
    reply_int(call->reply, (int64_t)(end - size));
    reply_int(call->reply, (int64_t)(end - 1));
}

static void reply_matches(struct call *call, const struct lcs *l, const struct lcs_options *o)
{
    reply_map(call->reply, 2);
    reply_bulk_text(call->reply, "matches");
    struct reply_later later = reply_later_begin(call->reply);
    uint64_t count = 0;
    struct run run;
    for (size_t i = l->a.size, j = l->b.size; lcs_next_run(l, &i, &j, &run);) {
        if ((int64_t)run.size < o->min_match_len) continue;
        reply_array(call->reply, o->with_match_len ? 3 : 2);
        reply_range(call, run.a_end, run.size);
        reply_range(call, run.b_end, run.size);
        if (o->with_match_len) reply_int(call->reply, (int64_t)run.size);
        count++;
    }
    reply_later_array(call->reply, later, count);
    reply_bulk_text(call->reply, "len");
    reply_int(call->reply, (int64_t)l->length);
}

static bool lcs_options_parse(struct call *call, struct lcs_options *o)
{
    *o = (struct lcs_options){ 0 };
    for (uint32_t i = 3; i < call->argc; i++) {
        struct bytes word = call->argv[i];
        if (bytes_is_option(word, "idx"))
            o->idx = true;
        else if (bytes_is_option(word, "len"))
            o->len = true;
        else if (bytes_is_option(word, "withmatchlen"))
            o->with_match_len = true;
        else if (bytes_is_option(word, "minmatchlen") && i + 1 < call->argc) {
            if (!call_int(call, ++i, &o->min_match_len, NULL)) return false;
        } else {
            reply_error(call->reply, reply_text_syntax);
            return false;
        }
    }
    if (!o->len || !o->idx) return true;
    reply_error(call->reply, "ERR If you want both the length and indexes, please just use IDX.");
    return false;
}

// A key's value for the comparison; a missing key is an empty string. Formatted integers lie in
// view.
static bool lcs_value(struct call *call, uint32_t index, struct string_view *view)
{
    struct key key = call_key(call, index);
    struct entry *e = call_find(call, &key, FIND_READ);
    view->bytes = BYTES_LITERAL("");
    if (!e) return true;
    if (entry_type(e) != TYPE_STRING) return false;
    string_read(e, view);
    return true;
}

// Looking up the second key may remove it, when it has expired, but never moves the first.
static bool lcs_values(struct call *call, struct string_view *a, struct string_view *b)
{
    bool first = lcs_value(call, 1, a);
    if (lcs_value(call, 2, b) && first) return true;
    reply_error(call->reply, "ERR The specified keys must contain string values");
    return false;
}

static bool lcs_fits(struct call *call, uint64_t a_size, uint64_t b_size)
{
    uint64_t cells = (a_size + 1) * (b_size + 1);
    if (a_size >= UINT32_MAX - 1 || b_size >= UINT32_MAX - 1)
        reply_error(call->reply, "ERR String too long for LCS");
    else if (cells > call->server->settings->proto_max_bulk_len / sizeof(uint32_t))
        reply_error(call->reply, "ERR Insufficient memory, transient memory for LCS exceeds "
                                 "proto-max-bulk-len");
    else if (cells > LCS_CELLS_MAX)
        reply_error(call->reply,
                    "ERR Insufficient memory, failed allocating transient memory for LCS");
    else
        return true;
    return false;
}

static void cmd_lcs_body(struct call *call)
{
    struct string_view a, b;
    struct lcs_options o;
    struct lcs l;
    if (!lcs_values(call, &a, &b) || !lcs_options_parse(call, &o)) return;
    if (!lcs_fits(call, a.bytes.size, b.bytes.size)) return;
    lcs_open(&l, call->server->heap, a.bytes, b.bytes, !o.len);
    lcs_run(&l, !o.len);
    if (o.len)
        reply_int(call->reply, (int64_t)l.length);
    else if (o.idx)
        reply_matches(call, &l, &o);
    else
        reply_common(call, &l);
    lcs_close(&l);
}
