#include "dataplane/shard/far_wait.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/block_far.h"
#include "dataplane/cmd/node.h"
#include "dataplane/shard/meeting.h"
#include "dataplane/shard/shard.h"

struct wait_note {
    struct mesh_note note;
    uint64_t client_id, ticket;
};

static void run_try(struct shard *s, struct mesh_note *note)
{
    const struct wait_note *n = (struct wait_note *)note;
    block_try(&s->server, n->client_id, n->ticket);
}

static void run_forget(struct shard *s, struct mesh_note *note)
{
    const struct wait_note *n = (struct wait_note *)note;
    far_waiter_forget(&s->server, n->client_id, n->ticket);
}

static void send(struct server *server, uint32_t to, const struct wait_note *note)
{
    struct wait_note *n = mesh_note_new(sizeof *n, note->note.run);
    *n = *note;
    mesh_send_note(server->shard, to, &n->note);
}

void far_wait_tell(struct server *home, uint64_t client_id, uint64_t ticket)
{
    uint32_t to = client_home_index(home, client_id);
    struct wait_note note = { { run_try }, client_id, ticket };
    if (to == home->shard_index)
        block_try(home, client_id, ticket);
    else
        send(home, to, &note);
}

void far_wait_forget(struct server *server, uint64_t client_id, uint64_t ticket, uint64_t homes)
{
    struct wait_note note = { { run_forget }, client_id, ticket };
    for (; homes; homes = shard_set_rest(homes)) send(server, shard_set_first(homes), &note);
}

void far_wait_drop_retry(struct server *server, struct client *c)
{
    meeting_forget_client(server->shard, c);
}
