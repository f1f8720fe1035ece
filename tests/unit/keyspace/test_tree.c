#include "tree_fixture.h"

// ---- helpers
static void put_text(struct tree *t, struct tree_cursor *c, const char *text)
{
    struct packed_needle n = needle(text);
    packed_put(tree_insert(&space, t, c, 0, n.size), &n);
}

static void append_text(struct tree *t, const char *text)
{
    struct packed_needle n = needle(text);
    packed_put(tree_append(&space, t, 0, n.size), &n);
}

static void append_numbered(struct tree *t, uint32_t from, uint32_t count)
{
    char text[32];
    for (uint32_t i = from; i < from + count; i++) {
        sprintf(text, "element:%06u", i);
        append_text(t, text);
    }
}

static bool shows(const struct tree *t, const char *const *texts, uint32_t count)
{
    struct tree_cursor c;
    uint32_t i = 0;
    for (bool more = tree_first(t, &c); more; more = tree_next(&c), i++)
        if (i >= count || !is_text(c.record, texts[i])) return false;
    return i == count && t->count == count;
}

static struct packed_needle field_of(uint32_t id, char *text)
{
    struct packed_needle n;
    packed_needle_init(&n, bytes_make(text, (size_t)sprintf(text, "field:%u", id)));
    return n;
}

static bool find_field(const struct tree *t, uint32_t id, struct tree_cursor *c)
{
    char text[32];
    struct packed_needle n = field_of(id, text);
    return tree_find(t, tree_hash(&space, &n), &n, c);
}

static bool put_field(struct tree *t, uint32_t id, const char *value)
{
    char text[32];
    struct packed_needle n = field_of(id, text), v = needle(value);
    uint64_t hash = tree_hash(&space, &n);
    struct tree_cursor c;
    if (tree_find(t, hash, &n, &c)) return false;
    uint8_t *to = tree_insert(&space, t, &c, hash, n.size + v.size);
    packed_put(to, &n);
    packed_put(to + n.size, &v);
    return true;
}

static void remove_field(struct tree *t, uint32_t id)
{
    struct tree_cursor c;
    cr_assert(find_field(t, id, &c));
    tree_remove(&space, t, &c);
}

static char *filled(size_t size, char with) // the caller frees it
{
    char *text = malloc(size + 1);
    memset(text, with, size);
    text[size] = '\0';
    return text;
}

// ---- empty and small
TREE_TEST(tree, an_empty_tree_has_no_place)
{
    struct tree t, cut;
    struct tree_cursor c;
    uint16_t offsets[TREE_LEAF_BYTES];
    tree_init(&t, &by_position);
    cr_expect(not(tree_first(&t, &c)));
    cr_expect(c.record == NULL && tree_index(&c) == 0);
    cr_expect(not(tree_last(&t, &c)));
    cr_expect(not(tree_at(&t, 0, &c)));
    cr_expect(not(tree_next(&c)));
    cr_expect(not(tree_prev(&c)));
    cr_expect(not(tree_next_leaf(&c)));
    cr_expect(not(tree_prev_leaf(&c)));
    cr_expect(eq(u32, tree_leaf_offsets(&c, offsets), 0));
    cr_expect(eq(u64, tree_memory_bytes(&t), 0));
    tree_remove_range(&space, &t, 0, 0);
    tree_cut(&cut, &t);
    tree_check(&space, &cut);
    tree_drop(&space, &cut);
    tree_drop(&space, &t);
    cr_expect(eq(u64, heap.allocation_count, 0));
}

TREE_TEST(tree, records_stand_where_they_are_put)
{
    struct tree t;
    struct tree_cursor c;
    tree_init(&t, &by_position);
    tree_first(&t, &c);
    put_text(&t, &c, "b");
    cr_expect(is_text(c.record, "b") && c.size == 2);
    put_text(&t, &c, "a"); // before b
    cr_expect(is_text(c.record, "a") && tree_index(&c) == 0);
    tree_at(&t, 2, &c);
    put_text(&t, &c, "33");
    tree_at(&t, 2, &c);
    put_text(&t, &c, "c");
    append_text(&t, "-4");
    const char *const want[] = { "a", "b", "c", "33", "-4" };
    cr_expect(shows(&t, want, 5));
    tree_check(&space, &t);
    tree_drop(&space, &t);
}

