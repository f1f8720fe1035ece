// Deadlines of fields, as in Redis 7.4.
//
// Two of its oddities are not repeated: a field whose deadline has passed can not be revived by
// HEXPIRE, it is not there; and a hash is "listpackex" only once a field of it has a deadline.
#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/hash_expiry.h"

static command_body cmd_hexpire, cmd_hexpireat, cmd_hexpiretime, cmd_hpersist, cmd_hpexpire,
    cmd_hpexpireat, cmd_hpexpiretime, cmd_hpttl, cmd_httl;

// clang-format off
const struct command cmd_hashes_expire[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(HEXPIRE, "hexpire", cmd_hexpire, -6, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
    COMMAND(HEXPIREAT, "hexpireat", cmd_hexpireat, -6, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
    COMMAND(HEXPIRETIME, "hexpiretime", cmd_hexpiretime, -5, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_HASH),
    COMMAND(HPERSIST, "hpersist", cmd_hpersist, -5, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_HASH),
    COMMAND(HPEXPIRE, "hpexpire", cmd_hpexpire, -6, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
    COMMAND(HPEXPIREAT, "hpexpireat", cmd_hpexpireat, -6, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
    COMMAND(HPEXPIRETIME, "hpexpiretime", cmd_hpexpiretime, -5, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_HASH),
    COMMAND(HPTTL, "hpttl", cmd_hpttl, -5, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_HASH),
    COMMAND(HTTL, "httl", cmd_httl, -5, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_HASH),
};
// clang-format on

// The latest moment Redis accepts: two bits of its 48 are kept for later use.
#define MOMENT_MS_MAX ((1ll << 46) - 1)

enum { FEW_ARGUMENTS = 32 };
enum condition { ALWAYS, ONLY_NX, ONLY_XX, ONLY_GT, ONLY_LT };

// Replies for each field.
enum { NO_FIELD = -2, NO_DEADLINE = -1, NOT_MET = 0, DONE = 1, DELETED = 2 };

// FIELDS numfields field ... from argument at on, to the end. False after an error.
static bool parse_fields(struct call *call, uint32_t at, const char *count_error, uint32_t *first)
{
    int64_t count;
    if (!bytes_is_option(call->argv[at], "fields")) {
        reply_error(call->reply,
                    "ERR Mandatory argument FIELDS is missing or not at the right position");
        return false;
    }
    if (at + 1 == call->argc || !num_parse_int(call->argv[at + 1], &count) || count < 1) {
        reply_error(call->reply, count_error);
        return false;
    }
    if (count != (int64_t)call->argc - at - 2) {
        reply_error(call->reply,
                    "ERR The `numfields` parameter must match the number of arguments");
        return false;
    }
    *first = at + 2;
    return true;
}

static const char count_error[] = "ERR Number of fields must be a positive integer";

static void reply_no_fields(struct call *call, uint32_t first)
{
    reply_array(call->reply, call->argc - first);
    for (uint32_t i = first; i < call->argc; i++) reply_int(call->reply, NO_FIELD);
}

// ---- asking

// Seconds are rounded up.
static int64_t shown_time(uint64_t deadline_ms, uint64_t since_ms, bool is_seconds)
{
    uint64_t left_ms = deadline_ms - since_ms;
    return (int64_t)(is_seconds ? (left_ms + 999) / 1000 : left_ms);
}

static void reply_deadlines(struct call *call, uint64_t since_ms, bool is_seconds)
{
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_READ);
    uint32_t first;
    if (!call_check_type(call, e, TYPE_HASH)) return;
    if (!parse_fields(call, 2, count_error, &first)) return;
    if (!e) {
        reply_no_fields(call, first);
        return;
    }
    reply_array(call->reply, call->argc - first);
    for (uint32_t i = first; i < call->argc; i++) {
        uint64_t deadline_ms;
        int64_t answer = NO_FIELD;
        if (hash_deadline(call->keyspace, e, call->argv[i], call->now_ms, &deadline_ms))
            answer = deadline_ms ? shown_time(deadline_ms, since_ms, is_seconds) : NO_DEADLINE;
        reply_int(call->reply, answer);
    }
}

static void cmd_httl(struct call *call) { reply_deadlines(call, call->now_ms, true); }

static void cmd_hpttl(struct call *call) { reply_deadlines(call, call->now_ms, false); }

static void cmd_hexpiretime(struct call *call) { reply_deadlines(call, 0, true); }

static void cmd_hpexpiretime(struct call *call) { reply_deadlines(call, 0, false); }

// ---- setting

struct expiry {
    struct hash_place place;
    struct key key;
    uint64_t moment_ms;
    enum condition condition;
    uint32_t first; // field
    uint32_t kept;  // fields that got the deadline
    uint32_t deleted;
    struct bytes *effect; // the arguments of HPEXPIREAT, the fields kept so far among them
    struct bytes few[FEW_ARGUMENTS];
};

static void open_place(struct call *call, struct expiry *x)
{
    x->kept = x->deleted = 0;
    x->key = call_key(call, 1);
    x->place = (struct hash_place){ .keyspace = call->keyspace,
                                    .thresholds = &call->server->thresholds,
                                    .db = call->client->db,
                                    .key = &x->key,
                                    .entry = call_find(call, &x->key, FIND_WRITE),
                                    .now_ms = call_passed_ms(call) };
}

static bool parse_moment(struct call *call, uint64_t base_ms, bool is_seconds, uint64_t *moment_ms)
{
    int64_t value, base = (int64_t)base_ms;
    if (!call_int(call, 2, &value, NULL)) return false;
    if (value < 0) {
        reply_error(call->reply, "ERR invalid expire time, must be >= 0");
        return false;
    }
    bool fits = !is_seconds || value <= MOMENT_MS_MAX / 1000;
    if (fits && is_seconds) value *= 1000;
    if (fits && value <= MOMENT_MS_MAX - base) {
        *moment_ms = (uint64_t)(value + base);
        return true;
    }
    reply_errorf(call->reply, "ERR invalid expire time in '%s' command", call->command->full_name);
    return false;
}

static enum condition parse_condition(struct bytes word)
{
    static const char *const words[] = {
        [ONLY_NX] = "nx", [ONLY_XX] = "xx", [ONLY_GT] = "gt", [ONLY_LT] = "lt"
    };
    for (enum condition c = ONLY_NX; c <= ONLY_LT; c++)
        if (bytes_is_option(word, words[c])) return c;
    return ALWAYS;
}

// A field without a deadline lives for ever.
static bool condition_holds(enum condition condition, uint64_t old_ms, uint64_t new_ms)
{
    switch (condition) {
    case ONLY_NX:
        return !old_ms;
    case ONLY_XX:
        return old_ms != 0;
    case ONLY_GT:
        return old_ms && new_ms > old_ms;
    case ONLY_LT:
        return !old_ms || new_ms < old_ms;
    default:
        return true;
    }
}

static int64_t expire_field(struct call *call, struct expiry *x, struct bytes field)
{
    uint64_t old_ms;
    if (!x->place.entry ||
        !hash_deadline(call->keyspace, x->place.entry, field, x->place.now_ms, &old_ms))
        return NO_FIELD;
    if (!condition_holds(x->condition, old_ms, x->moment_ms)) return NOT_MET;
    if (x->moment_ms <= x->place.now_ms) {
        hash_remove(&x->place, field);
        call_effectf(call, "sbb", "HDEL", x->key.name, field);
        x->deleted++;
        return DELETED;
    }
    hash_set_deadline(&x->place, field, x->moment_ms);
    x->effect[x->first + x->kept++] = field;
    return DONE;
}

static void begin_effect(struct call *call, struct expiry *x)
{
    x->effect = x->few;
    if (call->argc > FEW_ARGUMENTS)
        x->effect = heap_take(call->server->heap, call->argc * sizeof *x->effect, HEAP_OTHER);
    memcpy(x->effect, call->argv, x->first * sizeof *x->effect);
}

// HPEXPIREAT with the fields that got the deadline; the condition stays where it is.
static void end_effect(struct call *call, struct expiry *x)
{
    char moment[NUM_INT_MAX], count[NUM_INT_MAX];
    call_no_effect(call);
    if (x->kept) {
        x->effect[0] = BYTES_LITERAL("HPEXPIREAT");
        x->effect[2] = bytes_make(moment, num_format_uint(moment, x->moment_ms));
        x->effect[x->first - 1] = bytes_make(count, num_format_uint(count, x->kept));
        call_effect(call, x->effect, x->first + x->kept);
    }
    if (x->effect != x->few)
        heap_give(call->server->heap, x->effect, call->argc * sizeof *x->effect, HEAP_OTHER);
}

static void finish(struct call *call, struct expiry *x)
{
    bool is_gone = !x->place.entry;
    end_effect(call, x);
    if (!x->kept && !x->deleted) return;
    keyspace_add_dirty(call->keyspace, x->kept + x->deleted);
    call_changed(call, &x->key, EVENT_HASH, x->deleted ? "hdel" : "hexpire");
    if (is_gone) call_changed(call, &x->key, EVENT_GENERIC, "del");
}

static void expire(struct call *call, uint64_t base_ms, bool is_seconds)
{
    struct expiry x;
    open_place(call, &x);
    if (!call_check_type(call, x.place.entry, TYPE_HASH)) return;
    if (!parse_moment(call, base_ms, is_seconds, &x.moment_ms)) return;
    x.condition = parse_condition(call->argv[3]);
    if (!parse_fields(call, x.condition == ALWAYS ? 3 : 4,
                      "ERR Parameter `numFields` should be greater than 0", &x.first))
        return;
    if (!x.place.entry) {
        reply_no_fields(call, x.first);
        return;
    }
    begin_effect(call, &x);
    reply_array(call->reply, call->argc - x.first);
    for (uint32_t i = x.first; i < call->argc; i++)
        reply_int(call->reply, expire_field(call, &x, call->argv[i]));
    finish(call, &x);
}

static void cmd_hexpire(struct call *call) { expire(call, call->now_ms, true); }

static void cmd_hpexpire(struct call *call) { expire(call, call->now_ms, false); }

static void cmd_hexpireat(struct call *call) { expire(call, 0, true); }

static void cmd_hpexpireat(struct call *call) { expire(call, 0, false); }

static int64_t persist_field(struct call *call, struct hash_place *place, struct bytes field)
{
    uint64_t old_ms;
    if (!hash_deadline(call->keyspace, place->entry, field, place->now_ms, &old_ms))
        return NO_FIELD;
    if (!old_ms) return NO_DEADLINE;
    hash_set_deadline(place, field, 0);
    return DONE;
}

static void cmd_hpersist(struct call *call)
{
    struct expiry x;
    open_place(call, &x);
    if (!call_check_type(call, x.place.entry, TYPE_HASH)) return;
    if (!parse_fields(call, 2, count_error, &x.first)) return;
    if (!x.place.entry) {
        reply_no_fields(call, x.first);
        return;
    }
    reply_array(call->reply, call->argc - x.first);
    for (uint32_t i = x.first; i < call->argc; i++) {
        int64_t answer = persist_field(call, &x.place, call->argv[i]);
        x.kept += answer == DONE;
        reply_int(call->reply, answer);
    }
    if (!x.kept) return;
    keyspace_add_dirty(call->keyspace, 1);
    call_changed(call, &x.key, EVENT_HASH, "hpersist");
}
