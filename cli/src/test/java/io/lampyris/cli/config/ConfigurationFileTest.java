package io.lampyris.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.host.NamespaceName;
import io.lampyris.chunkengine.options.Durability;
import io.lampyris.chunkengine.options.IntegrityOptions;
import io.lampyris.chunkengine.options.SpaceOptions;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.cli.base.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigurationFileTest {
  @TempDir private Path dir;

  @Test
  void theFileThatIsWrittenFirstSaysTheDefaults_I2() throws Exception {
    assertEquals(
        Configuration.DEFAULT.withTargets(1, 0).targetCount(),
        read(ConfigurationFile.render(Configuration.DEFAULT)).targetCount());
    Configuration formatted = Configuration.DEFAULT.withTargets(3, 512 << 20);
    assertEquals(formatted, read(ConfigurationFile.render(formatted)));
  }

  @Test
  void storageKeysAreReadAndWrittenAlike() throws Exception {
    String text =
        """
        [storage]
        durability = "interval:250"
        verify = "strict"
        scrub_period = "36h"
        scrub_rate = "8MiB"
        compaction_rate = "0"
        reserve_low = 10
        reserve_reject = 0
        discard = "off"
        namespaces = ["trtype:PCIe traddr:0000:01:00.0", "", "ns:3 trtype:TCP traddr:::1 trsvcid:1 subnqn:n"]
        spdk_home = "/opt/spdk"
        spdk_memory = "1GiB"
        spdk_huge_pages = false
        """;
    Configuration read = read(text);
    StorageSettings expected =
        new StorageSettings(
            Durability.interval(250),
            new IntegrityOptions(
                IntegrityOptions.Verify.STRICT, TimeUnit.HOURS.toNanos(36), 8 << 20),
            new SpaceOptions(10, 0, 0, SpaceOptions.Discard.OFF),
            new NvmeSettings(
                Arrays.asList(
                    new NamespaceName("trtype:PCIe traddr:0000:01:00.0", 1, false),
                    null,
                    new NamespaceName("trtype:TCP traddr:::1 trsvcid:1 subnqn:n", 3, false)),
                "/opt/spdk",
                1 << 30,
                false));
    assertEquals(expected, read.storage());
    Configuration formatted = read.withTargets(1, 512 << 20);
    assertEquals(formatted, read(ConfigurationFile.render(formatted)));
    TargetOptions options = read.storage().options();
    assertEquals(expected.durability(), options.durability());
    assertEquals(expected.integrity(), options.integrity());
    assertEquals(expected.space(), options.space());
    assertEquals(0, read("[storage]\nscrub_period = \"0\"").storage().integrity().scrubPeriodNs());
  }

  @Test
  void theEnginesDefaultsAreTheOnesThatAreWritten() throws Exception {
    assertEquals(StorageSettings.DEFAULT, read("").storage());
    TargetOptions options = StorageSettings.DEFAULT.options();
    assertEquals(TargetOptions.defaults(), options);
    // The file explains its keys with these texts.
    for (Key key : Key.values()) {
      if (key.table().equals("storage")) {
        String line = key.lastName() + " = " + key.defaultText + "\n";
        assertTrue(ConfigurationFile.render(Configuration.DEFAULT).contains(line), line);
      }
    }
  }

  /** What may be overwritten once is not written down for the next start. */
  @Test
  void aNamespaceIsOverwrittenAtOneStart() throws Exception {
    String name = "trtype:PCIe traddr:0000:01:00.0 ns:2";
    Configuration read = read("[storage]\nnamespaces = [\"%s overwrite:yes\"]".formatted(name));
    NamespaceName named = Objects.requireNonNull(read.storage().nvme().namespaceOf(0));
    assertEquals(new NamespaceName("trtype:PCIe traddr:0000:01:00.0", 2, true), named);
    assertEquals("0000:01:00.0", named.pciAddress());
    String next = ConfigurationFile.render(read.withTargets(1, 512 << 20));
    assertTrue(next.contains("namespaces = [\"" + name + "\"]"), next);
  }

  @Test
  void namespacesThatCannotBeAreRefused() {
    for (String list :
        List.of(
            "[\"0000:01:00.0\"]",
            "[\"trtype:PCIe ns:1\"]",
            "[\"trtype:PCIe traddr:0000:01:00.0 ns:0\"]",
            "[1]",
            "\"trtype:PCIe traddr:0000:01:00.0\"",
            "[\"trtype:PCIe traddr:0000:01:00.0\", \"trtype:PCIe traddr:0000:01:00.0 ns:1\"]")) {
      InputException refused =
          assertThrows(InputException.class, () -> read("[storage]\nnamespaces = " + list), list);
      assertTrue(String.valueOf(refused.getMessage()).contains("remedy: "), list);
    }
  }

  @Test
  void anEmptyFileMeansTheDefaults() throws Exception {
    assertEquals(Configuration.DEFAULT, read(""));
  }

  @Test
  void anUnknownKeyIsRefusedWithItsLineAndTheNearestKey_I1() {
    String message = refusal("[targets]\ncount = 1\nsizes = \"1GiB\"\n");
    assertTrue(message.contains("line 3: there is no key 'targets.sizes'"), message);
    assertTrue(message.contains("the nearest key is 'targets.size'"), message);
  }

  @Test
  void anUnknownTableIsRefused() {
    String message = refusal("[layouts]\nchunk_size = \"1MiB\"\n");
    assertTrue(message.contains("the nearest key is 'layout.chunk_size'"), message);
  }

  @Test
  void wrongValuesAreRefusedWithTheirLine() {
    for (String text :
        new String[] {
          "[targets]\ncount = 0",
          "[targets]\ncount = \"two\"",
          "[targets]\nsize = 5",
          "[targets]\nsize = \"many\"",
          "[layout]\nchunk_size = \"3MiB\"",
          "[layout]\nchunk_size = \"128MiB\"",
          "[reactor]\nidle = \"sleep\"",
          "[storage]\ndurability = \"sometimes\"",
          "[storage]\ndurability = \"interval:0\"",
          "[storage]\ndurability = \"interval:60001\"",
          "[storage]\ndurability = 5",
          "[storage]\nverify = \"twice\"",
          "[storage]\nscrub_period = \"often\"",
          "[storage]\nscrub_period = \"1s\"",
          "[storage]\nscrub_period = \"366d\"",
          "[storage]\nscrub_rate = \"0\"",
          "[storage]\ncompaction_rate = \"1KiB\"",
          "[storage]\nreserve_low = -1",
          "[storage]\nreserve_low = 1",
          "[storage]\nreserve_reject = 6",
          "[storage]\nreserve_reject = 51",
          "[storage]\ndiscard = \"maybe\"",
          "[log]\nfiles = 0",
          "[log]\nfile_size = \"1B\"",
          "[log]\nlevel = "
        }) {
      String message = refusal(text);
      assertTrue(message.contains("line 2"), message);
      assertTrue(message.contains("observed="), message);
      assertTrue(message.contains("remedy: "), message);
    }
  }

  private String refusal(String text) {
    return String.valueOf(assertThrows(InputException.class, () -> read(text), text).getMessage());
  }

  private Configuration read(String text) throws InputException, IOException {
    Path file = dir.resolve("lampyris.toml");
    Files.writeString(file, text);
    return ConfigurationFile.read(file);
  }
}
