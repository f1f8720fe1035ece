#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "dataplane/base/hash.h"
#include "storage/flusher.h"

// The flusher's thread on the kernel's disk, and ports in threads of their own, as shards are.

enum { PORTS = 3, RECORDS = 400, RECORD_MAX = 3000, FOREVER_MS = 20000, PATH_BYTES = 64 };

struct scene;
struct player { // a port's thread
    struct scene *scene;
    struct flusher_port *port;
    struct waker waker;
    struct flush_file log;
    char path[PATH_BYTES];
    struct rng rng;
    uint32_t index, done;
    pthread_t thread;
};
struct scene {
    char folder[PATH_BYTES / 2];
    struct disk *disk;
    struct flusher *flusher;
    struct player players[PORTS];
    struct flush_file snapshot;
    char snapshot_path[PATH_BYTES], target[PATH_BYTES];
    pthread_barrier_t barrier;
};

static void scene_open(struct scene *s, const char *folder, int core)
{
    struct waker *wakers[PORTS];
    memset(s, 0, sizeof *s);
    strcpy(s->folder, folder ? folder : "/tmp/penstock-flush-XXXXXX");
    if (!folder) cr_assert(ne(ptr, mkdtemp(s->folder), NULL));
    cr_assert(eq(int, disk_uring_open(&s->disk), OK));
    for (uint32_t i = 0; i < PORTS; i++) {
        cr_assert(eq(int, waker_open(&s->players[i].waker), OK));
        wakers[i] = &s->players[i].waker;
    }
    struct flusher_config config = { PORTS, wakers, s->disk, core };
    cr_assert(eq(int, flusher_open(&s->flusher, &config), OK));
    cr_assert(eq(int, flusher_start(s->flusher), OK));
    pthread_barrier_init(&s->barrier, NULL, PORTS);
    snprintf(s->snapshot_path, PATH_BYTES, "%s/temp.rdb", s->folder);
    snprintf(s->target, PATH_BYTES, "%s/dump.rdb", s->folder);
    for (uint32_t i = 0; i < PORTS; i++) {
        struct player *p = &s->players[i];
        p->scene = s;
        p->index = i;
        p->port = flusher_port_of(s->flusher, i);
        rng_seed(&p->rng, i);
        snprintf(p->path, PATH_BYTES, "%s/%u.aof", s->folder, i);
        p->log = (struct flush_file){ .kind = FLUSH_LOG, .path = p->path, .port = i };
    }
}
static void scene_close(struct scene *s)
{
    flusher_close(s->flusher);
    s->disk->ops->close(s->disk);
    for (uint32_t i = 0; i < PORTS; i++) {
        waker_close(&s->players[i].waker);
        unlink(s->players[i].path);
    }
    unlink(s->target);
    cr_expect(zero(int, rmdir(s->folder)), "something is left");
}
static void run_players(struct scene *s, void *(*play)(void *context))
{
    for (uint32_t i = 0; i < PORTS; i++)
        pthread_create(&s->players[i].thread, NULL, play, &s->players[i]);
    for (uint32_t i = 0; i < PORTS; i++) pthread_join(s->players[i].thread, NULL);
}

static bool has_input(void *context) { return flush_has_input(context); }

// A shard's turn with nothing else to do: sleeps until the flusher has something.
static void turn(struct player *p)
{
    struct pollfd fd = { .fd = waker_fd(&p->waker), .events = POLLIN };
    flush_flush(p->port);
    if (flush_poll(p->port) > 0) return;
    if (!waker_prepare_sleep(&p->waker, has_input, p->port)) return;
    CHECK(poll(&fd, 1, FOREVER_MS) == 1); // a wake that is lost shows here
    waker_end_sleep(&p->waker);
    waker_drain(&p->waker);
}

static void is_done(void *context, struct flush_request *r) { ++*(uint32_t *)context; }
static int do_request(struct player *p, struct flush_request r)
{
    r.done = is_done;
    r.context = &p->done;
    p->done = 0;
    flush_ask(p->port, &r);
    while (p->done == 0) turn(p);
    return r.error;
}

static struct flush_chunk *take(struct player *p)
{
    struct flush_chunk *c;
    while (!(c = flush_take_chunk(p->port))) turn(p);
    return c;
}
static uint64_t durable_of(const struct flush_file *file)
{
    return __atomic_load_n(&file->durable, __ATOMIC_ACQUIRE);
}

static uint8_t *read_whole(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY);
    cr_assert(ge(int, fd, 0), "%s", path);
    *size = (size_t)lseek(fd, 0, SEEK_END);
    uint8_t *out = malloc(*size + 1);
    cr_assert(eq(i64, pread(fd, out, *size, 0), (ssize_t)*size));
    close(fd);
    return out;
}

// Logs

