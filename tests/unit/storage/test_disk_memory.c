#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/base/bytes.h"
#include "storage/disk.h"

// One operation at a time unless a test says otherwise.

static struct disk *open_disk(uint64_t seed)
{
    struct disk *d;
    struct disk_memory_config config = { .seed = seed };
    cr_assert(eq(int, disk_memory_open(&d, &config), OK));
    return d;
}

static int64_t run(struct disk *d, struct disk_op op)
{
    struct list done;
    list_init(&done);
    d->ops->submit(d, &op);
    for (uint32_t i = 0; i < 100 && done.count == 0; i++) (void)d->ops->wait(d, &done, -1, 0);
    cr_assert(eq(sz, done.count, 1));
    return op.result;
}
static int open_path(struct disk *d, const char *path)
{
    return (int)run(d, (struct disk_op){ .kind = DISK_OPEN, .path = path, .offset = 0 });
}
static struct disk_op write_op(int handle, uint64_t offset, const void *bytes, size_t size)
{
    struct disk_op op = { .kind = DISK_WRITE, .handle = handle, .offset = offset };
    op.vector_count = 1;
    op.vectors[0] = (struct iovec){ .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
    return op;
}
static int64_t put(struct disk *d, int handle, uint64_t offset, const char *text)
{
    return run(d, write_op(handle, offset, text, strlen(text)));
}
static int64_t sync_file(struct disk *d, int handle)
{
    return run(d, (struct disk_op){ .kind = DISK_SYNC, .handle = handle });
}
static int64_t sync_folder(struct disk *d, const char *path)
{
    return run(d, (struct disk_op){ .kind = DISK_SYNC_DIRECTORY, .path = path });
}
static bool read_path(struct disk *d, const char *path, struct bytes *out)
{
    return disk_memory_read(d, path, &out->data, &out->size) == OK;
}
static bool holds(struct disk *d, const char *path, const char *text)
{
    struct bytes out;
    return read_path(d, path, &out) && bytes_equal(out, bytes_text(text));
}

Test(disk_memory, writes_and_cuts_and_renames)
{
    struct disk *d = open_disk(1);
    int handle = open_path(d, "a");
    cr_expect(eq(i64, put(d, handle, 0, "hello world"), 11));
    cr_expect(eq(i64, put(d, handle, 6, "there"), 5));
    cr_expect(holds(d, "a", "hello there"));
    struct disk_op cut = { .kind = DISK_TRUNCATE, .handle = handle, .offset = 5 };
    cr_expect(eq(i64, run(d, cut), 0));
    cr_expect(holds(d, "a", "hello"));
    cr_expect(zero(i64, run(d, (struct disk_op){ DISK_RENAME, .path = "a", .target = "b" })));
    cr_expect(not(holds(d, "a", "hello")));
    cr_expect(eq(i64, put(d, handle, 5, "!"), 1), "a handle does not care for names");
    cr_expect(holds(d, "b", "hello!"));
    cr_expect(eq(i64, run(d, (struct disk_op){ DISK_REMOVE, .path = "a" }), -ENOENT));
    cr_expect(zero(i64, run(d, (struct disk_op){ DISK_REMOVE, .path = "b" })));
    cr_expect(zero(i64, run(d, (struct disk_op){ DISK_CLOSE, .handle = handle })));
    d->ops->close(d);
}

Test(disk_memory, opens_what_is_there_as_asked)
{
    struct disk *d = open_disk(1);
    disk_memory_put(d, "a", "hello", 5);
    struct disk_op op = { .kind = DISK_OPEN, .path = "a", .offset = UINT64_MAX };
    cr_expect(ge(i64, run(d, op), 0));
    cr_expect(holds(d, "a", "hello"));
    op.offset = 6;
    cr_expect(eq(i64, run(d, op), -EINVAL));
    op.offset = 2;
    cr_expect(ge(i64, run(d, op), 0));
    cr_expect(holds(d, "a", "he"));
    d->ops->close(d);
}

Test(disk_memory, writes_short_and_then_nothing_when_it_is_full)
{
    struct disk *d = open_disk(1);
    int handle = open_path(d, "a");
    disk_memory_set_capacity(d, 8);
    cr_expect(eq(i64, put(d, handle, 0, "12345"), 5));
    cr_expect(eq(i64, put(d, handle, 5, "67890"), 3));
    cr_expect(eq(i64, put(d, handle, 8, "9"), -ENOSPC));
    cr_expect(eq(i64, put(d, handle, 0, "abc"), 3), "what is there can be changed");
    cr_expect(holds(d, "a", "abc45678"));
    d->ops->close(d);
}

Test(disk_memory, keeps_what_was_synced_whatever_the_seed)
{
    uint32_t more = 0, torn = 0;
    char text[2001];
    memset(text, 'x', 2000);
    text[2000] = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct disk *d = open_disk(seed);
        struct bytes out;
        int handle = open_path(d, "dir/a");
        cr_assert(zero(i64, sync_folder(d, "dir/a")));
        cr_assert(eq(i64, put(d, handle, 0, "durable"), 7));
        cr_assert(zero(i64, sync_file(d, handle)));
        cr_assert(eq(i64, put(d, handle, 7, text), 2000));
        disk_memory_crash(d);
        cr_assert(read_path(d, "dir/a", &out));
        cr_assert(ge(sz, out.size, 7), "seed %lu", seed);
        cr_assert(le(sz, out.size, 2007));
        cr_assert(memcmp(out.data, "durable", 7) == 0);
        more += out.size > 7;
        torn += out.size > 7 && memchr(out.data + 7, 0, out.size - 7) != NULL;
        d->ops->close(d);
    }
    cr_expect(gt(u32, more, 200));
    cr_expect(gt(u32, torn, 20));
    cr_expect(lt(u32, torn, 250));
}

