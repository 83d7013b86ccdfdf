/* SPDX-License-Identifier: Apache-2.0 */
/* Options that are words: environment, capabilities, limits, tools in the home directory. */
#include "src/do/do.h"

#include "src/base/parse.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/base/text.h"
#include "src/oci/names.h"

#include <string.h>
#include <sys/resource.h>

static void push(struct arena *arena, struct do_texts *list, const char *text)
{
	const char **v = arena_grow(arena, list->v, list->n, list->n + 2, sizeof(*v));

	v[list->n++] = text;
	list->v = v;
}

/* Better no variable than one that names a missing socket, key or directory. */
static bool may_pass(const char *variable, bool tree)
{
	static const char *const any[] = { "TERM=", "COLORTERM=", "LANG=",    "LANGUAGE=", "TZ=",
					   "LC_",   "NO_COLOR=",  "COLUMNS=", "LINES=",    NULL };
	static const char names[][16] = {
		"PATH=",        "USER=",    "LOGNAME=",    "TERM=",        "COLORTERM=", "LANG=",
		"LANGUAGE=",    "TZ=",      "NO_COLOR=",   "EDITOR=",      "VISUAL=",    "PAGER=",
		"COLUMNS=",     "LINES=",   "CARGO_HOME=", "RUSTUP_HOME=", "GOPATH=",    "GOROOT=",
		"VIRTUAL_ENV=", "NVM_DIR=", "PYENV_ROOT=", "JAVA_HOME=",   "LC_",
	};

	for (size_t i = 0; any[i]; i++)
		if (str_starts(variable, any[i]))
			return true;
	for (size_t i = 0; !tree && i < sizeof(names) / sizeof(names[0]); i++)
		if (str_starts(variable, names[i]))
			return true;
	return false;
}

static void push_variable(struct arena *arena, struct do_texts *list, const char *const *environ,
			  const char *word)
{
	size_t len = strlen(word);

	if (strchr(word, '=')) {
		push(arena, list, word);
		return;
	}
	for (; *environ; environ++)
		if (strncmp(*environ, word, len) == 0 && (*environ)[len] == '=')
			push(arena, list, *environ);
}

int do_env_file_check(const char *file, const char *text, size_t len, struct err *err)
{
	const char *next = text, *line;
	size_t line_len;

	if (strlen(text) != len)
		return err_set(err, EINVAL, "--env-file %s: it is not a text", file);
	for (unsigned int number = 1; text_line(&next, &line, &line_len); number++) {
		size_t name = 0;

		/* A name may have any characters, as with --env. */
		while (name < line_len && (unsigned char)line[name] > ' ' && line[name] != '=')
			name++;
		if (!line_len || *line == '#' || *line == '\r' ||
		    (name && (name == line_len || line[name] == '=' || line[name] == '\r')))
			continue;
		return err_set(err, EINVAL,
			       "--env-file %s:%u: expected NAME=VALUE or NAME, got \"%.*s\"", file,
			       number, (int)line_len, line);
	}
	return 0;
}

/* Adds lines "NAME=value" or "NAME"; skips empty lines and comments (#). */
static void push_file(struct arena *arena, struct do_texts *list, const char *const *environ,
		      const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n"), kept = len;

		if (kept && text[kept - 1] == '\r')
			kept--;
		if (kept && *text != '#')
			push_variable(arena, list, environ, arena_strndup(arena, text, kept));
		text += len + (text[len] == '\n');
	}
}

struct do_texts do_env(struct arena *arena, bool tree, const char *const *environ,
		       const char *const *words, size_t n)
{
	struct do_texts list = { 0 };

	for (size_t i = 0; environ[i]; i++)
		if (may_pass(environ[i], tree))
			push(arena, &list, environ[i]);
	for (size_t i = 0; i < n; i++) {
		const char *value = strchr(words[i], '=') + 1;

		if (str_starts(words[i], "env-file="))
			push_file(arena, &list, environ, value);
		else
			push_variable(arena, &list, environ, value);
	}
	return list;
}

static void drop(struct do_texts *list, const char *name)
{
	const char **v = (const char **)(uintptr_t)list->v;
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++)
		if (name && !str_equal(v[i], name))
			v[kept++] = v[i];
	list->n = kept;
}

static int add_cap(struct arena *arena, struct do_texts *list, const char *name, struct err *err)
{
	if (str_equal(name, "CAP_SYS_ADMIN")) {
		(void)err_set(err, EPERM,
			      "--cap-add %s: a program with it can uncover hidden paths and write "
			      "to read-only mounts",
			      name);
		return err_hint(err, "`usrun spec --rootless` writes a config for a container that "
				     "may have it");
	}
	drop(list, name);
	push(arena, list, name);
	return 0;
}

const char *const do_root_caps[] = {
	"cap-add=CAP_CHOWN",
	"cap-add=CAP_DAC_OVERRIDE",
	"cap-add=CAP_FOWNER",
	"cap-add=CAP_FSETID",
	"cap-add=CAP_KILL",
	"cap-add=CAP_MKNOD",
	"cap-add=CAP_NET_RAW",
	"cap-add=CAP_NET_BIND_SERVICE",
	"cap-add=CAP_SETFCAP",
	"cap-add=CAP_SETGID",
	"cap-add=CAP_SETPCAP",
	"cap-add=CAP_SETUID",
	"cap-add=CAP_AUDIT_WRITE",
	"cap-add=CAP_SYS_CHROOT",
	NULL,
};

