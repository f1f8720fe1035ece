// What others say of the append-only log: MISCONF, INFO, SHUTDOWN, CONFIG SET. Texts and fields as
// redis-server 7.0.15 gives them (spec/aof.md chapters 5, 6 and 8).
#include "tests/unit/cmd/aof_harness.h"

TestSuite(aof, .init = aof_harness_open, .fini = aof_harness_close);

// ---- a log

Test(aof, begins_without_a_folder_and_without_a_rewrite)
{
    static struct persist later;
    persist_open(&later, 1, HARNESS_START_MS + 1);
    cr_expect(eq(int, later.aof.directory.lock_fd, -1));
    cr_expect(later.aof.last_rewrite_ok);
    cr_expect(eq(i64, later.aof.last_rewrite_s, -1));
}

Test(aof, adds_up_what_the_files_hold)
{
    persist.shard_count = 2;
    aof->older_bytes = 1000;
    aof->shards[0].file_bytes = 20;
    aof->shards[1].file_bytes = 3;
    aof->shards[2].file_bytes = 7; // of nobody
    cr_expect(eq(u64, aof_current_bytes(&h->server), 1023));
    h->server.persist = NULL;
    cr_expect(zero(u64, aof_current_bytes(&h->server)));
}

// ---- a disk that refuses

#define FULL "MISCONF Errors writing to the AOF file: No space left on device"

Test(aof, refuses_writes_while_the_log_cannot_be_written)
{
    log_stands_at(0, 0);
    harness_run(h, "set k v");
    aof_set_error(aof, 0, ENOSPC);
    EXPECT_REPLY(h, "set k w", "-" FULL "\r\n");
    EXPECT_REPLY(h, "ping", "-" FULL "\r\n");
    EXPECT_REPLY(h, "get k", "$1\r\nv\r\n");
    EXPECT_REPLY(h, "eval 'return redis.call(\"get\", \"k\")' 0", "$1\r\nv\r\n");
    harness_run(h, "eval 'return redis.call(\"set\", \"k\", \"w\")' 0");
    cr_expect(strncmp(h->wire, "-" FULL, strlen(FULL) + 1) == 0, "%s", h->wire);
    aof_set_error(aof, 0, EIO);
    EXPECT_REPLY(h, "del k", "-MISCONF Errors writing to the AOF file: Input/output error\r\n");
    aof_set_error(aof, 0, 0);
    EXPECT_REPLY(h, "set k w", "+OK\r\n");
    EXPECT_REPLY(h, "ping", "+PONG\r\n");
}

Test(aof, refuses_a_transaction_of_writes_too)
{
    log_stands_at(0, 0);
    harness_run(h, "multi");
    harness_run(h, "set k v");
    aof_set_error(aof, 0, ENOSPC);
    EXPECT_REPLY(h, "exec", "-EXECABORT Transaction discarded because of: " FULL "\r\n");
    harness_run(h, "multi");
    harness_run(h, "get k");
    EXPECT_REPLY(h, "exec", "*1\r\n$-1\r\n");
    harness_run(h, "multi");
    EXPECT_REPLY(h, "set k v", "-" FULL "\r\n");
    EXPECT_REPLY(h, "exec", "-EXECABORT Transaction discarded because of previous errors.\r\n");
}

Test(aof, refuses_writes_for_any_shard_and_until_all_are_well)
{
    log_stands_at(0, 0);
    persist.shard_count = 64;
    aof_set_error(aof, 63, EIO);
    aof_set_error(aof, 7, ENOSPC);
    EXPECT_REPLY(h, "set k v", "-" FULL "\r\n");
    aof_set_error(aof, 7, 0);
    EXPECT_REPLY(h, "set k v", "-MISCONF Errors writing to the AOF file: Input/output error\r\n");
    aof_set_error(aof, 63, 0);
    EXPECT_REPLY(h, "set k v", "+OK\r\n");
}

Test(aof, does_not_mind_a_log_that_is_off)
{
    aof_set_error(aof, 0, ENOSPC);
    EXPECT_REPLY(h, "set k v", "+OK\r\n");
    log_stands_at(0, 0);
    aof->state = AOF_STARTING;
    EXPECT_REPLY(h, "set k v", "-" FULL "\r\n");
}

