#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include "dataplane/conf/settings.h"

static struct settings s;
static char error[SETTING_ERROR_MAX];

static void open_settings(void) { settings_init(&s); }
static void close_settings(void) { settings_close(&s); }
TestSuite(settings_valid, .init = open_settings, .fini = close_settings);

// Texts of redis-server 7.0.15 for the same values; shown: what CONFIG GET then says, NULL:
// refused.
static const struct {
    const char *name, *value, *shown, *error;
} rows[] = {
    { "dbfilename", "a/b", NULL, "dbfilename can't be a path, just a filename" },
    { "dbfilename", "", NULL, "dbfilename can't be empty" },
    { "dbfilename", "a.rdb", "a.rdb", NULL },
    { "appendfilename", "/a", NULL, "appendfilename can't be a path, just a filename" },
    { "appenddirname", "a/", NULL, "appenddirname can't be a path, just a dirname" },
    { "cluster-announce-hostname", "a_b", NULL,
      "Hostnames may only contain alphanumeric characters, hyphens or dots" },
    { "cluster-announce-hostname", "a-b.C9", "a-b.C9", NULL },
    { "cluster-announce-human-nodename", "a(b", NULL,
      "Announced human node name contained invalid character" },
    { "cluster-announce-human-nodename", "node-1.a", "node-1.a", NULL },
    { "proc-title-template", "{title} {nope}", NULL,
      "template format is invalid or contains unknown variables" },
    { "proc-title-template", "{title", NULL,
      "template format is invalid or contains unknown variables" },
    { "proc-title-template", " ", NULL,
      "template format is invalid or contains unknown variables" },
    { "proc-title-template", "x {config-file}{server-mode}", "x {config-file}{server-mode}", NULL },
    { "latency-tracking-info-percentiles", "50 100.0 99.90 007", "50 100 99.9 7", NULL },
    { "latency-tracking-info-percentiles", "", "", NULL },
    { "latency-tracking-info-percentiles", "50 x", NULL,
      "Invalid latency-tracking-info-percentiles parameters" },
    { "latency-tracking-info-percentiles", "nan", NULL,
      "Invalid latency-tracking-info-percentiles parameters" },
    { "latency-tracking-info-percentiles", "100.1", NULL,
      "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]" },
    { "latency-tracking-info-percentiles", "-1", NULL,
      "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]" },
    { "oom-score-adj-values", "1 2", NULL, "wrong number of arguments" },
    { "oom-score-adj-values", "1 2 2001", NULL,
      "Invalid oom-score-adj-values, elements must be between -2000 and 2000." },
    { "oom-score-adj-values", "1 2 x", NULL,
      "Invalid oom-score-adj-values, elements must be between -2000 and 2000." },
    { "oom-score-adj-values", "-2000 0 2000", "-2000 0 2000", NULL },
    { "replicaof", "no one", "", NULL },
    { "replicaof", "NO ONE", "", NULL },
    { "replicaof", "h 65536", NULL, "Invalid master port" },
    { "replicaof", "h", NULL, "wrong number of arguments" },
    { "replicaof", "h 1 2", NULL, "wrong number of arguments" },
    { "replicaof", "h 6379", "h 6379", NULL },
    { "rename-command", "GET", NULL, "Bad directive or wrong number of arguments" },
    { "rename-command", "GET a", "GET a", NULL },
    { "hz", "0", "1", NULL },
    { "hz", "1000", "500", NULL },
    { "repl-backlog-size", "1", "16384", NULL },
    { "maxmemory", "99999999999999999999", NULL,
      "argument must be between 0 and 9223372036854775807 inclusive" },
    { "maxmemory", "99999999999999999999gb", NULL,
      "argument must be between 0 and 9223372036854775807 inclusive" },
    { "maxmemory", "99999999999999999999x", NULL, "argument must be a memory value" },
    { "maxmemory", "gb", NULL, "argument must be a memory value" },
};

Test(settings_valid, takes_what_makes_sense)
{
    char text[256];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct setting_row *row = setting_find(bytes_text(rows[i].name));
        cr_assert(ne(ptr, (void *)row, NULL), "%s", rows[i].name);
        enum status status = setting_assign_text(&s, row, bytes_text(rows[i].value), error);
        cr_expect(eq(int, status, rows[i].shown ? OK : ERR_PEER), "%s %s", rows[i].name,
                  rows[i].value);
        if (!rows[i].shown) {
            cr_expect(eq(str, error, (char *)rows[i].error), "%s %s", rows[i].name, rows[i].value);
            continue;
        }
        text[setting_text(&s, row, text, sizeof text - 1)] = '\0';
        cr_expect(eq(str, text, (char *)rows[i].shown), "%s %s", rows[i].name, rows[i].value);
    }
}

Test(settings_valid, leaves_the_old_value_where_it_refuses)
{
    char text[64];
    const struct setting_row *row = setting_find(bytes_text("latency-tracking-info-percentiles"));
    cr_expect(eq(int, setting_assign_text(&s, row, bytes_text("1 x"), error), ERR_PEER));
    text[setting_text(&s, row, text, sizeof text - 1)] = '\0';
    cr_expect(eq(str, text, (char *)"50 99 99.9"));
}

Test(settings_valid, knows_the_score_that_is_asked_for)
{
    const struct setting_row *mode = setting_find(bytes_text("oom-score-adj"));
    const struct setting_row *values = setting_find(bytes_text("oom-score-adj-values"));
    cr_expect(eq(i64, settings_oom_score(&s, 7), 7));
    cr_assert(eq(int, setting_assign_text(&s, values, bytes_text("100 1 2"), error), OK));
    cr_expect(eq(i64, settings_oom_score(&s, 7), 7));
    cr_assert(eq(int, setting_assign_text(&s, mode, bytes_text("yes"), error), OK));
    cr_expect(eq(i64, settings_oom_score(&s, 7), 107));
    cr_assert(eq(int, setting_assign_text(&s, mode, bytes_text("absolute"), error), OK));
    cr_expect(eq(i64, settings_oom_score(&s, 7), 100));
}
