package io.lampyris.reactor.sim;

import io.lampyris.bindings.Errno;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.device.IoRequest;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A device in a simulation. Requests take a random time and overtake each other; part of a transfer
 * may take place earlier than the rest, so that a read sees half of a write that is in flight
 * beside it. Submission and completion are points at which the power may fail. Owner: the
 * simulation's thread.
 */
public final class SimDevice implements Device {
  private final SimReactor reactor;
  private final String name;
  private final SimMedium medium;
  private final SimPower power;
  private final SimFaults faults;
  private final Prng prng;
  private final int alignmentBytes;
  private final List<Transfer> inFlight = new ArrayList<>();

  /** One request on its way. */
  private final class Transfer {
    final IoRequest request;
    final long place;
    long flushMark;

    /** What of it took place early. */
    int earlyFrom;

    int earlyTo;

    Transfer(IoRequest request, long place) {
      this.request = request;
      this.place = place;
    }

    void early() {
      if (power.isOff() || !inFlight.contains(this)) {
        return;
      }
      int sectors = request.lengthBytes / SimDisk.SECTOR_BYTES;
      if (sectors > 1) {
        int from = prng.below(sectors);
        earlyFrom = from * SimDisk.SECTOR_BYTES;
        earlyTo = prng.between(from, sectors + 1) * SimDisk.SECTOR_BYTES;
        move(earlyFrom, earlyTo);
      }
    }

    void move(int from, int to) {
      if (from == to) {
        return;
      }
      MemorySegment memory = request.buffer;
      long offset = request.bufferOffset + from;
      if (request.kind == IoRequest.Kind.READ) {
        medium.read(place + from, memory, offset, to - from);
      } else {
        medium.write(place + from, memory, offset, to - from);
      }
    }

    void complete() {
      if (power.isOff()) {
        return;
      }
      if (reactor.isStopped()) {
        reactor.offer(nowNs -> complete());
        return;
      }
      inFlight.remove(this);
      int errno = errno();
      if (errno == 0) {
        take();
      }
      power.point(request.kind + " done at " + request.deviceOffset);
      long result = errno != 0 ? status(errno) : isTransfer(request) ? request.lengthBytes : 0;
      IoRequest.complete(request, result, errno);
    }

    private void take() {
      switch (request.kind) {
        case READ -> {
          move(0, earlyFrom);
          move(earlyTo, request.lengthBytes);
        }
        case WRITE -> move(0, request.lengthBytes);
        case WRITE_FUA -> {
          move(0, request.lengthBytes);
          // More durable than asked for, as disks are free to be.
          medium.flushed(medium.flushMark());
        }
        case FLUSH -> medium.flushed(flushMark);
        case DISCARD -> medium.discard(request.deviceOffset, request.discardBytes);
      }
    }

    private int errno() {
      return switch (request.kind) {
        case READ -> prng.oneIn(faults.readErrorOneIn) ? Errno.EIO : 0;
        case WRITE, WRITE_FUA ->
            prng.oneIn(faults.writeErrorOneIn)
                ? Errno.EIO
                : prng.oneIn(faults.noSpaceOneIn) ? Errno.ENOSPC : 0;
        case FLUSH -> prng.oneIn(faults.flushErrorOneIn) ? Errno.EIO : 0;
        case DISCARD -> 0;
      };
    }
  }

  public SimDevice(
      SimReactor reactor,
      String name,
      SimMedium medium,
      int alignmentBytes,
      SimPower power,
      SimFaults faults) {
    this.reactor = reactor;
    this.name = name;
    this.medium = medium;
    this.alignmentBytes = alignmentBytes;
    this.power = power;
    this.faults = faults;
    this.prng = reactor.simulation().prng();
  }

  private static long status(int errno) {
    return errno == Errno.ENOSPC ? Status.NO_SPACE.code() : Status.DEVICE_ERROR.code();
  }

