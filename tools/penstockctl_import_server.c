// The snapshot of a running server, as it sends one to a replica, in a file that has no name.
//
// Source:  spec/psync.md chapters 2 to 4, spec/rdb.md section 13 (both forms of the transfer)
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "dataplane/base/num.h"
#include "tools/penstockctl_import.h"

enum {
    BUFFER_BYTES = 256 * 1024,
    MARK_BYTES = 40,
    LINE_BYTES = 512,
    PATIENCE_S = 120, // it sends a newline every second while it makes the snapshot
    REDIS_PORT = 6379,
};
static const char scheme[] = "redis://";

struct fetch {
    struct import *im;
    struct client client;
    int file;
    uint64_t size;             // announced; 0 with a mark
    char mark[MARK_BYTES + 1]; // "": none
    char last[MARK_BYTES];     // received
    char buffer[BUFFER_BYTES]; // received, not yet used
    size_t at, end;
};

// ---- where it is

bool import_is_server(const char *source) { return strstr(source, "://") != NULL; }

static int hex_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    return isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

static void decode_percent(char *text)
{
    char *to = text;
    for (; *text; text++) {
        if (text[0] == '%' && hex_of(text[1]) >= 0 && hex_of(text[2]) >= 0) {
            *to++ = (char)(hex_of(text[1]) * 16 + hex_of(text[2]));
            text += 2;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
}

static bool parse_login(char *login, struct ctl_options *server)
{
    char *colon = strchr(login, ':');
    if (!colon) return false;
    *colon = '\0';
    decode_percent(login);
    decode_percent(colon + 1);
    server->user = *login ? login : NULL;
    server->password = colon + 1;
    return true;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
    return num_parse_uint(bytes_text(text), out) && *out <= max;
}

static bool parse_host(char *host, struct ctl_options *server)
{
    uint64_t port = REDIS_PORT;
    char *behind = host;
    if (*host == '[') {
        behind = strchr(host, ']');
        if (!behind) return false;
        *behind++ = '\0';
        host++;
    }
    char *colon = strchr(behind, ':');
    if (colon) *colon = '\0';
    if (colon && (!parse_number(colon + 1, 65535, &port) || port == 0)) return false;
    server->host = host;
    server->port = (int)port;
    return *host != '\0';
}

static bool parse_address(struct import *im, char *text, struct ctl_options *server)
{
    uint64_t database;
    if (strncmp(text, scheme, sizeof scheme - 1) != 0) return false;
    text += sizeof scheme - 1;
    char *at = strrchr(text, '@');
    if (at) *at = '\0';
    if (at && !parse_login(text, server)) return false;
    char *host = at ? at + 1 : text, *slash = strchr(host, '/');
    if (slash) *slash = '\0';
    if (!parse_host(host, server)) return false;
    if (!slash || slash[1] == '\0') return true;
    if (im->database >= 0 || !parse_number(slash + 1, INT32_MAX, &database)) return false;
    im->database = (int64_t)database;
    return true;
}

bool import_server_parse(struct import *im, char *text, struct ctl_options *server)
{
    *server = (struct ctl_options){ 0 };
    if (parse_address(im, text, server)) return true;
    ctl_complain("not redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]"); // may hold a password
    return false;
}

// ---- what it sends

static bool refuse(struct fetch *f, const char *why)
{
    target_refuse(&f->im->target, "%s: %s", f->im->source, why);
    return false;
}

static bool fill(struct fetch *f)
{
    struct pollfd p = { .fd = f->client.fd, .events = POLLIN };
    int ready;
    do ready = poll(&p, 1, PATIENCE_S * 1000);
    while (ready < 0 && errno == EINTR);
    if (ready == 0) return refuse(f, "it sends nothing any more");
    ssize_t size = ready < 0 ? -1 : recv(f->client.fd, f->buffer, sizeof f->buffer, 0);
    if (size == 0) return refuse(f, "it closed the connection before its snapshot was sent");
    if (size < 0) return refuse(f, strerror(errno));
    f->at = 0;
    f->end = (size_t)size;
    return true;
}

static bool read_line(struct fetch *f, char line[LINE_BYTES])
{
    size_t size = 0;
    for (;;) {
        if (f->at == f->end && !fill(f)) return false;
        char byte = f->buffer[f->at++];
        if (byte == '\n' && size) break; // without anything before it: it is still at it
        if (byte != '\n' && size < LINE_BYTES - 1) line[size++] = byte;
    }
    if (line[size - 1] == '\r') size--;
    line[size] = '\0';
    return true;
}

static bool read_head(struct fetch *f)
{
    char line[LINE_BYTES];
    if (!read_line(f, line)) return false;
    if (line[0] == '-') return refuse(f, line + 1);
    if (strncmp(line, "$EOF:", 5) == 0 && strlen(line + 5) == MARK_BYTES) {
        memcpy(f->mark, line + 5, MARK_BYTES);
        return true;
    }
    if (line[0] == '$' && num_parse_uint(bytes_text(line + 1), &f->size)) return true;
    return refuse(f, "what it answers to SYNC is no snapshot");
}

static bool store(struct fetch *f, const char *data, size_t size)
{
    f->im->progress.done_bytes += size;
    progress_step(&f->im->progress);
    while (size > 0) {
        ssize_t written = write(f->file, data, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return refuse(f, strerror(errno));
        data += written;
        size -= (size_t)written;
    }
    return true;
}

static void keep_last(struct fetch *f, const char *data, size_t size)
{
    size_t fresh = size < MARK_BYTES ? size : MARK_BYTES;
    memmove(f->last, f->last + fresh, MARK_BYTES - fresh);
    memcpy(f->last + MARK_BYTES - fresh, data + size - fresh, fresh);
}

// Behind the mark it sends nothing before it is answered, so the mark is the last that there is.
static bool is_all(const struct fetch *f, uint64_t received)
{
    if (!f->mark[0]) return received == f->size;
    return received >= MARK_BYTES && memcmp(f->last, f->mark, MARK_BYTES) == 0;
}

static bool receive_all(struct fetch *f)
{
    uint64_t received = 0;
    while (!is_all(f, received)) {
        if (f->at == f->end && !fill(f)) return false;
        size_t size = f->end - f->at;
        if (!f->mark[0] && size > f->size - received) size = (size_t)(f->size - received);
        if (!store(f, f->buffer + f->at, size)) return false;
        keep_last(f, f->buffer + f->at, size);
        f->at += size;
        received += size;
    }
    if (f->mark[0] && ftruncate(f->file, (off_t)(received - MARK_BYTES)) != 0)
        return refuse(f, strerror(errno));
    return true;
}

// ---- how it is asked

// What a server does not know it refuses, and sends its snapshot all the same.
static bool say(struct fetch *f, const char *name, const char *value)
{
    const char *words[] = { "REPLCONF", name, value };
    struct reply reply;
    if (client_call(&f->client, 3, words, &reply) != CTL_OK) return false;
    reply_free(&reply);
    return true;
}

// SYNC rather than PSYNC: old servers know it, and its answer has no line of its own.
static bool ask(struct fetch *f)
{
    static const char sync[] = "*1\r\n$4\r\nSYNC\r\n";
    if (!say(f, "capa", "eof") || !say(f, "rdb-only", "1"))
        return refuse(f, "it did not answer REPLCONF");
    return send(f->client.fd, sync, sizeof sync - 1, MSG_NOSIGNAL) == sizeof sync - 1 ||
           refuse(f, strerror(errno));
}

static bool fetch_snapshot(struct fetch *f)
{
    progress_begin(&f->im->progress, "snapshot of the source", NULL, 0);
    if (!ask(f) || !read_head(f)) return false;
    f->im->progress.total_bytes = f->size;
    if (!receive_all(f)) return false;
    progress_end(&f->im->progress);
    return true;
}

static int open_nameless(struct import *im)
{
    const char *folder = getenv("TMPDIR");
    if (!folder || !*folder) folder = "/var/tmp"; // larger than /tmp, which may be memory
    int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0)
        target_refuse(&im->target, "no temporary file in %s: %s (TMPDIR says where)", folder,
                      strerror(errno));
    return file;
}

static void send_snapshot(struct import *im, int file)
{
    struct import_part part = { .name = im->source, .shard = -1 };
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file); // it has no name
    const char *error = import_part_open(&part, path);
    if (error) {
        target_refuse(&im->target, "%s: %s", im->source, error);
        return;
    }
    import_part_check(im, &part);
    import_parts_send(im, &part, 1);
    import_part_close(&part);
}

static enum ctl_exit fetch_and_send(struct import *im, const struct ctl_options *server, int file)
{
    struct fetch *f = calloc(1, sizeof *f);
    if (!f) return CTL_BROKEN;
    f->im = im;
    f->file = file;
    enum ctl_exit result = client_open(&f->client, server);
    if (result == CTL_ANSWERED_ERROR) refuse(f, "it refuses the login");
    if (result == CTL_OK) {
        bool is_there = fetch_snapshot(f);
        client_close(&f->client); // before the keys are sent: it would keep what is written for us
        if (is_there) {
            ctl_complain("the snapshot of %s is taken: what is written there from now on is not "
                         "in it",
                         im->source);
            send_snapshot(im, file);
        }
    }
    free(f);
    return result;
}

enum ctl_exit import_server(struct import *im, const struct ctl_options *server)
{
    int file = open_nameless(im);
    if (file < 0) return CTL_OK;
    enum ctl_exit result = fetch_and_send(im, server, file);
    close(file);
    return result;
}
