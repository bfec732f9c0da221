package io.lampyris.cli.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JsonTest {
  @Test
  void whatIsWrittenIsReadBackEqual_I1() {
    Map<String, Object> value =
        Map.of(
            "text",
            "quotes \" and \\ and\nlines\tand \u0001 and ü",
            "number",
            123456789012L,
            "negative",
            -1L,
            "fraction",
            1.5,
            "yes",
            true,
            "list",
            List.of(1L, "two", List.of(), Map.of()));
    assertEquals(value, Json.parse(Json.write(value)));
    assertEquals(value, Json.parse(Json.pretty(value)));
  }

  @Test
  void rubbishIsRefused() {
    for (String text :
        new String[] {
          "", "{", "[1,]", "{\"a\" 1}", "nul", "1 2", "\"open", "\"\\u12", "[".repeat(99)
        }) {
      assertThrows(IllegalArgumentException.class, () -> Json.parse(text), text);
    }
  }
}
