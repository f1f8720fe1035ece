#include "dataplane/base/log_limit.h"

#define SECOND_NS 1000000000ull

static bool is_over(const struct log_limit *l, uint64_t now_ns)
{
    return now_ns - l->begin_ns >= SECOND_NS;
}

bool log_limit_admits(struct log_limit *l, uint64_t now_ns, uint32_t per_second)
{
    if (l->count == 0 || is_over(l, now_ns)) {
        l->begin_ns = now_ns;
        l->count = 0;
    }
    if (l->count < per_second) {
        l->count++;
        return true;
    }
    l->left_out++;
    return false;
}

uint64_t log_limit_take_left_out(struct log_limit *l, uint64_t now_ns)
{
    if (!l->left_out || !is_over(l, now_ns)) return 0;
    uint64_t count = l->left_out;
    l->left_out = 0;
    return count;
}