// A write that is durable at once needs no sync behind it; one that fails is as a failed sync.
Test(disk_memory, keeps_what_was_written_durably_and_nothing_of_what_failed_for_sure)
{
    uint32_t gone = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct disk *d = open_disk(seed);
        struct bytes out;
        disk_memory_put(d, "a", "", 0);
        int handle = open_path(d, "a");
        struct disk_op op = write_op(handle, 0, "first", 5);
        op.is_durable = true;
        cr_assert(eq(i64, run(d, op), 5));
        disk_memory_set_sync_refusing(d, EIO);
        struct disk_op refused = write_op(handle, 5, "second", 6);
        refused.is_durable = true;
        cr_assert(eq(i64, run(d, refused), -EIO));
        disk_memory_set_sync_refusing(d, 0);
        cr_assert(zero(i64, sync_file(d, handle)));
        disk_memory_crash(d);
        cr_assert(read_path(d, "a", &out));
        cr_assert(ge(sz, out.size, 5), "seed %lu", seed);
        cr_assert(memcmp(out.data, "first", 5) == 0);
        gone += out.size != 11 || memcmp(out.data + 5, "second", 6) != 0;
        d->ops->close(d);
    }
    cr_expect(gt(u32, gone, 10));
}

Test(disk_memory, may_lose_each_change_of_names_that_its_directory_was_not_synced_behind)
{
    uint32_t seen[3][3] = { 0 }; // by what a holds, and what b holds: nothing, old, new
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct disk *d = open_disk(seed);
        disk_memory_put(d, "dir/b", "old", 3);
        int handle = open_path(d, "dir/a");
        cr_assert(eq(i64, put(d, handle, 0, "new"), 3));
        cr_assert(zero(i64, sync_file(d, handle)));
        struct disk_op rename = { DISK_RENAME, .path = "dir/a", .target = "dir/b" };
        cr_assert(zero(i64, run(d, rename)));
        disk_memory_crash(d);
        uint32_t a = holds(d, "dir/a", "new") ? 2 : 0;
        uint32_t b = holds(d, "dir/b", "new") ? 2 : holds(d, "dir/b", "old") ? 1 : 0;
        seen[a][b]++;
        d->ops->close(d);
    }
    cr_expect(gt(u32, seen[0][1], 20), "none happened");
    cr_expect(gt(u32, seen[2][1], 20), "created, not renamed");
    cr_expect(gt(u32, seen[0][2], 20), "renamed");
    cr_expect(eq(u32, seen[0][1] + seen[2][1] + seen[0][2], 200), "and nothing else");
}

Test(disk_memory, keeps_changes_of_names_behind_a_sync_of_their_directory_only)
{
    uint32_t other = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct disk *d = open_disk(seed);
        (void)open_path(d, "dir/a");
        (void)open_path(d, "dir2/b");
        cr_assert(zero(i64, sync_folder(d, "dir/whatever")));
        disk_memory_crash(d);
        cr_assert(holds(d, "dir/a", ""), "seed %lu", seed);
        other += holds(d, "dir2/b", "");
        d->ops->close(d);
    }
    cr_expect(gt(u32, other, 20));
    cr_expect(lt(u32, other, 180));
}

Test(disk_memory, syncs_what_was_written_before_and_makes_up_for_no_failure)
{
    uint32_t gone = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct disk *d = open_disk(seed);
        struct bytes out;
        disk_memory_put(d, "a", "", 0);
        int handle = open_path(d, "a");
        cr_assert(eq(i64, put(d, handle, 0, "first"), 5));
        disk_memory_set_sync_refusing(d, EIO);
        cr_assert(eq(i64, sync_file(d, handle), -EIO));
        disk_memory_set_sync_refusing(d, 0);
        cr_assert(eq(i64, put(d, handle, 5, "second"), 6));
        cr_assert(zero(i64, sync_file(d, handle)));
        disk_memory_crash(d);
        cr_assert(read_path(d, "a", &out));
        cr_assert(eq(sz, out.size, 11));
        cr_assert(memcmp(out.data + 5, "second", 6) == 0);
        gone += memcmp(out.data, "first", 5) != 0;
        d->ops->close(d);
    }
    cr_expect(gt(u32, gone, 10), "Linux says so");
}

