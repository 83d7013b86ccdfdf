/* SPDX-License-Identifier: Apache-2.0 */
/* Which handler runs the program (usrun-handlers(7)), and what its container gets beyond the
 * config. The handler is an ordinary program, executed in the container: labels, capabilities,
 * filter and limits apply to it. */
#include "src/plan/plan_parts.h"

#include "src/base/path.h"
#include "src/base/str.h"
#include "src/oci/annotations.h"
#include "src/oci/names.h"

#include <string.h>

#define AT(name) ERR_AT "annotations[\"" name "\"]"

static const char *annotation(const struct oci_config *config, const char *name)
{
	return annotations_find(config->annotations.v, config->annotations.n, name);
}

/* The part after "usrun-" of the name that usrun was called by, or NULL. "usrun-0.2" is a version.
 * Any other name is taken seriously: without its handler the container might lack isolation. */
static const char *called_name(const char *called_as)
{
	static const char own[] = "usrun-";
	const char *base = called_as ? path_base(called_as) : "";

	if (!str_starts(base, own))
		return NULL;
	base += sizeof(own) - 1;
	return *base && !(*base >= '0' && *base <= '9') ? base : NULL;
}

/* Images contain parts that are not WebAssembly, and these run beside those that are. */
static void choose_wasm(const struct oci_config *config, struct plan_handler_choice *choice)
{
	static const char *const suffixes[] = { ".wasm", ".wat" };
	const char *variant = annotation(config, ANNOTATIONS_WASM_VARIANT);

	if (str_equal(variant, "compat") ||
	    (str_equal(variant, "compat-smart") &&
	     handler_doc_takes(suffixes, 2, config->process->args.v[0])))
		*choice = (struct plan_handler_choice){ .name = "wasm",
							.annotation = ANNOTATIONS_WASM_VARIANT };
}

int plan_handler_choose(struct arena *arena, const struct oci_config *config, const char *called_as,
			struct plan_handler_choice *ret, struct err *err)
{
	const char *called = called_name(called_as), *asked, *name;

	*ret = (struct plan_handler_choice){ 0 };
	/* The process that holds a pod's namespaces is never a workload. */
	if (!config->process || !config->process->args.n ||
	    str_equal(annotation(config, ANNOTATIONS_CRI_TYPE), "sandbox"))
		return 0;
	asked = annotation(config, ANNOTATIONS_HANDLER);
	if (called && asked && !str_equal(called, asked))
		return err_set(err, EINVAL,
			       AT(ANNOTATIONS_HANDLER) ": asks for the handler \"%s\", but usrun "
						       "was called as usrun-%s",
			       asked, called);
	name = called ? called : asked;
	if (!name) {
		choose_wasm(config, ret);
		return 0;
	}
	ret->annotation = called ? NULL : ANNOTATIONS_HANDLER;
	ret->by_suffix = str_ends(name, "-smart");
	ret->name =
		ret->by_suffix ? arena_strndup(arena, name, strlen(name) - strlen("-smart")) : name;
	return 0;
}

bool plan_handler_takes(const struct plan_handler_choice *choice, const struct handler *handler,
			const struct oci_config *config)
{
	return !choice->by_suffix ||
	       handler_doc_takes(handler->doc.suffixes.v, handler->doc.suffixes.n,
				 config->process->args.v[0]);
}

/* Uses a new file system of the container's own if there is one, so that nothing is left in the
 * image. */
static const char *choose_dir(struct arena *arena, const struct oci_config *config)
{
	const char *dir = "/.usrun";

	for (size_t i = 0; i < config->mounts.n; i++)
		if (str_equal(path_clean(arena, config->mounts.v[i].destination), "/dev"))
			dir = str_equal(config->mounts.v[i].type, "tmpfs") ? "/dev/.usrun"
									   : "/.usrun";
	return dir;
}

