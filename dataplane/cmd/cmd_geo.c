#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/geo_args.h"
#include "dataplane/cmd/zset_args.h"

static command_body cmd_geoadd, cmd_geodist, cmd_geohash, cmd_geopos;

// clang-format off
const struct command cmd_geos[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(GEOADD, "geoadd", cmd_geoadd, -5, 1, 1, 1, CMD_WRITE | CMD_DENYOOM, ACL_GEO),
    COMMAND(GEODIST, "geodist", cmd_geodist, -4, 1, 1, 1, CMD_READONLY, ACL_GEO),
    COMMAND(GEOHASH, "geohash", cmd_geohash, -2, 1, 1, 1, CMD_READONLY, ACL_GEO),
    COMMAND(GEOPOS, "geopos", cmd_geopos, -2, 1, 1, 1, CMD_READONLY, ACL_GEO),
};
// clang-format on

// ---- GEOADD

struct add {
    uint32_t flags; // enum zset_add_flags
    bool counts_changed;
    uint32_t first, count; // argv[first] is the first longitude
};

static bool add_parse(struct call *call, struct add *a)
{
    struct geo_point p;
    for (a->first = 2; a->first < call->argc; a->first++) {
        if (bytes_is_option(call->argv[a->first], "nx"))
            a->flags |= ZSET_NX;
        else if (bytes_is_option(call->argv[a->first], "xx"))
            a->flags |= ZSET_XX;
        else if (bytes_is_option(call->argv[a->first], "ch"))
            a->counts_changed = true;
        else
            break;
    }
    a->count = (call->argc - a->first) / 3;
    if ((call->argc - a->first) % 3 || a->flags == (ZSET_NX | ZSET_XX)) {
        reply_error(call->reply, reply_text_syntax);
        return false;
    }
    for (uint32_t i = 0; i < a->count; i++)
        if (!geo_parse_point(call, a->first + 3 * i, &p)) return false;
    if (a->count == 0) reply_error(call->reply, reply_text_syntax); // ZADD's, in Redis
    return a->count > 0;
}

static uint64_t score_at(const struct call *call, uint32_t index)
{
    struct geo_point p;
    zset_parse_score(call->argv[index], &p.longitude); // looked at before
    zset_parse_score(call->argv[index + 1], &p.latitude);
    return geo_score_of(&p);
}

// As ZADD with the scores: a replica need not know of places.
static void add_effect(struct call *call, const struct add *a)
{
    struct heap *heap = call->server->heap;
    uint32_t argc = a->first + 2 * a->count;
    size_t bytes = argc * sizeof(struct bytes) + a->count * (size_t)NUM_INT_MAX;
    struct bytes *argv = heap_take(heap, bytes, HEAP_OTHER);
    char *digits = (char *)(argv + argc);
    memcpy(argv, call->argv, a->first * sizeof *argv);
    argv[0] = BYTES_LITERAL("zadd");
    for (uint32_t i = 0; i < a->count; i++, digits += NUM_INT_MAX) {
        uint64_t score = score_at(call, a->first + 3 * i);
        argv[a->first + 2 * i] = bytes_make(digits, num_format_uint(digits, score));
        argv[a->first + 2 * i + 1] = call->argv[a->first + 3 * i + 2];
    }
    call_effect(call, argv, argc);
    heap_give(heap, argv, bytes, HEAP_OTHER);
}

static void cmd_geoadd(struct call *call)
{
    struct key key = call_key(call, 1);
    struct add a = { 0 };
    struct entry *e;
    uint64_t added = 0, changed = 0;
    if (!add_parse(call, &a) || !zset_find(call, &key, FIND_WRITE, &e)) return;
    struct zset_place p = zset_place_of(call, &key, e);
    p.adds_expected = a.count;
    for (uint32_t i = a.first; i < call->argc; i += 3) {
        double score = (double)score_at(call, i);
        enum zset_added how = zset_add(&p, call->argv[i + 2], &score, a.flags);
        added += how == ZSET_ADDED;
        changed += how == ZSET_CHANGED;
    }
    reply_int(call->reply, (int64_t)(a.counts_changed ? added + changed : added));
    if (added + changed == 0) return;
    keyspace_add_dirty(call->keyspace, added + changed);
    call_changed(call, &key, EVENT_ZSET, "zadd");
    if (effects_are_on(&call->server->effects)) add_effect(call, &a);
}

// ---- where members are

static bool find_point(struct call *call, const struct entry *e, struct bytes member,
                       struct geo_point *p)
{
    double score;
    if (!e || !zset_score(call->keyspace, e, member, &score)) return false;
    *p = geo_point_of(score);
    return true;
}

static void cmd_geodist(struct call *call)
{
    struct key key = call_key(call, 1);
    struct geo_point from, to;
    struct entry *e;
    double unit_m = 1;
    if (call->argc > 5) {
        reply_error(call->reply, reply_text_syntax);
        return;
    }
    if (call->argc == 5 && !geo_parse_unit(call, 4, &unit_m)) return;
    if (!zset_find(call, &key, FIND_READ, &e)) return;
    if (find_point(call, e, call->argv[2], &from) && find_point(call, e, call->argv[3], &to))
        geo_reply_distance(call->reply, geo_distance_m(&from, &to) / unit_m);
    else
        reply_null(call->reply);
}

static void cmd_geohash(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    char text[GEO_TEXT_CHARS];
    double score;
    if (!zset_find(call, &key, FIND_READ, &e)) return;
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++) {
        if (!e || !zset_score(call->keyspace, e, call->argv[i], &score)) {
            reply_null(call->reply);
            continue;
        }
        geo_text(score, text);
        reply_bulk(call->reply, bytes_make(text, sizeof text));
    }
}

static void cmd_geopos(struct call *call)
{
    struct key key = call_key(call, 1);
    struct geo_point p;
    struct entry *e;
    if (!zset_find(call, &key, FIND_READ, &e)) return;
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++) {
        if (find_point(call, e, call->argv[i], &p))
            geo_reply_point(call->reply, &p);
        else
            reply_null_array(call->reply);
    }
}
