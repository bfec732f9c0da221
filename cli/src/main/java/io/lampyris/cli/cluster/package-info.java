/**
 * Processes of a cluster over TCP, and the way to ask its manager.
 *
 * <h2>What</h2>
 *
 * A {@link io.lampyris.cli.cluster.ClusterFile} says where the managers are and which secret the
 * cluster shares; one file can serve all processes and operators. {@link
 * io.lampyris.cli.cluster.ManagerProcess} is what {@code lampyris mgmtd} runs. {@link
 * io.lampyris.cli.cluster.ClusterLink} is a way to the managers for a command.
 *
 * <pre>
 *   [cluster]
 *   managers = ["1001@mgr-1:9700", "1002@mgr-2:9700"]   # node id @ host : port
 *   secret_file = "secret"                              # at least 16 bytes; relative to this file
 *
 *   [mgmtd]                                             # for lampyris mgmtd alone
 *   node = 1001                                         # which of the managers this one is
 *   listen = "0.0.0.0:9700"                             # default: its address above
 *   dir = "/var/lib/lampyris/mgmtd"
 *
 *   [mgmtd.settings]                                    # over those of the cluster
 *   "mgmtd.spare.after" = "5min"
 * </pre>
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a key that is not known is an error, with the keys that are.
 *   <li>I2: the secret is never printed.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * The main thread starts and stops; the manager runs on a reactor of its own.
 *
 * <h2>Failure</h2>
 *
 * {@link io.lampyris.cli.base.InputException} for what is wrong in the file, {@link
 * io.lampyris.cli.base.FailedException} for what the machine or the manager refuses.
 */
@NullMarked
package io.lampyris.cli.cluster;

import org.jspecify.annotations.NullMarked;
