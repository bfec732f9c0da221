/* SPDX-License-Identifier: Apache-2.0 */
#include "queue.h"

#include <errno.h>
#include <signal.h>

static _Thread_local int inside;

/* ---- requests ---- */

static void complete(struct lmp_nvme_slot *slot, uint16_t status, int32_t error)
{
	struct lmp_nvme_queue *queue = slot->queue;
	slot->status = status;
	slot->error = error;
	queue->completions[queue->completed_tail++ & queue->mask] = (uint32_t)(slot - queue->slots);
}

static void on_completion(void *context, const struct spdk_nvme_cpl *completion)
{
	const struct abi_nvme_cpl *entry = (const struct abi_nvme_cpl *)(const void *)completion;
	complete(context, (uint16_t)(entry->status_raw >> 1), 0);
}

static int submit(struct lmp_nvme_queue *queue, struct lmp_nvme_slot *slot)
{
	switch (slot->kind) {
	case LMP_NVME_READ:
		return queue->read(queue->ns, queue->qpair, slot->buffer, slot->lba, slot->blocks, on_completion, slot,
			slot->flags);
	case LMP_NVME_WRITE:
		return queue->write(queue->ns, queue->qpair, slot->buffer, slot->lba, slot->blocks, on_completion, slot,
			slot->flags);
	case LMP_NVME_FLUSH:
		return queue->flush(queue->ns, queue->qpair, on_completion, slot);
	case LMP_NVME_DEALLOCATE:
		return queue->dataset_management(queue->ns, queue->qpair, ABI_NVME_DSM_ATTR_DEALLOCATE, &slot->range, 1,
			on_completion, slot);
	default:
		return -EINVAL;
	}
}

__attribute__((visibility("default"))) int32_t lmp_nvme_cycle(struct lmp_nvme_queue *queue, uint32_t completions_max)
{
	inside++;
	while (queue->submitted_head != queue->submitted_tail) {
		struct lmp_nvme_slot *slot = &queue->slots[queue->submissions[queue->submitted_head & queue->mask]];
		int error = submit(queue, slot);
		if (error == -ENOMEM)
			break; /* until what is in flight gives its requests back */
		queue->submitted_head++;
		if (error != 0)
			complete(slot, 0, error);
	}
	int32_t processed = queue->process_completions(queue->qpair, completions_max);
	inside--;
	return processed;
}

__attribute__((visibility("default"))) void lmp_nvme_ignore(void *context, const struct spdk_nvme_cpl *completion)
{
	(void)context;
	(void)completion;
}

/* ---- SIGBUS ---- */

static struct sigaction before_spdk;
static struct sigaction spdks;

__attribute__((visibility("default"))) void lmp_spdk_enter(void)
{
	inside++;
}

__attribute__((visibility("default"))) void lmp_spdk_leave(void)
{
	inside--;
}

static void on_sigbus(int number, siginfo_t *info, void *context)
{
	const struct sigaction *to = inside > 0 ? &spdks : &before_spdk;
	if ((to->sa_flags & SA_SIGINFO) != 0) {
		to->sa_sigaction(number, info, context);
	} else if (to->sa_handler != SIG_DFL && to->sa_handler != SIG_IGN) {
		to->sa_handler(number);
	} else {
		/* As if this were not here: the access is tried again, and the signal ends the process. */
		signal(number, SIG_DFL);
	}
}

__attribute__((visibility("default"))) int lmp_sigbus_save(void)
{
	return sigaction(SIGBUS, NULL, &before_spdk) == 0 ? 0 : -errno;
}

__attribute__((visibility("default"))) int lmp_sigbus_share(void)
{
	if (sigaction(SIGBUS, NULL, &spdks) != 0)
		return -errno;
	if (spdks.sa_sigaction == on_sigbus || spdks.sa_sigaction == before_spdk.sa_sigaction)
		return 0;
	struct sigaction both = before_spdk;
	both.sa_sigaction = on_sigbus;
	both.sa_flags |= SA_SIGINFO;
	return sigaction(SIGBUS, &both, NULL) == 0 ? 0 : -errno;
}
