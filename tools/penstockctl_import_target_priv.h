// penstockctl_import_target_priv.h: between penstockctl_import_target.c and _reply.c.
//
// Thread:  one
#pragma once
#include "tools/penstockctl_import_target.h"

// Replies as they come, in pieces of any size. False: they are none.
bool target_take_replies(struct target *t, const char *data, size_t size);
void target_tell(struct target *t, const struct target_request *r, const char *error);
