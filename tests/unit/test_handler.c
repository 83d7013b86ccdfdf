/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers: descriptions, which one is chosen, and what a container of it has more than its config says. */
#include "src/base/io.h"
#include "src/oci/decode.h"
#include "src/plan/plan.h"
#include "src/sys/mountfd.h"
#include "tests/lib/check.h"
#include "tests/unit/plan_facts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

static struct arena arena;
static struct err err;

static int read_doc(const char *text, struct handler_doc *ret)
{
	err = (struct err){ 0 };
	return handler_doc_read(&arena, "x.json", text, strlen(text), ret, &err);
}

TEST(a_description_has_what_it_says_and_defaults)
{
	struct handler_doc doc;

	CHECK_INT(read_doc("{\"program\":\"p\",\"suffixes\":[\".w\"]}", &doc), 0);
	CHECK_INT(doc.exec, HANDLER_EXEC_SAME);
	CHECK(doc.args.n == 1 && strcmp(doc.args.v[0], "{args}") == 0);
	CHECK(handler_doc_takes(doc.suffixes.v, doc.suffixes.n, "/a.w"));
	CHECK(!handler_doc_takes(doc.suffixes.v, doc.suffixes.n, "/a.w2"));
	CHECK_INT(read_doc("{\"program\":\"p\",\"exec\":\"refuse\",\"limits\":[{\"type\":"
			   "\"RLIMIT_AS\",\"min\":5}]}",
			   &doc),
		  0);
	CHECK(doc.exec == HANDLER_EXEC_REFUSE && doc.limits.n == 1 && doc.limits.v[0].min.v == 5);
}

TEST(a_description_that_cannot_be_meant_is_refused)
{
	static const struct {
		const char *text, *part;
	} bad[] = {
		{ "{}", "program" },
		{ "{\"program\":\"\"}", "program" },
		{ "{\"program\":\"p\",\"sufixes\":[]}",
		  "unknown member (did you mean \"suffixes\"" },
		{ "{\"program\":\"p\",\"mounts\":[{\"source\":\"/a\",\"destination\":\"/b\","
		  "\"options\":[\"rw\"]}]}",
		  "unknown member" },
		{ "{\"program\":\"p\",\"suffixes\":[\"w\"]}", "suffixes[0]: expected a dot" },
		{ "{\"program\":\"p\",\"args\":[\"-x\"]}", "args: expected {args} once" },
		{ "{\"program\":\"p\",\"args\":[\"{args}\",\"{args}\"]}", "2 times" },
		{ "{\"program\":\"p\",\"args\":[\"{arg}\",\"{args}\"]}", "args[0]" },
		{ "{\"program\":\"p\",\"env\":[\"A=1\"]}", "env[0]" },
		{ "{\"program\":\"p\",\"files\":[\"lib.so\"]}", "files[0]" },
		{ "{\"program\":\"p\",\"files\":[\"/lib/\"]}", "files[0]" },
		{ "{\"program\":\"p\",\"mounts\":[{\"source\":\"/a\",\"destination\":\"/\"}]}",
		  "mounts[0].destination" },
		{ "{\"program\":\"p\",\"mounts\":[{\"source\":\"/a\",\"destination\":\"/a/../"
		  "b\"}]}",
		  "mounts[0].destination" },
		{ "{\"program\":\"p\",\"devices\":[{\"path\":\"/dev/x\",\"type\":\"u\",\"major\":"
		  "1,\"minor\":1}]}",
		  "devices[0].type" },
		{ "{\"program\":\"p\",\"devices\":[{\"path\":\"/dev/x\",\"type\":\"c\",\"major\":"
		  "1,\"minor\":1,\"access\":\"rx\"}]}",
		  "devices[0].access" },
		{ "{\"program\":\"p\",\"exec\":\"maybe\"}", "exec" },
		{ "{\"program\":\"p\",\"configFile\":\"c\"}", "configFile" },
	};
	struct handler_doc doc;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(read_doc(bad[i].text, &doc), &err, bad[i].part);
}

TEST(a_name_is_that_of_a_file)
{
	CHECK(handler_doc_is_name("wasm") && handler_doc_is_name("a-b_c.d+2"));
	CHECK(!handler_doc_is_name("") && !handler_doc_is_name("..") &&
	      !handler_doc_is_name("a/b"));
	CHECK(!handler_doc_is_name(".a") && !handler_doc_is_name("-a") &&
	      !handler_doc_is_name("a b") && !handler_doc_is_name("0.2"));
}

