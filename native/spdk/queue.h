/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An NVMe queue pair as Java drives it: requests and their completions cross in memory, a whole cycle's worth of them
 * by one call. SPDK completes a request by a callback; were that Java's, each would cost an upcall.
 *
 *   Java                                     lmp_nvme_cycle
 *   fills slots[n], submissions[tail++] = n ─► gives them to SPDK until it has no room
 *                                             polls the queue pair
 *   takes slots[n] back                     ◄─ completions[tail++] = n, with status or error in slots[n]
 *
 * One thread uses a queue. The rings have as many entries as there are slots, so neither runs over.
 */
#ifndef LAMPYRIS_SPDK_QUEUE_H
#define LAMPYRIS_SPDK_QUEUE_H

#include "../abi/spdk.h"

enum { LMP_NVME_READ = 0, LMP_NVME_WRITE = 1, LMP_NVME_FLUSH = 2, LMP_NVME_DEALLOCATE = 3 };

struct lmp_nvme_queue;

/* One request; its address is what SPDK's callback gets. */
struct lmp_nvme_slot {
	struct lmp_nvme_queue *queue;
	void *buffer;
	uint64_t lba;
	uint32_t blocks;
	uint32_t flags;
	uint16_t kind;
	uint16_t status; /* as in the completion queue entry, without the phase bit; 0 is success */
	int32_t error;   /* errno of a submission that was refused, negative; else 0 */
	struct abi_nvme_dsm_range range;
	uint64_t reserved;
};

struct lmp_nvme_queue {
	/* SPDK's functions, found by who loaded it. */
	int (*read)(struct spdk_nvme_ns *, struct spdk_nvme_qpair *, void *, uint64_t, uint32_t, abi_nvme_cmd_cb, void *,
		uint32_t);
	int (*write)(struct spdk_nvme_ns *, struct spdk_nvme_qpair *, void *, uint64_t, uint32_t, abi_nvme_cmd_cb, void *,
		uint32_t);
	int (*flush)(struct spdk_nvme_ns *, struct spdk_nvme_qpair *, abi_nvme_cmd_cb, void *);
	int (*dataset_management)(struct spdk_nvme_ns *, struct spdk_nvme_qpair *, uint32_t,
		const struct abi_nvme_dsm_range *, uint16_t, abi_nvme_cmd_cb, void *);
	int32_t (*process_completions)(struct spdk_nvme_qpair *, uint32_t);
	struct spdk_nvme_ns *ns;
	struct spdk_nvme_qpair *qpair;
	struct lmp_nvme_slot *slots;
	uint32_t *submissions;
	uint32_t *completions;
	uint32_t mask; /* slots - 1, of a power of two */
	uint32_t submitted_head;
	uint32_t submitted_tail; /* Java's */
	uint32_t completed_tail;
};

/*
 * Submits what waits, then polls. Returns how many SPDK processed, or its negative errno: the queue pair is
 * disconnected. Requests that come out meanwhile are in completions either way.
 */
int32_t lmp_nvme_cycle(struct lmp_nvme_queue *queue, uint32_t completions_max);

/* A callback for requests whose outcome nobody asks for. */
void lmp_nvme_ignore(void *context, const struct spdk_nvme_cpl *completion);

/*
 * libspdk_env_dpdk takes SIGBUS when it is loaded, for devices that are pulled while their registers are read, and
 * asks nobody else; the JVM needs it for mappings that others shrink. Called before and after the loading: from then
 * on SPDK's handler gets the signals of threads that are inside it, and who had it before gets the others. Both
 * return 0 or -errno.
 */
int lmp_sigbus_save(void);
int lmp_sigbus_share(void);

/* For calls of SPDK that do not go through a queue: the thread is inside it until it leaves. */
void lmp_spdk_enter(void);
void lmp_spdk_leave(void);

#endif
