/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/log.h"
#include "src/base/path.h"
#include "src/cmd/cgroup_of.h"
#include "src/cmd/common.h"
#include "src/cmd/launch.h"
#include "src/oci/check.h"
#include "src/oci/decode.h"
#include "src/run/supervise.h"
#include "src/run/walk.h"
#include "src/state/status.h"
#include "src/sys/pidfd.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

struct exec_options {
	const char *process, *console_socket, *pidfd_socket, *pid_file, *cwd, *user, *apparmor,
		*label;
	struct option_list env, caps, groups, cgroups;
	bool detach, tty, no_new_privs, ignore_paused;
	unsigned int preserve_fds;
};

#define AT(member) offsetof(struct exec_options, member)

static const struct option options[] = {
	{ 'p', "process", OPTION_TEXT, AT(process), "FILE", "JSON file with the process object" },
	{ 't', "tty", OPTION_BOOL, AT(tty), "", "give the process a terminal" },
	{ 'i', "interactive", OPTION_ACCEPTED, 0, "",
	  "ignored: standard input is always the caller's" },
	{ 'd', "detach", OPTION_FLAG, AT(detach), "", "return once the process is running" },
	{ 'u', "user", OPTION_TEXT, AT(user), "UID[:GID]", "numeric ids of the process" },
	{ 'g', "additional-gids", OPTION_LIST, AT(groups), "GID",
	  "supplementary group (repeatable)" },
	{ 'e', "env", OPTION_LIST, AT(env), "NAME=VALUE", "environment variable (repeatable)" },
	{ 'c', "cap", OPTION_LIST, AT(caps), "CAP", "add a capability (repeatable)" },
	{ 0, "cwd", OPTION_TEXT, AT(cwd), "DIR", "working directory" },
	{ 0, "console-socket", OPTION_TEXT, AT(console_socket), "SOCKET",
	  "send the terminal to SOCKET" },
	{ 0, "pidfd-socket", OPTION_TEXT, AT(pidfd_socket), "SOCKET",
	  "send a pidfd of the process to SOCKET" },
	{ 0, "pid-file", OPTION_TEXT, AT(pid_file), "FILE", "write the pid to FILE" },
	{ 0, "preserve-fds", OPTION_UINT, AT(preserve_fds), "N",
	  "pass N more descriptors, starting at 3" },
	{ 0, "no-new-privs", OPTION_FLAG, AT(no_new_privs), "", "set no_new_privs" },
	{ 0, "process-label", OPTION_TEXT, AT(label), "LABEL", "SELinux label of the process" },
	{ 0, "apparmor", OPTION_TEXT, AT(apparmor), "PROFILE", "AppArmor profile of the process" },
	{ 0, "cgroup", OPTION_LIST, AT(cgroups), "[CONTROLLER[,CONTROLLER]:]PATH",
	  "sub-cgroup to join (repeatable)" },
	{ 0, "ignore-paused", OPTION_FLAG, AT(ignore_paused), "",
	  "allow a paused container; runs once it is resumed" },
	{ 0 },
};

struct exec_call { /* shared by the parts below */
	struct arena *arena;
	const struct exec_options *o;
	const struct oci_config *config;
	struct state state;
	struct cgroup_place place; /* the container's own, not that of --cgroup */
	char *text;                /* of the process file */
	size_t len;
	int dirfd, pidfd;
};

static int refuse_status(const struct exec_call *call, enum status status, struct err *err)
{
	const char *id = call->state.id;

	if (status == STATUS_STOPPED)
		return err_set(err, EINVAL, "exec failed: cannot exec in a stopped container: %s",
			       id);
	if (status == STATUS_PAUSED && !call->o->ignore_paused)
		return err_set(
			err, EINVAL,
			"exec failed: cannot exec in a paused container (use --ignore-paused "
			"to override): %s",
			id);
	if (status == STATUS_CREATING)
		return err_set(err, EBUSY, "exec failed: container is still being created: %s", id);
	return 0;
}

