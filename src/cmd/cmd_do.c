/* SPDX-License-Identifier: Apache-2.0 */
/* This machine as a sandbox: options and facts become a config (src/do), which is run like any
 * other. */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/json_write.h"
#include "src/base/log.h"
#include "src/base/parse.h"
#include "src/base/path.h"
#include "src/cmd/common.h"
#include "src/cmd/do_guards.h"
#include "src/cmd/do_layer.h"
#include "src/cmd/do_net.h"
#include "src/cmd/do_tree.h"
#include "src/cmd/launch.h"
#include "src/cmd/update_values.h"
#include "src/do/do.h"
#include "src/oci/check.h"
#include "src/oci/decode.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127, MAX_ENV_FILE = 1 << 20 };

struct do_options {
	struct option_list paths, env, devices, caps, ulimits, unprotect, publish;
	const char *home, *workdir, *net, *memory, *cpus, *pids, *timeout, *name, *hostname,
		*seccomp, *layer_size, *overlay, *changes, *apply, *rootfs;
	bool tty, no_tty, print_config, no_init, nested, host_loopback, metadata;
};

static const char *const homes[] = { "tools", "empty", "ro", "scratch", NULL };
static const char *const changes[] = { "all", "json", "all,json", NULL };

static const struct option options[] = {
	{ 0, "rw", OPTION_TAGGED, offsetof(struct do_options, paths), "PATH", "show PATH, writable",
	  NULL },
	{ 0, "ro", OPTION_TAGGED, offsetof(struct do_options, paths), "PATH", "show PATH read-only",
	  NULL },
	{ 0, "scratch", OPTION_TAGGED, offsetof(struct do_options, paths), "PATH",
	  "show PATH; what is written is thrown away", NULL },
	{ 0, "layer-size", OPTION_TEXT, offsetof(struct do_options, layer_size), "SIZE",
	  "room for what is thrown away, each", NULL },
	{ 0, "rootfs", OPTION_TEXT, offsetof(struct do_options, rootfs), "DIR",
	  "be root in the tree DIR, not on this machine", NULL },
	{ 0, "overlay", OPTION_MAYBE, offsetof(struct do_options, overlay), "DIR",
	  "keep what copies take in DIR (default: memory)", NULL },
	{ 0, "changes", OPTION_MAYBE, offsetof(struct do_options, changes), "all|json",
	  "list what has changed at the end", changes },
	{ 0, "apply", OPTION_TEXT, offsetof(struct do_options, apply), "DIR",
	  "make the changes kept in DIR; run nothing", NULL },
	{ 0, "hide", OPTION_TAGGED, offsetof(struct do_options, paths), "PATH",
	  "show PATH as empty", NULL },
	{ 0, "unprotect", OPTION_LIST, offsetof(struct do_options, unprotect), "NAME",
	  "let NAME be written too, such as .git/hooks", NULL },
	{ 'v', "volume", OPTION_TAGGED, offsetof(struct do_options, paths), "SRC:DST[:ro]",
	  "show SRC at DST", NULL },
	{ 'w', "workdir", OPTION_TEXT, offsetof(struct do_options, workdir), "DIR",
	  "start there (default: here)", NULL },
	{ 0, "home", OPTION_TEXT, offsetof(struct do_options, home), "tools|empty|ro|scratch",
	  "what the home directory has (default: tools)", homes },
	{ 'e', "env", OPTION_TAGGED, offsetof(struct do_options, env), "NAME[=VALUE]",
	  "set a variable, or pass the caller's", NULL },
	{ 0, "env-file", OPTION_TAGGED, offsetof(struct do_options, env), "FILE",
	  "the same for each line of FILE", NULL },
	{ 0, "net", OPTION_TEXT, offsetof(struct do_options, net), "NETWORK",
	  "slirp4netns, pasta, none, host, proxy:CMD or PATH", NULL },
	{ 'p', "publish", OPTION_LIST, offsetof(struct do_options, publish), "PORTS",
	  "publish a port, such as 8080:80; may repeat", NULL },
	{ 0, "host-loopback", OPTION_FLAG, offsetof(struct do_options, host_loopback), NULL,
	  "let it reach the host's loopback, at 10.0.2.2", NULL },
	{ 0, "metadata", OPTION_FLAG, offsetof(struct do_options, metadata), NULL,
	  "let it reach 169.254.0.0/16", NULL },
	{ 0, "memory", OPTION_TEXT, offsetof(struct do_options, memory), "SIZE",
	  "memory limit, such as 512m", NULL },
	{ 0, "cpus", OPTION_TEXT, offsetof(struct do_options, cpus), "N",
	  "limit of CPU time, such as 1.5 CPUs", NULL },
	{ 0, "pids-limit", OPTION_TEXT, offsetof(struct do_options, pids), "N",
	  "maximum number of processes and threads", NULL },
	{ 0, "ulimit", OPTION_LIST, offsetof(struct do_options, ulimits), "NAME=SOFT[:HARD]",
	  "such as nofile=1024", NULL },
	{ 0, "timeout", OPTION_TEXT, offsetof(struct do_options, timeout), "TIME",
	  "end it after TIME, such as 90s or 5m", NULL },
	{ 0, "cap-add", OPTION_TAGGED, offsetof(struct do_options, caps), "CAP",
	  "give it a capability (default: none)", NULL },
	{ 0, "cap-drop", OPTION_TAGGED, offsetof(struct do_options, caps), "CAP",
	  "take back one that was given before, or ALL", NULL },
	{ 0, "seccomp", OPTION_TEXT, offsetof(struct do_options, seccomp), "none|FILE",
	  "no filter, or the profile in FILE", NULL },
	{ 0, "nested", OPTION_FLAG, offsetof(struct do_options, nested), NULL,
	  "let it make namespaces and sandboxes itself", NULL },
	{ 0, "device", OPTION_LIST, offsetof(struct do_options, devices), "PATH",
	  "show a device, such as /dev/kvm", NULL },
	{ 't', "tty", OPTION_FLAG, offsetof(struct do_options, tty), NULL,
	  "give it a terminal (default: if you have one)", NULL },
	{ 'T', "no-tty", OPTION_FLAG, offsetof(struct do_options, no_tty), NULL,
	  "give it the caller's standard streams", NULL },
	{ 0, "init", OPTION_UNSET, offsetof(struct do_options, no_init), NULL,
	  "--init=false: it is the first process itself", NULL },
	{ 0, "hostname", OPTION_TEXT, offsetof(struct do_options, hostname), "NAME",
	  "host name inside (default: usrun)", NULL },
	{ 0, "name", OPTION_TEXT, offsetof(struct do_options, name), "ID",
	  "id for other commands (default: a new one)", NULL },
	{ 0, "print-config", OPTION_FLAG, offsetof(struct do_options, print_config), NULL,
	  "print a config.json for `usrun run`", NULL },
	{ 0 },
};

