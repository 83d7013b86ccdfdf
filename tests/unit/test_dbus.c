/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/sys/dbus.h"
#include "src/sys/dbus_address.h"
#include "tests/lib/check.h"
#include "tests/lib/fake_manager.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHORT_MS = 200, LONG_MS = 60000 /* on a busy machine */ };

static struct str call_of(uint32_t serial)
{
	struct str body = { 0 }, bytes = { 0 };
	struct dbus_message call = { .type = DBUS_CALL,
				     .serial = serial,
				     .path = "/a",
				     .interface = "b.c",
				     .member = "D",
				     .signature = "sa(su)t" };
	size_t array;

	dbus_put_text(&body, "xy");
	array = dbus_put_array(&body, '(');
	dbus_put_struct(&body);
	dbus_put_text(&body, "k");
	dbus_put_u32(&body, 7);
	dbus_end_array(&body, array, '(');
	dbus_put_u64(&body, 1);
	call.body = body.s;
	call.len = body.len;
	dbus_write(&bytes, &call);
	str_done(&body);
	return bytes;
}

/* The layout, written down by hand from the specification. */
TEST(a_call_has_the_layout_of_the_specification)
{
	static const char wanted[] = "l\1\0\1"
				     "\50\0\0\0"
				     "\11\0\0\0"
				     "\75\0\0\0"
				     "\1\1o\0\2\0\0\0/a\0\0\0\0\0\0"
				     "\2\1s\0\3\0\0\0b.c\0\0\0\0\0"
				     "\3\1s\0\1\0\0\0D\0\0\0\0\0\0\0"
				     "\10\1g\0\7sa(su)t\0"
				     "\0\0\0" /* to 8 */
				     "\2\0\0\0xy\0\0"
				     "\14\0\0\0\0\0\0\0"
				     "\1\0\0\0k\0\0\0"
				     "\7\0\0\0"
				     "\0\0\0\0"
				     "\1\0\0\0\0\0\0";
	struct str bytes = call_of(9);

	if (*bytes.s == 'l') {
		CHECK_INT(bytes.len, sizeof(wanted));
		for (size_t i = 0; i < sizeof(wanted) - 1; i++)
			if (bytes.s[i] != wanted[i])
				CHECK_INT(i, -1);
	}
	CHECK_INT(dbus_measure(bytes.s), bytes.len);
	str_done(&bytes);
}

TEST(what_is_written_is_read)
{
	struct str bytes = call_of(9);
	struct dbus_message message;
	struct dbus_reader body;

	CHECK_INT(dbus_read(bytes.s, bytes.len, &message), 0);
	CHECK_INT(message.type, DBUS_CALL);
	CHECK_INT(message.serial, 9);
	CHECK_STR(message.path, "/a");
	CHECK_STR(message.interface, "b.c");
	CHECK_STR(message.member, "D");
	CHECK_STR(message.signature, "sa(su)t");
	CHECK(!message.error && !message.destination && !message.reply_to);
	body = dbus_open_body(&message, "sa(su)t");
	CHECK_STR(dbus_get_text(&body), "xy");
	CHECK(!body.bad);
	body = dbus_open_body(&message, "s");
	CHECK(!dbus_get_text(&body) && body.bad);
	str_done(&bytes);
}

TEST(the_other_byte_order_is_read)
{
	static const char signal[] = "B\4\0\1"
				     "\0\0\0\11"
				     "\0\0\0\5"
				     "\0\0\0\31"
				     "\10\1g\0\1s\0\0"
				     "\5\1u\0\0\0\1\2"
				     "\3\1s\0\0\0\0\0\0"
				     "\0\0\0\0\0\0\0" /* to 8 */
				     "\0\0\0\4abcd\0";
	struct dbus_message message;
	struct dbus_reader body;

	CHECK_INT(dbus_read(signal, sizeof(signal) - 1, &message), 0);
	CHECK_INT(message.type, DBUS_SIGNAL);
	CHECK_INT(message.serial, 5);
	CHECK_INT(message.reply_to, 0x102);
	CHECK_STR(message.member, "");
	body = dbus_open_body(&message, "s");
	CHECK_STR(dbus_get_text(&body), "abcd");
	CHECK(!body.bad);
}

/* Whatever the bytes, nothing outside of them is read: for the sanitizers. */
TEST(damaged_messages_are_refused)
{
	struct str bytes = call_of(9);
	struct dbus_message message;
	struct dbus_reader body;
	char head[DBUS_HEAD];

	for (size_t cut = 0; cut < bytes.len; cut++)
		CHECK(dbus_read(bytes.s, cut, &message) == -EBADMSG);
	for (size_t i = 0; i < bytes.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			bytes.s[i] = (char)(bytes.s[i] ^ 1 << bit);
			if (dbus_read(bytes.s, bytes.len, &message) == 0) {
				body = dbus_open_body(&message, "sa(su)t");
				(void)dbus_get_text(&body);
				(void)dbus_get_u32(&body);
				(void)dbus_get_signature(&body);
			}
			bytes.s[i] = (char)(bytes.s[i] ^ 1 << bit);
		}
	body = (struct dbus_reader){ .bytes = "\377\377\377\377", .len = 4 };
	CHECK(!dbus_get_text(&body) && body.bad);
	memcpy(head, bytes.s, sizeof(head));
	memset(head + 4, 0xff, 4);
	CHECK_INT(dbus_measure(head), -EMSGSIZE);
	head[3] = 2;
	CHECK_INT(dbus_measure(head), -EBADMSG);
	str_done(&bytes);
}

