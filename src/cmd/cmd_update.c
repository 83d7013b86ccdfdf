/* SPDX-License-Identifier: Apache-2.0 */
/* The limits come from a document (--resources) or from options, never from both: engines pass a
 * complete document. Its device rules are ignored, because engines send a list that would take the
 * container's devices away. */
#include "src/base/io.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/cgroup/unit.h"
#include "src/cmd/cgroup_of.h"
#include "src/cmd/common.h"
#include "src/cmd/update_values.h"
#include "src/oci/check.h"
#include "src/oci/decode.h"
#include "src/oci/rdt.h"
#include "src/plan/plan_cgroup.h"
#include "src/state/status.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

struct update_options {
	const char *resources, *l3, *bandwidth;
	struct update_texts texts;
};

struct update {
	struct arena *arena;
	const struct update_options *o;
	const struct oci_resources *wanted;
	struct state state;
};

struct rdt {
	const char *path;
	char *before; /* its previous contents; NULL: nothing was written */
};

enum { MAX_SCHEMATA = 1 << 16 };

#define AT(member) offsetof(struct update_options, member)
#define VALUE(name, member, value, help)                                                           \
	{                                                                                          \
		0, name, OPTION_TEXT, AT(texts.member), value, help                                \
	}

static const struct option options[] = {
	{ 'r', "resources", OPTION_TEXT, AT(resources), "FILE",
	  "JSON file with the resources object, - for stdin" },
	VALUE("memory", memory, "BYTES", "memory limit, such as 64m; -1 for no limit"),
	VALUE("memory-reservation", reservation, "BYTES", "memory soft limit, such as 32m"),
	VALUE("memory-swap", swap, "BYTES", "limit of memory plus swap, -1 for no limit"),
	VALUE("cpu-share", shares, "N", "CPU weight relative to other cgroups, 2 to 262144"),
	VALUE("cpu-quota", quota, "USEC", "CPU time per period in microseconds, -1: no limit"),
	VALUE("cpu-period", period, "USEC", "CPU period in microseconds"),
	VALUE("cpu-burst", burst, "USEC", "unused CPU time to save up, in microseconds"),
	VALUE("cpu-idle", idle, "0|1", "1: run only when CPUs are otherwise idle"),
	VALUE("cpu-rt-period", rt_period, "USEC", "real-time CPU period in microseconds"),
	VALUE("cpu-rt-runtime", rt_runtime, "USEC",
	      "real-time CPU time per period in microseconds"),
	VALUE("cpuset-cpus", cpus, "LIST", "CPUs to use, such as 0-3,6"),
	VALUE("cpuset-mems", mems, "LIST", "memory nodes to use, such as 0-1"),
	VALUE("pids-limit", pids, "N", "maximum number of tasks, -1 for no limit"),
	VALUE("blkio-weight", weight, "N", "block I/O weight, 10 to 1000"),
	{ 0, "l3-cache-schema", OPTION_TEXT, AT(l3), "TEXT",
	  "resctrl L3 cache schema, such as L3:0=ff" },
	{ 0, "mem-bw-schema", OPTION_TEXT, AT(bandwidth), "TEXT",
	  "resctrl memory bandwidth schema, such as MB:0=50" },
	{ 0, "kernel-memory", OPTION_ACCEPTED, 0, "BYTES", "ignored: removed from the kernel" },
	{ 0, "kernel-memory-tcp", OPTION_ACCEPTED, 0, "BYTES", "ignored: removed from the kernel" },
	{ 0 },
};

static const char *document_name(const char *file)
{
	return str_equal(file, "-") ? "standard input" : file;
}

static void tell_unknown(struct arena *arena, const char *name, const char *text, size_t len)
{
	_cleanup_str_ struct str out = { 0 };

	decode_tell_unknown(arena, name, text, len, true, &out);
	for (const char *line = str_text(&out); *line; line += strcspn(line, "\n") + 1)
		(isatty(STDERR_FILENO) ? log_notice : log_warning)("%.*s", (int)strcspn(line, "\n"),
								   line);
}

static int read_document(struct arena *arena, const char *file, const struct oci_resources **ret,
			 struct err *err)
{
	bool input = str_equal(file, "-");
	const char *name = document_name(file);
	char *text;
	size_t len;
	int r = input ? io_read_fd(STDIN_FILENO, name, DECODE_MAX_FILE, arena, &text, &len, err)
		      : io_read_file(AT_FDCWD, file, DECODE_MAX_FILE, arena, &text, &len, err);

