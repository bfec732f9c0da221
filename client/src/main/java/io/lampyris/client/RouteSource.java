package io.lampyris.client;

import io.lampyris.protocol.Routing;
import java.util.function.LongConsumer;
import java.util.function.Supplier;

/** Where chunks are, and how to ask for news. Any thread, but for {@link #refresh}. */
public interface RouteSource {
  /** The newest routing that is known; the same object until it changes. */
  Routing routing();

  /** Routing of this version has proved stale, or may have. Owner: the data path's reactor. */
  void refresh(long staleVersion);

  /** Routing that nobody needs to ask for. */
  static RouteSource of(Supplier<Routing> routing) {
    return of(routing, staleVersion -> {});
  }

  static RouteSource of(Supplier<Routing> routing, LongConsumer refresh) {
    return new RouteSource() {
      @Override
      public Routing routing() {
        return routing.get();
      }

      @Override
      public void refresh(long staleVersion) {
        refresh.accept(staleVersion);
      }
    };
  }
}
