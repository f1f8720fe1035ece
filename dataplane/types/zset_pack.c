// The small form: member, score, member, score ... in one buffer.
#include <math.h>
#include "dataplane/types/zset_priv.h"

enum { SCORE_TEXT_HEAD = 0x80 | ZSET_SCORE_BYTES }; // packed.h: a text of 8 bytes

#define WHOLE_MAX 0x1p53

uint32_t zset_score_encode(uint8_t out[ZSET_PACK_SCORE_MAX], double score)
{
    if (fabs(score) <= WHOLE_MAX && score == trunc(score)) {
        struct packed_needle n;
        packed_needle_int(&n, (int64_t)score);
        packed_put(out, &n);
        return n.size;
    }
    out[0] = SCORE_TEXT_HEAD;
    memcpy(out + 1, &score, sizeof score);
    return 1 + sizeof score;
}

double zset_score_decode(const uint8_t *at)
{
    int64_t whole;
    if (packed_is_int(at, &whole)) return (double)whole;
    double score;
    memcpy(&score, at + 1, sizeof score);
    return score;
}

void zset_pair_init(struct zset_pair *pair, struct bytes member, double score)
{
    packed_needle_init(&pair->member, member);
    pair->score_bytes = zset_score_encode(pair->score, score);
    pair->size = pair->member.size + pair->score_bytes;
}

void zset_pair_put(uint8_t *to, const struct zset_pair *pair)
{
    packed_put(to, &pair->member);
    memcpy(to + pair->member.size, pair->score, pair->score_bytes);
}

const uint8_t *zset_pack_find(struct bytes pack, const struct packed_needle *member)
{
    return pack_find(pack, pack_first(pack), 2, member);
}

const uint8_t *zset_pack_place(struct bytes pack, double score, struct bytes member)
{
    const uint8_t *at = pack_first(pack), *end = pack_end(pack);
    char scratch[24];
    while (at < end) {
        uint32_t size = packed_size(at);
        double here = zset_score_decode(at + size);
        if (here > score) break;
        if (here == score && zset_member_compare(packed_text(at, scratch), member) >= 0) break;
        at += size + packed_size(at + size);
    }
    return at;
}

// ---- changes. Offsets, because the buffer moves when it grows.

static uint8_t *edit(struct zset_place *p, size_t size)
{
    uint8_t *bytes;
    p->entry = value_edit(p->keyspace, p->db, p->key, p->entry, TYPE_ZSET, ENCODING_LISTPACK, size,
                          &bytes);
    return bytes;
}

static void insert(struct zset_place *p, struct bytes pack, struct bytes member, double score)
{
    struct zset_pair pair;
    size_t at = PACK_HEAD;
    uint32_t count = 0;
    zset_pair_init(&pair, member, score);
    if (p->entry) {
        at = (size_t)(zset_pack_place(pack, score, member) - pack.data);
        count = pack_count(pack);
    } else
        pack = (struct bytes){ NULL, PACK_HEAD };
    uint8_t *bytes = edit(p, pack.size + pair.size);
    memmove(bytes + at + pair.size, bytes + at, pack.size - at);
    zset_pair_put(bytes + at, &pair);
    store_le32(bytes, count + 2);
}

// The pair at found moves to where its new score belongs. The gap that it leaves and the one that
// it needs may differ in size.
static void move(struct zset_place *p, struct bytes pack, const uint8_t *found, struct bytes member,
                 double score)
{
    struct zset_pair pair;
    zset_pair_init(&pair, member, score);
    size_t from = (size_t)(found - pack.data), old_size = zset_pair_size(found);
    size_t to = (size_t)(zset_pack_place(pack, score, member) - pack.data);
    if (to > from) to -= old_size;
    size_t size = pack.size - old_size + pair.size;
    uint8_t *bytes = edit(p, size > pack.size ? size : pack.size);
    memmove(bytes + from, bytes + from + old_size, pack.size - old_size - from);
    memmove(bytes + to + pair.size, bytes + to, pack.size - old_size - to);
    zset_pair_put(bytes + to, &pair);
    if (size < pack.size) edit(p, size);
}

void zset_pack_put(struct zset_place *p, const uint8_t *found, struct bytes member, double score)
{
    struct bytes pack = p->entry ? value_bytes(p->entry) : (struct bytes){ 0 };
    if (found)
        move(p, pack, found, member, score);
    else
        insert(p, pack, member, score);
}

void zset_pack_remove(struct zset_place *p, const uint8_t *first, const uint8_t *end,
                      uint32_t count)
{
    struct bytes pack = value_bytes(p->entry);
    if (pack_count(pack) == 2 * count) {
        keyspace_drop_entry(p->keyspace, p->db, p->entry);
        p->entry = NULL;
        return;
    }
    size_t from = (size_t)(first - pack.data), to = (size_t)(end - pack.data);
    uint32_t left = pack_count(pack) - 2 * count;
    uint8_t *bytes = edit(p, pack.size); // its own bytes: a cut may hold these
    memmove(bytes + from, bytes + to, pack.size - to);
    store_le32(bytes, left);
    edit(p, pack.size - (to - from));
}