/* The next of "cpu,memory", or NULL. */
static const char *next_name(struct arena *arena, const char **at)
{
	const char *start = *at + strspn(*at, ",");
	size_t n = strcspn(start, ",");

	*at = start + n;
	return n ? arena_strndup(arena, start, n) : NULL;
}

/* Selects hierarchies by name, and refuses unknown names, which would silently select nothing. */
static int pick(struct arena *arena, const struct state *state, const char *names, bool *picked,
		struct err *err)
{
	const char *name;

	while ((name = next_name(arena, &names))) {
		bool found = false;

		for (size_t i = 0; i < state->cgroup.dirs.n; i++)
			if (str_has_word(state->cgroup.dirs.v[i].controllers, name, ','))
				found = picked[i] = true;
		if (!found) {
			(void)err_set(err, EINVAL, "exec failed: --cgroup: unknown controller %s",
				      name);
			return err_hint(
				err, "controller names are for cgroup v1; on v2 use --cgroup PATH");
		}
	}
	return 0;
}

static int descend(struct arena *arena, struct cgroup_dir *dir, bool alone, const char *path,
		   struct err *err)
{
	const char *joined = *path ? path_join(arena, dir->path, path) : dir->path;
	const char *group = arena_strf(arena, "%s%s", dir->mount, joined);

	/* Only directories exist below, so no link leads elsewhere. The v2 tree of a hybrid host
	 * limits nothing, and callers who create cgroups mean those of v1. */
	if (access(group, F_OK) < 0 && !alone && group_is_v2(dir))
		return 0;
	if (access(group, F_OK) < 0) {
		(void)err_set(err, ENOENT,
			      "exec failed: --cgroup: adding pid to %s: no such file or directory",
			      group);
		return err_hint(err,
				"PATH is an existing cgroup below the container's own, %s%s; "
				"create it with mkdir(1) there, or from inside",
				dir->mount, dir->path);
	}
	dir->path = joined;
	return 0;
}

static int choose(struct arena *arena, const char *value, struct state *state, struct err *err)
{
	const char *colon = strchr(value, ':'), *path = colon ? colon + 1 : value;
	size_t n = state->cgroup.dirs.n;
	struct cgroup_dir *dirs = arena_array(arena, n, sizeof(*dirs));
	bool *picked = arena_array(arena, n, sizeof(*picked));
	int r = 0;

	path += strspn(path, "/"); /* its root is the container's own cgroup */
	if (path_has_dotdot(path))
		return err_set(
			err, EINVAL,
			"exec failed: --cgroup: bad sub cgroup path: %s is not a sub cgroup path",
			path);
	if (colon)
		r = pick(arena, state, arena_strndup(arena, value, (size_t)(colon - value)), picked,
			 err);
	memcpy(dirs, state->cgroup.dirs.v, n * sizeof(*dirs));
	for (size_t i = 0; r == 0 && i < n; i++)
		if (!colon || picked[i])
			r = descend(arena, &dirs[i], n == 1, path, err);
	state->cgroup.dirs.v = dirs;
	return r;
}

/* Applies each --cgroup [CONTROLLER[,CONTROLLER...]:]PATH: puts cgroups below the container's own
 * into the directories of its state, which the process then joins. Controllers exist on v1 only;
 * without them it means every hierarchy. */
static int choose_groups(struct arena *arena, const struct option_list *values, struct state *state,
			 struct err *err)
{
	int r = 0;

	if (values->n && !state->cgroup.dirs.n)
		return err_set(err, ENOTSUP,
			       "exec failed: --cgroup needs a cgroup, and container %s has none",
			       state->id);
	for (size_t i = 0; r == 0 && i < values->n; i++)
		r = choose(arena, values->v[i], state, err);
	return r;
}

static int read_process(struct exec_call *call, const struct oci_process **ret, struct err *err)
{
	const char *path = call->o->process;
	int r = io_read_file(AT_FDCWD, path, DECODE_MAX_FILE, call->arena, &call->text, &call->len,
			     err);

	if (r == 0)
		r = decode_process(call->arena, path, call->text, call->len, ret, err);
	if (r == 0)
		r = check_process(*ret, path, "", call->text, call->len, err);
	return r < 0 ? err_prefix(err, "exec failed: --process") : 0;
}

