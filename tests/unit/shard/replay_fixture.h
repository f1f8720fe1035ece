// replay_fixture.h: a folder with an append-only log, written by the test, and servers of any
// number of shards that load it.
//
// Thread:  the test's is the first shard
// Memory:  story_close removes the folder
#pragma once
#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "dataplane/cmd/persist.h"
#include "dataplane/shard/replay.h"
#include "tests/unit/shard/crowd.h"

enum { STORY_LOG_BYTES = 64 << 10 };

struct story {
    char folder[64];
    struct wire_text manifest;
    char log[STORY_LOG_BYTES]; // what the shards said, a line each
    struct persist persist;
    struct heap heap;
    struct settings settings; // for replay_begin
    struct crowd *crowd;
    struct peer *peer;
};

// The log's folder lies below the working folder, which is the test's own process's.
static inline struct story *story_open(void)
{
    struct story *t = calloc(1, sizeof *t);
    CHECK(t != NULL);
    snprintf(t->folder, sizeof t->folder, "/tmp/penstock-replay-XXXXXX");
    CHECK(mkdtemp(t->folder) != NULL && chdir(t->folder) == 0 && mkdir("appendonlydir", 0755) == 0);
    return t;
}

static inline void story_remove_files(void)
{
    DIR *folder = opendir("appendonlydir");
    char path[320];
    for (const struct dirent *e; folder && (e = readdir(folder)) != NULL;) {
        snprintf(path, sizeof path, "appendonlydir/%s", e->d_name);
        unlink(path);
    }
    if (folder) closedir(folder);
}

static inline void story_close(struct story *t)
{
    story_remove_files();
    CHECK(rmdir("appendonlydir") == 0 && chdir("/") == 0 && rmdir(t->folder) == 0);
    wire_free(&t->manifest);
    free(t);
}

// ---- files

static inline const char *story_path(const char *name, char path[320])
{
    snprintf(path, 320, "appendonlydir/%s", name);
    return path;
}
static inline void story_write(const char *name, const void *data, size_t size)
{
    char path[320];
    FILE *f = fopen(story_path(name, path), "w");
    CHECK(f && fwrite(data, 1, size, f) == size && fclose(f) == 0);
}
static inline int64_t story_bytes(const char *name)
{
    struct stat facts;
    char path[320];
    return stat(story_path(name, path), &facts) == 0 ? facts.st_size : -1;
}
// Commands, a line each; "#..." stands as it is.
static inline struct wire_text story_commands(const char *lines)
{
    struct wire_text text = { 0 };
    for (const char *end; (end = strchr(lines, '\n')) != NULL; lines = end + 1) {
        if (*lines == '#')
            wire_add(&text, "%.*s\r\n", (int)(end - lines), lines);
        else
            wire_add_request(&text, "%.*s", (int)(end - lines), lines);
    }
    return text;
}
static inline void story_list(struct story *t, const char *name, int seq, char type, int shard)
{
    wire_add(&t->manifest, "file %s seq %d type %c", name, seq, type);
    if (shard >= 0) wire_add(&t->manifest, " shard %d", shard);
    wire_add(&t->manifest, "\n");
    story_write("appendonly.aof.manifest", t->manifest.data, t->manifest.size);
}
static inline void story_add_bytes(struct story *t, const char *name, int seq, char type, int shard,
                                   const void *data, size_t size)
{
    story_write(name, data, size);
    story_list(t, name, seq, type, shard);
}
static inline void story_add(struct story *t, const char *name, int seq, char type, int shard,
                             const char *lines)
{
    struct wire_text text = story_commands(lines);
    story_add_bytes(t, name, seq, type, shard, text.data, text.size);
    wire_free(&text);
}
// A log of one shard.
static inline void story_add_log(struct story *t, const char *lines)
{
    story_add(t, "appendonly.aof.1.incr.aof", 1, 'i', -1, lines);
}

// ---- a server

