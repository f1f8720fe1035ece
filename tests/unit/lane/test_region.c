#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dataplane/lane/region.h"

// Every test is a process of its own, so its pid makes names that no other run shares.
static char name[96], path[160];
static struct region control, dataplane, reader;

static void make_name(void)
{
    char folder[64];
    snprintf(folder, sizeof folder, "/test/%d", (int)getpid());
    region_name(name, 0, 6379, "", folder);
    snprintf(path, sizeof path, "/dev/shm/%s", name);
    control.fd = dataplane.fd = reader.fd = -1;
}

static void remove_files(void)
{
    region_close(&reader, false);
    region_close(&dataplane, false);
    region_close(&control, false);
    unlink(path);
}
TestSuite(region, .init = make_name, .fini = remove_files);

Test(region, names_differ_by_user_port_socket_and_folder)
{
    char names[7][96];
    region_name(names[0], 0, 6379, "", "/a");
    region_name(names[1], 1, 6379, "", "/a");
    region_name(names[2], 0, 6380, "", "/a");
    region_name(names[3], 0, 6379, "/s", "/a");
    region_name(names[4], 0, 6379, "", "/b");
    region_name(names[5], 0, 6379, "/a", "");
    region_name(names[6], 0, 6379, NULL, "/a");
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < i; j++) cr_expect(ne(str, names[i], names[j]));
    cr_expect(eq(str, names[0], names[6]), "no socket and an empty one are the same");
    cr_expect(strlen(names[0]) < 64);
}

Test(region, is_created_for_its_owner_alone_with_parts_aligned_and_zero)
{
    struct stat st;
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 3), REGION_CREATED));
    cr_assert(zero(int, stat(path, &st)));
    cr_expect(eq(int, st.st_mode & 0777, 0600));
    cr_expect(eq(u64, (uint64_t)st.st_size, control.header->total_bytes));
    cr_expect(eq(u32, control.header->shard_count, 3));
    cr_expect(eq(str, control.header->instance, name));
    for (uint32_t i = 0; i < 3; i++) {
        struct region_shard *s = region_shard(&control, i);
        cr_expect(zero(u64, (uint64_t)(uintptr_t)s % 64));
        cr_expect(zero(u64, s->tally.turns));
    }
    uint8_t *end = (uint8_t *)region_shard(&control, 2) + sizeof(struct region_shard);
    cr_expect(le(u64, (uint64_t)(end - (uint8_t *)control.header), control.total_bytes));
}

Test(region, a_shard_beyond_the_last_is_a_bug, .signal = SIGABRT)
{
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 2), REGION_CREATED));
    unlink(path);
    region_shard(&control, 2);
}

Test(region, shows_both_sides_and_a_reader_the_same_bytes)
{
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 1), REGION_CREATED));
    cr_assert(eq(int, region_open(&dataplane, name, REGION_DATAPLANE, 0), REGION_FOUND));
    cr_assert(eq(int, region_open(&reader, name, REGION_READER, 0), REGION_FOUND));
    region_shard(&dataplane, 0)->tally.turns = 42;
    cr_expect(eq(u64, region_shard(&control, 0)->tally.turns, 42));
    cr_expect(eq(u64, region_shard(&reader, 0)->tally.turns, 42));
}

Test(region, dataplane_and_reader_find_nothing_where_control_made_nothing)
{
    cr_expect(eq(int, region_open(&dataplane, name, REGION_DATAPLANE, 0), REGION_FAILED));
    cr_expect(eq(int, errno, ENOENT));
    cr_expect(eq(int, region_open(&reader, name, REGION_READER, 0), REGION_FAILED));
    cr_expect(eq(int, errno, ENOENT));
}

Test(region, gives_a_role_to_one_at_a_time)
{
    struct region second;
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 1), REGION_CREATED));
    cr_expect(eq(int, region_open(&second, name, REGION_CONTROL, 1), REGION_BUSY));
    cr_assert(eq(int, region_open(&dataplane, name, REGION_DATAPLANE, 0), REGION_FOUND));
    cr_expect(eq(int, region_open(&second, name, REGION_DATAPLANE, 0), REGION_BUSY));
    region_close(&dataplane, false);
    cr_expect(eq(int, region_open(&second, name, REGION_DATAPLANE, 0), REGION_FOUND));
    region_close(&second, false);
}