// A file "a" whose "first" is durable, and whose "second" a failed sync dropped; its handle.
static int drop_second(struct disk **out, uint64_t seed)
{
    struct disk_memory_config config = { .seed = seed, .keeps_order = true };
    cr_assert(eq(int, disk_memory_open(out, &config), OK));
    struct disk *d = *out;
    disk_memory_put(d, "a", "", 0);
    int handle = open_path(d, "a");
    cr_assert(eq(i64, put(d, handle, 0, "first"), 5));
    cr_assert(zero(i64, sync_file(d, handle)));
    cr_assert(eq(i64, put(d, handle, 5, "second"), 6));
    disk_memory_set_sync_refusing(d, EIO);
    cr_assert(eq(i64, sync_file(d, handle), -EIO));
    disk_memory_set_sync_refusing(d, 0);
    return handle;
}

// More is written, and synced; then the power fails.
static bool leaves(struct disk *d, int handle, uint64_t at, const char *more, const char *text)
{
    cr_assert(eq(i64, put(d, handle, at, more), (int64_t)strlen(more)));
    cr_assert(zero(i64, sync_file(d, handle)));
    disk_memory_crash(d);
    bool is_same = holds(d, "a", text);
    d->ops->close(d);
    return is_same;
}

Test(disk_memory, in_order_ends_where_a_failed_sync_dropped_something)
{
    struct disk *d;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        int handle = drop_second(&d, seed);
        cr_expect(leaves(d, handle, 11, "third", "first"));
        handle = drop_second(&d, seed);
        cr_expect(leaves(d, handle, 5, "second, again", "firstsecond, again"));
        handle = drop_second(&d, seed);
        struct disk_op cut = { .kind = DISK_TRUNCATE, .handle = handle, .offset = 5 };
        cr_assert(zero(i64, run(d, cut)));
        cr_expect(leaves(d, handle, 5, "third", "firstthird"));
        handle = drop_second(&d, seed);
        disk_memory_undrop(d);
        cr_expect(leaves(d, handle, 11, "third", "firstsecondthird"));
    }
}

Test(disk_memory, may_lose_what_was_written_while_a_sync_was_under_way)
{
    uint32_t lost = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct disk *d;
        struct disk_memory_config config = { .seed = seed, .delay_turns_max = 20 };
        struct bytes out;
        struct list done;
        cr_assert(eq(int, disk_memory_open(&d, &config), OK));
        disk_memory_put(d, "a", "", 0);
        int handle = open_path(d, "a");
        cr_assert(eq(i64, put(d, handle, 0, "first"), 5));
        struct disk_op sync = { .kind = DISK_SYNC, .handle = handle };
        struct disk_op write = write_op(handle, 5, "second", 6);
        list_init(&done);
        d->ops->submit(d, &sync);
        d->ops->submit(d, &write);
        while (done.count < 2) (void)d->ops->wait(d, &done, -1, 0);
        disk_memory_crash(d);
        cr_assert(read_path(d, "a", &out));
        cr_assert(ge(sz, out.size, 5));
        lost += out.size < 11;
        d->ops->close(d);
    }
    cr_expect(gt(u32, lost, 20));
}

// 8 writes to one file at once: the order in which they complete, as digits.
static void order_of(uint64_t seed, char *out)
{
    struct disk *d;
    struct disk_op ops[8];
    struct disk_memory_config config = { .seed = seed, .delay_turns_max = 3 };
    struct list done;
    struct list_node *node;
    cr_assert(eq(int, disk_memory_open(&d, &config), OK));
    int handle = open_path(d, "a");
    list_init(&done);
    for (uint32_t i = 0; i < 8; i++) {
        ops[i] = write_op(handle, i, "x", 1);
        ops[i].context = (void *)(uintptr_t)i;
        d->ops->submit(d, &ops[i]);
    }
    while (done.count < 8) (void)d->ops->wait(d, &done, -1, 0);
    while ((node = list_take_first(&done)))
        *out++ = (char)('0' + (uintptr_t)LIST_OWNER(node, struct disk_op, link)->context);
    *out = 0;
    d->ops->close(d);
}

Test(disk_memory, completes_in_an_order_that_the_seed_gives)
{
    char first[9], again[9], other[9];
    uint32_t different = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        order_of(seed, first);
        order_of(seed, again);
        order_of(seed + 100, other);
        cr_expect(eq(str, first, again));
        different += strcmp(first, other) != 0;
    }
    cr_expect(gt(u32, different, 15));
}

Test(disk_memory, completes_nothing_while_it_is_off)
{
    struct disk *d = open_disk(1);
    struct list done;
    struct disk_op op = { .kind = DISK_OPEN, .path = "a" };
    list_init(&done);
    disk_memory_crash(d);
    d->ops->submit(d, &op);
    for (uint32_t i = 0; i < 10; i++) cr_expect(eq(u32, d->ops->wait(d, &done, -1, 0), 0));
    cr_expect(d->is_off);
    cr_assert(eq(int, d->ops->register_memory(d, &op, sizeof op), OK));
    cr_expect(ge(i64, run(d, op), 0));
    d->ops->close(d);
}
