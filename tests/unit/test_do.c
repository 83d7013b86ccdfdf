/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/json_write.h"
#include "src/base/str.h"
#include "src/do/do.h"
#include "src/oci/annotations.h"
#include "src/oci/check.h"
#include "src/oci/decode.h"
#include "tests/lib/check.h"

#include <string.h>

static struct arena arena;
static struct err err;
static struct do_result result;

static const struct machine_entry entries[] = {
	{ "/bin", MACHINE_LINK },       { "/dev", MACHINE_DIRECTORY },
	{ "/etc", MACHINE_DIRECTORY },  { "/home", MACHINE_DIRECTORY },
	{ "/net", MACHINE_DIRECTORY },  { "/proc", MACHINE_DIRECTORY },
	{ "/root", MACHINE_DIRECTORY }, { "/run", MACHINE_DIRECTORY },
	{ "/srv", MACHINE_DIRECTORY },  { "/swapfile", MACHINE_FILE },
	{ "/sys", MACHINE_DIRECTORY },  { "/tmp", MACHINE_DIRECTORY },
	{ "/usr", MACHINE_DIRECTORY },  { "/var", MACHINE_DIRECTORY },
};
static const char *const automounts[] = { "/net", "/proc/sys/fs/binfmt_misc", "/srv/auto" };

static struct machine machine(void)
{
	return (struct machine){
		.entries = entries,
		.n_entries = sizeof(entries) / sizeof(entries[0]),
		.automounts = automounts,
		.n_automounts = 3,
		.resolver = { { "/etc/resolv.conf", MACHINE_LINK },
			      { "/run/resolv/stub", MACHINE_LINK },
			      { "/run/resolv/real", MACHINE_FILE } },
		.n_resolver = 3,
		.resolver_real = "/run/real/real",
		.uid = 1000,
		.gid = 100,
		.umask = 027,
		.cwd = "/home/u/proj",
		.home = "/home/u",
		.home_there = true,
		.shell = "/bin/zsh",
		.cwd_own = true,
		.arch = "x86_64",
		.has_var_tmp = true,
	};
}

static const struct oci_config *config(const struct do_request *q)
{
	static struct json_write *w;
	const struct oci_config *decoded = NULL;
	struct do_request request = *q;
	static const char *const command[] = { "true" };

	json_write_free(w);
	w = json_write_new(true);
	err = (struct err){ 0 };
	if (!request.args.n)
		request.args = (struct do_texts){ command, 1 };
	if (do_config(&arena, &request, w, &result, &err) < 0)
		return NULL;
	CHECK_INT(decode_config(&arena, "config.json", result.text, result.len, &decoded, &err), 0);
	CHECK_INT(check_config(decoded, "config.json", result.text, result.len, &err), 0);
	return decoded;
}

/* "type source: options", the last of that target; "" where there is none. */
static const char *mount_at(const struct oci_config *c, const char *target)
{
	struct str text = { 0 };
	const char *copy;

	for (size_t i = 0; c && i < c->mounts.n; i++) {
		const struct oci_mount *m = &c->mounts.v[i];

		if (!str_equal(m->destination, target))
			continue;
		CHECK(!text.len); /* no two of one place */
		str_addf(&text, "%s %s:", m->type, m->source);
		for (size_t k = 0; k < m->options.n; k++)
			str_addf(&text, " %s", m->options.v[k]);
	}
	copy = arena_strdup(&arena, str_text(&text));
	str_done(&text);
	return copy;
}

static size_t index_of(const struct oci_config *c, const char *target)
{
	for (size_t i = 0; c && i < c->mounts.n; i++)
		if (str_equal(c->mounts.v[i].destination, target))
			return i;
	CHECK(!target);
	return 0;
}

#define TREE "rbind rnosuid rnodev"
#define SCRATCH "rbind scratch rnosuid rnodev"
#define EMPTY "tmpfs tmpfs: ro nosuid nodev noexec mode=555 size=4k"

TEST(the_machine_is_shown_read_only)
{
	struct machine m = machine();
	const struct oci_config *c = config(&(struct do_request){ .machine = &m });

	CHECK_STR(mount_at(c, "/"), "tmpfs tmpfs: nosuid nodev mode=755 size=1%");
	CHECK_STR(mount_at(c, "/usr"), "bind /usr: " TREE " rro");
	CHECK_STR(mount_at(c, "/bin"), "bind /bin: bind copy-symlink");
	CHECK_STR(mount_at(c, "/swapfile"), "bind /swapfile: bind nosuid nodev ro");
	CHECK_STR(mount_at(c, "/sys"), "sysfs sysfs: nosuid noexec nodev ro");
	CHECK_STR(mount_at(c, "/tmp"), "tmpfs tmpfs: nosuid nodev mode=1777 size=25%");
	CHECK_STR(mount_at(c, "/run/user/1000"), "tmpfs tmpfs: nosuid nodev mode=700 size=5%");
	CHECK_STR(mount_at(c, "/home/u"), "tmpfs tmpfs: nosuid nodev mode=700 size=25%");
	CHECK_STR(mount_at(c, "/home"), "");
	CHECK_STR(mount_at(c, "/root"), "");
	/* What an automounter waits behind is not touched. */
	CHECK_STR(mount_at(c, "/net"), EMPTY);
	CHECK_STR(mount_at(c, "/srv/auto"), EMPTY);
	CHECK_STR(mount_at(c, "/proc/sys/fs/binfmt_misc"), "");
	CHECK(index_of(c, "/") == 0 && index_of(c, "/dev/pts") > index_of(c, "/dev"));
	CHECK(c && c->root->readonly.v && c->process->no_new_privileges.v);
	CHECK(c && c->process->capabilities && !c->process->capabilities->bounding.n);
	CHECK(c && c->process->user->uid.v == 1000 && c->process->user->gid.v == 100 &&
	      c->process->user->umask.v == 027);
	CHECK(c && c->linux_->uid_mappings.n == 1 && c->linux_->gid_mappings.v[0].host_id.v == 100);
	CHECK(c && c->linux_->namespaces.n == 7 && !c->linux_->resources);
}