Test(aof, says_first_that_snapshots_fail)
{
    log_stands_at(0, 0);
    aof_set_error(aof, 0, ENOSPC);
    persist.last_ok = false;
    harness_run(h, "set k v");
    cr_expect(strncmp(h->wire, "-MISCONF Redis is configured to save RDB snapshots", 50) == 0);
    h->settings.stop_writes_on_bgsave_error = false;
    EXPECT_REPLY(h, "set k v", "-" FULL "\r\n");
    aof_set_error(aof, 0, 0);
    EXPECT_REPLY(h, "set k v", "+OK\r\n");
}

// ---- INFO

static const char *field(const char *name)
{
    static char value[256];
    char pattern[80];
    snprintf(pattern, sizeof pattern, "\r\n%s:", name);
    const char *at = strstr(h->wire, pattern);
    if (!at) return NULL;
    snprintf(value, sizeof value, "%.*s", (int)strcspn(at + strlen(pattern), "\r"),
             at + strlen(pattern));
    return value;
}
#define EXPECT_FIELD(name, expected)                                                               \
    cr_expect(field(name) && strcmp(field(name), expected) == 0, "%s: %s", name, field(name))

Test(aof, says_little_of_a_log_that_is_off)
{
    harness_run(h, "info persistence");
    EXPECT_FIELD("aof_enabled", "0");
    EXPECT_FIELD("aof_rewrite_in_progress", "0");
    EXPECT_FIELD("aof_rewrite_scheduled", "0");
    EXPECT_FIELD("aof_last_rewrite_time_sec", "-1");
    EXPECT_FIELD("aof_current_rewrite_time_sec", "-1");
    EXPECT_FIELD("aof_last_bgrewrite_status", "ok");
    EXPECT_FIELD("aof_last_write_status", "ok");
    cr_expect(field("aof_current_size") == NULL);
    cr_expect(field("aof_durable_lag_bytes") == NULL);
}

// spec/aof.md chapter 8.
Test(aof, shows_the_fields_of_redis_in_their_order)
{
    static const char *const names[] = {
        "rdb_last_load_keys_expired",
        "rdb_last_load_keys_loaded",
        "aof_enabled",
        "aof_rewrite_in_progress",
        "aof_rewrite_scheduled",
        "aof_last_rewrite_time_sec",
        "aof_current_rewrite_time_sec",
        "aof_last_bgrewrite_status",
        "aof_rewrites",
        "aof_rewrites_consecutive_failures",
        "aof_last_write_status",
        "aof_last_cow_size",
        "module_fork_in_progress",
        "module_fork_last_cow_size",
        "aof_current_size",
        "aof_base_size",
        "aof_pending_rewrite",
        "aof_buffer_length",
        "aof_pending_bio_fsync",
        "aof_delayed_fsync",
    };
    log_stands_at(0, 0);
    harness_run(h, "info persistence");
    const char *at = h->wire;
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++) {
        char line[80];
        snprintf(line, sizeof line, "\r\n%s:", names[i]);
        const char *found = strstr(at, line);
        cr_expect(found != NULL, "%s", names[i]);
        if (found) at = found;
    }
}

Test(aof, sums_up_the_logs_of_all_shards)
{
    log_stands_at(500, 100);
    persist.shard_count = 2;
    aof->shards[0].written = 300;
    aof->shards[0].buffered_bytes = 200;
    aof->shards[0].file_bytes = 400;
    aof->shards[0].delayed = 2;
    aof->shards[1] = (struct aof_shard){ .appended = 50,
                                         .written = 50,
                                         .durable = 50,
                                         .file_bytes = 30,
                                         .delayed = 3,
                                         .has_lost = true };
    aof->older_bytes = 1000;
    aof->base_bytes = 900;
    aof->last_extra_bytes = 77;
    harness_run(h, "info persistence");
    EXPECT_FIELD("aof_enabled", "1");
    EXPECT_FIELD("aof_current_size", "1430");
    EXPECT_FIELD("aof_base_size", "900");
    EXPECT_FIELD("aof_buffer_length", "200");
    EXPECT_FIELD("aof_pending_bio_fsync", "1");
    EXPECT_FIELD("aof_delayed_fsync", "5");
    EXPECT_FIELD("aof_last_cow_size", "77");
    EXPECT_FIELD("aof_durable_lag_bytes", "400");
    EXPECT_FIELD("aof_lost_logs", "1");
    aof->shards[0].durable = 300;
    harness_run(h, "info persistence");
    EXPECT_FIELD("aof_pending_bio_fsync", "0");
}