	if (r == 0)
		r = decode_resources(arena, name, text, len, ret, err);
	if (r == 0)
		tell_unknown(arena, name, text, len);
	return r < 0 ? r : check_resources(*ret, name, "", text, len, err);
}

/* The error is about a value: says which document or which option it is from. */
static int name_source(const struct update_options *o, struct err *err)
{
	static const char whole[] = "linux.resources.";
	const char *option = o->resources ? NULL : update_values_option(err->path);

	if (option)
		return err_option(err, option);
	if (!o->resources)
		return err_document(err, "update");
	if (str_starts(err->path, whole))
		memmove(err->path, err->path + strlen(whole),
			strlen(err->path + strlen(whole)) + 1);
	return err_document(err, document_name(o->resources));
}

/* systemd overwrites the files with its properties whenever it is reloaded. */
static int update_unit(const struct update *u, const struct cgroup_plan *plan, struct err *err)
{
	_cleanup_str_ struct str dropped = { 0 };
	const struct cgroup_property *properties;
	size_t n;
	int r;

	if (!u->state.unit.name)
		return 0;
	plan_unit_limits(u->arena, plan->writes, plan->n_writes, &properties, &n);
	r = unit_set(&u->state.unit, properties, n, &dropped, err);
	if (dropped.len)
		log_warning("this systemd does not support the properties %s: its next reload "
			    "removes these limits",
			    dropped.s);
	return r;
}

static int write_rdt(const struct rdt *rdt, const char *text, struct err *err)
{
	int r = io_write_at(AT_FDCWD, rdt->path, text);

	return r < 0 ? err_errno(err, -r, "write \"%s\" to %s", text, rdt->path) : 0;
}

/* The kernel checks all lines before it applies one. */
static int update_rdt(const struct update *u, struct rdt *rdt, struct err *err)
{
	const char *l3 = u->o->l3, *bandwidth = u->o->bandwidth;
	const char *group = NULL;
	size_t len;
	int r;

	if (!l3 && !bandwidth)
		return 0;
	for (size_t i = 0; i < u->state.rdt_groups.n; i++)
		if (!strstr(u->state.rdt_groups.v[i], "mon_groups/"))
			group = u->state.rdt_groups.v[i];
	if (!group)
		return err_set(err, ENOTSUP, "container %s has no resctrl group of its own",
			       u->state.id);
	rdt->path = arena_strf(u->arena, "%s/%s/schemata", RDT_ROOT, group);
	r = io_read_file(AT_FDCWD, rdt->path, MAX_SCHEMATA, u->arena, &rdt->before, &len, err);
	return r < 0 ? r
		     : write_rdt(rdt,
				 arena_strf(u->arena, "%s%s%s\n", l3 ? l3 : "",
					    l3 && bandwidth ? "\n" : "",
					    bandwidth ? bandwidth : ""),
				 err);
}

/* Given alone, a quota keeps its period, and a swap limit the memory limit. */
static const struct oci_resources *complete(struct arena *arena, const struct cgroup *cgroup,
					    const struct oci_resources *wanted)
{
	char quota[64] = "", period[64] = "", memory[64] = "";

	if (cgroup->place.kind == CGROUP_DRIVER_V2) {
		(void)!driver_read(cgroup, "cpu", "cpu.max", quota, sizeof(quota));
		(void)!driver_read(cgroup, "memory", "memory.max", memory, sizeof(memory));
		return update_values_complete(arena, wanted, quota, memory);
	}
	if (driver_read(cgroup, "cpu", "cpu.cfs_quota_us", quota, sizeof(quota)) <= 0 ||
	    driver_read(cgroup, "cpu", "cpu.cfs_period_us", period, sizeof(period)) <= 0)
		return wanted;
	return update_values_complete(arena, wanted, arena_strf(arena, "%s %s", quota, period), "");
}

/* systemd comes last: it checks all properties before it applies one, so that nothing has to be
 * undone there. */
static int update_rest(const struct update *u, const struct cgroup_plan *plan, struct err *err)
{
	struct rdt rdt = { 0 };
	int r = update_rdt(u, &rdt, err);

	if (r < 0)
		return r;
	r = update_unit(u, plan, err);
	if (r < 0 && rdt.before)
		(void)io_write_at(AT_FDCWD, rdt.path, rdt.before);
	return r;
}

