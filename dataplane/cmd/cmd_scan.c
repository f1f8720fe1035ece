#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/base/glob.h"
#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"

static command_body cmd_keys_body, cmd_randomkey, cmd_scan_body;

// clang-format off
const struct command cmd_scans[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(KEYS, "keys", cmd_keys_body, 2, 0, 0, 0, CMD_READONLY, ACL_KEYSPACE | ACL_DANGEROUS),
    COMMAND(RANDOMKEY, "randomkey", cmd_randomkey, 1, 0, 0, 0, CMD_READONLY | CMD_TOUCHES_ARBITRARY_KEYS,
            ACL_KEYSPACE),
    COMMAND(SCAN, "scan", cmd_scan_body, -2, 0, 0, 0, CMD_READONLY | CMD_TOUCHES_ARBITRARY_KEYS,
            ACL_KEYSPACE),
};
// clang-format on

enum { KEYS_STRIDE = 1024 }; // keys asked for per call of keyspace_scan

// What a walk shows, and where.
struct walk {
    struct reply *reply;
    struct bytes pattern; // data NULL: every key
    struct bytes type;    // data NULL: every type
    int64_t count;
};

static void walk_visit(void *context, const struct entry *e)
{
    struct walk *w = context;
    struct bytes name = entry_key(e);
    if (w->pattern.data && !glob_match(w->pattern, name, false)) return;
    if (w->type.data && !bytes_is_option(w->type, value_type_name(entry_type(e)))) return;
    reply_bulk(w->reply, name);
    w->count++;
}

static struct bytes pattern_or_all(struct bytes pattern)
{
    return bytes_equal(pattern, BYTES_LITERAL("*")) ? (struct bytes){ 0 } : pattern;
}

static void cmd_keys_body(struct call *call)
{
    struct walk w = { .reply = call->reply, .pattern = pattern_or_all(call->argv[1]) };
    struct reply_later later = reply_later_begin(call->reply);
    uint64_t cursor = 0;
    do {
        cursor = keyspace_scan(call->keyspace, call->client->db, cursor, KEYS_STRIDE, call->now_ms,
                               walk_visit, &w);
    } while (cursor);
    reply_later_array(call->reply, later, (uint64_t)w.count);
}

static void cmd_randomkey(struct call *call)
{
    struct entry *e =
        keyspace_random(call->keyspace, call->client->db, &call->server->rng, call->now_ms);
    if (e)
        reply_bulk(call->reply, entry_key(e));
    else
        reply_null(call->reply);
}

// As Redis reads it, with strtoul: a sign is allowed, leading blanks are not, and "" is 0.
static bool cursor_parse(struct call *call, uint64_t *cursor)
{
    char text[32];
    struct bytes in = call->argv[1];
    size_t size = in.size < sizeof text - 1 ? in.size : sizeof text - 1;
    memcpy(text, in.data, size);
    text[size] = 0;
    char *end;
    errno = 0;
    *cursor = strtoul(text, &end, 10);
    if (size == in.size && !isspace((unsigned char)text[0]) && *end == 0 && errno != ERANGE)
        return true;
    reply_error(call->reply, "ERR invalid cursor");
    return false;
}

static bool scan_options(struct call *call, struct walk *w, int64_t *count)
{
    for (uint32_t i = 2; i < call->argc; i += 2) {
        struct bytes word = call->argv[i];
        bool has_value = i + 1 < call->argc;
        if (has_value && bytes_is_option(word, "count")) {
            if (!call_int(call, i + 1, count, NULL)) return false;
            if (*count >= 1) continue;
        } else if (has_value && bytes_is_option(word, "match")) {
            w->pattern = pattern_or_all(call->argv[i + 1]);
            continue;
        } else if (has_value && bytes_is_option(word, "type")) {
            w->type = call->argv[i + 1]; // of an unknown name there are no keys
            continue;
        }
        reply_error(call->reply, reply_text_syntax);
        return false;
    }
    return true;
}

static void fill_cursor(struct reply *r, struct reply_later gap, uint64_t cursor)
{
    char digits[NUM_INT_MAX], wire[OUTQ_GAP_MAX + 1];
    uint32_t size = num_format_uint(digits, cursor);
    int wire_size = snprintf(wire, sizeof wire, "$%u\r\n%.*s\r\n", size, (int)size, digits);
    if (gap.gap) outq_gap_fill(r->out, gap.gap, bytes_make(wire, (size_t)wire_size));
}

static void cmd_scan_body(struct call *call)
{
    struct walk w = { .reply = call->reply };
    uint64_t cursor;
    int64_t count = 10;
    if (!cursor_parse(call, &cursor) || !scan_options(call, &w, &count)) return;
    reply_array(call->reply, 2);
    // The cursor comes before the keys, but is known after them.
    struct reply_later cursor_gap = reply_later_begin(call->reply);
    struct reply_later later = reply_later_begin(call->reply);
    cursor = keyspace_scan(call->keyspace, call->client->db, cursor, (uint64_t)count, call->now_ms,
                           walk_visit, &w);
    reply_later_array(call->reply, later, (uint64_t)w.count);
    fill_cursor(call->reply, cursor_gap, cursor);
}
