// The configuration reader: whatever the text says, it is taken or refused with a reason, and what
// was taken reads back the same after it was written out.
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/conf/conf_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_BYTES = 1 << 20 };

static enum status read_exact(struct settings *s, struct bytes text)
{
    struct conf_error error = { .text = "" };
    uint8_t *copy = malloc(text.size ? text.size : 1); // so that a sanitizer sees its end
    CHECK(copy != NULL);
    if (text.size) memcpy(copy, text.data, text.size);
    enum status status = conf_read_text(s, bytes_make(copy, text.size), "fuzz", &error);
    CHECK((status == OK) == (error.text[0] == 0));
    free(copy);
    return status;
}

// A refused text may have set some directives before it was refused; what is there must be whole.
static void check_round_trip(const struct settings *s)
{
    struct settings other;
    char *first = malloc(OUT_BYTES), *second = malloc(OUT_BYTES);
    CHECK(first != NULL && second != NULL);
    size_t size = settings_write(s, first, OUT_BYTES);
    if (size) {
        settings_init(&other);
        CHECK(read_exact(&other, bytes_make(first, size)) == OK);
        size_t again = settings_write(&other, second, OUT_BYTES);
        CHECK(again == size && memcmp(first, second, size) == 0);
        settings_close(&other);
    }
    free(first);
    free(second);
}

static void check_copy(const struct settings *s)
{
    struct settings copy;
    char error[SETTING_ERROR_MAX];
    settings_copy(&copy, s);
    if (settings_check(&copy, error) != OK) CHECK(error[0] != 0);
    settings_close(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings s;
    settings_init(&s);
    enum status status = read_exact(&s, bytes_make(data, size));
    if (status == OK || size % 8 == 0) check_round_trip(&s); // dear: every directive three times
    check_copy(&s);
    settings_close(&s);
    return 0;
}
