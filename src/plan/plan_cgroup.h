/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup part of a plan: which driver, where the container's cgroup goes, and which limits are
 * written to it. Each part is in the file of its name. Pure. */
#pragma once

#include "src/host/facts.h"
#include "src/oci/config.h"

enum cgroup_driver_kind {
	CGROUP_DRIVER_UNSET, /* not specified */
	CGROUP_DRIVER_NONE,
	CGROUP_DRIVER_V2,
	CGROUP_DRIVER_V1,
};

struct cgroup_dir {
	const char *controllers; /* as in struct facts_hierarchy */
	const char *mount;
	const char *path;         /* in the hierarchy; mount + path is the directory */
	struct json_int existing; /* state: how many bytes of path existed before */
	struct json_uint inode;   /* state: of the marked cgroup */
};

/* Where a container's processes are. */
struct cgroup_place {
	enum cgroup_driver_kind kind;
	JSON_LIST(const struct cgroup_dir) dirs;
};

static inline bool cgroup_place_is_group(const struct cgroup_place *place)
{
	return place->kind == CGROUP_DRIVER_V2 || place->kind == CGROUP_DRIVER_V1;
}

struct cgroup_write {
	const char *controller; /* its hierarchy (v1) or controller (v2) */
	const char *file, *value;
	const char *alt_file, *alt_value; /* replacement for kernels without file; or NULL */
	const char *usage_file; /* refuse a value below the number in this file; or NULL */
	bool required;          /* the config asked for it, so a failure is an error */
	bool may_miss;          /* a kernel without the file already does this */
	bool unified;           /* v1: a file of the v2 tree beside it */
	const char *json_path;  /* "linux.resources.memory.limit" */
};

enum cgroup_access { /* values of BPF_DEVCG_ACC_* */
		     CGROUP_ACCESS_MKNOD = 1,
		     CGROUP_ACCESS_READ = 2,
		     CGROUP_ACCESS_WRITE = 4,
		     CGROUP_ACCESS_ALL = 7,
};
#define CGROUP_DEVICE_ANY UINT32_MAX /* all majors or minors */

struct cgroup_device_rule {
	bool allow;
	char type; /* 'a': all devices and accesses; 'b', 'c' */
	uint32_t major, minor;
	unsigned int access;   /* mask of cgroup_access */
	bool required;         /* from the config, not one of ours */
	const char *json_path; /* "linux.resources.devices[2]" */
};

/* The systemd that creates the cgroup as one of its units. */
enum cgroup_manager { CGROUP_MANAGER_NONE, CGROUP_MANAGER_SYSTEM, CGROUP_MANAGER_USER };

struct cgroup_unit_ref {  /* what later commands need to find the unit again */
	const char *name; /* "usrun-ID.scope", or NULL: no unit */
	enum cgroup_manager manager;
	const char *runtime_dir; /* of the user manager: "/run/user/1000" */
};

struct cgroup_property_pair {
	const char *first, *second;
	uint64_t number; /* second member of the pairs in "a(st)" */
};

struct cgroup_property {
	const char *name; /* "MemoryMax" */
	const char *type; /* D-Bus types: b, i, u, x, t, d: number; s: text; as: texts; ay: bytes;
			   * a(ss), a(st): pairs */
	uint64_t number;
	double real;
	const char *text;
	const char *const *texts;
	const uint8_t *bytes;
	const struct cgroup_property_pair *pairs;
	size_t n;         /* number of texts, bytes or pairs */
	const char *from; /* JSON path that asked for it; NULL: usrun itself */
};

struct cgroup_unit {
	struct cgroup_unit_ref ref;
	bool is_slice;
	const char *slice;    /* the parent unit */
	const char *subgroup; /* cgroup inside it for the processes; NULL: the unit's own */
	const struct cgroup_property *properties;
	size_t n_properties;
};

