/* SPDX-License-Identifier: Apache-2.0 */
#include "userns/subid.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/sys/spawn.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

/* The programs may ask LDAP or sssd, which may be down. */
enum { PROGRAM_TIMEOUT_MS = 10000, PROGRAM_OUTPUT_MAX = 1 << 20 };

static void add_range(struct arena *arena, struct subid *subid, size_t *cap, uint64_t start,
		      uint64_t count)
{
	subid->v = arena_room(arena, subid->v, subid->n, cap, sizeof(*subid->v));
	subid->v[subid->n++] =
		(struct idmap_range){ .outside = (uint32_t)start, .count = (uint32_t)count };
}

/* Whether all ids lie within 0 to 2^32-2, and there is at least one. */
static bool is_range(uint64_t start, uint64_t count)
{
	return count > 0 && start < UINT32_MAX && count <= UINT32_MAX - start;
}

/* Whether a malformed line begins with this user's name or number. */
static bool is_meant_for(const char *line, size_t len, const char *name)
{
	size_t n = name ? strlen(name) : 0;

	return n && len >= n && memcmp(line, name, n) == 0 &&
	       (len == n || strchr(": \t;,=", line[n]));
}

void subid_parse(struct arena *arena, const char *text, const char *name, uint32_t uid,
		 struct subid *ret)
{
	uint64_t start, count, unused = SUBID_FIRST;
	const char *line, *owner;
	size_t len, owner_len, cap = 0, lines = 0;
	struct subid subid = { 0 };
	char number[12];

	(void)snprintf(number, sizeof(number), "%u", uid);
	while (text_line(&text, &line, &len)) {
		lines++;
		if (text_field(line, len, ':', 3, &owner, &owner_len) ||
		    !text_field_number(line, len, ':', 1, &start) ||
		    !text_field_number(line, len, ':', 2, &count) || !is_range(start, count)) {
			if (!subid.bad_line &&
			    (is_meant_for(line, len, number) || is_meant_for(line, len, name)))
				subid.bad_line = lines;
			continue;
		}
		if (start + count > unused)
			unused = start + count;
		(void)text_field(line, len, ':', 0, &owner, &owner_len);
		if (text_is(owner, owner_len, number) || (name && text_is(owner, owner_len, name)))
			add_range(arena, &subid, &cap, start, count);
	}
	if (is_range(unused, SUBID_USUAL_COUNT))
		subid.unused = (uint32_t)unused;
	if (subid.n == 0)
		subid.missing = name ? arena_strf(arena, "no line for %s (%u)", name, uid)
				     : arena_strf(arena, "no line for uid %u", uid);
	*ret = subid;
}

void subid_parse_program(struct arena *arena, const char *text, struct subid *ret)
{
	struct subid subid = { .source = "getsubids" };
	uint64_t start, count;
	const char *line;
	size_t len, cap = 0;

	while (text_line(&text, &line, &len)) {
		if (text_field_number(line, len, ' ', 2, &start) &&
		    text_field_number(line, len, ' ', 3, &count) && is_range(start, count))
			add_range(arena, &subid, &cap, start, count);
	}
	*ret = subid;
}

const char *subid_parse_source(struct arena *arena, const char *nsswitch)
{
	const char *line;
	size_t len;

	while (text_line(&nsswitch, &line, &len)) {
		size_t blanks, word;

		if (len < 6 || strncasecmp(line, "subid:", 6) != 0)
			continue;
		blanks = strspn(line + 6, " \t");
		word = strcspn(line + 6 + blanks, " \t\n[");
		if (word == 0)
			continue;
		return text_is(line + 6 + blanks, word, "files")
			       ? NULL
			       : arena_strndup(arena, line + 6 + blanks, word);
	}
	return NULL;
}

static void add_mapped(struct arena *arena, const struct idmap_range *range,
		       const struct idmap_range *here, struct subid *subid, size_t *cap)
{
	uint64_t start = range->outside, end = start + range->count;
	uint64_t here_end = (uint64_t)here->inside + here->count;

	start = start > here->inside ? start : here->inside;
	end = end < here_end ? end : here_end;
	if (start < end)
		add_range(arena, subid, cap, start, end - start);
}

static uint64_t count_of(const struct subid *subid)
{
	uint64_t n = 0;

	for (size_t i = 0; i < subid->n; i++)
		n += subid->v[i].count;
	return n;
}

void subid_keep_mapped(struct arena *arena, const struct idmap *map, struct subid *subid)
{
	struct subid kept = *subid;
	size_t cap = 0;

	kept.v = NULL;
	kept.n = 0;
	for (size_t i = 0; i < subid->n; i++)
		for (size_t k = 0; k < map->n; k++)
			add_mapped(arena, &subid->v[i], &map->v[k], &kept, &cap);
	kept.unmapped = count_of(&kept) < count_of(subid);
	if (kept.unmapped && kept.n == 0)
		kept.missing = arena_strf(arena,
					  "those that %s gives, from %u on, are not mapped in the "
					  "user namespace that usrun runs in",
					  subid->source, subid->v[0].outside);
	*subid = kept;
}

