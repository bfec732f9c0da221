package io.lampyris.bindings.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lampyris.bindings.CProgram;
import org.junit.jupiter.api.Test;

final class RegisterOpTest {
  @Test
  void numbersAndOffsetsAreThoseOfTheCCompiler() throws Exception {
    String observed =
        CProgram.compile(
                """
                #include <linux/io_uring.h>
                #include <stddef.h>
                #include <stdio.h>
                #define AT(type, field) offsetof(struct type, field)
                int main(void) {
                  printf("%d %d %d %d", IORING_REGISTER_FILES_UPDATE, IORING_REGISTER_BUFFERS2,
                         IORING_REGISTER_BUFFERS_UPDATE, IORING_RSRC_REGISTER_SPARSE);
                  printf(" %zu %zu %zu", AT(io_uring_rsrc_register, nr),
                         AT(io_uring_rsrc_register, flags), sizeof(struct io_uring_rsrc_register));
                  printf(" %zu %zu %zu %zu", AT(io_uring_rsrc_update2, offset),
                         AT(io_uring_rsrc_update2, data), AT(io_uring_rsrc_update2, nr),
                         sizeof(struct io_uring_rsrc_update2));
                }
                """)
            .output();
    String expected =
        "%d %d %d %d %d %d %d %d %d %d %d"
            .formatted(
                RegisterOp.FILES_UPDATE,
                RegisterOp.BUFFERS2,
                RegisterOp.BUFFERS_UPDATE,
                RegisterOp.RSRC_SPARSE,
                RegisterOp.RSRC_NR,
                RegisterOp.RSRC_FLAGS,
                RegisterOp.RSRC_BYTES,
                RegisterOp.UPDATE_OFFSET,
                RegisterOp.UPDATE_DATA,
                RegisterOp.UPDATE_NR,
                RegisterOp.UPDATE_BYTES);
    assertEquals(expected, observed.strip());
  }
}