static uint8_t byte_at(uint32_t index, uint64_t position)
{
    return (uint8_t)(index * 37 + position * 131 + (position >> 9));
}
static uint64_t write_record(struct player *p, uint64_t position)
{
    struct flush_chunk *c = take(p);
    c->size = 1 + (uint32_t)rng_below(&p->rng, RECORD_MAX);
    for (uint32_t i = 0; i < c->size; i++) c->data[i] = byte_at(p->index, position + i);
    position += c->size;
    flush_write(p->port, &p->log, c, true);
    return position;
}
static void *play_log(void *context)
{
    struct player *p = context;
    uint64_t position = 0;
    CHECK(do_request(p, (struct flush_request){ .op = FLUSH_CREATE, .file = &p->log }) == 0);
    for (uint32_t i = 0; i < RECORDS; i++) {
        position = write_record(p, position);
        if (p->log.sync != FLUSH_SYNC_ALWAYS || rng_below(&p->rng, 10) > 0) continue;
        while (durable_of(&p->log) < position) turn(p);
    }
    CHECK(do_request(p, (struct flush_request){ .op = FLUSH_FINISH, .file = &p->log }) == 0);
    CHECK(durable_of(&p->log) == position);
    return NULL;
}
static void expect_log(const struct player *p)
{
    size_t size;
    uint8_t *bytes = read_whole(p->path, &size);
    cr_expect(eq(u64, size, durable_of(&p->log)));
    for (size_t i = 0; i < size; i++) cr_assert(eq(u8, bytes[i], byte_at(p->index, i)));
    free(bytes);
}

Test(flusher_thread, writes_the_logs_of_several_threads_that_wait_for_durability)
{
    struct scene s;
    scene_open(&s, NULL, -1);
    for (uint32_t i = 0; i < PORTS; i++) s.players[i].log.sync = FLUSH_SYNC_ALWAYS;
    run_players(&s, play_log);
    for (uint32_t i = 0; i < PORTS; i++) expect_log(&s.players[i]);
    scene_close(&s);
}

Test(flusher_thread, writes_logs_of_different_policies)
{
    struct scene s;
    scene_open(&s, NULL, -1);
    for (uint32_t i = 0; i < PORTS; i++) s.players[i].log.sync = (enum flush_sync)(i % 3);
    run_players(&s, play_log);
    for (uint32_t i = 0; i < PORTS; i++) expect_log(&s.players[i]);
    scene_close(&s);
}

Test(flusher_thread, writes_what_was_handed_over_when_it_closes)
{
    struct scene s;
    scene_open(&s, NULL, -1);
    struct player *p = &s.players[1];
    uint64_t position = 0;
    size_t size;
    cr_assert(zero(int, do_request(p, (struct flush_request){ FLUSH_CREATE, .file = &p->log })));
    for (uint32_t i = 0; i < 10; i++) position = write_record(p, position);
    flusher_close(s.flusher);
    s.flusher = NULL;
    free(read_whole(p->path, &size));
    cr_expect(eq(u64, size, position));
    cr_expect(eq(u64, p->log.durable, position));
    scene_close(&s);
}

// A snapshot of all

static void write_group(struct player *p, uint32_t group)
{
    uint32_t pieces = 1 + (uint32_t)rng_below(&p->rng, 20);
    for (uint32_t i = 0; i < pieces; i++) {
        struct flush_chunk *c = take(p);
        c->size = 1 + (uint32_t)rng_below(&p->rng, FLUSH_CHUNK_BYTES);
        memset(c->data, (int)(p->index * 64 + group), c->size);
        flush_write(p->port, &p->scene->snapshot, c, i + 1 == pieces);
    }
}
static void *play_snapshot(void *context)
{
    struct player *p = context;
    struct flush_file *file = &p->scene->snapshot;
    if (p->index == 0)
        CHECK(do_request(p, (struct flush_request){ .op = FLUSH_CREATE, .file = file }) == 0);
    pthread_barrier_wait(&p->scene->barrier);
    for (uint32_t group = 0; group < 20; group++) write_group(p, group);
    while (flush_chunks_under_way(p->port) > 0) turn(p);
    pthread_barrier_wait(&p->scene->barrier);
    return NULL;
}

Test(flusher_thread, writes_a_snapshot_of_several_threads_with_groups_together)
{
    struct scene s;
    size_t size, at = 0;
    uint32_t next[PORTS] = { 0 };
    scene_open(&s, NULL, 0);
    s.snapshot = (struct flush_file){
        .kind = FLUSH_SNAPSHOT, .path = s.snapshot_path, .has_trailer = true, .has_checksum = true
    };
    run_players(&s, play_snapshot);
    struct flush_request commit = { FLUSH_COMMIT, .file = &s.snapshot, .target = s.target };
    cr_assert(zero(int, do_request(&s.players[0], commit)));
    uint8_t *bytes = read_whole(s.target, &size);
    cr_expect(eq(u64, load_le64(bytes + size - 8), crc64(0, bytes, size - 8)));
    while (at < size - 8) {
        uint8_t mark = bytes[at];
        cr_assert(lt(u32, mark / 64, PORTS));
        cr_assert(eq(u32, mark % 64, next[mark / 64]));
        next[mark / 64]++;
        while (at < size - 8 && bytes[at] == mark) at++;
    }
    for (uint32_t i = 0; i < PORTS; i++) cr_expect(eq(u32, next[i], 20));
    free(bytes);
    scene_close(&s);
}

