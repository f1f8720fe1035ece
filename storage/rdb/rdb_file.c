#include "storage/rdb/rdb_file.h"
#include "dataplane/base/check.h"
#include "dataplane/base/hash.h"
#include "storage/rdb/rdb_format.h"

enum {
    MAGIC_BYTES = 5,
    VERSION_CHECKSUM = 5, // the first with one
    SUM_BYTES = 4096,     // at once: small items one by one would cost half as much again
    TEXT_BYTES_MAX = 512 << 20,
};
enum { TYPE_MODULE_EARLY = 6, TYPE_MODULE };
enum module_part {
    MODULE_END,
    MODULE_SIGNED,
    MODULE_UNSIGNED,
    MODULE_F32,
    MODULE_F64,
    MODULE_TEXT
};

static const struct rdb_key nothing_said = { .idle_s = -1, .frequency = -1 };

static uint32_t read_version(struct bytes digits)
{
    uint32_t version = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') return 0;
        version = version * 10 + (digits.data[i] - '0');
    }
    return version;
}

enum rdb_file_result rdb_file_open(struct rdb_file *f, struct heap *heap, struct bytes file)
{
    struct bytes in = file, magic, digits;
    *f = (struct rdb_file){ .file = file, .next = nothing_said, .sums = true };
    if (file.size < RDB_FILE_HEAD_BYTES) return RDB_FILE_SHORT;
    bytes_take(&in, MAGIC_BYTES, &magic);
    bytes_take(&in, RDB_FILE_HEAD_BYTES - MAGIC_BYTES, &digits);
    if (!bytes_equal(magic, BYTES_LITERAL("REDIS"))) return RDB_FILE_UNKNOWN;
    f->version = read_version(digits);
    f->offset = MAGIC_BYTES;
    if (f->version < 1 || f->version > RDB_VERSION_READ_MAX) return RDB_FILE_UNREADABLE;
    f->offset = RDB_FILE_HEAD_BYTES;
    for (uint32_t i = 0; i < 2; i++) rdb_text_init(&f->text[i], heap, TEXT_BYTES_MAX);
    return RDB_FILE_OPEN;
}

void rdb_file_close(struct rdb_file *f)
{
    for (uint32_t i = 0; i < 2; i++) rdb_text_close(&f->text[i]);
}

// ---- checksum

void rdb_file_ignore_checksum(struct rdb_file *f) { f->sums = false; }

static void sum_to(struct rdb_file *f, uint64_t end)
{
    if (f->sums) f->crc = crc64(f->crc, f->file.data + f->summed, (size_t)(end - f->summed));
    f->summed = end;
}

bool rdb_file_sum_step(struct rdb_file *f, size_t size)
{
    uint64_t left = f->offset - f->summed;
    sum_to(f, f->summed + (left < size ? left : size));
    return f->summed == f->offset;
}

// ---- parts of items: what is wrong leaves *in where it is

static bool fail(struct rdb_file *f, const char *what)
{
    f->broken = what;
    return false;
}

static bool read_text(struct rdb_file *f, struct bytes *in, uint32_t i, struct bytes *out)
{
    struct bytes rest = *in;
    enum rdb_result result;
    while ((result = rdb_text_step(&f->text[i], &rest)) == RDB_MORE) continue;
    if (result == RDB_BROKEN) return false;
    *out = f->text[i].bytes;
    *in = rest;
    return true;
}

static uint64_t deadline_of(int64_t ms) { return ms == -1 ? 0 : ms < 1 ? 1 : (uint64_t)ms; }

static bool read_deadline_ms(struct rdb_file *f, struct bytes *in)
{
    uint64_t ms;
    if (!bytes_le64(in, &ms)) return false;
    f->next.deadline_ms = deadline_of((int64_t)ms);
    return true;
}

static bool read_deadline_s(struct rdb_file *f, struct bytes *in)
{
    uint32_t seconds;
    if (!bytes_le32(in, &seconds)) return false;
    f->next.deadline_ms = deadline_of((int64_t)(int32_t)seconds * 1000);
    return true;
}

