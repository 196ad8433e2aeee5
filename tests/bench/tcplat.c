// SPDX-License-Identifier: GPL-2.0
/*
 * Ping-pong over TCP, both ends polling as perftest's latency programs do.
 *   tcplat -s ADDRESS PORT
 *   tcplat -c ADDRESS PORT SOURCE ROUNDS BYTES    half of each round trip, in us
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char buf[65536];

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

/* 0 at the end of the connection. */
static int take(int fd, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = recv(fd, buf + have, len - have, MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return 0;
		if (n > 0)
			have += n;
	}
	return 1;
}

static void address(struct sockaddr_in *a, const char *ip, int port)
{
	*a = (struct sockaddr_in) { .sin_family = AF_INET, .sin_port = htons(port) };
	if (inet_pton(AF_INET, ip, &a->sin_addr) != 1)
		exit(2);
}

int main(int argc, char **argv)
{
	struct sockaddr_in a, from;
	int fd, one = 1, i, rounds;
	uint32_t len;
	double *times;

	if (argc < 4)
		return 2;
	address(&a, argv[2], atoi(argv[3]));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (argv[1][1] == 's') {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1))
			return 1;
		fd = accept(fd, NULL, NULL);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (!take(fd, 4))
			return 1;
		memcpy(&len, buf, 4);
		while (take(fd, len))
			if (send(fd, buf, len, MSG_NOSIGNAL) != (ssize_t)len)
				return 0;
		return 0;
	}
	if (argc < 7)
		return 2;
	address(&from, argv[4], 0);
	rounds = atoi(argv[5]);
	len = atoi(argv[6]);
	times = calloc(rounds, sizeof(*times));
	if (!times || len > sizeof(buf) || bind(fd, (struct sockaddr *)&from, sizeof(from)) ||
	    connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (send(fd, &len, 4, 0) != 4)
		return 1;
	for (i = 0; i < rounds; i++) {
		double start = now_us();

		if (send(fd, buf, len, 0) != (ssize_t)len || !take(fd, len))
			return 1;
		times[i] = (now_us() - start) / 2;
	}
	for (i = 0; i < rounds; i++)
		printf("%.2f\n", times[i]);
	return 0;
}
