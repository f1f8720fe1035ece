// Commands with keys on several shards: what they reply and leave is what one shard would.
#include "tests/unit/cmd/joint_giants.h"

static void go_through(uint64_t seed, uint32_t commands, bool has_giants, bool moves)
{
    struct pair p;
    open_pair(&p, seed);
    p.moves = moves;
    for (uint32_t i = 0; i < commands; i++) {
        if (has_giants && i % 400 == 0) make_giants(&p);
        run_any(&p);
        if (i % 500 == 499) compare_all(&p);
    }
    compare_all(&p);
    if (moves) cr_expect(gt(u64, p.moves_done, 10));
    close_pair(&p);
}

Test(joint_commands, leave_and_reply_what_one_shard_does, .timeout = 120)
{
    for (uint64_t seed = 1; seed <= 3; seed++) go_through(seed_now(seed), 6000, false, false);
}

Test(joint_commands, leave_and_reply_what_one_shard_does_with_giants, .timeout = 120)
{
    for (uint64_t seed = 11; seed <= 12; seed++) go_through(seed_now(seed), 1600, true, false);
}

Test(joint_commands, leave_and_reply_what_one_shard_does_while_slots_move, .timeout = 120)
{
    for (uint64_t seed = 21; seed <= 23; seed++) go_through(seed_now(seed), 6000, false, true);
    go_through(seed_now(31), 1600, true, true);
}
