/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/base/json_write.h"
#include "src/layer/layer.h"
#include "src/sys/bpf.h"
#include "src/sys/privs.h"
#include "tests/lib/check.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena arena;

static struct layer_part part = { .lower = "/p" };

static const char *text_of(const struct layer_change *v, size_t n)
{
	static struct str out;
	const struct layer_changes changes = { .v = (struct layer_change *)(uintptr_t)v, .n = n };

	out.len = 0;
	layer_text(&out, &changes);
	return str_text(&out);
}

#define FILE_OF(size)                                                                              \
	{                                                                                          \
		S_IFREG | 0644, size,                                                              \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}
#define DIRECTORY                                                                                  \
	{                                                                                          \
		S_IFDIR | 0755, 0,                                                                 \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}
#define NONE                                                                                       \
	{                                                                                          \
		0                                                                                  \
	}

TEST(changes_are_lines)
{
	const struct layer_change list[] = {
		{ LAYER_ADDED, &part, "new", FILE_OF(12), NONE },
		{ LAYER_ADDED, &part, "dir", DIRECTORY, NONE },
		{ LAYER_MODIFIED, &part, "file", FILE_OF(3), FILE_OF(40) },
		{ LAYER_DELETED, &part, "old", NONE, DIRECTORY },
		{ LAYER_RETYPED, &part, "x", { S_IFLNK | 0777, 0, { 0 } }, DIRECTORY },
		{ LAYER_TOUCHED, &part, "", { S_IFDIR | 0700, 0, { 0 } }, DIRECTORY },
	};

	CHECK_STR(text_of(list, 6), "A /p/new 12\nA /p/dir/\nM /p/file 40 -> 3\nD /p/old/\n"
				    "T /p/x directory -> link\nm /p 755 -> 700\n"
				    "2 added, 1 modified, 1 deleted, 1 of another type, "
				    "1 mode or time\n");
	CHECK_STR(text_of(NULL, 0), "nothing has changed\n");
}

static const char *shown(const char *name)
{
	static struct str out;

	out.len = 0;
	layer_text_name(&out, name);
	return str_text(&out);
}

/* A name cannot write to the terminal, nor look like another one. */
TEST(names_are_shown_as_they_are)
{
	CHECK_STR(shown("plain name, with: all"), "plain name, with: all");
	CHECK_STR(shown("gr\xc3\xbc\xc3\x9f"
			"e \xe4\xb8\xad\xef\xbc\x8c \xf0\x9f\x98\x80"),
		  "gr\xc3\xbc\xc3\x9f"
		  "e \xe4\xb8\xad\xef\xbc\x8c \xf0\x9f\x98\x80");
	CHECK_STR(shown("\033[2J\n\r\t\x7f"), "\\033[2J\\012\\015\\011\\177");
	CHECK_STR(shown("a\\012"), "a\\134012");
	CHECK_STR(shown("\xc2\x9b"), "\\302\\233");          /* CSI in 8 bits */
	CHECK_STR(shown("\xe2\x80\xae"), "\\342\\200\\256"); /* right to left */
	CHECK_STR(shown("\xd8\x9c"), "\\330\\234");
	CHECK_STR(shown("\xc2\xad\xf3\xa0\x81\xa1"), "\\302\\255\\363\\240\\201\\241");
	CHECK_STR(shown("\xd8\xa7\xf4\x8f\xbf\xbf"), "\xd8\xa7\xf4\x8f\xbf\xbf");
	CHECK_STR(shown("\xe2\x80\x8b"), "\\342\\200\\213"); /* no width */
	CHECK_STR(shown("\xc0\xaf"), "\\300\\257");          /* too long for "/" */
	CHECK_STR(shown("\xed\xa0\x80"), "\\355\\240\\200");
	CHECK_STR(shown("\xe4\xb8"), "\\344\\270");
}

