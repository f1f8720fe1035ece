#include <limits.h>
#include <stdio.h>
#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/cmd.h"

struct key call_key(const struct call *call, uint32_t index)
{
    if (call->has_key && (int32_t)index == call->command->first_key) return call->key;
    return key_make(call->keyspace, call->argv[index]);
}

bool call_check_type(struct call *call, const struct entry *e, enum value_type type)
{
    if (!e || entry_type(e) == type) return true;
    reply_error(call->reply, reply_text_wrong_type);
    return false;
}

bool call_int(struct call *call, uint32_t index, int64_t *out, const char *error)
{
    if (num_parse_int(call->argv[index], out)) return true;
    reply_error(call->reply, error ? error : reply_text_not_integer);
    return false;
}

uint32_t call_keys(const struct call *call, uint32_t index, uint32_t step,
                   struct key keys[CALL_KEYS_MAX])
{
    uint32_t count = 0, db = call->client->db;
    for (; index < call->argc && count < CALL_KEYS_MAX; index += step)
        keys[count++] = call_key(call, index);
    if (count == 1) return count; // a key alone was asked for ahead of the command
    for (uint32_t i = 0; i < count; i++) keyspace_prefetch_bucket(call->keyspace, db, &keys[i]);
    for (uint32_t i = 0; i < count; i++) keyspace_prefetch_entry(call->keyspace, db, &keys[i]);
    return count;
}

struct entry *call_find_in(struct call *call, uint32_t db, const struct key *key,
                           enum find_flags flags)
{
    if (UNLIKELY(call->client->flags & CLIENT_NO_TOUCH)) {
        if (flags == FIND_READ) flags = FIND_PEEK;
        if (flags == FIND_WRITE) flags = FIND_QUIET;
    }
    return keyspace_find(call->keyspace, db, key, flags, call->now_ms);
}

static bool refuse_deadline(struct call *call)
{
    reply_errorf(call->reply, "ERR invalid expire time in '%s' command", call->command->full_name);
    return false;
}

bool call_deadline(struct call *call, struct bytes text, bool is_seconds, bool is_absolute,
                   uint64_t *deadline_ms)
{
    int64_t value;
    if (!num_parse_int(text, &value)) {
        reply_error(call->reply, reply_text_not_integer);
        return false;
    }
    if (value <= 0) return refuse_deadline(call);
    if (is_seconds && __builtin_mul_overflow(value, 1000, &value)) return refuse_deadline(call);
    if (!is_absolute && __builtin_add_overflow(value, (int64_t)call->now_ms, &value))
        return refuse_deadline(call);
    *deadline_ms = (uint64_t)value;
    return true;
}

bool call_db_index(struct call *call, uint32_t index, uint32_t *db)
{
    int64_t value;
    if (!call_int(call, index, &value, NULL)) return false;
    if (value < INT_MIN || value > INT_MAX) {
        reply_errorf(call->reply, "ERR value is out of range, value must between %d and %d",
                     INT_MIN, INT_MAX);
        return false;
    }
    if (value < 0 || value >= call->server->settings->databases) {
        reply_error(call->reply, "ERR DB index is out of range");
        return false;
    }
    *db = (uint32_t)value;
    return true;
}

// Options come as bytes; a NUL ends them for Redis, which compares C strings.
bool bytes_is_option(struct bytes argument, const char *word)
{
    const uint8_t *nul = argument.size ? memchr(argument.data, 0, argument.size) : NULL;
    if (nul) argument.size = (size_t)(nul - argument.data);
    return bytes_is_word(argument, word);
}

void reply_value(struct call *call, const struct entry *e)
{
    struct string_view view;
    string_read(e, &view);
    if (view.blob)
        reply_blob(call->reply, view.blob, view.bytes);
    else
        reply_bulk(call->reply, view.bytes);
}

void call_reply_help(struct call *call, const char *const *lines)
{
    char head[128];
    uint32_t at = 0, count = 0;
    const char *name = call->command->full_name;
    for (; *name && *name != '|' && at < 32; name++)
        head[at++] = *name >= 'a' && *name <= 'z' ? (char)(*name - 32) : *name;
    snprintf(head + at, sizeof head - at,
             " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    while (lines[count]) count++;
    reply_array(call->reply, count + 3);
    reply_status(call->reply, head);
    for (uint32_t i = 0; i < count; i++) reply_status(call->reply, lines[i]);
    reply_status(call->reply, "HELP");
    reply_status(call->reply, "    Prints this help.");
}

void call_changed_in(struct call *call, uint32_t db, const struct key *key, enum event_class class,
                     const char *event)
{
    struct server *s = call_home(call, key->name);
    if (LIKELY(!s->on_changed)) return;
    struct client *executing = s->executing; // NULL at another shard, which stands still
    s->executing = call->server->executing;
    s->on_changed(s, db, key->name, (uint32_t) class, event);
    s->executing = executing;
}

void call_changed(struct call *call, const struct key *key, enum event_class class,
                  const char *event)
{
    call_changed_in(call, call->client->db, key, class, event);
}

void call_log(struct call *call, int level, const char *format, ...)
{
    struct server *s = call->server;
    if (!s->region_shard || level < s->settings->loglevel) return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    region_log_write(s->region_shard, s->bell, level, s->now_us, "%s", line);
}
