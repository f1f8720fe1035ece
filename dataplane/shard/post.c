#include "dataplane/shard/post.h"
#include <stdlib.h>
#include "dataplane/base/check.h"
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
    struct post_note *n = malloc(sizeof *n + p->texts[0].size + p->texts[1].size);
    CHECK(n);
    *n = (struct post_note){ { run_post }, action, *p };
    uint8_t *at = (uint8_t *)(n + 1);
    for (uint32_t i = 0; i < 2; i++) {
        n->posted.texts[i] = bytes_make(at, p->texts[i].size);
        if (p->texts[i].size) memcpy(at, p->texts[i].data, p->texts[i].size);
        at += p->texts[i].size;
    }
    mesh_send_note(server->shard, to, &n->note);
}
