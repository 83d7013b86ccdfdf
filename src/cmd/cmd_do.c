/* SPDX-License-Identifier: Apache-2.0 */
/* A sandbox of this machine: options and facts become a config (src/do), which is run like any
 * other. */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/json_write.h"
#include "src/base/log.h"
#include "src/base/parse.h"
#include "src/base/path.h"
#include "src/cmd/common.h"
#include "src/cmd/do_layer.h"
#include "src/cmd/do_net.h"
#include "src/cmd/do_parts.h"
#include "src/cmd/do_tree.h"
#include "src/cmd/gc_containers.h"
#include "src/cmd/launch.h"
#include "src/cmd/update_values.h"
#include "src/do/do.h"
#include "src/layer/layer_serve.h"
#include "src/oci/check.h"
#include "src/oci/decode.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127, MAX_ENV_FILE = 1 << 20 };

/* Replaces the names of files by their contents. */
static int read_env_files(struct do_parts *p, struct err *err)
{
	const struct option_list *list = &p->o->env;
	const char **words = arena_array(p->arena, list->n, sizeof(*words));

	for (size_t i = 0; i < list->n; i++) {
		char *text;
		size_t len;
		int r;

		words[i] = list->v[i];
		/* In `-e -- COMMAND` the name is missing. */
		if (str_starts(words[i], "env=") && strchr("-=", words[i][4]))
			return err_set(err, EINVAL,
				       "--env: expected NAME or NAME=VALUE, got \"%s\"",
				       words[i] + 4);
		if (!str_starts(words[i], "env-file="))
			continue;
		r = io_read_file(AT_FDCWD, words[i] + 9, MAX_ENV_FILE, p->arena, &text, &len, err);
		if (r < 0)
			return err_prefix(err, "--env-file");
		r = do_env_file_check(words[i] + 9, text, len, err);
		if (r < 0)
			return r;
		words[i] = arena_strf(p->arena, "env-file=%s", text);
	}
	words = str_list(p->arena, p->shared.env, p->shared.n_env, words, list->n);
	p->q.env = do_env(p->arena, do_is_root(&p->q), (const char *const *)environ, words,
			  p->shared.n_env + list->n);
	return 0;
}

static int find_limits(struct do_parts *p, struct err *err)
{
	const struct do_options *o = p->o;
	struct do_rlimit *rlimits = arena_array(p->arena, o->ulimits.n, sizeof(*rlimits));
	uint64_t number;
	int r = 0;

	if (o->memory && (update_values_size(o->memory, &p->q.memory) < 0 || p->q.memory <= 0))
		return err_set(err, EINVAL, "--memory: expected a size such as 512m, got \"%s\"",
			       o->memory);
	if (o->layer_size &&
	    (update_values_size(o->layer_size, &p->q.layer_size) < 0 || p->q.layer_size <= 0))
		return err_set(err, EINVAL,
			       "--layer-size: expected a size such as 512m, got \"%s\"",
			       o->layer_size);
	if (o->pids && (parse_u64_range(o->pids, 1, INT32_MAX, &number) < 0))
		return err_set(err, EINVAL, "--pids-limit: expected a number above 0, got \"%s\"",
			       o->pids);
	if (o->pids)
		p->q.pids = (int64_t)number;
	if (o->cpus)
		r = do_cpus(o->cpus, &p->q.cpu_quota, err);
	for (size_t i = 0; r == 0 && i < o->ulimits.n; i++)
		r = do_ulimit(p->arena, o->ulimits.v[i], &rlimits[i], err);
	p->q.rlimits = rlimits;
	p->q.n_rlimits = o->ulimits.n;
	return r;
}

static int read_seccomp(struct do_parts *p, struct err *err)
{
	const char *file = p->o->seccomp;
	const struct oci_seccomp *profile = NULL;
	char *text;
	size_t len;
	int r;

	p->q.nested = p->o->nested;
	p->q.no_seccomp = str_equal(file, "none");
	if (!file || p->q.no_seccomp)
		return 0;
	r = io_read_file(AT_FDCWD, file, DECODE_MAX_FILE, p->arena, &text, &len, err);
	if (r < 0)
		return err_prefix(err, "--seccomp");
	r = decode_seccomp(p->arena, file, text, len, &profile, err);
	if (r == 0)
		r = check_seccomp(profile, file, text, len, err);
	if (r < 0)
		return err_document(err, file);
	p->q.seccomp_given = profile;
	return 0;
}

static bool all_terminals(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
}

/* 1: a terminal is requested, -1: none is; 0: decided by what the caller has. */
static int asked_terminal(const struct do_options *o)
{
	return o->tty ? o->tty : -o->no_tty;
}

