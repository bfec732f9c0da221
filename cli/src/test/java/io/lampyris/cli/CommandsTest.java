package io.lampyris.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.cli.base.Json;
import io.lampyris.cli.instance.InstanceDirectory;
import io.lampyris.cli.instance.InstanceLock;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Wrong input: exit code 2, a message of the common form, and nothing changed on disk. */
class CommandsTest {
  @TempDir private Path temp;
  private Path dir = Path.of("");
  private Path mount = Path.of("");
  private String out = "";
  private String err = "";

  @BeforeEach
  void makeMountPoint() throws IOException {
    dir = temp.resolve("dir");
    mount = Files.createDirectory(temp.resolve("mnt"));
  }

  @Test
  void zeroTargetsAreRefused() throws IOException {
    refused("--targets is out of range", up("--targets", "0"));
  }

  @Test
  void aTargetLargerThanTheDiskIsRefused() throws IOException {
    refused("the targets do not fit on the disk", up("--target-size", "4096T"));
  }

  @Test
  void aTargetSizeThatIsNoMultipleIsRefusedWithTheNearestOne() throws IOException {
    refused("use 320MiB", up("--target-size", "300MiB"));
  }

  @Test
  void textThatIsNoSizeIsRefused() throws IOException {
    refused("--target-size is not a size", up("--target-size", "large"));
  }

  @Test
  void aMissingMountPointIsRefused() throws IOException {
    mount = temp.resolve("nowhere");
    refused("the mount point is missing", up());
  }

  @Test
  void aMountPointThatIsNotEmptyIsRefused() throws IOException {
    Files.createFile(mount.resolve("file"));
    refused("the mount point is busy", up());
  }

  @Test
  void aMountPointWithSomethingMountedOnItIsRefused() throws IOException {
    mount = Path.of("/proc");
    refused("proc is mounted there", up());
  }

  @Test
  void aMountPointInsideTheDirectoryIsRefused() throws IOException {
    formatted();
    mount = Files.createDirectories(dir.resolve("log/mnt"));
    refused("--dir and --mount lie inside each other", up());
  }

  @Test
  void aDirectoryWithSomethingElseInItIsRefused() throws IOException {
    Files.createDirectory(dir);
    Files.createFile(dir.resolve("thesis.tex"));
    refused("--dir holds something else", up());
  }

  @Test
  void aDirectoryOfAnotherFormatVersionIsRefused() throws IOException {
    formatted();
    Files.writeString(
        dir.resolve("FORMAT"),
        Files.readString(dir.resolve("FORMAT")).replace("format=1", "format=2"));
    refused("is of another format version; observed=format 2, limit=format 1", up());
  }

  @Test
  void aDirectoryInUseIsRefusedWithThePid() throws Exception {
    formatted();
    try (InstanceLock _ = InstanceLock.acquire(new InstanceDirectory(dir))) {
      refused("is in use by pid " + ProcessHandle.current().pid(), up());
    }
  }

  @Test
  void anUnknownKeyIsRefused() throws IOException {
    formatted();
    Files.writeString(dir.resolve("lampyris.toml"), "[layout]\nchunksize = \"1MiB\"\n");
    refused("line 2: there is no key 'layout.chunksize'", up());
  }

  @Test
  void anUnknownKeyInAGivenFileIsRefusedBeforeAnythingIsMade() throws IOException {
    Path file = Files.writeString(temp.resolve("my.toml"), "speed = \"high\"\n");
    refused("line 1: there is no key 'speed'", up("--config", file.toString()));
  }

  @Test
  void otherTargetsThanWereFormattedAreRefused() throws IOException {
    formatted();
    refused("was formatted with another targets; observed=2, limit=1", up("--targets", "2"));
    refused("was formatted with another target size", up("--target-size", "512MiB"));
  }

  @Test
  void aLostDeviceFileIsRefused() throws IOException {
    formatted();
    refused("a target has lost its device", up());
  }