static int check_limits(const struct handler *handler, const struct oci_process *process,
			struct err *err)
{
	for (size_t i = 0; i < process->rlimits.n; i++)
		for (size_t k = 0; k < handler->doc.limits.n; k++) {
			const struct handler_limit *limit = &handler->doc.limits.v[k];

			if (process->rlimits.v[i].type != limit->type ||
			    process->rlimits.v[i].soft.v >= limit->min.v)
				continue;
			return err_set(err, EINVAL,
				       ERR_AT "process.rlimits[%zu].soft: %s %llu is below the "
					      "%llu that the handler \"%s\" needs",
				       i, json_read_enum_name(names_rlimits, limit->type),
				       (unsigned long long)process->rlimits.v[i].soft.v,
				       (unsigned long long)limit->min.v, handler->name);
		}
	return 0;
}

static bool refuses(int action)
{
	return action == OCI_SECCOMP_ERRNO || action == OCI_SECCOMP_KILL ||
	       action == OCI_SECCOMP_KILL_PROCESS || action == OCI_SECCOMP_KILL_THREAD ||
	       action == OCI_SECCOMP_TRAP;
}

/* The index of the first rule that names the call, or the number of rules. */
static size_t find_rule(const struct oci_seccomp *profile, const char *name)
{
	for (size_t i = 0; i < profile->syscalls.n; i++)
		for (size_t k = 0; k < profile->syscalls.v[i].names.n; k++)
			if (str_equal(profile->syscalls.v[i].names.v[k], name))
				return i;
	return profile->syscalls.n;
}

/* Never added by us: the profile restricts the container's program, too, and execve() would widen
 * what that may do. */
static int check_execve(const struct handler *handler, const struct oci_seccomp *profile,
			struct err *err)
{
	size_t i = find_rule(profile, "execve");
	bool refused = i < profile->syscalls.n ? refuses(profile->syscalls.v[i].action) &&
							 !profile->syscalls.v[i].args.n
					       : refuses(profile->default_action);

	if (!refused)
		return 0;
	(void)err_set(err, EINVAL,
		      ERR_AT "linux.seccomp: blocks execve, which the handler \"%s\" needs",
		      handler->name);
	return err_hint(err, "allow execve in linux.seccomp.syscalls, or run without a handler");
}

/* Adds calls that the handler needs and the profile does not mention, but not those that it refuses
 * by name. */
static int choose_calls(struct plan_build *b, const struct handler *handler,
			const struct oci_seccomp *profile, struct handler_kept *kept,
			struct err *err)
{
	const char **v = arena_array(b->arena, handler->doc.seccomp.n + 1, sizeof(*v));
	_cleanup_str_ struct str words = { 0 };
	int r = check_execve(handler, profile, err);

	for (size_t i = 0; r == 0 && i < handler->doc.seccomp.n; i++) {
		const char *name = handler->doc.seccomp.v[i];
		size_t rule = find_rule(profile, name);

		if (rule < profile->syscalls.n && refuses(profile->syscalls.v[rule].action) &&
		    !profile->syscalls.v[rule].args.n)
			r = err_set(err, EINVAL,
				    ERR_AT "linux.seccomp.syscalls[%zu]: blocks %s, which the "
					   "handler \"%s\" needs",
				    rule, name, handler->name);
		if (rule < profile->syscalls.n || !refuses(profile->default_action))
			continue;
		v[kept->seccomp.n++] = name;
		str_addf(&words, " %s", name);
	}
	kept->seccomp.v = v;
	if (r == 0 && kept->seccomp.n)
		plan_parts_warn(b, "linux.seccomp: the handler \"%s\" is allowed%s", handler->name,
				words.s);
	return r;
}

/* A copy of the config that allows the calls. */
static void allow_calls(struct arena *arena, const struct handler_kept *kept,
			struct oci_linux *linux_)
{
	struct oci_seccomp *profile;
	struct oci_syscall *v;

	if (!linux_->seccomp || !kept->seccomp.n)
		return;
	profile = arena_new(arena, struct oci_seccomp);
	*profile = *linux_->seccomp;
	v = arena_grow(arena, profile->syscalls.v, profile->syscalls.n, profile->syscalls.n + 1,
		       sizeof(*v));
	v[profile->syscalls.n] = (struct oci_syscall){ .action = OCI_SECCOMP_ALLOW };
	v[profile->syscalls.n].names.v = kept->seccomp.v;
	v[profile->syscalls.n].names.n = kept->seccomp.n;
	profile->syscalls.v = v;
	profile->syscalls.n++;
	linux_->seccomp = profile;
}

