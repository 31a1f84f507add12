package org.lossmith.cli.npy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.ZipFile;
import org.lossmith.Device;
import org.lossmith.LabelSets;
import org.lossmith.cli.FailureException;

/**
 * Sparse matrices in compressed rows from the .npz files of {@code scipy.sparse.save_npz}, stored
 * or deflated. Columns and offsets may be i4 or i8, values f4, f8, bool or integers (they become
 * f32). Every failure is a {@link FailureException} that names the file and the array in it, what
 * was expected and what came.
 */
public final class NpzFiles {
  private NpzFiles() {}

  /**
   * Reads the rows of a matrix as sets of labels, its values as their relevances.
   *
   * @param device where the sets are to be
   * @return new sets, to be closed by the caller
   */
  public static LabelSets labelSets(Path file, Device device) {
    return matrix(file).labelSets(device);
  }

  /** Reads a matrix. */
  public static CsrMatrix matrix(Path file) {
    if (Files.notExists(file)) {
      throw new FailureException(file + ": no such file or directory");
    }
    if (Files.isDirectory(file)) {
      throw new FailureException(file + ": expected a .npz file, got a directory");
    }
    try (ZipFile zip = new ZipFile(file.toFile())) {
      return matrix(file, zip);
    } catch (NoSuchFileException e) {
      throw new FailureException(file + ": no such file or directory", e);
    } catch (IOException e) {
      throw new FailureException(
          file + ": expected a .npz file (a zip of .npy files), got: " + e.getMessage(), e);
    }
  }

  private static CsrMatrix matrix(Path file, ZipFile zip) throws IOException {
    String format = NpzArray.text(file, zip, "format");
    if (!format.equals("csr")) {
      throw new FailureException(
          file + ": format: expected csr, got " + format + "; the method tocsr() converts");
    }
    long[] shape = NpzArray.longs(file, zip, "shape");
    if (shape.length != 2 || shape[0] < 0 || shape[1] < 0 || shape[1] > Integer.MAX_VALUE) {
      throw new FailureException(
          file
              + ": shape: expected rows and up to 2^31 - 1 columns, got "
              + Arrays.toString(shape));
    }
    long[] indptr = NpzArray.longs(file, zip, "indptr");
    int[] indices = columns(file, NpzArray.longs(file, zip, "indices"), shape[1]);
    float[] data = NpzArray.floats(file, zip, "data");
    checkOffsets(file, indptr, shape[0], indices.length);
    checkValues(file, data, indices.length);
    return new CsrMatrix(shape[0], shape[1], indptr, indices, data);
  }

  private static int[] columns(Path file, long[] indices, long columns) {
    int[] narrow = new int[indices.length];
    for (int i = 0; i < narrow.length; i++) {
      if (indices[i] < 0 || indices[i] >= columns) {
        throw wrong(file, "indices", i, "a column from 0 to " + (columns - 1), indices[i]);
      }
      narrow[i] = (int) indices[i];
    }
    return narrow;
  }

  private static void checkOffsets(Path file, long[] indptr, long rows, int entries) {
    if (indptr.length != rows + 1) {
      throw new FailureException(
          String.format(
              "%s: indptr: expected %d numbers for %d rows, got %d",
              file, rows + 1, rows, indptr.length));
    }
    if (indptr[0] != 0) {
      throw wrong(file, "indptr", 0, "0", indptr[0]);
    }
    for (int i = 1; i < indptr.length; i++) {
      if (indptr[i] < indptr[i - 1]) {
        throw wrong(file, "indptr", i, "at least " + indptr[i - 1], indptr[i]);
      }
    }
    int last = indptr.length - 1;
    if (indptr[last] != entries) {
      throw wrong(file, "indptr", last, "the length of indices, " + entries, indptr[last]);
    }
  }

  private static void checkValues(Path file, float[] data, int entries) {
    if (data.length != entries) {
      throw new FailureException(
          String.format(
              "%s: data: expected %d numbers as indices has, got %d", file, entries, data.length));
    }
    for (int i = 0; i < entries; i++) {
      if (!(data[i] >= 0 && data[i] <= Float.MAX_VALUE)) {
        throw wrong(file, "data", i, "a finite relevance of at least 0", data[i]);
      }
    }
  }

  private static FailureException wrong(
      Path file, String array, int at, String expected, Object got) {
    return new FailureException(
        String.format("%s: %s[%d]: expected %s, got %s", file, array, at, expected, got));
  }
}