static const char *note(void)
{
	return result.n_notes ? result.notes[0] : "";
}

TEST(the_current_directory_is_at_its_own_path)
{
	struct machine m = machine();
	struct do_path rw = { "--rw", DO_WRITE, "/home/u/proj", "/home/u/proj", true, true };
	struct do_request q = { .machine = &m };
	const struct oci_config *c = config(&q);

	CHECK_STR(mount_at(c, "/home/u/proj"), "bind /home/u/proj: " SCRATCH " size=25%");
	CHECK_STR(c ? c->process->cwd : "", "/home/u/proj");
	CHECK_STR(note(), "changes in /home/u/proj are discarded at the end: --rw . keeps them");
	/* Whose it is decides whether a copy could be written. */
	m.cwd_own = false;
	c = config(&q);
	CHECK_STR(mount_at(c, "/home/u/proj"), "bind /home/u/proj: " TREE " rro");
	CHECK_STR(note(), "/home/u/proj is read-only inside: --rw . makes it writable");
	m.cwd_own = true;
	m.cwd_group = "7";
	q.unserved = "it is not installed";
	c = config(&q);
	CHECK_STR(mount_at(c, "/home/u/proj"), "bind /home/u/proj: " TREE " rro");
	CHECK_STR(note(), "/home/u/proj is read-only inside: it belongs to the group 7, which "
			  "cannot be mapped, and it is not installed; --rw . makes it writable");
	m.cwd_group = NULL;
	q.paths = &rw;
	q.n_paths = 1;
	c = config(&q);
	CHECK_STR(mount_at(c, "/home/u/proj"), "bind /home/u/proj: " TREE);
	CHECK_STR(note(), "");
	q.n_paths = 0;
	m.cwd = "/srv/work";
	q.layer_size = 4096;
	c = config(&q);
	CHECK_STR(mount_at(c, "/srv/work"), "bind /srv/work: " SCRATCH " size=4096");
	m.cwd = "/usr/share";
	m.cwd_own = false;
	c = config(&q);
	CHECK_STR(mount_at(c, "/usr/share"), "");
	CHECK_STR(c ? c->process->cwd : "", "/usr/share");
	CHECK_STR(note(), "/usr/share is read-only inside: --rw . makes it writable");
	/* The home directory is never shown because somebody happens to be in it. */
	m.cwd = "/home/u";
	c = config(&q);
	CHECK_STR(mount_at(c, "/home/u"), "tmpfs tmpfs: nosuid nodev mode=700 size=25%");
	CHECK_STR(note(), "/home/u is empty inside, and discarded at the end: --ro . or --rw . "
			  "shows the real one");
	m.cwd = "/proc/1";
	c = config(&q);
	CHECK_STR(c ? c->process->cwd : "", "/home/u");
	CHECK_STR(note(), "/proc/1 is not visible inside: the program starts in /home/u");
	m.cwd = NULL;
	c = config(&q);
	CHECK_STR(c ? c->process->cwd : "", "/home/u");
	m.cwd = "/";
	c = config(&q);
	CHECK_STR(c ? c->process->cwd : "", "/");
	CHECK_STR(note(), "");
}

TEST(the_later_option_wins_and_the_deeper_path)
{
	struct machine m = machine();
	struct do_path paths[] = {
		{ "--rw", DO_WRITE, "/srv/a/b", "/srv/a/b", true, true },
		{ "--ro", DO_READ, "/srv", "/srv", true, true },
		{ "--hide", DO_HIDE, "/srv/a", "/srv/a", true, true },
		{ "--hide", DO_HIDE, "/etc/shadow", "/etc/shadow", false, true },
		{ "--rw", DO_WRITE, "/srv", "/srv", true, true },
		{ "--volume", DO_READ, "/usr/x", "/opt/new", true, false },
		{ "--volume", DO_WRITE, "/usr/f", "/tmp/d/f", false, false },
		{ "--scratch", DO_SCRATCH, "/var/lib", "/var/lib", true, true },
		{ "--volume", DO_READ, "/usr/x", "/var/lib/made", true, false },
	};
	struct do_path hidden = { NULL, DO_HIDE, "/var/spool", "/var/spool", true, true };
	struct do_request q = {
		.machine = &m, .paths = paths, .n_paths = 9, .hidden = &hidden, .n_hidden = 1
	};
	const struct oci_config *c = config(&q);

	CHECK_STR(mount_at(c, "/srv"), "bind /srv: " TREE);
	CHECK_STR(mount_at(c, "/srv/a"), EMPTY);
	CHECK_STR(mount_at(c, "/srv/a/b"), "bind /srv/a/b: " TREE);
	CHECK(index_of(c, "/srv") < index_of(c, "/srv/a"));
	CHECK(index_of(c, "/srv/a") < index_of(c, "/srv/a/b"));
	CHECK_STR(mount_at(c, "/etc/shadow"), "bind /dev/null: bind ro nosuid noexec");
	CHECK_STR(mount_at(c, "/opt/new"), "bind /usr/x: " TREE " rro");
	CHECK_STR(mount_at(c, "/tmp/d/f"), "bind /usr/f: bind nosuid nodev");
	CHECK_STR(mount_at(c, "/var/spool"), EMPTY);
	CHECK_STR(mount_at(c, "/var/lib"), "bind /var/lib: " SCRATCH " size=25%");
	CHECK_STR(mount_at(c, "/var/lib/made"), "bind /usr/x: " TREE " rro"); /* in the layer */
	hidden.target = hidden.source = "/var/spool";
	paths[0] = (struct do_path){ "--ro", DO_READ, "/var/spool", "/var/spool", true, true };
	c = config(&q);
	CHECK_STR(mount_at(c, "/var/spool"), "bind /var/spool: " TREE " rro");
}