Test(aof, tells_how_rewrites_go)
{
    log_stands_at(0, 0);
    aof->state = AOF_STARTING;
    aof->is_rewriting = true;
    aof->rewrite_started_ms = h->now_ms - 2500;
    harness_run(h, "info persistence");
    EXPECT_FIELD("aof_enabled", "1");
    EXPECT_FIELD("aof_rewrite_in_progress", "1");
    EXPECT_FIELD("aof_current_rewrite_time_sec", "2");
    aof->is_rewriting = aof->last_rewrite_ok = false;
    aof->failures = 3;
    aof->rewrites = 4;
    aof->last_rewrite_s = 2;
    aof_set_error(aof, 0, EIO);
    harness_run(h, "info persistence");
    EXPECT_FIELD("aof_rewrite_in_progress", "0");
    EXPECT_FIELD("aof_current_rewrite_time_sec", "-1");
    EXPECT_FIELD("aof_last_rewrite_time_sec", "2");
    EXPECT_FIELD("aof_last_bgrewrite_status", "err");
    EXPECT_FIELD("aof_rewrites", "4");
    EXPECT_FIELD("aof_rewrites_consecutive_failures", "3");
    EXPECT_FIELD("aof_last_write_status", "err");
}

// Its snapshot is no BGSAVE, but its progress shows.
Test(aof, counts_the_snapshot_of_a_rewrite_as_its_own)
{
    log_stands_at(0, 0);
    aof->is_rewriting = true;
    persist.saving = PERSIST_SAVING_BASE;
    persist.shards[0].keys_total = 4;
    persist.shards[0].keys_done = 1;
    harness_run(h, "info persistence");
    EXPECT_FIELD("rdb_bgsave_in_progress", "0");
    EXPECT_FIELD("rdb_current_bgsave_time_sec", "-1");
    EXPECT_FIELD("aof_rewrite_in_progress", "1");
    EXPECT_FIELD("current_fork_perc", "25.00");
    persist.saving = PERSIST_SAVING;
    harness_run(h, "info persistence");
    EXPECT_FIELD("rdb_bgsave_in_progress", "1");
    EXPECT_FIELD("rdb_current_bgsave_time_sec", "1700000000"); // it began in 1970
}

// Who polls after BGREWRITEAOF until it is over must not be too early.
Test(aof, says_that_a_rewrite_is_under_way_from_the_reply_on)
{
    log_stands_at(0, 0);
    harness_run(h, "bgrewriteaof");
    harness_run(h, "info persistence");
    EXPECT_FIELD("aof_rewrite_in_progress", "1");
    EXPECT_FIELD("aof_rewrite_scheduled", "0");
    EXPECT_FIELD("aof_current_rewrite_time_sec", "0");
    persist.saving = PERSIST_SAVING;
    harness_run(h, "info persistence");
    EXPECT_FIELD("aof_rewrite_in_progress", "0");
    EXPECT_FIELD("aof_rewrite_scheduled", "1");
    EXPECT_FIELD("aof_pending_rewrite", "1");
}

// ---- SHUTDOWN

Test(aof, does_not_stop_while_the_first_snapshot_of_the_log_is_made)
{
    static const char refused[] = "-ERR Errors trying to SHUTDOWN. Check logs.\r\n";
    log_stands_at(0, 0);
    aof->state = AOF_STARTING;
    EXPECT_REPLY(h, "shutdown", refused);
    EXPECT_REPLY(h, "shutdown now", refused);
    EXPECT_REPLY(h, "shutdown save", refused);
    EXPECT_REPLY(h, "shutdown nosave", refused);
    cr_expect(eq(u32, admin.stop_count, 0));
    EXPECT_REPLY(h, "shutdown nosave force", "");
    cr_expect(eq(u32, admin.stop_count, 1));
    aof->state = AOF_ON;
    EXPECT_REPLY(h, "shutdown nosave", "");
    cr_expect(eq(u32, admin.stop_count, 2));
}