/* Hides the image's preload file, which the loader would obey, but which is not meant for the
 * handler. */
static void mask_preloads(struct arena *arena, struct oci_linux *linux_)
{
	static const char *const file[] = { "/etc/ld.so.preload" };

	linux_->masked_paths.v =
		str_list(arena, linux_->masked_paths.v, linux_->masked_paths.n, file, 1);
	linux_->masked_paths.n++;
}

static void add_devices(struct arena *arena, const struct handler_doc *doc,
			struct oci_linux *linux_)
{
	struct oci_resources *resources = arena_new(arena, struct oci_resources);
	struct oci_device_rule *rules;
	struct oci_device *v;

	if (!doc->devices.n)
		return;
	if (linux_->resources)
		*resources = *linux_->resources;
	v = arena_grow(arena, linux_->devices.v, linux_->devices.n,
		       linux_->devices.n + doc->devices.n, sizeof(*v));
	rules = arena_grow(arena, resources->devices.v, resources->devices.n,
			   resources->devices.n + doc->devices.n, sizeof(*rules));
	for (size_t i = 0; i < doc->devices.n; i++) {
		const struct handler_device *d = &doc->devices.v[i];

		v[linux_->devices.n++] = (struct oci_device){
			.type = d->type,
			.path = d->path,
			.major = d->major,
			.minor = d->minor,
			.file_mode = { true, d->file_mode.set ? d->file_mode.v : 0666 },
		};
		rules[resources->devices.n++] =
			(struct oci_device_rule){ .allow = { true, true },
						  .type = d->type,
						  .major = d->major,
						  .minor = d->minor,
						  .access = d->access ? d->access : "rwm" };
	}
	linux_->devices.v = v;
	resources->devices.v = rules;
	linux_->resources = resources;
}

/* A recursive read-only bind mount: "ro" would leave file systems mounted below writable. */
static struct oci_mount bind_of(const char *source, const char *destination)
{
	static const char *options[] = { "rbind", "rro", "rnosuid", "rnodev" };
	struct oci_mount mount = { .destination = destination, .type = "bind", .source = source };

	mount.options.v = options;
	mount.options.n = sizeof(options) / sizeof(options[0]);
	return mount;
}

/* One entry per file, as `explain` shows them; the directory becomes read-only at the end. */
static void add_mounts(struct plan_build *b, const struct handler_plan *plan,
		       struct oci_config *config)
{
	static const char *options[] = { "mode=755", "size=64k", "nosuid", "nodev", "ro" };
	const struct handler *handler = plan->handler;
	const char *state_dir = b->plan->options->state_dir;
	size_t n = config->mounts.n;
	struct oci_mount *v =
		arena_grow(b->arena, config->mounts.v, n,
			   n + 4 + handler->n_files + handler->doc.mounts.n, sizeof(*v));

	v[n] = (struct oci_mount){ .destination = plan->dir, .type = "tmpfs", .source = "tmpfs" };
	v[n].options.v = options;
	v[n++].options.n = sizeof(options) / sizeof(options[0]);
	if (handler->loader)
		v[n++] = bind_of(handler->loader, path_join(b->arena, plan->dir, "ld.so"));
	v[n++] = bind_of(handler->program,
			 path_join(b->arena, plan->dir, path_base(handler->program)));
	for (size_t i = 0; i < handler->n_files; i++)
		v[n++] = bind_of(handler->files[i].source,
				 path_join(b->arena, plan->dir, handler->files[i].name));
	for (size_t i = 0; i < handler->doc.mounts.n; i++)
		v[n++] = bind_of(handler->doc.mounts.v[i].source,
				 handler->doc.mounts.v[i].destination);
	if (handler->doc.config_file)
		v[n++] = bind_of(arena_strf(b->arena, "%s/handler.json",
					    state_dir ? state_dir : "/run/usrun/ID"),
				 handler->doc.config_file);
	config->mounts.v = v;
	config->mounts.n = n;
}

/* Runs the handler through its loader, since the image has no file at the interpreter's path, and
 * without the image's loader cache. */
