/* SPDX-License-Identifier: Apache-2.0 */
#include "src/oci/check.h"

#include "src/base/json_text.h"
#include "src/base/str.h"
#include "src/oci/annotations.h"
#include "src/oci/check_parts.h"
#include "src/oci/names.h"

#include <ctype.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>

enum { MAX_HOST_NAME = 64 }; /* the kernel's __NEW_UTS_LEN */

/* A SemVer number: no leading zeros. */
static const char *version_number(const char *p)
{
	if (!isdigit((unsigned char)*p) || (*p == '0' && isdigit((unsigned char)p[1])))
		return NULL;
	while (isdigit((unsigned char)*p))
		p++;
	return p;
}

/* The part after "-" or "+": identifiers of letters, digits and "-", separated by dots. After "-",
 * one of digits alone has no leading zero. */
static const char *version_words(const char *p, bool strict)
{
	do {
		const char *word = p;
		bool digits = true;

		for (; isalnum((unsigned char)*p) || *p == '-'; p++)
			digits = digits && isdigit((unsigned char)*p);
		if (p == word || (strict && digits && *word == '0' && p - word > 1))
			return NULL;
	} while (*p++ == '.');
	return p - 1;
}

/* The third number may be missing, as it is in clients' fixtures. */
static bool is_version(const char *version)
{
	const char *p = version_number(version);

	p = p && *p == '.' ? version_number(p + 1) : NULL;
	if (p && *p == '.')
		p = version_number(p + 1);
	if (p && *p == '-')
		p = version_words(p + 1, true);
	if (p && *p == '+')
		p = version_words(p + 1, false);
	return p && *p == '\0';
}

static int check_version(struct check *check, const char *version)
{
	char shown[JSON_TEXT_QUOTE];

	check_at(check, "ociVersion");
	if (!version)
		return check_fail(check, "required but missing");
	if (!is_version(version))
		return check_fail(check, "expected a version such as 1.3.0, got %s",
				  json_text_quote(shown, version));
	if (!str_starts(version, "1.") && !str_starts(version, "0.")) {
		return check_fail(check,
				  "unsupported version of the specification, expected "
				  "0.x or 1.x, got %s",
				  json_text_quote(shown, version));
	}
	return 0;
}

static int check_host_name(struct check *check, const struct oci_config *config, const char *member,
			   const char *name)
{
	/* Go programs write "" for "not set" */
	if (!name || !*name)
		return 0;
	check_at(check, "%s", member);
	if (strlen(name) > MAX_HOST_NAME)
		return check_fail(check, "expected at most %d bytes, got %zu", MAX_HOST_NAME,
				  strlen(name));
	if (config->linux_ && check_namespaces_listed(config->linux_) & CLONE_NEWUTS)
		return 0;
	(void)check_fail(check,
			 "needs a UTS namespace of its own, or the host's name would change");
	return err_hint(check->err, "add { \"type\": \"uts\" } to linux.namespaces, or remove %s",
			member);
}

static int check_mounts(struct check *check, const struct oci_config *config)
{
	char where[48];
	int r = 0;

	for (size_t i = 0; i < config->mounts.n && r == 0; i++) {
		const struct oci_mount *m = &config->mounts.v[i];

		(void)snprintf(where, sizeof(where), "mounts[%zu].", i);
		r = check_mappings(check, where, &m->uid_mappings, &m->gid_mappings);
	}
	return r;
}

static int check_hook_list(struct check *check, const char *point, const oci_hook_list *hooks)
{
	char shown[JSON_TEXT_QUOTE];

	for (size_t i = 0; i < hooks->n; i++) {
		const struct oci_hook *hook = &hooks->v[i];

		for (size_t j = 0; j < hook->env.n; j++) {
			if (strchr(hook->env.v[j], '=') && hook->env.v[j][0] != '=')
				continue;
			check_at(check, "hooks.%s[%zu].env[%zu]", point, i, j);
			return check_fail(check, "expected NAME=value, got %s",
					  json_text_quote(shown, hook->env.v[j]));
		}
	}
	return 0;
}

