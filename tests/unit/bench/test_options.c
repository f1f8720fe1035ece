#include "tools/bench/options.h"
#include <criterion/criterion.h>
#include <string.h>

enum { WORDS_MAX = 48 };

static enum status parse(struct options *o, const char *line, char *error)
{
    static char text[512];
    char *words[WORDS_MAX] = { (char *)"penstock-bench" };
    int count = 1;
    strcpy(text, line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) words[count++] = word;
    error[0] = 0;
    return options_parse(o, count, words, error);
}

Test(options, nothing_given_is_a_load_on_the_default_port)
{
    struct options o;
    char error[OPTIONS_ERROR_BYTES];
    cr_assert_eq(parse(&o, "", error), OK);
    cr_expect_eq(o.mode, BENCH_LOAD);
    cr_expect_eq(o.port, 6379);
    cr_expect_eq(o.sizes.max, 64);
    cr_expect_eq(o.duration_s, 5);
    cr_expect_eq(o.warm_up_s, 1);
    cr_expect_eq(o.core, -1);
}

Test(options, words_reach_their_fields)
{
    struct options o;
    char error[OPTIONS_ERROR_BYTES];
    cr_assert_eq(
        parse(&o,
              "-h ::1 -p 7000 -c 64 -P 16 --keys 500 --key-size 20 -v 16:32 --distribution "
              "zipf:0.9 -t get -r 1000.5 --arrivals poisson --fill --verify --core 3 "
              "--expire-at 1700000000000:1000 --tick 200 --steer 2",
              error),
        OK, "%s", error);
    cr_expect_str_eq(o.host, "::1");
    cr_expect_eq(o.port, 7000);
    cr_expect_eq(o.connections, 64);
    cr_expect_eq(o.pipeline, 16);
    cr_expect_eq(o.keys, 500);
    cr_expect_eq(o.key_bytes, 20);
    cr_expect_eq(o.sizes.min, 16);
    cr_expect_eq(o.theta, 0.9);
    cr_expect_eq(o.read_ratio, 1);
    cr_expect_eq(o.rate, 1000.5);
    cr_expect(o.is_poisson && o.fill && o.verify && !o.fill_only);
    cr_expect_eq(o.core, 3);
    cr_expect_eq(o.expire_at_ms, 1700000000000);
    cr_expect_eq(o.expire_spread_ms, 1000);
    cr_expect_eq(o.tick_us, 200);
    cr_expect_eq(o.steer, 2);
}

Test(options, a_number_of_requests_needs_no_warm_up)
{
    struct options o;
    char error[OPTIONS_ERROR_BYTES];
    cr_assert_eq(parse(&o, "-n 10", error), OK);
    cr_expect_eq(o.warm_up_s, 0);
    cr_assert_eq(parse(&o, "-n 10 -w 2", error), OK);
    cr_expect_eq(o.warm_up_s, 2);
}

Test(options, modes_come_first)
{
    struct options o;
    char error[OPTIONS_ERROR_BYTES];
    cr_assert_eq(parse(&o, "compare --rounds 3", error), OK);
    cr_expect_eq(o.mode, BENCH_COMPARE);
    cr_expect_eq(o.rounds, 3);
    cr_assert_eq(parse(&o, "echo --devargs x", error), OK);
    cr_expect_lt(o.duration_s, 0); // until it is stopped
    cr_assert_eq(parse(&o, "noise --tick 200", error), OK);
    cr_expect_eq(o.mode, BENCH_NOISE);
    cr_assert_eq(parse(&o, "--help", error), OK);
    cr_expect(o.wants_help);
}

Test(options, refuses_what_it_does_not_understand)
{
    static const char *const wrong[] = { "--nope",
                                         "-c",
                                         "-c 0",
                                         "-c x",
                                         "-c 1.5",
                                         "-p 65536",
                                         "--reads 1.1",
                                         "--reads nan",
                                         "-v 5:1",
                                         "-t del",
                                         "--distribution zipf:1",
                                         "--distribution zipf",
                                         "--arrivals never",
                                         "--key-size 2 --keys 1000",
                                         "--user me",
                                         "--expire-at 17",
                                         "--expire-at 1700000000000:",
                                         "--steer 0",
                                         "--steer 65",
                                         "--steer 2 --keys 1",
                                         "--steer 2 --command PING",
                                         "--tick 200",
                                         "--tick 0 -r 1000",
                                         ("--tick 200 -r 1 --devargs x --address 10.0.0.1/8 "
                                          "--target 10.0.0.2"),
                                         "--devargs x",
                                         "--devargs x --address 10.0.0.1/8",
                                         "echo",
                                         "frames",
                                         "compare compare" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct options o;
        char error[OPTIONS_ERROR_BYTES];
        cr_expect_eq(parse(&o, wrong[i], error), ERR_PEER, "%s", wrong[i]);
        cr_expect_neq(error[0], 0, "%s", wrong[i]);
    }
}
