#include "dataplane/acl/acl.h"

uint16_t acl_catalog_find(const struct acl_catalog *catalog, struct bytes full_name)
{
    for (uint32_t id = 0; id < catalog->command_count; id++)
        if (bytes_is_word(full_name, catalog->commands[id].full_name)) return (uint16_t)id;
    return ACL_NO_PARENT;
}

uint64_t acl_catalog_category(const struct acl_catalog *catalog, struct bytes name)
{
    for (uint32_t i = 0; i < catalog->category_count; i++)
        if (bytes_is_word(name, catalog->category_names[i])) return 1ull << i;
    return 0;
}

const char *acl_result_text(enum acl_result result)
{
    switch (result) {
    case ACL_DONE:
        return "";
    case ACL_SYNTAX:
        return "Syntax error";
    case ACL_UNKNOWN_COMMAND:
        return "Unknown command or category name in ACL";
    case ACL_KEYS_ARE_ALL:
        return "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does "
               "not have any effect. Try 'resetkeys' to start with an empty list of patterns";
    case ACL_CHANNELS_ARE_ALL:
        return "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and "
               "does not have any effect. Try 'resetchannels' to start with an empty list of "
               "channels";
    case ACL_NO_SUCH_PASSWORD:
        return "The password you are trying to remove from the user does not exist";
    case ACL_BAD_HASH:
        return "The password hash must be exactly 64 characters and contain only lowercase "
               "hexadecimal characters";
    case ACL_ARGUMENT_OF_SUBCOMMAND:
        return "Allowing first-arg of a subcommand is not supported";
    case ACL_UNMATCHED:
        return "Unmatched parenthesis in selector definition";
    }
    return "Wrong format";
}
