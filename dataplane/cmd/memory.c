#include "dataplane/cmd/memory.h"
#include "dataplane/base/check.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/pause.h"
#include "dataplane/cmd/pubsub.h"
#include "dataplane/cmd/tracking.h"
#include "dataplane/cmd/transaction.h"
#include "dataplane/keyspace/evict.h"

enum {
    REAP_PER_KEY = 64,
    KEYS_PER_LOOK = 4,
    PUBLISH_BYTES = 16 << 10,
    SLACK_PART = 64, // of maxmemory: what it may be exceeded by while another shard makes room
};

uint64_t memory_counted_bytes(const struct server *s)
{
    const uint64_t *bytes = s->heap->bytes;
    return s->heap->bytes_total - bytes[HEAP_BACKLOG] - bytes[HEAP_LOG];
}

// ---- one budget over all shards
//
// Each shard tells the others how much it has booked (struct node_level): when that has changed by
// PUBLISH_BYTES, so that who adds up finds the lines in its cache, and ten times a second. A sum is
// made of what was true a moment ago; it is off by PUBLISH_BYTES for each shard, and by what they
// have done since their last command.
//
// Who evicts, of its own keys only: a shard whose keys take as much as the mean of those shards
// that have something to give. The others lean on it.
//   The budget is met: the one with the most is never below the mean, so while there is too much
//     and anything may go, somebody evicts on each of its turns, and looks anew after each key. Who
//     has nothing to give says so and drops out of the mean. When nobody has, each finds that out
//     by itself, and writes are refused.
//   Meanwhile little is added: beyond maxmemory and 1/SLACK_PART nobody leans on others any more
//     (they may be asleep, up to the next shard_cron): it evicts, or refuses, itself.
//   Nobody starves: below the mean a shard loses keys only beyond the slack. Connections, scripts
//     and tables of a shard do not count against its keys, only against the budget of all.

static void tell(uint64_t *field, uint64_t value)
{
    if (*field != value) __atomic_store_n(field, value, __ATOMIC_RELAXED);
}

static void publish(const struct server *s)
{
    struct node_level *own = &s->node->levels[s->shard_index];
    tell(&own->counted_bytes, memory_counted_bytes(s));
    tell(&own->dataset_bytes, s->heap->bytes[HEAP_DATASET]);
}

static void publish_if_changed(const struct server *s)
{
    uint64_t before = s->node->levels[s->shard_index].counted_bytes;
    uint64_t now = memory_counted_bytes(s);
    if ((now > before ? now - before : before - now) >= PUBLISH_BYTES) publish(s);
}

static uint64_t told(const uint64_t *field) { return __atomic_load_n(field, __ATOMIC_RELAXED); }

uint64_t memory_counted_of_all(const struct server *s)
{
    uint64_t sum = memory_counted_bytes(s);
    if (!server_is_one_of_many(s)) return sum;
    publish_if_changed(s);
    for (uint32_t i = 0; i < server_peer_count(s); i++)
        if (i != s->shard_index) sum += told(&s->node->levels[i].counted_bytes);
    return sum;
}

bool memory_is_over(const struct server *s)
{
    uint64_t limit = s->settings->maxmemory;
    return UNLIKELY(limit) && memory_counted_of_all(s) > limit;
}

struct givers { // who may have something to give, this shard among them
    uint64_t count, dataset_bytes;
};

static struct givers find_givers(const struct server *s)
{
    struct givers g = { 1, s->heap->bytes[HEAP_DATASET] };
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        if (i == s->shard_index || told(&s->node->levels[i].is_spent)) continue;
        g.count++;
        g.dataset_bytes += told(&s->node->levels[i].dataset_bytes);
    }
    return g;
}

static bool is_beyond_slack(const struct server *s)
{
    uint64_t limit = s->settings->maxmemory;
    return memory_counted_of_all(s) > limit + limit / SLACK_PART;
}

static bool is_own_turn(const struct server *s)
{
    struct givers g = find_givers(s);
    return s->heap->bytes[HEAP_DATASET] * g.count >= g.dataset_bytes || is_beyond_slack(s);
}

static void say_spent(const struct server *s, bool is_spent)
{
    if (server_is_one_of_many(s)) tell(&s->node->levels[s->shard_index].is_spent, is_spent);
}

void memory_note_level(struct server *s)
{
    bool is_over = memory_is_over(s);
    if (server_is_one_of_many(s)) publish(s);
    if (!is_over) say_spent(s, false); // it was about the shortage that is over
    if (is_over && !s->over_since_ns) s->over_since_ns = s->now_ns;
    if (is_over || !s->over_since_ns) return;
    s->over_ns += s->now_ns - s->over_since_ns;
    s->over_since_ns = 0;
}

uint64_t memory_over_ns(const struct server *s, bool before_too)
{
    uint64_t now = s->over_since_ns ? s->now_ns - s->over_since_ns : 0;
    return before_too ? now + s->over_ns : now;
}

static bool rule_of(const struct settings *settings, struct evict_rule *rule)
{
    static const struct {
        enum evict_by by;
        bool only_with_deadline;
    } rules[] = {
        [EVICT_VOLATILE_LRU] = { EVICT_BY_IDLE, true },
        [EVICT_VOLATILE_LFU] = { EVICT_BY_FREQUENCY, true },
        [EVICT_VOLATILE_RANDOM] = { EVICT_BY_CHANCE, true },
        [EVICT_VOLATILE_TTL] = { EVICT_BY_DEADLINE, true },
        [EVICT_ALLKEYS_LRU] = { EVICT_BY_IDLE, false },
        [EVICT_ALLKEYS_LFU] = { EVICT_BY_FREQUENCY, false },
        [EVICT_ALLKEYS_RANDOM] = { EVICT_BY_CHANCE, false },
    };
    int64_t policy = settings->maxmemory_policy;
    if (policy == EVICT_NOEVICTION) return false;
    CHECK((uint64_t)policy < sizeof rules / sizeof rules[0]);
    *rule = (struct evict_rule){ .by = rules[policy].by,
                                 .only_with_deadline = rules[policy].only_with_deadline,
                                 .samples = (uint32_t)settings->maxmemory_samples };
    return true;
}

