package io.lampyris.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.cli.base.Json;
import io.lampyris.cli.cluster.ClusterFile;
import io.lampyris.cli.cluster.ManagerProcess;
import io.lampyris.protocol.LocalState;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.cluster.TargetReport;
import io.lampyris.protocol.lease.LeaseTerms;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.cluster.NodeAgent;
import io.lampyris.reactor.cluster.NodeHost;
import io.lampyris.reactor.cluster.NodeOptions;
import io.lampyris.reactor.net.tcp.TcpNetwork;
import io.lampyris.reactor.net.tcp.TcpOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** A manager process, storage nodes' agents and the operator's commands, all over TCP. */
@Timeout(120)
class ClusterCommandsTest {
  private static final int MANAGER = 1001;
  private static final String SECRET = "a secret that only tests share";

  @TempDir private Path dir;
  private Path config = Path.of("");
  private final List<AutoCloseable> open = new ArrayList<>();
  private final AtomicInteger founded = new AtomicInteger();
  private int port;
  private String out = "";
  private String err = "";

  @BeforeEach
  void startManager() throws Exception {
    Files.writeString(dir.resolve("secret"), SECRET + "\n");
    ManagerProcess manager = manager(write("manager.toml", 0));
    port = manager.port();
    open.add(manager);
    config = write("cluster.toml", port);
  }

  @AfterEach
  void stopAll() throws Exception {
    for (AutoCloseable each : open.reversed()) {
      each.close();
    }
  }

  private Path write(String name, int at) throws IOException {
    return Files.writeString(
        dir.resolve(name),
        """
        [cluster]
        managers = ["%d@127.0.0.1:%d"]
        secret_file = "secret"
        [mgmtd]
        node = %d
        dir = "mgmtd"
        [mgmtd.settings]
        "mgmtd.spare.after" = "1h"
        """
            .formatted(MANAGER, at, MANAGER));
  }

  private static ManagerProcess manager(Path file) throws Exception {
    ClusterFile read = ClusterFile.read(file);
    ClusterFile.Manager self = read.manager();
    assert self != null;
    return ManagerProcess.start(read, self, fault -> {});
  }

  /** Nodes 1 … count with two targets each, until they are closed. */
  private void startNodes(int count) {
    for (int id = 1; id <= count; id++) {
      Reactor reactor =
          Reactor.builder("node-" + id).bufferClasses(List.of(new SizeClass(64 << 10, 4))).build();
      TcpNetwork network = network(reactor);
      Host host = new Host(id);
      NodeOptions options = new NodeOptions(id, 1, "", "", List.of(MANAGER), LeaseTerms.DEFAULT);
      NodeAgent agent = new NodeAgent(reactor, network, options, host);
      reactor.start();
      reactor.offer(nowNs -> agent.onStart());
      open.add(() -> {
        reactor.offer(nowNs -> agent.onClose());
        network.close();
        reactor.close();
      });
    }
  }

  private TcpNetwork network(Reactor reactor) {
    TcpOptions options =
        TcpOptions.withSecret(SECRET.getBytes(StandardCharsets.ISO_8859_1)).connectionsMax(8);
    InetSocketAddress at = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    return new TcpNetwork(
        reactor, "tcp", options, node -> node == MANAGER ? at : null, new Counters());
  }

  private final class Host implements NodeHost {
    private final int id;
    private final boolean[] whole = new boolean[2];

    Host(int id) {
      this.id = id;
    }

    @Override
    public List<TargetReport> targets() {
      List<TargetReport> reports = new ArrayList<>();
      for (int i = 0; i < whole.length; i++) {
        long targetId = id * 100L + i;
        reports.add(new TargetReport(targetId, 7, 0, LocalState.ONLINE, whole[i], 0, 1L << 30, 0));
      }
      return reports;
    }

    @Override
    public void onRouting(Routing routing) {}

    @Override
    public void onWhole(long targetId, long storeId) {
      int i = (int) (targetId % 100);
      if (!whole[i]) {
        whole[i] = true;
        founded.incrementAndGet();
      }
    }

    @Override
    public void onStop(long targetId) {}
  }

  private int run(String... words) {
    StringWriter standard = new StringWriter();
    StringWriter error = new StringWriter();
    List<String> all = new ArrayList<>(List.of(words));
    all.addAll(List.of("--config", config.toString()));
    CommandLine command =
        Main.commandLine().setOut(new PrintWriter(standard)).setErr(new PrintWriter(error));
    int code = command.execute(all.toArray(String[]::new));
    out = standard.toString();
    err = error.toString();
    return code;
  }

  private void done(String... words) {
    assertEquals(Main.DONE, run(words), () -> String.join(" ", words) + ": " + out + err);
  }

  private void refused(String why, String... words) {
    assertEquals(Main.WRONG_INPUT, run(words), () -> out + err);
    assertTrue(err.contains(why), err);
  }

  private void await(String what, String... words) {
    while (run(words) != Main.DONE || !out.contains(what)) {
      LockSupport.parkNanos(20_000_000);
    }
  }

