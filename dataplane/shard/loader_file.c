// loader_file.c: the file of a load: opened and mapped for all shards, at the start and for DEBUG
// RELOAD.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include "dataplane/cmd/changed.h"
#include "dataplane/cmd/load.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/cmd/script_cache.h"
#include "dataplane/shard/loader.h"
#include "dataplane/shard/replay.h"
#include "dataplane/shard/shard.h"

static bool refuse(char error[LOADER_ERROR_MAX], const char *name, const char *why)
{
    snprintf(error, LOADER_ERROR_MAX, "Fatal error: can't open the RDB file %.200s for reading: %s",
             name, why);
    return false;
}

// left: shards that have a share in it, and one.
static void begin(struct persist *p, uint32_t flags, uint64_t now_wall_ms, uint32_t left)
{
    p->load_file_bytes = p->load_view.is_open ? p->load_view.file_bytes : 0;
    p->load_flags = flags;
    p->load_started_ms = now_wall_ms;
    p->load_used_memory = 0;
    p->load_failed = 0;
    p->load_log_bytes = p->load_log_done = 0;
    p->load_generation++;
    for (uint32_t i = 0; i < p->shard_count; i++) {
        struct persist_shard *mine = &p->shards[i];
        mine->keys_loaded = mine->keys_expired = mine->keys_empty = mine->loaded_bytes = 0;
    }
    __atomic_store_n(&p->loading_left, left, __ATOMIC_RELEASE);
}

static enum status begin_file(struct persist *p, const char *name, uint32_t flags,
                              uint64_t now_wall_ms, char error[LOADER_ERROR_MAX], bool *is_there)
{
    struct file_view *v = &p->load_view;
    *is_there = file_view_open(v, AT_FDCWD, name);
    if (!*is_there && errno == ENOENT) return OK;
    if (!*is_there || !file_view_map_all(v)) {
        (void)refuse(error, name, file_view_refusal(errno));
        file_view_close(v);
        return ERR_IO;
    }
    begin(p, flags, now_wall_ms, p->shard_count + 1);
    return OK;
}

enum status loader_begin_file(struct persist *p, const char *name, uint32_t flags,
                              uint64_t now_wall_ms, char error[LOADER_ERROR_MAX])
{
    bool is_there;
    if (begin_file(p, name, flags, now_wall_ms, error, &is_there) != OK) return ERR_IO;
    return is_there || refuse(error, name, strerror(ENOENT)) ? OK : ERR_IO;
}

void loader_begin_nothing(struct persist *p, uint64_t now_wall_ms) { begin(p, 0, now_wall_ms, 1); }

enum status loader_begin(struct persist *p, const struct settings *settings, uint64_t now_wall_ms,
                         char error[LOADER_ERROR_MAX])
{
    bool is_there;
    return begin_file(p, settings->dbfilename, 0, now_wall_ms, error, &is_there);
}

// ---- once more

static void empty(struct server *s)
{
    changed_flush(s, CHANGED_ALL_DATABASES);
    for (int64_t db = 0; db < s->settings->databases; db++)
        keyspace_flush(s->keyspace, (uint32_t)db);
    scripts_flush(s->scripts, SCRIPT_KIND_FUNCTIONS, false);
}

static bool begin_snapshot(struct server *server, uint32_t flags)
{
    char error[LOADER_ERROR_MAX];
    bool is_there;
    uint32_t load_flags = flags & PERSIST_RELOAD_MERGE ? LOAD_MERGE : 0;
    enum status status = begin_file(server->persist, server->settings->dbfilename, load_flags,
                                    clock_wall_us() / 1000, error, &is_there);
    if (status != OK) shard_log(server->shard, LOG_WARNING, "%s", error);
    return status == OK && is_there;
}

static bool begin_log(struct server *server)
{
    char error[REPLAY_ERROR_MAX];
    struct aof *aof = &server->persist->aof;
    if (aof->directory.lock_fd < 0) return false;
    if (replay_begin(server->persist, aof, server->settings, clock_wall_us() / 1000, error) == OK)
        return true;
    shard_log(server->shard, LOG_WARNING, "%s", error);
    return false;
}

bool loader_reload(struct server *server, uint32_t flags)
{
    struct persist *p = server->persist;
    if (!p || persist_is_loading(p)) return false;
    if (!(flags & PERSIST_RELOAD_LOG ? begin_log(server) : begin_snapshot(server, flags)))
        return false;
    for (uint32_t i = 0; i < server_peer_count(server) && !(flags & PERSIST_RELOAD_NO_FLUSH); i++)
        empty(server_peer(server, i));
    return true;
}
