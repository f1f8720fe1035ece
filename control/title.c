#include "control/title.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char **title_copy_arguments(int argc, char **argv)
{
    char **copy = calloc((size_t)argc + 1, sizeof *copy);
    for (int i = 0; copy && i < argc; i++)
        if (!(copy[i] = strdup(argv[i]))) return NULL; // out of memory at start: the caller ends
    return copy;
}

void title_free_arguments(char **copy)
{
    for (char **argument = copy; *argument; argument++) free(*argument);
    free(copy);
}

// The strings of argv and then environ normally lie one behind the other: returns where they stop
// doing so.
static char *contiguous_end(char *end, char **strings, int count)
{
    for (int i = 0; i < count && strings[i] == end; i++) end = strings[i] + strlen(strings[i]) + 1;
    return end;
}

static bool move_environment(int count)
{
    char **moved = title_copy_arguments(count, environ);
    if (moved) environ = moved;
    return moved != NULL;
}

struct title title_open(int argc, char **argv)
{
    struct title t = { NULL, 0 };
    int environ_count = 0;
    if (argc < 1 || !argv[0]) return t;
    while (environ && environ[environ_count]) environ_count++;
    char *end = contiguous_end(argv[0], argv, argc);
    char *environ_end = contiguous_end(end, environ, environ_count);
    if (environ_end > end && move_environment(environ_count)) end = environ_end;
    t.area = argv[0];
    t.area_bytes = (size_t)(end - argv[0]);
    return t;
}

void title_set(struct title *t, const char *text)
{
    if (!t->area || t->area_bytes < 2) return;
    size_t size = strlen(text);
    if (size > t->area_bytes - 1) size = t->area_bytes - 1;
    memset(t->area, 0, t->area_bytes);
    memcpy(t->area, text, size);
}

static bool title_value(char *out, size_t capacity, const char *word, size_t size,
                        const struct title_values *v)
{
    char port[24] = "", tls_port[24] = "";
    if (v->port) snprintf(port, sizeof port, "%lld", v->port);
    if (v->tls_port) snprintf(tls_port, sizeof tls_port, "%lld", v->tls_port);
    const struct {
        const char *name, *value;
    } rows[] = { { "title", v->title },
                 { "listen-addr", v->listen_address },
                 { "server-mode", v->server_mode },
                 { "unixsocket", v->unixsocket },
                 { "config-file", v->config_file },
                 { "port", port },
                 { "tls-port", tls_port } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strlen(rows[i].name) != size || memcmp(rows[i].name, word, size) != 0) continue;
        snprintf(out, capacity, "%s", rows[i].value ? rows[i].value : "");
        return true;
    }
    return false;
}

bool title_expand(char *out, size_t capacity, const char *pattern, const struct title_values *v)
{
    char value[1024];
    size_t used = 0;
    while (*pattern) {
        size_t plain = strcspn(pattern, "{");
        int added = snprintf(out + used, capacity - used, "%.*s", (int)plain, pattern);
        pattern += plain;
        if (*pattern == '{') {
            const char *close = strchr(pattern, '}');
            if (!close) return false;
            if (!title_value(value, sizeof value, pattern + 1, (size_t)(close - pattern - 1), v))
                return false;
            used += (size_t)added < capacity - used ? (size_t)added : capacity - used - 1;
            added = snprintf(out + used, capacity - used, "%s", value);
            pattern = close + 1;
        }
        used += (size_t)added < capacity - used ? (size_t)added : capacity - used - 1;
    }
    while (used > 0 && out[used - 1] == ' ') used--;
    out[used] = '\0';
    return true;
}