TEST(the_state_is_hidden_wherever_it_would_be_seen)
{
	struct machine m = machine();
	struct do_path paths[3] = {
		{ "--rw", DO_WRITE, "/srv/p", "/srv/p", true, true },
		{ "--volume", DO_WRITE, "/srv", "/tmp/v", true, false },
		{ "--volume", DO_READ, "/etc", "/tmp/v/p/s/usrun", true, true },
	};
	const char *states[2] = { "/srv/p/s/usrun", "/srv/p/too" };
	struct do_request q = {
		.machine = &m, .paths = paths, .n_paths = 2, .states = { states, 2 }
	};
	const struct oci_config *c = config(&q);

	CHECK_STR(mount_at(c, "/srv/p/s/usrun"), EMPTY);
	CHECK_STR(mount_at(c, "/srv/p/s"), "bind /srv/p/s: " TREE); /* cannot be renamed */
	CHECK_STR(mount_at(c, "/srv/p/too"), EMPTY);
	CHECK_STR(mount_at(c, "/tmp/v/p/too"), EMPTY);
	CHECK_STR(mount_at(c, "/tmp/v/p/s/usrun"), EMPTY);
	CHECK_STR(mount_at(c, "/tmp/v/p"), "bind /srv/p: " TREE);
	CHECK_STR(mount_at(c, "/tmp/v/p/s"), "bind /srv/p/s: " TREE);
	CHECK_STR(mount_at(c, "/srv"), "bind /srv: " TREE " rro");
	m.cwd = "/srv/p/s/usrun/box";
	paths[0] = (struct do_path){ "--ro", DO_READ, "/usr", "/run/usr", true, false };
	c = config(&q);
	CHECK_STR(mount_at(c, m.cwd), EMPTY);
	CHECK_STR(mount_at(c, "/srv/p/s/usrun"), EMPTY);
	paths[0] = (struct do_path){ "--ro", DO_READ, "/srv/p/s/usrun/b", "/run/b", true, false };
	CHECK(!config(&q));
	CHECK_STR(err.text, "--ro /srv/p/s/usrun/b: it is in usrun's state directory, "
			    "/srv/p/s/usrun");
	states[0] = "/tmp/usrun-1000"; /* the sandbox's own /tmp */
	c = config(&q);
	CHECK_STR(mount_at(c, "/tmp/usrun-1000"), "");
	q.rootfs = "/";
	q.n_paths = 0;
	c = config(&q);
	CHECK_STR(mount_at(c, "/tmp/usrun-1000"), EMPTY);
}

TEST(guards_in_what_is_writable)
{
	struct machine m = machine();
	struct do_path paths[2] = { { "--rw", DO_WRITE, "/srv/p", "/srv/p", true, true } };
	const struct do_path guards[] = {
		{ NULL, DO_WRITE, "/srv/p/.git", "/srv/p/.git", true, true },
		{ NULL, DO_READ, "/srv/p/.git/hooks", "/srv/p/.git/hooks", true, true },
		{ NULL, DO_READ, "/srv/p/.envrc", "/srv/p/.envrc", false, true },
	};
	struct do_request q = {
		.machine = &m, .paths = paths, .n_paths = 1, .guards = guards, .n_guards = 3
	};
	const struct oci_config *c = config(&q);

	CHECK_STR(mount_at(c, "/srv/p/.git"), "bind /srv/p/.git: " TREE);
	CHECK_STR(mount_at(c, "/srv/p/.git/hooks"), "bind /srv/p/.git/hooks: " TREE " rro");
	CHECK_STR(mount_at(c, "/srv/p/.envrc"), "bind /srv/p/.envrc: bind nosuid nodev ro");
	/* What an option says of the same path, or of one above it, holds. */
	paths[1] = (struct do_path){ "--rw", DO_WRITE, "/srv/p/.git/hooks", "/srv/p/.git/hooks",
				     true,   true };
	q.n_paths = 2;
	c = config(&q);
	CHECK_STR(mount_at(c, "/srv/p/.git/hooks"), "bind /srv/p/.git/hooks: " TREE);
	paths[1] = (struct do_path){ "--hide", DO_HIDE, "/srv/p/.git", "/srv/p/.git", true, true };
	c = config(&q);
	CHECK_STR(mount_at(c, "/srv/p/.git"), EMPTY);
	CHECK_STR(mount_at(c, "/srv/p/.git/hooks"), "");
	paths[1] = (struct do_path){ "--ro", DO_READ, "/srv/p", "/srv/p", true, true };
	c = config(&q);
	CHECK_STR(mount_at(c, "/srv/p/.git"), "");
}

