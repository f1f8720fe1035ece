// Files that are cut, or refuse to be read, under who reads them: base/file_view.h. Each is cut
// between two calls, so that it always is at the same place.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "tools/penstockctl.h"
#include "tools/penstockctl_aof_report.h"
#include "tools/penstockctl_import.h"
#include "tools/penstockctl_rdb.h"

#define COMMAND "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
#define SHORTER "it has become shorter meanwhile"

enum {
    PAGE = 4096,
    COMMAND_BYTES = sizeof COMMAND - 1,
    COMMANDS = 1000,
    KEYS = 1000,
    KEY_BYTES = 8, // type, "\4" and four digits, "\1v": all a string of one byte
    HEAD_BYTES = 9,
};

static char path[64], told[1024];
static uint32_t told_count;

void ctl_complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(told, sizeof told, format, args);
    va_end(args);
    told_count++;
}

static void write_file(const char *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size && close(fd) == 0);
}

static void write_log(void)
{
    static char text[COMMANDS * COMMAND_BYTES + 1];
    for (int i = 0; i < COMMANDS; i++) memcpy(text + i * COMMAND_BYTES, COMMAND, COMMAND_BYTES);
    write_file(text, sizeof text - 1);
}

// Without a checksum, which would notice.
static void write_snapshot(void)
{
    static char text[HEAD_BYTES + KEYS * KEY_BYTES + 16];
    char *at = text + sprintf(text, "REDIS0010");
    for (int i = 0; i < KEYS; i++) {
        *at++ = 0;
        at += sprintf(at, "\4%04d\1v", i);
    }
    memcpy(at, "\xff\0\0\0\0\0\0\0\0", 9);
    write_file(text, (size_t)(at - text) + 9);
}

static void cut_file(off_t size) { CHECK(truncate(path, size) == 0); }

static void setup(void)
{
    snprintf(path, sizeof path, "/tmp/penstock-ctl-%d", (int)getpid());
    told[0] = '\0';
    told_count = 0;
}
static void teardown(void) { unlink(path); }
TestSuite(penstockctl_files, .init = setup, .fini = teardown, .timeout = 60);

// A folder's descriptor in the place of the file's refuses as a disk would.
static void break_disk(const struct file_view *v)
{
    int folder = open("/tmp", O_RDONLY | O_DIRECTORY);
    CHECK(folder >= 0 && dup2(folder, v->fd) == v->fd && close(folder) == 0);
}

// ---- check-rdb, dump-rdb

// Keys up to the one that what was cut off is missed in.
static uint32_t count_keys(struct rdb_reading *r)
{
    uint32_t keys = 0;
    while (rdb_reading_next(r)) keys += r->item.kind == RDB_ITEM_KEY;
    return keys;
}

static struct rdb_reading *open_reading(void)
{
    uint64_t offset;
    struct rdb_reading *r = malloc(sizeof *r);
    write_snapshot();
    cr_assert_null(rdb_reading_open(r, path, &offset));
    return r;
}

static void expect_broken(struct rdb_reading *r, uint64_t offset, const char *why)
{
    cr_expect_eq(r->item.kind, RDB_ITEM_BROKEN);
    cr_expect_eq(r->item.offset, offset, "%lu", (unsigned long)r->item.offset);
    cr_expect_str_eq(r->item.broken, why);
    cr_expect_null(r->entry, "a key of zeros is shown to nobody");
    cr_expect_null(r->key.data);
    rdb_reading_close(r);
    free(r);
}

Test(penstockctl_files, tell_a_snapshot_that_was_cut)
{
    struct rdb_reading *r = open_reading();
    cut_file(PAGE);
    cr_expect_eq(count_keys(r), (PAGE - HEAD_BYTES) / KEY_BYTES);
    expect_broken(r, PAGE, SHORTER);
}

// Zeros may pass for types, names and values.
Test(penstockctl_files, tell_a_snapshot_that_was_cut_within_a_page)
{
    struct rdb_reading *r = open_reading();
    cut_file(HEAD_BYTES + 2 * KEY_BYTES);
    cr_expect_geq(count_keys(r), 2);
    uint64_t offset = r->item.offset;
    cr_expect(offset == HEAD_BYTES + 2 * KEY_BYTES || offset == PAGE, "%lu", offset);
    expect_broken(r, offset, SHORTER);
}

Test(penstockctl_files, tell_a_snapshot_that_cannot_be_read)
{
    struct rdb_reading *r = open_reading();
    cut_file(PAGE);
    break_disk(&r->view);
    cr_expect_eq(count_keys(r), (PAGE - HEAD_BYTES) / KEY_BYTES);
    expect_broken(r, PAGE, "Is a directory");
}

// ---- check-aof