static bool read_idle(struct rdb_file *f, struct bytes *in)
{
    uint64_t idle_s;
    if (!rdb_read_length(in, &idle_s)) return false;
    f->next.idle_s = idle_s > INT64_MAX ? INT64_MAX : (int64_t)idle_s;
    return true;
}

static bool read_frequency(struct rdb_file *f, struct bytes *in)
{
    uint8_t frequency;
    if (!bytes_u8(in, &frequency)) return false;
    f->next.frequency = frequency;
    return true;
}

// ---- items

static bool read_aux(struct rdb_file *f, struct bytes *in, struct rdb_item *out)
{
    out->kind = RDB_ITEM_AUX;
    return read_text(f, in, 0, &out->aux.name) && read_text(f, in, 1, &out->aux.value);
}

static bool read_function(struct rdb_file *f, struct bytes *in, struct rdb_item *out)
{
    out->kind = RDB_ITEM_FUNCTION;
    return read_text(f, in, 0, &out->function);
}

static bool read_database(struct bytes *in, struct rdb_item *out)
{
    out->kind = RDB_ITEM_DATABASE;
    return rdb_read_length(in, &out->database);
}

static bool read_resize(struct bytes *in, struct rdb_item *out)
{
    out->kind = RDB_ITEM_RESIZE;
    return rdb_read_length(in, &out->resize.keys) && rdb_read_length(in, &out->resize.deadlines);
}

static bool read_slot_info(struct bytes *in, struct rdb_item *out)
{
    out->kind = RDB_ITEM_SLOT_INFO;
    return rdb_read_length(in, &out->slot_info.slot) && rdb_read_length(in, &out->slot_info.keys) &&
           rdb_read_length(in, &out->slot_info.deadlines);
}

static bool skip_module_part(struct bytes *in, uint64_t part)
{
    struct rdb_raw_text text;
    uint64_t value;
    switch (part) {
    case MODULE_SIGNED:
    case MODULE_UNSIGNED:
        return rdb_read_length(in, &value);
    case MODULE_F32:
        return bytes_skip(in, sizeof(float));
    case MODULE_F64:
        return bytes_skip(in, sizeof(double));
    case MODULE_TEXT:
        return rdb_read_text(in, &text);
    default:
        return false;
    }
}

static bool read_module_aux(struct bytes *in, struct rdb_item *out)
{
    uint64_t part, when;
    out->kind = RDB_ITEM_MODULE_AUX;
    bool fits = rdb_read_length(in, &out->module_id) && rdb_read_length(in, &part) &&
                part == MODULE_UNSIGNED && rdb_read_length(in, &when) && rdb_read_length(in, &part);
    while (fits && part != MODULE_END)
        fits = skip_module_part(in, part) && rdb_read_length(in, &part);
    return fits;
}

static bool read_end(struct rdb_file *f, struct bytes *in, struct rdb_item *out)
{
    uint64_t stored = 0;
    out->kind = RDB_ITEM_END;
    sum_to(f, f->file.size - in->size);
    if (f->version >= VERSION_CHECKSUM && !bytes_le64(in, &stored)) return false;
    out->end.stored = stored;
    out->end.computed = f->crc;
    out->end.has_checksum = stored != 0;
    out->end.checksum_is_right = stored == 0 || !f->sums || stored == f->crc;
    f->summed = f->file.size - in->size; // the checksum is none of what it is made of
    f->has_ended = true;
    return true;
}

static bool read_key(struct rdb_file *f, struct bytes *in, uint8_t rdb_type, struct rdb_item *out)
{
    out->kind = RDB_ITEM_KEY;
    out->key = f->next;
    out->key.rdb_type = rdb_type;
    if (!read_text(f, in, 0, &out->key.name)) return false;
    out->key.value = *in;
    f->next = nothing_said;
    rdb_skip_begin(&f->skip, rdb_type, *in);
    f->in_value = true;
    return true;
}

