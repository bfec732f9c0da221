package io.lampyris.meta.service;

import io.lampyris.meta.ops.Caller;
import io.lampyris.meta.ops.Client;
import io.lampyris.meta.ops.Sessions;
import io.lampyris.meta.ops.SetAttributes;
import io.lampyris.meta.service.Request.Identity;
import io.lampyris.meta.service.Request.Malformed;
import io.lampyris.meta.service.Request.Name;
import io.lampyris.protocol.sbe.BeginTruncateDecoder;
import io.lampyris.protocol.sbe.CloseFileDecoder;
import io.lampyris.protocol.sbe.CreateFileDecoder;
import io.lampyris.protocol.sbe.EndChoreDecoder;
import io.lampyris.protocol.sbe.EndTruncateDecoder;
import io.lampyris.protocol.sbe.GetAttributesDecoder;
import io.lampyris.protocol.sbe.IdentityDecoder;
import io.lampyris.protocol.sbe.ListChoresDecoder;
import io.lampyris.protocol.sbe.ListDirectoryDecoder;
import io.lampyris.protocol.sbe.LookupDecoder;
import io.lampyris.protocol.sbe.MakeDirectoryDecoder;
import io.lampyris.protocol.sbe.MakeLinkDecoder;
import io.lampyris.protocol.sbe.MakeSymlinkDecoder;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.OpenFileDecoder;
import io.lampyris.protocol.sbe.QueryNamespaceDecoder;
import io.lampyris.protocol.sbe.ReadSymlinkDecoder;
import io.lampyris.protocol.sbe.RemoveDirectoryDecoder;
import io.lampyris.protocol.sbe.RenameDecoder;
import io.lampyris.protocol.sbe.SetAttributesDecoder;
import io.lampyris.protocol.sbe.SyncFileDecoder;
import io.lampyris.protocol.sbe.UnlinkDecoder;
import io.lampyris.protocol.sbe.UserDecoder;
import io.lampyris.reactor.net.Call;
import org.agrona.concurrent.UnsafeBuffer;

/** Decodes messages, and believes no length in them. Owner: the service's reactor. */
final class RequestDecoder {
  private final UnsafeBuffer message = new UnsafeBuffer(0, 0);
  private final MessageHeaderDecoder header = new MessageHeaderDecoder();
  private final LookupDecoder lookup = new LookupDecoder();
  private final GetAttributesDecoder getAttributes = new GetAttributesDecoder();
  private final SetAttributesDecoder setAttributes = new SetAttributesDecoder();
  private final CreateFileDecoder createFile = new CreateFileDecoder();
  private final MakeDirectoryDecoder makeDirectory = new MakeDirectoryDecoder();
  private final MakeSymlinkDecoder makeSymlink = new MakeSymlinkDecoder();
  private final ReadSymlinkDecoder readSymlink = new ReadSymlinkDecoder();
  private final MakeLinkDecoder makeLink = new MakeLinkDecoder();
  private final UnlinkDecoder unlink = new UnlinkDecoder();
  private final RemoveDirectoryDecoder removeDirectory = new RemoveDirectoryDecoder();
  private final RenameDecoder rename = new RenameDecoder();
  private final ListDirectoryDecoder listDirectory = new ListDirectoryDecoder();
  private final OpenFileDecoder openFile = new OpenFileDecoder();
  private final CloseFileDecoder closeFile = new CloseFileDecoder();
  private final SyncFileDecoder syncFile = new SyncFileDecoder();
  private final BeginTruncateDecoder beginTruncate = new BeginTruncateDecoder();
  private final EndTruncateDecoder endTruncate = new EndTruncateDecoder();
  private final ListChoresDecoder listChores = new ListChoresDecoder();
  private final EndChoreDecoder endChore = new EndChoreDecoder();
  private int length;