struct cgroup_plan {
	struct cgroup_place place;
	const struct cgroup_unit *unit; /* NULL: usrun creates the directories itself. Otherwise the
					 * paths of the place are known only once the unit
					 * exists. */
	const struct cgroup_write *writes;
	size_t n_writes;
	const struct oci_resources *resources;         /* may be NULL */
	bool limit_devices;                            /* whether to enforce device rules */
	const struct cgroup_device_rule *device_rules; /* in order: the last match decides */
	size_t n_device_rules;
	/* v2: the cgroup for the processes, below the one with the limits; or NULL. A unit has its
	 * own field for this. */
	const char *inside;
	/* The v2 cgroup is delegated to the container's root, who may mount it writable and
	 * subdivide it. */
	bool delegate;
	uint32_t delegate_uid, delegate_gid;
	const char *why; /* why there is none, or why it is elsewhere */
};

struct plan_cgroup_options {
	const char *id;
	const char *manager;  /* --cgroup-manager: "cgroupfs", "systemd", "disabled", NULL */
	bool may_own_cgroups; /* power: the caller may create cgroups anywhere in the hierarchies */
	bool delegates;       /* the container can write to its cgroup's files */
};

/* Whether the caller, on pure v2, may not create cgroups anywhere, and so depends on what a manager
 * gives it. */
bool plan_cgroup_lacks_own(const struct facts *facts);

/* Whether a plan depends on FACTS_SYSTEMD. */
bool plan_cgroup_needs_manager(const struct oci_config *config, const char *manager,
			       bool lacks_own);

/* Rules:
 * - An absolute linux.cgroupsPath is below each hierarchy's mount. A relative one is below the root
 *   of the v2 tree with may_own_cgroups, otherwise below the caller's own cgroup, or (v2) beside it
 *   if that holds other processes and a limit needs a controller. Without one it is "usrun-<id>" in
 *   the same place. A path that cannot be had is an error.
 * - A unit that systemd has delegated to usrun alone also holds the container's cgroup (v2).
 * - "disabled": no cgroup; an error if limits are requested.
 * - Without a writable cgroup (rootless without delegation; a container that sees its cgroups
 *   read-only): no cgroup, and why is set. If the config requests limits, an error names the
 *   missing controller and what to do. Device rules alone do not count as limits: they are dropped
 *   with a warning in why.
 * - "systemd", and a cgroupsPath of the form slice:prefix:name, make the cgroup a systemd unit: of
 *   the system manager for a caller with may_own_cgroups, otherwise of the user's. An error if that
 *   cannot be reached.
 * - A caller without may_own_cgroups that says nothing about cgroups also gets a unit (v2) if its
 *   manager can be reached: only in a scope of its own are its limits enforced wherever it calls
 *   from. */
int plan_cgroup_build(struct arena *arena, const struct oci_config *config,
		      const struct facts *facts, const struct plan_cgroup_options *options,
		      struct cgroup_plan *ret, struct err *err) MUST_CHECK;

/* plan_writes.c: a growing list of writes to cgroup files, the conversions between the two layouts,
 * whether a host accepts the writes, and how to undo one. */

/* Where the host has its controllers. */
struct plan_layout {
	bool v2;
	const char *unified; /* v1: controllers of the v2 tree, space-separated; or NULL */
};

struct plan_writes {
	struct arena *arena;
	bool v2;
	struct cgroup_write *v;
	size_t n, cap;
};

/* Adds a required write and returns it, so that rarer fields can be set. path is copied, after
 * "linux.resources.". Writes of "max" and "-1" may miss: without the file there is no limit. */
struct cgroup_write *plan_writes_add(struct plan_writes *w, const char *controller,
				     const char *file, const char *value, const char *path)
	__attribute__((returns_nonnull));

const char *plan_writes_uint(struct plan_writes *w, uint64_t value);

/* The text of a limit: negative is "max" or "-1". */
const char *plan_writes_limit(struct plan_writes *w, int64_t value);

/* The error for a property that v2 has no equivalent for. */
int plan_writes_v1_only(struct err *err, const char *path) MUST_CHECK;

/* Converts cpu.shares (2 to 262144) to cpu.weight (1 to 10000), and blockIO.weight (10 to 1000) to
 * io.weight (1 to 10000), with the formulas of crun and runc. */
uint64_t plan_writes_weight(uint64_t shares);
uint64_t plan_writes_io_weight(uint64_t weight);

