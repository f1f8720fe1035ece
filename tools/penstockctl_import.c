// import: keys of a snapshot, an append-only log or a running server into a running server.
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "tools/penstockctl_import.h"
#include "tools/penstockctl_print.h"

// The name of a running source, without its password.
static char *name_of(const struct ctl_options *server)
{
    char *name;
    bool is_six = strchr(server->host, ':') != NULL;
    int size =
        asprintf(&name, is_six ? "redis://[%s]:%d" : "redis://%s:%d", server->host, server->port);
    return size < 0 ? NULL : name;
}

static void print_summary(const struct import *im, bool json, bool done, double seconds)
{
    const struct target *t = &im->target;
    struct print p;
    print_open(&p, stdout, json);
    print_text(&p, "source", im->source);
    print_flag(&p, "complete", done);
    print_count(&p, "keys", t->answered[TARGET_KEY]);
    print_count(&p, "functions", t->answered[TARGET_FUNCTION]);
    print_count(&p, "commands", t->answered[TARGET_COMMAND]);
    print_count(&p, "errors", t->refused);
    print_number(&p, "seconds", seconds, 1);
    print_close(&p);
}

static enum ctl_exit conclude(struct import *im, const struct ctl_options *o, enum ctl_exit result,
                              double seconds)
{
    const struct target *t = &im->target;
    bool done = result == CTL_OK && t->refused == 0 && !t->is_lost;
    progress_hide(&im->progress);
    print_summary(im, o->json, done, seconds);
    if (!t->keeps_going && t->refused > TARGET_TOLD_MAX)
        ctl_complain("%llu more that were under way were refused, too",
                     (unsigned long long)t->refused - TARGET_TOLD_MAX);
    if (t->refused && !t->keeps_going && !t->is_lost)
        ctl_complain("stopped at the first error; --keep-going goes on with what it can bring");
    if (result != CTL_OK) return result;
    return t->is_lost && !t->is_source_lost ? CTL_BROKEN : done ? CTL_OK : CTL_ANSWERED_ERROR;
}

static enum ctl_exit bring(struct import *im, const struct ctl_options *o,
                           const struct ctl_options *server)
{
    struct progress whole;
    uint32_t pipeline = o->import.pipeline ? o->import.pipeline : 128;
    enum ctl_exit result = target_open(&im->target, o, &im->progress, pipeline);
    if (result != CTL_OK) return result;
    im->target.keeps_going = o->import.keeps_going;
    progress_begin(&whole, "", NULL, 0);
    if (server)
        result = import_server(im, server);
    else
        import_path(im);
    result = conclude(im, o, result, progress_seconds(&whole));
    target_close(&im->target);
    return result;
}

static enum ctl_exit bring_from_server(struct import *im, const struct ctl_options *o)
{
    struct ctl_options server;
    char *text = strdup(im->source), *name = NULL;
    enum ctl_exit result = CTL_USAGE;
    if (text && import_server_parse(im, text, &server) && (name = name_of(&server))) {
        im->source = name;
        result = bring(im, o, &server);
    }
    free(name);
    free(text);
    return result;
}

enum ctl_exit ctl_import(const struct ctl_options *o, int argc, char **argv)
{
    struct import im = { .replaces = o->import.replaces, .database = o->import.database };
    if (argc != 1) {
        ctl_complain("usage: penstockctl import SOURCE [--to HOST:PORT] [--db N|all] [--replace] "
                     "[--keep-going] [--pipeline N]");
        return CTL_USAGE;
    }
    if (heap_open(&im.heap) != OK) {
        ctl_complain("out of memory");
        return CTL_BROKEN;
    }
    im.source = argv[0];
    enum ctl_exit result =
        import_is_server(argv[0]) ? bring_from_server(&im, o) : bring(&im, o, NULL);
    heap_close(&im.heap);
    return result;
}
