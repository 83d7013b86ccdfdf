/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/launch.h"

#include "net/devices.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/log.h"
#include "src/base/parse.h"
#include "src/base/path.h"
#include "src/cmd/cgroup_of.h"
#include "src/host/barrier.h"
#include "src/oci/annotations.h"
#include "src/oci/check.h"
#include "src/oci/decode.h"
#include "src/plan/plan_cgroup.h"
#include "src/plan/powers.h"
#include "src/run/notify.h"
#include "src/run/supervise.h"
#include "src/steps/removal.h"
#include "src/sys/dbus_kept.h"
#include "src/sys/sock.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

int launch_find_bundle(struct arena *arena, const char *bundle, const char **ret, struct err *err)
{
	char resolved[PATH_MAX];

	if (!realpath(bundle ? bundle : ".", resolved)) {
		(void)err_errno(err, errno, "open the directory of the bundle, %s",
				bundle ? bundle : ".");
		if (err->code == EACCES)
			barrier_hint(arena, &(struct barrier_view){ 0 }, bundle ? bundle : ".", 0,
				     err);
		return -err->code;
	}
	*ret = arena_strdup(arena, resolved);
	return 0;
}

int launch_read_text(struct arena *arena, const char *path, char **ret, size_t *ret_len,
		     struct err *err)
{
	int r = io_read_file(AT_FDCWD, path, DECODE_MAX_FILE, arena, ret, ret_len, err);

	if (r == -ENOENT)
		(void)err_set(err, ENOENT, "JSON specification file %s not found", path);
	if (r == -EACCES)
		barrier_hint(arena, &(struct barrier_view){ 0 }, path, R_OK, err);
	return r;
}

int launch_read_bundle(struct arena *arena, const char *bundle, char **ret, size_t *ret_len,
		       struct err *err)
{
	int r = launch_read_text(arena, path_join(arena, bundle, "config.json"), ret, ret_len, err);

	if (r == -ENOENT)
		err_hint(err, "`usrun spec` writes one; or name the directory that it is in");
	return r;
}

static int read_config(struct launch *launch, const struct launch_options *options, struct err *err)
{
	struct arena *arena = launch->arena;
	const char *path = options->config ? options->config : "config.json";
	/* Without a file name errors carry their JSON paths, which stand for options of a
	 * sandbox. */
	const char *name = options->sandbox ? NULL : path, *text = options->config_text;
	int r = 0;

	launch->config_name = name;
	if (!text && options->config)
		r = launch_read_text(arena, path, (char **)&text, &launch->config_len, err);
	else if (!text)
		r = launch_read_bundle(arena, launch->options.bundle, (char **)&text,
				       &launch->config_len, err);
	if (options->config_text)
		launch->config_len = options->config_len;
	if (r == 0)
		r = decode_config(arena, name, text, launch->config_len, &launch->config, err);
	if (r == 0)
		r = check_config(launch->config, name, text, launch->config_len, err);
	launch->config_text = text;
	return r;
}

/* Socket activation: descriptors from 3 up are meant for the process (sd_listen_fds(3)). An engine
 * that puts LISTEN_FDS into the config counts them in --preserve-fds itself. */
static unsigned int listen_fds(struct launch *launch)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const struct oci_config *config = launch->config;
	const struct oci_process *process = config->process;
	uint32_t n;
	int owner;

	/* A sandbox gets only what its options name, not the sockets of a service. */
	if (launch->options.sandbox || !fds || parse_u32(fds, &n) < 0 || n == 0)
		return 0;
	/* Otherwise they were set for another process, and the descriptors from 3 up are
	 * unrelated. */
	if (!pid || parse_int(pid, &owner) < 0 || owner != getpid()) {
		launch->options.listen_ignored = "LISTEN_PID is not the pid of usrun";
		return 0;
	}
	if (process && str_env_find(process->env.v, process->env.n, "LISTEN_FDS"))
		return 0;
	if (n >= 1024)
		n = 0;
	for (uint32_t i = 0; i < n; i++)
		if (!fd_was_passed(3 + (int)i)) {
			launch->options.listen_ignored =
				arena_strf(launch->arena, "descriptor %u is not open", 3 + i);
			return 0;
		}
	return n;
}

