// keeper_files.c: what the keeper asks of the flusher. Each of these begins requests; the step ends
// when none is outstanding.
#include <stdio.h>
#include <string.h>
#include "dataplane/cmd/persist.h"
#include "dataplane/shard/keeper.h"
#include "dataplane/shard/shard.h"

enum { BEHIND_INCRS = PLACEMENT_SHARDS_MAX }; // of the requests

static struct flusher_port *port_of(struct shard *s) { return s->saver.port; }
static const struct aof_directory *directory_of(const struct keeper *k)
{
    return &k->aof->directory;
}

static void on_done(void *context, struct flush_request *r)
{
    struct keeper *k = context;
    k->outstanding--;
    // One that can be seen stays so when committing it again fails, however early.
    bool is_manifest = r->op == FLUSH_REPLACE && r->text.size;
    if (is_manifest) k->is_in_doubt = r->error && (r->is_renamed || k->is_in_doubt);
    if (k->is_in_doubt) return;
    if (!r->error || k->error) return;
    k->error = r->error;
    k->error_step = r->error_step;
}

static void ask(struct shard *s, uint32_t i, struct flush_request request)
{
    struct keeper *k = s->keeper;
    k->requests[i] = request;
    k->requests[i].done = on_done;
    k->requests[i].context = k;
    k->outstanding++;
    flush_ask(port_of(s), &k->requests[i]);
}

// ---- incrs

static struct appender_file *next_file(struct keeper *k, uint32_t shard)
{
    return &k->files[shard][1 - k->slot];
}

static void on_created(void *context, struct flush_request *r)
{
    struct appender_file *f = LIST_OWNER(r->file, struct appender_file, file);
    if (!r->error) __atomic_store_n(&f->is_open, true, __ATOMIC_RELEASE);
    on_done(context, r);
}

static void create(struct shard *s, uint32_t i, uint64_t good_bytes, bool must_append)
{
    struct appender_file *f = next_file(s->keeper, i);
    f->file = (struct flush_file){ .kind = FLUSH_LOG,
                                   .path = f->path,
                                   .must_append = must_append,
                                   .start_size = good_bytes,
                                   .port = i,
                                   .sync = appender_sync(s->settings) };
    ask(s, i, (struct flush_request){ .op = FLUSH_CREATE, .file = &f->file });
    s->keeper->requests[i].done = on_created;
}

static int32_t tag_of(const struct shard *s, uint32_t i)
{
    return s->server.shard_count > 1 ? (int32_t)i : -1;
}

// While nothing lists them they have names that a start removes.
static void temporary_path(const struct keeper *k, uint32_t i, char out[AOF_PATH_MAX])
{
    char name[MANIFEST_NAME_MAX + 1];
    const struct aof_directory *d = directory_of(k);
    manifest_temporary_incr_name(name, d->prefix);
    if (i > 0) {
        size_t size = strlen(name);
        snprintf(name + size, sizeof name - size, ".%u", i);
    }
    aof_directory_path(d, name, out);
}

static const char *marker_path(struct keeper *k)
{
    char name[MANIFEST_NAME_MAX + 1];
    const struct aof_directory *d = directory_of(k);
    return aof_directory_path(d, manifest_begin_marker_name(name, d->prefix), k->target);
}

// Until the first manifest is there, this says that nothing counts.
static void put_marker(struct shard *s)
{
    struct keeper *k = s->keeper;
    const char *marker = marker_path(k);
    snprintf(k->path, sizeof k->path, "%.*s.new", (int)sizeof k->path - 8, marker);
    ask(s, BEHIND_INCRS,
        (struct flush_request){ .op = FLUSH_REPLACE, .path = k->path, .target = marker });
}

void keeper_remove_marker(struct shard *s)
{
    const char *marker = marker_path(s->keeper);
    ask(s, BEHIND_INCRS, (struct flush_request){ .op = FLUSH_REMOVE, .path = marker });
}

void keeper_create_incrs(struct shard *s)
{
    struct keeper *k = s->keeper;
    uint32_t count = s->server.shard_count;
    if (k->purpose == KEEPER_BEGIN) put_marker(s);
    manifest_begin_rewrite(&k->next, directory_of(k)->prefix, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct manifest_file *f = manifest_last_incr(&k->next, tag_of(s, i));
        if (k->purpose == KEEPER_BEGIN)
            temporary_path(k, i, next_file(k, i)->path);
        else
            aof_directory_path(directory_of(k), f->name, next_file(k, i)->path);
        create(s, i, 0, false);
    }
}

