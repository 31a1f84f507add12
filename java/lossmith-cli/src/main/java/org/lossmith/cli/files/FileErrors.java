package org.lossmith.cli.files;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.lossmith.cli.FailureException;

/** Failures of files in words for people. */
public final class FileErrors {
  private FileErrors() {}

  /** A failure that names the file and why it could not be read or written. */
  public static FailureException of(Path file, IOException e) {
    return new FailureException(file + ": " + reason(e), e);
  }

  /** Why, without the name of the file. */
  public static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "no such file or directory";
    }
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    }
    if (e instanceof FileSystemException named && named.getReason() != null) {
      return named.getReason();
    }
    return e.getMessage();
  }
}