static void set_command(struct arena *arena, const struct handler_plan *plan,
			struct handler_kept *kept)
{
	const struct handler *handler = plan->handler;
	const char **v = arena_array(arena, handler->doc.args.n + 6, sizeof(*v));
	size_t n = 0;

	if (handler->loader) {
		v[n++] = path_join(arena, plan->dir, "ld.so");
		v[n++] = "--library-path";
		v[n++] = plan->dir;
	}
	v[n++] = path_join(arena, plan->dir, path_base(handler->program));
	for (size_t i = 0; i < handler->doc.args.n; i++)
		v[n++] = handler->doc.args.v[i];
	kept->command.v = v;
	kept->command.n = n;
}

static const struct oci_process *change_process(struct arena *arena,
						const struct handler_kept *kept,
						const struct oci_process *process)
{
	struct oci_process *changed = arena_new(arena, struct oci_process);
	const char **v = arena_array(arena, kept->command.n + process->args.n, sizeof(*v));
	size_t n = 0;

	*changed = *process;
	for (size_t i = 0; i < kept->command.n; i++) {
		if (!str_equal(kept->command.v[i], "{args}")) {
			v[n++] = kept->command.v[i];
			continue;
		}
		for (size_t k = 0; k < process->args.n; k++)
			v[n++] = process->args.v[k];
	}
	changed->args.v = v;
	changed->args.n = n;
	return changed;
}

static void keep(const struct handler *handler, struct handler_kept *kept)
{
	*kept = (struct handler_kept){ .name = handler->name, .exec = handler->doc.exec };
	kept->suffixes.v = handler->doc.suffixes.v;
	kept->suffixes.n = handler->doc.suffixes.n;
	kept->env.v = handler->doc.env.v;
	kept->env.n = handler->doc.env.n;
}

int plan_handler_apply(struct plan_build *b, struct err *err)
{
	const struct handler *handler = b->plan->options->handler;
	struct handler_plan *plan = &b->plan->handler;
	struct handler_kept *kept = arena_new(b->arena, struct handler_kept);
	struct oci_config *config;
	struct oci_linux *linux_;
	int r;

	if (!handler)
		return 0;
	config = arena_new(b->arena, struct oci_config);
	linux_ = arena_new(b->arena, struct oci_linux);
	*config = *b->plan->config;
	if (config->linux_)
		*linux_ = *config->linux_;
	*plan = (struct handler_plan){ .handler = handler,
				       .kept = kept,
				       .dir = choose_dir(b->arena, config) };
	keep(handler, kept);
	r = check_limits(handler, config->process, err);
	if (r == 0 && linux_->seccomp)
		r = choose_calls(b, handler, linux_->seccomp, kept, err);
	if (r < 0)
		return r;
	set_command(b->arena, plan, kept);
	allow_calls(b->arena, kept, linux_);
	if (handler->loader)
		mask_preloads(b->arena, linux_);
	add_devices(b->arena, &handler->doc, linux_);
	add_mounts(b, plan, config);
	config->linux_ = linux_;
	config->process = change_process(b->arena, kept, config->process);
	b->plan->config = config;
	b->plan->process.handler = kept;
	return 0;
}

int plan_handler_apply_exec(struct plan_build *b, const struct handler_kept *kept,
			    const struct oci_process **process, struct err *err)
{
	struct oci_config *config;
	struct oci_linux *linux_;

	if (!kept || kept->exec == HANDLER_EXEC_PLAIN)
		return 0;
	if (kept->exec == HANDLER_EXEC_REFUSE)
		return err_set(err, ENOTSUP,
			       "exec failed: the container's handler \"%s\" does not support "
			       "further processes",
			       kept->name);
	if (!handler_doc_takes(kept->suffixes.v, kept->suffixes.n, (*process)->args.v[0]))
		return 0;
	config = arena_new(b->arena, struct oci_config);
	linux_ = arena_new(b->arena, struct oci_linux);
	*config = *b->plan->config;
	if (config->linux_)
		*linux_ = *config->linux_;
	allow_calls(b->arena, kept, linux_);
	config->linux_ = linux_;
	b->plan->config = config;
	b->plan->process.handler = kept;
	*process = change_process(b->arena, kept, *process);
	return 0;
}
