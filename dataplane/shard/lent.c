#include "dataplane/shard/lent.h"
#include "dataplane/shard/far.h"
#include "dataplane/shard/shard.h"

struct lent *lent_open(struct shard *s, uint32_t owner, struct proxy *proxy)
{
    struct lent *l = heap_take(&s->heap, sizeof *l, HEAP_CLIENT_OUT);
    *l = (struct lent){ s, proxy, owner, 1 };
    return l;
}

void lent_done(struct lent *l)
{
    if (--l->users > 0) return;
    far_give_back(l->shard, l->owner, l->proxy);
    heap_give(&l->shard->heap, l, sizeof *l, HEAP_CLIENT_OUT);
}

static void release_part(void *value) { lent_done(value); }

void lent_add(struct lent *l, struct outq *to, struct bytes part)
{
    if (part.size < LENT_PIECE_MIN) {
        outq_append(to, part);
        return;
    }
    l->users++;
    outq_append_ref(to, part, release_part, l);
}
