package io.lampyris.cli.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LibrariesTest {
  private static final String NAME = "libibverbs.so.1";
  private static final Pattern LISTED =
      Pattern.compile("\\s+(\\S+) \\(libc6,x86-64.*\\) => (\\S+)");

  @TempDir private Path root;

  @Test
  void theCacheIsReadAsLdconfigReadsIt() throws Exception {
    Path ldconfig = Path.of("/sbin/ldconfig");
    assumeTrue(Files.isExecutable(ldconfig), "skipped: no " + ldconfig);
    Process process = new ProcessBuilder(ldconfig.toString(), "-p").start();
    Map<String, String> listed = new TreeMap<>();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    for (String line : output.split("\n", -1)) {
      Matcher form = LISTED.matcher(line);
      if (form.matches()) {
        listed.putIfAbsent(form.group(1), form.group(2));
      }
    }
    assertEquals(0, process.waitFor());
    assertFalse(listed.isEmpty(), output);
    assertEquals(listed, Libraries.parse(Files.readAllBytes(Path.of("/etc/ld.so.cache"))));
  }

  @Test
  void aCacheThatWasCutOffAtAnyPlaceIsReadAsFarAsItGoes() throws IOException {
    byte[] whole = Files.readAllBytes(Path.of("/etc/ld.so.cache"));
    int libraries = Libraries.parse(whole).size();
    for (int length = 0; length < whole.length; length += 97) {
      assertTrue(Libraries.parse(java.util.Arrays.copyOf(whole, length)).size() <= libraries);
    }
  }

  @Test
  void theAskedDirectoryComesFirstThenTheCacheThenTheDefaults() throws IOException {
    MadeMachine machine = new MadeMachine(root);
    machine.file("/usr/lib64/" + NAME, "");
    assertEquals("/usr/lib64/" + NAME, find(machine));
    machine.file("/etc/ld.so.cache", cache(NAME, "/opt/ofed/" + NAME));
    assertEquals("/usr/lib64/" + NAME, find(machine), "the cache names a file that is gone");
    machine.file("/opt/ofed/" + NAME, "");
    assertEquals("/opt/ofed/" + NAME, find(machine));
    machine.file("/home/me/lib/" + NAME, "");
    machine.environment("LD_LIBRARY_PATH", ":/nowhere:/home/me/lib");
    assertEquals("/home/me/lib/" + NAME, find(machine));
  }

  @Test
  void theVersionIsThatOfTheFileBehindTheName() throws IOException {
    MadeMachine machine = new MadeMachine(root);
    machine.file("/usr/lib64/libibverbs.so.1.14.44.0", "");
    machine.link("/usr/lib64/" + NAME, "libibverbs.so.1.14.44.0");
    Libraries libraries = new Libraries(machine.host());
    assertEquals("1.14.44.0", libraries.find(NAME).orElseThrow().version());
    assertEquals("1.14.44.0", libraries.findAnyVersion("libibverbs").orElseThrow().version());
    assertTrue(libraries.findAnyVersion("libib").isEmpty());
  }

  private static String find(MadeMachine machine) {
    return new Libraries(machine.host()).find(NAME).orElseThrow().path();
  }

  /** One entry of an x86-64 library. */
  private static byte[] cache(String name, String path) {
    byte[] strings = (name + '\0' + path + '\0').getBytes(StandardCharsets.ISO_8859_1);
    java.nio.ByteBuffer bytes =
        java.nio.ByteBuffer.allocate(48 + 24 + strings.length)
            .order(java.nio.ByteOrder.LITTLE_ENDIAN);
    bytes.put("glibc-ld.so.cache1.1".getBytes(StandardCharsets.ISO_8859_1));
    bytes.putInt(1).putInt(strings.length);
    bytes.position(48);
    bytes.putInt(0x0303).putInt(72).putInt(72 + name.length() + 1);
    bytes.position(72);
    return bytes.put(strings).array();
  }
}
