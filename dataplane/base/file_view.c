#include "dataplane/base/file_view.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataplane/base/check.h"

enum { MAP_ALIGNMENT = 1 << 16 }; // a multiple of every page size there is

static struct {
    bool lock; // held while the list changes or is searched: never while a view is read
    bool is_handled;
    struct file_view *first;
    struct sigaction before; // what was done about SIGBUS
} views;

static void lock_views(void)
{
    while (__atomic_test_and_set(&views.lock, __ATOMIC_ACQUIRE)) __builtin_ia32_pause();
}
static void unlock_views(void) { __atomic_clear(&views.lock, __ATOMIC_RELEASE); }

// ---- a fault

static size_t page_bytes(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static size_t whole_pages(size_t bytes) { return (bytes + page_bytes() - 1) & ~(page_bytes() - 1); }

static struct file_view *find_view(const uint8_t *at)
{
    struct file_view *v = views.first;
    while (v && !(v->data && at >= v->data && at < v->data + whole_pages(v->bytes))) v = v->next;
    return v;
}

// Noted first: who reads the zeros asks behind them.
static bool put_zeros(struct file_view *v, const uint8_t *at)
{
    uint64_t none = 0, fault = v->offset + (uint64_t)(at - v->data) + 1;
    uint8_t *start = (uint8_t *)((uintptr_t)at & ~(page_bytes() - 1));
    size_t bytes = (size_t)(v->data + whole_pages(v->bytes) - start);
    (void)__atomic_compare_exchange_n(&v->fault, &none, fault, false, __ATOMIC_ACQ_REL,
                                      __ATOMIC_RELAXED);
    return mmap(start, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
                -1, 0) == start;
}

static bool mend(const uint8_t *at)
{
    lock_views();
    struct file_view *v = find_view(at);
    bool is_mended = v && put_zeros(v, at);
    unlock_views();
    return is_mended;
}

// Sent by somebody (a code of 0 or less), it is about no address.
static void handle_fault(int signal, siginfo_t *info, void *context)
{
    int error = errno;
    if (info->si_code > 0 && mend(info->si_addr)) {
        errno = error;
    } else if (views.before.sa_flags & SA_SIGINFO) {
        views.before.sa_sigaction(signal, info, context);
    } else { // a fault comes again when this returns
        sigaction(signal, &views.before, NULL);
        if (info->si_code <= 0) raise(signal);
    }
}

static void handle_faults(void)
{
    // A stack of its own where the thread has one: as a crash's report needs it.
    struct sigaction action = { .sa_sigaction = handle_fault,
                                .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
    sigemptyset(&action.sa_mask);
    CHECK(sigaction(SIGBUS, &action, &views.before) == 0);
    views.is_handled = true;
}

// ---- opening and closing

static void enlist(struct file_view *v)
{
    lock_views();
    if (!views.is_handled) handle_faults();
    v->next = views.first;
    views.first = v;
    unlock_views();
}

static void take_out(const struct file_view *v)
{
    struct file_view **at = &views.first;
    lock_views();
    while (*at && *at != v) at = &(*at)->next;
    CHECK(*at == v);
    *at = v->next;
    unlock_views();
}

bool file_view_open(struct file_view *v, int folder_fd, const char *name)
{
    struct stat facts;
    *v = (struct file_view){ .is_open = false };
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    int error = fstat(fd, &facts) != 0 ? errno : S_ISREG(facts.st_mode) ? 0 : EINVAL;
    if (error) {
        close(fd);
        errno = error;
        return false;
    }
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL); // a hint only
    v->is_open = true;
    v->fd = fd;
    v->file_bytes = (uint64_t)facts.st_size;
    enlist(v);
    return true;
}

const char *file_view_refusal(int error)
{
    return error == EINVAL ? "it is no regular file" : strerror(error);
}

// What the handler may find is changed under the lock.
static void set_map(struct file_view *v, const uint8_t *data, uint64_t offset, size_t bytes)
{
    lock_views();
    v->data = data;
    v->offset = offset;
    v->bytes = bytes;
    unlock_views();
}

static void drop_map(struct file_view *v)
{
    void *data = (void *)(uintptr_t)v->data;
    size_t bytes = v->bytes;
    set_map(v, NULL, 0, 0);
    if (data) CHECK(munmap(data, bytes) == 0);
}

void file_view_close(struct file_view *v)
{
    if (!v->is_open) return;
    drop_map(v);
    take_out(v);
    close(v->fd);
    v->is_open = false;
}

// ---- mapping

static bool map(struct file_view *v, uint64_t offset, uint64_t bytes)
{
    drop_map(v);
    void *data = mmap(NULL, bytes, PROT_READ, MAP_SHARED, v->fd, (off_t)offset);
    if (data == MAP_FAILED) return false;
    (void)madvise(data, bytes, MADV_SEQUENTIAL); // a hint only
    set_map(v, data, offset, bytes);
    return true;
}

bool file_view_map_all(struct file_view *v)
{
    return v->file_bytes == 0 || map(v, 0, v->file_bytes);
}

bool file_view_move(struct file_view *v, uint64_t offset, uint64_t wanted_bytes)
{
    CHECK(wanted_bytes > 0 && offset < v->file_bytes && wanted_bytes <= v->file_bytes - offset);
    uint64_t start = offset & ~(uint64_t)(MAP_ALIGNMENT - 1);
    uint64_t bytes = offset - start + wanted_bytes + FILE_VIEW_WINDOW_BYTES;
    uint64_t most = v->file_bytes - start;
    return map(v, start, bytes < most ? bytes : most);
}

struct bytes file_view_at(const struct file_view *v, uint64_t offset)
{
    if (offset < v->offset || offset - v->offset >= v->bytes) return bytes_make(NULL, 0);
    size_t skipped = (size_t)(offset - v->offset);
    return bytes_make(v->data + skipped, v->bytes - skipped);
}

// ---- trouble

// size: what a read at this offset returned, that should have read something.
static void tell(struct file_trouble *t, uint64_t offset, ssize_t size)
{
    const char *why = size < 0    ? strerror(errno)
                      : size == 0 ? "it has become shorter meanwhile"
                                  : "it could not be read, and can be now";
    *t = (struct file_trouble){ .offset = offset, .is_short = size == 0 };
    snprintf(t->why, sizeof t->why, "%s", why);
}

bool file_view_find_trouble(const struct file_view *v, struct file_trouble *out)
{
    uint64_t fault = __atomic_load_n(&v->fault, __ATOMIC_ACQUIRE);
    struct stat facts;
    uint8_t byte;
    if (fault) {
        tell(out, fault - 1, pread(v->fd, &byte, 1, (off_t)fault - 1));
        return true;
    }
    bool is_known = fstat(v->fd, &facts) == 0;
    if (is_known && (uint64_t)facts.st_size >= v->file_bytes) return false;
    tell(out, is_known ? (uint64_t)facts.st_size : 0, is_known ? 0 : -1);
    return true;
}

// ---- reading ahead

enum status file_view_read_ahead(struct file_view *v, uint64_t end, struct file_trouble *trouble)
{
    uint8_t nowhere[FILE_VIEW_PIECE_BYTES]; // it is in the page cache then
    uint64_t at = v->read_bytes;
    if (at >= end) return OK;
    size_t size = end - at < sizeof nowhere ? end - at : sizeof nowhere;
    ssize_t got = pread(v->fd, nowhere, size, (off_t)at);
    if (got < 0 && errno == EINTR) return OK;
    if (got > 0) {
        __atomic_store_n(&v->read_bytes, at + (uint64_t)got, __ATOMIC_RELEASE);
        return OK;
    }
    tell(trouble, at, got);
    return ERR_IO;
}
