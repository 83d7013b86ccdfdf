/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/json_text.h"
#include "src/base/str.h"
#include "tests/lib/check.h"

#include <stdio.h>
#include <string.h>

static struct err err;

static void check_text(const char *text, size_t size)
{
	size_t len = strlen(text);

	CHECK(len < size);
	CHECK_INT(json_text_find_bad_utf8(text, len), len);
}

TEST(one_line_that_a_terminal_can_be_given)
{
	CHECK_INT(err_set(&err, EINVAL, "got \"%s\"", "a\nb\033[2J\177"), -EINVAL);
	CHECK_STR(err.text, "got \"a?b?[2J?\"");
	err_hint(&err, "rename %s", "a\nb");
	CHECK_STR(err.hint, "rename a?b");
	(void)err_prefix(&err, "in %s", "\r");
	CHECK_STR(err.text, "in ?: got \"a?b?[2J?\"");
	(void)err_set(&err, EINVAL, "\xc2\x9b[2J\xc2\x80\xc2\x9f\u00a0\u00db\xc2");
	CHECK_STR(err.text, "??[2J????\u00a0\u00db\xc2");
}

/* Of two bytes each, at every offset to the end of the text. */
TEST(long_texts_end_behind_a_character)
{
	char many[3001] = "";

	for (size_t i = 0; i < 1500; i++)
		strcat(many, "\u00e4");
	for (int shift = 0; shift < 4; shift++) {
		(void)err_set(&err, EINVAL, "%.*s%s", shift, "abc", many);
		check_text(err.text, sizeof(err.text));
		CHECK(str_ends(err.text, "\u00e4..."));
		(void)err_prefix(&err, "config.json");
		check_text(err.text, sizeof(err.text));
		CHECK(str_starts(err.text, "config.json: ") && str_ends(err.text, "\u00e4..."));
		err_hint(&err, "%.*s%s", shift, "abc", many);
		check_text(err.hint, sizeof(err.hint));
		(void)err_set(&err, EINVAL, "what");
		(void)err_prefix(&err, "%.*s%s", shift, "abc", many);
		check_text(err.text, sizeof(err.text));
		CHECK(str_ends(err.text, "...: what"));
	}
}

TEST(the_reason_stays)
{
	(void)err_errno(&err, EBUSY, "mount %01500d", 0);
	check_text(err.text, sizeof(err.text));
	CHECK(str_ends(err.text, "000...: device or resource busy"));
}

TEST(what_fits_is_whole)
{
	char text[sizeof(err.text) + 1];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)err_set(&err, EINVAL, "%s", text + 1);
	CHECK_STR(err.text, text + 1);
	(void)err_set(&err, EINVAL, "%s", text);
	CHECK(str_ends(err.text, "aaa..."));
}

TEST(a_value_is_named_by_its_document_or_its_option)
{
	CHECK_INT(err_set(&err, EINVAL, ERR_AT "mounts[%d].source: needs %s", 3, "one"), -EINVAL);
	CHECK_STR(err.path, "mounts[3].source");
	CHECK_STR(err.text, "needs one");
	(void)err_prefix(&err, ERR_AT "mounts: the list");
	CHECK_STR(err.path, "mounts[3].source"); /* the more special one stays */
	CHECK_INT(err_document(&err, "p.json"), -EINVAL);
	CHECK_STR(err.text, "p.json: mounts[3].source: the list: needs one");
	(void)err_document(&err, "config.json");
	CHECK_STR(err.text, "p.json: mounts[3].source: the list: needs one");

	(void)err_errno(&err, EBUSY, ERR_AT "annotations[\"%s\"]", "a: b");
	CHECK_STR(err.path, "annotations[\"a: b\"]");
	CHECK_STR(err.text, "device or resource busy");
	(void)err_option(&err, "--cwd");
	CHECK_STR(err.text, "--cwd: device or resource busy");

	(void)err_set(&err, ENOENT, "no value at all");
	CHECK_STR(err.path, "");
	(void)err_document(&err, "config.json");
	(void)err_option(&err, "--cwd");
	CHECK_STR(err.text, "no value at all");
	(void)err_prefix(&err, ERR_AT "linux.sysctl");
	CHECK_INT(err_document(&err, "config.json"), -ENOENT);
	CHECK_STR(err.text, "config.json: linux.sysctl: no value at all");
	CHECK_INT(err_hint(&err, "do this"), -ENOENT);
	CHECK_INT(err_hint(&err, "do that"), -ENOENT);
	CHECK_STR(err.hint, "do this");
}

TEST(a_limit_of_the_caller_is_named)
{
	CHECK_INT(err_errno(&err, EMFILE, "open it"), -EMFILE);
	CHECK_STR(err.text, "open it: too many open files");
	CHECK(str_starts(err.hint, "usrun may have too few files open: raise `ulimit -n`"));
	CHECK_INT(err_errno(&err, EACCES, "open it"), -EACCES);
	CHECK_STR(err.hint, "");
}

TEST(a_missing_call_is_named)
{
	CHECK_INT(err_errno(&err, ENOSYS, "mount it"), -ENOSYS);
	CHECK_STR(err.text, "mount it: function not implemented");
	err_name_missing("fsopen", "5.2", "6.1.0");
	CHECK_INT(err_errno(&err, ENOSYS, "mount it"), -ENOSYS);
	CHECK_STR(err.text,
		  "mount it: fsopen: function not implemented: a filter around usrun (such as "
		  "Docker's default seccomp profile) or a kernel before 5.2 refuses it; this is "
		  "6.1.0");
	CHECK_INT(err_errno(&err, EPERM, "mount it"), -EPERM);
	CHECK_STR(err.text, "mount it: operation not permitted");
}
