// HRANDFIELD.
//
// With a positive count every field comes at most once. From a hash that is gone over at once
// they are chosen as it is read: each with the chance (left to choose) / (left to read). From a
// larger one they are the first `count` of its places in a random order (shuffle.h).
#include "dataplane/base/check.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/hash_job.h"
#include "dataplane/cmd/shuffle.h"

static command_body cmd_hrandfield;

// clang-format off
const struct command cmd_hashes_random[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(HRANDFIELD, "hrandfield", cmd_hrandfield, -2, 1, 1, 1, CMD_READONLY, ACL_HASH),
};
// clang-format on

// ---- the reply

enum choice { CHOOSE_ANY, CHOOSE_READING, CHOOSE_SHUFFLED };

struct random_job {
    struct job job;
    struct hash_cut cut;
    struct hash_iter iter;
    struct shuffle shuffle;
    enum choice choice;
    uint64_t wanted, unread; // left to choose; CHOOSE_READING: left to read
    bool with_values;
};

static bool choose_reading(struct random_job *j, struct rng *rng, struct hash_field *out)
{
    while (hash_iter_next(&j->iter, out))
        if (rng_below(rng, j->unread--) < j->wanted) return true;
    return false;
}

static bool choose_shuffled(struct random_job *j, char scratch[2][24], struct hash_field *out)
{
    uint64_t index;
    while (shuffle_next(&j->shuffle, &index))
        if (hash_cut_at(&j->cut, index, scratch, out)) return true;
    return false;
}

static void choose(struct random_job *j, struct rng *rng, char scratch[2][24],
                   struct hash_field *out)
{
    bool found;
    if (j->choice == CHOOSE_ANY)
        found = hash_random(&j->cut, rng, scratch, out);
    else if (j->choice == CHOOSE_READING)
        found = choose_reading(j, rng, out);
    else
        found = choose_shuffled(j, scratch, out);
    CHECK(found);
}

static bool random_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct random_job *j = (struct random_job *)(void *)job;
    struct reply *r = call->reply;
    struct hash_field field;
    char scratch[2][24];
    do {
        if (j->wanted == 0) return true;
        choose(j, &call->server->rng, scratch, &field);
        j->wanted--;
        if (j->with_values && r->version == 3) reply_array(r, 2);
        reply_bulk(r, field.field);
        if (j->with_values) reply_bulk(r, field.value);
    } while (job_may_go_on(until_tsc));
    return false;
}

static void random_close(struct job *job, struct server *server)
{
    struct random_job *j = (struct random_job *)(void *)job;
    hash_cut_drop(server->keyspace, &j->cut);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops random_ops = { .step = random_step, .close = random_close };

// From here on the cut is in its place. All fields are asked for: they come in the hash's order.
static void begin(struct call *call, struct random_job *j, uint64_t count, bool is_distinct)
{
    if (!is_distinct) {
        j->choice = CHOOSE_ANY;
        j->wanted = j->cut.count ? count : 0;
    } else {
        j->wanted = count < j->cut.count ? count : j->cut.count;
        j->unread = j->cut.count;
        bool reads = j->wanted == j->cut.count || j->cut.total < JOB_ELEMENTS_MIN ||
                     hash_cut_is_pack(&j->cut);
        j->choice = reads ? CHOOSE_READING : CHOOSE_SHUFFLED;
    }
    hash_iter_init(&j->iter, &j->cut);
    shuffle_init(&j->shuffle, j->cut.total, &call->server->rng);
    bool is_flat = j->with_values && call->reply->version == 2;
    reply_array(call->reply, is_flat ? 2 * j->wanted : j->wanted);
}

// In elements: a throw into a pack passes over half of it.
static uint64_t work_of(const struct entry *e, uint64_t count, bool is_distinct)
{
    uint64_t total = hash_count(e);
    if (is_distinct) return count < total ? count : total;
    bool is_pack = entry_encoding(e) == ENCODING_LISTPACK;
    return count > JOB_ELEMENTS_MIN || !is_pack ? count : count * (1 + total / 64);
}

static void reply_random(struct call *call, const struct entry *e, uint64_t count, bool is_distinct,
                         bool with_values)
{
    if (!hash_wants_job(e, work_of(e, count, is_distinct))) {
        struct random_job j = { .with_values = with_values };
        hash_view(e, call->now_ms, &j.cut);
        begin(call, &j, count, is_distinct);
        random_step(&j.job, call, UINT64_MAX);
        return;
    }
    struct random_job *j = heap_take_zeroed(call->server->heap, sizeof *j, HEAP_OTHER);
    j->job.ops = &random_ops;
    j->with_values = with_values;
    hash_cut(call->keyspace, e, call->now_ms, &j->cut);
    begin(call, j, count, is_distinct);
    call_start_job(call, &j->job);
}

static void reply_one(struct call *call, const struct entry *e)
{
    struct hash_cut cut;
    struct hash_field field;
    char scratch[2][24];
    if (e) hash_view(e, call->now_ms, &cut);
    if (e && hash_random(&cut, &call->server->rng, scratch, &field))
        reply_bulk(call->reply, field.field);
    else
        reply_null(call->reply);
}

// The count, within what Redis accepts; with WITHVALUES half of that.
static bool parse_count(struct call *call, int64_t *count)
{
    if (!call_int(call, 2, count, NULL)) return false;
    if (*count == INT64_MIN) {
        reply_errorf(call->reply, "ERR value is out of range, value must between %ld and %ld",
                     -INT64_MAX, INT64_MAX);
        return false;
    }
    if (call->argc == 3) return true;
    if (call->argc > 4 || !bytes_is_option(call->argv[3], "withvalues")) {
        reply_error(call->reply, reply_text_syntax);
        return false;
    }
    if (*count >= -INT64_MAX / 2 && *count <= INT64_MAX / 2) return true;
    reply_error(call->reply, "ERR value is out of range");
    return false;
}

static void cmd_hrandfield(struct call *call)
{
    int64_t count = 0;
    bool has_count = call->argc > 2;
    if (has_count && !parse_count(call, &count)) return;
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_READ);
    if (!call_check_type(call, e, TYPE_HASH)) return;
    if (!has_count)
        reply_one(call, e);
    else if (!e || count == 0)
        reply_array(call->reply, 0);
    else
        reply_random(call, e, (uint64_t)(count < 0 ? -count : count), count > 0, call->argc == 4);
}
