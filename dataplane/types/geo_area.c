// Which cells of the grid cover a shape.
#include <math.h>
#include "dataplane/types/geohash.h"

#define MERCATOR_HALF_M 20037726.37 // half the equator on the map

// So many steps that a cell and its eight neighbours cover the range around any point in the cell.
static uint32_t steps_for(double range_m, double latitude)
{
    int32_t steps = 1;
    if (range_m == 0) return GEO_STEPS_MAX;
    for (; range_m < MERCATOR_HALF_M; range_m *= 2) steps++;
    steps -= 2;
    // Cells get narrow towards the poles.
    if (fabs(latitude) > 66) steps--;
    if (fabs(latitude) > 80) steps--;
    return steps < 1 ? 1 : steps > GEO_STEPS_MAX ? GEO_STEPS_MAX : (uint32_t)steps;
}

// Half the shape's width and height in metres.
static void half_extent_m(const struct geo_shape *s, double *width, double *height)
{
    *width = s->unit_m * (s->is_box ? s->width / 2 : s->radius);
    *height = s->unit_m * (s->is_box ? s->height / 2 : s->radius);
}

// A box is as wide as it is where a degree is shortest.
static struct geo_box bounds_of(const struct geo_shape *s)
{
    double width, height;
    half_extent_m(s, &width, &height);
    double rise = geo_degrees(height / GEO_EARTH_RADIUS_M);
    double widest = s->centre.latitude < 0 ? s->centre.latitude - rise : s->centre.latitude + rise;
    double reach = geo_degrees(width / GEO_EARTH_RADIUS_M / cos(geo_radians(widest)));
    return (struct geo_box){
        .min = { s->centre.longitude - reach, s->centre.latitude - rise },
        .max = { s->centre.longitude + reach, s->centre.latitude + rise },
    };
}

static bool neighbours_reach(const struct geo_cell *cell, const struct geo_box *bounds)
{
    struct geo_cell north = geo_cell_neighbour(cell, 0, 1), south = geo_cell_neighbour(cell, 0, -1);
    struct geo_cell east = geo_cell_neighbour(cell, 1, 0), west = geo_cell_neighbour(cell, -1, 0);
    return geo_cell_box(&north).max.latitude >= bounds->max.latitude &&
           geo_cell_box(&south).min.latitude <= bounds->min.latitude &&
           geo_cell_box(&east).max.longitude >= bounds->max.longitude &&
           geo_cell_box(&west).min.longitude <= bounds->min.longitude;
}

// Whether the shape does not reach beyond the cell on the side where the neighbour lies.
static bool is_useless(const struct geo_box *cell, const struct geo_box *bounds, int east,
                       int north)
{
    return (north < 0 && cell->min.latitude < bounds->min.latitude) ||
           (north > 0 && cell->max.latitude > bounds->max.latitude) ||
           (east < 0 && cell->min.longitude < bounds->min.longitude) ||
           (east > 0 && cell->max.longitude > bounds->max.longitude);
}

uint32_t geo_shape_cells(const struct geo_shape *s, struct geo_cell cells[GEO_CELLS_MAX])
{
    static const struct {
        int8_t east, north;
    } around[GEO_CELLS_MAX] = { { 0, 0 }, { 0, 1 },  { 0, -1 }, { 1, 0 },  { -1, 0 },
                                { 1, 1 }, { -1, 1 }, { 1, -1 }, { -1, -1 } };
    double width, height;
    half_extent_m(s, &width, &height);
    double range_m = s->is_box ? sqrt(width * width + height * height) : width;
    struct geo_box bounds = bounds_of(s);
    uint32_t steps = steps_for(range_m, s->centre.latitude), count = 0, last = 0;
    struct geo_cell centre = geo_encode(&s->centre, steps);
    if (steps > 1 && !neighbours_reach(&centre, &bounds)) centre = geo_encode(&s->centre, --steps);
    struct geo_box box = geo_cell_box(&centre);
    for (uint32_t i = 0; i < GEO_CELLS_MAX; i++) {
        int east = around[i].east, north = around[i].north;
        if (steps >= 2 && is_useless(&box, &bounds, east, north)) continue;
        cells[count] = geo_cell_neighbour(&centre, east, north);
        // With few steps neighbours meet behind the earth. Redis compares with the one before, but
        // not with the very first.
        if (last && cells[count].bits == cells[last].bits) continue;
        last = count++;
    }
    return count;
}
