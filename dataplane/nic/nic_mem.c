#include "dataplane/nic/nic_mem.h"
#include <stdlib.h>
#include <string.h>
#include "dataplane/base/check.h"
#include "dataplane/base/list.h"
#include "dataplane/base/pool.h"

enum { MEM_HEADER_MAX = 256, MEM_TSO_BYTES_MAX = 60000, MEM_WIRE_MAX = 65536 + 128 };

struct mem_frame {
    struct frame frame; // first: the contract hands out pointers to it
    uint16_t ref_count;
    struct mem_frame *parent; // a slice holds the frame whose buffer it shows
    uint8_t *buffer;          // NULL: a slice
};

struct mem_packet { // on the wire
    struct mem_packet *next;
    uint64_t at_ns;
    uint32_t queue; // of the receiving side
    uint32_t size;
    uint8_t bytes[];
};

// Frames that the port has not sent yet. The sender must leave them alone until then: the copy
// shows whether it did.
struct mem_lent {
    struct mem_lent *next;
    struct frame *frame;
    uint64_t due_ns;
    uint32_t size;
    uint8_t bytes[];
};

struct mem_queue {
    struct nic_queue queue; // first
    struct mem_side *side;
};

struct mem_side {
    struct mem_queue queues[NIC_MEM_QUEUES_MAX];
    uint32_t queue_count;
    struct frame_pool pool;
    struct nic_mem *mem;
    struct pool headers; // struct mem_frame, for buffers and slices
    uint8_t *memory;
    struct mem_frame **free_buffers;
    uint32_t free_count, slice_count;
    struct mem_packet *head, *tail; // towards this side, by arrival
    uint32_t in_flight;
    uint64_t line_free_ns;             // when the line towards this side has sent what it has
    struct mem_lent *lent, *lent_tail; // by this side
};

struct nic_mem {
    struct mem_side sides[2];
    struct nic_mem_impairment hurt;
    struct rng rng;
    uint64_t now_ns;
    uint32_t frame_count, buffer_bytes;
    uint8_t scratch[MEM_WIRE_MAX];
};

static struct mem_side *side_of_pool(struct frame_pool *pool)
{
    return LIST_OWNER(pool, struct mem_side, pool);
}

static struct frame *mem_take(struct frame_pool *pool)
{
    struct mem_side *s = side_of_pool(pool);
    if (s->free_count == 0) return NULL;
    struct mem_frame *m = s->free_buffers[--s->free_count];
    m->ref_count = 1;
    m->frame = (struct frame){ .buffer = m->buffer,
                               .data = m->buffer + FRAME_HEADROOM,
                               .buffer_size = s->mem->buffer_bytes,
                               .refs = &m->ref_count };
    return &m->frame;
}

static struct frame *mem_slice(struct frame_pool *pool, struct frame *body, const uint8_t *data,
                               uint32_t size)
{
    struct mem_side *s = side_of_pool(pool);
    struct mem_frame *owner = LIST_OWNER(body, struct mem_frame, frame);
    if (owner->parent) owner = owner->parent;
    CHECK(data >= owner->buffer && data + size <= owner->buffer + s->mem->buffer_bytes);
    struct mem_frame *m = pool_take(&s->headers);
    if (!m) return NULL;
    owner->ref_count++;
    *m = (struct mem_frame){ .ref_count = 1, .parent = owner };
    m->frame = (struct frame){ .buffer = owner->buffer + (data - owner->buffer),
                               .data = owner->buffer + (data - owner->buffer),
                               .size = size,
                               .buffer_size = size,
                               .refs = &m->ref_count };
    s->slice_count++;
    return &m->frame;
}

static void give_one(struct mem_side *s, struct mem_frame *m)
{
    CHECK(m->ref_count > 0);
    if (--m->ref_count > 0) return;
    if (m->parent) {
        give_one(s, m->parent);
        pool_give(&s->headers, m);
        s->slice_count--;
        return;
    }
    CHECK(m->frame.refs == &m->ref_count);
    memset(m->buffer, 0xdd, s->mem->buffer_bytes); // whoever still reads it will notice
    s->free_buffers[s->free_count++] = m;
}

