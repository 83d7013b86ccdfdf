/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/json_write.h"
#include "src/base/str.h"
#include "src/do/do_places.h"
#include "src/oci/annotations.h"
#include "src/oci/names.h"
#include "src/oci/state_doc.h"

enum { N_OF_ROOT = 5 };

static const char *const of_root[N_OF_ROOT] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root",
	"USER=root",
	"LOGNAME=root",
	"SHELL=/bin/sh",
};

static size_t count(const char *const *words)
{
	size_t n = 0;

	while (words[n])
		n++;
	return n;
}

static void write_capabilities(struct json_write *w, const struct do_texts *caps)
{
	static const char sets[][12] = { "bounding", "effective", "inheritable", "permitted",
					 "ambient" };

	json_write_object(w, "capabilities");
	for (size_t i = 0; caps->n && i < sizeof(sets) / sizeof(sets[0]); i++)
		json_write_strings(w, sets[i], caps->v, caps->n);
	json_write_end(w);
}

static void write_process(struct json_write *w, const struct do_request *q,
			  const struct do_places *places)
{
	json_write_object(w, "process");
	json_write_bool(w, "terminal", q->terminal);
	json_write_object(w, "user");
	json_write_uint(w, "uid", do_is_root(q) ? 0 : q->machine->uid);
	json_write_uint(w, "gid", do_is_root(q) ? 0 : q->machine->gid);
	json_write_uint(w, "umask", q->machine->umask);
	json_write_end(w);
	json_write_strings(w, "args", q->args.v, q->args.n);
	json_write_strings(w, "env", q->env.v, q->env.n);
	json_write_string(w, "cwd", places->cwd);
	write_capabilities(w, &q->caps);
	json_write_array(w, "rlimits");
	for (size_t i = 0; i < q->n_rlimits; i++) {
		json_write_object(w, NULL);
		json_write_string(w, "type", q->rlimits[i].type);
		json_write_uint(w, "soft", q->rlimits[i].soft);
		json_write_uint(w, "hard", q->rlimits[i].hard);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_bool(w, "noNewPrivileges", true);
	json_write_end(w);
}

static void write_mounts(struct json_write *w, const struct do_places *places)
{
	json_write_array(w, "mounts");
	for (size_t i = 0; i < places->n; i++) {
		const struct do_place *place = &places->v[i];

		if (!place->type) /* the root file system */
			continue;
		json_write_object(w, NULL);
		json_write_string(w, "destination", place->target);
		json_write_string(w, "type", place->type);
		json_write_string(w, "source", place->source);
		json_write_strings(w, "options", place->words, count(place->words));
		json_write_end(w);
	}
	json_write_end(w);
}

/* Maps one id, the caller's own: files look as they do outside, and files created inside belong to
 * nobody else. */
static void write_id(struct json_write *w, const char *key, uint32_t id)
{
	json_write_array(w, key);
	json_write_object(w, NULL);
	json_write_uint(w, "containerID", id);
	json_write_uint(w, "hostID", id);
	json_write_uint(w, "size", 1);
	json_write_end(w);
	json_write_end(w);
}

static void write_limit(struct json_write *w, const char *section, const char *key, int64_t value)
{
	if (value <= 0)
		return;
	json_write_object(w, section);
	json_write_int(w, key, value);
	if (value && section[0] == 'c')
		json_write_int(w, "period", DO_CPU_PERIOD);
	json_write_end(w);
}

/* Root may use root's files in /proc without any capability. Other users only see names of keys
 * there; and a /proc with covers would keep sandboxes inside from mounting their own. */
static void write_kernel_paths(struct json_write *w, const struct do_request *q)
{
	static const char *const keys[] = { "/proc/keys" };

	if (q->machine->uid == 0 || do_is_root(q)) {
		json_write_strings(w, "maskedPaths", names_masked_paths, count(names_masked_paths));
		json_write_strings(w, "readonlyPaths", names_readonly_paths,
				   count(names_readonly_paths));
	} else if (!q->nested) {
		json_write_strings(w, "maskedPaths", keys, 1);
	}
}

static void write_linux(struct json_write *w, const struct do_request *q)
{
	static const char kinds[][8] = {
		"user", "mount", "pid", "ipc", "uts", "cgroup", "network"
	};
	const size_t n = sizeof(kinds) / sizeof(kinds[0]) - (q->net.kind == NET_HOST);

	json_write_object(w, "linux");
	json_write_array(w, "namespaces");
	for (size_t i = 0; i < n; i++) {
		json_write_object(w, NULL);
		json_write_string(w, "type", kinds[i]);
		if (q->net.kind == NET_PATH && str_equal(kinds[i], "network"))
			json_write_string(w, "path", q->net.text);
		json_write_end(w);
	}
	json_write_end(w);
	if (!do_is_root(q)) {
		write_id(w, "uidMappings", q->machine->uid);
		write_id(w, "gidMappings", q->machine->gid);
	}
	if (q->memory > 0 || q->cpu_quota > 0 || q->pids > 0) {
		json_write_object(w, "resources");
		write_limit(w, "memory", "limit", q->memory);
		write_limit(w, "cpu", "quota", q->cpu_quota);
		write_limit(w, "pids", "limit", q->pids);
		json_write_end(w);
	}
	do_seccomp_write(w, q);
	write_kernel_paths(w, q);
	json_write_end(w);
}

static void write_document(struct json_write *w, const struct do_request *q,
			   const struct do_places *places)
{
	json_write_object(w, NULL);
	json_write_string(w, "ociVersion", STATE_DOC_OCI_VERSION);
	json_write_object(w, "root");
	json_write_string(w, "path", q->rootfs ? q->rootfs : DO_ANY_DIRECTORY);
	json_write_bool(w, "readonly", !do_is_root(q));
	json_write_end(w);
	json_write_string(w, "hostname", q->hostname ? q->hostname : "usrun");
	json_write_object(w, "annotations");
	/* Groups grant access as they do outside, though they are not mapped inside. */
	if (!do_is_root(q) || q->keep_groups)
		json_write_string(w, ANNOTATIONS_KEEP_GROUPS, "1");
	if (q->rootfs && q->overlay)
		json_write_string(w, ANNOTATIONS_OVERLAY, "true");
	if (q->reaper)
		json_write_string(w, ANNOTATIONS_INIT, "1");
	if (q->layer)
		json_write_string(w, ANNOTATIONS_LAYER, q->layer);
	if (net_has_device(q->net.kind))
		json_write_string(w, ANNOTATIONS_NET, net_kind_name(q->net.kind));
	json_write_end(w);
	write_process(w, q, places);
	write_mounts(w, places);
	write_linux(w, q);
	json_write_end(w);
}

int do_config(struct arena *arena, const struct do_request *request, struct json_write *w,
	      struct do_result *ret, struct err *err)
{
	struct do_request q = *request;
	const char *own[4], *dir;
	struct do_places places;
	int r;

	*ret = (struct do_result){ 0 };
	r = do_places_build(arena, request, &places, ret, err);
	if (r < 0)
		return r;
	do_network_check(arena, request, &places, ret);
	/* Options come later in the list, so they win. */
	dir = arena_strf(arena, "PWD=%s", places.cwd);
	own[0] = arena_strf(arena, "HOME=%s", places.home);
	own[1] = arena_strf(arena, "SHELL=%s", request->machine->shell);
	own[2] = arena_strf(arena, "XDG_RUNTIME_DIR=/run/user/%u", request->machine->uid);
	own[3] = dir;
	q.env.v = do_is_root(request) ? str_list(arena, of_root, N_OF_ROOT, &dir, 1)
				      : str_list(arena, own, 4, NULL, 0);
	q.env.n = do_is_root(request) ? N_OF_ROOT + 1 : 4;
	q.env.v = str_list(arena, q.env.v, q.env.n, request->env.v, request->env.n);
	q.env.n += request->env.n;
	write_document(w, &q, &places);
	ret->text = json_write_text(w, &ret->len, err);
	if (ret->text)
		return 0;
	return err_hint(err, "a sandbox is described in JSON, whose texts are UTF-8: rename what "
			     "is named so, run from another directory, or remove a variable with "
			     "env -u NAME");
}
