// Logs of two to four shards, with transactions that may contradict one another, ends that are torn
// and bytes that are garbage: the plan is made or refused with a reason. What it keeps of a
// transaction is all of it; cut to the plan, the files are whole; and an error says truly whether
// cutting would mend it.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "storage/aof/aof_plan.h"
#include "storage/aof/aof_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SET "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
#define MULTI "*1\r\n$5\r\nMULTI\r\n"
#define EXEC "*1\r\n$4\r\nEXEC\r\n"

enum { LOGS_MAX = 4, PARTS_MAX = 512, LOG_BYTES_MAX = 64 * 1024 };

struct part {
    uint64_t number, end;
    uint32_t count, log;
};
struct logs {
    char text[LOGS_MAX][LOG_BYTES_MAX];
    size_t bytes[LOGS_MAX];
    struct part parts[PARTS_MAX];
    uint32_t count, part_count;
    bool has_raw; // bytes as they came: what is a part is not known
};

static void put(struct logs *l, uint32_t log, const char *text)
{
    size_t size = strlen(text);
    if (l->bytes[log] + size > LOG_BYTES_MAX) return;
    memcpy(l->text[log] + l->bytes[log], text, size);
    l->bytes[log] += size;
}

static void put_part(struct logs *l, uint32_t log, uint8_t what)
{
    char line[AOF_TRANSACTION_BYTES_MAX + 1];
    struct part p = { .number = what & 15, .count = 1 + (what >> 4) % (l->count + 1), .log = log };
    if (l->part_count == PARTS_MAX) return;
    line[aof_put_transaction(line, p.number, p.count)] = '\0';
    put(l, log, line);
    put(l, log, MULTI);
    put(l, log, EXEC);
    p.end = l->bytes[log];
    l->parts[l->part_count++] = p;
}

static void fill(struct logs *l, struct bytes in)
{
    uint8_t op, what;
    while (bytes_u8(&in, &op)) { // each turn eats a byte
        uint32_t log = (op & 3) % l->count;
        if (op < 192) {
            if (bytes_u8(&in, &what)) put_part(l, log, what);
        } else if (op < 224) {
            put(l, log, SET);
        } else if (op < 240) {
            if (l->bytes[log] > (op >> 2 & 3)) l->bytes[log] -= op >> 2 & 3, l->has_raw = true;
        } else if (bytes_u8(&in, &what)) {
            const char raw[] = { (char)what, '\0' };
            put(l, log, raw);
            l->has_raw = true;
        }
    }
}

// The log's folder: a path, so that those of the fuzzer stay as they are.
static char folder[] = "/tmp/penstock-fuzz-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}
static const char *log_path(uint32_t index)
{
    const char *const names[LOGS_MAX] = { "0", "1", "2", "3" };
    return path_of(names[index]);
}

static void remove_folder(void)
{
    for (uint32_t i = 0; i < LOGS_MAX; i++) (void)unlink(log_path(i));
    (void)unlink(path_of("log.manifest"));
    (void)rmdir(folder);
}

static void make_folder(void)
{
    static bool is_made;
    if (is_made) return;
    is_made = true;
    CHECK(mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
}

static void write_file(const char *path, const char *text, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0 && write(fd, text, size) == (ssize_t)size && close(fd) == 0);
}

static void write_logs(const struct logs *l)
{
    char list[512] = "";
    for (uint32_t i = 0; i < l->count; i++) {
        write_file(log_path(i), l->text[i], l->bytes[i]);
        snprintf(list + strlen(list), 100, "file %u seq %u type i shard %u\n", i, i + 1, i);
    }
    write_file(path_of("log.manifest"), list, strlen(list));
}

// Any two parts that were kept agree; and of each transaction as many are kept as it says.
static void check_whole(const struct logs *l, const struct aof_plan *p)
{
    for (uint32_t i = 0; i < l->part_count && !l->has_raw; i++) {
        const struct part *a = &l->parts[i];
        uint32_t kept = 0;
        if (a->end > p->logs[a->log].end) continue;
        for (uint32_t j = 0; j < l->part_count; j++) {
            const struct part *b = &l->parts[j];
            if (b->number != a->number || b->end > p->logs[b->log].end) continue;
            CHECK(b->count == a->count && (i == j || b->log != a->log));
            kept++;
        }
        CHECK(kept == a->count);
    }
}

static void check_plan(const struct logs *l, struct heap *heap, const struct aof_directory *d)
{
    struct aof_plan plan;
    struct aof_plan_error error, strict;
    enum status uncut = aof_plan_make(&plan, heap, d, false, &strict);
    if (uncut == OK) aof_plan_close(&plan);
    CHECK(uncut == OK || strict.line[0]);
    if (aof_plan_make(&plan, heap, d, true, &error) != OK) {
        CHECK(error.line[0] && !error.is_torn && uncut != OK && !strict.is_torn);
        return;
    }
    bool is_cut = false;
    check_whole(l, &plan);
    for (uint32_t i = 0; i < plan.log_count; i++) {
        CHECK(plan.logs[i].end <= plan.logs[i].bytes);
        CHECK((plan.logs[i].end < plan.logs[i].bytes) == (plan.logs[i].why != NULL));
        is_cut |= plan.logs[i].why != NULL;
        CHECK(truncate(log_path(i), (off_t)plan.logs[i].end) == 0);
    }
    aof_plan_close(&plan);
    CHECK((uncut == OK) == !is_cut && (uncut == OK || strict.is_torn));
    CHECK(aof_plan_make(&plan, heap, d, false, &error) == OK);
    aof_plan_close(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct logs l; // large
    struct bytes in = bytes_make(data, size);
    struct heap heap;
    struct aof_directory d;
    char error[AOF_DIRECTORY_ERROR_MAX];
    uint8_t how;
    if (size > 1024 || !bytes_u8(&in, &how)) return 0;
    make_folder();
    memset(l.bytes, 0, sizeof l.bytes);
    l.count = 2 + how % 3;
    l.part_count = 0;
    l.has_raw = false;
    fill(&l, in);
    write_logs(&l);
    CHECK(heap_open(&heap) == OK);
    CHECK(aof_directory_open(&d, &heap, folder, "log", error) == OK);
    check_plan(&l, &heap, &d);
    aof_directory_close(&d);
    CHECK(heap.bytes_total == 0);
    heap_close(&heap);
    return 0;
}
