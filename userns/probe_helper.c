/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the findings about newuidmap and newgidmap into words. Pure, because the planner uses it,
 * too. */
#include "userns/probe.h"

#include "src/base/str.h"

#include <linux/capability.h>

/* A setuid-root helper opens the map of another user's process (CAP_DAC_OVERRIDE), which belongs to
 * another user namespace (CAP_SYS_ADMIN). */
bool probe_helper_is_doubtful(const struct caller *caller)
{
	const uint64_t needed = 1ULL << CAP_SETUID | 1ULL << CAP_SETGID | 1ULL << CAP_SYS_ADMIN |
				1ULL << CAP_DAC_OVERRIDE;

	return (caller->caps_bounding & needed) != needed;
}

const char *probe_helper_why(struct arena *arena, const char *name,
			     const struct probe_helper_result *result)
{
	switch (result->state) {
	case PROBE_HELPER_MISSING:
		return arena_strf(arena, "%s is missing (looked in /usr/bin, /bin, /usr/local/bin)",
				  name);
	case PROBE_HELPER_NOT_PRIVILEGED:
		return arena_strf(arena,
				  "%s (%s) is neither setuid root nor has the file capability %s",
				  name, result->path,
				  str_equal(name, "newgidmap") ? "cap_setgid" : "cap_setuid");
	case PROBE_HELPER_NOSUID:
		return arena_strf(arena, "%s (%s) is on a mount with nosuid", name, result->path);
	case PROBE_HELPER_NO_NEW_PRIVS:
		return arena_strf(arena,
				  "%s (%s) cannot gain rights: usrun was started with no_new_privs",
				  name, result->path);
	case PROBE_HELPER_BOUNDED:
		return arena_strf(
			arena,
			"%s (%s) cannot gain its rights: the bounding set of capabilities "
			"that usrun was started with is too small",
			name, result->path);
	case PROBE_HELPER_NOT_EXECUTABLE:
		return arena_strf(arena, "%s (%s) may not be executed by this user", name,
				  result->path);
	case PROBE_HELPER_UNKNOWN:
		return arena_strf(arena, "%s was not looked up", name);
	case PROBE_HELPER_OK:
		break;
	}
	return arena_strf(arena, "%s (%s) is installed and has its rights", name, result->path);
}

const char *probe_helper_advice(struct arena *arena, const struct probe_helper_result *result)
{
	switch (result->state) {
	case PROBE_HELPER_MISSING:
		return "install the package uidmap (Debian, Ubuntu) or shadow-utils (Fedora, RHEL, "
		       "Arch)";
	case PROBE_HELPER_NOT_PRIVILEGED:
		return arena_strf(arena, "as root: chown root %s && chmod u+s %s", result->path,
				  result->path);
	case PROBE_HELPER_NOSUID:
		return arena_strf(arena,
				  "as root: mount -o remount,suid \"$(findmnt -no TARGET -T %s)\"",
				  result->path);
	case PROBE_HELPER_NO_NEW_PRIVS:
		return "start usrun without no_new_privs (systemd: NoNewPrivileges=no), or use one "
		       "id only: --map=single, without linux.uidMappings";
	case PROBE_HELPER_BOUNDED:
		return "leave CAP_SETUID, CAP_SETGID, CAP_SYS_ADMIN and CAP_DAC_OVERRIDE in it "
		       "(systemd: CapabilityBoundingSet=), or use one id only: --map=single, "
		       "without linux.uidMappings";
	case PROBE_HELPER_NOT_EXECUTABLE:
		return arena_strf(arena, "as root: chmod o+rx %s", result->path);
	case PROBE_HELPER_UNKNOWN:
	case PROBE_HELPER_OK:
		break;
	}
	return NULL;
}
