#include "dataplane/cmd/acl_load.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "dataplane/acl/acl_file.h"
#include "dataplane/cmd/acl_call.h"
#include "dataplane/cmd/acl_change.h"
#include "dataplane/cmd/errand.h"

bool acl_has_file(const struct server *s) { return s->settings->aclfile[0] != '\0'; }

static void log_line(struct server *s, int level, const char *text)
{
    if (s->region_shard && level >= s->settings->loglevel)
        region_log_write(s->region_shard, s->bell, level, clock_wall_us(), "%s", text);
}

// ---- at start

static void warn_of_disabled(struct server *s, const struct acl_user *u)
{
    char text[640];
    if (u->is_on) return;
    snprintf(text, sizeof text,
             "The user '%.*s' is disabled (there is no 'on' modifier in the user description). "
             "Make sure this is not a configuration error.",
             (int)(u->name.size < 384 ? u->name.size : 384), (const char *)u->name.data);
    log_line(s, LOG_NOTICE, text);
}

static enum status load_lines(struct server *s, char *error, uint32_t error_bytes)
{
    const struct setting_words *lines = &s->settings->users;
    struct acl_users *users = &s->acl->users;
    struct bytes *texts = heap_take(s->heap, lines->count * sizeof *texts, HEAP_OTHER);
    struct acl_errors *errors = heap_take(s->heap, sizeof *errors, HEAP_OTHER);
    for (uint32_t i = 0; i < lines->count; i++) texts[i] = bytes_text(lines->words[i]);
    bool is_fine = acl_lines_read(users, texts, lines->count, errors);
    if (!is_fine)
        snprintf(error, error_bytes, "%.*s\nCritical error while loading ACLs. Exiting.",
                 (int)(errors->size < 440 ? errors->size : 440), errors->text);
    heap_give(s->heap, errors, sizeof *errors, HEAP_OTHER);
    heap_give(s->heap, texts, lines->count * sizeof *texts, HEAP_OTHER);
    for (uint32_t i = 0; is_fine && i < users->count; i++) warn_of_disabled(s, users->users[i]);
    return is_fine ? OK : ERR_PEER;
}

// All of it, or nothing and the errors. Those clients stay whose user is among the new ones.
static bool take_text(struct server *s, struct bytes text, struct client *caller,
                      struct acl_errors *errors)
{
    struct acl *acl = s->acl;
    struct acl_users users;
    acl_users_open(&users, s->heap, &acl->catalog, acl->users.context.new_have_channels);
    bool is_fine = acl_file_read(&users, text, s->settings->aclfile, errors);
    if (is_fine)
        acl_replace_users(s, &users, caller);
    else
        acl_users_close(&users);
    return is_fine;
}

// NULL: errno tells.
static char *read_file(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NULL;
    char *text = malloc(ERRAND_TEXT_BYTES);
    ssize_t got = 1;
    for (*size = 0; text && got > 0 && *size < ERRAND_TEXT_BYTES; *size += (size_t)got)
        if ((got = read(fd, text + *size, ERRAND_TEXT_BYTES - *size)) < 0) break;
    int why = got > 0 ? EFBIG : errno; // of read; of malloc it is the same
    close(fd);
    if (text && got == 0) return text;
    free(text);
    errno = why;
    return NULL;
}

static enum status load_file(struct server *s, char *error, uint32_t error_bytes)
{
    const char *path = s->settings->aclfile;
    size_t size;
    char *text = read_file(path, &size);
    if (!text) {
        snprintf(error, error_bytes,
                 "Aborting Redis startup because of ACL errors: Error loading ACLs, opening file "
                 "'%s': %s",
                 path, strerror(errno));
        return ERR_IO;
    }
    struct acl_errors *errors = heap_take(s->heap, sizeof *errors, HEAP_OTHER);
    bool is_fine = take_text(s, bytes_make(text, size), NULL, errors);
    if (!is_fine)
        snprintf(error, error_bytes, "Aborting Redis startup because of ACL errors: %s",
                 errors->text);
    heap_give(s->heap, errors, sizeof *errors, HEAP_OTHER);
    free(text);
    return is_fine ? OK : ERR_PEER;
}

enum status acl_load_at_start(struct server *s, char *error, uint32_t error_bytes)
{
    bool has_lines = s->settings->users.count != 0;
    if (has_lines && acl_has_file(s)) {
        snprintf(error, error_bytes,
                 "Configuring Redis with users defined in redis.conf and at the same setting an "
                 "ACL file path is invalid. This setup is very likely to lead to configuration "
                 "errors and security holes, please define either an ACL file or declare users "
                 "directly in your redis.conf, but not both.");
        return ERR_PEER;
    }
    if (has_lines) return load_lines(s, error, error_bytes);
    return acl_has_file(s) ? load_file(s, error, error_bytes) : OK;
}

// ---- ACL LOAD and ACL SAVE

static bool may_use_file(struct call *call)
{
    if (acl_has_file(call->server)) return true;
    reply_error(call->reply,
                "ERR This Redis instance is not configured to use an ACL file. You may want to "
                "specify users via the ACL SETUSER command and then issue a CONFIG REWRITE "
                "(assuming you have a Redis configuration file set) in order to store users in "
                "the Redis configuration.");
    return false;
}

static void finish_load(struct call *call, enum errand_outcome outcome, struct bytes text)
{
    struct server *s = call->server;
    if (outcome != ERRAND_DONE) {
        reply_errorf(call->reply, "ERR Error loading ACLs, opening file '%s': %.*s",
                     s->settings->aclfile, (int)text.size, (const char *)text.data);
        return;
    }
    struct acl_errors *errors = heap_take(s->heap, sizeof *errors, HEAP_OTHER);
    if (take_text(s, text, call->client, errors)) {
        reply_ok(call->reply);
    } else {
        call_log(call, LOG_WARNING, "ACL LOAD: %.900s", errors->text);
        reply_errorf(call->reply, "ERR %s", errors->text);
    }
    heap_give(s->heap, errors, sizeof *errors, HEAP_OTHER);
}

void acl_load(struct call *call)
{
    if (may_use_file(call)) errand_start(call, ERRAND_ACL_LOAD, bytes_make(NULL, 0), finish_load);
}

static void finish_save(struct call *call, enum errand_outcome outcome, struct bytes text)
{
    (void)text; // control has logged it
    if (outcome == ERRAND_DONE || outcome == ERRAND_UNWAITED)
        reply_ok(call->reply);
    else
        reply_error(call->reply, "ERR There was an error trying to save the ACLs. Please check the "
                                 "server logs for more information");
}

void acl_add_lines(struct text *t, const struct server *s)
{
    const struct acl_users *users = &s->acl->users;
    for (uint32_t i = 0; i < users->count; i++) {
        struct acl_out out = { 0 };
        acl_users_put_line(users->users[i], &out);
        char *line = heap_take(s->heap, out.size, HEAP_OTHER);
        out = (struct acl_out){ .at = line, .capacity = out.size };
        acl_users_put_line(users->users[i], &out);
        text_add(t, "%.*s", (int)out.size, line);
        heap_give(s->heap, line, out.size, HEAP_OTHER);
    }
}

void acl_save(struct call *call)
{
    struct text t;
    if (!may_use_file(call)) return;
    text_open(&t, call->server->heap);
    acl_add_lines(&t, call->server);
    errand_start(call, ERRAND_ACL_SAVE, text_bytes(&t), finish_save);
    text_close(&t);
}
