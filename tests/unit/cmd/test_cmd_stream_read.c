// Replies are those of redis-server 7.0.15 unless a line says otherwise.
#include "tests/unit/cmd/stream_harness.h"

TestSuite(cmd_stream_read, .init = open_streams, .fini = close_streams);

#define FROM_S(entries) "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n" entries

// ---- what is there

Test(cmd_stream_read, reads_on_from_an_id)
{
    fill_stream("s", 3);
    fill_stream("t", 1);
    EXPECT_REPLY(h, "xread streams s 1",
                 "*1\r\n*2\r\n$1\r\ns\r\n*2\r\n" ENTRY("2-0", "2") ENTRY("3-0", "3"));
    EXPECT_REPLY(h, "xread count 1 streams s none t 0 0 0",
                 "*2\r\n*2\r\n$1\r\ns\r\n*1\r\n" ENTRY("1-0", "1") "*2\r\n$1\r\nt\r\n*1\r\n" //
                 ENTRY("1-0", "1"));
    EXPECT_REPLY(h, "xread count 0 streams s 2-0", FROM_S(ENTRY("3-0", "3")));
    EXPECT_REPLY(h, "xread count -1 streams s 2-5", FROM_S(ENTRY("3-0", "3")));
    EXPECT_REPLY(h, "xread streams s $", "*-1\r\n");
    EXPECT_REPLY(h, "xread streams s 3", "*-1\r\n");
    EXPECT_REPLY(h, "xread streams none 0", "*-1\r\n");
    EXPECT_REPLY(h, "xread streams s 18446744073709551615-18446744073709551615", "*-1\r\n");
}

Test(cmd_stream_read, answers_resp3_with_a_map)
{
    fill_stream("s", 3);
    fill_stream("t", 1);
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "xread streams s t 2 1", "%1\r\n$1\r\ns\r\n*1\r\n" ENTRY("3-0", "3"));
    EXPECT_REPLY(h, "xread streams s t 2 0",
                 "%2\r\n$1\r\ns\r\n*1\r\n" ENTRY("3-0", "3") "$1\r\nt\r\n*1\r\n" //
                 ENTRY("1-0", "1"));
    EXPECT_REPLY(h, "xread streams s 3", "_\r\n");
}

Test(cmd_stream_read, does_not_see_what_was_deleted_at_the_end)
{
    fill_stream("s", 3);
    harness_run(h, "xdel s 3-0");
    EXPECT_REPLY(h, "xread streams s 2", "*-1\r\n");
    EXPECT_BLOCKS(other, "xread block 0 streams s 2");
}

Test(cmd_stream_read, refuses_bad_forms)
{
    static const char *const not_read =
        " option is only supported by XREADGROUP. You called XREAD instead.\r\n";
    fill_stream("s", 1);
    // 7.2: 7.0 tells neither the command nor of '>'.
    EXPECT_REPLY(h, "xread streams s t 0",
                 "-ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must "
                 "be specified.\r\n");
    EXPECT_REPLY(h, "xread block 0 streams s 0 count",
                 "-ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must "
                 "be specified.\r\n");
    EXPECT_REPLY(h, "xread count 1 streams", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "xread count 1 block 1", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "xread foo streams s 0", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "xread count x streams s 0", STREAM_NOT_INTEGER);
    EXPECT_REPLY(h, "xread streams s x", STREAM_BAD_ID);
    EXPECT_REPLY(h, "xread streams s -", STREAM_BAD_ID);
    EXPECT_REPLY(h, "xread streams s", "-ERR wrong number of arguments for 'xread' command\r\n");
    EXPECT_STARTS(harness_run(h, "xread noack streams s 0"), "-ERR The NOACK");
    EXPECT_ENDS(h->wire, not_read);
    EXPECT_STARTS(harness_run(h, "xread group g c streams s 0"), "-ERR The GROUP");
    EXPECT_ENDS(h->wire, not_read);
    EXPECT_REPLY(h, "xread streams s >",
                 "-ERR The > ID can be specified only when calling XREADGROUP using the GROUP "
                 "<group> <consumer> option.\r\n");
}

Test(cmd_stream_read, refuses_bad_timeouts)
{
    fill_stream("s", 1);
    EXPECT_REPLY(h, "xread block -1 streams s 0", "-ERR timeout is negative\r\n");
    EXPECT_REPLY(h, "xread block 1.5 streams s 0",
                 "-ERR timeout is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "xread block x streams s 0",
                 "-ERR timeout is not an integer or out of range\r\n");
    // 7.2: 7.0 waits for ever.
    EXPECT_REPLY(h, "xread block 9223372036854775807 streams s 0",
                 "-ERR timeout is out of range\r\n");
}

// ---- waiting

Test(cmd_stream_read, waits_for_the_next_entry_of_any_of_its_keys)
{
    fill_stream("s", 2);
    EXPECT_REPLY(h, "xread block 0 streams s 1", FROM_S(ENTRY("2-0", "2")));
    EXPECT_BLOCKS(other, "xread block 0 streams none s $ $");
    cr_expect_eq(h->server.blocks.all.count, 1);
    harness_run(h, "xadd s 3-0 f 3");
    EXPECT_SENT(other, FROM_S(ENTRY("3-0", "3")));
    EXPECT_BLOCKS(other, "xread block 0 streams none s $ $");
    harness_run(h, "xadd none 1-1 f 1");
    EXPECT_SENT(other, "*1\r\n*2\r\n$4\r\nnone\r\n*1\r\n" ENTRY("1-1", "1"));
    cr_expect_eq(h->server.blocks.all.count, 0);
}

