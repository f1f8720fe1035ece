// check-aof: is an append-only log whole, and how far? Cuts an end that was left unfinished.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "storage/aof/manifest.h"
#include "tools/penstockctl.h"
#include "tools/penstockctl_aof_report.h"

enum { MANIFEST_BYTES_MAX = 64 << 20 };

struct check {
    const char *path; // as given: a manifest or a file
    bool fixes, asks_not;
    int64_t newest_s; // INT64_MAX: to no time
    struct print out;
    uint32_t unsound; // files that were found so
};

// ---- cutting -----------------------------------------------------------------------------------

static bool asks_yes(const struct check *c, const struct aof_file *f, uint64_t offset)
{
    char answer[8];
    if (c->asks_not) return true;
    fprintf(stderr,
            "This will cut %" PRIu64 " bytes off AOF %s: from %" PRIu64 " to %" PRIu64
            " bytes\nContinue? [y/N]: ",
            f->look.size - offset, f->name, f->look.size, offset);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static bool cut(const struct check *c, const struct aof_file *f, uint64_t offset)
{
    const char *error;
    if (!asks_yes(c, f, offset)) {
        ctl_complain("%s: nothing was changed", f->name);
        return false;
    }
    if (!aof_cut(f->path, &f->look, offset, &error)) {
        ctl_complain("failed to truncate AOF %s: %s", f->name, error);
        return false;
    }
    if (!c->out.json)
        printf("Successfully truncated AOF %s to %" PRIu64 " bytes\n", f->name, offset);
    return true;
}

static bool can_fix(const struct aof_file *f)
{
    return aof_is_sound(&f->look) || (aof_is_unfinished(&f->look) && f->may_end_early);
}

static bool can_fix_all(const struct aof_file *files, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!can_fix(&files[i])) return false;
    return true;
}

static bool may_fix(const struct check *c, const struct aof_file *f)
{
    if (!can_fix(f)) {
        ctl_complain("%s cannot be fixed by cutting its end", f->name);
        return false;
    }
    if (f->look.verdict == AOF_DOUBTFUL && c->asks_not) {
        ctl_complain("%s is doubtful: without --yes you are asked whether to cut it", f->name);
        return false;
    }
    return true;
}

// All or nothing, as far as can be known before.
static bool fix_all(const struct check *c, const struct aof_file *files, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!may_fix(c, &files[i])) return false;
    for (uint32_t i = 0; i < count; i++)
        if (!aof_is_sound(&files[i].look) && !cut(c, &files[i], files[i].look.ok_offset))
            return false;
    return true;
}

static bool may_cut_to_time(const struct check *c, const struct aof_file *f)
{
    if (f->look.verdict == AOF_SNAPSHOT && f->may_end_early) {
        ctl_complain("%s begins with a snapshot: what is behind it is not looked into", f->name);
        return false;
    }
    if (!f->look.is_newer) return true;
    if (!f->may_end_early)
        ctl_complain("%s has commands newer than %" PRId64 ", and other files follow it: it is "
                     "not cut",
                     f->name, c->newest_s);
    else if (f->look.ok_offset == 0)
        ctl_complain("AOF %s has nothing before timestamp %" PRId64, f->name, c->newest_s);
    else
        return true;
    return false;
}

static bool cut_to_time(const struct check *c, const struct aof_file *files, uint32_t count)
{
    uint32_t newer = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!may_cut_to_time(c, &files[i])) return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!files[i].look.is_newer) continue;
        if (!cut(c, &files[i], files[i].look.ok_offset)) return false;
        newer++;
    }
    if (!newer && !c->out.json)
        printf("Nothing is newer than timestamp %" PRId64 "\n", c->newest_s);
    return true;
}

// ---- what is looked at -------------------------------------------------------------------------

static void open_report(struct check *c)
{
    print_open(&c->out, stdout, c->out.json);
    if (!c->out.json) return;
    print_text(&c->out, "file", c->path);
    print_list(&c->out, "files");
}

static void look_at(struct check *c, struct aof_file *f)
{
    aof_look_at(&f->look, f->path, c->newest_s);
    c->unsound += !aof_is_sound(&f->look);
    aof_say(&c->out, f);
}

static enum ctl_exit conclude(struct check *c, const struct aof_file *files, uint32_t count)
{
    bool good = c->unsound == 0;
    if (c->out.json) {
        print_list_end(&c->out);
        print_flag(&c->out, "sound", good);
        print_close(&c->out);
    }
    fflush(stdout); // before a question
    if (c->fixes && !good)
        good = fix_all(c, files, count);
    else if (c->newest_s != INT64_MAX && good)
        good = cut_to_time(c, files, count);
    else if (!good && !c->out.json)
        puts(can_fix_all(files, count)
                 ? "Not everything is valid. --fix cuts what is unfinished, after asking."
                 : "Not everything is valid, and more is wrong than --fix could cut.");
    return good ? CTL_OK : CTL_ANSWERED_ERROR;
}

