// What is expected of a folder in each state: spec/aof.md chapters 2, 6, 7 and 10; the manifest's
// errors as redis-server 7.0 prints them.
#include <sys/wait.h>
#include "tests/unit/storage/aof_folder.h"

#define BASE PREFIX ".1.base.rdb"
#define INCR PREFIX ".1.incr.aof"
#define FRESH "file " BASE " seq 1 type b\nfile " INCR " seq 1 type i\n"
#define TAKEN_OVER "file " PREFIX " seq 1 type b\n"

static struct folder f;
static void setup(void) { folder_make(&f); }
static void teardown(void) { folder_close(&f); }
TestSuite(aof_directory, .init = setup, .fini = teardown);

static void make_folder(void) { CHECK(mkdir(FOLDER, 0755) == 0); }

static void put_fresh_log(void)
{
    make_folder();
    put_text(MANIFEST, FRESH);
    put_text(FOLDER "/" BASE, "base");
    put_text(FOLDER "/" INCR, "incr!");
}

static void expect_refused(const char *part)
{
    cr_expect_eq(folder_open(&f), ERR_IO, "expected: %s", part);
    cr_expect(strstr(f.error, part) != NULL, "%s\nexpected: %s", f.error, part);
    cr_expect_eq(f.d.lock_fd, -1);
    cr_expect_eq(f.heap.bytes_total, 0);
}