Test(cmd_stream_read, gives_the_same_entry_to_all_who_wait)
{
    struct harness_client *third = harness_client_open(h);
    third->client.reply.version = 3;
    EXPECT_BLOCKS(other, "xread block 0 streams s $");
    EXPECT_BLOCKS(third, "xread block 0 count 5 streams s 0");
    harness_run(h, "xadd s 1-0 f 1");
    EXPECT_SENT(other, FROM_S(ENTRY("1-0", "1")));
    EXPECT_SENT(third, "%1\r\n$1\r\ns\r\n*1\r\n" ENTRY("1-0", "1"));
    harness_client_close(third);
}

Test(cmd_stream_read, gives_up_when_its_time_is_over)
{
    EXPECT_BLOCKS(other, "xread block 20 streams s $");
    harness_set_time(h, h->now_ms + 19);
    blocks_expire(&h->server);
    EXPECT_SENT(other, "");
    harness_set_time(h, h->now_ms + 2);
    blocks_expire(&h->server);
    EXPECT_SENT(other, "*-1\r\n");
    cr_expect_eq(h->server.blocks.all.count, 0);
    other->client.reply.version = 3;
    EXPECT_BLOCKS(other, "xread block 20 streams s $");
    harness_set_time(h, h->now_ms + 21);
    blocks_expire(&h->server);
    EXPECT_SENT(other, "_\r\n");
}

Test(cmd_stream_read, is_unblocked_by_others)
{
    char command[64];
    static const char *const hows[] = { "", " timeout", " error" };
    static const char *const replies[] = { "*-1\r\n", "*-1\r\n",
                                           "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n" };
    for (uint32_t i = 0; i < 3; i++) {
        EXPECT_BLOCKS(other, "xread block 0 streams s $");
        snprintf(command, sizeof command, "client unblock %llu%s",
                 (unsigned long long)other->client.id, hows[i]);
        EXPECT_REPLY(h, command, ":1\r\n");
        EXPECT_SENT(other, replies[i]);
        EXPECT_REPLY(h, command, ":0\r\n");
    }
}

Test(cmd_stream_read, goes_on_waiting_when_the_key_holds_something_else)
{
    EXPECT_BLOCKS(other, "xread block 0 streams s 5");
    harness_run(h, "set s x");
    EXPECT_SENT(other, "");
    harness_run(h, "del s");
    harness_run(h, "xadd s 4-0 f 4"); // not above 5
    EXPECT_SENT(other, "");
    harness_run(h, "xadd s 6-0 f 6");
    EXPECT_SENT(other, FROM_S(ENTRY("6-0", "6")));
}

Test(cmd_stream_read, keeps_the_id_that_was_last_when_it_began_to_wait)
{
    fill_stream("s", 3);
    EXPECT_BLOCKS(other, "xread block 0 streams s $");
    harness_run(h, "del s");
    harness_run(h, "xadd s 2-0 f 2"); // not above 3-0
    EXPECT_SENT(other, "");
    harness_run(h, "xadd s 3-1 f 3");
    EXPECT_SENT(other, FROM_S(ENTRY("3-1", "3")));
}

Test(cmd_stream_read, finds_a_stream_that_comes_by_another_name)
{
    fill_stream("from", 1);
    EXPECT_BLOCKS(other, "xread block 0 streams s 0");
    harness_run(h, "rename from s");
    EXPECT_SENT(other, FROM_S(ENTRY("1-0", "1")));
}

Test(cmd_stream_read, does_not_wait_in_a_transaction)
{
    harness_run(h, "multi");
    EXPECT_REPLY(h, "xread block 0 streams s $", "+QUEUED\r\n");
    EXPECT_REPLY(h, "exec", "*1\r\n*-1\r\n");
}

// ---- many

enum { GIANT = 5000 };

Test(cmd_stream_read, reads_thousands_in_slices_as_they_were)
{
    fill_stream("s", GIANT);
    cr_assert(begin_for(&h->client, "xread streams s none s 100 0 4999"));
    run_slices(5);
    begin_for(&other->client, "xadd s 6000-0 f new");
    begin_for(&other->client, "xtrim s maxlen 10");
    cr_expect_neq(h->server.jobs.list.count, 0);
    run_to_the_end();
    EXPECT_STARTS(h->wire, "*2\r\n*2\r\n$1\r\ns\r\n*4900\r\n*2\r\n$5\r\n101-0\r\n");
    EXPECT_ENDS(h->wire,
                "*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$6\r\n5000-0\r\n*2\r\n$1\r\nf\r\n$4\r\n5000\r\n");
}

Test(cmd_stream_read, reads_a_few_of_many_at_once)
{
    fill_stream("s", GIANT);
    harness_run(h, "xread count 10 streams s 0");
    cr_expect_eq(h->slices, 0);
    EXPECT_STARTS(h->wire, "*1\r\n*2\r\n$1\r\ns\r\n*10\r\n");
}