static void check_open(enum fake_manager_mode mode, int error, const char *text)
{
	struct fake_manager manager;
	long long start = clock_now();
	struct err err = { 0 };
	struct dbus bus;
	int r;

	fake_manager_start(&manager, mode);
	/* A busy machine, or an emulator, takes its time for an answer. */
	r = dbus_open(manager.path, error == ETIMEDOUT ? SHORT_MS : LONG_MS, &bus, &err);
	CHECK_INT(r, -error);
	CHECK(error != ETIMEDOUT || clock_now() - start < LONG_MS);
	if (r == 0)
		dbus_close(&bus);
	else
		CHECK_ERR(r, &err, text);
	fake_manager_stop(&manager);
}

TEST(who_answers_is_told_from_who_does_not)
{
	check_open(FAKE_GOOD, 0, "");
	check_open(FAKE_OLD, 0, "");
	check_open(FAKE_SILENT, ETIMEDOUT, "systemd/private did not answer within 0.2 s");
	check_open(FAKE_FULL, ETIMEDOUT, "systemd/private did not answer within 0.2 s");
	check_open(FAKE_REJECTS, ECONNABORTED, "rejects this user");
	check_open(FAKE_GARBAGE, EBADMSG, "does not speak D-Bus");
	check_open(FAKE_CLOSES, EPIPE, "closed the connection");
	check_open(FAKE_GONE, ECONNREFUSED, "connect to ");
	check_open(FAKE_NONE, ENOENT, "connect to ");
}

/* Another user's, in a directory where everybody may write. */
TEST(a_manager_of_another_user_is_not_spoken_to)
{
	char dir[] = "/tmp/usrun-test-dbus-XXXXXX", path[64];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int ready[2], listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct err err = { 0 };
	struct dbus bus;
	pid_t pid;
	char word;

	if (geteuid() != 0) {
		(void)puts("passed over: needs root, to be two users");
		return;
	}
	CHECK(mkdtemp(dir) != NULL);
	(void)snprintf(path, sizeof(path), "%s/private", dir);
	(void)strcpy(address.sun_path, path);
	CHECK_INT(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_INT(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) { /* whoever listens is the peer */
		if (setresuid(65534, 65534, 65534) < 0 || listen(listener, 8) < 0)
			_exit(1);
		(void)!write(ready[1], "x", 1);
		for (;;)
			(void)pause();
	}
	fd_closep(&ready[1]);
	CHECK_INT(read(ready[0], &word, 1), 1);
	CHECK_ERR(dbus_open(path, LONG_MS, &bus, &err), &err,
		  "belongs to neither the caller nor root");
	(void)kill(pid, SIGKILL);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	fd_closep(&ready[0]);
	fd_closep(&listener);
	(void)unlink(path);
	CHECK_INT(rmdir(dir), 0);
}

/* systemd does not see a call that it has read together with "BEGIN". */
TEST(the_first_call_is_answered)
{
	struct dbus_message call = { .type = DBUS_CALL,
				     .path = "/org/freedesktop/systemd1",
				     .interface = "org.freedesktop.systemd1.Manager",
				     .member = "GetUnit",
				     .signature = "s" },
			    reply = { 0 };
	struct fake_manager manager;
	struct str body = { 0 };
	struct err err = { 0 };
	struct dbus bus;

	dbus_put_text(&body, "a.scope");
	call.body = body.s;
	call.len = body.len;
	fake_manager_start(&manager, FAKE_GOOD);
	CHECK_INT(dbus_open(manager.path, LONG_MS, &bus, &err), 0);
	CHECK_INT(dbus_send(&bus, &call), 0);
	CHECK_INT(dbus_next(&bus, &reply), 0);
	CHECK_INT(reply.reply_to, call.serial);
	dbus_close(&bus);
	fake_manager_stop(&manager);
	str_done(&body);
}

/* The paths of a list, "-" for an address without one, and "!" if it ends in an error. */
static const char *paths_of(struct arena *arena, const char *list)
{
	const char *all = "", *path;
	int r;

	while ((r = dbus_address_next(arena, &list, &path)) == 1)
		all = arena_strf(arena, "%s%s ", all, path ? path : "-");
	return r < 0 ? arena_strf(arena, "%s!", all) : all;
}

TEST(addresses_of_servers)
{
	struct arena arena = { 0 };

	CHECK_STR(paths_of(&arena, ""), "");
	CHECK_STR(paths_of(&arena, "unix:path=/run/user/1000/bus"), "/run/user/1000/bus ");
	CHECK_STR(paths_of(&arena, "unix:guid=0a1b,path=/a"), "/a ");
	CHECK_STR(paths_of(&arena, "unix:path=/a,guid=0a1b;"), "/a ");
	CHECK_STR(paths_of(&arena, "unix:path=/tmp/a%20b%2c%3B%25"), "/tmp/a b,;% ");
	CHECK_STR(paths_of(&arena, "unix:abstract=/tmp/x,guid=1;tcp:host=::1,port=1;unix:path=/b"),
		  "- - /b ");
	CHECK_STR(paths_of(&arena, "unixexec:path=/bin/ssh;autolaunch:;unix:xpath=/a"), "- - - ");
	CHECK_STR(paths_of(&arena, "/run/bus"), "!");
	CHECK_STR(paths_of(&arena, "unix:path=/a;unix:path"), "/a !");
	CHECK_STR(paths_of(&arena, "unix:path=/a%2"), "!");
	CHECK_STR(paths_of(&arena, "unix:path=/a%2g"), "!");
	CHECK_STR(paths_of(&arena, "unix:path=/a%00b"), "!");
	CHECK_STR(paths_of(&arena, ":path=/a"), "!");
	CHECK_STR(dbus_address_of(&arena, "/run/a b,c%\xc3\xa9-_.*\\"),
		  "unix:path=/run/a%20b%2cc%25%c3%a9-_.*\\");
	arena_free(&arena);
}