/* Runs argv[0] from a system directory (never from $PATH) and returns its output; -ENOENT if it is
 * not installed, -EIO with its message in err if it failed. The output is read only at the end, so
 * a program that fills the pipe (about two thousand ranges) blocks until it is killed. */
static int run_program(struct arena *arena, const char *const *argv, const char **ret,
		       struct err *err)
{
	static const char *const dirs[] = { "/usr/bin", "/usr/local/bin" };
	static const char *const env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C", NULL };
	_cleanup_close_ int out = -1, in = -1;
	struct spawn_result result;
	int fds[2], r = -ENOENT;
	char *text;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "start %s", argv[0]);
	out = fds[0];
	in = fds[1];
	/* We read only after the program has ended; a process that it left behind must not block
	 * us. */
	(void)fcntl(out, F_SETFL, O_NONBLOCK);
	for (size_t i = 0; r == -ENOENT && i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		struct spawn_request request = {
			.path = arena_strf(arena, "%s/%s", dirs[i], argv[0]),
			.argv = argv,
			.env = env,
			.timeout_ms = PROGRAM_TIMEOUT_MS,
			.cwd_fd = -1,
			.output_fd = in,
			.error_fd = -1,
		};

		r = spawn_run(&request, &result, err);
	}
	if (r < 0)
		return r;
	fd_closep(&in);
	if (result.timed_out)
		return err_set(err, ETIMEDOUT, "%s did not answer within %d s", argv[0],
			       PROGRAM_TIMEOUT_MS / 1000);
	if (!WIFEXITED(result.status) || WEXITSTATUS(result.status) != 0) {
		return err_set(err, EIO, "%s: %s", argv[0],
			       result.words[0] ? text_of_program(arena, result.words)
					       : "failed and printed nothing");
	}
	r = io_read_fd(out, argv[0], PROGRAM_OUTPUT_MAX, arena, &text, NULL, err);
	if (r == 0)
		*ret = text;
	return r;
}

/* Asks LDAP and the like for the name of a uid. Runs a program, because NSS modules are libraries
 * that may hang, start threads and open sockets. */
static const char *name_by_getent(struct arena *arena, uint32_t uid)
{
	const char *argv[] = { "getent", "passwd", arena_strf(arena, "%u", uid), NULL };
	struct err err;
	const char *name;
	const char *text = "";
	size_t len;

	if (run_program(arena, argv, &text, &err) < 0 ||
	    !text_field(text, strcspn(text, "\n"), ':', 0, &name, &len) || len == 0)
		return NULL;
	return arena_strndup(arena, name, len);
}

static void load_program(struct arena *arena, bool gids, const char *name, const char *source,
			 struct subid *ret)
{
	const char *argv[] = { "getsubids", gids ? "-g" : name, gids ? name : NULL, NULL };
	struct err err = { 0 };
	const char *text = "";
	int r;

	*ret = (struct subid){ .source = "getsubids" };
	r = run_program(arena, argv, &text, &err);
	if (r == 0)
		subid_parse_program(arena, text, ret);
	if (ret->n)
		return;
	if (r == -ENOENT) {
		ret->missing =
			arena_strf(arena,
				   "nsswitch.conf names %s for subid, but the getsubids program "
				   "(package uidmap, shadow-utils-subid) is missing",
				   source);
	} else {
		ret->missing = arena_strf(arena, "%s has none for %s: %s", source, name,
					  r < 0 ? err.text : "getsubids printed no range");
	}
}

static void load_file(struct arena *arena, const char *path, const char *name, uint32_t uid,
		      struct subid *ret)
{
	char *text = NULL;
	int r = text_read(arena, path, &text);

	*ret = (struct subid){ 0 };
	if (r == 0)
		subid_parse(arena, text, name, uid, ret);
	if (r == 0 && ret->n == 0 && !name && (name = name_by_getent(arena, uid)))
		subid_parse(arena, text, name, uid, ret);
	ret->source = path;
	if (r == -ENOENT) {
		ret->missing = arena_strf(arena, "the file %s is missing", path);
		ret->unused = SUBID_FIRST;
	} else if (r < 0) {
		ret->missing = arena_strf(arena, "%s cannot be read: %s", path, err_why(-r));
	} else if (ret->n == 0) {
		ret->missing = ret->bad_line
				       ? arena_strf(arena, "line %zu of %s is not USER:START:COUNT",
						    ret->bad_line, path)
				       : arena_strf(arena, "%s in %s", ret->missing, path);
	}
}

static const char *other_source(struct arena *arena)
{
	char *text;

	return text_read(arena, "/etc/nsswitch.conf", &text) < 0 ? NULL
								 : subid_parse_source(arena, text);
}

void subid_load(struct arena *arena, const char *name, uint32_t uid, struct subid *ret_uids,
		struct subid *ret_gids)
{
	const char *source = other_source(arena);

	if (!source) {
		load_file(arena, SUBID_UID_FILE, name, uid, ret_uids);
		load_file(arena, SUBID_GID_FILE, name, uid, ret_gids);
		return;
	}
	if (!name)
		name = name_by_getent(arena, uid);
	if (!name)
		name = arena_strf(arena, "%u", uid);
	load_program(arena, false, name, source, ret_uids);
	load_program(arena, true, name, source, ret_gids);
}
