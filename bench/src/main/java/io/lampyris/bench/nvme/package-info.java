/** NVMe namespaces over SPDK next to SPDK's own load generator, on the same core. */
@NullMarked
package io.lampyris.bench.nvme;

import org.jspecify.annotations.NullMarked;
