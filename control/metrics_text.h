// metrics_text.h: writes Prometheus's text format into a buffer that grows up to a limit.
//
//   # HELP redis_db_keys Keys, by database.
//   # TYPE redis_db_keys gauge
//   redis_db_keys{db="db0"} 12
//
// Source:  Prometheus "Exposition formats", text-based format 0.0.4
// Thread:  control's own
// Memory:  owns data until metrics_text_close, or until metrics_text_take gives it away
// A family's samples follow its head at once, as the format asks. Once something did not fit, or
// memory is short, nothing more is written and failed stays set: half a page is never served.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

struct metrics_text {
    char *data;
    size_t size, capacity, limit; // bytes
    const char *family;           // borrowed: its name
    bool failed;
};
struct metrics_label {
    const char *name, *value; // the value may hold anything: it is escaped
};

void metrics_text_init(struct metrics_text *t, size_t limit_bytes); // takes no memory yet
void metrics_text_close(struct metrics_text *t);
char *metrics_text_take(struct metrics_text *t); // malloc'd, now the caller's; NULL when failed

// name: [a-zA-Z_:][a-zA-Z0-9_:]*, CHECKed; must outlive the family's samples.
void metrics_family(struct metrics_text *t, const char *name, enum metrics_type type,
                    const char *help);
void metrics_sample(struct metrics_text *t, const struct metrics_label *labels, uint32_t count,
                    double value);
// With a suffix behind the family's name: a histogram's _bucket, _sum and _count.
void metrics_sample_of(struct metrics_text *t, const char *suffix,
                       const struct metrics_label *labels, uint32_t count, double value);
// A family of one sample without labels.
void metrics_single(struct metrics_text *t, const char *name, enum metrics_type type,
                    const char *help, double value);
