#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/cmd/text.h"

Test(text, grows_with_what_is_added_and_gives_it_all_back)
{
    struct heap heap;
    struct text t;
    cr_assert(eq(int, heap_open(&heap), OK));
    text_open(&t, &heap);
    cr_expect(eq(sz, text_bytes(&t).size, 0));
    char *expected = calloc(1, 200000), *at = expected;
    for (int i = 0; i < 20000; i++) { // every size passes the edges of a block
        text_add(&t, "%d%.*s", i, i % 5, "xxxxx");
        at += sprintf(at, "%d%.*s", i, i % 5, "xxxxx");
    }
    cr_expect(eq(sz, t.size, (size_t)(at - expected)));
    cr_expect(eq(str, t.data, expected));
    free(expected);
    text_close(&t);
    text_close(&t); // closing twice is closing once
    cr_expect(eq(u64, heap.bytes_total, 0));
    heap_close(&heap);
}

Test(text, takes_a_piece_larger_than_its_first_block)
{
    struct heap heap;
    struct text t;
    char big[5000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    cr_assert(eq(int, heap_open(&heap), OK));
    text_open(&t, &heap);
    text_add(&t, "%s", big);
    text_add(&t, "%s", "");
    cr_expect(eq(str, t.data, big));
    text_close(&t);
    heap_close(&heap);
}
