#include "dataplane/shard/post.h"
#include "dataplane/shard/mesh.h"
#include "dataplane/shard/shard.h"

struct post_note { // the texts' bytes follow
    struct mesh_note note;
    posted_action *action;
    struct posted posted;
};

static void run_post(struct shard *s, struct mesh_note *note)
{
    const struct post_note *n = (const struct post_note *)note;
    posted_arrived(&s->server, n->action, &n->posted);
}

void post_send(struct server *server, uint32_t to, posted_action *action, const struct posted *p)
{
    struct post_note *n = mesh_note_new(sizeof *n + bytes_sum(p->texts, 2), run_post);
    n->action = action;
    n->posted = *p;
    bytes_copy_each(n->posted.texts, p->texts, 2, (uint8_t *)(n + 1));
    mesh_send_note(server->shard, to, &n->note);
}
