#include "dataplane/base/blob.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

Test(blob, lives_until_its_last_reference)
{
    struct heap h;
    cr_assert_eq(heap_open(&h), OK);
    struct blob *b = blob_new(&h, 1000, HEAP_DATASET);
    cr_assert_eq(b->size, 0);
    cr_assert_eq(b->capacity, 1000);
    memcpy(b->data, "hello", 5);
    b->size = 5;
    cr_assert_eq(blob_hold(b), b);
    blob_release(b);
    cr_assert(bytes_equal(blob_bytes(b), bytes_text("hello")));
    cr_assert_eq(h.allocation_count, 1);
    blob_release_value(b);
    cr_assert_eq(h.allocation_count, 0);
    cr_assert_eq(h.bytes_total, 0);
    heap_close(&h);
}

Test(blob, resize_keeps_the_bytes_and_cuts_the_size)
{
    struct heap h;
    cr_assert_eq(heap_open(&h), OK);
    struct blob *b = blob_new(&h, 10, HEAP_CLIENT_IN);
    memcpy(b->data, "0123456789", 10);
    b->size = 10;
    b = blob_resize(b, 100000);
    cr_assert_eq(b->capacity, 100000);
    cr_assert(bytes_equal(blob_bytes(b), bytes_text("0123456789")));
    memset(b->data + 10, 'x', 100000 - 10);
    b = blob_resize(b, 4);
    cr_assert(bytes_equal(blob_bytes(b), bytes_text("0123")));
    b = blob_resize(b, 0);
    cr_assert_eq(b->size, 0);
    blob_release(b);
    cr_assert_eq(h.bytes_total, 0);
    heap_close(&h);
}

Test(blob, a_shared_blob_is_not_resized, .signal = SIGABRT)
{
    struct heap h;
    cr_assert_eq(heap_open(&h), OK);
    blob_resize(blob_hold(blob_new(&h, 10, HEAP_CLIENT_IN)), 20);
}

Test(blob, booked_to_a_new_owner_it_is_given_back_there)
{
    struct heap h;
    cr_assert_eq(heap_open(&h), OK);
    struct blob *b = blob_new(&h, 5000, HEAP_CLIENT_IN);
    uint64_t booked = h.bytes[HEAP_CLIENT_IN];
    cr_assert_gt(booked, 5000);
    blob_book(b, HEAP_DATASET);
    cr_assert_eq(h.bytes[HEAP_CLIENT_IN], 0);
    cr_assert_eq(h.bytes[HEAP_DATASET], booked);
    blob_release(b);
    cr_assert_eq(h.bytes_total, 0);
    heap_close(&h);
}
