/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup v2: a cgroup has the controllers that its parent passes on, either holds processes or
 * passes controllers on itself, and takes its device rules as a BPF program. */
#include "src/cgroup/v2.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/cgroup/device_program.h"
#include "src/sys/bpf.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORDS_MAX = 512, MAX_PROGRAMS = 64, LOG_SIZE = 16384 };
#define ASIDE "usrun.runtime"

static const struct cgroup_write *find_need(const struct cgroup_plan *plan, const char *controller)
{
	for (size_t i = 0; i < plan->n_writes; i++)
		if (plan->writes[i].required && !plan->writes[i].may_miss &&
		    (plan->place.kind == CGROUP_DRIVER_V2 || plan->writes[i].unified) &&
		    str_equal(plan->writes[i].controller, controller))
			return &plan->writes[i];
	return NULL;
}

/* The kernel's "no internal processes" rule keeps a delegated cgroup from passing controllers on
 * while usrun itself is in it. If usrun is alone there (`systemd-run --scope -p Delegate=yes usrun
 * …`), it moves into a child, which v2_remove_aside() removes. */
static int step_aside(int dir)
{
	char text[64];
	int r = (int)io_read_small(dir, "cgroup.procs", text, sizeof(text));

	if (r <= 0 || strchr(text, '\n') || atol(text) != (long)getpid())
		return -EBUSY;
	if (mkdirat(dir, ASIDE, 0755) < 0 && errno != EEXIST)
		return -errno;
	return io_write_at(dir, ASIDE "/cgroup.procs", "0");
}

/* Fails, as intended, while the child is populated. */
void v2_remove_aside(const struct cgroup_dir *dir)
{
	struct group_path buf;
	size_t len = strlen(group_path(dir, &buf));
	char *slash = strrchr(buf.text, '/');

	if (!len || !slash || (size_t)(slash - buf.text) + sizeof("/" ASIDE) > sizeof(buf.text))
		return;
	(void)strcpy(slash, "/" ASIDE);
	(void)rmdir(buf.text);
}

/* A populated cgroup that is not the root of the tree. The kernel would let it pass cpu, pids and
 * cpuset on, but that makes it the root of a threaded subtree, and its children then accept no
 * processes any more. */
static bool is_occupied(int dir)
{
	char text[64];

	return io_read_small(dir, "cgroup.type", text, sizeof(text)) > 0 &&
	       io_read_small(dir, "cgroup.procs", text, sizeof(text)) != 0;
}

static int pass_failed(const struct cgroup_write *need, const char *name, int error,
		       struct err *err)
{
	(void)err_errno(err, error,
			ERR_AT "%s: enable the cgroup controller `%s` for the cgroups below `%s`",
			need->json_path, need->controller, name);
	if (error == EBUSY)
		err_hint(err,
			 "a cgroup with processes in it cannot enable controllers for its "
			 "children: start usrun alone in a delegated cgroup%s",
			 access("/run/systemd/system", F_OK) == 0
				 ? " (systemd-run --user --scope -p Delegate=yes usrun ...)"
				 : "");
	if (error == EOPNOTSUPP)
		err_hint(err, "that cgroup is threaded, and threaded cgroups have no memory or I/O "
			      "controllers");
	return -error;
}

static int pass_one(const struct cgroup_plan *plan, int dir, const char *name,
		    const char *controller, struct err *err)
{
	const struct cgroup_write *need = find_need(plan, controller);
	char word[WORDS_MAX + 1];
	int r = -EBUSY;

	(void)snprintf(word, sizeof(word), "+%s", controller);
	if (!is_occupied(dir) || (need && step_aside(dir) == 0))
		r = io_write_at(dir, "cgroup.subtree_control", word);
	if (r < 0 && need)
		return pass_failed(need, name, -r, err);
	if (r < 0) /* the config does not need it */
		log_debug("cgroup %s: controller %s is not passed on: %s", name, controller,
			  err_why(-r));
	return 0;
}

