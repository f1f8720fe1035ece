#include "dataplane/cmd/defrag.h"
#include "dataplane/cmd/cmd.h"

enum { REST_S = 30, WORTH_PERCENT = 1 };

static uint64_t waste_of(const struct server *s)
{
    const struct shard_tally *t = s->tally;
    return t->heap_active > t->heap_allocated ? t->heap_active - t->heap_allocated : 0;
}

static uint64_t waste_percent(const struct server *s)
{
    uint64_t allocated = s->tally->heap_allocated;
    return allocated ? waste_of(s) * 100 / allocated : 0;
}

static bool is_wanted(const struct server *s)
{
    const struct settings *f = s->settings;
    return f->activedefrag && heap_can_relocate() && waste_of(s) >= f->active_defrag_ignore_bytes &&
           waste_percent(s) >= (uint64_t)f->active_defrag_threshold_lower;
}

// From the lower threshold to the upper one the share grows evenly.
static uint32_t share_of_core(const struct server *s)
{
    const struct settings *f = s->settings;
    int64_t lower = f->active_defrag_threshold_lower, upper = f->active_defrag_threshold_upper;
    int64_t low = f->active_defrag_cycle_min, high = f->active_defrag_cycle_max;
    int64_t waste = (int64_t)waste_percent(s);
    if (waste >= upper || upper <= lower || high <= low) return (uint32_t)(high > low ? high : low);
    if (waste <= lower) return (uint32_t)low;
    return (uint32_t)(low + (high - low) * (waste - lower) / (upper - lower));
}

static void add_counts(struct defrag *d)
{
    struct relocate_pass *p = &d->pass;
    d->hits += p->moved;
    d->misses += p->kept;
    d->key_hits += p->keys_moved;
    d->key_misses += p->keys_kept;
    p->moved = p->kept = p->keys_moved = p->keys_kept = 0;
}

static void begin(struct server *s)
{
    struct defrag *d = &s->defrag;
    d->is_running = true;
    d->since_ns = s->now_ns;
    d->next_tsc = 0;
}

static void end(struct server *s)
{
    struct defrag *d = &s->defrag;
    d->total_ns += s->now_ns - d->since_ns;
    d->is_running = false;
    d->percent = 0;
}

static void end_pass(struct server *s)
{
    struct defrag *d = &s->defrag;
    relocate_end(&d->pass);
    d->has_pass = false;
}

void defrag_cron(struct server *s)
{
    struct defrag *d = &s->defrag;
    if (LIKELY(!d->is_running)) {
        if (UNLIKELY(is_wanted(s)) && s->now_ns >= d->rests_until_ns) begin(s);
    } else if (!s->settings->activedefrag) {
        end_pass(s);
        end(s);
    }
    if (d->is_running) d->percent = share_of_core(s);
}

// What was moved out of the last sparse pages shows in the figures of the next cron only: a further
// pass in the meantime would find little.
static void finish_pass(struct server *s, uint64_t moved, uint64_t looked)
{
    bool was_worth_it = moved * 100 > looked * WORTH_PERCENT;
    end_pass(s);
    if (s->ops) s->ops->refresh_tally(s);
    if (is_wanted(s) && was_worth_it) return;
    if (!was_worth_it) s->defrag.rests_until_ns = s->now_ns + REST_S * 1000000000ull;
    end(s);
}

static void step(struct server *s, uint64_t until_tsc)
{
    struct defrag *d = &s->defrag;
    if (!d->has_pass) {
        relocate_begin(&d->pass, s->keyspace);
        d->has_pass = true;
        d->pass_moved = d->pass_looked = 0;
    }
    bool is_over = relocate_step(&d->pass, until_tsc);
    d->pass_moved += d->pass.moved;
    d->pass_looked += d->pass.moved + d->pass.kept;
    add_counts(d);
    if (is_over) finish_pass(s, d->pass_moved, d->pass_looked);
}

bool defrag_turn(struct server *s)
{
    struct defrag *d = &s->defrag;
    if (LIKELY(!d->is_running)) return false;
    uint64_t start = clock_tsc();
    if (start < d->next_tsc) return false;
    step(s, start + s->clock->tsc_hz / 1000000 * DEFRAG_SLICE_US);
    uint64_t used = clock_tsc() - start;
    uint32_t share = d->percent ? d->percent : 1;
    d->next_tsc = start + used + used * (100 - share) / share;
    tally_slice(s->tally, used);
    latency_note(s, LATENCY_DEFRAG, used);
    return true;
}

uint64_t defrag_next_ns(const struct server *s)
{
    const struct defrag *d = &s->defrag;
    if (LIKELY(!d->is_running)) return UINT64_MAX;
    uint64_t now = clock_tsc();
    return s->now_ns + (d->next_tsc > now ? clock_tsc_to_ns(s->clock, d->next_tsc - now) : 0);
}

void defrag_close(struct server *s)
{
    if (s->defrag.has_pass) end_pass(s);
}

void defrag_reset_stats(struct server *s)
{
    struct defrag *d = &s->defrag;
    d->hits = d->misses = d->key_hits = d->key_misses = d->total_ns = 0;
    if (d->is_running) d->since_ns = s->now_ns;
}

uint64_t defrag_time_ns(const struct server *s, bool before_too)
{
    uint64_t now = s->defrag.is_running ? s->now_ns - s->defrag.since_ns : 0;
    return before_too ? now + s->defrag.total_ns : now;
}