Test(region, knows_who_is_alive_by_the_lock)
{
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 1), REGION_CREATED));
    cr_assert(eq(int, region_open(&reader, name, REGION_READER, 0), REGION_FOUND));
    cr_expect(region_role_is_alive(&control, REGION_CONTROL), "itself too");
    cr_expect(region_role_is_alive(&reader, REGION_CONTROL));
    cr_expect(not(region_role_is_alive(&control, REGION_DATAPLANE)));
    cr_assert(eq(int, region_open(&dataplane, name, REGION_DATAPLANE, 0), REGION_FOUND));
    cr_expect(region_role_is_alive(&control, REGION_DATAPLANE));
    region_close(&control, false);
    cr_expect(not(region_role_is_alive(&reader, REGION_CONTROL)));
}

Test(region, role_dies_with_its_process)
{
    int ready[2];
    char byte;
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 1), REGION_CREATED));
    cr_assert(zero(int, pipe(ready)));
    pid_t child = fork();
    if (child == 0) {
        (void)!region_open(&dataplane, name, REGION_DATAPLANE, 0);
        (void)!write(ready[1], "!", 1);
        pause();
        _exit(0);
    }
    cr_assert(eq(int, (int)read(ready[0], &byte, 1), 1));
    cr_expect(region_role_is_alive(&control, REGION_DATAPLANE));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    cr_expect(not(region_role_is_alive(&control, REGION_DATAPLANE)));
}

Test(region, new_control_finds_the_region_of_a_living_dataplane)
{
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 2), REGION_CREATED));
    cr_assert(eq(int, region_open(&dataplane, name, REGION_DATAPLANE, 0), REGION_FOUND));
    dataplane.dataplane->pid = 77;
    region_close(&control, false);
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 9), REGION_FOUND));
    cr_expect(eq(u32, control.shard_count, 2), "as it is, not as asked for");
    cr_expect(eq(u32, control.dataplane->pid, 77));
}

Test(region, is_made_anew_when_nobody_lives_in_it)
{
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 1), REGION_CREATED));
    control.control->pid = 5;
    region_close(&control, false);
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 4), REGION_CREATED));
    cr_expect(zero(u32, control.control->pid));
    cr_expect(eq(u32, control.shard_count, 4));
}

Test(region, old_reader_keeps_its_mapping_when_a_new_region_takes_the_name)
{
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 1), REGION_CREATED));
    control.control->pid = 5;
    cr_assert(eq(int, region_open(&reader, name, REGION_READER, 0), REGION_FOUND));
    region_close(&control, false);
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 1), REGION_CREATED));
    cr_expect(eq(u32, reader.control->pid, 5));
}

Test(region, removes_only_its_own_file)
{
    struct region old;
    cr_assert(eq(int, region_open(&old, name, REGION_CONTROL, 1), REGION_CREATED));
    unlink(path);
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 1), REGION_CREATED));
    region_close(&old, true);
    cr_expect(zero(int, access(path, F_OK)), "the newer one still has its name");
    region_close(&control, true);
    cr_expect(eq(int, access(path, F_OK), -1));
}

Test(region, refuses_names_that_lead_elsewhere_and_counts_out_of_range)
{
    const char *bad[] = {
        "", "../etc/x", "a/b", ".hidden",
        "0123456789012345678901234567890123456789012345678901234567890123456789"
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect(eq(int, region_open(&control, bad[i], REGION_CONTROL, 1), REGION_FAILED));
    cr_expect(eq(int, region_open(&control, name, REGION_CONTROL, 0), REGION_FAILED));
    cr_expect(
        eq(int, region_open(&control, name, REGION_CONTROL, REGION_SHARDS_MAX + 1), REGION_FAILED));
}

Test(region, refuses_a_symbolic_link_that_someone_left_under_the_name)
{
    cr_assert(zero(int, symlink("/tmp/elsewhere", path)));
    cr_expect(eq(int, region_open(&control, name, REGION_CONTROL, 1), REGION_FAILED));
}

// Changes one field of a good region at a time; the dataplane and a reader see through each.
Test(region, refuses_every_damaged_header_field)
{
    struct region_header good;
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 2), REGION_CREATED));
    good = *control.header;
    for (int field = 0; field < 9; field++) {
        struct region_header *h = control.header;
        *h = good;
        if (field == 0) h->magic++;
        if (field == 1) h->version++;
        if (field == 2) h->header_bytes--;
        if (field == 3) h->total_bytes += 4096;
        if (field == 4) h->shard_count = 0;
        if (field == 5) h->shard_count = REGION_SHARDS_MAX + 1;
        if (field == 6) h->shard_bytes += 64;
        if (field == 7) h->control_offset = h->total_bytes;
        if (field == 8) h->shard_offset = UINT64_MAX;
        cr_expect(eq(int, region_open(&reader, name, REGION_READER, 0), REGION_INVALID));
        cr_expect(eq(int, region_open(&dataplane, name, REGION_DATAPLANE, 0), REGION_INVALID));
    }
    *control.header = good;
    cr_expect(eq(int, region_open(&reader, name, REGION_READER, 0), REGION_FOUND));
}

