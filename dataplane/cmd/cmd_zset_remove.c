#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/zset_range_args.h"
#include "dataplane/cmd/zset_take.h"

static command_body cmd_zremrangebylex, cmd_zremrangebyrank, cmd_zremrangebyscore;

// clang-format off
const struct command cmd_zset_removes[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(ZREMRANGEBYLEX, "zremrangebylex", cmd_zremrangebylex, 4, 1, 1, 1, CMD_WRITE, ACL_SORTEDSET),
    COMMAND(ZREMRANGEBYRANK, "zremrangebyrank", cmd_zremrangebyrank, 4, 1, 1, 1, CMD_WRITE, ACL_SORTEDSET),
    COMMAND(ZREMRANGEBYSCORE, "zremrangebyscore", cmd_zremrangebyscore, 4, 1, 1, 1, CMD_WRITE, ACL_SORTEDSET),
};
// clang-format on

static void remove_range(struct call *call, enum zset_by by, const char *event)
{
    struct key key = call_key(call, 1);
    struct zset_range_args a = { .by = by };
    struct zset_take take = { .key_index = 1, .event = event };
    struct zset_cut look;
    struct entry *e;
    if (!zset_range_parse(call, 2, 0, &a) || !zset_find(call, &key, FIND_WRITE, &e)) return;
    zset_look(e, &look);
    take.first = zset_range_resolve(&a, &look, &take.count);
    if (take.count)
        zset_take(call, e, &take);
    else
        reply_int(call->reply, 0);
}

static void cmd_zremrangebyrank(struct call *call)
{
    remove_range(call, ZSET_BY_RANK, "zremrangebyrank");
}

static void cmd_zremrangebyscore(struct call *call)
{
    remove_range(call, ZSET_BY_SCORE, "zremrangebyscore");
}

static void cmd_zremrangebylex(struct call *call)
{
    remove_range(call, ZSET_BY_LEX, "zremrangebylex");
}
