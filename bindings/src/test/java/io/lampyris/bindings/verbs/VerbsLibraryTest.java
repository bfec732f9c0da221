package io.lampyris.bindings.verbs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lampyris.bindings.CProgram;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** I1 of the package. */
class VerbsLibraryTest {
  @Test
  void aLibraryThatIsNotThereIsExplained() {
    String path = "/nonexistent/libibverbs.so.1";
    String why = why(() -> VerbsLibrary.load(path));
    assertTrue(why.contains(path) && why.contains("remedy: install"), why);
  }

  @Test
  void aLibraryThatLacksAFunctionIsExplained() {
    SymbolLookup empty = name -> Optional.empty();
    String why = why(() -> VerbsLibrary.of("empty", empty));
    assertTrue(why.contains("empty lacks ibv_get_device_list"), why);
  }

  @Test
  void aMachineWithoutDevicesIsExplained() throws Exception {
    VerbsLibrary library = libraryOrSkip();
    assumeTrue(library.deviceNames().isEmpty(), "there is a device here; nothing to explain");
    String why = why(() -> VerbsDevice.open(library, VerbsOptions.ANY));
    assertTrue(why.contains("remedy: load"), why);
  }

  @Test
  void aDeviceThatIsNotThereIsExplained() throws Exception {
    VerbsLibrary library = libraryOrSkip();
    VerbsOptions other = new VerbsOptions(VerbsLibrary.DEFAULT_PATH, "nosuch0", 0, -1);
    String why = why(() -> VerbsDevice.open(library, other));
    assertTrue(why.contains("no RDMA") && why.contains("remedy:"), why);
  }

  private static String why(Executable opening) {
    return String.valueOf(assertThrows(VerbsUnavailableException.class, opening).getMessage());
  }

  private static VerbsLibrary libraryOrSkip() {
    try {
      return VerbsLibrary.load(VerbsLibrary.DEFAULT_PATH);
    } catch (VerbsUnavailableException e) {
      assumeTrue(false, e.getMessage());
      throw new AssertionError("aborted", e);
    }
  }

  /** What is bound by hand, as the compiler sees it with the system's header. */
  @Test
  void functionsHaveThePrototypesThatAreBound() throws Exception {
    assumeTrue(
        Files.exists(Path.of("/usr/include/infiniband/verbs.h")),
        "not compared with C; observed=no infiniband/verbs.h; remedy: install libibverbs-dev");
    String source =
        """
        #include <infiniband/verbs.h>
        #undef ibv_reg_mr
        #undef ibv_query_port
        #define SAME(f, result, ...) \\
          _Static_assert(__builtin_types_compatible_p(__typeof__(f), result(__VA_ARGS__)), #f)
        typedef struct ibv_context *context;
        SAME(ibv_free_device_list, void, struct ibv_device **);
        SAME(ibv_open_device, context, struct ibv_device *);
        SAME(ibv_close_device, int, context);
        SAME(ibv_query_device, int, context, struct ibv_device_attr *);
        SAME(ibv_query_port, int, context, uint8_t, struct _compat_ibv_port_attr *);
        SAME(_ibv_query_gid_ex, int, context, uint32_t, uint32_t, struct ibv_gid_entry *, uint32_t,
             size_t);
        SAME(ibv_alloc_pd, struct ibv_pd *, context);
        SAME(ibv_dealloc_pd, int, struct ibv_pd *);
        SAME(ibv_reg_mr, struct ibv_mr *, struct ibv_pd *, void *, size_t, int);
        SAME(ibv_dereg_mr, int, struct ibv_mr *);
        SAME(ibv_create_comp_channel, struct ibv_comp_channel *, context);
        SAME(ibv_destroy_comp_channel, int, struct ibv_comp_channel *);
        SAME(ibv_create_cq, struct ibv_cq *, context, int, void *, struct ibv_comp_channel *, int);
        SAME(ibv_destroy_cq, int, struct ibv_cq *);
        SAME(ibv_get_cq_event, int, struct ibv_comp_channel *, struct ibv_cq **, void **);
        SAME(ibv_ack_cq_events, void, struct ibv_cq *, unsigned int);
        SAME(ibv_create_qp, struct ibv_qp *, struct ibv_pd *, struct ibv_qp_init_attr *);
        SAME(ibv_modify_qp, int, struct ibv_qp *, struct ibv_qp_attr *, int);
        SAME(ibv_destroy_qp, int, struct ibv_qp *);
        SAME(ibv_get_async_event, int, context, struct ibv_async_event *);
        SAME(ibv_ack_async_event, void, struct ibv_async_event *);
        int main(void) { return 0; }
        """;
    assertEquals("", CProgram.compile(source).output());
  }
}