/* What the host has there; below a path that an option shows elsewhere, looks into its source. */
static void find_workdir(struct do_parts *p)
{
	const struct do_path *shown = NULL;
	const char *dir, *real;

	if (!p->o->workdir)
		return;
	dir = path_clean(p->arena,
			 path_join(p->arena, p->machine.cwd ? p->machine.cwd : "/", p->o->workdir));
	p->q.workdir = dir;
	for (size_t i = 0; i < p->q.n_paths; i++)
		if (path_is_below(dir, p->q.paths[i].target) &&
		    (!shown || strlen(p->q.paths[i].target) >= strlen(shown->target)))
			shown = &p->q.paths[i];
	p->q.workdir_there = shown ? machine_find(p->arena,
						  arena_strf(p->arena, "%s%s", shown->source,
							     dir + strlen(shown->target)),
						  &real) == MACHINE_DIRECTORY
				   : do_tree_find(p->arena, p->q.rootfs, dir) == MACHINE_DIRECTORY;
}

/* A program that starts in another directory than its caller's works on the wrong files. */
static int check_cwd(const struct do_parts *p, struct err *err)
{
	if (p->machine.cwd || (p->o->workdir ? *p->o->workdir == '/' : p->o->rootfs != NULL))
		return 0;
	(void)err_set(err, ENOENT, "the current directory no longer exists");
	return err_hint(err, "change to another one, or start in an absolute --workdir");
}

static void note_options(struct do_parts *p)
{
	const struct do_options *o = p->o;

	p->q.machine = &p->machine;
	/* If one of them goes elsewhere, its text must not be mixed with that of the others. */
	p->q.terminal = asked_terminal(o) ? asked_terminal(o) > 0 : !o->detach && all_terminals();
	p->q.reaper = !o->no_init;
	p->q.hostname = o->hostname;
	p->q.root = o->root;
	p->q.keep_groups = o->keep_groups;
	p->q.overlay = o->overlay != NULL;
	p->q.all_changes = o->changes && str_starts(o->changes, "all");
}

static int find_tree(struct do_parts *p, struct err *err)
{
	const struct do_options *o = p->o;
	const char *program;
	int r = o->rootfs ? do_tree_choose(p->arena, &p->machine, o->rootfs, &p->q, err) : 0;

	if (r == 0 && o->root && layer_serve_find(p->arena, &program, err) < 0)
		r = err_prefix(err, "--root");
	return r;
}

static int find_network(struct do_parts *p, struct err *err)
{
	const struct do_options *o = p->o;
	int r = do_net_choose(p->arena, o->net, &p->q.net, &p->q.no_net, err);

	if (r < 0 || !p->q.no_net || !(o->publish.n || o->host_loopback || o->metadata))
		return r;
	return err_set(err, EINVAL, "--%s: %s",
		       o->publish.n       ? "publish"
		       : o->host_loopback ? "host-loopback"
					  : "metadata",
		       p->q.no_net);
}

static bool add_state(struct do_parts *p, const char *path)
{
	char real[PATH_MAX];

	if (!realpath(path, real))
		return false;
	p->states[p->q.states.n++] = arena_strdup(p->arena, real);
	return true;
}

/* Whether the program could create it. */
static bool is_in_writable(const struct do_parts *p, const char *path)
{
	for (size_t i = 0; i < p->q.n_paths; i++)
		if (p->q.paths[i].how == DO_WRITE && path_is_below(path, p->q.paths[i].source))
			return true;
	return p->q.rootfs && !p->q.overlay && path_is_below(path, p->q.rootfs);
}

/* They have to be hidden in what is shown of the host: ours, which is created here, and those that
 * this user's usrun would take in another environment. One that the program could create must be
 * there, too, and if we cannot, it cannot, either. */
static int find_states(struct do_parts *p, const struct cmd_globals *globals, struct err *err)
{
	const char *usual[STORE_USUAL];
	int r = store_open(globals->root, !p->o->print_config, p->arena, &p->store, err);

	if (r < 0)
		return r;
	p->q.states.v = p->states;
	if (!add_state(p, store_root(p->store)) && (!p->o->print_config || errno != ENOENT))
		return err_errno(err, errno, "find the state directory %s", store_root(p->store));
	store_usual_roots(p->arena, usual);
	for (size_t i = 0; i < STORE_USUAL; i++) {
		if (!p->o->print_config && is_in_writable(p, usual[i]))
			(void)mkdir(usual[i], 0700);
		(void)add_state(p, usual[i]);
	}
	return 0;
}