static bool evict_one(struct server *s, const struct evict_rule *rule)
{
    uint64_t start = clock_tsc();
    bool done = keyspace_evict(s->keyspace, rule, s->now_ms);
    latency_note(s, LATENCY_EVICTION_DEL, clock_tsc() - start);
    say_spent(s, !done);
    return done;
}

bool memory_make_room(struct server *s)
{
    struct evict_rule rule;
    memory_note_level(s);
    if (UNLIKELY(pause_is_on(s))) return true; // nothing goes meanwhile, nor is refused
    if (!rule_of(s->settings, &rule)) return false;
    uint64_t start = clock_tsc(), slice = s->clock->tsc_hz / 1000000 * MEMORY_SLICE_US;
    bool done = true;
    for (uint32_t i = 0; memory_is_over(s); i++) {
        // What was evicted before may still lie with the reaper: it is freed before more goes.
        if (keyspace_reap_pending(s->keyspace)) {
            s->tally->lazyfreed_objects += keyspace_reap_step(s->keyspace, REAP_PER_KEY);
        } else if (!is_own_turn(s)) {
            break; // those do who have more
        } else if (!evict_one(s, &rule)) {
            done = find_givers(s).count > 1 && !is_beyond_slack(s);
            break;
        }
        if (i % KEYS_PER_LOOK == 0 && clock_tsc() - start > slice) break; // goes on next time
    }
    uint64_t used = clock_tsc() - start;
    tally_slice(s->tally, used);
    latency_note(s, LATENCY_EVICTION_CYCLE, used);
    memory_note_level(s);
    return done;
}

// ---- clients

static uint64_t clients_limit(const struct settings *settings)
{
    int64_t limit = settings->maxmemory_clients;
    if (limit >= 0) return (uint64_t)limit;
    return settings->maxmemory / 100 * (uint64_t)-limit;
}

static uint64_t texts_bytes(const struct client *c)
{
    const char *const texts[] = { c->name, c->lib_name, c->lib_version };
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < 3; i++) bytes += texts[i] ? strlen(texts[i]) + 1 : 0;
    return bytes;
}

uint64_t memory_of_client(const struct client *c)
{
    uint64_t output = c->stream ? c->stream->out.bytes + c->stream->ops->pending(c->stream) : 0;
    return sizeof *c + c->query_buffer_bytes + c->arguments_bytes + output + c->pushes_bytes +
           texts_bytes(c) + transaction_memory(c) + pubsub_memory(c) + tracking_memory(c);
}

struct clients_weight {
    uint64_t bytes, most;   // of all; of the largest that may go
    struct client *largest; // NULL: none may
};

static void weigh_clients(const struct server *s, struct clients_weight *w)
{
    const struct list *all = &s->clients.all;
    *w = (struct clients_weight){ 0 };
    for (struct list_node *n = list_first(all); n; n = list_next(all, n)) {
        struct client *c = LIST_OWNER(n, struct client, all);
        uint64_t bytes = memory_of_client(c);
        w->bytes += bytes;
        if (bytes <= w->most || c->flags & (CLIENT_NO_EVICT | CLIENT_CLOSE_NOW)) continue;
        w->most = bytes;
        w->largest = c;
    }
    if (!server_is_one_of_many(s)) return;
    tell(&s->node->levels[s->shard_index].clients_bytes, w->bytes);
    tell(&s->node->levels[s->shard_index].clients_bytes_most, w->most);
}

// Of the clients of all shards the largest goes: its own shard sees to that, and others wait.
void memory_check_clients(struct server *s)
{
    uint64_t limit = clients_limit(s->settings), total, most = 0;
    struct clients_weight own;
    if (LIKELY(limit == 0)) return;
    weigh_clients(s, &own);
    total = own.bytes;
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        if (i == s->shard_index) continue;
        uint64_t theirs = told(&s->node->levels[i].clients_bytes_most);
        total += told(&s->node->levels[i].clients_bytes);
        if (theirs > most) most = theirs;
    }
    if (total <= limit || !own.largest || most > own.most) return;
    s->tally->evicted_clients++;
    s->ops->kill_client(s, own.largest);
}

// ---- what the keyspace removes by itself

static void propagate_removal(struct server *s, uint32_t db, struct bytes key,
                              enum event_class class, const char *event)
{
    struct bytes argv[] = { BYTES_LITERAL("DEL"), key };
    if (UNLIKELY(jobs_are_watched(s))) jobs_tell_write(s, key);
    uint64_t start = clock_tsc();
    effects_add(&s->effects, db, argv, 2);
    if (!s->in_command) effects_end_unit(&s->effects);
    if (s->on_changed) s->on_changed(s, db, key, (uint32_t) class, event);
    if (class == EVENT_EXPIRED) latency_note(s, LATENCY_EXPIRE_DEL, clock_tsc() - start);
}

static void on_expired(void *context, uint32_t db, struct bytes key)
{
    propagate_removal(context, db, key, EVENT_EXPIRED, "expired");
}

static void on_evicted(void *context, uint32_t db, struct bytes key)
{
    propagate_removal(context, db, key, EVENT_EVICTED, "evicted");
}

void memory_hook_keyspace(struct server *s)
{
    keyspace_on_expired(s->keyspace, on_expired, s);
    keyspace_on_evicted(s->keyspace, on_evicted, s);
}