static int check_hooks(struct check *check, const struct oci_hooks *hooks)
{
	const struct {
		const char *name;
		const oci_hook_list *list;
	} points[] = {
		{ "prestart", &hooks->prestart },
		{ "createRuntime", &hooks->create_runtime },
		{ "createContainer", &hooks->create_container },
		{ "startContainer", &hooks->start_container },
		{ "poststart", &hooks->poststart },
		{ "poststop", &hooks->poststop },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]) && r == 0; i++)
		r = check_hook_list(check, points[i].name, points[i].list);
	return r;
}

static int check_words(struct check *check, const struct oci_process *process)
{
	char shown[JSON_TEXT_QUOTE];

	if (process->args.n == 0) {
		check_at(check, "args");
		return check_fail(check, "expected at least the program to run");
	}
	if (!*process->args.v[0]) {
		check_at(check, "args[0]");
		return check_fail(check, "empty program name: executable file not found in $PATH");
	}
	for (size_t i = 0; i < process->env.n; i++) {
		const char *entry = process->env.v[i];

		if (*entry != '=' && strchr(entry, '='))
			continue;
		check_at(check, "env[%zu]", i);
		return check_fail(check, "expected NAME=value, got %s",
				  json_text_quote(shown, entry));
	}
	return 0;
}

static int check_cwd(struct check *check, const char *cwd)
{
	char shown[JSON_TEXT_QUOTE];

	check_at(check, "cwd");
	if (!cwd)
		return check_fail(check, "required but missing");
	if (*cwd != '/')
		return check_fail(check, "expected an absolute path, got %s",
				  json_text_quote(shown, cwd));
	return 0;
}

static int check_user(struct check *check, const struct oci_user *user)
{
	int r;

	check_at(check, "user.uid");
	r = check_id(check, user->uid.v);
	if (r < 0)
		return r;
	check_at(check, "user.gid");
	r = check_id(check, user->gid.v);
	for (size_t i = 0; r == 0 && i < user->additional_gids.n; i++) {
		check_at(check, "user.additionalGids[%zu]", i);
		r = check_id(check, (uint64_t)user->additional_gids.v[i]);
	}
	return r;
}

static int check_rlimits(struct check *check, const struct oci_process *process)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < process->rlimits.n; i++) {
		const struct oci_rlimit *limit = &process->rlimits.v[i];
		const char *name = json_read_enum_name(names_rlimits, limit->type);

		if (seen & UINT64_C(1) << limit->type) {
			check_at(check, "rlimits[%zu].type", i);
			return check_fail(check, "%s is listed twice", name);
		}
		seen |= UINT64_C(1) << limit->type;
		if (limit->soft.v > limit->hard.v) {
			check_at(check, "rlimits[%zu].soft", i);
			return check_fail(check,
					  "the soft limit of %s, %" PRIu64
					  ", is above the hard limit, %" PRIu64,
					  name, limit->soft.v, limit->hard.v);
		}
	}
	return 0;
}

/* The kernel's rules (sched_setattr(2)), for which it only says EINVAL. */
static int check_scheduler(struct check *check, const struct oci_scheduler *s)
{
	const char *policy = json_read_enum_name(names_sched_policies, s->policy);
	bool realtime = s->policy == SCHED_FIFO || s->policy == SCHED_RR;

	check_at(check, "scheduler.priority");
	if (realtime && s->priority.v == 0)
		return check_fail(check, "%s needs a priority from 1 to 99", policy);
	if (!realtime && s->priority.v != 0)
		return check_fail(check, "expected 0 with %s, got %" PRId64, policy, s->priority.v);
	if (s->policy != SCHED_DEADLINE)
		return 0;
	check_at(check, "scheduler.deadline");
	if (s->runtime.v == 0 || s->runtime.v > s->deadline.v) {
		return check_fail(check,
				  "SCHED_DEADLINE needs a runtime above 0 and a deadline at least "
				  "as long, got %" PRIu64 " and %" PRIu64,
				  s->runtime.v, s->deadline.v);
	}
	check_at(check, "scheduler.period");
	if (s->period.v && s->period.v < s->deadline.v) {
		return check_fail(check,
				  "expected at least the deadline, %" PRIu64 ", got %" PRIu64,
				  s->deadline.v, s->period.v);
	}
	return 0;
}

