/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a template config.json. */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/path.h"
#include "src/cmd/common.h"
#include "src/oci/names.h"
#include "src/oci/state_doc.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

struct spec_options {
	const char *bundle, *file, *rootfs;
	struct option_list args;
	bool rootless, no_terminal;
	bool service, systemd; /* systemd is a service with more */
};

static const struct option options[] = {
	{ 'b', "bundle", OPTION_TEXT, offsetof(struct spec_options, bundle), "DIR",
	  "directory for config.json (default: .)" },
	{ 'f', "file", OPTION_TEXT, offsetof(struct spec_options, file), "FILE",
	  "write to this file instead; - is standard output" },
	{ 0, "rootless", OPTION_FLAG, offsetof(struct spec_options, rootless), "",
	  "for an unprivileged user" },
	{ 0, "service", OPTION_FLAG, offsetof(struct spec_options, service), "",
	  "for servers: writable root, more capabilities" },
	{ 0, "systemd", OPTION_FLAG, offsetof(struct spec_options, systemd), "",
	  "as --service, for systemd as the first process" },
	{ 0, "args", OPTION_LIST, offsetof(struct spec_options, args), "ARG",
	  "one word of the command (repeatable)", .may_be_empty = true },
	{ 0, "rootfs", OPTION_TEXT, offsetof(struct spec_options, rootfs), "PATH",
	  "root file system (default: rootfs)" },
	{ 0, "terminal", OPTION_UNSET, offsetof(struct spec_options, no_terminal), "",
	  "give the process a terminal (the default)" },
	{ 0, "no-terminal", OPTION_FLAG, offsetof(struct spec_options, no_terminal), "",
	  "use the caller's standard streams" },
	{ 0 },
};

static bool is_service(const struct spec_options *o)
{
	return o->service || o->systemd;
}

static void strings(struct json_write *w, const char *key, const char *const *list)
{
	json_write_array(w, key);
	for (; *list; list++)
		json_write_string(w, NULL, *list);
	json_write_end(w);
}

static void capabilities(struct json_write *w, bool service)
{
	static const char *const few[] = { "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE",
					   NULL };
	static const char *const usual[] = { "CAP_AUDIT_WRITE",
					     "CAP_CHOWN",
					     "CAP_DAC_OVERRIDE",
					     "CAP_FOWNER",
					     "CAP_FSETID",
					     "CAP_KILL",
					     "CAP_MKNOD",
					     "CAP_NET_BIND_SERVICE",
					     "CAP_NET_RAW",
					     "CAP_SETFCAP",
					     "CAP_SETGID",
					     "CAP_SETPCAP",
					     "CAP_SETUID",
					     "CAP_SYS_CHROOT",
					     NULL };
	const char *const *caps = service ? usual : few;

	json_write_object(w, "capabilities");
	strings(w, "bounding", caps);
	strings(w, "effective", caps);
	strings(w, "permitted", caps);
	json_write_end(w);
}

static void limits(struct json_write *w)
{
	json_write_array(w, "rlimits");
	json_write_object(w, NULL);
	json_write_string(w, "type", "RLIMIT_NOFILE");
	json_write_uint(w, "hard", 1024);
	json_write_uint(w, "soft", 1024);
	json_write_end(w);
	json_write_end(w);
}

static void process(struct json_write *w, const struct spec_options *o, const char *const *words,
		    size_t n_words)
{
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm",
		"container=oci", NULL
	};
	static const char *const shell[] = { "sh", NULL }, *const init[] = { "/sbin/init", NULL };

	json_write_object(w, "process");
	json_write_bool(w, "terminal", !o->no_terminal);
	json_write_object(w, "user");
	json_write_uint(w, "uid", 0);
	json_write_uint(w, "gid", 0);
	json_write_end(w);
	if (n_words)
		json_write_strings(w, "args", words, n_words);
	else
		strings(w, "args", o->systemd ? init : shell);
	/* systemd searches for the last one. */
	json_write_strings(w, "env", env, o->systemd ? 3 : 2);
	json_write_string(w, "cwd", "/");
	capabilities(w, is_service(o));
	if (!is_service(o))
		limits(w);
	json_write_bool(w, "noNewPrivileges", !is_service(o));
	json_write_end(w);
}

