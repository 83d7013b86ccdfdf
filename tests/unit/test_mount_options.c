/* SPDX-License-Identifier: Apache-2.0 */
#include "src/oci/mount_options.h"
#include "tests/lib/check.h"

#include <linux/mount.h>
#include <string.h>

/* The table of config.md, and rnodev of features.md. */
static const char *const spec_words[] = {
	"async",          "atime",      "bind",         "defaults",    "dev",
	"diratime",       "dirsync",    "exec",         "iversion",    "lazytime",
	"loud",           "mand",       "noatime",      "nodev",       "nodiratime",
	"noexec",         "noiversion", "nolazytime",   "nomand",      "norelatime",
	"nostrictatime",  "nosuid",     "nosymfollow",  "private",     "ratime",
	"rbind",          "rdev",       "rdiratime",    "relatime",    "remount",
	"rexec",          "rnoatime",   "rnodiratime",  "rnoexec",     "rnorelatime",
	"rnostrictatime", "rnosuid",    "rnosymfollow", "ro",          "rprivate",
	"rrelatime",      "rro",        "rrw",          "rshared",     "rslave",
	"rstrictatime",   "rsuid",      "rsymfollow",   "runbindable", "rw",
	"shared",         "silent",     "slave",        "strictatime", "suid",
	"symfollow",      "sync",       "tmpcopyup",    "unbindable",  "idmap",
	"ridmap",         "rnodev",
};

TEST(words_of_the_specification)
{
	size_t n = sizeof(spec_words) / sizeof(spec_words[0]);

	for (size_t i = 0; i < n; i++) {
		const struct mount_option *option = mount_options_find(spec_words[i]);

		CHECK(option != NULL);
		CHECK_STR(option ? option->name : NULL, spec_words[i]);
	}
}

TEST(no_word_is_there_twice)
{
	for (const struct mount_option *option = mount_options; option->name; option++)
		CHECK(mount_options_find(option->name) == option);
}

TEST(words_of_crun)
{
	static const char *const words[] = { "copy-symlink", "src-nofollow", "dest-nofollow",
					     "rsync",        "rasync",       "rdirsync",
					     "rmand",        "rnomand" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		CHECK(mount_options_find(words[i]) != NULL);
}

TEST(data_of_file_systems)
{
	CHECK(!mount_options_find("size=64k"));
	CHECK(!mount_options_find("mode=755"));
	CHECK(!mount_options_find("acl"));
	CHECK(!mount_options_find("noacl"));
	CHECK(!mount_options_find(""));
	CHECK(!mount_options_find("ro=1"));
	CHECK(!mount_options_find("r"));
	CHECK(!mount_options_find("rox"));
	CHECK(mount_options_find("idmap=uids=0-1-10")->value == MOUNT_EXT_IDMAP);
	CHECK(mount_options_find("ridmap=uids=0-1-10")->value == MOUNT_EXT_RIDMAP);
}

/* What mount_setattr() refuses: bits of the access-time field set without the whole field cleared, and
 * the field cleared in part. */
TEST(access_times)
{
	for (const struct mount_option *option = mount_options; option->name; option++) {
		uint64_t clear = option->clear & MOUNT_ATTR__ATIME;

		CHECK(clear == 0 || clear == MOUNT_ATTR__ATIME);
		CHECK(!(option->set & MOUNT_ATTR__ATIME) || clear == MOUNT_ATTR__ATIME);
	}
	CHECK(mount_options_find("noatime")->set == MOUNT_ATTR_NOATIME);
	CHECK(mount_options_find("rstrictatime")->set == MOUNT_ATTR_STRICTATIME);
	CHECK(mount_options_find("relatime")->clear == MOUNT_ATTR__ATIME);
	CHECK(mount_options_find("nodiratime")->set == MOUNT_ATTR_NODIRATIME);
	CHECK(mount_options_find("norelatime")->clear == 0);
}

TEST(opposites)
{
	static const char *const pairs[][2] = {
		{ "ro", "rw" },
		{ "nosuid", "suid" },
		{ "nodev", "dev" },
		{ "noexec", "exec" },
		{ "nosymfollow", "symfollow" },
		{ "nodiratime", "diratime" },
		{ "rro", "rrw" },
		{ "rnosuid", "rsuid" },
		{ "rnodev", "rdev" },
		{ "rnoexec", "rexec" },
		{ "rnosymfollow", "rsymfollow" },
		{ "rnodiratime", "rdiratime" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct mount_option *on = mount_options_find(pairs[i][0]);
		const struct mount_option *off = mount_options_find(pairs[i][1]);

		CHECK(on->set && on->set == off->clear && on->kind == off->kind);
		CHECK(!on->clear && !off->set);
		CHECK_INT(on->kind, pairs[i][1][0] == 'r' && strcmp(pairs[i][1], "rw") != 0
					    ? MOUNT_OPTION_ATTR_RECURSIVE
					    : MOUNT_OPTION_ATTR);
	}
}

TEST(others)
{
	CHECK_INT(mount_options_find("rbind")->value, MS_REC);
	CHECK_INT(mount_options_find("bind")->value, 0);
	CHECK_INT(mount_options_find("rslave")->value, MS_SLAVE | MS_REC);
	CHECK_INT(mount_options_find("shared")->value, MS_SHARED);
	CHECK_STR(mount_options_find("async")->value_name, "sync");
	CHECK(mount_options_find("async")->value_off && !mount_options_find("sync")->value_off);
	CHECK_INT(mount_options_find("remount")->kind, MOUNT_OPTION_REMOUNT);
	CHECK_INT(mount_options_find("silent")->kind, MOUNT_OPTION_IGNORED);
}
