/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of SPDK that Lampyris calls: its functions, and the layouts and numbers that cross the border.
 *
 * Written from SPDK's public interface, so that neither a build nor a start of Lampyris needs SPDK's headers. The
 * prototypes carry SPDK's names; the layouts are called abi_… and hold only the fields that are used, at their places.
 * `make abi-check SPDK=/path` compiles this beside a real SPDK's headers and holds each prototype, size, offset and
 * number against them. jextract makes io.lampyris.bindings.spdk.Spdk from it.
 */
#ifndef LAMPYRIS_ABI_SPDK_H
#define LAMPYRIS_ABI_SPDK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spdk_env_opts;
struct spdk_nvme_cpl;
struct spdk_nvme_ctrlr;
struct spdk_nvme_ctrlr_data;
struct spdk_nvme_ctrlr_opts;
struct spdk_nvme_dsm_range;
struct spdk_nvme_io_qpair_opts;
struct spdk_nvme_ns;
struct spdk_nvme_qpair;
struct spdk_nvme_transport_id;

/* ---- numbers ---- */

enum {
	ABI_NVME_IO_FLAGS_FORCE_UNIT_ACCESS = 1 << 30,
	ABI_NVME_NS_DEALLOCATE_SUPPORTED = 1 << 0,
	ABI_NVME_NS_FLUSH_SUPPORTED = 1 << 1,
	ABI_NVME_DSM_ATTR_DEALLOCATE = 4,
	ABI_NVME_TRANSPORT_VFIOUSER = 1024,
	ABI_LOG_WARN = 1,
	ABI_ENV_NUMA_ID_ANY = -1,
	ABI_MALLOC_DMA = 1,
	ABI_NVME_SCT_GENERIC = 0,
	ABI_NVME_SC_ABORTED_BY_REQUEST = 0x07,
	ABI_NVME_SC_ABORTED_SQ_DELETION = 0x08,
	ABI_NVME_SC_LBA_OUT_OF_RANGE = 0x80,
	ABI_NVME_SC_CAPACITY_EXCEEDED = 0x81
};

/* ---- layouts ---- */

struct abi_pci_addr {
	uint32_t domain;
	uint8_t bus;
	uint8_t dev;
	uint8_t func;
};

struct abi_env_opts {
	const char *name;
	const char *core_mask;
	const char *lcore_map;
	int shm_id;
	int mem_channel;
	int main_core;
	int mem_size; /* MiB */
	bool no_pci;
	bool hugepage_single_segments;
	bool unlink_hugepage;
	bool no_huge;
	uint32_t reserved;
	size_t num_pci_addr;
	const char *hugedir;
	struct abi_pci_addr *pci_blocked;
	struct abi_pci_addr *pci_allowed;
	const char *iova_mode;
	uint64_t base_virtaddr;
	void *env_context;
	const char *vf_token;
	size_t opts_size;
	bool enforce_numa;
	uint8_t reserved2[7];
};

struct abi_nvme_transport_id {
	char trstring[33];
	uint32_t trtype;
	uint32_t adrfam;
	char traddr[257];
	char trsvcid[33];
	char subnqn[224];
	int priority;
};

struct abi_nvme_io_qpair_opts {
	uint32_t qprio;
	uint32_t io_queue_size;
	uint32_t io_queue_requests;
	bool delay_cmd_submit;
	uint8_t not_used[59];
	size_t opts_size;
};

/* From the NVMe base specification, Identify Controller. */
struct abi_nvme_ctrlr_data {
	uint16_t vid;
	uint16_t ssvid;
	char sn[20];
	char mn[40];
	char fr[8];
};

/* From the NVMe base specification, completion queue entry. */
struct abi_nvme_cpl {
	uint32_t cdw0;
	uint32_t cdw1;
	uint16_t sqhd;
	uint16_t sqid;
	uint16_t cid;
	uint16_t status_raw; /* phase 1, code 8, code type 3, retry delay 2, more 1, do not retry 1 */
};

/* From the NVM command set specification, Dataset Management range. */
struct abi_nvme_dsm_range {
	uint32_t attributes;
	uint32_t length; /* logical blocks */
	uint64_t starting_lba;
};

/* ---- environment ---- */

typedef void (*abi_nvme_cmd_cb)(void *ctx, const struct spdk_nvme_cpl *cpl);

