package io.lampyris.reactor.sim;

import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.device.IoRequest;

/** A device that does what another one does, but for what is planted in it. */
public abstract class ForwardingDevice implements Device {
  protected final Device real;

  protected ForwardingDevice(Device real) {
    this.real = real;
  }

  @Override
  public void submit(IoRequest request) {
    real.submit(request);
  }

  @Override
  public String name() {
    return real.name();
  }

  @Override
  public long sizeBytes() {
    return real.sizeBytes();
  }

  @Override
  public int alignmentBytes() {
    return real.alignmentBytes();
  }

  @Override
  public boolean wantsDiscards() {
    return real.wantsDiscards();
  }

  @Override
  public int inFlight() {
    return real.inFlight();
  }

  @Override
  public void close() {
    real.close();
  }
}