struct parts { /* of one call */
	struct arena *arena;
	const struct do_options *o;
	struct machine machine;
	struct do_request q;
	struct do_guards guards;
};

/* Whether what is at the end of an absolute path lies in the directory that has it, as far as links
 * of the user's are concerned: a program that ran as the user could have left no other. */
static bool stays_below(struct parts *p, const char *path, size_t dir_len)
{
	const char *dir, *real;
	struct stat st;

	if (lstat(path, &st) < 0)
		return false;
	if (!S_ISLNK(st.st_mode) || st.st_uid != p->machine.uid)
		return true;
	return machine_find(p->arena, arena_strndup(p->arena, path, dir_len), &dir) &&
	       machine_find(p->arena, path, &real) && path_is_below(real, dir);
}

/* A link that an earlier program has left in place of `out` must not make --rw out show what it
 * leads to, by whatever name it is reached. */
static int check_links(struct parts *p, const char *option, const char *word, const char *real,
		       struct err *err)
{
	const char *path = path_join(p->arena, p->machine.cwd, word);
	const char *name = path, *end;
	bool below = true;

	for (; below && *name; name = end) {
		name += strspn(name, "/");
		end = name + strcspn(name, "/");
		below = stays_below(p, arena_strndup(p->arena, path, (size_t)(end - path)),
				    (size_t)(name - path));
	}
	if (*word != '/' && !path_has_dotdot(word))
		below = below && path_is_below(real, p->machine.cwd);
	if (below)
		return 0;
	(void)err_set(err, EINVAL, "%s %s: leads to %s, by a link", option, word, real);
	return err_hint(err, "name %s itself if it is meant", real);
}

static int find_source(struct parts *p, const char *word, struct do_path *path, struct err *err)
{
	enum machine_kind kind;

	if (!p->machine.cwd && *word != '/')
		return err_set(err, EINVAL, "%s %s: the current directory is gone", path->option,
			       word);
	kind = *word ? machine_find(p->arena, path_join(p->arena, p->machine.cwd, word),
				    &path->source)
		     : MACHINE_MISSING;
	if (kind == MACHINE_MISSING)
		return err_set(err, EINVAL,
			       "%s %s: there is no such file or directory, or the "
			       "way to it is closed",
			       path->option, word);
	path->directory = kind == MACHINE_DIRECTORY;
	path->target = path->source;
	path->there = !p->q.rootfs ||
		      do_tree_find(p->arena, p->q.rootfs, path->source) != MACHINE_MISSING;
	if (path->how == DO_SCRATCH && !path->directory)
		return err_set(err, ENOTDIR, "%s %s: only directories can be copied", path->option,
			       word);
	return check_links(p, path->option, word, path->source, err);
}

