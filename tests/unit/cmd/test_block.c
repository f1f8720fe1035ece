#include "tests/unit/cmd/harness.h"

// WAIT is the one blocking command without keys; the others are tested with their types.
Test(block, gives_up_at_the_time_that_was_named)
{
    struct harness *h = harness_open();
    struct harness_client *c = harness_client_open(h);
    cr_expect(eq(str, (char *)harness_client_run(c, "WAIT 1 50"), ""));
    cr_expect(eq(u64, h->tally.blocked_clients, 1));
    cr_expect(ne(u32, c->client.flags & CLIENT_BLOCKED, 0));
    harness_set_time(h, h->now_ms + 49);
    blocks_expire(&h->server);
    cr_expect(eq(str, (char *)harness_client_wire(c), ""));
    harness_set_time(h, h->now_ms + 1);
    cr_expect(le(u64, blocks_next_deadline_ns(&h->server), h->server.now_ns));
    blocks_expire(&h->server);
    cr_expect(eq(str, (char *)harness_client_wire(c), ":0\r\n"));
    cr_expect(zero(u64, h->tally.blocked_clients));
    harness_client_close(c);
    harness_close(h);
}

Test(block, refuses_times_that_are_none)
{
    struct harness *h = harness_open();
    EXPECT_REPLY(h, "WAIT 1 -1", "-ERR timeout is negative\r\n");
    EXPECT_REPLY(h, "WAIT 1 x", "-ERR timeout is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "WAIT x 1", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "WAIT 0 0", ":0\r\n");
    harness_close(h);
}

Test(block, ends_by_client_unblock)
{
    struct harness *h = harness_open();
    struct harness_client *c = harness_client_open(h);
    char command[64];
    snprintf(command, sizeof command, "CLIENT UNBLOCK %lu", (unsigned long)c->client.id);
    EXPECT_REPLY(h, command, ":0\r\n");
    harness_client_run(c, "WAIT 1 0");
    EXPECT_REPLY(h, command, ":1\r\n");
    cr_expect(eq(str, (char *)harness_client_wire(c), ":0\r\n"));
    harness_client_run(c, "WAIT 1 0");
    snprintf(command, sizeof command, "CLIENT UNBLOCK %lu ERROR", (unsigned long)c->client.id);
    EXPECT_REPLY(h, command, ":1\r\n");
    cr_expect(eq(str, (char *)harness_client_wire(c),
                 "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"));
    EXPECT_REPLY(h, "CLIENT UNBLOCK 1 WHY",
                 "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n");
    harness_client_close(c);
    harness_close(h);
}

Test(block, forgets_clients_that_go)
{
    struct harness *h = harness_open();
    struct harness_client *c = harness_client_open(h);
    harness_client_run(c, "WAIT 1 10");
    harness_client_close(c);
    cr_expect(zero(u64, h->tally.blocked_clients));
    harness_set_time(h, h->now_ms + 100);
    blocks_expire(&h->server);
    harness_close(h);
}
