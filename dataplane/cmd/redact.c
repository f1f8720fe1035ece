#include "dataplane/cmd/redact.h"
#include "dataplane/cmd/cmd.h"

static bool is_named(const struct command *c, const char *full_name)
{
    return strcmp(c->full_name, full_name) == 0;
}

// HELLO version AUTH user password ...
static bool is_secret_of_hello(const struct bytes *argv, uint32_t argc, uint32_t index)
{
    for (uint32_t i = 2; i < argc && i < index; i++) {
        if (!bytes_is_option(argv[i], "auth")) continue;
        if (index <= i + 2) return true;
        i += 2;
    }
    return false;
}

// MIGRATE ... AUTH password, or AUTH2 user password
static bool is_secret_of_migrate(const struct bytes *argv, uint32_t index)
{
    if (index < 7) return false;
    return bytes_is_option(argv[index - 1], "auth") || bytes_is_option(argv[index - 1], "auth2") ||
           (index > 7 && bytes_is_option(argv[index - 2], "auth2"));
}

static bool is_secret_setting(const struct bytes *argv, uint32_t index)
{
    if (index < 3 || index % 2 == 0) return false;
    const struct setting_row *row = setting_find(argv[index - 1]);
    return row && row->flags & SETTING_SECRET;
}

static bool is_secret(const struct command *c, const struct bytes *argv, uint32_t argc,
                      uint32_t index)
{
    if (is_named(c, "auth")) return index > 0;
    if (is_named(c, "hello")) return is_secret_of_hello(argv, argc, index);
    if (is_named(c, "acl|setuser")) return index > 1;
    if (is_named(c, "config|set")) return is_secret_setting(argv, index);
    if (is_named(c, "migrate")) return is_secret_of_migrate(argv, index);
    return false;
}

struct bytes redact_argument(const struct command *command, const struct bytes *argv, uint32_t argc,
                             uint32_t index)
{
    if (!command || !is_secret(command, argv, argc, index)) return argv[index];
    return BYTES_LITERAL("(redacted)");
}
