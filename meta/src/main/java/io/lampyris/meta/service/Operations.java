package io.lampyris.meta.service;

import io.lampyris.meta.ops.Chores;
import io.lampyris.meta.ops.Creates;
import io.lampyris.meta.ops.Listings;
import io.lampyris.meta.ops.Lookups;
import io.lampyris.meta.ops.Removes;
import io.lampyris.meta.ops.Renames;
import io.lampyris.meta.ops.Sessions;
import io.lampyris.meta.ops.SetAttributes;
import io.lampyris.meta.ops.Truncates;
import io.lampyris.meta.ops.View;
import io.lampyris.meta.schema.Inode;
import io.lampyris.meta.schema.Outcome;
import io.lampyris.protocol.ChoreKind;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.net.Call;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Runs requests: from a message to its operation to its answer. Owner: the service's reactor. */
final class Operations {
  private enum Kind {
    READ,
    /** Committed; a timer makes it durable. */
    RELAXED,
    DURABLE
  }

  private final ReplyEncoder replies = new ReplyEncoder();
  private Kind kind = Kind.READ;

  /** Before each request: it has changed nothing yet. */
  void reset() {
    kind = Kind.READ;
  }

  /** Whether the last request has nothing to commit. */
  boolean isReadOnly() {
    return kind == Kind.READ;
  }

  /** Whether the last request may be answered only when it is durable. */
  boolean promisesDurability() {
    return kind == Kind.DURABLE;
  }

  long execute(Call call, Request request, View view) {
    return switch (request) {
      case Request.Unknown _ -> Status.NOT_IMPLEMENTED.code();
      case Request.ReadSymlink r -> readSymlink(call, view, r);
      case Request.List r -> list(call, view, r);
      case Request.QueryNamespace _ -> queryNamespace(call, view);
      case Request.ListChores r -> listChores(call, view, r);
      case Request.EndChore r -> endChore(view, r);
      default -> withAttributes(call, request, view);
    };
  }

  /** Requests that are answered with attributes, which must have room before anything happens. */
  private long withAttributes(Call call, Request request, View view) {
    if (call.reply.capacity() < ReplyEncoder.ATTRIBUTES_BYTES) {
      return Status.INVALID_ARGUMENT.code();
    }
    kind = kindOf(request);
    long result = operate(request, view);
    if (result >= 0) {
      encode(call, view.answer());
    }
    return result;
  }

  private void encode(Call call, @Nullable Inode answer) {
    if (answer == null) {
      replies.noAttributes(call);
    } else {
      replies.attributes(call, answer);
    }
  }

  private static Kind kindOf(Request request) {
    return switch (request) {
      case Request.Recorded _ -> Kind.DURABLE;
      case Request.Set r ->
          (r.change().mask() & SetAttributes.DURABLE) != 0 ? Kind.DURABLE : Kind.RELAXED;
      case Request.Sync r -> r.durable() ? Kind.DURABLE : Kind.RELAXED;
      case Request.Open _, Request.Close _, Request.EndTruncate _ -> Kind.RELAXED;
      default -> Kind.READ;
    };
  }

