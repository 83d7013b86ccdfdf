/* SPDX-License-Identifier: Apache-2.0 */
/* v2: a group has the controllers that its parent passes on. */
#include "src/cgroup/driver_priv.h"

#include "src/base/io.h"
#include "src/base/log.h"
#include "src/base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORDS_MAX = 512 };

static const struct cgroup_write *find_need(const struct cgroup_plan *plan, const char *controller)
{
	for (size_t i = 0; i < plan->n_writes; i++)
		if (plan->writes[i].required && !plan->writes[i].may_miss &&
		    str_equal(plan->writes[i].controller, controller))
			return &plan->writes[i];
	return NULL;
}

/* The kernel's "no internal processes" rule keeps a delegated group from passing controllers on while usrun
 * itself is in it. When it is alone there (`systemd-run --scope -p Delegate=yes usrun …`), it steps aside
 * into a group below; driver_remove() takes that away. */
static int step_aside(int dir)
{
	char text[64];
	int r = (int)io_read_small(dir, "cgroup.procs", text, sizeof(text));

	if (r <= 0 || strchr(text, '\n') || atol(text) != (long)getpid())
		return -EBUSY;
	if (mkdirat(dir, "usrun.runtime", 0755) < 0 && errno != EEXIST)
		return -errno;
	return io_write_at(dir, "usrun.runtime/cgroup.procs", "0");
}

/* A group that holds processes itself, and is not the root of the tree. The kernel would let it pass cpu, pids
 * and cpuset on, and make it the root of a threaded subtree by that: then no process can be put into the
 * groups below it any more. */
static bool is_occupied(int dir)
{
	char text[64];

	return io_read_small(dir, "cgroup.type", text, sizeof(text)) > 0 &&
	       io_read_small(dir, "cgroup.procs", text, sizeof(text)) != 0;
}

static int pass_failed(const struct cgroup_write *need, const char *name, int error,
		       struct err *err)
{
	(void)err_errno(
		err, error,
		"config.json: %s: pass the cgroup controller `%s` on to the groups below `%s`",
		need->json_path, need->controller, name);
	if (error == EBUSY)
		err_hint(err, "processes are in that group itself, and cgroup v2 lets no group "
			      "both hold processes "
			      "and pass controllers on: start usrun alone in a delegated group "
			      "(systemd-run --user "
			      "--scope -p Delegate=yes usrun ...)");
	if (error == EOPNOTSUPP)
		err_hint(err, "that group is threaded, and such a group has no controllers of "
			      "memory and I/O");
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
	if (r < 0) /* nothing in the config needs it */
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
		    driver_priv_has(has, w->controller, ' '))
			continue;
		(void)err_set(
			err, ENODEV,
			"config.json: %s: the requested cgroup controller `%s` is not available in "
			"the group `%s` (available: %s)",
			w->json_path, w->controller, name, *has ? has : "none");
		err_hint(err, "for a user: a drop-in for user@.service with [Service] Delegate=cpu "
			      "cpuset io memory pids");
		return -ENODEV;
	}
	return 0;
}

int driver_priv_check_needs(const struct cgroup_plan *plan, int dir, const char *name,
			    struct err *err)
{
	char has[WORDS_MAX] = "";

	return io_read_small(dir, "cgroup.controllers", has, sizeof(has)) < 0
		       ? 0
		       : check_needs(plan, has, name, err);
}

int driver_priv_pass_needs(const struct cgroup_plan *plan, int dir, const char *name,
			   struct err *err)
{
	char passed[WORDS_MAX] = "";
	int r = driver_priv_check_needs(plan, dir, name, err);

	if (r == 0)
		(void)!io_read_small(dir, "cgroup.subtree_control", passed, sizeof(passed));
	for (size_t i = 0; r == 0 && i < plan->n_writes; i++) {
		const char *controller = plan->writes[i].controller;

		if (find_need(plan, controller) && !str_equal(controller, "cgroup") &&
		    !driver_priv_has(passed, controller, ' '))
			r = pass_one(plan, dir, name, controller, err);
	}
	return r;
}

int driver_priv_pass_on(const struct cgroup_plan *plan, int dir, const char *name, struct err *err)
{
	char has[WORDS_MAX] = "", passed[WORDS_MAX] = "", all[2 * WORDS_MAX] = "", *save = NULL;
	size_t len = 0;
	int r = 0;

	if (io_read_small(dir, "cgroup.controllers", has, sizeof(has)) < 0 ||
	    io_read_small(dir, "cgroup.subtree_control", passed, sizeof(passed)) < 0)
		*passed = '\0'; /* the writes will tell why, if they matter */
	r = check_needs(plan, has, name, err);
	for (char *word = strtok_r(has, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (!driver_priv_has(passed, word, ' '))
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