void spdk_log_set_print_level(int level);
void spdk_env_opts_init(struct spdk_env_opts *opts);
int spdk_env_init(const struct spdk_env_opts *opts);
void *spdk_zmalloc(size_t size, size_t align, uint64_t *unused, int numa_id, uint32_t flags);
void spdk_free(void *buf);

/* ---- controllers and namespaces ---- */

int spdk_nvme_transport_id_parse(struct spdk_nvme_transport_id *trid, const char *str);
struct spdk_nvme_ctrlr *spdk_nvme_connect(const struct spdk_nvme_transport_id *trid,
	const struct spdk_nvme_ctrlr_opts *opts, size_t opts_size);
int spdk_nvme_detach(struct spdk_nvme_ctrlr *ctrlr);
int spdk_nvme_ctrlr_disconnect(struct spdk_nvme_ctrlr *ctrlr);
void spdk_nvme_ctrlr_reconnect_async(struct spdk_nvme_ctrlr *ctrlr);
int spdk_nvme_ctrlr_reconnect_poll_async(struct spdk_nvme_ctrlr *ctrlr);
int32_t spdk_nvme_ctrlr_process_admin_completions(struct spdk_nvme_ctrlr *ctrlr);
const struct spdk_nvme_ctrlr_data *spdk_nvme_ctrlr_get_data(struct spdk_nvme_ctrlr *ctrlr);
uint32_t spdk_nvme_ctrlr_get_first_active_ns(struct spdk_nvme_ctrlr *ctrlr);
uint32_t spdk_nvme_ctrlr_get_next_active_ns(struct spdk_nvme_ctrlr *ctrlr, uint32_t prev_nsid);
struct spdk_nvme_ns *spdk_nvme_ctrlr_get_ns(struct spdk_nvme_ctrlr *ctrlr, uint32_t ns_id);
uint64_t spdk_nvme_ns_get_size(struct spdk_nvme_ns *ns);
uint32_t spdk_nvme_ns_get_sector_size(struct spdk_nvme_ns *ns);
uint32_t spdk_nvme_ns_get_md_size(struct spdk_nvme_ns *ns);
uint32_t spdk_nvme_ns_get_flags(struct spdk_nvme_ns *ns);

/* ---- queue pairs ---- */

void spdk_nvme_ctrlr_get_default_io_qpair_opts(struct spdk_nvme_ctrlr *ctrlr,
	struct spdk_nvme_io_qpair_opts *opts, size_t opts_size);
struct spdk_nvme_qpair *spdk_nvme_ctrlr_alloc_io_qpair(struct spdk_nvme_ctrlr *ctrlr,
	const struct spdk_nvme_io_qpair_opts *opts, size_t opts_size);
int spdk_nvme_ctrlr_free_io_qpair(struct spdk_nvme_qpair *qpair);
int spdk_nvme_ns_cmd_read(struct spdk_nvme_ns *ns, struct spdk_nvme_qpair *qpair, void *payload, uint64_t lba,
	uint32_t lba_count, abi_nvme_cmd_cb cb_fn, void *cb_arg, uint32_t io_flags);
int spdk_nvme_ns_cmd_write(struct spdk_nvme_ns *ns, struct spdk_nvme_qpair *qpair, void *payload, uint64_t lba,
	uint32_t lba_count, abi_nvme_cmd_cb cb_fn, void *cb_arg, uint32_t io_flags);
int spdk_nvme_ns_cmd_flush(struct spdk_nvme_ns *ns, struct spdk_nvme_qpair *qpair, abi_nvme_cmd_cb cb_fn,
	void *cb_arg);
int spdk_nvme_ns_cmd_dataset_management(struct spdk_nvme_ns *ns, struct spdk_nvme_qpair *qpair, uint32_t type,
	const struct spdk_nvme_dsm_range *ranges, uint16_t num_ranges, abi_nvme_cmd_cb cb_fn, void *cb_arg);
int32_t spdk_nvme_qpair_process_completions(struct spdk_nvme_qpair *qpair, uint32_t max_completions);
int spdk_nvme_ctrlr_cmd_abort_ext(struct spdk_nvme_ctrlr *ctrlr, struct spdk_nvme_qpair *qpair, void *cmd_cb_arg,
	abi_nvme_cmd_cb cb_fn, void *cb_arg);

#endif
