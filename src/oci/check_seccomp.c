/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/json_text.h"
#include "src/oci/check_parts.h"
#include "src/oci/names.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_ERRNO = 4095 }; /* the kernel returns larger ones as this */

static int check_errno(struct check *check, int action, const struct json_uint *value)
{
	if (!value->set)
		return 0;
	if (action != OCI_SECCOMP_ERRNO && action != OCI_SECCOMP_TRACE)
		return check_fail(check, "%s has no error number",
				  json_read_enum_name(names_seccomp_actions, action));
	if (action == OCI_SECCOMP_ERRNO && value->v > MAX_ERRNO)
		return check_fail(check, "expected an integer from 0 to %d, got %" PRIu64,
				  MAX_ERRNO, value->v);
	return 0;
}

static bool is_known_arch(const char *name)
{
	for (const char *const *arch = names_seccomp_archs; *arch; arch++)
		if (strcmp(*arch, name) == 0)
			return true;
	return false;
}

static int check_archs(struct check *check, const struct oci_seccomp *seccomp)
{
	char shown[JSON_TEXT_QUOTE];

	for (size_t i = 0; i < seccomp->architectures.n; i++) {
		if (is_known_arch(seccomp->architectures.v[i]))
			continue;
		check_at(check, "linux.seccomp.architectures[%zu]", i);
		return check_fail(check, "expected a name like \"SCMP_ARCH_X86_64\", got %s",
				  json_text_quote(shown, seccomp->architectures.v[i]));
	}
	return 0;
}

static int check_syscalls(struct check *check, const struct oci_seccomp *seccomp, bool receiver)
{
	for (size_t i = 0; i < seccomp->syscalls.n; i++) {
		const struct oci_syscall *call = &seccomp->syscalls.v[i];
		int r;

		check_at(check, "linux.seccomp.syscalls[%zu].errnoRet", i);
		r = check_errno(check, call->action, &call->errno_ret);
		if (r < 0)
			return r;
		if (call->action != OCI_SECCOMP_NOTIFY || receiver)
			continue;
		check_at(check, "linux.seccomp.syscalls[%zu].action", i);
		return check_fail(check, "SCMP_ACT_NOTIFY needs listenerPath");
	}
	return 0;
}

int check_seccomp(struct check *check, const struct oci_seccomp *seccomp, bool receiver)
{
	int r;

	receiver = receiver || seccomp->listener_path;
	check_at(check, "linux.seccomp.defaultAction");
	/* The agent gets its descriptor from a process that is already under the filter. */
	if (seccomp->default_action == OCI_SECCOMP_NOTIFY)
		return check_fail(check, "SCMP_ACT_NOTIFY cannot be the default: it would stop the "
					 "calls that hand the filter over to the agent");
	check_at(check, "linux.seccomp.defaultErrnoRet");
	r = check_errno(check, seccomp->default_action, &seccomp->default_errno_ret);
	if (r < 0)
		return r;
	check_at(check, "linux.seccomp.listenerMetadata");
	if (seccomp->listener_metadata && !receiver)
		return check_fail(check, "given without listenerPath");
	r = check_archs(check, seccomp);
	return r < 0 ? r : check_syscalls(check, seccomp, receiver);
}