/* The order matters: paths of options cover what is shown by default, and lie beside copies. */
static int find_places(struct do_parts *p, struct err *err)
{
	const struct do_options *o = p->o;
	int r = 0;

	do_copies_find(p);
	for (size_t i = 0; r == 0 && i < o->share.n; i++)
		r = do_share_find(p, o->share.v[i], err);
	if (r == 0)
		r = do_find_paths(p, err);
	if (r < 0)
		return r;
	do_copies_rest(p);
	find_workdir(p);
	if (o->overlay && *o->overlay)
		r = launch_layer(p->arena, o->overlay, &p->q.layer, err);
	return r < 0 ? r : do_find_devices(p, err);
}

static int gather(struct do_parts *p, const struct cmd_globals *globals, int argc, char **argv,
		  struct err *err)
{
	int r = machine_gather(p->arena, &p->machine, err);

	if (r == 0)
		r = check_cwd(p, err);
	if (r < 0)
		return r;
	note_options(p);
	r = find_tree(p, err);
	if (r == 0 && !p->o->rootfs)
		r = do_find_defaults(p, err);
	if (r < 0)
		return r;
	p->q.args.v = argc ? (const char *const *)argv : &p->machine.shell;
	p->q.args.n = argc ? (size_t)argc : 1;
	r = find_network(p, err);
	if (r == 0)
		r = find_places(p, err);
	if (r == 0)
		r = find_states(p, globals, err);
	if (r == 0)
		r = read_env_files(p, err);
	if (r == 0)
		r = find_limits(p, err);
	if (r == 0)
		r = read_seccomp(p, err);
	return r < 0 ? r : do_tree_caps(p->arena, p->o->caps.v, p->o->caps.n, &p->q, err);
}

static void tell(const struct do_parts *p, const struct do_result *result)
{
	void (*say)(const char *fmt, ...) = isatty(STDERR_FILENO) ? log_notice : log_warning;

	for (size_t i = 0; i < result->n_notes; i++)
		say("%s", result->notes[i]);
	for (size_t i = 0; i < p->n_notes; i++)
		say("%s", p->notes[i]);
}

/* As env(1): the command is missing, cannot be run, or usrun failed. */
static int explain(const struct err *err)
{
	bool program = str_starts(err->text, "exec");

	log_failure(err);
	return !program                                      ? 125
	       : err->code == ENOENT || err->code == ENOTDIR ? NOT_FOUND
							     : NOT_EXECUTABLE;
}

/* The program exists on this machine, but in a place that is empty in a sandbox. */
static void hint_not_shown(struct do_parts *p, struct err *err)
{
	const char *word = p->q.args.v[0], *real;

	if (p->q.rootfs || err->code != ENOENT || !str_starts(err->text, "exec: ") ||
	    !strchr(word, '/') || (*word != '/' && !p->machine.cwd))
		return;
	if (machine_find(p->arena, path_join(p->arena, p->machine.cwd, word), &real) ==
	    MACHINE_MISSING)
		return;
	if (*word == '/' || path_has_dotdot(word))
		err_hint(err, "it is not visible inside: --ro %s shows it", word);
	else
		err_hint(err,
			 "the current directory is not visible inside: --ro . or --rw . shows it");
}

/* The option that set a value of the sandbox's config, or NULL. */
static const char *option_of(const struct do_parts *p, const char *path)
{
	if (str_equal(path, "linux.namespaces") && p->o->net && *p->o->net == '/')
		return "--net";
	if (str_starts(path, "linux.resources.cpu."))
		return "--cpus";
	if (str_equal(path, "hostname"))
		return "--hostname";
	return str_starts(path, "process.rlimits") ? "--ulimit" : update_values_option(path);
}

/* Not part of the config. */
static const char *network(const struct do_parts *p)
{
	if (!net_has_helper(p->q.net.kind))
		return NULL;
	return p->o->net ? p->o->net : net_kind_name(p->q.net.kind);
}

/* The caller goes on reading the terminal. */
static int give_up_terminal(struct err *err)
{
	_cleanup_close_ int null = -1;

	if (!isatty(STDIN_FILENO))
		return 0;
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return null < 0 || dup2(null, STDIN_FILENO) < 0
		       ? err_errno(err, errno, "--detach: read from /dev/null")
		       : 0;
}

static int leave(struct do_parts *p, struct launch *launch, const struct cmd_globals *globals,
		 struct err *err)
{
	_cleanup_str_ struct str id = { 0 };
	int r = launch->plan->process.terminal ? 0 : give_up_terminal(err);