static inline void story_take_log(struct story *t)
{
    int level;
    uint64_t wall_us;
    char line[1200];
    for (uint32_t i = 0; i < t->crowd->count; i++) {
        struct region_shard *shard = region_shard(&t->crowd->f->region, i);
        while (region_log_read(shard, &level, &wall_us, line, sizeof line)) {
            size_t at = strlen(t->log);
            snprintf(t->log + at, sizeof t->log - at, "%s\n", line);
        }
    }
}
static inline bool story_says(const struct story *t, const char *text)
{
    bool says = strstr(t->log, text) != NULL;
    if (!says) fprintf(stderr, "not said: %s\nbut:\n%s", text, t->log);
    return says;
}

// error: "" when it could begin.
static inline bool story_begin(struct story *t, uint32_t shard_count, bool may_cut,
                               char error[REPLAY_ERROR_MAX])
{
    struct aof_directory *d = &t->persist.aof.directory;
    t->log[0] = error[0] = 0;
    CHECK(heap_open(&t->heap) == OK);
    persist_open(&t->persist, shard_count, 1);
    settings_init(&t->settings);
    t->settings.aof_load_truncated = may_cut;
    if (aof_directory_open(d, &t->heap, "appendonlydir", "appendonly.aof", error) != OK ||
        replay_begin(&t->persist, &t->persist.aof, &t->settings, clock_wall_us() / 1000, error) !=
            OK)
        return false;
    t->persist.aof.state = AOF_ON;
    return true;
}

static inline struct fixture *story_fixture(struct story *t, uint32_t shard_count)
{
    struct fixture *f = fixture_new_of(shard_count);
    f->persist = &t->persist;
    return f;
}
static inline void story_serve(struct story *t, struct fixture *f, uint32_t shard_count)
{
    t->crowd = crowd_open_with(f, shard_count, shard_count > 1, "");
    t->peer = peer_connect(f);
}

static inline bool story_is_loaded(struct story *t)
{
    bool is_loaded = FIXTURE_WAIT(t->crowd->f, !persist_is_loading(&t->persist));
    fixture_steps(t->crowd->f, 3);
    story_take_log(t);
    return is_loaded;
}

static inline void story_end_begin(struct story *t)
{
    replay_close(&t->persist);
    aof_directory_close(&t->persist.aof.directory);
    CHECK(t->heap.bytes_total == 0); // all was given back
    heap_close(&t->heap);
    settings_close(&t->settings);
}

static inline void story_stop(struct story *t)
{
    crowd_close(t->crowd);
    t->crowd = NULL;
    story_end_begin(t);
}

// Started and loaded.
static inline bool story_start(struct story *t, uint32_t shard_count)
{
    char error[REPLAY_ERROR_MAX];
    if (!story_begin(t, shard_count, true, error)) {
        fprintf(stderr, "%s\n", error);
        return false;
    }
    story_serve(t, story_fixture(t, shard_count), shard_count);
    return story_is_loaded(t);
}

// What a server says that cannot start with this log, in a process of its own: to control; the log
// is in t->log. "": it starts, or ends in another way than by exit(1).
static inline void story_fails(struct story *t, uint32_t shard_count, bool may_cut,
                               char text[REPLAY_ERROR_MAX])
{
    struct fixture *f =
        story_fixture(t, shard_count); // its region is shared with the other process
    struct region_dataplane *part = f->region.dataplane;
    int status;
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        char error[REPLAY_ERROR_MAX];
        if (!story_begin(t, shard_count, may_cut, error)) { // as the main does
            snprintf(part->start_error, sizeof part->start_error, "%.500s", error);
            _exit(1);
        }
        story_serve(t, f, shard_count);
        (void)story_is_loaded(t);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    bool has_failed = WIFEXITED(status) && WEXITSTATUS(status) == 1;
    snprintf(text, REPLAY_ERROR_MAX, "%s", has_failed ? part->start_error : "");
    if (!has_failed) fprintf(stderr, "status %x: %s\n", status, part->start_error);
    bell_close(&f->bell);
    region_close(&f->region, false);
    free(f);
}