/* Checks that the host has the controllers for the plan's writes, as far as the facts tell. */
int plan_writes_check(struct arena *arena, const struct facts_cgroup *host, bool may_own,
		      const struct cgroup_plan *plan, struct err *err) MUST_CHECK;
bool plan_writes_have_hierarchy(const struct facts_cgroup *host, const char *controller);

/* Given a file's old text, the value that undoes a write of `value`; NULL if there is none: the
 * file cannot be read, or it lists settings and has no word for "unset". */
const char *plan_writes_old(struct arena *arena, const char *file, const char *value,
			    const char *text);

/* plan_resources.c: linux.resources as writes to cgroup files; one table for both layouts. */

/* Fills writes in the order that the kernel accepts. A property without a file in the layout is an
 * error that names it. */
int plan_resources_build(struct arena *arena, const struct oci_resources *resources,
			 struct plan_layout layout, const struct cgroup_write **ret, size_t *ret_n,
			 struct err *err) MUST_CHECK;

/* Whether anything but device rules is requested. */
bool plan_resources_any(const struct oci_resources *resources);

/* plan_device_rules.c: linux.resources.devices as one list, and in the form of cgroup v1. */

/* Builds the complete list: nothing is allowed at first; then come the config's rules in their
 * order (resources may be NULL), then the devices that every container may use. The last matching
 * rule decides, separately for mknod, read and write. */
void plan_device_rules_build(struct arena *arena, const struct oci_resources *resources,
			     const struct cgroup_device_rule **ret, size_t *ret_n);

/* Converts the list for v1, where the kernel keeps a default and exceptions to it, and removes an
 * exception only if the numbers are equal. The first rule is the default (type 'a'), the others are
 * exceptions. -ENOTSUP for a list that v1 cannot express (an exception within an exception), which
 * the kernel would silently accept and not obey. */
int plan_device_rules_v1(struct arena *arena, const struct cgroup_device_rule *rules, size_t n,
			 const struct cgroup_device_rule **ret, size_t *ret_n,
			 struct err *err) MUST_CHECK;

/* Formats a rule for v1's files: "c 1:3 rwm", "a". */
const char *plan_device_rules_text(struct arena *arena, const struct cgroup_device_rule *rule);

/* plan_unit.c: the container's cgroup as a systemd unit: its name, place and properties. */

struct plan_unit_request {
	const char *id;
	const char *wanted; /* linux.cgroupsPath, or NULL: slice:prefix:name */
	enum cgroup_manager manager;
	const char *runtime_dir;
};

/* Whether a cgroupsPath has the form slice:prefix:name. */
bool plan_unit_is_path(const char *wanted);

/* Names the unit. "slice:prefix:name" is prefix-name.scope in slice, or just name if that ends in
 * ".slice". By default it is usrun-ID.scope in system.slice or, for a user manager, in user.slice.
 * Characters not allowed in unit names are escaped as systemd does it. */
int plan_unit_name(struct arena *arena, const struct plan_unit_request *request,
		   struct cgroup_unit *ret, struct err *err) MUST_CHECK;

/* All properties: usrun's own, those for the plan's limits (so that a reload of systemd does not
 * lift what was written to the files), its device rules, and the annotations, which win. */
int plan_unit_properties(struct arena *arena, const struct oci_config *config,
			 const struct cgroup_plan *plan, const char *id, struct cgroup_unit *unit,
			 struct err *err) MUST_CHECK;

/* Only the limits, for an update: those writes of plan_resources_build() for which systemd has
 * properties. */
void plan_unit_limits(struct arena *arena, const struct cgroup_write *writes, size_t n,
		      const struct cgroup_property **ret, size_t *ret_n);

/* plan_gvariant.c: values of org.systemd.property.* annotations, in GVariant text format. */

/* Parses true, 15, -1, 'text', "text", uint64 5, ['a', 'b'], @as []. Fills type and value of *ret,
 * but not name. -EINVAL without a text for anything else. */
int plan_gvariant_parse(struct arena *arena, const char *text,
			struct cgroup_property *ret) MUST_CHECK;

/* Converts FooSec in seconds, as people write it, to FooUSec in microseconds, as systemd expects
 * it. Leaves other names alone. */
int plan_gvariant_seconds(struct arena *arena, struct cgroup_property *property) MUST_CHECK;