static int make_process(struct exec_call *call, int argc, char **argv,
			const struct oci_process **ret, struct err *err)
{
	const struct exec_options *o = call->o;
	struct plan_exec_process asked = {
		.args = { (const char *const *)argv, (size_t)argc },
		.env = { o->env.v, o->env.n },
		.caps = { o->caps.v, o->caps.n },
		.groups = { o->groups.v, o->groups.n },
		.cwd = o->cwd,
		.user = o->user,
		.apparmor = o->apparmor,
		.label = o->label,
		.tty = o->tty,
		.no_new_privs = o->no_new_privs,
	};
	int r = o->process ? read_process(call, &asked.file, err) : 0;

	return r < 0 ? r : plan_exec_process(call->arena, &asked, call->config->process, ret, err);
}

static int build_plan(struct exec_call *call, const struct oci_process *process,
		      const struct plan **ret, struct err *err)
{
	const struct exec_options *o = call->o;
	struct facts *facts = arena_new(call->arena, struct facts);
	struct plan_options *plan_options = arena_new(call->arena, struct plan_options);
	const struct plan_exec_request request = {
		.config = call->config,
		.process = process,
		.facts = facts,
		.options = plan_options,
		.namespaces = call->state.namespaces.v,
		.n_namespaces = call->state.namespaces.n,
		.handler = call->state.handler,
		.has_cgroup = cgroup_place_is_group(&call->state.cgroup),
		.has_unit = call->state.unit.name,
		/* An engine's process file lists the image's groups for any user. */
		.needs_groups = o->groups.n && !o->process,
	};
	int r = facts_gather(call->arena, plan_process_facts_needed(process), facts, err);

	*plan_options = (struct plan_options){ .id = call->state.id,
					       .bundle = call->state.bundle,
					       .is_exec = true,
					       .detach = o->detach,
					       .console_socket = o->console_socket,
					       .pidfd_socket = o->pidfd_socket,
					       .preserve_fds = o->preserve_fds };
	return r < 0 ? r : plan_exec_build(call->arena, &request, ret, err);
}

/* Whether the process file has the member; omitted ones come from the container's config. */
static bool is_in_file(const struct exec_call *call, const char *path)
{
	char *member = arena_strndup(call->arena, path, strcspn(path, ".["));
	size_t line, column;

	return json_read_locate(call->text, call->len, member, &line, &column);
}

/* The error is about a value of an assembled process: says where the value came from. */
static int name_source(const struct exec_call *call, struct err *err)
{
	static const char whole[] = "process.";
	const struct exec_options *o = call->o;
	const struct {
		const char *path, *option;
		bool given;
	} options_of[] = {
		{ "process.args", "COMMAND", true },
		{ "process.terminal", "--tty", o->tty },
		{ "process.cwd", "--cwd", o->cwd },
		{ "process.user.additionalGids", "--additional-gids", o->groups.n },
		{ "process.user", "--user", o->user },
		{ "process.env", "--env", o->env.n },
		{ "process.capabilities", "--cap", o->caps.n },
		{ "process.apparmorProfile", "--apparmor", o->apparmor },
		{ "process.selinuxLabel", "--process-label", o->label },
	};
	const char *member = err->path + strlen(whole);

	if (o->process && str_starts(err->path, whole) && is_in_file(call, member)) {
		memmove(err->path, member, strlen(member) + 1);
		return err_document(err, o->process);
	}
	for (size_t i = 0; !o->process && i < sizeof(options_of) / sizeof(options_of[0]); i++)
		if (options_of[i].given && str_starts(err->path, options_of[i].path))
			return err_option(err, options_of[i].option);
	return err_document(err, "config.json");
}

