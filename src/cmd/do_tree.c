/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/do_tree.h"

#include "src/base/fd.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <sys/stat.h>

/* Links in another tree do not lead out of it. */
enum machine_kind do_tree_find(struct arena *arena, const char *rootfs, const char *path)
{
	_cleanup_close_ int root = -1, fd = -1;
	const char *ignored;
	struct stat st;

	if (!rootfs)
		return machine_find(arena, path, &ignored);
	root = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = root < 0 ? -1 : resolve_open(root, path, O_PATH);
	if (fd < 0 || fstat(fd, &st) < 0)
		return MACHINE_MISSING;
	return S_ISDIR(st.st_mode) ? MACHINE_DIRECTORY : MACHINE_FILE;
}

int do_tree_choose(struct arena *arena, struct machine *machine, const char *word,
		   struct do_request *request, struct err *err)
{
	if ((!machine->cwd && *word != '/') ||
	    machine_find(arena, path_join(arena, machine->cwd, word), &request->rootfs) !=
		    MACHINE_DIRECTORY)
		return err_set(err, ENOTDIR, "--rootfs %s: no such directory", word);
	if (str_equal(request->rootfs, "/"))
		return err_set(err, EINVAL, "--rootfs /: this machine's own tree is the default");
	machine->shell = "/bin/sh";
	request->rootfs_resolv =
		do_tree_find(arena, request->rootfs, "/etc/resolv.conf") == MACHINE_FILE;
	return 0;
}

/* The capabilities that engines give to root, and those that installing packages needs. */
int do_tree_caps(struct arena *arena, const char *const *words, size_t n,
		 struct do_request *request, struct err *err)
{
	size_t n_root = 0;

	while (do_is_root(request) && do_root_caps[n_root])
		n_root++;
	if (n_root)
		words = str_list(arena, do_root_caps, n_root, words, n);
	return do_caps(arena, words, n_root + n, &request->caps, err);
}
