/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses between the kernel's overlay and fuse-overlayfs: in the kernel's, files of users and
 * groups that are unmapped inside cannot be changed. */
#include "src/base/path.h"
#include "src/cmd/do_parts.h"
#include "src/host/foreign.h"
#include "src/layer/layer_serve.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static void note(struct do_parts *p, const char *text)
{
	p->notes = arena_room(p->arena, p->notes, p->n_notes, &p->cap_notes, sizeof(*p->notes));
	p->notes[p->n_notes++] = text;
}

static void find_groups(struct do_parts *p)
{
	const struct idmap_range own = { p->machine.gid, p->machine.gid, 1 };
	const struct idmap map = { &own, 1 };
	gid_t *groups = arena_array(p->arena, NGROUPS_MAX, sizeof(*groups));
	int n = getgroups(NGROUPS_MAX, groups);

	p->n_groups = foreign_groups(p->arena, groups, n > 0 ? (size_t)n : 0, &map, &p->groups);
}

void do_copies_find(struct do_parts *p)
{
	const char *program;

	if (!p->q.rootfs)
		find_groups(p);
	if (!p->machine.cwd_group && !p->n_groups && !p->o->paths.n)
		return;
	if (layer_serve_find(p->arena, &program, &p->unserved) < 0)
		p->q.unserved = p->unserved.text;
}

/* Whether a directory of the user's contains files of another group, so that fuse-overlayfs must
 * make the copy. */
static bool is_mixed(struct do_parts *p, const char *path)
{
	uint32_t gid;

	if (!foreign_find(p->arena, path, p->groups, p->n_groups, &gid))
		return false;
	if (p->q.unserved)
		note(p, arena_strf(p->arena,
				   "%s: files of the group %u cannot be changed in the copy, "
				   "because %s",
				   path, gid, p->q.unserved));
	return !p->q.unserved;
}

int do_copies_choose(struct do_parts *p, const char *word, struct do_path *path, struct err *err)
{
	const char *whose;
	struct stat st;

	if (p->q.rootfs || stat(path->source, &st) < 0)
		return 0;
	if (st.st_uid == p->machine.uid && st.st_gid == p->machine.gid) {
		path->squash = is_mixed(p, path->source);
		return 0;
	}
	path->squash = !p->q.unserved;
	if (path->squash)
		return 0;
	whose = st.st_uid != p->machine.uid
			? "another user"
			: arena_strf(p->arena, "the group %u, which cannot be mapped", st.st_gid);
	if (p->o->overlay && *p->o->overlay) {
		(void)err_set(err, EPERM, "--scratch %s: it belongs to %s, and %s", word, whose,
			      p->q.unserved);
		return err_hint(err, "%s", p->unserved.hint);
	}
	path->how = DO_READ;
	note(p, arena_strf(p->arena, "%s is read-only inside: it belongs to %s, and %s",
			   path->source, whose, p->q.unserved));
	return 0;
}

static bool is_named(const struct do_parts *p, const char *path)
{
	for (size_t i = 0; i < p->q.n_paths; i++)
		if (path_is_below(path, p->q.paths[i].target))
			return true;
	return false;
}

/* For root the whole machine is one copy, made by fuse-overlayfs. */
void do_copies_rest(struct do_parts *p)
{
	struct machine *m = &p->machine;

	if (p->q.root || p->q.rootfs)
		return;
	if (m->cwd && m->cwd_own && !m->cwd_group && !is_named(p, m->cwd))
		m->cwd_mixed = is_mixed(p, m->cwd);
	if (p->q.home == DO_HOME_SCRATCH && m->home_there && !is_named(p, m->home))
		p->q.home_squash = is_mixed(p, m->home);
}
