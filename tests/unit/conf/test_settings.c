#include <stdio.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include "dataplane/conf/conf_file.h"

static struct settings s;
static char text[SETTING_TEXT_MAX];
static void open_settings(void) { settings_init(&s); }
static void close_settings(void) { settings_close(&s); }
TestSuite(settings, .init = open_settings, .fini = close_settings);

static const struct setting_row *row_of(const char *name)
{
    const struct setting_row *row = setting_find(bytes_text(name));
    cr_assert(row != NULL, "%s", name);
    return row;
}

static const char *value_of(const char *name)
{
    text[setting_text(&s, row_of(name), text, sizeof text - 1)] = 0;
    return text;
}

// "" when it was taken, else why not.
static const char *set(const char *name, const char *value)
{
    static char error[SETTING_ERROR_MAX];
    error[0] = 0;
    if (setting_assign_text(&s, row_of(name), bytes_text(value), error) == OK) return "";
    cr_expect(error[0] != 0, "%s", name);
    return error;
}
#define EXPECT_SET(name, value, shown)                                                             \
    do {                                                                                           \
        cr_expect(eq(str, (char *)set((name), (value)), (char *)""));                              \
        cr_expect(eq(str, (char *)value_of(name), (char *)(shown)));                               \
    } while (0)
#define EXPECT_REFUSED(name, value, error)                                                         \
    do {                                                                                           \
        char *before = strdup(value_of(name));                                                     \
        cr_expect(eq(str, (char *)set((name), (value)), (char *)(error)));                         \
        cr_expect(eq(str, (char *)value_of(name), before));                                        \
        free(before);                                                                              \
    } while (0)

Test(settings, has_a_name_a_help_and_one_meaning_for_each_row)
{
    for (uint32_t i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        cr_expect(row->help && row->help[0], "%s", row->name);
        cr_expect(eq(ptr, (void *)row_of(row->name), (void *)row), "%s", row->name);
        if (row->alias)
            cr_expect(eq(ptr, (void *)row_of(row->alias), (void *)row), "%s", row->alias);
        bool needs_words = row->kind == SETTING_ENUM || row->kind == SETTING_FLAGS;
        bool names_zero = row->kind == SETTING_COUNT && row->words; // it may
        cr_expect(eq(int, row->words != NULL, needs_words || names_zero), "%s", row->name);
    }
}

Test(settings, shows_every_default_as_it_is_written)
{
    for (uint32_t i = 0; i < setting_row_count; i++)
        cr_expect(eq(str, (char *)value_of(setting_rows[i].name), (char *)setting_rows[i].normal),
                  "%s", setting_rows[i].name);
}

Test(settings, takes_back_every_value_it_shows)
{
    for (uint32_t i = 0; i < setting_row_count; i++) {
        char *shown = strdup(value_of(setting_rows[i].name));
        EXPECT_SET(setting_rows[i].name, shown, shown);
        free(shown);
    }
}

Test(settings, finds_names_in_any_case_and_no_others)
{
    cr_expect(eq(ptr, (void *)row_of("MaxMemory"), (void *)row_of("maxmemory")));
    cr_expect(eq(ptr, (void *)row_of("SLAVE-priority"), (void *)row_of("replica-priority")));
    cr_expect(setting_find(bytes_text("maxmemor")) == NULL);
    cr_expect(setting_find(bytes_text("maxmemoryy")) == NULL);
    cr_expect(setting_find(bytes_text("")) == NULL);
    cr_expect(setting_find(bytes_make("port\0", 5)) == NULL);
}

