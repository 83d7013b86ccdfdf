/* SPDX-License-Identifier: Apache-2.0 */
/* --share: sockets of the user's session, by purpose. */
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/cmd/do_parts.h"
#include "src/sys/dbus_address.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void add_path(struct do_parts *p, struct do_shared *s, const char *path, enum do_how how)
{
	s->paths = arena_room(p->arena, s->paths, s->n_paths, &s->cap_paths, sizeof(*s->paths));
	s->paths[s->n_paths++] = (struct do_path){
		.option = "--share", .how = how, .source = path, .target = path, .there = true
	};
}

static void add_variable(struct do_parts *p, struct do_shared *s, const char *name,
			 const char *value)
{
	s->env = arena_room(p->arena, s->env, s->n_env, &s->cap_env, sizeof(*s->env));
	s->env[s->n_env++] = arena_strf(p->arena, "env=%s=%s", name, value);
}

static const char *variable(const char *share, const char *name, struct err *err)
{
	const char *value = getenv(name);

	if (value && *value)
		return value;
	(void)err_set(err, EINVAL, "--share %s: %s is not set", share, name);
	return NULL;
}

/* Its real location, so that nothing but the socket has to exist inside. */
static const char *add_socket(struct do_parts *p, struct do_shared *s, const char *share,
			      const char *path, struct err *err)
{
	const char *real;
	struct stat st;

	if (*path != '/' || machine_find(p->arena, path, &real) != MACHINE_FILE ||
	    stat(real, &st) < 0 || !S_ISSOCK(st.st_mode)) {
		(void)err_set(err, EINVAL, "--share %s: no socket at %s", share, path);
		return NULL;
	}
	add_path(p, s, real, DO_WRITE);
	return real;
}

static void add_file(struct do_parts *p, struct do_shared *s, const char *path)
{
	const char *real;

	if (path && *path == '/' && machine_find(p->arena, path, &real) == MACHINE_FILE)
		add_path(p, s, real, DO_READ);
}

static const char *runtime_dir(struct do_parts *p)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	return dir && *dir == '/' ? dir : arena_strf(p->arena, "/run/user/%u", p->machine.uid);
}

/* NULL if the user has no home directory. */
static const char *in_home(struct do_parts *p, const char *name)
{
	return p->machine.home ? path_join(p->arena, p->machine.home, name) : NULL;
}

static int share_ssh(struct do_parts *p, const char *share, struct do_shared *s, struct err *err)
{
	const char *path = variable(share, "SSH_AUTH_SOCK", err);

	path = path ? add_socket(p, s, share, path, err) : NULL;
	if (!path)
		return -err->code;
	add_variable(p, s, "SSH_AUTH_SOCK", path);
	return 0;
}

/* Including public data, from which gpg takes the keys' names. */
static int share_gpg(struct do_parts *p, const char *share, struct do_shared *s, struct err *err)
{
	const char *home = getenv("GNUPGHOME");
	const char *own = home && *home == '/' ? home : in_home(p, ".gnupg");
	const char *path = arena_strf(p->arena, "%s/gnupg/S.gpg-agent", runtime_dir(p)), *ignored;

	if (own && machine_find(p->arena, path, &ignored) == MACHINE_MISSING)
		path = arena_strf(p->arena, "%s/S.gpg-agent", own);
	if (!add_socket(p, s, share, path, err))
		return -err->code;
	if (!own)
		return 0;
	add_file(p, s, arena_strf(p->arena, "%s/pubring.kbx", own));
	add_file(p, s, arena_strf(p->arena, "%s/trustdb.gpg", own));
	if (home)
		add_variable(p, s, "GNUPGHOME", own);
	return 0;
}

static int share_wayland(struct do_parts *p, const char *share, struct do_shared *s,
			 struct err *err)
{
	const char *name = variable(share, "WAYLAND_DISPLAY", err), *path = NULL;

	if (name)
		path = add_socket(p, s, share, path_join(p->arena, runtime_dir(p), name), err);
	if (!path)
		return -err->code;
	add_variable(p, s, "WAYLAND_DISPLAY", path);
	return 0;
}

/* ":0", ":0.0"; a display with a host name uses the network. */
static int share_x11(struct do_parts *p, const char *share, struct do_shared *s, struct err *err)
{
	const char *display = variable(share, "DISPLAY", err), *authority = getenv("XAUTHORITY");
	size_t len = display && *display == ':' ? strspn(display + 1, "0123456789") : 0;

	if (!display)
		return -err->code;
	if (!len)
		return err_set(err, EINVAL, "--share %s: the display %s is not local", share,
			       display);
	if (!add_socket(p, s, share,
			arena_strf(p->arena, "/tmp/.X11-unix/X%.*s", (int)len, display + 1), err))
		return -err->code;
	add_variable(p, s, "DISPLAY", display);
	if (!authority || !*authority)
		authority = in_home(p, ".Xauthority");
	add_file(p, s, authority);
	if (authority)
		add_variable(p, s, "XAUTHORITY", authority);
	return 0;
}

/* The first of the alternatives that is a socket here; an abstract one is not in the sandbox's
 * network. */
static const char *find_bus(struct do_parts *p, const char *share, struct do_shared *s,
			    const char *address, struct err *err)
{
	const char *next = address, *path, *real = NULL;
	bool named = false;
	int r;

	while (!real && (r = dbus_address_next(p->arena, &next, &path)) == 1) {
		if (!path)
			continue;
		real = add_socket(p, s, share, path, err);
		named = true;
	}
	if (!real && r < 0)
		(void)err_set(err, EINVAL, "--share %s: %s is not an address of D-Bus", share,
			      address);
	else if (!real && !named)
		(void)err_set(err, EINVAL, "--share %s: %s is not the path of a socket", share,
			      address);
	return real;
}

static int share_dbus(struct do_parts *p, const char *share, struct do_shared *s, struct err *err)
{
	const char *address = getenv("DBUS_SESSION_BUS_ADDRESS"), *real;

	if (!address || !*address)
		address = dbus_address_of(p->arena, arena_strf(p->arena, "%s/bus", runtime_dir(p)));
	real = find_bus(p, share, s, address, err);
	if (!real)
		return -err->code;
	add_variable(p, s, "DBUS_SESSION_BUS_ADDRESS", dbus_address_of(p->arena, real));
	return 0;
}

int do_share_find(struct do_parts *p, const char *name, struct err *err)
{
	static const struct {
		const char *name;
		int (*find)(struct do_parts *p, const char *share, struct do_shared *s,
			    struct err *err);
	} shares[] = { { "ssh-agent", share_ssh },
		       { "gpg-agent", share_gpg },
		       { "wayland", share_wayland },
		       { "x11", share_x11 },
		       { "dbus", share_dbus } };

	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
		if (str_equal(shares[i].name, name))
			return shares[i].find(p, name, &p->shared, err);
	return err_set(err, EINVAL,
		       "--share: expected one of ssh-agent, gpg-agent, wayland, x11, dbus, got "
		       "\"%s\"",
		       name);
}
