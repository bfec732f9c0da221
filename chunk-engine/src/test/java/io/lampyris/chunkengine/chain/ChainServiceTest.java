package io.lampyris.chunkengine.chain;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a chain does when nothing fails. */
final class ChainServiceTest {
  private static final long INODE = 42;

  @TempDir Path tmp;

  static byte[] bytes(int length, int salt) {
    byte[] made = new byte[length];
    for (int i = 0; i < length; i++) {
      made[i] = (byte) (i * 31 + salt * 17 + (i >> 8));
    }
    return made;
  }

  static void assertAlike(ChainRig rig) {
    var expected = rig.content(rig.node(1));
    rig.nodes
        .values()
        .forEach(node -> assertEquals(expected, rig.content(node), "node " + node.id));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void whatIsWrittenAtTheHeadIsReadAtEveryMember(int members) {
    try (ChainRig rig = new ChainRig(tmp, 1, members)) {
      rig.begin();
      ChainRig.Client client = rig.new Client(5, 1);
      client.write(INODE, 0, 0, bytes(5000, 1));
      assertEquals(5000, client.await());
      assertEquals(1, client.version);
      client.write(INODE, 0, 100, bytes(50, 2));
      assertEquals(50, client.await());
      assertEquals(2, client.version);
      client.truncate(INODE, 0, 4000);
      assertEquals(4000, client.await());
      byte[] expected = Arrays.copyOf(bytes(5000, 1), 4000);
      System.arraycopy(bytes(50, 2), 0, expected, 100, 50);
      for (int node = 1; node <= members; node++) {
        client.readAt(node, INODE, 0, 0, 9000);
        assertEquals(4000, client.await());
        assertArrayEquals(expected, client.read);
        assertEquals(3, client.version);
      }
      rig.runUntil(rig::isQuiet);
      assertAlike(rig);
      client.remove(INODE, 0);
      assertEquals(1, client.await());
      rig.runUntil(rig::isQuiet);
      rig.nodes.values().forEach(node -> assertEquals(0, rig.content(node).size()));
    }
  }
}
