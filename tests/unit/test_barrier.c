/* SPDX-License-Identifier: Apache-2.0 */
/* Which directory refuses a path, to whom, and what is said about it. */
#include "src/host/barrier.h"

#include "src/base/fd.h"
#include "src/base/str.h"
#include "tests/lib/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char top[] = "/tmp/usrun-barrier.XXXXXX";
static const struct barrier_view caller = { 0 };

static const char *at(struct arena *arena, const char *name)
{
	return arena_strf(arena, "%s/%s", top, name);
}

static void set_up(void)
{
	static bool done;
	int dir, fd;

	if (done)
		return;
	done = true;
	CHECK(mkdtemp(top) != NULL && chmod(top, 0755) == 0);
	dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(mkdirat(dir, "a", 0755) == 0 && mkdirat(dir, "a/closed", 0755) == 0);
	CHECK(mkdirat(dir, "a/closed/in", 0755) == 0);
	CHECK(symlinkat("a/./closed/../closed", dir, "link") == 0);
	CHECK(symlinkat("loop", dir, "loop") == 0);
	fd = openat(dir, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	fd_closep(&fd);
	CHECK(fchmodat(dir, "a/closed", 0600, 0) == 0 && fchmodat(dir, "file", 0200, 0) == 0);
	fd_closep(&dir);
}

/* Nothing is refused to root. 0: what was said begins and ends so. */
static void check_words(const char *name, int want, const char *first, const char *last)
{
	pid_t child;
	int status;

	set_up();
	child = fork();
	if (child == 0) {
		struct arena arena = { 0 };
		const char *words, *end;

		if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(2);
		words = barrier_words(&arena, &caller, at(&arena, name), want);
		end = arena_strf(&arena, last, top);
		if (!*first)
			_exit(words != NULL);
		if (!words || !strstr(words, first) || !str_ends(words, end))
			printf("%s: %s\n", name, words ? words : "(nothing)");
		(void)fflush(stdout);
		_exit(!words || !strstr(words, first) || !str_ends(words, end));
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

TEST(directory_that_blocks_is_named)
{
	bool root = geteuid() == 0;

	check_words("a/closed/in", 0, "may not enter the directory",
		    root ? ", mode 0600): use a path outside of it"
			 : ", mode 0600): chmod u+x %s/a/closed");
	check_words("link/in", 0, "may not enter the directory",
		    root ? "): use a path outside of it" : "chmod u+x %s/a/closed");
	check_words("a/closed", X_OK, "may not enter the directory",
		    root ? "): use a path outside of it" : "chmod u+x %s/a/closed");
}

TEST(file_at_the_end_is_named)
{
	bool root = geteuid() == 0;

	check_words("file", R_OK, "may not read",
		    root ? "): use a file of your own" : "chmod u+r %s/file");
	check_words("file", X_OK, "is not executable (mode 0200)", "chmod +x %s/file");
}

TEST(nothing_is_said_where_nothing_refuses)
{
	check_words("a/closed", 0, "", "");
	check_words("a", X_OK, "", "");
	check_words("missing/more", X_OK, "", "");
	check_words("loop/more", X_OK, "", "");
	check_words("file/more", 0, "", "");
}

/* Not mapped: the directories belong to nobody whom the container knows. */
TEST(root_of_a_container_is_one_among_others)
{
	struct arena arena = { 0 };
	const struct idmap_range others = { 0, geteuid() + 1, 1 };
	const struct idmap_range own_uid = { 0, geteuid(), 1 }, own_gid = { 0, getegid(), 1 };
	const struct idmap foreign = { &others, 1 }, uids = { &own_uid, 1 }, gids = { &own_gid, 1 };
	const struct barrier_view stranger = { .uids = &foreign, .gids = &foreign };
	const struct barrier_view owner = { .uids = &uids, .gids = &gids };
	const char *words;

	set_up();
	words = barrier_of_root(&arena, &stranger, top, "/a/closed/in");
	CHECK_STR(words, arena_strf(&arena,
				    "root of the container (uid %u on the host) may not enter the "
				    "directory %s/a/closed (owner %u:%u on the host, mode 0600)",
				    geteuid() + 1, top, geteuid(), getegid()));
	words = barrier_of_root(&arena, &stranger, at(&arena, "a"), "/new/more");
	CHECK(words && strstr(words, "may not write to the directory"));
	CHECK_STR(barrier_of_root(&arena, &stranger, at(&arena, "a"), "/"), NULL);
	CHECK_STR(barrier_of_root(&arena, &owner, top, "/a/closed/in"), NULL);
	CHECK_STR(barrier_of_root(&arena, &owner, top, "/new"), NULL);
	CHECK_STR(barrier_of_root(&arena, &owner, "/nowhere", "/new"), NULL);
	arena_free(&arena);
}

/* A hint that is there stays behind it. */
TEST(hint_comes_first)
{
	struct err err;
	char longer[700];

	(void)err_set(&err, EACCES, "open it");
	err_hint_first(&err, "first %d", 1);
	CHECK_STR(err.hint, "first 1");
	err_hint_first(&err, "second");
	CHECK_STR(err.hint, "second; first 1");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	err_hint_first(&err, "%s", longer);
	CHECK_INT(strlen(err.hint), sizeof(err.hint) - 1);
}

TEST(tear_down)
{
	int dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool gone = fchmodat(dir, "a/closed", 0700, 0) == 0 &&
		    unlinkat(dir, "a/closed/in", AT_REMOVEDIR) == 0 &&
		    unlinkat(dir, "a/closed", AT_REMOVEDIR) == 0 &&
		    unlinkat(dir, "a", AT_REMOVEDIR) == 0 && unlinkat(dir, "file", 0) == 0 &&
		    unlinkat(dir, "link", 0) == 0 && unlinkat(dir, "loop", 0) == 0;

	fd_closep(&dir);
	CHECK(gone && rmdir(top) == 0);
}
