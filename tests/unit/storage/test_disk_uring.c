#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataplane/base/bytes.h"
#include "storage/disk.h"

// The kernel's disk, in a folder of the test's own.

enum { LONG_NS = 20000000 };
static const uint64_t FOREVER_NS = UINT64_MAX; // what is lost shows as the test's timeout

struct place {
    char folder[32], path[64], other[64];
    struct disk *disk;
};

static void place_open(struct place *p)
{
    strcpy(p->folder, "/tmp/penstock-disk-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(p->folder), NULL));
    snprintf(p->path, sizeof p->path, "%s/a", p->folder);
    snprintf(p->other, sizeof p->other, "%s/b", p->folder);
    cr_assert(eq(int, disk_uring_open(&p->disk), OK));
}
static void place_close(struct place *p)
{
    p->disk->ops->close(p->disk);
    unlink(p->path);
    unlink(p->other);
    cr_expect(zero(int, rmdir(p->folder)));
}

static int64_t run(struct place *p, struct disk_op op)
{
    struct list done;
    list_init(&done);
    p->disk->ops->submit(p->disk, &op);
    while (done.count == 0) (void)p->disk->ops->wait(p->disk, &done, -1, FOREVER_NS);
    return op.result;
}
static int open_path(struct place *p, uint64_t size)
{
    return (int)run(p, (struct disk_op){ .kind = DISK_OPEN, .path = p->path, .offset = size });
}
static struct disk_op write_op(int handle, uint64_t offset, const char *text)
{
    struct disk_op op = { .kind = DISK_WRITE, .handle = handle, .offset = offset };
    op.vector_count = 1;
    op.vectors[0] = (struct iovec){ .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) };
    return op;
}
static int64_t close_file(struct place *p, int handle)
{
    return run(p, (struct disk_op){ .kind = DISK_CLOSE, .handle = handle });
}
static bool holds(const char *path, const char *text)
{
    char out[4096];
    int fd = open(path, O_RDONLY);
    ssize_t size = fd >= 0 ? read(fd, out, sizeof out) : -1;
    if (fd >= 0) close(fd);
    return size == (ssize_t)strlen(text) && memcmp(out, text, (size_t)size) == 0;
}

Test(disk_uring, writes_syncs_cuts_and_renames)
{
    struct place p;
    place_open(&p);
    int handle = open_path(&p, 0);
    cr_assert(ge(int, handle, 0));
    cr_expect(eq(i64, run(&p, write_op(handle, 0, "hello world")), 11));
    cr_expect(zero(i64, run(&p, (struct disk_op){ .kind = DISK_SYNC, .handle = handle })));
    struct disk_op cut = { .kind = DISK_TRUNCATE, .handle = handle, .offset = 5 };
    cr_expect(zero(i64, run(&p, cut)));
    cr_expect(holds(p.path, "hello"));
    struct disk_op durable = write_op(handle, 5, " again");
    durable.is_durable = true;
    cr_expect(eq(i64, run(&p, durable), 6));
    cr_expect(holds(p.path, "hello again"));
    cr_expect(zero(i64, run(&p, cut)));
    struct disk_op rename = { .kind = DISK_RENAME, .path = p.path, .target = p.other };
    cr_expect(zero(i64, run(&p, rename)));
    cr_expect(zero(i64, run(&p, (struct disk_op){ DISK_SYNC_DIRECTORY, .path = p.other })));
    cr_expect(holds(p.other, "hello"));
    cr_expect(zero(i64, close_file(&p, handle)));
    cr_expect(eq(i64, run(&p, (struct disk_op){ DISK_REMOVE, .path = p.path }), -ENOENT));
    cr_expect(zero(i64, run(&p, (struct disk_op){ DISK_REMOVE, .path = p.other })));
    place_close(&p);
}

Test(disk_uring, opens_what_is_there_as_asked)
{
    struct place p;
    struct stat st;
    place_open(&p);
    int handle = open_path(&p, 0);
    cr_expect(zero(int, stat(p.path, &st)));
    cr_expect(eq(u32, st.st_mode & 0777, 0644 & ~(umask(022), umask(022))));
    cr_expect(eq(i64, run(&p, write_op(handle, 0, "hello")), 5));
    cr_expect(zero(i64, close_file(&p, handle)));
    handle = open_path(&p, UINT64_MAX);
    cr_expect(ge(int, handle, 0));
    cr_expect(holds(p.path, "hello"));
    cr_expect(eq(int, open_path(&p, 6), -EINVAL));
    int second = open_path(&p, 2);
    cr_expect(holds(p.path, "he"));
    cr_expect(zero(i64, close_file(&p, handle)));
    cr_expect(zero(i64, close_file(&p, second)));
    strcat(p.other, "/none");
    cr_expect(eq(i64, run(&p, (struct disk_op){ .kind = DISK_OPEN, .path = p.other }), -ENOENT));
    cr_expect(eq(i64, run(&p, (struct disk_op){ DISK_SYNC_DIRECTORY, .path = p.other }), -ENOENT));
    place_close(&p);
}

