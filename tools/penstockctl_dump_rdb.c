// dump-rdb: the keys of a snapshot file as JSON, one line each.
//
//   {"db":0,"key":TEXT,"type":"hash","deadline_ms":null,"value":VALUE}, and {"function":TEXT}
//
// TEXT    a string, or {"base64":"..."} when it is no UTF-8
// VALUE   string TEXT   list, set [TEXT, ...]   zset [[TEXT, score], ...], infinities as "inf"
//         hash [[field, value], ...], a third one is the field's deadline in ms
//         stream {"entries":[[ID, [field, value, ...]], ...], "last_id", "max_deleted_id",
//         "entries_added", "groups":[{"name", "last_id", "entries_read", "consumers", "pending"}]}
#include <stdio.h>
#include "tools/penstockctl.h"
#include "tools/penstockctl_json.h"
#include "tools/penstockctl_rdb.h"

typedef unsigned long long number; // what %llu takes

static void put_comma(FILE *to, bool *is_first)
{
    if (!*is_first) putc(',', to);
    *is_first = false;
}

// ---- values

static void dump_string(FILE *to, const struct entry *e)
{
    struct string_view view;
    string_read(e, &view);
    json_text(to, view.bytes);
}

static void dump_list(FILE *to, const struct entry *e)
{
    struct list_cut look;
    struct list_iter i;
    struct bytes text;
    bool is_first = true;
    list_view(e, &look);
    list_iter_init(&i, &look, 0, false);
    while (list_iter_next(&i, &text)) {
        put_comma(to, &is_first);
        json_text(to, text);
    }
}

static void dump_set(FILE *to, const struct entry *e)
{
    struct set_cut look;
    struct set_iter i;
    struct bytes member;
    bool is_first = true;
    set_look(e, &look);
    set_iter_init(&i, &look);
    while (set_iter_next(&i, &member)) {
        put_comma(to, &is_first);
        json_text(to, member);
    }
}

static void dump_zset(FILE *to, const struct entry *e)
{
    struct zset_cut look;
    struct zset_iter i;
    struct bytes member;
    double score;
    bool is_first = true;
    zset_look(e, &look);
    zset_iter_init(&i, &look, 0, false);
    while (zset_iter_next(&i, &member, &score)) {
        put_comma(to, &is_first);
        putc('[', to);
        json_text(to, member);
        putc(',', to);
        json_double(to, score);
        putc(']', to);
    }
}

static void dump_hash(FILE *to, const struct entry *e)
{
    struct hash_cut look;
    struct hash_iter i;
    struct hash_field field;
    bool is_first = true;
    hash_view(e, 0, &look);
    hash_iter_init(&i, &look);
    while (hash_iter_next(&i, &field)) {
        put_comma(to, &is_first);
        putc('[', to);
        json_text(to, field.field);
        putc(',', to);
        json_text(to, field.value);
        if (field.deadline_ms) fprintf(to, ",%llu", (number)field.deadline_ms);
        putc(']', to);
    }
}

// ---- streams

static void put_id(FILE *to, const char *before, struct stream_id id)
{
    fprintf(to, "%s\"%llu-%llu\"", before, (number)id.ms, (number)id.seq);
}

static void dump_entries(FILE *to, const struct stream_cut *stream)
{
    struct stream_iter i;
    struct stream_item item;
    struct bytes field, value;
    bool is_first = true;
    stream_iter_init(&i, stream, STREAM_ID_ZERO, STREAM_ID_MAX, false);
    while (stream_iter_next(&i, &item)) {
        bool is_first_field = true;
        put_comma(to, &is_first);
        put_id(to, "[", item.id);
        fputs(",[", to);
        while (stream_iter_pair(&i, &field, &value)) {
            put_comma(to, &is_first_field);
            json_text(to, field);
            putc(',', to);
            json_text(to, value);
        }
        fputs("]]", to);
    }
}

static void dump_consumers(FILE *to, const struct stream_group *g)
{
    for (uint32_t i = 0; i < g->consumer_count; i++) {
        const struct stream_consumer *c = g->consumers[i];
        fputs(i ? ",{\"name\":" : "{\"name\":", to);
        json_text(to, stream_consumer_name(c));
        fprintf(to, ",\"seen_ms\":%lld,\"active_ms\":", (long long)c->seen_ms);
        if (c->active_ms == STREAM_NEVER_ACTIVE)
            fputs("null}", to);
        else
            fprintf(to, "%lld}", (long long)c->active_ms);
    }
}

