/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver without a device, for bench/spdk/completions: requests are done when they come, and told of by their
 * callbacks when the queue pair is polled, as SPDK's are.
 */
#include <stdint.h>

enum { ENTRIES = 256 };

struct completion {
	uint32_t words[4];
};

typedef void (*callback)(void *, const struct completion *);

static struct {
	callback call;
	void *context;
} waiting[ENTRIES];
static uint32_t head;
static uint32_t tail;

int stub_read(void *ns, void *qpair, void *buffer, uint64_t lba, uint32_t blocks, callback call, void *context,
	uint32_t flags)
{
	(void)ns, (void)qpair, (void)buffer, (void)lba, (void)blocks, (void)flags;
	waiting[tail % ENTRIES].call = call;
	waiting[tail % ENTRIES].context = context;
	tail++;
	return 0;
}

int32_t stub_process(void *qpair, uint32_t max)
{
	static const struct completion good;
	int32_t done = 0;
	(void)qpair;
	for (; head != tail && (uint32_t)done < max; done++) {
		uint32_t at = head++ % ENTRIES;
		waiting[at].call(waiting[at].context, &good);
	}
	return done;
}
