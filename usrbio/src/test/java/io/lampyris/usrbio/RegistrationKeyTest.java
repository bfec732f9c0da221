package io.lampyris.usrbio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.Errno;
import io.lampyris.client.FileSystemException;
import io.lampyris.usrbio.RegistrationKey.Kind;
import io.lampyris.usrbio.RegistrationKey.Priority;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class RegistrationKeyTest {
  private static final String ID = "00112233445566778899aabbccddeeff";
  private static final IovId ID_PARSED = new IovId(0x0011223344556677L, 0x8899aabbccddeeffL);

  @ParameterizedTest
  @ValueSource(
      strings = {
        ID,
        "00112233-4455-6677-8899-aabbccddeeff",
        "00112233445566778899AABBCCDDEEFF",
        "00112233-4455-6677-8899-AABBCCDDEEFF"
      })
  void aBareUuidWithOrWithoutHyphensIsMemory(String name) throws FileSystemException {
    RegistrationKey expected =
        new RegistrationKey(ID_PARSED, 0, Kind.MEMORY, 0, Priority.NORMAL, 0, 0);

    assertEquals(expected, RegistrationKey.parse(name));
    assertFalse(RegistrationKey.parse(name).isRing());
    assertEquals(ID, ID_PARSED.toString());
  }

  @ParameterizedTest
  @CsvSource({
    ".b4096,                       4096, MEMORY,     0,           NORMAL, 0,          0",
    ".b9223372036854775807,        9223372036854775807, MEMORY, 0, NORMAL, 0,         0",
    ".r0,                          0,    READ_RING,  0,           NORMAL, 0,          0",
    ".r32.t0,                      0,    READ_RING,  32,          NORMAL, 0,          0",
    ".w-8.ph.t1,                   0,    WRITE_RING, -8,          HIGH,   1,          0",
    ".w2147483647.pl.t2147483647,  0,    WRITE_RING, 2147483647,  LOW,    2147483647, 0",
    ".r-2147483648.pn.t5.f10,      0,    READ_RING,  -2147483648, NORMAL, 5,          2",
    ".b512.r1.ph.t1.f11,           512,  READ_RING,  1,           HIGH,   1,          3",
    ".f01.t7.pl.w3.b1,             1,    WRITE_RING, 3,           LOW,    7,          1",
    ".r-0.t007,                    0,    READ_RING,  0,           NORMAL, 7,          0"
  })
  void attributesAreRead(
      String suffix, long block, Kind kind, int depth, Priority priority, int ms, long flags)
      throws FileSystemException {
    assertEquals(
        new RegistrationKey(ID_PARSED, block, kind, depth, priority, ms, flags),
        RegistrationKey.parse(ID + suffix));
  }

  @ParameterizedTest
  @EnumSource(Priority.class)
  void attributesComeInAnyOrderAndMix(Priority priority) throws FileSystemException {
    String letter = priority.name().toLowerCase(Locale.ROOT).substring(0, 1);
    List<String> all = List.of(".b4096", ".w-3", ".p" + letter, ".t9", ".f10");
    // Each subset that has the ring, in each order.
    for (int mask = 0; mask < 1 << all.size(); mask++) {
      int chosen = mask | 1 << 1;
      List<String> some =
          IntStream.range(0, all.size())
              .filter(i -> (chosen >> i & 1) != 0)
              .mapToObj(all::get)
              .toList();
      RegistrationKey expected =
          new RegistrationKey(
              ID_PARSED,
              some.contains(".b4096") ? 4096 : 0,
              Kind.WRITE_RING,
              -3,
              some.contains(".p" + letter) ? priority : Priority.NORMAL,
              some.contains(".t9") ? 9 : 0,
              some.contains(".f10") ? RegistrationKey.FORBID_READ_HOLES : 0);
      for (String suffix : orders(some)) {
        assertEquals(expected, RegistrationKey.parse(ID + suffix), suffix);
        assertEquals(expected, RegistrationKey.parse(expected.name()));
      }
    }
  }

  private static List<String> orders(List<String> parts) {
    if (parts.isEmpty()) {
      return List.of("");
    }
    List<String> found = new ArrayList<>();
    for (String first : parts) {
      List<String> rest = parts.stream().filter(part -> !part.equals(first)).toList();
      orders(rest).forEach(order -> found.add(first + order));
    }
    return found;
  }

  @Test
  void sixtyFourBinaryFlagDigitsAreRead() throws FileSystemException {
    assertEquals(-1, RegistrationKey.parse(ID + ".r1.f" + "1".repeat(64)).flags());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ".",
        "submit-ios",
        "0011",
        "00112233445566778899aabbccddeef",
        "00112233445566778899aabbccddeefff",
        "00112233445566778899aabbccddeefg",
        "0x112233445566778899aabbccddeeff",
        "-0112233445566778899aabbccddeeff",
        "00112233-4455-6677-8899_aabbccddeeff",
        "001122334-455-6677-8899-aabbccddeeff",
        "0011223344556677-8899-aabbccddeeff--",
        // Digits of another script, and letters that fold onto ASCII ones.
        "٠٠112233445566778899aabbccddeeff",
        "00112233445566778899aabbccddee\u212a\u212a",
        ID + ".",
        ID + "..b1",
        ID + ".b1.",
        ID + ".b",
        ID + ".b0",
        ID + ".b-1",
        ID + ".b+1",
        ID + ".b 1",
        ID + ".b1k",
        ID + ".b0x10",
        ID + ".b9223372036854775808",
        ID + ".b99999999999999999999999999",
        ID + ".b1.b1",
        ID + ".r",
        ID + ".r-",
        ID + ".r--1",
        ID + ".r+1",
        ID + ".r1.0",
        ID + ".r2147483648",
        ID + ".r-2147483649",
        ID + ".r1.r1",
        ID + ".r1.w1",
        ID + ".w1.r1",
        ID + ".x1",
        ID + ".R1",
        ID + ".r1.p",
        ID + ".r1.px",
        ID + ".r1.phh",
        ID + ".r1.ph.pl",
        ID + ".r1.t",
        ID + ".r1.t-1",
        ID + ".r1.t2147483648",
        ID + ".r1.t1.t1",
        ID + ".r1.f",
        ID + ".r1.f2",
        ID + ".r1.f-1",
        ID + ".r1.f1.f1",
        ID + ".ph",
        ID + ".t1",
        ID + ".f1",
        ID + ".b1.t1",
        ID + "/../x",
        ID + ".r1\0",
        ID + ".r1\n",
      })
  void anythingElseIsRefusedWithAReason(String name) {
    assertRefused(name);
  }

  @Test
  void aNameLongerThanAFileNameIsRefused() {
    assertRefused(ID + ".r1.f" + "0".repeat(65));
    assertRefused(ID + ".b" + "0".repeat(300));
    assertRefused("0".repeat(1 << 20));
  }

  @Test
  void everyKeyIsReadBackFromItsName() throws FileSystemException {
    Random random = seeded("everyKeyIsReadBackFromItsName");
    for (int n = 0; n < 20_000; n++) {
      RegistrationKey key = randomKey(random);
      assertEquals(key, RegistrationKey.parse(nameOf(key, random.nextBoolean())), key::toString);
      assertEquals(key, RegistrationKey.parse(key.name()), key::toString);
    }
  }

  @Test
  void aMutatedNameIsReadOrRefusedButNothingElse() {
    Random random = seeded("aMutatedNameIsReadOrRefusedButNothingElse");
    int refused = 0;
    for (int n = 0; n < 50_000; n++) {
      StringBuilder name = new StringBuilder(nameOf(randomKey(random), random.nextBoolean()));
      for (int m = random.nextInt(4); m >= 0; m--) {
        mutate(name, random);
      }
      try {
        RegistrationKey.parse(name.toString());
      } catch (FileSystemException e) {
        refused++;
        assertEquals(Errno.EINVAL, e.errno());
      }
    }
    assertTrue(refused > 10_000, "mutations are seldom harmless; observed=" + refused);
  }

  private static void mutate(StringBuilder name, Random random) {
    String alphabet = ".-brwptfhln0123456789\0/\u00e9\uD800";
    char c =
        random.nextInt(4) == 0
            ? (char) random.nextInt(1 << 16)
            : alphabet.charAt(random.nextInt(alphabet.length()));
    int at = random.nextInt(name.length() + 1);
    switch (random.nextInt(3)) {
      case 0 -> name.insert(at, c);
      case 1 -> name.setLength(at);
      default -> name.replace(at, Math.min(at + 1, name.length()), String.valueOf(c));
    }
  }

  private static RegistrationKey randomKey(Random random) {
    IovId id = new IovId(random.nextLong(), random.nextLong());
    long block = random.nextBoolean() ? 0 : random.nextLong() >>> 1 | 1;
    Kind kind = anyOf(List.of(Kind.values()), random);
    if (kind == Kind.MEMORY) {
      return new RegistrationKey(id, block, kind, 0, Priority.NORMAL, 0, 0);
    }
    Priority priority = anyOf(List.of(Priority.values()), random);
    int timeoutMs = random.nextInt() >>> 1;
    return new RegistrationKey(
        id, block, kind, random.nextInt(), priority, timeoutMs, random.nextLong());
  }

  private static <T> T anyOf(List<T> values, Random random) {
    return values.get(random.nextInt(values.size()));
  }

  /** As the C library spells it. */
  private static String nameOf(RegistrationKey key, boolean hyphens) {
    String id =
        hyphens ? new UUID(key.id().high(), key.id().low()).toString() : key.id().toString();
    StringBuilder name = new StringBuilder(id);
    if (key.blockSizeBytes() != 0) {
      name.append(".b").append(key.blockSizeBytes());
    }
    if (key.isRing()) {
      name.append(key.kind() == Kind.READ_RING ? ".r" : ".w").append(key.ioDepth());
      if (key.priority() != Priority.NORMAL) {
        name.append(".p").append(key.priority().name().toLowerCase(Locale.ROOT).charAt(0));
      }
      name.append(".t").append(key.timeoutMs());
      if (key.flags() != 0) {
        name.append(".f").append(Long.toBinaryString(key.flags()));
      }
    }
    return name.toString();
  }

  private static void assertRefused(String name) {
    FileSystemException e =
        assertThrows(FileSystemException.class, () -> RegistrationKey.parse(name));
    assertEquals(Errno.EINVAL, e.errno());
    String message = String.valueOf(e.getMessage());
    assertTrue(message.contains("; observed=") && message.contains("; remedy: "), message);
    assertTrue(message.length() < 400, "hostile names do not flood logs: " + message.length());
    assertTrue(message.chars().noneMatch(c -> c < ' '), "nor break their lines");
  }

  static Random seeded(String test) {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println(test + " seed=" + seed);
    return new Random(seed);
  }
}