static enum ctl_exit check_list(struct check *c, const struct manifest *m)
{
    const char *slash = strrchr(c->path, '/');
    int folder = slash ? (int)(slash - c->path) + 1 : 0;
    struct aof_file *files = calloc(m->count + 1, sizeof *files);
    enum ctl_exit result = CTL_BROKEN;
    uint32_t count = 0;
    for (uint32_t i = 0; files && i < m->count; i++) {
        struct aof_file *f = &files[count];
        if (m->files[i].type == MANIFEST_HISTORY) continue; // needed no more, or gone
        f->name = m->files[i].name;
        f->role = m->files[i].type == MANIFEST_BASE ? "BASE " : "INCR ";
        f->may_end_early = manifest_may_be_torn(m, i);
        if (asprintf(&f->path, "%.*s%s", folder, c->path, f->name) < 0) f->path = NULL;
        count++;
    }
    if (files) {
        open_report(c);
        for (uint32_t i = 0; i < count; i++) look_at(c, &files[i]);
        result = conclude(c, files, count);
        if (result == CTL_OK && !c->out.json) puts("All AOF files and manifest are valid");
    }
    for (uint32_t i = 0; i < count; i++) free(files[i].path);
    free(files);
    return result;
}

// The line is shown without what would steer a terminal.
static void say_refused(const struct check *c, const struct manifest_error *error)
{
    char line[200];
    size_t size = error->text.size < sizeof line ? error->text.size : sizeof line;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = error->text.data[i];
        line[i] = byte >= ' ' && byte < 0x7f ? (char)byte : '?';
    }
    if (error->line)
        ctl_complain("%s, line %u: %s\n  %.*s", c->path, error->line, error->why, (int)size, line);
    else
        ctl_complain("%s: %s", c->path, error->why);
}

static enum ctl_exit check_manifest(struct check *c, struct bytes text)
{
    struct heap heap;
    struct manifest m;
    struct manifest_error error;
    if (heap_open(&heap) != OK) return CTL_BROKEN;
    manifest_init(&m, &heap);
    enum ctl_exit result = CTL_ANSWERED_ERROR;
    if (manifest_parse(&m, text, &error) == OK)
        result = check_list(c, &m);
    else
        say_refused(c, &error);
    manifest_close(&m);
    heap_close(&heap);
    return result;
}

static enum ctl_exit check_single(struct check *c)
{
    const char *slash = strrchr(c->path, '/');
    struct aof_file f = { .role = "", .may_end_early = true };
    f.path = strdup(c->path);
    f.name = slash ? slash + 1 : c->path;
    open_report(c);
    look_at(c, &f);
    enum ctl_exit result = conclude(c, &f, 1);
    free(f.path);
    return result;
}

// A list begins with "file" where no remark stands, or is named so: one that is damaged there is
// still none of commands.
static bool is_manifest(const char *path, FILE *file)
{
    const char *dot = strrchr(path, '.');
    char line[MANIFEST_LINE_MAX + 1];
    if (dot && strcmp(dot, ".manifest") == 0) return true;
    while (fgets(line, sizeof line, file))
        if (line[0] != '#') return strncmp(line, "file", 4) == 0;
    return false;
}

static enum ctl_exit read_manifest(struct check *c, FILE *file)
{
    enum ctl_exit result = CTL_BROKEN;
    char *text = malloc(MANIFEST_BYTES_MAX);
    rewind(file);
    size_t size = text ? fread(text, 1, MANIFEST_BYTES_MAX, file) : 0;
    if (!text || ferror(file))
        ctl_complain("%s: %s", c->path, strerror(errno));
    else
        result = check_manifest(c, bytes_make(text, size));
    free(text);
    return result;
}

static enum ctl_exit run(struct check *c)
{
    FILE *file = fopen(c->path, "re");
    if (!file) {
        ctl_complain("%s: %s", c->path, strerror(errno));
        return CTL_ANSWERED_ERROR;
    }
    enum ctl_exit result = is_manifest(c->path, file) ? read_manifest(c, file) : check_single(c);
    fclose(file);
    return result;
}

// ---- what was asked for ------------------------------------------------------------------------

static bool read_time(struct check *c, const char *text)
{
    char *end;
    if (!text) return false;
    errno = 0;
    c->newest_s = strtoll(text, &end, 10);
    return *end == '\0' && end != text && errno == 0 && c->newest_s >= 1 &&
           c->newest_s != INT64_MAX;
}

static bool read_words(struct check *c, int argc, char **argv)
{
    const char *time = "--truncate-to-timestamp";
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (strcmp(word, "--fix") == 0)
            c->fixes = true;
        else if (strcmp(word, "--yes") == 0)
            c->asks_not = true;
        else if (strcmp(word, "--json") == 0)
            c->out.json = true;
        else if (strcmp(word, time) == 0) {
            if (!read_time(c, i + 1 < argc ? argv[++i] : NULL)) return false;
        } else if (word[0] == '-' || c->path)
            return false;
        else
            c->path = word;
    }
    return c->path && !(c->fixes && c->newest_s != INT64_MAX);
}

enum ctl_exit ctl_check_aof(const struct ctl_options *o, int argc, char **argv)
{
    struct check c = { .newest_s = INT64_MAX, .out.json = o->json };
    if (read_words(&c, argc, argv)) return run(&c);
    ctl_complain("usage: penstockctl check-aof [--fix | --truncate-to-timestamp SECONDS] [--yes] "
                 "FILE");
    return CTL_USAGE;
}