Test(region, refuses_every_truncated_file)
{
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 1), REGION_CREATED));
    off_t whole = (off_t)control.total_bytes;
    const off_t sizes[] = { 0,
                            1,
                            sizeof(struct region_header) - 1,
                            sizeof(struct region_header),
                            4096,
                            whole - 4096,
                            whole - 1,
                            whole + 1 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        cr_assert(zero(int, truncate(path, sizes[i])));
        cr_expect(eq(int, region_open(&reader, name, REGION_READER, 0), REGION_INVALID));
    }
    *control.header = (struct region_header){ 0 };
}

Test(region, forgets_a_dead_dataplane_but_keeps_live_settings_when_told)
{
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 1), REGION_CREATED));
    struct lane_msg m = { .kind = LANE_STOP };
    control.dataplane->crash_bytes = 3;
    region_text_write(&control.dataplane->live_settings, "x", 1);
    cr_assert(eq(int, lane_send(&region_shard(&control, 0)->orders, &m), OK));
    region_reset_dataplane(&control, true);
    char text[8];
    cr_expect(zero(u32, control.dataplane->crash_bytes));
    cr_expect(not(lane_receive(&region_shard(&control, 0)->orders, &m)));
    cr_expect(eq(sz, region_text_read(&control.dataplane->live_settings, text, 8), 1));
    region_reset_dataplane(&control, false);
    cr_expect(zero(sz, region_text_read(&control.dataplane->live_settings, text, 8)));
    cr_expect(zero(u64, control.dataplane->live_settings.sequence));
}

static bool listed;
static void note(void *context, const char *found) { listed |= strcmp(context, found) == 0; }

Test(region, lists_instances_that_are_present)
{
    region_list(note, name);
    cr_expect(not(listed));
    cr_assert(eq(int, region_open(&control, name, REGION_CONTROL, 1), REGION_CREATED));
    region_list(note, name);
    cr_expect(listed);
}

TestSuite(region_text);
static struct region_text text;
static char big[REGION_SETTINGS_BYTES], copy[REGION_SETTINGS_BYTES];

Test(region_text, gives_back_what_was_written_up_to_its_capacity)
{
    const size_t sizes[] = { 0, 1, 4095, REGION_SETTINGS_BYTES - 1, REGION_SETTINGS_BYTES };
    memset(big, 'b', sizeof big);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        region_text_write(&text, big, sizes[i]);
        cr_expect(eq(sz, region_text_read(&text, copy, sizeof copy), sizes[i]));
        cr_expect(zero(int, memcmp(copy, big, sizes[i])));
        cr_expect(zero(u64, text.sequence & 1));
    }
}

Test(region_text, gives_nothing_when_the_caller_has_too_little_room_or_the_size_is_nonsense)
{
    region_text_write(&text, "12345", 5);
    cr_expect(zero(sz, region_text_read(&text, copy, 4)));
    cr_expect(eq(sz, region_text_read(&text, copy, 5), 5));
    text.size = UINT32_MAX;
    cr_expect(zero(sz, region_text_read(&text, copy, sizeof copy)));
}

Test(region_text,
     gives_nothing_while_a_dead_writer_left_it_half_done_and_recovers_at_the_next_write)
{
    region_text_write(&text, "old", 3);
    text.sequence++;
    cr_expect(zero(sz, region_text_read(&text, copy, sizeof copy)));
    region_text_write(&text, "new", 3);
    cr_expect(eq(sz, region_text_read(&text, copy, sizeof copy), 3));
    cr_expect(zero(int, memcmp(copy, "new", 3)));
}

Test(region_text, more_than_fits_is_a_bug, .signal = SIGABRT)
{
    region_text_write(&text, big, sizeof big + 1);
}

static bool stop;
static void *writer(void *context)
{
    static char pattern[4096];
    for (int i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
        size_t size = 1000 + (size_t)i % 3000;
        memset(pattern, 'a' + (int)(size % 26), size);
        region_text_write(&text, pattern, size);
        usleep(20);
    }
    return NULL;
}

