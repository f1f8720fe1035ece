#include "tools/bench/frame_load.h"
#include <stdio.h>
#include <string.h>
#include "dataplane/base/clock.h"
#include "tools/bench/nic_port.h"

// A frame of ours, Ethernet II:
//   0 destination  6 source  12 type 0x88b5 (IEEE 802: for experiments)  14 mark  18 sent_tsc  26
//   zeros
enum {
    TYPE_AT = 12,
    MARK_AT = 14,
    SENT_AT = 18,
    ETHERTYPE = 0x88b5,
    MARK = 0x50534246,
    SILENCE_NS = 500 * 1000 * 1000, // frames that did not come back by then are lost
    TURNS_PER_LOOK = 64,
    TX_TRIES = 1000, // of an echo whose port is full
};

static void give_rest(struct nic_queue *q, struct frame **frames, uint32_t from, uint32_t count)
{
    for (uint32_t i = from; i < count; i++) q->pool->give(q->pool, frames[i]);
}

static void swap_addresses(struct frame *f)
{
    uint8_t destination[6];
    memcpy(destination, f->data, 6);
    memmove(f->data, f->data + 6, 6);
    memcpy(f->data + 6, destination, 6);
    f->flags = 0;
    f->body = NULL;
}

bool frame_echo_run(const struct options *o, struct frame_report *report,
                    const volatile sig_atomic_t *stop, char *error, uint32_t error_bytes)
{
    struct nic_port port;
    struct frame *frames[NIC_BURST];
    *report = (struct frame_report){ 0 };
    if (nic_port_open(&port, o, error, error_bytes) != OK) return false;
    uint64_t start = clock_monotonic_ns(), turns = 0;
    uint64_t end = o->duration_s > 0 ? start + (uint64_t)(o->duration_s * 1e9) : UINT64_MAX;
    while (!*stop && (++turns % TURNS_PER_LOOK || clock_monotonic_ns() < end)) {
        uint32_t count = nic_rx(port.queue, frames, NIC_BURST);
        if (count == 0) continue;
        for (uint32_t i = 0; i < count; i++)
            if (frames[i]->size >= SENT_AT) swap_addresses(frames[i]);
        uint32_t sent = 0;
        for (uint32_t tries = 0; sent < count && tries < TX_TRIES; tries++)
            sent += nic_tx(port.queue, frames + sent, count - sent);
        give_rest(port.queue, frames, sent, count);
        report->frames += sent;
        report->lost += count - sent;
    }
    report->measured_ns = clock_monotonic_ns() - start;
    nic_port_close(&port);
    return true;
}

struct frame_load {
    struct nic_port port;
    struct clock clock;
    struct frame_report *report;
    uint32_t window, in_flight, frame_bytes;
    bool is_measuring;
};

static void send_frames(struct frame_load *l, struct frame **frames, uint32_t count)
{
    uint64_t tsc = clock_tsc();
    for (uint32_t i = 0; i < count; i++) store_le64(frames[i]->data + SENT_AT, tsc);
    uint32_t sent = nic_tx(l->port.queue, frames, count);
    give_rest(l->port.queue, frames, sent, count);
    l->in_flight += sent;
}

static struct frame *make_frame(struct frame_load *l)
{
    struct frame *f = l->port.queue->pool->take(l->port.queue->pool);
    if (!f) return NULL;
    memset(f->data, 0, l->frame_bytes);
    memset(f->data, 0xff, 6);
    memcpy(f->data + 6, l->port.queue->caps.mac, 6);
    store_be16(f->data + TYPE_AT, ETHERTYPE);
    store_le32(f->data + MARK_AT, MARK);
    f->size = l->frame_bytes;
    f->flags = 0;
    f->body = NULL;
    return f;
}

// Up to the window, with frames made anew: at the start, and after a loss.
static void fill_window(struct frame_load *l)
{
    while (l->in_flight < l->window) {
        struct frame *frames[NIC_BURST];
        uint32_t count = 0, before = l->in_flight;
        while (count < NIC_BURST && before + count < l->window) {
            frames[count] = make_frame(l);
            if (!frames[count]) break;
            count++;
        }
        send_frames(l, frames, count);
        if (l->in_flight == before) return; // no buffers, or the port is full
    }
}

static bool is_ours(const struct frame *f)
{
    return f->size >= SENT_AT + 8 && load_be16(f->data + TYPE_AT) == ETHERTYPE &&
           load_le32(f->data + MARK_AT) == MARK;
}

// Keeps what shall go out again: ours, and no more than the window (after a silence, frames given
// up may come back after all).
static uint32_t take_back(struct frame_load *l, struct frame **frames, uint32_t count)
{
    uint32_t kept = 0;
    uint64_t tsc = clock_tsc();
    for (uint32_t i = 0; i < count; i++) {
        struct frame *f = frames[i];
        if (!is_ours(f)) {
            l->port.queue->pool->give(l->port.queue->pool, f);
            continue;
        }
        uint64_t took = clock_tsc_to_ns(&l->clock, tsc - load_le64(f->data + SENT_AT));
        if (l->is_measuring) histogram_record(&l->report->round_trip, took);
        swap_addresses(f);
        frames[kept++] = f;
    }
    if (kept > l->in_flight) {
        give_rest(l->port.queue, frames, l->in_flight, kept);
        kept = l->in_flight;
    }
    l->in_flight -= kept;
    return kept;
}

static void exchange(struct frame_load *l, uint64_t until_ns, const volatile sig_atomic_t *stop)
{
    struct frame *frames[NIC_BURST];
    uint64_t last = clock_now_ns(&l->clock), turns = 0;
    for (;;) {
        uint32_t count = nic_rx(l->port.queue, frames, NIC_BURST);
        if (count) {
            uint32_t kept = take_back(l, frames, count);
            send_frames(l, frames, kept);
            if (l->is_measuring) l->report->frames += kept;
            if (l->in_flight < l->window) fill_window(l); // the port was full a moment ago
        }
        if (count == 0 && ++turns % TURNS_PER_LOOK) continue;
        uint64_t now = clock_now_ns(&l->clock);
        if (count) last = now;
        if (now >= until_ns || *stop) return;
        if (now - last < SILENCE_NS) continue;
        if (l->is_measuring) l->report->lost += l->in_flight;
        l->in_flight = 0;
        fill_window(l);
        last = now;
    }
}

bool frame_load_run(const struct options *o, struct frame_report *report,
                    const volatile sig_atomic_t *stop, char *error, uint32_t error_bytes)
{
    struct usage before, after;
    struct frame_load l = { .report = report,
                            .window = (uint32_t)o->window,
                            .frame_bytes = (uint32_t)o->frame_bytes };
    *report = (struct frame_report){ 0 };
    snprintf(error, error_bytes, "the CPU's time stamp counter is not usable");
    if (clock_init(&l.clock) != OK) return false;
    if (nic_port_open(&l.port, o, error, error_bytes) != OK) return false;
    fill_window(&l);
    exchange(&l, clock_now_ns(&l.clock) + (uint64_t)(o->warm_up_s * 1e9), stop);
    l.is_measuring = true;
    uint64_t start = clock_now_ns(&l.clock);
    usage_of_this_thread(&before);
    exchange(&l, start + (uint64_t)(o->duration_s * 1e9), stop);
    usage_of_this_thread(&after);
    report->measured_ns = clock_now_ns(&l.clock) - start;
    report->generator = usage_between(&before, &after);
    nic_port_close(&l.port);
    return true;
}