int do_caps(struct arena *arena, const char *const *words, size_t n, struct do_texts *ret,
	    struct err *err)
{
	*ret = (struct do_texts){ 0 };
	for (size_t i = 0; i < n; i++) {
		bool adds = str_starts(words[i], "cap-add=");
		const char *word = strchr(words[i], '=') + 1;
		int number = names_capability(word), r = 0;

		if (!adds && (str_equal(word, "ALL") || str_equal(word, "all")))
			drop(ret, NULL);
		else if (number < 0 && (str_equal(word, "ALL") || str_equal(word, "all")))
			return err_set(err, EPERM,
				       "--cap-add %s: CAP_SYS_ADMIN cannot be given: name those "
				       "that are needed",
				       word);
		else if (number < 0)
			return err_set(err, EINVAL, "--cap-%s: unknown capability \"%s\"",
				       adds ? "add" : "drop", word);
		else if (adds)
			r = add_cap(arena, ret, names_capability_name(number), err);
		else
			drop(ret, names_capability_name(number));
		if (r < 0)
			return r;
	}
	return 0;
}

static int limit_value(const char *text, uint64_t *ret)
{
	if (str_equal(text, "-1") || str_equal(text, "unlimited")) {
		*ret = (uint64_t)RLIM_INFINITY;
		return 0;
	}
	return parse_u64(text, ret);
}

int do_ulimit(struct arena *arena, const char *word, struct do_rlimit *ret, struct err *err)
{
	const char *equals = strchr(word, '='), *colon = equals ? strchr(equals, ':') : NULL;
	char *name = arena_strf(arena, "RLIMIT_%.*s", (int)strcspn(word, "="), word);
	const char *soft;
	int r;

	for (char *c = name; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	/* For unknown names the table yields 0, which is RLIMIT_CPU. */
	if (!str_equal(json_read_enum_name(names_rlimits, json_read_enum(names_rlimits, name)),
		       name)) {
		(void)err_set(err, EINVAL, "--ulimit: unknown limit \"%.*s\"",
			      (int)strcspn(word, "="), word);
		return err_hint(err,
				"such as nofile, nproc, core, fsize: the names of setrlimit(2)");
	}
	soft = colon    ? arena_strndup(arena, equals + 1, (size_t)(colon - equals - 1))
	       : equals ? equals + 1
			: "";
	r = limit_value(soft, &ret->soft);
	if (r == 0)
		r = limit_value(colon ? colon + 1 : soft, &ret->hard);
	ret->type = name;
	if (r == 0 && ret->soft > ret->hard)
		return err_set(err, EINVAL, "--ulimit %s: the soft limit is above the hard limit",
			       word);
	if (r == 0)
		return 0;
	(void)err_set(err, EINVAL, "--ulimit: expected NAME=SOFT[:HARD], got \"%s\"", word);
	return err_hint(err, "resource limit, such as nofile=1024:4096, core=0, fsize=unlimited");
}

int do_cpus(const char *text, int64_t *ret, struct err *err)
{
	size_t whole = strspn(text, "0123456789"), part = 0;
	int64_t value = 0, unit = DO_CPU_PERIOD;

	if (text[whole] == '.')
		part = strspn(text + whole + 1, "0123456789");
	if (whole && whole <= 6 && part <= 5 && !text[whole + (part ? part + 1 : 0)]) {
		for (size_t i = 0; i < whole; i++)
			value = value * 10 + (text[i] - '0');
		value *= DO_CPU_PERIOD;
		for (size_t i = 0; i < part; i++)
			value += (unit /= 10) * (text[whole + 1 + i] - '0');
	}
	/* The kernel's minimum quota is one millisecond. */
	if (value < 1000)
		return err_set(err, EINVAL,
			       "--cpus: expected a number of CPUs, such as 1.5 (at least 0.01), "
			       "got \"%s\"",
			       text);
	*ret = value;
	return 0;
}

int do_duration(const char *text, int64_t *ret, struct err *err)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = { { '\0', 1000 }, { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 } };
	size_t digits = strspn(text, "0123456789");
	int64_t value = 0;

	for (size_t i = 0; i < digits && digits <= 8; i++)
		value = value * 10 + (text[i] - '0');
	for (size_t i = 0; value && i < sizeof(units) / sizeof(units[0]); i++)
		if (text[digits] == units[i].unit && (!text[digits] || !text[digits + 1])) {
			*ret = value * units[i].ms;
			return 0;
		}
	return err_set(err, EINVAL,
		       "--timeout: expected a time such as 90, 90s, 5m or 2h, got \"%s\"", text);
}

const char do_hidden[][24] = { "/var/mail",
			       "/var/spool",
			       "/var/backups",
			       "/var/lib/docker",
			       "/var/lib/containers",
			       "/var/lib/libvirt",
			       "" };

