/* SPDX-License-Identifier: Apache-2.0 */
/* Device rules: files of the v1 controller, or a program of the v2 group. */
#include "src/cgroup/driver_priv.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/log.h"
#include "src/cgroup/device_program.h"
#include "src/plan/plan_device_rules.h"
#include "src/sys/bpf.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { MAX_PROGRAMS = 64, LOG_SIZE = 16384, TURNS = 120 };

static int rule_failed(const struct cgroup_device_rule *rule, const char *text, int error,
		       struct err *err)
{
	(void)err_errno(err, error, "config.json: %s: write \"%s\" to devices.%s", rule->json_path,
			text, rule->allow ? "allow" : "deny");
	if (error == EPERM || error == EINVAL)
		err_hint(err,
			 "the cgroup above it allows fewer devices, or has other groups in it");
	return -error;
}

/* The default can be changed only while no group is below: one that was removed just now counts until the
 * kernel has come round to it, a few milliseconds later, and tells nobody. */
static ssize_t write_rule(int fd, const struct cgroup_device_rule *rule, const char *text)
{
	ssize_t n = write(fd, text, strlen(text));

	for (unsigned int turn = 0; n < 0 && errno == EINVAL && rule->type == 'a' && turn < TURNS;
	     turn++) {
		driver_priv_pause(turn);
		n = write(fd, text, strlen(text));
	}
	return n;
}

static int apply_v1(int dir, const struct cgroup_plan *plan, struct err *err)
{
	_cleanup_close_ int allow = openat(dir, "devices.allow", O_WRONLY | O_CLOEXEC);
	_cleanup_close_ int deny = openat(dir, "devices.deny", O_WRONLY | O_CLOEXEC);
	struct arena arena = { 0 };
	int r = allow < 0 || deny < 0
			? err_errno(err, errno, "open the files of the devices controller")
			: 0;

	for (size_t i = 0; r == 0 && i < plan->n_device_rules; i++) {
		const struct cgroup_device_rule *rule = &plan->device_rules[i];
		const char *text = plan_device_rules_text(&arena, rule);
		ssize_t n = write_rule(rule->allow ? allow : deny, rule, text);

		if (n < 0 && rule->required)
			r = rule_failed(rule, text, errno, err);
		else if (n < 0) /* one of ours: an outer container may keep it */
			log_debug("device rule \"%s\": %s", text, err_why(errno));
	}
	arena_free(&arena);
	return r;
}

/* The group of a privileged container needs no program. */
static bool allows_all(const struct cgroup_plan *plan)
{
	bool all = false;

	for (size_t i = 0; i < plan->n_device_rules; i++)
		all = plan->device_rules[i].allow && (all || plan->device_rules[i].type == 'a');
	return all;
}

static int load_failed(const struct bpf_insn *insns, size_t n, int error, struct err *err)
{
	static char words[LOG_SIZE];

	if (error == EINVAL || error == EACCES) {
		int fd = bpf_device_load(insns, n, words, sizeof(words));

		fd_closep(&fd);
		log_debug("the kernel about the device program: %s", words);
	}
	(void)err_errno(err, error,
			"config.json: linux.resources.devices: load the device program");
	if (error == EPERM)
		err_hint(err, "it takes CAP_SYS_ADMIN (or CAP_BPF and CAP_NET_ADMIN) in the first "
			      "user namespace");
	return -error;
}

/* keep 0: none. */
static int detach_all_but(int dir, uint32_t keep, struct err *err)
{
	uint32_t ids[MAX_PROGRAMS];
	int n = bpf_device_list(dir, ids, MAX_PROGRAMS);

	for (int i = 0; i < n && i < MAX_PROGRAMS; i++) {
		int r = ids[i] == keep ? 0 : bpf_device_detach(dir, ids[i]);

		if (r < 0)
			return err_errno(err, -r,
					 "config.json: linux.resources.devices: detach the device "
					 "program %u",
					 ids[i]);
	}
	return 0;
}

/* All programs of a group must allow an access. The new one goes on first, so that there is no moment
 * without; one from before this call (an update) then goes off. */
static int attach(int dir, int program, bool keep, struct err *err)
{
	uint32_t own;
	int n = bpf_device_attach(dir, program);

	if (n < 0)
		return err_errno(err, -n,
				 "config.json: linux.resources.devices: attach the device program");
	if (keep) /* the other is systemd's, and says no more than this one */
		return 0;
	own = bpf_program_id(program);
	if (!own)
		return err_set(err, EIO,
			       "config.json: linux.resources.devices: the kernel does not name the "
			       "device program, so an older one cannot be told from it");
	return detach_all_but(dir, own, err);
}

static int apply_v2(int dir, const struct cgroup_plan *plan, struct err *err)
{
	_cleanup_close_ int program = -1;
	const struct bpf_insn *insns;
	struct arena arena = { 0 };
	size_t n;
	int r;

	if (allows_all(plan))
		return plan->unit ? 0 : detach_all_but(dir, 0, err);
	r = device_program_compile(&arena, plan->device_rules, plan->n_device_rules, &insns, &n,
				   err);
	if (r == 0)
		program = bpf_device_load(insns, n, NULL, 0);
	if (r == 0 && program < 0)
		r = load_failed(insns, n, -program, err);
	arena_free(&arena);
	return r < 0 ? r : attach(dir, program, plan->unit, err);
}

int driver_priv_apply_devices(const struct cgroup *cgroup, const struct cgroup_plan *plan,
			      struct err *err)
{
	int v1 = driver_priv_find(cgroup, "devices"), v2 = driver_priv_v2(cgroup), r = 0;
	bool asked = plan->resources && plan->resources->devices.n;

	if (v1 >= 0)
		return apply_v1(cgroup->fds[v1], plan, err);
	if (v2 >= 0)
		r = apply_v2(cgroup->fds[v2], plan, err);
	if (r < 0 && !asked) {
		log_debug("%s", err->text);
		return 0;
	}
	return r;
}
