/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the engines of this host would use usrun, judging by their settings files, in the order
 * in which they read them. Never executes a program that such a file names. */
#include "src/doctor/doctor_parts.h"

#include "net/net_helper.h"
#include "src/base/io.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/base/text.h"
#include "src/doctor/doctor_toml.h"

#include <dirent.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct runtime {
	const char *name, *path;
};

/* An engine's settings; the last value of each kind. */
struct wiring {
	struct arena *arena;
	const char *engine, *program; /* the engine's names, for people and in PATH */
	const char *runtime;          /* the runtime it uses by default, or NULL */
	const char *file;             /* the file that sets it, or the first one read */
	const char *last;             /* the last file read */
	struct runtime *runtimes;
	size_t n, cap;
	bool json;    /* podman: set to read JSON errors from a runtime of this name */
	bool changed; /* there are settings files */
};

typedef void rule(void *wiring, const struct doctor_toml_value *v);

static void add_runtime(struct wiring *w, const char *name, const char *path)
{
	for (size_t i = 0; i < w->n; i++)
		if (str_equal(w->runtimes[i].name, name)) {
			w->runtimes[i].path = path;
			return;
		}
	w->runtimes = arena_room(w->arena, w->runtimes, w->n, &w->cap, sizeof(*w->runtimes));
	w->runtimes[w->n++] = (struct runtime){ name, path };
}

static const char *path_of(const struct wiring *w, const char *name)
{
	for (size_t i = 0; i < w->n; i++)
		if (str_equal(w->runtimes[i].name, name))
			return w->runtimes[i].path;
	return NULL;
}

/* podman takes the first of its paths that exists. */
static const char *first_there(const struct doctor_toml_value *v)
{
	for (size_t i = 0; i < v->n_list; i++)
		if (access(v->list[i], F_OK) == 0)
			return v->list[i];
	return v->value;
}

static void podman_rule(void *wiring, const struct doctor_toml_value *v)
{
	const char *const mark = "engine.runtimes.";
	struct wiring *w = wiring;

	if (str_equal(v->key, "engine.runtime"))
		w->runtime = v->value;
	else if (str_equal(v->key, "engine.runtime_supports_json"))
		w->json = strstr(v->raw, "usrun") || (w->json && strstr(v->raw, "append"));
	else if (str_starts(v->key, mark))
		add_runtime(w, v->key + strlen(mark), first_there(v));
}

/* The part of the key between mark and end, or NULL. */
static const char *between(struct wiring *w, const char *key, const char *mark, const char *end)
{
	const char *name = strstr(key, mark);

	if (!name || !str_ends(name + strlen(mark), end))
		return NULL;
	name += strlen(mark);
	return arena_strndup(w->arena, name, strlen(name) - strlen(end));
}

static void containerd_rule(void *wiring, const struct doctor_toml_value *v)
{
	struct wiring *w = wiring;
	const char *name = between(w, v->key, ".containerd.runtimes.", ".options.BinaryName");

	if (str_ends(v->key, ".default_runtime_name"))
		w->runtime = v->value;
	if (name)
		add_runtime(w, name, v->value);
}

static void crio_rule(void *wiring, const struct doctor_toml_value *v)
{
	struct wiring *w = wiring;
	const char *name = between(w, v->key, "crio.runtime.runtimes.", ".runtime_path");

	if (str_equal(v->key, "crio.runtime.default_runtime"))
		w->runtime = v->value;
	if (name)
		add_runtime(w, name, v->value);
}

static void read_toml(struct wiring *w, const char *file, rule *apply)
{
	const char *before = w->runtime;
	char *text;

	if (text_read(w->arena, file, &text) < 0)
		return;
	w->changed = true;
	w->last = file;
	doctor_toml_read(w->arena, text, apply, w);
	if (w->runtime != before || !w->file)
		w->file = file;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Reads the files *.conf of a directory, by name. */
static void read_toml_dir(struct wiring *w, const char *dir, rule *apply)
{
	const char **names = NULL;
	struct dirent *entry;
	DIR *open = opendir(dir);
	size_t n = 0, cap = 0;
	int ignored;

	while (open && (entry = io_next_entry(open, &ignored))) {
		if (!str_ends(entry->d_name, ".conf"))
			continue;
		names = arena_room(w->arena, names, n, &cap, sizeof(*names));
		names[n++] = path_join(w->arena, dir, entry->d_name);
	}
	if (open)
		(void)closedir(open);
	if (n)
		qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 0; i < n; i++)
		read_toml(w, names[i], apply);
}

struct docker_runtime {
	const char *name, *path;
};

struct docker_settings {
	const char *runtime;
	JSON_LIST(struct docker_runtime) runtimes;
};

#define AT(type, member) .offset = offsetof(struct type, member)

static const struct json_field docker_runtime_fields[] = {
	{ "path", JSON_STRING, AT(docker_runtime, path) },
};
static const struct json_type docker_runtime_type = { docker_runtime_fields, 1,
						      sizeof(struct docker_runtime) };
