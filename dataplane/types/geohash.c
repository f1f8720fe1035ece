#include "dataplane/types/geohash.h"
#include <math.h>

enum { SCORE_BITS = 2 * GEO_STEPS_MAX, BITS_PER_CHAR = 5 };

// ---- two numbers of up to 32 bits in one

static uint64_t spread(uint32_t value)
{
    uint64_t v = value;
    v = (v | v << 16) & 0x0000ffff0000ffffull;
    v = (v | v << 8) & 0x00ff00ff00ff00ffull;
    v = (v | v << 4) & 0x0f0f0f0f0f0f0f0full;
    v = (v | v << 2) & 0x3333333333333333ull;
    return (v | v << 1) & 0x5555555555555555ull;
}

static uint32_t gather(uint64_t v)
{
    v &= 0x5555555555555555ull;
    v = (v | v >> 1) & 0x3333333333333333ull;
    v = (v | v >> 2) & 0x0f0f0f0f0f0f0f0full;
    v = (v | v >> 4) & 0x00ff00ff00ff00ffull;
    v = (v | v >> 8) & 0x0000ffff0000ffffull;
    return (uint32_t)(v | v >> 16);
}

static uint64_t interleave(uint32_t column, uint32_t row)
{
    return spread(column) << 1 | spread(row);
}

// ---- cells

bool geo_point_is_valid(const struct geo_point *p)
{
    return fabs(p->longitude) <= GEO_LONGITUDE_MAX && fabs(p->latitude) <= GEO_LATITUDE_MAX;
}

// Which of 2^steps equal parts of -limit..limit the value is in. (Its upper end lies in a part
// beyond the last: 2^steps, as in Redis.)
static uint32_t part_of(double value, double limit, uint32_t steps)
{
    double share = (value + limit) / (limit + limit);
    return (uint32_t)(share * (double)(1ull << steps));
}

static struct geo_cell encode(const struct geo_point *p, double latitude_max, uint32_t steps)
{
    uint32_t column = part_of(p->longitude, GEO_LONGITUDE_MAX, steps);
    uint32_t row = part_of(p->latitude, latitude_max, steps);
    return (struct geo_cell){ interleave(column, row), steps };
}

struct geo_cell geo_encode(const struct geo_point *p, uint32_t steps)
{
    return encode(p, GEO_LATITUDE_MAX, steps);
}

static double edge(uint32_t part, double limit, uint32_t steps)
{
    return -limit + (double)part / (double)(1ull << steps) * (limit + limit);
}

struct geo_box geo_cell_box(const struct geo_cell *cell)
{
    uint32_t column = gather(cell->bits >> 1), row = gather(cell->bits);
    return (struct geo_box){
        .min = { edge(column, GEO_LONGITUDE_MAX, cell->steps),
                 edge(row, GEO_LATITUDE_MAX, cell->steps) },
        .max = { edge(column + 1, GEO_LONGITUDE_MAX, cell->steps),
                 edge(row + 1, GEO_LATITUDE_MAX, cell->steps) },
    };
}

// Around the edge of the map; a coordinate that stays is left as it is, even one beyond the edge.
static uint32_t moved(uint32_t part, int by, uint32_t steps)
{
    return by ? (part + (uint32_t)by) & (uint32_t)((1ull << steps) - 1) : part;
}

struct geo_cell geo_cell_neighbour(const struct geo_cell *cell, int east, int north)
{
    uint32_t column = moved(gather(cell->bits >> 1), east, cell->steps);
    uint32_t row = moved(gather(cell->bits), north, cell->steps);
    return (struct geo_cell){ interleave(column, row), cell->steps };
}

void geo_cell_scores(const struct geo_cell *cell, double *min, double *max)
{
    uint32_t shift = SCORE_BITS - 2 * cell->steps;
    *min = (double)(cell->bits << shift);
    *max = (double)((cell->bits + 1) << shift);
}

// ---- scores

uint64_t geo_score_of(const struct geo_point *p) { return geo_encode(p, GEO_STEPS_MAX).bits; }

// As x86-64 converts in C, whatever ZADD may have put there: modulo 2^64 where that is defined.
static uint64_t bits_of_score(double score)
{
    if (score >= 0x1p64) return 0;
    if (score >= 0) return (uint64_t)score;
    return score >= -0x1p63 ? (uint64_t)(int64_t)score : 1ull << 63;
}

static double within(double value, double limit)
{
    return value > limit ? limit : value < -limit ? -limit : value;
}

struct geo_point geo_point_of(double score)
{
    struct geo_cell cell = { bits_of_score(score), GEO_STEPS_MAX };
    struct geo_box box = geo_cell_box(&cell);
    return (struct geo_point){
        .longitude = within((box.min.longitude + box.max.longitude) / 2, GEO_LONGITUDE_MAX),
        .latitude = within((box.min.latitude + box.max.latitude) / 2, GEO_LATITUDE_MAX),
    };
}

void geo_text(double score, char out[GEO_TEXT_CHARS])
{
    static const char alphabet[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    struct geo_point p = geo_point_of(score);
    uint64_t bits = encode(&p, 90, GEO_STEPS_MAX).bits;
    for (uint32_t i = 0; i < GEO_TEXT_CHARS - 1; i++)
        out[i] = alphabet[bits >> (SCORE_BITS - BITS_PER_CHAR * (i + 1)) & 31];
    out[GEO_TEXT_CHARS - 1] = '0'; // 52 bits are ten characters and a bit
}

// ---- distances

double geo_radians(double degrees) { return degrees * (M_PI / 180.0); }

double geo_degrees(double radians) { return radians / (M_PI / 180.0); }

static double latitude_distance_m(double a, double b)
{
    return GEO_EARTH_RADIUS_M * fabs(geo_radians(b) - geo_radians(a));
}

double geo_distance_m(const struct geo_point *a, const struct geo_point *b)
{
    double v = sin((geo_radians(b->longitude) - geo_radians(a->longitude)) / 2);
    if (v == 0) return latitude_distance_m(a->latitude, b->latitude);
    double from = geo_radians(a->latitude), to = geo_radians(b->latitude);
    double u = sin((to - from) / 2);
    return 2.0 * GEO_EARTH_RADIUS_M * asin(sqrt(u * u + cos(from) * cos(to) * v * v));
}

bool geo_shape_holds(const struct geo_shape *s, const struct geo_point *p, double *distance_m)
{
    if (!s->is_box) {
        *distance_m = geo_distance_m(&s->centre, p);
        return *distance_m <= s->radius * s->unit_m;
    }
    // Latitudes first: they cost no sine.
    if (latitude_distance_m(p->latitude, s->centre.latitude) > s->height * s->unit_m / 2)
        return false;
    struct geo_point beside = { s->centre.longitude, p->latitude };
    if (geo_distance_m(p, &beside) > s->width * s->unit_m / 2) return false;
    *distance_m = geo_distance_m(&s->centre, p);
    return true;
}
