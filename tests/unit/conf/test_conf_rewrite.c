#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include "dataplane/conf/conf_file.h"
#include "dataplane/conf/conf_rewrite.h"

// Reads old, applies the CONFIG SET pairs, rewrites. save, dir and the percentiles are always
// there; tests that are not about them cut the tail off (from the signature on) or search.
static char *rewrite_users(const char *old, const char *const *pairs, const char *users, bool all)
{
    struct settings s;
    struct conf_error error;
    char text[SETTING_ERROR_MAX];
    size_t size;
    settings_init(&s);
    cr_assert(eq(int, conf_read_text(&s, bytes_text(old), "old", &error), OK), "%s", error.text);
    for (; pairs && pairs[0]; pairs += 2)
        cr_assert(eq(int,
                     setting_assign_text(&s, setting_find(bytes_text(pairs[0])),
                                         bytes_text(pairs[1]), text),
                     OK),
                  "%s", text);
    struct conf_rewrite in = { .old = bytes_text(old),
                               .settings = &s,
                               .directory = "/srv",
                               .has_users = users != NULL,
                               .users = bytes_text(users ? users : ""),
                               .writes_all = all };
    char *out = conf_rewrite(&in, &size);
    cr_expect(eq(sz, size, strlen(out)));
    settings_close(&s);
    return out;
}

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
#define ALWAYS                                                                                     \
    "save 3600 1\nsave 300 100\nsave 60 10000\ndir \"/srv\"\n"                                     \
    "latency-tracking-info-percentiles 50 99 99.9\n"

static void expect(const char *old, const char *const *pairs, const char *want, const char *why)
{
    char *out = rewrite_users(old, pairs, NULL, false);
    cr_expect(eq(str, out, (char *)want), "%s", why);
    free(out);
}

static const struct {
    const char *old;
    const char *pairs[8];
    const char *want;
    const char *why;
} rows[] = {
    { ALWAYS, { NULL }, ALWAYS, "a file that needs no change stays as it is" },
    { "# a\n\n  # b\nport 6379\n" ALWAYS,
      { NULL },
      "# a\n\n# b\nport 6379\n" ALWAYS,
      "comments and their order stay, without indentation" },
    { ALWAYS "Maxmemory 100\nhz 20\n",
      { "maxmemory", "1073741824" },
      ALWAYS "maxmemory 1gb\nhz 20\n",
      "replaced where it stands" },
    { ALWAYS "maxmemory 100\n",
      { "maxmemory", "0" },
      ALWAYS "maxmemory 0\n",
      "a default stays where the file has the directive" },
    { ALWAYS,
      { "hz", "50", "maxmemory-clients", "5%", "maxmemory", "3145728" },
      ALWAYS "\n" CONF_REWRITE_SIGNATURE "\nhz 50\nmaxmemory 3mb\nmaxmemory-clients 5%\n",
      "what differs from its default is added behind the signature" },
    { ALWAYS "hz 11\nport 7\nhz 12\n",
      { NULL },
      ALWAYS "hz 12\nport 7\n\n",
      "a line too many goes" },
    { ALWAYS "\n\n\nhz 11\n\n\n",
      { NULL },
      ALWAYS "\nhz 11\n\n",
      "blank lines in a row become one" },
    { ALWAYS CONF_REWRITE_SIGNATURE "\n",
      { "hz", "12" },
      ALWAYS CONF_REWRITE_SIGNATURE "\nhz 12\n",
      "signed once" },
    { "slave-read-only no\nlua-time-limit 3\n" ALWAYS,
      { NULL },
      "replica-read-only no\nbusy-reply-threshold 3\n" ALWAYS,
      "under its own name" },
    { "save 1 2\nsave 3 4\ndir \"/srv\"\nlatency-tracking-info-percentiles 50 99 99.9\n",
      { "save", "5 6" },
      "save 5 6\n\ndir \"/srv\"\nlatency-tracking-info-percentiles 50 99 99.9\n",
      "a save point fewer" },
    { "save 1 2\ndir /\nlatency-tracking-info-percentiles 1\n",
      { "save", "", "latency-tracking-info-percentiles", "" },
      "save \"\"\ndir \"/srv\"\nlatency-tracking-info-percentiles \"\"\n",
      "none is said, or the defaults would come back" },
    { "client-output-buffer-limit pubsub 1mb 2mb 10\n" ALWAYS,
      { NULL },
      "client-output-buffer-limit normal 0 0 0\n" ALWAYS "\n" CONF_REWRITE_SIGNATURE
      "\nclient-output-buffer-limit pubsub 1mb 2mb 10\n",
      "one line per class, as Redis places them" },
    { "rename-command FLUSHALL \"\"\nrename-command KEYS k\nuser joe on\n" ALWAYS,
      { NULL },
      "rename-command FLUSHALL \"\"\nrename-command KEYS k\nuser joe on\n" ALWAYS,
      "what only the file says stays" },
    { ALWAYS "unixsocket /a\nlogfile /b\n",
      { "unixsocket", "", "logfile", "" },
      ALWAYS "\nlogfile \"\"\n",
      "an empty text is absent, or said where it is the default" },
    { ALWAYS "replicaof 1.2.3.4 5\n", { "replicaof", "" }, ALWAYS "\n", "no primary any more" },
    { ALWAYS,
      { "requirepass", "a \"b\" \\ \x01\xff\n" },
      ALWAYS "\n" CONF_REWRITE_SIGNATURE "\nrequirepass \"a \\\"b\\\" \\\\ \\x01\\xff\\n\"\n",
      "escaped so that it reads back" },
    { ALWAYS "bind 127.0.0.1\n", { "bind", "" }, ALWAYS "bind \"\"\n", "no address at all" },
    { "nic-address 10.0.0.1/8\nnic-address 10.0.0.2/8\n" ALWAYS,
      { NULL },
      "nic-address 10.0.0.1/8\nnic-address 10.0.0.2/8\n" ALWAYS,
      "a line each" },
    { ALWAYS,
      { "notify-keyspace-events", "EK$", "shutdown-on-sigterm", "nosave force" },
      ALWAYS "\n" CONF_REWRITE_SIGNATURE
             "\nshutdown-on-sigterm nosave force\nnotify-keyspace-events \"$KE\"\n",
      "sets of flags" },
};

