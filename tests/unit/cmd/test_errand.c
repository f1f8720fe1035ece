#include "tests/unit/cmd/harness.h"

// The region that errands go through, without a file behind it. The test is control.
static struct harness *h;
static struct region region;
static struct region_control *part;

static void open_harness(void)
{
    h = harness_open();
    h->no_slices = true; // the tests say when jobs go on
    region = (struct region){ .fd = -1 };
    region.control = part = calloc(1, sizeof *part);
    region.errand = calloc(1, sizeof *region.errand);
    h->server.region = &region;
    h->server.region_shard = aligned_alloc(64, sizeof(struct region_shard));
    memset(h->server.region_shard, 0, sizeof(struct region_shard));
    snprintf(part->config_file, sizeof part->config_file, "/etc/penstock.conf");
}
static void close_harness(void)
{
    void *shard = h->server.region_shard;
    harness_close(h);
    free(shard);
    free(region.errand);
    free(part);
}
TestSuite(errand, .init = open_harness, .fini = close_harness);

static uint64_t take(enum errand_kind *kind)
{
    struct bytes payload;
    return errand_slot_take(region.errand, false, kind, &payload);
}

static void answer(uint64_t number, enum errand_outcome outcome, const char *text)
{
    errand_slot_finish(region.errand, number, outcome, bytes_text(text));
}

// What the shard does when LANE_ERRAND_DONE has come.
static const char *go_on(struct harness_client *c)
{
    errands_poll(&h->server);
    while (jobs_run(&h->server, 1)) {
    }
    return harness_client_wire(c);
}

static void pass_ms(uint64_t ms)
{
    h->server.now_ns += ms * 1000000;
    errands_check(&h->server);
    while (jobs_run(&h->server, 1)) {
    }
}

Test(errand, suspends_the_client_until_the_answer_comes)
{
    enum errand_kind kind;
    struct harness_client *c = harness_client_open(h);
    struct lane_msg m;
    cr_expect(eq(str, (char *)harness_client_run(c, "config rewrite"), (char *)""));
    cr_expect(ne(u32, c->client.flags & CLIENT_IN_JOB, 0));
    cr_expect(not(jobs_run(&h->server, 1)), "it has nothing to do: the shard may sleep");
    EXPECT_REPLY(h, "set a 1", "+OK\r\n"); // others are served
    cr_assert(lane_receive(&h->server.region_shard->events, &m));
    cr_expect(eq(u16, m.kind, LANE_ERRAND));
    cr_assert(eq(u64, take(&kind), m.a));
    cr_expect(eq(int, kind, ERRAND_CONFIG_REWRITE));
    cr_expect(not(errands_poll(&h->server)));
    answer(m.a, ERRAND_DONE, "");
    cr_expect(eq(str, (char *)go_on(c), (char *)"+OK\r\n"));
    cr_expect(zero(u32, c->client.flags & CLIENT_IN_JOB));
    harness_client_close(c);
}

Test(errand, tells_the_client_what_went_wrong)
{
    enum errand_kind kind;
    struct harness_client *c = harness_client_open(h);
    harness_client_run(c, "config rewrite");
    answer(take(&kind), ERRAND_FAILED, "Permission denied");
    cr_expect(
        eq(str, (char *)go_on(c), (char *)"-ERR Rewriting config file: Permission denied\r\n"));
    part->config_file[0] = 0;
    cr_expect(eq(str, (char *)harness_client_run(c, "config rewrite"),
                 (char *)"-ERR The server is running without a config file\r\n"));
    harness_client_close(c);
}

Test(errand, sends_the_settings_of_now)
{
    enum errand_kind kind;
    struct bytes payload;
    struct harness_client *c = harness_client_open(h);
    h->settings.hz = 77;
    harness_client_run(c, "config rewrite");
    cr_expect(ne(u64, errand_slot_take(region.errand, false, &kind, &payload), 0));
    cr_expect(ne(ptr, memmem(payload.data, payload.size, "\nhz \"77\"\n", 9), NULL));
    harness_client_close(c);
}

Test(errand, does_one_at_a_time_in_their_order)
{
    enum errand_kind kind;
    struct harness_client *a = harness_client_open(h), *b = harness_client_open(h);
    harness_client_run(a, "config rewrite");
    harness_client_run(b, "config rewrite");
    cr_expect(eq(u64, take(&kind), 1));
    answer(1, ERRAND_DONE, "");
    cr_expect(eq(str, (char *)go_on(a), (char *)"+OK\r\n"));
    cr_expect(eq(str, (char *)harness_client_wire(b), (char *)""));
    cr_expect(eq(u64, take(&kind), 2));
    answer(2, ERRAND_DONE, "");
    cr_expect(eq(str, (char *)go_on(b), (char *)"+OK\r\n"));
    harness_client_close(a);
    harness_client_close(b);
}

Test(errand, waits_five_seconds_for_control_to_begin)
{
    static const char away[] =
        "-ERR Rewriting config file: the control process does not answer\r\n";
    enum errand_kind kind;
    struct harness_client *a = harness_client_open(h), *b = harness_client_open(h);
    harness_client_run(a, "config rewrite");
    pass_ms(3000);
    harness_client_run(b, "config rewrite");
    pass_ms(1999);
    cr_expect(eq(str, (char *)harness_client_wire(a), (char *)""));
    pass_ms(1);
    cr_expect(eq(str, (char *)harness_client_wire(a), (char *)away));
    cr_expect(eq(str, (char *)harness_client_wire(b), (char *)""));
    pass_ms(3000); // its own five seconds
    cr_expect(eq(str, (char *)harness_client_wire(b), (char *)away));
    cr_expect(zero(u64, take(&kind)), "nothing is left for a control that comes back");
    harness_client_close(a);
    harness_client_close(b);
}