static int check_affinity(struct check *check, const struct oci_cpu_affinity *affinity)
{
	int r = 0;

	if (affinity->initial) {
		check_at(check, "execCPUAffinity.initial");
		r = check_list(check, affinity->initial);
	}
	if (r == 0 && affinity->final) {
		check_at(check, "execCPUAffinity.final");
		r = check_list(check, affinity->final);
	}
	return r;
}

/* Reports the reader's error: with file and position, or with the path alone. */
static int fail_console_size(const struct check *check, const char *words)
{
	const char *rule = check->file ? NULL : strstr(words, ": ");

	return rule ? err_set(check->err, EINVAL, ERR_AT "%.*s: %s", (int)(rule - words), words,
			      rule + 2)
		    : err_set(check->err, EINVAL, "%s", words);
}

static int check_process_part(struct check *check, const struct oci_process *process)
{
	int r;

	if (process->terminal.v && process->console_size_error)
		return fail_console_size(check, process->console_size_error);
	r = check_cwd(check, process->cwd);
	if (r == 0)
		r = check_words(check, process);
	if (r == 0 && process->user)
		r = check_user(check, process->user);
	if (r == 0)
		r = check_rlimits(check, process);
	if (r == 0 && process->scheduler)
		r = check_scheduler(check, process->scheduler);
	if (r == 0 && process->exec_cpu_affinity)
		r = check_affinity(check, process->exec_cpu_affinity);
	return r;
}

int check_process(const struct oci_process *process, const char *file, const char *path,
		  const char *text, size_t len, struct err *err)
{
	struct check check = { .file = file, .text = text, .len = len, .err = err, .prefix = path };

	return check_process_part(&check, process);
}

int check_resources(const struct oci_resources *resources, const char *file, const char *path,
		    const char *text, size_t len, struct err *err)
{
	struct check check = { .file = file, .text = text, .len = len, .err = err, .prefix = path };

	return check_resources_part(&check, resources);
}

int check_seccomp(const struct oci_seccomp *seccomp, const char *file, const char *text, size_t len,
		  struct err *err)
{
	struct check check = { .file = file, .text = text, .len = len, .err = err, .prefix = "" };

	return check_seccomp_part(&check, seccomp, false);
}

int check_config(const struct oci_config *config, const char *file, const char *text, size_t len,
		 struct err *err)
{
	struct check check = { .file = file, .text = text, .len = len, .err = err, .prefix = "" };
	int r = check_version(&check, config->oci_version);

	if (r < 0)
		return r;
	check_at(&check, "root.path");
	if (!config->root || !config->root->path || !*config->root->path)
		return check_fail(&check, "required but missing");
	r = check_host_name(&check, config, "hostname", config->hostname);
	if (r == 0)
		r = check_host_name(&check, config, "domainname", config->domainname);
	if (r == 0)
		r = check_mounts(&check, config);
	if (r == 0 && config->hooks)
		r = check_hooks(&check, config->hooks);
	if (r == 0 && config->process)
		r = check_process(config->process, file, "process", text, len, err);
	if (r == 0 && config->linux_)
		r = check_linux(&check, config->linux_);
	check.prefix = "linux.seccomp";
	if (r == 0 && config->linux_ && config->linux_->seccomp)
		r = check_seccomp_part(&check, config->linux_->seccomp,
				       annotations_find(config->annotations.v,
							config->annotations.n,
							ANNOTATIONS_SECCOMP_RECEIVER));
	return r;
}
