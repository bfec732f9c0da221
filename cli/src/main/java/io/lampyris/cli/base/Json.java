package io.lampyris.cli.base;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** JSON as maps, lists, strings, longs, doubles and booleans; there is no null here. */
public final class Json {
  private static final int DEPTH_MAX = 64;

  private final String text;
  private int at;

  private Json(String text) {
    this.text = text;
  }

  /** On one line. */
  public static String write(Object value) {
    StringBuilder out = new StringBuilder();
    write(value, out, -1);
    return out.toString();
  }

  /** Indented, for people. */
  public static String pretty(Object value) {
    StringBuilder out = new StringBuilder();
    write(value, out, 0);
    return out.toString();
  }

  /**
   * Reads one value.
   *
   * @throws IllegalArgumentException when the text is not that
   */
  public static Object parse(String text) {
    Json json = new Json(text);
    Object value = json.value(0);
    json.space();
    if (json.at != text.length()) {
      throw json.malformed("text after the value");
    }
    return value;
  }

  /** Reads one object; the keys are strings because the parser makes them so. */
  @SuppressWarnings("unchecked")
  public static Map<String, Object> parseObject(String text) {
    if (parse(text) instanceof Map<?, ?> map) {
      return (Map<String, Object>) map;
    }
    throw new IllegalArgumentException("not a JSON object: " + text);
  }

  private static void write(Object value, StringBuilder out, int indent) {
    switch (value) {
      case Map<?, ?> map -> writeMap(map, out, indent);
      case List<?> list -> writeList(list, out, indent);
      case Double number when !Double.isFinite(number) -> out.append("0");
      case Number number -> out.append(number);
      case Boolean bool -> out.append(bool);
      default -> quote(value.toString(), out);
    }
  }

  private static void writeMap(Map<?, ?> map, StringBuilder out, int indent) {
    out.append('{');
    int inner = indent < 0 ? -1 : indent + 1;
    String before = "";
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      out.append(before);
      newline(out, inner);
      quote(String.valueOf(entry.getKey()), out);
      out.append(indent < 0 ? ":" : ": ");
      write(entry.getValue(), out, inner);
      before = ",";
    }
    if (!map.isEmpty()) {
      newline(out, indent);
    }
    out.append('}');
  }

  private static void writeList(List<?> list, StringBuilder out, int indent) {
    out.append('[');
    int inner = indent < 0 ? -1 : indent + 1;
    String before = "";
    for (Object each : list) {
      out.append(before);
      newline(out, inner);
      write(each, out, inner);
      before = ",";
    }
    if (!list.isEmpty()) {
      newline(out, indent);
    }
    out.append(']');
  }

  private static void newline(StringBuilder out, int indent) {
    if (indent >= 0) {
      out.append('\n').repeat(' ', 2 * indent);
    }
  }

  private static void quote(String string, StringBuilder out) {
    out.append('"');
    int done = 0;
    for (int i = 0; i < string.length(); i++) {
      char c = string.charAt(i);
      if (c < 0x20 || c == '"' || c == '\\') {
        out.append(string, done, i);
        escape(c, out);
        done = i + 1;
      }
    }
    out.append(string, done, string.length()).append('"');
  }

  private static void escape(char c, StringBuilder out) {
    switch (c) {
      case '"' -> out.append("\\\"");
      case '\\' -> out.append("\\\\");
      case '\n' -> out.append("\\n");
      case '\r' -> out.append("\\r");
      case '\t' -> out.append("\\t");
      default -> out.append(String.format("\\u%04x", (int) c));
    }
  }

  private Object value(int depth) {
    if (depth > DEPTH_MAX) {
      throw malformed("nested deeper than " + DEPTH_MAX);
    }
    space();
    return switch (peek()) {
      case '{' -> object(depth);
      case '[' -> list(depth);
      case '"' -> string();
      case 't' -> word("true", true);
      case 'f' -> word("false", false);
      default -> number();
    };
  }

  private Map<String, Object> object(int depth) {
    Map<String, Object> map = new LinkedHashMap<>();
    at++;
    space();
    while (peek() != '}') {
      space();
      String key = string();
      space();
      expect(':');
      map.put(key, value(depth + 1));
      separator('}');
    }
    at++;
    return map;
  }

  private List<Object> list(int depth) {
    List<Object> list = new ArrayList<>();
    at++;
    space();
    while (peek() != ']') {
      list.add(value(depth + 1));
      separator(']');
    }
    at++;
    return list;
  }

  private void separator(char close) {
    space();
    if (peek() == close) {
      return;
    }
    expect(',');
    space();
    if (peek() == close) {
      throw malformed("a comma before the end");
    }
  }

  private String string() {
    expect('"');
    StringBuilder out = new StringBuilder();
    while (peek() != '"') {
      char c = text.charAt(at++);
      out.append(c == '\\' ? escaped() : c);
    }
    at++;
    return out.toString();
  }

  private char escaped() {
    char c = peek();
    at++;
    return switch (c) {
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'u' -> {
        if (at + 4 > text.length()) {
          throw malformed("a short escape");
        }
        at += 4;
        yield (char) Integer.parseInt(text.substring(at - 4, at), 16);
      }
      default -> c;
    };
  }

  private Object number() {
    int start = at;
    while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    String digits = text.substring(start, at);
    if (digits.isEmpty()) {
      throw malformed("a value was expected");
    }
    return digits.chars().allMatch(c -> c == '-' || Character.isDigit(c))
        ? (Object) Long.parseLong(digits)
        : (Object) Double.parseDouble(digits);
  }

  private Object word(String word, boolean value) {
    if (!text.startsWith(word, at)) {
      throw malformed("a value was expected");
    }
    at += word.length();
    return value;
  }

  private void space() {
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
  }

  private char peek() {
    if (at >= text.length()) {
      throw malformed("it ends early");
    }
    return text.charAt(at);
  }

  private void expect(char c) {
    if (peek() != c) {
      throw malformed("'" + c + "' was expected");
    }
    at++;
  }

  private IllegalArgumentException malformed(String why) {
    return new IllegalArgumentException(
        "not JSON: %s; observed=at %d of '%s'".formatted(why, at, text));
  }
}
