/* SPDX-License-Identifier: Apache-2.0 */
/* Where the overlays of a container keep what is written: a directory of the user's, or a tmpfs
 * that ends with the mount namespace, whoever is killed.
 *
 * The kernel takes as a layer only what is mounted in this mount namespace. So the directory is
 * opened here once more, and the tmpfs is mounted on the very place of the first overlay, which
 * then covers it: nobody inside can look beneath. All overlays of a container share it. */
#include "src/steps/step_mounts.h"

#include "src/base/fd.h"
#include "src/sys/mountfd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FILES_OF_A_GROUP "files in it belong to a group that cannot be mapped"
#define UPPER "upper"
#define NEW_UPPER "upper.new"
#define KERNELS "work" /* the kernel's work directory, next to an upper directory */

static enum layer_kind kind_of(const struct layer_plan *plan)
{
	return plan->user ? LAYER_USER : LAYER_TRUSTED;
}

/* For the parent, which holds the lock until the container has ended. */
int step_layer_open(struct start *start, struct err *err)
{
	const struct layer_plan *plan = &start->plan->layer;
	bool *squash;
	int r = 0;

	start->layer = (struct layer){ .fd = -1, .kind = kind_of(plan) };
	if (plan->dir)
		r = layer_open(start->arena, plan->dir, kind_of(plan), &start->layer, err);
	if (start->plan->flags & PLAN_USERNS_NEW)
		start->layer.mapped |= start->plan->idmap.writer == IDMAP_WRITER_HELPER;
	start->layer_numbers = arena_array(start->arena, plan->n, sizeof(*start->layer_numbers));
	squash = arena_array(start->arena, plan->n, sizeof(*squash));
	for (size_t i = 0; r >= 0 && i < plan->n; i++) {
		r = layer_add(start->arena, &start->layer, plan->v[i].lower, plan->v[i].empty,
			      step_layer_squash(start, i + 1), err);
		if (r < 0)
			break;
		start->layer_numbers[i] = (unsigned int)start->layer.parts.v[r].number.v;
		squash[i] = start->layer.parts.v[r].squash.v;
	}
	start->layer_squash = squash;
	if (r >= 0 && plan->dir)
		r = layer_write(&start->layer, err);
	return r < 0 ? r : 0;
}

static int mount_tmpfs(const char *size, int place)
{
	_cleanup_close_ int fs = mountfd_fs_open("tmpfs"), mount = -1;
	int r = fs < 0 ? fs : mountfd_fs_set(fs, "mode", "0700");

	if (r == 0)
		r = mountfd_fs_set(fs, "size", size);
	if (r == 0)
		r = mountfd_fs_create(fs);
	mount = r < 0 ? r : mountfd_fs_mount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (mount < 0)
		return mount;
	r = mountfd_attach(mount, place);
	return r < 0 ? r : fd_take(&mount);
}

