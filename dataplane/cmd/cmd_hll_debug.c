#include <math.h>
#include <string.h>
#include "dataplane/base/num.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/hll_call.h"
#include "dataplane/cmd/job.h"
#include "dataplane/types/hll.h"

static command_body cmd_pfdebug, cmd_pfselftest;

// clang-format off
const struct command cmd_hll_debugs[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(PFDEBUG, "pfdebug", cmd_pfdebug, 3, 2, 2, 1, CMD_WRITE | CMD_DENYOOM | CMD_ADMIN, ACL_HYPERLOGLOG),
    COMMAND(PFSELFTEST, "pfselftest", cmd_pfselftest, 1, 0, 0, 0, CMD_ADMIN, ACL_HYPERLOGLOG),
};
// clang-format on

// ---- PFDEBUG

// A sparse one becomes dense, which counts as a change. False after replying that it is corrupt.
static bool make_dense(struct call *call, const struct key *key, struct entry *e,
                       struct bytes value, struct hll *h)
{
    bool was_dense = hll_encoding(value) == HLL_DENSE;
    if (!hll_load(h, value) || !hll_make_dense(h)) {
        hll_reply_corrupt(call);
        return false;
    }
    if (!was_dense) hll_put(call, key, e, h);
    return true;
}

static void debug_getreg(struct call *call, const struct key *key, struct entry *e,
                         struct bytes value)
{
    struct hll h;
    if (!make_dense(call, key, e, value, &h)) return;
    reply_array(call->reply, HLL_REGISTERS);
    for (uint32_t i = 0; i < HLL_REGISTERS; i++) reply_int(call->reply, hll_dense_get(h.bytes, i));
}

static void debug_todense(struct call *call, const struct key *key, struct entry *e,
                          struct bytes value)
{
    struct hll h;
    bool was_dense = hll_encoding(value) == HLL_DENSE;
    if (make_dense(call, key, e, value, &h)) reply_int(call->reply, !was_dense);
}

enum { RUN_TEXT_MAX = 12 }; // "v:32,4 " and "Z:16384 "

static uint32_t format_run(char *out, const struct hll_run *run)
{
    uint32_t size = 2;
    out[0] = run->value ? 'v' : run->is_long ? 'Z' : 'z';
    out[1] = ':';
    if (run->value) {
        size += num_format_uint(out + size, run->value);
        out[size++] = ',';
    }
    size += num_format_uint(out + size, run->length);
    out[size++] = ' ';
    return size;
}

static void debug_decode(struct call *call, struct bytes value)
{
    if (hll_encoding(value) != HLL_SPARSE) {
        reply_error(call->reply, "ERR HLL encoding is not sparse");
        return;
    }
    struct bytes in = hll_registers(value);
    struct hll_run run;
    size_t room = in.size * RUN_TEXT_MAX + 1, size = 0;
    char *text = heap_take(call->server->heap, room, HEAP_OTHER);
    while (hll_next_run(&in, &run)) size += format_run(text + size, &run);
    reply_bulk(call->reply, bytes_make(text, size ? size - 1 : 0)); // no space at the end
    heap_give(call->server->heap, text, room, HEAP_OTHER);
}

static void cmd_pfdebug(struct call *call)
{
    struct string_view view;
    struct bytes word = call->argv[1];
    struct key key = call_key(call, 2);
    struct entry *e = call_find(call, &key, FIND_WRITE);
    if (!e) {
        reply_error(call->reply, "ERR The specified key does not exist");
        return;
    }
    if (!hll_read(call, e, &view)) return;
    if (bytes_is_option(word, "getreg"))
        debug_getreg(call, &key, e, view.bytes);
    else if (bytes_is_option(word, "decode"))
        debug_decode(call, view.bytes);
    else if (bytes_is_option(word, "encoding"))
        reply_status(call->reply, hll_encoding(view.bytes) == HLL_DENSE ? "dense" : "sparse");
    else if (bytes_is_option(word, "todense"))
        debug_todense(call, &key, e, view.bytes);
    else
        reply_errorf(call->reply, "ERR Unknown PFDEBUG subcommand '%.*s'", (int)word.size,
                     (const char *)word.data);
}

// ---- PFSELFTEST: registers read back, and estimates are as good as the method promises

