/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/state/store.h"
#include "tests/lib/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena arena;
static int reused;

static int reuse(struct store *store, const struct state *old, struct err *err)
{
	reused++;
	return store_remove(store, old->id, err);
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
			       .cgroup_driver = CGROUP_DRIVER_NONE + 1 };

	state.undo.v = undo;
	state.undo.n = 2;
	state.annotations.v = notes;
	state.annotations.n = 2;
	return state;
}

TEST(ids)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "/abs", "-x", ".x", "a b", "a\nb", "$(id)", "%s/" };
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
}

TEST(a_state_survives)
{
	char root[] = "/tmp/usrun-test-store-XXXXXX";
	struct state state = sample("c1", STATE_CREATED), back = { 0 };
	struct err err = { 0 };
	struct store *store;
	int dir, r;

	CHECK(mkdtemp(root) != NULL);
	CHECK_INT(store_open(root, true, &arena, &store, &err), 0);
	dir = store_reserve(store, "c1", reuse, &err);
	CHECK(dir >= 0);
	state.pid = (struct json_int){ true, 42 };
	CHECK_INT(store_write(dir, &state, &err), 0);
	CHECK_INT(store_read(store, dir, "c1", &arena, &back, &err), 0);
	CHECK_STR(back.bundle, "/b \"quoted\"");
	CHECK_INT(back.pid.v, 42);
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
	store_close(store);
	CHECK_INT(rmdir(root), 0);
}

TEST(an_id_of_a_dead_creator_is_taken)
{
	char root[] = "/tmp/usrun-test-store-XXXXXX";
	struct state state = sample("c1", STATE_CREATING);
	struct err err = { 0 };
	struct store *store;
	int dir;

	CHECK(mkdtemp(root) != NULL);
	CHECK_INT(store_open(root, true, &arena, &store, &err), 0);
	dir = store_reserve(store, "c1", reuse, &err);
	CHECK_INT(store_write(dir, &state, &err), 0);
	CHECK_ERR(store_reserve(store, "c1", reuse, &err), &err, "already exists"); /* its lock is held */
	fd_closep(&dir);
	reused = 0;
	dir = store_reserve(store, "c1", reuse, &err);
	CHECK(dir >= 0);
	CHECK_INT(reused, 1);
	fd_closep(&dir);
	CHECK_INT(store_remove(store, "c1", &err), 0);
	store_close(store);
	CHECK_INT(rmdir(root), 0);
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
	CHECK(store_remove(store, "evil", &err) < 0);
	CHECK_INT(access(path, F_OK), 0);
	store_close(store);
	(void)unlink(path);
	(void)unlink(path + 64);
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