  @Test
  void anOperatorMakesAClusterOfWhatReportsAndLooksAtIt() {
    startNodes(3);
    await("nodes=3 targets=6", "cluster", "status");
    done("chain", "create", "--replicas", "3");
    assertTrue(out.contains("2 chains of 3"), out);
    await("HEALTH_OK", "cluster", "status");
    done("chain", "list", "-o", "json");
    Map<String, Object> json = Json.parseObject(out);
    assertEquals(2, ((List<?>) json.getOrDefault("rows", List.of())).size());
    done("chain", "show", "1");
    assertTrue(out.contains("SERVING"), out);
    while (founded.get() < 6) {
      LockSupport.parkNanos(20_000_000);
    }
    done("node", "list");
    done("target", "list", "--node", "2");
    assertTrue(out.contains("201") && !out.contains("101"), out);
    done("node", "tag", "2", "rack=7");
    done("node", "show", "2");
    assertTrue(out.contains("rack=7"), out);
    done("chain", "rebalance", "--dry-run");
    refused("no such chain", "chain", "show", "9");
    refused("already", "chain", "create", "--replicas", "3");
    refused("members of chains", "node", "decommission", "1");
  }

  @Test
  void whatTakesItsTimeIsFollowedToItsEndOrToTheTimeThatWasGiven() {
    startNodes(4);
    await("nodes=4 targets=8", "cluster", "status");
    done("chain", "create", "--replicas", "4", "--targets-per-disk", "1");
    await("HEALTH_OK", "cluster", "status");
    done("chain", "rebalance");
    assertTrue(out.startsWith("rebalance: done, 0 members"), out);
    done("chain", "rebalance", "-o", "json");
    String last = out.lines().toList().getLast();
    assertEquals("DONE", Json.parseObject(last).get("state"), out);
    // Every node has a member, so there is nowhere to go.
    assertEquals(Main.FAILED, run("node", "drain", "1", "--timeout", "1s"), out);
    assertTrue(err.contains("drain of node 1 has not ended in time"), err);
    assertTrue(err.contains("0 of 1 members"), err);
    assertTrue(err.contains("lampyris node undrain 1"), err);
    done("node", "undrain", "1");
    assertEquals(
        Main.FAILED,
        run("target", "replace", "--node", "2", "--disk", "0", "--timeout", "1s"),
        out);
    assertTrue(err.contains("spares take over"), err);
    done("target", "unretire", "--node", "2", "--disk", "0");
    done("node", "drain", "3", "--no-wait");
    assertTrue(out.contains("node 3 is draining: 1 members"), out);
    refused("no such node", "node", "drain", "9");
    refused("disk has no targets", "target", "retire", "--node", "2", "--disk", "7");
    refused("neither a target nor a disk", "target", "retire", "--node", "2");
    refused("--timeout is no time", "chain", "rebalance", "--timeout", "soon");
    refused("has to wait", "node", "drain", "3", "--no-wait", "--decommission");
  }

  @Test
  void whatWasDecidedIsThereAfterTheManagerWasStartedAgain() throws Exception {
    startNodes(3);
    await("targets=6", "cluster", "status");
    done("chain", "create", "--replicas", "3");
    done("config", "set", "mgmtd.client.timeout=2min");
    ((ManagerProcess) open.getFirst()).close();
    open.set(0, manager(write("manager.toml", port)));
    await("2min", "config", "show", "mgmtd.client.timeout");
    await("HEALTH_OK", "cluster", "status");
    assertTrue(out.contains("chains=2"), out);
  }

  @Test
  void aConfigurationThatIsWrongIsRefusedWithItsReasons() {
    await("HEALTH_OK", "cluster", "status");
    refused("soon", "config", "set", "mgmtd.client.timeout=2min", "mgmtd.lease.duration=soon");
    done("config", "show", "mgmtd.client.timeout");
    assertTrue(out.contains("1min"), out);
    done("config", "verify", "mgmtd.client.timeout=3min");
    done("config", "list", "-o", "json");
    assertTrue(out.contains("\"value\": \"1min\""), out);
  }

  @Test
  void whoHasAnotherSecretIsNotAnswered() throws Exception {
    Files.writeString(dir.resolve("secret"), "another secret of tests\n");
    assertEquals(Main.FAILED, run("cluster", "status"));
    assertTrue(err.contains("the cluster secret was refused; observed=a manager of ["), err);
    assertEquals(Main.FAILED, run("chain", "rebalance"));
    assertTrue(err.contains("the cluster secret was refused"), err);
  }

  @Test
  void aFileThatSaysNothingUsefulIsRefusedBeforeAnythingRuns() throws Exception {
    Files.writeString(config, "[cluster]\nmanager = [\"1@h:1\"]\n");
    refused("there is no key 'cluster.manager'", "node", "list");
    Files.writeString(config, "[cluster]\nmanagers = [\"h:1\"]\nsecret_file = \"secret\"\n");
    refused("ID@HOST:PORT", "node", "list");
    Files.writeString(dir.resolve("secret"), "short");
    Files.writeString(config, "[cluster]\nmanagers = [\"1@h:1\"]\nsecret_file = \"secret\"\n");
    refused("too short", "node", "list");
  }
}