// The last ones are those of these shards, in their order.
static const struct manifest_file *last_run(const struct shard *s)
{
    const struct manifest *m = &s->keeper->next;
    uint32_t count = s->server.shard_count;
    if (m->count < count) return NULL;
    const struct manifest_file *first = &m->files[m->count - count];
    for (uint32_t i = 0; i < count; i++)
        if (first[i].type != MANIFEST_INCR || first[i].shard != tag_of(s, i)) return NULL;
    return first;
}

// Of several shards only empty ones: keys may have been at other shards than they are now, and what
// is written from now on comes behind all there is.
bool keeper_reopen_incrs(struct shard *s)
{
    struct keeper *k = s->keeper;
    uint32_t count = s->server.shard_count;
    uint64_t bytes[PLACEMENT_SHARDS_MAX];
    const struct manifest_file *first = last_run(s);
    if (!first) return false;
    for (uint32_t i = 0; i < count; i++)
        if (!aof_directory_file_bytes(directory_of(k), &first[i], &bytes[i]) ||
            (count > 1 && bytes[i] != 0))
            return false;
    for (uint32_t i = 0; i < count; i++) {
        aof_directory_path(directory_of(k), first[i].name, next_file(k, i)->path);
        create(s, i, bytes[i], true);
    }
    return true;
}

void keeper_name_incrs(struct shard *s)
{
    struct keeper *k = s->keeper;
    for (uint32_t i = 0; i < s->server.shard_count; i++) {
        const struct manifest_file *f = manifest_last_incr(&k->next, tag_of(s, i));
        aof_directory_path(directory_of(k), f->name, k->paths[i]);
        ask(s, i,
            (struct flush_request){
                .op = FLUSH_RENAME, .path = k->files[i][k->slot].path, .target = k->paths[i] });
    }
}

void keeper_close_incrs(struct shard *s)
{
    struct keeper *k = s->keeper;
    for (uint32_t i = 0; i < s->server.shard_count; i++) {
        struct appender_file *f = next_file(k, i);
        if (!f->is_open) continue;
        f->is_open = false;
        ask(s, i, (struct flush_request){ .op = FLUSH_FINISH, .file = &f->file });
    }
}

void keeper_remove_incrs(struct shard *s)
{
    struct keeper *k = s->keeper;
    uint32_t slot = k->must_unmake ? k->slot : 1 - k->slot;
    for (uint32_t i = 0; i < s->server.shard_count; i++)
        ask(s, i, (struct flush_request){ .op = FLUSH_REMOVE, .path = k->files[i][slot].path });
}

void keeper_remove_base(struct shard *s)
{
    ask(s, BEHIND_INCRS,
        (struct flush_request){ .op = FLUSH_REMOVE, .path = s->keeper->base_path });
}

// ---- the manifest

void keeper_commit_next(struct shard *s)
{
    struct keeper *k = s->keeper;
    char name[MANIFEST_NAME_MAX + 1];
    const struct aof_directory *d = directory_of(k);
    size_t most = manifest_text_max(&k->next);
    k->text = heap_resize(&k->heap, k->text, k->text_room, most, HEAP_LOG);
    k->text_room = most;
    size_t size = manifest_format(&k->next, (char *)k->text);
    aof_directory_path(d, manifest_temporary_name(name, d->prefix), k->path);
    aof_directory_path(d, manifest_name(name, d->prefix), k->target);
    ask(s, 0,
        (struct flush_request){ .op = FLUSH_REPLACE,
                                .path = k->path,
                                .target = k->target,
                                .text = bytes_make(k->text, size) });
}

// It is on the disk; what comes next begins from a copy.
void keeper_adopt_next(struct keeper *k)
{
    struct manifest *there = &k->aof->directory.manifest;
    manifest_close(there);
    *there = k->next;
    manifest_copy(&k->next, there);
}

bool keeper_remove_history(struct shard *s)
{
    struct keeper *k = s->keeper;
    const struct manifest *m = &k->next;
    while (k->history_at < m->count && m->files[k->history_at].type != MANIFEST_HISTORY)
        k->history_at++;
    if (k->history_at == m->count) return false;
    aof_directory_path(directory_of(k), m->files[k->history_at++].name, k->path);
    ask(s, 0, (struct flush_request){ .op = FLUSH_REMOVE, .path = k->path });
    return true;
}
