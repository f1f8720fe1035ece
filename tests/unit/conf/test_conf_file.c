#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataplane/conf/conf_file.h"

static struct settings s;
static struct conf_error error;
static char folder[64];
static void open_settings(void)
{
    settings_init(&s);
    memset(&error, 0, sizeof error);
    strcpy(folder, "/tmp/test-conf-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
}
static void close_settings(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_expect(eq(int, system(command), 0));
    settings_close(&s);
}
TestSuite(conf_file, .init = open_settings, .fini = close_settings);

static enum status read_text(const char *text)
{
    return conf_read_text(&s, bytes_text(text), "x.conf", &error);
}

static const char *path_of(const char *name)
{
    static char path[8][128];
    static uint32_t next;
    char *out = path[next++ % 8];
    snprintf(out, sizeof path[0], "%s/%s", folder, name);
    return out;
}

static const char *write_file(const char *name, const char *text)
{
    const char *path = path_of(name);
    FILE *out = fopen(path, "w");
    cr_assert(out != NULL);
    fputs(text, out);
    fclose(out);
    return path;
}

// The words of a line, each between < and >; "!" when it is refused.
static const char *split(const char *line)
{
    static char shown[512];
    struct bytes words[8];
    uint32_t count;
    size_t size = strlen(line);
    char *exact = malloc(size ? size : 1), *scratch = malloc(size ? size : 1);
    memcpy(exact, line, size);
    strcpy(shown, "!");
    if (conf_split_line(bytes_make(exact, size), scratch, size, words, 8, &count) == OK) {
        char *at = shown;
        *at = 0;
        for (uint32_t i = 0; i < count; i++)
            at += sprintf(at, "<%.*s>", (int)words[i].size, (const char *)words[i].data);
    }
    free(exact);
    free(scratch);
    return shown;
}
#define EXPECT_SPLIT(line, words)                                                                  \
    cr_expect(eq(str, (char *)split(line), (char *)(words)), "%s", line)

Test(conf_file, splits_words_and_undoes_quotes)
{
    EXPECT_SPLIT("", "");
    EXPECT_SPLIT("  \t ", "");
    EXPECT_SPLIT("a b  c", "<a><b><c>");
    EXPECT_SPLIT("save ''", "<save><>");
    EXPECT_SPLIT("save \"\"", "<save><>");
    EXPECT_SPLIT("a \"b c\" d", "<a><b c><d>");
    EXPECT_SPLIT("\"\\x41\\n\\\"\\q\"", "<A\n\"q>");
    EXPECT_SPLIT("\"\\x4\"", "<x4>");
    EXPECT_SPLIT("'a\\'b\\n'", "<a'b\\n>");
    EXPECT_SPLIT("a\"b c\"", "<ab c>");
}

Test(conf_file, refuses_quotes_that_do_not_close)
{
    EXPECT_SPLIT("\"", "!");
    EXPECT_SPLIT("'", "!");
    EXPECT_SPLIT("a \"b", "!");
    EXPECT_SPLIT("\"a\\\"", "!");
    EXPECT_SPLIT("\"a\"b", "!"); // a space or the end must follow
    EXPECT_SPLIT("'a'b", "!");
    EXPECT_SPLIT("1 2 3 4 5 6 7 8", "<1><2><3><4><5><6><7><8>");
    EXPECT_SPLIT("1 2 3 4 5 6 7 8 9", "!"); // more words than there is room for
}

Test(conf_file, survives_every_prefix_of_a_line)
{
    static const char line[] = "a \"\\x41\\n b\" 'c\\'d' e\\x \"f\" g";
    for (size_t size = 0; size < sizeof line; size++) {
        char prefix[sizeof line];
        memcpy(prefix, line, size);
        prefix[size] = 0;
        split(prefix); // the sanitizer build sees a read past its end
    }
}

Test(conf_file, reads_directives_comments_and_carriage_returns)
{
    cr_expect(eq(
        int, read_text("# comment\n\n  port 7000 \r\n\tMAXMEMORY 1mb\nrequirepass \"a b\""), OK));
    cr_expect(eq(i64, s.port, 7000));
    cr_expect(eq(u64, s.maxmemory, 1048576));
    cr_expect(eq(str, s.requirepass, (char *)"a b"));
}

Test(conf_file, names_file_line_and_directive_of_an_error)
{
    cr_expect(eq(int, read_text("port 1\n\nno-such-thing yes\n"), ERR_PEER));
    cr_expect(eq(str, error.file, (char *)"x.conf"));
    cr_expect(eq(u32, error.line, 3));
    cr_expect(eq(str, error.directive, (char *)"no-such-thing yes"));
    cr_expect(eq(str, error.text, (char *)"Bad directive or wrong number of arguments"));
    cr_expect(eq(int, read_text("port\n"), ERR_PEER));
    cr_expect(eq(str, error.text, (char *)"wrong number of arguments"));
    cr_expect(eq(int, read_text("port 70000\n"), ERR_PEER));
    cr_expect(eq(str, error.text, (char *)"argument must be between 0 and 65535 inclusive"));
    cr_expect(eq(int, read_text("port \"1\n"), ERR_PEER));
    cr_expect(eq(str, error.text, (char *)"Unbalanced quotes in configuration line"));
}

Test(conf_file, does_not_show_a_secret)
{
    cr_expect(eq(int, read_text("requirepass hunter2 extra\n"), ERR_PEER));
    cr_expect(eq(str, error.directive, (char *)"requirepass"));
}

Test(conf_file, refuses_a_line_beyond_its_bound)
{
    size_t size = CONF_LINE_BYTES_MAX + 16;
    char *line = malloc(size + 1);
    memset(line, 'x', size);
    memcpy(line, "dir ", 4);
    line[size] = 0;
    cr_expect(eq(int, read_text(line), ERR_PEER));
    cr_expect(eq(str, error.text, (char *)"line is too long"));
    line[CONF_LINE_BYTES_MAX] = 0;
    cr_expect(eq(int, read_text(line), OK));
    cr_expect(eq(sz, strlen(s.dir), CONF_LINE_BYTES_MAX - 4));
    free(line);
}

Test(conf_file, adds_repeated_lines_and_replaces_those_of_an_earlier_source)
{
    cr_expect(
        eq(int,
           read_text("save 900 1\nsave 300 10\nnic-address 10.0.0.1/24\nnic-address fd00::1/64\n"),
           OK));
    cr_expect(eq(u32, s.save.count, 2)); // the default is gone
    cr_expect(eq(u32, s.nic_address.count, 2));
    cr_expect(eq(int, read_text("save 60 1\nnic-address 10.0.0.2/24\n"), OK));
    cr_expect(eq(u32, s.save.count, 1));
    cr_expect(eq(u32, s.nic_address.count, 1));
    cr_expect(eq(int, read_text("save 60 1\nsave \"\"\n"), OK));
    cr_expect(eq(u32, s.save.count, 0));
}

Test(conf_file, includes_files_by_name_and_by_pattern)
{
    char text[1024];
    write_file("b.part", "port 7002\n");
    write_file("a.part", "port 7001\ntimeout 5\n");
    write_file("one", "hz 20\n");
    snprintf(text, sizeof text, "include %s\ninclude %s\ninclude %s\n", path_of("one"),
             path_of("*.part"), path_of("*.none"));
    cr_expect(eq(int, conf_read_file(&s, write_file("main", text), &error), OK));
    cr_expect(eq(i64, s.hz, 20));
    cr_expect(eq(i64, s.port, 7002)); // in the order of names
    cr_expect(eq(i64, s.timeout, 5));
}

Test(conf_file, names_the_included_file_of_an_error)
{
    char text[256];
    const char *bad = write_file("bad", "port 1\nport x\n");
    snprintf(text, sizeof text, "\ninclude %s\n", bad);
    cr_expect(eq(int, conf_read_file(&s, write_file("main", text), &error), ERR_PEER));
    cr_expect(eq(str, error.file, (char *)bad));
    cr_expect(eq(u32, error.line, 2));
}

Test(conf_file, refuses_files_that_are_missing_or_include_themselves)
{
    char text[256];
    cr_expect(eq(int, conf_read_file(&s, path_of("absent"), &error), ERR_IO));
    snprintf(text, sizeof text, "include %s\n", path_of("absent"));
    cr_expect(eq(int, conf_read_file(&s, write_file("main", text), &error), ERR_IO));
    snprintf(text, sizeof text, "include %s\n", path_of("loop"));
    cr_expect(eq(int, conf_read_file(&s, write_file("loop", text), &error), ERR_PEER));
    cr_expect(eq(str, error.text, (char *)"too many nested includes"));
}

Test(conf_file, opens_no_file_from_a_text)
{
    char text[256];
    snprintf(text, sizeof text, "include %s\n", write_file("one", "port 1\n"));
    cr_expect(eq(int, read_text(text), ERR_PEER));
    cr_expect(eq(i64, s.port, 6379));
}

static enum status read_arguments(const char *const *argv, const char **file)
{
    char *copy[16] = { 0 };
    int argc = 0;
    while (argv[argc]) {
        copy[argc] = (char *)argv[argc];
        argc++;
    }
    return conf_read_arguments(&s, argc, copy, file, &error);
}

Test(conf_file, reads_arguments_as_lines_behind_the_file)
{
    const char *file, *path = write_file("main", "port 7000\nsave 900 1\nmaxmemory 5\n");
    const char *argv[] = { path,     "--port", "7001",   "--maxmemory 700mb",
                           "--save", "60",     "1",      "--save",
                           "30",     "2",      "--bind", "127.0.0.1",
                           "::1",    NULL };
    cr_expect(eq(int, read_arguments(argv, &file), OK), "%s: %s", error.directive, error.text);
    cr_expect(eq(str, (char *)file, (char *)path));
    cr_expect(eq(i64, s.port, 7001));
    cr_expect(eq(u64, s.maxmemory, 700u << 20));
    cr_expect(eq(u32, s.save.count, 3), "those of the file stay, as in Redis");
    cr_expect(eq(u32, s.bind.count, 2));
}

Test(conf_file, takes_an_empty_argument_as_a_value)
{
    const char *file, *argv[] = { "--save", "", "--requirepass", "", NULL };
    cr_expect(eq(int, read_arguments(argv, &file), OK));
    cr_expect(eq(ptr, (void *)file, NULL));
    cr_expect(eq(u32, s.save.count, 0));
    const char *list[] = { "--save", "--port", "7002", "--save", NULL }; // one that came out empty
    cr_expect(eq(int, read_arguments(list, &file), OK));
    cr_expect(eq(u32, s.save.count, 0));
    cr_expect(eq(i64, s.port, 7002));
}

// What redis-server 7.0.15 printed for the same arguments.
Test(conf_file, complains_about_arguments_as_redis_does)
{
    static const struct {
        const char *argv[8];
        uint32_t line;
        const char *directive, *text;
    } rows[] = {
        { { "--no-such-thing", "1" },
          2,
          "no-such-thing \"1\"",
          "Bad directive or wrong number of arguments" },
        { { "--port" }, 2, "port", "wrong number of arguments" },
        { { "--appendonly", "--port", "7777" },
          2,
          "appendonly \"--port\" \"7777\"",
          "wrong number of arguments" },
        { { "--port", "--x" }, 2, "port \"--x\"", "argument couldn't be parsed into an integer" },
        { { "--port=7" }, 2, "port=7", "Bad directive or wrong number of arguments" },
        { { "--hz", "10", "--maxmemory 1x" },
          3,
          "maxmemory 1x",
          "argument must be a memory value" },
        { { "--maxmemory", "1\nhz y" },
          2,
          "maxmemory \"1\\nhz y\"",
          "argument must be a memory value" },
        { { "-x" }, 2, "\"-x\"", "Bad directive or wrong number of arguments" },
        { { "--save", "900 1", "300 10" },
          2,
          "save \"900 1\" \"300 10\"",
          "Invalid save parameters" },
        { { "--rename-command", "GET" },
          2,
          "rename-command \"GET\"",
          "Bad directive or wrong number of arguments" },
        { { "--port \"1" }, 2, "port \"1", "Unbalanced quotes in configuration line" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *file;
        cr_expect(eq(int, read_arguments(rows[i].argv, &file), ERR_PEER), "%s", rows[i].directive);
        cr_expect(eq(u32, error.line, rows[i].line), "%s", rows[i].directive);
        cr_expect(eq(str, error.directive, (char *)rows[i].directive));
        cr_expect(eq(str, error.text, (char *)rows[i].text), "%s", rows[i].directive);
    }
}

Test(conf_file, counts_lines_on_from_the_file)
{
    const char *file, *path = write_file("main", "port 7000\nhz 10");
    const char *argv[] = { path, "--hz", "x", NULL };
    cr_expect(eq(int, read_arguments(argv, &file), ERR_PEER));
    cr_expect(eq(u32, error.line, 3));
    argv[0] = write_file("other", "port 7000\nhz 10\n");
    cr_expect(eq(int, read_arguments(argv, &file), ERR_PEER));
    cr_expect(eq(u32, error.line, 4));
    const char *missing[] = { "/no/such/file", NULL };
    cr_expect(eq(int, read_arguments(missing, &file), ERR_IO));
}
