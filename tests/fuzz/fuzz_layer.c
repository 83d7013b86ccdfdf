/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the files that tell of a layer: layer.json, and what was put into it for the root of
 * a sandbox. Programs that were given the directory could have written them. What must hold besides
 * "no crash": what is read can be written and read again, and is the same. */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/layer/layer.h"
#include "src/layer/layer_standins.h"
#include "tests/fuzz/expect.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const names[] = { "layer.json", "standins", "hidden" };
static char root[] = "/dev/shm/usrun-fuzz-XXXXXX";
static int dir = -1;

static void remove_root(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlinkat(dir, names[i], 0);
	(void)rmdir(root);
}

static void make_root(void)
{
	expect(mkdtemp(root) != NULL);
	dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	expect(dir >= 0 && atexit(remove_root) == 0);
}

static void put(const char *name, const uint8_t *data, size_t size)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	expect(fd >= 0 && io_write_all(fd, data, size) == 0);
	fd_closep(&fd);
}

static void check_again(struct arena *arena, const struct layer *layer)
{
	struct layer again;
	struct err err = { 0 };

	expect(layer_open(arena, root, layer->kind, &again, &err) == 0);
	expect(again.mapped == layer->mapped && again.parts.n == layer->parts.n);
	for (size_t i = 0; i < again.parts.n; i++) {
		const struct layer_part *a = &layer->parts.v[i], *b = &again.parts.v[i];

		expect(a->number.v == b->number.v && strcmp(a->lower, b->lower) == 0);
		expect(a->inode.v == b->inode.v && a->empty.v == b->empty.v);
	}
	layer_close(&again);
}

static void try_document(struct arena *arena)
{
	struct layer layer;
	struct err err = { 0 };
	int r = layer_open(arena, root, 0, &layer, &err);

	expect_error(r, &err);
	if (r < 0)
		return;
	for (size_t i = 0; i < layer.parts.n; i++)
		expect(layer.parts.v[i].lower[0] == '/');
	expect(layer_write(&layer, &err) == 0);
	layer_close(&layer);
	check_again(arena, &layer);
}

/* All of its names are found again, unless there are two of one. */
static void try_standins(struct arena *arena)
{
	struct layer_standins standins;
	struct err err = { 0 };
	int r = layer_standins_read(arena, dir, &standins, &err);

	expect_error(r, &err);
	for (size_t i = 0; r == 0 && i < standins.n; i++) {
		const struct layer_standin *one = &standins.v[i];
		const struct stat now = { .st_ino = one->inode, .st_mode = S_IFDIR };
		bool single = (i == 0 || strcmp(one->name, one[-1].name) != 0) &&
			      (i + 1 == standins.n || strcmp(one->name, one[1].name) != 0);

		expect(layer_standins_has(&standins, one->name, &now) || !single);
	}
}

static void try_hidden(struct arena *arena)
{
	static const char *const names_of_more[] = { "etc/more" };
	struct layer_hidden hidden, again;
	struct err err = { 0 };
	int r = layer_standins_hidden(arena, dir, &hidden, &err);

	expect_error(r, &err);
	if (r < 0)
		return;
	expect(layer_standins_hide(arena, dir, names_of_more, 1, &err) == 0);
	expect(layer_standins_hidden(arena, dir, &again, &err) == 0);
	expect(layer_standins_hides(&again, names_of_more[0], false));
	expect(again.n == hidden.n || again.n == hidden.n + 1);
	for (size_t i = 0; i < hidden.n; i++)
		expect(strcmp(hidden.v[i], again.v[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };

	if (dir < 0)
		make_root();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		put(names[i], data, size);
	try_document(&arena);
	try_standins(&arena);
	try_hidden(&arena);
	arena_free(&arena);
	return 0;
}
