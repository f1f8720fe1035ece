// redact.h: arguments as others may see them: no password in SLOWLOG, MONITOR or a log.
//
// Source:  Redis 7.2: which commands hide what (AUTH, HELLO, ACL SETUSER, CONFIG SET, MIGRATE)
// Memory:  none: the result is the argument itself or a constant
#pragma once
#include <stdint.h>
#include "dataplane/base/bytes.h"

struct command;

// argv[index] of a request, or "(redacted)". command: its row, the subcommand's; NULL: unknown.
struct bytes redact_argument(const struct command *command, const struct bytes *argv, uint32_t argc,
                             uint32_t index);