  /** The message of a call. */
  Request decode(Call call) throws Malformed {
    length = call.requestLength;
    if (length < MessageHeaderDecoder.ENCODED_LENGTH || length > call.request.capacity()) {
      throw new Malformed();
    }
    message.wrap(call.request, 0, length);
    header.wrap(message, 0);
    if (header.schemaId() != MessageHeaderDecoder.SCHEMA_ID) {
      throw new Malformed();
    }
    try {
      return decode(header.templateId());
    } catch (IndexOutOfBoundsException e) {
      throw new Malformed();
    }
  }

  private Request decode(int templateId) throws Malformed {
    return switch (templateId) {
      case LookupDecoder.TEMPLATE_ID -> lookup();
      case GetAttributesDecoder.TEMPLATE_ID -> getAttributes();
      case SetAttributesDecoder.TEMPLATE_ID -> setAttributes();
      case CreateFileDecoder.TEMPLATE_ID -> createFile();
      case MakeDirectoryDecoder.TEMPLATE_ID -> makeDirectory();
      case MakeSymlinkDecoder.TEMPLATE_ID -> makeSymlink();
      case ReadSymlinkDecoder.TEMPLATE_ID -> readSymlink();
      case MakeLinkDecoder.TEMPLATE_ID -> makeLink();
      case UnlinkDecoder.TEMPLATE_ID -> unlink();
      case RemoveDirectoryDecoder.TEMPLATE_ID -> removeDirectory();
      case RenameDecoder.TEMPLATE_ID -> rename();
      case ListDirectoryDecoder.TEMPLATE_ID -> listDirectory();
      case OpenFileDecoder.TEMPLATE_ID -> openFile();
      case CloseFileDecoder.TEMPLATE_ID -> closeFile();
      case SyncFileDecoder.TEMPLATE_ID -> syncFile();
      case BeginTruncateDecoder.TEMPLATE_ID -> beginTruncate();
      case EndTruncateDecoder.TEMPLATE_ID -> endTruncate();
      case ListChoresDecoder.TEMPLATE_ID -> listChores();
      case EndChoreDecoder.TEMPLATE_ID -> endChore();
      case QueryNamespaceDecoder.TEMPLATE_ID -> new Request.QueryNamespace();
      default -> new Request.Unknown();
    };
  }

  private Request lookup() throws Malformed {
    checkBlock(LookupDecoder.BLOCK_LENGTH);
    LookupDecoder d = lookup.wrapAndApplyHeader(message, 0, header);
    byte[] name = room(d.limit(), d.nameLength(), LookupDecoder.nameHeaderLength());
    d.getName(name, 0, name.length);
    return new Request.Lookup(d.parent(), new Name(name));
  }

  private Request getAttributes() throws Malformed {
    checkBlock(GetAttributesDecoder.BLOCK_LENGTH);
    GetAttributesDecoder d = getAttributes.wrapAndApplyHeader(message, 0, header);
    return new Request.GetAttributes(d.inode());
  }

  private Request setAttributes() throws Malformed {
    checkBlock(SetAttributesDecoder.BLOCK_LENGTH);
    SetAttributesDecoder d = setAttributes.wrapAndApplyHeader(message, 0, header);
    SetAttributes.Change change =
        new SetAttributes.Change(
            (int) d.valid(), d.mode(), d.uid(), d.gid(), d.atimeNs(), d.mtimeNs());
    return new Request.Set(caller(d.user()), d.inode(), change);
  }

  private Request createFile() throws Malformed {
    checkBlock(CreateFileDecoder.BLOCK_LENGTH);
    CreateFileDecoder d = createFile.wrapAndApplyHeader(message, 0, header);
    byte[] name = room(d.limit(), d.nameLength(), CreateFileDecoder.nameHeaderLength());
    d.getName(name, 0, name.length);
    return new Request.Create(
        CreateFileDecoder.TEMPLATE_ID,
        caller(d.user()),
        identity(d.identity()),
        d.parent(),
        new Name(name),
        d.mode(),
        (int) d.flags());
  }