TEST(json_takes_any_name)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(false);
	const struct layer_change change = { LAYER_ADDED, &part, "a\xff", FILE_OF(1), NONE };
	const struct layer_changes changes = { (struct layer_change *)(uintptr_t)&change, 1, 1 };
	struct err err = { 0 };

	layer_text_json(w, &changes);
	CHECK_STR(json_write_text(w, NULL, &err),
		  "{\"changes\":[{\"change\":\"added\",\"path\":\"/p/a\xef\xbf\xbd\",\"now\":{"
		  "\"type\":\"file\",\"mode\":\"0644\",\"size\":1}}]}");
}

static char top[64];

static const char *at(const char *name)
{
	return arena_strf(&arena, "%s/%s", top, name);
}

static void put(const char *name, const char *text)
{
	_cleanup_close_ int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static int reopen(int kind, struct layer *ret, struct err *err)
{
	return layer_open(&arena, at("layer"), kind, ret, err);
}

static const char *refused(void)
{
	static struct err err;
	struct layer layer;

	err = (struct err){ 0 };
	CHECK(reopen(0, &layer, &err) < 0);
	return err.text;
}

static int list_without_the_call(void)
{
	const struct sock_filter refuse[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getdents64, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const char *const *names;
	struct err err = { 0 };
	size_t n;
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (privs_set_no_new_privs(&err) < 0 || bpf_filter_install(refuse, 4, 0) < 0)
		return 77;
	return layer_list(&arena, fd, &names, &n) == -EIO ? 0 : 1;
}

/* What comes behind an error would be taken for deleted. */
TEST(a_list_is_whole)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(list_without_the_call());
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		SKIP("no filter of system calls can be loaded here");
	CHECK_INT(status, 0);
}

/* What others wrote is not taken for a layer, nor believed. */
TEST(a_layer_says_what_it_is)
{
	_cleanup_close_ int tmp = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err err = { 0 };
	struct layer layer;

	(void)snprintf(top, sizeof(top), "/tmp/usrun-test-layer.XXXXXX");
	CHECK(mkdtemp(top) != NULL);
	CHECK(mkdir(at("lower"), 0755) == 0);
	CHECK(reopen(0, &layer, &err) == -ENOENT);
	CHECK(reopen(LAYER_USER, &layer, &err) == 0);
	CHECK(layer_add(&arena, &layer, at("lower"), false, false, &err) == 0);
	CHECK(layer_add(&arena, &layer, at("home"), true, false, &err) == 1);
	CHECK(layer_add(&arena, &layer, at("lower"), false, false, &err) == 0);
	CHECK(layer_write(&layer, &err) == 0);
	CHECK(strstr(refused(), "in use") != NULL);
	layer_close(&layer);
	CHECK(reopen(LAYER_TRUSTED, &layer, &err) == -EINVAL);
	CHECK(reopen(0, &layer, &err) == 0);
	CHECK(layer.kind == LAYER_USER && layer.parts.n == 2 && layer.parts.v[1].empty.v);
	layer_close(&layer);
	put("layer/layer.json", "{\"version\":1,\"kind\":\"user\",\"parts\":["
				"{\"number\":1,\"lower\":\"../x\",\"since\":1}]}");
	CHECK(strstr(refused(), "lower") != NULL);
	put("layer/layer.json", "{\"version\":1,\"kind\":\"user\",\"parts\":["
				"{\"number\":1,\"lower\":\"/x\",\"since\":1},"
				"{\"number\":1,\"lower\":\"/y\",\"since\":1}]}");
	CHECK(strstr(refused(), "two parts are number 1") != NULL);
	put("layer/layer.json", "{\"version\":2,\"kind\":\"user\",\"parts\":[]}");
	CHECK(strstr(refused(), "version") != NULL);
	CHECK(unlink(at("layer/layer.json")) == 0);
	put("layer/mine", "");
	CHECK(strstr(refused(), "is not a layer") != NULL);
	CHECK(tmp >= 0 && layer_remove_tree(tmp, top + strlen("/tmp/")) == 0);
	arena_free(&arena);
}
