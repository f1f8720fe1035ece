#include "dataplane/base/num.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/changed.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/cmd/script_shards.h"

static command_body cmd_dbsize, cmd_flushdb, cmd_flushall, cmd_swapdb, cmd_time, cmd_shutdown,
    cmd_wait;

// clang-format off
const struct command cmd_server[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(DBSIZE, "dbsize", cmd_dbsize, 1, 0, 0, 0, CMD_READONLY | CMD_FAST, ACL_KEYSPACE),
    COMMAND(FLUSHDB, "flushdb", cmd_flushdb, -1, 0, 0, 0, CMD_WRITE, ACL_KEYSPACE | ACL_DANGEROUS),
    COMMAND(FLUSHALL, "flushall", cmd_flushall, -1, 0, 0, 0, CMD_WRITE, ACL_KEYSPACE | ACL_DANGEROUS),
    COMMAND(SWAPDB, "swapdb", cmd_swapdb, 3, 0, 0, 0, CMD_WRITE | CMD_FAST, ACL_KEYSPACE | ACL_DANGEROUS),
    COMMAND(TIME, "time", cmd_time, 1, 0, 0, 0, CMD_LOADING | CMD_STALE | CMD_FAST, 0),
    COMMAND(WAIT, "wait", cmd_wait, 3, 0, 0, 0, CMD_BLOCKING, ACL_CONNECTION),
    COMMAND(SHUTDOWN, "shutdown", cmd_shutdown, -1, 0, 0, 0, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_NO_MULTI | CMD_SENTINEL | CMD_ALLOW_BUSY, 0),
};
// clang-format on

static void cmd_dbsize(struct call *call)
{
    reply_int(call->reply, (int64_t)keyspace_size(call->keyspace, call->client->db));
}

// Whose keys the call is about: those of all shards, or of one.
static uint32_t concerned(const struct call *call)
{
    return call_is_joint(call) ? server_peer_count(call->server) : 1;
}

static struct server *concerned_at(const struct call *call, uint32_t index)
{
    return call_is_joint(call) ? server_peer(call->server, index) : call->server;
}

static void signal_all(const struct call *call)
{
    for (uint32_t i = 0; i < concerned(call); i++) block_signal_all(concerned_at(call, i));
}

// SYNC and ASYNC both detach the tables at once and free them in slices.
static bool parse_flush(struct call *call)
{
    if (call->argc == 1) return true;
    if (call->argc == 2 &&
        (bytes_is_option(call->argv[1], "sync") || bytes_is_option(call->argv[1], "async")))
        return true;
    reply_error(call->reply, reply_text_syntax);
    return false;
}

static void cmd_flushdb(struct call *call)
{
    if (!parse_flush(call)) return;
    for (uint32_t i = 0; i < concerned(call); i++)
        changed_flush(concerned_at(call, i), call->client->db);
    keyspace_flush(call->keyspace, call->client->db);
    call_effect(call, call->argv, call->argc); // also when there was nothing to flush
    signal_all(call);
    reply_ok(call->reply);
}

static void cmd_flushall(struct call *call)
{
    if (!parse_flush(call)) return;
    for (uint32_t i = 0; i < concerned(call); i++)
        changed_flush(concerned_at(call, i), CHANGED_ALL_DATABASES);
    for (int64_t db = 0; db < call->server->settings->databases; db++)
        keyspace_flush(call->keyspace, (uint32_t)db);
    call_effect(call, call->argv, call->argc);
    signal_all(call);
    reply_ok(call->reply);
}

static bool parse_swap_index(struct call *call, uint32_t index, const char *error, int64_t *db)
{
    if (num_parse_int(call->argv[index], db) && *db >= INT32_MIN && *db <= INT32_MAX) return true;
    reply_error(call->reply, error);
    return false;
}

static void cmd_swapdb(struct call *call)
{
    int64_t a, b, count = call->server->settings->databases;
    if (!parse_swap_index(call, 1, "ERR invalid first DB index", &a)) return;
    if (!parse_swap_index(call, 2, "ERR invalid second DB index", &b)) return;
    if (a < 0 || a >= count || b < 0 || b >= count) {
        reply_error(call->reply, "ERR DB index is out of range");
        return;
    }
    for (uint32_t i = 0; i < concerned(call); i++)
        changed_swap(concerned_at(call, i), (uint32_t)a, (uint32_t)b);
    keyspace_swap(call->keyspace, (uint32_t)a, (uint32_t)b);
    signal_all(call);
    reply_ok(call->reply);
}