TEST(what_is_above_in_writable_directories_cannot_be_renamed)
{
	struct machine m = machine();
	struct do_path paths[] = {
		{ "--rw", DO_WRITE, "/srv/p", "/srv/p", true, true },
		{ "--ro", DO_READ, "/srv/p/a/b/c", "/srv/p/a/b/c", true, true },
		{ "--hide", DO_HIDE, "/srv/p/h/f", "/srv/p/h/f", false, true },
		{ "--scratch", DO_SCRATCH, "/srv/p/s/t", "/srv/p/s/t", true, true },
		{ "--rw", DO_WRITE, "/srv/p/a/b/c/d/e", "/srv/p/a/b/c/d/e", true, true },
		{ "--rw", DO_WRITE, "/srv/p/w/x", "/srv/p/w/x", true, true },
		{ "--rw", DO_WRITE, "/srv/p/g/repo", "/srv/p/g/repo", true, true },
		{ "--volume", DO_READ, "/usr/x", "/srv/p/link/v", true, true },
		{ "--ro", DO_READ, "/srv/p/a", "/srv/p/a/again", true, true },
		{ "--ro", DO_READ, "/srv/o", "/srv/o", true, true },
	};
	const struct do_path guard = {
		NULL, DO_READ, "/srv/p/g/repo/.vscode", "/srv/p/g/repo/.vscode", true, true
	};
	struct do_request q = {
		.machine = &m, .paths = paths, .n_paths = 10, .guards = &guard, .n_guards = 1
	};
	const struct oci_config *c = config(&q);

	CHECK_STR(mount_at(c, "/srv/p"), "bind /srv/p: " TREE);
	CHECK_STR(mount_at(c, "/srv/p/a"), "bind /srv/p/a: " TREE);
	CHECK_STR(mount_at(c, "/srv/p/a/b"), "bind /srv/p/a/b: " TREE);
	CHECK_STR(mount_at(c, "/srv/p/a/b/c"), "bind /srv/p/a/b/c: " TREE " rro");
	CHECK_STR(mount_at(c, "/srv/p/a/b/c/d"), ""); /* read-only: nobody renames it */
	CHECK_STR(mount_at(c, "/srv/p/h"), "bind /srv/p/h: " TREE);
	CHECK_STR(mount_at(c, "/srv/p/s"), "bind /srv/p/s: " TREE);
	CHECK_STR(mount_at(c, "/srv/p/w"), "");
	CHECK_STR(mount_at(c, "/srv/p/g"), "bind /srv/p/g: " TREE);
	CHECK_STR(mount_at(c, "/srv/p/g/repo/.vscode"), "bind /srv/p/g/repo/.vscode: " TREE " rro");
	CHECK_STR(mount_at(c, "/srv/p/link"), "");
	CHECK_STR(mount_at(c, "/srv"), "bind /srv: " TREE " rro");
	/* What is guarded stays so. */
	paths[1] = (struct do_path){
		"--ro", DO_READ, "/srv/p/g/repo/.vscode/x", "/srv/p/g/repo/.vscode/x", true, true
	};
	c = config(&q);
	CHECK_STR(mount_at(c, "/srv/p/g/repo/.vscode"), "bind /srv/p/g/repo/.vscode: " TREE " rro");
	paths[1] = (struct do_path){ "--ro", DO_READ, "/srv/p/a/b/c", "/srv/p/a/b/c", true, true };
	/* Whoever starts in one of them has not asked for a copy of it. */
	m.cwd = "/srv/p/a/b";
	c = config(&q);
	CHECK_STR(mount_at(c, "/srv/p/a/b"), "bind /srv/p/a/b: " TREE);
	CHECK_STR(note(), "");
}

TEST(names_that_are_not_protected)
{
	static const char *const names[] = { ".git", ".vscode", ".git/modules/a" };
	static const char *const wrong[] = { "hooks" };
	const struct do_texts list = { names, 3 }, bad = { wrong, 1 };

	CHECK_INT(do_check_unprotected(&list, &err), 0);
	CHECK(do_is_unprotected(".git/hooks", &list) && do_is_unprotected(".vscode", &list));
	CHECK(!do_is_unprotected(".gitmodules", &list) && !do_is_unprotected(".envrc", &list));
	CHECK_ERR(do_check_unprotected(&bad, &err), &err,
		  "--unprotect hooks: no protected file has this name");
}

