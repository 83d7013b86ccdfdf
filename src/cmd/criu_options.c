/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/criu_options.h"

#include "src/base/fd.h"
#include "src/criu/swrk.h"
#include "src/plan/powers.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Creates all missing directories of a path, with a private mode: they will hold memory of
 * processes. */
static int make_dirs(struct arena *arena, const char *path)
{
	char *part = arena_strdup(arena, path);

	for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -errno;
		if (!slash)
			return 0;
		*slash = '/';
	}
}

static int open_dir(struct arena *arena, const char *option, const char *path, bool make,
		    struct err *err)
{
	int r = *path ? 0 : -EINVAL, fd;

	if (r == 0 && make)
		r = make_dirs(arena, path);
	fd = r < 0 ? r : openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	return err_errno(err, r < 0 ? -r : errno, "--%s: open the directory \"%s\"", option, path);
}

int criu_options_open(struct arena *arena, const struct criu_options *o, bool make,
		      struct criu_dirs *ret, struct err *err)
{
	const char *images = o->image_path ? o->image_path : "checkpoint";

	*ret = (struct criu_dirs){ .work = -1, .work_path = o->work_path ? o->work_path : images };
	ret->images = open_dir(arena, "image-path", images, make, err);
	if (ret->images < 0)
		return ret->images;
	ret->work = open_dir(arena, "work-path", ret->work_path, true, err);
	return ret->work < 0 ? ret->work : 0;
}

int criu_options_read(struct arena *arena, const struct criu_options *o,
		      const struct oci_config *config, struct rpc_opts *ret, struct err *err)
{
	struct plan_criu_asked asked = o->asked;

	asked.empty_ns = o->empty_ns.v;
	asked.n_empty_ns = o->empty_ns.n;
	asked.has_iptables = swrk_has_program(arena, "iptables-restore");
	*ret = (struct rpc_opts)RPC_OPTS_NONE;
	return plan_criu_options(arena, &asked, config, ret, err);
}

int criu_options_check_powers(uint32_t powers, const char *verb, struct err *err)
{
	if (powers & POWER_NAMESPACES)
		return 0;
	(void)err_set(err, EPERM, "criu cannot %s for this user: it needs CAP_SYS_ADMIN", verb);
	return err_hint(err,
			"%s it as root; CAP_CHECKPOINT_RESTORE alone allows processes "
			"without namespaces only",
			verb);
}

int criu_options_available(struct arena *arena, const struct cmd_globals *globals, struct err *err)
{
	const char *path;

	return swrk_find(arena, globals->criu, &path, err);
}
