// BITFIELD: integers of 1 to 64 bits, anywhere in a string. The arguments are gone over twice: once
// to refuse what is wrong before anything is changed, and to learn how long the string must be,
// then to do what they say.
#include "dataplane/base/bits.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/string_edit.h"
#include "dataplane/cmd/cmd_rows.h"

static command_body cmd_bitfield, cmd_bitfield_ro;

// clang-format off
const struct command cmd_bitfields[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(BITFIELD, "bitfield", cmd_bitfield, -2, 1, 1, 1, CMD_WRITE | CMD_DENYOOM, ACL_BITMAP),
    COMMAND(BITFIELD_RO, "bitfield_ro", cmd_bitfield_ro, -2, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_BITMAP),
};
// clang-format on

enum overflow { OVERFLOW_WRAP, OVERFLOW_SAT, OVERFLOW_FAIL };
enum operation { FIELD_GET, FIELD_SET, FIELD_INCRBY };

struct field_operation {
    enum operation kind;
    enum overflow overflow; // as said last
    bool is_signed;
    uint32_t width;
    uint64_t offset;
    int64_t value; // of SET and INCRBY
};

// ---- arguments

static bool parse_overflow(struct call *call, uint32_t index, enum overflow *overflow)
{
    static const char *const words[] = { "wrap", "sat", "fail" };
    for (uint32_t i = 0; i < 3; i++) {
        if (!bytes_is_option(call->argv[index], words[i])) continue;
        *overflow = (enum overflow)i;
        return true;
    }
    reply_error(call->reply, "ERR Invalid OVERFLOW type specified");
    return false;
}

static bool parse_type(struct call *call, uint32_t index, struct field_operation *o)
{
    struct bytes text = call->argv[index];
    const uint8_t *nul = text.size ? memchr(text.data, 0, text.size) : NULL;
    uint8_t sign;
    int64_t width;
    if (nul) text.size = (size_t)(nul - text.data); // ends the text for Redis
    if (bytes_u8(&text, &sign) && (sign == 'i' || sign == 'u') && num_parse_int(text, &width) &&
        width >= 1 && width <= (sign == 'i' ? 64 : 63)) {
        o->is_signed = sign == 'i';
        o->width = (uint32_t)width;
        return true;
    }
    reply_error(call->reply, "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 "
                             "is not supported but i64 is.");
    return false;
}

// The words that begin an operation, and how many arguments follow them.
static bool parse_kind(struct bytes word, uint32_t following, enum operation *kind)
{
    if (bytes_is_option(word, "get") && following >= 2)
        *kind = FIELD_GET;
    else if (bytes_is_option(word, "set") && following >= 3)
        *kind = FIELD_SET;
    else if (bytes_is_option(word, "incrby") && following >= 3)
        *kind = FIELD_INCRBY;
    else
        return false;
    return true;
}

enum parsed { PARSED_OPERATION, PARSED_END, PARSED_ERROR };

// The operation at argv[*index], past it; o->overflow is kept from one to the next.
static enum parsed parse_next(struct call *call, uint32_t *index, struct field_operation *o)
{
    uint32_t at = *index;
    while (at + 1 < call->argc && bytes_is_option(call->argv[at], "overflow")) {
        if (!parse_overflow(call, at + 1, &o->overflow)) return PARSED_ERROR;
        at += 2;
    }
    if (at >= call->argc) return PARSED_END;
    if (!parse_kind(call->argv[at], call->argc - at - 1, &o->kind)) {
        reply_error(call->reply, reply_text_syntax);
        return PARSED_ERROR;
    }
    if (!parse_type(call, at + 1, o) || !call_bit_offset(call, at + 2, o->width, &o->offset))
        return PARSED_ERROR;
    if (o->kind != FIELD_GET && !call_int(call, at + 3, &o->value, NULL)) return PARSED_ERROR;
    *index = at + (o->kind == FIELD_GET ? 3 : 4);
    return PARSED_OPERATION;
}

struct field_plan {
    uint32_t count;
    bool writes;
    uint64_t end; // of the furthest field that is written
};

static bool plan(struct call *call, struct field_plan *p)
{
    struct field_operation o = { .overflow = OVERFLOW_WRAP };
    uint32_t index = 2;
    enum parsed parsed;
    *p = (struct field_plan){ 0 };
    while ((parsed = parse_next(call, &index, &o)) == PARSED_OPERATION) {
        p->count++;
        if (o.kind == FIELD_GET) continue;
        p->writes = true;
        if (o.offset + o.width > p->end) p->end = o.offset + o.width;
    }
    return parsed == PARSED_END;
}

