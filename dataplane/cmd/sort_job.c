#include "dataplane/cmd/sort_job.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "dataplane/base/num.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/effect_draft.h"
#include "dataplane/cmd/held.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/sort_texts.h"

enum {
    ELEMENTS_PER_LOOK = 4, // at the clock
    VALUES_PER_LOOK = 64,  // that were kept, and are given back
    NUMBER_FEW = 256,
};

enum phase { PHASE_LOAD, PHASE_ORDER, PHASE_BEGIN, PHASE_SHOW, PHASE_CLEAN, PHASE_TELL };

struct sort;
struct sort_watch {
    struct job_watch watch;
    struct server *home;
    struct sort *sort; // what of it does not change from slice to slice, and sort->lookup
};

struct sort {
    struct job job;
    struct sort_watch *watches; // one for each shard; NULL: none
    uint32_t watch_count;
    struct heap *heap;
    struct sort_options options;
    struct sort_source source;
    struct sort_lookup lookup;
    struct sort_texts texts; // numbers' and weights'
    enum phase phase;
    bool is_job, takes_ahead, has_builder;
    uint64_t first, count, shown; // of the result: elements
    uint64_t loaded, room;        // items
    struct sort_item *items, *other;
    struct sort_merge merge;
    const uint8_t **ahead; // values of all GETs for all items, when taken ahead
    struct list_builder builder;
    struct list_cut built; // a look at it
    struct list_iter told;
    struct effect_draft draft; // of a job: what it puts
};

// ---- loading

// As strtod reads it: blanks in front are fine, a NUL ends it, nothing is 0.
static bool parse_score(struct sort *s, struct bytes text, double *score)
{
    char few[NUMBER_FEW], *copy = few, *end;
    int64_t number;
    if (num_parse_int(text, &number)) {
        *score = (double)number;
        return true;
    }
    if (text.size >= sizeof few) copy = heap_take(s->heap, text.size + 1, HEAP_OTHER);
    if (text.size) memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    errno = 0;
    *score = strtod(copy, &end);
    bool is_good = *end == 0 && errno != ERANGE && !isnan(*score);
    if (copy != few) heap_give(s->heap, copy, text.size + 1, HEAP_OTHER);
    return is_good;
}

static bool weigh(struct sort *s, struct call *call, struct sort_item *item)
{
    struct bytes text = sort_item_text(item);
    if (s->options.has_by) {
        if (!sort_lookup_find(&s->lookup, call, &s->options.by, text)) return true;
        text = s->lookup.value.bytes;
        if (s->options.alpha) item->weight = sort_texts_keep_sized(&s->texts, text);
    }
    return s->options.alpha || parse_score(s, text, &item->score);
}

static void take_ahead(struct sort *s, struct call *call, const struct sort_item *item)
{
    uint32_t count = s->options.get_count;
    for (uint32_t i = 0; i < count; i++) {
        const struct sort_pattern *get = &s->options.gets[i];
        const uint8_t **to = &s->ahead[(uint64_t)item->number * count + i];
        *to = NULL;
        if (sort_pattern_looks_up(get) &&
            sort_lookup_find(&s->lookup, call, get, sort_item_text(item)))
            *to = sort_texts_keep_sized(&s->texts, s->lookup.value.bytes);
    }
}

static bool load_one(struct sort *s, struct call *call) // false: its number is none
{
    struct bytes text;
    bool lasts;
    sort_source_next(&s->source, &text, &lasts);
    struct sort_item *item = &s->items[s->loaded];
    *item = (struct sort_item){ .data = lasts ? text.data : sort_texts_keep(&s->texts, text),
                                .size = (uint32_t)text.size,
                                .number = (uint32_t)s->loaded++ };
    if (s->options.alpha) item->weight = NULL;
    if (!weigh(s, call, item)) {
        reply_error(call->reply, "ERR One or more scores can't be converted into double");
        return false;
    }
    if (s->ahead) take_ahead(s, call, item);
    return true;
}

static struct sort_order order_of(const struct sort_options *o)
{
    enum sort_by by = !o->alpha ? SORT_BY_SCORE : o->has_by ? SORT_BY_WEIGHT : SORT_BY_TEXT;
    return (struct sort_order){ by, o->descends, o->store == 0 };
}

static void *take_array(struct sort *s, uint64_t count, size_t size)
{
    return heap_take(s->heap, count ? count * size : 1, HEAP_OTHER);
}

