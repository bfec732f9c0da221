/*
 * Writes whole blocks at random places of a file through one USRBIO ring, DEPTH of them outstanding, and says how
 * fast that was; each is durable when it completes.
 *
 * usage: ringwrite FILE BLOCK_BYTES DEPTH SECONDS
 * prints: operations per second
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hf3fs_usrbio.h"

static struct hf3fs_iov iov;
static struct hf3fs_ior ior;

static void die(const char *what, int error)
{
	fprintf(stderr, "ringwrite: %s; observed=%s; remedy: check the mount\n", what, strerror(error));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t next_random(void)
{
	static uint64_t state = 42;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Whether it was prepared: 3FS frees entries in order, so that a slow write keeps those of later ones. */
static int start(int fd, uint8_t *memory, size_t block, uint64_t blocks)
{
	int rc = hf3fs_prep_io(&ior, &iov, false, memory, fd, next_random() % blocks * block, block, memory);

	if (rc < 0 && rc != -EAGAIN)
		die("cannot prepare a write", -rc);
	return rc >= 0;
}

int main(int argc, char **argv)
{
	char mount[256];
	struct stat st;
	uint64_t done = 0, blocks;
	int fd, rc, outstanding = 0, idle = 0;

	if (argc != 5) {
		fprintf(stderr, "usage: ringwrite FILE BLOCK_BYTES DEPTH SECONDS\n");
		return 2;
	}
	size_t block = strtoul(argv[2], NULL, 10);
	int depth = atoi(argv[3]);
	double seconds = atof(argv[4]);
	fd = open(argv[1], O_RDWR);
	if (fd < 0 || fstat(fd, &st))
		die("cannot open the file", 2);
	blocks = (uint64_t)st.st_size / block;
	rc = hf3fs_extract_mount_point(mount, sizeof(mount), argv[1]);
	if (rc < 0 || blocks == 0)
		die("no file of a mount, or too small", 22);
	rc = hf3fs_reg_fd(fd, 0);
	if (rc > 0)
		die("cannot register the file", rc);
	rc = hf3fs_iovcreate(&iov, mount, (size_t)depth * block, 0, -1);
	if (rc < 0)
		die("cannot create a buffer", -rc);
	rc = hf3fs_iorcreate(&ior, mount, 4 * depth, false, 0, -1);
	if (rc < 0)
		die("cannot create a ring", -rc);
	for (size_t at = 0; at + 8 <= (size_t)depth * block; at += 8) {
		uint64_t bytes = next_random();

		memcpy(iov.base + at, &bytes, 8);
	}
	struct hf3fs_cqe *cqes = calloc((size_t)depth, sizeof(*cqes));
	if (!cqes)
		die("no memory", ENOMEM);

	uint8_t **free_blocks = calloc((size_t)depth, sizeof(*free_blocks));
	if (!free_blocks)
		die("no memory", ENOMEM);
	for (; idle < depth; idle++)
		free_blocks[idle] = iov.base + (size_t)idle * block;

	double begin = now(), end = begin + seconds;
	for (;;) {
		while (idle > 0 && now() < end && start(fd, free_blocks[idle - 1], block, blocks)) {
			idle--;
			outstanding++;
		}
		if (outstanding == 0)
			break;
		rc = hf3fs_submit_ios(&ior);
		if (rc != 0)
			die("cannot submit", -rc);
		int n = hf3fs_wait_for_ios(&ior, cqes, depth, 1, NULL);
		if (n <= 0)
			die("cannot wait", -n);
		for (int i = 0; i < n; i++) {
			if (cqes[i].result != (int64_t)block)
				die("a write failed", cqes[i].result < 0 ? (int)-cqes[i].result : EIO);
			free_blocks[idle++] = (uint8_t *)cqes[i].userdata;
			outstanding--;
			done++;
		}
	}
	printf("%.1f\n", (double)done / (now() - begin));
	free(free_blocks);
	free(cqes);
	hf3fs_iordestroy(&ior);
	hf3fs_iovdestroy(&iov);
	hf3fs_dereg_fd(fd);
	close(fd);
	return 0;
}
