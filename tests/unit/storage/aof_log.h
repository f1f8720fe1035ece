// aof_log.h: logs of several shards as texts, in a folder of a test's own, and the plan of them.
#pragma once
#include <stdarg.h>
#include "storage/aof/aof_plan.h"
#include "storage/aof/aof_write.h"
#include "tests/unit/storage/aof_folder.h"

#define SET "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
#define MULTI "*1\r\n$5\r\nMULTI\r\n"
#define EXEC "*1\r\n$4\r\nEXEC\r\n"
#define TX(number_and_count) "#TX:" number_and_count "\r\n" MULTI SET EXEC

struct world {
    struct folder folder;
    struct aof_plan plan;
    struct aof_plan_error error;
    char manifest[4096];
    uint32_t incr_count;
};

static inline void world_make(struct world *w)
{
    folder_make(&w->folder);
    w->manifest[0] = '\0';
    w->incr_count = 0;
    CHECK(mkdir(FOLDER, 0755) == 0);
}
static inline void world_close(struct world *w) { folder_close(&w->folder); }

static inline char *incr_path(char *out, uint32_t seq)
{
    snprintf(out, AOF_PATH_MAX, FOLDER "/" PREFIX ".%u.incr.aof", seq);
    return out;
}
static inline void list_file(struct world *w, const char *line)
{
    strcat(w->manifest, line);
    CHECK(strlen(w->manifest) < sizeof w->manifest - 128);
}
// The next incr; shard -1: it says none. Its content is put with put_bytes, or here.
static inline void add_incr(struct world *w, int shard, const char *text)
{
    char line[128], path[AOF_PATH_MAX];
    uint32_t seq = ++w->incr_count;
    int size = snprintf(line, sizeof line, "file " PREFIX ".%u.incr.aof seq %u type i", seq, seq);
    if (shard >= 0) size += snprintf(line + size, sizeof line - size, " shard %d", shard);
    snprintf(line + size, sizeof line - size, "\n");
    list_file(w, line);
    if (text) put_text(incr_path(path, seq), text);
}
static inline enum status make_plan(struct world *w, bool may_cut)
{
    put_text(MANIFEST, w->manifest);
    cr_assert_eq(folder_open_again(&w->folder), OK, "%s", w->folder.error);
    return aof_plan_make(&w->plan, &w->folder.heap, &w->folder.d, may_cut, &w->error);
}