TREE_TEST(tree, removing_the_last_record_leaves_no_root)
{
    struct tree t;
    struct tree_cursor c;
    tree_init(&t, &by_position);
    append_text(&t, "a");
    tree_first(&t, &c);
    tree_remove(&space, &t, &c);
    cr_expect(t.root == NULL && t.count == 0 && t.leaf_count == 0 && t.bytes == 0);
    cr_expect(c.record == NULL);
    put_text(&t, &c, "b"); // the cursor is still good
    const char *const want[] = { "b" };
    cr_expect(shows(&t, want, 1));
    tree_drop(&space, &t);
}

TREE_TEST(tree, a_removal_leaves_the_cursor_at_the_next_record)
{
    struct tree t;
    struct tree_cursor c;
    char text[32];
    tree_init(&t, &by_position);
    append_numbered(&t, 0, 1000);
    tree_at(&t, 200, &c);
    for (uint32_t i = 200; i < 1000; i++) {
        sprintf(text, "element:%06u", i);
        cr_assert(is_text(c.record, text));
        tree_remove(&space, &t, &c);
        tree_check(&space, &t);
    }
    cr_expect(c.record == NULL);
    cr_expect(eq(u64, t.count, 200));
    tree_drop(&space, &t);
}

// ---- shape
TREE_TEST(tree, filling_from_either_end_leaves_full_leaves)
{
    struct tree right, left;
    struct tree_cursor c;
    tree_init(&right, &by_position);
    tree_init(&left, &by_position);
    append_numbered(&right, 0, 50000);
    for (uint32_t i = 0; i < 50000; i++) {
        tree_first(&left, &c);
        put_text(&left, &c, "element:000000");
    }
    tree_check(&space, &right);
    tree_check(&space, &left);
    uint64_t most = TREE_LEAF_BYTES - sizeof(struct tree_node);
    cr_expect(gt(u64, right.bytes / right.leaf_count, most * 97 / 100));
    cr_expect(gt(u64, left.bytes / left.leaf_count, most * 97 / 100));
    tree_drop(&space, &right);
    tree_drop(&space, &left);
}

TREE_TEST(tree, memory_is_known_without_a_walk)
{
    struct tree t;
    for (uint32_t count = 1; count <= 100000; count *= 10) {
        tree_init(&t, &by_position);
        append_numbered(&t, 0, count);
        uint64_t real = heap.bytes[HEAP_DATASET], said = tree_memory_bytes(&t);
        cr_expect(said * 10 >= real * 8 && said * 10 <= real * 12, "%u: %lu of %lu", count,
                  (unsigned long)said, (unsigned long)real);
        tree_drop(&space, &t);
        reap_all();
    }
    tree_init(&t, &by_hash);
    for (uint32_t i = 0; i < 50000; i++) put_field(&t, i, "value");
    uint64_t real = heap.bytes[HEAP_DATASET], said = tree_memory_bytes(&t);
    cr_expect(said * 10 >= real * 8 && said * 10 <= real * 12);
    tree_drop(&space, &t);
}

TREE_TEST(tree, small_trees_take_little_room)
{
    struct tree t;
    tree_init(&t, &by_position);
    append_text(&t, "1");
    cr_expect(le(u64, heap.bytes[HEAP_DATASET], 64));
    append_numbered(&t, 0, 10);
    cr_expect(le(u64, heap.bytes[HEAP_DATASET], 256));
    tree_drop(&space, &t);
}

TREE_TEST(tree, removals_give_memory_back)
{
    struct tree t;
    struct tree_cursor c;
    tree_init(&t, &by_hash);
    for (uint32_t i = 0; i < 20000; i++) put_field(&t, i, "value");
    uint64_t full = heap.bytes[HEAP_DATASET];
    for (uint32_t i = 0; i < 20000; i++)
        if (i % 20 != 0) remove_field(&t, i);
    reap_all();
    tree_check(&space, &t);
    cr_expect(lt(u64, heap.bytes[HEAP_DATASET], full / 5));
    for (uint32_t i = 0; i < 20000; i++) cr_assert(eq(int, find_field(&t, i, &c), i % 20 == 0));
    tree_drop(&space, &t);
}