static void cmd_time(struct call *call)
{
    uint64_t now_us = script_wall_us(call->server);
    reply_array(call->reply, 2);
    reply_bulk_int(call->reply, (int64_t)(now_us / 1000000));
    reply_bulk_int(call->reply, (int64_t)(now_us % 1000000));
}

// There are no replicas: none has acknowledged, and the caller waits for those it asked for.
static void cmd_wait(struct call *call)
{
    int64_t wanted, timeout_ms;
    if (!call_int(call, 1, &wanted, NULL)) return;
    if (!num_parse_int(call->argv[2], &timeout_ms)) {
        reply_error(call->reply, "ERR timeout is not an integer or out of range");
        return;
    }
    if (timeout_ms < 0) {
        reply_error(call->reply, "ERR timeout is negative");
        return;
    }
    if (wanted <= 0 || !call_may_block(call)) {
        reply_int(call->reply, 0);
        return;
    }
    call_block(call, &(struct block_wish){ .deadline_ms =
                                               timeout_ms ? call->now_ms + (uint64_t)timeout_ms : 0,
                                           .reply = BLOCK_ZERO });
}

// ---- SHUTDOWN

enum { SHUTDOWN_ABORT = 1 << 30 };

static const char stop_failed[] = "ERR Errors trying to SHUTDOWN. Check logs.";

static uint32_t shutdown_flag(struct bytes word)
{
    if (bytes_is_option(word, "nosave")) return LANE_STOP_NOSAVE;
    if (bytes_is_option(word, "save")) return LANE_STOP_SAVE;
    if (bytes_is_option(word, "now")) return LANE_STOP_NOW;
    if (bytes_is_option(word, "force")) return LANE_STOP_FORCE;
    if (bytes_is_option(word, "abort")) return SHUTDOWN_ABORT;
    return 0;
}

static bool parse_shutdown(struct call *call, uint32_t *flags)
{
    *flags = 0;
    for (uint32_t i = 1; i < call->argc; i++) {
        uint32_t flag = shutdown_flag(call->argv[i]);
        *flags |= flag;
        if (!flag) return false;
    }
    bool both = (*flags & LANE_STOP_SAVE) && (*flags & LANE_STOP_NOSAVE);
    return !both && !((*flags & SHUTDOWN_ABORT) && call->argc > 2);
}

// Saving takes long: the client waits, and hears of it only when it failed.
static bool stop_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    (void)job;
    (void)until_tsc;
    if (persist_is_stopping(call->server->persist)) return false;
    reply_error(call->reply, stop_failed);
    return true;
}

static void stop_close(struct job *job, struct server *server)
{
    heap_give(server->heap, job, sizeof *job, HEAP_OTHER);
}

static void save_and_stop(struct call *call, uint32_t flags)
{
    static const struct job_ops ops = { stop_step, stop_close };
    struct job *job = heap_take(call->server->heap, sizeof *job, HEAP_OTHER);
    *job = (struct job){ .ops = &ops };
    persist_ask_stop(call->server->persist, flags);
    call_start_job(call, job);
}

// A success is not answered: the connection closes with the server.
static void cmd_shutdown(struct call *call)
{
    uint32_t flags;
    struct server *s = call->server;
    const struct script_run *busy = script_busy_among(s, shard_set_all(server_peer_count(s)));
    if (!parse_shutdown(call, &flags)) {
        reply_error(call->reply, reply_text_syntax);
    } else if (flags & SHUTDOWN_ABORT) {
        if (persist_abort_stop(s->persist))
            reply_ok(call->reply);
        else
            reply_error(call->reply, "ERR No shutdown in progress.");
    } else if (busy && !(flags & LANE_STOP_NOSAVE)) {
        reply_error(call->reply, script_kind_busy_text(busy->kind));
    } else if ((flags & LANE_STOP_SAVE) && !s->persist) {
        reply_error(call->reply, stop_failed);
    } else if (!aof_may_stop(s, flags)) {
        call_log(call, LOG_NOTICE, "User requested shutdown...");
        call_log(call, LOG_WARNING, "Writing initial AOF, can't exit");
        reply_error(call->reply, stop_failed);
    } else if (persist_must_save(s, flags)) {
        call_log(call, LOG_NOTICE, "User requested shutdown...");
        save_and_stop(call, flags);
    } else {
        call_log(call, LOG_NOTICE, "User requested shutdown...");
        call->server->ops->stop(call->server, flags);
    }
}