static const struct json_field docker_fields[] = {
	{ "default-runtime", JSON_STRING, AT(docker_settings, runtime) },
	{ "runtimes", JSON_OBJECT_MAP, AT(docker_settings, runtimes),
	  .type = &docker_runtime_type },
};
static const struct json_type docker_type = { docker_fields, 2, sizeof(struct docker_settings) };

static int read_docker(struct wiring *w, const char *file, struct err *err)
{
	const struct json_limits limits = { .depth = 32, .string = 64 << 10 };
	struct docker_settings settings = { 0 };
	char *text;
	int r;

	if (text_read(w->arena, file, &text) < 0)
		return 0;
	w->changed = true;
	w->file = file;
	r = json_read(w->arena, file, text, strlen(text), &docker_type, &limits, &settings, err);
	if (r < 0)
		return r;
	if (settings.runtime)
		w->runtime = settings.runtime;
	for (size_t i = 0; i < settings.runtimes.n; i++)
		add_runtime(w, settings.runtimes.v[i].name, settings.runtimes.v[i].path);
	return 0;
}

/* Whether the path is this program. */
static bool is_own(const char *path)
{
	struct stat own, other;

	return stat("/proc/self/exe", &own) == 0 && stat(path, &other) == 0 &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

static void judge(struct doctor *d, const struct wiring *w, const char *fix,
		  struct doctor_finding *ret)
{
	const char *path = w->runtime ? path_of(w, w->runtime) : NULL, *file = w->file;
	struct err ignored;

	if (w->runtime && *w->runtime == '/')
		path = w->runtime;
	if (w->runtime && !path && str_equal(w->runtime, "usrun") &&
	    net_helper_find(d->arena, "usrun", &path, &ignored) < 0)
		path = "usrun";
	if (!w->runtime && !path)
		doctor_warn(d, ret, fix, "%s uses its own default%s", w->engine,
			    path_of(w, "usrun") ? ", and knows usrun" : "");
	else if (!str_starts(path_base(path ? path : w->runtime), "usrun") &&
		 !is_own(path ? path : ""))
		doctor_warn(d, ret, fix, "%s uses %s%s%s (%s)", w->engine, w->runtime,
			    path ? ", " : "", path ? path : "", file);
	else if (access(path, X_OK) < 0)
		doctor_fail(d, ret, fix, "%s is to use %s (%s), which is not there", w->engine,
			    path, file);
	else
		doctor_ok(d, ret, "%s uses %s%s (%s)", w->engine, path,
			  is_own(path) ? ", which this is" : "", file);
}

static bool is_there(struct doctor *d, const struct wiring *w, struct doctor_finding *ret)
{
	const char *path;
	struct err ignored;

	if (w->changed || net_helper_find(d->arena, w->program, &path, &ignored) == 0)
		return true;
	doctor_skip(d, ret, "%s is not installed", w->engine);
	return false;
}

/* The path of this program for a settings file. */
static const char *own_path(struct doctor *d)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	return n > 0 && *path == '/' ? arena_strndup(d->arena, path, (size_t)n) : "/usr/bin/usrun";
}

static bool is_root(const struct doctor *d)
{
	return d->facts.caller.initial_userns && d->facts.caller.uid == 0;
}

static const char *settings_dir(struct doctor *d)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (is_root(d))
		return "/etc";
	if (xdg && *xdg == '/')
		return xdg;
	return home && *home == '/' ? arena_strf(d->arena, "%s/.config", home) : NULL;
}

/* A file name that sorts after last, the last existing one: the last file of a directory wins. */
static const char *name_behind(struct doctor *d, const char *dir, const char *last)
{
	const char *own = "usrun.conf", *base = last ? path_base(last) : own;

	if (!last || !path_is_below(last, dir) || strcmp(base, own) <= 0)
		return own;
	return arena_strf(d->arena, "%.*s.%s", (int)(strlen(base) - strlen(".conf")), base, own);
}

/* containers.conf, its drop-ins, and those for one kind of user: containers-config(5). */
static void read_containers(struct doctor *d, struct wiring *w, const char *dir, bool system)
{
	const char *base = arena_strf(d->arena, "%s/containers/containers", dir);

	read_toml(w, arena_strf(d->arena, "%s.conf", base), podman_rule);
	read_toml_dir(w, arena_strf(d->arena, "%s.conf.d", base), podman_rule);
	if (!system)
		return;
	if (is_root(d)) {
		read_toml_dir(w, arena_strf(d->arena, "%s.rootful.conf.d", base), podman_rule);
		return;
	}
	read_toml_dir(w, arena_strf(d->arena, "%s.rootless.conf.d", base), podman_rule);
	read_toml_dir(w, arena_strf(d->arena, "%s.rootless.conf.d/%u", base, d->facts.caller.uid),
		      podman_rule);
}

/* podman fails if the file that the variable names does not exist. */
static bool read_named(struct doctor *d, struct wiring *w, const char *name,
		       struct doctor_finding *ret)
{
	const char *file = getenv(name);

	read_toml(w, file, podman_rule);
	if (str_equal(w->last, file))
		return true;
	doctor_fail(d, ret, arena_strf(d->arena, "unset %s", name),
		    "podman cannot read %s, which %s names", file, name);
	return false;
}

