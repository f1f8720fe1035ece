#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/base/glob.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/types/digest.h"

static command_body cmd_debug_body;

// clang-format off
const struct command cmd_debug[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(DEBUG, "debug", cmd_debug_body, -2, 0, 0, 0, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_PROTECTED, 0),
};
// clang-format on

static void debug_error(struct call *call) { reply_error_bytes(call->reply, call->argv[2]); }

static void debug_log(struct call *call)
{
    call_log(call, LOG_WARNING, "DEBUG LOG: %.*s", text_chars(call->argv[2]),
             (const char *)call->argv[2].data);
    reply_ok(call->reply);
}

// The shard serves nobody until then, as a blocked Redis would. What is not a number counts as 0.
static void debug_sleep(struct call *call)
{
    double seconds;
    struct server *s = call->server;
    if (!num_parse_double(call->argv[2], &seconds) || seconds < 0) seconds = 0;
    if (seconds > 1e6) seconds = 1e6;
    uint64_t now_ns = s->clock ? clock_now_ns(s->clock) : s->now_ns;
    s->busy_until_ns = now_ns + (uint64_t)(seconds * 1e9);
    reply_ok(call->reply);
}

static void debug_set_active_expire(struct call *call)
{
    int64_t on;
    keyspace_set_active_expire(call->keyspace, num_parse_int(call->argv[2], &on) && on != 0);
    reply_ok(call->reply);
}

// Bytes a string takes in a snapshot without compression: its length prefix, or the small forms of
// integers.
static uint64_t string_serialized_bytes(const struct entry *e)
{
    struct string_view view;
    int64_t value;
    if (entry_encoding(e) == ENCODING_INT && string_read_int(e, &value)) {
        if (value >= INT8_MIN && value <= INT8_MAX) return 2;
        if (value >= INT16_MIN && value <= INT16_MAX) return 3;
        if (value >= INT32_MIN && value <= INT32_MAX) return 5;
    }
    string_read(e, &view);
    uint64_t size = view.bytes.size;
    return size + (size < 64 ? 1 : size < 16384 ? 2 : size <= UINT32_MAX ? 5 : 9);
}

static void debug_object(struct call *call)
{
    struct key key = call_key(call, 2);
    struct entry *e =
        keyspace_find(call->keyspace, call->client->db, &key, FIND_QUIET, call->now_ms);
    char text[256];
    if (!e) {
        reply_error(call->reply, reply_text_no_key);
        return;
    }
    snprintf(text, sizeof text,
             "Value at:%p refcount:1 encoding:%s serializedlength:%lu lru:%u lru_seconds_idle:%u",
             (void *)e, value_encoding_name(entry_encoding(e)),
             (unsigned long)string_serialized_bytes(e), entry_lru_clock(e),
             entry_idle_s(call->keyspace, e, call->now_ms));
    reply_status(call->reply, text);
}

static void debug_htstats(struct call *call)
{
    int64_t db;
    char text[8192];
    if (!call_int(call, 2, &db, NULL)) return;
    if (db < 0 || db >= call->server->settings->databases) {
        reply_error(call->reply, "ERR Out of range database");
        return;
    }
    keyspace_stats(call->keyspace, (uint32_t)db, text, sizeof text);
    reply_verbatim(call->reply, "txt", bytes_text(text));
}

// How long matching takes is what its users measure; the answer is whether it matched.
static void debug_stringmatch_len(struct call *call)
{
    reply_int(call->reply, glob_match(call->argv[2], call->argv[3], false));
}

// What the shard's heap holds, by owner and by what the allocator did with it.
static void debug_jmap(struct call *call)
{
    struct heap *heap = call->server->heap;
    struct heap_pages pages;
    struct text t;
    text_open(&t, heap);
    heap_measure(heap, &pages);
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++)
        text_add(&t, "%s:%lu\n", heap_owner_names[i], (unsigned long)heap->bytes[i]);
    text_add(&t, "total:%lu\npeak:%lu\nallocations:%lu\n", (unsigned long)heap->bytes_total,
             (unsigned long)heap->bytes_peak, (unsigned long)heap->allocation_count);
    text_add(&t, "allocator_allocated:%lu\nallocator_active:%lu\nallocator_resident:%lu\n",
             (unsigned long)pages.allocated_bytes, (unsigned long)pages.active_bytes,
             (unsigned long)pages.resident_bytes);
    reply_verbatim(call->reply, "txt", text_bytes(&t));
    text_close(&t);
}

// ---- DEBUG PROTOCOL: a sample of each kind of reply, for authors of client libraries

static void sample_array(struct call *call)
{
    reply_array(call->reply, 3);
    for (int64_t i = 0; i < 3; i++) reply_int(call->reply, i);
}