  private static boolean isTransfer(IoRequest request) {
    return request.kind != IoRequest.Kind.FLUSH && request.kind != IoRequest.Kind.DISCARD;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long sizeBytes() {
    return medium.sizeBytes();
  }

  @Override
  public int alignmentBytes() {
    return alignmentBytes;
  }

  @Override
  public boolean wantsDiscards() {
    return false;
  }

  @Override
  public int inFlight() {
    return inFlight.size();
  }

  @Override
  public void submit(IoRequest request) {
    assert reactor.inReactor() : "owner: reactor";
    assert !request.isInFlight() : "a request is submitted once at a time";
    assert request.fits(alignmentBytes, medium.sizeBytes())
        : "request does not fit the device; observed=%s offset %d length %d, limit=alignment %d size %d"
            .formatted(
                request.kind,
                request.deviceOffset,
                request.lengthBytes,
                alignmentBytes,
                medium.sizeBytes());
    if (power.isOff()) {
      return;
    }
    power.point(request.kind + " submitted at " + request.deviceOffset);
    IoRequest.accepted(request);
    Transfer transfer = new Transfer(request, placeOf(request));
    if (request.kind == IoRequest.Kind.FLUSH) {
      transfer.flushMark = medium.flushMark();
    }
    inFlight.add(transfer);
    long delayNs = latencyNs();
    if (isTransfer(request) && request.kind != IoRequest.Kind.WRITE_FUA && prng.coin()) {
      reactor.simulation().after(prng.below(delayNs + 1), transfer::early);
    }
    reactor.simulation().after(delayNs, transfer::complete);
  }

  /** For devices that are broken on purpose: says that a request was done, and does nothing. */
  public void pretend(IoRequest request) {
    IoRequest.accepted(request);
    reactor
        .simulation()
        .after(
            latencyNs(),
            () ->
                reactor.offer(nowNs -> {
                  if (!power.isOff()) {
                    IoRequest.complete(request, 0, 0);
                  }
                }));
  }

  private long latencyNs() {
    long usual = faults.latencyMinNs + prng.below(faults.latencyMaxNs - faults.latencyMinNs + 1);
    return prng.oneIn(faults.stragglerOneIn) ? usual * (1 + prng.below(30)) : usual;
  }

  private long placeOf(IoRequest request) {
    boolean write =
        request.kind == IoRequest.Kind.WRITE || request.kind == IoRequest.Kind.WRITE_FUA;
    if (!write || !prng.oneIn(faults.misdirectOneIn)) {
      return request.deviceOffset;
    }
    long within = faults.misdirectWithinBytes;
    long last = medium.sizeBytes() - request.lengthBytes;
    long from = within == 0 ? 0 : Math.max(0, request.deviceOffset - within);
    long to = within == 0 ? last : Math.min(last, request.deviceOffset + within);
    long place = from + prng.below((to - from) / alignmentBytes + 1) * alignmentBytes;
    if (isSpared(request.deviceOffset, request.lengthBytes)
        || isSpared(place, request.lengthBytes)) {
      return request.deviceOffset;
    }
    faults.witness.onMisdirected(request.deviceOffset, place, request.lengthBytes);
    return place;
  }

  private boolean isSpared(long offset, int bytes) {
    return offset < faults.sparedTo && offset + bytes > faults.sparedFrom;
  }

  /**
   * After a cut, before the requests' memory goes: writes in flight may have reached the medium's
   * cache, from which the medium's own cut takes what it likes.
   */
  public void powerCut() {
    assert power.isOff() : "after a cut";
    for (Transfer transfer : inFlight) {
      boolean write = isTransfer(transfer.request) && transfer.request.kind != IoRequest.Kind.READ;
      if (write && prng.coin()) {
        transfer.move(0, transfer.request.lengthBytes);
      }
    }
    inFlight.clear();
  }

  @Override
  public void close() {
    assert power.isOff() || inFlight.isEmpty() : "closed with requests in flight";
  }
}
