// latency_graph.c: a series as characters: the higher, the longer it took; below each column how
// long ago it was, read downwards.
//
// Source:  the shape of Redis's LATENCY GRAPH: 4 rows of 3 heights, from the series' own low to its
//          high, 80 columns
#include <stdio.h>
#include "dataplane/cmd/latency.h"

enum { COLUMNS = 80, ROWS = 4, HEIGHTS = 3, LABEL_MAX = 16 };

struct column {
    uint32_t step; // 0..ROWS * HEIGHTS - 1
    int label_size;
    char label[LABEL_MAX];
};

static uint32_t step_of(uint32_t ms, const struct latency_summary *s)
{
    uint32_t range = s->max_ms - s->min_ms, steps = ROWS * HEIGHTS;
    uint64_t step = range ? (uint64_t)(ms - s->min_ms) * steps / range : 0;
    return step < steps ? (uint32_t)step : steps - 1;
}

static int label_age(char out[LABEL_MAX], uint32_t age_s)
{
    if (age_s < 60) return snprintf(out, LABEL_MAX, "%us", age_s);
    if (age_s < 3600) return snprintf(out, LABEL_MAX, "%um", age_s / 60);
    if (age_s < 24 * 3600) return snprintf(out, LABEL_MAX, "%uh", age_s / 3600);
    return snprintf(out, LABEL_MAX, "%ud", age_s / (24 * 3600));
}

// row counts from the bottom.
static char mark(const struct column *c, uint32_t row)
{
    if (c->step < row * HEIGHTS) return ' ';
    uint32_t height = c->step - row * HEIGHTS;
    return height < HEIGHTS ? "_o#"[height] : '|';
}

static void draw_rows(struct text *out, const struct column *columns, uint32_t count)
{
    int label_rows = 0;
    for (uint32_t i = 0; i < count; i++)
        if (columns[i].label_size > label_rows) label_rows = columns[i].label_size;
    for (uint32_t row = ROWS; row > 0; row--) {
        for (uint32_t i = 0; i < count; i++) text_add(out, "%c", mark(&columns[i], row - 1));
        text_add(out, "\n");
    }
    text_add(out, "%*s\n", (int)count, "");
    for (int row = 0; row < label_rows; row++) {
        for (uint32_t i = 0; i < count; i++)
            text_add(out, "%c", row < columns[i].label_size ? columns[i].label[row] : ' ');
        text_add(out, "\n");
    }
}

void latency_draw(struct text *out, const char *name, const struct latency_series *series,
                  uint32_t now_s)
{
    struct latency_summary s;
    char rule[COLUMNS + 1];
    latency_summarize(series, now_s, &s);
    memset(rule, '-', COLUMNS);
    rule[COLUMNS] = 0;
    text_add(out, "%s - high %u ms, low %u ms (all time high %u ms)\n%s\n", name, s.max_ms,
             s.min_ms, s.all_time_ms, rule);
    for (uint32_t first = 0; first < series->count; first += COLUMNS) {
        struct column columns[COLUMNS];
        uint32_t count = series->count - first < COLUMNS ? series->count - first : COLUMNS;
        for (uint32_t i = 0; i < count; i++) {
            const struct latency_sample *sample = latency_at(series, first + i);
            uint32_t age_s = now_s > sample->time_s ? now_s - sample->time_s : 0;
            columns[i].step = step_of(sample->latency_ms, &s);
            columns[i].label_size = label_age(columns[i].label, age_s);
        }
        if (first) text_add(out, "\n");
        draw_rows(out, columns, count);
    }
}