TEST(libraries_are_what_the_loader_would_load)
{
	char list[] = "\tlinux-vdso.so.1 (0x00007ffc)\n"
		      "\tliba.so.1 => /usr/lib/liba.so.1 (0x00007f1a)\n"
		      "\tlibc.so.6 => /lib/x (0) /libc.so.6 (0x00007f1b)\n"
		      "\t/lib64/ld-linux-x86-64.so.2 (0x00007f1c)\n";
	char missing[] = "\tliba.so.1 => not found\n", odd[] = "\ta/b => /x (0x1)\n", none[] = "";
	struct handler_file *v;
	size_t n;

	CHECK_INT(handler_parse_list(&arena, list, &v, &n, &err), 0);
	CHECK_INT(n, 2);
	CHECK_STR(v[0].name, "liba.so.1");
	CHECK_STR(v[0].source, "/usr/lib/liba.so.1");
	CHECK_STR(v[1].source, "/lib/x (0) /libc.so.6");
	CHECK_ERR(handler_parse_list(&arena, missing, &v, &n, &err), &err,
		  "needs the library liba.so.1, which is not installed");
	CHECK_ERR(handler_parse_list(&arena, odd, &v, &n, &err), &err, "needs the library");
	CHECK_INT(handler_parse_list(&arena, none, &v, &n, &err), 0);
	CHECK_INT(n, 0);
}

static const struct oci_config *config_of(const char *program, const char *more)
{
	const char *text =
		arena_strf(&arena,
			   "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
			   "\"process\":{\"cwd\":\"/\",\"args\":[\"%s\",\"{args}\"],"
			   "\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":5,\"hard\":9}]}%s}",
			   program, more);
	const struct oci_config *config = NULL;

	err = (struct err){ 0 };
	CHECK_INT(decode_config(&arena, "config.json", text, strlen(text), &config, &err), 0);
	return config;
}

#define ANNOTATED(name, value) ",\"annotations\":{\"" name "\":\"" value "\"}"

static const char *chosen(const char *program, const char *more, const char *called_as)
{
	struct plan_handler_choice choice;

	if (plan_handler_choose(&arena, config_of(program, more), called_as, &choice, &err) < 0)
		return "error";
	return !choice.name ? "none"
			    : arena_strf(&arena, "%s%s", choice.name, choice.by_suffix ? "?" : "");
}

TEST(the_config_or_the_name_of_the_program_chooses)
{
	CHECK_STR(chosen("sh", "", "usrun"), "none");
	CHECK_STR(chosen("sh", "", "/usr/bin/usrun-"), "none");
	CHECK_STR(chosen("sh", "", NULL), "none");
	CHECK_STR(chosen("sh", "", "/opt/usrun-wasm"), "wasm");
	CHECK_STR(chosen("sh", "", "usrun-wasm-smart"), "wasm?");
	CHECK_STR(chosen("sh", "", "usrun-0.2"), "none");
	CHECK_STR(chosen("sh", "", "/usr/bin/usrun-12-amd64"), "none");
	CHECK_STR(chosen("sh", "", "usrun-dev"), "dev");
	CHECK_STR(chosen("sh", ANNOTATED("run.oci.handler", "x"), "usrun"), "x");
	CHECK_STR(chosen("sh", ANNOTATED("run.oci.handler", "x-smart"), "usrun"), "x?");
	CHECK_STR(chosen("sh", ANNOTATED("run.oci.handler", "x"), "usrun-x"), "x");
	CHECK_STR(chosen("sh", ANNOTATED("run.oci.handler", "x"), "usrun-y"), "error");
	CHECK_STR(chosen("sh", ANNOTATED("module.wasm.image/variant", "compat"), "usrun"), "wasm");
	CHECK_STR(
		chosen("/a.wasm", ANNOTATED("module.wasm.image/variant", "compat-smart"), "usrun"),
		"wasm");
	CHECK_STR(chosen("/a.wat", ANNOTATED("module.wasm.image/variant", "compat-smart"), "usrun"),
		  "wasm");
	CHECK_STR(chosen("sh", ANNOTATED("module.wasm.image/variant", "compat-smart"), "usrun"),
		  "none");
	CHECK_STR(chosen("/a.wasm", ANNOTATED("module.wasm.image/variant", "other"), "usrun"),
		  "none");
	CHECK_STR(chosen("/a.wasm",
			 ",\"annotations\":{\"io.kubernetes.cri.container-type\":\"sandbox\","
			 "\"module.wasm.image/variant\":\"compat\",\"run.oci.handler\":\"x\"}",
			 "usrun-wasm"),
		  "none");
}