  private static long operate(Request request, View view) {
    return switch (request) {
      case Request.Lookup r -> Lookups.lookup(view, r.parent(), r.name().bytes);
      case Request.GetAttributes r -> Lookups.attributes(view, r.inode());
      case Request.Set r -> SetAttributes.set(view, r.caller(), r.inode(), r.change());
      case Request.Create r ->
          Creates.file(
              view,
              r.caller(),
              r.identity().client(),
              r.parent(),
              r.name().bytes,
              r.mode(),
              r.flags());
      case Request.MakeDirectory r ->
          Creates.directory(view, r.caller(), r.parent(), r.name().bytes, r.mode());
      case Request.MakeSymlink r ->
          Creates.symlink(view, r.caller(), r.parent(), r.name().bytes, r.target().bytes);
      case Request.MakeLink r -> Creates.hardLink(view, r.inode(), r.parent(), r.name().bytes);
      case Request.Unlink r -> Removes.unlink(view, r.caller(), r.parent(), r.name().bytes);
      case Request.RemoveDirectory r ->
          Removes.directory(view, r.caller(), r.parent(), r.name().bytes);
      case Request.Rename r ->
          Renames.rename(
              view,
              r.caller(),
              r.parent(),
              r.name().bytes,
              r.newParent(),
              r.newName().bytes,
              r.flags());
      case Request.Open r -> Sessions.open(view, r.client(), r.inode(), r.flags());
      case Request.Close r -> Sessions.close(view, r.client(), r.inode(), r.report());
      case Request.Sync r -> Sessions.sync(view, r.inode(), r.report());
      case Request.BeginTruncate r -> Truncates.begin(view, r.inode(), r.lengthBytes());
      case Request.EndTruncate r -> Truncates.end(view, r.inode(), r.truncateVersion());
      default -> Status.NOT_IMPLEMENTED.code();
    };
  }

  /** Answers a retry as the first time; what happened then may still wait for its sync. */
  long repeat(Call call, Request.Recorded request, Outcome outcome) {
    if (outcome.operation() != request.operation()
        || call.reply.capacity() < ReplyEncoder.ATTRIBUTES_BYTES) {
      return Status.INVALID_ARGUMENT.code();
    }
    encode(call, outcome.answer());
    kind = Kind.DURABLE;
    return 0;
  }

  private long readSymlink(Call call, View view, Request.ReadSymlink request) {
    long result = Lookups.readSymlink(view, request.inode());
    Inode inode = view.answer();
    return result < 0 || inode == null ? result : replies.symlink(call, inode.symlinkTarget());
  }

  private long list(Call call, View view, Request.List request) {
    List<ReplyEncoder.Entry> page = new ArrayList<>();
    int[] room = {ReplyEncoder.directoryRoomBytes(call)};
    if (room[0] < 0) {
      return Status.INVALID_ARGUMENT.code();
    }
    int max = ReplyEncoder.entriesMax(request.entriesMax());
    long result =
        Listings.list(
            view,
            request.inode(),
            request.after().bytes,
            max,
            (inode, typeBits, name) -> {
              ReplyEncoder.Entry entry = new ReplyEncoder.Entry(inode, typeBits, name);
              room[0] -= entry.sizeBytes();
              return room[0] >= 0 && page.add(entry);
            });
    if (result > 0 && page.isEmpty()) {
      return Status.INVALID_ARGUMENT.code();
    }
    if (result < 0) {
      return result;
    }
    replies.directory(call, result > 0, page);
    return 0;
  }

  private long queryNamespace(Call call, View view) {
    if (call.reply.capacity() < ReplyEncoder.NAMESPACE_BYTES) {
      return Status.INVALID_ARGUMENT.code();
    }
    replies.namespace(call, Lookups.inodeCount(view));
    return 0;
  }

  private long listChores(Call call, View view, Request.ListChores request) {
    int max = ReplyEncoder.choresMax(call, request.choresMax());
    List<Chores.Chore> page = new ArrayList<>();
    long result =
        isChoreKind(request.kind())
            ? Chores.list(
                view, ChoreKind.of(request.kind()), request.after(), max, request.caller(), page)
            : Status.INVALID_ARGUMENT.code();
    if (result < 0) {
      return result;
    }
    replies.chores(call, result > 0, page);
    return 0;
  }

  /** Answered without a message. */
  private long endChore(View view, Request.EndChore request) {
    if (!isChoreKind(request.kind())) {
      return Status.INVALID_ARGUMENT.code();
    }
    ChoreKind chore = ChoreKind.of(request.kind());
    kind = chore == ChoreKind.SETTLE ? Kind.DURABLE : Kind.RELAXED;
    return Chores.end(view, chore, request.inode(), request.lengthBytes(), request.client());
  }

  private static boolean isChoreKind(int number) {
    return number >= ChoreKind.REMOVE.number() && number <= ChoreKind.SETTLE.number();
  }
}
