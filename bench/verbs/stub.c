/*
 * A libibverbs without a NIC, for bench/verbs/operations: what is left of an operation when no device takes part. Set-up is as in
 * the library; post_send, post_recv and poll_cq are reached by the context's pointers. Posting writes a descriptor of 64 bytes
 * for each operation and rings a doorbell; then, in the same call, bytes are moved and completions written, as a NIC would by
 * itself. Polling turns completions of 64 bytes into what verbs give. One thread; no checks of keys, no recovery.
 *
 * Its two devices: stub0, and shim0, whose pointers lead to what a compiled shim would have: a function that calls the first's.
 */
#include <errno.h>
#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The header's inline versions ask for more than is here. */
#undef ibv_query_port
#undef ibv_reg_mr
#undef ibv_get_device_list

#define QUEUE_PAIRS 64
#define DEPTH 1024 /* of each queue; a power of two */
#define INLINE_BYTES 220
#define API __attribute__((visibility("default")))

struct descriptor {
	uint64_t id, address, remote_address;
	uint32_t opcode, flags, length, local_key, remote_key;
	uint32_t pad[5];
};

struct completion {
	uint64_t id;
	uint32_t status, opcode, length, qp_number, key, flags;
	uint32_t pad[7];
	uint32_t turn; /* which time round the queue this was written */
};

_Static_assert(sizeof(struct descriptor) == 64 && sizeof(struct completion) == 64, "a cache line each");

struct completions {
	struct ibv_cq cq;
	struct completion ring[DEPTH];
	uint32_t written, taken;
};

struct pair {
	struct ibv_qp qp;
	struct pair *peer;
	struct descriptor sends[DEPTH], receives[DEPTH];
	uint32_t sent, posted, received;
	volatile uint32_t doorbell;
};

struct context {
	struct ibv_context verbs;
	struct ibv_context_ops behind; /* of the shim */
};

static struct ibv_device devices[2] = { { .name = "stub0" }, { .name = "shim0" } };
static struct pair *pairs[QUEUE_PAIRS];

/* --- What each operation goes through ---------------------------------------------------------- */

static void complete(struct completions *to, uint64_t id, uint32_t opcode, uint32_t length, uint32_t qp_number)
{
	struct completion *c = &to->ring[to->written % DEPTH];

	c->id = id;
	c->status = IBV_WC_SUCCESS;
	c->opcode = opcode;
	c->length = length;
	c->qp_number = qp_number;
	c->key = 0;
	c->flags = 0;
	c->turn = 1 + to->written++ / DEPTH;
}

/* What the device does with a descriptor; false when the peer has no receive for it. */
static bool carry_out(struct pair *from, const struct descriptor *d)
{
	uint32_t done = IBV_WC_RDMA_WRITE;

	switch (d->opcode) {
	case IBV_WR_RDMA_WRITE:
		memcpy((void *)d->remote_address, (const void *)d->address, d->length);
		break;
	case IBV_WR_RDMA_READ:
		memcpy((void *)d->address, (const void *)d->remote_address, d->length);
		done = IBV_WC_RDMA_READ;
		break;
	default: {
		struct pair *to = from->peer;
		const struct descriptor *r = &to->receives[to->received % DEPTH];

		if (to->received == to->posted || r->length < d->length)
			return false;
		to->received++;
		memcpy((void *)r->address, (const void *)d->address, d->length);
		complete((struct completions *)to->qp.recv_cq, r->id, IBV_WC_RECV, d->length, to->qp.qp_num);
		done = IBV_WC_SEND;
	}
	}
	if (d->flags & IBV_SEND_SIGNALED)
		complete((struct completions *)from->qp.send_cq, d->id, done, d->length, from->qp.qp_num);
	return true;
}

static int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	struct pair *p = (struct pair *)qp;
	uint32_t first = p->sent;

	for (; wr; wr = wr->next) {
		struct descriptor *d = &p->sends[p->sent % DEPTH];
		bool known = wr->opcode == IBV_WR_SEND || wr->opcode == IBV_WR_RDMA_WRITE || wr->opcode == IBV_WR_RDMA_READ;

		if (!p->peer || !known || wr->num_sge != 1 || p->sent - first == DEPTH) {
			*bad = wr;
			return EINVAL;
		}
		d->id = wr->wr_id;
		d->opcode = wr->opcode;
		d->flags = wr->send_flags;
		d->address = wr->sg_list->addr;
		d->length = wr->sg_list->length;
		d->local_key = wr->sg_list->lkey;
		d->remote_address = wr->wr.rdma.remote_addr;
		d->remote_key = wr->wr.rdma.rkey;
		p->sent++;
	}
	p->doorbell = p->sent;
	for (; first != p->sent; first++) {
		if (!carry_out(p, &p->sends[first % DEPTH]))
			abort(); /* the peer of a benchmark is always ready */
	}
	return 0;
}

