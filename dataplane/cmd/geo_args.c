#include "dataplane/cmd/geo_args.h"
#include <stdio.h>
#include "dataplane/base/num.h"
#include "dataplane/cmd/zset_args.h"

static bool refuse(struct call *call, const char *text)
{
    reply_error(call->reply, text);
    return false;
}

static bool parse_number(struct call *call, uint32_t index, double *value, const char *error)
{
    return zset_parse_score(call->argv[index], value) || refuse(call, error);
}

bool geo_parse_point(struct call *call, uint32_t index, struct geo_point *p)
{
    if (!parse_number(call, index, &p->longitude, reply_text_not_float) ||
        !parse_number(call, index + 1, &p->latitude, reply_text_not_float))
        return false;
    if (geo_point_is_valid(p)) return true;
    reply_errorf(call->reply, "ERR invalid longitude,latitude pair %f,%f", p->longitude,
                 p->latitude);
    return false;
}

bool geo_parse_unit(struct call *call, uint32_t index, double *unit_m)
{
    static const struct {
        const char *word;
        double unit_m;
    } units[] = { { "m", 1 }, { "km", 1000 }, { "ft", 0.3048 }, { "mi", 1609.34 } };
    for (uint32_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!bytes_is_option(call->argv[index], units[i].word)) continue;
        *unit_m = units[i].unit_m;
        return true;
    }
    return refuse(call, "ERR unsupported unit provided. please use M, KM, FT, MI");
}

// ---- shapes

static bool parse_radius(struct call *call, uint32_t index, struct geo_shape *s)
{
    s->is_box = false;
    if (!parse_number(call, index, &s->radius, "ERR need numeric radius")) return false;
    if (s->radius < 0) return refuse(call, "ERR radius cannot be negative");
    return geo_parse_unit(call, index + 1, &s->unit_m);
}

static bool parse_box(struct call *call, uint32_t index, struct geo_shape *s)
{
    s->is_box = true;
    if (!parse_number(call, index, &s->width, "ERR need numeric width") ||
        !parse_number(call, index + 1, &s->height, "ERR need numeric height"))
        return false;
    if (s->width < 0 || s->height < 0)
        return refuse(call, "ERR height or width cannot be negative");
    return geo_parse_unit(call, index + 2, &s->unit_m);
}

// Without a source any member will do: there is nothing to find.
static bool centre_on(struct call *call, const struct entry *e, uint32_t index, struct geo_shape *s)
{
    double score;
    if (!e) return true;
    if (!zset_score(call->server->keyspace, e, call->argv[index], &score))
        return refuse(call, "ERR could not decode requested zset member");
    s->centre = geo_point_of(score);
    return true;
}

// ---- options. Each parser takes those that it knows at argv[i]: how many arguments, 0: none,
// negative: after an error reply.

static int32_t taken(bool parsed, int32_t arguments) { return parsed ? arguments : -1; }

static int32_t plain_option(struct call *call, uint32_t i, struct geo_search_args *a)
{
    struct bytes word = call->argv[i];
    const struct {
        const char *word;
        bool *field;
    } flags[] = { { "withdist", &a->with_distance },
                  { "withhash", &a->with_hash },
                  { "withcoord", &a->with_point },
                  { "any", &a->is_any } };
    for (uint32_t f = 0; f < sizeof flags / sizeof flags[0]; f++) {
        if (!bytes_is_option(word, flags[f].word)) continue;
        *flags[f].field = true;
        return 1;
    }
    bool is_descending = bytes_is_option(word, "desc");
    if (is_descending || bytes_is_option(word, "asc")) {
        a->sort = is_descending ? GEO_DESCENDING : GEO_ASCENDING;
        return 1;
    }
    if (i + 1 >= call->argc || !bytes_is_option(word, "count")) return 0;
    if (!call_int(call, i + 1, &a->count, NULL)) return -1;
    return taken(a->count > 0 || refuse(call, "ERR COUNT must be > 0"), 2);
}

static int32_t store_option(struct call *call, uint32_t i, struct geo_search_args *a)
{
    bool by_distance = bytes_is_option(call->argv[i], "storedist");
    if (a->form == GEO_SEARCH_STORE && by_distance) {
        a->stores_distance = true;
        return 1;
    }
    bool is_old = a->form == GEO_AROUND_POINT || a->form == GEO_AROUND_MEMBER;
    if (!is_old || a->is_readonly || i + 1 >= call->argc) return 0;
    if (!by_distance && !bytes_is_option(call->argv[i], "store")) return 0;
    a->store = i + 1;
    a->stores_distance = by_distance;
    return 2;
}