Test(aof_directory, makes_a_folder_that_is_missing)
{
    struct stat facts;
    umask(022);
    cr_assert_eq(folder_open(&f), OK, "%s", f.error);
    cr_expect_eq(f.d.manifest.count, 0);
    cr_expect_not(f.d.has_taken_over);
    cr_assert_eq(stat(FOLDER, &facts), 0);
    cr_expect_eq(facts.st_mode & S_IFMT, S_IFDIR);
    cr_expect_eq(facts.st_mode & 0777, 0755);
    cr_expect_eq(fcntl(f.d.lock_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    aof_directory_close(&f.d);
    aof_directory_close(&f.d);
}

Test(aof_directory, refuses_a_second_server_while_it_is_open)
{
    struct aof_directory first;
    cr_assert_eq(aof_directory_open(&first, &f.heap, FOLDER, PREFIX, f.error), OK);
    expect_refused("The folder " FOLDER " of the append only log is in use by another server");
    aof_directory_close(&first);
    cr_expect_eq(folder_open(&f), OK, "%s", f.error);
}

Test(aof_directory, refuses_a_folder_that_is_none)
{
    put_text(FOLDER, "");
    expect_refused("Can't open the folder " FOLDER);
    cr_expect(is_there(FOLDER));
}

Test(aof_directory, reads_the_list_and_looks_at_files)
{
    char path[AOF_PATH_MAX];
    uint64_t bytes = 0;
    put_fresh_log();
    cr_assert_eq(folder_open(&f), OK, "%s", f.error);
    cr_assert_eq(f.d.manifest.count, 2);
    const struct manifest_file *incr = manifest_last_incr(&f.d.manifest, -1);
    cr_expect_str_eq(aof_directory_path(&f.d, incr->name, path), FOLDER "/" INCR);
    cr_expect(aof_directory_file_bytes(&f.d, incr, &bytes));
    cr_expect_eq(bytes, 5);
    cr_expect_eq(unlink(path), 0);
    cr_expect_not(aof_directory_file_bytes(&f.d, incr, &bytes));
    cr_expect_eq(errno, ENOENT);
    cr_expect_eq(mkdir(path, 0755), 0);
    cr_expect_not(aof_directory_file_bytes(&f.d, incr, &bytes), "a folder is no log");
}

static void expect_manifest_error(const char *text, const char *error)
{
    put_text(MANIFEST, text);
    cr_expect_eq(folder_open(&f), ERR_IO, "%s", text);
    cr_expect_str_eq(f.error, error, "%s", f.error);
}

Test(aof_directory, says_what_is_wrong_with_a_list_as_redis_does)
{
    char text[2000] = "file ", *end = text + 5;
    make_folder();
    expect_manifest_error("", "*** FATAL AOF MANIFEST FILE ERROR ***\nFound an empty AOF manifest");
    expect_manifest_error("file a.aof seq 1 type b\nfile x/y seq 1 type b\n",
                          "*** FATAL AOF MANIFEST FILE ERROR ***\n"
                          "Reading the manifest file, at line 2 of " MANIFEST "\n"
                          ">>> 'file x/y seq 1 type b'\n"
                          "File can't be a path, just a filename");
    expect_manifest_error("file \x1b[2J seq 1\n",
                          "*** FATAL AOF MANIFEST FILE ERROR ***\n"
                          "Reading the manifest file, at line 1 of " MANIFEST "\n"
                          ">>> 'file ?[2J seq 1'\n"
                          "Invalid AOF manifest file format");
    memset(end, 'x', 1500);
    strcpy(end + 1500, "\n");
    put_text(MANIFEST, text);
    expect_refused("...'\nThe AOF manifest file contains too long line");
    cr_expect_lt(strlen(f.error), AOF_DIRECTORY_ERROR_MAX - 1);
}

Test(aof_directory, refuses_a_list_that_is_no_file)
{
    make_folder();
    cr_assert_eq(mkdir(MANIFEST, 0755), 0);
    expect_refused("Can't read the AOF manifest file " PREFIX ".manifest");
}

// ---- a log of one file -------------------------------------------------------------------------

static void expect_taken_over(void)
{
    cr_assert_eq(folder_open(&f), OK, "%s", f.error);
    cr_expect(f.d.has_taken_over);
    cr_expect_not(is_there(PREFIX));
    cr_expect(holds(FOLDER "/" PREFIX, "old"));
    cr_expect(holds(MANIFEST, TAKEN_OVER));
    cr_expect_not(is_there(FOLDER "/temp-" PREFIX ".manifest"));
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(f.d.manifest.count, 1);
        cr_expect_str_eq(manifest_base(&f.d.manifest)->name, PREFIX);
        cr_assert_eq(folder_open_again(&f), OK, "%s", f.error);
        cr_expect_not(f.d.has_taken_over, "a second time");
    }
}

Test(aof_directory, takes_over_a_log_of_one_file)
{
    put_text(PREFIX, "old");
    expect_taken_over();
}

Test(aof_directory, takes_over_into_a_folder_that_lists_nothing)
{
    put_text(PREFIX, "old");
    make_folder();
    put_text(MANIFEST, "# nothing\n");
    expect_taken_over();
}

Test(aof_directory, takes_over_what_a_crashed_start_listed_but_did_not_move)
{
    put_text(PREFIX, "old");
    make_folder();
    put_text(MANIFEST, TAKEN_OVER);
    expect_taken_over();
}

Test(aof_directory, leaves_an_old_file_beside_a_log)
{
    put_text(PREFIX, "old");
    put_fresh_log();
    cr_assert_eq(folder_open(&f), OK, "%s", f.error);
    cr_expect_not(f.d.has_taken_over);
    cr_expect(holds(PREFIX, "old"));
    cr_expect(holds(MANIFEST, FRESH));
    put_text(MANIFEST, TAKEN_OVER);
    put_text(FOLDER "/" PREFIX, "moved");
    cr_assert_eq(folder_open_again(&f), OK, "%s", f.error);
    cr_expect_not(f.d.has_taken_over);
    cr_expect(holds(FOLDER "/" PREFIX, "moved"));
    cr_expect(holds(PREFIX, "old"));
}

Test(aof_directory, takes_no_link_over)
{
    put_text("elsewhere", "old");
    cr_assert_eq(symlink("elsewhere", PREFIX), 0);
    expect_refused("it is a symbolic link");
    cr_expect(holds(PREFIX, "old"));
    cr_expect_not(is_there(MANIFEST));
}

// ---- files that no list says -------------------------------------------------------------------

static void expect_lost_list(const char *name)
{
    char path[AOF_PATH_MAX], part[AOF_PATH_MAX];
    snprintf(path, sizeof path, FOLDER "/%s", name);
    snprintf(part, sizeof part, "holds %s, but there is no manifest", name);
    put_text(path, "data");
    put_text(PREFIX, "old");
    put_text(FOLDER "/temp-" PREFIX ".incr", "incr");
    expect_refused(part);
    cr_expect(holds(path, "data"));
    cr_expect(holds(PREFIX, "old"), "a log is not taken over beside another");
    cr_expect(is_there(FOLDER "/temp-" PREFIX ".incr"), "nothing is removed");
    cr_expect_not(is_there(MANIFEST));
    unlink(path);
}

Test(aof_directory, refuses_a_log_that_lost_its_list)
{
    make_folder();
    expect_lost_list(INCR);
    expect_lost_list(PREFIX ".7.base.rdb");
    expect_lost_list(PREFIX ".7.base.aof");
    expect_lost_list(PREFIX);
    put_text(MANIFEST, "#\n");
    put_text(FOLDER "/" INCR, "data");
    expect_refused("holds " INCR);
}

Test(aof_directory, forgives_empty_files_of_a_start_that_crashed)
{
    make_folder();
    put_text(FOLDER "/" INCR, "");
    put_text(FOLDER "/" PREFIX ".2.incr.aof", "");
    put_text(FOLDER "/other.aof.1.incr.aof", "of another log");
    cr_assert_eq(folder_open(&f), OK, "%s", f.error);
    cr_expect_not(is_there(FOLDER "/" INCR));
    cr_expect_not(is_there(FOLDER "/" PREFIX ".2.incr.aof"));
    cr_expect(is_there(FOLDER "/other.aof.1.incr.aof"));
}

Test(aof_directory, removes_what_never_counted_when_a_marker_says_so)
{
    make_folder();
    put_text(FOLDER "/" INCR, "data");
    put_text(FOLDER "/" PREFIX ".1.base.rdb", "data");
    put_text(FOLDER "/temp-" PREFIX ".incr.2", "data");
    put_text(FOLDER "/temp-" PREFIX ".begin", "");
    cr_assert_eq(folder_open(&f), OK, "%s", f.error);
    cr_expect_not(is_there(FOLDER "/" INCR));
    cr_expect_not(is_there(FOLDER "/" PREFIX ".1.base.rdb"));
    cr_expect_not(is_there(FOLDER "/temp-" PREFIX ".incr.2"));
    cr_expect_not(is_there(FOLDER "/temp-" PREFIX ".begin"));
}

Test(aof_directory, keeps_what_is_listed_whatever_a_marker_says)
{
    put_fresh_log();
    put_text(FOLDER "/temp-" PREFIX ".begin", "");
    cr_assert_eq(folder_open(&f), OK, "%s", f.error);
    cr_expect(is_there(FOLDER "/" INCR));
    cr_expect_not(is_there(FOLDER "/temp-" PREFIX ".begin"));
}

// ---- what crashed servers left -----------------------------------------------------------------

struct left_over {
    const char *name, *text;
    bool stays;
};

static const struct left_over left_overs[] = {
    { "temp-" PREFIX ".manifest", "x", false },
    { "temp-" PREFIX ".incr", "x", false },
    { "temp-other.aof.manifest", "x", true },
    { PREFIX ".5.base.rdb", "listed", true },
    { PREFIX ".5.base.aof", "as high", true },
    { PREFIX ".4.base.rdb", "history, listed", true },
    { PREFIX ".3.base.rdb", "lower", true },
    { PREFIX ".6.base.rdb", "of a rewrite that crashed", false },
    { PREFIX ".7.base.aof", "", false },
    { PREFIX ".2.base.rdb", "history, listed", true },
    { PREFIX ".10.incr.aof", "listed", true },
    { PREFIX ".11.incr.aof", "listed", true },
    { PREFIX ".12.incr.aof", "", false },
    { PREFIX ".13.incr.aof", "somebody wrote to it", true },
    { PREFIX ".1.incr.aof", "", true },
    { PREFIX ".99999999999999999999999.incr.aof", "", true },
    { PREFIX ".12.incr.aof.bak", "", true },
    { "other.aof.12.incr.aof", "", true },
};
#define LISTED                                                                                     \
    "file " PREFIX ".5.base.rdb seq 5 type b\nfile " PREFIX ".4.base.rdb seq 4 type h\n"           \
    "file " PREFIX ".2.base.rdb seq 2 type h\n"                                                    \
    "file " PREFIX ".10.incr.aof seq 10 type i\nfile " PREFIX ".11.incr.aof seq 11 type i\n"

static void put_left_overs(void)
{
    char path[AOF_PATH_MAX];
    make_folder();
    put_text(MANIFEST, LISTED);
    for (size_t i = 0; i < sizeof left_overs / sizeof *left_overs; i++) {
        snprintf(path, sizeof path, FOLDER "/%s", left_overs[i].name);
        put_text(path, left_overs[i].text);
    }
}

Test(aof_directory, removes_what_a_crashed_rewrite_left)
{
    char path[AOF_PATH_MAX];
    put_left_overs();
    cr_assert_eq(folder_open(&f), OK, "%s", f.error);
    for (size_t i = 0; i < sizeof left_overs / sizeof *left_overs; i++) {
        snprintf(path, sizeof path, FOLDER "/%s", left_overs[i].name);
        cr_expect_eq(is_there(path), left_overs[i].stays, "%s", path);
    }
    cr_expect(holds(MANIFEST, LISTED));
}

// What a flipped bit made of the log in use.
Test(aof_directory, removes_no_log_that_only_seems_to_be_history)
{
    static const char list[] = "file " PREFIX ".2.base.rdb seq 2 type b\n"
                               "file " PREFIX ".2.incr.aof seq 2 type h\n";
    make_folder();
    put_text(MANIFEST, list);
    put_text(FOLDER "/" PREFIX ".2.base.rdb", "base");
    put_text(FOLDER "/" PREFIX ".2.incr.aof", "data");
    cr_assert_eq(folder_open(&f), ERR_IO);
    cr_expect_not_null(strstr(f.error, "at line 2 of " MANIFEST "\n>>> 'file " PREFIX ".2.incr.aof"
                                       " seq 2 type h'\nFound an incr file listed as history"),
                       "%s", f.error);
    cr_expect(holds(MANIFEST, list));
    cr_expect(holds(FOLDER "/" PREFIX ".2.incr.aof", "data"));
}

// An older list was put back: its files are gone, and the newer ones are all there is.
Test(aof_directory, removes_no_numbered_file_when_a_listed_one_is_missing)
{
    put_left_overs();
    cr_assert_eq(unlink(FOLDER "/" PREFIX ".10.incr.aof"), 0);
    cr_assert_eq(folder_open(&f), OK, "%s", f.error);
    cr_expect(is_there(FOLDER "/" PREFIX ".6.base.rdb"));
    cr_expect(is_there(FOLDER "/" PREFIX ".12.incr.aof"));
    cr_expect_not(is_there(FOLDER "/temp-" PREFIX ".incr"));
}

Test(aof_directory, removes_rewrites_of_processes_that_are_gone)
{
    char gone[64], gone_done[64], ours[64];
    pid_t child = fork();
    if (child == 0) _exit(0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    snprintf(gone, sizeof gone, "temp-rewriteaof-%d.aof", (int)child);
    snprintf(gone_done, sizeof gone_done, "temp-rewriteaof-bg-%d.aof", (int)child);
    snprintf(ours, sizeof ours, "temp-rewriteaof-%d.aof", (int)getpid());
    const char *stay[] = { ours,
                           "temp-rewriteaof-.aof",
                           "temp-rewriteaof-x.aof",
                           "temp-rewriteaof-99999999999999999999.aof",
                           "temp-rewriteaof-0.aof",
                           "temp-rewriteaof-4.aof.bak" };
    put_text(gone, "x");
    put_text(gone_done, "x");
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++) put_text(stay[i], "x");
    cr_assert_eq(folder_open(&f), OK, "%s", f.error);
    cr_expect_not(is_there(gone));
    cr_expect_not(is_there(gone_done));
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
        cr_expect(is_there(stay[i]), "%s", stay[i]);
}