// A full disk

static bool mount_small(const char *folder)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0) return false;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return false;
    return mount("none", folder, "tmpfs", 0, "size=256k") == 0;
}

// A little less than a chunk at a time, until the disk has refused.
static uint64_t fill(struct player *p)
{
    uint64_t position = 0;
    for (uint32_t i = 0; i < 5; i++) {
        struct flush_chunk *c = take(p);
        c->size = FLUSH_CHUNK_BYTES - 100;
        for (uint32_t k = 0; k < c->size; k++) c->data[k] = byte_at(p->index, position + k);
        position += c->size;
        flush_write(p->port, &p->log, c, true);
        flush_flush(p->port);
    }
    while (__atomic_load_n(&p->log.error, __ATOMIC_RELAXED) == 0) turn(p);
    return position;
}

Test(flusher_thread, goes_on_when_a_full_disk_has_room_again)
{
    struct scene s;
    char folder[] = "/tmp/penstock-flush-XXXXXX";
    cr_assert(ne(ptr, mkdtemp(folder), NULL));
    if (!mount_small(folder)) {
        rmdir(folder);
        printf("# skipped: needs to mount a file system of its own\n");
        return;
    }
    scene_open(&s, folder, -1);
    struct player *p = &s.players[0];
    p->log.sync = FLUSH_SYNC_ALWAYS;
    cr_assert(zero(int, do_request(p, (struct flush_request){ FLUSH_CREATE, .file = &p->log })));
    uint64_t size = fill(p);
    cr_expect(eq(int, p->log.error, ENOSPC));
    while (durable_of(&p->log) < 2 * (FLUSH_CHUNK_BYTES - 100)) turn(p);
    cr_expect(eq(u64, durable_of(&p->log), 2 * (FLUSH_CHUNK_BYTES - 100)), "whole chunks that fit");
    cr_assert(zero(int, mount("none", folder, "tmpfs", MS_REMOUNT, "size=4m")));
    while (durable_of(&p->log) < size) turn(p);
    cr_expect(zero(int, p->log.error));
    expect_log(p);
    flusher_close(s.flusher);
    s.flusher = NULL;
    unlink(p->path);
    cr_assert(zero(int, umount2(folder, MNT_DETACH)));
    scene_close(&s);
}

// The thread

static int thread_named(const char *wanted)
{
    char path[64], name[32];
    struct dirent *entry;
    int found = 0;
    DIR *tasks = opendir("/proc/self/task");
    while ((entry = readdir(tasks))) {
        snprintf(path, sizeof path, "/proc/self/task/%.20s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file && fgets(name, sizeof name, file) && strncmp(name, wanted, strlen(wanted)) == 0)
            found = atoi(entry->d_name);
        if (file) fclose(file);
    }
    closedir(tasks);
    return found;
}

Test(flusher_thread, has_a_name_a_core_and_no_signals)
{
    struct scene s;
    cpu_set_t cores;
    char path[64], line[128];
    unsigned long long blocked = 0;
    scene_open(&s, NULL, 1);
    int thread = thread_named("flusher\n");
    cr_assert(gt(int, thread, 0));
    cr_assert(zero(int, sched_getaffinity(thread, sizeof cores, &cores)));
    cr_expect(eq(int, CPU_COUNT(&cores), 1));
    int is_there = CPU_ISSET(1, &cores);
    cr_expect(ne(int, is_there, 0));
    snprintf(path, sizeof path, "/proc/self/task/%d/status", thread);
    FILE *file = fopen(path, "r");
    while (fgets(line, sizeof line, file)) (void)sscanf(line, "SigBlk: %llx", &blocked);
    fclose(file);
    cr_expect(eq(u64, blocked >> (SIGTERM - 1) & 1, 1));
    cr_expect(zero(u64, blocked >> (SIGSEGV - 1) & 1), "a crash is to be reported");
    scene_close(&s);
}

Test(flusher_thread, does_not_start_on_a_core_that_is_not_there)
{
    struct disk *disk;
    struct flusher *f;
    cr_assert(eq(int, disk_uring_open(&disk), OK));
    struct flusher_config config = { .port_count = 1, .disk = disk, .core = 1000 };
    cr_assert(eq(int, flusher_open(&f, &config), OK));
    cr_expect(eq(int, flusher_start(f), ERR_IO));
    flusher_close(f);
    disk->ops->close(disk);
}