Test(region_text, never_shows_a_mix_of_two_writes)
{
    pthread_t thread;
    uint32_t wrong = 0, read = 0;
    cr_assert(zero(int, pthread_create(&thread, NULL, writer, NULL)));
    for (int i = 0; i < 20000; i++) {
        size_t size = region_text_read(&text, copy, 4096);
        if (size == 0) continue;
        read++;
        for (size_t at = 0; at < size; at += 97) wrong += copy[at] != 'a' + (char)(size % 26);
    }
    stop = true;
    pthread_join(thread, NULL);
    cr_expect(zero(u32, wrong));
    cr_expect(gt(u32, read, 0));
}

TestSuite(region_log);
static struct region_shard shard;

Test(region_log, gives_lines_back_in_order_with_level_and_time)
{
    int level;
    uint64_t wall;
    char line[64];
    region_log_write(&shard, NULL, 2, 123456789, "hello %s", "world");
    region_log_write(&shard, NULL, 3, 5, "%s", "");
    cr_assert(region_log_read(&shard, &level, &wall, line, sizeof line));
    cr_expect(eq(str, line, "hello world"));
    cr_expect(eq(int, level, 2));
    cr_expect(eq(u64, wall, 123456789));
    cr_assert(region_log_read(&shard, &level, &wall, line, sizeof line));
    cr_expect(eq(str, line, ""));
    cr_expect(eq(int, level, 3));
    cr_expect(not(region_log_read(&shard, &level, &wall, line, sizeof line)));
}

Test(region_log, cuts_a_line_at_1024_bytes_and_at_the_readers_room)
{
    int level;
    uint64_t wall;
    char line[2000], small[8], source[3000];
    memset(source, 'x', sizeof source - 1);
    source[sizeof source - 1] = '\0';
    region_log_write(&shard, NULL, 1, 1, "%s", source);
    region_log_write(&shard, NULL, 1, 1, "0123456789");
    cr_assert(region_log_read(&shard, &level, &wall, line, sizeof line));
    cr_expect(eq(sz, strlen(line), 1024));
    cr_assert(region_log_read(&shard, &level, &wall, small, sizeof small));
    cr_expect(eq(str, small, "0123456"));
}

Test(region_log, counts_lines_that_do_not_fit_and_keeps_those_that_do)
{
    int level;
    uint64_t wall;
    char line[64], want[64];
    uint32_t kept = 0;
    for (int i = 0; i < 10000; i++) region_log_write(&shard, NULL, 0, 1, "line %d", i);
    while (region_log_read(&shard, &level, &wall, line, sizeof line)) {
        snprintf(want, sizeof want, "line %u", kept++);
        cr_assert(eq(str, line, want));
    }
    cr_expect(gt(u32, kept, 1000));
    cr_expect(eq(u64, shard.log.dropped, 10000 - kept));
}

Test(region_log, survives_every_place_of_the_wrap)
{
    int level;
    uint64_t wall;
    char line[64];
    for (uint64_t back = 0; back < 40; back++) { // a record of 12 + 20 bytes across the edge
        shard.log.head = shard.log.tail = 5 * REGION_LOG_BYTES - back;
        region_log_write(&shard, NULL, 1, back, "01234567890123456789");
        cr_assert(region_log_read(&shard, &level, &wall, line, sizeof line));
        cr_expect(eq(str, line, "01234567890123456789"));
        cr_expect(eq(u64, wall, back));
    }
    shard.log.head = shard.log.tail = UINT64_MAX - 10;
    region_log_write(&shard, NULL, 1, 1, "past the last number");
    cr_assert(region_log_read(&shard, &level, &wall, line, sizeof line));
    cr_expect(eq(str, line, "past the last number"));
}

Test(region_log, skips_what_is_damaged_and_goes_on)
{
    int level;
    uint64_t wall;
    char line[64];
    region_log_write(&shard, NULL, 1, 1, "good");
    shard.log.bytes[0] = 0xff; // the size runs past what was written
    cr_expect(not(region_log_read(&shard, &level, &wall, line, sizeof line)));
    shard.log.head += 10 * REGION_LOG_BYTES; // further ahead than the ring is long
    cr_expect(not(region_log_read(&shard, &level, &wall, line, sizeof line)));
    shard.log.head += 5; // less than a record's head
    cr_expect(not(region_log_read(&shard, &level, &wall, line, sizeof line)));
    region_log_write(&shard, NULL, 1, 1, "again");
    cr_assert(region_log_read(&shard, &level, &wall, line, sizeof line));
    cr_expect(eq(str, line, "again"));
}

Test(region_log, drops_instead_of_overrunning_when_the_readers_position_is_nonsense)
{
    shard.log.head = 100;
    shard.log.tail = 5000;
    region_log_write(&shard, NULL, 1, 1, "x");
    cr_expect(eq(u64, shard.log.dropped, 1));
    cr_expect(eq(u64, shard.log.head, 100));
}