static int32_t search_option(struct call *call, uint32_t i, const struct entry *e,
                             struct geo_search_args *a)
{
    struct bytes word = call->argv[i];
    uint32_t behind = call->argc - i - 1;
    if (a->form != GEO_SEARCH && a->form != GEO_SEARCH_STORE) return 0;
    if (behind >= 1 && !a->from_point && bytes_is_option(word, "frommember")) {
        a->from_member = true;
        return taken(centre_on(call, e, i + 1, &a->shape), 2);
    }
    if (behind >= 2 && !a->from_member && bytes_is_option(word, "fromlonlat")) {
        a->from_point = true;
        return taken(geo_parse_point(call, i + 1, &a->shape.centre), 3);
    }
    if (behind >= 2 && !a->by_box && bytes_is_option(word, "byradius")) {
        a->by_radius = true;
        return taken(parse_radius(call, i + 1, &a->shape), 3);
    }
    if (behind >= 3 && !a->by_radius && bytes_is_option(word, "bybox")) {
        a->by_box = true;
        return taken(parse_box(call, i + 1, &a->shape), 4);
    }
    return 0;
}

static bool parse_options(struct call *call, uint32_t i, const struct entry *e,
                          struct geo_search_args *a)
{
    while (i < call->argc) {
        int32_t n = plain_option(call, i, a);
        if (n == 0) n = store_option(call, i, a);
        if (n == 0) n = search_option(call, i, e, a);
        if (n == 0) return refuse(call, reply_text_syntax);
        if (n < 0) return false;
        i += (uint32_t)n;
    }
    return true;
}

// What the options must not be together, or must be.
static bool check_options(struct call *call, const struct geo_search_args *a)
{
    bool is_search = a->form == GEO_SEARCH || a->form == GEO_SEARCH_STORE;
    struct bytes name = call->argv[0];
    if (a->store && (a->with_distance || a->with_hash || a->with_point))
        reply_errorf(call->reply,
                     "ERR %s is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
                     is_search ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS");
    else if (is_search && !a->from_member && !a->from_point)
        reply_errorf(call->reply,
                     "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for %.*s",
                     (int)name.size, (const char *)name.data);
    else if (is_search && !a->by_radius && !a->by_box)
        reply_errorf(call->reply, "ERR exactly one of BYRADIUS and BYBOX can be specified for %.*s",
                     (int)name.size, (const char *)name.data);
    else if (a->is_any && !a->count)
        reply_error(call->reply, "ERR the ANY argument requires COUNT argument");
    else
        return true;
    return false;
}

bool geo_search_parse(struct call *call, const struct entry *e, struct geo_search_args *a)
{
    uint32_t options = a->source + 1;
    if (a->form == GEO_AROUND_POINT) {
        if (!geo_parse_point(call, 2, &a->shape.centre) || !parse_radius(call, 4, &a->shape))
            return false;
        options = 6;
    } else if (a->form == GEO_AROUND_MEMBER) {
        // Redis does not look at the radius either, when there is no source.
        if (e && (!centre_on(call, e, 2, &a->shape) || !parse_radius(call, 3, &a->shape)))
            return false;
        options = 5;
    }
    if (!parse_options(call, options, e, a) || !check_options(call, a)) return false;
    // The nearest ones are meant; with ANY the first that are found.
    if (a->count && a->sort == GEO_UNSORTED && !a->is_any) a->sort = GEO_ASCENDING;
    return true;
}

// ---- replies

void geo_reply_distance(struct reply *r, double distance)
{
    char text[NUM_DOUBLE_SHORT_MAX];
    reply_bulk(r, bytes_make(text, (size_t)snprintf(text, sizeof text, "%.4f", distance)));
}

static void reply_degrees(struct reply *r, double degrees)
{
    char text[NUM_DOUBLE_MAX + 3];
    if (r->version < 3) {
        reply_long_double_text(r, degrees);
        return;
    }
    text[0] = ',';
    uint32_t size = 1 + num_format_long_double(text + 1, degrees);
    memcpy(text + size, "\r\n", 2);
    reply_raw(r, bytes_make(text, size + 2));
}

void geo_reply_point(struct reply *r, const struct geo_point *p)
{
    reply_array(r, 2);
    reply_degrees(r, p->longitude);
    reply_degrees(r, p->latitude);
}