/* A container's state records what create left out; a further process has no state. */
static void tell_departures(const struct exec_call *call, const struct start *start)
{
	void (*tell)(const char *fmt, ...);

	if (!start->plan->n_warnings && !start->n_notes)
		return;
	tell = isatty(STDERR_FILENO) ? log_notice : log_warning;
	for (size_t i = 0; i < start->plan->n_warnings; i++) {
		const char *text = start->plan->warnings[i].text, *rest = strstr(text, ": ");

		if (rest && call->o->caps.n && str_starts(text, "process.capabilities."))
			tell("--cap%s", rest);
		else
			tell("%s", text);
	}
	for (size_t i = 0; i < start->n_notes; i++)
		tell("%s", start->notes[i]);
}

/* The process that enters the pid namespace must create another one there. If the cgroup is at its
 * process limit, which is when one wants to look inside, both are created outside and the second
 * one is moved in. */
static int walk(const struct exec_call *call, struct start *start, struct err *err)
{
	struct start first = *start;
	int r = walk_sequence(&sequence_exec, start, err);

	if (r != -EAGAIN || !str_equal(err->step, "spawn-init") || call->o->console_socket)
		return r;
	start_close_opened(start);
	first.signals = start->signals; /* forward what has arrived so far */
	*start = first;
	start->joins_late = true;
	*err = (struct err){ 0 };
	return walk_sequence(&sequence_exec, start, err);
}

static int execute(struct exec_call *call, const struct plan *plan, struct err *err)
{
	_cleanup_close_ int signals = -1;
	struct start *start = arena_new(call->arena, struct start);
	struct supervise supervise = { 0 };
	int r;

	start_init(start, plan, call->arena);
	start->state = &call->state;
	start->pid_file = call->o->pid_file;
	start->target_pidfd = call->pidfd;
	start->target_place = &call->place;
	if (!call->o->detach) {
		signals = supervise_block_signals(err);
		r = signals < 0 ? signals : plan->process.terminal ? 0 : supervise_leave_input(err);
		if (r < 0)
			return r;
		start->signals.fd = signals;
	}
	r = walk(call, start, err);
	driver_close(&start->cgroup);
	tell_departures(call, start);
	if (r < 0 && start->signals.ended_by)
		signals_act(start->signals.ended_by);
	if (r < 0 || call->o->detach)
		return r;
	start_forward_signals(start);
	supervise = (struct supervise){ .child = &start->init,
					.console = fd_take(&start->console_master),
					.signals = signals,
					.stop_key = start->signals.stop_key,
					.notify = -1,
					.manager = -1 };
	r = supervise_run(&supervise, err);
	cgroup_of_tell_oom(call->arena, &call->state, r, start->oom_kills);
	return r;
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	struct exec_call call = { .arena = arena, .o = data, .pidfd = -1 };
	_cleanup_close_ int dirfd = -1;
	const struct oci_process *process;
	const struct plan *plan;
	struct store *store;
	int r;

	r = dirfd = call.dirfd = common_open(arena, globals, argv[0], &store, &call.state, err);
	if (r < 0)
		return err_prefix(err, "exec failed");
	call.place = call.state.cgroup;
	r = status_of(&call.state, &call.pidfd, err);
	if (r >= 0)
		r = refuse_status(&call, (enum status)r, err);
	if (r >= 0)
		r = choose_groups(arena, &call.o->cgroups, &call.state, err);
	if (r >= 0)
		r = common_read_config(arena, dirfd, &call.config, err);
	if (r >= 0)
		r = make_process(&call, argc - 1, argv + 1, &process, err);
	if (r >= 0)
		r = build_plan(&call, process, &plan, err);
	if (r >= 0 && call.o->detach)
		r = launch_check_stdin(plan, "exec --detach", err);
	if (r >= 0)
		r = execute(&call, plan, err);
	fd_closep(&call.pidfd);
	return r < 0 ? name_source(&call, err) : r;
}

const struct cmd cmd_exec = {
	.name = "exec",
	.summary = "run another process in a running container",
	.arguments = "ID [COMMAND [ARGUMENT...]]",
	.options = options,
	.options_size = sizeof(struct exec_options),
	.min_args = 1,
	.max_args = -1,
	.stop_at_first = true,
	.exit_failure = CMD_EXIT_EXEC_FAILURE,
	.starts = true,
	.run = run,
};
