// geohash.h: places on the earth as 52-bit numbers, and distances between them.
//
// Source:  Redis 7.2 geo commands; geohash (G. Niemeyer 2008) with latitude limited to Web
//          Mercator's (EPSG:3857); haversine formula on a sphere of Redis's radius
// Thread:  any; no state
// Units:   degrees, metres; a step is one bit of latitude and one of longitude, 26 at most
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define GEO_LONGITUDE_MAX 180.0
#define GEO_LATITUDE_MAX 85.05112878
#define GEO_EARTH_RADIUS_M 6372797.560856
enum { GEO_STEPS_MAX = 26, GEO_TEXT_CHARS = 11 };

struct geo_point {
    double longitude, latitude;
};
// A rectangle of the grid: its bits, longitude's at odd places, and how many steps they are.
struct geo_cell {
    uint64_t bits;
    uint32_t steps; // 0: none
};
struct geo_box {
    struct geo_point min, max;
};

bool geo_point_is_valid(const struct geo_point *p);
struct geo_cell geo_encode(const struct geo_point *p, uint32_t steps); // p is valid
struct geo_box geo_cell_box(const struct geo_cell *cell);
// The cell that many columns to the east and rows to the north, around the edges of the map.
struct geo_cell geo_cell_neighbour(const struct geo_cell *cell, int east, int north);

// Scores of sorted sets: the bits of a cell of 26 steps. Any score gives some point.
uint64_t geo_score_of(const struct geo_point *p);
struct geo_point geo_point_of(double score);
// The standard 11 characters (base 32, latitudes to the poles), the last one always '0'.
void geo_text(double score, char out[GEO_TEXT_CHARS]);

double geo_distance_m(const struct geo_point *a, const struct geo_point *b);
double geo_radians(double degrees);
double geo_degrees(double radians);

// ---- areas to search in
struct geo_shape {
    bool is_box;
    struct geo_point centre;
    double unit_m; // metres of one unit
    double radius; // in units, or
    double width, height;
};
// Whether p lies in the shape; *distance_m from its centre then.
bool geo_shape_holds(const struct geo_shape *s, const struct geo_point *p, double *distance_m);
// The cells that cover the shape, at most 9, in the order in which Redis looks through them.
enum { GEO_CELLS_MAX = 9 };
uint32_t geo_shape_cells(const struct geo_shape *s, struct geo_cell cells[GEO_CELLS_MAX]);
// Scores of points in the cell: from *min up to but without *max.
void geo_cell_scores(const struct geo_cell *cell, double *min, double *max);