static int gather_facts(struct launch *launch, struct err *err)
{
	unsigned int parts = plan_facts_needed(launch->config, &launch->options);
	int r = facts_gather(launch->arena, parts, &launch->facts, err);

	/* A caller that may not create namespaces gets a user namespace, and one outside the
	 * initial user namespace does not have all ids: then the id maps matter. */
	if (r == 0 && (!launch->facts.caller.initial_userns ||
		       !(powers_derive(&launch->facts, false) & POWER_NAMESPACES)))
		r = facts_gather_more(launch->arena, FACTS_USERNS, &launch->facts, err);
	if (r == 0 && plan_cgroup_needs_manager(launch->config, launch->options.cgroup_manager,
						plan_cgroup_lacks_own(&launch->facts)))
		r = facts_gather_more(launch->arena, FACTS_SYSTEMD, &launch->facts, err);
	return r;
}

/* ROOT/<id>; parts of it may be visible to the container. */
static int find_state_dir(struct launch *launch, const struct cmd_globals *globals, struct err *err)
{
	char root[PATH_MAX];
	int r = launch->store ? 0
			      : store_open(globals->root, true, launch->arena, &launch->store, err);

	if (r < 0)
		return r;
	if (!realpath(store_root(launch->store), root))
		return err_errno(err, errno, "find the state directory %s",
				 store_root(launch->store));
	launch->options.state_dir = arena_strf(launch->arena, "%s/%s", root, launch->options.id);
	return 0;
}

static bool asks_for_net(const struct launch *launch)
{
	const struct oci_config *config = launch->config;

	return launch->options.net ||
	       annotations_find(config->annotations.v, config->annotations.n, ANNOTATIONS_NET);
}

/* Searches only if the config or the name of the program asks for a handler. */
static int find_handler(struct launch *launch, const char *called_as, struct err *err)
{
	const struct caller *caller = &launch->facts.caller;
	struct handler *handler = arena_new(launch->arena, struct handler);
	struct plan_handler_choice choice;
	int r = plan_handler_choose(launch->arena, launch->config, called_as, &choice, err);

	if (r < 0 || !choice.name)
		return r;
	r = handler_read(launch->arena, caller, choice.name, handler, err);
	if (r == 0 && !plan_handler_takes(&choice, handler, launch->config))
		return 0;
	if (r == 0)
		r = handler_find_files(launch->arena, caller, handler, err);
	launch->options.handler = handler;
	if (r < 0 && choice.annotation)
		return err_prefix(err, ERR_AT "annotations[\"%s\"]", choice.annotation);
	return r < 0 ? err_prefix(err, "called as %s, which asks for a handler", called_as) : 0;
}

static bool needs_state_dir(const struct launch *launch)
{
	const struct handler *handler = launch->options.handler;

	return !launch->explains && (asks_for_net(launch) || (handler && handler->doc.config_file));
}

static int make_plan(struct launch *launch, const struct launch_options *options,
		     const struct cmd_globals *globals, const struct facts *facts, struct err *err)
{
	int r = launch_find_bundle(launch->arena, options->bundle, &launch->options.bundle, err);

	if (r == 0)
		r = read_config(launch, options, err);
	if (r == 0 && facts)
		launch->facts = *facts;
	else if (r == 0)
		r = gather_facts(launch, err);
	if (r == 0 && !launch->options.sandbox)
		r = find_handler(launch, globals->called_as, err);
	if (r < 0)
		return r;
	launch->options.listen_fds = options->restores ? 0 : listen_fds(launch);
	if (launch->options.listen_fds)
		launch->options.listen_names = getenv("LISTEN_FDNAMES");
	if (needs_state_dir(launch))
		r = find_state_dir(launch, globals, err);
	if (r < 0)
		return r;
	r = plan_build(launch->arena, launch->config, &launch->facts, &launch->options,
		       &launch->plan, err);
	if (r < 0 || !(launch->plan->flags & PLAN_CGROUP_UNIT))
		dbus_kept_forget(); /* it would be open as long as the container runs */
	return r;
}

static void fill_options(struct launch *launch, const struct cmd_globals *globals,
			 const struct launch_options *options, const char *id)
{
	launch->pid_file = options->pid_file;
	launch->options = (struct plan_options){ .id = id,
						 .console_socket = options->console_socket,
						 .pidfd_socket = options->pidfd_socket,
						 .no_pivot = options->no_pivot,
						 .no_new_keyring = options->no_new_keyring,
						 .preserve_fds = options->preserve_fds,
						 .sandbox = options->sandbox,
						 .any_hostname = options->any_hostname,
						 .map = options->map,
						 .net = options->net,
						 .publish = options->publish.v,
						 .n_publish = options->publish.n,
						 .host_loopback = options->host_loopback,
						 .metadata = options->metadata,
						 .no_resolv = options->no_resolv,
						 .overlay = options->overlay != NULL,
						 .show_changes = options->show_changes,
						 .tty = options->tty,
						 .cgroup_manager = globals->cgroup_manager };
}