static void dump_pending(FILE *to, const struct stream_group *g)
{
    struct stream_pending_iter i;
    struct stream_pending p;
    bool is_first = true;
    stream_pending_iter_init(&i, g, NULL, STREAM_ID_ZERO);
    while (stream_pending_iter_next(&i, &p)) {
        put_comma(to, &is_first);
        put_id(to, "{\"id\":", p.id);
        fputs(",\"consumer\":", to);
        json_text(to, stream_consumer_name(p.consumer));
        fprintf(to, ",\"delivered_ms\":%lld,\"deliveries\":%llu}", (long long)p.delivered_ms,
                (number)p.delivery_count);
    }
}

static void dump_group(FILE *to, const struct stream_group *g)
{
    fputs("{\"name\":", to);
    json_text(to, stream_group_name(g));
    put_id(to, ",\"last_id\":", g->last);
    if (g->entries_read == STREAM_READ_UNKNOWN)
        fputs(",\"entries_read\":null", to);
    else
        fprintf(to, ",\"entries_read\":%lld", (long long)g->entries_read);
    fputs(",\"consumers\":[", to);
    dump_consumers(to, g);
    fputs("],\"pending\":[", to);
    dump_pending(to, g);
    fputs("]}", to);
}

static void dump_stream(FILE *to, const struct entry *e)
{
    const struct stream_cut *stream = stream_now(stream_of(e));
    fputs("\"entries\":[", to);
    dump_entries(to, stream);
    put_id(to, "],\"last_id\":", stream->facts.last);
    put_id(to, ",\"max_deleted_id\":", stream->facts.max_deleted);
    fprintf(to, ",\"entries_added\":%llu,\"groups\":[", (number)stream->facts.entries_added);
    for (uint32_t i = 0; i < stream->groups.count; i++) {
        if (i) putc(',', to);
        dump_group(to, stream->groups.groups[i]);
    }
    putc(']', to);
}

// ---- lines

static void dump_value(FILE *to, const struct entry *e)
{
    static const struct {
        const char *open, *close;
        void (*dump)(FILE *to, const struct entry *e);
    } types[] = {
        [TYPE_STRING] = { "", "", dump_string }, [TYPE_LIST] = { "[", "]", dump_list },
        [TYPE_SET] = { "[", "]", dump_set },     [TYPE_ZSET] = { "[", "]", dump_zset },
        [TYPE_HASH] = { "[", "]", dump_hash },   [TYPE_STREAM] = { "{", "}", dump_stream },
    };
    enum value_type type = entry_type(e);
    fputs(types[type].open, to);
    types[type].dump(to, e);
    fputs(types[type].close, to);
}

static void dump_key(FILE *to, const struct rdb_reading *r)
{
    uint64_t deadline_ms = r->item.key.deadline_ms;
    fprintf(to, "{\"db\":%llu,\"key\":", (number)r->database);
    json_text(to, r->key);
    fprintf(to, ",\"type\":\"%s\",\"deadline_ms\":", value_type_name(entry_type(r->entry)));
    if (deadline_ms)
        fprintf(to, "%llu", (number)deadline_ms);
    else
        fputs("null", to);
    fputs(",\"value\":", to);
    dump_value(to, r->entry);
    fputs("}\n", to);
}

static void dump_function(FILE *to, struct bytes text)
{
    fputs("{\"function\":", to);
    json_text(to, text);
    fputs("}\n", to);
}

static bool ends_well(const struct rdb_reading *r, const char *path)
{
    if (r->item.kind == RDB_ITEM_BROKEN)
        ctl_complain("%s, byte %llu: %s", path, (number)r->item.offset, r->item.broken);
    else if (!r->item.end.checksum_is_right)
        ctl_complain("%s: the checksum is wrong: some of this may be, too", path);
    return r->item.kind == RDB_ITEM_END && r->item.end.checksum_is_right;
}

static bool dump(FILE *to, struct rdb_reading *r, const char *path)
{
    uint64_t offset;
    const char *error = rdb_reading_open(r, path, &offset);
    if (error) {
        ctl_complain("%s: %s", path, error);
        return false;
    }
    while (rdb_reading_next(r)) {
        if (r->item.kind == RDB_ITEM_FUNCTION) dump_function(to, r->item.function);
        if (r->item.kind == RDB_ITEM_KEY && r->entry) dump_key(to, r);
    }
    bool fits = ends_well(r, path);
    rdb_reading_close(r);
    return fits;
}

enum ctl_exit ctl_dump_rdb(const struct ctl_options *o, int argc, char **argv)
{
    struct rdb_reading r;
    if (argc != 1) {
        ctl_complain("usage: penstockctl dump-rdb FILE");
        return CTL_USAGE;
    }
    bool fits = dump(stdout, &r, argv[0]);
    if (fflush(stdout) == 0 && !ferror(stdout)) return fits ? CTL_OK : CTL_ANSWERED_ERROR;
    ctl_complain("standard output takes no more");
    return CTL_ANSWERED_ERROR;
}
