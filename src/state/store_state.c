/* SPDX-License-Identifier: Apache-2.0 */
#include "src/state/store_state.h"

#include "src/oci/annotations.h"

#include <stddef.h>

#define FIELD(struct_name, member, name, json_kind, ...)                                           \
	{                                                                                          \
		.key = name, .kind = json_kind, .offset = offsetof(struct struct_name, member),    \
		__VA_ARGS__                                                                        \
	}

#define UINT_RANGE JSON_RANGE(.umax = UINT64_MAX)

static const struct json_name phases[] = {
	{ "creating", STATE_CREATING },
	{ "created", STATE_CREATED },
	{ "started", STATE_STARTED },
	{ "", 0 },
};
static const struct json_name drivers[] = {
	{ "none", CGROUP_DRIVER_NONE },
	{ "v2", CGROUP_DRIVER_V2 },
	{ "v1", CGROUP_DRIVER_V1 },
	{ "", 0 },
};

static const struct json_name managers[] = {
	{ "system", CGROUP_MANAGER_SYSTEM },
	{ "user", CGROUP_MANAGER_USER },
	{ "", 0 },
};

static const struct json_field dir_fields[] = {
	FIELD(cgroup_dir, controllers, "controllers", JSON_STRING, .flags = JSON_REQUIRED),
	FIELD(cgroup_dir, mount, "mount", JSON_STRING, .flags = JSON_REQUIRED | JSON_ABSOLUTE),
	FIELD(cgroup_dir, path, "path", JSON_STRING, .flags = JSON_REQUIRED | JSON_ABSOLUTE),
	FIELD(cgroup_dir, existing, "existing", JSON_INT, JSON_RANGE(.imin = 0, .imax = INT32_MAX)),
	FIELD(cgroup_dir, inode, "inode", JSON_UINT, UINT_RANGE),
};
static const struct json_type dir_type = {
	.size = sizeof(struct cgroup_dir),
	.fields = dir_fields,
	.n_fields = sizeof(dir_fields) / sizeof(dir_fields[0]),
};

static const struct json_field state_fields[] = {
	FIELD(state, id, "id", JSON_STRING, .flags = JSON_REQUIRED),
	FIELD(state, bundle, "bundle", JSON_STRING, .flags = JSON_REQUIRED),
	FIELD(state, rootfs, "rootfs", JSON_STRING, .flags = JSON_REQUIRED),
	FIELD(state, phase, "phase", JSON_ENUM, .flags = JSON_REQUIRED, .names = phases),
	FIELD(state, pid, "pid", JSON_INT, JSON_RANGE(.imin = 1, .imax = INT32_MAX)),
	FIELD(state, start_time, "startTime", JSON_UINT, UINT_RANGE),
	FIELD(state, pid_number, "pidNumber", JSON_UINT, UINT_RANGE),
	FIELD(state, boot_id, "bootId", JSON_STRING),
	FIELD(state, created, "created", JSON_STRING, .flags = JSON_REQUIRED),
	FIELD(state, owner, "owner", JSON_UINT, UINT_RANGE),
	FIELD(state, cgroup.kind, "cgroupDriver", JSON_ENUM, .flags = JSON_REQUIRED,
	      .names = drivers),
	FIELD(state, cgroup.dirs, "cgroupDirs", JSON_OBJECTS, .type = &dir_type),
	FIELD(state, unit.name, "unit", JSON_STRING),
	FIELD(state, unit.manager, "unitManager", JSON_ENUM, .names = managers),
	FIELD(state, unit.runtime_dir, "unitRuntimeDir", JSON_STRING, .flags = JSON_ABSOLUTE),
	FIELD(state, mount.id, "mountId", JSON_UINT, UINT_RANGE),
	FIELD(state, mount.unique, "mountUniqueId", JSON_UINT, UINT_RANGE),
	FIELD(state, mount.ns, "mountNamespace", JSON_UINT, UINT_RANGE),
	FIELD(state, mount.ns_path, "mountNamespacePath", JSON_STRING, .flags = JSON_ABSOLUTE),
	FIELD(state, annotations, "annotations", JSON_STRING_MAP),
	FIELD(state, rdt_groups, "rdtGroups", JSON_STRINGS),
	FIELD(state, undo, "undo", JSON_STRINGS),
	FIELD(state, mounts, "addedMounts", JSON_STRINGS),
	FIELD(state, fallbacks, "fallbacks", JSON_STRINGS),
	FIELD(state, namespaces, "namespaces", JSON_STRINGS),
	FIELD(state, net_pid, "netPid", JSON_INT, JSON_RANGE(.imin = 1, .imax = INT32_MAX)),
	FIELD(state, net_start_time, "netStartTime", JSON_UINT, UINT_RANGE),
	FIELD(state, layer_pid, "layerPid", JSON_INT, JSON_RANGE(.imin = 1, .imax = INT32_MAX)),
	FIELD(state, layer_start_time, "layerStartTime", JSON_UINT, UINT_RANGE),
	FIELD(state, console_pid, "consolePid", JSON_INT, JSON_RANGE(.imin = 1, .imax = INT32_MAX)),
	FIELD(state, console_start_time, "consoleStartTime", JSON_UINT, UINT_RANGE),
	FIELD(state, handler, "handler", JSON_OBJECT, .type = &handler_doc_kept_type),
	FIELD(state, released, "released", JSON_BOOL),
	FIELD(state, poststart_hooks, "poststartHooks", JSON_BOOL),
	FIELD(state, poststop_hooks, "poststopHooks", JSON_BOOL),
	FIELD(state, terminal, "terminal", JSON_BOOL),
	FIELD(state, sandbox, "sandbox", JSON_UINT, JSON_RANGE(.umax = INT64_MAX)),
};
static const struct json_type state_type = {
	.size = sizeof(struct state),
	.fields = state_fields,
	.n_fields = sizeof(state_fields) / sizeof(state_fields[0]),
};