static void give_array(struct sort *s, void *array, uint64_t count, size_t size)
{
    if (array) heap_give(s->heap, array, count ? count * size : 1, HEAP_OTHER);
}

static void begin_load(struct sort *s)
{
    s->room = s->source.count;
    s->items = take_array(s, s->room, sizeof s->items[0]);
    s->other = take_array(s, s->room, sizeof s->other[0]);
    if (s->takes_ahead && s->options.get_lookups)
        s->ahead = take_array(s, s->room * s->options.get_count, sizeof s->ahead[0]);
    sort_source_begin(&s->source, 0, false);
}

enum outcome { OUTCOME_MORE, OUTCOME_DONE, OUTCOME_FAILED };

static enum outcome load(struct sort *s, struct call *call, uint64_t until_tsc)
{
    if (!s->items) begin_load(s);
    do {
        for (uint32_t n = 0; n < ELEMENTS_PER_LOOK; n++) {
            if (s->loaded == s->room) return OUTCOME_DONE;
            if (!load_one(s, call)) return OUTCOME_FAILED;
        }
    } while (job_may_go_on(until_tsc));
    return OUTCOME_MORE;
}

// ---- the result

static void show_text(struct sort *s, struct call *call, struct bytes text, struct blob *blob)
{
    if (s->options.store)
        list_build_add(&s->builder, text);
    else if (blob)
        reply_blob(call->reply, blob, text);
    else
        reply_bulk(call->reply, text);
}

static void show_none(struct sort *s, struct call *call)
{
    if (s->options.store)
        list_build_add(&s->builder, BYTES_LITERAL(""));
    else
        reply_null(call->reply);
}

static void show_get(struct sort *s, struct call *call, const struct sort_item *item, uint32_t i)
{
    const struct sort_pattern *get = &s->options.gets[i];
    if (s->ahead && sort_pattern_looks_up(get)) {
        const uint8_t *value = s->ahead[(uint64_t)item->number * s->options.get_count + i];
        if (value)
            show_text(s, call, bytes_make(value + 4, load_le32(value)), NULL);
        else
            show_none(s, call);
    } else if (sort_lookup_find(&s->lookup, call, get, sort_item_text(item))) {
        show_text(s, call, s->lookup.value.bytes, s->lookup.value.blob);
    } else {
        show_none(s, call);
    }
}

static void show_item(struct sort *s, struct call *call, const struct sort_item *item)
{
    if (s->options.get_count == 0) show_text(s, call, sort_item_text(item), NULL);
    for (uint32_t i = 0; i < s->options.get_count; i++) show_get(s, call, item, i);
}

static uint64_t result_size(const struct sort *s)
{
    return s->count * (s->options.get_count ? s->options.get_count : 1);
}

// Without a sort the result is a stretch of the source; a set has but one direction.
static void begin_show(struct sort *s, struct call *call)
{
    bool backwards = s->options.descends && s->source.type != TYPE_SET;
    if (s->options.no_sort && s->count > 0)
        sort_source_begin(&s->source, backwards ? s->source.count - 1 - s->first : s->first,
                          backwards);
    if (!s->options.store) {
        reply_array(call->reply, result_size(s));
        return;
    }
    list_build_begin(&s->builder, call_keyspace(call, call->argv[s->options.store]));
    s->has_builder = true;
}

static void show_next(struct sort *s, struct call *call)
{
    struct sort_item item = { .size = 0 };
    struct bytes text;
    bool lasts;
    if (s->options.no_sort) {
        sort_source_next(&s->source, &text, &lasts);
        item.data = text.data;
        item.size = (uint32_t)text.size;
    } else {
        item = s->merge.items[s->first + s->shown];
    }
    s->shown++;
    show_item(s, call, &item);
}

// The effect of a job is what it puts.
static void begin_tell(struct sort *s, struct call *call)
{
    list_build_look(&s->builder, &s->built);
    list_iter_init(&s->told, &s->built, 0, false);
    effect_draft_begin(&s->draft, call, "RPUSH", call->argv[s->options.store], s->built.count,
                       true);
    s->phase = PHASE_TELL;
}

static bool tell_some(struct sort *s, uint64_t until_tsc) // true: done
{
    struct bytes text;
    if (!effect_draft_is_on(&s->draft)) return true;
    do {
        for (uint32_t n = 0; n < ELEMENTS_PER_LOOK; n++) {
            if (!list_iter_next(&s->told, &text)) return true;
            effect_draft_add(&s->draft, text);
        }
    } while (job_may_go_on(until_tsc));
    return s->draft.left == 0;
}

