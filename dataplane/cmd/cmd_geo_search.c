// GEOSEARCH and GEORADIUS, with their forms that store: one search over the cells that cover a
// shape, in slices when they hold many members.
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/geo_hits.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/zset_args.h"
#include "dataplane/cmd/zset_tell.h"

static command_body cmd_georadius, cmd_georadius_ro, cmd_georadiusbymember,
    cmd_georadiusbymember_ro, cmd_geosearch, cmd_geosearchstore;

// clang-format off
const struct command cmd_geo_searches[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(GEORADIUS, "georadius", cmd_georadius, -6, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_MOVABLEKEYS, ACL_GEO),
    COMMAND(GEORADIUS_RO, "georadius_ro", cmd_georadius_ro, -6, 1, 1, 1, CMD_READONLY, ACL_GEO),
    COMMAND(GEORADIUSBYMEMBER, "georadiusbymember", cmd_georadiusbymember, -5, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_MOVABLEKEYS, ACL_GEO),
    COMMAND(GEORADIUSBYMEMBER_RO, "georadiusbymember_ro", cmd_georadiusbymember_ro, -5, 1, 1, 1, CMD_READONLY, ACL_GEO),
    COMMAND(GEOSEARCH, "geosearch", cmd_geosearch, -7, 1, 1, 1, CMD_READONLY, ACL_GEO),
    COMMAND(GEOSEARCHSTORE, "geosearchstore", cmd_geosearchstore, -8, 1, 2, 1, CMD_WRITE | CMD_DENYOOM, ACL_GEO),
};
// clang-format on

enum { MEMBERS_PER_LOOK = 8 }; // at the clock: some 100 ns each, and 300 when it is found

enum search_phase { SEARCH_LOOKING, SEARCH_STORING, SEARCH_REPLYING };
struct search_job {
    struct job job;
    struct geo_search_args args;
    struct keyspace *source; // that the cut is of
    struct zset_cut cut;
    bool is_direct; // it is a look
    enum search_phase phase;
    struct { // ranks in the cut that a cell covers
        uint64_t first, count;
    } cells[GEO_CELLS_MAX];
    uint32_t cell_count, at;
    uint64_t left; // of cell number at
    struct zset_iter iter;
    struct geo_hits hits;
    struct tree_cursor hit; // the next one to reply or store
    struct zset_builder builder;
    struct zset_tell tell;
};

// ---- looking

static bool has_enough(const struct search_job *j)
{
    return j->args.is_any && geo_hits_count(&j->hits) >= (uint64_t)j->args.count;
}

static void look_at_next(struct search_job *j, struct tree_space *s)
{
    struct bytes member;
    double score, distance_m;
    zset_iter_next(&j->iter, &member, &score);
    j->left--;
    struct geo_point p = geo_point_of(score);
    if (geo_shape_holds(&j->args.shape, &p, &distance_m))
        geo_hits_add(&j->hits, s, member, score, distance_m);
}

// False: there was no time for all.
static bool look(struct search_job *j, struct tree_space *s, uint64_t until_tsc)
{
    for (;;) {
        while (j->left == 0) {
            if (j->at == j->cell_count || has_enough(j)) return true;
            j->left = j->cells[j->at].count;
            zset_iter_init(&j->iter, &j->cut, j->cells[j->at++].first, false);
        }
        for (uint32_t n = 0; n < MEMBERS_PER_LOOK && j->left > 0; n++) {
            if (has_enough(j)) return true;
            look_at_next(j, s);
        }
        if (!job_may_go_on(until_tsc)) return false;
    }
}

// ---- the reply

static double distance_of(const struct search_job *j, double score)
{
    struct geo_point p = geo_point_of(score);
    return geo_distance_m(&j->args.shape.centre, &p) / j->args.shape.unit_m;
}

static void reply_hit(const struct search_job *j, struct reply *r)
{
    const struct geo_search_args *a = &j->args;
    char scratch[24];
    uint32_t extras = (uint32_t)a->with_distance + a->with_hash + a->with_point;
    double score = geo_hit_score(&j->hit);
    if (extras) reply_array(r, extras + 1);
    reply_bulk(r, geo_hit_member(&j->hit, scratch));
    if (a->with_distance) geo_reply_distance(r, distance_of(j, score));
    if (a->with_hash) reply_int(r, (int64_t)score);
    struct geo_point p = geo_point_of(score);
    if (a->with_point) geo_reply_point(r, &p);
}

static void store_hit(struct search_job *j)
{
    char scratch[24];
    double score = geo_hit_score(&j->hit);
    zset_build_add(&j->builder, geo_hit_member(&j->hit, scratch),
                   j->args.stores_distance ? distance_of(j, score) : score);
}

static void begin_tell(struct search_job *j, struct call *call)
{
    struct key from = call_key(call, j->args.source);
    const struct entry *source =
        keyspace_find(call->keyspace, call->client->db, &from, FIND_QUIET, call->now_ms);
    bool is_same = j->is_direct || zset_cut_is_current(&j->cut, source);
    zset_tell_begin(&j->tell, call, &j->builder, call->argv[j->args.store], is_same);
}