/* "SRC:DST", "SRC:DST:ro". */
static int find_volume(struct parts *p, const char *word, struct do_path *path, struct err *err)
{
	const char *colon = strchr(word, ':'), *end = colon ? strchr(colon + 1, ':') : NULL;
	int r;

	path->option = "--volume";
	if (!colon || colon[1] != '/' || (end && !str_equal(end, ":ro") && !str_equal(end, ":rw")))
		return err_set(err, EINVAL,
			       "--volume %s: expected SRC:DST, SRC:DST:ro or SRC:DST:rw, with an "
			       "absolute DST",
			       word);
	path->how = str_equal(end, ":ro") ? DO_READ : DO_WRITE;
	r = find_source(p, arena_strndup(p->arena, word, (size_t)(colon - word)), path, err);
	if (r < 0)
		return r;
	path->target = path_clean(
		p->arena,
		end ? arena_strndup(p->arena, colon + 1, (size_t)(end - colon - 1)) : colon + 1);
	path->there = do_tree_find(p->arena, p->q.rootfs, path->target) != MACHINE_MISSING;
	return 0;
}

static int find_guards(struct parts *p, struct err *err)
{
	const struct do_texts unprotected = { p->o->unprotect.v, p->o->unprotect.n };
	int r = do_check_unprotected(&unprotected, err);

	for (size_t i = 0; r == 0 && i < p->q.n_paths; i++)
		if (p->q.paths[i].how == DO_WRITE && p->q.paths[i].directory)
			do_guards_find(p->arena, &p->guards, &p->q.paths[i], &unprotected);
	p->q.guards = p->guards.v;
	p->q.n_guards = p->guards.n;
	return r;
}

static int find_paths(struct parts *p, struct err *err)
{
	const struct option_list *list = &p->o->paths;
	struct do_path *v = arena_array(p->arena, list->n, sizeof(*v));

	for (size_t i = 0; i < list->n; i++) {
		const char *word = strchr(list->v[i], '=') + 1;
		size_t len = (size_t)(word - list->v[i]) - 1;
		int r;

		v[i].option = arena_strf(p->arena, "--%.*s", (int)len, list->v[i]);
		v[i].how = str_equal(v[i].option, "--rw")        ? DO_WRITE
			   : str_equal(v[i].option, "--ro")      ? DO_READ
			   : str_equal(v[i].option, "--scratch") ? DO_SCRATCH
								 : DO_HIDE;
		r = str_equal(v[i].option, "--volume") ? find_volume(p, word, &v[i], err)
						       : find_source(p, word, &v[i], err);
		if (r < 0)
			return r;
	}
	p->q.paths = v;
	p->q.n_paths = list->n;
	return find_guards(p, err);
}

/* What exists of them, at its own path. */
static const struct do_path *find_existing(struct parts *p, const struct do_texts *list,
					   enum do_how how, size_t *ret_n)
{
	struct do_path *v = arena_array(p->arena, list->n, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		const char *real;
		enum machine_kind kind = machine_find(p->arena, list->v[i], &real);

		if (kind == MACHINE_MISSING ||
		    (how == DO_READ && !do_home_may_show(p->machine.home, real)))
			continue;
		v[n++] = (struct do_path){ .how = how,
					   .source = real,
					   .target = how == DO_HIDE ? real : list->v[i],
					   .directory = kind == MACHINE_DIRECTORY,
					   .there = true };
	}
	*ret_n = n;
	return v;
}

static void find_defaults(struct parts *p)
{
	struct do_texts list = { .v = do_hidden };

	while (do_hidden[list.n])
		list.n++;
	p->q.hidden = find_existing(p, &list, DO_HIDE, &p->q.n_hidden);
	p->q.home = str_equal(p->o->home, "empty")     ? DO_HOME_EMPTY
		    : str_equal(p->o->home, "ro")      ? DO_HOME_READ
		    : str_equal(p->o->home, "scratch") ? DO_HOME_SCRATCH
						       : DO_HOME_TOOLS;
	if (p->q.home != DO_HOME_TOOLS || !p->machine.home || !p->machine.home_there ||
	    str_equal(p->machine.home, "/"))
		return;
	list = do_home_tools(p->arena, p->machine.home, getenv("PATH"));
	p->q.tools = find_existing(p, &list, DO_READ, &p->q.n_tools);
}

