// penstockctl: the operator's command line. One verb a call; help says the rest.
#include "tools/penstockctl.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: penstockctl [options] VERB [arguments]\n"
    "\n"
    "Verbs\n"
    "  ping                          is the server answering? prints PONG\n"
    "  status                        processes, ports, clients, keys and memory of an instance\n"
    "  top                           the ledger, live: cycles, requests, memory, traffic\n"
    "  shards                        a line per shard: requests, clients, keys, memory, slots\n"
    "  shards move FIRST-LAST SHARD [--wait]\n"
    "                                give these slots, with their keys, to that shard\n"
    "  config get PATTERN            directives and their values\n"
    "  config set NAME VALUE [...]   change directives, all or none\n"
    "  check-aof [--fix | --truncate-to-timestamp SECONDS] [--yes] FILE\n"
    "                                is this log whole? FILE is its manifest, or one file of it. "
    "--fix\n"
    "                                cuts an unfinished end (a torn command, a MULTI without "
    "EXEC,\n"
    "                                zeros behind) off the last file; --truncate-to-timestamp "
    "cuts\n"
    "                                what is newer. Both ask first, unless --yes, and nothing "
    "else is\n"
    "                                ever cut: not damage, not a file that others follow. What "
    "seems\n"
    "                                to hold good commands is not cut with --yes\n"
    "  check-rdb FILE                reads all of a snapshot: is it whole, what is in it\n"
    "  dump-rdb FILE                 its keys as JSON, one line each\n"
    "  import SOURCE [--to HOST:PORT] [--db N|all] [--replace] [--keep-going] [--pipeline N]\n"
    "                                brings the keys of SOURCE into a running server. SOURCE is a\n"
    "                                snapshot, an append-only directory, manifest or file, or\n"
    "                                redis://[[USER]:PASSWORD@]HOST[:PORT][/DB], a running server: "
    "what it\n"
    "                                holds when it makes its snapshot. A log's commands run as "
    "they\n"
    "                                are, FLUSHALL too: into an empty server, or with --replace\n"
    "  help                          this text\n"
    "\n"
    "ping, config, import and shards move ask the server; status, top and shards read the "
    "instance's "
    "shared region on\n"
    "this machine (as the user it runs as) and work also when the server does not answer.\n"
    "\n"
    "Options\n"
    "  -h, --host HOST          server's host (127.0.0.1)\n"
    "  -p, --port PORT          server's port (6379); the instance's for status, top, shards\n"
    "  -s, --socket PATH        server's Unix socket instead\n"
    "  -a, --password WORD      better in the environment: REDISCLI_AUTH\n"
    "      --user NAME          user to log in as\n"
    "      --instance NAME      instance of status, top, shards; needed when several run\n"
    "      --json               one JSON object instead of lines\n"
    "      --once               top: one look, then exit\n"
    "      --interval SECONDS   top, shards: between looks (1)\n"
    "      --to HOST:PORT       import: same as --host and --port\n"
    "      --db N|all           import: the keys of this database alone (all)\n"
    "      --replace            import: instead of keys and functions that are there\n"
    "      --keep-going         import: after an error, too\n"
    "      --pipeline N         import: requests under way at once (128)\n"
    "      --help, --version\n"
    "\n"
    "Exit codes\n"
    "  0  done; ping: PONG; status: both processes run and the server is ready\n"
    "  1  the server answered with an error; status: running, but not fully; the file is broken;\n"
    "     import: not all was brought\n"
    "  2  wrong usage, or several instances and none named\n"
    "  3  cannot connect; no such instance is running\n"
    "  4  the connection broke or the answer made no sense\n";