// Redis counts as many changes as there are members.
static bool put(struct search_job *j, struct call *call, uint64_t until_tsc)
{
    struct key to = call_key(call, j->args.store);
    uint64_t count = zset_build_count(&j->builder);
    const char *event = j->args.form == GEO_SEARCH_STORE ? "geosearchstore" : "georadiusstore";
    if (!j->tell.is_begun) begin_tell(j, call);
    if (!zset_tell_step(&j->tell, until_tsc)) return false;
    if (!zset_store(call, &j->builder, &to, event)) return true;
    if (count) keyspace_add_dirty(call_keyspace(call, to.name), count - 1);
    zset_tell_put(&j->tell, call);
    return true;
}

static void end_looking(struct search_job *j, struct call *call)
{
    tree_first(&j->hits.tree, &j->hit);
    j->phase = j->args.store ? SEARCH_STORING : SEARCH_REPLYING;
    if (j->args.store)
        zset_build_begin(&j->builder, call_keyspace(call, call->argv[j->args.store]),
                         &call->server->thresholds);
    else
        reply_array(call->reply, geo_hits_count(&j->hits));
}

static bool search_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct search_job *j = (struct search_job *)(void *)job;
    if (j->phase == SEARCH_LOOKING) {
        if (!look(j, keyspace_space(call->server->keyspace), until_tsc)) return false;
        end_looking(j, call);
    }
    while (j->hit.record) {
        if (j->phase == SEARCH_STORING)
            store_hit(j);
        else
            reply_hit(j, call->reply);
        tree_next(&j->hit);
        if (!job_may_go_on(until_tsc)) return false;
    }
    return j->phase != SEARCH_STORING || put(j, call, until_tsc);
}

static void search_close(struct job *job, struct server *server)
{
    struct search_job *j = (struct search_job *)(void *)job;
    tree_drop(keyspace_space(server->keyspace), &j->hits.tree);
    if (j->phase == SEARCH_STORING) zset_build_drop(&j->builder);
    zset_tell_drop(&j->tell);
    if (!j->is_direct) zset_cut_drop(j->source, &j->cut);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops search_ops = { .step = search_step, .close = search_close };

// ---- beginning

// Where the shape's cells lie in the sorted set; returns how many members they hold.
static uint64_t find_cells(struct search_job *j)
{
    struct geo_cell cells[GEO_CELLS_MAX];
    uint64_t all = 0;
    j->cell_count = geo_shape_cells(&j->args.shape, cells);
    for (uint32_t i = 0; i < j->cell_count; i++) {
        struct zset_range range = { .max_exclusive = true };
        geo_cell_scores(&cells[i], &range.min, &range.max);
        j->cells[i].first = zset_cut_rank_of_range(&j->cut, &range, &j->cells[i].count);
        all += j->cells[i].count;
    }
    return all;
}

static void begin(struct call *call, const struct entry *e, const struct geo_search_args *a)
{
    struct search_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    j->job.ops = &search_ops;
    j->args = *a;
    j->source = call_keyspace(call, call->argv[a->source]);
    j->phase = SEARCH_LOOKING;
    j->tell = (struct zset_tell){ 0 };
    j->at = 0;
    j->left = 0;
    geo_hits_init(&j->hits, a->sort, a->is_any ? 0 : (uint64_t)a->count);
    zset_look(e, &j->cut);
    j->is_direct = find_cells(j) < JOB_ELEMENTS_MIN;
    if (j->is_direct) {
        call_run_job(call, &j->job);
        return;
    }
    zset_cut(j->source, e, &j->cut);
    if (a->store) {
        struct key to = call_key(call, a->store);
        call_start_write_job(call, &j->job, &to);
    } else {
        call_start_job(call, &j->job);
    }
}

// There is no source: nothing is found, and what was stored before goes.
static void find_nothing(struct call *call, const struct geo_search_args *a)
{
    if (!a->store) {
        reply_array(call->reply, 0);
        return;
    }
    struct key to = call_key(call, a->store);
    struct entry *e = call_find(call, &to, FIND_QUIET);
    if (e) {
        keyspace_drop_entry(call->keyspace, call->client->db, e);
        keyspace_add_dirty(call_keyspace(call, to.name), 1);
        call_changed(call, &to, EVENT_GENERIC, "del");
    }
    reply_int(call->reply, 0);
}

static void search(struct call *call, enum geo_form form, bool is_readonly)
{
    struct geo_search_args a = { .form = form, .is_readonly = is_readonly, .source = 1 };
    if (form == GEO_SEARCH_STORE) {
        a.store = 1;
        a.source = 2;
    }
    struct key from = call_key(call, a.source);
    struct entry *e;
    if (!zset_find(call, &from, FIND_READ, &e) || !geo_search_parse(call, e, &a)) return;
    if (e)
        begin(call, e, &a);
    else
        find_nothing(call, &a);
}

static void cmd_georadius(struct call *call) { search(call, GEO_AROUND_POINT, false); }

static void cmd_georadius_ro(struct call *call) { search(call, GEO_AROUND_POINT, true); }

static void cmd_georadiusbymember(struct call *call) { search(call, GEO_AROUND_MEMBER, false); }

static void cmd_georadiusbymember_ro(struct call *call) { search(call, GEO_AROUND_MEMBER, true); }

static void cmd_geosearch(struct call *call) { search(call, GEO_SEARCH, true); }

static void cmd_geosearchstore(struct call *call) { search(call, GEO_SEARCH_STORE, false); }
