#include "dataplane/cmd/cmd_docs.h"
#include "tests/unit/cmd/admin.h"

static struct harness *h;
static struct admin admin;
static void open_harness(void) { h = admin_open(&admin); }
static void close_harness(void) { admin_close(h); }
TestSuite(cmd_command, .init = open_harness, .fini = close_harness);

// Reads one reply; at the end of it must be the end of the wire. Depth is what COMMAND needs.
static const char *skip_reply(const char *at, int depth)
{
    cr_assert(lt(int, depth, 24));
    char kind = *at;
    long n = strtol(at + 1, NULL, 10);
    at = strstr(at, "\r\n") + 2;
    if (kind == '$' || kind == '=') return n < 0 ? at : at + n + 2;
    if (kind == '%') n *= 2;
    if (strchr("*~%>", kind))
        for (long i = 0; i < n; i++) at = skip_reply(at, depth + 1);
    return at;
}
#define EXPECT_ONE_REPLY(h, command)                                                               \
    do {                                                                                           \
        harness_run((h), (command));                                                               \
        cr_expect(eq(sz, (size_t)(skip_reply((h)->wire, 0) - (h)->wire), (h)->wire_size), "%s",    \
                  command);                                                                        \
    } while (0)

Test(cmd_command, has_facts_and_words_for_every_row)
{
    for (uint16_t id = 0; id < command_count(); id++) {
        const struct command *row = command_by_id(id);
        const struct command_docs *d = &command_docs[id];
        cr_expect(d->summary && d->since && d->group && d->complexity,
                  "%s: run tools/command_docs.py", row->full_name);
    }
}

Test(cmd_command, has_key_specs_that_agree_with_the_rows)
{
    for (uint16_t id = 0; id < command_count(); id++) {
        const struct command *row = command_by_id(id);
        const struct command_docs *d = &command_docs[id];
        const struct command_key_spec *spec = &d->key_specs[0];
        // A row cannot say what a number or a word among the arguments decides.
        bool is_movable =
            d->key_spec_count && (spec->find == KEY_FIND_KEYNUM || spec->begin != KEY_BEGIN_INDEX);
        if (is_movable) {
            cr_expect(eq(int, row->first_key, 0), "%s", row->full_name);
            cr_expect(ne(u32, row->flags & CMD_MOVABLEKEYS, 0), "%s", row->full_name);
            continue;
        }
        cr_expect(eq(int, row->first_key != 0, d->key_spec_count != 0), "%s", row->full_name);
        if (!d->key_spec_count) continue;
        cr_expect(eq(int, (int)spec->begin, KEY_BEGIN_INDEX), "%s", row->full_name);
        cr_expect(eq(i16, spec->start, row->first_key), "%s", row->full_name);
        cr_expect(eq(i16, spec->find_values[1], row->key_step), "%s", row->full_name);
    }
}

Test(cmd_command, describes_commands_in_whole_replies)
{
    static const char *const requests[] = { "command",
                                            "command info",
                                            "command docs",
                                            "command info get nosuch client|kill",
                                            "command docs set nosuch client client|kill",
                                            "command list",
                                            "command list filterby pattern *",
                                            "command help" };
    for (int version = 2; version <= 3; version++) {
        harness_run(h, version == 2 ? "hello 2" : "hello 3");
        for (uint32_t i = 0; i < sizeof requests / sizeof *requests; i++)
            EXPECT_ONE_REPLY(h, requests[i]);
    }
}

