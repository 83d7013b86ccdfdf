/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/state/status.h"
#include "src/state/store.h"
#include "src/state/undo_list.h"
#include "tests/lib/check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena arena;
static int reused;

static int reuse(struct store *store, const struct state *old, struct err *err)
{
	reused++;
	return store_remove(store, old->id, err);
}

/* A store in a new directory, which each test leaves empty and removes. */
static struct store *new_store(void)
{
	char root[] = "/tmp/usrun-test-store-XXXXXX";
	struct store *store = NULL;
	struct err err = { 0 };

	CHECK(mkdtemp(root) != NULL);
	CHECK_INT(store_open(arena_strdup(&arena, root), true, &arena, &store, &err), 0);
	return store;
}

static struct state sample(const char *id, int phase)
{
	static const char *undo[] = { "state-reserve", "spawn" };
	static struct json_pair notes[] = { { "a", "b" }, { "empty", "" } };
	struct state state = { .id = id,
			       .bundle = "/b \"quoted\"",
			       .rootfs = "/r",
			       .phase = phase,
			       .boot_id = "",
			       .created = "2026-01-01T00:00:00Z",
			       .cgroup.kind = CGROUP_DRIVER_NONE };

	state.undo.v = undo;
	state.undo.n = 2;
	state.annotations.v = notes;
	state.annotations.n = 2;
	return state;
}

TEST(ids)
{
	static const char *const bad[] = { "",   ".",   "..",   "a/b",   "/abs", "-x",
					   ".x", "a b", "a\nb", "$(id)", "%s/" };
	char longest[257];
	struct err err = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(store_check_id(bad[i], &err) < 0);
	memset(longest, 'a', 256);
	longest[256] = '\0';
	CHECK(store_check_id(longest, &err) < 0);
	longest[255] = '\0';
	CHECK_INT(store_check_id(longest, &err), 0);
	CHECK_INT(store_check_id("a.b-c+d_e9", &err), 0);
	CHECK_INT(store_check_id("9", &err), 0);
	CHECK_ERR(store_check_id("a/b", &err), &err, "invalid character `/` in the ID");
}

TEST(a_state_survives)
{
	struct state state = sample("c1", STATE_CREATED), back = { 0 };
	struct err err = { 0 };
	struct store *store = new_store();
	int dir, r;

	dir = store_reserve(store, "c1", reuse, &err);
	CHECK(dir >= 0);
	state.pid = (struct json_int){ true, 42 };
	state.start_time = (struct json_uint){ true, 1 };
	state.pid_number = (struct json_uint){ true, 1ULL << 32 };
	CHECK_INT(store_write(dir, &state, &err), 0);
	CHECK_INT(store_read(store, dir, "c1", &arena, &back, &err), 0);
	CHECK_STR(back.bundle, "/b \"quoted\"");
	CHECK_INT(back.pid.v, 42);
	CHECK_INT(back.pid_number.v, 1LL << 32);
	CHECK_INT(back.annotations.n, 2);
	CHECK_STR(back.undo.v[1], "spawn");
	CHECK_ERR(store_read(store, dir, "c2", &arena, &back, &err), &err, "belongs to \"c1\"");
	r = store_reserve(store, "c1", reuse, &err);
	CHECK_ERR(r, &err, "already exists");
	fd_closep(&dir);
	/* Not locked, but its creator had finished: it stays. */
	CHECK_ERR(store_reserve(store, "c1", reuse, &err), &err, "already exists");
	CHECK_INT(reused, 0);
	CHECK_INT(store_remove(store, "c1", &err), 0);
	CHECK_INT(store_remove(store, "c1", &err), 0);
	CHECK_INT(rmdir(store_root(store)), 0);
}

TEST(an_id_of_a_dead_creator_is_taken)
{
	struct state state = sample("c1", STATE_CREATING);
	struct err err = { 0 };
	struct store *store = new_store();
	int dir;

	dir = store_reserve(store, "c1", reuse, &err);
	CHECK_INT(store_write(dir, &state, &err), 0);
	CHECK_ERR(store_reserve(store, "c1", reuse, &err), &err,
		  "already exists"); /* its lock is held */
	fd_closep(&dir);
	reused = 0;
	dir = store_reserve(store, "c1", reuse, &err);
	CHECK(dir >= 0);
	CHECK_INT(reused, 1);
	fd_closep(&dir);
	CHECK_INT(store_remove(store, "c1", &err), 0);
	CHECK_INT(rmdir(store_root(store)), 0);
}

