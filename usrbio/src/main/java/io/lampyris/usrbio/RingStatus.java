package io.lampyris.usrbio;

import io.lampyris.client.FileSystem.User;

/**
 * A ring at one moment.
 *
 * @param key what it was registered as
 * @param pid of the process that registered it; 0 when it is not visible here
 * @param program the process's name when it registered; empty when it was not visible
 * @param entries how many I/Os fit
 * @param registeredNs since 1970
 * @param retired gets no more service, for its memory was impossible
 * @param prepared waiting in the ring
 * @param inFlight taken and not completed
 * @param completed since it was registered, with {@code failures}
 * @param bytes moved by those that did not fail
 * @param latencies from when an I/O was taken to when its completion was written
 */
public record RingStatus(
    RegistrationKey key,
    int pid,
    User user,
    String program,
    int entries,
    long registeredNs,
    boolean retired,
    int prepared,
    int inFlight,
    long completed,
    long failures,
    long bytes,
    LatencyCounts latencies) {}