static int check_needs(const struct cgroup_plan *plan, const char *has, const char *name,
		       struct err *err)
{
	for (size_t i = 0; i < plan->n_writes; i++) {
		const struct cgroup_write *w = &plan->writes[i];

		if (!find_need(plan, w->controller) || str_equal(w->controller, "cgroup") ||
		    str_has_word(has, w->controller, ' '))
			continue;
		(void)err_set(err, ENODEV,
			      ERR_AT "%s: the requested cgroup controller `%s` is not available in "
				     "the cgroup `%s` (available: %s)",
			      w->json_path, w->controller, name, *has ? has : "none");
		return err_hint(err, "for a user, as root: add a drop-in to user@.service with "
				     "[Service] Delegate=cpu cpuset io memory pids");
	}
	return 0;
}

int v2_check_needs(const struct cgroup_plan *plan, int dir, const char *name, struct err *err)
{
	char has[WORDS_MAX] = "";

	return io_read_small(dir, "cgroup.controllers", has, sizeof(has)) < 0
		       ? 0
		       : check_needs(plan, has, name, err);
}

int v2_pass_needs(const struct cgroup_plan *plan, int dir, const char *name, struct err *err)
{
	char passed[WORDS_MAX] = "";
	int r = v2_check_needs(plan, dir, name, err);

	if (r == 0)
		(void)!io_read_small(dir, "cgroup.subtree_control", passed, sizeof(passed));
	for (size_t i = 0; r == 0 && i < plan->n_writes; i++) {
		const char *controller = plan->writes[i].controller;

		if (find_need(plan, controller) && !str_equal(controller, "cgroup") &&
		    !str_has_word(passed, controller, ' '))
			r = pass_one(plan, dir, name, controller, err);
	}
	return r;
}

