package io.lampyris.mgmtd.service;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** What a command was given, by name. */
record Arguments(SortedMap<String, String> byName) {
  boolean has(String name) {
    return byName.containsKey(name);
  }

  String text(String name, String otherwise) {
    return byName.getOrDefault(name, otherwise);
  }

  String text(String name) throws RefusedException {
    String value = byName.get(name);
    if (value == null || value.isEmpty()) {
      throw RefusedException.because("argument is missing", name, "given", "name it");
    }
    return value;
  }

  long whole(String name) throws RefusedException {
    return parsed(name, text(name));
  }

  long whole(String name, long otherwise) throws RefusedException {
    return has(name) ? parsed(name, text(name)) : otherwise;
  }

  int id(String name) throws RefusedException {
    return inRange(name, whole(name), 1);
  }

  int id(String name, int otherwise) throws RefusedException {
    return has(name) ? id(name) : otherwise;
  }

  int count(String name, int otherwise) throws RefusedException {
    return inRange(name, whole(name, otherwise), 0);
  }

  boolean flag(String name) {
    return text(name, "false").equals("true");
  }

  /** Numbers with commas between them. */
  List<Long> wholes(String name) throws RefusedException {
    List<Long> numbers = new ArrayList<>();
    for (String part : text(name).split(",", -1)) {
      numbers.add(parsed(name, part.strip()));
    }
    return numbers;
  }

  /** What stands behind a prefix in names, with the values. */
  SortedMap<String, String> behind(String prefix) {
    SortedMap<String, String> found = new TreeMap<>();
    byName.forEach((name, value) -> {
      if (name.startsWith(prefix)) {
        found.put(name.substring(prefix.length()), value);
      }
    });
    return found;
  }

  private static int inRange(String name, long value, int min) throws RefusedException {
    if (value < min || value > Integer.MAX_VALUE) {
      throw RefusedException.because(
          name + " is out of range", value, min + " … " + Integer.MAX_VALUE, "correct it");
    }
    return (int) value;
  }

  private static long parsed(String name, String text) throws RefusedException {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw RefusedException.because(name + " is no number", text, "digits", "correct it");
    }
  }
}