static void sample_set(struct call *call)
{
    reply_set(call->reply, 3);
    for (int64_t i = 0; i < 3; i++) reply_int(call->reply, i);
}

static void sample_map(struct call *call)
{
    reply_map(call->reply, 3);
    for (int64_t i = 0; i < 3; i++) {
        reply_int(call->reply, i);
        reply_bool(call->reply, i == 1);
    }
}

static void sample_attribute(struct call *call)
{
    if (call->reply->version >= 3) {
        reply_attribute(call->reply, 1);
        reply_bulk_text(call->reply, "key-popularity");
        reply_array(call->reply, 2);
        reply_bulk_text(call->reply, "key:123");
        reply_int(call->reply, 90);
    }
    reply_bulk_text(call->reply, "Some real reply following the attribute");
}

static void sample_push(struct call *call)
{
    if (call->reply->version < 3) {
        reply_error(call->reply, "ERR RESP2 is not supported by this command");
        return;
    }
    reply_push(call->reply, 2);
    reply_bulk_text(call->reply, "server-cpu-usage");
    reply_int(call->reply, 42);
    reply_bulk_text(call->reply, "Some real reply following the push reply");
}

static void sample_string(struct call *call) { reply_bulk_text(call->reply, "Hello World"); }
static void sample_integer(struct call *call) { reply_int(call->reply, 12345); }
static void sample_double(struct call *call) { reply_double(call->reply, 3.141); }
static void sample_null(struct call *call) { reply_null(call->reply); }
static void sample_true(struct call *call) { reply_bool(call->reply, true); }
static void sample_false(struct call *call) { reply_bool(call->reply, false); }
static void sample_bignum(struct call *call)
{
    reply_big_number(call->reply, BYTES_LITERAL("1234567999999999999999999999999999999"));
}
static void sample_verbatim(struct call *call)
{
    reply_verbatim(call->reply, "txt", BYTES_LITERAL("This is a verbatim\nstring"));
}