static const struct plan *plan_of(const struct oci_config *config, const struct handler *handler)
{
	static struct facts facts;
	struct plan_options *options = arena_alloc(&arena, sizeof(*options));
	const struct plan *plan = NULL;

	facts = root_facts();
	*options = (struct plan_options){ .id = "test", .bundle = "/bundle", .handler = handler };
	err = (struct err){ 0 };
	return plan_build(&arena, config, &facts, options, &plan, &err) < 0 ? NULL : plan;
}

static struct handler described(const char *name)
{
	struct handler handler = { .name = name, .program = "/usr/libexec/h/prog", .path = "/d" };
	char *text = NULL;
	size_t len;

	err = (struct err){ 0 };
	CHECK_INT(io_read_file(AT_FDCWD, arena_strf(&arena, HANDLERS "/%s.json", name),
			       HANDLER_DOC_MAX_FILE, &arena, &text, &len, &err),
		  0);
	CHECK_INT(handler_doc_read(&arena, name, text, len, &handler.doc, &err), 0);
	return handler;
}

static const struct mount_entry *mount_on(const struct plan *plan, const char *target)
{
	for (size_t i = 0; plan && i < plan->rootfs.n_mounts; i++)
		if (strcmp(plan->rootfs.mounts[i].target, target) == 0)
			return &plan->rootfs.mounts[i];
	return NULL;
}

static bool is_warned(const struct plan *plan, const char *part)
{
	for (size_t i = 0; plan && i < plan->n_warnings; i++)
		if (strstr(plan->warnings[i].text, part))
			return true;
	return false;
}

#define LINUX ",\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}"
#define LINUX_WITH(more) ",\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]," more "}"

TEST(a_dynamic_program_has_its_loader_and_libraries)
{
	static const struct handler_file files[] = { { "/lib/libc.so.6", "libc.so.6" } };
	struct handler handler = described("wasm");
	const struct plan *plan;

	handler.doc.limits.n = 0;
	handler.loader = "/lib64/ld.so.2";
	handler.files = files;
	handler.n_files = 1;
	plan = plan_of(config_of("/a.wasm", LINUX), &handler);
	CHECK(plan && plan->process.handler && plan->process.n_args == 6);
	CHECK_STR(plan ? plan->process.args[0] : "", "/.usrun/ld.so");
	CHECK_STR(plan ? plan->process.args[2] : "", "/.usrun");
	CHECK_STR(plan ? plan->process.args[3] : "", "/.usrun/prog");
	CHECK_STR(plan ? plan->process.args[4] : "", "/a.wasm");
	CHECK_STR(plan ? plan->process.args[5] : "", "{args}"); /* the container's, as it is */
	CHECK(mount_on(plan, "/.usrun/ld.so") && mount_on(plan, "/.usrun/libc.so.6"));
	plan = plan_of(config_of("/a.wasm", ",\"mounts\":[{\"destination\":\"/dev\",\"type\":"
					    "\"tmpfs\"}]" LINUX),
		       &handler);
	CHECK(mount_on(plan, "/dev/.usrun/prog") && !mount_on(plan, "/.usrun/prog"));
	plan = plan_of(config_of("/a.wasm", ",\"mounts\":[{\"destination\":\"/dev\",\"type\":"
					    "\"bind\",\"source\":\"/dev\"}]" LINUX),
		       &handler);
	CHECK(mount_on(plan, "/.usrun/prog") && !mount_on(plan, "/dev/.usrun/prog"));
}