const char do_secrets[][40] = {
	/* clang-format off */
	"/etc/shadow",                 "/etc/shadow-",
	"/etc/gshadow",                "/etc/gshadow-",
	"/etc/security/opasswd",       "/etc/ssl/private",
	"/etc/ssh/ssh_host_rsa_key",   "/etc/ssh/ssh_host_ecdsa_key",
	"/etc/ssh/ssh_host_dsa_key",   "/etc/ssh/ssh_host_ed25519_key",
	"/etc/letsencrypt",            "/etc/wireguard",
	"/etc/krb5.keytab",            "/etc/NetworkManager/system-connections",
	"/etc/kubernetes",
	/* clang-format on */
	"",
};

const char do_protected[][24] = {
	/* clang-format off */
	".git/hooks",      ".git/config",    ".git/config.worktree",
	".gitmodules",     ".bashrc",        ".bash_profile",
	".bash_login",     ".bash_logout",   ".profile",
	".zshrc",          ".zprofile",      ".zshenv",
	".zlogin",         ".inputrc",       ".gitconfig",
	".ripgreprc",      ".envrc",         ".mise.toml",
	".vscode",         ".devcontainer",  ".husky",
	".mcp.json",       ".claude",        ".codex",
	".agents/plugins", ".exrc",          ".nvim.lua",
	".gdbinit",        ".dir-locals.el", ".git/commondir",
	/* clang-format on */
	"",
};

bool do_is_unprotected(const char *name, const struct do_texts *unprotected)
{
	for (size_t i = 0; i < unprotected->n; i++)
		if (path_is_below(name, unprotected->v[i]))
			return true;
	return false;
}

int do_check_unprotected(const struct do_texts *names, struct err *err)
{
	for (size_t i = 0; i < names->n; i++) {
		const struct do_texts one = { &names->v[i], 1 };
		bool found = str_starts(names->v[i], ".git/modules/") ||
			     str_starts(names->v[i], ".git/worktrees/");

		for (size_t k = 0; *do_protected[k]; k++)
			found |= do_is_unprotected(do_protected[k], &one);
		if (!found)
			return err_set(err, EINVAL,
				       "--unprotect %s: no protected file has this name",
				       names->v[i]);
	}
	return 0;
}

/* Credentials are never shown, whatever PATH says. */
static bool has_credentials(const char *home, const char *path)
{
	static const char names[][24] = {
		".ssh",
		".gnupg",
		".aws",
		".kube",
		".docker",
		".config",
		".azure",
		".password-store",
		".mozilla",
		".thunderbird",
		".local/share/keyrings",
	};
	const char *rest = path + strlen(home) + 1;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (path_is_below(rest, names[i]) || path_is_below(names[i], rest))
			return true;
	return false;
}

bool do_home_is_of_system(const char *path)
{
	static const char dirs[][16] = {
		"/",         "/bin",           "/etc",       "/lib",     "/lib64",     "/opt",
		"/sbin",     "/usr",           "/usr/bin",   "/usr/lib", "/usr/lib64", "/usr/local",
		"/usr/sbin", "/usr/local/bin", "/usr/share", "/var",
	};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (str_equal(path, dirs[i]))
			return true;
	return false;
}

bool do_home_may_show(const char *home, const char *path)
{
	return !path_is_below(home, path) &&
	       (!path_is_below(path, home) || !has_credentials(home, path));
}

static void push_tool(struct arena *arena, struct do_texts *list, const char *home,
		      const char *path)
{
	if (!path_is_below(path, home) || !do_home_may_show(home, path))
		return;
	for (size_t i = 0; i < list->n; i++)
		if (str_equal(list->v[i], path))
			return;
	push(arena, list, path);
}

struct do_texts do_home_tools(struct arena *arena, const char *home, const char *path)
{
	static const struct {
		char bin[12], tree[20]; /* relative to the home directory */
	} trees[] = {
		{ ".cargo/bin", ".rustup" },
		{ ".nvm", ".nvm" },
		{ ".pyenv", ".pyenv" },
		{ ".local/bin", ".local/share/uv" },
		{ ".local/bin", ".local/share/mise" },
		{ ".local/bin", ".local/share/pnpm" },
		{ ".local/bin", ".local/pipx" },
		{ ".local/bin", ".local/lib" },
		{ "go", "go" },
		{ ".bun", ".bun" },
		{ ".deno", ".deno" },
	};
	struct do_texts list = { 0 };

	push_tool(arena, &list, home, path_join(arena, home, ".gitconfig"));
	while (path && *path) {
		size_t len = strcspn(path, ":");
		const char *dir =
			*path == '/' ? path_clean(arena, arena_strndup(arena, path, len)) : "/";

		path += len + (path[len] == ':');
		if (!path_is_below(dir, home))
			continue;
		push_tool(arena, &list, home, dir);
		for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++)
			if (path_is_below(dir, path_join(arena, home, trees[i].bin)))
				push_tool(arena, &list, home,
					  path_join(arena, home, trees[i].tree));
	}
	return list;
}
