#include "storage/rdb/rdb_write.h"
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"

enum {
    LENGTH_BYTES_MAX = 9,
    FORM_INT8 = 0xc0,
    FORM_INT16 = 0xc1,
    FORM_INT32 = 0xc2,
    FORM_LZF = 0xc3,
    INT_TEXT_BYTES_MAX = 11,
    PACK_BYTES_MIN = 21,        // shorter texts are left as they are
    PACK_SAVES_BYTES = 4,       // at least
    PACK_TRIAL_BYTES = 1 << 20, // of a long text: a sixteenth must be saved by then
};

void rdb_put_u8(struct rdb_buffer *b, uint8_t value)
{
    *rdb_buffer_reserve(b, 1) = value;
    rdb_buffer_commit(b, 1);
}

void rdb_put_le64(struct rdb_buffer *b, uint64_t value)
{
    store_le64(rdb_buffer_reserve(b, 8), value);
    rdb_buffer_commit(b, 8);
}

void rdb_put_f64(struct rdb_buffer *b, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    rdb_put_le64(b, bits);
}

static size_t write_length(uint8_t *to, uint64_t value)
{
    if (value < 64) {
        to[0] = (uint8_t)value;
        return 1;
    }
    if (value < 16384) {
        store_be16(to, (uint16_t)(0x4000 | value));
        return 2;
    }
    if (value <= UINT32_MAX) {
        to[0] = 0x80;
        store_be32(to + 1, (uint32_t)value);
        return 5;
    }
    to[0] = 0x81;
    store_be64(to + 1, value);
    return 9;
}

void rdb_put_length(struct rdb_buffer *b, uint64_t value)
{
    rdb_buffer_commit(b, write_length(rdb_buffer_reserve(b, LENGTH_BYTES_MAX), value));
}

// ---- texts

static bool put_int32(struct rdb_buffer *b, int64_t value)
{
    if (value != (int32_t)value) return false;
    uint32_t size = value == (int8_t)value ? 1 : value == (int16_t)value ? 2 : 4;
    uint8_t *to = rdb_buffer_reserve(b, 5);
    to[0] = size == 1 ? FORM_INT8 : size == 2 ? FORM_INT16 : FORM_INT32;
    store_le32(to + 1, (uint32_t)value);
    rdb_buffer_commit(b, 1 + size);
    return true;
}

static void put_plain(struct rdb_buffer *b, struct bytes text)
{
    rdb_put_length(b, text.size);
    rdb_buffer_append(b, text);
}

// Compressed behind the room that its head may need, then moved to the head.
static bool put_packed(struct rdb_buffer *b, struct bytes text)
{
    enum { HEAD_MAX = 1 + 2 * LENGTH_BYTES_MAX };
    uint8_t *to = rdb_buffer_reserve(b, HEAD_MAX + text.size);
    size_t packed = lzf_pack(text, to + HEAD_MAX, text.size - PACK_SAVES_BYTES);
    if (!packed) return false;
    size_t head = 1;
    to[0] = FORM_LZF;
    head += write_length(to + head, packed);
    head += write_length(to + head, text.size);
    memmove(to + head, to + HEAD_MAX, packed);
    rdb_buffer_commit(b, head + packed);
    return true;
}

void rdb_put_text(struct rdb_buffer *b, struct bytes text, bool may_compress)
{
    int64_t value;
    CHECK(text.size <= RDB_TEXT_ONCE_BYTES);
    if (text.size <= INT_TEXT_BYTES_MAX && num_parse_int(text, &value) && put_int32(b, value))
        return;
    if (may_compress && text.size >= PACK_BYTES_MIN && put_packed(b, text)) return;
    put_plain(b, text);
}

void rdb_put_int_text(struct rdb_buffer *b, int64_t value)
{
    char digits[NUM_INT_MAX];
    if (!put_int32(b, value)) put_plain(b, bytes_make(digits, num_format_int(digits, value)));
}

// ---- long texts

void rdb_long_text_begin(struct rdb_long_text *t, struct heap *heap, struct bytes text,
                         bool may_compress)
{
    *t = (struct rdb_long_text){ .heap = heap, .text = text, .may_compress = may_compress };
    if (!may_compress || text.size <= RDB_TEXT_ONCE_BYTES) return;
    t->is_packing = true;
    t->packed_room = text.size + LZF_BOUND(LZF_PIECE_BYTES) - LZF_PIECE_BYTES;
    t->packed = heap_take(heap, t->packed_room, HEAP_OTHER);
}

static void stop_packing(struct rdb_long_text *t)
{
    heap_give(t->heap, t->packed, t->packed_room, HEAP_OTHER);
    t->packed = NULL;
    t->is_packing = false;
    t->at = 0;
}

// What could not be made shorter stands there literally.
static void pack_piece(struct rdb_long_text *t)
{
    size_t left = t->text.size - t->at;
    struct bytes piece =
        bytes_make(t->text.data + t->at, left < LZF_PIECE_BYTES ? left : LZF_PIECE_BYTES);
    if (t->packed_room - t->packed_size < LZF_BOUND(piece.size)) {
        stop_packing(t);
        return;
    }
    uint8_t *to = t->packed + t->packed_size;
    size_t packed = lzf_pack(piece, to, piece.size - 1);
    t->packed_size += packed ? packed : lzf_pack_literally(piece, to);
    t->at += piece.size;
    bool is_waste = t->at >= PACK_TRIAL_BYTES && t->packed_size > t->at - t->at / 16;
    if (is_waste || t->packed_size > t->text.size - PACK_SAVES_BYTES)
        stop_packing(t);
    else if (t->at == t->text.size)
        t->is_packing = false;
}

static void put_head(struct rdb_long_text *t, struct rdb_buffer *b)
{
    if (t->packed) {
        rdb_put_u8(b, FORM_LZF);
        rdb_put_length(b, t->packed_size);
    }
    rdb_put_length(b, t->text.size);
}

bool rdb_long_text_step(struct rdb_long_text *t, struct rdb_buffer *b)
{
    if (t->text.size <= RDB_TEXT_ONCE_BYTES) {
        rdb_put_text(b, t->text, t->may_compress);
        return true;
    }
    if (t->is_packing) {
        pack_piece(t);
        return false;
    }
    struct bytes from = t->packed ? bytes_make(t->packed, t->packed_size) : t->text;
    if (t->packed_at == 0) put_head(t, b);
    bytes_skip(&from, t->packed_at);
    if (from.size > LZF_PIECE_BYTES) from.size = LZF_PIECE_BYTES;
    rdb_buffer_append(b, from);
    t->packed_at += from.size;
    return t->packed_at == (t->packed ? t->packed_size : t->text.size);
}

void rdb_long_text_end(struct rdb_long_text *t)
{
    heap_give(t->heap, t->packed, t->packed_room, HEAP_OTHER);
    t->packed = NULL;
}