TEST(nothing_is_made_in_directories_of_the_host)
{
	struct machine m = machine();
	static const struct {
		struct do_path paths[2];
		const char *error;
	} cases[] = {
		{ { { "--volume", DO_READ, "/etc", "/usr/new", true, false } },
		  "--volume: /usr/new does not exist, and no mount point is created in the "
		  "host's /usr" },
		{ { { "--rw", DO_WRITE, "/home/u/proj", "/home/u/proj", true, true },
		    { "--volume", DO_READ, "/etc", "/home/u/proj/new", true, false } },
		  "--volume: /home/u/proj/new does not exist, and no mount point" },
		{ { { "--volume", DO_READ, "/etc", "/tmp/e", true, false },
		    { "--volume", DO_READ, "/usr", "/tmp/e/u", true, false } },
		  "--volume: /tmp/e/u is in /tmp/e, which shows another directory" },
		{ { { "--volume", DO_READ, "/etc", "/bin/x", true, true } },
		  "--volume: /bin/x is in /bin, which is a file, a link or the kernel's" },
		{ { { "--ro", DO_READ, "/proc/1", "/proc/1", true, true } },
		  "--ro: /proc/1 is in /proc, which is" },
		{ { { "--rw", DO_WRITE, "/", "/", true, true } },
		  "--rw /: the root itself cannot be shown or hidden" },
		{ { { "--rw", DO_WRITE, "/sys", "/sys", true, true } },
		  "--rw /sys: the sandbox has its own" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct do_request q = { .machine = &m,
					.paths = cases[i].paths,
					.n_paths = cases[i].paths[1].option ? 2 : 1 };

		CHECK(!config(&q));
		CHECK_ERR(-err.code, &err, cases[i].error);
	}
}

TEST(homes_that_are_elsewhere)
{
	struct machine m = machine();
	struct do_request q = { .machine = &m };
	const struct oci_config *c;

	m.home = "/srv/homes/u";
	c = config(&q);
	CHECK_STR(mount_at(c, "/srv/homes/u"), "tmpfs tmpfs: nosuid nodev mode=700 size=25%");
	m.home_there = false; /* nobody's /nonexistent, or a disk that is not mounted */
	c = config(&q);
	CHECK_STR(mount_at(c, "/srv/homes/u"), "");
	CHECK_STR(c && c->process->env.n ? c->process->env.v[0] : "", "HOME=/tmp");
	/* A $HOME that is not the user's does not uncover the one that is. */
	m.home = "/tmp/h";
	m.passwd_home = "/srv/homes/u";
	m.passwd_home_there = true;
	c = config(&q);
	CHECK_STR(mount_at(c, "/srv/homes/u"), EMPTY);
	/* Nor do those of daemons cover programs and libraries. */
	m.home = m.passwd_home = "/usr/sbin";
	m.home_there = true;
	c = config(&q);
	CHECK_STR(mount_at(c, "/usr/sbin"), "");
	CHECK_STR(c && c->process->env.n ? c->process->env.v[0] : "", "HOME=/tmp");
	m.home = NULL;
	m.passwd_home = NULL;
	c = config(&q);
	CHECK_STR(c && c->process->env.n ? c->process->env.v[0] : "", "HOME=/tmp");
	m.home = "/home/u";
	m.home_there = true;
	q.home = DO_HOME_READ;
	c = config(&q);
	CHECK_STR(mount_at(c, "/home/u"), "bind /home/u: " TREE " rro");
}

TEST(tools_of_the_home_directory_without_its_secrets)
{
	struct do_texts list = do_home_tools(
		&arena, "/home/u",
		"/home/u/.cargo/bin:/usr/bin:/home/u:/home/u/.ssh/bin:/home/u/.local/bin:"
		"/home/u/.config/x/bin:/home/u/.cargo/bin:relative::/home/user2/bin");
	static const char *const wanted[] = {
		"/home/u/.gitconfig",        "/home/u/.cargo/bin",      "/home/u/.rustup",
		"/home/u/.local/bin",        "/home/u/.local/share/uv", "/home/u/.local/share/mise",
		"/home/u/.local/share/pnpm", "/home/u/.local/pipx",     "/home/u/.local/lib",
	};

	CHECK_INT(list.n, sizeof(wanted) / sizeof(wanted[0]));
	for (size_t i = 0; i < list.n && i < sizeof(wanted) / sizeof(wanted[0]); i++)
		CHECK_STR(list.v[i], wanted[i]);
	CHECK(do_home_may_show("/home/u", "/opt/tools"));
	CHECK(!do_home_may_show("/home/u", "/home/u") && !do_home_may_show("/home/u", "/home"));
	CHECK(!do_home_may_show("/home/u", "/home/u/.ssh"));
	CHECK(!do_home_may_show("/home/u", "/home/u/.local")); /* has keyrings */
}

/* Nothing of this machine is in another tree, but what an option names. */
TEST(another_tree)
{
	struct machine m = machine();
	struct do_path path = { "--rw", DO_WRITE, "/home/u/proj", "/home/u/proj", true, false };
	struct do_request q = {
		.machine = &m, .rootfs = "/srv/tree", .overlay = true, .paths = &path, .n_paths = 1
	};
	const struct oci_config *c = config(&q);

	CHECK(c && str_equal(c->root->path, "/srv/tree") && !c->root->readonly.v);
	CHECK(c && c->process->user->uid.v == 0 && !c->linux_->uid_mappings.n);
	CHECK_STR(c ? c->process->cwd : "", "/home/u/proj");
	CHECK_STR(mount_at(c, "/"), "");
	CHECK_STR(mount_at(c, "/usr"), "");
	CHECK_STR(mount_at(c, "/home/u"), "");
	CHECK_STR(mount_at(c, "/home/u/proj"), "bind /home/u/proj: " TREE);
	CHECK_STR(mount_at(c, "/proc"), "proc proc: nosuid noexec nodev");
	/* What is read-only below it pins no directory of this machine above it. */
	path.how = DO_READ;
	path.there = true;
	q.overlay = false;
	c = config(&q);
	CHECK(c != NULL);
	CHECK_STR(mount_at(c, "/home"), "");
	CHECK_STR(mount_at(c, "/home/u"), "");
	path.there = false;
	CHECK(!config(&q));
	CHECK(strstr(err.text, "no mount point is created in the tree /srv/tree") != NULL);
}

/* What is to be listed or kept is a part of the layer; others may not write to that. */
/* What is copied comes first, with nothing in it that is not to be seen; then the copy, then what
 * lies on that. */
TEST(root_of_a_copy_of_this_machine)
{
	const struct machine m = machine();
	const struct do_path mail = { .how = DO_HIDE,
				      .source = "/var/mail",
				      .target = "/var/mail",
				      .directory = true,
				      .there = true };
	const struct do_path mine = { .option = "--rw",
				      .how = DO_WRITE,
				      .source = "/srv/mine",
				      .target = "/srv/mine",
				      .directory = true,
				      .there = true };
	struct do_request q = { .machine = &m,
				.root = true,
				.hidden = &mail,
				.n_hidden = 1,
				.paths = &mine,
				.n_paths = 1 };
	const struct oci_config *c = config(&q);
	size_t copy = 0;

	CHECK(c != NULL);
	for (size_t i = 1; c && i < c->mounts.n; i++)
		if (str_equal(c->mounts.v[i].destination, "/")) {
			CHECK(!copy);
			copy = i;
		}
	CHECK(copy > 0);
	for (size_t i = 0; c && i < c->mounts.n; i++) {
		const struct oci_mount *mount = &c->mounts.v[i];
		bool writable = str_equal(mount->destination, "/srv/mine") ||
				str_equal(mount->destination, "/home/u/proj");

		/* A place for it is all that the copy has. */
		if (writable)
			CHECK_STR(mount->type, i < copy ? "tmpfs" : "bind");
		if (str_equal(mount->destination, "/usr") ||
		    str_equal(mount->destination, "/var/mail"))
			CHECK(i < copy);
		if (str_equal(mount->type, "proc"))
			CHECK(i > copy);
	}
	CHECK_INT(c ? c->process->user->uid.v : 1, 0);
	CHECK_INT(c ? c->linux_->uid_mappings.n : 1, 0);
	CHECK(!c || !c->root->readonly.v);
	CHECK_STR(c ? c->process->env.v[1] : "", "HOME=/root");
	q.layer = "/srv/layer";
	CHECK(!config(&q));
	CHECK(strstr(err.text, "it would be seen inside, in /srv") != NULL);
	q.layer = "/home/u/layer";
	CHECK(config(&q) != NULL);
}

TEST(layers)
{
	struct machine m = machine();
	struct do_path path = { "--rw", DO_WRITE, "/srv/p", "/srv/p", true, true };
	struct do_request q = { .machine = &m, .all_changes = true, .paths = &path, .n_paths = 1 };
	const struct oci_config *c = config(&q);

	CHECK_STR(mount_at(c, "/tmp"), "tmpfs tmpfs: scratch nosuid nodev mode=1777 size=25%");
	CHECK_STR(mount_at(c, "/home/u"), "tmpfs tmpfs: scratch nosuid nodev mode=700 size=25%");
	q.all_changes = false;
	q.layer = "/srv/layer";
	c = config(&q);
	CHECK_STR(mount_at(c, "/tmp"), "tmpfs tmpfs: nosuid nodev mode=1777 size=25%");
	CHECK_STR(mount_at(c, "/home/u"), "tmpfs tmpfs: scratch nosuid nodev mode=700 size=25%");
	CHECK(c && c->annotations.n == 2 && str_equal(c->annotations.v[1].value, "/srv/layer"));
	q.home = DO_HOME_SCRATCH;
	CHECK_STR(mount_at(config(&q), "/home/u"), "bind /home/u: " SCRATCH " size=25%");
	q.layer = "/srv/p/layer";
	CHECK(!config(&q));
	CHECK(strstr(err.text, "it would be writable inside, because of --rw /srv/p") != NULL);
}

TEST(environment)
{
	static const char *const outside[] = { "PATH=/bin", "SSH_AUTH_SOCK=/x", "LC_ALL=C",
					       "SECRET=1",  "DISPLAY=:0",       NULL };
	static const char *const words[] = { "env=A=1", "env=SECRET", "env=MISSING",
					     "env-file=# no\n\nB=2\r\nDISPLAY\nC=" };
	static const char *const wanted[] = { "PATH=/bin", "LC_ALL=C",   "A=1", "SECRET=1",
					      "B=2",       "DISPLAY=:0", "C=" };
	struct do_texts list = do_env(&arena, false, outside, words, 4);
	struct do_texts tree = do_env(&arena, true, outside, words, 1);

	CHECK_INT(tree.n, 2);
	CHECK_STR(tree.v[0], "LC_ALL=C"); /* no PATH of this machine */

	CHECK_INT(list.n, 7);
	for (size_t i = 0; i < list.n && i < 7; i++)
		CHECK_STR(list.v[i], wanted[i]);
}

TEST(capabilities)
{
	static const char *const words[] = { "cap-add=net_raw", "cap-add=CAP_CHOWN",
					     "cap-drop=NET_RAW", "cap-add=KILL" };
	static const char *const all[] = { "cap-add=chown", "cap-drop=ALL" };
	static const char *const admin[] = { "cap-add=sys_admin" };
	static const char *const unknown[] = { "cap-drop=magic" };
	struct do_texts list;

	CHECK_INT(do_caps(&arena, words, 4, &list, &err), 0);
	CHECK_INT(list.n, 2);
	CHECK_STR(list.v[0], "CAP_CHOWN");
	CHECK_STR(list.v[1], "CAP_KILL");
	CHECK_INT(do_caps(&arena, all, 2, &list, &err), 0);
	CHECK_INT(list.n, 0);
	CHECK_ERR(do_caps(&arena, admin, 1, &list, &err), &err,
		  "--cap-add CAP_SYS_ADMIN: a program with it");
	CHECK_ERR(do_caps(&arena, unknown, 1, &list, &err), &err, "unknown capability \"magic\"");
}

TEST(numbers)
{
	static const struct {
		const char *text;
		int64_t cpus, ms; /* -1: refused */
	} cases[] = {
		{ "1", 100000, 1000 }, { "1.5", 150000, -1 }, { "0.01", 1000, -1 },
		{ "0.001", -1, -1 },   { "90s", -1, 90000 },  { "5m", -1, 300000 },
		{ "2h", -1, 7200000 }, { "0", -1, -1 },       { "", -1, -1 },
		{ "-1", -1, -1 },      { "1.", -1, -1 },      { "1x", -1, -1 },
		{ "1sm", -1, -1 },     { ".5", -1, -1 },      { "99999999999", -1, -1 },
	};
	struct do_rlimit limit;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t cpus = -1, ms = -1;

		CHECK_INT(do_cpus(cases[i].text, &cpus, &err), cases[i].cpus < 0 ? -EINVAL : 0);
		CHECK_INT(cpus, cases[i].cpus);
		CHECK_INT(do_duration(cases[i].text, &ms, &err), cases[i].ms < 0 ? -EINVAL : 0);
		CHECK_INT(ms, cases[i].ms);
	}
	CHECK_INT(do_ulimit(&arena, "nofile=10:20", &limit, &err), 0);
	CHECK_STR(limit.type, "RLIMIT_NOFILE");
	CHECK_INT(limit.soft, 10);
	CHECK_INT(limit.hard, 20);
	CHECK_INT(do_ulimit(&arena, "core=0", &limit, &err), 0);
	CHECK_INT(limit.hard, 0);
	CHECK_INT(do_ulimit(&arena, "fsize=unlimited", &limit, &err), 0);
	CHECK(limit.hard == UINT64_MAX);
	CHECK_ERR(do_ulimit(&arena, "nofile=20:10", &limit, &err), &err, "above the hard limit");
	CHECK_ERR(do_ulimit(&arena, "nofile", &limit, &err), &err, "expected NAME=SOFT");
	CHECK_ERR(do_ulimit(&arena, "magic=1", &limit, &err), &err, "unknown limit \"magic\"");
}

