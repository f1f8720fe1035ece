#include "dataplane/cmd/names.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include "dataplane/base/status.h"

struct fixture {
    struct heap heap;
    struct names names;
};

static struct fixture *fixture_open(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    cr_assert(eq(int, heap_open(&f->heap), OK));
    names_open(&f->names, &f->heap);
    return f;
}

static void fixture_close(struct fixture *f)
{
    names_close(&f->names);
    cr_expect(eq(u64, f->heap.bytes_total, 0));
    cr_expect(eq(u64, f->names.bytes, 0));
    heap_close(&f->heap);
    free(f);
}

static struct bytes numbered(char text[16], int i)
{
    return bytes_make(text, (size_t)sprintf(text, "name:%d", i));
}

Test(names, finds_nothing_in_an_empty_table)
{
    struct fixture *f = fixture_open();
    uint32_t position = 0;
    cr_expect(names_find(&f->names, 0, BYTES_LITERAL("a")) == NULL);
    cr_expect(names_next(&f->names, &position, NULL) == NULL);
    cr_expect(eq(u64, f->heap.bytes_total, 0), "nothing is allocated before the first name");
    fixture_close(f);
}

Test(names, makes_a_name_once_and_finds_it_by_database_and_text)
{
    struct fixture *f = fixture_open();
    struct name *a = names_take(&f->names, 0, BYTES_LITERAL("a"));
    cr_expect(names_take(&f->names, 0, BYTES_LITERAL("a")) == a);
    cr_expect(names_find(&f->names, 0, BYTES_LITERAL("a")) == a);
    cr_expect(names_find(&f->names, 1, BYTES_LITERAL("a")) == NULL);
    cr_expect(names_take(&f->names, 1, BYTES_LITERAL("a")) != a);
    cr_expect(names_find(&f->names, 0, BYTES_LITERAL("")) == NULL);
    struct name *empty = names_take(&f->names, 0, bytes_make(NULL, 0));
    cr_expect(names_find(&f->names, 0, bytes_make("", 0)) == empty);
    cr_expect(eq(u64, f->names.count, 3));
    fixture_close(f);
}

Test(names, keeps_every_name_while_it_grows_and_shrinks)
{
    enum { COUNT = 20000 };
    struct fixture *f = fixture_open();
    char text[16];
    for (int i = 0; i < COUNT; i++) (void)names_take(&f->names, 0, numbered(text, i));
    cr_expect(eq(u64, f->names.count, COUNT));
    for (int i = 0; i < COUNT; i += 2)
        names_give(&f->names, names_find(&f->names, 0, numbered(text, i)));
    for (int i = 0; i < COUNT; i++) {
        struct name *name = names_find(&f->names, 0, numbered(text, i));
        cr_assert(eq(int, name != NULL, i % 2), "name %d", i);
    }
    fixture_close(f);
}

Test(names, visits_each_name_once)
{
    enum { COUNT = 3000 };
    struct fixture *f = fixture_open();
    char text[16];
    uint32_t position = 0, seen = 0;
    for (int i = 0; i < COUNT; i++) (void)names_take(&f->names, 0, numbered(text, i));
    struct name *name = NULL;
    while ((name = names_next(&f->names, &position, name))) {
        cr_assert(eq(u32, name->db, 0), "seen twice");
        name->db = 9;
        seen++;
    }
    cr_expect(eq(u32, seen, COUNT));
    fixture_close(f);
}

Test(names, forgets_all_names_and_goes_on)
{
    struct fixture *f = fixture_open();
    char text[16];
    names_clear(&f->names); // nothing was ever there
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 2000; i++) names_take(&f->names, 0, numbered(text, i));
        cr_expect(eq(u64, f->names.count, 2000));
        names_clear(&f->names);
        cr_expect(zero(u64, f->names.count));
        cr_expect(names_find(&f->names, 0, numbered(text, 7)) == NULL);
        cr_expect(lt(u64, f->names.bytes, 3 * NAMES_SEGMENT * sizeof(void *)), "one segment stays");
    }
    fixture_close(f);
}

Test(names, opens_a_table_like_another)
{
    struct fixture *f = fixture_open();
    struct names like;
    names_open_like(&like, &f->names);
    struct name *a = names_take(&f->names, 3, BYTES_LITERAL("a"));
    struct name *b = names_take(&like, 3, BYTES_LITERAL("a"));
    cr_expect(a != b);
    cr_expect(eq(u64, a->hash, b->hash));
    names_close(&like);
    fixture_close(f);
}
