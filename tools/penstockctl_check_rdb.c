// check-rdb: reads every byte of a snapshot file, as a server does that loads it.
#include <stdio.h>
#include <string.h>
#include "dataplane/base/clock.h"
#include "tools/penstockctl.h"
#include "tools/penstockctl_print.h"
#include "tools/penstockctl_rdb.h"

enum { TYPE_COUNT = TYPE_STREAM + 1, NAME_CHARS = 200 };

struct found {
    uint64_t keys, by_type[TYPE_COUNT], deadlines, expired, empty;
    uint64_t functions, modules, databases; // databases: with keys, or announced
};

// As much of a name as goes into a line; bytes that are no plain characters as \xff.
static const char *quote(char out[NAME_CHARS * 4 + 4], struct bytes name)
{
    char *at = out;
    for (size_t i = 0; i < name.size && i < NAME_CHARS; i++) {
        uint8_t c = name.data[i];
        if (c > ' ' && c < 0x7f && c != '\\')
            *at++ = (char)c;
        else
            at += sprintf(at, "\\x%02x", c);
    }
    strcpy(at, name.size > NAME_CHARS ? "..." : "");
    return out;
}

static void print_aux(struct print *p, const struct rdb_item *item)
{
    char name[NAME_CHARS * 4 + 4], value[NAME_CHARS * 4 + 4], line[sizeof name + 4];
    quote(name, item->aux.name);
    snprintf(line, sizeof line, "aux %s", name);
    print_text(p, line, quote(value, item->aux.value));
}

static void count_key(struct found *f, const struct rdb_reading *r, uint64_t now_ms)
{
    uint64_t deadline_ms = r->item.key.deadline_ms;
    f->keys++;
    f->deadlines += deadline_ms != 0;
    f->expired += deadline_ms != 0 && deadline_ms <= now_ms;
    if (r->entry)
        f->by_type[entry_type(r->entry)]++;
    else
        f->empty++;
}

static void take_item(struct print *p, struct found *f, const struct rdb_reading *r,
                      uint64_t now_ms)
{
    switch (r->item.kind) {
    case RDB_ITEM_AUX:
        print_aux(p, &r->item);
        break;
    case RDB_ITEM_FUNCTION:
        f->functions++;
        break;
    case RDB_ITEM_DATABASE:
        f->databases++;
        break;
    case RDB_ITEM_MODULE_AUX:
        f->modules++;
        break;
    case RDB_ITEM_KEY:
        count_key(f, r, now_ms);
        break;
    default:
        break;
    }
}

static void print_found(struct print *p, const struct found *f)
{
    print_count(p, "functions", f->functions);
    print_count(p, "databases", f->databases);
    print_count(p, "keys", f->keys);
    for (uint32_t type = 0; type < TYPE_COUNT; type++) {
        char name[32];
        if (!f->by_type[type]) continue;
        snprintf(name, sizeof name, "keys %s", value_type_name((enum value_type)type));
        print_count(p, name, f->by_type[type]);
    }
    if (f->empty) print_count(p, "keys empty", f->empty);
    print_count(p, "expires", f->deadlines);
    print_count(p, "already_expired", f->expired);
}

static bool complain(struct print *p, uint64_t offset, const char *what)
{
    print_text(p, "result", "broken");
    print_count(p, "offset", offset);
    print_text(p, "error", what);
    return false;
}

static bool print_broken(struct print *p, const struct rdb_reading *r)
{
    char name[NAME_CHARS * 4 + 4];
    complain(p, r->item.offset, r->item.broken);
    if (r->key.data) print_text(p, "key", quote(name, r->key));
    return false;
}

static bool print_end(struct print *p, const struct found *f, const struct rdb_reading *r)
{
    const struct rdb_item *end = &r->item;
    print_text(p, "checksum",
               end->end.checksum_is_right ? end->end.has_checksum ? "right" : "none" : "wrong");
    print_count(p, "bytes_behind", r->file.file.size - r->file.offset);
    if (!end->end.checksum_is_right)
        return complain(p, r->file.offset - sizeof end->end.stored,
                        "the checksum is another than that of the bytes before it");
    if (f->modules)
        return complain(p, end->offset, "it has data of a module, which no server here knows");
    print_text(p, "result", "ok");
    return true;
}

static bool check(struct print *p, struct rdb_reading *r, const char *path)
{
    struct found found = { 0 };
    uint64_t now_ms = clock_wall_us() / 1000, offset;
    print_text(p, "file", path);
    const char *error = rdb_reading_open(r, path, &offset);
    if (r->file.version) print_count(p, "version", r->file.version);
    if (error) return complain(p, offset, error);
    print_count(p, "file_bytes", r->file.file.size);
    while (rdb_reading_next(r)) take_item(p, &found, r, now_ms);
    print_found(p, &found);
    bool fits = r->item.kind == RDB_ITEM_END ? print_end(p, &found, r) : print_broken(p, r);
    rdb_reading_close(r);
    return fits;
}

enum ctl_exit ctl_check_rdb(const struct ctl_options *o, int argc, char **argv)
{
    struct print p;
    struct rdb_reading r;
    if (argc != 1) {
        ctl_complain("usage: penstockctl check-rdb FILE");
        return CTL_USAGE;
    }
    print_open(&p, stdout, o->json);
    bool fits = check(&p, &r, argv[0]);
    print_close(&p);
    return fits ? CTL_OK : CTL_ANSWERED_ERROR;
}