static int post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	struct pair *p = (struct pair *)qp;

	for (; wr; wr = wr->next) {
		struct descriptor *d = &p->receives[p->posted % DEPTH];

		if (wr->num_sge != 1 || p->posted - p->received == DEPTH) {
			*bad = wr;
			return ENOMEM;
		}
		d->id = wr->wr_id;
		d->address = wr->sg_list->addr;
		d->length = wr->sg_list->length;
		d->local_key = wr->sg_list->lkey;
		p->posted++;
	}
	p->doorbell = p->posted;
	return 0;
}

static int poll_cq(struct ibv_cq *cq, int most, struct ibv_wc *wc)
{
	struct completions *from = (struct completions *)cq;
	int count = 0;

	for (; count < most; count++, wc++) {
		const struct completion *c = &from->ring[from->taken % DEPTH];

		if (c->turn != 1 + from->taken / DEPTH)
			break;
		from->taken++;
		wc->wr_id = c->id;
		wc->status = c->status;
		wc->opcode = c->opcode;
		wc->vendor_err = 0;
		wc->byte_len = c->length;
		wc->invalidated_rkey = c->key;
		wc->qp_num = c->qp_number;
		wc->wc_flags = c->flags;
	}
	return count;
}

static int no_notification(struct ibv_cq *cq, int solicited_only)
{
	(void)cq;
	(void)solicited_only;
	return ENOSYS;
}

static struct ibv_mw *no_window(struct ibv_pd *pd, enum ibv_mw_type type)
{
	(void)pd;
	(void)type;
	errno = ENOSYS;
	return NULL;
}

static int keep_window(struct ibv_mw *mw)
{
	(void)mw;
	return ENOSYS;
}

/* --- The shim: what a library of ours would export in place of the header's inline functions ------ */

static int shim_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	return ((struct context *)qp->context)->behind.post_send(qp, wr, bad);
}

static int shim_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	return ((struct context *)qp->context)->behind.post_recv(qp, wr, bad);
}

static int shim_poll_cq(struct ibv_cq *cq, int most, struct ibv_wc *wc)
{
	return ((struct context *)cq->context)->behind.poll_cq(cq, most, wc);
}

/* --- Set-up ------------------------------------------------------------------------------------ */

API struct ibv_device **ibv_get_device_list(int *count)
{
	struct ibv_device **list = calloc(3, sizeof(*list));

	if (!list)
		return NULL;
	list[0] = &devices[0];
	list[1] = &devices[1];
	if (count)
		*count = 2;
	return list;
}

API void ibv_free_device_list(struct ibv_device **list)
{
	free(list);
}

API struct ibv_context *ibv_open_device(struct ibv_device *device)
{
	struct context *c = calloc(1, sizeof(*c));
	struct ibv_context_ops direct = { .post_send = post_send, .post_recv = post_recv, .poll_cq = poll_cq,
		.req_notify_cq = no_notification, .alloc_mw = no_window, .dealloc_mw = keep_window };

	if (!c)
		return NULL;
	c->verbs.device = device;
	c->verbs.ops = direct;
	c->behind = direct;
	if (device == &devices[1]) {
		c->verbs.ops.post_send = shim_post_send;
		c->verbs.ops.post_recv = shim_post_recv;
		c->verbs.ops.poll_cq = shim_poll_cq;
	}
	c->verbs.num_comp_vectors = 1;
	c->verbs.cmd_fd = eventfd(0, EFD_CLOEXEC);
	c->verbs.async_fd = eventfd(0, EFD_CLOEXEC);
	return &c->verbs;
}

API int ibv_close_device(struct ibv_context *context)
{
	close(context->cmd_fd);
	close(context->async_fd);
	free(context);
	return 0;
}

API int ibv_query_device(struct ibv_context *context, struct ibv_device_attr *attr)
{
	(void)context;
	memset(attr, 0, sizeof(*attr));
	attr->max_cqe = DEPTH;
	attr->max_qp_wr = DEPTH;
	attr->max_qp_rd_atom = 16;
	attr->max_qp_init_rd_atom = 16;
	attr->phys_port_cnt = 1;
	attr->device_cap_flags = IBV_DEVICE_MEM_WINDOW_TYPE_2B;
	return 0;
}