TEST(limits_and_profiles_that_it_cannot_live_with)
{
	struct handler handler = described("wasm");
	const struct plan *plan;

	CHECK(!plan_of(config_of("/a.wasm", LINUX), &handler));
	CHECK_STR(check_said(&err),
		  "config.json: process.rlimits[0].soft: RLIMIT_AS 5 is below the "
		  "13958643712 that the handler \"wasm\" needs");
	handler.doc.limits.n = 0;
	CHECK(!plan_of(config_of("/a.wasm", LINUX_WITH("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_"
						       "ERRNO\"}")),
		       &handler));
	CHECK(strstr(err.text, "blocks execve"));
	CHECK(!plan_of(config_of("/a.wasm",
				 LINUX_WITH("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\","
					    "\"syscalls\":[{\"names\":[\"x\",\"mmap\"],\"action\":"
					    "\"SCMP_ACT_KILL\"}]}")),
		       &handler));
	CHECK(strstr(check_said(&err), "linux.seccomp.syscalls[0]: blocks mmap"));
	plan = plan_of(
		config_of("/a.wasm", LINUX_WITH("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\","
						"\"syscalls\":[{\"names\":[\"execve\",\"mmap\"],"
						"\"action\":\"SCMP_ACT_ALLOW\"}]}")),
		&handler);
	CHECK(plan && plan->process.seccomp->syscalls.n == 2);
	CHECK(plan && plan->process.seccomp->syscalls.v[1].names.n == handler.doc.seccomp.n - 1);
	CHECK(is_warned(plan, "the handler \"wasm\" is allowed access"));
	plan = plan_of(config_of("/a.wasm", LINUX_WITH("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_"
						       "LOG\"}")),
		       &handler);
	CHECK(plan && plan->process.seccomp->syscalls.n == 0);
}

/* Nothing of it is packaged, so this is what shows that a description can carry it. */
TEST(a_virtual_machine_has_its_device_and_its_config)
{
	static struct handler_mount tree = { .source = "/usr/share/vm", .destination = "/vm" };
	const uint64_t guarded = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	struct handler handler = described("krun");
	const struct device_plan *kvm = NULL;
	const struct mount_entry *config;
	const struct plan *plan;
	bool allowed = false;

	handler.doc.mounts.v = &tree;
	handler.doc.mounts.n = 1;
	plan = plan_of(config_of("/bin/sh", LINUX), &handler);
	for (size_t i = 0; plan && i < plan->devices.n; i++)
		if (strcmp(plan->devices.v[i].path, "/dev/kvm") == 0)
			kvm = &plan->devices.v[i];
	CHECK(kvm && kvm->major == 10 && kvm->minor == 232);
	for (size_t i = 0; plan && i < plan->config->linux_->resources->devices.n; i++)
		allowed |= plan->config->linux_->resources->devices.v[i].minor.v == 232 &&
			   plan->config->linux_->resources->devices.v[i].allow.v;
	CHECK(allowed);
	config = mount_on(plan, "/.krun_config.json");
	CHECK_STR(config ? config->source : "", "/run/usrun/ID/handler.json");
	config = mount_on(plan, "/vm");
	CHECK(config && config->recursive && (config->rattr_set & guarded) == guarded);
	CHECK(plan && plan->process.n_args == 3); /* static: the program and the container's two */
	CHECK_STR(plan ? plan->process.args[0] : "", "/.usrun/prog");
	CHECK_INT(plan ? plan->handler.kept->exec : 0, HANDLER_EXEC_REFUSE);
	/* Its flags are out of a filter's sight, and threads do without: clone(2) stands in where a
	 * profile answers ENOSYS. */
	for (size_t i = 0; i < handler.doc.seccomp.n; i++)
		CHECK(strcmp(handler.doc.seccomp.v[i], "clone3") != 0);
}

TEST(what_the_state_keeps_is_read_again)
{
	struct handler handler = described("wasm");
	_cleanup_json_write_ struct json_write *w = json_write_new(false);
	const struct json_field fields[] = {
		{ "h", JSON_OBJECT, JSON_REQUIRED, 0, .type = &handler_doc_kept_type },
	};
	const struct json_type type = { fields, 1, sizeof(struct handler_kept *) };
	const struct json_limits limits = { .depth = 8, .string = 4096 };
	const struct handler_kept *kept = NULL;
	const struct plan *plan;
	const char *text;
	size_t len;

	handler.doc.limits.n = 0;
	plan = plan_of(config_of("/a.wasm", LINUX), &handler);
	json_write_object(w, NULL);
	if (plan)
		handler_doc_write_kept(w, "h", plan->handler.kept);
	json_write_end(w);
	text = json_write_text(w, &len, &err);
	CHECK(text && json_read(&arena, "state", text, len, &type, &limits, &kept, &err) == 0);
	CHECK_STR(kept ? kept->name : "", "wasm");
	CHECK(kept && kept->command.n == 2 && kept->env.n == 2 && kept->suffixes.n == 2);
}