static const struct oci_syscall *rule_of(const struct oci_config *c, const char *name, int action)
{
	const struct oci_seccomp *s = c && c->linux_ ? c->linux_->seccomp : NULL;

	for (size_t i = 0; s && i < s->syscalls.n; i++)
		for (size_t k = 0; k < s->syscalls.v[i].names.n; k++)
			if (s->syscalls.v[i].action == action &&
			    str_equal(s->syscalls.v[i].names.v[k], name))
				return &s->syscalls.v[i];
	return NULL;
}

TEST(the_profile)
{
	const int socketcall = sizeof(void *) == 8 ? OCI_SECCOMP_ERRNO : OCI_SECCOMP_ALLOW;
	const struct {
		const char *name;
		int normal, nested; /* action; 0: not named, so that there is none such */
	} cases[] = {
		{ "read", OCI_SECCOMP_ALLOW, OCI_SECCOMP_ALLOW },
		{ "ptrace", OCI_SECCOMP_ALLOW, OCI_SECCOMP_ALLOW },
		{ "keyctl", OCI_SECCOMP_ERRNO, OCI_SECCOMP_ERRNO },
		{ "bpf", OCI_SECCOMP_ERRNO, OCI_SECCOMP_ERRNO },
		{ "unshare", OCI_SECCOMP_ERRNO, OCI_SECCOMP_ALLOW },
		{ "mount", OCI_SECCOMP_ERRNO, OCI_SECCOMP_ALLOW },
		{ "clone3", 0, OCI_SECCOMP_ALLOW },
		{ "socketcall", socketcall, socketcall },
		{ "mount_setattr", 0, OCI_SECCOMP_ALLOW },
		{ "io_uring_setup", 0, 0 },
		{ "statmount", 0, 0 },
	};
	struct machine m = machine();
	struct do_request q = { .machine = &m };
	struct oci_seccomp given = { .default_action = OCI_SECCOMP_LOG };
	const struct oci_syscall *clone;
	const struct oci_config *c;

	for (int nested = 0; nested < 2; nested++) {
		q.nested = nested;
		c = config(&q);
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			int action = nested ? cases[i].nested : cases[i].normal;

			CHECK(!rule_of(c, cases[i].name, OCI_SECCOMP_ALLOW) ==
			      (action != OCI_SECCOMP_ALLOW));
			CHECK(!rule_of(c, cases[i].name, OCI_SECCOMP_ERRNO) ==
			      (action != OCI_SECCOMP_ERRNO));
		}
		clone = rule_of(c, "clone", OCI_SECCOMP_ERRNO);
		CHECK(nested ? !clone : clone && clone->args.v[0].index.v == 0);
	}
	CHECK(c && c->linux_->seccomp->architectures.n == 2);
	CHECK(c && c->linux_->seccomp->default_errno_ret.v == ENOSYS);
	q.nested = false;
	m.arch = "s390x";
	c = config(&q);
	clone = rule_of(c, "clone", OCI_SECCOMP_ERRNO);
	CHECK(clone && clone->args.v[0].index.v == 1);
	CHECK(rule_of(c, "socketcall", OCI_SECCOMP_ALLOW)); /* its own way to sockets */
	m.arch = "riscv64";
	c = config(&q);
	CHECK(c && !c->linux_->seccomp->architectures.n);
	q.no_seccomp = true;
	c = config(&q);
	CHECK(c && !c->linux_->seccomp);
	q.seccomp_given = &given;
	c = config(&q);
	CHECK(c && c->linux_->seccomp->default_action == OCI_SECCOMP_LOG);
}

