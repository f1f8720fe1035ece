// What a path stands for: a snapshot, an append-only file, a manifest, or its directory.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "tools/penstockctl_import.h"

enum { MANIFEST_BYTES_MAX = 64 << 20 };
static const char manifest_end[] = ".manifest";

// ---- files

const char *import_part_open(struct import_part *p, const char *path)
{
    if (!file_view_open(&p->view, AT_FDCWD, path)) return file_view_refusal(errno);
    if (!file_view_map_all(&p->view)) return strerror(errno);
    p->map = file_view_at(&p->view, 0);
    return NULL;
}

void import_part_close(struct import_part *p)
{
    file_view_close(&p->view);
    p->map = bytes_make(NULL, 0);
}

bool import_part_is_good(struct import *im, struct import_part *p)
{
    struct file_trouble trouble;
    if (!file_view_find_trouble(&p->view, &trouble)) return true;
    p->has_failed = true;
    target_refuse(&im->target, "%s, byte %" PRIu64 ": %s", p->name, trouble.offset, trouble.why);
    return false;
}

// ---- one file, before anything of it is sent

static void say_cut(struct import *im, const struct import_part *p, const struct aof_look *look)
{
    progress_hide(&im->progress);
    ctl_complain("%s, byte %" PRIu64 ": %s: what is whole up to byte %" PRIu64 " is brought",
                 p->name, p->log_begin + look->error_offset, look->error,
                 p->log_begin + look->ok_offset);
}

// An end that a server left which was killed is cut off, as a server does that starts on it.
static bool check_log(struct import *im, struct import_part *p)
{
    struct aof_look look;
    struct bytes commands = p->map;
    bytes_skip(&commands, (size_t)p->log_begin);
    aof_look_at_commands(&look, commands);
    if (!import_part_is_good(im, p)) return false;
    im->progress.done_bytes = p->map.size;
    p->log_end = p->log_begin + look.ok_offset;
    if (look.verdict == AOF_VALID || look.verdict == AOF_EMPTY) return true;
    if ((look.verdict == AOF_UNFINISHED || look.verdict == AOF_PADDED) && p->may_be_torn) {
        say_cut(im, p, &look);
        return true;
    }
    target_refuse(&im->target, "%s, byte %" PRIu64 ": %s", p->name,
                  p->log_begin + look.error_offset, look.error);
    return false;
}

static bool check_all(struct import *im, struct import_part *p)
{
    p->has_snapshot = p->map.size >= 5 && memcmp(p->map.data, "REDIS", 5) == 0;
    p->log_begin = p->log_end = 0;
    progress_begin(&im->progress, "check", NULL, p->map.size);
    if (p->has_snapshot && !import_snapshot_check(im, p, &p->log_begin)) {
        p->log_begin = p->log_end = p->map.size; // what is behind makes no sense without it
        return false;
    }
    return check_log(im, p);
}

bool import_part_check(struct import *im, struct import_part *p)
{
    bool fits = check_all(im, p);
    if (p->has_failed) {
        p->has_snapshot = false;
        p->log_begin = p->log_end = 0;
    }
    return fits;
}

// ---- lists of files

struct parts {
    struct import_part *parts;
    char **paths;
    uint32_t count;
};

static void close_parts(struct parts *l)
{
    for (uint32_t i = 0; i < l->count; i++) {
        import_part_close(&l->parts[i]);
        free(l->paths[i]);
    }
    free(l->parts);
    free(l->paths);
}

static bool open_parts(struct parts *l, uint32_t room)
{
    *l = (struct parts){ .parts = calloc(room, sizeof *l->parts),
                         .paths = calloc(room, sizeof *l->paths) };
    return l->parts && l->paths;
}

// path: owned from now on.
static bool add_part(struct import *im, struct parts *l, char *path, int32_t shard,
                     bool may_be_torn)
{
    if (!path) return false;
    struct import_part *p = &l->parts[l->count];
    *p = (struct import_part){ .name = path, .shard = shard, .may_be_torn = may_be_torn };
    l->paths[l->count++] = path;
    const char *error = import_part_open(p, path);
    if (!error) return import_part_check(im, p);
    target_refuse(&im->target, "%s: %s", path, error);
    return false;
}

static uint64_t sum_bytes(const struct import_part *parts, uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += parts[i].log_end;
    return sum;
}

static bool has_shard(const struct import_part *parts, uint32_t count, int32_t shard)
{
    for (uint32_t i = 0; i < count; i++)
        if (parts[i].shard == shard) return true;
    return false;
}

// Parts from the first on that are of one time: of a shard each.
static uint32_t count_of_one_time(const struct import_part *parts, uint32_t count)
{
    uint32_t n = 1;
    if (parts[0].shard < 0) return 1;
    while (n < count && parts[n].shard >= 0 && !has_shard(parts, n, parts[n].shard)) n++;
    return n;
}

static bool has_commands(const struct import_part *parts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (parts[i].log_end > parts[i].log_begin) return true;
    return false;
}