TREE_TEST(tree, a_huge_record_has_a_leaf_of_its_own)
{
    struct tree t;
    struct tree_cursor c;
    char *huge = filled(5 << 20, 'h');
    tree_init(&t, &by_position);
    append_numbered(&t, 0, 30);
    tree_at(&t, 10, &c);
    put_text(&t, &c, huge);
    cr_expect(eq(u64, t.leaf_count, 3));
    tree_check(&space, &t);
    for (int i = 0; i < 50; i++) { // its neighbours do not join it
        tree_at(&t, 10, &c);
        put_text(&t, &c, "before");
        tree_at(&t, 12 + (uint32_t)i, &c);
        put_text(&t, &c, "behind");
    }
    tree_check(&space, &t);
    cr_expect(le(u64, t.leaf_count, 6));
    tree_at(&t, 60, &c);
    cr_expect(is_text(c.record, huge));
    cr_expect(eq(u32, tree_cursor_leaf(&c)->count, 1));
    struct packed_needle n = needle("small now");
    packed_put(tree_replace(&space, &t, &c, n.size), &n);
    cr_expect(lt(u64, heap.bytes[HEAP_DATASET], 10000));
    tree_check(&space, &t);
    tree_drop(&space, &t);
    free(huge);
}

TREE_TEST(tree, records_of_any_size_change_places_by_hash)
{
    struct tree t;
    struct tree_cursor c;
    char *large = filled(20000, 'v');
    tree_init(&t, &by_hash);
    for (uint32_t i = 0; i < 2000; i++) put_field(&t, i, i % 50 ? "value" : large);
    tree_check(&space, &t);
    for (uint32_t i = 0; i < 2000; i++) {
        char text[32];
        struct packed_needle n = field_of(i, text), v = needle(i % 50 ? large : "value");
        cr_assert(find_field(&t, i, &c));
        uint8_t *to = tree_replace(&space, &t, &c, n.size + v.size);
        packed_put(to, &n);
        packed_put(to + n.size, &v);
    }
    tree_check(&space, &t);
    for (uint32_t i = 0; i < 2000; i++) {
        cr_assert(find_field(&t, i, &c));
        cr_assert(is_text(c.record + packed_size(c.record), i % 50 ? large : "value"));
        if (i % 50) cr_assert(eq(u32, tree_cursor_leaf(&c)->count, 1));
    }
    tree_drop(&space, &t);
    free(large);
}

// ---- by hash
TREE_TEST(tree, a_number_hashes_as_its_text)
{
    static const char *texts[] = { "5", "-77", "123456", "12345678901234" };
    for (uint32_t i = 0; i < 4; i++) {
        struct packed_needle n = needle(texts[i]);
        cr_expect(eq(u64, tree_hash(&space, &n),
                     siphash_13(texts[i], strlen(texts[i]), &space.hash_key)));
    }
    struct packed_needle n = needle("");
    cr_expect(eq(u64, tree_hash(&space, &n), siphash_13("", 0, &space.hash_key)));
}

TREE_TEST(tree, a_field_with_a_deadline_is_found_and_stays_findable)
{
    struct tree t;
    struct tree_cursor c;
    tree_init(&t, &by_hash);
    for (uint32_t i = 0; i < 500; i++) {
        char text[32];
        struct packed_needle n = field_of(i, text);
        put_field(&t, i, "v");
        cr_assert(find_field(&t, i, &c));
        uint8_t *to = tree_replace(&space, &t, &c, PACKED_DEADLINE_BYTES + n.size + 2);
        to[0] = PACKED_DEADLINE;
        store_le64(to + 1, 1000 + i);
        packed_put(to + PACKED_DEADLINE_BYTES, &n);
        n = needle("w");
        packed_put(to + packed_size(to), &n);
    }
    tree_check(&space, &t);
    for (uint32_t i = 0; i < 500; i++) {
        cr_assert(find_field(&t, i, &c));
        cr_assert(eq(u64, packed_deadline_ms(c.record), 1000 + i));
    }
    tree_drop(&space, &t);
}

