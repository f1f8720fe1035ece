#include "dataplane/shard/far_priv.h"
#include "dataplane/base/prefetch.h"
#include "dataplane/cmd/tracking.h"
#include "dataplane/shard/far_again.h"
#include "dataplane/shard/late.h"
#include "dataplane/shard/lent.h"
#include "dataplane/shard/mesh.h"
#include "dataplane/shard/scatter.h"
#include "dataplane/shard/shard.h"

// What of a client's flags concerns how its command runs on another shard.
enum { CARRIED_FLAGS = CLIENT_NO_TOUCH | CLIENT_UNIX_SOCKET };
_Static_assert(CARRIED_FLAGS <= UINT8_MAX, "far_call.client_flags has eight bits");

// ---- the sender: making and sending a call

// The client's name goes along for SLOWLOG.
static struct far_call *far_new(struct shard *s, const struct call *call)
{
    const char *name = call->client->name;
    size_t name_bytes = name ? strlen(name) + 1 : 0;
    struct far_call *f = far_take(s, call->argc * sizeof(struct bytes) +
                                         bytes_sum(call->argv, call->argc) + name_bytes);
    f->argv = (struct bytes *)(f + 1);
    uint8_t *at = bytes_copy_each(f->argv, call->argv, call->argc, (uint8_t *)&f->argv[call->argc]);
    f->client_name = name ? memcpy(at, name, name_bytes) : NULL;
    f->argc = call->argc;
    return f;
}

static bool has_block_option(const struct call *call)
{
    for (uint32_t i = 1; i < call->argc; i++)
        if (bytes_is_word(call->argv[i], "block")) return true;
    return false;
}

bool far_may_block(const struct call *call)
{
    if (LIKELY(!(call->command->flags & CMD_BLOCKING))) return false;
    bool is_read = call->command->name[0] == 'x'; // XREAD, XREADGROUP
    return !is_read || has_block_option(call);
}

static struct far_call *far_fill(struct shard *s, const struct call *call, uint32_t to)
{
    const struct client *c = call->client;
    struct far_call *f = far_new(s, call);
    f->to = to;
    f->command = call->command;
    f->has_key = call->has_key;
    if (LIKELY(f->has_key))
        f->key = (struct key){ f->argv[call->command->first_key], call->key.hash };
    f->client_id = c->id;
    f->arrival_tsc = call->arrival_tsc;
    f->is_tracking = c->tracker != NULL;
    if (UNLIKELY(f->is_tracking)) f->tracking_mode = (uint8_t)c->tracker->mode;
    f->remote = c->stream->remote;
    f->kind = (uint8_t)c->stream->kind;
    f->db = c->db;
    f->client_flags = (uint8_t)(c->flags & CARRIED_FLAGS);
    f->version = c->reply.version;
    f->is_muted = c->reply.muted;
    f->generation = s->mesh.hub->node.placement.generation;
    f->kept_deadline_ms = client_deadline(c, 0);
    f->request_bytes = call->request ? call->request->bytes : 0;
    f->again = NULL;
    s->far_calls_open++;
    return f;
}

void far_send(struct shard *s, struct session *session, struct call *call, uint32_t to)
{
    struct far_call *f = far_fill(s, call, to);
    f->session = session;
    f->may_block = far_may_block(call);
    session->far_generation = f->generation;
    list_append(&session->far, &f->link);
    if (f->may_block) session_wait_for_far(session); // nothing of it runs meanwhile
    mesh_send(s, to, MESH_CALL, f);
}

struct far_call *far_new_part(struct shard *s, const struct call *call, uint32_t to)
{
    struct far_call *f = far_fill(s, call, to);
    f->is_part = true;
    f->proxy = NULL; // it may be given up before it runs
    return f;
}

// ---- the sender: replies

const struct outq *far_output(const struct far_call *f)
{
    return f->proxy ? &f->proxy->stream.out : NULL;
}

void far_give_back(struct shard *s, uint32_t to, struct proxy *p)
{
    if (to == s->mesh.index)
        far_release(s, p);
    else
        mesh_send(s, to, MESH_RELEASE, p);
}

