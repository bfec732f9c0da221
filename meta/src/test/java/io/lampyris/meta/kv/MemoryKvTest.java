package io.lampyris.meta.kv;

import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.kv.MemoryKv;
import java.nio.file.Path;

class MemoryKvTest extends KvConformanceTest {
  @Override
  Kv open(Path directory) {
    return new MemoryKv();
  }
}
