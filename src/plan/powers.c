/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/powers.h"

#include <linux/capability.h>

static bool has(const struct caller *caller, int cap)
{
	return caller->caps_effective & (1ULL << cap);
}

static bool helpers_work(const struct facts *facts)
{
	return facts->newuidmap.state == PROBE_HELPER_OK &&
	       facts->newgidmap.state == PROBE_HELPER_OK && facts->subuid.n > 0 &&
	       facts->subgid.n > 0;
}

uint32_t powers_derive(const struct facts *facts, bool new_userns)
{
	const struct caller *caller = &facts->caller;
	uint32_t powers = 0;

	if (has(caller, CAP_SYS_ADMIN))
		powers |= POWER_NAMESPACES;
	if (has(caller, CAP_SETUID) && has(caller, CAP_SETGID))
		powers |= POWER_MAP_DIRECT;
	if (helpers_work(facts))
		powers |= POWER_MAP_HELPER;
	/* open_tree(OPEN_TREE_CLONE) requires CAP_SYS_ADMIN in the user namespace that owns the
	 * mount namespace. A caller that created both (podman) has it, one that only entered a user
	 * namespace does not. */
	if (has(caller, CAP_SYS_ADMIN) && caller->owns_mounts)
		powers |= POWER_OPEN_MOUNTS;
	/* The kernel creates device nodes only for the initial user namespace. */
	if (caller->initial_userns && !new_userns && has(caller, CAP_MKNOD))
		powers |= POWER_MKNOD;
	if (caller->initial_userns && has(caller, CAP_DAC_OVERRIDE) && has(caller, CAP_SYS_ADMIN))
		powers |= POWER_OWN_CGROUPS;
	/* Resource limits are checked against the initial user namespace. */
	if (caller->initial_userns && has(caller, CAP_SYS_RESOURCE))
		powers |= POWER_RAISE_LIMITS;
	if (caller->initial_userns && has(caller, CAP_SYS_NICE))
		powers |= POWER_RAISE_PRIORITY;
	/* Checked against the owner of the network namespace, which may be podman's own. */
	if (has(caller, CAP_NET_ADMIN))
		powers |= POWER_MOVE_LINKS;
	/* Checked against the namespace in which our image was executed, which is the caller's. */
	if (has(caller, CAP_SYS_PTRACE))
		powers |= POWER_TRACE;
	/* A user namespace below one that denies setgroups() inherits that. */
	if (caller->setgroups_allowed &&
	    (new_userns ? powers & (POWER_MAP_DIRECT | POWER_MAP_HELPER) : has(caller, CAP_SETGID)))
		powers |= POWER_SETGROUPS;
	return powers;
}

const char *powers_name(unsigned int bit)
{
	static const char names[][16] = {
		"namespaces",     "map-direct",  "map-helper",   "open-mounts",
		"mknod",          "own-cgroups", "raise-limits", "setgroups",
		"raise-priority", "move-links",  "trace",
	};

	return bit < sizeof(names) / sizeof(names[0]) ? names[bit] : NULL;
}
