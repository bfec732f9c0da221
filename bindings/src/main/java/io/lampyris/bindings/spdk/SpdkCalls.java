package io.lampyris.bindings.spdk;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Handles of the functions in {@code native/abi/spdk.h} and {@code native/spdk/queue.h}, pointers
 * as addresses. Initialized once the libraries are loaded.
 */
final class SpdkCalls {
  private static final SpdkLibraries LIBRARIES = SpdkLibraries.loaded();

  static final MethodHandle LOG_SET_PRINT_LEVEL = procedure("spdk_log_set_print_level", JAVA_INT);
  static final MethodHandle ENV_OPTS_INIT = procedure("spdk_env_opts_init", JAVA_LONG);
  static final MethodHandle ENV_INIT = function("spdk_env_init", JAVA_INT, JAVA_LONG);
  static final MethodHandle ZMALLOC =
      function("spdk_zmalloc", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT);
  static final MethodHandle FREE = procedure("spdk_free", JAVA_LONG);

  static final MethodHandle TRANSPORT_ID_PARSE =
      function("spdk_nvme_transport_id_parse", JAVA_INT, JAVA_LONG, JAVA_LONG);
  static final MethodHandle CONNECT =
      function("spdk_nvme_connect", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  static final MethodHandle DETACH = function("spdk_nvme_detach", JAVA_INT, JAVA_LONG);
  static final MethodHandle DISCONNECT =
      function("spdk_nvme_ctrlr_disconnect", JAVA_INT, JAVA_LONG);
  static final MethodHandle RECONNECT = procedure("spdk_nvme_ctrlr_reconnect_async", JAVA_LONG);
  static final MethodHandle RECONNECT_POLL =
      function("spdk_nvme_ctrlr_reconnect_poll_async", JAVA_INT, JAVA_LONG);
  static final MethodHandle PROCESS_ADMIN =
      function("spdk_nvme_ctrlr_process_admin_completions", JAVA_INT, JAVA_LONG);
  static final MethodHandle GET_DATA = function("spdk_nvme_ctrlr_get_data", JAVA_LONG, JAVA_LONG);
  static final MethodHandle FIRST_NAMESPACE =
      function("spdk_nvme_ctrlr_get_first_active_ns", JAVA_INT, JAVA_LONG);
  static final MethodHandle NEXT_NAMESPACE =
      function("spdk_nvme_ctrlr_get_next_active_ns", JAVA_INT, JAVA_LONG, JAVA_INT);
  static final MethodHandle GET_NAMESPACE =
      function("spdk_nvme_ctrlr_get_ns", JAVA_LONG, JAVA_LONG, JAVA_INT);
  static final MethodHandle NAMESPACE_SIZE =
      function("spdk_nvme_ns_get_size", JAVA_LONG, JAVA_LONG);
  static final MethodHandle NAMESPACE_SECTOR =
      function("spdk_nvme_ns_get_sector_size", JAVA_INT, JAVA_LONG);
  static final MethodHandle NAMESPACE_METADATA =
      function("spdk_nvme_ns_get_md_size", JAVA_INT, JAVA_LONG);
  static final MethodHandle NAMESPACE_FLAGS =
      function("spdk_nvme_ns_get_flags", JAVA_INT, JAVA_LONG);

  static final MethodHandle DEFAULT_QUEUE_OPTS =
      procedure("spdk_nvme_ctrlr_get_default_io_qpair_opts", JAVA_LONG, JAVA_LONG, JAVA_LONG);
  static final MethodHandle ALLOC_QUEUE =
      function("spdk_nvme_ctrlr_alloc_io_qpair", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  static final MethodHandle FREE_QUEUE =
      function("spdk_nvme_ctrlr_free_io_qpair", JAVA_INT, JAVA_LONG);
  static final MethodHandle ABORT =
      function(
          "spdk_nvme_ctrlr_cmd_abort_ext",
          JAVA_INT,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG);

  /** Never calls back into Java and never blocks, so the thread need not leave its Java state. */
  static final MethodHandle CYCLE =
      function("lmp_nvme_cycle", Linker.Option.critical(false), JAVA_INT, JAVA_LONG, JAVA_INT);

  /** A callback that does nothing. */
  static final long IGNORE = address("lmp_nvme_ignore");

  static final MethodHandle ENTER = procedure("lmp_spdk_enter");
  static final MethodHandle LEAVE = procedure("lmp_spdk_leave");

  private SpdkCalls() {}

  static long address(String name) {
    return LIBRARIES.symbol(name).address();
  }

  private static MethodHandle function(
      String name, ValueLayout result, MemoryLayout... parameters) {
    return Linker.nativeLinker()
        .downcallHandle(LIBRARIES.symbol(name), FunctionDescriptor.of(result, parameters));
  }

  private static MethodHandle function(
      String name, Linker.Option option, ValueLayout result, MemoryLayout... parameters) {
    return Linker.nativeLinker()
        .downcallHandle(LIBRARIES.symbol(name), FunctionDescriptor.of(result, parameters), option);
  }

  private static MethodHandle procedure(String name, MemoryLayout... parameters) {
    return Linker.nativeLinker()
        .downcallHandle(LIBRARIES.symbol(name), FunctionDescriptor.ofVoid(parameters));
  }
}