static void debug_protocol(struct call *call)
{
    static const struct {
        const char *name;
        void (*body)(struct call *call);
    } samples[] = {
        { "string", sample_string },     { "integer", sample_integer },
        { "double", sample_double },     { "null", sample_null },
        { "array", sample_array },       { "set", sample_set },
        { "map", sample_map },           { "attrib", sample_attribute },
        { "push", sample_push },         { "true", sample_true },
        { "false", sample_false },       { "bignum", sample_bignum },
        { "verbatim", sample_verbatim },
    };
    for (uint32_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        if (!bytes_is_option(call->argv[2], samples[i].name)) continue;
        samples[i].body(call);
        return;
    }
    reply_error(call->reply,
                "ERR Wrong protocol type name. Please use one of the following: "
                "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
}

// ---- DEBUG POPULATE <count> [<prefix>] [<size>]

static bool parse_positive(struct call *call, uint32_t index, int64_t *value)
{
    if (num_parse_int(call->argv[index], value) && *value >= 0) return true;
    reply_error(call->reply, "ERR value is out of range, must be positive");
    return false;
}

// Keys that exist are left alone. A value longer than its text is filled up with zero bytes.
static void populate_key(struct call *call, int64_t i, struct bytes prefix, uint8_t *value,
                         int64_t size)
{
    char name[256], text[32];
    int name_size =
        snprintf(name, sizeof name, "%.*s:%ld", text_chars(prefix) > 200 ? 200 : text_chars(prefix),
                 (const char *)prefix.data, (long)i);
    int text_size = snprintf(text, sizeof text, "value:%ld", (long)i);
    struct key key = key_make(call->keyspace, bytes_make(name, (size_t)name_size));
    if (keyspace_find(call->keyspace, call->client->db, &key, FIND_QUIET, call->now_ms)) return;
    struct bytes bytes = bytes_make(text, (size_t)text_size);
    if (value) {
        memcpy(value, text, size < text_size ? (size_t)size : (size_t)text_size);
        bytes = bytes_make(value, (size_t)size);
    }
    string_set(call->keyspace, call->client->db, &key, bytes, NULL, KEYSPACE_NO_DEADLINE, 0,
               call->now_ms);
}

static void debug_populate(struct call *call)
{
    int64_t count, size = 0;
    struct heap *heap = call->server->heap;
    if (!parse_positive(call, 2, &count)) return;
    if (call->argc == 5 && !parse_positive(call, 4, &size)) return;
    if ((uint64_t)size > call->server->settings->proto_max_bulk_len) {
        reply_error(call->reply, "ERR value is out of range, must be positive");
        return;
    }
    struct bytes prefix = call->argc >= 4 ? call->argv[3] : BYTES_LITERAL("key");
    uint8_t *value = size ? heap_take_zeroed(heap, (size_t)size, HEAP_OTHER) : NULL;
    for (int64_t i = 0; i < count; i++) populate_key(call, i, prefix, value, size);
    heap_give(heap, value, (size_t)size, HEAP_OTHER);
    reply_ok(call->reply);
}

// ---- crashes on purpose: what the control process reports and survives

static void debug_segfault(struct call *call) { raise(SIGSEGV); }

static void debug_panic(struct call *call) { abort(); }

// ---- digests

static void reply_digest(struct call *call, const uint8_t digest[DIGEST_BYTES])
{
    char text[2 * DIGEST_BYTES + 1];
    for (uint32_t i = 0; i < DIGEST_BYTES; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
    reply_status(call->reply, text);
}

static void debug_digest(struct call *call)
{
    uint8_t digest[DIGEST_BYTES];
    digest_dataset(call->keyspace, (uint32_t)call->server->settings->databases, call->now_ms,
                   digest);
    reply_digest(call, digest);
}

static void debug_digest_value(struct call *call)
{
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++) {
        uint8_t digest[DIGEST_BYTES] = { 0 };
        struct key key = call_key(call, i);
        struct entry *e = call_find(call, &key, FIND_QUIET);
        if (e) digest_value(call->keyspace, e, call->now_ms, digest);
        reply_digest(call, digest);
    }
}

static void debug_help(struct call *call)
{
    static const char *const lines[] = {
        "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "DIGEST",
        "    Output a hex signature representing the current DB content.",
        "DIGEST-VALUE <key> [<key> ...]",
        "    Output a hex signature of the values of all the specified keys.",
        "ERROR <string>",
        "    Return a Redis protocol error with <string> as message. Useful for clients",
        "    unit tests to simulate Redis errors.",
        "HTSTATS <dbid>",
        "    Return hash table statistics of the specified database.",
        "JMAP",
        "    Show what the heap of the shard holds, by owner, and its pages.",
        "LOG <message>",
        "    Write <message> to the server log.",
        "OBJECT <key>",
        "    Show low level info about `key` and associated value.",
        "PANIC",
        "    Crash the dataplane by an abort.",
        "POPULATE <count> [<prefix>] [<size>]",
        "    Create <count> string keys named key:<num>. If <prefix> is specified then",
        "    it is used instead of the 'key' prefix.",
        "PROTOCOL <type>",
        "    Reply with a test value of the specified type. <type> can be: string,",
        "    integer, double, bignum, null, array, set, map, attrib, push, verbatim,",
        "    true, false.",
        "SEGFAULT",
        "    Crash the dataplane with sigsegv.",
        "SET-ACTIVE-EXPIRE <0|1>",
        "    Setting it to 0 disables expiring keys in background when they are not",
        "    accessed. Setting it to 1 enables it again.",
        "SLEEP <seconds>",
        "    Stop the server for <seconds>. Decimals allowed.",
        "STRINGMATCH-LEN <pattern> <string>",
        "    Match <string> against the glob-like <pattern>.",
        "HELP",
        "    Prints this help.",
    };
    uint32_t count = sizeof lines / sizeof *lines;
    reply_array(call->reply, count);
    for (uint32_t i = 0; i < count; i++) reply_status(call->reply, lines[i]);
}

static const struct debug_row {
    const char *name;
    uint32_t argc_min, argc_max;
    void (*body)(struct call *call);
} debug_rows[] = {
    { "digest", 2, 2, debug_digest },
    { "digest-value", 2, UINT32_MAX, debug_digest_value },
    { "error", 3, 3, debug_error },
    { "help", 2, 2, debug_help },
    { "htstats", 3, 3, debug_htstats },
    { "jmap", 2, 2, debug_jmap },
    { "log", 3, 3, debug_log },
    { "object", 3, 3, debug_object },
    { "panic", 2, 2, debug_panic },
    { "populate", 3, 5, debug_populate },
    { "protocol", 3, 3, debug_protocol },
    { "segfault", 2, 2, debug_segfault },
    { "set-active-expire", 3, 3, debug_set_active_expire },
    { "sleep", 3, 3, debug_sleep },
    { "stringmatch-len", 4, 4, debug_stringmatch_len },
};

static void cmd_debug_body(struct call *call)
{
    struct bytes name = call->argv[1];
    for (uint32_t i = 0; i < sizeof debug_rows / sizeof *debug_rows; i++) {
        const struct debug_row *row = &debug_rows[i];
        if (!bytes_is_option(name, row->name) || call->argc < row->argc_min ||
            call->argc > row->argc_max)
            continue;
        row->body(call);
        return;
    }
    reply_errorf(call->reply,
                 "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try DEBUG HELP.",
                 text_chars(name), (const char *)name.data);
}