int launch_layer(struct arena *arena, const char *word, const char **ret, struct err *err)
{
	char cwd[PATH_MAX] = "", real[PATH_MAX];
	const char *path, *base;
	char *dir;

	if (*word != '/' && !getcwd(cwd, sizeof(cwd)))
		return err_errno(err, errno, "--overlay=%s: find the current directory", word);
	path = path_clean(arena, path_join(arena, cwd, word));
	base = path_base(path);
	dir = arena_strndup(arena, path, (size_t)(base - path));
	if (!*base || !realpath(dir, real))
		return err_errno(err, *base ? errno : EINVAL,
				 "--overlay=%s: open %s, where it is to be", word, dir);
	*ret = path_join(arena, real, base);
	return 0;
}

/* The program sends its keep-alives through us, so it must know the interval. */
static const char *find_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t number;

	if (!usec || parse_u64(usec, &number) < 0 || !number)
		return NULL;
	return pid && (parse_u64(pid, &number) < 0 || number != (uint64_t)getpid()) ? NULL : usec;
}

/* A detached start waits until the program is ready, so it must listen. */
static int offer_notify(struct launch *launch, const struct cmd_globals *globals, struct err *err)
{
	const char *socket = getenv("NOTIFY_SOCKET");
	int r;

	/* A sandbox must not talk to the caller's service manager. */
	if (!socket || !*socket || launch->options.sandbox)
		return 0;
	launch->manager = notify_connect();
	if (launch->manager < 0 && (launch->options.wait_start || launch->options.detach))
		return 0;
	r = find_state_dir(launch, globals, err);
	if (r < 0)
		return r;
	launch->options.notify_socket = socket;
	launch->options.watchdog_usec = find_watchdog();
	launch->options.notify_path =
		arena_strf(launch->arena, "%s/notify", launch->options.state_dir);
	return 0;
}

/* The file may have another name (--config). The user of a sandbox knows no such file. */
static int name_config(const struct launch *launch, struct err *err)
{
	const char *name = launch->config_name ? launch->config_name : "config.json";
	size_t line, column;

	if (launch->options.sandbox)
		return -err->code;
	if (json_read_locate(launch->config_text, launch->config_len, err->path, &line, &column))
		name = arena_strf(launch->arena, "%s:%zu:%zu", name, line, column);
	return err_document(err, name);
}

int launch_plan(struct arena *arena, const struct cmd_globals *globals,
		const struct launch_options *options, const struct launch_as *as,
		struct launch *ret, struct err *err)
{
	int r = store_check_id(as->id, err);

	*ret = (struct launch){ .arena = arena, .manager = -1, .signals = -1, .store = as->store };
	fill_options(ret, globals, options, as->id);
	ret->options.wait_start = as->wait_start;
	ret->options.detach = as->detach;
	if (r == 0 && options->overlay && *options->overlay)
		r = launch_layer(arena, options->overlay, &ret->options.layer, err);
	if (r == 0 && !options->restores)
		r = offer_notify(ret, globals, err);
	if (r == 0)
		r = make_plan(ret, options, globals, NULL, err);
	return r < 0 ? name_config(ret, err) : r;
}

int launch_plan_with(struct arena *arena, const struct cmd_globals *globals,
		     const struct launch_options *options, const struct facts *facts,
		     struct launch *ret, struct err *err)
{
	*ret = (struct launch){ .arena = arena, .manager = -1, .signals = -1, .explains = true };
	fill_options(ret, globals, options, "ID");
	return make_plan(ret, options, globals, facts, err) < 0 ? name_config(ret, err) : 0;
}

/* A missing cgroup matters only if limits are set, and then the start is refused. */
static void tell_fallbacks(const struct start *start)
{
	const struct cgroup_plan *cgroup = &start->plan->cgroup;
	const char *untold = cgroup_place_is_group(&cgroup->place) ? NULL : cgroup->why;

	for (size_t i = 0; i < start->state->fallbacks.n; i++)
		if (!untold || !str_equal(start->state->fallbacks.v[i], untold))
			(isatty(STDERR_FILENO) ? log_notice
					       : log_warning)("%s", start->state->fallbacks.v[i]);
}

