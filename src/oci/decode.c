/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of config.md, innermost objects first, and the functions that use them. */
#include "src/oci/decode.h"

#include "src/base/str.h"
#include "src/oci/decode_linux.h"
#include "src/oci/names.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The fields of struct winsize have 16 bits. */
static const struct json_field console_size_fields[] = {
	{ "height", JSON_UINT, JSON_REQUIRED, AT(oci_console_size, height),
	  JSON_RANGE(.umax = UINT16_MAX) },
	{ "width", JSON_UINT, JSON_REQUIRED, AT(oci_console_size, width),
	  JSON_RANGE(.umax = UINT16_MAX) },
};
static const struct json_type console_size_type = TYPE(oci_console_size, console_size_fields);

/* The specification's text requires uid and gid, its schema does not; no client writes null. */
static const struct json_field user_fields[] = {
	{ "uid", JSON_UINT, JSON_NOT_NULL, AT(oci_user, uid), JSON_RANGE(.umax = UINT32_MAX) },
	{ "gid", JSON_UINT, JSON_NOT_NULL, AT(oci_user, gid), JSON_RANGE(.umax = UINT32_MAX) },
	{ "umask", JSON_UINT, 0, AT(oci_user, umask), JSON_RANGE(.umax = 0777) },
	{ "additionalGids", JSON_INTS, 0, AT(oci_user, additional_gids),
	  JSON_RANGE(.imax = UINT32_MAX) },
};
static const struct json_type user_type = TYPE(oci_user, user_fields);

static const struct json_field capabilities_fields[] = {
	{ "bounding", JSON_STRINGS, 0, AT(oci_capabilities, bounding) },
	{ "effective", JSON_STRINGS, 0, AT(oci_capabilities, effective) },
	{ "inheritable", JSON_STRINGS, 0, AT(oci_capabilities, inheritable) },
	{ "permitted", JSON_STRINGS, 0, AT(oci_capabilities, permitted) },
	{ "ambient", JSON_STRINGS, 0, AT(oci_capabilities, ambient) },
};
static const struct json_type capabilities_type = TYPE(oci_capabilities, capabilities_fields);

static const struct json_field rlimit_fields[] = {
	{ "type", JSON_ENUM, JSON_REQUIRED, AT(oci_rlimit, type), .names = names_rlimits },
	{ "hard", JSON_UINT, JSON_REQUIRED, AT(oci_rlimit, hard), JSON_RANGE(.umax = UINT64_MAX) },
	{ "soft", JSON_UINT, JSON_REQUIRED, AT(oci_rlimit, soft), JSON_RANGE(.umax = UINT64_MAX) },
};
static const struct json_type rlimit_type = TYPE(oci_rlimit, rlimit_fields);

static const struct json_field scheduler_fields[] = {
	{ "policy", JSON_ENUM, JSON_REQUIRED, AT(oci_scheduler, policy),
	  .names = names_sched_policies },
	{ "nice", JSON_INT, 0, AT(oci_scheduler, nice), JSON_RANGE(.imin = -20, .imax = 19) },
	{ "priority", JSON_INT, 0, AT(oci_scheduler, priority), JSON_RANGE(.imin = 0, .imax = 99) },
	{ "flags", JSON_ENUMS, 0, AT(oci_scheduler, flags), .names = names_sched_flags },
	{ "runtime", JSON_UINT, 0, AT(oci_scheduler, runtime), JSON_RANGE(.umax = UINT64_MAX) },
	{ "deadline", JSON_UINT, 0, AT(oci_scheduler, deadline), JSON_RANGE(.umax = UINT64_MAX) },
	{ "period", JSON_UINT, 0, AT(oci_scheduler, period), JSON_RANGE(.umax = UINT64_MAX) },
};
static const struct json_type scheduler_type = TYPE(oci_scheduler, scheduler_fields);

static const struct json_field io_priority_fields[] = {
	{ "class", JSON_ENUM, JSON_REQUIRED, AT(oci_io_priority, io_class),
	  .names = names_io_classes },
	{ "priority", JSON_INT, 0, AT(oci_io_priority, priority), JSON_RANGE(.imax = 7) },
};
static const struct json_type io_priority_type = TYPE(oci_io_priority, io_priority_fields);

static const struct json_field cpu_affinity_fields[] = {
	{ "initial", JSON_STRING, 0, AT(oci_cpu_affinity, initial) },
	{ "final", JSON_STRING, 0, AT(oci_cpu_affinity, final) },
};
static const struct json_type cpu_affinity_type = TYPE(oci_cpu_affinity, cpu_affinity_fields);

