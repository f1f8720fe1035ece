// geo_args.h: arguments and replies that the commands of places share.
//
// Source:  Redis 7.2
// Thread:  the shard
#pragma once
#include "dataplane/cmd/cmd.h"
#include "dataplane/types/geohash.h"

// Each is false after its error reply. argv[index] is the first of what is read.
bool geo_parse_point(struct call *call, uint32_t index, struct geo_point *p);
bool geo_parse_unit(struct call *call, uint32_t index, double *unit_m); // m km ft mi

enum geo_form { // of GEORADIUS's family
    GEO_AROUND_POINT,
    GEO_AROUND_MEMBER,
    GEO_SEARCH,
    GEO_SEARCH_STORE,
};
enum geo_sort { GEO_UNSORTED, GEO_ASCENDING, GEO_DESCENDING };
struct geo_search_args {
    enum geo_form form;
    bool is_readonly; // the _RO forms take no STORE
    struct geo_shape shape;
    bool with_distance, with_hash, with_point;
    enum geo_sort sort;
    int64_t count;          // 0: all
    bool is_any;            // COUNT's ANY
    uint32_t source, store; // keys' places in argv; store 0: none
    bool stores_distance;
    // What GEOSEARCH was told: one of two each, though the same one may come again.
    bool from_member, from_point, by_radius, by_box;
};
// e: the source, NULL when there is none (then members are not looked for).
bool geo_search_parse(struct call *call, const struct entry *e, struct geo_search_args *a);

void geo_reply_distance(struct reply *r, double distance); // a bulk of 4 decimals
void geo_reply_point(struct reply *r, const struct geo_point *p);
