// settings_valid.c: texts that not any text will do for, directive by directive; Redis's errors.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/base/check.h"
#include "dataplane/base/num.h"
#include "dataplane/conf/settings_priv.h"

// The text is NUL-ended, on the heap, and may be replaced by its canonical form.
typedef bool valid_text(char **text, char error[SETTING_ERROR_MAX]);

static bool refuse(char error[SETTING_ERROR_MAX], const char *why)
{
    snprintf(error, SETTING_ERROR_MAX, "%s", why);
    return false;
}

static bool is_path(const char *text)
{
    return strchr(text, '/') != NULL || strcmp(text, ".") == 0 || strcmp(text, "..") == 0;
}

static bool dbfilename_is_valid(char **text, char error[SETTING_ERROR_MAX])
{
    return !is_path(*text) || refuse(error, "dbfilename can't be a path, just a filename");
}

static bool appendfilename_is_valid(char **text, char error[SETTING_ERROR_MAX])
{
    return !is_path(*text) || refuse(error, "appendfilename can't be a path, just a filename");
}

static bool appenddirname_is_valid(char **text, char error[SETTING_ERROR_MAX])
{
    return !is_path(*text) || refuse(error, "appenddirname can't be a path, just a dirname");
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool hostname_is_valid(char **text, char error[SETTING_ERROR_MAX])
{
    enum { HOSTNAME_MAX = 256 };
    if (strlen(*text) >= HOSTNAME_MAX)
        return refuse(error, "Hostnames must be less than 256 characters");
    for (const char *c = *text; *c; c++)
        if (!is_alphanumeric(*c) && *c != '-' && *c != '.')
            return refuse(error,
                          "Hostnames may only contain alphanumeric characters, hyphens or dots");
    return true;
}

static bool nodename_is_valid(char **text, char error[SETTING_ERROR_MAX])
{
    enum { NODENAME_MAX = 256 };
    if (strlen(*text) >= NODENAME_MAX)
        return refuse(error, "Human nodenames must be less than 256 characters");
    for (const char *c = *text; *c; c++)
        if (!is_alphanumeric(*c) && !strchr("-._/:@+,= ", *c))
            return refuse(error, "Announced human node name contained invalid character");
    return true;
}

static bool template_is_valid(char **text, char error[SETTING_ERROR_MAX])
{
    static const char *const names[] = { "title",    "listen-addr", "server-mode", "port",
                                         "tls-port", "unixsocket",  "config-file" };
    static const char wrong[] = "template format is invalid or contains unknown variables";
    if ((*text)[strspn(*text, " ")] == '\0') return refuse(error, wrong);
    for (const char *at = *text; (at = strchr(at, '{'));) {
        const char *close = strchr(at, '}');
        size_t size = close ? (size_t)(close - at - 1) : 0;
        bool is_known = false;
        for (uint32_t i = 0; close && i < sizeof names / sizeof *names; i++)
            is_known |= strlen(names[i]) == size && memcmp(at + 1, names[i], size) == 0;
        if (!is_known) return refuse(error, wrong);
        at = close;
    }
    return true;
}

static bool percentiles_are_valid(char **text, char error[SETTING_ERROR_MAX])
{
    size_t capacity = strlen(*text) * 2 + 64, at = 0; // "1" and "1.000000" cut to "1"
    char *out = malloc(capacity), *words = *text;
    CHECK(out != NULL);
    out[0] = 0;
    for (char *word; (word = strsep(&words, " "));) {
        double percent;
        char number[64];
        if (!*word) continue;
        if (!num_parse_double(bytes_text(word), &percent) || isnan(percent)) {
            free(out);
            return refuse(error, "Invalid latency-tracking-info-percentiles parameters");
        }
        if (percent < 0 || percent > 100) {
            free(out);
            return refuse(error, "latency-tracking-info-percentiles parameters should sit between "
                                 "[0.0,100.0]");
        }
        int size = snprintf(number, sizeof number, "%f", percent); // INFO names them so
        while (size && number[size - 1] == '0') size--;
        if (size && number[size - 1] == '.') size--;
        if (at + (size_t)size + 2 > capacity) break;
        at += (size_t)snprintf(out + at, capacity - at, "%s%.*s", at ? " " : "", size, number);
    }
    free(*text);
    *text = out;
    return true;
}

static bool oom_scores_are_valid(char **text, char error[SETTING_ERROR_MAX])
{
    const char *at = *text;
    while (*at) {
        int64_t value;
        size_t size = strcspn(at, " ");
        if (!num_parse_int(bytes_make(at, size), &value) || value < -2000 || value > 2000)
            return refuse(error,
                          "Invalid oom-score-adj-values, elements must be between -2000 and 2000.");
        at += size + (at[size] == ' ');
    }
    return true;
}

// "no one" is no primary.
static bool primary_is_valid(char **text, char error[SETTING_ERROR_MAX])
{
    int64_t port;
    const char *space = strchr(*text, ' ');
    if (**text == '\0') return true;
    if (!space || strchr(space + 1, ' ')) return refuse(error, "wrong number of arguments");
    if (bytes_equal_nocase(bytes_text(*text), BYTES_LITERAL("no one"))) {
        **text = '\0';
        return true;
    }
    bool is_port = num_parse_int(bytes_text(space + 1), &port) && port >= 0 && port <= 65535;
    return is_port || refuse(error, "Invalid master port");
}

bool setting_text_is_valid(const struct setting_row *row, char **text,
                           char error[SETTING_ERROR_MAX])
{
    static const struct {
        const char *name;
        valid_text *is_valid;
    } rules[] = {
        { "appenddirname", appenddirname_is_valid },
        { "appendfilename", appendfilename_is_valid },
        { "cluster-announce-hostname", hostname_is_valid },
        { "cluster-announce-human-nodename", nodename_is_valid },
        { "dbfilename", dbfilename_is_valid },
        { "latency-tracking-info-percentiles", percentiles_are_valid },
        { "oom-score-adj-values", oom_scores_are_valid },
        { "proc-title-template", template_is_valid },
        { "replicaof", primary_is_valid },
    };
    for (uint32_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].name, row->name) == 0) return rules[i].is_valid(text, error);
    return true;
}

bool setting_line_is_valid(const struct setting_row *row, const struct bytes *words, uint32_t count)
{
    if (strcmp(row->name, "rename-command") != 0) return true;
    if (count == 1) return words[0].size == 0 || memchr(words[0].data, ' ', words[0].size) != NULL;
    return count == 2;
}

int64_t setting_settle_number(const struct setting_row *row, int64_t value)
{
    enum { BACKLOG_BYTES_MIN = 16 * 1024 };
    if (strcmp(row->name, "hz") == 0) return value < 1 ? 1 : value > 500 ? 500 : value;
    if (strcmp(row->name, "repl-backlog-size") == 0 && value < BACKLOG_BYTES_MIN)
        return BACKLOG_BYTES_MIN;
    return value;
}
