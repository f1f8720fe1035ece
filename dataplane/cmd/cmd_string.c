#include <string.h>
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"

static command_body cmd_append, cmd_get, cmd_getdel, cmd_getex, cmd_getrange, cmd_getset, cmd_mget,
    cmd_mset, cmd_msetnx, cmd_psetex, cmd_set, cmd_setex, cmd_setnx, cmd_setrange, cmd_strlen;

// clang-format off
const struct command cmd_strings[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(APPEND, "append", cmd_append, 3, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STRING),
    COMMAND(GET, "get", cmd_get, 2, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_STRING),
    COMMAND(GETDEL, "getdel", cmd_getdel, 2, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_STRING),
    COMMAND(GETEX, "getex", cmd_getex, -2, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_STRING),
    COMMAND(GETRANGE, "getrange", cmd_getrange, 4, 1, 1, 1, CMD_READONLY, ACL_STRING),
    COMMAND(GETSET, "getset", cmd_getset, 3, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STRING),
    COMMAND(MGET, "mget", cmd_mget, -2, 1, -1, 1, CMD_READONLY | CMD_FAST, ACL_STRING),
    COMMAND(MSET, "mset", cmd_mset, -3, 1, -1, 2, CMD_WRITE | CMD_DENYOOM, ACL_STRING),
    COMMAND(MSETNX, "msetnx", cmd_msetnx, -3, 1, -1, 2, CMD_WRITE | CMD_DENYOOM, ACL_STRING),
    COMMAND(PSETEX, "psetex", cmd_psetex, 4, 1, 1, 1, CMD_WRITE | CMD_DENYOOM, ACL_STRING),
    COMMAND(SET, "set", cmd_set, -3, 1, 1, 1, CMD_WRITE | CMD_DENYOOM, ACL_STRING),
    COMMAND(SETEX, "setex", cmd_setex, 4, 1, 1, 1, CMD_WRITE | CMD_DENYOOM, ACL_STRING),
    COMMAND(SETNX, "setnx", cmd_setnx, 3, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STRING),
    COMMAND(SETRANGE, "setrange", cmd_setrange, 4, 1, 1, 1, CMD_WRITE | CMD_DENYOOM, ACL_STRING),
    COMMAND(STRLEN, "strlen", cmd_strlen, 2, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_STRING),
    COMMAND(SUBSTR, "substr", cmd_getrange, 4, 1, 1, 1, CMD_READONLY, ACL_STRING),
};
// clang-format on

// ---- reading

// Replies the value, null, or WRONGTYPE; false when it was the last.
static bool reply_found(struct call *call, const struct entry *e)
{
    if (!e) {
        reply_null(call->reply);
        return true;
    }
    if (!call_check_type(call, e, TYPE_STRING)) return false;
    reply_value(call, e);
    return true;
}

static void cmd_get(struct call *call)
{
    struct key key = call_key(call, 1);
    reply_found(call, call_find(call, &key, FIND_READ));
}

static void cmd_getdel(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_READ);
    if (!reply_found(call, e) || !e) return;
    keyspace_delete_entry(call->keyspace, call->client->db, e);
    call_changed(call, &key, EVENT_GENERIC, "del");
    call_effectf(call, "sb", "DEL", key.name);
}

// Another type is no error here.
static void reply_if_string(struct call *call, const struct entry *e)
{
    if (e && entry_type(e) == TYPE_STRING)
        reply_value(call, e);
    else
        reply_null(call->reply);
}

static void cmd_mget(struct call *call)
{
    struct key keys[CALL_KEYS_MAX];
    reply_array(call->reply, call->argc - 1);
    for (uint32_t i = 1, n; (n = call_keys(call, i, 1, keys)); i += n)
        for (uint32_t j = 0; j < n; j++)
            reply_if_string(call, call_find(call, &keys[j], FIND_READ));
}

static void cmd_strlen(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_READ);
    if (!call_check_type(call, e, TYPE_STRING)) return;
    struct string_view view = { 0 };
    if (e) string_read(e, &view);
    reply_int(call->reply, (int64_t)view.bytes.size);
}

// Redis's range rules: negative counts from the end, beyond either end is cut, start after end is
// empty. size < 2^63.
static struct bytes part_of(struct bytes value, int64_t start, int64_t end)
{
    int64_t size = (int64_t)value.size;
    if (start < 0 && end < 0 && start > end) return bytes_make(value.data, 0);
    if (start < 0) start += size;
    if (end < 0) end += size;
    if (start < 0) start = 0;
    if (end < 0) end = 0;
    if (end >= size) end = size - 1;
    if (start > end) return bytes_make(value.data, 0);
    return bytes_make(value.data + start, (size_t)(end - start + 1));
}