API int ibv_query_port(struct ibv_context *context, uint8_t port, struct _compat_ibv_port_attr *into)
{
	struct ibv_port_attr *attr = (struct ibv_port_attr *)into;

	(void)context;
	(void)port;
	attr->state = IBV_PORT_ACTIVE;
	attr->active_mtu = IBV_MTU_4096;
	attr->gid_tbl_len = 1;
	attr->link_layer = IBV_LINK_LAYER_ETHERNET;
	return 0;
}

API int _ibv_query_gid_ex(struct ibv_context *context, uint32_t port, uint32_t index, struct ibv_gid_entry *entry,
			  uint32_t flags, size_t size)
{
	(void)context;
	(void)flags;
	(void)size;
	entry->gid_index = index;
	entry->port_num = port;
	entry->gid_type = IBV_GID_TYPE_ROCE_V2;
	entry->gid.raw[10] = entry->gid.raw[11] = 0xff;
	entry->gid.raw[15] = 1;
	return 0;
}

API struct ibv_pd *ibv_alloc_pd(struct ibv_context *context)
{
	struct ibv_pd *pd = calloc(1, sizeof(*pd));

	if (pd)
		pd->context = context;
	return pd;
}

API int ibv_dealloc_pd(struct ibv_pd *pd)
{
	free(pd);
	return 0;
}

API struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *address, size_t length, int access)
{
	struct ibv_mr *mr = calloc(1, sizeof(*mr));

	(void)access;
	if (mr) {
		mr->context = pd->context;
		mr->pd = pd;
		mr->addr = address;
		mr->length = length;
		mr->lkey = 1;
	}
	return mr;
}

API int ibv_dereg_mr(struct ibv_mr *mr)
{
	free(mr);
	return 0;
}

API struct ibv_comp_channel *ibv_create_comp_channel(struct ibv_context *context)
{
	struct ibv_comp_channel *channel = calloc(1, sizeof(*channel));

	if (channel) {
		channel->context = context;
		channel->fd = eventfd(0, EFD_CLOEXEC);
	}
	return channel;
}

API int ibv_destroy_comp_channel(struct ibv_comp_channel *channel)
{
	close(channel->fd);
	free(channel);
	return 0;
}

API struct ibv_cq *ibv_create_cq(struct ibv_context *context, int entries, void *cq_context, struct ibv_comp_channel *channel,
				 int vector)
{
	struct completions *made = calloc(1, sizeof(*made));

	(void)cq_context;
	(void)vector;
	if (!made || entries > DEPTH) {
		free(made);
		errno = EINVAL;
		return NULL;
	}
	made->cq.context = context;
	made->cq.channel = channel;
	made->cq.cqe = DEPTH;
	return &made->cq;
}

API int ibv_destroy_cq(struct ibv_cq *cq)
{
	free(cq);
	return 0;
}

API int ibv_get_cq_event(struct ibv_comp_channel *channel, struct ibv_cq **cq, void **cq_context)
{
	(void)channel;
	(void)cq;
	(void)cq_context;
	errno = EAGAIN;
	return -1;
}

API void ibv_ack_cq_events(struct ibv_cq *cq, unsigned int count)
{
	(void)cq;
	(void)count;
}

API struct ibv_qp *ibv_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *attr)
{
	for (uint32_t i = 0; i < QUEUE_PAIRS; i++) {
		struct pair *p = pairs[i] ? NULL : calloc(1, sizeof(*p));

		if (p) {
			p->qp.context = pd->context;
			p->qp.pd = pd;
			p->qp.send_cq = attr->send_cq;
			p->qp.recv_cq = attr->recv_cq;
			p->qp.qp_num = i + 1;
			p->qp.qp_type = attr->qp_type;
			attr->cap.max_inline_data = INLINE_BYTES;
			pairs[i] = p;
			return &p->qp;
		}
	}
	errno = ENOMEM;
	return NULL;
}

API int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask)
{
	if (mask & IBV_QP_DEST_QPN) {
		if (attr->dest_qp_num == 0 || attr->dest_qp_num > QUEUE_PAIRS || !pairs[attr->dest_qp_num - 1])
			return EINVAL;
		((struct pair *)qp)->peer = pairs[attr->dest_qp_num - 1];
	}
	qp->state = attr->qp_state;
	return 0;
}

API int ibv_destroy_qp(struct ibv_qp *qp)
{
	pairs[qp->qp_num - 1] = NULL;
	free(qp);
	return 0;
}

API int ibv_get_async_event(struct ibv_context *context, struct ibv_async_event *event)
{
	(void)context;
	(void)event;
	errno = EAGAIN;
	return -1;
}

API void ibv_ack_async_event(struct ibv_async_event *event)
{
	(void)event;
}