  @Test
  void aCorruptSuperblockIsRefused() throws Exception {
    formatted();
    Path target = dir.resolve("targets/1");
    TargetStore.format(target, new TargetSpec(1, 1, 256 << 20));
    try (FileChannel device =
        FileChannel.open(target.resolve("device"), StandardOpenOption.WRITE)) {
      device.write(ByteBuffer.allocate(1 << 20), 0);
    }
    refused("no superblock of " + target.resolve("device") + " is readable", up());
  }

  @Test
  void detachRefusesTheSameWay() throws IOException {
    refused("--targets is out of range", up("--targets", "0", "--detach"));
    refused("the targets do not fit on the disk", up("--target-size", "4096T", "--detach"));
  }

  @Test
  void statusAndDownRefuseADirectoryThatIsNoInstance() throws IOException {
    refused("is no directory of an instance", "status", "--dir", dir.toString());
    refused("is no directory of an instance", "down", "--dir", dir.toString());
  }

  @Test
  void wrongArgumentsAreRefused() throws IOException {
    refused("no command was named");
    refused("--mount", "up", "--dir", dir.toString());
    refused("frobnicate", "frobnicate");
    refused("many", up("--targets", "many"));
  }

  @Test
  void downSaysWhenNothingRunsAndThatIsNoFailure() throws IOException {
    formatted();
    assertEquals(Main.DONE, run("down", "--dir", dir.toString()));
    assertTrue(out.contains("not running"), out);
  }

  @Test
  void statusOfAStoppedInstanceIsAnErrorWithItsReason() throws IOException {
    formatted();
    assertEquals(Main.FAILED, run("status", "--dir", dir.toString(), "-o", "json"));
    assertTrue(out.contains("\"health\": \"HEALTH_ERR\""), out);
    assertTrue(out.contains("NOT_RUNNING"), out);
  }

  @Test
  void checkRefusesWhatIsNoTargetOrIsInUse() throws Exception {
    refused("is no directory of an instance", "check", "--dir", dir.toString());
    formatted();
    refused("there is nothing to check", "check", "--dir", dir.toString());
    try (InstanceLock _ = InstanceLock.acquire(new InstanceDirectory(dir))) {
      refused("a running instance cannot be checked", "check", "--dir", dir.toString());
    }
    Path target = dir.resolve("targets/1");
    TargetStore.format(target, new TargetSpec(1, 1, 16 << 20));
    try (TargetStore _ = TargetStore.open(target, TargetOptions.defaults())) {
      refused("the target is open", "check", "--dir", target.toString());
      refused("the target is open", "check", "--dir", dir.toString());
    }
  }

  @Test
  void checkSaysWhatIsIntactAndWhatIsDamagedAndChangesNothing() throws Exception {
    formatted();
    TargetStore.format(dir.resolve("targets/1"), new TargetSpec(1, 1, 16 << 20));
    TargetStore.format(dir.resolve("targets/2"), new TargetSpec(2, 2, 16 << 20));
    Map<String, String> before = snapshot();
    assertEquals(Main.DONE, run("check", "--dir", dir.toString()), err);
    assertTrue(out.contains("target 1 in") && out.contains("target 2 in"), out);
    assertTrue(out.endsWith("intact\n"), out);
    assertEquals(before, snapshot());
    try (FileChannel device =
        FileChannel.open(dir.resolve("targets/2/device"), StandardOpenOption.WRITE)) {
      device.write(ByteBuffer.allocate(1), 32);
    }
    before = snapshot();
    assertEquals(Main.FAILED, run("check", "--dir", dir.toString(), "-o", "json"), err);
    assertTrue(out.contains("\"code\": \"SUPERBLOCK_DAMAGED\""), out);
    assertTrue(out.contains("\"clean\": false"), out);
    assertEquals(before, snapshot());
    assertEquals(Main.DONE, run("check", "--dir", dir.resolve("targets/1").toString()), err);
    assertEquals(Main.FAILED, run("check", "--dir", dir + "/targets/2", "--no-data"), err);
    assertTrue(out.contains("ERROR SUPERBLOCK_DAMAGED"), out);
    assertTrue(out.contains("DATA_NOT_CHECKED"), out);
  }