TEST(limits_network_and_devices)
{
	struct machine m = machine();
	static const char *const devices[] = { "/dev/by-name" }, *const sources[] = { "/dev/kvm" };
	static const struct do_rlimit core = { "RLIMIT_CORE", 0, 0 };
	struct do_request q = { .machine = &m,
				.net = { .kind = NET_HOST },
				.reaper = true,
				.devices = devices,
				.device_sources = sources,
				.n_devices = 1,
				.rlimits = &core,
				.n_rlimits = 1,
				.memory = 100 << 20,
				.cpu_quota = 50000,
				.pids = 7 };
	const struct oci_config *c = config(&q);

	CHECK_STR(mount_at(c, "/dev/by-name"), "bind /dev/kvm: bind nosuid noexec");
	/* A file system in memory is full before the limit ends the program. */
	CHECK_STR(mount_at(c, "/tmp"), "tmpfs tmpfs: nosuid nodev mode=1777 size=26214400");
	CHECK_STR(mount_at(c, "/sys"), "bind /sys: " TREE " rro");
	CHECK_STR(mount_at(c, "/etc/resolv.conf"), ""); /* seen with /etc */
	CHECK_STR(mount_at(c, "/run/resolv/stub"), "bind /run/resolv/stub: bind copy-symlink");
	CHECK_STR(mount_at(c, "/run/resolv/real"), "bind /run/real/real: bind nosuid nodev ro");
	CHECK(c && c->linux_->namespaces.n == 6 && c->linux_->resources);
	CHECK(c && c->linux_->resources->memory->limit.v == 100 << 20);
	CHECK(c && c->linux_->resources->cpu->quota.v == 50000 &&
	      c->linux_->resources->cpu->period.v == DO_CPU_PERIOD);
	CHECK(c && c->linux_->resources->pids->limit.v == 7 && c->process->rlimits.n == 1);
	CHECK(c && c->annotations.n == 2);
	/* Root is refused nothing by the modes of /proc. */
	CHECK(c && c->linux_->masked_paths.n == 1 && !c->linux_->readonly_paths.n);
	q.nested = true;
	c = config(&q);
	CHECK(c && !c->linux_->masked_paths.n);
	m.uid = 0;
	c = config(&q);
	CHECK(c && c->linux_->masked_paths.n > 5 && c->linux_->readonly_paths.n > 3);
}