// ---- CONFIG SET

#define CANNOT                                                                                     \
    "-ERR CONFIG SET failed (possibly related to argument 'appendonly') - Unable to turn on AOF. " \
    "Check server logs.\r\n"

Test(aof, is_turned_on_and_off)
{
    EXPECT_REPLY(h, "config set appendonly yes", "+OK\r\n");
    cr_expect(eq(u32, log_on_count, 1));
    cr_expect(eq(u32, aof->is_asked_on, 1));
    cr_expect(h->settings.appendonly);
    aof->state = AOF_STARTING;
    EXPECT_REPLY(h, "config set appendonly yes", "+OK\r\n");
    cr_expect(eq(u32, log_on_count, 1));
    EXPECT_REPLY(h, "config set appendonly no", "+OK\r\n");
    cr_expect(eq(u32, aof->is_asked_on, 0));
    cr_expect(eq(int, h->settings.appendonly, 0));
    // On again before the first shard has turned it off: it stays.
    EXPECT_REPLY(h, "config set appendonly yes", "+OK\r\n");
    cr_expect(eq(u32, log_on_count, 1));
    cr_expect(eq(u32, aof->is_asked_on, 1));
}

Test(aof, stays_off_when_its_directory_cannot_be_opened)
{
    refuses_log = true;
    EXPECT_REPLY(h, "config set appendonly yes", CANNOT);
    EXPECT_REPLY(h, "config set timeout 7 appendonly yes", CANNOT);
    cr_expect(eq(u32, aof->is_asked_on, 0));
    cr_expect(eq(int, h->settings.appendonly, 0));
    cr_expect(eq(i64, h->settings.timeout, 0));
    cr_expect(eq(u32, admin.apply_count, 0));
    refuses_log = false;
    EXPECT_REPLY(h, "config set appendonly yes", "+OK\r\n");
    cr_expect(eq(u32, log_on_count, 3));
}

Test(aof, is_not_left_on_by_a_change_that_is_refused)
{
    admin.refuse = "no";
    harness_run(h, "config set appendonly yes port 1");
    cr_expect(eq(u32, aof->is_asked_on, 0));
    admin.refuse = NULL;
    harness_run(h, "config set appendonly yes");
    aof->state = AOF_ON;
    admin.refuse = "no";
    harness_run(h, "config set appendonly no port 1");
    cr_expect(eq(u32, aof->is_asked_on, 1));
}

Test(aof, is_turned_on_after_loading)
{
    persist.loading_left = 1;
    EXPECT_REPLY(h, "config set appendonly yes", "+OK\r\n");
    cr_expect(eq(u32, log_on_count, 0));
    cr_expect(eq(u32, aof->is_asked_on, 1));
}

Test(aof, is_turned_on_once_for_all_shards)
{
    struct node_harness *n = node_open();
    persist_open(&persist, NODE_SHARDS, HARNESS_START_MS);
    ops = node_harness_ops;
    ops.apply_settings = admin_apply;
    ops.log_on = note_log_on;
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        n->node.servers[i]->persist = &persist;
        n->node.servers[i]->ops = &ops;
        n->node.servers[i]->shard = &admin;
    }
    EXPECT_NODE(n, "config set appendonly yes", "+OK\r\n");
    cr_expect(eq(u32, log_on_count, 1));
    cr_expect(eq(u32, admin.apply_count, NODE_SHARDS));
    EXPECT_NODE(n, "config set appendonly no", "+OK\r\n");
    refuses_log = true;
    EXPECT_NODE(n, "config set appendonly yes", CANNOT);
    cr_expect(eq(u32, log_on_count, 2));
    cr_expect(eq(u32, aof->is_asked_on, 0));
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        cr_expect(eq(int, n->node.servers[i]->settings->appendonly, 0));
        n->node.servers[i]->shard = n;
    }
    node_close(n);
}