static void mem_give(struct frame_pool *pool, struct frame *f)
{
    struct mem_side *s = side_of_pool(pool);
    while (f) {
        struct frame *body = f->body;
        give_one(s, LIST_OWNER(f, struct mem_frame, frame));
        f = body;
    }
}

static uint32_t mem_available(struct frame_pool *pool) { return side_of_pool(pool)->free_count; }

// ---- the wire

static bool chance(struct nic_mem *m, uint32_t ppm)
{
    return ppm != 0 && rng_below(&m->rng, 1000000) < ppm;
}

// Sorted by arrival; equal times keep their order. Most packets belong at the end.
static void packet_insert(struct mem_side *to, struct mem_packet *p)
{
    struct mem_packet **at = &to->head;
    if (to->tail && to->tail->at_ns <= p->at_ns) at = &to->tail->next;
    while (*at && (*at)->at_ns <= p->at_ns) at = &(*at)->next;
    p->next = *at;
    *at = p;
    if (!p->next) to->tail = p;
    to->in_flight++;
}

static void packet_remove(struct mem_side *to, struct mem_packet *p, struct mem_packet *before)
{
    *(before ? &before->next : &to->head) = p->next;
    if (to->tail == p) to->tail = before;
    to->in_flight--;
}

// The first for queue, of those that are there by now.
static struct mem_packet *packet_take(struct mem_side *to, uint32_t queue, uint64_t now_ns)
{
    struct mem_packet *before = NULL, *p = to->head;
    while (p && p->at_ns <= now_ns && p->queue != queue) {
        before = p;
        p = p->next;
    }
    if (!p || p->at_ns > now_ns) return NULL;
    packet_remove(to, p, before);
    return p;
}

static struct mem_packet *packet_new(const uint8_t *bytes, uint32_t size)
{
    struct mem_packet *p = malloc(sizeof *p + size);
    CHECK(p != NULL);
    *p = (struct mem_packet){ .size = size };
    memcpy(p->bytes, bytes, size);
    return p;
}

static uint64_t arrival_ns(struct nic_mem *m, struct mem_side *to, uint32_t size)
{
    uint64_t start = to->line_free_ns > m->now_ns ? to->line_free_ns : m->now_ns;
    if (m->hurt.bits_per_s) start += (uint64_t)size * 8 * 1000000000 / m->hurt.bits_per_s;
    to->line_free_ns = start;
    uint64_t at = start + m->hurt.delay_ns;
    if (m->hurt.jitter_ns) at += rng_below(&m->rng, m->hurt.jitter_ns);
    if (chance(m, m->hurt.reorder_ppm)) at += m->hurt.reorder_extra_ns;
    return at;
}

// One bit. ARP is spared: it has no checksum, and an address learned wrong costs half a minute.
static void corrupt(struct nic_mem *m, struct mem_packet *p)
{
    if (p->size >= 14 && load_be16(p->bytes + 12) == 0x0806) return;
    uint64_t where = rng_below(&m->rng, p->size * 8ull);
    p->bytes[where / 8] ^= (uint8_t)(1u << (where & 7));
}

// TCP over IPv4 without options is all that the tests send on ports with several queues.
static uint32_t choose_queue(struct nic_mem *m, const struct mem_side *to, const uint8_t *bytes,
                             uint32_t size)
{
    static const struct hash_key key = { 1, 2 };
    if (to->queue_count == 1) return 0;
    if (!to->queues[0].queue.caps.keeps_flows) return (uint32_t)rng_below(&m->rng, to->queue_count);
    if (size < 54 || load_be16(bytes + 12) != 0x0800 || bytes[23] != 6) return 0;
    return (uint32_t)(siphash_13(bytes + 26, 12, &key) % to->queue_count);
}

static void send_packet(struct nic_mem *m, struct mem_side *to, const uint8_t *bytes, uint32_t size)
{
    uint32_t copies = chance(m, m->hurt.duplicate_ppm) ? 2 : 1;
    for (uint32_t i = 0; i < copies; i++) {
        uint64_t at_ns = arrival_ns(m, to, size);
        bool is_full = m->hurt.queue_frames_max && to->in_flight >= m->hurt.queue_frames_max;
        if (chance(m, m->hurt.loss_ppm) || is_full) continue;
        struct mem_packet *p = packet_new(bytes, size);
        p->at_ns = at_ns;
        p->queue = choose_queue(m, to, bytes, size);
        if (chance(m, m->hurt.corrupt_ppm)) corrupt(m, p);
        packet_insert(to, p);
    }
}

