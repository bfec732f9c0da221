/*
 * What two threads of C with blocking sockets make of the loopback device: the limit that bench/perf/net
 * holds calls against. One connection; the client keeps DEPTH requests in flight and answers come in order.
 *
 * usage: netlimit REQUEST_BYTES ANSWER_BYTES DEPTH MILLISECONDS
 * prints: operations per second, median round trip in ns, CPU time per operation of both threads in ns
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES (1 << 20)

static size_t request_bytes, answer_bytes;
static char *request, *answer;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return ((uint64_t)u.ru_utime.tv_sec + (uint64_t)u.ru_stime.tv_sec) * 1000000000u +
	       ((uint64_t)u.ru_utime.tv_usec + (uint64_t)u.ru_stime.tv_usec) * 1000u;
}

/* 0 at the end of the stream. */
static int take(int fd, char *into, size_t length)
{
	while (length > 0) {
		ssize_t n = recv(fd, into, length, MSG_WAITALL);

		if (n <= 0)
			return 0;
		into += n;
		length -= (size_t)n;
	}
	return 1;
}

static void give(int fd, const char *from, size_t length)
{
	while (length > 0) {
		ssize_t n = send(fd, from, length, MSG_NOSIGNAL);

		if (n < 0)
			die("send");
		from += n;
		length -= (size_t)n;
	}
}

static void no_delay(int fd)
{
	int one = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		die("setsockopt");
}

static void *serve(void *listener)
{
	int fd = accept(*(int *)listener, NULL, NULL);
	char *in = malloc(request_bytes);

	if (fd < 0 || !in)
		die("accept");
	no_delay(fd);
	while (take(fd, in, request_bytes))
		give(fd, answer, answer_bytes);
	close(fd);
	free(in);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(at);
	pthread_t server;
	uint64_t *sent, *samples, begin, end, last, burnt, done = 0;
	unsigned depth;
	char *in;
	int listener, fd;

	if (argc != 5) {
		fprintf(stderr, "usage: netlimit REQUEST_BYTES ANSWER_BYTES DEPTH MILLISECONDS\n");
		return 2;
	}
	request_bytes = strtoul(argv[1], NULL, 10);
	answer_bytes = strtoul(argv[2], NULL, 10);
	depth = (unsigned)strtoul(argv[3], NULL, 10);
	request = calloc(1, request_bytes);
	answer = calloc(1, answer_bytes);
	in = malloc(answer_bytes);
	sent = calloc(depth, sizeof(*sent));
	samples = calloc(SAMPLES, sizeof(*samples));
	if (!request || !answer || !in || !sent || !samples)
		die("malloc");
	memset(request, 1, request_bytes);
	memset(answer, 1, answer_bytes);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 1))
		die("listen");
	if (getsockname(listener, (struct sockaddr *)&at, &length))
		die("getsockname");
	if (pthread_create(&server, NULL, serve, &listener))
		die("pthread_create");
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)))
		die("connect");
	no_delay(fd);

	burnt = cpu();
	begin = now();
	end = begin + strtoull(argv[4], NULL, 10) * 1000000u;
	for (unsigned i = 0; i < depth; i++) {
		sent[i] = now();
		give(fd, request, request_bytes);
	}
	do {
		if (!take(fd, in, answer_bytes))
			die("recv");
		last = now();
		samples[done % SAMPLES] = last - sent[done % depth];
		sent[done % depth] = last;
		done++;
		if (last < end)
			give(fd, request, request_bytes);
	} while (last < end);
	burnt = cpu() - burnt;
	for (unsigned i = 1; i < depth; i++) {
		if (!take(fd, in, answer_bytes))
			die("recv");
	}
	shutdown(fd, SHUT_RDWR);

	size_t kept = done < SAMPLES ? done : SAMPLES;

	qsort(samples, kept, sizeof(*samples), compare);
	printf("%.1f %llu %.0f\n", (double)done * 1e9 / (double)(last - begin),
	       (unsigned long long)samples[kept / 2], (double)burnt / (double)done);
	return 0;
}
