#include <string.h>
#include "dataplane/base/bytes.h"
#include "dataplane/net/net_priv.h"

// Four 16-byte lanes a turn; each 32-bit half is widened to 64 bits, so nothing overflows within
// 2^32 turns and no carry has to be carried along (RFC 1071 section 2 allows any word width).
typedef uint64_t wide __attribute__((vector_size(16)));

static inline wide load_wide(const uint8_t *p)
{
    wide v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t sum_blocks(const uint8_t *p, size_t block_count)
{
    const wide low = { UINT32_MAX, UINT32_MAX };
    wide a = { 0, 0 }, b = { 0, 0 };
    for (size_t i = 0; i < block_count; i++, p += 64) {
        wide v0 = load_wide(p), v1 = load_wide(p + 16);
        wide v2 = load_wide(p + 32), v3 = load_wide(p + 48);
        a += (v0 & low) + (v1 & low) + (v2 & low) + (v3 & low);
        b += (v0 >> 32) + (v1 >> 32) + (v2 >> 32) + (v3 >> 32);
    }
    a += b;
    return a[0] + a[1];
}

static inline uint32_t narrow(uint64_t sum)
{
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT32_MAX) + (sum >> 32);
    return (uint32_t)sum;
}

uint32_t checksum_add(uint32_t partial, const void *data, size_t size)
{
    const uint8_t *p = data;
    uint64_t sum = partial;
    if (size >= 64) {
        sum += sum_blocks(p, size / 64);
        p += size & ~(size_t)63;
        size &= 63;
    }
    for (; size >= 8; size -= 8, p += 8) {
        uint64_t v = load_le64(p);
        sum += (v & UINT32_MAX) + (v >> 32);
    }
    if (size & 4) {
        sum += load_le32(p);
        p += 4;
    }
    if (size & 2) {
        sum += load_le16(p);
        p += 2;
    }
    if (size & 1) sum += *p; // the missing byte counts as zero
    return narrow(sum);
}

uint16_t checksum_fold(uint32_t partial)
{
    partial = (partial & 0xffff) + (partial >> 16);
    partial = (partial & 0xffff) + (partial >> 16);
    return (uint16_t)~partial;
}

// RFC 9293 3.1 for IPv4, RFC 8200 8.1 for IPv6.
uint32_t checksum_pseudo(const uint8_t source[16], const uint8_t destination[16], uint8_t protocol,
                         uint32_t l4_bytes, bool is_ipv6)
{
    uint64_t sum = (uint64_t)protocol << 8; // the byte after a zero, as memory has it
    sum += __builtin_bswap32(l4_bytes);     // its upper word is zero for IPv4
    if (!is_ipv6) return narrow(sum + load_le32(source + 12) + load_le32(destination + 12));
    return checksum_add(checksum_add(narrow(sum), source, 16), destination, 16);
}