static const struct json_field process_fields[] = {
	{ "terminal", JSON_BOOL, 0, AT(oci_process, terminal) },
	{ "consoleSize", JSON_OBJECT, JSON_LENIENT, AT(oci_process, console_size),
	  .type = &console_size_type },
	{ "user", JSON_OBJECT, 0, AT(oci_process, user), .type = &user_type },
	{ "args", JSON_STRINGS, JSON_NOT_EMPTY, AT(oci_process, args) },
	{ "env", JSON_STRINGS, 0, AT(oci_process, env) },
	{ "cwd", JSON_STRING, JSON_REQUIRED | JSON_ABSOLUTE, AT(oci_process, cwd) },
	{ "capabilities", JSON_OBJECT, 0, AT(oci_process, capabilities),
	  .type = &capabilities_type },
	{ "rlimits", JSON_OBJECTS, 0, AT(oci_process, rlimits), .type = &rlimit_type },
	{ "noNewPrivileges", JSON_BOOL, 0, AT(oci_process, no_new_privileges) },
	{ "apparmorProfile", JSON_STRING, 0, AT(oci_process, apparmor_profile) },
	{ "oomScoreAdj", JSON_INT, 0, AT(oci_process, oom_score_adj),
	  JSON_RANGE(.imin = -1000, .imax = 1000) },
	{ "selinuxLabel", JSON_STRING, 0, AT(oci_process, selinux_label) },
	{ "ioPriority", JSON_OBJECT, 0, AT(oci_process, io_priority), .type = &io_priority_type },
	{ "scheduler", JSON_OBJECT, 0, AT(oci_process, scheduler), .type = &scheduler_type },
	{ "execCPUAffinity", JSON_OBJECT, 0, AT(oci_process, exec_cpu_affinity),
	  .type = &cpu_affinity_type },
};
static const struct json_type process_type = TYPE(oci_process, process_fields);

_Static_assert(AT(oci_process, console_size_error) ==
		       AT(oci_process, console_size) + sizeof(void *),
	       "JSON_LENIENT puts the error behind the pointer");

static const struct json_field root_fields[] = {
	{ "path", JSON_STRING, JSON_REQUIRED | JSON_NOT_EMPTY, AT(oci_root, path) },
	{ "readonly", JSON_BOOL, 0, AT(oci_root, readonly) },
};
static const struct json_type root_type = TYPE(oci_root, root_fields);

static const struct json_field mount_fields[] = {
	{ "destination", JSON_STRING, JSON_REQUIRED | JSON_NOT_EMPTY, AT(oci_mount, destination) },
	{ "type", JSON_STRING, 0, AT(oci_mount, type) },
	{ "source", JSON_STRING, 0, AT(oci_mount, source) },
	{ "options", JSON_STRINGS, 0, AT(oci_mount, options) },
	{ "uidMappings", JSON_OBJECTS, 0, AT(oci_mount, uid_mappings),
	  .type = &decode_linux_id_mapping_type },
	{ "gidMappings", JSON_OBJECTS, 0, AT(oci_mount, gid_mappings),
	  .type = &decode_linux_id_mapping_type },
};
static const struct json_type mount_type = TYPE(oci_mount, mount_fields);

static const struct json_field hook_fields[] = {
	{ "path", JSON_STRING, JSON_REQUIRED | JSON_ABSOLUTE, AT(oci_hook, path) },
	{ "args", JSON_STRINGS, 0, AT(oci_hook, args) },
	{ "env", JSON_STRINGS, 0, AT(oci_hook, env) },
	/* the waiting code counts milliseconds in a larger type */
	{ "timeout", JSON_INT, 0, AT(oci_hook, timeout), JSON_RANGE(.imin = 1, .imax = INT_MAX) },
};
static const struct json_type hook_type = TYPE(oci_hook, hook_fields);

static const struct json_field hooks_fields[] = {
	{ "prestart", JSON_OBJECTS, 0, AT(oci_hooks, prestart), .type = &hook_type },
	{ "createRuntime", JSON_OBJECTS, 0, AT(oci_hooks, create_runtime), .type = &hook_type },
	{ "createContainer", JSON_OBJECTS, 0, AT(oci_hooks, create_container), .type = &hook_type },
	{ "startContainer", JSON_OBJECTS, 0, AT(oci_hooks, start_container), .type = &hook_type },
	{ "poststart", JSON_OBJECTS, 0, AT(oci_hooks, poststart), .type = &hook_type },
	{ "poststop", JSON_OBJECTS, 0, AT(oci_hooks, poststop), .type = &hook_type },
};
static const struct json_type hooks_type = TYPE(oci_hooks, hooks_fields);

static const struct json_field config_fields[] = {
	{ "ociVersion", JSON_STRING, JSON_REQUIRED, AT(oci_config, oci_version) },
	{ "process", JSON_OBJECT, 0, AT(oci_config, process), .type = &process_type },
	{ "root", JSON_OBJECT, JSON_REQUIRED, AT(oci_config, root), .type = &root_type },
	{ "hostname", JSON_STRING, 0, AT(oci_config, hostname) },
	{ "domainname", JSON_STRING, 0, AT(oci_config, domainname) },
	{ "mounts", JSON_OBJECTS, 0, AT(oci_config, mounts), .type = &mount_type },
	{ "hooks", JSON_OBJECT, 0, AT(oci_config, hooks), .type = &hooks_type },
	{ "annotations", JSON_STRING_MAP, JSON_NOT_EMPTY, AT(oci_config, annotations) },
	{ "linux", JSON_OBJECT, 0, AT(oci_config, linux_), .type = &decode_linux_type },
};
static const struct json_type config_type = TYPE(oci_config, config_fields);

