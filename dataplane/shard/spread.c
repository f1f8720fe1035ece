#include "dataplane/shard/spread.h"
#include "dataplane/cmd/transaction.h"
#include "dataplane/shard/meeting.h"
#include "dataplane/shard/shard.h"

struct adopt_note {
    struct mesh_note note;
    int fd;
    enum stream_kind kind;
    enum stream_listener listener;
};

static void run_adopt(struct shard *s, struct mesh_note *note)
{
    struct adopt_note *n = (struct adopt_note *)note;
    spread_count_client(s, -1); // its session is counted from here on
    (void)sock_adopt(s->sock, n->fd, n->kind, n->listener);
}

static uint32_t fewest_clients(const struct hub *hub)
{
    uint32_t best = 0;
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; i < hub->shard_count; i++) {
        int64_t count = __atomic_load_n(&hub->clients[i].count, __ATOMIC_RELAXED);
        if (count >= least) continue;
        least = count;
        best = i;
    }
    return best;
}

static bool steer(void *context, int fd, enum stream_kind kind, enum stream_listener listener)
{
    struct shard *s = context;
    struct hub *hub = s->mesh.hub;
    uint32_t to = fewest_clients(hub);
    if (to == s->server.shard_index) return false;
    struct adopt_note *n = mesh_note_new(sizeof *n, run_adopt);
    n->fd = fd;
    n->kind = kind;
    n->listener = listener;
    // Counted while it is on its way, too: a burst of connections is spread all the same.
    __atomic_fetch_add(&hub->clients[to].count, 1, __ATOMIC_RELAXED);
    mesh_send_note(s, to, &n->note);
    return true;
}

static void on_woken(void *context) { waker_drain(context); }

enum status spread_open(struct shard *s)
{
    struct waker *w = s->waker;
    if (s->mesh.hub && s->server.shard_index == 0) sock_set_steer(s->sock, steer, s);
    return w ? sock_watch(s->sock, waker_fd(w), on_woken, w) : OK;
}

void spread_count_client(struct shard *s, int change)
{
    struct hub *hub = s->mesh.hub;
    if (LIKELY(!hub)) return;
    __atomic_fetch_add(&hub->clients[s->server.shard_index].count, change, __ATOMIC_RELAXED);
}

uint64_t spread_client_count(const struct shard *s)
{
    const struct hub *hub = s->mesh.hub;
    int64_t count = 0;
    if (LIKELY(!hub)) return s->server.clients.all.count;
    for (uint32_t i = 0; i < hub->shard_count; i++)
        count += __atomic_load_n(&hub->clients[i].count, __ATOMIC_RELAXED);
    return count > 0 ? (uint64_t)count : 0;
}

static bool has_work(void *context)
{
    const struct shard *s = context;
    if (s->mesh.hub && (mesh_has_input(s) || meeting_is_wanted(s))) return true;
    return s->saver.port && (flush_has_input(s->saver.port) || appender_has_input(s));
}

bool spread_may_sleep(struct shard *s)
{
    return waker_prepare_sleep(s->waker, has_work, s);
}

void spread_end_sleep(struct shard *s)
{
    waker_end_sleep(s->waker);
}

struct stop_note {
    struct mesh_note note;
    uint32_t flags;
};
static void run_stop(struct shard *s, struct mesh_note *note)
{
    shard_stop(s, ((struct stop_note *)note)->flags);
}

void spread_stop(struct shard *s, uint32_t flags)
{
    for (uint32_t i = 0; i < s->mesh.hub->shard_count; i++) {
        if (i == s->server.shard_index) continue;
        struct stop_note *n = mesh_note_new(sizeof *n, run_stop);
        n->flags = flags;
        mesh_send_note(s, i, &n->note);
    }
}

struct forget_note {
    struct mesh_note note;
    uint64_t client_id, generation;
};
static void run_forget(struct shard *s, struct mesh_note *note)
{
    const struct forget_note *n = (struct forget_note *)note;
    transaction_forget_watcher(&s->server, n->client_id, n->generation);
}

void spread_forget_watches(struct server *server, uint64_t client_id, uint64_t generation,
                           uint64_t homes)
{
    for (; homes; homes = shard_set_rest(homes)) {
        struct forget_note *n = mesh_note_new(sizeof *n, run_forget);
        n->client_id = client_id;
        n->generation = generation;
        mesh_send_note(server->shard, shard_set_first(homes), &n->note);
    }
}
