#include "tests/unit/cmd/harness.h"

static void fill(struct harness *h, uint32_t count)
{
    char text[32];
    for (uint32_t i = 0; i < count; i++) {
        struct bytes name = bytes_make(text, (size_t)snprintf(text, sizeof text, "k%u", i));
        struct key key = key_make(h->server.keyspace, name);
        string_set(h->server.keyspace, 0, &key, bytes_text("v"), NULL, 0, 0, h->now_ms);
    }
}

Test(job, answers_a_long_command_in_slices)
{
    struct harness *h = harness_open();
    fill(h, 5000);
    const char *wire = harness_run(h, "KEYS k1*");
    cr_expect(eq(int, strncmp(wire, "*1111\r\n", 7), 0)); // k1, k1?, k1??, k1???
    cr_expect(gt(u32, h->slices, 100));
    cr_expect(eq(u64, h->tally.slices, h->slices));
    harness_run(h, "KEYS *");
    cr_expect(eq(int, strncmp(h->wire, "*5000\r\n", 7), 0));
    harness_close(h);
}

Test(job, does_little_work_at_once)
{
    struct harness *h = harness_open();
    fill(h, 100);
    harness_run(h, "KEYS *");
    cr_expect(eq(int, strncmp(h->wire, "*100\r\n", 6), 0));
    cr_expect(zero(u32, h->slices));
    harness_close(h);
}

static struct call call_of(struct harness *h, struct resp_request *request)
{
    return (struct call){ .server = &h->server,
                          .client = &h->client,
                          .reply = &h->client.reply,
                          .keyspace = h->server.keyspace,
                          .argv = request->argv,
                          .argc = request->argc,
                          .request = request,
                          .now_ms = h->now_ms };
}

// The names at one moment: what others delete and create between the slices makes no difference.
Test(job, answers_for_one_moment)
{
    struct harness *h = harness_open();
    struct harness_client *other = harness_client_open(h);
    struct bytes argv[] = { BYTES_LITERAL("KEYS"), BYTES_LITERAL("*") };
    struct resp_request request = { .argv = argv, .argc = 2 };
    fill(h, 5000);
    struct call call = call_of(h, &request);
    command_prepare(&call);
    command_execute(&call);
    cr_assert(call.suspended);
    cr_expect(ne(u32, h->client.flags & CLIENT_IN_JOB, 0));
    jobs_run(&h->server, 1);
    cr_expect(eq(u32, h->stream.out.open_gaps, 1)); // its length is not known: nothing may leave
    keyspace_flush(h->server.keyspace, 0);
    for (uint32_t i = 0; i < 100; i++) fill(h, i); // new ones of the same names
    while (jobs_run(&h->server, 1)) continue;
    cr_expect(zero(u32, h->stream.out.open_gaps));
    harness_drain(h);
    cr_expect(eq(int, strncmp(h->wire, "*5000\r\n", 7), 0));
    harness_client_close(other);
    harness_close(h);
}

Test(job, of_a_client_that_goes_is_dropped)
{
    struct harness *h = harness_open();
    struct harness_client *c = harness_client_open(h);
    struct bytes argv[] = { BYTES_LITERAL("KEYS"), BYTES_LITERAL("nosuch*") };
    struct resp_request request = { .argv = argv, .argc = 2 };
    fill(h, 5000);
    struct call call = call_of(h, &request);
    call.client = &c->client;
    call.reply = &c->client.reply;
    command_prepare(&call);
    command_execute(&call);
    cr_assert(call.suspended);
    jobs_run(&h->server, 1);
    harness_client_close(c);
    cr_expect(not(jobs_run(&h->server, 1)));
    keyspace_flush(h->server.keyspace, 0); // no walk holds it
    while (keyspace_reap_step(h->server.keyspace, 1000)) continue;
    cr_expect(zero(u64, keyspace_reap_pending(h->server.keyspace)));
    harness_close(h);
}
