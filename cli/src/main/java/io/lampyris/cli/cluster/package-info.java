/**
 * Processes of a cluster over TCP, and the way to ask its manager.
 *
 * <h2>What</h2>
 *
 * A {@link io.lampyris.cli.cluster.ClusterFile} says where the managers and the metadata services
 * are and which secret the cluster shares; one file can serve all processes and operators. {@link
 * io.lampyris.cli.cluster.ManagerProcess} is what {@code lampyris mgmtd} runs, {@link
 * io.lampyris.cli.cluster.StorageProcess} {@code lampyris storage}, {@link
 * io.lampyris.cli.cluster.MetaProcess} {@code lampyris meta} and {@link
 * io.lampyris.cli.cluster.ClientProcess} {@code lampyris mount}. {@link
 * io.lampyris.cli.cluster.ClusterLink} is a way to the managers for a command. {@link
 * io.lampyris.cli.cluster.Addresses} tells a network where nodes are, as routing says it last.
 *
 * <pre>
 *   [cluster]
 *   managers = ["1001@mgr-1:9700", "1002@mgr-2:9700"]   # node id @ host : port
 *   meta = ["2001@meta-1:9900"]
 *   secret_file = "secret"                              # at least 16 bytes; relative to this file
 *   rdma = "auto"                                       # or "off", or DEVICE[:PORT[:GID_INDEX]]
 *
 *   [mgmtd]                                             # for lampyris mgmtd alone
 *   node = 1001                                         # which of the managers this one is
 *   listen = "0.0.0.0:9700"                             # default: its address above
 *   dir = "/var/lib/lampyris/mgmtd"
 *
 *   [mgmtd.settings]                                    # over those of the cluster
 *   "mgmtd.spare.after" = "5min"
 *
 *   [storage]                                           # for lampyris storage alone
 *   node = 1
 *   listen = "0.0.0.0:9801"                             # port 0: any
 *   address = "stor-1:9801"                             # default: listen; by which others reach it
 *   domain = "rack-7"                                   # what fails together with it
 *   dir = "/var/lib/lampyris/storage"
 *   disks = ["/data/0", "/data/1"]                      # "" keeps the place of one that is gone
 *   targets_per_disk = 2
 *   target_size = "64GiB"
 *   durability = "strict"                               # and all else of an instance's [storage]
 *
 *   [storage.settings]                                  # mgmtd.lease.*: as the manager's, or shorter
 *   "mgmtd.lease.duration" = "2s"
 *
 *   [meta]                                              # for lampyris meta alone
 *   node = 2001
 *   listen = "0.0.0.0:9900"                             # default: its address above
 *   dir = "/var/lib/lampyris/meta"
 *   chunk_size = "1MiB"
 *   chain_table = 1
 *   stripe = 16
 *
 *   [client]                                            # for lampyris mount; may be left out
 *   dir = "/var/lib/lampyris/client"                    # default: "client"
 *   name = "cluster"
 *   local_node = 0                                      # whose targets are read first
 * </pre>
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a key that is not known is an error, with the keys that are.
 *   <li>I2: the secret is never printed.
 *   <li>I3: every start of a storage node has a higher incarnation than those before it.
 *   <li>I4: a target's number tells its node, disk and place, so no two of a cluster are the same;
 *       a directory that holds another target, or another node's state, is refused.
 *   <li>I5: a storage node that is told to stop leaves its chains first, and waits a bounded time
 *       for the manager to take note.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * The main thread starts and stops; each role runs on a reactor of its own. Names of hosts are
 * resolved on a thread that may wait.
 *
 * <h2>Failure</h2>
 *
 * {@link io.lampyris.cli.base.InputException} for what is wrong in the file, {@link
 * io.lampyris.cli.base.FailedException} for what the machine or the manager refuses. A role whose
 * reactor fails ends its process; a target that cannot be opened is left out and the others serve.
 */
@NullMarked
package io.lampyris.cli.cluster;

import org.jspecify.annotations.NullMarked;
