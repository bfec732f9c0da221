package io.lampyris.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The mount's own tables, without a kernel. */
class CachesTest {
  @Test
  void anAnswerThatWasOvertakenIsNotKept() {
    StripedCache<String, Integer> cache = new StripedCache<>(1000, 1000);
    long stamp = cache.stamp();
    cache.invalidate("a");
    cache.put("a", 1, stamp, 0);
    assertNull(cache.get("a", 0), "I1");
    cache.put("a", 2, cache.stamp(), 0);
    assertEquals(2, cache.get("a", 999));
    assertNull(cache.get("a", 1000), "it expires");
    cache.invalidate("a");
    assertNull(cache.get("a", 0));
  }

  @Test
  void aCacheIsBounded() {
    StripedCache<Integer, Integer> cache = new StripedCache<>(160, 1000);
    for (int i = 0; i < 10_000; i++) {
      cache.put(i, i, cache.stamp(), 0);
    }
    assertTrue(cache.size() <= 160, () -> "entries; observed=" + cache.size());
  }

  @Test
  void aHandleNumberIsNeverAnothers() {
    HandleTable<String> table = new HandleTable<>();
    long first = table.add("first");
    assertEquals("first", table.remove(first));
    long second = table.add("second");
    assertNotEquals(first, second, "I3");
    assertNull(table.get(first), "I3");
    assertNull(table.remove(first), "I3");
    assertEquals("second", table.get(second));
    List<Long> numbers = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      numbers.add(table.add("n" + i));
    }
    for (int i = 0; i < 1000; i++) {
      assertEquals("n" + i, table.get(numbers.get(i)));
    }
    assertEquals(1001, table.drain().size());
    assertNull(table.get(second));
  }

  @Test
  void mountinfoIsUnderstood() {
    MountTable.Mount mount =
        MountTable.parse(
            "90 28 0:52 / /mnt/with\\040blank rw,nosuid shared:1 master:2 - fuse.hf3fs lampyris.x"
                + " rw,user_id=0");
    assertEquals("/mnt/with blank", mount.point());
    assertEquals(52, mount.deviceMinor());
    assertTrue(mount.isOurs());
    MountTable.Mount other = MountTable.parse("91 28 8:1 / /boot rw - ext4 /dev/sda1 rw");
    assertEquals("ext4", other.type());
    assertTrue(!other.isOurs());
  }
}