// As redis-server 7.0.15 answers.
Test(cmd_command, shows_a_command_in_ten_elements)
{
    EXPECT_REPLY(
        h, "command info mset nosuch",
        "*2\r\n*10\r\n$4\r\nmset\r\n:-3\r\n*2\r\n+write\r\n+denyoom\r\n:1\r\n:-1\r\n:2\r\n*3\r\n"
        "+@write\r\n+@string\r\n+@slow\r\n*2\r\n$26\r\nrequest_policy:multi_shard\r\n$29\r\n"
        "response_policy:all_succeeded\r\n*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+OW\r\n+update\r\n"
        "$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n*2\r\n$5\r\n"
        "index\r\n:1\r\n$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n*6\r\n"
        "$7\r\nlastkey\r\n:-1\r\n$7\r\nkeystep\r\n:2\r\n$5\r\nlimit\r\n:0\r\n*0\r\n$-1\r\n");
    harness_run(h, "hello 3");
    EXPECT_REPLY(
        h, "command info dbsize",
        "*1\r\n*10\r\n$6\r\ndbsize\r\n:1\r\n~2\r\n+readonly\r\n+fast\r\n:0\r\n:0\r\n:0\r\n~3\r\n"
        "+@keyspace\r\n+@read\r\n+@fast\r\n~2\r\n$25\r\nrequest_policy:all_shards\r\n$23\r\n"
        "response_policy:agg_sum\r\n~0\r\n~0\r\n");
}

Test(cmd_command, documents_a_command)
{
    EXPECT_REPLY(
        h, "command docs ping",
        "*2\r\n$4\r\nping\r\n*10\r\n$7\r\nsummary\r\n$68\r\nShows that the server lives; gives "
        "the message back if there is one.\r\n$5\r\nsince\r\n$5\r\n1.0.0\r\n$5\r\ngroup\r\n$10\r\n"
        "connection\r\n$10\r\ncomplexity\r\n$4\r\nO(1)\r\n$9\r\narguments\r\n*1\r\n*8\r\n$4\r\nname"
        "\r\n$7\r\nmessage\r\n$4\r\ntype\r\n$6\r\nstring\r\n$12\r\ndisplay_text\r\n$"
        "7\r\nmessage\r\n"
        "$5\r\nflags\r\n*1\r\n+optional\r\n");
    EXPECT_REPLY(h, "command docs nosuch", "*0\r\n");
    harness_run(h, "command docs getset");
    cr_expect(strstr(h->wire,
                     "doc_flags\r\n*1\r\n+deprecated\r\n$16\r\ndeprecated_since\r\n$5\r\n6.2.0") !=
              NULL);
}

Test(cmd_command, counts_the_commands_that_exist)
{
    char expected[32];
    snprintf(expected, sizeof expected, ":%u\r\n", command_top_count());
    EXPECT_REPLY(h, "command count", expected);
    snprintf(expected, sizeof expected, "*%u\r\n", command_top_count());
    cr_expect(eq(int, strncmp(harness_run(h, "command"), expected, strlen(expected)), 0));
    snprintf(expected, sizeof expected, "*%u\r\n", command_count());
    cr_expect(eq(int, strncmp(harness_run(h, "command list"), expected, strlen(expected)), 0));
}

Test(cmd_command, lists_names_by_a_filter)
{
    EXPECT_REPLY(h, "command list filterby pattern GETR*", "*1\r\n$8\r\ngetrange\r\n");
    EXPECT_REPLY(h, "command list filterby pattern object|e*", "*1\r\n$15\r\nobject|encoding\r\n");
    EXPECT_REPLY(h, "command list filterby module json", "*0\r\n");
    EXPECT_REPLY(h, "command list filterby aclcat nosuch", "*0\r\n");
    cr_expect(strstr(harness_run(h, "command list filterby aclcat dangerous"),
                     "\r\nflushall\r\n") != NULL);
    EXPECT_REPLY(h, "command list filterby foo x", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "command list filterby pattern", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "command list x", "-ERR syntax error\r\n");
}

