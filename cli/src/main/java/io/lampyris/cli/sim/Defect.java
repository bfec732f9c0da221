package io.lampyris.cli.sim;

import io.lampyris.chunkengine.chain.ChainService;
import io.lampyris.chunkengine.chain.ServingRight;
import io.lampyris.reactor.cluster.NodeAgent;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.net.Service;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimClock;
import io.lampyris.reactor.sim.SimDevice;
import io.lampyris.reactor.sim.Simulation;

/** What is broken on purpose, to show that the simulator finds it. */
public enum Defect {
  NONE,
  /** A retry is not recognised: the record of who made the last update is forgotten. */
  FORGET_DEDUP {
    @Override
    Service around(ChainService service, Prng prng) {
      return call -> {
        Tampering.rename(call, prng);
        service.onCall(call);
      };
    }
  },
  /** Flushes are acknowledged and not done, so updates are acknowledged before they are durable. */
  ACK_BEFORE_DURABLE {
    @Override
    Device around(SimDevice device) {
      return new Tampering.FlushLiar(device);
    }
  },
  /** The head acknowledges an update when it comes in, before the tail has it. */
  ACK_BEFORE_TAIL {
    @Override
    Service around(ChainService service, Prng prng) {
      return call -> {
        if (!Tampering.answersAtOnce(call, service)) {
          service.onCall(call);
        }
      };
    }
  },
  /** A member answers reads with what it has committed, and asks nobody. */
  DIRTY_READ {
    @Override
    Service around(ChainService service, Prng prng) {
      return call -> {
        Tampering.readAsCommitted(call);
        service.onCall(call);
      };
    }
  },
  /** Messages are taken under whatever version of the chain they name. */
  IGNORE_CHAIN_VERSION {
    @Override
    Service around(ChainService service, Prng prng) {
      return call -> {
        Tampering.takeAnyVersion(call, service);
        service.onCall(call);
      };
    }
  },
  /** A lease ends by the wall clock, which is set back now and then. */
  WALL_CLOCK_LEASE {
    @Override
    ServingRight around(NodeAgent agent, SimClock clock, Simulation simulation) {
      return new Tampering.WallClockRight(agent, clock, simulation);
    }
  };

  /** The service as a node with this defect has it. */
  Service around(ChainService service, Prng prng) {
    return service;
  }

  /** The device likewise. */
  Device around(SimDevice device) {
    return device;
  }

  /** The right to answer likewise. */
  ServingRight around(NodeAgent agent, SimClock clock, Simulation simulation) {
    return agent::mayServe;
  }
}
