/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the state.json of a container, which the user that runs it could have written. What
 * must hold besides "no crash": what is read can be written and read again, and is the same. */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"
#include "src/state/status.h"
#include "src/state/store.h"
#include "tests/fuzz/expect.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/dev/shm/usrun-fuzz-XXXXXX";
static struct store *store; /* there is no closing one: a command ends */
static int dir = -1;

static void remove_root(void)
{
	(void)unlinkat(dir, "state.json", 0);
	(void)unlinkat(dir, "init", 0);
	(void)rmdir(root);
}

static void make_root(void)
{
	static struct arena arena;
	struct err err = { 0 };

	expect(mkdtemp(root) != NULL);
	dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	expect(dir >= 0 && atexit(remove_root) == 0);
	expect(store_open(root, false, &arena, &store, &err) == 0);
}

static void put_state(const uint8_t *data, size_t size)
{
	int fd = openat(dir, "state.json", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	expect(fd >= 0 && io_write_all(fd, data, size) == 0);
	fd_closep(&fd);
}

static int read_state(struct arena *arena, struct state *ret, struct err *err)
{
	*ret = (struct state){ 0 };
	return store_read(store, dir, "c1", arena, ret, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct state state, again;
	struct err err = { 0 };
	int r;

	if (dir < 0)
		make_root();
	put_state(data, size);
	r = read_state(&arena, &state, &err);
	expect_error(r, &err);
	if (r == 0) {
		(void)status_has_rebooted(&state);
		r = store_write(dir, &state, &err);
		expect_error(r, &err);
	}
	if (r == 0) {
		expect(read_state(&arena, &again, &err) == 0);
		expect(again.phase == state.phase && str_equal(again.bundle, state.bundle));
		expect(again.pid.set == state.pid.set && again.undo.n == state.undo.n);
		expect(again.annotations.n == state.annotations.n);
	}
	arena_free(&arena);
	return 0;
}