/* A link in the place of a container must neither be used nor emptied. */
TEST(links_are_not_followed)
{
	char root[] = "/tmp/usrun-test-store-XXXXXX", victim[] = "/tmp/usrun-test-victim-XXXXXX";
	struct err err = { 0 };
	struct store *store;
	char path[128];

	CHECK(mkdtemp(root) && mkdtemp(victim));
	(void)strcpy(path, victim);
	(void)strcat(path, "/state.json");
	CHECK_INT(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
	CHECK_INT(store_open(root, true, &arena, &store, &err), 0);
	(void)strcpy(path + 64, root);
	(void)strcat(path + 64, "/evil");
	CHECK_INT(symlink(victim, path + 64), 0);
	CHECK(store_open_container(store, "evil", &err) < 0);
	CHECK(store_reserve(store, "evil", reuse, &err) < 0);
	CHECK_INT(store_remove(store, "evil", &err), 0);
	CHECK(access(path + 64, F_OK) < 0);
	CHECK_INT(access(path, F_OK), 0);
	(void)unlink(path);
	CHECK_INT(rmdir(victim) | rmdir(root), 0);
}

TEST(a_root_that_others_may_write_to_is_refused)
{
	char root[] = "/tmp/usrun-test-store-XXXXXX";
	struct err err = { 0 };
	struct store *store;

	CHECK(mkdtemp(root) != NULL);
	CHECK_INT(chmod(root, 0777), 0);
	CHECK_ERR(store_open(root, true, &arena, &store, &err), &err, "may be written by others");
	CHECK_ERR(store_open("/", true, &arena, &store, &err), &err, "--root");
	CHECK_INT(rmdir(root), 0);
}

/* What a creator does at once. */
static bool has_owner(int dir)
{
	int fd = openat(dir, "state.json", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	return fd >= 0 && close(fd) == 0;
}

static void child(struct store *store, int ready, int done)
{
	struct err err = { 0 };
	int dir = store_reserve(store, "c1", reuse, &err);
	char byte = dir >= 0 ? 'w' : strstr(err.text, "already exists") ? 'l' : '?';

	/* The winner keeps the lock until all have tried. */
	if (dir >= 0 && !has_owner(dir))
		byte = '?';
	_exit(write(ready, &byte, 1) == 1 && read(done, &byte, 1) == 0 ? 0 : 1);
}

TEST(of_many_creators_one_wins)
{
	enum { CHILDREN = 16, ROUNDS = 20 };
	char bytes[CHILDREN];
	struct err err = { 0 };
	struct store *store = new_store();

	for (int round = 0; round < ROUNDS; round++) {
		int ready[2], done[2], winners = 0, losers = 0;

		CHECK_INT(pipe(ready) | pipe(done), 0);
		for (int i = 0; i < CHILDREN; i++)
			if (fork() == 0) {
				(void)close(done[1]);
				child(store, ready[1], done[0]);
			}
		for (int i = 0; i < CHILDREN; i++) {
			CHECK_INT(read(ready[0], &bytes[i], 1), 1);
			winners += bytes[i] == 'w';
			losers += bytes[i] == 'l';
		}
		CHECK_INT(winners, 1);
		CHECK_INT(losers, CHILDREN - 1);
		(void)close(ready[0]);
		(void)close(ready[1]);
		(void)close(done[0]);
		(void)close(done[1]);
		while (wait(NULL) > 0)
			;
		CHECK_INT(unlink(arena_strf(&arena, "%s/c1/state.json", store_root(store))), 0);
	}
	CHECK_INT(store_remove(store, "c1", &err), 0);
	CHECK_INT(rmdir(store_root(store)), 0);
}

/* Stopped as soon as the directory is there. */
static int slow_creator(struct store *store)
{
	struct err err = { 0 };

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		return 77;
	(void)raise(SIGSTOP);
	return store_reserve(store, "c1", reuse, &err) == -EEXIST ? 0 : 1;
}

/* Who is slow finds its own new directory taken, and leaves it to whoever has it. */
TEST(a_slow_creator_takes_nothing_away)
{
	struct store *store = new_store();
	const char *path = arena_strf(&arena, "%s/c1", store_root(store));
	struct err err = { 0 };
	struct stat st;
	pid_t pid = fork();
	int status = 0, dir;

	if (pid == 0)
		_exit(slow_creator(store));
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && access(path, F_OK) < 0)
		(void)ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		(void)rmdir(store_root(store));
		SKIP("nobody may trace here");
	}
	CHECK(WIFSTOPPED(status));
	dir = store_reserve(store, "c1", reuse, &err);
	CHECK(dir >= 0);
	CHECK(has_owner(dir));
	(void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
	CHECK(fstat(dir, &st) == 0 && st.st_nlink > 0);
	fd_closep(&dir);
	CHECK_INT(store_remove(store, "c1", &err), 0);
	CHECK_INT(rmdir(store_root(store)), 0);
}

TEST(a_lock_that_stays_held_is_told)
{
	struct err err = { 0 };
	struct store *store = new_store();
	int dir, other;

	dir = store_reserve(store, "c1", reuse, &err);
	other = store_open_container(store, "c1", &err);
	CHECK_ERR(store_lock(other, 20, &err), &err, "another command is working");
	CHECK(strstr(err.hint, "a creation takes as long as its hooks") != NULL);
	fd_closep(&dir);
	CHECK_INT(store_lock(other, 20, &err), 0);
	fd_closep(&other);
	CHECK_INT(store_remove(store, "c1", &err), 0);
	CHECK_INT(rmdir(store_root(store)), 0);
}

TEST(what_was_deleted_while_we_waited)
{
	struct err err = { 0 };
	struct store *store = new_store();
	int dir;

	dir = store_reserve(store, "c1", reuse, &err);
	CHECK(store_is_cut_off(dir));
	CHECK_INT(store_remove(store, "c1", &err), 0);
	CHECK_ERR(store_lock(dir, 0, &err), &err, "container does not exist");
	CHECK(store_is_locked(dir));
	fd_closep(&dir);
	/* Nothing was written into it: its creator was killed at once. */
	dir = store_reserve(store, "c2", reuse, &err);
	fd_closep(&dir);
	reused = 0;
	dir = store_reserve(store, "c2", reuse, &err);
	CHECK(dir >= 0);
	CHECK_INT(reused, 0);
	fd_closep(&dir);
	CHECK_INT(store_remove(store, "c2", &err), 0);
	CHECK_INT(rmdir(store_root(store)), 0);
}

TEST(removal_takes_what_is_there)
{
	static const char *const names[] = { "junk", ".state.json.new", "of a newer version" };
	struct err err = { 0 };
	struct store *store = new_store();
	int dir;

	dir = store_reserve(store, "c1", reuse, &err);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK_INT(close(openat(dir, names[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
	CHECK_INT(mkdirat(dir, "directory", 0700), 0);
	CHECK_INT(mkdirat(dir, "directory/below", 0700), 0);
	CHECK_INT(symlinkat("/etc", dir, "directory/below/link"), 0);
	CHECK_INT(mkdirat(dir, "notify", 0755), 0);
	CHECK_INT(mkdirat(dir, "notify/notify", 0700), 0);
	CHECK_INT(symlinkat("/etc/passwd", dir, "link"), 0);
	fd_closep(&dir);
	CHECK_INT(store_remove(store, "c1", &err), 0);
	CHECK_INT(rmdir(store_root(store)), 0);
	CHECK_INT(access("/etc/passwd", F_OK), 0);
}

static int act_never(int dirfd, struct state *state, void *data, struct err *err)
{
	(void)dirfd;
	(void)state;
	(void)data;
	return err_set(err, EIO, "a container was seen");
}

/* Containers of another, a level below: no command takes their parent for one of ours. */
TEST(a_foreign_directory_is_left_alone)
{
	struct store_change change = { .arena = &arena, .force = true, .act = act_never };
	struct err err = { 0 };
	struct store *store = new_store();
	int root = open(store_root(store), O_RDONLY | O_DIRECTORY | O_CLOEXEC), dir;

	CHECK_INT(mkdirat(root, "ns", 0700), 0);
	CHECK_INT(mkdirat(root, "ns/other", 0700), 0);
	CHECK_INT(close(openat(root, "ns/other/state.json", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)),
		  0);
	dir = store_open_container(store, "ns", &err);
	CHECK(store_is_foreign(dir) && !store_is_cut_off(dir));
	fd_closep(&dir);
	CHECK_ERR(store_reserve(store, "ns", reuse, &err), &err,
		  "is not the directory of a container");
	CHECK_ERR(store_change(store, "ns", &change, &err), &err,
		  "is not the directory of a container");
	change.force = false;
	CHECK_ERR(store_change(store, "ns", &change, &err), &err,
		  "is not the directory of a container");
	CHECK_INT(unlinkat(root, "ns/other/state.json", 0), 0);
	CHECK_INT(unlinkat(root, "ns/other", AT_REMOVEDIR), 0);
	/* What a creator leaves that was killed while it wrote the state. */
	CHECK_INT(close(openat(root, "ns/.state.json.01234567", O_CREAT | O_WRONLY | O_CLOEXEC,
			       0600)),
		  0);
	dir = store_open_container(store, "ns", &err);
	CHECK(!store_is_foreign(dir) && store_is_cut_off(dir));
	fd_closep(&dir);
	dir = store_reserve(store, "ns", reuse, &err);
	CHECK(dir >= 0);
	fd_closep(&dir);
	CHECK_INT(store_remove(store, "ns", &err), 0);
	fd_closep(&root);
	CHECK_INT(rmdir(store_root(store)), 0);
}

TEST(init_is_found_without_a_cgroup)
{
	struct state state = sample("c1", STATE_STARTED), back = { 0 };
	struct err err = { 0 };
	struct store *store = new_store();
	int dir;

	dir = store_reserve(store, "c1", reuse, &err);
	back.pid.set = false;
	CHECK_INT(store_find_init(dir, &back, &err), 0);
	CHECK(!back.pid.set);
	CHECK_INT(store_write(dir, &state, &err), 0);
	CHECK_ERR(store_read(store, dir, "c1", &arena, &back, &err), &err, "pid and startTime");
	CHECK_STR(err.hint, "`usrun delete --force c1` removes what is left of it");
	state.pid = (struct json_int){ true, 42 };
	state.start_time = (struct json_uint){ true, 4711 };
	CHECK_INT(store_write(dir, &state, &err), 0);
	back = (struct state){ 0 };
	CHECK_INT(store_find_init(dir, &back, &err), 0);
	CHECK(back.pid.set);
	CHECK_INT(back.pid.v, 42);
	CHECK_INT(back.start_time.v, 4711);
	/* Of another boot it is nobody's. */
	state.boot_id = "00000000-0000-0000-0000-000000000000";
	CHECK_INT(store_write(dir, &state, &err), 0);
	back = (struct state){ 0 };
	CHECK_INT(store_find_init(dir, &back, &err), 0);
	CHECK(!back.pid.set);
	CHECK_INT(unlinkat(dir, "state.json", 0), 0);
	CHECK(store_read(store, dir, "c1", &arena, &back, &err) == -ENODATA);
	fd_closep(&dir);
	CHECK_INT(store_remove(store, "c1", &err), 0);
	CHECK_INT(rmdir(store_root(store)), 0);
}

TEST(the_runtime_directory)
{
	char root[] = "/tmp/usrun-test-store-XXXXXX";
	struct err err = { 0 };
	struct store *store;
	char *wanted;

	CHECK(mkdtemp(root) != NULL);
	wanted = arena_strf(&arena, "%s/usrun", root);
	CHECK_INT(setenv("XDG_RUNTIME_DIR", root, 1), 0);
	CHECK_INT(store_open(NULL, false, &arena, &store, &err), 0);
	CHECK(access(wanted, F_OK) < 0); /* only create makes it */
	CHECK_INT(store_open(NULL, true, &arena, &store, &err), 0);
	CHECK_STR(store_root(store), wanted);
	CHECK_INT(rmdir(wanted), 0);
	/* It would be opened by whoever put the link there. */
	CHECK_INT(symlink("/tmp", wanted), 0);
	CHECK(store_open(NULL, true, &arena, &store, &err) < 0);
	CHECK_INT(unlink(wanted), 0);
	CHECK_INT(chmod(root, 0770), 0);
	CHECK_ERR(store_open(NULL, true, &arena, &store, &err), &err, "may be written by others");
	CHECK_INT(setenv("XDG_RUNTIME_DIR", "relative", 1), 0);
	CHECK_ERR(store_open(NULL, true, &arena, &store, &err), &err, "absolute path");
	CHECK_INT(unsetenv("XDG_RUNTIME_DIR"), 0);
	CHECK_INT(rmdir(root), 0);
}

TEST(the_list_is_sorted_and_holds_directories_only)
{
	const char *const *ids;
	struct err err = { 0 };
	struct store *store = new_store();
	size_t n;
	int dir;

	for (const char *id = "b\0a\0c\0"; *id; id += 2) {
		dir = store_reserve(store, id, reuse, &err);
		fd_closep(&dir);
	}
	CHECK_INT(symlink("/etc", arena_strf(&arena, "%s/link", store_root(store))), 0);
	CHECK_INT(store_list(store, &arena, &ids, &n, &err), 0);
	CHECK_INT(n, 3);
	CHECK_STR(ids[0], "a");
	CHECK_STR(ids[2], "c");
	for (size_t i = 0; i < n; i++)
		CHECK_INT(store_remove(store, ids[i], &err), 0);
	CHECK_INT(store_remove(store, "link", &err), 0);
	CHECK_INT(rmdir(store_root(store)), 0);
}

static int acts, act_result;

static int act(int dirfd, struct state *state, void *data, struct err *err)
{
	int *other = data;

	(void)err;
	acts++;
	state->phase = STATE_STARTED;
	if (other && dirfd >= 0) /* nobody else gets the lock meanwhile */
		CHECK(store_lock(*other, 0, err) == -EBUSY);
	return act_result;
}

TEST(a_change_has_the_lock_and_what_is_there_now)
{
	struct state state = sample("c1", STATE_CREATED), seen, back;
	struct err err = { 0 };
	struct store *store = new_store();
	int dir, other;
	struct store_change change = { .arena = &arena, .what = "start", .act = act };

	CHECK_ERR(store_change(store, "c1", &change, &err), &err, "container does not exist");
	dir = store_reserve(store, "c1", reuse, &err);
	other = store_open_container(store, "c1", &err);
	CHECK(dir >= 0 && other >= 0);
	CHECK_ERR(store_change(store, "c1", &change, &err), &err, "being created or deleted");
	state.phase = STATE_CREATING;
	CHECK_INT(store_write(dir, &state, &err), 0);
	CHECK_ERR(store_change(store, "c1", &change, &err), &err,
		  "cannot start a container that is still being created: c1");
	state.phase = STATE_CREATED;
	state.pid = (struct json_int){ true, 42 };
	state.start_time = (struct json_uint){ true, 4711 };
	CHECK_INT(store_write(dir, &state, &err), 0);
	store_unlock(dir);
	CHECK_INT(acts, 0);

	change.data = &other;
	CHECK_INT(store_change(store, "c1", &change, &err), 0);
	CHECK_INT(store_read(store, dir, "c1", &arena, &back, &err), 0);
	CHECK_INT(back.phase, STATE_CREATED);
	act_result = STORE_WRITE;
	CHECK_INT(store_change(store, "c1", &change, &err), 0);
	CHECK_INT(store_read(store, dir, "c1", &arena, &back, &err), 0);
	CHECK_INT(back.phase, STATE_STARTED);
	CHECK_INT(acts, 2);
	CHECK_INT(store_lock(other, 0, &err), 0); /* it is given up */
	store_unlock(other);

	/* Of one container only, also where another has taken over its directory. */
	seen = back;
	change.seen = &seen;
	change.data = NULL;
	CHECK_INT(store_change(store, "c1", &change, &err), 0);
	seen.start_time.v++;
	CHECK_ERR(store_change(store, "c1", &change, &err), &err,
		  "another container has its id now");
	seen = back;
	seen.created = "2026-01-01T00:00:01Z";
	CHECK_ERR(store_change(store, "c1", &change, &err), &err,
		  "another container has its id now");
	CHECK_INT(store_remove(store, "c1", &err), 0);
	CHECK_ERR(store_change_open(store, dir, "c1", &change, &err), &err,
		  "container does not exist");
	CHECK_INT(acts, 3);
	act_result = 0;
	fd_closep(&dir);
	fd_closep(&other);
	CHECK_INT(rmdir(store_root(store)), 0);
}

TEST(a_change_by_force_goes_on_without_a_state)
{
	struct store_change change = { .arena = &arena, .act = act };
	struct err err = { 0 };
	struct store *store = new_store();
	int dir;

	acts = 0;
	dir = store_reserve(store, "c1", reuse, &err);
	store_unlock(dir);
	/* What a killed creator left is taken away. */
	CHECK_ERR(store_change(store, "c1", &change, &err), &err, "container does not exist");
	CHECK(store_open_container(store, "c1", &err) == -ENOENT);
	fd_closep(&dir);
	dir = store_reserve(store, "c1", reuse, &err);
	store_unlock(dir);
	CHECK_INT(io_replace_file(dir, "state.json", "{", 1, 0600, &err), 0);
	CHECK_INT(store_change(store, "c1", &change, &err), -ENODATA);
	CHECK_INT(acts, 0);
	change.force = true;
	CHECK_INT(store_change(store, "c1", &change, &err), 0);
	CHECK_INT(store_change(store, "c2", &change, &err), 0);
	CHECK_INT(acts, 2);
	fd_closep(&dir);
	CHECK_INT(store_remove(store, "c1", &err), 0);
	/* Reserved for the deletion, which removes it at its end, or else it is removed. */
	dir = store_open_container(store, "c2", &err);
	CHECK(dir >= 0);
	fd_closep(&dir);
	CHECK_INT(store_remove(store, "c2", &err), 0);
	act_result = -EIO;
	CHECK_INT(store_change(store, "c2", &change, &err), -EIO);
	CHECK(store_open_container(store, "c2", &err) == -ENOENT);
	act_result = 0;
	CHECK_INT(rmdir(store_root(store)), 0);
}

/* Whoever holds the lock is found by the inode and by what it has open, not by a device number:
 * that of the file system is another one than stat(2) tells where there are subvolumes. */
TEST(the_holder_is_ended)
{
	char word;
	struct err err = { 0 };
	struct store *store = new_store();
	int dir, pair[2], status = 0;
	pid_t pid;

	dir = store_reserve(store, "c1", reuse, &err);
	store_unlock(dir);
	CHECK_INT(pipe(pair), 0);
	pid = fork();
	if (pid == 0) {
		fd_closep(&dir);
		dir = store_open_container(store, "c1", &err);
		if (store_lock(dir, 1000, &err) == 0)
			(void)!write(pair[1], "x", 1);
		(void)pause();
	}
	CHECK_INT(read(pair[0], &word, 1), 1);
	CHECK_INT(store_lock_by_force(dir, 20, &err), 0);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	fd_closep(&dir);
	CHECK_INT(store_remove(store, "c1", &err), 0);
	CHECK_INT(rmdir(store_root(store)), 0);
}

TEST(what_could_not_be_read_again_is_not_written)
{
	char *text;
	struct state state = sample("c1", STATE_CREATING), back;
	struct json_pair note = { "a", NULL };
	struct err err = { 0 };
	struct store *store = new_store();
	int dir;

	dir = store_reserve(store, "c1", reuse, &err);
	text = arena_array(&arena, (17 << 20) + 1, 1);
	memset(text, 'a', 17 << 20);
	text[2 << 20] = '\0';
	note.value = text;
	state.annotations.v = &note;
	state.annotations.n = 1;
	CHECK_INT(store_write(dir, &state, &err), 0);
	CHECK_INT(store_read(store, dir, "c1", &arena, &back, &err), 0);
	text[2 << 20] = 'a';
	CHECK_ERR(store_write(dir, &state, &err), &err, "more than 16777216");
	CHECK_INT(store_read(store, dir, "c1", &arena, &back, &err), 0);
	fd_closep(&dir);
	CHECK_INT(store_remove(store, "c1", &err), 0);
	CHECK_INT(rmdir(store_root(store)), 0);
}

/* The same list serves a failed start and delete: it ends the process and removes the directory. */
TEST(takes_back_what_is_there)
{
	static const char *undo[] = { "state-reserve", "cgroup-create", "of-a-newer-version",
				      "spawn" };
	struct state state = { .id = "c1",
			       .phase = STATE_STARTED,
			       .cgroup.kind = CGROUP_DRIVER_NONE };
	struct err err = { 0 };
	struct store *store = new_store();
	int dir, status = 0;
	pid_t pid;

	state.undo.v = undo;
	state.undo.n = 4;
	dir = store_reserve(store, "c1", NULL, &err);
	CHECK(dir >= 0);
	fd_closep(&dir);
	pid = fork();
	if (pid == 0)
		(void)pause();
	state.pid = (struct json_int){ true, pid };
	state.start_time.set = true;
	CHECK_INT(status_start_time(pid, &state.start_time.v, &err), 0);
	CHECK_INT(undo_list_run(store, &state, &err), 0);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(store_open_container(store, "c1", &err) == -ENOENT);
	CHECK_INT(undo_list_run(store, &state, &err), 0); /* once more is no error */
	CHECK_INT(rmdir(store_root(store)), 0);
}
