/* SPDX-License-Identifier: Apache-2.0 */
#include "userns/idmap_write.h"

#include "src/base/io.h"
#include "src/base/str.h"
#include "src/base/text.h"
#include "userns/probe.h"
#include "userns/subid.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

static ssize_t read_proc(pid_t pid, const char *file, char *buf, size_t size)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return io_read_small(AT_FDCWD, path, buf, size);
}

bool idmap_explain_is_written(pid_t pid, const char *file)
{
	char map[64];

	return read_proc(pid, file, map, sizeof(map)) > 0;
}

/* A zombie still has its directory in /proc. */
static bool is_gone(pid_t pid)
{
	char stat[512];
	const char *state;

	if (read_proc(pid, "stat", stat, sizeof(stat)) <= 0)
		return true;
	state = strrchr(stat, ')');
	return state && state[1] && (state[2] == 'Z' || state[2] == 'X');
}

static bool is_in_own_userns(pid_t pid)
{
	struct stat own, other;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	return stat(path, &other) == 0 && stat("/proc/self/ns/user", &own) == 0 &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

static bool is_proc_readonly(void)
{
	struct statvfs fs;

	return statvfs("/proc", &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

/* Looks for causes that do not depend on the writer. Fills err if one of them applies. */
static bool explain_target(pid_t pid, const char *file, const char *what, struct err *err)
{
	if (is_gone(pid)) {
		(void)err_set(err, ESRCH,
			      "map %s: the container's process (%d) exited in the meantime", what,
			      (int)pid);
		return true;
	}
	if (is_proc_readonly()) {
		(void)err_set(err, EROFS, "map %s: /proc is read-only", what);
		err_hint(err, "usrun seems to run inside another container: start that one with a "
			      "writable /proc (podman: --security-opt unmask=ALL; docker: "
			      "--security-opt systempaths=unconfined)");
		return true;
	}
	if (is_in_own_userns(pid)) {
		(void)err_set(err, EPERM, "map %s: process %d is not in a new user namespace", what,
			      (int)pid);
		return true;
	}
	if (str_equal(file, "setgroups")) /* cannot be changed once the gids are mapped */
		file = "gid_map";
	if (idmap_explain_is_written(pid, file)) {
		(void)err_set(err, EPERM, "map %s: the %s of process %d has already been written",
			      what, file, (int)pid);
		return true;
	}
	return false;
}

/* The kernel requires CAP_SETFCAP to map id 0 of the parent user namespace: file capabilities
 * written inside would be valid for root outside. */
static int explain_rights(const struct idmap_write *write, const char *what, int error,
			  struct err *err)
{
	struct arena arena = { 0 };
	struct caller caller;
	int r = caller_gather(&arena, &caller, err);

	arena_free(&arena);
	if (r < 0)
		return r;
	if (!caller_may_map(&caller) && write->writer == IDMAP_WRITER_SELF) {
		(void)err_set(err, error,
			      "map %s: mapping more than the caller's own id needs CAP_SETUID and "
			      "CAP_SETGID",
			      what);
		return err_hint(err,
				"start usrun with these capabilities, or as a user with ranges "
				"in " SUBID_UID_FILE " and " SUBID_GID_FILE);
	}
	if (!(caller.caps_effective & (1ULL << CAP_SETFCAP)) &&
	    write->writer != IDMAP_WRITER_HELPER && idmap_to_container(&write->uid, 0) >= 0) {
		(void)err_set(
			err, error,
			"map %s: mapping uid 0 of the parent user namespace needs CAP_SETFCAP",
			what);
		return err_hint(err,
				"give usrun the capability CAP_SETFCAP (podman, docker: "
				"--cap-add=SETFCAP), or %s",
				write->writer == IDMAP_WRITER_SELF
					? "leave uid 0 out of the mapping"
					: "start it as another user than uid 0");
	}
	if (write->writer == IDMAP_WRITER_SINGLE && !(idmap_is_single(&write->uid, caller.uid) &&
						      idmap_is_single(&write->gid, caller.gid))) {
		(void)err_set(
			err, error,
			"map %s: an unprivileged caller may map only its own ids (uid %u, gid %u)",
			what, caller.uid, caller.gid);
		return err_hint(err, "map uid %u and gid %u only", caller.uid, caller.gid);
	}
	return err_errno(err, error, "map %s", what);
}

/* Checks that our own user namespace maps all the host ids. Fills err if it does not. */
static bool explain_parent(const struct idmap *map, const char *file, const char *what,
			   struct err *err)
{
	struct arena arena = { 0 };
	struct idmap parent, split;
	char path[32], *text;
	bool missing = false;

	(void)snprintf(path, sizeof(path), "/proc/self/%s", file);
	if (io_read_file(AT_FDCWD, path, 64 << 10, &arena, &text, NULL, err) == 0 &&
	    idmap_parse(&arena, text, &parent, err) == 0) {
		missing = idmap_split(&arena, map, &parent, &split, err) < 0;
		if (missing) {
			(void)err_prefix(err, "map %s", what);
			err_hint(err, "map only ids that %s has", path);
		} else if (split.n != map->n) {
			(void)err_set(err, EPERM,
				      "map %s: a range crosses two ranges of the current user "
				      "namespace (%s)",
				      what, path);
			missing = true;
		}
	}
	arena_free(&arena);
	return missing;
}

int idmap_explain_direct(const struct idmap_write *write, pid_t pid, const char *file, int error,
			 struct err *err)
{
	bool gid = !str_equal(file, "uid_map");
	const char *what = gid ? "gids" : "uids";

	if (explain_target(pid, file, what, err))
		return -err->code;
	if (error == EACCES) {
		(void)err_set(err, error,
			      "map %s: /proc/%d/%s cannot be opened: the process is not dumpable, "
			      "or a security module forbids it",
			      what, (int)pid, file);
	} else if (error != EPERM) {
		(void)err_errno(err, error, "map %s: write /proc/%d/%s", what, (int)pid, file);
	} else if (str_equal(file, "setgroups") ||
		   !explain_parent(gid ? &write->gid : &write->uid, file, what, err)) {
		(void)explain_rights(write, what, error, err);
	}
	if ((error == EPERM || error == EACCES) && !err->hint[0] && probe_apparmor_restricts(err))
		(void)err_prefix(err, "AppArmor restricts user namespaces (the sysctl "
				      "kernel.apparmor_restrict_unprivileged_userns is 1)");
	return -err->code;
}

/* Ids in a map that the user does not own. */
struct gap {
	const struct idmap_range *range; /* in the map; NULL: no gap */
	uint32_t first;                  /* missing */
};

/* Skips the user's own id, which the helpers let everybody map as a range of one. */
static struct gap find_gap(const struct idmap *map, const struct subid *subid, uint32_t own)
{
	struct gap gap = { 0 };

	for (size_t i = 0; i < map->n; i++) {
		const struct idmap_range *r = &map->v[i];

		if (r->count == 1 && r->outside == own)
			continue;
		if (idmap_find_missing(subid->v, subid->n, r->outside, r->count, &gap.first)) {
			gap.range = r;
			return gap;
		}
	}
	return gap;
}

/* Appends an option such as " --add-subuids 100000-165535": the requested ids if they lie above all
 * assigned ones, otherwise new ones. Two users with the same ids could access each other's
 * files. */
static void add_option(struct str *options, const char *option, const struct gap *gap,
		       const struct subid *subid)
{
	uint32_t start, count = SUBID_USUAL_COUNT;

	if (!gap->range || !subid->unused)
		return;
	start = subid->unused;
	if (gap->range->outside >= subid->unused) {
		start = gap->range->outside;
		count = gap->range->count;
	}
	str_addf(options, " %s %u-%u", option, start, start + count - 1);
}

static void describe_given(struct str *text, const struct subid *subid)
{
	for (size_t i = 0; i < subid->n && i < 4; i++)
		str_addf(text, "%s%u-%u", i ? ", " : "", subid->v[i].outside,
			 subid->v[i].outside + subid->v[i].count - 1);
	if (subid->n > 4)
		str_add(text, ", …");
}

struct ownership { /* for uids and gids */
	const char *user;
	uint32_t uid, gid;
	bool in_passwd;
	struct subid subid[2];
	struct gap gap[2];
};

static void gather_ownership(struct arena *arena, const struct idmap_write *write,
			     const struct caller *caller, struct ownership *ret)
{
	const char *name = caller_name_of(arena, caller->uid);

	subid_load(arena, name, caller->uid, &ret->subid[0], &ret->subid[1]);
	ret->gap[0] = find_gap(&write->uid, &ret->subid[0], caller->uid);
	ret->gap[1] = find_gap(&write->gid, &ret->subid[1], caller->gid);
	ret->in_passwd = name != NULL;
	ret->uid = caller->uid;
	ret->gid = caller->gid;
	ret->user = name ? name : arena_strf(arena, "uid %u", caller->uid);
}

static bool explain_gap(const struct ownership *own, enum idmap_explain_which which,
			struct err *err)
{
	static const char *const words[2] = { "uid", "gid" };
	_cleanup_str_ struct str options = { 0 }, given = { 0 };
	const struct subid *subid = &own->subid[which];
	const struct gap *gap = &own->gap[which];

	if (!gap->range)
		return false;
	describe_given(&given, subid);
	if (subid->n) {
		(void)err_set(err, EPERM,
			      "map %ss: host %s %u is not one of those that %s gives to %s (%s)",
			      words[which], words[which], gap->first, subid->source, own->user,
			      str_text(&given));
	} else {
		(void)err_set(err, EPERM, "map %ss: %s has no subordinate %ss: %s", words[which],
			      own->user, words[which], subid->missing);
	}
	add_option(&options, "--add-subuids", &own->gap[0], &own->subid[0]);
	add_option(&options, "--add-subgids", &own->gap[1], &own->subid[1]);
	if (!options.len && !subid->n) {
		err_hint(err,
			 "add some for %s to the source that /etc/nsswitch.conf names for subid, "
			 "or map a single id with --map=single",
			 own->user);
	} else if (!options.len) {
		err_hint(err, "map only ids that %s gives to %s", subid->source, own->user);
	} else if (subid->n) {
		err_hint(err, "map only ids that %s has, or give it more, as root: usermod%s %s",
			 own->user, options.s, own->user);
	} else {
		err_hint(err, "as root: usermod%s %s", options.s, own->user);
	}
	return true;
}

static bool explain_program(struct arena *arena, const struct caller *caller, const char *what,
			    const char *name, struct err *err)
{
	struct probe_helper_result found;

	probe_helper_find(arena, name, caller, &found);
	if (found.state == PROBE_HELPER_OK && probe_helper_is_doubtful(caller))
		found.state = PROBE_HELPER_BOUNDED; /* the helper failed, so the doubt was right */
	if (found.state == PROBE_HELPER_OK)
		return false;
	(void)err_set(err, EPERM, "map %s: %s", what, probe_helper_why(arena, name, &found));
	err_hint(err, "%s", probe_helper_advice(arena, &found));
	return true;
}

/* Falls back to the helper's own message, or to its exit status. */
static void explain_end(const struct idmap_explain_end *end, const char *what, const char *name,
			struct err *err)
{
	if (end->exec_error)
		(void)err_errno(err, end->exec_error, "map %s: execute %s", what, name);
	else if (WIFSIGNALED(end->status)) {
		(void)err_set(err, EIO, "map %s: %s was killed by signal %d", what, name,
			      WTERMSIG(end->status));
	} else if (end->words[0]) {
		(void)err_set(err, EPERM, "map %s", what);
	} else {
		(void)err_set(err, EPERM, "map %s: %s failed with status %d and printed nothing",
			      what, name, WEXITSTATUS(end->status));
	}
}

static void add_words(struct arena *arena, const char *words, struct err *err)
{
	size_t len = strlen(err->text);

	if (words[0])
		(void)snprintf(err->text + len, sizeof(err->text) - len, ": %s",
			       text_of_program(arena, words));
}

/* newuidmap says "Cannot determine your user name". */
static bool explain_unknown_user(const struct ownership *own, const struct idmap_explain_end *end,
				 const char *what, struct err *err)
{
	if (own->in_passwd || !strstr(end->words, "user name"))
		return false;
	(void)err_set(err, EPERM, "map %s: %s has no passwd entry", what, own->user);
	err_hint(err,
		 "as root: { getent group %u || groupadd -g %u u%u; } && useradd -M -u %u -g %u "
		 "u%u (newuidmap and newgidmap need one; --map=single maps a single id without "
		 "them)",
		 own->gid, own->gid, own->gid, own->uid, own->gid, own->uid);
	return true;
}

int idmap_explain_helper(const struct idmap_write *write, pid_t pid,
			 const struct idmap_explain_end *end, struct err *err)
{
	bool gid = end->which == IDMAP_EXPLAIN_GID;
	const char *what = gid ? "gids" : "uids", *name = gid ? "newgidmap" : "newuidmap";
	struct ownership own = { 0 };
	struct arena arena = { 0 };
	struct caller caller;
	int r = caller_gather(&arena, &caller, err);

	if (r < 0)
		return r;
	if (end->timed_out) {
		(void)err_set(err, ETIMEDOUT,
			      "map %s: %s did not finish within 10 s and was killed", what, name);
		err_hint(err,
			 "it queries the passwd and subid sources of /etc/nsswitch.conf: does "
			 "`getent passwd %u` answer?",
			 caller.uid);
	} else if (!explain_program(&arena, &caller, what, name, err) &&
		   !explain_target(pid, gid ? "gid_map" : "uid_map", what, err)) {
		gather_ownership(&arena, write, &caller, &own);
		if (!explain_unknown_user(&own, end, what, err) &&
		    !explain_gap(&own, end->which, err)) {
			explain_end(end, what, name, err);
			if (!probe_apparmor_restricts(err))
				err_hint(err, "without linux.uidMappings, --map=single maps the "
					      "caller's own id alone, and needs no helper");
		}
	}
	add_words(&arena, end->words, err);
	arena_free(&arena);
	return -err->code;
}
