#include "storage/rdb/rdb_skip.h"
#include "dataplane/base/check.h"
#include "storage/rdb/rdb_format.h"

enum { SHORT_TEXT = 0x40, ID_BYTES = 16, DOUBLE_BYTES_MAX = 252 };

// Parts of items:
//   t text   l length   s score as text   8, i that many bytes (i: an ID)
static const struct rdb_skip_form {
    bool is_counted;  // any number of items
    const char *head; // before their count
    const char *item; // NULL: no such type
} forms[UINT8_MAX + 1] = {
    [RDB_STRING] = { false, "", "t" },
    [RDB_LIST] = { true, "", "t" },
    [RDB_SET] = { true, "", "t" },
    [RDB_ZSET] = { true, "", "ts" },
    [RDB_HASH] = { true, "", "tt" },
    [RDB_ZSET_2] = { true, "", "t8" },
    [RDB_HASH_ZIPMAP] = { false, "", "t" },
    [RDB_LIST_ZIPLIST] = { false, "", "t" },
    [RDB_SET_INTSET] = { false, "", "t" },
    [RDB_ZSET_ZIPLIST] = { false, "", "t" },
    [RDB_HASH_ZIPLIST] = { false, "", "t" },
    [RDB_LIST_QUICKLIST] = { true, "", "t" },
    [RDB_STREAM] = { true, "", "tt" },
    [RDB_HASH_LISTPACK] = { false, "", "t" },
    [RDB_ZSET_LISTPACK] = { false, "", "t" },
    [RDB_LIST_QUICKLIST_2] = { true, "", "lt" },
    [RDB_STREAM_2] = { true, "", "tt" },
    [RDB_SET_LISTPACK] = { false, "", "t" },
    [RDB_STREAM_3] = { true, "", "tt" },
    [RDB_HASH_DEADLINES_EARLY] = { true, "", "ltt" },
    [RDB_HASH_PACK_DEADLINES_EARLY] = { false, "", "t" },
    [RDB_HASH_DEADLINES] = { true, "8", "ltt" },
    [RDB_HASH_PACK_DEADLINES] = { false, "8", "t" },
};
enum phase { HEAD, ITEMS, GROUPS, GROUP_PENDING, CONSUMERS, DONE };

bool rdb_skip_knows(uint8_t rdb_type) { return forms[rdb_type].item != NULL; }

void rdb_skip_begin(struct rdb_skip *s, uint8_t rdb_type, struct bytes in)
{
    CHECK(rdb_skip_knows(rdb_type));
    *s = (struct rdb_skip){ .in = in, .form = &forms[rdb_type], .rdb_type = rdb_type };
}

// ---- parts

static bool skip_text(struct bytes *in)
{
    struct rdb_raw_text raw;
    bool is_short = in->size > 0 && in->data[0] < SHORT_TEXT;
    return is_short ? bytes_skip(in, 1u + in->data[0]) : rdb_read_text(in, &raw);
}

static bool skip_score(struct bytes *in)
{
    uint8_t size = in->size > 0 ? in->data[0] : 0;
    return bytes_skip(in, size > DOUBLE_BYTES_MAX ? 1 : 1u + size);
}

static bool skip_part(struct bytes *in, char part)
{
    uint64_t value;
    switch (part) {
    case 't':
        return skip_text(in);
    case 'l':
        return rdb_read_length(in, &value);
    case 's':
        return skip_score(in);
    case '8':
        return bytes_skip(in, sizeof(uint64_t));
    default:
        return bytes_skip(in, ID_BYTES);
    }
}

static bool skip_parts(struct rdb_skip *s, const char *parts)
{
    for (; *parts; parts++)
        if (!skip_part(&s->in, *parts)) return false;
    return true;
}

// ---- phases

static bool is_stream(const struct rdb_skip *s)
{
    uint8_t type = s->rdb_type;
    return type == RDB_STREAM || type == RDB_STREAM_2 || type == RDB_STREAM_3;
}

static bool head(struct rdb_skip *s)
{
    s->phase = ITEMS;
    s->item = s->form->item;
    s->left = 1;
    if (!skip_parts(s, s->form->head)) return false;
    return !s->form->is_counted || rdb_read_length(&s->in, &s->left);
}

// Entries, the last ID; the first, the largest deleted, entries added; how many groups.
static bool stream_facts(struct rdb_skip *s)
{
    s->phase = GROUPS;
    return skip_parts(s, s->rdb_type == RDB_STREAM ? "lll" : "llllllll") &&
           rdb_read_length(&s->in, &s->groups);
}

// Name, the last ID, how many entries were read; what is pending.
static bool stream_group(struct rdb_skip *s)
{
    s->phase = s->groups ? GROUP_PENDING : DONE;
    if (s->groups == 0) return true;
    s->groups--;
    s->item = "i8l";
    return skip_parts(s, s->rdb_type == RDB_STREAM ? "tll" : "tlll") &&
           rdb_read_length(&s->in, &s->left);
}

// Name, when it was seen, when it was active; what it owns of what is pending.
static bool stream_consumer(struct rdb_skip *s)
{
    if (s->consumers == 0) s->phase = GROUPS;
    if (s->consumers == 0) return true;
    s->consumers--;
    s->item = "i";
    return skip_parts(s, s->rdb_type == RDB_STREAM_3 ? "t88" : "t8") &&
           rdb_read_length(&s->in, &s->left);
}

// After the items of a phase.
static bool next_phase(struct rdb_skip *s)
{
    switch (s->phase) {
    case HEAD:
        return head(s);
    case ITEMS:
        if (is_stream(s)) return stream_facts(s);
        s->phase = DONE;
        return true;
    case GROUPS:
        return stream_group(s);
    case GROUP_PENDING:
        s->phase = CONSUMERS;
        return rdb_read_length(&s->in, &s->consumers);
    default:
        return stream_consumer(s);
    }
}

enum rdb_result rdb_skip_step(struct rdb_skip *s, uint64_t budget)
{
    for (; budget > 0 && s->phase != DONE; budget--) {
        bool in_items = s->left > 0;
        if (!(in_items ? skip_parts(s, s->item) : next_phase(s))) return RDB_BROKEN;
        s->left -= in_items;
    }
    return s->phase == DONE ? RDB_DONE : RDB_MORE;
}
