/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a WebAssembly module with WasmEdge as the program of a container (usrun-handlers(7)):
 * wasmedge MODULE ARGUMENT... The exit status is the module's; 126 and 127 mean, as in a shell,
 * that there is no module to run, and 134 that it trapped. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wasmedge/wasmedge.h>

enum { STATUS_TRAP = 134, STATUS_NOT_RUN = 126, STATUS_MISSING = 127, MAX_PREOPENS = 64 };

static const char env_prefix[] = "container.";

/* The variables with the prefix, without it. The prefix keeps the image's environment from
 * controlling the loader and the libraries. */
static const char **module_env(char **all, uint32_t *ret_n)
{
	size_t len = sizeof(env_prefix) - 1, n = 0, count = 0;
	const char **env;

	while (all[n])
		n++;
	env = calloc(n + 1, sizeof(*env));
	for (size_t i = 0; env && i < n; i++)
		if (strncmp(all[i], env_prefix, len) == 0)
			env[count++] = all[i] + len;
	*ret_n = (uint32_t)count;
	return env;
}

static const char *env_find(const char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; *env; env++)
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

static int refuse(const char *module, int error)
{
	(void)fprintf(stderr, "wasmedge: %s: %s\n", module, strerror(error));
	return error == ENOENT || error == ENOTDIR ? STATUS_MISSING : STATUS_NOT_RUN;
}

/* Looks for a name without a slash in the working directory first, where images have their only
 * module, and then in PATH. */
static const char *find_module(const char *name, const char *path)
{
	char *candidate;

	if (strchr(name, '/') || access(name, R_OK) == 0)
		return name;
	for (; path && *path; path += strcspn(path, ":"), path += *path == ':') {
		int len = (int)strcspn(path, ":");

		if (len == 0 || asprintf(&candidate, "%.*s/%s", len, path, name) < 0)
			continue;
		if (access(candidate, R_OK) == 0)
			return candidate;
		free(candidate);
	}
	return name;
}

static int check_module(const char *module)
{
	int fd = open(module, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int error = fd < 0 ? errno : 0;

	if (fd < 0)
		return refuse(module, error);
	if (fstat(fd, &st) < 0)
		error = errno;
	else if (S_ISDIR(st.st_mode))
		error = EISDIR;
	else if (!S_ISREG(st.st_mode))
		error = EACCES;
	(void)close(fd);
	return error ? refuse(module, error) : 0;
}

/* The library reserves the module's memory as a whole, and without that much address space aborts
 * without a message. */
static int check_space(void)
{
	const rlim_t needed = (rlim_t)13 << 30;
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) < 0 || limit.rlim_cur >= needed)
		return 0;
	(void)fprintf(stderr,
		      "wasmedge: RLIMIT_AS is %llu, and WebAssembly takes %llu of address space\n",
		      (unsigned long long)limit.rlim_cur, (unsigned long long)needed);
	return STATUS_NOT_RUN;
}

static void end_on_signal(int number)
{
	_exit(128 + number);
}

/* Init of a pid namespace gets no signal without a handler, and a module has none. */
static void hear_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	const struct sigaction end = { .sa_handler = end_on_signal };
	struct sigaction before;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], &end, &before) == 0 && before.sa_handler == SIG_IGN)
			(void)sigaction(signals[i], &before, NULL);
}

struct preopens {
	const char *v[MAX_PREOPENS];
	uint32_t n;
};

/* Whether the working directory is the root: programs cannot tell two preopened directories of the
 * same file apart. */
static bool in_root(void)
{
	struct stat root, here;

	return stat("/", &root) < 0 || stat(".", &here) < 0 ||
	       (root.st_dev == here.st_dev && root.st_ino == here.st_ino);
}

/* Adds "NAME:NAME" for each directory in the root. */
static void add_top(struct preopens *p)
{
	struct rlimit limit;
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < (rlim_t)2 * MAX_PREOPENS)
		return;
	dir = opendir("/");
	while (dir && p->n < MAX_PREOPENS && (entry = readdir(dir))) {
		char *text = NULL, name[sizeof(entry->d_name) + 1];

		(void)snprintf(name, sizeof(name), "/%s", entry->d_name);
		if (entry->d_name[0] == '.' || strchr(name, ':') || stat(name, &st) < 0 ||
		    !S_ISDIR(st.st_mode) || access(name, R_OK | X_OK) < 0)
			continue;
		if (asprintf(&text, "%s:%s", name, name) > 0)
			p->v[p->n++] = text;
	}
	if (dir)
		(void)closedir(dir);
}

/* WASI has no working directory: programs strip the leading slash of a path and choose the
 * preopened directory whose name is its longest prefix, the last one among equals. "/" and "."
 * count as equal, so with "." every relative path starts in the working directory, and an absolute
 * one needs a preopen for its first component. */
