/* SPDX-License-Identifier: Apache-2.0 */
/* Turns our process into the container's: session, kernel settings, ids and capabilities. */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/base/str.h"
#include "src/oci/sysctl.h"
#include "src/sys/privs.h"
#include "src/sys/procfs.h"
#include "src/sys/program.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Another process in the container (a shared pid namespace, exec) must not trace us while we hold
 * host descriptors (CVE-2016-9962); the final exec makes the program traceable again. */
int step_session(struct start *start, struct err *err)
{
	int r = 0;

	privs_set_dumpable(false);
	program_reset_signals(start->plan->facts->caller.signals_ignored);
	(void)setsid(); /* fails only for a session leader */
	/* The kernel clears the parent-death signal at a clone and when the ids change. */
	if (start->plan->flags & (PLAN_STAGER | PLAN_USERNS_NEW | PLAN_USERNS_JOIN))
		r = start_end_with_parent(start, err);
	if (r < 0 || !start->plan->process.keyring)
		return r;
	step_label_keys(start);
	r = privs_join_keyring(start->plan->process.keyring);
	if (r == -EDQUOT)
		start_note(start, "no session keyring of its own: the key quota is exhausted "
				  "(kernel.keys.maxkeys)");
	else if (r < 0)
		start_note(start, "no session keyring of its own: %s", err_why(-r));
	return 0;
}

int step_session_lead(struct start *start, struct err *err)
{
	(void)setsid();
	return start_end_with_parent(start, err);
}

/* Seen with Linux 5.10; 6.1 gives them to the namespace's root. */
static void hint_for_sysctl(const struct start *start, const char *path, struct err *err)
{
	bool userns = start->plan->flags & (PLAN_USERNS_NEW | PLAN_USERNS_JOIN);

	if (userns && err->code == EACCES && !str_starts(path, "sys/net/"))
		err_hint(err, "older kernels let only the host's root set it: not in a container "
			      "with a user namespace");
}

static int set_sysctls(struct start *start, struct err *err)
{
	_cleanup_close_ int context = -1, proc = -1;

	if (!start->plan->n_sysctl)
		return 0;
	if (start->plan->flags & PLAN_PIDNS_JOIN)
		context = step_pidns_proc(start, err);
	proc = procfs_open(context, err);
	if (proc < 0)
		return err_prefix(err, ERR_AT "linux.sysctl");
	for (size_t i = 0; i < start->plan->n_sysctl; i++) {
		const struct json_pair *sysctl = &start->plan->sysctl[i];
		char path[4 + SYSCTL_PATH_MAX] = "sys/";
		/* Writes what was checked: the name in its canonical form. */
		int r = sysctl_path(sysctl->key, path + 4);

		/* This file belongs to the host's root. */
		if (r == 0 && str_equal(path, "sys/kernel/domainname"))
			r = setdomainname(sysctl->value, strlen(sysctl->value)) < 0 ? -errno : 0;
		else if (r == 0)
			r = procfs_write(proc, path, sysctl->value);
		if (r < 0) {
			(void)err_errno(err, -r, ERR_AT "linux.sysctl[\"%s\"]: write \"%s\"",
					sysctl->key, sysctl->value);
			hint_for_sysctl(start, path, err);
			return -err->code;
		}
	}
	return 0;
}

/* In a new namespace only a filter around usrun refuses this, such as podman's. */
static int set_hostname(struct start *start, const char *name, struct err *err)
{
	if (sethostname(name, strlen(name)) == 0)
		return 0;
	(void)err_errno(err, errno, ERR_AT "hostname: set \"%s\"", name);
	if (err->code != EPERM || start->plan->ns.v[PLAN_NS_UTS].action != NS_NEW)
		return -err->code;
	if (!start->plan->options->any_hostname)
		return err_hint(err,
				"the seccomp filter under which usrun runs refuses it: podman's "
				"allows it with --cap-add=SYS_ADMIN");
	*err = (struct err){ 0 };
	start_note(start, "the host name inside is the caller's: the seccomp filter under which "
			  "usrun runs refuses to set it");
	return 0;
}

