/* SPDX-License-Identifier: Apache-2.0 */
/* Small ones of src/sys: descriptors that are closed many at once, and the names in a directory. */
#include "src/base/fd.h"
#include "src/sys/later.h"
#include "src/sys/listing.h"
#include "src/sys/stage.h"
#include "tests/lib/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 100 };

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int open_any(void)
{
	int fd = open("/", O_PATH | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

TEST(only_what_was_given_is_closed)
{
	int fds[30], given;

	for (size_t i = 0; i < 30; i++)
		fds[i] = open_any();
	for (size_t i = 0; i < 30; i++) {
		given = fds[i];
		if (i % 3)
			later_closep(&given);
		CHECK(i % 3 == 0 || given == -1);
	}
	errno = ENOTTY;
	later_close();
	CHECK_INT(errno, ENOTTY);
	for (size_t i = 0; i < 30; i++)
		CHECK(is_open(fds[i]) == (i % 3 == 0));
	for (size_t i = 0; i < 30; i += 3)
		fd_closep(&fds[i]);
}

/* A number that was closed is perhaps somebody else's by the time of the next round. */
TEST(what_was_closed_is_forgotten)
{
	int fd = open_any(), given = fd, again;

	later_closep(&given);
	later_close();
	again = open_any();
	CHECK_INT(again, fd);
	later_close();
	CHECK(is_open(again));
	fd_closep(&again);
}

TEST(not_more_than_some_wait)
{
	int first = open_any(), given, highest = 0;

	given = first;
	later_closep(&given);
	for (int i = 0; i < 300; i++) {
		given = open_any();
		highest = given > highest ? given : highest;
		later_closep(&given);
	}
	CHECK(highest < 64);
	later_close();
	CHECK(!is_open(first));
}

/* Above the numbers that are kept in mind there is no later; the ends of these work too. */
TEST(high_numbers_are_closed_at_once)
{
	static const int numbers[] = { 62, 63, 64, 200 };
	int any = open_any();

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int given = fcntl(any, F_DUPFD_CLOEXEC, numbers[i]);

		CHECK_INT(given, numbers[i]);
		later_closep(&given);
		CHECK(is_open(numbers[i]) == (numbers[i] <= 63));
	}
	later_close();
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		CHECK(!is_open(numbers[i]));
	CHECK(is_open(any));
	fd_closep(&any);
}

TEST(a_stage_that_cannot_be_mounted_says_why)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(1);
		if (stage_copy(AT_FDCWD, false) != -EBADF || stage_fs(-1, "tmpfs") != -ENOSYS)
			_exit(2);
		stage_begin();
		_exit(stage_fs_mount(stage_fs(-1, "tmpfs"), 0) == -EPERM ? 0 : 3);
	}
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK_INT(status, 0);
}

TEST(a_label_keeps_its_comma)
{
	_cleanup_str_ struct str data = { 0 };

	CHECK(stage_option(&data, "mode", "755"));
	CHECK(stage_option(&data, "context", "u:r:t:s0:c1,c2"));
	CHECK(stage_option(&data, "rootcontext", "\"u:r:t:s0:c1,c2\""));
	CHECK(stage_option(&data, "noswap", NULL));
	CHECK(!stage_option(&data, "lowerdir", "/a,b"));
	CHECK_STR(data.s,
		  "mode=755,context=\"u:r:t:s0:c1,c2\",rootcontext=\"u:r:t:s0:c1,c2\",noswap,"
		  "lowerdir=/a,b");
}

TEST(each_name_is_listed_once)
{
	char dir[] = "/tmp/usrun-listing-XXXXXX", name[64];
	bool seen[MANY] = { false };
	struct listing listing;
	const char *next;
	int fd, n = 0, r, i;

	CHECK(mkdtemp(dir) != NULL);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "..a-name-that-is-long-enough-%d", i);
		CHECK(mkdirat(fd, name, 0700) == 0);
	}
	for (int round = 0; round < 2; round++) {
		listing_begin(&listing, fd);
		for (n = 0; (next = listing_next(&listing, &r)); n++) {
			CHECK(sscanf(next, "..a-name-that-is-long-enough-%d", &i) == 1);
			CHECK(i >= 0 && i < MANY && seen[i] == (round != 0));
			seen[i] = true;
		}
		CHECK_INT(r, 0);
		CHECK_INT(n, MANY);
	}
	/* What is read may be removed meanwhile. */
	listing_begin(&listing, fd);
	for (n = 0; (next = listing_next(&listing, &r)); n++)
		CHECK(unlinkat(fd, next, AT_REMOVEDIR) == 0);
	CHECK_INT(n, MANY);
	CHECK(rmdir(dir) == 0);
	listing_begin(&listing, fd);
	CHECK(listing_next(&listing, &r) == NULL);
	fd_closep(&fd);
	listing_begin(&listing, fd);
	CHECK(listing_next(&listing, &r) == NULL);
	CHECK_INT(r, -EBADF);
}