/* All, or nothing. */
static int update_open(const struct update *u, const struct cgroup *cgroup, struct err *err)
{
	const struct oci_resources *wanted = complete(u->arena, cgroup, u->wanted);
	const struct driver_before *before;
	struct cgroup_plan plan = { 0 };
	char unified[512] = "";
	struct plan_layout layout = { cgroup->place.kind == CGROUP_DRIVER_V2, unified };
	int r;

	if (wanted->hugepage_limits.n || wanted->rdma.n)
		driver_read_unified(cgroup, unified, sizeof(unified));
	r = plan_resources_build(u->arena, wanted, layout, &plan.writes, &plan.n_writes, err);
	if (r == 0)
		r = driver_update(cgroup, &plan, u->arena, &before, err);
	if (r < 0)
		return r;
	r = update_rest(u, &plan, err);
	if (r < 0)
		driver_update_back(before);
	return r;
}

static int update_cgroup(const struct update *u, struct err *err)
{
	struct cgroup cgroup;
	int r = cgroup_of_open_all(&u->state, "update", &cgroup, err);

	if (r == -ENOENT)
		return err_set(err, ESRCH, "container not running: %s", u->state.id);
	if (r < 0)
		return r;
	r = update_open(u, &cgroup, err);
	driver_close(&cgroup);
	return r;
}

static int refuse_status(const struct state *state, enum status status, struct err *err)
{
	if (status == STATUS_STOPPED)
		return err_set(err, ESRCH, "container not running: %s", state->id);
	if (status == STATUS_CREATING)
		return err_set(err, EBUSY, "container is still being created: %s", state->id);
	return 0;
}

/* Of two concurrent updates, each would on failure undo what the other has set. */
static int update(int dirfd, struct state *state, void *data, struct err *err)
{
	struct update *u = data;
	int r = status_of(state, NULL, err);

	(void)dirfd;
	if (r >= 0)
		r = refuse_status(state, (enum status)r, err);
	if (r < 0)
		return r;
	u->state = *state;
	return plan_resources_any(u->wanted) ? update_cgroup(u, err)
					     : update_rdt(u, &(struct rdt){ 0 }, err);
}

/* The kernel silently takes the nearest value that it allows. */
static void tell_clamped(const struct update *u)
{
	enum { LEAST = 2, MOST = 262144 };
	const struct oci_cpu *cpu = u->wanted->cpu;
	uint64_t shares = cpu && cpu->shares.set ? cpu->shares.v : 0;

	if (shares && (shares < LEAST || shares > MOST))
		(isatty(STDERR_FILENO) ? log_notice : log_warning)(
			"%s: %llu is taken as %d, the %s possible",
			u->o->resources ? "cpu.shares" : "--cpu-share", (unsigned long long)shares,
			shares < LEAST ? LEAST : MOST, shares < LEAST ? "least" : "most");
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	struct update u = { .arena = arena, .o = data };
	const struct store_change change = {
		.arena = arena, .what = "update", .act = update, .data = &u
	};
	int r = store_check_id(argv[0], err);

	(void)argc;
	if (r == 0 && u.o->resources)
		r = read_document(arena, u.o->resources, &u.wanted, err);
	else if (r == 0)
		r = update_values_parse(arena, &u.o->texts, &u.wanted, err);
	if (r == 0 && !u.o->resources && !plan_resources_any(u.wanted) && !u.o->l3 &&
	    !u.o->bandwidth) {
		(void)err_set(err, EINVAL, "update: no limit given");
		r = err_hint(err, "name at least one, such as --memory 64m; `usrun update --help` "
				  "lists them");
	}
	if (r == 0 && !u.o->resources)
		r = check_resources(u.wanted, NULL, "linux.resources", NULL, 0, err);
	if (r < 0)
		return name_source(u.o, err);
	tell_clamped(&u);
	if (u.wanted->devices.n)
		log_debug("update: device rules stay as they are");
	r = common_change(globals, argv[0], &change, err);
	return r < 0 ? name_source(u.o, err) : r;
}

const struct cmd cmd_update = {
	.name = "update",
	.summary = "change the limits of a container",
	.arguments = "ID",
	.options = options,
	.options_size = sizeof(struct update_options),
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
