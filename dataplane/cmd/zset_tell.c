#include "dataplane/cmd/zset_tell.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/job.h"

enum { PAIRS_PER_LOOK = 8 };

void zset_tell_begin(struct zset_tell *t, struct call *call, const struct zset_builder *b,
                     struct bytes key, bool is_itself)
{
    t->is_begun = true;
    t->is_itself = is_itself && !call_is_joint(call);
    if (t->is_itself) return;
    zset_build_look(b, &t->look);
    zset_iter_init(&t->iter, &t->look, 0, false);
    effect_draft_begin(&t->draft, call, "ZADD", key, 2 * t->look.count, true);
}

bool zset_tell_step(struct zset_tell *t, uint64_t until_tsc)
{
    char text[NUM_DOUBLE_SHORT_MAX];
    struct bytes member;
    double score;
    if (t->is_itself || !effect_draft_is_on(&t->draft)) return true;
    do {
        for (uint32_t n = 0; n < PAIRS_PER_LOOK; n++) {
            if (!zset_iter_next(&t->iter, &member, &score)) return true;
            effect_draft_add(&t->draft, bytes_make(text, num_format_double(text, score)));
            effect_draft_add(&t->draft, member);
        }
    } while (job_may_go_on(until_tsc));
    return t->draft.left == 0;
}

void zset_tell_put(struct zset_tell *t, struct call *call)
{
    if (t->is_itself)
        call_effect(call, call->argv, call->argc);
    else
        effect_draft_put(&t->draft, call);
}

void zset_tell_drop(struct zset_tell *t) { effect_draft_drop(&t->draft); }
