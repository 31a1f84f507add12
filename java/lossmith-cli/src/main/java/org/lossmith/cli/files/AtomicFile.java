package org.lossmith.cli.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * A file that is written beside the one of before and then takes its place, so that a process that
 * is killed leaves a whole file at any time, the old one or the new one. What is not committed is
 * deleted.
 */
public final class AtomicFile implements AutoCloseable {
  private final Path file;
  private final Path part;
  private final FileChannel channel;
  private boolean committed;

  private AtomicFile(Path file, Path part, FileChannel channel) {
    this.file = file;
    this.part = part;
    this.channel = channel;
  }

  /** Begins an empty file that will have the name once it is committed. */
  public static AtomicFile create(Path file) throws IOException {
    Path part = file.resolveSibling(file.getFileName() + ".part");
    FileChannel channel =
        FileChannel.open(
            part,
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING);
    part.toFile().deleteOnExit(); // Someone who stops the program finds no remains either.
    return new AtomicFile(file, part, channel);
  }

  /** Where to write; closed with the file. */
  public FileChannel channel() {
    return channel;
  }

  /** Gives the file its name, in one go as seen from outside. Nothing can be written afterwards. */
  public void commit() throws IOException {
    channel.force(true); // The bytes are on the disk before the name is.
    channel.close();
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    committed = true;
    Path folder = file.toAbsolutePath().getParent();
    try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
      directory.force(true);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
    if (!committed) {
      Files.deleteIfExists(part);
    }
  }
}
