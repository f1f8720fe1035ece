#include "dataplane/cmd/rename.h"
#include <stdio.h>

struct renamed {
    struct bytes name;         // in lines
    const struct command *row; // NULL: nothing has this name any more
};
struct command_renames {
    uint64_t sizes; // bit n: a name of n (mod 64) characters is among them
    uint32_t count, capacity;
    struct renamed *names;
    size_t text_bytes;
    char *text;
};

static struct renamed *find_name(const struct command_renames *r, struct bytes name)
{
    if (!(r->sizes >> (name.size & 63) & 1)) return NULL;
    for (uint32_t i = 0; i < r->count; i++)
        if (bytes_equal_nocase(r->names[i].name, name)) return &r->names[i];
    return NULL;
}

const struct command *renames_find(const struct command_renames *r, struct bytes name)
{
    const struct renamed *found = find_name(r, name);
    return found ? found->row : command_find(name);
}

bool renames_hide(const struct command_renames *r, const struct command *row)
{
    if (!r) return false;
    const char *bar = strchr(row->full_name, '|');
    if (bar) row = command_find(bytes_make(row->full_name, (size_t)(bar - row->full_name)));
    struct renamed *own = find_name(r, bytes_text(row->name));
    if (!own || own->row == row) return false;
    for (uint32_t i = 0; i < r->count; i++)
        if (r->names[i].row == row) return false;
    return true;
}

uint32_t renames_visible_count(const struct command_renames *r)
{
    uint32_t count = 0;
    for (uint32_t id = 0; id < command_top_count(); id++)
        count += !renames_hide(r, command_by_id((uint16_t)id));
    return count;
}

static void set_name(struct command_renames *r, struct bytes name, const struct command *row)
{
    struct renamed *at = find_name(r, name);
    if (!at) {
        CHECK(r->count < r->capacity);
        at = &r->names[r->count++];
        at->name = name;
        r->sizes |= 1ull << (name.size & 63);
    }
    at->row = row;
}

static const char *rename_one(struct command_renames *r, struct bytes line)
{
    const uint8_t *space = memchr(line.data, ' ', line.size);
    if (!space) return "Bad directive or wrong number of arguments";
    struct bytes from = bytes_make(line.data, (size_t)(space - line.data)), to = line;
    bytes_skip(&to, from.size + 1);
    if (to.size && memchr(to.data, ' ', to.size))
        return "Bad directive or wrong number of arguments";
    const struct command *row = renames_find(r, from);
    if (!row) return "No such command in rename-command";
    if (to.size && !bytes_equal_nocase(from, to) && renames_find(r, to))
        return "Target command name already exists";
    set_name(r, from, NULL);
    if (to.size) set_name(r, to, row);
    return NULL;
}

static uint32_t count_lines(struct bytes text)
{
    uint32_t count = 1;
    for (size_t i = 0; i < text.size; i++) count += text.data[i] == '\n';
    return count;
}

enum status renames_open(struct server *s, const char *lines, char error[RENAME_ERROR_MAX])
{
    struct bytes text = bytes_text(lines);
    s->renames = NULL;
    if (text.size == 0) return OK;
    struct command_renames *r = heap_take_zeroed(s->heap, sizeof *r, HEAP_OTHER);
    r->capacity = 2 * count_lines(text);
    r->names = heap_take_zeroed(s->heap, r->capacity * sizeof *r->names, HEAP_OTHER);
    r->text_bytes = text.size;
    r->text = heap_take(s->heap, text.size, HEAP_OTHER);
    memcpy(r->text, lines, text.size);
    s->renames = r;
    for (struct bytes rest = bytes_make(r->text, text.size); rest.size;) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        struct bytes line = bytes_make(rest.data, end ? (size_t)(end - rest.data) : rest.size);
        const char *why = line.size ? rename_one(r, line) : NULL;
        if (why) {
            snprintf(error, RENAME_ERROR_MAX, "rename-command %.*s: %s",
                     (int)(line.size < 120 ? line.size : 120), (const char *)line.data, why);
            renames_close(s);
            return ERR_PEER;
        }
        bytes_skip(&rest, end ? line.size + 1 : line.size);
    }
    return OK;
}

void renames_close(struct server *s)
{
    struct command_renames *r = s->renames;
    if (!r) return;
    heap_give(s->heap, r->names, r->capacity * sizeof *r->names, HEAP_OTHER);
    heap_give(s->heap, r->text, r->text_bytes, HEAP_OTHER);
    heap_give(s->heap, r, sizeof *r, HEAP_OTHER);
    s->renames = NULL;
}