static void cmd_getrange(struct call *call)
{
    int64_t start, end;
    if (!call_int(call, 2, &start, NULL) || !call_int(call, 3, &end, NULL)) return;
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_READ);
    if (!call_check_type(call, e, TYPE_STRING)) return;
    struct string_view view = { 0 };
    if (e) string_read(e, &view);
    struct bytes part = part_of(view.bytes, start, end);
    if (view.blob)
        reply_blob(call->reply, view.blob, part);
    else
        reply_bulk(call->reply, part);
}

// ---- SET and its family

// Sets argv[value_index]; a big argument's blob becomes the value without a copy.
static void put_quietly(struct call *call, const struct key *key, uint32_t value_index,
                        uint64_t deadline_ms, uint32_t flags)
{
    struct bytes value = call->argv[value_index];
    struct blob *blob = NULL;
    if (value.size >= RESP_BIG_BYTES && call->request)
        blob = resp_request_take_blob(call->request, value_index);
    struct entry *e = string_set(call->keyspace, call->client->db, key, value, blob, deadline_ms,
                                 flags, call->now_ms);
    if (UNLIKELY(blob != NULL)) { // it is the value's now, and may have moved
        struct string_view view;
        string_read(e, &view);
        call->argv[value_index] = view.bytes;
    }
}

static void put(struct call *call, const struct key *key, uint32_t value_index,
                uint64_t deadline_ms, uint32_t flags)
{
    put_quietly(call, key, value_index, deadline_ms, flags);
    call_changed(call, key, EVENT_STRING, "set");
    if (deadline_ms != KEYSPACE_NO_DEADLINE) call_changed(call, key, EVENT_GENERIC, "expire");
}

// A relative deadline would be another one where the effect is replayed.
static void effect_set_until(struct call *call, uint32_t value_index, uint64_t deadline_ms)
{
    call_effectf(call, "sbbsu", "SET", call->argv[1], call->argv[value_index], "PXAT", deadline_ms);
}

enum {
    OPTION_NX = 1 << 0,
    OPTION_XX = 1 << 1,
    OPTION_GET = 1 << 2,
    OPTION_KEEPTTL = 1 << 3,
    OPTION_PERSIST = 1 << 4,
    OPTION_EX = 1 << 5,
    OPTION_PX = 1 << 6,
    OPTION_EXAT = 1 << 7,
    OPTION_PXAT = 1 << 8,
    OPTION_EXPIRE = OPTION_EX | OPTION_PX | OPTION_EXAT | OPTION_PXAT,
    OPTION_ANY_TTL = OPTION_EXPIRE | OPTION_KEEPTTL | OPTION_PERSIST,
};
enum { FOR_SET = 1, FOR_GETEX = 2 };

static const struct option {
    const char *word;
    uint32_t bit;
    uint32_t excludes; // refused when one of these was seen; a repeated option is not
    uint32_t commands;
    bool has_value;
} options[] = {
    { "nx", OPTION_NX, OPTION_XX, FOR_SET, false },
    { "xx", OPTION_XX, OPTION_NX, FOR_SET, false },
    { "get", OPTION_GET, 0, FOR_SET, false },
    { "keepttl", OPTION_KEEPTTL, OPTION_ANY_TTL & ~OPTION_KEEPTTL, FOR_SET, false },
    { "persist", OPTION_PERSIST, OPTION_ANY_TTL & ~OPTION_PERSIST, FOR_GETEX, false },
    { "ex", OPTION_EX, OPTION_ANY_TTL & ~OPTION_EX, FOR_SET | FOR_GETEX, true },
    { "px", OPTION_PX, OPTION_ANY_TTL & ~OPTION_PX, FOR_SET | FOR_GETEX, true },
    { "exat", OPTION_EXAT, OPTION_ANY_TTL & ~OPTION_EXAT, FOR_SET | FOR_GETEX, true },
    { "pxat", OPTION_PXAT, OPTION_ANY_TTL & ~OPTION_PXAT, FOR_SET | FOR_GETEX, true },
};

struct set_options {
    uint32_t seen;      // OPTION_*
    struct bytes value; // of the last EX, PX, EXAT or PXAT
};

