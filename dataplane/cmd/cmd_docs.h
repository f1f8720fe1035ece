// cmd_docs.h: what COMMAND tells about a command beyond its row: where its keys are, hints for
// clients, and its documentation.
//
// Source:  spec/commands.tsv (facts) and tools/command_docs.py (summaries), which makes cmd_docs.c
// Thread:  any
// Memory:  const
#pragma once
#include <stdint.h>
#include "dataplane/cmd/cmd.h"

enum key_flags { // as COMMAND shows them, in this order
    KEY_RO = 1 << 0,
    KEY_RW = 1 << 1,
    KEY_OW = 1 << 2,
    KEY_RM = 1 << 3,
    KEY_ACCESS = 1 << 4,
    KEY_UPDATE = 1 << 5,
    KEY_INSERT = 1 << 6,
    KEY_DELETE = 1 << 7,
    KEY_NOT_KEY = 1 << 8,
    KEY_INCOMPLETE = 1 << 9,
    KEY_VARIABLE_FLAGS = 1 << 10,
};
enum { KEY_FLAG_COUNT = 11 };
extern const char *const key_flag_names[KEY_FLAG_COUNT];

enum key_begin { KEY_BEGIN_UNKNOWN, KEY_BEGIN_INDEX, KEY_BEGIN_KEYWORD };
enum key_find { KEY_FIND_UNKNOWN, KEY_FIND_RANGE, KEY_FIND_KEYNUM };

struct command_key_spec {
    const char *notes; // NULL: none
    uint32_t flags;    // enum key_flags
    enum key_begin begin;
    enum key_find find;
    const char *keyword; // KEY_BEGIN_KEYWORD
    int16_t start; // index, or where the search for the keyword starts (negative: from the end)
    int16_t find_values[3]; // range: last key (relative; negative: from the end), step, limit;
                            // keynum: index of the number, first key, step (relative)
};

enum argument_flags { ARGUMENT_OPTIONAL = 1, ARGUMENT_MULTIPLE = 2, ARGUMENT_MULTIPLE_TOKEN = 4 };
struct command_argument {
    const char *name, *type;
    const char *token;      // NULL: none
    int8_t key_spec;        // index, -1: none
    uint8_t flags;          // enum argument_flags
    uint8_t argument_count; // of a block or a oneof
    const struct command_argument *arguments;
};

struct command_docs {
    const char *summary, *since, *group, *complexity; // NULL: not known
    const char *deprecated_since, *replaced_by;
    bool is_syscmd; // for the server's own use
    uint8_t tip_count, key_spec_count, argument_count;
    const char *const *tips;
    const struct command_key_spec *key_specs;
    const struct command_argument *arguments;
};
extern const struct command_docs command_docs[]; // by command id

// The keys of a whole command by its key specs, in the order of the specs. Calls found for each
// with its index in argv. False: a spec does not fit the arguments.
typedef void command_key_found(void *context, uint32_t index, uint32_t flags);
bool command_find_keys(const struct command *row, const struct bytes *argv, uint32_t argc,
                       command_key_found *found, void *context);
bool command_find_keys_of(const struct command *row, const struct command_key_spec *spec,
                          const struct bytes *argv, uint32_t argc, command_key_found *found,
                          void *context); // of one spec
bool command_has_keys(const struct command *row);
