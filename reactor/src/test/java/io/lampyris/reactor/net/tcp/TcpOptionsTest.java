package io.lampyris.reactor.net.tcp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.junit.jupiter.api.Test;

class TcpOptionsTest {
  @Test
  void theSecretIsNeverPrinted() {
    byte[] secret = {1, 0x23, 0x45, 0x67};
    TcpOptions options = TcpOptions.withSecret(secret);
    assertArrayEquals(secret, options.secret());
    assertFalse(options.toString().contains("01234567"), options.toString());
  }
}
