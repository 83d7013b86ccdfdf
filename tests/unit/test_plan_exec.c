/* SPDX-License-Identifier: Apache-2.0 */
/* The process of `exec`, out of the container's own and the command line. */
#include "src/oci/decode.h"
#include "src/plan/plan.h"
#include "tests/lib/check.h"

#include <string.h>

static struct arena arena;
static struct err err;

static const struct oci_process *decode(const char *json)
{
	const struct oci_process *process = NULL;

	CHECK_INT(decode_process(&arena, "own", json, strlen(json), &process, &err), 0);
	return process;
}

static const char own_text[] =
	"{\"args\":[\"sh\"],\"cwd\":\"/srv\",\"env\":[\"A=1\"],\"terminal\":true,"
	"\"consoleSize\":{\"height\":5,\"width\":7},\"user\":{\"uid\":5,\"gid\":6,\"umask\":63,"
	"\"additionalGids\":[7]},\"oomScoreAdj\":3,\"capabilities\":{\"bounding\":[\"CAP_KILL\"],"
	"\"permitted\":[\"CAP_KILL\"],\"effective\":[\"CAP_KILL\"]}}";

static const char *const words[] = { "true", "x" };

static struct plan_exec_process asked_for(void)
{
	return (struct plan_exec_process){ .args = { words, 2 } };
}

static const struct oci_process *make(const struct plan_exec_process *asked)
{
	const struct oci_process *process;

	err = (struct err){ 0 };
	return plan_exec_process(&arena, asked, decode(own_text), &process, &err) < 0 ? NULL
										      : process;
}

TEST(what_is_not_asked_for_is_the_containers)
{
	struct plan_exec_process asked = asked_for();
	const struct oci_process *p = make(&asked);

	CHECK(p && p->args.n == 2 && strcmp(p->args.v[1], "x") == 0);
	CHECK_STR(p ? p->cwd : "", "/srv");
	CHECK(p && p->env.n == 1 && p->user->uid.v == 5 && p->user->gid.v == 6);
	CHECK(p && p->user->additional_gids.n == 1 && p->user->umask.v == 63);
	CHECK(p && p->oom_score_adj.v == 3);
	CHECK(p && !p->terminal.v && !p->console_size);
}

TEST(options_change_it)
{
	static const char *const env[] = { "A=2" }, *const groups[] = { "8", "9" };
	struct plan_exec_process asked = asked_for();
	const struct oci_process *p;

	asked.cwd = "/tmp";
	asked.user = "1000:1001";
	asked.tty = asked.no_new_privs = true;
	asked.env = (struct plan_texts){ env, 1 };
	asked.groups = (struct plan_texts){ groups, 2 };
	p = make(&asked);
	CHECK_STR(p ? p->cwd : "", "/tmp");
	CHECK(p && p->user->uid.v == 1000 && p->user->gid.v == 1001 && p->user->umask.v == 63);
	CHECK(p && p->user->additional_gids.n == 2 && p->user->additional_gids.v[1] == 9);
	CHECK(p && p->terminal.v && p->no_new_privileges.v);
	CHECK(p && p->env.n == 2 && strcmp(p->env.v[1], "A=2") == 0);
	asked = asked_for();
	asked.user = "1000";
	p = make(&asked);
	CHECK(p && p->user->uid.v == 1000 && p->user->gid.v == 6);
}

static const char *pwd_in(const char *own, const char *dir)
{
	struct plan_exec_process asked = asked_for();
	const struct oci_process *p = NULL;
	const char *last = "none";

	asked.cwd = dir;
	CHECK_INT(plan_exec_process(&arena, &asked, decode(own), &p, &err), 0);
	for (size_t i = 0; p && i < p->env.n; i++)
		if (strncmp(p->env.v[i], "PWD=", 4) == 0)
			last = p->env.v[i];
	return last;
}

TEST(pwd_follows_the_directory_that_it_names)
{
	const char *own = "{\"args\":[\"sh\"],\"cwd\":\"/srv\",\"env\":[\"PWD=/srv\"]}";

	CHECK_STR(pwd_in(own, NULL), "PWD=/srv");
	CHECK_STR(pwd_in(own, "/tmp"), "PWD=/tmp");
	CHECK_STR(pwd_in("{\"args\":[\"sh\"],\"cwd\":\"/srv\",\"env\":[\"PWD=/x\"]}", "/tmp"),
		  "PWD=/x");
	CHECK_STR(pwd_in("{\"args\":[\"sh\"],\"cwd\":\"/srv\",\"env\":[\"A=1\"]}", "/tmp"), "none");
}

TEST(a_capability_is_added_but_never_inheritable)
{
	static const char *const caps[] = { "CAP_CHOWN" };
	struct plan_exec_process asked = asked_for();
	const struct oci_capabilities *c;

	asked.caps = (struct plan_texts){ caps, 1 };
	c = make(&asked)->capabilities;
	CHECK_INT(c->bounding.n, 2);
	CHECK_INT(c->permitted.n, 2);
	CHECK_INT(c->effective.n, 2);
	CHECK_STR(c->effective.v[1], "CAP_CHOWN");
	CHECK_INT(c->inheritable.n, 0);
	CHECK_INT(c->ambient.n, 0);
}

TEST(an_added_capability_is_ambient_where_some_are_inheritable)
{
	static const char *const caps[] = { "CAP_CHOWN" };
	struct plan_exec_process asked = asked_for();
	const struct oci_process *own =
		decode("{\"args\":[\"sh\"],\"cwd\":\"/\",\"capabilities\":"
		       "{\"inheritable\":[\"CAP_KILL\"],\"ambient\":[\"CAP_KILL\"]}}");
	const struct oci_process *p;

	asked.caps = (struct plan_texts){ caps, 1 };
	CHECK_INT(plan_exec_process(&arena, &asked, own, &p, &err), 0);
	CHECK_INT(p->capabilities->ambient.n, 2);
	CHECK_INT(p->capabilities->inheritable.n, 1);
	CHECK_STR(p->capabilities->ambient.v[1], "CAP_CHOWN");
}

TEST(a_process_file_keeps_its_own_and_inherits_the_rest)
{
	struct plan_exec_process asked = {
		.file = decode("{\"args\":[\"id\"],\"cwd\":\"/\",\"env\":[\"B=1\"]}")
	};
	const struct oci_process *p = make(&asked);

	CHECK(p && p->args.n == 1 && p->env.n == 1 && strcmp(p->env.v[0], "B=1") == 0);
	CHECK(p && p->oom_score_adj.v == 3 && p->capabilities);
	/* The ids are those of the file, root's when it names none; the umask is the
	 * container's. */
	CHECK(p && p->user->uid.v == 0 && p->user->umask.v == 63);
}

TEST(a_wrong_option_is_named)
{
	static const char *const bad_env[] = { "=x" }, *const bad_group[] = { "tty" };
	struct plan_exec_process asked = asked_for();

	asked.user = "1000:tty";
	CHECK(!make(&asked));
	CHECK(strstr(err.text, "--user: ") == err.text);
	asked = asked_for();
	asked.env = (struct plan_texts){ bad_env, 1 };
	CHECK(!make(&asked));
	CHECK(strstr(err.text, "--env: ") == err.text);
	asked = asked_for();
	asked.groups = (struct plan_texts){ bad_group, 1 };
	CHECK(!make(&asked));
	CHECK(strstr(err.text, "--additional-gids: ") == err.text);
	asked = (struct plan_exec_process){ 0 };
	CHECK(!make(&asked));
	CHECK_STR(err.text, "exec failed: exec args cannot be empty");
}
