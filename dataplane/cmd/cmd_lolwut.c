// cmd_lolwut.c: LOLWUT: a picture, and the line with the version that client libraries look for.
//
// Ours is a pond seen from above: drops have fallen in, their rings meet and add up. The same
// arguments always give the same picture.
#include "dataplane/base/hash.h"
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/text.h"

static command_body cmd_lolwut_body;

const struct command cmd_lolwut[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(LOLWUT, "lolwut", cmd_lolwut_body, -1, 0, 0, 0, CMD_READONLY | CMD_FAST, 0),
};

enum { COLUMNS_MAX = 120, ROWS_MAX = 40, DROPS_MAX = 8, RING_MIN = 5, RING_MAX = 13 };

struct pond {
    int64_t version, columns, rows, drops;
    struct drop {
        int32_t x, y, ring; // quarters of a column; a ring's width
    } at[DROPS_MAX];
};

static bool read_number(struct call *call, uint32_t index, int64_t most, int64_t *value)
{
    int64_t number;
    if (index >= call->argc) return true;
    if (!call_int(call, index, &number, NULL)) return false;
    *value = number < 1 ? 1 : number > most ? most : number;
    return true;
}

// Whole square root, by the digits of the base two.
static uint32_t root(uint32_t square)
{
    uint32_t result = 0;
    for (uint32_t bit = 1u << 15; bit; bit >>= 1)
        if ((uint64_t)(result | bit) * (result | bit) <= square) result |= bit;
    return result;
}

static void let_drops_fall(struct pond *p)
{
    struct rng rng;
    rng_seed(
        &rng,
        ((((uint64_t)p->version * 131 + (uint64_t)p->columns) * 131 + (uint64_t)p->rows) * 131 +
         (uint64_t)p->drops));
    for (int64_t i = 0; i < p->drops; i++) {
        struct drop *d = &p->at[i];
        d->x = (int32_t)rng_below(&rng, (uint64_t)p->columns * 4);
        d->y = (int32_t)rng_below(&rng, (uint64_t)p->rows * 8);
        d->ring = (int32_t)(RING_MIN + rng_below(&rng, RING_MAX - RING_MIN));
    }
}

// A triangle wave that flattens on its way out: -16..16 at the drop.
static int32_t height(const struct drop *d, int32_t x, int32_t y)
{
    int32_t far = (int32_t)root((uint32_t)((x - d->x) * (x - d->x) + (y - d->y) * (y - d->y)));
    int32_t period = 4 * d->ring, phase = far % period;
    int32_t wave = phase < period / 2 ? period / 4 - phase : phase - period * 3 / 4;
    return wave * 64 / d->ring / (4 + far / period);
}

static char shade(const struct pond *p, int32_t x, int32_t y)
{
    static const char shades[] = " .,:;-=+*oO#@";
    int32_t sum = 0, count = sizeof shades - 1;
    for (int64_t i = 0; i < p->drops; i++) sum += height(&p->at[i], x, y);
    int32_t index = count / 2 + sum / 3;
    return shades[index < 0 ? 0 : index >= count ? count - 1 : index];
}

static void paint(struct text *t, const struct pond *p)
{
    char line[COLUMNS_MAX + 1];
    for (int64_t row = 0; row < p->rows; row++) {
        for (int64_t column = 0; column < p->columns; column++)
            line[column] = shade(p, (int32_t)column * 4 + 2, (int32_t)row * 8 + 4);
        line[p->columns] = 0;
        text_add(t, "%s\n", line);
    }
}

// LOLWUT [VERSION version] [columns] [rows] [drops]
static void cmd_lolwut_body(struct call *call)
{
    struct pond p = { .version = 7, .columns = 66, .rows = 18, .drops = 3 };
    struct text t;
    uint32_t first = 1;
    if (call->argc >= 3 && bytes_is_option(call->argv[1], "version")) {
        if (!call_int(call, 2, &p.version, NULL)) return;
        first = 3;
    }
    if (!read_number(call, first, COLUMNS_MAX, &p.columns) ||
        !read_number(call, first + 1, ROWS_MAX, &p.rows) ||
        !read_number(call, first + 2, DROPS_MAX, &p.drops))
        return;
    let_drops_fall(&p);
    text_open(&t, call->server->heap);
    paint(&t, &p);
    text_add(&t,
             "\nPenstock " PENSTOCK_VERSION
             ": %lu drops in a pond\nRedis ver. " SERVER_REDIS_VERSION "\n",
             (unsigned long)p.drops);
    reply_verbatim(call->reply, "txt", text_bytes(&t));
    text_close(&t);
}