// ---- numbers

// 128 bits hold every value that 64-bit operands give.
typedef __int128 wide;

static wide field_load(struct bytes text, const struct field_operation *o)
{
    uint64_t bits = bits_load(text, o->offset, o->width);
    if (!o->is_signed) return (wide)bits;
    uint32_t unused = 64 - o->width;
    return (wide)((int64_t)(bits << unused) >> unused);
}

// value as the field can hold it. False: it cannot, and OVERFLOW FAIL says to leave it.
static bool field_fit(const struct field_operation *o, wide value, wide *out)
{
    wide span = (wide)1 << o->width;
    wide min = o->is_signed ? -(span / 2) : 0;
    wide max = min + span - 1;
    *out = value;
    if (value >= min && value <= max) return true;
    if (o->overflow == OVERFLOW_FAIL) return false;
    if (o->overflow == OVERFLOW_SAT) {
        // SET: Redis's own check overflows for the most negative values, which end at the maximum
        // there. So they do here, because replicas execute the same command.
        bool is_beyond = o->kind == FIELD_SET && o->is_signed && max - value > INT64_MAX;
        bool is_low = value < min && !is_beyond;
        *out = is_low ? min : max;
        return true;
    }
    wide rest = value & (span - 1);
    *out = rest > max ? rest - span : rest;
    return true;
}

// ---- running

static void field_get(struct call *call, struct bytes text, const struct field_operation *o)
{
    reply_int(call->reply, (int64_t)field_load(text, o));
}

// True when the field is another than before.
static bool field_write(struct call *call, uint8_t *data, size_t size,
                        const struct field_operation *o)
{
    wide old = field_load(bytes_make(data, size), o), value;
    // An unsigned field takes SET's negative number for what its 64 bits say.
    wide given = o->is_signed ? (wide)o->value : (wide)(uint64_t)o->value;
    bool fits = field_fit(o, o->kind == FIELD_SET ? given : old + o->value, &value);
    if (!fits) {
        reply_null(call->reply);
        return false;
    }
    bits_store(data, size, o->offset, o->width, (uint64_t)value);
    reply_int(call->reply, (int64_t)(o->kind == FIELD_SET ? old : value));
    return old != value;
}

static void run_reads(struct call *call, const struct field_plan *p, const struct entry *e)
{
    struct string_view view = { .blob = NULL };
    struct field_operation o = { .overflow = OVERFLOW_WRAP };
    uint32_t index = 2;
    if (e) string_read(e, &view);
    reply_array(call->reply, p->count);
    while (parse_next(call, &index, &o) == PARSED_OPERATION) field_get(call, view.bytes, &o);
}

static void run_writes(struct call *call, const struct field_plan *p, const struct key *key,
                       struct entry *e)
{
    struct field_operation o = { .overflow = OVERFLOW_WRAP };
    uint64_t changes = 0;
    uint32_t index = 2;
    size_t size = (size_t)((p->end + 7) / 8);
    bool grew;
    uint8_t *data = call_edit_bits(call, key, e, &size, &grew); // counts one change
    reply_array(call->reply, p->count);
    while (parse_next(call, &index, &o) == PARSED_OPERATION) {
        if (o.kind == FIELD_GET)
            field_get(call, bytes_make(data, size), &o);
        else if (field_write(call, data, size, &o) || grew)
            changes++;
    }
    // Redis tells nobody of a string that grew for nothing but refused writes; its replicas then
    // differ from it.
    if (grew && !changes) changes = 1;
    keyspace_add_dirty(call->keyspace, changes - 1);
    if (changes) call_changed(call, key, EVENT_STRING, "setbit");
}

static void bitfield(struct call *call, bool may_write)
{
    struct field_plan p;
    if (!plan(call, &p)) return;
    if (p.writes && !may_write) {
        reply_error(call->reply, "ERR BITFIELD_RO only supports the GET subcommand");
        return;
    }
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, p.writes ? FIND_WRITE : FIND_READ);
    if (!call_check_type(call, e, TYPE_STRING)) return;
    if (p.writes)
        run_writes(call, &p, &key, e);
    else
        run_reads(call, &p, e);
}

static void cmd_bitfield(struct call *call) { bitfield(call, true); }

static void cmd_bitfield_ro(struct call *call) { bitfield(call, false); }
