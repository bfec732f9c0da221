package io.lampyris.mgmtd.state;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.SortedMap;
import java.util.TreeMap;

/** A stored value, being written or being read; see the package for the format. */
final class Value {
  private static final int VERSION = 1;

  /** Writes the body of a value. */
  interface Body {
    void write(Writer to) throws IOException;
  }

  /** Reads the body of a value. */
  interface Reading<T> {
    T read(Reader from) throws IOException;
  }

  private Value() {}

  static byte[] write(Body body) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      Writer writer = new Writer(bytes);
      writer.out.writeByte(VERSION);
      body.write(writer);
    } catch (IOException inMemory) {
      throw new UncheckedIOException(inMemory);
    }
    return bytes.toByteArray();
  }

  static <T> T read(byte[] value, Reading<T> reading) {
    try {
      Reader reader = new Reader(value);
      int version = reader.in.readByte();
      if (version != VERSION) {
        throw malformed("of version " + version, value);
      }
      T read = reading.read(reader);
      if (reader.in.available() > 0) {
        throw malformed("longer than it says", value);
      }
      return read;
    } catch (EOFException cut) {
      throw malformed("cut short", value);
    } catch (IOException inMemory) {
      throw new UncheckedIOException(inMemory);
    }
  }

  private static IllegalStateException malformed(String how, byte[] value) {
    return new IllegalStateException(
        "stored cluster state is %s; observed=%d bytes, limit=version %d; remedy: use the release that wrote it, or restore it"
            .formatted(how, value.length, VERSION));
  }

  static final class Writer {
    final DataOutputStream out;

    private Writer(ByteArrayOutputStream bytes) {
      out = new DataOutputStream(bytes);
    }

    void text(String text) throws IOException {
      byte[] bytes = text.getBytes(UTF_8);
      if (bytes.length > 0xFFFF) {
        throw new IllegalArgumentException(
            "text is too long; observed=%d bytes, limit=65535; remedy: shorten it"
                .formatted(bytes.length));
      }
      out.writeShort(bytes.length);
      out.write(bytes);
    }

    void texts(SortedMap<String, String> texts) throws IOException {
      out.writeInt(texts.size());
      for (var entry : texts.entrySet()) {
        text(entry.getKey());
        text(entry.getValue());
      }
    }
  }

  static final class Reader {
    final DataInputStream in;

    private Reader(byte[] value) {
      in = new DataInputStream(new ByteArrayInputStream(value));
    }

    String text() throws IOException {
      byte[] bytes = new byte[in.readUnsignedShort()];
      in.readFully(bytes);
      return new String(bytes, UTF_8);
    }

    SortedMap<String, String> texts() throws IOException {
      SortedMap<String, String> texts = new TreeMap<>();
      for (int left = in.readInt(); left > 0; left--) {
        String name = text();
        texts.put(name, text());
      }
      return texts;
    }
  }
}
