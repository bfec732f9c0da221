/*
 * What a program of C pays for the operations that io.lampyris.bench.verbs.OperationsBench does, over the same library without a
 * NIC (stub.c): the limit that bench/verbs/operations holds Java against.
 *
 * usage: loop WAY BATCH MILLISECONDS; prints nanoseconds per operation
 *   write    RDMA WRITEs of 64 bytes, linked and posted together; each tells of its completion
 *   linked   the same; the last tells for all
 *   message  SENDs of 64 bytes, the last of which tells; each is received, and the receives are posted again together
 */
#include <infiniband/verbs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENTRIES 256
#define BATCH_MAX 32
#define BYTES 64

static struct ibv_qp *from, *to;
static struct ibv_cq *cq;
static struct ibv_send_wr sends[ENTRIES];
static struct ibv_recv_wr receives[ENTRIES];
static struct ibv_sge send_sges[ENTRIES], receive_sges[ENTRIES];
static char memory[2 * BYTES * ENTRIES];
static uint32_t posted, expected;
static uint64_t sum;

static void die(const char *what)
{
	fprintf(stderr, "loop: %s failed\n", what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void fill(uint32_t entry, enum ibv_wr_opcode opcode, unsigned int flags)
{
	struct ibv_send_wr *wr = &sends[entry];

	send_sges[entry] = (struct ibv_sge){ .addr = (uintptr_t)memory + entry * BYTES, .length = BYTES, .lkey = 1 };
	wr->wr_id = entry;
	wr->next = NULL;
	wr->sg_list = &send_sges[entry];
	wr->num_sge = 1;
	wr->opcode = opcode;
	wr->send_flags = flags;
	if (opcode == IBV_WR_RDMA_WRITE) {
		wr->wr.rdma.remote_addr = (uintptr_t)memory + (ENTRIES + entry) * BYTES;
		wr->wr.rdma.rkey = 7;
	}
}

static void post(int batch, enum ibv_wr_opcode opcode, unsigned int flags)
{
	uint32_t first = posted % ENTRIES;
	struct ibv_send_wr *bad;

	for (int i = 0; i < batch; i++) {
		uint32_t entry = posted++ % ENTRIES;

		fill(entry, opcode, flags | IBV_SEND_INLINE);
		if (i > 0)
			sends[(entry - 1) % ENTRIES].next = &sends[entry];
	}
	sends[(posted - 1) % ENTRIES].send_flags |= IBV_SEND_SIGNALED;
	if (ibv_post_send(from, &sends[first], &bad))
		die("ibv_post_send");
}

/* Takes so many completions; receives among them are linked and posted again. */
static void take(int count)
{
	struct ibv_wc wc[BATCH_MAX];
	struct ibv_recv_wr *first = NULL, *last = NULL, *bad;

	while (count > 0) {
		int got = ibv_poll_cq(cq, BATCH_MAX, wc);

		for (int i = 0; i < got; i++) {
			if (wc[i].status != IBV_WC_SUCCESS)
				die("an operation");
			sum += wc[i].byte_len;
			if (wc[i].wr_id >= ENTRIES) {
				struct ibv_recv_wr *wr = &receives[wc[i].wr_id - ENTRIES];

				if (wc[i].wr_id - ENTRIES != expected++ % ENTRIES)
					die("the order of receives");
				wr->next = NULL;
				if (last)
					last->next = wr;
				else
					first = wr;
				last = wr;
			}
		}
		count -= got;
	}
	if (first && ibv_post_recv(to, first, &bad))
		die("ibv_post_recv");
}

static void turn(const char *way, int batch)
{
	if (*way == 'w') {
		post(batch, IBV_WR_RDMA_WRITE, IBV_SEND_SIGNALED);
		take(batch);
	} else if (*way == 'l') {
		post(batch, IBV_WR_RDMA_WRITE, 0);
		take(1);
	} else {
		post(batch, IBV_WR_SEND, 0);
		take(batch + 1);
	}
}

static void connect_to(struct ibv_qp *one, struct ibv_qp *other)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RTR, .dest_qp_num = other->qp_num };

	if (ibv_modify_qp(one, &attr, IBV_QP_STATE | IBV_QP_DEST_QPN))
		die("ibv_modify_qp");
}

int main(int argc, char **argv)
{
	struct ibv_context *context = ibv_open_device(ibv_get_device_list(NULL)[0]);
	struct ibv_pd *pd = ibv_alloc_pd(context);
	struct ibv_qp_init_attr attr = { .qp_type = IBV_QPT_RC };
	struct ibv_recv_wr *bad;
	uint64_t start, end, done = 0;
	int batch;

	if (argc != 4 || (batch = atoi(argv[2])) < 1 || batch > BATCH_MAX) {
		fprintf(stderr, "usage: loop write|linked|message BATCH MILLISECONDS\n");
		return 2;
	}
	cq = ibv_create_cq(context, 2 * ENTRIES, NULL, NULL, 0);
	attr.send_cq = attr.recv_cq = cq;
	from = ibv_create_qp(pd, &attr);
	to = ibv_create_qp(pd, &attr);
	if (!cq || !from || !to)
		die("set-up");
	connect_to(from, to);
	connect_to(to, from);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		receive_sges[i] = (struct ibv_sge){ .addr = (uintptr_t)memory + (ENTRIES + i) * BYTES, .length = BYTES, .lkey = 1 };
		receives[i] = (struct ibv_recv_wr){ .wr_id = ENTRIES + i, .sg_list = &receive_sges[i], .num_sge = 1 };
		if (ibv_post_recv(to, &receives[i], &bad))
			die("ibv_post_recv");
	}
	memset(memory, 1, sizeof(memory));
	start = now_ns();
	end = start + strtoull(argv[3], NULL, 10) * 1000000u;
	do {
		for (int i = 0; i < 1024; i++)
			turn(argv[1], batch);
		done += 1024u * (unsigned)batch;
	} while (now_ns() < end);
	printf("%.1f\n", (double)(now_ns() - start) / (double)done);
	return sum == 0;
}
