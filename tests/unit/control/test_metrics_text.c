#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "control/metrics_text.h"

static struct metrics_text text;

static void open_text(void) { metrics_text_init(&text, 1 << 20); }
static void close_text(void) { metrics_text_close(&text); }
TestSuite(metrics_text, .init = open_text, .fini = close_text);

static void expect_text(const char *want)
{
    cr_assert(not(text.failed));
    cr_expect(eq(sz, text.size, strlen(want)));
    cr_expect(eq(int, memcmp(text.data, want, text.size), 0), "%.*s", (int)text.size, text.data);
}

Test(metrics_text, writes_a_head_and_its_samples)
{
    metrics_family(&text, "a_total", METRICS_COUNTER, "How many.");
    metrics_sample(&text, NULL, 0, 3);
    const struct metrics_label labels[] = { { "db", "db0" }, { "x", "" } };
    metrics_sample(&text, labels, 2, 0.5);
    metrics_single(&text, "b", METRICS_GAUGE, "Level.", -1);
    expect_text("# HELP a_total How many.\n# TYPE a_total counter\na_total 3\n"
                "a_total{db=\"db0\",x=\"\"} 0.5\n# HELP b Level.\n# TYPE b gauge\nb -1\n");
}

Test(metrics_text, puts_suffixes_behind_a_histograms_name)
{
    metrics_family(&text, "h", METRICS_HISTOGRAM, "Lengths.");
    metrics_sample_of(&text, "_bucket", &(struct metrics_label){ "le", "+Inf" }, 1, 2);
    metrics_sample_of(&text, "_count", NULL, 0, 2);
    expect_text("# HELP h Lengths.\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_count 2\n");
}

Test(metrics_text, escapes_what_stands_in_labels_and_help)
{
    metrics_family(&text, "a", METRICS_GAUGE, "back\\slash \"quoted\"\nnext");
    metrics_sample(&text, &(struct metrics_label){ "l", "\"\\\n\t\r\x01\x7f\xff}{=," }, 1, 1);
    expect_text("# HELP a back\\\\slash \"quoted\"\\nnext\n# TYPE a gauge\n"
                "a{l=\"\\\"\\\\\\n?????}{=,\"} 1\n");
}

Test(metrics_text, writes_numbers_that_read_back)
{
    static const double values[] = { 0, 1, 9007199254740992.0, 0.1, 1e-9, 1.7e300, -2.5, 1e22 };
    metrics_family(&text, "a", METRICS_GAUGE, "");
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        size_t from = text.size;
        metrics_sample(&text, NULL, 0, values[i]);
        cr_expect(eq(dbl, strtod(text.data + from + 2, NULL), values[i]));
    }
}

Test(metrics_text, writes_numbers_that_are_none_as_prometheus_reads_them)
{
    metrics_family(&text, "a", METRICS_GAUGE, "");
    metrics_sample(&text, NULL, 0, NAN);
    metrics_sample(&text, NULL, 0, INFINITY);
    metrics_sample(&text, NULL, 0, -INFINITY);
    expect_text("# HELP a \n# TYPE a gauge\na NaN\na +Inf\na -Inf\n");
}

static void write_much(struct metrics_text *t)
{
    char name[] = "family_0";
    for (int i = 0; i < 10; i++) {
        name[7] = (char)('0' + i);
        metrics_family(t, name, METRICS_GAUGE, "A line of help that is neither long nor short.");
        for (int n = 0; n < 200; n++)
            metrics_sample(t, &(struct metrics_label){ "label", "some value" }, 1, n);
    }
}

Test(metrics_text, grows_up_to_its_limit_and_fails_as_a_whole_beyond)
{
    write_much(&text);
    cr_assert(not(text.failed));
    size_t whole = text.size;
    for (size_t limit = 0; limit <= whole + 1; limit += limit + 997 < whole ? 997 : 1) {
        struct metrics_text small;
        metrics_text_init(&small, limit);
        write_much(&small);
        cr_expect(le(sz, small.capacity, limit));
        cr_assert(eq(int, small.failed, limit < whole), "limit %zu of %zu", limit, whole);
        char *data = metrics_text_take(&small);
        cr_expect(eq(int, data != NULL, limit >= whole));
        free(data);
        metrics_text_close(&small);
    }
}

Test(metrics_text, gives_its_bytes_away_once)
{
    metrics_single(&text, "a", METRICS_GAUGE, "", 1);
    char *data = metrics_text_take(&text);
    cr_assert(ne(ptr, data, NULL));
    cr_expect(eq(int, strncmp(data, "# HELP a ", 9), 0));
    cr_expect(eq(ptr, metrics_text_take(&text), NULL));
    free(data);
}

Test(metrics_text, stops_at_a_name_that_prometheus_would_refuse, .signal = SIGABRT)
{
    metrics_family(&text, "0name", METRICS_GAUGE, "");
}

Test(metrics_text, stops_at_a_sample_without_a_family, .signal = SIGABRT)
{
    metrics_sample(&text, NULL, 0, 1);
}
