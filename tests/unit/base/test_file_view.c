// Expected values: file_view.h; mmap(2) for what is a fault and what is zeros.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "dataplane/base/file_view.h"

enum { PAGE = 4096, MANY = 100 * PAGE };

static char path[64];

// A byte for each offset that says where it is from.
static uint8_t byte_at(uint64_t offset) { return (uint8_t)(1 + offset % 251); }

static void write_file(size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    CHECK(bytes != NULL);
    for (size_t i = 0; i < size; i++) bytes[i] = byte_at(i);
    snprintf(path, sizeof path, "/tmp/penstock-view-%d", (int)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size && close(fd) == 0);
    free(bytes);
}
static void remove_file(void)
{
    if (path[0]) unlink(path);
}
TestSuite(file_view, .fini = remove_file, .timeout = 60);

static void cut_file(off_t size) { CHECK(truncate(path, size) == 0); }

static void open_all(struct file_view *v, size_t size)
{
    write_file(size);
    cr_assert(file_view_open(v, AT_FDCWD, path));
    cr_assert(eq(u64, v->file_bytes, size));
    cr_assert(file_view_map_all(v));
}

// Not by memcmp: each byte is touched by itself.
static bool is_right(const struct file_view *v, uint64_t from, uint64_t to)
{
    struct bytes at = file_view_at(v, from);
    for (uint64_t i = 0; i < to - from; i++)
        if (((const volatile uint8_t *)at.data)[i] != byte_at(from + i)) return false;
    return true;
}
static bool is_zero(const struct file_view *v, uint64_t from, uint64_t to)
{
    struct bytes at = file_view_at(v, from);
    for (uint64_t i = 0; i < to - from; i++)
        if (((const volatile uint8_t *)at.data)[i]) return false;
    return true;
}

static void expect_trouble(const struct file_view *v, uint64_t offset, bool is_short,
                           const char *why)
{
    struct file_trouble t = { 0 };
    cr_assert(file_view_find_trouble(v, &t));
    cr_expect(eq(u64, t.offset, offset));
    cr_expect(eq(int, t.is_short, is_short));
    cr_expect(eq(str, t.why, (char *)why));
}

// ---- while all is well

Test(file_view, shows_a_whole_file)
{
    struct file_view v;
    struct file_trouble t;
    open_all(&v, MANY + 7);
    cr_expect(eq(sz, file_view_at(&v, 0).size, MANY + 7));
    cr_expect(eq(sz, file_view_at(&v, MANY).size, 7));
    cr_expect(eq(sz, file_view_at(&v, MANY + 7).size, 0));
    cr_expect(is_right(&v, 0, MANY + 7));
    cr_expect(not(file_view_has_failed(&v)));
    cr_expect(not(file_view_find_trouble(&v, &t)));
    file_view_close(&v);
    file_view_close(&v);
}

Test(file_view, shows_nothing_of_an_empty_file)
{
    struct file_view v;
    struct file_trouble t;
    open_all(&v, 0);
    cr_expect(eq(sz, file_view_at(&v, 0).size, 0));
    cr_expect(eq(int, file_view_read_ahead(&v, 0, &t), OK));
    cr_expect(not(file_view_find_trouble(&v, &t)));
    file_view_close(&v);
}

Test(file_view, shows_windows)
{
    enum { SIZE = 2 * FILE_VIEW_WINDOW_BYTES + 12345 };
    struct file_view v;
    write_file(SIZE);
    cr_assert(file_view_open(&v, AT_FDCWD, path));
    cr_expect(eq(sz, file_view_at(&v, 0).size, 0), "none yet");
    for (uint64_t at = 0; at < SIZE; at += 1234567) {
        cr_assert(file_view_move(&v, at, 1));
        cr_expect(is_right(&v, at, at + 1));
        uint64_t left = SIZE - at;
        cr_expect(ge(sz, file_view_at(&v, at).size,
                     left < FILE_VIEW_WINDOW_BYTES ? left : FILE_VIEW_WINDOW_BYTES));
    }
    cr_expect(eq(sz, file_view_at(&v, 0).size, 0), "left behind");
    cr_assert(file_view_move(&v, 100000, SIZE - 100000));
    cr_expect(is_right(&v, 100000, SIZE), "more than a window, when it is wanted");
    file_view_close(&v);
}

Test(file_view, opens_regular_files_only)
{
    struct file_view v;
    cr_expect(not(file_view_open(&v, AT_FDCWD, "/tmp")));
    cr_expect(eq(str, (char *)file_view_refusal(errno), "it is no regular file"));
    cr_expect(not(file_view_open(&v, AT_FDCWD, "/tmp/penstock-view-that-is-not-there")));
    cr_expect(eq(str, (char *)file_view_refusal(errno), "No such file or directory"));
    file_view_close(&v);
}

Test(file_view, reads_ahead_piece_by_piece)
{
    struct file_view v;
    struct file_trouble t;
    open_all(&v, 3 * FILE_VIEW_PIECE_BYTES);
    for (uint64_t i = 1; i <= 2; i++) {
        cr_assert(eq(int, file_view_read_ahead(&v, v.file_bytes, &t), OK));
        cr_expect(eq(u64, file_view_read_bytes(&v), i * FILE_VIEW_PIECE_BYTES));
    }
    uint64_t end = 2 * FILE_VIEW_PIECE_BYTES + 1;
    cr_assert(eq(int, file_view_read_ahead(&v, end, &t), OK));
    cr_assert(eq(int, file_view_read_ahead(&v, end, &t), OK));
    cr_expect(eq(u64, file_view_read_bytes(&v), end), "not beyond");
    file_view_close(&v);
}

