/* SPDX-License-Identifier: Apache-2.0 */
#include "src/host/handler.h"

#include "src/base/elf.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/sys/spawn.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIST_MAX = 64 * 1024, /* what a pipe holds */ LIST_TIMEOUT_MS = 10000, HEAD_MAX = 4096 };

/* Users may have handlers of their own; usrun does nothing with them that the user could not do. */
static const char *directory(void)
{
	const char *chosen = getenv("USRUN_HANDLERS");

	return chosen && *chosen == '/' ? chosen : USRUN_HANDLER_DIR;
}

/* In another user namespace the host's root has the same number as all unmapped ids. */
static bool is_trusted(const struct caller *caller, uid_t owner)
{
	enum { OVERFLOW_UID = 65534 };

	return owner == 0 || owner == caller->uid ||
	       (owner == OVERFLOW_UID && !caller->initial_userns);
}

static int check_owner(const struct caller *caller, const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(err, errno, "stat %s", path);
	if (is_trusted(caller, st.st_uid) && !(st.st_mode & 022))
		return 0;
	(void)err_set(
		err, EPERM,
		"%s is writable by users other than root and the caller (owner %u, mode %04o)",
		path, st.st_uid, st.st_mode & 07777);
	return err_hint(err, "chown root:root %s; chmod go-w %s", path, path);
}

static int unknown(const char *name, const char *path, struct err *err)
{
	(void)err_set(err, EINVAL, "unknown handler \"%s\": there is no %s", name, path);
	if (str_starts(name, "wasm"))
		return err_hint(err, "usrun installs one when it is built with WasmEdge "
				     "(libwasmedge-dev, since Debian 13): see usrun-handlers(7)");
	return err_hint(err, "`ls %s` lists the installed ones: see usrun-handlers(7)",
			directory());
}

int handler_read(struct arena *arena, const struct caller *caller, const char *name,
		 struct handler *ret, struct err *err)
{
	const char *dir = directory();
	size_t len;
	char *text;
	int r;