Test(disk_uring, writes_from_registered_and_from_any_memory)
{
    struct place p;
    char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    place_open(&p);
    cr_assert(eq(int, p.disk->ops->register_memory(p.disk, memory, 8192), OK));
    int handle = open_path(&p, 0);
    strcpy(memory + 8000, "one ");
    cr_expect(eq(i64, run(&p, write_op(handle, 0, memory + 8000)), 4));
    struct disk_op both = write_op(handle, 4, memory + 8000);
    both.vector_count = 3;
    both.vectors[1] = (struct iovec){ 0 };
    both.vectors[2] = (struct iovec){ .iov_base = "two ", .iov_len = 4 };
    cr_expect(eq(i64, run(&p, both), 8));
    cr_expect(eq(i64, run(&p, write_op(handle, 12, "three")), 5));
    cr_expect(eq(i64, run(&p, write_op(handle, 17, "")), 0));
    cr_expect(holds(p.path, "one one two three"));
    cr_expect(zero(i64, close_file(&p, handle)));
    cr_assert(eq(int, p.disk->ops->register_memory(p.disk, NULL, 0), OK));
    place_close(&p);
    munmap(memory, 8192);
}

Test(disk_uring, writes_as_much_as_it_may_and_says_how_much)
{
    struct place p;
    struct rlimit limit = { 10, 10 };
    place_open(&p);
    signal(SIGXFSZ, SIG_IGN);
    int handle = open_path(&p, 0);
    cr_assert(zero(int, setrlimit(RLIMIT_FSIZE, &limit)));
    struct disk_op op = write_op(handle, 0, "1234");
    op.vector_count = 3;
    op.vectors[1] = op.vectors[2] = op.vectors[0];
    cr_expect(eq(i64, run(&p, op), 10));
    cr_expect(holds(p.path, "1234123412"));
    cr_expect(eq(i64, run(&p, write_op(handle, 10, "x")), -EFBIG));
    cr_expect(zero(i64, close_file(&p, handle)));
    place_close(&p);
}

Test(disk_uring, takes_more_operations_at_once_than_its_ring_has_room_for)
{
    enum { COUNT = 1500 };
    struct place p;
    struct list done;
    struct list_node *node;
    struct disk_op *ops = calloc(COUNT, sizeof *ops);
    static char text[COUNT][2];
    place_open(&p);
    list_init(&done);
    int handle = open_path(&p, 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        text[i][0] = (char)('a' + i % 26);
        ops[i] = write_op(handle, i, text[i]);
        p.disk->ops->submit(p.disk, &ops[i]);
    }
    while (done.count < COUNT) (void)p.disk->ops->wait(p.disk, &done, -1, FOREVER_NS);
    while ((node = list_take_first(&done)))
        cr_assert(eq(i64, LIST_OWNER(node, struct disk_op, link)->result, 1));
    cr_expect(zero(i64, close_file(&p, handle)));
    char whole[COUNT + 1] = "";
    for (uint32_t i = 0; i < COUNT; i++) whole[i] = text[i][0];
    cr_expect(holds(p.path, whole));
    free(ops);
    place_close(&p);
}

Test(disk_uring, has_a_bound_of_open_files)
{
    struct place p;
    int last = 0, handle;
    place_open(&p);
    while ((handle = open_path(&p, UINT64_MAX)) >= 0) last = handle;
    cr_expect(eq(int, handle, -EMFILE));
    cr_expect(eq(int, last, DISK_FILES_MAX - 1));
    cr_expect(zero(i64, close_file(&p, 7)));
    cr_expect(eq(int, open_path(&p, UINT64_MAX), 7));
    place_close(&p);
}

// Waiting

Test(disk_uring, waits_no_longer_than_asked)
{
    struct place p;
    struct list done;
    place_open(&p);
    list_init(&done);
    cr_expect(zero(u32, p.disk->ops->wait(p.disk, &done, -1, 0)));
    cr_expect(zero(u32, p.disk->ops->wait(p.disk, &done, -1, LONG_NS)));
    place_close(&p);
}

static void *write_one(void *context)
{
    const uint64_t one = 1;
    (void)!write(*(int *)context, &one, sizeof one);
    return NULL;
}

Test(disk_uring, is_woken_through_a_descriptor_again_and_again)
{
    struct place p;
    struct list done;
    pthread_t thread;
    uint64_t count;
    place_open(&p);
    list_init(&done);
    int fd = eventfd(0, EFD_NONBLOCK);
    for (uint32_t i = 0; i < 200; i++) {
        pthread_create(&thread, NULL, write_one, &fd);
        while (read(fd, &count, sizeof count) < 0)
            cr_assert(zero(u32, p.disk->ops->wait(p.disk, &done, fd, FOREVER_NS)));
        pthread_join(thread, NULL);
    }
    cr_expect(zero(u32, p.disk->ops->wait(p.disk, &done, fd, LONG_NS)), "nothing is left of them");
    cr_assert(eq(int, p.disk->ops->register_memory(p.disk, NULL, 0), OK));
    int other = eventfd(1, EFD_NONBLOCK);
    cr_expect(zero(u32, p.disk->ops->wait(p.disk, &done, other, FOREVER_NS)), "another user's");
    close(fd);
    close(other);
    place_close(&p);
}
