#include "dataplane/cmd/effect_split.h"
#include "dataplane/base/check.h"
#include "dataplane/base/hash.h"
#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/cmd_docs.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/types/list_value.h"
#include "dataplane/types/value_dump.h"

enum { WRITTEN_FLAGS = KEY_RW | KEY_OW | KEY_RM };

struct split_key {
    uint32_t index; // in argv
    uint32_t flags; // enum key_flags
    uint32_t shard;
};
struct split {
    struct call *call;
    const struct command *row;
    uint32_t db;
    const struct bytes *argv;
    uint32_t argc;
    struct split_key *keys; // room for argc
    uint32_t key_count;
    shard_set shards; // of the keys
};

static struct effects *effects_at(const struct split *s, uint32_t shard)
{
    return &server_peer(s->call->server, shard)->effects;
}

static void put(const struct split *s, struct bytes key, uint32_t db, const struct bytes *argv,
                uint32_t argc)
{
    effects_add(&call_home(s->call, key)->effects, db, argv, argc);
}

static void put_pair(const struct split *s, const char *verb, struct bytes key)
{
    struct bytes argv[] = { bytes_text(verb), key };
    put(s, key, s->db, argv, 2);
}

static void put_triple(const struct split *s, const char *verb, struct bytes key, struct bytes text)
{
    struct bytes argv[] = { bytes_text(verb), key, text };
    put(s, key, s->db, argv, 3);
}

// ---- what is at a key

static void put_string(const struct split *s, uint32_t db, struct bytes key, const struct entry *e)
{
    char digits[NUM_INT_MAX];
    struct string_view view;
    uint64_t deadline_ms = entry_deadline_ms(e);
    string_read(e, &view);
    struct bytes argv[] = { BYTES_LITERAL("SET"), key, view.bytes, BYTES_LITERAL("PXAT"),
                            bytes_make(digits, num_format_uint(digits, deadline_ms)) };
    put(s, key, db, argv, deadline_ms == KEYSPACE_NO_DEADLINE ? 3 : 5);
}

static void put_payload(const struct split *s, uint32_t db, struct bytes key, const struct entry *e,
                        struct bytes payload)
{
    char digits[NUM_INT_MAX] = "0";
    uint64_t deadline_ms = entry_deadline_ms(e);
    uint32_t size = deadline_ms == KEYSPACE_NO_DEADLINE ? 1 : num_format_uint(digits, deadline_ms);
    struct bytes argv[] = { BYTES_LITERAL("RESTORE"), key,
                            bytes_make(digits, size), payload,
                            BYTES_LITERAL("REPLACE"), BYTES_LITERAL("ABSTTL") };
    put(s, key, db, argv, 6);
}

static void end_payload(struct rdb_buffer *out, uint16_t rdb_version)
{
    store_le16(rdb_buffer_reserve(out, RDB_FOOTER_BYTES), rdb_version);
    rdb_buffer_commit(out, 2);
    struct bytes all = rdb_buffer_bytes(out);
    rdb_put_le64(out, crc64(0, all.data, all.size));
}

// False: all that is left of it are fields whose time has passed.
static bool put_object(const struct split *s, uint32_t db, struct bytes key, const struct entry *e)
{
    enum { STEP_ELEMENTS = 4096 };
    const struct server *home = call_home(s->call, key);
    struct value_dump_options options = { .may_compress = false }; // others stand still meanwhile
    struct value_dump value;
    struct rdb_buffer out;
    rdb_buffer_init(&out, s->call->server->heap, HEAP_LOG);
    if (!value_dump_begin(&value, home->keyspace, e, &out, options, s->call->now_ms)) {
        rdb_buffer_close(&out);
        return false;
    }
    rdb_put_u8(&out, (uint8_t)value.rdb_type);
    while (!value_dump_step(&value, STEP_ELEMENTS)) {
    }
    end_payload(&out, value.rdb_version);
    value_dump_end(&value);
    put_payload(s, db, key, e, rdb_buffer_bytes(&out));
    rdb_buffer_close(&out);
    return true;
}

static const struct entry *peek(const struct split *s, uint32_t db, struct bytes name)
{
    const struct keyspace *k = call_home(s->call, name)->keyspace;
    struct key key = key_make(k, name);
    return keyspace_peek(k, db, &key);
}

static void put_value(const struct split *s, uint32_t db, struct bytes key)
{
    struct bytes removal[] = { BYTES_LITERAL("DEL"), key };
    const struct entry *e = peek(s, db, key);
    if (e && entry_type(e) == TYPE_STRING)
        put_string(s, db, key, e);
    else if (!e || !put_object(s, db, key, e))
        put(s, key, db, removal, 2);
}

void effect_put_value(struct call *call, uint32_t db, struct bytes key)
{
    struct split s = { .call = call };
    if (effects_are_on(&call->server->effects)) put_value(&s, db, key);
}

// ---- how commands are split

static void split_values(const struct split *s)
{
    for (uint32_t i = 0; i < s->key_count; i++)
        if (s->keys[i].flags & WRITTEN_FLAGS) put_value(s, s->db, s->argv[s->keys[i].index]);
}

