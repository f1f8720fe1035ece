#include <math.h>
#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/hash_expiry.h"

static command_body cmd_hdel, cmd_hexists, cmd_hget, cmd_hincrby, cmd_hincrbyfloat, cmd_hlen,
    cmd_hmget, cmd_hmset, cmd_hset, cmd_hsetnx, cmd_hstrlen;

// clang-format off
const struct command cmd_hashes[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(HDEL, "hdel", cmd_hdel, -3, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_HASH),
    COMMAND(HEXISTS, "hexists", cmd_hexists, 3, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_HASH),
    COMMAND(HGET, "hget", cmd_hget, 3, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_HASH),
    COMMAND(HINCRBY, "hincrby", cmd_hincrby, 4, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
    COMMAND(HINCRBYFLOAT, "hincrbyfloat", cmd_hincrbyfloat, 4, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
    COMMAND(HLEN, "hlen", cmd_hlen, 2, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_HASH),
    COMMAND(HMGET, "hmget", cmd_hmget, -3, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_HASH),
    COMMAND(HMSET, "hmset", cmd_hmset, -4, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
    COMMAND(HSET, "hset", cmd_hset, -4, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
    COMMAND(HSETNX, "hsetnx", cmd_hsetnx, 4, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
    COMMAND(HSTRLEN, "hstrlen", cmd_hstrlen, 3, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_HASH),
};
// clang-format on

enum { GET_TOGETHER = 16 }; // fields of HMGET whose memory is asked for at once

// ---- reading

// False after replying WRONGTYPE. *e NULL: no such key.
static bool find_hash(struct call *call, struct entry **e)
{
    struct key key = call_key(call, 1);
    *e = call_find(call, &key, FIND_READ);
    return call_check_type(call, *e, TYPE_HASH);
}

static void reply_field(struct call *call, const struct entry *e, struct bytes field)
{
    char scratch[24];
    struct bytes value;
    if (e && hash_get(call->keyspace, e, field, call->now_ms, scratch, &value))
        reply_bulk(call->reply, value);
    else
        reply_null(call->reply);
}

static void cmd_hget(struct call *call)
{
    struct entry *e;
    if (find_hash(call, &e)) reply_field(call, e, call->argv[2]);
}

static void cmd_hmget(struct call *call)
{
    struct entry *e;
    if (!find_hash(call, &e)) return;
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i += GET_TOGETHER) {
        uint32_t end = i + GET_TOGETHER < call->argc ? i + GET_TOGETHER : call->argc;
        if (e && end - i > 1)
            for (uint32_t j = i; j < end; j++) hash_prefetch(call->keyspace, e, call->argv[j]);
        for (uint32_t j = i; j < end; j++) reply_field(call, e, call->argv[j]);
    }
}

static void cmd_hlen(struct call *call)
{
    struct entry *e;
    if (find_hash(call, &e)) reply_int(call->reply, e ? (int64_t)hash_count(e) : 0);
}

// The size of the field's value; -1: no such field.
static int64_t value_size(struct call *call, const struct entry *e)
{
    char scratch[24];
    struct bytes value;
    if (!e || !hash_get(call->keyspace, e, call->argv[2], call->now_ms, scratch, &value)) return -1;
    return (int64_t)value.size;
}

static void cmd_hexists(struct call *call)
{
    struct entry *e;
    if (find_hash(call, &e)) reply_int(call->reply, value_size(call, e) >= 0);
}

static void cmd_hstrlen(struct call *call)
{
    struct entry *e;
    if (!find_hash(call, &e)) return;
    int64_t size = value_size(call, e);
    reply_int(call->reply, size < 0 ? 0 : size);
}

// ---- writing

// False after replying WRONGTYPE. key: where the place's key is kept.
static bool open_place(struct call *call, struct key *key, struct hash_place *place)
{
    *key = call_key(call, 1);
    *place = (struct hash_place){ .keyspace = call->keyspace,
                                  .thresholds = &call->server->thresholds,
                                  .db = call->client->db,
                                  .key = key,
                                  .entry = call_find(call, key, FIND_WRITE),
                                  .now_ms = call_passed_ms(call) };
    return call_check_type(call, place->entry, TYPE_HASH);
}

// The number of new fields; -1 after an error.
static int64_t set_pairs(struct call *call)
{
    struct hash_place place;
    struct key key;
    int64_t new_count = 0;
    if (call->argc % 2 != 0) {
        reply_error_arity(call->reply, call->command->full_name);
        return -1;
    }
    if (!open_place(call, &key, &place)) return -1;
    if (call->argc > 4) hash_expect(&place, call->argv + 2, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i += 2) {
        call_expire_field(call, &place, call->argv[i]);
        new_count += hash_put(&place, call->argv[i], call->argv[i + 1], false);
    }
    keyspace_add_dirty(call->keyspace, (call->argc - 2) / 2);
    call_changed(call, &key, EVENT_HASH, "hset");
    return new_count;
}

static void cmd_hset(struct call *call)
{
    int64_t new_count = set_pairs(call);
    if (new_count >= 0) reply_int(call->reply, new_count);
}

static void cmd_hmset(struct call *call)
{
    if (set_pairs(call) >= 0) reply_ok(call->reply);
}

static void cmd_hsetnx(struct call *call)
{
    struct hash_place place;
    struct key key;
    if (!open_place(call, &key, &place)) return;
    call_expire_field(call, &place, call->argv[2]);
    bool is_new = value_size(call, place.entry) < 0;
    if (is_new) {
        hash_put(&place, call->argv[2], call->argv[3], false);
        keyspace_add_dirty(call->keyspace, 1);
        call_changed(call, &key, EVENT_HASH, "hset");
    }
    reply_int(call->reply, is_new);
}

static void cmd_hdel(struct call *call)
{
    struct hash_place place;
    struct key key;
    uint32_t count = 0;
    if (!open_place(call, &key, &place)) return;
    bool is_gone = false;
    for (uint32_t i = 2; i < call->argc && place.entry; i++) {
        call_expire_field(call, &place, call->argv[i]);
        if (!place.entry) break;
        count += hash_remove(&place, call->argv[i]);
        is_gone = !place.entry;
    }
    if (count) {
        keyspace_add_dirty(call->keyspace, count);
        call_changed(call, &key, EVENT_HASH, "hdel");
        if (is_gone) call_changed(call, &key, EVENT_GENERIC, "del");
    }
    reply_int(call->reply, count);
}

// ---- numbers

static void cmd_hincrby(struct call *call)
{
    struct hash_place place;
    struct key key;
    struct bytes text;
    char scratch[24];
    int64_t delta, value = 0;
    if (!call_int(call, 3, &delta, NULL) || !open_place(call, &key, &place)) return;
    call_expire_field(call, &place, call->argv[2]);
    if (place.entry &&
        hash_get(call->keyspace, place.entry, call->argv[2], place.now_ms, scratch, &text) &&
        !num_parse_int(text, &value)) {
        reply_error(call->reply, "ERR hash value is not an integer");
        return;
    }
    if (__builtin_add_overflow(value, delta, &value)) {
        reply_error(call->reply, "ERR increment or decrement would overflow");
        return;
    }
    char digits[NUM_INT_MAX];
    hash_put(&place, call->argv[2], bytes_make(digits, num_format_int(digits, value)), true);
    keyspace_add_dirty(call->keyspace, 1);
    call_changed(call, &key, EVENT_HASH, "hincrby");
    reply_int(call->reply, value);
}

// HSET with the result, as Redis: then every machine has the same digits. HSET clears the field's
// deadline, which HINCRBYFLOAT keeps: so that is said again.
static void add_float_effect(struct call *call, const struct hash_place *place, struct bytes result)
{
    uint64_t deadline_ms;
    struct bytes key = place->key->name, field = call->argv[2];
    if (!effects_are_on(&call->server->effects)) return;
    call_effectf(call, "sbbb", "HSET", key, field, result);
    if (hash_deadline(call->keyspace, place->entry, field, call->now_ms, &deadline_ms) &&
        deadline_ms)
        call_effectf(call, "sbussb", "HPEXPIREAT", key, deadline_ms, "FIELDS", "1", field);
}

// The argument and the field's value, in the order in which Redis looks at them; false after an
// error.
static bool read_floats(struct call *call, struct key *key, struct hash_place *place,
                        long double *value, long double *delta)
{
    char scratch[24];
    struct bytes text;
    *value = 0;
    if (!num_parse_long_double(call->argv[3], delta)) {
        reply_error(call->reply, reply_text_not_float);
        return false;
    }
    if (!isfinite(*delta)) {
        reply_error(call->reply, "ERR value is NaN or Infinity");
        return false;
    }
    if (!open_place(call, key, place)) return false;
    call_expire_field(call, place, call->argv[2]);
    if (!place->entry ||
        !hash_get(call->keyspace, place->entry, call->argv[2], place->now_ms, scratch, &text) ||
        num_parse_long_double(text, value))
        return true;
    reply_error(call->reply, "ERR hash value is not a float");
    return false;
}

static void cmd_hincrbyfloat(struct call *call)
{
    struct hash_place place;
    struct key key;
    long double value, delta;
    if (!read_floats(call, &key, &place, &value, &delta)) return;
    value += delta;
    if (!isfinite(value)) {
        reply_error(call->reply, "ERR increment would produce NaN or Infinity");
        return;
    }
    char text[NUM_DOUBLE_MAX];
    struct bytes result = bytes_make(text, num_format_long_double(text, value));
    hash_put(&place, call->argv[2], result, true);
    keyspace_add_dirty(call->keyspace, 1);
    call_changed(call, &key, EVENT_HASH, "hincrbyfloat");
    add_float_effect(call, &place, result);
    reply_bulk(call->reply, result);
}