static void append_pieces(struct outq *to, const struct outq *from)
{
    for (const struct piece *p = from->head; p; p = p->next)
        outq_append(to, bytes_make(p->data, p->used));
}

// Much is sent from where it is.
static void append_output(struct shard *s, struct outq *to, const struct far_call *f)
{
    const struct outq *from = &f->proxy->stream.out;
    if (from->bytes < LENT_OUTPUT_MIN) {
        append_pieces(to, from);
        far_give_back(s, f->to, f->proxy);
        return;
    }
    struct lent *l = lent_open(s, f->to, f->proxy);
    for (const struct piece *p = from->head; p; p = p->next)
        lent_add(l, to, bytes_make(p->data, p->used));
    lent_done(l);
}

void far_deliver(struct shard *s, struct session *session, struct far_call *f)
{
    struct client *c = &session->client;
    struct outq *out = &c->stream->out;
    if (f->is_slot) {
        struct far_slot *slot = (struct far_slot *)f;
        if (!session->closing) append_pieces(out, &slot->out);
        outq_clear(&slot->out);
        c->pushes_bytes -= slot->pushed_bytes;
    } else if (f->proxy && !session->closing) {
        append_output(s, out, f);
    } else if (f->proxy) {
        far_give_back(s, f->to, f->proxy);
    } else if (f->reply_bytes && !session->closing) {
        outq_append(out, bytes_make(f->reply, f->reply_bytes));
    }
    if (!f->is_slot && f->closes) c->flags |= CLIENT_CLOSE_AFTER_REPLY;
    far_free(s, f);
}

void far_deliver_ready(struct shard *s, struct session *session)
{
    struct list_node *node;
    while ((node = list_first(&session->far)) != NULL) {
        struct far_call *f = LIST_OWNER(node, struct far_call, link);
        if (!f->is_done) break;
        list_remove(&session->far, node);
        far_deliver(s, session, f);
        late_got_reply(s, session, node);
    }
    if (UNLIKELY(session->returned_count)) far_send_again(s, session);
    session_enforce_output_limit(s, session);
    if (session->far.count == 0 && session->waits_for_far) {
        session->waits_for_far = false;
        session->client.flags &= ~(uint32_t)CLIENT_ELSEWHERE;
        resume_later(s, session);
    }
}

void far_prefetch_reply(const struct far_call *f)
{
    prefetch(f);
    prefetch_two(&f->behind);
}

void far_replied(struct shard *s, struct far_call *f)
{
    struct session *session = f->session;
    s->far_calls_open--;
    f->is_done = true;
    if (UNLIKELY(f->is_part)) {
        scatter_part_is_done(s, f);
        return;
    }
    if (session) {
        if (UNLIKELY(f->is_returned)) far_came_back(session, f);
        far_deliver_ready(s, session);
        return;
    }
    if (f->proxy) far_give_back(s, f->to, f->proxy);
    far_free(s, f);
}

void far_forget_session(struct shard *s, struct session *session)
{
    struct list_node *node;
    struct far_slot *slot = session->slot;
    session->slot = NULL;
    session->client.reply.out = &session->client.stream->out;
    if (slot && !list_node_is_linked(&slot->call.link)) {
        outq_clear(&slot->out);
        far_free(s, &slot->call);
    }
    while ((node = list_take_first(&session->far)) != NULL) {
        struct far_call *f = LIST_OWNER(node, struct far_call, link);
        if (!f->is_done && !f->is_slot && !f->is_back) {
            f->session = NULL;
            far_cancel_part(s, f);
            continue;
        }
        if (f->is_slot) {
            outq_clear(&((struct far_slot *)f)->out);
            session->client.pushes_bytes -= ((struct far_slot *)f)->pushed_bytes;
        }
        if (!f->is_slot && f->proxy) far_give_back(s, f->to, f->proxy);
        far_free(s, f);
    }
    session->returned_count = 0;
    session->waits_for_far = false;
}

bool far_has_blocked(const struct session *session)
{
    for (struct list_node *n = list_first(&session->far); n; n = list_next(&session->far, n)) {
        const struct far_call *f = LIST_OWNER(n, struct far_call, link);
        if (f->may_block && !f->is_done) return true;
    }
    return false;
}