  private Request makeDirectory() throws Malformed {
    checkBlock(MakeDirectoryDecoder.BLOCK_LENGTH);
    MakeDirectoryDecoder d = makeDirectory.wrapAndApplyHeader(message, 0, header);
    byte[] name = room(d.limit(), d.nameLength(), MakeDirectoryDecoder.nameHeaderLength());
    d.getName(name, 0, name.length);
    return new Request.MakeDirectory(
        MakeDirectoryDecoder.TEMPLATE_ID,
        caller(d.user()),
        identity(d.identity()),
        d.parent(),
        new Name(name),
        d.mode());
  }

  private Request makeSymlink() throws Malformed {
    checkBlock(MakeSymlinkDecoder.BLOCK_LENGTH);
    MakeSymlinkDecoder d = makeSymlink.wrapAndApplyHeader(message, 0, header);
    byte[] name = room(d.limit(), d.nameLength(), MakeSymlinkDecoder.nameHeaderLength());
    d.getName(name, 0, name.length);
    byte[] target = room(d.limit(), d.targetLength(), MakeSymlinkDecoder.targetHeaderLength());
    d.getTarget(target, 0, target.length);
    return new Request.MakeSymlink(
        MakeSymlinkDecoder.TEMPLATE_ID,
        caller(d.user()),
        identity(d.identity()),
        d.parent(),
        new Name(name),
        new Name(target));
  }

  private Request readSymlink() throws Malformed {
    checkBlock(ReadSymlinkDecoder.BLOCK_LENGTH);
    ReadSymlinkDecoder d = readSymlink.wrapAndApplyHeader(message, 0, header);
    return new Request.ReadSymlink(d.inode());
  }

  private Request makeLink() throws Malformed {
    checkBlock(MakeLinkDecoder.BLOCK_LENGTH);
    MakeLinkDecoder d = makeLink.wrapAndApplyHeader(message, 0, header);
    byte[] name = room(d.limit(), d.nameLength(), MakeLinkDecoder.nameHeaderLength());
    d.getName(name, 0, name.length);
    return new Request.MakeLink(
        MakeLinkDecoder.TEMPLATE_ID, identity(d.identity()), d.inode(), d.parent(), new Name(name));
  }

  private Request unlink() throws Malformed {
    checkBlock(UnlinkDecoder.BLOCK_LENGTH);
    UnlinkDecoder d = unlink.wrapAndApplyHeader(message, 0, header);
    byte[] name = room(d.limit(), d.nameLength(), UnlinkDecoder.nameHeaderLength());
    d.getName(name, 0, name.length);
    return new Request.Unlink(
        UnlinkDecoder.TEMPLATE_ID,
        caller(d.user()),
        identity(d.identity()),
        d.parent(),
        new Name(name));
  }

  private Request removeDirectory() throws Malformed {
    checkBlock(RemoveDirectoryDecoder.BLOCK_LENGTH);
    RemoveDirectoryDecoder d = removeDirectory.wrapAndApplyHeader(message, 0, header);
    byte[] name = room(d.limit(), d.nameLength(), RemoveDirectoryDecoder.nameHeaderLength());
    d.getName(name, 0, name.length);
    return new Request.RemoveDirectory(
        RemoveDirectoryDecoder.TEMPLATE_ID,
        caller(d.user()),
        identity(d.identity()),
        d.parent(),
        new Name(name));
  }

  private Request rename() throws Malformed {
    checkBlock(RenameDecoder.BLOCK_LENGTH);
    RenameDecoder d = rename.wrapAndApplyHeader(message, 0, header);
    byte[] name = room(d.limit(), d.nameLength(), RenameDecoder.nameHeaderLength());
    d.getName(name, 0, name.length);
    byte[] newName = room(d.limit(), d.newNameLength(), RenameDecoder.newNameHeaderLength());
    d.getNewName(newName, 0, newName.length);
    return new Request.Rename(
        RenameDecoder.TEMPLATE_ID,
        caller(d.user()),
        identity(d.identity()),
        d.parent(),
        new Name(name),
        d.newParent(),
        new Name(newName),
        (int) d.flags());
  }

