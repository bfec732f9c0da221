package io.lampyris.protocol.cluster;

import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A command with its arguments.
 *
 * @param replyRoom the most bytes of an answer's message
 * @param arguments by name, in order of names
 */
public record AdminRequest(
    AdminCommand command, int replyRoom, SortedMap<String, String> arguments) {
  public AdminRequest {
    arguments = Collections.unmodifiableSortedMap(new TreeMap<>(arguments));
  }

  public AdminRequest(AdminCommand command, int replyRoom, Map<String, String> arguments) {
    this(command, replyRoom, new TreeMap<>(arguments));
  }
}
