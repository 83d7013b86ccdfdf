/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_manager.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/sys/dbus.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOB "/org/freedesktop/systemd1/job/42"
#define SYSTEMD_ERROR "org.freedesktop.systemd1."

static const char *group_of_units;

static void say(int fd, const char *text)
{
	(void)!write(fd, text, strlen(text));
}

struct greeting {
	int fd;
	char in[256];
	size_t at, len;
};

/* As systemd does it: what is there at once, of at most 256 bytes. Who does not greet in one piece,
 * which is a second look, has the time to say all that it says unasked. */
static bool look(struct greeting *g)
{
	struct pollfd in = { .fd = g->fd, .events = POLLIN };
	int there = 0;
	ssize_t n;

	(void)poll(&in, 1, -1);
	for (int turn = 0; g->len && turn < 30 && there <= (int)strlen("BEGIN\r\n"); turn++) {
		(void)poll(NULL, 0, 10);
		(void)ioctl(g->fd, FIONREAD, &there);
	}
	n = read(g->fd, g->in, sizeof(g->in));
	g->at = 0;
	g->len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

static bool read_line(struct greeting *g, char *line, size_t size)
{
	size_t len = 0;

	while (len + 1 < size && (g->at < g->len || look(g)))
		if ((line[len++] = g->in[g->at++]) == '\n') {
			line[len] = '\0';
			return true;
		}
	return false;
}

/* The first line begins with a NUL. What has come together with the last one is not looked at until
 * more comes: for who waits for the answer to that, never. */
static bool greet(int fd, enum fake_manager_mode mode)
{
	struct greeting g = { .fd = fd };
	char line[128];

	if (!read_line(&g, line, sizeof(line)) || !str_equal(line + 1, "AUTH EXTERNAL\r\n"))
		return false;
	if (mode == FAKE_REJECTS) {
		say(fd, "REJECTED\r\n");
		return false;
	}
	say(fd, mode == FAKE_OLD ? "OK 0123456789abcdef0123456789abcdef\r\n" : "DATA\r\n");
	if (!read_line(&g, line, sizeof(line)) || !str_equal(line, "DATA\r\n"))
		return false;
	say(fd, mode == FAKE_OLD ? "ERROR\r\n" : "OK 0123456789abcdef0123456789abcdef\r\n");
	return read_line(&g, line, sizeof(line)) && str_equal(line, "BEGIN\r\n");
}

static void send_message(struct dbus *bus, struct dbus_message *message, struct str *body)
{
	message->body = body->s;
	message->len = body->len;
	(void)!dbus_send(bus, message);
	str_done(body);
}

static void send_text(struct dbus *bus, uint32_t to, const char *error, const char *type,
		      const char *text)
{
	struct dbus_message reply = { .type = error ? DBUS_ERROR : DBUS_REPLY,
				      .reply_to = to,
				      .error = error,
				      .signature = type };
	struct str body = { 0 };

	if (*type == 'v')
		dbus_put_signature(&body, "s");
	dbus_put_text(&body, text);
	send_message(bus, &reply, &body);
}

static void send_nothing(struct dbus *bus, uint32_t to)
{
	struct dbus_message reply = { .type = DBUS_REPLY, .reply_to = to };

	(void)!dbus_send(bus, &reply);
}

static void send_end(struct dbus *bus, const char *unit, const char *result)
{
	struct dbus_message signal = { .type = DBUS_SIGNAL,
				       .path = "/org/freedesktop/systemd1",
				       .interface = "org.freedesktop.systemd1.Manager",
				       .member = "JobRemoved",
				       .signature = "uoss" };
	struct str body = { 0 };

	dbus_put_u32(&body, 42);
	dbus_put_text(&body, JOB);
	dbus_put_text(&body, unit);
	dbus_put_text(&body, result);
	send_message(bus, &signal, &body);
}

static void do_job(struct dbus *bus, enum fake_manager_mode mode, uint32_t serial, const char *unit)
{
	const char *result = mode == FAKE_FAILS ? "failed" : "done";

	send_end(bus, "another.scope", "failed");
	if (mode == FAKE_EARLY)
		send_end(bus, unit, result);
	send_text(bus, serial, NULL, "o", JOB);
	if (mode != FAKE_EARLY)
		send_end(bus, unit, result);
}

static void answer(struct dbus *bus, enum fake_manager_mode mode, const struct dbus_message *call)
{
	static bool reset;
	struct dbus_reader body = dbus_open_body(call, call->signature);
	char *unit = strdup(dbus_get_text(&body));
	bool start = str_equal(call->member, "StartTransientUnit"),
	     strange = memmem(call->body, call->len, "Strange", 7) != NULL;
	uint32_t serial = call->serial;

	reset = reset || str_equal(call->member, "ResetFailedUnit");
	if (mode == FAKE_NONSENSE)
		say(bus->fd, "l\2\1\1\377\377\377\377 and so on, and so on");
	else if (mode == FAKE_EMPTY)
		send_text(bus, serial, SYSTEMD_ERROR "NoSuchUnit", "s", "Unit not loaded.");
	else if (mode == FAKE_DENIES)
		send_text(bus, serial, "org.freedesktop.DBus.Error.AccessDenied", "s",
			  "Permission denied");
	else if (start && (mode == FAKE_TAKEN || (mode == FAKE_EXISTS && !reset)))
		send_text(bus, serial, SYSTEMD_ERROR "UnitExists", "s", "Unit already exists.");
	else if (mode == FAKE_PICKY && strange)
		send_text(bus, serial, "org.freedesktop.DBus.Error.PropertyReadOnly", "s",
			  "Cannot set property Strange, or unknown property.");
	else if (start || str_equal(call->member, "StopUnit"))
		do_job(bus, mode, serial, unit);
	else if (str_equal(call->member, "GetUnit"))
		send_text(bus, serial, NULL, "o", "/unit");
	else if (str_equal(call->member, "Get"))
		send_text(bus, serial, NULL, "v", group_of_units);
	else
		send_nothing(bus, serial);
	free(unit);
}

static void serve(int fd, enum fake_manager_mode mode, int calls)
{
	struct dbus bus = { .fd = fd, .deadline = clock_now() + 60000 };
	struct dbus_message call;

	if (mode == FAKE_CLOSES)
		return;
	if (mode == FAKE_GARBAGE)
		for (int i = 0; i < 1000; i++)
			say(fd, "0123456789");
	if (!greet(fd, mode))
		return;
	while (dbus_next(&bus, &call) == 0) {
		(void)dprintf(calls, "%s ", call.member);
		if (mode == FAKE_DROPS)
			return;
		if (mode != FAKE_MUTE)
			answer(&bus, mode, &call);
	}
}

static void run(int listener, enum fake_manager_mode mode, int calls)
{
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (mode == FAKE_SILENT)
			(void)pause();
		if (fd < 0)
			_exit(1);
		serve(fd, mode, calls);
		(void)shutdown(fd, SHUT_WR); /* what it still says may be on its way */
		fd_closep(&fd);
	}
}

