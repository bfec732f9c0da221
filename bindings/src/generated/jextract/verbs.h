/* What jextract reads for io.lampyris.bindings.verbs.abi; verbs.args picks from it what is used. */
#include <infiniband/verbs.h>