int v2_pass_on(const struct cgroup_plan *plan, int dir, const char *name, struct err *err)
{
	char has[WORDS_MAX] = "", passed[WORDS_MAX] = "", all[2 * WORDS_MAX] = "", *save = NULL;
	size_t len = 0;
	int r = 0;

	if (io_read_small(dir, "cgroup.controllers", has, sizeof(has)) <= 0 ||
	    io_read_small(dir, "cgroup.subtree_control", passed, sizeof(passed)) < 0)
		*passed = '\0'; /* if this matters, the writes below report it */
	r = check_needs(plan, has, name, err);
	for (char *word = strtok_r(has, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (!str_has_word(passed, word, ' '))
			len += (size_t)snprintf(all + len, sizeof(all) - len, "%s+%s",
						len ? " " : "", word);
	if (r < 0 || !len ||
	    (!is_occupied(dir) && io_write_at(dir, "cgroup.subtree_control", all) == 0))
		return r;
	for (char *word = strtok_r(all, " ", &save); r == 0 && word;
	     word = strtok_r(NULL, " ", &save))
		r = pass_one(plan, dir, name, word + 1, err);
	return r;
}

/* A cgroup that passes controllers on cannot hold processes. Even after its children are gone the
 * setting remains; without children it can be cleared. */
int v2_keep_controllers(const struct cgroup_dir *dir, int fd, struct err *err)
{
	char text[256], less[2 * sizeof(text)] = "", *save = NULL;
	size_t len = 0;
	int r;

	if (io_read_small(fd, "cgroup.subtree_control", text, sizeof(text)) <= 0)
		return 0;
	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		len += (size_t)snprintf(less + len, sizeof(less) - len, "%s-%s", len ? " " : "",
					word);
	r = io_write_at(fd, "cgroup.subtree_control", less);
	return r < 0 ? err_errno(err, -r,
				 "container's cgroup %s%s has child cgroups that are in use",
				 dir->mount, dir->path)
		     : 0;
}

int v2_wait_event(int dir, const char *word, long long deadline)
{
	_cleanup_close_ int events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	struct pollfd fd = { .fd = events, .events = POLLPRI };

	if (events < 0)
		return -errno;
	for (;;) {
		char text[256] = "";
		ssize_t n = pread(events, text, sizeof(text) - 1, 0);
		int left = clock_left(deadline);

		if (n < 0)
			return -errno;
		if (strstr(text, word))
			return 0;
		if (!left)
			return -ETIMEDOUT;
		(void)poll(&fd, 1, left);
	}
}

int v2_freeze(int dir, bool freeze, long long deadline, struct err *err)
{
	int r = io_write_at(dir, "cgroup.freeze", freeze ? "1" : "0");

	if (r == 0)
		r = v2_wait_event(dir, freeze ? "frozen 1" : "frozen 0", deadline);
	if (r < 0 && freeze)
		(void)io_write_at(dir, "cgroup.freeze", "0");
	if (r == -ETIMEDOUT)
		return r;
	return r < 0 ? err_errno(err, -r, "%s the container by cgroup.freeze",
				 freeze ? "freeze" : "thaw")
		     : 0;
}

/* A privileged container's cgroup needs no program. */
static bool allows_all(const struct cgroup_plan *plan)
{
	bool all = false;

	for (size_t i = 0; i < plan->n_device_rules; i++)
		all = plan->device_rules[i].allow && (all || plan->device_rules[i].type == 'a');
	return all;
}

static int load_failed(const struct bpf_insn *insns, size_t n, int error, struct err *err)
{
	char words[LOG_SIZE] = "";

	if (error == EINVAL || error == EACCES) {
		int fd = bpf_device_load(insns, n, words, sizeof(words));

		fd_closep(&fd);
		log_debug("the kernel about the device program: %s", words);
	}
	(void)err_errno(err, error, ERR_AT "linux.resources.devices: load the device program");
	if (error == EPERM)
		err_hint(err, "this needs CAP_SYS_ADMIN, or CAP_BPF and CAP_NET_ADMIN, in the "
			      "initial user namespace");
	return -error;
}

/* program -1: detaches all. */
static int detach_all_but(int dir, int program, struct err *err)
{
	uint32_t ids[MAX_PROGRAMS], keep = 0;
	int n = bpf_device_list(dir, ids, MAX_PROGRAMS);

	/* Who may not ask, or has a kernel without them, has attached none. */
	if (program < 0 && (n == -EPERM || n == -EACCES || n == -ENOSYS || n == -EINVAL))
		return 0;
	if (n < 0)
		return err_errno(err, -n,
				 ERR_AT "linux.resources.devices: list the device programs");
	if (program >= 0 && n == 1) /* the only one is the one just attached */
		return 0;
	if (program >= 0)
		keep = bpf_program_id(program);
	if (program >= 0 && !keep)
		return err_set(err, EIO,
			       ERR_AT "linux.resources.devices: the kernel gives no id for the "
				      "device program, so an older one cannot be told apart");
	for (int i = 0; i < n && i < MAX_PROGRAMS; i++) {
		int r = ids[i] == keep ? 0 : bpf_device_detach(dir, ids[i]);

		if (r < 0)
			return err_errno(err, -r,
					 ERR_AT "linux.resources.devices: detach the device "
						"program %u",
					 ids[i]);
	}
	return 0;
}

/* An access must be allowed by all programs of a cgroup. The new program is attached first, so that
 * the cgroup is never without one; the old one (of an update) is detached afterwards. */
static int attach(int dir, int program, bool keep, struct err *err)
{
	int n = bpf_device_attach(dir, program);

	if (n < 0)
		return err_errno(err, -n,
				 ERR_AT "linux.resources.devices: attach the device program");
	if (keep) /* the other one is systemd's, with the same rules */
		return 0;
	return detach_all_but(dir, program, err);
}

int v2_apply_devices(int dir, const struct cgroup_plan *plan, struct err *err)
{
	_cleanup_close_ int program = -1;
	const struct bpf_insn *insns;
	struct arena arena = { 0 };
	size_t n;
	int r;

	if (allows_all(plan))
		return plan->unit ? 0 : detach_all_but(dir, -1, err);
	r = device_program_compile(&arena, plan->device_rules, plan->n_device_rules, &insns, &n,
				   err);
	if (r == 0)
		program = bpf_device_load(insns, n, NULL, 0);
	if (r == 0 && program < 0)
		r = load_failed(insns, n, -program, err);
	arena_free(&arena);
	return r < 0 ? r : attach(dir, program, plan->unit, err);
}
