/* SPDX-License-Identifier: Apache-2.0 */
/* Inside a container: connects to the host as soon as it can, and streams both ways.
 *
 *   stream ADDRESS PORT MIB */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MIB = 1 << 20, TRIES = 30000 };

static char buffer[MIB];

static int connect_to(const struct sockaddr_in *address)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < TRIES; i++) {
		int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (sock >= 0 &&
		    connect(sock, (const struct sockaddr *)address, sizeof(*address)) == 0)
			return sock;
		(void)close(sock);
		(void)nanosleep(&pause, NULL);
	}
	return -1;
}

static int move(int sock, size_t left, int up)
{
	while (left > 0) {
		size_t want = left < sizeof(buffer) ? left : sizeof(buffer);
		ssize_t n =
			up ? send(sock, buffer, want, MSG_NOSIGNAL) : recv(sock, buffer, want, 0);

		if (n <= 0)
			return -1;
		left -= (size_t)n;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	size_t bytes;
	int sock;

	if (argc != 4 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1)
		return 2;
	address.sin_port = htons((uint16_t)atoi(argv[2]));
	bytes = (size_t)atoi(argv[3]) * MIB;
	sock = connect_to(&address);
	/* Up, then down, a byte that says that all of it has come, and the end: the helper may be
	 * killed with us. */
	if (sock < 0 || move(sock, bytes, 1) < 0 || move(sock, bytes, 0) < 0 ||
	    move(sock, 1, 1) < 0 || recv(sock, buffer, 1, 0) != 0) {
		perror("stream");
		return 1;
	}
	return 0;
}
