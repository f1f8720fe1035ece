// Strings: into the blob that will be the value, a piece at a time.
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"
#include "dataplane/types/value_restore.h"

enum { SMALL_BYTES = 1024, PIECE_BYTES = 64 * 1024 };

static enum value_restore_result begin(struct value_restore *r)
{
    struct value_restore_string *s = &r->string;
    if (!rdb_read_text(&r->in, &s->raw) || s->raw.size > r->text_bytes_max)
        return VALUE_RESTORE_BROKEN;
    s->is_read = true;
    bool is_small = s->raw.form != RDB_TEXT_PACKED && s->raw.size <= SMALL_BYTES;
    if (is_small) return VALUE_RESTORE_DONE;
    if (!s->raw.size) return VALUE_RESTORE_BROKEN; // nobody compresses nothing
    s->blob = blob_new(keyspace_space(r->keyspace)->heap, (size_t)s->raw.size, HEAP_DATASET);
    s->lzf = (struct lzf_expander){ .in = s->raw.raw,
                                    .out = s->blob->data,
                                    .size = (size_t)s->raw.size };
    return VALUE_RESTORE_MORE;
}

static enum value_restore_result copy(struct value_restore_string *s)
{
    struct bytes piece = s->raw.raw;
    bytes_skip(&piece, s->at);
    if (piece.size > PIECE_BYTES) piece.size = PIECE_BYTES;
    memcpy(s->blob->data + s->at, piece.data, piece.size);
    s->at += piece.size;
    return s->at == s->raw.size ? VALUE_RESTORE_DONE : VALUE_RESTORE_MORE;
}

static enum value_restore_result expand(struct value_restore_string *s)
{
    enum lzf_result result = lzf_expand(&s->lzf, PIECE_BYTES);
    return result == LZF_DONE   ? VALUE_RESTORE_DONE
           : result == LZF_MORE ? VALUE_RESTORE_MORE
                                : VALUE_RESTORE_BROKEN;
}

enum value_restore_result value_restore_string_step(struct value_restore *r)
{
    struct value_restore_string *s = &r->string;
    if (!s->is_read) return begin(r);
    r->spent += PIECE_BYTES / 1024;
    return s->raw.form == RDB_TEXT_PACKED ? expand(s) : copy(s);
}

struct entry *value_restore_string_put(struct value_restore *r, uint32_t db, const struct key *key,
                                       uint64_t now_ms)
{
    struct value_restore_string *s = &r->string;
    char digits[NUM_INT_MAX];
    struct bytes text = s->raw.raw;
    struct blob *blob = s->blob;
    if (s->raw.form == RDB_TEXT_INT)
        text = bytes_make(digits, num_format_int(digits, s->raw.value));
    if (blob) blob->size = (size_t)s->raw.size;
    s->blob = NULL;
    return string_set(r->keyspace, db, key, text, blob, KEYSPACE_NO_DEADLINE, 0, now_ms);
}