static int find_devices(struct parts *p, struct err *err)
{
	const struct option_list *list = &p->o->devices;
	const char **sources = arena_array(p->arena, list->n, sizeof(*sources));
	struct stat st;

	for (size_t i = 0; i < list->n; i++)
		if (!str_starts(list->v[i], "/dev/") || path_has_dotdot(list->v[i]) ||
		    !machine_find(p->arena, list->v[i], &sources[i]) || stat(sources[i], &st) < 0 ||
		    (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)))
			return err_set(err, EINVAL, "--device %s: expected a device below /dev",
				       list->v[i]);
	p->q.devices = list->v;
	p->q.device_sources = sources;
	p->q.n_devices = list->n;
	return 0;
}

/* Their texts in place of their names. */
static int read_env_files(struct parts *p, struct err *err)
{
	const struct option_list *list = &p->o->env;
	const char **words = arena_array(p->arena, list->n, sizeof(*words));

	for (size_t i = 0; i < list->n; i++) {
		char *text;
		int r;

		words[i] = list->v[i];
		if (!str_starts(words[i], "env-file="))
			continue;
		r = io_read_file(AT_FDCWD, words[i] + 9, MAX_ENV_FILE, p->arena, &text, NULL, err);
		if (r < 0)
			return err_prefix(err, "--env-file");
		words[i] = arena_strf(p->arena, "env-file=%s", text);
	}
	p->q.env =
		do_env(p->arena, p->q.rootfs != NULL, (const char *const *)environ, words, list->n);
	return 0;
}

static int find_limits(struct parts *p, struct err *err)
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

/* A profile as it stands in a config, or a config that has one. */
static int read_seccomp(struct parts *p, struct err *err)
{
	const char *file = p->o->seccomp;
	const struct oci_config *config = NULL;
	char *text, *wrapped;
	size_t len;
	int r;

	p->q.nested = p->o->nested;
	p->q.no_seccomp = str_equal(file, "none");
	if (!file || p->q.no_seccomp)
		return 0;
	r = io_read_file(AT_FDCWD, file, DECODE_MAX_FILE, p->arena, &text, &len, err);
	if (r < 0)
		return err_prefix(err, "--seccomp");
	wrapped = arena_strf(p->arena,
			     "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"/\"},"
			     "\"linux\":{\"seccomp\":%s}}",
			     text);
	r = decode_config(p->arena, file, wrapped, strlen(wrapped), &config, err);
	if (r == 0)
		r = check_config(config, file, wrapped, strlen(wrapped), err);
	if (r < 0)
		return err_document(err, file);
	p->q.seccomp_given = config->linux_->seccomp;
	return 0;
}

static int check_tree(const struct do_options *o, struct err *err)
{
	if (o->home)
		return err_set(err, EINVAL, "--home: with --rootfs the tree has its own homes");
	if (!o->changes || o->overlay)
		return 0;
	(void)err_set(err, EINVAL, "--changes: what is written with --rootfs is not a copy");
	return err_hint(err, "add --overlay, to throw it away, or --overlay=DIR, to keep it");
}

static bool all_terminals(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
}

static int gather(struct parts *p, int argc, char **argv, struct err *err)
{
	const struct do_options *o = p->o;
	int r = machine_gather(p->arena, &p->machine, err);

	if (r < 0)
		return r;
	p->q.machine = &p->machine;
	/* With one of them elsewhere what it gets must not be mixed with the others'. */
	p->q.terminal = o->tty || (!o->no_tty && all_terminals());
	p->q.reaper = !o->no_init;
	p->q.hostname = o->hostname;
	p->q.overlay = o->overlay != NULL;
	if (o->rootfs)
		r = do_tree_choose(p->arena, &p->machine, o->rootfs, &p->q, err);
	if (r == 0 && o->rootfs)
		r = check_tree(o, err);
	if (r < 0)
		return r;
	if (!o->rootfs)
		find_defaults(p);
	p->q.args.v = argc ? (const char *const *)argv : &p->machine.shell;
	p->q.args.n = argc ? (size_t)argc : 1;
	r = do_net_choose(p->arena, o->net, &p->q.net, &p->q.no_net, err);
	if (r == 0 && o->publish.n && p->q.no_net)
		r = err_set(err, EINVAL, "--publish: %s", p->q.no_net);
	if (r < 0)
		return r;
	if (o->workdir) {
		p->q.workdir = path_clean(
			p->arena,
			path_join(p->arena, p->machine.cwd ? p->machine.cwd : "/", o->workdir));
		p->q.workdir_there =
			do_tree_find(p->arena, p->q.rootfs, p->q.workdir) == MACHINE_DIRECTORY;
	}
	p->q.all_changes = o->changes && str_starts(o->changes, "all");
	r = find_paths(p, err);
	if (r == 0 && o->overlay && *o->overlay)
		r = launch_layer(p->arena, o->overlay, &p->q.layer, err);
	if (r == 0)
		r = find_devices(p, err);
	if (r == 0)
		r = read_env_files(p, err);
	if (r == 0)
		r = find_limits(p, err);
	if (r == 0)
		r = read_seccomp(p, err);
	return r < 0 ? r : do_tree_caps(p->arena, p->o->caps.v, p->o->caps.n, &p->q, err);
}

