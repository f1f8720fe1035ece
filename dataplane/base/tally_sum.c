#include "dataplane/base/tally_sum.h"

#include <stddef.h>

#define FIELD(field) offsetof(struct shard_tally, field)
static const uint32_t greatest[] = {
    FIELD(turn_cycles_max),
    FIELD(execute_cycles_max),
    FIELD(slice_cycles_max),
    FIELD(snapshot_slice_cycles_max),
    FIELD(parked_cycles_max),
    FIELD(slice_step_cycles),
    FIELD(settled_tsc),
    FIELD(client_input_max),
    FIELD(client_output_max),
    FIELD(defrag_percent),
    FIELD(cached_scripts),
    FIELD(functions),
    FIELD(libraries),
    FIELD(rendezvous_all_stand.max),
    FIELD(rendezvous_first_stands.max),
};
enum { GREATEST_COUNT = sizeof greatest / sizeof *greatest };
// What stands from here on is not added word by word.
enum { ROWS_OFFSET = FIELD(slowlog_last) };
_Static_assert(FIELD(latencies) > ROWS_OFFSET && FIELD(databases) > ROWS_OFFSET &&
                   FIELD(commands) > ROWS_OFFSET &&
                   sizeof(struct shard_tally) - ROWS_OFFSET ==
                       sizeof(struct slowlog_tally) +
                           LATENCY_TALLY_MAX * sizeof(struct latency_tally) +
                           DATABASE_TALLY_MAX * sizeof(struct database_tally) +
                           COMMAND_TALLY_MAX * sizeof(struct command_tally),
               "every row behind the words has its rule");

static uint64_t load(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_RELAXED); }

static uint64_t larger(uint64_t a, uint64_t b) { return a > b ? a : b; }

static uint64_t *word_at(struct shard_tally *t, uint32_t offset)
{
    return (uint64_t *)((char *)t + offset);
}

static const uint64_t *const_word_at(const struct shard_tally *t, uint32_t offset)
{
    return (const uint64_t *)((const char *)t + offset);
}

static void add_words(struct shard_tally *sum, const struct shard_tally *one)
{
    uint64_t most[GREATEST_COUNT];
    uint64_t before = sum->refreshed_wall_us, renewed = load(&one->refreshed_wall_us);
    for (uint32_t i = 0; i < GREATEST_COUNT; i++)
        most[i] = larger(*word_at(sum, greatest[i]), load(const_word_at(one, greatest[i])));
    for (uint32_t at = 0; at < ROWS_OFFSET; at += sizeof(uint64_t))
        *word_at(sum, at) += load(const_word_at(one, at));
    for (uint32_t i = 0; i < GREATEST_COUNT; i++) *word_at(sum, greatest[i]) = most[i];
    sum->refreshed_wall_us = before && before < renewed ? before : renewed;
}

static void keep_newest(struct shard_tally *sum, const struct shard_tally *one)
{
    const struct slowlog_tally slow = { load(&one->slowlog_last.time_s),
                                        load(&one->slowlog_last.id),
                                        load(&one->slowlog_last.execute_us) };
    if (slow.time_s > sum->slowlog_last.time_s) sum->slowlog_last = slow;
    for (uint32_t i = 0; i < LATENCY_TALLY_MAX; i++) {
        const struct latency_tally sample = { load(&one->latencies[i].time_s),
                                              load(&one->latencies[i].latency_ms) };
        if (sample.time_s > sum->latencies[i].time_s) sum->latencies[i] = sample;
    }
}

static void add_database(struct database_tally *sum, const struct database_tally *one)
{
    uint64_t with_deadline = load(&one->keys_with_deadline);
    uint64_t all = sum->keys_with_deadline + with_deadline;
    double ms = (double)sum->ttl_ms_average * (double)sum->keys_with_deadline +
                (double)load(&one->ttl_ms_average) * (double)with_deadline;
    sum->keys += load(&one->keys);
    sum->keys_with_deadline = all;
    sum->ttl_ms_average = all ? (uint64_t)(ms / (double)all) : 0;
}

static void add_command(struct command_tally *sum, const struct command_tally *one)
{
    sum->calls += load(&one->calls);
    sum->rejected += load(&one->rejected);
    sum->failed += load(&one->failed);
    sum->wait_cycles += load(&one->wait_cycles);
    sum->execute_cycles += load(&one->execute_cycles);
    sum->wait_cycles_max = larger(sum->wait_cycles_max, load(&one->wait_cycles_max));
    sum->execute_cycles_max = larger(sum->execute_cycles_max, load(&one->execute_cycles_max));
}

void tally_sum_add(struct shard_tally *sum, const struct shard_tally *one)
{
    add_words(sum, one);
    keep_newest(sum, one);
    for (uint32_t i = 0; i < DATABASE_TALLY_MAX; i++)
        add_database(&sum->databases[i], &one->databases[i]);
    for (uint32_t i = 0; i < COMMAND_TALLY_MAX; i++)
        add_command(&sum->commands[i], &one->commands[i]);
}