// Texts and limits as redis-server 7.0.15 answers them.
Test(settings, refuses_values_with_the_words_of_redis)
{
    EXPECT_REFUSED("appendonly", "maybe", "argument must be 'yes' or 'no'");
    EXPECT_REFUSED("port", "65536", "argument must be between 0 and 65535 inclusive");
    EXPECT_REFUSED("port", "-1", "argument must be between 0 and 65535 inclusive");
    EXPECT_REFUSED("timeout", "abc", "argument couldn't be parsed into an integer");
    EXPECT_REFUSED("timeout", "", "argument couldn't be parsed into an integer");
    EXPECT_REFUSED("maxmemory", "1xb", "argument must be a memory value");
    EXPECT_REFUSED("maxmemory", "-1", "argument must be a memory value");
    EXPECT_REFUSED("proto-max-bulk-len", "1mb1", "argument must be a memory value");
    EXPECT_REFUSED("proto-max-bulk-len", "1048575",
                   "argument must be between 1048576 and 9223372036854775807 inclusive");
    EXPECT_REFUSED("maxmemory-clients", "101%", "percentage argument must be less or equal to 100");
    EXPECT_REFUSED("maxmemory-clients", "x%", "argument must be a memory or percent value");
    EXPECT_REFUSED("unixsocketperm", "8", "argument couldn't be parsed as an octal number");
    EXPECT_REFUSED("unixsocketperm", "1000", "argument must be between 0 and 777 inclusive");
    EXPECT_REFUSED("appendfsync", "often",
                   "argument(s) must be one of the following: everysec, always, no");
    EXPECT_REFUSED("save", "900", "Invalid save parameters");
    EXPECT_REFUSED("save", "0 1", "Invalid save parameters");
    EXPECT_REFUSED("save", "900 -1", "Invalid save parameters");
    EXPECT_REFUSED("notify-keyspace-events", "q",
                   "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    EXPECT_REFUSED("client-output-buffer-limit", "normal 0 0",
                   "Wrong number of arguments in buffer limit configuration.");
    EXPECT_REFUSED("client-output-buffer-limit", "all 0 0 0",
                   "Invalid client class specified in buffer limit configuration.");
    EXPECT_REFUSED("client-output-buffer-limit", "normal 0 0 -1",
                   "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    EXPECT_REFUSED("oom-score-adj-values", "1 2", "wrong number of arguments");
    EXPECT_REFUSED("dbfilename", "", "dbfilename can't be empty");
}

Test(settings, reads_each_kind_and_shows_it_canonically)
{
    EXPECT_SET("appendonly", "YES", "yes");
    EXPECT_SET("timeout", "7", "7");
    EXPECT_SET("maxmemory", "1Gb", "1073741824");
    EXPECT_SET("maxmemory", "1g", "1000000000");
    EXPECT_SET("maxmemory", "", "0");
    EXPECT_SET("maxmemory-clients", "5%", "5%");
    EXPECT_SET("maxmemory-clients", "2kb", "2048");
    EXPECT_SET("unixsocketperm", "770", "770");
    EXPECT_SET("maxmemory-policy", "ALLKEYS-lru", "allkeys-lru");
    EXPECT_SET("shutdown-on-sigterm", "force nosave", "nosave force");
    EXPECT_SET("shutdown-on-sigterm", "default", "default");
    EXPECT_SET("bind", "  127.0.0.1   -::1 ", "127.0.0.1 -::1");
    EXPECT_SET("bind", "", "");
    EXPECT_SET("save", "900 1 300 10", "900 1 300 10");
    EXPECT_SET("save", "", "");
    EXPECT_SET("notify-keyspace-events", "KEA", "AKE");
    EXPECT_SET("notify-keyspace-events", "Exg", "gxE");
    EXPECT_SET("notify-keyspace-events", "g$lshzxetdm", "Am");
    EXPECT_SET("notify-keyspace-events", "Enx", "xnE");
    EXPECT_SET("notify-keyspace-events", "AnK", "AnK");
    EXPECT_SET("client-output-buffer-limit", "replica 1mb 2mb 3",
               "normal 0 0 0 slave 1048576 2097152 3 pubsub 33554432 8388608 60");
    EXPECT_SET("client-output-buffer-limit", "",
               "normal 0 0 0 slave 1048576 2097152 3 pubsub 33554432 8388608 60");
}

Test(settings, puts_values_into_the_fields_that_code_reads)
{
    set("maxmemory", "100");
    set("maxmemory-policy", "volatile-ttl");
    set("requirepass", "secret");
    set("busy-poll", "yes");
    set("save", "60 5");
    cr_expect(eq(u64, s.maxmemory, 100));
    cr_expect(eq(i64, s.maxmemory_policy, EVICT_VOLATILE_TTL));
    cr_expect(eq(str, s.requirepass, (char *)"secret"));
    cr_expect(s.busy_poll);
    cr_expect(eq(u32, s.save.count, 1));
    cr_expect(eq(i64, s.save.points[0].changes, 5));
}

Test(settings, has_a_word_for_a_number_that_is_chosen_at_start)
{
    EXPECT_SET("shards", "4", "4");
    EXPECT_SET("shards", "AUTO", "auto");
    cr_expect(zero(i64, s.shards));
    EXPECT_SET("shards", "64", "64");
    EXPECT_SET("shards", "0", "auto");
    EXPECT_REFUSED("shards", "65", "argument must be between 0 and 64 inclusive");
    EXPECT_REFUSED("shards", "-1", "argument must be between 0 and 64 inclusive");
    EXPECT_REFUSED("shards", "all", "argument couldn't be parsed into an integer");
    EXPECT_REFUSED("port", "auto", "argument couldn't be parsed into an integer");
}

Test(settings, has_fields_for_the_append_only_log)
{
    cr_expect(zero(int, s.appendonly));
    cr_expect(eq(i64, s.appendfsync, APPENDFSYNC_EVERYSEC));
    cr_expect(eq(str, s.appendfilename, (char *)"appendonly.aof"));
    cr_expect(eq(str, s.appenddirname, (char *)"appendonlydir"));
    cr_expect(eq(u64, s.auto_aof_rewrite_min_size, 64 << 20));
    cr_expect(eq(i64, s.auto_aof_rewrite_percentage, 100));
    cr_expect(eq(int, s.aof_load_truncated, 1));
    EXPECT_SET("appendonly", "yes", "yes");
    EXPECT_SET("appendfsync", "always", "always");
    cr_expect(eq(int, s.appendonly, 1));
    cr_expect(eq(i64, s.appendfsync, APPENDFSYNC_ALWAYS));
    EXPECT_SET("appendfsync", "no", "no");
    cr_expect(eq(i64, s.appendfsync, APPENDFSYNC_NO));
    EXPECT_SET("auto-aof-rewrite-min-size", "1kb", "1024");
    cr_expect(eq(u64, s.auto_aof_rewrite_min_size, 1024));
    EXPECT_REFUSED("appendfilename", "", "appendfilename can't be empty");
    EXPECT_REFUSED("appenddirname", "a/b", "appenddirname can't be a path, just a dirname");
}

Test(settings, keeps_the_bounds_of_its_lists)
{
    char many[1024] = "";
    for (int i = 0; i < 17; i++) strcat(many, "10.0.0.1 ");
    cr_expect(eq(str, (char *)set("bind", many), (char *)"Too many bind addresses specified."));
    many[0] = 0;
    for (int i = 0; i < 17; i++) strcat(many, "1 1 ");
    cr_expect(eq(str, (char *)set("save", many), (char *)"Invalid save parameters"));
}

Test(settings, refuses_a_nul_byte)
{
    char error[SETTING_ERROR_MAX];
    cr_expect(eq(int, setting_assign_text(&s, row_of("requirepass"), bytes_make("a\0b", 3), error),
                 ERR_PEER));
    cr_expect(eq(str, s.requirepass, (char *)""));
}

Test(settings, copies_share_nothing)
{
    struct settings copy;
    set("requirepass", "one");
    set("masterauth", "two");
    set("bind", "127.0.0.1");
    settings_copy(&copy, &s);
    set("requirepass", "changed");
    set("masterauth", "changed");
    set("bind", "::1");
    cr_expect(eq(str, copy.requirepass, (char *)"one"));
    cr_expect(eq(str, copy.bind.words[0], (char *)"127.0.0.1"));
    size_t size = setting_text(&copy, row_of("masterauth"), text, sizeof text);
    cr_expect(bytes_equal(bytes_make(text, size), BYTES_LITERAL("two")));
    settings_close(&copy);
}

// What control hands to the dataplane must arrive as it is, whatever bytes are in it.
Test(settings, writes_text_that_reads_back_the_same)
{
    static char first[256 * 1024], second[256 * 1024];
    struct settings other;
    struct conf_error error;
    set("requirepass", "a \"b\" 'c' \\ \n\r\t \x01\xff # port 1");
    set("latency-tracking-info-percentiles", "50\nport 1 99");
    set("replicaof", "host\" 6379");
    set("bind", "127.0.0.1 \n");
    set("user", "x on >p \"q\"");
    set("save", "");
    set("dir", "/tmp/with space");
    size_t size = settings_write(&s, first, sizeof first);
    cr_assert(gt(sz, size, 0));
    settings_init(&other);
    cr_assert(eq(int, conf_read_text(&other, bytes_make(first, size), "x", &error), OK),
              "%u: %s: %s", error.line, error.directive, error.text);
    cr_expect(eq(i64, other.port, s.port));
    size_t again = settings_write(&other, second, sizeof second);
    cr_expect(bytes_equal(bytes_make(first, size), bytes_make(second, again)));
    for (uint32_t i = 0; i < setting_row_count; i++) {
        static char value[SETTING_TEXT_MAX];
        size_t value_size = setting_text(&other, &setting_rows[i], value, sizeof value - 1);
        value[value_size] = 0;
        cr_expect(eq(str, (char *)value_of(setting_rows[i].name), value), "%s",
                  setting_rows[i].name);
    }
    settings_close(&other);
}

// Users have rules with blanks and quotes in them, and there may be many users.
Test(settings, keeps_the_words_of_a_users_line_apart)
{
    static char text[256 * 1024], out[256 * 1024];
    struct settings other;
    struct conf_error error;
    int at = sprintf(text, "user alice on \">a b\" '~x\"y' +@all\nuser bob\nuser \"carol on\"\n");
    for (uint32_t i = 0; i < 900; i++)
        at += sprintf(text + at, "user user%u on \">%0100u \" -@all\n", i, i);
    cr_assert(eq(int, conf_read_text(&s, bytes_text(text), "x", &error), OK));
    cr_expect(eq(str, s.users.words[0], (char *)"alice on \">a b\" \"~x\\x22y\" +@all"));
    cr_expect(eq(str, s.users.words[1], (char *)"bob"));
    cr_expect(eq(str, s.users.words[2], (char *)"carol on"));
    size_t size = settings_write(&s, out, sizeof out);
    settings_init(&other);
    cr_assert(eq(int, conf_read_text(&other, bytes_make(out, size), "x", &error), OK));
    cr_assert(eq(u32, other.users.count, 903));
    for (uint32_t i = 0; i < 903; i++) cr_expect(eq(str, other.users.words[i], s.users.words[i]));
    settings_close(&other);
}

Test(settings, says_when_the_text_does_not_fit)
{
    static char out[256 * 1024];
    size_t size = settings_write(&s, out, sizeof out);
    cr_expect(eq(sz, settings_write(&s, out, size), size));
    cr_expect(eq(sz, settings_write(&s, out, size - 1), 0));
    char *secret = malloc(CONF_LINE_BYTES_MAX); // a line the reader would refuse
    memset(secret, 'x', CONF_LINE_BYTES_MAX - 1);
    secret[CONF_LINE_BYTES_MAX - 1] = 0;
    set("requirepass", secret);
    cr_expect(eq(sz, settings_write(&s, out, sizeof out), 0));
    free(secret);
}

Test(settings, checks_rules_that_span_directives)
{
    char error[SETTING_ERROR_MAX];
    cr_expect(eq(int, settings_check(&s, error), OK));
    set("shards", "2");
    set("core", "1022");
    cr_expect(eq(int, settings_check(&s, error), OK));
    set("core", "1023");
    cr_expect(eq(int, settings_check(&s, error), ERR_PEER));
    set("core", "-1");
    set("transport", "nic");
    cr_expect(eq(int, settings_check(&s, error), ERR_PEER));
    set("nic-devargs", "net_null0");
    cr_expect(eq(int, settings_check(&s, error), ERR_PEER));
    set("nic-address", "10.0.0.1/24");
    cr_expect(eq(int, settings_check(&s, error), OK));
    set("metrics-bind", "10.0.0.1 -::1 *");
    cr_expect(eq(int, settings_check(&s, error), OK));
    set("metrics-bind", "127.0.0.1 localhost");
    cr_expect(eq(int, settings_check(&s, error), ERR_PEER));
}