static void tell(const struct do_result *result)
{
	void (*say)(const char *fmt, ...) = isatty(STDERR_FILENO) ? log_notice : log_warning;

	for (size_t i = 0; i < result->n_notes; i++)
		say("%s", result->notes[i]);
}

/* As env(1): what the user asked for is not there, cannot be run, or we have failed. */
static int explain(const struct err *err)
{
	bool program = str_starts(err->text, "exec");

	log_failure(err);
	return !program                                      ? 125
	       : err->code == ENOENT || err->code == ENOTDIR ? NOT_FOUND
							     : NOT_EXECUTABLE;
}

/* What the config does not say. */
static const char *network(const struct parts *p)
{
	if (!net_has_helper(p->q.net.kind))
		return NULL;
	return p->o->net ? p->o->net : net_kind_name(p->q.net.kind);
}

static int launch_it(struct parts *p, const struct cmd_globals *globals,
		     const struct do_result *result, int64_t timeout_ms, struct err *err)
{
	struct launch *launch = arena_new(p->arena, struct launch);
	const struct launch_options how = { .config_text = result->text,
					    .config_len = result->len,
					    .bundle = "/",
					    .show_changes = p->o->changes != NULL,
					    .net = network(p),
					    .no_resolv = result->no_resolv,
					    .publish = p->o->publish,
					    .host_loopback = p->o->host_loopback,
					    .metadata = p->o->metadata,
					    .sandbox = true };
	struct cmd_globals with = *globals;
	uint32_t number = 0;
	const char *id = p->o->name, *news;
	int r;

	/* A group of its own costs more than the rest of the start; only limits need one. */
	if (!p->q.memory && !p->q.cpu_quota && !p->q.pids && !with.cgroup_manager)
		with.cgroup_manager = "disabled";
	(void)!getrandom(&number, sizeof(number), GRND_NONBLOCK);
	if (!id)
		id = arena_strf(p->arena, "do-%d-%08x", (int)getpid(), number);
	r = launch_plan(p->arena, &with, &how, id, false, false, launch, err);
	if (r == 0) {
		tell(result);
		r = launch_foreground(launch, &with,
				      &(struct launch_foreground){ .timeout_ms = timeout_ms }, err);
	}
	news = do_guards_news(p->arena, &p->guards);
	if (news)
		log_notice("new in a writable directory, to be read before it runs: %s", news);
	if (r >= 0) {
		do_layer_tell(p->arena, &launch->start, p->o->changes);
		return r;
	}
	if (update_values_option(err->path))
		(void)err_option(err, update_values_option(err->path));
	(void)err_document(err, "the sandbox's config");
	return explain(err);
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(true);
	struct parts p = { .arena = arena, .o = data };
	struct do_result result;
	int64_t timeout_ms = 0;
	int r = p.o->timeout ? do_duration(p.o->timeout, &timeout_ms, err) : 0;

	if (r == 0 && p.o->apply)
		return do_layer_apply(arena, p.o->apply, (const char *const *)argv, (size_t)argc,
				      p.o->changes, err);
	if (r == 0)
		r = gather(&p, argc, argv, err);
	if (r == 0)
		r = do_config(arena, &p.q, w, &result, err);
	if (r < 0)
		return r;
	return p.o->print_config ? common_print(w, err)
				 : launch_it(&p, globals, &result, timeout_ms, err);
}

const struct cmd cmd_do = {
	.name = "do",
	.summary = "run a command in a sandbox of this machine",
	.arguments = "[COMMAND [ARGUMENT...]]",
	.options = options,
	.options_size = sizeof(struct do_options),
	.min_args = 0,
	.max_args = -1,
	.stop_at_first = true,
	.exit_failure = 125,
	.starts = true,
	.run = run,
};
