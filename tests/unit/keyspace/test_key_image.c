#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "dataplane/keyspace/key_image.h"
#include "dataplane/keyspace/object.h"

#define NOW_MS 1700000000000ull

struct fixture {
    struct heap heap;
    struct shard_tally tally;
    struct keyspace *k;
};

static struct fixture *fixture_open(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct keyspace_config config = { .database_count = 2, .hash_key = { 1, 2 } };
    cr_assert(eq(int, heap_open(&f->heap), OK));
    cr_assert(eq(int, keyspace_open(&f->k, &f->heap, &config, &f->tally, NOW_MS), OK));
    return f;
}

static void fixture_close(struct fixture *f)
{
    keyspace_close(f->k);
    cr_expect(eq(u64, f->heap.bytes_total, 0));
    heap_close(&f->heap);
    free(f);
}

static struct key key_of(struct fixture *f, const char *name)
{
    return key_make(f->k, bytes_text(name));
}

static struct entry *set(struct fixture *f, const char *name, struct bytes value, uint64_t deadline)
{
    struct key key = key_of(f, name);
    return string_set(f->k, 0, &key, value, NULL, deadline, 0, NOW_MS);
}

static void expect_value(struct fixture *f, const char *name, struct bytes value)
{
    struct key key = key_of(f, name);
    struct entry *e = keyspace_peek(f->k, 0, &key);
    struct string_view view;
    cr_assert(e != NULL, "%s", name);
    string_read(e, &view);
    cr_expect(bytes_equal(view.bytes, value), "%s", name);
}

static struct key_image *image_of(struct fixture *f, const char *name)
{
    struct key key = key_of(f, name);
    return key_image_take(f->k, 0, &key, 1 << 20);
}

Test(key_image, brings_back_a_value_that_was_overwritten)
{
    static const char *const values[] = { "small", "12345", "" };
    struct fixture *f = fixture_open();
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        set(f, "k", bytes_text(values[i]), 0);
        struct key_image *image = image_of(f, "k");
        set(f, "k", bytes_text("something else that is longer"), 0);
        key_image_restore(f->k, image);
        expect_value(f, "k", bytes_text(values[i]));
        cr_expect(eq(u64, keyspace_size(f->k, 0), 1));
    }
    fixture_close(f);
}

Test(key_image, brings_back_a_key_that_was_removed_with_its_deadline)
{
    struct fixture *f = fixture_open();
    struct key key = key_of(f, "k");
    set(f, "k", bytes_text("v"), NOW_MS + 5000);
    struct key_image *image = image_of(f, "k");
    keyspace_delete(f->k, 0, &key, NOW_MS);
    key_image_restore(f->k, image);
    expect_value(f, "k", bytes_text("v"));
    cr_expect(eq(u64, entry_deadline_ms(keyspace_peek(f->k, 0, &key)), NOW_MS + 5000));
    cr_expect(eq(u64, keyspace_deadline_count(f->k, 0), 1));
    fixture_close(f);
}

Test(key_image, removes_a_key_that_was_not_there)
{
    struct fixture *f = fixture_open();
    struct key_image *image = image_of(f, "k"), *other = image_of(f, "never");
    set(f, "k", bytes_text("v"), NOW_MS + 5000);
    key_image_restore(f->k, image);
    key_image_restore(f->k, other);
    cr_expect(eq(u64, keyspace_size(f->k, 0), 0));
    cr_expect(eq(u64, keyspace_deadline_count(f->k, 0), 0));
    fixture_close(f);
}

Test(key_image, takes_a_deadline_away_again)
{
    struct fixture *f = fixture_open();
    struct key key = key_of(f, "k");
    set(f, "k", bytes_text("v"), 0);
    struct key_image *image = image_of(f, "k");
    keyspace_set_deadline(f->k, 0, keyspace_peek(f->k, 0, &key), NOW_MS + 1);
    key_image_restore(f->k, image);
    cr_expect(eq(u64, entry_deadline_ms(keyspace_peek(f->k, 0, &key)), 0));
    fixture_close(f);
}

Test(key_image, of_a_large_value_refers_to_it_and_is_not_edited_along)
{
    struct fixture *f = fixture_open();
    uint8_t large[5000], *at;
    memset(large, 'a', sizeof large);
    struct key key = key_of(f, "k");
    set(f, "k", bytes_make(large, sizeof large), 0);
    struct key_image *image = image_of(f, "k");
    cr_expect(lt(u32, image->bytes, 500));
    string_edit(f->k, 0, &key, keyspace_peek(f->k, 0, &key), sizeof large, &at);
    memset(at, 'b', sizeof large);
    key_image_restore(f->k, image);
    expect_value(f, "k", bytes_make(large, sizeof large));
    fixture_close(f);
}

Test(key_image, is_refused_for_a_value_that_would_have_to_be_copied)
{
    struct fixture *f = fixture_open();
    uint8_t large[5000] = { 0 };
    struct key key = key_of(f, "k");
    set(f, "k", bytes_make(large, sizeof large), 0);
    cr_expect(key_image_take(f->k, 0, &key, 4999) == NULL);
    struct key_image *image = key_image_take(f->k, 0, &key, 5000);
    cr_assert(image != NULL);
    key_image_drop(f->k, image);
    fixture_close(f);
}

Test(key_image, that_is_dropped_changes_nothing)
{
    struct fixture *f = fixture_open();
    set(f, "k", bytes_text("v"), 0);
    struct key_image *image = image_of(f, "k");
    set(f, "k", bytes_text("w"), 0);
    key_image_drop(f->k, image);
    expect_value(f, "k", bytes_text("w"));
    fixture_close(f);
}