static bool names_file(const char *variable)
{
	const char *file = getenv(variable);

	return file && *file;
}

/* CONTAINERS_CONF replaces all files, CONTAINERS_CONF_OVERRIDE comes last: containers.conf(5). */
static bool read_podman(struct doctor *d, struct wiring *w, const char *own,
			struct doctor_finding *ret)
{
	if (!names_file("CONTAINERS_CONF")) {
		read_containers(d, w, "/usr/share", true);
		read_containers(d, w, "/etc", true);
		if (own && !str_equal(own, "/etc"))
			read_containers(d, w, own, false);
	} else if (!read_named(d, w, "CONTAINERS_CONF", ret)) {
		return false;
	}
	return !names_file("CONTAINERS_CONF_OVERRIDE") ||
	       read_named(d, w, "CONTAINERS_CONF_OVERRIDE", ret);
}

/* Tables may not be opened twice, so only a file of its own can be written blindly. */
static const char *podman_fix(struct doctor *d, const struct wiring *w, const char *own)
{
	const char *dir = path_join(d->arena, own ? own : "/etc", "containers/containers.conf.d");

	if (names_file("CONTAINERS_CONF") || names_file("CONTAINERS_CONF_OVERRIDE"))
		return arena_strf(d->arena,
				  "in %s, set engine.runtime to \"usrun\", add \"usrun\" to "
				  "engine.runtime_supports_json and "
				  "engine.runtime_supports_nocgroup, and set "
				  "engine.runtimes.usrun to [\"%s\"]",
				  w->last, own_path(d));
	return arena_strf(d->arena,
			  "mkdir -p %s && printf '[engine]\\nruntime = \"usrun\"\\n"
			  "runtime_supports_json = [\"usrun\", {append=true}]\\n"
			  "runtime_supports_nocgroup = [\"usrun\", {append=true}]\\n"
			  "[engine.runtimes]\\nusrun = [\"%s\"]\\n' >%s/%s",
			  dir, own_path(d), dir, name_behind(d, dir, w->last));
}

void doctor_engines_podman(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	struct wiring w = { .arena = d->arena, .engine = "podman", .program = "podman" };
	const char *own = settings_dir(d);

	(void)argument;
	if (!read_podman(d, &w, own, ret) || !is_there(d, &w, ret))
		return;
	judge(d, &w, podman_fix(d, &w, own), ret);
	if (ret->result == DOCTOR_OK && !w.json)
		doctor_warn(d, ret,
			    arena_strf(d->arena,
				       "add to [engine] in %s: runtime_supports_json = [\"usrun\", "
				       "{append=true}]",
				       w.file),
			    "podman uses usrun, and does not read its errors: its exit statuses "
			    "126 and 127 are 125");
}

void doctor_engines_docker(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	struct wiring w = { .arena = d->arena, .engine = "docker", .program = "dockerd" };
	const char *own = settings_dir(d), *file;
	struct err err = { 0 };
	int r;

	(void)argument;
	file = path_join(d->arena, own ? own : "/etc", "docker/daemon.json");
	r = read_docker(&w, "/etc/docker/daemon.json", &err);
	if (r == 0 && !str_equal(file, "/etc/docker/daemon.json"))
		r = read_docker(&w, file, &err);
	if (r < 0) {
		doctor_say(d, ret, DOCTOR_FAIL, &err);
		return;
	}
	if (!is_there(d, &w, ret))
		return;
	judge(d, &w,
	      arena_strf(d->arena,
			 "put into %s: {\"default-runtime\": \"usrun\", \"runtimes\": {\"usrun\": "
			 "{\"path\": \"%s\"}}}; then systemctl restart docker",
			 file, own_path(d)),
	      ret);
}

void doctor_engines_containerd(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	struct wiring w = { .arena = d->arena, .engine = "containerd", .program = "containerd" };
	const char *const file = "/etc/containerd/config.toml";

	(void)argument;
	read_toml(&w, file, containerd_rule);
	if (!is_there(d, &w, ret))
		return;
	if (!w.runtime && w.n)
		w.runtime = "runc";
	judge(d, &w,
	      arena_strf(d->arena,
			 "in %s set BinaryName = \"%s\" in the table "
			 "[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc.options] "
			 "(containerd 2: plugins.'io.containerd.cri.v1.runtime'); then systemctl "
			 "restart containerd",
			 file, own_path(d)),
	      ret);
}

void doctor_engines_crio(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	struct wiring w = { .arena = d->arena, .engine = "CRI-O", .program = "crio" };

	(void)argument;
	read_toml(&w, "/etc/crio/crio.conf", crio_rule);
	read_toml_dir(&w, "/etc/crio/crio.conf.d", crio_rule);
	if (!is_there(d, &w, ret))
		return;
	judge(d, &w,
	      arena_strf(d->arena,
			 "as root: printf '[crio.runtime]\\ndefault_runtime = \"usrun\"\\n"
			 "[crio.runtime.runtimes.usrun]\\nruntime_path = \"%s\"\\n' "
			 ">/etc/crio/crio.conf.d/99-usrun.conf && systemctl restart crio",
			 own_path(d)),
	      ret);
}