static void choose_preopens(struct preopens *p)
{
	p->v[p->n++] = "/:/";
	if (in_root())
		return;
	p->v[p->n++] = ".:.";
	add_top(p);
}

/* The library reports errors in a module on standard output, which belongs to the module. */
static int swap_output(int *saved)
{
	(void)fflush(stdout);
	if (*saved < 0) {
		*saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		return *saved < 0 ? -1 : dup2(STDERR_FILENO, STDOUT_FILENO);
	}
	(void)dup2(*saved, STDOUT_FILENO);
	(void)close(*saved);
	*saved = -1;
	return 0;
}

static int failed(const char *module, const char *what, WasmEdge_Result r)
{
	(void)fprintf(stderr, "wasmedge: %s: %s: %s\n", module, what, WasmEdge_ResultGetMessage(r));
	return STATUS_NOT_RUN;
}

static bool is_text(const char *module)
{
	size_t len = strlen(module);

	return len > 4 && strcmp(module + len - 4, ".wat") == 0;
}

static int prepare(WasmEdge_VMContext *vm, const char *module, WasmEdge_String start)
{
	WasmEdge_Result r = WasmEdge_VMLoadWasmFromFile(vm, module);

	if (!WasmEdge_ResultOK(r))
		return failed(module,
			      is_text(module) ? "a text, which wat2wasm makes a module of"
					      : "not a WebAssembly module",
			      r);
	r = WasmEdge_VMValidate(vm);
	if (!WasmEdge_ResultOK(r))
		return failed(module, "not valid", r);
	r = WasmEdge_VMInstantiate(vm);
	if (!WasmEdge_ResultOK(r))
		return failed(module, "cannot be linked", r);
	if (WasmEdge_VMGetFunctionType(vm, start))
		return 0;
	(void)fprintf(stderr, "wasmedge: %s: has no function _start\n", module);
	return STATUS_NOT_RUN;
}

static int run(WasmEdge_VMContext *vm, const char *module)
{
	WasmEdge_String start = WasmEdge_StringCreateByCString("_start");
	WasmEdge_ModuleInstanceContext *wasi =
		WasmEdge_VMGetImportModuleContext(vm, WasmEdge_HostRegistration_Wasi);
	WasmEdge_Result r;
	int saved = -1, status;

	WasmEdge_LogSetErrorLevel();
	if (swap_output(&saved) < 0)
		WasmEdge_LogOff();
	status = prepare(vm, module, start);
	WasmEdge_LogOff();
	if (saved >= 0)
		(void)swap_output(&saved);
	if (status)
		return status;
	r = WasmEdge_VMExecute(vm, start, NULL, 0, NULL, 0);
	if (WasmEdge_ResultOK(r))
		return (int)(WasmEdge_ModuleInstanceWASIGetExitCode(wasi) & 0xff);
	(void)fprintf(stderr, "wasmedge: %s: trap: %s\n", module, WasmEdge_ResultGetMessage(r));
	return STATUS_TRAP;
}

static void name_process(const char *module)
{
	const char *slash = strrchr(module, '/');

	(void)prctl(PR_SET_NAME, slash ? slash + 1 : module);
}

int main(int argc, char **argv)
{
	const char *module, *models = getenv("WASMEDGE_WASINN_PRELOAD"), **env;
	WasmEdge_ConfigureContext *config;
	struct preopens preopens = { .n = 0 };
	WasmEdge_VMContext *vm;
	uint32_t n_env = 0;
	int status;

	hear_signals();
	if (argc < 2) {
		(void)fprintf(stderr, "usage: wasmedge MODULE [ARGUMENT...]\n");
		return STATUS_NOT_RUN;
	}
	env = module_env(environ, &n_env);
	if (!env)
		return refuse(argv[1], ENOMEM);
	module = find_module(argv[1], env_find(env, "PATH"));
	status = check_module(module);
	if (status == 0)
		status = check_space();
	if (status)
		return status;
	name_process(module);
	WasmEdge_LogOff();
	WasmEdge_PluginLoadWithDefaultPaths();
	if (models)
		WasmEdge_PluginInitWASINN(&models, 1);
	config = WasmEdge_ConfigureCreate();
	WasmEdge_ConfigureAddHostRegistration(config, WasmEdge_HostRegistration_Wasi);
	vm = WasmEdge_VMCreate(config, NULL);
	choose_preopens(&preopens);
	WasmEdge_ModuleInstanceInitWASI(
		WasmEdge_VMGetImportModuleContext(vm, WasmEdge_HostRegistration_Wasi),
		(const char *const *)argv + 1, (uint32_t)argc - 1, env, n_env, preopens.v,
		preopens.n);
	return run(vm, module);
}