static const struct option *option_find(struct bytes word, uint32_t command)
{
    for (uint32_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if ((options[i].commands & command) && bytes_is_option(word, options[i].word))
            return &options[i];
    return NULL;
}

// False after a syntax error was replied.
static bool options_parse(struct call *call, uint32_t index, uint32_t command,
                          struct set_options *out)
{
    *out = (struct set_options){ 0 };
    for (; index < call->argc; index++) {
        const struct option *option = option_find(call->argv[index], command);
        if (!option || (out->seen & option->excludes) ||
            (option->has_value && index + 1 == call->argc)) {
            reply_error(call->reply, reply_text_syntax);
            return false;
        }
        out->seen |= option->bit;
        if (option->has_value) out->value = call->argv[++index];
    }
    return true;
}

static bool options_deadline(struct call *call, const struct set_options *o, uint64_t *deadline_ms)
{
    *deadline_ms = KEYSPACE_NO_DEADLINE;
    if (!(o->seen & OPTION_EXPIRE)) return true;
    return call_deadline(call, o->value, (o->seen & (OPTION_EX | OPTION_EXAT)) != 0,
                         (o->seen & (OPTION_EXAT | OPTION_PXAT)) != 0, deadline_ms);
}

static void effect_set_without_get(struct call *call)
{
    struct bytes argv[8]; // SET key value and at most two conditions, each perhaps repeated
    uint32_t argc = 0;
    for (uint32_t i = 0; i < call->argc && argc < 8; i++)
        if (i < 3 || !bytes_is_option(call->argv[i], "get")) argv[argc++] = call->argv[i];
    call_effect(call, argv, argc);
}

// NX and XX need to know whether the key is there; GET replies what was there.
static void set_conditionally(struct call *call, const struct key *key, uint32_t seen,
                              uint64_t deadline_ms)
{
    bool get = (seen & OPTION_GET) != 0;
    struct entry *e = call_find(call, key, get ? FIND_READ : FIND_WRITE);
    if (get && !reply_found(call, e)) return;
    if (((seen & OPTION_NX) && e) || ((seen & OPTION_XX) && !e)) {
        if (!get) reply_null(call->reply);
        return;
    }
    put(call, key, 2, deadline_ms, seen & OPTION_KEEPTTL ? SET_KEEP_DEADLINE : 0);
    if (deadline_ms != KEYSPACE_NO_DEADLINE)
        effect_set_until(call, 2, deadline_ms);
    else if (get)
        effect_set_without_get(call);
    if (!get) reply_ok(call->reply);
}

static void cmd_set(struct call *call)
{
    struct key key = call_key(call, 1);
    if (LIKELY(call->argc == 3)) {
        put(call, &key, 2, KEYSPACE_NO_DEADLINE, 0);
        reply_ok(call->reply);
        return;
    }
    struct set_options o;
    uint64_t deadline_ms;
    if (!options_parse(call, 3, FOR_SET, &o) || !options_deadline(call, &o, &deadline_ms)) return;
    set_conditionally(call, &key, o.seen, deadline_ms);
}

static void cmd_setnx(struct call *call)
{
    struct key key = call_key(call, 1);
    bool there = call_find(call, &key, FIND_WRITE) != NULL;
    if (!there) put(call, &key, 2, KEYSPACE_NO_DEADLINE, 0);
    reply_int(call->reply, !there);
}

static void set_with_ttl(struct call *call, bool is_seconds)
{
    uint64_t deadline_ms;
    if (!call_deadline(call, call->argv[2], is_seconds, false, &deadline_ms)) return;
    struct key key = call_key(call, 1);
    put(call, &key, 3, deadline_ms, 0);
    effect_set_until(call, 3, deadline_ms);
    reply_ok(call->reply);
}

static void cmd_setex(struct call *call) { set_with_ttl(call, true); }

static void cmd_psetex(struct call *call) { set_with_ttl(call, false); }

static void cmd_getset(struct call *call)
{
    struct key key = call_key(call, 1);
    if (!reply_found(call, call_find(call, &key, FIND_READ))) return;
    put(call, &key, 2, KEYSPACE_NO_DEADLINE, 0);
    call_effectf(call, "sbb", "SET", call->argv[1], call->argv[2]);
}

static void getex_apply(struct call *call, const struct key *key, struct entry *e, uint32_t seen,
                        uint64_t deadline_ms)
{
    uint32_t db = call->client->db;
    bool absolute = (seen & (OPTION_EXAT | OPTION_PXAT)) != 0;
    if (absolute && deadline_ms <= call_passed_ms(call)) {
        keyspace_delete_entry(call->keyspace, db, e); // the moment named has passed
        call_changed(call, key, EVENT_GENERIC, "del");
        call_effectf(call, "sb", "DEL", key->name);
    } else if (seen & OPTION_EXPIRE) {
        keyspace_set_deadline(call->keyspace, db, e, deadline_ms);
        call_changed(call, key, EVENT_GENERIC, "expire");
        call_effectf(call, "sbu", "PEXPIREAT", key->name, deadline_ms);
    } else if ((seen & OPTION_PERSIST) && entry_deadline_ms(e) != KEYSPACE_NO_DEADLINE) {
        keyspace_set_deadline(call->keyspace, db, e, KEYSPACE_NO_DEADLINE);
        call_changed(call, key, EVENT_GENERIC, "persist");
        call_effectf(call, "sb", "PERSIST", key->name);
    }
}

// The key is looked at before the time is: a missing key answers null whatever the time says.
static void cmd_getex(struct call *call)
{
    struct set_options o;
    uint64_t deadline_ms;
    if (!options_parse(call, 2, FOR_GETEX, &o)) return;
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_READ);
    if (!e) {
        reply_null(call->reply);
        return;
    }
    if (!call_check_type(call, e, TYPE_STRING) || !options_deadline(call, &o, &deadline_ms)) return;
    reply_value(call, e);
    getex_apply(call, &key, e, o.seen, deadline_ms);
}