/* NULL with err filled if the text is rejected. */
static void *decode(struct arena *arena, const char *file, const char *text, size_t len,
		    const struct json_type *type, struct err *err)
{
	static const struct json_limits limits = {
		.depth = DECODE_MAX_DEPTH,
		.string = DECODE_MAX_STRING,
	};
	void *value = arena_alloc(arena, type->size);

	if (len > DECODE_MAX_FILE) {
		(void)err_set(err, EFBIG, "%s%sthe file is larger than %d MiB", file ? file : "",
			      file ? ": " : "", DECODE_MAX_FILE / (1024 * 1024));
		return NULL;
	}
	return json_read(arena, file, text, len, type, &limits, value, err) < 0 ? NULL : value;
}

/* Since 1.3.0, 0 means no process at all. Before, and in updates, which carry no version, clients
 * write it for "no limit". */
static void no_pids_limit(const struct oci_resources *resources)
{
	struct oci_pids *pids = (void *)(uintptr_t)resources->pids; /* not shared yet */

	if (pids && pids->limit.set && pids->limit.v == 0)
		pids->limit.v = -1;
}

static bool is_before_1_3(const char *version)
{
	return version && (str_starts(version, "0.") || str_starts(version, "1.0") ||
			   str_starts(version, "1.1.") || str_starts(version, "1.2."));
}

int decode_config(struct arena *arena, const char *file, const char *text, size_t len,
		  const struct oci_config **ret, struct err *err)
{
	const struct oci_config *config = decode(arena, file, text, len, &config_type, err);

	if (!config)
		return -err->code;
	if (is_before_1_3(config->oci_version) && config->linux_ && config->linux_->resources)
		no_pids_limit(config->linux_->resources);
	*ret = config;
	return 0;
}

static void tell(void *data, const char *text)
{
	str_addf(data, "%s\n", text);
}

void decode_tell_unknown(struct arena *arena, const char *file, const char *text, size_t len,
			 bool resources, struct str *out)
{
	const struct json_limits limits = {
		.depth = DECODE_MAX_DEPTH,
		.string = DECODE_MAX_STRING,
		.unknown = tell,
		.data = out,
	};
	const struct json_type *type = resources ? &decode_linux_resources_type : &config_type;
	struct err ignored = { 0 };

	(void)!json_read(arena, file, text, len, type, &limits, arena_alloc(arena, type->size),
			 &ignored);
}

int decode_process(struct arena *arena, const char *file, const char *text, size_t len,
		   const struct oci_process **ret, struct err *err)
{
	const struct oci_process *process = decode(arena, file, text, len, &process_type, err);

	if (!process)
		return -err->code;
	*ret = process;
	return 0;
}

int decode_resources(struct arena *arena, const char *file, const char *text, size_t len,
		     const struct oci_resources **ret, struct err *err)
{
	const struct oci_resources *resources =
		decode(arena, file, text, len, &decode_linux_resources_type, err);

	if (!resources)
		return -err->code;
	no_pids_limit(resources);
	*ret = resources;
	return 0;
}

int decode_seccomp(struct arena *arena, const char *file, const char *text, size_t len,
		   const struct oci_seccomp **ret, struct err *err)
{
	const struct oci_seccomp *seccomp =
		decode(arena, file, text, len, &decode_linux_seccomp_type, err);

	if (!seccomp)
		return -err->code;
	*ret = seccomp;
	return 0;
}

/* json_read() expects an object, so the array is wrapped in one. If the text is not JSON, columns
 * on its first line must not count the wrapper. */
int decode_mounts(struct arena *arena, const char *text, size_t len, const struct oci_config **ret,
		  struct err *err)
{
	static const char key[] = "{\"mounts\":";
	static const struct json_field fields[] = {
		{ "mounts", JSON_OBJECTS, JSON_REQUIRED, AT(oci_config, mounts),
		  .type = &mount_type },
	};
	static const struct json_type type = TYPE(oci_config, fields);
	const size_t before = sizeof(key) - 1;
	char *whole = arena_alloc(arena, before + len + 2);
	char *rest;
	size_t column;

	memcpy(whole, key, before);
	memcpy(whole + before, text, len);
	whole[before + len] = '}';
	*ret = decode(arena, NULL, whole, before + len + 1, &type, err);
	if (*ret)
		return 0;
	if (err->code != EBADMSG || !str_starts(err->text, "1:"))
		return -err->code;
	column = strtoul(err->text + 2, &rest, 10);
	rest = arena_strdup(arena, rest);
	return err_set(err, EBADMSG, "1:%zu%s", column > before ? column - before : 1, rest);
}