// ---- trouble

Test(file_view, shows_zeros_where_a_file_was_cut)
{
    struct file_view v;
    open_all(&v, MANY);
    cr_expect(is_right(&v, 0, MANY), "all pages are there");
    cut_file(10 * PAGE);
    cr_expect(is_right(&v, 0, 10 * PAGE));
    cr_expect(not(file_view_has_failed(&v)), "not yet touched");
    cr_expect(is_zero(&v, 50 * PAGE + 3, MANY));
    cr_expect(file_view_has_failed(&v));
    expect_trouble(&v, 50 * PAGE + 3, true, "it has become shorter meanwhile");
    cr_expect(is_zero(&v, 10 * PAGE, 50 * PAGE), "once more, before it");
    expect_trouble(&v, 50 * PAGE + 3, true, "it has become shorter meanwhile");
    cr_expect(is_right(&v, 0, 10 * PAGE), "what is there stays");
    file_view_close(&v);
}

// No fault: its last page has zeros behind the end.
Test(file_view, finds_a_cut_within_a_page)
{
    struct file_view v;
    open_all(&v, PAGE);
    cut_file(100);
    cr_expect(is_right(&v, 0, 100) && is_zero(&v, 100, PAGE));
    cr_expect(not(file_view_has_failed(&v)));
    expect_trouble(&v, 100, true, "it has become shorter meanwhile");
    file_view_close(&v);
}

Test(file_view, tells_the_view_that_failed_and_no_other)
{
    struct file_view v, other;
    struct file_trouble t;
    open_all(&v, MANY);
    cr_assert(file_view_open(&other, AT_FDCWD, "/proc/self/exe") && file_view_map_all(&other));
    cut_file(0);
    cr_expect(is_zero(&v, 0, 1));
    cr_expect(file_view_has_failed(&v) && !file_view_has_failed(&other));
    cr_expect(not(file_view_find_trouble(&other, &t)));
    file_view_close(&v);
    file_view_close(&other);
}

Test(file_view, remembers_a_fault_when_its_window_moves)
{
    struct file_view v;
    write_file(MANY);
    cr_assert(file_view_open(&v, AT_FDCWD, path) && file_view_move(&v, 20 * PAGE, 1));
    cut_file(5);
    cr_expect(is_zero(&v, 20 * PAGE + 9, 20 * PAGE + 10));
    cr_assert(file_view_move(&v, 32 * PAGE, 1));
    cr_expect(is_zero(&v, 32 * PAGE, 33 * PAGE));
    expect_trouble(&v, 20 * PAGE + 9, true, "it has become shorter meanwhile");
    file_view_close(&v);
}

Test(file_view, tells_where_reading_ahead_found_no_more)
{
    struct file_view v;
    struct file_trouble t = { 0 };
    open_all(&v, MANY);
    cut_file(PAGE + 1);
    cr_assert(eq(int, file_view_read_ahead(&v, MANY, &t), OK));
    cr_expect(eq(int, file_view_read_ahead(&v, MANY, &t), ERR_IO));
    cr_expect(eq(u64, t.offset, PAGE + 1));
    cr_expect(t.is_short);
    file_view_close(&v);
}

// A folder's descriptor in the place of the file's refuses as a disk would.
Test(file_view, tells_what_a_disk_says)
{
    struct file_view v;
    struct file_trouble t = { 0 };
    open_all(&v, MANY);
    cut_file(0);
    cr_expect(is_zero(&v, 8, 9));
    int folder = open("/tmp", O_RDONLY | O_DIRECTORY);
    cr_assert(folder >= 0 && dup2(folder, v.fd) == v.fd);
    expect_trouble(&v, 8, false, "Is a directory");
    cr_expect(eq(int, file_view_read_ahead(&v, MANY, &t), ERR_IO));
    cr_expect(eq(u64, t.offset, 0));
    cr_expect(eq(str, t.why, "Is a directory"));
    close(folder);
    file_view_close(&v);
}

// ---- faults that are none of it

static void touch_a_mapping_that_is_cut(void)
{
    int fd = open(path, O_RDWR);
    CHECK(fd >= 0);
    const volatile uint8_t *own = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(own != MAP_FAILED);
    cut_file(0);
    (void)own[0];
}

static void end_of_fault(int signal) { _exit(42); }

Test(file_view, leaves_other_faults_to_who_handled_them, .exit_code = 42)
{
    struct file_view v;
    signal(SIGBUS, end_of_fault);
    open_all(&v, PAGE);
    touch_a_mapping_that_is_cut();
}

Test(file_view, lets_a_process_die_of_other_faults, .signal = SIGBUS)
{
    struct file_view v;
    signal(SIGBUS, SIG_DFL); // sanitizers have a handler
    open_all(&v, PAGE);
    touch_a_mapping_that_is_cut();
}

Test(file_view, lets_a_process_die_of_a_signal_that_is_sent, .signal = SIGBUS)
{
    struct file_view v;
    signal(SIGBUS, SIG_DFL); // sanitizers have a handler
    open_all(&v, PAGE);
    raise(SIGBUS);
}
