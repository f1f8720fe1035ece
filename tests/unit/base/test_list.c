#include "dataplane/base/list.h"
#include <criterion/criterion.h>

struct item {
    int number;
    struct list_node node;
};

static int number_of(const struct list_node *n)
{
    return n ? LIST_OWNER(n, const struct item, node)->number : -1;
}

Test(list, keeps_order_and_count)
{
    struct list l;
    struct item items[4] = { { .number = 0 }, { .number = 1 }, { .number = 2 }, { .number = 3 } };
    list_init(&l);
    cr_assert_null(list_first(&l));
    list_append(&l, &items[1].node);
    list_append(&l, &items[3].node);
    list_prepend(&l, &items[0].node);
    list_insert_between(&l, &items[1].node, &items[3].node, &items[2].node);
    cr_assert_eq(l.count, 4);
    int expected = 0;
    for (struct list_node *n = list_first(&l); n; n = list_next(&l, n))
        cr_assert_eq(number_of(n), expected++);
    cr_assert_eq(expected, 4);
}

Test(list, a_removed_node_is_on_no_list)
{
    struct list l;
    struct item items[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
    list_init(&l);
    for (int i = 0; i < 3; i++) {
        cr_assert(!list_node_is_linked(&items[i].node));
        list_append(&l, &items[i].node);
        cr_assert(list_node_is_linked(&items[i].node));
    }
    list_remove(&l, &items[1].node);
    cr_assert(!list_node_is_linked(&items[1].node));
    cr_assert_eq(number_of(list_take_first(&l)), 0);
    cr_assert_eq(number_of(list_take_first(&l)), 2);
    cr_assert_null(list_take_first(&l));
    cr_assert_eq(l.count, 0);
}