void ctl_complain(const char *format, ...)
{
    va_list args;
    fputs("penstockctl: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

enum {
    OPTION_USER = 256,
    OPTION_INSTANCE,
    OPTION_JSON,
    OPTION_ONCE,
    OPTION_INTERVAL,
    OPTION_TO,
    OPTION_DATABASE,
    OPTION_REPLACE,
    OPTION_KEEP_GOING,
    OPTION_PIPELINE,
    OPTION_HELP,
    OPTION_VERSION
};

static const struct option long_options[] = {
    { "host", required_argument, NULL, 'h' },
    { "port", required_argument, NULL, 'p' },
    { "socket", required_argument, NULL, 's' },
    { "password", required_argument, NULL, 'a' },
    { "user", required_argument, NULL, OPTION_USER },
    { "instance", required_argument, NULL, OPTION_INSTANCE },
    { "json", no_argument, NULL, OPTION_JSON },
    { "once", no_argument, NULL, OPTION_ONCE },
    { "interval", required_argument, NULL, OPTION_INTERVAL },
    { "to", required_argument, NULL, OPTION_TO },
    { "db", required_argument, NULL, OPTION_DATABASE },
    { "replace", no_argument, NULL, OPTION_REPLACE },
    { "keep-going", no_argument, NULL, OPTION_KEEP_GOING },
    { "pipeline", required_argument, NULL, OPTION_PIPELINE },
    { "help", no_argument, NULL, OPTION_HELP },
    { "version", no_argument, NULL, OPTION_VERSION },
    { NULL, 0, NULL, 0 },
};

static bool read_port(struct ctl_options *o, const char *text)
{
    char *end;
    long port = strtol(text, &end, 10);
    o->port = (int)port;
    o->port_given = true;
    if (*end == '\0' && end != text && port >= 1 && port <= 65535) return true;
    ctl_complain("not a port: %s", text);
    return false;
}

static bool read_interval(struct ctl_options *o, const char *text)
{
    char *end;
    o->interval_s = strtod(text, &end);
    if (*end == '\0' && end != text && o->interval_s >= 0.05 && o->interval_s <= 3600) return true;
    ctl_complain("not an interval of 0.05 to 3600 seconds: %s", text);
    return false;
}

// The text is argv's own, and cut at the port's colon. [HOST] for addresses that have colons.
static bool read_target(struct ctl_options *o, char *text)
{
    char *colon = strrchr(text, ':'), *bracket = strrchr(text, ']');
    if (!colon || colon == text || colon < bracket) {
        ctl_complain("not HOST:PORT: %s", text);
        return false;
    }
    if (!read_port(o, colon + 1)) return false;
    *colon = '\0';
    if (bracket) *bracket = '\0';
    o->host = text[0] == '[' ? text + 1 : text;
    return true;
}

static bool read_count(int64_t *out, const char *text, long min, long max, const char *what)
{
    char *end;
    *out = strtol(text, &end, 10);
    if (*end == '\0' && end != text && *out >= min && *out <= max) return true;
    ctl_complain("not %s: %s", what, text);
    return false;
}

static bool read_database(struct ctl_options *o, const char *text)
{
    o->import.database = -1;
    if (strcmp(text, "all") == 0) return true;
    return read_count(&o->import.database, text, 0, INT32_MAX, "a database, or all");
}

static bool read_pipeline(struct ctl_options *o, const char *text)
{
    int64_t count;
    if (!read_count(&count, text, 1, 100000, "a number of 1 to 100000")) return false;
    o->import.pipeline = (uint32_t)count;
    return true;
}

static bool read_import_option(struct ctl_options *o, int option)
{
    switch (option) {
    case OPTION_TO:
        return read_target(o, optarg);
    case OPTION_DATABASE:
        return read_database(o, optarg);
    case OPTION_PIPELINE:
        return read_pipeline(o, optarg);
    case OPTION_REPLACE:
        o->import.replaces = true;
        return true;
    case OPTION_KEEP_GOING:
        o->import.keeps_going = true;
        return true;
    default:
        fputs("penstockctl --help says what can be given\n", stderr);
        return false;
    }
}

static bool read_option(struct ctl_options *o, int option)
{
    switch (option) {
    case 'h':
        o->host = optarg;
        return true;
    case 'p':
        return read_port(o, optarg);
    case 's':
        o->socket = optarg;
        return true;
    case 'a':
        o->password = optarg;
        return true;
    case OPTION_USER:
        o->user = optarg;
        return true;
    case OPTION_INSTANCE:
        o->instance = optarg;
        return true;
    case OPTION_JSON:
        o->json = true;
        return true;
    case OPTION_ONCE:
        o->once = true;
        return true;
    case OPTION_INTERVAL:
        return read_interval(o, optarg);
    case OPTION_HELP:
        fputs(help, stdout);
        exit(CTL_OK);
    case OPTION_VERSION:
        puts("penstockctl " PENSTOCK_VERSION);
        exit(CTL_OK);
    default:
        return read_import_option(o, option);
    }
}

static const struct verb {
    const char *name;
    enum ctl_exit (*run)(const struct ctl_options *o, int argc, char **argv);
    bool takes_words; // besides options
} verbs[] = {
    { "ping", ctl_ping, false },
    { "status", ctl_status, false },
    { "top", ctl_top, false },
    { "shards", ctl_shards, false },
    { "config", ctl_config, true },
    { "check-rdb", ctl_check_rdb, true },
    { "check-aof", ctl_check_aof, true },
    { "dump-rdb", ctl_dump_rdb, true },
    { "import", ctl_import, true },
};

static const struct verb *verb_of(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(name, verbs[i].name) == 0) return &verbs[i];
    return NULL;
}

static enum ctl_exit run_verb(const struct ctl_options *o, int argc, char **argv)
{
    const struct verb *verb = verb_of(argv[0]);
    if (verb) return verb->run(o, argc - 1, argv + 1);
    if (strcmp(argv[0], "help") == 0) {
        fputs(help, stdout);
        return CTL_OK;
    }
    ctl_complain("unknown verb: %s", argv[0]);
    fputs("penstockctl --help lists them\n", stderr);
    return CTL_USAGE;
}

int main(int argc, char **argv)
{
    struct ctl_options o = { .host = "127.0.0.1",
                             .port = 6379,
                             .password = getenv("REDISCLI_AUTH"),
                             .interval_s = 1,
                             .import.database = -1 };
    int option;
    // Options may also stand behind the verb, but "config set x -1" must reach the verb whole.
    while ((option = getopt_long(argc, argv, "+h:p:s:a:", long_options, NULL)) != -1)
        if (!read_option(&o, option)) return CTL_USAGE;
    if (optind == argc) {
        fputs(help, stderr);
        return CTL_USAGE;
    }
    char **words = argv + optind;
    int count = argc - optind;
    bool moves = count > 1 && strcmp(words[0], "shards") == 0 && strcmp(words[1], "move") == 0;
    // So must those that read options of their own.
    bool own = strcmp(words[0], "config") == 0 || strcmp(words[0], "check-aof") == 0;
    bool plain = !own && !moves;
    optind = 0; // starts getopt anew: the words are scanned as if the verb were the program
    while (plain && (option = getopt_long(count, words, "h:p:s:a:", long_options, NULL)) != -1)
        if (!read_option(&o, option)) return CTL_USAGE;
    if (!plain) return (int)run_verb(&o, count, words);
    const struct verb *verb = verb_of(words[0]);
    if (optind < count && !(verb && verb->takes_words)) {
        ctl_complain("%s takes no arguments", words[0]);
        return CTL_USAGE;
    }
    words[optind - 1] = words[0]; // options went before the others
    return (int)run_verb(&o, count - optind + 1, words + optind - 1);
}
