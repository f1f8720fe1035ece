#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "control/title.h"

static const struct title_values values = { .title = "/bin/penstock",
                                            .listen_address = "127.0.0.1:7000",
                                            .config_file = "/etc/p.conf",
                                            .port = 7000 };

Test(title, replaces_every_word_of_the_template)
{
    static const struct {
        const char *pattern, *want;
    } rows[] = { { "{title} {listen-addr} {server-mode}", "/bin/penstock 127.0.0.1:7000" },
                 { "TEST {title} {port} {config-file}", "TEST /bin/penstock 7000 /etc/p.conf" },
                 { "[{tls-port}][{unixsocket}][{server-mode}]", "[][][]" },
                 { "plain  ", "plain" },
                 { "{port}{port}", "70007000" },
                 { "", "" } };
    char out[128];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert(title_expand(out, sizeof out, rows[i].pattern, &values));
        cr_expect(eq(str, out, (char *)rows[i].want));
    }
}

Test(title, refuses_unknown_and_unclosed_words)
{
    char out[128];
    cr_expect(not(title_expand(out, sizeof out, "{nonsense}", &values)));
    cr_expect(not(title_expand(out, sizeof out, "{title", &values)));
    cr_expect(not(title_expand(out, sizeof out, "{}", &values)));
    cr_expect(not(title_expand(out, sizeof out, "{ port}", &values)));
}

Test(title, never_writes_past_its_room)
{
    const char *pattern = "abc{title}def{port}ghi";
    for (size_t capacity = 1; capacity < 40; capacity++) {
        char out[64];
        memset(out, '#', sizeof out);
        cr_assert(title_expand(out, capacity, pattern, &values));
        cr_expect(lt(sz, strlen(out), capacity));
        cr_expect(eq(chr, out[capacity], '#'));
    }
}

// Arguments and environment as the kernel lays them out: one behind the other.
static char area[] = "prog\0--port\0"
                     "7000\0HOME=/root\0PATH=/bin";
static char *arguments[] = { area, area + 5, area + 12, NULL };
static char *environment[] = { area + 17, area + 28, NULL };

Test(title, takes_the_room_of_arguments_and_environment_and_keeps_the_variables)
{
    environ = environment;
    struct title t = title_open(3, arguments);
    cr_expect(eq(sz, t.area_bytes, sizeof area));
    title_set(&t, "a new title of its own");
    cr_expect(eq(str, area, "a new title of its own"));
    cr_expect(eq(str, getenv("HOME"), "/root"));
    cr_expect(eq(str, getenv("PATH"), "/bin"));
}

Test(title, is_cut_to_the_room_there_is_and_leaves_nothing_of_the_old_one)
{
    char small[] = "12345678\0next";
    struct title t = { small, 9 };
    title_set(&t, "abcdefghijkl");
    cr_expect(eq(str, small, "abcdefgh"));
    cr_expect(eq(str, small + 9, "next"));
    title_set(&t, "x");
    cr_expect(zero(int, memcmp(small, "x\0\0\0\0\0\0\0", 9)));
}
