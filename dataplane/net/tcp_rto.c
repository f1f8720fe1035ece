#include "dataplane/net/tcp_rto.h"
#include "dataplane/base/check.h"

static uint32_t rto_clamp(const struct tcp_rto *rto, uint64_t us)
{
    if (us < rto->min_us) return rto->min_us;
    return us > TCP_RTO_MAX_US ? TCP_RTO_MAX_US : (uint32_t)us;
}

void tcp_rto_init(struct tcp_rto *rto, uint32_t min_us)
{
    CHECK(min_us <= TCP_RTO_MAX_US);
    *rto = (struct tcp_rto){ .min_us = min_us };
    rto->rto_us = rto_clamp(rto, TCP_RTO_INITIAL_US);
}

void tcp_rto_restore(struct tcp_rto *rto)
{
    uint64_t spread = 4 * (uint64_t)rto->rttvar_us;
    if (rto->srtt_us == 0) {
        rto->rto_us = rto_clamp(rto, TCP_RTO_INITIAL_US);
        return;
    }
    if (spread < TCP_RTO_GRANULARITY_US) spread = TCP_RTO_GRANULARITY_US;
    rto->rto_us = rto_clamp(rto, rto->srtt_us + spread);
}

void tcp_rto_sample(struct tcp_rto *rto, uint32_t rtt_us)
{
    CHECK(rtt_us >= 1);
    if (rtt_us > TCP_RTO_MAX_US) rtt_us = TCP_RTO_MAX_US;
    if (rto->srtt_us == 0) { // RFC 6298 2.2
        rto->srtt_us = rtt_us;
        rto->rttvar_us = rtt_us / 2;
    } else { // RFC 6298 2.3: beta 1/4, alpha 1/8
        uint32_t deviation = rto->srtt_us > rtt_us ? rto->srtt_us - rtt_us : rtt_us - rto->srtt_us;
        rto->rttvar_us = (uint32_t)((3 * (uint64_t)rto->rttvar_us + deviation) / 4);
        rto->srtt_us = (uint32_t)((7 * (uint64_t)rto->srtt_us + rtt_us) / 8);
        if (rto->srtt_us == 0) rto->srtt_us = 1;
    }
    tcp_rto_restore(rto);
}

void tcp_rto_back_off(struct tcp_rto *rto)
{
    rto->rto_us = rto_clamp(rto, 2 * (uint64_t)rto->rto_us);
}