enum {
    REGISTER_ROUNDS = 100,
    ELEMENTS = 1000000,
    ELEMENTS_PER_STEP = 256,
    SPARSE_ELEMENTS = 1000, // up to here both encodings are kept
};

struct selftest {
    struct job job;
    struct rng rng;
    uint64_t seed;
    uint32_t rounds;
    uint64_t elements, next_check;
    struct hll sparse;
    uint8_t dense[HLL_DENSE_BYTES];
};

static void selftest_reset(struct selftest *t)
{
    struct hll h;
    hll_init(&h);
    hll_make_dense(&h);
    memcpy(t->dense, h.bytes, sizeof t->dense);
    hll_init(&t->sparse);
    t->next_check = 1;
}

// NULL: all is well.
static const char *check_registers(struct selftest *t)
{
    uint8_t registers[HLL_REGISTERS], packed[HLL_DENSE_BYTES];
    memcpy(packed, t->dense, sizeof packed);
    for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
        registers[i] = (uint8_t)(rng_next(&t->rng) & 63);
        hll_dense_set(t->dense, i, registers[i]);
    }
    for (uint32_t i = 0; i < HLL_REGISTERS; i++)
        if (hll_dense_get(t->dense, i) != registers[i])
            return "TESTFAILED Register reads back wrong";
    hll_dense_set_all(packed, registers);
    return memcmp(packed, t->dense, sizeof packed) == 0 ? NULL : "TESTFAILED Registers pack wrong";
}

// Six standard errors of 1.04 / sqrt(registers) each.
static const char *check_count(const struct selftest *t)
{
    uint64_t dense = 0, sparse = 0;
    double bound = ceil(1.04 / sqrt(HLL_REGISTERS) * 6 * (double)t->elements);
    if (!hll_count(bytes_make(t->dense, sizeof t->dense), &dense)) return "TESTFAILED Dense";
    if (fabs((double)dense - (double)t->elements) > bound) return "TESTFAILED Too big error";
    if (t->elements > SPARSE_ELEMENTS) return NULL;
    bool counted = hll_count(bytes_make(t->sparse.bytes, t->sparse.size), &sparse);
    return counted && sparse == dense ? NULL : "TESTFAILED dense/sparse disagree";
}

static const char *add_element(struct selftest *t)
{
    uint64_t element = t->seed ^ ++t->elements;
    uint32_t index, count = hll_place(bytes_make(&element, sizeof element), &index);
    if (hll_dense_get(t->dense, index) < count) hll_dense_set(t->dense, index, count);
    hll_rewind(&t->sparse);
    if (t->elements <= SPARSE_ELEMENTS &&
        hll_set(&t->sparse, index, count, HLL_DENSE_BYTES) == HLL_CORRUPT)
        return "TESTFAILED Sparse";
    if (t->elements < t->next_check) return NULL;
    t->next_check *= 10;
    return check_count(t);
}

static const char *selftest_piece(struct selftest *t)
{
    const char *error = NULL;
    if (t->rounds < REGISTER_ROUNDS) {
        t->rounds++;
        error = check_registers(t);
        if (t->rounds == REGISTER_ROUNDS) selftest_reset(t);
        return error;
    }
    for (uint32_t i = 0; i < ELEMENTS_PER_STEP && !error && t->elements < ELEMENTS; i++)
        error = add_element(t);
    return error;
}

static bool selftest_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct selftest *t = (struct selftest *)job;
    do {
        const char *error = selftest_piece(t);
        if (error) {
            reply_error(call->reply, error);
            return true;
        }
        if (t->elements == ELEMENTS) {
            reply_ok(call->reply);
            return true;
        }
    } while (job_may_go_on(until_tsc));
    return false;
}

static void selftest_close(struct job *job, struct server *server)
{
    heap_give(server->heap, job, sizeof(struct selftest), HEAP_OTHER);
}

static const struct job_ops selftest_ops = { selftest_step, selftest_close };

static void cmd_pfselftest(struct call *call)
{
    struct selftest *t = heap_take_zeroed(call->server->heap, sizeof *t, HEAP_OTHER);
    t->job.ops = &selftest_ops;
    t->seed = rng_next(&call->server->rng);
    rng_seed(&t->rng, t->seed);
    selftest_reset(t);
    call_start_job(call, &t->job);
}