// The destination may be in another database.
static void split_copy(const struct split *s)
{
    int64_t db = s->db;
    for (uint32_t i = 3; i + 1 < s->argc; i++)
        if (bytes_is_option(s->argv[i], "db")) CHECK(num_parse_int(s->argv[++i], &db));
    put_value(s, (uint32_t)db, s->argv[2]);
}

// argv is room for as many texts as the command has.
static void put_own(const struct split *s, struct bytes verb, uint32_t shard, struct bytes *argv)
{
    uint32_t argc = 0, step = (uint32_t)s->row->key_step;
    argv[argc++] = verb;
    for (uint32_t i = 0; i < s->key_count; i++) {
        if (s->keys[i].shard != shard) continue;
        for (uint32_t j = 0; j < step; j++) argv[argc++] = s->argv[s->keys[i].index + j];
    }
    effects_add(effects_at(s, shard), s->db, argv, argc);
}

static void split_own_as(const struct split *s, struct bytes verb)
{
    struct heap *heap = s->call->server->heap;
    struct bytes *argv = heap_take(heap, s->argc * sizeof *argv, HEAP_OTHER);
    for (shard_set left = s->shards; left; left = shard_set_rest(left))
        put_own(s, verb, shard_set_first(left), argv);
    heap_give(heap, argv, s->argc * sizeof *argv, HEAP_OTHER);
}

static void split_own(const struct split *s) { split_own_as(s, s->argv[0]); }

static void split_msetnx(const struct split *s) { split_own_as(s, BYTES_LITERAL("MSET")); }

// What was moved is at the end to which it was pushed.
static void put_list_move(const struct split *s, bool from_head, bool to_head)
{
    char scratch[24];
    struct bytes from = s->argv[1], to = s->argv[2];
    const struct entry *e = peek(s, s->db, to);
    CHECK(e && entry_type(e) == TYPE_LIST);
    struct bytes value = list_value_at(e, to_head ? 0 : list_value_count(e) - 1, scratch);
    put_pair(s, from_head ? "LPOP" : "RPOP", from);
    put_triple(s, to_head ? "LPUSH" : "RPUSH", to, value);
}

static void split_lmove(const struct split *s)
{
    put_list_move(s, bytes_is_option(s->argv[3], "left"), bytes_is_option(s->argv[4], "left"));
}

static void split_rpoplpush(const struct split *s) { put_list_move(s, false, true); }

static void split_smove(const struct split *s)
{
    put_triple(s, "SREM", s->argv[1], s->argv[3]);
    put_triple(s, "SADD", s->argv[2], s->argv[3]);
}

typedef void split_rule(const struct split *s);

static split_rule *rule_of(const struct command *row)
{
    static const struct {
        uint16_t id;
        split_rule *rule;
    } rules[] = {
        { CMD_ID_MSET, split_own },    { CMD_ID_MSETNX, split_msetnx },
        { CMD_ID_DEL, split_own },     { CMD_ID_UNLINK, split_own },
        { CMD_ID_LMOVE, split_lmove }, { CMD_ID_RPOPLPUSH, split_rpoplpush },
        { CMD_ID_SMOVE, split_smove }, { CMD_ID_COPY, split_copy },
    };
    for (uint32_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].id == row->id) return rules[i].rule;
    return split_values;
}

// ---- whose keys they are

static void note_key(void *context, uint32_t index, uint32_t flags)
{
    struct split *s = context;
    CHECK(s->key_count < s->argc);
    uint32_t shard = call_home(s->call, s->argv[index])->shard_index;
    s->keys[s->key_count++] = (struct split_key){ index, flags, shard };
    s->shards |= shard_set_of(shard);
}

// The call's own command may have been renamed; what a body says in place of it has not.
static const struct command *row_of(const struct call *call, const struct bytes *argv,
                                    uint32_t argc)
{
    if (argv == call->argv || bytes_equal(argv[0], call->argv[0])) return call->command;
    const struct command *row = command_find(argv[0]);
    return row && row->subcommand_count && argc > 1 ? command_find_sub(row, argv[1]) : row;
}

// SORT looks up keys that it does not name, by BY and GET.
static bool needs_its_keys_alone(const struct command *row) { return row->id != CMD_ID_SORT; }

static void put_split(const struct split *s)
{
    if (s->key_count == 0) {
        for (uint32_t i = 0; i < server_peer_count(s->call->server); i++)
            effects_add(effects_at(s, i), s->db, s->argv, s->argc);
    } else if (shard_set_is_one(s->shards) && needs_its_keys_alone(s->row)) {
        effects_add(effects_at(s, s->keys[0].shard), s->db, s->argv, s->argc);
    } else {
        rule_of(s->row)(s);
    }
}

void effect_split(struct call *call, uint32_t db, const struct bytes *argv, uint32_t argc)
{
    struct heap *heap = call->server->heap;
    if (!effects_are_on(&call->server->effects)) return;
    struct split s = {
        .call = call, .row = row_of(call, argv, argc), .db = db, .argv = argv, .argc = argc
    };
    CHECK(s.row);
    s.keys = heap_take(heap, argc * sizeof *s.keys, HEAP_OTHER);
    (void)command_find_keys(s.row, argv, argc, note_key, &s);
    put_split(&s);
    heap_give(heap, s.keys, argc * sizeof *s.keys, HEAP_OTHER);
}
