#include "dataplane/cmd/key_commands.h"
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"
#include "dataplane/resp/resp_write.h"

enum { SPENT_TEXT_BYTES = 128 }; // of a text cost as much as an element

_Static_assert((int)KEY_COMMANDS_NUMBER_BYTES >= STREAM_ID_TEXT_MAX, "an ID fits");
_Static_assert((int)KEY_COMMANDS_NUMBER_BYTES >= NUM_DOUBLE_SHORT_MAX, "a score fits");

// ---- commands

static void put_head(struct rdb_buffer *out, char kind, uint64_t number)
{
    rdb_buffer_commit(out, resp_put_head(rdb_buffer_reserve(out, RESP_HEAD_MAX), kind, number));
}

static void put_text(struct rdb_buffer *out, struct bytes text)
{
    uint8_t *to = rdb_buffer_reserve(out, RESP_HEAD_MAX + text.size + 2);
    rdb_buffer_commit(out, resp_put_bulk(to, text));
}

void key_commands_put_one(struct rdb_buffer *out, const struct bytes *argv, uint32_t argc)
{
    put_head(out, '*', argc);
    for (uint32_t i = 0; i < argc; i++) put_text(out, argv[i]);
}

// ---- the item under way

void key_commands_add(struct key_commands *c, struct bytes text)
{
    CHECK(c->text_count < KEY_COMMANDS_TEXTS_MAX);
    c->texts[c->text_count++] = text;
}

void key_commands_start(struct key_commands *c, uint64_t argc, const char *name)
{
    put_head(c->out, '*', argc);
    key_commands_add(c, bytes_text(name));
}

static char *next_number(struct key_commands *c)
{
    CHECK(c->number_count < KEY_COMMANDS_NUMBERS_MAX);
    return c->numbers[c->number_count++];
}

void key_commands_add_number(struct key_commands *c, int64_t value)
{
    char *digits = next_number(c);
    key_commands_add(c, bytes_make(digits, num_format_int(digits, value)));
}

void key_commands_add_id(struct key_commands *c, struct stream_id id)
{
    char *text = next_number(c);
    key_commands_add(c, bytes_make(text, stream_id_format(text, id)));
}

static void add_score(struct key_commands *c, double score)
{
    char *text = next_number(c);
    key_commands_add(c, bytes_make(text, num_format_double(text, score)));
}

// A piece of a text that is not written in one go. True: it was the last one.
static bool write_piece(struct key_commands *c, struct bytes text)
{
    if (c->text_written == 0) put_head(c->out, '$', text.size);
    size_t size = text.size - c->text_written;
    if (size > KEY_COMMANDS_ONCE_BYTES) size = KEY_COMMANDS_ONCE_BYTES;
    rdb_buffer_append(c->out, bytes_make(text.data + c->text_written, size));
    c->text_written += size;
    if (c->text_written < text.size) return false;
    rdb_buffer_append(c->out, BYTES_LITERAL("\r\n"));
    c->text_written = 0;
    return true;
}

// True: the item is written.
static bool write_item(struct key_commands *c)
{
    for (; c->text_at < c->text_count; c->text_at++) {
        struct bytes text = c->texts[c->text_at];
        if (LIKELY(text.size <= KEY_COMMANDS_ONCE_BYTES))
            put_text(c->out, text);
        else if (!write_piece(c, text))
            return false;
        c->spent += text.size / SPENT_TEXT_BYTES;
    }
    return true;
}

// ---- collections

static void add_element(struct key_commands *c)
{
    struct bytes text;
    CHECK(list_iter_next(&c->iter.list, &text));
    key_commands_add(c, text);
}

static void add_member(struct key_commands *c)
{
    struct bytes member;
    CHECK(set_iter_next(&c->iter.set, &member));
    key_commands_add(c, member);
}

static void add_scored(struct key_commands *c)
{
    struct bytes member;
    double score;
    CHECK(zset_iter_next(&c->iter.zset, &member, &score));
    add_score(c, score);
    key_commands_add(c, member);
}

static void add_field(struct key_commands *c)
{
    struct hash_field f;
    CHECK(hash_iter_next(&c->iter.hash, &f));
    c->hash.deadlines_left += f.deadline_ms != 0;
    key_commands_add(c, f.field);
    key_commands_add(c, f.value);
}

static const struct collection {
    const char *command;
    uint32_t texts; // of an element
    void (*add)(struct key_commands *c);
} collections[] = {
    [TYPE_LIST] = { "RPUSH", 1, add_element },
    [TYPE_SET] = { "SADD", 1, add_member },
    [TYPE_ZSET] = { "ZADD", 2, add_scored },
    [TYPE_HASH] = { "HMSET", 2, add_field },
};