// RESTORE minds the keys that are there; the commands of a log would change them.
static bool may_mix(struct import *im, const struct import_part *parts, uint32_t count)
{
    if (im->replaces || !has_commands(parts, count) || !target_has_keys(&im->target)) return true;
    target_refuse(&im->target,
                  "%s: a log's commands would change keys that the target has: it must be empty, "
                  "or --replace allows it",
                  im->source);
    return false;
}

static void send_parts(struct import *im, const struct import_part *parts, uint32_t count)
{
    while (count > 0) {
        uint32_t now = count_of_one_time(parts, count);
        for (uint32_t i = 0; i < now; i++)
            if (parts[i].has_snapshot && target_may_go_on(&im->target))
                import_snapshot_send(im, &parts[i]);
        if (target_may_go_on(&im->target)) import_logs_send(im, parts, now);
        parts += now;
        count -= now;
    }
}

struct source {
    struct import *im;
    struct import_part *parts;
    uint32_t count;
};

static bool is_source_good(void *source)
{
    const struct source *s = source;
    for (uint32_t i = 0; i < s->count; i++)
        if (!s->parts[i].has_failed && !import_part_is_good(s->im, &s->parts[i])) return false;
    return true;
}

void import_parts_send(struct import *im, struct import_part *parts, uint32_t count)
{
    struct source source = { im, parts, count };
    if (!target_may_go_on(&im->target) || !may_mix(im, parts, count)) return;
    progress_begin(&im->progress, "import", "keys and commands", sum_bytes(parts, count));
    im->target.source = &source;
    im->target.is_source_good = is_source_good;
    send_parts(im, parts, count);
    target_drain(&im->target);
    im->target.is_source_good = NULL;
    progress_end(&im->progress);
}

// ---- manifests

static void add_listed(struct import *im, struct parts *l, const struct manifest *m,
                       const char *path)
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0;
    for (uint32_t i = 0; i < m->count; i++) {
        const struct manifest_file *f = &m->files[i];
        char *name;
        if (f->type == MANIFEST_HISTORY) continue; // needed no more, or gone
        if (asprintf(&name, "%.*s%s", folder, path, f->name) < 0) name = NULL;
        if (!add_part(im, l, name, f->type == MANIFEST_BASE ? -1 : f->shard,
                      manifest_may_be_torn(m, i)) &&
            !target_may_go_on(&im->target))
            return;
    }
}

static void bring_listed(struct import *im, const struct manifest *m, const char *path)
{
    struct parts l;
    if (open_parts(&l, m->count + 1)) {
        add_listed(im, &l, m, path);
        if (l.count == 0) target_refuse(&im->target, "%s: it lists no files", path);
        import_parts_send(im, l.parts, l.count);
    }
    close_parts(&l);
}

static void bring_manifest(struct import *im, const char *path)
{
    struct manifest m;
    struct manifest_error error;
    struct import_part file = { .name = path };
    const char *why = import_part_open(&file, path);
    if (!why && file.map.size > MANIFEST_BYTES_MAX) why = "it is too large for a manifest";
    if (why) {
        target_refuse(&im->target, "%s: %s", path, why);
        import_part_close(&file);
        return;
    }
    manifest_init(&m, &im->heap);
    enum status status = manifest_parse(&m, file.map, &error);
    if (import_part_is_good(im, &file)) {
        if (status == OK)
            bring_listed(im, &m, path);
        else
            target_refuse(&im->target, "%s, line %u: %s", path, error.line, error.why);
    }
    manifest_close(&m);
    import_part_close(&file);
}

static bool is_manifest_name(const char *name)
{
    size_t size = strlen(name), end = sizeof manifest_end - 1;
    return size > end && strcmp(name + size - end, manifest_end) == 0;
}

// A manifest that was never finished begins with "temp-".
static void bring_directory(struct import *im, DIR *directory)
{
    char *found = NULL;
    uint32_t count = 0;
    for (const struct dirent *d; (d = readdir(directory));) {
        if (!is_manifest_name(d->d_name) || strncmp(d->d_name, "temp-", 5) == 0) continue;
        free(found);
        if (asprintf(&found, "%s/%s", im->source, d->d_name) < 0) found = NULL;
        count++;
    }
    if (count == 1 && found)
        bring_manifest(im, found);
    else
        target_refuse(&im->target, "%s: %s in this directory: name the file", im->source,
                      count ? "there are several manifests" : "there is no manifest");
    free(found);
}

static void bring_file(struct import *im)
{
    struct parts l;
    if (open_parts(&l, 1)) {
        add_part(im, &l, strdup(im->source), -1, true);
        import_parts_send(im, l.parts, l.count);
    }
    close_parts(&l);
}

void import_path(struct import *im)
{
    DIR *directory = opendir(im->source);
    if (directory)
        bring_directory(im, directory);
    else if (is_manifest_name(im->source))
        bring_manifest(im, im->source);
    else
        bring_file(im);
    if (directory) closedir(directory);
}
