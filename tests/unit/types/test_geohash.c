#include "dataplane/types/geohash.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

static const struct geo_point palermo = { 13.361389, 38.115556 },
                              catania = { 15.087269, 37.502669 };

static bool near(double a, double b, double slack) { return fabs(a - b) <= slack; }

// Redis's documentation: GEOADD, GEODIST and GEOHASH pages.
Test(geohash, agrees_with_the_command_pages)
{
    char text[GEO_TEXT_CHARS];
    uint64_t score = geo_score_of(&palermo);
    cr_expect(eq(u64, score, 3479099956230698));
    cr_expect(eq(u64, geo_score_of(&catania), 3479447370796909));
    struct geo_point from = geo_point_of((double)score);
    struct geo_point to = geo_point_of((double)geo_score_of(&catania));
    cr_expect(near(geo_distance_m(&from, &to), 166274.1516, 0.0001));
    geo_text((double)score, text);
    cr_expect(eq(int, memcmp(text, "sqc8b49rny0", sizeof text), 0));
}

// 26 steps are 180/2^25 degrees of longitude and half of that of latitude, or 0.6 m.
Test(geohash, finds_places_again)
{
    for (double longitude = -180; longitude < 180; longitude += 7.3) {
        for (double latitude = -85; latitude < 85; latitude += 3.7) {
            struct geo_point p = { longitude, latitude };
            struct geo_point back = geo_point_of((double)geo_score_of(&p));
            cr_expect(near(back.longitude, longitude, 3e-6));
            cr_expect(near(back.latitude, latitude, 3e-6));
        }
    }
}

Test(geohash, gives_a_place_for_any_score)
{
    static const double scores[] = { -1,     -1e18, -1e30, 0x1p52,   0x1p63,
                                     0x1p64, 1e300, 0.5,   INFINITY, -INFINITY };
    for (uint32_t i = 0; i < sizeof scores / sizeof scores[0]; i++) {
        struct geo_point p = geo_point_of(scores[i]);
        cr_expect(geo_point_is_valid(&p), "%f", scores[i]);
    }
}

Test(geohash, knows_what_is_on_the_map)
{
    struct geo_point p[] = { { 180, 85.05112878 }, { -180, -85.05112878 },
                             { 180.1, 0 },         { 0, 85.06 },
                             { NAN, 0 },           { 0, NAN } };
    for (uint32_t i = 0; i < sizeof p / sizeof p[0]; i++)
        cr_expect(eq(int, geo_point_is_valid(&p[i]), i < 2), "%u", i);
}

Test(geohash, goes_around_the_edges)
{
    struct geo_point corner = { 179.9, 84.9 };
    struct geo_cell cell = geo_encode(&corner, 5);
    struct geo_cell east = geo_cell_neighbour(&cell, 1, 0), north = geo_cell_neighbour(&cell, 0, 1);
    struct geo_cell back = geo_cell_neighbour(&east, -1, 0);
    cr_expect(near(geo_cell_box(&east).min.longitude, -180, 0));
    cr_expect(near(geo_cell_box(&north).min.latitude, -GEO_LATITUDE_MAX, 0));
    cr_expect(eq(u64, back.bits, cell.bits));
}

// Whatever lies in a shape lies in one of its cells.
static void cover(const struct geo_shape *shape)
{
    struct geo_cell cells[GEO_CELLS_MAX];
    uint32_t count = geo_shape_cells(shape, cells);
    cr_expect(ge(u32, count, 1));
    for (int i = 0; i < 4000; i++) {
        double reach = shape->is_box ? shape->width : shape->radius;
        double turn = i * 0.37, far = reach * shape->unit_m / 111000 * (i % 100) / 60;
        struct geo_point p = { shape->centre.longitude + far * cos(turn) * 3,
                               shape->centre.latitude + far * sin(turn) };
        double distance_m, min, max;
        if (!geo_point_is_valid(&p) || !geo_shape_holds(shape, &p, &distance_m)) continue;
        double score = (double)geo_score_of(&p);
        bool is_covered = false;
        for (uint32_t c = 0; c < count; c++) {
            geo_cell_scores(&cells[c], &min, &max);
            is_covered |= score >= min && score < max;
        }
        cr_assert(is_covered, "%f %f from %f %f", p.longitude, p.latitude, shape->centre.longitude,
                  shape->centre.latitude);
    }
}

Test(geohash, covers_shapes_with_cells)
{
    static const double sizes_km[] = { 0.1, 1, 10, 100, 500, 2000 };
    for (uint32_t i = 0; i < sizeof sizes_km / sizeof sizes_km[0]; i++) {
        for (double latitude = -60; latitude <= 60; latitude += 20) {
            struct geo_shape circle = { .centre = { 15.3, latitude },
                                        .unit_m = 1000,
                                        .radius = sizes_km[i] };
            struct geo_shape box = { .is_box = true,
                                     .centre = { -70.1, latitude },
                                     .unit_m = 1000,
                                     .width = sizes_km[i],
                                     .height = sizes_km[i] / 2 };
            cover(&circle);
            cover(&box);
        }
    }
}