  private Request listDirectory() throws Malformed {
    checkBlock(ListDirectoryDecoder.BLOCK_LENGTH);
    ListDirectoryDecoder d = listDirectory.wrapAndApplyHeader(message, 0, header);
    byte[] after = room(d.limit(), d.afterLength(), ListDirectoryDecoder.afterHeaderLength());
    d.getAfter(after, 0, after.length);
    return new Request.List(d.inode(), new Name(after), d.entriesMax());
  }

  private Request openFile() throws Malformed {
    checkBlock(OpenFileDecoder.BLOCK_LENGTH);
    OpenFileDecoder d = openFile.wrapAndApplyHeader(message, 0, header);
    return new Request.Open(client(d.identity()), d.inode(), (int) d.flags());
  }

  private Request closeFile() throws Malformed {
    checkBlock(CloseFileDecoder.BLOCK_LENGTH);
    CloseFileDecoder d = closeFile.wrapAndApplyHeader(message, 0, header);
    return new Request.Close(
        client(d.identity()),
        d.inode(),
        new Sessions.Report(d.lengthBytes(), d.truncateVersion(), d.mtimeNs()));
  }

  private Request syncFile() throws Malformed {
    checkBlock(SyncFileDecoder.BLOCK_LENGTH);
    SyncFileDecoder d = syncFile.wrapAndApplyHeader(message, 0, header);
    return new Request.Sync(
        d.inode(),
        new Sessions.Report(d.lengthBytes(), d.truncateVersion(), d.mtimeNs()),
        d.durable() != 0);
  }

  private Request beginTruncate() throws Malformed {
    checkBlock(BeginTruncateDecoder.BLOCK_LENGTH);
    BeginTruncateDecoder d = beginTruncate.wrapAndApplyHeader(message, 0, header);
    return new Request.BeginTruncate(
        BeginTruncateDecoder.TEMPLATE_ID, identity(d.identity()), d.inode(), d.lengthBytes());
  }

  private Request endTruncate() throws Malformed {
    checkBlock(EndTruncateDecoder.BLOCK_LENGTH);
    EndTruncateDecoder d = endTruncate.wrapAndApplyHeader(message, 0, header);
    return new Request.EndTruncate(d.inode(), d.truncateVersion());
  }

  private Request listChores() throws Malformed {
    checkBlock(ListChoresDecoder.BLOCK_LENGTH);
    ListChoresDecoder d = listChores.wrapAndApplyHeader(message, 0, header);
    return new Request.ListChores(
        d.kind(), d.after(), d.choresMax(), new Client(d.clientHigh(), d.clientLow()));
  }

  private Request endChore() throws Malformed {
    checkBlock(EndChoreDecoder.BLOCK_LENGTH);
    EndChoreDecoder d = endChore.wrapAndApplyHeader(message, 0, header);
    return new Request.EndChore(
        d.kind(), d.inode(), d.lengthBytes(), new Client(d.clientHigh(), d.clientLow()));
  }

  /** The fixed part is all there; a newer peer's may be longer. */
  private void checkBlock(int blockLength) throws Malformed {
    int observed = header.blockLength();
    if (observed < blockLength || MessageHeaderDecoder.ENCODED_LENGTH + observed > length) {
      throw new Malformed();
    }
  }

  /** The variable part that begins at {@code limit} is all there. */
  private byte[] room(int limit, int lengthBytes, int headerLength) throws Malformed {
    if (limit + headerLength + lengthBytes > length) {
      throw new Malformed();
    }
    return new byte[lengthBytes];
  }

  private static Caller caller(UserDecoder user) {
    return new Caller(user.uid(), user.gid());
  }

  private static Identity identity(IdentityDecoder identity) {
    return new Identity(client(identity), identity.sequence(), identity.channel());
  }

  private static Client client(IdentityDecoder identity) {
    return new Client(identity.clientHigh(), identity.clientLow());
  }
}
