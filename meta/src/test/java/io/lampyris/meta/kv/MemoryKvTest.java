package io.lampyris.meta.kv;

import java.nio.file.Path;

class MemoryKvTest extends KvConformanceTest {
  @Override
  Kv open(Path directory) {
    return new MemoryKv();
  }
}
