#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "dataplane/base/check.h"
#include "dataplane/sock/sock_priv.h"

// Since Linux 6.12; the header of liburing 2.3 does not have them yet.
enum { BUFFER_RING_INCREMENTAL = 2 };         // struct io_uring_buf_reg.flags: IOU_PBUF_RING_INC
enum { COMPLETION_BUFFER_GOES_ON = 1U << 4 }; // IORING_CQE_F_BUF_MORE

enum { RING_BUFFERS_FIRST = 16 };

static void *map_zeroed(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static bool register_ring(struct sock *s, uint16_t flags)
{
    struct sock_receive *r = &s->receive;
    struct io_uring_buf_reg reg = {
        .ring_addr = (uint64_t)(uintptr_t)r->ring,
        .ring_entries = r->count,
        .bgid = SOCK_BUFFER_GROUP,
        .pad = flags, // named flags in newer headers
    };
    return io_uring_register_buf_ring(&s->ring, &reg, 0) == 0;
}

static void add_buffer(struct sock_receive *r, uint16_t id, uint32_t place)
{
    r->offset[id] = 0;
    io_uring_buf_ring_add(r->ring, r->memory + (size_t)id * r->bytes, r->bytes, id,
                          io_uring_buf_ring_mask(r->count), (int)place);
}

enum status sock_receive_open(struct sock *s, const struct sock_config *config)
{
    struct sock_receive *r = &s->receive;
    uint32_t count = config->receive_buffer_count, bytes = config->receive_buffer_bytes;
    CHECK(count >= 1 && count <= 32768 && (count & (count - 1)) == 0);
    CHECK(bytes >= 1 && bytes <= 1 << 30);
    r->count = count;
    r->bytes = bytes;
    r->ring = map_zeroed(count * sizeof(struct io_uring_buf));
    r->memory = map_zeroed((size_t)count * bytes);
    r->offset = calloc(count, sizeof *r->offset);
    r->spent = calloc(count, sizeof *r->spent);
    if (!r->ring || !r->memory || !r->offset || !r->spent) return ERR_NO_SPACE;
    io_uring_buf_ring_init(r->ring);
    r->incremental = !config->receive_whole_buffers && register_ring(s, BUFFER_RING_INCREMENTAL);
    if (!r->incremental && !register_ring(s, 0)) return ERR_IO;
    for (uint32_t i = 0; i < count; i++) r->spent[i] = (uint16_t)(count - 1 - i);
    r->spent_count = count;
    r->wanted = count < RING_BUFFERS_FIRST ? count : RING_BUFFERS_FIRST;
    sock_receive_give_back(r);
    return OK;
}

void sock_receive_close(struct sock *s)
{
    struct sock_receive *r = &s->receive;
    if (r->ring) munmap(r->ring, r->count * sizeof(struct io_uring_buf));
    if (r->memory) munmap(r->memory, (size_t)r->count * r->bytes);
    free(r->offset);
    free(r->spent);
}

struct bytes sock_receive_take(struct sock_receive *r, const struct io_uring_cqe *cqe)
{
    if (!(cqe->flags & IORING_CQE_F_BUFFER)) return bytes_make(NULL, 0);
    uint32_t id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
    uint32_t size = cqe->res > 0 ? (uint32_t)cqe->res : 0;
    CHECK(id < r->count && size <= r->bytes - r->offset[id]);
    struct bytes data = bytes_make(r->memory + (size_t)id * r->bytes + r->offset[id], size);
    r->offset[id] += size;
    if (r->incremental && (cqe->flags & COMPLETION_BUFFER_GOES_ON)) return data;
    CHECK(r->spent_count < r->count && r->available > 0);
    r->spent[r->spent_count++] = (uint16_t)id;
    r->available--;
    return data;
}

// The ring is first in, first out, so all that it holds is cycled through: it is kept as short as
// the traffic allows, and what was read last goes back first, still warm.
void sock_receive_give_back(struct sock_receive *r)
{
    if (r->starved && r->wanted < r->count) r->wanted *= 2;
    r->starved = false;
    uint32_t count = 0;
    while (r->spent_count > 0 && r->available < r->wanted) {
        add_buffer(r, r->spent[--r->spent_count], count++);
        r->available++;
    }
    if (count > 0) io_uring_buf_ring_advance(r->ring, (int)count);
}
