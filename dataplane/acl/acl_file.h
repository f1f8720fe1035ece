// acl_file.h: users from text: all lines of an aclfile, or lines "user" of a configuration.
//
// Source:  Redis 7.2's error texts; a file's words are between single spaces, a configuration's may
//          be in quotes
// Thread:  the shard
// Memory:  the errors' text is on the heap, the caller's to close
#pragma once
#include "dataplane/acl/acl_users.h"

enum { ACL_ERRORS_BYTES = 4096 }; // what there is more of is cut

struct acl_errors {
    uint32_t size; // 0: none
    char text[ACL_ERRORS_BYTES];
};

// path: as the errors call the file. t has the default user only; on errors it is worth nothing.
bool acl_file_read(struct acl_users *t, struct bytes text, const char *path,
                   struct acl_errors *errors);
// Lines without their "user": name and rules each, nobody twice; "default" is begun anew. Ends at
// the first error; what may be a password is not shown.
bool acl_lines_read(struct acl_users *t, const struct bytes *lines, uint32_t count,
                    struct acl_errors *errors);