// No two texts are known whose hashes are the same, so one field stands for many: tree_insert is
// handed the place of a field that is there as if it were not.
TREE_TEST(tree, records_of_one_mark_share_a_leaf_however_many)
{
    struct tree t;
    struct tree_cursor c;
    char text[32];
    tree_init(&t, &by_hash);
    for (uint32_t i = 0; i < 100; i++) put_field(&t, i, "v");
    struct packed_needle n = field_of(7, text), v = needle("another");
    uint64_t hash = tree_hash(&space, &n);
    for (uint32_t i = 0; i < 500; i++) {
        cr_assert(tree_find(&t, hash, &n, &c));
        c.record = NULL;
        c.slot[c.depth] = tree_cursor_leaf(&c)->count;
        c.offset = tree_cursor_leaf(&c)->used;
        uint8_t *to = tree_insert(&space, &t, &c, hash, n.size + v.size);
        packed_put(to, &n);
        packed_put(to + n.size, &v);
        tree_check(&space, &t);
    }
    for (uint32_t i = 100; i < 3000; i++) put_field(&t, i, "v");
    tree_check(&space, &t);
    cr_assert(tree_find(&t, hash, &n, &c));
    cr_expect(eq(u32, tree_cursor_leaf(&c)->count, 501));
    for (uint32_t i = 0; i < 501; i++) remove_field(&t, 7);
    tree_check(&space, &t);
    cr_expect(not(find_field(&t, 7, &c)));
    cr_expect(eq(u64, t.count, 2999));
    tree_drop(&space, &t);
}

enum { SCANNED = 4000 };
struct scanned {
    uint32_t seen[SCANNED * 3];
    uint64_t calls;
};
static void note(void *context, const uint8_t *record)
{
    struct scanned *s = context;
    char scratch[24];
    struct bytes text = packed_text(record, scratch);
    uint32_t id = (uint32_t)strtoul((const char *)text.data + 6, NULL, 10);
    cr_assert(lt(u32, id, SCANNED * 3));
    s->seen[id]++;
    s->calls++;
}

TREE_TEST(tree, a_scan_of_a_quiet_tree_shows_each_record_once)
{
    static struct scanned s;
    struct tree t;
    tree_init(&t, &by_hash);
    cr_expect(eq(u64, tree_scan(&t, 12345, 10, note, &s), 0));
    for (uint32_t i = 0; i < SCANNED; i++) put_field(&t, i, "v");
    uint64_t cursor = 0, rounds = 0;
    do {
        uint64_t before = s.calls;
        cursor = tree_scan(&t, cursor, 100, note, &s);
        cr_assert(cursor == 0 || s.calls - before >= 100);
        cr_assert(le(u64, s.calls - before, 100 + TREE_LEAF_BYTES));
        rounds++;
    } while (cursor != 0);
    for (uint32_t i = 0; i < SCANNED; i++) cr_assert(eq(u32, s.seen[i], 1));
    cr_expect(gt(u64, rounds, SCANNED / 200));
    tree_drop(&space, &t);
}

// The lower third stays all the time; the rest comes and goes while the scan is under way.
static void scan_while_changing(uint64_t seed)
{
    static struct scanned s;
    static bool is_there[SCANNED * 3];
    struct tree t;
    struct rng r;
    memset(&s, 0, sizeof s);
    memset(is_there, 0, sizeof is_there);
    rng_seed(&r, seed);
    tree_init(&t, &by_hash);
    for (uint32_t i = 0; i < SCANNED; i++) put_field(&t, i, "v");
    uint64_t cursor = 0, calls = 0;
    bool is_growing = true;
    do {
        cursor = tree_scan(&t, cursor, 10, note, &s);
        if (calls++ % 40 == 0) is_growing = !is_growing;
        for (uint32_t k = 0; k < 300; k++) {
            uint32_t id = SCANNED + (uint32_t)rng_below(&r, SCANNED * 2);
            if (is_there[id] == is_growing) continue;
            is_there[id] = is_growing;
            if (is_growing)
                put_field(&t, id, "a somewhat longer value");
            else
                remove_field(&t, id);
        }
    } while (cursor != 0);
    tree_check(&space, &t);
    for (uint32_t i = 0; i < SCANNED; i++)
        cr_assert(ge(u32, s.seen[i], 1), "seed %lu: %u", (unsigned long)seed, i);
    tree_drop(&space, &t);
}

TREE_TEST(tree, a_scan_shows_what_stays_whatever_else_changes)
{
    uint64_t seed = seed_from_environment();
    for (uint64_t i = 0; i < 5; i++) scan_while_changing(seed + i);
}

