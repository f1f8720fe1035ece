// The RESP reader, fed the same bytes whole and in pieces: both must give the same requests and end
// the same way, every argument must be readable, and all memory must come back.
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/base/hash.h"
#include "dataplane/resp/resp_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SETTING_BYTES = 2 }; // the first bytes of an input choose limits and piece size

struct outcome {
    enum resp_result result;
    uint64_t request_count, wire_bytes, digest;
    char error[128];
};

static void outcome_add(struct outcome *o, const struct resp_request *request)
{
    o->request_count++;
    o->wire_bytes += request->bytes;
    o->digest = crc64(o->digest, &request->argc, sizeof request->argc);
    for (uint32_t i = 0; i < request->argc; i++) {
        o->digest = crc64(o->digest, &request->argv[i].size, sizeof(size_t));
        o->digest = crc64(o->digest, request->argv[i].data, request->argv[i].size);
    }
}

// Every second blob is taken over, as a command would.
static void blobs_take(struct resp_request *request)
{
    for (uint32_t i = 0; i < request->argc; i += 2) {
        struct blob *blob = resp_request_take_blob(request, i);
        if (blob) blob_release(blob);
    }
}

static enum resp_result piece_read(struct resp_reader *r, struct bytes piece,
                                   const struct resp_limits *limits, struct outcome *o)
{
    struct resp_request request;
    enum resp_result result;
    uint8_t *copy = malloc(piece.size ? piece.size : 1); // so that a sanitizer sees its end
    memcpy(copy, piece.data, piece.size);
    struct bytes in = bytes_make(copy, piece.size);
    while ((result = resp_read(r, &in, limits, &request)) == RESP_REQUEST) {
        outcome_add(o, &request);
        blobs_take(&request);
    }
    CHECK(result != RESP_MORE || in.size == 0);
    free(copy);
    return result;
}

static struct outcome input_read(struct bytes in, const struct resp_limits *limits, size_t step)
{
    struct outcome o = { .result = RESP_MORE };
    struct heap heap;
    struct resp_reader reader;
    struct bytes piece;
    CHECK(heap_open(&heap) == OK);
    resp_reader_init(&reader, &heap);
    while (in.size > 0 && o.result == RESP_MORE) {
        CHECK(bytes_take(&in, in.size < step ? in.size : step, &piece));
        o.result = piece_read(&reader, piece, limits, &o);
        CHECK(resp_reader_memory(&reader) <= heap.bytes_total);
    }
    memcpy(o.error, reader.error, sizeof o.error);
    resp_reader_close(&reader);
    CHECK(heap.bytes_total == 0);
    heap_close(&heap);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < SETTING_BYTES) return 0;
    struct resp_limits limits = {
        .bulk_bytes_max = data[0] & 1 ? 512 << 20 : 70000,
        .buffer_bytes_max = data[0] & 2 ? 1 << 30 : 50000,
        .authenticated = data[0] & 4,
    };
    struct bytes in = bytes_make(data + SETTING_BYTES, size - SETTING_BYTES);
    struct outcome whole = input_read(in, &limits, in.size);
    struct outcome pieces = input_read(in, &limits, 1 + (size_t)data[1] * (data[0] & 8 ? 97 : 1));
    CHECK(whole.result == pieces.result);
    CHECK(whole.request_count == pieces.request_count);
    CHECK(whole.wire_bytes == pieces.wire_bytes);
    CHECK(whole.digest == pieces.digest);
    CHECK(strcmp(whole.error, pieces.error) == 0);
    return 0;
}
