#include "control/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char logo[] =
    "\n"
    "     ~~~~~~~~\\\n"
    "     ~~~~~~~~~\\\\        Penstock " PENSTOCK_VERSION " (Redis " REDIS_VERSION ") 64 bit\n"
    "              \\\\\\       Running in standalone mode\n"
    "               \\\\\\      Port: %lld\n"
    "                \\\\\\_    PID: %d\n"
    "                 \\__(*)\n\n";

void report_banner(struct log *l, const struct options *o)
{
    char text[512];
    const struct settings *s = &o->settings;
    long long port = (long long)(s->port ? s->port : s->tls_port);
    log_write(l, LEVEL_NOTICE, "oO0OoO0OoO0Oo Penstock is starting oO0OoO0OoO0Oo");
    log_write(l, LEVEL_NOTICE,
              "Penstock version=" PENSTOCK_VERSION ", Redis-compatible " REDIS_VERSION
              ", bits=64, pid=%d, just started",
              (int)getpid());
    if (o->config_file[0])
        log_write(l, LEVEL_NOTICE, "Configuration loaded");
    else
        log_write(l, LEVEL_WARNING,
                  "Warning: no config file specified, using the default config. In order to "
                  "specify a config file use penstock /path/to/penstock.conf");
    bool terminal = l->fd == STDOUT_FILENO && isatty(STDOUT_FILENO);
    if (s->always_show_logo || terminal) {
        int size = snprintf(text, sizeof text, logo, port, (int)getpid());
        log_raw(l, text, (size_t)size);
    }
    // Programs that start a server look for its pid in this form.
    log_write(l, LEVEL_NOTICE, "Running mode=standalone, port=%lld, PID: %d", port, (int)getpid());
}

struct value_pair {
    char a[SETTING_TEXT_MAX], b[SETTING_TEXT_MAX];
    size_t a_bytes, b_bytes;
};

static bool values_differ(struct value_pair *v, const struct setting_row *row,
                          const struct settings *a, const struct settings *b)
{
    v->a_bytes = setting_text(a, row, v->a, sizeof v->a);
    v->b_bytes = setting_text(b, row, v->b, sizeof v->b);
    return v->a_bytes != v->b_bytes || memcmp(v->a, v->b, v->a_bytes) != 0;
}

enum { SHOWN_BYTES_MAX = 200 };
static int shown(const struct setting_row *row, size_t bytes)
{
    if (row->flags & SETTING_SECRET) return 0;
    return bytes < SHOWN_BYTES_MAX ? (int)bytes : SHOWN_BYTES_MAX;
}

uint32_t report_without_effect(struct log *l, const struct settings *s)
{
    struct value_pair *v = malloc(sizeof *v);
    struct settings defaults;
    uint32_t count = 0;
    if (!v) return 0;
    settings_init(&defaults);
    for (uint32_t i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (!(row->flags & SETTING_NOT_YET) || !values_differ(v, row, s, &defaults)) continue;
        log_write(l, LEVEL_WARNING, "Directive '%s' has no effect in this version (given: '%.*s')",
                  row->name, shown(row, v->a_bytes), v->a);
        count++;
    }
    settings_close(&defaults);
    free(v);
    return count;
}

// Directives that only this process acts on: they follow the new configuration.
static bool is_ours(const char *name)
{
    static const char *const names[] = { "daemonize",
                                         "pidfile",
                                         "logfile",
                                         "supervised",
                                         "always-show-logo",
                                         "syslog-enabled",
                                         "syslog-ident",
                                         "syslog-facility",
                                         "set-proc-title",
                                         "proc-title-template",
                                         "dir" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

uint32_t report_differences(struct log *l, const struct settings *asked,
                            const struct settings *running)
{
    struct value_pair *v = malloc(sizeof *v);
    uint32_t count = 0;
    for (uint32_t i = 0; v && i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (is_ours(row->name) || !values_differ(v, row, asked, running)) continue;
        log_write(l, LEVEL_WARNING,
                  "The running dataplane keeps %s '%.*s'; the configuration now says '%.*s'",
                  row->name, shown(row, v->b_bytes), v->b, shown(row, v->a_bytes), v->a);
        count++;
    }
    free(v);
    return count;
}
