#include "dataplane/types/intset.h"
#include "dataplane/base/check.h"

void intset_init(uint8_t *set, uint32_t width)
{
    store_le32(set, width);
    store_le32(set + 4, 0);
}

static int64_t load_number(const uint8_t *numbers, uint32_t width, uint32_t index)
{
    const uint8_t *at = numbers + (size_t)width * index;
    switch (width) {
    case 2:
        return (int16_t)load_le16(at);
    case 4:
        return (int32_t)load_le32(at);
    default:
        return (int64_t)load_le64(at);
    }
}

static void store_number(uint8_t *numbers, uint32_t width, uint32_t index, int64_t value)
{
    uint8_t *at = numbers + (size_t)width * index;
    switch (width) {
    case 2:
        store_le16(at, (uint16_t)value);
        return;
    case 4:
        store_le32(at, (uint32_t)value);
        return;
    default:
        store_le64(at, (uint64_t)value);
        return;
    }
}

int64_t intset_at(struct bytes set, uint32_t index)
{
    CHECK(index < intset_count(set));
    return load_number(set.data + INTSET_HEAD, intset_width(set), index);
}

bool intset_find(struct bytes set, int64_t value, uint32_t *index)
{
    const uint8_t *numbers = set.data + INTSET_HEAD;
    uint32_t width = intset_width(set), low = 0, high = intset_count(set);
    if (intset_width_of(value) > width) {
        *index = value < 0 ? 0 : high;
        return false;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (load_number(numbers, width, middle) < value)
            low = middle + 1;
        else
            high = middle;
    }
    *index = low;
    return low < intset_count(set) && load_number(numbers, width, low) == value;
}

size_t intset_bytes_with(struct bytes set, int64_t value)
{
    uint32_t width = intset_width(set), needed = intset_width_of(value);
    return intset_bytes(needed > width ? needed : width, intset_count(set) + 1);
}

void intset_insert(uint8_t *set, uint32_t index, int64_t value)
{
    uint8_t *numbers = set + INTSET_HEAD;
    uint32_t old_width = load_le32(set), count = load_le32(set + 4);
    uint32_t width = intset_width_of(value);
    CHECK(index <= count && count < INTSET_COUNT_MAX);
    if (width <= old_width) {
        width = old_width;
        uint8_t *at = numbers + (size_t)width * index;
        memmove(at + width, at, (size_t)width * (count - index));
    } else {
        // From the end: the wider numbers lie behind the ones they are made of.
        for (uint32_t i = count; i-- > 0;) {
            int64_t moved = load_number(numbers, old_width, i);
            store_number(numbers, width, i + (i >= index), moved);
        }
    }
    store_number(numbers, width, index, value);
    store_le32(set, width);
    store_le32(set + 4, count + 1);
}

void intset_remove(uint8_t *set, uint32_t index)
{
    uint32_t width = load_le32(set), count = load_le32(set + 4);
    CHECK(index < count);
    uint8_t *at = set + INTSET_HEAD + (size_t)width * index;
    memmove(at, at + width, (size_t)width * (count - index - 1));
    store_le32(set + 4, count - 1);
}
