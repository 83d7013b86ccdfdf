/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "tests/lib/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(files_are_replaced_and_read_with_a_limit)
{
	char dir[] = "/tmp/usrun-test-io-XXXXXX";
	struct arena arena = { 0 };
	struct err err = { 0 };
	_cleanup_close_ int fd = -1;
	struct stat st;
	char *text;
	size_t len;

	CHECK(mkdtemp(dir) != NULL);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_INT(io_replace_file(fd, "f", "one", 3, 0600, &err), 0);
	CHECK_INT(io_replace_file(fd, "f", "second", 6, 0600, &err), 0);
	CHECK_INT(fstatat(fd, "f", &st, 0), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	CHECK_INT(io_read_file(fd, "f", 6, &arena, &text, &len, &err), 0);
	CHECK_STR(text, "second");
	CHECK_ERR(io_read_file(fd, "f", 5, &arena, &text, &len, &err), &err, "larger than 5 bytes");
	CHECK_ERR(io_read_file(fd, "g", 5, &arena, &text, &len, &err), &err, "no such path");
	/* What others may have put where a temporary file would be guessed. */
	CHECK_INT(mkfifoat(fd, ".f.new", 0666), 0);
	CHECK_INT(io_replace_file(fd, "f", "third", 5, 0600, &err), 0);
	CHECK_INT(io_read_file(fd, "f", 6, &arena, &text, &len, &err), 0);
	CHECK_STR(text, "third");
	CHECK_INT(unlinkat(fd, ".f.new", 0), 0);
	CHECK_ERR(io_replace_file(fd, "no/such", "x", 1, 0600, &err), &err,
		  "create a file for no/such");
	/* What is in the place of the file goes; what it leads to stays. */
	CHECK_INT(unlinkat(fd, "f", 0), 0);
	CHECK_INT(symlinkat("target", fd, "f"), 0);
	CHECK_INT(io_replace_file(fd, "f", "new", 3, 0600, &err), 0);
	CHECK(faccessat(fd, "target", F_OK, 0) < 0);
	CHECK_INT(unlinkat(fd, "f", 0), 0);
	CHECK_INT(rmdir(dir), 0);
	arena_free(&arena);
}

/* Of ENOENT clients read the usual words as "the user's command". */
TEST(words_of_an_errno)
{
	CHECK_STR(err_why(EPERM), "operation not permitted");
	CHECK_STR(err_why(EACCES), "permission denied");
	CHECK_STR(err_why(EINVAL), "invalid argument");
	CHECK(strstr(err_why(EIO), "I/O") || strstr(err_why(EIO), "input"));
	CHECK_STR(err_why(ENOENT), "no such path");
	CHECK(!strstr(err_why(ENOENT), "no such file") && !strstr(err_why(ENOENT), "not found"));
}

TEST(errors_keep_their_parts)
{
	struct err err = { 0 };

	CHECK_INT(err_errno(&err, EBUSY, "do %s", "this"), -EBUSY);
	CHECK_STR(err.text, "do this: device or resource busy");
	CHECK_INT(err_prefix(&err, "first"), -EBUSY);
	CHECK_STR(err.text, "first: do this: device or resource busy");
	err_hint(&err, "special");
	err_hint(&err, "general");
	CHECK_STR(err.hint, "special");
	CHECK_INT(err_set(&err, 0, "x"), -EINVAL);
	CHECK_STR(err.hint, "");
}