int store_state_decode(struct arena *arena, const char *file, const char *text, size_t len,
		       struct state *ret, struct err *err)
{
	static const struct json_limits limits = { .depth = 8, .string = STORE_STATE_MAX };

	return json_read(arena, file, text, len, &state_type, &limits, ret, err);
}

static void write_list(struct json_write *w, const char *key, const char *const *v, size_t n)
{
	if (n)
		json_write_strings(w, key, v, n);
}

static void write_flag(struct json_write *w, const char *key, struct json_bool flag)
{
	if (flag.v)
		json_write_bool(w, key, true);
}

static void write_lists(struct json_write *w, const struct state *state)
{
	json_write_array(w, "cgroupDirs");
	for (size_t i = 0; i < state->cgroup.dirs.n; i++) {
		json_write_object(w, NULL);
		json_write_string(w, "controllers", state->cgroup.dirs.v[i].controllers);
		json_write_string(w, "mount", state->cgroup.dirs.v[i].mount);
		json_write_string(w, "path", state->cgroup.dirs.v[i].path);
		if (state->cgroup.dirs.v[i].existing.set)
			json_write_int(w, "existing", state->cgroup.dirs.v[i].existing.v);
		if (state->cgroup.dirs.v[i].inode.set)
			json_write_uint(w, "inode", state->cgroup.dirs.v[i].inode.v);
		json_write_end(w);
	}
	json_write_end(w);
	annotations_write(w, state->annotations.v, state->annotations.n);
	write_list(w, "rdtGroups", state->rdt_groups.v, state->rdt_groups.n);
	write_list(w, "undo", state->undo.v, state->undo.n);
	write_list(w, "addedMounts", state->mounts.v, state->mounts.n);
	write_list(w, "fallbacks", state->fallbacks.v, state->fallbacks.n);
	write_list(w, "namespaces", state->namespaces.v, state->namespaces.n);
}

static void write_unit(struct json_write *w, const struct cgroup_unit_ref *unit)
{
	if (!unit->name)
		return;
	json_write_string(w, "unit", unit->name);
	json_write_string(w, "unitManager", json_read_enum_name(managers, (int)unit->manager));
	if (unit->runtime_dir)
		json_write_string(w, "unitRuntimeDir", unit->runtime_dir);
}

static void write_mount(struct json_write *w, const struct state_mount *mount)
{
	if (!mount->id.set)
		return;
	json_write_uint(w, "mountId", mount->id.v);
	if (mount->unique.set)
		json_write_uint(w, "mountUniqueId", mount->unique.v);
	json_write_uint(w, "mountNamespace", mount->ns.v);
	if (mount->ns_path)
		json_write_string(w, "mountNamespacePath", mount->ns_path);
}

int store_state_encode(const struct state *state, struct json_write **ret, const char **ret_text,
		       size_t *ret_len, struct err *err)
{
	struct json_write *w =
		json_write_new(false); /* compact: every command reads it, `list` thousands */

	json_write_object(w, NULL);
	json_write_string(w, "id", state->id);
	json_write_string(w, "bundle", state->bundle);
	json_write_string(w, "rootfs", state->rootfs);
	json_write_string(w, "phase", json_read_enum_name(phases, state->phase));
	if (state->pid.set)
		json_write_int(w, "pid", state->pid.v);
	if (state->start_time.set)
		json_write_uint(w, "startTime", state->start_time.v);
	if (state->pid_number.set)
		json_write_uint(w, "pidNumber", state->pid_number.v);
	json_write_string(w, "bootId", state->boot_id);
	json_write_string(w, "created", state->created);
	json_write_uint(w, "owner", state->owner.v);
	json_write_string(w, "cgroupDriver", json_read_enum_name(drivers, (int)state->cgroup.kind));
	write_unit(w, &state->unit);
	write_mount(w, &state->mount);
	write_lists(w, state);
	if (state->net_pid.set) {
		json_write_int(w, "netPid", state->net_pid.v);
		json_write_uint(w, "netStartTime", state->net_start_time.v);
	}
	if (state->layer_pid.set) {
		json_write_int(w, "layerPid", state->layer_pid.v);
		json_write_uint(w, "layerStartTime", state->layer_start_time.v);
	}
	if (state->console_pid.set) {
		json_write_int(w, "consolePid", state->console_pid.v);
		json_write_uint(w, "consoleStartTime", state->console_start_time.v);
	}
	if (state->handler)
		handler_doc_write_kept(w, "handler", state->handler);
	write_flag(w, "released", state->released);
	write_flag(w, "poststartHooks", state->poststart_hooks);
	write_flag(w, "poststopHooks", state->poststop_hooks);
	write_flag(w, "terminal", state->terminal);
	if (state->sandbox.set)
		json_write_uint(w, "sandbox", state->sandbox.v);
	json_write_end(w);
	*ret = w;
	*ret_text = json_write_text(w, ret_len, err);
	if (*ret_text && *ret_len > STORE_STATE_MAX)
		return err_set(err, E2BIG, "state.json: %zu bytes, more than %d", *ret_len,
			       STORE_STATE_MAX);
	return *ret_text ? 0 : -EINVAL;
}
