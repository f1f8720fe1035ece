// The pack form of a hash: field, value, field, value ... in one buffer.
#include "dataplane/types/hash_priv.h"

const uint8_t *hash_pack_find(struct bytes pack, const struct packed_needle *field)
{
    return pack_find(pack, pack_first(pack), 2, field);
}

// The value's bytes made size long; they may move.
static uint8_t *edit(struct hash_place *p, size_t size)
{
    uint8_t *bytes;
    p->entry = value_edit(p->keyspace, p->db, p->key, p->entry, TYPE_HASH, ENCODING_LISTPACK, size,
                          &bytes);
    return bytes;
}

static void put_first(struct hash_place *p, const struct packed_needle *field,
                      const struct packed_needle *value)
{
    uint8_t *to = edit(p, (size_t)PACK_HEAD + field->size + value->size);
    store_le32(to, 2);
    packed_put(to + PACK_HEAD, field);
    packed_put(to + PACK_HEAD + field->size, value);
}

static void append(struct hash_place *p, size_t old_size, const struct packed_needle *field,
                   const struct packed_needle *value)
{
    uint8_t *to = edit(p, old_size + field->size + value->size);
    store_le32(to, load_le32(to) + 2);
    packed_put(to + old_size, field);
    packed_put(to + old_size + field->size, value);
}

// The value at offset becomes another; what is behind it moves.
static void replace(struct hash_place *p, struct bytes pack, size_t offset,
                    const struct packed_needle *value)
{
    size_t old_size = packed_size(pack.data + offset);
    size_t rest = pack.size - offset - old_size, size = offset + value->size + rest;
    uint8_t *to = edit(p, size > pack.size ? size : pack.size);
    if (value->size != old_size) memmove(to + offset + value->size, to + offset + old_size, rest);
    packed_put(to + offset, value);
    if (size < pack.size) edit(p, size);
}

bool hash_pack_put(struct hash_place *p, const struct packed_needle *field,
                   const struct packed_needle *value)
{
    if (!p->entry) {
        put_first(p, field, value);
        return true;
    }
    struct bytes pack = value_bytes(p->entry);
    const uint8_t *found = hash_pack_find(pack, field);
    if (!found) {
        append(p, pack.size, field, value);
        return true;
    }
    replace(p, pack, (size_t)(found - pack.data) + field->size, value);
    return false;
}

bool hash_pack_remove(struct hash_place *p, const struct packed_needle *field)
{
    struct bytes pack = value_bytes(p->entry);
    const uint8_t *found = hash_pack_find(pack, field);
    if (!found) return false;
    if (pack_count(pack) == 2) {
        keyspace_drop_entry(p->keyspace, p->db, p->entry);
        p->entry = NULL;
        return true;
    }
    size_t offset = (size_t)(found - pack.data);
    size_t size = field->size + packed_size(found + field->size);
    uint8_t *bytes = edit(p, pack.size);
    memmove(bytes + offset, bytes + offset + size, pack.size - offset - size);
    store_le32(bytes, load_le32(bytes) - 2);
    edit(p, pack.size - size);
    return true;
}