static bool next_element(struct key_commands *c)
{
    const struct collection *kind = &collections[c->cut.type];
    if (c->left == 0) return false;
    if (c->command_has == 0) {
        c->command_has =
            c->left < KEY_COMMANDS_ELEMENTS ? (uint32_t)c->left : KEY_COMMANDS_ELEMENTS;
        key_commands_start(c, 2 + (uint64_t)c->command_has * kind->texts, kind->command);
        key_commands_add(c, c->name);
        return true;
    }
    c->command_has--;
    c->left--;
    kind->add(c);
    return true;
}

// Of the fields those that have one, behind all of them: they fill commands of many fields.
static bool next_field_deadline(struct key_commands *c)
{
    struct hash_field f;
    if (c->hash.deadlines_left == 0) return false;
    if (!c->hash.is_again) value_iter_init(&c->iter, &c->cut);
    c->hash.is_again = true;
    CHECK(hash_iter_next(&c->iter.hash, &f));
    if (f.deadline_ms == 0) return true;
    c->hash.deadlines_left--;
    key_commands_start(c, 6, "HPEXPIREAT");
    key_commands_add(c, c->name);
    key_commands_add_number(c, (int64_t)f.deadline_ms);
    key_commands_add(c, BYTES_LITERAL("FIELDS"));
    key_commands_add(c, BYTES_LITERAL("1"));
    key_commands_add(c, f.field);
    return true;
}

// ---- all types

static bool next_string(struct key_commands *c)
{
    if (c->left == 0) return false;
    c->left = 0;
    key_commands_start(c, 3, "SET");
    key_commands_add(c, c->name);
    key_commands_add(c, blob_bytes(c->cut.string));
    return true;
}

static bool next_of_value(struct key_commands *c)
{
    if (c->cut.type == TYPE_STRING) return next_string(c);
    if (c->cut.type == TYPE_STREAM) return key_commands_stream_item(c);
    return next_element(c) || (c->cut.type == TYPE_HASH && next_field_deadline(c));
}

static bool next_item(struct key_commands *c)
{
    c->text_count = c->text_at = c->number_count = 0;
    if (next_of_value(c)) return true;
    if (c->deadline_ms == KEYSPACE_NO_DEADLINE) return false;
    key_commands_start(c, 3, "PEXPIREAT");
    key_commands_add(c, c->name);
    key_commands_add_number(c, (int64_t)c->deadline_ms);
    c->deadline_ms = KEYSPACE_NO_DEADLINE;
    return true;
}

// What is large in c is not cleared: this is done for every small key.
bool key_commands_begin(struct key_commands *c, struct keyspace *k, const struct entry *e,
                        struct bytes name, struct rdb_buffer *out, uint64_t now_ms)
{
    c->out = out;
    c->name = name;
    c->deadline_ms = entry_deadline_ms(e);
    c->spent = 0;
    c->command_has = c->text_count = c->text_at = c->number_count = 0;
    c->text_written = 0;
    c->hash.deadlines_left = 0;
    c->hash.is_again = false;
    value_cut(k, e, true, now_ms, &c->cut);
    value_iter_init(&c->iter, &c->cut);
    c->left = value_cut_count(&c->cut);
    if (c->cut.type == TYPE_STREAM) {
        key_commands_stream_begin(c);
        return true;
    }
    if (c->left > 0) return true;
    key_commands_end(c);
    return false;
}

bool key_commands_step(struct key_commands *c, uint32_t budget)
{
    for (c->spent = 0; c->spent < budget; c->spent++) {
        if (!write_item(c)) return false;
        if (!next_item(c)) return true;
    }
    return false;
}

void key_commands_end(struct key_commands *c) { value_cut_drop(&c->cut); }

// ---- small ones

static void put_string(const struct entry *e, struct rdb_buffer *out)
{
    struct string_view view;
    string_read(e, &view);
    const struct bytes set[] = { BYTES_LITERAL("SET"), entry_key(e), view.bytes };
    key_commands_put_one(out, set, 3);
    if (entry_deadline_ms(e) == KEYSPACE_NO_DEADLINE) return;
    char digits[NUM_INT_MAX];
    const struct bytes expire[] = { BYTES_LITERAL("PEXPIREAT"), entry_key(e),
                                    bytes_make(digits,
                                               num_format_uint(digits, entry_deadline_ms(e))) };
    key_commands_put_one(out, expire, 3);
}

void key_commands_put(struct keyspace *k, const struct entry *e, struct rdb_buffer *out,
                      uint64_t now_ms)
{
    struct key_commands c;
    if (entry_type(e) == TYPE_STRING) {
        put_string(e, out); // most keys are: without a copy of the text
        return;
    }
    if (!key_commands_begin(&c, k, e, entry_key(e), out, now_ms)) return;
    while (!key_commands_step(&c, UINT32_MAX)) continue;
    key_commands_end(&c);
}
