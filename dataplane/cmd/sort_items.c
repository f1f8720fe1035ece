#include "dataplane/cmd/sort_items.h"

enum { RUN_FIRST = 16, MOVES_PER_STEP = 32 };

static struct bytes to_nul(struct bytes text)
{
    return bytes_make(text.data, text.size ? strnlen((const char *)text.data, text.size) : 0);
}

static int compare_texts(const struct sort_order *order, struct bytes a, struct bytes b)
{
    if (order->ends_at_nul) {
        a = to_nul(a);
        b = to_nul(b);
    }
    size_t common = a.size < b.size ? a.size : b.size;
    int first = common ? memcmp(a.data, b.data, common) : 0;
    return first ? first : (a.size > b.size) - (a.size < b.size);
}

static int compare_weights(const struct sort_order *order, const uint8_t *a, const uint8_t *b)
{
    if (!a || !b) return (a != NULL) - (b != NULL);
    return compare_texts(order, bytes_make(a + 4, load_le32(a)), bytes_make(b + 4, load_le32(b)));
}

// Equal numbers are told apart by all bytes of their elements.
static int compare_scores(const struct sort_item *a, const struct sort_item *b)
{
    static const struct sort_order whole = { .ends_at_nul = false };
    if (a->score != b->score) return a->score > b->score ? 1 : -1;
    return compare_texts(&whole, sort_item_text(a), sort_item_text(b));
}

int sort_compare(const struct sort_order *order, const struct sort_item *a,
                 const struct sort_item *b)
{
    int result;
    if (order->by == SORT_BY_SCORE)
        result = compare_scores(a, b);
    else if (order->by == SORT_BY_TEXT)
        result = compare_texts(order, sort_item_text(a), sort_item_text(b));
    else
        result = compare_weights(order, a->weight, b->weight);
    return order->descends ? (result < 0) - (result > 0) : result;
}

// ---- the sort

void sort_merge_begin(struct sort_merge *m, const struct sort_order *order, struct sort_item *items,
                      struct sort_item *other, uint64_t count)
{
    *m = (struct sort_merge){ .order = *order, .items = items, .other = other, .count = count };
}

static uint64_t bounded(uint64_t n, uint64_t max) { return n < max ? n : max; }

// By insertion; the place is looked for by halves, because comparing costs more than moving.
static void sort_run(struct sort_merge *m, struct sort_item *items, uint64_t count)
{
    for (uint64_t i = 1; i < count; i++) {
        struct sort_item item = items[i];
        uint64_t low = 0, high = i;
        while (low < high) {
            uint64_t middle = low + (high - low) / 2;
            if (sort_compare(&m->order, &items[middle], &item) <= 0)
                low = middle + 1;
            else
                high = middle;
        }
        memmove(items + low + 1, items + low, (i - low) * sizeof items[0]);
        items[low] = item;
    }
}

static void begin_pair(struct sort_merge *m)
{
    m->left = m->at;
    m->right = m->left_end = bounded(m->left + m->run, m->count);
    m->right_end = bounded(m->right + m->run, m->count);
}

static void begin_pass(struct sort_merge *m)
{
    m->at = 0;
    begin_pair(m);
}

static void merge_some(struct sort_merge *m)
{
    for (uint32_t moves = 0; moves < MOVES_PER_STEP && m->at < m->count; moves++) {
        if (m->left == m->left_end && m->right == m->right_end) begin_pair(m);
        bool from_left = m->right == m->right_end ||
                         (m->left < m->left_end &&
                          sort_compare(&m->order, &m->items[m->left], &m->items[m->right]) <= 0);
        m->other[m->at++] = m->items[from_left ? m->left++ : m->right++];
    }
}

bool sort_merge_step(struct sort_merge *m)
{
    if (m->run == 0) {
        sort_run(m, m->items + m->at, bounded(m->count - m->at, RUN_FIRST));
        m->at = bounded(m->at + RUN_FIRST, m->count);
        if (m->at < m->count) return false;
        m->run = RUN_FIRST;
        begin_pass(m);
        return m->count <= m->run;
    }
    merge_some(m);
    if (m->at < m->count) return false;
    struct sort_item *sorted = m->other;
    m->other = m->items;
    m->items = sorted;
    m->run *= 2;
    begin_pass(m);
    return m->run >= m->count;
}