static void expect_unreadable(off_t size, bool has_disk, uint64_t offset, const char *why)
{
    struct aof_look look;
    struct file_view v;
    write_log();
    cr_assert(file_view_open(&v, AT_FDCWD, path));
    cr_assert(file_view_map_all(&v));
    cut_file(size);
    if (!has_disk) break_disk(&v);
    aof_look_at_view(&look, &v, INT64_MAX);
    cr_expect_eq(look.verdict, AOF_UNREADABLE);
    cr_expect_eq(look.error_offset, offset, "%lu", (unsigned long)look.error_offset);
    cr_expect_str_eq(look.error, why);
    cr_expect_not(aof_is_sound(&look));
    cr_expect_not(aof_is_unfinished(&look), "nothing to fix");
    file_view_close(&v);
}

Test(penstockctl_files, tell_a_log_that_was_cut)
{
    expect_unreadable(2 * PAGE, true, 2 * PAGE, SHORTER);
    expect_unreadable(0, true, 0, SHORTER);
}
// What is left of the page is zeros, and no fault.
Test(penstockctl_files, tell_a_log_that_was_cut_within_a_page)
{
    expect_unreadable(10 * COMMAND_BYTES, true, PAGE, SHORTER); // noticed there
    expect_unreadable(COMMANDS * COMMAND_BYTES - 1, true, COMMANDS * COMMAND_BYTES - 1, SHORTER);
}
Test(penstockctl_files, tell_a_log_that_cannot_be_read)
{
    expect_unreadable(0, false, 0, "Is a directory");
}

// ---- import

struct bringing {
    struct import im;
    struct import_part part;
    int theirs; // the target's end
};

static void open_bringing(struct bringing *b)
{
    int ends[2];
    *b = (struct bringing){ .im.database = -1, .im.replaces = true, .part.name = path };
    CHECK(heap_open(&b->im.heap) == OK);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    b->theirs = ends[1];
    struct target *t = &b->im.target;
    *t = (struct target){ .keeps_going = true, .progress = &b->im.progress, .room = 2 * KEYS };
    t->client.fd = ends[0];
    t->out = malloc(TARGET_OUT_BYTES);
    t->in = malloc(TARGET_IN_BYTES);
    t->requests = calloc(t->room, sizeof *t->requests);
    cr_assert_null(import_part_open(&b->part, path));
}

static void expect_nothing_sent(struct bringing *b)
{
    char byte;
    struct target *t = &b->im.target;
    cr_expect_eq(recv(b->theirs, &byte, 1, MSG_DONTWAIT), -1, "something was sent");
    free(t->out);
    free(t->in);
    free(t->requests);
    import_part_close(&b->part);
    close(t->client.fd);
    close(b->theirs);
    heap_close(&b->im.heap);
}

static void expect_told(const struct bringing *b, uint64_t offset)
{
    char line[256];
    snprintf(line, sizeof line, "%s, byte %lu: " SHORTER, path, (unsigned long)offset);
    cr_expect_str_eq(told, line);
    cr_expect_eq(told_count, 1);
    cr_expect_eq(b->im.target.refused, 1);
}

// Though it keeps going: nothing of such a file is worth it.
static void expect_failed_check(void (*write_it)(void), off_t size, uint64_t offset)
{
    struct bringing b;
    setup();
    write_it();
    open_bringing(&b);
    cut_file(size);
    cr_expect_not(import_part_check(&b.im, &b.part));
    expect_told(&b, offset);
    import_parts_send(&b.im, &b.part, 1);
    cr_expect_eq(told_count, 1);
    expect_nothing_sent(&b);
}

Test(penstockctl_files, tell_what_was_cut_while_it_is_checked)
{
    expect_failed_check(write_snapshot, PAGE, PAGE);
    expect_failed_check(write_snapshot, 0, 0);
    expect_failed_check(write_log, 2 * PAGE, 2 * PAGE);
    expect_failed_check(write_log, 10 * COMMAND_BYTES, PAGE);
    expect_failed_check(write_log, COMMANDS * COMMAND_BYTES - 1, COMMANDS * COMMAND_BYTES - 1);
}

static void expect_failed_sending(void (*write_it)(void), off_t size, uint64_t offset)
{
    struct bringing b;
    setup();
    write_it();
    open_bringing(&b);
    cr_assert(import_part_check(&b.im, &b.part));
    cut_file(size);
    import_parts_send(&b.im, &b.part, 1);
    expect_told(&b, offset);
    cr_expect(b.im.target.is_source_lost && !target_may_go_on(&b.im.target));
    expect_nothing_sent(&b);
}

// Nor is what was copied from it already.
Test(penstockctl_files, tell_what_was_cut_while_it_is_sent)
{
    expect_failed_sending(write_snapshot, PAGE, PAGE);
    expect_failed_sending(write_log, 2 * PAGE, 2 * PAGE);
    expect_failed_sending(write_log, 10 * COMMAND_BYTES, 10 * COMMAND_BYTES);
    expect_failed_sending(write_log, COMMANDS * COMMAND_BYTES - 1, COMMANDS * COMMAND_BYTES - 1);
}
