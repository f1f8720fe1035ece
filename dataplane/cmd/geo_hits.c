#include "dataplane/cmd/geo_hits.h"

// A record: its place in the order, its score, the member.
enum { PLACE_BYTES = 8, PREFIX_BYTES = PLACE_BYTES + 8 };

static uint64_t place_of(const uint8_t *record) { return load_le64(record); }

static const struct tree_shape hits_shape = {
    .order = TREE_SORTED,
    .prefix_bytes = PREFIX_BYTES,
    .elements = 1,
    .leaf_bytes = TREE_LEAF_BYTES,
    .mark = place_of,
};

void geo_hits_init(struct geo_hits *h, enum geo_sort sort, uint64_t most)
{
    tree_init(&h->tree, &hits_shape);
    h->sort = sort;
    h->most = most;
}

// Positive doubles are in the order of their bits.
static uint64_t place_for(enum geo_sort sort, double distance_m)
{
    uint64_t bits;
    memcpy(&bits, &distance_m, sizeof bits);
    return sort == GEO_UNSORTED ? 0 : sort == GEO_ASCENDING ? bits : ~bits;
}

static int behind_equals(const void *target, const uint8_t *record)
{
    const uint64_t *place = target;
    return place_of(record) <= *place ? -1 : 1;
}

void geo_hits_add(struct geo_hits *h, struct tree_space *s, struct bytes member, double score,
                  double distance_m)
{
    uint64_t place = place_for(h->sort, distance_m);
    struct packed_needle needle;
    struct tree_cursor c;
    uint8_t *to;
    packed_needle_init(&needle, member);
    uint32_t size = PREFIX_BYTES + needle.size;
    if (!tree_last(&h->tree, &c) || place_of(c.record) <= place) {
        if (h->most && h->tree.count >= h->most) return;
        to = tree_append(s, &h->tree, place, size);
    } else {
        tree_seek(&h->tree, place, behind_equals, &place, &c);
        to = tree_insert(s, &h->tree, &c, place, size);
    }
    store_le64(to, place);
    memcpy(to + PLACE_BYTES, &score, sizeof score);
    packed_put(to + PREFIX_BYTES, &needle);
    if (!h->most || h->tree.count <= h->most) return;
    tree_last(&h->tree, &c);
    tree_remove(s, &h->tree, &c);
}

struct bytes geo_hit_member(const struct tree_cursor *c, char scratch[24])
{
    return packed_text(c->record + PREFIX_BYTES, scratch);
}

double geo_hit_score(const struct tree_cursor *c)
{
    double score;
    memcpy(&score, c->record + PLACE_BYTES, sizeof score);
    return score;
}
