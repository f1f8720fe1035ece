#include "storage/aof/manifest.h"

#include <stdio.h>
#include "dataplane/base/check.h"

enum { ROOM_FIRST = 4 };

void manifest_init(struct manifest *m, struct heap *heap)
{
    *m = (struct manifest){ .heap = heap };
}

void manifest_close(struct manifest *m)
{
    if (m->files) heap_give(m->heap, m->files, m->room * sizeof *m->files, HEAP_LOG);
    manifest_init(m, m->heap);
}

void manifest_copy(struct manifest *to, const struct manifest *from)
{
    *to = *from;
    to->files = NULL;
    to->room = from->count;
    if (!from->count) return;
    to->files = heap_take(to->heap, to->room * sizeof *to->files, HEAP_LOG);
    memcpy(to->files, from->files, to->room * sizeof *to->files);
}

// ---- what is listed ----------------------------------------------------------------------------

static uint32_t count_of(const struct manifest *m, enum manifest_type type)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->count; i++) count += m->files[i].type == type;
    return count;
}

const struct manifest_file *manifest_base(const struct manifest *m)
{
    return m->count && m->files[0].type == MANIFEST_BASE ? &m->files[0] : NULL;
}

uint32_t manifest_incr_count(const struct manifest *m) { return count_of(m, MANIFEST_INCR); }
uint32_t manifest_history_count(const struct manifest *m) { return count_of(m, MANIFEST_HISTORY); }

const struct manifest_file *manifest_last_incr(const struct manifest *m, int32_t shard)
{
    for (uint32_t i = m->count; i > 0; i--) {
        const struct manifest_file *f = &m->files[i - 1];
        if (f->type == MANIFEST_INCR && f->shard == shard) return f;
    }
    return NULL;
}

bool manifest_may_be_torn(const struct manifest *m, uint32_t index)
{
    int32_t shard = m->files[index].shard;
    if (m->files[index].type == MANIFEST_HISTORY) return false;
    for (uint32_t i = index + 1; i < m->count; i++) {
        const struct manifest_file *later = &m->files[i];
        if (later->type == MANIFEST_INCR &&
            (shard < 0 || later->shard < 0 || later->shard == shard))
            return false;
    }
    return true;
}

// ---- what is changed ---------------------------------------------------------------------------

static int rank(const struct manifest_file *f)
{
    return f->type == MANIFEST_BASE ? 0 : f->type == MANIFEST_HISTORY ? 1 : 2;
}

// Into order again, without changing that of a type's files. Few are out of place.
static void settle(struct manifest *m)
{
    for (uint32_t i = 1; i < m->count; i++) {
        struct manifest_file f = m->files[i];
        uint32_t to = i;
        while (to > 0 && rank(&m->files[to - 1]) > rank(&f)) to--;
        memmove(&m->files[to + 1], &m->files[to], (i - to) * sizeof f);
        m->files[to] = f;
    }
}

void manifest_add(struct manifest *m, const struct manifest_file *file)
{
    CHECK(file->seq >= 1);
    if (m->count == m->room) {
        uint32_t room = m->room ? 2 * m->room : ROOM_FIRST;
        m->files = heap_resize(m->heap, m->files, m->room * sizeof *m->files,
                               room * sizeof *m->files, HEAP_LOG);
        m->room = room;
    }
    if (file->type == MANIFEST_BASE && manifest_base(m)) m->files[0].type = MANIFEST_HISTORY;
    if (file->type == MANIFEST_BASE && file->seq > m->base_seq) m->base_seq = file->seq;
    if (file->type == MANIFEST_INCR && file->seq > m->incr_seq) m->incr_seq = file->seq;
    m->files[m->count++] = *file;
    settle(m);
}

static void put_name(struct manifest_file *f, const char *prefix, const char *end)
{
    CHECK(strlen(prefix) <= MANIFEST_PREFIX_MAX);
    snprintf(f->name, sizeof f->name, "%s.%lld.%s", prefix, (long long)f->seq, end);
}

struct manifest_file manifest_next_base(struct manifest *m, const char *prefix, bool is_rdb)
{
    struct manifest_file f = { .seq = ++m->base_seq, .type = MANIFEST_BASE, .shard = -1 };
    put_name(&f, prefix, is_rdb ? "base.rdb" : "base.aof");
    return f;
}

struct manifest_file manifest_next_incr(struct manifest *m, const char *prefix, int32_t shard)
{
    struct manifest_file f = { .seq = ++m->incr_seq, .type = MANIFEST_INCR, .shard = shard };
    put_name(&f, prefix, "incr.aof");
    return f;
}

void manifest_begin_rewrite(struct manifest *m, const char *prefix, uint32_t shard_count)
{
    for (uint32_t i = 0; i < shard_count; i++) {
        struct manifest_file f = manifest_next_incr(m, prefix, shard_count > 1 ? (int32_t)i : -1);
        manifest_add(m, &f);
    }
}

void manifest_end_rewrite(struct manifest *m, const struct manifest_file *base,
                          uint32_t shard_count)
{
    CHECK(base->type == MANIFEST_BASE);
    CHECK(manifest_incr_count(m) >= shard_count);
    for (uint32_t i = 0; i < m->count - shard_count; i++) m->files[i].type = MANIFEST_HISTORY;
    manifest_add(m, base);
}

void manifest_drop_history(struct manifest *m)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->count; i++)
        if (m->files[i].type != MANIFEST_HISTORY) m->files[kept++] = m->files[i];
    m->count = kept;
}

void manifest_take_over(struct manifest *m, const char *name)
{
    struct manifest_file f = { .seq = 1, .type = MANIFEST_BASE, .shard = -1 };
    CHECK(m->count == 0 && strlen(name) <= MANIFEST_PREFIX_MAX);
    strcpy(f.name, name);
    manifest_add(m, &f);
}

// ---- names -------------------------------------------------------------------------------------

static char *join(char *out, const char *before, const char *prefix, const char *behind)
{
    CHECK(strlen(prefix) <= MANIFEST_PREFIX_MAX);
    snprintf(out, MANIFEST_NAME_MAX + 1, "%s%s%s", before, prefix, behind);
    return out;
}

char *manifest_name(char *out, const char *prefix) { return join(out, "", prefix, ".manifest"); }

char *manifest_temporary_name(char *out, const char *prefix)
{
    return join(out, "temp-", prefix, ".manifest");
}

char *manifest_temporary_incr_name(char *out, const char *prefix)
{
    return join(out, "temp-", prefix, ".incr");
}

char *manifest_temporary_base_name(char *out, const char *prefix)
{
    return join(out, "temp-", prefix, ".base");
}

char *manifest_begin_marker_name(char *out, const char *prefix)
{
    return join(out, "temp-", prefix, ".begin");
}

bool manifest_is_temporary_name(const char *name, const char *prefix)
{
    size_t size = strlen(prefix);
    return strncmp(name, "temp-", 5) == 0 && strncmp(name + 5, prefix, size) == 0 &&
           name[5 + size] == '.';
}

bool manifest_is_log_name(const char *name, const char *prefix)
{
    size_t size = strlen(prefix);
    if (strncmp(name, prefix, size) != 0 || name[size] != '.') return false;
    const char *digits = name + size + 1;
    const char *end = digits + strspn(digits, "0123456789");
    return end > digits && (strcmp(end, ".base.rdb") == 0 || strcmp(end, ".base.aof") == 0 ||
                            strcmp(end, ".incr.aof") == 0);
}
