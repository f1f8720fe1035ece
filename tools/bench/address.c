#include "tools/bench/address.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/base/num.h"

enum { TEXT_BYTES = 80 };

static bool parse_ip(const char *text, uint8_t ip[16], uint8_t *bits)
{
    *bits = 32;
    memset(ip, 0, 10);
    ip[10] = ip[11] = 0xff;
    if (inet_pton(AF_INET, text, ip + 12) == 1) return true;
    *bits = 128;
    return inet_pton(AF_INET6, text, ip) == 1;
}

static bool parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    return num_parse_uint(bytes_text(text), out) && *out >= min && *out <= max;
}

bool address_parse_own(const char *text, struct net_address *out)
{
    char ip[TEXT_BYTES];
    uint8_t bits;
    uint64_t prefix;
    if ((size_t)snprintf(ip, sizeof ip, "%s", text) >= sizeof ip) return false;
    char *slash = strchr(ip, '/');
    if (slash) *slash = 0;
    if (!parse_ip(ip, out->ip, &bits)) return false;
    prefix = bits;
    if (slash && !parse_count(slash + 1, 0, bits, &prefix)) return false;
    out->prefix_bits = (uint8_t)prefix;
    return true;
}

bool address_parse_target(const char *text, uint16_t port, struct net_addr *out)
{
    char ip[TEXT_BYTES], *begin = ip, *colon;
    uint8_t bits;
    uint64_t number = port;
    if ((size_t)snprintf(ip, sizeof ip, "%s", text) >= sizeof ip) return false;
    if (*ip == '[') {
        char *end = strchr(ip, ']');
        if (!end || (end[1] && end[1] != ':')) return false;
        colon = end[1] ? end + 1 : NULL;
        *end = 0;
        begin++;
    } else {
        colon = strchr(ip, ':');
        if (colon && strchr(colon + 1, ':')) colon = NULL; // IPv6 without brackets
    }
    if (colon && !parse_count(colon + 1, 1, 65535, &number)) return false;
    if (colon) *colon = 0;
    if (!parse_ip(begin, out->ip, &bits)) return false;
    out->port = (uint16_t)number;
    return true;
}