Test(errand, gives_a_slow_disk_a_minute)
{
    enum errand_kind kind;
    struct harness_client *c = harness_client_open(h);
    harness_client_run(c, "config rewrite");
    cr_assert(eq(u64, take(&kind), 1));
    pass_ms(100); // sees that it was taken
    pass_ms(59000);
    cr_expect(eq(str, (char *)harness_client_wire(c), (char *)""));
    pass_ms(1000);
    cr_expect(eq(str, (char *)harness_client_wire(c),
                 (char *)"-ERR Rewriting config file: the control process did not finish in time: "
                         "it may still do\r\n"));
    answer(1, ERRAND_DONE, ""); // late
    harness_client_run(c, "config rewrite");
    cr_expect(not(errands_poll(&h->server)));
    cr_expect(eq(u64, take(&kind), 2));
    answer(2, ERRAND_DONE, "");
    cr_expect(eq(str, (char *)go_on(c), (char *)"+OK\r\n"));
    harness_client_close(c);
}

Test(errand, finds_an_answer_whose_message_was_lost)
{
    enum errand_kind kind;
    struct harness_client *c = harness_client_open(h);
    harness_client_run(c, "config rewrite");
    answer(take(&kind), ERRAND_DONE, "");
    pass_ms(100);
    cr_expect(eq(str, (char *)harness_client_wire(c), (char *)"+OK\r\n"));
    harness_client_close(c);
}

static uint32_t done_calls;
static struct bytes done_argument;
static enum errand_outcome done_outcome;
static void note_done(struct call *call, enum errand_outcome outcome, struct bytes text)
{
    done_calls++;
    done_outcome = outcome;
    cr_expect(eq(sz, call->argc, 2));
    cr_expect(bytes_equal(call->argv[1], bytes_text("argument")));
    cr_expect(ne(ptr, call->client, NULL));
    done_argument = text;
    reply_ok(call->reply);
}

static void start(struct client *c, bool no_suspend, enum errand_kind kind, size_t payload)
{
    static uint8_t bytes[ERRAND_TEXT_BYTES + 1];
    struct bytes argv[] = { BYTES_LITERAL("PING"), BYTES_LITERAL("argument") };
    struct call call = { .server = &h->server,
                         .client = c,
                         .reply = &c->reply,
                         .keyspace = h->server.keyspace,
                         .argv = argv,
                         .argc = 2,
                         .no_suspend = no_suspend };
    command_prepare(&call);
    errand_start(&call, kind, bytes_make(bytes, payload), note_done);
}

Test(errand, takes_effect_when_the_client_has_gone)
{
    enum errand_kind kind;
    struct harness_client *c = harness_client_open(h);
    start(&c->client, false, ERRAND_ACL_LOAD, 0);
    harness_client_close(c);
    answer(take(&kind), ERRAND_DONE, "user x on");
    errands_poll(&h->server);
    while (jobs_run(&h->server, 1)) {
    }
    cr_expect(eq(u32, done_calls, 1));
    cr_expect(eq(sz, done_argument.size, 9));
}

Test(errand, does_not_wait_where_nobody_can)
{
    enum errand_kind kind;
    struct harness_client *c = harness_client_open(h);
    start(&c->client, true, ERRAND_ACL_SAVE, 10);
    cr_expect(eq(u32, done_calls, 1));
    cr_expect(eq(int, done_outcome, ERRAND_UNWAITED));
    cr_expect(zero(u32, c->client.flags & CLIENT_IN_JOB));
    answer(take(&kind), ERRAND_FAILED, "No space left on device");
    errands_poll(&h->server);
    cr_expect(eq(u32, done_calls, 1));
    char line[256];
    int level;
    uint64_t wall_us;
    cr_assert(region_log_read(h->server.region_shard, &level, &wall_us, line, sizeof line));
    cr_expect(eq(str, (char *)line,
                 (char *)"ACL SAVE within a transaction failed: No space left on device"));
    start(&c->client, true, ERRAND_ACL_LOAD, 0); // no use without its answer
    cr_expect(eq(int, done_outcome, ERRAND_FAILED));
    cr_expect(zero(u64, take(&kind)));
    harness_client_close(c);
}

Test(errand, is_bounded)
{
    struct harness_client *c = harness_client_open(h);
    start(&c->client, true, ERRAND_ACL_SAVE, ERRAND_TEXT_BYTES + 1);
    cr_expect(eq(int, done_outcome, ERRAND_TOO_LARGE));
    for (int i = 0; i < ERRANDS_MAX; i++) {
        start(&c->client, true, ERRAND_ACL_SAVE, 1);
        cr_expect(eq(int, done_outcome, ERRAND_UNWAITED));
    }
    start(&c->client, true, ERRAND_ACL_SAVE, 1);
    cr_expect(eq(int, done_outcome, ERRAND_TOO_LARGE));
    harness_client_close(c);
}

Test(errand, leaves_nothing_behind_when_the_server_stops)
{
    struct harness_client *c = harness_client_open(h);
    start(&c->client, true, ERRAND_ACL_SAVE, 100);
    start(&c->client, false, ERRAND_ACL_LOAD, 0);
    jobs_forget_client(&h->server, &c->client);
    harness_client_close(c); // close_harness counts the bytes
}