TREE_TEST(tree, a_scan_takes_any_cursor)
{
    static struct scanned s;
    struct tree t;
    tree_init(&t, &by_hash);
    for (uint32_t i = 0; i < SCANNED; i++) put_field(&t, i, "v");
    cr_expect(eq(u64, tree_scan(&t, UINT64_MAX, 1, note, &s), 0));
    for (uint64_t cursor = 1; cursor != 0;) cursor = tree_scan(&t, cursor, 1, note, &s);
    tree_drop(&space, &t);
}

// ---- sorted
static int compare_marks(const void *target, const uint8_t *record)
{
    uint64_t want = *(const uint64_t *)target, mark = load_le64(record);
    return mark < want ? -1 : mark > want;
}

static void put_score(struct tree *t, uint64_t score)
{
    struct tree_cursor c;
    struct packed_needle n = needle("member");
    tree_seek(t, score, compare_marks, &score, &c);
    uint8_t *to = tree_insert(&space, t, &c, score, 8 + n.size);
    store_le64(to, score);
    packed_put(to + 8, &n);
}

TREE_TEST(tree, a_seek_stops_at_the_first_that_is_not_before)
{
    struct tree t;
    struct tree_cursor c;
    tree_init(&t, &sorted);
    for (uint64_t i = 0; i < 3000; i++) put_score(&t, (i * 1201 % 3000) * 10 + 10);
    tree_check(&space, &t);
    for (uint64_t want = 0; want <= 30010; want += 5) {
        bool is_there = tree_seek(&t, want, compare_marks, &want, &c);
        cr_assert(eq(int, is_there, want % 10 == 0 && want >= 10 && want <= 30000));
        uint64_t index = want < 10 ? 0 : (want + 9) / 10 - 1;
        cr_assert(eq(u64, tree_index(&c), index));
        cr_assert(eq(int, c.record != NULL, index < 3000));
    }
    tree_drop(&space, &t);
}

TREE_TEST(tree, a_seek_finds_the_first_of_many_equal_ones)
{
    struct tree t;
    struct tree_cursor c;
    tree_init(&t, &sorted);
    for (uint64_t score = 1; score <= 3; score++)
        for (uint32_t i = 0; i < 2000; i++) put_score(&t, score);
    tree_check(&space, &t);
    for (uint64_t score = 0; score <= 4; score++) {
        bool is_there = tree_seek(&t, score, compare_marks, &score, &c);
        cr_expect(eq(int, is_there, score >= 1 && score <= 3));
        cr_expect(eq(u64, tree_index(&c), score == 0 ? 0 : (score - 1) * 2000));
    }
    tree_drop(&space, &t);
}

// The last leaf below one child of the root takes a record that lies behind the lower bound of the
// next child; then those two children are joined.
TREE_TEST(tree, a_bound_that_was_lifted_survives_a_join)
{
    struct tree t;
    struct tree_cursor c;
    tree_init(&t, &sorted);
    for (uint64_t i = 0; i < 9000; i++) put_score(&t, i * 10);
    cr_assert(eq(u8, t.root->level, 2));
    for (tree_first(&t, &c); c.slot[0] == 0;) tree_next_leaf(&c);
    uint64_t border = tree_index(&c);
    uint32_t full = tree_cursor_leaf(&c)->count;
    tree_remove(&space, &t, &c);
    put_score(&t, border * 10 + 15); // the leaf is full again, and begins at border + 10
    tree_at(&t, border - 5, &c);
    tree_remove(&space, &t, &c); // there is room in the one before
    put_score(&t, border * 10 + 5);
    tree_at(&t, border - 1, &c);
    cr_assert(eq(u64, load_le64(c.record), border * 10 + 5));
    cr_assert(c.slot[0] == 0 && tree_cursor_leaf(&c)->count == full);
    tree_check(&space, &t);
    tree_remove_range(&space, &t, border + full * 2U, full * 30U);
    tree_remove_range(&space, &t, full * 3U, border - full * 6U);
    tree_check(&space, &t);
    uint64_t want = border * 10 + 5;
    cr_expect(tree_seek(&t, want, compare_marks, &want, &c));
    tree_drop(&space, &t);
}

