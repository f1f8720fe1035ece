#include "dataplane/acl/acl_password.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define EXPECT(condition, ...) cr_expect(eq(int, !!(condition), 1), "%s", #condition)

// FIPS 180-4's examples.
Test(acl_password, digests_as_sha256)
{
    static const struct {
        const char *password, *hash;
    } rows[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    };
    for (uint32_t i = 0; i < 3; i++) {
        uint8_t digest[ACL_DIGEST_BYTES];
        char hash[ACL_HASH_CHARS + 1] = "";
        cr_expect(acl_password_digest(bytes_text(rows[i].password), digest));
        acl_hash_write(digest, hash);
        cr_expect(eq(str, hash, (char *)rows[i].hash));
    }
}

Test(acl_password, reads_hashes_of_exactly_64_lower_case_digits)
{
    char hash[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0",
         back[65] = "";
    uint8_t digest[ACL_DIGEST_BYTES];
    for (uint32_t size = 0; size < 66; size++)
        cr_expect(acl_hash_read(bytes_make(hash, size), digest) == (size == 64));
    cr_expect(acl_hash_read(bytes_make(hash, 64), digest));
    acl_hash_write(digest, back);
    cr_expect(eq(int, memcmp(back, hash, 64), 0));
    for (uint32_t c = 0; c < 256; c++) {
        hash[37] = (char)c;
        bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        cr_expect(acl_hash_read(bytes_make(hash, 64), digest) == is_digit);
    }
}

Test(acl_password, matches_the_whole_digest_only)
{
    uint8_t digests[2][ACL_DIGEST_BYTES], given[ACL_DIGEST_BYTES];
    struct acl_item items[2];
    for (uint32_t i = 0; i < 2; i++) {
        memset(digests[i], (int)i + 1, ACL_DIGEST_BYTES);
        items[i].text = bytes_make(digests[i], ACL_DIGEST_BYTES);
    }
    struct acl_items list = { items, 2, 2 }, none = { 0 };
    for (uint32_t at = 0; at < ACL_DIGEST_BYTES; at++) {
        memset(given, 2, sizeof given);
        cr_expect(acl_passwords_match(&list, given));
        given[at] ^= 0x80;
        EXPECT(!acl_passwords_match(&list, given));
    }
    memset(given, 0, sizeof given);
    EXPECT(!acl_passwords_match(&none, given));
}