// ---- offloads, as a port does them

static uint32_t sum_add(uint32_t sum, const uint8_t *bytes, uint32_t size)
{
    for (; size > 1; size -= 2, bytes += 2) sum += load_be16(bytes);
    if (size) sum += (uint32_t)bytes[0] << 8;
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static void finish_checksums(const struct frame *f, uint8_t *bytes, uint32_t size)
{
    uint8_t *l3 = bytes + f->l2_bytes, *l4 = l3 + f->l3_bytes;
    uint32_t l4_size = size - f->l2_bytes - f->l3_bytes;
    if (f->flags & FRAME_TX_IP_CSUM) {
        store_be16(l3 + 10, 0);
        store_be16(l3 + 10, (uint16_t)~sum_add(0, l3, f->l3_bytes));
    }
    if (f->flags & FRAME_TX_L4_CSUM) // the field holds the pseudo-header's sum
        store_be16(l4 + 16, (uint16_t)~sum_add(0, l4, l4_size));
}

static void cut_one(struct nic_mem *m, struct mem_side *to, const struct frame *f,
                    const uint8_t *whole, uint32_t offset, uint32_t part, bool is_last)
{
    uint8_t bytes[MEM_HEADER_MAX + 16384];
    uint32_t header = (uint32_t)f->l2_bytes + f->l3_bytes + f->l4_bytes;
    uint8_t *l3 = bytes + f->l2_bytes, *l4 = l3 + f->l3_bytes;
    CHECK(header <= MEM_HEADER_MAX && part <= 16384);
    memcpy(bytes, whole, header);
    memcpy(bytes + header, whole + header + offset, part);
    uint32_t l4_size = f->l4_bytes + part;
    if (f->flags & FRAME_IS_IPV6)
        store_be16(l3 + 4, (uint16_t)l4_size);
    else
        store_be16(l3 + 2, (uint16_t)(l4_size + f->l3_bytes));
    store_be32(l4 + 4, load_be32(l4 + 4) + offset);
    if (!is_last) l4[13] &= (uint8_t)~0x09; // FIN and PSH belong to the end
    uint8_t length[2];
    store_be16(length, (uint16_t)l4_size);
    store_be16(l4 + 16, (uint16_t)sum_add(load_be16(l4 + 16), length, 2)); // of this segment
    finish_checksums(f, bytes, header + part);
    send_packet(m, to, bytes, header + part);
}

static void cut_segments(struct nic_mem *m, struct mem_side *to, const struct frame *f,
                         const uint8_t *whole, uint32_t size)
{
    uint32_t header = (uint32_t)f->l2_bytes + f->l3_bytes + f->l4_bytes;
    uint32_t payload = size - header;
    CHECK(f->tso_mss_bytes > 0);
    for (uint32_t at = 0; at < payload; at += f->tso_mss_bytes) {
        uint32_t left = payload - at;
        uint32_t part = left < f->tso_mss_bytes ? left : f->tso_mss_bytes;
        cut_one(m, to, f, whole, at, part, part == left);
    }
}

static uint32_t gather(const struct frame *f, uint8_t *out)
{
    uint32_t size = 0;
    for (; f; f = f->body) {
        CHECK(size + f->size <= MEM_WIRE_MAX);
        memcpy(out + size, f->data, f->size);
        size += f->size;
    }
    return size;
}

static void lend(struct mem_side *from, struct frame *f, uint32_t size)
{
    struct nic_mem *m = from->mem;
    struct mem_lent *l = malloc(sizeof *l + size);
    CHECK(l != NULL);
    *l = (struct mem_lent){ .frame = f, .due_ns = m->now_ns + m->hurt.delay_ns, .size = size };
    memcpy(l->bytes, m->scratch, size);
    if (from->lent_tail)
        from->lent_tail->next = l;
    else
        from->lent = l;
    from->lent_tail = l;
}

static void take_back(struct mem_side *from)
{
    struct mem_lent *l = from->lent;
    from->lent = l->next;
    if (!from->lent) from->lent_tail = NULL;
    CHECK(gather(l->frame, from->mem->scratch) == l->size);
    CHECK(memcmp(from->mem->scratch, l->bytes, l->size) == 0); // bytes changed under the port
    mem_give(&from->pool, l->frame);
    free(l);
}

static void send_frame(struct mem_side *from, struct mem_side *to, struct frame *f)
{
    struct nic_mem *m = from->mem;
    uint32_t size = gather(f, m->scratch);
    lend(from, f, size);
    if (f->flags & FRAME_TX_TSO) {
        cut_segments(m, to, f, m->scratch, size);
        return;
    }
    finish_checksums(f, m->scratch, size);
    send_packet(m, to, m->scratch, size);
}

static uint32_t mem_tx(struct nic_queue *q, struct frame **frames, uint32_t count)
{
    struct mem_side *from = ((struct mem_queue *)q)->side;
    struct nic_mem *m = from->mem;
    for (uint32_t i = 0; i < count; i++)
        send_frame(from, &m->sides[from == &m->sides[0]], frames[i]);
    return count;
}

static uint32_t mem_rx(struct nic_queue *q, struct frame **frames, uint32_t count_max)
{
    struct mem_side *s = ((struct mem_queue *)q)->side;
    struct mem_packet *p;
    uint32_t count = 0;
    while (count < count_max && (p = packet_take(s, q->index, s->mem->now_ns)) != NULL) {
        struct frame *f = mem_take(&s->pool);
        if (f && p->size <= f->buffer_size - FRAME_HEADROOM) {
            memcpy(f->data, p->bytes, p->size);
            f->size = p->size;
            f->arrival_tsc = s->mem->now_ns;
            frames[count++] = f;
        } else if (f) {
            mem_give(&s->pool, f); // longer than a buffer: a port would drop it too
        }
        free(p);
    }
    return count;
}

static bool mem_link_is_up(struct nic_queue *q) { return true; }

static struct nic_queue *mem_sibling(struct nic_queue *q, uint32_t index)
{
    CHECK(index < q->count);
    return &((struct mem_queue *)q)->side->queues[index].queue;
}

static void mem_attach(struct nic_queue *q) {}

static const struct nic_ops mem_ops = { .rx = mem_rx,
                                        .tx = mem_tx,
                                        .link_is_up = mem_link_is_up,
                                        .sibling = mem_sibling,
                                        .attach = mem_attach };

// ---- opening and time

static void side_init(struct nic_mem *m, struct mem_side *s, uint8_t number, uint32_t payload_bytes,
                      uint16_t mtu)
{
    s->mem = m;
    s->pool = (struct frame_pool){ .take = mem_take,
                                   .slice = mem_slice,
                                   .give = mem_give,
                                   .available = mem_available,
                                   .total = m->frame_count,
                                   .payload_bytes = payload_bytes };
    struct nic_caps caps = { .mac = { 2, 0, 0, 0, 0, (uint8_t)(number + 1) },
                             .mtu = mtu,
                             .tx_ip_checksum = true,
                             .tx_l4_checksum = true,
                             .multi_segment = true,
                             .tso_bytes_max = MEM_TSO_BYTES_MAX };
    for (uint32_t i = 0; i < NIC_MEM_QUEUES_MAX; i++) {
        s->queues[i].side = s;
        s->queues[i].queue =
            (struct nic_queue){ .ops = &mem_ops, .pool = &s->pool, .caps = caps, .index = i };
    }
    nic_mem_set_queues(m, number, 1, false);
}

// As many slices as frames, each with a header of its own.
static enum status side_carve(struct mem_side *s)
{
    uint32_t count = s->mem->frame_count;
    s->memory = malloc((size_t)count * s->mem->buffer_bytes);
    s->free_buffers = malloc(count * sizeof(struct mem_frame *));
    if (!s->memory || !s->free_buffers) return ERR_NO_SPACE;
    enum status status = pool_open(&s->headers, sizeof(struct mem_frame), 2 * count);
    for (uint32_t i = 0; i < count && status == OK; i++) {
        struct mem_frame *m = pool_take(&s->headers);
        *m = (struct mem_frame){ .buffer = s->memory + (size_t)i * s->mem->buffer_bytes };
        s->free_buffers[s->free_count++] = m;
    }
    return status;
}

enum status nic_mem_open(struct nic_mem **out, uint32_t frame_count, uint32_t payload_bytes,
                         uint16_t mtu, uint64_t seed, const struct nic_mem_impairment *impairment)
{
    *out = NULL;
    struct nic_mem *m = calloc(1, sizeof *m);
    if (!m) return ERR_NO_SPACE;
    m->frame_count = frame_count;
    m->buffer_bytes = FRAME_HEADROOM + payload_bytes;
    m->hurt = *impairment;
    rng_seed(&m->rng, seed);
    enum status status = OK;
    for (uint8_t i = 0; i < 2; i++) side_init(m, &m->sides[i], i, payload_bytes, mtu);
    for (uint8_t i = 0; i < 2 && status == OK; i++) status = side_carve(&m->sides[i]);
    if (status != OK) {
        for (uint8_t i = 0; i < 2; i++) {
            pool_close(&m->sides[i].headers);
            free(m->sides[i].memory);
            free(m->sides[i].free_buffers);
        }
        free(m);
        return status;
    }
    *out = m;
    return OK;
}

static void side_close(struct mem_side *s)
{
    while (s->lent) take_back(s);
    while (s->head) {
        struct mem_packet *p = s->head;
        s->head = p->next;
        free(p);
    }
    CHECK(s->free_count == s->mem->frame_count); // somebody kept a frame
    CHECK(s->slice_count == 0);
    pool_close(&s->headers);
    free(s->free_buffers);
    free(s->memory);
}

void nic_mem_close(struct nic_mem *m)
{
    if (!m) return;
    for (uint32_t i = 0; i < 2; i++) side_close(&m->sides[i]);
    free(m);
}

struct nic_queue *nic_mem_queue(struct nic_mem *m, uint32_t side)
{
    CHECK(side < 2);
    return &m->sides[side].queues[0].queue;
}

void nic_mem_set_queues(struct nic_mem *m, uint32_t side, uint32_t count, bool keeps_flows)
{
    CHECK(side < 2);
    CHECK(count >= 1 && count <= NIC_MEM_QUEUES_MAX);
    m->sides[side].queue_count = count;
    for (uint32_t i = 0; i < NIC_MEM_QUEUES_MAX; i++) {
        m->sides[side].queues[i].queue.count = count;
        m->sides[side].queues[i].queue.caps.keeps_flows = keeps_flows;
    }
}

void nic_mem_set_impairment(struct nic_mem *m, const struct nic_mem_impairment *impairment)
{
    m->hurt = *impairment;
}

void nic_mem_advance(struct nic_mem *m, uint64_t now_ns)
{
    CHECK(now_ns >= m->now_ns);
    m->now_ns = now_ns;
    for (uint32_t i = 0; i < 2; i++)
        while (m->sides[i].lent && m->sides[i].lent->due_ns <= now_ns) take_back(&m->sides[i]);
}

uint64_t nic_mem_next_ns(const struct nic_mem *m)
{
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 0; i < 2; i++) {
        const struct mem_side *s = &m->sides[i];
        if (s->head && s->head->at_ns < next) next = s->head->at_ns;
        if (s->lent && s->lent->due_ns < next) next = s->lent->due_ns;
    }
    return next;
}

uint32_t nic_mem_free_frames(const struct nic_mem *m, uint32_t side)
{
    CHECK(side < 2);
    return m->sides[side].free_count;
}

bool nic_mem_inject(struct nic_mem *m, uint32_t side, struct bytes bytes)
{
    CHECK(side < 2);
    if (bytes.size > MEM_WIRE_MAX) return false;
    struct mem_packet *p = packet_new(bytes.data, (uint32_t)bytes.size);
    p->at_ns = m->now_ns;
    p->queue = choose_queue(m, &m->sides[side], p->bytes, p->size);
    packet_insert(&m->sides[side], p);
    return true;
}