static bool refuse_type(struct rdb_file *f, uint8_t type)
{
    if (type == RDB_OPCODE_FUNCTION_EARLY)
        return fail(f, "functions as candidates of 7.0 wrote them");
    if (type == TYPE_MODULE_EARLY || type == TYPE_MODULE)
        return fail(f, "a key with a value of a module");
    return fail(f, "a byte that begins nothing known");
}

// What is said of the next key before it, in any order.
static bool read_about_key(struct rdb_file *f, struct bytes *in)
{
    bool fits = true;
    while (fits && in->size > 0) {
        struct bytes behind = bytes_make(in->data + 1, in->size - 1);
        switch (in->data[0]) {
        case RDB_OPCODE_IDLE:
            fits = read_idle(f, &behind);
            break;
        case RDB_OPCODE_FREQUENCY:
            fits = read_frequency(f, &behind);
            break;
        case RDB_OPCODE_DEADLINE_MS:
            fits = read_deadline_ms(f, &behind);
            break;
        case RDB_OPCODE_DEADLINE_S:
            fits = read_deadline_s(f, &behind);
            break;
        default:
            return true;
        }
        *in = behind;
    }
    return fits || fail(f, "an idle time, frequency or deadline that is cut off");
}

static bool read_item(struct rdb_file *f, struct bytes *in, struct rdb_item *out)
{
    uint8_t opcode;
    struct bytes at = *in;
    if (!bytes_u8(in, &opcode)) return fail(f, "the file ends before its end is told");
    switch (opcode) {
    case RDB_OPCODE_SLOT_INFO:
        return read_slot_info(in, out) || fail(f, "a slot whose numbers are none");
    case RDB_OPCODE_FUNCTION:
        return read_function(f, in, out) || fail(f, "a function library that is no text");
    case RDB_OPCODE_MODULE_AUX:
        return read_module_aux(in, out) || fail(f, "data of a module that make no sense");
    case RDB_OPCODE_AUX:
        return read_aux(f, in, out) || fail(f, "an AUX field whose name or value is no text");
    case RDB_OPCODE_RESIZE:
        return read_resize(in, out) || fail(f, "a database whose size is no number");
    case RDB_OPCODE_DATABASE:
        return read_database(in, out) || fail(f, "a database whose index is no number");
    case RDB_OPCODE_END:
        return read_end(f, in, out) || fail(f, "a checksum that is cut off");
    default:
        if (rdb_skip_knows(opcode))
            return read_key(f, in, opcode, out) || fail(f, "a key whose name is no text");
        *in = at;
        return refuse_type(f, opcode);
    }
}

static struct bytes rest(const struct rdb_file *f)
{
    return bytes_make(f->file.data + f->offset, f->file.size - (size_t)f->offset);
}

void rdb_file_next(struct rdb_file *f, struct rdb_item *out)
{
    struct bytes in = rest(f);
    CHECK(!f->in_value && !f->has_ended);
    if (f->offset - f->summed >= SUM_BYTES) sum_to(f, f->offset);
    if (!f->broken && read_about_key(f, &in)) {
        out->offset = rdb_file_offset(f, in.size);
        read_item(f, &in, out);
    }
    f->offset = rdb_file_offset(f, in.size);
    if (!f->broken) return;
    *out = (struct rdb_item){ .kind = RDB_ITEM_BROKEN, .offset = f->offset, .broken = f->broken };
}

// ---- values

void rdb_file_after_value(struct rdb_file *f, size_t bytes_left)
{
    CHECK(f->in_value && bytes_left <= f->file.size - f->offset);
    f->in_value = false;
    f->offset = rdb_file_offset(f, bytes_left);
}

enum rdb_result rdb_file_skip_step(struct rdb_file *f, uint64_t budget)
{
    CHECK(f->in_value);
    enum rdb_result result = rdb_skip_step(&f->skip, budget);
    if (result == RDB_MORE) return result;
    if (result == RDB_BROKEN) f->broken = "a value that is cut off or damaged";
    rdb_file_after_value(f, f->skip.in.size);
    return result;
}

bool rdb_file_skip_value(struct rdb_file *f)
{
    return rdb_file_skip_step(f, UINT64_MAX) == RDB_DONE;
}
