#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"

static command_body cmd_expire, cmd_expireat, cmd_expiretime, cmd_persist, cmd_pexpire,
    cmd_pexpireat, cmd_pexpiretime, cmd_pttl, cmd_ttl;

// clang-format off
const struct command cmd_expiries[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(EXPIRE, "expire", cmd_expire, -3, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_KEYSPACE),
    COMMAND(EXPIREAT, "expireat", cmd_expireat, -3, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_KEYSPACE),
    COMMAND(EXPIRETIME, "expiretime", cmd_expiretime, 2, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_KEYSPACE),
    COMMAND(PERSIST, "persist", cmd_persist, 2, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_KEYSPACE),
    COMMAND(PEXPIRE, "pexpire", cmd_pexpire, -3, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_KEYSPACE),
    COMMAND(PEXPIREAT, "pexpireat", cmd_pexpireat, -3, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_KEYSPACE),
    COMMAND(PEXPIRETIME, "pexpiretime", cmd_pexpiretime, 2, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_KEYSPACE),
    COMMAND(PTTL, "pttl", cmd_pttl, 2, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_KEYSPACE),
    COMMAND(TTL, "ttl", cmd_ttl, 2, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_KEYSPACE),
};
// clang-format on

enum { ONLY_NX = 1, ONLY_XX = 2, ONLY_GT = 4, ONLY_LT = 8 };

static uint32_t condition_bit(struct bytes word)
{
    static const char *const words[] = { "nx", "xx", "gt", "lt" };
    for (uint32_t i = 0; i < 4; i++)
        if (bytes_is_option(word, words[i])) return 1u << i;
    return 0;
}

static bool conditions_parse(struct call *call, uint32_t *conditions)
{
    *conditions = 0;
    for (uint32_t i = 3; i < call->argc; i++) {
        struct bytes word = call->argv[i];
        uint32_t bit = condition_bit(word);
        if (!bit) { // Redis shows the word as a C string
            size_t shown = strnlen((const char *)word.data, word.size);
            reply_errorf(call->reply, "ERR Unsupported option %.*s", (int)shown,
                         (const char *)word.data);
            return false;
        }
        *conditions |= bit;
    }
    if ((*conditions & ONLY_NX) && (*conditions & ~(uint32_t)ONLY_NX))
        reply_error(call->reply,
                    "ERR NX and XX, GT or LT options at the same time are not compatible");
    else if ((*conditions & ONLY_GT) && (*conditions & ONLY_LT))
        reply_error(call->reply, "ERR GT and LT options at the same time are not compatible");
    else
        return true;
    return false;
}

// argv[2] in its unit plus base_ms, as a signed moment: times before 1970 are legal and have
// passed.
static bool moment_parse(struct call *call, int64_t base_ms, bool is_seconds, int64_t *moment_ms)
{
    int64_t value;
    if (!call_int(call, 2, &value, NULL)) return false;
    if ((!is_seconds || !__builtin_mul_overflow(value, 1000, &value)) &&
        !__builtin_add_overflow(value, base_ms, moment_ms))
        return true;
    reply_errorf(call->reply, "ERR invalid expire time in '%s' command", call->command->full_name);
    return false;
}

// A key without a deadline counts as living for ever.
static bool conditions_hold(uint32_t conditions, uint64_t deadline_ms, int64_t moment_ms)
{
    bool has = deadline_ms != KEYSPACE_NO_DEADLINE;
    if ((conditions & ONLY_NX) && has) return false;
    if ((conditions & ONLY_XX) && !has) return false;
    if ((conditions & ONLY_GT) && (!has || moment_ms <= (int64_t)deadline_ms)) return false;
    if ((conditions & ONLY_LT) && has && moment_ms >= (int64_t)deadline_ms) return false;
    return true;
}

// Absolute, in ms; the conditions stay as they were sent.
static void effect_expire(struct call *call, int64_t moment_ms)
{
    struct bytes argv[3 + 8];
    char digits[NUM_INT_MAX];
    uint32_t argc = 3;
    argv[0] = BYTES_LITERAL("PEXPIREAT");
    argv[1] = call->argv[1];
    argv[2] = bytes_make(digits, num_format_int(digits, moment_ms));
    for (uint32_t i = 3; i < call->argc && argc < 3 + 8; i++) argv[argc++] = call->argv[i];
    call_effect(call, argv, argc);
}

static void expire(struct call *call, int64_t base_ms, bool is_seconds)
{
    uint32_t conditions, db = call->client->db;
    int64_t moment_ms;
    if (!conditions_parse(call, &conditions)) return;
    if (!moment_parse(call, base_ms, is_seconds, &moment_ms)) return;
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_WRITE);
    if (!e || !conditions_hold(conditions, entry_deadline_ms(e), moment_ms)) {
        reply_int(call->reply, 0);
        return;
    }
    if (UNLIKELY(call->server->replays_log) && moment_ms <= 0) moment_ms = 1; // 0: no deadline
    if (moment_ms <= (int64_t)call_passed_ms(call)) {
        keyspace_delete_entry(call->keyspace, db, e);
        call_changed(call, &key, EVENT_GENERIC, "del");
        call_effectf(call, "sb", "DEL", key.name);
    } else {
        keyspace_set_deadline(call->keyspace, db, e, (uint64_t)moment_ms);
        call_changed(call, &key, EVENT_GENERIC, "expire");
        effect_expire(call, moment_ms);
    }
    reply_int(call->reply, 1);
}

static void cmd_expire(struct call *call) { expire(call, (int64_t)call->now_ms, true); }

static void cmd_pexpire(struct call *call) { expire(call, (int64_t)call->now_ms, false); }

static void cmd_expireat(struct call *call) { expire(call, 0, true); }

static void cmd_pexpireat(struct call *call) { expire(call, 0, false); }

// -2: no key, -1: no deadline; seconds are rounded to the nearest.
static void reply_deadline(struct call *call, uint64_t since_ms, bool is_seconds)
{
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_PEEK);
    uint64_t deadline_ms = e ? entry_deadline_ms(e) : KEYSPACE_NO_DEADLINE;
    if (deadline_ms == KEYSPACE_NO_DEADLINE) {
        reply_int(call->reply, e ? -1 : -2);
        return;
    }
    uint64_t left_ms = deadline_ms > since_ms ? deadline_ms - since_ms : 0;
    reply_int(call->reply, (int64_t)(is_seconds ? (left_ms + 500) / 1000 : left_ms));
}

static void cmd_ttl(struct call *call) { reply_deadline(call, call->now_ms, true); }

static void cmd_pttl(struct call *call) { reply_deadline(call, call->now_ms, false); }

static void cmd_expiretime(struct call *call) { reply_deadline(call, 0, true); }

static void cmd_pexpiretime(struct call *call) { reply_deadline(call, 0, false); }

static void cmd_persist(struct call *call)
{
    struct key key = call_key(call, 1);
    uint32_t db = call->client->db;
    struct entry *e = call_find(call, &key, FIND_WRITE);
    bool had = e && entry_deadline_ms(e) != KEYSPACE_NO_DEADLINE;
    if (had) {
        keyspace_set_deadline(call->keyspace, db, e, KEYSPACE_NO_DEADLINE);
        call_changed(call, &key, EVENT_GENERIC, "persist");
    }
    reply_int(call->reply, had);
}