TEST(networks)
{
	struct machine m = machine();
	struct do_request q = { .machine = &m, .no_net = "no network inside: why" };
	const struct oci_config *c = config(&q);

	CHECK(c && c->linux_->namespaces.n == 7);
	CHECK_STR(result.notes[result.n_notes - 1], "no network inside: why");
	q.no_net = NULL;
	q.net = (struct net_plan){ .kind = NET_PATH, .text = "/run/netns/x" };
	c = config(&q);
	CHECK(c && c->linux_->namespaces.n == 7);
	CHECK_STR(c ? c->linux_->namespaces.v[6].path : "", "/run/netns/x");
	CHECK_STR(mount_at(c, "/sys"), "bind /sys: " TREE " rro");
	q.net = (struct net_plan){ .kind = NET_PASTA };
	c = config(&q);
	CHECK(c && c->linux_->namespaces.n == 7 && !c->linux_->namespaces.v[6].path);
	CHECK(c && str_equal(annotations_find(c->annotations.v, c->annotations.n, ANNOTATIONS_NET),
			     "pasta"));
	CHECK_STR(mount_at(c, "/run/resolv/real"), ""); /* the plan mounts its own there */
	CHECK(!result.no_resolv);
}

TEST(a_resolv_conf_has_a_place_or_is_none)
{
	struct machine m = machine();
	struct do_request q = { .machine = &m, .net = { .kind = NET_SLIRP4NETNS } };

	/* Where the links lead nothing is there: it can be made in /run, and not in /etc. */
	m.resolver_real = NULL;
	m.resolver[2].kind = MACHINE_MISSING;
	CHECK(config(&q) && !result.no_resolv);
	m.resolver[2].path = "/etc/elsewhere";
	CHECK(config(&q) && result.no_resolv);
	CHECK(strstr(result.notes[result.n_notes - 1], "this machine has no /etc/resolv.conf"));
	m.n_resolver = 0;
	CHECK(config(&q) && result.no_resolv);
	q.net.kind = NET_NONE;
	CHECK(config(&q) && !result.no_resolv);
}