static int open_top(struct start *start, const struct step_layer_use *use)
{
	const char *dir = start->plan->layer.dir;
	int fd;

	if (!dir)
		return mount_tmpfs(use->size ? use->size : STEP_LAYER_SIZE, use->place);
	fd = openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int make_dir(int dir, const char *name, mode_t mode)
{
	int fd;

	if (mkdirat(dir, name, mode) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* An overlay's root has the attributes of its upper directory. An owner without a mapping here
 * cannot be set. It is renamed last, so that a kill leaves no half-made one. */
static int make_upper(int dir, const struct stat *like)
{
	int fd = openat(dir, UPPER, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT)
		return fd >= 0 ? fd : -errno;
	fd = make_dir(dir, NEW_UPPER, 0700);
	if (fd < 0)
		return fd;
	if ((fchownat(dir, NEW_UPPER, like->st_uid, like->st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
	     errno != EINVAL && errno != EPERM) ||
	    fchmodat(dir, NEW_UPPER, like->st_mode & 07777, 0) < 0 ||
	    renameat(dir, NEW_UPPER, dir, UPPER) < 0) {
		int r = -errno;

		fd_closep(&fd);
		return r;
	}
	return fd;
}

/* Opens one overlay's directory, which has "upper" and the work directory. */
static int open_part(struct start *start, const struct step_layer_use *use)
{
	size_t index = use->layer - 1;
	char name[24];

	if (start->layer_top < 0)
		start->layer_top = open_top(start, use);
	if (start->layer_top < 0) {
		int r = start->layer_top;

		start->layer_top = -1;
		return r;
	}
	(void)snprintf(name, sizeof(name), "%u",
		       start->layer_numbers ? start->layer_numbers[index] : (unsigned int)index);
	return make_dir(start->layer_top, name, 0700);
}

int step_layer_upper(struct start *start, const struct step_layer_use *use, int *ret_work)
{
	_cleanup_close_ int dir = open_part(start, use);
	int upper = dir < 0 ? dir : make_upper(dir, &use->like);

	if (upper < 0 || !ret_work)
		return upper;
	*ret_work = make_dir(dir, KERNELS, 0700);
	if (*ret_work < 0)
		fd_closep(&upper);
	return *ret_work < 0 ? *ret_work : upper;
}

/* Layers are given by descriptor, because paths may contain colons and commas. Others than the
 * kernel also read a layer that is kept, so the kernel must not omit what the lower layer has. */
static int configure(const struct layer_plan *plan, int fs, int lower, int upper, int work)
{
	const struct {
		const char *key;
		int fd;
	} layers[] = { { "lowerdir", lower }, { "upperdir", upper }, { "workdir", work } };
	int r = mountfd_fs_set(fs, "source", "overlay");

	for (size_t i = 0; r >= 0 && i < 3; i++)
		r = mountfd_fs_set(fs, layers[i].key, fd_path(layers[i].fd).text);
	if (r >= 0 && plan->user)
		r = mountfd_fs_set(fs, "userxattr", NULL);
	else if (r >= 0 && (plan->dir || plan->shown))
		r = mountfd_fs_set(fs, "redirect_dir", "off");
	if (r >= 0 && !plan->user && (plan->dir || plan->shown))
		r = mountfd_fs_set(fs, "metacopy", "off");
	if (r >= 0 && !plan->dir)
		r = mountfd_fs_set(fs, "volatile", NULL); /* its content is not worth a sync */
	return r < 0 ? r : mountfd_fs_create(fs);
}

/* In a user namespace an overlay stores its metadata in user.* attributes, and cannot replace a
 * directory without them. */
static int check_notes(int upper, struct err *err)
{
	if (setxattr(fd_path(upper).text, "user.usrun.try", "", 0, 0) == 0)
		return removexattr(fd_path(upper).text, "user.usrun.try") < 0 ? -errno : 0;
	(void)err_errno(err, errno, "set an attribute on the layer");
	return err_hint(err, "tmpfs supports user extended attributes since Linux 6.6");
}

static int make_native(struct start *start, const struct step_layer_use *use, int lower,
		       struct err *err)
{
	_cleanup_close_ int fs = -1, work = -1, upper = step_layer_upper(start, use, &work);
	char words[256] = "";
	int r = upper;

	if (r < 0)
		return err_errno(err, -r, "create a layer");
	if (use->strict && start->plan->layer.user && check_notes(upper, err) < 0)
		return -err->code;
	r = fs = mountfd_fs_open("overlay");
	if (r >= 0)
		r = configure(&start->plan->layer, fs, lower, upper, work);
	if (r >= 0)
		r = mountfd_fs_mount(fs, use->attrs);
	if (r < 0 && fs >= 0)
		mountfd_fs_message(fs, words, sizeof(words));
	words[strcspn(words, "\n")] = '\0';
	if (r < 0 && *words)
		return err_set(err, -r, "mount an overlay: %s", words + (words[1] == ' ' ? 2 : 0));
	return r < 0 ? err_errno(err, -r, "mount an overlay") : r;
}

/* 1, 0 or -errno. */
static int has(int dir, const char *name)
{
	if (faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

/* Whether a layer must stay with the kernel's overlay: 1, 0 or -errno. If its creator was killed
 * early, it is empty. */
static int is_kernels(int dir)
{
	struct arena arena = { 0 };
	const char *const *names;
	size_t n = 0;
	int upper, r = has(dir, KERNELS);

	if (r <= 0)
		return r;
	upper = openat(dir, UPPER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = upper < 0 ? -errno : layer_list(&arena, upper, &names, &n);
	arena_free(&arena);
	if (r < 0 && r != -ENOENT && r != -EACCES)
		return r;
	return r == -EACCES || n;
}

struct begun {
	bool served, native;
};

/* Who has begun the layer: their metadata do not mix. */
static int find_begun(struct start *start, const struct step_layer_use *use, struct begun *ret,
		      struct err *err)
{
	_cleanup_close_ int dir = open_part(start, use);
	int served = dir < 0 ? dir : has(dir, LAYER_SERVE_WORK);
	int native = served < 0 ? served : is_kernels(dir);

	*ret = (struct begun){ served > 0, native > 0 };
	return native < 0 ? err_errno(err, -native, "look into a layer") : 0;
}

/* Started by the kernel but unused: its metadata and the server's do not mix. */
static int forget_native(struct start *start, const struct step_layer_use *use, struct err *err)
{
	_cleanup_close_ int dir = open_part(start, use);
	int r = dir < 0 ? dir : layer_remove_tree(dir, KERNELS);

	return r < 0 ? err_errno(err, -r, "clean up what the kernel left in the layer") : 0;
}

/* In the kernel's overlay, files and directories of unmapped ids cannot be changed; in a directory
 * they mostly belong to its owner. Where the kernel shows another id for these, the overlay may be
 * slower or faster, but is correct. */
static bool is_foreign(const struct start *start, const struct stat *top)
{
	enum { OVERFLOW_ID = 65534 };

	return start->plan->layer.user &&
	       (top->st_uid == OVERFLOW_ID || top->st_gid == OVERFLOW_ID);
}

static int serve(struct start *start, const struct step_layer_use *use, struct err *err)
{
	_cleanup_close_ int part = open_part(start, use), upper = -1, work = -1;
	int r = part;

	if (r >= 0)
		r = work = make_dir(part, LAYER_SERVE_WORK, 0700);
	if (r >= 0)
		r = upper = make_upper(part, &use->like);
	return r < 0 ? err_errno(err, -r, "create a layer for fuse-overlayfs")
		     : step_layer_served(start, use, part, err);
}

static int try_served(struct start *start, const struct step_layer_use *use, const char *why,
		      struct err *err)
{
	int r = serve(start, use, err);

	if (r >= 0)
		start_note(start, "%s: using fuse-overlayfs, which is slower: %s",
			   start->plan->layer.v[use->layer - 1].lower, why);
	return r;
}

static int choose(struct start *start, const struct step_layer_use *use, int lower, struct err *err)
{
	bool squash = step_layer_squash(start, use->layer), old;
	struct err native, served = { 0 };
	struct begun begun;
	int r;

	if (start->plan->layer.v[use->layer - 1].squash && squash)
		return serve(start, use, err);
	if (squash)
		return try_served(start, use, FILES_OF_A_GROUP, err);
	r = find_begun(start, use, &begun, err);
	if (r < 0)
		return r;
	if (begun.served)
		return try_served(start, use, "it has begun the layer", err);
	old = begun.native;
	if (!old && use->tree >= 0 && start->layer_mixed && start->layer_mixed[use->layer - 1])
		return try_served(start, use, FILES_OF_A_GROUP, err);
	if (!old && use->tree >= 0 && is_foreign(start, &use->like))
		return try_served(start, use,
				  "it belongs to a user or a group that cannot be mapped", err);
	r = make_native(start, use, lower, err);
	if (r >= 0 || old || !start->plan->layer.served)
		return r;
	if (forget_native(start, use, &served) == 0)
		r = try_served(start, use, err->text, &served);
	if (r >= 0) {
		*err = (struct err){ 0 };
		return r;
	}
	native = *err;
	(void)err_set(err, native.code, "%s; %s", native.text, served.text);
	return err_hint(err, "%s", *served.hint ? served.hint : native.hint);
}

/* Neither shows more than the other: both read the lower directory as the container's root does. */
int step_layer_overlay(struct start *start, const struct step_layer_use *use, int lower,
		       struct err *err)
{
	struct step_layer_use with = *use;
	_cleanup_close_ int tree = -1;

	/* Before a layer in memory covers it. */
	if (start->layer_sock >= 0)
		tree = mountfd_clone(lower, "", true, false);
	with.tree = tree;
	return choose(start, &with, lower, err);
}
