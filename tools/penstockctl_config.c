// ping and config: the verbs that ask the server itself.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/penstockctl_client.h"
#include "tools/penstockctl_print.h"

static enum ctl_exit answered_error(const struct reply *r)
{
    ctl_complain("%s", r->text);
    return CTL_ANSWERED_ERROR;
}

static enum ctl_exit print_status_reply(const struct reply *r)
{
    if (r->type == '-') return answered_error(r);
    if (r->type != '+') {
        ctl_complain("unexpected answer of type '%c'", r->type);
        return CTL_BROKEN;
    }
    printf("%s\n", r->text);
    return CTL_OK;
}

static enum ctl_exit call(const struct ctl_options *o, int argc, const char *const *argv,
                          enum ctl_exit (*print)(const struct reply *r, bool json))
{
    struct client *c = calloc(1, sizeof *c);
    struct reply reply;
    if (!c) return CTL_BROKEN;
    enum ctl_exit result = client_open(c, o);
    if (result == CTL_OK) {
        result = client_call(c, argc, argv, &reply);
        if (result == CTL_OK) {
            result = print(&reply, o->json);
            reply_free(&reply);
        }
        client_close(c);
    }
    free(c);
    return result;
}

static enum ctl_exit print_plain(const struct reply *r, bool json)
{
    (void)json;
    return print_status_reply(r);
}

enum ctl_exit ctl_ping(const struct ctl_options *o, int argc, char **argv)
{
    (void)argv;
    if (argc != 0) {
        ctl_complain("ping takes no arguments");
        return CTL_USAGE;
    }
    return call(o, 1, (const char *const[]){ "PING" }, print_plain);
}

static enum ctl_exit print_pairs(const struct reply *r, bool json)
{
    struct print p;
    if (r->type == '-') return answered_error(r);
    if (r->type != '*' || r->count % 2 != 0) {
        ctl_complain("unexpected answer of type '%c'", r->type);
        return CTL_BROKEN;
    }
    print_open(&p, stdout, json);
    for (size_t i = 0; i + 1 < r->count; i += 2) {
        const struct reply *name = &r->items[i], *value = &r->items[i + 1];
        if (json)
            print_text(&p, name->text ? name->text : "", value->text ? value->text : "");
        else
            printf("%s %s\n", name->text ? name->text : "", value->text ? value->text : "");
    }
    print_close(&p);
    return CTL_OK;
}

enum ctl_exit ctl_config(const struct ctl_options *o, int argc, char **argv)
{
    const char *words[66] = { "CONFIG" };
    bool get = argc == 2 && strcmp(argv[0], "get") == 0;
    bool set = argc >= 3 && argc % 2 == 1 && strcmp(argv[0], "set") == 0;
    if ((!get && !set) || argc > 64) {
        ctl_complain(
            "usage: penstockctl config get PATTERN | config set NAME VALUE [NAME VALUE ...]");
        return CTL_USAGE;
    }
    for (int i = 0; i < argc; i++) words[i + 1] = argv[i];
    return call(o, argc + 1, words, get ? print_pairs : print_plain);
}
