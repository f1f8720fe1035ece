#include "dataplane/cmd/lcs.h"
#include <string.h>

enum { STEP_WORDS = 2048, STEP_BYTES = 4096 };

void lcs_open(struct lcs *l, struct heap *heap, struct bytes a, struct bytes b, bool has_path)
{
    *l = (struct lcs){ .heap = heap, .a = a, .b = b, .has_path = has_path };
    if (!a.size || !b.size) l->a.size = l->b.size = 0; // no rows for nothing
    l->word_count = l->b.size / 64 + 1;
    for (uint32_t i = 0; i < 256; i++) l->letter[i] = UINT16_MAX;
}

void lcs_close(struct lcs *l)
{
    if (l->masks) heap_give(l->heap, l->masks, l->masks_bytes, HEAP_OTHER);
    if (l->rows) heap_give(l->heap, l->rows, l->rows_bytes, HEAP_OTHER);
}

static size_t part(const struct lcs *l, size_t all, size_t step)
{
    return all - l->done < step ? all - l->done : step;
}

// True: the phase is over when this was its last part.
static bool did(struct lcs *l, size_t all, size_t size)
{
    l->done += size;
    if (l->done < all) return false;
    l->done = 0;
    l->phase++;
    return true;
}

// ---- the masks

static void take_memory(struct lcs *l)
{
    for (uint32_t i = 0; i < 256; i++)
        if (l->letter[i] == UINT16_MAX) l->letter[i] = (uint16_t)l->letter_count;
    size_t row_bytes = l->word_count * sizeof(uint64_t);
    l->masks_bytes = (l->letter_count + 1u) * row_bytes;
    l->rows_bytes = (l->has_path ? l->a.size + 1 : 1) * row_bytes;
    l->masks = heap_take(l->heap, l->masks_bytes, HEAP_OTHER);
    l->rows = heap_take(l->heap, l->rows_bytes, HEAP_OTHER);
}

// Numbers the bytes that a has.
static void number_letters(struct lcs *l)
{
    size_t size = part(l, l->a.size, STEP_BYTES);
    for (size_t i = l->done; i < l->done + size; i++)
        if (l->letter[l->a.data[i]] == UINT16_MAX)
            l->letter[l->a.data[i]] = (uint16_t)l->letter_count++;
    if (did(l, l->a.size, size)) take_memory(l);
}

// The masks begin with no bit set, the first row with all.
static void clear(struct lcs *l)
{
    size_t masks = l->masks_bytes / sizeof(uint64_t), all = masks + l->word_count;
    size_t size = part(l, all, STEP_WORDS), in_masks = 0;
    if (l->done < masks) in_masks = masks - l->done < size ? masks - l->done : size;
    if (in_masks) memset(l->masks + l->done, 0, in_masks * sizeof(uint64_t));
    if (size > in_masks)
        memset(l->rows + (l->done + in_masks - masks), 0xff, (size - in_masks) * sizeof(uint64_t));
    did(l, all, size);
}

static void mark(struct lcs *l)
{
    size_t size = part(l, l->b.size, STEP_BYTES);
    for (size_t j = l->done; j < l->done + size; j++) {
        uint16_t letter = l->letter[l->b.data[j]];
        if (letter < l->letter_count) l->masks[letter * l->word_count + j / 64] |= 1ull << (j % 64);
    }
    did(l, l->b.size, size);
}

// ---- the rows

// Words first..first + count - 1 of next = (row + (row & mask)) | (row & ~mask). row may be next.
static unsigned long long add_words(const uint64_t *row, const uint64_t *mask, uint64_t *next,
                                    size_t first, size_t count, unsigned long long carry)
{
    for (size_t w = first; w < first + count; w++) {
        uint64_t v = row[w], u = v & mask[w], sum;
        unsigned long long over = __builtin_add_overflow(v, u, &sum);
        unsigned long long over_again = __builtin_add_overflow(sum, carry, &sum);
        carry = over | over_again;
        next[w] = sum | (v & ~mask[w]);
    }
    return carry;
}

static void add_rows(struct lcs *l)
{
    size_t n = l->word_count, left = STEP_WORDS;
    while (l->done < l->a.size && left > 0) {
        uint64_t *row = l->rows + (l->has_path ? l->done * n : 0);
        const uint64_t *mask = l->masks + l->letter[l->a.data[l->done]] * n;
        size_t count = n - l->word < left ? n - l->word : left;
        l->carry = add_words(row, mask, l->has_path ? row + n : row, l->word, count, l->carry);
        l->word += count;
        left -= count;
        if (l->word < n) return;
        l->word = 0;
        l->carry = 0;
        l->done++;
    }
    did(l, l->a.size, 0);
}

static void count_length(struct lcs *l)
{
    const uint64_t *last = l->rows + (l->has_path ? l->a.size * l->word_count : 0);
    size_t size = part(l, l->word_count, STEP_WORDS);
    for (size_t w = l->done; w < l->done + size; w++)
        l->length += 64u - (unsigned)__builtin_popcountll(last[w]);
    if (!did(l, l->word_count, size)) return;
    l->i = l->a.size;
    l->j = l->b.size;
}

bool lcs_step(struct lcs *l)
{
    switch (l->phase) {
    case LCS_LETTERS:
        number_letters(l);
        break;
    case LCS_CLEAR:
        clear(l);
        break;
    case LCS_MARK:
        mark(l);
        break;
    case LCS_ROWS:
        add_rows(l);
        break;
    case LCS_COUNT:
        count_length(l);
        break;
    case LCS_WALK:
        break;
    }
    return l->phase != LCS_WALK;
}

// ---- the way back

// Whether L(i-1,j) > L(i,j-1), for i, j >= 1 with differing bytes.
static bool is_from_above(const struct lcs *l)
{
    size_t bit = l->j - 1;
    return !(l->rows[l->i * l->word_count + bit / 64] >> (bit % 64) & 1);
}

bool lcs_walk(struct lcs *l)
{
    if (l->a.data[l->i - 1] == l->b.data[l->j - 1]) {
        l->i--;
        l->j--;
        return true;
    }
    if (is_from_above(l))
        l->i--;
    else
        l->j--;
    return false;
}