	if (!handler_doc_is_name(name))
		return err_set(err, EINVAL, "\"%s\" is not the name of a handler", name);
	*ret = (struct handler){ .name = name };
	ret->path = arena_strf(arena, "%s/%s.json", dir, name);
	if (access(ret->path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return unknown(name, ret->path, err);
	r = check_owner(caller, dir, err);
	if (r == 0)
		r = check_owner(caller, ret->path, err);
	if (r == 0)
		r = io_read_file(IO_FIXED, ret->path, HANDLER_DOC_MAX_FILE, arena, &text, &len,
				 err);
	if (r == 0)
		r = handler_doc_read(arena, ret->path, text, len, &ret->doc, err);
	return r < 0 ? err_prefix(err, "handler \"%s\"", name) : 0;
}

/* Parses "\tlibc.so.6 => /lib/libc.so.6 (0x7f12)"; the loader and the vDSO have no arrow. */
int handler_parse_list(struct arena *arena, char *text, struct handler_file **ret, size_t *ret_n,
		       struct err *err)
{
	struct handler_file *v = NULL;
	size_t n = 0, cap = 0;
	char *line, *save = NULL;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *arrow = strstr(line, " => "), *end;
		const char *name = line + strspn(line, " \t");

		if (!arrow)
			continue;
		*arrow = '\0';
		arrow += 4;
		end = strstr(arrow, " (0x");
		if (*arrow != '/' || !end || strchr(name, '/'))
			return err_set(err, ENOPKG, "needs the library %s, which is not installed",
				       name);
		*end = '\0';
		v = arena_room(arena, v, n, &cap, sizeof(*v));
		v[n++] = (struct handler_file){ .source = arrow, .name = name };
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

/* Asks the loader what it would load, so that we need not guess where a library is. */
static int list_libraries(struct arena *arena, struct handler *handler, struct handler_file **ret,
			  size_t *ret_n, struct err *err)
{
	_cleanup_close_ int out = -1, in = -1;
	const char *argv[] = { handler->loader, "--list", handler->program, NULL };
	static const char *const env[] = { NULL };
	struct spawn_request request = { .path = handler->loader,
					 .argv = argv,
					 .env = env,
					 .timeout_ms = LIST_TIMEOUT_MS,
					 .cwd_fd = -1,
					 .error_fd = -1 };
	struct spawn_result result;
	int fds[2], r;
	char *text;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "create a pipe");
	in = fds[0];
	out = request.output_fd = fds[1];
	r = spawn_run(&request, &result, err);
	fd_closep(&out);
	if (r == 0 && result.timed_out)
		r = err_set(err, ETIMEDOUT, "%s --list did not end within %d s", handler->loader,
			    LIST_TIMEOUT_MS / 1000);
	if (r == 0 && WIFSIGNALED(result.status))
		r = err_set(err, EIO, "%s --list was killed by signal %d", handler->loader,
			    WTERMSIG(result.status));
	if (r == 0)
		r = io_read_fd(in, "the list of libraries", LIST_MAX, arena, &text, NULL, err);
	if (r == 0) /* its output names the missing one */
		r = handler_parse_list(arena, text, ret, ret_n, err);
	if (r == 0 && result.status)
		r = err_set(err, EIO, "%s --list: %s", handler->loader, result.words);
	return r;
}

static int find_program(struct arena *arena, const struct caller *caller, struct handler *handler,
			struct err *err)
{
	const char *dir = arena_strndup(arena, handler->path,
					(size_t)(path_base(handler->path) - handler->path));
	_cleanup_close_ int fd = -1;
	char head[HEAD_MAX] = "";
	const char *loader;
	ssize_t n;
	int r;

	handler->program = path_clean(arena, path_join(arena, dir, handler->doc.program));
	fd = openat(AT_FDCWD, handler->program, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, ENOPKG, "its program %s is not installed", handler->program);
	if (fd < 0)
		return err_errno(err, errno, "open its program %s", handler->program);
	n = read(fd, head, sizeof(head));
	loader = elf_loader(head, n > 0 ? (size_t)n : 0);
	handler->loader = loader ? arena_strdup(arena, loader) : NULL;
	r = check_owner(caller, handler->program, err);
	return r == 0 && loader ? check_owner(caller, handler->loader, err) : r;
}

static int drop_absent(struct arena *arena, struct handler_doc *doc, struct err *err)
{
	struct handler_mount *kept = arena_array(arena, doc->mounts.n + 1, sizeof(*kept));
	size_t n = 0;

	for (size_t i = 0; i < doc->mounts.n; i++) {
		const struct handler_mount *m = &doc->mounts.v[i];

		if (access(m->source, F_OK) == 0)
			kept[n++] = *m;
		else if (!m->optional.v)
			return err_set(err, ENOPKG, "needs %s, which is not installed", m->source);
	}
	doc->mounts.v = kept;
	doc->mounts.n = n;
	return 0;
}

static int find_all(struct arena *arena, const struct caller *caller, struct handler *handler,
		    struct err *err)
{
	const struct handler_doc *doc = &handler->doc;
	struct handler_file *libraries = NULL, *v;
	size_t n = 0;
	int r = find_program(arena, caller, handler, err);

	if (r == 0 && handler->loader)
		r = list_libraries(arena, handler, &libraries, &n, err);
	if (r < 0)
		return r;
	v = arena_grow(arena, libraries, n, n + doc->files.n + 1, sizeof(*v));
	for (size_t i = 0; i < doc->files.n; i++)
		v[n++] = (struct handler_file){ doc->files.v[i], path_base(doc->files.v[i]) };
	handler->files = v;
	handler->n_files = n;
	for (size_t i = 0; i < n; i++) {
		if (access(v[i].source, F_OK) < 0)
			return err_set(err, ENOPKG, "needs %s, which is not installed",
				       v[i].source);
		r = check_owner(caller, v[i].source, err);
		if (r < 0)
			return r;
	}
	return drop_absent(arena, &handler->doc, err);
}

int handler_find_files(struct arena *arena, const struct caller *caller, struct handler *handler,
		       struct err *err)
{
	int r = find_all(arena, caller, handler, err);

	if (r == -ENOPKG && handler->doc.package)
		err_hint(err, "install the package %s", handler->doc.package);
	return r < 0 ? err_prefix(err, "handler \"%s\" (%s)", handler->name, handler->path) : 0;
}