static void store(struct sort *s, struct call *call)
{
    struct key key = key_make(call->keyspace, call->argv[s->options.store]);
    uint32_t db = call->client->db;
    uint64_t size = result_size(s);
    bool was_there = keyspace_find(call->keyspace, db, &key, FIND_QUIET, call->now_ms) != NULL;
    struct entry *e =
        list_build_put(&s->builder, &call->server->thresholds, db, &key, call->now_ms);
    s->has_builder = false;
    if (e || was_there) {
        keyspace_add_dirty(call_keyspace(call, key.name), e ? size : 1);
        call_changed(call, &key, e ? EVENT_LIST : EVENT_GENERIC, e ? "sortstore" : "del");
        if (s->is_job) effect_draft_put(&s->draft, call);
    }
    reply_int(call->reply, (int64_t)size);
}

// ---- its way

static bool order_some(struct sort *s, uint64_t until_tsc) // true: done
{
    while (!sort_merge_step(&s->merge))
        if (!job_may_go_on(until_tsc)) return false;
    return true;
}

static bool show_some(struct sort *s, struct call *call, uint64_t until_tsc) // true: done
{
    while (s->shown < s->count) {
        for (uint32_t n = 0; n < ELEMENTS_PER_LOOK && s->shown < s->count; n++) show_next(s, call);
        if (!job_may_go_on(until_tsc)) return false;
    }
    return true;
}

static void begin_order(struct sort *s)
{
    struct sort_order order = order_of(&s->options);
    sort_merge_begin(&s->merge, &order, s->items, s->other, s->room);
    s->phase = PHASE_ORDER;
}

static void stop_watching(struct sort *s)
{
    for (uint32_t i = 0; i < s->watch_count; i++)
        jobs_unwatch(s->watches[i].home, &s->watches[i].watch);
    give_array(s, s->watches, s->watch_count, sizeof s->watches[0]);
    s->watches = NULL;
    s->watch_count = 0;
}

// What the result was made of goes while there is still time: there may be a block for every few
// hundred elements, and a value for every key that was written meanwhile.
static bool clean_some(struct sort *s, uint64_t until_tsc) // true: done
{
    while (sort_texts_drop_some(&s->texts) || !sort_lookup_forget(&s->lookup, VALUES_PER_LOOK))
        if (!job_may_go_on(until_tsc)) return false;
    return true;
}

static bool sort_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct sort *s = (struct sort *)(void *)job;
    if (s->phase == PHASE_LOAD) {
        enum outcome outcome = load(s, call, until_tsc);
        if (outcome != OUTCOME_DONE) return outcome == OUTCOME_FAILED;
        begin_order(s);
    }
    if (s->phase == PHASE_ORDER) {
        if (!order_some(s, until_tsc)) return false;
        s->phase = PHASE_BEGIN;
    }
    if (s->phase == PHASE_BEGIN) {
        begin_show(s, call);
        s->phase = PHASE_SHOW;
    }
    if (s->phase == PHASE_SHOW) {
        if (!show_some(s, call, until_tsc)) return false;
        stop_watching(s);
        s->phase = PHASE_CLEAN;
    }
    if (s->phase == PHASE_CLEAN) {
        if (!clean_some(s, until_tsc)) return false;
        if (s->options.store && s->is_job) begin_tell(s, call);
    }
    if (s->phase == PHASE_TELL && !tell_some(s, until_tsc)) return false;
    if (s->options.store) store(s, call);
    return true;
}

static void sort_close(struct job *job, struct server *server)
{
    struct sort *s = (struct sort *)(void *)job;
    struct heap *heap = server->heap;
    stop_watching(s);
    effect_draft_drop(&s->draft);
    if (s->has_builder) list_build_drop(&s->builder);
    give_array(s, s->ahead, s->room * s->options.get_count, sizeof s->ahead[0]);
    give_array(s, s->items, s->room, sizeof s->items[0]);
    give_array(s, s->other, s->room, sizeof s->other[0]);
    while (sort_texts_drop_some(&s->texts)) continue;
    sort_lookup_close(&s->lookup, heap);
    sort_source_close(&s->source);
    heap_give(heap, s->options.gets, s->options.get_room * sizeof s->options.gets[0], HEAP_OTHER);
    heap_give(heap, s, sizeof *s, HEAP_OTHER);
}

