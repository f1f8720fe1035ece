#include "tree_fixture.h"

static void fill(struct tree *t, uint32_t count)
{
    char text[32];
    tree_init(t, &by_position);
    for (uint32_t i = 0; i < count; i++) {
        sprintf(text, "element:%u", i);
        struct packed_needle n = needle(text);
        packed_put(tree_append(&space, t, 0, n.size), &n);
    }
}

TREE_TEST(reaper, has_nothing_to_do_at_first)
{
    cr_expect(eq(u64, reaper.pending, 0));
    cr_expect(eq(u32, reaper_step(&reaper, 100), 0));
    reaper_take(&reaper, NULL);
    cr_expect(eq(u64, reaper.pending, 0));
}

TREE_TEST(reaper, frees_no_more_than_its_budget)
{
    struct tree t;
    fill(&t, 20000);
    uint64_t nodes = heap.allocation_count, steps = 0;
    cr_assert(gt(u64, nodes, 250));
    tree_drop(&space, &t);
    cr_expect(eq(u64, reaper.pending, 1));
    cr_expect(eq(u64, heap.allocation_count, nodes));
    for (uint64_t left = nodes; left > 0; steps++) {
        uint32_t freed = reaper_step(&reaper, 7);
        cr_assert(eq(u32, freed, left < 7 ? (uint32_t)left : 7));
        left -= freed;
        cr_assert(eq(u64, heap.allocation_count, left));
    }
    cr_expect(eq(u64, steps, (nodes + 6) / 7));
    cr_expect(eq(u32, reaper_step(&reaper, 7), 0));
    cr_expect(eq(u32, reaper_step(&reaper, 0), 0));
}

TREE_TEST(reaper, frees_what_is_shared_with_its_last_owner)
{
    struct tree t, cut;
    fill(&t, 5000);
    uint64_t nodes = heap.allocation_count;
    tree_cut(&cut, &t);
    tree_drop(&space, &t);
    reap_all();
    cr_expect(eq(u64, heap.allocation_count, nodes));
    tree_check(&space, &cut);
    tree_drop(&space, &cut);
    reap_all();
    cr_expect(eq(u64, heap.allocation_count, 0));
}

TREE_TEST(reaper, leaves_what_another_tree_still_shows)
{
    struct tree t, cut;
    struct tree_cursor c;
    struct packed_needle n = needle("changed");
    fill(&t, 5000);
    uint64_t nodes = heap.allocation_count;
    tree_cut(&cut, &t);
    tree_at(&t, 2500, &c);
    packed_put(tree_replace(&space, &t, &c, n.size), &n);
    uint64_t copied = heap.allocation_count - nodes;
    cr_expect(eq(u64, copied, 1U + t.root->level)); // the path
    tree_drop(&space, &cut);
    reap_all();
    cr_expect(eq(u64, heap.allocation_count, nodes));
    tree_check(&space, &t);
    cr_expect(tree_at(&t, 2500, &c) && is_text(c.record, "changed"));
    tree_drop(&space, &t);
}

TREE_TEST(reaper, takes_many_trees_at_once)
{
    struct tree t[50];
    for (uint32_t i = 0; i < 50; i++) fill(&t[i], 1 + i * 20);
    for (uint32_t i = 0; i < 50; i++) tree_drop(&space, &t[i]);
    cr_expect(eq(u64, reaper.pending, 50));
    reap_all();
}
