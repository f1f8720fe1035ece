#include "dataplane/net/tcp_opt.h"

enum {
    OPT_END = 0,
    OPT_NOP = 1,
    OPT_MSS = 2,
    OPT_WSCALE = 3,
    OPT_SACK_PERMITTED = 4,
    OPT_SACK = 5,
    OPT_TIMESTAMPS = 8,
};

static bool opt_mss(struct bytes body, struct tcp_opts *out)
{
    if (!bytes_only_be16(body, &out->mss_bytes)) return false;
    out->has_mss = true;
    return true;
}

static bool opt_wscale(struct bytes body, struct tcp_opts *out)
{
    if (body.size != 1) return false;
    out->has_wscale = true; // RFC 7323 2.3: more than 14 counts as 14
    out->wscale = body.data[0] > TCP_WSCALE_MAX ? TCP_WSCALE_MAX : body.data[0];
    return true;
}

static bool opt_timestamps(struct bytes body, struct tcp_opts *out)
{
    if (body.size != 8) return false;
    out->has_ts = true;
    out->tsval = load_be32(body.data);
    out->tsecr = load_be32(body.data + 4);
    return true;
}

static bool opt_sack(struct bytes body, struct tcp_opts *out)
{
    if (body.size == 0 || body.size % 8 != 0 || body.size > 8 * TCP_SACK_BLOCKS_MAX) return false;
    out->sack_count = 0;
    while (body.size != 0) {
        struct tcp_range *r = &out->sack[out->sack_count++];
        if (!bytes_be32(&body, &r->start) || !bytes_be32(&body, &r->end)) return false;
    }
    return true;
}

static bool opt_body(uint8_t kind, struct bytes body, struct tcp_opts *out)
{
    switch (kind) {
    case OPT_MSS:
        return opt_mss(body, out);
    case OPT_WSCALE:
        return opt_wscale(body, out);
    case OPT_TIMESTAMPS:
        return opt_timestamps(body, out);
    case OPT_SACK:
        return opt_sack(body, out);
    case OPT_SACK_PERMITTED:
        out->sack_permitted = true;
        return body.size == 0;
    default:
        return true;
    }
}

enum tcp_opt_result tcp_opt_decode(struct bytes in, struct tcp_opts *out)
{
    uint8_t kind, length;
    struct bytes body;
    *out = (struct tcp_opts){ 0 };
    while (bytes_u8(&in, &kind)) { // each turn eats at least one byte
        if (kind == OPT_END) return TCP_OPT_OK;
        if (kind == OPT_NOP) continue;
        if (!bytes_u8(&in, &length)) return TCP_OPT_TRUNCATED;
        if (length < 2) return TCP_OPT_BAD_LENGTH; // 0 and 1 would not advance
        if (!bytes_take(&in, length - 2u, &body)) return TCP_OPT_TRUNCATED;
        if (!opt_body(kind, body, out)) return TCP_OPT_BAD_LENGTH;
    }
    return TCP_OPT_OK;
}

static uint8_t *opt_head(uint8_t *p, uint8_t nops, uint8_t kind, uint32_t length)
{
    while (nops-- > 0) *p++ = OPT_NOP;
    *p++ = kind;
    *p++ = (uint8_t)length;
    return p;
}

static uint8_t *opt_put_sack(const struct tcp_opts *opts, uint8_t *p, const uint8_t *limit)
{
    if (limit - p < 12) return p;
    uint32_t fit = (uint32_t)(limit - p - 4) / 8;
    uint32_t count = opts->sack_count < fit ? opts->sack_count : fit;
    p = opt_head(p, 2, OPT_SACK, 2 + 8 * count);
    for (uint32_t i = 0; i < count; i++, p += 8) {
        store_be32(p, opts->sack[i].start);
        store_be32(p + 4, opts->sack[i].end);
    }
    return p;
}

uint32_t tcp_opt_encode(const struct tcp_opts *opts, uint8_t *out)
{
    uint8_t *p = out;
    if (opts->has_mss) {
        p = opt_head(p, 0, OPT_MSS, 4);
        store_be16(p, opts->mss_bytes);
        p += 2;
    }
    if (opts->has_wscale) {
        p = opt_head(p, 1, OPT_WSCALE, 3);
        *p++ = opts->wscale;
    }
    if (opts->sack_permitted) p = opt_head(p, 2, OPT_SACK_PERMITTED, 2);
    if (opts->has_ts) {
        p = opt_head(p, 2, OPT_TIMESTAMPS, 10);
        store_be32(p, opts->tsval);
        store_be32(p + 4, opts->tsecr);
        p += 8;
    }
    if (opts->sack_count != 0) p = opt_put_sack(opts, p, out + TCP_OPTIONS_MAX);
    return (uint32_t)(p - out);
}
