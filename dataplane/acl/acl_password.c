#include "dataplane/acl/acl_password.h"
#include <openssl/crypto.h>
#include <openssl/sha.h>

_Static_assert(ACL_DIGEST_BYTES == SHA256_DIGEST_LENGTH, "a password is a SHA-256");

bool acl_password_digest(struct bytes password, uint8_t out[ACL_DIGEST_BYTES])
{
    bool fits = password.size <= ACL_PASSWORD_BYTES_MAX;
    SHA256(password.data, fits ? password.size : ACL_PASSWORD_BYTES_MAX, out);
    return fits;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

bool acl_hash_read(struct bytes hash, uint8_t out[ACL_DIGEST_BYTES])
{
    if (hash.size != ACL_HASH_CHARS) return false;
    for (uint32_t i = 0; i < ACL_DIGEST_BYTES; i++) {
        int high = hex_value(hash.data[2 * i]), low = hex_value(hash.data[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void acl_hash_write(const uint8_t digest[ACL_DIGEST_BYTES], char out[ACL_HASH_CHARS])
{
    static const char digits[] = "0123456789abcdef";
    for (uint32_t i = 0; i < ACL_DIGEST_BYTES; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
}

bool acl_passwords_match(const struct acl_items *digests, const uint8_t given[ACL_DIGEST_BYTES])
{
    static const uint8_t nobodys[ACL_DIGEST_BYTES];
    uint32_t same = 0;
    if (digests->count == 0) {
        // The outcome is thrown away, the comparison is not.
        volatile int unused = CRYPTO_memcmp(nobodys, given, ACL_DIGEST_BYTES);
        (void)unused;
    }
    for (uint32_t i = 0; i < digests->count; i++)
        same |= CRYPTO_memcmp(digests->items[i].text.data, given, ACL_DIGEST_BYTES) == 0;
    return same;
}