Test(conf_rewrite, makes_what_redis_would)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(rows[i].old, rows[i].pairs, rows[i].want, rows[i].why);
}

Test(conf_rewrite, turns_what_it_cannot_read_into_a_comment)
{
    struct settings s;
    size_t size;
    settings_init(&s);
    static const char old[] = "loadmodul x\nport \"1\nINCLUDE a.conf\ninclude b\n";
    struct conf_rewrite in = { .old = bytes_text(old), .settings = &s, .directory = "/srv" };
    char *out = conf_rewrite(&in, &size);
    static const char want[] =
        "# ??? loadmodul x\n# ??? port \"1\nINCLUDE a.conf\ninclude b\n\n" CONF_REWRITE_SIGNATURE
        "\n";
    cr_expect(eq(int, strncmp(out, want, strlen(want)), 0), "%s", out);
    free(out);
    settings_close(&s);
}

Test(conf_rewrite, takes_a_file_that_is_not_there_for_an_empty_one)
{
    expect("", PAIRS("port", "7000"),
           CONF_REWRITE_SIGNATURE "\nport 7000\ndir \"/srv\"\n"
                                  "save 3600 1\nsave 300 100\nsave 60 10000\n"
                                  "latency-tracking-info-percentiles 50 99 99.9\n",
           "in the order of the table");
}

Test(conf_rewrite, replaces_users)
{
    char *out = rewrite_users("user a on\n" ALWAYS "user b on\nuser c on\n", NULL,
                              "user default on nopass\nuser x off\n", false);
    cr_expect(eq(str, out, (char *)"user default on nopass\n" ALWAYS "user x off\n\n"));
    free(out);
    out = rewrite_users("user a on\n" ALWAYS, NULL, "user default on\nuser d off\n", false);
    cr_expect(eq(str, out,
                 (char *)"user default on\n" ALWAYS "\n" CONF_REWRITE_SIGNATURE "\nuser d off\n"));
    free(out);
    out = rewrite_users("user a on\n" ALWAYS, NULL, "", false); // they are in an aclfile now
    cr_expect(eq(str, out, (char *)"\n" ALWAYS));
    free(out);
}

// Reading the new file gives the settings back, every directive of them, and a second rewrite
// changes nothing.
Test(conf_rewrite, reads_back)
{
    struct settings a, b;
    struct conf_error error;
    size_t size, again_size;
    char *x = malloc(SETTING_TEXT_MAX), *y = malloc(SETTING_TEXT_MAX);
    static const char old[] =
        "save 9 8\nport 4000\nbind 127.0.0.1 -::1\nmaxmemory 12345\nrequirepass \"\\x01a'\\xfe\"\n"
        "client-output-buffer-limit slave 1 2 3 pubsub 4 5 6\nunixsocketperm 700\n"
        "maxmemory-clients 7%\noom-score-adj-values 1 2 3\nnotify-keyspace-events KEA\n"
        "nic-devargs net_null0,a=1\nshutdown-on-sigint nosave now\nappendfilename 'a b'\n";
    settings_init(&a);
    cr_assert(eq(int, conf_read_text(&a, bytes_text(old), "old", &error), OK), "%s", error.text);
    struct conf_rewrite in = {
        .old = bytes_text(old), .settings = &a, .directory = ".", .writes_all = true
    };
    char *out = conf_rewrite(&in, &size);
    settings_init(&b);
    cr_assert(eq(int, conf_read_text(&b, bytes_make(out, size), "new", &error), OK), "%s: %s",
              error.directive, error.text);
    for (uint32_t i = 0; i < setting_row_count; i++) {
        size_t m = setting_text(&a, &setting_rows[i], x, SETTING_TEXT_MAX);
        size_t n = setting_text(&b, &setting_rows[i], y, SETTING_TEXT_MAX);
        cr_expect(m == n && memcmp(x, y, n) == 0, "%s", setting_rows[i].name);
    }
    in.old = bytes_make(out, size);
    in.settings = &b;
    char *again = conf_rewrite(&in, &again_size);
    cr_expect(eq(str, again, out));
    free(again);
    free(out);
    free(x);
    free(y);
    settings_close(&a);
    settings_close(&b);
}