int step_kernel_settings(struct start *start, struct err *err)
{
	const char *host = start->plan->hostname, *domain = start->plan->domainname;

	if (host && set_hostname(start, host, err) < 0)
		return -err->code;
	if (domain && setdomainname(domain, strlen(domain)) < 0)
		return err_errno(err, errno, ERR_AT "domainname: set \"%s\"", domain);
	return set_sysctls(start, err);
}

/* The container's user must be able to reopen its standard streams by name (/dev/stdout). Devices
 * are left alone, because others share them. */
static void give_stdio(uint32_t uid)
{
	for (int fd = 0; fd <= 2; fd++) {
		struct stat st;

		if (fstat(fd, &st) < 0 || S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode) ||
		    st.st_uid == uid)
			continue;
		if (fchown(fd, uid, (gid_t)-1) <
		    0) /* another user's or a read-only file: leave it */
			continue;
	}
}

/* The planner does not know the mapping of a joined user namespace. */
static int explain_id(const char *kind, uint32_t id, struct err *err)
{
	if (err->code == EINVAL)
		return err_set(err, EINVAL,
			       ERR_AT "process.user.%s: cannot set%s to unmapped %s %u in user "
				      "namespace",
			       kind, kind, kind, id);
	return err_prefix(err, ERR_AT "process.user.%s", kind);
}

static int no_groups(struct err *err)
{
	(void)err_set(err, EPERM,
		      "--additional-gids: setgroups is denied in the container's user namespace");
	return err_hint(
		err, "it has a single id; ranges in /etc/subuid and /etc/subgid give a user more");
}

int step_privs_drop(struct start *start, struct err *err)
{
	const struct process_plan *p = &start->plan->process;
	const uint64_t more = step_seccomp_caps(start);
	int r = 0;

	give_stdio(p->uid);
	(void)umask(p->umask);
	if (p->set_groups)
		r = privs_set_groups(p->groups, p->n_groups, err);
	/* A joined user namespace with a single id denies setgroups: there are no groups to gain or
	 * lose. */
	if (r == -EPERM && (start->plan->flags & PLAN_USERNS_JOIN)) {
		if (p->needs_groups)
			return no_groups(err);
		if (p->n_groups)
			start_note(start,
				   "process.user.additionalGids: ignored, setgroups is denied "
				   "in the joined user namespace");
		r = 0;
	}
	if (r == 0 && privs_set_gid(p->gid, err) < 0)
		return explain_id("gid", p->gid, err);
	/* Dropping from the bounding set needs CAP_SETPCAP, which the change of the uid takes
	 * away. */
	if (r == 0)
		r = privs_drop_bounding(p->caps_bounding, err);
	if (r == 0 && p->uid != 0) /* a change to root keeps them */
		r = privs_keep_caps(err);
	if (r == 0 && privs_set_uid(p->uid, err) < 0)
		return explain_id("uid", p->uid, err);
	if (r == 0)
		r = privs_set_caps(p->caps_permitted | more, p->caps_effective | more,
				   p->caps_inheritable, err);
	/* The kernel requires ambient capabilities to be inheritable. */
	if (r == 0 && (p->caps_inheritable | p->caps_ambient))
		r = privs_set_ambient(p->caps_ambient, err);
	if (r == 0 && p->no_new_privs)
		r = privs_set_no_new_privs(err);
	privs_set_dumpable(false);
	return r < 0 ? err_prefix(err, ERR_AT "process") : 0;
}

/* If its own filter kills a waiting init, nobody learns why. So init tries the calls that it will
 * wait with while its parent still listens. EBADF comes from the kernel itself. */
static int check_filter(const struct start *start, struct err *err)
{
	const unsigned int both = PLAN_WAIT_START | PLAN_SECCOMP | PLAN_SECCOMP_EARLY;

	if ((start->plan->flags & both) != both || accept4(-1, NULL, NULL, SOCK_CLOEXEC) >= 0 ||
	    errno == EBADF)
		return 0;
	return err_errno(err, errno,
			 ERR_AT
			 "linux.seccomp: accept4, by which a created container waits for `start`");
}

int step_release(struct start *start, struct err *err)
{
	int r = check_filter(start, err);

	if (start->plan->flags & PLAN_WAIT_START)
		step_wait_hear_signals();
	if (r == 0 && start->plan->options->sandbox && !start->plan->options->detach)
		return start_end_with_parent(start, err); /* the exec keeps it */
	return r < 0 ? r : privs_outlive_parent(err);
}
