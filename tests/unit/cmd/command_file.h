// command_file.h: a file of commands that was made in memory: read, shown as text, and run on a
// server.
//
// Memory:  command_file_text is static; the rest is the harness's
#pragma once
#include "dataplane/cmd/aof_play.h"
#include "storage/aof/aof_scan.h"
#include "tests/unit/cmd/harness.h"

enum { COMMAND_FILE_TEXT_BYTES = 1 << 20 };

// Calls use for each command. All of the file has to be whole.
static inline void command_file_read(struct heap *heap, struct bytes file,
                                     void (*use)(void *context, const struct bytes *argv,
                                                 uint32_t argc),
                                     void *context)
{
    struct aof_scan scan;
    enum aof_scan_result result;
    if (file.size == 0) return;
    aof_scan_init(&scan, heap, file.size, 0);
    do {
        struct bytes rest = bytes_make(file.data + scan.offset, file.size - scan.offset);
        result = aof_scan_step(&scan, rest);
        if (result == AOF_SCAN_COMMAND) use(context, scan.argv, scan.argc);
    } while (result == AOF_SCAN_COMMAND || result == AOF_SCAN_TIMESTAMP);
    cr_expect(eq(int, result, AOF_SCAN_END), "%s at %lu", scan.error,
              (unsigned long)scan.error_offset);
    aof_scan_close(&scan);
}

// "SET a 1\nDEL b\n"; what is no printable character as \xHH, an empty text as "".
static inline void command_file_show(void *context, const struct bytes *argv, uint32_t argc)
{
    char *text = context, *at = text + strlen(text);
    for (uint32_t i = 0; i < argc; i++) {
        cr_assert(lt(sz, (size_t)(at - text) + 4 * argv[i].size + 8, COMMAND_FILE_TEXT_BYTES));
        if (i) *at++ = ' ';
        if (argv[i].size == 0) at += sprintf(at, "\"\"");
        for (size_t b = 0; b < argv[i].size; b++) {
            uint8_t byte = argv[i].data[b];
            at += sprintf(at, byte > ' ' && byte < 127 ? "%c" : "\\x%02x", byte);
        }
    }
    memcpy(at, "\n", 2);
}
static inline char *command_file_text(struct harness *h, struct bytes file)
{
    static char text[COMMAND_FILE_TEXT_BYTES];
    text[0] = 0;
    command_file_read(&h->heap, file, command_file_show, text);
    return text;
}

static inline void command_file_queue(void *context, const struct bytes *argv, uint32_t argc)
{
    struct aof_queue *queue = context;
    aof_queue_add(queue, argv, argc, queue->count);
    aof_queue_end_unit(queue);
}
// As a start does.
static inline void command_file_run(struct harness *h, struct bytes file)
{
    struct aof_play play;
    struct aof_queue queue;
    uint32_t db = 0;
    enum aof_play_result result;
    aof_play_open(&play, &h->server);
    aof_queue_init(&queue, &h->heap);
    command_file_read(&h->heap, file, command_file_queue, &queue);
    aof_play_begin(&play);
    do {
        result = aof_play_step(&play, &queue, &db, false);
    } while (result == AOF_PLAY_GOES_ON);
    aof_play_end(&play);
    cr_expect(eq(int, result, AOF_PLAY_DONE), "%s", play.refusal);
    cr_expect(eq(u64, play.errors, 0), "%s", play.error_text);
    aof_queue_close(&queue);
    aof_play_close(&play);
}