/* The group of terminals would have to be mapped, which needs more than one id. */
static void devpts_options(struct json_write *w, const struct spec_options *o)
{
	static const char *const common[] = { "nosuid",        "noexec",    "newinstance",
					      "ptmxmode=0666", "mode=0620", NULL };

	json_write_array(w, "options");
	for (size_t i = 0; common[i]; i++)
		json_write_string(w, NULL, common[i]);
	if (!o->rootless)
		json_write_string(w, NULL, "gid=5");
	json_write_end(w);
}

enum { MAX_WORDS = 5 };

struct mount {
	char destination[20], type[8], source[12];
	char words[MAX_WORDS][16]; /* none: see devpts_options() */
};

static void add_mount(struct json_write *w, const struct spec_options *o, const struct mount *m)
{
	json_write_object(w, NULL);
	json_write_string(w, "destination", m->destination);
	json_write_string(w, "type", m->type);
	json_write_string(w, "source", m->source);
	if (*m->words[0]) {
		json_write_array(w, "options");
		for (size_t i = 0; i < MAX_WORDS && *m->words[i]; i++)
			json_write_string(w, NULL, m->words[i]);
		json_write_end(w);
	} else {
		devpts_options(w, o);
	}
	json_write_end(w);
}

static void mounts(struct json_write *w, const struct spec_options *o)
{
	static const struct mount own_group = {
		"/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime" }
	};
	static const struct mount files[] = {
		{ "/etc/hosts", "bind", "hosts", { "bind" } },
		{ "/etc/resolv.conf", "bind", "resolv.conf", { "bind" } },
	};
	static const struct mount systemd[] = {
		{ "/run", "tmpfs", "tmpfs", { "nosuid", "nodev", "mode=755" } },
		{ "/run/lock", "tmpfs", "tmpfs", { "nosuid", "nodev", "noexec", "mode=1777" } },
		{ "/tmp", "tmpfs", "tmpfs", { "nosuid", "nodev", "mode=1777" } },
	};
	static const struct mount table[] = {
		{ "/proc", "proc", "proc", { "nosuid", "noexec", "nodev" } },
		{ "/dev",
		  "tmpfs",
		  "tmpfs",
		  { "nosuid", "strictatime", "mode=755", "size=65536k" } },
		{ "/dev/pts", "devpts", "devpts", { "" } },
		{ "/dev/shm",
		  "tmpfs",
		  "shm",
		  { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
		{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
		{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
		{ "/sys/fs/cgroup",
		  "cgroup",
		  "cgroup",
		  { "nosuid", "noexec", "nodev", "relatime", "ro" } },
	};

	json_write_array(w, "mounts");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		add_mount(w, o,
			  o->systemd && str_equal(table[i].type, "cgroup") ? &own_group
									   : &table[i]);
	for (size_t i = 0; is_service(o) && i < sizeof(files) / sizeof(files[0]); i++)
		add_mount(w, o, &files[i]);
	for (size_t i = 0; o->systemd && i < sizeof(systemd) / sizeof(systemd[0]); i++)
		add_mount(w, o, &systemd[i]);
	json_write_end(w);
}

/* A rootless config names no mappings: usrun maps the ids the user has. */
static void linux_part(struct json_write *w, const struct spec_options *o)
{
	static const char *const kinds[] = {
		"pid", "network", "ipc", "uts", "mount", "cgroup", NULL
	};

	json_write_object(w, "linux");
	if (!o->rootless) {
		json_write_object(w, "resources");
		json_write_array(w, "devices");
		json_write_object(w, NULL);
		json_write_bool(w, "allow", false);
		json_write_string(w, "access", "rwm");
		json_write_end(w);
		json_write_end(w);
		json_write_end(w);
	}
	json_write_array(w, "namespaces");
	for (size_t i = 0; kinds[i]; i++) {
		json_write_object(w, NULL);
		json_write_string(w, "type", kinds[i]);
		json_write_end(w);
	}
	if (o->rootless) {
		json_write_object(w, NULL);
		json_write_string(w, "type", "user");
		json_write_end(w);
	}
	json_write_end(w);
	strings(w, "maskedPaths", names_masked_paths);
	strings(w, "readonlyPaths", names_readonly_paths);
	json_write_end(w);
}

static void document(struct json_write *w, const struct spec_options *o, const char *const *words,
		     size_t n_words)
{
	json_write_object(w, NULL);
	json_write_string(w, "ociVersion", STATE_DOC_OCI_VERSION);
	process(w, o, words, n_words);
	json_write_object(w, "root");
	json_write_string(w, "path", o->rootfs ? o->rootfs : "rootfs");
	json_write_bool(w, "readonly", !is_service(o));
	json_write_end(w);
	json_write_string(w, "hostname", "usrun");
	mounts(w, o);
	linux_part(w, o);
	json_write_end(w);
}

/* Written beside config.json; never overwrites an existing file. */
static int write_beside(const struct spec_options *o, struct arena *arena, const char *name,
			const char *text, struct err *err)
{
	const char *path = path_join(arena, o->bundle ? o->bundle : ".", name);
	_cleanup_close_ int fd =
		openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : io_write_all(fd, text, strlen(text));

	return r < 0 && r != -EEXIST ? err_errno(err, -r, "write %s", path) : 0;
}

static int write_files(const struct spec_options *o, struct arena *arena, struct err *err)
{
	enum { MOST = 65536 };
	struct err ignored;
	char *resolver;
	size_t len;
	int r;

	if (!is_service(o))
		return 0;
	if (io_read_file(IO_FIXED, "/etc/resolv.conf", MOST, arena, &resolver, &len, &ignored) < 0)
		resolver = arena_strdup(arena, "");
	r = write_beside(o, arena, "hosts",
			 "127.0.0.1\tlocalhost\n::1\tlocalhost\n127.0.1.1\tusrun\n", err);
	return r < 0 ? r : write_beside(o, arena, "resolv.conf", resolver, err);
}

static int save(struct arena *arena, const struct spec_options *o, struct json_write *w,
		struct err *err)
{
	const char *path =
		o->file ? o->file : path_join(arena, o->bundle ? o->bundle : ".", "config.json");
	_cleanup_close_ int fd = -1;
	const char *text;
	size_t len;
	int r;

	if (str_equal(o->file, "-"))
		return common_print(w, err);
	text = json_write_text(w, &len, err);
	if (!text)
		return -EINVAL;
	/* O_EXCL: an existing file is never overwritten. */
	fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EEXIST) {
		(void)err_set(err, EEXIST, "%s already exists", path);
		return err_hint(err, "remove it first, or write elsewhere with --file");
	}
	if (fd < 0)
		return err_errno(err, errno, "create %s", path);
	r = io_write_all(fd, text, len);
	if (r == 0)
		return 0;
	(void)unlink(path);
	return err_errno(err, -r, "write %s", path);
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(true);
	const struct spec_options *o = data;
	int r;

	(void)globals;
	if (argc)
		document(w, o, (const char *const *)argv, (size_t)argc);
	else
		document(w, o, o->args.v, o->args.n);
	r = save(arena, o, w, err);
	return r < 0 ? r : write_files(o, arena, err);
}

const struct cmd cmd_spec = {
	.name = "spec",
	.summary = "write a template config.json",
	.arguments = "[COMMAND [ARGUMENT...]]",
	.options = options,
	.options_size = sizeof(struct spec_options),
	.min_args = 0,
	.max_args = -1,
	.stop_at_first = true,
	.run = run,
};
