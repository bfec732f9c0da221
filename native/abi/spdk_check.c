/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles only if abi/spdk.h says what SPDK's own headers say. Of a function that both declare, C refuses two
 * prototypes that differ. That SPDK declares each of them at all is held by the generated spdk_names.c.
 */
#include <spdk/env.h>
#include <spdk/log.h>
#include <spdk/nvme.h>
#include <spdk/nvme_spec.h>

#include "spdk.h"

#define NUMBER(name) _Static_assert((uint64_t)ABI_##name == (uint64_t)SPDK_##name, #name)
#define SIGNED(name) _Static_assert(ABI_##name == SPDK_##name, #name)
#define SIZE(type) _Static_assert(sizeof(struct abi_##type) == sizeof(struct spdk_##type), "size of " #type)
#define FIELD(type, field)                                                                                        \
	_Static_assert(offsetof(struct abi_##type, field) == offsetof(struct spdk_##type, field), #type "." #field); \
	_Static_assert(sizeof(((struct abi_##type *)0)->field) == sizeof(((struct spdk_##type *)0)->field),          \
		"size of " #type "." #field)

NUMBER(NVME_IO_FLAGS_FORCE_UNIT_ACCESS);
NUMBER(NVME_NS_DEALLOCATE_SUPPORTED);
NUMBER(NVME_NS_FLUSH_SUPPORTED);
NUMBER(NVME_DSM_ATTR_DEALLOCATE);
NUMBER(NVME_TRANSPORT_VFIOUSER);
NUMBER(LOG_WARN);
SIGNED(ENV_NUMA_ID_ANY);
NUMBER(MALLOC_DMA);
NUMBER(NVME_SCT_GENERIC);
NUMBER(NVME_SC_ABORTED_BY_REQUEST);
NUMBER(NVME_SC_ABORTED_SQ_DELETION);
NUMBER(NVME_SC_LBA_OUT_OF_RANGE);
NUMBER(NVME_SC_CAPACITY_EXCEEDED);

SIZE(pci_addr);
FIELD(pci_addr, domain);
FIELD(pci_addr, bus);
FIELD(pci_addr, dev);
FIELD(pci_addr, func);

/* Later versions may add fields behind these: the library reads only opts_size bytes. */
_Static_assert(sizeof(struct abi_env_opts) <= sizeof(struct spdk_env_opts), "size of env_opts");
FIELD(env_opts, name);
FIELD(env_opts, core_mask);
FIELD(env_opts, shm_id);
FIELD(env_opts, mem_size);
FIELD(env_opts, no_pci);
FIELD(env_opts, hugepage_single_segments);
FIELD(env_opts, unlink_hugepage);
FIELD(env_opts, no_huge);
FIELD(env_opts, num_pci_addr);
FIELD(env_opts, hugedir);
FIELD(env_opts, pci_allowed);
FIELD(env_opts, iova_mode);
FIELD(env_opts, env_context);
FIELD(env_opts, opts_size);

SIZE(nvme_transport_id);
FIELD(nvme_transport_id, trstring);
FIELD(nvme_transport_id, trtype);
FIELD(nvme_transport_id, traddr);
FIELD(nvme_transport_id, trsvcid);
FIELD(nvme_transport_id, subnqn);

_Static_assert(sizeof(struct abi_nvme_io_qpair_opts) <= sizeof(struct spdk_nvme_io_qpair_opts), "size of io_qpair_opts");
FIELD(nvme_io_qpair_opts, io_queue_size);
FIELD(nvme_io_qpair_opts, io_queue_requests);
FIELD(nvme_io_qpair_opts, delay_cmd_submit);
FIELD(nvme_io_qpair_opts, opts_size);

FIELD(nvme_ctrlr_data, vid);
FIELD(nvme_ctrlr_data, sn);
FIELD(nvme_ctrlr_data, mn);
FIELD(nvme_ctrlr_data, fr);

SIZE(nvme_cpl);
FIELD(nvme_cpl, cdw0);
FIELD(nvme_cpl, cid);
FIELD(nvme_cpl, status_raw);

SIZE(nvme_dsm_range);
FIELD(nvme_dsm_range, length);
FIELD(nvme_dsm_range, starting_lba);