	if (r == 0)
		r = launch_start(launch, globals, err);
	if (r < 0 || p->o->name)
		return r;
	str_addf(&id, "%s\n", launch->options.id);
	return common_print_text(&id, err);
}

static int stay(struct do_parts *p, struct launch *launch, const struct cmd_globals *globals,
		int64_t timeout_ms, struct err *err)
{
	const struct launch_foreground how = { .timeout_ms = timeout_ms };
	int r = launch_foreground(launch, globals, &how, err), told = 0;
	_cleanup_str_ struct str news = { 0 };

	do_guards_news(p->arena, &p->guards, &news);
	if (news.len)
		log_notice("new in a writable directory, review it before it runs: %s", news.s);
	if (r >= 0)
		told = do_layer_tell(p->arena, &launch->start, p->o->changes, err);
	if (launch->store)
		gc_sandboxes(p->arena, launch->store);
	/* Whoever asked for the list must not take none for an empty one. */
	return told < 0 ? told : r;
}

static int launch_it(struct do_parts *p, const struct cmd_globals *globals,
		     const struct do_result *result, int64_t timeout_ms, struct err *err)
{
	struct launch *launch = arena_new(p->arena, struct launch);
	const bool may_lack = p->q.net.kind != NET_HOST; /* something that the host can reach */
	const struct launch_options how = { .config_text = result->text,
					    .config_len = result->len,
					    .bundle = "/",
					    .show_changes = p->o->changes != NULL,
					    .net = network(p),
					    .no_resolv = result->no_resolv,
					    .publish = p->o->publish,
					    .host_loopback = may_lack && p->o->host_loopback,
					    .metadata = may_lack && p->o->metadata,
					    .tty = p->o->detach && asked_terminal(p->o) > 0,
					    .sandbox = true,
					    .any_hostname = !p->o->hostname };
	struct cmd_globals with = *globals;
	uint32_t number = 0;
	struct launch_as as = { .id = p->o->name, .detach = p->o->detach, .store = p->store };
	int r;

	/* A cgroup of its own costs more than the rest of the start; only limits need one. */
	if (!p->q.memory && !p->q.cpu_quota && !p->q.pids && !with.cgroup_manager)
		with.cgroup_manager = "disabled";
	(void)!getrandom(&number, sizeof(number), GRND_NONBLOCK);
	if (!as.id)
		as.id = arena_strf(p->arena, GC_SANDBOX "%d-%08x", (int)getpid(), number);
	r = launch_plan(p->arena, &with, &how, &as, launch, err);
	if (r == 0)
		tell(p, result);
	if (r == 0)
		r = p->o->detach ? leave(p, launch, &with, err)
				 : stay(p, launch, &with, timeout_ms, err);
	if (r >= 0)
		return r;
	if (option_of(p, err->path))
		(void)err_option(err, option_of(p, err->path));
	(void)err_document(err, "the sandbox's config");
	hint_not_shown(p, err);
	return explain(err);
}

static int print(const struct do_parts *p, struct json_write *w, struct err *err)
{
	const char *lost = do_check_printed(p->arena, p->o);

	if (lost)
		log_notice("a config cannot express %s: `usrun run` has to be told", lost);
	return common_print(w, err);
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	struct do_parts p = { .arena = arena, .o = data };
	/* Indenting it, byte by byte, takes half a millisecond. */
	_cleanup_json_write_ struct json_write *w = json_write_new(p.o->print_config);
	struct do_result result = { 0 };
	int64_t timeout_ms = 0;
	int r = p.o->timeout ? do_duration(p.o->timeout, &timeout_ms, err) : 0;

	if (r == 0)
		r = do_check(p.o, err);
	if (r < 0)
		return r;
	if (p.o->apply)
		return do_layer_apply(arena, p.o->apply, (const char *const *)argv, (size_t)argc,
				      p.o->changes, err);
	if (argc && !*argv[0])
		return err_set(err, EINVAL, "expected a command, got an empty string");
	r = gather(&p, globals, argc, argv, err);
	if (r == 0)
		r = do_config(arena, &p.q, w, &result, err);
	if (r < 0)
		return r;
	return p.o->print_config ? print(&p, w, err)
				 : launch_it(&p, globals, &result, timeout_ms, err);
}

const struct cmd cmd_do = {
	.name = "do",
	.summary = "run a command in a sandbox on this machine",
	.arguments = "[COMMAND [ARGUMENT...]]",
	.options = do_options,
	.options_size = sizeof(struct do_options),
	.min_args = 0,
	.max_args = -1,
	.stop_at_first = true,
	.exit_failure = 125,
	.starts = true,
	.run = run,
};
