// acl_password.h: passwords, kept as SHA-256 digests only, and compared in a time that tells
// nothing about them.
//
// Source:  Redis 7.2: a password is its SHA-256 in lower case hexadecimal; OpenSSL's SHA-256 and
//          CRYPTO_memcmp
// Thread:  any
// Memory:  digests are items of 32 bytes (acl_items.h)
#pragma once
#include "dataplane/acl/acl.h"
#include "dataplane/acl/acl_items.h"

enum {
    ACL_DIGEST_BYTES = 32,
    ACL_HASH_CHARS = 2 * ACL_DIGEST_BYTES,
    // What is longer is nobody's password: to digest it would hold the core for long.
    ACL_PASSWORD_BYTES_MAX = 64 * 1024,
};

// False: longer than a password can be; out is the digest of its beginning.
bool acl_password_digest(struct bytes password, uint8_t out[ACL_DIGEST_BYTES]);
bool acl_hash_read(struct bytes hash, uint8_t out[ACL_DIGEST_BYTES]); // 64 of 0-9 a-f
void acl_hash_write(const uint8_t digest[ACL_DIGEST_BYTES], char out[ACL_HASH_CHARS]);
// Looks at all of them, whichever it is; an empty list costs as much as one of one.
bool acl_passwords_match(const struct acl_items *digests, const uint8_t given[ACL_DIGEST_BYTES]);