// ---- ranges
TREE_TEST(tree, a_range_of_any_place_and_length_can_go)
{
    static const uint32_t sizes[] = { 1, 60, 61, 200, 3000 };
    for (uint32_t k = 0; k < 5; k++) {
        uint32_t size = sizes[k], step = size / 9 + 1;
        for (uint32_t first = 0; first <= size; first += step) {
            for (uint32_t count = 0; first + count <= size; count += step) {
                struct tree t, cut;
                tree_init(&t, &by_position);
                append_numbered(&t, 0, size);
                tree_cut(&cut, &t);
                tree_remove_range(&space, &t, first, count);
                tree_check(&space, &t);
                tree_check(&space, &cut);
                cr_assert(eq(u64, t.count, size - count));
                struct tree_cursor c;
                char text[32];
                sprintf(text, "element:%06u", first + count);
                if (tree_at(&t, first, &c)) cr_assert(is_text(c.record, text));
                tree_drop(&space, &t);
                tree_drop(&space, &cut);
            }
        }
        reap_all();
    }
}

TREE_TEST(tree, a_large_range_goes_without_a_walk)
{
    struct tree t;
    tree_init(&t, &by_position);
    append_numbered(&t, 0, 200000);
    uint64_t before = heap.allocation_count;
    tree_remove_range(&space, &t, 1000, 198000);
    tree_check(&space, &t);
    cr_expect(gt(u64, heap.allocation_count, before - 100)); // the rest is the reaper's
    cr_expect(gt(u64, reaper.pending, 0));
    reap_all();
    cr_expect(lt(u64, heap.allocation_count, 60));
    tree_drop(&space, &t);
}

// ---- cuts
TREE_TEST(tree, a_cut_keeps_its_moment)
{
    enum { CUTS = 20, EACH = 100 };
    struct tree t, cut[CUTS];
    struct tree_cursor c;
    tree_init(&t, &by_hash);
    for (uint32_t i = 0; i < CUTS; i++) {
        for (uint32_t k = 0; k < EACH; k++) put_field(&t, i * EACH + k, "v");
        tree_cut(&cut[i], &t);
    }
    for (uint32_t id = 0; id < CUTS * EACH; id += 2) remove_field(&t, id);
    for (uint32_t i = 0; i < CUTS; i++) {
        tree_check(&space, &cut[i]);
        cr_expect(eq(u64, cut[i].count, (i + 1) * EACH));
        for (uint32_t id = 0; id < CUTS * EACH; id++)
            cr_assert(eq(int, find_field(&cut[i], id, &c), id < (i + 1) * EACH));
        tree_drop(&space, &cut[i]);
    }
    tree_check(&space, &t);
    cr_expect(eq(u64, t.count, CUTS * EACH / 2));
    tree_drop(&space, &t);
}

TREE_TEST(tree, a_cut_may_be_changed_too)
{
    struct tree t, copy;
    tree_init(&t, &by_position);
    append_numbered(&t, 0, 1000);
    tree_cut(&copy, &t);
    tree_remove_range(&space, &copy, 0, 999);
    append_text(&copy, "of the copy");
    append_text(&t, "of the first");
    cr_expect(eq(u64, copy.count, 2));
    cr_expect(eq(u64, t.count, 1001));
    const char *const want[] = { "element:000999", "of the copy" };
    cr_expect(shows(&copy, want, 2));
    tree_check(&space, &t);
    tree_drop(&space, &copy);
    tree_drop(&space, &t);
}

TREE_TEST(tree, without_a_cut_nothing_is_copied)
{
    struct tree t;
    struct tree_cursor c;
    tree_init(&t, &by_position);
    append_numbered(&t, 0, 1000);
    tree_at(&t, 500, &c);
    const struct tree_node *leaf = tree_cursor_leaf(&c);
    uint8_t *bytes = tree_write(&space, &t, &c);
    cr_expect(bytes == c.record && leaf == tree_cursor_leaf(&c));
    struct tree cut;
    tree_cut(&cut, &t);
    bytes = tree_write(&space, &t, &c);
    cr_expect(bytes == c.record && leaf != tree_cursor_leaf(&c));
    tree_drop(&space, &cut);
    reap_all();
    leaf = tree_cursor_leaf(&c);
    cr_expect(tree_write(&space, &t, &c) == bytes && leaf == tree_cursor_leaf(&c));
    tree_drop(&space, &t);
}