static bool mset_arity_fits(struct call *call)
{
    if (call->argc % 2 == 1) return true;
    reply_error_arity(call->reply, call->command->full_name);
    return false;
}

static void mset_put(struct call *call)
{
    struct key keys[CALL_KEYS_MAX];
    for (uint32_t i = 1, n; (n = call_keys(call, i, 2, keys)); i += 2 * n)
        for (uint32_t j = 0; j < n; j++)
            put(call, &keys[j], i + 2 * j + 1, KEYSPACE_NO_DEADLINE, 0);
}

static void cmd_mset(struct call *call)
{
    if (!mset_arity_fits(call)) return;
    mset_put(call);
    reply_ok(call->reply);
}

static void cmd_msetnx(struct call *call)
{
    if (!mset_arity_fits(call)) return;
    for (uint32_t i = 1; i < call->argc; i += 2) {
        struct key key = call_key(call, i);
        if (!call_find(call, &key, FIND_WRITE)) continue;
        reply_int(call->reply, 0);
        return;
    }
    mset_put(call);
    reply_int(call->reply, 1);
}

// ---- editing in place

// False after replying that a string of at + more bytes would be too long.
static bool size_fits(struct call *call, uint64_t at, uint64_t more)
{
    uint64_t limit = call->server->settings->proto_max_bulk_len;
    if (at <= limit && more <= limit - at) return true;
    reply_error(call->reply, "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    return false;
}

static void cmd_append(struct call *call)
{
    struct key key = call_key(call, 1);
    struct bytes more = call->argv[2];
    struct entry *e = call_find(call, &key, FIND_WRITE);
    if (!e) {
        put_quietly(call, &key, 2, KEYSPACE_NO_DEADLINE, 0);
        call_changed(call, &key, EVENT_STRING, "append");
        reply_int(call->reply, (int64_t)more.size);
        return;
    }
    if (!call_check_type(call, e, TYPE_STRING)) return;
    struct string_view view;
    string_read(e, &view);
    size_t size = view.bytes.size;
    if (!size_fits(call, size, more.size)) return;
    uint8_t *bytes;
    string_edit(call->keyspace, call->client->db, &key, e, size + more.size, &bytes);
    if (more.size) memcpy(bytes + size, more.data, more.size);
    call_changed(call, &key, EVENT_STRING, "append");
    reply_int(call->reply, (int64_t)(size + more.size));
}

static void cmd_setrange(struct call *call)
{
    int64_t offset;
    if (!call_int(call, 2, &offset, NULL)) return;
    if (offset < 0) {
        reply_error(call->reply, "ERR offset is out of range");
        return;
    }
    struct key key = call_key(call, 1);
    struct bytes patch = call->argv[3];
    struct entry *e = call_find(call, &key, FIND_WRITE);
    if (!call_check_type(call, e, TYPE_STRING)) return;
    struct string_view view = { 0 };
    if (e) string_read(e, &view);
    size_t size = view.bytes.size;
    if (patch.size == 0) { // changes nothing, creates nothing
        reply_int(call->reply, (int64_t)size);
        return;
    }
    if (!size_fits(call, (uint64_t)offset, patch.size)) return;
    size_t end = (size_t)offset + patch.size;
    if (end > size) size = end;
    uint8_t *bytes;
    string_edit(call->keyspace, call->client->db, &key, e, size, &bytes);
    memcpy(bytes + offset, patch.data, patch.size);
    call_changed(call, &key, EVENT_STRING, "setrange");
    reply_int(call->reply, (int64_t)size);
}