int launch_start(struct launch *launch, const struct cmd_globals *globals, struct err *err)
{
	const struct sequence *sequence = launch->restore ? &sequence_restore : &sequence_create;
	struct start *start = &launch->start;
	int r = launch->store ? 0
			      : store_open(globals->root, true, launch->arena, &launch->store, err);

	if (r < 0)
		return r;
	start_init(start, launch->plan, launch->arena);
	start->store = launch->store;
	start->state = &launch->state;
	start->config_text = launch->config_text;
	start->config_len = launch->config_len;
	start->pid_file = launch->pid_file;
	start->tell_fallbacks = tell_fallbacks;
	start->signals.fd = launch->signals;
	/* Init inherits it; its name comes with the state. */
	if (launch->plan->flags & PLAN_WAIT_START) {
		start->start_listener = sock_new();
		if (start->start_listener < 0)
			return err_errno(err, -start->start_listener, "create the start socket");
	}
	start->restore = launch->restore;
	walk_undo_names(sequence, launch->plan->flags, launch->arena, &start->undo, &start->n_undo);
	r = walk_sequence(sequence, start, err);
	if (r < 0)
		(void)name_config(launch, err);
	devices_close(&start->net);
	/* Init inherits the descriptor, and thus the lock, until it closes its copy. */
	if (start->state_dir >= 0)
		store_unlock(start->state_dir);
	driver_close(&start->cgroup);
	return r;
}

static int remove_own(int dirfd, struct state *state, void *data, struct err *err)
{
	struct launch *launch = data;

	launch->found = true;
	return removal_run(
		launch->store, dirfd, state,
		&(struct removal){ .config = launch->config, .signals = &launch->start.signals },
		err);
}

int launch_delete(struct launch *launch, struct err *err)
{
	const struct store_change change = {
		.arena = launch->arena, .seen = &launch->state, .act = remove_own, .data = launch
	};
	int r = store_change_open(launch->store, launch->start.state_dir, launch->state.id, &change,
				  err);

	return r == -ENOENT && !launch->found
		       ? 0
		       : r; /* whoever deleted it meanwhile has run its hooks, too */
}

/* The counter of a scope may be gone with its cgroup: uses the value seen last, or else the current
 * one. */
static void tell_oom(struct launch *launch, const struct driver_oom *oom, const char *words,
		     int status)
{
	if (oom->seen && status == 128 + SIGKILL)
		log_notice("container %s: %s", launch->state.id, words);
	else
		cgroup_of_tell_oom(launch->arena, &launch->state, status, 0);
}

int launch_foreground(struct launch *launch, const struct cmd_globals *globals,
		      const struct launch_foreground *how, struct err *err)
{
	_cleanup_close_ int signals = supervise_block_signals(err);
	struct supervise supervise = { .signals = signals, .timeout_ms = how->timeout_ms };
	struct driver_oom oom = { .fd = -1, .counter = -1 };
	const char *words = NULL;
	struct err later;
	int status, r = launch->signals = signals;

	if (r >= 0 && !launch->plan->process.terminal)
		r = supervise_leave_input(err);
	if (r >= 0)
		r = launch_start(launch, globals, err);
	if (r < 0 && launch->start.signals.ended_by)
		signals_act(launch->start.signals.ended_by);
	if (r < 0)
		return r;
	start_forward_signals(&launch->start);
	supervise.child = &launch->start.init;
	supervise.id = launch->options.id;
	supervise.console = fd_take(&launch->start.console_master);
	supervise.reaper = launch->plan->process.reaper;
	supervise.stop_key = launch->start.signals.stop_key;
	supervise.notify = launch->start.notify_listener;
	supervise.manager = launch->manager;
	if (cgroup_of_watch_oom(launch->arena, &launch->state, &oom, &words))
		supervise.oom = &oom;
	status = supervise_run(&supervise, err);
	driver_oom_done(&oom);
	tell_oom(launch, &oom, words, status);
	/* Even when we can no longer watch it: nobody else would end a foreground container. */
	if (!how->keep && launch_delete(launch, &later) < 0)
		log_notice("cleaning up: %s", later.text);
	return status;
}

int launch_check_stdin(const struct plan *plan, const char *command, struct err *err)
{
	if (plan->process.terminal || !isatty(STDIN_FILENO))
		return 0;
	(void)err_set(err, EINVAL,
		      "standard input is your terminal, and the process would compete with your "
		      "shell for what you type");
	return err_hint(
		err,
		"`usrun %s ... </dev/null`; or a terminal of its own: %s; or `usrun %s` in the "
		"foreground",
		command,
		str_equal(command, "run --detach") ? "--tty, which `usrun attach` shows"
						   : "process.terminal true, with --console-socket",
		str_starts(command, "exec") ? "exec" : "run");
}
