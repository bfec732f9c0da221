/* What jextract reads for io.lampyris.bindings.spdk.abi; spdk.args picks from it what is used. */
#include "../../../../native/spdk/queue.h"