static void listen_at(struct fake_manager *manager, int backlog)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", manager->path);
	manager->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(manager->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(manager->listener, backlog) < 0)
		abort();
	if (backlog)
		return;
	manager->waiting = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(manager->waiting, (struct sockaddr *)&address, sizeof(address)) < 0)
		abort();
}

void fake_manager_start(struct fake_manager *manager, enum fake_manager_mode mode)
{
	fake_manager_start_with(manager, mode, "/some.slice");
}

void fake_manager_start_with(struct fake_manager *manager, enum fake_manager_mode mode,
			     const char *group)
{
	char path[80];
	int calls;

	group_of_units = group;
	*manager = (struct fake_manager){ .listener = -1, .waiting = -1 };
	(void)strcpy(manager->dir, "/tmp/usrun-manager.XXXXXX");
	if (!mkdtemp(manager->dir))
		abort();
	(void)snprintf(path, sizeof(path), "%s/systemd", manager->dir);
	(void)mkdir(path, 0700);
	(void)snprintf(manager->path, sizeof(manager->path), "%s/systemd/private", manager->dir);
	(void)snprintf(path, sizeof(path), "%s/calls", manager->dir);
	calls = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (mode != FAKE_NONE)
		listen_at(manager, mode == FAKE_FULL ? 0 : 8);
	if (mode == FAKE_GONE)
		fd_closep(&manager->listener);
	if (mode != FAKE_NONE && mode != FAKE_GONE && mode != FAKE_FULL) {
		manager->pid = fork();
		if (manager->pid == 0)
			run(manager->listener, mode, calls);
		fd_closep(&manager->listener);
	}
	fd_closep(&calls);
}

void fake_manager_calls(const struct fake_manager *manager, char *buf, size_t size)
{
	char path[80];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/calls", manager->dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
	fd_closep(&fd);
}

void fake_manager_stop(struct fake_manager *manager)
{
	char path[80];

	if (manager->pid > 0) {
		(void)kill(manager->pid, SIGKILL);
		(void)waitpid(manager->pid, NULL, 0);
	}
	fd_closep(&manager->listener);
	fd_closep(&manager->waiting);
	(void)unlink(manager->path);
	(void)snprintf(path, sizeof(path), "%s/calls", manager->dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/systemd", manager->dir);
	(void)rmdir(path);
	(void)rmdir(manager->dir);
}