  @Test
  void checkHostAnswersInBothFormsAndItsExitCodeIsItsVerdict() throws IOException {
    Map<String, String> before = snapshot();
    int exitCode = run("check", "host", "-o", "json");
    Map<String, Object> report = Json.parseObject(out);
    Map<?, ?> summary = (Map<?, ?>) report.getOrDefault("summary", Map.of());
    assertEquals(exitCode, Boolean.TRUE.equals(summary.get("usable")) ? Main.DONE : Main.FAILED);
    assertEquals(exitCode, run("check", "host"));
    for (Object check : (List<?>) report.getOrDefault("checks", List.of())) {
      Map<?, ?> finding = (Map<?, ?>) check;
      assertEquals(Set.of("id", "state", "observed", "limit", "remedy"), finding.keySet(), out);
      assertTrue(out.contains("  " + finding.get("id") + " "), out);
    }
    assertEquals(Main.FAILED, run("check", "host", "--device", "ffff:ff:1f.7"), out);
    assertTrue(out.contains("ERR   nvme.ffff:ff:1f.7"), out);
    assertEquals(before, snapshot());
  }

  @Test
  void checkHostRefusesWhatIsNoAddressAndWhatIsOfTheCheckOfATarget() throws IOException {
    refused("--device is no PCIe address", "check", "host", "--device", "nvme0");
    refused("'--output'", "check", "host", "-o", "xml");
    refused("--dir and --no-data are of", "check", "--dir", dir.toString(), "host");
    refused("Missing required option: '--dir=DIR'", "check", "--no-data");
    refused("--frob", "check", "--frob");
    assertTrue(err.contains("limit=the options of this command"), err);
  }

  @Test
  void helpTeachesByExample() throws IOException {
    for (String command : new String[] {"quickstart", "up", "down", "status", "check"}) {
      assertEquals(Main.DONE, run(command, "--help"));
      assertTrue(out.contains("Example"), out);
    }
    assertEquals(Main.DONE, run("check", "host", "--help"));
    assertTrue(out.contains("lampyris check host --device"), out);
    assertEquals(Main.DONE, run("--help"));
    assertTrue(out.contains("lampyris quickstart"), out);
    assertEquals(Main.DONE, run("--version"));
    assertTrue(out.startsWith("lampyris " + Version.NUMBER), out);
  }

  private String[] up(String... more) {
    return Stream.concat(
            Stream.of("up", "--dir", dir.toString(), "--mount", mount.toString()), Stream.of(more))
        .toArray(String[]::new);
  }

  private void formatted() throws IOException {
    Files.createDirectory(dir);
    Files.writeString(
        dir.resolve("FORMAT"),
        """
        format=1
        state=ready
        uuid=7b3ff0f6-0b4c-4f3a-9d3e-0123456789ab
        targets=1
        target_size=268435456
        """);
    Files.createFile(dir.resolve("lock"));
  }

  private void refused(String what, String... args) throws IOException {
    Map<String, String> before = snapshot();
    assertEquals(Main.WRONG_INPUT, run(args), err);
    assertTrue(err.contains(what), err);
    assertTrue(err.contains("observed="), err);
    assertTrue(err.contains("limit="), err);
    assertTrue(err.contains("remedy: "), err);
    assertEquals(before, snapshot(), "nothing has changed");
  }

  private Map<String, String> snapshot() throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> tree = Files.walk(temp)) {
      for (Path path : (Iterable<Path>) tree::iterator) {
        files.put(path.toString(), Files.isRegularFile(path) ? content(path) : "directory");
      }
    }
    return files;
  }

  private static String content(Path file) throws IOException {
    return Files.size(file) < 64 << 10
        ? Files.readString(file, StandardCharsets.ISO_8859_1)
        : Files.size(file) + " bytes of " + Files.getLastModifiedTime(file);
  }

  private int run(String... args) {
    StringWriter outText = new StringWriter();
    StringWriter errText = new StringWriter();
    CommandLine command = Main.commandLine();
    command.setOut(new PrintWriter(outText)).setErr(new PrintWriter(errText));
    int exitCode = command.execute(args);
    out = outText.toString();
    err = errText.toString();
    return exitCode;
  }
}