Test(cmd_command, finds_the_keys_of_a_command)
{
    EXPECT_REPLY(h, "command getkeys get a", "*1\r\n$1\r\na\r\n");
    EXPECT_REPLY(h, "command getkeys mset a 1 b 2", "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    EXPECT_REPLY(h, "command getkeys copy a b", "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    EXPECT_REPLY(h, "command getkeys object encoding a", "*1\r\n$1\r\na\r\n");
    EXPECT_REPLY(h, "command getkeys nosuch a", "-ERR Invalid command specified\r\n");
    EXPECT_REPLY(h, "command getkeys object nosuch", "-ERR Invalid command specified\r\n");
    EXPECT_REPLY(h, "command getkeys ping a", "-ERR The command has no key arguments\r\n");
    EXPECT_REPLY(h, "command getkeys get a b",
                 "-ERR Invalid number of arguments specified for command\r\n");
    EXPECT_REPLY(
        h, "command getkeysandflags rename a b",
        "*2\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+delete\r\n*2\r\n$1\r\nb\r\n*2\r\n+OW\r\n"
        "+update\r\n");
    EXPECT_REPLY(h, "command getkeysandflags set a b",
                 "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n");
    EXPECT_REPLY(h, "command getkeysandflags set a b GET",
                 "*1\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+update\r\n");
}

static uint32_t indices[16], index_count;
static void note_index(void *context, uint32_t index, uint32_t flags)
{
    indices[index_count++] = index;
}

// Every command with every number of arguments: keys lie among them.
Test(cmd_command, keeps_keys_within_the_arguments)
{
    struct bytes argv[8];
    for (uint32_t i = 0; i < 8; i++) argv[i] = BYTES_LITERAL("9223372036854775807");
    for (uint16_t id = 0; id < command_count(); id++) {
        for (uint32_t argc = 1; argc <= 8; argc++) {
            index_count = 0;
            command_find_keys(command_by_id(id), argv, argc, note_index, NULL);
            for (uint32_t i = 0; i < index_count; i++) cr_expect(lt(u32, indices[i], argc));
        }
    }
}

// The indices of the keys that spec finds in a line's words, "!" when it does not fit.
static const char *keys_of(const struct command_key_spec *spec, const char *line)
{
    static char shown[128];
    static char words[256];
    struct bytes argv[16];
    uint32_t argc = 0;
    snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        argv[argc++] = bytes_text(word);
    index_count = 0;
    shown[0] = 0;
    if (!command_find_keys_of(command_by_id(0), spec, argv, argc, note_index, NULL)) return "!";
    for (uint32_t i = 0; i < index_count; i++)
        sprintf(shown + strlen(shown), "%s%u", i ? " " : "", indices[i]);
    return shown;
}
#define EXPECT_KEYS(spec, line, keys)                                                              \
    cr_expect(eq(str, (char *)keys_of((spec), (line)), (char *)(keys)), "%s", line)

// XREAD: half of what follows the word STREAMS.
Test(cmd_command, finds_keys_behind_a_keyword)
{
    struct command_key_spec forward = { .begin = KEY_BEGIN_KEYWORD,
                                        .find = KEY_FIND_RANGE,
                                        .keyword = "STREAMS",
                                        .start = 1,
                                        .find_values = { -1, 1, 2 } };
    EXPECT_KEYS(&forward, "xread count 2 streams a b 0 0", "4 5");
    EXPECT_KEYS(&forward, "xread streams a 0", "2");
    EXPECT_KEYS(&forward, "xread count 2", ""); // the spec does not apply
    EXPECT_KEYS(&forward, "xread streams", "");
    struct command_key_spec backward = forward;
    backward.start = -2; // MIGRATE: from the end, as often as the word may stand before
    backward.keyword = "KEYS";
    backward.find_values[2] = 0;
    EXPECT_KEYS(&backward, "migrate h 1 keys 0 9 keys a b", "7 8");
    EXPECT_KEYS(&backward, "keys", "");
}

// EVAL: a number, then so many keys. Numbers beyond the arguments come from outside.
Test(cmd_command, finds_as_many_keys_as_a_number_says)
{
    struct command_key_spec spec = {
        .begin = KEY_BEGIN_INDEX, .find = KEY_FIND_KEYNUM, .start = 2, .find_values = { 0, 1, 1 }
    };
    EXPECT_KEYS(&spec, "eval s 2 a b c", "3 4");
    EXPECT_KEYS(&spec, "eval s 0 a", "");
    EXPECT_KEYS(&spec, "eval s 4 a b c", "!");
    EXPECT_KEYS(&spec, "eval s -1 a", "!");
    EXPECT_KEYS(&spec, "eval s 9223372036854775807 a", "!");
    EXPECT_KEYS(&spec, "eval s x a", "!");
    EXPECT_KEYS(&spec, "eval s", "!");
}
