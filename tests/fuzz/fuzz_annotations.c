/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as the annotations of a configuration, "NAME=VALUE" in each line, taken the whole way to
 * the plan on saved hosts: what an engine passes on is what whoever uses it has written. What must
 * hold besides "no crash": there is a plan that can be shown, or an error that says where. */
#include "src/base/json_text.h"
#include "src/base/json_write.h"
#include "tests/fuzz/expect.h"
#include "tests/lib/decide.h"

enum { HOSTS = 3 };

static struct facts hosts[HOSTS];

static void read_hosts(void)
{
	static const char *const names[HOSTS] = { "root-v2", "root-v1", "user" };
	static struct arena arena;

	for (size_t i = 0; i < HOSTS; i++) {
		decide_read_facts(&arena, arena_strf(&arena, FACTS_DIR "/%s.json", names[i]),
				  &hosts[i]);
		hosts[i].parts |= FACTS_SYSTEMD;
		hosts[i].systemd =
			(struct facts_systemd){ .system = true, .user_dir = "/run/user/1000" };
	}
}

static void write_namespaces(struct json_write *w)
{
	static const char *const types[] = { "pid", "mount", "ipc", "uts", "cgroup" };

	json_write_array(w, "namespaces");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		json_write_object(w, NULL);
		json_write_string(w, "type", types[i]);
		json_write_end(w);
	}
	json_write_end(w);
}

/* A unit of systemd is asked for by the words of the path. */
static void write_rest(struct json_write *w)
{
	static const char *const args[] = { "/bin/true" };

	json_write_string(w, "ociVersion", "1.0.2");
	json_write_object(w, "root");
	json_write_string(w, "path", "rootfs");
	json_write_end(w);
	json_write_object(w, "process");
	json_write_string(w, "cwd", "/");
	json_write_object(w, "user");
	json_write_uint(w, "uid", 0);
	json_write_uint(w, "gid", 0);
	json_write_end(w);
	json_write_strings(w, "args", args, 1);
	json_write_end(w);
	json_write_object(w, "linux");
	json_write_string(w, "cgroupsPath", "some.slice:usrun:id");
	write_namespaces(w);
	json_write_end(w);
}

/* Bytes that are no text are the decoder's, whose target this is not. */
static void write_annotations(struct json_write *w, char *text)
{
	char *save = NULL, *line, *value;

	json_write_object(w, "annotations");
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		value = strchr(line, '=');
		if (value && value > line) {
			*value++ = '\0';
			json_write_string(w, line, value);
		}
	}
	json_write_end(w);
}

static void try_host(struct arena *arena, const struct facts *host, const char *text, size_t len)
{
	_cleanup_str_ struct str shown = { 0 };
	const struct plan *plan, *exec;
	struct err err = { 0 };
	int r = decide_create(arena, host, text, len, &plan, &err);

	expect_error(r, &err);
	expect(r == 0 || *err.path || str_starts(err.text, "config.json:"));
	if (r < 0)
		return;
	plan_print(&shown, plan);
	expect(shown.len && json_text_find_bad_utf8(shown.s, shown.len) == shown.len);
	r = decide_exec(arena, plan, &exec, &err);
	expect_error(r, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(false);
	struct arena arena = { 0 };
	struct err err;
	const char *text;
	size_t len;

	if (!hosts[0].parts)
		read_hosts();
	json_write_object(w, NULL);
	write_rest(w);
	write_annotations(w, arena_strndup(&arena, (const char *)data, size));
	json_write_end(w);
	text = json_write_text(w, &len, &err);
	for (size_t i = 0; text && i < HOSTS; i++)
		try_host(&arena, &hosts[i], text, len);
	arena_free(&arena);
	return 0;
}
