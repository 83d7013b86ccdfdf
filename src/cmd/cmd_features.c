/* SPDX-License-Identifier: Apache-2.0 */
/* The features document (features.md, features-linux.md), from the tables that the code itself
 * reads. */
#include "src/cmd/common.h"
#include "src/host/handler.h"
#include "src/oci/annotations.h"
#include "src/oci/mount_options.h"
#include "src/oci/names.h"
#include "src/oci/state_doc.h"
#include "src/security/filter_load.h"

#include <seccomp.h>

static const struct option options[] = { { 0 } };

static void names(struct json_write *w, const char *key, const struct json_name *table)
{
	json_write_array(w, key);
	for (; *table->name; table++)
		json_write_string(w, NULL, table->name);
	json_write_end(w);
}

static void texts(struct json_write *w, const char *key, const char *const *list)
{
	json_write_array(w, key);
	for (; *list; list++)
		json_write_string(w, NULL, *list);
	json_write_end(w);
}

static void mount_words(struct json_write *w)
{
	json_write_array(w, "mountOptions");
	for (const struct mount_option *o = mount_options; *o->name; o++)
		json_write_string(w, NULL, o->name);
	json_write_end(w);
}

static void enabled(struct json_write *w, const char *key, bool value)
{
	json_write_object(w, key);
	json_write_bool(w, "enabled", value);
	json_write_end(w);
}

static void cgroup(struct json_write *w)
{
	json_write_object(w, "cgroup");
	json_write_bool(w, "v1", true);
	json_write_bool(w, "v2", true);
	json_write_bool(w, "systemd", true);
	json_write_bool(w, "systemdUser", true);
	json_write_bool(w, "rdma", true);
	json_write_end(w);
}

static void seccomp(struct json_write *w)
{
	unsigned int supported = filter_load_flags();

	json_write_object(w, "seccomp");
	json_write_bool(w, "enabled", true);
	names(w, "actions", names_seccomp_actions);
	names(w, "operators", names_seccomp_ops);
	texts(w, "archs", names_seccomp_archs);
	names(w, "knownFlags", names_seccomp_flags);
	json_write_array(w, "supportedFlags");
	for (const struct json_name *flag = names_seccomp_flags; *flag->name; flag++)
		if (!((unsigned int)flag->value & ~supported))
			json_write_string(w, NULL, flag->name);
	json_write_end(w);
	json_write_end(w);
}

static void linux_part(struct json_write *w)
{
	json_write_object(w, "linux");
	names(w, "namespaces", names_namespaces);
	json_write_array(w, "capabilities");
	for (int cap = 0; names_capability_name(cap); cap++)
		json_write_string(w, NULL, names_capability_name(cap));
	json_write_end(w);
	cgroup(w);
	seccomp(w);
	enabled(w, "apparmor", true);
	enabled(w, "selinux", true);
	json_write_object(w, "intelRdt");
	json_write_bool(w, "enabled", true);
	json_write_bool(w, "schemata", true);
	json_write_bool(w, "monitoring", true);
	json_write_end(w);
	json_write_object(w, "memoryPolicy");
	names(w, "modes", names_memory_modes);
	names(w, "flags", names_memory_flags);
	json_write_end(w);
	json_write_object(w, "mountExtensions");
	enabled(w, "idmap", true);
	json_write_end(w);
	enabled(w, "netDevices", true);
	json_write_end(w);
}

/* A description alone runs nothing. */
static bool runs_wasm(struct arena *arena)
{
	struct handler handler;
	struct caller caller;
	struct err ignored;

	return caller_gather(arena, &caller, &ignored) == 0 &&
	       handler_read(arena, &caller, "wasm", &handler, &ignored) == 0 &&
	       handler_find_files(arena, &caller, &handler, &ignored) == 0;
}

static void annotations(struct json_write *w, struct arena *arena, bool has_criu)
{
	json_write_object(w, "annotations");
	json_write_string(
		w, "io.github.seccomp.libseccomp.version",
		arena_strf(arena, "%d.%d.%d", SCMP_VER_MAJOR, SCMP_VER_MINOR, SCMP_VER_MICRO));
	json_write_string(w, "org.opencontainers.runc.checkpoint.enabled",
			  has_criu ? "true" : "false");
	json_write_string(w, "run.oci.usrun.version", USRUN_VERSION);
	json_write_string(w, "run.oci.usrun.commit", cmd_commit);
	if (runs_wasm(arena))
		json_write_string(w, "run.oci.usrun.wasm", "true");
	json_write_end(w);
	texts(w, "potentiallyUnsafeConfigAnnotations", annotations_unsafe);
}

void cmd_version(struct str *out, bool has_criu)
{
	struct arena arena = { 0 };

	str_addf(out,
		 "usrun version %s\ncommit: %.12s\nspec: %s\nlibseccomp: %d.%d.%d\n"
		 "+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF%s +YAJL%s\n",
		 USRUN_VERSION, cmd_commit, STATE_DOC_OCI_VERSION, SCMP_VER_MAJOR, SCMP_VER_MINOR,
		 SCMP_VER_MICRO, has_criu ? " +CRIU" : "", runs_wasm(&arena) ? " +WASM" : "");
	arena_free(&arena);
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(true);
	struct err ignored;

	(void)data;
	(void)argc;
	(void)argv;
	json_write_object(w, NULL);
	json_write_string(w, "ociVersionMin", STATE_DOC_OCI_VERSION_MIN);
	json_write_string(w, "ociVersionMax", STATE_DOC_OCI_VERSION);
	texts(w, "hooks", names_hook_points);
	mount_words(w);
	linux_part(w);
	annotations(w, arena, cmd_restore.available(arena, globals, &ignored) == 0);
	json_write_end(w);
	return common_print(w, err);
}

const struct cmd cmd_features = {
	.name = "features",
	.summary = "print the features of this runtime as JSON",
	.arguments = "",
	.options = options,
	.min_args = 0,
	.max_args = 0,
	.run = run,
};