static const struct job_ops sort_ops = { .step = sort_step, .close = sort_close };

// ---- its beginning

// LIMIT, cut to what there is.
static void find_result(struct sort *s, uint64_t total)
{
    int64_t start = s->options.start, limit = s->options.limit;
    s->first = start < 0 ? 0 : (uint64_t)start;
    if (s->first > total) s->first = total;
    s->count = total - s->first;
    if (limit >= 0 && (uint64_t)limit < s->count) s->count = (uint64_t)limit;
}

// What has to be done, in elements; and whether lookups are done ahead of the first slice. Few
// enough of them, and nothing else, are done at once.
static uint64_t plan(struct sort *s, uint64_t total)
{
    uint64_t shown = s->count * s->options.get_lookups;
    if (s->options.no_sort) return shown > 0 && shown <= SORT_LOOKUPS_AT_ONCE ? 0 : s->count;
    uint64_t weights = s->options.has_by ? total : 0;
    uint64_t ahead = weights + total * s->options.get_lookups;
    s->takes_ahead = ahead > 0 && ahead <= SORT_LOOKUPS_AT_ONCE;
    return total + weights + shown;
}

// By the thread of server, or of who holds it.
static void before_write(struct job_watch *watch, struct server *server, struct bytes key)
{
    struct sort *s = LIST_OWNER(watch, struct sort_watch, watch)->sort;
    const struct bytes *patterns = s->job.request->argv;
    if (s->options.has_by) sort_lookup_keep(&s->lookup, server, &s->options.by, patterns, key);
    for (uint32_t i = 0; i < s->options.get_count; i++)
        sort_lookup_keep(&s->lookup, server, &s->options.gets[i], patterns, key);
}

static bool looks_up_later(const struct sort *s)
{
    return !s->takes_ahead && (s->options.has_by || s->options.get_lookups);
}

static void watch(struct call *call, struct sort *s)
{
    shard_set own = shard_set_of(call->server->shard_index);
    shard_set shards = call_is_joint(call) ? s->job.shards : own;
    s->watch_count = (uint32_t)__builtin_popcountll(shards);
    s->watches = take_array(s, s->watch_count, sizeof s->watches[0]);
    for (uint32_t i = 0; i < s->watch_count; i++) {
        struct sort_watch *w = &s->watches[i];
        *w = (struct sort_watch){ { .before_write = before_write },
                                  held_next(call->server, &shards),
                                  s };
        jobs_watch(w->home, &w->watch);
    }
}

// Keys that come to another shard meanwhile would be looked for where they are not.
static bool has_to_be_at_once(const struct call *call, const struct sort *s)
{
    return call_is_joint(call) && looks_up_later(s) && call->server->node->placement.move.is_active;
}

static void start_job(struct call *call, struct sort *s)
{
    struct key to;
    if (s->options.store) to = key_make(call->keyspace, call->argv[s->options.store]);
    if (s->takes_ahead) {
        if (load(s, call, UINT64_MAX) == OUTCOME_FAILED) {
            sort_close(&s->job, call->server);
            return;
        }
        begin_order(s);
    }
    bool looks_up = looks_up_later(s);
    if (has_to_be_at_once(call, s))
        call_run_job(call, &s->job);
    else if (s->options.store)
        call_start_write_job(call, &s->job, &to);
    else
        call_start_job(call, &s->job);
    if (call->suspended && looks_up) watch(call, s);
}

void sort_run(struct call *call, const struct entry *e, const struct sort_options *options)
{
    struct sort *s = heap_take_zeroed(call->server->heap, sizeof *s, HEAP_OTHER);
    s->job.ops = &sort_ops;
    s->heap = s->texts.heap = call->server->heap;
    sort_lookup_open(&s->lookup, call);
    s->options = *options;
    s->phase = options->no_sort ? PHASE_BEGIN : PHASE_LOAD;
    struct keyspace *k = call_keyspace(call, call->argv[1]);
    sort_source_open(&s->source, k, e, false);
    find_result(s, s->source.count);
    s->is_job = plan(s, s->source.count) >= JOB_ELEMENTS_MIN;
    if (s->is_job) {
        sort_source_open(&s->source, k, e, true);
        start_job(call, s);
    } else {
        s->takes_ahead = false;
        sort_step(&s->job, call, UINT64_MAX);
        sort_close(&s->job, call->server);
    }
}