// ---- made anew in another space
static bool same_records(const struct tree *a, const struct tree *b)
{
    struct tree_cursor x, y;
    bool more = tree_first(a, &x);
    if (tree_first(b, &y) != more) return false;
    while (more) {
        if (x.size != y.size || memcmp(x.record, y.record, x.size) != 0) return false;
        more = tree_next(&x);
        if (tree_next(&y) != more) return false;
    }
    return a->count == b->count && a->leaf_count == b->leaf_count && a->bytes == b->bytes;
}

// Dropped after so many steps; UINT32_MAX: it is done.
static void expect_clone(struct tree *t, uint32_t nodes_each, uint32_t steps)
{
    struct heap other_heap;
    struct reaper other_reaper;
    struct tree_clone c;
    struct tree made;
    bool is_done = false;
    cr_assert(eq(int, heap_open(&other_heap), OK));
    reaper_init(&other_reaper, &other_heap);
    struct tree_space other = { &other_heap, &other_reaper, space.hash_key };
    tree_init(&made, t->shape);
    tree_clone_begin(&c, &made, t);
    for (uint32_t i = 0; i < steps && !is_done; i++)
        is_done = tree_clone_step(&other, &c, nodes_each);
    if (is_done) {
        struct tree_cursor at;
        tree_check(&other, &made);
        cr_expect(same_records(t, &made));
        for (uint32_t i = 0; t->shape == &by_hash && i < t->count; i += 97)
            cr_expect(find_field(&made, i, &at));
    }
    tree_check(&space, t); // as it was
    tree_drop(&other, &made);
    while (reaper_step(&other_reaper, 100) > 0) continue;
    cr_expect(eq(u64, other_heap.bytes_total, 0), "%u times %u nodes", steps, nodes_each);
    heap_close(&other_heap);
}

TREE_TEST(tree, a_clone_is_the_same_in_another_space)
{
    struct tree t, fields;
    tree_init(&t, &by_position);
    tree_init(&fields, &by_hash);
    for (uint32_t count = 0; count <= 30000; count = count * 6 + 1) {
        append_numbered(&t, (uint32_t)t.count, count - (uint32_t)t.count);
        for (uint32_t i = (uint32_t)fields.count; i < count; i++) put_field(&fields, i, "value");
        for (uint32_t nodes = 1; nodes < 2000; nodes *= 31) {
            expect_clone(&t, nodes, UINT32_MAX);
            expect_clone(&fields, nodes, UINT32_MAX);
            for (uint32_t steps = 0; steps < 100; steps += 7) expect_clone(&t, nodes, steps);
        }
    }
    tree_drop(&space, &t);
    tree_drop(&space, &fields);
}

TREE_TEST(tree, a_cut_of_another_space_gets_nodes_of_its_own)
{
    struct tree t, cut;
    tree_init(&t, &by_position);
    append_numbered(&t, 0, 5000);
    tree_cut(&cut, &t);
    tree_unshare(&space, &cut);
    cr_expect(t.root->refs == 1 && cut.root->refs == 1);
    cr_expect(same_records(&t, &cut));
    tree_drop(&space, &cut);
    tree_cut(&cut, &t);
    tree_forget(&cut);
    cr_expect(t.root->refs == 1 && cut.root == NULL && cut.count == 0);
    tree_drop(&space, &t);
}

// ---- what is a bug of the caller
TREE_TEST(tree, refuses_to_remove_what_is_not_there, .signal = SIGABRT)
{
    struct tree t;
    struct tree_cursor c;
    tree_init(&t, &by_position);
    tree_first(&t, &c);
    tree_remove(&space, &t, &c);
}
TREE_TEST(tree, refuses_a_cursor_of_another_tree, .signal = SIGABRT)
{
    struct tree t, other;
    struct tree_cursor c;
    tree_init(&t, &by_position);
    tree_init(&other, &by_position);
    append_text(&t, "a");
    append_text(&other, "b");
    tree_first(&other, &c);
    tree_write(&space, &t, &c);
}
TREE_TEST(tree, refuses_a_second_record_for_a_field, .signal = SIGABRT)
{
    struct tree t;
    struct tree_cursor c;
    tree_init(&t, &by_hash);
    put_field(&t, 1, "v");
    find_field(&t, 1, &c);
    tree_insert(&space, &t, &c, 0, 10);
}
TREE_TEST(tree, refuses_a_range_past_the_end, .signal = SIGABRT)
{
    struct tree t;
    tree_init(&t, &by_position);
    append_text(&t, "a");
    tree_remove_range(&space, &t, 0, 2);
}
