#include "control/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "Usage: penstock [/path/to/penstock.conf] [options] [-]\n"
    "       penstock -             (read the configuration from standard input)\n"
    "       penstock -v or --version\n"
    "       penstock -h or --help\n"
    "\n"
    "Every directive of the configuration file is an option: --name value ...\n"
    "\n"
    "Examples:\n"
    "       penstock               (defaults: 127.0.0.1 and ::1, port 6379)\n"
    "       penstock --port 7777 --maxmemory 1gb\n"
    "       penstock /etc/penstock/penstock.conf --loglevel verbose\n"
    "       echo 'maxmemory 128mb' | penstock -\n";

static bool is_word(const char *text, const char *a, const char *b)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0;
}

void options_print_error(FILE *to, const struct conf_error *error)
{
    fprintf(to, "\n*** FATAL CONFIG FILE ERROR (Penstock " PENSTOCK_VERSION ") ***\n");
    fprintf(to, "Reading the configuration file, at line %u", error->line);
    if (error->file[0]) fprintf(to, " of %s", error->file);
    fprintf(to, "\n>>> '%s'\n%s\n", error->directive, error->text);
}

static enum options_result options_fail(const struct conf_error *error)
{
    options_print_error(stderr, error);
    return OPTIONS_BAD;
}

// dir changes the folder that names are relative to.
static enum options_result find_file(struct options *o, const char *file)
{
    if (strcmp(file, "-") == 0)
        snprintf(o->config_file, sizeof o->config_file, "-");
    else if (!realpath(file, o->config_file)) {
        fprintf(stderr, "Fatal error, can't open config file '%s': %s\n", file, strerror(errno));
        return OPTIONS_BAD;
    }
    return OPTIONS_RUN;
}

static enum options_result read_all(struct options *o, int argc, char **argv)
{
    struct conf_error error = { .line = 0 };
    const char *file = NULL;
    if (argc > 0 && (argv[0][0] != '-' || argv[0][1] == '\0') &&
        find_file(o, argv[0]) != OPTIONS_RUN)
        return OPTIONS_BAD;
    if (conf_read_arguments(&o->settings, argc, argv, &file, &error) == OK) return OPTIONS_RUN;
    if (error.line > 0) return options_fail(&error);
    fprintf(stderr, "Fatal error, can't open config file '%s': %s\n", file,
            error.text[0] ? error.text : strerror(errno));
    return OPTIONS_BAD;
}

enum options_result options_read(struct options *o, int argc, char **argv)
{
    struct conf_error error = { .line = 0 };
    o->config_file[0] = '\0';
    settings_init(&o->settings);
    if (argc >= 2 && is_word(argv[1], "-v", "--version")) {
        printf("Penstock server v=" REDIS_VERSION " penstock=" PENSTOCK_VERSION
               " malloc=jemalloc bits=64\n");
        return OPTIONS_DONE;
    }
    if (argc >= 2 && is_word(argv[1], "-h", "--help")) {
        fputs(usage, stdout);
        return OPTIONS_DONE;
    }
    if (read_all(o, argc - 1, argv + 1) != OPTIONS_RUN) return OPTIONS_BAD;
    if (settings_check(&o->settings, error.text) != OK) {
        fprintf(stderr, "\n*** FATAL CONFIG FILE ERROR (Penstock " PENSTOCK_VERSION ") ***\n%s\n",
                error.text);
        return OPTIONS_BAD;
    }
    return OPTIONS_RUN;
}

void options_close(struct options *o) { settings_close(&o->settings); }

char *options_text(const struct settings *s, const char *name, char *out, size_t capacity)
{
    const struct setting_row *row = setting_find(bytes_text(name));
    size_t size = row && capacity > 1 ? setting_text(s, row, out, capacity - 1) : 0;
    out[size] = '\0';
    return out;
}
