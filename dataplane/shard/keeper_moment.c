// keeper_moment.c: what happens while all shards stand, and the base that begins with it.
#include <stdio.h>
#include "dataplane/cmd/persist.h"
#include "dataplane/cmd/script_shards.h"
#include "dataplane/shard/keeper.h"
#include "dataplane/shard/meeting.h"
#include "dataplane/shard/shard.h"

static struct shard *peer(struct shard *s, uint32_t index)
{
    return server_peer(&s->server, index)->shard;
}

static bool is_quiet(struct shard *s)
{
    shard_set all = shard_set_all(s->server.shard_count);
    bool is_file_free = true;
    for (uint32_t i = 0; i < s->server.shard_count; i++) {
        const struct shard *one = peer(s, i);
        if (!appender_may_turn(&one->appender) || one->server.effects.held) is_file_free = false;
    }
    return is_file_free && !script_busy_among(&s->server, all);
}

// What may last is seen from here: nobody has to stand for that.
static bool must_wait(const struct keeper *k)
{
    bool saves = k->purpose != KEEPER_OPEN && k->purpose != KEEPER_END;
    return (saves && persist_is_saving(k->persist)) ||
           __atomic_load_n(&k->aof->older_left, __ATOMIC_ACQUIRE) > 0;
}

static void on_base_end(struct shard *s, int error, const char *step)
{
    struct keeper *k = s->keeper;
    k->error = error;
    k->error_step = step;
    if (error) {
        keeper_fail(s);
        return;
    }
    uint32_t count = k->purpose == KEEPER_BASE ? 0 : s->server.shard_count;
    manifest_end_rewrite(&k->next, &k->base, count);
    if (k->purpose == KEEPER_BEGIN) {
        k->step = KEEPER_NAMING;
        keeper_name_incrs(s);
    } else {
        k->step = KEEPER_COMMITTING;
        keeper_commit_next(s);
    }
}

static void save_base(struct shard *s)
{
    struct keeper *k = s->keeper;
    const struct aof_directory *d = &k->aof->directory;
    char name[MANIFEST_NAME_MAX + 1], path[AOF_PATH_MAX];
    bool is_rdb = s->settings->aof_use_rdb_preamble;
    k->base = manifest_next_base(&k->next, d->prefix, is_rdb);
    aof_directory_path(d, manifest_temporary_base_name(name, d->prefix), path);
    aof_directory_path(d, k->base.name, k->base_path);
    saver_begin_base(s, is_rdb ? &snapshot_rdb : &snapshot_commands, path, k->base_path,
                     on_base_end);
    k->step = KEEPER_SAVING;
    if (keeper_is_opening(k))
        shard_log(s, LOG_NOTICE, "Creating AOF base file %s on server start", k->base.name);
    else
        shard_log(s, LOG_NOTICE, "Background append only file rewriting started");
}

static void turn_all(struct shard *s, bool to_none)
{
    struct keeper *k = s->keeper;
    for (uint32_t i = 0; i < s->server.shard_count; i++) {
        struct shard *one = peer(s, i);
        k->aof->older_bytes += appender_file_bytes(&one->appender);
        appender_turn_to(one, to_none ? NULL : &k->files[i][1 - k->slot]);
    }
    if (!to_none) k->slot = 1 - k->slot;
}

static uint64_t listed_bytes(const struct keeper *k)
{
    const struct aof_directory *d = &k->aof->directory;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < d->manifest.count; i++) {
        uint64_t bytes = 0;
        if (d->manifest.files[i].type == MANIFEST_HISTORY) continue;
        if (aof_directory_file_bytes(d, &d->manifest.files[i], &bytes)) sum += bytes;
    }
    return sum;
}

// The sizes that INFO tells, of what was there at the start.
static void count_files(struct shard *s)
{
    struct keeper *k = s->keeper;
    const struct manifest_file *base = manifest_base(&k->aof->directory.manifest);
    uint64_t all = listed_bytes(k), current = 0;
    for (uint32_t i = 0; i < s->server.shard_count; i++)
        current += appender_file_bytes(&peer(s, i)->appender);
    k->aof->older_bytes = all > current ? all - current : 0;
    k->aof->base_bytes = 0;
    if (base && !aof_directory_file_bytes(&k->aof->directory, base, &k->aof->base_bytes))
        k->aof->base_bytes = 0;
}

// All shards stand.
static void at_moment(struct shard *s)
{
    struct keeper *k = s->keeper;
    switch (k->purpose) {
    case KEEPER_OPEN:
        turn_all(s, false);
        count_files(s);
        keeper_set_state(k, AOF_ON);
        keeper_end_opening(k);
        keeper_clean_up(s);
        break;
    case KEEPER_BEGIN:
        turn_all(s, false);
        keeper_set_state(k, AOF_STARTING);
        save_base(s);
        break;
    case KEEPER_REWRITE:
        turn_all(s, false);
        save_base(s);
        break;
    case KEEPER_BASE:
        save_base(s);
        break;
    case KEEPER_END:
        keeper_set_state(k, AOF_OFF);
        turn_all(s, true);
        k->step = KEEPER_ENDING;
        break;
    }
}

void keeper_take_moment(struct shard *s)
{
    struct keeper *k = s->keeper;
    shard_set others = shard_set_all(s->server.shard_count) & ~shard_set_of(0);
    if (s->server.now_ns < k->moment_ns || must_wait(k)) return;
    k->moment_ns = s->server.now_ns + KEEPER_MOMENT_US * 1000ull; // if this one is none
    if (others && !meeting_hold(s, others)) return;
    if (is_quiet(s)) at_moment(s);
    if (others) meeting_let_go(s, others);
}
